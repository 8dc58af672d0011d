package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// The types of a payment (pay_type_id) that are known.
const (
	PayIncome  = 1 // доход
	PayProduct = 2 // продажа товара
	PayRefund  = 3 // возврат
)

// Date is a day as AlfaCRM writes it: dd.mm.yyyy.
func Date(t time.Time) string { return t.Format("02.01.2006") }

// Pay is a payment (платёж) in AlfaCRM.
type Pay struct {
	ID           int
	BranchID     int
	CustomerID   int
	PayTypeID    int
	PayAccountID int // cash desk (касса)
	PayItemID    int // article (статья)
	DocumentDate string
	Income       money.Amount // kopecks
	Expenditure  money.Amount
	PayerName    string
	Note         string
	Confirmed    bool
	Custom       map[string]string // the account's own fields: custom_md_order
	LocationID   int               // 0: none
	ManagerID    int
}

// text reads a string, a number, or null.
type text string

// UnmarshalJSON reads what there is as text.
func (t *text) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0, string(b) == "null", string(b) == "false":
		*t = ""
		return nil
	case b[0] == '"':
		var s string
		err := json.Unmarshal(b, &s)
		*t = text(s)
		return err
	}
	*t = text(b)
	return nil
}

func (t text) int() int {
	n, _ := strconv.Atoi(string(t))
	return n
}

// page is an answer of …/index.
type page struct {
	Total text                         `json:"total"`
	Count text                         `json:"count"`
	Page  text                         `json:"page"`
	Items []map[string]json.RawMessage `json:"items"`
}

func field(item map[string]json.RawMessage, name string) text {
	var t text
	if raw, ok := item[name]; ok {
		_ = t.UnmarshalJSON(raw) // an object or a list stays empty
	}
	return t
}

// sum is a field of roubles; one that cannot be read is an error: it may be
// the payment that is looked for.
func sum(item map[string]json.RawMessage, name string) (money.Amount, error) {
	t := field(item, name)
	if t == "" {
		return 0, nil
	}
	return money.Parse(string(t))
}

// readPay reads one payment.
func readPay(item map[string]json.RawMessage) (Pay, error) {
	p := Pay{ID: field(item, "id").int(), BranchID: field(item, "branch_id").int(), CustomerID: field(item, "customer_id").int(),
		PayTypeID: field(item, "pay_type_id").int(), PayAccountID: field(item, "pay_account_id").int(), PayItemID: field(item, "pay_item_id").int(),
		DocumentDate: string(field(item, "document_date")), PayerName: string(field(item, "payer_name")), Note: string(field(item, "note")),
		Confirmed: field(item, "is_confirmed") == "1" || field(item, "is_confirmed") == "true", Custom: map[string]string{}}
	var err error
	if p.Income, err = sum(item, "income"); err != nil {
		return p, fmt.Errorf("payment %d: income: %w", p.ID, err)
	}
	if p.Expenditure, err = sum(item, "expenditure"); err != nil {
		return p, fmt.Errorf("payment %d: expenditure: %w", p.ID, err)
	}
	for name := range item {
		if len(name) > 7 && name[:7] == "custom_" {
			p.Custom[name] = string(field(item, name))
		}
	}
	return p, nil
}

// amount is a sum as it is sent.
func (c *Client) amount(a money.Amount) any {
	if c.conf.AmountAsNumber {
		return json.RawMessage(a.String())
	}
	return a.String()
}

// PayCreate posts a payment (pay/create) and returns it as AlfaCRM has it. An
// error whose outcome is unknown leaves open whether it was posted: look with
// PayIndex before you repeat.
func (c *Client) PayCreate(ctx context.Context, p Pay) (Pay, error) {
	switch {
	case p.BranchID <= 0, p.CustomerID <= 0, p.PayTypeID <= 0, p.PayAccountID <= 0:
		return Pay{}, acquiring.Invalid("Pay", "needs a branch, a customer, a type and a cash desk")
	case p.Income < 0 || p.Expenditure < 0 || (p.Income == 0) == (p.Expenditure == 0):
		return Pay{}, acquiring.Invalid("Pay", "needs either income or expenditure, more than zero")
	}
	body := map[string]any{"branch_id": p.BranchID, "customer_id": p.CustomerID, "pay_type_id": p.PayTypeID, "pay_account_id": p.PayAccountID,
		"document_date": p.DocumentDate, "note": p.Note, "is_confirmed": 0}
	if p.Confirmed {
		body["is_confirmed"] = 1
	}
	if p.PayItemID != 0 {
		body["pay_item_id"] = p.PayItemID
	}
	if p.LocationID != 0 {
		body["location_id"] = p.LocationID
	}
	if p.ManagerID != 0 {
		body["manager_id"] = p.ManagerID
	}
	if p.PayerName != "" {
		body["payer_name"] = p.PayerName
	}
	if p.Income != 0 {
		body["income"] = c.amount(p.Income)
	} else {
		body["expenditure"] = c.amount(p.Expenditure)
	}
	for name, v := range p.Custom {
		body[name] = v
	}
	var out struct {
		Model map[string]json.RawMessage `json:"model"`
	}
	const op = "pay/create"
	if err := c.do(ctx, request{op: op, branch: p.BranchID, body: body}, &out); err != nil {
		return Pay{}, err
	}
	made, err := readPay(out.Model)
	if err != nil || made.ID == 0 {
		return made, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown,
			Message: "the answer does not say the number of what was posted", Err: err}
	}
	return made, nil
}

