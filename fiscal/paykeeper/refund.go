package paykeeper

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// reversal is what the store keeps of a call of payment/reverse: who looks
// later tells by it whether the call was carried out.
type reversal struct {
	intent
	Payment PaymentID    `json:"payment,omitempty"`
	Amount  money.Amount `json:"amount,omitzero"`
	Asked   money.Amount `json:"asked,omitzero"` // RefundRequest.Amount: 0 asked for all that was left
	Done    bool         `json:"done,omitempty"`
	Refund  RefundID     `json:"refund,omitempty"` // of Done, once it is known

	// The payment before the call.
	Refunds    []RefundID    `json:"refunds,omitempty"`
	Given      money.Amount  `json:"given,omitzero"`
	Sum        money.Amount  `json:"sum,omitzero"`
	StatusThen PaymentStatus `json:"status,omitempty"`
}

// Refund gives money back: POST /change/payment/reverse/. The service has no
// key against repetition. What was sent under which Key is kept in
// Config.Store, and a call whose answer was lost is looked for in the payment's
// refunds before it is sent again.
//
// A Key that was used for another payment or Amount is ErrInvalid.
//
// Without a Store of your own a restart forgets the keys. Then a refund with an
// Amount is refused with ErrDuplicate if the payment has one of the same sum
// that this process knows nothing of: it may be this very one.
//
// The Receipt is of type SaleReturn. Without one the service prints no receipt
// of its own for a part, and returns the whole cart of the sale for the whole.
func (a *Acquirer) Refund(ctx context.Context, req acquiring.RefundRequest) (*acquiring.Refund, error) {
	const op = "Refund"
	if err := req.Validate(); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	var cart Cart
	if req.Receipt != nil {
		if err := req.Receipt.ValidateAt(a.c.now()); err != nil {
			return nil, acquiring.InOp(provider, op, invalidReceipt("Receipt", err))
		}
		var err error
		if cart, err = a.c.paymentCart(req.Receipt, fiscal.SaleReturn); err != nil {
			e := invalidReceipt("Receipt", err)
			e.Kind = acquiring.ErrUnsupported
			return nil, acquiring.InOp(provider, op, e)
		}
	}
	_, p, err := a.paid(ctx, op, req.ID)
	if err != nil {
		return nil, err
	}
	unlock, err := a.c.locks.lock(ctx, a.c.label()+"/payment/"+string(p.ID))
	if err != nil {
		return nil, a.c.notSent(op, err)
	}
	defer unlock()
	plan := func(p *PaymentInfo, refunds []*RefundInfo) (ReverseRequest, error) {
		return a.planRefund(ctx, op, req, cart, p, refunds)
	}
	rev, info, err := a.reverse(ctx, op, "/refund/"+req.Key, p.ID, req.Amount, plan)
	if err != nil {
		return nil, err
	}
	out := &acquiring.Refund{ID: req.Key, PaymentID: req.ID, Amount: rev.Amount, Status: acquiring.RefundPending}
	if info != nil {
		out.ID, out.Status, out.Raw = string(info.ID), refundStatus(info.Status), info.Raw
	}
	return out, nil
}

func refundStatus(word string) acquiring.RefundStatus {
	switch word {
	case refundStarted:
		return acquiring.RefundPending
	case refundDone:
		return acquiring.RefundDone
	case refundFailed:
		return acquiring.RefundFailed
	}
	return acquiring.RefundUnknown
}

