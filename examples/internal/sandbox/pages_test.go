package sandbox

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
)

// browser is a person before the pages.
type browser struct {
	t *testing.T
	s *Sandbox
}

func open(t *testing.T, s *Sandbox) *browser { return &browser{t, s} }

// look asks for a page and checks that it was drawn whole.
func (b *browser) look(path string) string {
	b.t.Helper()
	resp, err := http.Get(b.s.URL + path)
	require.NoError(b.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	_ = resp.Body.Close()
	require.Equal(b.t, http.StatusOK, resp.StatusCode, "%s: %s", path, body)
	page := string(body)
	require.True(b.t, strings.Contains(page, "</html>"), path)
	for _, bad := range []string{"<no value>", "%!", "ZgotmplZ", "&lt;nil&gt;", "template:"} {
		require.False(b.t, strings.Contains(page, bad), "%s shows %q", path, bad)
	}
	return page
}

// fetch gets a page of a provider's.
func (b *browser) fetch(address string) string {
	b.t.Helper()
	require.True(b.t, strings.HasPrefix(address, b.s.URL+"/"), address)
	resp, err := http.Get(address)
	require.NoError(b.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	_ = resp.Body.Close()
	require.Equal(b.t, http.StatusOK, resp.StatusCode, address)
	return string(body)
}

// shows and hides say what is on a page without printing all of it.
func (b *browser) shows(page, want string) {
	b.t.Helper()
	assert.True(b.t, strings.Contains(page, want) || strings.Contains(html.UnescapeString(page), want), "the page does not show %q", want)
}

func (b *browser) hides(page, secret string) {
	b.t.Helper()
	assert.False(b.t, strings.Contains(html.UnescapeString(page), secret), "the page shows %q", secret)
}

// press posts a form as a browser on the page does, and follows the redirect.
func (b *browser) press(path string, form url.Values) (where, page string) {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.s.URL+path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.s.URL)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(b.t, err)
	_ = resp.Body.Close()
	require.Equal(b.t, http.StatusSeeOther, resp.StatusCode, path)
	where = resp.Header.Get("Location")
	return where, b.look(where)
}

var said = regexp.MustCompile(`<p class="flash( bad)?" role="status">([^<]*)</p>`)

// does presses a button that must do what it says.
func (b *browser) does(path string, form url.Values) (where, page string) {
	b.t.Helper()
	where, page = b.press(path, form)
	flash := said.FindStringSubmatch(page)
	require.NotNil(b.t, flash, path)
	require.Empty(b.t, flash[1], "%s: %s", path, flash[2])
	where, _, _ = strings.Cut(where, "said=")
	return strings.TrimRight(where, "?&"), page
}

// refuses presses one that must not.
func (b *browser) refuses(path string, form url.Values) string {
	b.t.Helper()
	_, page := b.press(path, form)
	flash := said.FindStringSubmatch(page)
	require.NotNil(b.t, flash, path)
	require.NotEmpty(b.t, flash[1], "%s: %s", path, flash[2])
	return flash[2]
}

func (b *browser) order(way string, more ...string) string {
	b.t.Helper()
	form := url.Values{"way": {way}, "sum": {"1500,50"}, "description": {"Курс <английского> & ко"}}
	for _, m := range more {
		form.Set(m, "1")
	}
	where, _ := b.does("/orders", form)
	return where
}

// at is the order of a page.
func (b *browser) at(path string) Order {
	b.t.Helper()
	parts := strings.Split(path, "/")
	id, err := url.PathUnescape(parts[3])
	require.NoError(b.t, err)
	o, ok := b.s.order(Provider(parts[2]), id)
	require.True(b.t, ok)
	return o
}

// trialStart is a sandbox with its own shop, on a clock that stands still.
func trialStart(t *testing.T) *Sandbox {
	t.Helper()
	s, err := Start("", Options{TrialShop: true, Clock: emulator.NewClock(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)), Seed: 7})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// TestButtonsDoWhatTheySay goes through the life of orders of every provider
// by the pages alone; every page is drawn in every state.
func TestButtonsDoWhatTheySay(t *testing.T) {
	for _, w := range allWays() {
		t.Run(w.Key(), func(t *testing.T) {
			t.Parallel()
			s := trialStart(t)
			b := open(t, s)
			key := w.Key()

			// Paid, given back in part and whole, with receipts.
			path := b.order(key, "receipt")
			page := b.look(path)
			b.shows(page, "Ждёт оплаты")
			b.shows(page, b.at(path).Link)
			b.shows(page, "data:image/svg+xml;base64,")
			link, err := http.Get(b.at(path).Link)
			require.NoError(t, err)
			_ = link.Body.Close()
			require.Equal(t, http.StatusOK, link.StatusCode)
			b.does(path+"/pay", nil)
			assert.Equal(t, money.RUB(1500, 50), b.at(path).Captured)
			s.Advance(10 * time.Second)
			callbacks := s.callbacksOf(b.at(path))
			require.NotEmpty(t, callbacks)
			assert.Equal(t, "Принято", callbacks[len(callbacks)-1].Status().Words, "%s", callbacks[len(callbacks)-1].Answer().Answer)
			require.NotEmpty(t, s.receiptsOf(b.at(path)))
			b.does(path+"/refund", url.Values{"sum": {"500"}})
			s.Advance(10 * time.Second)
			if w.Provider == Tochka {
				b.does(path+"/settle", nil)
			}
			assert.Equal(t, money.RUB(500, 0), b.at(path).Refunded)
			b.look(path)
			b.does(path+"/refund", nil)
			s.Advance(4 * 24 * time.Hour)
			assert.Equal(t, money.RUB(1500, 50), b.at(path).Refunded)
			b.shows(b.look(path), "Возвращён")
			for _, r := range s.receiptsOf(b.at(path)) {
				page := b.look(r.Path())
				b.shows(page, "Курс &lt;английского&gt; &amp; ко")
				b.shows(page, "НДС 22%")
				assert.Equal(t, r.Silent(), !strings.Contains(page, "ФПД"))
				if r.Fiscal.URL != "" {
					b.shows(b.fetch(r.Fiscal.URL), r.QR())
				}
			}

			// A callback again, and a forged one.
			before := len(s.Callbacks())
			b.does(path+"/resend", nil)
			b.does(path+"/forge", nil)
			b.does(callbacks[0].Path()+"/resend", nil)
			b.does(callbacks[0].Path()+"/forge", url.Values{"from": {"/callbacks?p=" + string(w.Provider)}})
			s.Advance(time.Second)
			all := s.Callbacks()
			assert.GreaterOrEqual(t, len(all), before+4)
			forged := 0
			for _, c := range all {
				b.look(c.Path())
				if c.Forged {
					forged++
					assert.Equal(t, "Подделка отвергнута", c.Status().Words, "%s %s", c.URL, c.Body)
				}
			}
			assert.Equal(t, 2, forged)

			// Declined, expired, by SBP, a hold taken in part, a hold let go.
			path = b.order(key)
			b.does(path+"/decline", nil)
			b.look(path)
			assert.Zero(t, b.at(path).Captured)
			path = b.order(key)
			b.does(path+"/expire", nil)
			b.look(path)
			assert.False(t, b.at(path).Payable())
			b.refuses(path+"/pay", nil)
			if w.Protocol != "classic" {
				path = b.order(key, "sbp")
				b.does(path+"/sbp", nil)
				assert.Equal(t, money.RUB(1500, 50), b.at(path).Captured)
			}
			if w.Provider == PayKeeper {
				assert.Contains(t, b.refuses("/orders", url.Values{"way": {key}, "sum": {"10"}, "hold": {"1"}}), "две стадии")
				b.does("/connect/paykeeper/stages", url.Values{"on": {"1"}})
				assert.True(t, s.PayKeeperConfig().TwoStage)
				assert.True(t, b.at(b.order(key)).TwoStage, "asked for or not")
			}
			path = b.order(key, "hold")
			b.shows(b.look(path), "Оплатить картой (холд)")
			b.does(path+"/pay", nil)
			s.Advance(time.Second) // PayKeeper's hold is known by its callback
			assert.Equal(t, money.RUB(1500, 50), b.at(path).Held())
			b.shows(b.look(path), "Холд")
			if !w.Captures() {
				b.does(path+"/capture", nil)
				assert.Equal(t, money.RUB(1500, 50), b.at(path).Captured)
				return
			}
			b.does(path+"/capture", url.Values{"sum": {"1000"}})
			assert.Equal(t, money.RUB(1000, 0), b.at(path).Captured)
			path = b.order(key, "hold", "receipt")
			b.does(path+"/pay", nil)
			s.Advance(time.Second)
			b.does(path+"/void", nil)
			assert.Equal(t, money.RUB(1500, 50), b.at(path).Released)
			b.shows(b.look(path), "Холд отменён")
			for _, page := range []string{"/", "/receipts", "/callbacks", "/requests"} {
				b.look(page)
				b.look(page + "?p=" + string(w.Provider))
			}
		})
	}
}

// TestCodesByThemselves: an SBP code that is no payment link, at Tochka, has
// its page and its button.
func TestCodesByThemselves(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	client, err := tochka.New(s.TochkaConfig())
	require.NoError(t, err)
	code, err := client.CreateQR(context.Background(), acquiring.InvoiceRequest{OrderID: "Q-1", Amount: money.RUB(90, 0), Description: "Кофе"})
	require.NoError(t, err)
	o := s.Orders()[0]
	assert.True(t, strings.Contains(code.Payload, o.ID), code.Payload)
	page := b.look(o.Path())
	b.shows(page, "Оплатить через СБП")
	b.hides(page, "Оплатить картой")
	b.shows(b.fetch(o.Link), code.Payload)
	b.does(o.Path()+"/sbp", nil)
	assert.Equal(t, money.RUB(90, 0), b.at(o.Path()).Captured)
	b.shows(b.look(o.Path()), "Оплачен")
	b.look("/")
}

// TestRegistersPrint: a receipt by itself, its callback to the shop, its page
// with the code that the tax service's app reads, one that fails.
func TestRegistersPrint(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	for _, p := range registers() {
		form := url.Values{"provider": {string(p)}, "name": {"Занятие"}, "price": {"750,25"}, "quantity": {"2"}, "vat": {string(fiscal.VAT5)}, "email": {"client@example.com"}}
		b.does("/receipts", form)
		r := s.Receipts()[0]
		assert.Equal(t, "В очереди", r.Status().Words)
		b.does(r.Path()+"/print", nil)
		s.Advance(time.Second)
		r = s.Receipts()[0]
		require.Equal(t, "Напечатан", r.Status().Words, p)
		assert.Equal(t, money.RUB(1500, 50), r.Total)
		require.Len(t, r.Lines, 1)
		assert.Equal(t, ReceiptLine{Name: "Занятие", Price: money.RUB(750, 25), Quantity: r.Lines[0].Quantity, Sum: money.RUB(1500, 50), VAT: fiscal.VAT5}, r.Lines[0])
		assert.Equal(t, money.RUB(71, 45), r.Lines[0].VATSum())
		assert.Equal(t, "client@example.com", r.Contact)
		data, err := fiscal.ParseQR(r.QR())
		require.NoError(t, err)
		assert.Equal(t, money.RUB(1500, 50), data.Total)
		page := b.look(r.Path())
		b.shows(page, "fn="+r.Fiscal.FN)
		b.shows(page, "data:image/svg+xml;base64,")
		b.shows(b.fetch(r.Fiscal.URL), r.QR())
		b.refuses(r.Path()+"/print", nil)

		form.Set("refund", "1")
		if p != OrangeData {
			form.Set("fail", "1")
		}
		b.does("/receipts", form)
		s.Advance(time.Minute)
		r = s.Receipts()[0]
		assert.Equal(t, "Возврат прихода", r.Title())
		assert.Equal(t, p != OrangeData, r.State == emulator.ReceiptFailed)
		b.look(r.Path())
	}
	for _, c := range s.Callbacks() {
		assert.Equal(t, "Принято", c.Status().Words, c.Name())
		b.shows(b.look(c.Path()), "о чём оно")
		b.does(c.Path()+"/forge", nil)
	}
	s.Advance(time.Second)
	for _, c := range s.Callbacks() {
		if c.Forged && c.Provider == Komtet { // OrangeData signs the address, which is not changed, and the document is read back
			assert.Equal(t, "Подделка отвергнута", c.Status().Words)
		}
	}
	b.look("/receipts")
	b.look("/callbacks")
}

// TestForgedOnesAreSeen: a shop that believes everything is told on.
func TestForgedOnesAreSeen(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	naive := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer naive.Close()
	b.does("/connect/sberbank", url.Values{"url": {naive.URL + "/hook"}})
	assert.Equal(t, naive.URL+"/hook", s.CallbackURL(Sberbank))
	path := b.order("sberbank")
	b.does(path+"/pay", nil)
	s.Advance(time.Second)
	b.does(path+"/forge", nil)
	s.Advance(time.Second)
	b.shows(b.look("/callbacks?p=sberbank"), "Подделка принята!")
	b.refuses("/connect/sberbank", url.Values{"url": {"ftp://x"}})
	b.does("/connect/sberbank", url.Values{"url": {""}})
	path = b.order("sberbank")
	b.does(path+"/pay", nil)
	b.shows(b.look(path), "Адрес не задан")
}

// TestOAuthApplication: the address of an application is set as at the bank.
func TestOAuthApplication(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	b.does("/connect/tochka/redirect", url.Values{"url": {"http://127.0.0.1:8080/oauth"}})
	assert.Equal(t, "http://127.0.0.1:8080/oauth", s.TochkaOAuthConfig().RedirectURL)
	b.refuses("/connect/tochka/redirect", url.Values{"url": {"javascript:alert(1)"}})
	b.shows(b.look("/connect/tochka"), `value="http://127.0.0.1:8080/oauth"`)
}

// TestFaults: every kind of fault and every trouble of the callbacks is
// switched on, does its work, and is switched off.
func TestFaults(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	for _, k := range faultKinds {
		b.does("/faults/paykeeper/add", url.Values{"kind": {k.Key}, "times": {"1"}})
		b.shows(b.look("/faults"), "<li>"+k.Words)
		b.does("/faults/paykeeper/clear", nil)
		b.hides(b.look("/faults"), "<li>"+k.Words)
	}
	b.does("/faults/sberbank/add", url.Values{"kind": {"error"}, "status": {"503"}, "times": {"-1"}, "op": {"register.do"}})
	b.shows(b.look("/faults"), "ошибка 5xx вместо ответа (503), метод register.do — пока не выключить")
	assert.Contains(t, b.refuses("/orders", url.Values{"way": {"sberbank"}, "sum": {"10"}}), "register")
	page := b.look("/requests?p=sberbank")
	b.shows(page, "ошибка 5xx вместо ответа")
	b.does("/faults/sberbank/clear", nil)

	b.does("/faults/sberbank/callbacks", url.Values{"duplicates": {"2"}, "delay": {"30"}, "reorder": {"5"}, "forge": {"1"}})
	assert.Equal(t, emulator.Mischief{Duplicates: 2, Delay: 30 * time.Second, Reorder: 5 * time.Second, Forge: -1}, s.mischief(Sberbank))
	path := b.order("sberbank")
	b.does(path+"/pay", nil)
	s.Advance(time.Minute)
	var words []string
	for _, c := range s.callbacksOf(b.at(path)) {
		words = append(words, c.Status().Words)
		b.look(c.Path())
	}
	slices.Sort(words)
	assert.Equal(t, []string{"Подделка отвергнута", "Принято", "Принято", "Принято"}, words)
	b.does("/faults/sberbank/callbacks", url.Values{"lose": {"1"}})
	path = b.order("sberbank")
	b.does(path+"/pay", nil)
	s.Advance(time.Minute)
	b.shows(b.look(path), "Потеряно в пути")
	b.does("/faults/sberbank/callbacks", nil)
	assert.Zero(t, s.mischief(Sberbank))

	for _, bad := range []url.Values{{"kind": {"flood"}, "times": {"1"}}, {"kind": {"drop"}, "times": {"0"}}, {"kind": {"drop"}, "times": {"x"}},
		{"kind": {"delay"}, "times": {"1"}, "delay": {"-1"}}, {"kind": {"error"}, "times": {"1"}, "status": {"200"}}} {
		b.refuses("/faults/sberbank/add", bad)
	}
	for _, bad := range []url.Values{{"duplicates": {"101"}}, {"delay": {"x"}}, {"reorder": {"-5"}}} {
		b.refuses("/faults/sberbank/callbacks", bad)
	}
	b.refuses("/faults/sberbank/explode", nil)
}

// TestClock: the buttons move the clock of all providers, and what waits for
// it happens.
func TestClock(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	path := b.order("tochka", "hold")
	b.does(path+"/pay", nil)
	start := s.Clock.Now()
	where, _ := b.does("/clock", url.Values{"by": {"8d"}, "from": {path + "?said=1"}})
	assert.Equal(t, path, where)
	assert.Equal(t, 8*24*time.Hour, s.Clock.Now().Sub(start))
	assert.Equal(t, start.Add(8*24*time.Hour), s.Sberbank.Now())
	assert.Zero(t, b.at(path).Held(), "the hold lapsed")
	b.refuses("/clock", url.Values{"by": {"100y"}})
	where, _ = b.does("/clock", url.Values{"by": {"1m"}, "from": {"//evil.example/"}})
	assert.Equal(t, "/", where)
}

// TestStrangers: a foreign page can do nothing, under whatever name it comes.
func TestStrangers(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	path := b.order("sberbank")
	post := func(change func(*http.Request)) int {
		req, err := http.NewRequest(http.MethodPost, s.URL+path+"/pay", nil)
		require.NoError(t, err)
		change(req)
		resp, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	assert.Equal(t, 403, post(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }))
	assert.Equal(t, 403, post(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }))
	assert.Equal(t, 403, post(func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }))
	assert.Equal(t, 403, post(func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }))
	assert.Equal(t, 403, post(func(r *http.Request) { r.Header.Set("Origin", "null") }))
	rebound := func(r *http.Request) {
		r.Host = "evil.example"
		r.Header.Set("Origin", "http://evil.example")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	assert.Equal(t, 421, post(rebound))
	assert.Zero(t, b.at(path).Captured)
	for _, at := range []string{"/", "/sberbank/payment/rest/register.do", "/shop/sberbank", "/static/style.css"} {
		req, err := http.NewRequest(http.MethodGet, s.URL+at, nil)
		require.NoError(t, err)
		rebound(req)
		resp, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Equal(t, 421, resp.StatusCode, at)
	}
	assert.Equal(t, 303, post(func(r *http.Request) { r.Host = "localhost:8090" }), "no browser: no origin")
	resp, err := http.Get(s.URL + "/")
	require.NoError(t, err)
	_ = resp.Body.Close()
	assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	resp, err = http.Get(s.URL + path + "/pay") // a link or a picture of a foreign page
	require.NoError(t, err)
	_ = resp.Body.Close()
	assert.Equal(t, 404, resp.StatusCode)
}

