package rest

import (
	"encoding/json"
	"errors"
	"iter"
	"unicode/utf8"
)

// JSON is a document in either of its forms. What is taken out of a string
// shares its memory.
type JSON interface{ string | []byte }

// Members goes through the members of a JSON object that is known to be valid
// (Object), without decoding it: notifications come in numbers, and most of their
// fields are nobody's business. It does not look into the values.
func Members[T JSON](object T) iter.Seq2[T, T] {
	return func(yield func(T, T) bool) {
		rest := skip(object)
		if len(rest) > 0 {
			rest = skip(rest[1:])
		}
		for len(rest) > 0 && rest[0] == '"' {
			end := valueEnd(rest)
			name, err := key(rest[:end])
			if err != nil {
				return
			}
			rest = skip(rest[end:])
			end = valueEnd(rest)
			if !yield(name, rest[:end]) {
				return
			}
			rest = skip(rest[end:])
		}
	}
}

// skip passes over spaces and what stands between the parts of an object.
func skip[T JSON](data T) T {
	for i := range len(data) {
		switch data[i] {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return data[i:]
		}
	}
	return data[len(data):]
}

// key is the name of a member, without a copy where it can be helped.
func key[T JSON](data T) (T, error) {
	if len(data) >= 2 && plain(data[1:len(data)-1]) {
		return data[1 : len(data)-1], nil
	}
	s, err := Text(data)
	return T(s), err
}

// valueEnd is where the value ends that data begins with.
func valueEnd[T JSON](data T) int {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(data))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(data)
}

// Text reads a JSON text; most are plain and need no decoder.
func Text[T JSON](data T) (string, error) {
	if len(data) >= 2 && data[0] == '"' && plain(data[1:len(data)-1]) {
		return string(data[1 : len(data)-1]), nil
	}
	var s string
	err := json.Unmarshal([]byte(data), &s)
	return s, err
}

// plain says whether there is nothing to decode in a text, and nothing to mend.
func plain[T JSON](inner T) bool {
	wide := byte(0)
	for i := range len(inner) {
		if inner[i] == '\\' {
			return false
		}
		wide |= inner[i]
	}
	return wide < utf8.RuneSelf || utf8.ValidString(string(inner))
}

// Object checks that data is one JSON object.
func Object(data []byte) error {
	switch {
	case !json.Valid(data):
		return errors.New("not JSON")
	case skip(data)[0] != '{':
		return errors.New("not an object")
	}
	return nil
}
