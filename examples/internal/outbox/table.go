package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/sqldb"
)

type queries struct {
	schema                 []string
	put, done, failed      string
	lane, hold, release    string
	next, claim            string
	list, get, again, shut string
	count                  string
}

const columns = "id, lane, item_key, subject, payload, state, attempts, uncertain, next_at, result, last_error, created_at, changed_at"

func newQueries(d Dialect, table string) queries {
	name, lanes := d.Quote(table), d.Quote(table+"_lanes")
	id := "id INTEGER PRIMARY KEY AUTOINCREMENT"
	if d == PostgreSQL {
		id = "id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
	}
	q := queries{
		schema: []string{
			"CREATE TABLE IF NOT EXISTS " + name + " (\n  " + id + ",\n" +
				"  lane " + d.IndexColumn(64, false) + ",\n" +
				"  item_key " + d.IndexColumn(255, false) + ",\n" +
				"  subject " + d.IndexColumn(255, false) + ",\n" +
				"  payload TEXT NOT NULL,\n" +
				"  state " + d.IndexColumn(16, true) + ", -- waiting, done, attention\n" +
				"  attempts INT NOT NULL,\n" +
				"  uncertain INT NOT NULL, -- 1: an attempt may have been carried out\n" +
				"  next_at BIGINT NOT NULL, -- Unix milliseconds, as all times here\n" +
				"  result TEXT NOT NULL, -- the other system's number of it\n" +
				"  last_error TEXT NOT NULL,\n" +
				"  created_at BIGINT NOT NULL,\n" +
				"  changed_at BIGINT NOT NULL,\n" +
				"  UNIQUE (lane, item_key)\n)",
			"CREATE INDEX IF NOT EXISTS " + d.Index(table, "_due") + " ON " + name + " (lane, state, next_at)",
			"CREATE INDEX IF NOT EXISTS " + d.Index(table, "_subject") + " ON " + name + " (lane, subject)",
			"CREATE TABLE IF NOT EXISTS " + lanes + " (\n" +
				"  lane " + d.IndexColumn(64, false) + " PRIMARY KEY,\n" +
				"  owner " + d.IndexColumn(64, false) + ",\n" +
				"  until_at BIGINT NOT NULL\n)",
		},
		put: "INSERT INTO " + name + " (lane, item_key, subject, payload, state, attempts, uncertain, next_at, result, last_error, created_at, changed_at)" +
			" VALUES (?, ?, ?, ?, ?, 0, 0, ?, '', ?, ?, ?) ON CONFLICT (lane, item_key) DO NOTHING",
		done:   "UPDATE " + name + " SET state = 'done', uncertain = 0, result = ?, changed_at = ?, last_error = '' WHERE id = ?",
		failed: "UPDATE " + name + " SET state = ?, uncertain = ?, next_at = ?, last_error = ?, changed_at = ? WHERE id = ? AND attempts = ? AND state = 'waiting'",

		lane:    "INSERT INTO " + lanes + " (lane, owner, until_at) VALUES (?, '', 0) ON CONFLICT (lane) DO NOTHING",
		hold:    "UPDATE " + lanes + " SET owner = ?, until_at = ? WHERE lane = ? AND (owner = ? OR until_at <= ?)",
		release: "UPDATE " + lanes + " SET until_at = 0, owner = '' WHERE lane = ? AND owner = ?",

		next: "SELECT " + columns + " FROM " + name + " AS it WHERE lane = ? AND state = 'waiting' AND next_at <= ? AND (uncertain = 0 OR changed_at <= ?)" +
			" AND NOT EXISTS (SELECT 1 FROM " + name + " AS earlier WHERE earlier.lane = it.lane AND earlier.subject = it.subject" +
			" AND earlier.id < it.id AND earlier.state <> 'done') ORDER BY id LIMIT 1",
		claim: "UPDATE " + name + " SET attempts = attempts + 1, uncertain = 1, changed_at = ? WHERE id = ? AND attempts = ? AND state = 'waiting'",

		list:  "SELECT " + columns + " FROM " + name + " WHERE lane = ? AND state = ? AND id > ? ORDER BY id LIMIT ?",
		get:   "SELECT " + columns + " FROM " + name + " WHERE lane = ? AND item_key = ?",
		again: "UPDATE " + name + " SET state = 'waiting', next_at = ?, changed_at = ?, payload = ? WHERE lane = ? AND item_key = ? AND state <> 'done'",
		shut:  "UPDATE " + name + " SET state = 'done', uncertain = 0, result = ?, changed_at = ? WHERE lane = ? AND item_key = ? AND state <> 'done'",
		count: "SELECT state, COUNT(*) FROM " + name + " WHERE lane = ? GROUP BY state",
	}
	for _, s := range []*string{&q.put, &q.done, &q.failed, &q.lane, &q.hold, &q.release, &q.next, &q.claim, &q.list, &q.get, &q.again, &q.shut, &q.count} {
		*s = d.Bind(*s)
	}
	return q
}

