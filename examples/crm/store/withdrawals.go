package store

import (
	"context"
	"time"

	"github.com/acquiring-go/acquiring"
)

// The states of a withdrawal.
const (
	WithdrawalWaiting = "waiting"
	WithdrawalDone    = "done"
	WithdrawalFailed  = "failed" // a person was told
)

// Withdrawal is a payment whose page is to be closed, because its order was
// paid by another one.
type Withdrawal struct {
	ID        int64
	AttemptID int64
	PaymentID acquiring.PaymentID
	State     string
	Tries     int
	NextAt    time.Time
}

// AddWithdrawal stores a payment whose page is to be closed; one that is there
// stays as it is.
func (s *Store) AddWithdrawal(ctx context.Context, db DB, attempt int64, id acquiring.PaymentID) error {
	_, err := db.ExecContext(ctx, `INSERT INTO withdrawals (attempt_id, payment_id, state, next_at, created_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT (attempt_id, payment_id) DO NOTHING`,
		attempt, string(id), WithdrawalWaiting, millis(s.Now()))
	return err
}

// WithdrawalsDue lists those that the provider is to be asked for now.
func (s *Store) WithdrawalsDue(ctx context.Context, db DB, limit int) ([]Withdrawal, error) {
	return list(ctx, db, func(r scanner) (Withdrawal, error) {
		var w Withdrawal
		var next int64
		err := r.Scan(&w.ID, &w.AttemptID, &w.PaymentID, &w.State, &w.Tries, &next)
		w.NextAt = moment(next)
		return w, err
	}, `SELECT id, attempt_id, payment_id, state, tries, next_at FROM withdrawals WHERE state = $1 AND next_at <= $2 ORDER BY next_at LIMIT $3`, WithdrawalWaiting, millis(s.Now()), limit)
}

// SaveWithdrawal stores what became of one that waited; false: another copy of
// the program has ended it.
func (s *Store) SaveWithdrawal(ctx context.Context, db DB, w Withdrawal) (bool, error) {
	result, err := db.ExecContext(ctx, `UPDATE withdrawals SET state = $1, tries = $2, next_at = $3 WHERE id = $4 AND state = $5`, w.State, w.Tries, millis(w.NextAt), w.ID, WithdrawalWaiting)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
