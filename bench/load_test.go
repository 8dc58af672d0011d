package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stripe/stripe-go/v85"
	stripewebhook "github.com/stripe/stripe-go/v85/webhook"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/webhook"
)

// notification is one request of the load: a body and one header.
type notification struct{ body, name, value string }

// BenchmarkHandler is W5: notifications over loopback, 32 at once on open
// connections, each another payment's. The bare handler limits the body and
// checks its HMAC, the peer's limits, checks and decodes, ours does all that is
// in the box: the limit, the check, the decoding, the inbox and the log.
func BenchmarkHandler(b *testing.B) {
	const kept = 4096 // made before; they come round again
	silent := webhook.Logger(slog.New(slog.DiscardHandler))
	alfa, err := alfabank.New(alfabank.Config{Environment: acquiring.Test, UserName: "u", Password: "p", CallbackKey: string(key)})
	must(b, err)
	var forms, signed, events []notification
	for i := range kept {
		number := strconv.Itoa(i)
		params := url.Values{"mdOrder": {"7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1" + number}, "orderNumber": {"A-" + number}, "operation": {"deposited"}, "status": {"1"}, "amount": {"154990"},
			"approvedAmount": {"154990"}, "depositedAmount": {"154990"}, "currency": {"643"}, "clientId": {"u-88"}, "callbackCreationDate": {"Tue Mar 03 09:15:07 UTC 2026"}, "description": {strings.Repeat("x", 64)}}
		names, text := []string{"amount", "approvedAmount", "callbackCreationDate", "clientId", "currency", "depositedAmount", "description", "mdOrder", "operation", "orderNumber", "status"}, ""
		for _, name := range names {
			text += name + ";" + params.Get(name) + ";"
		}
		params.Set("checksum", strings.ToUpper(hex.EncodeToString(sum(text))))
		forms = append(forms, notification{params.Encode(), "Content-Type", formType})
		signed = append(signed, notification{params.Encode(), "X-Signature", hex.EncodeToString(sum(params.Encode()))})
		body := event(470)
		events = append(events, notification{string(body), "Stripe-Signature", stripeHeader(body).Get("Stripe-Signature")})
	}
	ours := webhook.Handler(alfa, func(context.Context, webhook.Event) error { return nil }, silent, webhook.TrustCallback())
	b.Run("handler, 32 at once/bare", func(b *testing.B) { load(b, http.HandlerFunc(bareHandler), signed) })
	b.Run("handler, 32 at once/ours", func(b *testing.B) { load(b, ours, forms) })
	b.Run("handler, 32 at once/stripe-go", func(b *testing.B) { load(b, http.HandlerFunc(stripeHandler), events) })
}

func bareHandler(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.MaxBody))
	if err != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	want, err := hex.DecodeString(r.Header.Get("X-Signature"))
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	if err != nil || !hmac.Equal(mac.Sum(nil), want) {
		http.Error(w, "forged", http.StatusForbidden)
	}
}

func stripeHandler(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.MaxBody))
	if err != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	if e, err := stripewebhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), string(key)); err != nil || e.Type != stripe.EventTypePaymentIntentSucceeded {
		http.Error(w, "forged", http.StatusForbidden)
	}
}

func load(b *testing.B, h http.Handler, all []notification) {
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(16) // times GOMAXPROCS
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			one := &all[int(n.Add(1))%len(all)]
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(one.body))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set(one.name, one.value)
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Error(resp.Status)
				return
			}
		}
	})
}

// BenchmarkNormalize is W8: a discount spread over a receipt of a thousand
// lines so that the sum comes out to the kopeck. The bare twin gives each line a
// proportional price and does not make the sum come out.
func BenchmarkNormalize(b *testing.B) {
	lines := make([]fiscal.Line, 1000)
	var whole money.Amount
	for i := range lines {
		lines[i] = fiscal.Line{Name: "Занятие", Price: money.RUB(100+int64(i), int64(i%100)), Quantity: fiscal.Pieces(1 + int64(i%3)), VAT: fiscal.VATNone}
		whole += lines[i].Price * money.Amount(1+i%3)
	}
	target := whole / 100 * 93
	b.Run("receipt of 1 000 lines, discount/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			out := make([]fiscal.Line, len(lines))
			copy(out, lines)
			for i := range out {
				out[i].Price = out[i].Price * target / whole
			}
		}
	})
	r := fiscal.Receipt{Lines: lines}
	b.Run("receipt of 1 000 lines, discount/ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Normalize(target); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEmulator is W9: an order registered, paid, its callback delivered and
// its status read, all over loopback and through our clients. The bare twin is
// the three exchanges alone, with a handler that says nothing.
func BenchmarkEmulator(b *testing.B) {
	b.Run("emulator, whole cycle, 8 at once/bare", func(b *testing.B) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "{}") }))
		defer server.Close()
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		defer client.CloseIdleConnections()
		cycles(b, func(string) error {
			for range 3 {
				resp, err := client.Post(server.URL, formType, strings.NewReader("orderNumber=CRM-1047&amount=154990"))
				if err != nil {
					return err
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			return nil
		})
	})
	b.Run("emulator, whole cycle, 8 at once/Sberbank", func(b *testing.B) {
		shop, done := shop(b)
		defer done(b)
		s := sberbanktest.NewServer(sberbanktest.WithCallbackURL(shop))
		defer s.Close()
		conf := s.Config()
		conf.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		c, err := sberbank.New(conf)
		must(b, err)
		cycles(b, func(number string) error { return cycle(c, number, s.Pay) })
		s.Deliver()
	})
	b.Run("emulator, whole cycle, 8 at once/Alfa-Bank", func(b *testing.B) {
		shop, done := shop(b)
		defer done(b)
		s := alfabanktest.NewServer(alfabanktest.WithCallbackURL(shop))
		defer s.Close()
		conf := s.Config()
		conf.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		c, err := alfabank.New(conf)
		must(b, err)
		cycles(b, func(number string) error { return cycle(c, number, s.Pay) })
		s.Deliver()
	})
}

// shop takes the callbacks; what it gives besides says at the end that they came.
func shop(b *testing.B) (address string, done func(*testing.B)) {
	var got atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	return server.URL, func(b *testing.B) {
		server.Close()
		if got.Load() == 0 {
			b.Error("no callback came")
		}
	}
}

func cycle(c acquiring.Acquirer, number string, pay func(string) error) error {
	req := order
	req.OrderID, req.CallbackURL = number, ""
	inv, err := c.CreateInvoice(ctx, req)
	if err != nil {
		return err
	}
	if err := pay(number); err != nil {
		return err
	}
	p, err := c.GetStatus(ctx, inv.ID)
	if err == nil && p.Status != acquiring.StatusPaid {
		err = fmt.Errorf("%s is %s", number, p.Status)
	}
	return err
}

func cycles(b *testing.B, one func(number string) error) {
	var n atomic.Int64
	b.SetParallelism(4) // times GOMAXPROCS: with two at once the processors wait for the loopback
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := one("N-" + strconv.FormatInt(n.Add(1), 10)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "cycles/s")
}
