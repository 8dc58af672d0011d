package paykeeper

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

func issue(t testing.TB, a *Acquirer, id string, sum money.Amount) *acquiring.Invoice {
	t.Helper()
	req := order(id, sum)
	req.Hold = a.c.cfg.TwoStage
	inv, err := a.CreateInvoice(bg(t), req)
	require.NoError(t, err)
	return inv
}

func TestCreateInvoice(t *testing.T) {
	f := newFake(t)
	a := f.client(func(c *Config) { c.CallbackURL = "https://lavka.example/hooks" }).Acquirer()
	r := sale("")
	r.Buyer = &fiscal.Buyer{Name: "ООО Ромашка", INN: "7707083893"}
	req := acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(1499, 90), Description: "Заказ", ReturnURL: "https://lavka.example/paid",
		CallbackURL: "https://lavka.example/hooks", TTL: 24 * time.Hour, Language: "EN", Receipt: &r, Customer: acquiring.Customer{Name: "Иванов Иван"},
		Extra: map[string]string{"user_id": "7"}}
	inv, err := a.CreateInvoice(bg(t), req)
	require.NoError(t, err)
	form := f.calls("/change/invoice/preview/")[0].form
	assert.Equal(t, "Иванов Иван", form.Get("clientid"))
	assert.Equal(t, "buyer@lavka.example", form.Get("client_email"), "the receipt's contact is the payment's")
	assert.Equal(t, "2026-11-22 10:15:30", form.Get("expiry"))
	assert.Equal(t, "7", form.Get("user_id"))
	s, err := ParseServiceName(form.Get("service_name"))
	require.NoError(t, err)
	assert.Equal(t, ServiceName{Text: "Заказ", Cart: kettle(), BuyerName: "ООО Ромашка", BuyerINN: "7707083893", Lang: "en", ReturnURL: "https://lavka.example/paid"}, s)
	assert.Len(t, inv.ID, 17)
	assert.Equal(t, f.server.URL+"/bill/"+string(inv.ID), inv.PayURL, "the address as it came")
	assert.True(t, inv.ExpiresAt.Equal(today.Add(24*time.Hour)))

	// The same order again: the same invoice. Another sum: a refusal.
	again, err := a.CreateInvoice(bg(t), req)
	require.NoError(t, err)
	assert.Equal(t, inv.ID, again.ID)
	_, err = a.CreateInvoice(bg(t), order("A-1", money.RUB(1, 0)))
	e := wantError(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	assert.Contains(t, e.Hint, "Attempt")
	f.Pay(inv.ID)
	_, err = a.CreateInvoice(bg(t), req)
	wantError(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	assert.Len(t, f.calls("/change/invoice/preview/"), 1)
}

func TestCreateInvoiceRefusesWhatPayKeeperCannot(t *testing.T) {
	f := newFake(t)
	for field, change := range map[string]func(*acquiring.InvoiceRequest){
		"Currency":            func(r *acquiring.InvoiceRequest) { r.Currency = "USD" },
		"Hold":                func(r *acquiring.InvoiceRequest) { r.Hold = true },
		"SaveCard":            func(r *acquiring.InvoiceRequest) { r.SaveCard = true },
		"CallbackURL":         func(r *acquiring.InvoiceRequest) { r.CallbackURL = "https://lavka.example/other" },
		"FailURL":             func(r *acquiring.InvoiceRequest) { r.FailURL = "https://lavka.example/failed" },
		"Methods":             func(r *acquiring.InvoiceRequest) { r.Methods = []acquiring.Method{acquiring.MethodCard} },
		"OrderID":             func(r *acquiring.InvoiceRequest) { r.OrderID = "" },
		`Extra["pay_amount"]`: func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"pay_amount": "1"} },
		"Receipt.contact.email": func(r *acquiring.InvoiceRequest) {
			s := sale("")
			s.Contact.Email = "other@lavka.example"
			r.Receipt = &s
		},
	} {
		req := order("A-1", money.RUB(1499, 90))
		change(&req)
		_, err := f.client().Acquirer().CreateInvoice(bg(t), req)
		wantField(t, err, field)
	}
	_, err := f.client(func(c *Config) { c.TwoStage = true }).Acquirer().CreateInvoice(bg(t), order("A-1", 100))
	wantField(t, err, "Hold")
	assert.Empty(t, f.calls("/"))
}

