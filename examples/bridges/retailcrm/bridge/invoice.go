package bridge

import (
	"encoding/json"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// invoice is a CRM's invoice with its attempts and refunds: one row of the
// database, changed as a whole under its lock.
type invoice struct {
	PaymentID   string // the bridge's, which the CRM calls with
	ClientID    string // the connection
	InvoiceUUID string // the CRM's
	Slug        string // of the short link
	Shop        string
	Number      string // of the order at the bank, without the attempt
	Amount      money.Amount
	Currency    string
	ReturnURL   string
	Create      json.RawMessage // the CRM's request as it came, for the receipt

	State     acquiring.Status
	Reason    string // why it was cancelled
	Attempts  []*attempt
	Paid      int // number of the attempt that counts; 0: none yet
	PaidAt    time.Time
	HoldUntil time.Time
	Refunds   []*refund
	CreatedAt time.Time
}

// attempt is one session at the bank.
type attempt struct {
	N         int
	OrderID   string              // the order's number at the bank
	ID        acquiring.PaymentID // the bank's; "": it was not answered yet
	PayURL    string
	Status    acquiring.Status
	Captured  money.Amount
	Refunded  money.Amount
	CreatedAt time.Time
	ExpiresAt time.Time
	// Withdrawn: the bank was told, or found, that nobody pays it any more.
	Withdrawn bool
	// Back says why its money has to go back: it is not what pays the
	// invoice.
	Back string
}

// took says whether the attempt's own payment has brought money, also if that
// went back since.
func (a *attempt) took() bool {
	return a.ID != "" && (came(a.Status) || a.Status == acquiring.StatusVoided || a.Captured > 0)
}

// refund is money given back, or about to be.
type refund struct {
	ID      string // ours: the key at the bank and the id in the CRM
	Bank    string // acquiring.Refund.ID
	Attempt int
	Amount  money.Amount
	Status  acquiring.RefundStatus
	Begun   bool // the bank was asked, and its answer was not stored yet
	Foreign bool // made in the bank's cabinet
	At      time.Time
}

// Kinds of news in words of the bridge.
const (
	backDouble = "двойная оплата"
	backLate   = "оплата отменённого счёта"
)

func (i *invoice) attempt(n int) *attempt {
	if n < 1 || n > len(i.Attempts) {
		return nil
	}
	return i.Attempts[n-1]
}

// newest is the last attempt; nil: there was none.
func (i *invoice) newest() *attempt { return i.attempt(len(i.Attempts)) }

// current is the attempt that counts: the paid one, or else the newest.
func (i *invoice) current() *attempt {
	if a := i.attempt(i.Paid); a != nil {
		return a
	}
	return i.newest()
}

// captured and refunded are of the attempt that counts.
func (i *invoice) captured() money.Amount {
	if a := i.attempt(i.Paid); a != nil {
		return a.Captured
	}
	return 0
}

// left is what can still be given back: refunds that the bank has not executed
// yet are counted as given.
func (i *invoice) left() money.Amount {
	sum := i.captured()
	for _, r := range i.Refunds {
		if r.Attempt == i.Paid && r.Status != acquiring.RefundFailed {
			sum -= r.Amount
		}
	}
	return max(sum, 0)
}

// returned is what the bank gave back of an attempt, as the refunds know it.
func (i *invoice) returned(n int) (sum money.Amount) {
	for _, r := range i.Refunds {
		if r.Attempt == n && r.Status == acquiring.RefundDone {
			sum += r.Amount
		}
	}
	return sum
}

// open says whether the bank has to be asked about it: a session that can be
// paid, money that is held, must go back, or is on its way back.
func (i *invoice) open() bool {
	for _, a := range i.Attempts {
		if i.watches(a) {
			return true
		}
	}
	return false
}

// refundable is the attempt whose money could go back in the bank's cabinet, and
// when it last moved; nil: there is none.
func (i *invoice) refundable() (a *attempt, moved time.Time) {
	a = i.attempt(i.Paid)
	if a == nil || a.Status != acquiring.StatusPaid && a.Status != acquiring.StatusPartiallyRefunded {
		return nil, time.Time{}
	}
	if moved = i.PaidAt; moved.IsZero() {
		moved = a.CreatedAt
	}
	for _, r := range i.Refunds {
		if r.Attempt == a.N && r.At.After(moved) {
			moved = r.At
		}
	}
	return a, moved
}

// watches says whether the bank has to be asked about the attempt.
func (i *invoice) watches(a *attempt) bool {
	switch a.Status {
	case acquiring.StatusUnknown, acquiring.StatusPending, acquiring.StatusAuthorized:
		return !a.Withdrawn || a.Status == acquiring.StatusAuthorized
	}
	for _, r := range i.Refunds {
		if r.Attempt == a.N && r.Status != acquiring.RefundDone && r.Status != acquiring.RefundFailed {
			return true
		}
	}
	return a.Back != "" && a.Refunded < a.Captured
}
