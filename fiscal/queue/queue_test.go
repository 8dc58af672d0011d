package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// kassa is a register that does as told, and prints a number once.
type kassa struct {
	mu        sync.Mutex
	submitted map[string]int // by the receipt's ID
	printed   map[string]int
	submit    func(n int, r fiscal.Receipt) error // nil: accepted
	look      func(n int, id string) (*fiscal.Document, error)
	looks     map[string]int
	callback  func(*http.Request) (*fiscal.Document, error)
	takes     time.Duration
}

func newKassa() *kassa {
	return &kassa{submitted: map[string]int{}, printed: map[string]int{}, looks: map[string]int{}}
}

func (k *kassa) Submit(ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
	if k.takes > 0 {
		select {
		case <-time.After(k.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.submitted[r.ID]++
	if k.submit != nil {
		if err := k.submit(k.submitted[r.ID], r); err != nil {
			return nil, err
		}
	}
	return &fiscal.Document{ID: "doc-" + r.ID, ReceiptID: r.ID, Status: fiscal.DocumentQueued, Existed: k.submitted[r.ID] > 1}, nil
}

func (k *kassa) GetDocument(ctx context.Context, id string) (*fiscal.Document, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looks[id]++
	if k.look != nil {
		if d, err := k.look(k.looks[id], id); d != nil || err != nil {
			return d, err
		}
	}
	receipt := strings.TrimPrefix(id, "doc-")
	k.printed[receipt] = 1
	return printedDocument(receipt), nil
}

func (k *kassa) VerifyCallback(_ context.Context, r *http.Request) (*fiscal.Document, error) {
	return k.callback(r)
}

func printedDocument(receipt string) *fiscal.Document {
	d := printedAs(nil)
	d.ID, d.ReceiptID = "doc-"+receipt, receipt
	return d
}

func quiet() Option { return Logger(slog.New(slog.NewTextHandler(io.Discard, nil))) }

func newQueue(t *testing.T, opts ...Option) (*Queue, *database) {
	t.Helper()
	pool, d := NewDatabase()
	t.Cleanup(func() { pool.Close() })
	q, err := New(pool, PostgreSQL, append([]Option{quiet()}, opts...)...)
	require.NoError(t, err)
	return q, d
}

// run runs the Queue for the time, on synctest's clock.
func run(t *testing.T, q *Queue, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	require.NoError(t, q.Run(ctx))
}

func get(t *testing.T, q *Queue, id string) *Item {
	t.Helper()
	it, err := q.Get(t.Context(), "kassa", id)
	require.NoError(t, err)
	return it
}

func TestNewRefuses(t *testing.T) {
	pool, _ := NewDatabase()
	defer pool.Close()
	for field, opts := range map[string][]Option{
		"Table":                            {Table("Receipts")},
		"Lease":                            {Lease(time.Minute)},
		"Register":                         {Register("kassa", nil)},
		"Every, Backoff, Timeout, Overdue": {Backoff(time.Hour, time.Minute)},
		"Parallel, Submissions":            {Parallel(-1)},
	} {
		_, err := New(pool, SQLite, opts...)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, field, e.Field)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	}
	_, err := New(nil, SQLite)
	assert.ErrorContains(t, err, "db is nil")
	_, err = New(pool, 0)
	assert.ErrorContains(t, err, "dialect")
	_, err = New(pool, MySQL, Register(" kassa", newKassa()))
	assert.ErrorContains(t, err, "spaces")
	q, err := New(pool, MySQL)
	require.NoError(t, err)
	assert.ErrorIs(t, q.Run(t.Context()), acquiring.ErrInvalid, "there is nothing to print with")
	assert.Panics(t, func() { q.Handler("kassa") })
}

func TestEnqueue(t *testing.T) {
	q, d := newQueue(t)
	ctx := t.Context()
	r := sale("R-1")
	r.Extra = map[string]string{"b": "2", "a": "1"}
	require.NoError(t, q.Enqueue(ctx, nil, "kassa", r))
	assert.True(t, r.SoldAt.IsZero(), "the caller's is not touched")
	require.NoError(t, q.Enqueue(ctx, nil, "kassa", r), "again")
	it := get(t, q, "R-1")
	assert.WithinDuration(t, time.Now(), it.Receipt.SoldAt, time.Minute)
	it.Receipt.SoldAt = time.Time{}
	assert.Equal(t, r, it.Receipt)
	r.Lines[0].Price++
	err := q.Enqueue(ctx, nil, "kassa", r)
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	assert.ErrorContains(t, err, `"R-1" is another receipt's`)
	require.NoError(t, q.Enqueue(ctx, nil, "other", r))
	assert.Len(t, d.rows, 2)

	for _, id := range []string{"", " R", "R\x00", "R\n", "R\xff", strings.Repeat("R", 129)} {
		assert.ErrorIs(t, q.Enqueue(ctx, nil, "kassa", sale(id)), acquiring.ErrInvalid, "%q", id)
		assert.ErrorIs(t, q.Enqueue(ctx, nil, id, sale("R-3")), acquiring.ErrInvalid, "%q", id)
	}
	large := sale("R-4")
	large.Lines[0].Name = strings.Repeat("x", maxReceipt)
	assert.ErrorIs(t, q.Enqueue(ctx, nil, "kassa", large), acquiring.ErrInvalid)

	// The answer is lost, or the database busy.
	d.fault = once("insert", io.ErrUnexpectedEOF)
	require.NoError(t, q.Enqueue(ctx, nil, "kassa", sale("R-6")))
	d.fault = nil
	get(t, q, "R-6")

	// In a transaction of the caller's.
	tx, err := q.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, q.Enqueue(ctx, tx, "kassa", sale("R-5")))
	require.NoError(t, tx.Rollback())
	_, err = q.Get(ctx, "kassa", "R-5")
	assert.ErrorIs(t, err, acquiring.ErrNotFound)

	fault := errors.New("no right")
	for _, statement := range []string{"insert", "digest"} {
		d.fault = func(name string) error {
			if name == statement {
				return fault
			}
			return nil
		}
		assert.ErrorIs(t, q.Enqueue(ctx, nil, "other", r), fault)
	}
}

// A hundred receipts, a register that loses answers, breaks and panics: each is
// printed once, and reported once.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKassa()
		k.submit = func(n int, r fiscal.Receipt) error {
			switch {
			case n == 1 && r.ID[len(r.ID)-1] == '3':
				return &acquiring.Error{Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown}
			case n == 1 && r.ID[len(r.ID)-1] == '7':
				panic("nil map")
			}
			return nil
		}
		k.look = func(n int, id string) (*fiscal.Document, error) {
			if n < 3 {
				return &fiscal.Document{ID: id, Status: fiscal.DocumentQueued}, nil
			}
			return nil, nil
		}
		var mu sync.Mutex
		ops := map[string]int{}
		q, d := newQueue(t, Register("kassa", k), Report(func(ctx context.Context, tx *sql.Tx, it Item) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO printed", it.Receipt.ID+" "+string(it.State))
			return err
		}), Observe(func(_ context.Context, o Observation) {
			mu.Lock()
			defer mu.Unlock()
			ops[o.Op]++
		}))
		defer q.db.Close()
		const receipts = 100
		for n := range receipts {
			require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale(fmt.Sprint("R-", n))))
		}
		run(t, q, 5*time.Minute)
		for n := range receipts {
			it := get(t, q, fmt.Sprint("R-", n))
			assert.Equal(t, Printed, it.State)
			assert.Empty(t, it.Attention)
			assert.Zero(t, it.NextAt)
		}
		assert.Len(t, k.printed, receipts)
		assert.Len(t, k.submitted, receipts, "no other ID")
		assert.Len(t, d.notes, receipts+10, "each printed once, and those whose client panicked needed attention before")
		assert.Equal(t, receipts+20, ops["submit"])
		assert.Equal(t, 3*receipts, ops["look"])
	})
}

