package fiscal

import (
	"math"
	"math/bits"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// vatFacts is what the format and the law say about one rate.
type vatFacts struct {
	code        int // 1199
	percent     int
	calculated  bool
	pair        VAT // the other form of the same rate
	name        string
	since, till int // first and last day, yyyymmdd; 0: no bound worth keeping
}

// facts gives what is known of a rate; ok is false for a raw or unknown one.
func (v VAT) facts() (f vatFacts, ok bool) {
	switch v {
	case VATNone:
		return vatFacts{code: 6, pair: VATNone, name: "без НДС"}, true
	case VAT0:
		return vatFacts{code: 5, pair: VAT0, name: "НДС 0%"}, true
	case VAT5:
		return vatFacts{7, 5, false, VAT5of105, "НДС 5%", 20250101, 0}, true
	case VAT7:
		return vatFacts{8, 7, false, VAT7of107, "НДС 7%", 20250101, 0}, true
	case VAT10:
		return vatFacts{2, 10, false, VAT10of110, "НДС 10%", 0, 0}, true
	case VAT20:
		return vatFacts{1, 20, false, VAT20of120, "НДС 20%", 20190101, 20251231}, true
	case VAT22:
		return vatFacts{11, 22, false, VAT22of122, "НДС 22%", 20260101, 0}, true
	case VAT5of105:
		return vatFacts{9, 5, true, VAT5, "НДС 5/105", 20250101, 0}, true
	case VAT7of107:
		return vatFacts{10, 7, true, VAT7, "НДС 7/107", 20250101, 0}, true
	case VAT10of110:
		return vatFacts{4, 10, true, VAT10, "НДС 10/110", 0, 0}, true
	case VAT20of120:
		return vatFacts{3, 20, true, VAT20, "НДС 20/120", 20190101, 20251231}, true
	case VAT22of122:
		return vatFacts{12, 22, true, VAT22, "НДС 22/122", 20260101, 0}, true
	}
	return vatFacts{}, false
}

// VATs lists the rates that the library knows, in the order of their codes in
// the format.
func VATs() []VAT {
	return []VAT{VAT20, VAT10, VAT20of120, VAT10of110, VAT0, VATNone, VAT5, VAT7, VAT5of105, VAT7of107, VAT22, VAT22of122}
}

// VATOf is the rate by its code in the format (1199), 1 to 12; ok is false for
// any other. It is the other way of VAT.Code.
func VATOf(code int) (v VAT, ok bool) {
	all := VATs()
	if code < 1 || code > len(all) {
		return "", false
	}
	return all[code-1], true
}

// Code is the rate's number in the format (1199), 1 to 12; ok is false for a
// raw or unknown rate. Services number the rates in their own ways.
func (v VAT) Code() (code int, ok bool) { f, ok := v.facts(); return f.code, ok }

// Valid says whether the library knows the rate. A RawVAT is not Valid: it may
// be sent, but not computed with.
func (v VAT) Valid() bool { _, ok := v.facts(); return ok }

// Percent is the rate in percent; 0 for 0 %, for no VAT, and for what the
// library does not know.
func (v VAT) Percent() int { f, _ := v.facts(); return f.percent }

// IsCalculated says whether it is a calculated rate (расчётная ставка), such as
// 22/122.
func (v VAT) IsCalculated() bool { f, _ := v.facts(); return f.calculated }

// Calculated is the calculated form of the rate: 22/122 of 22 %. None, 0 %, raw
// and unknown rates have no other form.
func (v VAT) Calculated() VAT {
	if f, ok := v.facts(); ok && !f.calculated {
		return f.pair
	}
	return v
}

// Plain is the plain form of the rate: 22 % of 22/122.
func (v VAT) Plain() VAT {
	if f, ok := v.facts(); ok && f.calculated {
		return f.pair
	}
	return v
}

// Name is the Russian name as printed: "НДС 22%", "без НДС", "НДС 22/122"; of
// a raw rate its code.
func (v VAT) Name() string {
	if f, ok := v.facts(); ok {
		return f.name
	}
	if code, ok := v.Raw(); ok {
		return "НДС (код " + code + ")"
	}
	return "НДС " + string(v)
}

// ValidOn says whether sales of the day may have the rate: 5 and 7 % since
// 2025, 22 % since 2026, 20 % from 2019 to 2025, each with its calculated form;
// the others always. For a return, a correction or the payment of a credit ask
// for the day of the sale. Raw and unknown rates are never refused.
//
// The day is the calendar day of t where t is at a Russian clock (UTC+2 to
// UTC+12), and the day in Moscow otherwise.
func (v VAT) ValidOn(t time.Time) bool { return v.validOn(day(t, 0)) }

func (v VAT) validOn(day int) bool {
	f, _ := v.facts()
	return day >= f.since && (f.till == 0 || day <= f.till)
}

// Since is the first day of the rate at the Moscow clock, and Until the first
// day without it; zero where the library knows no bound.
func (v VAT) Since() time.Time {
	f, _ := v.facts()
	return dayStart(f.since, 0)
}

// Until is the first day that no longer has the rate, at the Moscow clock;
// zero: it goes on.
func (v VAT) Until() time.Time {
	f, _ := v.facts()
	return dayStart(f.till, 1)
}

func dayStart(d, plus int) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Date(d/10000, time.Month(d/100%100), d%100+plus, 0, 0, 0, 0, moscow)
}

