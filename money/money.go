// Package money holds exact sums in kopecks.
//
// A sum of money is an int64 of minor units and nothing else: no float64 ever
// touches it. Banks write the same sum in many ways: 149990, "1499.90",
// 1499.9, "1 499,90", "1499.9000"; [Parse] reads the ones written in rubles
// and [ParseMinor] the ones written in kopecks, and both refuse what would
// need rounding.
package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Amount is a sum in minor units: kopecks for rubles, hundredths for any other
// currency with two decimals. Its JSON form is the same integer of minor units.
type Amount int64

// Limits of an Amount. The banks themselves stop far below: 12 digits of
// kopecks at Sberbank and Alfa-Bank.
const (
	Max Amount = math.MaxInt64 // 92,233,720,368,547,758.07 roubles
	Min Amount = math.MinInt64 // one kopeck less than -Max
)

// ErrSyntax is the kind of error that Parse and ParseMinor give for text that
// is not a sum.
var ErrSyntax = errors.New("not a sum of money")

// ErrPrecision is the kind of error for a sum with more than two significant
// decimals: taking it would mean rounding somebody's money.
var ErrPrecision = errors.New("more than two decimals")

// ErrRange is the kind of error for a sum that does not fit in an Amount.
var ErrRange = errors.New("sum out of range")

// RUB is the sum of whole rubles and kopecks: RUB(1499, 90) is 1499.90. For a
// negative sum give both parts negative. It panics on overflow, which only a
// constant mistyped in the source can reach.
func RUB(rubles, kopecks int64) Amount {
	if rubles > math.MaxInt64/100 || rubles < math.MinInt64/100 {
		panic("money: RUB overflows")
	}
	whole := rubles * 100
	if (kopecks > 0 && whole > math.MaxInt64-kopecks) || (kopecks < 0 && whole < math.MinInt64-kopecks) {
		panic("money: RUB overflows")
	}
	return Amount(whole + kopecks)
}

// Parse reads a sum written in rubles: "1499.90", "1499,9", "1 499.90",
// "10.5000", "-3.05". A point or a comma separates the kopecks; spaces,
// no-break spaces and thin spaces may group the digits of the whole part by
// three. More than two decimals are accepted only if the rest are zeros.
// Exponents ("1e3"), signs other than one leading "-" or "+", and anything
// else give ErrSyntax; 0.001 gives ErrPrecision; a sum over 92 quadrillion
// rubles ErrRange.
func Parse(s string) (Amount, error) {
	neg, body := sign(s)
	whole, frac, ok := split(body)
	if !ok {
		return 0, parseError(s, ErrSyntax)
	}
	var n uint64
	if !grouped(whole) {
		return 0, parseError(s, ErrSyntax)
	}
	for _, r := range whole {
		if isGroupSpace(r) {
			continue
		}
		if r < '0' || r > '9' {
			return 0, parseError(s, ErrSyntax)
		}
		var over bool
		if n, over = shift(n, uint64(r-'0')); over {
			return 0, parseError(s, ErrRange)
		}
	}
	kopecks, err := fraction(frac)
	if err != nil {
		return 0, parseError(s, err)
	}
	if n > (1<<63-kopecks)/100 {
		return 0, parseError(s, ErrRange)
	}
	return signed(s, neg, n*100+kopecks)
}

// ParseMinor reads a sum written in kopecks, as the gateways of the RBS family
// write it: "149990". Decimals are accepted only if they are zeros; others give
// ErrPrecision, grouped digits and anything else ErrSyntax, too many ErrRange.
func ParseMinor(s string) (Amount, error) {
	neg, body := sign(s)
	whole, frac, ok := split(body)
	if !ok {
		return 0, parseError(s, ErrSyntax)
	}
	var n uint64
	for _, r := range whole {
		if r < '0' || r > '9' {
			return 0, parseError(s, ErrSyntax)
		}
		var over bool
		if n, over = shift(n, uint64(r-'0')); over {
			return 0, parseError(s, ErrRange)
		}
	}
	for _, r := range frac {
		switch {
		case r == '0':
		case r > '0' && r <= '9':
			return 0, parseError(s, ErrPrecision)
		default:
			return 0, parseError(s, ErrSyntax)
		}
	}
	return signed(s, neg, n)
}

