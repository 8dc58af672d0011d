package sqlinbox_test

import (
	"context"
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
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

var dialects = []sqlinbox.Dialect{sqlinbox.PostgreSQL, sqlinbox.MySQL, sqlinbox.SQLite}

// made is an Inbox over a fake database, and what it observed last.
type made struct {
	*sqlinbox.Inbox
	db   *database
	mu   sync.Mutex
	last sqlinbox.Observation
	ran  int
}

func make1(t *testing.T, dialect sqlinbox.Dialect, opts ...sqlinbox.Option) *made {
	t.Helper()
	m := &made{db: newDatabase()}
	if dialect == sqlinbox.PostgreSQL {
		m.db.dialect = "postgres"
	}
	pool := m.db.pool()
	t.Cleanup(func() { pool.Close() })
	opts = append([]sqlinbox.Option{sqlinbox.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))),
		sqlinbox.Observe(func(_ context.Context, o sqlinbox.Observation) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.last = o
		})}, opts...)
	var err error
	m.Inbox, err = sqlinbox.New(pool, dialect, opts...)
	require.NoError(t, err)
	return m
}

// credit is process.
func (m *made) credit(ctx context.Context) error {
	m.ran++
	_, err := sqlinbox.Tx(ctx).ExecContext(ctx, "INSERT INTO ledger", "a")
	return err
}

func TestNewRefuses(t *testing.T) {
	pool := newDatabase().pool()
	defer pool.Close()
	for field, made := range map[string]func() (*sqlinbox.Inbox, error){
		"db":      func() (*sqlinbox.Inbox, error) { return sqlinbox.New(nil, sqlinbox.SQLite) },
		"dialect": func() (*sqlinbox.Inbox, error) { return sqlinbox.New(pool, 0) },
		"Table": func() (*sqlinbox.Inbox, error) {
			return sqlinbox.New(pool, sqlinbox.MySQL, sqlinbox.Table("x; DROP TABLE y"))
		},
	} {
		_, err := made()
		var e *acquiring.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, field, e.Field)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	}
}

