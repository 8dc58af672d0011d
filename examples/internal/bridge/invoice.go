package bridge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
)

// attempts are how many order numbers one call may try.
const attempts = 20

// Invoice issues an invoice and returns its link. Called again with the same
// Number it returns the same link while that lives, and makes a new attempt
// after it expired. A paid order is acquiring.ErrConflict.
func (b *Bridge) Invoice(ctx context.Context, o Order) (*Link, error) {
	a, err := b.account(o.Shop)
	if err != nil {
		return nil, err
	}
	o.Shop = a.Code
	if err := b.crm.Prepare(ctx, &o); err != nil {
		return nil, err
	}
	switch {
	case o.Ref == "":
		return nil, acquiring.Invalid("ref", "is empty; give the CRM's number of whom the money is for")
	case o.Amount <= 0:
		return nil, acquiring.Invalid("amount", "must be more than zero")
	}
	if o.Number == "" {
		o.Number = o.Ref + "-" + strings.ToLower(rand.Text()[:8])
	}
	if base, n := acquiring.SplitAttempt(o.Number); n > 1 {
		return nil, acquiring.Invalid("number", fmt.Sprintf("looks like attempt %d of %s; choose one without _%d", n, base, n))
	}
	free, err := b.making.lock(ctx, o.Shop+"/"+o.Number)
	if err != nil {
		return nil, err
	}
	defer free()
	all, err := b.rows(ctx, b.db, "WHERE shop = ? AND base = ?", o.Shop, o.Number)
	if err != nil {
		return nil, err
	}
	next := 1
	var last *row
	for i, r := range all {
		if r.Status.Succeeded() || r.Taken > 0 {
			return nil, conflict("order %s is paid already", r.Number)
		}
		if r.Status == acquiring.StatusAuthorized {
			return nil, conflict("the money of order %s is held already", r.Number)
		}
		if r.beside() {
			continue // held, and perhaps never taken
		}
		if _, n := acquiring.SplitAttempt(r.Number); n >= next {
			next, last = n+1, &all[i]
		}
	}
	if last != nil {
		switch old, err := b.reuse(ctx, a, last, o); {
		case err != nil:
			return nil, err
		case old != nil:
			return old, nil
		case last.ID == "" && last.Status == acquiring.StatusPending && last.Amount == o.Amount:
			next-- // it was never answered: the same number once more
		}
	}
	for n := next; n < next+attempts; n++ {
		link, err := b.issue(ctx, a, o, acquiring.Attempt(o.Number, n))
		if err == nil || !errors.Is(err, acquiring.ErrDuplicate) {
			return link, err
		}
	}
	return nil, conflict("order number %s and its attempts are taken at the bank; choose another", o.Number)
}

func conflict(format string, args ...any) error {
	return &acquiring.Error{Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Message: fmt.Sprintf(format, args...)}
}

// reuse is the link of the last attempt if it is good still; nil: make a new
// one.
func (b *Bridge) reuse(ctx context.Context, a shops.Account, r *row, o Order) (*Link, error) {
	if r.Ref != o.Ref {
		return nil, conflict("order %s belongs to another: %s", r.Number, r.Ref)
	}
	if r.Status != acquiring.StatusPending || r.PayURL == "" || !r.ExpiresAt.IsZero() && !r.ExpiresAt.After(b.now()) {
		return nil, nil
	}
	if r.Amount == o.Amount {
		return &Link{Number: r.Number, Shop: r.Shop, Amount: r.Amount, PayURL: r.PayURL, ExpiresAt: r.ExpiresAt}, nil
	}
	// The sum is another one: the old link must not take the old sum.
	c, ok := a.Acquirer.(acquiring.Canceler)
	if !ok {
		return nil, conflict("order %s has an open link for %s, and this bank cannot withdraw it", r.Number, r.Amount)
	}
	err := c.Cancel(ctx, r.ID)
	if errors.Is(err, acquiring.ErrConflict) {
		// It came to an end, and nobody has told of that yet.
		if p, readErr := b.Learn(ctx, r.Shop, r.ID); readErr == nil && p.Status.Final() && !p.Status.Succeeded() {
			return nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("order %s has an open link for %s: %w", r.Number, r.Amount, err)
	}
	// Its link leads nowhere, also if the next one cannot be made now. The bank
	// is still asked about it.
	return nil, b.dialect.Retry(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return b.exec(ctx, b.db, "UPDATE "+table+" SET pay_url = '' WHERE shop = ? AND number = ? AND payment_id = ?", r.Shop, r.Number, string(r.ID))
	})
}

// issue makes the invoice of one attempt. The row is there before the acquirer
// is asked: a callback, or the poll after an answer that was lost, finds it.
func (b *Bridge) issue(ctx context.Context, a shops.Account, o Order, number string) (*Link, error) {
	if o.Description == "" {
		o.Description = "Оплата заказа " + o.Number
	}
	receipt, err := b.conf.Receipt.sale(number, o)
	if err != nil {
		return nil, err
	}
	stored := ""
	if receipt != nil {
		body, err := json.Marshal(receipt)
		if err != nil {
			return nil, err
		}
		stored = string(body)
	}
	r := row{Shop: a.Code, Number: number, Receipt: stored, Base: o.Number, Ref: o.Ref, Payer: o.Payer, Amount: o.Amount, Own: true, Status: acquiring.StatusPending, CreatedAt: b.now()}
	err = b.dialect.Retry(ctx, func(ctx context.Context) error { _, err := b.insert(ctx, b.db, r); return err })
	if err != nil {
		return nil, err
	}
	invoice, err := a.Acquirer.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: number, Amount: o.Amount, Description: o.Description,
		Customer: acquiring.Customer{Email: o.Email, Phone: o.Phone, Name: o.Payer}, ReturnURL: b.conf.ReturnURL,
		CallbackURL: b.hook(a.Code), TTL: hours(b.conf.LinkHours), Receipt: receipt})
	if err != nil {
		if acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown && !errors.Is(err, acquiring.ErrDuplicate) {
			return nil, errors.Join(err, b.withdrawn(context.WithoutCancel(ctx), &r))
		}
		return nil, err
	}
	r.ID, r.PayURL, r.ExpiresAt = invoice.ID, invoice.PayURL, invoice.ExpiresAt.Truncate(time.Millisecond)
	if err := b.issued(context.WithoutCancel(ctx), a, &r); err != nil {
		return nil, err
	}
	return &Link{Number: number, Shop: a.Code, Amount: o.Amount, PayURL: r.PayURL, ExpiresAt: r.ExpiresAt}, nil
}

// hook is the address at which a shop's callbacks arrive.
func (b *Bridge) hook(shop string) string { return b.conf.PublicURL + "/hooks/" + shop }
