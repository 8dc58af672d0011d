package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/alfacrmtest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/bridgetest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// TestCheckNamesWhatIsNotThere: a wrong number in the file is found by the
// check and not by the first payment.
func TestCheckNamesWhatIsNotThere(t *testing.T) {
	for setting, words := range map[string]string{"pay_account_id": "shop sber: branch 1 of AlfaCRM has no pay_account_id 77", "pay_item_id": "shop sber: branch 1 of AlfaCRM has no pay_item_id 77"} {
		w := newWorld(t, func(conf map[string]any) {
			conf["alfacrm"].(map[string]any)["shops"] = map[string]any{"sber": map[string]any{setting: 77}}
		})
		out, err := w.Try("check")
		require.ErrorContains(t, err, words)
		assert.NotContains(t, err.Error(), "shop pm")
		assert.Contains(t, out, "pay_account_id 4:")
		assert.Contains(t, out, "pay_item_id 2:")
	}
}

// TestCheckNamesTheContour: a shop that was left in the test contour takes no
// money, and its payments are posted.
func TestCheckNamesTheContour(t *testing.T) {
	w := newWorld(t, func(conf map[string]any) {
		for _, s := range conf["shops"].([]any) {
			if shop := s.(map[string]any); shop["code"] == "pm" {
				shop["settings"].(map[string]any)["environment"] = "production"
			}
		}
	})
	out := w.Command("check")
	assert.Equal(t, 1, strings.Count(out, "it is the bank's test contour"), out)
	sber, _, _ := strings.Cut(out, "shop pm")
	assert.Contains(t, sber, "test contour")
}

// TestDatabaseIsTheBridgesAlone: customers' names are in it.
func TestDatabaseIsTheBridgesAlone(t *testing.T) {
	w := started(newWorld(t, nil))
	info, err := os.Stat(w.Conf["database"].(string))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	w.Conf["database"] = filepath.Join(t.TempDir(), "no such folder", "bridge.db")
	w.Rewrite()
	_, err = w.Try("check")
	require.ErrorContains(t, err, "database: open ")
}

// TestEmptySumIsNotAll: an amount that was left empty, as a variable that is
// not set leaves it, does not give back everything.
func TestEmptySumIsNotAll(t *testing.T) {
	w := started(newWorld(t, nil))
	number := w.invoice("sber")
	w.Pay("sber", number)
	_, err := w.Try("refund", number, "-amount", "")
	require.ErrorContains(t, err, "amount")
	for _, body := range []string{`{"amount":""}`, `{"Amount":""}`} {
		status, answer := w.HTTP(http.MethodPost, "/invoices/"+number+"/refund", bridgetest.Bearer, body)
		assert.Equal(t, http.StatusBadRequest, status, answer)
	}
	o, _ := w.Sber.Order(number)
	assert.Zero(t, o.Refunded)
	status, answer := w.HTTP(http.MethodPost, "/invoices/"+number+"/refund", bridgetest.Bearer, `{}`)
	assert.Equal(t, http.StatusOK, status, answer)
	o, _ = w.Sber.Order(number)
	assert.Equal(t, money.RUB(3500, 0), o.Refunded)
}

// TestOrderOfSeveralShops: the asker is told to name the shop, and not that a
// bank failed.
func TestOrderOfSeveralShops(t *testing.T) {
	w := started(newWorld(t, nil))
	for _, shop := range []string{"sber", "pm"} {
		w.Pay(shop, w.invoice(shop, "-number", "2091-june"))
	}
	for _, ask := range [][3]string{{http.MethodGet, "", ""}, {http.MethodPost, "/refund", "{}"}} {
		status, answer := w.HTTP(ask[0], "/invoices/2091-june"+ask[1], bridgetest.Bearer, ask[2])
		assert.Equal(t, http.StatusBadRequest, status, answer)
		assert.Contains(t, answer, "in several shops")
	}
	status, answer := w.HTTP(http.MethodPost, "/invoices/2091-june/refund", bridgetest.Bearer, `{"shop":"pm","amount":"1"}`)
	assert.Equal(t, http.StatusOK, status, answer)
}

