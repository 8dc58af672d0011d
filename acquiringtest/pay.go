package acquiringtest

import (
	"errors"
	"strings"

	"github.com/acquiring-go/acquiring"
)

var payBehaviours = []behaviour{
	{"Pay/CallbackAndStatus", payCallbackStatus},
	{"Pay/Declined", payDeclined},
	{"Pay/DeclinedThenPaid", payDeclinedThenPaid},
	{"Pay/Expired", payExpired},
	{"Status/Pending", statusPending},
	{"Status/UnknownID", statusUnknown},
	{"Status/HostileID", statusHostile},
	{"Find/ByOrder", findByOrder},
	{"Find/UnknownOrder", findUnknown},
	{"Cancel/Unpaid", cancelUnpaid},
	{"Cancel/Twice", cancelTwice},
	{"Cancel/Paid", cancelPaid},
	{"Cancel/UnknownID", cancelUnknown},
	{"QR/Paid", qrPaid},
	{"QR/InvalidRefusedBeforeSending", qrInvalid},
	{"QR/OnlyMethod", qrOnlyMethod},
	{"Check/Good", checkGood},
	{"Check/WrongCredentials", checkWrong},
}

func payCallbackStatus(e *env) {
	r := e.request()
	inv := e.create(r)
	p := e.is(inv.ID, acquiring.StatusPending)
	if p.Amount != r.Amount || p.OrderID != r.OrderID || p.Refunded != 0 || p.Currency != "RUB" {
		e.Errorf("the unpaid payment is %+v; asked for %s of %s", p, r.OrderID, r.Amount)
	}
	e.pay(inv.ID)
	p = e.is(inv.ID, acquiring.StatusPaid)
	if p.Amount != r.Amount || p.Captured != r.Amount || p.OrderID != r.OrderID || p.Left() != r.Amount {
		e.Errorf("the paid payment is %+v; asked for %s of %s", p, r.OrderID, r.Amount)
	}
	if p.Failure != nil {
		e.Errorf("the paid payment has a Failure: %+v", p.Failure)
	}
	e.inBooks(inv.ID, Books{Captured: r.Amount})
	if cb := e.announced(inv.ID, acquiring.StatusPaid); cb != nil && cb.OrderID != "" && cb.OrderID != r.OrderID {
		e.Errorf("Callback.OrderID is %q; want %q", cb.OrderID, r.OrderID)
	}
	if e.shop.Pay(inv.ID) == nil {
		e.inBooks(inv.ID, Books{Captured: r.Amount})
	}
}

func payDeclined(e *env) {
	inv := e.issue()
	e.decline(inv.ID)
	want := natural(e.h.Quirks.DeclinedAs, acquiring.StatusDeclined)
	p := e.is(inv.ID, want)
	if want == acquiring.StatusDeclined && p.Failure == nil {
		e.Error("the declined payment has no Failure: nobody learns why")
	}
	e.inBooks(inv.ID, Books{})
	if want != acquiring.StatusPending {
		e.announced(inv.ID, want)
	}
	_, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "r-1", Amount: 100})
	e.refused("refunding a declined payment", err, acquiring.ErrConflict)
}

func payDeclinedThenPaid(e *env) {
	if !e.h.Quirks.PayAfterDecline {
		e.Skip("Quirks.PayAfterDecline is not set: a declined link stays declined")
	}
	inv := e.issue()
	e.decline(inv.ID)
	before := e.status(inv.ID)
	e.pay(inv.ID)
	after := e.is(inv.ID, acquiring.StatusPaid)
	if !before.Status.CanBecome(after.Status) {
		e.Errorf("%s cannot become %s: the money that came would not be seen", before.Status, after.Status)
	}
	e.announced(inv.ID, acquiring.StatusPaid)
}

func payExpired(e *env) {
	inv := e.issue()
	e.expire(inv.ID)
	want := natural(e.h.Quirks.ExpiredAs, acquiring.StatusExpired)
	e.is(inv.ID, want)
	e.announced(inv.ID, want)
	if e.shop.Pay != nil && e.shop.Pay(inv.ID) == nil {
		e.Error("the expired link was paid: the emulator is not strict")
	}
	e.inBooks(inv.ID, Books{})
}

func statusPending(e *env) {
	inv := e.issue()
	for range 3 {
		p := e.is(inv.ID, acquiring.StatusPending)
		if p.Captured != 0 || p.Refunded != 0 {
			e.Errorf("the unpaid payment has captured %s, refunded %s", p.Captured, p.Refunded)
		}
	}
}

func statusUnknown(e *env) {
	_, err := e.a.GetStatus(e.ctx, e.unknownID())
	e.refused("GetStatus of an unknown ID", err, acquiring.ErrNotFound)
	if errors.Is(err, acquiring.ErrUnauthorized) || acquiring.Temporary(err) {
		e.Errorf("an unknown ID looks like another trouble: %v", err)
	}
}

// statusHostile: an ID comes from a store or from a callback; it never leads
// to another address, parameter or payment.
func statusHostile(e *env) {
	inv := e.paid()
	for _, id := range []acquiring.PaymentID{
		"../" + inv.ID, inv.ID + "?x=1", inv.ID + "/../" + inv.ID, inv.ID + "&orderId=" + inv.ID, inv.ID + "#", inv.ID + "%20",
		".", "..", "../x", "x/../y", "x?y=1", "x#y", // short ones pass where a number's length is checked
		" ", inv.ID + "\n", "\x00", acquiring.PaymentID(strings.Repeat("7", 5000)), "'; drop table", "заказ",
	} {
		_, err := e.a.GetStatus(e.ctx, id)
		e.refused("GetStatus of the ID "+quoted(string(id)), err, acquiring.ErrNotFound, acquiring.ErrInvalid)
	}
}