// planRefund says what is to be sent, or why nothing may be.
func (a *Acquirer) planRefund(ctx context.Context, op string, req acquiring.RefundRequest, cart Cart, p *PaymentInfo, refunds []*RefundInfo) (ReverseRequest, error) {
	var none ReverseRequest
	h, err := a.holdOf(ctx, op, p)
	if err != nil {
		return none, err
	}
	now := a.payment(req.ID, nil, p, h)
	switch {
	case h.open():
		// A part given back of a hold would take the rest for good.
		return none, a.conflict(op, "the payment is on hold, or not known to be taken", "release the hold with Void, or take the money with Capture first")
	case p.Status == PaymentRefunding || slices.ContainsFunc(refunds, func(r *RefundInfo) bool { return r.Status == refundStarted }):
		return none, a.conflict(op, "a refund of the payment is under way", "wait until it is done, then refund")
	case !now.Status.Succeeded():
		return none, a.conflict(op, "the payment is "+string(p.Status), "only money that was taken can be given back")
	}
	left := now.Left()
	if h.State != holdCaptured {
		var listed money.Amount
		for _, r := range refunds {
			if r.Status != refundFailed {
				listed += r.Amount
			}
		}
		left = min(left, max(0, now.Captured-listed))
	}
	amount := req.Amount
	if amount == 0 {
		amount = left
	}
	switch {
	case left == 0:
		return none, a.conflict(op, "nothing is left of the payment", "read it with GetStatus")
	case amount > left:
		return none, a.conflict(op, "only "+left.String()+" is left of the payment", "refund that, or less")
	case req.Receipt != nil && cart.Total() != amount:
		return none, acquiring.InOp(provider, op, acquiring.Invalid("Receipt", "comes to "+cart.Total().String()+", but "+amount.String()+" is given back"))
	}
	if req.Amount != 0 && !a.c.lasts {
		if r, err := a.unclaimed(ctx, op, amount, refunds); err != nil || r != nil {
			if err == nil {
				err = &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeNotSent,
					Message: "the payment has a refund of the same sum already, number " + string(r.ID) + ", and this process does not know under which key",
					Hint:    "set Config.Store, so that a restart forgets no key; if it is surely another refund, make it with Client.Reverse"}
			}
			return none, err
		}
	}
	return ReverseRequest{ID: p.ID, Amount: amount, Partial: amount < left, Cart: cart}, nil
}

// claimKey notes which key a refund of the service's belongs to.
func (a *Acquirer) claimKey(id RefundID) string { return a.c.label() + "/claimed/" + string(id) }

func (a *Acquirer) claimed(ctx context.Context, op string, id RefundID) (bool, error) {
	data, err := a.c.store.Get(ctx, a.claimKey(id))
	if err != nil {
		return false, a.c.storeFailed(op, err, acquiring.OutcomeNotSent)
	}
	return data != nil, nil
}

// unclaimed is a refund of the sum that no key of ours is known for.
func (a *Acquirer) unclaimed(ctx context.Context, op string, amount money.Amount, refunds []*RefundInfo) (*RefundInfo, error) {
	for _, r := range refunds {
		if r.Amount != amount || r.Status == refundFailed {
			continue
		}
		known, err := a.claimed(ctx, op, r.ID)
		if err != nil {
			return nil, err
		}
		if !known {
			return r, nil
		}
	}
	return nil, nil
}

