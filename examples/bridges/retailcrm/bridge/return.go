package bridge

import (
	"math"
	"math/bits"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// The CRM says how much goes back, never what. A return receipt has lines, and
// banks count how much of each line has come back. So a refund takes the
// sale's lines one after another: those that it covers whole, and of the last
// one as much of the quantity as the money is of its price. Earlier refunds are
// gone through in the same way first, so that each line comes back once.

// rest is what is left of a line.
type rest struct {
	line     fiscal.Line // as sold
	quantity fiscal.Quantity
	sum      money.Amount
}

// step is the finest quantity that banks take: a thousandth.
const step = fiscal.Quantity(1000)

// returnReceipt is the receipt of a refund of the attempt; nil: the shop
// prints none. id names the refund, which is in the invoice's list or, for an
// attempt that goes back as a whole, is not.
func (b *Bridge) returnReceipt(s *shop, inv *invoice, a *attempt, sum money.Amount, id string) (*fiscal.Receipt, error) {
	if s.Receipts != "acquirer" {
		return nil, nil
	}
	create, err := inv.request()
	if err != nil {
		return nil, err
	}
	sale, err := b.receipt(s, create, a.Captured)
	if err != nil {
		return nil, err
	}
	left := make([]rest, len(sale.Lines))
	for i, l := range sale.Lines {
		left[i] = rest{l, l.Quantity, l.Total()}
	}
	for _, r := range inv.Refunds {
		if r.ID == id {
			break
		}
		if r.Attempt == a.N && r.Status != acquiring.RefundFailed {
			takeBack(left, r.Amount)
		}
	}
	lines := takeBack(left, sum)
	var total money.Amount
	for _, l := range lines {
		total += l.Total()
	}
	if total != sum {
		return nil, refusal("Чек возврата на " + sum.String() + " не складывается из позиций заказа: верните деньги в кабинете банка")
	}
	back := *sale
	back.ID, back.Type, back.Lines, back.SoldAt = id, fiscal.SaleReturn, lines, inv.PaidAt
	if err := back.Validate(); err != nil {
		return nil, russianFaults(err)
	}
	return &back, nil
}

// takeBack takes sum out of what is left and returns the lines of it.
func takeBack(left []rest, sum money.Amount) (lines []fiscal.Line) {
	for i := range left {
		l := &left[i]
		if sum <= 0 || l.sum <= 0 {
			continue
		}
		part := min(sum, l.sum)
		line, ok := l.cut(part)
		if !ok {
			continue // the total will not do, and the caller says so
		}
		l.quantity -= line.Quantity
		l.sum -= part
		sum -= part
		lines = append(lines, line)
	}
	return lines
}

// cut is a line of so much money out of what is left. A thing with a marking
// code cannot come back in parts: it does whole, at a lower price, once.
func (l *rest) cut(part money.Amount) (fiscal.Line, bool) {
	line := l.line
	if part == l.line.Total() && l.quantity == l.line.Quantity {
		return line, true
	}
	most := l.quantity
	if line.Mark == nil && part < l.sum {
		share := fiscal.Quantity(mulDiv(int64(l.quantity/step), int64(part), int64(l.sum))) * step
		most = min(max(share, step), max(l.quantity-step, step))
	}
	for q := most; q > 0; q -= step {
		line.Quantity = q
		line.Price = money.Amount((mulDiv(int64(part), 2_000_000, int64(q)) + 1) / 2)
		if line.Price > 0 && line.Total() == part {
			return line, true
		}
		if line.Mark != nil {
			return line, false
		}
	}
	return line, false
}

// mulDiv is a·b/c rounded down, without overflow on the way. None is negative,
// and c is not 0.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(hi, lo, uint64(c))
	return int64(min(quotient, math.MaxInt64))
}
