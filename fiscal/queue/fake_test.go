package queue

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/internal/sqldb/sqldbtest"
)

// database keeps the table as a database would, one statement at a time. What
// the statements do in real databases is tested in the module dbtest of
// sqlinbox.
type database struct {
	sql queries

	mu      sync.Mutex
	rows    map[[2]string]*row
	undo    map[*sqldbtest.Conn][]func()
	notes   []string                                 // what Report wrote
	fault   func(name string) error                  // breaks the statement of that name, or "commit"
	answer  error                                    // of the next COMMIT, which is carried out
	claimed map[string]int                           // how often each was taken
	before  func(name string, key [2]string, r *row) // somebody is quicker
}

type row struct {
	state               string
	next                int64
	lease               string
	receipt, digest     string
	documentID          string
	document            string
	submissions         int64
	failures            int64
	attention           string
	attentionAt         int64
	lastError           string
	enqueuedAt, changed int64
}

// NewDatabase is a pool over such a table, for the examples too.
func NewDatabase() (*sql.DB, *database) {
	d := &database{sql: newQueries(PostgreSQL, DefaultTable), rows: map[[2]string]*row{}, undo: map[*sqldbtest.Conn][]func(){}, claimed: map[string]int{}}
	return sqldbtest.Open(d), d
}

func (d *database) Connect() error                { return nil }
func (d *database) Begin(c *sqldbtest.Conn) error { return d.fail("begin") }

func (d *database) fail(name string) error {
	if d.fault != nil {
		return d.fault(name)
	}
	return nil
}

func (d *database) Rollback(c *sqldbtest.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, undo := range d.undo[c] {
		undo()
	}
	delete(d.undo, c)
}

func (d *database) Commit(c *sqldbtest.Conn) error {
	if err := d.fail("commit"); err != nil {
		d.Rollback(c)
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.undo, c)
	err := d.answer
	d.answer = nil
	return err
}

// change keeps the row as it was until the transaction is over.
func (d *database) change(c *sqldbtest.Conn, r *row) {
	if c.InTx {
		old := *r
		d.undo[c] = append([]func(){func() { *r = old }}, d.undo[c]...)
	}
}

