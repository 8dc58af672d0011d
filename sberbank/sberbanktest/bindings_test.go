package sberbanktest

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saved makes a payment that saves a card and returns the binding.
func (b *bank) saved(client string) string {
	b.t.Helper()
	id := b.register("save-"+client, `,"clientId":"`+client+`"`)
	require.NoError(b.t, b.Pay(id))
	return b.state(id)["bindingInfo"].(obj)["bindingId"].(string)
}

func TestBindings(t *testing.T) {
	b := open(t)
	binding := b.saved("u-88")
	want := obj{"bindingId": binding, "maskedPan": "220220******2424", "expiryDate": "203505", "bindingStatus": "1", "paymentWay": "CARD", "paymentSystem": "MIR"}
	assert.Equal(t, []any{want}, b.call("v1/getBindings.do", `"clientId":"u-88"`)["bindings"])
	assert.Equal(t, []any{}, b.call("v1/getBindings.do", `"clientId":"nobody"`)["bindings"])
	want["clientId"] = "u-88"
	assert.Equal(t, []any{want}, b.call("v1/getBindingsByCardOrId.do", `"bindingId":"`+binding+`"`)["bindings"])
	assert.Equal(t, []any{want}, b.call("v1/getBindingsByCardOrId.do", `"pan":"2202205000012424"`)["bindings"])
	refusedWith(t, b.call("v1/getBindingsByCardOrId.do", ""), "5", schemaText)

	ref := `"bindingId":"` + binding + `"`
	refusedWith(t, b.call("v1/bindCard.do", ref), "2", tBindActive.RU)
	assert.Equal(t, "0", b.call("v1/unbindCard.do", ref)["errorCode"])
	refusedWith(t, b.call("v1/unbindCard.do", ref+`,"language":"en"`), "2", "Binding isn't active")
	assert.Empty(t, b.call("v1/getBindings.do", `"clientId":"u-88"`)["bindings"])
	assert.Equal(t, "0", b.call("v1/getBindings.do", `"clientId":"u-88","showInactive":true`)["bindings"].([]any)[0].(obj)["bindingStatus"])
	order := b.register("A-1", `,"clientId":"u-88"`)
	refusedWith(t, b.call("v1/paymentOrderBinding.do", `"mdOrder":"`+order+`",`+ref+`,"ip":"203.0.113.7"`), "2", tBindInactive.RU)
	assert.Equal(t, "0", b.call("v1/bindCard.do", ref)["errorCode"])

	// Paying again with the same card makes no second binding.
	again := b.register("A-9", `,"clientId":"u-88"`)
	require.NoError(t, b.Pay(again))
	assert.Len(t, b.Bindings("u-88"), 1)
	b.Advance(20 * 365 * 24 * time.Hour)
	assert.Empty(t, b.call("v1/getBindings.do", `"clientId":"u-88"`)["bindings"])
	assert.Len(t, b.call("v1/getBindings.do", `"clientId":"u-88","showExpired":true`)["bindings"], 1)
}

func TestPaymentByBinding(t *testing.T) {
	b := open(t)
	binding := b.saved("u-88")
	pay := func(order string) obj {
		return b.call("v1/paymentOrderBinding.do", `"mdOrder":"`+order+`","bindingId":"`+binding+`","ip":"203.0.113.7"`)
	}
	order := b.register("A-1", `,"clientId":"u-88"`)
	refusedWith(t, b.call("v1/paymentOrderBinding.do", `"mdOrder":"`+order+`","bindingId":"`+binding+`"`), "4", tMissing.RU)
	assert.Equal(t, obj{"errorCode": "0", "error": tOK.RU, "info": tInfo.RU, "redirect": "https://crm.example/ok"}, pay(order))
	assert.Equal(t, num("2"), b.state(order)["orderStatus"])
	refusedWith(t, pay(b.register("A-2", `,"clientId":"other"`)), "1", tBindingOther.RU)
	require.NoError(t, b.SetBindingOutcome(binding, 116))
	require.Error(t, b.SetBindingOutcome("nobody", 116))
	order = b.register("A-3", `,"clientId":"u-88"`)
	refusedWith(t, pay(order), "5", tDeclined.RU)
	assert.Equal(t, num("116"), b.state(order)["actionCode"])
	unknown := strings.Repeat("a", 36)
	refusedWith(t, b.call("v1/paymentOrderBinding.do", `"mdOrder":"`+order+`","bindingId":"`+unknown+`","ip":"1.1.1.1"`), "1", tBindingNone.RU)
}

