package emulator

import (
	"container/heap"
	"sync"
	"time"
)

// Clock is the emulator's time. It either stands still until Advance or Set
// moves it, or runs, as fast as it was told. It is safe for concurrent use.
type Clock struct {
	mu      sync.Mutex
	speed   int64     // 0: stands still
	base    time.Time // the clock's time at the real moment since
	since   time.Time
	timers  timerHeap
	seq     uint64
	wake    *time.Timer
	stopped bool

	advance   sync.Mutex // one Advance at a time
	advancing bool       // under mu
}

// NewClock is a clock that stands at start until it is moved.
func NewClock(start time.Time) *Clock { return &Clock{base: start} }

// NewRunningClock runs from start, speed times as fast as real time: at 60 a
// minute lasts a second. A speed below 1 counts as 1.
func NewRunningClock(start time.Time, speed int) *Clock {
	return &Clock{base: start, since: time.Now(), speed: int64(max(speed, 1))}
}

// Running says whether the clock goes by itself.
func (c *Clock) Running() bool { return c.speed > 0 }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if c.speed == 0 {
		return c.base
	}
	return c.base.Add(time.Since(c.since) * time.Duration(c.speed))
}

func (c *Clock) set(t time.Time) {
	c.base = t
	if c.speed > 0 {
		c.since = time.Now()
	}
}

// Advance moves the clock forward. What was planned on the way happens on the
// way, in order, at its own time and in the caller's goroutine, before Advance
// returns. It must not be called from a function the clock runs.
func (c *Clock) Advance(d time.Duration) {
	c.advance.Lock()
	defer c.advance.Unlock()
	c.mu.Lock()
	target := c.now().Add(d)
	c.advancing = true
	for len(c.timers) > 0 && !c.timers[0].at.After(target) {
		t := heap.Pop(&c.timers).(*Timer)
		if t.at.After(c.now()) {
			c.set(t.at)
		}
		c.mu.Unlock()
		t.run()
		c.mu.Lock()
	}
	if target.After(c.now()) {
		c.set(target)
	}
	c.advancing = false
	c.arm()
	c.mu.Unlock()
}

// Set moves the clock to t: forward as Advance does, backward silently.
func (c *Clock) Set(t time.Time) {
	if d := t.Sub(c.Now()); d >= 0 {
		c.Advance(d)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(t)
	c.arm()
}

// Advancing says whether the clock is being moved by Advance just now.
func (c *Clock) Advancing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.advancing
}

// Timer is something planned.
type Timer struct {
	clock *Clock
	at    time.Time
	seq   uint64
	index int // in the heap; -1: not there
	run   func()
}

// AfterFunc plans run for d from now. With a clock that stands still it
// happens in Advance, even if d is 0.
func (c *Clock) AfterFunc(d time.Duration, run func()) *Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plan(c.now().Add(d), run)
}

// AtFunc plans run for the moment t.
func (c *Clock) AtFunc(t time.Time, run func()) *Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plan(t, run)
}

func (c *Clock) plan(at time.Time, run func()) *Timer {
	c.seq++
	t := &Timer{clock: c, at: at, seq: c.seq, run: run, index: -1}
	if c.stopped {
		return t
	}
	heap.Push(&c.timers, t)
	if t.index == 0 {
		c.arm()
	}
	return t
}

// Stop takes the plan back; false: it has happened or was stopped already.
// Stopping a nil timer is allowed.
func (t *Timer) Stop() bool {
	if t == nil {
		return false
	}
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.timers, t.index)
	return true
}

// Stop forgets everything planned; nothing new is planned after it. The clock
// can still be read.
func (c *Clock) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, t := range c.timers {
		t.index = -1
	}
	c.timers = nil
	if c.wake != nil {
		c.wake.Stop()
	}
}

// arm sets the real timer for the earliest plan of a running clock.
func (c *Clock) arm() {
	if c.speed == 0 || len(c.timers) == 0 || c.advancing {
		return
	}
	wait := max(c.timers[0].at.Sub(c.now())/time.Duration(c.speed), 0)
	if c.wake == nil {
		c.wake = time.AfterFunc(wait, c.fire)
		return
	}
	c.wake.Reset(wait)
}

// fire runs what is due on a running clock.
func (c *Clock) fire() {
	c.mu.Lock()
	for !c.advancing && len(c.timers) > 0 && !c.timers[0].at.After(c.now()) {
		t := heap.Pop(&c.timers).(*Timer)
		c.mu.Unlock()
		t.run()
		c.mu.Lock()
	}
	c.arm()
	c.mu.Unlock()
}

type timerHeap []*Timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
