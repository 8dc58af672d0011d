package sqldb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/sqldb"
	"github.com/acquiring-go/acquiring/internal/sqldb/sqldbtest"
)

type pgError string

func (e pgError) Error() string    { return "ERROR (SQLSTATE " + string(e) + ")" }
func (e pgError) SQLState() string { return string(e) }

type sqliteError int

func (e sqliteError) Error() string { return fmt.Sprintf("sqlite (%d)", int(e)) }
func (e sqliteError) Code() int     { return int(e) }

func TestFaultOf(t *testing.T) {
	all := []sqldb.Dialect{sqldb.PostgreSQL, sqldb.MySQL, sqldb.SQLite}
	for _, test := range []struct {
		err  error
		in   []sqldb.Dialect
		want sqldb.Fault
	}{
		{nil, all, sqldb.Final},
		{errors.New("no stock"), all, sqldb.Final},
		{context.DeadlineExceeded, all, sqldb.Final}, // a net.Error too
		{fmt.Errorf("timeout: %w", context.Canceled), all, sqldb.Final},
		{sql.ErrNoRows, all, sqldb.Final},
		{driver.ErrBadConn, all, sqldb.Lost},
		{sql.ErrConnDone, all, sqldb.Lost},
		{fmt.Errorf("receive: %w", io.ErrUnexpectedEOF), all, sqldb.Lost},
		{io.EOF, all, sqldb.Lost},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, all, sqldb.Lost},

		{pgError("40001"), all[:1], sqldb.Conflict},
		{fmt.Errorf("credit: %w", pgError("40P01")), all[:1], sqldb.Conflict},
		{pgError("55P03"), all[:1], sqldb.Conflict},
		{pgError("08006"), all[:1], sqldb.Lost},
		{pgError("57P01"), all[:1], sqldb.Lost},
		{pgError("53300"), all[:1], sqldb.Lost},
		{pgError("57014"), all[:1], sqldb.Final},
		{pgError("23505"), all[:1], sqldb.Final},
		{errors.New("conn closed"), all[:1], sqldb.Lost},

		{errors.New("Error 1213 (40001): Deadlock found when trying to get lock"), all[1:2], sqldb.Conflict},
		{errors.New("credit: Error 1205: Lock wait timeout exceeded"), all[1:2], sqldb.Conflict},
		{errors.New("ERROR 1213 (40001): Deadlock"), all[1:2], sqldb.Conflict},
		{errors.New("the error is here: Error 2013 (HY000): Lost connection"), all[1:2], sqldb.Lost},
		{errors.New("invalid connection"), all[1:2], sqldb.Lost},
		{errors.New("Error 1062 (23000): Duplicate entry 'Error 1213'"), all[1:2], sqldb.Final},
		{errors.New("Error 12130 times"), all[1:2], sqldb.Final},
		{errors.New("Error 1213"), all[1:2], sqldb.Final},

		{sqliteError(5), all[2:], sqldb.Conflict},
		{sqliteError(517), all[2:], sqldb.Conflict}, // SQLITE_BUSY_SNAPSHOT
		{sqliteError(6), all[2:], sqldb.Conflict},
		{sqliteError(19), all[2:], sqldb.Final},
		{errors.New("database is locked"), all[2:], sqldb.Conflict},
		{errors.New("no such table"), all[2:], sqldb.Final},
	} {
		for _, d := range test.in {
			assert.Equal(t, test.want, d.FaultOf(test.err), "%s: %v", d, test.err)
		}
	}
	assert.Equal(t, sqldb.Final, sqldb.Dialect(0).FaultOf(pgError("40001")))
}

func TestNames(t *testing.T) {
	for _, name := range []string{"inbox", "_a1", "shop.inbox", strings.Repeat("x", 48)} {
		assert.NoError(t, sqldb.CheckTable(name), name)
	}
	for _, name := range []string{"", ".", "a.", ".a", "a.b.c", "Inbox", "1a", "in box", `in"box`, "in`box", "inbox;--", "кассa", strings.Repeat("x", 49)} {
		assert.Error(t, sqldb.CheckTable(name), name)
	}
	assert.Equal(t, `"shop"."inbox"`, sqldb.PostgreSQL.Quote("shop.inbox"))
	assert.Equal(t, "`shop`.`inbox`", sqldb.MySQL.Quote("shop.inbox"))
	assert.Equal(t, `"inbox_at"`, sqldb.PostgreSQL.Index("shop.inbox", "_at"))
	assert.Equal(t, `"shop"."inbox_at"`, sqldb.SQLite.Index("shop.inbox", "_at"))
	assert.Equal(t, "a = $1 AND b = $2", sqldb.PostgreSQL.Bind("a = ? AND b = ?"))
	assert.Equal(t, "a = ?", sqldb.MySQL.Bind("a = ?"))
	assert.Equal(t, "PostgreSQL MySQL SQLite Dialect(9)", fmt.Sprint(sqldb.PostgreSQL, sqldb.MySQL, sqldb.SQLite, sqldb.Dialect(9)))
	assert.False(t, sqldb.Dialect(0).Valid() || sqldb.Dialect(4).Valid())
}

