package paymastertest

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

// formOf is the form of the specification, section B1.
func formOf(pairs ...string) url.Values {
	v := values("LMI_MERCHANT_ID", DefaultMerchantID, "LMI_PAYMENT_AMOUNT", "1499.90", "LMI_CURRENCY", "RUB", "LMI_PAYMENT_NO", "ORD-2024-0042",
		"LMI_PAYMENT_DESC_BASE64", "0JfQsNC60LDQtyBPUkQtMjAyNC0wMDQy", "LMI_PAYER_EMAIL", "buyer@example.ru",
		"LMI_SHOPPINGCART.ITEMS[0].NAME", "Абонемент на май", "LMI_SHOPPINGCART.ITEMS[0].QTY", "1", "LMI_SHOPPINGCART.ITEMS[0].PRICE", "1499.90",
		"LMI_SHOPPINGCART.ITEMS[0].TAX", "no_vat", "LMI_SHOPPINGCART.ITEMS[0].METHOD", "1", "LMI_SHOPPINGCART.ITEMS[0].SUBJECT", "4")
	for i := 0; i+1 < len(pairs); i += 2 {
		if v.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			v.Del(pairs[i])
		}
	}
	return v
}

// classicStart starts the payment of the form and gives its id.
func classicStart(t *testing.T, s *Server, pairs ...string) string {
	t.Helper()
	id, err := s.Open(s.URL + "/payment/init?" + formOf(pairs...).Encode())
	require.NoError(t, err)
	return id
}

func TestHashVectors(t *testing.T) {
	one := pairs{{"LMI_PAYMENT_SYSTEM", "93"}, {"LMI_MERCHANT_ID", DefaultMerchantID}, {"LMI_PAYMENT_NO", "ORD-2024-0042"}, {"LMI_SYS_PAYMENT_ID", "512345678"},
		{"LMI_SYS_PAYMENT_DATE", "2024-05-14T09:30:15"}, {"LMI_PAYMENT_AMOUNT", "1499.90"}, {"LMI_CURRENCY", "RUB"}, {"LMI_PAID_AMOUNT", "1499.90"}, {"LMI_PAID_CURRENCY", "RUB"}}
	two := pairs{{"LMI_SIM_MODE", "0"}, {"LMI_PAYMENT_SYSTEM", "503"}, {"LMI_MERCHANT_ID", DefaultMerchantID}, {"LMI_PAYMENT_NO", "Счёт №17"}, {"LMI_SYS_PAYMENT_ID", "512345699"},
		{"LMI_SYS_PAYMENT_DATE", "2024-05-14T09:41:02"}, {"LMI_PAYMENT_AMOUNT", "250.00"}, {"LMI_CURRENCY", "RUB"}, {"LMI_PAID_AMOUNT", "250.00"}, {"LMI_PAID_CURRENCY", "RUB"}}
	for _, c := range []struct {
		fields pairs
		secret string
		want   map[HashAlgo]string
	}{
		{one, "s3cr3t-Key_for-docs", map[HashAlgo]string{MD5: "jUjCA9Qow5yrNae1aOMXMw==", SHA1: "/e+sl8W3C+2exXR2rtl9ZuRkrQc=", SHA256: "lIse/BCXYJk4kWFB6TXKKiLRNuQo7mEkrd3Ow+WsHek="}},
		{two, "ключ/секрет+1", map[HashAlgo]string{MD5: "ezR5o2fmSmgNU2d1uMapnQ==", SHA1: "cKZd83HBbZfXujW3Lnj9Zvzz0wo=", SHA256: "P0rMhSj69wVB3Kn/vjIxjpyhYhTq4CN1Ja5I6rH9cM8="}},
	} {
		for algo, want := range c.want {
			assert.Equal(t, want, digest(algo, signedText(c.fields)+c.secret))
		}
	}
	s := still(t)
	assert.Equal(t, "lzd118IcpVbQxcphVAYJwWtpFbaIG39yumgf3H5bPpE=", s.startHash(pairs{{"LMI_MERCHANT_ID", DefaultMerchantID}, {"LMI_PAYMENT_AMOUNT", "1499.9"}, {"LMI_CURRENCY", "RUB"}}))
	assert.Equal(t, "j4VwQO9EQRlSuB8jds0aa03MuQKmH5UkfS+Zor5Mtjc=", s.stepHash("https://paymaster.ru/Payment/Process/2b0c6e6a-5a55-4c0e-8c5f-0d1f2a3b4c5d"))
}