// TestNothingThere: names that do not exist are answered with a page that says
// so.
func TestNothingThere(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	for _, path := range []string{"/nope", "/orders/sberbank/x", "/orders/komtet/x", "/orders/x/y", "/receipts/komtet/1", "/receipts/x/1", "/callbacks/komtet/cb-1",
		"/callbacks/x/1", "/connect/x", "/files/orangedata/passwd", "/shop/x", "/komtet", "/orders/sberbank/" + url.PathEscape("../..")} {
		resp, err := http.Get(s.URL + path)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Equal(t, 404, resp.StatusCode, path)
	}
	for _, path := range []string{"/orders/sberbank/x/pay", "/callbacks/komtet/cb-1/forge", "/receipts/komtet/1/print", "/faults/x/add", "/connect/x"} {
		resp, err := http.PostForm(s.URL+path, nil)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Equal(t, 404, resp.StatusCode, path)
	}
	path := b.order("sberbank")
	b.refuses(path+"/explode", nil)
	b.refuses(path+"/refund", url.Values{"sum": {"-5"}})
	b.refuses(path+"/refund", nil)
	b.refuses("/orders", url.Values{"way": {"nobody"}, "sum": {"10"}})
	for _, sum := range []string{"", "0", "x", "-1", "1.005"} {
		b.refuses("/orders", url.Values{"way": {"sberbank"}, "sum": {sum}})
	}
	b.refuses("/receipts", url.Values{"provider": {"komtet"}, "price": {"0"}})
	b.refuses("/receipts", url.Values{"provider": {"komtet"}, "price": {"10"}, "quantity": {"x"}})
	b.refuses("/receipts", url.Values{"provider": {"sberbank"}, "price": {"10"}, "quantity": {"1"}})
	require.Error(t, s.SetCallbackURL("nobody", "http://127.0.0.1/"))
	b.shows(b.look("/back?orderId=1"), "Верить этому возврату нельзя")
}

