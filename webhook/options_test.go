package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

func expecting(amount money.Amount, currency string) webhook.ExpectFunc {
	return func(context.Context, string) (money.Amount, string, error) { return amount, currency, nil }
}

func TestExpect(t *testing.T) {
	b := newBank("school")
	for name, tt := range map[string]struct {
		status acquiring.Status
		expect webhook.ExpectFunc
		code   int
	}{
		"the same":                  {acquiring.StatusPaid, expecting(1000, "RUB"), 200},
		"no currency is RUB":        {acquiring.StatusPaid, expecting(1000, ""), 200},
		"paid too little":           {acquiring.StatusPaid, expecting(1001, "RUB"), 409},
		"paid too much":             {acquiring.StatusPaid, expecting(999, "RUB"), 409},
		"held too little":           {acquiring.StatusAuthorized, expecting(1001, "RUB"), 409},
		"another currency":          {acquiring.StatusPaid, expecting(1000, "USD"), 409},
		"not paid, so not compared": {acquiring.StatusDeclined, expecting(1, "USD"), 200},
		"the order cannot be read":  {acquiring.StatusPaid, func(context.Context, string) (money.Amount, string, error) { return 0, "", errors.New("db") }, 500},
		"asked for the payment's own": {acquiring.StatusPaid, func(_ context.Context, order string) (money.Amount, string, error) {
			if order != "A-7" {
				return 0, "", errors.New("not the payment's order")
			}
			return 1000, "rub", nil
		}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			books, seen := &books{}, &sightings{}
			b.set("p1", "A-7", tt.status, 1000)
			h := webhook.Handler(b, books.process, quiet, webhook.Expect(tt.expect), webhook.Observe(seen.observe))
			code, _, _ := send(h, b.notify("id", "p1", "status", tt.status.String()))
			assert.Equal(t, tt.code, code)
			assert.Equal(t, tt.code == 200, len(books.all()) == 1)
			if tt.code == 409 {
				assert.Equal(t, webhook.Mismatch, seen.last().Outcome)
			}
		})
	}
}

func TestQuestion(t *testing.T) {
	b := newBank("school")
	b.whole = true
	ask := func(opts ...webhook.Option) (int, string, *sightings) {
		books, seen := &books{}, &sightings{}
		h := webhook.Handler(b, books.process, append(opts, quiet, webhook.Observe(seen.observe))...)
		code, body, _ := send(h, b.notify("kind", "question", "order", "A-7", "amount", "1000", "currency", "RUB"))
		assert.Empty(t, books.all(), "a question is no news")
		assert.Zero(t, b.questions(), "there is nothing to read back yet")
		return code, body, seen
	}
	code, body, seen := ask()
	assert.Equal(t, 200, code)
	assert.Equal(t, "YES", body, "exactly what the provider's form is")
	assert.Equal(t, webhook.Agreed, seen.last().Outcome)

	var heard webhook.Event
	code, body, _ = ask(webhook.Question(func(_ context.Context, e webhook.Event) error { heard = e; return nil }))
	assert.Equal(t, 200, code)
	assert.Equal(t, "YES", body)
	assert.Equal(t, "A-7", heard.Callback.OrderID)
	assert.Equal(t, acquiring.CallbackQuestion, heard.Callback.Kind)

	code, body, seen = ask(webhook.Question(func(context.Context, webhook.Event) error {
		return fmt.Errorf("order: %w", webhook.Refuse("sold out"))
	}))
	assert.Equal(t, 200, code)
	assert.Equal(t, "NO", body)
	assert.Equal(t, webhook.Refused, seen.last().Outcome)
	assert.ErrorContains(t, seen.last().Err, "sold out")

	code, body, seen = ask(webhook.Question(func(context.Context, webhook.Event) error { return errors.New("db is down") }))
	assert.Equal(t, 500, code)
	assert.NotContains(t, body, "YES")
	assert.Equal(t, webhook.Failed, seen.last().Outcome)

	code, body, _ = ask(webhook.Question(func(context.Context, webhook.Event) error { panic("boom") }))
	assert.Equal(t, 500, code)
	assert.NotContains(t, body, "YES")

	t.Run("compared with the order", func(t *testing.T) {
		for want, expect := range map[string]webhook.ExpectFunc{
			"YES":                     expecting(1000, "RUB"),
			"NO":                      expecting(2000, "RUB"),
			"Internal Server Error\n": func(context.Context, string) (money.Amount, string, error) { return 0, "", errors.New("db") },
		} {
			_, body, _ := ask(webhook.Expect(expect))
			assert.Equal(t, want, body)
		}
		_, body, _ := ask(webhook.Expect(expecting(1000, "USD")))
		assert.Equal(t, "NO", body)
		_, body, seen := ask(webhook.Expect(func(context.Context, string) (money.Amount, string, error) { return 0, "", acquiring.ErrNotFound }))
		assert.Equal(t, "NO", body)
		assert.ErrorContains(t, seen.last().Err, "no such order")
	})
	t.Run("in the provider's own form", func(t *testing.T) {
		h := webhook.Handler(asking{b}, (&books{}).process, quiet, webhook.Question(func(context.Context, webhook.Event) error { return webhook.Refuse("no") }))
		code, body, header := send(h, b.notify("kind", "question", "order", "A-7"))
		assert.Equal(t, 402, code)
		assert.Equal(t, `{"accept":false}`, body)
		assert.Equal(t, "application/json", header.Get("Content-Type"))
	})
}

