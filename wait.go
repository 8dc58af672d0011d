package acquiring

import (
	"context"
	"errors"
	"time"
)

// Waits between two looks of Wait: they grow from the first to the last.
const (
	waitFirst = time.Second
	waitLast  = 15 * time.Second
)

// Wait asks for the payment's status until the condition holds, and returns
// the payment then. A nil condition waits for a final status. It asks at
// once, after one second, then ever more rarely, up to every 15 seconds; when
// the provider is unavailable or asks to wait, it goes on. Any other error of
// GetStatus ends it at once. Give it a context with a deadline: when the context
// ends, its error is returned. The last payment seen comes beside either error;
// nil: none was.
func Wait(ctx context.Context, a Acquirer, id PaymentID, until func(*Payment) bool) (*Payment, error) {
	if until == nil {
		until = func(p *Payment) bool { return p.Status.Final() }
	}
	var last *Payment
	pause := waitFirst
	for {
		p, err := a.GetStatus(ctx, id)
		switch {
		case err == nil:
			if until(p) {
				return p, nil
			}
			last = p
		case ctx.Err() != nil:
			return last, ctx.Err()
		case !Temporary(err):
			return last, err
		}
		wait := pause
		var e *Error
		if errors.As(err, &e) && e.RetryAfter > wait {
			wait = e.RetryAfter
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return last, ctx.Err()
		case <-timer.C:
		}
		pause = min(pause*3/2, waitLast)
	}
}
