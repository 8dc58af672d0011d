package store

import (
	"context"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Invoice is what a client is asked to pay (счёт).
type Invoice struct {
	ID          int64
	Short       string // of the short link /p/…
	ShopID      int64
	ClientID    int64
	Amount      money.Amount
	Description string
	Status      acquiring.Status // of the attempt that counts
	Hold        bool
	Author      string
	CreatedAt   time.Time
	PaidAt      time.Time

	ShopName   string // the following are read only
	Provider   string
	ClientName string
	Captured   money.Amount
	Refunded   money.Amount
}

const invoiceColumns = `i.id, i.short, i.shop_id, i.client_id, i.amount, i.description, i.status, i.hold, i.author, i.created_at, i.paid_at,
	s.name, s.provider, c.name,
	COALESCE((SELECT SUM(a.captured) FROM attempts a WHERE a.invoice_id = i.id), 0), COALESCE((SELECT SUM(a.refunded) FROM attempts a WHERE a.invoice_id = i.id), 0)
	FROM invoices i JOIN shops s ON s.id = i.shop_id JOIN clients c ON c.id = i.client_id`

func readInvoice(r scanner) (Invoice, error) {
	var i Invoice
	var status string
	var created, paid int64
	err := r.Scan(&i.ID, &i.Short, &i.ShopID, &i.ClientID, &i.Amount, &i.Description, &status, &i.Hold, &i.Author, &created, &paid,
		&i.ShopName, &i.Provider, &i.ClientName, &i.Captured, &i.Refunded)
	if err != nil {
		return i, err
	}
	i.CreatedAt, i.PaidAt = moment(created), moment(paid)
	return i, i.Status.UnmarshalText([]byte(status))
}

// AddInvoice stores an invoice.
func (s *Store) AddInvoice(ctx context.Context, db DB, i Invoice) (int64, error) {
	return added(ctx, db, `INSERT INTO invoices (short, shop_id, client_id, amount, description, status, hold, author, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
		i.Short, i.ShopID, i.ClientID, i.Amount, i.Description, i.Status.String(), i.Hold, i.Author, millis(s.Now()))
}

// SetInvoiceStatus stores where the invoice stands; paid is when it was paid.
func (s *Store) SetInvoiceStatus(ctx context.Context, db DB, id int64, status acquiring.Status, paid time.Time) error {
	_, err := db.ExecContext(ctx, `UPDATE invoices SET status = $1, paid_at = CASE WHEN paid_at = 0 THEN $2 ELSE paid_at END WHERE id = $3`, status.String(), millis(paid), id)
	return err
}

// Invoice reads an invoice.
func (s *Store) Invoice(ctx context.Context, db DB, id int64) (Invoice, error) {
	return one(ctx, db, readInvoice, `SELECT `+invoiceColumns+` WHERE i.id = $1`, id)
}

// LockInvoice holds the invoice's row until the transaction ends.
func (s *Store) LockInvoice(ctx context.Context, db DB, id int64) error {
	var n int64
	return db.QueryRowContext(ctx, `SELECT id FROM invoices WHERE id = $1`+s.locked(), id).Scan(&n)
}

// InvoiceByShort finds an invoice by its short link.
func (s *Store) InvoiceByShort(ctx context.Context, db DB, short string) (Invoice, error) {
	return one(ctx, db, readInvoice, `SELECT `+invoiceColumns+` WHERE i.short = $1`, short)
}

// InvoiceFilter narrows Invoices; zero fields do not narrow.
type InvoiceFilter struct {
	ClientID, ShopID int64
	Status           string
	Before           int64 // numbers below
	Limit            int
}

// Invoices lists invoices, newest first.
func (s *Store) Invoices(ctx context.Context, db DB, f InvoiceFilter) ([]Invoice, error) {
	if f.Limit == 0 {
		f.Limit = 1 << 31
	}
	return list(ctx, db, readInvoice, `SELECT `+invoiceColumns+` WHERE ($1 = 0 OR i.client_id = $1) AND ($2 = 0 OR i.shop_id = $2) AND ($3 = '' OR i.status = $3) AND ($4 = 0 OR i.id < $4)
		ORDER BY i.id DESC LIMIT $5`, f.ClientID, f.ShopID, f.Status, f.Before, f.Limit)
}

// The states of an attempt's order at the provider.
const (
	Creating = "creating" // the provider is being asked; a crash leaves it so
	Unclear  = "unknown"  // asked, and the answer was lost
	Issued   = "issued"
	Refused  = "refused" // the provider did not take it
)

// Attempt is one order at a provider to pay an invoice.
type Attempt struct {
	ID             int64
	InvoiceID      int64
	ShopID         int64
	N              int
	OrderID        string
	PaymentID      acquiring.PaymentID
	State          string
	Status         acquiring.Status
	ProviderStatus string
	Amount         money.Amount
	Captured       money.Amount
	Refunded       money.Amount
	Method         string
	Card           string
	PayURL         string
	QR             string
	Trouble        string
	Receipt        string // fiscal.Receipt of the sale as JSON; "": none
	PrintedBy      string // who prints it, as Settings.ReceiptBy was when the attempt was made
	CreatedAt      time.Time
	ExpiresAt      time.Time
	Open           bool // the poller asks for it
}

// Left is what can still be given back.
func (a Attempt) Left() money.Amount { return a.Captured - a.Refunded }

const attemptColumns = `id, invoice_id, shop_id, n, order_id, payment_id, state, status, provider_status, amount, captured, refunded, method, card, pay_url, qr, trouble, receipt, printed_by, created_at, expires_at, open FROM attempts`

func readAttempt(r scanner) (Attempt, error) {
	var a Attempt
	var status string
	var created, expires int64
	err := r.Scan(&a.ID, &a.InvoiceID, &a.ShopID, &a.N, &a.OrderID, &a.PaymentID, &a.State, &status, &a.ProviderStatus, &a.Amount, &a.Captured, &a.Refunded,
		&a.Method, &a.Card, &a.PayURL, &a.QR, &a.Trouble, &a.Receipt, &a.PrintedBy, &created, &expires, &a.Open)
	if err != nil {
		return a, err
	}
	a.CreatedAt, a.ExpiresAt = moment(created), moment(expires)
	return a, a.Status.UnmarshalText([]byte(status))
}

// AddAttempt stores an attempt before the provider is asked.
func (s *Store) AddAttempt(ctx context.Context, db DB, a Attempt) (int64, error) {
	return added(ctx, db, `INSERT INTO attempts (invoice_id, shop_id, n, order_id, state, status, amount, receipt, printed_by, created_at, open) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id`,
		a.InvoiceID, a.ShopID, a.N, a.OrderID, a.State, a.Status.String(), a.Amount, a.Receipt, a.PrintedBy, millis(s.Now()), a.Open)
}

// SaveAttempt stores all that changes in an attempt.
func (s *Store) SaveAttempt(ctx context.Context, db DB, a Attempt) error {
	_, err := db.ExecContext(ctx, `UPDATE attempts SET payment_id = $1, state = $2, status = $3, provider_status = $4, captured = $5, refunded = $6, method = $7, card = $8,
		pay_url = $9, qr = $10, trouble = $11, expires_at = $12, open = $13 WHERE id = $14`,
		string(a.PaymentID), a.State, a.Status.String(), clean(a.ProviderStatus), a.Captured, a.Refunded, clean(a.Method), clean(a.Card), a.PayURL, a.QR, clean(a.Trouble), millis(a.ExpiresAt), a.Open, a.ID)
	return err
}

// Attempt reads an attempt.
func (s *Store) Attempt(ctx context.Context, db DB, id int64) (Attempt, error) {
	return one(ctx, db, readAttempt, `SELECT `+attemptColumns+` WHERE id = $1`, id)
}

// LockAttempt reads an attempt and holds its row until the transaction ends.
func (s *Store) LockAttempt(ctx context.Context, db DB, id int64) (Attempt, error) {
	return one(ctx, db, readAttempt, `SELECT `+attemptColumns+` WHERE id = $1`+s.locked(), id)
}

// AttemptByOrder finds an attempt by its order number.
func (s *Store) AttemptByOrder(ctx context.Context, db DB, orderID string) (Attempt, error) {
	return one(ctx, db, readAttempt, `SELECT `+attemptColumns+` WHERE order_id = $1`, orderID)
}

// AttemptByPayment finds an attempt by the provider's number.
func (s *Store) AttemptByPayment(ctx context.Context, db DB, shop int64, id acquiring.PaymentID) (Attempt, error) {
	return one(ctx, db, readAttempt, `SELECT `+attemptColumns+` WHERE shop_id = $1 AND payment_id = $2 ORDER BY id DESC LIMIT 1`, shop, string(id))
}

// Attempts lists an invoice's attempts, the first one first.
func (s *Store) Attempts(ctx context.Context, db DB, invoice int64) ([]Attempt, error) {
	return list(ctx, db, readAttempt, `SELECT `+attemptColumns+` WHERE invoice_id = $1 ORDER BY n`, invoice)
}

// OpenAttempts lists the attempts whose end is not known, by number after the
// given one.
func (s *Store) OpenAttempts(ctx context.Context, db DB, after int64, limit int) ([]Attempt, error) {
	return list(ctx, db, readAttempt, `SELECT `+attemptColumns+` WHERE open AND id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// CountTroubled counts what a person should look at.
func (s *Store) CountTroubled(ctx context.Context, db DB) (n int, err error) {
	err = db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM attempts WHERE state = 'unknown') + (SELECT COUNT(*) FROM refunds WHERE status = 'unknown') + (SELECT COUNT(*) FROM receipts WHERE state = 'failed')`).Scan(&n)
	return n, err
}
