package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
)

// DecodeJSON reads the answer into v. A page of HTML, an empty body, a cut or
// a doubled document give ErrProtocol with the outcome unknown and a short
// excerpt: a proxy or a maintenance page answered, not the provider. A byte
// order mark is passed over. Numbers in an any become json.Number.
func (c *Client) DecodeJSON(call Call, r *Response, v any) error {
	body := bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf"))
	if !holdsAny(v) && json.Unmarshal(body, v) == nil {
		return nil
	}
	// The decoder knows UseNumber and the errors that are told apart below.
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	err := dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); more == io.EOF {
			return nil
		}
		err = errors.New("something follows the JSON document")
	}
	e := &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown,
		HTTPStatus: r.Status, Err: scrubbed{err, r.hide(c.Redact(err.Error()))}}
	excerpt := func(b []byte) string { return c.Excerpt([]byte(r.hide(string(b)))) }
	switch trimmed := bytes.TrimSpace(body); {
	case len(trimmed) == 0:
		e.Message = "the answer is empty"
	case trimmed[0] == '<':
		e.Message = "the answer is a web page, not the provider's: " + excerpt(trimmed)
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Message = "the answer was cut off"
	default:
		e.Message = "the answer is not what the provider answers: " + excerpt(trimmed)
	}
	return e
}

// Error is an error of the provider's own, with its answer's status. Secrets
// and card numbers are taken out of its words.
func (c *Client) Error(call Call, r *Response, kind error, outcome acquiring.Outcome, code, message string) *acquiring.Error {
	e := &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: kind, Outcome: outcome, Code: r.hide(c.Redact(code)), Message: maskCards(r.hide(c.Redact(message)))}
	if r != nil {
		e.HTTPStatus = r.Status
		e.RetryAfter = retryAfter(r.Header)
	}
	return e
}

// KindOfStatus is what an HTTP status says by itself, for the providers that
// speak through it: nil for 2xx.
func KindOfStatus(status int) (kind error, outcome acquiring.Outcome) {
	switch {
	case status >= 200 && status < 300:
		return nil, acquiring.OutcomeRejected
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return acquiring.ErrUnauthorized, acquiring.OutcomeRejected
	case status == http.StatusNotFound, status == http.StatusGone:
		return acquiring.ErrNotFound, acquiring.OutcomeRejected
	case status == http.StatusConflict:
		return acquiring.ErrConflict, acquiring.OutcomeRejected
	case status == http.StatusTooManyRequests:
		return acquiring.ErrRateLimited, acquiring.OutcomeRejected
	case status == http.StatusRequestTimeout, status >= 500:
		return acquiring.ErrUnavailable, acquiring.OutcomeUnknown
	case status >= 400:
		return acquiring.ErrInvalid, acquiring.OutcomeRejected
	}
	return acquiring.ErrProtocol, acquiring.OutcomeUnknown
}

// Excerpt is the beginning of a foreign text fit for an error: at most 120
// characters, one line, no secrets, no card numbers, no tags of a web page.
func (c *Client) Excerpt(b []byte) string {
	const most, enough = 120, 4096
	// Secrets go first: a cut through one of them would hide it from Redact.
	text := c.Redact(string(b))
	if len(text) > enough {
		text = text[:enough]
	}
	text = strings.ToValidUTF8(text, "�")
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		text = stripTags(text)
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	text = maskCards(c.Redact(text))
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return text
}

func stripTags(s string) string {
	var b strings.Builder
	in := false
	for _, r := range s {
		switch {
		case r == '<':
			in = true
			b.WriteByte(' ')
		case r == '>':
			in = false
		case !in:
			b.WriteRune(r)
		}
	}
	return b.String()
}
