package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/bridgetest"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
)

// desk is an outbox with a clock that is moved by hand. It is tested here
// because the library's own module has no database driver.
type desk struct {
	t    *testing.T
	db   *sql.DB
	kind outbox.Dialect
	mu   sync.Mutex
	now  time.Time
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// replica is a program of its own on the same tables.
func (d *desk) replica() *outbox.Outbox {
	d.t.Helper()
	o, err := outbox.New(d.db, d.kind, outbox.Options{Now: d.clock})
	require.NoError(d.t, err)
	require.NoError(d.t, o.Migrate(context.Background()))
	return o
}

func (d *desk) put(o *outbox.Outbox, m outbox.Message) {
	d.t.Helper()
	tx, err := d.db.Begin()
	require.NoError(d.t, err)
	require.NoError(d.t, o.Put(context.Background(), tx, m))
	require.NoError(d.t, tx.Commit())
}

func over(t *testing.T, test func(t *testing.T, d *desk)) {
	for name, dsn := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "outbox.db") },
		"PostgreSQL": bridgetest.PostgreSQL,
	} {
		t.Run(name, func(t *testing.T) {
			db, kind, err := bridge.OpenDatabase(dsn(t))
			require.NoError(t, err)
			t.Cleanup(func() { _ = db.Close() })
			test(t, &desk{t: t, db: db, kind: kind, now: time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)})
		})
	}
}

// TestOutboxOrder: one key once; the items of a subject in their order, and
// what waits for a person holds back its own subject only.
func TestOutboxOrder(t *testing.T) {
	over(t, func(t *testing.T, d *desk) {
		o := d.replica()
		for _, m := range []outbox.Message{{Key: "a1", Subject: "a"}, {Key: "a2", Subject: "a"}, {Key: "b1", Subject: "b"}, {Key: "a1", Subject: "a"}, {Key: "c1", Attention: "look"}} {
			m.Lane, m.Payload = "crm", []byte(m.Key)
			d.put(o, m)
		}
		var told []string
		stuck := true
		deliver := func(_ context.Context, it outbox.Item) (string, error) {
			if it.Key == "a1" && stuck {
				return "", outbox.NeedsPerson(errors.New("whose is it?"))
			}
			told = append(told, string(it.Payload))
			return "no. " + it.Key, nil
		}
		all := func() {
			for {
				more, err := o.Work(context.Background(), "crm", deliver)
				require.NoError(t, err)
				if !more {
					return
				}
			}
		}
		all()
		assert.Equal(t, []string{"b1"}, told)
		stuck = false
		require.NoError(t, o.Retry(context.Background(), "crm", "a1", []byte("a1, owned")))
		all()
		assert.Equal(t, []string{"b1", "a1, owned", "a2"}, told)
		require.NoError(t, o.Resolve(context.Background(), "crm", "c1", "by hand"))
		it, err := o.Get(context.Background(), "crm", "a2")
		require.NoError(t, err)
		assert.Equal(t, "no. a2", it.Result)
		assert.Equal(t, outbox.Done, it.State)
		require.ErrorIs(t, o.Retry(context.Background(), "crm", "a2", nil), acquiring.ErrConflict)
		require.ErrorIs(t, o.Resolve(context.Background(), "crm", "zzz", ""), acquiring.ErrNotFound)
		n, err := o.Count(context.Background(), "crm")
		require.NoError(t, err)
		assert.Equal(t, map[outbox.State]int{outbox.Done: 4}, n)
	})
}

// TestOutboxOneProgramAtATime: a lane is one program's, until its lease ends;
// what that one had begun is uncertain to the next.
func TestOutboxOneProgramAtATime(t *testing.T) {
	over(t, func(t *testing.T, d *desk) {
		first, second := d.replica(), d.replica()
		d.put(first, outbox.Message{Lane: "crm", Key: "k"})
		// The first one takes the lane, and is at its item for ever.
		begun, end := make(chan bool), make(chan bool)
		var work sync.WaitGroup
		work.Go(func() {
			_, err := first.Work(context.Background(), "crm", func(context.Context, outbox.Item) (string, error) {
				close(begun)
				<-end
				return "", errors.New("too late")
			})
			assert.NoError(t, err)
		})
		<-begun
		nothing := func(context.Context, outbox.Item) (string, error) { t.Error("told"); return "", nil }
		more, err := second.Work(context.Background(), "crm", nothing)
		require.NoError(t, err)
		assert.False(t, more, "the lane is the first one's")
		d.advance(outbox.DefaultLease)
		more, err = second.Work(context.Background(), "crm", func(_ context.Context, it outbox.Item) (string, error) {
			assert.True(t, it.Uncertain)
			assert.Equal(t, 2, it.Attempts)
			return "done", nil
		})
		require.NoError(t, err)
		assert.True(t, more)
		close(end)
		work.Wait()
		it, err := second.Get(context.Background(), "crm", "k")
		require.NoError(t, err)
		assert.Equal(t, outbox.Done, it.State, "the late end of the first changes nothing")
	})
}

// TestOutboxUncertain: what may have been carried out rests before it is looked
// for, and is marked so; what surely was not is not.
func TestOutboxUncertain(t *testing.T) {
	over(t, func(t *testing.T, d *desk) {
		o := d.replica()
		d.put(o, outbox.Message{Lane: "crm", Key: "k"})
		answer := func(outcome acquiring.Outcome, kind error) error {
			return &acquiring.Error{Kind: kind, Outcome: outcome}
		}
		var seen []bool
		for _, fail := range []error{answer(acquiring.OutcomeNotSent, acquiring.ErrUnavailable), answer(acquiring.OutcomeUnknown, acquiring.ErrUnavailable), errors.New("whatever"), nil} {
			more, err := o.Work(context.Background(), "crm", func(_ context.Context, it outbox.Item) (string, error) {
				seen = append(seen, it.Uncertain)
				return "", fail
			})
			require.NoError(t, err)
			require.True(t, more)
			again, err := o.Work(context.Background(), "crm", func(context.Context, outbox.Item) (string, error) { t.Error("at once"); return "", nil })
			require.NoError(t, err)
			assert.False(t, again)
			d.advance(11 * time.Minute)
		}
		assert.Equal(t, []bool{false, false, true, true}, seen)
		// A panic of the function is its error.
		d.put(o, outbox.Message{Lane: "crm", Key: "p"})
		_, err := o.Work(context.Background(), "crm", func(context.Context, outbox.Item) (string, error) { panic("nil map") })
		require.NoError(t, err)
		it, err := o.Get(context.Background(), "crm", "p")
		require.NoError(t, err)
		assert.Contains(t, it.LastError, "nil map")
		assert.True(t, it.Uncertain)
	})
}
