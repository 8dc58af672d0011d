package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

func TestOnce(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		var seen []sqlinbox.Observation
		inbox := p.inbox(t, s.db, sqlinbox.Observe(func(_ context.Context, o sqlinbox.Observation) { o.Took = 0; seen = append(seen, o) }))
		ctx := t.Context()
		process := func(ctx context.Context) error { return p.credit(ctx, "a", 1, 100) }

		fault := errors.New("no stock")
		err := inbox.Once(ctx, "a", func(ctx context.Context) error {
			require.NoError(t, process(ctx))
			return fault
		})
		assert.ErrorIs(t, err, fault)
		assert.PanicsWithValue(t, "oops", func() {
			_ = inbox.Once(ctx, "a", func(ctx context.Context) error {
				require.NoError(t, process(ctx))
				panic("oops")
			})
		})
		done, err := inbox.Done(ctx, "a")
		require.NoError(t, err)
		assert.False(t, done)
		s.balanced(t, 0, 0)

		require.NoError(t, inbox.Once(ctx, "a", process))
		require.NoError(t, inbox.Once(ctx, "a", process))
		require.NoError(t, p.inbox(t, s.db).Once(ctx, "a", process), "after a restart")
		done, err = inbox.Done(ctx, "a")
		require.NoError(t, err)
		assert.True(t, done)
		s.balanced(t, 1, 100)

		require.Len(t, seen, 4)
		assert.Equal(t, sqlinbox.Observation{Key: "a", Outcome: sqlinbox.Failed, Runs: 1, Err: fault}, seen[0])
		assert.Equal(t, sqlinbox.Failed, seen[1].Outcome)
		assert.ErrorContains(t, seen[1].Err, "panicked")
		assert.Equal(t, sqlinbox.Observation{Key: "a", Outcome: sqlinbox.Done, Runs: 1}, seen[2])
		assert.Equal(t, sqlinbox.Observation{Key: "a", Outcome: sqlinbox.Duplicate}, seen[3])
	})
}

// Keys that a database would take for one another, or not at all.
func TestKeys(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		inbox := p.inbox(t, s.db)
		long := strings.Repeat("sberbank/школа/", 100)
		keys := []string{"a", "A", "a ", " a", "a\x00", "a\x00b", "а", "a\xff", "é", "e\u0301", "%", "_", "'", `"`, "`", "?", "$1", "~", long, long + "2",
			strings.Repeat("x", 190), strings.Repeat("x", 191), "ß", "ss", "😀"}
		for range 2 {
			for i, key := range keys {
				require.NoError(t, inbox.Once(t.Context(), key, func(ctx context.Context) error { return p.credit(ctx, fmt.Sprint(i), 0, 1) }), "%q", key)
			}
		}
		s.balanced(t, len(keys), int64(len(keys)))
	})
}

// One key, many calls, three replicas: one runs process.
func TestReplicasAtOnce(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		const replicas, calls, keys = 3, 20, 6
		var ran [keys]atomic.Int32
		var busy [keys]atomic.Int32
		var inFlight atomic.Int32
		var wg sync.WaitGroup
		for range replicas {
			db, err := p.open()
			require.NoError(t, err)
			t.Cleanup(func() { db.Close() })
			inbox := p.inbox(t, db, sqlinbox.Wait(20*time.Second))
			for n := range calls * keys {
				wg.Go(func() {
					key := n % keys
					err := inbox.Once(t.Context(), fmt.Sprint("key-", key), func(ctx context.Context) error {
						assert.EqualValues(t, 1, busy[key].Add(1), "two at once")
						defer busy[key].Add(-1)
						if ran[key].Add(1) == 1 {
							return errors.Join(p.credit(ctx, fmt.Sprint(key), 0, 7), errors.New("the first fails"))
						}
						time.Sleep(10 * time.Millisecond)
						return p.credit(ctx, fmt.Sprint(key), key%accounts, 100)
					})
					if errors.Is(err, webhook.ErrInFlight) {
						inFlight.Add(1)
						return
					}
					if err != nil {
						assert.ErrorContains(t, err, "the first fails")
					}
				})
			}
		}
		wg.Wait()
		assert.Zero(t, inFlight.Load(), "20 seconds were time enough")
		s.balanced(t, keys, keys*100)
	})
}

