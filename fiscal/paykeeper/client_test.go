package paykeeper

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func golden(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return strings.TrimSuffix(string(data), "\n")
}

func TestEmptySecretRejectedAtConstruction(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"Config.Environment":     func(c *Config) { c.Environment = 0 },
		"Config.User":            func(c *Config) { c.User = "" },
		"Config.Password":        func(c *Config) { c.Password = "" },
		"Config.Secret":          func(c *Config) { c.Secret = "" },
		"Config.Secret ":         func(c *Config) { c.Secret = "copied with a line break\n" },
		"Config.PreviousSecret":  func(c *Config) { c.PreviousSecret = "before " },
		"Config.Password ":       func(c *Config) { c.Password = "p\n" },
		"Config.Server":          func(c *Config) { c.BaseURL, c.Environment = "", acquiring.Production },
		"Config.BaseURL":         func(c *Config) { c.BaseURL = "ftp://x" },
		"Config.CallbackURL":     func(c *Config) { c.CallbackURL = "/hooks" },
		"Config.Lookback":        func(c *Config) { c.Lookback = -1 },
		"Config.ReceiptLookback": func(c *Config) { c.ReceiptLookback = -1 },
		"Config.PrepaidField":    func(c *Config) { c.PrepaidField = "sum" },
		"Config.RootCAs":         func(c *Config) { c.RootCAs = []byte("x") },
	} {
		t.Run(field, func(t *testing.T) {
			cfg := testConfig("https://lavka.server.paykeeper.ru")
			change(&cfg)
			_, err := New(cfg)
			require.ErrorIs(t, err, acquiring.ErrInvalid)
			wantField(t, err, strings.TrimSpace(field))
		})
	}
	cfg := testConfig("https://x.example")
	cfg.User = "a:b"
	_, err := New(cfg)
	wantField(t, err, "Config.User")
}

func TestConfigHidesSecrets(t *testing.T) {
	cfg := testConfig("https://user:url-pass@lavka.server.paykeeper.ru")
	cfg.Shop = "lavka"
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", cfg)
	for _, text := range []string{cfg.String(), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), log.String()} {
		assert.NotContains(t, text, "kassa-pass")
		assert.NotContains(t, text, testSecret)
		assert.NotContains(t, text, "url-pass")
		assert.Contains(t, text, "lavka")
	}
}

func TestServerAddresses(t *testing.T) {
	for server, want := range map[string]string{
		"lavka.server.paykeeper.ru":          "https://lavka.server.paykeeper.ru/bill/1/",
		"https://lavka.server.paykeeper.ru/": "https://lavka.server.paykeeper.ru/bill/1/",
		"":                                   "https://demo.paykeeper.ru/bill/1/",
	} {
		cfg := testConfig("")
		cfg.Server = server
		c, err := New(cfg)
		require.NoError(t, err)
		assert.Equal(t, want, c.InvoiceURL("1"))
	}
}

func TestTokenIsAskedForOnce(t *testing.T) {
	for _, wrap := range []bool{false, true} {
		f := newFake(t)
		f.wrap = wrap
		now := today
		c := f.client(func(c *Config) { c.Now = func() time.Time { return now } })
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { assert.NoError(t, c.RepeatNotification(bg(t), "4711")) })
		}
		wg.Wait()
		assert.Equal(t, 1, f.tokens)
		now = now.Add(TokenLifetime - time.Second)
		require.NoError(t, c.RepeatNotification(bg(t), "4711"))
		assert.Equal(t, 1, f.tokens)
		now = now.Add(time.Second)
		require.NoError(t, c.RepeatNotification(bg(t), "4711"))
		assert.Equal(t, 2, f.tokens)
	}
}

func TestStaleTokenIsRenewedOnce(t *testing.T) {
	f := newFake(t)
	c := f.client()
	_, err := c.Token(bg(t))
	require.NoError(t, err)
	f.token = "another"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { assert.NoError(t, c.RepeatNotification(bg(t), "4711")) })
	}
	wg.Wait()
	assert.Equal(t, 2, f.tokens, "all the refused calls share one new token")

	// A service that refuses every token is asked twice, not for ever.
	f.answers["/info/settings/token/"] = `{"token":"never right"}`
	f.token = "third"
	before := len(f.calls("/change/"))
	err = c.RepeatNotification(bg(t), "4711")
	e := wantError(t, err, acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
	assert.NotEmpty(t, e.Hint)
	assert.Len(t, f.calls("/change/"), before+2)
}

func TestTokenGivenUp(t *testing.T) {
	c := newFake(t).client()
	c.token.slot <- struct{}{} // somebody is asking
	ctx := bg(t)
	done, cancel := contextWithCancel(ctx)
	cancel()
	err := c.RepeatNotification(done, "4711")
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeNotSent)
}

