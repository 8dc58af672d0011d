package alfabank

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
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

const (
	demoKey   = "demo-callback-key-01"
	demoQuery = "orderNumber=A-1001&mdOrder=" + id + "&operation=deposited&amount=129900&callbackCreationDate=Mon+Jun+02+15%3A04%3A05+MSK+2025&status=1"
	demoSum   = "83E1D6388CF59B5C0BE349C843F40192FF25B01C3DBE24301C609E1A6DE53B05"
	rsaSum    = "8FCBA607B6A8F9D85D8B9B9731B87C9D6675CEC0E7F6B0892D1D6ABA042BD32A34D1DB8D31661EC5CEB6CA305271157127A2C1BB0C4F4251E0B023CE495B51979D79219364A51A745D7AFF770488C2F8F071B2C4C376D458524CDD626567B97BBAA21074F6B43BCB72E4F171B1B360DE3546970E55F53CBA19CB45382396F4398B93E205753DB057F0FA46B658A9315047CB917E3AB3A30D4B0BE6A1159D5918CA2399730AB9F7182EBC90BBD467D761891D51DEEDF5B5958A88C2E834575316C4A18E102074F8F368C9094B2AB8C181170D2AB0457383EA396D99002661204AE50732B56AF9E7936E3F3718CBB6589BC0CA3E9EB2D7179E81F169F40B6A816B"
)

func signedWith(key, query string) string {
	p, err := webhook.ParseForm(nil, query)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(rbs.Canonical(p))
	return query + "&checksum=" + strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

func get(query string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/cb", nil)
	r.URL.RawQuery = query
	return r
}

func keyed(key string) func(*Config) { return func(c *Config) { c.CallbackKey = key } }

// The specification's worked vectors.
func TestCallbackVectors(t *testing.T) {
	ctx := context.Background()
	b := newBank(t)
	cb, err := b.client(keyed(demoKey)).VerifyCallback(ctx, get(demoQuery+"&checksum="+demoSum))
	require.NoError(t, err)
	assert.True(t, cb.Signed)
	assert.Equal(t, acquiring.StatusPaid, cb.Status)
	assert.Equal(t, acquiring.PaymentID(id), cb.PaymentID)
	assert.Equal(t, "A-1001", cb.OrderID)
	assert.Equal(t, money.RUB(1299, 0), cb.Amount)
	assert.Equal(t, "alfabank:"+id+":deposited:1:", cb.Key)
	p, err := webhook.ParseForm(nil, demoQuery)
	require.NoError(t, err)
	assert.Equal(t, "amount;129900;callbackCreationDate;Mon Jun 02 15:04:05 MSK 2025;mdOrder;"+id+";operation;deposited;orderNumber;A-1001;status;1;", string(rbs.Canonical(p)))

	// V2: a Cyrillic key and order number, and an empty parameter.
	v2 := "clientId=&mdOrder=01b2c3d4-0000-7111-8222-933344455566&operation=refunded&operationRefundedAmount=4990&operationRefundedAmountFormatted=49%2C90&orderNumber=" +
		url.QueryEscape("Заказ №77/б") + "&status=1&sign_alias=whatever&checksum=927A6330665022A21732DE3388A246D0B98FAD8DCBBC60DD7E223232014B4F25"
	back := newBank(t).on(status, strings.NewReplacer("A-1001", "Заказ №77/б", id, "01b2c3d4-0000-7111-8222-933344455566").Replace(partRefunded(withKey)))
	cb, err = back.client(keyed("ключ-Ы2")).VerifyCallback(ctx, get(v2))
	require.NoError(t, err)
	assert.Equal(t, "Заказ №77/б", cb.OrderID)
	assert.Equal(t, acquiring.StatusPartiallyRefunded, cb.Status)
	assert.Equal(t, money.Amount(29900), cb.Payment.Refunded, "a refund is read back: nothing tells two of one sum apart")

	// V3: a binding's event without an order; case-sensitive order of names.
	v3 := "bindingcategory=COMMON&enabled=false&bindingId=5c3b0d7e-91aa-7b10-b8f2-6e01d4f0a7c9&clientId=buyer-42&operation=bindingActivityChanged&status=1&checksum="
	c := b.client(keyed(demoKey))
	cb, err = c.VerifyCallback(ctx, get(v3+"3C7CC2E23B100F2B4492501E21B252AEAE1EE4982F31FD40F0DC8E02BF912F6C"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackOther, cb.Kind)
	news, ok := c.BindingNews(cb)
	assert.True(t, ok)
	assert.Equal(t, BindingNews{BindingID: "5c3b0d7e-91aa-7b10-b8f2-6e01d4f0a7c9", ClientID: "buyer-42", Operation: "bindingActivityChanged", Signed: true}, news)
	_, err = c.VerifyCallback(ctx, get(v3+"E947B733"+strings.Repeat("0", 56)))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "sorted without case the checksum would begin so")

	// V4: RSA-2048, SHA-512.
	key, err := os.ReadFile("testdata/callback_public.pem")
	require.NoError(t, err)
	// The key is the bank's, perhaps for all its merchants: the order must be
	// this shop's as well.
	withPublicKey := func(c *Config) { c.CallbackPublicKey = string(key) }
	asymmetric := newBank(t).on(status, orderJSON(2, 0, "", "")).client(withPublicKey)
	_, err = newBank(t).on(status, `{"errorCode":"6","errorMessage":"Неверный номер заказа"}`).client(withPublicKey).
		VerifyCallback(ctx, get(demoQuery+"&sign_alias=SHA-256+with+RSA&checksum="+rsaSum))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "another shop's order")
	for _, sum := range []string{rsaSum, strings.ToLower(rsaSum)} {
		cb, err = asymmetric.VerifyCallback(ctx, get(demoQuery+"&sign_alias=SHA-256+with+RSA&checksum="+sum))
		require.NoError(t, err)
		assert.True(t, cb.Signed)
	}
	for _, forged := range []string{
		strings.Replace(demoQuery, "129900", "129901", 1) + "&checksum=" + rsaSum, demoQuery + "&checksum=" + rsaSum[:510],
		demoQuery + "&checksum=zz" + rsaSum[2:], demoQuery + "&checksum=" + demoSum, demoQuery,
	} {
		_, err = asymmetric.VerifyCallback(ctx, get(forged))
		assert.ErrorIs(t, err, acquiring.ErrSignature)
	}
}

