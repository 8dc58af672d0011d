package sqlledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/sqldb"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
)

// Dialect is the kind of database.
type Dialect = sqldb.Dialect

// The kinds of database.
const (
	PostgreSQL = sqldb.PostgreSQL // 12 and later
	MySQL      = sqldb.MySQL      // MySQL 5.7 and later, MariaDB 10.3 and later
	SQLite     = sqldb.SQLite     // 3.24 and later
)

// DefaultTable is the table's name unless [Table] gives another.
const DefaultTable = "acquiring_tochka_ledger"

// Longest values, in characters: what an index of MySQL takes.
const (
	maxShop    = 100
	maxKind    = 32
	maxPayment = 128
	maxKey     = 255
	maxID      = 128
	maxOwner   = 128
)

// Ledger is a tochka.Ledger. It is safe for concurrent use.
type Ledger struct {
	db      *sql.DB
	dialect Dialect
	table   string
	sql     queries
}

var _ tochka.Ledger = (*Ledger)(nil)

// Option changes what New makes.
type Option func(*Ledger)

// Table names the table: small Latin letters, digits and _, optionally after a
// schema and a dot.
func Table(name string) Option { return func(l *Ledger) { l.table = name } }

// New is a Ledger in db. A nil db, an unknown dialect or a bad name of the table
// is acquiring.ErrInvalid. Nothing is sent yet: see Migrate.
func New(db *sql.DB, d Dialect, opts ...Option) (*Ledger, error) {
	l := &Ledger{db: db, dialect: d, table: DefaultTable}
	for _, o := range opts {
		o(l)
	}
	if db == nil {
		return nil, acquiring.InOp("", "sqlledger.New", acquiring.Invalid("db", "is nil"))
	}
	if !d.Valid() {
		return nil, acquiring.InOp("", "sqlledger.New", acquiring.Invalid("dialect", "must be PostgreSQL, MySQL or SQLite"))
	}
	if err := sqldb.CheckTable(l.table); err != nil {
		return nil, acquiring.InOp("", "sqlledger.New", acquiring.Invalid("Table", err.Error()))
	}
	l.sql = newQueries(d, l.table)
	return l, nil
}

// Begin stores the entry unless there is one with its Shop, Kind, Payment and
// Key; then it returns that one. It is one step for all processes. A value
// longer than its column is acquiring.ErrInvalid: Shop takes 100 characters,
// Payment and ID 128, Key 255.
func (l *Ledger) Begin(ctx context.Context, e tochka.LedgerEntry) (existing *tochka.LedgerEntry, err error) {
	seen, err := l.check(e)
	if err != nil {
		return nil, err
	}
	// The row is ours if it has our token, also where the answer to its INSERT
	// was lost.
	token := rand.Text()
	err = l.dialect.Retry(ctx, func(ctx context.Context) error {
		for {
			existing = nil
			at := e.At.UnixNano()
			if _, err := l.db.ExecContext(ctx, l.sql.insert, e.Shop, e.Kind, e.Payment, e.Key, int64(e.Amount), seen, e.ID, e.Owner, at, at, token); err != nil {
				return err
			}
			var theirs string
			found, err := scan(l.db.QueryRowContext(ctx, l.sql.get, e.Shop, e.Kind, e.Payment, e.Key).Scan, &theirs)
			if errors.Is(err, sql.ErrNoRows) {
				continue // forgotten between the two
			}
			if err == nil && theirs != token {
				existing = found
			}
			return err
		}
	})
	if err != nil {
		return nil, fmt.Errorf("sqlledger: %w", err)
	}
	return existing, nil
}

// Save replaces the entry with the same Shop, Kind, Payment and Key. Its values
// have the limits of Begin.
func (l *Ledger) Save(ctx context.Context, e tochka.LedgerEntry) error {
	seen, err := l.check(e)
	if err != nil {
		return err
	}
	return l.do(ctx, l.sql.save, int64(e.Amount), seen, e.ID, e.Owner, e.At.UnixNano(), e.Shop, e.Kind, e.Payment, e.Key)
}