// A second replica is told to come again when the first one takes long, and
// holds no connection meanwhile where the database lets it.
func TestInFlightElsewhere(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		other, err := p.open()
		require.NoError(t, err)
		defer other.Close()
		first, second := p.inbox(t, s.db), p.inbox(t, other, sqlinbox.Wait(300*time.Millisecond))
		began, end := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			assert.NoError(t, first.Once(t.Context(), "a", func(ctx context.Context) error {
				err := p.credit(ctx, "a", 0, 100)
				close(began)
				<-end
				return err
			}))
		})
		<-began
		start := time.Now()
		err = second.Once(t.Context(), "a", func(context.Context) error { t.Error("run twice"); return nil })
		assert.ErrorIs(t, err, webhook.ErrInFlight)
		assert.Less(t, time.Since(start), 3*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		assert.Error(t, second.Once(ctx, "a", func(context.Context) error { t.Error("run twice"); return nil }))
		if p.dialect == sqlinbox.PostgreSQL {
			assert.Zero(t, other.Stats().InUse)
		}
		close(end)
		wg.Wait()
		require.NoError(t, second.Once(t.Context(), "a", func(context.Context) error { t.Error("run twice"); return nil }))
		s.balanced(t, 1, 100)
	})
}

// The program dies before or after each statement: both the credit and its mark
// are there, or neither, and the next program finishes the work.
func TestCrashBetweenEveryTwoStatements(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		var steps []string
		for at := 1; at < 50; at++ {
			for _, after := range []bool{false, true} {
				key := fmt.Sprintf("crash/%d/%v", at, after)
				f := &faults{at: at, after: after}
				err := p.inbox(t, p.broken(t, f)).Once(t.Context(), key, func(ctx context.Context) error { return p.credit(ctx, key, 0, 100) })
				if f.dead {
					assert.Error(t, err)
				} else {
					require.NoError(t, err)
				}
				fresh := p.inbox(t, s.db)
				done, err := fresh.Done(t.Context(), key)
				require.NoError(t, err)
				assert.Equal(t, done, s.credits(t, key) == 1, "%s: both or neither", key)
				for range 2 {
					require.NoError(t, fresh.Once(t.Context(), key, func(ctx context.Context) error { return p.credit(ctx, key, 0, 100) }))
				}
				require.EqualValues(t, 1, s.credits(t, key), key)
				if !f.dead {
					steps = f.log
				}
			}
			if steps != nil {
				assert.GreaterOrEqual(t, at, 6, "BEGIN, the mark, two of process's, COMMIT")
				t.Logf("a program that lives: %d statements: %q", len(steps), steps)
				return
			}
		}
		t.Error("the program never lived to the end")
	})
}

