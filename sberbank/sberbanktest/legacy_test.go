package sberbanktest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLegacyRegister(t *testing.T) {
	b := open(t, WithMerchant(Merchant{Token: "open-token"}))
	// The example of specification section 6, with our credentials.
	body := "userName=demo-api&password=Emulator-Password-1&orderNumber=CRM-417&amount=154990&returnUrl=https%3A%2F%2Fcrm.example%2Fok&jsonParams=%7B%22email%22%3A%22a%40b.ru%22%7D"
	resp := b.raw("POST", "/payment/rest/register.do", "application/x-www-form-urlencoded", body)
	out := b.decode(resp)
	id := out["orderId"].(string)
	assert.Equal(t, obj{"orderId": id, "formUrl": b.URL + "/payment/merchants/emulator/payment_ru.html?mdOrder=" + id}, out, "success has no errorCode")
	out = b.decode(b.raw("GET", "/payment/rest/register.do?"+body, "", ""))
	refusedWith(t, out, "1", tDuplicate.RU)
	out = b.decode(b.raw("GET", "/payment/rest/register.do?"+strings.Replace(body, "CRM-417", "CRM-418", 1), "", ""))
	assert.Contains(t, out, "orderId")

	post := func(body string) obj {
		return b.decode(b.raw("POST", "/payment/rest/register.do", "application/x-www-form-urlencoded", body))
	}
	order := "&orderNumber=T-1&amount=1&returnUrl=x"
	refusedWith(t, post("userName=demo-api&password=wrong"+order), "5", "Access denied")
	refusedWith(t, post("userName=demo-api&password=wrong&language=ru"+order), "5", "Доступ запрещен")
	refusedWith(t, post("x=1"+order), "5", "[userName] or [password] or [token] is empty")
	refusedWith(t, post("token=open-token&userName=demo-api&password=Emulator-Password-1"+order), "5", "Access denied")
	assert.Contains(t, post("token=open-token"+order), "orderId")
	out = b.decode(b.raw("POST", "/payment/rest/refund.do", "", "token=open-token&orderId="+id+"&amount=100"))
	refusedWith(t, out, "5", "[userName] or [password] or [token] is empty")

	for fields, want := range map[string]string{
		"amount=1&returnUrl=x":                                             "4",
		"orderNumber=&amount=1&returnUrl=x":                                "4",
		"orderNumber=n&returnUrl=x":                                        "4",
		"orderNumber=n&amount=1":                                           "4",
		"orderNumber=" + strings.Repeat("1", 33) + "&amount=1&returnUrl=x": "1",
		"orderNumber=n&amount=1.5&returnUrl=x":                             "5",
		"orderNumber=n&amount=-1&returnUrl=x":                              "5",
		"orderNumber=n&amount=0&returnUrl=x":                               "5",
		"orderNumber=n&amount=1&returnUrl=x&currency=978":                  "3",
		"orderNumber=n&amount=1&returnUrl=x&jsonParams=%5B%5D":             "5",
		"orderNumber=n&amount=1&returnUrl=x&language=russian":              "5",
		"orderNumber=n&amount=1&returnUrl=x&features=ANY":                  "14",
		"orderNumber=n&amount=1&returnUrl=x&description=100%25":            "5",
		"orderNumber=n&amount=1&returnUrl=x&sessionTimeoutSecs=soon":       "5",
		"orderNumber=n&amount=1&returnUrl=x&expirationDate=tomorrow":       "5",
		"orderNumber=n&amount=1&returnUrl=x&taxSystem=9":                   "5",
		"orderNumber=n&amount=1&returnUrl=x&merchantLogin=stranger":        "5",
		"orderNumber=n&amount=1&returnUrl=x&dynamicCallbackUrl=ftp":        "5",
		"orderNumber=n&amount=1&returnUrl=" + strings.Repeat("x", 513):     "5",
		"orderNumber=n&amount=1&returnUrl=%zz":                             "5",
	} {
		assert.Equal(t, want, b.form("register.do", fields)["errorCode"], fields)
	}
	// Leniency: empty values, null, unknown fields, a leading zero.
	assert.Contains(t, b.form("register.do", "orderNumber=ok&amount=0100&returnUrl=x&currency=&jsonParams=null&orderBundle=null&pageView=MOBILE&sessionTimeoutSecs=&autocompletionDate=soon"), "orderId")
	o, _ := b.Order("ok")
	assert.EqualValues(t, 100, o.Amount)
}

