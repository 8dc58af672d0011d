package alfabank

import (
	"context"
	"errors"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
)

// Refund gives money back (refund.do). Amount 0 gives back all that is left.
// Key becomes the bank's externalRefundId: at most 36 printable ASCII
// characters without spaces, unique for the payment. The bank answers the same
// Key without a second refund; what it does when the Key comes with another
// sum is not published, so the order is read first, and such a call refused
// where the merchant's version of the answers has the keys (21 and later).
// With an older one keep one sum for one Key.
//
// With Amount 0 the refund is made only if nobody refunds the payment at the
// same time (expectedDepositedAmount): then ErrConflict, and it can be
// repeated. With a receipt, the lines must have the IDs or names that they had
// in the invoice's receipt. A refund of SBP may be RefundPending.
//
// ErrConflict besides: the payment was not paid, nothing or less is left, or the
// Key made a refund of another sum.
func (c *Client) Refund(ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	const op = "Refund"
	if err := rbs.CheckRefund(r); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	before, err := c.order(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if done := before.RefundByKey(r.Key); done != nil {
		return c.desk.Refunded(r, done)
	}
	req, err := c.refundRequest(r, before)
	if err != nil {
		return nil, err
	}
	answer, err := c.RefundOrder(ctx, req)
	switch {
	case err == nil:
		return c.refunded(ctx, r, req, before, answer)
	case ctx.Err() != nil:
		return nil, err
	case acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown:
		return c.lostRefund(ctx, r, req, before, err)
	case req.ExpectedDeposited != nil && errors.Is(err, acquiring.ErrConflict):
		// Perhaps a first call, whose answer was lost, changed the sum that a
		// repeat of it then did not find.
		if done, ok := c.seek(ctx, r, req, before); ok {
			return done()
		}
		return nil, hint(err, "another refund of this payment may have been made meanwhile: look with GetStatus, then call Refund again")
	}
	return nil, err
}

// refundRequest is the bank's request of a refund of the order.
func (c *Client) refundRequest(r acquiring.RefundRequest, before *Order) (OrderRefund, error) {
	const op = "Refund"
	req := OrderRefund{OrderID: string(r.ID), Amount: r.Amount, ExternalRefundID: r.Key}
	p := c.payment(r.ID, before, 0)
	switch {
	case p.Status == acquiring.StatusPartiallyRefunded && p.Refunded == 0:
		// The merchant's version of the answers, 1 or 2, has no sums: how much is
		// left only the bank knows, which refuses what is more.
		if r.Amount == 0 {
			e := c.desk.Conflict(op, p, "was refunded before, and the bank's answer does not say how much")
			e.Hint = "give the Amount, or have the bank set a newer version of the order's status (3 and later tell sums)"
			return req, e
		}
	case r.Amount == 0 || !p.Status.Succeeded():
		left, err := c.desk.Left(op, p)
		if err != nil {
			return req, err
		}
		if r.Amount > 0 {
			break
		}
		if before.Funds(0).Sure || r.Receipt != nil {
			req.Amount = left
		}
		if info := before.Amounts; info != nil && info.Deposited.Known {
			deposited := info.Deposited.Amount()
			req.ExpectedDeposited = &deposited
		}
	case r.Amount > p.Left() && tellsKeys(before):
		e := c.desk.Conflict(op, p, "has less left to give back than "+r.Amount.String())
		e.Hint = "what is left is " + p.Left().String()
		return req, e
	}
	if r.Receipt != nil {
		items, err := c.itemsOf(r.Receipt, req.Amount, before, true)
		if err != nil {
			return req, acquiring.InOp(provider, op, err)
		}
		req.Items = items
	}
	return req, nil
}

// tellsKeys says whether the order's history would show a refund of the key:
// then the absence of one proves that there was none.
func tellsKeys(o *Order) bool {
	if o.Funds(0).Refunded == 0 {
		return true
	}
	for i := range o.Refunds {
		if o.Refunds[i].ExternalRefundID != "" {
			return true
		}
	}
	return false
}

// refunded is a refund that the bank has just accepted. Its answer tells
// nothing but that: the sum of one that took all that was left, and whether a
// key was new where the history does not tell keys, are read.
func (c *Client) refunded(ctx context.Context, r acquiring.RefundRequest, req OrderRefund, before *Order, answer *Answer) (*acquiring.Refund, error) {
	sum := req.Amount
	if sum == 0 {
		sum = c.payment(r.ID, before, 0).Left()
		if after, err := c.order(ctx, r.ID); err == nil {
			if done := after.RefundByKey(r.Key); done != nil {
				return c.desk.Refunded(r, done)
			}
			if grown := after.Funds(0).Refunded - before.Funds(0).Refunded; grown > 0 {
				sum = grown
			}
		}
	}
	return rbs.RefundAccepted(r, sum, answer), nil
}

// lostRefund finds out what became of a refund whose answer was lost, after
// the repeats that the key permits.
func (c *Client) lostRefund(ctx context.Context, r acquiring.RefundRequest, req OrderRefund, before *Order, lost error) (*acquiring.Refund, error) {
	const next = "call Refund again with the same Key, Amount and Receipt"
	if done, ok := c.seek(ctx, r, req, before); ok {
		return done()
	}
	return nil, hint(lost, next)
}

// seek looks for the refund in the order as it is now: by its key, or by how
// much the refunded sum has grown. Not found says nothing.
func (c *Client) seek(ctx context.Context, r acquiring.RefundRequest, req OrderRefund, before *Order) (done func() (*acquiring.Refund, error), ok bool) {
	after, err := c.order(ctx, r.ID)
	if err != nil {
		return nil, false
	}
	if op := after.RefundByKey(r.Key); op != nil {
		return func() (*acquiring.Refund, error) { return c.desk.Refunded(r, op) }, true
	}
	grown := after.Funds(0).Refunded - before.Funds(0).Refunded
	if grown <= 0 || (req.Amount > 0 && grown != req.Amount) || tellsKeys(after) {
		return nil, false // none was made, or another one was
	}
	return func() (*acquiring.Refund, error) {
		return &acquiring.Refund{ID: r.Key, PaymentID: r.ID, Amount: grown, Status: acquiring.RefundDone, Raw: after.Raw}, nil
	}, true
}
