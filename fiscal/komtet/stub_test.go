package komtet

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

const (
	testSecret   = "zavod-demo-secret-7f3a"
	testCallback = "https://pay.lavka.example/hooks/komtet?shop=2"
)

// sent is a request as the stub saw it.
type sent struct {
	method, url, body string
	header            http.Header
}

// answer is what the stub answers; err stands for no answer.
type answer struct {
	status int
	body   string
	header http.Header
	err    error
}

// stub is a transport that answers in turn and keeps what it was asked.
type stub struct {
	t       *testing.T
	answers []answer
	sent    []sent
	more    []string // headers beside the usual ones
}

func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	s.sent = append(s.sent, sent{r.Method, r.URL.String(), string(body), r.Header.Clone()})
	// Each request must carry the headers of section 2 and no others.
	want := append([]string{"Accept", "Authorization", "X-Hmac-Signature"}, s.more...)
	if len(body) > 0 {
		want = append(want, "Content-Type")
		assert.Equal(s.t, "application/json", r.Header.Get("Content-Type"))
	}
	var got []string
	for name := range r.Header {
		got = append(got, name)
	}
	assert.ElementsMatch(s.t, want, got, "headers of %s %s", r.Method, r.URL)
	assert.Equal(s.t, "application/json", r.Header.Get("Accept"))
	assert.Equal(s.t, "shop-lavka", r.Header.Get("Authorization"))
	assert.Equal(s.t, plainSignature(testSecret, r.Method, r.URL.String(), string(body)), r.Header.Get("X-HMAC-Signature"))
	if len(s.answers) == 0 {
		s.t.Errorf("unexpected request %s %s %s", r.Method, r.URL, body)
		return nil, io.ErrUnexpectedEOF
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	if a.err != nil {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func ok(body string) answer { return answer{status: 200, body: body} }

func config() Config {
	return Config{
		Environment: acquiring.Test, ShopID: "shop-lavka", Secret: testSecret, QueueID: 70451,
		CallbackURL: testCallback, TaxSystem: fiscal.TaxSimplifiedIncome, Place: "https://lavka.example",
	}
}

// client is a Client whose service gives these answers; the test fails if any
// is left.
func client(t *testing.T, change func(*Config), answers ...answer) (*Client, *stub) {
	t.Helper()
	s := &stub{t: t, answers: answers}
	cfg := config()
	cfg.HTTPClient = &http.Client{Transport: s}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.Empty(t, s.answers, "answers that nobody asked for") })
	return c, s
}

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return strings.TrimSuffix(string(b), "\n")
}

// compact is the JSON without spaces between its parts.
func compact(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Compact(&b, []byte(s)))
	return b.String()
}

// sale is the receipt of the specification's example.
func sale() fiscal.Receipt {
	return fiscal.Receipt{
		ID: "T-1001", Type: fiscal.Sale, Contact: fiscal.Contact{Email: "buyer@lavka.example", Phone: "+79990001122"},
		Internet: new(true), TimeZone: 2,
		Lines: []fiscal.Line{
			{ID: "sku-17", Name: "Чайник", Price: money.RUB(1299, 90), Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Goods},
			{Name: "Доставка", Price: money.RUB(200, 0), Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Service},
		},
	}
}

// saleV1 is the return of the specification's example in FFD 1.05.
func saleV1() fiscal.Receipt {
	return fiscal.Receipt{
		ID: "V1-77", Type: fiscal.SaleReturn, FFD: fiscal.FFD105, Contact: fiscal.Contact{Email: "buyer@lavka.example"},
		Lines: []fiscal.Line{{ID: "1", Name: "Кружка", Price: money.RUB(150, 0), Quantity: fiscal.Pieces(2), VAT: fiscal.VATNone,
			Method: fiscal.FullPayment, Subject: fiscal.Goods, UnitName: "шт"}},
	}
}

func asError(t testing.TB, err error) *acquiring.Error {
	t.Helper()
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider, e.Provider)
	assert.NotContains(t, err.Error(), testSecret)
	return e
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 12, 0, 0, 0, time.UTC) }
