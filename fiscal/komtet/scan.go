package komtet

import (
	"encoding/json"
	"errors"
	"iter"
)

// members goes through the members of a JSON object that is known to be valid,
// without decoding it: notifications come in numbers, and most of their fields
// are nobody's business. It does not look into the values.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
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
func skip(data []byte) []byte {
	for i, c := range data {
		switch c {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return data[i:]
		}
	}
	return nil
}

// key is the name of a member, without a copy where it can be helped.
func key(data []byte) ([]byte, error) {
	if len(data) >= 2 && plain(data[1:len(data)-1]) {
		return data[1 : len(data)-1], nil
	}
	s, err := text(data)
	return []byte(s), err
}

// valueEnd is where the value ends that data begins with.
func valueEnd(data []byte) int {
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

// text reads a JSON text; most are plain and need no decoder.
func text(data []byte) (string, error) {
	if len(data) >= 2 && plain(data[1:len(data)-1]) {
		return string(data[1 : len(data)-1]), nil
	}
	var s string
	err := json.Unmarshal(data, &s)
	return s, err
}

// object checks that data is one JSON object.
func object(data []byte) error {
	switch {
	case !json.Valid(data):
		return errors.New("not JSON")
	case skip(data)[0] != '{':
		return errors.New("not an object")
	}
	return nil
}