// A lost answer never makes a second invoice, and a request that was lost is
// made again.
func TestCreateInvoiceAfterLostAnswer(t *testing.T) {
	for name, ft := range map[string]fault{"lost": lost, "drop": drop, "502": broken, "cut": cut, "page": page, "empty": empty} {
		for _, noSearch := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				f := newFake(t)
				f.noSearch = noSearch
				f.fail("/change/invoice/preview/", ft)
				inv, err := f.client().Acquirer().CreateInvoice(bg(t), order("A-1", money.RUB(100, 0)))
				require.NoError(t, err)
				require.Len(t, f.invoices, 1)
				assert.Equal(t, f.invoices[0]["id"], string(inv.ID))
			})
		}
	}
	f := newFake(t)
	f.fail("/change/invoice/preview/", drop, drop)
	_, err := f.client().Acquirer().CreateInvoice(bg(t), order("A-1", money.RUB(100, 0)))
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
}

func TestConcurrentCreateInvoiceMakesOne(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := a.CreateInvoice(bg(t), order("A-1", money.RUB(100, 0)))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, f.invoices, 1)
}

func TestStatuses(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(100, 0))
	status := func() *acquiring.Payment {
		t.Helper()
		p, err := a.GetStatus(bg(t), inv.ID)
		require.NoError(t, err)
		assert.Equal(t, inv.ID, p.ID)
		assert.Equal(t, "A-1", p.OrderID)
		assert.True(t, p.Test)
		return p
	}
	p := status()
	assert.Equal(t, acquiring.StatusPending, p.Status)
	assert.True(t, p.PaidAt.IsZero())
	id := f.Pay(inv.ID)
	for word, want := range map[string]acquiring.Status{"pending": acquiring.StatusPending, "obtained": acquiring.StatusPaid, "success": acquiring.StatusPaid,
		"stuck": acquiring.StatusPaid, "canceled": acquiring.StatusVoided, "failed": acquiring.StatusDeclined, "refunding": acquiring.StatusPaid,
		"refunded": acquiring.StatusRefunded, "partially_refunded": acquiring.StatusPartiallyRefunded, "something new": acquiring.StatusUnknown} {
		f.set(id, "status", word)
		p := status()
		assert.Equal(t, want, p.Status, word)
		assert.Equal(t, word, p.ProviderStatus)
		if want.Succeeded() {
			assert.Equal(t, money.RUB(100, 0), p.Captured)
			assert.Equal(t, "510047XXXXXX3333", p.Card.Masked)
			assert.Equal(t, acquiring.MethodCard, p.Method)
		} else {
			assert.Zero(t, p.Captured)
		}
		if want == acquiring.StatusDeclined {
			assert.NotNil(t, p.Failure)
		}
	}
	for word, want := range map[InvoiceStatus]acquiring.Status{InvoiceCreated: acquiring.StatusPending, InvoiceSent: acquiring.StatusPending,
		InvoicePaid: acquiring.StatusPaid, InvoiceExpired: acquiring.StatusExpired, "rejected": acquiring.StatusUnknown} {
		assert.Equal(t, want, word.Status())
	}
	// A payment has its own number too.
	f.set(id, "status", "success")
	p, err := a.GetStatus(bg(t), acquiring.PaymentID(id))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	_, err = a.GetStatus(bg(t), "A-1")
	wantField(t, err, "ID")
	_, err = a.GetStatus(bg(t), "20261121101530999")
	wantError(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	f.set(id, "system_description", "Система быстрых платежей")
	assert.Equal(t, acquiring.MethodSBP, status().Method)
	f.set(id, "system_description", "Кошелёк")
	f.set(id, "site_description", "")
	assert.Equal(t, acquiring.MethodOther, status().Method)
	got, err := a.PaymentOf(bg(t), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, id, got)
	f.set(id, "status", "canceled")
	f.set(id, "obtain_datetime", nil)
	assert.Equal(t, acquiring.StatusCanceled, status().Status, "canceled before any money came")
}

