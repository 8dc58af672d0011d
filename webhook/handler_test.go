package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

var quiet = webhook.Logger(slog.New(slog.DiscardHandler))

func TestHandlerProcessesOncePerNews(t *testing.T) {
	b, books, seen := newBank("school"), &books{}, &sightings{}
	b.set("p1", "A-7", acquiring.StatusPaid, 149990)
	h := webhook.Handler(b, books.process, quiet, webhook.Observe(seen.observe))

	for range 3 {
		code, body, header := send(h, b.notify("id", "p1", "order", "A-7", "status", "paid", "amount", "149990"))
		assert.Equal(t, http.StatusOK, code)
		assert.Equal(t, "OK", body)
		assert.Equal(t, "text/plain", header.Get("Content-Type"))
	}
	events := books.all()
	require.Len(t, events, 1)
	e := events[0]
	assert.Equal(t, "bank/school/p1/paid", e.Key)
	assert.Equal(t, webhook.FromCallback, e.Source)
	assert.Equal(t, money.Amount(149990), e.Payment.Captured)
	assert.True(t, e.Callback.Signed)
	assert.NotEmpty(t, e.Callback.Raw)
	assert.Equal(t, []webhook.Outcome{webhook.Processed, webhook.Duplicate, webhook.Duplicate}, seen.outcomes())
	o := seen.last()
	assert.Equal(t, "bank", o.Provider)
	assert.Equal(t, "school", o.Shop)
	assert.Equal(t, acquiring.PaymentID("p1"), o.PaymentID)
	assert.Equal(t, "A-7", o.OrderID)
	assert.Equal(t, acquiring.StatusPaid, o.Status)
	assert.Equal(t, e.Key, o.Key)
	assert.Equal(t, http.StatusOK, o.HTTP)
	assert.NoError(t, o.Err)

	t.Run("the next news of the same payment is processed", func(t *testing.T) {
		p := b.set("p1", "A-7", acquiring.StatusPartiallyRefunded, 149990)
		for _, refunded := range []money.Amount{10000, 25000} {
			p.Refunded = refunded
			for range 2 {
				code, _, _ := send(h, b.notify("id", "p1", "status", "partially_refunded"))
				assert.Equal(t, http.StatusOK, code)
			}
		}
		events := books.all()
		require.Len(t, events, 3)
		assert.Equal(t, "bank/school/p1/partially_refunded/100.00", events[1].Key)
		assert.Equal(t, "bank/school/p1/partially_refunded/250.00", events[2].Key)
	})
	t.Run("late news finds the payment further on", func(t *testing.T) {
		code, _, _ := send(h, b.notify("id", "p1", "status", "paid", "key", "late"))
		assert.Equal(t, http.StatusOK, code)
		assert.Len(t, books.all(), 3, "the state it stands in was processed already")
	})
	t.Run("an attempt that was declined before is no news any more", func(t *testing.T) {
		code, _, _ := send(h, b.notify("id", "p1", "status", "declined", "key", "yesterday"))
		assert.Equal(t, http.StatusOK, code)
		assert.Len(t, books.all(), 3)
	})
}

// A part was given back before the news that it was paid came through: process
// hears of it as it stands, and of the same no second time.
func TestFirstNewsMayBeARefund(t *testing.T) {
	b, books := newBank("school"), &books{}
	b.set("p1", "A-7", acquiring.StatusPartiallyRefunded, 149990).Refunded = 10000
	h := webhook.Handler(b, books.process, quiet)
	for _, status := range []string{"paid", "partially_refunded", "paid"} {
		code, _, _ := send(h, b.notify("id", "p1", "order", "A-7", "status", status))
		assert.Equal(t, http.StatusOK, code)
	}
	require.Len(t, books.all(), 1)
	p := books.all()[0].Payment
	assert.True(t, p.Status.Succeeded())
	assert.Equal(t, acquiring.StatusPartiallyRefunded, p.Status)
	assert.Equal(t, money.Amount(149990), p.Captured)
	assert.Equal(t, money.Amount(10000), p.Refunded)
}

