package paykeeper

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// PaymentStatus is where a payment stands (5.1). The set is open.
type PaymentStatus string

// The statuses of a payment.
const (
	PaymentPending           PaymentStatus = "pending"            // begun
	PaymentObtained          PaymentStatus = "obtained"           // money received, the shop not notified yet
	PaymentSuccess           PaymentStatus = "success"            // received, and the shop has answered the notification
	PaymentStuck             PaymentStatus = "stuck"              // received, and the shop has never answered; RepeatNotification starts again
	PaymentCanceled          PaymentStatus = "canceled"           // cancelled
	PaymentFailed            PaymentStatus = "failed"             // did not take place
	PaymentRefunding         PaymentStatus = "refunding"          // a refund is under way
	PaymentRefunded          PaymentStatus = "refunded"           // given back whole
	PaymentPartiallyRefunded PaymentStatus = "partially_refunded" // given back in part
)

func paymentStatuses() []PaymentStatus {
	return []PaymentStatus{PaymentPending, PaymentObtained, PaymentSuccess, PaymentStuck, PaymentCanceled,
		PaymentFailed, PaymentRefunding, PaymentRefunded, PaymentPartiallyRefunded}
}

// PaymentInfo is a payment as the service has it (2.3).
type PaymentInfo struct {
	ID                PaymentID
	Amount            money.Amount // pay_amount
	Refunded          money.Amount // refund_amount
	ClientID          string
	OrderID           string
	PaymentSystemID   string
	UniqueID          string // the acquirer's number
	Status            PaymentStatus
	Attempts          int       // notifications sent (repeat_counter)
	PendingAt         time.Time // when the customer began to pay
	ObtainedAt        time.Time // when the money came; zero: it did not
	SucceededAt       time.Time // when the shop answered the notification; zero: it did not
	SiteDescription   string    // the payment system as the customer sees it
	SystemDescription string
	Raw               json.RawMessage
}

func readPayment(r *row) *PaymentInfo {
	return &PaymentInfo{
		ID: PaymentID(r.text("id")), Amount: r.amount("pay_amount"), Refunded: r.amount("refund_amount"),
		ClientID: r.text("clientid"), OrderID: r.text("orderid"), PaymentSystemID: r.text("payment_system_id"),
		UniqueID: r.text("unique_id"), Status: PaymentStatus(r.text("status")), Attempts: r.integer("repeat_counter"),
		PendingAt: r.when("pending_datetime"), ObtainedAt: r.when("obtain_datetime"), SucceededAt: r.when("success_datetime"),
		SiteDescription: r.text("site_description"), SystemDescription: r.text("system_description"), Raw: r.raw,
	}
}

// Payment reads a payment: GET /info/payments/byid/. An unknown number gives
// ErrNotFound.
func (c *Client) Payment(ctx context.Context, id PaymentID) (*PaymentInfo, error) {
	const op = "payments/byid"
	if err := checkID("PaymentID", string(id)); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	var q fields
	q.add("id", string(id))
	q.add("advanced", "true")
	body, err := c.info(ctx, op, "/info/payments/byid/", q, acquiring.ErrNotFound)
	if err != nil {
		return nil, err
	}
	r, err := c.one(op, body)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"status", "pay_amount"} {
		if _, err := r.need(name); err != nil {
			return nil, err
		}
	}
	p := readPayment(r)
	if p.ID == "" {
		p.ID = id
	}
	return p, r.err
}

// PaymentFilter narrows a list of payments (2.1). From and To are days of
// Moscow's, both included and both needed: a zero one is ErrInvalid.
type PaymentFilter struct {
	From, To  time.Time
	Systems   []string        // numbers of payment systems; none: all
	Statuses  []PaymentStatus // none: all known
	QueryText string          // text that their fields contain
}

