package paymaster

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
	_ acquiring.Acquirer = (*ClassicClient)(nil)
	_ acquiring.Capturer = (*ClassicClient)(nil)
	_ acquiring.Finder   = (*ClassicClient)(nil)
	_ acquiring.Lister   = (*ClassicClient)(nil)
	_ acquiring.Checker  = (*ClassicClient)(nil)
	_ acquiring.Named    = (*ClassicClient)(nil)
)

// find reads the payment that a PaymentID means.
func (c *ClassicClient) find(ctx context.Context, op string, id acquiring.PaymentID) (*V1Payment, error) {
	if err := c.needLogin(op); err != nil {
		return nil, err
	}
	switch {
	case strings.TrimSpace(string(id)) == "":
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("ID", "is empty; give Invoice.ID or Callback.PaymentID"))
	case !plainV1(string(id)):
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("ID", "has a semicolon or control characters"))
	}
	var p *V1Payment
	var err error
	if number, ok := strings.CutPrefix(string(id), systemPrefix); ok {
		if !allDigits(number) {
			return nil, acquiring.InOp(provider, op, acquiring.Invalid("ID", "begins with sys: but is no number of PayMaster's"))
		}
		p, err = c.GetPayment(ctx, number)
	} else {
		p, err = c.GetPaymentByInvoiceID(ctx, string(id))
	}
	if err != nil {
		return nil, err
	}
	if bool(p.IsTestPayment) && c.conf.Environment == acquiring.Production && !c.conf.AcceptTest {
		return nil, testRefused(op)
	}
	return p, nil
}

// GetStatus reads the payment by the order number (getPaymentByInvoiceID), or
// by PayMaster's own where the ID is of [SystemID], and sums its refunds up
// (listRefunds). An invoice whose page nobody opened gives ErrNotFound. It
// needs ClassicConfig.Login.
func (c *ClassicClient) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	v1, err := c.find(ctx, "GetStatus", id)
	if err != nil {
		return nil, err
	}
	return c.whole(ctx, id, v1)
}

// whole is the payment with what was refunded.
func (c *ClassicClient) whole(ctx context.Context, id acquiring.PaymentID, v1 *V1Payment) (*acquiring.Payment, error) {
	var back money.Amount
	if v1.State == StateComplete && !c.conf.ReadOnly {
		refunds, err := c.refunds(ctx, v1)
		if err != nil {
			return nil, err
		}
		back = refunded(refunds)
	}
	return c.payment(id, v1, back), nil
}

func (c *ClassicClient) refunds(ctx context.Context, v1 *V1Payment) ([]*V1Refund, error) {
	var found []*V1Refund
	for r, err := range c.ListRefunds(ctx, V1Filter{PaymentID: string(v1.PaymentID)}) {
		if err != nil {
			return nil, err
		}
		if r.PaymentID == "" || r.PaymentID == v1.PaymentID {
			found = append(found, r)
		}
	}
	return found, nil
}

// refunded is the sum of the refunds that did not fail.
func refunded(list []*V1Refund) (sum money.Amount) {
	for _, r := range list {
		if r.state() != RefundStateFailure {
			sum += r.Amount.Amount()
		}
	}
	return sum
}

// payment is the payment in the library's own terms.
func (c *ClassicClient) payment(id acquiring.PaymentID, v1 *V1Payment, back money.Amount) *acquiring.Payment {
	p := &acquiring.Payment{ID: id, OrderID: string(v1.SiteInvoiceID), Amount: v1.Amount.Amount(), Currency: currencyLetters(v1.CurrencyCode),
		Test: bool(v1.IsTestPayment), ProviderStatus: v1.State, Raw: v1.Raw}
	if p.ID == "" {
		if p.ID = acquiring.PaymentID(v1.SiteInvoiceID); p.ID == "" {
			p.ID = SystemID(string(v1.PaymentID))
		}
	}
	switch v1.PaymentSystemID {
	case "93":
		p.Method = acquiring.MethodCard
	default:
		p.Method = methodOf(v1.PaymentMethod)
	}
	if v1.UserIdentifier != "" && p.Method == acquiring.MethodCard {
		p.Card = &acquiring.Card{Masked: maskPAN(string(v1.UserIdentifier))}
	}
	switch v1.State {
	case StateInitiated:
		p.Status = acquiring.StatusPending
	case StateProcessing:
		// A hold, or a payment still under way: only its notification tells.
		p.Status = acquiring.StatusPending
		if c.conf.Holds && c.told.has(string(v1.PaymentID)) {
			p.Status = acquiring.StatusAuthorized
		}
	case StateComplete:
		p.Status, p.Captured, p.Refunded = acquiring.StatusPaid, v1.captured(), back
		// The last change of a refunded payment may be the refund.
		if back == 0 {
			p.PaidAt = v1.LastUpdateTime.Time
		}
		switch {
		case back >= p.Captured && back > 0:
			p.Status = acquiring.StatusRefunded
		case back > 0:
			p.Status = acquiring.StatusPartiallyRefunded
		}
	case StateCancelled:
		p.Status = acquiring.StatusCanceled
	}
	return p
}