// reverse sends payment/reverse once under the key, whatever happens to the
// answers. The payment's lock is held. The refund is nil where the service has
// not listed it yet.
func (a *Acquirer) reverse(ctx context.Context, op, name string, id PaymentID, asked money.Amount,
	plan func(*PaymentInfo, []*RefundInfo) (ReverseRequest, error)) (*reversal, *RefundInfo, error) {
	key := a.c.label() + name
	var rev reversal
	there, err := a.c.recall(ctx, op, key, &rev)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case rev.open() && (rev.Payment != id || rev.Asked != asked):
		return nil, nil, acquiring.InOp(provider, op, acquiring.Invalid("Key", "was given to another refund; each refund needs a key of its own"))
	case rev.Done:
		info, err := a.refundOf(ctx, op, key, &rev)
		if err != nil && acquiring.Temporary(err) {
			return &rev, nil, nil // it is done, whatever can be read of it now
		}
		return &rev, info, err
	case a.c.busy(rev.intent):
		return nil, nil, a.c.underWay(op)
	}
	turn, err := a.takeTurn(ctx, op, id)
	if err != nil {
		return nil, nil, err
	}
	unsure := false
	defer func() {
		if !unsure {
			a.endTurn(ctx, turn)
		}
	}()
	p, err := a.c.Payment(ctx, id)
	if err != nil {
		return nil, nil, a.beforeSending(err, rev)
	}
	refunds, err := a.c.Refunds(ctx, id)
	if err != nil {
		return nil, nil, a.beforeSending(err, rev)
	}
	if rev.open() {
		done, info, err := a.happened(ctx, op, &rev, p, refunds)
		if err != nil {
			return nil, nil, err
		}
		if done {
			return a.finish(ctx, op, key, &rev, info)
		}
	}
	req, err := plan(p, refunds)
	if err != nil {
		return nil, nil, err
	}
	was := rev.intent
	rev = reversal{intent: a.c.intend(), Payment: id, Amount: req.Amount, Asked: asked, Given: p.Refunded, Sum: p.Amount, StatusThen: p.Status}
	for _, r := range refunds {
		rev.Refunds = append(rev.Refunds, r.ID)
	}
	if err := a.c.announce(ctx, op, key, there, was, rev.intent, rev); err != nil {
		return nil, nil, err
	}
	sendErr := a.c.Reverse(ctx, req)
	if sendErr != nil && acquiring.OutcomeOf(sendErr) != acquiring.OutcomeUnknown {
		if err := a.c.keep(ctx, key, reversal{intent: rev.refused()}); err != nil {
			a.c.rest.Logger().WarnContext(ctx, "the store does not know that the refund was refused", "error", err)
		}
		return nil, nil, sendErr
	}
	done, info, lookErr := a.look(ctx, op, &rev)
	switch {
	case sendErr == nil:
		return a.finish(ctx, op, key, &rev, info)
	case lookErr == nil && done:
		return a.finish(ctx, op, key, &rev, info)
	}
	unsure = true
	var e *acquiring.Error
	if errors.As(sendErr, &e) {
		own := *e
		own.Hint = "make the same call again with the same key: the payment's refunds are looked at before anything is sent"
		return nil, nil, &own
	}
	return nil, nil, sendErr
}

// turn is one program's call of payment/reverse for a payment. The refunds that
// the service lists before and after tell whose is whose only if nobody else
// makes one meanwhile.
type turn struct {
	key string
	intent
}

// takeTurn waits for nobody: while another program may be giving money of the
// payment back, nothing is sent.
func (a *Acquirer) takeTurn(ctx context.Context, op string, id PaymentID) (turn, error) {
	t := turn{key: a.c.label() + "/turn/" + string(id)}
	var last intent
	there, err := a.c.recall(ctx, op, t.key, &last)
	if err != nil {
		return t, err
	}
	if a.c.busy(last) {
		// It may be under this very key: no refusal.
		e := a.conflict(op, "another program is giving money of the payment back", "make the same call again in two minutes")
		e.Outcome = acquiring.OutcomeUnknown
		return t, e
	}
	t.intent = a.c.intend()
	return t, a.c.announce(ctx, op, t.key, there, last, t.intent, t.intent)
}

// endTurn lets others have it; where that cannot be noted they wait.
func (a *Acquirer) endTurn(ctx context.Context, t turn) {
	if err := a.c.keep(ctx, t.key, t.refused()); err != nil {
		a.c.rest.Logger().WarnContext(ctx, "the store does not know that the refund is over: another of the payment waits two minutes", "error", err)
	}
}

// beforeSending is the error of a look that came before anything was sent; a
// call that was sent earlier stays unknown.
func (a *Acquirer) beforeSending(err error, rev reversal) error {
	if !rev.open() {
		return notYet(err)
	}
	var e *acquiring.Error
	if errors.As(err, &e) {
		own := *e
		own.Outcome = acquiring.OutcomeUnknown
		return &own
	}
	return err
}

// look reads the payment and its refunds to find out what became of a call.
func (a *Acquirer) look(ctx context.Context, op string, rev *reversal) (bool, *RefundInfo, error) {
	refunds, err := a.c.Refunds(ctx, rev.Payment)
	if err != nil {
		return false, nil, err
	}
	p, err := a.c.Payment(ctx, rev.Payment)
	if err != nil {
		return false, nil, err
	}
	return a.happened(ctx, op, rev, p, refunds)
}

