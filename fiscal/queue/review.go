package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/acquiring-go/acquiring"
)

// Get is the receipt as it stands; acquiring.ErrNotFound: it is not in the
// queue.
func (q *Queue) Get(ctx context.Context, register, receiptID string) (*Item, error) {
	t := q.rows
	it, err := t.get(ctx, t.sql.get, register, receiptID)
	return it, acquiring.InOp("", "queue.Get", err)
}

func (q *Queue) byDocument(ctx context.Context, register, id string) (*Item, error) {
	t := q.rows
	return t.get(ctx, t.sql.byDocument, register, id)
}

// page is how many receipts are read at a time.
const page = 100

// NeedsAttention lists the receipts that a person must look at, those that wait
// longest first: failed ones, overdue ones, what was printed otherwise than
// wanted; and after them those that no worker has taken up for longer than
// Overdue, because none runs that has their register. It holds no connection
// while the loop's body runs.
func (q *Queue) NeedsAttention(ctx context.Context) iter.Seq2[*Item, error] {
	t := q.rows
	return func(yield func(*Item, error) bool) {
		var at int64
		var register, id string
		for {
			items, err := t.page(ctx, t.sql.waiting, at, at, register, register, id, page)
			for _, it := range items {
				if !yield(it, nil) {
					return
				}
				at, register, id = it.AttentionAt.UnixMilli(), it.Register, it.Receipt.ID
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(items) < page {
				break
			}
		}
		register, id = "", ""
		for {
			items, err := t.page(ctx, t.sql.stuck, q.overdue.Milliseconds(), register, register, id, page)
			for _, it := range items {
				it.Attention, it.AttentionAt = "no worker has taken it up since "+it.NextAt.UTC().Format(time.RFC3339)+": does one run that has the register "+it.Register+"?", it.NextAt
				if !yield(it, nil) {
					return
				}
				register, id = it.Register, it.Receipt.ID
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(items) < page {
				return
			}
		}
	}
}

func (t *table) page(ctx context.Context, query string, args ...any) (items []*Item, err error) {
	err = t.dialect.Retry(ctx, func(ctx context.Context) error {
		items = items[:0]
		return t.rows(ctx, func(scan func(...any) error) error {
			it, err := read(scan)
			if err == nil {
				items = append(items, it)
			}
			return err
		}, query, args...)
	})
	if err != nil {
		err = fmt.Errorf("queue: reading: %w", err)
	}
	return items, err
}

// Count is how many receipts of a register stand where.
type Count struct {
	Register  string
	State     State
	Items     int
	Attention int           // of them, those that a person must look at; without those that no worker takes up, which NeedsAttention lists last
	Oldest    time.Duration // the age of the oldest
}

// Counts are the numbers for a dashboard. The query reads the whole table.
func (q *Queue) Counts(ctx context.Context) (counts []Count, err error) {
	t := q.rows
	err = q.dialect.Retry(ctx, func(ctx context.Context) error {
		counts = counts[:0]
		return t.rows(ctx, func(scan func(...any) error) error {
			var c Count
			var state string
			var oldest, now int64
			err := scan(&c.Register, &state, &c.Items, &c.Attention, &oldest, &now)
			c.State, c.Oldest = State(state), time.Duration(now-oldest)*time.Millisecond
			counts = append(counts, c)
			return err
		}, t.sql.count)
	})
	if err != nil {
		return nil, fmt.Errorf("queue: counting: %w", err)
	}
	return counts, nil
}

// Retry goes on with a receipt now, after a person has removed the cause: a
// failed one is submitted again under the same ID, an open one does not wait any
// longer. One that is printed is acquiring.ErrConflict; one that is not there,
// acquiring.ErrNotFound.
func (q *Queue) Retry(ctx context.Context, register, receiptID string) error {
	const op = "queue.Retry"
	return q.mend(ctx, op, register, receiptID, func(t *table) (int64, error) {
		return t.exec(ctx, q.db, t.sql.retry, register, receiptID)
	})
}

// Resolve says that a person has dealt with the receipt: it needs no attention
// any more, and is not worked at. One that is not printed becomes, or stays,
// failed. The note is kept as Item.LastError, to 2,000 bytes. Whatever the
// service still does with a receipt that was sent is not undone by this. One
// that is not there is acquiring.ErrNotFound.
func (q *Queue) Resolve(ctx context.Context, register, receiptID, note string) error {
	const op = "queue.Resolve"
	note = storable(note, maxText)
	return q.mend(ctx, op, register, receiptID, func(t *table) (int64, error) {
		n, err := t.exec(ctx, q.db, t.sql.shut, note, register, receiptID)
		if err != nil || n > 0 {
			return n, err
		}
		return t.exec(ctx, q.db, t.sql.resolve, note, register, receiptID)
	})
}

// mend runs an UPDATE of one receipt and says why it found none.
func (q *Queue) mend(ctx context.Context, op, register, receiptID string, update func(*table) (int64, error)) error {
	var n int64
	err := q.dialect.Retry(ctx, func(context.Context) (err error) {
		n, err = update(q.rows)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if n > 0 {
		return nil
	}
	it, err := q.Get(ctx, register, receiptID)
	if err != nil {
		var e *acquiring.Error
		if errors.As(err, &e) {
			e.Op = op
		}
		return err
	}
	if op == "queue.Resolve" {
		return nil // it was resolved before, and MySQL counts only what changes
	}
	return &acquiring.Error{Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Field: "receiptID", Message: "is " + string(it.State) + " already"}
}

// MinimumAge is the least that Cleanup accepts.
const MinimumAge = 24 * time.Hour

const cleanupBatch = 1000

// Cleanup deletes the receipts that came to their end longer ago than
// olderThan and need nobody's attention, in small batches, and returns how
// many went. Keep them for as long as the order may be credited again: a
// receipt that is enqueued anew is submitted anew. Less than [MinimumAge] is
// acquiring.ErrInvalid.
func (q *Queue) Cleanup(ctx context.Context, olderThan time.Duration) (int64, error) {
	if olderThan < MinimumAge {
		return 0, acquiring.InOp("", "queue.Cleanup", acquiring.Invalid("olderThan", "is "+olderThan.String()+", and must be at least "+MinimumAge.String()))
	}
	t := q.rows
	var all int64
	for {
		var n int64
		err := q.dialect.Retry(ctx, func(ctx context.Context) (err error) {
			n, err = t.exec(ctx, q.db, t.sql.clean, olderThan.Milliseconds(), cleanupBatch)
			return err
		})
		if err != nil {
			return all, fmt.Errorf("queue: cleaning up: %w", err)
		}
		if all += n; n < cleanupBatch {
			return all, nil
		}
	}
}
