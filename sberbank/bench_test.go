package sberbank

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/rbs"
	"github.com/acquiring-go/acquiring/webhook"
)

// stub answers every request with the same body.
type stub []byte

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(s)), Request: r}, nil
}

func stubbed(t testing.TB, p Protocol) *Client {
	c := newBank(t).client(p, func(c *Config) { c.HTTPClient = &http.Client{Transport: stub(registeredOK)} })
	return c
}

// BenchmarkCreateInvoice: the budget is twice the bare call with the same body.
func BenchmarkCreateInvoice(b *testing.B) {
	for _, p := range []Protocol{ProtocolJSON, ProtocolLegacy} {
		b.Run(p.String(), func(b *testing.B) {
			c, r := stubbed(b, p), plainInvoice()
			b.ReportAllocs()
			for b.Loop() {
				if inv, err := c.CreateInvoice(context.Background(), r); err != nil || inv.ID != id {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("bare form", func(b *testing.B) {
		client := &http.Client{Transport: stub(registeredOK)}
		b.ReportAllocs()
		for b.Loop() {
			form := url.Values{"userName": {"shop417"}, "password": {"Secret-Password-18"}, "orderNumber": {"CRM-1"}, "amount": {strconv.Itoa(154990)}, "currency": {"643"}, "returnUrl": {"https://crm.example/ok"}}
			req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://3dsec.sberbank.ru/payment/rest/register.do", strings.NewReader(form.Encode()))
			if err != nil {
				b.Fatal(err)
			}
			bare(b, client, req, "application/x-www-form-urlencoded; charset=UTF-8")
		}
	})
	b.Run("bare json", func(b *testing.B) {
		client := &http.Client{Transport: stub(registeredOK)}
		request := map[string]any{"userName": "shop417", "password": "Secret-Password-18", "orderNumber": "CRM-1", "amount": 154990, "currency": "643", "returnUrl": "https://crm.example/ok"}
		b.ReportAllocs()
		for b.Loop() {
			body, err := json.Marshal(request)
			if err != nil {
				b.Fatal(err)
			}
			req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://ecomtest.sberbank.ru/ecomm/gw/partner/api/v1/register.do", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			bare(b, client, req, "application/json; charset=utf-8")
		}
	})
}

// bare sends a request and reads the answer with the standard library alone.
func bare(b *testing.B, client *http.Client, req *http.Request, contentType string) {
	req.Header.Set("Content-Type", contentType)
	resp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	var out struct{ ErrorCode, ErrorMessage, OrderID, FormURL string }
	err = json.NewDecoder(resp.Body).Decode(&out)
	_ = resp.Body.Close()
	if err != nil || out.OrderID != id {
		b.Fatal(err, out)
	}
}

const benchQuery = "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=%D0%A1%D1%87%D1%91%D1%82-42%2F%D0%90&operation=deposited&status=1&amount=154990&approvedAmount=154990&depositedAmount=154990&refundedAmount=0&currency=643&callbackCreationDate=Tue+Mar+03+09%3A15%3A07+UTC+2026&clientId=u-88"

// BenchmarkVerifyCallback: the verification of a request, and all the way to
// the Callback, beside the raw HMAC of the canonical text. The budget of the
// verification is twice the raw one and 12 allocations.
func BenchmarkVerifyCallback(b *testing.B) {
	query := signed(benchQuery)
	b.Run("verify", func(b *testing.B) {
		c, err := New(Config{Environment: 1, UserName: "u", Password: "p", CallbackKey: callbackKey})
		if err != nil {
			b.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/cb?"+query, nil)
		b.ReportAllocs()
		for b.Loop() {
			if n, err := c.verifier.Read(r); err != nil || !n.Signed {
				b.Fatal(err)
			}
		}
	})
	b.Run("callback", func(b *testing.B) {
		c, err := New(Config{Environment: 1, UserName: "u", Password: "p", CallbackKey: callbackKey})
		if err != nil {
			b.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/cb?"+query, nil)
		b.ReportAllocs()
		for b.Loop() {
			if cb, err := c.VerifyCallback(context.Background(), r); err != nil || !cb.Signed {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		p, _ := webhook.ParseForm(nil, query)
		canonical := rbs.Canonical(p)
		checksum, _ := p.Get("checksum")
		want, _ := hex.DecodeString(checksum)
		b.ReportAllocs()
		for b.Loop() {
			mac := hmac.New(sha256.New, []byte(callbackKey))
			mac.Write(canonical)
			if !hmac.Equal(mac.Sum(nil), want) {
				b.Fatal("wrong")
			}
		}
	})
}

func TestHotPathsAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	c, err := New(Config{Environment: 1, UserName: "u", Password: "p", CallbackKey: callbackKey})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "/cb?"+signed(benchQuery), nil)
	callback := func(r func() *http.Request) float64 {
		return testing.AllocsPerRun(100, func() {
			if cb, err := c.VerifyCallback(context.Background(), r()); err != nil || !cb.Signed {
				t.Fatal(err)
			}
		})
	}
	assert.LessOrEqual(t, callback(func() *http.Request { return r }), 12.0)
	params, err := webhook.ParseForm(nil, signed(benchQuery))
	require.NoError(t, err)
	members := make(map[string]string, len(params))
	for _, p := range params {
		members[p.Name] = p.Value
	}
	document, err := json.Marshal(members)
	require.NoError(t, err)
	body := bytes.NewReader(document)
	sent := post("")
	sent.Body, sent.ContentLength = io.NopCloser(body), body.Size()
	assert.LessOrEqual(t, callback(func() *http.Request { _, _ = body.Seek(0, io.SeekStart); return sent }), 12.0, "JSON")
	for protocol, most := range map[Protocol]float64{ProtocolJSON: 51, ProtocolLegacy: 53} {
		inv, req := stubbed(t, protocol), plainInvoice()
		assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			if _, err := inv.CreateInvoice(context.Background(), req); err != nil {
				t.Fatal(err)
			}
		}), most, protocol)
	}
}
