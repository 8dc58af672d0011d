package paymastertest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

// The requests of the specification, section A5.
const (
	invoiceJSON = `{"merchantId":"7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11",
 "testMode":true,"dualMode":false,
 "invoice":{"description":"Заказ ORD-2024-0042","orderNo":"ORD-2024-0042","expires":"2026-11-22T09:00:00Z","params":{"crm":"17","Case":"Kept"}},
 "amount":{"value":1499.90,"currency":"RUB"},
 "protocol":{"returnUrl":"https://shop.example.ru/thanks","callbackUrl":"https://shop.example.ru/hooks/pm/9b1e7c"},
 "customer":{"email":"buyer@example.ru","phone":"79990001122","ip":"203.0.113.7","account":"u-55"},
 "receipt":{"client":{"email":"buyer@example.ru"},
  "items":[{"name":"Абонемент на май","quantity":1,"price":1499.90,"vatType":"None","paymentSubject":"Service","paymentMethod":"FullPrepayment"}]}}`
	refundJSON = `{"paymentId":"%s","amount":{"value":499.90,"currency":"RUB"},
 "receipt":{"client":{"email":"buyer@example.ru"},"items":[{"name":"Абонемент на май","quantity":1,"price":499.90,"vatType":"None","paymentSubject":"Service","paymentMethod":"FullPayment"}]}}`
)

func change(body string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(body) }

func create(t *testing.T, s *Server, body string) string {
	t.Helper()
	r := v2(t, s, "POST", "/invoices", body)
	require.Equal(t, 200, r.code, r.body)
	return r.text("paymentId")
}

func status(t *testing.T, s *Server, id string) string {
	t.Helper()
	return v2(t, s, "GET", "/payments/"+id, "").text("status")
}

func TestInvoiceIsPaid(t *testing.T) {
	hook := &shop{}
	s := still(t, WithCallbackHandler(hook))
	r := v2(t, s, "POST", "/invoices", invoiceJSON)
	require.Equal(t, 200, r.code, r.body)
	assert.Equal(t, "application/json", r.header.Get("Content-Type"))
	assert.Regexp(t, `^\d+$`, r.at("paymentId"))
	assert.Regexp(t, `/cpay/[0-9a-f]{32}$`, r.text("url"))
	id := r.text("paymentId")
	before := v2(t, s, "GET", "/payments/"+id, "")
	assert.Equal(t, "Pending", before.text("status"))
	assert.Equal(t, true, before.at("testMode"))
	assert.Nil(t, before.at("paymentData"), "no method is chosen")
	assert.Equal(t, "1499.9000", before.text("amount", "value"))
	assert.Equal(t, map[string]any{"crm": "17", "Case": "Kept"}, before.at("invoice", "params"))
	assert.Equal(t, "203.0.113.7", before.text("customer", "ip"))

	require.NoError(t, s.Pay("ORD-2024-0042"))
	assert.Error(t, s.Pay(id), "it is paid")
	after := v2(t, s, "GET", "/payments/"+id+"/", "null")
	assert.Equal(t, "Settled", after.text("status"))
	assert.Equal(t, "Success", after.text("resultCode"))
	assert.Equal(t, "410000XXXXXX0010", after.text("paymentData", "paymentInstrumentTitle"))
	assert.Equal(t, 1, s.Deliver())
	cb := hook.last(t)
	assert.Equal(t, json.Number(id), cb.at("id"), "a number in notifications")
	assert.Equal(t, "Settled", cb.text("status"))
	assert.Nil(t, cb.at("resultCode"))
	assert.Equal(t, "application/json", hook.types[0])
	assert.Equal(t, "https://shop.example.ru/hooks/pm/9b1e7c", s.Deliveries()[0].URL)

	o, ok := s.Order("ORD-2024-0042")
	require.True(t, ok)
	assert.Equal(t, id, o.ID)
	assert.Equal(t, money.RUB(1499, 90), o.Captured)
	assert.Equal(t, "Settled", o.State)
	assert.Len(t, s.Orders(), 1)
	assert.Equal(t, []string{id}, s.Payable("ORD-2024-0042"))
	receipts := s.Receipts(id)
	require.Len(t, receipts, 1)
	assert.Equal(t, "Абонемент на май", receipts[0].Lines[0].Name)
	assert.Equal(t, money.RUB(1499, 90), receipts[0].Lines[0].Sum)
}