// The answers of section 12, each with what it means.
func TestAnswers(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		kind       error
		outcome    acquiring.Outcome
	}{
		{"refused", `{"result":"fail","msg":"Сумма больше остатка"}`, 200, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"another word", `{"result":"failure"}`, 200, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"refused in an array", `[{"result":"fail","msg":"Сумма больше остатка"}]`, 200, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"error code", `{"error_code":"116","msg":"Недостаточно средств"}`, 200, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"wrong state", `{"result":"fail","msg":"Нельзя сделать возврат по платежу, статус которого не \"совершён\""}`, 200, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"not found", `{"result":"fail","msg":"Платёж не найден."}`, 200, acquiring.ErrNotFound, acquiring.OutcomeRejected},
		{"refused with 400", `{"result":"fail","msg":"Сумма больше остатка"}`, 400, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"refused with 500", `{"result":"fail","msg":"Сумма больше остатка"}`, 500, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"only msg with 400", `{"msg":"Нет"}`, 400, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"success with 500", `{"result":"success"}`, 500, acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"says nothing", `{"noresult":"success"}`, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"empty object", `{}`, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"empty list", `[]`, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"two", `[{"result":"success"},{"result":"success"}]`, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"number", `5`, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"not JSON", `blabla`, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"empty", ``, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"cut", `{"result":"succ`, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"login page", `<html><form name=login></form></html>`, 200, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		{"redirect to login", ``, 303, acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		{"wrong login", ``, 401, acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		{"wrong login in words", `{"result":"fail","msg":"Доступ закрыт"}`, 401, acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		{"bad gateway", `<html>Bad Gateway</html>`, 502, acquiring.ErrUnavailable, acquiring.OutcomeUnknown},
		{"too many", ``, 429, acquiring.ErrRateLimited, acquiring.OutcomeRejected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mock := httpmock.NewMockTransport()
			mock.RegisterResponder("GET", "https://lavka.example/info/settings/token/", httpmock.NewStringResponder(200, `{"token":"`+testToken+`"}`))
			mock.RegisterResponder("POST", "https://lavka.example/change/payment/reverse/", httpmock.NewStringResponder(tt.status, tt.body))
			cfg := testConfig("https://lavka.example")
			cfg.HTTPClient = &http.Client{Transport: mock}
			c, err := New(cfg)
			require.NoError(t, err)
			err = c.Reverse(bg(t), ReverseRequest{ID: "4711", Amount: money.RUB(200, 0), Partial: true})
			e := wantError(t, err, tt.kind, tt.outcome)
			assert.Equal(t, "payment/reverse", e.Op)
			assert.Equal(t, 1, mock.GetCallCountInfo()["POST https://lavka.example/change/payment/reverse/"], "money is never sent twice")
		})
	}
}

// Peer bugs: features that others lack, by the names they are known under.

func TestDeclinedWithHTTP200(t *testing.T) {
	f := newFake(t)
	f.answers["/change/binding/execute/"] = `{"result":"fail","msg":"Недостаточно средств"}`
	_, err := f.client().ExecuteBinding(bg(t), BindingRequest{BankID: "5f0c", OrderID: "SUB-3", Amount: 1})
	e := wantError(t, err, acquiring.ErrDeclined, acquiring.OutcomeRejected)
	assert.Equal(t, "Недостаточно средств", e.Message)
	assert.NotEmpty(t, e.Hint)
}

func TestErrorCodeStringOrNumber(t *testing.T) {
	for _, body := range []string{`{"error_code":116}`, `{"error_code":"116"}`} {
		f := newFake(t)
		f.answers["/change/payment/repeatcnt/"] = body
		err := f.client().RepeatNotification(bg(t), "4711")
		assert.Equal(t, "116", wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected).Code)
	}
}

func TestNoEmptyParameters(t *testing.T) {
	f := newFake(t)
	_, err := f.client().PreviewInvoice(bg(t), PreviewRequest{Amount: money.RUB(100, 0)})
	require.NoError(t, err)
	assert.Equal(t, "pay_amount=100.00&token="+testToken, f.calls("/change/invoice/preview/")[0].body)
}

func TestAmountOverMillion(t *testing.T) {
	f := newFake(t)
	_, err := f.client().PreviewInvoice(bg(t), PreviewRequest{Amount: money.RUB(21_000_000, 0)})
	require.NoError(t, err)
	assert.Equal(t, "21000000.00", f.calls("/change/invoice/preview/")[0].form.Get("pay_amount"))
	f.answers["/info/payments/byid/"] = `[{"id":1,"status":"success","pay_amount":21000000.00}]`
	p, err := f.client().Payment(bg(t), "1")
	require.NoError(t, err)
	assert.Equal(t, money.RUB(21_000_000, 0), p.Amount)
	f.answers["/info/payments/byid/"] = `[{"id":1,"status":"success","pay_amount":2.1e7}]`
	_, err = f.client().Payment(bg(t), "1")
	require.ErrorIs(t, err, acquiring.ErrProtocol, "an exponent is not a sum")
}

func TestLongIDsStayWhole(t *testing.T) {
	f := newFake(t)
	f.answers["/info/invoice/byid/"] = `{"id":20261121101530123,"status":"created","pay_amount":100,"user_id":3,"paymentid":null}`
	inv, err := f.client().Invoice(bg(t), "20261121101530123")
	require.NoError(t, err)
	assert.Equal(t, InvoiceID("20261121101530123"), inv.ID)
	assert.Equal(t, "3", inv.UserID)
	assert.Empty(t, inv.PaymentID)
}

func Test502IsError(t *testing.T) {
	f := newFake(t)
	f.fail("/change/payment/repeatcnt/", broken)
	wantError(t, f.client().RepeatNotification(bg(t), "1"), acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
}

func TestHTMLBodyError(t *testing.T) {
	f := newFake(t)
	f.fail("/info/payments/byid/", page)
	_, err := f.client().Payment(bg(t), "1")
	e := wantError(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	assert.Contains(t, e.Message, "технические работы")
	assert.Contains(t, e.Hint, "Config.User")
}

func TestErrorNeverContainsSecret(t *testing.T) {
	f := newFake(t)
	f.answers["/change/payment/repeatcnt/"] = `{"result":"fail","msg":"bad password kassa-pass, secret ` + testSecret + `"}`
	var log strings.Builder
	c := f.client(func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	err := c.RepeatNotification(bg(t), "1")
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	_, err = c.ParseNotification([]byte("id=1&sum=1.00&key=00000000000000000000000000000000"))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), md5Hex("11.00"+testSecret))
	for _, secret := range []string{"kassa-pass", testSecret, testToken, "bGF2a2E6"} {
		assert.NotContains(t, log.String(), secret)
	}
}

func TestRequestNotMutated(t *testing.T) {
	f := newFake(t)
	r := sale("R-1")
	r.Extra = map[string]string{"refund_id": "", "x": "y"}
	r.Lines[0].Extra = map[string]string{"tru_code": "1"}
	before := fmt.Sprintf("%#v", r)
	_, err := f.client().Submit(bg(t), r)
	require.NoError(t, err)
	assert.Equal(t, before, fmt.Sprintf("%#v", r))
	cfg := testConfig(f.server.URL)
	cfg.Measures = map[fiscal.Unit]string{fiscal.Kilogram: "кг"}
	c, err := New(cfg)
	require.NoError(t, err)
	cfg.Measures[fiscal.Kilogram] = "другое"
	assert.Equal(t, "кг", c.measure(&fiscal.Line{Unit: fiscal.Kilogram}))
}

func TestTwoShopsInOneProcess(t *testing.T) {
	one, two := newFake(t), newFake(t)
	two.token = "of the second shop"
	a := one.client(func(c *Config) { c.Shop = "one" })
	b := two.client(func(c *Config) { c.Shop, c.Secret = "two", "another secret" })
	require.NoError(t, a.RepeatNotification(bg(t), "1"))
	require.NoError(t, b.RepeatNotification(bg(t), "1"))
	_, err := b.ParseNotification([]byte(golden(t, "notification_n1.form")))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	for c, shop := range map[*Client]string{a: "one", b: "two"} {
		provider, label := c.Acquirer().Name()
		assert.Equal(t, []string{"paykeeper", shop}, []string{provider, label})
	}
}

func TestMemoryStore(t *testing.T) {
	s := NewMemoryStore(2)
	ctx := bg(t)
	for _, key := range []string{"a", "b", "c"} {
		added, err := s.Add(ctx, key, []byte(key))
		require.NoError(t, err)
		assert.True(t, added)
	}
	added, _ := s.Add(ctx, "c", []byte("again"))
	assert.False(t, added)
	require.NoError(t, s.Set(ctx, "c", []byte("new")))
	for key, want := range map[string]string{"a": "", "b": "b", "c": "new"} {
		v, err := s.Get(ctx, key)
		require.NoError(t, err)
		assert.Equal(t, want, string(v), key)
	}
}

func TestKeyedLocksLeaveNothing(t *testing.T) {
	k := newKeyedLocks()
	unlock, err := k.lock(bg(t), "a")
	require.NoError(t, err)
	ctx, cancel := contextWithCancel(bg(t))
	cancel()
	_, err = k.lock(ctx, "a")
	require.Error(t, err)
	unlock()
	assert.Empty(t, k.locks)
}