func TestRecurrentPayment(t *testing.T) {
	b := open(t)
	binding := b.saved("u-88")
	charge := func(number, more string) obj {
		return b.call("v1/recurrentPayment.do", `"orderNumber":"`+number+`","bindingId":"`+binding+`","amount":29900`+more)
	}
	out := charge("SUB-88-2026-03", "")
	assert.Equal(t, true, out["success"])
	assert.NotContains(t, out, "errorCode")
	id := out["data"].(obj)["orderId"].(string)
	assert.Equal(t, "SUB-88-2026-03", out["data"].(obj)["orderNumber"])
	st := out["orderStatus"].(obj)
	assert.Equal(t, num("2"), st["orderStatus"])
	assert.Equal(t, obj{"approvedAmount": num("29900"), "depositedAmount": num("29900"), "refundedAmount": num("0"), "paymentState": "DEPOSITED"}, st["paymentAmountInfo"])
	assert.Equal(t, "220220******2424", st["cardAuthInfo"].(obj)["pan"])
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
	assert.Equal(t, obj{"success": false, "error": obj{"code": "1", "description": tDuplicate.RU}}, charge("SUB-88-2026-03", ""))
	assert.Equal(t, obj{"success": false, "error": obj{"code": "5", "description": schemaText}}, charge("S-2", `,"unknown":1`))

	// Bonuses pay a part.
	out = charge("S-3", `,"additionalParameters":{"sbrf_spasibo:amount_bonus":9900}`)
	id = out["data"].(obj)["orderId"].(string)
	full := b.state(id)
	assert.Equal(t, num("20000"), full["paymentAmountInfo"].(obj)["depositedAmount"])
	assert.Equal(t, num("9900"), full["loyaltyInfo"].(obj)["paymentBonus"].(obj)["depositedAmountBonus"])
	balance := b.call("v1/getLoyaltyBalance", `"bindingId":"`+binding+`"`)
	assert.Equal(t, []any{obj{"serviceName": "sbrf_spasibo", "bonusBalance": num("2400")}}, balance["loyaltyOperations"])
	assert.Equal(t, "0", b.call("v1/autoRefund", `"orderId":"`+id+`","compositeAmount":29900`)["errorCode"])
	o, _ := b.Order(id)
	assert.EqualValues(t, 20000, o.Refunded)
	refusedWith(t, b.call("v1/getLoyaltyBalance", `"bindingId":"`+strings.Repeat("a", 36)+`"`), "1", tBindingNone.RU)

	require.NoError(t, b.SetBindingOutcome(binding, 101))
	out = charge("S-4", "")
	assert.Equal(t, false, out["success"])
	id = out["data"].(obj)["orderId"].(string)
	assert.Equal(t, num("6"), b.state(id)["orderStatus"])
	b.call("v1/unbindCard.do", `"bindingId":"`+binding+`"`)
	assert.Equal(t, "2", charge("S-5", "")["error"].(obj)["code"])
}

func TestAutoCompletionOfBonuses(t *testing.T) {
	b := open(t)
	binding := b.saved("u-88")
	id := b.registerAs("registerPreAuth.do", "H-1", `,"clientId":"u-88"`)
	b.call("v1/paymentOrderBinding.do", `"mdOrder":"`+id+`","bindingId":"`+binding+`","ip":"1.1.1.1","jsonParams":{"sbrf_spasibo:amount_bonus":4990}`)
	refusedWith(t, b.call("v1/autoCompletion", `"orderId":"`+id+`","compositeAmount":100`), "5", tAmount.RU)
	assert.Equal(t, "0", b.call("v1/autoCompletion", `"orderId":"`+id+`","compositeAmount":154990`)["errorCode"])
	o, _ := b.Order(id)
	assert.EqualValues(t, 150000, o.Captured)
}

