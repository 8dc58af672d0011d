package rbs

import (
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// CheckRefund refuses what no gateway of the family takes: a Key of more than 36
// characters, or of other than printable ASCII without spaces, a sum above
// MaxAmount, and what RefundRequest.Validate refuses.
func CheckRefund(r acquiring.RefundRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	switch {
	case len(r.Key) > 36 || !Printable(r.Key) || strings.Contains(r.Key, " "):
		return acquiring.Invalid("Key", "is longer than 36 characters, or has spaces or other than printable ASCII")
	case r.Amount > MaxAmount:
		return acquiring.Invalid("Amount", fmt.Sprintf("is more than %s, which the bank takes", MaxAmount))
	}
	return nil
}

// Left is what can still be given back of the payment, in kopecks; ErrConflict
// when it was not paid or nothing is left. Where the sums do not tell what was
// captured, it is the larger of the two readings: a wrong one is refused by the
// bank, and nothing is lost.
func (d *Desk) Left(op string, p *acquiring.Payment) (money.Amount, error) {
	switch {
	case !p.Status.Succeeded():
		e := d.Conflict(op, p, "was not paid")
		if p.Status == acquiring.StatusAuthorized {
			e.Hint = "release the hold with Void"
		}
		return 0, e
	case p.Left() == 0:
		e := d.Conflict(op, p, "has nothing left to give back")
		e.Hint = "if this Key was used before, that refund may be the one that gave it back"
		return 0, e
	}
	return p.Left(), nil
}

// RefundByKey is the refund of that key in the order's history; nil: none.
func (o *Order) RefundByKey(key string) *Operation {
	for i := range o.Operations {
		if op := &o.Operations[i]; string(op.ExternalRefundID) == key && op.Is("REFUND") {
			return op
		}
	}
	for i := range o.Refunds {
		if op := &o.Refunds[i]; string(op.ExternalRefundID) == key {
			return op
		}
	}
	return nil
}

// Refunded is a refund out of the order's history. One of another sum than r asks
// for gives ErrConflict: the key belongs to it.
func (d *Desk) Refunded(r acquiring.RefundRequest, op *Operation) (*acquiring.Refund, error) {
	if sum := op.Amount.Amount(); r.Amount != 0 && sum != r.Amount {
		return nil, &acquiring.Error{Provider: d.Provider, Op: "Refund", Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("the key belongs to a refund of %s already", sum), Hint: "give another refund another Key"}
	}
	status := acquiring.RefundDone
	switch {
	case op.ActionCode.Value == ActionSBPPending:
		status = acquiring.RefundPending
	case !op.Approved():
		status = acquiring.RefundFailed
	}
	return &acquiring.Refund{ID: r.Key, PaymentID: r.ID, Amount: op.Amount.Amount(), Status: status}, nil
}

// RefundAccepted is a refund of the sum that the bank has just accepted: pending
// where its words say that it will be carried out later, else done.
func RefundAccepted(r acquiring.RefundRequest, sum money.Amount, a *Head) *acquiring.Refund {
	status := acquiring.RefundDone
	if words := Fold(a.Words()); strings.Contains(words, "принят в обработку") || strings.Contains(words, "accepted for processing") {
		status = acquiring.RefundPending
	}
	return &acquiring.Refund{ID: r.Key, PaymentID: r.ID, Amount: sum, Status: status, Raw: a.Raw}
}
