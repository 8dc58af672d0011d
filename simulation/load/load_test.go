package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The test binary is also the server and the client.
func TestMain(m *testing.M) {
	if done, err := role(); done {
		if err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// parsed is the n-th request as a server gets it.
func parsed(t testing.TB, w *writer, n int) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(w.request(n))))
	require.NoError(t, err)
	return r
}

// The handlers take the same requests and give the same answer; none takes a
// forged one.
func TestHandlers(t *testing.T) {
	bank := newBank()
	defer bank.Close()
	w := newWriter()
	for _, kind := range []string{bare, trusting, ordinary} {
		h, err := told{Kind: kind, Bank: bank.URL}.handler()
		require.NoError(t, err)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, parsed(t, w, 7))
		assert.Equal(t, http.StatusOK, answer.Code, kind)
		assert.Zero(t, answer.Body.Len(), kind)
		text := bytes.Replace(w.request(8), []byte(`"amount":"154990"`), []byte(`"amount":"154991"`), 1)
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
		require.NoError(t, err)
		answer = httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		assert.Equal(t, http.StatusForbidden, answer.Code, kind)
	}
}

// The whole of it, small: servers and clients of their own.
func TestMeasure(t *testing.T) {
	for _, kind := range []string{bare, trusting} {
		s, err := start(told{Kind: kind}, 2)
		require.NoError(t, err)
		a, err := s.measure(request{Address: s.address, First: 1, Requests: 500, Connections: 4})
		require.NoError(t, err)
		assert.Equal(t, 500, a.Requests)
		assert.Positive(t, a.P99)
		h, err := s.heap()
		require.NoError(t, err)
		assert.Positive(t, h.InUse)
		s.end()
	}
}

func BenchmarkHandler(b *testing.B) {
	for _, kind := range []string{bare, trusting} {
		b.Run(kind, func(b *testing.B) {
			h, err := told{Kind: kind}.handler()
			require.NoError(b, err)
			const many = 4096 // made ready before the time is taken
			w := newWriter()
			b.ReportAllocs()
			var ready []*http.Request
			n := 0
			for b.Loop() {
				if len(ready) == 0 {
					b.StopTimer()
					for range many {
						n++
						ready = append(ready, parsed(b, w, n))
					}
					b.StartTimer()
				}
				r, answer := ready[len(ready)-1], httptest.NewRecorder()
				ready = ready[:len(ready)-1]
				h.ServeHTTP(answer, r)
				if answer.Code != http.StatusOK {
					b.Fatal(answer.Code)
				}
			}
		})
	}
}
