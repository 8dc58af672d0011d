package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/examples/internal/sandbox"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

func (w *world) postings(client int64) []store.Posting {
	w.t.Helper()
	all, err := w.store.Postings(w.t.Context(), w.store.DB, store.PostingFilter{ClientID: client})
	require.NoError(w.t, err)
	return all
}

func TestForgedCallbackChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	for _, provider := range []string{"sberbank", "alfabank", "paymaster", "paymaster-classic", "tochka", "paykeeper"} {
		shop, client := w.shop(provider), w.client("Клиент "+provider)
		i := w.invoice(client, shop, "500")
		w.open(i)
		a := w.attempt(i.ID)
		hook := w.shops.HookURL(shop)
		forms := []url.Values{
			{"mdOrder": {string(a.PaymentID)}, "orderNumber": {a.OrderID}, "operation": {"deposited"}, "status": {"1"}, "checksum": {strings.Repeat("AB", 32)}},
			{"LMI_MERCHANT_ID": {shop.Settings.Fields["merchant"]}, "LMI_PAYMENT_NO": {a.OrderID}, "LMI_SYS_PAYMENT_ID": {"1"}, "LMI_SYS_PAYMENT_DATE": {"2026-01-01T00:00:00"}, "LMI_PAYMENT_AMOUNT": {"500.00"}, "LMI_CURRENCY": {"RUB"}, "LMI_PAID_AMOUNT": {"500.00"}, "LMI_PAID_CURRENCY": {"RUB"}, "LMI_HASH": {"AAAA"}},
			{"id": {"77"}, "sum": {"500.00"}, "clientid": {"x"}, "orderid": {a.OrderID}, "key": {strings.Repeat("0", 32)}},
		}
		for _, form := range forms {
			code, _, _ := newVisitor(t, w.url).do(http.MethodPost, hook, form)
			require.NotEqual(t, http.StatusOK, code, "%s %v", provider, form)
		}
		require.Equal(t, "pending", w.read(i.ID).Status.String(), provider)
		require.Empty(t, w.postings(client), provider)
		// A genuine notification, changed on the way.
		w.pay(i, shop)
		require.Eventually(t, func() bool { return w.read(i.ID).Status.String() != "pending" }, 10*time.Second, 10*time.Millisecond, provider)
		before, balance := len(w.postings(client)), w.balance(client)
		for _, d := range w.bank.Emulator(sandboxOf(provider)).Deliveries() {
			if d.URL == hook || strings.HasPrefix(d.URL, hook+"?") {
				require.NoError(t, w.bank.Emulator(sandboxOf(provider)).Forge(d.ID), provider)
			}
		}
		require.Len(t, w.postings(client), before, provider)
		require.Equal(t, balance, w.balance(client), provider)
	}
	require.Contains(t, plain(w.staff.get("/journal")), "не прошло проверку подлинности")
	code, _, _ := newVisitor(t, w.url).do(http.MethodPost, "/hooks/"+strings.Repeat("a", 32), url.Values{"a": {"b"}})
	require.Equal(t, http.StatusNotFound, code)
}

func sandboxOf(provider string) sandbox.Provider {
	return sandbox.Provider(strings.TrimSuffix(strings.TrimSuffix(provider, "-legacy"), "-classic"))
}

func TestLostCallbackIsFoundByThePoller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 50*time.Millisecond)
	for _, provider := range []string{"sberbank", "tochka", "paykeeper"} {
		w.bank.Emulator(sandboxOf(provider)).Mischief(emulator.Mischief{Lose: -1})
		shop, client := w.shop(provider), w.client("Клиент "+provider)
		i := w.invoice(client, shop, "700")
		w.pay(i, shop)
		w.until(i.ID, "paid")
		require.Equal(t, money.RUB(700, 0), w.balance(client), provider)
		require.Contains(t, plain(w.staff.get(fmt.Sprintf("/invoices/%d", i.ID))), "опрос банка")
	}
}

func TestRepeatedCallbacksCreditOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 50*time.Millisecond) // the poller asks besides
	for _, provider := range []string{"sberbank", "alfabank", "paymaster", "paymaster-classic", "tochka", "paykeeper"} {
		bank := w.bank.Emulator(sandboxOf(provider))
		bank.Mischief(emulator.Mischief{Duplicates: 4})
		form := w.settingsForm(provider, "jwt", "none")
		shop := w.newShop(form)
		switch provider {
		case "paykeeper":
			require.NoError(t, w.bank.SetCallbackURL(sandbox.PayKeeper, w.shops.HookURL(shop)))
		case "tochka":
			require.NoError(t, w.shops.Subscribe(t.Context(), shop))
		}
		client := w.client("Клиент " + provider)
		i := w.invoice(client, shop, "700")
		w.pay(i, shop)
		w.until(i.ID, "paid")
		bank.Deliver()
		for _, d := range bank.Deliveries() {
			if d.Order != "" && !d.Forged {
				require.NoError(t, bank.Resend(d.ID), provider)
				break
			}
		}
		require.Len(t, w.postings(client), 1, provider)
		require.Equal(t, money.RUB(700, 0), w.balance(client), provider)
	}
}

func TestDoubleClickRefundsOnce(t *testing.T) {
	t.Parallel()
	newWorld(t, time.Hour).doubleClicks("sberbank", "paymaster", "tochka", "paykeeper")
}

// doubleClicks sends the form of a refund several times at once.
func (w *world) doubleClicks(providers ...string) {
	t := w.t
	t.Helper()
	for _, provider := range providers {
		shop, client := w.shop(provider), w.client("Клиент "+provider)
		i := w.invoice(client, shop, "900")
		w.pay(i, shop)
		w.until(i.ID, "paid")
		a := w.attempt(i.ID)
		page := fmt.Sprintf("/attempts/%d/refund", a.ID)
		text := w.staff.get(page)
		form := url.Values{"csrf": {csrfInput.FindStringSubmatch(text)[1]}, "form": {formInput.FindStringSubmatch(text)[1]}, "amount": {"300"}, "sure": {"yes"}}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				resp, err := w.staff.http.PostForm(w.url+page, form)
				if err == nil {
					_ = resp.Body.Close()
				}
			})
		}
		wg.Wait()
		w.until(i.ID, "partially_refunded")
		refunds, err := w.store.Refunds(t.Context(), w.store.DB, a.ID)
		require.NoError(t, err)
		require.Len(t, refunds, 1, provider)
		require.Equal(t, money.RUB(600, 0), w.balance(client), provider)
		// More than what is left is refused before the bank hears of it.
		text = w.staff.get(page)
		w.staff.must(page, page, url.Values{"form": {formInput.FindStringSubmatch(text)[1]}, "amount": {"601"}, "sure": {"yes"}})
		require.Contains(t, plain(w.staff.get(fmt.Sprintf("/invoices/%d", i.ID))), "Вернуть можно от 0,01 до 600")
	}
}

// TestDoubleClickIssuesOneInvoice: a client who got two would pay two.
func TestDoubleClickIssuesOneInvoice(t *testing.T) {
	t.Parallel()
	newWorld(t, time.Hour).doubleInvoices()
}

