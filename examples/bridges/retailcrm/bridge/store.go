package bridge

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/sqldb"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL
	_ "modernc.org/sqlite"             // SQLite
)

// store is the bridge's database.
type store struct {
	db      *sql.DB
	dialect sqldb.Dialect
	inbox   *sqlinbox.Inbox
	now     func() time.Time
	locks   keyed
	wake    chan struct{} // something was put into the outbox
	watch   int           // days for which a paid invoice is asked for its refunds
}

// openStore opens the database and makes its tables.
func openStore(ctx context.Context, dsn string, now func() time.Time) (*store, error) {
	s := &store{dialect: sqldb.SQLite, now: now, wake: make(chan struct{}, 1)}
	driver := "sqlite"
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		s.dialect, driver = sqldb.PostgreSQL, "pgx"
	} else {
		// It holds API keys: nobody else is to read it.
		f, err := os.OpenFile(strings.TrimPrefix(dsn, "file:"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		dsn = "file:" + (&url.URL{Path: strings.TrimPrefix(dsn, "file:")}).EscapedPath() +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, errors.New("the database cannot be opened: its address is malformed")
	}
	s.db = db
	if s.inbox, err = sqlinbox.New(db, s.dialect, sqlinbox.Table("retailcrm_inbox")); err == nil {
		err = s.inbox.Migrate(ctx)
	}
	if err == nil {
		err = s.dialect.Migrate(ctx, db, "bridge", s.schema())
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

// schema of the bridge. Times are Unix milliseconds. Invoices are documents:
// what is searched for stands beside them in columns. is_open is 1 for one about
// which the bank has to be asked, 0 for one that is over, and for a paid one the
// time until which it is asked for its refunds.
func (s *store) schema() []string {
	serial := "INTEGER PRIMARY KEY AUTOINCREMENT"
	if s.dialect == sqldb.PostgreSQL {
		serial = "BIGSERIAL PRIMARY KEY"
	}
	return []string{
		`CREATE TABLE IF NOT EXISTS retailcrm_connections (client_id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, page TEXT NOT NULL UNIQUE,
			system_url TEXT NOT NULL UNIQUE, api_key TEXT NOT NULL, active BIGINT NOT NULL, frozen BIGINT NOT NULL,
			registered TEXT NOT NULL, created_at BIGINT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS retailcrm_shops (code TEXT PRIMARY KEY, hook TEXT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS retailcrm_invoices (payment_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, invoice_uuid TEXT NOT NULL,
			slug TEXT NOT NULL UNIQUE, is_open BIGINT NOT NULL, doc TEXT NOT NULL, created_at BIGINT NOT NULL, UNIQUE (client_id, invoice_uuid))`,
		`CREATE INDEX IF NOT EXISTS retailcrm_invoices_open ON retailcrm_invoices (is_open, created_at)`,
		`CREATE TABLE IF NOT EXISTS retailcrm_attempts (shop TEXT NOT NULL, order_id TEXT NOT NULL, provider_id TEXT NOT NULL,
			payment_id TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (shop, order_id))`,
		`CREATE INDEX IF NOT EXISTS retailcrm_attempts_provider ON retailcrm_attempts (shop, provider_id)`,
		`CREATE TABLE IF NOT EXISTS retailcrm_outbox (seq ` + serial + `, client_id TEXT NOT NULL, subject TEXT NOT NULL, lane TEXT NOT NULL,
			kind TEXT NOT NULL, body TEXT NOT NULL, tries BIGINT NOT NULL, next_at BIGINT NOT NULL, done_at BIGINT NOT NULL, error TEXT NOT NULL, created_at BIGINT NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS retailcrm_outbox_open ON retailcrm_outbox (done_at, next_at)`,
		`CREATE INDEX IF NOT EXISTS retailcrm_outbox_lane ON retailcrm_outbox (subject, lane, done_at)`,
		`CREATE TABLE IF NOT EXISTS retailcrm_notes (id ` + serial + `, client_id TEXT NOT NULL, shop TEXT NOT NULL, text TEXT NOT NULL, at BIGINT NOT NULL)`,
	}
}

func (s *store) close() error { return s.db.Close() }

// work is a transaction of the bridge.
type work struct {
	*sql.Tx
	s *store
}

// in makes a work of a transaction that somebody else began: the Inbox.
func (s *store) in(tx *sql.Tx) *work { return &work{Tx: tx, s: s} }

// do runs f in a transaction. A conflict runs it again, so f does nothing
// besides.
func (s *store) do(ctx context.Context, f func(w *work) error) error {
	return s.dialect.Retry(ctx, func(ctx context.Context) error {
		tx, err := sqldb.Begin(ctx, s.db, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := f(s.in(tx.Tx)); err != nil {
			return err
		}
		return tx.Commit()
	})
}

func (w *work) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	r, err := w.ExecContext(ctx, w.s.dialect.Bind(statement), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

var errNotFound = &acquiring.Error{Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeNotSent, Message: "нет такого счёта"}

// load reads an invoice for change: in PostgreSQL its row is locked, in SQLite
// the transaction has the only write lock anyway.
func (w *work) load(ctx context.Context, paymentID string) (*invoice, error) {
	q := "SELECT doc FROM retailcrm_invoices WHERE payment_id = ?"
	if w.s.dialect == sqldb.PostgreSQL {
		q += " FOR UPDATE"
	}
	return scan(w.QueryRowContext(ctx, w.s.dialect.Bind(q), paymentID))
}

func scan(row *sql.Row) (*invoice, error) {
	var doc string
	if err := row.Scan(&doc); errors.Is(err, sql.ErrNoRows) {
		return nil, errNotFound
	} else if err != nil {
		return nil, err
	}
	inv := &invoice{}
	return inv, json.Unmarshal([]byte(doc), inv)
}

// save writes it back, with the attempts that can be looked for.
func (w *work) save(ctx context.Context, inv *invoice) error {
	doc, err := json.Marshal(inv)
	if err != nil {
		return err
	}
	if _, err := w.exec(ctx, "UPDATE retailcrm_invoices SET doc = ?, is_open = ? WHERE payment_id = ?", string(doc), w.s.opened(inv), inv.PaymentID); err != nil {
		return err
	}
	for _, a := range inv.Attempts {
		if _, err := w.exec(ctx, `INSERT INTO retailcrm_attempts (shop, order_id, provider_id, payment_id, n) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (shop, order_id) DO UPDATE SET provider_id = excluded.provider_id`, inv.Shop, a.OrderID, string(a.ID), inv.PaymentID, a.N); err != nil {
			return err
		}
	}
	return nil
}

// opened is the invoice's is_open.
func (s *store) opened(inv *invoice) int64 {
	if inv.open() {
		return 1
	}
	if a, moved := inv.refundable(); a != nil {
		return moved.AddDate(0, 0, s.watch).UnixMilli()
	}
	return 0
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// change loads, changes and saves an invoice in one transaction, and returns
// what it became.
func (s *store) change(ctx context.Context, paymentID string, f func(w *work, inv *invoice) error) (*invoice, error) {
	var out *invoice
	err := s.do(ctx, func(w *work) error {
		inv, err := w.load(ctx, paymentID)
		if err != nil {
			return err
		}
		if err := f(w, inv); err != nil {
			return err
		}
		out = inv
		return w.save(ctx, inv)
	})
	if err != nil {
		return nil, err
	}
	s.awake()
	return out, nil
}

// insert stores a new invoice unless the connection has one of that
// invoiceUuid: then that one is returned.
func (s *store) insert(ctx context.Context, inv *invoice) (*invoice, error) {
	doc, err := json.Marshal(inv)
	if err != nil {
		return nil, err
	}
	n, err := s.db.ExecContext(ctx, s.dialect.Bind(`INSERT INTO retailcrm_invoices (payment_id, client_id, invoice_uuid, slug, is_open, doc, created_at)
		VALUES (?, ?, ?, ?, 0, ?, ?) ON CONFLICT (client_id, invoice_uuid) DO NOTHING`),
		inv.PaymentID, inv.ClientID, inv.InvoiceUUID, inv.Slug, string(doc), inv.CreatedAt.UnixMilli())
	if err != nil {
		return nil, err
	}
	if rows, err := n.RowsAffected(); err != nil || rows == 1 {
		return inv, err
	}
	return s.byUUID(ctx, inv.ClientID, inv.InvoiceUUID)
}

func (s *store) bySlug(ctx context.Context, slug string) (*invoice, error) {
	return scan(s.db.QueryRowContext(ctx, s.dialect.Bind("SELECT doc FROM retailcrm_invoices WHERE slug = ?"), slug))
}

func (s *store) byID(ctx context.Context, paymentID string) (*invoice, error) {
	return scan(s.db.QueryRowContext(ctx, s.dialect.Bind("SELECT doc FROM retailcrm_invoices WHERE payment_id = ?"), paymentID))
}

// find says whose attempt a bank's payment is: by the bank's number, or by the
// order's, which is known before the bank has answered.
func (w *work) find(ctx context.Context, shop string, id acquiring.PaymentID, orderID string) (paymentID string, n int, err error) {
	err = w.QueryRowContext(ctx, w.s.dialect.Bind(`SELECT payment_id, n FROM retailcrm_attempts WHERE shop = ? AND (provider_id = ? AND provider_id <> '' OR order_id = ?)
		ORDER BY CASE WHEN provider_id = ? THEN 0 ELSE 1 END LIMIT 1`), shop, string(id), orderID, string(id)).Scan(&paymentID, &n)
	if errors.Is(err, sql.ErrNoRows) {
		err = errNotFound
	}
	return paymentID, n, err
}

// openInvoices are those of a shop about which the bank has to be asked.
func (s *store) openInvoices(ctx context.Context, since time.Time) ([]*invoice, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.Bind("SELECT doc FROM retailcrm_invoices WHERE is_open = 1 AND created_at >= ? OR is_open > ? ORDER BY created_at"),
		since.UnixMilli(), s.now().UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*invoice
	for rows.Next() {
		var doc string
		inv := &invoice{}
		if err := rows.Scan(&doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(doc), inv); err != nil {
			return nil, err
		}
		all = append(all, inv)
	}
	return all, rows.Err()
}

// note tells a person of something that he should look at.
func (w *work) note(ctx context.Context, clientID, shop, text string) error {
	_, err := w.exec(ctx, "INSERT INTO retailcrm_notes (client_id, shop, text, at) VALUES (?, ?, ?, ?)", clientID, shop, text, w.s.now().UnixMilli())
	return err
}

// note is a line for a person.
type note struct {
	Shop, Text string
	At         time.Time
}

// notes are the last ones, newest first; clientID "": of all.
func (s *store) notes(ctx context.Context, clientID string, limit int) ([]note, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.Bind("SELECT shop, text, at FROM retailcrm_notes WHERE client_id = ? OR ? = '' ORDER BY id DESC LIMIT ?"), clientID, clientID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []note
	for rows.Next() {
		var n note
		var at int64
		if err := rows.Scan(&n.Shop, &n.Text, &at); err != nil {
			return nil, err
		}
		n.At = time.UnixMilli(at)
		out = append(out, n)
	}
	return out, rows.Err()
}

// lock keeps everybody else from working at the same subject while its money
// is moved: other goroutines, and with PostgreSQL other replicas. A program
// that is killed holds nothing.
func (s *store) lock(ctx context.Context, subject string) (unlock func(), err error) {
	release, err := s.locks.lock(ctx, subject)
	if err != nil || s.dialect != sqldb.PostgreSQL {
		return release, err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		release()
		return nil, err
	}
	for n := 0; ; n++ {
		var got bool
		err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock(hashtextextended($1, 7))", subject).Scan(&got)
		if err == nil && got {
			break
		}
		if err == nil && !sqldb.Pause(ctx, n) {
			err = context.Cause(ctx)
		}
		if err != nil {
			_ = conn.Close()
			release()
			return nil, err
		}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.ExecContext(ctx, "SELECT pg_advisory_unlock(hashtextextended($1, 7))", subject)
		_ = conn.Close()
		release()
	}, nil
}

// keyed are locks by name.
type keyed struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	free  chan struct{} // holds one token while nobody has the lock
	users int
}

func (k *keyed) lock(ctx context.Context, name string) (func(), error) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*turn{}
	}
	t := k.held[name]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		k.held[name] = t
	}
	t.users++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		if t.users--; t.users == 0 {
			delete(k.held, name)
		}
		k.mu.Unlock()
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}

func (s *store) byUUID(ctx context.Context, clientID, invoiceUUID string) (*invoice, error) {
	return scan(s.db.QueryRowContext(ctx, s.dialect.Bind("SELECT doc FROM retailcrm_invoices WHERE client_id = ? AND invoice_uuid = ?"), clientID, invoiceUUID))
}
