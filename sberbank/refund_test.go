package sberbank

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// The legacy gateway knows no key. A refund whose answer was lost, and that
// nobody could look after, is asked for again with the same Key: it must not be
// made twice.
func TestLegacyRefundAskedForAgain(t *testing.T) {
	ctx := context.Background()
	away := answer{status: 200, body: "<html>Технические работы</html>"}
	refunded := func(kopecks string) answer {
		return ok(orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":`+kopecks, ""))
	}
	for name, tt := range map[string]struct {
		asked money.Amount
		then  answer // what the order shows at the second call
		sent  int    // how many refunds the bank saw
		check func(t *testing.T, r *acquiring.Refund, err error)
	}{
		"it was made": {money.RUB(500, 0), refunded("50000"), 1, func(t *testing.T, r *acquiring.Refund, err error) {
			require.NoError(t, err)
			assert.Equal(t, acquiring.Refund{ID: "k", PaymentID: id, Amount: money.RUB(500, 0), Status: acquiring.RefundDone, Raw: r.Raw}, *r)
		}},
		"all was asked for": {0, refunded("154990"), 1, func(t *testing.T, r *acquiring.Refund, err error) {
			require.NoError(t, err)
			assert.Equal(t, money.RUB(1549, 90), r.Amount)
		}},
		"it was not made": {money.RUB(500, 0), ok(paid()), 2, func(t *testing.T, r *acquiring.Refund, err error) {
			require.NoError(t, err)
			assert.Equal(t, money.RUB(500, 0), r.Amount)
		}},
		"another sum went back": {money.RUB(500, 0), refunded("70000"), 1, func(t *testing.T, _ *acquiring.Refund, err error) {
			assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
			assert.ErrorContains(t, err, "Refunded has grown")
		}},
		"the answers have no sums": {money.RUB(500, 0), ok(orderJSON(4, "", "")), 1, func(t *testing.T, _ *acquiring.Refund, err error) {
			assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		}},
		"SBP is at it": {money.RUB(500, 0), ok(strings.Replace(paid(), `"actionCode":0`, `"actionCode":-99`, 1)), 1, func(t *testing.T, _ *acquiring.Refund, err error) {
			assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t).onAnswer("refund.do", lost, ok(done)).onAnswer("getOrderStatusExtended.do", ok(paid()), away, tt.then)
			c := b.client(ProtocolLegacy)
			r := acquiring.RefundRequest{ID: id, Key: "k", Amount: tt.asked}
			_, err := c.Refund(ctx, r)
			require.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
			require.Len(t, b.calls("refund.do"), 1)
			again, err := c.Refund(ctx, r)
			tt.check(t, again, err)
			assert.Len(t, b.calls("refund.do"), tt.sent)
			if tt.sent == 1 && err == nil {
				// What is known to be made is so, however often it is asked for.
				_, err = c.Refund(ctx, r)
				require.NoError(t, err)
				assert.Len(t, b.calls("refund.do"), 1)
			}
		})
	}
	t.Run("another sum under the same key", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost, ok(done)).onAnswer("getOrderStatusExtended.do", ok(paid()), away, refunded("50000"))
		c := b.client(ProtocolLegacy)
		_, err := c.Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k", Amount: money.RUB(500, 0)})
		require.Error(t, err)
		_, err = c.Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k", Amount: money.RUB(600, 0)})
		assert.ErrorIs(t, err, acquiring.ErrConflict)
		assert.Len(t, b.calls("refund.do"), 1)
	})
	t.Run("another key is another refund", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost, ok(done)).onAnswer("getOrderStatusExtended.do", ok(paid()), away, refunded("50000"))
		c := b.client(ProtocolLegacy)
		_, err := c.Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k", Amount: money.RUB(500, 0)})
		require.Error(t, err)
		_, err = c.Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k2", Amount: money.RUB(500, 0)})
		require.NoError(t, err)
		assert.Len(t, b.calls("refund.do"), 2)
	})
	t.Run("another refund was made meanwhile", func(t *testing.T) {
		for now, sent := range map[string]int{"30000": 3, "80000": 2} { // the first is missing, or both are there
			b := newBank(t).onAnswer("refund.do", lost, ok(done)).onAnswer("getOrderStatusExtended.do", ok(paid()), away, ok(paid()), refunded("30000"), refunded(now))
			c := b.client(ProtocolLegacy)
			first := acquiring.RefundRequest{ID: id, Key: "k", Amount: money.RUB(500, 0)}
			_, err := c.Refund(ctx, first)
			require.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
			_, err = c.Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k2", Amount: money.RUB(300, 0)})
			require.NoError(t, err)
			_, err = c.Refund(ctx, first)
			require.NoError(t, err)
			assert.Len(t, b.calls("refund.do"), sent, now)
		}
	})
	t.Run("the caller's time ran out", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost, ok(done)).onAnswer("getOrderStatusExtended.do", ok(paid()), refunded("50000"))
		c := b.client(ProtocolLegacy)
		short, cancel := context.WithCancel(ctx)
		b.onAsk = func(path string) {
			if strings.HasSuffix(path, "refund.do") {
				cancel()
			}
		}
		r := acquiring.RefundRequest{ID: id, Key: "k", Amount: money.RUB(500, 0)}
		_, err := c.Refund(short, r)
		require.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		_, err = c.Refund(ctx, r)
		require.NoError(t, err)
		assert.Len(t, b.calls("refund.do"), 1)
	})
}
