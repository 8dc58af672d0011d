package paykeeper

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// InvoiceID is the number of an invoice (счёт): 17 digits, a time stamp. It is
// not the payment's: see PaymentID.
type InvoiceID string

// PaymentID is the number of a payment (платёж), a small integer. Refunds,
// captures and receipts take it, and notifications bring it; an invoice has one
// once it is paid.
type PaymentID string

// pageSize is the page of the lists.
const pageSize = 100

// InvoiceStatus is where an invoice stands. The set is open.
type InvoiceStatus string

// The statuses of an invoice. A paid one stays paid after a refund: look at
// its payment.
const (
	InvoiceCreated InvoiceStatus = "created" // made
	InvoiceSent    InvoiceStatus = "sent"    // e-mailed
	InvoicePaid    InvoiceStatus = "paid"
	InvoiceExpired InvoiceStatus = "expired" // its time is over, or it was revoked
)

// PreviewRequest makes an invoice (3.4, «Подготовка счёта»).
type PreviewRequest struct {
	Amount      money.Amount // pay_amount
	ClientID    string       // who pays: his name, or his number in the shop (clientid)
	OrderID     string       // "" tops up an account instead of paying an order
	Service     ServiceName  // what is paid
	ClientEmail string       // the receipt goes there too
	ClientPhone string
	Expiry      time.Time         // zero: the service's own; to the second
	Extra       map[string]string // further fields, as they are
}

// IssuedInvoice is a new invoice.
type IssuedInvoice struct {
	ID   InvoiceID
	URL  string // the payment page; redirect to it as it is
	HTML string // text of the letter
	Raw  json.RawMessage
}

// PreviewInvoice makes an invoice: POST /change/invoice/preview/. Each call
// makes a new one, also for the same order.
func (c *Client) PreviewInvoice(ctx context.Context, req PreviewRequest) (*IssuedInvoice, error) {
	const op = "invoice/preview"
	form, err := req.form()
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, "/change/invoice/preview/", form, acquiring.ErrInvalid)
	if err != nil {
		return nil, err
	}
	r, err := c.one(op, body)
	if err != nil {
		return nil, err
	}
	id, err := r.need("invoice_id")
	if err != nil {
		return nil, err
	}
	inv := &IssuedInvoice{ID: InvoiceID(id), URL: r.text("invoice_url"), HTML: r.text("invoice"), Raw: r.raw}
	if inv.URL == "" {
		inv.URL = c.InvoiceURL(inv.ID)
	}
	return inv, nil
}

func (req PreviewRequest) form() (fields, error) {
	if req.Amount <= 0 {
		return nil, acquiring.Invalid("Amount", "must be more than zero")
	}
	service, err := req.Service.encode()
	if err != nil {
		return nil, err
	}
	var f fields
	f.add("pay_amount", req.Amount.String())
	f.some("clientid", req.ClientID)
	f.some("orderid", req.OrderID)
	f.some("client_email", req.ClientEmail)
	f.some("client_phone", req.ClientPhone)
	f.some("service_name", service)
	if !req.Expiry.IsZero() {
		f.add("expiry", req.Expiry.In(moscow).Format(timeLayout))
	}
	return f.extra(req.Extra)
}

// extra adds the user's own fields in the order of their names.
func (f fields) extra(extra map[string]string) (fields, error) {
	for _, name := range sortedKeys(extra) {
		if name == "" || name == "token" || name == "sign" || f.has(name) {
			return nil, acquiring.Invalid("Extra["+strconv.Quote(name)+"]", "is a field that the library sets itself")
		}
		f.add(name, extra[name])
	}
	return f, nil
}

// InvoiceURL is the payment page of an invoice.
func (c *Client) InvoiceURL(id InvoiceID) string {
	return c.rest.BaseURL() + "/bill/" + url.PathEscape(string(id)) + "/"
}

