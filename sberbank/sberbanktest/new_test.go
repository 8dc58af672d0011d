package sberbanktest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewGatewayPathsAndMethods(t *testing.T) {
	b := open(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/ecomm/gw/partner/api/v1/register.do", 405},
		{"PUT", "/ecomm/gw/partner/api/v1/refund.do", 405},
		{"POST", "/ecomm/gw/partner/api/v1/paymentOrderBySubscription.do", 404},
		{"POST", "/ecomm/gw/partner/api/v1/unBindCard.do", 404},
		{"POST", "/ecomm/gw/partner/api/v2/register.do", 404},
		{"POST", "/nothing", 404},
		{"POST", "/payment/rest/unbindCard.do", 404},
		{"DELETE", "/payment/rest/register.do", 405},
		{"GET", "/payment/recurrentPayment.do", 405},
		{"GET", "/acs/creq", 405},
		{"POST", "/acs/other", 404},
		{"DELETE", "/pp/pay_ru", 405},
	} {
		resp := b.raw(c.method, c.path, "", "{}")
		assert.Equal(t, c.status, resp.StatusCode, c.path)
		assert.Equal(t, "text/html", resp.Header.Get("Content-Type"), c.path)
		assert.Empty(t, read(t, resp), c.path)
	}
}

// The example of specification section 5.1, word for word.
const exampleRegister = `{"userName":"demo-api","password":"Emulator-Password-1","orderNumber":"CRM-2026-000417","amount":154990,"currency":"643",
 "returnUrl":"https://crm.example/pay/ok","failUrl":"https://crm.example/pay/fail","description":"Заказ 417","language":"ru",
 "sessionTimeoutSecs":3600,"clientId":"u-88","email":"ivan@example.org","features":"FORCE_TDS",
 "jsonParams":{"pdAgreement":true,"crmDeal":"417","web2app":true,"sberpay.backurl":"https://crm.example/b?s=@{BankResultState}"}}`

func TestRegisterExample(t *testing.T) {
	b := open(t)
	req, err := http.NewRequest(http.MethodPost, b.URL+"/ecomm/gw/partner/api/v1/register.do", strings.NewReader(exampleRegister))
	require.NoError(t, err)
	req.Header.Set("x-idempotencyKey", "3f6e0f4c-crm-417-1")
	resp, err := b.Client().Do(req)
	require.NoError(t, err)
	assert.Equal(t, "3f6e0f4c-crm-417-1", resp.Header.Get("x-idempotencyKey"))
	out := b.decode(resp)
	id := out["orderId"].(string)
	assert.Len(t, id, 36)
	plain := strings.ReplaceAll(id, "-", "")
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": "Обработка запроса прошла без системных ошибок", "orderId": id,
		"formUrl":        b.URL + "/pp/pay_ru?orderId=" + id,
		"externalParams": obj{"sbolDeepLink": "sberpay://invoicing/v2?bankInvoiceId=" + plain + "&operationType=Web2App", "sbolBankInvoiceId": plain}}, out)

	out = b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/register.do", "application/json", exampleRegister))
	refusedWith(t, out, "1", "Заказ с таким номером уже обработан")
	assert.NotContains(t, out, "orderId")
	out = b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/register.do", "application/json", strings.Replace(exampleRegister, `"ru"`, `"en"`, 1)))
	refusedWith(t, out, "1", "Order with this number was already processed")

	st := b.call("v1/getOrderStatusExtended.do", `"orderNumber":"CRM-2026-000417"`)
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": tOK.RU, "orderNumber": "CRM-2026-000417", "orderStatus": num("0"), "actionCode": num("-100"),
		"actionCodeDescription": "Не было попыток оплаты", "amount": num("154990"), "currency": "643", "date": num("1772528400000"), "terminalId": "20991234",
		"orderDescription": "Заказ 417", "payerData": obj{"email": "ivan@example.org"}, "attributes": []any{obj{"name": "mdOrder", "value": id}},
		"merchantOrderParams": []any{obj{"name": "crmDeal", "value": "417"}, obj{"name": "pdAgreement", "value": "true"},
			obj{"name": "sberpay.backurl", "value": "https://crm.example/b?s=@{BankResultState}"}, obj{"name": "web2app", "value": "true"}},
	}, st, "paymentAmountInfo is absent before an attempt")
}

