package acquiringtest

import (
	"context"
	"errors"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

var refundBehaviours = []behaviour{
	{"Refund/Part", refundPart},
	{"Refund/Several", refundSeveral},
	{"Refund/Full", refundFull},
	{"Refund/Rest", refundRest},
	{"Refund/TooMuch", refundTooMuch},
	{"Refund/AfterFull", refundAfterFull},
	{"Refund/SameKey", refundSameKey},
	{"Refund/SameKeyOtherSum", refundSameKeyOtherSum},
	{"Refund/SameKeyConcurrently", refundSameKeyConcurrently},
	{"Refund/SameSumOtherKey", refundSameSumOtherKey},
	{"Refund/Unpaid", refundUnpaid},
	{"Refund/UnknownID", refundUnknown},
	{"Refund/InvalidRefusedBeforeSending", refundInvalid},
	{"Refund/Receipt", refundReceipt},
	{"Refund/Announced", refundAnnounced},
}

var refundFaultBehaviours = []behaviour{
	{"RefundFault/LostAnswer", func(e *env) { refundFault(e, LostAnswer) }},
	{"RefundFault/Cut", func(e *env) { refundFault(e, Cut) }},
	{"RefundFault/Drop", func(e *env) { refundFault(e, Drop) }},
	{"RefundFault/ServerError", func(e *env) { refundFault(e, ServerError) }},
	{"RefundFault/HTML", func(e *env) { refundFault(e, HTML) }},
	{"RefundFault/Empty", func(e *env) { refundFault(e, Empty) }},
	{"RefundFault/LostAnswerOfPart", refundLostPart},
	{"RefundFault/LostAnswerAndBlind", refundBlind},
	{"RefundFault/Down", refundDown},
	{"RefundFault/RateLimited", refundRateLimited},
	{"RefundFault/SlowBeyondDeadline", refundSlow},
	{"RefundFault/CancelledBefore", refundCancelled},
}

func (e *env) partial() {
	e.Helper()
	if e.h.Quirks.NoPartialRefund {
		e.Skip("Quirks.NoPartialRefund: the provider gives back all or nothing")
	}
}

func (e *env) several() {
	e.Helper()
	e.partial()
	if e.h.Quirks.SingleRefund {
		e.Skip("Quirks.SingleRefund: the provider refunds a payment once")
	}
}

// refunded compares the payment and the books with what was given back.
func (e *env) refunded(id acquiring.PaymentID, captured, back money.Amount, n int) {
	e.Helper()
	want := acquiring.StatusPartiallyRefunded
	switch back {
	case 0:
		want = acquiring.StatusPaid
	case captured:
		want = acquiring.StatusRefunded
	}
	p := e.is(id, want)
	if p.Captured != captured || p.Refunded != back || p.Left() != captured-back {
		e.Errorf("captured %s, refunded %s, left %s; want %s, %s, %s", p.Captured, p.Refunded, p.Left(), captured, back, captured-back)
	}
	e.inBooks(id, Books{Captured: captured, Refunded: back, Refunds: n})
}

func refundPart(e *env) {
	e.partial()
	inv := e.paid()
	r := e.refund(inv.ID, "part-1", 49990)
	if r.Status == acquiring.RefundPending && !e.h.Quirks.AsyncRefund {
		e.Error("Refund.Status is pending, but Quirks.AsyncRefund is not set")
	}
	e.refunded(inv.ID, ordinarySum, 49990, 1)
}

func refundSeveral(e *env) {
	e.several()
	inv := e.paid()
	var back money.Amount
	least := max(1, e.h.Quirks.MinRefund)
	for i, part := range []money.Amount{10001, least, 39989 - least, ordinarySum - 49990} {
		e.refund(inv.ID, "several-"+string(rune('a'+i)), part)
		back += part
		e.refunded(inv.ID, ordinarySum, back, i+1)
	}
}

func refundFull(e *env) {
	inv := e.paid()
	e.refund(inv.ID, "full-1", ordinarySum)
	e.refunded(inv.ID, ordinarySum, ordinarySum, 1)
}

func refundRest(e *env) {
	inv := e.paid()
	back, n := money.Amount(0), 1
	if !e.h.Quirks.NoPartialRefund && !e.h.Quirks.SingleRefund {
		e.refund(inv.ID, "rest-1", 49990)
		e.settle()
		back, n = 49990, 2
	}
	r := e.refund(inv.ID, "rest-2", 0)
	if r.Amount != ordinarySum-back {
		e.Errorf("Refund of the rest gave %s; the rest is %s", r.Amount, ordinarySum-back)
	}
	e.refunded(inv.ID, ordinarySum, ordinarySum, n)
}

func refundTooMuch(e *env) {
	inv := e.paid()
	over := func(key string, a money.Amount) {
		e.Helper()
		_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: key, Amount: a})
		e.refused("giving back "+a.String(), err, acquiring.ErrConflict, acquiring.ErrInvalid, acquiring.ErrDeclined)
		if err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown {
			e.Errorf("the refusal leaves the outcome unknown: %v", err)
		}
	}
	over("over-1", ordinarySum+1)
	over("over-2", ordinarySum*1000)
	e.refunded(inv.ID, ordinarySum, 0, 0)
	if !e.h.Quirks.NoPartialRefund && !e.h.Quirks.SingleRefund {
		e.refund(inv.ID, "over-3", 100000)
		e.settle()
		over("over-4", ordinarySum-100000+1)
		e.refunded(inv.ID, ordinarySum, 100000, 1)
	}
}

