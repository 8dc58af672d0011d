package sberbanktest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noon is Tuesday, 3 March 2026, 12:00 in Moscow.
var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, gateway.Moscow)

// bank is a Server with a clock that stands, and the shop's end of it.
type bank struct {
	*Server
	t     *testing.T
	shop  *shopEnd
	clock *Clock
}

// shopEnd takes callbacks.
type shopEnd struct {
	mu     sync.Mutex
	got    []news
	status int // answered; 0: 200
}

type news struct {
	method, path, contentType, body string
	query                           url.Values
	rawQuery                        string
}

func (s *shopEnd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, news{r.Method, r.URL.Path, r.Header.Get("Content-Type"), string(body), r.URL.Query(), r.URL.RawQuery})
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
}

func (s *shopEnd) take() []news {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

func open(t *testing.T, opts ...Option) *bank {
	t.Helper()
	b := &bank{t: t, shop: &shopEnd{}, clock: NewClock(noon)}
	base := []Option{WithClock(b.clock), WithSeed(7), WithoutListening(), WithCallbackHandler(b.shop), WithCallbackURL("https://crm.example/cb")}
	b.Server = NewServer(append(base, opts...)...)
	t.Cleanup(b.Close)
	return b
}

// raw posts a body as it is.
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
	text := read(b.t, resp)
	out := gateway.ObjectOf(text)
	require.NotNil(b.t, out, "not JSON: %s", text)
	return out
}

const credentials = `"userName":"demo-api","password":"Emulator-Password-1"`

// call posts JSON with credentials to the new gateway; fields begin with a
// comma-less list: `"orderId":"…"`.
func (b *bank) call(path, fields string) obj {
	b.t.Helper()
	body := "{" + credentials
	if fields != "" {
		body += "," + fields
	}
	resp := b.raw(http.MethodPost, "/ecomm/gw/partner/api/"+path, "application/json; charset=utf-8", body+"}")
	assert.Equal(b.t, "application/json", resp.Header.Get("Content-Type"))
	if why := resp.Header.Get("X-Emulator-Reason"); why != "" {
		b.t.Logf("%s: %s", path, why)
	}
	return b.decode(resp)
}

// form posts a form with credentials to the legacy gateway.
func (b *bank) form(method, fields string) obj {
	b.t.Helper()
	resp := b.raw(http.MethodPost, "/payment/rest/"+method, "application/x-www-form-urlencoded", "userName=demo-api&password=Emulator-Password-1&"+fields)
	assert.Equal(b.t, "text/plain;charset=UTF-8", resp.Header.Get("Content-Type"))
	return b.decode(resp)
}

// register makes an order of 1549.90 and returns its orderId.
func (b *bank) register(number, more string) string {
	b.t.Helper()
	return b.registerAs("register.do", number, more)
}

func (b *bank) registerAs(method, number, more string) string {
	b.t.Helper()
	out := b.call("v1/"+method, `"orderNumber":"`+number+`","amount":154990,"returnUrl":"https://crm.example/ok"`+more)
	require.Equal(b.t, "0", out["errorCode"], "%v", out)
	return out["orderId"].(string)
}

func (b *bank) legacyOrder(method, number, more string) string {
	b.t.Helper()
	out := b.form(method, "orderNumber="+number+"&amount=154990&returnUrl=https%3A%2F%2Fcrm.example%2Fok"+more)
	require.Contains(b.t, out, "orderId", "%v", out)
	return out["orderId"].(string)
}

func (b *bank) state(id string) obj {
	b.t.Helper()
	out := b.call("v1/getOrderStatusExtended.do", `"orderId":"`+id+`"`)
	require.Equal(b.t, "0", out["errorCode"], "%v", out)
	return out
}

func (b *bank) legacyState(id string) obj {
	b.t.Helper()
	return b.form("getOrderStatusExtended.do", "orderId="+id)
}

func num(s string) json.Number { return json.Number(s) }

func refusedWith(t *testing.T, out obj, code, text string) {
	t.Helper()
	assert.Equal(t, code, out["errorCode"], "%v", out)
	assert.Equal(t, text, out["errorMessage"], "%v", out)
}

const schemaText = "Error, value of the request parameter"
