package sberbanktest

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// kind is the JSON type that the strict gateway expects of a field.
type kind uint8

const (
	kString kind = iota
	kInt
	kNumber
	kBool
	kObject
	kArray
	kFree // an object of the merchant's own
	kAny  // string or number, where the documents contradict each other
)

// rule is what the schema says of one field.
type rule struct {
	kind     kind
	need     bool
	min, max int64 // characters of a string, value of an integer, elements of an array
	ok       func(string) bool
	fields   schema
	items    *rule
}

// schema is a closed set of fields: any other is refused.
type schema map[string]*rule

// badField says where a request breaks the schema.
type badField struct {
	path, why string
	missing   bool
}

func (b *badField) String() string { return b.path + ": " + b.why }

func str(min, max int64) *rule { return &rule{kind: kString, min: min, max: max} }
func strOf(min, max int64, f func(string) bool) *rule {
	return &rule{kind: kString, min: min, max: max, ok: f}
}
func oneOf(words ...string) *rule {
	return &rule{kind: kString, max: math.MaxInt64, ok: func(s string) bool { return slices.Contains(words, s) }}
}
func integer(min, max int64) *rule { return &rule{kind: kInt, min: min, max: max} }
func boolean() *rule               { return &rule{kind: kBool} }
func free() *rule                  { return &rule{kind: kFree} }
func object(s schema) *rule        { return &rule{kind: kObject, fields: s} }
func array(min, max int64, items *rule) *rule {
	return &rule{kind: kArray, min: min, max: max, items: items}
}
func must(r *rule) *rule { c := *r; c.need = true; return &c }

// with is the union of schemas.
func with(all ...schema) schema {
	out := schema{}
	for _, s := range all {
		for name, r := range s {
			out[name] = r
		}
	}
	return out
}

// check finds the first fault, in the order of the names.
func (s schema) check(in map[string]any, path string) *badField {
	var worst *badField
	note := func(b *badField) {
		if b != nil && (worst == nil || (worst.missing && !b.missing) || (worst.missing == b.missing && b.path < worst.path)) {
			worst = b
		}
	}
	for name, v := range in {
		r, known := s[name]
		if !known {
			note(&badField{path: path + name, why: "unknown field"})
			continue
		}
		note(r.check(v, path+name))
	}
	for name, r := range s {
		if _, there := in[name]; r.need && !there {
			note(&badField{path: path + name, why: "missing", missing: true})
		}
	}
	return worst
}

func (r *rule) check(v any, path string) *badField {
	bad := func(why string) *badField { return &badField{path: path, why: why} }
	switch r.kind {
	case kString:
		s, ok := v.(string)
		if !ok {
			return bad("must be a JSON string")
		}
		if n := int64(utf8.RuneCountInString(s)); n < r.min || n > r.max {
			return bad("is " + strconv.FormatInt(n, 10) + " characters long, " + strconv.FormatInt(r.min, 10) + " to " + strconv.FormatInt(r.max, 10) + " may be")
		}
		if r.ok != nil && !r.ok(s) {
			return bad("does not match the pattern")
		}
	case kInt:
		n, ok := v.(json.Number)
		if !ok {
			return bad("must be a JSON number")
		}
		i, err := strconv.ParseInt(n.String(), 10, 64)
		if err != nil {
			return bad("must be an integer")
		}
		if i < r.min || i > r.max {
			return bad("is out of range")
		}
	case kNumber:
		if _, ok := v.(json.Number); !ok {
			return bad("must be a JSON number")
		}
	case kBool:
		if _, ok := v.(bool); !ok {
			return bad("must be true or false")
		}
	case kObject:
		o, ok := v.(map[string]any)
		if !ok {
			return bad("must be a JSON object")
		}
		return r.fields.check(o, path+".")
	case kArray:
		a, ok := v.([]any)
		if !ok {
			return bad("must be a JSON array")
		}
		if n := int64(len(a)); n < r.min || n > r.max {
			return bad("has " + strconv.FormatInt(n, 10) + " elements")
		}
		for i, e := range a {
			if b := r.items.check(e, path+"["+strconv.Itoa(i)+"]"); b != nil {
				return b
			}
		}
	case kFree:
		o, ok := v.(map[string]any)
		if !ok {
			return bad("must be a JSON object")
		}
		if len(o) > 99 {
			return bad("has more than 99 properties")
		}
	case kAny:
		switch v.(type) {
		case string, json.Number:
		default:
			return bad("must be a string or a number")
		}
	}
	return nil
}

// Alphabets of the strings.

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}

// plainText is printable ASCII, Cyrillic, № and «»: what names and
// descriptions may hold.
func plainText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 0x20 || r > 0x7e) && (r < 0x400 || r > 0x4ff) && r != '№' && r != '«' && r != '»'
	})
}

func hexID(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	})
}

func webAddress(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	return ok && rest != "" && rest[0] != '/' && printable(s) && !strings.Contains(s, " ")
}

// secureAddress is https, or http on this machine, where nobody has a
// certificate.
func secureAddress(s string) bool {
	if !webAddress(s) {
		return false
	}
	rest, plain := strings.CutPrefix(s, "http://")
	if !plain {
		return true
	}
	host, _, _ := strings.Cut(rest, "/")
	return strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "[::1]") || strings.HasSuffix(host, ".test")
}

func phone(s string) bool {
	s = strings.TrimPrefix(s, "+")
	return len(s) >= 7 && len(s) <= 15 && gateway.Digits(s)
}

func email(s string) bool {
	at := strings.IndexByte(s, '@')
	return at > 0 && at < len(s)-1 && printable(s) && !strings.Contains(s, " ")
}

// dateTime is yyyy-MM-ddTHH:mm:ss without a zone.
func dateTime(s string) bool {
	_, err := gateway.ParseMoscow(s)
	return err == nil
}

func latinLetters(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
}
