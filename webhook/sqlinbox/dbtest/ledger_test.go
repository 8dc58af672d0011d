package dbtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/sqlledger"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

func ledger(t *testing.T, p place) *sqlledger.Ledger {
	t.Helper()
	db, err := p.open()
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	l, err := sqlledger.New(db, p.dialect, sqlledger.Table(p.table("tochka")))
	require.NoError(t, err)
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Migrate(t.Context()), "once more")
	return l
}

// TestLedgerIsWhatTheMemoryOneIs: the same steps give the same answers.
func TestLedgerIsWhatTheMemoryOneIs(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		steps := func(l tochka.Ledger) []string {
			var said []string
			say := func(what string, e *tochka.LedgerEntry, err error) {
				require.NoError(t, err)
				if e == nil {
					said = append(said, what+": none")
					return
				}
				said = append(said, fmt.Sprintf("%s: %s %s %s %s %s %q %s %s %d", what, e.Shop, e.Kind, e.Payment, e.Key, e.Amount, e.Seen, e.ID, e.Owner, e.At.UnixNano()))
			}
			at := time.Unix(1767225600, 123456789)
			first := tochka.LedgerEntry{Shop: "Чай", Kind: tochka.LedgerRefund, Payment: "op-1", Key: "возврат 1", Amount: money.RUB(100, 5), Seen: []string{"7", "8"}, Owner: "a", At: at}
			second := first
			second.Key, second.Amount, second.Seen, second.At = "Возврат 1", money.RUB(1, 0), nil, at.Add(time.Second)
			ctx := t.Context()
			begin := func(e tochka.LedgerEntry) {
				old, err := l.Begin(ctx, e)
				say("begin", old, err)
			}
			begin(first)
			begin(second)
			begin(first)
			other := first
			other.Owner, other.Amount, other.At = "b", 0, at.Add(time.Hour)
			begin(other)
			first.ID, first.At, first.Seen = "9", at.Add(time.Minute), []string{}
			require.NoError(t, l.Save(ctx, first))
			begin(other)
			for _, id := range []string{"9", "", "10"} {
				e, err := l.ByID(ctx, "Чай", tochka.LedgerRefund, id)
				say("by id", e, err)
			}
			e, err := l.ByID(ctx, "чай", tochka.LedgerRefund, "9")
			say("of another shop", e, err)
			all := func() {
				list, err := l.OfPayment(ctx, "Чай", tochka.LedgerRefund, "op-1")
				for i := range list {
					say("of payment", &list[i], err)
				}
				require.NoError(t, err)
			}
			all()
			require.NoError(t, l.Forget(ctx, first))
			require.NoError(t, l.Forget(ctx, first), "what is not there")
			all()
			begin(other)
			return said
		}
		// QR codes may have no Payment, and the same ID is looked for by kind.
		want, got := steps(tochka.NewMemoryLedger(0)), steps(ledger(t, p))
		require.Len(t, got, len(want))
		for i := range want {
			// An empty list and none are the same thing.
			assert.Equal(t, want[i], got[i])
		}
	})
}

// TestLedgerBeginsOnce: of many processes one begins.
func TestLedgerBeginsOnce(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		ledgers := []*sqlledger.Ledger{ledger(t, p), ledger(t, p), ledger(t, p)}
		for n := range 10 {
			var began atomic.Int32
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					e := tochka.LedgerEntry{Shop: "s", Kind: tochka.LedgerCharge, Payment: "sub", Key: fmt.Sprint(n), Amount: 1, Owner: fmt.Sprint(i), At: time.Now()}
					old, err := ledgers[i%3].Begin(context.WithoutCancel(t.Context()), e)
					if assert.NoError(t, err) && old == nil {
						began.Add(1)
					}
				})
			}
			wg.Wait()
			assert.EqualValues(t, 1, began.Load())
		}
	})
}

// TestRefundOnceOverARestart: a client made anew, as after a restart, asks for
// the same refund and gets the first one; the bank gave the money back once.
func TestRefundOnceOverARestart(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		bank := tochkatest.NewServer()
		t.Cleanup(bank.Close)
		start := func() *tochka.Client {
			conf := bank.Config()
			conf.Ledger = ledger(t, p)
			client, err := tochka.New(conf)
			require.NoError(t, err)
			return client
		}
		invoice, err := start().CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(1000, 0), Description: "Курс", ReturnURL: "https://school.example"})
		require.NoError(t, err)
		require.NoError(t, bank.Pay(string(invoice.ID)))
		ask := acquiring.RefundRequest{ID: invoice.ID, Key: "r-1", Amount: money.RUB(400, 0)}
		first, err := start().Refund(t.Context(), ask)
		require.NoError(t, err)
		again, err := start().Refund(t.Context(), ask)
		require.NoError(t, err)
		assert.Equal(t, first.ID, again.ID)
		order, _ := bank.Order(string(invoice.ID))
		assert.Equal(t, money.RUB(400, 0), order.Refunded)
	})
}

func TestLedgerRefusesWhatAColumnWouldCut(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		l := ledger(t, p)
		whole := tochka.LedgerEntry{Shop: strings.Repeat("ш", 100), Kind: "refund", Payment: strings.Repeat("p", 128), Key: strings.Repeat("к", 255), Owner: strings.Repeat("o", 128), At: time.Now()}
		_, err := l.Begin(t.Context(), whole)
		require.NoError(t, err)
		for field, change := range map[string]func(e *tochka.LedgerEntry){
			"Shop": func(e *tochka.LedgerEntry) { e.Shop += "ш" }, "Key": func(e *tochka.LedgerEntry) { e.Key += "к" },
			"Payment": func(e *tochka.LedgerEntry) { e.Payment += "p" }, "ID": func(e *tochka.LedgerEntry) { e.ID = strings.Repeat("i", 129) },
			"Owner": func(e *tochka.LedgerEntry) { e.Owner = "\xff" },
		} {
			e := whole
			change(&e)
			_, err := l.Begin(t.Context(), e)
			require.ErrorIs(t, err, acquiring.ErrInvalid)
			assert.ErrorContains(t, err, field)
			assert.ErrorIs(t, l.Save(t.Context(), e), acquiring.ErrInvalid)
		}
	})
}

func TestLedgerCleanup(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		l := ledger(t, p)
		for i, age := range []time.Duration{400 * 24 * time.Hour, 20 * 24 * time.Hour} {
			_, err := l.Begin(t.Context(), tochka.LedgerEntry{Shop: "s", Kind: "refund", Payment: "p", Key: fmt.Sprint(i), At: time.Now().Add(-age)})
			require.NoError(t, err)
		}
		n, err := l.Cleanup(t.Context(), 365*24*time.Hour)
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
		left, err := l.OfPayment(t.Context(), "s", "refund", "p")
		require.NoError(t, err)
		require.Len(t, left, 1)
		assert.Equal(t, "1", left[0].Key)
		_, err = l.Cleanup(t.Context(), time.Hour)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	})
}