// The register asks to wait: it is left alone as long.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKassa()
		var times []time.Duration
		start := time.Now()
		k.submit = func(int, fiscal.Receipt) error {
			times = append(times, time.Since(start))
			if len(times) == 1 {
				return &acquiring.Error{Kind: acquiring.ErrRateLimited, RetryAfter: time.Minute}
			}
			return nil
		}
		q, _ := newQueue(t, Register("kassa", k), Parallel(1))
		defer q.db.Close()
		for n := range 3 {
			require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale(fmt.Sprint("R-", n))))
		}
		run(t, q, 5*time.Minute)
		require.Len(t, times, 4)
		for _, at := range times[1:] {
			assert.GreaterOrEqual(t, at, time.Minute)
		}
	})
}

// However long it asks to wait: a receipt that is overdue is told of, and it is
// tried on.
func TestRetryAfterIsNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKassa()
		k.submit = func(n int, _ fiscal.Receipt) error {
			if n < 5 {
				return &acquiring.Error{Kind: acquiring.ErrUnavailable, RetryAfter: 10_000 * time.Hour}
			}
			return nil
		}
		var mu sync.Mutex
		var heard []string
		q, _ := newQueue(t, Register("kassa", k), Overdue(time.Hour), Report(func(_ context.Context, _ *sql.Tx, it Item) error {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, string(it.State)+it.Attention)
			return nil
		}))
		defer q.db.Close()
		require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
		require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-2")))
		run(t, q, 100*time.Minute)
		require.NotEmpty(t, heard)
		assert.Contains(t, heard[0], "not printed for 1h")
		run(t, q, 10*time.Hour)
		assert.Equal(t, Printed, get(t, q, "R-1").State)
		assert.Equal(t, Printed, get(t, q, "R-2").State)
	})
}

