package crm

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// invoice is an attempt to pay an order.
type invoice struct {
	number, payment, link, status string
}

// maxAttempts bounds the numbers that one order uses up.
const maxAttempts = 50

// invoice issues an invoice. Its row is there before the provider is asked:
// whatever happens after that, the Poller knows that there may be a payment.
// A number that the provider has, and whose link it does not give again, is
// left for the next attempt's. So is one with which the customer could not
// pay: again says so. A hold is asked for where the provider holds what an
// invoice says; elsewhere the customer pays at once.
func (s *Shop) invoice(ctx context.Context, a acquiring.Acquirer, order, provider string, sum money.Amount, hold bool, again string) (*invoice, error) {
	for n := 1; n <= maxAttempts; n++ {
		i := &invoice{number: acquiring.Attempt(order, n)}
		result, err := s.db.ExecContext(ctx, s.sql("INSERT INTO {invoices} (number, provider, kopecks, payment, link, status, issued_at) VALUES (?, ?, ?, '', '', 'unknown', ?)"+s.absent("number")),
			i.number, provider, int64(sum), time.Now().UnixMilli())
		if err != nil {
			return nil, err
		}
		if fresh, err := result.RowsAffected(); err != nil || fresh == 0 {
			row := s.db.QueryRowContext(ctx, s.sql("SELECT payment, link, status FROM {invoices} WHERE number = ?"), i.number)
			if err := row.Scan(&i.payment, &i.link, &i.status); err != nil {
				return nil, err
			}
			if again != "" && again == i.payment {
				// It may be paid some day nevertheless, so it stays among those that
				// are polled, as the one below.
				result, err := s.db.ExecContext(ctx, s.sql("UPDATE {invoices} SET status = 'left' WHERE number = ? AND status IN ('unknown', 'pending', 'canceled', 'declined', 'expired')"), i.number)
				if err != nil {
					return nil, err
				}
				if n, err := result.RowsAffected(); err != nil || n == 1 {
					i.status = "left"
				}
			}
			switch {
			case i.status == "left":
				continue
			case i.payment != "":
				return i, nil
			}
		}
		req := acquiring.InvoiceRequest{OrderID: i.number, Amount: sum, Description: "Занятия в студии, октябрь", Hold: hold,
			Customer: acquiring.Customer{Email: "parent@school.example"}, ReturnURL: "https://school.example/thanks"}
		inv, err := a.CreateInvoice(ctx, req)
		if hold && errors.Is(err, acquiring.ErrUnsupported) && acquiring.OutcomeOf(err) == acquiring.OutcomeNotSent {
			req.Hold = false // the client cannot ask for a hold, and asked nobody
			inv, err = a.CreateInvoice(ctx, req)
		}
		switch {
		case errors.Is(err, acquiring.ErrDuplicate):
			_, err := s.db.ExecContext(ctx, s.sql("UPDATE {invoices} SET status = 'left' WHERE number = ? AND status = 'unknown'"), i.number)
			if err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		}
		i.payment, i.link = string(inv.ID), inv.PayURL
		_, err = s.db.ExecContext(ctx, s.sql("UPDATE {invoices} SET payment = ?, link = ? WHERE number = ? AND payment = ''"), i.payment, i.link, i.number)
		return i, err
	}
	return nil, errors.New("the order has used up its attempts")
}

// poller asks for what no callback told of.
func (s *Shop) poller() *webhook.Poller {
	p := s.conf.Pace
	return &webhook.Poller{
		Pending: s.pending, Process: s.process, Inbox: s.inbox, Expect: s.expect, Logger: s.log,
		Every: p.PollEvery, First: p.PollFirst, Last: 15 * time.Second, Timeout: 8 * time.Second, Gap: time.Millisecond, Parallel: p.Parallel,
	}
}

// pending are the invoices that are open.
func (s *Shop) pending(ctx context.Context) iter.Seq2[webhook.Pending, error] {
	return func(yield func(webhook.Pending, error) bool) {
		open, err := s.open(ctx)
		if err != nil {
			yield(webhook.Pending{}, err)
			return
		}
		for _, p := range open {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (s *Shop) open(ctx context.Context) (all []webhook.Pending, err error) {
	rows, err := s.db.QueryContext(ctx, s.sql("SELECT number, provider, payment, status, issued_at FROM {invoices} WHERE status IN ('unknown', 'left', 'pending', 'authorized') AND issued_at < ? ORDER BY number"),
		time.Now().Add(-s.conf.Pace.PollFirst).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var number, provider, payment, status string
		var at int64
		if err := rows.Scan(&number, &provider, &payment, &status, &at); err != nil {
			return nil, err
		}
		if s.conf.Pace.Shards > 1 && shardOf(number, s.conf.Pace.Shards) != s.conf.Pace.Shard {
			continue
		}
		p := webhook.Pending{Acquirer: s.acquirers[provider], ID: acquiring.PaymentID(payment), OrderID: number, Since: time.UnixMilli(at)}
		_ = p.Status.UnmarshalText([]byte(status)) // never fails; "left" is unknown
		all = append(all, p)
	}
	return all, rows.Err()
}

func shardOf(number string, shards int) int {
	sum := 0
	for _, c := range []byte(number) {
		sum = sum*31 + int(c)
	}
	return (sum & 0xffff) % shards
}
