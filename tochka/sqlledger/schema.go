package sqlledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring/internal/sqldb"
)

// Schema is the SQL that makes the table of [DefaultTable], for your own
// migrations; it changes nothing where the table is there already.
func Schema(d Dialect) string { return script(statements(d, DefaultTable)) }

// Schema is the SQL that Migrate runs, with this Ledger's own table.
func (l *Ledger) Schema() string { return script(statements(l.dialect, l.table)) }

func script(statements []string) string { return strings.Join(statements, ";\n") + ";\n" }

// Migrate creates the table and its index where they are missing. Replicas may
// call it at the same time, at each start.
func (l *Ledger) Migrate(ctx context.Context) error {
	if err := l.dialect.Migrate(ctx, l.db, l.table, statements(l.dialect, l.table)); err != nil {
		return fmt.Errorf("sqlledger: creating %s: %w", l.table, err)
	}
	return nil
}

func statements(d Dialect, table string) []string {
	name, index := d.Quote(table), d.Index(table, "_bank_id")
	create := "CREATE TABLE IF NOT EXISTS " + name + " (\n" +
		"  shop " + d.IndexColumn(maxShop, false) + ",\n" +
		"  kind " + d.IndexColumn(maxKind, true) + ",\n" +
		"  payment " + d.IndexColumn(maxPayment, true) + ",\n" +
		"  entry_key " + d.IndexColumn(maxKey, false) + ", -- the shop's own number\n" +
		"  amount BIGINT NOT NULL, -- kopecks\n" +
		"  seen TEXT NOT NULL, -- JSON\n" +
		"  bank_id " + d.IndexColumn(maxID, true) + ", -- empty: the outcome is not known\n" +
		"  owner " + d.IndexColumn(maxOwner, false) + ",\n" +
		"  began_at BIGINT NOT NULL, -- Unix nanoseconds\n" +
		"  asked_at BIGINT NOT NULL, -- Unix nanoseconds\n" +
		"  token " + d.IndexColumn(32, true) + ", -- of the INSERT\n" +
		"  PRIMARY KEY (shop, kind, payment, entry_key)"
	if d == MySQL {
		// An index of its own statement cannot be IF NOT EXISTS in MySQL.
		return []string{create + ",\n  INDEX " + index + " (shop, kind, bank_id)\n) ENGINE=InnoDB"}
	}
	on := name
	if _, own, dotted := strings.Cut(table, "."); dotted && d == SQLite {
		on = d.Quote(own) // SQLite finds the schema by the index
	}
	return []string{create + "\n)", "CREATE INDEX IF NOT EXISTS " + index + " ON " + on + " (shop, kind, bank_id)"}
}

// queries are the statements with the table's name in them.
type queries struct{ insert, get, save, forget, ofPayment, byID, cleanup string }

func newQueries(d sqldb.Dialect, table string) queries {
	name := d.Quote(table)
	const columns = "shop, kind, payment, entry_key, amount, seen, bank_id, owner, asked_at, token"
	const one = " WHERE shop = ? AND kind = ? AND payment = ? AND entry_key = ?"
	q := queries{
		insert:    "INSERT INTO " + name + " (shop, kind, payment, entry_key, amount, seen, bank_id, owner, began_at, asked_at, token) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		get:       "SELECT " + columns + " FROM " + name + one,
		save:      "UPDATE " + name + " SET amount = ?, seen = ?, bank_id = ?, owner = ?, asked_at = ?" + one,
		forget:    "DELETE FROM " + name + one,
		ofPayment: "SELECT " + columns + " FROM " + name + " WHERE shop = ? AND kind = ? AND payment = ? ORDER BY began_at, entry_key",
		byID:      "SELECT " + columns + " FROM " + name + " WHERE shop = ? AND kind = ? AND bank_id = ? ORDER BY began_at LIMIT 1",
		cleanup:   "DELETE FROM " + name + " WHERE asked_at < ?",
	}
	if d == MySQL {
		q.insert += " ON DUPLICATE KEY UPDATE entry_key = entry_key"
	} else {
		q.insert += " ON CONFLICT (shop, kind, payment, entry_key) DO NOTHING"
	}
	for _, s := range []*string{&q.insert, &q.get, &q.save, &q.forget, &q.ofPayment, &q.byID, &q.cleanup} {
		*s = d.Bind(*s)
	}
	return q
}