func TestStrictSchema(t *testing.T) {
	b := open(t)
	const whole = `"orderNumber":"n","amount":100,"returnUrl":"https://crm.example/ok"`
	for name, fields := range map[string]string{
		"amount as text":             `"orderNumber":"n","amount":"100","returnUrl":"https://crm.example/ok"`,
		"amount with decimals":       `"orderNumber":"n","amount":1998.9999999999998,"returnUrl":"https://crm.example/ok"`,
		"amount above the limit":     `"orderNumber":"n","amount":1000000000000,"returnUrl":"https://crm.example/ok"`,
		"negative amount":            `"orderNumber":"n","amount":-1,"returnUrl":"https://crm.example/ok"`,
		"zero amount":                "",
		"number as a number":         `"orderNumber":7,"amount":100,"returnUrl":"https://crm.example/ok"`,
		"number too long":            `"orderNumber":"` + strings.Repeat("1", 37) + `","amount":100,"returnUrl":"https://crm.example/ok"`,
		"number empty":               `"orderNumber":"","amount":100,"returnUrl":"https://crm.example/ok"`,
		"returnUrl without scheme":   `"orderNumber":"n","amount":100,"returnUrl":"crm.example/pay/ok"`,
		"unknown field":              whole + `,"pageView":"DESKTOP"`,
		"legacy taxSystem":           whole + `,"taxSystem":0`,
		"jsonParams as text":         whole + `,"jsonParams":"{}"`,
		"currency as a number":       whole + `,"currency":643`,
		"timeout as text":            whole + `,"sessionTimeoutSecs":"1200"`,
		"date with a zone":           whole + `,"expirationDate":"2026-03-03T12:00:00+03:00"`,
		"autocompletion in one step": whole + `,"autocompletionDate":"2026-03-03T12:00:00"`,
		"emoji in description":       whole + `,"description":"Чай ☕"`,
		"line break":                 whole + `,"description":"a\nb"`,
		"empty description":          whole + `,"description":""`,
		"http callback":              whole + `,"dynamicCallbackUrl":"http://crm.example/cb"`,
		"null":                       whole + `,"failUrl":null`,
		"bad email":                  whole + `,"email":"nobody"`,
		"bad phone":                  whole + `,"phone":"8 916 1234567"`,
		"app2app without link":       whole + `,"jsonParams":{"app2app":true}`,
		"subscription purpose":       whole + `,"jsonParams":{"qrType":"DYNAMIC_QR_SBP","sbp.scenario":"C2B_SUBSCRIPTION_WITH_PAYMENT"}`,
		"unknown qrType":             whole + `,"jsonParams":{"qrType":"X"}`,
		"nested unknown field":       whole + `,"orderBundle":{"cartItems":{"items":[{"positionId":"1","name":"a","itemCode":"1","quantity":{"value":1},"itemPrice":100,"itemAmount":100,"itemAttributes":{}}]}}`,
		"positionId as a number":     whole + `,"orderBundle":{"cartItems":{"items":[{"positionId":1,"name":"a","itemCode":"1","quantity":{"value":1},"itemPrice":100,"itemAmount":100}]}}`,
		"no items":                   whole + `,"orderBundle":{"cartItems":{"items":[]}}`,
		"items not an array":         whole + `,"orderBundle":{"cartItems":{"items":{}}}`,
		"bundle not an object":       whole + `,"orderBundle":[]`,
	} {
		t.Run(name, func(t *testing.T) {
			if fields == "" {
				refusedWith(t, b.call("v1/register.do", `"orderNumber":"n","amount":0,"returnUrl":"https://crm.example/ok"`), "5", "Неверная сумма")
				return
			}
			refusedWith(t, b.call("v1/register.do", fields), "5", schemaText)
		})
	}
	assert.Empty(t, b.Orders())
	for _, body := range []string{"", "null", "[]", "{", `{"a":1}{"b":2}`, "userName=demo-api&password=x", "{\"userName\":\"\xff\"}"} {
		refusedWith(t, b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/register.do", "application/json", body)), "5", schemaText)
	}
	refusedWith(t, b.call("v1/register.do", `"orderNumber":"n","amount":100`), "4", tMissing.RU)
	refusedWith(t, b.call("v1/register.do", whole+`,"currency":"978"`), "3", tCurrency.RU)
	refusedWith(t, b.call("v1/register.do", whole+`,"features":"FORCE_TDS,VERIFY"`), "14", tFeatures.RU)
	refusedWith(t, b.call("v1/register.do", whole+`,"bindingId":"`+strings.Repeat("a", 36)+`"`), "1", tBindingOther.RU)
	refusedWith(t, b.call("v1/getOrderStatusExtended.do", ""), "5", schemaText)
	refusedWith(t, b.call("v1/getOrderStatusExtended.do", `"orderId":"`+strings.Repeat("a", 36)+`","orderNumber":"n"`), "5", schemaText)
	refusedWith(t, b.call("v1/paymentSberPay.do", `"orderId":"`+strings.Repeat("a", 36)+`","phone":"79161234567","language":"ru"`), "5", schemaText)

	resp := b.raw("POST", "/ecomm/gw/partner/api/v1/register.do", "application/json", `{`+credentials+`,"orderNumber":"n","amount":"100","returnUrl":"https://crm.example/ok"}`)
	assert.Equal(t, "amount: must be a JSON number", resp.Header.Get("X-Emulator-Reason"))
}

func TestCredentials(t *testing.T) {
	b := open(t, WithMerchant(Merchant{NoRight: []string{"refund.do"}, Children: []string{"kid"}}))
	post := func(body string) obj {
		return b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/getOrderStatusExtended.do", "application/json", body))
	}
	refusedWith(t, post(`{"userName":"demo-api","password":"wrong","orderNumber":"n"}`), "5", "Доступ запрещен")
	refusedWith(t, post(`{"userName":"demo-api","password":"wrong","orderNumber":"n","language":"en"}`), "5", "Access denied")
	refusedWith(t, post(`{"userName":"other","password":"Emulator-Password-1","orderNumber":"n"}`), "5", "Доступ запрещен")
	refusedWith(t, post(`{"password":"Emulator-Password-1","orderNumber":"n"}`), "5", schemaText)
	refusedWith(t, b.call("v1/refund.do", `"orderId":"`+strings.Repeat("a", 36)+`","amount":1`), "5", "Доступ запрещён")
	out := b.call("v1/register.do", `"orderNumber":"n","amount":100,"returnUrl":"https://crm.example/ok","merchantLogin":"kid"`)
	assert.Equal(t, "0", out["errorCode"])
	refusedWith(t, b.call("v1/register.do", `"orderNumber":"m","amount":100,"returnUrl":"https://crm.example/ok","merchantLogin":"stranger"`), "5", "Доступ запрещен")
}

func TestNotFoundIsSwitchable(t *testing.T) {
	for code, want := range map[int][2]string{0: {"6", "Неверный номер заказа"}, 5: {"5", "Заказ не найден"}, 9: {"9", "Заказ не найден"}} {
		b := open(t, WithUnknowns(Unknowns{NotFoundCode: code}))
		refusedWith(t, b.call("v1/getOrderStatusExtended.do", `"orderNumber":"none"`), want[0], want[1])
		refusedWith(t, b.call("v1/refund.do", `"orderId":"`+strings.Repeat("a", 36)+`","amount":1`), want[0], want[1])
	}
}

func TestTwoShopsDoNotSeeEachOther(t *testing.T) {
	b := open(t, WithOtherMerchant(Merchant{UserName: "second-api", Password: "Second-Password-22"}))
	id := b.register("A-1", "")
	body := `{"userName":"second-api","password":"Second-Password-22",`
	out := b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/getOrderStatusExtended.do", "", body+`"orderId":"`+id+`"}`))
	refusedWith(t, out, "6", tWrongNumber.RU)
	out = b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/register.do", "", body+`"orderNumber":"A-1","amount":5,"returnUrl":"https://crm.example/ok"}`))
	assert.Equal(t, "0", out["errorCode"], "the number is unique in the shop only")
	assert.NotEqual(t, id, out["orderId"])
	refusedWith(t, b.form("getOrderStatusExtended.do", "orderNumber=A-1"), "6", tWrongNumber.RU)
}

func TestPaidStatusOfTheExample(t *testing.T) {
	b := open(t)
	id := b.register("CRM-2026-000417", "")
	b.Advance(time.Minute)
	require.NoError(t, b.Pay("CRM-2026-000417"))
	st := b.state(id)
	rrn, approval := st["authRefNum"].(string), st["cardAuthInfo"].(obj)["approvalCode"].(string)
	assert.Len(t, rrn, 12)
	assert.Len(t, approval, 6)
	paid := num("1772528460000")
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": tOK.RU, "orderNumber": "CRM-2026-000417", "orderStatus": num("2"), "actionCode": num("0"),
		"amount": num("154990"), "currency": "643", "date": num("1772528400000"), "depositedDate": paid, "authDateTime": paid, "authRefNum": rrn, "terminalId": "20991234",
		"paymentAmountInfo": obj{"approvedAmount": num("154990"), "depositedAmount": num("154990"), "refundedAmount": num("0"), "paymentState": "DEPOSITED"},
		"cardAuthInfo": obj{"maskedPan": "220220******2424", "expiration": "203505", "cardHolderName": "IVAN IVANOV", "approvalCode": approval, "paymentSystem": "MIR", "paymentWay": "CARD",
			"secureAuthInfo": obj{"eci": num("2"), "threeDSInfo": obj{"xid": id}}},
		"operations":            []any{obj{"date": paid, "type": "AUTHORIZATION", "amount": num("154990"), "referenceNumber": rrn, "approvalCode": approval, "actionCode": num("0")}},
		"attributes":            []any{obj{"name": "mdOrder", "value": id}},
		"transactionAttributes": []any{obj{"name": "SbolBankInvoiceId", "value": strings.ReplaceAll(id, "-", "")}},
		"bankInfo":              obj{}}, st)
	require.Error(t, b.Pay(id), "paid already")
	require.Error(t, b.Pay("nobody"))
}

