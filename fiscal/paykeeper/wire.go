package paykeeper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// Layouts of the protocol's dates and times, which are Moscow's.
const (
	dateLayout = "2006-01-02"
	timeLayout = "2006-01-02 15:04:05"
)

// moscow is the zone of all times of the protocol. Moscow has had no other
// since 2014.
var moscow = time.FixedZone("MSK", 3*60*60)

func dateOf(t time.Time) string { return t.In(moscow).Format(dateLayout) }

// checkDays refuses a list's period that lacks a day: the zero time would be
// sent as the year 1, and nothing found.
func checkDays(op string, from, to time.Time) error {
	var err error
	switch {
	case from.IsZero():
		err = acquiring.Invalid("From", "is not given; the list needs its first day")
	case to.IsZero():
		err = acquiring.Invalid("To", "is not given; the list needs its last day")
	}
	return acquiring.InOp(provider, op, err)
}

// fields are a form or a query in the order of the documentation.
type fields webhook.Params

func (f *fields) add(name, value string) { *f = append(*f, webhook.Param{Name: name, Value: value}) }

// some adds the field unless it is empty.
func (f *fields) some(name, value string) {
	if value != "" {
		f.add(name, value)
	}
}

// list adds an array as PHP reads it: status[]=a&status[]=b.
func (f *fields) list(name string, values []string) {
	for _, v := range values {
		f.add(name+"[]", v)
	}
}

// indexed adds an array with its indexes: status[0]=a&status[1]=b.
func (f *fields) indexed(name string, values []string) {
	for i, v := range values {
		f.add(name+"["+strconv.Itoa(i)+"]", v)
	}
}

func (f fields) encode() string {
	var b strings.Builder
	for i, p := range f {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.Value))
	}
	return b.String()
}

func (f fields) get(name string) (string, bool) { return webhook.Params(f).Get(name) }

func (f fields) has(name string) bool {
	_, ok := f.get(name)
	return ok
}

// row is one object of an answer. Its readers take a string, a number, null
// and absence alike, as the service mixes them; what cannot be read at all is
// kept in err.
type row struct {
	c   *Client
	op  string
	raw json.RawMessage
	m   map[string]json.RawMessage
	err error
}

// text is a scalar as text; "" for null, for absence and for what is no scalar.
func (r *row) text(name string) string { return scalar(r.m[name]) }

func scalar(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	case '{', '[':
		return ""
	}
	return string(raw)
}

// first is the first of the names that says something.
func (r *row) first(names ...string) string {
	for _, name := range names {
		if s := r.text(name); s != "" {
			return s
		}
	}
	return ""
}

// need is text that must be there.
func (r *row) need(name string) (string, error) {
	s := r.text(name)
	if s == "" {
		return "", r.c.fault(r.op, acquiring.ErrProtocol, "the answer has no "+name)
	}
	return s, nil
}

// amount is a sum in roubles, a string or a number; 0 when there is none.
func (r *row) amount(name string) money.Amount {
	s := r.text(name)
	if s == "" {
		return 0
	}
	a, err := money.Parse(s)
	if err != nil {
		r.fail(name, err)
	}
	return a
}

// integer is a whole number, 0 when there is none or it is not whole.
func (r *row) integer(name string) int {
	n, err := strconv.Atoi(r.text(name))
	if err != nil {
		return 0
	}
	return n
}

// when is a time of Moscow's, zero when there is none or it cannot be read: no
// decision hangs on it.
func (r *row) when(name string) time.Time { return parseTime(r.text(name)) }

// parseTime reads the times that the service is known to write.
func parseTime(s string) time.Time {
	if s == "" || strings.HasPrefix(s, "0000-00-00") {
		return time.Time{}
	}
	for _, layout := range []string{timeLayout, dateLayout, "2006-01-02T15:04:05", "20060102T1504", "20060102T150405"} {
		if t, err := time.ParseInLocation(layout, s, moscow); err == nil {
			return t
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t
	}
	return time.Time{}
}

func (r *row) fail(name string, err error) {
	if r.err == nil {
		e := r.c.fault(r.op, acquiring.ErrProtocol, "the answer's "+name+" cannot be read")
		e.Err = err
		r.err = e
	}
}

// one is the object of an answer, which may come as an array of one.
func (c *Client) one(op string, body json.RawMessage) (*row, error) {
	rows, err := c.rows(op, body)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, c.fault(op, acquiring.ErrNotFound, "the answer is an empty list")
	}
	if len(rows) > 1 {
		return nil, c.fault(op, acquiring.ErrProtocol, fmt.Sprintf("the answer has %d objects where one was asked for", len(rows)))
	}
	return rows[0], nil
}

// rows are the objects of a list; an object that stands alone is a list of
// one, null and an empty object are a list of none.
func (c *Client) rows(op string, body json.RawMessage) ([]*row, error) {
	body = bytes.TrimSpace(body)
	var list []json.RawMessage
	if len(body) > 0 && body[0] == '[' {
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, c.unreadable(op, body)
		}
	} else if len(body) > 0 {
		list = []json.RawMessage{body}
	}
	rows := make([]*row, 0, len(list))
	for _, raw := range list {
		r := &row{c: c, op: op, raw: raw}
		if err := json.Unmarshal(raw, &r.m); err != nil {
			return nil, c.unreadable(op, raw)
		}
		if len(r.m) == 0 && len(list) == 1 {
			return nil, nil
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (c *Client) unreadable(op string, body []byte) error {
	return c.fault(op, acquiring.ErrProtocol, "the answer is not what PayKeeper answers: "+c.rest.Excerpt(body))
}

// each reads a list of rows with one reader.
func each[T any](c *Client, op string, body json.RawMessage, read func(*row) T) ([]T, error) {
	rows, err := c.rows(op, body)
	if err != nil {
		return nil, err
	}
	out := make([]T, 0, len(rows))
	for _, r := range rows {
		v := read(r)
		if r.err != nil {
			return nil, r.err
		}
		out = append(out, v)
	}
	return out, nil
}

// compact writes v as JSON on one line, letters as they are.
func compact(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// boolWord is a boolean as the service's own modules write it.
func boolWord(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
