package alfabanktest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// noon is Monday, 2 June 2025, 15:04:05 in Moscow.
var noon = time.Date(2025, 6, 2, 15, 4, 5, 0, gateway.Moscow)

const ok = "https%3A%2F%2Ftea.example%2Fok"

// bank is a Server with a clock that stands, and the shop's end of it.
type bank struct {
	*Server
	t    *testing.T
	shop *shopEnd
}

// shopEnd takes callbacks.
type shopEnd struct {
	mu     sync.Mutex
	got    []news
	status int // answered; 0: 200
}

type news struct {
	method, path, body, rawQuery string
	params                       url.Values
}

func (s *shopEnd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n := news{r.Method, r.URL.Path, string(body), r.URL.RawQuery, r.URL.Query()}
	if r.Method == http.MethodPost {
		n.params, _ = url.ParseQuery(n.body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, n)
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
}

// take delivers what is due and gives it out.
func (b *bank) take() []news {
	b.Deliver()
	b.shop.mu.Lock()
	defer b.shop.mu.Unlock()
	got := b.shop.got
	b.shop.got = nil
	return got
}

// heard are the operations of the callbacks since, with "!" for those that
// failed.
func (b *bank) heard() []string {
	out := []string{}
	for _, n := range b.take() {
		op := n.params.Get("operation")
		if n.params.Get("status") == "0" {
			op += "!"
		}
		out = append(out, op)
	}
	return out
}

func open(t *testing.T, opts ...Option) *bank {
	t.Helper()
	b := &bank{t: t, shop: &shopEnd{}}
	base := []Option{WithClock(NewClock(noon)), WithSeed(7), WithoutListening(), WithCallbackHandler(b.shop), WithCallbackURL("https://tea.example/cb")}
	b.Server = NewServer(append(base, opts...)...)
	t.Cleanup(b.Close)
	return b
}

func (b *bank) raw(method, path, contentType, body string) *http.Response {
	b.t.Helper()
	req, err := http.NewRequest(method, b.URL+path, strings.NewReader(body))
	require.NoError(b.t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := b.Client().Do(req)
	require.NoError(b.t, err)
	return resp
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

func (b *bank) decode(resp *http.Response) obj {
	b.t.Helper()
	assert.Equal(b.t, 200, resp.StatusCode)
	text := read(b.t, resp)
	if why := resp.Header.Get("X-Emulator-Reason"); why != "" {
		b.t.Logf("%s: %s", text, why)
	}
	out := gateway.ObjectOf(text)
	require.NotNil(b.t, out, "not JSON: %s", text)
	return out
}

const formType = "application/x-www-form-urlencoded; charset=UTF-8"

// pair are the credentials of the first merchant.
var pair = url.Values{"userName": {DefaultUserName}, "password": {DefaultPassword}}.Encode()

// as posts a form with those credentials.
func (b *bank) as(credentials, method, fields string) obj {
	b.t.Helper()
	return b.decode(b.raw(http.MethodPost, "/payment/rest/"+method, formType, credentials+"&"+fields))
}

// call posts a form as the first merchant, in English.
func (b *bank) call(method, fields string) obj {
	b.t.Helper()
	return b.as(pair+"&language=en", method, fields)
}

// json posts JSON as the first merchant; fields begin without a comma.
func (b *bank) json(path, fields string) obj {
	b.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/payment/rest/" + path
	}
	return b.decode(b.raw(http.MethodPost, path, "application/json", `{"username":"`+DefaultUserName+`","userName":"`+DefaultUserName+`","password":"`+DefaultPassword+`",`+fields+`}`))
}

// register makes an order of 1299.00 and returns its orderId.
func (b *bank) register(number, more string) string {
	b.t.Helper()
	return b.registerAs("register.do", number, more)
}

func (b *bank) hold(number, more string) string {
	b.t.Helper()
	return b.registerAs("registerPreAuth.do", number, more)
}

func (b *bank) registerAs(method, number, more string) string {
	b.t.Helper()
	out := b.call(method, "orderNumber="+number+"&amount=129900&returnUrl="+ok+more)
	require.Contains(b.t, out, "orderId", "%v", out)
	return out["orderId"].(string)
}

// paid is an order of 1299.00 that was paid.
func (b *bank) paid(number, more string) string {
	b.t.Helper()
	id := b.register(number, more)
	require.NoError(b.t, b.PayAndSave(id))
	b.take()
	return id
}

func (b *bank) state(id string) obj {
	b.t.Helper()
	out := b.call("getOrderStatusExtended.do", "orderId="+id)
	require.Equal(b.t, "0", out["errorCode"], "%v", out)
	return out
}

// is compares orderStatus, approved, deposited and refunded amount.
func (b *bank) is(id string, status, approved, deposited, refunded string) {
	b.t.Helper()
	st := b.state(id)
	sums := st["paymentAmountInfo"].(obj)
	got := []any{st["orderStatus"], sums["approvedAmount"], sums["depositedAmount"], sums["refundedAmount"]}
	assert.Equal(b.t, []any{num(status), num(approved), num(deposited), num(refunded)}, got)
}

func num(s string) json.Number { return json.Number(s) }

func refusedWith(t *testing.T, out obj, code string, text gateway.Text) {
	t.Helper()
	assert.Equal(t, code, out["errorCode"], "%v", out)
	assert.Equal(t, text.EN, out["errorMessage"], "%v", out)
}

func done(t *testing.T, out obj) {
	t.Helper()
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": "Success"}, out)
}

// sample reads a published sample; the test is skipped where there are none.
func sample(t *testing.T, name string, v any) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "samples", "alfabank", filepath.FromSlash(name)))
	if err != nil {
		t.Skip("no published samples beside the repository")
	}
	require.NoError(t, json.Unmarshal(body, v))
}

func decodeInto(t *testing.T, body []byte, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(body, v))
}

// sameKinds says that each field of want is in got with the same JSON type.
func sameKinds(t *testing.T, want, got obj, path string, except ...string) {
	t.Helper()
	for name, w := range want {
		skip := false
		for _, e := range except {
			skip = skip || e == path+name
		}
		if skip {
			continue
		}
		g, there := got[name]
		if !assert.True(t, there, "%s%s is missing in %v", path, name, got) {
			continue
		}
		assert.IsType(t, w, g, "%s%s", path, name)
		if child, ok := w.(obj); ok {
			if of, ok := g.(obj); ok {
				sameKinds(t, child, of, path+name+".", except...)
			}
		}
	}
}
