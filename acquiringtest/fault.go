package acquiringtest

import (
	"context"
	"errors"
	"time"

	"github.com/acquiring-go/acquiring"
)

var faultBehaviours = []behaviour{
	{"Fault/StatusServerError", func(e *env) { statusFault(e, ServerError, acquiring.ErrUnavailable) }},
	{"Fault/StatusDrop", func(e *env) { statusFault(e, Drop, acquiring.ErrUnavailable) }},
	{"Fault/StatusHTML", func(e *env) { statusFault(e, HTML, acquiring.ErrProtocol, acquiring.ErrUnavailable) }},
	{"Fault/StatusEmpty", func(e *env) { statusFault(e, Empty, acquiring.ErrProtocol, acquiring.ErrUnavailable) }},
	{"Fault/StatusCut", func(e *env) { statusFault(e, Cut, acquiring.ErrProtocol, acquiring.ErrUnavailable) }},
	{"Fault/StatusRateLimited", statusRateLimited},
	{"Fault/StatusRecovers", statusRecovers},
	{"Fault/CreateLostAnswer", func(e *env) { createFault(e, LostAnswer) }},
	{"Fault/CreateCut", func(e *env) { createFault(e, Cut) }},
	{"Fault/CreateDrop", func(e *env) { createFault(e, Drop) }},
	{"Fault/CreateServerError", func(e *env) { createFault(e, ServerError) }},
	{"Fault/CreateHTML", func(e *env) { createFault(e, HTML) }},
	{"Fault/CreateEmpty", func(e *env) { createFault(e, Empty) }},
	{"Fault/CreateLostAnswerAndBlind", createBlind},
	{"Fault/CreateDown", createDown},
	{"Fault/CreateRateLimited", createRateLimited},
	{"Fault/CreateSlowBeyondDeadline", createSlow},
	{"Fault/CreateCancelledBefore", createCancelled},
	{"Fault/CancelLostAnswer", cancelLost},
	{"Fault/StatusCancelledDuring", statusCancelledDuring},
}

// statusFault: an answer that is none is never read as a payment.
func statusFault(e *env, kind FaultKind, kinds ...error) {
	inv := e.paid()
	e.fail(Fault{Op: OpStatus, Kind: kind, Times: Always})
	_, err := e.a.GetStatus(e.ctx, inv.ID)
	e.refused("GetStatus answered with "+string(kind), err, kinds...)
}

// rateLimited: the error says how long to wait, and the call does not wait so
// long itself.
func (e *env) rateLimited(name string, do func() error) {
	e.Helper()
	start := time.Now()
	err := do()
	e.refused(name+" answered with 429", err, acquiring.ErrRateLimited)
	outcome(e, name+" answered with 429", err, acquiring.OutcomeRejected)
	var ae *acquiring.Error
	if errors.As(err, &ae) && ae.RetryAfter <= 0 {
		e.Errorf("%s: the error does not tell the Retry-After that the provider sent: %v", name, err)
	}
	if took := time.Since(start); took > 40*time.Second {
		e.Errorf("%s waited %s instead of telling the caller", name, took)
	}
}

func statusRateLimited(e *env) {
	inv := e.paid()
	e.fail(Fault{Op: OpStatus, Kind: RateLimited, Times: Always, Delay: 45 * time.Second})
	e.rateLimited("GetStatus", func() error {
		_, err := e.a.GetStatus(e.ctx, inv.ID)
		return err
	})
}

// statusRecovers: a read is repeated by the client itself.
func statusRecovers(e *env) {
	inv := e.paid()
	for _, kind := range []FaultKind{ServerError, Drop} {
		e.fail(Fault{Op: OpStatus, Kind: kind, Times: 1})
		p, err := e.a.GetStatus(e.ctx, inv.ID)
		if err != nil || p.Status != acquiring.StatusPaid {
			e.Errorf("GetStatus after one %q: %v, %v; a read is safe to repeat", kind, p, err)
		}
	}
}

// createFault: the answer to the first call is not had. The client finds out
// or says that it does not know; the customer never gets two links, and in the
// end the caller has one, or knows from ErrDuplicate that there is one.
func createFault(e *env, kind FaultKind) {
	r := e.request()
	e.fail(Fault{Op: OpCreate, Kind: kind, Times: 1})
	inv, err := e.a.CreateInvoice(e.ctx, r)
	if err != nil {
		e.unsure(err)
		inv, err = e.a.CreateInvoice(e.ctx, r)
	}
	ids := e.payable(r.OrderID)
	if err == nil {
		if len(ids) != 1 || ids[0] != inv.ID {
			e.Errorf("the invoice is %s, the provider has %v", inv.ID, ids)
		}
		e.pay(inv.ID)
		e.is(inv.ID, acquiring.StatusPaid)
		return
	}
	e.refused("the request repeated", err, acquiring.ErrDuplicate)
	var ae *acquiring.Error
	if errors.As(err, &ae) && ae.Hint == "" {
		e.Errorf("ErrDuplicate does not say what to do next (Hint): %v", err)
	}
	// The way on: a new attempt under a number of its own.
	r.OrderID = acquiring.Attempt(r.OrderID, 2)
	e.create(r)
	e.payable(r.OrderID)
}

// unsure: after an answer that was not had, nobody claims to know.
func (e *env) unsure(err error) {
	e.Helper()
	if errors.Is(err, acquiring.ErrDuplicate) {
		return // the client has looked, and found it
	}
	outcome(e, "CreateInvoice without an answer", err, acquiring.OutcomeUnknown)
	e.refused("CreateInvoice without an answer", err, acquiring.ErrUnavailable, acquiring.ErrProtocol)
}

