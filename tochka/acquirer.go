package tochka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

var (
	_ acquiring.Acquirer = (*Client)(nil)
	_ acquiring.Capturer = (*Client)(nil)
	_ acquiring.Finder   = (*Client)(nil)
	_ acquiring.QRIssuer = (*Client)(nil)
	_ acquiring.Charger  = (*Client)(nil)
	_ acquiring.Lister   = (*Client)(nil)
	_ acquiring.Checker  = (*Client)(nil)
	_ acquiring.Named    = (*Client)(nil)
)

// chargeMark stands in a PaymentID between the operation and the movement that
// is a charge of it: "0b8d6a44-…:71530377".
const chargeMark = ":"

// isQR says whether the number is an SBP code's, not an operation's.
func isQR(id string) bool {
	return len(id) == 32 && id[0] == 'A' && !strings.Contains(id, "-")
}

// checkID refuses what is no number of the bank's.
func checkID(id acquiring.PaymentID) error {
	if id == "" || len(id) > 120 || !headerSafe(string(id)) {
		return acquiring.Invalid("ID", "is not a payment's number at the bank; give Invoice.ID or Payment.ID")
	}
	return nil
}

// GetStatus reads the payment: an operation, a charge of a subscription, or a
// payment by a code of CreateQR. One that the bank does not know is ErrNotFound;
// a static code, which is paid many times, is ErrUnsupported.
func (c *Client) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	const op = "GetStatus"
	if err := checkID(id); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if isQR(string(id)) {
		return c.qrPayment(ctx, string(id))
	}
	operation, entry, charged := strings.Cut(string(id), chargeMark)
	o, err := c.own(ctx, op, operation)
	if err != nil {
		return nil, err
	}
	if charged {
		return c.chargePayment(ctx, o, entry)
	}
	return c.payment(ctx, o), nil
}

// own reads an operation of this company; a foreign one is not there.
func (c *Client) own(ctx context.Context, op, operation string) (*Operation, error) {
	o, err := c.Operation(ctx, operation)
	if err != nil {
		return nil, err
	}
	if o.CustomerCode != "" && c.conf.CustomerCode != "" && o.CustomerCode != c.conf.CustomerCode && !c.sandbox() {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected,
			Message: "the operation belongs to another company than Config.CustomerCode"}
	}
	return o, nil
}

// entries are the movements of one type, oldest first.
func (o *Operation) entries(t OrderType) []OrderEntry {
	var out []OrderEntry
	for _, e := range o.Order {
		if e.Type == t {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b OrderEntry) int { return a.Time.Compare(b.Time.Time) })
	return out
}

// key is what tells a movement from the others.
func (e OrderEntry) key() string {
	if e.OrderID != "" {
		return string(e.OrderID)
	}
	return e.Time.Raw
}

func total(entries []OrderEntry) money.Amount {
	var sum money.Amount
	for _, e := range entries {
		sum += e.Amount.Amount()
	}
	return sum
}

// charges are the movements that are charges of a subscription after its first
// payment: what was taken after the whole order was.
func (o *Operation) charges() []OrderEntry {
	all := o.entries(OrderApproval)
	if len(all) < 2 || all[0].Amount < o.Amount {
		return nil
	}
	return all[1:]
}

// Paid is what was taken for the order itself, without later charges. Where
// the bank lists no movements of a paid operation, as its sandbox does, it is
// the whole.
func (o *Operation) Paid() money.Amount {
	all := o.entries(OrderApproval)
	sum := total(all)
	if len(o.charges()) > 0 {
		sum = all[0].Amount.Amount()
	}
	if sum == 0 && o.Status.Status().Succeeded() {
		sum = o.Amount.Amount()
	}
	return sum
}

// Refunded is what was given back.
func (o *Operation) Refunded() money.Amount {
	sum := total(o.entries(OrderRefund))
	if sum == 0 && o.Status == OperationRefunded {
		sum = o.Paid()
	}
	return sum
}

