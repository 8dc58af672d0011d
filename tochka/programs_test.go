package tochka

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// meeting is a Ledger whose first two readers see the same: neither goes on
// before the other has read.
type meeting struct {
	Ledger
	mu      sync.Mutex
	readers int
	both    chan struct{}
}

func (m *meeting) OfPayment(ctx context.Context, shop, kind, payment string) ([]LedgerEntry, error) {
	all, err := m.Ledger.OfPayment(ctx, shop, kind, payment)
	m.mu.Lock()
	m.readers++
	switch {
	case m.readers == 2:
		close(m.both)
	case m.readers > 2:
		m.mu.Unlock()
		return all, err
	}
	m.mu.Unlock()
	<-m.both
	return all, err
}

// A program died in the middle of a refund, and two others find its entry in
// the ledger at the same moment: one of them takes it over.
func TestCrashedRefundIsTakenOverByOneProgram(t *testing.T) {
	shared := NewMemoryLedger(0)
	b := newTill(t)
	b.fault = []string{"drop"}
	_, err := b.client(func(c *Config) { c.Ledger = shared }).Refund(t.Context(), back("k", 30000))
	require.Error(t, err)

	later := time.Now().Add(otherBusy)
	ledger := &meeting{Ledger: shared, both: make(chan struct{})}
	results := make([]error, 2)
	var wg sync.WaitGroup
	for i := range results {
		c := b.client(func(c *Config) { c.Ledger = ledger })
		c.now = func() time.Time { return later }
		wg.Go(func() { _, results[i] = c.Refund(context.Background(), back("k", 30000)) })
	}
	wg.Wait()
	b.see(1, 30000)
	for _, err := range results {
		assert.True(t, err == nil || unsure(err), err)
	}

	// Whoever took it over and died too is taken over in his turn.
	b = newTill(t)
	b.fault = []string{"drop", "drop", "drop"}
	shared = NewMemoryLedger(0)
	for i := range 4 {
		c := b.client(func(c *Config) { c.Ledger = shared })
		c.now = func() time.Time { return later.Add(time.Duration(i) * otherBusy) }
		_, err = c.Refund(t.Context(), back("k", 30000))
		assert.Equal(t, i < 3, unsure(err), "%d: %v", i, err)
	}
	b.see(1, 30000)
}

// A key that another program works on, or worked on until it died, has an
// unknown outcome: "rejected" would let the shop refund under another key.
func TestBusyKeyIsNotARefusal(t *testing.T) {
	shared := NewMemoryLedger(0)
	b := newTill(t)
	b.fault = []string{"blind"} // the money went back, and nobody knows
	with := func(c *Config) { c.Ledger = shared }
	_, err := b.client(with).Refund(t.Context(), back("k", 30000))
	require.True(t, unsure(err), err)
	b.mu.Lock()
	b.blind = false
	b.mu.Unlock()
	restarted := b.client(with)
	_, err = restarted.Refund(t.Context(), back("k", 30000))
	require.ErrorIs(t, err, acquiring.ErrConflict)
	assert.Equal(t, acquiring.OutcomeUnknown, asError(t, err).Outcome)
	restarted.now = func() time.Time { return time.Now().Add(otherBusy) }
	r, err := restarted.Refund(t.Context(), back("k", 30000))
	require.NoError(t, err)
	assert.Equal(t, "101", r.ID)
	b.see(1, 30000)
}

// beginning is a Ledger that does something once an entry with the key began.
type beginning struct {
	Ledger
	key  string
	then func()
}

func (l *beginning) Begin(ctx context.Context, e LedgerEntry) (*LedgerEntry, error) {
	old, err := l.Ledger.Begin(ctx, e)
	if e.Key == l.key && old == nil {
		l.then()
	}
	return old, err
}

// Two programs give the same sum back under two keys. The movement of the one
// that is answered late is not taken for that of the one that never arrived.
func TestTwinRefundsOfTwoProgramsAreToldApart(t *testing.T) {
	shared := NewMemoryLedger(0)
	b := newTill(t)
	b.fault, b.slow = []string{"slow", "drop"}, 400*time.Millisecond
	one := b.client(func(c *Config) { c.Ledger = shared })
	var wg sync.WaitGroup
	ledger := &beginning{Ledger: shared, key: "k2", then: func() {
		wg.Go(func() {
			r, err := one.Refund(context.Background(), back("k1", 30000))
			if assert.NoError(t, err) {
				assert.Equal(t, "101", r.ID)
			}
		})
		require.Eventually(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.deeds == 1 }, 5*time.Second, time.Millisecond)
	}}
	two := b.client(func(c *Config) { c.Ledger = ledger })
	_, err := two.Refund(t.Context(), back("k2", 30000))
	assert.True(t, unsure(err), "the movement may be the other program's: %v", err)
	wg.Wait()
	r, err := two.Refund(t.Context(), back("k2", 30000))
	require.NoError(t, err)
	assert.Equal(t, "102", r.ID)
	b.see(2, 60000)
}

