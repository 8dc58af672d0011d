package emulator

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// forget drops the oldest finished deliveries.
func (o *Outbox) forget() {
	if len(o.log) < o.keep*2 {
		return
	}
	surplus := len(o.log) - o.keep
	o.log = slices.DeleteFunc(o.log, func(it *item) bool {
		if surplus <= 0 || it.d.State == Waiting {
			return false
		}
		surplus--
		if o.last[it.d.Order] == it {
			delete(o.last, it.d.Order)
		}
		return true
	})
}

// kick makes what is due leave, and plans the next look at the rest. The
// caller holds the lock.
func (o *Outbox) kick(now time.Time) {
	for o.clock.Running() && len(o.waiting) > 0 && !o.waiting[0].d.Due.After(now) {
		o.fly(heap.Pop(&o.waiting).(*item))
	}
	if len(o.waiting) == 0 {
		return
	}
	next := o.waiting[0].d.Due
	if o.timer != nil && !o.timerAt.After(next) {
		return
	}
	o.timer.Stop()
	o.timerAt = next
	o.timer = o.clock.AtFunc(next, o.onTimer)
}

func (o *Outbox) onTimer() {
	o.mu.Lock()
	o.timer = nil
	if o.clock.Running() && !o.clock.Advancing() {
		o.kick(o.clock.Now())
		o.mu.Unlock()
		return
	}
	o.mu.Unlock()
	o.Deliver()
}

// itemHeap is ordered by the time due, then as created.
type itemHeap []*item

func (h itemHeap) Len() int { return len(h) }
func (h itemHeap) Less(i, j int) bool {
	return cmp.Or(h[i].d.Due.Compare(h[j].d.Due), cmp.Compare(h[i].seq, h[j].seq)) < 0
}
func (h itemHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *itemHeap) Push(x any)   { *h = append(*h, x.(*item)) }
func (h *itemHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return it
}
