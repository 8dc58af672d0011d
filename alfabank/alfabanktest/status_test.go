package alfabanktest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// The published status of a paid order: each of its fields is here, of the
// same type.
func TestStatusAsPublished(t *testing.T) {
	var want obj
	sample(t, "responses/status_deposited.json", &want)
	b := open(t, WithScalars(ScalarsExamples))
	id := b.paid("7005", "&clientId=259753456")
	got := plainJSON(t, b.state(id))
	sameKinds(t, want, got, "")
	assert.Equal(t, want["currency"], got["currency"])
	assert.Equal(t, want["attributes"].([]any)[0].(obj)["name"], "mdOrder")

	var newest obj
	sample(t, "responses/status_v46_partial_refund.json", &newest)
	require.NoError(t, b.PayCard(b.register("7006", "&clientId=1&features=FORCE_CREATE_BINDING"), "5555555555555599"))
	o, _ := b.Order("7006")
	done3 := b.call("refund.do", "orderId="+o.ID+"&amount=500&externalRefundId=refund-1")
	assert.Equal(t, num("0"), done3["errorCode"])
	sameKinds(t, newest, plainJSON(t, b.state(o.ID)), "", "actionCode", "displayErrorMessage", "cardAuthInfo.product", "cardAuthInfo.secureAuthInfo.eci",
		"cardAuthInfo.secureAuthInfo.aresTransStatus", "cardAuthInfo.secureAuthInfo.rreqTransStatus")
}

// plainJSON has float64 where the emulator's own decoder has json.Number, to be
// compared with samples.
func plainJSON(t *testing.T, in obj) obj {
	t.Helper()
	var out obj
	decodeInto(t, gateway.Encode(in), &out)
	return out
}

func TestStatusByVersion(t *testing.T) {
	fields := map[string]int{"orderBundle": 1, "authDateTime": 2, "paymentAmountInfo": 3, "refunds": 5, "chargeback": 6, "paymentWay": 9, "depositedDate": 10, "refundedDate": 12,
		"payerData": 13, "transactionAttributes": 14, "feUtrnno": 16, "ofdOrderBundle": 24}
	for _, version := range []int{1, 2, 3, 5, 6, 8, 9, 10, 13, 16, 18, 21, 24, 26, 46} {
		b := open(t, WithMerchant(Merchant{StatusVersion: version}))
		id := b.paid("A-1", "&email=ivan%40example.ru&phone=9998887766&postAddress=x&orderBundle="+url.QueryEscape(basket1))
		done(t, b.call("refund.do", "orderId="+id+"&amount=100&externalRefundId=k"))
		st := b.state(id)
		for name, since := range fields {
			assert.Equal(t, version >= since, st[name] != nil, "%s of version %d", name, version)
		}
		if version >= 5 {
			line := st["refunds"].([]any)[0].(obj)
			assert.Equal(t, version >= 21, line["externalRefundId"] != nil)
			assert.Equal(t, version >= 26, line["approvalCode"] != nil)
		}
		assert.Equal(t, id, st["attributes"].([]any)[0].(obj)["value"], "in every version")
		assert.Equal(t, version >= 8, st["cardAuthInfo"].(obj)["paymentSystem"] != nil)
	}
}

func TestStatusFindsAndRefuses(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "&jsonParams="+url.QueryEscape(`{"crm":"42"}`))
	st := b.call("getOrderStatusExtended.do", "orderNumber=A-1&amount=5")
	assert.Equal(t, id, st["attributes"].([]any)[0].(obj)["value"])
	assert.Equal(t, []any{obj{"name": "crm", "value": "42"}}, st["merchantOrderParams"])
	assert.NotContains(t, st, "formUrl")
	assert.Equal(t, "-100", st["actionCode"])
	assert.Equal(t, id, b.call("getOrderStatusExtended.do", "merchantOrderNumber=A-1")["attributes"].([]any)[0].(obj)["value"])
	refusedWith(t, b.call("getOrderStatusExtended.do", "orderNumber=A-2"), "6", tUnknown)
	refusedWith(t, b.call("getOrderStatusExtended.do", "orderId=x&orderNumber=A-1"), "6", tUnknown)
	refusedWith(t, b.call("getOrderStatusExtended.do", ""), "5", emptyText("orderId"))
	require.NoError(t, b.StartChallenge(id))
	st = b.state(id)
	assert.Equal(t, num("5"), st["orderStatus"])
	assert.Equal(t, "CREATED", st["paymentAmountInfo"].(obj)["paymentState"])
	_, there := b.Order("nobody")
	assert.False(t, there)
}

