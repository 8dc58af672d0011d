package tochka

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

const customersOf = `{"Data":{"Customer":[
  {"customerCode":"300777001","customerType":"Business","isResident":true,"taxCode":"7701234567","fullName":"ООО \"Языковая школа\"","shortName":"ООО \"Школа\"","kpp":"770101001","customerOgrn":"1157746000000"},
  {"customerCode":"300777002","customerType":"Business","isResident":true,"fullName":"ИП Иванов"},
  {"customerCode":"300777000","customerType":"Personal","isResident":true,"fullName":"Иванов Иван Иванович"}]},
 "Links":{"self":"https://enter.tochka.com/uapi/open-banking/v1.0/customers"},"Meta":{"totalPages":1}}`

const accountsOf = `{"Data":{"Account":[{"customerCode":"300777001","accountId":"40702810900000001234/044525104","status":"Enabled","currency":"RUB"},
 {"customerCode":"300777002","accountId":"40802810900000005678/044525104","status":"Enabled","currency":"RUB"}]}}`

const (
	customersCall = "GET open-banking/v1.0/customers"
	accountsCall  = "GET open-banking/v1.0/accounts"
)

func TestDiscoverAnswersTheSettingsPage(t *testing.T) {
	b := newBank(t).on(customersCall, customersOf).on(accountsCall, accountsOf).on(points, retailers, `{"Data":{"Retailer":[]}}`).on(inSBP, sbpState).
		answer("GET sbp/v1.0/customer/300777002/044525104", failure(403, "Forbidden by consent"))
	c := b.client(func(c *Config) { c.CustomerCode, c.MerchantID = "", "" })
	d, err := c.Discover(t.Context())
	require.NoError(t, err)
	require.Len(t, d.Companies, 2, "a person takes no payments")
	school, other := d.Companies[0], d.Companies[1]
	assert.Equal(t, "7701234567", school.TaxCode)
	assert.Len(t, school.Points, 2)
	require.Len(t, school.Usable(), 1)
	assert.Equal(t, merchant, school.Usable()[0].MerchantID)
	assert.Len(t, school.WithReceipts(), 1)
	assert.True(t, school.SBPLinks())
	assert.True(t, school.SBPCodes())
	assert.Empty(t, school.Problems)
	require.Len(t, school.Accounts, 1)
	assert.Equal(t, account, school.Accounts[0].AccountID)

	assert.Empty(t, other.Usable())
	assert.False(t, other.SBPLinks())
	assert.False(t, other.SBPCodes())
	require.Len(t, other.Problems, 1)
	require.ErrorIs(t, other.Problems[0], acquiring.ErrUnauthorized)
	assert.Equal(t, "300777002", b.last(points).header.Get("CustomerCode"), "the company asked about, not the configured one")
	assert.Equal(t, "customerCode=300777002", b.last(points).query)

	_, err = c.Discover(t.Context())
	require.NoError(t, err)
	assert.Len(t, b.calls(customersCall), 2, "nothing is taken from a cache")
	_, err = newBank(t).answer(customersCall, failure(403, "Forbidden by consent")).client().Discover(t.Context())
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
}

func TestCheck(t *testing.T) {
	ok := func() *bank { return newBank(t).on(customersCall, customersOf).on(points, retailers) }
	require.NoError(t, ok().client().Check(t.Context()))
	for name, tt := range map[string]struct {
		change func(*Config)
		field  string
	}{
		"no company":      {func(c *Config) { c.CustomerCode = "" }, "Config.CustomerCode"},
		"a person":        {func(c *Config) { c.CustomerCode = "300777000" }, "Config.CustomerCode"},
		"somebody else's": {func(c *Config) { c.CustomerCode = "300123123" }, "Config.CustomerCode"},
		"no such point":   {func(c *Config) { c.MerchantID = "200000000000000" }, "Config.MerchantID"},
	} {
		err := ok().client(tt.change).Check(t.Context())
		require.ErrorIs(t, err, acquiring.ErrInvalid, name)
		assert.Equal(t, tt.field, asError(t, err).Field)
	}
	err := newBank(t).answer(customersCall, failure(403, "Forbidden by consent")).client().Check(t.Context())
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	err = newBank(t).on(customersCall, customersOf).answer(points, failure(403, "Forbidden by consent")).client().Check(t.Context())
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
}