func TestRefunds(t *testing.T) {
	for _, lowered := range []bool{false, true} {
		b := open(t, WithUnknowns(Unknowns{RefundLowersDeposited: lowered}))
		id := b.register("A-1", "")
		ref := `"orderId":"` + id + `"`
		refusedWith(t, b.call("v1/refund.do", ref+`,"amount":100`), "7", tNoPayment.RU)
		require.NoError(t, b.Pay(id))
		refusedWith(t, b.call("v1/refund.do", ref+`,"amount":0`), "5", tAmount.RU)
		first := ref + `,"amount":50000,"jsonParams":{"externalRefundId":"ref-417-1"}`
		for range 3 {
			assert.Equal(t, obj{"errorCode": "0", "errorMessage": tOK.RU}, b.call("v1/refund.do", first), "the same key and data is the first answer again")
		}
		refusedWith(t, b.call("v1/refund.do", ref+`,"amount":50001,"jsonParams":{"externalRefundId":"ref-417-1"}`), "5", tRefundKey.RU)
		refusedWith(t, b.call("v1/refund.do", first+`,"language":"ru"`), "5", tRefundKey.RU)
		st := b.state(id)
		assert.Equal(t, num("4"), st["orderStatus"], "any refund is 4")
		info := st["paymentAmountInfo"].(obj)
		assert.Equal(t, num("50000"), info["refundedAmount"])
		assert.Equal(t, map[bool]any{false: num("154990"), true: num("104990")}[lowered], info["depositedAmount"])
		ops := st["operations"].([]any)
		require.Len(t, ops, 2)
		assert.Equal(t, "ref-417-1", ops[1].(obj)["externalRefundId"])
		assert.Equal(t, "REFUND", ops[1].(obj)["type"])
		assert.Equal(t, "2026-03-03T12:00:00", st["refundedDate"])
		refusedWith(t, b.call("v1/refund.do", ref+`,"amount":104991`), "5", tOverRefund.RU)
		assert.Equal(t, "0", b.call("v1/refund.do", ref+`,"amount":4990`)["errorCode"])
		assert.Equal(t, "0", b.call("v1/refund.do", ref+`,"amount":100000`)["errorCode"], "no key is a new refund")
		refusedWith(t, b.call("v1/refund.do", ref+`,"amount":1`), "5", tOverRefund.RU)
		o, _ := b.Order("A-1")
		assert.EqualValues(t, 154990, o.Refunded)
		assert.Zero(t, o.Net())
		refusedWith(t, b.call("v1/reverse.do", ref), "5", gateway.TextStatus.RU)
	}
	b := open(t, WithUnknowns(Unknowns{OverRefundCode: 7, NotPaidCode: 5, ZeroMeansAll: true}))
	id := b.register("A-1", "")
	refusedWith(t, b.call("v1/refund.do", `"orderId":"`+id+`","amount":1`), "5", tNoPayment.RU)
	require.NoError(t, b.Pay(id))
	refusedWith(t, b.call("v1/refund.do", `"orderId":"`+id+`","amount":154991`), "7", tOverRefund.RU)
	assert.Equal(t, "0", b.call("v1/refund.do", `"orderId":"`+id+`","amount":0`)["errorCode"])
	o, _ := b.Order(id)
	assert.EqualValues(t, 154990, o.Refunded)
}

