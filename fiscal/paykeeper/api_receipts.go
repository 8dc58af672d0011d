package paykeeper

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// ReceiptID is the number of a receipt (чек) at the service.
type ReceiptID string

// RefundID is the number of a refund (возврат).
type RefundID string

// PrintRequest prints a receipt (8.11). With a PaymentID it is a further
// receipt of a payment of PayKeeper's, without one a receipt for money that
// came another way.
type PrintRequest struct {
	PaymentID  PaymentID
	RefundID   RefundID        // the refund that it belongs to
	Type       string          // "sale"; of a return "refund"
	PostSale   bool            // final settlement after a prepayment (is_post_sale)
	Correction bool            // is_correction
	Contact    string          // e-mail or phone
	Sums       fiscal.Payments // how it was paid; they must add up to the cart
	Cart       Cart
	// Key is the shop's own number of the receipt (receipt_key). What a second
	// one with the same key does is not documented; Submit looks first.
	Key   string
	Extra map[string]string // further fields, as they are
}

// PrintReceipt prints a receipt: POST /change/receipt/print/. It does not look
// whether the key was there before: that is Submit's business.
func (c *Client) PrintReceipt(ctx context.Context, req PrintRequest) (ReceiptID, json.RawMessage, error) {
	const op = "receipt/print"
	form, err := c.printForm(req)
	if err != nil {
		return "", nil, acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, "/change/receipt/print/", form, acquiring.ErrInvalid)
	if err != nil {
		return "", nil, err
	}
	return c.receiptID(op, body)
}

func (c *Client) receiptID(op string, body json.RawMessage) (ReceiptID, json.RawMessage, error) {
	r, err := c.one(op, body)
	if err != nil {
		return "", nil, err
	}
	id, err := r.need("receipt_id")
	return ReceiptID(id), r.raw, err
}

func (c *Client) printForm(req PrintRequest) (fields, error) {
	switch {
	case req.Type == "":
		return nil, acquiring.Invalid("Type", `is empty; say "sale" or "refund"`)
	case req.Contact == "":
		return nil, acquiring.Invalid("Contact", "is empty; a receipt needs an e-mail or a phone")
	case len(req.Cart) == 0:
		return nil, acquiring.Invalid("Cart", "is empty; a receipt needs a line")
	case req.Sums.Total() != req.Cart.Total():
		return nil, acquiring.Invalid("Sums", "come to "+req.Sums.Total().String()+", but the cart to "+req.Cart.Total().String())
	}
	for _, id := range []struct{ field, value string }{{"PaymentID", string(req.PaymentID)}, {"RefundID", string(req.RefundID)}} {
		if id.value != "" {
			if err := checkID(id.field, id.value); err != nil {
				return nil, err
			}
		}
	}
	cart, err := req.Cart.encode()
	if err != nil {
		return nil, err
	}
	sums := c.sums(req)
	var f fields
	f.add("payment_id", string(req.PaymentID))
	f.add("type", req.Type)
	f.add("is_post_sale", boolWord(req.PostSale))
	f.add("is_correction", boolWord(req.Correction))
	f.add("refund_id", string(req.RefundID))
	f.add("contact", req.Contact)
	f.add("sum_cashless", zeroShort(sums.Cashless))
	f.add("sum_cash", zeroShort(sums.Cash))
	f.add("sum_advance", zeroShort(sums.Prepaid))
	f.add("sum_credit", zeroShort(sums.Credit))
	f.add("sum_counter_payment", zeroShort(sums.Counter))
	f.add("cart", cart)
	f.some("receipt_key", req.Key)
	return f.extra(req.Extra)
}

// sums are how the receipt was paid, in the fields that they go to.
func (c *Client) sums(req PrintRequest) fiscal.Payments {
	sums := req.Sums
	if c.cfg.PrepaidField == "sum_cashless" {
		sums.Cashless, sums.Prepaid = sums.Cashless+sums.Prepaid, 0
	}
	return sums
}

// zeroShort writes a sum with two decimals, and none as the service's clients
// do: "0".
func zeroShort(a money.Amount) string {
	if a == 0 {
		return "0"
	}
	return a.String()
}

