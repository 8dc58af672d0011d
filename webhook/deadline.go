package webhook

import (
	"context"
	"sync"
	"time"
)

// deadline is context.WithTimeout of a context that does not end, made when
// somebody waits for its end for the first time. Most notifications of a flood
// are answered without anybody waiting, and a timer for each of them would wake
// a sleeping processor.
type deadline struct {
	values context.Context
	at     time.Time

	mu     sync.Mutex
	timed  context.Context // nil: nobody has waited yet
	cancel context.CancelFunc
	ended  bool
}

// newDeadline has the values of a context that does not end.
func newDeadline(values context.Context, after time.Duration) *deadline {
	return &deadline{values: values, at: time.Now().Add(after)}
}

func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

func (d *deadline) Done() <-chan struct{} { return d.made().Done() }

func (d *deadline) Err() error {
	d.mu.Lock()
	idle := d.timed == nil && !d.ended
	d.mu.Unlock()
	if idle && time.Now().Before(d.at) {
		return nil
	}
	return d.made().Err()
}

// Value asks the context that ends, where it is made: package context looks
// there for whom to tell its children of the end.
func (d *deadline) Value(key any) any {
	d.mu.Lock()
	timed := d.timed
	d.mu.Unlock()
	if timed != nil {
		return timed.Value(key)
	}
	return d.values.Value(key)
}

func (d *deadline) made() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timed == nil {
		d.timed, d.cancel = context.WithDeadline(d.values, d.at)
		if d.ended {
			d.cancel()
		}
	}
	return d.timed
}

// end is the end of the work. Whoever still holds the context finds it canceled.
func (d *deadline) end() {
	d.mu.Lock()
	d.ended = true
	cancel := d.cancel
	d.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