// The answer to COMMIT is lost: the mark tells what became of it.
func TestLostCommit(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		for name, test := range map[string]struct {
			faults []commitFault
			runs   int // of process
		}{
			"carried out":                {[]commitFault{{carriedOut: true}}, 1},
			"not carried out":            {[]commitFault{{}}, 2},
			"twice not, then lost":       {[]commitFault{{}, {}, {carriedOut: true}}, 3},
			"carried out, but only soon": {[]commitFault{{later: 300 * time.Millisecond}}, 1},
		} {
			t.Run(name, func(t *testing.T) {
				var o sqlinbox.Observation
				inbox := p.inbox(t, p.broken(t, &faults{cutCommit: test.faults}), sqlinbox.Observe(func(_ context.Context, seen sqlinbox.Observation) { o = seen }))
				ran := 0
				require.NoError(t, inbox.Once(t.Context(), name, func(ctx context.Context) error {
					ran++
					return p.credit(ctx, name, 0, 100)
				}))
				assert.Equal(t, test.runs, ran)
				assert.EqualValues(t, 1, s.credits(t, name))
				assert.Equal(t, sqlinbox.Done, o.Outcome)
				assert.True(t, o.Lost)
				assert.Equal(t, test.runs, o.Runs)
			})
		}
		t.Run("not found out in time", func(t *testing.T) {
			const key = "slow"
			inbox := p.inbox(t, p.broken(t, &faults{cutCommit: []commitFault{{later: time.Second}}}), sqlinbox.Wait(100*time.Millisecond))
			credit := func(ctx context.Context) error { return p.credit(ctx, key, 0, 100) }
			err := inbox.Once(t.Context(), key, credit)
			assert.ErrorContains(t, err, "not known yet")
			assert.ErrorIs(t, err, errCut)
			require.NoError(t, p.inbox(t, s.db).Once(t.Context(), key, credit))
			assert.EqualValues(t, 1, s.credits(t, key))
		})
		t.Run("process may run once", func(t *testing.T) {
			for i, fault := range []commitFault{{carriedOut: true}, {}} {
				key := fmt.Sprint("once/", i)
				inbox := p.inbox(t, p.broken(t, &faults{cutCommit: []commitFault{fault}}), sqlinbox.Runs(1))
				err := inbox.Once(t.Context(), key, func(ctx context.Context) error { return p.credit(ctx, key, 0, 100) })
				if fault.carriedOut {
					assert.NoError(t, err)
				} else {
					assert.ErrorIs(t, err, errCut)
				}
				done, err := inbox.Done(t.Context(), key)
				require.NoError(t, err)
				assert.Equal(t, fault.carriedOut, done)
			}
		})
	})
}

// Transactions that take the same rows in opposite order deadlock; process runs
// again and both get through.
func TestDeadlocks(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		var runs, most atomic.Int32
		inbox := p.inbox(t, s.db, sqlinbox.Runs(50), sqlinbox.Observe(func(_ context.Context, o sqlinbox.Observation) {
			runs.Add(int32(o.Runs))
			most.Store(max(most.Load(), int32(o.Runs)))
		}))
		const news = 4 // PostgreSQL takes a second to see a deadlock
		var wg sync.WaitGroup
		for n := range news {
			wg.Go(func() {
				key := fmt.Sprint("deadlock/", n)
				assert.NoError(t, inbox.Once(t.Context(), key, func(ctx context.Context) error {
					if err := p.credit(ctx, key, n%2, 100); err != nil {
						return err
					}
					time.Sleep(5 * time.Millisecond)
					_, err := sqlinbox.Tx(ctx).ExecContext(ctx, p.bind("UPDATE "+p.table("accounts")+" SET kopecks = kopecks + ? WHERE id = ?"), 0, 1-n%2)
					return err
				}))
			})
		}
		wg.Wait()
		s.balanced(t, news, news*100)
		if p.dialect == sqlinbox.SQLite {
			assert.EqualValues(t, news, runs.Load(), "SQLite has one writer at a time")
		} else {
			assert.Greater(t, runs.Load(), int32(news), "there were deadlocks")
		}
		t.Logf("%d news, process ran %d times, one of them %d times", news, runs.Load(), most.Load())
	})
}

// What reads and then writes without a lock needs a serializable transaction,
// and gets it.
func TestSerializable(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		inbox := p.inbox(t, s.db, sqlinbox.Runs(100), sqlinbox.Isolation(sql.LevelSerializable))
		const news = 20
		var wg sync.WaitGroup
		for n := range news {
			wg.Go(func() {
				key := fmt.Sprint("serial/", n)
				assert.NoError(t, inbox.Once(t.Context(), key, func(ctx context.Context) error {
					tx := sqlinbox.Tx(ctx)
					var kopecks int64
					if err := tx.QueryRowContext(ctx, "SELECT kopecks FROM "+p.table("accounts")+" WHERE id = 0").Scan(&kopecks); err != nil {
						return err
					}
					if _, err := tx.ExecContext(ctx, p.bind("UPDATE "+p.table("accounts")+" SET kopecks = ? WHERE id = 0"), kopecks+100); err != nil {
						return err
					}
					_, err := tx.ExecContext(ctx, p.bind("INSERT INTO "+p.table("ledger")+" (news, kopecks) VALUES (?, ?)"), key, 100)
					return err
				}))
			})
		}
		wg.Wait()
		s.balanced(t, news, news*100)
	})
}

