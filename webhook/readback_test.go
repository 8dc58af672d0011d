package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

func TestHandlerComparesWithThePaymentReadBack(t *testing.T) {
	for name, tt := range map[string]struct {
		pairs   []string
		payment acquiring.Payment
		code    int
	}{
		"all agree": {[]string{"id", "p1", "order", "A-7", "status", "paid", "amount", "1000"},
			acquiring.Payment{ID: "p1", OrderID: "A-7", Status: acquiring.StatusPaid, Amount: 1000, Captured: 1000}, 200},
		"another payment": {[]string{"id", "p1", "status", "paid"},
			acquiring.Payment{ID: "p2", Status: acquiring.StatusPaid, Amount: 1000}, 409},
		"another order": {[]string{"id", "p1", "order", "A-8", "status", "paid"},
			acquiring.Payment{ID: "p1", OrderID: "A-7", Status: acquiring.StatusPaid, Amount: 1000}, 409},
		"another sum": {[]string{"id", "p1", "status", "paid", "amount", "100000"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPaid, Amount: 1000, Captured: 1000}, 409},
		"a smaller sum of a paid one": {[]string{"id", "p1", "status", "paid", "amount", "1"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPaid, Amount: 1000, Captured: 1000}, 409},
		"the sum captured of a hold": {[]string{"id", "p1", "status", "paid", "amount", "700"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPaid, Amount: 1000, Captured: 700}, 200},
		"the sum of a refund": {[]string{"id", "p1", "status", "partially_refunded", "amount", "300"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPartiallyRefunded, Amount: 1000, Captured: 1000, Refunded: 500}, 200},
		"a refund of more than was paid": {[]string{"id", "p1", "status", "partially_refunded", "amount", "1001"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPartiallyRefunded, Amount: 1000, Captured: 1000, Refunded: 500}, 409},
		"another currency": {[]string{"id", "p1", "status", "paid", "amount", "1000", "currency", "KZT"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPaid, Amount: 1000, Currency: "RUB"}, 409},
		"the currency in small letters": {[]string{"id", "p1", "status", "paid", "amount", "1000", "currency", "rub"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPaid, Amount: 1000, Currency: "RUB"}, 200},
		"paid, but the provider still says pending": {[]string{"id", "p1", "status", "paid"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPending, Amount: 1000}, 503},
		"paid late, but the provider still says expired": {[]string{"id", "p1", "status", "paid"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusExpired, Amount: 1000}, 503},
		"paid at the second attempt, but the provider still says declined": {[]string{"id", "p1", "status", "paid"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusDeclined, Amount: 1000}, 503},
		"paid after it was withdrawn, but the provider still says canceled": {[]string{"id", "p1", "status", "paid"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusCanceled, Amount: 1000}, 503},
		"a late hold of a payment that has failed since": {[]string{"id", "p1", "status", "authorized"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusDeclined, Amount: 1000}, 200},
		"held, but the provider still says pending": {[]string{"id", "p1", "status", "authorized"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPending, Amount: 1000}, 503},
		"refunded, but the provider still says paid": {[]string{"id", "p1", "status", "refunded"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPaid, Amount: 1000}, 503},
		"refunded, as the callback calls a part": {[]string{"id", "p1", "status", "refunded"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPartiallyRefunded, Amount: 1000, Refunded: 1}, 200},
		"voided, but the provider still says held": {[]string{"id", "p1", "status", "voided"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusAuthorized, Amount: 1000}, 503},
		"a failed attempt of a payment still open": {[]string{"id", "p1", "status", "declined"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPending, Amount: 1000}, 200},
		"a late hold of a payment that is taken": {[]string{"id", "p1", "status", "authorized"},
			acquiring.Payment{ID: "p1", Status: acquiring.StatusPaid, Amount: 1000, Captured: 1000}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			b, books, seen := newBank("school"), &books{}, &sightings{}
			b.whole = true
			b.payments["p1"] = &tt.payment
			h := webhook.Handler(b, books.process, quiet, webhook.Observe(seen.observe))
			code, _, _ := send(h, b.notify(tt.pairs...))
			assert.Equal(t, tt.code, code)
			if tt.code == http.StatusOK {
				require.Len(t, books.all(), 1)
				assert.Equal(t, tt.payment.Status, books.all()[0].Payment.Status, "the payment read back is what counts")
			} else {
				assert.Empty(t, books.all())
				assert.Error(t, seen.last().Err)
			}
		})
	}
}