func TestHolds(t *testing.T) {
	b := open(t)
	id := b.registerAs("registerPreAuth.do", "H-1", "")
	ref := `"orderId":"` + id + `"`
	refusedWith(t, b.call("v1/deposit.do", ref+`,"amount":100`), "7", tNoPreAuth.RU)
	require.NoError(t, b.Pay(id))
	st := b.state(id)
	assert.Equal(t, num("1"), st["orderStatus"])
	assert.Equal(t, obj{"approvedAmount": num("154990"), "depositedAmount": num("0"), "refundedAmount": num("0"), "paymentState": "APPROVED"}, st["paymentAmountInfo"])
	assert.Equal(t, "PREAUTHORIZATION", st["operations"].([]any)[0].(obj)["type"])
	refusedWith(t, b.call("v1/refund.do", ref+`,"amount":100`), "7", tNoPayment.RU)
	refusedWith(t, b.call("v1/deposit.do", ref+`,"amount":154991`), "5", tOverHold.RU)
	refusedWith(t, b.call("v1/deposit.do", ref+`,"amount":0`), "5", tAmount.RU)
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": tOK.RU}, b.call("v1/deposit.do", ref+`,"amount":120000`))
	st = b.state(id)
	assert.Equal(t, obj{"approvedAmount": num("154990"), "depositedAmount": num("120000"), "refundedAmount": num("0"), "paymentState": "DEPOSITED"}, st["paymentAmountInfo"])
	assert.Equal(t, "COMPLETION", st["operations"].([]any)[1].(obj)["type"])
	refusedWith(t, b.call("v1/deposit.do", ref+`,"amount":100`), "5", gateway.TextStatus.RU)
	refusedWith(t, b.call("v1/reverse.do", ref), "5", gateway.TextStatus.RU)
	refusedWith(t, b.call("v1/refund.do", ref+`,"amount":120001`), "5", tOverRefund.RU)
	o, _ := b.Order(id)
	assert.EqualValues(t, 120000, o.Captured)
	assert.EqualValues(t, 34990, o.Released)

	id = b.registerAs("registerPreAuth.do", "H-2", "")
	ref = `"orderId":"` + id + `"`
	require.NoError(t, b.Pay(id))
	assert.Equal(t, "0", b.call("v1/reverse.do", ref+`,"amount":54990`)["errorCode"])
	refusedWith(t, b.call("v1/reverse.do", ref+`,"amount":100`), "5", tSecondPart.RU)
	st = b.state(id)
	assert.Equal(t, num("1"), st["orderStatus"])
	assert.Equal(t, num("100000"), st["paymentAmountInfo"].(obj)["approvedAmount"])
	refusedWith(t, b.call("v1/reverse.do", ref+`,"amount":100001`), "5", tAmount.RU)
	assert.Equal(t, "0", b.call("v1/reverse.do", ref)["errorCode"])
	st = b.state(id)
	assert.Equal(t, num("3"), st["orderStatus"])
	assert.Equal(t, obj{"approvedAmount": num("0"), "depositedAmount": num("0"), "refundedAmount": num("0"), "paymentState": "REVERSED"}, st["paymentAmountInfo"])
	refusedWith(t, b.call("v1/reverse.do", ref), "5", gateway.TextStatus.RU)
	refusedWith(t, b.call("v1/deposit.do", ref+`,"amount":1`), "5", gateway.TextStatus.RU)

	id = b.registerAs("registerPreAuth.do", "H-3", `,"autocompletionDate":"2026-03-04T12:00:00"`)
	require.NoError(t, b.Pay(id))
	b.Advance(24*time.Hour - time.Second)
	assert.Equal(t, num("1"), b.state(id)["orderStatus"])
	b.Advance(time.Second)
	assert.Equal(t, num("2"), b.state(id)["orderStatus"])
}