// asking is a bank with a form of refusal of its own.
type asking struct{ *bank }

func (a asking) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	cb, err := a.bank.VerifyCallback(ctx, r)
	if err == nil {
		cb.Refusal = acquiring.Reply{Status: 402, ContentType: "application/json", Body: []byte(`{"accept":false}`)}
	}
	return cb, err
}

func TestOther(t *testing.T) {
	b, books, seen := newBank("school"), &books{}, &sightings{}
	note := func(opts ...webhook.Option) (int, string) {
		h := webhook.Handler(b, books.process, append(opts, quiet, webhook.Observe(seen.observe))...)
		code, body, _ := send(h, b.notify("kind", "other", "id", "sample"))
		return code, body
	}
	code, body := note()
	assert.Equal(t, 200, code)
	assert.Equal(t, "OK", body)
	assert.Equal(t, webhook.Passed, seen.last().Outcome)

	var heard []webhook.Event
	code, _ = note(webhook.Other(func(_ context.Context, e webhook.Event) error { heard = append(heard, e); return nil }))
	assert.Equal(t, 200, code)
	require.Len(t, heard, 1)
	assert.Equal(t, acquiring.CallbackOther, heard[0].Callback.Kind)

	code, _ = note(webhook.Other(func(context.Context, webhook.Event) error { return errors.New("no") }))
	assert.Equal(t, 500, code)
	assert.Empty(t, books.all())
	assert.Zero(t, b.questions())
}

func TestHandlerFor(t *testing.T) {
	shops := map[string]*bank{"school": newBank("school"), "pool": newBank("pool")}
	for _, b := range shops {
		b.set("1", "A-1", acquiring.StatusPaid, 1000)
	}
	books, seen := &books{}, &sightings{}
	h := webhook.HandlerFor(func(r *http.Request) (acquiring.Acquirer, error) {
		switch name := strings.TrimPrefix(r.URL.Path, "/hooks/"); name {
		case "down":
			return nil, &acquiring.Error{Kind: acquiring.ErrUnavailable}
		case "late":
			return nil, context.DeadlineExceeded
		case "nil":
			return nil, nil
		default:
			if b, ok := shops[name]; ok {
				return b, nil
			}
			return nil, errors.New("no such shop: " + name)
		}
	}, books.process, quiet, webhook.Observe(seen.observe))

	for _, b := range shops {
		code, _, _ := send(h, b.notify("id", "1", "status", "paid"))
		assert.Equal(t, 200, code)
	}
	require.Len(t, books.all(), 2, "the same number in two shops is two payments")
	assert.NotEqual(t, books.all()[0].Key, books.all()[1].Key)

	cross := shops["pool"].notify("id", "1", "status", "paid")
	cross.URL.Path = "/hooks/school"
	code, _, _ := send(h, cross)
	assert.Equal(t, 403, code, "one shop's key does not open the other")

	for path, want := range map[string]int{"/hooks/unknown": 404, "/hooks/nil": 404, "/hooks/down": 503, "/hooks/late": 503} {
		code, body, _ := send(h, httptest.NewRequest(http.MethodPost, path, nil))
		assert.Equal(t, want, code, path)
		assert.NotContains(t, body, "no such shop")
	}
	assert.Len(t, books.all(), 2)
}

