package acquiringtest

import (
	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

var holdBehaviours = []behaviour{
	{"Hold/Authorised", holdAuthorised},
	{"Hold/CaptureWhole", holdCaptureWhole},
	{"Hold/CapturePart", holdCapturePart},
	{"Hold/CaptureTooMuch", holdCaptureTooMuch},
	{"Hold/CaptureTwice", holdCaptureTwice},
	{"Hold/CaptureUnpaid", holdCaptureUnpaid},
	{"Hold/CaptureUnknownID", holdCaptureUnknown},
	{"Hold/Void", holdVoid},
	{"Hold/VoidTwice", holdVoidTwice},
	{"Hold/CaptureAfterVoid", holdCaptureAfterVoid},
	{"Hold/RefundOfHold", holdRefund},
	{"Hold/RefundAfterCapture", holdRefundAfterCapture},
	{"Hold/CaptureLostAnswer", holdCaptureLost},
	{"Hold/VoidLostAnswer", holdVoidLost},
	{"Hold/Announced", holdAnnounced},
	{"Hold/InvalidRefusedBeforeSending", holdInvalid},
}

// held is an ordinary sum held on the customer's card.
func (e *env) held() *acquiring.Invoice {
	e.Helper()
	capability[acquiring.Capturer](e.a, "Capturer")
	return e.paid(hold)
}

func (e *env) capture(id acquiring.PaymentID, a money.Amount) *acquiring.Payment {
	e.Helper()
	p, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: id, Amount: a})
	if err != nil {
		e.Fatalf("Capture(%s, %s): %v", id, a, err)
	}
	return p
}

func (e *env) captured(p *acquiring.Payment, a money.Amount) {
	e.Helper()
	if p.Amount != ordinarySum {
		e.Errorf("after the capture of %s the payment is of %s; the sum ordered is %s still", a, p.Amount, ordinarySum)
	}
	if p.Status != acquiring.StatusPaid || p.Captured != a || p.Refunded != 0 {
		e.Errorf("after the capture the payment is %s, captured %s, refunded %s; want paid, %s, 0", p.Status, p.Captured, p.Refunded, a)
	}
}

func holdAuthorised(e *env) {
	inv := e.held()
	p := e.is(inv.ID, acquiring.StatusAuthorized)
	if p.Amount != ordinarySum || p.Captured != 0 || p.Left() != 0 {
		e.Errorf("the held payment is of %s, captured %s, left %s; want %s, 0, 0", p.Amount, p.Captured, p.Left(), ordinarySum)
	}
	if p.Status.Succeeded() {
		e.Error("a hold counts as a success: goods would be given for money that was not taken")
	}
	e.inBooks(inv.ID, Books{})
}

func holdCaptureWhole(e *env) {
	inv := e.held()
	e.captured(e.capture(inv.ID, 0), ordinarySum)
	e.captured(e.status(inv.ID), ordinarySum)
	e.inBooks(inv.ID, Books{Captured: ordinarySum})

	inv = e.held()
	e.captured(e.capture(inv.ID, ordinarySum), ordinarySum)
	e.inBooks(inv.ID, Books{Captured: ordinarySum})
}

func (e *env) partialCapture() {
	e.Helper()
	if e.h.Quirks.NoPartialCapture {
		e.Skip("Quirks.NoPartialCapture: the provider takes the whole hold")
	}
}

func holdCapturePart(e *env) {
	inv := e.held()
	if e.h.Quirks.NoPartialCapture {
		_, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: inv.ID, Amount: 100000})
		e.refused("capturing a part", err, acquiring.ErrUnsupported, acquiring.ErrInvalid)
		e.is(inv.ID, acquiring.StatusAuthorized)
		return
	}
	e.captured(e.capture(inv.ID, 100000), 100000)
	p := e.status(inv.ID)
	e.captured(p, 100000)
	if p.Left() != 100000 {
		e.Errorf("left to refund is %s; want 1000.00", p.Left())
	}
	e.inBooks(inv.ID, Books{Captured: 100000})
}

func holdCaptureTooMuch(e *env) {
	inv := e.held()
	_, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: inv.ID, Amount: ordinarySum + 1})
	e.refused("capturing more than is held", err, acquiring.ErrConflict, acquiring.ErrInvalid, acquiring.ErrDeclined, acquiring.ErrUnsupported)
	e.is(inv.ID, acquiring.StatusAuthorized)
	e.inBooks(inv.ID, Books{})
}

// holdCaptureTwice: the second capture finds nothing held.
func holdCaptureTwice(e *env) {
	first := ordinarySum
	if !e.h.Quirks.NoPartialCapture {
		first = 100000
	}
	inv := e.held()
	e.capture(inv.ID, first)
	for _, a := range []money.Amount{0, first} {
		_, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: inv.ID, Amount: a})
		e.refused("capturing a second time", err, acquiring.ErrConflict)
	}
	e.inBooks(inv.ID, Books{Captured: first})
}

func holdCaptureUnpaid(e *env) {
	capability[acquiring.Capturer](e.a, "Capturer")
	inv := e.issue(hold)
	_, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: inv.ID})
	e.refused("capturing an unpaid payment", err, acquiring.ErrConflict)
	_, err = e.a.Void(e.ctx, inv.ID)
	e.refused("voiding an unpaid payment", err, acquiring.ErrConflict)
	e.is(inv.ID, acquiring.StatusPending)
}

