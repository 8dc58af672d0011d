package billing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/money"
)

// paid makes the attempt one that was paid some time ago.
func (b *books) paid(ago time.Duration) {
	b.t.Helper()
	now := time.Now()
	b.Store.Now = func() time.Time { return now }
	require.NoError(b.t, b.answered("next"))
	b.news("next", acquiring.StatusPaid, false)
	_, err := b.Store.DB.Exec("UPDATE attempts SET created_at = $1, expires_at = $2 WHERE id = $3", now.Add(-ago).UnixMilli(), now.Add(-ago).Add(time.Hour).UnixMilli(), b.id)
	require.NoError(b.t, err)
}

// asked is a refund that the bank answered.
func (b *books) asked(sum money.Amount, status acquiring.RefundStatus) store.Refund {
	b.t.Helper()
	r := store.Refund{AttemptID: b.id, Form: "f", Key: "r-f", Amount: sum, Status: store.RefundNew}
	var err error
	r.ID, err = b.Store.AddRefund(b.t.Context(), b.Store.DB, r)
	require.NoError(b.t, err)
	if b.meanwhile != nil {
		b.meanwhile()
	}
	r, err = b.refunded(b.t.Context(), b.attempt(), r, &acquiring.Refund{ID: "back", Amount: sum, Status: status}, nil)
	require.NoError(b.t, err)
	return r
}

// A refund that is done is posted by the news of the payment. If the payment
// cannot be read at once, or the program ends there, the poller reads it.
func TestRefundThatIsDoneIsFollowed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		b.paid(time.Hour)
		open, _ := b.polled()
		require.False(t, open)
		b.asked(price, acquiring.RefundDone)
		open, _ = b.polled()
		assert.True(t, open, "its posting is still to come")
		b.news("next", acquiring.StatusRefunded, false)
		open, _ = b.polled()
		assert.False(t, open)
	})
}

// The bank's notification is faster than its answer: nothing is left to ask for.
func TestNewsOfARefundBeforeItsAnswer(t *testing.T) {
	for _, status := range []acquiring.RefundStatus{acquiring.RefundDone, acquiring.RefundPending, acquiring.RefundFailed} {
		t.Run(status.String(), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, b *books) {
				b.paid(time.Hour)
				b.meanwhile = func() { b.news("next", acquiring.StatusRefunded, false) }
				r := b.asked(price, status)
				open, _ := b.polled()
				assert.False(t, open)
				r, err := b.Store.Refund(t.Context(), b.Store.DB, r.ID)
				require.NoError(t, err)
				want := store.RefundDone
				if status == acquiring.RefundFailed {
					want = store.RefundFailed
				}
				assert.Equal(t, want, r.Status)
				assert.Zero(t, b.credited())
			})
		})
	}
}

// A payment is long over when it is given back, and its refund begins then.
func TestRefundOfAnOldPaymentIsFollowed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		b.paid(60 * 24 * time.Hour)
		b.asked(price, acquiring.RefundPending)
		p, err := b.pendingOf(t.Context(), b.attempt())
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), p.Since, time.Minute)
		assert.Greater(t, time.Until(p.Until), 7*24*time.Hour)
	})
}

// A hold lives longer than the page on which it was made.
func TestHoldIsFollowed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		b.paid(3 * 24 * time.Hour)
		a := b.attempt()
		a.Status = acquiring.StatusAuthorized
		p, err := b.pendingOf(t.Context(), a)
		require.NoError(t, err)
		assert.Greater(t, time.Until(p.Until), 7*24*time.Hour)
	})
}