// payment is an operation as the rest of the library has it.
func (c *Client) payment(ctx context.Context, o *Operation) *acquiring.Payment {
	p := &acquiring.Payment{ID: acquiring.PaymentID(o.OperationID), OrderID: string(o.PaymentLinkID), Status: o.Status.Status(),
		Amount: o.Amount.Amount(), Captured: o.Paid(), Currency: "RUB", Method: o.PaymentType.Method(),
		Test: c.conf.Environment == acquiring.Test, CreatedAt: o.CreatedAt.Time, PaidAt: o.PaidAt.Time, ProviderStatus: string(o.Status), Raw: o.Raw}
	p.Refunded = min(o.Refunded(), p.Captured)
	if p.Status.Succeeded() {
		// The sums say it better than the status, which a refund under way hides.
		switch {
		case p.Refunded == 0 && p.Status != acquiring.StatusPartiallyRefunded:
			p.Status = acquiring.StatusPaid
		case p.Refunded > 0 && p.Refunded < p.Captured:
			p.Status = acquiring.StatusPartiallyRefunded
		case p.Refunded > 0 && o.Status != OperationOnRefund:
			p.Status = acquiring.StatusRefunded
		}
	}
	if s := o.Card; s != nil {
		p.Card = &acquiring.Card{Masked: maskPAN(s.MaskedPAN), Brand: s.CardType}
	}
	if p.Status.Succeeded() && (bool(o.Recurring) || len(o.charges()) > 0 || c.subscribed(ctx, o.OperationID)) {
		if p.Card == nil {
			p.Card = &acquiring.Card{}
		}
		p.Card.Token = o.OperationID
	}
	return p
}

// maskPAN leaves of a card's number the first six and the last four digits.
// The bank masks it itself: so it stays as it came.
func maskPAN(s string) string {
	digits := 0
	for i := range len(s) {
		if '0' <= s[i] && s[i] <= '9' {
			digits++
		}
	}
	if digits < 13 {
		return s
	}
	masked, at := []byte(s), 0
	for i, c := range masked {
		if '0' <= c && c <= '9' {
			if at++; at > 6 && at <= digits-4 {
				masked[i] = '*'
			}
		}
	}
	return string(masked)
}

// Void is always ErrUnsupported, and nothing is sent: the bank has no call that
// releases a hold. One that is not captured lapses by itself.
func (c *Client) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	e := acquiring.Unsupported(provider, "Void", "the bank has no call that releases a hold")
	e.Hint = "a hold that is not captured lapses by itself; when the card's bank lets it go is not known"
	return nil, e
}

// Capture takes the held money (POST …/capture), the whole of it: a part gives
// ErrUnsupported, and so does a receipt of its own. One that was captured
// already gives ErrConflict.
func (c *Client) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	const op = "Capture"
	err := r.Validate()
	if err == nil {
		err = checkID(r.ID)
	}
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if r.Receipt != nil {
		return nil, acquiring.Unsupported(provider, op, "the bank takes no receipt with a capture; the invoice's is printed")
	}
	unlock, err := c.locks.lock(ctx, "capture "+string(r.ID))
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	defer unlock()
	o, err := c.own(ctx, op, string(r.ID))
	if err != nil {
		return nil, notSent(err)
	}
	before := c.payment(ctx, o)
	switch {
	case before.Status != acquiring.StatusAuthorized:
		return nil, conflict(op, before, "is not held")
	case r.Amount > before.Amount:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Amount", fmt.Sprintf("is %s, but %s is held", r.Amount, before.Amount)))
	case r.Amount != 0 && r.Amount != before.Amount:
		return nil, acquiring.Unsupported(provider, op, "the bank takes the whole hold of "+before.Amount.String()+", not a part")
	}
	err = c.CapturePayment(ctx, o.OperationID)
	if err != nil && (acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown || ctx.Err() != nil) {
		return nil, err
	}
	after, readErr := c.GetStatus(ctx, r.ID)
	if err != nil && readErr == nil && after.Status == acquiring.StatusAuthorized {
		// A second capture is refused if the first arrives after all.
		if err = c.CapturePayment(ctx, o.OperationID); err != nil {
			return nil, err
		}
		after, readErr = c.GetStatus(ctx, r.ID)
	}
	switch {
	case readErr == nil && after.Status.Succeeded():
		return after, nil
	case err == nil: // accepted: a failed or early look at it is no failure
		taken := *before
		taken.Status, taken.Captured, taken.Raw = acquiring.StatusPaid, before.Amount, nil
		return &taken, nil
	}
	return nil, err
}