func holdCaptureUnknown(e *env) {
	_, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: e.unknownID()})
	e.refused("capturing an unknown payment", err, acquiring.ErrNotFound)
	_, err = e.a.Void(e.ctx, e.unknownID())
	e.refused("voiding an unknown payment", err, acquiring.ErrNotFound)
}

func holdVoid(e *env) {
	inv := e.held()
	p, err := e.a.Void(e.ctx, inv.ID)
	if err != nil {
		e.Fatalf("Void: %v", err)
	}
	want := natural(e.h.Quirks.VoidedAs, acquiring.StatusVoided)
	if p.Status != want {
		e.Errorf("after Void the payment is %s; want %s", p.Status, want)
	}
	e.is(inv.ID, want)
	e.inBooks(inv.ID, Books{})
}

func holdVoidTwice(e *env) {
	inv := e.held()
	if _, err := e.a.Void(e.ctx, inv.ID); err != nil {
		e.Fatalf("Void: %v", err)
	}
	if _, err := e.a.Void(e.ctx, inv.ID); err != nil {
		e.refused("voiding a second time", err, acquiring.ErrConflict)
	}
	e.is(inv.ID, natural(e.h.Quirks.VoidedAs, acquiring.StatusVoided))
}

func holdCaptureAfterVoid(e *env) {
	inv := e.held()
	if _, err := e.a.Void(e.ctx, inv.ID); err != nil {
		e.Fatalf("Void: %v", err)
	}
	_, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: inv.ID})
	e.refused("capturing after the hold was released", err, acquiring.ErrConflict)
	e.inBooks(inv.ID, Books{})
}

func holdRefund(e *env) {
	inv := e.held()
	for _, a := range []money.Amount{0, 100, ordinarySum} {
		_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "hold-1", Amount: a})
		e.refused("refunding a hold", err, acquiring.ErrConflict)
	}
	e.is(inv.ID, acquiring.StatusAuthorized)
	e.inBooks(inv.ID, Books{})
}

func holdRefundAfterCapture(e *env) {
	e.partialCapture()
	inv := e.held()
	e.capture(inv.ID, 100000)
	_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "captured-1", Amount: 100001})
	e.refused("giving back more than was captured", err, acquiring.ErrConflict, acquiring.ErrInvalid, acquiring.ErrDeclined)
	n := 1
	if !e.h.Quirks.NoPartialRefund && !e.h.Quirks.SingleRefund {
		e.refund(inv.ID, "captured-2", 40000)
		e.refunded(inv.ID, 100000, 40000, 1)
		n = 2
	}
	e.refund(inv.ID, "captured-3", 0)
	e.refunded(inv.ID, 100000, 100000, n)
}

// holdCaptureLost: whatever the client says of the capture whose answer was
// lost, the money is taken once and the next look tells.
func holdCaptureLost(e *env) {
	inv := e.held()
	e.fail(Fault{Op: OpCapture, Kind: LostAnswer, Times: 1})
	p, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: inv.ID})
	if err == nil {
		e.captured(p, ordinarySum)
	} else {
		outcome(e, "Capture without an answer", err, acquiring.OutcomeUnknown)
	}
	e.captured(e.status(inv.ID), ordinarySum)
	if _, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: inv.ID}); err != nil {
		e.refused("the capture repeated", err, acquiring.ErrConflict)
	}
	e.inBooks(inv.ID, Books{Captured: ordinarySum})
}

func holdVoidLost(e *env) {
	inv := e.held()
	e.fail(Fault{Op: OpVoid, Kind: LostAnswer, Times: 1})
	want := natural(e.h.Quirks.VoidedAs, acquiring.StatusVoided)
	p, err := e.a.Void(e.ctx, inv.ID)
	if err == nil && p.Status != want {
		e.Errorf("Void succeeded and the payment is %s", p.Status)
	}
	outcome(e, "Void without an answer", err, acquiring.OutcomeUnknown)
	e.is(inv.ID, want)
	e.inBooks(inv.ID, Books{})
}

func holdAnnounced(e *env) {
	inv := e.held()
	e.announced(inv.ID, acquiring.StatusAuthorized)
	e.capture(inv.ID, 0)
	e.announced(inv.ID, acquiring.StatusPaid)

	other := e.held()
	if _, err := e.a.Void(e.ctx, other.ID); err != nil {
		e.Fatalf("Void: %v", err)
	}
	e.announced(other.ID, natural(e.h.Quirks.VoidedAs, acquiring.StatusVoided))
}

func holdInvalid(e *env) {
	inv := e.held()
	e.nothingSent(func() {
		_, err := e.a.Capture(e.ctx, acquiring.CaptureRequest{ID: inv.ID, Amount: -1})
		e.field("capturing a negative sum", err, "Amount")
		_, err = e.a.Capture(e.ctx, acquiring.CaptureRequest{Amount: 100})
		e.field("capturing no payment", err, "ID")
		if _, err = e.a.Void(e.ctx, ""); err == nil {
			e.Error("Void of an empty ID succeeds")
		}
	})
}
