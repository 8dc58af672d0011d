package retailcrmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// ErrNoAnswer says that the module did not answer, also not to the repetitions.
var ErrNoAnswer = errors.New("the module did not answer")

// Refusal is the module's refusal, as the manager sees it.
type Refusal struct {
	Action  string
	Status  int
	Message string
	Errors  []string
}

// Error is one line.
func (r *Refusal) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%s: refused (HTTP %d): %s %s", r.Action, r.Status, r.Message, strings.Join(r.Errors, "; ")))
}

// Nonsense is an answer that breaks the protocol.
type Nonsense struct {
	Action string
	Why    string
	Answer Answer
}

// Error is one line.
func (n *Nonsense) Error() string {
	return fmt.Sprintf("%s: the answer breaks the protocol: %s (HTTP %d: %.200s)", n.Action, n.Why, n.Answer.Status, n.Answer.Body)
}

// Answer is the module's answer as it came; its first 4 KiB.
type Answer struct {
	Status int
	Body   []byte
}

func (a Answer) decode(v any) error {
	if err := json.Unmarshal(a.Body, v); err != nil {
		return &Nonsense{Action: "answer", Why: "it is not the JSON that was expected: " + err.Error(), Answer: a}
	}
	return nil
}

// result is the object result of an answer that succeeded; nil: there is none.
func (a Answer) result(action string) (object, error) {
	var v any
	if err := emulator.DecodeJSON(a.Body, &v); err != nil {
		return nil, &Nonsense{Action: action, Why: err.Error(), Answer: a}
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, &Nonsense{Action: action, Why: "it is not a JSON object", Answer: a}
	}
	success, ok := o["success"].(bool)
	switch {
	case !ok:
		return nil, &Nonsense{Action: action, Why: "success is missing", Answer: a}
	case success && a.Status != http.StatusOK:
		return nil, &Nonsense{Action: action, Why: "success with another HTTP status than 200", Answer: a}
	case !success:
		r := &Refusal{Action: action, Status: a.Status}
		r.Message, _ = o["errorMsg"].(string)
		if list, ok := o["errors"].([]any); ok {
			for _, e := range list {
				r.Errors = append(r.Errors, fmt.Sprint(e))
			}
		}
		return nil, r
	}
	result, _ := o["result"].(map[string]any)
	return result, nil
}

// Send calls an action of the module with a form of your own: without the
// clientId, with JSON of wrong types. For status the form is the query.
func (s *Server) Send(module, action string, form url.Values) (Answer, error) {
	m, ok := s.Module(module)
	if !ok {
		return Answer{}, fmt.Errorf("retailcrmtest: no module %s is registered", module)
	}
	method, path := http.MethodPost, m.PaymentActions[action]
	switch action {
	case "status":
		method = http.MethodGet
	case "activity":
		path = m.Actions[action]
	}
	if path == "" {
		return Answer{}, fmt.Errorf("retailcrmtest: module %s has no action %s", module, action)
	}
	return s.ask(action, "", method, strings.TrimSuffix(m.BaseURL, "/")+path, form)
}

// act calls an action about an invoice.
func (s *Server) act(i Invoice, action string, payload object) (object, error) {
	m, ok := s.Module(i.Module)
	if !ok {
		return nil, fmt.Errorf("retailcrmtest: no module %s is registered", i.Module)
	}
	path := m.PaymentActions[action]
	if path == "" {
		return nil, fmt.Errorf("retailcrmtest: module %s has no action %s", i.Module, action)
	}
	method, form := http.MethodPost, url.Values{"clientId": {m.ClientID}}
	if action == "status" {
		method = http.MethodGet
		form.Set("paymentId", i.ModulePaymentID)
	} else {
		b, err := json.Marshal(payload)
		if err != nil {
			return nil, err
		}
		form.Set(action, string(b))
	}
	a, err := s.ask(action, i.UUID, method, strings.TrimSuffix(m.BaseURL, "/")+path, form)
	if err != nil {
		return nil, err
	}
	return a.result(action)
}

