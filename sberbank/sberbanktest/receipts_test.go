package sberbanktest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// The cart of specification section 10.5.
const company = `"company":{"email":"shop@crm.example","sno":"usn_income","inn":"7700000000","paymentAddress":"https://crm.example"}`
const tea = `{"positionId":"1","itemCode":"SKU-1","name":"Чай","quantity":{"value":1.5,"measure":"11"},"itemPrice":40000,"itemAmount":60000,"tax":{"taxType":2},"paymentMethod":"full_payment","paymentObject":"1"}`
const delivery = `{"positionId":"2","itemCode":"DLV","name":"Доставка","quantity":{"value":1,"measure":"0"},"itemPrice":19950,"itemAmount":19950,"tax":{"taxType":0},"paymentMethod":"full_payment","paymentObject":"4"}`
const bundle = `"orderBundle":{"ffdVersion":"1.2","receiptType":"SELL",` + company + `,"payments":[{"type":1,"sum":79950}],"total":79950,"cartItems":{"items":[` + tea + `,` + delivery + `]}}`
const fiscalOrder = `"orderNumber":"CRM-2026-000418","amount":79950,"returnUrl":"https://crm.example/ok","email":"ivan@example.org",` + bundle

func (b *bank) receipts(id string) []any {
	b.t.Helper()
	return b.call("ofd/v1/getReceiptStatus", `"orderId":"`+id+`"`)["receipts"].([]any)
}

func TestReceiptOnItsWay(t *testing.T) {
	b := open(t, WithReceiptStep(time.Minute), WithMerchant(Merchant{ReceiptCallbackURL: "https://crm.example/receipts"}))
	out := b.call("v1/register.do", fiscalOrder)
	require.Equal(t, "0", out["errorCode"])
	id := out["orderId"].(string)
	assert.Empty(t, b.receipts(id))
	require.NoError(t, b.Pay(id))
	for _, want := range []string{"1", "2", "3"} {
		r := b.receipts(id)[0].(obj)
		assert.Equal(t, num(want), r["receiptStatus"])
		assert.Equal(t, want == "3", r["payload"] != nil)
		b.Advance(time.Minute)
	}
	r := b.receipts(id)[0].(obj)
	assert.Equal(t, "AUTHORIZATION", r["operationType"])
	assert.Equal(t, "SELL", r["receiptType"])
	payload := r["payload"].(obj)
	assert.Equal(t, num("79950"), payload["total"])
	assert.Equal(t, "03.03.2026 12:02:00", payload["receiptDatetime"])
	got := b.shop.take()
	var paths []string
	for _, n := range got {
		paths = append(paths, n.path)
	}
	assert.Contains(t, paths, "/receipts")
	receiptID := r["receiptId"].(string)
	assert.Len(t, b.call("ofd/v1/getReceiptStatus", `"receiptId":"`+receiptID+`"`)["receipts"], 1)
	assert.Empty(t, b.call("ofd/v1/getReceiptStatus", `"orderNumber":"CRM-2026-000418","receiptStatus":4`)["receipts"])
	assert.Equal(t, obj{"message": "Успешно", "retryResult": []any{obj{"receiptId": receiptID, "result": "Чек уже зарегистрирован ранее"}, obj{"receiptId": "x", "result": "Чек не найден"}}},
		b.call("ofd/v1/retryReceipt", `"receiptIds":["`+receiptID+`","x"]`))

	// The status echoes the cart with the gateway's empty lists.
	echo := b.state(id)["orderBundle"].(obj)
	assert.Equal(t, []any{}, echo["vats"])
	assert.Equal(t, []any{}, echo["sectoralCheckProps"])
	assert.Len(t, echo["payments"], 1)

	// A partial refund of position 1, then the rest without a cart.
	refund := `"orderId":"` + id + `","amount":60000,"orderBundle":{"ffdVersion":"1.2","receiptType":"SELL_REFUND",` + company + `,"payments":[{"type":1,"sum":60000}],"total":60000,"cartItems":{"items":[` + tea + `]}}`
	refusedWith(t, b.call("v1/refund.do", strings.Replace(refund, "SELL_REFUND", "SELL", 1)), "8", tCartFormat.RU)
	refusedWith(t, b.call("v1/refund.do", strings.Replace(refund, "SKU-1", "SKU-2", 1)), "8", tCartFormat.RU)
	refusedWith(t, b.call("v1/refund.do", strings.Replace(strings.Replace(refund, `"value":1.5`, `"value":1.501`, 1), `"itemPrice":40000`, `"itemPrice":39973`, 1)), "8", tCartFormat.RU)
	refusedWith(t, b.call("v1/refund.do", strings.Replace(refund, `"positionId":"1"`, `"positionId":"9"`, 1)), "8", tCartFormat.RU)
	refusedWith(t, b.call("v1/refund.do", strings.Replace(refund, `"amount":60000`, `"amount":59999`, 1)), "8", tCartSum.RU)
	assert.Equal(t, "0", b.call("v1/refund.do", refund)["errorCode"])
	r = b.receipts(id)[1].(obj)
	assert.Equal(t, "SELL_REFUND", r["receiptType"])
	assert.Equal(t, receiptID, r["origReceiptId"])

	// A closing receipt.
	out = b.call("ofd/v1/doReceipt", `"orderId":"`+id+`","email":"ivan@example.org",`+strings.Replace(bundle, `"type":1`, `"type":2`, 1))
	assert.Equal(t, "Успешно", out["message"])
	assert.Len(t, b.receipts(id), 3)
}

