package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Object is a JSON object, its numbers as json.Number.
type Object = map[string]any

// Moscow is the banks' time. Russia keeps it all year.
var Moscow = time.FixedZone("MSK", 3*60*60)

// ParseMoscow reads yyyy-MM-ddTHH:mm:ss, which has no zone and is Moscow's.
func ParseMoscow(s string) (time.Time, error) {
	return time.ParseInLocation("2006-01-02T15:04:05", s, Moscow)
}

// MS is a moment as the gateways answer it: Unix milliseconds.
func MS(t time.Time) int64 { return t.UnixMilli() }

// Refusal is an answer that refuses.
type Refusal struct {
	Code   int
	Text   Text
	HTTP   int    // where the method's family has a status of its own
	Reason string // what the bank leaves one to guess; for the header X-Emulator-Reason
	With   Object // further fields
}

// Refuse is a Refusal.
func Refuse(code int, t Text) *Refusal { return &Refusal{Code: code, Text: t} }

// Because is the refusal with its reason.
func (r *Refusal) Because(reason string) *Refusal {
	c := *r
	c.Reason = reason
	return &c
}

// WriteReason puts the reason into the header of the answer.
func (r *Refusal) WriteReason(w http.ResponseWriter) {
	if r.Reason == "" {
		return
	}
	w.Header().Set("X-Emulator-Reason", strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e {
			return '?'
		}
		return c
	}, r.Reason))
}

// EmptyHTML answers with a status and nothing.
func EmptyHTML(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
}

// WriteBody answers with a body.
func WriteBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Encode is the object as JSON, without escaping what HTML would need.
func Encode(out Object) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(out)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// DecodeObject reads one JSON object with its numbers as they stand.
func DecodeObject(body []byte) (Object, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var in Object
	if err := dec.Decode(&in); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF || in == nil {
		return nil, errors.New("not one JSON object")
	}
	return in, nil
}

// ObjectOf decodes JSON that came as the text of a form field; nil: it is no
// object.
func ObjectOf(text string) Object {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var o Object
	if dec.Decode(&o) != nil {
		return nil
	}
	return o
}

// ScalarText is a string, number or boolean as text; "": it is none.
func ScalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// Digits says whether the text is decimal digits and nothing else.
func Digits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// Form is a form with its fields in the order of their values. An empty value
// counts as absent.
type Form map[string][]string

// Read adds a form, or a query. An error means that it is not percent-encoded
// UTF-8.
func (f Form) Read(raw string) error {
	for part := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil || !utf8.ValidString(value) || !utf8.ValidString(name) {
			return errors.New("the form is not percent-encoded UTF-8")
		}
		if name != "" && value != "" {
			f[name] = append(f[name], value)
		}
	}
	return nil
}

// Fields are those of a request: of a JSON body as they are, of a form texts,
// and objects where a field holds JSON.
type Fields struct{ In Object }

// Str is a field as text; "": not there.
func (f Fields) Str(name string) string { return ScalarText(f.In[name]) }

// Yes is a boolean field, which a form has as text.
func (f Fields) Yes(name string) bool { return f.Str(name) == "true" }

// Object is a field that holds an object; nil: it is none.
func (f Fields) Object(name string) Object {
	o, _ := f.In[name].(Object)
	return o
}

// Rewrite copies an answer, objects and lists in it too, with the fields as
// change makes them; false leaves a field out. It is how an emulator answers
// what live gateways answer instead of what their documents say.
func Rewrite(in Object, change func(name string, v any) (any, bool)) Object {
	out := make(Object, len(in))
	for name, v := range in {
		v, keep := change(name, v)
		if !keep {
			continue
		}
		switch child := v.(type) {
		case Object:
			v = Rewrite(child, change)
		case []Object:
			list := make([]Object, len(child))
			for i := range child {
				list[i] = Rewrite(child[i], change)
			}
			v = list
		}
		out[name] = v
	}
	return out
}

// Packed is an object as base64 of its JSON, as 3-D Secure carries it.
func Packed(o Object) string {
	b, _ := json.Marshal(o)
	return base64.StdEncoding.EncodeToString(b)
}

// Unpacked is what Packed made, or the base64url of it; nil: it is no object.
func Unpacked(s string) Object {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		if b, err = base64.RawURLEncoding.DecodeString(s); err != nil {
			return nil
		}
	}
	return ObjectOf(string(b))
}

// OrZero is "0" for an empty text.
func OrZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}
