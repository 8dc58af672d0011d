package sqlledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/sqldb/sqldbtest"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/sqlledger"
)

// table is a database of one table: what real ones do is tested in the module
// webhook/sqlinbox/dbtest.
type table struct {
	rows  map[string][]any // as SELECT gives them, by the four columns of the key
	fault func(query string) (after bool, err error)
}

func (*table) Connect() error               { return nil }
func (*table) Begin(*sqldbtest.Conn) error  { return nil }
func (*table) Commit(*sqldbtest.Conn) error { return nil }
func (*table) Rollback(*sqldbtest.Conn)     {}

func (d *table) Do(_ context.Context, _ *sqldbtest.Conn, query string, args []any) (sqldbtest.Result, error) {
	after, fault := false, error(nil)
	if d.fault != nil {
		after, fault = d.fault(query)
	}
	if fault != nil && !after {
		return sqldbtest.Result{}, fault
	}
	var out sqldbtest.Result
	switch word, _, _ := strings.Cut(query, " "); word {
	case "INSERT":
		if key := fmt.Sprint(args[:4]); d.rows[key] == nil {
			d.rows[key] = append(append([]any{}, args[:8]...), args[9], args[10])
			out.Affected = 1
		}
	case "SELECT":
		if len(args) == 4 {
			if row := d.rows[fmt.Sprint(args)]; row != nil {
				out.Rows = append(out.Rows, row)
			}
			break
		}
		for _, row := range d.rows {
			if byID := strings.Contains(query, "bank_id = "); row[0] == args[0] && row[1] == args[1] && (byID && row[6] == args[2] || !byID && row[2] == args[2]) {
				out.Rows = append(out.Rows, row)
			}
		}
	case "UPDATE":
		if row := d.rows[fmt.Sprint(args[5:])]; row != nil {
			copy(row[4:9], args[:5])
		}
	case "DELETE":
		out.Affected = 1
		if len(args) == 4 {
			delete(d.rows, fmt.Sprint(args))
		}
	}
	return out, fault
}

func open(t testing.TB, opts ...sqlledger.Option) (*sqlledger.Ledger, *table) {
	d := &table{rows: map[string][]any{}}
	db := sqldbtest.Open(d)
	t.Cleanup(func() { _ = db.Close() })
	l, err := sqlledger.New(db, sqlledger.PostgreSQL, opts...)
	require.NoError(t, err)
	return l, d
}

var refund = tochka.LedgerEntry{Shop: "tea", Kind: tochka.LedgerRefund, Payment: "op-1", Key: "r-1", Amount: 40000, Seen: []string{"1"}, Owner: "a", At: time.Unix(0, 1767225600123456789)}

func TestEntries(t *testing.T) {
	l, _ := open(t)
	require.NoError(t, l.Migrate(t.Context()))
	old, err := l.Begin(t.Context(), refund)
	require.NoError(t, err)
	assert.Nil(t, old)
	old, err = l.Begin(t.Context(), refund)
	require.NoError(t, err)
	assert.Equal(t, &refund, old, "the same entry of the same owner begun again is not ours")

	done := refund
	done.ID = "9"
	require.NoError(t, l.Save(t.Context(), done))
	found, err := l.ByID(t.Context(), "tea", tochka.LedgerRefund, "9")
	require.NoError(t, err)
	assert.Equal(t, &done, found)
	for _, id := range []string{"", "10"} {
		none, err := l.ByID(t.Context(), "tea", tochka.LedgerRefund, id)
		require.NoError(t, err)
		assert.Nil(t, none)
	}
	all, err := l.OfPayment(t.Context(), "tea", tochka.LedgerRefund, "op-1")
	require.NoError(t, err)
	assert.Equal(t, []tochka.LedgerEntry{done}, all)
	require.NoError(t, l.Forget(t.Context(), refund))
	all, err = l.OfPayment(t.Context(), "tea", tochka.LedgerRefund, "op-1")
	require.NoError(t, err)
	assert.Empty(t, all)
	n, err := l.Cleanup(t.Context(), sqlledger.MinimumAge)
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)
}

// pgError is an error as the drivers of PostgreSQL show it.
type pgError string

func (e pgError) Error() string    { return "ERROR (SQLSTATE " + string(e) + ")" }
func (e pgError) SQLState() string { return string(e) }

