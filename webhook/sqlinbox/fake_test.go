package sqlinbox_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/internal/sqldb/sqldbtest"
)

// database keeps marks and credits as a database would: those of a transaction
// are seen by nobody until it is committed. What real databases do is tested in
// the module dbtest.
type database struct {
	mu      sync.Mutex
	free    *sync.Cond
	marks   map[string]bool
	held    map[string]*sqldbtest.Conn
	credits []string
	open    map[*sqldbtest.Conn]*changes
	log     []string
	// fault breaks what is about to be done: "connect", "begin", "mark",
	// "look", "commit", "cleanup", or a statement.
	fault func(what string) error
	// commits are what becomes of the next COMMITs.
	commits []commitFault
	dialect string // "postgres" answers at once; others wait for the mark
	// sabotage loses the transaction before the next look, as a deadlock in
	// MySQL does.
	sabotage bool
}

type changes struct{ marks, credits []string }

type commitFault struct {
	err  error
	done bool
}

func newDatabase() *database {
	d := &database{marks: map[string]bool{}, held: map[string]*sqldbtest.Conn{}, open: map[*sqldbtest.Conn]*changes{}}
	d.free = sync.NewCond(&d.mu)
	return d
}

func (d *database) pool() *sql.DB { return sqldbtest.Open(d) }

func (d *database) step(what string) error {
	d.log = append(d.log, what)
	if d.fault == nil {
		return nil
	}
	return d.fault(what)
}

func (d *database) Connect() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.step("connect")
}

func (d *database) Begin(c *sqldbtest.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("begin"); err != nil {
		return err
	}
	d.open[c] = &changes{}
	return nil
}

func (d *database) Rollback(c *sqldbtest.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end(c, false)
}

func (d *database) end(c *sqldbtest.Conn, commit bool) {
	tx := d.open[c]
	if tx == nil {
		return
	}
	delete(d.open, c)
	for _, key := range tx.marks {
		delete(d.held, key)
		if commit {
			d.marks[key] = true
		}
	}
	if commit {
		d.credits = append(d.credits, tx.credits...)
	}
	d.free.Broadcast()
}

func (d *database) Commit(c *sqldbtest.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("commit"); err != nil {
		d.end(c, false)
		return err
	}
	if len(d.commits) > 0 {
		fault := d.commits[0]
		d.commits = d.commits[1:]
		d.end(c, fault.done)
		return fault.err
	}
	d.end(c, true)
	return nil
}

func (d *database) Do(ctx context.Context, c *sqldbtest.Conn, query string, args []any) (sqldbtest.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what := query
	switch {
	case strings.HasPrefix(query, "SELECT 1 FROM"):
		what = "look"
	case strings.Contains(query, "news_key, done_at"):
		what = "mark"
	case strings.HasPrefix(query, "DELETE"):
		what = "cleanup"
	}
	if err := d.step(what); err != nil {
		return sqldbtest.Result{}, err
	}
	tx := d.open[c]
	switch what {
	case "mark":
		return d.mark(ctx, c, args[0].(string))
	case "look":
		if d.sabotage && tx != nil {
			d.end(c, false)
			tx = nil
		}
		key := args[0].(string)
		if d.marks[key] || (tx != nil && slices.Contains(tx.marks, key)) {
			return sqldbtest.Result{Rows: [][]any{{int64(1)}}}, nil
		}
	case "cleanup":
		var n int64
		for key := range d.marks {
			if n == args[1].(int64) {
				break
			}
			delete(d.marks, key)
			n++
		}
		return sqldbtest.Result{Affected: n}, nil
	default:
		if tx != nil && strings.HasPrefix(query, "INSERT INTO ledger") {
			tx.credits = append(tx.credits, args[0].(string))
		}
		return sqldbtest.Result{Affected: 1}, nil
	}
	return sqldbtest.Result{}, nil
}

func (d *database) mark(ctx context.Context, c *sqldbtest.Conn, key string) (sqldbtest.Result, error) {
	stop := context.AfterFunc(ctx, d.free.Broadcast)
	defer stop()
	for d.held[key] != nil {
		if d.dialect == "postgres" {
			return sqldbtest.Result{}, nil
		}
		if ctx.Err() != nil {
			return sqldbtest.Result{}, ctx.Err()
		}
		d.free.Wait()
	}
	if d.marks[key] {
		return sqldbtest.Result{}, nil
	}
	d.held[key] = c
	d.open[c].marks = append(d.open[c].marks, key)
	return sqldbtest.Result{Affected: 1}, nil
}

// Errors as the drivers have them.
type pgError string

func (e pgError) Error() string    { return "ERROR: (SQLSTATE " + string(e) + ")" }
func (e pgError) SQLState() string { return string(e) }

var (
	errDeadlock   = pgError("40P01")
	errNoTable    = pgError("42P01")
	errReset      = io.ErrUnexpectedEOF
	errMySQLDead  = errors.New("Error 1213 (40001): Deadlock found when trying to get lock")
	errSQLiteBusy = errors.New("database is locked (5) (SQLITE_BUSY)")
)

// times makes the step fail the first n times.
func times(n int, step string, err error) func(string) error {
	return func(what string) error {
		if what == step && n > 0 {
			n--
			return err
		}
		return nil
	}
}

const short = 200 * time.Millisecond