// InvoiceInfo is an invoice as the service has it (3.1).
type InvoiceInfo struct {
	ID          InvoiceID
	UserID      string // of the cabinet's user who made it
	UserLogin   string
	Status      InvoiceStatus
	Amount      money.Amount
	ClientID    string
	OrderID     string
	PaymentID   PaymentID // "" until it is paid
	ServiceName string    // as sent: text, or JSON; see ParseServiceName
	ClientEmail string
	ClientPhone string
	CreatedAt   time.Time
	ExpiresAt   time.Time
	PaidAt      time.Time
	Raw         json.RawMessage
}

func readInvoice(r *row) *InvoiceInfo {
	return &InvoiceInfo{
		ID: InvoiceID(r.text("id")), UserID: r.text("user_id"), UserLogin: r.text("user_login"),
		Status: InvoiceStatus(r.text("status")), Amount: r.amount("pay_amount"),
		ClientID: r.text("clientid"), OrderID: r.text("orderid"), PaymentID: PaymentID(r.text("paymentid")),
		ServiceName: r.text("service_name"), ClientEmail: r.text("client_email"), ClientPhone: r.text("client_phone"),
		CreatedAt: r.when("created_datetime"), ExpiresAt: r.when("expiry_datetime"), PaidAt: r.when("paid_datetime"),
		Raw: r.raw,
	}
}

// Invoice reads an invoice: GET /info/invoice/byid/. An unknown number gives
// ErrNotFound.
func (c *Client) Invoice(ctx context.Context, id InvoiceID) (*InvoiceInfo, error) {
	const op = "invoice/byid"
	if err := checkID("InvoiceID", string(id)); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	var q fields
	q.add("id", string(id))
	body, err := c.info(ctx, op, "/info/invoice/byid/", q, acquiring.ErrNotFound)
	if err != nil {
		return nil, err
	}
	r, err := c.one(op, body)
	if err != nil {
		return nil, err
	}
	if _, err := r.need("status"); err != nil {
		return nil, err
	}
	inv := readInvoice(r)
	if inv.ID == "" {
		inv.ID = id
	}
	return inv, r.err
}

// checkID refuses what is no number of the service's.
func checkID(field, id string) error {
	if id == "" {
		return acquiring.Invalid(field, "is empty")
	}
	if strings.Trim(id, "0123456789") != "" || len(id) > 20 {
		return acquiring.Invalid(field, "is not one of PayKeeper's numbers, which are digits only; is it the shop's own order number?")
	}
	return nil
}

// InvoiceFilter narrows a list of invoices (3.2). Dates are days of Moscow's,
// both included; zero: no bound, where the service allows it.
type InvoiceFilter struct {
	From, To time.Time
	Statuses []InvoiceStatus // none: all known
}

func (f InvoiceFilter) query() fields {
	var q fields
	if !f.From.IsZero() {
		q.add("start_date", dateOf(f.From))
	}
	if !f.To.IsZero() {
		q.add("end_date", dateOf(f.To))
	}
	return q
}

func (f InvoiceFilter) statuses() []string {
	if len(f.Statuses) == 0 {
		f.Statuses = []InvoiceStatus{InvoiceCreated, InvoiceSent, InvoicePaid, InvoiceExpired}
	}
	return words(f.Statuses)
}

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// Invoices lists the invoices of a period: GET /info/invoice/list/, page by
// page. The sequence ends after the first error.
func (c *Client) Invoices(ctx context.Context, filter InvoiceFilter) iter.Seq2[*InvoiceInfo, error] {
	return pages(func(from int) ([]*InvoiceInfo, error) {
		const op = "invoice/list"
		q := filter.query()
		q.add("from", strconv.Itoa(from))
		q.add("limit", strconv.Itoa(pageSize))
		q.list("status", filter.statuses())
		body, err := c.info(ctx, op, "/info/invoice/list/", q, acquiring.ErrInvalid)
		if err != nil {
			return nil, err
		}
		return each(c, op, body, readInvoice)
	}, func(i *InvoiceInfo) string { return string(i.ID) })
}