func TestAllowFrom(t *testing.T) {
	b := newBank("school")
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	nets := func(s ...string) (out []netip.Prefix) {
		for _, p := range s {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	bankNets, proxies := nets("203.0.113.0/24", "2001:db8::/32"), nets("10.0.0.0/8", "::1/128")
	for name, tt := range map[string]struct {
		remote    string
		forwarded []string
		opt       webhook.Option
		ok        bool
	}{
		"the bank itself":             {"203.0.113.9:4711", nil, webhook.AllowFrom(bankNets), true},
		"the bank over IPv6":          {"[2001:db8::7]:4711", nil, webhook.AllowFrom(bankNets), true},
		"IPv4 in IPv6":                {"[::ffff:203.0.113.9]:1", nil, webhook.AllowFrom(bankNets), true},
		"somebody else":               {"198.51.100.1:4711", nil, webhook.AllowFrom(bankNets), false},
		"a header nobody vouches for": {"198.51.100.1:4711", []string{"203.0.113.9"}, webhook.AllowFrom(bankNets, proxies...), false},
		"through our proxy":           {"10.1.1.1:4711", []string{"203.0.113.9"}, webhook.AllowFrom(bankNets, proxies...), true},
		"through two of our proxies":  {"10.1.1.1:4711", []string{"203.0.113.9, 10.2.2.2"}, webhook.AllowFrom(bankNets, proxies...), true},
		"the header in two lines":     {"10.1.1.1:4711", []string{"203.0.113.9", "10.2.2.2"}, webhook.AllowFrom(bankNets, proxies...), true},
		"with ports":                  {"10.1.1.1:4711", []string{"203.0.113.9:80, [::1]:99"}, webhook.AllowFrom(bankNets, proxies...), true},
		"forged before our proxy":     {"10.1.1.1:4711", []string{"203.0.113.9, 198.51.100.1"}, webhook.AllowFrom(bankNets, proxies...), false},
		"our proxy alone":             {"10.1.1.1:4711", nil, webhook.AllowFrom(bankNets, proxies...), false},
		"only proxies in the header":  {"10.1.1.1:4711", []string{"10.2.2.2"}, webhook.AllowFrom(bankNets, proxies...), false},
		"rubbish in the header":       {"10.1.1.1:4711", []string{"203.0.113.9, rubbish"}, webhook.AllowFrom(bankNets, proxies...), false},
		"no address":                  {"@", nil, webhook.AllowFrom(bankNets), false},
		"an empty list":               {"203.0.113.9:4711", nil, webhook.AllowFrom(nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			books := &books{}
			r := b.notify("id", "p1", "status", "paid")
			r.RemoteAddr = tt.remote
			r.Header["X-Forwarded-For"] = tt.forwarded
			code, _, _ := send(webhook.Handler(b, books.process, quiet, tt.opt), r)
			if tt.ok {
				assert.Equal(t, 200, code)
				assert.Len(t, books.all(), 1)
			} else {
				assert.Equal(t, 403, code)
				assert.Empty(t, books.all())
			}
		})
	}
	t.Run("it comes before the signature", func(t *testing.T) {
		r := b.notify("id", "p1", "status", "paid")
		r.RemoteAddr = "198.51.100.1:4711"
		code, _, _ := send(webhook.Handler(unheard{b, t}, (&books{}).process, quiet, webhook.AllowFrom(bankNets)), r)
		assert.Equal(t, 403, code)
	})
	t.Run("it does not replace the signature", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("id=p1&status=paid"))
		r.RemoteAddr = "203.0.113.9:4711"
		code, _, _ := send(webhook.Handler(b, (&books{}).process, quiet, webhook.AllowFrom(bankNets)), r)
		assert.Equal(t, 403, code)
	})
}

// unheard is a bank whose callbacks must not come so far as to be verified.
type unheard struct {
	*bank
	t *testing.T
}

func (u unheard) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	u.t.Error("the notification of a stranger was looked into")
	return u.bank.VerifyCallback(ctx, r)
}
