package paymastertest

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

const (
	cardJSON = `{"merchantId":"7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11","invoice":{"description":"d","orderNo":"D-1","params":{}},"amount":{"value":10.5,"currency":"RUB"},
 "protocol":{"threeDSCompleteUrl":"https://shop.example.ru/3ds"},
 "paymentData":{"paymentMethod":"bankcard","card":{"pan":"PAN","expiry":"12/29","cvc":"111"}},
 "device":{"language":"ru","acceptHeader":"*/*","userAgent":"x","colorDepth":"24","screenHeight":"900","screenWidth":"1600","utcOffsetMinutes":"180"}}`
	sbpJSON      = `{"merchantId":"7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11","invoice":{"description":"d","orderNo":"S-1"},"amount":{"value":10.5,"currency":"RUB"},"paymentData":{"paymentMethod":"sbp"}}`
	chargeJSON   = `{"merchantId":"7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11","invoice":{"description":"Подписка, июнь","orderNo":"SUB-5-06"},"amount":{"value":300,"currency":"RUB"},"paymentData":{"paymentMethod":"bankcard","token":{"id":"TOKEN"}}}`
	sbpTokenJSON = `{"merchantId":"7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11","type":"recurring","purpose":"Подписка","paymentData":{"paymentMethod":"sbp"},"customer":{"account":"u-55"},"protocol":{"callbackUrl":"http://shop.test/t"}}`
	bindJSON     = `{"merchantId":"7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11","type":"recurring","purpose":"Подписка «Про»","paymentMethod":"bankcard",
 "callbackUrl":"https://shop.example.ru/hooks/pm-token/9b1e7c","returnUrl":"https://shop.example.ru/sub","customer":{"account":"u-55"}}`
	stickerJSON = `{"merchantId":"7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11","stickerType":"Sbp","productCode":"C-1","paymentPurpose":"Кофе","amount":{"value":150,"currency":"RUB"}}`
)

func TestCardsDirectly(t *testing.T) {
	s := still(t)
	pay := func(pairs ...string) result {
		r := v2(t, s, "POST", "/payments", change(cardJSON, pairs...))
		require.Equal(t, 200, r.code, r.body)
		return r
	}
	r := pay("PAN", CardPays)
	assert.Equal(t, []string{"Settled", "Success", "BankCard"}, []string{r.text("status"), r.text("resultCode"), r.text("paymentData", "paymentMethod")})
	for pan, code := range map[string]string{CardNoMoney: "InsufficientFunds", CardDeclined: "TransactionDeclined", "4111111111111111": "InvalidAccount"} {
		r = pay("PAN", pan)
		assert.Equal(t, []string{"Rejected", code}, []string{r.text("status"), r.text("resultCode")})
	}
	assert.Equal(t, "ExpiredAccount", pay("PAN", CardPays, "12/29", "10/26").text("resultCode"))
	assert.Equal(t, "TransactionDeclined", pay("PAN", CardPays, `"cvc":"111"`, `"cvc":"999"`).text("resultCode"))
	assert.Equal(t, "Settled", pay("PAN", CardThreeDS1, `"cvc":"111"`, `"dsrp":{"type":"ApplePay","cryptogram":"c","eci":"05"}`).text("status"))

	for _, body := range []string{
		change(cardJSON, "12/29", "1229"), change(cardJSON, `"card":{"pan":"PAN","expiry":"12/29","cvc":"111"}`, `"account":"1"`),
		change(cardJSON, `"cvc":"111"`, `"dsrp":{"type":"MirPay"}`), change(cardJSON, `"language":"ru",`, ``),
		change(sbpJSON, `,"paymentData":{"paymentMethod":"sbp"}`, ``), change(sbpJSON, `{"paymentMethod":"sbp"}`, `{"phone":"79"}`),
	} {
		assert.Equal(t, "validation_error", v2(t, s, "POST", "/payments", body).text("code"), body)
	}
}