// The sandbox's answers are canned: it may know no retail points, and a link
// is made all the same.
func TestSandbox(t *testing.T) {
	const base = "/sandbox/v2/"
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		switch strings.TrimPrefix(r.URL.Path, base) {
		case "open-banking/v1.0/customers":
			_, _ = w.Write([]byte(`{"Data":{"Customer":[{"customerCode":"1234567ab","customerType":"Business","fullName":"x"}]}}`))
		case "acquiring/v1.0/payments":
			_, _ = w.Write([]byte(fixture(t, "created.json")))
		case "acquiring/v1.0/payments/" + opID:
			_, _ = w.Write([]byte(operation("APPROVED", "100.0")))
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	c, err := New(Config{Environment: acquiring.Test, BaseURL: server.URL, Token: SandboxToken, CustomerCode: "1234567ab"})
	require.NoError(t, err)
	require.NoError(t, c.Check(t.Context()))
	r := order()
	r.Methods = nil
	_, err = c.CreateInvoice(t.Context(), r)
	require.NoError(t, err)
	p, err := c.GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.True(t, p.Test)
	assert.Equal(t, money.RUB(100, 0), p.Captured)
	assert.Contains(t, asked, "POST "+base+"acquiring/v1.0/payments")
}

func TestSetWebhook(t *testing.T) {
	const hook, made = "webhook/v1.0/crm_app", `{"Data":{"webhooksList":["incomingPayment","acquiringInternetPayment"],"url":"https://school.example.com/tochka"}}`
	want := Webhook{[]WebhookType{WebhookAcquiring, WebhookIncomingPayment}, "https://school.example.com/tochka"}
	b := newBank(t).answer("GET "+hook, failure(404, "Object of Webhooks does not exists")).on("GET "+hook, made, strings.Replace(made, "school", "old", 1)).on("PUT "+hook, made).on("POST "+hook, made)
	c := b.client()
	for range 3 {
		_, err := c.SetWebhook(t.Context(), want)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"GET " + hook, "PUT " + hook, "GET " + hook, "GET " + hook, "POST " + hook}, b.all())
	assert.Equal(t, `{"webhooksList":["acquiringInternetPayment","incomingPayment"],"url":"https://school.example.com/tochka"}`, b.last("PUT "+hook).body, "without Data")
	_, err := newBank(t).answer("GET "+hook, failure(403, "Forbidden by consent")).client().SetWebhook(t.Context(), want)
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	_, err = b.client(func(c *Config) { c.ClientID = "" }).Webhook(t.Context())
	assert.Equal(t, "Config.ClientID", asError(t, err).Field)
	assert.Equal(t, "Config.ClientID", asError(t, b.client(func(c *Config) { c.ClientID = "" }).DeleteWebhook(t.Context())).Field)
	assert.Equal(t, "Config.ClientID", asError(t, b.client(func(c *Config) { c.ClientID = "" }).TestWebhook(t.Context(), WebhookAcquiring)).Field)
	live, err := New(Config{Environment: acquiring.Production, Token: "x", ClientID: "y"})
	require.NoError(t, err)
	for field, w := range map[string]Webhook{"Types": {nil, want.URL}, "URL": {want.Types, "/tochka"}} {
		_, err = live.CreateWebhook(t.Context(), w)
		assert.Equal(t, field, asError(t, err).Field)
	}
	for _, u := range []string{"http://school.example.com/", "https://school.example.com:8443/", "https://u:p@school.example.com/"} {
		_, err = live.EditWebhook(t.Context(), Webhook{want.Types, u})
		assert.Equal(t, "URL", asError(t, err).Field, u)
	}
}