// Payments lists the payments of a period: GET /info/payments/bydate/, page by
// page. The sequence ends after the first error.
func (c *Client) Payments(ctx context.Context, filter PaymentFilter) iter.Seq2[*PaymentInfo, error] {
	statuses := filter.Statuses
	if len(statuses) == 0 {
		statuses = paymentStatuses()
		if c.cfg.HoldStatus != "" {
			statuses = append(statuses, PaymentStatus(c.cfg.HoldStatus))
		}
	}
	return pages(func(from int) ([]*PaymentInfo, error) {
		const op = "payments/bydate"
		if err := checkDays(op, filter.From, filter.To); err != nil {
			return nil, err
		}
		var q fields
		q.add("start", dateOf(filter.From))
		q.add("end", dateOf(filter.To))
		q.add("from", strconv.Itoa(from))
		q.add("limit", strconv.Itoa(pageSize))
		q.list("payment_system_id", filter.Systems)
		q.list("status", words(statuses))
		q.some("query", filter.QueryText)
		body, err := c.info(ctx, op, "/info/payments/bydate/", q, acquiring.ErrInvalid)
		if errors.Is(err, acquiring.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return each(c, op, body, readPayment)
	}, func(p *PaymentInfo) string { return string(p.ID) })
}

// SearchPayments finds payments whose fields contain the text: GET
// /info/payments/search/. Both days, of Moscow's, are needed and included. The
// search is not exact: compare what is found. That nothing was found the service
// may say as a refusal: ErrNotFound. An empty text or a zero day is ErrInvalid.
func (c *Client) SearchPayments(ctx context.Context, text string, from, to time.Time) ([]*PaymentInfo, error) {
	const op = "payments/search"
	if text == "" {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("text", "is empty"))
	}
	if err := checkDays(op, from, to); err != nil {
		return nil, err
	}
	var q fields
	q.add("query", text)
	q.add("beg_date", dateOf(from))
	q.add("end_date", dateOf(to))
	body, err := c.info(ctx, op, "/info/payments/search/", q, acquiring.ErrNotFound)
	if err != nil {
		return nil, err
	}
	return each(c, op, body, readPayment)
}

// PaymentOptions are what the acquirer says of a payment: GET
// /info/options/byid/. Any of it may be missing, or come later.
type PaymentOptions struct {
	CardNumber   string // masked
	ApprovalCode string
	RRN          string
	ThreeDSecure string
	Fields       map[string]json.RawMessage // every field, also those above
}

// PaymentOptions reads the acquirer's data of a payment.
func (c *Client) PaymentOptions(ctx context.Context, id PaymentID) (*PaymentOptions, error) {
	const op = "options/byid"
	if err := checkID("PaymentID", string(id)); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	body, err := c.info(ctx, op, "/info/options/byid/", fields{{Name: "id", Value: string(id)}}, acquiring.ErrNotFound)
	if err != nil {
		return nil, err
	}
	r, err := c.one(op, body)
	if err != nil {
		return nil, err
	}
	// The number is masked by the service; a whole one is not kept if it
	// should ever slip through.
	if number := r.text("CARD_NUMBER"); number != maskCard(number) {
		masked, err := compact(maskCard(number))
		if err != nil {
			return nil, c.unreadable(op, nil)
		}
		r.m["CARD_NUMBER"] = json.RawMessage(masked)
	}
	return &PaymentOptions{CardNumber: r.text("CARD_NUMBER"), ApprovalCode: r.text("APPROVAL_CODE"), RRN: r.text("RRN"),
		ThreeDSecure: r.text("3DSECURE"), Fields: r.m}, nil
}

