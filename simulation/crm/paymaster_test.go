package crm_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/simulation/crm"
	"github.com/acquiring-go/acquiring/simulation/world"
)

// office is the program over the emulators, one thing after another.
type office struct {
	t    *testing.T
	shop *crm.Shop
	db   *sql.DB
	bank *world.Bank
}

func openPayMaster(t *testing.T) *office {
	o := &office{t: t}
	w := world.New(world.Options{Seed: 1, Clock: emulator.NewClock(time.Now()), Hooks: "http://school.example",
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.shop.Handler().ServeHTTP(w, r) })}, world.Weather{})
	t.Cleanup(w.Close)
	place := crm.SQLiteFile(filepath.Join(t.TempDir(), "crm.db"), "w_")
	var err error
	o.db, err = place.Open(4)
	require.NoError(t, err)
	t.Cleanup(func() { _ = o.db.Close() })
	require.NoError(t, place.Migrate(t.Context(), o.db))
	pace := crm.Fast()
	pace.PollFirst = 0
	providers, registers := w.Accounts()
	o.shop, err = crm.Open(crm.Config{Place: place, DB: o.db, Providers: providers, Registers: registers, Pace: pace,
		HTTP: func(name string) *http.Client { return w.Client(name) }})
	require.NoError(t, err)
	for _, b := range w.Banks {
		if b.Name == crm.PayMaster {
			o.bank = b
		}
	}
	return o
}

// order issues an invoice of 1500 roubles and returns the payment's number.
func (o *office) order(number, more string) string {
	rec := httptest.NewRecorder()
	o.shop.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/orders/"+number+"?provider=paymaster&kopecks=150000"+more, http.NoBody))
	require.Equal(o.t, http.StatusOK, rec.Code, rec.Body.String())
	id, _, _ := strings.Cut(rec.Body.String(), "\n")
	return id
}

// A payment that PayMaster's client withdrew, because its link was lost, has
// the same order number as the one that took its place: the late news of its
// end is not the end of the order.
func TestWithdrawnPaymentIsNotTheOrder(t *testing.T) {
	o := openPayMaster(t)
	bank := o.bank
	bank.Fail(emulator.Fault{Kind: emulator.LostAnswer, Times: 1})
	id := o.order("W-1", "&hold=1")
	orders := bank.Orders()
	require.Len(t, orders, 2, "one was withdrawn")
	require.Equal(t, id, orders[1].ID)
	status := func() (s string) {
		require.NoError(t, o.db.QueryRow("SELECT status FROM w_invoices WHERE number = 'W-1'").Scan(&s))
		return s
	}
	require.NoError(t, bank.Pay(id))
	time.Sleep(2 * time.Millisecond) // polled is what is older than now
	o.shop.Poll(t.Context(), func() {})
	require.Equal(t, "authorized", status())
	require.Positive(t, bank.Deliver(), "what became of the other one")
	assert.Equal(t, "authorized", status())
}

// Two halves are given back. The answer of the second one is lost, and the key
// that was used does not tell which refund it made: the shop names the first.
func TestTwinRefunds(t *testing.T) {
	o := openPayMaster(t)
	require.NoError(t, o.bank.Pay(o.order("W-2", "")))
	o.bank.Deliver()
	state := func(key string) (state string) {
		require.NoError(t, o.db.QueryRow("SELECT state || ' ' || made FROM w_refunds WHERE refund_key = ?", key).Scan(&state))
		return state
	}
	var made []string
	for _, key := range []string{"half-1", "half-2"} {
		if key == "half-2" {
			o.bank.Fail(emulator.Fault{Kind: emulator.LostAnswer, Op: "POST /refunds", Times: 2})
		}
		rec := httptest.NewRecorder()
		o.shop.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/refunds/"+key+"?number=W-2&kopecks=75000", http.NoBody))
		require.Equal(t, http.StatusAccepted, rec.Code)
		for range 3 {
			_, err := o.db.Exec("UPDATE w_refunds SET free_at = 0")
			require.NoError(t, err)
			o.shop.DoErrands(t.Context(), func() {})
		}
		require.Regexp(t, "^done .", state(key))
		made = append(made, state(key))
	}
	o.bank.Settle()
	assert.NotEqual(t, made[0], made[1])
	assert.EqualValues(t, 150000, o.bank.Orders()[0].Refunded)
}
