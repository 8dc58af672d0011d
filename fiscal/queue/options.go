package queue

import (
	"cmp"
	"context"
	"database/sql"
	"log/slog"
	"maps"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/sqldb"
)

// Dialect is the kind of database.
type Dialect = sqldb.Dialect

// The kinds of database.
const (
	PostgreSQL = sqldb.PostgreSQL // 12 and later
	MySQL      = sqldb.MySQL      // MySQL 5.7 and later, MariaDB 10.3 and later
	SQLite     = sqldb.SQLite     // 3.24 and later
)

// Defaults of the options.
const (
	DefaultTable       = "acquiring_receipts" // of Table
	DefaultEvery       = time.Second          // of Every
	DefaultFirst       = 2 * time.Second      // of Backoff's first
	DefaultLast        = 5 * time.Minute      // of Backoff's last
	DefaultTimeout     = 30 * time.Second     // of Timeout
	DefaultLease       = 2 * time.Minute      // of Lease
	DefaultOverdue     = time.Hour            // of Overdue
	DefaultParallel    = 4                    // of Parallel, for one register
	DefaultSubmissions = 10                   // of Submissions
)

// Option changes what New makes.
type Option func(*Queue)

// Register is a cash-register service that Run prints with, under the name that
// Enqueue uses. A program that only enqueues has none. Do not change what a
// name stands for while receipts of it are open: their documents are at the
// service that it stood for.
func Register(name string, r fiscal.Register) Option {
	return func(q *Queue) { q.registers[name] = r }
}

// Table names the table; without it, [DefaultTable]. Small Latin letters,
// digits and _, optionally after a schema and a dot.
func Table(name string) Option { return func(q *Queue) { q.table = name } }

// Every is the time between two looks for work; 0: [DefaultEvery].
func Every(d time.Duration) Option { return func(q *Queue) { q.every = d } }

// Backoff is how long to wait before the second try, or the first look at a
// document, and the longest wait between two; 0: [DefaultFirst], [DefaultLast].
func Backoff(first, last time.Duration) Option {
	return func(q *Queue) { q.first, q.last = first, last }
}

// Timeout bounds one request to the register, and storing its result; 0:
// [DefaultTimeout].
func Timeout(d time.Duration) Option { return func(q *Queue) { q.timeout = d } }

// Lease is how long a replica has a receipt for itself; 0: [DefaultLease]. The
// receipt of a replica that was killed goes on after that time. It must exceed
// twice the Timeout.
func Lease(d time.Duration) Option { return func(q *Queue) { q.lease = d } }

// Overdue is the age at which a receipt that is not printed needs a person's
// attention; it is tried on nevertheless, and a pause that the service asks for
// is kept so long at the most. 0: [DefaultOverdue].
func Overdue(d time.Duration) Option { return func(q *Queue) { q.overdue = d } }

// Parallel is how many receipts this program works at for one register at the
// same time; 0: [DefaultParallel].
func Parallel(n int) Option { return func(q *Queue) { q.parallel = n } }

// Submissions is how often a receipt is submitted, under the same ID, when the
// register says that it failed and may be printed later
// (fiscal.DocumentFailure.Retryable); 0: [DefaultSubmissions].
func Submissions(n int) Option { return func(q *Queue) { q.submissions = n } }

// Report is called when a receipt is printed, when it has failed, and when it
// begins to need a person's attention, in the transaction that stores this:
// what f writes through tx (the receipt's URL into the order, a message for the
// manager) is stored if and only if the change is. If it returns an error,
// nothing is, and it hears the same news again later. tx is not to be ended,
// and over SQLite no other connection to be written with.
func Report(f func(ctx context.Context, tx *sql.Tx, item Item) error) Option {
	return func(q *Queue) { q.report = f }
}

// Logger logs a line for each receipt printed, failed or delayed; nil is
// slog.Default.
func Logger(l *slog.Logger) Option { return func(q *Queue) { q.log = l } }

// Observe calls the function after each request to a register, for metrics and
// traces. It must not block.
func Observe(f func(ctx context.Context, o Observation)) Option {
	return func(q *Queue) { q.observe = f }
}

// Observation is what [Observe] gets.
type Observation struct {
	Register  string
	ReceiptID string
	Op        string // "submit", "look", "callback"
	State     State  // the receipt's, now
	Attention string // why a person must look; "": he need not
	Took      time.Duration
	Err       error // the register's, or the database's
}

// Queue keeps receipts in a table until they are printed. It is safe for
// concurrent use, and any number of replicas share the table.
type Queue struct {
	db        *sql.DB
	dialect   Dialect
	registers map[string]fiscal.Register
	table     string
	log       *slog.Logger
	observe   func(context.Context, Observation)
	report    func(context.Context, *sql.Tx, Item) error
	rows      *table
	store     store // rows, except in tests
	policy
	every, timeout, lease time.Duration
	parallel              int
}

// New makes a Queue over db. It asks the database nothing; the table is made by
// Migrate or by your own migrations (see [Schema]). A nil db or register, an
// unknown dialect, a bad name and times that do not fit together (see Lease) are
// acquiring.ErrInvalid.
func New(db *sql.DB, dialect Dialect, opts ...Option) (*Queue, error) {
	q := &Queue{db: db, dialect: dialect, registers: map[string]fiscal.Register{}}
	for _, o := range opts {
		o(q)
	}
	q.registers = maps.Clone(q.registers)
	q.table = cmp.Or(q.table, DefaultTable)
	q.log = cmp.Or(q.log, slog.Default())
	q.every, q.timeout, q.lease = cmp.Or(q.every, DefaultEvery), cmp.Or(q.timeout, DefaultTimeout), cmp.Or(q.lease, DefaultLease)
	q.first, q.last, q.overdue = cmp.Or(q.first, DefaultFirst), cmp.Or(q.last, DefaultLast), cmp.Or(q.overdue, DefaultOverdue)
	q.parallel, q.submissions = cmp.Or(q.parallel, DefaultParallel), cmp.Or(q.submissions, DefaultSubmissions)
	if err := q.check(); err != nil {
		return nil, acquiring.InOp("", "queue.New", err)
	}
	q.rows = newTable(db, dialect, q.table)
	q.store = q.rows
	return q, nil
}

func (q *Queue) check() error {
	switch {
	case q.db == nil:
		return acquiring.Invalid("db", "is nil")
	case !q.dialect.Valid():
		return acquiring.Invalid("dialect", "is not PostgreSQL, MySQL or SQLite")
	case q.every < 0 || q.first < 0 || q.last < q.first || q.timeout < 0 || q.overdue < 0:
		return acquiring.Invalid("Every, Backoff, Timeout, Overdue", "must be positive, and the last wait not below the first")
	case q.lease <= 2*q.timeout:
		return acquiring.Invalid("Lease", "must exceed twice the Timeout: two replicas would work at one receipt")
	case q.parallel < 0 || q.submissions < 0:
		return acquiring.Invalid("Parallel, Submissions", "must be positive")
	}
	if err := sqldb.CheckTable(q.table); err != nil {
		return acquiring.Invalid("Table", err.Error())
	}
	for name, r := range q.registers {
		if err := checkText("Register", name, maxRegister); err != nil {
			return err
		}
		if r == nil {
			return acquiring.Invalid("Register", "the one named "+name+" is nil")
		}
	}
	return nil
}