// A replica that was killed: another goes on when the lease is over, and what
// the first one still says does not count.
func TestLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKassa()
		q, d := newQueue(t, Register("kassa", k))
		defer q.db.Close()
		require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
		dead, err := q.store.claim(t.Context(), "kassa", "R-1", "dead", q.lease)
		require.NoError(t, err)
		require.NotNil(t, dead)
		second, err := q.store.claim(t.Context(), "kassa", "R-1", "second", q.lease)
		require.NoError(t, err)
		assert.Nil(t, second)
		run(t, q, q.lease-time.Second)
		assert.Empty(t, k.submitted, "it is the first one's")
		run(t, q, time.Minute)
		assert.Equal(t, Printed, get(t, q, "R-1").State)
		kept, err := q.store.save(t.Context(), dead, change{state: Failed, attention: "late"}, nil)
		require.NoError(t, err)
		assert.False(t, kept)
		assert.Equal(t, Printed, get(t, q, "R-1").State)
		assert.Equal(t, 3, d.claimed["R-1"])
	})
}

// A hook for metrics that panics harms nobody.
func TestObservePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := newQueue(t, Register("kassa", newKassa()), Observe(func(context.Context, Observation) { panic("no such label") }))
		defer q.db.Close()
		require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
		run(t, q, time.Minute)
		assert.Equal(t, Printed, get(t, q, "R-1").State)
	})
}

// Told to stop, Run finishes what it has begun, and begins nothing else.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKassa()
		k.takes = 10 * time.Second
		q, _ := newQueue(t, Register("kassa", k), Parallel(2))
		defer q.db.Close()
		for n := range 5 {
			require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale(fmt.Sprint("R-", n))))
		}
		start := time.Now()
		run(t, q, 3*time.Second)
		assert.Equal(t, 10*time.Second, time.Since(start))
		states := map[State]int{}
		for n := range 5 {
			states[get(t, q, fmt.Sprint("R-", n)).State]++
		}
		assert.Equal(t, map[State]int{Sent: 2, Queued: 3}, states)
	})
}

// A request that hangs is cut off within the lease.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKassa()
		k.takes = time.Hour
		q, _ := newQueue(t, Register("kassa", k), Timeout(10*time.Second))
		defer q.db.Close()
		require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
		run(t, q, 5*time.Second)
		it := get(t, q, "R-1")
		assert.Equal(t, Queued, it.State)
		assert.Contains(t, it.LastError, context.DeadlineExceeded.Error())
		assert.Equal(t, 1, it.Submissions)
	})
}

// One register is down; the other's receipts do not wait for it.
func TestRegistersApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down, up := newKassa(), newKassa()
		down.takes = time.Hour
		q, _ := newQueue(t, Register("down", down), Register("kassa", up))
		defer q.db.Close()
		for n := range 50 {
			require.NoError(t, q.Enqueue(t.Context(), nil, "down", sale(fmt.Sprint("R-", n))))
		}
		require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
		run(t, q, 10*time.Second)
		assert.Equal(t, Printed, get(t, q, "R-1").State)
	})
}