func TestPublishedCaptures(t *testing.T) {
	for name, secret := range map[string]string{"classic_capture_2015_testsite.form": "YOUR_MOMMY_SECRET", "classic_capture_2016_live_resigned.form": "re-signed-key/2016+A="} {
		raw := strings.TrimSpace(sample(t, name))
		fields, err := parsePairs(raw)
		require.NoError(t, err)
		assert.Equal(t, fields.get("LMI_HASH"), digest(SHA256, signedText(fields)+secret), name)
		assert.NotEqual(t, fields.get("LMI_HASH"), digest(SHA256, signedText(fields)+"x"))
		assert.Equal(t, raw, string(spell(fields)), "our spelling is that of the capture")
	}
	for _, name := range []string{"classic_capture_2014_md5_unknown_key.form", "classic_capture_2017_testmode_unknown_key.form"} {
		raw := strings.TrimSpace(sample(t, name))
		fields, err := parsePairs(raw)
		require.NoError(t, err)
		assert.Equal(t, raw, string(spell(fields)), name)
	}
	moved := regexp.MustCompile(`<a href="([^"]+)">here`)
	assert.NotNil(t, moved.FindStringSubmatch(sample(t, "init_redirect_body.html")))
	s := still(t)
	r := post(t, s, "/Payment/Init", formOf())
	assert.Equal(t, r.header.Get("Location"), moved.FindStringSubmatch(r.body)[1])
	require.NoError(t, s.Pay(r.header.Get("Location")))
	assertHas(t, sample(t, "rest1_getpayment_complete.json"), rest(t, s, "getPaymentByInvoiceID", "invoiceID", "ORD-2024-0042", "siteAlias", DefaultMerchantID).body)
}

func TestClassicPaymentOnThePage(t *testing.T) {
	hook := &shop{answer: "YES"}
	s := still(t, WithWorkingMode(), WithCallbackURL("http://shop.test/notify"), WithConfirmationURL("http://shop.test/ask"),
		WithReturnURLs("https://shop.example.ru/ok?a=1", "https://shop.example.ru/no"), WithCallbackHandler(hook))
	r := post(t, s, "/payment/init", formOf("order", "17", "PAYMENT_TOKEN", "a b+c/д", "LMI_SHOP_ID", "5"))
	require.Equal(t, 302, r.code)
	page := r.header.Get("Location")
	assert.Regexp(t, `/Payment/process/[0-9a-f-]{36}$`, page)
	assert.Contains(t, do(t, s, "GET", page, "").body, "Заказ ORD-2024-0042")
	r = post(t, s, page, values("do", "pay", "pan", CardPays, "valid", "12/29", "cvc", "000"))
	require.Equal(t, 303, r.code)
	back, err := url.Parse(r.header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "/ok", back.Path)
	assert.Equal(t, []string{"1", "ORD-2024-0042", "1499.90", "17"}, []string{back.Query().Get("a"), back.Query().Get("LMI_PAYMENT_NO"), back.Query().Get("LMI_PAYMENT_AMOUNT"), back.Query().Get("order")})

	require.Len(t, hook.got, 1, "the question was asked at once")
	ask := hook.form(t)
	assert.Equal(t, []string{"1", "93", "BankCard", "Заказ ORD-2024-0042", "17"}, []string{ask.Get("LMI_PREREQUEST"), ask.Get("LMI_PAYMENT_SYSTEM"), ask.Get("LMI_PAYMENT_METHOD"), ask.Get("LMI_PAYMENT_DESC"), ask.Get("order")})
	assert.False(t, ask.Has("LMI_HASH"))
	assert.False(t, ask.Has("LMI_SIM_MODE"))
	assert.Equal(t, 1, s.Deliver())
	news := hook.form(t)
	assert.False(t, news.Has("LMI_SIM_MODE"))
	assert.False(t, news.Has("LMI_PREREQUEST"))
	assert.Equal(t, "4XXXXXXXXXXX0010", news.Get("LMI_PAYER_IDENTIFIER"))
	assert.Equal(t, "a b+c/д", news.Get("PAYMENT_TOKEN"))
	want := strings.Join([]string{DefaultMerchantID, "ORD-2024-0042", news.Get("LMI_SYS_PAYMENT_ID"), "2026-11-21T12:00:00", "1499.90", "RUB", "1499.90", "RUB", "93", "", "s3cr3t-Key_for-docs"}, ";")
	assert.Equal(t, digest(SHA256, want), news.Get("LMI_HASH"))
	raw := hook.last(t).body
	assert.Regexp(t, `^LMI_MERCHANT_ID=[^&]+&LMI_PAYMENT_SYSTEM=93&LMI_CURRENCY=RUB&LMI_PAYMENT_AMOUNT=1499.90&LMI_PAYMENT_NO=ORD-2024-0042&LMI_PAYMENT_DESC=%d0%97[^&]+&LMI_SYS_PAYMENT_DATE=2026-11-21T12%3a00%3a00&LMI_SYS_PAYMENT_ID=\d+&LMI_PAID_AMOUNT=1499.90&LMI_PAID_CURRENCY=RUB&LMI_PAYER_IDENTIFIER=[^&]+&LMI_PAYMENT_METHOD=BankCard&LMI_PAYMENT_REF=\d{12}&LMI_SHOP_ID=5&.*&LMI_HASH=[^&]+%3d$`, raw)
	assert.NotContains(t, s.Deliveries()[1].Canonical, "s3cr3t")
	assert.NotContains(t, raw, "SHOPPINGCART")

	require.NoError(t, s.Forge("ORD-2024-0042"))
	s.Deliver()
	assert.Equal(t, "11499.90", hook.form(t).Get("LMI_PAID_AMOUNT"))
	assert.Equal(t, news.Get("LMI_HASH"), hook.form(t).Get("LMI_HASH"))
	assert.Equal(t, "no_vat", s.Receipts("ORD-2024-0042")[0].Lines[0].VAT)
	assert.Contains(t, do(t, s, "GET", page, "").body, "Оплачено")
}