func TestMirPayDirect(t *testing.T) {
	b := open(t)
	token := base64.StdEncoding.EncodeToString([]byte(`{"pan":"2202205000060910"}`))
	out := b.call("v1/mir/paymentDirect.do", `"orderNumber":"MP-1","amount":10000,"paymentToken":"eyJ0YW4iOjF9"`)
	assert.Equal(t, true, out["success"])
	assert.Equal(t, num("2"), out["orderStatus"].(obj)["orderStatus"])
	out = b.call("v1/mir/paymentDirectMirPay.do", `"orderNumber":"MP-2","amount":10000,"paymentToken":"`+token+`"`)
	assert.Equal(t, "5", out["error"].(obj)["code"])
	out = b.call("v1/mir/paymentDirect.do", `"orderNumber":"MP-3","amount":10000,"preAuth":true,"paymentToken":"eyJ0YW4iOjF9","additionalParameters":{"a":"b"},"currencyCode":"643"`)
	assert.Equal(t, num("1"), out["orderStatus"].(obj)["orderStatus"])
	assert.Equal(t, "4", b.call("v1/mir/paymentDirect.do", `"orderNumber":"MP-4","amount":1,"paymentToken":"!"`)["error"].(obj)["code"])
	assert.Equal(t, "14", b.call("v1/mir/paymentDirect.do", `"orderNumber":"MP-4","amount":1,"paymentToken":"eyJ0YW4iOjF9","features":"FORCE_SSL"`)["error"].(obj)["code"])
}

