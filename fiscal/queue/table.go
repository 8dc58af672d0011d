package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/sqldb"
)

// table is the store over database/sql. Its statements are those that every
// database has; what a replica may have for itself is decided by one UPDATE of
// one row.
type table struct {
	db      *sql.DB
	dialect sqldb.Dialect
	sql     queries
}

func newTable(db *sql.DB, d sqldb.Dialect, name string) *table {
	return &table{db, d, newQueries(d, name)}
}

// rows runs a query and calls read for each row.
func (t *table) rows(ctx context.Context, read func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := t.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *table) due(ctx context.Context, register string, limit int) (ids []string, err error) {
	err = t.dialect.Retry(ctx, func(ctx context.Context) error {
		ids = ids[:0]
		return t.rows(ctx, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		}, t.sql.due, register, limit)
	})
	return ids, err
}

func (t *table) claim(ctx context.Context, register, receiptID, lease string, hold time.Duration) (*Item, error) {
	// Not tried again here: a claim whose answer was lost is ours for nobody
	// until its time is over.
	n, err := t.exec(ctx, t.db, t.sql.claim, lease, hold.Milliseconds(), register, receiptID)
	if err != nil && t.dialect.FaultOf(err) == sqldb.Conflict {
		return nil, nil // somebody else is at it
	}
	if err != nil || n == 0 {
		return nil, err
	}
	it, err := t.get(ctx, t.sql.get, register, receiptID)
	if err != nil {
		return nil, err
	}
	it.lease = lease
	return it, nil
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (t *table) exec(ctx context.Context, e execer, query string, args ...any) (int64, error) {
	result, err := e.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// get is one receipt; acquiring.ErrNotFound: there is none.
func (t *table) get(ctx context.Context, query string, args ...any) (it *Item, err error) {
	err = t.dialect.Retry(ctx, func(ctx context.Context) (err error) {
		it, err = read(t.db.QueryRowContext(ctx, query, args...).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &acquiring.Error{Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected, Message: "there is no such receipt in the queue"}
	}
	return it, err
}

func (t *table) save(ctx context.Context, it *Item, c change, then func(context.Context, *sql.Tx, Item) error) (kept bool, err error) {
	document, err := encodeDocument(c.document)
	if err != nil {
		return false, err
	}
	waiting, open := 0, 0
	if c.attention != "" {
		waiting = 1
	}
	if c.state.Open() {
		open = 1
	}
	query, fence := t.sql.save, it.lease
	if fence == "" {
		query, fence = t.sql.saveByState, string(it.State)
	}
	err = t.dialect.Retry(ctx, func(ctx context.Context) error {
		txn, err := sqldb.Begin(ctx, t.db, nil)
		if err != nil {
			return err
		}
		defer txn.Rollback()
		n, err := t.exec(ctx, txn.Tx, query, string(c.state), waiting, open, c.wait.Milliseconds(),
			string(c.state), storable(c.id, maxDocumentID), document, c.failures, storable(c.attention, maxText), storable(c.lastError, maxText),
			it.Register, it.Receipt.ID, fence)
		if err != nil || n == 0 {
			return err
		}
		if then != nil {
			news := *it
			news.State, news.Document, news.documentID, news.Attention, news.LastError = c.state, c.document, c.id, c.attention, c.lastError
			if c.state != it.State {
				news.ChangedAt = it.now
			}
			if !c.state.Open() {
				news.NextAt = time.Time{}
			}
			switch {
			case c.attention == "":
				news.AttentionAt = time.Time{}
			case news.AttentionAt.IsZero():
				news.AttentionAt = it.now
			}
			if err := then(ctx, txn.Tx, news); err != nil {
				return err
			}
		}
		// A COMMIT whose answer is lost is told by the next try: the lease, or
		// the state, is not the same any more.
		kept = true
		return txn.Commit()
	})
	return kept && err == nil, err
}

// read scans the columns of a receipt.
func read(scan func(...any) error) (*Item, error) {
	it := &Item{}
	var id, state, receipt, document string
	var next, attention, enqueued, changed, now int64
	err := scan(&it.Register, &id, &state, &next, &receipt, &it.documentID, &document, &it.Submissions, &it.failures,
		&it.Attention, &attention, &it.LastError, &enqueued, &changed, &now)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(receipt), &it.Receipt); err != nil {
		return nil, fmt.Errorf("queue: the stored receipt %s of %s cannot be read: %w", id, it.Register, err)
	}
	if it.Document, err = decodeDocument(document); err != nil {
		return nil, fmt.Errorf("queue: the stored document of receipt %s of %s cannot be read: %w", id, it.Register, err)
	}
	it.State = State(state)
	it.EnqueuedAt, it.ChangedAt, it.now = time.UnixMilli(enqueued), time.UnixMilli(changed), time.UnixMilli(now)
	if next != never {
		it.NextAt = time.UnixMilli(next)
	}
	if attention != 0 {
		it.AttentionAt = time.UnixMilli(attention)
	}
	return it, nil
}

// encodeDocument is the document for the table. What the service sent as its
// answer need not be JSON: then it is left out.
func encodeDocument(d *fiscal.Document) (string, error) {
	if d == nil {
		return "", nil
	}
	b, err := json.Marshal(d)
	if err != nil {
		plain := *d
		plain.Raw = nil
		if b, err = json.Marshal(plain); err != nil {
			return "", fmt.Errorf("queue: storing the document: %w", err)
		}
	}
	return storable(string(b), len(b)*3), nil
}

func decodeDocument(s string) (*fiscal.Document, error) {
	if s == "" {
		return nil, nil
	}
	d := &fiscal.Document{}
	if err := json.Unmarshal([]byte(s), d); err != nil {
		return nil, err
	}
	if string(d.Raw) == "null" {
		d.Raw = nil
	}
	return d, nil
}
