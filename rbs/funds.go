package rbs

import (
	"sync/atomic"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// World is what a client learns of its gateway from the orders it reads. No
// bank says whether a refund lowers depositedAmount. An order whose refunded
// and deposited sums are more than was approved proves that it does not, and so
// does, or proves the contrary, an order read before and after a refund; one
// proof settles the orders whose sums alone do not tell. It is safe for
// concurrent use.
type World struct{ refunds atomic.Int32 }

const (
	worldKeeps  = 1 // a refund leaves depositedAmount as it is
	worldLowers = 2
)

// Known says whether the proof was seen.
func (w *World) Known() bool { return w.refunds.Load() != 0 }

// Learn compares an order before and after a refund of the sum.
func (w *World) Learn(before, after *Order, sum money.Amount) {
	if before.Amounts == nil || after.Amounts == nil || sum <= 0 || after.Amounts.Refunded.Amount()-before.Amounts.Refunded.Amount() != sum {
		return
	}
	switch before.Amounts.Deposited.Amount() - after.Amounts.Deposited.Amount() {
	case 0:
		w.refunds.Store(worldKeeps)
	case sum:
		w.refunds.Store(worldLowers)
	}
}

// Funds are the sums of an order by the rules of the family.
type Funds struct {
	Approved, Captured, Refunded money.Amount
	Full                         bool // all that was captured was given back
	// Sure says whether Captured is known and not a guess: after the refund of
	// a part of a partial capture the sums alone do not tell, and some merchants'
	// answers have none.
	Sure bool
}

// Funds finds out what was captured and whether all of it was given back. It
// holds whether or not a refund lowers depositedAmount, which the banks do not
// say: with R refunded, P deposited, A approved and K captured, if known,
//
//	R = 0      nothing was given back
//	K known    all, if and only if R >= K
//	R + P > A  (P was not lowered) all, if and only if R >= P
//	otherwise  all, if and only if P = 0 or R >= A
func (o *Order) Funds(known money.Amount) Funds { return o.funds(known, nil) }

func (o *Order) funds(known money.Amount, w *World) Funds {
	var f Funds
	var deposited money.Amount
	told := o.DepositAmount.Known || o.Loyalty.PaymentBonus.Deposited.Known
	if i := o.Amounts; i != nil {
		told = told || i.Deposited.Known || i.DepositedCertificate.Known
		f.Approved = i.Approved.Amount() + i.ApprovedCertificate.Amount()
		deposited = i.Deposited.Amount() + i.DepositedCertificate.Amount()
		f.Refunded = i.Refunded.Amount() + i.RefundedCertificate.Amount()
	} else {
		deposited = o.DepositAmount.Amount()
	}
	guessed := !told && o.OrderStatus.Value == StateDeposited
	bonus := o.Loyalty.PaymentBonus
	f.Approved += bonus.Approved.Amount()
	deposited += bonus.Deposited.Amount()
	f.Refunded += bonus.Refunded.Amount()
	if guessed {
		// The merchant's version of the answers has no sums: what was ordered
		// is what was taken, but for a part of a hold, which the history tells.
		if deposited = o.capturedByHistory(); deposited == 0 {
			deposited = o.Amount.Amount()
		}
	}
	if f.Approved == 0 {
		f.Approved = o.Amount.Amount()
	}
	world := int32(0)
	if w != nil {
		if !guessed && f.Refunded > 0 && f.Refunded+deposited > f.Approved {
			w.refunds.Store(worldKeeps)
		}
		world = w.refunds.Load()
	}
	if known == 0 {
		known = o.capturedByHistory()
		if known < deposited || known < f.Refunded {
			known = 0 // the history is not whole
		}
	}
	switch r := f.Refunded; {
	case r <= 0:
		f.Refunded, f.Captured, f.Sure = 0, deposited, !guessed
	case known > 0:
		f.Captured, f.Full, f.Sure = known, r >= known, true
	case r+deposited > f.Approved, world == worldKeeps && deposited > 0:
		f.Captured, f.Full, f.Sure = deposited, r >= deposited, true
	default:
		f.Captured, f.Full = deposited+r, deposited == 0 || r >= f.Approved
		f.Sure = f.Full || world == worldLowers
	}
	return f
}

// capturedByHistory is the sum captured by the order's operations; 0 when they
// did not come.
func (o *Order) capturedByHistory() money.Amount {
	var completed, authorised money.Amount
	var lastCompletion time.Time
	for _, op := range o.Operations {
		if !op.Approved() {
			continue
		}
		switch sum := op.Amount.Amount() + op.AmountBonus.Amount(); {
		case op.Is("COMPLETION"):
			completed += sum
			if op.Date.After(lastCompletion) {
				lastCompletion = op.Date.Time
			}
		case op.Is("AUTHORIZATION"):
			authorised += sum
		}
	}
	captured := authorised
	if completed > 0 {
		captured = completed
	}
	for _, op := range o.Operations {
		// A reversal before the completion lowered the hold, not the capture.
		if op.Is("REVERSAL") && op.Approved() && (completed == 0 || op.Date.After(lastCompletion)) {
			captured -= op.Amount.Amount() + op.AmountBonus.Amount()
		}
	}
	return max(captured, 0)
}
