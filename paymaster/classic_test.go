package paymaster

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// vector1 and vector2 are the worked vectors of the signature.
func vector1() url.Values {
	return url.Values{"LMI_MERCHANT_ID": {merchant}, "LMI_PAYMENT_NO": {"ORD-2024-0042"}, "LMI_SYS_PAYMENT_ID": {"512345678"},
		"LMI_SYS_PAYMENT_DATE": {"2024-05-14T09:30:15"}, "LMI_PAYMENT_AMOUNT": {"1499.90"}, "LMI_CURRENCY": {"RUB"}, "LMI_PAID_AMOUNT": {"1499.90"},
		"LMI_PAID_CURRENCY": {"RUB"}, "LMI_PAYMENT_SYSTEM": {"93"}, "LMI_PAYMENT_METHOD": {"BankCard"}, "LMI_PAYER_IDENTIFIER": {"2XXXXXXXXXXX0053"}}
}

func vector2() url.Values {
	return url.Values{"LMI_MERCHANT_ID": {merchant}, "LMI_PAYMENT_NO": {"Счёт №17"}, "LMI_SYS_PAYMENT_ID": {"512345699"},
		"LMI_SYS_PAYMENT_DATE": {"2024-05-14T09:41:02"}, "LMI_PAYMENT_AMOUNT": {"250.00"}, "LMI_CURRENCY": {"RUB"}, "LMI_PAID_AMOUNT": {"250.00"},
		"LMI_PAID_CURRENCY": {"RUB"}, "LMI_PAYMENT_SYSTEM": {"503"}, "LMI_SIM_MODE": {"0"}, "LMI_PAYMENT_METHOD": {"Test"}}
}

func hashed(v url.Values, hash string) url.Values {
	v.Set("LMI_HASH", hash)
	return v
}

// sign signs a form as PayMaster does.
func sign(c *ClassicClient, v url.Values) url.Values {
	var values []string
	for _, name := range signedNames {
		values = append(values, v.Get(name))
	}
	return hashed(v, c.sign.join(values...))
}

func notified(v url.Values) *http.Request {
	r := post(v.Encode())
	r.Header.Set("Content-Type", contentForm)
	return r
}

func TestHashVectors(t *testing.T) {
	const secret2 = "ключ/секрет+1"
	for _, tt := range []struct {
		hash   Hash
		values url.Values
		secret string
		want   string
	}{
		{MD5, vector1(), secretKey, "jUjCA9Qow5yrNae1aOMXMw=="},
		{SHA1, vector1(), secretKey, "/e+sl8W3C+2exXR2rtl9ZuRkrQc="},
		{SHA256, vector1(), secretKey, "lIse/BCXYJk4kWFB6TXKKiLRNuQo7mEkrd3Ow+WsHek="},
		{MD5, vector2(), secret2, "ezR5o2fmSmgNU2d1uMapnQ=="},
		{SHA1, vector2(), secret2, "cKZd83HBbZfXujW3Lnj9Zvzz0wo="},
		{SHA256, vector2(), secret2, "P0rMhSj69wVB3Kn/vjIxjpyhYhTq4CN1Ja5I6rH9cM8="},
	} {
		t.Run(tt.hash.String()+tt.secret[:1], func(t *testing.T) {
			c := newBank(t).classic(func(c *ClassicConfig) { c.Hash, c.SecretKey = tt.hash, tt.secret })
			cb, err := c.VerifyCallback(ctx, notified(hashed(tt.values, tt.want)))
			require.NoError(t, err)
			assert.True(t, cb.Signed)
			assert.Equal(t, acquiring.StatusPaid, cb.Status)
			assert.Equal(t, tt.values.Get("LMI_PAYMENT_NO"), cb.OrderID)
			assert.Equal(t, tt.values.Has("LMI_SIM_MODE"), cb.Payment.Test)
			for other := MD5; other <= SHA256; other++ {
				if other != tt.hash {
					o := newBank(t).classic(func(c *ClassicConfig) { c.Hash, c.SecretKey = other, tt.secret })
					_, err := o.VerifyCallback(ctx, notified(tt.values))
					e := refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
					assert.Contains(t, e.Hint, "Config.Hash")
				}
			}
			_, err = c.VerifyCallback(ctx, notified(hashed(tt.values, "AAAA")))
			for _, unsaid := range []string{tt.want, tt.secret} {
				assert.NotContains(t, err.Error(), unsaid, "whoever reads the log must not be able to sign")
			}
			for _, wrong := range []string{"", "AAAA", strings.ToLower(tt.want), strings.TrimRight(tt.want, "="), tt.want + "\n", " " + tt.want, strings.ToUpper(tt.want)} {
				_, err := c.VerifyCallback(ctx, notified(hashed(tt.values, wrong)))
				refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
			}
		})
	}
}