func TestLegacyFormInTheBodyOfGET(t *testing.T) {
	body := "userName=demo-api&password=Emulator-Password-1&orderNumber=A&amount=1&returnUrl=x"
	b := open(t)
	refusedWith(t, b.decode(b.raw("GET", "/payment/rest/register.do", "application/x-www-form-urlencoded", body)), "5", tEmptyAuth.RU)
	b = open(t, WithUnknowns(Unknowns{FormOnGET: true}))
	assert.Contains(t, b.decode(b.raw("GET", "/payment/rest/register.do", "application/x-www-form-urlencoded", body)), "orderId")
}

func TestLegacyStatus(t *testing.T) {
	b := open(t)
	id := b.legacyOrder("register.do", "CRM-417", "&jsonParams=%7B%22email%22%3A%22a%40b.ru%22%7D")
	st := b.legacyState(id)
	assert.Equal(t, obj{"paymentState": "CREATED", "approvedAmount": num("0"), "depositedAmount": num("0"), "refundedAmount": num("0")}, st["paymentAmountInfo"], "present before an attempt")
	assert.Equal(t, "UNKNOWN", st["bankInfo"].(obj)["bankName"])
	require.NoError(t, b.Pay(id))
	st = b.form("getOrderStatusExtended.do", "orderId="+id+"&orderNumber=other&currency=810&jsonParams=x")
	assert.Equal(t, num("2"), st["orderStatus"], "orderId wins, what is of no use is ignored")
	assert.Equal(t, "", st["errorMessage"])
	card := st["cardAuthInfo"].(obj)
	assert.Equal(t, "555555**5599", card["pan"])
	assert.Equal(t, "IVAN IVANOV", card["cardholderName"])
	assert.NotContains(t, card, "maskedPan")
	assert.Equal(t, id, attribute(st, "mdOrder"))
	assert.Equal(t, "CRM-417", b.form("getOrderStatusExtended.do", "merchantOrderNumber=CRM-417")["orderNumber"])
	refusedWith(t, b.form("getOrderStatusExtended.do", ""), "1", tNoOrderRef.RU)
	refusedWith(t, b.form("getOrderStatusExtended.do", "orderId=none"), "6", tWrongNumber.RU)

	old := b.form("getOrderStatus.do", "orderId="+id)
	assert.Equal(t, num("2"), old["OrderStatus"])
	assert.Equal(t, "0", old["ErrorCode"])
	assert.Equal(t, "555555**5599", old["Pan"])
	assert.Equal(t, num("154990"), old["depositAmount"])
	assert.Equal(t, num("2"), old["authCode"])
	assert.Equal(t, obj{"ErrorCode": "6", "ErrorMessage": tWrongNumber.RU}, b.form("getOrderStatus.do", "orderId=none"), "refusals too have a capital letter")
	assert.Equal(t, "5", b.form("getOrderStatus.do", "")["ErrorCode"])
	declined := b.legacyOrder("register.do", "CRM-418", "&clientId=u-1")
	require.NoError(t, b.Decline(declined))
	assert.Equal(t, "2", b.form("getOrderStatus.do", "orderId="+declined)["ErrorCode"])
}