func TestReceiptErrors(t *testing.T) {
	b := open(t, WithReceiptError("SKU-1", ReceiptError{Status: 6, Code: 1, Type: "driver", Recommendation: 2}))
	id := b.call("v1/register.do", fiscalOrder)["orderId"].(string)
	post := func(path, fields string) (int, obj) {
		resp := b.raw("POST", "/ecomm/gw/partner/api/ofd/v1/"+path, "application/json", "{"+credentials+","+fields+"}")
		return resp.StatusCode, b.decode(resp)
	}
	code, out := post("doReceipt", `"orderId":"`+id+`",`+bundle)
	assert.Equal(t, 451, code, "not paid")
	assert.Contains(t, out, "message")
	require.NoError(t, b.Pay(id))
	ids := func() string { return b.receipts(id)[0].(obj)["receiptId"].(string) }
	assert.Equal(t, "Ожидается статус регистрации", b.call("ofd/v1/retryReceipt", `"receiptIds":["`+ids()+`"]`)["retryResult"].([]any)[0].(obj)["result"])
	b.Advance(time.Hour)
	r := b.receipts(id)[0].(obj)
	assert.Equal(t, num("6"), r["receiptStatus"])
	assert.Equal(t, num("2"), r["error"].(obj)["recommendation"])
	assert.NotContains(t, r, "payload")
	good := strings.Replace(bundle, "SKU-1", "SKU-9", 1)
	code, _ = post("doReceipt", `"orderId":"`+id+`","receiptId":"`+ids()+`",`+good)
	assert.Equal(t, 200, code)
	code, _ = post("doReceipt", `"orderId":"`+id+`","receiptId":"`+ids()+`",`+good)
	assert.Equal(t, 451, code, "replaced already")
	assert.Equal(t, "Чек уже изменен ранее", b.call("ofd/v1/retryReceipt", `"receiptIds":["`+ids()+`"]`)["retryResult"].([]any)[0].(obj)["result"])
	for _, c := range []struct {
		path, fields string
		status       int
	}{
		{"getReceiptStatus", `"orderId":"` + strings.Repeat("a", 36) + `"`, 404},
		{"getReceiptStatus", `"receiptId":"x"`, 404},
		{"getReceiptStatus", `"receiptId":"x","orderNumber":"y"`, 400},
		{"getReceiptStatus", `"unknown":1`, 400},
		{"doReceipt", `"orderId":"` + id + `","receiptId":"x",` + good, 404},
		{"doReceipt", `"orderId":"` + id + `",` + strings.Replace(good, `"ffdVersion":"1.2",`, "", 1), 451},
		{"doReceipt", `"orderId":"` + id + `"`, 400},
	} {
		code, out := post(c.path, c.fields)
		assert.Equal(t, c.status, code, c.fields)
		assert.NotEmpty(t, out["message"])
		assert.NotContains(t, out, "errorCode")
	}
	// A retry of one that failed.
	b = open(t, WithReceiptError("SKU-1", ReceiptError{}))
	id = b.call("v1/register.do", fiscalOrder)["orderId"].(string)
	require.NoError(t, b.Pay(id))
	b.Advance(time.Hour)
	assert.Equal(t, num("4"), b.receipts(id)[0].(obj)["receiptStatus"])
	assert.Equal(t, "Успешно", b.call("ofd/v1/retryReceipt", `"receiptIds":["`+ids()+`"]`)["retryResult"].([]any)[0].(obj)["result"])
	b.Advance(time.Hour)
	assert.Equal(t, num("3"), b.receipts(id)[0].(obj)["receiptStatus"])
}

