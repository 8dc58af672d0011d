package bridge

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/money"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

// TestChecklist walks through the manual's list with every acquirer: the
// connection, the shop bound to a payment type, the link, the payment, "paid"
// in the CRM, a partial refund and the rest.
func TestChecklist(t *testing.T) {
	for _, shop := range []string{"alfa", "sber", "pm", "tochka"} {
		t.Run(shop, func(t *testing.T) {
			w := open(t, nil)
			connected, err := w.crm.Connect(w.url + "/simple/connect")
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(connected.AccountURL, w.url+"/settings/"))
			status, _, page := w.visit("GET", connected.AccountURL, "Mozilla")
			assert.Equal(t, 200, status)
			assert.Contains(t, page, "Модуль включён")
			module, ok := w.crm.Module(code)
			require.True(t, ok)
			assert.Len(t, module.Shops, 5)
			assert.Equal(t, retailcrmtest.Shop{Code: "sber", Name: "Чай Сбер (test)", Active: true}, module.Shops[0])

			payment, inv := w.bill(shop)
			assert.LessOrEqual(t, len(inv.Link)-len(w.url), len("/pay/xxxxxxxx"))
			assert.True(t, inv.Cancellable)
			o := w.pay(shop, inv.Link)
			assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
			got := w.invoice(payment)
			assert.Equal(t, money.RUB(1299, 50), got.Amount)
			assert.True(t, got.Refundable)
			assert.False(t, got.Cancellable)
			assert.WithinDuration(t, w.clock.Now(), got.PaidAt, 5*time.Minute)
			assert.Equal(t, money.RUB(1299, 50), w.books(shop, o.ID).Captured)

			r, err := w.crm.Refund(payment, money.RUB(299, 50))
			require.NoError(t, err)
			w.execute()
			assert.Equal(t, money.RUB(299, 50), r.Amount)
			assert.Equal(t, money.RUB(299, 50), w.books(shop, o.ID).Refunded)
			assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment), "a part came back, it stays paid")

			w.clock.Advance(2 * time.Minute)
			_, err = w.crm.Refund(payment, 0)
			require.NoError(t, err)
			w.execute()
			assert.Equal(t, money.RUB(1299, 50), w.books(shop, o.ID).Refunded)
			assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
			assert.False(t, w.invoice(payment).Refundable)
			_, err = w.crm.Refund(payment, money.RUB(1, 0))
			assert.Error(t, err, "nothing is left")

			status, _, page = w.visit("GET", inv.Link, "Mozilla")
			assert.Equal(t, 200, status)
			assert.Contains(t, page, "Счёт оплачен")
			for _, d := range w.crm.Deliveries() {
				assert.Equal(t, 1, len(d.Attempts))
			}
			n, err := w.b.Waiting(w.ctx)
			require.NoError(t, err)
			assert.Zero(t, n)
		})
	}
}

// execute lets banks execute refunds that they only accepted, and the module
// learn of it.
func (w *world) execute() {
	w.t.Helper()
	w.work()
	w.pm.ExecuteRefunds()
	w.clock.Advance(time.Minute)
	w.work()
	w.poll()
	w.work()
}

// poll asks the banks once for all that is open, as the poller does.
func (w *world) poll() {
	w.t.Helper()
	for _, s := range w.b.shops {
		for _, p := range w.b.pollers(s) {
			for open, err := range p.Pending(w.ctx) {
				require.NoError(w.t, err)
				payment, err := s.bank.GetStatus(w.ctx, open.ID)
				require.NoError(w.t, err)
				paymentID, n := w.findAttempt(s.Code, open.ID)
				_, err = w.b.learn(w.ctx, paymentID, n, payment)
				require.NoError(w.t, err)
			}
		}
	}
}

// TestReceiptsEverywhere: each bank takes the receipt of the sale and of each
// partial refund.
func TestReceiptsEverywhere(t *testing.T) {
	for _, shop := range []string{"alfa", "sber", "pm", "tochka"} {
		t.Run(shop, func(t *testing.T) {
			w := open(t, func(_ map[string]any, of func(string) map[string]any) {
				of(shop)["receipts"], of(shop)["tax_system"], of(shop)["place"] = "acquirer", "usn_income", "https://tea.example"
				of(shop)["email"], of(shop)["inn"] = "kassa@tea.example", "7707083893"
			})
			w.connect()
			payment, inv := w.bill(shop)
			o := w.pay(shop, inv.Link)
			require.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
			for _, sum := range []money.Amount{money.RUB(450, 0), money.RUB(99, 50), 0} {
				w.clock.Advance(2 * time.Minute)
				_, err := w.crm.Refund(payment, sum)
				require.NoError(t, err)
				w.execute()
			}
			assert.Equal(t, money.RUB(1299, 50), w.books(shop, o.ID).Refunded)
			assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
			if shop == "tochka" {
				assert.Contains(t, w.noteTexts(), "чек возврата этот банк не печатает")
			} else {
				assert.Empty(t, w.noteTexts())
			}
		})
	}
}

