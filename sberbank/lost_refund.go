package sberbank

import (
	"fmt"
	"sync"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// lostRefunds are the refunds at the legacy gateway whose outcome is not known.
// The gateway knows no key: whoever asks for the refund again, as he should, is
// kept from a second one by what the order looked like before the first. The
// memory is the process's; there are few of them.
type lostRefunds struct {
	mu  sync.Mutex
	all map[lostKey]lostRefund
}

type lostKey struct {
	id  acquiring.PaymentID
	key string
}

type lostRefund struct {
	before money.Amount // refunded before the first call, and by others that were made since
	silent bool         // the order did not say how much
	amount money.Amount // asked for
	err    error        // of the first call
}

// note remembers a refund whose answer was lost. The order before the first
// call counts, also when the second one's answer is lost too.
func (l *lostRefunds) note(r acquiring.RefundRequest, amount money.Amount, before *Order, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[lostKey]lostRefund{}
	}
	k := lostKey{r.ID, r.Key}
	if _, known := l.all[k]; !known {
		l.all[k] = lostRefund{before.Funds(0).Refunded, silent(before), amount, err}
	}
}

func (l *lostRefunds) find(r acquiring.RefundRequest) (lostRefund, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, known := l.all[lostKey{r.ID, r.Key}]
	return was, known
}

// made tells the other refunds of the payment that are not known of one that is:
// the sum has grown by it, and not by them.
func (l *lostRefunds) made(r acquiring.RefundRequest, amount money.Amount) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, was := range l.all {
		if k.id == r.ID && k.key != r.Key {
			was.before += amount
			l.all[k] = was
		}
	}
}

func (l *lostRefunds) forget(r acquiring.RefundRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, lostKey{r.ID, r.Key})
}

// foundRefund says what became of a refund whose answer was lost in an earlier
// call, by the order as it is now. Neither a refund nor an error: nothing went
// back, and it may be asked for again.
func (c *Client) foundRefund(r acquiring.RefundRequest, now *Order) (*acquiring.Refund, error) {
	was, lost := c.lost.find(r)
	if !lost {
		return nil, nil
	}
	if r.Amount != 0 && r.Amount != was.amount {
		return nil, &acquiring.Error{Provider: provider, Op: "Refund", Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("the key belongs to a refund of %s, of which it is not known whether it was made", was.amount), Hint: "give another refund another Key"}
	}
	switch grown := now.Funds(0).Refunded - was.before; {
	case was.silent, silent(now), now.ActionCode.Value == rbs.ActionSBPPending:
		return nil, c.hintRefund(was.err)
	case grown == was.amount:
		return &acquiring.Refund{ID: r.Key, PaymentID: r.ID, Amount: was.amount, Status: acquiring.RefundDone, Raw: now.Raw}, nil
	case grown != 0:
		return nil, c.hintRefund(was.err) // somebody else refunds too
	}
	return nil, nil
}
