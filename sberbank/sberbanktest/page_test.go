package sberbanktest

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// click posts the payment page's form and says where it leads and what it
// shows.
func (b *bank) click(page string, form url.Values) (location, html string) {
	b.t.Helper()
	resp, err := b.Client().PostForm(page, form)
	require.NoError(b.t, err)
	return resp.Header.Get("Location"), read(b.t, resp)
}

func (b *bank) look(page string) string {
	b.t.Helper()
	resp, err := b.Client().Get(page)
	require.NoError(b.t, err)
	return read(b.t, resp)
}

func (b *bank) page(number, more string) (id, page string) {
	b.t.Helper()
	out := b.call("v1/register.do", `"orderNumber":"`+number+`","amount":9990,"returnUrl":"https://crm.example/ok?n=1"`+more)
	require.Equal(b.t, "0", out["errorCode"])
	return out["orderId"].(string), out["formUrl"].(string)
}

func cardForm(pan, valid, cvc string) url.Values {
	return url.Values{"do": {"pay"}, "pan": {pan}, "valid": {valid}, "cvc": {cvc}, "holder": {"IVAN IVANOV"}}
}

func TestPaymentPagePaysWithACard(t *testing.T) {
	b := open(t)
	id, page := b.page("A-1", `,"description":"Курс «Go»","clientId":"u-88"`)
	html := b.look(page)
	for _, want := range []string{"Учебный центр", "99,90", "Курс «Go»", "2202 2050 0001 2424", "qr.nspk.ru", "Запомнить карту"} {
		assert.Contains(t, html, want)
	}
	to, _ := b.click(page, url.Values{"do": {"pay"}, "pan": {"2202 2050 0001 2424"}})
	assert.Empty(t, to, "no CVC: the form is shown again")
	form := cardForm("2202 2050 0001 2424", "05/35", "669")
	form.Set("save", "1")
	to, _ = b.click(page, form)
	assert.Equal(t, "https://crm.example/ok?n=1", to, "the new gateway adds nothing")
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
	html = b.look(page)
	assert.Contains(t, html, "Заказ оплачен")
	to, _ = b.click(page, cardForm("2202205000012424", "05/35", "669"))
	assert.Empty(t, to)
	o, _ := b.Order(id)
	assert.EqualValues(t, 9990, o.Captured, "once only")

	// The saved card is offered for the next order.
	require.Len(t, b.Bindings("u-88"), 1)
	id, page = b.page("A-2", `,"clientId":"u-88"`)
	assert.Contains(t, b.look(page), "220220******2424")
	to, _ = b.click(page, url.Values{"do": {"saved"}, "saved": {"other"}})
	assert.Empty(t, to)
	to, _ = b.click(page, url.Values{"do": {"saved"}, "saved": {b.Bindings("u-88")[0]}})
	assert.NotEmpty(t, to)
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
	assert.Equal(t, 404, b.raw("GET", "/pp/pay_ru?orderId=nobody", "", "").StatusCode)
}

func TestPaymentPageDeclines(t *testing.T) {
	b := open(t)
	id, page := b.page("A-1", `,"failUrl":"https://crm.example/fail"`)
	for i, c := range []struct{ pan, valid, cvc, shows, action string }{
		{"2202205000060910", "06/28", "810", "Недостаточно средств", "116"},
		{"2202205000012424", "05/35", "000", "Неверный CVC", "82"},
		{"2202205000012424", "01/26", "669", "Истёк срок", "101"},
	} {
		to, html := b.click(page, cardForm(c.pan, c.valid, c.cvc))
		assert.Equal(t, num(c.action), b.state(id)["actionCode"])
		if i < 2 {
			assert.Empty(t, to)
			assert.Contains(t, html, c.shows)
			continue
		}
		assert.Equal(t, "https://crm.example/fail", to, "the third attempt was the last")
	}
	assert.Contains(t, b.look(page), "Заказ отклонён")

	for do, action := range map[string]string{"decline": "116", "expire": "-2007"} {
		id, page = b.page("B-"+do, "")
		to, _ := b.click(page, url.Values{"do": {do}})
		assert.Equal(t, "https://crm.example/ok?n=1", to, "without failUrl he goes to returnUrl")
		st := b.state(id)
		assert.Equal(t, num("6"), st["orderStatus"])
		assert.Equal(t, num(action), st["actionCode"])
	}
	_, page = b.page("C-1", `,"language":"en"`)
	b.Advance(time.Hour)
	assert.Contains(t, b.look(page), "The time to pay is over")

	id, page = b.page("D-1", "")
	for _, pan := range []string{"2202205000012425", "4111111111111111"} { // a slip, and an unknown card
		b.click(page, cardForm(pan, "05/35", "123"))
	}
	ops := b.state(id)["operations"].([]any)
	assert.Equal(t, num("14"), ops[0].(obj)["actionCode"])
	assert.Equal(t, num("53"), ops[1].(obj)["actionCode"])
}