func TestThreeDSecure(t *testing.T) {
	s := still(t, WithUnknowns(Unknowns{OldACSField: true}))
	complete := func(id, body string) result { return v2(t, s, "PUT", "/payments/"+id+"/complete", body) }
	pay := func(pan string) (string, result) {
		r := v2(t, s, "POST", "/payments", change(cardJSON, "PAN", pan))
		require.Equal(t, "Confirmation", r.text("status"), r.body)
		return r.text("id"), r
	}
	id, r := pay(CardThreeDS2)
	assert.Equal(t, "ThreeDSMethod", r.text("confirmation", "type"))
	assert.NotEmpty(t, r.text("confirmation", "transactionId"))
	assert.Equal(t, "invalid_operation", complete(id, `{"cres":"x"}`).text("code"))
	assert.Equal(t, "validation_error", complete(id, `{}`).text("code"))
	assert.Equal(t, "validation_error", complete(id, `{"cres":"x","code":"1"}`).text("code"))
	assert.Equal(t, "validation_error", complete(id, `{"threeDSCompInd":"maybe"}`).text("code"))
	r = complete(id, `{"threeDSCompInd":"Y"}`)
	assert.Equal(t, "ThreeDSChallenge", r.text("confirmation", "type"))
	// The browser takes creq to the bank, which sends cres to the shop.
	form := values("creq", r.text("confirmation", "creq"), "threeDSSessionData", "sess")
	ask := post(t, s, r.text("confirmation", "acsUrl"), form)
	assert.Contains(t, ask.body, secureCode)
	form.Set("do", "code")
	form.Set("code", secureCode)
	given := post(t, s, r.text("confirmation", "acsUrl"), form).body
	assert.Contains(t, given, `action="https://shop.example.ru/3ds"`)
	assert.Contains(t, given, `value="sess"`)
	cres := regexp.MustCompile(`name="cres" value="([^"]+)"`).FindStringSubmatch(given)[1]
	assert.Equal(t, "Settled", complete(id, `{"cres":"`+cres+`"}`).text("status"))
	assert.Equal(t, "invalid_operation", complete(id, `{"cres":"`+cres+`"}`).text("code"))

	id, r = pay(CardThreeDS1)
	assert.Equal(t, s.URL+"/acs/pareq", r.text("confirmation", "paymentUrl"))
	form = values("PaReq", r.text("confirmation", "PAReq"), "MD", "md", "TermUrl", "https://shop.example.ru/term", "do", "code", "code", "000000")
	given = post(t, s, "/acs/pareq", form).body
	pares := regexp.MustCompile(`name="PaRes" value="([^"]+)"`).FindStringSubmatch(given)[1]
	r = complete(id, `{"PARes":"`+pares+`"}`)
	assert.Equal(t, []string{"Rejected", "ThreeDSecureFailed"}, []string{r.text("status"), r.text("resultCode")})
	assert.Equal(t, 400, post(t, s, "/acs/pareq", form).code, "nobody waits")
	assert.Equal(t, 400, do(t, s, "GET", "/acs/pareq", "").code)
	assert.Equal(t, 200, post(t, s, "/acs/method", values("threeDSMethodData", "x")).code)

	for _, pan := range []string{CardThreeDS1, CardThreeDS2, CardSMS} {
		for _, good := range []bool{true, false} {
			id, _ = pay(pan)
			for status(t, s, id) == "Confirmation" {
				field, value, err := s.ACSAnswer(id, good)
				require.NoError(t, err)
				require.Equal(t, 200, complete(id, `{"`+field+`":"`+value+`"}`).code)
			}
			assert.Equal(t, map[bool]string{true: "Settled", false: "Rejected"}[good], status(t, s, id))
		}
	}
	_, _, err := s.ACSAnswer(id, true)
	assert.Error(t, err)
	id, _ = pay(CardSMS)
	require.NoError(t, s.Pay(id), "the customer confirms")
	assert.Equal(t, "Settled", status(t, s, id))
}