func TestLegacyMoney(t *testing.T) {
	b := open(t)
	id := b.legacyOrder("registerPreAuth.do", "H-1", "")
	refusedWith(t, b.form("deposit.do", "orderId="+id+"&amount=0"), "7", tWrongState.RU)
	require.NoError(t, b.Pay(id))
	refusedWith(t, b.form("deposit.do", "orderId="+id+"&amount=99"), "5", tDepositSum.RU)
	refusedWith(t, b.form("deposit.do", "orderId="+id+"&amount=x"), "5", tAmount.RU)
	refusedWith(t, b.form("deposit.do", "orderId="+id+"&amount=154991"), "5", tOverHold.RU)
	refusedWith(t, b.form("deposit.do", "orderId=none&amount=0"), "6", tWrongNumber.RU)
	assert.Equal(t, obj{"errorCode": num("0")}, b.form("deposit.do", "orderId="+id+"&amount=0"))
	refusedWith(t, b.form("reverse.do", "orderId="+id), "7", tWrongState.RU)
	for _, amount := range []string{"0", "99"} {
		refusedWith(t, b.form("refund.do", "orderId="+id+"&amount="+amount), "7", tLessRouble.RU)
	}
	refusedWith(t, b.form("refund.do", "amount=100"), "5", tParam.RU)
	refusedWith(t, b.form("refund.do", "orderId=none&amount=100"), "6", tWrongNumber.RU)
	for range 2 {
		assert.Equal(t, obj{"errorCode": num("0")}, b.form("refund.do", "orderId="+id+"&amount=5000&externalRefundId=r-1"))
	}
	assert.Equal(t, obj{"errorCode": num("0")}, b.form("refund.do", "orderId="+id+"&amount=5000"))
	refusedWith(t, b.form("refund.do", "orderId="+id+"&amount=144991"), "7", tOverRefund.RU)
	o, _ := b.Order(id)
	assert.EqualValues(t, 10000, o.Refunded)

	id = b.legacyOrder("registerPreAuth.do", "H-2", "")
	require.NoError(t, b.Pay(id))
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": ""}, b.form("reverse.do", "orderId="+id+"&amount=100"), "whole, whatever the amount")
	refusedWith(t, b.form("reverse.do", "orderId="+id), "7", tWrongState.RU)
	refusedWith(t, b.form("reverse.do", ""), "5", tParam.RU)
	refusedWith(t, b.form("refund.do", "orderId="+id+"&amount=100"), "7", tWrongState.RU)

	id = b.legacyOrder("register.do", "D-1", "")
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": ""}, b.form("decline.do", "orderId="+id))
	refusedWith(t, b.form("decline.do", "orderNumber=D-1"), "5", gateway.TextStatus.RU)
}