func TestUnknownsOfAnswers(t *testing.T) {
	hook := &shop{}
	s := still(t, WithCallbackHandler(hook), WithUnknowns(Unknowns{NumericIDs: true, StringCallbackIDs: true, BOM: true, ShortSums: true, Milliseconds: true,
		CallbackStatuses: []string{"Settled"}}))
	r := v2(t, s, "POST", "/invoices", invoiceJSON)
	assert.IsType(t, json.Number(""), r.at("paymentId"))
	id := r.text("paymentId")
	assert.Equal(t, "1499.9", v2(t, s, "GET", "/payments/"+id, "").text("amount", "value"))
	require.NoError(t, s.Pay(id))
	s.Deliver()
	assert.True(t, strings.HasPrefix(hook.got[0], "\xef\xbb\xbf{"))
	id2 := create(t, s, invoiceJSON)
	require.NoError(t, s.Decline(id2))
	assert.Zero(t, s.Deliver(), "Rejected is not announced")
	assert.Equal(t, "Rejected", status(t, s, id2))
}

func TestPublishedSamples(t *testing.T) {
	hook := &shop{}
	s := still(t, WithCallbackURL("http://shop.test/"), WithCallbackHandler(hook))
	r := v2(t, s, "POST", "/invoices/", change(sample(t, "v2_vendor_module_invoice_request_shape.json"), "11112222-3333-4444-5555-666677778888", DefaultMerchantID))
	require.Equal(t, 200, r.code, r.body)
	assertHas(t, sample(t, "v2_invoice_created.json"), r.body)
	id := r.text("paymentId")
	o, _ := s.Order(id)
	assert.Equal(t, money.RUB(1234, 50), o.Amount)
	require.NoError(t, s.Pay(id))
	s.Deliver()
	assert.NotContains(t, hook.got[0], "params")

	id = create(t, s, change(invoiceJSON, `"https://shop.example.ru/hooks/pm/9b1e7c"`, `"http://shop.test/9"`))
	require.NoError(t, s.Pay(id))
	s.Deliver()
	published := strings.Replace(sample(t, "v2_callback_settled.json"), "BT_USR", "crm", 1)
	assertHas(t, published, hook.last(t).body)

	list := v2(t, s, "GET", "/payments?merchantId="+DefaultMerchantID+"&start=2026-11-21T00%3A00%3A00Z&end=2026-11-22T00%3A00%3A00Z", "")
	assertHas(t, sample(t, "v2_payments_list.json"), list.body)
	refund := v2(t, s, "POST", "/refunds", fmt.Sprintf(refundJSON, id))
	assertHas(t, sample(t, "v2_refund_pending.json"), refund.body)
	none := v2(t, s, "POST", "/invoices", `{"invoice":{"description":"x"},"amount":{"value":1,"currency":"RUB"}}`)
	assert.JSONEq(t, sample(t, "v2_error_validation.json"), none.body)
	assert.Equal(t, 400, none.code)

	direct := v2(t, s, "POST", "/payments", change(cardJSON, "PAN", CardThreeDS1))
	assertHas(t, strings.Replace(sample(t, "v2_payment_confirmation_3dsv1.json"), `"BT_USR": "34"`, "", 1), direct.body[:len(direct.body)-1]+`,"resultCode":"Success"}`)
	assert.Equal(t, sample(t, "v2_empty_ok.txt"), v2(t, s, "PUT", "/payments/"+direct.text("id")+"/cancel", "").body)

	sticker := v2(t, s, "POST", "/stickers", stickerJSON)
	assertHas(t, sample(t, "v2_sticker.json"), sticker.body)
	token := v2(t, s, "POST", "/paymenttokens", sbpTokenJSON)
	assertHas(t, sample(t, "v2_token_created_external.json"), token.body)
	require.NoError(t, s.ActivateToken(token.text("id")))
	s.Deliver()
	assertHas(t, sample(t, "v2_token_callback_active.json"), hook.last(t).body)
}