// sum is a sum as the CRM sends it today: a number or text.
func (s *Server) sum(a Amount) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asText {
		return a.String()
	}
	return roubles(a)
}

// CreateLink is the manager's button "create a link" (выставить счёт). Pressed
// again it shows the link that there is; after a refusal it makes a new
// invoice, after no answer it asks for the same one again.
func (s *Server) CreateLink(paymentID int) (Invoice, error) { return s.link(paymentID, "") }

func (s *Server) link(paymentID int, returnURL string) (Invoice, error) {
	s.mu.Lock()
	p := s.payments[paymentID]
	if p == nil || p.Deleted {
		s.mu.Unlock()
		return Invoice{}, fmt.Errorf("retailcrmtest: no payment %d", paymentID)
	}
	o := s.orders[p.OrderNumber]
	i := s.invoices[p.InvoiceUUID]
	if i != nil && i.Link != "" && i.Status != StatusCanceled {
		defer s.mu.Unlock()
		return i.clone(), nil
	}
	if i == nil || i.Error != "" || i.Status == StatusCanceled {
		i = &Invoice{UUID: s.base.IDs.UUID(), PaymentID: p.ID, Module: p.Module, Shop: p.Shop, Amount: p.Amount, Currency: p.Currency,
			CreatedAt: s.base.Clock.Now(), ReturnURL: returnURL}
		s.invoices[i.UUID] = i
		s.order = append(s.order, i.UUID)
		p.InvoiceUUID = i.UUID
	}
	ask := i.clone()
	s.mu.Unlock()

	payload := object{"shopId": ask.Shop, "invoiceUuid": ask.UUID, "invoiceType": "link", "amount": s.sum(ask.Amount), "currency": ask.Currency,
		"orderNumber": o.Number, "orderId": o.ID, "siteUrl": o.Site, "items": s.items(o), "customer": s.customer(o.Customer)}
	if ask.ReturnURL != "" {
		payload["returnUrl"] = ask.ReturnURL
	}
	result, err := s.act(ask, "create", payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	var refused *Refusal
	if errors.As(err, &refused) {
		i.Error = refused.Message
	}
	if err != nil {
		return i.clone(), err
	}
	own, link := text(result["paymentId"]), text(result["invoiceUrl"])
	switch {
	case own == "" || len([]rune(own)) > 255:
		return i.clone(), &Nonsense{Action: "create", Why: "result.paymentId must be text of 1 to 255 characters"}
	case !isURL(link):
		return i.clone(), &Nonsense{Action: "create", Why: "result.invoiceUrl is not an address"}
	}
	i.ModulePaymentID, i.Link = own, link
	i.Cancellable, _ = result["cancellable"].(bool)
	if i.Status == "" { // unless update-invoice was faster
		s.become(i, StatusPending)
	}
	return i.clone(), nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func (s *Server) items(o *Order) []object {
	out := make([]object, 0, len(o.Items))
	for _, it := range o.Items {
		line := object{"name": it.Name, "price": s.sum(it.Price), "quantity": json.RawMessage(it.Quantity), "measurementUnit": it.Unit, "vat": it.VAT,
			"paymentMethod": it.PaymentMethod, "paymentObject": it.PaymentObject}
		if it.ProductCode != "" {
			line["productCode"] = it.ProductCode
		}
		out = append(out, line)
	}
	return out
}

func (s *Server) customer(c Customer) object {
	kind := c.ContragentType
	if kind == "" {
		kind = "individual"
	}
	out := object{"email": c.Email, "firstName": c.FirstName, "lastName": c.LastName, "patronymic": c.Patronymic, "sex": c.Sex}
	legal := object{"contragentType": kind, "legalName": c.LegalName, "INN": c.INN}
	if s.opt.wholeCustomer {
		out["id"], out["isContact"], out["tags"] = 77, false, []string{}
		out["phones"] = []object{{"number": c.Phone}}
		out["contragent"] = legal
	} else {
		out["phone"] = c.Phone
	}
	for name, v := range legal {
		out[name] = v
	}
	for name, v := range out {
		if v == "" {
			delete(out, name)
		}
	}
	return out
}

// invoice finds the last invoice of a payment that the module knows.
func (s *Server) invoice(paymentID int) (Invoice, error) {
	p, ok := s.Payment(paymentID)
	if !ok {
		return Invoice{}, fmt.Errorf("retailcrmtest: no payment %d", paymentID)
	}
	i, ok := s.Invoice(p.InvoiceUUID)
	if !ok || i.ModulePaymentID == "" {
		return Invoice{}, fmt.Errorf("retailcrmtest: payment %d has no invoice", paymentID)
	}
	return i, nil
}

// Approve confirms a hold (подтвердить). 0: the sum is left out and all is
// taken. The payment's status changes when the module says so.
func (s *Server) Approve(paymentID int, sum Amount) error {
	i, err := s.invoice(paymentID)
	if err != nil {
		return err
	}
	payload := object{"paymentId": i.ModulePaymentID}
	if sum != 0 {
		payload["amount"] = s.sum(sum)
	}
	_, err = s.act(i, "approve", payload)
	return err
}

// Cancel cancels the invoice (отменить): the link, or the hold.
func (s *Server) Cancel(paymentID int) error {
	i, err := s.invoice(paymentID)
	if err != nil {
		return err
	}
	_, err = s.act(i, "cancel", object{"paymentId": i.ModulePaymentID})
	return err
}

// Refund gives money back (вернуть). 0: the sum is left out and all that is
// left is meant.
func (s *Server) Refund(paymentID int, sum Amount) (Refund, error) {
	i, err := s.invoice(paymentID)
	if err != nil {
		return Refund{}, err
	}
	payload := object{"paymentId": i.ModulePaymentID}
	if sum != 0 {
		payload["amount"] = s.sum(sum)
	}
	result, err := s.act(i, "refund", payload)
	if err != nil {
		return Refund{}, err
	}
	check := emulator.Check{}
	r := Refund{ID: check.Length(result, "result", "id", true, 255), Amount: check.Sum(result, "result", "amount", true),
		Status:  check.Word(result, "result", "status", true, []string{RefundPending, RefundSucceeded, RefundCanceled}),
		Comment: check.Text(result, "result", "comment", false), CreatedAt: s.base.Clock.Now()}
	if check.Fault() != "" {
		return r, &Nonsense{Action: "refund", Why: check.Fault()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if books := s.invoices[i.UUID]; !slices.ContainsFunc(books.Refunds, func(old Refund) bool { return old.ID == r.ID }) {
		books.put(r)
	}
	return r, nil
}

// State is what the module answers to a question for the status.
type State struct {
	Status     string
	Amount     Amount
	Details    string
	PaymentID  string
	InvoiceURL string
	PaidAt     time.Time
	ExpiredAt  time.Time
	Refundable bool
}

// Status asks the module for the status (запросить статус). The CRM's books
// stay as they are.
func (s *Server) Status(paymentID int) (State, error) {
	i, err := s.invoice(paymentID)
	if err != nil {
		return State{}, err
	}
	result, err := s.act(i, "status", nil)
	if err != nil {
		return State{}, err
	}
	for _, name := range []string{"status", "amount", "cancellationDetails", "expiredAt", "paidAt", "paymentId", "invoiceUrl", "refundable"} {
		if _, there := result[name]; !there {
			return State{}, &Nonsense{Action: "status", Why: "result." + name + " is missing; it must be there even when it is null"}
		}
	}
	c := &call{Server: s, body: result}
	out := State{Status: c.Length(result, "", "status", true, 50), Amount: c.Sum(result, "", "amount", true), Details: c.Text(result, "", "cancellationDetails", false),
		PaymentID: c.Text(result, "", "paymentId", true), InvoiceURL: c.address(result, "", "invoiceUrl", true), PaidAt: c.moment(result, "paidAt"),
		ExpiredAt: c.moment(result, "expiredAt"), Refundable: c.Boolean(result, "", "refundable")}
	if c.Fault() != "" {
		return out, &Nonsense{Action: "status", Why: c.Fault()}
	}
	return out, nil
}
