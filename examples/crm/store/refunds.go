package store

import (
	"context"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// The states of a refund.
const (
	RefundNew     = "new"     // the provider is being asked
	RefundPending = "pending" // accepted, not executed yet
	RefundDone    = "done"
	RefundFailed  = "failed"
	RefundUnclear = "unknown" // asked, and the answer was lost
)

// Refund is money given back (возврат).
type Refund struct {
	ID         int64
	AttemptID  int64
	Form       string // the form that asked for it
	Key        string // acquiring.RefundRequest.Key
	Amount     money.Amount
	Reason     string
	Status     string
	ProviderID string
	Receipt    string // fiscal.Receipt as JSON; "": none
	Trouble    string
	Author     string
	CreatedAt  time.Time
}

const refundColumns = `id, attempt_id, form, key, amount, reason, status, provider_id, receipt, trouble, author, created_at FROM refunds`

func readRefund(r scanner) (Refund, error) {
	var x Refund
	var created int64
	err := r.Scan(&x.ID, &x.AttemptID, &x.Form, &x.Key, &x.Amount, &x.Reason, &x.Status, &x.ProviderID, &x.Receipt, &x.Trouble, &x.Author, &created)
	x.CreatedAt = moment(created)
	return x, err
}

// AddRefund stores a refund before the provider is asked.
func (s *Store) AddRefund(ctx context.Context, db DB, x Refund) (int64, error) {
	return added(ctx, db, `INSERT INTO refunds (attempt_id, form, key, amount, reason, status, receipt, author, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
		x.AttemptID, x.Form, x.Key, x.Amount, x.Reason, x.Status, x.Receipt, x.Author, millis(s.Now()))
}

// SaveRefund stores what became of a refund.
func (s *Store) SaveRefund(ctx context.Context, db DB, x Refund) error {
	_, err := db.ExecContext(ctx, `UPDATE refunds SET status = $1, provider_id = $2, trouble = $3 WHERE id = $4`, x.Status, x.ProviderID, clean(x.Trouble), x.ID)
	return err
}

// Refund reads a refund.
func (s *Store) Refund(ctx context.Context, db DB, id int64) (Refund, error) {
	return one(ctx, db, readRefund, `SELECT `+refundColumns+` WHERE id = $1`, id)
}

// RefundByForm finds the refund that a form asked for already.
func (s *Store) RefundByForm(ctx context.Context, db DB, form string) (Refund, error) {
	return one(ctx, db, readRefund, `SELECT `+refundColumns+` WHERE form = $1`, form)
}

// Refunds lists an attempt's refunds.
func (s *Store) Refunds(ctx context.Context, db DB, attempt int64) ([]Refund, error) {
	return list(ctx, db, readRefund, `SELECT `+refundColumns+` WHERE attempt_id = $1 ORDER BY id`, attempt)
}

// The states of a receipt.
const (
	ReceiptWaiting = "waiting"
	ReceiptPrinted = "printed"
	ReceiptFailed  = "failed"
)

// Receipt is a fiscal receipt (чек) of a payment or of a refund.
type Receipt struct {
	ID        int64
	AttemptID int64
	ReceiptID string // fiscal.Receipt.ID
	PrintedBy string
	Type      int // fiscal.Settlement
	Total     money.Amount
	Body      string // fiscal.Receipt as JSON
	State     string
	Fiscal    string // fiscal.FiscalData as JSON; "": not printed
	Trouble   string
	CreatedAt time.Time
	PrintedAt time.Time
	Asked     int
	AskAt     time.Time // when the acquirer is asked for it next
}

const receiptColumns = `id, attempt_id, receipt_id, printed_by, type, total, body, state, fiscal, trouble, created_at, printed_at, asked, ask_at FROM receipts`

func readReceipt(r scanner) (Receipt, error) {
	var x Receipt
	var created, printed, ask int64
	err := r.Scan(&x.ID, &x.AttemptID, &x.ReceiptID, &x.PrintedBy, &x.Type, &x.Total, &x.Body, &x.State, &x.Fiscal, &x.Trouble, &created, &printed, &x.Asked, &ask)
	x.CreatedAt, x.PrintedAt, x.AskAt = moment(created), moment(printed), moment(ask)
	return x, err
}

// AddReceipt stores a receipt to be printed; one with the same ReceiptID that
// is there already stays as it is, and added is false.
func (s *Store) AddReceipt(ctx context.Context, db DB, x Receipt) (added bool, err error) {
	result, err := db.ExecContext(ctx, `INSERT INTO receipts (attempt_id, receipt_id, printed_by, type, total, body, state, created_at, ask_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
		ON CONFLICT (receipt_id) DO NOTHING`, x.AttemptID, x.ReceiptID, x.PrintedBy, x.Type, x.Total, x.Body, ReceiptWaiting, millis(s.Now()))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// SaveReceipt stores what became of a receipt.
func (s *Store) SaveReceipt(ctx context.Context, db DB, x Receipt) error {
	_, err := db.ExecContext(ctx, `UPDATE receipts SET state = $1, fiscal = $2, trouble = $3, printed_at = $4, asked = $5, ask_at = $6 WHERE id = $7`,
		x.State, x.Fiscal, clean(x.Trouble), millis(x.PrintedAt), x.Asked, millis(x.AskAt), x.ID)
	return err
}

// AgainReceipt lets a receipt that failed wait again; false: it has not failed.
func (s *Store) AgainReceipt(ctx context.Context, db DB, id int64) (bool, error) {
	return s.moveReceipt(ctx, db, id, ReceiptFailed, ReceiptWaiting, "")
}

// FailReceipt takes AgainReceipt back, unless the receipt has moved on.
func (s *Store) FailReceipt(ctx context.Context, db DB, id int64, trouble string) error {
	_, err := s.moveReceipt(ctx, db, id, ReceiptWaiting, ReceiptFailed, trouble)
	return err
}

func (s *Store) moveReceipt(ctx context.Context, db DB, id int64, from, to, trouble string) (bool, error) {
	result, err := db.ExecContext(ctx, `UPDATE receipts SET state = $1, trouble = $2, asked = 0, ask_at = $3 WHERE id = $4 AND state = $5`, to, trouble, millis(s.Now()), id, from)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// Receipt reads a receipt.
func (s *Store) Receipt(ctx context.Context, db DB, id int64) (Receipt, error) {
	return one(ctx, db, readReceipt, `SELECT `+receiptColumns+` WHERE id = $1`, id)
}

// ReceiptByNumber finds a receipt by fiscal.Receipt.ID.
func (s *Store) ReceiptByNumber(ctx context.Context, db DB, number string) (Receipt, error) {
	return one(ctx, db, readReceipt, `SELECT `+receiptColumns+` WHERE receipt_id = $1`, number)
}

// Receipts lists an attempt's receipts.
func (s *Store) Receipts(ctx context.Context, db DB, attempt int64) ([]Receipt, error) {
	return list(ctx, db, readReceipt, `SELECT `+receiptColumns+` WHERE attempt_id = $1 ORDER BY id`, attempt)
}

// ReceiptsToAsk lists those that an acquirer prints and is to be asked for now.
func (s *Store) ReceiptsToAsk(ctx context.Context, db DB, limit int) ([]Receipt, error) {
	return list(ctx, db, readReceipt, `SELECT `+receiptColumns+` WHERE state = 'waiting' AND printed_by = 'acquirer' AND ask_at <= $1 ORDER BY ask_at LIMIT $2`, millis(s.Now()), limit)
}
