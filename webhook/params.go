package webhook

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/names"
)

// MaxBody is the most that is read of a notification: 64 KiB. The longest that
// a provider sends is some kilobytes.
const MaxBody = 64 << 10

// ReadBody reads the notification's body, at most limit bytes of it; 0 is
// MaxBody. A longer one gives an error of kind ErrSignature after limit+1
// bytes at the most, one that says its length beforehand after none; so does
// a body that breaks off.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = MaxBody
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	// One byte more than expected, so that the end is seen without growing.
	room := int64(1024)
	if r.ContentLength >= 0 {
		room = r.ContentLength + 1
	}
	body := make([]byte, 0, min(room, limit+1))
	for {
		if len(body) == cap(body) {
			body = slices.Grow(body, min(len(body), int(limit)+1-len(body)))
		}
		n, err := r.Body.Read(body[len(body):min(cap(body), int(limit)+1)])
		body = body[:len(body)+n]
		if int64(len(body)) > limit {
			return nil, tooLarge(limit)
		}
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, &acquiring.Error{Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Op: "callback",
				Message: "the body broke off", Err: err}
		}
	}
}

func tooLarge(limit int64) error {
	return &acquiring.Error{Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Op: "callback",
		Message: fmt.Sprintf("the body is larger than %d bytes", limit)}
}

// Param is one parameter of a form or of a query.
type Param struct{ Name, Value string }

// Params are parameters in the order they came.
type Params []Param

// MaxParams is how many parameters of one notification are read: 512. The
// longest that a provider sends has some fifty; each costs more memory than the
// two bytes that a stranger needs to send it.
const MaxParams = 512

// ParseForm appends to dst the parameters of a form's body or of a query
// string, decoded (a plus sign is a space), in the order they came. What it
// cannot read in one way only is an error of kind ErrSignature: a malformed
// escape, text that is not UTF-8, or a name that is there twice, in dst or in
// raw. A signature over such a message would not say which of its readings is
// meant. More than [MaxParams] are such an error too. A name without "=" has an
// empty value, and an empty pair ("a=1&&b=2") is passed over; ";" is an ordinary
// character.
//
// Parameters without escapes share raw's memory; all the others take one
// allocation together.
func ParseForm(dst Params, raw string) (Params, error) {
	// The whole is looked at once: most messages are valid text and have no or
	// few escapes, and then a pair costs no more than finding its ends.
	if !utf8.ValidString(raw) {
		return dst, malformed("the parameters are not UTF-8 text", "")
	}
	var decoded strings.Builder // never grows after it was grown once
	var seen names.Set
	for i := range dst {
		seen.Add(dst[i].Name)
	}
	escape := nextEscape(raw)
	for raw != "" {
		pair := raw
		if end := strings.IndexByte(raw, '&'); end >= 0 {
			pair, raw = raw[:end], raw[end+1:]
		} else {
			raw = ""
		}
		if pair == "" {
			escape--
			continue
		}
		name, value := pair, ""
		if at := strings.IndexByte(pair, '='); at >= 0 {
			name, value = pair[:at], pair[at+1:]
		}
		if escape < len(pair) {
			if decoded.Cap() == 0 {
				decoded.Grow(len(pair) + len(raw))
			}
			var ok bool
			first := escape - len(name) - 1 // the value's, unless it is in the name
			if first < 0 {
				if name, ok = unescape(&decoded, name, escape); !ok {
					return dst, malformed("a parameter's name is not well-formed text", "")
				}
				first = nextEscape(value)
			}
			if value, ok = unescape(&decoded, value, first); !ok {
				return dst, malformed("is not well-formed text", name)
			}
			escape = nextEscape(raw)
		} else {
			escape -= len(pair) + 1
		}
		if !seen.Add(name) {
			return dst, malformed("is there twice", name)
		}
		if len(dst) == MaxParams {
			return dst, malformed("there are more parameters than a notification has", "")
		}
		dst = append(dst, Param{name, value})
	}
	return dst, nil
}

// nextEscape is where the first escape or plus sign stands; the text's length
// or more when there is none.
func nextEscape(s string) int {
	at := strings.IndexByte(s, '%')
	if at < 0 {
		at = len(s)
	}
	if plus := strings.IndexByte(s[:at], '+'); plus >= 0 {
		return plus
	}
	return at
}

// Get is the value of the parameter; false: there is none of this name.
func (p Params) Get(name string) (string, bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value, true
		}
	}
	return "", false
}

// SortByName sorts by name, byte by byte, in place: capitals come before small
// letters.
func (p Params) SortByName() {
	slices.SortStableFunc(p, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
}

// malformed names the parameter, shortened: whoever sent it chose it.
func malformed(why, name string) error {
	if name != "" {
		if len(name) > 64 {
			name = strings.ToValidUTF8(name[:64], "") + "…"
		}
		why = fmt.Sprintf("the parameter %q %s", name, why)
	}
	return &acquiring.Error{Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Op: "callback", Message: why}
}

// unescape decodes s, whose first escape stands at first, into the builder, or
// gives back s when there is nothing to decode; false: s is malformed.
func unescape(b *strings.Builder, s string, first int) (string, bool) {
	if first >= len(s) {
		return s, true // the whole was looked at
	}
	start := b.Len()
	b.WriteString(s[:first])
	var chunk [128]byte // a builder is slow with single bytes
	n, all := 0, byte(0)
	for i := first; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := nibbles[s[i+1]], nibbles[s[i+2]]
			if hi|lo > 0xF {
				return "", false
			}
			c = hi<<4 | lo
			i += 2
		}
		all |= c
		if n == len(chunk) {
			b.Write(chunk[:])
			n = 0
		}
		chunk[n] = c
		n++
	}
	b.Write(chunk[:n])
	out := b.String()[start:]
	return out, all < utf8.RuneSelf || utf8.ValidString(out)
}
