package bridge

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
)

// A second payment of one order number has a row of its own beside the order's:
// its number is the order's, # and the bank's number of the payment. So its
// refunds are followed, and it can be given back by that number.

func besideNumber(r *row, id acquiring.PaymentID) string { return r.Number + "#" + string(id) }

// beside says whether it is the row of a second payment.
func (r *row) beside() bool { return r.ID != "" && strings.HasSuffix(r.Number, "#"+string(r.ID)) }

// order is the order's number, as the acquirer has it.
func (r *row) order() string {
	if r.beside() {
		return strings.TrimSuffix(r.Number, "#"+string(r.ID))
	}
	return r.Number
}

// second enters a second payment of an order whose money came already, and
// leaves it to a person.
func (b *Bridge) second(ctx context.Context, tx *sql.Tx, a shops.Account, r *row, p *acquiring.Payment) error {
	b.log.Warn("bridge: a second payment of one order: look at the bank", "shop", a.Code, "order", r.Number, "payment", p.ID, "status", p.Status.String(), "first", r.ID)
	s := row{Shop: r.Shop, Number: besideNumber(r, p.ID), Base: r.Base, Ref: r.Ref, Payer: r.Payer, Amount: r.Amount, Own: r.Own, ID: p.ID, Status: acquiring.StatusUnknown,
		Again: true, CreatedAt: b.now(), Receipt: r.Receipt}
	if _, err := b.insert(ctx, tx, s); err != nil {
		return err
	}
	return b.move(ctx, tx, a, &s, p, s.ID, beside(r, &s, p))
}

// beside is why a person must look at the second payment's money before the CRM
// hears of it.
func beside(r, s *row, p *acquiring.Payment) string {
	return fmt.Sprintf("order %s has the money of payment %s already, and payment %s of %s came besides: look at the bank and give back what is too much (refund '%s')",
		r.Number, r.ID, p.ID, p.Captured, s.Number)
}

// withdrawTries is how often a bank is asked to close a page before a person
// is told.
const withdrawTries = 12

// putWithdraw has the page of an order's payment closed whose order was paid by
// another one, so that nobody pays twice.
func (b *Bridge) putWithdraw(ctx context.Context, tx *sql.Tx, a shops.Account, r *row, id acquiring.PaymentID) error {
	if id == "" || id == r.ID && r.Status.Final() {
		return nil
	}
	p := &acquiring.Payment{ID: id}
	return b.put(ctx, tx, News{Kind: Withdraw, Key: key(Withdraw, a, p, 0), Shop: a.Code, Provider: a.Provider, PaymentID: id, OrderID: r.Number, Ref: r.Ref, Payer: r.Payer,
		Amount: r.Amount}, "")
}

// withdraw closes the page. Where the bank cannot, a person is told; one that
// was paid meanwhile is read, and is a second payment.
func (b *Bridge) withdraw(ctx context.Context, n News, tries int) (string, error) {
	open := func(err error) error {
		return outbox.NeedsPerson(fmt.Errorf("order %s is paid, but the page of its other payment %s can be paid still: %w; withdraw it at the bank, or see to it that nobody pays there", n.OrderID, n.PaymentID, err))
	}
	a, err := b.account(n.Shop)
	if err != nil {
		return "", open(err)
	}
	c, ok := a.Acquirer.(acquiring.Canceler)
	if !ok {
		return "", open(errors.New("this bank cannot withdraw it"))
	}
	err = c.Cancel(ctx, n.PaymentID)
	switch {
	case err == nil:
		return "withdrawn", nil
	case errors.Is(err, acquiring.ErrNotFound):
		return "the bank does not know it", nil
	case errors.Is(err, acquiring.ErrConflict):
		p, readErr := b.Learn(ctx, n.Shop, n.PaymentID)
		if readErr != nil && tries < withdrawTries {
			return "", readErr
		}
		if readErr != nil {
			return "", open(readErr)
		}
		if p.Status <= acquiring.StatusPending {
			return "", open(err)
		}
		return "it is " + p.Status.String(), nil
	case tries < withdrawTries && (acquiring.Temporary(err) || acquiring.OutcomeOf(err) != acquiring.OutcomeRejected):
		return "", err
	}
	return "", open(err)
}