// Migrate creates the tables where they are missing.
func (o *Outbox) Migrate(ctx context.Context) error {
	if err := o.dialect.Migrate(ctx, o.db, o.opt.Table, o.sql.schema); err != nil {
		return fmt.Errorf("outbox: creating %s: %w", o.opt.Table, err)
	}
	return nil
}

// take holds the lane and claims the next item of it; nil: there is none, or
// the lane is another's.
func (o *Outbox) take(ctx context.Context, lane string) (it *Item, err error) {
	err = o.dialect.Retry(ctx, func(ctx context.Context) error {
		it = nil
		now := o.opt.Now()
		txn, err := sqldb.Begin(ctx, o.db, nil)
		if err != nil {
			return err
		}
		defer txn.Rollback()
		if _, err := txn.ExecContext(ctx, o.sql.lane, lane); err != nil {
			return err
		}
		result, err := txn.ExecContext(ctx, o.sql.hold, o.owner, now.Add(o.opt.Lease).UnixMilli(), lane, o.owner, now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		found, err := scan(txn.QueryRowContext(ctx, o.sql.next, lane, now.UnixMilli(), now.Add(-o.opt.Settle).UnixMilli()).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return txn.Commit()
		}
		if err != nil {
			return err
		}
		// From here on it may be told: whoever finds the mark without an end
		// looks before he repeats.
		if _, err := txn.ExecContext(ctx, o.sql.claim, now.UnixMilli(), found.ID, found.Attempts); err != nil {
			return err
		}
		if err := txn.Commit(); err != nil {
			return err
		}
		found.Attempts++
		it = found
		return nil
	})
	return it, err
}

// release leaves the lane to others; one that was not held stays as it is.
func (o *Outbox) release(lane string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = o.exec(ctx, o.sql.release, lane, o.owner) // the lease ends by itself
}

func (o *Outbox) exec(ctx context.Context, query string, args ...any) error {
	return o.dialect.Retry(ctx, func(ctx context.Context) error {
		_, err := o.db.ExecContext(ctx, query, args...)
		return err
	})
}

func scan(scan func(...any) error) (*Item, error) {
	it := &Item{}
	var payload, state string
	var next, created, changed int64
	err := scan(&it.ID, &it.Lane, &it.Key, &it.Subject, &payload, &state, &it.Attempts, &it.Uncertain, &next, &it.Result, &it.LastError, &created, &changed)
	if err != nil {
		return nil, err
	}
	it.Payload, it.State = []byte(payload), State(state)
	it.NextAt, it.CreatedAt, it.ChangedAt = time.UnixMilli(next), time.UnixMilli(created), time.UnixMilli(changed)
	return it, nil
}

// List are the items of a lane in a state, in their order, after the one of
// that ID: 0 from the beginning.
func (o *Outbox) List(ctx context.Context, lane string, state State, after int64, limit int) (all []Item, err error) {
	err = o.dialect.Retry(ctx, func(ctx context.Context) error {
		all = nil
		rows, err := o.db.QueryContext(ctx, o.sql.list, lane, string(state), after, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			it, err := scan(rows.Scan)
			if err != nil {
				return err
			}
			all = append(all, *it)
		}
		return rows.Err()
	})
	return all, err
}

// Count is how many items of the lane are in each state.
func (o *Outbox) Count(ctx context.Context, lane string) (map[State]int, error) {
	out := map[State]int{}
	err := o.dialect.Retry(ctx, func(ctx context.Context) error {
		clear(out)
		rows, err := o.db.QueryContext(ctx, o.sql.count, lane)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var state string
			var n int
			if err := rows.Scan(&state, &n); err != nil {
				return err
			}
			out[State(state)] = n
		}
		return rows.Err()
	})
	return out, err
}

// Get is one item; acquiring.ErrNotFound: there is none of that key.
func (o *Outbox) Get(ctx context.Context, lane, key string) (it *Item, err error) {
	err = o.dialect.Retry(ctx, func(ctx context.Context) (err error) {
		it, err = scan(o.db.QueryRowContext(ctx, o.sql.get, lane, key).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &acquiring.Error{Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected, Message: fmt.Sprintf("there is no item %q in the outbox", key)}
	}
	return it, err
}

// Retry lets an item that is not done be told again, at once; payload nil
// leaves it as it is. What may have been carried out is still looked for.
func (o *Outbox) Retry(ctx context.Context, lane, key string, payload []byte) error {
	it, err := o.Get(ctx, lane, key)
	if err != nil {
		return err
	}
	if it.State == Done {
		return &acquiring.Error{Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Message: fmt.Sprintf("item %q is done already: %s", key, it.Result)}
	}
	if payload == nil {
		payload = it.Payload
	}
	now := o.opt.Now().UnixMilli()
	if err := o.exec(ctx, o.sql.again, now, now, string(payload), lane, key); err != nil {
		return err
	}
	o.Wake()
	return nil
}

// Resolve marks an item done by a person's hand; result says how.
func (o *Outbox) Resolve(ctx context.Context, lane, key, result string) error {
	if _, err := o.Get(ctx, lane, key); err != nil {
		return err
	}
	if err := o.exec(ctx, o.sql.shut, result, o.opt.Now().UnixMilli(), lane, key); err != nil {
		return err
	}
	o.Wake()
	return nil
}
