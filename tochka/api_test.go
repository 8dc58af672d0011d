package tochka

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// samplesDir is where published samples lie beside the repository.
const samplesDir = "../../shared/samples/tochka"

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(samplesDir, name))
	if os.IsNotExist(err) {
		t.Skipf("the published samples are not here (%s): nothing to compare with", samplesDir)
	}
	require.NoError(t, err)
	return b
}

func sampleInto(t testing.TB, name string, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(sample(t, name), v))
}

// sentRequest is what a typed method sent.
type sentRequest struct {
	Call  string          `json:"call"`
	Query string          `json:"query,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// method is one typed method with an ordinary request.
type method struct {
	endpoint string // as the bank's document names it
	call     func(ctx context.Context, c *Client, o *OAuth) error
}

func just[T any](_ T, err error) error { return err }

func drain[T any](seq func(yield func(*T, error) bool)) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

func position() Position {
	vat := Sum(220000)
	return Position{Name: "Обучение", UnitCode: "услуга.", VAT: NDS22, Price: 1220000, Quantity: fiscal.Pieces(1), TotalAmount: 1220000, TotalVAT: &vat}
}

func side() SecondSide {
	return SecondSide{TaxCode: "7702345678", Type: "company", Name: "ООО Покупатель", KPP: "770201001", LegalAddress: "Москва, ул. Примерная, 1"}
}

func bill() BillRequest {
	vat := Sum(220000)
	r := BillRequest{SecondSide: side()}
	r.Content.Invoice = Bill{Number: "17", Date: "2026-10-01", TotalAmount: 1220000, TotalVAT: &vat, PaymentExpiryDate: "2026-10-15", BasedOn: "Договор 5", Positions: []Position{position()}}
	return r
}

// methods is the whole of the bank's API.
func methods() []method {
	type C = *Client
	type O = *OAuth
	type X = context.Context
	const id, sub, mf, lf = opID, "e7a1c0de-5b2f-4c3d-8e9f-0a1b2c3d4e5f", "MF0000000001", "LF0000000001"
	receipt := ReceiptFields{TaxSystemCode: TaxOSN, Client: ReceiptClient{Email: "a@example.com"}, Items: []ReceiptItem{{Name: "a", Amount: 100, Quantity: "1.5", VATType: VATType22, Measure: "м3"}},
		Supplier: &ReceiptSupplier{Phone: "+74950000000", Name: "b", TaxCode: "7707083893"}}
	pay := PaymentRequest{Amount: 100, Purpose: "a", PaymentMode: []PaymentMode{ModeCard}}
	subscription := SubscriptionRequest{Amount: 100, Purpose: "a", Options: &SubscriptionOptions{TrancheCount: 3, Period: PeriodDay, DaysInPeriod: 14}}
	return []method{
		{"GET /acquiring/v1.0/payments", func(x X, c C, _ O) error {
			return drain(c.Operations(x, OperationsQuery{From: "2026-10-01", To: "2026-10-02", Status: OperationApproved, PerPage: 10}))
		}},
		{"POST /acquiring/v1.0/payments", func(x X, c C, _ O) error { return just(c.CreatePayment(x, pay)) }},
		{"GET /acquiring/v1.0/payments/{operationId}", func(x X, c C, _ O) error { return just(c.Operation(x, id)) }},
		{"POST /acquiring/v1.0/payments/{operationId}/capture", func(x X, c C, _ O) error { return c.CapturePayment(x, id) }},
		{"POST /acquiring/v1.0/payments/{operationId}/refund", func(x X, c C, _ O) error { return just(c.RefundPayment(x, id, 49050)) }},
		{"POST /acquiring/v1.0/payments_with_receipt", func(x X, c C, _ O) error {
			return just(c.CreatePaymentWithReceipt(x, PaymentReceiptRequest{pay, receipt}))
		}},
		{"GET /acquiring/v1.0/registry", func(x X, c C, _ O) error {
			return just(c.Registry(x, RegistryQuery{Date: "2026-10-02", PaymentID: "12965999"}))
		}},
		{"GET /acquiring/v1.0/retailers", func(x X, c C, _ O) error { return just(c.Retailers(x, "")) }},
		{"POST /acquiring/v1.0/subscriptions", func(x X, c C, _ O) error { return just(c.CreateSubscription(x, subscription)) }},
		{"GET /acquiring/v1.0/subscriptions", func(x X, c C, _ O) error { return drain(c.Subscriptions(x, true)) }},
		{"POST /acquiring/v1.0/subscriptions/{operationId}/charge", func(x X, c C, _ O) error { return c.ChargeSubscription(x, sub, 99000) }},
		{"POST /acquiring/v1.0/subscriptions/{operationId}/status", func(x X, c C, _ O) error { return c.CancelSubscription(x, sub) }},
		{"GET /acquiring/v1.0/subscriptions/{operationId}/status", func(x X, c C, _ O) error { return just(c.SubscriptionStatus(x, sub)) }},
		{"POST /acquiring/v1.0/subscriptions_with_receipt", func(x X, c C, _ O) error {
			return just(c.CreateSubscriptionWithReceipt(x, SubscriptionReceiptRequest{subscription, receipt}))
		}},
		{"GET /consent/v1.0/consents", func(x X, _ C, o O) error { return just(o.Consents(x, "")) }},
		{"POST /consent/v1.0/consents", func(x X, _ C, o O) error {
			return just(o.CreateConsent(x, ConsentRequest{Permissions: []Permission{ReadBalances}}))
		}},
		{"GET /consent/v1.0/consents/{consentId}", func(x X, _ C, o O) error { return just(o.Consent(x, "c-1")) }},
		{"GET /consent/v1.0/consents/{consentId}/child", func(x X, _ C, o O) error { return just(o.ChildConsents(x, "c-1")) }},
		{"POST /invoice/v1.0/bills", func(x X, c C, _ O) error { return just(c.CreateBill(x, bill())) }},
		{"DELETE /invoice/v1.0/bills/{customerCode}/{documentId}", func(x X, c C, _ O) error { return c.DeleteDocument(x, Bills, "d-1") }},
		{"POST /invoice/v1.0/bills/{customerCode}/{documentId}/email", func(x X, c C, _ O) error { return c.EmailDocument(x, Bills, "d-1", "a@b.ru") }},
		{"GET /invoice/v1.0/bills/{customerCode}/{documentId}/file", func(x X, c C, _ O) error { return just(c.DocumentPDF(x, Bills, "d-1")) }},
		{"GET /invoice/v1.0/bills/{customerCode}/{documentId}/payment-status", func(x X, c C, _ O) error { return just(c.BillStatus(x, "d-1")) }},
		{"POST /invoice/v1.0/closing-documents", func(x X, c C, _ O) error {
			return just(c.CreateClosingDocument(x, ClosingRequest{SecondSide: side(), DocumentID: "d-1", Content: ClosingContent{UPD: &ClosingDocument{Number: "1", Date: "2026-10-01",
				TotalAmount: 1220000, Positions: []Position{position()}, Function: "schfdop", ShipmentDocuments: []ShipmentDocument{{"Акт", "2026-10-01", "1"}}}}}))
		}},
		{"DELETE /invoice/v1.0/closing-documents/{customerCode}/{documentId}", func(x X, c C, _ O) error { return c.DeleteDocument(x, ClosingDocuments, "d-2") }},
		{"POST /invoice/v1.0/closing-documents/{customerCode}/{documentId}/email", func(x X, c C, _ O) error { return c.EmailDocument(x, ClosingDocuments, "d-2", "a@b.ru") }},
		{"GET /invoice/v1.0/closing-documents/{customerCode}/{documentId}/file", func(x X, c C, _ O) error { return just(c.DocumentPDF(x, ClosingDocuments, "d-2")) }},
		{"GET /open-banking/v1.0/accounts", func(x X, c C, _ O) error { return just(c.Accounts(x)) }},
		{"GET /open-banking/v1.0/accounts/{accountId}", func(x X, c C, _ O) error { return just(c.Account(x, account)) }},
		{"GET /open-banking/v1.0/accounts/{accountId}/authorized-card-transactions", func(x X, c C, _ O) error { return just(c.AuthorizedCardTransactions(x, account)) }},
		{"GET /open-banking/v1.0/accounts/{accountId}/balances", func(x X, c C, _ O) error { return just(c.AccountBalances(x, account)) }},
		{"GET /open-banking/v1.0/accounts/{accountId}/statements/{statementId}", func(x X, c C, _ O) error { return just(c.Statement(x, account, "23489")) }},
		{"GET /open-banking/v1.0/balances", func(x X, c C, _ O) error { return just(c.Balances(x)) }},
		{"GET /open-banking/v1.0/customers", func(x X, c C, _ O) error { return just(c.Customers(x)) }},
		{"GET /open-banking/v1.0/customers/{customerCode}", func(x X, c C, _ O) error { return just(c.Customer(x, company)) }},
		{"POST /open-banking/v1.0/statements", func(x X, c C, _ O) error { return just(c.CreateStatement(x, account, "2026-10-01", "2026-10-05")) }},
		{"GET /open-banking/v1.0/statements", func(x X, c C, _ O) error { return just(c.Statements(x, 7)) }},
		{"POST /payment/v1.0/for-sign", func(x X, c C, _ O) error {
			return just(c.CreateTransfer(x, TransferRequest{AccountCode: account[:20], BankCode: BankCode, CounterpartyBankBIC: BankCode, CounterpartyAccount: "40702810840020002504",
				CounterpartyName: "ООО", Amount: 70033, Date: "2026-10-01", Purpose: "Оплата", Number: 5, Priority: "5"}))
		}},
		{"GET /payment/v1.0/for-sign", func(x X, c C, _ O) error { return just(c.Transfers(x)) }},
		{"GET /payment/v1.0/status/{requestId}", func(x X, c C, _ O) error { return just(c.TransferStatus(x, "openapi-1")) }},
		{"GET /sbp/v1.0/account/{legalId}", func(x X, c C, _ O) error { return just(c.SBPAccounts(x, lf)) }},
		{"POST /sbp/v1.0/b2b-qr-code/merchant/{merchantId}/{accountId}", func(x X, c C, _ O) error {
			return just(c.CreateB2BQR(x, mf, account, B2BQRRequest{Amount: 100, PaymentPurpose: "a", SourceName: "crm", TakeTax: true, TotalTaxAmount: 18, TTL: 60}))
		}},
		{"GET /sbp/v1.0/b2b-qr-code/{qrcId}", func(x X, c C, _ O) error { return just(c.B2BQR(x, qrID, 300)) }},
		{"POST /sbp/v1.0/cashbox-qr-code", func(x X, c C, _ O) error {
			return just(c.CreateCashboxQR(x, CashboxQRRequest{MerchantID: mf, AccountID: account, ImageParams: &ImageParams{Width: 200, Height: 200}}))
		}},
		{"GET /sbp/v1.0/cashbox-qr-code/merchant/{merchantId}/{accountId}", func(x X, c C, _ O) error { return just(c.CashboxQRs(x, mf, account)) }},
		{"POST /sbp/v1.0/cashbox-qr-code/{qrcId}", func(x X, c C, _ O) error { return just(c.CashboxQR(x, qrID, &ImageParams{300, 300, "image/png"})) }},
		{"POST /sbp/v1.0/cashbox-qr-code/{qrcId}/account", func(x X, c C, _ O) error { return c.SetCashboxAccount(x, qrID, account) }},
		{"POST /sbp/v1.0/cashbox-qr-code/{qrcId}/activate", func(x X, c C, _ O) error {
			return just(c.ActivateCashboxQR(x, qrID, CashboxActivation{Amount: 500000, TTL: 7}))
		}},
		{"POST /sbp/v1.0/cashbox-qr-code/{qrcId}/deactivate", func(x X, c C, _ O) error { return c.DeactivateCashboxQR(x, qrID) }},
		{"GET /sbp/v1.0/cashbox-qr-code/{qrcId}/operation", func(x X, c C, _ O) error { return just(c.CashboxOperation(x, qrID, "p-1")) }},
		{"GET /sbp/v1.0/cashbox-qr-code/{qrcId}/status", func(x X, c C, _ O) error { return just(c.CashboxStatus(x, qrID)) }},
		{"GET /sbp/v1.0/customer/{customerCode}/{bankCode}", func(x X, c C, _ O) error { return just(c.SBPCustomer(x, "", "")) }},
		{"GET /sbp/v1.0/get-sbp-payments", func(x X, c C, _ O) error {
			return drain(c.SBPPayments(x, SBPPaymentsQuery{QRCID: qrID, From: "2026-10-01", To: "2026-10-02"}))
		}},
		{"GET /sbp/v1.0/legal-entity/{legalId}", func(x X, c C, _ O) error { return just(c.LegalEntity(x, lf)) }},
		{"POST /sbp/v1.0/legal-entity/{legalId}", func(x X, c C, _ O) error { return c.SetLegalEntityStatus(x, lf, SBPSuspended) }},
		{"POST /sbp/v1.0/merchant/legal-entity/{legalId}", func(x X, c C, _ O) error {
			return just(c.RegisterSBPMerchant(x, lf, SBPMerchantRequest{Address: "ул. Примерная, 1", City: "Москва", CountryCode: "RU", CountrySubDivisionCode: "45", ZipCode: "115184", BrandName: "Школа", Capabilities: AllCapabilities, MCC: "8299"}))
		}},
		{"GET /sbp/v1.0/merchant/legal-entity/{legalId}", func(x X, c C, _ O) error { return just(c.SBPMerchants(x, lf)) }},
		{"PUT /sbp/v1.0/merchant/{merchantId}", func(x X, c C, _ O) error { return c.SetSBPMerchantStatus(x, mf, SBPActive) }},
		{"GET /sbp/v1.0/merchant/{merchantId}", func(x X, c C, _ O) error { return just(c.SBPMerchant(x, mf)) }},
		{"GET /sbp/v1.0/qr-code/legal-entity/{legalId}", func(x X, c C, _ O) error { return just(c.QRs(x, lf)) }},
		{"POST /sbp/v1.0/qr-code/merchant/{merchantId}/{accountId}", func(x X, c C, _ O) error {
			return just(c.RegisterQR(x, mf, account, QRRequest{PaymentPurpose: "a", QRType: QRStatic, SourceName: "crm-example"}))
		}},
		{"GET /sbp/v1.0/qr-code/{qrcId}", func(x X, c C, _ O) error { return just(c.QR(x, qrID)) }},
		{"GET /sbp/v1.0/qr-codes/{qrcIds}/payment-status", func(x X, c C, _ O) error { return just(c.QRPayments(x, qrID, "AD2")) }},
		{"POST /sbp/v1.0/refund", func(x X, c C, _ O) error {
			return just(c.RefundSBP(x, SBPRefundRequest{AccountCode: account[:20], Amount: 1000, QRCID: qrID, TrxID: "A6"}))
		}},
		{"GET /sbp/v1.0/refund/{request_id}", func(x X, c C, _ O) error { return just(c.SBPRefund(x, "openapi-1")) }},
		{"POST /sbp/v1.0/register-sbp-legal-entity", func(x X, c C, _ O) error { return just(c.RegisterLegalEntity(x, "", "")) }},
		{"PUT /webhook/v1.0/{client_id}", func(x X, c C, _ O) error {
			return just(c.CreateWebhook(x, Webhook{[]WebhookType{WebhookAcquiring, WebhookIncomingPayment}, "https://school.example.com/tochka"}))
		}},
		{"POST /webhook/v1.0/{client_id}", func(x X, c C, _ O) error {
			return just(c.EditWebhook(x, Webhook{[]WebhookType{WebhookAcquiring}, "https://school.example.com/tochka"}))
		}},
		{"GET /webhook/v1.0/{client_id}", func(x X, c C, _ O) error { return just(c.Webhook(x)) }},
		{"DELETE /webhook/v1.0/{client_id}", func(x X, c C, _ O) error { return c.DeleteWebhook(x) }},
		{"POST /webhook/v1.0/{client_id}/test_send", func(x X, c C, _ O) error { return c.TestWebhook(x, WebhookAcquiring) }},
	}
}

// record answers everything with one body and keeps the request.
func record(t testing.TB, body string, kind string) (*Client, *OAuth, *[]sentRequest) {
	t.Helper()
	var sent []sentRequest
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", kind)
		if r.URL.Path == "/connect/token" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"a","token_type":"bearer","expires_in":86400}`)
			return
		}
		q := r.URL.Query().Encode()
		sent = append(sent, sentRequest{r.Method + " " + strings.TrimPrefix(r.URL.EscapedPath(), "/uapi"), q, data})
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	c, err := New(Config{Environment: acquiring.Test, BaseURL: server.URL + "/uapi", Token: secret, ClientID: "crm_app", CustomerCode: company, MerchantID: merchant, AccountID: account})
	require.NoError(t, err)
	o, err := NewOAuth(OAuthConfig{Environment: acquiring.Test, BaseURL: server.URL, ClientID: "crm_app", ClientSecret: "s", RedirectURL: "https://crm.example.com/"})
	require.NoError(t, err)
	return c, o, &sent
}