// PostSaleReceipt prints the final receipt of a payment whose first one was a
// prepayment (чек зачёта предоплаты): POST /change/payment/post-sale-receipt/.
func (c *Client) PostSaleReceipt(ctx context.Context, id PaymentID) (ReceiptID, error) {
	const op = "payment/post-sale-receipt"
	if err := checkID("PaymentID", string(id)); err != nil {
		return "", acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, "/change/payment/post-sale-receipt/", fields{{Name: "id", Value: string(id)}}, acquiring.ErrConflict)
	if err != nil {
		return "", err
	}
	receipt, _, err := c.receiptID(op, body)
	return receipt, err
}

// ReceiptStatus is where a receipt stands. The documentation has two words;
// any other means that it failed, or something unknown.
type ReceiptStatus string

// The statuses of a receipt that the documentation names.
const (
	ReceiptCreated ReceiptStatus = "created" // queued
	ReceiptSuccess ReceiptStatus = "success" // printed
)

// ReceiptInfo is a receipt as the service has it. Only ID and PageKey are
// sure; the rest is there when the service says it.
type ReceiptInfo struct {
	ID        ReceiptID
	Status    ReceiptStatus
	Type      string
	PaymentID PaymentID
	RefundID  RefundID
	Key       string // receipt_key: the shop's own number
	Contact   string
	Sums      fiscal.Payments
	PageKey   string // fop_receipt_key: of its public page, see ReceiptURL

	FN        string // номер ФН
	FD        string // номер ФД (fnd)
	FP        string // ФПД (fpd)
	Time      time.Time
	RegNumber string // РН ККТ (rnkkt)
	Shift     int
	Number    int
	Message   string // why it failed, where it is said

	Fields map[string]json.RawMessage // every field, also those above
	Raw    json.RawMessage
}

func readReceipt(r *row) *ReceiptInfo {
	return &ReceiptInfo{
		ID: ReceiptID(r.first("id", "receipt_id")), Status: ReceiptStatus(r.text("status")), Type: r.text("type"),
		PaymentID: PaymentID(r.text("payment_id")), RefundID: RefundID(r.text("refund_id")),
		Key: r.text("receipt_key"), Contact: r.text("contact"), PageKey: r.text("fop_receipt_key"),
		Sums: fiscal.Payments{Cash: r.amount("sum_cash"), Cashless: r.amount("sum_cashless"), Prepaid: r.amount("sum_advance"),
			Credit: r.amount("sum_credit"), Counter: r.amount("sum_counter_payment")},
		FN: r.text("fn"), FD: r.first("fnd", "fd"), FP: r.first("fpd", "fp"), Time: r.when("ts"), RegNumber: r.text("rnkkt"),
		Shift: r.integer("shift_number"), Number: r.integer("receipt_number"),
		Message: r.first("msg", "message", "error", "error_message", "error_text"),
		Fields:  r.m, Raw: r.raw,
	}
}

// Receipt reads a receipt by its number: GET /info/receipts/byid/ (8.4). An
// unknown one gives ErrNotFound.
func (c *Client) Receipt(ctx context.Context, id ReceiptID) (*ReceiptInfo, error) {
	const op = "receipts/byid"
	if err := checkID("ReceiptID", string(id)); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	var q fields
	q.add("id", string(id))
	body, err := c.info(ctx, op, "/info/receipts/byid/", q, acquiring.ErrNotFound)
	if err != nil {
		return nil, err
	}
	r, err := c.one(op, body)
	if err != nil {
		return nil, err
	}
	info := readReceipt(r)
	if info.ID == "" {
		info.ID = id
	}
	return info, r.err
}

// PaymentReceipts are the receipts of a payment: GET
// /info/receipts/bypaymentid/ (8.3). Its parameter is described as payment_id
// and as id: both are sent. A payment without receipts may be an empty list or,
// where the service refuses, ErrNotFound.
func (c *Client) PaymentReceipts(ctx context.Context, id PaymentID) ([]*ReceiptInfo, error) {
	const op = "receipts/bypaymentid"
	if err := checkID("PaymentID", string(id)); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	var q fields
	q.add("payment_id", string(id))
	q.add("id", string(id))
	body, err := c.info(ctx, op, "/info/receipts/bypaymentid/", q, acquiring.ErrNotFound)
	if err != nil {
		return nil, err
	}
	return each(c, op, body, readReceipt)
}