func TestSBPDirectly(t *testing.T) {
	s := still(t, WithUnknowns(Unknowns{PaymentWithoutData: true}))
	r := v2(t, s, "POST", "/payments", sbpJSON)
	assert.Equal(t, []string{"Confirmation", "External", "Sbp"}, []string{r.text("status"), r.text("confirmation", "type"), r.text("paymentData", "paymentMethod")})
	assert.Contains(t, r.text("confirmation", "paymentUrl"), "https://qr.nspk.ru/AD")
	assert.Equal(t, true, r.at("confirmation", "universalLink"))
	require.NoError(t, s.Pay(r.text("id")))
	paid := v2(t, s, "GET", "/payments/"+r.text("id"), "")
	assert.Equal(t, []string{"Settled", "Sbp"}, []string{paid.text("status"), paid.text("paymentData", "paymentMethod")})

	r = v2(t, s, "POST", "/payments", change(sbpJSON, `"invoice"`, `"testMode":true,"invoice"`))
	link := r.text("confirmation", "paymentUrl")
	assert.Contains(t, link, s.URL+"/cpay/mock/sbp/")
	page := do(t, s, "GET", link, "")
	assert.NotContains(t, page.body, `name="pan"`)
	post(t, s, link, values("do", "sbp"))
	assert.Equal(t, "Settled", status(t, s, r.text("id")))

	r = v2(t, s, "POST", "/payments", change(sbpJSON, `,"paymentData":{"paymentMethod":"sbp"}`, ``))
	assert.Contains(t, r.text("confirmation", "paymentUrl"), "/cpay/")
	r = v2(t, s, "POST", "/payments", change(sbpJSON, `"sbp"`, `"TPAY"`))
	assert.Equal(t, "TPay", r.text("paymentData", "paymentMethod"))
	assert.Error(t, s.PaySBP(r.text("id")))
}

func TestTokensOfPayments(t *testing.T) {
	hook := &shop{}
	s := still(t, WithCallbackHandler(hook))
	id := create(t, s, change(invoiceJSON, `"testMode":true`, `"tokenization":{"type":"recurring","purpose":"p","callbackUrl":"http://shop.test/token"}`))
	require.NoError(t, s.Pay(id))
	token := v2(t, s, "GET", "/payments/"+id, "").text("paymentToken", "id")
	require.Regexp(t, `^[0-9a-f]{32}$`, token)
	s.Deliver()
	assert.Equal(t, token, result{t: t, body: hook.got[0]}.text("id"))
	known, ok := s.Token(token)
	require.True(t, ok)
	assert.Equal(t, []string{"Active", "recurring", "BankCard", "410000XXXXXX0010", "u-55"}, []string{known.Status, known.Kind, known.Method, known.Title, known.Account})

	charge := func() result { return v2(t, s, "POST", "/payments", change(chargeJSON, "TOKEN", token)) }
	r := charge()
	assert.Equal(t, []string{"Settled", "300.0000", "410000XXXXXX0010"}, []string{r.text("status"), r.text("amount", "value"), r.text("paymentData", "paymentInstrumentTitle")})
	require.NoError(t, s.FailCharges(token, "InsufficientFunds"))
	assert.Equal(t, "InsufficientFunds", charge().text("resultCode"))
	require.NoError(t, s.FailCharges(token, ""))
	require.NoError(t, s.BlockToken(token, true))
	assert.Equal(t, "payment_token_blocked", charge().text("code"))
	require.NoError(t, s.BlockToken(token, false))
	out := v2(t, s, "PUT", "/paymenttokens/"+token+"/revoke", "")
	assert.Equal(t, 200, out.code)
	assert.Empty(t, out.body)
	assert.Equal(t, "payment_token_revoked", charge().text("code"))
	assert.Equal(t, "invalid_operation", v2(t, s, "PUT", "/paymenttokens/"+token+"/revoke", "").text("code"))
	token = "0000"
	assert.Equal(t, 404, charge().code)
	assert.Error(t, s.BlockToken(token, true))
	_, ok = s.Token(token)
	assert.False(t, ok)
}