func TestCancel(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(100, 0))
	require.NoError(t, a.Cancel(bg(t), inv.ID))
	require.NoError(t, a.Cancel(bg(t), inv.ID), "withdrawn already")
	p, err := a.GetStatus(bg(t), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusExpired, p.Status)
	_, err = a.CreateInvoice(bg(t), order("A-1", money.RUB(100, 0)))
	wantError(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	paid := issue(t, a, "A-2", money.RUB(100, 0))
	f.Pay(paid.ID)
	wantError(t, a.Cancel(bg(t), paid.ID), acquiring.ErrConflict, acquiring.OutcomeRejected)
	assert.Len(t, f.calls("/change/invoice/revoke/"), 1)
}

func TestFindByOrder(t *testing.T) {
	for _, noSearch := range []bool{false, true} {
		f := newFake(t)
		f.noSearch = noSearch
		a := f.client().Acquirer()
		inv := issue(t, a, "A-1", money.RUB(100, 0))
		issue(t, a, "A-10", money.RUB(100, 0))
		p, err := a.FindByOrder(bg(t), "A-1")
		require.NoError(t, err)
		assert.Equal(t, inv.ID, p.ID)
		assert.Equal(t, acquiring.StatusPending, p.Status)
		f.Pay(inv.ID)
		p, err = a.FindByOrder(bg(t), "A-1")
		require.NoError(t, err)
		assert.Equal(t, inv.ID, p.ID)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
		f.mu.Lock()
		failed := f.pay("F-1", "5.00", "")
		failed["status"] = "failed"
		good := f.pay("F-1", "5.00", "")
		f.mu.Unlock()
		p, err = a.FindByOrder(bg(t), "F-1")
		require.NoError(t, err)
		assert.Equal(t, good["id"], string(p.ID), "the one that was paid, by a form")
		_, err = a.FindByOrder(bg(t), "A-2")
		wantError(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
		_, err = a.FindByOrder(bg(t), "")
		wantField(t, err, "orderID")
	}
}

func TestPayments(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(100, 0))
	f.Pay(inv.ID)
	f.mu.Lock()
	form := f.pay("F-1", "5.00", "")
	f.pay("F-2", "5.00", "")["pending_datetime"] = "2026-10-01 00:00:00"
	f.pay("F-3", "5.00", "")["status"] = "failed"
	f.mu.Unlock()
	var ids []string
	for p, err := range a.Payments(bg(t), acquiring.Filter{From: today.Add(-time.Hour), Statuses: []acquiring.Status{acquiring.StatusPaid}}) {
		require.NoError(t, err)
		ids = append(ids, string(p.ID))
	}
	assert.Equal(t, []string{string(inv.ID), form["id"].(string)}, ids)
	n := 0
	for range a.Payments(bg(t), acquiring.Filter{Limit: 1}) {
		n++
	}
	assert.Equal(t, 1, n)
	f.answers["/info/payments/bydate/"] = `<`
	for p, err := range a.Payments(bg(t), acquiring.Filter{}) {
		assert.Nil(t, p)
		require.ErrorIs(t, err, acquiring.ErrProtocol)
	}
}

