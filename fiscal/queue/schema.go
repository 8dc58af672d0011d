package queue

import (
	"context"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring/internal/sqldb"
)

// Schema is the SQL that makes the table of [DefaultTable], for your own
// migrations; it changes nothing where the table is there already.
func Schema(d Dialect) string { return script(statements(d, DefaultTable)) }

// Schema is the SQL that Migrate runs, with this Queue's own table.
func (q *Queue) Schema() string { return script(statements(q.dialect, q.table)) }

func script(statements []string) string { return strings.Join(statements, ";\n") + ";\n" }

// never is the next_at of a receipt that is not worked at any more.
const never = int64(1) << 62

func statements(d Dialect, table string) []string {
	text := "TEXT NOT NULL"
	if d == MySQL {
		text = "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
	}
	columns := "" +
		"  register_name " + d.IndexColumn(maxRegister, false) + ",\n" +
		"  receipt_id " + d.IndexColumn(maxReceiptID, false) + ",\n" +
		"  state " + d.IndexColumn(8, true) + ", -- queued, sent, printed, failed\n" +
		"  next_at BIGINT NOT NULL, -- Unix milliseconds, as all times here\n" +
		"  lease " + d.IndexColumn(32, true) + ", -- of the replica that works at it until next_at\n" +
		"  receipt " + text + ", -- fiscal.Receipt as JSON\n" +
		"  digest " + d.IndexColumn(64, true) + ", -- SHA-256 of the receipt as it was enqueued\n" +
		"  document_id " + d.IndexColumn(maxDocumentID, false) + ", -- at the service\n" +
		"  document " + text + ", -- fiscal.Document as JSON\n" +
		"  submissions INT NOT NULL,\n" +
		"  failures INT NOT NULL, -- in a row\n" +
		"  attention " + text + ", -- why a person must look\n" +
		"  attention_at BIGINT NOT NULL, -- 0: nobody need\n" +
		"  last_error " + text + ",\n" +
		"  enqueued_at BIGINT NOT NULL,\n" +
		"  changed_at BIGINT NOT NULL, -- when it came into this state\n" +
		"  PRIMARY KEY (register_name, receipt_id)"
	indexes := [][2]string{{"_next", "register_name, next_at"}, {"_attention", "attention_at"}, {"_document", "register_name, document_id"}, {"_changed", "changed_at"}}
	create := "CREATE TABLE IF NOT EXISTS " + d.Quote(table) + " (\n" + columns
	if d == MySQL {
		// An index of its own statement cannot be IF NOT EXISTS in MySQL.
		for _, i := range indexes {
			create += ",\n  INDEX " + d.Index(table, i[0]) + " (" + i[1] + ")"
		}
		return []string{create + "\n) ENGINE=InnoDB"}
	}
	on := d.Quote(table)
	if _, own, dotted := strings.Cut(table, "."); dotted && d == SQLite {
		on = d.Quote(own) // SQLite finds the schema by the index
	}
	all := []string{create + "\n)"}
	for _, i := range indexes {
		all = append(all, "CREATE INDEX IF NOT EXISTS "+d.Index(table, i[0])+" ON "+on+" ("+i[1]+")")
	}
	return all
}

// Migrate creates the table and its indexes where they are missing. Replicas
// may call it at the same time, at each start.
func (q *Queue) Migrate(ctx context.Context) error {
	if err := q.dialect.Migrate(ctx, q.db, q.table, statements(q.dialect, q.table)); err != nil {
		return fmt.Errorf("queue: creating %s: %w", q.table, err)
	}
	return nil
}

// queries are the statements with the table's name in them.
type queries struct {
	insert, digest              string // of Enqueue
	due, claim, get, byDocument string
	save, saveByState           string
	waiting, stuck, count       string
	retry, resolve, shut, clean string
}

const columns = "register_name, receipt_id, state, next_at, receipt, document_id, document, submissions, failures, attention, attention_at, last_error, enqueued_at, changed_at"