func TestValidation(t *testing.T) {
	s := still(t)
	for name, body := range map[string]string{
		"no merchant":          change(invoiceJSON, `"merchantId":"7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11",`, ``),
		"no description":       change(invoiceJSON, `"description":"Заказ ORD-2024-0042",`, ``),
		"empty description":    change(invoiceJSON, `"Заказ ORD-2024-0042"`, `""`),
		"no amount":            change(invoiceJSON, `"amount":{"value":1499.90,"currency":"RUB"},`, ``),
		"amount is a text":     change(invoiceJSON, `{"value":1499.90,"currency":"RUB"}`, `"1499.90"`),
		"comma":                change(invoiceJSON, `"value":1499.90`, `"value":"1,499.90"`),
		"exponent in a text":   change(invoiceJSON, `"value":1499.90`, `"value":"1e+06"`),
		"zero":                 change(invoiceJSON, `"value":1499.90`, `"value":0`),
		"below zero":           change(invoiceJSON, `"value":1499.90`, `"value":-1`),
		"true":                 change(invoiceJSON, `"value":1499.90`, `"value":true`),
		"a third decimal":      change(invoiceJSON, `"value":1499.90`, `"value":1499.905`),
		"no currency":          change(invoiceJSON, `1499.90,"currency":"RUB"`, `1499.90`),
		"another currency":     change(invoiceJSON, `"RUB"`, `"USD"`),
		"testMode as text":     change(invoiceJSON, `"testMode":true`, `"testMode":"true"`),
		"expires in the past":  change(invoiceJSON, "2026-11-22T09", "2026-11-20T09"),
		"expires is no date":   change(invoiceJSON, "2026-11-22T09:00:00Z", "tomorrow"),
		"params is a list":     change(invoiceJSON, `{"crm":"17","Case":"Kept"}`, `[1]`),
		"phone with a plus":    change(invoiceJSON, `"79990001122"`, `"+79990001122"`),
		"email":                change(invoiceJSON, `"email":"buyer@example.ru","phone"`, `"email":"buyer","phone"`),
		"customer is a text":   change(invoiceJSON, `{"email":"buyer@example.ru","phone":"79990001122","ip":"203.0.113.7","account":"u-55"}`, `"u-55"`),
		"returnUrl":            change(invoiceJSON, `"https://shop.example.ru/thanks"`, `"/thanks"`),
		"receipt without sum":  change(invoiceJSON, `"price":1499.90`, `"price":1499.89`),
		"receipt: no client":   change(invoiceJSON, `"client":{"email":"buyer@example.ru"},`, ``),
		"receipt: empty":       change(invoiceJSON, `"client":{"email":"buyer@example.ru"}`, `"client":{"name":"Ivan"}`),
		"receipt: no items":    change(invoiceJSON, `[{"name":"Абонемент на май","quantity":1,"price":1499.90,"vatType":"None","paymentSubject":"Service","paymentMethod":"FullPrepayment"}]`, `[]`),
		"receipt: item":        change(invoiceJSON, `[{"name":"Абонемент на май","quantity":1,"price":1499.90,"vatType":"None","paymentSubject":"Service","paymentMethod":"FullPrepayment"}]`, `["x"]`),
		"receipt: items":       change(invoiceJSON, `[{"name":"Абонемент на май","quantity":1,"price":1499.90,"vatType":"None","paymentSubject":"Service","paymentMethod":"FullPrepayment"}]`, `{"a":1}`),
		"quantity zero":        change(invoiceJSON, `"quantity":1`, `"quantity":0`),
		"vat_none":             change(invoiceJSON, `"vatType":"None"`, `"vatType":"vat_none"`),
		"no subject":           change(invoiceJSON, `"paymentSubject":"Service",`, ``),
		"unknown way":          change(invoiceJSON, `"FullPrepayment"`, `"CreditPayment"`),
		"agent":                change(invoiceJSON, `"quantity":1`, `"quantity":1,"agentType":"Spy"`),
		"marking without code": change(invoiceJSON, `"quantity":1`, `"quantity":1,"marking":{"quantity":{"numerator":0,"denominator":"x"}}`),
		"method":               change(invoiceJSON, `"testMode":true`, `"paymentMethod":"cash"`),
		"tokenization":         change(invoiceJSON, `"testMode":true`, `"tokenization":{"type":"always"}`),
		"account of a token":   change(invoiceJSON, `"testMode":true`, `"tokenization":{"type":"cof"}`, `,"account":"u-55"`, ``),
		"no JSON":              `{`,
		"two documents":        `{}{}`,
		"a list":               `[]`,
		"nothing":              ``,
	} {
		r := v2(t, s, "POST", "/invoices", body)
		assert.Equal(t, 400, r.code, name)
		assert.Equal(t, "validation_error", r.text("code"), name)
		assert.NotEmpty(t, r.at("errors"), name)
	}
	assert.Empty(t, s.Orders())
	assert.Equal(t, 415, v2(t, s, "POST", "/invoices", invoiceJSON, "Content-Type", "text/plain").code)
	assert.Equal(t, 400, v2(t, s, "GET", "/payments?x=%zz", "").code)

	for name, body := range map[string]string{
		"case of names and words": change(invoiceJSON, "merchantId", "MERCHANTID", `"vatType":"None"`, `"VatType":"nONE"`, `"testMode":true`, `"paymentmethod":"BANKCARD"`),
		"numbers as text":         change(invoiceJSON, `"value":1499.90`, `"value":"1499.9000"`, `"price":1499.90`, `"price":"749.95"`, `"quantity":1`, `"quantity":"2"`),
		"unknown properties":      change(invoiceJSON, `"testMode":true`, `"testMode":true,"settlements":[{"a":1}],"x":null`),
		"order number as number":  change(invoiceJSON, `"orderNo":"ORD-2024-0042"`, `"orderNo":42`),
		"noise of floats":         change(invoiceJSON, `"value":1499.90`, `"value":1499.8999999999999`),
		"everything in a line": change(invoiceJSON, `"quantity":1`, `"quantity":1,"measure":"piece","agentType":"Agent","excise":1.5,"product":{"country":"643","declaration":"d"},
 "supplier":{"name":"n","inn":"7700000000","phone":"+79"},"marking":{"code":"0104","quantity":{"numerator":1,"denominator":2}}`),
	} {
		assert.Equal(t, 200, v2(t, s, "POST", "/invoices", body).code, name)
	}
}

