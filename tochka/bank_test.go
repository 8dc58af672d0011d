package tochka

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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
	company  = "300777001"
	merchant = "200000000004321"
	opID     = "0b8d6a44-93c1-4f0e-9a52-6f7d1e2c3b4a"
	account  = "40702810900000001234/044525104"
	secret   = "jwt-key-that-nobody-may-see"
)

// bank answers what the test wants and keeps what it was asked.
type bank struct {
	*httptest.Server
	t       testing.TB
	mu      sync.Mutex
	answers map[string][]answer
	asked   []asked
	always  http.HandlerFunc
}

type asked struct {
	call   string // POST /uapi/acquiring/v1.0/payments
	query  string
	header http.Header
	body   string
}

type answer struct {
	status int
	body   string
	lost   bool // the connection is cut
	header http.Header
}

func newBank(t testing.TB) *bank {
	b := &bank{t: t, answers: map[string][]answer{}}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

// on queues answers of a call; the last one is repeated.
func (b *bank) on(call string, bodies ...string) *bank {
	for _, body := range bodies {
		b.answer(call, answer{status: 200, body: body})
	}
	return b
}

func (b *bank) answer(call string, a ...answer) *bank {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[call] = append(b.answers[call], a...)
	return b
}

func (b *bank) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	call := r.Method + " " + strings.TrimPrefix(r.URL.EscapedPath(), "/uapi/")
	b.mu.Lock()
	b.asked = append(b.asked, asked{call, r.URL.RawQuery, r.Header.Clone(), string(body)})
	queue := b.answers[call]
	if len(queue) > 1 {
		b.answers[call] = queue[1:]
	}
	always := b.always
	b.mu.Unlock()
	if len(queue) == 0 && always != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		always(w, r)
		return
	}
	if len(queue) == 0 {
		w.WriteHeader(http.StatusNotImplemented)
		_, _ = io.WriteString(w, `{"code":"501","id":"x","message":"no such method","Errors":[]}`)
		return
	}
	a := queue[0]
	if a.lost {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// calls are the requests of that call, in order.
func (b *bank) calls(call string) []asked {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []asked
	for _, a := range b.asked {
		if a.call == call {
			out = append(out, a)
		}
	}
	return out
}

func (b *bank) last(call string) asked {
	b.t.Helper()
	all := b.calls(call)
	require.NotEmpty(b.t, all, "%s was not called; called: %v", call, b.all())
	return all[len(all)-1]
}

func (b *bank) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, a := range b.asked {
		out = append(out, a.call)
	}
	return out
}

func (b *bank) conf(change ...func(*Config)) Config {
	conf := Config{Environment: acquiring.Production, BaseURL: b.URL, Token: secret, ClientID: "crm_app", CustomerCode: company, MerchantID: merchant}
	for _, f := range change {
		f(&conf)
	}
	return conf
}

func (b *bank) client(change ...func(*Config)) *Client {
	b.t.Helper()
	c, err := New(b.conf(change...))
	require.NoError(b.t, err)
	return c
}

const retailers = `{"Data":{"Retailer":[
  {"status":"REG","isActive":true,"mcc":"8299","rate":2.6,"name":"Школа на Тверской","url":"https://school.example.com","merchantId":"200000000004321","terminalId":"20000432","paymentModes":["card","sbp","tinkoff"],"cashbox":"businessRu"},
  {"status":"NEW","isActive":false,"mcc":"8299","rate":2.6,"name":"Филиал","paymentModes":[]}]},
 "Links":{"self":"https://enter.tochka.com/uapi/acquiring/v1.0/retailers"},"Meta":{"totalPages":1}}`

const (
	create        = "POST acquiring/v1.0/payments"
	createReceipt = "POST acquiring/v1.0/payments_with_receipt"
	listing       = "GET acquiring/v1.0/payments"
	read          = "GET acquiring/v1.0/payments/" + opID
	refund        = "POST acquiring/v1.0/payments/" + opID + "/refund"
	points        = "GET acquiring/v1.0/retailers"
)

// school is a bank that knows the company's retail points.
func school(t testing.TB) *bank { return newBank(t).on(points, retailers) }

// failure is an answer of the bank's own kind.
func failure(status int, words string) answer {
	text, _ := json.Marshal(words)
	return answer{status: status, body: `{"code":"` + http.StatusText(status) + `","id":"1a7e3c11-9b4c-4c68-8e54-2d3e4f5a6b7c","message":"Что-то пошло не так","Errors":[{"errorCode":"Something going wrong","message":` + string(text) + `,"url":"http://enter.tochka.com/open-banking/docs"}]}`}
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(b)
}

// wantJSON: the body is the file's, member for member: no more, no less.
func wantJSON(t testing.TB, name string, got asked) {
	t.Helper()
	assert.JSONEq(t, fixture(t, name), got.body)
	assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	assert.Equal(t, "Bearer "+secret, got.header.Get("Authorization"))
	assert.Equal(t, company, got.header.Get("CustomerCode"))
	assert.Empty(t, got.query)
	assert.NotContains(t, got.body, `""`, "an empty text is not a missing one")
	assert.NotContains(t, got.body, "null")
}

// order is the specification's invoice.
func order() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "crm-10045", Amount: money.RUB(1490, 50), Description: "Абонемент на октябрь", TTL: 24 * time.Hour,
		ReturnURL: "https://school.example.com/paid", FailURL: "https://school.example.com/failed", Methods: []acquiring.Method{acquiring.MethodCard, acquiring.MethodSBP}}
}

// lesson is the specification's invoice with a receipt.
func lesson() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "crm-10048", Amount: money.RUB(3200, 0), Description: "Заказ 10048", Methods: []acquiring.Method{acquiring.MethodSBP},
		Customer: acquiring.Customer{Email: "maria@example.com", Name: "Мария Петрова", Phone: "+79990001122"},
		Receipt: &fiscal.Receipt{Type: fiscal.Sale, TaxSystem: fiscal.TaxSimplifiedIncome, Lines: []fiscal.Line{
			{Name: "Урок английского", Price: money.RUB(800, 0), Quantity: fiscal.Pieces(3), VAT: fiscal.VATNone, Method: fiscal.FullPrepayment, Subject: fiscal.Service},
			{Name: "Учебник", Price: money.RUB(800, 0), Quantity: fiscal.Pieces(1), VAT: fiscal.VAT10, Method: fiscal.FullPayment, Subject: fiscal.Goods,
				Agent: &fiscal.Agent{Type: fiscal.OtherAgent}, Supplier: &fiscal.Supplier{Name: "ООО Издатель", INN: "7707083893", Phones: []string{"+74950000000"}}},
		}}}
}

func asError(t testing.TB, err error) *acquiring.Error {
	t.Helper()
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "tochka", e.Provider)
	assert.NotContains(t, err.Error(), secret)
	return e
}

func unsure(err error) bool {
	var e *acquiring.Error
	return errors.As(err, &e) && e.Outcome == acquiring.OutcomeUnknown
}