// TestEveryMethodSendsItsFieldsAndNoOther pins the address, the query and the
// body of the whole API.
func TestEveryMethodSendsItsFieldsAndNoOther(t *testing.T) {
	var want map[string]sentRequest
	require.NoError(t, json.Unmarshal([]byte(fixture(t, "requests.json")), &want))
	seen := map[string]bool{}
	for _, m := range methods() {
		t.Run(m.endpoint, func(t *testing.T) {
			seen[m.endpoint] = true
			c, o, sent := record(t, `{"Data":{}}`, "application/json")
			_ = m.call(t.Context(), c, o)
			require.NotEmpty(t, *sent)
			got := (*sent)[0]
			w, ok := want[m.endpoint]
			require.True(t, ok, "%s is not in requests.json: %s %s %s", m.endpoint, got.Call, got.Query, got.Body)
			assert.Equal(t, w.Call, got.Call)
			assert.Equal(t, w.Query, got.Query)
			if len(w.Body) == 0 {
				assert.Empty(t, string(got.Body), "no body")
			} else {
				assert.JSONEq(t, string(w.Body), string(got.Body))
			}
		})
	}
	for endpoint := range want {
		assert.True(t, seen[endpoint], "no method for %s", endpoint)
	}
}

var parameter = regexp.MustCompile(`\{[a-zA-Z_]+\}`)

