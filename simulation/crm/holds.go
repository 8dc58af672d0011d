package crm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// askHold notes how much of a hold is to be taken, 0 to let it go, and answers
// before that is done. The shop shows a hold from the news of it on, which
// process writes down; nothing is credited before the news that it was taken.
func (s *Shop) askHold(w http.ResponseWriter, r *http.Request) {
	kopecks, err := strconv.ParseInt(r.FormValue("kopecks"), 10, 64)
	if err != nil || kopecks < 0 {
		http.Error(w, "kopecks", http.StatusBadRequest)
		return
	}
	_, err = s.db.ExecContext(r.Context(), s.sql("INSERT INTO {holds} (hold_key, number, kopecks, state, tries, free_at, last_error) VALUES (?, ?, ?, 'wanted', 0, 0, '')"+s.absent("hold_key")),
		r.PathValue("key"), r.FormValue("number"), kopecks)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// settleHold takes or lets go of a hold. No provider has a key for that: a try
// whose end nobody saw is told from one that never was by the payment, which is
// read before each.
func (s *Shop) settleHold(ctx context.Context, key string) error {
	var number, provider, payment string
	var sum money.Amount
	if err := s.db.QueryRowContext(ctx, s.sql("SELECT number, kopecks FROM {holds} WHERE hold_key = ?"), key).Scan(&number, &sum); err != nil {
		return err
	}
	if err := s.db.QueryRowContext(ctx, s.sql("SELECT provider, payment FROM {invoices} WHERE number = ?"), number).Scan(&provider, &payment); err != nil {
		return err
	}
	a := s.acquirers[provider]
	c, ok := a.(acquiring.Capturer)
	if !ok {
		return s.held(ctx, key, "refused", "the provider knows no holds")
	}
	p, err := a.GetStatus(ctx, acquiring.PaymentID(payment))
	if err != nil {
		return err
	}
	if p.Status == acquiring.StatusAuthorized {
		if sum > 0 {
			p, err = c.Capture(ctx, acquiring.CaptureRequest{ID: acquiring.PaymentID(payment), Amount: sum})
		} else {
			p, err = c.Void(ctx, acquiring.PaymentID(payment))
		}
		if errors.Is(err, acquiring.ErrUnsupported) && acquiring.OutcomeOf(err) == acquiring.OutcomeNotSent {
			return s.held(ctx, key, "refused", err.Error())
		}
		if err != nil {
			return err
		}
	}
	if (sum > 0 && p.Status.Succeeded() && p.Captured == sum) || (sum == 0 && p.Status == acquiring.StatusVoided) {
		return s.held(ctx, key, "done", "")
	}
	return fmt.Errorf("the payment is %s, %s of it taken; %s was wanted", p.Status, p.Captured, sum)
}

// held notes what became of a wish. That the money was taken is credited when
// the Inbox has the news of it, and not here.
func (s *Shop) held(ctx context.Context, key, state, why string) error {
	_, err := s.db.ExecContext(ctx, s.sql("UPDATE {holds} SET state = ?, last_error = ? WHERE hold_key = ? AND state = 'wanted'"), state, why, key)
	return err
}