func refundAfterFull(e *env) {
	inv := e.paid()
	e.refund(inv.ID, "all-1", 0)
	e.settle()
	for _, a := range []money.Amount{0, 1} {
		_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "all-2", Amount: a})
		e.refused("giving back "+a.String()+" more when all was given back", err, acquiring.ErrConflict, acquiring.ErrInvalid, acquiring.ErrDeclined)
	}
	e.refunded(inv.ID, ordinarySum, ordinarySum, 1)
}

// part is a sum to give back: a part where the provider can, so that a second
// refund would not be refused for want of money.
func (e *env) part() money.Amount {
	if e.h.Quirks.NoPartialRefund {
		return ordinarySum
	}
	return 30000
}

func refundSameKey(e *env) {
	inv := e.paid()
	first := e.refund(inv.ID, "twice-1", e.part())
	again := e.refund(inv.ID, "twice-1", e.part())
	e.settle()
	later := e.refund(inv.ID, "twice-1", e.part())
	if again.ID != first.ID || later.ID != first.ID {
		e.Errorf("one key gives refunds %s, %s and %s", first.ID, again.ID, later.ID)
	}
	e.refunded(inv.ID, ordinarySum, e.part(), 1)
}

func refundSameKeyOtherSum(e *env) {
	e.several()
	inv := e.paid()
	e.refund(inv.ID, "other-1", 30000)
	e.settle()
	r, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "other-1", Amount: 20000})
	if err == nil {
		e.Errorf("the same key with another sum is a success: %s was asked, 300.00 was given back before, the answer says %s", "200.00", r.Amount)
	} else {
		e.refused("the same key with another sum", err, acquiring.ErrDuplicate, acquiring.ErrConflict, acquiring.ErrInvalid)
	}
	e.refunded(inv.ID, ordinarySum, 30000, 1)
}

func refundSameKeyConcurrently(e *env) {
	inv := e.paid()
	e.together(4, func(int) {
		_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "race-1", Amount: e.part()})
		if err != nil {
			e.refused("the same refund at the same time", err, acquiring.ErrDuplicate, acquiring.ErrConflict)
		}
	})
	e.refunded(inv.ID, ordinarySum, e.part(), 1)
}

// refundSameSumOtherKey: two refunds of the same sum are two refunds.
func refundSameSumOtherKey(e *env) {
	e.several()
	inv := e.paid()
	a := e.refund(inv.ID, "line-1", 30000)
	e.settle()
	b := e.refund(inv.ID, "line-2", 30000)
	if a.ID == b.ID {
		e.Errorf("two keys give one refund %s", a.ID)
	}
	e.refunded(inv.ID, ordinarySum, 60000, 2)
}