// TestPublishedAnswersAreRead: every answer of the bank's own document is read
// by the method of its endpoint, and the method's address is the document's.
func TestPublishedAnswersAreRead(t *testing.T) {
	var doc map[string]struct {
		Response json.RawMessage   `json:"response_example"`
		Kinds    []string          `json:"response_content_type"`
		Params   []json.RawMessage `json:"parameters"`
		Request  json.RawMessage   `json:"request_example"`
	}
	sampleInto(t, "samples/openapi_1_91_2_examples.json", &doc)
	seen := map[string]bool{}
	for _, m := range methods() {
		d, ok := doc[m.endpoint]
		if !assert.True(t, ok, "the document has no %s", m.endpoint) {
			continue
		}
		seen[m.endpoint] = true
		body, kind := string(d.Response), "application/json"
		if len(d.Kinds) > 0 {
			body, kind = "%PDF-1.4\n", d.Kinds[0]
		}
		c, o, sent := record(t, body, kind)
		require.NoError(t, m.call(t.Context(), c, o), m.endpoint)
		require.NotEmpty(t, *sent)
		pattern := "^" + parameter.ReplaceAllString(regexp.QuoteMeta(strings.NewReplacer("{", "<", "}", ">").Replace(m.endpoint)), "") + "$"
		pattern = regexp.MustCompile(`<[a-zA-Z_]+>`).ReplaceAllString(pattern, `[^/]+`)
		assert.Regexp(t, pattern, (*sent)[0].Call)
		// No member that the document's request does not have.
		if len((*sent)[0].Body) > 0 && len(d.Request) > 0 {
			var ours, theirs any
			require.NoError(t, json.Unmarshal((*sent)[0].Body, &ours))
			require.NoError(t, json.Unmarshal(d.Request, &theirs))
			within(t, m.endpoint, ours, theirs)
		}
	}
	for endpoint := range doc {
		assert.True(t, seen[endpoint], "no method for %s", endpoint)
	}
}