func TestClassicRefusalsOnThePage(t *testing.T) {
	hook := &shop{answer: "\ufeffYES"}
	s := still(t, WithReturnByPost(), WithRepeatedNumbers(), WithCallbackHandler(hook))
	start := func(pairs ...string) string {
		return post(t, s, "/payment/init", formOf(append(pairs, "LMI_FAILURE_URL", "https://shop.example.ru/no", "LMI_SUCCESS_URL", "https://shop.example.ru/ok")...)).header.Get("Location")
	}
	pay := func(page, pan string) result {
		return post(t, s, page, values("do", "pay", "pan", pan, "valid", "12/29", "cvc", "000"))
	}
	page := start("LMI_INVOICE_CONFIRMATION_URL", "http://shop.test/ask")
	assert.Contains(t, pay(page, CardPays).body, `action="https://shop.example.ru/no"`)
	assert.Contains(t, do(t, s, "GET", page, "").body, "Ошибка -8")
	assert.ErrorContains(t, s.Pay(start("LMI_INVOICE_CONFIRMATION_URL", "http://shop.test/ask")), "-8 Продавец отказался от счёта")
	hook.answer = " YES\r\n"
	require.NoError(t, s.Pay(start("LMI_INVOICE_CONFIRMATION_URL", "http://shop.test/ask", "LMI_PAYMENT_NO", "trimmed")))

	assert.Contains(t, pay(start(), "1").body, "тестовых карт")
	for pan, code := range map[string]string{CardNoMoney: "-19", CardDeclined: "-10"} {
		page = start()
		assert.Contains(t, pay(page, pan).body, `action="https://shop.example.ru/no"`)
		assert.Contains(t, do(t, s, "GET", page, "").body, "Ошибка "+code)
	}
	page = start()
	assert.Contains(t, pay(page, CardThreeDS2).body, secureCode)
	o, _ := s.Order(page)
	assert.Equal(t, "PROCESSING", o.State)
	assert.Contains(t, post(t, s, page, values("do", "code", "code", secureCode)).body, `action="https://shop.example.ru/ok"`)
	for button, code := range map[string]string{"cancel": "-17", "expire": "-15", "decline": "-10"} {
		page = start("LMI_PAYMENT_NO", "n-"+button)
		post(t, s, page, values("do", button))
		assert.Contains(t, do(t, s, "GET", page, "").body, "Ошибка "+code)
	}
}

