package webhook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"sync"
)

// Inbox remembers what was processed.
//
// Once runs process and marks the key done if it returned nil; for a key that
// is done already it returns nil and runs nothing. An error of process is
// returned, the key stays free, and the next call runs process again. Of
// several calls with one key at the same time only one runs process; the
// others wait for its end, or return an error that is [ErrInFlight]. process
// gets a context derived from ctx, and may be run again by an Inbox that
// retries its transaction: what it did in the first one is then undone.
//
// An Inbox is safe for concurrent use. It need not recover panics: process,
// as Handler and Poller hand it in, has none.
type Inbox interface {
	Once(ctx context.Context, key string, process func(ctx context.Context) error) error
}

// ErrInFlight says that the same news is being processed just now, and its end
// was not waited for: the provider is told to send it again.
var ErrInFlight = errors.New("the same news is being processed")

// DefaultMemory is how many keys a memory Inbox keeps unless told otherwise.
const DefaultMemory = 100_000

// NewMemoryInbox remembers the last limit keys in memory (0: [DefaultMemory],
// some 6 MB when full): enough for one process whose own work is indifferent
// to a repetition after a restart (see the package's page). The key that was
// asked for longest ago is forgotten first; one that is being processed, never.
// A second call with a key that is being processed waits while its context
// lasts, and runs process itself if the first one failed.
func NewMemoryInbox(limit int) Inbox {
	if limit <= 0 {
		limit = DefaultMemory
	}
	return &memoryInbox{limit: min(limit, math.MaxInt32>>1), places: map[digest]int32{}, ring: make([]memory, 1), waited: map[int32]chan struct{}{}}
}

type memoryInbox struct {
	limit int

	mu sync.Mutex
	// Keys are kept without a pointer in them, so that the garbage collector
	// has nothing to look through.
	places map[digest]int32 // in ring, of what is done or being processed
	ring   []memory         // the first is where the ring begins: older is the newest of all, newer the oldest
	done   int              // how many are in the ring
	free   int32            // the first of the free places, linked by newer; 0: none
	waited map[int32]chan struct{}
}

// digest stands for a key: 128 bits of its SHA-256.
type digest [16]byte

// memory is a key: one that is done, between its neighbours in the ring, or
// one that is being processed.
type memory struct {
	key          digest
	older, newer int32
}

// running stands in the newer of a key that is being processed.
const running = -1

func (m *memoryInbox) Once(ctx context.Context, key string, process func(ctx context.Context) error) error {
	sum := sha256.Sum256([]byte(key))
	d := digest(sum[:16])
	for {
		m.mu.Lock()
		at, known := m.places[d]
		switch {
		case !known:
			at = m.begin(d)
			m.mu.Unlock()
			return m.run(ctx, at, process)
		case m.ring[at].newer != running:
			m.unlink(at)
			m.link(at)
			m.mu.Unlock()
			return nil
		}
		end := m.waited[at]
		if end == nil {
			end = make(chan struct{})
			m.waited[at] = end
		}
		m.mu.Unlock()
		select {
		case <-end:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrInFlight, context.Cause(ctx))
		}
	}
}

// begin finds a place for a key that is to be processed.
func (m *memoryInbox) begin(d digest) int32 {
	at := m.free
	if at != 0 {
		m.free = m.ring[at].newer
	} else {
		at = int32(len(m.ring))
		m.ring = append(m.ring, memory{})
	}
	m.ring[at] = memory{key: d, newer: running}
	m.places[d] = at
	return at
}

// run frees the key in any event, also when process panics or ends the
// goroutine.
func (m *memoryInbox) run(ctx context.Context, at int32, process func(ctx context.Context) error) error {
	succeeded := false
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.waited) > 0 {
			if end, waited := m.waited[at]; waited {
				close(end)
				delete(m.waited, at)
			}
		}
		if !succeeded {
			m.forget(at)
			return
		}
		m.link(at)
		if m.done++; m.done > m.limit {
			oldest := m.ring[0].newer
			m.unlink(oldest)
			m.forget(oldest)
			m.done--
		}
	}()
	err := process(ctx)
	succeeded = err == nil
	return err
}

// forget frees a place that is not in the ring.
func (m *memoryInbox) forget(at int32) {
	delete(m.places, m.ring[at].key)
	m.ring[at] = memory{newer: m.free}
	m.free = at
}

// link makes the key the newest.
func (m *memoryInbox) link(at int32) {
	older := m.ring[0].older
	m.ring[at].newer, m.ring[at].older = 0, older
	m.ring[older].newer, m.ring[0].older = at, at
}

func (m *memoryInbox) unlink(at int32) {
	k := m.ring[at]
	m.ring[k.newer].older, m.ring[k.older].newer = k.older, k.newer
}