func TestStatementIsWaitedFor(t *testing.T) {
	const make, look = "POST open-banking/v1.0/statements", "GET open-banking/v1.0/accounts/40702810900000001234%2F044525104/statements/7"
	made := `{"Data":{"Statement":{"statementId":7,"status":"Created"}}}`
	ready := `{"Data":{"Statement":[{"statementId":"7","status":"Ready","startDateBalance":1.5,"Transaction":[{"transactionId":"1","creditDebitIndicator":"Credit","Amount":{"amount":1234.56,"amountNat":400,"currency":"RUB"}}]}]}}`
	b := newBank(t).on(make, made).on(look, ready)
	s, err := b.client().WaitStatement(t.Context(), account, "2026-10-01", "2026-10-05")
	require.NoError(t, err)
	assert.EqualValues(t, 123456, s.Transactions[0].Amount.Amount)
	assert.EqualValues(t, 40000, *s.Transactions[0].Amount.National)
	b = newBank(t).on(make, made).on(look, strings.Replace(ready, "Ready", "Error", 1))
	_, err = b.client().WaitStatement(t.Context(), account, "2026-10-01", "2026-10-05")
	require.ErrorIs(t, err, acquiring.ErrUnavailable)
	b = newBank(t).on(make, made).on(look, strings.Replace(ready, "Ready", "Processing", 1))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = b.client().WaitStatement(ctx, account, "2026-10-01", "2026-10-05")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	for _, d := range []Date{"", "2026-10-01T00:00:00Z"} {
		_, err = b.client().WaitStatement(ctx, account, d, "2026-10-05")
		assert.Equal(t, "from", asError(t, err).Field)
	}
	_, err = newBank(t).on(look, `{"Data":{"Statement":[]}}`).client().Statement(t.Context(), account, "7")
	require.ErrorIs(t, err, acquiring.ErrProtocol)
}

func TestDocuments(t *testing.T) {
	const file = "GET invoice/v1.0/bills/300777001/d-1/file"
	b := newBank(t).on(file, "%PDF-1.7 …", `<html>please log in</html>`)
	c := b.client(func(c *Config) { c.AccountID = account })
	pdf, err := c.DocumentPDF(t.Context(), Bills, "d-1")
	require.NoError(t, err)
	assert.Equal(t, "%PDF-1.7 …", string(pdf))
	assert.Equal(t, "application/pdf", b.last(file).header.Get("Accept"))
	_, err = c.DocumentPDF(t.Context(), Bills, "d-1")
	require.ErrorIs(t, err, acquiring.ErrProtocol)
	assert.NotContains(t, err.Error(), "<html>")
	b.on("POST invoice/v1.0/bills", `{"Data":{"documentId":"1cf95c4f-0000-4407-bac4-0829f19bd2be"}}`, `{"Data":{}}`)
	id, err := c.CreateBill(t.Context(), bill())
	require.NoError(t, err)
	assert.Equal(t, "1cf95c4f-0000-4407-bac4-0829f19bd2be", id)
	wantJSON(t, "bill.json", b.last("POST invoice/v1.0/bills"))
	_, err = c.CreateBill(t.Context(), bill())
	require.ErrorIs(t, err, acquiring.ErrProtocol)
	bad := bill()
	bad.SecondSide.Type = "person"
	_, err = c.CreateBill(t.Context(), bad)
	assert.Equal(t, "SecondSide", asError(t, err).Field)
	_, err = c.CreateClosingDocument(t.Context(), ClosingRequest{})
	assert.Equal(t, "Content", asError(t, err).Field)
	assert.Equal(t, "documentID", asError(t, c.DeleteDocument(t.Context(), Bills, "")).Field)
	none := b.client(func(c *Config) { c.CustomerCode = "" })
	assert.Equal(t, "Config.CustomerCode", asError(t, none.EmailDocument(t.Context(), Bills, "d", "a@b")).Field)
	_, err = none.BillStatus(t.Context(), "d")
	require.Error(t, err)
	_, err = none.CreateBill(t.Context(), BillRequest{AccountID: account, SecondSide: side()})
	assert.Equal(t, "Config.CustomerCode", asError(t, err).Field)
}