// FindByOrder reads the payment of the order (getPaymentByInvoiceID). It needs
// ClassicConfig.Login.
func (c *ClassicClient) FindByOrder(ctx context.Context, orderID string) (*acquiring.Payment, error) {
	const op = "FindByOrder"
	if err := c.needLogin(op); err != nil {
		return nil, err
	}
	if strings.TrimSpace(orderID) == "" || strings.HasPrefix(orderID, systemPrefix) {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("OrderID", "is empty or no order number"))
	}
	v1, err := c.find(ctx, op, acquiring.PaymentID(orderID))
	if err != nil {
		return nil, err
	}
	return c.whole(ctx, acquiring.PaymentID(orderID), v1)
}

// Payments lists the site's payments (listPaymentsFilter), with what was
// refunded (listRefunds) unless ClassicConfig.ReadOnly. The API knows the last
// change of a payment, not its beginning: From and To are of that. A client of
// acquiring.Production leaves test payments out. It needs ClassicConfig.Login.
func (c *ClassicClient) Payments(ctx context.Context, f acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	return func(yield func(*acquiring.Payment, error) bool) {
		if err := c.needLogin("Payments"); err != nil {
			yield(nil, err)
			return
		}
		n := 0
		var back map[Text]money.Amount
		seen := map[acquiring.PaymentID]bool{}
		// Days are inclusive, and the last one may end within the period.
		for v1, err := range c.ListPayments(ctx, V1Filter{From: f.From, To: f.To}) {
			if err != nil {
				yield(nil, err)
				return
			}
			at := v1.LastUpdateTime.Time
			if (!f.From.IsZero() && at.Before(f.From)) || (!f.To.IsZero() && !at.Before(f.To)) {
				continue
			}
			if bool(v1.IsTestPayment) && c.conf.Environment == acquiring.Production && !c.conf.AcceptTest {
				continue
			}
			if back == nil && v1.State == StateComplete && !c.conf.ReadOnly {
				if back, err = c.refundsSince(ctx, f.From); err != nil {
					yield(nil, err)
					return
				}
			}
			p := c.payment("", v1, back[v1.PaymentID])
			if seen[p.ID] {
				p.ID = SystemID(string(v1.PaymentID)) // another attempt under the same number
			}
			seen[p.ID] = true
			if len(f.Statuses) > 0 && !slices.Contains(f.Statuses, p.Status) {
				continue
			}
			if !yield(p, nil) {
				return
			}
			if n++; f.Limit > 0 && n >= f.Limit {
				return
			}
		}
	}
}

// refundsSince are the sums refunded, by PayMaster's number of the payment.
// The list of payments goes by their last change, which a refund may be, so
// earlier refunds of a year count too: no payment is refunded later than that.
func (c *ClassicClient) refundsSince(ctx context.Context, from time.Time) (map[Text]money.Amount, error) {
	back := map[Text]money.Amount{}
	if !from.IsZero() {
		from = from.AddDate(-1, 0, 0)
	}
	for r, err := range c.ListRefunds(ctx, V1Filter{From: from}) {
		if err != nil {
			return nil, err
		}
		if r.state() != RefundStateFailure {
			back[r.PaymentID] += r.Amount.Amount()
		}
	}
	return back, nil
}

// noPayment is a number that no payment has.
const noPayment = "acquiring-check-00000000"

