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
			size += len(name) + len("=&") + 3*len(value)
		}
	}
	slices.Sort(names)
	body := make([]byte, 0, size)
	for _, name := range names {
		escaped := url.QueryEscape(name)
		for _, value := range v[name] {
			if len(body) > 0 {
				body = append(body, '&')
			}
			body = append(append(body, escaped...), '=')
			body = append(body, url.QueryEscape(value)...)
		}
	}
	return body
}