// The four ways to write scalars, on a paid order and on money moving.
func TestScalars(t *testing.T) {
	for way, want := range map[Scalars][4]any{
		ScalarsText:     {"0", "0", "0", "810"},
		ScalarsExamples: {"0", num("0"), num("0"), "810"},
		ScalarsNumber:   {num("0"), num("0"), num("0"), num("810")},
	} {
		b := open(t, WithScalars(way))
		id := b.register("A-1", "")
		require.NoError(t, b.Pay(id))
		st := b.call("getOrderStatusExtended.do", "orderId="+id)
		moved := b.call("refund.do", "amount=1&orderId="+id)
		assert.Equal(t, want, [4]any{st["errorCode"], st["actionCode"], moved["errorCode"], st["currency"]}, way)
		assert.Equal(t, num("129900"), st["amount"])
	}
	b := open(t, WithScalars(ScalarsRandom))
	kinds := map[string]bool{}
	for range 40 {
		st := b.call("getOrderStatusExtended.do", "orderNumber=A-1")
		if _, isText := st["errorCode"].(string); isText {
			kinds["text"] = true
		} else {
			kinds["number"] = true
		}
	}
	assert.Len(t, kinds, 2)

	single := open(t, WithUnknowns(Unknowns{SingleAsObject: true, Currency: "643"}))
	id := single.paid("A-1", "&clientId=c")
	single.call("refund.do", "amount=1&orderId="+id)
	st := single.state(id)
	assert.IsType(t, obj{}, st["refunds"])
	assert.IsType(t, []any{}, st["attributes"])
	assert.Equal(t, "643", st["currency"])
	assert.IsType(t, obj{}, single.call("getBindings.do", "clientId=c")["bindings"])
}

func TestOldStatus(t *testing.T) {
	b := open(t)
	id := b.paid("A-1001", "&clientId=c&ip=203.0.113.7")
	st := b.call("getOrderStatus.do", "orderId="+id+"&amount=5")
	assert.Equal(t, []any{num("2"), "0", "Success", "A-1001", "400000**1118", "203012", num("129900"), num("129900"), "810", num("2"), "203.0.113.7"},
		[]any{st["OrderStatus"], st["ErrorCode"], st["ErrorMessage"], st["OrderNumber"], st["Pan"], st["expiration"], st["depositAmount"], st["Amount"], st["currency"], st["authCode"], st["Ip"]})
	assert.Equal(t, "c", st["BindingInfo"].(obj)["clientId"])
	assert.NotContains(t, st, "errorCode")
	unknown := b.call("getOrderStatus.do", "orderId=x")
	assert.Equal(t, obj{"ErrorCode": "6", "ErrorMessage": tUnknown.EN}, unknown)
	assert.Equal(t, "5", b.call("getOrderStatus.do", "")["ErrorCode"])
	assert.Equal(t, "5", b.as("userName=x&password=y", "getOrderStatus.do", "")["errorCode"], "authentication errors are lower-case")
	lost := b.register("A-2", "")
	require.NoError(t, b.Decline(lost))
	assert.Equal(t, "2", b.call("getOrderStatus.do", "orderId="+lost)["ErrorCode"])
	var want obj
	sample(t, "responses/family_old_status.json", &want)
	for name := range want {
		if !strings.EqualFold(name, "bindingInfo") && name != "approvalCode" {
			assert.Contains(t, st, name)
		}
	}
}

func TestLastOrders(t *testing.T) {
	b := open(t, WithMerchant(Merchant{Children: []string{"child"}}))
	for i, n := range []string{"A-1", "A-2", "A-3"} {
		b.paid(n, "")
		if i == 1 {
			b.register("unpaid", "")
		}
		b.Advance(time.Minute)
	}
	lost := b.register("lost", "")
	require.NoError(t, b.Decline(lost))
	span := "from=20250602000000&to=20250602235959&"
	out := b.call("getLastOrdersForMerchants.do", span+"size=2&page=0&transactionStates=DEPOSITED,REFUNDED&merchants=")
	assert.Equal(t, []any{"0", num("3"), num("0"), num("2")}, []any{out["errorCode"], out["totalCount"], out["page"], out["pageSize"]})
	require.Len(t, out["orderStatuses"], 2)
	assert.Equal(t, "A-1", out["orderStatuses"].([]any)[0].(obj)["orderNumber"])
	out = b.call("getLastOrdersForMerchants.do", span+"page=1&size=2&transactionStates=DEPOSITED&merchants="+DefaultUserName)
	assert.Len(t, out["orderStatuses"], 1)
	out = b.call("getLastOrdersForMerchants.do", span+"transactionStates=CREATED,DECLINED")
	assert.Empty(t, out["orderStatuses"], "by the date of payment those are hidden")
	assert.Equal(t, num("25"), out["pageSize"])
	out = b.call("getLastOrdersForMerchants.do", span+"transactionStates=CREATED,DECLINED&searchByCreatedDate=true")
	assert.Len(t, out["orderStatuses"], 2)
	out = b.call("getLastOrdersForMerchants.do", "from=20250601000000&to=20250601235959&transactionStates=DEPOSITED")
	assert.Empty(t, out["orderStatuses"])
	for _, bad := range []string{span, span + "transactionStates=PAID", span + "transactionStates=DEPOSITED&size=201", span + "transactionStates=DEPOSITED&size=0", span + "transactionStates=DEPOSITED&size=x",
		"from=2025-06-02T00:00:00&to=2025-06-03T00:00:00&transactionStates=DEPOSITED", span + "transactionStates=DEPOSITED&merchants=other"} {
		assert.Equal(t, "5", b.call("getLastOrdersForMerchants.do", bad)["errorCode"], bad)
	}
	assert.Equal(t, "0", b.call("getLastOrdersForMerchants.do", span+"transactionStates=DEPOSITED&merchants=child")["errorCode"])
	var want obj
	sample(t, "responses/family_last_orders.json", &want)
	for name := range want {
		if name != "errorMessage" {
			assert.Contains(t, out, name)
		}
	}
}

