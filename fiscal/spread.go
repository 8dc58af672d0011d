package fiscal

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/acquiring-go/acquiring/money"
)

// SpreadOption changes how Spread works.
type SpreadOption func(*spreading)

// NoZero gives every piece of every line at least a kopeck, for services that
// refuse a price of zero: the kopecks come from the largest lines. A line may
// then come to more than its share, and one that cost nothing to more than it
// was.
func NoZero() SpreadOption { return func(s *spreading) { s.noZero = true } }

// Except keeps the lines of these indexes as they are: the delivery, say, that
// a discount does not cover. They count towards the target. Indexes are from 0;
// one that no line has is a Fault.
func Except(indexes ...int) SpreadOption {
	return func(s *spreading) { s.except = append(s.except, indexes...) }
}

// Spread gives lines like the given ones whose totals add up to target to the
// kopeck: an order's discount, bonuses, a rounding or a surcharge go into the
// prices, where the law wants them. Shares are proportional to the lines'
// totals; the kopecks left over go to the largest remainders, to the earlier
// line among equals. So a line's total is less than a kopeck from its exact
// share, never negative, and with a discount never more than it was.
//
// Where one price cannot express a share, the line is split: 3 pieces for
// 700.00 become 2 at 233.33 and 1 at 233.34; 1.5 kg for 100.00 become 0.5 kg
// at 66.66 and 1 kg at 66.67. The parts of a line with an ID get new IDs,
// "7-2" after "7". A line with a marking code is never split; where it has
// several pieces and one price does not fit, its odd kopecks go to another
// line. A line whose share is less than its pieces in kopecks gives some of
// them away for nothing, unless NoZero says otherwise.
//
// The given lines are not changed. What cannot be done gives Faults: a negative
// target or line, lines that cost nothing, fewer kopecks than NoZero needs, a
// marked line alone that no price fits.
func Spread(lines []Line, target money.Amount, opts ...SpreadOption) ([]Line, error) {
	s := spreading{lines: lines, target: target}
	for _, o := range opts {
		o(&s)
	}
	if err := s.share(); err != nil {
		return nil, err
	}
	if s.noZero {
		if err := s.raise(); err != nil {
			return nil, err
		}
	}
	if err := s.plan(); err != nil {
		return nil, err
	}
	return s.result(), nil
}

// Normalize gives the receipt with its lines spread so that they come to
// exactly what is paid, in kopecks: see [Spread], for the errors too. Payments,
// where they are given, must come to the same sum.
func (r Receipt) Normalize(paid money.Amount, opts ...SpreadOption) (Receipt, error) {
	if r.Payments != (Payments{}) && r.Payments.Total() != paid {
		return Receipt{}, fault("payments", fmt.Sprintf("come to %s, not to the %s that the lines are spread to", r.Payments.Total(), paid),
			fmt.Sprintf("оплаты составляют %s, а не %s", r.Payments.Total(), paid))
	}
	lines, err := Spread(r.Lines, paid, opts...)
	if err != nil {
		return Receipt{}, err
	}
	r.Lines = lines
	return r, nil
}

// spreading is one run of Spread. All its lists are of the lines' length, so
// that no line costs an allocation of its own.
type spreading struct {
	lines  []Line
	target money.Amount
	noZero bool
	except []int

	before []money.Amount // totals as they were
	after  []money.Amount // totals as they become
	kept   []bool         // excepted
	sum    money.Amount   // of before, excepted lines aside
	goal   money.Amount   // of after, excepted lines aside
	plans  []plan
}

// plan is how one line is printed: in one, two or three parts.
type plan struct {
	parts int
	part  [3]struct {
		quantity Quantity
		price    money.Amount
	}
}

func (p *plan) add(q Quantity, price money.Amount) {
	if q > 0 {
		p.part[p.parts].quantity, p.part[p.parts].price = q, price
		p.parts++
	}
}

