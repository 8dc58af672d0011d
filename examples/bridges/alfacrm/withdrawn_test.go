package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/bridgetest"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// scripted is a bank that answers each order with the payment "next", and
// whose callbacks are payments in JSON.
type scripted struct {
	meanwhile func() // before the answer
	lost      bool   // the answer
	canceled  []acquiring.PaymentID
	cancel    error // Cancel's answer
	payment   *acquiring.Payment
	refunds   []acquiring.RefundRequest
	refused   error // Refund's answer
}

// withdrawing is a bank that can close a page.
type withdrawing struct{ *scripted }

func (w withdrawing) Cancel(_ context.Context, id acquiring.PaymentID) error {
	w.canceled = append(w.canceled, id)
	return w.cancel
}

func (s *scripted) CreateInvoice(_ context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	if s.meanwhile != nil {
		s.meanwhile()
	}
	if s.lost {
		return nil, &acquiring.Error{Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown, Message: "lost"}
	}
	return &acquiring.Invoice{ID: "next", OrderID: r.OrderID, Amount: r.Amount, PayURL: "https://bank.example/next"}, nil
}

func (s *scripted) VerifyCallback(_ context.Context, r *http.Request) (*acquiring.Callback, error) {
	p := &acquiring.Payment{}
	if err := json.NewDecoder(r.Body).Decode(p); err != nil {
		return nil, err
	}
	if r.URL.Query().Has("question") {
		return &acquiring.Callback{Kind: acquiring.CallbackQuestion, OrderID: p.OrderID, Amount: p.Amount, Reply: acquiring.Reply{Body: []byte("YES")}}, nil
	}
	return &acquiring.Callback{Kind: acquiring.CallbackPayment, PaymentID: p.ID, OrderID: p.OrderID, Status: p.Status, Payment: p}, nil
}

func (s *scripted) GetStatus(_ context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	if s.payment == nil || s.payment.ID != id {
		return nil, acquiring.ErrNotFound
	}
	return s.payment, nil
}

func (s *scripted) Refund(_ context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	s.refunds = append(s.refunds, r)
	if s.refused != nil {
		return nil, s.refused
	}
	return &acquiring.Refund{ID: fmt.Sprint("R", len(s.refunds)), PaymentID: r.ID, Amount: r.Amount, Status: acquiring.RefundPending}, nil
}

// ledger is a CRM that writes down what it is told.
type ledger struct{ told []bridge.News }

func (*ledger) Name() string                                      { return "ledger" }
func (*ledger) Prepare(context.Context, *bridge.Order) error      { return nil }
func (*ledger) Check(context.Context, func(string, ...any)) error { return nil }
func (l *ledger) Post(_ context.Context, n bridge.News) (string, error) {
	l.told = append(l.told, n)
	return "1", nil
}

// office is a bridge between the two.
type office struct {
	*bridge.Bridge
	t    *testing.T
	db   *sql.DB
	bank *scripted
	crm  *ledger
}

func eachDatabase(t *testing.T, test func(t *testing.T, o *office)) { eachOffice(t, nil, test) }

// eachOffice has a bank that can do what can makes of it.
func eachOffice(t *testing.T, can func(*scripted) acquiring.Acquirer, test func(t *testing.T, o *office)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, newOffice(t, outbox.SQLite, "sqlite", "file:"+filepath.Join(t.TempDir(), "bridge.db")+"?_pragma=busy_timeout(10000)&_txlock=immediate", can))
	})
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newOffice(t, outbox.PostgreSQL, "pgx", bridgetest.PostgreSQL(t), can)) })
}

func newOffice(t *testing.T, d outbox.Dialect, driver, dsn string, can func(*scripted) acquiring.Acquirer) *office {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	return newOfficeOn(t, d, db, can)
}

func newOfficeOn(t *testing.T, d outbox.Dialect, db *sql.DB, can func(*scripted) acquiring.Acquirer) *office {
	t.Helper()
	t.Cleanup(func() { _ = db.Close() })
	bank := &scripted{}
	o := &office{t: t, db: db, bank: bank, crm: &ledger{}}
	if can == nil {
		can = func(s *scripted) acquiring.Acquirer { return withdrawing{s} }
	}
	var err error
	o.Bridge, err = bridge.New(t.Context(), bridge.Options{Config: bridge.Config{PublicURL: "https://pay.school.example", Database: "bridge.db"}, CRM: o.crm, DB: db, Dialect: d,
		Accounts: []shops.Account{{Code: "pm", Provider: "paymaster", Acquirer: can(bank)}}, Logger: slog.New(slog.DiscardHandler),
		Poller: webhook.Poller{Every: 20 * time.Millisecond, First: 50 * time.Millisecond, Gap: time.Millisecond}})
	require.NoError(t, err)
	return o
}

const fee = money.Amount(350000)

func (o *office) issue() (*bridge.Link, error) {
	return o.Invoice(o.t.Context(), bridge.Order{Number: "L-1", Ref: "2091", Amount: fee, Description: "Смена"})
}