// TestLostAnswerOfBegin: the row is there and nobody said so; trying again
// finds that it is our own.
func TestLostAnswerOfBegin(t *testing.T) {
	l, d := open(t)
	n := 0
	d.fault = func(query string) (bool, error) {
		if strings.HasPrefix(query, "INSERT") {
			if n++; n == 1 {
				return true, pgError("40001")
			}
		}
		return false, nil
	}
	old, err := l.Begin(t.Context(), refund)
	require.NoError(t, err)
	assert.Nil(t, old, "it is ours to carry out")
	assert.Equal(t, 2, n)
}

// TestForgottenBetween: an entry that another process forgets between our INSERT
// and our SELECT is begun anew.
func TestForgottenBetween(t *testing.T) {
	l, d := open(t)
	_, err := l.Begin(t.Context(), refund)
	require.NoError(t, err)
	d.fault = func(query string) (bool, error) {
		if strings.HasPrefix(query, "SELECT") {
			clear(d.rows)
			d.fault = nil
		}
		return false, nil
	}
	old, err := l.Begin(t.Context(), refund)
	require.NoError(t, err)
	assert.Nil(t, old)
	assert.Len(t, d.rows, 1)
}

func TestDatabaseDown(t *testing.T) {
	l, d := open(t)
	down := errors.New("no space left")
	d.fault = func(string) (bool, error) { return false, down }
	_, begin := l.Begin(t.Context(), refund)
	_, list := l.OfPayment(t.Context(), "tea", "refund", "op-1")
	_, byID := l.ByID(t.Context(), "tea", "refund", "9")
	_, clean := l.Cleanup(t.Context(), sqlledger.MinimumAge)
	for _, err := range []error{begin, list, byID, clean, l.Save(t.Context(), refund), l.Forget(t.Context(), refund), l.Migrate(t.Context())} {
		require.ErrorIs(t, err, down)
		assert.ErrorContains(t, err, "sqlledger")
	}
}

func TestNewRefuses(t *testing.T) {
	db := sqldbtest.Open(&table{})
	t.Cleanup(func() { _ = db.Close() })
	for field, make := range map[string]func() error{
		"db":      func() error { _, err := sqlledger.New(nil, sqlledger.SQLite); return err },
		"dialect": func() error { _, err := sqlledger.New(db, 0); return err },
		"Table":   func() error { _, err := sqlledger.New(db, sqlledger.MySQL, sqlledger.Table("a;b")); return err },
	} {
		err := make()
		require.ErrorIs(t, err, acquiring.ErrInvalid, field)
		assert.ErrorContains(t, err, field)
	}
	l, _ := open(t)
	long := refund
	long.Key = strings.Repeat("k", 256)
	_, err := l.Begin(t.Context(), long)
	require.ErrorIs(t, err, acquiring.ErrInvalid)
	require.ErrorIs(t, l.Save(t.Context(), long), acquiring.ErrInvalid)
	_, err = l.Cleanup(t.Context(), time.Hour)
	require.ErrorIs(t, err, acquiring.ErrInvalid)
}

func TestSchema(t *testing.T) {
	for d, want := range map[sqlledger.Dialect]string{sqlledger.PostgreSQL: `"acquiring_tochka_ledger_bank_id"`, sqlledger.SQLite: `"acquiring_tochka_ledger_bank_id"`, sqlledger.MySQL: "ENGINE=InnoDB"} {
		assert.Contains(t, sqlledger.Schema(d), want)
		assert.Contains(t, sqlledger.Schema(d), "CREATE TABLE IF NOT EXISTS")
	}
	l, _ := open(t, sqlledger.Table("shop.ledger"))
	assert.Contains(t, l.Schema(), `"shop"."ledger"`)
}

// A refund asked for twice, as after a restart: the second time the ledger
// knows it.
func Example() {
	ctx := context.Background()
	db := sqldbtest.Open(&table{rows: map[string][]any{}}) // in your program: sql.Open("pgx", dsn)
	defer db.Close()

	ledger, err := sqlledger.New(db, sqlledger.PostgreSQL)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := ledger.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}
	// In your program tochka.Config.Ledger is the ledger, and the client begins.
	for range 2 {
		asked, err := ledger.Begin(ctx, tochka.LedgerEntry{Shop: "tea", Kind: tochka.LedgerRefund, Payment: "op-1", Key: "refund-1", Amount: 40000, At: time.Now()})
		fmt.Println("asked before:", asked != nil, err)
	}
	// Output:
	// asked before: false <nil>
	// asked before: true <nil>
}