// share finds each line's share, to the kopeck.
func (s *spreading) share() error {
	var faults Faults
	n := len(s.lines)
	sums := make([]money.Amount, 2*n)
	s.before, s.after = sums[:n], sums[n:]
	s.kept = make([]bool, n)
	for _, i := range s.except {
		if i < 0 || i >= n {
			faults = append(faults, Fault{"items", fmt.Sprintf("there is no items[%d] to keep", i), fmt.Sprintf("позиции %d нет", i+1)})
			continue
		}
		s.kept[i] = true
	}
	if s.target < 0 || s.target > MaxSum {
		faults = append(faults, Fault{"items", "cannot come to " + s.target.String(), "сумма позиций не может быть " + s.target.String()})
	}
	s.goal = s.target
	for i := range s.lines {
		l := &s.lines[i]
		total := l.Total()
		switch {
		case l.Price < 0:
			faults = append(faults, Fault{linePath(i) + ".price", "is negative", "отрицательная цена"})
		case l.Quantity <= 0:
			faults = append(faults, Fault{linePath(i) + ".quantity", "is not positive", "количество должно быть больше нуля"})
		case total > MaxSum:
			faults = append(faults, Fault{linePath(i) + ".price", "times the quantity is more than a receipt can hold", "сумма позиции больше возможной"})
		}
		s.before[i] = total
		if s.kept[i] {
			s.after[i] = total
			s.goal -= min(total, MaxSum)
		} else {
			s.sum = addCapped(s.sum, total)
		}
	}
	if len(faults) > 0 {
		return faults
	}
	switch {
	case s.goal < 0:
		return fault("items", fmt.Sprintf("cannot come to %s: the lines that keep their price are more", s.target), "позиции без скидки дороже всей суммы")
	case s.sum == 0 && s.goal > 0:
		return fault("items", fmt.Sprintf("cost nothing, so %s cannot be spread over them", s.goal), "позиции ничего не стоят, распределять сумму не на что")
	case s.sum > MaxSum:
		return fault("items", "come to more than a receipt can hold", "сумма чека больше возможной")
	case s.sum == 0:
		return nil
	}
	s.divide()
	return nil
}

// remainder is what a line's share lacks to the next kopeck.
type remainder struct {
	line int
	rest uint64
}

func (s *spreading) divide() {
	rests := make([]remainder, 0, len(s.lines))
	left := s.goal
	for i := range s.lines {
		if s.kept[i] {
			continue
		}
		hi, lo := bits.Mul64(uint64(s.before[i]), uint64(s.goal))
		q, rest := bits.Div64(hi, lo, uint64(s.sum))
		s.after[i] = money.Amount(q)
		left -= s.after[i]
		if rest > 0 {
			rests = append(rests, remainder{i, rest})
		}
	}
	slices.SortFunc(rests, func(a, b remainder) int {
		return cmp.Or(cmp.Compare(b.rest, a.rest), cmp.Compare(a.line, b.line))
	})
	for i := range int(left) {
		s.after[rests[i].line]++
	}
}

// least is the smallest total at which every piece of the line costs a kopeck.
func (l *Line) least() money.Amount {
	return money.Amount((l.Quantity + quantityUnit - 1) / quantityUnit)
}

// largest gives the lines that may change, the one with the most money first.
func (s *spreading) largest() []int {
	order := make([]int, 0, len(s.lines))
	for i := range s.lines {
		if !s.kept[i] {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.after[b], s.after[a]) })
	return order
}

// raise brings every line to its least total, at the cost of the largest.
func (s *spreading) raise() error {
	order := s.largest()
	var missing money.Amount
	for _, i := range order {
		if least := s.lines[i].least(); s.after[i] < least {
			missing += least - s.after[i]
			s.after[i] = least
		}
	}
	for _, i := range order {
		if spare := s.after[i] - s.lines[i].least(); missing > 0 && spare > 0 {
			take := min(spare, missing)
			s.after[i] -= take
			missing -= take
		}
	}
	if missing > 0 {
		return fault("items", fmt.Sprintf("cannot come to %s with at least a kopeck for every piece", s.target),
			"на все позиции не хватает даже по копейке")
	}
	return nil
}

