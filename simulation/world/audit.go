package world

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/simulation/crm"
)

// Ledger reads the program's tables, as an accountant would.
type Ledger struct {
	DB     *sql.DB
	Prefix string
}

type entry struct {
	news, number string
	sum          money.Amount
}

func (l *Ledger) entries(ctx context.Context, where string) (all []entry, err error) {
	rows, err := l.DB.QueryContext(ctx, "SELECT news, number, kopecks FROM "+l.Prefix+"ledger WHERE "+where+" ORDER BY number, news")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.news, &e.number, &e.sum); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

func (l *Ledger) credits(ctx context.Context) ([]entry, error) { return l.entries(ctx, "kopecks > 0") }

func (l *Ledger) refundsDone(ctx context.Context) (map[string]bool, error) {
	names, err := l.names(ctx, "SELECT refund_key FROM "+l.Prefix+"refunds WHERE state = 'done'")
	done := make(map[string]bool, len(names))
	for _, name := range names {
		done[name] = true
	}
	return done, err
}

func (l *Ledger) names(ctx context.Context, query string) (all []string, err error) {
	rows, err := l.DB.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}

// Lines are the ledger in words, for a journal.
func (l *Ledger) Lines(ctx context.Context) ([]string, error) {
	entries, err := l.entries(ctx, "1 = 1")
	var lines []string
	for _, e := range entries {
		key, _, _ := strings.Cut(e.news, "/")
		lines = append(lines, fmt.Sprintf("ledger %s %s %s", e.number, key, e.sum))
	}
	return lines, err
}

// Report is the comparison of the ledger with the emulators' own books.
type Report struct {
	Orders int // that customers made
	Paid   int // of them

	Sent, Repeats  int // callbacks: news sent, and all further attempts and copies
	Lost           int // callbacks that never left
	Forged         int // callbacks and of them those
	ForgedAccepted int // that were answered as if they were true

	Captured, Credited money.Amount
	Refunded, Debited  money.Amount
	Refunds            int

	Taken, InPart, LetGo int // holds

	Wanted, Printed, Missing, Doubled int // receipts

	// Faults are all differences, in words. None: nothing was lost and nothing
	// done twice.
	Faults []string
}

func (r *Report) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// sums are what one side says of an order.
type sums struct{ in, out money.Amount }

// account is what a bank has of an order.
type account struct {
	sums
	holds []hold
}

// Audit compares, order by order and to the kopeck.
func (w *World) Audit(ctx context.Context, l *Ledger) (*Report, error) {
	entries, err := l.entries(ctx, "1 = 1")
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &Report{Orders: len(w.plans), Paid: len(w.paid), Refunds: len(w.requested)}
	for _, t := range w.troubles {
		r.fault("a customer could not get through: %s", t)
	}

	ledger, receipts, news := map[string]sums{}, map[string]print{}, map[string][]string{}
	for _, e := range entries {
		order, _ := acquiring.SplitAttempt(e.number)
		s := ledger[order]
		if key, refund := strings.CutPrefix(e.news, "refund/"); refund {
			s.out -= e.sum
			r.Debited -= e.sum
			receipts["R-"+key] = print{kind: fiscal.SaleReturn, sum: -e.sum}
		} else {
			s.in += e.sum
			news[order] = append(news[order], e.news)
			r.Credited += e.sum
		}
		ledger[order] = s
	}

	books := w.books(r, receipts)
	wanted := map[string]money.Amount{}
	for key, a := range w.requested {
		wanted[a.order] += a.sum
		receipts["R-"+key] = print{kind: fiscal.SaleReturn, sum: a.sum}
	}
	orders := map[string]bool{}
	for order := range ledger {
		orders[order] = true
	}
	for order := range books {
		orders[order] = true
	}
	for _, order := range slices.Sorted(keys(orders)) {
		b, l := books[order], ledger[order]
		want := w.paid[order]
		for _, h := range b.holds {
			want = w.settled(r, order, h, b.in)
		}
		switch {
		case b.in != l.in:
			r.fault("order %s: captured %s, credited %s, by the news %q", order, b.in, l.in, news[order])
		case b.in != want:
			r.fault("order %s: the provider should have %s and has %s", order, want, b.in)
		}
		if b.out != l.out || b.out != wanted[order] {
			r.fault("order %s: refunded %s, debited %s, wanted %s", order, b.out, l.out, wanted[order])
		}
	}
	if err := l.open(ctx, r); err != nil {
		return nil, err
	}
	w.callbacks(r)
	if err := w.printed(ctx, l, r, receipts); err != nil {
		return nil, err
	}
	return r, nil
}