// The values are joined without escaping: one hash fits several splits.
func TestHashResplit(t *testing.T) {
	genuine, fake := vector1(), vector1()
	for name, value := range map[string]string{"LMI_PAYMENT_NO": "ORDER-7;999;2024-01-01T00:00:00;50000.00;RUB;50000.00;RUB;93", "LMI_SYS_PAYMENT_ID": "512345700",
		"LMI_SYS_PAYMENT_DATE": "2024-05-14T09:50:00", "LMI_PAYMENT_AMOUNT": "1.00", "LMI_PAID_AMOUNT": "1.00"} {
		genuine.Set(name, value)
	}
	for name, value := range map[string]string{"LMI_PAYMENT_NO": "ORDER-7", "LMI_SYS_PAYMENT_ID": "999", "LMI_SYS_PAYMENT_DATE": "2024-01-01T00:00:00",
		"LMI_PAYMENT_AMOUNT": "50000.00", "LMI_PAID_AMOUNT": "50000.00", "LMI_PAYMENT_SYSTEM": "93;512345700;2024-05-14T09:50:00;1.00;RUB;1.00;RUB;93"} {
		fake.Set(name, value)
	}
	for hash, want := range map[Hash]string{MD5: "1GxA27eBZ5+oswdySwFajg==", SHA256: "POKEmDn7XQitGZjRlWwHqFXcaNBh1uNimVpQeT8bjwQ="} {
		c := newBank(t).classic(func(c *ClassicConfig) { c.Hash = hash })
		for _, v := range []url.Values{genuine, fake} {
			assert.Equal(t, want, sign(c, v).Get("LMI_HASH"), "the hash itself fits both")
			_, err := c.VerifyCallback(ctx, notified(v))
			refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
		}
	}
	_, err := newBank(t).classic().CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "ORDER-7;999", Amount: 100})
	invalid(t, err, "OrderID")
}

