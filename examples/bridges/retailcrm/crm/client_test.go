package crm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

const apiKey = "k3yForCrmApi0000000000000000abcd"

// account answers every request with one answer and keeps the last request.
type account struct {
	status int
	body   string
	header http.Header

	path  string
	field url.Values
	key   string
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	a.path, a.key = r.Method+" "+r.URL.Path, r.Header.Get("X-API-KEY")
	a.field, _ = url.ParseQuery(string(b))
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func serve(t *testing.T, a *account) *Client {
	t.Helper()
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	c, err := New(Config{SystemURL: s.URL, APIKey: apiKey, Rate: 1000})
	require.NoError(t, err)
	return c
}

func TestCalls(t *testing.T) {
	a := &account{status: 200}
	c := serve(t, a)
	ctx := context.Background()
	const uuid = "d2f0a6a4-0f2e-4d0b-8f0e-3b6b6d1c9e10"

	a.body = `{"success":true,"result":{"success":true}}`
	v, err := c.Check(ctx, uuid, money.RUB(1299, 50), "RUB")
	require.NoError(t, err)
	assert.Equal(t, Verdict{OK: true}, v)
	assert.Equal(t, "POST /api/v5/payment/check", a.path)
	assert.Equal(t, apiKey, a.key)
	require.Len(t, a.field, 1)
	assert.JSONEq(t, file(t, "check.json"), a.field.Get("check"))

	a.body = `{"success":true}`
	require.NoError(t, c.UpdateInvoice(ctx, Update{InvoiceUUID: uuid}))
	assert.Equal(t, "POST /api/v5/payment/update-invoice", a.path)
	assert.JSONEq(t, `{"invoiceUuid":"`+uuid+`"}`, a.field.Get("updateInvoice"))

	a.body = `{"success":true,"result":{"link":"https://mod.example/pay/aZ3k9Q"}}`
	link, err := c.CreateInvoice(ctx, 4571, "https://tea.example/thanks")
	require.NoError(t, err)
	assert.Equal(t, "https://mod.example/pay/aZ3k9Q", link)
	assert.JSONEq(t, file(t, "create-invoice.json"), a.field.Get("createInvoice"))

	a.body = file(t, "invoice.json")
	inv, err := c.Invoice(ctx, uuid)
	require.NoError(t, err)
	assert.Equal(t, "GET /api/v5/payment/invoice/"+uuid, a.path)
	assert.Equal(t, Roubles(129950), inv.Amount)
	assert.Equal(t, Text("4571"), inv.PaymentID, "a number, where elsewhere it is text")
	assert.Equal(t, KnownRefund{ID: "7", ExternalID: "rf-1", Status: "succeeded", Amount: Sum{Amount: 10050, Given: true}}, inv.Refunds[0])

	a.body = `{"success":true,"invoice":{"invoiceUuid":"7684160f-5ebe-4787-b031-1fc9e659f123"}}`
	got, err := c.ImportInvoice(ctx, Import{PaymentID: 979})
	require.NoError(t, err)
	assert.Equal(t, "7684160f-5ebe-4787-b031-1fc9e659f123", got)

	a.body = `{"success":true,"info":{}}`
	require.NoError(t, c.EditModule(ctx, Module{Code: "alfabank-acquiring"}))
	assert.Equal(t, "POST /api/v5/integration-modules/alfabank-acquiring/edit", a.path)
	a.body = `{"success":true,"integrationModule":` + file(t, "module.json") + `}`
	m, err := c.Module(ctx, "alfabank-acquiring")
	require.NoError(t, err)
	assert.Equal(t, "Чай СПб", m.Integrations.Payment.Shops[1].Name)
	a.body = `{"success":true,"apiKey":"new"}`
	key, err := c.UpdateScopes(ctx, "alfabank-acquiring", Scopes())
	require.NoError(t, err)
	assert.Equal(t, "new", key)
	assert.Contains(t, a.field.Get("requires"), `"scopes":["integration_read"`)
	a.body = `{"success":true,"credentials":["/api/orders"],"scopes":[]}`
	cred, err := c.Credentials(ctx)
	require.NoError(t, err)
	assert.Equal(t, "GET /api/credentials", a.path)
	assert.Equal(t, []string{"/api/orders"}, cred.Methods)
	a.body = `{"success":true,"publicUrl":"https://tea.example"}`
	public, err := c.SystemInfo(ctx)
	require.NoError(t, err)
	assert.Equal(t, "https://tea.example", public)
}

// TestBothFlagsOfCheck: the outer one says that the question was answered, the
// inner one what the answer is.
func TestBothFlagsOfCheck(t *testing.T) {
	a := &account{status: 200, body: `{"success":true,"result":{"success":false,"errorMsg":"Сумма заказа изменилась"}}`}
	c := serve(t, a)
	v, err := c.Check(context.Background(), "u", 1, "RUB")
	require.NoError(t, err)
	assert.Equal(t, Verdict{Message: "Сумма заказа изменилась"}, v)
	for _, body := range []string{`{"success":false,"result":{"success":true}}`, `{"success":true}`, `{"success":true,"result":[]}`, `{"result":{"success":true}}`} {
		a.body = body
		v, err = c.Check(context.Background(), "u", 1, "RUB")
		assert.Error(t, err, body)
		assert.False(t, v.OK, body)
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		kind    error
		refused bool
		text    string
	}{
		"wrong key":                 {403, `{"success":false,"errorMsg":"Wrong \"apiKey\" value."}`, acquiring.ErrUnauthorized, false, "apiKey"},
		"wrong key, another number": {404, `{"success":false,"errorMsg":"Wrong \"apiKey\" value."}`, acquiring.ErrUnauthorized, false, "apiKey"},
		"unknown account":           {404, `{"success":false,"errorMsg":"Account does not exist."}`, acquiring.ErrNotFound, true, "Account"},
		"errors by field":           {400, `{"success":false,"errorMsg":"Errors in the entity format","errors":{"status":"unknown","amount":["low"]}}`, acquiring.ErrInvalid, true, `amount: ["low"]; status: unknown`},
		"errors in a list":          {400, `{"success":false,"errorMsg":"Errors","errors":["one","two"]}`, acquiring.ErrInvalid, true, "Errors; one; two"},
		"no success in 200":         {200, `{"success":false,"errorMsg":"no"}`, acquiring.ErrInvalid, true, "no"},
		"slow down":                 {503, `{"success":false,"errorMsg":"Service Temporarily Unavailable"}`, acquiring.ErrUnavailable, false, ""},
		"too many":                  {429, `{"success":false}`, acquiring.ErrRateLimited, false, ""},
		"a web page":                {200, `<html>maintenance</html>`, acquiring.ErrProtocol, false, ""},
		"moved":                     {301, ``, acquiring.ErrProtocol, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client := serve(t, &account{status: c.status, body: c.body})
			err := client.UpdateInvoice(context.Background(), Update{})
			require.ErrorIs(t, err, c.kind)
			assert.Equal(t, c.refused, Refused(err))
			assert.ErrorContains(t, err, c.text)
			assert.NotContains(t, err.Error(), apiKey)
		})
	}
}

