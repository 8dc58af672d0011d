package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// rawHandler is the bare twin: it reads the body and checks the HMAC.
func rawHandler(key []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.MaxBody))
		if err != nil {
			http.Error(w, "bad", http.StatusBadRequest)
			return
		}
		message, sign, _ := strings.Cut(string(body), "&sign=")
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(message))
		got, err := hex.DecodeString(sign)
		if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
			http.Error(w, "forged", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "OK")
	})
}

// Over loopback HTTP, every notification another payment's news; the payment
// is taken from the callback, as the twin does nothing more either.
func BenchmarkHandlerOverHTTP(b *testing.B) {
	key := []byte("key of school!")
	notes := newBank("school")
	var n atomic.Int64
	load := func(b *testing.B, h http.Handler) {
		server := httptest.NewServer(h)
		defer server.Close()
		client := server.Client()
		client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
		b.ReportAllocs()
		b.SetParallelism(8)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				message := fmt.Sprintf("id=%d&order=A-7&status=paid&amount=149990", n.Add(1))
				body := message + "&sign=" + hex.EncodeToString(notes.mac.Sum(nil, []byte(message)))
				resp, err := client.Post(server.URL, "application/x-www-form-urlencoded", strings.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Error(resp.Status)
					return
				}
			}
		})
	}
	process := func(context.Context, webhook.Event) error { return nil }
	b.Run("ours", func(b *testing.B) {
		load(b, webhook.Handler(newBank("school"), process, quiet, webhook.TrustCallback()))
	})
	b.Run("raw", func(b *testing.B) { load(b, rawHandler(key)) })
}

// Without HTTP around it: what the handler itself costs.
func BenchmarkHandler(b *testing.B) {
	bank := newBank("school")
	bank.set("p1", "A-7", acquiring.StatusPaid, 149990)
	message := "id=p1&order=A-7&status=paid&amount=149990"
	body := message + "&sign=" + hex.EncodeToString(bank.mac.Sum(nil, []byte(message)))
	run := func(b *testing.B, h http.Handler) {
		b.ReportAllocs()
		for b.Loop() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
			if w.Code != http.StatusOK {
				b.Fatal(w.Code)
			}
		}
	}
	process := func(context.Context, webhook.Event) error { return nil }
	b.Run("read back", func(b *testing.B) { run(b, webhook.Handler(bank, process, quiet)) })
	b.Run("trusted", func(b *testing.B) { run(b, webhook.Handler(bank, process, quiet, webhook.TrustCallback())) })
	b.Run("raw", func(b *testing.B) { run(b, rawHandler([]byte("key of school!"))) })
}
