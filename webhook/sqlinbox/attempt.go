package sqlinbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/acquiring-go/acquiring/internal/sqldb"
	"github.com/acquiring-go/acquiring/webhook"
)

// call is one call of Once that has its key for itself in this program.
type call struct {
	*Inbox
	key      string
	outer    *run
	process  func(context.Context) error
	o        *Observation
	deadline time.Time // of waiting for others
	lost     error     // a COMMIT whose answer did not come
}

// verdict is what one attempt came to.
type verdict uint8

const (
	committed verdict = iota
	written           // the mark is written: process may run
	found             // the mark was there: done before, or by a commit whose answer was lost
	held              // somebody else has the key, or the database, for now; nothing was run
	broken            // the connection broke, or a deadlock came, before anything was run
	undone            // process ran, and was surely rolled back by the database
	unknown           // process ran, and whether it was committed is not known
	failed            // not to be tried again
)

// run makes attempts until one tells.
func (c *call) run(ctx context.Context) (Outcome, error) {
	for n := 0; ; n++ {
		v, err := c.attempt(ctx)
		again := false
		switch v {
		case committed:
			return Done, nil
		case found:
			if c.lost != nil {
				return Done, nil // its commit was carried out after all
			}
			return Duplicate, nil
		case held, broken:
			again = time.Now().Before(c.deadline) || (v == broken && n < 3)
		case undone:
			again = c.o.Runs < c.runs
		case unknown:
			// The next attempt to write the mark waits for what the server has
			// left of this one, and so may run process again. Without it, only
			// the mark's presence proves anything.
			c.lost, c.o.Lost = err, true
			if again = c.o.Runs < c.runs; !again {
				if done, lookErr := c.Done(ctx, c.o.Key); lookErr == nil && done {
					return Done, nil
				}
			}
		}
		if v != held && v != failed {
			c.log.LogAttrs(ctx, slog.LevelWarn, "sqlinbox: the transaction did not go through",
				slog.String("key", c.o.Key), slog.Bool("again", again), slog.Int("runs", c.o.Runs), slog.String("error", err.Error()))
		}
		if !again || !sqldb.Pause(ctx, n) {
			return c.giveUp(v, err)
		}
	}
}

func (c *call) giveUp(v verdict, err error) (Outcome, error) {
	switch {
	case v == failed:
		return Failed, err
	case c.lost != nil:
		if v != unknown {
			err = errors.Join(c.lost, err)
		}
		return Failed, fmt.Errorf("sqlinbox: process ran, and whether that was committed is not known yet; the next call with the key finds out: %w", err)
	case v == held:
		return InFlight, fmt.Errorf("sqlinbox: %w: %w", webhook.ErrInFlight, err)
	}
	return Failed, err
}

// The words for who has what somebody else waits for.
var (
	errHere = errors.New("it is being processed in this program")
	errHeld = errors.New("another replica has the key")
	errBusy = errors.New("the database is busy")
)

// attempt is one transaction. The error tells why unless it was committed, or
// found done.
func (c *call) attempt(ctx context.Context) (verdict, error) {
	if c.gate != nil {
		if err := c.pass(ctx); err != nil {
			return held, err
		}
		defer func() { <-c.gate }()
		// A duplicate need not take the write lock.
		if done, err := c.look(ctx, c.db, c.key); err == nil && done {
			return found, nil
		}
	}
	t, err := sqldb.Begin(ctx, c.db, c.isolation)
	if err != nil {
		return c.before("beginning the transaction", err)
	}
	defer t.Rollback()
	v, err := c.mark(ctx, t.Tx)
	if v != written {
		return v, err
	}

	c.o.Runs++
	err = c.process(context.WithValue(ctx, runKey{}, &run{db: c.db, tx: t.Tx, outer: c.outer}))
	if err != nil {
		t.Rollback()
		if c.dialect.FaultOf(err) == sqldb.Conflict {
			return undone, err
		}
		return failed, err
	}
	if c.dialect != PostgreSQL {
		// A deadlock of MySQL's has rolled everything back if process passed
		// over its error, in SQLite so has a statement that was interrupted or
		// found the disk full; what came after it was written outside.
		switch marked, err := c.look(ctx, t.Tx, c.key); {
		case ctx.Err() != nil, errors.Is(err, sql.ErrTxDone): // Commit tells
		case err != nil:
			return c.after(err)
		case !marked:
			return failed, errors.New("sqlinbox: the transaction was ended while process ran: what process wrote after that may have been stored without the mark; process must return the errors of its statements and leave the transaction open")
		}
	}
	err = t.Commit()
	switch {
	case err == nil:
		return committed, nil
	case errors.Is(err, sqldb.ErrRolledBack):
		return failed, fmt.Errorf("sqlinbox: process took too long: %w", err)
	case errors.Is(err, sql.ErrTxDone):
		// process ended it by itself: the mark tells how.
		if done, lookErr := c.look(ctx, c.db, c.key); lookErr == nil && done {
			return committed, nil
		}
		return failed, fmt.Errorf("sqlinbox: process ended the transaction, which is not its own: %w", err)
	}
	return unknown, fmt.Errorf("sqlinbox: committing: %w", err)
}

// mark writes the mark.
func (c *call) mark(ctx context.Context, tx *sql.Tx) (verdict, error) {
	var result sql.Result
	var err error
	switch c.dialect {
	case PostgreSQL:
		result, err = tx.ExecContext(ctx, c.sql.mark, c.key, lockNumber(c.table, c.key))
	case MySQL:
		// It waits for whoever has the key, at most so long. Cutting it off
		// breaks the connection, and with it the transaction.
		limit := max(time.Until(c.deadline), 50*time.Millisecond)
		waiting, stop := context.WithTimeoutCause(ctx, limit, errHeld)
		defer stop()
		result, err = tx.ExecContext(waiting, c.sql.mark, c.key)
		if err != nil && ctx.Err() == nil && waiting.Err() != nil {
			return held, errHeld
		}
	default:
		result, err = tx.ExecContext(ctx, c.sql.mark, c.key)
	}
	if err != nil {
		return c.before("writing the mark", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return failed, fmt.Errorf("sqlinbox: writing the mark: %w", err)
	}
	if n > 0 {
		return written, nil
	}
	if c.dialect != PostgreSQL {
		return found, nil
	}
	// The row is there, or the lock was somebody else's.
	done, err := c.look(ctx, tx, c.key)
	switch {
	case err != nil:
		return c.before("looking for the mark", err)
	case done:
		return found, nil
	}
	return held, errHeld
}

// before judges an error that came before process ran.
func (c *call) before(doing string, err error) (verdict, error) {
	why := fmt.Errorf("sqlinbox: %s: %w", doing, err)
	switch c.dialect.FaultOf(err) {
	case sqldb.Conflict:
		if c.dialect == SQLite {
			return held, fmt.Errorf("%w: %w", errBusy, err)
		}
		return broken, why
	case sqldb.Lost:
		return broken, why
	}
	return failed, why
}

// after judges an error of ours that came after process ran and before COMMIT.
func (c *call) after(err error) (verdict, error) {
	why := fmt.Errorf("sqlinbox: looking for the mark: %w", err)
	if c.dialect.FaultOf(err) == sqldb.Final {
		return failed, why
	}
	return undone, why
}

// pass waits for SQLite's write lock within this program.
func (c *call) pass(ctx context.Context) error {
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	select {
	case c.gate <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.gate <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