// Check asks for a payment that is not there: PayMaster answers so only if the
// login and the password are good. Whether the secret key is right a
// notification alone can show. It needs ClassicConfig.Login.
func (c *ClassicClient) Check(ctx context.Context) error {
	if err := c.needLogin("Check"); err != nil {
		return err
	}
	_, err := c.GetPaymentByInvoiceID(ctx, noPayment)
	if errors.Is(err, acquiring.ErrNotFound) {
		return nil
	}
	return err
}

// Capture takes held money (confirmPayment), all or a part. The REST API v1
// takes no receipt with it.
func (c *ClassicClient) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	const op = "Capture"
	if err := acquiring.InOp(provider, op, r.Validate()); err != nil {
		return nil, err
	}
	if r.Receipt != nil {
		return nil, acquiring.Unsupported(provider, op, "the classic protocol takes no receipt with the capture; give it with the invoice")
	}
	v1, held, err := c.held(ctx, op, r.ID)
	if err != nil {
		return nil, err
	}
	if r.Amount > held.Amount {
		return nil, conflict(op, held, fmt.Sprintf("only %s of it is held", held.Amount), "")
	}
	sum := r.Amount
	if sum == 0 {
		sum = held.Amount
	}
	do := func() (*V1Payment, error) { return c.ConfirmPayment(ctx, string(v1.PaymentID), r.Amount) }
	p, err := c.change(ctx, op, held, v1, do, StateComplete)
	if err != nil {
		return nil, err
	}
	p.Status, p.Amount, p.Captured = acquiring.StatusPaid, held.Amount, sum
	return p, nil
}

// Void releases held money (cancelPayment). The state is CANCELLED afterwards,
// as it is of an invoice that was never paid: StatusCanceled.
func (c *ClassicClient) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	const op = "Void"
	v1, held, err := c.held(ctx, op, id)
	if err != nil {
		return nil, err
	}
	do := func() (*V1Payment, error) { return c.CancelPayment(ctx, string(v1.PaymentID), "") }
	return c.change(ctx, op, held, v1, do, StateCancelled)
}

// held is a payment whose money is held: as far as the REST API tells, one
// that is PROCESSING.
func (c *ClassicClient) held(ctx context.Context, op string, id acquiring.PaymentID) (*V1Payment, *acquiring.Payment, error) {
	v1, err := c.find(ctx, op, id)
	if err != nil {
		return nil, nil, err
	}
	p := c.payment(id, v1, 0)
	if v1.State != StateProcessing {
		hint := ""
		if p.Status.Succeeded() && op == "Void" {
			hint = "give the money back with Refund"
		}
		return nil, nil, conflict(op, p, "not held", hint)
	}
	return v1, p, nil
}

// change confirms or cancels. After an answer that was lost it looks, and does
// it once more only if the payment is still held: PayMaster refuses the step
// from any other state (-23).
func (c *ClassicClient) change(ctx context.Context, op string, was *acquiring.Payment, v1 *V1Payment, do func() (*V1Payment, error), to string) (*acquiring.Payment, error) {
	answer, err := do()
	for range 2 {
		if err == nil || acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown || ctx.Err() != nil {
			break
		}
		now, readErr := c.GetPayment(ctx, string(v1.PaymentID))
		switch {
		case readErr != nil:
			return nil, err
		case now.State == to:
			answer, err = now, nil
			continue
		case now.State != v1.State:
			return nil, err
		}
		answer, err = do()
	}
	if err != nil {
		return nil, err
	}
	if answer.State != to && answer.State != v1.State {
		return nil, unsure(op, "PayMaster answered no error, and that the payment is "+answer.State, nil)
	}
	answer.SiteInvoiceID = v1.SiteInvoiceID
	return c.payment(was.ID, answer, 0), nil
}

