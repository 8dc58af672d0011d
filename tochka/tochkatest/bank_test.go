package tochkatest

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

	"github.com/acquiring-go/acquiring/internal/emulator"
)

var noon = time.Date(2026, 10, 2, 9, 20, 31, 0, time.UTC)

// bank is an emulator with a still clock, spoken to in raw HTTP.
type bank struct {
	*testing.T
	*Server
	clock *Clock
	token string
	head  http.Header
}

func start(t *testing.T, opts ...Option) *bank {
	t.Helper()
	clock := NewClock(noon)
	s := NewServer(append([]Option{WithClock(clock), WithSeed(7), WithoutListening()}, opts...)...)
	t.Cleanup(s.Close)
	return &bank{T: t, Server: s, clock: clock, token: s.keys[0].Token}
}

// raw sends a request to an address under the bank's host.
func (b *bank) raw(method, path, contentType, body string) *http.Response {
	b.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(b.Context(), method, b.URL+path, r)
	require.NoError(b, err)
	for k, v := range b.head {
		req.Header[k] = v
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	resp, err := b.Client().Do(req)
	require.NoError(b, err)
	return resp
}

func (b *bank) body(resp *http.Response) []byte {
	b.Helper()
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	require.NoError(b, err)
	return all
}

// call sends JSON to a method under /uapi/.
func (b *bank) call(method, path, body string) (int, map[string]any) {
	b.Helper()
	return b.under("/uapi/", method, path, body)
}

func (b *bank) under(prefix, method, path, body string) (int, map[string]any) {
	b.Helper()
	kind := ""
	if body != "" {
		kind = "application/json; charset=utf-8"
	}
	resp := b.raw(method, prefix+path, kind, body)
	all := b.body(resp)
	assert.Equal(b, "application/json", resp.Header.Get("Content-Type"), "%s %s", method, path)
	return resp.StatusCode, decode(b.T, all)
}

func decode(t testing.TB, body []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc map[string]any
	require.NoError(t, d.Decode(&doc), "%s", body)
	return doc
}

// ok is the Data of an answer that must be a success.
func (b *bank) ok(method, path, body string) map[string]any {
	b.Helper()
	status, doc := b.call(method, path, body)
	require.Equal(b, http.StatusOK, status, "%s %s: %v", method, path, doc)
	data, _ := doc["Data"].(map[string]any)
	return data
}

// no is the text of an answer that must be that error.
func (b *bank) no(want int, words, method, path, body string) {
	b.Helper()
	status, doc := b.call(method, path, body)
	assert.Equal(b, want, status, "%s %s %s: %v", method, path, body, doc)
	list, _ := doc["Errors"].([]any)
	if !assert.Len(b, list, 1, "%v", doc) {
		return
	}
	one := list[0].(map[string]any)
	assert.Contains(b, one["message"], words)
	assert.Equal(b, json.Number(doc["code"].(string)), json.Number(itoa(want)))
	assert.Len(b, doc["id"], 36)
	assert.NotEmpty(b, doc["message"])
	assert.NotEmpty(b, one["errorCode"])
	assert.NotEmpty(b, one["url"])
}

// link makes a payment link; changes are members that replace the usual ones.
func (b *bank) link(members string) map[string]any {
	b.Helper()
	return b.ok("POST", "acquiring/v1.0/payments", linkBody(members))
}

func linkBody(members string) string {
	usual := map[string]json.RawMessage{"customerCode": json.RawMessage(`"300777001"`), "amount": json.RawMessage(`1490.50`), "purpose": json.RawMessage(`"Абонемент на октябрь"`),
		"paymentMode": json.RawMessage(`["card","sbp"]`), "redirectUrl": json.RawMessage(`"https://school.example.com/paid"`), "merchantId": json.RawMessage(`"200000000004321"`)}
	return merge(usual, members)
}

func merge(usual map[string]json.RawMessage, members string) string {
	var more map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+members+"}"), &more); err != nil {
		panic(members + ": " + err.Error())
	}
	for k, v := range more {
		if usual[k] = v; string(v) == `"-"` {
			delete(usual, k)
		}
	}
	text, err := json.Marshal(map[string]any{"Data": usual})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (b *bank) operation(id any) map[string]any {
	b.Helper()
	list := b.ok("GET", "acquiring/v1.0/payments/"+id.(string), "")["Operation"].([]any)
	require.Len(b, list, 1)
	return list[0].(map[string]any)
}

