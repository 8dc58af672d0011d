package alfabanktest

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

func cardFields(id, pan, expiry string) string {
	return "MDORDER=" + id + "&%24PAN=" + pan + "&%24CVC=123&YYYY=" + expiry[:4] + "&MM=" + expiry[4:] + "&TEXT=TEST+CARDHOLDER&language=en"
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
var formAction = regexp.MustCompile(`<form method="post" action="([^"]*)">`)

// atBank is the customer's browser at his bank: it brings the request, types
// the code and is sent on.
func (b *bank) atBank(acsURL string, form url.Values, code string) (to string, fields url.Values) {
	b.t.Helper()
	resp, err := b.Client().PostForm(acsURL, form)
	require.NoError(b.t, err)
	require.Contains(b.t, read(b.t, resp), "12345678")
	form.Set("do", "code")
	form.Set("code", code)
	resp, err = b.Client().PostForm(acsURL, form)
	require.NoError(b.t, err)
	html := read(b.t, resp)
	fields = url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(html, -1) {
		fields.Set(m[1], strings.ReplaceAll(m[2], "&#43;", "+"))
	}
	return formAction.FindStringSubmatch(html)[1], fields
}

func TestPaymentOrderWithoutCode(t *testing.T) {
	b := open(t, WithScalars(ScalarsExamples))
	id := b.register("A-1", "&failUrl=https%3A%2F%2Ftea.example%2Ff")
	out := b.call("paymentorder.do", cardFields(id, plainCard, "203012")+"&ip=203.0.113.7&email=ivan%40example.ru")
	assert.Equal(t, obj{"redirect": "https://tea.example/ok?orderId=" + id + "&lang=en", "info": "Your order is proceeded, redirecting...", "errorCode": num("0")}, out)
	b.is(id, "2", "129900", "129900", "0")
	assert.Equal(t, "203.0.113.7", b.state(id)["ip"])
	assert.Equal(t, num("7"), b.call("paymentorder.do", cardFields(id, plainCard, "203012"))["errorCode"])

	id = b.register("A-2", "&failUrl=https%3A%2F%2Ftea.example%2Ff")
	out = b.call("paymentorder.do", strings.Replace(cardFields(id, plainCard, "203012"), "CVC=123", "CVC=999", 1))
	assert.Equal(t, obj{"redirect": "https://tea.example/f?orderId=" + id + "&lang=en", "error": tDeclined.EN, "errorCode": num("0"), "is3DSVer2": false,
		"errorTypeName": "DATA_INPUT_ERROR", "processingErrorType": "CLIENT_ERROR", "errorMessage": tDeclined.EN}, out)
	assert.Equal(t, num("82"), b.state(id)["actionCode"])
	for fields, code := range map[string]string{
		"MDORDER=" + id: "4", "language=en": "4", cardFields("x", plainCard, "203012"): "6", cardFields(id, "40000", "203012"): "1", cardFields(id, plainCard, "203013"): "1",
		cardFields(id, plainCard, "203012") + "&tii=X": "5", strings.Replace(cardFields(id, plainCard, "203012"), "TEXT", "T", 1): "4",
		"MDORDER=" + id + "&language=en&seToken=x": "5",
	} {
		assert.Equal(t, num(code), b.as(pair, "paymentorder.do", fields)["errorCode"], fields)
	}
	token := url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(`{"pan":"4444555511113333","cvc":"123","expiry":"201912"}`)))
	assert.Contains(t, b.call("paymentorder.do", "MDORDER="+id+"&seToken="+token)["redirect"], "/ok?")
	off := open(t, WithMerchant(Merchant{Off: []Right{CardData}}))
	assert.Equal(t, "5", off.call("paymentorder.do", cardFields("x", plainCard, "203012"))["errorCode"])
}

