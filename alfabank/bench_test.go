package alfabank

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/money"
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

func plainInvoice() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "A-1001", Amount: money.RUB(1299, 0), ReturnURL: "https://tea.example/ok"}
}

// BenchmarkCreateInvoice: the budget is twice the bare call with the same form.
func BenchmarkCreateInvoice(b *testing.B) {
	b.Run("client", func(b *testing.B) {
		c := newBank(b).client(func(c *Config) { c.HTTPClient = &http.Client{Transport: stub(registeredOK)} })
		r := plainInvoice()
		b.ReportAllocs()
		for b.Loop() {
			if inv, err := c.CreateInvoice(context.Background(), r); err != nil || inv.ID != id {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: stub(registeredOK)}
		b.ReportAllocs()
		for b.Loop() {
			form := url.Values{"userName": {"r-teashop-api"}, "password": {password}, "orderNumber": {"A-1001"}, "amount": {strconv.Itoa(129900)}, "currency": {"643"}, "returnUrl": {"https://tea.example/ok"}}
			req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, TestURL+"/register.do", strings.NewReader(form.Encode()))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
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
	})
}

const benchParams = demoQuery + "&paymentWay=CARD&currency=643&clientId=buyer-42&approvedAmount=129900&depositedAmount=129900"

// BenchmarkVerifyCallback: the verification of a request, and all the way to
// the Callback, beside the raw HMAC of the canonical text. The budget of the
// verification is twice the raw one.
func BenchmarkVerifyCallback(b *testing.B) {
	query := signedWith(demoKey, benchParams)
	b.Run("verify", func(b *testing.B) {
		c := newBank(b).client(keyed(demoKey))
		r := get(query)
		b.ReportAllocs()
		for b.Loop() {
			if n, err := c.verifier.Read(r); err != nil || !n.Signed {
				b.Fatal(err)
			}
		}
	})
	b.Run("callback", func(b *testing.B) {
		c := newBank(b).client(keyed(demoKey))
		r := get(query)
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
			mac := hmac.New(sha256.New, []byte(demoKey))
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
	c := newBank(t).client(keyed(demoKey))
	r := get(signedWith(demoKey, benchParams))
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if cb, err := c.VerifyCallback(context.Background(), r); err != nil || !cb.Signed {
			t.Fatal(err)
		}
	}), 12.0)
	inv := newBank(t).client(func(c *Config) { c.HTTPClient = &http.Client{Transport: stub(registeredOK)} })
	req := plainInvoice()
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, err := inv.CreateInvoice(context.Background(), req); err != nil {
			t.Fatal(err)
		}
	}), 51.0)
}
