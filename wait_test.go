package acquiring_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// scripted answers GetStatus from a list, the last one for ever, and keeps the
// times at which it was asked.
type scripted struct {
	acquiring.Acquirer
	answers []answer
	start   time.Time
	asked   []time.Duration
}

type answer struct {
	status acquiring.Status
	err    error
}

func (s *scripted) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	s.asked = append(s.asked, time.Since(s.start))
	a := s.answers[min(len(s.asked), len(s.answers))-1]
	if ctx.Err() != nil {
		return nil, &acquiring.Error{Provider: "x", Kind: acquiring.ErrUnavailable, Err: ctx.Err()}
	}
	if a.err != nil {
		return nil, a.err
	}
	return &acquiring.Payment{ID: id, Status: a.status}, nil
}

func script(answers ...answer) *scripted { return &scripted{answers: answers, start: time.Now()} }

func TestWaitUntilFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(answer{status: acquiring.StatusPending}, answer{status: acquiring.StatusPending}, answer{status: acquiring.StatusPaid})
		p, err := acquiring.Wait(t.Context(), s, "1", nil)
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
		assert.Equal(t, []time.Duration{0, time.Second, 2500 * time.Millisecond}, s.asked)
	})
}

func TestWaitUntilCondition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(answer{status: acquiring.StatusPaid}, answer{status: acquiring.StatusPaid}, answer{status: acquiring.StatusRefunded})
		p, err := acquiring.Wait(t.Context(), s, "1", func(p *acquiring.Payment) bool { return p.Status == acquiring.StatusRefunded })
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusRefunded, p.Status)
		assert.Len(t, s.asked, 3)
	})
}

func TestWaitGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		s := script(answer{status: acquiring.StatusPending})
		p, err := acquiring.Wait(ctx, s, "1", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotNil(t, p, "the last payment seen")
		assert.Equal(t, acquiring.StatusPending, p.Status)
		assert.Equal(t, 5*time.Minute, time.Since(s.start), "not a moment after the deadline")
		last := time.Duration(0)
		for i := 1; i < len(s.asked); i++ {
			pause := s.asked[i] - s.asked[i-1]
			assert.GreaterOrEqual(t, pause, last, "pause %d", i)
			assert.LessOrEqual(t, pause, 15*time.Second, "pause %d", i)
			last = pause
		}
		assert.Equal(t, 15*time.Second, last)
	})
}

func TestWaitGoesOnAfterTemporaryErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := &acquiring.Error{Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown}
		busy := &acquiring.Error{Kind: acquiring.ErrRateLimited, RetryAfter: time.Minute}
		s := script(answer{err: down}, answer{err: busy}, answer{status: acquiring.StatusExpired})
		p, err := acquiring.Wait(t.Context(), s, "1", nil)
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusExpired, p.Status)
		assert.Equal(t, []time.Duration{0, time.Second, 61 * time.Second}, s.asked, "Retry-After is kept")
	})
}

func TestWaitEndsWithPermanentError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := &acquiring.Error{Kind: acquiring.ErrNotFound}
		s := script(answer{status: acquiring.StatusPending}, answer{err: gone})
		p, err := acquiring.Wait(t.Context(), s, "1", nil)
		require.ErrorIs(t, err, acquiring.ErrNotFound)
		require.NotNil(t, p)
		assert.Equal(t, acquiring.StatusPending, p.Status, "the last payment seen")
		assert.Len(t, s.asked, 2)

		plain := errors.New("broken")
		p, err = acquiring.Wait(t.Context(), script(answer{err: plain}), "1", nil)
		assert.Equal(t, plain, err)
		assert.Nil(t, p)
	})
}

func TestWaitCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := script(answer{status: acquiring.StatusPending})
		time.AfterFunc(1200*time.Millisecond, cancel)
		p, err := acquiring.Wait(ctx, s, "1", nil)
		require.ErrorIs(t, err, context.Canceled)
		require.NotNil(t, p)
		assert.Equal(t, 1200*time.Millisecond, time.Since(s.start))

		p, err = acquiring.Wait(ctx, s, "1", nil)
		require.ErrorIs(t, err, context.Canceled, "a context that ended before")
		assert.Nil(t, p)
	})
}

// TestWaitCancelledWhileItRests waits out a long Retry-After no longer than the
// context lives.
func TestWaitCancelledWhileItRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s := script(answer{err: &acquiring.Error{Kind: acquiring.ErrRateLimited, RetryAfter: time.Hour}})
		_, err := acquiring.Wait(ctx, s, "1", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(s.start))
		assert.Len(t, s.asked, 1)
	})
}
