package sqlinbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/sqldb"
	"github.com/acquiring-go/acquiring/webhook"
)

// Inbox is a [webhook.Inbox] over a table. It is safe for concurrent use.
type Inbox struct {
	db        *sql.DB
	dialect   Dialect
	table     string
	wait      time.Duration
	runs      int
	isolation *sql.TxOptions
	log       *slog.Logger
	observe   func(context.Context, Observation)

	sql     queries
	flights flights
	gate    chan struct{} // SQLite has one write lock: one transaction at a time
}

var _ webhook.Inbox = (*Inbox)(nil)

// New makes an Inbox over db. It asks the database nothing; the table is made
// by Migrate or by your own migrations (see [Schema]). db needs room for one
// more connection than process takes besides. A nil db, an unknown dialect and
// a bad name of the table are acquiring.ErrInvalid.
func New(db *sql.DB, dialect Dialect, opts ...Option) (*Inbox, error) {
	const op = "sqlinbox.New"
	i := &Inbox{db: db, dialect: dialect}
	for _, o := range opts {
		o(i)
	}
	if db == nil {
		return nil, acquiring.InOp("", op, acquiring.Invalid("db", "is nil"))
	}
	if !dialect.Valid() {
		return nil, acquiring.InOp("", op, acquiring.Invalid("dialect", "is not PostgreSQL, MySQL or SQLite"))
	}
	if i.table == "" {
		i.table = DefaultTable
	}
	if err := sqldb.CheckTable(i.table); err != nil {
		return nil, acquiring.InOp("", op, acquiring.Invalid("Table", err.Error()))
	}
	if i.wait == 0 {
		i.wait = DefaultWait
	}
	if i.runs <= 0 {
		i.runs = DefaultRuns
	}
	if i.log == nil {
		i.log = slog.Default()
	}
	if dialect == SQLite {
		i.gate = make(chan struct{}, 1)
	}
	i.sql = newQueries(dialect, i.table)
	i.flights.running = map[string]*flight{}
	return i, nil
}

// Tx is the transaction that process runs in: what is written through it is
// committed with the mark, or not at all. Do not end it. It panics when ctx is
// not one that Once gave to process, which happens when the Handler was given
// another Inbox: writing without the transaction would credit twice one day.
func Tx(ctx context.Context) *sql.Tx {
	tx, ok := FromContext(ctx)
	if !ok {
		panic("sqlinbox.Tx: the context is not process's own; is the Handler made with webhook.WithInbox(a sqlinbox.Inbox)?")
	}
	return tx
}

// FromContext is Tx for who may be called without a transaction too.
func FromContext(ctx context.Context) (*sql.Tx, bool) {
	r, _ := ctx.Value(runKey{}).(*run)
	if r == nil {
		return nil, false
	}
	return r.tx, true
}

// run is what the context of process carries.
type run struct {
	db    *sql.DB
	tx    *sql.Tx
	outer *run
}

type runKey struct{}

// Once runs process and marks the key done, in one transaction; see
// webhook.Inbox for its contract and the package's page for what happens when
// something breaks. process gets the transaction by [Tx]. Once within process,
// over the same database, is acquiring.ErrConflict: it would wait for itself.
// An empty key is acquiring.ErrInvalid, and what is processed elsewhere for
// longer than Wait is webhook.ErrInFlight.
func (i *Inbox) Once(ctx context.Context, key string, process func(ctx context.Context) error) (err error) {
	o := Observation{Key: key, Outcome: Failed}
	start := time.Now()
	returned := false
	defer func() {
		o.Took, o.Err = time.Since(start), err
		if !returned {
			o.Err = errors.New("process panicked, or ended its goroutine")
		}
		i.tell(ctx, o)
	}()
	o.Outcome, err = i.once(ctx, key, process, &o)
	returned = true
	return err
}

// tell calls the hook. Its panic is logged: what was committed is no failure.
func (i *Inbox) tell(ctx context.Context, o Observation) {
	if i.observe == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			i.log.LogAttrs(ctx, slog.LevelError, "sqlinbox: the Observe hook panicked", slog.String("key", o.Key), slog.String("error", fmt.Sprint("panic: ", p)))
		}
	}()
	i.observe(ctx, o)
}

func (i *Inbox) once(ctx context.Context, key string, process func(context.Context) error, o *Observation) (Outcome, error) {
	const op = "sqlinbox.Once"
	if key == "" {
		return Failed, acquiring.InOp("", op, acquiring.Invalid("key", "is empty"))
	}
	outer, _ := ctx.Value(runKey{}).(*run)
	for r := outer; r != nil; r = r.outer {
		if r.db == i.db {
			return Failed, acquiring.InOp("", op, &acquiring.Error{Kind: acquiring.ErrConflict, Message: "Once within process: it would wait for itself; process both in one transaction, or the second after the first"})
		}
	}
	deadline := time.Now().Add(max(i.wait, 0))
	waiting, stop := context.WithDeadlineCause(ctx, deadline, errHere)
	defer stop()
	f, err := i.flights.enter(waiting, key)
	if err != nil {
		return InFlight, fmt.Errorf("sqlinbox: %w: %w", webhook.ErrInFlight, err)
	}
	if f == nil {
		return Duplicate, nil
	}
	outcome := Failed
	defer func() { i.flights.leave(key, f, outcome == Done || outcome == Duplicate) }()
	c := &call{Inbox: i, key: stored(key), outer: outer, process: process, o: o, deadline: deadline}
	outcome, err = c.run(ctx)
	return outcome, err
}

// Done says whether the news was handled. It serves support and tests: what it
// answers may be outdated when it returns, so never decide by it whether to
// credit.
func (i *Inbox) Done(ctx context.Context, key string) (bool, error) {
	var done bool
	err := i.dialect.Retry(ctx, func(ctx context.Context) (err error) {
		done, err = i.look(ctx, i.db, stored(key))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("sqlinbox: looking for the mark: %w", err)
	}
	return done, nil
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (i *Inbox) look(ctx context.Context, q querier, key string) (bool, error) {
	var one int
	err := q.QueryRowContext(ctx, i.sql.look, key).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