func TestAuthorization(t *testing.T) {
	s := still(t)
	for _, header := range []string{"", "Bearer wrong", "Basic " + DefaultToken, DefaultToken} {
		r := v2(t, s, "POST", "/invoices", invoiceJSON, "Authorization", header)
		assert.Equal(t, 401, r.code)
		assert.Equal(t, "not_authorized", r.text("code"))
	}
	foreign := v2(t, s, "POST", "/invoices", change(invoiceJSON, "7f6c1d1e", "00000000"))
	assert.Equal(t, "not_authorized", foreign.text("code"))
	assert.Equal(t, "not_authorized", v2(t, s, "GET", "/refunds?merchantId=other", "").text("code"))

	silent := still(t, WithUnknowns(Unknowns{EmptyErrors: true, ErrorStatus: map[string]int{"not_authorized": 403}}))
	r := v2(t, silent, "GET", "/payments/1", "", "Authorization", "")
	assert.Equal(t, 403, r.code)
	assert.Empty(t, r.body)
}

func TestUnknownID(t *testing.T) {
	for name, c := range map[string]struct {
		answer NotFound
		code   int
		body   bool
	}{"404": {NotFound404, 404, true}, "empty": {NotFoundEmpty, 404, false}, "400": {NotFound400, 400, true}} {
		s := still(t, WithUnknowns(Unknowns{NotFound: c.answer}))
		classic := classicStart(t, s)
		for _, path := range []string{"GET /payments/999", "GET /payments/" + classic, "PUT /payments/999/cancel", "PUT /payments/999/confirm", "PUT /payments/999/complete",
			"GET /refunds/9", "GET /receipts/r-1", "GET /receipts?paymentId=9", "GET /paymenttokens/x", "PUT /paymenttokens/x/revoke",
			"PUT /paymenttokens/x/complete", "GET /stickers/x", "PUT /stickers/x"} {
			method, path, _ := strings.Cut(path, " ")
			r := v2(t, s, method, path, "")
			assert.Equal(t, c.code, r.code, name+path)
			if assert.Equal(t, c.body, r.body != "", name+path) && c.body {
				assert.Equal(t, "validation_error", r.text("code"))
			}
		}
		assert.Equal(t, c.code, v2(t, s, "POST", "/refunds", fmt.Sprintf(refundJSON, "999")).code)
	}
}

