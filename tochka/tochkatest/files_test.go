package tochkatest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func billBody(members string) string {
	return merge(map[string]json.RawMessage{"accountId": json.RawMessage(`"40702810900000001234/044525104"`), "customerCode": json.RawMessage(`"300777001"`),
		"SecondSide": json.RawMessage(`{"taxCode":"7702345678","type":"company","secondSideName":"ООО Покупатель","kpp":"770201001","legalAddress":"Москва, ул. Примерная, 1"}`),
		"Content":    json.RawMessage(`{"Invoice":` + documentText + `}`)}, members)
}

const documentText = `{"number":"17","date":"2026-10-01","totalAmount":12200.00,"totalNds":2200.00,"paymentExpiryDate":"2026-10-15","basedOn":"Договор 5","comment":"",
	"Positions":[{"positionName":"Обучение","unitCode":"услуга.","ndsKind":"nds_22","price":12200.00,"quantity":1,"totalAmount":12200.00,"totalNds":2200.00}]}`

func TestInvoices(t *testing.T) {
	b := start(t, WithCallbackURL("https://shop.example/tochka"))
	id := b.ok("POST", "invoice/v1.0/bills", billBody(""))["documentId"].(string)
	path := "invoice/v1.0/bills/300777001/" + id
	status := func() any { return b.ok("GET", path+"/payment-status", "")["paymentStatus"] }
	assert.Equal(t, "payment_waiting", status())
	assert.Equal(t, true, b.ok("POST", path+"/email", `{"Data":{"email":"a@b.ru"}}`)["result"])
	b.no(400, "Field email : ", "POST", path+"/email", `{"Data":{"email":"a"}}`)
	assert.Equal(t, []Email{{id, "a@b.ru"}}, b.Emails(id))
	assert.Empty(t, b.Emails("nothing"))
	resp := b.raw("GET", "/uapi/"+path+"/file", "", "")
	assert.Equal(t, "application/pdf", resp.Header.Get("Content-Type"))
	file := b.body(resp)
	assert.True(t, bytes.HasPrefix(file, []byte("%PDF-1.4")))
	assert.True(t, bytes.HasSuffix(file, []byte("%%EOF\n")))
	assert.Contains(t, string(file), "Invoice 17")

	require.NoError(t, b.Incoming(Transfer{Amount: money.RUB(12200, 0), INN: "7702345678", Name: "ООО Покупатель", Purpose: "Оплата по счёту № 16"}))
	assert.Equal(t, "payment_waiting", status(), "another number")
	require.NoError(t, b.Incoming(Transfer{Amount: money.RUB(12200, 0), INN: "7702345678", Name: "ООО Покупатель", Purpose: "Оплата по счёту № 17 от 01.10.2026"}))
	assert.Equal(t, "payment_paid", status())
	assert.Contains(t, b.Deliveries()[1].Canonical, `"webhookType": "incomingPayment"`)

	late := b.ok("POST", "invoice/v1.0/bills", billBody(""))["documentId"].(string)
	b.Advance(20 * 24 * time.Hour)
	assert.Equal(t, "payment_expired", b.ok("GET", "invoice/v1.0/bills/300777001/"+late+"/payment-status", "")["paymentStatus"])
	assert.Equal(t, true, b.ok("DELETE", "invoice/v1.0/bills/300777001/"+late, "")["result"])
	b.no(404, "does not exists", "DELETE", "invoice/v1.0/bills/300777001/"+late, "")
	for _, tail := range []string{"/payment-status", "/file"} {
		b.no(404, "does not exists", "GET", "invoice/v1.0/bills/300777001/"+late+tail, "")
	}
	b.no(404, "does not exists", "POST", "invoice/v1.0/bills/300777001/"+late+"/email", `{"Data":{"email":"a@b.ru"}}`)
	b.no(403, "Forbidden", "GET", "invoice/v1.0/bills/300777009/"+id+"/file", "")
	b.no(403, "Forbidden", "POST", "invoice/v1.0/bills", billBody(`"customerCode":"300777009"`))
	b.no(403, "Forbidden", "POST", "invoice/v1.0/bills", billBody(`"accountId":"40702810900000009999/044525104"`))
	b.no(400, "Field Content.Invoice : Field required", "POST", "invoice/v1.0/bills", billBody(`"Content":{}`))
	b.no(400, "Field Content.Invoice.Positions.0.quantity : Input should be less than 10000000", "POST", "invoice/v1.0/bills",
		billBody(`"Content":{"Invoice":`+strings.Replace(documentText, `"quantity":1`, `"quantity":10000000`, 1)+`}`))
	b.no(400, "Field Content.Invoice.Positions.0.price : Input should be greater than or equal to 0", "POST", "invoice/v1.0/bills",
		billBody(`"Content":{"Invoice":`+strings.Replace(documentText, `"price":12200.00`, `"price":-1`, 1)+`}`))

	closing := b.ok("POST", "invoice/v1.0/closing-documents", billBody(`"documentId":"`+id+`","Content":{"Upd":`+strings.Replace(documentText, `"number":"17"`, `"number":"№(17)","function":"schfdop"`, 1)+`}`))["documentId"].(string)
	cpath := "invoice/v1.0/closing-documents/300777001/" + closing
	assert.Contains(t, string(b.body(b.raw("GET", "/uapi/"+cpath+"/file", "", ""))), "Upd ??17?")
	b.ok("POST", cpath+"/email", `{"Data":{"email":"a@b.ru"}}`)
	b.no(404, "does not exists", "GET", "invoice/v1.0/bills/300777001/"+closing+"/file", "") // it is no invoice
	assert.Equal(t, true, b.ok("DELETE", cpath, "")["result"])
	b.no(400, "one of Act, PackingList, Invoicef, Upd", "POST", "invoice/v1.0/closing-documents", billBody(`"Content":{}`))
	b.no(404, "does not exists", "POST", "invoice/v1.0/closing-documents", billBody(`"documentId":"x","Content":{"Act":`+documentText+`}`))
}