// server notes what is done, and fails as told.
type server struct {
	mu    sync.Mutex
	log   []string
	fails map[string]error
	delay time.Duration // of COMMIT
}

func (s *server) note(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
	return s.fails[what]
}

func (s *server) Connect() error               { return s.note("connect") }
func (s *server) Begin(*sqldbtest.Conn) error  { return s.note("begin") }
func (s *server) Rollback(*sqldbtest.Conn)     { _ = s.note("rollback") }
func (s *server) Commit(*sqldbtest.Conn) error { time.Sleep(s.delay); return s.note("commit") }
func (s *server) Do(_ context.Context, _ *sqldbtest.Conn, query string, _ []any) (sqldbtest.Result, error) {
	return sqldbtest.Result{}, s.note(query)
}

func TestTxn(t *testing.T) {
	begin := func(t *testing.T, ctx context.Context, s *server) (*sql.DB, *sqldb.Txn) {
		db := sqldbtest.Open(s)
		t.Cleanup(func() { db.Close() })
		txn, err := sqldb.Begin(ctx, db, nil)
		require.NoError(t, err)
		return db, txn
	}
	t.Run("commit", func(t *testing.T) {
		s := &server{}
		db, txn := begin(t, t.Context(), s)
		require.NoError(t, txn.Commit())
		txn.Rollback()
		assert.Equal(t, []string{"connect", "begin", "commit"}, s.log)
		assert.Equal(t, 1, db.Stats().Idle, "the connection is kept")
	})
	t.Run("rollback", func(t *testing.T) {
		s := &server{}
		db, txn := begin(t, t.Context(), s)
		txn.Rollback()
		txn.Rollback()
		assert.Equal(t, []string{"connect", "begin", "rollback"}, s.log)
		assert.Equal(t, 1, db.Stats().Idle)
	})
	t.Run("a commit that fails costs the connection", func(t *testing.T) {
		s := &server{fails: map[string]error{"commit": io.ErrUnexpectedEOF}}
		db, txn := begin(t, t.Context(), s)
		assert.ErrorIs(t, txn.Commit(), io.ErrUnexpectedEOF)
		assert.Zero(t, db.Stats().OpenConnections)
	})
	t.Run("the context rolls back", func(t *testing.T) {
		s := &server{}
		ctx, cancel := context.WithCancel(t.Context())
		db, txn := begin(t, ctx, s)
		cancel()
		err := txn.Commit()
		assert.ErrorIs(t, err, sqldb.ErrRolledBack)
		assert.ErrorIs(t, err, context.Canceled)
		assert.NotContains(t, s.log, "commit")
		assert.Zero(t, db.Stats().InUse)
	})
	t.Run("the context does not cut the commit off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{delay: time.Second}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond*500)
			defer cancel()
			db, txn := begin(t, ctx, s)
			assert.NoError(t, txn.Commit())
			assert.Error(t, ctx.Err())
			db.Close()
		})
	})
	t.Run("begin fails", func(t *testing.T) {
		s := &server{fails: map[string]error{"begin": pgError("57P01")}}
		db := sqldbtest.Open(s)
		defer db.Close()
		_, err := sqldb.Begin(t.Context(), db, nil)
		assert.ErrorIs(t, err, pgError("57P01"))
		assert.Zero(t, db.Stats().OpenConnections)
		s.fails = map[string]error{"connect": errors.New("refused")}
		_, err = sqldb.Begin(t.Context(), db, nil)
		assert.ErrorContains(t, err, "refused")
	})
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := sqldb.SQLite.Retry(t.Context(), func(context.Context) error {
			if tries++; tries < 4 {
				return sqliteError(5)
			}
			return nil
		})
		assert.NoError(t, err)
		assert.Equal(t, 4, tries)

		tries = 0
		err = sqldb.SQLite.Retry(t.Context(), func(context.Context) error { tries++; return sqliteError(5) })
		assert.ErrorIs(t, err, sqliteError(5))
		assert.Equal(t, 8, tries)

		tries = 0
		err = sqldb.SQLite.Retry(t.Context(), func(context.Context) error { tries++; return sqliteError(19) })
		assert.ErrorIs(t, err, sqliteError(19))
		assert.Equal(t, 1, tries)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.Error(t, sqldb.SQLite.Retry(ctx, func(context.Context) error { return sqliteError(5) }))
		assert.False(t, sqldb.Pause(ctx, 3))
	})
}

func TestMigrate(t *testing.T) {
	for d, want := range map[sqldb.Dialect][]string{
		sqldb.PostgreSQL: {"connect", "begin", "SELECT pg_advisory_xact_lock(hashtext($1))", "A", "B", "commit"},
		sqldb.SQLite:     {"connect", "begin", "A", "B", "commit"},
	} {
		s := &server{}
		db := sqldbtest.Open(s)
		require.NoError(t, d.Migrate(t.Context(), db, "inbox", []string{"A", "B"}))
		assert.Equal(t, want, s.log)
		s.fails = map[string]error{"B": errors.New("no rights")}
		assert.ErrorContains(t, d.Migrate(t.Context(), db, "inbox", []string{"A", "B"}), "no rights")
		assert.Equal(t, "rollback", s.log[len(s.log)-1])
		db.Close()
	}
}