// open tells why what is not done is not.
func (l *Ledger) open(ctx context.Context, r *Report) error {
	rows, err := l.DB.QueryContext(ctx, "SELECT 'refund', refund_key, number, tries, last_error FROM "+l.Prefix+"refunds WHERE state <> 'done' UNION ALL "+
		"SELECT 'hold', hold_key, number, tries, last_error FROM "+l.Prefix+"holds WHERE state = 'wanted' ORDER BY 2")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var what, key, number, why string
		var tries int
		if err := rows.Scan(&what, &key, &number, &tries, &why); err != nil {
			return err
		}
		r.fault("%s %s of %s is not done after %d tries: %s", what, key, number, tries, why)
	}
	return rows.Err()
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// books are the emulators' own sums by order, and the receipts that they make
// necessary.
func (w *World) books(r *Report, receipts map[string]print) map[string]account {
	all := map[string]account{}
	for _, b := range w.Banks {
		for _, o := range b.Orders() {
			order, _ := acquiring.SplitAttempt(o.Number)
			s := all[order]
			s.in += o.Captured
			s.out += o.Refunded
			if h, held := holdOf(b, o); held {
				s.holds = append(s.holds, h)
			}
			all[order] = s
			r.Captured += o.Captured
			r.Refunded += o.Refunded
			if o.Captured > 0 {
				receipts["S-"+o.Number] = print{kind: fiscal.Sale, sum: o.Captured}
			}
		}
	}
	return all
}

// callbacks counts what was sent, and looks whether a forged one got through.
func (w *World) callbacks(r *Report) {
	for _, s := range w.servers() {
		for _, d := range s.Deliveries() {
			switch {
			case d.Forged:
				r.Forged += len(d.Attempts)
				if taken(d) {
					r.ForgedAccepted++
					r.fault("a forged callback of order %s was answered %d %s", d.Order, d.Answer().Status, d.Answer().Answer)
				}
			case d.State == emulator.Lost:
				r.Lost++
			case d.Copy:
				r.Repeats += len(d.Attempts)
			case len(d.Attempts) > 0:
				r.Sent++
				r.Repeats += len(d.Attempts) - 1
			}
		}
	}
}

func taken(d emulator.Delivery) bool { return d.Answer().Status == http.StatusOK }

// printed compares the registers' books with the receipts that should be.
func (w *World) printed(ctx context.Context, l *Ledger, r *Report, wanted map[string]print) error {
	reported := map[string]int{}
	names, err := l.names(ctx, "SELECT receipt FROM "+l.Prefix+"printed WHERE state = 'printed'")
	if err != nil {
		return err
	}
	for _, name := range names {
		reported[name]++
	}
	found := map[string]int{}
	for _, reg := range w.Registers {
		for _, p := range reg.printed() {
			found[p.id]++
			want, ok := wanted[p.id]
			switch {
			case !ok:
				r.fault("receipt %s of %s at %s: nothing was paid or given back for it", p.id, p.sum, reg.Name)
			case want.sum != p.sum || want.kind != p.kind:
				r.fault("receipt %s at %s: %s of %s, should be %s of %s", p.id, reg.Name, p.kind, p.sum, want.kind, want.sum)
			case !p.done:
				r.Missing++
				r.fault("receipt %s at %s is not printed yet", p.id, reg.Name)
			default:
				r.Printed++
			}
		}
	}
	r.Wanted = len(wanted)
	for _, id := range slices.Sorted(keys(wanted)) {
		switch n := found[id]; {
		case n == 0:
			r.Missing++
			r.fault("receipt %s was never printed", id)
		case n > 1:
			r.Doubled++
			r.fault("receipt %s was printed %d times", id, n)
		case reported[id] != 1:
			r.fault("receipt %s was reported to the shop %d times", id, reported[id])
		}
	}
	return nil
}

// NewLedger reads the tables of a place.
func NewLedger(db *sql.DB, p crm.Place) *Ledger { return &Ledger{db, p.Prefix} }