// A provider's answer may lack the order's number: what the notification has
// signed, or the shop has said to the Poller, tells whose the payment is.
func TestOrderNumberThatTheProviderDoesNotRepeat(t *testing.T) {
	expect := func(_ context.Context, order string) (money.Amount, string, error) {
		if order != "A-7" {
			return 0, "", fmt.Errorf("no order %q", order)
		}
		return 1000, "RUB", nil
	}
	t.Run("callback", func(t *testing.T) {
		b, books := newBank("school"), &books{}
		kept := b.set("p1", "", acquiring.StatusPaid, 1000)
		code, _, _ := send(webhook.Handler(b, books.process, quiet, webhook.Expect(expect)), b.notify("id", "p1", "order", "A-7", "status", "paid"))
		assert.Equal(t, http.StatusOK, code)
		require.Len(t, books.all(), 1)
		assert.Equal(t, "A-7", books.all()[0].Payment.OrderID)
		assert.Empty(t, kept.OrderID)
	})
	t.Run("unsigned", func(t *testing.T) {
		b, books := newBank("school"), &books{}
		b.unsigned = true
		b.set("p1", "", acquiring.StatusPaid, 1000)
		code, _, _ := send(webhook.Handler(b, books.process, quiet, webhook.Expect(expect)), b.notify("id", "p1", "order", "A-7", "status", "paid"))
		assert.Equal(t, http.StatusInternalServerError, code, "a stranger could have named any order")
		assert.Empty(t, books.all())
	})
	t.Run("poll", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := startPoller(t, func(p *webhook.Poller) { p.Expect = expect })
			defer p.stop()
			p.bank.set("p1", "", acquiring.StatusPaid, 1000)
			item := p.pending("p1")
			item.OrderID = "A-7"
			p.open.set(item)
			time.Sleep(time.Minute)
			require.Len(t, p.books.all(), 1)
			assert.Equal(t, "A-7", p.books.all()[0].Payment.OrderID)
		})
	})
}

func TestHandlerKeysWhatIsStillOpenByTheCallback(t *testing.T) {
	b, books := newBank("school"), &books{}
	b.set("p1", "A-7", acquiring.StatusPending, 1000)
	h := webhook.Handler(b, books.process, quiet)
	for _, attempt := range []string{"1", "2", "2"} {
		code, _, _ := send(h, b.notify("id", "p1", "status", "declined", "key", attempt))
		assert.Equal(t, http.StatusOK, code)
	}
	require.Len(t, books.all(), 2, "two failed attempts are two pieces of news")
	assert.Equal(t, "school:p1:declined:1", books.all()[0].Key)

	for range 2 {
		code, _, _ := send(h, b.notify("id", "p1", "status", "declined", "key", "none"))
		assert.Equal(t, http.StatusOK, code)
	}
	require.Len(t, books.all(), 3, "without a key the same bytes are the same news")
	assert.Contains(t, books.all()[2].Key, "bank/school/p1//raw/")
}

func TestHandlerWhenTheProviderCannotBeAsked(t *testing.T) {
	b := newBank("school")
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	for _, unsigned := range []bool{false, true} {
		for name, tt := range map[string]struct {
			err     error
			code    int
			outcome webhook.Outcome
			after   string
		}{
			"unavailable":        {&acquiring.Error{Kind: acquiring.ErrUnavailable}, 503, webhook.Unavailable, ""},
			"too many requests":  {&acquiring.Error{Kind: acquiring.ErrRateLimited, RetryAfter: 1500 * time.Millisecond}, 503, webhook.Unavailable, "2"},
			"a maintenance page": {&acquiring.Error{Kind: acquiring.ErrProtocol}, 503, webhook.Unavailable, ""},
			"timeout":            {context.DeadlineExceeded, 503, webhook.Unavailable, ""},
			"our credentials":    {&acquiring.Error{Kind: acquiring.ErrUnauthorized}, 500, webhook.Misread, ""},
			"a fault of ours":    {errors.New("some bug"), 500, webhook.Misread, ""},
		} {
			t.Run(fmt.Sprintf("%s, unsigned=%v", name, unsigned), func(t *testing.T) {
				books, seen := &books{}, &sightings{}
				b.unsigned = unsigned
				b.fail(tt.err)
				defer b.fail(nil)
				h := webhook.Handler(b, books.process, quiet, webhook.Observe(seen.observe))
				code, _, header := send(h, b.notify("id", "p1", "status", "paid"))
				assert.Equal(t, tt.code, code)
				assert.Equal(t, tt.after, header.Get("Retry-After"))
				assert.Equal(t, tt.outcome, seen.last().Outcome)
				assert.Empty(t, books.all())
			})
		}
	}
	t.Run("a payment it does not know", func(t *testing.T) {
		books := &books{}
		b.unsigned = false
		code, _, _ := send(webhook.Handler(b, books.process, quiet), b.notify("id", "p9", "status", "paid"))
		assert.Equal(t, http.StatusInternalServerError, code, "signed: it is the provider's, and comes again")
		b.unsigned = true
		code, _, _ = send(webhook.Handler(b, books.process, quiet), b.notify("id", "p9", "status", "paid"))
		assert.Equal(t, http.StatusForbidden, code, "unsigned: somebody guesses")
		assert.Empty(t, books.all())
	})
}

