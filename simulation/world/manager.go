package world

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// The manager looks at the shop's own tables, and wants money given back, or
// a hold taken or let go.

// asked is what he asked for: a refund, or of a hold the sum to be taken.
type asked struct {
	order string
	sum   money.Amount
	tries int // of a hold: wishes refused before this one
}

// Wanted is what the manager would ask for now.
type Wanted struct {
	kind   string // "refunds", "holds"
	key    string
	number string // the attempt that was paid
	asked
}

// Wishes are those that he has, as the shop's tables stand: a refund of an
// order that it shows as paid, one after the other, and what is to become of a
// hold that it shows.
func (w *World) Wishes(ctx context.Context, l *Ledger) ([]Wanted, error) {
	refunds, err := w.refunds(ctx, l)
	if err != nil {
		return nil, err
	}
	holds, err := w.holds(ctx, l)
	return append(refunds, holds...), err
}

func (w *World) refunds(ctx context.Context, l *Ledger) ([]Wanted, error) {
	entries, err := l.credits(ctx)
	if err != nil {
		return nil, err
	}
	done, err := l.refundsDone(ctx)
	if err != nil {
		return nil, err
	}
	var all []Wanted
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for _, e := range entries {
		order, _ := acquiring.SplitAttempt(e.number)
		p := w.plans[order]
		if seen[order] {
			continue
		}
		seen[order] = true
		for i, sum := range p.refunds {
			key := fmt.Sprintf("%s-r%d", order, i+1)
			if done[key] {
				continue
			}
			if _, waits := w.requested[key]; !waits {
				all = append(all, Wanted{"refunds", key, e.number, asked{order, sum, 0}})
			}
			break
		}
	}
	return all, nil
}

func (w *World) holds(ctx context.Context, l *Ledger) ([]Wanted, error) {
	shown, err := l.names(ctx, "SELECT number FROM "+l.Prefix+"invoices WHERE status = 'authorized' ORDER BY number")
	if err != nil {
		return nil, err
	}
	refused, err := l.refusals(ctx)
	if err != nil {
		return nil, err
	}
	var all []Wanted
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, number := range shown {
		order, _ := acquiring.SplitAttempt(number)
		p := w.plans[order]
		last, asked := w.wishes[number]
		switch {
		case !asked:
			all = append(all, wish(number, order, p.takes, 0))
		case refused[holdKey(number, last.tries)] && last.sum != p.sum:
			// The bank has no such thing: then all of it.
			all = append(all, wish(number, order, p.sum, last.tries+1))
		}
	}
	return all, nil
}

func holdKey(number string, tries int) string { return fmt.Sprintf("%s-h%d", number, tries+1) }

func wish(number, order string, sum money.Amount, tries int) Wanted {
	return Wanted{"holds", holdKey(number, tries), number, asked{order, sum, tries}}
}

// Ask is the manager asking for it.
func (w *World) Ask(ctx context.Context, want Wanted, shop Shop) {
	step := stepRefund
	w.mu.Lock()
	if want.kind == "holds" {
		w.wishes[want.number] = want.asked
		step = stepHold
	} else {
		w.requested[want.key] = want.asked
	}
	p := w.plans[want.order]
	w.mu.Unlock()
	_, of, _ := strings.Cut(want.order, "-")
	n, _ := strconv.Atoi(of)
	w.disturb(w.Banks[p.bank], n, p, step)
	_, err := insist(ctx, shop, "/"+want.kind+"/"+want.key+"?"+url.Values{"number": {want.number}, "kopecks": {strconv.FormatInt(int64(want.sum), 10)}}.Encode())
	if err != nil {
		w.trouble(want.key, err)
	}
}