// happened says whether the call was carried out: there is a new refund of its
// sum that no other key has, or the payment is no longer as it was.
func (a *Acquirer) happened(ctx context.Context, op string, rev *reversal, p *PaymentInfo, refunds []*RefundInfo) (bool, *RefundInfo, error) {
	for _, r := range refunds {
		if r.Amount != rev.Amount || slices.Contains(rev.Refunds, r.ID) {
			continue
		}
		known, err := a.claimed(ctx, op, r.ID)
		if err != nil {
			return false, nil, err
		}
		if !known {
			return true, r, nil
		}
	}
	if p.Refunded == rev.Given+rev.Amount || p.Amount != rev.Sum && p.Amount == rev.Sum-rev.Amount {
		return true, nil, nil
	}
	if p.Status == PaymentRefunding && rev.StatusThen != PaymentRefunding {
		return true, nil, nil
	}
	return false, nil, nil
}

// finish notes that the call was carried out.
func (a *Acquirer) finish(ctx context.Context, op, key string, rev *reversal, info *RefundInfo) (*reversal, *RefundInfo, error) {
	rev.Done = true
	if info != nil {
		rev.Refund = info.ID
	}
	err := a.c.keep(ctx, key, rev)
	if err == nil && info != nil {
		err = a.c.keep(ctx, a.claimKey(info.ID), key)
	}
	if err != nil {
		return nil, nil, a.c.storeFailed(op, err, acquiring.OutcomeUnknown)
	}
	return rev, info, nil
}

// refundOf reads a refund that was made before, as it stands now.
func (a *Acquirer) refundOf(ctx context.Context, op, key string, rev *reversal) (*RefundInfo, error) {
	refunds, err := a.c.Refunds(ctx, rev.Payment)
	if err != nil {
		return nil, err
	}
	if rev.Refund == "" {
		// It was not listed yet when it was made.
		for _, r := range refunds {
			if r.Amount != rev.Amount || slices.Contains(rev.Refunds, r.ID) {
				continue
			}
			known, err := a.claimed(ctx, op, r.ID)
			if err != nil {
				return nil, err
			}
			if !known {
				_, info, err := a.finish(ctx, op, key, rev, r)
				return info, err
			}
		}
		return nil, nil
	}
	for _, r := range refunds {
		if r.ID == rev.Refund {
			return r, nil
		}
	}
	return nil, nil
}

// holdKey is where the store keeps a payment's hold.
func (a *Acquirer) holdKey(id PaymentID) string { return a.c.label() + "/hold/" + string(id) }

// holdOf says what is known of the payment's hold.
func (a *Acquirer) holdOf(ctx context.Context, op string, p *PaymentInfo) (hold, error) {
	var h hold
	there, err := a.c.recall(ctx, op, a.holdKey(p.ID), &h)
	if err != nil {
		return h, err
	}
	if word := a.c.cfg.HoldStatus; word != "" && !(there && !h.open()) {
		if string(p.Status) == word {
			return hold{State: holdHeld}, nil
		}
		return hold{}, nil
	}
	switch {
	case there && h.State == holdHeld && !h.Until.IsZero() && a.c.now().After(h.Until.Add(24*time.Hour)):
		return hold{State: holdCaptured, Captured: p.Amount}, nil // the service has taken it by itself
	case there:
		return h, nil
	case a.c.cfg.TwoStage:
		return hold{State: holdAssumed}, nil
	}
	return hold{}, nil
}

// noteHold keeps the hold that a notification told of, unless more is known
// already.
func (a *Acquirer) noteHold(ctx context.Context, op string, id PaymentID, batchDate string) error {
	if !a.c.cfg.TwoStage {
		a.c.rest.Logger().WarnContext(ctx, "a payment is on hold, but Config.TwoStage is not set", "payment", string(id))
	}
	var was hold
	there, err := a.c.recall(ctx, op, a.holdKey(id), &was)
	if err != nil || there {
		return err
	}
	err = a.c.announce(ctx, op, a.holdKey(id), false, intent{}, intent{}, hold{State: holdHeld, Until: parseTime(batchDate)})
	if errors.Is(err, acquiring.ErrConflict) {
		return nil // another process has noted it
	}
	return err
}