// TestLinkThatCannotOpen: the manager learns why.
func TestLinkThatCannotOpen(t *testing.T) {
	w := open(t, func(_ map[string]any, of func(string) map[string]any) {
		of("sber")["receipts"], of("sber")["tax_system"] = "acquirer", "osn"
	})
	w.connect()
	_, inv := w.bill("sber")
	for range 3 {
		status, _, page := w.visit("GET", inv.Link, "Mozilla")
		assert.Equal(t, 503, status)
		assert.Contains(t, page, "Деньги не списаны")
		assert.NotContains(t, page, "Seller")
	}
	assert.Equal(t, 1, strings.Count(w.noteTexts(), "Receipt.Seller.Email"))
	assert.Empty(t, w.sber.Orders())
}

func TestHoldByHand(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("manual")
	o := w.pay("manual", inv.Link)
	assert.Equal(t, retailcrmtest.PaymentWaitApproved, w.status(payment))
	assert.Equal(t, money.Amount(0), w.books("manual", o.ID).Captured)
	got := w.invoice(payment)
	assert.WithinDuration(t, w.clock.Now().Add(7*24*time.Hour), got.ExpiredAt, 2*time.Second)
	assert.True(t, got.Cancellable)
	status, _, page := w.visit("GET", inv.Link, "Mozilla")
	assert.Equal(t, 200, status)
	assert.Contains(t, page, "Оплата получена")

	require.NoError(t, w.crm.Approve(payment, money.RUB(1000, 0)))
	w.work()
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
	assert.Equal(t, money.RUB(1000, 0), w.books("manual", o.ID).Captured)
	require.NoError(t, w.crm.Approve(payment, money.RUB(1000, 0)), "asked for again")
	assert.Error(t, w.crm.Cancel(payment))

	// Released.
	payment, inv = w.bill("manual")
	o = w.pay("manual", inv.Link)
	require.NoError(t, w.crm.Cancel(payment))
	w.work()
	assert.Equal(t, retailcrmtest.PaymentCanceled, w.status(payment))
	assert.Equal(t, "Отменено в RetailCRM", w.invoice(payment).Details)
	assert.Equal(t, money.RUB(1299, 50), w.books("manual", o.ID).Released)
	require.NoError(t, w.crm.Cancel(payment), "asked for again")
	assert.Error(t, w.crm.Approve(payment, 0))
}

// TestHoldsElsewhere: the money is held, checked and taken at every bank.
func TestHoldsElsewhere(t *testing.T) {
	for _, shop := range []string{"alfa", "pm", "tochka"} {
		t.Run(shop, func(t *testing.T) {
			w := open(t, func(_ map[string]any, of func(string) map[string]any) { of(shop)["hold"] = true })
			w.connect()
			payment, inv := w.bill(shop)
			o := w.pay(shop, inv.Link)
			w.execute()
			assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
			assert.Equal(t, money.RUB(1299, 50), w.books(shop, o.ID).Captured)

			payment, inv = w.bill(shop)
			w.crm.RefuseChecks("Сумма изменилась")
			w.b.visitors = newVisitors(1000, 1000)
			o = w.pay(shop, inv.Link)
			w.execute()
			assert.Equal(t, retailcrmtest.PaymentCanceled, w.status(payment))
			assert.Equal(t, money.Amount(0), w.books(shop, o.ID).Captured)
			assert.Contains(t, w.invoice(payment).Details, "Сумма изменилась")
		})
	}
}

// TestForgets: what was done long ago goes, what waits stays.
func TestForgets(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("sber")
	w.pay("sber", inv.Link)
	w.crm.Fail(retailcrmtest.Fault{Op: retailcrmtest.OpUpdateInvoice, Kind: retailcrmtest.ServerError, Times: -1})
	_, err := w.crm.Refund(payment, 0)
	require.NoError(t, err)
	w.work()
	count := func() (n int) {
		require.NoError(t, w.b.store.db.QueryRow("SELECT count(*) FROM retailcrm_outbox").Scan(&n))
		return n
	}
	before := count()
	w.clock.Advance(keep - time.Hour)
	require.NoError(t, w.b.store.forget(w.ctx, keep))
	assert.Equal(t, before, count())
	w.clock.Advance(2 * time.Hour)
	require.NoError(t, w.b.store.forget(w.ctx, keep))
	assert.Equal(t, 1, count(), "the news that the CRM does not take")
	w.crm.ClearFaults()
	w.work()
	assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
}

