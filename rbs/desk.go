package rbs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Desk does what takes more than one call, in the way that holds for the whole
// family: what a lost answer meant, what a callback says, what is left to give
// back. A bank's client makes one of its own calls.
type Desk struct {
	Provider string
	Shop     string // label of the shop; "": Provider
	// Order reads an order by the gateway's number.
	Order func(ctx context.Context, id acquiring.PaymentID) (*Order, error)
	// Find reads an order by the shop's number.
	Find func(ctx context.Context, number string) (*Order, error)
	// Payment puts an order into the library's words; captured is the sum that
	// is known to have been captured, or 0.
	Payment func(id acquiring.PaymentID, o *Order, captured money.Amount) *acquiring.Payment
	// RefundParams are the parameters of a callback that tell one refund of an
	// order from another, the best first. Without any of them in it, a
	// refund's callback is read back.
	RefundParams []string
}

// Read reads the payment by the gateway's number of it. captured is what is known
// to have been captured, in kopecks, where the status alone does not tell; 0:
// nothing is known.
func (d *Desk) Read(ctx context.Context, id acquiring.PaymentID, captured money.Amount) (*acquiring.Payment, error) {
	o, err := d.Order(ctx, id)
	if err != nil {
		return nil, err
	}
	return d.Payment(id, o, captured), nil
}

// ByNumber reads the payment by the shop's number.
func (d *Desk) ByNumber(ctx context.Context, number string) (*acquiring.Payment, error) {
	o, err := d.Find(ctx, number)
	if err != nil {
		return nil, err
	}
	return d.Payment("", o, 0), nil
}

// Conflict is the error of a payment in a state that does not allow the call.
func (d *Desk) Conflict(op string, p *acquiring.Payment, why string) *acquiring.Error {
	return &acquiring.Error{Provider: d.Provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected,
		Message: fmt.Sprintf("payment %s is %s: it %s", p.ID, p.Status, why)}
}

// Duplicate says in the error what is known of the order that has the number
// already, and what to do next.
func (d *Desk) Duplicate(ctx context.Context, err error, number, next string) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	known := *e
	known.Kind, known.Outcome = acquiring.ErrDuplicate, acquiring.OutcomeRejected
	p, err := d.ByNumber(ctx, number)
	if err != nil {
		known.Hint = "the number is taken; " + next
		return &known
	}
	known.Hint = fmt.Sprintf("the number belongs to payment %s of %s, %s; %s", p.ID, p.Amount, p.Status, next)
	return &known
}