// maskCard hides the middle of a card number that came whole.
func maskCard(number string) string {
	digits := 0
	for _, r := range number {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if digits <= 10 {
		return number
	}
	out, n := []rune(number), 0
	for i, r := range out {
		if r >= '0' && r <= '9' {
			if n++; n > 6 && n <= digits-4 {
				out[i] = '*'
			}
		}
	}
	return string(out)
}

// RefundStatus words of the service.
const (
	refundStarted = "started"
	refundDone    = "done"
	refundFailed  = "failed"
)

// RefundInfo is a refund of a payment (2.7).
type RefundInfo struct {
	ID        RefundID
	PaymentID PaymentID
	Number    string // refund_number
	User      string // the cabinet's user who made it
	Amount    money.Amount
	Remainder money.Amount // what was left of the payment
	At        time.Time
	Status    string // "started", "done", "failed"
	Raw       json.RawMessage
}

func readRefund(r *row) *RefundInfo {
	return &RefundInfo{
		ID: RefundID(r.text("id")), PaymentID: PaymentID(r.text("payment_id")), Number: r.text("refund_number"),
		User: r.text("user"), Amount: r.amount("amount"), Remainder: r.amount("remainder"), At: r.when("datetime"),
		Status: r.text("status"), Raw: r.raw,
	}
}

// Refunds are the refunds of a payment: GET /info/refunds/bypaymentid/.
func (c *Client) Refunds(ctx context.Context, id PaymentID) ([]*RefundInfo, error) {
	const op = "refunds/bypaymentid"
	if err := checkID("PaymentID", string(id)); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	body, err := c.info(ctx, op, "/info/refunds/bypaymentid/", fields{{Name: "id", Value: string(id)}}, acquiring.ErrInvalid)
	if errors.Is(err, acquiring.ErrNotFound) {
		return nil, nil // no refunds, in so many words
	}
	if err != nil {
		return nil, err
	}
	return each(c, op, body, readRefund)
}

// ReverseRequest gives money of a payment back (6.1).
type ReverseRequest struct {
	ID     PaymentID
	Amount money.Amount
	// Partial says that less than the rest is given back. Of a payment on hold
	// it means something else: Amount is released and THE REST IS TAKEN, for
	// good.
	Partial bool
	Cart    Cart              // the returned lines; nil: the service takes the whole cart of the sale
	Extra   map[string]string // further fields, as they are: sbp_refund_to
}

// Reverse gives money back, or releases a hold: POST /change/payment/reverse/.
// Success means that it was accepted; Refunds tells the end. The service has no
// key against repetition: after an unknown outcome read Refunds before you
// repeat, or use Acquirer.Refund, which does.
func (c *Client) Reverse(ctx context.Context, req ReverseRequest) error {
	const op = "payment/reverse"
	if err := checkID("PaymentID", string(req.ID)); err != nil {
		return acquiring.InOp(provider, op, err)
	}
	if req.Amount <= 0 {
		return acquiring.InOp(provider, op, acquiring.Invalid("Amount", "must be more than zero"))
	}
	var f fields
	f.add("id", string(req.ID))
	f.add("amount", req.Amount.String())
	f.add("partial", boolWord(req.Partial))
	if req.Cart != nil {
		if len(req.Cart) > 0 && req.Cart.Total() != req.Amount {
			return acquiring.InOp(provider, op, acquiring.Invalid("Cart", "comes to "+req.Cart.Total().String()+", but "+req.Amount.String()+" is given back"))
		}
		cart, err := req.Cart.encode()
		if err != nil {
			return acquiring.InOp(provider, op, err)
		}
		f.add("refund_cart", cart)
	}
	f, err := f.extra(req.Extra)
	if err != nil {
		return acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, "/change/payment/reverse/", f, acquiring.ErrConflict)
	if err != nil {
		return err
	}
	_, err = c.succeeded(op, body)
	return err
}

// CaptureResult is what capturing says; the sums are 0 where the service
// leaves them out.
type CaptureResult struct {
	Total    money.Amount // of the payment
	Captured money.Amount // taken
	Raw      json.RawMessage
}

// Capture takes the whole of a held payment: POST /change/payment/capture/. No
// call takes a part: see ReverseRequest.Partial.
func (c *Client) Capture(ctx context.Context, id PaymentID) (*CaptureResult, error) {
	const op = "payment/capture"
	if err := checkID("PaymentID", string(id)); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, "/change/payment/capture/", fields{{Name: "id", Value: string(id)}}, acquiring.ErrConflict)
	if err != nil {
		return nil, err
	}
	r, err := c.succeeded(op, body)
	if err != nil {
		return nil, err
	}
	res := &CaptureResult{Total: r.amount("total"), Captured: r.amount("captured"), Raw: r.raw}
	return res, r.err
}

// RepeatNotification sends the notification again: POST
// /change/payment/repeatcnt/. It brings a stuck payment back.
func (c *Client) RepeatNotification(ctx context.Context, id PaymentID) error {
	const op = "payment/repeatcnt"
	if err := checkID("PaymentID", string(id)); err != nil {
		return acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, "/change/payment/repeatcnt/", fields{{Name: "id", Value: string(id)}}, acquiring.ErrConflict)
	if err != nil {
		return err
	}
	_, err = c.succeeded(op, body)
	return err
}