// The seed: a shop with an identifier and a secret key, and nothing else, in
// test mode and then in working mode. Its webhook marks the orders paid.
func TestShopWithIdentifierAndKeyOnly(t *testing.T) {
	b := newBank(t)
	orders := map[string]money.Amount{}
	expect := func(c *ClassicClient) http.Handler {
		return webhook.Handler(c, func(_ context.Context, e webhook.Event) error {
			assert.Equal(t, acquiring.StatusPaid, e.Payment.Status)
			orders[e.Payment.OrderID] += e.Payment.Captured
			return nil
		}, webhook.Expect(func(_ context.Context, id string) (money.Amount, string, error) {
			switch id {
			case "ORD-2024-0042":
				return 149990, "RUB", nil
			case "TEST-1":
				return 25000, "RUB", nil
			}
			return 0, "", &acquiring.Error{Kind: acquiring.ErrNotFound}
		}))
	}
	send := func(h http.Handler, v url.Values) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, notified(v))
		return w.Code, w.Body.String()
	}
	paid := func(v url.Values, number string) url.Values { v.Set("LMI_PAYMENT_NO", number); return v }

	test, live := b.classic(), b.classic(working)
	inv, err := test.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "TEST-1", Amount: 25000, Description: "Проба"})
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(inv.PayURL, b.URL+"/payment/init?LMI_MERCHANT_ID="+merchant+"&LMI_PAYMENT_AMOUNT=250.00&LMI_CURRENCY=RUB&LMI_PAYMENT_NO=TEST-1&"), inv.PayURL)

	// The pre-request: asked for the order and its sum, YES and nothing else.
	ask := url.Values{"LMI_PREREQUEST": {"1"}, "LMI_MERCHANT_ID": {merchant}, "LMI_PAYMENT_NO": {"TEST-1"}, "LMI_PAYMENT_AMOUNT": {"250.00"}, "LMI_CURRENCY": {"RUB"}, "LMI_SIM_MODE": {"0"}}
	code, body := send(expect(test), ask)
	assert.Equal(t, "200 YES", http.StatusText(code)[:0]+"200 "+body)
	ask.Set("LMI_PAYMENT_AMOUNT", "1.00")
	_, body = send(expect(test), ask)
	assert.Equal(t, "NO", body)
	ask.Set("LMI_PAYMENT_NO", "UNKNOWN")
	_, body = send(expect(test), ask)
	assert.Equal(t, "NO", body)

	// Test mode: the notification is real and signed with the same key.
	news := sign(test, paid(vector2(), "TEST-1"))
	code, _ = send(expect(test), news)
	assert.Equal(t, 200, code)
	assert.Equal(t, money.Amount(25000), orders["TEST-1"])
	// The working shop does not take it: no money was taken.
	code, _ = send(expect(live), news)
	assert.Equal(t, 403, code)

	// Working mode: the vector of the live notification, byte for byte.
	h := expect(live)
	for range 2 { // and its repetition credits nothing more
		w := httptest.NewRecorder()
		h.ServeHTTP(w, post(read(t, "notification_live.form")))
		assert.Equal(t, 200, w.Code)
		assert.Equal(t, money.Amount(149990), orders["ORD-2024-0042"])
	}
	// A buyer who edited the sum of the form has paid less than the order.
	less := vector1()
	less.Set("LMI_PAYMENT_AMOUNT", "1.00")
	less.Set("LMI_PAID_AMOUNT", "1.00")
	less.Set("LMI_SYS_PAYMENT_ID", "512345679")
	code, _ = send(expect(live), sign(live, less))
	assert.Equal(t, 409, code)
	assert.Empty(t, b.asked, "nothing is asked without a login")

	// What needs the login says so by name.
	for _, err := range []error{
		func() error { _, err := live.GetStatus(ctx, "ORD-2024-0042"); return err }(),
		func() error { _, err := live.FindByOrder(ctx, "ORD-2024-0042"); return err }(),
		func() error {
			_, err := live.Refund(ctx, acquiring.RefundRequest{ID: "ORD-2024-0042", Key: "R"})
			return err
		}(),
		func() error { _, err := live.Capture(ctx, acquiring.CaptureRequest{ID: "ORD-2024-0042"}); return err }(),
		func() error { _, err := live.Void(ctx, "ORD-2024-0042"); return err }(),
		func() error { _, _, err := live.GetDocumentContent(ctx, "1"); return err }(),
		func() error { _, err := live.ListDocuments(ctx, clock, clock); return err }(),
		live.Check(ctx),
		func() (err error) {
			for _, err = range live.Payments(ctx, acquiring.Filter{}) {
			}
			return err
		}(),
	} {
		e := refused(t, err, acquiring.ErrUnsupported, acquiring.OutcomeNotSent)
		assert.Equal(t, "Config.Login", e.Field)
		assert.Contains(t, err.Error(), "Config.Login")
		assert.NotEmpty(t, e.Hint)
	}
	assert.Empty(t, b.asked)
}