func TestAccountsAndStatements(t *testing.T) {
	b := start(t, WithCompany(Company{CustomerCode: "300777001", FullName: "ООО", TaxCode: "7701234567", Accounts: []Account{{ID: DefaultAccountID, Balance: money.RUB(1000, 0), Blocked: money.RUB(100, 0)}}}),
		WithCompany(Company{CustomerCode: "300777000", Personal: true, Accounts: []Account{{ID: "40817810900000001234/044525104"}}}))
	list := b.ok("GET", "open-banking/v1.0/accounts", "")["Account"].([]any)
	require.Len(t, list, 2)
	assert.Equal(t, "Personal", list[1].(map[string]any)["accountType"])
	assert.NotEmpty(t, list[0].(map[string]any)["accountDetails"])
	assert.Equal(t, list[0], b.ok("GET", "open-banking/v1.0/accounts/"+DefaultAccountID, ""))
	assert.Len(t, b.ok("GET", "open-banking/v1.0/balances", "")["Balance"], 8)
	rows := b.ok("GET", "open-banking/v1.0/accounts/"+DefaultAccountID+"/balances", "")["Balance"].([]any)
	assert.Equal(t, json.Number("900.0"), rows[1].(map[string]any)["Amount"].(map[string]any)["amount"])
	assert.Len(t, b.ok("GET", "open-banking/v1.0/accounts/"+DefaultAccountID+"/authorized-card-transactions", "")["Transactions"], 1)
	b.no(403, "Forbidden", "GET", "open-banking/v1.0/accounts/40702810900000009999%2F044525104/authorized-card-transactions", "")
	b.no(403, "Forbidden", "GET", "open-banking/v1.0/accounts/40702810900000009999%2F044525104/balances", "")
	b.no(403, "Forbidden", "GET", "open-banking/v1.0/customers/999999999", "")

	require.NoError(t, b.Incoming(Transfer{AccountID: DefaultAccountID, Amount: money.RUB(40, 0), Name: "ИП Тест", INN: "660000000000", Purpose: "Тест", Number: "5"}))
	b.Advance(24 * time.Hour)
	require.NoError(t, b.Outgoing(Transfer{Amount: money.RUB(10, 50), Name: "ООО", Purpose: "Обратно"}))
	require.Error(t, b.Outgoing(Transfer{AccountID: "nothing"}))
	order := func(from, to string) map[string]any {
		st := b.ok("POST", "open-banking/v1.0/statements", `{"Data":{"Statement":{"accountId":"`+DefaultAccountID+`","startDateTime":"`+from+`","endDateTime":"`+to+`"}}}`)["Statement"].(map[string]any)
		assert.Equal(t, "Created", st["status"])
		path := "open-banking/v1.0/accounts/40702810900000001234%2F044525104/statements/" + st["statementId"].(string)
		look := func() map[string]any {
			return b.ok("GET", path, "")["Statement"].([]any)[0].(map[string]any)
		}
		assert.Equal(t, "Processing", look()["status"])
		return look()
	}
	both := order("2026-10-02", "2026-10-03")
	assert.Equal(t, "Ready", both["status"])
	assert.Len(t, both["Transaction"], 2)
	assert.Equal(t, json.Number("1000.0"), both["startDateBalance"])
	assert.Equal(t, json.Number("1029.5"), both["endDateBalance"])
	one := both["Transaction"].([]any)[0].(map[string]any)
	assert.Equal(t, "Credit", one["creditDebitIndicator"])
	assert.Equal(t, "660000000000", one["DebtorParty"].(map[string]any)["inn"])
	second := order("2026-10-03", "2026-10-03")
	assert.Equal(t, json.Number("1040.0"), second["startDateBalance"])
	assert.Empty(t, order("2026-09-01", "2026-09-02")["Transaction"])
	assert.Len(t, b.ok("GET", "open-banking/v1.0/statements", "")["Statement"], 3)
	assert.Len(t, b.ok("GET", "open-banking/v1.0/statements?limit=2", "")["Statement"], 2)
	b.no(400, "less than endDateTime", "POST", "open-banking/v1.0/statements", `{"Data":{"Statement":{"accountId":"`+DefaultAccountID+`","startDateTime":"2026-10-03","endDateTime":"2026-10-02"}}}`)
	b.no(400, "Datetimes provided to dates should have zero time", "POST", "open-banking/v1.0/statements", `{"Data":{"Statement":{"accountId":"`+DefaultAccountID+`","startDateTime":"2026-10-03T10:00:00+03:00","endDateTime":"2026-10-02"}}}`)
	b.no(403, "Forbidden", "POST", "open-banking/v1.0/statements", `{"Data":{"Statement":{"accountId":"x","startDateTime":"2026-10-03","endDateTime":"2026-10-04"}}}`)
	b.Advance(25 * time.Hour)
	b.no(404, "Not found statement under account", "GET", "open-banking/v1.0/accounts/"+DefaultAccountID+"/statements/"+both["statementId"].(string), "")
}