func (d *database) Do(_ context.Context, c *sqldbtest.Conn, query string, args []any) (sqldbtest.Result, error) {
	text := func(i int) string { return fmt.Sprint(args[i]) }
	number := func(i int) int64 { return args[i].(int64) }
	name, at := d.name(query)
	if err := d.fail(name); err != nil {
		return sqldbtest.Result{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now().UnixMilli()
	var key [2]string
	var r *row
	if at >= 0 {
		key = [2]string{text(at), text(at + 1)}
		r = d.rows[key]
	}
	if d.before != nil {
		d.before(name, key, r)
	}
	one := sqldbtest.Result{Affected: 1}
	switch name {
	case "insert":
		if r != nil {
			return sqldbtest.Result{}, nil
		}
		d.rows[key] = &row{state: "queued", next: now, receipt: text(2), digest: text(3), enqueuedAt: now, changed: now}
		if c.InTx {
			d.undo[c] = append([]func(){func() { delete(d.rows, key) }}, d.undo[c]...)
		}
		return one, nil
	case "digest":
		return sqldbtest.Result{Rows: [][]any{{r.digest}}}, nil
	case "due":
		var keys [][2]string
		for k, r := range d.rows {
			if k[0] == text(0) && r.next <= now {
				keys = append(keys, k)
			}
		}
		sort.Slice(keys, func(i, j int) bool { return d.rows[keys[i]].next < d.rows[keys[j]].next })
		var found sqldbtest.Result
		for _, k := range keys[:min(len(keys), int(number(1)))] {
			found.Rows = append(found.Rows, []any{k[1]})
		}
		return found, nil
	case "claim":
		if r == nil || r.next > now {
			return sqldbtest.Result{}, nil
		}
		d.change(c, r)
		d.claimed[key[1]]++
		r.lease, r.next = text(0), now+number(1)
		if r.state == "queued" || r.documentID == "" {
			r.submissions++
		}
		return one, nil
	case "save", "saveByState":
		if r == nil || (name == "save" && r.lease != text(12)) || (name == "saveByState" && r.state != text(12)) {
			return sqldbtest.Result{}, nil
		}
		d.change(c, r)
		if r.state != text(0) {
			r.changed = now
		}
		if number(1) == 0 {
			r.attentionAt = 0
		} else if r.attentionAt == 0 {
			r.attentionAt = now
		}
		r.next = never
		if number(2) != 0 {
			r.next = now + number(3)
		}
		r.state, r.lease, r.documentID, r.document, r.failures, r.attention, r.lastError = text(4), "", text(5), text(6), number(7), text(8), text(9)
		return one, nil
	case "get":
		return d.found(now, func(k [2]string, _ *row) bool { return k == key }), nil
	case "byDocument":
		return d.found(now, func(k [2]string, r *row) bool { return k[0] == text(0) && r.documentID == text(1) }), nil
	case "waiting":
		return d.found(now, func(k [2]string, r *row) bool { return r.attentionAt > number(0) }), nil
	case "stuck":
		return d.found(now, func(k [2]string, r *row) bool { return r.attentionAt == 0 && r.next <= now-number(0) }), nil
	case "retry":
		if r == nil || r.state == "printed" {
			return sqldbtest.Result{}, nil
		}
		r.lease, r.next, r.attention, r.attentionAt, r.failures = "", now, "", 0, 0
		if r.state == "failed" {
			r.state = "queued"
		}
		return one, nil
	case "shut":
		if r == nil || r.state == "printed" {
			return sqldbtest.Result{}, nil
		}
		r.state, r.lease, r.next, r.attention, r.attentionAt, r.lastError = "failed", "", never, "", 0, text(0)
		return one, nil
	case "resolve":
		if r == nil || r.state != "printed" {
			return sqldbtest.Result{}, nil
		}
		r.attention, r.attentionAt, r.lastError = "", 0, text(0)
		return one, nil
	case "count":
		counts := map[[2]string][]any{}
		for k, r := range d.rows {
			group := [2]string{k[0], r.state}
			if counts[group] == nil {
				counts[group] = []any{k[0], r.state, int64(0), int64(0), r.enqueuedAt, now}
			}
			counts[group][2] = counts[group][2].(int64) + 1
			if r.attentionAt > 0 {
				counts[group][3] = counts[group][3].(int64) + 1
			}
		}
		var found sqldbtest.Result
		for _, c := range counts {
			found.Rows = append(found.Rows, c)
		}
		return found, nil
	case "clean":
		var n int64
		for k, r := range d.rows {
			if n < number(1) && !State(r.state).Open() && r.attentionAt == 0 && r.changed < now-number(0) {
				delete(d.rows, k)
				n++
			}
		}
		return sqldbtest.Result{Affected: n}, nil
	}
	if len(args) > 0 {
		note := text(0)
		d.notes = append(d.notes, note)
		if c.InTx {
			n := len(d.notes) - 1
			d.undo[c] = append([]func(){func() { d.notes = d.notes[:n] }}, d.undo[c]...)
		}
	}
	return one, nil
}

// name is the statement's, and where its arguments have the key, or -1.
func (d *database) name(query string) (string, int) {
	s := d.sql
	switch query {
	case s.insert:
		return "insert", 0
	case s.digest:
		return "digest", 0
	case s.due:
		return "due", -1
	case s.claim:
		return "claim", 2
	case s.get:
		return "get", 0
	case s.byDocument:
		return "byDocument", -1
	case s.save:
		return "save", 10
	case s.saveByState:
		return "saveByState", 10
	case s.waiting:
		return "waiting", -1
	case s.stuck:
		return "stuck", -1
	case s.count:
		return "count", -1
	case s.retry:
		return "retry", 0
	case s.resolve:
		return "resolve", 1
	case s.shut:
		return "shut", 1
	case s.clean:
		return "clean", -1
	}
	return "other", -1
}

func (d *database) found(now int64, want func(key [2]string, r *row) bool) (found sqldbtest.Result) {
	for k, r := range d.rows {
		if want(k, r) {
			found.Rows = append(found.Rows, []any{k[0], k[1], r.state, r.next, r.receipt, r.documentID, r.document, r.submissions, r.failures,
				r.attention, r.attentionAt, r.lastError, r.enqueuedAt, r.changed, now})
		}
	}
	return found
}