// plan finds the prices of every line, and moves kopecks away from marked
// lines that no price fits.
func (s *spreading) plan() error {
	s.plans = make([]plan, len(s.lines))
	var order []int
	for i := range s.lines {
		if s.kept[i] {
			s.plans[i].add(s.lines[i].Quantity, s.lines[i].Price)
			continue
		}
		if s.rigid(i) && !s.one(i) {
			if order == nil {
				order = s.largest()
			}
			if err := s.move(i, order); err != nil {
				return err
			}
		}
	}
	for i := range s.lines {
		if s.kept[i] || s.one(i) {
			continue
		}
		s.split(i)
	}
	for i := range s.plans {
		for _, part := range s.plans[i].part[:s.plans[i].parts] {
			if part.price > MaxSum {
				return fault(linePath(i)+".price", "becomes more than a receipt can hold", "цена больше возможной")
			}
		}
	}
	return nil
}

// rigid says whether the line must stay one.
func (s *spreading) rigid(i int) bool { return s.lines[i].Mark != nil || s.lines[i].Part != nil }

// one tries to express the line's share by one price.
func (s *spreading) one(i int) bool {
	l, total, p := &s.lines[i], s.after[i], &s.plans[i]
	p.parts = 0
	if total == s.before[i] {
		p.add(l.Quantity, l.Price)
		return true
	}
	price, rest := priceOf(total, l.Quantity)
	if 2*rest >= l.Quantity {
		price++
	}
	// The nearest price, and then its neighbours: half a kopeck rounds up.
	for _, try := range [3]money.Amount{price, price - 1, price + 1} {
		if try >= 0 && l.Quantity.Times(try) == total {
			p.add(l.Quantity, try)
			return true
		}
	}
	return false
}

// priceOf divides a total by a quantity: the price rounded down, and what is
// left, in millionths of a kopeck.
func priceOf(total money.Amount, q Quantity) (price money.Amount, rest Quantity) {
	hi, lo := bits.Mul64(uint64(total), quantityUnit)
	if hi >= uint64(q) {
		return MaxSum + 1, 0
	}
	n, r := bits.Div64(hi, lo, uint64(q))
	return money.Amount(min(n, uint64(MaxSum)+1)), Quantity(r)
}

// split expresses the line's share by two prices a kopeck apart.
func (s *spreading) split(i int) {
	l, total, p := &s.lines[i], s.after[i], &s.plans[i]
	p.parts = 0
	q := l.Quantity
	floor, rest := priceOf(total, q)
	if whole, ok := q.Whole(); ok {
		more := int64(total) - whole*int64(floor)
		p.add(Pieces(whole-more), floor)
		p.add(Pieces(more), floor+1)
		return
	}
	if q < quantityUnit {
		// One price always fits a part of a unit, if it is a price at all.
		p.add(q, floor)
		return
	}
	// rest units at the higher price make it exact but for the rounding of
	// the two halves; a whole number of them reads better.
	step := Quantity(1)
	for q%(step*10) == 0 {
		step *= 10
	}
	up := (rest + quantityUnit - 1) / quantityUnit * quantityUnit
	tries := [...]Quantity{up, up - quantityUnit, rest, rest + step, rest - step, rest + 2*step, rest - 2*step, rest + 3*step, rest - 3*step}
	for _, higher := range tries {
		if higher <= 0 || higher >= q {
			continue
		}
		a, b := (q - higher).Times(floor), higher.Times(floor+1)
		if a+b == total && (!s.noZero || (a > 0 && b > 0)) {
			p.add(q-higher, floor)
			p.add(higher, floor+1)
			return
		}
	}
	p.apart(total, q, s.noZero)
}

