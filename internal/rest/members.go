package rest

import (
	"encoding/json"
	"errors"
	"math/bits"
	"unicode/utf8"
)

// JSON is a document in either of its forms. What is taken out of a string
// shares its memory.
type JSON interface{ string | []byte }

var (
	errNoJSON   = errors.New("not JSON")
	errNoObject = errors.New("not an object")
)

// Members goes once through the members of a JSON document that must be one
// object, in the order they came, and gives each value as it is written, without
// the spaces around it. Notifications come in numbers, and most of their fields
// are nobody's business, so nothing is decoded but the names. It ends early when
// member returns false, without an error and without a look at the rest.
//
// An error says that the document is not JSON, or no object: what member has got
// by then is to be thrown away.
func Members[T JSON](document T, member func(name, value T) bool) error {
	at := space(document, 0)
	if at == len(document) {
		return errNoJSON
	}
	if document[at] != '{' {
		if !json.Valid([]byte(document)) {
			return errNoJSON
		}
		return errNoObject
	}
	at = space(document, at+1)
	if at < len(document) && document[at] == '}' {
		return ending(document, at+1)
	}
	for {
		if at >= len(document) || document[at] != '"' {
			return errNoJSON
		}
		end, has := textEnd(document, at+1)
		if end < 0 {
			return errNoJSON
		}
		name := document[at+1 : end-1]
		if toDecode(name, has) {
			s, err := decoded(document[at:end])
			if err != nil {
				return errNoJSON
			}
			name = T(s)
		}
		at = space(document, end)
		if at >= len(document) || document[at] != ':' {
			return errNoJSON
		}
		at = space(document, at+1)
		if end = valueEnd(document, at); end < 0 {
			return errNoJSON
		}
		if !member(name, document[at:end]) {
			return nil
		}
		at = space(document, end)
		switch {
		case at >= len(document):
			return errNoJSON
		case document[at] == '}':
			return ending(document, at+1)
		case document[at] != ',':
			return errNoJSON
		}
		at = space(document, at+1)
	}
}

func ending[T JSON](document T, at int) error {
	if space(document, at) != len(document) {
		return errNoJSON
	}
	return nil
}

// space is where the spaces end that begin at.
func space[T JSON](data T, at int) int {
	for ; at < len(data); at++ {
		switch data[at] {
		case ' ', '\t', '\r', '\n':
		default:
			return at
		}
	}
	return at
}

// special are the bytes that do not stand for themselves within a text.
var special = func() (t [256]bool) {
	for c := range ' ' {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// letters are what a text has beside plain ASCII.
type letters byte

const (
	wide    letters = 1 << iota // letters of several bytes
	escapes                     // sequences that begin with a backslash
)

// toDecode says whether a text, without its quotes, does not stand for itself.
func toDecode[T JSON](inner T, has letters) bool {
	return has != 0 && (has&escapes != 0 || !utf8.ValidString(string(inner)))
}

// textEnd is where the text ends whose first quote stands before at: after its
// last quote; -1: it is no JSON text.
func textEnd[T JSON](data T, at int) (end int, has letters) {
	all := uint64(0)
	for {
		for at+8 <= len(data) {
			x := eight(data[at : at+8])
			if found := specials(x); found != 0 {
				all |= x & (found&-found - 1)
				at += bits.TrailingZeros64(found) / 8
				break
			}
			all |= x
			at += 8
		}
		for at < len(data) && !special[data[at]] {
			all |= uint64(data[at])
			at++
		}
		if at == len(data) {
			return -1, has
		}
		switch data[at] {
		case '"':
			if all&highest != 0 {
				has |= wide
			}
			return at + 1, has
		case '\\':
			has |= escapes
			if at = escapeEnd(data, at+1); at < 0 {
				return -1, has
			}
		default:
			return -1, has // a control character
		}
	}
}

// escapeEnd is where the escape ends whose backslash stands before at; -1: it is
// none.
func escapeEnd[T JSON](data T, at int) int {
	if at == len(data) {
		return -1
	}
	switch data[at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return at + 1
	case 'u':
		if at+4 >= len(data) {
			return -1
		}
		for range 4 {
			at++
			if c := data[at] | 0x20; (c < 'a' || c > 'f') && (data[at] < '0' || data[at] > '9') {
				return -1
			}
		}
		return at + 1
	}
	return -1
}

const (
	lowest  = 0x0101010101010101
	highest = 0x8080808080808080
)

// eight is the first eight bytes as a number, the first of them the lowest.
func eight[T JSON](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// specials has the highest bit of the first byte of x that is special, if one is.
// Bits above it may be wrong.
func specials(x uint64) uint64 {
	quote, slash := x^'"'*lowest, x^'\\'*lowest
	return ((quote-lowest)&^quote | (slash-lowest)&^slash | (x-' '*lowest)&^x) & highest
}

// valueEnd is where the value ends that begins at; -1: it is no JSON value.
func valueEnd[T JSON](data T, at int) int {
	if at >= len(data) {
		return -1
	}
	switch data[at] {
	case '"':
		end, _ := textEnd(data, at+1)
		return end
	case '{', '[':
		if end := nestedEnd(data, at); end > 0 && json.Valid([]byte(data[at:end])) {
			return end
		}
		return -1
	}
	end := at
	for end < len(data) && data[end] != ',' && data[end] != '}' && space(data[:end+1], end) == end {
		end++
	}
	switch word := data[at:end]; {
	case string(word) == "true", string(word) == "false", string(word) == "null", number(word):
		return end
	}
	return -1
}

// nestedEnd is where the braces and brackets are closed that begin at; -1:
// nowhere. Whether what is between them is JSON is not looked at.
func nestedEnd[T JSON](data T, at int) int {
	depth := 0
	for ; at < len(data); at++ {
		switch data[at] {
		case '"':
			end, _ := textEnd(data, at+1)
			if end < 0 {
				return -1
			}
			at = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return -1
}

// Depth is how deep the braces and brackets of a text are nested. It asks nothing
// else of it and allocates nothing: for what must not reach a decoder, which
// keeps a place for each of them.
func Depth[T JSON](data T) (deepest int) {
	depth := 0
	for at := 0; at < len(data); at++ {
		switch data[at] {
		case '"':
			end, _ := textEnd(data, at+1)
			if end < 0 {
				return deepest
			}
			at = end - 1
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
}

// number says whether the word is a JSON number.
func number[T JSON](word T) bool {
	digits := func() bool {
		before := len(word)
		for len(word) > 0 && '0' <= word[0] && word[0] <= '9' {
			word = word[1:]
		}
		return len(word) < before
	}
	if len(word) > 0 && word[0] == '-' {
		word = word[1:]
	}
	if len(word) > 0 && word[0] == '0' {
		word = word[1:]
	} else if !digits() {
		return false
	}
	if len(word) > 0 && word[0] == '.' {
		word = word[1:]
		if !digits() {
			return false
		}
	}
	if len(word) > 0 && word[0]|0x20 == 'e' {
		word = word[1:]
		if len(word) > 0 && (word[0] == '+' || word[0] == '-') {
			word = word[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(word) == 0
}

// Text reads a JSON text; most are plain and need no decoder.
func Text[T JSON](data T) (string, error) {
	if len(data) >= 2 && data[0] == '"' {
		if end, has := textEnd(data, 1); end == len(data) && !toDecode(data[1:end-1], has) {
			return string(data[1 : end-1]), nil
		}
	}
	return decoded(data)
}

func decoded[T JSON](data T) (s string, err error) {
	err = json.Unmarshal([]byte(data), &s)
	return s, err
}