// The hash depends on the key pair: SHA-256 is tried after SHA-512.
func TestCallbackOfSHA256(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	p, _ := webhook.ParseForm(nil, demoQuery)
	digest := sha256.Sum256(rbs.Canonical(p))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	require.NoError(t, err)
	c := newBank(t).on(status, orderJSON(2, 0, "", "")).client(func(c *Config) {
		c.CallbackPublicKey = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	})
	_, err = c.VerifyCallback(context.Background(), get(demoQuery+"&checksum="+hex.EncodeToString(sig)))
	assert.NoError(t, err)
}

// A public test of another SDK passes the secret for the message and the
// message for the key: reproducing it is a bug.
func TestSwappedArgumentsAreRefused(t *testing.T) {
	const clean = "amount=1500&mdOrder=ed6f3abf-cea0-427e-afdf-0ba43ead124f&operation=deposited&orderNumber=89312&status=1&checksum="
	c := newBank(t).client(keyed("12345678"))
	_, err := c.VerifyCallback(context.Background(), get(clean+"DDED310FACCC970D87BDB6DFA4BB2CDBA05B10E787021F92E794E6CC89E268C7"))
	assert.NoError(t, err)
	for _, wrong := range []string{"38D69820F981235DE4858A89A9EF3E5999E28EEF9E472AADBA77413BC94C935C", "4026A47E0D9F1D68332A24A0FAD4CC30EFA6A0C0EC91F17514EA2A8F6E6693A9", strings.Repeat("0", 64)} {
		_, err = c.VerifyCallback(context.Background(), get(clean+wrong))
		assert.ErrorIs(t, err, acquiring.ErrSignature)
	}
}