// What the database does before, while and after process runs, and what
// becomes of the call.
func TestWhatBreaks(t *testing.T) {
	boom := errors.New("no stock")
	for name, test := range map[string]struct {
		dialects []sqlinbox.Dialect // nil: all
		prepare  func(m *made)
		opts     []sqlinbox.Option
		process  func(m *made, ctx context.Context) error
		outcome  sqlinbox.Outcome
		runs     int
		credits  int
		err      error // in the chain
		text     string
	}{
		"nothing":          {outcome: sqlinbox.Done, runs: 1, credits: 1},
		"done before":      {prepare: func(m *made) { m.db.marks["a"] = true }, outcome: sqlinbox.Duplicate},
		"process fails":    {process: func(m *made, ctx context.Context) error { return errors.Join(m.credit(ctx), boom) }, outcome: sqlinbox.Failed, runs: 1, err: boom},
		"no table":         {prepare: func(m *made) { m.db.fault = times(9, "mark", errNoTable) }, outcome: sqlinbox.Failed, err: errNoTable, text: "writing the mark"},
		"server away":      {prepare: func(m *made) { m.db.fault = times(1000, "connect", errReset) }, outcome: sqlinbox.Failed, err: errReset},
		"stale connection": {prepare: func(m *made) { m.db.fault = times(1, "begin", errReset) }, outcome: sqlinbox.Done, runs: 1, credits: 1},
		"cut at the mark":  {prepare: func(m *made) { m.db.fault = times(2, "mark", errReset) }, outcome: sqlinbox.Done, runs: 1, credits: 1},
		"deadlock at the mark": {dialects: dialects[1:2], prepare: func(m *made) { m.db.fault = times(2, "mark", errMySQLDead) },
			outcome: sqlinbox.Done, runs: 1, credits: 1},
		"busy": {dialects: dialects[2:], prepare: func(m *made) { m.db.fault = times(3, "mark", errSQLiteBusy) }, outcome: sqlinbox.Done, runs: 1, credits: 1},
		"busy for long": {dialects: dialects[2:], prepare: func(m *made) { m.db.fault = times(1000, "begin", errSQLiteBusy) }, outcome: sqlinbox.InFlight,
			err: webhook.ErrInFlight, text: "busy"},
		"deadlock in process": {dialects: dialects[:1], prepare: func(m *made) { m.db.fault = times(2, "INSERT INTO ledger", errDeadlock) },
			outcome: sqlinbox.Done, runs: 3, credits: 1},
		"deadlock for ever": {dialects: dialects[:1], prepare: func(m *made) { m.db.fault = times(99, "INSERT INTO ledger", errDeadlock) },
			outcome: sqlinbox.Failed, runs: sqlinbox.DefaultRuns, err: errDeadlock},
		"process may run twice": {dialects: dialects[:1], prepare: func(m *made) { m.db.fault = times(99, "INSERT INTO ledger", errDeadlock) },
			opts: []sqlinbox.Option{sqlinbox.Runs(2)}, outcome: sqlinbox.Failed, runs: 2, err: errDeadlock},
		"cut in process": {prepare: func(m *made) { m.db.fault = times(1, "INSERT INTO ledger", errReset) }, outcome: sqlinbox.Failed, runs: 1, err: errReset},
		"serialization at COMMIT": {dialects: dialects[:1], prepare: func(m *made) { m.db.fault = times(2, "commit", pgError("40001")) },
			outcome: sqlinbox.Done, runs: 3, credits: 1},
		"COMMIT done, answer lost": {prepare: func(m *made) { m.db.commits = []commitFault{{errReset, true}} }, outcome: sqlinbox.Done, runs: 1, credits: 1},
		"COMMIT not done, answer lost": {prepare: func(m *made) { m.db.commits = []commitFault{{errReset, false}} },
			outcome: sqlinbox.Done, runs: 2, credits: 1},
		"COMMIT lost, then process fails": {prepare: func(m *made) { m.db.commits = []commitFault{{errReset, false}} },
			process: func(m *made, ctx context.Context) error {
				if err := m.credit(ctx); err != nil || m.ran == 1 {
					return err
				}
				return boom
			}, outcome: sqlinbox.Failed, runs: 2, err: boom},
		"COMMIT done, and never found out": {dialects: dialects[:1], prepare: func(m *made) {
			m.db.commits = []commitFault{{errReset, true}}
			lost := false
			m.db.fault = func(what string) error {
				lost = lost || what == "commit"
				if lost && what != "commit" {
					return errReset
				}
				return nil
			}
		}, outcome: sqlinbox.Failed, runs: 1, credits: 1, err: errReset, text: "not known yet"},
		"one run, COMMIT done": {opts: []sqlinbox.Option{sqlinbox.Runs(1)}, prepare: func(m *made) { m.db.commits = []commitFault{{errReset, true}} },
			outcome: sqlinbox.Done, runs: 1, credits: 1},
		"one run, COMMIT not done": {opts: []sqlinbox.Option{sqlinbox.Runs(1)}, prepare: func(m *made) { m.db.commits = []commitFault{{errReset, false}} },
			outcome: sqlinbox.Failed, runs: 1, err: errReset, text: "not known yet"},
		"process rolls back": {process: func(m *made, ctx context.Context) error {
			return errors.Join(m.credit(ctx), sqlinbox.Tx(ctx).Rollback())
		},
			outcome: sqlinbox.Failed, runs: 1, text: "not its own"},
		"process commits": {process: func(m *made, ctx context.Context) error { return errors.Join(m.credit(ctx), sqlinbox.Tx(ctx).Commit()) },
			outcome: sqlinbox.Done, runs: 1, credits: 1},
		"the transaction is lost under process": {dialects: dialects[1:2], prepare: func(m *made) { m.db.sabotage = true }, outcome: sqlinbox.Failed, runs: 1,
			text: "was ended while process ran"},
		"cut before COMMIT": {dialects: dialects[1:2], prepare: func(m *made) { m.db.fault = times(1, "look", errReset) },
			outcome: sqlinbox.Done, runs: 2, credits: 1},
		"no right to look": {dialects: dialects[1:2], prepare: func(m *made) { m.db.fault = times(1, "look", errors.New("Error 1142 (42000): denied")) },
			outcome: sqlinbox.Failed, runs: 1, text: "denied"},
	} {
		in := test.dialects
		if in == nil {
			in = dialects
		}
		for _, dialect := range in {
			t.Run(name+"/"+dialect.String(), func(t *testing.T) {
				m := make1(t, dialect, append([]sqlinbox.Option{sqlinbox.Wait(short)}, test.opts...)...)
				if test.prepare != nil {
					test.prepare(m)
				}
				process := m.credit
				if test.process != nil {
					process = func(ctx context.Context) error { return test.process(m, ctx) }
				}
				err := m.Once(t.Context(), "a", process)
				assert.Equal(t, test.outcome, m.last.Outcome)
				assert.Equal(t, test.runs, m.last.Runs)
				assert.Equal(t, err, m.last.Err)
				if test.outcome == sqlinbox.Done || test.outcome == sqlinbox.Duplicate {
					assert.NoError(t, err)
				} else {
					assert.Error(t, err)
				}
				if test.err != nil {
					assert.ErrorIs(t, err, test.err)
				}
				if test.text != "" {
					assert.ErrorContains(t, err, test.text)
				}
				assert.Len(t, m.db.credits, test.credits)
				assert.Empty(t, m.db.open, "no transaction is left")
				assert.Empty(t, m.db.held)

				// Whatever happened: when all is well again, it ends credited
				// once.
				m.db.fault, m.db.commits, m.db.sabotage = nil, nil, false
				require.NoError(t, m.Once(t.Context(), "a", m.credit))
				if name != "done before" {
					assert.Len(t, m.db.credits, 1)
				}
			})
		}
	}
}

