package bridge

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/money"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

// call posts an action by hand.
func (w *world) call(address string, form url.Values) (int, string) {
	w.t.Helper()
	resp, err := http.PostForm(address, form)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	var b strings.Builder
	buf := make([]byte, 8192)
	for {
		n, err := resp.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return resp.StatusCode, b.String()
		}
	}
}

// TestStrangers: without the clientId, with another account's, or at another
// path nothing is done, and the answer is the protocol's.
func TestStrangers(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("manual")
	w.pay("manual", inv.Link)
	other := retailcrmtest.NewServer(retailcrmtest.WithClock(w.clock), retailcrmtest.WithLimit(0))
	defer other.Close()
	_, err := other.Connect(w.url + "/simple/connect")
	require.NoError(t, err)
	mine, _ := w.crm.Module(code)
	foreign, _ := other.Module(code)
	require.NotEqual(t, mine.ClientID, foreign.ClientID)
	require.NotEqual(t, mine.BaseURL, foreign.BaseURL)
	id := w.invoice(payment).ModulePaymentID
	for name, c := range map[string]struct{ base, client string }{
		"no clientId":            {mine.BaseURL, ""},
		"a wrong one":            {mine.BaseURL, mine.ClientID[:35] + "x"},
		"another account's":      {mine.BaseURL, foreign.ClientID},
		"another account's path": {foreign.BaseURL, mine.ClientID},
		"another account":        {foreign.BaseURL, foreign.ClientID},
		"a guessed path":         {w.url + "/crm/guess", mine.ClientID},
	} {
		for _, action := range []string{"approve", "cancel", "refund"} {
			status, body := w.call(c.base+"/payment/"+action, url.Values{"clientId": {c.client}, action: {`{"paymentId":"` + id + `"}`}})
			assert.Equal(t, 400, status, name)
			assert.Contains(t, body, `"success":false`, name)
		}
		status, _, body := w.visit("GET", c.base+"/payment/status?clientId="+c.client+"&paymentId="+id, "CRM")
		assert.Equal(t, 400, status, name)
		assert.NotContains(t, body, "waitingForCapture")
	}
	assert.Equal(t, retailcrmtest.PaymentWaitApproved, w.status(payment))
	status, body := w.call(w.url+"/crm/guess/activity", url.Values{"clientId": {mine.ClientID}})
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"success":false}`, body)
	status, body = w.call(w.url+"/simple/connect", url.Values{"register": {`{"token":"00","apiKey":"k","systemUrl":"` + w.crm.URL + `"}`}})
	assert.Equal(t, 401, status)
	assert.JSONEq(t, `{"success":false,"errorMsg":"Invalid token"}`, body)
	status, _ = w.call(w.url+"/simple/connect", url.Values{"register": {`{`}})
	assert.Equal(t, 400, status)
}

// TestWrongRequests are answered 400 with words, never 500.
func TestWrongRequests(t *testing.T) {
	w := open(t, nil)
	w.connect()
	m, _ := w.crm.Module(code)
	good := `{"shopId":"alfa","invoiceUuid":"d2f0a6a4-0f2e-4d0b-8f0e-3b6b6d1c9e10","invoiceType":"link","amount":"1.1","currency":"RUB","orderNumber":"1042С","siteUrl":"https://tea.example","items":[{"name":"Чай","price":1.1,"quantity":1,"vat":"none"}],"customer":{"email":"i@example.ru"}}`
	for name, c := range map[string]struct{ change, to, want string }{
		"no JSON":           {good, `[]`, "не JSON-объект"},
		"broken JSON":       {good, `{"shopId":`, "не JSON-объект"},
		"a foreign shop":    {`"shopId":"alfa"`, `"shopId":"none"`, "Магазин не найден"},
		"a number for uuid": {`"d2f0a6a4-0f2e-4d0b-8f0e-3b6b6d1c9e10"`, `0`, "invoiceUuid"},
		"no sum":            {`"1.1"`, `null`, "amount"},
		"a third decimal":   {`"1.1"`, `1.123`, "amount"},
		"dollars":           {`"RUB"`, `"USD"`, "только рубли"},
		"an unknown rate":   {`"vat":"none"`, `"vat":"vat33"`, "vat33"},
		"no contact":        {`"customer":{"email":"i@example.ru"}`, `"customer":{}`, "e-mail или телефон"},
		"no items":          {`"items":[{"name":"Чай","price":1.1,"quantity":1,"vat":"none"}]`, `"items":[]`, "нет позиций"},
		"no quantity":       {`"quantity":1`, `"quantity":"x"`, "количество"},
	} {
		status, body := w.call(m.BaseURL+"/payment/create", url.Values{"clientId": {m.ClientID}, "create": {strings.Replace(good, c.change, c.to, 1)}})
		assert.Equal(t, 400, status, name)
		assert.Contains(t, body, c.want, name)
	}
	status, body := w.call(m.BaseURL+"/payment/create", url.Values{"clientId": {m.ClientID}, "create": {good}})
	assert.Equal(t, 200, status, body)
	again, second := w.call(m.BaseURL+"/payment/create", url.Values{"clientId": {m.ClientID}, "create": {good}})
	assert.Equal(t, 200, again)
	assert.Equal(t, body, second, "the same request, the same answer")
	other, body := w.call(m.BaseURL+"/payment/create", url.Values{"clientId": {m.ClientID}, "create": {strings.Replace(good, `"1.1"`, `2`, 1)}})
	assert.Equal(t, 400, other)
	assert.Contains(t, body, "на другую сумму")
	status, body = w.call(m.BaseURL+"/payment/refund", url.Values{"clientId": {m.ClientID}, "refund": {`{"paymentId":0,"amount":-1}`}})
	assert.Equal(t, 400, status)
	assert.Contains(t, body, "больше нуля")
}

// TestRepeatedCreate: the CRM asks again when no answer came, and gets the
// same link.
func TestRepeatedCreate(t *testing.T) {
	w := open(t, nil, retailcrmtest.WithWholeCustomer())
	w.connect()
	w.crm.AmountsAsText(true)
	payment, inv := w.bill("alfa")
	again, err := w.crm.CreateLink(payment)
	require.NoError(t, err)
	assert.Equal(t, inv.Link, again.Link)
	w.pay("alfa", inv.Link)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
	state, err := w.crm.Status(payment)
	require.NoError(t, err)
	assert.Equal(t, "succeeded", state.Status)
	assert.Equal(t, money.RUB(1299, 50), state.Amount)
	assert.True(t, state.Refundable)
	assert.Equal(t, inv.Link, state.InvoiceURL)
}

// TestActivity: switched off, the module does nothing; the CRM is told of
// shops that changed.
func TestActivity(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("manual")
	require.NoError(t, w.crm.Activity(code, false, false))
	_, err := w.crm.CreateLink(payment)
	_ = err // the CRM may not even ask
	status, _, _ := w.visit("GET", inv.Link, "Mozilla")
	assert.Equal(t, 410, status)
	assert.Error(t, w.crm.Cancel(payment))
	require.NoError(t, w.crm.Activity(code, true, true))
	assert.Error(t, w.crm.Cancel(payment), "frozen")
	require.NoError(t, w.crm.Activity(code, true, false))
	require.NoError(t, w.crm.Cancel(payment))
	m, _ := w.crm.Module(code)
	form := url.Values{"clientId": {m.ClientID}, "systemUrl": {w.crm.URL}, "activity": {`{"active":true}`}}
	code400, body := w.call(m.BaseURL+"/activity", form)
	assert.Equal(t, 400, code400, body)
	form.Set("activity", `{"active":true,"freeze":false}`)
	form.Set("systemUrl", "https://evil.example")
	code400, body = w.call(m.BaseURL+"/activity", form)
	assert.Equal(t, 400, code400)
	assert.Contains(t, body, "в одном из доменов RetailCRM")

	edits := m.Edits
	w.stop()
	w.start()
	w.work()
	m, _ = w.crm.Module(code)
	assert.Equal(t, edits, m.Edits, "nothing changed, nothing is sent")
	w.stop()
	shops := w.conf["shops"].([]map[string]any)
	shops[0]["name"], shops[1]["disabled"] = "Другое имя", true
	w.start()
	w.work()
	m, _ = w.crm.Module(code)
	assert.Equal(t, edits+1, m.Edits)
	assert.Equal(t, "Другое имя (test)", m.Shops[0].Name)
	assert.False(t, m.Shops[1].Active)
}

// TestConnectionByKey: what the key may not do is named.
func TestConnectionByKey(t *testing.T) {
	w := open(t, nil)
	post := func(key, password string) (int, string) {
		form := url.Values{"system_url": {w.crm.URL + "/"}, "api_key": {key}}
		r, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.url+"/settings/connect", strings.NewReader(form.Encode()))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("admin", password)
		resp, err := browser.Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		buf := make([]byte, 64<<10)
		n := 0
		for {
			k, err := resp.Body.Read(buf[n:])
			n += k
			if err != nil {
				return resp.StatusCode, string(buf[:n])
			}
		}
	}
	status, _ := post("k", "wrong")
	assert.Equal(t, 401, status)
	status, page := post("wrong-key", "correct horse")
	assert.Equal(t, 422, status)
	assert.Contains(t, page, "не принимает ключ API")
	status, page = post(w.crm.CreateKey(retailcrmtest.MethodModule, retailcrmtest.MethodModuleEdit), "correct horse")
	assert.Equal(t, 422, status)
	assert.Contains(t, page, "не хватает прав: /api/payment/create-invoice, /api/payment/(updateInvoice|check)")
	_, there := w.crm.Module(code)
	assert.False(t, there)
	key := w.crm.CreateKey(crm.Permissions()...)
	status, _ = post(key, "correct horse")
	assert.Equal(t, 303, status)
	m, there := w.crm.Module(code)
	require.True(t, there)
	assert.Equal(t, key, m.Key)

	// A key that stops working is told of, and the news waits for a new one.
	payment, inv := w.bill("alfa")
	w.click(inv.Link)
	w.crm.RevokeKey(key)
	b, o := w.order("alfa")
	require.NoError(t, b.Pay(o.ID))
	w.work()
	assert.Equal(t, retailcrmtest.PaymentInvoiced, w.status(payment))
	assert.Contains(t, w.noteTexts(), "попытки продолжаются")
	status, _ = post(w.crm.CreateKey(crm.Permissions()...), "correct horse")
	assert.Equal(t, 303, status)
	w.later(10 * time.Minute)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))

	status, _, page = w.visit("GET", m.AccountURL, "Mozilla")
	assert.Equal(t, 200, status)
	for _, secret := range []string{key, m.ClientID, w.b.shop("alfa").hook, "correct horse"} {
		assert.NotContains(t, page, secret)
	}
	cross, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.url+"/settings/connect", strings.NewReader("x=1"))
	require.NoError(t, err)
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	cross.SetBasicAuth("", "correct horse")
	resp, err := browser.Do(cross)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, 403, resp.StatusCode, "a form on another site")
}

// TestSeveralAccounts: each sees its own shops, and neither can touch what is
// the other's.
func TestSeveralAccounts(t *testing.T) {
	second := retailcrmtest.NewServer(retailcrmtest.WithLimit(0))
	defer second.Close()
	w := open(t, func(_ map[string]any, shop func(string) map[string]any) {
		shop("pm")["accounts"] = []string{second.URL + "/"}
	})
	w.connect()
	_, err := second.Connect(w.url + "/simple/connect")
	require.NoError(t, err)
	one, _ := w.crm.Module(code)
	two, _ := second.Module(code)
	assert.Len(t, one.Shops, 4)
	assert.Len(t, two.Shops, 5)
	form := url.Values{"clientId": {one.ClientID}, "create": {`{"shopId":"pm","invoiceUuid":"d2f0a6a4-0f2e-4d0b-8f0e-3b6b6d1c9e10","amount":1,"currency":"RUB","orderNumber":"1","siteUrl":"https://tea.example"}`}}
	status, body := w.call(one.BaseURL+"/payment/create", form)
	assert.Equal(t, 400, status)
	assert.Contains(t, body, "Магазин не найден")
}

// TestOwnStatuses: the mapping is the shop's to choose.
func TestOwnStatuses(t *testing.T) {
	w := open(t, func(conf map[string]any, _ func(string) map[string]any) {
		conf["statuses"] = map[string]string{"authorized": "heldByBank", "declined": "cardRefused"}
	}, retailcrmtest.WithStatuses("heldByBank", "cardRefused"))
	w.connect()
	payment, inv := w.bill("manual")
	w.pay("manual", inv.Link)
	assert.Equal(t, "heldByBank", w.invoice(payment).Status)
}

// TestLostAnswers: the bank did the work and nobody heard of it. One page can
// be paid, and money goes back once.
func TestLostAnswers(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("alfa")
	w.alfa.Fail(alfabanktest.Fault{Op: "register.do", Kind: alfabanktest.LostAnswer})
	w.click(inv.Link)
	paid := 0
	for _, o := range w.alfa.Orders() {
		if w.alfa.Pay(o.ID) == nil {
			paid++
		}
	}
	assert.Len(t, w.alfa.Orders(), 2, "the first answer was lost")
	assert.Equal(t, 1, paid)
	w.work()
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))

	w.alfa.Fail(alfabanktest.Fault{Op: "refund.do", Kind: alfabanktest.LostAnswer})
	w.alfa.Fail(alfabanktest.Fault{Op: "getOrderStatusExtended.do", Kind: alfabanktest.ServerError, Times: 0})
	_, err := w.crm.Refund(payment, money.RUB(100, 0))
	_ = err // told or not, it is made once
	w.clock.Advance(time.Hour)
	_, o := w.order("alfa")
	if err != nil {
		_, err = w.crm.Refund(payment, money.RUB(100, 0))
		require.NoError(t, err)
	}
	w.work()
	assert.Equal(t, money.RUB(100, 0), w.books("alfa", o.ID).Refunded)

	// Pressed twice within a moment it is one refund, later it is another.
	_, err = w.crm.Refund(payment, money.RUB(200, 0))
	require.NoError(t, err)
	_, err = w.crm.Refund(payment, money.RUB(200, 0))
	require.NoError(t, err)
	assert.Equal(t, money.RUB(300, 0), w.books("alfa", o.ID).Refunded)
	w.clock.Advance(2 * time.Minute)
	_, err = w.crm.Refund(payment, money.RUB(200, 0))
	require.NoError(t, err)
	assert.Equal(t, money.RUB(500, 0), w.books("alfa", o.ID).Refunded)
}
