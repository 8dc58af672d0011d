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
	return &memoryInbox{limit: min(limit, math.MaxInt32-1), done: map[digest]int32{}, running: map[digest]*flight{}, ring: make([]memory, 1)}
}

type memoryInbox struct {
	limit int

	mu      sync.Mutex
	running map[digest]*flight
	// What is done is kept without a pointer in it, so that the garbage
	// collector has nothing to look through.
	done map[digest]int32 // places in ring
	ring []memory         // the first is where the ring begins: older is the newest of all, newer the oldest
}

// digest stands for a key: 128 bits of its SHA-256.
type digest [16]byte

// memory is a key that is done, between its neighbours in the ring.
type memory struct {
	key          digest
	older, newer int32
}

// flight is a key that is being processed.
type flight struct {
	end chan struct{} // closed at the end; made by the first who waits for it
}

func (m *memoryInbox) Once(ctx context.Context, key string, process func(ctx context.Context) error) error {
	sum := sha256.Sum256([]byte(key))
	d := digest(sum[:16])
	for {
		m.mu.Lock()
		if at, ok := m.done[d]; ok {
			m.unlink(at)
			m.link(at)
			m.mu.Unlock()
			return nil
		}
		f := m.running[d]
		if f == nil {
			f = &flight{}
			m.running[d] = f
			m.mu.Unlock()
			return m.run(ctx, d, f, process)
		}
		if f.end == nil {
			f.end = make(chan struct{})
		}
		end := f.end
		m.mu.Unlock()
		select {
		case <-end:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrInFlight, context.Cause(ctx))
		}
	}
}

// run frees the key in any event, also when process panics or ends the
// goroutine.
func (m *memoryInbox) run(ctx context.Context, d digest, f *flight, process func(ctx context.Context) error) error {
	succeeded := false
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.running, d)
		if f.end != nil {
			close(f.end)
		}
		if succeeded {
			m.remember(d)
		}
	}()
	err := process(ctx)
	succeeded = err == nil
	return err
}

// remember puts the key in the place of the oldest one when all are taken.
func (m *memoryInbox) remember(d digest) {
	at := int32(len(m.ring))
	if len(m.done) < m.limit {
		m.ring = append(m.ring, memory{})
	} else {
		at = m.ring[0].newer
		m.unlink(at)
		delete(m.done, m.ring[at].key)
	}
	m.ring[at].key = d
	m.link(at)
	m.done[d] = at
}

func (m *memoryInbox) link(at int32) {
	older := m.ring[0].older
	m.ring[at].newer, m.ring[at].older = 0, older
	m.ring[older].newer, m.ring[0].older = at, at
}

func (m *memoryInbox) unlink(at int32) {
	k := m.ring[at]
	m.ring[k.newer].older, m.ring[k.older].newer = k.older, k.newer
}
