package world

import (
	"context"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// hold is what a bank's books say of an order whose money was held.
type hold struct {
	number string
	bank   *Bank
	sum    money.Amount // held
	left   money.Amount // of it, neither taken nor let go
	takes  int          // how many times some was taken
}

// holdOf is that of an order; none is one that pays at once, or that nobody
// paid.
func holdOf(b *Bank, o emulator.Order) (h hold, held bool) {
	if !o.TwoStage || o.Authorized == 0 {
		return h, false
	}
	h = hold{o.Number, b, o.Authorized, o.Authorized - o.Captured - o.Released, 0}
	for _, m := range o.Moves {
		if m.Kind == emulator.Captured {
			h.takes++
		}
	}
	return h, true
}

// settled compares a hold with what the manager wanted, and says what the shop
// should have of the order. taken is what the bank took.
func (w *World) settled(r *Report, order string, h hold, taken money.Amount) money.Amount {
	wish, asked := w.wishes[h.number]
	switch {
	case h.sum != w.paid[order]:
		r.fault("order %s: the customer paid %s, the provider held %s", order, w.paid[order], h.sum)
	case !asked:
		r.fault("order %s: %s is held, and the shop never showed it", order, h.sum)
	case h.left != 0:
		r.fault("order %s: %s is held still, wanted was %s of %s", order, h.left, wish.sum, h.sum)
	case h.takes > 1:
		r.fault("order %s: the hold was taken %d times", order, h.takes)
	case wish.tries > 0 && !h.bank.whole:
		r.fault("order %s: the shop refused what %s can do with a hold", order, h.bank.Name)
	}
	switch {
	case taken == h.sum:
		r.Taken++
	case taken > 0:
		r.InPart++
	case h.left == 0:
		r.LetGo++
	}
	return wish.sum
}

// refusals are the wishes about holds that the shop cannot carry out.
func (l *Ledger) refusals(ctx context.Context) (map[string]bool, error) {
	names, err := l.names(ctx, "SELECT hold_key FROM "+l.Prefix+"holds WHERE state = 'refused'")
	refused := make(map[string]bool, len(names))
	for _, name := range names {
		refused[name] = true
	}
	return refused, err
}