func TestSimulationAndTestMode(t *testing.T) {
	hook := &shop{}
	s := still(t, WithCallbackURL("http://shop.test/"), WithCallbackHandler(hook), WithUnknowns(Unknowns{TestSystem: "3", NumericCurrency: true, MoscowTime: true, FailedReturnBare: true}))
	require.NoError(t, s.Pay(classicStart(t, s, "LMI_PAYMENT_NO", "1", "LMI_CURRENCY", "643")))
	s.Deliver()
	f := hook.form(t)
	assert.Equal(t, []string{"0", "3", "Test", "643", "2026-11-21T15:00:00"}, []string{f.Get("LMI_SIM_MODE"), f.Get("LMI_PAYMENT_SYSTEM"), f.Get("LMI_PAYMENT_METHOD"), f.Get("LMI_CURRENCY"), f.Get("LMI_SYS_PAYMENT_DATE")})
	assert.ErrorContains(t, s.Pay(classicStart(t, s, "LMI_PAYMENT_NO", "2", "LMI_SIM_MODE", "1")), "-16")
	good := 0
	for i := range 60 {
		if s.Pay(classicStart(t, s, "LMI_PAYMENT_NO", fmt.Sprint("sim", i), "LMI_SIM_MODE", "2")) == nil {
			good++
		}
	}
	assert.InDelta(t, 48, good, 11)
	page := post(t, s, "/payment/init", formOf("LMI_PAYMENT_NO", "3", "LMI_FAILURE_URL", "https://shop.example.ru/no")).header.Get("Location")
	assert.NotContains(t, post(t, s, page, values("do", "decline")).header.Get("Location"), "LMI_SYS_")

	bare := still(t, WithUnknowns(Unknowns{NoSystem: true}), WithCallbackURL("http://shop.test/"), WithCallbackHandler(hook), WithConfirmationURL("http://shop.test/"), WithoutURLSubstitution())
	hook.answer = "YES"
	require.NoError(t, bare.Pay(classicStart(t, bare, "LMI_PAYMENT_NO", "-", "LMI_SIM_MODE", "0", "LMI_PAYMENT_NOTIFICATION_URL", "http://evil.test/")))
	bare.Deliver()
	f = hook.form(t)
	assert.False(t, f.Has("LMI_PAYMENT_SYSTEM"))
	assert.False(t, f.Has("LMI_PAYMENT_NO"))
	assert.Equal(t, "http://shop.test/", bare.Deliveries()[1].URL)
}

func TestFormIsRefused(t *testing.T) {
	s := still(t)
	for want, changes := range map[string][]string{
		"-6 no site":        {"LMI_MERCHANT_ID", "00000000-0000-0000-0000-000000000000"},
		"-18 comma":         {"LMI_PAYMENT_AMOUNT", "1,499.90"},
		"-18 decimals":      {"LMI_PAYMENT_AMOUNT", "1499.900"},
		"-18 zero":          {"LMI_PAYMENT_AMOUNT", "0.00"},
		"-18 none":          {"LMI_PAYMENT_AMOUNT", "-"},
		"-1 currency":       {"LMI_CURRENCY", "USD"},
		"-1 no description": {"LMI_PAYMENT_DESC_BASE64", "-"},
		"-1 long":           {"LMI_PAYMENT_DESC_BASE64", "-", "LMI_PAYMENT_DESC", strings.Repeat("я", 256)},
		"-1 base64":         {"LMI_PAYMENT_DESC_BASE64", "***"},
		"-1 phone":          {"LMI_PAYER_PHONE_NUMBER", "+79031234567"},
		"-1 email":          {"LMI_PAYER_EMAIL", "buyer"},
		"-1 expires":        {"LMI_EXPIRES", "2026-11-22"},
		"-9 expired":        {"LMI_EXPIRES", "2026-11-21T11:59:59"},
		"-1 simulation":     {"LMI_SIM_MODE", "3"},
		"-1 method":         {"LMI_PAYMENT_METHOD", "Gold"},
		"-1 url":            {"LMI_SUCCESS_URL", "ok.html"},
		"-18 cart":          {"LMI_SHOPPINGCART.ITEMS[0].PRICE", "1499.89"},
		"-1 name":           {"LMI_SHOPPINGCART.ITEMS[0].NAME", "-"},
		"-1 qty":            {"LMI_SHOPPINGCART.ITEMS[0].QTY", "1.0001"},
		"-1 no qty":         {"LMI_SHOPPINGCART.ITEMS[0].QTY", "0"},
		"-1 price":          {"LMI_SHOPPINGCART.ITEMS[0].PRICE", "x"},
		"-1 tax":            {"LMI_SHOPPINGCART.ITEMS[0].TAX", "twenty"},
		"-1 way":            {"LMI_SHOPPINGCART.ITEMS[0].METHOD", "8"},
		"-1 subject":        {"LMI_SHOPPINGCART.ITEMS[0].SUBJECT", "0"},
		"-1 agent":          {"LMI_SHOPPINGCART.ITEMS[0].AGENT.TYPE", "7"},
		"-1 gap":            {"LMI_SHOPPINGCART.ITEMS[2].NAME", "x"},
		"-1 repeated":       {"lmi_payment_amount", "1.00"},
	} {
		code, _, _ := strings.Cut(want, " ")
		r := post(t, s, "/payment/init", formOf(changes...))
		assert.Equal(t, 200, r.code, want)
		assert.Contains(t, r.body, "Ошибка "+code+".", want)
		assert.True(t, strings.HasPrefix(r.header.Get(reasonHeader), code+" "), want+": "+r.header.Get(reasonHeader))
	}
	_, err := s.Open(s.URL + "/payment/init?" + formOf("LMI_CURRENCY", "-").Encode())
	assert.ErrorContains(t, err, "LMI_CURRENCY")
	assert.Equal(t, 400, do(t, s, "GET", "/payment/init?a=%zz", "").code)
	assert.Empty(t, s.Orders())
	item := values()
	for name, v := range formOf() {
		item[strings.Replace(strings.ToLower(name), "items[", "item[", 1)] = v
	}
	assert.Equal(t, 302, post(t, s, "/payment/init", item).code, "ITEM and lower case are taken")
	long := formOf("LMI_PAYMENT_NO", "b", "LMI_PAYMENT_DESC_BASE64", "0JfQsNC60LDQ\r\ntyBPUkQtMjAyNC0wMDQy")
	assert.Equal(t, 302, post(t, s, "/widget/Basic/1", long).code)
}