func TestNotification(t *testing.T) {
	c := newBank(t).classic(working, func(c *ClassicConfig) { c.Shop = "school" })
	body := read(t, "notification_live.form")
	cb, err := c.VerifyCallback(ctx, post(body))
	require.NoError(t, err)
	assert.Equal(t, &acquiring.Callback{Key: "school:ORD-2024-0042:512345678:paid", PaymentID: "ORD-2024-0042", OrderID: "ORD-2024-0042", Status: acquiring.StatusPaid,
		Amount: 149990, Signed: true, Raw: []byte(body), Payment: &acquiring.Payment{ID: "ORD-2024-0042", OrderID: "ORD-2024-0042", Status: acquiring.StatusPaid,
			Amount: 149990, Captured: 149990, Currency: "RUB", Method: acquiring.MethodCard, Card: &acquiring.Card{Masked: "2XXXXXXXXXXX0053"},
			PaidAt: time.Date(2024, 5, 14, 9, 30, 15, 0, time.UTC)}}, cb)
	n, err := ParseNotification(cb.Raw)
	require.NoError(t, err)
	assert.Equal(t, "512345678 93 BankCard Заказ ORD-2024-0042", strings.Join([]string{n.SysPaymentID, n.System, n.Method, n.Description}, " "))
	assert.True(t, n.Hash && !n.Test && !n.PreRequest && n.Date.Equal(cb.Payment.PaidAt))

	for name, tt := range map[string]func(url.Values){
		"another shop":             func(v url.Values) { v.Set("LMI_MERCHANT_ID", "other") },
		"no shop":                  func(v url.Values) { v.Del("LMI_MERCHANT_ID") },
		"thousands":                func(v url.Values) { v.Set("LMI_PAYMENT_AMOUNT", "1,499.90") },
		"a sign":                   func(v url.Values) { v.Set("LMI_PAYMENT_AMOUNT", "-1.00") },
		"five decimals":            func(v url.Values) { v.Set("LMI_PAYMENT_AMOUNT", "1.00000") },
		"part of a kopeck":         func(v url.Values) { v.Set("LMI_PAYMENT_AMOUNT", "1.001") },
		"an exponent":              func(v url.Values) { v.Set("LMI_PAID_AMOUNT", "1e3") },
		"letters in the number":    func(v url.Values) { v.Set("LMI_SYS_PAYMENT_ID", "5x") },
		"no number":                func(v url.Values) { v.Del("LMI_SYS_PAYMENT_ID") },
		"an empty number":          func(v url.Values) { v.Set("LMI_SYS_PAYMENT_ID", "") },
		"no date":                  func(v url.Values) { v.Del("LMI_SYS_PAYMENT_DATE") },
		"a bad date":               func(v url.Values) { v.Set("LMI_SYS_PAYMENT_DATE", "2024-13-14T09:30:15") },
		"a date with a zone":       func(v url.Values) { v.Set("LMI_SYS_PAYMENT_DATE", "2024-05-14T09:30:15Z") },
		"a date with a space":      func(v url.Values) { v.Set("LMI_SYS_PAYMENT_DATE", "2024-05-14 09:30:15") },
		"a simulation of 2 digits": func(v url.Values) { v.Set("LMI_SIM_MODE", "10") },
		"a system that is none":    func(v url.Values) { v.Set("LMI_PAYMENT_SYSTEM", "9 3") },
	} {
		t.Run(name, func(t *testing.T) {
			v := vector1()
			tt(v)
			_, err := c.VerifyCallback(ctx, notified(sign(c, v)))
			refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
		})
	}
	// What is not signed changes nothing but what it says.
	v := sign(c, vector1())
	v.Set("SIGN", "x")
	v.Set("order", "999")
	v.Set("LMI_PAYMENT_DESC", "a;b")
	again, err := c.VerifyCallback(ctx, notified(v))
	require.NoError(t, err)
	assert.Equal(t, cb.Key, again.Key)

	for name, r := range map[string]*http.Request{
		"doubled":           post(body + "&LMI_PAYMENT_AMOUNT=1.00"),
		"doubled hash":      post(body + "&LMI_HASH=x"),
		"a malformed form":  post(body + "&x=%zz"),
		"not UTF-8":         post(body + "&x=%ff"),
		"too long":          post(body + "&x=" + strings.Repeat("y", 64<<10)),
		"a GET":             httptest.NewRequest(http.MethodGet, callbackAt+"?"+body, nil),
		"nothing":           post(""),
		"JSON":              post(`{"id":"1"}`),
		"WebMoney's fields": post("LMI_MERCHANT_ID=" + merchant + "&LMI_MODE=0&LMI_SYS_INVS_NO=1&LMI_PAYMENT_AMOUNT=1.00&LMI_PAID_AMOUNT=1.00&LMI_HASH=AA"),
	} {
		_, err := c.VerifyCallback(ctx, r)
		e := refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
		assert.NotContains(t, err.Error(), secretKey)
		if name == "WebMoney's fields" {
			assert.Contains(t, e.Message, "WebMoney")
		}
	}

	// Currencies by number; a payment without a number of the shop's.
	v = vector1()
	v.Set("LMI_CURRENCY", "643")
	v.Del("LMI_PAYMENT_NO")
	cb, err = c.VerifyCallback(ctx, notified(sign(c, v)))
	require.NoError(t, err)
	assert.Equal(t, "RUB", cb.Payment.Currency)
	assert.Equal(t, SystemID("512345678"), cb.PaymentID)
	assert.Equal(t, "", cb.OrderID)
	assert.Equal(t, "USD EUR XTS", currencyLetters("840")+" "+currencyLetters("978")+" "+currencyLetters("XTS"))

	// A test payment is told by the mode, even 0, and by the method.
	for name, value := range map[string]string{"LMI_SIM_MODE": "0", "LMI_PAYMENT_METHOD": "Test"} {
		v = vector1()
		v.Set(name, value)
		_, err = c.VerifyCallback(ctx, notified(sign(c, v)))
		assert.Contains(t, refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected).Message, "test payment")
		cb, err = newBank(t).classic(working, func(c *ClassicConfig) { c.AcceptTest = true }).VerifyCallback(ctx, notified(v))
		require.NoError(t, err)
		assert.True(t, cb.Payment.Test)
	}
}

