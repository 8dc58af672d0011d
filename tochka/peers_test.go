package tochka

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/money"
)

// The tests of this file are named after faults found in other clients of
// these banks.

// A client that logs its request shows the world its key.
func TestErrorNeverContainsSecret(t *testing.T) {
	var log bytes.Buffer
	logged := func(c *Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	b := newTill(t)
	b.answer(create, failure(403, "key "+secret+" is not good"), answer{lost: true}, answer{status: 502, body: "<p>" + secret + "</p>"}, answer{status: 200, body: secret})
	b.on(points, retailers).on(listing, emptyList)
	c := b.client(logged)
	for range 4 {
		_, err := c.CreateInvoice(t.Context(), order())
		require.Error(t, err)
		assert.NotContains(t, err.Error(), secret)
	}
	_, err := c.Refund(t.Context(), back("k", 100))
	require.NoError(t, err)
	assert.NotContains(t, log.String(), secret)
	assert.NotContains(t, log.String(), "Bearer")
	assert.Contains(t, log.String(), "payments.refund")
}

// Path segments that are not escaped lead elsewhere.
func TestUUIDOrderID(t *testing.T) {
	b := newBank(t)
	c := b.client()
	_, _ = c.Operation(t.Context(), "../retailers?customerCode=1")
	assert.Equal(t, []string{"GET acquiring/v1.0/payments/..%2Fretailers%3FcustomerCode=1"}, b.all())
	assert.Empty(t, b.asked[0].query)
	r := order()
	r.OrderID = "6f1c7e9e-2f0a-4d4c-9d44-7d6d5f0c1b2a"
	b = school(t).on(create, fixture(t, "created.json"))
	inv, err := b.client().CreateInvoice(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, r.OrderID, inv.OrderID)
	assert.Contains(t, b.last(create).body, `"paymentLinkId":"6f1c7e9e-2f0a-4d4c-9d44-7d6d5f0c1b2a"`)
}

// Sums that pass through a float come out as 1e+06 or a kopeck short.
func TestAmountOverMillion(t *testing.T) {
	for sum, want := range map[money.Amount]string{100000000: "1000000.00", 2100000000: "21000000.00", 123456789: "1234567.89", 11009: "110.09", 99999999999: "999999999.99"} {
		b := school(t).on(create, fixture(t, "created.json")).on(read, operation("APPROVED", want))
		r := order()
		r.Amount = sum
		c := b.client()
		_, err := c.CreateInvoice(t.Context(), r)
		require.NoError(t, err)
		assert.Contains(t, b.last(create).body, `"amount":`+want+`,`)
		p, err := c.GetStatus(t.Context(), opID)
		require.NoError(t, err)
		assert.Equal(t, sum, p.Amount)
	}
}

// HTTP 200 is no success by itself.
func TestDeclinedWithHTTP200(t *testing.T) {
	b := newBank(t).on(refund, `{"Data":{"isRefund":false}}`).on("POST acquiring/v1.0/subscriptions/"+opID+"/charge", `{"Data":{"result":false}}`)
	_, err := b.client().RefundPayment(t.Context(), opID, 1)
	require.ErrorIs(t, err, acquiring.ErrDeclined)
	require.ErrorIs(t, b.client().ChargeSubscription(t.Context(), opID, 1), acquiring.ErrDeclined)
}

// The same field is a text in one answer and a number in another.
func TestErrorCodeStringOrNumber(t *testing.T) {
	for _, code := range []string{`"400"`, `400`, `null`} {
		b := newBank(t).answer(create, answer{status: 400, body: `{"code":` + code + `,"message":"no","Errors":[]}`})
		_, err := b.client().CreatePayment(t.Context(), PaymentRequest{Amount: 1})
		require.ErrorIs(t, err, acquiring.ErrInvalid)
		assert.Contains(t, err.Error(), "no")
	}
	for _, id := range []string{`20`, `"20"`} {
		b := newBank(t).on(refund, `{"Data":{"isRefund":true,"amount":"1.0","orderId":`+id+`}}`)
		r, err := b.client().RefundPayment(t.Context(), opID, 100)
		require.NoError(t, err)
		assert.Equal(t, Text("20"), r.OrderID)
		assert.EqualValues(t, 100, r.Amount)
	}
}

// "merchantId":"" is not "no merchantId": the bank refuses it.
func TestNoEmptyParameters(t *testing.T) {
	b := newBank(t)
	c := b.client(func(c *Config) { c.MerchantID = "" })
	_, _ = c.CreatePayment(t.Context(), PaymentRequest{Amount: 1, Purpose: "a", PaymentMode: []PaymentMode{ModeSBP}})
	assert.JSONEq(t, `{"Data":{"customerCode":"300777001","amount":0.01,"purpose":"a","paymentMode":["sbp"]}}`, b.last(create).body)
	_, _ = c.RegisterQR(t.Context(), "MF0000000001", account, QRRequest{PaymentPurpose: "a", QRType: QRStatic})
	assert.JSONEq(t, `{"Data":{"paymentPurpose":"a","qrcType":"01"}}`, b.last(makeQR).body)
	for range c.Operations(t.Context(), OperationsQuery{From: "2026-10-01"}) {
	}
	for _, pair := range strings.Split(b.last(listing).query, "&") {
		assert.False(t, strings.HasSuffix(pair, "="), pair)
	}
}

// A GET with a body, even [], is refused by some gateways.
func TestNoBodyWithReads(t *testing.T) {
	b := newBank(t).on(read, fixture(t, "operation.json"))
	_, err := b.client().GetStatus(t.Context(), opID)
	require.NoError(t, err)
	got := b.last(read)
	assert.Empty(t, got.body)
	assert.Empty(t, got.header.Get("Content-Type"))
	assert.Equal(t, "application/json", got.header.Get("Accept"))
}

func TestRequestNotMutated(t *testing.T) {
	b := school(t).on(createReceipt, fixture(t, "created.json"))
	r := lesson()
	before, err := json.Marshal(r)
	require.NoError(t, err)
	_, err = b.client().CreateInvoice(t.Context(), r)
	require.NoError(t, err)
	after, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
}

func TestUnsignedCallbackRejected(t *testing.T) {
	c := hooked(t, newBank(t))
	for _, body := range []string{`{"webhookType":"acquiringInternetPayment","operationId":"x","status":"APPROVED","amount":"1.00","customerCode":"300777001"}`, "operationId=x&status=APPROVED"} {
		_, err := c.VerifyCallback(t.Context(), notification(body))
		require.ErrorIs(t, err, acquiring.ErrSignature)
	}
}

func TestEmptySecretRejectedAtConstruction(t *testing.T) {
	_, err := New(Config{Environment: acquiring.Production})
	assert.Equal(t, "Config.Token", asError(t, err).Field)
	_, err = NewOAuth(OAuthConfig{Environment: acquiring.Production, ClientID: "a", RedirectURL: "https://a.example/"})
	assert.Equal(t, "Config.ClientSecret", asError(t, err).Field)
	_, err = New(Config{Token: "x"})
	assert.Equal(t, "Config.Environment", asError(t, err).Field)
}

// A payment dated in the future is a clock that goes wrong, not a failure.
func TestFutureTimestamp(t *testing.T) {
	b := newBank(t).on(read, strings.Replace(operation("APPROVED", "1"), "2026-10-02T11:20:31", "2099-10-02T11:20:31", 1))
	p, err := b.client().GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.Equal(t, 2099, p.CreatedAt.Year())
	// One that cannot be read does not lose the payment.
	b = newBank(t).on(read, strings.Replace(operation("APPROVED", "1"), "2026-10-02T11:20:31+05:00", "string", 1))
	p, err = b.client().GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.True(t, p.CreatedAt.IsZero())
	assert.Equal(t, acquiring.StatusPaid, p.Status)
}

func Test502IsError(t *testing.T) {
	b := newBank(t).answer(read, answer{status: 502, body: operation("APPROVED", "1")})
	ctx := t.Context()
	_, err := b.client().GetStatus(ctx, opID)
	require.ErrorIs(t, err, acquiring.ErrUnavailable)
}

func TestHTMLBodyError(t *testing.T) {
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder(http.MethodGet, "https://enter.tochka.com/uapi/acquiring/v1.0/payments/"+opID, httpmock.NewStringResponder(200, "<!DOCTYPE html><title>Технические работы</title>"))
	c, err := New(Config{Environment: acquiring.Production, Token: secret, HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	_, err = c.GetStatus(t.Context(), opID)
	require.ErrorIs(t, err, acquiring.ErrProtocol)
	assert.Contains(t, err.Error(), "Технические работы")
	assert.NotContains(t, err.Error(), "title>")
}

func TestTwoShopsInOneProcess(t *testing.T) {
	one, two := newTill(t), newTill(t)
	shared := NewMemoryLedger(0)
	a := one.client(func(c *Config) { c.Shop, c.Ledger = "one", shared })
	b := two.client(func(c *Config) { c.Shop, c.Ledger, c.Token = "two", shared, "another-key" })
	for _, c := range []*Client{a, b} {
		_, err := c.Refund(t.Context(), back("same key", 100))
		require.NoError(t, err)
	}
	one.see(1, 100)
	two.see(1, 100)
	assert.Equal(t, "Bearer another-key", two.last(refund).header.Get("Authorization"))
}

// The bodies of answers are read to the end and closed, so that connections
// are used again.
func TestConnectionsAreUsedAgain(t *testing.T) {
	b := newBank(t).on(read, fixture(t, "operation.json"))
	opened := 0
	transport := &http.Transport{DisableKeepAlives: false}
	counting := roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := transport.RoundTrip(r)
		if resp != nil {
			resp.Body = &closing{resp.Body, &opened}
			opened++
		}
		return resp, err
	})
	c := b.client(func(c *Config) { c.HTTPClient = &http.Client{Transport: counting, Timeout: time.Minute} })
	for range 5 {
		_, err := c.GetStatus(t.Context(), opID)
		require.NoError(t, err)
	}
	assert.Zero(t, opened)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type closing struct {
	io.ReadCloser
	open *int
}

func (c *closing) Close() error { *c.open--; return c.ReadCloser.Close() }

func BenchmarkGetStatus(b *testing.B) {
	body := fixture(b, "operation.json")
	c, err := New(Config{Environment: acquiring.Production, Token: secret, HTTPClient: &http.Client{Transport: canned(body)}})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.GetStatus(b.Context(), opID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGetStatusBare is the same exchange and the same JSON with nothing
// around it.
func BenchmarkGetStatusBare(b *testing.B) {
	body := fixture(b, "operation.json")
	client := &http.Client{Transport: canned(body)}
	b.ReportAllocs()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, ProductionURL+"/acquiring/v1.0/payments/"+opID, nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+secret)
		resp, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		var e struct {
			Data struct{ Operation []Operation }
		}
		if err != nil || json.Unmarshal(data, &e) != nil || len(e.Data.Operation) != 1 {
			b.Fatal(err)
		}
	}
}

func canned(body string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})
}