func TestLegacyBindings(t *testing.T) {
	b := open(t)
	refusedWith(t, b.form("getBindings.do", "clientId=u-88"), "2", tNothingFound.RU)
	refusedWith(t, b.form("getBindings.do", ""), "1", tParam.RU)
	id := b.legacyOrder("register.do", "A-1", "&clientId=u-88")
	require.NoError(t, b.Pay(id))
	list := b.form("getBindings.do", "clientId=u-88")["bindings"].([]any)
	binding := list[0].(obj)["bindingId"].(string)
	assert.Equal(t, obj{"bindingId": binding, "maskedPan": "555555**5599", "expiryDate": "203512"}, list[0])
	assert.Equal(t, "u-88", b.form("getBindingsByCardOrId.do", "pan=5555555555555599&bindingId=x")["bindings"].([]any)[0].(obj)["clientId"])
	refusedWith(t, b.form("getBindingsByCardOrId.do", ""), "1", tParam.RU)
	assert.Len(t, b.form("getAllBindings.do", "")["bindings"], 1)

	pay := func(order string) obj {
		return b.form("paymentOrderBinding.do", "mdOrder="+order+"&bindingId="+binding+"&ip=203.0.113.7")
	}
	order := b.legacyOrder("register.do", "A-2", "&clientId=u-88")
	assert.Equal(t, obj{"redirect": "https://crm.example/ok?orderId=" + order + "&lang=ru", "info": tInfo.RU + "...", "errorCode": num("0")}, pay(order))
	require.NoError(t, b.SetBindingOutcome(binding, 116))
	order = b.legacyOrder("register.do", "A-3", "&clientId=u-88")
	out := pay(order)
	assert.Equal(t, num("0"), out["errorCode"], "the legacy gateway calls a decline a success")
	assert.Equal(t, "CLIENT_ERROR", out["processingErrorType"])
	assert.NotEmpty(t, out["errorMessage"])
	assert.Equal(t, num("0"), b.legacyState(order)["orderStatus"])
	out = b.form("paymentOrderBinding.do", "mdOrder="+order)
	assert.Equal(t, obj{"errorCode": "1", "errorMessage": tParam.RU, "error": tParam.RU}, out)
	assert.Equal(t, "2", b.form("paymentOrderBinding.do", "mdOrder=none&bindingId="+binding+"&ip=1.1.1.1")["errorCode"])
	assert.Equal(t, "2", b.form("paymentOrderBinding.do", "mdOrder="+order+"&bindingId=none&ip=1.1.1.1")["errorCode"])

	assert.Equal(t, obj{"errorCode": "0", "errorMessage": ""}, b.form("extendBinding.do", "bindingId="+binding+"&newExpiry=203605"))
	refusedWith(t, b.form("extendBinding.do", "bindingId="+binding+"&newExpiry=203605"), "1", tParam.RU)
	refusedWith(t, b.form("extendBinding.do", "bindingId="+binding), "1", tParam.RU)
	refusedWith(t, b.form("extendBinding.do", "bindingId=none&newExpiry=203605"), "2", tBindingNone.RU)
	refusedWith(t, b.form("unBindCard.do", ""), "1", tParam.RU)
	assert.Equal(t, "0", b.form("unBindCard.do", "bindingId="+binding)["errorCode"])
	refusedWith(t, b.form("unBindCard.do", "bindingId="+binding+"&language=en"), "2", "Binding isn't active")
	assert.Equal(t, "0", b.form("bindCard.do", "bindingId="+binding)["errorCode"])
	out = b.form("createBindingNoPayment.do", "pan=4111111111111111&expiry=203512&clientId=u-9&cardholderName=IVAN")
	assert.Equal(t, "411111**1111", out["maskedPan"])
	refusedWith(t, b.form("createBindingNoPayment.do", "pan=1"), "1", tParam.RU)
}

func TestLegacyOrderList(t *testing.T) {
	b := open(t)
	for _, n := range []string{"1", "2", "3"} {
		require.NoError(t, b.Pay(b.legacyOrder("register.do", "A-"+n, "")))
		b.Advance(time.Second)
	}
	b.legacyOrder("register.do", "B-1", "")
	list := func(fields string) obj { return b.form("getLastOrdersForMerchants.do", fields) }
	const day = "from=20260303000000&to=20260304000000&merchants="
	out := list(day + "&page=1&size=2&transactionStates=DEPOSITED,REVERSED")
	assert.Equal(t, num("3"), out["totalCount"])
	assert.Equal(t, num("1"), out["page"])
	assert.Equal(t, num("2"), out["pageSize"])
	orders := out["orderStatuses"].([]any)
	require.Len(t, orders, 1)
	assert.Equal(t, "A-3", orders[0].(obj)["orderNumber"])
	assert.Equal(t, num("0"), out["errorCode"])
	assert.Equal(t, "0", orders[0].(obj)["errorCode"])
	assert.Len(t, list(day + "&size=50&transactionStates=CREATED&searchByCreatedDate=true")["orderStatuses"], 1)
	assert.Empty(t, list("from=20260301000000&to=20260302000000&size=50&transactionStates=DEPOSITED")["orderStatuses"])
	refusedWith(t, list(day+"&transactionStates=DEPOSITED"), "5", tFillFields.RU)
	refusedWith(t, list(day+"&size=201&transactionStates=DEPOSITED"), "10", tPageSize.RU)
	refusedWith(t, list(day+"&size=20&transactionStates=PAID"), "5", tParam.RU)
	refusedWith(t, list(day+"other&size=20&transactionStates=DEPOSITED"), "5", tNoRight.RU)
}