func TestReverseOnTheSameMoscowDayOnly(t *testing.T) {
	b := open(t)
	b.clock.Set(time.Date(2026, 3, 3, 23, 30, 0, 0, gateway.Moscow))
	one, two := b.register("A-1", ""), b.register("A-2", "")
	require.NoError(t, b.Pay(one))
	require.NoError(t, b.Pay(two))
	b.Advance(29 * time.Minute)
	assert.Equal(t, "0", b.call("v1/reverse.do", `"orderId":"`+one+`"`)["errorCode"])
	assert.Equal(t, num("3"), b.state(one)["orderStatus"])
	b.Advance(time.Minute)
	refusedWith(t, b.call("v1/reverse.do", `"orderId":"`+two+`"`), "5", gateway.TextStatus.RU)
	o, _ := b.Order(one)
	assert.Zero(t, o.Net())
	o, _ = b.Order(two)
	assert.EqualValues(t, 154990, o.Net())

	b = open(t, WithUnknowns(Unknowns{ReverseKeepsAmounts: true}))
	id := b.register("A-1", "")
	require.NoError(t, b.Pay(id))
	b.call("v1/reverse.do", `"orderId":"`+id+`"`)
	assert.Equal(t, num("154990"), b.state(id)["paymentAmountInfo"].(obj)["depositedAmount"])
}