func TestCartFaults(t *testing.T) {
	b := open(t)
	change := func(old, new string) string { return strings.Replace(fiscalOrder, old, new, 1) }
	for name, c := range map[string]struct{ fields, code string }{
		"sum":                 {change(`"amount":79950`, `"amount":79951`), "8"},
		"total":               {change(`"total":79950`, `"total":79949`), "8"},
		"payments":            {change(`"sum":79950`, `"sum":1`), "8"},
		"price by quantity":   {change(`"itemPrice":40000`, `"itemPrice":40002`), "8"},
		"currency":            {change(`"itemCode":"SKU-1"`, `"itemCode":"SKU-1","itemCurrency":"978"`), "8"},
		"repeated position":   {change(`"positionId":"2"`, `"positionId":"1"`), "8"},
		"repeated code":       {change(`"itemCode":"DLV"`, `"itemCode":"SKU-1"`), "8"},
		"position zero":       {change(`"positionId":"2"`, `"positionId":"0"`), "8"},
		"quantity step":       {change(`"value":1.5`, `"value":1.5001`), "8"},
		"quantity zero":       {change(`"value":1.5`, `"value":0`), "8"},
		"word for FFD 1.2":    {change(`"paymentObject":"1"`, `"paymentObject":"commodity"`), "8"},
		"measure":             {change(`"measure":"11"`, `"measure":"кг"`), "8"},
		"no tax":              {change(`"tax":{"taxType":2},`, ``), "8"},
		"dead tax":            {change(`"taxType":2`, `"taxType":3`), "8"},
		"no company":          {change(company+`,`, ``), "8"},
		"no payments":         {change(`"payments":[{"type":1,"sum":79950}],`, ``), "8"},
		"agent":               {change(`"paymentObject":"4"`, `"paymentObject":"4","agentInfo":{"type":"attorney"}`), "8"},
		"bank agent":          {change(`"paymentObject":"4"`, `"paymentObject":"4","agentInfo":{"type":"bank_paying_agent"},"supplierInfo":{"name":"x"}`), "8"},
		"paying agent":        {change(`"paymentObject":"4"`, `"paymentObject":"4","agentInfo":{"type":"paying_agent"},"supplierInfo":{"name":"x"}`), "8"},
		"two codes":           {change(`"paymentObject":"4"`, `"paymentObject":"4","markCode":{"ean8":"1","short":"2"}`), "8"},
		"unit beside measure": {change(`"paymentObject":"4"`, `"paymentObject":"4","measurementUnit":"шт."`), "8"},
		"nobody to send to":   {change(`"email":"ivan@example.org",`, ``), "4"},
		"tax as text":         {change(`"taxType":2`, `"taxType":"2"`), "5"},
		"bad sno":             {change(`"usn_income"`, `"usn"`), "5"},
		"quantity as text":    {change(`"value":1.5`, `"value":"1.5"`), "5"},
	} {
		out := b.call("v1/register.do", c.fields)
		assert.Equal(t, c.code, out["errorCode"], "%s: %v", name, out)
	}
	out := b.call("v1/register.do", change(`"paymentObject":"4"`, `"paymentObject":"4","agentInfo":{"type":"attorney"},"supplierInfo":{"name":"x","inn":"7700000000  "},"markCode":{"ean8":"1"}`))
	assert.Equal(t, "0", out["errorCode"])
	b = open(t, WithMerchant(Merchant{NoCash: true}))
	refusedWith(t, b.call("v1/register.do", fiscalOrder), "5", schemaText)

	// FFD 1.05 has words and measurementUnit.
	b = open(t)
	old := strings.NewReplacer(`"1.2"`, `"1.05"`, `"paymentObject":"1"`, `"paymentObject":"commodity"`, `"paymentObject":"4"`, `"paymentObject":"service"`, `,"measure":"11"}`, `},"measurementUnit":"кг"`, `,"measure":"0"}`, `}`,
		`"receiptType"`, `"orderCreationDate":1772518500123,"receiptType"`).Replace(fiscalOrder)
	assert.Equal(t, "0", b.call("v1/register.do", old)["errorCode"])
	refusedWith(t, b.call("v1/register.do", strings.Replace(strings.Replace(old, `"value":1.5`, `"value":1.5,"measure":"11"`, 1), "000418", "000419", 1)), "8", tCartFormat.RU)
}