func TestSBP(t *testing.T) {
	b := open(t, WithSBPDelay(10*time.Second, time.Minute), WithCallbacks(CallbackSettings{Crypto: CryptoNone}))
	out := b.call("v1/register.do", `"orderNumber":"0863622194234","amount":1600402,"returnUrl":"https://crm.example/ok","jsonParams":{"qrType":"DYNAMIC_QR_SBP","sbp.scenario":"C2B"}`)
	params := out["externalParams"].(obj)
	assert.Regexp(t, `^AD[A-Z0-9]{30}$`, params["qrcId"])
	assert.Regexp(t, `^https://qr\.nspk\.ru/`+params["qrcId"].(string)+`\?type=02&bank=100000000111&sum=1600402&cur=RUB&crc=[0-9A-F]{4}$`, params["sbpPayload"])
	id := out["orderId"].(string)
	require.NoError(t, b.Pay(id), "an order for a code only is paid by the code")
	st := b.state(id)
	assert.NotContains(t, st, "cardAuthInfo")
	assert.Equal(t, obj{"name": "qrcId", "value": params["qrcId"]}, st["attributes"].([]any)[1])
	assert.Equal(t, "memberId", st["transactionAttributes"].([]any)[1].(obj)["name"])

	refusedWith(t, b.call("v1/register.do", `"orderNumber":"S-91","amount":100,"returnUrl":"https://crm.example/ok","sessionTimeoutSecs":7862400,"jsonParams":{"qrType":"DYNAMIC_QR_SBP"}`), "5", tSchema.RU)

	// A refund through SBP takes its time.
	out = b.call("v1/refund.do", `"orderId":"`+id+`","amount":1000000`)
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": tAccepted.RU}, out)
	refusedWith(t, b.call("v1/refund.do", `"orderId":"`+id+`","amount":700000`), "5", tOverRefund.RU)
	st = b.state(id)
	assert.Equal(t, num("2"), st["orderStatus"])
	assert.Equal(t, num("-99"), st["actionCode"])
	assert.Equal(t, num("0"), st["paymentAmountInfo"].(obj)["refundedAmount"])
	assert.Equal(t, num("1600402"), st["paymentAmountInfo"].(obj)["depositedAmount"])
	b.Advance(time.Minute)
	st = b.state(id)
	assert.Equal(t, num("4"), st["orderStatus"])
	assert.Equal(t, num("1000000"), st["paymentAmountInfo"].(obj)["refundedAmount"])

	// A subscription without a payment.
	out = b.call("v1/register.do", `"orderNumber":"S-1","amount":0,"returnUrl":"https://crm.example/ok","clientId":"u-1","jsonParams":{"qrType":"SUBSCRIPTION_SBP","sbp.scenario":"C2B_SUBSCRIPTION","sbp.subscriptionPurpose":"Абонемент"}`)
	assert.Contains(t, out["externalParams"].(obj)["sbpPayload"], "https://sub.nspk.ru/AB")
	id = out["orderId"].(string)
	require.NoError(t, b.Pay(id))
	st = b.state(id)
	assert.Equal(t, num("2"), st["orderStatus"])
	assert.Equal(t, num("0"), st["amount"])
	assert.NotContains(t, st, "paymentAmountInfo", "nothing was paid")
	sub := attribute(st, "subscriptionId")
	assert.Len(t, sub, 32)
	assert.Equal(t, "100000000111", attribute(st, "memberId"))
	b.Deliver()
	got := b.shop.take()
	assert.Contains(t, got[len(got)-1].body, `"operation":"subscriptionCreated","status":1,"additionalParams":{`)

	// Charging it.
	charge := func(number, sub string) string {
		id := b.register(number, `,"description":"Абонемент","jsonParams":{"qrType":"DYNAMIC_QR_SBP","sbp.scenario":"C2B"}`)
		assert.Equal(t, obj{"errorCode": "0"}, b.call("v1/paymentOrderBySubscription", `"orderId":"`+id+`","subscriptionId":"`+sub+`","memberId":"100000000111"`))
		return id
	}
	id = charge("C-1", sub)
	assert.Equal(t, num("-99"), b.state(id)["actionCode"])
	b.Advance(10 * time.Second)
	st = b.state(id)
	assert.Equal(t, num("2"), st["orderStatus"])
	assert.Equal(t, "SBERPAY_SBP_C2B_DYN_SUBS", st["cardAuthInfo"].(obj)["paymentWay"])
	require.NoError(t, b.DeleteSubscription(sub))
	require.Error(t, b.DeleteSubscription("nobody"))
	id = charge("C-2", sub)
	b.Advance(10 * time.Second)
	st = b.state(id)
	assert.Equal(t, num("0"), st["orderStatus"], "the order stays open")
	assert.Equal(t, num("-5031"), st["actionCode"])
	assert.NotContains(t, st, "paymentAmountInfo")
	refusedWith(t, b.call("v1/paymentOrderBySubscription", `"orderId":"`+b.register("C-3", "")+`","subscriptionId":"`+sub+`"`), "4", tMissing.RU)

	// Paying and subscribing at once; Plati QR.
	id = b.register("D-1", `,"jsonParams":{"qrType":"DYNAMIC_QR_SBP","sbp.scenario":"C2B_SUBSCRIPTION_WITH_PAYMENT","sbp.subscriptionPurpose":"Абонемент"}`)
	require.NoError(t, b.PaySBP(id))
	st = b.state(id)
	assert.Equal(t, "SBERPAY_SBP_C2B_DYN", st["cardAuthInfo"].(obj)["paymentWay"])
	assert.NotEmpty(t, attribute(st, "subscriptionId"))
	out = b.call("v1/register.do", `"orderNumber":"E-1","amount":100,"returnUrl":"https://crm.example/ok","jsonParams":{"sberpay.qr.c2b":true}`)
	assert.Contains(t, out["externalParams"].(obj)["sberPayload"], "https://platiqr.ru/?dynamicQr=")

	b = open(t, WithMerchant(Merchant{NoSBP: true}))
	out = b.call("v1/register.do", `"orderNumber":"N-1","amount":100,"returnUrl":"https://crm.example/ok","jsonParams":{"qrType":"DYNAMIC_QR_SBP","sbp.scenario":"C2B"}`)
	assert.NotContains(t, out["externalParams"], "sbpPayload", "without the permission the code is left out")
}

