package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
)

// TestWithdrawnPayment: PayMaster's answer is lost, its client withdraws that
// payment and issues another under the same order number. The end of the first
// comes late, and the notification of the money never: the poller finds it.
func TestWithdrawnPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 50*time.Millisecond)
	shop, client := w.shop("paymaster"), w.client("Анна Котова")
	w.bank.PayMaster.Fail(emulator.Fault{Kind: emulator.LostAnswer, Times: 1})
	before := len(w.bank.PayMaster.Orders())
	i := w.invoice(client, shop, "900")
	w.open(i)
	orders := w.bank.PayMaster.Orders()[before:]
	require.Len(t, orders, 2, "one was withdrawn")
	require.Equal(t, orders[1].ID, string(w.attempt(i.ID).PaymentID))
	w.bank.PayMaster.Deliver()
	require.NoError(t, w.bank.PayMaster.Resend(orders[0].ID))
	a := w.attempt(i.ID)
	require.True(t, a.Open)
	require.Equal(t, "pending", a.Status.String())
	w.bank.PayMaster.Mischief(emulator.Mischief{Lose: -1})
	require.NoError(t, w.demo.PayInSandbox(shop, a))
	w.until(i.ID, "paid")
	require.Equal(t, money.RUB(900, 0), w.balance(client))
	w.bank.PayMaster.Mischief(emulator.Mischief{})
	require.NoError(t, w.bank.PayMaster.Resend(orders[0].ID))
	require.Equal(t, "paid", w.read(i.ID).Status.String())
	journal := plain(w.staff.get("/journal"))
	require.NotContains(t, journal, "которого нет в CRM", "the end of a payment of our own is no stranger")
	require.NotContains(t, journal, "Второй платёж")
}

// anotherPayment issues a payment of an attempt's order beside the one that it
// has.
func (w *world) anotherPayment(shop store.Shop, a store.Attempt) string {
	w.t.Helper()
	bank, err := w.shops.Acquirer(shop)
	require.NoError(w.t, err)
	link, err := bank.(*paymaster.Client).IssueInvoice(w.t.Context(), paymaster.InvoiceCreate{Invoice: paymaster.InvoiceData{Description: "Занятия", OrderNo: a.OrderID},
		Amount: paymaster.Sum(a.Amount, "RUB"), Protocol: &paymaster.Protocol{CallbackURL: w.shops.HookURL(shop)}})
	require.NoError(w.t, err)
	return string(link.PaymentID)
}

// journalHas waits for words in the journal.
func (w *world) journalHas(words string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		all, err := w.store.Journal(w.t.Context(), w.store.DB, "", 0, 0, 200)
		require.NoError(w.t, err)
		for _, e := range all {
			if strings.Contains(e.Text, words) {
				return true
			}
		}
		return false
	}, 15*time.Second, 20*time.Millisecond, words)
}

// TestPageOfAReplacedPaymentIsClosed: an order is paid by another payment than
// the one whose page the client has: nobody can pay there a second time.
func TestPageOfAReplacedPaymentIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	shop, client := w.shop("paymaster"), w.client("Анна Котова")
	i := w.invoice(client, shop, "900")
	w.open(i)
	a := w.attempt(i.ID)
	other := w.anotherPayment(shop, a)
	require.NoError(t, w.bank.PayMaster.Pay(other))
	w.until(i.ID, "paid")
	require.Equal(t, other, string(w.attempt(i.ID).PaymentID))
	w.journalHas("страница лишнего платежа " + string(a.PaymentID) + " закрыта")
	require.Error(t, w.bank.PayMaster.Pay(string(a.PaymentID)), "its page is closed")
	require.Equal(t, money.RUB(900, 0), w.balance(client))
	assert.Equal(t, acquiring.StatusPaid, w.read(i.ID).Status)
}

// TestReplacedPaymentThatWasPaidToo: the page was paid before it could be
// closed, and the bank's notification never came.
func TestReplacedPaymentThatWasPaidToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	shop, client := w.shop("paymaster"), w.client("Анна Котова")
	i := w.invoice(client, shop, "900")
	w.open(i)
	a := w.attempt(i.ID)
	other := w.anotherPayment(shop, a)
	w.bank.PayMaster.Mischief(emulator.Mischief{Lose: -1})
	require.NoError(t, w.bank.PayMaster.Pay(string(a.PaymentID)))
	w.bank.PayMaster.Deliver()
	w.bank.PayMaster.Mischief(emulator.Mischief{})
	require.NoError(t, w.bank.PayMaster.Pay(other))
	w.until(i.ID, "paid")
	w.journalHas("Второй платёж по заказу " + a.OrderID + ": " + string(a.PaymentID))
	require.Equal(t, money.RUB(900, 0), w.balance(client))
}

// TestPageThatCannotBeClosed is told to the staff.
func TestPageThatCannotBeClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	shop, client := w.shop("paymaster"), w.client("Анна Котова")
	i := w.invoice(client, shop, "900")
	w.open(i)
	a := w.attempt(i.ID)
	other := w.anotherPayment(shop, a)
	w.bank.PayMaster.Fail(emulator.Fault{Op: "PUT /payments/{id}/cancel", Kind: emulator.ServerError, Status: 403, Times: 20})
	require.NoError(t, w.bank.PayMaster.Pay(other))
	w.until(i.ID, "paid")
	w.journalHas("страница другого его платежа " + string(a.PaymentID) + " осталась открытой")
	mails, err := w.store.Mails(t.Context(), w.store.DB, "waiting", 50)
	require.NoError(t, err)
	assert.Equal(t, "Страница оплаты заказа "+a.OrderID+" не закрыта", mails[len(mails)-1].Subject)
}