func TestIdempotency(t *testing.T) {
	s := still(t)
	first := v2(t, s, "POST", "/invoices", invoiceJSON, "Idempotency-Key", "k-1")
	require.Equal(t, 200, first.code)
	again := v2(t, s, "POST", "/invoices", invoiceJSON, "Idempotency-Key", "k-1")
	assert.Equal(t, 409, again.code)
	assert.Equal(t, "idempotency_key_violation", again.text("code"))
	assert.Equal(t, 409, v2(t, s, "POST", "/refunds", `{}`, "Idempotency-Key", "k-1").code, "the key is the merchant's")
	assert.Equal(t, 200, v2(t, s, "GET", "/payments/"+first.text("paymentId"), "", "Idempotency-Key", "k-1").code)
	assert.Len(t, s.Orders(), 1)

	s = still(t, WithUnknowns(Unknowns{KeyReplay: true, KeyPerEndpoint: true, KeyLife: time.Hour}))
	first = v2(t, s, "POST", "/invoices", invoiceJSON, "Idempotency-Key", "k-1")
	assert.Equal(t, first.body, v2(t, s, "POST", "/invoices", invoiceJSON, "Idempotency-Key", "k-1").body)
	assert.Equal(t, 409, v2(t, s, "POST", "/invoices", change(invoiceJSON, "ORD", "NEW"), "Idempotency-Key", "k-1").code)
	assert.Equal(t, 400, v2(t, s, "POST", "/refunds", `{}`, "Idempotency-Key", "k-1").code)
	assert.Len(t, s.Orders(), 1)
	free := still(t, WithUnknowns(Unknowns{KeyNotUsed: true}))
	assert.Equal(t, 400, v2(t, free, "POST", "/invoices", `{}`, "Idempotency-Key", "k-1").code)
	assert.Equal(t, 200, v2(t, free, "POST", "/invoices", invoiceJSON, "Idempotency-Key", "k-1").code)
	assert.Equal(t, 400, v2(t, s, "POST", "/invoices", `{}`, "Idempotency-Key", "k-2").code)
	assert.Equal(t, 409, v2(t, s, "POST", "/invoices", invoiceJSON, "Idempotency-Key", "k-2").code, "a refused request uses the key up too")
	s.Advance(time.Hour)
	assert.NotEqual(t, first.body, v2(t, s, "POST", "/invoices", invoiceJSON, "Idempotency-Key", "k-1").body)
}

