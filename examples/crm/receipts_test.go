package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/money"
)

// TestPrinterChangesWhileAPageIsOpen: the receipt of a payment is printed by whom
// it was promised to, once, whatever the settings have become meanwhile.
func TestPrinterChangesWhileAPageIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	queued := func() (n int) {
		require.NoError(t, w.store.DB.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM crm_receipts`).Scan(&n))
		return n
	}
	receipts := func(a store.Attempt) []store.Receipt {
		all, err := w.store.Receipts(t.Context(), w.store.DB, a.ID)
		require.NoError(t, err)
		return all
	}
	paid := func(from, to string) store.Attempt {
		shop := w.newShop(w.settingsForm("sberbank", "", from).with(w.demo.RegisterCredentials("komtet")))
		i := w.invoice(w.client("Мария Воронова"), shop, "1000")
		w.open(i)
		shop.Settings.ReceiptBy = to
		require.NoError(t, w.store.SaveShop(t.Context(), w.store.DB, shop))
		require.NoError(t, w.demo.PayInSandbox(shop, w.attempt(i.ID)))
		w.until(i.ID, "paid")
		return w.attempt(i.ID)
	}
	// The bank has the receipt already: another one would be a second sale.
	before := queued()
	a := paid("acquirer", "komtet")
	require.Len(t, receipts(a), 1)
	require.Equal(t, "acquirer", receipts(a)[0].PrintedBy)
	w.giveBack(a.ID, "300")
	require.Eventually(t, func() bool { return w.attempt(a.InvoiceID).Refunded == money.RUB(300, 0) }, 10*time.Second, 10*time.Millisecond)
	require.Len(t, receipts(a), 2)
	require.Equal(t, "acquirer", receipts(a)[1].PrintedBy)
	require.Equal(t, before, queued())
	// The bank has none, and there is no cash register any more: it is told.
	for _, to := range []string{"acquirer", "none"} {
		a = paid("komtet", to)
		require.Len(t, receipts(a), 1)
		require.Equal(t, "komtet", receipts(a)[0].PrintedBy)
		require.Eventually(t, func() bool { return receipts(a)[0].State == store.ReceiptFailed }, 10*time.Second, 10*time.Millisecond)
	}
}

// TestReceiptIsPrintedAgain: one that failed is printed when its cause is gone,
// and a page that is out of date prints nothing again.
func TestReceiptIsPrintedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	for _, printer := range []string{"acquirer", "komtet"} {
		shop := w.newShop(w.settingsForm("sberbank", "", printer).with(w.demo.RegisterCredentials("komtet")))
		i := w.invoice(w.client("Мария Воронова"), shop, "1000")
		w.open(i)
		settings := shop.Settings
		receipt := func() store.Receipt {
			all, err := w.store.Receipts(t.Context(), w.store.DB, w.attempt(i.ID).ID)
			require.NoError(t, err)
			require.Len(t, all, 1)
			return all[0]
		}
		state := func(want string) {
			require.Eventually(t, func() bool { return receipt().State == want }, 20*time.Second, 20*time.Millisecond)
		}
		if printer == "komtet" {
			shop.Settings.ReceiptBy = "none"
			require.NoError(t, w.store.SaveShop(t.Context(), w.store.DB, shop))
		}
		require.NoError(t, w.demo.PayInSandbox(shop, w.attempt(i.ID)))
		w.until(i.ID, "paid")
		if printer == "komtet" {
			state(store.ReceiptFailed)
			page := fmt.Sprintf("/receipts/%d", receipt().ID)
			shop.Settings = settings
			require.NoError(t, w.store.SaveShop(t.Context(), w.store.DB, shop))
			w.staff.must(page, page+"/retry", nil)
		}
		state(store.ReceiptPrinted)
		before := receipt()
		require.NotEmpty(t, before.Fiscal)
		page := fmt.Sprintf("/receipts/%d", before.ID)
		w.staff.must(page, page+"/retry", nil)
		require.Equal(t, store.ReceiptPrinted, receipt().State)
		require.Equal(t, before.Fiscal, receipt().Fiscal)
		require.Contains(t, plain(w.staff.get(page)), "уже печатается или напечатан")
	}
}
