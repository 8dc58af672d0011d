// Package sqldbtest makes a *sql.DB over Go code instead of a database: for
// tests of what happens around the statements. What the statements do is
// tested over real databases.
package sqldbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync/atomic"
)

// Server stands for the database. Its methods are called at the same time by
// the connections.
type Server interface {
	// Connect may refuse a new connection.
	Connect() error
	// Begin, Commit and Rollback are those of a connection's transaction. After
	// an error of Commit the server knows what it has done.
	Begin(c *Conn) error
	Commit(c *Conn) error
	Rollback(c *Conn)
	// Do carries a statement out.
	Do(ctx context.Context, c *Conn, query string, args []any) (Result, error)
}

// Result is a statement's.
type Result struct {
	Affected int64
	Rows     [][]any // all of the same length
}

// Conn is a connection.
type Conn struct {
	ID   int64
	InTx bool

	server Server
	bad    bool
}

// Open is a pool of connections to the server.
func Open(s Server) *sql.DB { return sql.OpenDB(&connector{server: s}) }

type connector struct {
	server Server
	ids    atomic.Int64
}

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	if err := c.server.Connect(); err != nil {
		return nil, err
	}
	return &Conn{ID: c.ids.Add(1), server: c.server}, nil
}

func (c *connector) Driver() driver.Driver { return nil }

// Break makes the connection useless: its transaction is rolled back, and the
// pool throws it away.
func (c *Conn) Break() {
	if c.InTx {
		c.server.Rollback(c)
	}
	c.InTx, c.bad = false, true
}

// Prepare is refused: the statements go through ExecContext and QueryContext.
func (c *Conn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("sqldbtest: nothing is prepared")
}

// Close ends the connection, and its transaction.
func (c *Conn) Close() error {
	c.Break()
	return nil
}

// IsValid says whether the pool may keep it.
func (c *Conn) IsValid() bool { return !c.bad }

// Begin begins a transaction.
func (c *Conn) Begin() (driver.Tx, error) { return c.BeginTx(context.Background(), driver.TxOptions{}) }

// BeginTx begins a transaction of whatever isolation.
func (c *Conn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	if err := c.server.Begin(c); err != nil {
		return nil, err
	}
	c.InTx = true
	return (*tx)(c), nil
}

type tx Conn

func (t *tx) Commit() error {
	c := (*Conn)(t)
	err := c.server.Commit(c)
	c.InTx = false
	return err
}

func (t *tx) Rollback() error {
	c := (*Conn)(t)
	if c.bad {
		return driver.ErrBadConn
	}
	c.InTx = false
	c.server.Rollback(c)
	return nil
}

func (c *Conn) do(ctx context.Context, query string, named []driver.NamedValue) (Result, error) {
	if c.bad {
		return Result{}, driver.ErrBadConn
	}
	args := make([]any, len(named))
	for i, v := range named {
		args[i] = v.Value
	}
	return c.server.Do(ctx, c, query, args)
}

// ExecContext carries a statement out.
func (c *Conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.do(ctx, query, args)
	return driver.RowsAffected(r.Affected), err
}

// QueryContext carries a query out.
func (c *Conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.do(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return &rows{r.Rows}, nil
}

type rows struct{ left [][]any }

func (r *rows) Columns() []string {
	if len(r.left) == 0 {
		return nil
	}
	return make([]string, len(r.left[0]))
}

func (r *rows) Close() error { return nil }

func (r *rows) Next(dest []driver.Value) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	for i, v := range r.left[0] {
		dest[i] = v
	}
	r.left = r.left[1:]
	return nil
}