func TestHold(t *testing.T) {
	hook := &shop{}
	s := still(t, WithCallbackHandler(hook))
	dual := change(invoiceJSON, `"dualMode":false`, `"dualMode":true`)
	id := create(t, s, dual)
	confirm := func(id, body string) result { return v2(t, s, "PUT", "/payments/"+id+"/confirm", body) }
	assert.Equal(t, "invalid_operation", confirm(id, `{"amount":{"value":1,"currency":"RUB"}}`).text("code"), "nothing is held")
	require.NoError(t, s.Pay(id))
	assert.Equal(t, "Authorized", status(t, s, id))
	assert.Equal(t, "validation_error", confirm(id, ``).text("code"))
	assert.Equal(t, "validation_error", confirm(id, `{"amount":{"value":1,"currency":"USD"}}`).text("code"))
	assert.Equal(t, "invalid_operation", confirm(id, `{"amount":{"value":1499.91,"currency":"RUB"}}`).text("code"))
	assert.Equal(t, "invalid_operation", v2(t, s, "POST", "/refunds", fmt.Sprintf(refundJSON, id)).text("code"), "not settled")
	ok := confirm(id, `{"amount":{"value":999.90,"currency":"RUB"},"receipt":{"client":{"phone":"79"},"items":[{"name":"n","quantity":1,"price":999.9,"vatType":"Vat22","paymentSubject":"Service","paymentMethod":"FullPayment"}]}}`)
	assert.Equal(t, 200, ok.code)
	assert.Empty(t, ok.body)
	assert.Equal(t, "999.9000", v2(t, s, "GET", "/payments/"+id, "").text("amount", "value"))
	o, _ := s.Order(id)
	assert.Equal(t, []money.Amount{money.RUB(1499, 90), money.RUB(999, 90), money.RUB(500, 0)}, []money.Amount{o.Authorized, o.Captured, o.Released})
	assert.Equal(t, "invalid_operation", v2(t, s, "PUT", "/payments/"+id+"/cancel", "").text("code"))
	assert.Equal(t, "Vat22", s.Receipts(id)[0].Lines[0].VAT)

	void := create(t, s, dual)
	require.NoError(t, s.Pay(void))
	assert.Equal(t, 200, v2(t, s, "PUT", "/payments/"+void+"/cancel", "null").code)
	assert.Equal(t, "Cancelled", status(t, s, void))
	o, _ = s.Order(void)
	assert.Equal(t, o.Authorized, o.Released)
	s.Deliver()
	var events []string
	for _, d := range s.Deliveries() {
		events = append(events, d.Event)
	}
	assert.Equal(t, []string{"Authorized", "Settled", "Authorized", "Cancelled"}, events)

	loose := still(t, WithUnknowns(Unknowns{ConfirmWithoutAmount: true, ConfirmNeedsReceipt: true, ConfirmKeepsAmount: true, HoldLife: time.Hour, KeepUnpaid: true}))
	id = create(t, loose, dual)
	assert.Equal(t, "invalid_operation", v2(t, loose, "PUT", "/payments/"+id+"/cancel", "").text("code"))
	require.NoError(t, loose.Pay(id))
	assert.Equal(t, "validation_error", v2(t, loose, "PUT", "/payments/"+id+"/confirm", "").text("code"), "a receipt is missing")
	loose.Advance(time.Hour)
	after := v2(t, loose, "GET", "/payments/"+id, "")
	assert.Equal(t, "Cancelled", after.text("status"))
	assert.Equal(t, "PaymentExpired", after.text("resultCode"))
	id = create(t, loose, `{"merchantId":"`+DefaultMerchantID+`","dualMode":true,"invoice":{"description":"x"},"amount":{"value":5,"currency":"RUB"}}`)
	require.NoError(t, loose.PaySBP(id))
	assert.Equal(t, 200, v2(t, loose, "PUT", "/payments/"+id+"/confirm", "").code)
	assert.Equal(t, "Settled", status(t, loose, id))
}

func TestEndsOfAnUnpaidInvoice(t *testing.T) {
	s := still(t)
	a, b, c := create(t, s, invoiceJSON), create(t, s, invoiceJSON), create(t, s, invoiceJSON)
	require.NoError(t, s.DeclineWith(a, "InsufficientFunds"))
	assert.Error(t, s.DeclineWith(b, "Whatever"))
	require.NoError(t, s.DeclineWith(b, "CancelledByUser"))
	r := v2(t, s, "GET", "/payments/"+a, "")
	assert.Equal(t, []string{"Rejected", "InsufficientFunds", "Недостаточно средств"}, []string{r.text("status"), r.text("resultCode"), r.text("message")})
	assert.Equal(t, "Cancelled", status(t, s, b))
	s.Advance(21*time.Hour - time.Second)
	assert.Equal(t, "Pending", status(t, s, c))
	s.Advance(time.Second)
	assert.Equal(t, "Cancelled", status(t, s, c))
	assert.Equal(t, "PaymentExpired", v2(t, s, "GET", "/payments/"+c, "").text("resultCode"))
	assert.Empty(t, s.Payable("ORD-2024-0042"))
	assert.Error(t, s.Expire(c))
	assert.Error(t, s.Pay("nobody"))
	assert.Error(t, s.Pay(""))

	s = still(t, WithUnknowns(Unknowns{ExpiredRejected: true, RetryAfterDecline: true}))
	id := create(t, s, invoiceJSON)
	require.NoError(t, s.Decline(id))
	assert.Equal(t, "Pending", status(t, s, id), "another card may be tried")
	require.NoError(t, s.Expire(id))
	assert.Equal(t, "Rejected", status(t, s, id))
	id = create(t, s, invoiceJSON)
	assert.Equal(t, 200, v2(t, s, "PUT", "/payments/"+id+"/cancel", "{}").code)
	assert.Equal(t, "CancelledByUser", v2(t, s, "GET", "/payments/"+id, "").text("resultCode"))
}