// doubleInvoices sends the form of an invoice, and that of a top-up, several
// times at once.
func (w *world) doubleInvoices() {
	t := w.t
	t.Helper()
	shop, client := w.shop("sberbank"), w.client("Мария Воронова")
	count := func() int {
		all, err := w.store.Invoices(t.Context(), w.store.DB, store.InvoiceFilter{ClientID: client})
		require.NoError(t, err)
		return len(all)
	}
	page := fmt.Sprintf("/clients/%d", client)
	own := regexp.MustCompile(`id="client-link" readonly value="([^"]+)"`).FindStringSubmatch(w.staff.get(page))[1]
	own = strings.TrimPrefix(own, w.url)
	for n, at := range [][2]string{{page, "/invoices"}, {own, own + "/topup"}} {
		text := w.staff.get(at[0])
		form := url.Values{"csrf": {csrfInput.FindAllStringSubmatch(text, -1)[len(csrfInput.FindAllStringSubmatch(text, -1))-1][1]}, "form": {formInput.FindStringSubmatch(text)[1]}, "client": {fmt.Sprint(client)}, "shop": {fmt.Sprint(shop.ID)}, "amount": {"300"}, "description": {"Занятия"}}
		var wg sync.WaitGroup
		var mu sync.Mutex
		went := map[string]int{}
		for range 6 {
			wg.Go(func() {
				resp, err := w.staff.http.PostForm(w.url+at[1], form)
				if err == nil {
					_ = resp.Body.Close()
					mu.Lock()
					went[resp.Header.Get("Location")]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		require.Len(t, went, 1, "all clicks come to the same invoice")
		require.Equal(t, n+1, count())
		// Another sum by the same page is another invoice, which it does not make.
		form.Set("amount", "400")
		code, _, _ := w.staff.do(http.MethodPost, at[1], form)
		require.Equal(t, http.StatusUnprocessableEntity, code)
		require.Equal(t, n+1, count())
	}
}

// TestTwoShopsOfOneBank: what one shop's key signed means nothing at the
// address of the other.
func TestTwoShopsOfOneBank(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	other := sberbanktest.NewServer(sberbanktest.WithMerchant(sberbanktest.Merchant{UserName: "other-api", Password: "Other-Password-2", Shop: "Филиал",
		Callbacks: sberbanktest.CallbackSettings{Crypto: sberbanktest.CryptoHMAC, Key: "another-callback-key"}}))
	t.Cleanup(other.Close)
	form := w.settingsForm("sberbank", "", "none")
	c := other.Config()
	for key, value := range map[string]string{"login": c.UserName, "password": c.Password, "callback_key": c.CallbackKey, "base_url": c.BaseURL, "order_prefix": "B-"} {
		form.Set(key, value)
	}
	first, second := w.shop("sberbank"), w.newShop(form)
	client := w.client("Елена Морозова")
	i := w.invoice(client, second, "800")
	w.open(i)
	other.Mischief(sberbanktest.Mischief{Lose: 1})
	require.NoError(t, other.Pay(string(w.attempt(i.ID).PaymentID)))
	other.Deliver()
	var deposited *sberbanktest.Delivery
	for _, d := range other.Deliveries() {
		deposited = &d
	}
	require.NotNil(t, deposited)
	sent := deposited.Request()
	// The genuine notification of the second shop, brought to the first one's
	// address.
	wrong, err := http.NewRequest(sent.Method, w.shops.HookURL(first)+"?"+sent.URL.RawQuery, sent.Body)
	require.NoError(t, err)
	wrong.Header = sent.Header
	resp, err := http.DefaultClient.Do(wrong)
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	require.Equal(t, "pending", w.read(i.ID).Status.String())
	// At its own address it is good.
	require.NoError(t, other.Resend(string(w.attempt(i.ID).PaymentID)))
	w.until(i.ID, "paid")
	require.Equal(t, money.RUB(800, 0), w.balance(client))
}

func TestExpiredSessionBeginsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	for _, provider := range []string{"sberbank", "alfabank", "paymaster", "tochka", "paykeeper"} {
		shop, client := w.shop(provider), w.client("Клиент "+provider)
		i := w.invoice(client, shop, "600")
		link := w.open(i)
		require.Equal(t, link, w.open(i), "the same session while it lives: %s", provider)
		old := w.attempt(i.ID)
		bank, ok := w.bank.Emulator(sandboxOf(provider)).(interface{ Expire(string) error })
		require.True(t, ok)
		require.NoError(t, bank.Expire(string(old.PaymentID)), provider)
		require.NotEqual(t, link, w.open(i), provider)
		next := w.attempt(i.ID)
		require.Equal(t, old.OrderID+"_2", next.OrderID)
		require.NoError(t, w.demo.PayInSandbox(shop, next), provider)
		want := "paid"
		if shop.Settings.TwoStage {
			want = "authorized"
		}
		w.until(i.ID, want)
	}
}

// TestUnknownOutcome: an answer that was lost is shown as such, and «Проверить»
// finds out without a second refund.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	shop, client := w.shop("sberbank"), w.client("Дмитрий Лебедев")
	i := w.invoice(client, shop, "1000")
	w.pay(i, shop)
	w.until(i.ID, "paid")
	a := w.attempt(i.ID)
	w.bank.Sberbank.Fail(emulator.Fault{Op: "refund.do", Kind: emulator.Cut, Times: -1})
	w.bank.Sberbank.Fail(emulator.Fault{Op: "getOrderStatusExtended.do", Kind: emulator.ServerError, Status: 503, Times: -1})
	w.giveBack(a.ID, "400")
	page := fmt.Sprintf("/invoices/%d", i.ID)
	require.Contains(t, plain(w.staff.get(page)), "исход неизвестен")
	refunds, err := w.store.Refunds(t.Context(), w.store.DB, a.ID)
	require.NoError(t, err)
	require.Len(t, refunds, 1)
	w.bank.Sberbank.ClearFaults()
	w.staff.must(page, fmt.Sprintf("/refunds/%d/check", refunds[0].ID), nil)
	w.until(i.ID, "partially_refunded")
	order, ok := w.bank.Sberbank.Order(string(a.PaymentID))
	require.True(t, ok)
	require.Equal(t, money.RUB(400, 0), order.Refunded)
	require.Equal(t, money.RUB(600, 0), w.balance(client))
}

// TestUnknownTwin: two refunds of one sum, and PayMaster does not tell which of
// them a key made.
func TestUnknownTwin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	shop, client := w.shop("paymaster"), w.client("Дмитрий Лебедев")
	i := w.invoice(client, shop, "1000")
	w.pay(i, shop)
	w.until(i.ID, "paid")
	a, bank := w.attempt(i.ID), w.bank.PayMaster
	w.giveBack(a.ID, "400")
	w.until(i.ID, "partially_refunded")
	bank.Fail(emulator.Fault{Op: "POST /refunds", Kind: emulator.LostAnswer, Times: -1})
	bank.Fail(emulator.Fault{Op: "GET /refunds", Kind: emulator.ServerError, Status: 503, Times: -1})
	w.giveBack(a.ID, "400")
	page := fmt.Sprintf("/invoices/%d", i.ID)
	require.Contains(t, plain(w.staff.get(page)), "исход неизвестен")
	bank.ClearFaults()
	refunds := func() []store.Refund {
		all, err := w.store.Refunds(t.Context(), w.store.DB, a.ID)
		require.NoError(t, err)
		require.Len(t, all, 2)
		return all
	}
	w.staff.must(page, fmt.Sprintf("/refunds/%d/check", refunds()[1].ID), nil)
	first, second := refunds()[0], refunds()[1]
	require.NotContains(t, []string{store.RefundFailed, store.RefundUnclear}, second.Status, second.Trouble)
	require.NotEmpty(t, second.ProviderID)
	require.NotEqual(t, first.ProviderID, second.ProviderID)
	require.Equal(t, money.RUB(200, 0), w.balance(client))
}

func TestUnknownInvoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	shop, client := w.shop("sberbank"), w.client("Анна Котова")
	i := w.invoice(client, shop, "1000")
	w.bank.Sberbank.Fail(emulator.Fault{Op: "register.do", Kind: emulator.Cut, Times: -1})
	w.bank.Sberbank.Fail(emulator.Fault{Op: "getOrderStatusExtended.do", Kind: emulator.ServerError, Status: 503, Times: -1})
	payer := newVisitor(t, w.url)
	code, body, _ := payer.send("/p/"+i.Short, "/p/"+i.Short+"/pay", nil)
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, plain(body), "неизвестно, создан ли платёж")
	page := fmt.Sprintf("/invoices/%d", i.ID)
	require.Contains(t, w.staff.get(page), `data-test="unknown"`)
	w.bank.Sberbank.ClearFaults()
	w.pay(i, shop)
	w.until(i.ID, "paid")
	require.Equal(t, money.RUB(1000, 0), w.balance(client))
}