// TestCheckBeforeCapture: both flags count. A refusal releases the hold, and a
// CRM that does not answer leaves it as it is until it does.
func TestCheckBeforeCapture(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("sber")
	require.NoError(t, w.crm.ChangeAmount(payment, money.RUB(2000, 0)))
	o := w.pay("sber", inv.Link)
	assert.Equal(t, money.Amount(0), w.books("sber", o.ID).Captured)
	assert.Equal(t, money.RUB(1299, 50), w.books("sber", o.ID).Released)
	assert.Equal(t, retailcrmtest.PaymentCanceled, w.status(payment))
	assert.Contains(t, w.invoice(payment).Details, "RetailCRM не подтвердил оплату")

	payment, inv = w.bill("sber")
	w.crm.Fail(retailcrmtest.Fault{Op: retailcrmtest.OpCheck, Kind: retailcrmtest.RateLimit, Times: 3})
	o = w.pay("sber", inv.Link)
	assert.Equal(t, money.Amount(0), w.books("sber", o.ID).Captured, "not asked, not taken")
	assert.Equal(t, money.Amount(0), w.books("sber", o.ID).Released)
	for range 5 {
		w.later(10 * time.Second)
	}
	assert.Equal(t, money.RUB(1299, 50), w.books("sber", o.ID).Captured)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))

	// One stage: the CRM is asked before the bank's page is shown.
	payment, inv = w.bill("alfa")
	require.NoError(t, w.crm.ChangeAmount(payment, money.RUB(2000, 0)))
	before := len(w.alfa.Orders())
	status, _, page := w.visit("GET", inv.Link, "Mozilla")
	assert.Equal(t, 200, status)
	assert.Contains(t, page, "Счёт изменился")
	assert.Len(t, w.alfa.Orders(), before)
}

// TestFailedCheckAfterPayment: with one stage the money is there when the CRM
// changes its mind.
func TestFailedCheckAfterPayment(t *testing.T) {
	for policy, refunded := range map[string]money.Amount{"keep": 0, "refund": money.RUB(1299, 50)} {
		t.Run(policy, func(t *testing.T) {
			w := open(t, func(_ map[string]any, shop func(string) map[string]any) { shop("alfa")["failed_check"] = policy })
			w.connect()
			payment, inv := w.bill("alfa")
			w.click(inv.Link)
			w.crm.RefuseChecks("Заказ отменён")
			b, o := w.order("alfa")
			require.NoError(t, b.Pay(o.ID))
			w.work()
			assert.Equal(t, refunded, w.books("alfa", o.ID).Refunded)
			assert.Contains(t, w.noteTexts(), "Заказ отменён")
			want := retailcrmtest.PaymentPaid
			if policy == "refund" {
				want = retailcrmtest.PaymentReturned
			}
			assert.Equal(t, want, w.status(payment))
		})
	}
}

// TestFailedCheckIsRefundedInTheEnd: a refund that the bank refused at first is
// asked for again, and nobody is told before that the money went back.
func TestFailedCheckIsRefundedInTheEnd(t *testing.T) {
	w := open(t, func(_ map[string]any, shop func(string) map[string]any) { shop("alfa")["failed_check"] = "refund" })
	w.connect()
	payment, inv := w.bill("alfa")
	w.click(inv.Link)
	w.crm.RefuseChecks("Заказ отменён")
	b, o := w.order("alfa")
	require.NoError(t, b.Pay(o.ID))
	w.alfa.Fail(alfabanktest.Fault{Op: "refund.do", Kind: alfabanktest.ServerError, Status: 429, Times: -1})
	w.work()
	for range 3 {
		w.later(10 * time.Minute)
	}
	require.Zero(t, w.books("alfa", o.ID).Refunded)
	assert.NotContains(t, w.noteTexts(), "Деньги возвращены")
	w.alfa.ClearFaults()
	w.later(10 * time.Minute)
	assert.Equal(t, money.RUB(1299, 50), w.books("alfa", o.ID).Refunded)
	assert.Contains(t, w.noteTexts(), "Деньги возвращены")
	assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
	assert.Equal(t, money.RUB(1299, 50), w.invoice(payment).Refunded())
}