func TestRefunds(t *testing.T) {
	s := still(t)
	id := create(t, s, invoiceJSON)
	require.NoError(t, s.Pay(id))
	r := v2(t, s, "POST", "/refunds", fmt.Sprintf(refundJSON, id))
	require.Equal(t, 200, r.code, r.body)
	assert.Equal(t, "Pending", r.text("status"))
	assert.Equal(t, id, r.text("paymentId"))
	refund := r.text("id")
	over := change(fmt.Sprintf(refundJSON, id), "499.90", "1000.01")
	assert.Equal(t, "invalid_operation", v2(t, s, "POST", "/refunds", over).text("code"), "the one that waits counts")
	o, _ := s.Order(id)
	assert.Zero(t, o.Refunded)
	s.Advance(3 * time.Second)
	assert.Equal(t, "Success", v2(t, s, "GET", "/refunds/"+refund, "").text("status"))
	assert.Equal(t, "Settled", status(t, s, id), "a refund does not change the payment")
	o, _ = s.Order(id)
	assert.Equal(t, money.RUB(499, 90), o.Refunded)
	assert.Equal(t, "Refund", s.Receipts(id)[1].Type)

	s.RejectRefunds(1, "")
	bare := `{"paymentId":` + id + `,"amount":{"value":1000,"currency":"RUB"}}`
	second := v2(t, s, "POST", "/refunds", bare).text("id")
	assert.Equal(t, 1, s.ExecuteRefunds())
	got := v2(t, s, "GET", "/refunds/"+second, "")
	assert.Equal(t, []string{"Rejected", "TransactionDeclined"}, []string{got.text("status"), got.text("resultCode")})
	assert.Equal(t, 200, v2(t, s, "POST", "/refunds", bare).code, "a rejected refund leaves the sum")
	assert.Equal(t, 1, s.ExecuteRefunds())
	list := s.Refunds(id)
	require.Len(t, list, 3)
	assert.Equal(t, "Success", list[2].Status)
	all := v2(t, s, "GET", "/refunds?merchantId="+DefaultMerchantID, "")
	assert.Len(t, all.at("items"), 3)
	later := v2(t, s, "GET", "/refunds?merchantId="+DefaultMerchantID+"&start=2026-11-21T12:00:01Z&end=2026-11-21T13:00:00", "")
	assert.Len(t, later.at("items"), 2)
	assert.Equal(t, "validation_error", v2(t, s, "GET", "/refunds", "").text("code"))
	assert.Equal(t, "validation_error", v2(t, s, "POST", "/refunds", `{"paymentId":"`+id+`","amount":{"value":1,"currency":"EUR"}}`).text("code"))
}

func TestReceipts(t *testing.T) {
	const body = `{"paymentId":"%s","amount":{"value":1499.90,"currency":"RUB"},"type":"Payment","client":{"email":"buyer@example.ru"},
 "items":[{"name":"Абонемент на май","quantity":1,"price":1499.90,"vatType":"None","paymentSubject":"Service","paymentMethod":"FullPayment"}]}`
	s := still(t, WithReceiptTime(time.Minute))
	id := create(t, s, invoiceJSON)
	assert.Equal(t, "invalid_operation", v2(t, s, "POST", "/receipts", fmt.Sprintf(body, id)).text("code"))
	require.NoError(t, s.Pay(id))
	s.RejectReceipts(1)
	r := v2(t, s, "POST", "/receipts", fmt.Sprintf(body, id))
	require.Equal(t, 200, r.code, r.body)
	assert.Regexp(t, `^r-\d+$`, r.at("id"))
	assert.Equal(t, "Pending", r.text("status"))
	s.Advance(time.Minute)
	assert.Equal(t, "Success", v2(t, s, "GET", "/receipts/"+r.text("id"), "").text("status"))
	list := v2(t, s, "GET", "/receipts?paymentId="+id, "")
	assert.Len(t, list.at("items"), 2)
	assert.Contains(t, list.body, "Rejected")
	assert.Equal(t, "validation_error", v2(t, s, "POST", "/receipts", change(fmt.Sprintf(body, id), `"type":"Payment",`, "")).text("code"))
	assert.Equal(t, "validation_error", v2(t, s, "GET", "/receipts", "").text("code"))
	assert.Equal(t, 404, v2(t, s, "POST", "/receipts", fmt.Sprintf(body, "9")).code)

	loose := still(t, WithUnknowns(Unknowns{ReceiptsArray: true, StrayReceipts: true, VatNone: true}))
	id = create(t, loose, change(invoiceJSON, `"price":1499.90,"vatType":"None"`, `"price":1,"vatType":"vat_none"`))
	require.NoError(t, loose.Pay(id))
	assert.True(t, strings.HasPrefix(v2(t, loose, "GET", "/receipts?paymentId="+id, "").body, "["))
}

