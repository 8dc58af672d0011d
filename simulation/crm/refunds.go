package crm

import (
	"context"
	"errors"
	"net/http"
	"strconv"

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
	_, err = s.db.ExecContext(r.Context(), s.sql("INSERT INTO {refunds} (refund_key, number, kopecks, had, made, state, tries, free_at, last_error) VALUES (?, ?, ?, -1, '', 'wanted', 0, 0, '')"+s.absent("refund_key")),
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
	made        string // the provider's number of it
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
		others, err := s.madeRefunds(ctx, r.number)
		if err != nil {
			return err
		}
		back, err := a.Refund(ctx, acquiring.RefundRequest{ID: acquiring.PaymentID(payment), Key: r.key, Amount: r.sum, Reason: "занятие отменено", Known: others})
		if err != nil {
			return err
		}
		if back.Status == acquiring.RefundFailed {
			return errors.New("the provider says that the refund failed")
		}
		r.made = back.ID
	}
	return s.refunded(ctx, r)
}

// madeRefunds are the provider's numbers of the order's refunds that are done.
func (s *Shop) madeRefunds(ctx context.Context, number string) (all []string, err error) {
	rows, err := s.db.QueryContext(ctx, s.sql("SELECT made FROM {refunds} WHERE number = ? AND state = 'done' AND made <> ''"), number)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
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
	if _, err := tx.ExecContext(ctx, s.sql("UPDATE {refunds} SET state = 'done', made = ? WHERE refund_key = ?"), r.made, r.key); err != nil {
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