// within: every member of ours is one of theirs.
func within(t *testing.T, path string, ours, theirs any) {
	t.Helper()
	switch o := ours.(type) {
	case map[string]any:
		th, ok := theirs.(map[string]any)
		if !ok {
			return
		}
		for name, value := range o {
			other, ok := th[name]
			if !ok && (name == "Upd" || strings.HasPrefix(path, "POST /invoice/v1.0/closing-documents")) {
				continue // the document shows one of four kinds
			}
			if assert.True(t, ok, "%s has %s, which the bank's document has not", path, name) {
				within(t, path+"."+name, value, other)
			}
		}
	case []any:
		if th, ok := theirs.([]any); ok && len(o) > 0 && len(th) > 0 {
			within(t, path+"[]", o[0], th[0])
		}
	}
}

func TestPublishedSamples(t *testing.T) {
	var rows []struct {
		JSON    string
		Kopecks int64
	}
	sampleInto(t, "cases/money_parse.json", &rows)
	for _, r := range rows {
		var s Sum
		require.NoError(t, json.Unmarshal([]byte(r.JSON), &s), r.JSON)
		assert.EqualValues(t, r.Kopecks, s)
	}
	var times []struct {
		In  string
		UTC *string
	}
	sampleInto(t, "cases/time_parse.json", &times)
	for _, r := range times {
		var at, want Time
		in, _ := json.Marshal(r.In)
		require.NoError(t, json.Unmarshal(in, &at))
		assert.Equal(t, r.In, at.Raw)
		if r.UTC != nil {
			want.Time = parseTime(*r.UTC)
		}
		assert.True(t, want.Equal(at.Time), r.In)
	}
	var accepted []Permission
	sampleInto(t, "samples/permissions_accepted.json", &accepted)
	ours := Permissions()
	slices.Sort(accepted)
	slices.Sort(ours)
	assert.Equal(t, accepted, ours)
	var enums map[string][]string
	sampleInto(t, "samples/openapi_1_91_2_enums.json", &enums)
	assert.ElementsMatch(t, enums["UnitCodeEnum"], UnitCodes())
	for _, s := range enums["AcquiringPaymentStatus"] {
		assert.NotEqual(t, acquiring.StatusUnknown, OperationStatus(s).Status(), s)
	}
	for _, m := range enums["Measure"] {
		found := m == "шт."
		for u := range fiscal.Unit(255) {
			name, ok := measure(u)
			found = found || (ok && name == m)
		}
		assert.True(t, found, m)
	}
	for _, v := range enums["VatTypeHistorical"] {
		assert.NotEmpty(t, VATType(v).VAT(), v)
	}
	for _, m := range enums["AcquiringPaymentMode"] {
		mode, ok := modeOf(PaymentMode(m).Method())
		assert.True(t, ok && string(mode) == m, m)
	}
	for _, w := range enums["WebhookTypeEnum"] {
		assert.True(t, WebhookType(w).Known(), w)
	}
}