// TestLinkNeverEnds: the bank's session does, and the next opening makes a new
// attempt under a new number.
func TestLinkNeverEnds(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("alfa")
	first := w.click(inv.Link)
	_, one := w.order("alfa")
	assert.Equal(t, first, w.click(inv.Link), "a double click makes no second order")

	// After a while the session is begun anew, and the old one cannot be paid.
	w.clock.Advance(5 * time.Minute)
	second := w.click(inv.Link)
	assert.NotEqual(t, first, second)
	_, two := w.order("alfa")
	assert.Equal(t, one.Number+"_2", two.Number)
	assert.Error(t, w.alfa.Pay(one.ID), "two payable pages at a time")

	// Its time runs out; the invoice stays.
	require.NoError(t, w.alfa.Expire(two.ID))
	w.clock.Advance(45 * time.Minute)
	w.work()
	assert.Equal(t, retailcrmtest.PaymentInvoiced, w.status(payment))
	w.clock.Advance(30 * 24 * time.Hour)
	w.pay("alfa", inv.Link)
	_, three := w.order("alfa")
	assert.Equal(t, one.Number+"_3", three.Number)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
	assert.LessOrEqual(t, len(three.Number), 32)

	// Where a bank cannot withdraw an order, its page is shown until it ends.
	_, inv = w.bill("tochka")
	first = w.click(inv.Link)
	w.clock.Advance(5 * time.Minute)
	assert.Equal(t, first, w.click(inv.Link))
	assert.Len(t, w.point.Orders(), 1)
}

// TestDeclinedCardKeepsTheLink: a refused card is no end of the invoice.
func TestDeclinedCardKeepsTheLink(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("sber")
	w.click(inv.Link)
	_, o := w.order("sber")
	require.NoError(t, w.sber.Decline(o.ID))
	w.work()
	assert.Equal(t, retailcrmtest.PaymentInvoiced, w.status(payment))
	w.clock.Advance(2 * time.Minute)
	w.pay("sber", inv.Link)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
}

// TestPreviewsMakeNoOrders: messengers look at links before people do.
func TestPreviewsMakeNoOrders(t *testing.T) {
	w := open(t, nil)
	w.connect()
	_, inv := w.bill("alfa")
	for _, c := range []struct{ method, agent string }{{"HEAD", "Mozilla/5.0"}, {"GET", "TelegramBot (like TwitterBot)"}, {"GET", "WhatsApp/2.23"}, {"GET", ""}, {"GET", "facebookexternalhit/1.1"}} {
		status, location, page := w.visit(c.method, inv.Link, c.agent)
		assert.Equal(t, 200, status)
		assert.Empty(t, location)
		if c.method == "GET" {
			assert.Contains(t, page, "Перейти к оплате")
			assert.NotContains(t, page, "Иван")
		}
	}
	assert.Empty(t, w.alfa.Orders())
	status, location, _ := w.visit("POST", inv.Link, "WhatsApp/2.23")
	assert.Equal(t, 302, status, "a person pressed the button")
	assert.NotEmpty(t, location)
	status, _, _ = w.visit("GET", w.url+"/pay/nothing1", "Mozilla")
	assert.Equal(t, 404, status)
	for range 40 {
		status, _, _ = w.visit("GET", w.url+"/pay/guess123", "Mozilla")
	}
	assert.Equal(t, 429, status, "guessing is slow")
}

// TestCancelledLink: what comes for it goes back by itself.
func TestCancelledLink(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("alfa")
	w.click(inv.Link)
	_, o := w.order("alfa")
	require.NoError(t, w.crm.Cancel(payment))
	w.work()
	assert.Equal(t, retailcrmtest.PaymentCanceled, w.status(payment))
	assert.Error(t, w.alfa.Pay(o.ID), "the page cannot be paid any more")
	status, _, page := w.visit("GET", inv.Link, "Mozilla")
	assert.Equal(t, 410, status)
	assert.Contains(t, page, "Счёт отменён")

	// Tochka cannot withdraw its link: the late money is given back.
	payment, inv = w.bill("tochka")
	w.click(inv.Link)
	_, o = w.order("tochka")
	require.NoError(t, w.crm.Cancel(payment))
	w.work()
	require.NoError(t, w.point.Pay(o.ID))
	w.execute()
	assert.Equal(t, money.RUB(1299, 50), w.books("tochka", o.ID).Captured)
	assert.Equal(t, money.RUB(1299, 50), w.books("tochka", o.ID).Refunded)
	assert.Equal(t, retailcrmtest.PaymentCanceled, w.status(payment))
	assert.Contains(t, w.noteTexts(), backLate)
}