// TestSecretsAreCovered: the request log shows no password, token or card.
func TestSecretsAreCovered(t *testing.T) {
	s := trialStart(t)
	b := open(t, s)
	for _, w := range allWays() {
		path := b.order(w.Key())
		b.does(path+"/pay", nil)
	}
	o, _ := b.s.order(Sberbank, b.s.Sberbank.Orders()[0].ID)
	_, err := http.PostForm(o.Link, url.Values{"do": {"pay"}, "pan": {"2202205000012424"}, "valid": {"12/2035"}, "cvc": {"123"}})
	require.NoError(t, err)
	page := b.look("/requests")
	sber, tochka, kassa := s.SberbankConfig(), s.TochkaConfig(), s.PayKeeperConfig()
	for _, secret := range []string{sber.Password, s.AlfaBankConfig().Password, s.PayMasterConfig().Token, tochka.Token, kassa.Password, "2202205000012424"} {
		b.hides(page, secret)
	}
	b.shows(page, covered)
}

// TestStartsBeforeItIsServed: a test of another program mounts the handler on
// a server of its own.
func TestStartsBeforeItIsServed(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	s, err := New(Options{PublicURL: "http://" + server.Listener.Addr().String(), CallbackURLs: map[Provider]string{Komtet: "http://127.0.0.1:1/x"}})
	require.NoError(t, err)
	defer s.Close()
	server.Config.Handler = s.Handler()
	server.Start()
	defer server.Close()
	assert.Equal(t, server.URL, s.URL)
	assert.Equal(t, "http://127.0.0.1:1/x", s.CallbackURL(Komtet))
	b := open(t, s)
	b.order("tochka")
	_, err = New(Options{})
	require.Error(t, err)
	_, err = New(Options{PublicURL: "http://127.0.0.1:8090/prefix"})
	require.Error(t, err)
	_, err = New(Options{PublicURL: server.URL, CallbackURLs: map[Provider]string{"x": "http://127.0.0.1:1/"}})
	require.Error(t, err)
	_, err = New(Options{PublicURL: server.URL, OrangeDataAddress: strings.TrimPrefix(server.URL, "http://")})
	require.Error(t, err, "the port is taken")
	_, err = Start(strings.TrimPrefix(server.URL, "http://"), Options{})
	require.Error(t, err)
	_, err = Start("", Options{PublicURL: "nonsense"})
	require.Error(t, err)
}

// TestRunningClock: as the program runs it, everything leaves by itself.
func TestRunningClock(t *testing.T) {
	s, err := Start("", Options{TrialShop: true})
	require.NoError(t, err)
	defer s.Close()
	b := open(t, s)
	path := b.order("alfabank")
	b.does(path+"/pay", nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		if all := s.callbacksOf(b.at(path)); len(all) > 0 && all[0].State == emulator.Delivered {
			break
		}
		require.NoError(t, ctx.Err(), "%v", fmt.Sprint(s.callbacksOf(b.at(path))))
		s.AlfaBank.Deliver()
	}
}
