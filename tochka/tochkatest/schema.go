package tochkatest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

type kind uint8

const (
	kText kind = iota
	kNumber
	kInteger
	kFlag
	kObject
	kList
)

// field is what the bank's document says of a field of a request.
type field struct {
	name     string
	required bool
	kind     kind
	least    int // characters, or elements
	most     int // 0: any
	enum     []string
	pattern  *regexp.Regexp
	format   string // "uri", "email", "date", "date-time"
	min, max int64  // of a number; both 0: none
	positive bool   // > 0
	atLeast0 bool   // ≥ 0
	below    int64  // exclusive; 0: none
	cents    bool   // two decimals at most
	fields   []field
	item     *field // of a list
}

// text, and the others below, describe a field; a * at the end of the name
// means required.
func text(name string, least, most int, enum ...string) field {
	return named(field{kind: kText, least: least, most: most, enum: enum}, name)
}

func formatted(name, format string) field {
	f := field{kind: kText, format: format}
	if format == "uri" {
		f.least, f.most = 1, 2083
	}
	return named(f, name)
}

func matching(name string, least, most int, pattern string) field {
	return named(field{kind: kText, least: least, most: most, pattern: regexp.MustCompile(pattern)}, name)
}

// amount is a sum in roubles above nothing.
func amount(name string) field {
	return named(field{kind: kNumber, positive: true, cents: true}, name)
}

// sum is a sum in roubles that may be nothing.
func sum(name string) field {
	return named(field{kind: kNumber, atLeast0: true, cents: true}, name)
}

func whole(name string, least, most int64) field {
	return named(field{kind: kInteger, min: least, max: most}, name)
}

func flag(name string) field { return named(field{kind: kFlag}, name) }

func nested(name string, fields ...field) field {
	return named(field{kind: kObject, fields: fields}, name)
}

func list(name string, least int, item field) field {
	item.required = true
	return named(field{kind: kList, least: least, item: &item}, name)
}

func named(f field, name string) field {
	f.name, f.required = strings.CutSuffix(name, "*")
	return f
}

// faults are what is wrong with a request, in the words of the library that
// the bank checks with.
type faults struct {
	list    []string
	unknown []string // members that the bank ignores
}

func (f *faults) add(name, words string) {
	f.list = append(f.list, "Field "+name+" : "+words+"; ")
}

// text is the bank's message.
func (f *faults) text() string {
	s := strings.Join(f.list, "")
	if utf8.RuneCountInString(s) > 600 {
		s = string([]rune(s)[:600]) + "..."
	}
	return s
}

func at(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// object checks the members of an object.
func (f *faults) object(o map[string]any, path string, fields []field) {
	for _, want := range fields {
		v, there := o[want.name]
		switch {
		case there && (v != nil || want.required):
			f.value(v, at(path, want.name), want)
		case want.required:
			f.add(at(path, want.name), "Field required")
		}
	}
	for name := range o {
		if !slices.ContainsFunc(fields, func(want field) bool { return want.name == name }) {
			f.unknown = append(f.unknown, at(path, name))
		}
	}
	slices.Sort(f.unknown)
}

func (f *faults) value(v any, name string, want field) {
	switch want.kind {
	case kText:
		s, ok := v.(string)
		if !ok {
			f.add(name, "Input should be a valid string")
			return
		}
		if words := textFault(s, want); words != "" {
			f.add(name, words)
		}
	case kNumber, kInteger:
		f.number(v, name, want)
	case kFlag:
		if _, ok := v.(bool); !ok {
			f.add(name, "Input should be a valid boolean")
		}
	case kObject:
		o, ok := v.(map[string]any)
		if !ok {
			f.add(name, "Input should be a valid dictionary or object to extract fields from")
			return
		}
		f.object(o, name, want.fields)
	case kList:
		l, ok := v.([]any)
		switch {
		case !ok:
			f.add(name, "Input should be a valid list")
		case len(l) < want.least:
			f.add(name, fmt.Sprintf("List should have at least %d item after validation, not %d", want.least, len(l)))
		}
		for i, e := range l {
			f.value(e, fmt.Sprintf("%s.%d", name, i), *want.item)
		}
	}
}

func textFault(s string, want field) string {
	n := utf8.RuneCountInString(s)
	switch {
	case n < want.least:
		return fmt.Sprintf("String should have at least %d character%s", want.least, plural(want.least))
	case want.most > 0 && n > want.most:
		return fmt.Sprintf("String should have at most %d character%s", want.most, plural(want.most))
	case want.enum != nil && !slices.Contains(want.enum, s):
		return "Input should be " + alternatives(want.enum)
	case want.pattern != nil && !want.pattern.MatchString(s):
		return "String should match pattern '" + want.pattern.String() + "'"
	}
	switch want.format {
	case "uri":
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "Input should be a valid URL, relative URL without a base"
		}
	case "email":
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s || !strings.Contains(s[strings.LastIndex(s, "@"):], ".") {
			return "value is not a valid email address: An email address must have an @-sign."
		}
	case "date":
		if _, err := time.Parse(date, s); err != nil {
			if _, err := time.Parse(time.RFC3339, s); err == nil {
				return "Datetimes provided to dates should have zero time"
			}
			return "Input should be a valid date in the format YYYY-MM-DD"
		}
	case "date-time":
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			return "Input should be a valid datetime"
		}
	}
	return ""
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func alternatives(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString("'" + w + "'")
	}
	return b.String()
}

// number checks a JSON number, or a text that holds one.
func (f *faults) number(v any, name string, want field) {
	r, ok := rational(v)
	words := "Input should be a valid number"
	if want.kind == kInteger {
		words = "Input should be a valid integer"
	}
	if !ok {
		f.add(name, words)
		return
	}
	if words := numberFault(r, want); words != "" {
		f.add(name, words)
	}
}

func numberFault(r *big.Rat, want field) string {
	less := func(n int64) bool { return r.Cmp(new(big.Rat).SetInt64(n)) < 0 }
	switch {
	case want.kind == kInteger && !r.IsInt():
		return "Input should be a valid integer, got a number with a fractional part"
	case want.positive && r.Sign() <= 0:
		return "Input should be greater than 0"
	case want.atLeast0 && r.Sign() < 0:
		return "Input should be greater than or equal to 0"
	case want.min != 0 && less(want.min):
		return fmt.Sprintf("Input should be greater than or equal to %d", want.min)
	case want.max != 0 && r.Cmp(new(big.Rat).SetInt64(want.max)) > 0:
		return fmt.Sprintf("Input should be less than or equal to %d", want.max)
	case want.below != 0 && !less(want.below):
		return fmt.Sprintf("Input should be less than %d", want.below)
	case want.cents:
		if _, ok := emulator.Kopecks(r); !ok {
			return "Decimal input should have no more than 2 decimal places"
		}
	}
	return ""
}

func rational(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case json.Number:
		return emulator.Rational(v)
	case string:
		if v == "" || strings.ContainsAny(v, " _xXpP") {
			return nil, false
		}
		return emulator.Rational(json.Number(v))
	}
	return nil, false
}
