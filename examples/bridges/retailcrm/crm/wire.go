package crm

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring/money"
)

// Text is a string that may come as a number or a boolean; null, objects and
// arrays are "".
type Text string

// UnmarshalJSON never fails.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = ""
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return nil
	}
	switch b[0] {
	case '"':
		var s string
		if json.Unmarshal(b, &s) == nil {
			*t = Text(strings.TrimSpace(s))
		}
	case '{', '[', 'n':
	default:
		*t = Text(b)
	}
	return nil
}

// Flag is a boolean that may come as 0, 1 or text.
type Flag struct {
	Value bool
	Given bool // false: it was absent, null, or no boolean at all
}

// UnmarshalJSON never fails.
func (f *Flag) UnmarshalJSON(b []byte) error {
	var t Text
	_ = t.UnmarshalJSON(b)
	v, err := strconv.ParseBool(strings.ToLower(string(t)))
	*f = Flag{Value: v && err == nil, Given: err == nil}
	return nil
}

// Sum is roubles from the CRM: a number or text.
type Sum struct {
	Amount money.Amount
	Given  bool   // false: absent, null or ""
	Bad    string // what was there, where it is no sum of kopecks
}

// UnmarshalJSON never fails: see Bad.
func (s *Sum) UnmarshalJSON(b []byte) error {
	var t Text
	_ = t.UnmarshalJSON(b)
	*s = Sum{Given: t != ""}
	if t == "" {
		if v := bytes.TrimSpace(b); len(v) > 0 && (v[0] == '{' || v[0] == '[') {
			*s = Sum{Given: true, Bad: string(v[:1])}
		}
		return nil
	}
	var err error
	if s.Amount, err = kopecks(string(t), false); err != nil {
		s.Bad = string(t)
	}
	return nil
}

// Roubles is a sum that is written as the shortest JSON number ("1299.5"), and
// read as a number or text.
type Roubles money.Amount

// MarshalJSON writes a number.
func (r Roubles) MarshalJSON() ([]byte, error) {
	s := money.Amount(r).String()
	return []byte(strings.TrimSuffix(strings.TrimRight(s, "0"), ".")), nil
}

// UnmarshalJSON refuses what is no sum of kopecks; null is nothing.
func (r *Roubles) UnmarshalJSON(b []byte) error {
	var s Sum
	_ = s.UnmarshalJSON(b)
	if s.Bad != "" {
		return errors.New("not a sum in roubles: " + s.Bad)
	}
	*r = Roubles(s.Amount)
	return nil
}

var errSum = errors.New("not a sum")

// kopecks reads roubles as JSON or a person writes them. What a binary float
// leaves behind, far below a kopeck, is taken off; with round so is anything
// below a kopeck, half up, which is right for a price and never for what is to
// be paid.
func kopecks(text string, round bool) (money.Amount, error) {
	if a, err := money.Parse(text); err == nil {
		return a, nil
	}
	mantissa, exponent, e := strings.Cut(strings.ToLower(text), "e")
	if len(mantissa) > 40 || e && len(exponent) > 3 || strings.ContainsAny(text, "/_xX") {
		return 0, errSum // big.Rat would spend a machine on it
	}
	r, ok := new(big.Rat).SetString(strings.Replace(text, ",", ".", 1))
	if !ok {
		return 0, errSum
	}
	r.Mul(r, big.NewRat(100, 1))
	half := new(big.Rat).Add(r, big.NewRat(1, 2))
	whole := new(big.Int).Div(half.Num(), half.Denom())
	noise := new(big.Rat).Sub(r, new(big.Rat).SetInt(whole))
	if !whole.IsInt64() || !round && noise.Abs(noise).Cmp(big.NewRat(1, 1000)) > 0 {
		return 0, errSum
	}
	return money.Amount(whole.Int64()), nil
}