// Forget removes it.
func (l *Ledger) Forget(ctx context.Context, e tochka.LedgerEntry) error {
	return l.do(ctx, l.sql.forget, e.Shop, e.Kind, e.Payment, e.Key)
}

func (l *Ledger) do(ctx context.Context, query string, args ...any) error {
	err := l.dialect.Retry(ctx, func(ctx context.Context) error {
		_, err := l.db.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("sqlledger: %w", err)
	}
	return nil
}

// OfPayment are all entries of a kind with that Payment, oldest first.
func (l *Ledger) OfPayment(ctx context.Context, shop, kind, payment string) (all []tochka.LedgerEntry, err error) {
	err = l.dialect.Retry(ctx, func(ctx context.Context) error {
		all = nil
		rows, err := l.db.QueryContext(ctx, l.sql.ofPayment, shop, kind, payment)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scan(rows.Scan, new(string))
			if err != nil {
				return err
			}
			all = append(all, *e)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("sqlledger: %w", err)
	}
	return all, nil
}

// ByID is the entry of a kind with that ID; nil: there is none.
func (l *Ledger) ByID(ctx context.Context, shop, kind, id string) (e *tochka.LedgerEntry, err error) {
	if id == "" {
		return nil, nil
	}
	err = l.dialect.Retry(ctx, func(ctx context.Context) (err error) {
		e, err = scan(l.db.QueryRowContext(ctx, l.sql.byID, shop, kind, id).Scan, new(string))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sqlledger: %w", err)
	}
	return e, nil
}

// MinimumAge is the least that Cleanup accepts: a key may be asked again for as
// long as somebody may press "refund" once more.
const MinimumAge = 30 * 24 * time.Hour

// Cleanup forgets what was asked for longer ago than olderThan and returns how
// many rows went. A refund with a forgotten key is a new refund, a QR code with
// a forgotten row is not known by its order, and of a payment that began a
// subscription GetStatus may not tell the token any more: a year is a good
// choice. Less than [MinimumAge] is acquiring.ErrInvalid.
func (l *Ledger) Cleanup(ctx context.Context, olderThan time.Duration) (int64, error) {
	if olderThan < MinimumAge {
		return 0, acquiring.InOp("", "sqlledger.Cleanup", acquiring.Invalid("olderThan", "is "+olderThan.String()+", and must be at least "+MinimumAge.String()))
	}
	var n int64
	err := l.dialect.Retry(ctx, func(ctx context.Context) error {
		result, err := l.db.ExecContext(ctx, l.sql.cleanup, time.Now().Add(-olderThan).UnixNano())
		if err == nil {
			n, err = result.RowsAffected()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sqlledger: cleaning up: %w", err)
	}
	return n, nil
}

// check refuses what a column would cut off, and writes Seen.
func (l *Ledger) check(e tochka.LedgerEntry) (seen string, err error) {
	for _, c := range []struct {
		field, value string
		most         int
	}{{"Shop", e.Shop, maxShop}, {"Kind", e.Kind, maxKind}, {"Payment", e.Payment, maxPayment}, {"Key", e.Key, maxKey}, {"ID", e.ID, maxID}, {"Owner", e.Owner, maxOwner}} {
		if n := utf8.RuneCountInString(c.value); n > c.most || !utf8.ValidString(c.value) {
			return "", acquiring.InOp("", "sqlledger", acquiring.Invalid(c.field, fmt.Sprintf("has %d characters, and must be text of at most %d", n, c.most)))
		}
	}
	text, err := json.Marshal(e.Seen)
	return string(text), err
}

func scan(row func(...any) error, token *string) (*tochka.LedgerEntry, error) {
	e := new(tochka.LedgerEntry)
	var amount, at int64
	var seen string
	if err := row(&e.Shop, &e.Kind, &e.Payment, &e.Key, &amount, &seen, &e.ID, &e.Owner, &at, token); err != nil {
		return nil, err
	}
	e.Amount, e.At = money.Amount(amount), time.Unix(0, at)
	return e, json.Unmarshal([]byte(seen), &e.Seen)
}
