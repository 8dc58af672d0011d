package store

import (
	"context"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Client is a customer of the training centre (клиент).
type Client struct {
	ID        int64
	Name      string
	Phone     string
	Email     string
	Note      string
	LinkSalt  string // his secret link is made of it and of the CRM's key
	LinkHash  string
	CreatedAt time.Time
	Balance   money.Amount // the sum of his postings
}

const clientColumns = `c.id, c.name, c.phone, c.email, c.note, c.link_salt, c.link_hash, c.created_at,
	COALESCE((SELECT SUM(p.amount) FROM postings p WHERE p.client_id = c.id), 0) FROM clients c`

func readClient(r scanner) (Client, error) {
	var c Client
	var created int64
	err := r.Scan(&c.ID, &c.Name, &c.Phone, &c.Email, &c.Note, &c.LinkSalt, &c.LinkHash, &created, &c.Balance)
	c.CreatedAt = moment(created)
	return c, err
}

// AddClient stores a client.
func (s *Store) AddClient(ctx context.Context, db DB, c Client) (int64, error) {
	return added(ctx, db, `INSERT INTO clients (name, phone, email, note, link_salt, link_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		c.Name, c.Phone, c.Email, c.Note, c.LinkSalt, c.LinkHash, millis(s.Now()))
}

// SaveClient stores a client's name, contacts, note and link.
func (s *Store) SaveClient(ctx context.Context, db DB, c Client) error {
	_, err := db.ExecContext(ctx, `UPDATE clients SET name = $1, phone = $2, email = $3, note = $4, link_salt = $5, link_hash = $6 WHERE id = $7`,
		c.Name, c.Phone, c.Email, c.Note, c.LinkSalt, c.LinkHash, c.ID)
	return err
}

// Client reads a client with his balance.
func (s *Store) Client(ctx context.Context, db DB, id int64) (Client, error) {
	return one(ctx, db, readClient, `SELECT `+clientColumns+` WHERE c.id = $1`, id)
}

// ClientByLink finds a client by the hash of his secret link.
func (s *Store) ClientByLink(ctx context.Context, db DB, hash string) (Client, error) {
	return one(ctx, db, readClient, `SELECT `+clientColumns+` WHERE c.link_hash = $1`, hash)
}

// Clients lists the clients by name. The search is done by the caller:
// lower-casing Cyrillic is beyond SQLite.
func (s *Store) Clients(ctx context.Context, db DB) ([]Client, error) {
	return list(ctx, db, readClient, `SELECT `+clientColumns+` ORDER BY c.name, c.id`)
}

// The kinds of postings.
const (
	PostedPayment = "payment" // оплата
	PostedRefund  = "refund"  // возврат
	PostedCharge  = "charge"  // списание за занятия
)

// Posting is a line of a client's book (проводка).
type Posting struct {
	ID        int64
	Key       string // there once, for ever
	ClientID  int64
	Kind      string
	Amount    money.Amount // plus: to the client's balance
	ShopID    int64
	AttemptID int64
	CashDesk  int64
	PayType   int64
	Article   int64
	Note      string
	Author    string
	CreatedAt time.Time

	InvoiceID    int64 // the following are read only
	ClientName   string
	CashDeskName string
	PayTypeName  string
	ArticleName  string
}

// orNull is the number for a column that refers to nothing when it is 0.
func orNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// Post writes a posting. One with the same key that is there already stays as
// it is, and posted is false.
func (s *Store) Post(ctx context.Context, db DB, p Posting) (posted bool, err error) {
	result, err := db.ExecContext(ctx, `INSERT INTO postings (key, client_id, kind, amount, shop_id, attempt_id, cash_desk_id, pay_type_id, article_id, note, author, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (key) DO NOTHING`,
		p.Key, p.ClientID, p.Kind, p.Amount, orNull(p.ShopID), orNull(p.AttemptID), orNull(p.CashDesk), orNull(p.PayType), orNull(p.Article), p.Note, p.Author, millis(s.Now()))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// PostingFilter narrows Postings; zero fields do not narrow.
type PostingFilter struct {
	ClientID int64
	From, To time.Time // From <= t < To
	Limit    int
}

// Postings lists postings, newest first.
func (s *Store) Postings(ctx context.Context, db DB, f PostingFilter) ([]Posting, error) {
	to := millis(f.To)
	if to == 0 {
		to = 1 << 62
	}
	limit := f.Limit
	if limit == 0 {
		limit = 1 << 31
	}
	return list(ctx, db, func(r scanner) (Posting, error) {
		var p Posting
		var created int64
		err := r.Scan(&p.ID, &p.Key, &p.ClientID, &p.Kind, &p.Amount, &p.ShopID, &p.AttemptID, &p.Note, &p.Author, &created,
			&p.InvoiceID, &p.ClientName, &p.CashDeskName, &p.PayTypeName, &p.ArticleName)
		p.CreatedAt = moment(created)
		return p, err
	}, `SELECT p.id, p.key, p.client_id, p.kind, p.amount, COALESCE(p.shop_id, 0), COALESCE(p.attempt_id, 0), p.note, p.author, p.created_at,
		COALESCE(a.invoice_id, 0), c.name, COALESCE(d.name, ''), COALESCE(t.name, ''), COALESCE(i.name, '')
		FROM postings p JOIN clients c ON c.id = p.client_id LEFT JOIN attempts a ON a.id = p.attempt_id
		LEFT JOIN dictionary d ON d.id = p.cash_desk_id LEFT JOIN dictionary t ON t.id = p.pay_type_id LEFT JOIN dictionary i ON i.id = p.article_id
		WHERE ($1 = 0 OR p.client_id = $1) AND p.created_at >= $2 AND p.created_at < $3 ORDER BY p.id DESC LIMIT $4`,
		f.ClientID, millis(f.From), to, limit)
}

// Totals are the sums of a dashboard.
type Totals struct {
	Payments, Refunds, Balances money.Amount
	Count                       int // of payments
}

// Totals sums the postings since a moment, and all balances.
func (s *Store) Totals(ctx context.Context, db DB, since time.Time) (t Totals, err error) {
	err = db.QueryRowContext(ctx, `SELECT
		COALESCE(SUM(CASE WHEN kind = 'payment' AND created_at >= $1 THEN amount ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN kind = 'refund' AND created_at >= $1 THEN -amount ELSE 0 END), 0),
		COALESCE(SUM(amount), 0),
		COALESCE(SUM(CASE WHEN kind = 'payment' AND created_at >= $1 THEN 1 ELSE 0 END), 0) FROM postings`, millis(since)).
		Scan(&t.Payments, &t.Refunds, &t.Balances, &t.Count)
	return t, err
}

// Entry is a line of the journal.
type Entry struct {
	ID        int64
	At        time.Time
	Actor     string // a user's login, "банк", "клиент", "система"
	Event     string
	Subject   string // "client", "invoice", "shop"
	SubjectID int64
	Text      string
	Before    string
	After     string
}

// Write writes a line of the journal. It must hold no secret.
func (s *Store) Write(ctx context.Context, db DB, e Entry) error {
	_, err := db.ExecContext(ctx, `INSERT INTO journal (at, actor, event, subject, subject_id, text, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		millis(s.Now()), e.Actor, e.Event, e.Subject, e.SubjectID, clean(e.Text), clean(e.Before), clean(e.After))
	return err
}

// Journal lists the newest lines, of one subject or ("") of all, older than a
// line's number (0: from the newest).
func (s *Store) Journal(ctx context.Context, db DB, subject string, id, before int64, limit int) ([]Entry, error) {
	query := `SELECT id, at, actor, event, subject, subject_id, text, before, after FROM journal WHERE ($1 = '' OR (subject = $1 AND subject_id = $2)) AND ($3 = 0 OR id < $3) ORDER BY id DESC LIMIT ` + strconv.Itoa(limit)
	return list(ctx, db, func(r scanner) (Entry, error) {
		var e Entry
		var at int64
		err := r.Scan(&e.ID, &at, &e.Actor, &e.Event, &e.Subject, &e.SubjectID, &e.Text, &e.Before, &e.After)
		e.At = moment(at)
		return e, err
	}, query, subject, id, before)
}