func TestTokensByPage(t *testing.T) {
	s := still(t)
	bind := func() (string, string) {
		r := v2(t, s, "POST", "/tokenization", bindJSON)
		require.Equal(t, 200, r.code, r.body)
		return r.text("tokenId"), r.text("url")
	}
	id, link := bind()
	assert.Equal(t, `{"id":"`+id+`","status":"Created"}`, v2(t, s, "GET", "/paymenttokens/"+id, "").body)
	assert.Equal(t, "invalid_operation", v2(t, s, "POST", "/payments", change(chargeJSON, "TOKEN", id)).text("code"))
	assert.Contains(t, do(t, s, "GET", link, "").body, "4100 0000 0000 0010")
	assert.Contains(t, post(t, s, link, values("do", "pay", "pan", "4111111111111111", "valid", "12/29", "cvc", "000")).body, "тестовых карт")
	assert.Contains(t, post(t, s, link, values("do", "pay", "pan", CardThreeDS2, "valid", "12/29", "cvc", "000")).body, "3-D Secure")
	assert.Contains(t, post(t, s, link, values("do", "code", "code", "1")).body, "Неверный код")
	r := post(t, s, link, values("do", "code", "code", secureCode))
	assert.Equal(t, "https://shop.example.ru/sub", r.header.Get("Location"))
	active := v2(t, s, "GET", "/paymenttokens/"+id, "")
	assert.Equal(t, []string{"Active", "220000XXXXXX0053", "Mir"}, []string{active.text("status"), active.text("title"), active.text("cardInfo", "brand")})
	assert.Contains(t, do(t, s, "GET", link, "").body, "Привязано")
	require.NoError(t, s.RevokeToken(id))

	id, link = bind()
	post(t, s, link, values("do", "decline"))
	assert.Equal(t, "Declined", v2(t, s, "GET", "/paymenttokens/"+id, "").text("status"))
	id, link = bind()
	post(t, s, link, values("do", "pay", "pan", CardNoMoney, "valid", "12/29", "cvc", "000"))
	assert.Equal(t, "Declined", v2(t, s, "GET", "/paymenttokens/"+id, "").text("status"))
	_, link = bind()
	assert.Equal(t, 303, post(t, s, link, values("do", "pay", "pan", CardPays, "valid", "12/29", "cvc", "000")).code)
	_, link = bind()
	require.NoError(t, s.DeclineToken(link))
	assert.Error(t, s.ActivateToken(link))
	assert.Equal(t, 404, do(t, s, "GET", "/cpay/tokenization/none", "").code)
	for _, body := range []string{change(bindJSON, "recurring", "cof"), change(bindJSON, `,"customer":{"account":"u-55"}`, ""), change(bindJSON, "bankcard", "tpay"),
		change(bindJSON, `"purpose":"Подписка «Про»",`, "")} {
		assert.Equal(t, "validation_error", v2(t, s, "POST", "/tokenization", body).text("code"))
	}
	assert.Equal(t, "not_authorized", v2(t, s, "POST", "/tokenization", change(bindJSON, "7f6c", "0000")).text("code"))
}