func TestExpiryAndDecline(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "")
	late := b.register("A-2", `,"expirationDate":"2026-03-03T12:30:00","sessionTimeoutSecs":60`)
	b.Advance(20*time.Minute - time.Second)
	assert.Equal(t, num("0"), b.state(id)["orderStatus"])
	b.Advance(time.Second)
	st := b.state(id)
	assert.Equal(t, num("6"), st["orderStatus"])
	assert.Equal(t, num("-2007"), st["actionCode"])
	assert.Equal(t, num("0"), b.state(late)["orderStatus"], "sessionTimeoutSecs is ignored beside expirationDate")
	require.Error(t, b.Pay(id))
	got := b.shop.take()
	require.Len(t, got, 1)
	assert.Contains(t, got[0].body, `"operation":"declinedByTimeout"`)

	assert.Equal(t, "0", b.call("v1/decline.do", `"orderNumber":"A-2"`)["errorCode"])
	assert.Equal(t, num("6"), b.state(late)["orderStatus"])
	refusedWith(t, b.call("v1/decline.do", `"orderNumber":"A-2"`), "5", gateway.TextStatus.RU)
	third := b.register("A-3", "")
	require.NoError(t, b.StartChallenge(third))
	assert.Equal(t, num("5"), b.state(third)["orderStatus"])
	refusedWith(t, b.call("v1/decline.do", `"orderId":"`+third+`"`), "5", gateway.TextStatus.RU)
	require.NoError(t, b.Expire(third))
	assert.Equal(t, num("-2007"), b.state(third)["actionCode"])
}