func TestCallback(t *testing.T) {
	f := newFake(t)
	c := f.client(func(c *Config) { c.Shop = "lavka" })
	a := c.Acquirer()
	inv := issue(t, a, "A-1", money.RUB(100, 0))
	id := f.Pay(inv.ID)
	cb, err := a.VerifyCallback(bg(t), notification(c, f.payment(id)))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackPayment, cb.Kind)
	assert.Equal(t, inv.ID, cb.PaymentID, "the invoice's number, as CreateInvoice gave it")
	assert.Equal(t, "A-1", cb.OrderID)
	assert.Equal(t, acquiring.StatusPaid, cb.Status)
	assert.Equal(t, money.RUB(100, 0), cb.Amount)
	assert.True(t, cb.Signed)
	assert.Equal(t, "lavka:payment:"+string(id), cb.Key)
	assert.Equal(t, "OK "+md5Hex(string(id)+testSecret), string(cb.Reply.Body))
	assert.Equal(t, inv.ID, cb.Payment.ID)

	// The same news later: the same key, whatever became of the payment since.
	f.set(id, "status", "success")
	again, err := a.VerifyCallback(bg(t), notification(c, f.payment(id)))
	require.NoError(t, err)
	assert.Equal(t, cb.Key, again.Key)

	// The signature fits another cut of id and sum; the payment does not.
	forged := f.payment(id)
	cutAnother := obj{"id": string(id)[:3], "pay_amount": string(id)[3:] + "100.00", "clientid": forged["clientid"], "orderid": "A-1"}
	f.mu.Lock()
	f.pay("A-1", "100.00", "")["id"] = cutAnother["id"]
	f.mu.Unlock()
	_, err = a.VerifyCallback(bg(t), notification(c, cutAnother))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	_, err = a.VerifyCallback(bg(t), notification(c, f.payment(id), "orderid", "A-2"))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	_, err = a.VerifyCallback(bg(t), notification(c, obj{"id": "99", "pay_amount": "1.00", "clientid": "", "orderid": ""}))
	require.ErrorIs(t, err, acquiring.ErrNotFound)

	// A payment begun by a form has no invoice; one over nothing is none of our business.
	f.mu.Lock()
	form := f.pay("", "7.00", "")
	f.mu.Unlock()
	cb, err = a.VerifyCallback(bg(t), notification(c, form))
	require.NoError(t, err)
	assert.Equal(t, form["id"], string(cb.PaymentID))
	cb, err = a.VerifyCallback(bg(t), notification(c, obj{"id": "20240101101530123", "pay_amount": "0.00", "clientid": "", "orderid": ""}))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackOther, cb.Kind)
	assert.Equal(t, "OK "+md5Hex("20240101101530123"+testSecret), string(cb.Reply.Body))
}

// The service notifies of money that came, and of nothing else. A payment that it
// still calls pending is older than its notification: answered OK, the news would
// not come again.
func TestCallbackOfAPaymentThatIsStillPending(t *testing.T) {
	f := newFake(t)
	c := f.client()
	inv := issue(t, c.Acquirer(), "A-1", money.RUB(100, 0))
	id := f.Pay(inv.ID)
	var events []webhook.Event
	h := webhook.Handler(c.Acquirer(), func(_ context.Context, e webhook.Event) error {
		events = append(events, e)
		return nil
	}, webhook.Logger(slog.New(slog.DiscardHandler)))
	notify := func(extra ...string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, notification(c, f.payment(id), extra...))
		return w.Code
	}
	f.set(id, "status", "pending")
	assert.Equal(t, http.StatusServiceUnavailable, notify())
	assert.Empty(t, events)
	f.set(id, "status", "obtained")
	assert.Equal(t, http.StatusOK, notify())
	require.Len(t, events, 1)
	assert.Equal(t, acquiring.StatusPaid, events[0].Payment.Status)
}

func TestUnsignedCallbackRejected(t *testing.T) {
	f := newFake(t)
	c := f.client()
	inv := issue(t, c.Acquirer(), "A-1", money.RUB(100, 0))
	id := f.Pay(inv.ID)
	before := len(f.calls("/"))
	_, err := c.Acquirer().VerifyCallback(bg(t), notification(c, f.payment(id), "key", strings.Repeat("0", 32)))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	assert.Len(t, f.calls("/"), before, "nobody is asked about a forged one")
}

func refundOf(id acquiring.PaymentID, key string, sum money.Amount) acquiring.RefundRequest {
	return acquiring.RefundRequest{ID: id, Key: key, Amount: sum}
}