// What tells a test payment and is not signed can be taken out of a notification
// that the sender had made for himself; the number of the test system cannot.
func TestTestPaymentStrippedOfItsMarks(t *testing.T) {
	for _, system := range []string{"503", "3"} {
		v := vector2()
		v.Set("LMI_PAYMENT_SYSTEM", system)
		v.Set("LMI_SIM_MODE", "")
		c := newBank(t).classic(working)
		v = sign(c, v)
		v.Del("LMI_SIM_MODE")
		v.Set("LMI_PAYMENT_METHOD", "BankCard")
		_, err := c.VerifyCallback(ctx, notified(v))
		assert.Contains(t, refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected).Message, "test payment")
		n, err := ParseNotification([]byte(v.Encode()))
		require.NoError(t, err)
		assert.True(t, n.Test)
	}
}

func TestPreRequestIsNeverAPayment(t *testing.T) {
	c := newBank(t).classic(working)
	v := sign(c, vector1())
	for _, value := range []string{"1", "2", "0", ""} {
		v.Set("LMI_PREREQUEST", value)
		cb, err := c.VerifyCallback(ctx, notified(v))
		require.NoError(t, err)
		assert.Equal(t, acquiring.CallbackQuestion, cb.Kind)
		assert.False(t, cb.Signed)
		assert.Equal(t, acquiring.StatusPending, cb.Status)
		assert.Zero(t, cb.Payment.Captured)
		assert.Equal(t, "YES", string(cb.Reply.Body))
		assert.Equal(t, "NO", string(cb.Refusal.Body))
	}
	v.Set("LMI_MERCHANT_ID", "other")
	_, err := c.VerifyCallback(ctx, notified(v))
	refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
	v.Set("LMI_MERCHANT_ID", merchant)
	v.Set("LMI_SIM_MODE", "0")
	_, err = c.VerifyCallback(ctx, notified(v))
	refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
}

func TestSignEcho(t *testing.T) {
	c := newBank(t).classic(working, func(c *ClassicConfig) { c.SignKey = "a-key-of-the-shop's" })
	f, err := c.PaymentForm(order())
	require.NoError(t, err)
	v := vector1()
	v.Set("SIGN", f.Get("SIGN"))
	require.Len(t, f.Get("SIGN"), 64)
	_, err = c.VerifyCallback(ctx, notified(sign(c, v)))
	require.NoError(t, err)
	for name, value := range map[string]string{"LMI_PAYMENT_AMOUNT": "1.00", "LMI_PAYMENT_NO": "ORD-2", "LMI_CURRENCY": "USD", "SIGN": ""} {
		w := vector1()
		w.Set("SIGN", f.Get("SIGN"))
		w.Set(name, value)
		_, err = c.VerifyCallback(ctx, notified(sign(c, w)))
		assert.Contains(t, refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected).Message, "SIGN")
		w.Set("LMI_PREREQUEST", "1")
		_, err = c.VerifyCallback(ctx, notified(w))
		refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
	}
	assert.NotEqual(t, echoMessage("a", "b", "cd", "e"), echoMessage("a", "bc", "d", "e"))
}

