package sberbank

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
	"github.com/acquiring-go/acquiring/webhook"
)

const callbackKey = "crm-demo-callback-token-01"

func signed(query string) string {
	p, err := webhook.ParseForm(nil, query)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, []byte(callbackKey))
	mac.Write(rbs.Canonical(p))
	return query + "&checksum=" + strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

func get(query string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/sber?"+query, nil)
}

func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/sber", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func withKey(c *Config) { c.CallbackKey = callbackKey }

func TestSignedCallback(t *testing.T) {
	b := newBank(t)
	c := b.client(ProtocolJSON, withKey)
	cb, err := c.VerifyCallback(context.Background(), get("mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=CRM-2026-000417&operation=deposited&status=1&amount=154990&checksum=F490F3BD064D128BAF3807EC860EDF72313EAD9D3CC51C30DED9B5C6498D7201"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackPayment, cb.Kind)
	assert.True(t, cb.Signed)
	assert.Equal(t, acquiring.PaymentID(id), cb.PaymentID)
	assert.Equal(t, "CRM-2026-000417", cb.OrderID)
	assert.Equal(t, acquiring.StatusPaid, cb.Status)
	assert.Equal(t, money.RUB(1549, 90), cb.Amount)
	assert.Equal(t, "sberbank:"+id+":deposited:1:", cb.Key)
	assert.Equal(t, acquiring.Reply{}, cb.Reply)
	assert.Empty(t, b.asked, "a signed one needs no look")

	other, err := b.client(ProtocolLegacy, withKey, func(c *Config) { c.Shop = "shop-7" }).VerifyCallback(context.Background(), post(`{"mdOrder":"7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1","orderNumber":"CRM-2026-000417","operation":"deposited","status":1,"checksum":"E90141FA97BE50D46FA9CCC01FB7F31B259A1FD7463C69D275206472079EA749"}`))
	require.NoError(t, err)
	assert.Equal(t, "shop-7:"+id+":deposited:1:", other.Key)
	assert.Zero(t, other.Amount)
	cb, err = c.VerifyCallback(context.Background(), get(signed("mdOrder="+id+"&orderNumber=1&operation=deposited&status=0")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusDeclined, cb.Status)
}

// Two partial refunds are two pieces of news, whatever is ticked in the
// cabinet.
func TestRefundNewsAreToldApart(t *testing.T) {
	half := orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":50000`, "")
	full := orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":154990`, "")
	b := newBank(t).on("getOrderStatusExtended.do", half, full)
	c := b.client(ProtocolJSON, withKey)
	base := "mdOrder=" + id + "&orderNumber=CRM-1&operation=refunded&status=1"
	one, err := c.VerifyCallback(context.Background(), get(signed(base)))
	require.NoError(t, err)
	two, err := c.VerifyCallback(context.Background(), get(signed(base)))
	require.NoError(t, err)
	assert.NotEqual(t, one.Key, two.Key)
	assert.Equal(t, acquiring.StatusPartiallyRefunded, one.Status)
	assert.Equal(t, acquiring.StatusRefunded, two.Status)
	assert.True(t, one.Signed)
	asked := len(b.asked)
	a, err := c.VerifyCallback(context.Background(), get(signed(base+"&refundedAmount=50000")))
	require.NoError(t, err)
	again, err := c.VerifyCallback(context.Background(), get(signed(base+"&refundedAmount=50000")))
	require.NoError(t, err)
	assert.Equal(t, a.Key, again.Key, "a retry is the same news")
	assert.Len(t, b.asked, asked)
}

// operationRefundedAmount is the sum of one refund: two of the same sum are
// two pieces of news.
func TestRefundsOfTheSameSumAreToldApart(t *testing.T) {
	one := orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":50000`, "")
	two := orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":100000`, "")
	c := newBank(t).on("getOrderStatusExtended.do", one, two).client(ProtocolJSON, withKey)
	query := signed("mdOrder=" + id + "&orderNumber=CRM-1&operation=refunded&status=1&operationRefundedAmount=50000")
	first, err := c.VerifyCallback(context.Background(), get(query))
	require.NoError(t, err)
	second, err := c.VerifyCallback(context.Background(), get(query))
	require.NoError(t, err)
	assert.NotEqual(t, first.Key, second.Key)
}

func TestUnsignedCallbackIsReadBack(t *testing.T) {
	body := `{"mdOrder":"` + id + `","orderNumber":"CRM-1","operation":"deposited","status":1,"amount":1}`
	b := newBank(t).on("getOrderStatusExtended.do", pending(), paid())
	c := b.client(ProtocolJSON)
	early, err := c.VerifyCallback(context.Background(), post(body))
	require.NoError(t, err)
	assert.False(t, early.Signed)
	assert.Equal(t, acquiring.StatusPending, early.Status, "it says deposited, the bank does not")
	real, err := c.VerifyCallback(context.Background(), post(body))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, real.Status)
	assert.Equal(t, money.RUB(1549, 90), real.Amount, "the bank's, not the notification's")
	assert.NotNil(t, real.Payment)
	assert.NotEqual(t, early.Key, real.Key, "a forged notification does not use up the key of the real one")

	for name, status := range map[string]string{"unknown order": notFound, "a number that is none": `{"errorCode":"5","errorMessage":"Error, value of the request parameter"}`, "another number": strings.Replace(paid(), "CRM-1", "CRM-2", 1)} {
		cb, err := newBank(t).on("getOrderStatusExtended.do", status).client(ProtocolJSON).VerifyCallback(context.Background(), post(body))
		assert.ErrorIs(t, err, acquiring.ErrSignature, name)
		assert.Nil(t, cb, name)
	}
	_, err = newBank(t).onAnswer("getOrderStatusExtended.do", answer{status: 200, body: "<html>"}).client(ProtocolJSON).VerifyCallback(context.Background(), post(body))
	assert.NotErrorIs(t, err, acquiring.ErrSignature, "the bank is away: the notification must come again")
	assert.Error(t, err)

	c = newBank(t).on("getOrderStatusExtended.do", paid()).client(ProtocolLegacy, func(c *Config) { c.CallbackOptional = []string{"mdOrder"} })
	cb, err := c.VerifyCallback(context.Background(), get("orderNumber=CRM-1&operation=deposited&status=1"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(id), cb.PaymentID)
}

func TestUnsignedCallbackRejected(t *testing.T) {
	b := newBank(t)
	c := b.client(ProtocolJSON, withKey)
	for name, r := range map[string]*http.Request{
		"no checksum":       post(`{"mdOrder":"` + id + `","orderNumber":"CRM-1","operation":"deposited","status":1}`),
		"published example": post(`{"mdOrder":"` + id + `","orderNumber":"CRM-1","operation":"deposited","status":1,"checksum":"asdqwerty1234567zxcvbnm"}`),
		"doubled":           get(signed("mdOrder="+id+"&orderNumber=1&operation=deposited&status=1") + "&status=1"),
		"cut":               get(signed("mdOrder=" + id + "&orderNumber=1&operation=deposited&status=1")[:150]),
		"a binding's":       post(`{"bindingId":"b","clientId":"u","operation":"bindingCreated"}`),
		"10 MB":             post(strings.Repeat("a", 10<<20)),
	} {
		cb, err := c.VerifyCallback(context.Background(), r)
		assert.ErrorIs(t, err, acquiring.ErrSignature, name)
		assert.Nil(t, cb, name)
	}
	assert.Empty(t, b.asked)
}

func TestOtherNewsIsAnswered(t *testing.T) {
	c := newBank(t).client(ProtocolJSON)
	for _, body := range []string{`{"bindingId":"1d2c","clientId":"u-88","operation":"bindingCreated"}`,
		`{"mdOrder":"5e0f","orderNumber":"SUB-88","operation":"subscriptionCreated","status":1,"additionalParams":{"subscriptionId":"c0ffee"}}`,
		`{"orderId":"a","orderNumber":"1","receipts":[{"receiptStatus":3}]}`} {
		cb, err := c.VerifyCallback(context.Background(), post(body))
		require.NoError(t, err, body)
		again, err := c.VerifyCallback(context.Background(), post(body))
		require.NoError(t, err)
		assert.Equal(t, acquiring.CallbackOther, cb.Kind)
		assert.Equal(t, cb.Key, again.Key)
		assert.Empty(t, cb.PaymentID, "nothing unsigned is believed")
	}
	signedOne, err := newBank(t).client(ProtocolJSON, withKey).VerifyCallback(context.Background(), get(signed("mdOrder="+id+"&orderNumber=1&operation=subscriptionCreated&status=1")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(id), signedOne.PaymentID)
}

// checkSigned has the bank sign the parameters of a text: what is told of them
// is what they say. Nothing is asked.
func checkSigned(t *testing.T, c *Client, text string) {
	t.Helper()
	form, err := url.ParseQuery(text)
	if err != nil || len(form) > 60 {
		return
	}
	for name, values := range form {
		if len(values) > 1 || !utf8.ValidString(name+" "+values[0]) {
			return
		}
	}
	form.Del("checksum")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cb, err := c.VerifyCallback(ctx, get(signed(form.Encode())))
	if err != nil || cb.Kind != acquiring.CallbackPayment {
		return
	}
	amount, _ := money.ParseMinor(form.Get("amount"))
	switch {
	case !cb.Signed || cb.Payment != nil || cb.Key == "":
		t.Fatalf("%q gives %+v", form, cb)
	case cb.Status == acquiring.StatusPaid && (form.Get("operation") != "deposited" || form.Get("status") != "1"):
		t.Fatalf("%q is paid", form)
	case string(cb.PaymentID) != form.Get("mdOrder")+form.Get("mdorder"), cb.OrderID != form.Get("orderNumber"), cb.Amount != max(amount, 0):
		t.Fatalf("%q is of another payment: %+v", form, cb)
	}
}

func FuzzVerifyCallback(f *testing.F) {
	f.Add(signed("mdOrder="+id+"&orderNumber=1&operation=deposited&status=1"), true)
	f.Add(`{"mdOrder":"a","orderNumber":"1","operation":"deposited","status":1}`, false)
	conf := Config{Environment: acquiring.Test, UserName: "u", Password: "p", CallbackKey: callbackKey}
	c, err := New(conf)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, inQuery bool) {
		checkSigned(t, c, text)
		r := post(text)
		if inQuery {
			r = httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL.RawQuery = text
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nothing is asked
		cb, err := c.VerifyCallback(ctx, r)
		if err == nil && !cb.Signed {
			t.Fatal("accepted without a signature")
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(registeredOK))
	f.Add([]byte(paid()))
	f.Add([]byte(`{"ErrorCode":"6"}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := New(Config{Environment: acquiring.Test, UserName: "u", Password: "pass-417", HTTPClient: &http.Client{Transport: stub(body)}})
		if err != nil {
			t.Fatal(err)
		}
		if inv, err := c.Register(context.Background(), RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example"}); err == nil && (inv.OrderID == "" || inv.FormURL == "") {
			t.Fatal("registered without a number or a page")
		}
		if o, err := c.GetOrderStatusExtended(context.Background(), StatusRequest{OrderID: "a"}); err == nil && !o.OrderStatus.Known {
			t.Fatal("a status without a state")
		}
	})
}

func TestExplainIsForTestsOnly(t *testing.T) {
	for env, want := range map[acquiring.Environment]error{acquiring.Test: nil, acquiring.Production: acquiring.ErrUnsupported} {
		c, err := New(Config{Environment: env, UserName: "u", Password: "p", CallbackKey: callbackKey})
		require.NoError(t, err)
		e, err := webhook.Explain(c, httptest.NewRequest(http.MethodGet, "/cb?"+signed(benchQuery), nil))
		require.ErrorIs(t, err, want)
		if want == nil {
			require.True(t, e.Fits(), "%s", e)
		}
	}
}
