package crm

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// askRefund notes that money is to be given back, and answers before it is.
func (s *Shop) askRefund(w http.ResponseWriter, r *http.Request) {
	kopecks, err := strconv.ParseInt(r.FormValue("kopecks"), 10, 64)
	if err != nil || kopecks <= 0 {
		http.Error(w, "kopecks", http.StatusBadRequest)
		return
	}
	_, err = s.db.ExecContext(r.Context(), s.sql("INSERT INTO {refunds} (refund_key, number, kopecks, had, state, tries, free_at, last_error) VALUES (?, ?, ?, -1, 'wanted', 0, 0, '')"+s.absent("refund_key")),
		r.PathValue("key"), r.FormValue("number"), kopecks)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// refund is a row of the table.
type refund struct {
	key, number string
	sum         money.Amount
	had         money.Amount // given back before this one was first tried; -1: not known
	tries       int
}

// refundAll carries out what is noted until ctx ends.
func (s *Shop) refundAll(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	places := make(chan struct{}, s.conf.Pace.Parallel)
	for ctx.Err() == nil {
		due, err := s.dueRefunds(ctx, 8*s.conf.Pace.Parallel)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "refunds cannot be read", "error", err)
		}
		rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		for _, key := range due {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			working.Go(func() {
				defer func() { <-places }()
				s.RefundOne(ctx, key)
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.conf.Pace.RefundEvery):
		}
	}
}

func (s *Shop) dueRefunds(ctx context.Context, limit int) (keys []string, err error) {
	rows, err := s.db.QueryContext(ctx, s.sql("SELECT refund_key FROM {refunds} WHERE state = 'wanted' AND free_at <= ? ORDER BY free_at, refund_key LIMIT ?"), time.Now().UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// RefundOne tries a refund once, unless another replica is at it.
func (s *Shop) RefundOne(ctx context.Context, key string) {
	now := time.Now()
	result, err := s.db.ExecContext(ctx, s.sql("UPDATE {refunds} SET free_at = ?, tries = tries + 1 WHERE refund_key = ? AND state = 'wanted' AND free_at <= ?"),
		now.Add(s.conf.Pace.RefundLease).UnixMilli(), key, now.UnixMilli())
	if err != nil {
		return
	}
	if n, err := result.RowsAffected(); n == 0 || err != nil {
		return
	}
	err = s.refund(ctx, key)
	if err == nil {
		return
	}
	s.log.WarnContext(ctx, "refund not made", "key", key, "error", err)
	_, _ = s.db.ExecContext(ctx, s.sql("UPDATE {refunds} SET free_at = ?, last_error = ? WHERE refund_key = ? AND state = 'wanted'"),
		time.Now().Add(s.conf.Pace.RefundAgain).UnixMilli(), err.Error(), key)
}

func (s *Shop) refund(ctx context.Context, key string) error {
	r := refund{key: key}
	err := s.db.QueryRowContext(ctx, s.sql("SELECT number, kopecks, had, tries FROM {refunds} WHERE refund_key = ?"), key).Scan(&r.number, &r.sum, &r.had, &r.tries)
	if err != nil {
		return err
	}
	var provider, payment string
	if err := s.db.QueryRowContext(ctx, s.sql("SELECT provider, payment FROM {invoices} WHERE number = ?"), r.number).Scan(&provider, &payment); err != nil {
		return err
	}
	a := s.acquirers[provider]
	done := false
	if provider == SberbankLegacy {
		// This gateway does not know a refund's key: the package says to look
		// whether the sum has grown before asking again.
		if done, err = s.looked(ctx, a, &r, acquiring.PaymentID(payment)); err != nil {
			return err
		}
	}
	if !done {
		back, err := a.Refund(ctx, acquiring.RefundRequest{ID: acquiring.PaymentID(payment), Key: r.key, Amount: r.sum, Reason: "занятие отменено"})
		if err != nil {
			return err
		}
		if back.Status == acquiring.RefundFailed {
			return errors.New("the provider says that the refund failed")
		}
	}
	return s.refunded(ctx, r)
}

// looked says whether the refund was made by a try whose end nobody saw. What
// was given back before is noted before the first try.
func (s *Shop) looked(ctx context.Context, a acquiring.Acquirer, r *refund, id acquiring.PaymentID) (done bool, err error) {
	p, err := a.GetStatus(ctx, id)
	if err != nil {
		return false, err
	}
	if r.had >= 0 {
		return p.Refunded >= r.had+r.sum, nil
	}
	r.had = p.Refunded
	_, err = s.db.ExecContext(ctx, s.sql("UPDATE {refunds} SET had = ? WHERE refund_key = ?"), int64(r.had), r.key)
	return false, err
}

// refunded debits the order and queues the receipt of the return, once.
func (s *Shop) refunded(ctx context.Context, r refund) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var state string
	if err := tx.QueryRowContext(ctx, s.sql("SELECT state FROM {refunds} WHERE refund_key = ?")+s.lock(), r.key).Scan(&state); err != nil {
		return err
	}
	if state == "done" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, s.sql("UPDATE {refunds} SET state = 'done' WHERE refund_key = ?"), r.key); err != nil {
		return err
	}
	if err := s.post(ctx, tx, "refund/"+r.key, r.number, -r.sum); err != nil {
		return err
	}
	if err := s.receipts.Enqueue(ctx, tx, s.registerOf(r.number), receipt("R-"+r.key, fiscal.SaleReturn, r.sum)); err != nil {
		return err
	}
	return tx.Commit()
}
