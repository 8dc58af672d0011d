package tochkatest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

// TestAnswersAreTheDocuments calls every method of the OpenAPI document once,
// and compares each answer with the document's example: no member that the
// document has not, and no other type.
func TestAnswersAreTheDocuments(t *testing.T) {
	var document map[string]struct {
		Example any `json:"response_example"`
	}
	d := json.NewDecoder(strings.NewReader(string(samples(t, "samples/openapi_1_91_2_examples.json"))))
	d.UseNumber()
	require.NoError(t, d.Decode(&document))

	b := start(t, WithCallbackHandler(&inbox{}), WithCardRefunds(0), WithConsentArray())
	met := tour(b)
	for name, one := range document {
		got, ok := met[strings.ReplaceAll(strings.ReplaceAll(name, "{client_id}", "{clientId}"), "{request_id}", "{requestId}")]
		if !assert.True(t, ok, "%s was not called", name) || one.Example == nil {
			continue
		}
		for _, answer := range got {
			noStrangers(t, name, one.Example, decode(t, answer))
		}
	}
	assert.Len(t, met, len(document))
}

// tour calls all methods and gives their good answers.
func tour(b *bank) map[string][][]byte {
	b.Helper()
	const acc = "40702810900000001234/044525104"
	key := b.token
	access, _ := b.enter()
	consent := b.Consents()[0].ID
	b.ok("GET", "consent/v1.0/consents", "")
	b.ok("GET", "consent/v1.0/consents/"+consent, "")
	b.ok("GET", "consent/v1.0/consents/"+consent+"/child", "")
	require.NotEmpty(b, access)
	b.token = key

	for _, path := range []string{"customers", "customers/300777001", "accounts", "accounts/" + acc, "balances", "accounts/" + acc + "/balances", "accounts/" + acc + "/authorized-card-transactions"} {
		b.ok("GET", "open-banking/v1.0/"+path, "")
	}
	require.NoError(b, b.Incoming(Transfer{Amount: money.RUB(40, 0), Name: "ИП Тест"}))
	st := b.ok("POST", "open-banking/v1.0/statements", `{"Data":{"Statement":{"accountId":"`+acc+`","startDateTime":"2026-10-01","endDateTime":"2026-10-03"}}}`)["Statement"].(map[string]any)["statementId"].(string)
	for range 2 {
		b.ok("GET", "open-banking/v1.0/accounts/"+acc+"/statements/"+st, "")
	}
	b.ok("GET", "open-banking/v1.0/statements", "")
	sign := b.ok("POST", "payment/v1.0/for-sign", `{"Data":{"accountCode":"40702810900000001234","bankCode":"044525104","counterpartyBankBic":"044525225","counterpartyAccountNumber":"40702810900000009999","counterpartyName":"x","paymentAmount":1,"paymentDate":"2026-10-02","paymentNumber":1,"paymentPurpose":"x"}}`)["requestId"].(string)
	b.ok("GET", "payment/v1.0/for-sign?customerCode=300777001", "")
	b.ok("GET", "payment/v1.0/status/"+sign, "")

	b.ok("GET", "acquiring/v1.0/retailers?customerCode=300777001", "")
	b.link(`"preAuthorization":false,"failRedirectUrl":"https://school.example.com/no"`)
	id := b.ok("POST", "acquiring/v1.0/payments_with_receipt", receiptBody(`"preAuthorization":true,"paymentMode":["card"],"Supplier":{"phone":"+74950000000","name":"x","taxCode":"7700000001"}`))["operationId"].(string)
	require.NoError(b, b.Pay(id))
	b.ok("POST", "acquiring/v1.0/payments/"+id+"/capture", "")
	b.ok("POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1.5}}`)
	b.operation(id)
	sbp := b.link("")["operationId"].(string)
	require.NoError(b, b.PayBy(sbp, "sbp"))
	b.operation(sbp)
	b.ok("GET", "acquiring/v1.0/payments?customerCode=300777001&perPage=1&page=2", "")
	b.ok("GET", "acquiring/v1.0/registry?customerCode=300777001&merchantId=200000000004321&date=2026-10-02", "")
	sub := b.subscribe(`"recurring":true`)
	require.NoError(b, b.Pay(sub))
	b.ok("POST", "acquiring/v1.0/subscriptions/"+sub+"/charge", `{"Data":{"amount":1}}`)
	scheduled := b.ok("POST", "acquiring/v1.0/subscriptions_with_receipt", subscriptionBody(`"Options":{"period":"Day","daysInPeriod":1},"Client":{"email":"a@b.ru"},"Items":[{"name":"x","amount":990,"quantity":1}]`))["operationId"].(string)
	require.NoError(b, b.Pay(scheduled))
	b.ok("GET", "acquiring/v1.0/subscriptions?customerCode=300777001", "")
	b.ok("GET", "acquiring/v1.0/subscriptions?customerCode=300777001&recurring=true", "")
	b.ok("GET", "acquiring/v1.0/subscriptions/"+scheduled+"/status", "")
	b.ok("POST", "acquiring/v1.0/subscriptions/"+scheduled+"/status", `{"Data":{"status":"Cancelled"}}`)

	hook := "webhook/v1.0/" + DefaultClientID
	b.ok("PUT", hook, `{"webhooksList":["incomingPayment"],"url":"https://shop.example/x"}`)
	b.ok("POST", hook, `{"webhooksList":["outgoingPayment"],"url":"https://shop.example/x"}`)
	b.ok("GET", hook, "")
	b.ok("POST", hook+"/test_send", `{"webhookType":"outgoingPayment"}`)
	b.ok("DELETE", hook, "")

	b.ok("GET", "sbp/v1.0/customer/300777001/044525104", "")
	b.ok("POST", "sbp/v1.0/register-sbp-legal-entity", `{"Data":{"customerCode":"300777001","bankCode":"044525104"}}`)
	for _, path := range []string{"legal-entity/LF0000000001", "account/LF0000000001", "merchant/legal-entity/LF0000000001", "merchant/MF0000000001"} {
		b.ok("GET", "sbp/v1.0/"+path, "")
	}
	b.ok("POST", "sbp/v1.0/legal-entity/LF0000000001", `{"Data":{"status":"Active"}}`)
	b.ok("PUT", "sbp/v1.0/merchant/MF0000000001", `{"Data":{"status":"Active"}}`)
	b.ok("POST", "sbp/v1.0/merchant/legal-entity/LF0000000001", `{"Data":{"address":"x","city":"x","countryCode":"RU","countrySubDivisionCode":"57","zipCode":"614000","brandName":"x","capabilities":"001","mcc":"5499"}}`)
	qr := b.ok("POST", qrPath, qrOrder)["qrcId"].(string)
	require.NoError(b, b.Pay(qr))
	b.ok("GET", "sbp/v1.0/qr-code/"+qr, "")
	b.ok("GET", "sbp/v1.0/qr-code/legal-entity/LF0000000001", "")
	b.ok("GET", "sbp/v1.0/qr-codes/"+qr+"/payment-status", "")
	b.ok("GET", "sbp/v1.0/get-sbp-payments?customerCode=300777001", "")
	refund := b.ok("POST", "sbp/v1.0/refund", `{"Data":{"bankCode":"044525104","accountCode":"40702810900000001234","amount":"1","qrcId":"`+qr+`"}}`)["requestId"].(string)
	b.ok("GET", "sbp/v1.0/refund/"+refund, "")
	box := "sbp/v1.0/cashbox-qr-code"
	cash := b.ok("POST", box, `{"Data":{"merchantId":"MF0000000001","accountId":"`+acc+`","redirectUrl":"https://x.ru/","imageParams":{"width":200,"height":200}}}`)["qrcId"].(string)
	params := b.ok("POST", box+"/"+cash+"/activate", `{"Data":{"amount":5,"paymentPurpose":"x"}}`)["paramsId"].(string)
	b.ok("POST", box+"/"+cash, `{"Data":{"imageParams":{"width":200,"height":200}}}`)
	b.ok("GET", box+"/merchant/MF0000000001/"+acc, "")
	b.ok("GET", box+"/"+cash+"/status", "")
	b.ok("POST", box+"/"+cash+"/account", `{"Data":{"accountId":"`+acc+`"}}`)
	require.NoError(b, b.Pay(cash))
	b.ok("GET", box+"/"+cash+"/operation?paramsId="+params, "")
	b.ok("POST", box+"/"+cash+"/activate", `{"Data":{"amount":5}}`)
	b.ok("POST", box+"/"+cash+"/deactivate", "")
	b2b := b.ok("POST", "sbp/v1.0/b2b-qr-code/merchant/MF0000000001/"+acc, `{"Data":{"amount":100,"paymentPurpose":"x","sourceName":"x","takeTax":true,"totalTaxAmount":18,"uip":"1","redirectUrl":"https://x.ru/"}}`)["qrcId"].(string)
	b.ok("GET", "sbp/v1.0/b2b-qr-code/"+b2b+"?width=300&height=300", "")

	for kind, content := range map[string]string{"bills": "Invoice", "closing-documents": "Act"} {
		doc := b.ok("POST", "invoice/v1.0/"+kind, billBody(`"Content":{"`+content+`":`+documentText+`}`))["documentId"].(string)
		path := "invoice/v1.0/" + kind + "/300777001/" + doc
		b.ok("POST", path+"/email", `{"Data":{"email":"a@b.ru"}}`)
		b.body(b.raw("GET", "/uapi/"+path+"/file", "", ""))
		if kind == "bills" {
			b.ok("GET", path+"/payment-status", "")
		}
		b.ok("DELETE", path, "")
	}

	met := map[string][][]byte{}
	for _, e := range b.Requests() {
		r := &http.Request{Method: e.Method, URL: &url.URL{Path: e.Path}}
		_, segments, api := b.split(r)
		if route, _ := b.match(e.Method, segments); api && route != nil && e.Status == 200 {
			name := e.Method + " /" + route.pattern
			met[name] = append(met[name], e.Answer)
		}
	}
	return met
}

// TestScenario is the CRM's manual step by step: the application, the consent,
// the data from the bank, the link with a receipt, the payment, and once more
// with SBP only.
func TestScenario(t *testing.T) {
	shop := &inbox{}
	b := start(t, WithCallbackHandler(shop))
	b.ok("DELETE", "webhook/v1.0/"+DefaultClientID, "")

	// The administrator confirms the list of permissions.
	b.token, _ = b.enter()

	// "Refresh data from the bank".
	var customer string
	for _, c := range b.ok("GET", "open-banking/v1.0/customers", "")["Customer"].([]any) {
		if one := c.(map[string]any); one["customerType"] == "Business" {
			customer = one["customerCode"].(string)
		}
	}
	var point map[string]any
	for _, r := range b.ok("GET", "acquiring/v1.0/retailers?customerCode="+customer, "")["Retailer"].([]any) {
		if one := r.(map[string]any); one["status"] == "REG" && one["isActive"] == true {
			point = one
		}
	}
	require.NotNil(t, point)
	assert.NotEmpty(t, point["cashbox"], "fiscalisation through the bank")
	b.ok("PUT", "webhook/v1.0/crm_app", `{"webhooksList":["acquiringInternetPayment"],"url":"https://crm.example.com/tochka"}`)
	require.Len(t, shop.bodies, 1, "the sample of a foreign company")

	// An invoice with a receipt, paid by card in the browser.
	data := b.ok("POST", "acquiring/v1.0/payments_with_receipt", receiptBody(`"paymentMode":["card","sbp"],"paymentLinkId":"crm-1"`))
	b.visit(data["paymentLink"])
	b.payCard(data["paymentLink"], 0)
	b.Deliver()
	require.Len(t, shop.bodies, 2)
	assert.Contains(t, payloadOf(t, shop.bodies[1]), `"paymentLinkId": "crm-1"`)
	assert.Equal(t, "APPROVED", b.operation(data["operationId"])["status"])
	require.Len(t, b.Receipts(), 1)
	assert.Equal(t, "maria@example.com", b.Receipts()[0].Email)

	// SBP only.
	data = b.link(`"paymentMode":["sbp"],"paymentLinkId":"crm-2"`)
	b.visit(data["paymentLink"])
	b.post(data["paymentLink"], "do", "sbp")
	b.Deliver()
	require.Len(t, shop.bodies, 3)
	assert.Contains(t, payloadOf(t, shop.bodies[2]), `"paymentType": "sbp"`)

	// A refund by hand in the internet bank is found by looking only.
	b.ok("POST", "acquiring/v1.0/payments/"+data["operationId"].(string)+"/refund", `{"Data":{"amount":1}}`)
	b.Advance(time.Hour)
	assert.Len(t, shop.bodies, 3)
	assert.Equal(t, "REFUNDED_PARTIALLY", b.operation(data["operationId"])["status"])
}

// TestRepeatable: the same seed and a clock that stands still give the same
// run, to the byte.
func TestRepeatable(t *testing.T) {
	var runs [2]string
	for i := range runs {
		b := start(t, WithCallbackHandler(&inbox{}))
		for _, mode := range []string{"card", "sbp", "dolyame"} {
			id := b.link(`"paymentMode":["card","sbp","dolyame"]`)["operationId"].(string)
			require.NoError(t, b.PayBy(id, mode))
			b.ok("POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1}}`)
		}
		require.NoError(t, b.Settle(""))
		b.Advance(time.Hour)
		for _, e := range b.Requests() {
			runs[i] += string(e.Answer) + "\n"
		}
		for _, d := range b.Deliveries() {
			runs[i] += string(d.Body) + string(d.State) + "\n"
		}
	}
	assert.Equal(t, runs[0], runs[1])
}