func TestHolds(t *testing.T) {
	const get = "POST /api/v1/getPayment"
	b := newBank(t).on(get, ok(v1(512345678, "PROCESSING", "1499.90")), ok(v1(512345678, "COMPLETE", "1000")), answered{status: 503})
	c := b.classic(working, withLogin, func(c *ClassicConfig) { c.Holds = true })
	v := sign(c, vector1())
	cb, err := c.VerifyCallback(ctx, notified(v))
	require.NoError(t, err)
	assert.Equal(t, "authorized 0.00", cb.Status.String()+" "+cb.Payment.Captured.String())
	held := cb.Key
	cb, err = c.VerifyCallback(ctx, notified(v))
	require.NoError(t, err)
	assert.Equal(t, "paid 1000.00", cb.Status.String()+" "+cb.Payment.Captured.String())
	assert.NotEqual(t, held, cb.Key)
	_, err = c.VerifyCallback(ctx, notified(v))
	assert.True(t, acquiring.Temporary(err))
	r := order()
	r.Hold = true
	f, err := c.PaymentForm(r)
	require.NoError(t, err)
	assert.Equal(t, "HOLD", f.Get("LMI_PAYMENT_TYPE"))
	_, err = b.classic().CreateInvoice(ctx, r)
	assert.Equal(t, "Config.Holds", refused(t, err, acquiring.ErrUnsupported, acquiring.OutcomeNotSent).Field)
}