func TestHoldReceiptAndReversal(t *testing.T) {
	b := open(t)
	id := b.call("v1/registerPreAuth.do", fiscalOrder)["orderId"].(string)
	require.NoError(t, b.Pay(id))
	assert.Empty(t, b.receipts(id), "a hold prints nothing")
	part := `"orderId":"` + id + `","amount":60000,"orderBundle":{"ffdVersion":"1.2","receiptType":"SELL",` + company + `,"payments":[{"type":1,"sum":60000}],"total":60000,"cartItems":{"items":[` + tea + `]}}`
	assert.Equal(t, "0", b.call("v1/deposit.do", part)["errorCode"])
	assert.Equal(t, "COMPLETION", b.receipts(id)[0].(obj)["operationType"])

	id = b.call("v1/register.do", strings.Replace(fiscalOrder, "000418", "000419", 1))["orderId"].(string)
	require.NoError(t, b.Pay(id))
	assert.Equal(t, "0", b.call("v1/reverse.do", `"orderId":"`+id+`"`)["errorCode"])
	list := b.receipts(id)
	require.Len(t, list, 2)
	assert.Equal(t, "REVERSAL", list[1].(obj)["operationType"])
	assert.Equal(t, "SELL_REFUND", list[1].(obj)["receiptType"])

	// A full refund without a cart returns the whole receipt.
	id = b.call("v1/register.do", strings.Replace(fiscalOrder, "000418", "000420", 1))["orderId"].(string)
	require.NoError(t, b.Pay(id))
	assert.Equal(t, "0", b.call("v1/refund.do", `"orderId":"`+id+`","amount":79950`)["errorCode"])
	assert.Len(t, b.receipts(id), 2)
}

func TestLegacyReceipts(t *testing.T) {
	b := open(t, WithReceiptError("BAD", ReceiptError{}))
	cart := func(code string) string {
		return "&orderBundle=" + url.QueryEscape(`{"cartItems":{"items":[{"positionId":"1","name":"Чай","itemCode":"`+code+`","quantity":{"value":"2","measure":"шт"},"itemPrice":"77495","itemAmount":154990}]}}`)
	}
	id := b.legacyOrder("register.do", "L-1", cart("SKU-1")+"&taxSystem=0")
	require.NoError(t, b.Pay(id))
	status := func(id string) []any { return b.form("getReceiptStatus.do", "orderId="+id)["receipt"].([]any) }
	assert.Equal(t, num("0"), status(id)[0].(obj)["receiptStatus"])
	b.Advance(time.Hour)
	r := status(id)[0].(obj)
	assert.Equal(t, num("1"), r["receiptStatus"])
	assert.Equal(t, "1549.90", r["amount_total"])
	refund := func(fields string) obj { return b.form("refund.do", "orderId="+id+fields) }
	items := func(quantity, amount string) string {
		return "&refundItems=" + url.QueryEscape(`{"items":[{"positionId":"1","name":"Чай","itemCode":"SKU-1","quantity":{"value":`+quantity+`},"itemPrice":77495,"itemAmount":`+amount+`}]}`)
	}
	assert.Equal(t, "8", refund("&amount=77495" + items("3", "77495"))["errorCode"])
	assert.Equal(t, obj{"errorCode": num("0")}, refund("&amount=77495"+items("1", "77495")))
	refusedWith(t, refund("&amount=1000"), "5", tParam.RU)
	assert.Equal(t, "8", refund("&amount=1000&refundItems=notjson")["errorCode"])
	b.Advance(time.Hour)
	assert.Equal(t, num("4"), status(id)[1].(obj)["receiptStatus"])
	byID := b.form("getReceiptStatus.do", "uuid="+r["uuid"].(string))
	assert.Equal(t, "L-1", byID["orderNumber"])
	refusedWith(t, b.form("getReceiptStatus.do", "uuid=none"), "6", tNothingFound.RU)
	refusedWith(t, b.form("getReceiptStatus.do", "orderId=none"), "6", tWrongNumber.RU)

	id = b.legacyOrder("register.do", "L-2", cart("BAD"))
	require.NoError(t, b.Pay(id))
	b.Advance(time.Hour)
	assert.Equal(t, num("2"), status(id)[0].(obj)["receiptStatus"])
	refusedWith(t, b.form("register.do", "orderNumber=L-3&amount=1&returnUrl=x"+cart("x")), "8", tCartSum.RU)
	refusedWith(t, b.form("register.do", "orderNumber=L-3&amount=1&returnUrl=x&orderBundle=1"), "8", tCartFormat.RU)

	assert.Equal(t, obj{"errorCode": num("0")}, b.form("processRawPositionRefund.do", "orderId="+id+"&amount=100&positionId=1"))
	refusedWith(t, b.form("processRawPositionRefund.do", "orderId="+id+"&amount=100&positionId=7"), "8", tCartFormat.RU)
	assert.Equal(t, obj{"errorCode": num("0")}, b.form("processRawSumRefund.do", "orderId="+id+"&amount=100&name=x&itemCode=y&taxType=0"))
	refusedWith(t, b.form("processRawSumRefund.do", "orderId="+id+"&amount=100"), "5", tParam.RU)
}