// TestStateThatIsNone: a mistyped state is not an empty list.
func TestStateThatIsNone(t *testing.T) {
	w := started(newWorld(t, nil))
	_, err := w.Try("news", "-state", "wating")
	require.ErrorContains(t, err, "attention, waiting or done")
	status, _ := w.HTTP(http.MethodGet, "/news?state=wating", bridgetest.Bearer, "")
	assert.Equal(t, http.StatusBadRequest, status)
}

// TestNewsTellsWhatIsTriedInVain: AlfaCRM's key was taken away, which mends
// itself when it comes back, and nobody would look.
func TestNewsTellsWhatIsTriedInVain(t *testing.T) {
	w := started(newWorld(t, nil))
	number := w.invoice("sber")
	w.crm.Fail(alfacrmtest.Fault{Op: alfacrmtest.OpPayIndex, Kind: alfacrmtest.ServerError, Status: 403, Times: -1})
	w.Pay("sber", number)
	for range 3 {
		_, err := w.B.Tell(t.Context())
		require.NoError(t, err)
		w.Advance(15 * 60e9)
	}
	assert.Contains(t, w.Command("news"), "1 could not be told yet and are tried again")
	w.crm.ClearFaults()
	w.Tell()
	assert.NotContains(t, w.Command("news"), "could not be told")
	assert.Len(t, w.crm.Pays(), 1)
}

// TestOneNumberOfAClient: 02091 is 2091.
func TestOneNumberOfAClient(t *testing.T) {
	w := started(newWorld(t, nil))
	order := func(ref string) (int, string) {
		return w.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, `{"ref":"`+ref+`","amount":"10.00","number":"2091-may"}`)
	}
	status, first := order("+02091")
	require.Equal(t, http.StatusOK, status, first)
	status, second := order("2091")
	require.Equal(t, http.StatusOK, status, second)
	assert.Equal(t, first, second)
}

// TestPathOfLinksFromTheEnvironment: $NAME stands for the variable there too.
func TestPathOfLinksFromTheEnvironment(t *testing.T) {
	t.Setenv("THE_PATH_OF_LINKS", "tz5qkzm2c84vnpd1")
	w := started(newWorld(t, func(conf map[string]any) { conf["pay_path"] = "$THE_PATH_OF_LINKS" }))
	status, _ := w.HTTP(http.MethodGet, "/pay/$THE_PATH_OF_LINKS/x", "", "")
	assert.Equal(t, http.StatusNotFound, status)
	status, body := w.HTTP(http.MethodGet, "/pay/tz5qkzm2c84vnpd1/x", "", "")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, body, "Такого счёта нет")
}

// TestAssignedPaymentAndItsRefund: whose the payment is counts for its refund,
// which came before anybody said so; and what is told already stays whose it
// was.
func TestAssignedPaymentAndItsRefund(t *testing.T) {
	w := started(newWorld(t, nil))
	bank, err := sberbank.New(w.Sber.Config())
	require.NoError(t, err)
	_, err = bank.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "site-7", Amount: money.RUB(900, 0), ReturnURL: "https://school.example/"})
	require.NoError(t, err)
	w.Pay("sber", "site-7")
	o, _ := w.Sber.Order("site-7")
	_, err = bank.Refund(t.Context(), acquiring.RefundRequest{ID: acquiring.PaymentID(o.ID), Key: "cabinet", Amount: money.RUB(300, 0)})
	require.NoError(t, err)
	w.Sber.Deliver()
	w.Tell()
	key, _, _ := strings.Cut(w.Command("news"), "\t")
	w.Command("assign", key, "2091")
	w.Tell()
	assert.Equal(t, map[string]int{"done": 2}, w.Counts())
	assert.Equal(t, money.RUB(600, 0), w.crm.Balance(alfacrmtest.DefaultCustomer))

	_, err = w.Try("assign", key, "2092")
	require.ErrorIs(t, err, acquiring.ErrConflict)
	_, body := w.HTTP(http.MethodGet, "/invoices/site-7", bridgetest.Bearer, "")
	assert.Contains(t, body, `"ref":"2091"`)
}