func quoted(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return string(mustJSON(s))
}

func findByOrder(e *env) {
	r := e.request()
	inv := e.create(r)
	e.issue()
	p, err := e.a.FindByOrder(e.ctx, r.OrderID)
	if err != nil {
		e.Fatalf("FindByOrder(%s): %v", r.OrderID, err)
	}
	if p.ID != inv.ID || p.Amount != r.Amount || p.Status != acquiring.StatusPending {
		e.Errorf("FindByOrder found %s of %s, %s; want %s of %s, pending", p.ID, p.Amount, p.Status, inv.ID, r.Amount)
	}
	e.pay(inv.ID)
	if p, err = e.a.FindByOrder(e.ctx, r.OrderID); err != nil || p.ID != inv.ID || p.Status != acquiring.StatusPaid {
		e.Errorf("FindByOrder after the payment: %+v, %v", p, err)
	}
}

func findUnknown(e *env) {
	_, err := e.a.FindByOrder(e.ctx, e.orderID())
	e.refused("FindByOrder of an unknown order", err, acquiring.ErrNotFound)
	e.nothingSent(func() {
		_, err = e.a.FindByOrder(e.ctx, "")
		e.refused("FindByOrder of an empty order number", err, acquiring.ErrInvalid, acquiring.ErrNotFound)
	})
}

func cancelUnpaid(e *env) {
	inv := e.issue()
	if err := e.a.Cancel(e.ctx, inv.ID); err != nil {
		e.Fatalf("Cancel: %v", err)
	}
	e.is(inv.ID, natural(e.h.Quirks.CanceledAs, acquiring.StatusCanceled))
	if e.shop.Pay != nil && e.shop.Pay(inv.ID) == nil {
		e.Error("the link was paid after it was withdrawn")
	}
}

func cancelTwice(e *env) {
	inv := e.issue()
	for n := range 2 {
		if err := e.a.Cancel(e.ctx, inv.ID); err != nil {
			e.Errorf("Cancel, time %d: %v; withdrawn already is a success", n+1, err)
		}
	}
}

func cancelPaid(e *env) {
	inv := e.paid()
	err := e.a.Cancel(e.ctx, inv.ID)
	e.refused("Cancel of a paid payment", err, acquiring.ErrConflict)
	e.is(inv.ID, acquiring.StatusPaid)
	e.inBooks(inv.ID, Books{Captured: ordinarySum})
}

func cancelUnknown(e *env) {
	e.refused("Cancel of an unknown ID", e.a.Cancel(e.ctx, e.unknownID()), acquiring.ErrNotFound)
}

func qrPaid(e *env) {
	r := e.request()
	qr, err := e.a.CreateQR(e.ctx, r)
	if err != nil {
		e.Fatalf("CreateQR: %v", err)
	}
	if qr.PaymentID == "" || qr.Payload == "" || qr.OrderID != r.OrderID {
		e.Fatalf("the code is %+v; want the PaymentID, the Payload and the order number %s", qr, r.OrderID)
	}
	if err := acquiring.CheckURL("Payload", qr.Payload); err != nil {
		e.Errorf("the code's Payload %q: %v", qr.Payload, err)
	}
	if (len(qr.Image) > 0) != (qr.ImageType != "") {
		e.Errorf("the code has an image of %d bytes and of type %q", len(qr.Image), qr.ImageType)
	}
	e.is(qr.PaymentID, acquiring.StatusPending)
	e.pay(qr.PaymentID)
	e.is(qr.PaymentID, acquiring.StatusPaid)
	e.payable(r.OrderID)
}

func qrInvalid(e *env) {
	capability[acquiring.QRIssuer](e.a, "QRIssuer")
	e.nothingSent(func() {
		_, err := e.a.CreateQR(e.ctx, e.request(sum(0)))
		e.field("a code for no sum", err, "Amount")
		_, err = e.a.CreateQR(e.ctx, e.request(func(r *acquiring.InvoiceRequest) { r.OrderID = "" }))
		e.field("a code without order number", err, "OrderID")
	})
}

// qrOnlyMethod: an invoice by SBP alone either gives a way to pay by SBP or
// is refused; it never is an ordinary one in silence.
func qrOnlyMethod(e *env) {
	capability[acquiring.QRIssuer](e.a, "QRIssuer")
	inv, err := e.a.CreateInvoice(e.ctx, e.request(func(r *acquiring.InvoiceRequest) { r.Methods = []acquiring.Method{acquiring.MethodSBP} }))
	if err != nil {
		e.refused("an invoice by SBP alone", err, acquiring.ErrUnsupported)
		return
	}
	e.pay(inv.ID)
	e.is(inv.ID, acquiring.StatusPaid)
}

func checkGood(e *env) {
	capability[acquiring.Checker](e.a, "Checker")
	if err := e.a.Check(e.ctx); err != nil {
		e.Errorf("Check with good credentials: %v", err)
	}
}

func checkWrong(e *env) {
	capability[acquiring.Checker](e.a, "Checker")
	e.require("Shop.Wrong", e.shop.Wrong != nil)
	e.refused("Check with wrong credentials", e.watch(e.shop.Wrong()).Check(e.ctx), acquiring.ErrUnauthorized)
}
