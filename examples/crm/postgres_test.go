package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/store/storetest"
	"github.com/acquiring-go/acquiring/money"
)

// TestPostgreSQL: the same CRM over PostgreSQL, in a schema of its own.
func TestPostgreSQL(t *testing.T) {
	w := newWorldOn(t, storetest.PostgreSQL(t), time.Second)
	w.doubleClicks("sberbank", "paykeeper")
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
