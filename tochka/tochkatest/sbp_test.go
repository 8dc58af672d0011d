package tochkatest

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

const (
	qrPath  = "sbp/v1.0/qr-code/merchant/MF0000000001/40702810900000001234%2F044525104"
	qrOrder = `{"Data":{"amount":149050,"currency":"RUB","paymentPurpose":"Заказ 10051","qrcType":"02","ttl":60,"imageParams":{"width":300,"height":300,"mediaType":"image/png"},"sourceName":"crm-example","redirectUrl":"https://school.example.com/paid"}}`
)

func TestSBPRegistration(t *testing.T) {
	b := start(t, WithCompany(Company{CustomerCode: "300777002", TaxCode: "7702345678", Accounts: []Account{{ID: "40702810900000005678/044525104"}}}))
	b.no(404, "not registered", "GET", "sbp/v1.0/customer/300777002/044525104", "")
	legal := b.ok("POST", "sbp/v1.0/register-sbp-legal-entity", `{"Data":{"customerCode":"300777002","bankCode":"044525104"}}`)["legalId"].(string)
	assert.Len(t, legal, 12)
	assert.Equal(t, legal, b.ok("POST", "sbp/v1.0/register-sbp-legal-entity", `{"Data":{"customerCode":"300777002","bankCode":"044525104"}}`)["legalId"])
	b.no(403, "Forbidden", "POST", "sbp/v1.0/register-sbp-legal-entity", `{"Data":{"customerCode":"300777002","bankCode":"044525225"}}`)
	b.no(403, "Forbidden", "POST", "sbp/v1.0/register-sbp-legal-entity", `{"Data":{"customerCode":"300777009","bankCode":"044525104"}}`)
	merchantBody := `{"Data":{"address":"ул. Ленина, 1","city":"Пермь","countryCode":"RU","countrySubDivisionCode":"57","zipCode":"614000","brandName":"Лавка","capabilities":"001","mcc":"5499"}}`
	merchant := b.ok("POST", "sbp/v1.0/merchant/legal-entity/"+legal, merchantBody)["merchantId"].(string)
	assert.Len(t, merchant, 12)
	b.no(400, "Field capabilities : Input should be '001'", "POST", "sbp/v1.0/merchant/legal-entity/"+legal, `{"Data":{"address":"x","city":"x","countryCode":"RU","countrySubDivisionCode":"57","zipCode":"614000","brandName":"Лавка","capabilities":"000","mcc":"5499"}}`)
	list := b.ok("GET", "sbp/v1.0/merchant/legal-entity/"+legal, "")["MerchantList"].([]any)
	require.Len(t, list, 1)
	assert.Equal(t, "001", list[0].(map[string]any)["capabilities"])
	assert.Equal(t, list[0], b.ok("GET", "sbp/v1.0/merchant/"+merchant, ""))
	assert.Len(t, b.ok("GET", "sbp/v1.0/account/"+legal, "")["AccountList"], 1)
	customer := b.ok("GET", "sbp/v1.0/customer/300777002/044525104", "")
	assert.Equal(t, "7702345678", customer["inn"])
	assert.Len(t, customer["MerchantList"], 1)

	qr := "sbp/v1.0/qr-code/merchant/" + merchant + "/40702810900000005678/044525104"
	b.no(424, "не поддерживает", "POST", qr, qrOrder)
	b.ok("POST", qr, `{"Data":{"paymentPurpose":"x","qrcType":"01"}}`)
	b.no(424, "кассовые", "POST", "sbp/v1.0/cashbox-qr-code", `{"Data":{"merchantId":"`+merchant+`","accountId":"40702810900000005678/044525104"}}`)
	assert.Equal(t, true, b.ok("PUT", "sbp/v1.0/merchant/"+merchant, `{"Data":{"status":"Suspended"}}`)["result"])
	b.no(424, "приостановлена", "POST", qr, `{"Data":{"paymentPurpose":"x","qrcType":"01"}}`)
	assert.Equal(t, true, b.ok("POST", "sbp/v1.0/legal-entity/"+legal, `{"Data":{"status":"Suspended"}}`)["result"])
	assert.Equal(t, "Suspended", b.ok("GET", "sbp/v1.0/legal-entity/"+legal, "")["status"])
	b.no(424, "приостановлено", "POST", "sbp/v1.0/merchant/legal-entity/"+legal, merchantBody)
	for _, path := range []string{"legal-entity/LF0", "account/LF0", "merchant/legal-entity/LF0", "merchant/MF0", "qr-code/legal-entity/LF0", "customer/300777009/044525104"} {
		b.no(403, "Forbidden", "GET", "sbp/v1.0/"+path, "")
	}
	b.no(403, "Forbidden", "PUT", "sbp/v1.0/merchant/MF0", `{"Data":{"status":"Active"}}`)
	b.no(403, "Forbidden", "POST", "sbp/v1.0/legal-entity/LF0", `{"Data":{"status":"Active"}}`)
	b.no(403, "Forbidden", "POST", "sbp/v1.0/merchant/legal-entity/LF0", merchantBody)
	none := start(t, WithoutSBP())
	none.no(404, "not registered", "GET", "sbp/v1.0/customer/300777001/044525104", "")
}

