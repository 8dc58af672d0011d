package komtet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
)

// ID is a number that the shop gives: external_id of a receipt, an order, a
// line. The service takes text and numbers and answers in kind; TextID and
// NumberID make one. The zero ID is none and is left out.
type ID struct {
	text   string
	number bool
}

// TextID is an identifier sent as text.
func TextID(s string) ID { return ID{text: s} }

// NumberID is an identifier sent as a number.
func NumberID(n int64) ID { return ID{text: strconv.FormatInt(n, 10), number: true} }

// String is the identifier as text, in whichever way it is sent: 12 and "12"
// are the same identifier.
func (id ID) String() string { return id.text }

// IsZero says whether there is none.
func (id ID) IsZero() bool { return id.text == "" }

// MarshalJSON writes it as text or as a number.
func (id ID) MarshalJSON() ([]byte, error) {
	if id.number {
		return []byte(id.text), nil
	}
	return marshal(id.text)
}

// UnmarshalJSON reads a text, a number or null.
func (id *ID) UnmarshalJSON(data []byte) error {
	s, number, err := scalar(data)
	if err != nil {
		return err
	}
	*id = ID{text: s, number: number}
	return nil
}

// Int is a whole number of an answer. It is read from a number or from text,
// since the service is not the same about it everywhere.
type Int int64

// UnmarshalJSON reads 5, 5.0, "5", "" and null; the last two are 0.
func (n *Int) UnmarshalJSON(data []byte) error {
	s, _, err := scalar(data)
	if err != nil {
		return err
	}
	if whole, frac, cut := strings.Cut(s, "."); cut && strings.Trim(frac, "0") == "" {
		s = whole
	}
	if s == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return fmt.Errorf("%.40q is not a whole number", s)
	}
	*n = Int(v)
	return nil
}

// Text is a text of an answer, also where the service wrote a number or null.
type Text string

// UnmarshalJSON reads a text, a number as it is written, or null.
func (t *Text) UnmarshalJSON(data []byte) error {
	s, _, err := scalar(data)
	if err != nil {
		return err
	}
	*t = Text(s)
	return nil
}

// Decimal is a sum or a quantity of an answer, as the service wrote it:
// courier orders hold such as -7277.321.
type Decimal string

// UnmarshalJSON reads a number, a text or null.
func (d *Decimal) UnmarshalJSON(data []byte) error { return (*Text)(d).UnmarshalJSON(data) }

// Amount is the decimal as a sum; an error when it is none to the kopeck.
func (d Decimal) Amount() (money.Amount, error) { return money.Parse(string(d)) }

// Quantity is the decimal as a quantity.
func (d Decimal) Quantity() (fiscal.Quantity, error) { return fiscal.ParseQuantity(string(d)) }

// Roubles is a sum of a request: kopecks here, a number in roubles with at
// most two decimals on the wire, 1499.9 for 149990.
type Roubles money.Amount

// MarshalJSON writes it exactly.
func (r Roubles) MarshalJSON() ([]byte, error) { return []byte(money.Amount(r).Short()), nil }

// UnmarshalJSON reads a number or a text.
func (r *Roubles) UnmarshalJSON(data []byte) error {
	s, _, err := scalar(data)
	if err != nil {
		return err
	}
	a, err := money.Parse(s)
	*r = Roubles(a)
	return err
}

// Quantity is a quantity of a request, a number on the wire.
type Quantity fiscal.Quantity

// MarshalJSON writes it exactly.
func (q Quantity) MarshalJSON() ([]byte, error) { return []byte(fiscal.Quantity(q).String()), nil }

// UnmarshalJSON reads a number or a text.
func (q *Quantity) UnmarshalJSON(data []byte) error {
	s, _, err := scalar(data)
	if err != nil {
		return err
	}
	v, err := fiscal.ParseQuantity(s)
	*q = Quantity(v)
	return err
}

// The layouts of times. Orders are asked for in one form in each version, and
// answered in version 1's form in both.
const (
	layoutDay       = "02.01.2006"
	layoutSecond    = "02.01.2006 15:04:05"
	layoutDayV1     = "2006-01-02"
	layoutOrderV1   = "2006-01-02 15:04"
	layoutOrderV2   = "02.01.2006 15:04"
	layoutFiscal    = "20060102T1504"
	layoutFiscalSec = "20060102T150405"
)

// TimeV1 is a moment of a courier order in version 1: YYYY-MM-DD HH:MM, as the
// clock of its own location shows it.
type TimeV1 time.Time

// TimeV2 is a moment of a courier order in version 2: dd.mm.yyyy HH:MM, as the
// clock of its own location shows it.
type TimeV2 time.Time

// MarshalJSON writes it in its form.
func (t TimeV1) MarshalJSON() ([]byte, error) {
	return marshal(time.Time(t).Format(layoutOrderV1))
}

// UnmarshalJSON reads its form; the location is UTC.
func (t *TimeV1) UnmarshalJSON(data []byte) error {
	return unmarshalTime((*time.Time)(t), layoutOrderV1, data)
}

// MarshalJSON writes it in its form.
func (t TimeV2) MarshalJSON() ([]byte, error) {
	return marshal(time.Time(t).Format(layoutOrderV2))
}

// UnmarshalJSON reads its form; the location is UTC.
func (t *TimeV2) UnmarshalJSON(data []byte) error {
	return unmarshalTime((*time.Time)(t), layoutOrderV2, data)
}

func unmarshalTime(t *time.Time, layout string, data []byte) error {
	s, _, err := scalar(data)
	if err != nil {
		return err
	}
	*t, err = time.Parse(layout, s)
	return err
}

// scalar reads the text of a JSON text or number; null is "". The JSON is
// valid: encoding/json gives no other to an UnmarshalJSON.
func scalar(data []byte) (s string, number bool, err error) {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0 || (data[0] == '"' && len(data) < 2):
		return "", false, errors.New("nothing where a text or a number should be")
	case string(data) == "null":
		return "", false, nil
	case data[0] == '"':
		s, err = rest.Text(data)
		return s, false, err
	case data[0] == '-' || ('0' <= data[0] && data[0] <= '9'):
		return string(data), true, nil
	}
	return "", false, fmt.Errorf("%.20q where a text or a number should be", data)
}

// marshal is json.Marshal without the escapes that only web pages need.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Extra are further fields of an object of a request, for what this package
// does not know yet: JSON by the field's name.
type Extra map[string]json.RawMessage

// append adds the fields to an encoded object, in the order of their names. A
// field that is there already is an error: what wins would be a guess.
func (x Extra) append(object []byte) ([]byte, error) {
	if len(x) == 0 {
		return object, nil
	}
	var there map[string]json.RawMessage
	if err := json.Unmarshal(object, &there); err != nil {
		return nil, err
	}
	for name, value := range x {
		if _, ok := there[name]; ok {
			return nil, fmt.Errorf("the extra field %q is written already", name)
		}
		if !json.Valid(value) {
			return nil, fmt.Errorf("the extra field %q is not JSON", name)
		}
	}
	more, err := marshal(map[string]json.RawMessage(x)) // sorted by name
	if err != nil {
		return nil, err
	}
	out := append([]byte(nil), object[:len(object)-1]...)
	if len(there) > 0 {
		out = append(out, ',')
	}
	return append(out, more[1:]...), nil
}
