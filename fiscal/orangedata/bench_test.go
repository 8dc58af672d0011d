package orangedata_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/race"
)

// The signature of a request, and what RSA alone costs for the same bytes.
func BenchmarkSign(b *testing.B) {
	c, body, want := offline(b), file(b, "v1.json"), string(file(b, "v1.sig"))
	b.Run("client", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got, err := c.Sign(body); err != nil || got != want {
				b.Fatal(err)
			}
		}
	})
	key := mustKey(b)
	raw, err := base64.StdEncoding.DecodeString(want)
	require.NoError(b, err)
	b.Run("bare RSA", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			digest := sha256.Sum256(body)
			if got, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); err != nil || string(got) != string(raw) {
				b.Fatal(err)
			}
		}
	})
}

// A receipt of three lines to the bytes that are sent.
func BenchmarkConvert(b *testing.B) {
	c, r := offline(b), full()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Convert(r); err != nil {
			b.Fatal(err)
		}
	}
}

// The check of a notification's address that is refused, and one digest of the
// same length. An accepted one costs a request to the service.
func BenchmarkCallbackRefused(b *testing.B) {
	c := offline(b, withCallback)
	good, err := c.CallbackAddress("documents", "shop-1001-sale")
	require.NoError(b, err)
	forged := strings.Replace(good, "1001", "1002", 1)
	u, err := url.Parse(forged)
	require.NoError(b, err)
	b.Run("client", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}, Body: http.NoBody}
			if _, err := c.VerifyCallback(b.Context(), r); err == nil {
				b.Fatal("accepted")
			}
		}
	})
	b.Run("bare HMAC", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mac := hmac.New(sha256.New, []byte("0123456789abcdef0123456789abcdef"))
			mac.Write([]byte(testINN + "/documents/shop-1002-sale"))
			if hex.EncodeToString(mac.Sum(nil)) == "" {
				b.Fatal("empty")
			}
		}
	})
}

// Signing costs RSA and a handful of allocations besides: the digest, the
// signature, its base64.
func TestSignAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	c, body, key := offline(t), file(t, "v1.json"), mustKey(t)
	ours := testing.AllocsPerRun(20, func() { _, _ = c.Sign(body) })
	bare := testing.AllocsPerRun(20, func() {
		digest := sha256.Sum256(body)
		_, _ = rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	})
	if ours > bare+5 {
		t.Errorf("%v allocations, bare RSA %v", ours, bare)
	}
}

// 250 lines, the most that a document holds, are mapped well under what a
// register needs to print one.
func BenchmarkConvert250Lines(b *testing.B) {
	c, r := offline(b), tea()
	for range 249 {
		r.Lines = append(r.Lines, fiscal.Line{Name: "Чай «Иван», 100 г", Price: 14990, Quantity: 425_000, VAT: fiscal.VAT22, Method: fiscal.FullPayment, Subject: fiscal.Goods})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Convert(r); err != nil {
			b.Fatal(err)
		}
	}
}