func TestRefund(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(1000, 0))
	_, err := a.Refund(bg(t), refundOf(inv.ID, "k0", 0))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	id := f.Pay(inv.ID)

	first, err := a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	require.NoError(t, err)
	assert.Equal(t, acquiring.RefundDone, first.Status)
	assert.Equal(t, inv.ID, first.PaymentID)
	assert.Equal(t, money.RUB(200, 0), first.Amount)
	form := f.calls("/change/payment/reverse/")[0].form
	assert.Equal(t, []string{string(id), "200.00", "true"}, []string{form.Get("id"), form.Get("amount"), form.Get("partial")})
	assert.False(t, form.Has("refund_cart"))

	again, err := a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	require.NoError(t, err)
	assert.Equal(t, first, again)
	_, err = a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(300, 0)))
	wantField(t, err, "Key")
	require.ErrorIs(t, err, acquiring.ErrInvalid)

	second, err := a.Refund(bg(t), refundOf(inv.ID, "k2", money.RUB(200, 0)))
	require.NoError(t, err)
	assert.NotEqual(t, first.ID, second.ID, "another key is another refund")
	p, err := a.GetStatus(bg(t), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPartiallyRefunded, p.Status)
	assert.Equal(t, money.RUB(600, 0), p.Left())

	_, err = a.Refund(bg(t), refundOf(inv.ID, "k3", money.RUB(600, 1)))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	rest, err := a.Refund(bg(t), refundOf(inv.ID, "k3", 0))
	require.NoError(t, err)
	assert.Equal(t, money.RUB(600, 0), rest.Amount)
	assert.Equal(t, "false", f.calls("/change/payment/reverse/")[2].form.Get("partial"))
	_, err = a.Refund(bg(t), refundOf(inv.ID, "k4", 0))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	p, err = a.GetStatus(bg(t), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusRefunded, p.Status)
	assert.Len(t, f.calls("/change/payment/reverse/"), 3)
}

func TestRefundWithReceipt(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(3000, 0))
	f.Pay(inv.ID)
	r := sale("")
	r.Type = fiscal.SaleReturn
	req := refundOf(inv.ID, "k1", money.RUB(1499, 90))
	req.Receipt = &r
	_, err := a.Refund(bg(t), req)
	require.NoError(t, err)
	cart, err := ParseCart([]byte(f.calls("/change/payment/reverse/")[0].form.Get("refund_cart")))
	require.NoError(t, err)
	assert.Equal(t, kettle(), cart)

	req.Key, req.Amount = "k2", 0
	_, err = a.Refund(bg(t), req)
	wantField(t, err, "Receipt")
	wrong := sale("")
	req.Receipt = &wrong
	_, err = a.Refund(bg(t), req)
	wantField(t, err, "Receipt.type")
}

// A refund whose answer is lost is made once, whatever was lost.
func TestRefundAfterLostAnswer(t *testing.T) {
	for name, ft := range map[string]fault{"lost": lost, "cut": cut, "drop": drop, "502": broken, "page": page, "empty": empty} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			a := f.client().Acquirer()
			inv := issue(t, a, "A-1", money.RUB(1000, 0))
			f.Pay(inv.ID)
			_, err := a.Refund(bg(t), refundOf(inv.ID, "k0", money.RUB(200, 0)))
			require.NoError(t, err)
			f.fail("/change/payment/reverse/", ft)
			r, err := a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
			if ft == lost || ft == cut {
				require.NoError(t, err, "it was found")
			} else {
				e := wantError(t, err, errKind(err), acquiring.OutcomeUnknown)
				assert.Contains(t, e.Hint, "same key")
				r, err = a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
				require.NoError(t, err)
			}
			assert.Equal(t, acquiring.RefundDone, r.Status)
			assert.Len(t, f.refunds, 2)
		})
	}
}

func errKind(err error) error {
	var e *acquiring.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return nil
}