// Refund gives money back (refundPayment). It is executed later: the status is
// RefundPending at first, and [ClassicClient.WaitRefund] waits for the end.
//
// The API has no idempotency key, and Key, sent as externalID, need not be
// unique there. So the refunds of the payment are listed before: one with this
// Key is returned, and no money moves. Refunds of one payment wait for each
// other within a client; two processes that refund under the same Key at the
// same moment are not kept apart. After an answer that was lost the list is
// read again, and if the refund is not in it the outcome is unknown: call
// Refund again with the same Key. It needs ClassicConfig.Login with the role
// Бухгалтер.
func (c *ClassicClient) Refund(ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	const op = "Refund"
	if err := acquiring.InOp(provider, op, r.Validate()); err != nil {
		return nil, err
	}
	if !plainV1(r.Key) {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Key", "has a semicolon or control characters"))
	}
	if err := c.needLogin(op); err != nil {
		return nil, err
	}
	if c.conf.ReadOnly {
		e := acquiring.Unsupported(provider, op, "is set: the login may not refund")
		e.Field = "Config.ReadOnly"
		return nil, e
	}
	defer c.locks.lock(string(r.ID))()
	v1, err := c.find(ctx, op, r.ID)
	if err != nil {
		return nil, err
	}
	rest, err := left(c.payment(r.ID, v1, 0), op)
	if err != nil {
		return nil, err
	}
	refunds, err := c.refunds(ctx, v1)
	if err != nil {
		return nil, err
	}
	if done := byKey(refunds, r.Key); done != nil {
		return c.refundOf(r, done)
	}
	rest -= refunded(refunds)
	sum := r.Amount
	switch {
	case sum == 0 && rest <= 0:
		return nil, conflict(op, c.payment(r.ID, v1, refunded(refunds)), "has nothing left to give back", "")
	case sum == 0:
		sum = rest
	case sum > rest:
		return nil, conflict(op, c.payment(r.ID, v1, refunded(refunds)), fmt.Sprintf("only %s of it is left", max(rest, 0)), "")
	}
	if r.Receipt != nil {
		if total := r.Receipt.Total(); total != sum {
			return nil, acquiring.InOp(provider, op, acquiring.Invalid("Receipt", fmt.Sprintf("comes to %s, but the refund is %s", total, sum)))
		}
	}
	done, err := c.RefundPayment(ctx, string(v1.PaymentID), sum, r.Key, r.Receipt)
	if err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown {
		if ctx.Err() == nil {
			if refunds, readErr := c.refunds(ctx, v1); readErr == nil {
				if made := byKey(refunds, r.Key); made != nil {
					return c.refundOf(r, made)
				}
			}
		}
		return nil, hinted(err, "call Refund again with the same Key: it looks for this refund first")
	}
	if err != nil {
		return nil, err
	}
	if done.Amount == 0 {
		done.Amount = Rubles(sum)
	}
	return refundV1(r.ID, r.Key, done), nil
}

// byKey is the refund with that key; nil: there is none. One that did not fail
// is preferred.
func byKey(list []*V1Refund, key string) (found *V1Refund) {
	for _, r := range list {
		if string(r.ExternalID) == key && (found == nil || found.state() == RefundStateFailure) {
			found = r
		}
	}
	return found
}

// refundOf is the refund that a key made before.
func (c *ClassicClient) refundOf(r acquiring.RefundRequest, done *V1Refund) (*acquiring.Refund, error) {
	if sum := done.Amount.Amount(); r.Amount != 0 && sum != r.Amount {
		return nil, &acquiring.Error{Provider: provider, Op: "Refund", Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("the key belongs to a refund of %s already", sum), Hint: "give another refund another Key"}
	}
	return refundV1(r.ID, r.Key, done), nil
}

func refundV1(id acquiring.PaymentID, key string, r *V1Refund) *acquiring.Refund {
	out := &acquiring.Refund{ID: string(r.RefundID), PaymentID: id, Amount: r.Amount.Amount(), Status: r.status(), Raw: r.Raw}
	if out.ID == "" {
		out.ID = key
	}
	return out
}

// RefundStatus reads the refund of a payment by the key that it was made with.
func (c *ClassicClient) RefundStatus(ctx context.Context, id acquiring.PaymentID, key string) (*acquiring.Refund, error) {
	const op = "RefundStatus"
	v1, err := c.find(ctx, op, id)
	if err != nil {
		return nil, err
	}
	refunds, err := c.refunds(ctx, v1)
	if err != nil {
		return nil, err
	}
	if r := byKey(refunds, key); r != nil && key != "" {
		return refundV1(id, key, r), nil
	}
	return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected,
		Message: "the payment has no refund with this key"}
}

// WaitRefund asks for the refund until it was executed or failed: at once,
// after a second, then ever more rarely. Give it a context with a deadline;
// when that ends, what was seen last is returned with the context's error.
func (c *ClassicClient) WaitRefund(ctx context.Context, id acquiring.PaymentID, key string) (*acquiring.Refund, error) {
	return waitRefund(ctx, func() (*acquiring.Refund, error) { return c.RefundStatus(ctx, id, key) })
}
