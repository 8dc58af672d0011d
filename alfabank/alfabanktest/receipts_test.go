package alfabanktest

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

func (b *bank) receipts(id string) []obj {
	b.t.Helper()
	out := b.call("getReceiptStatus.do", "orderId="+id)
	require.Equal(b.t, "0", out["errorCode"])
	list := []obj{}
	for _, r := range out["receipt"].([]any) {
		list = append(list, r.(obj))
	}
	return list
}

func statuses(list []obj) []string {
	out := []string{}
	for _, r := range list {
		s := gateway.ScalarText(r["receiptStatus"])
		if r["receiptType"] != nil {
			s += " " + gateway.ScalarText(r["receiptType"])
		}
		out = append(out, s)
	}
	return out
}

func TestReceipts(t *testing.T) {
	b := open(t)
	id := b.register("A-1001", "&orderBundle="+url.QueryEscape(basket1))
	assert.Empty(t, b.receipts(id))
	require.NoError(t, b.Pay(id))
	assert.Equal(t, []string{"0"}, statuses(b.receipts(id)))
	b.Advance(30 * time.Second)
	done(t, b.call("refund.do", "orderId="+id+"&amount=29900&refundItems="+items(theCup)))
	assert.Equal(t, obj{"success": true}, b.call("closeOfdReceipt.do", "mdOrder="+id+"&amount=123456&orderBundle="+url.QueryEscape(strings.ReplaceAll(basket1, `"value":"1"`, `"value":"4"`))))
	assert.Equal(t, []string{"1", "3", "0 close"}, statuses(b.receipts(id)))
	b.Advance(time.Minute)
	list := b.receipts(id)
	assert.Equal(t, []string{"1", "4", "1 close"}, statuses(list))
	assert.Equal(t, []any{"1299.00", "27", "1", num("18033")}, []any{list[0]["amount_total"], list[0]["shift_number"], list[0]["fiscal_receipt_number"], list[0]["ofdReceiptParams"].(obj)["vatAmount"]})
	assert.Equal(t, list[0]["uuid"], list[1]["original_ofd_uuid"])
	assert.Equal(t, "1234.56", list[2]["amount_total"], "no rule of sums for closing receipts")
	item := list[0]["ofdOrderBundle"].([]any)[0].(obj)
	assert.Equal(t, []any{"Чай", num("14"), obj{"value": "2", "measure": "0"}}, []any{item["name"], item["taxType"], item["quantity"]})
	assert.Len(t, b.call("getReceiptStatus.do", "uuid="+list[1]["uuid"].(string))["receipt"], 1)
	refusedWith(t, b.call("getReceiptStatus.do", "uuid=x"), "6", tUnknown)
	refusedWith(t, b.call("getReceiptStatus.do", "orderNumber=x"), "6", tUnknown)
	var want obj
	sample(t, "responses/receipt_status_v5.json", &want)
	kinds := plainJSON(t, obj{"receipt": list[0]})["receipt"].(obj)
	sameKinds(t, want["receipt"].([]any)[0].(obj), kinds, "")
}

func TestReceiptVersionsAndErrors(t *testing.T) {
	for version := 1; version <= 5; version++ {
		b := open(t, WithMerchant(Merchant{ReceiptVersion: version}), WithReceiptStep(time.Second), WithReceiptError("cup-1", ReceiptError{}), WithUnknowns(Unknowns{ReceiptDatetime: true}))
		id := b.paid("A-1", "&orderBundle="+url.QueryEscape(basket1))
		done(t, b.call("refund.do", "orderId="+id+"&amount=50000&refundItems="+items(oneTea)))
		b.Advance(time.Second)
		list := b.receipts(id)
		assert.Equal(t, gateway.ScalarText(list[0]["receiptStatus"]), "2", "the cup spoils it")
		assert.Equal(t, gateway.ScalarText(list[1]["receiptStatus"]), "4")
		for name, since := range map[string]int{"original_ofd_uuid": 2, "ofdReceiptParams": 4, "ofdOrderBundle": 5, "receipt_datetime": 1} {
			_, there := list[1][name]
			assert.Equal(t, version >= since, there, "%s of version %d", name, version)
		}
		_, there := list[1]["receiptType"]
		assert.Equal(t, version >= 3, there)
	}
	off := open(t, WithMerchant(Merchant{Off: []Right{FiscalService}}))
	id := off.paid("A-1", "&orderBundle="+url.QueryEscape(basket1))
	assert.Equal(t, "5", off.call("getReceiptStatus.do", "orderId="+id)["errorCode"])
	assert.Equal(t, obj{"success": false, "errorCode": "5", "errorMessage": tAccess.EN}, off.call("closeOfdReceipt.do", "amount=1&mdOrder="+id))
}

