package rbs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Text is a text that a gateway may also send as a number or a boolean:
// errorCode is "0" here and 0 there, a terminal's number has quotes or none.
// The digits stay as they came, with their leading zeros. null, an object and
// a list are "".
type Text string

// UnmarshalJSON reads any JSON value.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = Text(scalarText(b))
	return nil
}

// String is the text.
func (t Text) String() string { return string(t) }

// scalarText is the text form of a scalar; "" for null, objects and lists.
func scalarText(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return ""
	}
	switch b[0] {
	case '"':
		if plain := b[1:]; len(plain) > 0 && bytes.IndexByte(plain, '\\') < 0 {
			return strings.ToValidUTF8(string(plain[:len(plain)-1]), "\uFFFD")
		}
		var s string
		if json.Unmarshal(b, &s) != nil {
			return ""
		}
		return s
	case '{', '[', 'n':
		return ""
	}
	return string(b)
}

// Int is a whole number that may come as a text. Known says whether it came at
// all: an absent one, null and "" are not known.
type Int struct {
	Value int64
	Known bool
}

// Num is a known Int.
func Num(n int64) Int { return Int{Value: n, Known: true} }

// UnmarshalJSON reads 5, "5", "5.00", "", null. What would need rounding, an
// exponent, or a text that is not a number is an error: a sum is never
// guessed.
func (n *Int) UnmarshalJSON(b []byte) error {
	*n = Int{}
	s := strings.TrimSpace(scalarText(b))
	if s == "" {
		if c := bytes.TrimSpace(b); len(c) > 0 && (c[0] == '{' || c[0] == '[') {
			return fmt.Errorf("rbs: a number was expected, not %q", c[0])
		}
		return nil
	}
	a, err := money.ParseMinor(s)
	if err != nil {
		return fmt.Errorf("rbs: %.40q is not a whole number", s)
	}
	*n = Int{Value: int64(a), Known: true}
	return nil
}

// MarshalJSON writes the number, or null when it is not known.
func (n Int) MarshalJSON() ([]byte, error) {
	if !n.Known {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, n.Value, 10), nil
}

// Amount is the number as a sum in kopecks; 0 when it is not known.
func (n Int) Amount() money.Amount { return money.Amount(n.Value) }

// String is the digits; "" when it is not known.
func (n Int) String() string {
	if !n.Known {
		return ""
	}
	return strconv.FormatInt(n.Value, 10)
}

// Bool is a boolean that may come as "true", "1" or 1.
type Bool bool

// UnmarshalJSON takes true, "true", 1 and "1" (in any case) for true, and
// everything else for false.
func (v *Bool) UnmarshalJSON(b []byte) error {
	s := scalarText(b)
	*v = Bool(s == "1" || strings.EqualFold(s, "true"))
	return nil
}

// Time is a moment: Unix milliseconds as a number or a text, or one of the
// texts that gateways write. One that cannot be read is zero: a date never
// makes an answer unreadable. A text without a zone is Moscow's.
type Time struct{ time.Time }

// Moscow is the zone of the gateways' times without a zone.
var Moscow = time.FixedZone("MSK", 3*60*60)

var timeLayouts = []string{
	"2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05", "02.01.2006 15:04:05",
	"2006-01-02", "02.01.2006",
}

// UnmarshalJSON reads what it can.
func (t *Time) UnmarshalJSON(b []byte) error {
	*t = Time{}
	s := strings.TrimSpace(scalarText(b))
	if s == "" {
		return nil
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		// Year 9999 at most: what time.Time can write back.
		if ms > 0 && ms < 253402300800000 {
			t.Time = time.UnixMilli(ms).UTC()
		}
		return nil
	}
	for _, layout := range timeLayouts {
		if at, err := time.ParseInLocation(layout, s, Moscow); err == nil {
			// In UTC it may be of the year -1 or 10000, which no JSON takes.
			if at = at.UTC(); at.Year() >= 1 && at.Year() <= 9999 {
				t.Time = at
			}
			return nil
		}
	}
	return nil
}

// MarshalJSON writes Unix milliseconds, or null for the zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

// FormTime writes a moment as the gateways read it: Moscow time without a
// zone, 2026-03-03T12:16:40.
func FormTime(t time.Time) string { return t.In(Moscow).Format("2006-01-02T15:04:05") }

// List is a list that may come as one object, as null or as "".
type List[T any] []T

// UnmarshalJSON reads a list, or one object as a list of one.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return nil
	}
	switch b[0] {
	case '[':
		var items []T
		if err := json.Unmarshal(b, &items); err != nil {
			return err
		}
		*l = items
	case '{':
		var item T
		if err := json.Unmarshal(b, &item); err != nil {
			return err
		}
		*l = List[T]{item}
	}
	return nil
}

// NamedValue is one entry of the gateways' lists of parameters.
type NamedValue struct {
	Name  Text `json:"name"`
	Value Text `json:"value"`
}

// Lookup is the value of the first entry of that name; "" when there is none.
func Lookup(list []NamedValue, name string) string {
	for _, p := range list {
		if string(p.Name) == name {
			return string(p.Value)
		}
	}
	return ""
}

// currencies are the codes that mean rubles and the few others that a gateway
// may be asked for, ISO 4217.
var currencies = map[string]string{
	"643": "RUB", "810": "RUB", "RUR": "RUB", "RUB": "RUB",
	"840": "USD", "978": "EUR", "156": "CNY", "933": "BYN", "398": "KZT", "051": "AMD", "417": "KGS", "860": "UZS",
}

// CurrencyLetters turns the gateway's code into ISO letters: 643 and the old
// 810 are RUB, and so is a code that did not come. An unknown code stays as it
// is.
func CurrencyLetters(code string) string {
	if code == "" {
		return "RUB"
	}
	if letters, ok := currencies[strings.ToUpper(code)]; ok {
		return letters
	}
	return code
}

// CurrencyCode turns ISO letters into the gateway's three digits; ok is false
// for letters that it does not know.
func CurrencyCode(letters string) (code string, ok bool) {
	switch letters {
	case "RUB", "":
		return "643", true
	}
	for digits, l := range currencies {
		if l == letters && digits[0] <= '9' {
			return digits, true
		}
	}
	return "", false
}

// DateTime is a moment in a request: Moscow time without a zone. The zero
// value is left out with omitzero (JSON) and omitempty (form).
type DateTime struct{ time.Time }

// MarshalJSON writes "2026-03-03T12:16:40".
func (t DateTime) MarshalJSON() ([]byte, error) { return []byte(`"` + FormTime(t.Time) + `"`), nil }

// EncodeValues implements query.Encoder.
func (t DateTime) EncodeValues(key string, v *url.Values) error {
	if !t.IsZero() {
		v.Set(key, FormTime(t.Time))
	}
	return nil
}

// Params are the parameters of an order beside its fields (jsonParams): one
// flat JSON object, of which a form holds the text.
type Params map[string]any

// EncodeValues implements query.Encoder.
func (p Params) EncodeValues(key string, v *url.Values) error {
	return JSONText{map[string]any(p)}.EncodeValues(key, v)
}