// What is left cannot be said while a refund runs that the movements do not
// show yet: all that is left would be too much.
func TestRestIsNotRefundedWhileARefundRuns(t *testing.T) {
	b := newTill(t)
	b.onRefund = true
	c := b.client()
	_, err := c.Refund(t.Context(), back("rest", 0))
	require.ErrorIs(t, err, acquiring.ErrConflict)
	assert.Equal(t, acquiring.OutcomeRejected, asError(t, err).Outcome, "nothing was sent")
	b.see(0, 0)
	b.mu.Lock()
	b.onRefund, b.refunded = false, 40000
	b.orders = append(b.orders, movement("55", "refund", "400", "2026-11-02T09:20:00+03:00"))
	b.mu.Unlock()
	r, err := c.Refund(t.Context(), back("rest", 0))
	require.NoError(t, err)
	assert.Equal(t, b.amount-40000, r.Amount)
}

// An SBP refund that another program works on was not lost: nobody is sent to
// look for it in the internet bank.
func TestBusySBPRefundIsNotLost(t *testing.T) {
	shared := NewMemoryLedger(0)
	b := newBank(t)
	c := b.client(func(c *Config) { c.Ledger = shared })
	entry := LedgerEntry{Kind: LedgerRefund, Payment: qrID, Key: "k", Amount: 100, Owner: "other", At: time.Now()}
	_, err := shared.Begin(t.Context(), entry)
	require.NoError(t, err)
	r := acquiring.RefundRequest{ID: qrID, Key: "k", Amount: 100}
	_, err = c.Refund(t.Context(), r)
	require.ErrorIs(t, err, acquiring.ErrConflict)
	assert.Contains(t, asError(t, err).Hint, "same key")
	assert.True(t, unsure(err))
	c.now = func() time.Time { return time.Now().Add(otherBusy) }
	_, err = c.Refund(t.Context(), r)
	assert.Contains(t, asError(t, err).Hint, "internet bank")
	assert.Empty(t, b.all())
}

// taking is a Ledger that does something before an entry is marked as taken
// over, or before it is saved, the first time.
type taking struct {
	Ledger
	mark, save func()
}

func (l *taking) Begin(ctx context.Context, e LedgerEntry) (*LedgerEntry, error) {
	if do := l.mark; do != nil && e.Kind == ledgerTakeover {
		l.mark = nil
		do()
	}
	return l.Ledger.Begin(ctx, e)
}

func (l *taking) Save(ctx context.Context, e LedgerEntry) error {
	if do := l.save; do != nil {
		l.save = nil
		do()
	}
	return l.Ledger.Save(ctx, e)
}

// Whoever comes while another takes a crashed refund over, or after it was taken
// over and done since he looked, leaves it alone.
func TestTakeoverIsLeftToWhoWasFirst(t *testing.T) {
	for name, hook := range map[string]func(l *taking, other func()){
		"it is being taken over": func(l *taking, other func()) { l.save = other },
		"it was done meanwhile":  func(l *taking, other func()) { l.mark = other },
	} {
		t.Run(name, func(t *testing.T) {
			shared := NewMemoryLedger(0)
			b := newTill(t)
			b.fault = []string{"drop"}
			_, err := b.client(func(c *Config) { c.Ledger = shared }).Refund(t.Context(), back("k", 30000))
			require.Error(t, err)

			ledger := &taking{Ledger: shared}
			now := time.Now().Add(otherBusy)
			first, second := b.client(func(c *Config) { c.Ledger = ledger }), b.client(func(c *Config) { c.Ledger = shared })
			first.now = func() time.Time { return now }
			second.now = first.now
			var inside error
			hook(ledger, func() {
				_, inside = second.Refund(context.Background(), back("k", 30000))
				now = now.Add(otherBusy)
			})
			_, err = first.Refund(t.Context(), back("k", 30000))
			if inside == nil {
				inside, err = err, inside
			}
			require.NoError(t, err)
			require.ErrorIs(t, inside, acquiring.ErrConflict)
			assert.True(t, unsure(inside), inside)
			b.see(1, 30000)
		})
	}
}