// news is a callback about a payment of the order.
func (o *office) news(id acquiring.PaymentID, s acquiring.Status) {
	o.t.Helper()
	o.newsOf("L-1", id, s)
}

func (o *office) newsOf(number string, id acquiring.PaymentID, s acquiring.Status) {
	o.t.Helper()
	p := acquiring.Payment{ID: id, OrderID: number, Status: s, Amount: fee, Currency: "RUB"}
	if s.Succeeded() {
		p.Captured = fee
	}
	if s == acquiring.StatusRefunded {
		p.Refunded = fee
	}
	body, err := json.Marshal(p)
	assert.NoError(o.t, err)
	rec := httptest.NewRecorder()
	o.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/hooks/pm", strings.NewReader(string(body))))
	assert.Equal(o.t, http.StatusOK, rec.Code, rec.Body.String())
}

// row is the payment that the order has, and its status.
func (o *office) row() (id, status string) {
	o.t.Helper()
	require.NoError(o.t, o.db.QueryRow("SELECT payment_id, status FROM bridge_payments WHERE number = 'L-1'").Scan(&id, &status))
	return id, status
}

func (o *office) told() (sum money.Amount) {
	o.t.Helper()
	_, err := o.Tell(o.t.Context())
	require.NoError(o.t, err)
	for _, n := range o.crm.told {
		if n.Kind == bridge.Refund {
			sum -= n.Amount
			continue
		}
		sum += n.Amount
	}
	return sum
}

// PayMaster's client withdraws an invoice whose link was lost and issues it
// anew: the end of the first is nothing to the second.
func TestLateEndOfAnotherPayment(t *testing.T) {
	for _, s := range []acquiring.Status{acquiring.StatusPending, acquiring.StatusAuthorized, acquiring.StatusPaid} {
		t.Run(s.String(), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, o *office) {
				_, err := o.issue()
				require.NoError(t, err)
				o.news("next", s)
				for _, end := range []acquiring.Status{acquiring.StatusCanceled, acquiring.StatusExpired, acquiring.StatusDeclined, acquiring.StatusVoided} {
					o.news("first", end)
				}
				id, status := o.row()
				assert.Equal(t, "next", id)
				assert.Equal(t, s.String(), status)
			})
		})
	}
}

func TestNewsBeforeTheAnswer(t *testing.T) {
	t.Run("the end of another", func(t *testing.T) {
		eachDatabase(t, func(t *testing.T, o *office) {
			o.bank.meanwhile = func() {
				o.news("first", acquiring.StatusCanceled)
				id, _ := o.row()
				assert.Empty(t, id)
			}
			link, err := o.issue()
			require.NoError(t, err)
			assert.Equal(t, "https://bank.example/next", link.PayURL)
			id, status := o.row()
			assert.Equal(t, "next", id)
			assert.Equal(t, "pending", status, "it is polled")
			o.news("next", acquiring.StatusPaid)
			assert.Equal(t, fee, o.told())
		})
	})
	t.Run("money of another", func(t *testing.T) {
		eachDatabase(t, func(t *testing.T, o *office) {
			o.bank.meanwhile = func() { o.news("first", acquiring.StatusPaid) }
			_, err := o.issue()
			require.ErrorIs(t, err, acquiring.ErrConflict, "its page is for nobody")
			id, status := o.row()
			assert.Equal(t, "first", id)
			assert.Equal(t, "paid", status)
			assert.Equal(t, fee, o.told())
		})
	})
}

// An order whose answer was lost for good does not stay open for ever.
func TestOrderThatWasLostForGood(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		o.bank.lost = true
		_, err := o.issue()
		require.Error(t, err)
		o.news("first", acquiring.StatusExpired)
		id, status := o.row()
		assert.Empty(t, id)
		assert.Equal(t, "expired", status)
		o.bank.lost = false
		link, err := o.issue()
		require.NoError(t, err)
		assert.Equal(t, "L-1_2", link.Number)
	})
}

// Money of another payment counts where the order has none.
func TestMoneyOfAnotherPayment(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusExpired)
		o.news("first", acquiring.StatusPaid)
		id, status := o.row()
		assert.Equal(t, "first", id)
		assert.Equal(t, "paid", status)
		assert.Equal(t, fee, o.told())
	})
}

// Another writer holds the database while the bank's answer is to be stored: it
// is waited for, as long as the settings of the database say.
func TestBusyDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bridge.db")
	db, d, err := bridge.OpenDatabase(file)
	require.NoError(t, err)
	o := newOfficeOn(t, d, db, nil)
	var work sync.WaitGroup
	o.bank.meanwhile = func() {
		other, _, err := bridge.OpenDatabase(file)
		require.NoError(t, err)
		tx, err := other.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("UPDATE bridge_payments SET payer = payer")
		require.NoError(t, err)
		work.Go(func() {
			time.Sleep(3 * time.Second)
			assert.NoError(t, tx.Commit())
			assert.NoError(t, other.Close())
		})
	}
	link, err := o.issue()
	require.NoError(t, err)
	assert.NotEmpty(t, link.PayURL)
	work.Wait()
}