// Capture takes the held money by deposit, which is given the order and the
// sum. Amount 0 takes all that is held. After an answer that was lost the
// order is read, and the call repeated only while the money is still held. A
// payment that is not held gives ErrConflict, more than is held ErrInvalid.
func (d *Desk) Capture(ctx context.Context, r acquiring.CaptureRequest, deposit func(o *Order, sum money.Amount) error) (*acquiring.Payment, error) {
	const op = "Capture"
	if err := r.Validate(); err != nil {
		return nil, acquiring.InOp(d.Provider, op, err)
	}
	o, err := d.Order(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	before := d.Payment(r.ID, o, 0)
	if before.Status != acquiring.StatusAuthorized {
		return nil, d.Conflict(op, before, "is not held")
	}
	held, sum := o.Funds(0).Approved, r.Amount
	if sum == 0 {
		sum = held
	}
	if held > 0 && sum > held {
		return nil, acquiring.InOp(d.Provider, op, acquiring.Invalid("Amount", fmt.Sprintf("is %s, but %s is held", sum, held)))
	}
	err = deposit(o, sum)
	if err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown && ctx.Err() == nil {
		after, readErr := d.Read(ctx, r.ID, 0)
		switch {
		case readErr != nil:
			return nil, err
		case after.Status == acquiring.StatusAuthorized:
			// A second deposit is refused if the first arrives after all: then
			// the refusal says nothing of the first.
			lost := err
			if err = deposit(o, sum); err == nil {
				break
			}
			after, readErr = d.Read(ctx, r.ID, 0)
			if readErr == nil && after.Status.Succeeded() {
				return after, nil
			}
			return nil, Repeated(err, lost)
		case after.Status.Succeeded():
			return after, nil
		}
	}
	if err != nil {
		return nil, err
	}
	after, err := d.Read(ctx, r.ID, sum)
	if err != nil {
		// The money is taken: a failed look at it is no failure.
		taken := *before
		taken.Status, taken.Captured, taken.Raw = acquiring.StatusPaid, sum, nil
		return &taken, nil
	}
	return after, nil
}

// Repeated is the error of a call that was made again after one whose answer
// was lost, where the order does not show what became of either. Only a
// refusal of the operation itself would have met the first call too. Any other
// (the order is locked, perhaps by the first call; too many requests; no
// connection) leaves the outcome unknown: then it is the first call's error.
func Repeated(err, lost error) error {
	for _, kind := range []error{acquiring.ErrConflict, acquiring.ErrInvalid, acquiring.ErrDeclined, acquiring.ErrNotFound} {
		if errors.Is(err, kind) {
			return err
		}
	}
	return lost
}

// Void releases a hold by reverse. One that is released already is a success, any
// other payment ErrConflict. hint is for a payment that was taken.
func (d *Desk) Void(ctx context.Context, id acquiring.PaymentID, hint string, reverse func() error) (*acquiring.Payment, error) {
	before, err := d.Read(ctx, id, 0)
	if err != nil {
		return nil, err
	}
	switch before.Status {
	case acquiring.StatusVoided:
		return before, nil
	case acquiring.StatusAuthorized:
	default:
		e := d.Conflict("Void", before, "is not held")
		if before.Status.Succeeded() {
			e.Hint = hint
		}
		return nil, e
	}
	err = reverse()
	after, readErr := d.Read(ctx, id, 0)
	switch {
	case err == nil && readErr == nil:
		return after, nil
	case err == nil:
		released := *before
		released.Status, released.Raw = acquiring.StatusVoided, nil
		return &released, nil
	case readErr == nil && after.Status == acquiring.StatusVoided:
		return after, nil
	}
	return nil, err
}

// Cancel withdraws an unpaid order by decline. One that is over already is a
// success; one that is paid or held gives ErrConflict.
func (d *Desk) Cancel(ctx context.Context, id acquiring.PaymentID, decline func() error) error {
	if id == "" {
		return acquiring.InOp(d.Provider, "Cancel", acquiring.Invalid("ID", "is empty; give Invoice.ID"))
	}
	err := decline()
	if err == nil || errors.Is(err, acquiring.ErrUnauthorized) || errors.Is(err, acquiring.ErrNotFound) || acquiring.OutcomeOf(err) == acquiring.OutcomeNotSent {
		return err
	}
	p, readErr := d.Read(ctx, id, 0)
	switch {
	case readErr != nil:
		return err
	case p.Status == acquiring.StatusCanceled || p.Status == acquiring.StatusExpired || p.Status == acquiring.StatusDeclined:
		return nil
	case p.Status == acquiring.StatusAuthorized || p.Status.Succeeded() || p.Status == acquiring.StatusVoided:
		e := d.Conflict("Cancel", p, "cannot be withdrawn any more")
		e.Err = err
		return e
	}
	return err
}

// RegisterToCharge registers the order of a charge. Unlike an invoice it needs
// no page, so that a lost answer is made good by the order's number. An order of
// that number and sum that nobody tried to pay is gone on with; any other gives
// ErrDuplicate, whose Hint ends with next.
func (d *Desk) RegisterToCharge(ctx context.Context, r acquiring.ChargeRequest, next string, register func() (*Registered, error)) (acquiring.PaymentID, error) {
	out, err := register()
	if err == nil {
		return acquiring.PaymentID(out.OrderID), nil
	}
	taken := func(err error) (acquiring.PaymentID, error) {
		// An order that nobody tried to pay is an earlier charge that did not
		// get so far: it is gone on with, as one order is never paid twice.
		if p, readErr := d.ByNumber(ctx, r.OrderID); readErr == nil && unpaid(p, r.Amount) {
			return p.ID, nil
		}
		return "", d.Duplicate(ctx, err, r.OrderID, next)
	}
	if errors.Is(err, acquiring.ErrDuplicate) {
		return taken(err)
	}
	if acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown || ctx.Err() != nil {
		return "", err
	}
	p, readErr := d.ByNumber(ctx, r.OrderID)
	switch {
	case readErr == nil && unpaid(p, r.Amount):
		return p.ID, nil
	case errors.Is(readErr, acquiring.ErrNotFound):
		// Nothing was charged, and nothing will be by this number unless it is
		// asked for again.
		if out, err = register(); err == nil {
			return acquiring.PaymentID(out.OrderID), nil
		}
		if errors.Is(err, acquiring.ErrDuplicate) {
			return taken(err) // the first had arrived after all
		}
	}
	return "", err
}

// unpaid says whether an order of that sum waits for its first attempt.
func unpaid(p *acquiring.Payment, sum money.Amount) bool {
	return p.ID != "" && p.Status == acquiring.StatusPending && p.Failure == nil && p.Amount == sum
}

// PaidByBinding says what became of a registered order after the call that
// pays it by a binding: its answer, or its error. It reads the order. Declined is
// ErrDeclined; what nobody could find out has OutcomeUnknown.
func (d *Desk) PaidByBinding(ctx context.Context, id acquiring.PaymentID, answer *Payment, err error) (*acquiring.Payment, error) {
	if err != nil && acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown {
		// An order that is paid or being paid is refused too: an earlier call
		// for the same number may be what paid it.
		if errors.Is(err, acquiring.ErrConflict) || errors.Is(err, acquiring.ErrUnavailable) && acquiring.OutcomeOf(err) == acquiring.OutcomeRejected {
			if p, readErr := d.Read(ctx, id, 0); readErr == nil && (p.Status.Succeeded() || p.Status == acquiring.StatusAuthorized) {
				return p, nil
			}
			if errors.Is(err, acquiring.ErrUnavailable) {
				return nil, ChargeUnknown(err)
			}
		}
		return nil, err
	}
	p, readErr := d.Read(ctx, id, 0)
	if readErr != nil {
		if err == nil {
			err = readErr
		}
		return nil, ChargeUnknown(err)
	}
	if p.Status == acquiring.StatusPending && p.Failure == nil && answer != nil {
		if why, declined := answer.Declined(); declined {
			p.Failure = &acquiring.Failure{Code: string(first(answer.ProcessingErrorType, answer.ErrorTypeName)), Message: why}
		}
	}
	if p.Status == acquiring.StatusPending && p.Failure == nil && err != nil {
		return nil, err // nothing is seen of it yet
	}
	return d.Charged(p)
}

// ChargeUnknown is an error after a charge whose outcome nobody could read.
func ChargeUnknown(err error) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	known := *e
	known.Outcome = acquiring.OutcomeUnknown
	known.Hint = "the charge may have been made: look with FindByOrder before charging again"
	return &known
}

