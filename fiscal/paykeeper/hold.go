package paykeeper

import (
	"context"
	"errors"

	"github.com/acquiring-go/acquiring"
)

// Capture takes a held payment: the whole by /change/payment/capture/, a part
// by releasing the rest (/change/payment/reverse/ with partial=true), for there
// is no other call. That same call gives money back once the payment is taken,
// so a part is captured only where the hold is known: from Config.HoldStatus,
// or from the notification (which the Store keeps).
//
// The receipt printed is the invoice's; another cannot be given.
func (a *Acquirer) Capture(ctx context.Context, req acquiring.CaptureRequest) (*acquiring.Payment, error) {
	const op = "Capture"
	if err := req.Validate(); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if req.Receipt != nil {
		e := acquiring.Unsupported(provider, op, "cannot be given with a capture; print a receipt of its own with Client.Submit")
		e.Field = "Receipt"
		return nil, e
	}
	inv, p, unlock, err := a.held(ctx, op, req.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	h, err := a.holdOf(ctx, op, p)
	if err != nil {
		return nil, err
	}
	part := reversalName("/capture/", p.ID)
	total := p.Amount
	before, err := a.sentPart(ctx, op, part)
	if err != nil {
		return nil, err
	}
	if before.open() {
		total = before.Sum // a part was sent; the service may show what is left of it since
	}
	amount := req.Amount
	if amount == 0 {
		amount = total
	}
	switch {
	case h.State == holdCaptured:
		return nil, a.conflict(op, "the payment was captured already", "read it with GetStatus")
	case !h.open():
		return nil, a.conflict(op, "the payment is not on hold", "read it with GetStatus")
	case before.open() && before.Amount != total-amount:
		return nil, a.conflict(op, "a capture of another sum was sent before, and what became of it is not known yet", "capture "+(total-before.Amount).String()+", as before")
	case !p.Status.Received() && string(p.Status) != a.c.cfg.HoldStatus:
		return nil, a.conflict(op, "the payment is "+string(p.Status), "only held money can be captured")
	case amount > total:
		return nil, a.conflict(op, "only "+total.String()+" is held", "capture that, or less")
	case amount < total && h.State != holdHeld:
		return nil, a.conflict(op, "whether the payment is on hold is not known, and a part taken of one that is not would be given back",
			"capture the whole, or let the notification of the hold come in first; with Config.Store it is not forgotten")
	}
	if amount < total {
		release := total - amount
		plan := func(*PaymentInfo, []*RefundInfo) (ReverseRequest, error) {
			return ReverseRequest{ID: p.ID, Amount: release, Partial: true}, nil
		}
		if _, _, err := a.reverse(ctx, op, part, p.ID, release, plan); err != nil {
			return nil, err
		}
	} else if err := a.captureWhole(ctx, op, p.ID); err != nil {
		return nil, err
	}
	return a.settle(ctx, op, req.ID, inv, p.ID, hold{State: holdCaptured, Captured: amount})
}

func reversalName(kind string, id PaymentID) string { return kind + string(id) }

// sentPart is the part's reversal as far as it was sent.
func (a *Acquirer) sentPart(ctx context.Context, op, name string) (rev reversal, err error) {
	_, err = a.c.recall(ctx, op, a.c.label()+name, &rev)
	return rev, err
}

// captureWhole takes everything. After a lost answer the call is made again:
// what is taken cannot be taken twice, the service refuses it. A refusal right
// after a lost answer means that the first was carried out.
func (a *Acquirer) captureWhole(ctx context.Context, op string, id PaymentID) error {
	key := a.c.label() + reversalName("/captured/", id)
	var sent intent
	there, err := a.c.recall(ctx, op, key, &sent)
	if err != nil {
		return err
	}
	if a.c.busy(sent) {
		return a.c.underWay(op)
	}
	lost := sent.open()
	now := a.c.intend()
	if err := a.c.announce(ctx, op, key, there, sent, now, now); err != nil {
		return err
	}
	_, err = a.c.Capture(ctx, id)
	if err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown && ctx.Err() == nil {
		lost = true
		_, err = a.c.Capture(ctx, id)
	}
	switch {
	case err == nil:
		return nil
	case lost && errors.Is(err, acquiring.ErrConflict):
		return nil
	case acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown && !lost:
		if failed := a.c.keep(ctx, key, now.refused()); failed != nil {
			return a.c.storeFailed(op, failed, acquiring.OutcomeRejected)
		}
	}
	return err
}

// Void releases a hold: /change/payment/reverse/ of the whole. A payment that
// is not held gives ErrConflict; one released already is returned as it is.
func (a *Acquirer) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	const op = "Void"
	inv, p, unlock, err := a.held(ctx, op, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	h, err := a.holdOf(ctx, op, p)
	if err != nil {
		return nil, err
	}
	switch {
	case h.State == holdVoided, h.open() && p.Status == PaymentRefunded:
		return a.whole(ctx, op, id, inv, p)
	case !h.open():
		return nil, a.conflict(op, "the payment is not on hold", "give money that was taken back with Refund")
	case !p.Status.Received() && string(p.Status) != a.c.cfg.HoldStatus:
		return nil, a.conflict(op, "the payment is "+string(p.Status), "only held money can be released")
	}
	plan := func(now *PaymentInfo, _ []*RefundInfo) (ReverseRequest, error) {
		return ReverseRequest{ID: now.ID, Amount: now.Amount}, nil
	}
	if _, _, err := a.reverse(ctx, op, reversalName("/void/", p.ID), p.ID, p.Amount, plan); err != nil {
		return nil, err
	}
	return a.settle(ctx, op, id, inv, p.ID, hold{State: holdVoided})
}

// held reads a payment that may be on hold, under its lock.
func (a *Acquirer) held(ctx context.Context, op string, id acquiring.PaymentID) (*InvoiceInfo, *PaymentInfo, func(), error) {
	_, p, err := a.paid(ctx, op, id)
	if err != nil {
		return nil, nil, nil, err
	}
	unlock, err := a.c.locks.lock(ctx, a.c.label()+"/payment/"+string(p.ID))
	if err != nil {
		return nil, nil, nil, a.c.notSent(op, err)
	}
	inv, p, err := a.paid(ctx, op, id)
	if err != nil {
		unlock()
		return nil, nil, nil, err
	}
	return inv, p, unlock, nil
}

// settle notes what became of the hold and reads the payment again.
func (a *Acquirer) settle(ctx context.Context, op string, id acquiring.PaymentID, inv *InvoiceInfo, payment PaymentID, h hold) (*acquiring.Payment, error) {
	if err := a.c.keep(ctx, a.holdKey(payment), h); err != nil {
		return nil, a.c.storeFailed(op, err, acquiring.OutcomeUnknown)
	}
	return a.again(ctx, op, id, inv, payment)
}

func (a *Acquirer) again(ctx context.Context, op string, id acquiring.PaymentID, inv *InvoiceInfo, payment PaymentID) (*acquiring.Payment, error) {
	p, err := a.c.Payment(ctx, payment)
	if err != nil {
		return nil, err
	}
	return a.whole(ctx, op, id, inv, p)
}
