package crm

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func file(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(b)
}

// TestTokens are the worked vectors of the protocol.
func TestTokens(t *testing.T) {
	for _, v := range []struct{ key, secret, token string }{
		{"k3yForCrmApi0000000000000000abcd", "module-secret-77", "b4220e746c5e5909943384506cc1eb15b7a07a62d93be58abcb257d374d86113"},
		{"key", "secret", "96de09a0f8699191b28587118ac57df88bbf6c2d0c131d196dcd90f7efd68c93"},
	} {
		assert.Equal(t, v.token, Token(v.key, v.secret))
		r := Register{Token: v.token, APIKey: v.key, SystemURL: "https://tea.retailcrm.ru/ "}
		assert.True(t, r.Verify(v.secret))
		assert.Equal(t, "https://tea.retailcrm.ru", r.System())
		assert.False(t, r.Verify(v.secret+"x"))
		assert.False(t, r.Verify(""))
		r.APIKey += "x"
		assert.False(t, r.Verify(v.secret))
	}
	empty := Register{Token: Token("key", ""), APIKey: "key"}
	assert.False(t, empty.Verify(""), "an empty secret verifies nothing")
}

func ptr[T any](v T) *T { return &v }

// TestWireForms: what is sent is what the protocol's examples are.
func TestWireForms(t *testing.T) {
	const uuid, id, link = "d2f0a6a4-0f2e-4d0b-8f0e-3b6b6d1c9e10", "8c5b1f43-6b7f-4f6e-a5a9-0f4f1b7c2d33", "https://mod.example/pay/aZ3k9Q"
	module := Module{Code: "alfabank-acquiring", IntegrationCode: "alfabank-acquiring", Active: true, Name: "Альфа-Банк", Logo: "https://mod.example/alfa.svg",
		ClientID: "0b6a7c0e-7d5a-4b8b-9a3b-2f1f6c0f1a11", BaseURL: "https://mod.example", AccountURL: "https://mod.example/settings/0b6a",
		Actions: map[string]string{"activity": "/activity"}}
	module.Integrations.Payment = PaymentIntegration{Currencies: []string{"RUB"}, InvoiceTypes: []string{"link"},
		Actions: map[string]string{"create": "/payment/create", "approve": "/payment/approve", "cancel": "/payment/cancel", "refund": "/payment/refund", "status": "/payment/status"},
		Shops:   []Shop{{"5f0d1c8a", "Чай Москва", true}, {"77aa", "Чай СПб", true}}}
	for name, v := range map[string]any{
		"update-invoice.json": Update{InvoiceUUID: uuid, PaymentID: id, Status: "succeeded", Amount: ptr(Roubles(129950)), PaidAt: "2025-06-02 15:04:05",
			Refundable: ptr(true), Cancellable: ptr(false), InvoiceURL: link},
		"update-refund.json": Update{InvoiceUUID: uuid, PaymentID: id, Status: "refundSucceeded", Refundable: ptr(false),
			Refund: &Refund{ID: "rf-1", Status: RefundSucceeded, Amount: 129950, Comment: ptr("Возврат")}},
		"import.json": Import{PaymentID: 979, ExternalID: "A-979", Amount: 669700, Currency: "RUB", Status: "succeeded",
			CreatedAt: "2025-07-08 00:00:00", PaidAt: "2025-07-08 00:10:00", Refundable: true},
		"module.json":   module,
		"created.json":  Reply{Success: true, Result: Created{id, link, true}},
		"refunded.json": Reply{Success: true, Result: &Refund{ID: "rf-1", Status: RefundSucceeded, Amount: 10050}},
		"status.json":   Reply{Success: true, Result: StatusResult{Status: "succeeded", Amount: 129950, PaidAt: ptr("2025-06-02 15:04:05"), PaymentID: id, InvoiceURL: link, Refundable: true}},
		"connect.json":  ConnectInfo{Success: true, Scopes: Scopes(), RegisterURL: "https://mod.example/simple/connect"},
	} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		assert.JSONEq(t, file(t, name), string(b), name)
	}
}