func TestDynamicCode(t *testing.T) {
	b := start(t, WithCallbackURL("https://shop.example/tochka"))
	data := b.ok("POST", qrPath, qrOrder)
	id := data["qrcId"].(string)
	assert.Regexp(t, "^AD[0-9A-Z]{30}$", id)
	assert.Contains(t, data["payload"], "https://qr.nspk.ru/"+id+"?type=02&bank=100000000284&sum=149050&cur=RUB&crc=")
	image := data["image"].(map[string]any)
	assert.Equal(t, json.Number("300"), image["width"])
	picture, err := base64.StdEncoding.DecodeString(image["content"].(string))
	require.NoError(t, err)
	assert.Contains(t, string(picture), "PNG")

	one := b.ok("GET", "sbp/v1.0/qr-code/"+id, "")
	assert.Equal(t, json.Number("149050"), one["amount"])
	assert.Equal(t, "60", one["ttl"], "a text")
	status := func() map[string]any {
		return b.ok("GET", "sbp/v1.0/qr-codes/"+id+"/payment-status", "")["paymentList"].([]any)[0].(map[string]any)
	}
	assert.Equal(t, "NotStarted", status()["status"])
	require.NoError(t, b.Pay(id))
	require.Error(t, b.Pay(id))
	assert.Equal(t, "Accepted", status()["status"])
	assert.Len(t, status()["trxId"], 32)
	told := b.Deliveries()[0].Canonical
	assert.Contains(t, told, `"amount": "1490.5"`, "roubles")
	assert.Contains(t, told, `"merchantId": "MF0000000001"`)
	row := b.ok("GET", "sbp/v1.0/get-sbp-payments?customerCode=300777001&qrcId="+id, "")["Payments"].([]any)[0].(map[string]any)
	ref := row["refTransactionId"].(string)
	assert.Contains(t, told, ref)

	refund := func(members string) string {
		return merge(map[string]json.RawMessage{"bankCode": json.RawMessage(`"044525104"`), "accountCode": json.RawMessage(`"40702810900000001234"`), "amount": json.RawMessage(`"490.50"`),
			"currency": json.RawMessage(`"RUB"`), "qrcId": json.RawMessage(`"` + id + `"`), "purpose": json.RawMessage(`"Возврат по заказу 10051"`), "refTransactionId": json.RawMessage(`"` + ref + `"`)}, members)
	}
	const path = "sbp/v1.0/refund"
	b.no(400, "Field amount : Input should be a valid string", "POST", path, refund(`"amount":490.50`))
	b.no(400, "Field amount : Input should be a valid decimal", "POST", path, refund(`"amount":"490,50"`))
	b.no(400, "Field amount : Input should be a valid decimal", "POST", path, refund(`"amount":"0"`))
	b.no(400, "Field accountCode : String should have at most 20 characters", "POST", path, refund(`"accountCode":"40702810900000001234/044525104"`))
	b.no(403, "Forbidden", "POST", path, refund(`"accountCode":"40702810900000009999"`))
	b.no(403, "Forbidden", "POST", path, refund(`"bankCode":"044525225"`))
	b.no(403, "Forbidden", "POST", path, refund(`"qrcId":"AD1"`))
	b.no(424, "больше суммы", "POST", path, refund(`"amount":"1490.51"`))
	b.no(424, "не найдена", "POST", path, refund(`"refTransactionId":"x"`))
	b.no(424, "не найдена", "POST", path, refund(`"trxId":"x"`))
	first := b.ok("POST", path, refund(""))
	assert.Equal(t, "Initiated", first["status"])
	o, _ := b.Order(id)
	assert.Zero(t, o.Refunded)
	assert.Equal(t, "Accepted", b.ok("GET", path+"/"+first["requestId"].(string), "")["status"])
	o, _ = b.Order(id)
	assert.Equal(t, money.RUB(490, 50), o.Refunded)
	assert.False(t, b.RejectSBPRefund(first["requestId"].(string)))
	second := b.ok("POST", path, refund(`"amount":"1000"`))["requestId"].(string)
	assert.True(t, b.RejectSBPRefund(second))
	assert.Equal(t, "Rejected", b.ok("GET", path+"/"+second, "")["status"])
	third := b.ok("POST", path, refund(`"amount":"1000"`))["requestId"].(string)
	require.NoError(t, b.Settle(third))
	fourth := start(t)
	fourth.no(404, wrong, "GET", path+"/nothing", "")
	require.NoError(t, b.Settle(""))
	o, _ = b.Order(id)
	assert.Zero(t, o.Net())

	b.Advance(26 * time.Hour)
	assert.Equal(t, "RQ05043", status()["code"])
	b.no(404, "not found", "GET", "sbp/v1.0/qr-codes/"+id+",AD1/payment-status", "")
	b.no(404, "not found", "GET", "sbp/v1.0/qr-code/AD1", "")
	b.Advance(24 * time.Hour)
	assert.Empty(t, b.ok("GET", "sbp/v1.0/get-sbp-payments?customerCode=300777001", "")["Payments"], "yesterday and today only")
	assert.Len(t, b.ok("GET", "sbp/v1.0/get-sbp-payments?customerCode=300777001&fromDate=2026-10-01", "")["Payments"], 1)
	b.no(403, "Forbidden", "GET", "sbp/v1.0/get-sbp-payments?customerCode=999999999", "")
}