func attribute(st obj, name string) string {
	for _, a := range st["attributes"].([]any) {
		if a.(obj)["name"] == name {
			return gateway.ScalarText(a.(obj)["value"])
		}
	}
	return ""
}

func TestSberPay(t *testing.T) {
	b := open(t, WithCallbacks(CallbackSettings{Operations: []string{"deposited", "bindingCreated", "created"}}))
	id := b.register("A-1", `,"clientId":"u-88","dynamicCallbackUrl":"https://crm.example/dynamic","jsonParams":{"app2app":true,"app.deepLink":"crm://back"}`)
	assert.Equal(t, obj{"errorCode": "0"}, b.call("v1/paymentSberPay.do", `"orderId":"`+id+`","phone":"79161234567"`))
	refusedWith(t, b.call("v1/paymentSberPay.do", `"orderId":"`+id+`","phone":"89161234567"`), "9", tPhone.RU)
	require.NoError(t, b.PaySberPay(id))
	b.Deliver()
	byPath := map[string][]string{}
	for _, n := range b.shop.take() {
		byPath[n.path] = append(byPath[n.path], n.body)
	}
	require.Len(t, byPath["/dynamic"], 2)
	assert.Contains(t, byPath["/dynamic"][0], `"operation":"created"`)
	require.Len(t, byPath["/cb"], 1, "news of a binding goes to the static address")
	assert.Contains(t, byPath["/cb"][0], `"clientId":"u-88","operation":"bindingCreated"`)
	assert.NotContains(t, byPath["/cb"][0], "mdOrder")
	b.call("v1/unbindCard.do", `"bindingId":"`+b.Bindings("u-88")[0]+`"`)
}

func TestAccountServices(t *testing.T) {
	b := open(t)
	require.True(t, b.ExpirePassword(DefaultUserName, "Tmp123"))
	require.False(t, b.ExpirePassword("nobody", "x"))
	refusedWith(t, b.call("v1/getOrderStatusExtended.do", `"orderNumber":"n"`), "5", tMustChange.RU)
	post := func(path, body string) obj {
		return b.decode(b.raw("POST", "/ecomm/gw/partner/api/accounts/v1/"+path, "", body))
	}
	assert.Equal(t, "5", post("set-permanent-password", `{"login":"demo-api","tmpPassword":"wrong"}`)["errorCode"])
	assert.Equal(t, tParam.RU, post("set-permanent-password", `{"login":"demo-api","tmpPassword":"Tmp123","password":"without-digit-or-capital"}`)["description"])
	out := post("set-permanent-password", `{"login":"demo-api","tmpPassword":"Tmp123"}`)
	assert.NotContains(t, out, "errorCode")
	assert.GreaterOrEqual(t, len(out["password"].(string)), 18)
	out = post("set-permanent-password", `{"login":"demo-api","tmpPassword":"`+out["password"].(string)+`","password":"Emulator-Password-1"}`)
	assert.Equal(t, obj{"login": "demo-api", "password": "Emulator-Password-1"}, out)
	for i := range 6 {
		resp := b.raw("POST", "/ecomm/gw/partner/api/accounts/v1/apikey/generate", "", "{"+credentials+"}")
		if i < 5 {
			out := b.decode(resp)
			assert.Len(t, out["apiKey"], 512)
			assert.Equal(t, "Api-key успешно создан", out["message"])
			continue
		}
		assert.Equal(t, 400, resp.StatusCode)
		assert.Contains(t, b.decode(resp), "errorMessage")
	}
}