func TestClosingReceiptRefused(t *testing.T) {
	b := open(t)
	bare := b.paid("A-1", "")
	for fields, code := range map[string]string{"mdOrder=" + bare: "4", "amount=1": "5", "amount=1&mdOrder=x": "6", "amount=x&mdOrder=" + bare: "5", "amount=1&mdOrder=" + bare: "8",
		"amount=1&orderNumber=" + "A-2": "6", "amount=1&orderBundle=%7B%22a%22%3A1%7D&mdOrder=" + bare: "8",
		"amount=1&additionalOfdParams=" + url.QueryEscape(`{"client.inn":"1"}`) + "&mdOrder=" + bare: "5"} {
		out := b.call("closeOfdReceipt.do", fields)
		assert.Equal(t, []any{false, code}, []any{out["success"], out["errorCode"]}, fields)
	}
	assert.Equal(t, "7", b.call("closeOfdReceipt.do", "amount=1&mdOrder="+b.register("A-3", ""))["errorCode"])
	whole := b.paid("A-4", "&orderBundle="+url.QueryEscape(basket1))
	assert.Equal(t, obj{"success": true}, b.call("closeOfdReceipt.do", "amount=129900&orderNumber=A-4"))
	done(t, b.call("refund.do", "orderId="+whole+"&amount=0"))
	assert.Equal(t, "7", b.call("closeOfdReceipt.do", "amount=129900&mdOrder="+whole)["errorCode"], "not after a full refund")
	b.Advance(time.Minute)
	assert.Equal(t, []string{"1", "1 close", "4"}, statuses(b.receipts(whole)))
	reversed := b.paid("A-5", "&orderBundle="+url.QueryEscape(basket1))
	done(t, b.call("reverse.do", "orderId="+reversed))
	assert.Equal(t, []string{"0", "3"}, statuses(b.receipts(reversed)))

	var s struct {
		Fields map[string]json.RawMessage
	}
	sample(t, "requests/bundle_close_receipt_bank_example.json", &s)
	bundle := strings.ReplaceAll(string(s.Fields["orderBundle"]), `"xxxx"`, `"7707083893"`)
	assert.Equal(t, obj{"success": true}, b.call("closeOfdReceipt.do", "amount=123456&mdOrder="+bare+"&orderBundle="+url.QueryEscape(bundle)+"&additionalOfdParams="+url.QueryEscape(string(s.Fields["additionalOfdParams"]))))
}

