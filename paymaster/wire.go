package paymaster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Text is a text that PayMaster may also send as a number: the id of a payment
// is "734512" in one answer and 734512 in a callback. The digits stay as they
// came. null, an object and a list are "".
type Text string

// UnmarshalJSON reads any JSON value.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = Text(scalar(b))
	return nil
}

// String is the text.
func (t Text) String() string { return string(t) }

// scalar is the text form of a scalar; "" for null, objects and lists.
func scalar(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return ""
	}
	switch b[0] {
	case '"':
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

// Flag is a boolean that may come as "true", 1 or "1".
type Flag bool

// UnmarshalJSON takes true, "true", 1 and "1" for true, all else for false.
func (f *Flag) UnmarshalJSON(b []byte) error {
	s := scalar(b)
	*f = Flag(s == "1" || strings.EqualFold(s, "true"))
	return nil
}

// Rubles is a sum in kopecks that the wire has in rubles, as a number: 1499.90.
// It is read from a number or a text with any number of zeros behind:
// 1499.9000.
type Rubles money.Amount

// MarshalJSON writes the number.
func (r Rubles) MarshalJSON() ([]byte, error) { return money.Amount(r).Append(nil), nil }

// UnmarshalJSON reads a number or a text. An exponent, a part of a kopeck and
// anything else that is not a plain sum are errors: a sum is never guessed.
// null and "" are 0.
func (r *Rubles) UnmarshalJSON(b []byte) error {
	*r = 0
	s := scalar(b)
	if s == "" {
		if b = bytes.TrimSpace(b); len(b) > 0 && (b[0] == '{' || b[0] == '[') {
			return fmt.Errorf("a sum was expected, not %q", b[0])
		}
		return nil
	}
	a, err := money.Parse(s)
	if err != nil {
		return fmt.Errorf("%.40q: %w", s, err)
	}
	*r = Rubles(a)
	return nil
}

// Amount is the sum.
func (r Rubles) Amount() money.Amount { return money.Amount(r) }

// Money is a sum with its currency (amount).
type Money struct {
	Value    Rubles `json:"value"`
	Currency string `json:"currency"` // ISO 4217 letters
}

// Sum is the Money of an amount.
func Sum(a money.Amount, currency string) Money { return Money{Rubles(a), currency} }

// Time is a moment. One that cannot be read is zero: a date never makes an
// answer unreadable. A time without a zone is UTC.
type Time struct{ time.Time }

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02"}

// UnmarshalJSON reads ISO 8601 with or without milliseconds and zone.
func (t *Time) UnmarshalJSON(b []byte) error {
	*t = parseTime(scalar(b))
	return nil
}

func parseTime(s string) Time {
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, s); err == nil {
			// In UTC it may be of the year -1 or 10000, which no JSON takes.
			if at = at.UTC(); at.Year() < 1 || at.Year() > 9999 {
				return Time{}
			}
			return Time{at}
		}
	}
	return Time{}
}

// MarshalJSON writes UTC to the second: "2021-09-01T08:20:00Z"; null for the
// zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + isoTime(t.Time) + `"`), nil
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// trimBOM takes the byte order mark away that some servers put before JSON.
func trimBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }

// encode is JSON without the escapes of <, > and & that only web pages need.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