// createBlind: the answer is lost, and the client cannot look either.
func createBlind(e *env) {
	r := e.request()
	e.fail(Fault{Op: OpCreate, Kind: LostAnswer, Times: 1})
	e.fail(Fault{Op: OpStatus, Kind: ServerError, Times: 4})
	inv, err := e.a.CreateInvoice(e.ctx, r)
	if err != nil && !errors.Is(err, acquiring.ErrDuplicate) {
		outcome(e, "CreateInvoice without an answer and blind", err, acquiring.OutcomeUnknown)
	}
	for n := 0; err != nil && n < 6 && !errors.Is(err, acquiring.ErrDuplicate); n++ {
		inv, err = e.a.CreateInvoice(e.ctx, r)
	}
	ids := e.payable(r.OrderID)
	if err == nil && (len(ids) != 1 || ids[0] != inv.ID) {
		e.Errorf("the invoice is %s, the provider has %v", inv.ID, ids)
	}
	if err != nil {
		e.refused("the request repeated", err, acquiring.ErrDuplicate)
	}
}

func createDown(e *env) {
	r := e.request()
	e.fail(Fault{Op: OpCreate, Kind: ServerError, Times: Always})
	_, err := e.a.CreateInvoice(e.ctx, r)
	e.refused("CreateInvoice at a provider that is down", err, acquiring.ErrUnavailable)
	if !acquiring.Temporary(err) {
		e.Errorf("the error is not temporary: %v", err)
	}
	if ids := e.payable(r.OrderID); len(ids) != 0 {
		e.Errorf("the provider that is down has %v", ids)
	}
}

func createRateLimited(e *env) {
	r := e.request()
	e.fail(Fault{Op: OpCreate, Kind: RateLimited, Times: Always, Delay: 45 * time.Second})
	e.rateLimited("CreateInvoice", func() error {
		_, err := e.a.CreateInvoice(e.ctx, r)
		return err
	})
	if ids := e.payable(r.OrderID); len(ids) != 0 {
		e.Errorf("the provider that refused has %v", ids)
	}
}

func createSlow(e *env) {
	r := e.request()
	e.fail(Fault{Op: OpCreate, Kind: Slow, Times: 1, Delay: 2 * time.Second})
	ctx, cancel := context.WithTimeout(e.ctx, 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := e.a.CreateInvoice(ctx, r)
	if err == nil {
		e.Error("CreateInvoice has an answer that the provider has not given yet")
	} else {
		outcome(e, "CreateInvoice beyond its deadline", err, acquiring.OutcomeUnknown)
		if !errors.Is(err, context.DeadlineExceeded) {
			e.Errorf("the error does not say that the context ended: %v", err)
		}
	}
	if took := time.Since(start); took > 1500*time.Millisecond {
		e.Errorf("CreateInvoice came back %s after its deadline of 300ms", took)
	}
	inv, err := e.a.CreateInvoice(e.ctx, r)
	ids := e.payable(r.OrderID)
	if err != nil {
		e.refused("the request repeated", err, acquiring.ErrDuplicate)
	} else if len(ids) != 1 || ids[0] != inv.ID {
		e.Errorf("the invoice is %s, the provider has %v", inv.ID, ids)
	}
}

func createCancelled(e *env) {
	r := e.request()
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	_, err := e.a.CreateInvoice(ctx, r)
	if err == nil {
		e.Error("CreateInvoice with a cancelled context succeeds")
	} else {
		outcome(e, "CreateInvoice with a cancelled context", err, acquiring.OutcomeNotSent)
		if !errors.Is(err, context.Canceled) {
			e.Errorf("the error does not say that the context was cancelled: %v", err)
		}
	}
	if ids := e.payable(r.OrderID); len(ids) != 0 {
		e.Errorf("the request that was never sent made %v", ids)
	}
	e.create(r)
}

func cancelLost(e *env) {
	capability[acquiring.Canceler](e.a, "Canceler")
	inv := e.issue()
	e.fail(Fault{Op: OpCancel, Kind: LostAnswer, Times: 1})
	if err := e.a.Cancel(e.ctx, inv.ID); err != nil {
		outcome(e, "Cancel without an answer", err, acquiring.OutcomeUnknown)
		if err := e.a.Cancel(e.ctx, inv.ID); err != nil {
			e.Errorf("Cancel repeated: %v; withdrawn already is a success", err)
		}
	}
	e.is(inv.ID, natural(e.h.Quirks.CanceledAs, acquiring.StatusCanceled))
}

func statusCancelledDuring(e *env) {
	inv := e.paid()
	e.fail(Fault{Op: OpStatus, Kind: Slow, Times: 1, Delay: 2 * time.Second})
	ctx, cancel := context.WithCancel(e.ctx)
	time.AfterFunc(150*time.Millisecond, cancel)
	start := time.Now()
	_, err := e.a.GetStatus(ctx, inv.ID)
	if err == nil {
		e.Error("GetStatus has an answer that the provider has not given yet")
	} else if !errors.Is(err, context.Canceled) {
		e.Errorf("the error does not say that the context was cancelled: %v", err)
	}
	if took := time.Since(start); took > 1500*time.Millisecond {
		e.Errorf("GetStatus came back %s after it was cancelled", took)
	}
	e.is(inv.ID, acquiring.StatusPaid)
}