// apart prices the whole units and the fraction of a unit on their own, which
// is always possible, though in up to three parts.
func (p *plan) apart(total money.Amount, q Quantity, noZero bool) {
	frac, whole := q%quantityUnit, int64(q/quantityUnit)
	part := mulDiv(total, frac, q)
	if noZero {
		part = max(part, 1)
	}
	price, left := priceOf(part, frac)
	if 2*left >= frac {
		price++
	}
	each, more := int64(total-part)/whole, int64(total-part)%whole
	p.add(Pieces(whole-more), money.Amount(each))
	p.add(Pieces(more), money.Amount(each+1))
	p.add(frac, price)
}

// mulDiv is a·n/d rounded half up, for n below d.
func mulDiv(a money.Amount, n, d Quantity) money.Amount {
	hi, lo := bits.Mul64(uint64(a), uint64(n))
	lo, carry := bits.Add64(lo, uint64(d)/2, 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(d))
	return money.Amount(q)
}

// move brings a line that cannot be split to a total that one price gives, and
// the difference to lines that can take it.
func (s *spreading) move(i int, order []int) error {
	l := &s.lines[i]
	floor, _ := priceOf(s.after[i], l.Quantity)
	for _, price := range [2]money.Amount{floor, floor + 1} {
		total := l.Quantity.Times(price)
		if s.noZero && total == 0 || s.goal <= s.sum && total > s.before[i] {
			continue
		}
		if diff := s.after[i] - total; s.give(i, diff, order, false) {
			s.give(i, diff, order, true)
			s.after[i] = total
			return nil
		}
	}
	return fault(linePath(i), fmt.Sprintf("cannot come to %s by one price for %s, and with a marking code it is not split; give each code a line of its own", s.after[i], l.Quantity),
		fmt.Sprintf("сумму %s нельзя выразить одной ценой за %s, а позиция с кодом маркировки не делится", s.after[i], l.Quantity))
}

// give hands diff (or takes it, if negative) to the other lines, the largest
// first; without do it only says whether it could.
func (s *spreading) give(from int, diff money.Amount, order []int, do bool) bool {
	for _, i := range order {
		l := &s.lines[i]
		if i == from || diff == 0 || (s.rigid(i) && l.Quantity > quantityUnit) {
			continue
		}
		var least money.Amount
		if s.noZero {
			least = l.least()
		}
		most := MaxSum
		if s.goal <= s.sum {
			most = s.before[i]
		}
		step := max(min(diff, most-s.after[i]), least-s.after[i])
		if (step > 0) != (diff > 0) {
			continue
		}
		diff -= step
		if do {
			s.after[i] += step
		}
	}
	return diff == 0
}

// result writes the lines as planned.
func (s *spreading) result() []Line {
	n := 0
	ids := false
	for i := range s.plans {
		n += s.plans[i].parts
		ids = ids || (s.plans[i].parts > 1 && s.lines[i].ID != "")
	}
	var taken map[string]bool
	if ids {
		taken = make(map[string]bool, n)
		for i := range s.lines {
			taken[s.lines[i].ID] = true
		}
	}
	out := make([]Line, 0, n)
	for i := range s.plans {
		p := &s.plans[i]
		excise := s.lines[i].Excise
		for k, part := range p.part[:p.parts] {
			out = append(out, s.lines[i])
			l := &out[len(out)-1]
			l.Quantity, l.Price = part.quantity, part.price
			if p.parts == 1 {
				continue
			}
			// The excise is the line's, so its parts share it.
			l.Excise = excise
			if k < p.parts-1 {
				l.Excise = min(mulDiv(s.lines[i].Excise, part.quantity, s.lines[i].Quantity), excise)
				excise -= l.Excise
			}
			if k > 0 && l.ID != "" {
				l.ID = freeID(l.ID, taken)
			}
		}
	}
	return out
}

// freeID is the first of "7-2", "7-3"… that no line has, and takes it.
func freeID(id string, taken map[string]bool) string {
	for n := 2; ; n++ {
		if c := id + "-" + strconv.Itoa(n); !taken[c] {
			taken[c] = true
			return c
		}
	}
}