// conflict is the error of a payment in a state that does not allow the call.
func conflict(op string, p *acquiring.Payment, why string) *acquiring.Error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected,
		Message: fmt.Sprintf("payment %s is %s: it %s", p.ID, p.Status, why)}
}

// notSent is the error of a look before the deed: whatever became of the look,
// the deed was not asked for.
func notSent(err error) error {
	var e *acquiring.Error
	if !errors.As(err, &e) || e.Outcome != acquiring.OutcomeUnknown {
		return err
	}
	known := *e
	known.Outcome = acquiring.OutcomeNotSent
	return &known
}

// FindByOrder looks for the payment by the shop's order number among the links
// of Config.FindWithin, and then among the subscriptions on demand: the bank
// has no search by it. A charge is found by Charge with the same number.
func (c *Client) FindByOrder(ctx context.Context, orderID string) (*acquiring.Payment, error) {
	const op = "FindByOrder"
	if err := checkOrderID(orderID); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	o, err := c.find(ctx, orderID, c.conf.FindWithin, false)
	if err == nil && o == nil {
		o, err = c.findSubscription(ctx, orderID)
	}
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("no link of the last %d days has the order number", int(c.conf.FindWithin/(24*time.Hour)))}
	}
	return c.payment(ctx, o), nil
}

// find looks for a link by its order number, in what was made lately first;
// nil: there is none.
func (c *Client) find(ctx context.Context, orderID string, within time.Duration, lately bool) (*Operation, error) {
	now := c.now()
	// A day more: by which clock the bank counts its days is not known.
	recent, far := now.Add(-48*time.Hour), now.Add(-within-24*time.Hour)
	queries := []OperationsQuery{{From: DateOf(recent)}}
	if !lately && far.Before(recent) {
		queries = append(queries, OperationsQuery{From: DateOf(far), To: DateOf(recent.Add(24 * time.Hour))})
	}
	for _, q := range queries {
		for o, err := range c.Operations(ctx, q) {
			if err != nil {
				return nil, err
			}
			if string(o.PaymentLinkID) == orderID {
				return o, nil
			}
		}
	}
	return nil, nil
}

func (c *Client) findSubscription(ctx context.Context, orderID string) (*Operation, error) {
	for o, err := range c.Subscriptions(ctx, true) {
		if err != nil {
			return nil, err
		}
		if string(o.PaymentLinkID) == orderID {
			o.Recurring = true
			return o, nil
		}
	}
	return nil, nil
}

// listFrom is how far back a list without From goes.
const listFrom = 30 * 24 * time.Hour

// Payments lists the company's operations by their creation, and with each
// subscription its charges. Without From it goes 30 days back. Charges come with
// the operation of their subscription only: those of a subscription that was
// made before From are not here. Nor are the payments by codes of CreateQR: see
// SBPPayments.
func (c *Client) Payments(ctx context.Context, f acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	return func(yield func(*acquiring.Payment, error) bool) {
		from := f.From
		if from.IsZero() {
			from = c.now().Add(-listFrom)
		}
		q := OperationsQuery{From: DateOf(from.Add(-24 * time.Hour))}
		if to := f.To.Add(24 * time.Hour); !f.To.IsZero() && to.Before(c.now()) {
			q.To = DateOf(to) // a day that has not come may be refused
		}
		given := 0
		for o, err := range c.Operations(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			all, err := c.withCharges(ctx, o)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, p := range all {
				at := p.CreatedAt
				out := !at.IsZero() && (at.Before(from) || (!f.To.IsZero() && !at.Before(f.To)))
				if out || (f.Statuses != nil && !slices.Contains(f.Statuses, p.Status)) {
					continue
				}
				if !yield(p, nil) {
					return
				}
				if given++; f.Limit > 0 && given == f.Limit {
					return
				}
			}
		}
	}
}

func (c *Client) withCharges(ctx context.Context, o *Operation) ([]*acquiring.Payment, error) {
	out := []*acquiring.Payment{c.payment(ctx, o)}
	for _, e := range o.charges() {
		p, err := c.charged(ctx, "Payments", o, e)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
