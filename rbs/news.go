package rbs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Callback reads a notification with v and says what it says. What is signed
// with the shop's own secret is believed; what is signed with the bank's key is
// believed once the bank knows the order as this shop's. Where nothing is signed
// the payment is read back, Signed is false and the rest is what the gateway says
// now. A callback that is forged, malformed or about an order that the bank does
// not know gives ErrSignature; when the bank could not be asked, its error.
func (d *Desk) Callback(ctx context.Context, v *Verifier, r *http.Request) (*acquiring.Callback, error) {
	n := v.borrow()
	defer v.giveBack(n)
	err := v.read(n, r)
	if err != nil {
		return nil, err
	}
	cb := &acquiring.Callback{Kind: n.Kind(), Signed: n.Signed, Raw: n.raw()}
	switch {
	case cb.Kind == acquiring.CallbackOther:
		if n.Signed {
			cb.PaymentID, cb.OrderID = acquiring.PaymentID(n.MdOrder), n.OrderNumber
		}
		sum := sha256.Sum256(cb.Raw)
		cb.Key = d.key("other", hex.EncodeToString(sum[:16]))
	case n.Signed:
		if err = d.believe(ctx, cb, n); err == nil && v.key != nil && cb.Payment == nil {
			// The bank may sign for all its merchants with one key, which it
			// does not say: that the order is this shop's, only the bank tells.
			_, err = d.find(ctx, n)
		}
	default:
		err = d.readBack(ctx, cb, n)
	}
	if err != nil {
		return nil, err
	}
	return cb, nil
}

// believe takes the news out of a signed notification.
func (d *Desk) believe(ctx context.Context, cb *acquiring.Callback, n *Notice) error {
	cb.PaymentID, cb.OrderID, cb.Status = acquiring.PaymentID(n.MdOrder), n.OrderNumber, n.Status()
	if sum, err := money.ParseMinor(n.Get("amount")); err == nil && sum > 0 {
		cb.Amount = sum
	}
	status := "0"
	if n.OK {
		status = "1"
	}
	which := ""
	if n.Operation == OpRefunded {
		// There may be several refunds, and each is news. Parameters that tell
		// them apart come only if they are ticked in the cabinet.
		for _, name := range d.RefundParams {
			if which = n.Get(name); which != "" {
				break
			}
		}
	}
	// A reversal may be of a part, which leaves the payment standing, and
	// without status a failed attempt looks like a payment: what is meant, only
	// the bank tells.
	open := n.Operation == OpReversed && n.OK || n.Get(ParamStatus) == ""
	if cb.PaymentID == "" || open || (n.Operation == OpRefunded && which == "") {
		p, err := d.find(ctx, n)
		if err != nil {
			return err
		}
		cb.Payment, cb.PaymentID, cb.OrderID, cb.Status, which = p, p.ID, p.OrderID, p.Status, p.Refunded.Minor()
		if open {
			which = p.Status.String() + ":" + which
		} else if told := n.Status(); older(p.Status, told) {
			cb.Status = told
		}
	}
	cb.Key = d.key(string(cb.PaymentID), n.Operation, status, which)
	return nil
}

// older says whether the bank's answer is older than what it has signed about
// money. The news stands then, and is to come again: see webhook.Behind.
func older(answer, told acquiring.Status) bool {
	switch told {
	case acquiring.StatusAuthorized:
		return answer <= acquiring.StatusPending
	case acquiring.StatusPaid, acquiring.StatusPartiallyRefunded:
		return answer != told && answer.CanBecome(told)
	}
	return false
}

// readBack asks the gateway instead of believing. The key is made of what it
// says: made of the notification, it would let a stranger use up the key of
// the real news beforehand.
func (d *Desk) readBack(ctx context.Context, cb *acquiring.Callback, n *Notice) error {
	p, err := d.find(ctx, n)
	if err != nil {
		return err
	}
	cb.Payment, cb.PaymentID, cb.OrderID, cb.Status, cb.Amount = p, p.ID, p.OrderID, p.Status, p.Amount
	cb.Key = d.key(string(p.ID), p.Status.String(), p.Captured.Minor(), p.Refunded.Minor())
	return nil
}

// find reads the payment that a notification is about. One that the gateway
// does not know, or knows by another number, is no news of the bank.
func (d *Desk) find(ctx context.Context, n *Notice) (*acquiring.Payment, error) {
	forged := func(why string) error {
		return &acquiring.Error{Provider: d.Provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Message: why}
	}
	var p *acquiring.Payment
	var err error
	if n.MdOrder != "" {
		p, err = d.Read(ctx, acquiring.PaymentID(n.MdOrder), 0)
	} else {
		p, err = d.ByNumber(ctx, n.OrderNumber)
	}
	var e *acquiring.Error
	switch {
	case errors.Is(err, acquiring.ErrNotFound), errors.Is(err, acquiring.ErrInvalid) && errors.As(err, &e) && !strings.HasPrefix(e.Field, "Config."):
		return nil, forged("the bank does not know the order of the notification")
	case err != nil:
		return nil, err
	case n.OrderNumber != "" && p.OrderID != "" && n.OrderNumber != p.OrderID:
		return nil, forged("the order has another number at the bank than in the notification")
	}
	if p.OrderID == "" && (n.Signed || n.MdOrder == "") {
		// The bank does not repeat the number. A stranger's number beside a
		// true mdOrder would credit another order.
		p.OrderID = n.OrderNumber
	}
	return p, nil
}

// key joins the parts of a callback's key after the shop's label.
func (d *Desk) key(parts ...string) string {
	shop := d.Shop
	if shop == "" {
		shop = d.Provider
	}
	var b strings.Builder
	b.Grow(64 + len(shop))
	b.WriteString(shop)
	for _, p := range parts {
		b.WriteByte(':')
		b.WriteString(p)
	}
	return b.String()
}