// TestReceiptsOfTheCashService: what Receipts tells is what the bank answers,
// printed, on its way and failed; a new callback address holds for both
// gateways.
func TestReceiptsOfTheCashService(t *testing.T) {
	b := open(t, WithReceiptStep(time.Minute), WithReceiptError("DLV", ReceiptError{Text: "нет бумаги"}))
	b.SetCallbackURL("https://elsewhere.example/hook")
	out := b.call("v1/register.do", strings.ReplaceAll(fiscalOrder, "DLV", "SKU-2"))
	require.Equal(t, "0", out["errorCode"])
	id := out["orderId"].(string)
	assert.Empty(t, b.Receipts())
	require.NoError(t, b.Pay(id))
	got := b.Receipts()
	require.Len(t, got, 1)
	assert.Equal(t, "waiting", string(got[0].State))
	b.Advance(2 * time.Minute)
	r := b.Receipts()[0]
	told := b.receipts(id)[0].(obj)["payload"].(obj)
	assert.Equal(t, "printed", string(r.State))
	assert.Equal(t, []any{told["fnNumber"], told["fiscalDocumentNumber"], told["fiscalDocumentAttribute"], told["ecrRegistrationNumber"], told["ofdReceiptUrl"]},
		[]any{r.FN, num(r.FD), num(r.FP), r.RegNumber, r.URL})
	assert.Equal(t, id, r.OrderID)
	assert.Equal(t, "799.50", r.Total.String())
	require.Len(t, r.Lines, 2)
	assert.Equal(t, emulator.ReceiptLine{Name: "Чай", Price: 40000, Quantity: "1.5", Sum: 60000, VAT: "2"}, r.Lines[0])
	for _, d := range b.Deliveries() {
		assert.True(t, strings.HasPrefix(d.URL, "https://elsewhere.example/hook"), d.URL)
	}

	out = b.call("v1/register.do", strings.Replace(fiscalOrder, "CRM-2026-000418", "CRM-2026-000419", 1))
	require.NoError(t, b.Pay(out["orderId"].(string)))
	b.Advance(2 * time.Minute)
	r = b.Receipts()[1]
	assert.Equal(t, []string{"failed", "нет бумаги", ""}, []string{string(r.State), r.Fault, r.FN})
	order, _ := b.Order(id)
	assert.Equal(t, b.URL+"/pp/pay_ru?orderId="+id, order.Link)
	legacy, _ := b.Order(b.legacyOrder("registerPreAuth.do", "L-1", ""))
	assert.Equal(t, []any{"legacy", true}, []any{legacy.Protocol, legacy.TwoStage})
	assert.Contains(t, legacy.Link, "/payment/merchants/")
}
