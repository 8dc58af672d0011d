package crm

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// Place is where the program keeps its tables: a database and a prefix of
// their names.
type Place struct {
	Dialect sqlinbox.Dialect
	Driver  string
	DSN     string
	Prefix  string
}

// SQLiteFile is a database in one file, for any number of processes.
func SQLiteFile(path, prefix string) Place {
	dsn := "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(2000)&_txlock=immediate"
	return Place{sqlinbox.SQLite, "sqlite", dsn, prefix}
}

// Postgres is a PostgreSQL database.
func Postgres(dsn, prefix string) Place { return Place{sqlinbox.PostgreSQL, "pgx", dsn, prefix} }

// MySQL is a MySQL or MariaDB database.
func MySQL(dsn, prefix string) Place { return Place{sqlinbox.MySQL, "mysql", dsn, prefix} }

// Open opens a pool of at most so many connections; 0: as many as it takes.
func (p Place) Open(connections int) (*sql.DB, error) {
	db, err := sql.Open(p.Driver, p.DSN)
	if err != nil {
		return nil, err
	}
	p.limit(db, connections)
	return db, nil
}

func (p Place) limit(db *sql.DB, connections int) {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(max(connections, 4))
}

// table names a table of this place.
func (p Place) table(name string) string { return p.Prefix + name }

// sql writes a statement for this place: {name} is a table, ? a value.
func (p Place) sql(statement string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(statement, "{")
		b.WriteString(before)
		if !found {
			return p.Dialect.Bind(b.String())
		}
		name, rest, _ := strings.Cut(after, "}")
		b.WriteString(p.table(name))
		statement = rest
	}
}

// lock ends a SELECT whose row is to be changed: SQLite has one writer at a
// time and knows no such words.
func (p Place) lock() string {
	if p.Dialect == sqlinbox.SQLite {
		return ""
	}
	return " FOR UPDATE"
}

// absent ends an INSERT that does nothing where the row is there already.
func (p Place) absent(key string) string {
	if p.Dialect == sqlinbox.MySQL {
		return " ON DUPLICATE KEY UPDATE " + key + " = " + key
	}
	return " ON CONFLICT DO NOTHING"
}

var tables = []string{"inbox", "receipts", "invoices", "ledger", "refunds", "holds", "printed", "kept", "deeds"}

// Migrate makes the tables.
func (p Place) Migrate(ctx context.Context, db *sql.DB) error {
	inbox, err := sqlinbox.New(db, p.Dialect, sqlinbox.Table(p.table("inbox")))
	if err != nil {
		return err
	}
	receipts, err := queue.New(db, p.Dialect, queue.Table(p.table("receipts")))
	if err != nil {
		return err
	}
	if err := inbox.Migrate(ctx); err != nil {
		return err
	}
	if err := receipts.Migrate(ctx); err != nil {
		return err
	}
	key, text, engine := "VARCHAR(190) NOT NULL", "TEXT NOT NULL", ""
	if p.Dialect == sqlinbox.MySQL {
		key, engine = "VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL", " ENGINE=InnoDB"
	}
	for _, statement := range []string{
		// One row for each attempt to pay an order: two links of one order are
		// two payments that may both come in.
		"CREATE TABLE IF NOT EXISTS {invoices} (number " + key + " PRIMARY KEY, provider " + key + ", kopecks BIGINT NOT NULL, payment " + key +
			", link " + text + ", status " + key + ", issued_at BIGINT NOT NULL)",
		"CREATE TABLE IF NOT EXISTS {ledger} (news " + key + ", number " + key + ", kopecks BIGINT NOT NULL)",
		"CREATE TABLE IF NOT EXISTS {refunds} (refund_key " + key + " PRIMARY KEY, number " + key + ", kopecks BIGINT NOT NULL, had BIGINT NOT NULL, made " + key + ", state " + key +
			", tries INT NOT NULL, free_at BIGINT NOT NULL, last_error " + text + ")",
		"CREATE TABLE IF NOT EXISTS {holds} (hold_key " + key + " PRIMARY KEY, number " + key + ", kopecks BIGINT NOT NULL, state " + key +
			", tries INT NOT NULL, free_at BIGINT NOT NULL, last_error " + text + ")",
		"CREATE TABLE IF NOT EXISTS {printed} (receipt " + key + ", state " + key + ")",
		"CREATE TABLE IF NOT EXISTS {kept} (name " + key + " PRIMARY KEY, content " + text + ")",
		"CREATE TABLE IF NOT EXISTS {deeds} (shop VARCHAR(40) NOT NULL, kind VARCHAR(10) NOT NULL, payment VARCHAR(64) NOT NULL, deed_key VARCHAR(64) NOT NULL," +
			" id VARCHAR(64) NOT NULL, entry " + text + ", made_at BIGINT NOT NULL, PRIMARY KEY (shop, kind, payment, deed_key))",
	} {
		if _, err := db.ExecContext(ctx, p.sql(statement)+engine); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Drop removes the tables.
func (p Place) Drop(ctx context.Context, db *sql.DB) error {
	for _, name := range tables {
		if _, err := db.ExecContext(ctx, "DROP TABLE IF EXISTS "+p.table(name)); err != nil {
			return err
		}
	}
	return nil
}
