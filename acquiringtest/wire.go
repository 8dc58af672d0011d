package acquiringtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// wire is a notification as it came, to be sent again whole or changed. What
// carries its values is found out: the query, a form, a JSON document, or a
// signed token (JWS) as the whole body.
type wire struct {
	base   *http.Request
	body   []byte
	kind   carrier
	leaves []leaf
}

type carrier int

const (
	opaque carrier = iota
	inQuery
	inForm
	inJSON
	inToken
)

// leaf is one value of the notification, by its name or path.
type leaf struct {
	name  string
	value string
	path  []any // of a JSON value
}

// read takes the request apart. The body is read once and given back whole.
func (e *env) read(r *http.Request) *wire {
	e.Helper()
	return readWire(e.T, r)
}

func readWire(t testing.TB, r *http.Request) *wire {
	t.Helper()
	w := &wire{base: r}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatalf("Shop.Callbacks gave a request whose body cannot be read: %v", err)
		}
		w.body = body
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	text := strings.TrimSpace(string(w.body))
	switch {
	case text == "":
		w.kind, w.leaves = inQuery, pairs(r.URL.RawQuery)
	case text[0] == '{' || text[0] == '[':
		w.kind, w.leaves = inJSON, jsonLeaves(w.body)
	case strings.Count(text, ".") == 2 && !strings.ContainsAny(text, "=&"):
		w.kind, w.leaves = inToken, jsonLeaves(w.payload())
	case strings.Contains(text, "="):
		w.kind, w.leaves = inForm, pairs(text)
	}
	return w
}

func pairs(raw string) []leaf {
	var out []leaf
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 == nil && err2 == nil {
			out = append(out, leaf{name: n, value: v})
		}
	}
	return out
}

func encodePairs(leaves []leaf) string {
	var b strings.Builder
	for i, l := range leaves {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(l.name) + "=" + url.QueryEscape(l.value))
	}
	return b.String()
}

func decodeJSON(b []byte) any {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	_ = dec.Decode(&v)
	return v
}

// jsonLeaves are the values of a document that are no containers, in a fixed
// order.
func jsonLeaves(b []byte) []leaf {
	var out []leaf
	var walk func(v any, path []any, name string)
	walk = func(v any, path []any, name string) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range keys(v) {
				walk(v[k], append(slices.Clone(path), k), strings.TrimPrefix(name+"."+k, "."))
			}
		case []any:
			for i := range v {
				walk(v[i], append(slices.Clone(path), i), name+"["+strconv.Itoa(i)+"]")
			}
		case string:
			out = append(out, leaf{name: name, value: v, path: path})
		case nil:
			out = append(out, leaf{name: name, path: path})
		default:
			out = append(out, leaf{name: name, value: string(mustJSON(v)), path: path})
		}
	}
	walk(decodeJSON(b), nil, "")
	return out
}

// payload is the middle of a token.
func (w *wire) payload() []byte {
	parts := strings.Split(strings.TrimSpace(string(w.body)), ".")
	if len(parts) != 3 {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	return b
}

// request is the notification as it came.
func (w *wire) request() *http.Request { return w.with(w.base.URL.RawQuery, w.body) }

func (w *wire) with(query string, body []byte) *http.Request {
	r := w.base.Clone(w.base.Context())
	r.URL.RawQuery = query
	if r.RequestURI != "" {
		r.RequestURI = r.URL.RequestURI()
	}
	r.Form, r.PostForm = nil, nil
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Del("Content-Length")
	return r
}

// changed is the notification with some values changed, those in drop left
// out, and the rest as it was: also the signature.
func (w *wire) changed(change map[string]string, drop ...string) *http.Request {
	switch w.kind {
	case inQuery, inForm:
		var out []leaf
		for _, l := range w.leaves {
			if slices.Contains(drop, l.name) {
				continue
			}
			if v, ok := change[l.name]; ok {
				l.value = v
			}
			out = append(out, l)
		}
		if w.kind == inQuery {
			return w.with(encodePairs(out), nil)
		}
		return w.dropHeaders(w.with(w.base.URL.RawQuery, []byte(encodePairs(out))), drop)
	case inJSON:
		return w.dropHeaders(w.with(w.base.URL.RawQuery, w.edit(w.body, change, drop)), drop)
	case inToken:
		parts := strings.Split(strings.TrimSpace(string(w.body)), ".")
		parts[1] = base64.RawURLEncoding.EncodeToString(w.edit(w.payload(), change, drop))
		return w.with(w.base.URL.RawQuery, []byte(strings.Join(parts, ".")))
	}
	return w.request()
}

func (w *wire) dropHeaders(r *http.Request, drop []string) *http.Request {
	for _, name := range drop {
		r.Header.Del(name)
	}
	return r
}

func (w *wire) edit(doc []byte, change map[string]string, drop []string) []byte {
	root := decodeJSON(doc)
	for _, l := range w.leaves {
		value, ok := change[l.name]
		dropped := slices.Contains(drop, l.name)
		if len(l.path) == 0 || (!ok && !dropped) {
			continue
		}
		parent := root
		for _, step := range l.path[:len(l.path)-1] {
			switch at := step.(type) {
			case string:
				parent = parent.(map[string]any)[at]
			case int:
				parent = parent.([]any)[at]
			}
		}
		switch at := l.path[len(l.path)-1].(type) {
		case string:
			m := parent.(map[string]any)
			if dropped {
				delete(m, at)
			} else {
				m[at] = sameType(m[at], value)
			}
		case int:
			s := parent.([]any)
			if dropped {
				s[at] = nil
			} else {
				s[at] = sameType(s[at], value)
			}
		}
	}
	return mustJSON(root)
}

// sameType keeps a number a number.
func sameType(was any, value string) any {
	if _, ok := was.(json.Number); ok && json.Valid([]byte(value)) {
		return json.Number(value)
	}
	return value
}

// unsigned is a token that claims to need no signature.
func (w *wire) unsigned(change map[string]string) *http.Request {
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	body := base64.RawURLEncoding.EncodeToString(w.edit(w.payload(), change, nil))
	return w.with(w.base.URL.RawQuery, []byte(head+"."+body+"."))
}

// doubled has one parameter twice; ok is false where the carrier has no
// parameters.
func (w *wire) doubled(name, second string, first bool) (r *http.Request, ok bool) {
	extra := encodePairs([]leaf{{name: name, value: second}})
	join := func(whole string) string {
		if first {
			return extra + "&" + whole
		}
		return whole + "&" + extra
	}
	switch w.kind {
	case inQuery:
		return w.with(join(w.base.URL.RawQuery), nil), true
	case inForm:
		return w.with(w.base.URL.RawQuery, []byte(join(string(w.body)))), true
	}
	return nil, false
}

// variants are values that a forger would put in place of v.
func variants(v string) []string {
	if v == "" {
		return []string{"1"}
	}
	if strings.Trim(v, "0123456789.") == "" {
		flipped := "1"
		if v[0] == '1' {
			flipped = "0"
		}
		return []string{v + "0", flipped + v[1:], flipped, ""}
	}
	last := "x"
	if strings.HasSuffix(v, "x") {
		last = "y"
	}
	return []string{v[:len(v)-1] + last, v + last, ""}
}
