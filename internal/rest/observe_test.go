package rest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

func TestLog(t *testing.T) {
	var out bytes.Buffer
	n := 0
	c := newClient(t, func(o *rest.Options) {
		over(func(*http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return nil, errors.New("reset with hunter2")
			}
			return answer(200, "in-the-answer")
		})(o)
		o.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Secrets = []string{"hunter2"}
	})
	// What is no secret, and is nobody's business either.
	_, err := c.Do(t.Context(), rest.Call{Op: "status", Path: "/p/hunter2", Query: url.Values{"password": {"hunter2"}, "order": {"in-the-query"}},
		Header: http.Header{"X-Buyer": {"in-a-header"}}, Body: []byte("in-the-body"), Method: http.MethodGet, Repeatable: true})
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	for _, want := range []string{"level=WARN", "provider=bank", "shop=school", "op=status", "method=GET", "host=bank.example", "attempt=1", "outcome=unknown", "error="} {
		assert.Contains(t, lines[0], want)
	}
	for _, want := range []string{"level=DEBUG", "attempt=2", "http=200", "bytes=13", "took="} {
		assert.Contains(t, lines[1], want)
	}
	for _, unsaid := range []string{"hunter2", "password", "in-the-query", "in-a-header", "X-Buyer", "in-the-body", "in-the-answer"} {
		assert.NotContains(t, out.String(), unsaid)
	}
}

func TestObserve(t *testing.T) {
	var seen []acquiring.Call
	type key struct{}
	n := 0
	c := newClient(t, func(o *rest.Options) {
		over(func(*http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return nil, errors.New("reset with hunter2")
			}
			return answer(200, "1234")
		})(o)
		o.Observe = func(ctx context.Context, call acquiring.Call) {
			assert.Equal(t, "span", ctx.Value(key{}), "the caller's context")
			seen = append(seen, call)
		}
		o.Secrets = []string{"hunter2"}
	})
	before := time.Now()
	_, err := c.Do(context.WithValue(t.Context(), key{}, "span"), rest.Call{Op: "status", Path: "/p/hunter2", Repeatable: true})
	require.NoError(t, err)
	require.Len(t, seen, 2)
	for i, call := range seen {
		assert.False(t, call.Start.Before(before))
		assert.False(t, call.Start.Add(call.Took).After(time.Now()))
		assert.Equal(t, i+1, call.Attempt)
	}
	first, last := seen[0], seen[1]
	require.ErrorIs(t, first.Err, acquiring.ErrUnavailable)
	assert.NotContains(t, first.Err.Error(), "hunter2")
	first.Err, first.Start, first.Took, last.Start, last.Took = nil, time.Time{}, 0, time.Time{}, 0
	assert.Equal(t, acquiring.Call{Provider: "bank", Shop: "school", Op: "status", Method: "GET", Host: "bank.example", Attempt: 1}, first)
	assert.Equal(t, acquiring.Call{Provider: "bank", Shop: "school", Op: "status", Method: "GET", Host: "bank.example", Attempt: 2, HTTPStatus: 200, Bytes: 4}, last)
}

// Do over a stub transport beside bare net/http with the same body.
func BenchmarkDo(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 1000)
	reply := []byte(`{"orderId":"7f1a0f3c","formUrl":"https://bank.example/pay"}`)
	header := http.Header{"Content-Type": {"application/json"}}
	stub := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(bytes.NewReader(reply)), Request: r}, nil
	})}
	b.Run("ours", func(b *testing.B) {
		c := newClient(b, func(o *rest.Options) { o.HTTPClient = stub; o.Secrets = []string{"hunter2"} })
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Do(b.Context(), rest.Call{Op: "pay", Path: "pay", ContentType: "application/json", Body: body}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://bank.example/api/pay", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			resp, err := stub.Do(r)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20)); err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
			cancel()
		}
	})
}
