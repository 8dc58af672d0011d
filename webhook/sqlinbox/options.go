package sqlinbox

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

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
	DefaultTable = "acquiring_inbox"
	DefaultWait  = 5 * time.Second
	DefaultRuns  = 5
)

// Option changes what New makes.
type Option func(*Inbox)

// Table names the table; without it, [DefaultTable]. Small Latin letters,
// digits and _, optionally after a schema and a dot. Inboxes with different
// tables know nothing of each other.
func Table(name string) Option { return func(i *Inbox) { i.table = name } }

// Wait is how long to wait for the same news being processed elsewhere, or for
// a busy database, before anything was run; 0: [DefaultWait], below 0: not at
// all. Keep it below the time in which the provider wants its answer.
func Wait(d time.Duration) Option { return func(i *Inbox) { i.wait = d } }

// Runs is how often process may run within one call of Once when its
// transaction was rolled back by the database: a deadlock, a serialization
// failure, a commit that surely failed. 1: never again; 0: [DefaultRuns].
func Runs(n int) Option { return func(i *Inbox) { i.runs = n } }

// Isolation is the isolation level of the transaction; without it, the
// database's own. The Inbox needs none in particular: choose what process
// needs.
func Isolation(level sql.IsolationLevel) Option {
	return func(i *Inbox) { i.isolation = &sql.TxOptions{Isolation: level} }
}

// Logger logs what went another way than straight: a transaction tried again, a
// commit whose answer was lost. nil is slog.Default.
func Logger(l *slog.Logger) Option { return func(i *Inbox) { i.log = l } }

// Observe calls the function at the end of each Once, for metrics and traces.
// It must not block.
func Observe(f func(ctx context.Context, o Observation)) Option {
	return func(i *Inbox) { i.observe = f }
}

// Outcome is what became of a call of Once. The set may grow.
type Outcome string

// The outcomes.
const (
	Done      Outcome = "done"      // process ran, and it is marked so
	Duplicate Outcome = "duplicate" // it had been done
	InFlight  Outcome = "in_flight" // somebody else is at it; to come again
	Failed    Outcome = "failed"    // process failed or panicked, or the database did
)

// Observation is what [Observe] gets.
type Observation struct {
	Key     string // of the news, as Once was given it
	Outcome Outcome
	Runs    int           // how often process ran; all but the last were rolled back
	Lost    bool          // the answer to a COMMIT was lost, and the mark was looked for
	Took    time.Duration // all of Once, with the waiting
	Err     error         // what Once returned
}
