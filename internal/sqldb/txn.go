package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// commitLimit bounds a commit whose answer does not come.
const commitLimit = 15 * time.Second

// Txn is a transaction on a connection of its own. A context that ends rolls
// it back, but does not cut off its commit: half a commit is an unknown
// outcome. A connection whose transaction did not end cleanly is thrown away.
type Txn struct {
	*sql.Tx
	conn   *sql.Conn
	ctx    context.Context
	cancel context.CancelFunc
	alive  func() bool // from now on ctx cannot roll it back; false: it has
	ended  bool
}

// Begin begins a transaction; opts may be nil.
func Begin(ctx context.Context, db *sql.DB, opts *sql.TxOptions) (*Txn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t := &Txn{conn: conn, ctx: ctx, cancel: cancel, alive: context.AfterFunc(ctx, cancel)}
	if t.Tx, err = conn.BeginTx(inner, opts); err != nil {
		t.end(true)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		return nil, err
	}
	return t, nil
}

// ErrRolledBack says that a transaction was surely not committed.
var ErrRolledBack = errors.New("the transaction was rolled back")

// Commit commits. An error that is not [ErrRolledBack] leaves open whether it
// was carried out, except sql.ErrTxDone: somebody else ended the transaction.
func (t *Txn) Commit() error {
	if !t.alive() {
		t.Rollback()
		return fmt.Errorf("%w: %w", ErrRolledBack, context.Cause(t.ctx))
	}
	limit := time.AfterFunc(commitLimit, t.cancel)
	err := t.Tx.Commit()
	limit.Stop()
	t.end(err != nil)
	return err
}

// Rollback undoes it; after Commit or another Rollback it does nothing.
func (t *Txn) Rollback() {
	if t.ended {
		return
	}
	err := t.Tx.Rollback()
	t.end(err != nil && !errors.Is(err, sql.ErrTxDone))
}

func (t *Txn) end(broken bool) {
	t.ended = true
	t.alive()
	if broken {
		_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = t.conn.Close()
	t.cancel()
}

// Pause waits before the try after n failed ones: 5 ms, doubled each time up
// to 250 ms, with jitter; false: ctx ended.
func Pause(ctx context.Context, n int) bool {
	most := min(5*time.Millisecond<<min(n, 10), 250*time.Millisecond)
	timer := time.NewTimer(most/2 + rand.N(most))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Retry runs f until it succeeds, fails for good, or the tries are used up. f
// must be one statement, or one transaction, that is harmless when it runs
// twice.
func (d Dialect) Retry(ctx context.Context, f func(ctx context.Context) error) error {
	const tries = 8
	for n := 0; ; n++ {
		err := f(ctx)
		if err == nil || n == tries-1 || d.FaultOf(err) == Final || !Pause(ctx, n) {
			return err
		}
	}
}

// Migrate creates what is missing, statement by statement; replicas may do so
// at the same time. name tells one schema's lock from another's.
func (d Dialect) Migrate(ctx context.Context, db *sql.DB, name string, statements []string) error {
	return d.Retry(ctx, func(ctx context.Context) error {
		t, err := Begin(ctx, db, nil)
		if err != nil {
			return err
		}
		defer t.Rollback()
		if d == PostgreSQL {
			// Two CREATE … IF NOT EXISTS at once collide in the catalogue.
			if _, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", name); err != nil {
				return err
			}
		}
		for _, s := range statements {
			if _, err := t.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return t.Commit()
	})
}
