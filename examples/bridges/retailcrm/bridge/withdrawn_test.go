package bridge

import (
	"context"
	"fmt"
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/webhook"
)

// tell is what a callback, or the poller, brings of a payment of the order.
func (w *world) tell(orderID string, id acquiring.PaymentID, s acquiring.Status, gaveUp bool) {
	w.t.Helper()
	p := &acquiring.Payment{ID: id, OrderID: orderID, Status: s, Amount: money.RUB(1299, 50), Currency: "RUB"}
	if s.Succeeded() {
		p.Captured = p.Amount
	}
	e := webhook.Event{Callback: &acquiring.Callback{Kind: acquiring.CallbackPayment, PaymentID: id, OrderID: orderID, Status: s}, Payment: p, GaveUp: gaveUp}
	e.Key = fmt.Sprint(orderID, id, s, gaveUp)
	require.NoError(w.t, w.b.store.inbox.Once(w.ctx, e.Key, func(ctx context.Context) error { return w.b.news(w.b.shop("pm"))(ctx, e) }))
}

// today sets the clock to the present: PayMaster's client looks for an order
// among those of the last hours.
func (w *world) today() { w.clock.Advance(time.Since(w.clock.Now())) }

// session is the invoice's newest attempt.
func (w *world) session(link string) (*invoice, *attempt) {
	w.t.Helper()
	inv, err := w.b.store.bySlug(w.ctx, path.Base(link))
	require.NoError(w.t, err)
	return inv, inv.newest()
}

// TestWithdrawnPayment: PayMaster's answer is lost, its client withdraws that
// payment and issues another under the same number. The end of the first is
// nothing to the hold of the other.
func TestWithdrawnPayment(t *testing.T) {
	w := open(t, func(_ map[string]any, shop func(string) map[string]any) {
		shop("pm")["hold"], shop("pm")["manual"] = true, true
	})
	w.today()
	w.connect()
	payment, inv := w.bill("pm")
	w.pm.Mischief(paymastertest.Mischief{Delay: time.Hour}) // the end of the first comes late
	w.pm.Fail(paymastertest.Fault{Kind: paymastertest.LostAnswer, Times: 1})
	w.click(inv.Link)
	orders := w.pm.Orders()
	require.Len(t, orders, 2, "one was withdrawn")
	_, a := w.session(inv.Link)
	require.EqualValues(t, orders[1].ID, a.ID)
	w.pm.Mischief(paymastertest.Mischief{})
	require.NoError(t, w.pm.Pay(orders[1].ID))
	w.work()
	require.Equal(t, "wait-approved", w.status(payment))
	require.NoError(t, w.pm.Resend(orders[0].ID))
	w.work()
	assert.Equal(t, "wait-approved", w.status(payment))
	_, a = w.session(inv.Link)
	assert.EqualValues(t, orders[1].ID, a.ID)
	assert.Equal(t, acquiring.StatusAuthorized, a.Status)
}

// lost makes the invoice's attempt one whose answer has not come.
func (w *world) lost(link string) *attempt {
	w.t.Helper()
	w.click(link)
	inv, a := w.session(link)
	_, err := w.b.store.change(w.ctx, inv.PaymentID, func(_ *work, inv *invoice) error {
		a := inv.newest()
		a.ID, a.PayURL, a.Status = "", "", acquiring.StatusUnknown
		return nil
	})
	require.NoError(w.t, err)
	return a
}

// TestEndOfAWithdrawnPaymentBeforeTheAnswer: it comes while the bank is asked
// for the next one, which goes on to be watched and paid.
func TestEndOfAWithdrawnPaymentBeforeTheAnswer(t *testing.T) {
	w := open(t, nil)
	w.today()
	w.connect()
	payment, inv := w.bill("pm")
	next := w.lost(inv.Link)
	w.tell(next.OrderID, "first", acquiring.StatusCanceled, false)
	stored, a := w.session(inv.Link)
	assert.Empty(t, a.ID)
	assert.True(t, stored.watches(a))
	// It has a page again when the customer comes back: under another number,
	// because this one is used up.
	require.NotEmpty(t, w.click(inv.Link))
	stored, a = w.session(inv.Link)
	assert.Equal(t, 2, a.N)
	assert.EqualValues(t, next.ID, stored.attempt(1).ID, "it was found, and withdrawn")
	w.tell(a.OrderID, a.ID, acquiring.StatusPaid, false)
	w.work()
	assert.Equal(t, "paid", w.status(payment))
}

// TestOrderThatWasLostForGood: the poller gives it up in the end.
func TestOrderThatWasLostForGood(t *testing.T) {
	for _, id := range []acquiring.PaymentID{"", "first"} {
		w := open(t, nil)
		w.connect()
		_, inv := w.bill("pm")
		a := w.lost(inv.Link)
		w.tell(a.OrderID, id, acquiring.StatusExpired, true)
		stored, a := w.session(inv.Link)
		assert.False(t, stored.watches(a), id)
	}
}