// What each operation says (the document's list, with its lower-case p).
func TestCallbackOperations(t *testing.T) {
	b := newBank(t).on(status, partRefunded(""))
	c := b.client(keyed(demoKey))
	for query, want := range map[string]acquiring.Status{
		"operation=approved&status=1":            acquiring.StatusAuthorized,
		"operation=deposited&status=1":           acquiring.StatusPaid,
		"operation=deposited&status=0":           acquiring.StatusDeclined,
		"operation=approved&status=0":            acquiring.StatusDeclined,
		"operation=refunded&status=1":            acquiring.StatusPartiallyRefunded,
		"operation=declinedByTimeout&status=1":   acquiring.StatusExpired,
		"operation=declinedCardpresent&status=1": acquiring.StatusDeclined,
	} {
		cb, err := c.VerifyCallback(context.Background(), get(signedWith(demoKey, "mdOrder="+id+"&orderNumber=A-1001&"+query)))
		if assert.NoError(t, err, query) {
			assert.Equal(t, want, cb.Status, query)
			assert.Equal(t, acquiring.CallbackPayment, cb.Kind, query)
			assert.Equal(t, acquiring.Reply{}, cb.Reply, "an empty 200")
		}
	}
	cb, err := newBank(t).on(status, orderJSON(3, 0, "", "")).client(keyed(demoKey)).
		VerifyCallback(context.Background(), get(signedWith(demoKey, "mdOrder="+id+"&orderNumber=A-1001&operation=reversed&status=1")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusVoided, cb.Status, "read back: a reversal may be of a part")
	for _, operation := range []string{"bindingCreated", "bindingActivityChanged"} {
		cb, err := c.VerifyCallback(context.Background(), get(signedWith(demoKey, "mdOrder="+id+"&orderNumber=A-1001&status=1&operation="+operation)))
		require.NoError(t, err)
		assert.Equal(t, acquiring.CallbackOther, cb.Kind)
		_, ok := c.BindingNews(cb)
		assert.False(t, ok, "no binding is named")
	}
	// Two refunds of the same sum are two pieces of news, each read back.
	more := strings.Replace(partRefunded(""), `"refundedAmount":29900`, `"refundedAmount":59800`, 1)
	two := newBank(t).on(status, partRefunded(""), more).client(keyed(demoKey))
	query := signedWith(demoKey, "mdOrder="+id+"&orderNumber=A-1001&operation=refunded&status=1&operationRefundedAmount=29900")
	first, err := two.VerifyCallback(context.Background(), get(query))
	require.NoError(t, err)
	second, err := two.VerifyCallback(context.Background(), get(query))
	require.NoError(t, err)
	assert.NotEqual(t, first.Key, second.Key)
	_, ok := two.BindingNews(nil)
	assert.False(t, ok)
}

// Without a key nothing is believed, and the payment is read back.
func TestUnsignedCallbackIsReadBack(t *testing.T) {
	ctx := context.Background()
	b := newBank(t).on(status, pending())
	cb, err := b.client().VerifyCallback(ctx, get(demoQuery))
	require.NoError(t, err)
	assert.False(t, cb.Signed)
	assert.Equal(t, acquiring.StatusPending, cb.Status, "the bank's word, not the notification's")
	assert.Equal(t, acquiring.PaymentID(id), cb.Payment.ID)
	assert.Equal(t, money.Amount(129900), cb.Amount)

	_, err = b.client().VerifyCallback(ctx, get(strings.Replace(demoQuery, "A-1001", "A-9999", 1)))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "the order has another number")
	_, err = newBank(t).on(status, notFound).client().VerifyCallback(ctx, get(demoQuery))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "the bank knows no such order")
	_, err = newBank(t).answer(status, answer{status: 503}).client().VerifyCallback(ctx, get(demoQuery))
	assert.ErrorIs(t, err, acquiring.ErrUnavailable, "nothing was learned: the bank must send again")

	// The example of a failed payment: spaces, a leading zero, an mdOrder that
	// is no UUID, and no orderNumber that the answer could contradict.
	failed := "mdOrder=1234567890-098776-234-522&orderNumber=0987&operation=deposited&callbackCreationDate=Mon+Jan+31+21%3A46%3A52+MSK+2022&status=0"
	declined := strings.NewReplacer("A-1001", "0987", id, "1234567890-098776-234-522").Replace(orderJSON(6, 5, "", ""))
	cb, err = newBank(t).on(status, declined).client().VerifyCallback(ctx, get(failed))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusDeclined, cb.Status)
	assert.Equal(t, "0987", cb.OrderID)
}

// A binding's event may have neither an order nor an operation, and begin
// with an ampersand.
func TestBindingEvents(t *testing.T) {
	c := newBank(t).client()
	for query, enabled := range map[string]bool{
		"bindingId=37e2a02e&clientId=1&enabled=true":                 true,
		"&checksum=DBBE&bindingId=37e2a02e&clientId=1&enabled=false": false,
	} {
		cb, err := c.VerifyCallback(context.Background(), get(query))
		require.NoError(t, err, query)
		assert.Equal(t, acquiring.CallbackOther, cb.Kind)
		assert.False(t, cb.Signed)
		news, ok := c.BindingNews(cb)
		assert.True(t, ok)
		assert.Equal(t, BindingNews{BindingID: "37e2a02e", ClientID: "1", Enabled: enabled}, news)
	}
	_, err := newBank(t).client(keyed(demoKey)).VerifyCallback(context.Background(), get("bindingId=37e2a02e&clientId=1&enabled=true"))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "unsigned, with a key configured")
}