// A process that ends the transaction by itself.
func TestProcessEndsTheTransaction(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		inbox := p.inbox(t, s.db)
		ctx := t.Context()
		err := inbox.Once(ctx, "a", func(ctx context.Context) error {
			return errors.Join(p.credit(ctx, "a", 0, 100), sqlinbox.Tx(ctx).Rollback())
		})
		assert.ErrorContains(t, err, "not its own")
		s.balanced(t, 0, 0)
		require.NoError(t, inbox.Once(ctx, "a", func(ctx context.Context) error {
			return errors.Join(p.credit(ctx, "a", 0, 100), sqlinbox.Tx(ctx).Commit())
		}))
		require.NoError(t, inbox.Once(ctx, "a", func(context.Context) error { t.Error("run twice"); return nil }))
		s.balanced(t, 1, 100)

		if p.dialect == sqlinbox.PostgreSQL {
			return // it answers COMMIT with a success there
		}
		// As MySQL does at a deadlock and SQLite when a statement is
		// interrupted: the transaction is gone, and process goes on.
		runs := 0
		err = inbox.Once(ctx, "b", func(ctx context.Context) error {
			runs++
			_, err := sqlinbox.Tx(ctx).ExecContext(ctx, "ROLLBACK")
			return err
		})
		assert.ErrorContains(t, err, "process must return the errors of its statements")
		assert.Equal(t, 1, runs, "each run may write outside of the transaction")
		done, err := inbox.Done(ctx, "b")
		require.NoError(t, err)
		assert.False(t, done)
		require.NoError(t, inbox.Once(ctx, "b", func(ctx context.Context) error { return p.credit(ctx, "b", 0, 100) }))
		s.balanced(t, 2, 200)
	})
}

// SQLite rolls the transaction back when a statement that writes is interrupted:
// a process that goes on writes outside of it, once and not at each try.
func TestInterruptedStatement(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		if p.dialect != sqlinbox.SQLite {
			t.Skip("only SQLite does so")
		}
		s := newShop(t, p)
		inbox := p.inbox(t, s.db)
		many := "INSERT INTO " + p.table("accounts") + " (id, kopecks) WITH RECURSIVE n(x) AS (SELECT 1000 UNION ALL SELECT x + 1 FROM n WHERE x < 900000000) SELECT x, 0 FROM n"
		impatient := func(ctx context.Context) error {
			short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			_, err := sqlinbox.Tx(ctx).ExecContext(short, many)
			return err
		}
		assert.ErrorIs(t, inbox.Once(t.Context(), "a", impatient), context.DeadlineExceeded)
		s.balanced(t, 0, 0)
		err := inbox.Once(t.Context(), "a", func(ctx context.Context) error {
			_ = impatient(ctx)
			return p.credit(ctx, "a", 0, 100)
		})
		assert.ErrorContains(t, err, "process must return the errors of its statements")
		assert.EqualValues(t, 1, s.credits(t, "a"))
		assert.Zero(t, s.marks(t))
	})
}

// A swallowed error of a statement is no success.
func TestSwallowedError(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		if p.dialect != sqlinbox.PostgreSQL {
			t.Skip("only PostgreSQL ends a transaction at any error")
		}
		s := newShop(t, p)
		err := p.inbox(t, s.db).Once(t.Context(), "a", func(ctx context.Context) error {
			_, _ = sqlinbox.Tx(ctx).ExecContext(ctx, "SELECT 1/0")
			return nil
		})
		assert.Error(t, err)
		s.balanced(t, 0, 0)
	})
}

