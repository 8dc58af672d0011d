package tochkatest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// member is one member of a JSON object.
type member struct {
	Name  string
	Value any
}

// object is a JSON object whose members keep their order.
type object []member

// with adds a member.
func (o object) with(name string, value any) object { return append(o, member{name, value}) }

// some adds a member unless its value is empty: the bank leaves optional fields
// out.
func (o object) some(name string, value any) object {
	switch v := value.(type) {
	case nil:
		return o
	case string:
		if v == "" {
			return o
		}
	case bool:
		if !v {
			return o
		}
	case int:
		if v == 0 {
			return o
		}
	case []string:
		if len(v) == 0 {
			return o
		}
	case object:
		if len(v) == 0 {
			return o
		}
	case []object:
		if len(v) == 0 {
			return o
		}
	}
	return o.with(name, value)
}

// roubles go out as a JSON number with a fraction: 1490.5, 1.0.
type roubles money.Amount

// String is that number.
func (r roubles) String() string {
	s := money.Amount(r).String()
	if strings.HasSuffix(s, "0") {
		return s[:len(s)-1]
	}
	return s
}

// decimal is a number as Python prints a float: 3 as 3.0, 0.50 as 0.5.
func decimal(text string) json.RawMessage {
	r, ok := emulator.Rational(json.Number(text))
	if !ok {
		r = new(big.Rat)
	}
	s := strings.TrimRight(r.FloatString(6), "0")
	if strings.HasSuffix(s, ".") {
		s += "0"
	}
	return json.RawMessage(s)
}

// encode writes compact UTF-8, as the API does, or with spaces and \u escapes,
// as Python's json.dumps does for the webhooks.
func encode(dst []byte, v any, python bool) []byte {
	separator, colon := ",", ":"
	if python {
		separator, colon = ", ", ": "
	}
	list := func(n int, element func(i int) any) {
		dst = append(dst, '[')
		for i := range n {
			if i > 0 {
				dst = append(dst, separator...)
			}
			dst = encode(dst, element(i), python)
		}
		dst = append(dst, ']')
	}
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return quote(dst, v, python)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case roubles:
		return append(dst, v.String()...)
	case money.Amount: // kopecks
		return append(dst, v.Minor()...)
	case json.RawMessage:
		return append(dst, v...)
	case object:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, separator...)
			}
			dst = quote(dst, m.Name, python)
			dst = append(dst, colon...)
			dst = encode(dst, m.Value, python)
		}
		return append(dst, '}')
	case []object:
		list(len(v), func(i int) any { return v[i] })
	case []string:
		list(len(v), func(i int) any { return v[i] })
	default:
		panic(fmt.Sprintf("tochkatest: cannot write a %T", v))
	}
	return dst
}

// quote writes a JSON text, with \u escapes for all that is not ASCII when it
// is Python's.
func quote(dst []byte, s string, python bool) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r < 0x20 || python && r > 0x7e && r <= 0xffff && r != 0x7f:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		case python && r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

var (
	moscow = time.FixedZone("MSK", 3*3600)
	perm   = time.FixedZone("YEKT", 5*3600)
)

const date = "2006-01-02"

// stamp is a time to the second with the offset of the zone. The bank creates
// operations in one and pays them in another.
func stamp(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02T15:04:05-07:00")
}

// millis is a time as the services beside acquiring have it.
func millis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }

// micros is a time of a consent.
func micros(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000-07:00") }