// A form by POST is read like a query; a doubled parameter is refused; what
// the address itself adds can be dropped.
func TestCallbackTransports(t *testing.T) {
	ctx := context.Background()
	c := newBank(t).client(keyed(demoKey), func(c *Config) { c.CallbackDrop = []string{"shop"} })
	signed := demoQuery + "&checksum=" + demoSum
	post := httptest.NewRequest(http.MethodPost, "/cb?shop=7", strings.NewReader(signed))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err := c.VerifyCallback(ctx, post)
	assert.NoError(t, err)
	_, err = c.VerifyCallback(ctx, get("shop=7&"+strings.ReplaceAll(signed, "+", "%20")))
	assert.NoError(t, err)
	_, err = c.VerifyCallback(ctx, get(signed+"&status=1"))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "a name twice")
	_, err = c.VerifyCallback(ctx, get(signed+"&extra=1"))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "every parameter is signed")
	_, err = c.VerifyCallback(ctx, httptest.NewRequest(http.MethodPut, "/cb", nil))
	assert.ErrorIs(t, err, acquiring.ErrSignature)
	big := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(strings.Repeat("a", 1<<20)))
	_, err = c.VerifyCallback(ctx, big)
	assert.ErrorIs(t, err, acquiring.ErrSignature)
	// The bank's own samples have no orderNumber; mdOrder can be optional
	// instead.
	_, err = c.VerifyCallback(ctx, get(signedWith(demoKey, "mdOrder="+id+"&operation=deposited&status=1")))
	assert.NoError(t, err)
	_, err = c.VerifyCallback(ctx, get(signedWith(demoKey, "orderNumber=A-1001&operation=deposited&status=1")))
	assert.ErrorIs(t, err, acquiring.ErrSignature)
	byNumber := newBank(t).on(status, paid()).client(keyed(demoKey), func(c *Config) { c.CallbackOptional = []string{"mdOrder"} })
	cb, err := byNumber.VerifyCallback(ctx, get(signedWith(demoKey, "orderNumber=A-1001&operation=deposited&status=1")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(id), cb.PaymentID)
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
	cb, err := c.VerifyCallback(ctx, get(signedWith(demoKey, form.Encode())))
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
	f.Add(demoQuery+"&checksum="+demoSum, true)
	f.Add("bindingId=37e2a02e&clientId=1&enabled=true", true)
	f.Add(`{"mdOrder":"a","orderNumber":"1","operation":"deposited","status":1}`, false)
	c, err := New(Config{Environment: acquiring.Test, UserName: "u-api", Password: "p", CallbackKey: demoKey})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, inQuery bool) {
		checkSigned(t, c, text)
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
		if inQuery {
			r = get(text)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nothing is asked
		cb, err := c.VerifyCallback(ctx, r)
		if err == nil && !cb.Signed {
			t.Fatal("accepted without a signature")
		}
		if err == nil {
			c.BindingNews(cb)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{registeredOK, paid(), partRefunded(withKey), `{"ErrorCode":"6"}`, `<html>`, `{"status":"SUCCESS","template":{}}`,
		`{"success":true,"data":{"orderId":1}}`, `{"receipt":[{"receipt_date_time":1,"ofdOrderBundle":[{"itemAttributes":[{"paymentMethod":"1"}]}]}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ctx := context.Background()
		c, err := New(Config{Environment: acquiring.Test, UserName: "u-api", Password: "pass-417", HTTPClient: &http.Client{Transport: stub(body)}})
		if err != nil {
			t.Fatal(err)
		}
		if inv, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example"}); err == nil && (inv.OrderID == "" || inv.FormURL == "") {
			t.Fatal("registered without a number or a page")
		}
		if o, err := c.GetOrderStatusExtended(ctx, StatusRequest{OrderID: "a"}); err == nil {
			if !o.OrderStatus.Known {
				t.Fatal("a status without a state")
			}
			c.payment("a", o, 0)
		}
		if a, err := c.InstantPayment(ctx, InstantRequest{RegisterRequest: RegisterRequest{ReturnURL: "https://a.example"}}); err == nil && a.Result() == InstantPaid && a.Code() != "" {
			t.Fatal("paid with an error code")
		}
		if l, err := c.CreateTemplate(ctx, Template{Name: "a", NameForClient: "b"}); err == nil && l == nil {
			t.Fatal("a link that is none")
		}
		if q, err := c.GetStaticQR(ctx, "a"); err == nil && q.ID == "" {
			t.Fatal("a static code without a number")
		}
		if a, err := c.AlfaPay(ctx, AlfaPayRequest{ReturnURL: "https://a.example"}); err == nil && !bool(a.Success) {
			t.Fatal("AlfaPay without success")
		}
		_, _ = c.GetReceiptStatus(ctx, ReceiptQuery{OrderID: "a"})
		_, _ = c.GetBindings(ctx, BindingsRequest{ClientID: "a"})
	})
}

func TestExplainIsForTestsOnly(t *testing.T) {
	for env, want := range map[acquiring.Environment]error{acquiring.Test: nil, acquiring.Production: acquiring.ErrUnsupported} {
		c, err := New(Config{Environment: env, UserName: "r-teashop-api", Password: password, CallbackKey: demoKey})
		require.NoError(t, err)
		e, err := webhook.Explain(c, get(signedWith(demoKey, benchParams)))
		require.ErrorIs(t, err, want)
		if want == nil {
			require.True(t, e.Fits(), "%s", e)
		}
	}
}