func TestPaymentPageAsksForTheCode(t *testing.T) {
	b := open(t)
	id, page := b.page("A-1", "")
	form := cardForm("2202205300068092", "05/26", "583")
	to, html := b.click(page, form)
	assert.Empty(t, to)
	assert.Contains(t, html, "3-D Secure")
	assert.Equal(t, num("5"), b.state(id)["orderStatus"], "5 is not final")
	to, html = b.click(page, url.Values{"do": {"code"}, "code": {"000000"}})
	assert.Empty(t, to)
	assert.Contains(t, html, "Клиент не прошёл аутентификацию")
	assert.Equal(t, num("0"), b.state(id)["orderStatus"])
	b.click(page, form)
	b.click(page, url.Values{"do": {"cancel"}})
	assert.Equal(t, num("-2006"), b.state(id)["actionCode"])
	b.click(page, form)
	to, _ = b.click(page, url.Values{"do": {"code"}, "code": {"111111"}})
	assert.Equal(t, "https://crm.example/ok?n=1", to)
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])

	// The card of 100 roubles.
	out := b.call("v1/register.do", `"orderNumber":"A-2","amount":10001,"returnUrl":"https://crm.example/ok"`)
	b.click(out["formUrl"].(string), form)
	assert.Equal(t, num("116"), b.state(out["orderId"].(string))["actionCode"])

	// FORCE_SSL asks for nothing, FORCE_TDS refuses a card outside 3-D Secure.
	id, page = b.page("A-3", `,"features":"FORCE_SSL"`)
	to, _ = b.click(page, form)
	assert.NotEmpty(t, to)
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
	id, page = b.page("A-4", `,"features":"FORCE_TDS"`)
	b.click(page, cardForm("2202206100040083", "05/26", "061"))
	assert.Equal(t, num("2003"), b.state(id)["actionCode"])
}

func TestPaymentPageBySBP(t *testing.T) {
	b := open(t, WithQR(func(p string) ([]byte, error) { return []byte(p), nil }))
	id, page := b.page("A-1", `,"jsonParams":{"qrType":"DYNAMIC_QR_SBP","sbp.scenario":"C2B"}`)
	html := b.look(page)
	assert.Contains(t, html, "data:image/png;base64,")
	assert.NotContains(t, html, `name="pan"`, "a code was asked for, nothing else")
	to, _ := b.click(page, url.Values{"do": {"sbp"}})
	assert.NotEmpty(t, to)
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
	b = open(t, WithMerchant(Merchant{NoSBP: true}))
	_, page = b.page("A-1", "")
	assert.NotContains(t, b.look(page), "nspk")
	to, _ = b.click(page, url.Values{"do": {"sbp"}})
	assert.Empty(t, to)
	require.Error(t, b.PaySBP("A-1"))
}

func TestLegacyPageAndReturn(t *testing.T) {
	b := open(t)
	out := b.form("register.do", "orderNumber=A-1&amount=9990&returnUrl="+url.QueryEscape("https://crm.example/ok?n=1#top"))
	id, page := out["orderId"].(string), out["formUrl"].(string)
	assert.Equal(t, b.URL+"/payment/merchants/emulator/payment_ru.html?mdOrder="+id, page)
	assert.Contains(t, b.look(page), "4111 1111 1111 1111")
	b.click(page, cardForm("4111111111111111", "12/35", "123"))
	to, _ := b.click(page, url.Values{"do": {"code"}, "code": {"12345678"}})
	assert.Equal(t, "https://crm.example/ok?n=1&orderId="+id+"&lang=ru#top", to)

	out = b.form("register.do", "orderNumber=A-2&amount=9990&language=en&returnUrl=crm.example%2Fok")
	to, _ = b.click(out["formUrl"].(string), cardForm("5555555555555599", "12/35", "123"))
	assert.Equal(t, b.URL+"/crm.example/ok?orderId="+out["orderId"].(string)+"&lang=en", to, "an address without a scheme leads to the gateway")

	b = open(t, WithUnknowns(Unknowns{ReturnParam: "mdOrder"}))
	id, page = b.page("A-1", "")
	to, _ = b.click(page, cardForm("2202205000012424", "05/35", "669"))
	assert.Equal(t, "https://crm.example/ok?n=1&mdOrder="+id, to)
}