func (b *bank) entries(id any) (kinds []string) {
	b.Helper()
	for _, e := range b.operation(id)["Order"].([]any) {
		kinds = append(kinds, e.(map[string]any)["type"].(string)+" "+e.(map[string]any)["amount"].(json.Number).String())
	}
	return kinds
}

// samples reads a published sample, or skips the test.
func samples(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "samples", "tochka", name))
	if err != nil {
		t.Skip("the published samples are not here: ../shared/samples/tochka/" + name)
	}
	return b
}

func TestOrderOfChecks(t *testing.T) {
	b := start(t)
	const get = "acquiring/v1.0/payments/00000000-0000-4000-8000-000000000000"
	b.no(424, "Order not found", "GET", get, "")
	for _, path := range []string{"acquiring/v1.0/payments/with-receipt", "acquiring/v2.0/payments", "acquiring/v1.0/nothing", "nothing", "acquiring/v1.0/payments/x/void"} {
		b.no(501, "", "POST", path, "{}")
	}
	b.no(501, "", "DELETE", "acquiring/v1.0/subscriptions/x/status", "")
	b.no(501, "", "PATCH", "open-banking/v1.0/customers", "")

	b.token = ""
	b.no(501, "", "GET", "acquiring/v1.0/nothing", "")
	b.no(401, "Authorization", "GET", get, "")
	for _, garbled := range []string{"Basic abc", "Bearer", "Bearer ", "Bearer a b"} {
		b.head = http.Header{"Authorization": {garbled}}
		b.no(401, "Authorization", "GET", get, "")
	}
	b.head = nil
	b.token = "unknown"
	b.no(403, "Forbidden by consent", "POST", "acquiring/v1.0/payments", "{")
	_, doc := b.call("GET", get, "")
	assert.Equal(t, "Forbidden by consent", doc["message"])

	b = start(t)
	b.no(400, "String should have at most 36 characters", "GET", "acquiring/v1.0/payments/"+strings.Repeat("7", 37), "")
	b.no(400, "Field operation_id : ", "POST", "acquiring/v1.0/payments/"+strings.Repeat("7", 37)+"/capture", "")
	b.no(400, "Field customer_code : Field required; ", "GET", "acquiring/v1.0/payments", "")
	b.no(403, "Forbidden by consent", "GET", "acquiring/v1.0/payments?customerCode=999999999", "")
	b.no(403, "Forbidden by consent", "GET", "acquiring/v1.0/payments?customerCode=300777000", "") // a person
	b.head = http.Header{"Customercode": {"999999999"}}
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "")
	b.head = http.Header{"Customercode": {DefaultCustomerCode}}
	b.ok("GET", "open-banking/v1.0/customers", "")
}