func TestHandlerReadsTheUnsignedOnce(t *testing.T) {
	b, books := newBank("school"), &books{}
	b.unsigned = true
	b.set("p1", "A-7", acquiring.StatusPending, 1000)
	h := webhook.Handler(b, books.process, quiet, webhook.TrustCallback())
	code, _, _ := send(h, b.notify("id", "p1", "status", "paid", "amount", "100000000"))
	assert.Equal(t, http.StatusOK, code)
	require.Len(t, books.all(), 1)
	assert.Equal(t, acquiring.StatusPending, books.all()[0].Payment.Status, "nothing in it was believed")
	assert.Equal(t, 1, b.questions())
}

func TestHandlerAsksByTheOrderWhereThereIsNoPaymentID(t *testing.T) {
	b, books := newBank("school"), &books{}
	b.set("p1", "A-7", acquiring.StatusPaid, 1000)
	code, _, _ := send(webhook.Handler(finder{b}, books.process, quiet), b.notify("order", "A-7", "status", "paid"))
	assert.Equal(t, http.StatusOK, code)
	require.Len(t, books.all(), 1)
	assert.Equal(t, "bank/school/p1/paid", books.all()[0].Key)
	code, _, _ = send(webhook.Handler(b, books.process, quiet), b.notify("order", "A-7", "status", "paid"))
	assert.Equal(t, http.StatusInternalServerError, code)
}

func TestTrustCallback(t *testing.T) {
	b, books := newBank("school"), &books{}
	h := webhook.Handler(b, books.process, quiet, webhook.TrustCallback())
	for range 2 {
		code, _, _ := send(h, b.notify("id", "p1", "order", "A-7", "status", "paid", "amount", "1000"))
		assert.Equal(t, http.StatusOK, code)
	}
	assert.Zero(t, b.questions())
	require.Len(t, books.all(), 1)
	assert.Equal(t, &acquiring.Payment{ID: "p1", OrderID: "A-7", Status: acquiring.StatusPaid, Amount: 1000}, books.all()[0].Payment)
	assert.Equal(t, "bank/school/p1/paid", books.all()[0].Key, "the key that a poll of the same state makes")

	t.Run("a whole payment in the callback", func(t *testing.T) {
		b.whole = true
		defer func() { b.whole = false }()
		code, _, _ := send(h, b.notify("id", "p1", "status", "partially_refunded", "amount", "1000", "refunded", "300"))
		assert.Equal(t, http.StatusOK, code)
		assert.Zero(t, b.questions())
		assert.Equal(t, "bank/school/p1/partially_refunded/3.00", books.all()[1].Key)
	})
	t.Run("a partial refund without its sum is read back", func(t *testing.T) {
		p := b.set("p1", "A-7", acquiring.StatusPartiallyRefunded, 1000)
		p.Refunded = 400
		code, _, _ := send(h, b.notify("id", "p1", "status", "partially_refunded"))
		assert.Equal(t, http.StatusOK, code)
		assert.Equal(t, 1, b.questions())
		assert.Equal(t, "bank/school/p1/partially_refunded/4.00", books.all()[2].Key)
	})
	t.Run("so is a payment without a sum to compare", func(t *testing.T) {
		b.set("p2", "A-8", acquiring.StatusPaid, 1000)
		h := webhook.Handler(b, books.process, quiet, webhook.TrustCallback(), webhook.Expect(expecting(999, "")))
		code, _, _ := send(h, b.notify("id", "p2", "order", "A-8", "status", "paid"))
		assert.Equal(t, http.StatusConflict, code)
		assert.Equal(t, 2, b.questions())
	})
}

// An account that cannot be asked (PayMaster's classic protocol without a login
// for its API) is credited by what the provider signed; any other failure to
// ask still makes the notification come again.
func TestSignedNewsOfAnAccountThatCannotBeAsked(t *testing.T) {
	unsupported := acquiring.Unsupported("bank", "GetStatus", "there is no login")
	for name, tt := range map[string]struct {
		whole bool
		err   error
		code  int
		n     int
	}{
		"whole":              {true, unsupported, 200, 1},
		"not whole":          {false, unsupported, 500, 0},
		"the bank is broken": {true, &acquiring.Error{Provider: "bank", Op: "GetStatus", Kind: acquiring.ErrUnavailable}, 503, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, books := newBank("school"), &books{}
			b.whole = tt.whole
			b.set("p1", "A-7", acquiring.StatusPaid, 1000)
			b.fail(tt.err)
			code, _, _ := send(webhook.Handler(b, books.process, quiet), b.notify("id", "p1", "order", "A-7", "status", "paid", "amount", "1000"))
			assert.Equal(t, tt.code, code)
			assert.Len(t, books.all(), tt.n)
		})
	}
}
