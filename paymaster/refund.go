package paymaster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Refund gives money back (POST /api/v2/refunds). It is executed later: the
// status is RefundPending at first, and [Client.WaitRefund] waits for the end.
// Amount 0 gives back what is left, refunds that are being executed counted.
//
// Key is made into PayMaster's idempotency key. A key that was used is refused
// there, and the refund that it made is looked for among those of the payment
// by its sum, RefundRequest.Known left out: PayMaster does not return the key.
// Where several fit, or none, the error is ErrDuplicate and names them; no money
// moves then.
func (c *Client) Refund(ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	const op = "Refund"
	if err := acquiring.InOp(provider, op, r.Validate()); err != nil {
		return nil, err
	}
	if err := checkID(op, "ID", string(r.ID)); err != nil {
		return nil, err
	}
	info, err := c.read(ctx, op, string(r.ID))
	if err != nil {
		return nil, err
	}
	paid := info.Payment(nil)
	rest, err := left(paid, op)
	if err != nil {
		return nil, err
	}
	req := RefundCreate{PaymentID: string(r.ID), IdempotencyKey: keyOf("refund", c.conf.MerchantID, string(r.ID), r.Key)}
	sum := r.Amount
	if sum > rest {
		return nil, conflict(op, paid, fmt.Sprintf("only %s of it was taken", rest), "")
	}
	if sum == 0 {
		if sum, err = c.restOf(ctx, r, info, rest); err != nil {
			return nil, err
		}
	}
	req.Amount = Sum(sum, info.Amount.Currency)
	if r.Receipt != nil {
		if total := r.Receipt.Total(); total != sum {
			return nil, acquiring.InOp(provider, op, acquiring.Invalid("Receipt", fmt.Sprintf("comes to %s, but the refund is %s", total, sum)))
		}
		if req.Receipt, err = newReceipt(r.Receipt, fiscal.SaleReturn); err != nil {
			return nil, acquiring.InOp(provider, op, err)
		}
	}
	start := c.now()
	done, err := c.CreateRefund(ctx, req)
	lost := false
	if err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown && ctx.Err() == nil {
		// The key makes it safe: if the first request arrived, the second is
		// refused as its duplicate.
		lost = true
		done, err = c.CreateRefund(ctx, req)
	}
	switch {
	case err == nil:
		return c.accepted(op, r, done, sum)
	case errors.Is(err, acquiring.ErrDuplicate):
		return c.refundByKey(ctx, r, info, sum, lost, start, err)
	case acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown:
		return nil, hinted(err, "call Refund again with the same Key and Amount")
	}
	return nil, err
}

// accepted is the refund that PayMaster answers, if it is the one asked for.
// A server that repeats its first answer to a used key may answer another sum.
func (c *Client) accepted(op string, r acquiring.RefundRequest, done *RefundInfo, sum money.Amount) (*acquiring.Refund, error) {
	if done.PaymentID == "" {
		done.PaymentID = Text(r.ID)
	}
	if done.Amount.Value == 0 {
		done.Amount.Value = Rubles(sum)
	}
	switch {
	case string(done.PaymentID) != string(r.ID):
		return nil, c.nonsense("POST refunds", "the answer is a refund of another payment", nil)
	case done.Amount.Value.Amount() != sum && r.Amount != 0:
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("the key belongs to refund %s of %s already", done.ID, done.Amount.Value.Amount()), Hint: "give another refund another Key"}
	}
	return done.refund(), nil
}

// restOf is what is left of the payment. When nothing is, the sum of the last
// refund that may be of this key is returned: asked for again it can only be told
// to be a duplicate or too much.
func (c *Client) restOf(ctx context.Context, req acquiring.RefundRequest, info *PaymentInfo, taken money.Amount) (money.Amount, error) {
	refunds, err := c.refunds(ctx, info)
	if err != nil {
		return 0, err
	}
	p := info.Payment(refunds)
	if rest := p.Left(); rest > 0 {
		return rest, nil
	}
	var last *RefundInfo
	for _, r := range refunds {
		if r.Status != OperationRejected && !slices.Contains(req.Known, string(r.ID)) && (last == nil || !r.Created.Before(last.Created.Time)) {
			last = r
		}
	}
	if last == nil || last.Amount.Value.Amount() > taken {
		return 0, conflict("Refund", p, "has nothing left to give back", "")
	}
	return last.Amount.Value.Amount(), nil
}