func TestKeys(t *testing.T) {
	b := start(t, WithKey(Key{ClientID: "reader", Permissions: []string{"ReadAcquiringData"}, Expires: noon.Add(time.Hour)}), WithKey(Key{Customers: []string{"300777000"}}))
	b.ok("GET", "acquiring/v1.0/retailers?customerCode=300777001", "")
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "")
	b.no(403, "Forbidden by consent", "POST", "acquiring/v1.0/payments", "{}")
	b.no(403, "Forbidden by consent", "GET", "consent/v1.0/consents", "") // a key is no application
	b.Advance(time.Hour)
	b.no(403, "Forbidden by consent", "GET", "acquiring/v1.0/retailers?customerCode=300777001", "")

	other := b.Server.keys[1]
	b.token = other.Token
	list := b.ok("GET", "open-banking/v1.0/customers", "")["Customer"].([]any)
	require.Len(t, list, 1)
	assert.Equal(t, "Personal", list[0].(map[string]any)["customerType"])
	b.no(403, "Forbidden by consent", "GET", "acquiring/v1.0/retailers?customerCode=300777001", "")

	next := b.ReissueKey(other.ClientID)
	assert.NotEqual(t, other.ClientID, "")
	assert.NotEqual(t, b.token, next.Token)
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "")
	b.token = next.Token
	b.ok("GET", "open-banking/v1.0/customers", "")
	b.DeleteKey(next.ClientID)
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "")
	assert.Zero(t, b.ReissueKey("nobody"))
}

func TestEnvelope(t *testing.T) {
	b := start(t)
	_, doc := b.call("GET", "open-banking/v1.0/customers", "")
	assert.Equal(t, map[string]any{"self": "https://enter.tochka.com/uapi/open-banking/v1.0/customers"}, doc["Links"])
	assert.Equal(t, map[string]any{"totalPages": json.Number("1")}, doc["Meta"])

	for range 5 {
		b.link("")
	}
	status, doc := b.call("GET", "acquiring/v1.0/payments?customerCode=300777001&page=2&perPage=2", "")
	require.Equal(t, 200, status)
	assert.Len(t, doc["Data"].(map[string]any)["Operation"], 2)
	assert.Equal(t, map[string]any{"totalPages": json.Number("3")}, doc["Meta"])
	links := doc["Links"].(map[string]any)
	for name, page := range map[string]string{"first": "page=1", "prev": "page=1", "next": "page=3", "last": "page=3"} {
		assert.Contains(t, links[name], "https://enter.tochka.com/uapi/acquiring/v1.0/payments?", name)
		assert.Contains(t, links[name], page, name)
	}
	_, doc = b.call("GET", "acquiring/v1.0/payments?customerCode=300777001&page=9&perPage=2", "")
	assert.Empty(t, doc["Data"].(map[string]any)["Operation"])
	b.no(400, "Field page : Input should be greater than or equal to 1; ", "GET", "acquiring/v1.0/payments?customerCode=300777001&page=0", "")
	b.no(400, "Field per_page : Input should be a valid integer; ", "GET", "acquiring/v1.0/payments?customerCode=300777001&perPage=all", "")
}

func TestTroubles(t *testing.T) {
	b := start(t)
	b.Trouble(Trouble{Op: OpCreate, Status: 424, Message: "Сервис временно недоступен"})
	b.no(424, "Сервис временно недоступен", "POST", "acquiring/v1.0/payments", linkBody(""))
	assert.Empty(t, b.Orders())
	b.Trouble(Trouble{Op: OpCreate, Status: 500, Code: "HTTPInternalError", Message: "x", Done: true, Times: 1})
	b.no(500, "x", "POST", "acquiring/v1.0/payments", linkBody(""))
	assert.Len(t, b.Orders(), 1, "carried out all the same")
	b.Trouble(Trouble{Status: 429, Times: 2})
	b.no(429, "", "GET", "open-banking/v1.0/customers", "")
	b.no(429, "", "GET", "open-banking/v1.0/accounts", "")
	b.ok("GET", "open-banking/v1.0/accounts", "")

	b.Fail(Fault{Op: OpCreate, Kind: LostAnswer, Status: 502})
	resp := b.raw("POST", "/uapi/acquiring/v1.0/payments_with_receipt", "application/json", receiptBody(""))
	assert.Equal(t, 502, resp.StatusCode)
	assert.Contains(t, string(b.body(resp)), "<html>")
	assert.Len(t, b.Orders(), 2)
	b.Fail(Fault{Kind: RateLimit, Times: -1})
	assert.Equal(t, 429, b.raw("GET", "/uapi/open-banking/v1.0/accounts", "", "").StatusCode)
	b.Trouble(Trouble{Status: 500, Times: 5})
	b.ClearFaults()
	b.ok("GET", "open-banking/v1.0/accounts", "")
	log := b.Requests()
	assert.Equal(t, OpAccounts, log[len(log)-1].Op)
}