// ReceiptFilter narrows a list of receipts (8.1). From and To are days of
// Moscow's, both included and both needed: a zero one is ErrInvalid.
type ReceiptFilter struct {
	From, To time.Time
	SumTypes []string        // "sum_cashless", "sum_cash", …; none: all five
	Statuses []ReceiptStatus // none: both known
}

func (f ReceiptFilter) query() fields {
	var q fields
	q.add("start", dateOf(f.From))
	q.add("end", dateOf(f.To))
	if len(f.SumTypes) == 0 {
		f.SumTypes = []string{"sum_cashless", "sum_cash", "sum_advance", "sum_credit", "sum_counter_payment"}
	}
	if len(f.Statuses) == 0 {
		f.Statuses = []ReceiptStatus{ReceiptCreated, ReceiptSuccess}
	}
	q.indexed("sum_type", f.SumTypes)
	q.indexed("status", words(f.Statuses))
	return q
}

// Receipts lists the receipts of a period: GET /info/receipts/bydate/ (8.1),
// page by page. Whether the service pages this list is not documented; a
// service that does not gives it whole. The sequence ends after the first
// error.
func (c *Client) Receipts(ctx context.Context, filter ReceiptFilter) iter.Seq2[*ReceiptInfo, error] {
	return pages(func(from int) ([]*ReceiptInfo, error) {
		const op = "receipts/bydate"
		if err := checkDays(op, filter.From, filter.To); err != nil {
			return nil, err
		}
		q := filter.query()
		q.add("from", strconv.Itoa(from))
		q.add("limit", strconv.Itoa(pageSize))
		body, err := c.info(ctx, op, "/info/receipts/bydate/", q, acquiring.ErrInvalid)
		if errors.Is(err, acquiring.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return each(c, op, body, readReceipt)
	}, func(r *ReceiptInfo) string { return string(r.ID) })
}

// CountReceipts counts the receipts of a period by type: GET
// /info/receipts/bydatecount/ (8.2). The shape of its answer is not published:
// it is given as it came.
func (c *Client) CountReceipts(ctx context.Context, filter ReceiptFilter) (json.RawMessage, error) {
	const op = "receipts/bydatecount"
	if err := checkDays(op, filter.From, filter.To); err != nil {
		return nil, err
	}
	return c.info(ctx, op, "/info/receipts/bydatecount/", filter.query(), acquiring.ErrInvalid)
}

// SearchReceipts finds receipts by their fiscal attributes: GET
// /info/receipts/search/ (8.5). The names of its parameters are not published;
// answers of the service call them fn, fnd and fpd. None found is an empty
// list.
func (c *Client) SearchReceipts(ctx context.Context, attributes map[string]string) ([]*ReceiptInfo, error) {
	const op = "receipts/search"
	q, err := fields{}.extra(attributes)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	body, err := c.info(ctx, op, "/info/receipts/search/", q, acquiring.ErrNotFound)
	if errors.Is(err, acquiring.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return each(c, op, body, readReceipt)
}

// CheckItemCode asks whether a marked thing may be sold (проверка кода
// маркировки в разрешительном режиме): GET /info/itemcode/check/ (8.8). Its
// parameters and its answer are not published: they pass as they are.
func (c *Client) CheckItemCode(ctx context.Context, params map[string]string) (json.RawMessage, error) {
	const op = "itemcode/check"
	q, err := fields{}.extra(params)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	return c.info(ctx, op, "/info/itemcode/check/", q, acquiring.ErrInvalid)
}

// ReceiptURL is the public page of a receipt; "" without its key, which comes
// with a notification (fop_receipt_key) or with the receipt, sometimes late.
func (c *Client) ReceiptURL(key string, id ReceiptID) string {
	if key == "" {
		return ""
	}
	address := c.rest.BaseURL() + "/receipt/" + url.PathEscape(key) + "/"
	if id != "" {
		address += "?rc_id=" + url.QueryEscape(string(id))
	}
	return address
}