func TestNumbersAreUsedOnce(t *testing.T) {
	s := still(t)
	first, second := classicStart(t, s), classicStart(t, s)
	assert.NotEqual(t, first, second, "an unpaid number starts another attempt")
	assert.Equal(t, []string{second}, s.Payable("ORD-2024-0042"), "only one of them can be paid")
	require.NoError(t, s.Pay(first))
	assert.ErrorContains(t, s.Pay(second), "-14")
	_, err := s.Open(s.URL + "/payment/init?" + formOf().Encode())
	assert.ErrorContains(t, err, "-14")
	o, _ := s.Order("ORD-2024-0042")
	assert.Equal(t, first, o.ID, "the paid one stands for the number")
	require.NoError(t, s.Decline(classicStart(t, s, "LMI_PAYMENT_NO", "declined")))
	_, err = s.Open(s.URL + "/payment/init?" + formOf("LMI_PAYMENT_NO", "declined").Encode())
	assert.ErrorContains(t, err, "-14")
	again := still(t, WithRepeatedNumbers())
	require.NoError(t, again.Decline(classicStart(t, again)))
	require.NoError(t, again.Pay(classicStart(t, again)))
	assert.Error(t, again.PaySBP(classicStart(t, again, "LMI_PAYMENT_NO", "x")))
	require.NoError(t, again.Pay(again.URL+"/payment/init?"+formOf("LMI_PAYMENT_NO", "by-link").Encode()))
}

func TestClassicExpiry(t *testing.T) {
	s := still(t, WithUnknowns(Unknowns{LinkLife: time.Hour}))
	a, b := classicStart(t, s, "LMI_PAYMENT_NO", "a", "LMI_EXPIRES", "2026-11-21T12:30:00"), classicStart(t, s, "LMI_PAYMENT_NO", "b")
	s.Advance(30 * time.Minute)
	o, _ := s.Order(a)
	assert.Equal(t, "CANCELLED", o.State)
	o, _ = s.Order(b)
	assert.Equal(t, "INITIATED", o.State)
	s.Advance(30 * time.Minute)
	assert.Error(t, s.Pay(b))
}

func TestBuiltin(t *testing.T) {
	s := still(t)
	f := formOf("json", "1", "authhash", "lzd118IcpVbQxcphVAYJwWtpFbaIG39yumgf3H5bPpE=")
	r := post(t, s, "/BuiltinPayment/initonly", f)
	link := r.text("PaymentUrl")
	require.Contains(t, link, s.URL+"/payment/process/")
	require.NoError(t, s.Pay(link))
	o, _ := s.Order("ORD-2024-0042")
	assert.Equal(t, money.RUB(1499, 90), o.Captured)
	step := post(t, s, link, values("authhash", s.stepHash(link), "json", "1"))
	assert.Equal(t, "COMPLETE", step.text("State"))
	assert.Equal(t, "-7", post(t, s, link, values("authhash", "x")).text("ErrorCode"))
	assert.Equal(t, "-14", post(t, s, "/builtinpayment/init", f).text("ErrorCode"))
	f.Set("authhash", "wrong")
	assert.Equal(t, "-7", post(t, s, "/builtinpayment/init", f).text("ErrorCode"))
	f.Del("json")
	assert.Contains(t, post(t, s, "/builtinpayment/init", f).body, "Ошибка -7")
	f = formOf("LMI_PAYMENT_NO", "new", "authhash", "lzd118IcpVbQxcphVAYJwWtpFbaIG39yumgf3H5bPpE=")
	assert.Equal(t, 302, post(t, s, "/builtinpayment/init", f).code)
	assert.Equal(t, 400, do(t, s, "GET", "/builtinpayment/init", "").code)
}
