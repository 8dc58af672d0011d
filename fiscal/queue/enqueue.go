package queue

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// Tx is a *sql.Tx, or whatever else runs statements: *sql.DB, *sql.Conn.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Enqueue puts the receipt into the queue of the register, through tx: in
// webhook's process sqlinbox.Tx(ctx), so that the receipt is queued if and only
// if the payment is credited. A nil tx is the Queue's own database.
//
// The same receipt again is a success and changes nothing. Another receipt
// under an ID that the register's queue knows is acquiring.ErrConflict.
// acquiring.ErrInvalid are an ID of other than 1 to 128 characters, a register's
// name of other than 1 to 64, control characters and outer spaces in them, and a
// receipt of more than 1 MiB of JSON; what else is wrong with a receipt is told
// by the register, and then it is a person's business (NeedsAttention), not a
// reason to lose the credit: call Receipt.Validate when the order is made.
//
// A zero SoldAt becomes now, because the VAT rates are those of the sale and
// not of the day on which the register is reached.
func (q *Queue) Enqueue(ctx context.Context, tx Tx, register string, r fiscal.Receipt) error {
	var err error
	if tx == nil {
		err = q.dialect.Retry(ctx, func(ctx context.Context) error { return q.enqueue(ctx, q.db, register, r) })
	} else {
		err = q.enqueue(ctx, tx, register, r)
	}
	return acquiring.InOp("", "queue.Enqueue", err)
}

func (q *Queue) enqueue(ctx context.Context, tx Tx, register string, r fiscal.Receipt) error {
	if err := checkText("register", register, maxRegister); err != nil {
		return err
	}
	if err := checkText("id", r.ID, maxReceiptID); err != nil {
		return err
	}
	given, err := json.Marshal(r)
	if err != nil {
		return &acquiring.Error{Kind: acquiring.ErrInvalid, Field: "receipt", Message: "cannot be stored", Err: err}
	}
	if len(given) > maxReceipt {
		return acquiring.Invalid("receipt", "is larger than "+strconv.Itoa(maxReceipt)+" bytes")
	}
	sum := sha256.Sum256(given)
	digest := hex.EncodeToString(sum[:])
	if r.SoldAt.IsZero() {
		r.SoldAt = time.Now()
		if given, err = json.Marshal(r); err != nil {
			return err
		}
	}
	t := q.rows
	n, err := t.exec(ctx, tx, t.sql.insert, register, r.ID, storable(string(given), maxReceipt*3), digest)
	if err != nil {
		return fmt.Errorf("queue: enqueuing receipt %s: %w", r.ID, err)
	}
	if n == 1 && q.dialect != MySQL { // MySQL may count the row that was there
		return nil
	}
	var stored string
	if err := tx.QueryRowContext(ctx, t.sql.digest, register, r.ID).Scan(&stored); err != nil {
		return fmt.Errorf("queue: looking for receipt %s: %w", r.ID, err)
	}
	if stored != digest {
		return &acquiring.Error{Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Field: "id",
			Message: strconv.Quote(r.ID) + " is another receipt's in the queue of " + register, Hint: "give each sale, return and correction an ID of its own"}
	}
	return nil
}
