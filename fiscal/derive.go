package fiscal

import (
	"fmt"
	"slices"

	"github.com/acquiring-go/acquiring/money"
)

// Selection is what of a sale comes back. The zero value is the whole of it.
type Selection struct {
	// ID is the return receipt's own: never the sale's, under which the
	// Register would only find the sale again.
	ID string
	// Items are the lines that come back; nil: all.
	Items []SelectedItem
	// Sum is the money that comes back, spread over the items, where it is
	// less than they cost: a price that was too high, a discount given late. 0:
	// what the items cost. In kopecks, as Returned is.
	Sum money.Amount
	// Returned is what earlier returns of the same sale came to. More than what
	// is left of it is refused; the few kopecks that the rounding of fractional
	// quantities made too much are taken off.
	Returned money.Amount
	// Payments is the way the money goes back. nil: the way it came, a
	// prepayment that was offset as cashless. It must be given for a part of a
	// sale that was paid in several ways.
	Payments *Payments
}

// SelectedItem is a line of the sale that comes back.
type SelectedItem struct {
	Line     int      // its index in the sale's Lines, from 0
	Quantity Quantity // 0: all of it
}

// Return is the receipt that gives back the whole of a sale (or purchase) or a
// part of it (возврат прихода): the selected lines with the price, the rate and
// the attributes of the sale's receipt as it was printed, after discounts. So
// keep the receipt as printed. SoldAt stays the day of the sale, because the
// rate does: what was sold in 2025 at 20 % comes back at 20 %.
//
// Marked pieces that come back get the planned status "returned", and "not
// changed" when only a part of their price goes back; a code that no register
// checks, a fur's or a barcode, that was sold without a status comes back
// without one.
//
// The error is Faults: "type" where it is no sale or purchase, else paths that
// begin with "selection"; "items" where the lines cannot come to Sum (see
// [Spread]).
func Return(sale Receipt, what Selection) (Receipt, error) {
	if !sale.Type.Valid() || sale.Type.Return() {
		return Receipt{}, fault("type", "is not a Sale or a Purchase: there is nothing to return", "вернуть можно только приход или расход")
	}
	if what.ID != "" && what.ID == sale.ID {
		return Receipt{}, fault("selection.id", "is the sale's own; a return is another document", "у чека возврата должен быть свой номер")
	}
	lines, err := what.lines(sale)
	if err != nil {
		return Receipt{}, err
	}
	left := sale.Total() - what.Returned
	cost := (Receipt{Lines: lines}).Total()
	goal := cost
	switch {
	case what.Returned < 0:
		return Receipt{}, fault("selection.returned", "is negative", "отрицательная сумма прошлых возвратов")
	case what.Sum < 0 || what.Sum > cost:
		return Receipt{}, fault("selection.sum", fmt.Sprintf("is %s, but the items cost %s", what.Sum, cost),
			fmt.Sprintf("сумма %s, а позиции стоят %s", what.Sum, cost))
	case what.Sum > 0:
		goal = what.Sum
	case what.Returned > 0 && cost > left && left > 0 && cost-left <= roundings(sale.Lines)+roundings(lines):
		goal = left
	}
	if goal > left {
		return Receipt{}, fault("selection", fmt.Sprintf("comes to %s, but only %s of the sale is left", goal, left),
			fmt.Sprintf("возврат на %s, а осталось %s", goal, left))
	}
	if goal != cost {
		if lines, err = Spread(lines, goal); err != nil {
			return Receipt{}, err
		}
	}
	for i := range lines {
		l := &lines[i]
		l.PlannedStatus = returnedStatus(sale.FFD, l, what.Sum > 0 && goal < cost)
		if goal < cost {
			l.Excise = min(mulDiv(l.Excise, Quantity(goal), Quantity(cost)), l.Total()) // as much of it as of the price
		}
	}
	pay, err := what.payments(sale, goal)
	if err != nil {
		return Receipt{}, err
	}
	r := sale
	r.ID, r.Type, r.Lines, r.Payments = what.ID, sale.Type.Mirror(), lines, pay
	r.CashlessDetails, r.Operational, r.Correction = nil, nil, nil
	return r, nil
}

// roundings is what the returns of a sale may come to more than it: each rounds
// up to half a kopeck of each line of a fractional quantity, so ten of them make
// five kopecks a line.
func roundings(lines []Line) (most money.Amount) {
	for i := range lines {
		if lines[i].Quantity%quantityUnit != 0 {
			most += 5
		}
	}
	return most
}

