package paymaster

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/race"
)

// replay is a request whose body can be read again and again.
type replay struct {
	*strings.Reader
	r *http.Request
}

func newReplay(body string) *replay {
	p := &replay{Reader: strings.NewReader(body), r: httptest.NewRequest(http.MethodPost, callbackAt, nil)}
	p.r.Body, p.r.ContentLength = io.NopCloser(p.Reader), int64(len(body))
	return p
}

func (p *replay) again() *http.Request {
	_, _ = p.Seek(0, io.SeekStart)
	return p.r
}

// parsed is a form as it is read before its signature is checked.
func parsed(t testing.TB, v url.Values) *classicNotice {
	n, err := readClassic(make([]byte, 0, noticeRoom), []byte(v.Encode()))
	require.NoError(t, err)
	return &n
}

// inUsualOrder is the form as the captured notifications have it.
func inUsualOrder(v url.Values) string {
	var b strings.Builder
	for f := usual[0]; ; f = usual[f.field+1] {
		if name := strings.TrimSuffix(string(f.name), "="); v.Has(name) {
			b.WriteString(string(f.name) + url.QueryEscape(v.Get(name)))
			if f.field == fHash {
				return b.String()
			}
			b.WriteByte('&')
		}
	}
}

// BenchmarkNotification is the notification of the classic protocol beside the
// bare hash of its canonical text in base64, compared: "verify" decodes and checks it,
// "signature" is the check alone, "callback" is all from the request's body to the
// payment.
func BenchmarkNotification(b *testing.B) {
	hashes := map[Hash]func() hash.Hash{MD5: md5.New, SHA1: sha1.New, SHA256: sha256.New}
	for _, h := range []Hash{MD5, SHA1, SHA256} {
		conf := ClassicConfig{Environment: acquiring.Production, MerchantID: merchant, SecretKey: secretKey, Hash: h}
		c, err := NewClassic(conf)
		require.NoError(b, err)
		v := sign(c, vector1())
		body := newReplay(inUsualOrder(v))
		b.Run("callback/"+h.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.VerifyCallback(ctx, body.again()); err != nil {
					b.Fatal(err)
				}
			}
		})
		form := []byte(inUsualOrder(v))
		b.Run("verify/"+h.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var room [noticeRoom]byte
				if n, err := readClassic(room[:0], form); err != nil || !c.sign.verify(&n) {
					b.Fatal("does not fit")
				}
			}
		})
		n := parsed(b, v)
		b.Run("signature/"+h.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !c.sign.verify(n) {
					b.Fatal("does not fit")
				}
			}
		})
		canonical := slices.Concat(n.canonical, []byte(secretKey))
		want := n.values[fHash]
		b.Run("raw/"+h.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := hashes[h]()
				d.Write(canonical)
				if text := base64.StdEncoding.EncodeToString(d.Sum(nil)); subtle.ConstantTimeCompare([]byte(text), want) != 1 {
					b.Fatal("does not fit")
				}
			}
		})
	}
}

// stub answers without a network.
type stub struct{ body string }

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) { return s.status(r, 200) }

func (s stub) status(r *http.Request, code int) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body)), Request: r}, nil
}

// BenchmarkCreateInvoice is an invoice built, sent to a stub and decoded,
// beside bare net/http and encoding/json.
func BenchmarkCreateInvoice(b *testing.B) {
	c, err := New(Config{Environment: acquiring.Production, MerchantID: merchant, Token: token, HTTPClient: &http.Client{Transport: stub{link}}})
	require.NoError(b, err)
	r := order()
	r.ReturnURL, r.CallbackURL = "https://shop.example.ru/thanks", callbackAt
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.CreateInvoice(ctx, r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) { benchBare(b) })
}

func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	for _, h := range []Hash{MD5, SHA1, SHA256} {
		c, err := NewClassic(ClassicConfig{Environment: acquiring.Production, MerchantID: merchant, SecretKey: secretKey, Hash: h})
		require.NoError(t, err)
		v := sign(c, vector1())
		body := newReplay(v.Encode())
		n := testing.AllocsPerRun(200, func() {
			if _, err := c.VerifyCallback(ctx, body.again()); err != nil {
				t.Fatal(err)
			}
		})
		require.LessOrEqual(t, int(n), 7, "a notification of the classic protocol: %s", h)
		n1 := parsed(t, v)
		require.Zero(t, int(testing.AllocsPerRun(200, func() {
			if !c.sign.verify(n1) {
				t.Fatal("does not fit")
			}
		})), "the signature: %s", h)
	}

	// A notification of the API v2 is not signed: it is the reading of the
	// payment and of its refunds that is believed.
	truth := stub{strings.TrimSuffix(payment(StatusSettled, ""), "}") + `,"items":[]}`}
	reader, err := New(Config{Environment: acquiring.Production, AcceptTest: true, MerchantID: merchant, Token: token, HTTPClient: &http.Client{Transport: truth}})
	require.NoError(t, err)
	news := newReplay(read(t, "v2_callback.json"))
	n := testing.AllocsPerRun(200, func() {
		if _, err := reader.VerifyCallback(ctx, news.again()); err != nil {
			t.Fatal(err)
		}
	})
	require.LessOrEqual(t, int(n), 210, "a notification of the API v2")

	v2, err := New(Config{Environment: acquiring.Production, MerchantID: merchant, Token: token, HTTPClient: &http.Client{Transport: stub{link}}})
	require.NoError(t, err)
	n = testing.AllocsPerRun(200, func() {
		if _, err := v2.CreateInvoice(ctx, order()); err != nil {
			t.Fatal(err)
		}
	})
	require.LessOrEqual(t, int(n), 62, "an invoice of the API v2")
}

// benchBare is what a careful programmer writes with net/http alone.
func benchBare(b *testing.B) {
	client := &http.Client{Transport: stub{link}}
	b.ReportAllocs()
	for b.Loop() {
		body, err := json.Marshal(map[string]any{"merchantId": merchant, "invoice": map[string]any{"description": "Заказ", "orderNo": "ORD-2024-0042"},
			"amount": map[string]any{"value": json.Number("1499.90"), "currency": "RUB"}, "protocol": map[string]any{"returnUrl": "https://shop.example.ru/thanks", "callbackUrl": callbackAt}})
		if err != nil {
			b.Fatal(err)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, DefaultURL+"/api/v2/invoices", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		var out struct{ PaymentID, URL string }
		if err != nil || json.Unmarshal(data, &out) != nil || out.URL == "" {
			b.Fatal("no answer")
		}
	}
}
