package bridgetest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
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

	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/stage"
)

// Bearer is the key of the bridge's own API.
const Bearer = "bridge-key-of-the-tests"

// World is two banks and a bridge.
type World struct {
	stage.Banks
	T    *testing.T
	File string         // of the bridge's settings
	Conf map[string]any // what is in it; Rewrite after a change
	URL  string         // at which the bridge is reached
	B    *bridge.Bridge // nil until Start

	program bridge.Program
	lane    string
	log     locked
	handler atomic.Value
	mu      sync.Mutex
	now     time.Time
}

// locked is a log for many writers.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// New starts the banks and writes the file: section is the CRM's part of it,
// lane the CRM's Name. change, unless nil, may change the file first.
func New(t *testing.T, p bridge.Program, lane string, section map[string]any, change func(conf map[string]any)) *World {
	t.Helper()
	w := &World{T: t, program: p, lane: lane, now: time.Now()}
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if h, ok := w.handler.Load().(http.Handler); ok {
			h.ServeHTTP(rw, r)
			return
		}
		http.Error(rw, "the bridge is down", http.StatusBadGateway)
	}))
	t.Cleanup(front.Close)
	w.URL = front.URL
	w.Banks = stage.OpenBanks(w.URL)
	t.Cleanup(w.Banks.Close)
	w.Conf = map[string]any{"public_url": w.URL, "database": filepath.Join(t.TempDir(), "bridge.db"), "key": Bearer, lane: section, "shops": w.Shops()}
	if change != nil {
		change(w.Conf)
	}
	w.File = filepath.Join(t.TempDir(), "bridge.json")
	w.Rewrite()
	return w
}

// Rewrite writes the file anew.
func (w *World) Rewrite() {
	w.T.Helper()
	b, err := json.MarshalIndent(w.Conf, "", "  ")
	require.NoError(w.T, err)
	require.NoError(w.T, os.WriteFile(w.File, b, 0o600))
}

// Now is the bridge's clock.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Advance moves it.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Log is all that the bridge logged.
func (w *World) Log() string {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.log.b.String()
}

// Program is the bridge's program with the world's clock and log.
func (w *World) Program(out io.Writer) bridge.Program {
	p := w.program
	p.Now, p.Out, p.Log = w.Now, out, &w.log
	return p
}

// Use lets the bridge be reached.
func (w *World) Use(b *bridge.Bridge) {
	w.B = b
	w.handler.Store(b.Handler())
}

// Start opens the bridge of the file. Nothing runs by itself: Tell moves the
// outbox.
func (w *World) Start() *World {
	w.T.Helper()
	b, err := w.Program(io.Discard).Bridge(context.Background(), w.File)
	require.NoError(w.T, err)
	w.Use(b)
	w.T.Cleanup(func() { _ = b.Close() })
	return w
}

// Command runs a command of the program and gives what it printed.
func (w *World) Command(args ...string) string {
	w.T.Helper()
	out, err := w.Try(args...)
	require.NoError(w.T, err)
	return out
}

// Try runs a command that may fail.
func (w *World) Try(args ...string) (string, error) {
	var out bytes.Buffer
	err := bridge.Main(context.Background(), w.Program(&out), append([]string{"-config", w.File}, args...))
	return out.String(), err
}

// Invoice issues an invoice by the command and gives its order number.
func (w *World) Invoice(args ...string) string {
	w.T.Helper()
	out := w.Command(append([]string{"invoice"}, args...)...)
	number, rest, ok := strings.Cut(out, "\t")
	require.True(w.T, ok, out)
	require.Contains(w.T, rest, "http")
	return number
}

// Pay is the customer; the bank's callback is answered when it returns.
func (w *World) Pay(shop, number string) {
	w.T.Helper()
	require.NoError(w.T, w.Banks.Pay(shop, number))
}

// Tell moves the outbox, time after time, until nothing waits.
func (w *World) Tell() {
	w.T.Helper()
	for range 20 {
		_, err := w.B.Tell(context.Background())
		require.NoError(w.T, err)
		if w.Counts()["waiting"] == 0 {
			return
		}
		before := w.Counts()["waiting"]
		w.Advance(15 * time.Minute)
		if n, err := w.B.Tell(context.Background()); err == nil && n == 0 && before == w.Counts()["waiting"] && w.Counts()["attention"] > 0 {
			return // what is left waits behind what a person must see
		}
	}
	w.T.Fatalf("the outbox does not become empty:\n%s", w.Log())
}

// Counts are the items of the outbox by state.
func (w *World) Counts() map[string]int {
	w.T.Helper()
	n, err := w.B.Outbox().Count(context.Background(), w.lane)
	require.NoError(w.T, err)
	out := map[string]int{}
	for state, count := range n {
		out[string(state)] = count
	}
	return out
}

// HTTP makes a request of the bridge's own API. A redirect is an answer: its
// address is the text.
func (w *World) HTTP(method, path, key, body string) (int, string) {
	w.T.Helper()
	r, err := http.NewRequest(method, w.URL+path, strings.NewReader(body))
	require.NoError(w.T, err)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	require.NoError(w.T, err)
	defer resp.Body.Close()
	if at := resp.Header.Get("Location"); at != "" {
		return resp.StatusCode, at
	}
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.T, err)
	return resp.StatusCode, string(b)
}

// Learn asks the bank for the order until the bridge's answer has the words.
func (w *World) Learn(number, words string) {
	w.T.Helper()
	require.Eventually(w.T, func() bool { return strings.Contains(w.Command("status", number), words) }, 10*time.Second, 20*time.Millisecond)
}

// PostgreSQL gives an address with a schema of its own, or skips.
func PostgreSQL(t *testing.T) string {
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