// refundByKey finds the refund that a used key made.
func (c *Client) refundByKey(ctx context.Context, r acquiring.RefundRequest, info *PaymentInfo, sum money.Amount, lost bool, start time.Time, cause error) (*acquiring.Refund, error) {
	refunds, err := c.refunds(ctx, info)
	if err != nil {
		return nil, hinted(err, "the Key was used before; call Refund again with the same Key and Amount to see its refund")
	}
	var fits []*RefundInfo
	var ids []string
	for _, one := range refunds {
		if one.Amount.Value.Amount() != sum || slices.Contains(r.Known, string(one.ID)) {
			continue
		}
		ids = append(ids, string(one.ID))
		if lost && len(fits) > 0 && one.Created.After(fits[0].Created.Time) {
			fits[0] = one // the answer that was lost is the latest
			continue
		}
		if !lost || len(fits) == 0 {
			fits = append(fits, one)
		}
	}
	if lost && len(fits) == 1 && len(ids) > 1 && fits[0].Created.Before(start.Add(-before)) {
		fits = nil // older than this call
	}
	if len(fits) == 1 {
		return fits[0].refund(), nil
	}
	e := &acquiring.Error{Provider: provider, Op: "Refund", Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Err: cause}
	var known *acquiring.Error
	if errors.As(cause, &known) {
		e.Code, e.HTTPStatus = known.Code, known.HTTPStatus
	}
	if p := info.Payment(refunds); len(ids) == 0 && sum > p.Left() {
		return nil, conflict("Refund", p, fmt.Sprintf("only %s of it is left", p.Left()), "the Key was used before; a refusal spends it too")
	}
	if len(ids) == 0 {
		e.Message = fmt.Sprintf("the key was used before, for another sum than %s or for a refund that is not listed yet", sum)
		e.Hint = "look with Client.ListRefunds, or give another refund another Key"
	} else {
		e.Message = "the key was used before, and the payment has several refunds of this sum: " + strings.Join(ids, ", ")
		e.Hint = "nothing was given back now; read them with Client.GetRefund, and name those of other keys in RefundRequest.Known"
	}
	return nil, e
}

// RefundStatus reads a refund by Refund.ID: pending until PayMaster has executed
// it. An unknown one is ErrNotFound.
func (c *Client) RefundStatus(ctx context.Context, id string) (*acquiring.Refund, error) {
	r, err := c.GetRefund(ctx, id)
	if err != nil {
		return nil, err
	}
	return r.refund(), nil
}

// WaitRefund asks for the refund by Refund.ID until it was executed or refused.
// It asks at once, after a second, then ever more rarely; give it a context
// with a deadline. When that ends, what was seen last is returned with the
// context's error.
func (c *Client) WaitRefund(ctx context.Context, id string) (*acquiring.Refund, error) {
	return waitRefund(ctx, func() (*acquiring.Refund, error) { return c.RefundStatus(ctx, id) })
}

func waitRefund(ctx context.Context, read func() (*acquiring.Refund, error)) (*acquiring.Refund, error) {
	var last *acquiring.Refund
	for pause := time.Second; ; pause = min(pause*3/2, 15*time.Second) {
		r, err := read()
		switch {
		case err == nil:
			if last = r; r.Status == acquiring.RefundDone || r.Status == acquiring.RefundFailed {
				return r, nil
			}
		case ctx.Err() != nil:
			return last, ctx.Err()
		case !acquiring.Temporary(err):
			return last, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return last, ctx.Err()
		case <-timer.C:
		}
	}
}
