package sqlinbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/sqldb"
)

// Schema is the SQL that makes the table of [DefaultTable], for your own
// migrations; it changes nothing where the table is there already.
func Schema(d Dialect) string { return script(statements(d, DefaultTable)) }

// Schema is the SQL that Migrate runs, with this Inbox's own table.
func (i *Inbox) Schema() string { return script(statements(i.dialect, i.table)) }

func script(statements []string) string { return strings.Join(statements, ";\n") + ";\n" }

func statements(d Dialect, table string) []string {
	name, index := d.Quote(table), d.Index(table, "_done_at")
	key := d.IndexColumn(maxKey, true)
	if d == MySQL {
		// An index of its own statement cannot be IF NOT EXISTS in MySQL.
		return []string{fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n"+
			"  news_key %s, -- long ones end with ~ and their SHA-256\n"+
			"  done_at BIGINT NOT NULL, -- Unix milliseconds\n"+
			"  PRIMARY KEY (news_key),\n"+
			"  INDEX %s (done_at)\n"+
			") ENGINE=InnoDB", name, key, index)}
	}
	on := name
	if _, own, dotted := strings.Cut(table, "."); dotted && d == SQLite {
		on = d.Quote(own) // SQLite finds the schema by the index
	}
	return []string{
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n"+
			"  news_key %s, -- long ones end with ~ and their SHA-256\n"+
			"  done_at BIGINT NOT NULL, -- Unix milliseconds\n"+
			"  PRIMARY KEY (news_key)\n"+
			")", name, key),
		fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s (done_at)", index, on),
	}
}

// Migrate creates the table and its index where they are missing. Replicas may
// call it at the same time, at each start.
func (i *Inbox) Migrate(ctx context.Context) error {
	if err := i.dialect.Migrate(ctx, i.db, i.table, statements(i.dialect, i.table)); err != nil {
		return fmt.Errorf("sqlinbox: creating %s: %w", i.table, err)
	}
	return nil
}

// MinimumAge is the least that Cleanup accepts.
const MinimumAge = 24 * time.Hour

// cleanupBatch is how many marks one statement deletes: few enough to hold
// nobody up.
const cleanupBatch = 1000

// Cleanup forgets what was done longer ago than olderThan, by the database's
// clock, in small batches, and returns how many marks went. Replicas may do so
// at the same time.
//
// News that comes again after its mark was forgotten is processed again, so
// olderThan must exceed every provider's repetitions, the Poller's GiveUpAfter,
// and the time in which somebody may press "send again" in the bank's cabinet:
// 90 days are a good choice, and a million marks take some 100 MB. Less than
// [MinimumAge] is acquiring.ErrInvalid.
func (i *Inbox) Cleanup(ctx context.Context, olderThan time.Duration) (int64, error) {
	if olderThan < MinimumAge {
		return 0, acquiring.InOp("", "sqlinbox.Cleanup", acquiring.Invalid("olderThan", "is "+olderThan.String()+", and must be at least "+MinimumAge.String()+": news that comes again would be processed again"))
	}
	var all int64
	for {
		var n int64
		err := i.dialect.Retry(ctx, func(ctx context.Context) error {
			result, err := i.db.ExecContext(ctx, i.sql.cleanup, olderThan.Milliseconds(), cleanupBatch)
			if err == nil {
				n, err = result.RowsAffected()
			}
			return err
		})
		if err != nil {
			return all, fmt.Errorf("sqlinbox: cleaning up: %w", err)
		}
		all += n
		if n < cleanupBatch {
			return all, nil
		}
	}
}

// queries are the statements with the table's name in them.
type queries struct{ mark, look, cleanup string }

func newQueries(d sqldb.Dialect, table string) queries {
	name, now := d.Quote(table), d.Now()
	q := queries{
		look:    "SELECT 1 FROM " + name + " WHERE news_key = ?",
		cleanup: "DELETE FROM " + name + " WHERE news_key IN (SELECT news_key FROM " + name + " WHERE done_at < " + now + " - ? ORDER BY done_at LIMIT ?)",
	}
	switch d {
	case PostgreSQL:
		// The lock is taken before the row is written, so nobody waits here.
		q.mark = "INSERT INTO " + name + " (news_key, done_at) SELECT ?, " + now + " WHERE pg_try_advisory_xact_lock(?) ON CONFLICT (news_key) DO NOTHING"
		// What another replica is deleting just now is left to it.
		q.cleanup = strings.Replace(q.cleanup, " LIMIT ?)", " LIMIT ? FOR UPDATE SKIP LOCKED)", 1)
	case MySQL:
		q.mark = "INSERT IGNORE INTO " + name + " (news_key, done_at) VALUES (?, " + now + ")"
		q.cleanup = "DELETE FROM " + name + " WHERE done_at < " + now + " - ? ORDER BY done_at LIMIT ?"
	default:
		q.mark = "INSERT INTO " + name + " (news_key, done_at) VALUES (?, " + now + ") ON CONFLICT (news_key) DO NOTHING"
	}
	q.mark, q.look, q.cleanup = d.Bind(q.mark), d.Bind(q.look), d.Bind(q.cleanup)
	return q
}
