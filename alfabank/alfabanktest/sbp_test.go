package alfabanktest

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQR(t *testing.T) {
	b := open(t, WithQR(func(payload string) ([]byte, error) { return []byte("png of " + payload), nil }))
	id := b.register("A-1", "")
	out := b.call("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id+"&qrFormat=image&qrWidth=200&qrHeight=200&redirectUrl=https%3A%2F%2Ftea.example%2Fsbp")
	qr := out["qrId"].(string)
	assert.Regexp(t, "^AD[0-9A-Z]{30}$", qr)
	assert.Regexp(t, `^https://qr\.nspk\.ru/`+qr+`\?type=02&bank=100000000008&sum=129900&cur=RUB&crc=[0-9A-F]{4}$`, out["payload"])
	assert.Equal(t, "STARTED", out["qrStatus"])
	png, err := base64.StdEncoding.DecodeString(out["renderedQr"].(string))
	require.NoError(t, err)
	assert.Equal(t, "png of "+out["payload"].(string), string(png))
	assert.NotContains(t, out, "errorCode")
	again := b.call("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id+"&qrWidth=200")
	assert.Equal(t, qr, again["qrId"])
	assert.NotContains(t, again, "renderedQr", "only with both sizes")
	assert.Equal(t, obj{"qrType": "DYNAMIC", "qrStatus": "STARTED", "transactionState": "CREATED"}, b.call("sbp/c2b/qr/status.do", "mdOrder="+id))
	require.NoError(t, b.PaySBP(id))
	assert.Equal(t, obj{"qrType": "DYNAMIC", "qrStatus": "ACCEPTED", "transactionState": "DEPOSITED"}, b.call("sbp/c2b/qr/status.do", "mdOrder="+id+"&qrId="+qr))
	after := b.call("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id+"&qrWidth=200&qrHeight=200")
	assert.Equal(t, obj{"qrId": qr, "qrStatus": "ACCEPTED"}, after, "payload only while STARTED")
	st := b.state(id)
	assert.Equal(t, "SBP_C2B", st["paymentWay"])
	assert.NotContains(t, st, "cardAuthInfo")
	done(t, b.call("refund.do", "orderId="+id+"&amount=0"))

	for fields, code := range map[string]string{
		"": "4", "mdOrder=x": "6", "mdOrder=" + b.hold("H-1", ""): "5", "mdOrder=" + b.paid("A-2", ""): "7",
		"mdOrder=" + b.register("A-3", "") + "&qrWidth=9":                                        "5",
		"mdOrder=" + b.register("A-4", "") + "&qrFormat=svg":                                     "5",
		"mdOrder=" + b.register("A-5", "") + "&paymentPurpose=" + strings.Repeat("x", 141):       "5",
		"mdOrder=" + b.register("A-6", "") + "&createSubscription=true":                          "5",
		"mdOrder=" + b.register("A-7", "") + "&subscriptionServiceId=" + strings.Repeat("x", 33): "5",
	} {
		assert.Equal(t, code, b.call("sbp/c2b/qr/dynamic/get.do", fields)["errorCode"], fields)
	}
	for fields, code := range map[string]string{"": "4", "mdOrder=x": "6", "qrId=other&mdOrder=" + id: "6", "mdOrder=" + b.register("A-8", ""): "6"} {
		assert.Equal(t, code, b.call("sbp/c2b/qr/status.do", fields)["errorCode"], fields)
		assert.Equal(t, code, b.call("sbp/c2b/qr/dynamic/reject.do", fields)["errorCode"], fields)
	}
	assert.Equal(t, false, b.call("sbp/c2b/qr/dynamic/reject.do", "mdOrder="+id)["rejected"], "it is paid")
	off := open(t, WithMerchant(Merchant{Off: []Right{SBP}}), WithUnknowns(Unknowns{StatusWord: true}))
	id = off.register("A-1", "")
	refusedWith(t, off.call("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id), "5", tAccess)
	assert.Error(t, off.PaySBP(id))
	word := open(t, WithUnknowns(Unknowns{StatusWord: true}))
	assert.Equal(t, "STARTED", word.call("sbp/c2b/qr/dynamic/get.do", "qrFormat=matrix&qrWidth=10&qrHeight=10&mdOrder="+word.register("A-1", ""))["status"])
}

func TestQRIsRejected(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "")
	qr := b.call("sbp/c2b/qr/dynamic/get.do", "redirectUrl=nonsense&mdOrder="+id)["qrId"]
	assert.Equal(t, obj{"rejected": true}, b.call("sbp/c2b/qr/dynamic/reject.do", "mdOrder="+id))
	assert.Equal(t, "REJECTED_BY_USER", b.call("sbp/c2b/qr/status.do", "mdOrder="+id)["qrStatus"])
	assert.NotEqual(t, qr, b.call("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id)["qrId"], "a new code")
	require.NoError(t, b.Expire(id))
	assert.Equal(t, obj{"qrType": "DYNAMIC", "qrStatus": "REJECTED", "transactionState": "DECLINED"}, b.call("sbp/c2b/qr/status.do", "mdOrder="+id))
}

func TestSBPTakesAWhile(t *testing.T) {
	b := open(t, WithSBPDelay(time.Minute))
	id := b.register("A-1", "")
	b.call("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id)
	require.NoError(t, b.PaySBP(id))
	st := b.state(id)
	assert.Equal(t, []any{num("7"), "-99"}, []any{st["orderStatus"], st["actionCode"]})
	assert.Equal(t, obj{"qrType": "DYNAMIC", "qrStatus": "CONFIRMED", "transactionState": "CREATED"}, b.call("sbp/c2b/qr/status.do", "mdOrder="+id))
	b.Advance(time.Minute)
	b.is(id, "2", "129900", "129900", "0")
	dead := b.register("A-2", "&sessionTimeoutSecs=30")
	require.NoError(t, b.PaySBP(dead))
	b.Advance(2 * time.Minute)
	assert.Equal(t, num("6"), b.state(dead)["orderStatus"])
}

func TestSBPBindings(t *testing.T) {
	b := open(t, WithScalars(ScalarsExamples), WithCallbacks(CallbackSettings{Operations: []string{"bindingCreated", "bindingActivityChanged", "deposited"}, LeadingAmpersand: true}))
	out := b.call("register.do", "orderNumber=S-1&amount=0&features=SBP_BINDING&clientId=buyer-42&returnUrl="+ok)
	id := out["orderId"].(string)
	assert.NotContains(t, b.look(b.formOf(id)), `name="pan"`)
	b.call("sbp/c2b/qr/dynamic/get.do", "createSubscription=true&subscriptionServiceName=%D0%A7%D0%B0%D0%B9&subscriptionServiceId=svc-1&mdOrder="+id)
	require.NoError(t, b.Pay(id))
	list := b.call("sbp/c2b/getBindings.do", "clientId=buyer-42")
	require.Len(t, list["bindings"], 1)
	account := list["bindings"].([]any)[0].(obj)
	assert.Equal(t, []any{"buyer-42", "100000000008", "Чай", "svc-1"}, []any{account["clientId"], account["memberId"], account["subscriptionServiceName"], account["subscriptionServiceId"]})
	got := b.take()
	assert.Equal(t, "true", got[0].params.Get("enabled"))
	assert.True(t, strings.HasPrefix(got[0].rawQuery, "&bindingId="), got[0].rawQuery)
	card := account["bindingId"].(string)
	st := b.state(id)
	assert.Equal(t, card, st["bindingInfo"].(obj)["bindingId"])
	assert.Contains(t, st["transactionAttributes"], obj{"name": "subscriptionServiceId", "value": "svc-1"})

	charge := b.register("S-2", "&clientId=buyer-42")
	paid := b.call("paymentOrderBinding.do", "tii=U&bindingId="+card+"&mdOrder="+charge)
	assert.Equal(t, []any{num("0"), card}, []any{paid["errorCode"], paid["bindingId"]})
	assert.Equal(t, "SBP_C2B_BINDING", b.state(charge)["paymentWay"])
	assert.Equal(t, num("1"), b.call("paymentOrderBinding.do", "bindingId="+card+"&mdOrder="+b.register("S-3", "&clientId=other"))["errorCode"])
	assert.Equal(t, num("5"), b.call("paymentOrderBinding.do", "bindingId="+card+"&mdOrder="+b.hold("S-4", "&clientId=buyer-42"))["errorCode"])
	token := b.register("S-5", "")
	assert.Equal(t, num("4"), b.call("paymentorder.do", "language=en&MDORDER="+token+"&sbpSubscriptionToken="+account["subscriptionToken"].(string))["errorCode"])
	assert.Contains(t, b.call("paymentorder.do", "language=en&MDORDER="+token+"&sbpMemberId=x&sbpSubscriptionToken=x"), "errorTypeName")
	assert.Equal(t, num("-5031"), b.state(token)["actionCode"])
	b.call("paymentorder.do", "language=en&MDORDER="+token+"&sbpMemberId=100000000008&sbpSubscriptionToken="+account["subscriptionToken"].(string))
	b.is(token, "2", "129900", "129900", "0")

	assert.Equal(t, obj{"error": "Связка отключена", "errorCode": num("2"), "is3DSVer2": false, "errorMessage": "Связка отключена"}, b.as(pair, "sbp/c2b/unBind.do", "bindingId="+card))
	assert.Empty(t, b.call("sbp/c2b/getBindings.do", "clientId=buyer-42")["bindings"])
	assert.Len(t, b.call("sbp/c2b/getBindings.do", "clientId=buyer-42&showDisabled=true")["bindings"], 1)
	assert.Equal(t, num("5"), b.call("sbp/c2b/unBind.do", "bindingId=x")["errorCode"])
	off := b.register("S-6", "&clientId=buyer-42")
	b.call("paymentOrderBinding.do", "bindingId="+card+"&mdOrder="+off)
	assert.Equal(t, num("-3100"), b.state(off)["actionCode"])
	assert.Equal(t, obj{"errorMessage": "Идентификатор Клиента не указан", "errorCode": "5", "bindings": []any{}}, b.as(pair, "sbp/c2b/getBindings.do", ""))

	slow := open(t, WithSBPDelay(time.Minute), WithUnknowns(Unknowns{UnbindSBPSaysZero: true}))
	id = slow.register("S-1", "&clientId=c")
	slow.call("sbp/c2b/qr/dynamic/get.do", "createSubscription=true&mdOrder="+id)
	require.NoError(t, slow.PaySBP(id))
	slow.Advance(time.Minute)
	card = slow.call("sbp/c2b/getBindings.do", "clientId=c")["bindings"].([]any)[0].(obj)["bindingId"].(string)
	out = slow.call("paymentOrderBinding.do", "tii=U&bindingId="+card+"&mdOrder="+slow.register("S-2", "&clientId=c"))
	assert.Equal(t, "CONFIRMED", out["sbpC2bInfo"].(obj)["status"])
	assert.Equal(t, "0", slow.call("sbp/c2b/unBind.do", "bindingId="+card)["errorCode"])
	no := open(t, WithMerchant(Merchant{Off: []Right{SBPBindings}}))
	assert.Equal(t, "5", no.call("sbp/c2b/qr/dynamic/get.do", "createSubscription=true&mdOrder="+no.register("A", "&clientId=c"))["errorCode"])
}

func TestLinks(t *testing.T) {
	b := open(t, WithCallbacks(CallbackSettings{Params: []string{"templateId", "amount"}}))
	out := b.json("templates/create.do", `"template":{"type":"ECOM","name":"gift","nameForClient":"Подарок","amount":150000,"currency":"643","singlePayment":true,`+
		`"description":"чай","agent":{},"additionalParams":[{"name":"size","label":"Размер","required":true}],"qrTemplate":{"qrHeight":200,"qrWidth":200}}`)
	assert.Equal(t, "SUCCESS", out["status"])
	made := out["template"].(obj)
	id := made["templateId"].(string)
	assert.Equal(t, []any{"ACTIVE", b.URL + "/sc/" + id}, []any{made["status"], made["qrTemplate"].(obj)["payload"]})
	assert.Contains(t, made["qrTemplate"], "renderedQr")
	got := b.json("templates/get.do", `"template":{"templateId":"`+id+`"}`)["template"].(obj)
	assert.Equal(t, []any{"ECOM", "gift", "Подарок", num("150000"), true, false, "643"},
		[]any{got["type"], got["name"], got["nameForClient"], got["amount"], got["singlePayment"], got["preAuth"], got["currency"]})
	assert.Equal(t, []any{obj{"name": "size", "label": "Размер", "required": true}}, got["additionalParams"])
	assert.NotContains(t, got, "agent")

	order, err := b.OpenLink(id, 0)
	require.NoError(t, err)
	require.NoError(t, b.Pay(order))
	params := b.take()[0].params
	assert.Equal(t, []string{id, "150000"}, []string{params.Get("templateId"), params.Get("amount")})
	_, err = b.OpenLink(id, 0)
	assert.Error(t, err, "for one payment")
	assert.Equal(t, obj{"status": "SUCCESS"}, b.json("templates/update.do", `"template":{"templateId":"`+id+`","status":"ACTIVE","isFreeAmount":true,"isIndefinite":true,"name":"new","additionalParams":[{"name":"size","mode":"REMOVE"},{"name":"colour","mode":"ADD"}]}`))
	got = b.json("templates/get.do", `"template":{"templateId":"`+id+`"}`)["template"].(obj)
	assert.Equal(t, []any{"new", nil, []any{obj{"name": "colour"}}}, []any{got["name"], got["amount"], got["additionalParams"]})
	_, err = b.OpenLink(id, 0)
	assert.Error(t, err, "the buyer types the sum")
	_, err = b.OpenLink(id, 777)
	assert.NoError(t, err)
	list := b.json("templates/getList.do", `"status":"ACTIVE"`)
	assert.Len(t, list["templates"], 1)
	assert.Empty(t, b.json("templates/getList.do", `"status":"INACTIVE"`)["templates"])
	assert.Equal(t, obj{"status": "SUCCESS"}, b.json("templates/update.do", `"template":{"templateId":"`+id+`","status":"DELETE"}`))
	assert.Equal(t, "FAIL", b.json("templates/update.do", `"template":{"templateId":"`+id+`","status":"ACTIVE"}`)["status"])

	// A form with the template as JSON text is taken too.
	form := b.call("templates/create.do", "template="+`{"type":"ECOM","name":"n","nameForClient":"N","preAuth":true,"amount":"100","startDate":"2025-06-03T00:00:00","endDate":"2025-06-04T00:00:00"}`)
	later := form["template"].(obj)["templateId"].(string)
	_, err = b.OpenLink(later, 0)
	assert.Error(t, err, "it has not begun")
	b.Advance(24 * time.Hour)
	order, err = b.OpenLink(later, 0)
	require.NoError(t, err)
	require.NoError(t, b.Pay(order))
	assert.Equal(t, num("1"), b.state(order)["orderStatus"], "preAuth")
	b.Advance(24 * time.Hour)
	_, err = b.OpenLink(later, 0)
	assert.Error(t, err, "it is over")

	for _, c := range []struct{ method, fields, code string }{
		{"create", `"template":{}`, "4"}, {"create", `"template":{"type":"ECOM","name":"x"}`, "4"}, {"create", `"template":{"type":"SBP_QR","name":"x","nameForClient":"x"}`, "1"},
		{"create", `"template":{"type":"ECOM","name":"x","nameForClient":"x","amount":-1}`, "1"}, {"create", `"template":{"type":"ECOM","name":"x","nameForClient":"x","startDate":"x"}`, "1"},
		{"create", `"template":{"type":"ECOM","name":"` + strings.Repeat("x", 141) + `","nameForClient":"x"}`, "1"}, {"create", `"template":{"type":"ECOM","name":"x","nameForClient":"` + strings.Repeat("x", 256) + `"}`, "1"},
		{"create", `"template":{"type":"ECOM","name":"x","nameForClient":"x","additionalParams":[{"name":"Размер"}]}`, "1"},
		{"get", `"template":{}`, "4"}, {"get", `"template":{"templateId":"x"}`, "6"}, {"update", `"template":{"templateId":"x"}`, "6"}, {"getList", `"status":"SUCCESS"`, "1"},
		{"update", `"template":{"templateId":"` + later + `","status":"EXPIRED"}`, "1"}, {"update", `"template":{"templateId":"` + later + `","amount":"x"}`, "1"},
	} {
		out := b.json("templates/"+c.method+".do", c.fields)
		require.Equal(t, "FAIL", out["status"], c.fields)
		assert.Equal(t, c.code, out["error"].(obj)["code"], c.fields)
		assert.NotEmpty(t, out["error"].(obj)["description"])
	}
	assert.Equal(t, "5", b.decode(b.raw("POST", "/payment/rest/templates/get.do", "application/json", `{"username":"x","password":"y"}`))["error"].(obj)["code"])
	assert.Equal(t, "1", b.decode(b.raw("POST", "/payment/rest/templates/get.do", "application/json", `{`))["error"].(obj)["code"])
	var want obj
	sample(t, "responses/template_created.json", &want)
	assert.Equal(t, "SUCCESS", want["status"])
	sameKinds(t, want, plainJSON(t, out), "")
}

func TestStaticQR(t *testing.T) {
	b := open(t)
	out := b.json("templates/createTemplate.do", `"type":"SBP_QR","name":"Касса 1","distributionChannel":"till","qrTemplate":{"qrHeight":"200","qrWidth":"200"}`)
	id := out["templateId"].(string)
	assert.Regexp(t, "^BS[0-9A-Z]{30}$", id)
	assert.Equal(t, []any{"Касса 1", "SBP_QR", "ACTIVE", "2025-06-02T15:04:05", "https://qr.nspk.ru/" + id},
		[]any{out["name"], out["type"], out["status"], out["startDate"], out["qrTemplate"].(obj)["payload"]})
	_, err := b.PayStaticQR(id, 0)
	assert.Error(t, err)
	order, err := b.PayStaticQR(id, 5000)
	require.NoError(t, err)
	b.is(order, "2", "5000", "5000", "0")
	assert.Equal(t, "STATIC", b.call("sbp/c2b/qr/status.do", "mdOrder="+order)["qrType"])
	details := b.json("templates/getTemplateDetails.do", `"templateId":"`+id+`"`)
	assert.Equal(t, []any{"ACTIVE", "2025-06-02T15:04:05"}, []any{details["status"], details["useDate"]})
	changed := b.json("templates/updateTemplate.do", `"templateId":"`+id+`","name":"Касса 2","status":"INACTIVE","endDate":"2025-07-01T00:00:00"`)
	assert.Equal(t, []any{"Касса 2", "INACTIVE", "2025-07-01T00:00:00", false}, []any{changed["name"], changed["status"], changed["endDate"], changed["takeTax"]})
	_, err = b.PayStaticQR(id, 5000)
	assert.Error(t, err)

	state := func(fields string) any {
		id := b.json("templates/createTemplate.do", `"type":"SBP_QR","name":"x",`+fields)["templateId"].(string)
		return b.json("templates/getTemplateDetails.do", `"templateId":"`+id+`"`)["status"]
	}
	assert.Equal(t, "WAITING", state(`"startDate":"2025-06-03T00:00:00"`))
	assert.Equal(t, "EXPIRED", state(`"startDate":"2025-06-01T00:00:00","endDate":"2025-06-02T00:00:00"`))
	once := b.json("templates/createTemplate.do", `"type":"SBP_QR","name":"x","amount":100,"currency":"RUB","singlePayment":true`)["templateId"].(string)
	_, err = b.PayStaticQR(once, 0)
	require.NoError(t, err)
	assert.Equal(t, "USED", b.json("templates/getTemplateDetails.do", `"templateId":"`+once+`"`)["status"])

	// The code at the till asks for what the till says.
	till := b.json("templates/createTemplate.do", `"type":"CASH_SBP_QR","name":"till"`)["templateId"].(string)
	cash := b.call("instantPayment.do", "amount=12300&orderNumber=C-1&sbpTemplateId="+till+"&returnUrl="+ok)
	assert.Equal(t, num("0"), cash["orderStatus"].(obj)["OrderStatus"])
	order, err = b.PayStaticQR(till, 0)
	require.NoError(t, err)
	assert.Equal(t, cash["orderId"], order)
	b.is(order, "2", "12300", "12300", "0")
	assert.Equal(t, 404, b.raw("GET", "/sc/"+till, "", "").StatusCode)

	for _, c := range []struct{ method, fields, code string }{
		{"createTemplate", `"type":"SBP_QR"`, "2"}, {"createTemplate", `"type":"ECOM","name":"x"`, "1"}, {"createTemplate", `"type":"SBP_QR","name":"x","distributionChannel":"` + strings.Repeat("x", 257) + `"`, "1"},
		{"getTemplateDetails", `"templateId":"x"`, "6"}, {"getTemplateDetails", `"name":"x"`, "4"}, {"updateTemplate", `"templateId":"x"`, "6"},
		{"updateTemplate", `"templateId":"` + till + `","status":"ACTIVE"`, "4"}, {"updateTemplate", `"templateId":"` + till + `","name":"x","status":"USED"`, "1"},
	} {
		assert.Equal(t, c.code, b.json("templates/"+c.method+".do", c.fields)["errorCode"], c.fields)
	}
	assert.Equal(t, "1", b.call("templates/createTemplate.do", "type=SBP_QR&name=x")["errorCode"], "JSON only")
	var want obj
	sample(t, "responses/static_qr_created.json", &want)
	sameKinds(t, want, plainJSON(t, out), "", "endDate")
}