// pages walks a list by its offset. A row that a page repeats is left out: the
// list grows at its head while it is read, or the service knows no offset and
// gives the same page again, which ends it.
func pages[T any](read func(from int) ([]T, error), id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		seen := map[string]bool{}
		for from := 0; ; from += pageSize {
			page, err := read(from)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			fresh := false
			for _, row := range page {
				key := id(row)
				if key != "" && seen[key] {
					continue
				}
				seen[key] = true
				fresh = true
				if !yield(row, nil) {
					return
				}
			}
			if !fresh || len(page) < pageSize {
				return
			}
		}
	}
}

// InvoiceCounts are the numbers of invoices by status.
type InvoiceCounts struct {
	ByStatus map[InvoiceStatus]int
	Total    int
	Raw      json.RawMessage
}

// CountInvoices counts the invoices of a period: GET /info/invoice/listcount/.
func (c *Client) CountInvoices(ctx context.Context, filter InvoiceFilter) (*InvoiceCounts, error) {
	const op = "invoice/listcount"
	q := filter.query()
	q.list("status", filter.statuses())
	body, err := c.info(ctx, op, "/info/invoice/listcount/", q, acquiring.ErrInvalid)
	if err != nil {
		return nil, err
	}
	r, err := c.one(op, body)
	if err != nil {
		return nil, err
	}
	counts := &InvoiceCounts{ByStatus: map[InvoiceStatus]int{}, Raw: body}
	if r.m["statuses"] == nil && r.m["fullcount"] == nil {
		return nil, c.unreadable(op, body)
	}
	by, err := c.rows(op, r.m["statuses"])
	if err != nil {
		return nil, err
	}
	for _, s := range by {
		counts.ByStatus[InvoiceStatus(s.text("status"))] += s.integer("count")
	}
	full, err := c.rows(op, r.m["fullcount"])
	if err != nil {
		return nil, err
	}
	for _, s := range full {
		counts.Total += s.integer("count")
	}
	return counts, nil
}

// SearchInvoices finds invoices whose fields contain the text: GET
// /info/invoice/search/ (3.8). The names of its dates are not published: both
// pairs that the service uses elsewhere are sent. Compare what is found
// yourself: the search is not exact. Both days, of Moscow's, are needed and
// included. Nothing found is an empty list or, where the service refuses, as it
// may, ErrNotFound. An empty text or a zero day is ErrInvalid.
func (c *Client) SearchInvoices(ctx context.Context, text string, from, to time.Time) ([]*InvoiceInfo, error) {
	const op = "invoice/search"
	if text == "" {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("text", "is empty"))
	}
	if err := checkDays(op, from, to); err != nil {
		return nil, err
	}
	var q fields
	q.add("query", text)
	q.add("start_date", dateOf(from))
	q.add("beg_date", dateOf(from))
	q.add("end_date", dateOf(to))
	body, err := c.info(ctx, op, "/info/invoice/search/", q, acquiring.ErrNotFound)
	if err != nil {
		return nil, err
	}
	return each(c, op, body, readInvoice)
}

// SendInvoice e-mails the invoice to its customer: POST /change/invoice/send/.
func (c *Client) SendInvoice(ctx context.Context, id InvoiceID) error {
	return c.invoiceOrder(ctx, "invoice/send", "/change/invoice/send/", id)
}

// RevokeInvoice withdraws an unpaid invoice («Отзыв счёта»): POST
// /change/invoice/revoke/.
func (c *Client) RevokeInvoice(ctx context.Context, id InvoiceID) error {
	return c.invoiceOrder(ctx, "invoice/revoke", "/change/invoice/revoke/", id)
}

// AcceptCash marks the invoice as paid in cash: POST
// /change/invoice/accept-cash/ (3.7). Its parameters are not published: the
// invoice's number is sent as in its sister calls.
func (c *Client) AcceptCash(ctx context.Context, id InvoiceID) error {
	return c.invoiceOrder(ctx, "invoice/accept-cash", "/change/invoice/accept-cash/", id)
}

func (c *Client) invoiceOrder(ctx context.Context, op, path string, id InvoiceID) error {
	if err := checkID("InvoiceID", string(id)); err != nil {
		return acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, path, fields{{Name: "id", Value: string(id)}}, acquiring.ErrConflict)
	if err != nil {
		return err
	}
	_, err = c.succeeded(op, body)
	return err
}