// DefaultVAT is the general rate on a day: 22 % since 1 January 2026, 20 %
// before. Give the day of the sale, not of the receipt: what was sold in 2025
// and comes back in 2026 has 20 %. The day is told as ValidOn tells it.
//
// Whether the general rate holds for what you sell is your accountant's
// business: many small sellers have VATNone, or 5 and 7 %.
func DefaultVAT(sale time.Time) VAT {
	if VAT22.ValidOn(sale) {
		return VAT22
	}
	return VAT20
}

// moscow is the clock of the capital, without daylight saving since 2014.
var moscow = time.FixedZone("MSK", 3*60*60)

// day is the calendar day of t as yyyymmdd: at the clock of the receipt's zone
// (1011) if it has one, else at its own clock if that is a Russian one, else
// in Moscow: a server that counts in UTC must not sell at last year's rate.
func day(t time.Time, zone int) int {
	_, offset := t.Zone()
	switch {
	case zone >= 1 && zone <= 11:
		t = t.In(time.FixedZone("", (zone+1)*60*60))
	case offset < 2*60*60 || offset > 12*60*60:
		t = t.In(moscow)
	}
	y, m, d := t.Date()
	return y*10000 + int(m)*100 + d
}

// Of is the VAT inside a sum that includes it, rounded half up to the kopeck:
// sum·rate/(100+rate), the same for a plain rate and its calculated form. It
// is 0 for 0 %, for no VAT, for a raw or unknown rate, and for a sum that is
// not positive.
func (v VAT) Of(sum money.Amount) money.Amount {
	rate := uint64(v.Percent())
	if rate == 0 || sum <= 0 {
		return 0
	}
	// ⌊(2·sum·rate + (100+rate)) / (2·(100+rate))⌋ in 128 bits.
	hi, lo := bits.Mul64(uint64(sum), 2*rate)
	lo, carry := bits.Add64(lo, 100+rate, 0)
	n, _ := bits.Div64(hi+carry, lo, 2*(100+rate))
	return money.Amount(n)
}

// EffectiveVAT is the rate as the receipt must show it: with a method of
// prepayment the calculated form of a plain rate, else the rate as it is. A
// calculated rate that the caller gave is kept.
func (l Line) EffectiveVAT() VAT {
	if l.Method.Before() {
		return l.VAT.Calculated()
	}
	return l.VAT
}

// VATSum is the VAT inside the line's total (1200).
func (l Line) VATSum() money.Amount { return l.VAT.Of(l.Total()) }

// UnitVAT is the VAT inside the price of one unit (1198).
func (l Line) UnitVAT() money.Amount { return l.VAT.Of(l.Price) }

// VATTotal is the part of a receipt at one rate.
type VATTotal struct {
	VAT   VAT          // as the receipt shows it: see Line.EffectiveVAT
	Total money.Amount // the sum of the lines, VAT included
	Sum   money.Amount // the sum of the lines' VAT; 0 at 0 %, without VAT and at a raw rate
}

// VATSums is the VAT of the receipt by rate (1102 to 1107, 1115), in the order
// of the rates' codes, raw and unknown ones last: the sum of the lines' VAT,
// which may differ by kopecks from the VAT of the sum, and is right so.
func (r Receipt) VATSums() []VATTotal {
	sums := make([]VATTotal, 0, 4)
	for i := range r.Lines {
		v := r.Lines[i].EffectiveVAT()
		at := -1
		for j := range sums {
			if sums[j].VAT == v {
				at = j
			}
		}
		if at < 0 {
			at = len(sums)
			for at > 0 && v.before(sums[at-1].VAT) {
				at--
			}
			sums = append(sums, VATTotal{})
			copy(sums[at+1:], sums[at:])
			sums[at] = VATTotal{VAT: v}
		}
		sums[at].Total = addCapped(sums[at].Total, r.Lines[i].Total())
		sums[at].Sum = addCapped(sums[at].Sum, r.Lines[i].VATSum())
	}
	return sums
}

func (v VAT) before(w VAT) bool {
	a, aok := v.Code()
	b, bok := w.Code()
	if aok != bok {
		return aok
	}
	if a != b {
		return a < b
	}
	return v < w
}

// addCapped adds two sums that are not negative and stops at money.Max.
func addCapped(a, b money.Amount) money.Amount {
	if s, ok := a.Add(b); ok || b <= 0 {
		return s
	}
	return math.MaxInt64
}