const payCard = `"$PAN":"2202205000012424","$CVC":"669","YYYY":"2035","MM":"05","ip":"203.0.113.7"`

func TestPaymentOrderOnTheMerchantsPage(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "")
	out := b.call("v1/paymentOrder.do", `"MDORDER":"`+id+`",`+payCard)
	assert.Equal(t, obj{"errorCode": "0", "error": tOK.RU, "info": "Ваш платёж обработан, происходит переадресация", "redirect": "https://crm.example/ok"}, out)
	assert.Equal(t, "203.0.113.7", b.state(id)["ip"])
	out = b.call("v1/paymentOrder.do", `"MDORDER":"`+id+`",`+payCard)
	assert.Equal(t, obj{"errorCode": "5", "error": gateway.TextStatus.RU}, out, "paid already; the text is in error")

	id = b.register("A-2", "")
	out = b.call("v1/paymentOrder.do", `"MDORDER":"`+id+`",`+strings.Replace(payCard, "2202205000012424", "2202205000060910", 1))
	assert.Equal(t, "5", out["errorCode"])
	out = b.call("v1/paymentOrder.do", `"MDORDER":"`+id+`",`+strings.Replace(payCard, `"MM":"05"`, `"MM":"13"`, 1))
	assert.Equal(t, "1", out["errorCode"])

	// 3-D Secure made elsewhere.
	id = b.register("A-3", "")
	out = b.call("v1/paymentOrder.do", `"MDORDER":"`+id+`","$PAN":"4006800900962514","YYYY":"2026","MM":"05","jsonParams":{"eci":"02","cavv":"AAAB","xid":"x"}`)
	assert.Contains(t, out, "redirect")
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
}

var hiddenField = regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`)

// acs walks through the page of the customer's bank and returns what the
// browser carries back, and where.
func (b *bank) acs(acsURL string, form url.Values, code string) (to string, fields url.Values) {
	b.t.Helper()
	resp, err := b.Client().PostForm(acsURL, form)
	require.NoError(b.t, err)
	assert.Contains(b.t, read(b.t, resp), `name="code"`)
	form.Set("do", "code")
	form.Set("code", code)
	resp, err = b.Client().PostForm(acsURL, form)
	require.NoError(b.t, err)
	html := read(b.t, resp)
	fields = url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(html, -1) {
		fields.Set(m[1], strings.ReplaceAll(m[2], "&#43;", "+"))
	}
	_, to, _ = strings.Cut(html, `action="`)
	to, _, _ = strings.Cut(to, `"`)
	return to, fields
}