func TestPublishedPayments(t *testing.T) {
	b := newBank(t).on(listing, string(sample(t, "samples/prod_operation_list_redacted.json"))).on(create, string(sample(t, "samples/prod_create_response_2025_12.json")))
	c := b.client(func(c *Config) { c.CustomerCode = "100000001" })
	n := 0
	for o, err := range c.Operations(t.Context(), OperationsQuery{From: "2026-02-01"}) {
		require.NoError(t, err)
		p := c.payment(t.Context(), o)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
		assert.EqualValues(t, 100000, p.Amount)
		assert.EqualValues(t, 100000, p.Captured)
		assert.Equal(t, "1", p.OrderID)
		assert.Equal(t, "2026-02-10 09:09:30", p.CreatedAt.UTC().Format("2006-01-02 15:04:05"))
		assert.Equal(t, "2026-02-10 11:50:24", p.PaidAt.UTC().Format("2006-01-02 15:04:05"))
		n++
	}
	assert.Equal(t, 1, n)
	o, err := c.CreatePayment(t.Context(), PaymentRequest{Amount: 100})
	require.NoError(t, err)
	assert.EqualValues(t, 100, o.Amount)
	assert.EqualValues(t, 10080, o.TTL)
	const sandboxed = "b26287ee-bdd0-3482-a10d-3c462f5ba6db"
	b.on("GET acquiring/v1.0/payments/"+sandboxed, string(sample(t, "samples/sandbox_operation_reconstructed.json"))).
		on("POST acquiring/v1.0/payments/48232c9a-ce82-1593-3cb6-5c85a1ffef8f/refund", string(sample(t, "samples/sandbox_refund_response.json"))).
		on("GET open-banking/v1.0/accounts", string(sample(t, "samples/accounts_redacted.json")))
	c = b.client(func(c *Config) { c.CustomerCode = "1234567ab" })
	p, err := c.GetStatus(t.Context(), sandboxed)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.EqualValues(t, 10000, p.Captured)
	r, err := c.RefundPayment(t.Context(), "48232c9a-ce82-1593-3cb6-5c85a1ffef8f", 123400)
	require.NoError(t, err)
	assert.Equal(t, Text("20"), r.OrderID)
	accounts, err := c.Accounts(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "40702810900000000001 044525225", accounts[0].Number()+" "+accounts[0].BIC())
}

