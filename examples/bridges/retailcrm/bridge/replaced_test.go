package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/webhook"
)

// another issues a payment of the attempt's order beside the one that it has.
func (w *world) another(a *attempt) string {
	w.t.Helper()
	c, err := paymaster.New(w.pm.Config())
	require.NoError(w.t, err)
	link, err := c.IssueInvoice(w.ctx, paymaster.InvoiceCreate{DualMode: w.b.shop("pm").Hold, Invoice: paymaster.InvoiceData{Description: "Заказ", OrderNo: a.OrderID},
		Amount: paymaster.Sum(129950, "RUB"), Protocol: &paymaster.Protocol{CallbackURL: w.b.hookURL(w.b.shop("pm"))}})
	require.NoError(w.t, err)
	return string(link.PaymentID)
}

// TestPageOfAReplacedPaymentIsClosed: an order is paid by another payment than
// the one whose page the customer has: nobody can pay there a second time.
func TestPageOfAReplacedPaymentIsClosed(t *testing.T) {
	for _, hold := range []bool{false, true} {
		w := open(t, func(_ map[string]any, shop func(string) map[string]any) {
			shop("pm")["hold"], shop("pm")["manual"] = hold, hold
		})
		w.connect()
		payment, inv := w.bill("pm")
		w.click(inv.Link)
		_, before := w.session(inv.Link)
		require.NoError(t, w.pm.Pay(w.another(before)))
		w.work()
		assert.Equal(t, map[bool]string{false: "paid", true: "wait-approved"}[hold], w.status(payment))
		_, a := w.session(inv.Link)
		assert.NotEqual(t, before.ID, a.ID)
		require.Error(t, w.pm.Pay(string(before.ID)), "its page is closed")
		assert.Empty(t, w.noteTexts())
	}
}

// TestReplacedPaymentThatWasPaidToo: the page was paid before it could be
// closed, and the bank's notification never came.
func TestReplacedPaymentThatWasPaidToo(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("pm")
	w.click(inv.Link)
	_, a := w.session(inv.Link)
	other := w.another(a)
	w.pm.Mischief(paymastertest.Mischief{Lose: -1})
	require.NoError(t, w.pm.Pay(string(a.ID)))
	w.pm.Deliver()
	w.pm.Mischief(paymastertest.Mischief{})
	require.NoError(t, w.pm.Pay(other))
	w.work()
	assert.Equal(t, "paid", w.status(payment))
	assert.Contains(t, w.noteTexts(), "пришёл второй платёж "+string(a.ID))
}

// TestPageThatCannotBeClosed is told to a person.
func TestPageThatCannotBeClosed(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("pm")
	w.click(inv.Link)
	_, a := w.session(inv.Link)
	other := w.another(a)
	w.pm.Fail(paymastertest.Fault{Op: "PUT /payments/{id}/cancel", Kind: paymastertest.ServerError, Status: 403, Times: -1})
	require.NoError(t, w.pm.Pay(other))
	w.work()
	w.later(time.Hour)
	assert.Equal(t, "paid", w.status(payment))
	assert.Contains(t, w.noteTexts(), "страница другого платежа "+string(a.ID)+" осталась открытой")
	waiting, err := w.b.Waiting(w.ctx)
	require.NoError(t, err)
	assert.Zero(t, waiting)
}

// silentBank cannot withdraw a page.
type silentBank struct{ acquiring.Acquirer }

func TestBankThatCannotCloseAPage(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("pm")
	w.click(inv.Link)
	_, a := w.session(inv.Link)
	w.b.shop("pm").bank = silentBank{w.b.shop("pm").bank}
	w.tell(a.OrderID, "first", acquiring.StatusPaid, false)
	w.work()
	assert.Equal(t, "paid", w.status(payment))
	assert.Contains(t, w.noteTexts(), "страница другого платежа "+string(a.ID)+" осталась открытой, а этот банк не умеет её отзывать")
}

// TestPageThatWasAnsweredAfterTheMoneyIsClosed: nobody was shown it.
func TestPageThatWasAnsweredAfterTheMoneyIsClosed(t *testing.T) {
	w := open(t, nil)
	w.connect()
	_, inv := w.bill("pm")
	shop := w.b.shop("pm")
	bank := shop.bank
	shop.bank = slowBank{bank, func(orderID string) { w.tell(orderID, "first", acquiring.StatusPaid, false) }}
	w.click(inv.Link)
	shop.bank = bank
	w.work()
	require.Error(t, w.pm.Pay(w.pm.Orders()[0].ID), "its page is closed")
}

// TestQuestionBeforeAPayment: PayMaster's classic protocol asks before it takes
// the money.
func TestQuestionBeforeAPayment(t *testing.T) {
	w := open(t, nil)
	w.connect()
	_, inv := w.bill("pm")
	w.click(inv.Link)
	_, a := w.session(inv.Link)
	ask := func(order string, sum money.Amount) error {
		return w.b.question(w.b.shop("pm"))(w.ctx, webhook.Event{Callback: &acquiring.Callback{Kind: acquiring.CallbackQuestion, OrderID: order, Amount: sum}})
	}
	require.NoError(t, ask(a.OrderID, money.RUB(1299, 50)))
	require.NoError(t, ask("foreign", 100))
	require.Error(t, ask(a.OrderID, 100))
	w.tell(a.OrderID, a.ID, acquiring.StatusPaid, false)
	require.Error(t, ask(a.OrderID, money.RUB(1299, 50)), "it is paid")
}

// TestRefundOfAnOldPayment: it is given back months later, and the bank carries
// it out later still: the poller asks for it.
func TestRefundOfAnOldPayment(t *testing.T) {
	w := open(t, nil)
	w.connect()
	_, inv := w.bill("pm")
	w.pay("pm", inv.Link)
	stored, _ := w.session(inv.Link)
	_, err := w.b.store.change(w.ctx, stored.PaymentID, func(_ *work, inv *invoice) error {
		inv.Refunds = append(inv.Refunds, &refund{ID: "r", Attempt: 1, Amount: inv.Amount, Status: acquiring.RefundPending, At: w.b.now()})
		return nil
	})
	require.NoError(t, err)
	_, err = w.b.store.db.Exec(fmt.Sprintf("UPDATE retailcrm_invoices SET created_at = %d", w.clock.Now().AddDate(0, -7, 0).UnixMilli()))
	require.NoError(t, err)
	n := 0
	for p, err := range w.b.pollers(w.b.shop("pm"))[0].Pending(w.ctx) {
		require.NoError(t, err)
		assert.Greater(t, p.Until.Sub(w.clock.Now()), 24*time.Hour)
		n++
	}
	assert.Equal(t, 1, n)
}