// Calls of one program with the same key wait without a connection; when the
// first succeeds, the others are done; when it fails, the next one runs.
func TestSameKeyInOneProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := make1(t, sqlinbox.PostgreSQL)
		var mu sync.Mutex
		var outcomes []sqlinbox.Outcome
		sqlinbox.Observe(func(_ context.Context, o sqlinbox.Observation) {
			mu.Lock()
			defer mu.Unlock()
			outcomes = append(outcomes, o.Outcome)
		})(m.Inbox)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_ = m.Once(t.Context(), "a", func(ctx context.Context) error {
					time.Sleep(time.Second)
					if err := m.credit(ctx); err != nil || m.ran > 2 {
						return err
					}
					return errors.New("not yet")
				})
			})
		}
		synctest.Wait()
		m.db.mu.Lock()
		assert.Len(t, m.db.open, 1)
		m.db.mu.Unlock()
		wg.Wait()
		assert.Equal(t, 3, m.ran)
		count := map[sqlinbox.Outcome]int{}
		for _, o := range outcomes {
			count[o]++
		}
		assert.Equal(t, map[sqlinbox.Outcome]int{sqlinbox.Failed: 2, sqlinbox.Done: 1, sqlinbox.Duplicate: 7}, count)
		m.pool(t)
	})
}

// pool checks that nothing is left open, and closes it for synctest.
func (m *made) pool(t *testing.T) {
	assert.Empty(t, m.db.open)
	assert.Empty(t, m.db.held)
}

