package rest

import (
	"encoding/json"
	"errors"
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
		end, escaped := textEnd(document, at+1)
		if end < 0 {
			return errNoJSON
		}
		name := document[at+1 : end-1]
		if escaped || !utf8ed(name) {
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

// textEnd is where the text ends whose first quote stands before at: after its
// last quote; -1: it is no JSON text. escaped says that there is something to
// decode.
func textEnd[T JSON](data T, at int) (end int, escaped bool) {
	for ; at < len(data); at++ {
		if !special[data[at]] {
			continue
		}
		switch data[at] {
		case '"':
			return at + 1, escaped
		case '\\':
			escaped = true
			if at++; at == len(data) {
				return -1, true
			}
			switch data[at] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if at+4 >= len(data) {
					return -1, true
				}
				for range 4 {
					at++
					if c := data[at] | 0x20; (c < 'a' || c > 'f') && (data[at] < '0' || data[at] > '9') {
						return -1, true
					}
				}
			default:
				return -1, true
			}
		default:
			return -1, escaped // a control character
		}
	}
	return -1, escaped
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
		if end, escaped := textEnd(data, 1); end == len(data) && !escaped && utf8ed(data[1:end-1]) {
			return string(data[1 : end-1]), nil
		}
	}
	return decoded(data)
}

func decoded[T JSON](data T) (s string, err error) {
	err = json.Unmarshal([]byte(data), &s)
	return s, err
}

// utf8ed says whether there is nothing to mend in a text.
func utf8ed[T JSON](inner T) bool {
	wide := byte(0)
	for i := range len(inner) {
		wide |= inner[i]
	}
	return wide < utf8.RuneSelf || utf8.ValidString(string(inner))
}