func BenchmarkCreateBody(b *testing.B) {
	c, err := New(Config{Environment: acquiring.Production, Token: secret, CustomerCode: company, HTTPClient: &http.Client{Transport: canned(fixture(b, "created.json"))}})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.CreatePayment(b.Context(), PaymentRequest{Amount: 149050, Purpose: "Абонемент на октябрь", PaymentMode: []PaymentMode{ModeCard}}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSumsDoNotAllocate(t *testing.T) {
	in, kopecks := []byte(`1490.5`), []byte(`149050`)
	var s Sum
	var k Kopecks
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = s.UnmarshalJSON(in), k.UnmarshalJSON(kopecks) }), 2.0)
}

func TestCreateAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	c, err := New(Config{Environment: acquiring.Production, Token: secret, CustomerCode: company, HTTPClient: &http.Client{Transport: canned(fixture(t, "created.json"))}})
	require.NoError(t, err)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		_, _ = c.CreatePayment(t.Context(), PaymentRequest{Amount: 149050, Purpose: "Абонемент на октябрь", PaymentMode: []PaymentMode{ModeCard}})
	}), 65.0)
}

// The budget of an invoice is 70. With the whole answer of the manual it is 64.
// The retail point is known after the first.
func TestInvoiceAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	points, created := canned(`{"Data":{"Retailer":[{"status":"REG","isActive":true,"merchantId":"200000000004321","paymentModes":["card","sbp"]}]}}`), canned(fixture(t, "created.json"))
	c, err := New(Config{Environment: acquiring.Production, Token: secret, CustomerCode: company, MerchantID: "200000000004321", Methods: []acquiring.Method{acquiring.MethodCard},
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/retailers") {
				return points.RoundTrip(r)
			}
			return created.RoundTrip(r)
		})}})
	require.NoError(t, err)
	order := acquiring.InvoiceRequest{OrderID: "CRM-1047", Amount: 154990, Description: "Абонемент на октябрь", ReturnURL: "https://crm.example/ok", FailURL: "https://crm.example/fail"}
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if inv, err := c.CreateInvoice(t.Context(), order); err != nil || inv.PayURL == "" {
			t.Fatal(err)
		}
	}), 70.0)
}