func TestCreateIsRead(t *testing.T) {
	var r CreateRequest
	require.NoError(t, json.Unmarshal([]byte(file(t, "create.json")), &r))
	require.NoError(t, r.Validate())
	assert.Equal(t, money.RUB(1299, 50), r.Amount.Amount)
	assert.Equal(t, Text("1042"), r.OrderID)
	assert.Equal(t, Item{Name: "Чай", Price: "1299.5", Quantity: "1", MeasurementUnit: "шт", VAT: "vat20", PaymentMethod: "full_prepayment", PaymentObject: "commodity"}, r.Items[0])
	assert.Equal(t, "Иван", r.Customer.Name())
	assert.Equal(t, Text("79001112233"), r.Customer.Phone)
}

// TestLenientDecoding: whatever comes in whatever type is decoded, and what is
// wrong with it is told, not thrown.
func TestLenientDecoding(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                              "shopId: не заполнено",
		`{"shopId":0,"invoiceUuid":0}`:    "invoiceUuid: не UUID",
		`{"amount":"1.1.1"}`:              "amount: не сумма в рублях с копейками",
		`{"amount":{"a":1}}`:              "amount: не сумма в рублях с копейками",
		`{"amount":10.001}`:               "amount: не сумма в рублях с копейками",
		`{"amount":1e99999999}`:           "amount: не сумма в рублях с копейками",
		`{"amount":0}`:                    "amount: должна быть больше нуля",
		`{"amount":-5}`:                   "amount: должна быть больше нуля",
		`{"amount":null}`:                 "amount: не заполнено",
		`{"currency":643}`:                "currency: не код валюты",
		`{"siteUrl":"tea"}`:               "siteUrl: не адрес",
		`{"items":{"a":1},"customer":[]}`: "shopId",
		`{"items":[{"name":"","price":"много"}, 5, null]}`: "items[0].price: не сумма",
		`{"invoiceType":"qr"}`:              "invoiceType",
		`{"customer":{"email":"не почта"}}`: "customer.email",
	} {
		var r CreateRequest
		require.NoError(t, json.Unmarshal([]byte(in), &r), in)
		assert.ErrorContains(t, r.Validate(), want, in)
	}
	for in, want := range map[string]money.Amount{`"1.1"`: 110, `1.1`: 110, `1299`: 129900, `1.2995E3`: 129950, `"1 299,50"`: 129950, `1299.4999999999998`: 129950, `0.1`: 10, `" 5 "`: 500} {
		var s Sum
		require.NoError(t, json.Unmarshal([]byte(in), &s))
		assert.Equal(t, Sum{Amount: want, Given: true}, s, in)
	}
	var whole Customer
	require.NoError(t, json.Unmarshal([]byte(`{"id":7,"firstName":"Анна","phones":[{"number":79161234567}],"contragent":{"contragentType":"enterpreneur","legalName":"ИП Иванова","INN":500100732259}}`), &whole))
	assert.Equal(t, Text("79161234567"), whole.Phone)
	assert.True(t, whole.Legal())
	assert.Equal(t, "ИП Иванова", whole.Name())
	assert.Equal(t, Text("500100732259"), whole.INN)
	var a Activity
	require.NoError(t, json.Unmarshal([]byte(`{"active":1,"freeze":"false"}`), &a))
	assert.Equal(t, Activity{Active: Flag{true, true}, Freeze: Flag{false, true}}, a)
	require.NoError(t, json.Unmarshal([]byte(`{"active":"да"}`), &a))
	assert.False(t, a.Active.Given)
}

func TestRoublesAreShort(t *testing.T) {
	for a, want := range map[money.Amount]string{129950: "1299.5", 129900: "1299", 1: "0.01", 0: "0", 100000: "1000", 129999: "1299.99", 999999999999: "9999999999.99"} {
		b, err := json.Marshal(Roubles(a))
		require.NoError(t, err)
		assert.Equal(t, want, string(b))
		var back Roubles
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, Roubles(a), back)
	}
	assert.Error(t, json.Unmarshal([]byte(`"x"`), new(Roubles)))
}

func FuzzCreateRequest(f *testing.F) {
	for _, name := range []string{"create.json", "module.json", "invoice.json"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"amount":"1e5","items":[{"price":"1/3"}],"customer":{"phones":[{}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r CreateRequest
		if json.Unmarshal(b, &r) != nil && json.Valid(b) && b[0] == '{' {
			t.Fatalf("an object was not decoded: %s", b)
		}
		if r.Validate() == nil && (r.Amount.Amount <= 0 || r.ShopID == "") {
			t.Fatal("passed without a sum or a shop")
		}
	})
}
