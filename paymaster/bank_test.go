package paymaster

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

const (
	merchant   = "7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11"
	token      = "tok_Zk93-very-secret"
	secretKey  = "s3cr3t-Key_for-docs"
	callbackAt = "https://shop.example.ru/hooks/pm/9b1e7c"
)

// bank answers what the test wants, call by call, and keeps what it was asked.
type bank struct {
	*httptest.Server
	t       testing.TB
	mu      sync.Mutex
	answers map[string][]answered
	asked   []asked
}

type asked struct {
	method, path string
	query        url.Values
	header       http.Header
	body         string
}

type answered struct {
	status int
	body   string
	header http.Header
	lost   bool // the connection is cut without an answer
}

var lost = answered{lost: true}

func ok(body string) answered { return answered{status: 200, body: body} }

func refusal(status int, code string) answered {
	return answered{status: status, body: `{"code":"` + code + `","message":"no"}`}
}

var violation = refusal(409, "idempotency_key_violation")

func newBank(t testing.TB) *bank {
	b := &bank{t: t, answers: map[string][]answered{}}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

// on queues the answers to "POST /api/v2/invoices"; the last one is repeated.
func (b *bank) on(call string, list ...answered) *bank {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[call] = append(b.answers[call], list...)
	return b
}

func (b *bank) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, asked{r.Method, r.URL.Path, r.URL.Query(), r.Header.Clone(), string(body)})
	name := r.Method + " " + r.URL.Path
	queue := b.answers[name]
	if len(queue) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(queue) > 1 {
		b.answers[name] = queue[1:]
	}
	if queue[0].lost {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	for name, v := range queue[0].header {
		w.Header()[name] = v
	}
	w.WriteHeader(queue[0].status)
	_, _ = io.WriteString(w, queue[0].body)
}

func (b *bank) calls(call string) (list []asked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.asked {
		if a.method+" "+a.path == call {
			list = append(list, a)
		}
	}
	return list
}

func (b *bank) last(call string) asked {
	b.t.Helper()
	list := b.calls(call)
	require.NotEmpty(b.t, list, "nobody called %s", call)
	return list[len(list)-1]
}

// clock is when the tests play.
var clock = time.Date(2024, 5, 14, 9, 0, 0, 0, time.UTC)

func (b *bank) client(change ...func(*Config)) *Client {
	b.t.Helper()
	conf := Config{Environment: acquiring.Test, BaseURL: b.URL, MerchantID: merchant, Token: token}
	for _, f := range change {
		f(&conf)
	}
	c, err := New(conf)
	require.NoError(b.t, err)
	c.now = func() time.Time { return clock }
	return c
}

func production(c *Config) { c.Environment = acquiring.Production }

// classic is a shop with the two things that a CRM asks for.
func (b *bank) classic(change ...func(*ClassicConfig)) *ClassicClient {
	b.t.Helper()
	conf := ClassicConfig{Environment: acquiring.Test, BaseURL: b.URL, MerchantID: merchant, SecretKey: secretKey, Hash: SHA256}
	for _, f := range change {
		f(&conf)
	}
	c, err := NewClassic(conf)
	require.NoError(b.t, err)
	c.now = func() time.Time { return clock }
	return c
}

func working(c *ClassicConfig)   { c.Environment = acquiring.Production }
func withLogin(c *ClassicConfig) { c.Login, c.Password = "shop-api", "P@ssw0rd-42" }

// wantJSON compares a body with a file: every member, no other, and the sums
// as they are written.
func wantJSON(t testing.TB, file string, got asked) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	assert.Equal(t, exact(t, string(want)), exact(t, got.body))
	assert.Equal(t, "application/json", got.header.Get("Content-Type"))
	assert.Equal(t, "Bearer "+token, got.header.Get("Authorization"))
	for _, empty := range []string{`""`, "null", "{}", "[]", "0001-01-01"} {
		assert.NotContains(t, got.body, empty)
	}
}

// exact keeps the digits of numbers.
func exact(t testing.TB, body string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v), body)
	return v
}

func read(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	return string(data)
}

// payment is the answer about payment 734512.
func payment(status string, more string) string {
	return `{"id":"734512","created":"2024-05-14T08:29:58Z","testMode":true,"status":"` + status + `","resultCode":"Success","merchantId":"` + merchant + `",` +
		`"amount":{"value":1499.9000,"currency":"RUB"},"invoice":{"description":"Заказ","orderNo":"ORD-2024-0042","params":{"crm":"17"}},` +
		`"paymentData":{"paymentMethod":"BankCard","paymentInstrumentTitle":"410000XXXXXX0010","cardInfo":{"brand":"Mir","issuer":"TESTBANK","country":"RU"}}` + more + `}`
}

func listed(items ...string) answered { return ok(`{"items":[` + strings.Join(items, ",") + `]}`) }

func refundJSON(id, status, value string) string {
	return `{"id":"` + id + `","created":"2024-05-14T08:50:00.113Z","status":"` + status + `","paymentId":"734512","amount":{"value":` + value + `,"currency":"RUB"}}`
}

const (
	postInvoices = "POST /api/v2/invoices"
	postPayments = "POST /api/v2/payments"
	getPayments  = "GET /api/v2/payments"
	getPayment   = "GET /api/v2/payments/734512"
	postRefunds  = "POST /api/v2/refunds"
	getRefunds   = "GET /api/v2/refunds"
	link         = `{"paymentId":"734512","url":"https://paymaster.ru/cpay/1b2c3d4e5f60718293a4b5c6d7e8f901"}`
)

func order() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "ORD-2024-0042", Amount: money.RUB(1499, 90)}
}

func sale(total money.Amount, method fiscal.PaymentMethod) *fiscal.Receipt {
	return &fiscal.Receipt{Type: fiscal.Sale, Contact: fiscal.Contact{Email: "buyer@example.ru"}, Lines: []fiscal.Line{
		{Name: "Абонемент на май", Price: total, Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: method, Subject: fiscal.Service}}}
}

func back(total money.Amount) *fiscal.Receipt {
	r := sale(total, fiscal.FullPayment)
	r.Type = fiscal.SaleReturn
	return r
}

// asError is the error with its own fields.
func asError(t testing.TB, err error) *acquiring.Error {
	t.Helper()
	var e *acquiring.Error
	require.True(t, errors.As(err, &e), "%v", err)
	assert.Equal(t, provider, e.Provider)
	assert.NotEmpty(t, e.Op)
	return e
}

func refused(t testing.TB, err, kind error, outcome acquiring.Outcome) *acquiring.Error {
	t.Helper()
	require.ErrorIs(t, err, kind)
	e := asError(t, err)
	assert.Equal(t, outcome, e.Outcome, "%v", err)
	return e
}

func invalid(t testing.TB, err error, field string) {
	t.Helper()
	assert.Equal(t, field, refused(t, err, acquiring.ErrInvalid, acquiring.OutcomeNotSent).Field)
}

func post(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, callbackAt, strings.NewReader(body))
}

var ctx = context.Background()