func TestContext(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		inbox := p.inbox(t, s.db)
		ctx, cancel := context.WithCancel(t.Context())
		err := inbox.Once(ctx, "a", func(ctx context.Context) error {
			defer cancel()
			return p.credit(ctx, "a", 0, 100)
		})
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorContains(t, err, "too long")
		assert.Error(t, inbox.Once(ctx, "a", func(context.Context) error { t.Error("run"); return nil }))
		s.balanced(t, 0, 0)
		require.NoError(t, inbox.Once(t.Context(), "a", func(ctx context.Context) error {
			assert.ErrorIs(t, inbox.Once(ctx, "b", func(context.Context) error { return nil }), acquiring.ErrConflict, "it would wait for itself")
			return p.credit(ctx, "a", 0, 100)
		}))
		s.balanced(t, 1, 100)
		assert.Zero(t, s.db.Stats().InUse)
	})
}

// A pool of one connection suffices.
func TestOneConnection(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		s.db.SetMaxOpenConns(1)
		inbox := p.inbox(t, s.db)
		var wg sync.WaitGroup
		for n := range 40 {
			wg.Go(func() {
				key := fmt.Sprint(n % 4)
				assert.NoError(t, inbox.Once(t.Context(), key, func(ctx context.Context) error { return p.credit(ctx, key, 0, 1) }))
			})
		}
		wg.Wait()
		s.balanced(t, 4, 4)
	})
}

func TestCleanup(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s := newShop(t, p)
		inbox := p.inbox(t, s.db)
		ctx := t.Context()
		const old = 2500
		for n := 0; n < old; n += 500 {
			var values []string
			for i := range 500 {
				values = append(values, fmt.Sprintf("('old/%d', %d)", n+i, time.Now().Add(-100*24*time.Hour).UnixMilli()))
			}
			_, err := s.db.Exec("INSERT INTO " + p.table("inbox") + " (news_key, done_at) VALUES " + strings.Join(values, ", "))
			require.NoError(t, err)
		}
		require.NoError(t, inbox.Once(ctx, "new", func(context.Context) error { return nil }))
		at := time.UnixMilli(s.number(t, "SELECT done_at FROM "+p.table("inbox")+" WHERE news_key = 'new'"))
		assert.WithinDuration(t, time.Now(), at, 5*time.Second, "the database's own clock")
		_, err := inbox.Cleanup(ctx, time.Hour)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)

		var all atomic.Int64
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				n, err := inbox.Cleanup(ctx, 90*24*time.Hour)
				assert.NoError(t, err)
				all.Add(n)
			})
		}
		wg.Wait()
		n, err := inbox.Cleanup(ctx, 90*24*time.Hour)
		require.NoError(t, err)
		assert.EqualValues(t, old, all.Load()+n)
		assert.EqualValues(t, 1, s.marks(t))

		// What was forgotten is processed again; what is remembered, not.
		ran := 0
		for _, key := range []string{"old/0", "new"} {
			require.NoError(t, inbox.Once(ctx, key, func(context.Context) error { ran++; return nil }))
		}
		assert.Equal(t, 1, ran)
	})
}

// Replicas that start together.
func TestMigrateAtOnce(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		db, err := p.open()
		require.NoError(t, err)
		defer db.Close()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				assert.NoError(t, p.inbox(t, db).Migrate(t.Context()))
				q, err := p.newQueue(db)
				assert.NoError(t, err)
				assert.NoError(t, q.Migrate(t.Context()))
			})
		}
		wg.Wait()
		inbox := p.inbox(t, db)
		assert.NoError(t, inbox.Once(t.Context(), "a", func(context.Context) error { return nil }))
	})
}

// The schema that the user sees is the one that works.
func TestSchemaAsShown(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		db, err := p.open()
		require.NoError(t, err)
		defer db.Close()
		q, err := p.newQueue(db)
		require.NoError(t, err)
		for range 2 {
			for _, statement := range strings.Split(p.inbox(t, db).Schema()+q.Schema(), ";\n") {
				if statement != "" {
					_, err := db.Exec(statement)
					require.NoError(t, err, statement)
				}
			}
		}
		assert.NoError(t, p.inbox(t, db).Once(t.Context(), "a", func(context.Context) error { return nil }))
	})
}