func TestLegacyQR(t *testing.T) {
	b := open(t, WithQR(func(p string) ([]byte, error) { return []byte("PNG"), nil }))
	id := b.legacyOrder("register.do", "A-1", "")
	refusedWith(t, b.form("sbp/c2b/qr/status.do", "mdOrder="+id), "6", tWrongNumber.RU)
	out := b.form("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id+"&qrFormat=image&qrWidth=300&qrHeight=300")
	assert.Equal(t, "UE5H", out["renderedQr"])
	assert.Equal(t, "STARTED", out["qrStatus"])
	assert.Contains(t, out["payload"], "https://qr.nspk.ru/"+out["qrId"].(string))
	require.NoError(t, b.PaySBP(id))
	st := b.form("sbp/c2b/qr/dynamic/status.do", "mdOrder="+id+"&qrId="+out["qrId"].(string))
	assert.Equal(t, "ACCEPTED", st["qrStatus"])
	assert.Equal(t, "DEPOSITED", st["transactionState"])
	refusedWith(t, b.form("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id), "5", gateway.TextStatus.RU)
	refusedWith(t, b.form("sbp/c2b/qr/dynamic/get.do", "mdOrder=none"), "6", tWrongNumber.RU)
	id = b.legacyOrder("register.do", "A-2", "")
	refusedWith(t, b.form("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id+"&qrFormat=svg"), "5", tParam.RU)
	b.form("sbp/c2b/qr/dynamic/get.do", "mdOrder="+id)
	require.NoError(t, b.Decline(id))
	assert.Equal(t, "REJECTED", b.form("sbp/c2b/qr/status.do", "mdOrder="+id)["qrStatus"])
	b = open(t, WithMerchant(Merchant{NoSBP: true}))
	refusedWith(t, b.form("sbp/c2b/qr/dynamic/get.do", "mdOrder="+b.legacyOrder("register.do", "A", "")), "5", tNoRight.RU)
}

func TestLegacyRest(t *testing.T) {
	b := open(t)
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": "", "enrolled": "Y", "emitterName": "TEST CARD", "emitterCountryCode": "RU"}, b.form("verifyEnrollment.do", "pan=2202205000012424"))
	assert.Equal(t, "N", b.form("verifyEnrollment.do", "pan=5555555555555599")["enrolled"])
	assert.Equal(t, "U", b.form("verifyEnrollment.do", "pan=6011000000000004")["enrolled"])
	refusedWith(t, b.form("verifyEnrollment.do", "pan=x"), "1", tParam.RU)
	refusedWith(t, b.form("verifyEnrollment.do", "pan=1"), "6", tNothingFound.RU)

	id := b.legacyOrder("register.do", "A-1", "")
	refusedWith(t, b.form("updateSSLCardList.do", "mdorder="+id), "5", gateway.TextStatus.RU)
	assert.Equal(t, "0", b.form("addParams.do", "orderId="+id+"&params="+url.QueryEscape(`{"crm":"7"}`))["errorCode"])
	refusedWith(t, b.form("addParams.do", "orderId="+id), "5", tParam.RU)
	assert.Equal(t, []any{obj{"name": "crm", "value": "7"}}, b.legacyState(id)["merchantOrderParams"])
	require.NoError(t, b.Pay(id))
	assert.Equal(t, num("0"), b.form("updateSSLCardList.do", "mdorder="+id)["errorCode"])
	refusedWith(t, b.form("updateSSLCardList.do", "mdorder="+id), "6", tCardListed.RU)
	refusedWith(t, b.form("updateSSLCardList.do", "mdorder=none"), "6", tWrongNumber.RU)

	long := url.QueryEscape(`{"a":"` + strings.Repeat("ы", 1024) + `"}`)
	assert.Equal(t, "5", b.form("register.do", "orderNumber=LONG&amount=100&returnUrl=https%3A%2F%2Fcrm.example%2Fok&jsonParams="+long)["errorCode"])
	out := b.form("instantRefund.do", "amount=100&currency=643&orderNumber=R-1&pan=4111111111111111&cvc=123&expiry=203512&cardHolderName=IVAN")
	assert.Len(t, out["rrn"], 12)
	for fields, code := range map[string]string{"amount=0": "5", "amount=1": "4", "amount=1&orderNumber=x&currency=978": "3", "amount=1&orderNumber=x": "5",
		"amount=1&orderNumber=x&bindingId=none": "2", "amount=1&orderNumber=x&pan=12": "1"} {
		assert.Equal(t, code, b.form("instantRefund.do", fields)["errorCode"], fields)
	}

	post := func(path, body string) obj { return b.decode(b.raw("POST", path, "application/json", body)) }
	mobile := post("/payment/mir/payment.do", `{"merchant":"demo","orderNumber":"MP-1","paymentToken":"eyJhbW91bnQiOjk2MDAwMH0=","preAuth":true}`)
	assert.Equal(t, true, mobile["success"], "%v", mobile)
	st := mobile["orderStatus"].(obj)
	assert.Equal(t, num("1"), st["orderStatus"])
	assert.Equal(t, num("960000"), st["amount"], "the sum comes in the token")
	assert.Equal(t, true, post("/payment/google/payment.do", `{"merchant":"demo-api","orderNumber":"MP-2","amount":100,"paymentToken":"e30="}`)["success"])
	fault := post("/payment/applepay/payment.do", `{"merchant":"demo"}`)
	assert.Equal(t, num("10"), fault["error"].(obj)["code"], "the code is a number")
	assert.Equal(t, num("10"), post("/payment/applepay/payment.do", `{"merchant":"demo","orderNumber":"x"}`)["error"].(obj)["code"])
	assert.Equal(t, num("10"), post("/payment/applepay/payment.do", `[]`)["error"].(obj)["code"])
	assert.Equal(t, num("5"), post("/payment/samsung/payment.do", `{"merchant":"stranger","orderNumber":"x"}`)["error"].(obj)["code"])
	assert.Equal(t, num("4"), post("/payment/samsungWeb/payment.do", `{"merchant":"demo","orderNumber":"x","amount":1,"paymentToken":"!"}`)["error"].(obj)["code"])

	binding := b.form("createBindingNoPayment.do", "pan=5555555555555599&expiry=203512&clientId=u-9")["bindingId"].(string)
	rec := post("/payment/recurrentPayment.do", `{`+credentials+`,"orderNumber":"R-9","amount":500,"bindingId":"`+binding+`"}`)
	assert.Equal(t, true, rec["success"], "%v", rec)

	receipt := `{` + credentials + `,"mdOrder":"` + id + `","receipt":{"type":0,"paymentType":1,"fn_number":"1","fiscal_document_number":"2","fiscal_document_attribute":"3","amount_total":"1549.90","receipt_date_time":"2026:03:03 12:00:00"}}`
	assert.Equal(t, "0", post("/fes-nspk-proxy/externalReceipt", receipt)["errorCode"])
	assert.Equal(t, "5", post("/fes-nspk-proxy/externalReceipt", strings.Replace(receipt, "2026:03", "2026-03", 1))["errorCode"])
	assert.Equal(t, "4", post("/fes-nspk-proxy/externalReceipt", strings.Replace(receipt, `"fn_number":"1",`, "", 1))["errorCode"])
	assert.Equal(t, "6", post("/fes-nspk-proxy/externalReceipt", strings.Replace(receipt, id, "none", 1))["errorCode"])

	credit := b.decode(b.raw("POST", "/sbercredit/register.do", "", "userName=demo-api&password=Emulator-Password-1&orderNumber=C-1&amount=100&returnUrl=x"))
	assert.Contains(t, credit, "orderId")

	for pan, action := range map[string]string{"5555555555555557": "-2011", "4444444444444422": "913", "4408896253205448": "116"} {
		id := b.legacyOrder("register.do", "P-"+pan, "")
		out := b.form("paymentorder.do", "MDORDER="+id+"&%24PAN="+pan+"&%24CVC=123&YYYY=2035&MM=12")
		assert.Equal(t, num("0"), out["errorCode"])
		assert.Equal(t, num(action), b.legacyState(id)["actionCode"])
	}
	last := b.legacyOrder("register.do", "P-last", "")
	assert.Equal(t, "1", b.form("paymentorder.do", "MDORDER="+last+"&%24PAN=x&YYYY=2035&MM=12")["errorCode"])
}
