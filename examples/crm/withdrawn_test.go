package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
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