func TestUnknownMembersAreIgnoredAndNoted(t *testing.T) {
	b := start(t)
	b.link(`"paymentLinkID":"typo","Client":{"phoneNumber":"1"}`)
	notes := strings.Join(b.Notes(), "\n")
	assert.Contains(t, notes, "ignored Data.paymentLinkID")
	assert.Contains(t, notes, "ignored Data.Client")
	resp := b.raw("GET", "/uapi/open-banking/v1.0/customers", "application/json", "[]")
	assert.Equal(t, 200, resp.StatusCode)
	assert.Contains(t, strings.Join(b.Notes(), "\n"), "a body where none belongs")
}

func TestPublicKeyAndSelfTest(t *testing.T) {
	b := start(t)
	resp := b.raw("GET", "/doc/openapi/static/keys/public", "", "")
	assert.JSONEq(t, b.WebhookKey(), string(b.body(resp)))
	assert.JSONEq(t, `{"status":"ok"}`, string(b.body(b.raw("GET", "/api", "", ""))))
	assert.Equal(t, 501, b.raw("GET", "/elsewhere", "", "").StatusCode)
	assert.Contains(t, b.WebhookKeyPEM(), "BEGIN PUBLIC KEY")
}

func TestMountedElsewhere(t *testing.T) {
	s := NewServer(WithoutListening(), WithPublicURL("https://bank.example"))
	defer s.Close()
	mux := http.NewServeMux()
	mux.Handle("/", s.Handler())
	conf := s.Config()
	assert.Equal(t, "https://bank.example/uapi", conf.BaseURL)
	c := http.Client{Transport: emulator.Transport(mux)}
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://bank.example/uapi/open-banking/v1.0/customers", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+conf.Token)
	resp, err := c.Do(req)
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, "https://bank.example/uapi", s.OAuthConfig().BaseURL)
}

func TestVersion2(t *testing.T) {
	b := start(t, WithVersion2())
	b.ok("GET", "acquiring/v2.0/retailers?customerCode=300777001", "")
}

func TestSlashOfAccounts(t *testing.T) {
	const raw, escaped = "open-banking/v1.0/accounts/40702810900000001234/044525104", "open-banking/v1.0/accounts/40702810900000001234%2F044525104"
	b := start(t)
	for _, path := range []string{raw, escaped, raw + "/balances", escaped + "/balances"} {
		b.ok("GET", path, "")
	}
	b = start(t, WithoutRawSlash())
	b.ok("GET", escaped, "")
	b.no(404, "Not found statement under account", "GET", raw, "")
	b = start(t, WithoutEscapedSlash())
	b.ok("GET", raw, "")
	b.no(501, "", "GET", escaped, "")
	b.no(403, "Forbidden", "GET", "open-banking/v1.0/accounts/40702810900000009999/044525104", "")
}

func TestRunningClock(t *testing.T) {
	got := make(chan string, 10)
	shop := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	})
	s := NewServer(WithClock(NewRunningClock(noon, 1000)), WithCallbackURL("https://shop.example/tochka"), WithCallbackClient(&http.Client{Transport: emulator.Transport(shop)}))
	defer s.Close()
	assert.False(t, s.Now().Before(noon))
	b := &bank{T: t, Server: s, token: s.keys[0].Token}
	require.NoError(t, s.Pay(b.link(`"ttl":44640`)["operationId"].(string)))
	select {
	case token := <-got:
		assert.True(t, verify(t, s.WebhookKeyPEM(), token))
	case <-time.After(10 * time.Second):
		t.Fatal("the webhook did not leave by itself")
	}
}