func TestListsAreCut(t *testing.T) {
	query := "/payments?merchantId=" + DefaultMerchantID + "&start=" + url.QueryEscape("2026-11-21T12:00:01Z") + "&end=" + url.QueryEscape("2026-11-21T12:00:07.000Z")
	walk := func(s *Server) (ids []string, pages int, end string) {
		cursor := ""
		for pages < 9 {
			r := v2(t, s, "GET", query+"&cursor="+cursor, "")
			require.Equal(t, 200, r.code, r.body)
			pages++
			for _, e := range r.at("items").([]any) {
				ids = append(ids, e.(map[string]any)["id"].(string))
			}
			next, there := r.object()["cursor"]
			end = fmt.Sprint(there, next)
			if text, _ := next.(string); text == "" || text == cursor {
				return ids, pages, end
			}
			cursor = next.(string)
		}
		return ids, pages, end
	}
	for name, c := range map[string]struct {
		u     Unknowns
		count int
		pages int
		end   string
	}{
		"ordinary":  {Unknowns{PageSize: 3}, 7, 3, "false <nil>"},
		"null":      {Unknowns{CursorEnd: CursorNull}, 7, 2, "true <nil>"},
		"empty":     {Unknowns{CursorEnd: CursorEmpty}, 7, 2, "true"},
		"exclusive": {Unknowns{ExclusiveEnd: true, NewestFirst: true}, 6, 2, "false <nil>"},
		"repeat":    {Unknowns{CursorEnd: CursorRepeat}, 7, 3, ""},
	} {
		s := still(t, WithUnknowns(c.u))
		for range 9 {
			create(t, s, change(invoiceJSON, "returnUrl", "ignored"))
			s.Advance(time.Second)
		}
		ids, pages, end := walk(s)
		assert.Len(t, ids, c.count, name)
		assert.Equal(t, c.pages, pages, name)
		if c.end != "" {
			assert.Equal(t, c.end, end, name)
		}
		if c.u.NewestFirst {
			assert.Greater(t, ids[0], ids[1])
		} else {
			assert.Less(t, ids[0], ids[1])
		}
	}
	s := still(t)
	for _, q := range []string{"/payments", "/payments?merchantId=" + DefaultMerchantID, query + "&cursor=zz", strings.Replace(query, "2026-11", "soon", 1)} {
		assert.Equal(t, "validation_error", v2(t, s, "GET", q, "").text("code"), q)
	}
}

func TestRetriesForgeriesAndMischief(t *testing.T) {
	hook := &shop{status: 500}
	s := still(t, WithCallbackHandler(hook), WithRetries(3, time.Minute))
	id := create(t, s, invoiceJSON)
	require.NoError(t, s.Pay(id))
	s.Advance(time.Hour)
	assert.Len(t, hook.got, 3)
	hook.status = 200
	require.NoError(t, s.Resend("ORD-2024-0042"))
	require.NoError(t, s.Forge(id))
	s.Deliver()
	assert.Equal(t, hook.got[0], hook.got[3])
	forged := hook.last(t)
	assert.Equal(t, "9"+id+"9", forged.text("id"))
	assert.Equal(t, "Settled", forged.text("status"))
	assert.Error(t, s.Forge("nothing"))
	s.Mischief(Mischief{Duplicates: 1})
	require.NoError(t, s.Pay(create(t, s, invoiceJSON)))
	assert.Equal(t, 2, s.Deliver())

	text := still(t, WithCallbackHandler(hook), WithUnknowns(Unknowns{StringCallbackIDs: true, BOM: true}))
	id = create(t, text, invoiceJSON)
	require.NoError(t, text.Pay(id))
	require.NoError(t, text.Forge(id))
	text.Deliver()
	assert.Contains(t, hook.last(t).body, `"9`+id+`9"`)
}
