// Package dbtest runs sqlinbox, fiscal/queue and tochka/sqlledger over real databases: SQLite
// always, PostgreSQL and MySQL or MariaDB when their addresses are set.
//
//	ACQUIRING_POSTGRES_DSN=postgres://postgres@127.0.0.1:5432/test?sslmode=disable
//	ACQUIRING_MYSQL_DSN=root@tcp(127.0.0.1:3306)/test
//	ACQUIRING_TEST_SECONDS=3   how long each loop of kill -9 goes on
package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := replica(role); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// place is where a test keeps its tables: a database, and a name of their own.
type place struct {
	dialect sqlinbox.Dialect
	driver  string
	dsn     string
	prefix  string
}

func (p place) table(name string) string { return p.prefix + name }

// bind writes a statement with ? for the database.
func (p place) bind(statement string) string { return p.dialect.Bind(statement) }

func (p place) open() (*sql.DB, error) { return sql.Open(p.driver, p.dsn) }

// over runs the test on each database.
func over(t *testing.T, test func(t *testing.T, p place)) {
	prefix := "t" + strconv.FormatUint(rand.Uint64N(1<<40), 36) + "_"
	t.Run("SQLite", func(t *testing.T) {
		// The busy timeout is short on purpose: the packages wait by themselves.
		file := "file:" + filepath.Join(t.TempDir(), "shop.db") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(20)"
		test(t, place{sqlinbox.SQLite, "sqlite", file, prefix})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		dsn := os.Getenv("ACQUIRING_POSTGRES_DSN")
		if dsn == "" {
			t.Skip("ACQUIRING_POSTGRES_DSN is not set: PostgreSQL is not tested")
		}
		p := place{sqlinbox.PostgreSQL, "pgx", dsn, prefix}
		t.Cleanup(func() { drop(t, p) })
		test(t, p)
	})
	t.Run("MySQL", func(t *testing.T) {
		dsn := os.Getenv("ACQUIRING_MYSQL_DSN")
		if dsn == "" {
			t.Skip("ACQUIRING_MYSQL_DSN is not set: MySQL and MariaDB are not tested")
		}
		p := place{sqlinbox.MySQL, "mysql", dsn, prefix}
		t.Cleanup(func() { drop(t, p) })
		test(t, p)
	})
}

func drop(t *testing.T, p place) {
	db, err := p.open()
	require.NoError(t, err)
	defer db.Close()
	for _, name := range []string{"inbox", "ledger", "accounts", "receipts", "tochka"} {
		_, err := db.Exec("DROP TABLE IF EXISTS " + p.table(name))
		require.NoError(t, err)
	}
}

// shop is the program's own side: a ledger without a unique index, so that
// nothing but the Inbox keeps it right, and the accounts that it adds up to.
type shop struct {
	place
	db *sql.DB
}

const accounts = 4

func newShop(t *testing.T, p place) *shop {
	t.Helper()
	db, err := p.open()
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	s := &shop{p, db}
	inbox := s.inbox(t, db)
	require.NoError(t, inbox.Migrate(t.Context()))
	require.NoError(t, inbox.Migrate(t.Context()), "twice")
	engine := ""
	if p.dialect == sqlinbox.MySQL {
		engine = " ENGINE=InnoDB"
	}
	for _, statement := range []string{
		"CREATE TABLE " + p.table("ledger") + " (news VARCHAR(190) NOT NULL, kopecks BIGINT NOT NULL)" + engine,
		"CREATE TABLE " + p.table("accounts") + " (id INT PRIMARY KEY, kopecks BIGINT NOT NULL)" + engine,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	for id := range accounts {
		_, err := db.Exec(p.bind("INSERT INTO "+p.table("accounts")+" (id, kopecks) VALUES (?, 0)"), id)
		require.NoError(t, err)
	}
	return s
}

func (p place) newInbox(db *sql.DB, opts ...sqlinbox.Option) (*sqlinbox.Inbox, error) {
	return sqlinbox.New(db, p.dialect, append([]sqlinbox.Option{sqlinbox.Table(p.table("inbox")), sqlinbox.Logger(quiet)}, opts...)...)
}

func (p place) inbox(t *testing.T, db *sql.DB, opts ...sqlinbox.Option) *sqlinbox.Inbox {
	t.Helper()
	inbox, err := p.newInbox(db, opts...)
	require.NoError(t, err)
	return inbox
}

func (p place) newQueue(db *sql.DB, opts ...queue.Option) (*queue.Queue, error) {
	return queue.New(db, p.dialect, append([]queue.Option{queue.Table(p.table("receipts")), queue.Logger(quiet)}, opts...)...)
}

// credit posts the news to the ledger and to an account, in process's own
// transaction.
func (p place) credit(ctx context.Context, key string, account int, kopecks int64) error {
	tx := sqlinbox.Tx(ctx)
	if _, err := tx.ExecContext(ctx, p.bind("INSERT INTO "+p.table("ledger")+" (news, kopecks) VALUES (?, ?)"), key, kopecks); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, p.bind("UPDATE "+p.table("accounts")+" SET kopecks = kopecks + ? WHERE id = ?"), kopecks, account)
	return err
}

func (s *shop) number(t *testing.T, query string, args ...any) int64 {
	t.Helper()
	var n int64
	require.NoError(t, s.db.QueryRow(s.bind(query), args...).Scan(&n))
	return n
}

func (s *shop) credits(t *testing.T, key string) int64 {
	t.Helper()
	return s.number(t, "SELECT COUNT(*) FROM "+s.table("ledger")+" WHERE news = ?", key)
}

func (s *shop) marks(t *testing.T) int64 {
	t.Helper()
	return s.number(t, "SELECT COUNT(*) FROM "+s.table("inbox"))
}

// balanced checks that each of the news is credited once and the accounts say
// the same.
func (s *shop) balanced(t *testing.T, news int, kopecks int64) {
	t.Helper()
	require.EqualValues(t, news, s.number(t, "SELECT COUNT(*) FROM "+s.table("ledger")), "credits")
	require.EqualValues(t, news, s.number(t, "SELECT COUNT(DISTINCT news) FROM "+s.table("ledger")), "news credited")
	require.EqualValues(t, news, s.marks(t), "marks")
	require.Equal(t, kopecks, s.number(t, "SELECT COALESCE(SUM(kopecks), 0) FROM "+s.table("ledger")), "the ledger")
	require.Equal(t, kopecks, s.number(t, "SELECT SUM(kopecks) FROM "+s.table("accounts")), "the accounts")
}

// connector is the driver's own, for wrapping.
func (p place) connector() (driver.Connector, error) {
	db, err := p.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if d, ok := db.Driver().(driver.DriverContext); ok {
		return d.OpenConnector(p.dsn)
	}
	return plainConnector{db.Driver(), p.dsn}, nil
}

type plainConnector struct {
	driver driver.Driver
	dsn    string
}

func (c plainConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c plainConnector) Driver() driver.Driver                        { return c.driver }

func testSeconds() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("ACQUIRING_TEST_SECONDS")); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return 3 * time.Second
}