func TestThreeDSecure2Steps(t *testing.T) {
	b := open(t)
	const challenge = `"$PAN":"2202205300068092","$CVC":"583","YYYY":"2026","MM":"05"`
	pay := func(number, urls string) (string, obj) {
		id, _ := b.page(number, "")
		return id, b.call("v1/paymentOrder.do", `"MDORDER":"`+id+`",`+challenge+urls)
	}
	id, out := pay("A-1", `,"threeDSMethodNotificationUrl":"https://crm.example/method","termUrl":"https://crm.example/3ds"`)
	trans := out["threeDSServerTransId"].(string)
	resp, err := b.Client().PostForm(out["threeDSMethodURL"].(string), url.Values{"threeDSMethodData": {out["threeDSMethodData"].(string)}})
	require.NoError(t, err)
	assert.Contains(t, read(t, resp), "https://crm.example/method")
	wrong := b.call("v1/finish3dsMethod.do", `"mdOrder":"`+id+`","threeDSServerTransId":"other","threeDSCompInd":"Y"`)
	assert.Equal(t, "5", wrong["errorCode"])
	out = b.call("v1/finish3dsMethod.do", `"mdOrder":"`+id+`","threeDSServerTransId":"`+trans+`","threeDSCompInd":"Y"`)
	assert.Equal(t, "https://crm.example/3ds", out["termUrl"])
	to, fields := b.acs(out["acsUrl"].(string), url.Values{"creq": {out["cReq"].(string)}}, "111111")
	assert.Equal(t, "https://crm.example/3ds", to)
	refused := b.call("v1/finish3dsPayment.do", `"mdOrder":"`+id+`","cRes":"bm90aGluZw=="`)
	assert.Equal(t, "5", refused["errorCode"])
	assert.Equal(t, num("5"), b.state(id)["orderStatus"])
	out = b.call("v1/finish3dsPayment.do", `"mdOrder":"`+id+`","cRes":"`+fields.Get("cres")+`"`)
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": tOK.RU, "info": tInfo.RU, "redirect": "https://crm.example/ok?n=1"}, out)
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
	refusedWith(t, b.call("v1/finish3dsPayment.do", `"mdOrder":"`+id+`","cRes":"x"`), "5", gateway.TextStatus.RU)

	// The wrong code: what the ACS said counts, not a cRes of one's own.
	id, out = pay("A-2", `,"termUrl":"https://crm.example/3ds"`)
	_, fields = b.acs(out["acsUrl"].(string), url.Values{"creq": {out["cReq"].(string)}}, "999999")
	own := gateway.Unpacked(fields.Get("cres"))
	own["transStatus"] = "Y"
	refusedWith(t, b.call("v1/finish3dsPayment.do", `"mdOrder":"`+id+`","cRes":"`+gateway.Packed(own)+`"`), "5", tDeclined.RU)
	assert.Equal(t, num("-2006"), b.state(id)["actionCode"])

	// Without addresses the gateway's own page asks.
	id, out = pay("A-3", "")
	assert.Contains(t, out["formUrl"], "/process_form/start?mdOrder=")
	to, _ = b.click(out["formUrl"].(string), url.Values{"do": {"code"}, "code": {"111111"}})
	assert.Equal(t, "https://crm.example/ok?n=1", to)
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
}

func TestThreeDSecure1(t *testing.T) {
	b := open(t)
	id, _ := b.page("A-1", "")
	out := b.call("v1/paymentOrder.do", `"MDORDER":"`+id+`","$PAN":"5469980100048525","$CVC":"041","YYYY":"2026","MM":"05","termUrl":"https://crm.example/3ds"`)
	to, fields := b.acs(out["acsUrl"].(string), url.Values{"PaReq": {out["paReq"].(string)}, "MD": {id}, "TermUrl": {"https://crm.example/term"}}, "111111")
	assert.Equal(t, "https://crm.example/term", to)
	assert.Equal(t, id, fields.Get("MD"))
	assert.Equal(t, "0", b.call("v1/finish3dsPayment.do", `"mdOrder":"`+id+`","paRes":"`+fields.Get("PaRes")+`"`)["errorCode"])
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])

	legacy := b.legacyOrder("register.do", "L-1", "")
	out = b.form("paymentorder.do", "MDORDER="+legacy+"&%24PAN=4111111111111111&%24CVC=123&YYYY=2035&MM=12")
	to, fields = b.acs(out["acsUrl"].(string), url.Values{"PaReq": {out["paReq"].(string)}, "TermUrl": {out["termUrl"].(string)}}, "12345678")
	resp, err := b.Client().PostForm(to, fields)
	require.NoError(t, err)
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
	assert.Equal(t, "https://crm.example/ok?orderId="+legacy+"&lang=ru", resp.Header.Get("Location"))
	assert.Equal(t, num("2"), b.legacyState(legacy)["orderStatus"])
	resp, err = b.Client().PostForm(to, fields)
	require.NoError(t, err)
	assert.Equal(t, 400, resp.StatusCode)
	assert.Equal(t, 400, b.raw("POST", "/acs/creq", "application/x-www-form-urlencoded", "creq=x").StatusCode)
	assert.Equal(t, 400, b.raw("POST", "/acs/method", "application/x-www-form-urlencoded", "threeDSMethodData=x").StatusCode)
}