// TestMoneyOfAnotherPayment counts where the attempt has none.
func TestMoneyOfAnotherPayment(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("pm")
	w.click(inv.Link)
	_, a := w.session(inv.Link)
	w.tell(a.OrderID, a.ID, acquiring.StatusExpired, false)
	w.tell(a.OrderID, "first", acquiring.StatusPaid, false)
	w.work()
	assert.Equal(t, "paid", w.status(payment))
	_, a = w.session(inv.Link)
	assert.EqualValues(t, "first", a.ID, "a refund goes to the payment that has the money")
	_, n := w.findAttempt("pm", "first")
	assert.Equal(t, 1, n)
}

// TestSecondPaymentOfAnOrder: a person is told, and the first one stays.
func TestSecondPaymentOfAnOrder(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("pm")
	o := w.pay("pm", inv.Link)
	stored, a := w.session(inv.Link)
	w.tell(a.OrderID, "second", acquiring.StatusPaid, false)
	w.tell(a.OrderID, "second", acquiring.StatusRefunded, false)
	w.work()
	now, same := w.session(inv.Link)
	assert.Equal(t, a, same)
	assert.Equal(t, stored.State, now.State)
	assert.EqualValues(t, o.ID, same.ID)
	assert.Equal(t, "paid", w.status(payment))
	assert.Contains(t, w.noteTexts(), "по заказу "+a.OrderID+" пришёл второй платёж second на 1299.50 RUB. Деньги по этому заказу уже пришли платежом "+o.ID+
		", поэтому второй не принят и не возвращён. Разберитесь в кабинете банка.")
}

// TestAnotherPaymentOfAnotherSum takes no attempt's place.
func TestAnotherPaymentOfAnotherSum(t *testing.T) {
	w := open(t, nil)
	w.connect()
	_, inv := w.bill("pm")
	w.click(inv.Link)
	stored, a := w.session(inv.Link)
	_, err := w.b.learn(w.ctx, stored.PaymentID, a.N, &acquiring.Payment{ID: "first", OrderID: a.OrderID, Status: acquiring.StatusPaid, Amount: 1, Captured: 1})
	require.NoError(t, err)
	_, now := w.session(inv.Link)
	assert.Equal(t, a, now)
	assert.Contains(t, w.noteTexts(), "Платёж не принят")
}

// slowBank is a bank whose news is faster than its answer.
type slowBank struct {
	acquiring.Acquirer
	meanwhile func(orderID string)
}

func (s slowBank) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	made, err := s.Acquirer.CreateInvoice(ctx, r)
	s.meanwhile(r.OrderID)
	return made, err
}

// TestNewsBeforeTheAnswer: the end of another payment is nothing to the one
// that the answer brings; money of another one is all, and no page is shown.
func TestNewsBeforeTheAnswer(t *testing.T) {
	for _, s := range []acquiring.Status{acquiring.StatusCanceled, acquiring.StatusPaid} {
		t.Run(s.String(), func(t *testing.T) {
			w := open(t, nil)
			w.connect()
			payment, inv := w.bill("pm")
			shop := w.b.shop("pm")
			shop.bank = slowBank{shop.bank, func(orderID string) { w.tell(orderID, "first", s, false) }}
			target := w.click(inv.Link)
			w.work()
			stored, a := w.session(inv.Link)
			if s == acquiring.StatusPaid {
				assert.Equal(t, inv.Link, target)
				assert.EqualValues(t, "first", a.ID)
				assert.Equal(t, "paid", w.status(payment))
				return
			}
			assert.Equal(t, w.pm.Orders()[0].ID, string(a.ID))
			assert.Equal(t, a.PayURL, target)
			assert.True(t, stored.watches(a))
		})
	}
}

// TestTwinRefunds: two refunds of one sum. The answer of the second is lost, and
// PayMaster does not tell which of them its key made.
func TestTwinRefunds(t *testing.T) {
	w := open(t, nil)
	w.today()
	w.connect()
	payment, inv := w.bill("pm")
	o := w.pay("pm", inv.Link)
	w.work()
	_, err := w.crm.Refund(payment, money.RUB(500, 0))
	require.NoError(t, err)
	w.pm.ExecuteRefunds()
	w.later(2 * time.Hour)
	w.pm.Fail(paymastertest.Fault{Op: "POST /refunds", Kind: paymastertest.LostAnswer, Times: 2})
	_, err = w.crm.Refund(payment, money.RUB(500, 0))
	require.Error(t, err)
	_, err = w.crm.Refund(payment, money.RUB(500, 0)) // the manager tries again
	require.NoError(t, err)
	w.pm.ExecuteRefunds()
	w.work()
	assert.Equal(t, money.RUB(1000, 0), w.books("pm", o.ID).Refunded)
	stored, err := w.b.store.bySlug(w.ctx, path.Base(inv.Link))
	require.NoError(t, err)
	require.Len(t, stored.Refunds, 2)
	assert.NotEmpty(t, stored.Refunds[1].Bank)
	assert.NotEqual(t, stored.Refunds[0].Bank, stored.Refunds[1].Bank)
	assert.False(t, stored.Refunds[1].Begun)
}
