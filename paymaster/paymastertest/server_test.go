package paymastertest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// still is an emulator with a clock that stands; the account is that of the
// documentation's vectors.
func still(t *testing.T, opts ...Option) *Server {
	t.Helper()
	all := []Option{WithClock(NewClock(noon)), WithSeed(7), WithoutListening(),
		WithAccount(Account{SecretKey: "s3cr3t-Key_for-docs", Login: "shop-api", Password: "P@ssw0rd-42", DirectSecret: "direct-secret-9"})}
	s := NewServer(append(all, opts...)...)
	t.Cleanup(s.Close)
	return s
}

type result struct {
	code   int
	header http.Header
	body   string
	t      *testing.T
}

func (r result) object() map[string]any {
	r.t.Helper()
	var v map[string]any
	dec := json.NewDecoder(strings.NewReader(r.body))
	dec.UseNumber()
	require.NoError(r.t, dec.Decode(&v), r.body)
	return v
}

func (r result) at(path ...string) any {
	r.t.Helper()
	var v any = r.object()
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (r result) text(path ...string) string {
	r.t.Helper()
	switch v := r.at(path...).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func do(t *testing.T, s *Server, method, path, body string, header ...string) result {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = s.URL + path
	}
	req, err := http.NewRequest(method, path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return result{resp.StatusCode, resp.Header, string(data), t}
}

// v2 makes an authorised call.
func v2(t *testing.T, s *Server, method, path, body string, header ...string) result {
	t.Helper()
	return do(t, s, method, "/api/v2"+path, body, append([]string{"Authorization", "Bearer " + DefaultToken, "Content-Type", "application/json"}, header...)...)
}

func post(t *testing.T, s *Server, path string, form url.Values) result {
	t.Helper()
	return do(t, s, "POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// shop keeps the notifications and answers as told.
type shop struct {
	got    []string
	types  []string
	status int
	answer string
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.got, s.types = append(s.got, string(body)), append(s.types, r.Header.Get("Content-Type"))
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
	_, _ = io.WriteString(w, s.answer)
}

func (s *shop) last(t *testing.T) result {
	t.Helper()
	require.NotEmpty(t, s.got)
	return result{t: t, body: s.got[len(s.got)-1]}
}

func (s *shop) form(t *testing.T) url.Values {
	t.Helper()
	require.NotEmpty(t, s.got)
	v, err := url.ParseQuery(s.got[len(s.got)-1])
	require.NoError(t, err)
	return v
}

// sample is a published answer or request.
func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "samples", "paymaster", name))
	if err != nil {
		t.Skipf("no published samples beside the repository: %v", err)
	}
	return string(b)
}

// names are the names of a JSON document, nested ones with a dot.
func names(v any, path string) map[string]bool {
	out := map[string]bool{}
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			out[path+name] = true
			for n := range names(e, path+name+".") {
				out[n] = true
			}
		}
	case []any:
		for _, e := range v {
			for n := range names(e, path) {
				out[n] = true
			}
		}
	}
	return out
}

// assertHas says that ours has every name that the published one has.
func assertHas(t *testing.T, published, ours string) {
	t.Helper()
	var p, o any
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(published, "\xef\xbb\xbf")), &p))
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(ours, "\xef\xbb\xbf")), &o), ours)
	has := names(o, "")
	for n := range names(p, "") {
		assert.True(t, has[n], "%s is published and missing in %s", n, ours)
	}
}

func TestServerListensAndStops(t *testing.T) {
	s := NewServer()
	defer s.Close()
	assert.Equal(t, DefaultToken, s.Config().Token)
	assert.Equal(t, s.URL, s.Config().BaseURL)
	assert.Equal(t, DefaultSecretKey, s.ClassicConfig().SecretKey)
	resp, err := http.Get(s.URL + "/api/v2/payments")
	require.NoError(t, err)
	_ = resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Equal(t, "GET /payments", s.Requests()[0].Op)
	assert.NotNil(t, s.Handler())
	assert.Equal(t, DefaultMerchantID, s.Account().MerchantID)

	w := NewServer(WithWorkingMode(), WithoutListening(), WithPublicURL("https://pay.example.ru/"), WithHolds())
	defer w.Close()
	assert.Equal(t, "https://pay.example.ru", w.ClassicConfig().BaseURL)
	assert.True(t, w.ClassicConfig().Holds)
	assert.NotNil(t, w.Config().HTTPClient)
	assert.NotNil(t, w.ClassicConfig().HTTPClient)
}

func TestFaultsByName(t *testing.T) {
	s := still(t)
	s.Fail(Fault{Op: "post /invoices", Kind: ServerError, Times: -1})
	assert.Equal(t, 502, v2(t, s, "POST", "/invoices", invoiceJSON).code)
	s.ClearFaults()
	s.Fail(Fault{Op: "getPayment", Kind: HTML})
	assert.Contains(t, do(t, s, "GET", "/partners/rest/GETPAYMENT", "").body, "<html>")
	s.Fail(Fault{Op: "/payment/init", Kind: Empty})
	assert.Empty(t, do(t, s, "GET", "/Payment/Init?x=1", "").body)
	assert.Equal(t, 404, do(t, s, "GET", "/elsewhere", "").code)
	assert.Equal(t, 404, v2(t, s, "GET", "/balance", "").code)
	assert.Equal(t, 405, v2(t, s, "GET", "/invoices", "").code)
	assert.Equal(t, 404, do(t, s, "GET", "/api/v2/", "").code)
}
