package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/alfacrmtest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

const bearer = "bridge-key-of-the-tests"

// role of a child process: the file of its configuration.
const roleVariable = "ALFACRM_TEST_SERVE"

func TestMain(m *testing.M) {
	if file := os.Getenv(roleVariable); file != "" {
		p := program
		p.Outbox.Settle, p.Outbox.Every = 200*time.Millisecond, 50*time.Millisecond
		if err := bridge.Main(context.Background(), p, []string{"-config", file, "serve"}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// world is a school: its CRM, two banks, and the bridge between them.
type world struct {
	t    *testing.T
	crm  *alfacrmtest.Server
	sber *sberbanktest.Server
	pm   *paymastertest.Server
	file string
	conf map[string]any
	log  *bytes.Buffer

	front   *httptest.Server
	handler atomic.Value // http.Handler of the bridge that runs
	mu      sync.Mutex
	now     time.Time
	b       *bridge.Bridge
}

// locked is a writer for many.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func newWorld(t *testing.T, change func(conf map[string]any), opts ...alfacrmtest.Option) *world {
	t.Helper()
	w := &world{t: t, now: time.Now(), log: &bytes.Buffer{}}
	w.front = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if h, ok := w.handler.Load().(http.Handler); ok {
			h.ServeHTTP(rw, r)
			return
		}
		http.Error(rw, "the bridge is down", http.StatusBadGateway)
	}))
	t.Cleanup(w.front.Close)
	w.crm = alfacrmtest.NewServer(opts...)
	t.Cleanup(w.crm.Close)
	w.sber = sberbanktest.NewServer(sberbanktest.WithCallbackURL(w.front.URL + "/hooks/sber"))
	t.Cleanup(w.sber.Close)
	w.pm = paymastertest.NewServer(paymastertest.WithRefundTime(time.Millisecond))
	t.Cleanup(w.pm.Close)
	sber, pm := w.sber.Config(), w.pm.Config()
	w.conf = map[string]any{
		"public_url": w.front.URL, "database": filepath.Join(t.TempDir(), "bridge.db"), "key": bearer,
		"ref": map[string]any{"pattern": `^(\d+)-`, "metadata": "customer"},
		"shops": []any{
			map[string]any{"code": "sber", "name": "Сбер", "provider": "sberbank", "settings": map[string]any{"base_url": sber.BaseURL,
				"username": sber.UserName, "password": sber.Password, "callback_key": sber.CallbackKey}},
			map[string]any{"code": "pm", "name": "PayMaster", "provider": "paymaster", "settings": map[string]any{"base_url": pm.BaseURL,
				"merchant_id": pm.MerchantID, "token": pm.Token}},
		},
		"alfacrm": map[string]any{"url": w.crm.URL, "email": alfacrmtest.DefaultEmail, "api_key": "$ALFACRM_KEY", "zone": "Asia/Vladivostok",
			"post": map[string]any{"branch_id": alfacrmtest.DefaultBranch, "pay_account_id": alfacrmtest.DefaultCashDesk, "pay_item_id": alfacrmtest.DefaultArticle}},
	}
	if change != nil {
		change(w.conf)
	}
	w.file = filepath.Join(t.TempDir(), "alfacrm.json")
	b, err := json.MarshalIndent(w.conf, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.file, b, 0o600))
	t.Setenv("ALFACRM_KEY", alfacrmtest.DefaultAPIKey)
	return w
}

func (w *world) crmConf() map[string]any { return w.conf["alfacrm"].(map[string]any) }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) program(out io.Writer) bridge.Program {
	p := program
	p.Now, p.Out, p.Log = w.clock, out, &locked{w: w.log}
	return p
}

// start opens the bridge of the file; nothing runs by itself: the outbox is
// moved by tell.
func (w *world) start() *world {
	w.t.Helper()
	b, err := w.program(io.Discard).Bridge(context.Background(), w.file)
	require.NoError(w.t, err)
	w.b = b
	w.handler.Store(b.Handler())
	w.t.Cleanup(func() { _ = b.Close() })
	return w
}

// command runs a command of the program and gives what it printed.
func (w *world) command(args ...string) string {
	w.t.Helper()
	out, err := w.try(args...)
	require.NoError(w.t, err)
	return out
}

func (w *world) try(args ...string) (string, error) {
	var out bytes.Buffer
	err := bridge.Main(context.Background(), w.program(&out), append([]string{"-config", w.file}, args...))
	return out.String(), err
}

// invoice issues an invoice by the command and gives its number.
func (w *world) invoice(shop string, args ...string) string {
	w.t.Helper()
	out := w.command(append([]string{"invoice", "-shop", shop, "-ref", "2091", "-amount", "3500.00"}, args...)...)
	number, rest, ok := strings.Cut(out, "\t")
	require.True(w.t, ok, out)
	require.Contains(w.t, rest, "http")
	return number
}

// pay is the customer; the bank's callback is answered when it returns.
func (w *world) pay(shop, number string) {
	w.t.Helper()
	if shop == "pm" {
		o, ok := w.pm.Order(number)
		require.True(w.t, ok, number)
		require.NoError(w.t, w.pm.Pay(o.ID))
		w.pm.Deliver()
		return
	}
	o, ok := w.sber.Order(number)
	require.True(w.t, ok, number)
	require.NoError(w.t, w.sber.Pay(o.ID))
	w.sber.Deliver()
}

// tell moves the outbox: each time a minute later, until nothing is due.
func (w *world) tell() {
	w.t.Helper()
	for range 20 {
		_, err := w.b.Tell(context.Background())
		require.NoError(w.t, err)
		n, err := w.b.Outbox().Count(context.Background(), "alfacrm")
		require.NoError(w.t, err)
		if n["waiting"] == 0 {
			return
		}
		w.advance(15 * time.Minute)
	}
	w.t.Fatalf("the outbox does not become empty:\n%s", w.log)
}

// counts are the items of the outbox by state.
func (w *world) counts() map[string]int {
	w.t.Helper()
	n, err := w.b.Outbox().Count(context.Background(), "alfacrm")
	require.NoError(w.t, err)
	out := map[string]int{}
	for state, count := range n {
		out[string(state)] = count
	}
	return out
}

// http makes a request of the bridge's own API.
func (w *world) http(method, path, key, body string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.front.URL+path, strings.NewReader(body))
	require.NoError(w.t, err)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return resp.StatusCode, string(b)
}

// postgres gives a DSN with a schema of its own, or skips.
func postgres(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("ACQUIRING_POSTGRES_DSN")
	if dsn == "" {
		t.Skip("ACQUIRING_POSTGRES_DSN is not set: PostgreSQL is not tested")
	}
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	schema := "bridge_" + strconv.FormatUint(rand.Uint64N(1<<40), 36)
	_, err = db.Exec("CREATE SCHEMA " + schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("DROP SCHEMA " + schema + " CASCADE")
		require.NoError(t, err)
		_ = db.Close()
	})
	if strings.Contains(dsn, "?") {
		return dsn + "&search_path=" + schema
	}
	return dsn + "?search_path=" + schema
}

// rewrite writes the changed configuration.
func rewrite(t *testing.T, w *world) {
	t.Helper()
	b, err := json.Marshal(w.conf)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.file, b, 0o600))
}