func TestOlderMethods(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "")
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": "Успешно"}, b.as(pair, "addParams.do", "orderId="+id+"&params="+url.QueryEscape(`{"courier":"Иван","formUrl":"https://x"}`)))
	assert.Contains(t, b.state(id)["merchantOrderParams"], obj{"name": "courier", "value": "Иван"})
	refusedWith(t, b.call("addParams.do", "orderId="+id+"&params=x"), "5", tParam)
	refusedWith(t, b.call("addParams.do", "orderId="+id), "4", emptyText("params"))
	refusedWith(t, b.call("addParams.do", "params=x&orderId=x"), "6", tUnknown)
	out := b.call("paymentotherway.do", "MDORDER="+id+"&paymentWay=ALFA_ALFACLICK")
	assert.Contains(t, out["redirect"], id)
	assert.Equal(t, "4", b.call("paymentotherway.do", "MDORDER="+id)["errorCode"])
	assert.Equal(t, "6", b.call("paymentotherway.do", "paymentWay=x&MDORDER=x")["errorCode"])
	require.NoError(t, b.PayAlfaPay(id))
	assert.Equal(t, "ALFAPAY", b.state(id)["paymentWay"])
	refusedWith(t, b.call("addParams.do", "orderId="+id+"&params={}"), "7", tState)
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": "Success", "emitterName": "TEST CARD", "emitterCountryCode": "RU", "enrolled": "Y"}, b.call("verifyEnrollment.do", "pan=5555555555555599"))
	assert.Equal(t, "N", b.call("verifyEnrollment.do", "pan="+plainCard)["enrolled"])
	assert.Equal(t, "1", b.call("verifyEnrollment.do", "pan=5555")["errorCode"])
	assert.Equal(t, "6", b.call("verifyEnrollment.do", "pan=4242424242424242")["errorCode"])
}

func TestAlfaPay(t *testing.T) {
	b := open(t)
	fields := `"orderNumber":"AP-5","amount":129900,"currencyCode":643,"returnUrl":"https://tea.example/ok","failUrl":"https://tea.example/f","description":"Чай","language":"RU","ip":"203.0.113.7"`
	out := b.json("/payment/alfapay/payment.do", fields)
	assert.Equal(t, true, out["success"])
	data := out["data"].(obj)
	assert.Contains(t, data["redirect"], data["orderId"])
	require.NoError(t, b.PayAlfaPay("AP-5"))
	assert.Equal(t, "ALFAPAY", b.state(data["orderId"].(string))["paymentWay"])
	out = b.json("/alfapay/payment.do", fields)
	assert.Equal(t, obj{"success": false, "error": obj{"code": num("1"), "message": tDuplicate.RU}}, out)
	out = b.decode(b.raw("POST", "/api/alfapay/payment.do", "application/json", `{"token":"`+DefaultToken+`","orderNumber":"AP-6","amount":1}`))
	assert.Equal(t, obj{"success": false, "error": obj{"code": num("5"), "message": "Доступ запрещён"}}, out)
	assert.Equal(t, num("1"), b.decode(b.raw("POST", "/payment/alfapay/payment.do", formType, pair))["error"].(obj)["code"])
	assert.Equal(t, num("5"), b.json("/payment/alfapay/payment.do", `"language":"BE"`)["error"].(obj)["code"])
	id := b.register("A-1", "")
	assert.Equal(t, id, b.json("/payment/alfapay/paymentOrder.do", `"language":"ru","orderId":"`+id+`"`)["data"].(obj)["orderId"])
	assert.Equal(t, num("6"), b.json("/payment/alfapay/paymentOrder.do", `"orderId":"x"`)["error"].(obj)["code"])
	off := open(t, WithMerchant(Merchant{Off: []Right{AlfaPay}}))
	assert.Equal(t, num("5"), off.json("/payment/alfapay/payment.do", fields)["error"].(obj)["code"])
}