func TestThreeAttempts(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "")
	require.NoError(t, b.FailAttempt(id, 0))
	st := b.state(id)
	assert.Equal(t, num("0"), st["orderStatus"])
	assert.Equal(t, num("116"), st["actionCode"])
	assert.NotContains(t, st, "paymentAmountInfo")
	require.NoError(t, b.PayCard(id, "2202202107593166"))
	assert.Equal(t, num("101"), b.state(id)["actionCode"])
	require.NoError(t, b.FailAttempt(id, 5))
	assert.Equal(t, num("6"), b.state(id)["orderStatus"])
	out := b.call("v1/paymentOrder.do", `"MDORDER":"`+id+`","$PAN":"2202205000012424","$CVC":"669","YYYY":"2035","MM":"05"`)
	assert.Equal(t, obj{"errorCode": "5", "error": gateway.TextAttempts.RU}, out)
	assert.Equal(t, num("-2013"), b.state(id)["actionCode"])
	other := b.register("A-2", "")
	require.NoError(t, b.Decline(other))
	assert.Equal(t, num("6"), b.state(other)["orderStatus"])
}

func TestVerifyAndLock(t *testing.T) {
	b := open(t)
	out := b.call("v1/register.do", `"orderNumber":"V-1","amount":0,"returnUrl":"https://crm.example/ok","features":"VERIFY","clientId":"u-88"`)
	id := out["orderId"].(string)
	require.NoError(t, b.Pay(id))
	st := b.state(id)
	assert.Equal(t, num("3"), st["orderStatus"])
	assert.Equal(t, "u-88", st["bindingInfo"].(obj)["clientId"])
	o, _ := b.Order(id)
	assert.Zero(t, o.Authorized)

	id = b.register("A-1", "")
	require.NoError(t, b.Pay(id))
	require.NoError(t, b.Lock(id, 2))
	require.Error(t, b.Lock("nobody", 1))
	refusedWith(t, b.call("v1/refund.do", `"orderId":"`+id+`","amount":100`), "5", tLocked.RU)
	refusedWith(t, b.call("v1/reverse.do", `"orderId":"`+id+`"`), "5", tLocked.RU)
	assert.Equal(t, "0", b.call("v1/refund.do", `"orderId":"`+id+`","amount":100`)["errorCode"])
}

func TestIdempotencyKeysWhenSwitchedOn(t *testing.T) {
	for _, on := range []bool{false, true} {
		b := open(t, WithUnknowns(Unknowns{IdempotencyKeys: on}))
		send := func() obj {
			req, _ := http.NewRequest(http.MethodPost, b.URL+"/ecomm/gw/partner/api/v1/register.do", strings.NewReader(exampleRegister))
			req.Header.Set("x-idempotencyKey", "key-1")
			resp, err := b.Client().Do(req)
			require.NoError(t, err)
			return b.decode(resp)
		}
		first, second := send(), send()
		if on {
			assert.Equal(t, first, second)
		} else {
			assert.Equal(t, "1", second["errorCode"])
		}
		b.Advance(25 * time.Hour)
		assert.Equal(t, "1", send()["errorCode"])
	}
}

func TestOddities(t *testing.T) {
	b := open(t, WithUnknowns(Unknowns{TextAsNumbers: true}))
	id := b.register2()
	st := b.call("v1/getOrderStatusExtended.do", `"orderId":"`+id+`"`)
	assert.Equal(t, num("0"), st["errorCode"])
	assert.Equal(t, num("643"), st["currency"])
	b = open(t, WithUnknowns(Unknowns{NumbersAsText: true, NoErrorCode: true, OtherFormID: true, NoExternalParams: true}))
	out := b.call("v1/register.do", `"orderNumber":"A-1","amount":100,"returnUrl":"https://crm.example/ok"`)
	assert.NotContains(t, out, "errorCode")
	assert.NotContains(t, out, "externalParams")
	id = out["orderId"].(string)
	assert.NotContains(t, out["formUrl"], id)
	require.NoError(t, b.Pay(strings.Split(out["formUrl"].(string), "=")[1]))
	st = b.call("v1/getOrderStatusExtended.do", `"orderId":"`+id+`"`)
	assert.Equal(t, "2", st["orderStatus"])
	assert.Equal(t, "100", st["paymentAmountInfo"].(obj)["depositedAmount"])
	assert.Equal(t, "100", st["operations"].([]any)[0].(obj)["amount"])
	b = open(t, WithUnknowns(Unknowns{MissingCode: 5}))
	refusedWith(t, b.call("v1/register.do", `"orderNumber":"n"`), "5", schemaText)
}