func TestThreeDSecure2(t *testing.T) {
	b := open(t, WithScalars(ScalarsExamples))
	id := b.register("A-1", "")
	step := b.call("paymentorder.do", cardFields(id, "5555555555555599", "203412")+"&threeDSVer2FinishUrl=https%3A%2F%2Ftea.example%2F3ds&threeDSMethodNotificationUrl=https%3A%2F%2Ftea.example%2Fmethod")
	trans := step["threeDSServerTransId"].(string)
	assert.Equal(t, []any{num("0"), true, b.URL + "/3dsserver/gather?threeDSServerTransID=" + trans}, []any{step["errorCode"], step["is3DSVer2"], step["threeDSMethodURLServer"]})
	resp, err := b.Client().PostForm(step["threeDSMethodURL"].(string), url.Values{"threeDSMethodData": {step["threeDSMethodDataPacked"].(string)}})
	require.NoError(t, err)
	assert.Contains(t, read(t, resp), "https://tea.example/method")
	assert.Equal(t, num("5"), b.state(id)["orderStatus"])

	challenge := b.as("token="+DefaultToken, "3ds/continue.do", "mdOrder="+id)
	var want obj
	assert.Equal(t, num("7"), b.call("finish3dsVer2Payment.do", "threeDSServerTransId="+trans)["errorCode"], "the customer was not there yet")
	to, fields := b.atBank(challenge["acsUrl"].(string), url.Values{"creq": {challenge["packedCReq"].(string)}}, "12345678")
	assert.Equal(t, "https://tea.example/3ds", to)
	assert.Equal(t, "Y", gateway.Unpacked(fields.Get("cres"))["transStatus"])
	assert.Equal(t, num("6"), b.call("finish3dsVer2Payment.do", "threeDSServerTransId="+trans+"&threeDSVer2MdOrder=x")["errorCode"])
	assert.Equal(t, obj{"redirect": "https://tea.example/ok?orderId=" + id + "&lang=en", "errorCode": num("0"), "is3DSVer2": true, "info": tInfo.EN},
		b.call("finish3dsVer2Payment.do", "threeDSServerTransId="+trans+"&threeDSVer2MdOrder="+id))
	b.is(id, "2", "129900", "129900", "0")
	secure := b.state(id)["cardAuthInfo"].(obj)["secureAuthInfo"].(obj)
	assert.Equal(t, []any{"Y", "Y", "05"}, []any{secure["aResTransStatus"], secure["rReqTransStatus"], secure["eci"]})
	assert.Equal(t, num("6"), b.call("finish3dsVer2Payment.do", "threeDSServerTransId="+trans)["errorCode"])
	assert.Equal(t, num("4"), b.call("finish3dsVer2Payment.do", "")["errorCode"])
	assert.Equal(t, num("7"), b.call("3ds/continue.do", "mdOrder="+id)["errorCode"])
	assert.Equal(t, num("6"), b.call("3ds/continue.do", "mdOrder=x")["errorCode"])
	sample(t, "responses/3ds2_challenge.json", &want)
	sameKinds(t, want, plainJSON(t, challenge), "")
}

func TestThreeDSecure2WithoutAQuestion(t *testing.T) {
	b := open(t, WithScalars(ScalarsExamples))
	id := b.register("A-1", "")
	trans := b.call("paymentorder.do", cardFields(id, "4111111111111111", "202612"))["threeDSServerTransId"].(string)
	out := b.call("paymentorder.do", cardFields(id, "4111111111111111", "202612")+"&threeDSServerTransID="+trans)
	assert.Equal(t, obj{"redirect": "https://tea.example/ok?orderId=" + id + "&lang=en", "errorCode": num("0"), "is3DSVer2": true, "info": tInfo.EN}, out)

	id = b.register("A-2", "&failUrl=https%3A%2F%2Ftea.example%2Ff")
	b.call("paymentorder.do", cardFields(id, "5168494895055780", "203412"))
	out = b.call("3ds/continue.do", "mdOrder="+id)
	var want obj
	sample(t, "responses/3ds2_unknown_ares.json", &want)
	got := plainJSON(t, out)
	assert.Len(t, got, len(want))
	want["redirect"] = "https://tea.example/f?orderId=" + id + "&lang=en"
	assert.Equal(t, want, got)
}