// Charged is the payment if the charge went through or is under way, or else
// ErrDeclined with the gateway's reason.
func (d *Desk) Charged(p *acquiring.Payment) (*acquiring.Payment, error) {
	if p.Failure == nil && p.Status != acquiring.StatusDeclined && p.Status != acquiring.StatusExpired && p.Status != acquiring.StatusCanceled {
		return p, nil
	}
	e := &acquiring.Error{Provider: d.Provider, Op: "Charge", Kind: acquiring.ErrDeclined, Outcome: acquiring.OutcomeRejected, Message: "the charge was declined"}
	if f := p.Failure; f != nil {
		e.Code, e.Message = f.Code, f.Message
		var code Int
		_ = code.UnmarshalJSON([]byte(f.Code)) // not a number: no code
		switch {
		case OutcomeOpen(code.Value):
			e.Outcome, e.Hint = acquiring.OutcomeUnknown, "the processing did not answer: read the status later"
		case BindingIsDead(code.Value):
			e.Hint = "the card is gone: forget the token with DeleteToken"
		}
	}
	return nil, e
}

// Probe asks for an order that cannot exist: the gateway then says either that
// there is none, and the credentials are good, or that access is denied
// (ErrUnauthorized).
func (d *Desk) Probe(ctx context.Context) error {
	_, err := d.Order(ctx, "00000000-0000-0000-0000-000000000000")
	if err == nil || errors.Is(err, acquiring.ErrNotFound) {
		return nil
	}
	return err
}

// Orders is a page of orders (getLastOrdersForMerchants.do).
type Orders struct {
	Head
	Orders     List[Order] `json:"orderStatuses"`
	TotalCount Int         `json:"totalCount"`
	Page       Int         `json:"page"`
	PageSize   Int         `json:"pageSize"`
}

// listFrom is how far back a list without From goes, and listPage how many
// orders are asked for at a time.
const (
	listFrom = 30 * 24 * time.Hour
	listPage = 100
)

// Payments lists what the pages hold and the filter lets through. Without From
// it goes 30 days back from To, and without To from now. It asks for a page of
// 100 orders at a time.
func (d *Desk) Payments(f acquiring.Filter, now time.Time, page func(q OrdersQuery) (*Orders, error)) iter.Seq2[*acquiring.Payment, error] {
	return func(yield func(*acquiring.Payment, error) bool) {
		q := OrdersQuery{Size: listPage, From: f.From, To: f.To, ByCreated: true}
		if q.To.IsZero() {
			q.To = now
		}
		if q.From.IsZero() {
			q.From = q.To.Add(-listFrom)
		}
		given := 0
		for seen := int64(0); ; q.Page++ {
			orders, err := page(q)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range orders.Orders {
				p := d.Payment("", &orders.Orders[i], 0)
				seen++
				late := !f.To.IsZero() && !p.CreatedAt.IsZero() && !p.CreatedAt.Before(f.To)
				early := !f.From.IsZero() && !p.CreatedAt.IsZero() && p.CreatedAt.Before(f.From)
				if late || early || (f.Statuses != nil && !slices.Contains(f.Statuses, p.Status)) {
					continue
				}
				if !yield(p, nil) {
					return
				}
				if given++; f.Limit > 0 && given == f.Limit {
					return
				}
			}
			if len(orders.Orders) == 0 || (orders.TotalCount.Known && seen >= orders.TotalCount.Value) || (!orders.TotalCount.Known && len(orders.Orders) < q.Size) {
				return
			}
		}
	}
}