func newQueries(d sqldb.Dialect, table string) queries {
	name, now := d.Quote(table), d.Now()
	const key = " WHERE register_name = ? AND receipt_id = ?"
	read := "SELECT " + columns + ", " + now + " FROM " + name
	set := "UPDATE " + name + " SET changed_at = CASE WHEN state = ? THEN changed_at ELSE " + now + " END, " +
		"attention_at = CASE WHEN ? = 0 THEN 0 WHEN attention_at > 0 THEN attention_at ELSE " + now + " END, " +
		"next_at = CASE WHEN ? = 0 THEN " + fmt.Sprint(never) + " ELSE " + now + " + ? END, " +
		"state = ?, lease = '', document_id = ?, document = ?, failures = ?, attention = ?, last_error = ?" + key
	old := " WHERE state IN ('printed', 'failed') AND attention_at = 0 AND changed_at < " + now + " - ? ORDER BY changed_at LIMIT ?"
	q := queries{
		insert: "INSERT INTO " + name + " (" + columns + ", lease, digest) VALUES (?, ?, 'queued', " + now + ", ?, '', '', 0, 0, '', 0, '', " + now + ", " + now + ", '', ?)",
		digest: "SELECT digest FROM " + name + key,

		due: "SELECT receipt_id FROM " + name + " WHERE register_name = ? AND next_at <= " + now + " ORDER BY next_at LIMIT ?",
		claim: "UPDATE " + name + " SET lease = ?, next_at = " + now + " + ?, " +
			"submissions = submissions + CASE WHEN state = 'queued' OR document_id = '' THEN 1 ELSE 0 END" + key + " AND next_at <= " + now,
		get:         read + key,
		byDocument:  read + " WHERE register_name = ? AND document_id = ?",
		save:        set + " AND lease = ?",
		saveByState: set + " AND state = ?",

		waiting: read + " WHERE attention_at > 0 AND (attention_at > ? OR (attention_at = ? AND (register_name > ? OR (register_name = ? AND receipt_id > ?))))" +
			" ORDER BY attention_at, register_name, receipt_id LIMIT ?",
		stuck: read + " WHERE attention_at = 0 AND next_at <= " + now + " - ? AND (register_name > ? OR (register_name = ? AND receipt_id > ?))" +
			" ORDER BY register_name, receipt_id LIMIT ?",
		count: "SELECT register_name, state, COUNT(*), SUM(CASE WHEN attention_at > 0 THEN 1 ELSE 0 END), MIN(enqueued_at), " + now + " FROM " + name +
			" GROUP BY register_name, state ORDER BY register_name, state",

		retry: "UPDATE " + name + " SET changed_at = " + now + ", next_at = " + now + ", lease = '', failures = 0, attention = '', attention_at = 0, " +
			"state = CASE WHEN state = 'failed' THEN 'queued' ELSE state END" + key + " AND state <> 'printed'",
		resolve: "UPDATE " + name + " SET attention = '', attention_at = 0, last_error = ?" + key + " AND state = 'printed'",
		shut: "UPDATE " + name + " SET changed_at = " + now + ", next_at = " + fmt.Sprint(never) + ", lease = '', attention = '', attention_at = 0, last_error = ?, state = 'failed'" +
			key + " AND state <> 'printed'",
		clean: "DELETE FROM " + name + " WHERE (register_name, receipt_id) IN (SELECT register_name, receipt_id FROM " + name + old + ")",
	}
	switch d {
	case PostgreSQL:
		// What another replica is deleting just now is left to it.
		q.clean = strings.TrimSuffix(q.clean, ")") + " FOR UPDATE SKIP LOCKED)"
	case MySQL:
		q.clean = "DELETE FROM " + name + old
	}
	if d == MySQL {
		q.insert += " ON DUPLICATE KEY UPDATE receipt_id = receipt_id"
		q.digest += " LOCK IN SHARE MODE" // what was committed since this transaction first read
	} else {
		q.insert += " ON CONFLICT (register_name, receipt_id) DO NOTHING"
	}
	for _, s := range []*string{&q.insert, &q.digest, &q.due, &q.claim, &q.get, &q.byDocument, &q.save, &q.saveByState, &q.waiting, &q.stuck, &q.count, &q.retry, &q.resolve, &q.shut, &q.clean} {
		*s = d.Bind(*s)
	}
	return q
}