// most is how many pages a search may have.
const most = 200

// PayIndex are the payments of a customer (pay/index), all pages. The filter
// may have more fields of AlfaCRM's own. The list is whole, or there is an
// error: what decides whether to post must not miss a payment.
func (c *Client) PayIndex(ctx context.Context, branch, customer int, filter map[string]any) ([]Pay, error) {
	all, err := c.index(ctx, "pay/index", branch, filter, "customer_id", customer)
	if err != nil {
		return nil, err
	}
	var out []Pay
	for _, item := range all {
		p, err := readPay(item)
		if err != nil {
			return nil, &acquiring.Error{Provider: provider, Op: "pay/index", Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeNotSent,
				Message: "a payment cannot be read", Err: err}
		}
		if p.CustomerID == customer {
			out = append(out, p)
		}
	}
	return out, nil
}

// index walks through all pages of a list.
func (c *Client) index(ctx context.Context, op string, branch int, filter map[string]any, name string, id int) ([]map[string]json.RawMessage, error) {
	body := maps.Clone(filter)
	if body == nil {
		body = map[string]any{}
	}
	if name != "" {
		body[name] = id
	}
	seen := map[string]bool{}
	var all []map[string]json.RawMessage
	stale := 0 // pages without anything new: one is where the count begins at 1
	for n := 0; n < most; n++ {
		body["page"] = n
		var p page
		if err := c.do(ctx, request{op: op, branch: branch, body: body, read: true, query: url.Values{"per-page": {"50"}}}, &p); err != nil {
			return nil, notSent(err)
		}
		fresh := 0
		for _, item := range p.Items {
			key := string(field(item, "id"))
			if key != "" && seen[key] {
				continue // a list that grew meanwhile shows some twice
			}
			seen[key] = true
			fresh++
			all = append(all, item)
		}
		if fresh == 0 {
			stale++
		}
		total, err := strconv.Atoi(string(p.Total))
		switch {
		case err == nil && len(all) >= total, err != nil && len(p.Items) == 0:
			return all, nil
		case stale > 1:
			return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeNotSent,
				Message: fmt.Sprintf("the list has %s entries and shows %d of them", p.Total, len(all))}
		}
	}
	return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeNotSent,
		Message: fmt.Sprintf("the list has more than %d pages; narrow the search", most)}
}

// notSent: a search that failed has posted nothing.
func notSent(err error) error {
	if e, ok := err.(*acquiring.Error); ok {
		own := *e
		own.Outcome = acquiring.OutcomeNotSent
		return &own
	}
	return err
}

// Customer is a client of the school (клиент).
type Customer struct {
	ID   int
	Name string
}

// Customer finds a client by his number; acquiring.ErrNotFound: there is none.
// The filter says which are looked at: clients, leads, the archive.
func (c *Client) Customer(ctx context.Context, branch, id int, filter map[string]any) (Customer, error) {
	all, err := c.index(ctx, "customer/index", branch, filter, "id", id)
	if err != nil {
		return Customer{}, err
	}
	for _, item := range all {
		if field(item, "id").int() == id {
			return Customer{ID: id, Name: string(field(item, "name"))}, nil
		}
	}
	return Customer{}, &acquiring.Error{Provider: provider, Op: "customer/index", Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected,
		Message: fmt.Sprintf("branch %d has no client %d", branch, id)}
}

// Entry is a line of a dictionary (справочник).
type Entry struct {
	ID   int
	Name string
}

// Dictionary are the lines of pay-account, pay-item or branch.
func (c *Client) Dictionary(ctx context.Context, branch int, name string) ([]Entry, error) {
	all, err := c.index(ctx, name+"/index", branch, nil, "", 0)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, item := range all {
		label := field(item, "name")
		if label == "" {
			label = field(item, "title")
		}
		out = append(out, Entry{field(item, "id").int(), string(label)})
	}
	return out, nil
}

func keys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