func parseError(s string, kind error) error {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return fmt.Errorf("money: %q: %w", s, kind)
}

func sign(s string) (neg bool, rest string) {
	if s == "" {
		return false, s
	}
	switch s[0] {
	case '-':
		return true, s[1:]
	case '+':
		return false, s[1:]
	}
	return false, s
}

// split cuts at the one decimal separator. A separator at either end is not a
// sum.
func split(s string) (whole, frac string, ok bool) {
	at := -1
	for i := 0; i < len(s); i++ {
		if s[i] == '.' || s[i] == ',' {
			if at >= 0 {
				return "", "", false
			}
			at = i
		}
	}
	if at < 0 {
		return s, "", s != ""
	}
	return s[:at], s[at+1:], at > 0 && at < len(s)-1
}

func isGroupSpace(r rune) bool {
	return r == ' ' || r == '\u00a0' || r == '\u202f' || r == '\u2009'
}

// grouped says whether the spaces of the whole part, if any, stand before
// groups of exactly three digits.
func grouped(s string) bool {
	digits, spaces := 0, 0
	for _, r := range s {
		if isGroupSpace(r) {
			if digits == 0 || (spaces > 0 && digits != 3) || (spaces == 0 && digits > 3) {
				return false
			}
			spaces++
			digits = 0
			continue
		}
		digits++
	}
	return digits > 0 && (spaces == 0 || digits == 3)
}

func shift(n, digit uint64) (uint64, bool) {
	if n > (1<<63-digit)/10 {
		return 0, true
	}
	return n*10 + digit, false
}

func fraction(s string) (uint64, error) {
	var k uint64
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, ErrSyntax
		}
		if i < 2 {
			k = k*10 + uint64(c-'0')
		} else if c != '0' {
			// Read on: "0.001x" is not a sum at all.
			for _, r := range s[i:] {
				if r < '0' || r > '9' {
					return 0, ErrSyntax
				}
			}
			return 0, ErrPrecision
		}
	}
	if len(s) == 1 {
		k *= 10
	}
	return k, nil
}

func signed(s string, neg bool, n uint64) (Amount, error) {
	if neg {
		if n > 1<<63 {
			return 0, parseError(s, ErrRange)
		}
		return Amount(-n), nil
	}
	if n > math.MaxInt64 {
		return 0, parseError(s, ErrRange)
	}
	return Amount(n), nil
}

// String writes the sum in rubles with a point and always two decimals:
// "1499.90", "-0.05".
func (a Amount) String() string {
	var buf [24]byte
	return string(a.Append(buf[:0]))
}

// Append appends the form of String to b, without another allocation.
func (a Amount) Append(b []byte) []byte {
	n := uint64(a)
	if a < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendUint(b, n/100, 10)
	return append(b, '.', byte('0'+n/10%10), byte('0'+n%10))
}

// Minor is the sum in kopecks as text: "149990"; [ParseMinor] reads it.
func (a Amount) Minor() string { return strconv.FormatInt(int64(a), 10) }

// Short writes the sum in rubles without the zeros that say nothing: "1499.9",
// "1500", as some services want their JSON numbers. [Parse] reads it.
func (a Amount) Short() string {
	s := a.String()
	switch {
	case s[len(s)-2:] == "00":
		return s[:len(s)-3]
	case s[len(s)-1] == '0':
		return s[:len(s)-1]
	}
	return s
}

// Add is the sum of a and b; ok is false when it does not fit.
func (a Amount) Add(b Amount) (sum Amount, ok bool) {
	sum = a + b
	return sum, (sum > a) == (b > 0)
}

// Sub is a less b; ok is false when it does not fit.
func (a Amount) Sub(b Amount) (diff Amount, ok bool) {
	diff = a - b
	return diff, (diff < a) == (b > 0)
}

// Sum adds the amounts up; an error of kind ErrRange when the sum does not fit.
// The sum of nothing is 0.
func Sum(amounts ...Amount) (Amount, error) {
	var total Amount
	for _, a := range amounts {
		var ok bool
		if total, ok = total.Add(a); !ok {
			return 0, fmt.Errorf("money: %w", ErrRange)
		}
	}
	return total, nil
}
