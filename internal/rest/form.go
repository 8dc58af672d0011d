package rest

import (
	"net/url"
	"slices"
)

// Form is the values as the body of a form, sorted by name like
// url.Values.Encode, in one piece of memory: every call of the form gateways
// goes through here.
func Form(v url.Values) []byte {
	var room [32]string
	names, size := room[:0], 0
	for name, values := range v {
		names = append(names, name)
		for _, value := range values {
			size += 3*len(name) + len("=&") + 3*len(value)
		}
	}
	slices.Sort(names)
	body := make([]byte, 0, size)
	for _, name := range names {
		for _, value := range v[name] {
			if len(body) > 0 {
				body = append(body, '&')
			}
			body = append(appendEscaped(body, name), '=')
			body = appendEscaped(body, value)
		}
	}
	return body
}

// appendEscaped is url.QueryEscape in the memory that is there already.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