func TestTokensDirectly(t *testing.T) {
	s := still(t)
	r := v2(t, s, "POST", "/paymenttokens", sbpTokenJSON)
	link := r.text("confirmation", "paymentUrl")
	assert.Contains(t, link, "/cpay/mock/sbp/subscription/"+r.text("id"))
	assert.Contains(t, do(t, s, "GET", link, "").body, "Система быстрых платежей")
	assert.Contains(t, post(t, s, link, values("do", "sbp")).body, "Привязано")
	paid := v2(t, s, "POST", "/payments", change(chargeJSON, "TOKEN", r.text("id"), `"paymentMethod":"bankcard",`, ``))
	assert.Equal(t, []string{"Settled", "Sbp"}, []string{paid.text("status"), paid.text("paymentData", "paymentMethod")})

	make := func(pan string) result {
		return v2(t, s, "POST", "/paymenttokens", change(sbpTokenJSON, `{"paymentMethod":"sbp"}`, `{"paymentMethod":"bankcard","card":{"pan":"`+pan+`","expiry":"12/29","cvc":"000"}}`))
	}
	assert.Equal(t, "Active", make(CardPays).text("status"))
	assert.Equal(t, "Declined", make(CardDeclined).text("status"))
	r = make(CardThreeDS2)
	assert.Equal(t, "ThreeDSMethod", r.text("confirmation", "type"))
	complete := func(body string) result {
		return v2(t, s, "PUT", "/paymenttokens/"+r.text("id")+"/complete", body)
	}
	assert.Equal(t, "ThreeDSChallenge", complete(`{"threeDSCompInd":"N"}`).text("confirmation", "type"))
	_, cres, err := s.ACSAnswer(r.text("id"), true)
	require.NoError(t, err)
	assert.Equal(t, "validation_error", complete(`{}`).text("code"))
	assert.Equal(t, "Active", complete(`{"cres":"`+cres+`"}`).text("status"))
	assert.Equal(t, "invalid_operation", complete(`{"cres":"`+cres+`"}`).text("code"))
	r = make(CardSMS)
	assert.Equal(t, "7999***1122", r.text("confirmation", "maskedPhone"))
	assert.Equal(t, "Declined", complete(`{"code":"0"}`).text("status"))
	assert.Equal(t, "validation_error", v2(t, s, "POST", "/paymenttokens", change(sbpTokenJSON, `"sbp"`, `"tpay"`)).text("code"))
	assert.Equal(t, "not_authorized", v2(t, s, "POST", "/paymenttokens", change(sbpTokenJSON, "7f6c", "0000")).text("code"))
}

func TestStickers(t *testing.T) {
	hook := &shop{}
	s := still(t, WithCallbackURL("http://shop.test/"), WithCallbackHandler(hook))
	r := v2(t, s, "POST", "/stickers", stickerJSON)
	assert.Equal(t, []string{"Active", "150.0000", "Кофе"}, []string{r.text("status"), r.text("amount", "value"), r.text("paymentPurpose")})
	assert.Regexp(t, `^https://qr\.nspk\.ru/AS[A-Z0-9]{30}\?type=01&sum=15000&cur=RUB&crc=[0-9A-F]{4}$`, r.at("payload"))
	_, there := r.object()["description"]
	assert.True(t, there, "null where unset")
	id := r.text("id")
	paid, err := s.PaySticker(id, 0)
	require.NoError(t, err)
	assert.Equal(t, "Settled", status(t, s, paid))
	assert.Equal(t, 1, s.Deliver())
	assert.Equal(t, "validation_error", v2(t, s, "PUT", "/stickers/"+id, `{}`).text("code"))
	assert.Equal(t, "validation_error", v2(t, s, "PUT", "/stickers/"+id, `{"active":"false"}`).text("code"))
	off := v2(t, s, "PUT", "/stickers/"+id, `{"active":false}`)
	assert.Equal(t, 200, off.code)
	assert.Empty(t, off.body)
	assert.NotEqual(t, "Active", v2(t, s, "GET", "/stickers/"+id, "").text("status"))
	_, err = s.PaySticker(id, 0)
	assert.Error(t, err)

	open := v2(t, s, "POST", "/stickers", change(stickerJSON, `,"amount":{"value":150,"currency":"RUB"}`, ``)).text("id")
	_, err = s.PaySticker(open, 0)
	assert.Error(t, err)
	_, err = s.PaySticker(open, money.RUB(9, 0))
	assert.NoError(t, err)
	link := v2(t, s, "POST", "/stickers", change(stickerJSON, `"productCode"`, `"cashlink":true,"description":"d","productCode"`)).text("id")
	_, err = s.PaySticker(link, 0)
	assert.Error(t, err)
	by := func(id string) result {
		return v2(t, s, "POST", "/payments", change(sbpJSON, `{"paymentMethod":"sbp"}`, `{"stickerId":"`+id+`"}`))
	}
	p := by(link)
	assert.Contains(t, p.text("confirmation", "paymentUrl"), "https://qr.nspk.ru/AS")
	require.NoError(t, s.Pay(p.text("id")))
	assert.Equal(t, "invalid_operation", by(id).text("code"))
	assert.Len(t, v2(t, s, "GET", "/stickers?merchantId="+DefaultMerchantID, "").at("items"), 3)
	assert.Equal(t, "validation_error", v2(t, s, "GET", "/stickers", "").text("code"))
	assert.Equal(t, "not_authorized", v2(t, s, "GET", "/stickers?merchantId=x", "").text("code"))
	assert.Equal(t, "not_authorized", v2(t, s, "POST", "/stickers", change(stickerJSON, "7f6c", "0000")).text("code"))
	assert.Equal(t, "validation_error", v2(t, s, "POST", "/stickers", change(stickerJSON, `"paymentPurpose":"Кофе",`, ``)).text("code"))
}