// The answer is lost and the way to find out is lost too: nothing is sent again
// until it is found out.
func TestRefundFindsOutBeforeItRepeats(t *testing.T) {
	f := newFake(t)
	a := f.client(func(c *Config) { c.Store = NewMemoryStore(0) }).Acquirer()
	inv := issue(t, a, "A-1", money.RUB(1000, 0))
	f.Pay(inv.ID)
	ctx, cancel := context.WithCancel(bg(t))
	f.fail("/change/payment/reverse/", lost)
	f.fail("/info/refunds/bypaymentid/", 0, page)
	_, err := a.Refund(ctx, refundOf(inv.ID, "k1", money.RUB(200, 0)))
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	cancel()
	f.fail("/info/refunds/bypaymentid/", page)
	_, err = a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	wantError(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	r, err := a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	require.NoError(t, err)
	assert.Len(t, f.refunds, 1)
	assert.Equal(t, f.refunds[0]["id"], r.ID)
	assert.Len(t, f.calls("/change/payment/reverse/"), 1)
}

func TestRefundAfterRestart(t *testing.T) {
	f := newFake(t)
	inv := issue(t, f.client().Acquirer(), "A-1", money.RUB(1000, 0))
	f.Pay(inv.ID)
	_, err := f.client().Acquirer().Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	require.NoError(t, err)
	// Another process, with nothing remembered: it may be the same refund.
	_, err = f.client().Acquirer().Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	e := wantError(t, err, acquiring.ErrDuplicate, acquiring.OutcomeNotSent)
	assert.Contains(t, e.Hint, "Config.Store")
	// Another sum, or the rest, is no question.
	_, err = f.client().Acquirer().Refund(bg(t), refundOf(inv.ID, "k2", money.RUB(300, 0)))
	require.NoError(t, err)

	// With a store that lasts nothing is in doubt.
	store := NewMemoryStore(0)
	lasting := func() *Acquirer { return f.client(func(c *Config) { c.Store = store }).Acquirer() }
	first, err := lasting().Refund(bg(t), refundOf(inv.ID, "k3", money.RUB(100, 0)))
	require.NoError(t, err)
	again, err := lasting().Refund(bg(t), refundOf(inv.ID, "k3", money.RUB(100, 0)))
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)
	other, err := lasting().Refund(bg(t), refundOf(inv.ID, "k4", money.RUB(100, 0)))
	require.NoError(t, err)
	assert.NotEqual(t, first.ID, other.ID)
	assert.Len(t, f.refunds, 4)
}

// A process that died in the middle of a refund left its intent; for a while
// it may still be at work.
func TestRefundOfAnotherProcess(t *testing.T) {
	f := newFake(t)
	store := NewMemoryStore(0)
	now := today
	client := func() *Acquirer {
		return f.client(func(c *Config) { c.Store, c.Now = store, func() time.Time { return now } }).Acquirer()
	}
	inv := issue(t, client(), "A-1", money.RUB(1000, 0))
	f.Pay(inv.ID)
	f.fail("/change/payment/reverse/", drop)
	_, err := client().Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	_, err = client().Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeUnknown)
	now = now.Add(inFlight)
	_, err = client().Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	require.NoError(t, err)
	assert.Len(t, f.refunds, 1)
}

func TestConcurrentRefundsOfOneKey(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(1000, 0))
	f.Pay(inv.ID)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, f.refunds, 1)
}

func TestRefundWaitsForAnother(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(1000, 0))
	id := f.Pay(inv.ID)
	f.mu.Lock()
	f.refunds = append(f.refunds, obj{"id": "7", "payment_id": string(id), "amount": "1.00", "status": "started"})
	f.mu.Unlock()
	_, err := a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	f.mu.Lock()
	f.refunds[0]["status"] = "failed"
	f.mu.Unlock()
	f.set(id, "status", "refunding")
	_, err = a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	f.set(id, "status", "success")
	f.answers["/change/payment/reverse/"] = `{"result":"fail","msg":"Сумма превышает остаток"}`
	_, err = a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	delete(f.answers, "/change/payment/reverse/")
	_, err = a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	require.NoError(t, err, "what was refused may be tried again under its key")
	assert.Equal(t, acquiring.RefundPending, refundStatus("started"))
	assert.Equal(t, acquiring.RefundFailed, refundStatus("failed"))
	assert.Equal(t, acquiring.RefundUnknown, refundStatus("?"))
}