// register2 registers where errorCode is not "0" in text.
func (b *bank) register2() string {
	return b.call("v1/register.do", `"orderNumber":"A-1","amount":100,"returnUrl":"https://crm.example/ok"`)["orderId"].(string)
}

func TestFaultsByMethod(t *testing.T) {
	b := open(t)
	b.Fail(Fault{Op: "refund.do", Kind: ServerError})
	b.Fail(Fault{Op: "register.do", Kind: LostAnswer, Status: 504})
	resp := b.raw("POST", "/ecomm/gw/partner/api/v1/register.do", "", exampleRegister)
	assert.Equal(t, 504, resp.StatusCode)
	assert.Len(t, b.Orders(), 1, "the order is there although the answer was lost")
	assert.Equal(t, 502, b.raw("POST", "/ecomm/gw/partner/api/v1/refund.do", "", "{}").StatusCode)
	b.Fail(Fault{Op: "dynamic/get.do", Kind: Empty, Times: -1})
	b.ClearFaults()
	assert.Equal(t, 200, b.raw("POST", "/payment/rest/sbp/c2b/qr/dynamic/get.do", "", "").StatusCode)
	log := b.Requests()
	assert.Equal(t, "register.do", log[0].Op)
	assert.Equal(t, "lost answer", log[0].Fault)
	assert.Equal(t, "dynamic/get.do", log[2].Op)
}

// The published requests are taken, but for those that the specification
// calls slips.
func TestPublishedRequests(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "samples", "sberbank", "requests")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no published samples beside the repository")
	}
	ok := func(path string) func(b *bank, body string) {
		return func(b *bank, body string) {
			out := b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/"+path, "application/json", body))
			assert.Equal(t, "0", out["errorCode"], "%v", out)
		}
	}
	for file, check := range map[string]func(b *bank, body string){
		"new/register_ssl.json": ok("register.do"), "new/register_3ds.json": ok("register.do"), "new/register_app2app.json": ok("register.do"),
		"new/register_sbp.json": ok("register.do"), "new/register_fiscal_ffd12.json": ok("register.do"), "new/registerPreAuth_fiscal.json": ok("registerPreAuth.do"),
		"new/register_pos_credit.json": ok("register.do"),
		"new/voronkovich_ecom_register.json": func(b *bank, body string) {
			out := b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/register.do", "application/json", body))
			// dollars, and a bundle without a cart
			assert.NotEqual(t, "0", out["errorCode"])
		},
		"new/recurrent_loyalty.json": func(b *bank, body string) {
			out := b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/recurrentPayment.do", "application/json", body))
			assert.Equal(t, obj{"success": false, "error": obj{"code": "1", "description": tBindingNone.RU}}, out)
		},
		"new/voronkovich_ecom_unbind.json": func(b *bank, body string) {
			refusedWith(t, b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/unbindCard.do", "application/json", body)), "2", tBindingNone.RU)
		},
		"new/paymentOrder_ext3ds.json": func(b *bank, body string) {
			out := b.decode(b.raw("POST", "/ecomm/gw/partner/api/v1/paymentOrder.do", "application/json", body))
			assert.Equal(t, "6", out["errorCode"], "the order of the example is unknown")
		},
		"legacy/panasyuk_register_form.txt": func(b *bank, body string) {
			out := b.decode(b.raw("POST", "/payment/rest/register.do", "application/x-www-form-urlencoded", body))
			assert.NotContains(t, out, "errorCode")
			o, found := b.Order("order#1")
			assert.True(t, found)
			assert.EqualValues(t, 12345, o.Amount)
		},
		"legacy/voronkovich_orderBundle_form.txt": func(b *bank, body string) {
			out := b.decode(b.raw("POST", "/payment/rest/register.do", "application/x-www-form-urlencoded", strings.Replace(body, "token=abc", "token=token", 1)))
			assert.NotContains(t, out, "errorCode", "an orderBundle without cart items is ignored")
		},
	} {
		t.Run(file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, file))
			require.NoError(t, err)
			b := open(t, WithMerchant(Merchant{UserName: "testUserName", Password: "testPassword", Token: "token"}))
			check(b, strings.TrimSpace(string(body)))
		})
	}
}