func TestPaymentPage(t *testing.T) {
	drawn := ""
	s := still(t, WithQR(func(payload string) ([]byte, error) { drawn = payload; return []byte("png"), nil }))
	link := func(pairs ...string) string {
		return v2(t, s, "POST", "/invoices", change(invoiceJSON, pairs...)).text("url")
	}
	page := link()
	shown := do(t, s, "GET", page, "")
	assert.Contains(t, shown.body, "4100 0000 0000 0010")
	assert.Contains(t, shown.body, "data:image/png")
	assert.Contains(t, drawn, "/cpay/mock/sbp/")
	card := func(pan string) (string, string, string, string, string, string, string, string) {
		return "do", "pay", "pan", pan, "valid", "12 / 2029", "cvc", "000"
	}
	pay := func(page, pan string) result {
		a, b, c, d, e, f, g, h := card(pan)
		return post(t, s, page, values(a, b, c, d, e, f, g, h))
	}
	assert.Contains(t, pay(page, "1").body, "тестовых карт")
	r := pay(page, CardPays)
	assert.Equal(t, []any{303, "https://shop.example.ru/thanks"}, []any{r.code, r.header.Get("Location")})
	assert.Contains(t, do(t, s, "GET", page, "").body, "Оплачено")

	page = link()
	assert.Contains(t, pay(page, CardThreeDS2).body, secureCode)
	o, _ := s.Order(page)
	assert.Equal(t, "Confirmation", o.State)
	assert.Contains(t, post(t, s, page, values("do", "code", "code", "1")).body, "Неверный код")
	assert.Equal(t, 303, post(t, s, page, values("do", "code", "code", secureCode)).code)
	page = link()
	pay(page, CardThreeDS1)
	assert.Equal(t, 303, post(t, s, page, values("do", "cancel")).code)
	assert.Contains(t, do(t, s, "GET", page, "").body, "Отменено покупателем")
	for button, state := range map[string]string{"decline": "Rejected", "expire": "Cancelled", "sbp": "Settled"} {
		page = link(`"returnUrl":"https://shop.example.ru/thanks",`, "")
		assert.Equal(t, 200, post(t, s, page, values("do", button)).code)
		o, _ = s.Order(page)
		assert.Equal(t, state, o.State)
		assert.Equal(t, 200, post(t, s, page, values("do", button)).code, "again")
	}
	page = link(`"dualMode":false`, `"dualMode":true,"paymentMethod":"bankcard"`)
	pay(page, CardPays)
	assert.Contains(t, do(t, s, "GET", page, "").body, "заблокированы")
	id := create(t, s, invoiceJSON)
	v2(t, s, "PUT", "/payments/"+id+"/cancel", "")
	assert.Equal(t, 404, do(t, s, "GET", "/cpay/0000", "").code)

	s = still(t, WithUnknowns(Unknowns{RetryAfterDecline: true}))
	page = v2(t, s, "POST", "/invoices", invoiceJSON).text("url")
	assert.Contains(t, pay(page, CardNoMoney).body, "Недостаточно средств")
	assert.Equal(t, 303, pay(page, CardPays).code)
	require.Error(t, s.PayWith(page, CardPays))
	page = v2(t, s, "POST", "/invoices", invoiceJSON).text("url")
	require.NoError(t, s.PayWith(page, CardThreeDS2), "the customer answers the bank")
	_, err := s.Open(s.URL + "/cpay/none")
	assert.Error(t, err)
}