// Report fails, or the change cannot be stored: nothing is taken for printed,
// and the news comes again.
func TestReportFails(t *testing.T) {
	for name, broken := range map[string]func(d *database, heard int) error{
		"an error":        func(*database, int) error { return errors.New("the mail is full") },
		"a panic":         func(*database, int) error { panic("oops") },
		"lost COMMIT":     func(d *database, _ int) error { d.answer = io.ErrUnexpectedEOF; return nil },
		"refused COMMIT":  func(d *database, n int) error { d.fault = once("commit", errors.New("disk full")); return nil },
		"cut before save": func(d *database, n int) error { d.fault = once("commit", io.ErrUnexpectedEOF); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKassa()
				heard := 0
				var d *database
				var q *Queue
				q, d = newQueue(t, Register("kassa", k), Report(func(ctx context.Context, tx *sql.Tx, it Item) error {
					heard++
					assert.Equal(t, Printed, it.State)
					assert.NotNil(t, it.Document.Fiscal)
					if _, err := tx.ExecContext(ctx, "INSERT INTO printed", it.Receipt.ID); err != nil {
						return err
					}
					if heard == 1 {
						return broken(d, heard)
					}
					return nil
				}))
				defer q.db.Close()
				require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
				run(t, q, time.Minute)
				assert.Equal(t, Printed, get(t, q, "R-1").State)
				assert.Equal(t, []string{"R-1"}, d.notes, "what Report wrote is there once")
				assert.Equal(t, 1, k.submitted["R-1"])
				if name == "lost COMMIT" {
					assert.Equal(t, 1, heard)
				} else {
					assert.Equal(t, 2, heard)
				}
			})
		})
	}
}

// once breaks the statement once.
func once(statement string, err error) func(string) error {
	done := false
	return func(name string) error {
		if name != statement || done {
			return nil
		}
		done = true
		return err
	}
}

// The database goes away in the middle; Run goes on when it is back.
func TestDatabaseAway(t *testing.T) {
	for _, statement := range []string{"due", "claim", "get", "begin", "save"} {
		synctest.Test(t, func(t *testing.T) {
			k := newKassa()
			q, d := newQueue(t, Register("kassa", k))
			defer q.db.Close()
			require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
			back := time.Now().Add(30 * time.Second)
			d.fault = func(name string) error {
				if name == statement && time.Now().Before(back) {
					return io.ErrUnexpectedEOF
				}
				return nil
			}
			run(t, q, 10*time.Minute)
			assert.Equal(t, Printed, get(t, q, "R-1").State, statement)
			assert.Len(t, k.submitted, 1)
		})
	}
}

func TestAttention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKassa()
		k.submit = func(n int, r fiscal.Receipt) error {
			if r.ID == "R-1" && n == 1 {
				return acquiring.Invalid("items[0].vat", "is missing")
			}
			return nil
		}
		q, _ := newQueue(t, Register("kassa", k))
		defer q.db.Close()
		ctx := t.Context()
		for register, r := range map[string]fiscal.Receipt{"kassa": sale("R-1"), "nobody": sale("R-2")} {
			require.NoError(t, q.Enqueue(ctx, nil, register, r))
		}
		list := func() map[string]string {
			all := map[string]string{}
			for it, err := range q.NeedsAttention(ctx) {
				require.NoError(t, err)
				assert.False(t, it.AttentionAt.IsZero())
				all[it.Receipt.ID] = it.Attention
			}
			return all
		}
		run(t, q, time.Minute)
		assert.Equal(t, map[string]string{"R-1": "the receipt was refused: items[0].vat is missing"}, list())
		run(t, q, time.Hour)
		assert.Contains(t, list()["R-2"], "does one run that has the register nobody?")
		for range q.NeedsAttention(ctx) {
			break // it may be left at any time
		}
		counts, err := q.Counts(ctx)
		require.NoError(t, err)
		assert.ElementsMatch(t, []Count{{"kassa", Failed, 1, 1, time.Hour + time.Minute}, {"nobody", Queued, 1, 0, time.Hour + time.Minute}}, counts)

		require.NoError(t, q.Retry(ctx, "kassa", "R-1"))
		run(t, q, time.Minute)
		assert.Equal(t, Printed, get(t, q, "R-1").State)
		assert.Equal(t, 2, k.submitted["R-1"], "the same ID")
		assert.ErrorIs(t, q.Retry(ctx, "kassa", "R-1"), acquiring.ErrConflict)
		assert.ErrorIs(t, q.Retry(ctx, "kassa", "R-9"), acquiring.ErrNotFound)
		require.NoError(t, q.Resolve(ctx, "kassa", "R-1", "seen"))
		assert.Equal(t, Printed, get(t, q, "R-1").State)
		require.NoError(t, q.Resolve(ctx, "nobody", "R-2", "the shop is closed"))
		assert.Empty(t, list())
		n, err := q.Cleanup(ctx, MinimumAge)
		require.NoError(t, err)
		assert.Zero(t, n)
		time.Sleep(MinimumAge + time.Minute)
		n, err = q.Cleanup(ctx, MinimumAge)
		require.NoError(t, err)
		assert.EqualValues(t, 2, n)
		_, err = q.Cleanup(ctx, time.Hour)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	})
}

