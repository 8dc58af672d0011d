package fiscal

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring/money"
)

// Quantity is an exact number of units with up to six decimals (1023), held in
// millionths.
type Quantity int64

// quantityUnit is one whole unit.
const quantityUnit = 1_000_000

// Pieces is a whole quantity. It panics beyond nine trillion.
func Pieces(n int64) Quantity {
	if n > math.MaxInt64/quantityUnit || n < math.MinInt64/quantityUnit {
		panic("fiscal: Pieces overflows")
	}
	return Quantity(n * quantityUnit)
}

// ErrQuantity is the kind of error that ParseQuantity gives.
var ErrQuantity = errors.New("not a quantity")

// ParseQuantity reads "3", "0.425" or "0,425": at most six significant
// decimals, no sign, no exponent. Anything else gives [ErrQuantity], more than
// nine trillion too.
func ParseQuantity(s string) (Quantity, error) {
	bad := func() (Quantity, error) { return 0, fmt.Errorf("fiscal: %.40q: %w", s, ErrQuantity) }
	whole, frac, cut := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	if whole == "" || (cut && frac == "") {
		return bad()
	}
	for _, part := range []string{whole, frac} {
		if strings.Trim(part, "0123456789") != "" {
			return bad()
		}
	}
	frac = strings.TrimRight(frac, "0")
	if len(frac) > 6 {
		return bad()
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 64)
	if err != nil {
		return bad()
	}
	return Quantity(n), nil
}

// String writes it without needless zeros: "3", "0.425".
func (q Quantity) String() string {
	n, sign := uint64(q), ""
	if q < 0 {
		n, sign = -n, "-"
	}
	s := sign + strconv.FormatUint(n/quantityUnit, 10)
	if frac := n % quantityUnit; frac != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%06d", frac), "0")
	}
	return s
}

// MarshalJSON writes it as an exact JSON number: 0.425.
func (q Quantity) MarshalJSON() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalJSON reads a JSON number, or a string with one, as ParseQuantity
// does; a minus is kept for Validate to find, and null changes nothing.
func (q *Quantity) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" {
		return nil
	}
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	s, negative := strings.CutPrefix(s, "-")
	n, err := ParseQuantity(s)
	if err != nil {
		return err
	}
	if negative {
		n = -n
	}
	*q = n
	return nil
}

// Whole says whether it has no decimals, and gives the number.
func (q Quantity) Whole() (int64, bool) { return int64(q / quantityUnit), q%quantityUnit == 0 }

// Decimals is how many decimals it needs, 0 to 6.
func (q Quantity) Decimals() int {
	_, frac, _ := strings.Cut(q.String(), ".")
	return len(frac)
}

// Times is the price of q units, rounded half up to the kopeck; 0 where either is
// not positive. It saturates at money.Max, which no receipt may reach.
func (q Quantity) Times(price money.Amount) money.Amount {
	if q <= 0 || price <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(q), uint64(price))
	lo, carry := bits.Add64(lo, quantityUnit/2, 0)
	hi += carry
	if hi >= quantityUnit {
		return money.Max
	}
	n, _ := bits.Div64(hi, lo, quantityUnit)
	if n > math.MaxInt64 {
		return money.Max
	}
	return money.Amount(n)
}

// Total is the price times the quantity, rounded half up to the kopeck (1043).
func (l Line) Total() money.Amount { return l.Quantity.Times(l.Price) }

// Total is the sum of the lines' totals: what the receipt is for. It stops at
// money.Max, which no receipt may reach.
func (r Receipt) Total() money.Amount {
	var total money.Amount
	for i := range r.Lines {
		total = addCapped(total, r.Lines[i].Total())
	}
	return total
}