func TestTypedAPIRefusesBeforeSending(t *testing.T) {
	b := newBank(t)
	c, none := b.client(), b.client(func(c *Config) { c.CustomerCode, c.MerchantID = "", "" })
	ctx := t.Context()
	option := func(o SubscriptionOptions) error {
		return just(c.CreateSubscription(ctx, SubscriptionRequest{Amount: 1, Options: &o}))
	}
	code := func(r QRRequest) error { return just(c.RegisterQR(ctx, "MF0000000001", account, r)) }
	good := QRRequest{Amount: 1, PaymentPurpose: "a", QRType: QRDynamic}
	with := func(f func(*QRRequest)) QRRequest { r := good; f(&r); return r }
	for name, tt := range map[string]struct {
		err   error
		field string
	}{
		"both kinds":                {just(c.CreateSubscription(ctx, SubscriptionRequest{Recurring: true, Options: &SubscriptionOptions{}})), "Options"},
		"both kinds with receipt":   {just(c.CreateSubscriptionWithReceipt(ctx, SubscriptionReceiptRequest{SubscriptionRequest: SubscriptionRequest{Recurring: true, Options: &SubscriptionOptions{}}})), "Options"},
		"recurring and saved":       {just(c.CreateSubscription(ctx, SubscriptionRequest{Recurring: true, SaveCard: true})), "SaveCard"},
		"101 days":                  {option(SubscriptionOptions{TrancheCount: 101, Period: PeriodDay}), "Options.TrancheCount"},
		"85 months":                 {option(SubscriptionOptions{TrancheCount: 85}), "Options.TrancheCount"},
		"11 years":                  {option(SubscriptionOptions{TrancheCount: 11, Period: PeriodYear}), "Options.TrancheCount"},
		"quarters":                  {option(SubscriptionOptions{Period: PeriodQuarter}), "Options.Period"},
		"days of a month":           {option(SubscriptionOptions{DaysInPeriod: 3, Period: PeriodMonth}), "Options.DaysInPeriod"},
		"no charge":                 {c.ChargeSubscription(ctx, opID, 0), "amount"},
		"no refund":                 {just(c.RefundPayment(ctx, opID, 0)), "amount"},
		"no operation":              {just(c.Operation(ctx, "")), "operationId"},
		"a long operation":          {just(c.Operation(ctx, strings.Repeat("x", 37))), "operationId"},
		"a registry of no point":    {just(none.Registry(ctx, RegistryQuery{CustomerCode: company, Date: "2026-10-01"})), "MerchantID"},
		"a registry of no company":  {just(none.Registry(ctx, RegistryQuery{})), "Config.CustomerCode"},
		"a registry of no day":      {just(c.Registry(ctx, RegistryQuery{Date: "today"})), "Date"},
		"points of nobody":          {just(none.Retailers(ctx, "")), "Config.CustomerCode"},
		"SBP of nobody":             {just(none.SBPCustomer(ctx, "", "")), "Config.CustomerCode"},
		"registration of nobody":    {just(none.RegisterLegalEntity(ctx, "", "")), "Config.CustomerCode"},
		"transfers of nobody":       {just(none.Transfers(ctx)), "Config.CustomerCode"},
		"an em dash":                {just(c.CreateTransfer(ctx, TransferRequest{Purpose: "a — b"})), "Purpose"},
		"a code without words":      {code(with(func(r *QRRequest) { r.PaymentPurpose = "" })), "PaymentPurpose"},
		"a code of no kind":         {code(with(func(r *QRRequest) { r.QRType = "03" })), "QRType"},
		"a dynamic code of nothing": {code(with(func(r *QRRequest) { r.Amount = 0 })), "Amount"},
		"a static code that ends":   {code(with(func(r *QRRequest) { r.QRType, r.TTL = QRStatic, 5 })), "TTL"},
		"a small picture":           {code(with(func(r *QRRequest) { r.ImageParams = &ImageParams{Width: 100, Height: 300} })), "ImageParams"},
		"no codes":                  {just(c.QRPayments(ctx)), "qrcIDs"},
		"a comma in a code":         {just(c.QRPayments(ctx, "a", "b,c")), "qrcIDs[1]"},
		"SBP payments of a day":     {drain(c.SBPPayments(ctx, SBPPaymentsQuery{From: "x"})), "From"},
		"a refund to an accountId":  {just(c.RefundSBP(ctx, SBPRefundRequest{AccountCode: account, Amount: 1, QRCID: "a"})), "AccountCode"},
		"an SBP refund of nothing":  {just(c.RefundSBP(ctx, SBPRefundRequest{AccountCode: account[:20], QRCID: "a"})), "Amount"},
		"an SBP refund of no code":  {just(c.RefundSBP(ctx, SBPRefundRequest{AccountCode: account[:20], Amount: 1})), "QRCID"},
		"an SBP refund in a novel":  {just(c.RefundSBP(ctx, SBPRefundRequest{AccountCode: account[:20], Amount: 1, QRCID: "a", Purpose: strings.Repeat("я", 141)})), "Purpose"},
		"a desk asks too much":      {just(c.ActivateCashboxQR(ctx, "a", CashboxActivation{Amount: 1e12})), "Amount"},
		"a desk waits too long":     {just(c.ActivateCashboxQR(ctx, "a", CashboxActivation{Amount: 1, TTL: 21})), "TTL"},
		"a desk's bad account":      {c.SetCashboxAccount(ctx, "a", "1"), "accountId"},
		"desks of a bad account":    {just(c.CashboxQRs(ctx, "a", "1")), "accountId"},
		"a desk of a bad account":   {just(c.CreateCashboxQR(ctx, CashboxQRRequest{})), "accountId"},
		"a desk's bad picture":      {just(c.CreateCashboxQR(ctx, CashboxQRRequest{AccountID: account, ImageParams: &ImageParams{}})), "ImageParams"},
		"a company's large sum":     {just(c.CreateB2BQR(ctx, "a", account, B2BQRRequest{Amount: 100_000_001})), "Amount"},
		"tax that is not taken":     {just(c.CreateB2BQR(ctx, "a", account, B2BQRRequest{Amount: 1, TotalTaxAmount: 1})), "TotalTaxAmount"},
		"a company's bad account":   {just(c.CreateB2BQR(ctx, "a", "b", B2BQRRequest{Amount: 1})), "accountId"},
		"cards of a bad account":    {just(c.AuthorizedCardTransactions(ctx, "b")), "accountId"},
		"balances of a bad account": {just(c.AccountBalances(ctx, "b")), "accountId"},
		"a bad account's statement": {just(c.Statement(ctx, "b", "1")), "accountId"},
	} {
		require.ErrorIs(t, tt.err, acquiring.ErrInvalid, name)
		e := asError(t, tt.err)
		assert.Equal(t, tt.field, e.Field, name)
		assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome, name)
	}
	assert.Empty(t, b.all())
	assert.True(t, Capabilities("111").Static() && AllCapabilities.Dynamic() && AllCapabilities.Cashbox())
	assert.False(t, Capabilities("010").Static() || Capabilities("101").Dynamic() || Capabilities("").Cashbox())
	assert.True(t, CashboxOperation{TrxStatus: "ACWP"}.Paid())
	assert.Equal(t, fiscal.VAT20, VATType20.VAT(), "in old answers")
	assert.Empty(t, VATType("vat99").VAT())
	raw, err := c.CreateInvoice(ctx, func() acquiring.InvoiceRequest {
		r := lesson()
		r.Receipt.Lines[0].VAT = fiscal.RawVAT("vat20")
		return r
	}())
	require.ErrorIs(t, err, acquiring.ErrUnsupported, "by its code too: %v", raw)
}

func TestUnitsByNameToo(t *testing.T) {
	for name, want := range map[string]string{"шт": "", "шт.": "", "кг": "кг.", "час": "ч.", "ч.": "ч.", "м3": "м3", "куб. м": "м3", "мин.": "мин."} {
		got, err := lineMeasure(&fiscal.Line{UnitName: name})
		require.Nil(t, err, name)
		assert.Equal(t, want, got, name)
	}
	got, err := lineMeasure(&fiscal.Line{Unit: fiscal.CubicMetre})
	require.Nil(t, err)
	assert.Equal(t, "м3", got)
	_, err = lineMeasure(&fiscal.Line{Unit: fiscal.OtherUnit})
	require.NotNil(t, err)
	codes := map[fiscal.TaxSystem]TaxSystemCode{0: "", fiscal.TaxGeneral: TaxOSN, fiscal.TaxSimplifiedIncomeMinus: TaxUSNIncomeOutcome, fiscal.TaxAgricultural: TaxESN, fiscal.TaxPatent: TaxPatent}
	for in, want := range codes {
		code, ok := taxSystem(in)
		assert.True(t, ok)
		assert.Equal(t, want, code)
	}
	_, ok := taxSystem(fiscal.TaxImputed)
	assert.False(t, ok)
}
