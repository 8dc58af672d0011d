package tochkatest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSandbox(t *testing.T) {
	b := start(t)
	box := func(method, path, body string) (int, map[string]any) {
		t.Helper()
		return b.under("/sandbox/v2/", method, path, body)
	}
	for token, want := range map[string]int{"": 401, "invalid_token": 403, b.Server.keys[0].Token: 403, SandboxToken: 200, "working_token": 200} {
		b.token = token
		status, _ := box("GET", "open-banking/v1.0/customers", "")
		assert.Equal(t, want, status, token)
	}
	b.token = SandboxToken
	status, doc := box("GET", "acquiring/v1.0/payments/b26287ee-bdd0-3482-a10d-3c462f5ba6db", "")
	require.Equal(t, 200, status)
	want := decode(t, samples(t, "samples/sandbox_operation_reconstructed.json"))
	assert.Equal(t, want["Data"], doc["Data"])
	_, doc = box("POST", "acquiring/v1.0/payments/48232c9a-ce82-1593-3cb6-5c85a1ffef8f/refund", `{"Data":{"amount":1234.00}}`)
	assert.Equal(t, decode(t, samples(t, "samples/sandbox_refund_response.json"))["Data"], doc["Data"], "whatever was asked")
	_, doc = box("POST", "acquiring/v1.0/payments/e08aa797-3d6d-3834-b8d4-8a90d8fd1244/capture", "")
	assert.Equal(t, map[string]any{"result": true}, doc["Data"])
	status, _ = box("GET", "acquiring/v1.0/payments/00000000-0000-4000-8000-000000000000", "")
	assert.Equal(t, 424, status)

	// The envelope is checked, the trade is not.
	body := strings.Replace(linkBody(`"preAuthorization":true,"merchantId":"-"`), "300777001", "1234567ab", 1)
	status, doc = box("POST", "acquiring/v1.0/payments", body)
	require.Equal(t, 200, status)
	assert.Equal(t, "48232c9a-ce82-1593-3cb6-5c85a1ffef8f", doc["Data"].(map[string]any)["operationId"])
	status, _ = box("POST", "acquiring/v1.0/payments", linkBody(`"amount":0`))
	assert.Equal(t, 400, status)
	status, doc = box("POST", "acquiring/v1.0/payments_with_receipt", receiptBody(`"ttl":5`))
	require.Equal(t, 200, status)
	assert.Len(t, doc["Data"].(map[string]any)["Items"], 2)
	status, _ = box("POST", "acquiring/v1.0/subscriptions", subscriptionBody(`"recurring":true`))
	assert.Equal(t, 200, status)
	status, _ = box("GET", "acquiring/v1.0/nothing", "")
	assert.Equal(t, 501, status)
	for _, path := range []string{"webhook/v1.0/x", "consent/v1.0/consents", "acquiring/v1.0/registry?customerCode=1234567ab&merchantId=200000000001097&date=2025-01-01"} {
		status, _ = box("GET", path, "")
		assert.Equal(t, 403, status, path)
	}
	for _, path := range strings.Fields(`open-banking/v1.0/customers/1234567ab open-banking/v1.0/accounts open-banking/v1.0/accounts/12345810901234567890/044525104
		open-banking/v1.0/balances open-banking/v1.0/accounts/12345810901234567890%2F044525104/balances open-banking/v1.0/accounts/12345810901234567890/044525104/authorized-card-transactions
		open-banking/v1.0/statements open-banking/v1.0/accounts/12345810901234567890/044525104/statements/23489 payment/v1.0/status/x acquiring/v1.0/retailers?customerCode=1234567ab
		acquiring/v1.0/payments?customerCode=1234567ab acquiring/v1.0/subscriptions?customerCode=1234567ab sbp/v1.0/customer/1234567ab/044525104 sbp/v1.0/legal-entity/LF0000000001
		sbp/v1.0/account/LF0000000001 sbp/v1.0/merchant/legal-entity/LF0000000001 sbp/v1.0/merchant/MF0000000001 sbp/v1.0/qr-code/x sbp/v1.0/qr-code/legal-entity/LF0000000001
		sbp/v1.0/qr-codes/x/payment-status sbp/v1.0/get-sbp-payments?customerCode=1234567ab sbp/v1.0/refund/x invoice/v1.0/bills/1234567ab/x/payment-status`) {
		status, doc = box("GET", path, "")
		assert.Equal(t, 200, status, "%s: %v", path, doc)
	}
	for path, body := range map[string]string{
		"open-banking/v1.0/statements":         `{"Data":{"Statement":{"accountId":"x","startDateTime":"2019-01-01","endDateTime":"2019-01-01"}}}`,
		"sbp/v1.0/register-sbp-legal-entity":   `{"Data":{"customerCode":"1234567ab","bankCode":"044525104"}}`,
		"sbp/v1.0/merchant/legal-entity/LF1":   `{"Data":{"address":"x","city":"x","countryCode":"RU","countrySubDivisionCode":"57","zipCode":"614000","brandName":"x","capabilities":"001","mcc":"5499"}}`,
		"sbp/v1.0/qr-code/merchant/MF1/x":      `{"Data":{"paymentPurpose":"x","qrcType":"01"}}`,
		"sbp/v1.0/refund":                      `{"Data":{"bankCode":"044525104","accountCode":"x","amount":"1","qrcId":"x"}}`,
		"invoice/v1.0/bills":                   billBody(""),
		"invoice/v1.0/bills/1234567ab/x/email": `{"Data":{"email":"a@b.ru"}}`,
		"payment/v1.0/for-sign":                `{"Data":{"accountCode":"40702810900000001234","bankCode":"044525104","counterpartyBankBic":"044525225","counterpartyAccountNumber":"40702810900000009999","counterpartyName":"x","paymentAmount":1,"paymentDate":"2026-10-02","paymentPurpose":"x"}}`,
	} {
		status, doc = box("POST", path, body)
		assert.Equal(t, 200, status, "%s: %v", path, doc)
	}
	assert.Equal(t, 200, b.raw("GET", "/sandbox/v2/invoice/v1.0/bills/1234567ab/x/file", "", "").StatusCode)
	assert.Empty(t, b.Orders(), "no state")
	assert.Empty(t, b.Deliveries(), "no webhooks")
}
