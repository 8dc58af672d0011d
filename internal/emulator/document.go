package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/money"
)

// Object is a JSON object with its numbers as they were written.
type Object map[string]any

// DecodeJSON reads one JSON document, numbers as they were written. Its errors
// are in the words of a Russian service.
func DecodeJSON(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return errors.New("тело запроса не является JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("после JSON есть ещё что-то")
	}
	return nil
}

// Check gathers the faults of a JSON document, each with the path of its
// field. Absent are null, and empty texts, arrays and objects: SDKs send them
// for fields that were not given.
type Check struct {
	Faults []string
	// Lenient takes numbers written as text and texts written as numbers.
	Lenient bool
}

// Fault is the first one; "": there is none.
func (c *Check) Fault() string {
	if len(c.Faults) == 0 {
		return ""
	}
	return c.Faults[0]
}

// Fail adds a fault.
func (c *Check) Fail(format string, args ...any) {
	c.Faults = append(c.Faults, fmt.Sprintf(format, args...))
}

// At is the path of a field.
func At(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func absent(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// Has says whether the field is there and not empty.
func (o Object) Has(name string) bool { return !absent(o[name]) }

// field is the value, nil when absent, which is a fault when it is required.
func (c *Check) field(o Object, path, name string, required bool) any {
	v := o[name]
	if !absent(v) {
		return v
	}
	if required {
		c.Fail("поле %s обязательно", At(path, name))
	}
	return nil
}

// Text is a string field.
func (c *Check) Text(o Object, path, name string, required bool) string {
	switch v := c.field(o, path, name, required).(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		if c.Lenient {
			return v.String()
		}
	}
	c.Fail("поле %s должно быть строкой", At(path, name))
	return ""
}

// Length is a string field of 1 to most characters.
func (c *Check) Length(o Object, path, name string, required bool, most int) string {
	s := c.Text(o, path, name, required)
	if len([]rune(s)) > most {
		c.Fail("поле %s длиннее %d символов", At(path, name), most)
	}
	return s
}

// Word is a string field with known values.
func (c *Check) Word(o Object, path, name string, required bool, allowed []string) string {
	s := c.Text(o, path, name, required)
	if s != "" && !slices.Contains(allowed, s) {
		c.Fail("поле %s: недопустимое значение %q", At(path, name), s)
	}
	return s
}

func (c *Check) numeral(o Object, path, name string, required bool) (json.Number, bool) {
	switch v := c.field(o, path, name, required).(type) {
	case nil:
		return "", false
	case json.Number:
		return v, true
	case string:
		if c.Lenient {
			return json.Number(v), true
		}
	}
	c.Fail("поле %s должно быть числом", At(path, name))
	return "", false
}

// Integer is a whole number field; allowed nil: any. ok says whether it was
// there and whole.
func (c *Check) Integer(o Object, path, name string, required bool, allowed []int64) (n int64, ok bool) {
	v, ok := c.numeral(o, path, name, required)
	if !ok {
		return 0, false
	}
	n, err := v.Int64()
	if err != nil {
		c.Fail("поле %s должно быть целым числом", At(path, name))
		return 0, false
	}
	if allowed != nil && !slices.Contains(allowed, n) {
		c.Fail("поле %s: недопустимое значение %d", At(path, name), n)
	}
	return n, true
}

// Boolean is a field of true or false.
func (c *Check) Boolean(o Object, path, name string) bool {
	switch v := o[name].(type) {
	case nil:
		return false
	case bool:
		return v
	}
	c.Fail("поле %s должно быть true или false", At(path, name))
	return false
}

// Number is a field with an exact decimal; nil when it is not there.
func (c *Check) Number(o Object, path, name string, required bool) *big.Rat {
	v, ok := c.numeral(o, path, name, required)
	if !ok {
		return nil
	}
	r, ok := Rational(v)
	if !ok {
		c.Fail("поле %s: недопустимое число", At(path, name))
		return nil
	}
	return r
}

// Sum is a field of roubles: a number with at most two decimals, or with the
// noise that binary floats leave behind.
func (c *Check) Sum(o Object, path, name string, required bool) money.Amount {
	r := c.Number(o, path, name, required)
	if r == nil {
		return 0
	}
	a, ok := Kopecks(r)
	if !ok {
		c.Fail("поле %s: больше двух знаков после запятой", At(path, name))
	}
	return a
}

// Objects are the elements of a field that is an array of objects.
func (c *Check) Objects(o Object, path, name string, required bool) []Object {
	v := c.field(o, path, name, required)
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		c.Fail("поле %s должно быть массивом", At(path, name))
		return nil
	}
	var out []Object
	for i, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			c.Fail("поле %s[%d] должно быть объектом", At(path, name), i)
			continue
		}
		out = append(out, m)
	}
	return out
}

// Texts are the elements of a field that is an array of strings.
func (c *Check) Texts(o Object, path, name string, required bool) []string {
	v := c.field(o, path, name, required)
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		c.Fail("поле %s должно быть массивом", At(path, name))
		return nil
	}
	var out []string
	for i, e := range list {
		s, ok := e.(string)
		if !ok {
			c.Fail("поле %s[%d] должно быть строкой", At(path, name), i)
		}
		out = append(out, s)
	}
	return out
}

// Object is a field that is an object; nil when it is not there.
func (c *Check) Object(o Object, path, name string, required bool) Object {
	v := c.field(o, path, name, required)
	if v == nil {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		c.Fail("поле %s должно быть объектом", At(path, name))
	}
	return m
}

// ID is a field with an identifier: a string or a whole number, the same
// digits being the same.
func (c *Check) ID(o Object, path, name string, required bool) string {
	switch v := c.field(o, path, name, required).(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return v.String()
		}
	}
	c.Fail("поле %s: недопустимый идентификатор", At(path, name))
	return ""
}

// Rational reads a JSON number exactly. One that is absurdly long is refused:
// big.Rat would spend a machine on it.
func Rational(n json.Number) (*big.Rat, bool) {
	s := n.String()
	mantissa, exponent, ok := strings.Cut(strings.ToLower(s), "e")
	if len(s) > 45 || ok && (len(exponent) > 3 || len(mantissa) > 40) || strings.Contains(s, "/") {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// Kopecks takes a number of roubles within a ten-thousandth of a kopeck for
// that kopeck.
func Kopecks(r *big.Rat) (money.Amount, bool) {
	k := new(big.Rat).Mul(r, big.NewRat(100, 1))
	whole := HalfUp(k)
	noise := new(big.Rat).Sub(k, new(big.Rat).SetInt(whole))
	if noise.Abs(noise).Cmp(big.NewRat(1, 10_000)) > 0 || !whole.IsInt64() {
		return 0, false
	}
	return money.Amount(whole.Int64()), true
}

// HalfUp rounds to the nearest whole number, a half upwards.
func HalfUp(r *big.Rat) *big.Int {
	half := new(big.Rat).Add(r, big.NewRat(1, 2))
	return new(big.Int).Div(half.Num(), half.Denom()) // rounds down, also below zero
}