func TestHandlerRefusesTheForged(t *testing.T) {
	b := newBank("school")
	b.set("p1", "A-7", acquiring.StatusPaid, 149990)
	body := func(s string) *http.Request { return httptest.NewRequest(http.MethodPost, "/", strings.NewReader(s)) }
	whole, _ := io.ReadAll(b.notify("id", "p1", "status", "paid").Body)
	other, _ := io.ReadAll(newBank("other").notify("id", "p1", "status", "paid").Body)
	twice := b.notify("id", "p1", "status", "paid", "status", "refunded")
	for name, r := range map[string]*http.Request{
		"unsigned":                 body("id=p1&status=paid"),
		"changed":                  body(strings.Replace(string(whole), "paid", "refunded", 1)),
		"cut":                      body(string(whole[:len(whole)-1])),
		"signed by another shop":   body(string(other)),
		"a parameter twice":        twice,
		"empty":                    body(""),
		"too large":                body(strings.Repeat("x", webhook.MaxBody+1)),
		"GET with nothing":         httptest.NewRequest(http.MethodGet, "/", nil),
		"breaks off":               httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("id="), brokenReader{})),
		"signed with an empty key": body("id=p1&status=paid&sign="),
	} {
		t.Run(name, func(t *testing.T) {
			books, seen := &books{}, &sightings{}
			before := b.questions()
			code, answer, _ := send(webhook.Handler(b, books.process, quiet, webhook.Observe(seen.observe)), r)
			assert.Equal(t, http.StatusForbidden, code)
			assert.Equal(t, "Forbidden\n", answer, "the sender is not told why")
			assert.Empty(t, books.all())
			assert.Equal(t, before, b.questions(), "a forged notification costs the provider nothing")
			assert.Equal(t, webhook.Forged, seen.last().Outcome)
			assert.ErrorIs(t, seen.last().Err, acquiring.ErrSignature)
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Ten megabytes are refused after 64 KiB, over a real connection, and memory
// stays where it was.
func TestHandlerRefusesTenMegabytes(t *testing.T) {
	b := newBank("school")
	var read int64
	inner := webhook.Handler(b, (&books{}).process, quiet)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &countedBody{ReadCloser: r.Body}
		r.Body = body
		inner.ServeHTTP(w, r)
		read = body.n
	}))
	defer server.Close()
	for name, length := range map[string]int64{"length said": 10 << 20, "length not said": -1} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPost, server.URL, io.LimitReader(zeros{}, 10<<20))
			require.NoError(t, err)
			r.ContentLength = length
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err == nil { // the server may close before the client has written all
				resp.Body.Close()
				assert.Equal(t, http.StatusForbidden, resp.StatusCode)
			}
			server.CloseClientConnections()
			assert.LessOrEqual(t, read, int64(webhook.MaxBody+1))
		})
	}
	t.Run("memory", func(t *testing.T) {
		allocated := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(zeros{}, 10<<20))
				r.ContentLength = -1
				inner.ServeHTTP(httptest.NewRecorder(), r)
			}
		}).AllocedBytesPerOp()
		assert.Less(t, allocated, int64(4*webhook.MaxBody))
	})
}

type countedBody struct {
	io.ReadCloser
	n int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestHandlerAnswersErrorUntilProcessSucceeds(t *testing.T) {
	b, books, seen := newBank("school"), &books{}, &sightings{}
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	h := webhook.Handler(b, books.process, quiet, webhook.Observe(seen.observe))

	books.fail(errors.New("database is down: password=hunter2"))
	for range 2 {
		code, body, _ := send(h, b.notify("id", "p1", "status", "paid"))
		assert.Equal(t, http.StatusInternalServerError, code)
		assert.Equal(t, "Internal Server Error\n", body)
	}
	books.fail(nil)
	code, body, _ := send(h, b.notify("id", "p1", "status", "paid"))
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "OK", body)
	assert.Len(t, books.all(), 1)
	assert.Equal(t, []webhook.Outcome{webhook.Failed, webhook.Failed, webhook.Processed}, seen.outcomes())
}