func TestFieldsOfCodes(t *testing.T) {
	b := start(t)
	body := func(members string) string {
		return merge(map[string]json.RawMessage{"amount": json.RawMessage(`100`), "paymentPurpose": json.RawMessage(`"x"`), "qrcType": json.RawMessage(`"02"`)}, members)
	}
	for members, words := range map[string]string{
		`"amount":"-"`:                 "Field amount : Field required",
		`"amount":0`:                   "Field amount : ",
		`"amount":100.5`:               "Field amount : Input should be a valid integer",
		`"qrcType":"03"`:               "Field qrcType : Input should be '01' or '02'",
		`"ttl":0`:                      "Field ttl : ",
		`"ttl":129601`:                 "Field ttl : ",
		`"qrcType":"01","ttl":5`:       "dynamic code only",
		`"currency":"USD"`:             "Field currency : ",
		`"currency":""`:                "Field currency : ",
		`"redirectUrl":"http://x.ru/"`: "URL scheme should be 'https'",
		`"imageParams":{"width":300}`:  "Field imageParams.height : Field required",
		`"imageParams":{"width":100,"height":2001}`: "Field imageParams.width : Input should be greater than or equal to 200; Field imageParams.height : Input should be less than or equal to 2000",
	} {
		b.no(400, words, "POST", qrPath, body(members))
	}
	// 100.0 validates as an integer, and makes a code of one rouble.
	id := b.ok("POST", qrPath, body(`"amount":100.0,"imageParams":{"width":200,"height":200,"mediaType":"image/svg+xml"}`))
	assert.Contains(t, id["image"].(map[string]any)["content"], "<svg")
	assert.Equal(t, json.Number("100"), b.ok("GET", "sbp/v1.0/qr-code/"+id["qrcId"].(string), "")["amount"])
	b.no(403, "Forbidden", "POST", "sbp/v1.0/qr-code/merchant/MF0000000009/40702810900000001234%2F044525104", body(""))
	b.no(403, "Forbidden", "POST", "sbp/v1.0/qr-code/merchant/MF0000000001/40702810900000009999%2F044525104", body(""))
	assert.Len(t, b.ok("GET", "sbp/v1.0/qr-code/legal-entity/LF0000000001", "")["qrCodeList"], 1)
	require.NoError(t, b.Decline(id["qrcId"].(string)))
	row := b.ok("GET", "sbp/v1.0/qr-codes/"+id["qrcId"].(string)+"/payment-status", "")["paymentList"].([]any)[0].(map[string]any)
	assert.Equal(t, "Rejected", row["status"])
	require.Error(t, b.PayBy(id["qrcId"].(string), "card"))
	require.NoError(t, b.Expire(id["qrcId"].(string)))
	require.Error(t, b.Pay(id["qrcId"].(string)))
	require.Error(t, b.Decline(id["qrcId"].(string)))
	assert.Equal(t, "Suspended", b.ok("GET", "sbp/v1.0/qr-code/"+id["qrcId"].(string), "")["status"])
	b.no(424, "не завершена", "POST", "sbp/v1.0/refund", `{"Data":{"bankCode":"044525104","accountCode":"40702810900000001234","amount":"1","qrcId":"`+id["qrcId"].(string)+`"}}`)
}