// TestRefundOfALinkThatLivedLong: paid on the twentieth day of its link, a
// payment is watched for two weeks after it.
func TestRefundOfALinkThatLivedLong(t *testing.T) {
	w := newWorld(t, func(conf map[string]any) { conf["link_hours"] = 720 })
	p := w.Program(io.Discard)
	p.Poller.Every, p.Poller.First, p.Poller.Last, p.Poller.Gap = 10*time.Millisecond, time.Millisecond, 20*time.Millisecond, time.Millisecond
	b, err := p.Bridge(t.Context(), w.File)
	require.NoError(t, err)
	w.Use(b)
	number := w.invoice("sber")
	db, _, err := bridge.OpenDatabase(w.Conf["database"].(string))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("UPDATE bridge_payments SET created_at = ?", time.Now().AddDate(0, 0, -20).UnixMilli())
	require.NoError(t, err)
	w.Pay("sber", number)
	w.Tell()
	w.Sber.Mischief(sberbanktest.Mischief{Lose: -1})
	bank, err := sberbank.New(w.Sber.Config())
	require.NoError(t, err)
	o, _ := w.Sber.Order(number)
	_, err = bank.Refund(t.Context(), acquiring.RefundRequest{ID: acquiring.PaymentID(o.ID), Key: "cabinet", Amount: money.RUB(300, 0)})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	assert.Eventually(t, func() bool { return w.crm.Balance(alfacrmtest.DefaultCustomer) == money.RUB(3200, 0) }, 5*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
	require.NoError(t, b.Close())
}

// TestSumChangedOfAClosedPage: a page that has ended by itself, of which nobody
// has told yet, stands in nobody's way; one that was paid does.
func TestSumChangedOfAClosedPage(t *testing.T) {
	for status, number := range map[acquiring.Status]string{acquiring.StatusExpired: "L-1_2", acquiring.StatusPaid: "", acquiring.StatusPending: ""} {
		t.Run(status.String(), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, o *office) {
				_, err := o.issue()
				require.NoError(t, err)
				o.bank.cancel = &acquiring.Error{Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Message: "too late"}
				o.bank.payment = &acquiring.Payment{ID: "next", OrderID: "L-1", Status: status, Amount: fee, Currency: "RUB"}
				if status.Succeeded() {
					o.bank.payment.Captured = fee
				}
				link, err := o.Invoice(t.Context(), bridge.Order{Number: "L-1", Ref: "2091", Amount: fee + 100, Description: "Смена"})
				if number == "" {
					require.ErrorIs(t, err, acquiring.ErrConflict)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, number, link.Number)
			})
		})
	}
}

// TestTwoAttemptsPaidAtOnce: of two attempts at one order the later one is
// known as such, also when the bank tells of both at the same moment.
func TestTwoAttemptsPaidAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		for range 10 {
			o.crm.told = nil
			for _, table := range []string{"bridge_payments", "bridge_inbox", "bridge_outbox"} {
				_, err := o.db.Exec("DELETE FROM " + table)
				require.NoError(t, err)
			}
			_, err := o.issue()
			require.NoError(t, err)
			o.news("next", acquiring.StatusExpired)
			_, err = o.db.Exec("UPDATE bridge_payments SET payment_id = 'one'")
			require.NoError(t, err)
			_, err = o.issue()
			require.NoError(t, err)
			start, done := make(chan struct{}), make(chan struct{})
			for number, id := range map[string]acquiring.PaymentID{"L-1": "one", "L-1_2": "next"} {
				go func() {
					<-start
					o.newsOf(number, id, acquiring.StatusPaid)
					done <- struct{}{}
				}()
			}
			close(start)
			<-done
			<-done
			o.told()
			require.Len(t, o.crm.told, 2)
			assert.NotEqual(t, o.crm.told[0].Again, o.crm.told[1].Again)
		}
	})
}