func TestHandlerSurvivesPanics(t *testing.T) {
	b := newBank("school")
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	boom := true
	explode := func() {
		if boom {
			panic("boom")
		}
	}
	books := &books{before: func(context.Context) error { explode(); return nil }}
	var log bytes.Buffer
	seen := &sightings{}
	h := webhook.Handler(b, books.process, webhook.Logger(slog.New(slog.NewTextHandler(&log, nil))), webhook.Observe(seen.observe))
	code, body, _ := send(h, b.notify("id", "p1", "status", "paid"))
	assert.Equal(t, http.StatusInternalServerError, code)
	assert.NotContains(t, body, "boom")
	assert.Contains(t, log.String(), "panic: boom")
	assert.Contains(t, log.String(), "handler_test.go", "the stack says where")
	assert.Equal(t, webhook.Panicked, seen.last().Outcome)

	boom = false
	code, _, _ = send(h, b.notify("id", "p1", "status", "paid"))
	assert.Equal(t, http.StatusOK, code)
	assert.Len(t, books.all(), 1, "the panic did not mark the news done")

	t.Run("of the client, the shop function and the hooks", func(t *testing.T) {
		b.onAsk = func() { panic("boom") }
		defer func() { b.onAsk = nil }()
		code, _, _ := send(h, b.notify("id", "p1", "status", "paid"))
		assert.Equal(t, http.StatusInternalServerError, code)
		b.onAsk = nil

		code, _, _ = send(webhook.HandlerFor(func(*http.Request) (acquiring.Acquirer, error) { panic("boom") }, books.process, quiet), b.notify("id", "p1"))
		assert.Equal(t, http.StatusInternalServerError, code)

		h := webhook.Handler(b, books.process, quiet, webhook.Observe(func(context.Context, webhook.Observation) { panic("boom") }))
		code, _, _ = send(h, b.notify("id", "p1", "status", "paid"))
		assert.Equal(t, http.StatusOK, code, "a metric that panics changes no answer")
	})
}

func TestHandlerConcurrentCopiesOfOneNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, seen := newBank("school"), &sightings{}
		b.set("p1", "A-7", acquiring.StatusPaid, 1000)
		books := &books{before: func(context.Context) error { time.Sleep(5 * time.Second); return nil }}
		h := webhook.Handler(b, books.process, quiet, webhook.Observe(seen.observe))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				code, _, _ := send(h, b.notify("id", "p1", "status", "paid"))
				assert.Equal(t, 200, code)
			})
		}
		wg.Wait()
		assert.Len(t, books.all(), 1)
	})
}

func TestHandlerTellsACopyToComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, seen := newBank("school"), &sightings{}
		b.set("p1", "A-7", acquiring.StatusPaid, 1000)
		books := &books{before: func(context.Context) error { time.Sleep(5 * time.Second); return nil }}
		h := webhook.Handler(b, books.process, quiet, webhook.Observe(seen.observe), webhook.Timeout(2*time.Second))
		done := make(chan int)
		go func() {
			code, _, _ := send(h, b.notify("id", "p1", "status", "paid"))
			done <- code
		}()
		synctest.Wait()
		code, _, _ := send(h, b.notify("id", "p1", "status", "paid"))
		assert.Equal(t, 503, code)
		assert.Equal(t, webhook.InFlight, seen.last().Outcome)
		assert.Equal(t, 200, <-done)
		assert.Len(t, books.all(), 1)
	})
}

// What was begun is finished when the provider hangs up: a process longer than
// the provider's patience would otherwise never succeed.
func TestHandlerFinishesWhenTheProviderHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank("school")
		b.set("p1", "A-7", acquiring.StatusPaid, 1000)
		var deadline time.Time
		books := &books{before: func(ctx context.Context) error {
			deadline, _ = ctx.Deadline()
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Second):
				return nil
			}
		}}
		ctx, hangUp := context.WithTimeout(context.WithValue(t.Context(), traceKey{}, "42"), time.Second)
		defer hangUp()
		start := time.Now()
		h := webhook.Handler(b, func(ctx context.Context, e webhook.Event) error {
			assert.Equal(t, "42", ctx.Value(traceKey{}), "the request's values reach process")
			return books.process(ctx, e)
		}, quiet)
		code, _, _ := send(h, b.notify("id", "p1", "status", "paid").WithContext(ctx))
		assert.Equal(t, 200, code)
		assert.Len(t, books.all(), 1)
		assert.Equal(t, webhook.DefaultTimeout, deadline.Sub(start))
	})
}

type traceKey struct{}

func TestHandlerBoundsProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank("school")
		b.set("p1", "A-7", acquiring.StatusPaid, 1000)
		h := webhook.Handler(b, func(ctx context.Context, _ webhook.Event) error { <-ctx.Done(); return ctx.Err() }, quiet, webhook.Timeout(3*time.Second))
		start := time.Now()
		code, _, _ := send(h, b.notify("id", "p1", "status", "paid"))
		assert.Equal(t, 500, code)
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

// inboxFunc is somebody else's Inbox.
type inboxFunc func(ctx context.Context, key string, process func(context.Context) error) error

func (f inboxFunc) Once(ctx context.Context, key string, process func(context.Context) error) error {
	return f(ctx, key, process)
}

func TestHandlerWithForeignInboxes(t *testing.T) {
	b := newBank("school")
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	down := errors.New("the inbox is down")
	for name, tt := range map[string]struct {
		inbox   inboxFunc
		process error
		code    int
		outcome webhook.Outcome
	}{
		"down before": {func(context.Context, string, func(context.Context) error) error { return down }, nil, 503, webhook.InboxFailed},
		"the commit failed": {func(ctx context.Context, _ string, f func(context.Context) error) error {
			_ = f(ctx)
			return down
		}, nil, 500, webhook.Failed},
		"process failed, and it says nothing of it": {func(ctx context.Context, _ string, f func(context.Context) error) error {
			_ = f(ctx)
			return nil
		}, errors.New("no"), 500, webhook.Failed},
		"ran it again, with success": {func(ctx context.Context, _ string, f func(context.Context) error) error {
			_ = f(ctx)
			return f(ctx)
		}, nil, 200, webhook.Processed},
		"done before": {func(context.Context, string, func(context.Context) error) error { return nil }, nil, 200, webhook.Duplicate},
		"does not wait": {func(context.Context, string, func(context.Context) error) error {
			return fmt.Errorf("row is locked: %w", webhook.ErrInFlight)
		}, nil, 503, webhook.InFlight},
		"panics": {func(context.Context, string, func(context.Context) error) error { panic("boom") }, nil, 500, webhook.Panicked},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &sightings{}
			h := webhook.Handler(b, func(context.Context, webhook.Event) error { return tt.process }, quiet, webhook.WithInbox(tt.inbox), webhook.Observe(seen.observe))
			code, body, _ := send(h, b.notify("id", "p1", "status", "paid"))
			assert.Equal(t, tt.code, code)
			assert.Equal(t, tt.outcome, seen.last().Outcome)
			assert.NotContains(t, body, "inbox")
		})
	}
}

func TestHandlerAgainstBrokenClients(t *testing.T) {
	for name, a := range map[string]acquiring.Acquirer{
		"no callback and no error": brokenClient{},
		"no payment and no error":  brokenClient{cb: &acquiring.Callback{PaymentID: "p1", Status: acquiring.StatusPaid, Signed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			books := &books{}
			code, _, _ := send(webhook.Handler(a, books.process, quiet), httptest.NewRequest(http.MethodPost, "/", nil))
			assert.Equal(t, 500, code)
			assert.Empty(t, books.all())
		})
	}
	code, _, _ := send(webhook.Handler(brokenClient{err: acquiring.Invalid("id", "is empty")}, (&books{}).process, quiet), httptest.NewRequest(http.MethodPost, "/", nil))
	assert.Equal(t, 400, code)
}

type brokenClient struct {
	acquiring.Acquirer
	cb  *acquiring.Callback
	err error
}

func (b brokenClient) VerifyCallback(context.Context, *http.Request) (*acquiring.Callback, error) {
	return b.cb, b.err
}
func (brokenClient) GetStatus(context.Context, acquiring.PaymentID) (*acquiring.Payment, error) {
	return nil, nil
}

func TestHandlerRefusesToBeBuiltOfNothing(t *testing.T) {
	process := (&books{}).process
	assert.Panics(t, func() { webhook.Handler(nil, process) })
	assert.Panics(t, func() { webhook.Handler(newBank("s"), nil) })
	assert.Panics(t, func() { webhook.HandlerFor(nil, process) })
}

