package sberbank

import (
	"context"
	"errors"
	"fmt"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// Refund gives money back (refund.do). Amount 0 reads what is left and gives
// it back. Key is at most 36 printable ASCII characters without spaces.
//
// At the new gateway Key is the bank's externalRefundId: the same Key with the
// same request gives the first answer again, without limit of time. The legacy
// gateway gets it too, but its manual does not know it: there a repeated Key
// is found in the order's history if the merchant's version of the answers has
// one; after an answer that was lost, the refunded sum before and after tells
// what became of the first call, also when the refund is asked for again by the
// same Client. Another process knows nothing of it. So at the legacy gateway keep
// the Key of a refund that succeeded, and do not ask for it twice; after a restart
// look whether Payment.Refunded has grown.
//
// A refund of SBP is asynchronous: RefundPending. With a receipt, the lines
// must have the IDs and names that they had in the invoice's receipt.
//
// ErrConflict: the payment was not paid, nothing or less is left, or Amount is 0
// and it was paid partly with bonuses (see [Client.AutoRefund]). ErrInvalid: at the
// legacy gateway less than a ruble. A Key that made a refund of another sum gives
// ErrConflict where the order's history tells of it, and else the bank's own
// refusal, ErrInvalid ordinarily.
func (c *Client) Refund(ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	const op = "Refund"
	if err := c.checkRefund(r); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	req := OrderRefund{OrderID: string(r.ID), Amount: r.Amount, ExternalRefundID: r.Key, IdempotencyKey: c.newKey()}
	legacy := c.conf.Protocol == ProtocolLegacy
	var before *Order
	if legacy || r.Amount == 0 || r.Receipt != nil {
		var err error
		if before, err = c.order(ctx, r.ID); err != nil {
			return nil, err
		}
		if done := before.RefundByKey(r.Key); done != nil {
			c.lost.forget(r)
			return c.desk.Refunded(r, done)
		}
	}
	if legacy {
		if found, err := c.foundRefund(r, before); found != nil || err != nil {
			return found, err
		}
	}
	if r.Amount == 0 {
		left, err := c.left(op, r.ID, before)
		if err != nil {
			return nil, err
		}
		req.Amount = left
	}
	other := c.otherReading(r, before, req.Amount)
	if r.Receipt != nil {
		if err := c.refundReceipt(&req, r.Receipt, before); err != nil {
			return nil, acquiring.InOp(provider, op, err)
		}
	}
	answer, err := c.RefundOrder(ctx, req)
	if other > 0 && errors.Is(err, acquiring.ErrConflict) && acquiring.OutcomeOf(err) == acquiring.OutcomeRejected {
		req.Amount = other
		answer, err = c.RefundOrder(ctx, req)
	}
	var found *acquiring.Refund
	if err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown && ctx.Err() == nil {
		found, err = c.lostRefund(ctx, r, req, before, err)
	}
	if legacy && err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown {
		c.lost.note(r, req.Amount, before, err)
	}
	if legacy && err == nil && (found == nil || found.Status != acquiring.RefundFailed) {
		c.lost.made(r, req.Amount)
	}
	if found != nil || err != nil {
		return found, err
	}
	if legacy && !c.world.Known() {
		// Once in a client's life: without a history the sums of later orders
		// are read the better for it.
		if after, err := c.order(ctx, r.ID); err == nil {
			c.world.Learn(before, after, req.Amount)
		}
	}
	return rbs.RefundAccepted(r, req.Amount, answer), nil
}

// otherReading is what is left of the payment in the smaller of the two
// readings of its sums (see rbs.Order.Funds), for a refund of all that is
// left; 0: there is one reading only. The larger one is asked for first: the
// bank refuses it if it is wrong, while the smaller one would leave money
// behind unseen.
func (c *Client) otherReading(r acquiring.RefundRequest, o *Order, left money.Amount) money.Amount {
	if r.Amount != 0 || r.Receipt != nil || o == nil {
		return 0
	}
	f := o.Funds(0)
	if f.Sure || f.Refunded == 0 || f.Captured-f.Refunded != left {
		return 0
	}
	return max(left-f.Refunded, 0)
}

func (c *Client) checkRefund(r acquiring.RefundRequest) error {
	if err := rbs.CheckRefund(r); err != nil {
		return err
	}
	if c.conf.Protocol == ProtocolLegacy && r.Amount > 0 && r.Amount < money.RUB(1, 0) {
		return acquiring.Invalid("Amount", "is less than a ruble, which the legacy gateway refuses")
	}
	return nil
}

// left is what can still be given back.
func (c *Client) left(op string, id acquiring.PaymentID, o *Order) (money.Amount, error) {
	p := c.payment(id, o, 0)
	if p.Left() > 0 && o.Loyalty.PaymentBonus.Deposited.Value > 0 {
		e := c.desk.Conflict(op, p, "was paid partly with bonuses")
		e.Hint = "give both back with Client.AutoRefund, or name the sum of money in Amount"
		return 0, e
	}
	return c.desk.Left(op, p)
}

// lostRefund finds out what became of a refund whose answer was lost.
func (c *Client) lostRefund(ctx context.Context, r acquiring.RefundRequest, req OrderRefund, before *Order, lost error) (*acquiring.Refund, error) {
	after, err := c.order(ctx, r.ID)
	if err != nil {
		return nil, c.hintRefund(lost)
	}
	if done := after.RefundByKey(r.Key); done != nil {
		return c.desk.Refunded(r, done)
	}
	if before != nil && c.conf.Protocol == ProtocolLegacy {
		switch grown := after.Funds(0).Refunded - before.Funds(0).Refunded; {
		case silent(before), silent(after):
			return nil, c.hintRefund(lost)
		case grown == req.Amount:
			return &acquiring.Refund{ID: r.Key, PaymentID: r.ID, Amount: req.Amount, Status: acquiring.RefundDone, Raw: after.Raw}, nil
		case grown != 0, after.ActionCode.Value == rbs.ActionSBPPending:
			return nil, c.hintRefund(lost) // somebody else refunds too, or SBP has not done it yet
		}
	}
	// The new gateway gives the first answer to the same key again; the legacy
	// one has refunded nothing so far.
	answer, err := c.RefundOrder(ctx, req)
	if err == nil {
		return rbs.RefundAccepted(r, req.Amount, answer), nil
	}
	if acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown {
		// What is refused may be refused because the first call has arrived
		// after all.
		after, readErr := c.order(ctx, r.ID)
		if readErr != nil {
			return nil, c.hintRefund(lost)
		}
		if done := after.RefundByKey(r.Key); done != nil {
			return c.desk.Refunded(r, done)
		}
		if before != nil && c.conf.Protocol == ProtocolLegacy && !silent(before) && !silent(after) && after.Funds(0).Refunded-before.Funds(0).Refunded == req.Amount {
			return &acquiring.Refund{ID: r.Key, PaymentID: r.ID, Amount: req.Amount, Status: acquiring.RefundDone, Raw: after.Raw}, nil
		}
		err = rbs.Repeated(err, lost)
	}
	if acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown {
		return nil, c.hintRefund(err)
	}
	return nil, err
}

// silent says whether the order was refunded and does not say how much: a
// merchant's version of the answers may have no sums.
func silent(o *Order) bool {
	return o.OrderStatus.Value == rbs.StateRefunded && (o.Amounts == nil || !o.Amounts.Refunded.Known)
}

func (c *Client) hintRefund(err error) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	known := *e
	known.Hint = "call Refund again with the same Key, Amount and Receipt"
	if c.conf.Protocol == ProtocolLegacy {
		known.Hint = "look with GetStatus whether Refunded has grown before calling Refund again"
	}
	return &known
}