func TestRestartContinues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 50*time.Millisecond)
	shop, client := w.shop("sberbank"), w.client("Павел Орлов")
	i := w.invoice(client, shop, "1200")
	w.open(i)
	address := strings.TrimPrefix(w.url, "http://")
	w.stop()
	// The customer pays while the CRM is down: nobody takes the callback.
	a := w.paidWhileDown(i, shop)
	w.start(address, 50*time.Millisecond)
	w.until(i.ID, "paid")
	require.Equal(t, money.RUB(1200, 0), w.balance(client))
	require.Equal(t, a.OrderID, w.attempt(i.ID).OrderID)
	// A session of before the restart would still be good: the cookie is all
	// that a browser has.
	require.Len(t, w.postings(client), 1)
}

// paidWhileDown reads the attempt from the file and pays it.
func (w *world) paidWhileDown(i store.Invoice, shop store.Shop) store.Attempt {
	s, err := store.Open(w.t.Context(), w.db)
	require.NoError(w.t, err)
	defer s.Close()
	all, err := s.Attempts(w.t.Context(), s.DB, i.ID)
	require.NoError(w.t, err)
	require.NoError(w.t, w.demo.PayInSandbox(shop, all[0]))
	return all[0]
}

func TestTwoHundredCustomers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2*time.Second)
	w.customersPay(200)
}

