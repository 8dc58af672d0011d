package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/acquiring-go/acquiring"
)

// mayRepeat says whether the call may be tried again after err: when it surely
// never left, or when doing it twice is the same as once and the failure may
// pass.
func mayRepeat(call Call, err error) bool {
	var e *acquiring.Error
	if !errors.As(err, &e) || !acquiring.Temporary(err) {
		return false
	}
	return call.Repeatable || (e.Outcome == acquiring.OutcomeNotSent && e.Kind == acquiring.ErrUnavailable)
}

// waits are the pauses between the attempts of one call: growing, with jitter.
type waits struct{ b *backoff.ExponentialBackOff }

func newWaits() *waits {
	return &waits{&backoff.ExponentialBackOff{
		InitialInterval: firstWait, RandomizationFactor: 0.5, Multiplier: 3, MaxInterval: 5 * time.Second,
	}}
}

var firstWait = 300 * time.Millisecond

// Hurry makes the waits between attempts a hundredth as long, for every client
// of this process: for TestMain of packages whose tests fail emulators a
// hundred times.
func Hurry() { firstWait = 3 * time.Millisecond }

// pause waits; false means that waiting is no use: the provider asks for more
// time than the context has, or the context ended.
func (w *waits) pause(ctx context.Context, err error) bool {
	wait := w.b.NextBackOff()
	var e *acquiring.Error
	if errors.As(err, &e) && e.RetryAfter > wait {
		wait = e.RetryAfter
	}
	if wait > 30*time.Second {
		return false // the caller plans such waits himself
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// retryAfter reads the header in both its forms; 0: not there.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if n, err := strconv.Atoi(v); err == nil && n >= 0 && n < 1<<31 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
