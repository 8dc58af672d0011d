package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/examples/crm/store/storetest"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// TestPostgreSQL: the same CRM over PostgreSQL, in a schema of its own.
func TestPostgreSQL(t *testing.T) {
	w := newWorldOn(t, storetest.PostgreSQL(t), time.Second)
	w.doubleClicks("sberbank", "paykeeper")
	w.doubleInvoices()
	w.connectTochka()
	shop := w.newShop(w.settingsForm("paymaster", "", "komtet").with(w.demo.RegisterCredentials("komtet")))
	client := w.client("Мария Воронова")
	i := w.invoice(client, shop, "1500")
	w.pay(i, shop)
	w.until(i.ID, "paid")
	w.receiptsPrinted(w.attempt(i.ID).ID, 1)
	_, err := w.store.DB.ExecContext(t.Context(), "DELETE FROM postings")
	require.NoError(t, err)
	w.customersPay(60)
	for _, page := range []string{"/", "/clients", "/invoices", "/shops", "/journal", "/export/postings.csv", fmt.Sprintf("/invoices/%d", i.ID)} {
		require.NotEmpty(t, w.staff.get(page))
	}
	// Two copies of the program, and each customer presses the button in both.
	other := &world{t: t, db: w.db, box: w.box, bank: w.bank, log: &logged{}}
	other.start("127.0.0.1:0", time.Second)
	t.Cleanup(func() { other.stop() })
	shop = w.shop("sberbank-legacy")
	client = w.client("Тимур Ахметов")
	var wg sync.WaitGroup
	for range 10 {
		i := w.invoice(client, shop, "100")
		for _, copyOf := range []*world{w, other} {
			wg.Go(func() {
				_, err := copyOf.billing.Pay(t.Context(), i.ID, "клиент")
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		require.NoError(t, w.demo.PayInSandbox(shop, w.attempt(i.ID)))
		w.until(i.ID, "paid")
	}
	require.Equal(t, money.RUB(1000, 0), w.balance(client))
	other.stop()
	// What one process began the next one goes on with.
	client = w.client("Павел Орлов")
	i = w.invoice(client, shop, "2000")
	w.open(i)
	address := strings.TrimPrefix(w.url, "http://")
	w.stop()
	w.paidWhileDown(i, shop)
	w.start(address, 50*time.Millisecond)
	w.until(i.ID, "paid")
	require.Equal(t, money.RUB(2000, 0), w.balance(client))
}

// TestTwoCopiesRefundOnce: one copy of the program is asking the bank for a
// refund, and a person presses «Проверить» in the other one.
func TestTwoCopiesRefundOnce(t *testing.T) {
	w := newWorldOn(t, storetest.PostgreSQL(t), time.Hour)
	other := &world{t: t, db: w.db, box: w.box, bank: w.bank, log: &logged{}}
	other.start("127.0.0.1:0", time.Hour)
	t.Cleanup(func() { other.stop() })
	form := w.settingsForm("sberbank-legacy", "", "none")
	form.Set("base_url", w.forgetful(form.Get("base_url"), new(atomic.Bool)))
	shop, client := w.newShop(form), w.client("Тимур Ахметов")
	i := w.invoice(client, shop, "1000")
	w.pay(i, shop)
	w.until(i.ID, "paid")
	a := w.attempt(i.ID)
	w.bank.Sberbank.Fail(emulator.Fault{Op: "refund.do", Kind: emulator.Delay, Delay: 2 * time.Second, Times: 1})
	var work sync.WaitGroup
	work.Go(func() {
		_, err := w.billing.Refund(t.Context(), a.ID, strings.Repeat("a", 24), money.RUB(400, 0), "Отмена занятия", "admin")
		assert.NoError(t, err)
	})
	var refunds []store.Refund
	require.Eventually(t, func() bool {
		var err error
		refunds, err = w.store.Refunds(t.Context(), w.store.DB, a.ID)
		return err == nil && len(refunds) == 1
	}, 5*time.Second, 5*time.Millisecond)
	time.Sleep(500 * time.Millisecond) // the first copy's request is at the bank
	refund, err := other.billing.Execute(t.Context(), refunds[0].ID)
	require.NoError(t, err)
	require.Equal(t, store.RefundDone, refund.Status)
	work.Wait()
	order, ok := w.bank.Sberbank.Order(string(a.PaymentID))
	require.True(t, ok)
	require.Equal(t, money.RUB(400, 0), order.Refunded)
}