// customersPay lets so many customers pay at once, in bad weather, and compares
// the CRM's books with the banks'.
func (w *world) customersPay(customers int) {
	t := w.t
	t.Helper()
	providers := []string{"sberbank", "alfabank", "paymaster", "tochka", "paykeeper"}
	rows := map[string]store.Shop{}
	for _, p := range providers {
		form := w.settingsForm(p, "jwt", "none")
		rows[p] = w.newShop(form)
		switch p {
		case "paykeeper":
			require.NoError(t, w.bank.SetCallbackURL(sandbox.PayKeeper, w.shops.HookURL(rows[p])))
		case "tochka":
			require.NoError(t, w.shops.Subscribe(t.Context(), rows[p]))
		}
		// Bad weather: copies, and every tenth or so is lost.
		w.bank.Emulator(sandboxOf(p)).Mischief(emulator.Mischief{Duplicates: 1, Lose: 4})
	}
	clients := make([]int64, 20)
	for i := range clients {
		clients[i] = w.client(fmt.Sprintf("Клиент %d", i))
	}
	invoices := make([]store.Invoice, customers)
	for n := range invoices {
		invoices[n] = w.invoice(clients[n%len(clients)], rows[providers[n%len(providers)]], fmt.Sprintf("%d,%02d", 100+n, n%100))
	}
	var wg sync.WaitGroup
	errs := make(chan error, customers)
	for n := range invoices {
		wg.Go(func() {
			i, shop := invoices[n], rows[providers[n%len(providers)]]
			v := newVisitor(t, w.url)
			token := csrfInput.FindStringSubmatch(v.get("/p/" + i.Short))
			resp, err := v.http.PostForm(w.url+"/p/"+i.Short+"/pay", url.Values{"csrf": {token[1]}})
			if err != nil {
				errs <- err
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusSeeOther {
				errs <- fmt.Errorf("invoice %d: HTTP %d", i.ID, resp.StatusCode)
				return
			}
			attempts, err := w.store.Attempts(t.Context(), w.store.DB, i.ID)
			if err == nil {
				err = w.demo.PayInSandbox(shop, attempts[len(attempts)-1])
			}
			if err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	var want money.Amount
	for _, i := range invoices {
		want += i.Amount
	}
	require.Eventually(t, func() bool {
		n := 0
		err := w.store.DB.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM invoices WHERE status = 'paid' AND id >= $1`, invoices[0].ID).Scan(&n)
		require.NoError(t, err)
		return n == customers
	}, 60*time.Second, 200*time.Millisecond)
	// The CRM's books against the banks' own, order by order.
	var booked money.Amount
	for n, i := range invoices {
		a := w.attempt(i.ID)
		require.Equal(t, i.Amount, a.Captured)
		bank := w.bank.Emulator(sandboxOf(providers[n%len(providers)])).(interface {
			Order(string) (emulator.Order, bool)
		})
		order, ok := bank.Order(string(a.PaymentID))
		require.True(t, ok)
		require.Equal(t, order.Captured, a.Captured, a.OrderID)
		booked += order.Captured
	}
	var ledger, postings money.Amount
	require.NoError(t, w.store.DB.QueryRowContext(t.Context(), `SELECT SUM(amount), COUNT(*) FROM postings`).Scan(&ledger, &postings))
	require.Equal(t, want, ledger)
	require.Equal(t, booked, ledger)
	require.EqualValues(t, customers, postings)
}

// TestPaidTwice: a session that was thought dead is paid after the next one.
// The money is the client's all the same, and somebody is told.
func TestPaidTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	shop, client := w.shop("sberbank"), w.client("Анна Котова")
	i := w.invoice(client, shop, "500")
	w.open(i)
	first := w.attempt(i.ID)
	first.Status = acquiring.StatusDeclined // a failed try, as the bank told it; its page still lives
	require.NoError(t, w.store.SaveAttempt(t.Context(), w.store.DB, first))
	w.open(i)
	second := w.attempt(i.ID)
	require.NotEqual(t, first.ID, second.ID)
	require.NoError(t, w.demo.PayInSandbox(shop, second))
	w.until(i.ID, "paid")
	require.NoError(t, w.demo.PayInSandbox(shop, first))
	require.Eventually(t, func() bool { return w.read(i.ID).Captured == money.RUB(1000, 0) }, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, money.RUB(1000, 0), w.balance(client))
	require.Contains(t, plain(w.staff.get(fmt.Sprintf("/invoices/%d", i.ID))), "оплачен дважды")
}