func TestPaymentForm(t *testing.T) {
	c := newBank(t).classic(working)
	r := order()
	r.Description, r.Customer.Email, r.Receipt = "Заказ ORD-2024-0042", "buyer@example.ru", sale(149990, fiscal.FullPrepayment)
	f, err := c.PaymentForm(r)
	require.NoError(t, err)
	var lines []string
	for _, field := range f {
		lines = append(lines, field.Name+"="+field.Value)
	}
	assert.Equal(t, strings.TrimSpace(read(t, "classic.form")), strings.Join(lines, "\n"))

	full := order()
	full.Description = strings.Repeat("я", 300)
	full.ReturnURL, full.CallbackURL, full.TTL = "https://shop.example/ok", callbackAt, time.Hour
	full.Customer = acquiring.Customer{Phone: "+7 903 123-45-67"}
	full.Methods = []acquiring.Method{acquiring.MethodCard}
	full.Metadata = map[string]string{"order": "42", "b": "x & y"}
	full.Extra = map[string]string{"LMI_SHOP_ID": "7"}
	test := newBank(t).classic(func(c *ClassicConfig) { c.SimMode = SimFail })
	f, err = test.PaymentForm(full)
	require.NoError(t, err)
	want := map[string]string{"LMI_MERCHANT_ID": merchant, "LMI_PAYMENT_AMOUNT": "1499.90", "LMI_CURRENCY": "RUB", "LMI_PAYMENT_NO": "ORD-2024-0042", "LMI_SIM_MODE": "1",
		"LMI_PAYMENT_NOTIFICATION_URL": callbackAt, "LMI_SUCCESS_URL": "https://shop.example/ok", "LMI_FAILURE_URL": "https://shop.example/ok", "LMI_PAYER_PHONE_NUMBER": "79031234567",
		"LMI_EXPIRES": "2024-05-14T10:00:00", "LMI_PAYMENT_METHOD": "BankCard", "order": "42", "b": "x & y", "LMI_SHOP_ID": "7"}
	for _, field := range f {
		if field.Name == "LMI_PAYMENT_DESC_BASE64" {
			text, err := base64.StdEncoding.DecodeString(field.Value)
			require.NoError(t, err)
			assert.Equal(t, strings.Repeat("я", 255), string(text))
			continue
		}
		assert.Equal(t, want[field.Name], field.Value, field.Name)
		delete(want, field.Name)
	}
	assert.Empty(t, want)
	inv, err := test.CreateInvoice(ctx, full)
	require.NoError(t, err)
	u, err := url.Parse(inv.PayURL)
	require.NoError(t, err)
	assert.Equal(t, "x & y", u.Query().Get("b"))
	assert.Equal(t, clock.Add(time.Hour), inv.ExpiresAt)
	assert.Equal(t, acquiring.PaymentID("ORD-2024-0042"), inv.ID)

	for field, change := range map[string]func(*acquiring.InvoiceRequest){
		"OrderID":               func(r *acquiring.InvoiceRequest) { r.OrderID = "sys:1" },
		"Amount":                func(r *acquiring.InvoiceRequest) { r.Amount = 0 },
		"Currency":              func(r *acquiring.InvoiceRequest) { r.Currency = "EUR" },
		"Methods":               func(r *acquiring.InvoiceRequest) { r.Methods = []acquiring.Method{acquiring.MethodTPay} },
		"Metadata[LMI_x]":       func(r *acquiring.InvoiceRequest) { r.Metadata = map[string]string{"LMI_x": "1"} },
		"Metadata[SIGN]":        func(r *acquiring.InvoiceRequest) { r.Metadata = map[string]string{"SIGN": "1"} },
		"Metadata[a\x01]":       func(r *acquiring.InvoiceRequest) { r.Metadata = map[string]string{"a\x01": "1"} },
		"Extra[LMI_SECRET_KEY]": func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"LMI_SECRET_KEY": "1"} },
		"Extra[LMI_CURRENCY]":   func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"LMI_CURRENCY": "USD"} },
		"Receipt.items[0].mark": func(r *acquiring.InvoiceRequest) {
			r.Receipt = sale(149990, fiscal.FullPayment)
			r.Receipt.Lines[0].Mark = &fiscal.Mark{Code: "46198488", Kind: fiscal.MarkEAN8}
			r.Receipt.Lines[0].Subject = fiscal.Goods
		},
		"Receipt.items[0].quantity": func(r *acquiring.InvoiceRequest) {
			r.Receipt = sale(149990, fiscal.FullPayment)
			r.Receipt.Lines[0].Quantity++
		},
	} {
		r := order()
		change(&r)
		_, err := c.CreateInvoice(ctx, r)
		if field == "Receipt.items[0].mark" && err != nil && asError(t, err).Field == "Receipt" {
			continue // the model itself refuses it
		}
		invalid(t, err, field)
	}
	two := order()
	two.Methods = []acquiring.Method{acquiring.MethodCard, acquiring.MethodSBP}
	_, err = c.CreateInvoice(ctx, two)
	invalid(t, err, "Methods")
	save := order()
	save.SaveCard, save.Customer.ID = true, "1"
	_, err = c.CreateInvoice(ctx, save)
	refused(t, err, acquiring.ErrUnsupported, acquiring.OutcomeNotSent)

	// The cart: cut names, calculated rates, agents.
	cut := newBank(t).classic(func(c *ClassicConfig) { c.NameLimit = 5 })
	r.Receipt.Lines[0].VAT = fiscal.VAT22
	r.Receipt.Lines[0].Agent = &fiscal.Agent{Type: fiscal.OtherAgent}
	r.Receipt.Lines[0].Supplier = &fiscal.Supplier{Name: "ИП", INN: "500100732259", Phones: []string{"+79161234567"}}
	f, err = cut.PaymentForm(r)
	require.NoError(t, err)
	assert.Equal(t, "Абоне vat122 6", f.Get("LMI_SHOPPINGCART.ITEMS[0].NAME")+" "+f.Get("LMI_SHOPPINGCART.ITEMS[0].TAX")+" "+f.Get("LMI_SHOPPINGCART.ITEMS[0].AGENT.TYPE"))
}