func TestConfig(t *testing.T) {
	for _, bad := range []Config{{}, {SystemURL: "http://tea.retailcrm.ru", APIKey: "k"}, {SystemURL: "https://tea.retailcrm.ru"},
		{SystemURL: "https://u:p@tea.retailcrm.ru", APIKey: "k"}, {SystemURL: "https://tea.retailcrm.ru", APIKey: "a\nb"}} {
		_, err := New(bad)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	}
}

// TestKeyStaysSecret: no log line has it.
func TestKeyStaysSecret(t *testing.T) {
	var log bytes.Buffer
	s := httptest.NewServer(&account{status: 400, body: `{"success":false,"errorMsg":"` + apiKey + `"}`})
	defer s.Close()
	c, err := New(Config{SystemURL: s.URL, APIKey: apiKey, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	err = c.UpdateInvoice(context.Background(), Update{})
	require.Error(t, err)
	assert.NotContains(t, err.Error()+log.String()+fmt.Sprintf("%+v", err), apiKey)
}

// TestRate: requests of one key are spaced, and who cannot wait that long is
// told that nothing was sent.
func TestRate(t *testing.T) {
	s := httptest.NewServer(&account{status: 200, body: `{"success":true}`})
	defer s.Close()
	c, err := New(Config{SystemURL: s.URL, APIKey: apiKey, Rate: 1})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	require.NoError(t, c.UpdateInvoice(ctx, Update{}))
	err = c.UpdateInvoice(ctx, Update{})
	require.ErrorIs(t, err, acquiring.ErrRateLimited)
	var e *acquiring.Error
	require.True(t, errors.As(err, &e))
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.True(t, strings.Contains(err.Error(), "no turn"))
}
