package sberbank

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
	"github.com/acquiring-go/acquiring/fiscal"
)

// bank is a gateway that answers what the test wants and keeps what it was
// asked.
type bank struct {
	*httptest.Server
	t       testing.TB
	mu      sync.Mutex
	answers map[string][]answer
	asked   []asked
	onAsk   func(path string) // called before each answer
}

type asked struct {
	path   string
	header http.Header
	body   string
}

type answer struct {
	status int
	body   string
	lost   bool // the request is carried out and the connection cut
}

func newBank(t testing.TB) *bank {
	b := &bank{t: t, answers: map[string][]answer{}}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

// on queues answers of a method; the last one is repeated.
func (b *bank) on(method string, bodies ...string) *bank {
	for _, body := range bodies {
		b.answers[method] = append(b.answers[method], answer{status: 200, body: body})
	}
	return b
}

func (b *bank) onAnswer(method string, a ...answer) *bank {
	b.answers[method] = append(b.answers[method], a...)
	return b
}

var lost = answer{lost: true}

func ok(body string) answer { return answer{status: 200, body: body} }

func (b *bank) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, asked{r.URL.Path, r.Header.Clone(), string(body)})
	if b.onAsk != nil {
		b.onAsk(r.URL.Path)
	}
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	queue := b.answers[name]
	if r.Method != http.MethodPost || r.URL.RawQuery != "" || len(queue) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(queue) > 1 {
		b.answers[name] = queue[1:]
	}
	if queue[0].lost {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
		return
	}
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(queue[0].status)
	_, _ = io.WriteString(w, queue[0].body)
}

func (b *bank) calls(method string) (list []asked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.asked {
		if strings.HasSuffix(a.path, "/"+method) {
			list = append(list, a)
		}
	}
	return list
}

func (b *bank) last(method string) asked {
	b.t.Helper()
	list := b.calls(method)
	require.NotEmpty(b.t, list, "nobody called %s", method)
	return list[len(list)-1]
}

// config is what both gateways need.
func (b *bank) config(p Protocol) Config {
	return Config{Environment: acquiring.Test, BaseURL: b.URL, Protocol: p, UserName: "shop417", Password: "Secret-Password-18",
		Receipt: ReceiptDefaults{TaxSystem: fiscal.TaxSimplifiedIncome, INN: "7707083893", Email: "shop@crm.example", PaymentAddress: "https://crm.example"}}
}

func (b *bank) client(p Protocol, change ...func(*Config)) *Client {
	b.t.Helper()
	conf := b.config(p)
	for _, f := range change {
		f(&conf)
	}
	c, err := New(conf)
	require.NoError(b.t, err)
	return c
}

// wantJSON compares a body to a file: every member, no other.
func wantJSON(t testing.TB, file string, got asked) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	assert.JSONEq(t, string(want), got.body)
}

// wantForm compares a form to a file of name=value lines, decoded.
func wantForm(t testing.TB, file string, got asked) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	want := url.Values{}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		name, value, _ := strings.Cut(line, "=")
		want.Set(name, value)
	}
	assert.Equal(t, "application/x-www-form-urlencoded; charset=UTF-8", got.header.Get("Content-Type"))
	values, err := url.ParseQuery(got.body)
	require.NoError(t, err)
	for name := range values {
		if strings.HasPrefix(want.Get(name), "{") {
			assert.JSONEq(t, want.Get(name), values.Get(name), name)
			values.Set(name, want.Get(name))
		}
	}
	assert.Equal(t, want, values)
	for name, v := range values {
		if name != "merchants" {
			assert.NotEqual(t, "", v[0], "%s is empty", name)
		}
	}
}

func members(t testing.TB, body string) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &m))
	return m
}

const (
	id           = "7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1"
	registeredOK = `{"errorCode":"0","errorMessage":"Обработка запроса прошла без системных ошибок","orderId":"` + id + `","formUrl":"https://sbox.payecom.ru/pay_ru?orderId=` + id + `"}`
	done         = `{"errorCode":"0","errorMessage":"Обработка запроса прошла без системных ошибок"}`
	duplicate    = `{"errorCode":"1","errorMessage":"Заказ с таким номером уже обработан"}`
	notFound     = `{"errorCode":"6","errorMessage":"Неверный номер заказа"}`
	denied       = `{"errorCode":"5","errorMessage":"Доступ запрещен"}`
)

// orderJSON is a status answer.
func orderJSON(state int, amounts string, more string) string {
	s := `{"errorCode":"0","orderNumber":"CRM-1","orderStatus":` + string(rune('0'+state)) + `,"actionCode":0,"amount":154990,"currency":"643","date":1772518500123,` +
		`"attributes":[{"name":"mdOrder","value":"` + id + `"}]`
	if amounts != "" {
		s += `,"paymentAmountInfo":{` + amounts + `}`
	}
	return s + more + `}`
}

func pending() string {
	return strings.Replace(orderJSON(0, "", ""), `"actionCode":0`, `"actionCode":-100`, 1)
}
func held() string {
	return orderJSON(1, `"approvedAmount":154990,"depositedAmount":0,"refundedAmount":0,"paymentState":"APPROVED"`, "")
}
func paid() string {
	return orderJSON(2, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":0,"paymentState":"DEPOSITED"`, "")
}