func TestStartServer(t *testing.T) {
	const init = "POST /payment/init"
	start := func(c *ClassicConfig) { c.Start = StartServer }
	page := "https://paymaster.ru/Payment/process/3c19cc6d-88d8-4f5c-b5cc-3800564e5867"
	b := newBank(t).on(init, answered{status: 302, header: http.Header{"Location": {page}}}, answered{status: 302, body: `<a href="` + page + `">here</a>`},
		answered{status: 302, header: http.Header{"Location": {"/Payment/process/1"}}})
	for range 2 {
		inv, err := b.classic(start).CreateInvoice(ctx, order())
		require.NoError(t, err)
		assert.Equal(t, page, inv.PayURL)
	}
	inv, err := b.classic(start).CreateInvoice(ctx, order())
	require.NoError(t, err)
	assert.Equal(t, b.URL+"/Payment/process/1", inv.PayURL)
	v, err := url.ParseQuery(b.last(init).body)
	require.NoError(t, err)
	assert.Len(t, v, 5)
	assert.Equal(t, contentForm, b.last(init).header.Get("Content-Type"))

	for name, tt := range map[string]struct {
		answer  answered
		kind    error
		outcome acquiring.Outcome
	}{
		"refused":         {ok("<style>a{margin:-3px}</style><h1>Ошибка (-14)</h1> Платёж с таким номером существует"), acquiring.ErrDuplicate, acquiring.OutcomeRejected},
		"refused, minus":  {ok("Ошибка −18."), acquiring.ErrInvalid, acquiring.OutcomeRejected},
		"a page":          {ok("<html>maintenance</html>"), acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		"nothing":         {ok(""), acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		"no address":      {answered{status: 302}, acquiring.ErrProtocol, acquiring.OutcomeRejected},
		"a wrong address": {answered{status: 302, header: http.Header{"Location": {"javascript:alert(1)"}}}, acquiring.ErrProtocol, acquiring.OutcomeRejected},
		"404":             {answered{status: 404}, acquiring.ErrNotFound, acquiring.OutcomeRejected},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newBank(t).on(init, tt.answer).classic(start).CreateInvoice(ctx, order())
			refused(t, err, tt.kind, tt.outcome)
		})
	}
}

func TestBuiltin(t *testing.T) {
	const only = "POST /BuiltinPayment/initonly"
	page := "https://paymaster.ru/payment/process/2b0c6e6a-5a55-4c0e-8c5f-0d1f2a3b4c5d"
	b := newBank(t).on(only, ok(`{"PaymentUrl":"`+page+`"}`), ok(`{"PaymentUrl":""}`), ok(`{"ErrorCode":-14,"Message":"x"}`), ok(`<h1>Ошибка</h1>`), answered{status: 400, body: "(-18)"}).
		on("POST /BuiltinPayment/init", ok(`{"PaymentUrl":"`+page+`","Step":1}`))
	c := b.classic(func(c *ClassicConfig) { c.Start = StartBuiltin })
	inv, err := c.CreateInvoice(ctx, order())
	require.NoError(t, err)
	assert.Equal(t, page, inv.PayURL)
	v, err := url.ParseQuery(b.last(only).body)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"LMI_MERCHANT_ID": {merchant}, "LMI_PAYMENT_AMOUNT": {"1499.90"}, "LMI_CURRENCY": {"RUB"}, "LMI_PAYMENT_NO": {"ORD-2024-0042"},
		"LMI_PAYMENT_DESC_BASE64": {"0JfQsNC60LDQtyBPUkQtMjAyNC0wMDQy"}, "authhash": {"lzd118IcpVbQxcphVAYJwWtpFbaIG39yumgf3H5bPpE="}, "json": {"1"}}, v)
	assert.Equal(t, "j4VwQO9EQRlSuB8jds0aa03MuQKmH5UkfS+Zor5Mtjc=", c.BuiltinStepHash(page))
	for _, kind := range []error{acquiring.ErrProtocol, acquiring.ErrDuplicate, acquiring.ErrProtocol, acquiring.ErrInvalid} {
		_, err = c.CreateInvoice(ctx, order())
		assert.ErrorIs(t, err, kind)
	}
	f, err := c.PaymentForm(order())
	require.NoError(t, err)
	steps, err := c.StartBuiltinSteps(ctx, f)
	require.NoError(t, err)
	assert.Contains(t, string(steps.Raw), "Step")
}