func TestPublishedErrors(t *testing.T) {
	var index []struct {
		File      string
		Status    int `json:"http_status"`
		Expect    string
		FirstText *string `json:"first_text"`
	}
	sampleInto(t, "samples/errors_index.json", &index)
	for _, row := range index {
		b := newBank(t).answer(create, answer{status: row.Status, body: string(sample(t, row.File))})
		_, err := b.client().CreatePayment(t.Context(), PaymentRequest{Amount: 1})
		e := asError(t, err)
		var want error
		switch {
		case strings.HasPrefix(row.Expect, "duplicate"):
			want = acquiring.ErrDuplicate
		case strings.Contains(row.Expect, "not found"), strings.Contains(row.Expect, "no webhook"):
			want = acquiring.ErrNotFound
		case row.Status == 400:
			want = acquiring.ErrInvalid
		case row.Status == 403:
			want = acquiring.ErrUnauthorized
		default:
			want = acquiring.ErrUnavailable
		}
		require.ErrorIs(t, err, want, row.File)
		var api *APIError
		require.ErrorAs(t, err, &api)
		assert.NotEmpty(t, api.Raw)
		if row.FirstText != nil {
			require.NotEmpty(t, api.Errors, row.File)
			assert.Equal(t, *row.FirstText, string(api.Errors[0].Message), "kept as it came")
			assert.Contains(t, e.Message, strings.TrimSpace(*row.FirstText))
		}
	}
}