func TestHandlerLog(t *testing.T) {
	b := newBank("school")
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	var out bytes.Buffer
	h := webhook.Handler(b, (&books{}).process, webhook.Logger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	line := func(r *http.Request) map[string]any {
		out.Reset()
		send(h, r)
		var m map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &m), out.String())
		delete(m, "time")
		delete(m, "took")
		return m
	}
	assert.Equal(t, map[string]any{"level": "INFO", "msg": "payment news", "provider": "bank", "shop": "school", "payment": "p1", "order": "A-7",
		"status": "paid", "key": "bank/school/p1/paid", "outcome": "processed", "source": "callback", "http": 200.0}, line(b.notify("id", "p1", "status", "paid")))
	assert.Equal(t, "DEBUG", line(b.notify("id", "p1", "status", "paid"))["level"])
	forged := line(httptest.NewRequest(http.MethodPost, "/", strings.NewReader("id=p1")))
	assert.Equal(t, "WARN", forged["level"])
	assert.Equal(t, "forged", forged["outcome"])
	assert.Contains(t, forged["error"], "the signature is wrong")
	assert.NotContains(t, out.String(), "key of")
}

func TestHandlerLogsToTheDefaultLogger(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	send(webhook.Handler(newBank("s"), (&books{}).process), httptest.NewRequest(http.MethodPost, "/", nil))
	assert.Contains(t, out.String(), "outcome=forged")
}

func TestNewsKey(t *testing.T) {
	pay := func(id acquiring.PaymentID, s acquiring.Status, refunded money.Amount) *acquiring.Payment {
		return &acquiring.Payment{ID: id, Status: s, Refunded: refunded}
	}
	assert.Equal(t, "sberbank/school/7f1a/paid", webhook.NewsKey("sberbank", "school", pay("7f1a", acquiring.StatusPaid, 0)))
	assert.Equal(t, "tochka//7f1a/refunded", webhook.NewsKey("tochka", "", pay("7f1a", acquiring.StatusRefunded, 5)))
	assert.Equal(t, "tochka//7f1a/partially_refunded/0.05", webhook.NewsKey("tochka", "", pay("7f1a", acquiring.StatusPartiallyRefunded, 5)))
	assert.NotEqual(t, webhook.NewsKey("a", "b/c", pay("d", acquiring.StatusPaid, 0)), webhook.NewsKey("a", "b", pay("c/d", acquiring.StatusPaid, 0)))
	assert.NotEqual(t, webhook.NewsKey("a", "b%2Fc", pay("d", acquiring.StatusPaid, 0)), webhook.NewsKey("a", "b/c", pay("d", acquiring.StatusPaid, 0)))
	for _, p := range []*acquiring.Payment{nil, pay("", acquiring.StatusPaid, 0), pay("1", acquiring.StatusPending, 0), pay("1", acquiring.StatusUnknown, 0)} {
		assert.Empty(t, webhook.NewsKey("a", "b", p))
	}
}

func TestAnAcquirerWithoutAName(t *testing.T) {
	b, books := newBank("school"), &books{}
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	send(webhook.Handler(plain{b}, books.process, quiet), b.notify("id", "p1", "status", "paid"))
	require.Len(t, books.all(), 1)
	assert.Equal(t, "webhook_test.plain//p1/paid", books.all()[0].Key)
}

// A finished request keeps no goroutine and no memory.
func TestHandlerKeepsNothing(t *testing.T) {
	b := newBank("school")
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	h := webhook.Handler(b, (&books{}).process, quiet)
	round := func(n int) {
		for range n {
			send(h, b.notify("id", "p1", "status", "paid"))
			send(h, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("forged")))
		}
	}
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	round(100)
	goroutines, before := runtime.NumGoroutine(), memory()
	round(2000)
	after := memory()
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	assert.Less(t, after, before+1<<20)
}

// What the handler adds to the client's own verification.
func TestHandlerAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	a := brokenClient{cb: &acquiring.Callback{PaymentID: "p1", Status: acquiring.StatusPaid, Signed: true,
		Payment: &acquiring.Payment{ID: "p1", OrderID: "A-7", Status: acquiring.StatusPaid, Amount: 1000}}}
	h := webhook.Handler(a, (&books{}).process, quiet, webhook.TrustCallback())
	r, w := httptest.NewRequest(http.MethodPost, "/", nil), &discard{http.Header{}}
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() { h.ServeHTTP(w, r) }), 7.0)
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