func TestPaymentsForSignature(t *testing.T) {
	b := start(t)
	body := func(members string) string {
		return merge(map[string]json.RawMessage{"accountCode": json.RawMessage(`"40702810900000001234"`), "bankCode": json.RawMessage(`"044525104"`), "counterpartyBankBic": json.RawMessage(`"044525225"`),
			"counterpartyAccountNumber": json.RawMessage(`"40702810900000009999"`), "counterpartyName": json.RawMessage(`"ООО Издатель"`), "counterpartyINN": json.RawMessage(`"7700000001"`),
			"paymentAmount": json.RawMessage(`700.33`), "paymentDate": json.RawMessage(`"2026-10-02"`), "paymentNumber": json.RawMessage(`9195`), "paymentPurpose": json.RawMessage(`"Оплата"`)}, members)
	}
	const path = "payment/v1.0/for-sign"
	b.no(400, "Field accountCode : Field required; Field bankCode : Field required; ", "POST", path, body(`"accountCode":"-","bankCode":"-"`))
	b.no(400, "Value error, should be less than today or equal", "POST", path, body(`"paymentDate":"2026-10-03"`))
	b.no(400, "Value error, forbidden symbols: —", "POST", path, body(`"paymentPurpose":"a — b"`))
	b.no(403, "Forbidden", "POST", path, body(`"accountCode":"40702810900000009999"`))
	data := b.ok("POST", path, body(""))
	id := data["requestId"].(string)
	assert.Contains(t, data["redirectURL"], id)
	list := b.ok("GET", path+"?customerCode=300777001", "")["Payment"].([]any)
	require.Len(t, list, 1)
	assert.Equal(t, "9195", list[0].(map[string]any)["paymentNumber"])
	assert.Equal(t, "Created", b.ok("GET", "payment/v1.0/status/"+id, "")["status"])
	require.NoError(t, b.SignPayment(id, true))
	require.Error(t, b.SignPayment(id, true))
	assert.Equal(t, "Paid", b.ok("GET", "payment/v1.0/status/"+id, "")["status"])
	other := b.ok("POST", path, body(""))["requestId"].(string)
	require.NoError(t, b.SignPayment(other, false))
	assert.Equal(t, "Canceled", b.ok("GET", "payment/v1.0/status/"+other, "")["status"])
	b.no(404, "not found", "GET", "payment/v1.0/status/x", "")
	b.no(403, "Forbidden", "GET", path+"?customerCode=999999999", "")
	assert.Equal(t, json.Number("249299.67"), b.ok("GET", "open-banking/v1.0/balances", "")["Balance"].([]any)[0].(map[string]any)["Amount"].(map[string]any)["amount"])
}