func TestThreeDSecure1(t *testing.T) {
	b := open(t, WithScalars(ScalarsExamples))
	for _, code := range []string{"12345678", "0"} {
		id := b.register("A-"+code, "&failUrl=https%3A%2F%2Ftea.example%2Ff")
		step := b.call("paymentorder.do", cardFields(id, "5000001111111115", "203012"))
		assert.Contains(t, step["termUrl"], "/payment/rest/finish3ds.do?lang=en")
		_, fields := b.atBank(step["acsUrl"].(string), url.Values{"PaReq": {step["paReq"].(string)}, "MD": {id}, "TermUrl": {"https://tea.example/term"}}, code)
		assert.Equal(t, id, fields.Get("MD"))
		assert.Equal(t, num("5"), b.call("finish3dsPayment.do", "mdOrder="+id+"&paRes=x")["errorCode"])
		out := b.call("finish3dsPayment.do", "mdOrder="+id+"&paRes="+url.QueryEscape(fields.Get("PaRes")))
		if code == "0" {
			assert.Contains(t, out["redirect"], "/f?")
			assert.Equal(t, "TDS_UNKNOWN_ARES_STATUS", out["errorTypeName"])
			continue
		}
		assert.Equal(t, "https://tea.example/ok?orderId="+id+"&lang=en", out["redirect"])
		assert.Equal(t, "Y", b.state(id)["cardAuthInfo"].(obj)["secureAuthInfo"].(obj)["paResStatus"])
	}
	assert.Equal(t, num("4"), b.call("finish3dsPayment.do", "mdOrder=x")["errorCode"])
	assert.Equal(t, num("6"), b.call("finish3dsPayment.do", "mdOrder=x&paRes=x")["errorCode"])

	// The browser brings it to the bank itself; a forged word helps nobody.
	id := b.register("A-3", "&failUrl=https%3A%2F%2Ftea.example%2Ff")
	step := b.call("paymentorder.do", cardFields(id, "5000001111111115", "203012"))
	trans := gateway.Unpacked(step["paReq"].(string))["threeDSServerTransID"]
	forged := gateway.Packed(obj{"threeDSServerTransID": trans, "transStatus": "Y"})
	resp, err := b.Client().PostForm(b.URL+"/payment/rest/finish3ds.do", url.Values{"PaRes": {forged}})
	require.NoError(t, err)
	assert.Equal(t, "https://tea.example/f?orderId="+id+"&lang=en", resp.Header.Get("Location"))
	id = b.register("A-4", "")
	step = b.call("paymentorder.do", cardFields(id, "5555555555555599", "203412"))
	challenge := b.call("3ds/continue.do", "mdOrder="+id)
	to, fields := b.atBank(challenge["acsUrl"].(string), url.Values{"creq": {challenge["packedCReq"].(string)}}, "12345678")
	assert.Equal(t, b.URL+"/payment/rest/finish3ds.do", to)
	resp, err = b.Client().PostForm(to, fields)
	require.NoError(t, err)
	assert.Equal(t, "https://tea.example/ok?orderId="+id+"&lang=en", resp.Header.Get("Location"))
	assert.NotEmpty(t, step)
}

func TestForcedThreeDSecure(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "&features=FORCE_TDS")
	b.call("paymentorder.do", cardFields(id, plainCard, "203012"))
	assert.Equal(t, "2003", b.state(id)["actionCode"])
	id = b.register("A-2", "&features=FORCE_SSL")
	b.call("paymentorder.do", cardFields(id, "5555555555555599", "203412"))
	b.is(id, "2", "129900", "129900", "0")
	// The bank's own register example sends both at once.
	var s struct {
		Fields [][2]string `json:"fields"`
	}
	sample(t, "requests/register_bank_example.json", &s)
	form := []string{}
	for _, f := range s.Fields {
		if f[0] != "userName" && f[0] != "password" {
			form = append(form, url.QueryEscape(f[0])+"="+url.QueryEscape(f[1]))
		}
	}
	out := b.as(pair, "register.do", strings.Join(form, "&"))
	require.Contains(t, out, "formUrl")
	b.call("paymentorder.do", cardFields(out["orderId"].(string), plainCard, "203012"))
	assert.Equal(t, num("2"), b.state(out["orderId"].(string))["orderStatus"])
	refusedWith(t, b.as(pair, "register.do", strings.Join(form, "&")), "1", tDuplicate)
	var bank struct {
		Items []struct {
			Path   string
			Fields map[string]string
		}
	}
	sample(t, "requests/deposit_refund_reverse_bank_examples.json", &bank)
	for _, item := range bank.Items {
		form := url.Values{}
		for k, v := range item.Fields {
			if k != "merchantLogin" {
				form.Set(k, v)
			}
		}
		form.Set("userName", DefaultUserName)
		form.Set("password", DefaultPassword)
		refusedWith(t, b.decode(b.raw("POST", item.Path, formType, form.Encode())), "6", tUnknown)
	}
}

