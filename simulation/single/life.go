package single

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/acquiring-go/acquiring/simulation/crm"
)

// errDead is what a dead program would see, if it saw anything.
var errDead = errors.New("the program is dead")

// life ends after so many deeds: statements that write, commits, and requests
// to providers. From then on the program can do nothing that anybody else
// would see.
type life struct {
	mu     sync.Mutex
	left   int
	after  bool // the last deed is carried out
	dead   bool
	what   string // the last deed
	cancel context.CancelFunc
}

// deed counts one. It says whether to carry it out, and whether that was the
// last.
func (l *life) deed(what string) (do, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return false, true
	}
	if l.left--; l.left > 0 {
		return true, false
	}
	l.dead, l.what = true, what
	l.cancel()
	return l.after, true
}

func (l *life) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// RoundTripper is the program's way to the providers.
type mortalTransport struct {
	*life
	to http.RoundTripper
}

func (t mortalTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	do, last := t.deed("request")
	if !do {
		return nil, errDead
	}
	resp, err := t.to.RoundTrip(r)
	if !last {
		return resp, err
	}
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return nil, errDead
}

// open is the program's pool: what it sends to the database goes through its
// life.
func (l *life) open(p crm.Place) (*sql.DB, error) {
	plain, err := p.Open(1)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	db := sql.OpenDB(mortalConnector{plain.Driver(), p.DSN, l})
	db.SetMaxOpenConns(4)
	return db, nil
}

type mortalConnector struct {
	driver driver.Driver
	dsn    string
	*life
}

func (c mortalConnector) Driver() driver.Driver { return c.driver }

func (c mortalConnector) Connect(context.Context) (driver.Conn, error) {
	if c.over() {
		return nil, errDead
	}
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &mortalConn{Conn: conn, life: c.life}, nil
}

type mortalConn struct {
	driver.Conn
	*life
	closed bool
}

// cut breaks the connection; the server rolls back what was open.
func (c *mortalConn) cut() {
	_ = c.Close()
}

func (c *mortalConn) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	return c.Conn.Close()
}

func (c *mortalConn) IsValid() bool { return !c.closed && !c.over() }

func (c *mortalConn) ResetSession(ctx context.Context) error {
	if c.closed || c.over() {
		return driver.ErrBadConn
	}
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *mortalConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	do, last := c.deed(query)
	if !do {
		c.cut()
		return nil, errDead
	}
	result, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	if last {
		c.cut()
		return nil, errDead
	}
	return result, err
}

func (c *mortalConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.over() {
		c.cut()
		return nil, errDead
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *mortalConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.over() {
		c.cut()
		return nil, errDead
	}
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &mortalTx{tx, c}, nil
}

type mortalTx struct {
	driver.Tx
	conn *mortalConn
}

func (t *mortalTx) Commit() error {
	do, last := t.conn.deed("COMMIT")
	if !do {
		t.conn.cut()
		return errDead
	}
	err := t.Tx.Commit()
	if last {
		t.conn.cut()
		return errDead
	}
	return err
}

func (t *mortalTx) Rollback() error {
	if t.conn.closed || t.conn.over() {
		t.conn.cut()
		return errDead
	}
	return t.Tx.Rollback()
}