// lines are copies of the selected lines with the selected quantities.
func (s Selection) lines(sale Receipt) ([]Line, error) {
	if s.Items == nil {
		return slices.Clone(sale.Lines), nil
	}
	var faults Faults
	lines := make([]Line, 0, len(s.Items))
	seen := make(map[int]bool, len(s.Items))
	for i, item := range s.Items {
		path := fmt.Sprintf("selection.items[%d]", i)
		if item.Line < 0 || item.Line >= len(sale.Lines) {
			faults = append(faults, Fault{path + ".line", fmt.Sprintf("is %d, but the sale has %d lines", item.Line, len(sale.Lines)), "такой позиции в чеке нет"})
			continue
		}
		l := sale.Lines[item.Line]
		switch {
		case seen[item.Line]:
			faults = append(faults, Fault{path + ".line", "is selected twice", "позиция выбрана дважды"})
		case item.Quantity < 0 || item.Quantity > l.Quantity:
			faults = append(faults, Fault{path + ".quantity", fmt.Sprintf("is %s, but %s were sold", item.Quantity, l.Quantity), fmt.Sprintf("продано только %s", l.Quantity)})
		case item.Quantity != 0 && item.Quantity != l.Quantity && l.Mark != nil && !l.PlannedStatus.Measured():
			faults = append(faults, Fault{path + ".quantity", "is a part of one marked piece, which comes back whole or not at all", "маркированный товар возвращают целиком"})
		case item.Quantity != 0 && item.Quantity != l.Quantity:
			l.Excise = mulDiv(l.Excise, item.Quantity, l.Quantity)
			l.Quantity = item.Quantity
		}
		seen[item.Line] = true
		lines = append(lines, l)
	}
	if len(s.Items) == 0 {
		faults = append(faults, Fault{"selection.items", "is empty; nil means all of them", "не выбрано ни одной позиции"})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return lines, nil
}

// returnedStatus is what becomes of a line's marked goods.
func returnedStatus(ffd FFD, l *Line, priceOnly bool) PlannedStatus {
	switch {
	case l.Mark == nil || ffd == FFD105:
		return 0
	case l.PlannedStatus == 0 && !l.Mark.checked():
		return 0 // sold without one
	case priceOnly:
		return StatusKept
	case l.Part != nil || l.PlannedStatus.Measured():
		return PartReturned
	}
	return PieceReturned
}

// payments is the way the money goes back.
func (s Selection) payments(sale Receipt, goal money.Amount) (Payments, error) {
	if s.Payments != nil {
		if s.Payments.Total() != goal {
			return Payments{}, fault("selection.payments", fmt.Sprintf("come to %s, but %s goes back", s.Payments.Total(), goal),
				fmt.Sprintf("оплаты составляют %s, а возврат %s", s.Payments.Total(), goal))
		}
		return *s.Payments, nil
	}
	p := sale.EffectivePayments()
	p.Cashless, p.Prepaid = p.Cashless+p.Prepaid, 0
	if goal == p.Total() {
		return p, nil
	}
	whole := p.Total()
	for _, k := range []*money.Amount{&p.Cash, &p.Cashless, &p.Credit, &p.Counter} {
		if *k == whole {
			*k = goal
			return p, nil
		}
	}
	return Payments{}, fault("selection.payments", "must say how the money goes back: the sale was paid in several ways",
		"укажите, как возвращаются деньги: продажа оплачена несколькими способами")
}

// Prepay is the receipt of money taken before the goods of an order are handed
// over (предоплата): the first of a pair whose second is Settle. The order is
// the receipt as it will be at the hand-over, with its full lines. For the
// whole sum each line is a full prepayment (1214 is 1), for less a part one (2)
// with the money spread over the lines; the subject is Payment (1212 is 10);
// the rates show their calculated form; marking codes wait for the hand-over.
// The money is cashless; change Payments if it is not.
//
// The id is this receipt's own: an order has two receipts, and the same id
// would print only one. A sum of 0 or less, or above the order's total, gives
// Faults.
func Prepay(order Receipt, id string, sum money.Amount) (Receipt, error) {
	total := order.Total()
	if sum <= 0 || sum > total {
		return Receipt{}, fault("payments", fmt.Sprintf("are %s, but the order costs %s", sum, total), fmt.Sprintf("предоплата %s, а заказ стоит %s", sum, total))
	}
	r := order
	r.ID, r.Type, r.Correction = id, Sale, nil
	r.Payments, r.CashlessDetails, r.Operational = Payments{Cashless: sum}, nil, nil
	method := FullPrepayment
	r.Lines = slices.Clone(order.Lines)
	for i := range r.Lines {
		l := &r.Lines[i]
		l.Mark, l.Part, l.PlannedStatus, l.Industry = nil, nil, 0, nil
		l.Excise = 0
		l.Subject = Payment
		l.VAT = l.VAT.Plain()
	}
	if sum < total {
		method = Prepayment
		lines, err := Spread(r.Lines, sum)
		if err != nil {
			return Receipt{}, err
		}
		r.Lines = lines
	}
	for i := range r.Lines {
		r.Lines[i].Method = method
	}
	return r, nil
}

// Settle is the receipt of the hand-over of an order that was paid before, in
// whole or in part (чек зачёта предоплаты): the order's full lines with the
// method FullPayment and the plain rates, what was prepaid as an offset (1215),
// and the rest cashless. Both receipts of the pair show the turnover, but the
// kinds of payment count the money once.
//
// The rates are those of the day of the hand-over: goods prepaid in 2025 at
// 20/120 and shipped in 2026 have 22 %. A sum of 0 or less, or above the order's
// total, gives Faults.
func Settle(order Receipt, id string, prepaid money.Amount) (Receipt, error) {
	total := order.Total()
	if prepaid <= 0 || prepaid > total {
		return Receipt{}, fault("payments.prepaid", fmt.Sprintf("is %s, but the order costs %s", prepaid, total), fmt.Sprintf("предоплата %s, а заказ стоит %s", prepaid, total))
	}
	r := order
	r.ID, r.Type, r.Correction = id, Sale, nil
	r.Payments, r.CashlessDetails, r.Operational = Payments{Prepaid: prepaid, Cashless: total - prepaid}, nil, nil
	r.Lines = slices.Clone(order.Lines)
	for i := range r.Lines {
		r.Lines[i].Method = FullPayment
		r.Lines[i].VAT = r.Lines[i].VAT.Plain()
	}
	return r, nil
}

// Correct gives the two documents that put a wrongly printed receipt right: the
// first undoes the wrong one with its own lines and payments, the second is the
// right one. In FFD 1.2 both are correction receipts; in FFD 1.05 both are
// ordinary receipts, the first of the mirrored type. Both show the wrong one's
// fiscal sign (1192: in Attribute for 1.05, in Correction.FiscalSign for 1.2),
// and the rates of its day hold.
//
// The version is that of wrong.FFD, which must be set: the two ways differ. c
// needs Date, the day of the wrong receipt, and FiscalSign. undoID and right.ID
// are the documents' own, other than wrong.ID. What is missing gives Faults.
func Correct(wrong, right Receipt, c Correction, undoID string) (undo, again Receipt, err error) {
	var faults Faults
	bad := func(path, message, russian string) { faults = append(faults, Fault{path, message, russian}) }
	if !wrong.FFD.Valid() {
		bad("ffd", "of the wrong receipt is not set: FFD 1.05 and 1.2 correct in different ways", "не указана версия ФФД исходного чека")
	}
	if !wrong.Type.Valid() {
		bad("type", "of the wrong receipt is not set", "не указан признак расчёта исходного чека")
	}
	if c.Date.IsZero() {
		bad("correction.date", "is not set: the day of the wrong receipt", "нет даты исходного чека")
	}
	if c.FiscalSign == "" {
		bad("correction.fiscalSign", "is empty: the fiscal sign (1077) of the wrong receipt", "нет фискального признака исходного чека")
	}
	if undoID != "" && (undoID == wrong.ID || undoID == right.ID) || right.ID != "" && right.ID == wrong.ID {
		bad("id", "must be another for each of the three documents", "у каждого из трёх документов должен быть свой номер")
	}
	if len(faults) > 0 {
		return Receipt{}, Receipt{}, faults
	}
	undo, again = wrong, right
	undo.ID, undo.Type = undoID, wrong.Type.Mirror()
	undo.Lines = slices.Clone(wrong.Lines)
	for i := range undo.Lines {
		if l := &undo.Lines[i]; undo.Type == SaleReturn {
			l.PlannedStatus = returnedStatus(wrong.FFD, l, false)
		}
	}
	for _, r := range []*Receipt{&undo, &again} {
		r.FFD = wrong.FFD
		r.Attribute, r.Correction = c.FiscalSign, nil
		if r.SoldAt.IsZero() {
			r.SoldAt = c.Date
		}
		if r.FFD == FFD12 {
			own := c
			r.Attribute, r.Correction = "", &own
		}
	}
	return undo, again, nil
}

// CorrectMissing is the correction receipt of a settlement that was made
// without a register: r with the correction, of its own type. c needs Date, the
// day of the settlement, whose rates hold, or the error is Faults; there is no
// fiscal sign.
func CorrectMissing(r Receipt, c Correction) (Receipt, error) {
	if c.Date.IsZero() {
		return Receipt{}, fault("correction.date", "is not set: the day of the settlement", "нет даты расчёта")
	}
	c.FiscalSign = ""
	r.Correction = &c
	if r.SoldAt.IsZero() {
		r.SoldAt = c.Date
	}
	return r, nil
}
