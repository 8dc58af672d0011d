package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// faulty wraps a driver: what a program sends to the database goes through
// faults, which may break the connection before or after it is carried out.
type faulty struct {
	driver.Connector
	*faults
}

func (f faulty) Connect(ctx context.Context) (driver.Conn, error) {
	if f.gone() {
		return nil, errCrashed
	}
	c, err := f.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &faultyConn{Conn: c, faults: f.faults}, nil
}

// errCrashed is what a dead program would see, if it saw anything.
var errCrashed = errors.New("the program is dead")

// errCut is what a program sees whose connection broke.
var errCut = errors.New("read tcp: connection reset by peer")

// faults counts the statements and breaks the one told.
type faults struct {
	mu    sync.Mutex
	n     int
	at    int  // the statement at which the program dies; 0: none
	after bool // the statement is carried out first
	dead  bool
	log   []string

	// cutCommit breaks the connection at the next COMMITs, and the program
	// lives on.
	cutCommit []commitFault
}

type commitFault struct {
	carriedOut bool
	later      time.Duration // carried out only so long after the program saw the connection break
}

func (f *faults) gone() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// through does the statement with the fault that is planned for it. close is of
// what the statement of a dying program left open: over SQLite it would keep the
// transaction of the dead.
func (f *faults) through(c *faultyConn, what string, do func() error, close ...func()) error {
	f.mu.Lock()
	if f.dead {
		f.mu.Unlock()
		c.kill()
		return errCrashed
	}
	f.n++
	f.log = append(f.log, what)
	dies := f.n == f.at
	f.dead = dies
	f.mu.Unlock()
	if !dies {
		return do()
	}
	if f.after {
		_ = do()
		for _, f := range close {
			f()
		}
	}
	c.kill()
	return errCrashed
}

func (f *faults) commit() (commitFault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.cutCommit) == 0 {
		return commitFault{}, false
	}
	next := f.cutCommit[0]
	f.cutCommit = f.cutCommit[1:]
	return next, true
}

type faultyConn struct {
	driver.Conn
	*faults
	once   sync.Once
	closed bool
	busy   chan struct{} // not nil: a COMMIT is still on its way
}

// kill breaks the connection as the end of the program does: nothing more is
// sent.
func (c *faultyConn) kill() { _ = c.Close() }

func (c *faultyConn) Close() (err error) {
	c.closed = true
	if c.busy != nil {
		go func() { // the server has the statement, whatever the program does
			<-c.busy
			c.once.Do(func() { _ = c.Conn.Close() })
		}()
		return nil
	}
	c.once.Do(func() { err = c.Conn.Close() })
	return err
}

func (c *faultyConn) IsValid() bool {
	if c.closed || c.gone() {
		return false
	}
	if v, ok := c.Conn.(driver.Validator); ok {
		return v.IsValid()
	}
	return true
}

func (c *faultyConn) ResetSession(ctx context.Context) error {
	if c.closed {
		return driver.ErrBadConn
	}
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *faultyConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	e, ok := c.Conn.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	skipped := false
	err = c.through(c, query, func() (err error) {
		result, err = e.ExecContext(ctx, query, args)
		skipped = errors.Is(err, driver.ErrSkip)
		return err
	})
	if skipped {
		c.uncount()
	}
	return result, err
}

func (c *faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	e, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	skipped := false
	err = c.through(c, query, func() (err error) {
		rows, err = e.QueryContext(ctx, query, args)
		skipped = errors.Is(err, driver.ErrSkip)
		return err
	}, func() { closeRows(rows) })
	if skipped {
		c.uncount()
	}
	return rows, err
}

func closeRows(rows driver.Rows) {
	if rows != nil {
		_ = rows.Close()
	}
}

// uncount forgets a statement that the driver wants prepared first.
func (f *faults) uncount() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n--
	f.log = f.log[:len(f.log)-1]
}

func (c *faultyConn) PrepareContext(ctx context.Context, query string) (s driver.Stmt, err error) {
	if c.gone() {
		return nil, errCrashed
	}
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		s, err = p.PrepareContext(ctx, query)
	} else {
		s, err = c.Conn.Prepare(query)
	}
	if err != nil {
		return nil, err
	}
	return &faultyStmt{s, c, query}, nil
}

func (c *faultyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (tx driver.Tx, err error) {
	err = c.through(c, "BEGIN", func() (err error) {
		// A COMMIT that is on its way does not stop because the program has
		// given it up.
		tx, err = c.Conn.(driver.ConnBeginTx).BeginTx(context.WithoutCancel(ctx), opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &faultyTx{tx, c}, nil
}

type faultyStmt struct {
	driver.Stmt
	conn  *faultyConn
	query string
}

func (s *faultyStmt) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

func (s *faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (result driver.Result, err error) {
	err = s.conn.through(s.conn, s.query, func() (err error) {
		result, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		return err
	})
	return result, err
}

func (s *faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = s.conn.through(s.conn, s.query, func() (err error) {
		rows, err = s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
		return err
	}, func() { closeRows(rows) })
	return rows, err
}

type faultyTx struct {
	driver.Tx
	conn *faultyConn
}

func (t *faultyTx) Commit() error {
	fault, cut := t.conn.commit()
	if !cut {
		return t.conn.through(t.conn, "COMMIT", t.Tx.Commit)
	}
	switch {
	case fault.later > 0:
		t.conn.busy = make(chan struct{})
		go func() {
			time.Sleep(fault.later)
			_ = t.Tx.Commit()
			close(t.conn.busy)
		}()
	case fault.carriedOut:
		if err := t.Tx.Commit(); err != nil {
			return err
		}
		t.conn.kill()
	default:
		t.conn.kill() // the server rolls back
	}
	return errCut
}

func (t *faultyTx) Rollback() error {
	if t.conn.gone() || t.conn.closed {
		t.conn.kill()
		return errCrashed
	}
	return t.Tx.Rollback()
}

// broken is a program's own pool with faults in it.
func (p place) broken(t *testing.T, f *faults) *sql.DB {
	t.Helper()
	c, err := p.connector()
	require.NoError(t, err)
	db := sql.OpenDB(faulty{c, f})
	t.Cleanup(func() { db.Close() })
	return db
}