// refundReceipt puts the receipt of a refund in. Its lines take the numbers
// that they have in the order's cart.
func (c *Client) refundReceipt(req *OrderRefund, receipt *fiscal.Receipt, o *Order) error {
	if total := receipt.Total(); total != req.Amount {
		return acquiring.Invalid("Receipt", fmt.Sprintf("comes to %s, but the refund is %s", total, req.Amount))
	}
	if c.conf.Protocol == ProtocolJSON {
		bundle, err := c.orderBundle(receipt, fiscal.SaleReturn, rbs.PositionsOf(o))
		req.OrderBundle = bundle
		return err
	}
	legacy, err := c.legacyReceipt(receipt, fiscal.SaleReturn, rbs.PositionsOf(o))
	if err != nil {
		return err
	}
	req.Items = &legacy.bundle.CartItems
	return nil
}

// captureReceipt puts the receipt of what is taken in.
func (c *Client) captureReceipt(req *DepositRequest, r acquiring.CaptureRequest, o *Order) error {
	if total := r.Receipt.Total(); total != req.Amount {
		return acquiring.Invalid("Receipt", fmt.Sprintf("comes to %s, but %s is taken", total, req.Amount))
	}
	if c.conf.Protocol == ProtocolJSON {
		bundle, err := c.orderBundle(r.Receipt, fiscal.Sale, rbs.PositionsOf(o))
		req.OrderBundle = bundle
		return err
	}
	legacy, err := c.legacyReceipt(r.Receipt, fiscal.Sale, rbs.PositionsOf(o))
	if err != nil {
		return err
	}
	req.Items = &legacy.bundle.CartItems
	return nil
}