func TestWaitEnds(t *testing.T) {
	for _, dialect := range dialects {
		for name, wait := range map[string]time.Duration{"default": 0, "short": time.Second, "none": -1} {
			synctest.Test(t, func(t *testing.T) {
				m := make1(t, dialect, sqlinbox.Wait(wait))
				var wg sync.WaitGroup
				wg.Go(func() {
					assert.NoError(t, m.Once(t.Context(), "a", func(ctx context.Context) error {
						time.Sleep(time.Minute)
						return m.credit(ctx)
					}))
				})
				synctest.Wait()
				start := time.Now()
				err := m.Once(t.Context(), "a", func(context.Context) error { t.Error("run twice"); return nil })
				assert.ErrorIs(t, err, webhook.ErrInFlight, name)
				want := map[string]time.Duration{"default": sqlinbox.DefaultWait, "short": time.Second}[name]
				assert.Equal(t, want, time.Since(start))

				// Another key waits for SQLite's only writer.
				err = m.Once(t.Context(), "b", func(ctx context.Context) error { return nil })
				if dialect == sqlinbox.SQLite {
					assert.ErrorIs(t, err, webhook.ErrInFlight)
				} else {
					assert.NoError(t, err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				assert.ErrorIs(t, m.Once(ctx, "a", m.credit), webhook.ErrInFlight)
				wg.Wait()
				assert.Len(t, m.db.credits, 1)
			})
		}
	}
}

// Two replicas: the second one asks again and again, and holds no connection,
// or waits in the database.
func TestSameKeyInTwoReplicas(t *testing.T) {
	for _, dialect := range dialects[:2] {
		for _, long := range []bool{false, true} {
			t.Run(fmt.Sprint(dialect, long), func(t *testing.T) {
				m := make1(t, dialect)
				pool := m.db.pool()
				defer pool.Close()
				second, err := sqlinbox.New(pool, dialect, sqlinbox.Wait(short))
				require.NoError(t, err)
				began := make(chan struct{})
				end := make(chan struct{})
				var wg sync.WaitGroup
				wg.Go(func() {
					assert.NoError(t, m.Once(t.Context(), "a", func(ctx context.Context) error {
						close(began)
						<-end
						return m.credit(ctx)
					}))
				})
				<-began
				if !long {
					time.AfterFunc(short/4, func() { close(end) })
				}
				err = second.Once(t.Context(), "a", func(context.Context) error { t.Error("run twice"); return nil })
				if long {
					assert.ErrorIs(t, err, webhook.ErrInFlight)
					assert.Zero(t, pool.Stats().InUse)
					close(end)
				} else {
					assert.NoError(t, err)
				}
				wg.Wait()
				assert.Len(t, m.db.credits, 1)
			})
		}
	}
}

func TestPanicRollsBack(t *testing.T) {
	for _, dialect := range dialects {
		m := make1(t, dialect)
		assert.PanicsWithValue(t, "oops", func() {
			_ = m.Once(t.Context(), "a", func(ctx context.Context) error {
				assert.NoError(t, m.credit(ctx))
				panic("oops")
			})
		})
		assert.Equal(t, sqlinbox.Failed, m.last.Outcome)
		assert.ErrorContains(t, m.last.Err, "panicked")
		m.pool(t)
		assert.Empty(t, m.db.credits)
		require.NoError(t, m.Once(t.Context(), "a", m.credit))
		assert.Len(t, m.db.credits, 1)
	}
}

// A hook for metrics that panics does not make a failure of what was committed,
// nor hide the panic of process.
func TestObservePanics(t *testing.T) {
	for _, dialect := range dialects {
		m := make1(t, dialect, sqlinbox.Observe(func(context.Context, sqlinbox.Observation) { panic("no such label") }))
		require.NoError(t, m.Once(t.Context(), "a", m.credit))
		assert.Len(t, m.db.credits, 1)
		assert.PanicsWithValue(t, "oops", func() { _ = m.Once(t.Context(), "b", func(context.Context) error { panic("oops") }) })
	}
}

func TestTx(t *testing.T) {
	m, other := make1(t, sqlinbox.PostgreSQL), make1(t, sqlinbox.PostgreSQL)
	assert.PanicsWithValue(t, "sqlinbox.Tx: the context is not process's own; is the Handler made with webhook.WithInbox(a sqlinbox.Inbox)?", func() { sqlinbox.Tx(t.Context()) })
	_, ok := sqlinbox.FromContext(t.Context())
	assert.False(t, ok)
	assert.ErrorIs(t, m.Once(t.Context(), "", m.credit), acquiring.ErrInvalid)
	err := m.Once(t.Context(), "a", func(ctx context.Context) error {
		tx, ok := sqlinbox.FromContext(ctx)
		assert.True(t, ok)
		assert.ErrorIs(t, m.Once(ctx, "b", m.credit), acquiring.ErrConflict)
		return other.Once(ctx, "a", func(inner context.Context) error {
			assert.NotSame(t, tx, sqlinbox.Tx(inner))
			assert.ErrorIs(t, m.Once(inner, "b", m.credit), acquiring.ErrConflict, "also from within another")
			return nil
		})
	})
	require.NoError(t, err)
	assert.True(t, m.db.marks["a"] && other.db.marks["a"])
}

func TestContextEnds(t *testing.T) {
	for _, dialect := range dialects {
		m := make1(t, dialect)
		ctx, cancel := context.WithCancel(t.Context())
		err := m.Once(ctx, "a", func(ctx context.Context) error {
			defer cancel()
			return m.credit(ctx)
		})
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorContains(t, err, "took too long")
		m.pool(t)
		assert.Error(t, m.Once(ctx, "a", m.credit))
		assert.Equal(t, 1, m.ran)
		assert.Empty(t, m.db.credits)
	}
}

func TestKeysAsStored(t *testing.T) {
	m := make1(t, sqlinbox.SQLite)
	long := "sberbank/school/" + strings.Repeat("7", 300) + "/paid"
	for _, key := range []string{"sberbank/school/7f1a/paid", long, long + "!", "школа", "a ", "a", "a~", strings.Repeat("x", 190), strings.Repeat("x", 191), "a\x00", "a\xff"} {
		require.NoError(t, m.Once(t.Context(), key, func(context.Context) error { return nil }))
		done, err := m.Done(t.Context(), key)
		require.NoError(t, err)
		assert.True(t, done)
		if m.last.Outcome != sqlinbox.Done {
			t.Errorf("%q was taken for another", key)
		}
	}
	assert.True(t, m.db.marks["sberbank/school/7f1a/paid"], "as it is")
	readable := 0
	for key := range m.db.marks {
		assert.LessOrEqual(t, len(key), 190)
		if before, _, hashed := strings.Cut(key, "~"); hashed && strings.HasPrefix(before, "sberbank/school/777") {
			readable++
		}
		for _, r := range key {
			assert.True(t, r >= ' ' && r <= '~', "%q", key)
		}
	}
	assert.Equal(t, 2, readable)
	m.db.fault = times(99, "look", errNoTable)
	_, err := m.Done(t.Context(), "a")
	assert.Error(t, err)
}

func TestSchema(t *testing.T) {
	assert.Equal(t, `CREATE TABLE IF NOT EXISTS "acquiring_inbox" (
  news_key VARCHAR(190) NOT NULL, -- long ones end with ~ and their SHA-256
  done_at BIGINT NOT NULL, -- Unix milliseconds
  PRIMARY KEY (news_key)
);
CREATE INDEX IF NOT EXISTS "acquiring_inbox_done_at" ON "acquiring_inbox" (done_at);
`, sqlinbox.Schema(sqlinbox.PostgreSQL))
	assert.Equal(t, "CREATE TABLE IF NOT EXISTS `acquiring_inbox` (\n"+
		"  news_key VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- long ones end with ~ and their SHA-256\n"+
		"  done_at BIGINT NOT NULL, -- Unix milliseconds\n"+
		"  PRIMARY KEY (news_key),\n"+
		"  INDEX `acquiring_inbox_done_at` (done_at)\n"+
		") ENGINE=InnoDB;\n", sqlinbox.Schema(sqlinbox.MySQL))
	m := make1(t, sqlinbox.SQLite, sqlinbox.Table("pay.inbox"))
	assert.Contains(t, m.Schema(), `CREATE INDEX IF NOT EXISTS "pay"."inbox_done_at" ON "inbox" (done_at)`)
	require.NoError(t, m.Migrate(t.Context()))
	assert.Contains(t, m.db.log[2], `CREATE TABLE IF NOT EXISTS "pay"."inbox"`)
	m.db.fault = times(99, "begin", errNoTable)
	assert.ErrorContains(t, m.Migrate(t.Context()), "creating pay.inbox")
}

func TestCleanup(t *testing.T) {
	for _, dialect := range dialects {
		m := make1(t, dialect)
		_, err := m.Cleanup(t.Context(), time.Hour)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
		assert.Empty(t, m.db.log, "nothing was asked of the database")
		for n := range 2500 {
			m.db.marks[fmt.Sprint(n)] = true
		}
		n, err := m.Cleanup(t.Context(), sqlinbox.MinimumAge)
		require.NoError(t, err)
		assert.EqualValues(t, 2500, n)
		assert.Equal(t, []string{"connect", "cleanup", "cleanup", "cleanup"}, m.db.log)
		m.db.fault = times(99, "cleanup", errNoTable)
		_, err = m.Cleanup(t.Context(), sqlinbox.MinimumAge)
		assert.ErrorIs(t, err, errNoTable)
	}
}

// bank notifies one payment.
type bank struct{ acquiring.Acquirer }

func (bank) VerifyCallback(context.Context, *http.Request) (*acquiring.Callback, error) {
	return &acquiring.Callback{Kind: acquiring.CallbackPayment, Key: "k", PaymentID: "7f1a", OrderID: "A-7", Status: acquiring.StatusPaid, Signed: true,
		Reply: acquiring.Reply{Body: []byte("OK")}}, nil
}

func (bank) GetStatus(context.Context, acquiring.PaymentID) (*acquiring.Payment, error) {
	return &acquiring.Payment{ID: "7f1a", OrderID: "A-7", Status: acquiring.StatusPaid, Amount: 100, Captured: 100}, nil
}

// With the Handler: a callback whose process fails, panics, or breaks at COMMIT
// comes again, and is credited once.
func TestWithHandler(t *testing.T) {
	m := make1(t, sqlinbox.PostgreSQL, sqlinbox.Wait(-1), sqlinbox.Runs(1))
	calls := 0
	var outcomes []webhook.Outcome
	h := webhook.Handler(bank{}, func(ctx context.Context, e webhook.Event) error {
		calls++
		if err := m.credit(ctx); err != nil {
			return err
		}
		switch calls {
		case 1:
			return errors.New("no stock")
		case 2:
			panic("oops")
		case 3:
			m.db.commits = []commitFault{{errReset, false}}
		case 4:
			m.db.commits = []commitFault{{errReset, true}}
		}
		return nil
	}, webhook.WithInbox(m.Inbox), webhook.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))),
		webhook.Observe(func(_ context.Context, o webhook.Observation) { outcomes = append(outcomes, o.Outcome) }))
	var codes []int
	for range 6 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		codes = append(codes, w.Code)
	}
	assert.Equal(t, []int{500, 500, 500, 200, 200, 200}, codes)
	assert.Equal(t, []webhook.Outcome{webhook.Failed, webhook.Panicked, webhook.Failed, webhook.Processed, webhook.Duplicate, webhook.Duplicate}, outcomes)
	assert.Len(t, m.db.credits, 1)
}
