package tochka

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/money"
)

// Sum is a sum of money that the bank writes in roubles: a JSON number in the
// API, a string in the webhooks. It holds kopecks: Sum(149050) is 1490.50.
type Sum money.Amount

// Amount is the sum as the rest of the library holds it.
func (s Sum) Amount() money.Amount { return money.Amount(s) }

// String writes the sum in roubles: "1490.50".
func (s Sum) String() string { return money.Amount(s).String() }

// MarshalJSON writes a number in roubles with two decimals and no exponent.
func (s Sum) MarshalJSON() ([]byte, error) { return money.Amount(s).Append(nil), nil }

// UnmarshalJSON reads roubles, a number or a string: at most two decimals that
// are not zeros, no exponent. null is 0.
func (s *Sum) UnmarshalJSON(b []byte) error {
	text, ok, err := scalar(b)
	if err != nil || !ok {
		return err
	}
	if strings.Trim(text, "0123456789.-") != "" {
		return fmt.Errorf("%.40q is not a sum in roubles", text)
	}
	a, err := money.Parse(text)
	if err != nil {
		return err
	}
	*s = Sum(a)
	return nil
}

// Kopecks is a sum of money that the bank writes in kopecks, as the SBP
// methods do.
type Kopecks money.Amount

// Amount is the sum as the rest of the library holds it.
func (k Kopecks) Amount() money.Amount { return money.Amount(k) }

// MarshalJSON writes a whole number of kopecks.
func (k Kopecks) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, int64(k), 10), nil }

// UnmarshalJSON reads a whole number of kopecks, as a number or a string.
func (k *Kopecks) UnmarshalJSON(b []byte) error {
	text, ok, err := scalar(b)
	if err != nil || !ok {
		return err
	}
	if strings.Trim(text, "0123456789.-") != "" {
		return fmt.Errorf("%.40q is not a sum in kopecks", text)
	}
	a, err := money.ParseMinor(text)
	if err != nil {
		return err
	}
	*k = Kopecks(a)
	return nil
}

// Text is a text that the bank writes as a string in one place and as a number
// in another (orderId, the code of an error, percents). It keeps the digits as
// they came.
type Text string

// UnmarshalJSON reads a string, a number, true or false; null is "".
func (t *Text) UnmarshalJSON(b []byte) error {
	text, ok, err := scalar(b)
	if err != nil || !ok {
		return err
	}
	*t = Text(text)
	return nil
}

// Bool is true, false, or one of the two in quotes.
type Bool bool

// UnmarshalJSON reads it; null is false.
func (v *Bool) UnmarshalJSON(b []byte) error {
	text, ok, err := scalar(b)
	if err != nil || !ok {
		return err
	}
	switch strings.ToLower(text) {
	case "true":
		*v = true
	case "false", "":
		*v = false
	default:
		return fmt.Errorf("%.40q is neither true nor false", text)
	}
	return nil
}

// Int is a whole number that the bank also writes in quotes (ttl of a QR).
type Int int64

// UnmarshalJSON reads it; null and "" are 0.
func (n *Int) UnmarshalJSON(b []byte) error {
	text, ok, err := scalar(b)
	if err != nil || !ok || text == "" {
		return err
	}
	v, err := money.ParseMinor(text) // whole numbers, also "60.0"
	if err != nil {
		return fmt.Errorf("%.40q is not a whole number", text)
	}
	*n = Int(v)
	return nil
}

// scalar is the text of a JSON string, number, true or false; ok is false for
// null.
func scalar(b []byte) (text string, ok bool, err error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || string(b) == "null":
		return "", false, nil
	case b[0] == '"':
		if inner := b[1:max(1, len(b)-1)]; len(b) > 1 && b[len(b)-1] == '"' && plainText(inner) {
			return string(inner), true, nil
		}
		var unquoted string // of its own: only a string needs the heap
		err = json.Unmarshal(b, &unquoted)
		return unquoted, err == nil, err
	case b[0] == '{' || b[0] == '[':
		return "", false, fmt.Errorf("a value was expected, %.20q came", b)
	}
	return string(b), true, nil
}

// plainText says whether the inside of a JSON string is its text already.
func plainText(inner []byte) bool {
	wide := byte(0)
	for _, c := range inner {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
		wide |= c
	}
	return wide < utf8.RuneSelf || utf8.Valid(inner)
}

// moscow is where a time without an offset is taken to be.
var moscow = time.FixedZone("MSK", 3*60*60)

// Time is a moment as the bank writes it: ISO 8601 with any offset, with or
// without fractions of a second. One without an offset is taken for Moscow's.
// What cannot be read leaves the zero time and
// its text in Raw, so that one odd field does not lose the whole answer.
type Time struct {
	time.Time
	Raw string // as it came
}

// At is the moment t, for requests; the zero time is left out.
func At(t time.Time) Time { return Time{Time: t} }

// UnmarshalJSON reads it; null is the zero time.
func (t *Time) UnmarshalJSON(b []byte) error {
	text, _, err := scalar(b)
	if err != nil {
		return err
	}
	*t = Time{Time: parseTime(text), Raw: text}
	return nil
}

// MarshalJSON writes it with its offset in figures, as the bank does.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return json.Marshal(t.Raw)
	}
	return json.Marshal(t.Format("2006-01-02T15:04:05-07:00"))
}

// parseTime reads ISO 8601; a time without an offset is Moscow's.
func parseTime(text string) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, moscow); err == nil {
			return t
		}
	}
	return time.Time{}
}

// Date is a calendar day, YYYY-MM-DD.
type Date string

// DateOf is the day of t in Moscow; "" of the zero time. By which clock the bank
// counts the days of its lists is not documented: ask for a day more on either
// side, and look at the times of what comes.
func DateOf(t time.Time) Date {
	if t.IsZero() {
		return ""
	}
	return Date(t.In(moscow).Format(time.DateOnly))
}

// Time is the beginning of the day in Moscow; zero where it is no date.
func (d Date) Time() time.Time {
	t, _ := time.ParseInLocation(time.DateOnly, string(d), moscow)
	return t
}

// valid says whether it is a date, or nothing.
func (d Date) valid() bool { return d == "" || !d.Time().IsZero() }

// Links are the addresses of an answer. They are the bank's view of itself:
// the client does not follow them.
type Links struct {
	Self  string `json:"self"`
	First string `json:"first"`
	Prev  string `json:"prev"`
	Next  string `json:"next"`
	Last  string `json:"last"`
}

// Meta is what an answer says of itself.
type Meta struct {
	TotalPages Int `json:"totalPages"`
}

// envelope is every answer, with its Data not looked into.
type envelope struct {
	Data  json.RawMessage
	Links Links
	Meta  Meta
}

// dataOf wraps a request.
type dataOf[T any] struct {
	Data T
}

// compact writes a request as JSON without escaping <, > and &.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