func TestStaticCode(t *testing.T) {
	b := start(t)
	id := b.ok("POST", qrPath, `{"Data":{"paymentPurpose":"Пожертвование","qrcType":"01"}}`)["qrcId"].(string)
	assert.Regexp(t, "^AS", id)
	require.NoError(t, b.PayQR(id, money.RUB(55, 0)))
	require.NoError(t, b.Pay(id))
	require.Error(t, b.PayQR("nothing", 0))
	require.Error(t, b.Expire(id))
	o, _ := b.Order(id)
	assert.Equal(t, money.RUB(155, 0), o.Captured)
	b.no(404, "not found", "GET", "sbp/v1.0/qr-codes/"+id+"/payment-status", "")
	b.no(424, "интернет-банке", "POST", "sbp/v1.0/refund", `{"Data":{"bankCode":"044525104","accountCode":"40702810900000001234","amount":"1","qrcId":"`+id+`"}}`)
	html := b.visit(b.URL + "/qr/" + id)
	assert.Contains(t, html, "Пожертвование")
	assert.Contains(t, string(b.body(b.post(b.URL+"/qr/"+id, "do", "sbp"))), "Оплачено")
	assert.Contains(t, string(b.body(b.post(b.URL+"/qr/"+id, "do", "decline"))), "не прошла")
	assert.Equal(t, 404, b.raw("GET", "/qr/nothing", "", "").StatusCode)
	dynamic := b.ok("POST", qrPath, qrOrder)["qrcId"].(string)
	assert.Equal(t, "https://school.example.com/paid", b.post(b.URL+"/qr/"+dynamic, "do", "sbp").Header.Get("Location"))
	assert.Contains(t, b.visit(b.URL+"/qr/"+dynamic), "уже оплачен")
	assert.Equal(t, 400, b.raw("POST", "/qr/"+id, "application/x-www-form-urlencoded", "a=%zz").StatusCode)
}

