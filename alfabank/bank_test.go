package alfabank

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// bank is a gateway that answers what the test wants and keeps what it was
// asked.
type bank struct {
	*httptest.Server
	t       testing.TB
	mu      sync.Mutex
	answers map[string][]answer
	asked   []asked
}

type asked struct {
	method, path, query, body string
	header                    http.Header
}

type answer struct {
	status int
	body   string
	lost   bool // the request is carried out and the connection cut
}

var lost = answer{lost: true}

func newBank(t testing.TB) *bank {
	b := &bank{t: t, answers: map[string][]answer{}}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

// on queues answers of a method, by the whole path after /rest/ or the host;
// the last one is repeated.
func (b *bank) on(path string, bodies ...string) *bank {
	for _, body := range bodies {
		b.answers[path] = append(b.answers[path], answer{status: 200, body: body})
	}
	return b
}

func (b *bank) answer(path string, a ...answer) *bank {
	b.answers[path] = append(b.answers[path], a...)
	return b
}

func (b *bank) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, asked{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Clone()})
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/payment/"), "rest/")
	queue := b.answers[name]
	if r.Method != http.MethodPost || len(queue) == 0 {
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
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(queue[0].status)
	_, _ = io.WriteString(w, queue[0].body)
}

func (b *bank) calls(path string) (list []asked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.asked {
		if strings.HasSuffix(a.path, "/"+path) {
			list = append(list, a)
		}
	}
	return list
}

func (b *bank) last(path string) asked {
	b.t.Helper()
	list := b.calls(path)
	require.NotEmpty(b.t, list, "nobody called %s", path)
	return list[len(list)-1]
}

const password = "p*w?1%&="

func (b *bank) client(change ...func(*Config)) *Client {
	b.t.Helper()
	conf := Config{Environment: acquiring.Test, BaseURL: b.URL, UserName: "r-teashop-api", Password: password}
	for _, f := range change {
		f(&conf)
	}
	c, err := New(conf)
	require.NoError(b.t, err)
	return c
}

// form is the request's parameters, wherever they are.
func (a asked) form(t testing.TB) url.Values {
	t.Helper()
	text := a.body
	if text == "" {
		text = a.query
	}
	v, err := url.ParseQuery(text)
	require.NoError(t, err)
	return v
}

// wantForm compares a form to a file of name=value lines, decoded: every
// parameter, no other, none empty.
func wantForm(t testing.TB, file string, got asked) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	want := url.Values{}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		name, value, _ := strings.Cut(line, "=")
		want.Add(name, value)
	}
	assert.Equal(t, "application/x-www-form-urlencoded; charset=UTF-8", got.header.Get("Content-Type"))
	assert.Empty(t, got.query)
	values := got.form(t)
	for name, v := range values {
		assert.NotEqual(t, "", v[0], "%s is empty", name)
		if strings.HasPrefix(want.Get(name), "{") {
			assert.JSONEq(t, want.Get(name), v[0], name)
			values.Set(name, want.Get(name))
		}
	}
	assert.Equal(t, want, values)
}

func wantJSON(t testing.TB, file string, got asked) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	assert.JSONEq(t, string(data), got.body)
}

const (
	id           = "7a1f0c52-6b3e-7d44-9c10-2f5e04b1a0c3"
	page         = "https://alfa.rbsuat.com/payment/merchants/ecom/payment_ru.html?mdOrder=" + id
	registeredOK = `{"orderId":"` + id + `","formUrl":"` + page + `"}`
	done         = `{"errorCode":0,"errorMessage":"Success"}`
	duplicate    = `{"errorCode":"1","errorMessage":"Order number is duplicated, order with given order number is processed already"}`
	notFound     = `{"errorCode":"6","errorMessage":"Unknown order id"}`
	deniedAnswer = `{"errorCode":"5","errorMessage":"Доступ запрещён"}`
	wrongState   = `{"errorCode":"7","errorMessage":"Payment must be in a correct state"}`
	status       = "getOrderStatusExtended.do"
)

// orderJSON is a status answer of the document's shape.
func orderJSON(state, action int, amounts, more string) string {
	o := map[string]any{"errorCode": "0", "errorMessage": "Успешно", "orderNumber": "A-1001", "orderStatus": state, "actionCode": action, "amount": 129900,
		"currency": "810", "date": 1748865601120, "attributes": []map[string]string{{"name": "mdOrder", "value": id}}}
	text, _ := json.Marshal(o)
	s := strings.TrimSuffix(string(text), "}")
	if amounts != "" {
		s += `,"paymentAmountInfo":{` + amounts + `}`
	}
	return s + more + "}"
}

func pending() string { return orderJSON(0, -100, "", "") }
func held() string {
	return orderJSON(1, 0, `"paymentState":"APPROVED","approvedAmount":129900,"depositedAmount":0,"refundedAmount":0`, "")
}
func paid() string {
	return orderJSON(2, 0, `"paymentState":"DEPOSITED","approvedAmount":129900,"depositedAmount":129900,"refundedAmount":0`, `,"paymentWay":"CARD"`)
}

// partRefunded has its refund's key, as merchants of version 21 and later get
// it; an older one has not.
func partRefunded(key string) string {
	return orderJSON(4, 0, `"paymentState":"REFUNDED","approvedAmount":129900,"depositedAmount":100000,"refundedAmount":29900`,
		`,"refunds":[{"date":"2025-06-03",`+key+`"actionCode":0,"referenceNumber":"515412345678","amount":29900}]`)
}

const withKey = `"externalRefundId":"rf-2025-000017",`
