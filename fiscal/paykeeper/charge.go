package paykeeper

import (
	"context"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// charge is what the store keeps of a charge.
type charge struct {
	intent
	Amount money.Amount `json:"amount,omitzero"`
	Done   bool         `json:"done,omitempty"`
}

// chargeLooks are the pauses between looks for a charge's payment.
func chargeLooks() []time.Duration {
	return []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second}
}

// Charge takes money by a saved card: POST /change/binding/execute/. The token
// is the bank_id of a notification: it is not covered by the signature, so it
// is not in Payment.Card; take it from Client.ParseNotification(Callback.Raw)
// after the callback was verified. The service answers only that it was
// accepted, so the payment is looked for by its order number; one that is not
// shown in time is ErrUnavailable with OutcomeUnknown: call again. An order that
// was charged before gives its payment, whatever became of it: a declined one
// comes with StatusDeclined and without an error, so a new attempt needs a new
// order number. Another Amount for the order is ErrDuplicate.
func (a *Acquirer) Charge(ctx context.Context, req acquiring.ChargeRequest) (*acquiring.Payment, error) {
	const op = "Charge"
	binding, err := a.binding(op, req)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	key := a.c.label() + "/charge/" + req.OrderID
	unlock, err := a.c.locks.lock(ctx, key)
	if err != nil {
		return nil, a.c.notSent(op, err)
	}
	defer unlock()
	var was charge
	there, err := a.c.recall(ctx, op, key, &was)
	if err != nil {
		return nil, err
	}
	if a.c.busy(was.intent) && !was.Done {
		return nil, a.c.underWay(op)
	}
	p, err := a.findPayment(ctx, req.OrderID)
	switch {
	case err != nil && was.open():
		return nil, a.beforeSending(err, reversal{intent: was.intent})
	case err != nil:
		return nil, notYet(err)
	case p != nil && p.Amount != req.Amount:
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected,
			Message: "the order has a payment over " + p.Amount.String() + " already", Hint: "give the charge an order number of its own"}
	case p != nil:
		return a.whole(ctx, op, acquiring.PaymentID(p.ID), nil, p)
	case was.Done:
		return a.charged(ctx, op, req, []time.Duration{0}) // accepted before; it is not to be sent again
	}
	now := charge{intent: a.c.intend(), Amount: req.Amount}
	if err := a.c.announce(ctx, op, key, there, was.intent, now.intent, now); err != nil {
		return nil, err
	}
	_, err = a.c.ExecuteBinding(ctx, binding)
	if err == nil {
		now.Done = true
		if err := a.c.keep(ctx, key, now); err != nil {
			return nil, a.c.storeFailed(op, err, acquiring.OutcomeUnknown)
		}
		return a.charged(ctx, op, req, chargeLooks())
	}
	if acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown {
		if failed := a.c.keep(ctx, key, charge{intent: now.refused()}); failed != nil {
			a.c.rest.Logger().WarnContext(ctx, "the store does not know that the charge was refused", "error", failed)
		}
		return nil, err
	}
	if p, lookErr := a.findPayment(ctx, req.OrderID); lookErr == nil && p != nil && p.Amount == req.Amount {
		return a.whole(ctx, op, acquiring.PaymentID(p.ID), nil, p)
	}
	return nil, err
}

// charged looks for the payment of an accepted charge.
func (a *Acquirer) charged(ctx context.Context, op string, req acquiring.ChargeRequest, pauses []time.Duration) (*acquiring.Payment, error) {
	for _, pause := range pauses {
		if pause > 0 {
			timer := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				timer.Stop()
			case <-timer.C:
			}
		}
		p, err := a.findPayment(ctx, req.OrderID)
		if err != nil {
			break
		}
		if p != nil {
			return a.whole(ctx, op, acquiring.PaymentID(p.ID), nil, p)
		}
	}
	return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown,
		Message: "the charge was accepted, but its payment is not shown yet",
		Hint:    "wait for the notification, or make the same call again: the card is not charged twice"}
}

func (a *Acquirer) binding(op string, req acquiring.ChargeRequest) (BindingRequest, error) {
	var none BindingRequest
	if err := req.Validate(); err != nil {
		return none, err
	}
	if req.Customer.ID == "" {
		return none, acquiring.Invalid("Customer.ID", "is empty; give the clientid that the card was saved with")
	}
	preview, err := a.preview(op, req.Invoice())
	if err != nil {
		return none, err
	}
	out := BindingRequest{BankID: req.Token, OrderID: req.OrderID, Amount: req.Amount, ClientID: req.Customer.ID,
		Service: preview.Service, ClientEmail: preview.ClientEmail, ClientPhone: preview.ClientPhone, Extra: req.Extra}
	// The call has a field of its own for the cart.
	out.Cart, out.Service.Cart = out.Service.Cart, nil
	_, err = a.c.bindingForm(out)
	return out, err
}

// DeleteToken is always ErrUnsupported: the protocol's call for it is not
// published. Nothing is sent.
func (a *Acquirer) DeleteToken(_ context.Context, token string) error {
	const op = "DeleteToken"
	if token == "" {
		return acquiring.InOp(provider, op, acquiring.Invalid("token", "is empty"))
	}
	e := acquiring.Unsupported(provider, op, "PayKeeper has not published the call that forgets a saved card")
	e.Hint = "delete it in the cabinet, or ask PayKeeper's support"
	return e
}
