package acquiringtest

import (
	"context"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

var tokenBehaviours = []behaviour{
	{"Token/SavedAndCharged", tokenCharged},
	{"Token/NotSavedUnasked", tokenUnasked},
	{"Token/ChargeRepeated", tokenRepeated},
	{"Token/ChargeLostAnswer", tokenLost},
	{"Token/UnknownToken", tokenUnknown},
	{"Token/Deleted", tokenDeleted},
	{"Token/InvalidRefusedBeforeSending", tokenInvalid},
}

// saved is the token of a card that a customer saved while paying.
func (e *env) saved() string {
	e.Helper()
	capability[acquiring.Charger](e.a, "Charger")
	inv := e.paid(saveCard)
	p := e.is(inv.ID, acquiring.StatusPaid)
	if p.Card == nil || p.Card.Token == "" {
		e.Fatalf("a payment with SaveCard has no Card.Token: %+v", p.Card)
	}
	return p.Card.Token
}

func (e *env) charge(token string) acquiring.ChargeRequest {
	r := e.request()
	return acquiring.ChargeRequest{
		OrderID: r.OrderID, Token: token, Amount: 50000, Description: "Subscription for June",
		Customer: r.Customer, IP: "203.0.113.7", CallbackURL: r.CallbackURL,
	}
}

// charged waits, where the provider is not done at once, until the charge is
// paid.
func (e *env) charged(p *acquiring.Payment) *acquiring.Payment {
	e.Helper()
	e.settle()
	if p.Status == acquiring.StatusPending {
		ctx, cancel := context.WithTimeout(e.ctx, e.patience())
		defer cancel()
		var err error
		if p, err = acquiring.Wait(ctx, e.a.a, p.ID, nil); err != nil {
			e.Fatalf("the charge is not paid: %v", err)
		}
	}
	if p.Status != acquiring.StatusPaid {
		e.Errorf("the charge is %s; want paid", p.Status)
	}
	return p
}

func tokenCharged(e *env) {
	token := e.saved()
	for _, a := range []money.Amount{50000, 12345} {
		r := e.charge(token)
		r.Amount = a
		p, err := e.a.Charge(e.ctx, r)
		if err != nil {
			e.Fatalf("Charge: %v", err)
		}
		p = e.charged(p)
		if p.Amount != a || p.Captured != a || p.OrderID != r.OrderID {
			e.Errorf("the charge is of %s for %s, captured %s; want %s for %s", p.Amount, p.OrderID, p.Captured, a, r.OrderID)
		}
		e.inBooks(p.ID, Books{Captured: a})
	}
}

func tokenUnasked(e *env) {
	capability[acquiring.Charger](e.a, "Charger")
	inv := e.paid()
	if p := e.status(inv.ID); p.Card != nil && p.Card.Token != "" {
		e.Error("a card was saved though nobody asked for it")
	}
}

func tokenRepeated(e *env) {
	r := e.charge(e.saved())
	first, err := e.a.Charge(e.ctx, r)
	if err != nil {
		e.Fatalf("Charge: %v", err)
	}
	first = e.charged(first)
	again, err := e.a.Charge(e.ctx, r)
	if err != nil {
		e.refused("the charge repeated", err, acquiring.ErrDuplicate)
	} else if again.ID != first.ID {
		e.Errorf("the charge repeated made another payment: %s beside %s", again.ID, first.ID)
	}
	e.payable(r.OrderID)
	e.inBooks(first.ID, Books{Captured: r.Amount})
}

func tokenLost(e *env) {
	for _, kind := range []FaultKind{LostAnswer, ServerError} {
		r := e.charge(e.saved())
		e.fail(Fault{Op: OpCharge, Kind: kind, Times: 1})
		p, err := e.a.Charge(e.ctx, r)
		if err != nil {
			if acquiring.OutcomeOf(err) == acquiring.OutcomeNotSent {
				e.Errorf("%s: the charge is said not to be sent: %v", kind, err)
			}
			p, err = e.a.Charge(e.ctx, r)
		}
		if err != nil {
			e.refused("the charge repeated after "+string(kind), err, acquiring.ErrDuplicate)
		} else {
			e.charged(p)
		}
		ids := e.payable(r.OrderID)
		if len(ids) != 1 {
			e.Errorf("%s: after the repeat the provider has the charges %v; want one", kind, ids)
			continue
		}
		e.inBooks(ids[0], Books{Captured: r.Amount})
	}
}

func tokenUnknown(e *env) {
	r := e.charge("5ae1e0ad-0000-4000-8000-7f6f4ad7e0a0")
	_, err := e.a.Charge(e.ctx, r)
	e.refused("charging an unknown card", err, acquiring.ErrNotFound, acquiring.ErrDeclined, acquiring.ErrInvalid, acquiring.ErrConflict)
	if ids := e.payable(r.OrderID); len(ids) == 1 {
		if b := e.books(ids[0]); b.Captured != 0 {
			e.Errorf("an unknown card was charged %s", b.Captured)
		}
	}
}

func tokenDeleted(e *env) {
	token := e.saved()
	for n := range 2 {
		if err := e.a.DeleteToken(e.ctx, token); err != nil {
			e.Errorf("DeleteToken, time %d: %v; forgotten already is a success", n+1, err)
		}
	}
	_, err := e.a.Charge(e.ctx, e.charge(token))
	e.refused("charging a forgotten card", err, acquiring.ErrNotFound, acquiring.ErrDeclined, acquiring.ErrInvalid, acquiring.ErrConflict)
}

func tokenInvalid(e *env) {
	token := e.saved()
	e.nothingSent(func() {
		for _, c := range []struct {
			field  string
			change func(*acquiring.ChargeRequest)
		}{
			{"Token", func(r *acquiring.ChargeRequest) { r.Token = "" }},
			{"OrderID", func(r *acquiring.ChargeRequest) { r.OrderID = "" }},
			{"Amount", func(r *acquiring.ChargeRequest) { r.Amount = 0 }},
			{"CallbackURL", func(r *acquiring.ChargeRequest) { r.CallbackURL = "callback" }},
		} {
			r := e.charge(token)
			c.change(&r)
			_, err := e.a.Charge(e.ctx, r)
			e.field("a charge with a bad "+c.field, err, c.field)
		}
	})
}

var listBehaviours = []behaviour{
	{"List/All", listAll},
	{"List/Filtered", listFiltered},
	{"List/Stopped", listStopped},
	{"List/WrongCredentials", listWrong},
}

// list collects what the client lists.
func (e *env) list(f acquiring.Filter) map[acquiring.PaymentID]*acquiring.Payment {
	e.Helper()
	got := map[acquiring.PaymentID]*acquiring.Payment{}
	for p, err := range e.a.Payments(e.ctx, f) {
		if err != nil {
			e.Fatalf("Payments(%+v): %v", f, err)
		}
		if got[p.ID] != nil {
			e.Errorf("Payments gives %s twice", p.ID)
		}
		got[p.ID] = p
	}
	return got
}

func listAll(e *env) {
	capability[acquiring.Lister](e.a, "Lister")
	var paid []*acquiring.Invoice
	for i := range 7 {
		paid = append(paid, e.paid(sum(ordinarySum+money.Amount(i))))
	}
	all := e.list(acquiring.Filter{})
	for _, inv := range paid {
		p := all[inv.ID]
		switch {
		case p == nil:
			e.Errorf("Payments leaves out the paid payment %s", inv.ID)
		case p.Amount != inv.Amount || p.Status != acquiring.StatusPaid:
			e.Errorf("Payments has %s as %s of %s; want paid, %s", p.ID, p.Status, p.Amount, inv.Amount)
		}
	}
}

func listFiltered(e *env) {
	capability[acquiring.Lister](e.a, "Lister")
	paid, unpaid := e.paid(), e.issue()
	e.paid()
	if got := e.list(acquiring.Filter{Limit: 1}); len(got) != 1 {
		e.Errorf("Payments with Limit 1 gives %d payments", len(got))
	}
	now := e.now()
	around := acquiring.Filter{From: now.Add(-time.Hour), To: now.Add(time.Hour)}
	if e.list(around)[paid.ID] == nil {
		e.Error("Payments of the hours around leaves out the payment made just now")
	}
	for _, f := range []acquiring.Filter{
		{From: now.Add(-72 * time.Hour), To: now.Add(-48 * time.Hour)},
		{From: now.Add(48 * time.Hour), To: now.Add(72 * time.Hour)},
	} {
		if got := e.list(f); len(got) != 0 {
			e.Errorf("Payments from %s to %s gives %d payments that were made at %s", f.From, f.To, len(got), now)
		}
	}
	around.Statuses = []acquiring.Status{acquiring.StatusPaid}
	got := e.list(around)
	if got[paid.ID] == nil || got[unpaid.ID] != nil {
		e.Errorf("Payments that are paid: has the paid one: %v; has the unpaid one: %v", got[paid.ID] != nil, got[unpaid.ID] != nil)
	}
}

func listStopped(e *env) {
	capability[acquiring.Lister](e.a, "Lister")
	e.paid()
	e.paid()
	n := 0
	for _, err := range e.a.Payments(e.ctx, acquiring.Filter{}) {
		if err != nil {
			e.Fatalf("Payments: %v", err)
		}
		n++
		break
	}
	if n != 1 {
		e.Errorf("the loop over Payments ran %d times", n)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	var failed bool
	for _, err := range e.a.Payments(ctx, acquiring.Filter{}) {
		failed = failed || err != nil
	}
	if !failed {
		e.Error("Payments with a cancelled context ends without an error: the caller thinks that there are no payments")
	}
}

func listWrong(e *env) {
	capability[acquiring.Lister](e.a, "Lister")
	e.require("Shop.Wrong", e.shop.Wrong != nil)
	var last error
	for _, err := range e.watch(e.shop.Wrong()).Payments(e.ctx, acquiring.Filter{}) {
		last = err
	}
	e.refused("Payments with wrong credentials", last, acquiring.ErrUnauthorized)
}