func refundUnpaid(e *env) {
	inv := e.issue()
	for _, a := range []money.Amount{100, 0} {
		_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "unpaid-1", Amount: a})
		e.refused("refunding an unpaid payment", err, acquiring.ErrConflict)
		outcome(e, "refunding an unpaid payment", err, acquiring.OutcomeRejected)
	}
	e.is(inv.ID, acquiring.StatusPending)
}

func refundUnknown(e *env) {
	_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: e.unknownID(), Key: "unknown-1", Amount: 100})
	e.refused("refunding an unknown payment", err, acquiring.ErrNotFound)
}

func refundInvalid(e *env) {
	inv := e.paid()
	e.nothingSent(func() {
		for _, c := range []struct {
			field string
			req   acquiring.RefundRequest
		}{
			{"ID", acquiring.RefundRequest{Key: "k", Amount: 100}},
			{"Key", acquiring.RefundRequest{ID: inv.ID, Amount: 100}},
			{"Key", acquiring.RefundRequest{ID: inv.ID, Key: "a\x00b", Amount: 100}},
			{"Amount", acquiring.RefundRequest{ID: inv.ID, Key: "k", Amount: -1}},
		} {
			_, err := e.a.Refund(e.ctx, c.req)
			e.field("a refund with a bad "+c.field, err, c.field)
		}
	})
	e.inBooks(inv.ID, Books{Captured: ordinarySum})
}

func refundReceipt(e *env) {
	if e.h.Quirks.NoReceipt {
		e.Skip("Quirks.NoReceipt: the provider prints no receipts")
	}
	e.partial()
	inv := e.paid(func(r *acquiring.InvoiceRequest) { r.Receipt = e.receipt(r.Amount) })
	back := e.receipt(ordinarySum)
	back.Type, back.Lines = fiscal.SaleReturn, back.Lines[1:]
	wrong := *back
	wrong.Lines = nil
	_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "receipt-1", Amount: 10000, Receipt: &wrong})
	e.field("a refund with an empty receipt", err, "Receipt")
	if _, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "receipt-2", Amount: 10000, Receipt: back}); err != nil {
		if !errors.Is(err, acquiring.ErrUnsupported) {
			e.Errorf("a refund with its receipt: %v", err)
		}
		e.refunded(inv.ID, ordinarySum, 0, 0)
		return
	}
	e.refunded(inv.ID, ordinarySum, 10000, 1)
}

func refundAnnounced(e *env) {
	inv := e.paid()
	e.refund(inv.ID, "news-1", ordinarySum)
	e.settle()
	e.announced(inv.ID, acquiring.StatusRefunded)
}

// refundFault: the answer to the first call is not had. Whatever the client
// makes of it, repeating the same request ends with one refund.
func refundFault(e *env, kind FaultKind) {
	inv := e.paid()
	e.fail(Fault{Op: OpRefund, Kind: kind, Times: 1})
	e.refundOnce(inv.ID, "fault-1", e.part())
	e.refunded(inv.ID, ordinarySum, e.part(), 1)
}

// refundOnce repeats the refund until it is known to be made.
func (e *env) refundOnce(id acquiring.PaymentID, key string, a money.Amount) {
	e.Helper()
	for n := range 3 {
		r, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: id, Key: key, Amount: a})
		if err == nil {
			if r.Amount != a {
				e.Errorf("Refund.Amount is %s; asked for %s", r.Amount, a)
			}
			return
		}
		if acquiring.OutcomeOf(err) == acquiring.OutcomeRejected {
			e.Errorf("the refund, time %d, is said to be refused, but nothing refused it: %v", n+1, err)
		}
		e.refused("the refund without an answer", err, acquiring.ErrUnavailable, acquiring.ErrProtocol)
		e.settle()
	}
	e.Errorf("the refund with key %s is not made after three calls", key)
}

// refundLostPart: a payment refunded before, so that the sum refunded already
// is not that of the lost one.
func refundLostPart(e *env) {
	e.several()
	inv := e.paid()
	e.refund(inv.ID, "before-1", 20000)
	e.settle()
	e.fail(Fault{Op: OpRefund, Kind: LostAnswer, Times: 1})
	e.refundOnce(inv.ID, "before-2", 30000)
	e.refunded(inv.ID, ordinarySum, 50000, 2)
}