func TestCashboxCode(t *testing.T) {
	b := start(t, WithCallbackURL("https://shop.example/tochka"))
	const path = "sbp/v1.0/cashbox-qr-code"
	id := b.ok("POST", path, `{"Data":{"merchantId":"MF0000000001","accountId":"40702810900000001234/044525104","imageParams":{"width":200,"height":200}}}`)["qrcId"].(string)
	one := path + "/" + id
	assert.Equal(t, "INACTIVATED", b.ok("GET", one+"/status", "")["status"])
	require.Error(t, b.Pay(id), "not active")
	b.no(424, "не активирован", "POST", one+"/deactivate", "")
	b.no(400, "Field amount : Input should be greater than 0", "POST", one+"/activate", `{"Data":{"amount":0}}`)
	b.no(400, "Field amount : Input should be less than 1000000000000", "POST", one+"/activate", `{"Data":{"amount":1000000000000}}`)
	b.no(400, "Field ttl : Input should be less than or equal to 20", "POST", one+"/activate", `{"Data":{"amount":100,"ttl":21}}`)
	params := b.ok("POST", one+"/activate", `{"Data":{"amount":100000,"paymentPurpose":"Чек 1"}}`)["paramsId"].(string)
	b.no(424, "уже активирован", "POST", one+"/activate", `{"Data":{"amount":100}}`)
	assert.Equal(t, "WAITING_PAYMENT", b.ok("GET", one+"/status", "")["status"])
	assert.Equal(t, "NTST", b.ok("GET", one+"/operation?paramsId="+params, "")["trxStatus"])
	assert.Equal(t, json.Number("100000"), b.ok("POST", one, "")["amount"], "reads, without a body")
	assert.Contains(t, b.ok("POST", one, `{"Data":{"imageParams":{"width":200,"height":200}}}`), "image")
	require.NoError(t, b.Pay(id))
	done := b.ok("GET", one+"/operation?paramsId="+params, "")
	assert.Equal(t, "ACWP", done["trxStatus"])
	assert.Equal(t, "DEACTIVATED", done["qrCodeStatus"])
	assert.Contains(t, b.Deliveries()[0].Canonical, `"webhookType": "incomingSbpPayment"`)
	assert.NotContains(t, b.ok("POST", one, ""), "amount", "while active only")

	params = b.ok("POST", one+"/activate", `{"Data":{"amount":5,"ttl":5}}`)["paramsId"].(string)
	require.NoError(t, b.Decline(id))
	assert.Equal(t, "RJCT", b.ok("GET", one+"/operation?paramsId="+params, "")["trxStatus"])
	b.ok("POST", one+"/activate", `{"Data":{"amount":5,"ttl":5}}`)
	b.Advance(5 * time.Minute)
	assert.Equal(t, "INACTIVATED", b.ok("GET", one+"/status", "")["status"])
	b.ok("POST", one+"/activate", `{"Data":{"amount":5}}`)
	assert.Equal(t, true, b.ok("POST", one+"/deactivate", "")["result"])
	assert.Equal(t, id, b.ok("POST", one+"/account", `{"Data":{"accountId":"40702810900000001234/044525104"}}`)["qrcId"])
	b.no(403, "Forbidden", "POST", one+"/account", `{"Data":{"accountId":"40702810900000009999/044525104"}}`)
	assert.Len(t, b.ok("GET", path+"/merchant/MF0000000001/40702810900000001234/044525104", "")["qrCodes"], 1)
	for _, tail := range []string{"/status", "/operation?paramsId=x"} {
		b.no(404, "not found", "GET", path+"/AS1"+tail, "")
	}
	b.no(404, "not found", "POST", path+"/AS1/activate", `{"Data":{"amount":5}}`)
	b.no(404, "not found", "POST", path+"/AS1/deactivate", "")
	b.no(404, "not found", "POST", path+"/AS1/account", `{"Data":{"accountId":"x"}}`)
	b.no(404, "not found", "POST", path+"/AS1", "")
	b.no(403, "Forbidden", "GET", path+"/merchant/MF0/40702810900000001234/044525104", "")
	b.no(403, "Forbidden", "POST", path, `{"Data":{"merchantId":"MF0","accountId":"x"}}`)
}

func TestCodeBetweenCompanies(t *testing.T) {
	b := start(t, WithCallbackURL("https://shop.example/tochka"))
	const path = "sbp/v1.0/b2b-qr-code/merchant/MF0000000001/40702810900000001234/044525104"
	b.no(400, "Field takeTax : Field required", "POST", path, `{"Data":{"amount":1,"paymentPurpose":"x","sourceName":"x"}}`)
	b.no(400, "Field totalTaxAmount : ", "POST", path, `{"Data":{"amount":1,"paymentPurpose":"x","sourceName":"x","takeTax":true}}`)
	b.no(403, "Forbidden", "POST", "sbp/v1.0/b2b-qr-code/merchant/MF0/40702810900000001234/044525104", `{"Data":{"amount":1,"paymentPurpose":"x","sourceName":"x","takeTax":false}}`)
	id := b.ok("POST", path, `{"Data":{"amount":100000000,"paymentPurpose":"x","sourceName":"x","takeTax":true,"totalTaxAmount":18032787,"uip":"1"}}`)["qrcId"].(string)
	one := b.ok("GET", "sbp/v1.0/b2b-qr-code/"+id+"?width=300&height=300", "")
	assert.Equal(t, "4320", one["ttl"])
	assert.Equal(t, json.Number("18032787"), one["totalTaxAmount"])
	assert.Contains(t, one, "image")
	require.NoError(t, b.Pay(id))
	assert.Contains(t, b.Deliveries()[0].Canonical, `"webhookType": "incomingSbpB2BPayment"`)
	b.no(404, wrong, "GET", "sbp/v1.0/b2b-qr-code/AS1", "")
	other := b.ok("POST", path, `{"Data":{"amount":1,"paymentPurpose":"x","sourceName":"x","takeTax":false,"ttl":1}}`)["qrcId"].(string)
	assert.NotContains(t, b.ok("GET", "sbp/v1.0/b2b-qr-code/"+other, ""), "totalTaxAmount")
}