func TestDatabaseFails(t *testing.T) {
	q, d := newQueue(t, Register("kassa", newKassa()))
	ctx := t.Context()
	fault := errors.New("no right")
	require.NoError(t, q.Enqueue(ctx, nil, "kassa", sale("R-1")))
	d.fault = func(string) error { return fault }
	_, err := q.Counts(ctx)
	assert.ErrorIs(t, err, fault)
	_, err = q.Cleanup(ctx, MinimumAge)
	assert.ErrorIs(t, err, fault)
	assert.ErrorIs(t, q.Retry(ctx, "kassa", "R-1"), fault)
	assert.ErrorIs(t, q.Resolve(ctx, "kassa", "R-1", ""), fault)
	assert.ErrorIs(t, q.Migrate(ctx), fault)
	assert.ErrorIs(t, q.Update(ctx, "kassa", printedDocument("R-1")), fault)
	for it, err := range q.NeedsAttention(ctx) {
		assert.Nil(t, it)
		assert.ErrorIs(t, err, fault)
	}
	d.fault = func(name string) error {
		if name == "stuck" {
			return fault
		}
		return nil
	}
	for _, err := range q.NeedsAttention(ctx) {
		assert.ErrorIs(t, err, fault)
	}
	d.fault = nil
	d.rows[[2]string{"kassa", "R-1"}].receipt = "{"
	_, err = q.Get(ctx, "kassa", "R-1")
	assert.ErrorContains(t, err, "cannot be read")
	d.rows[[2]string{"kassa", "R-1"}].receipt, d.rows[[2]string{"kassa", "R-1"}].document = "{}", "{"
	_, err = q.Get(ctx, "kassa", "R-1")
	assert.ErrorContains(t, err, "cannot be read")
}

// Notifications: what is stored, what is passed over.
func TestUpdate(t *testing.T) {
	failed := &fiscal.Document{ID: "doc-R-1", ReceiptID: "R-1", Status: fiscal.DocumentFailed, Failure: &fiscal.DocumentFailure{Message: "нет бумаги"}}
	older := *failed
	older.ID = "doc-0"
	byID := printedDocument("R-1")
	byID.ReceiptID = ""
	for name, test := range map[string]struct {
		row   row
		d     *fiscal.Document
		want  State
		notes int
		err   error
	}{
		"printed":                     {row{state: "sent", documentID: "doc-R-1"}, printedDocument("R-1"), Printed, 1, nil},
		"by the document's number":    {row{state: "sent", documentID: "doc-R-1"}, byID, Printed, 1, nil},
		"before Submit has answered":  {row{state: "queued", lease: "x"}, printedDocument("R-1"), Printed, 1, nil},
		"failed":                      {row{state: "sent", documentID: "doc-R-1"}, failed, Failed, 1, nil},
		"failed, of another document": {row{state: "sent", documentID: "doc-R-1"}, &older, Sent, 0, nil},
		"printed after all":           {row{state: "failed", documentID: "doc-R-1"}, printedDocument("R-1"), Printed, 1, nil},
		"failed twice":                {row{state: "failed", documentID: "doc-R-1"}, failed, Failed, 0, nil},
		"failed after it is printed":  {row{state: "printed", documentID: "doc-R-1"}, failed, Printed, 0, nil},
		"queued":                      {row{state: "sent"}, &fiscal.Document{ID: "d", ReceiptID: "R-1", Status: fiscal.DocumentQueued}, Sent, 0, nil},
		"unknown receipt":             {row{state: "sent"}, printedDocument("R-9"), Sent, 0, acquiring.ErrNotFound},
		"without any number":          {row{state: "sent"}, &fiscal.Document{Status: fiscal.DocumentPrinted}, Sent, 0, acquiring.ErrInvalid},
		"nothing":                     {row{state: "sent"}, nil, Sent, 0, acquiring.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			q, d := newQueue(t, Report(func(ctx context.Context, tx *sql.Tx, it Item) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO printed", it.Receipt.ID)
				return err
			}))
			require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
			r := d.rows[[2]string{"kassa", "R-1"}]
			r.state, r.documentID, r.lease = test.row.state, test.row.documentID, test.row.lease
			for range 2 {
				err := q.Update(t.Context(), "kassa", test.d)
				if test.err != nil {
					assert.ErrorIs(t, err, test.err)
				} else {
					assert.NoError(t, err)
				}
			}
			assert.Equal(t, test.want, get(t, q, "R-1").State)
			assert.Len(t, d.notes, test.notes)
			if test.notes > 0 {
				assert.Empty(t, r.lease, "whoever works at it is overtaken")
			}
		})
	}
}