func TestBaskets(t *testing.T) {
	b := open(t)
	const contact = `"customerDetails":{"email":"a@b.ru"}`
	good := `"positionId":1,"name":"Чай","quantity":{"value":1,"measure":"0"},"itemAmount":129900,"itemCode":"tea-1"`
	of := func(customer, item string) string { return `{` + customer + `,"cartItems":{"items":[{` + item + `}]}}` }
	with := func(old, repl string) string { return strings.Replace(good, old, repl, 1) }
	attr := func(list string) string { return good + `,"itemAttributes":{"attributes":[` + list + `]}` }
	for name, c := range map[string]struct{ bundle, code string }{
		"no items":           {`{` + contact + `}`, "8"},
		"other sum":          {of(contact, with("129900", "129901")), "8"},
		"no position":        {of(contact, with(`"positionId":1,`, "")), "8"},
		"long position":      {of(contact, with(`:1,`, ":1234567890123,")), "8"},
		"no measure":         {of(contact, with(`,"measure":"0"`, "")), "8"},
		"no quantity":        {of(contact, with(`"value":1`, `"value":0`)), "8"},
		"four decimals":      {of(contact, with(`"value":1`, `"value":1.0001`)), "8"},
		"price × quantity":   {of(contact, good+`,"itemPrice":100`), "8"},
		"long name":          {of(contact, with("Чай", strings.Repeat("я", 256))), "8"},
		"long code":          {of(contact, with("tea-1", strings.Repeat("x", 101))), "8"},
		"tax":                {of(contact, good+`,"tax":{"taxType":8}`), "8"},
		"tax sum":            {of(contact, good+`,"tax":{"taxType":0,"taxSum":"1.5"}`), "8"},
		"currency":           {of(contact, good+`,"itemCurrency":"978"`), "8"},
		"attribute":          {of(contact, attr(`{"name":"paymentMethod","value":"8"}`)), "8"},
		"attribute a number": {of(contact, attr(`{"name":"paymentMethod","value":1}`)), "8"},
		"object":             {of(contact, attr(`{"name":"paymentObject","value":"19"}`)), "8"},
		"agent":              {of(contact, attr(`{"name":"agent_info.type","value":"8"}`)), "8"},
		"user data":          {of(contact, attr(`{"name":"userData","value":"`+strings.Repeat("x", 65)+`"}`)), "8"},
		"marking by name":    {of(contact, strings.Replace(attr(`{"name":"nomenclature","value":"00 01"}`), `"measure":"0"`, `"measure":"шт"`, 1)), "8"},
		"nobody":             {of(`"customerDetails":{"contact":"x"}`, good), "4"},
		"phone":              {of(`"customerDetails":{"phone":"12"}`, good), "8"},
		"long email":         {of(`"customerDetails":{"email":"`+strings.Repeat("x", 40)+`@b.ru"}`, good), "8"},
		"INN":                {of(`"customerDetails":{"email":"a@b.ru","inn":"1"}`, good), "8"},
		"name without INN":   {of(`"customerDetails":{"email":"a@b.ru","fullName":"Иван"}`, good), "5"},
		"not JSON":           {"{", "5"},
	} {
		out := b.call("register.do", "orderNumber=A-1&amount=129900&returnUrl="+ok+"&orderBundle="+url.QueryEscape(c.bundle))
		assert.Equal(t, c.code, out["errorCode"], "%s: %v", name, out)
	}
	for i, ofd := range []string{`{"client.email":"a@b.ru","client.phone":"+79998887766"}`, `{"client.email":"a@b.ru","client.birth_date":"01.02.1990"}`, `{"cashier":"` + strings.Repeat("x", 257) + `"}`} {
		assert.Equal(t, "5", b.call("register.do", "orderNumber=A-1&amount=129900&returnUrl="+ok+"&additionalOfdParams="+url.QueryEscape(ofd))["errorCode"], i)
	}
	b.register("A-1", "&orderBundle="+url.QueryEscape(of(contact, attr(`{"name":"agent_info.type","value":"3"},{"name":"supplier_info.inn","value":"7707083893"},{"name":"nomenclature","value":"00 01"}`)+
		`,"itemDetails":{"itemDetailsParams":{"name":"fes_truCode","value":"329921120.06002020100000000643"}},"agent_info":{"x":1}`)))
	b.register("A-2", "&orderBundle="+url.QueryEscape(of(`"customerDetails":{"deliveryInfo":{}}`, with(`"value":1`, `"value":"0.5"`)+`,"itemPrice":"259800"`))+
		"&additionalOfdParams="+url.QueryEscape(`{"client.email":"a@b.ru","client.name":"Иван","client.inn":"770708389312"}`))
	five := open(t, WithUnknowns(Unknowns{BasketCode: 5}))
	assert.Equal(t, "5", five.call("register.do", "orderNumber=A-1&amount=1&returnUrl="+ok+"&orderBundle="+url.QueryEscape(basket1))["errorCode"])
	assert.Equal(t, "1.05", gateway.MilliText(1050))
}

// TestReceiptsOfTheFiscalService: what Receipts tells is what the bank answers,
// printed, on its way and failed.
func TestReceiptsOfTheFiscalService(t *testing.T) {
	b := open(t)
	id := b.register("A-1001", "&orderBundle="+url.QueryEscape(basket1))
	require.NoError(t, b.Pay(id))
	assert.Equal(t, "waiting", string(b.Receipts()[0].State))
	b.Advance(30 * time.Second)
	r, told := b.Receipts()[0], b.receipts(id)[0]
	assert.Equal(t, "printed", string(r.State))
	assert.Equal(t, []any{told["fn_number"], told["fiscal_document_number"], told["fiscal_document_attribute"], told["ecr_registration_number"], told["ofd_receipt_url"]},
		[]any{r.FN, r.FD, r.FP, r.RegNumber, r.URL})
	assert.Equal(t, []string{id, "1299.00", "Чай", "2", "14"}, []string{r.OrderID, r.Total.String(), r.Lines[0].Name, r.Lines[0].Quantity, r.Lines[0].VAT})
	order, _ := b.Order(id)
	assert.Equal(t, b.URL+"/payment/merchants/ecom/payment_en.html?mdOrder="+id, order.Link)
	assert.False(t, order.TwoStage)
	held, _ := b.Order(b.hold("A-1002", ""))
	assert.True(t, held.TwoStage)
}
