package outbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/sqldb"
)

// Dialect is the kind of database: PostgreSQL or SQLite.
type Dialect = sqldb.Dialect

// The kinds of database.
const (
	PostgreSQL = sqldb.PostgreSQL // 12 and later
	SQLite     = sqldb.SQLite     // 3.24 and later
)

// Defaults of Options.
const (
	DefaultTable   = "bridge_outbox"
	DefaultLease   = time.Minute // of Lease
	DefaultSettle  = 15 * time.Second
	DefaultEvery   = 2 * time.Second
	DefaultLongest = 10 * time.Minute
)

// Options configure an Outbox. Zero fields have the defaults.
type Options struct {
	Table string // small Latin letters, digits and _
	// Lease is how long a lane is held without a sign of life: after a crash
	// it is free when the lease is over, and what the program had sent has
	// come to its end by then. Telling one item may take three quarters of it.
	// The clocks of programs that share a lane must agree to within the rest.
	Lease time.Duration
	// Settle is how long an item rests whose outcome is not known.
	Settle  time.Duration
	Every   time.Duration // between two looks at the table
	Longest time.Duration // the longest pause after a failure; the first is 5 seconds
	Logger  *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// State is where an item stands.
type State string

// The states of an item.
const (
	Waiting   State = "waiting"   // to be told
	Done      State = "done"      // told
	Attention State = "attention" // a person must look
)

// Message is what is to be told.
type Message struct {
	Lane    string // of the account that is told: its items are told one after another
	Key     string // the same key is told once; at most 255 characters
	Subject string // items of one subject keep their order; "": the key
	Payload []byte // for the worker's function: JSON
	// Attention, unless empty, is why a person must look before it is told.
	Attention string
}

// Item is a message in the table.
type Item struct {
	ID                 int64
	Lane, Key, Subject string
	Payload            []byte
	State              State
	Attempts           int  // this one among them
	Uncertain          bool // an earlier attempt may have been carried out: look before you repeat
	Result             string
	LastError          string
	CreatedAt          time.Time
	ChangedAt          time.Time
	NextAt             time.Time // when it may be told
}

// Deliver tells one item and returns the other system's number of it. An
// error that Attention made stops the item until a person decides; after any
// other it is tried again. The outcome of the error (acquiring.OutcomeOf) says
// whether it may have been carried out.
type Deliver func(ctx context.Context, it Item) (result string, err error)

// Outbox is the table. It is safe for concurrent use.
type Outbox struct {
	db      *sql.DB
	dialect Dialect
	opt     Options
	sql     queries
	owner   string // the name under which this one holds lanes
	wake    chan struct{}
}

// New checks the options; it asks the database nothing.
func New(db *sql.DB, dialect Dialect, opt Options) (*Outbox, error) {
	if opt.Table == "" {
		opt.Table = DefaultTable
	}
	if db == nil {
		return nil, acquiring.Invalid("db", "is nil")
	}
	if dialect != PostgreSQL && dialect != SQLite {
		return nil, acquiring.Invalid("dialect", "must be PostgreSQL or SQLite")
	}
	if err := sqldb.CheckTable(opt.Table); err != nil {
		return nil, acquiring.Invalid("Options.Table", err.Error())
	}
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{{&opt.Lease, DefaultLease}, {&opt.Settle, DefaultSettle}, {&opt.Every, DefaultEvery}, {&opt.Longest, DefaultLongest}} {
		if *d.value <= 0 {
			*d.value = d.or
		}
	}
	if opt.Logger == nil {
		opt.Logger = slog.Default()
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Outbox{db: db, dialect: dialect, opt: opt, sql: newQueries(dialect, opt.Table), owner: rand.Text(), wake: make(chan struct{}, 1)}, nil
}

// Put puts a message into the table, within the transaction that records what
// it tells; a key that is there already is left as it is. Call Wake when the
// transaction is committed.
func (o *Outbox) Put(ctx context.Context, tx *sql.Tx, m Message) error {
	if m.Lane == "" || m.Key == "" || len(m.Key) > 255 || len(m.Lane) > 64 || len(m.Subject) > 255 {
		return acquiring.Invalid("Message", "needs a Lane and a Key of at most 64 and 255 characters")
	}
	if m.Subject == "" {
		m.Subject = m.Key
	}
	state := Waiting
	if m.Attention != "" {
		state = Attention
	}
	now := o.opt.Now().UnixMilli()
	_, err := tx.ExecContext(ctx, o.sql.put, m.Lane, m.Key, m.Subject, string(m.Payload), string(state), now, m.Attention, now, now)
	return err
}

// Wake makes Run look at the table at once.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// attention marks an error that a person must see.
type attention struct{ error }

func (a attention) Unwrap() error { return a.error }

// NeedsPerson marks the error so that the item waits for a person.
func NeedsPerson(err error) error { return attention{err} }

// Run tells the items of a lane until the context ends, and returns nil then,
// after the one under way came to its end. Other programs may run the same
// lane: one of them works, the others wait for it to end.
func (o *Outbox) Run(ctx context.Context, lane string, deliver Deliver) error {
	if deliver == nil || lane == "" {
		return acquiring.Invalid("Run", "needs a lane and a function")
	}
	tick := time.NewTicker(o.opt.Every)
	defer tick.Stop()
	defer o.release(lane)
	for {
		for ctx.Err() == nil {
			more, err := o.Work(ctx, lane, deliver)
			if err != nil && ctx.Err() == nil {
				o.opt.Logger.LogAttrs(ctx, slog.LevelError, "outbox: the database", slog.String("lane", lane), slog.String("error", err.Error()))
			}
			if err != nil || !more {
				break
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-o.wake:
		}
	}
}

// Work tells one item that is due; false: there is none, or another program
// holds the lane. An error is the database's.
func (o *Outbox) Work(ctx context.Context, lane string, deliver Deliver) (bool, error) {
	it, err := o.take(ctx, lane)
	if err != nil || it == nil {
		return false, err
	}
	result, failed := o.deliver(ctx, *it, deliver)
	// What became of it is stored though ctx has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.opt.Lease/4)
	defer cancel()
	return true, o.save(ctx, it, result, failed)
}

func (o *Outbox) deliver(ctx context.Context, it Item, deliver Deliver) (result string, err error) {
	// The end of the program does not cut it off: half a request is an unknown
	// outcome.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.opt.Lease*3/4)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return deliver(ctx, it)
}

// pause is how long an item rests after its n-th attempt failed.
func (o *Outbox) pause(n int, err error) time.Duration {
	wait := 5 * time.Second << min(n-1, 20)
	if wait > o.opt.Longest {
		wait = o.opt.Longest
	}
	var e *acquiring.Error
	if errors.As(err, &e) && e.RetryAfter > wait {
		wait = e.RetryAfter
	}
	if acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown && wait < o.opt.Settle {
		wait = o.opt.Settle
	}
	return wait
}

func (o *Outbox) save(ctx context.Context, it *Item, result string, failed error) error {
	now := o.opt.Now()
	attrs := []slog.Attr{slog.String("lane", it.Lane), slog.String("key", it.Key), slog.Int("attempt", it.Attempts)}
	if failed == nil {
		o.opt.Logger.LogAttrs(ctx, slog.LevelInfo, "outbox: told", append(attrs, slog.String("result", result))...)
		return o.exec(ctx, o.sql.done, result, now.UnixMilli(), it.ID)
	}
	state, next := Waiting, now.Add(o.pause(it.Attempts, failed))
	level := slog.LevelWarn
	var person attention
	if errors.As(failed, &person) {
		state, level = Attention, slog.LevelError
	}
	uncertain := 0
	if it.Uncertain || acquiring.OutcomeOf(failed) == acquiring.OutcomeUnknown && state == Waiting {
		uncertain = 1
	}
	o.opt.Logger.LogAttrs(ctx, level, "outbox: not told", append(attrs, slog.String("state", string(state)), slog.String("error", failed.Error()))...)
	return o.exec(ctx, o.sql.failed, string(state), uncertain, next.UnixMilli(), failed.Error(), now.UnixMilli(), it.ID, it.Attempts)
}
