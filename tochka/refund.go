package tochka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Refund gives money back (POST payments/{operationId}/refund). Amount 0 reads
// what is left and gives it back; while another refund is executed that is not
// known: ErrConflict. A receipt of the refund the bank does not take:
// ErrUnsupported.
//
// The bank has no key of a refund: Config.Ledger remembers them, and the
// operation's movements before and after tell what became of an answer that
// was lost. After an unknown outcome call again with the same Key: it looks
// first. A Key that another program works on, or died with less than two
// minutes ago, is ErrConflict with an unknown outcome; one that was used with
// another Amount is ErrConflict too.
//
// The bank refunds payments that are APPROVED; whether it takes a second part
// is not documented. The money comes from the company's account; a card is
// credited in 3 to 30 days. Payments of subscriptions, and those by digital
// rouble, are refunded in the internet bank only.
//
// A payment by a code of CreateQR is refunded by the SBP method, and pending
// until the bank has executed it. The bank does not tell what became of an
// SBP refund whose answer was lost: it is never repeated, and the error says
// where to look.
func (c *Client) Refund(ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	const op = "Refund"
	err := r.Validate()
	if err == nil {
		err = checkID(r.ID)
	}
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	switch {
	case r.Receipt != nil:
		return nil, acquiring.Unsupported(provider, op, "the bank takes no receipt with a refund; print it through a fiscal.Register")
	case strings.Contains(string(r.ID), chargeMark):
		return nil, acquiring.Unsupported(provider, op, "charges of subscriptions are given back in the internet bank only")
	case isQR(string(r.ID)):
		return c.refundQR(ctx, r)
	}
	out, err := c.once(ctx, deed{
		op: op, kind: OrderRefund, entry: LedgerEntry{Kind: LedgerRefund, Payment: string(r.ID), Key: r.Key, Amount: r.Amount},
		allow: func(o *Operation, e *LedgerEntry) error { return c.refundable(ctx, op, o, e) },
		act: func(ctx context.Context, e LedgerEntry) (string, error) {
			a, err := c.RefundPayment(ctx, e.Payment, Sum(e.Amount))
			if err != nil {
				return "", err
			}
			if a.OrderID == "" {
				return e.Key, nil
			}
			return string(a.OrderID), nil
		},
		hint: "call Refund again with the same Key and Amount: it looks first whether the money went back",
	})
	if err != nil {
		return nil, err
	}
	refund := &acquiring.Refund{ID: out.entry.ID, PaymentID: r.ID, Amount: out.entry.Amount, Status: acquiring.RefundPending}
	if o := out.after; o != nil {
		refund.Raw = o.Raw
		if o.Status == OperationRefunded || o.Status == OperationRefundedPartially {
			refund.Status = acquiring.RefundDone
		}
	}
	return refund, nil
}

// refundable says whether so much can be given back, and fills in all that is
// left.
func (c *Client) refundable(ctx context.Context, op string, o *Operation, e *LedgerEntry) error {
	p := c.payment(ctx, o)
	left := p.Left()
	switch {
	case !p.Status.Succeeded():
		err := conflict(op, p, "was not paid")
		if p.Status == acquiring.StatusAuthorized {
			err.Hint = "a hold that is not captured lapses by itself"
		}
		return err
	case e.Amount == 0 && o.Status == OperationOnRefund:
		err := conflict(op, p, "is being refunded, so that what is left is not known yet")
		err.Hint = "ask again once that refund is done, or give the Amount"
		return err
	case left == 0:
		err := conflict(op, p, "has nothing left to give back")
		err.Hint = "if this Key was used before the Ledger was emptied, that refund may be the one that gave it back"
		return err
	case e.Amount > left:
		err := conflict(op, p, fmt.Sprintf("has %s left, less than %s", left, e.Amount))
		return err
	}
	if e.Amount == 0 {
		e.Amount = left
	}
	return nil
}