func TestInstantPayment(t *testing.T) {
	b := open(t, WithScalars(ScalarsExamples))
	card := "&pan=" + plainCard + "&cvc=123&expiry=203012&cardHolderName=TEST+CARDHOLDER"
	out := b.call("instantPayment.do", "amount=10000&orderNumber=I-1&ip=203.0.113.7&backUrl=https%3A%2F%2Ftea.example%2Fok&failUrl=https%3A%2F%2Ftea.example%2Ff"+card)
	id := out["orderId"].(string)
	assert.Equal(t, "https://tea.example/ok?orderId="+id+"&lang=en", out["redirect"])
	st := out["orderStatus"].(obj)
	assert.Equal(t, []any{"0", num("2"), "I-1", "400000**1118", "203012", num("10000"), "810", num("2"), num("10000"), "203.0.113.7"},
		[]any{st["ErrorCode"], st["OrderStatus"], st["OrderNumber"], st["Pan"], st["expiration"], st["depositAmount"], st["currency"], st["authCode"], st["Amount"], st["Ip"]})
	assert.NotContains(t, out, "acsUrl")
	assert.Equal(t, num("1"), b.call("instantPayment.do", "amount=10000&orderNumber=I-1&returnUrl="+ok+card)["errorCode"])
	held := b.call("instantPayment.do", "amount=10000&preAuth=true&orderNumber=I-2&returnUrl="+ok+card)
	assert.Equal(t, num("1"), held["orderStatus"].(obj)["OrderStatus"])
	assert.Equal(t, num("10000"), held["orderStatus"].(obj)["approvedAmount"])
	for pan, want := range map[string]string{"5555555555555599": "0", "5000001111111115": "0", "4111111111111111": "2", "5168494895055780": "0"} {
		out := b.as("language=en&token="+DefaultToken, "instantPayment.do", "amount=100&orderNumber="+pan+"&returnUrl="+ok+"&pan="+pan+"&cvc=123&expiry=202612")
		assert.Equal(t, num(want), out["orderStatus"].(obj)["OrderStatus"], pan)
		assert.Equal(t, pan[:4] == "5555" || pan[:4] == "5000", out["acsUrl"] != nil, pan)
	}
	assert.Equal(t, num("4"), b.call("instantPayment.do", "amount=1&orderNumber=I-3"+card)["errorCode"])
	assert.Equal(t, num("4"), b.call("instantPayment.do", "amount=1&returnUrl="+ok+card)["errorCode"])
	assert.Equal(t, num("1"), b.call("instantPayment.do", "amount=1&orderNumber=I-3&returnUrl="+ok)["errorCode"])
	assert.Equal(t, num("5"), b.call("instantPayment.do", "amount=1&orderNumber=I-3&tii=Z&returnUrl="+ok+card)["errorCode"])
	assert.Equal(t, num("6"), b.call("instantPayment.do", "amount=1&orderNumber=I-3&sbpTemplateId=x&returnUrl="+ok)["errorCode"])

	saved := b.call("instantPayment.do", "amount=100&orderNumber=I-4&clientId=c&tii=CI&returnUrl="+ok+card)
	assert.Equal(t, num("2"), saved["orderStatus"].(obj)["OrderStatus"])
	require.Len(t, b.Bindings("c"), 1)
	again := b.call("instantPayment.do", "amount=100&orderNumber=I-5&clientId=c&tii=F&bindingId="+b.Bindings("c")[0]+"&returnUrl="+ok)
	assert.Equal(t, num("2"), again["orderStatus"].(obj)["OrderStatus"])
	b.call("unBindCard.do", "bindingId="+b.Bindings("c")[0])
	var want obj
	sample(t, "responses/instant_payment_ok.json", &want)
	sameKinds(t, want, plainJSON(t, out), "")
}

func TestVerifyCard(t *testing.T) {
	b := open(t, WithScalars(ScalarsExamples))
	out := b.call("verifyCard.do", "pan="+plainCard+"&cvc=123&expiry=203012&clientId=c&returnUrl="+ok)
	var want obj
	assert.Equal(t, []any{"0", "Success", num("0"), "810"}, []any{out["errorCode"], out["errorMessage"], out["amount"], out["currency"]})
	st := b.state(out["orderId"].(string))
	assert.Equal(t, num("3"), st["orderStatus"])
	assert.Len(t, b.Bindings("c"), 1, "a check of the card stores it for its client")
	assert.Equal(t, []string{"reversed"}, b.heard())
	o, _ := b.Order(out["orderId"].(string))
	assert.Empty(t, o.Moves)
	secure := b.call("verifyCard.do", "amount=0&pan=5555555555555599&cvc=123&expiry=203412&backUrl="+ok)
	assert.Contains(t, secure, "threeDSServerTransId")
	assert.Equal(t, num("111"), b.call("verifyCard.do", "pan=4111111111111112&cvc=123&expiry=203012")["actionCode"])
	assert.Equal(t, "1", b.call("verifyCard.do", "cvc=123")["errorCode"])
	assert.Equal(t, "5", b.call("verifyCard.do", "amount=x")["errorCode"])
	sample(t, "responses/verify_card_ok.json", &want)
	sameKinds(t, want, plainJSON(t, out), "")
}