// refundBlind: the answer is lost and the payment cannot be read. Nobody may
// claim to know, and the repeat refunds nothing more.
func refundBlind(e *env) {
	inv := e.paid()
	e.fail(Fault{Op: OpRefund, Kind: LostAnswer, Times: 1})
	e.fail(Fault{Op: OpStatus, Kind: ServerError, Times: 4})
	ctx, cancel := context.WithTimeout(e.ctx, e.patience())
	defer cancel()
	_, err := e.a.Refund(ctx, acquiring.RefundRequest{ID: inv.ID, Key: "blind-1", Amount: e.part()})
	if err != nil {
		// Read beforehand, the payment could not be had: nothing was sent.
		if acquiring.OutcomeOf(err) == acquiring.OutcomeRejected && e.books(inv.ID).Refunds > 0 {
			e.Errorf("the refund was made, and the client says it was refused: %v", err)
		}
		if acquiring.OutcomeOf(err) == acquiring.OutcomeNotSent && e.books(inv.ID).Refunds > 0 {
			e.Errorf("the refund was made, and the client says it was not sent: %v", err)
		}
	}
	for range 6 { // until the provider can be read again
		if _, err = e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "blind-1", Amount: e.part()}); err == nil {
			break
		}
	}
	if err != nil {
		e.Errorf("the refund repeated with its key: %v", err)
	}
	e.recovered(inv.ID)
	e.refunded(inv.ID, ordinarySum, e.part(), 1)
}

// recovered uses up what is left of a fault of reads.
func (e *env) recovered(id acquiring.PaymentID) {
	for range 6 {
		if _, err := e.a.GetStatus(e.ctx, id); err == nil {
			return
		}
	}
}

func refundDown(e *env) {
	inv := e.paid()
	e.fail(Fault{Op: OpRefund, Kind: ServerError, Times: Always})
	_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "down-1", Amount: e.part()})
	e.refused("a refund at a provider that is down", err, acquiring.ErrUnavailable)
	outcome(e, "a refund at a provider that is down", err, acquiring.OutcomeUnknown)
	e.refunded(inv.ID, ordinarySum, 0, 0)
}

func refundRateLimited(e *env) {
	inv := e.paid()
	e.fail(Fault{Op: OpRefund, Kind: RateLimited, Times: Always, Delay: 45 * time.Second})
	e.rateLimited("Refund", func() error {
		_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "rate-1", Amount: e.part()})
		return err
	})
	e.refunded(inv.ID, ordinarySum, 0, 0)
}

// refundSlow: the caller's deadline ends before the answer comes. That says
// nothing about the refund.
func refundSlow(e *env) {
	inv := e.paid()
	e.fail(Fault{Op: OpRefund, Kind: Slow, Times: 1, Delay: 2 * time.Second})
	ctx, cancel := context.WithTimeout(e.ctx, 300*time.Millisecond)
	defer cancel()
	_, err := e.a.Refund(ctx, acquiring.RefundRequest{ID: inv.ID, Key: "slow-1", Amount: e.part()})
	if err == nil {
		e.Error("Refund has an answer that the provider has not given yet")
	} else {
		outcome(e, "Refund beyond its deadline", err, acquiring.OutcomeUnknown)
		if !errors.Is(err, context.DeadlineExceeded) {
			e.Errorf("the error does not say that the context ended: %v", err)
		}
	}
	e.refundOnce(inv.ID, "slow-1", e.part())
	e.refunded(inv.ID, ordinarySum, e.part(), 1)
}

func refundCancelled(e *env) {
	inv := e.paid()
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	_, err := e.a.Refund(ctx, acquiring.RefundRequest{ID: inv.ID, Key: "gone-1", Amount: e.part()})
	if err == nil {
		e.Error("Refund with a cancelled context succeeds")
	} else {
		outcome(e, "Refund with a cancelled context", err, acquiring.OutcomeNotSent)
		if !errors.Is(err, context.Canceled) {
			e.Errorf("the error does not say that the context was cancelled: %v", err)
		}
	}
	e.refunded(inv.ID, ordinarySum, 0, 0)
}