func TestPublishedTokens(t *testing.T) {
	bank, err := NewVerifier(string(sample(t, "keys/tochka_public_jwk.json")))
	require.NoError(t, err)
	builtin, err := NewVerifier(BankKey)
	require.NoError(t, err)
	fromPEM, err := NewVerifier(string(sample(t, "keys/tochka_public.pem")))
	require.NoError(t, err)
	stale, err := NewVerifier(string(sample(t, "keys/tochka_doc_java_stale.pem")))
	require.NoError(t, err)
	staleJWK, err := NewVerifier(string(sample(t, "keys/tochka_doc_java_stale_jwk.json")))
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(samplesDir, "official_webhooks", "*.jwt"))
	require.NoError(t, err)
	require.Len(t, files, 10)
	c := newBank(t).client()
	for _, file := range files {
		name := filepath.Base(file)
		token := sample(t, "official_webhooks/"+name)
		for _, v := range []*Verifier{stale, staleJWK} {
			_, err = v.Notice(token)
			require.ErrorIs(t, err, acquiring.ErrSignature, name)
		}
		if strings.HasPrefix(name, "NEG_") && !strings.Contains(name, "stale_key") {
			for _, v := range []*Verifier{bank, builtin, fromPEM} {
				_, err = v.Notice(token)
				require.ErrorIs(t, err, acquiring.ErrSignature, name)
			}
			continue
		}
		for _, v := range []*Verifier{bank, builtin, fromPEM} {
			n, err := v.Notice(token)
			require.NoError(t, err, name)
			assert.Equal(t, "300123123", n.CustomerCode)
			switch {
			case n.Type == WebhookIncomingPayment || n.Type == WebhookOutgoingPayment:
				assert.EqualValues(t, 4000, n.SidePayer.Amount)
				assert.EqualValues(t, 4000, n.SideRecipient.Amount)
				assert.Equal(t, Date("2018-10-01"), n.Date)
				assert.Equal(t, "ООО Банк Точка", n.SidePayer.BankName)
			default:
				assert.EqualValues(t, 33, n.Amount, name)
			}
			switch strings.TrimSuffix(name, ".jwt") {
			case "acquiringInternetPayment_card":
				assert.EqualValues(t, "beeac8a4-6047-3f38-8922-a664e6b5c43b", n.OperationID)
				assert.Equal(t, "12345-ab-cd", n.PaymentLinkID)
				assert.Equal(t, "Оплата по счету № 1 от 01.01.2021. Без НДС", n.Purpose)
				assert.Equal(t, OperationApproved, n.Status)
			case "acquiringInternetPayment_sbp":
				assert.Equal(t, "43c63ec1-42fa-a704-dde7-6025c20b96ce", n.TransactionID)
				assert.Equal(t, "Иван Иванович И.", n.PayerName)
			case "acquiringInternetPayment_dolyame":
				assert.Equal(t, ModeDolyame, n.PaymentType)
			case "incomingSbpPayment":
				assert.Equal(t, "MF0000000001 cb1ef10b-39e9-4e55-aef9-d6bcc396ff0f Кофейня у Артема", n.MerchantID+" "+n.RefTransactionID+" "+n.BrandName)
			case "incomingSbpB2BPayment":
				assert.Equal(t, "AS10006DPRTEFPFS9HJ9SQSDSVRHJD3L", n.QRCID)
			}
		}
		cb, err := c.VerifyCallback(t.Context(), notification(string(token)))
		require.NoError(t, err, "the samples of a registration are answered 200")
		assert.Equal(t, acquiring.CallbackOther, cb.Kind)
	}
}