// A replica stores something between the reading and the storing of a
// notification.
func TestUpdateOvertaken(t *testing.T) {
	q, d := newQueue(t)
	require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
	n := 0
	d.before = func(name string, _ [2]string, r *row) {
		if name == "saveByState" {
			if n++; n == 1 {
				r.state = "sent"
			}
		}
	}
	require.NoError(t, q.Update(t.Context(), "kassa", printedDocument("R-1")))
	assert.Equal(t, Printed, get(t, q, "R-1").State)
	assert.Equal(t, 2, n)

	require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-2")))
	d.before = func(name string, _ [2]string, r *row) {
		if name == "saveByState" {
			r.state = map[string]string{"queued": "sent", "sent": "queued"}[r.state]
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, q.Update(ctx, "kassa", printedDocument("R-2")), context.DeadlineExceeded)
}

func TestHandler(t *testing.T) {
	k := newKassa()
	q, d := newQueue(t, Register("kassa", k))
	require.NoError(t, q.Enqueue(t.Context(), nil, "kassa", sale("R-1")))
	h := q.Handler("kassa")
	for _, test := range []struct {
		d     *fiscal.Document
		err   error
		fault error
		code  int
	}{
		{err: &acquiring.Error{Kind: acquiring.ErrSignature}, code: 403},
		{err: acquiring.Invalid("body", "is empty"), code: 400},
		{err: &acquiring.Error{Kind: acquiring.ErrUnavailable}, code: 503},
		{err: errors.New("what"), code: 500},
		{d: printedDocument("R-1"), fault: errors.New("no right"), code: 500},
		{d: printedDocument("R-9"), code: 200},
		{d: printedDocument("R-1"), code: 200},
		{d: printedDocument("R-1"), code: 200},
	} {
		k.callback = func(*http.Request) (*fiscal.Document, error) { return test.d, test.err }
		d.fault = func(string) error { return test.fault }
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		assert.Equal(t, test.code, w.Code)
		assert.Empty(t, w.Body.String())
	}
	d.fault = nil
	k.callback = func(*http.Request) (*fiscal.Document, error) { panic("oops") }
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	assert.Equal(t, 500, w.Code)
	assert.Equal(t, Printed, get(t, q, "R-1").State)
}

func TestSchema(t *testing.T) {
	assert.Contains(t, Schema(PostgreSQL), `CREATE INDEX IF NOT EXISTS "acquiring_receipts_next" ON "acquiring_receipts" (register_name, next_at);`)
	assert.Contains(t, Schema(MySQL), "INDEX `acquiring_receipts_next` (register_name, next_at)")
	assert.Contains(t, Schema(MySQL), "ENGINE=InnoDB")
	assert.NotContains(t, Schema(SQLite), "ENGINE")
	q, _ := newQueue(t, Table("pay.receipts"))
	assert.Contains(t, q.Schema(), `CREATE TABLE IF NOT EXISTS "pay"."receipts"`)
	assert.Contains(t, q.Schema(), `CREATE INDEX IF NOT EXISTS "receipts_next" ON "pay"."receipts"`)
	require.NoError(t, q.Migrate(t.Context()))
	assert.Contains(t, script(statements(SQLite, "pay.receipts")), `CREATE INDEX IF NOT EXISTS "pay"."receipts_next" ON "receipts"`)
	assert.Contains(t, newQueries(MySQL, "r").digest, "LOCK IN SHARE MODE")
	assert.Contains(t, newQueries(PostgreSQL, "r").clean, "FOR UPDATE SKIP LOCKED)")
	assert.NotContains(t, newQueries(PostgreSQL, "r").save, "?")
}