// refundQR gives a payment by a dynamic SBP code back.
func (c *Client) refundQR(ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	const op = "Refund"
	unlock, err := c.locks.lock(ctx, "refund "+string(r.ID))
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	defer unlock()
	known, err := c.ledger.OfPayment(ctx, c.conf.Shop, LedgerRefund, string(r.ID))
	if err != nil {
		return nil, ledgerError(op, err, acquiring.OutcomeNotSent)
	}
	for _, old := range known {
		if old.Key == r.Key {
			return c.refundedQR(ctx, op, r, old)
		}
	}
	code, err := c.QR(ctx, string(r.ID))
	if err != nil {
		return nil, notSent(err)
	}
	pay, err := c.qrState(ctx, code)
	if err != nil {
		return nil, notSent(err)
	}
	p, err := c.qrResult(ctx, op, code, pay)
	if err != nil {
		return nil, notSent(err)
	}
	entry := LedgerEntry{Shop: c.conf.Shop, Kind: LedgerRefund, Payment: string(r.ID), Key: r.Key, Amount: r.Amount, Owner: c.owner(), At: c.now()}
	left := p.Left()
	switch {
	case p.Captured == 0:
		return nil, conflict(op, p, "was not paid")
	case left == 0:
		return nil, conflict(op, p, "has nothing left to give back")
	case entry.Amount > left:
		return nil, conflict(op, p, fmt.Sprintf("has %s left, less than %s", left, entry.Amount))
	case entry.Amount == 0:
		entry.Amount = left
	}
	if pay.ref == "" {
		if pay.ref, err = c.refTransaction(ctx, code); err != nil {
			return nil, notSent(err)
		}
	}
	account, bic, _ := strings.Cut(code.AccountID, "/")
	existing, err := c.ledger.Begin(ctx, entry)
	switch {
	case err != nil:
		return nil, ledgerError(op, err, acquiring.OutcomeNotSent)
	case existing != nil:
		return nil, busy(op)
	}
	reason := r.Reason
	if reason == "" {
		reason = "Возврат: " + code.PaymentPurpose
	}
	reason = string([]rune(reason)[:min(len([]rune(reason)), maxPurpose)])
	a, err := c.RefundSBP(ctx, SBPRefundRequest{BankCode: bic, AccountCode: account, Amount: entry.Amount, QRCID: code.QRCID, Purpose: reason,
		RefTransactionID: pay.ref, TrxID: pay.trx})
	if err != nil {
		if acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown {
			if forget := c.ledger.Forget(context.WithoutCancel(ctx), entry); forget != nil {
				c.rest.Logger().WarnContext(ctx, "a refused entry stays in the ledger", "kind", entry.Kind, "key", entry.Key, "error", forget)
			}
			return nil, err
		}
		return nil, lostSBP(op, err)
	}
	entry.ID = a.RequestID
	if err := c.ledger.Save(context.WithoutCancel(ctx), entry); err != nil {
		c.rest.Logger().ErrorContext(ctx, "what the bank did was not written into the ledger", "kind", entry.Kind, "key", entry.Key, "id", entry.ID, "error", err)
	}
	return &acquiring.Refund{ID: a.RequestID, PaymentID: r.ID, Amount: entry.Amount, Status: a.Status.Status()}, nil
}

// lostSBP is the error of an SBP refund that nobody can look up.
func lostSBP(op string, err error) error {
	return deed{op: op, hint: "the bank does not tell what became of it: look for the refund in the internet bank; this Key is never sent again"}.unknown(err)
}

// refundedQR is a refund that the ledger has already.
func (c *Client) refundedQR(ctx context.Context, op string, r acquiring.RefundRequest, old LedgerEntry) (*acquiring.Refund, error) {
	if r.Amount != 0 && r.Amount != old.Amount {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("the key belongs to a refund of %s already", old.Amount), Hint: "give another refund another Key"}
	}
	if old.ID == "" && c.busy(old) {
		return nil, busy(op)
	}
	if old.ID == "" {
		return nil, lostSBP(op, errors.New("an earlier answer to this refund was lost"))
	}
	status := acquiring.RefundPending
	if a, err := c.SBPRefund(ctx, old.ID); err == nil {
		status = a.Status.Status()
	}
	return &acquiring.Refund{ID: old.ID, PaymentID: r.ID, Amount: old.Amount, Status: status}, nil
}

// refTransaction is the number that the bank wants with an SBP refund.
func (c *Client) refTransaction(ctx context.Context, code *QRCode) (string, error) {
	from := DateOf(code.CreatedAt.Time)
	if from == "" {
		from = DateOf(c.now().Add(-c.conf.FindWithin))
	}
	for p, err := range c.SBPPayments(ctx, SBPPaymentsQuery{QRCID: code.QRCID, From: from}) {
		if err != nil {
			return "", err
		}
		if p.QRCID == code.QRCID && p.RefTransactionID != "" {
			return p.RefTransactionID, nil
		}
	}
	return "", nil
}

// refundedSBP is what the ledger knows of refunds of a code's payment: the
// bank lists none.
func (c *Client) refundedSBP(ctx context.Context, op, qrcID string) (money.Amount, error) {
	known, err := c.ledger.OfPayment(ctx, c.conf.Shop, LedgerRefund, qrcID)
	if err != nil {
		return 0, ledgerError(op, err, acquiring.OutcomeNotSent)
	}
	var sum money.Amount
	for _, e := range known {
		if e.ID == "" {
			continue
		}
		if a, err := c.SBPRefund(ctx, e.ID); err == nil && a.Status == SBPRefundRejected {
			continue
		}
		sum += e.Amount
	}
	return sum, nil
}