func TestPublishedOAuth(t *testing.T) {
	for _, shape := range []string{"consent_response_tutorial_shape.json", "consent_response_openapi_shape.json"} {
		c := newConnect(t)
		c.on(consents, string(sample(t, "official_oauth/"+shape)))
		got, err := c.oauth().CreateConsent(t.Context(), ConsentRequest{})
		require.NoError(t, err, shape)
		assert.Equal(t, "705ba15f-a109-4156-bb7f-50c21413c158", got.ID)
		assert.Equal(t, ConsentAwaiting, got.Status)
		assert.Len(t, got.Permissions, 13)
	}
	c := newConnect(t)
	short := func(c *OAuthConfig) {
		c.ClientID, c.RedirectURL, c.Scopes = "test_app", "http://localhost:8000/", []string{"accounts", "balances", "customers", "statements", "sbp", "payments"}
	}
	o := c.oauth(short)
	want := strings.TrimSpace(string(sample(t, "official_oauth/authorize_url.txt")))
	assert.Equal(t, queryOf(t, want), queryOf(t, o.AuthorizeURL("705ba15f-a109-4156-bb7f-50c21413c158", "Vuihvsds")))
	c.on(tokenCall, string(sample(t, "official_oauth/code_exchange_response.json")), string(sample(t, "official_oauth/refresh_response.json")))
	require.NoError(t, o.Exchange(t.Context(), "a", "x"))
	source := o.TokenSource("a")
	first, err := source.Token()
	require.NoError(t, err)
	second, err := source.Renew(t.Context(), first.AccessToken)
	require.NoError(t, err)
	assert.Equal(t, "ViYnf8sDILwKpvUMcIQJEqCYy88zW1ys 7lsLqrr2ug3j4KPPWgkUC8zPQ9W2HKH6", first.RefreshToken+" "+second.RefreshToken)
	var forms map[string]map[string]string
	sampleInto(t, "official_oauth/form_fields.json", &forms)
	for i, name := range []string{"authorization_code", "refresh_token"} {
		sent := c.calls(tokenCall)[i]
		got := queryOf(t, "?"+sent.body)
		assert.Len(t, got, len(forms[name]), name)
		for field := range forms[name] {
			assert.Contains(t, got, field, name)
		}
	}
	c.on("POST /connect/introspect", string(sample(t, "official_oauth/introspect_response.json")))
	id, err := o.Introspect(t.Context(), "x")
	require.NoError(t, err)
	var claims struct{ Iss, Sub, Aud string }
	sampleInto(t, "official_oauth/introspect_claims.json", &claims)
	assert.Equal(t, claims.Iss+claims.Sub+claims.Aud, id.Issuer+id.CustomerCode+string(id.ClientID))
}