func TestQR(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	qr, err := a.CreateQR(bg(t), order("A-1", money.RUB(100, 0)))
	require.NoError(t, err)
	assert.Equal(t, "https://qr.nspk.ru/AS10003P3RH0LJ2A9ROO038L6NT5RU1M?type=01", qr.Payload)
	assert.Equal(t, "AS10003P3RH0LJ2A9ROO038L6NT5RU1M", qr.ID)
	assert.Equal(t, "image/png", qr.ImageType)
	call := f.calls("/bill/")[0]
	assert.Equal(t, "pstype=sbp_default&returnFormat=json", call.query)
	req := order("A-1", money.RUB(100, 0))
	req.Methods = []acquiring.Method{acquiring.MethodSBP}
	inv, err := a.CreateInvoice(bg(t), req)
	require.NoError(t, err)
	assert.Equal(t, qr.PaymentID, inv.ID)
	assert.Equal(t, qr.Payload, inv.QR.Payload)
	assert.Len(t, f.invoices, 1)
	f.answers["/bill/"+string(inv.ID)+"/"] = `{"result":"success","payload":"https://nspk.ru.evil.example/x"}`
	_, err = a.CreateQR(bg(t), order("A-1", money.RUB(100, 0)))
	e := wantError(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	assert.Contains(t, e.Hint, string(inv.ID))
	req.Methods = []acquiring.Method{acquiring.MethodCard}
	_, err = a.CreateQR(bg(t), req)
	wantField(t, err, "Methods")
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	require.NoError(t, f.client().Acquirer().Check(bg(t)))
	f.answers["/info/systems/list/"] = `[]`
	wantError(t, f.client().Acquirer().Check(bg(t)), acquiring.ErrConflict, acquiring.OutcomeRejected)
	wrong := f.client(func(c *Config) { c.Password = "wrong" })
	e := wantError(t, wrong.Acquirer().Check(bg(t)), acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
	assert.Contains(t, e.Hint, "Config.Password")
	f.answers["/info/settings/token/"] = `{}`
	require.ErrorIs(t, f.client().Acquirer().Check(bg(t)), acquiring.ErrNotFound)
	f.answers["/info/settings/token/"] = `{"token":""}`
	wantError(t, f.client().Acquirer().Check(bg(t)), acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
}

// A payment is listed in the hour in which it was begun, though its invoice is
// days older: no window leaves it out.
func TestPaymentsByTheirOwnTime(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(100, 0))
	f.invoices[0]["created_datetime"] = "2026-11-15 10:00:00"
	f.Pay(inv.ID)
	n := 0
	for p, err := range a.Payments(bg(t), acquiring.Filter{From: today.Add(-time.Hour), To: today.Add(time.Hour)}) {
		require.NoError(t, err)
		assert.Equal(t, inv.ID, p.ID)
		n++
	}
	assert.Equal(t, 1, n)
	for range a.Payments(bg(t), acquiring.Filter{From: today.Add(-7 * 24 * time.Hour), To: today.Add(-5 * 24 * time.Hour)}) {
		t.Error("the payment is not of these days")
	}
}

// Nothing is issued while it cannot be found out whether the order has an
// invoice already.
func TestCreateInvoiceBlind(t *testing.T) {
	f := newFake(t)
	f.fail("/info/invoice/search/", page)
	_, err := f.client().Acquirer().CreateInvoice(bg(t), order("A-1", money.RUB(100, 0)))
	wantError(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	assert.Empty(t, f.invoices)
}

// A service whose search of invoices finds nothing, because its parameters are
// other ones: an order gets one invoice nevertheless, and the payment of it
// goes by the invoice's number.
func TestInvoiceFoundWhereTheSearchFindsNothing(t *testing.T) {
	f := newFake(t)
	f.answers["/info/invoice/search/"] = `[]`
	f.fail("/change/invoice/preview/", lost)
	inv, err := f.client().Acquirer().CreateInvoice(bg(t), order("A-1", money.RUB(1499, 90)))
	require.NoError(t, err)
	again, err := f.client().Acquirer().CreateInvoice(bg(t), order("A-1", money.RUB(1499, 90)))
	require.NoError(t, err)
	assert.Equal(t, inv.ID, again.ID)
	require.Len(t, f.invoices, 1)

	f.Pay(inv.ID)
	found, err := f.client().Acquirer().FindByOrder(bg(t), "A-1")
	require.NoError(t, err)
	assert.Equal(t, inv.ID, found.ID)

	// A search that finds is tried once, and then believed.
	f = newFake(t)
	a := f.client().Acquirer()
	for _, id := range []string{"A-1", "A-2", "A-3"} {
		_, err := a.CreateInvoice(bg(t), order(id, money.RUB(1499, 90)))
		require.NoError(t, err)
	}
	assert.Len(t, f.calls("/info/invoice/list/"), 2)
	assert.Len(t, f.calls("/info/invoice/search/"), 4)
}
