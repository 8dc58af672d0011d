package rbs

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// Gateway makes a bank's calls and turns its refusals into errors.
type Gateway struct {
	REST *rest.Client
	// Classify says what a refusal means. Its outcome is OutcomeRejected
	// unless it says otherwise.
	Classify func(op, code, message string) (kind error, outcome acquiring.Outcome, hint string)

	forms forms
}

// Call is one request to the gateway.
type Call struct {
	Op, Path    string
	Header      http.Header
	ContentType string
	Body        []byte
	Repeatable  bool // as rest.Call has it
}

// ContentTypes of the two kinds of gateways.
const (
	ContentForm = "application/x-www-form-urlencoded; charset=UTF-8"
	ContentJSON = "application/json; charset=utf-8"
)

// Do makes the call and reads the answer into out. The error is an
// *acquiring.Error with the gateway's code and words. An answer that is not
// the gateway's (a web page, an empty one, a cut one) gives ErrProtocol with
// OutcomeUnknown, or what its HTTP status says: of 4xx with OutcomeRejected, 404
// and 405 as ErrProtocol because it is the path that was not found.
func (g *Gateway) Do(ctx context.Context, call Call, out Answer) error {
	rc := rest.Call{Op: call.Op, Method: http.MethodPost, Path: call.Path, Header: call.Header,
		ContentType: call.ContentType, Body: call.Body, Repeatable: call.Repeatable}
	resp, err := g.REST.Do(ctx, rc)
	if err != nil {
		return err
	}
	body := bytes.TrimSpace(resp.Body)
	if resp.Status < 200 || resp.Status >= 300 {
		if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, out) != nil {
			return g.notTheGateway(rc, resp)
		}
		out.head().Raw = resp.Body
		code, message, refused := out.Refused()
		if !refused || code == "" {
			kind, outcome := rest.KindOfStatus(resp.Status)
			return g.REST.Error(rc, resp, kind, outcome, code, firstWords(message, out.head().Words()))
		}
		return g.refusal(rc, resp, code, message)
	}
	if err := g.REST.DecodeJSON(rc, resp, out); err != nil {
		return err
	}
	out.head().Raw = resp.Body
	if code, message, refused := out.Refused(); refused {
		return g.refusal(rc, resp, code, message)
	}
	return nil
}

func firstWords(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// notTheGateway is the error of an answer whose status is no success and whose
// body is not the gateway's.
func (g *Gateway) notTheGateway(call rest.Call, resp *rest.Response) error {
	kind, outcome := rest.KindOfStatus(resp.Status)
	message := g.REST.Excerpt(resp.Body)
	if message == "" {
		message = "the answer is empty"
	}
	e := g.REST.Error(call, resp, kind, outcome, "", message)
	switch resp.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		// The path, not the order, was not found.
		e.Kind = acquiring.ErrProtocol
		e.Hint = "the address has no such method: look at Config.BaseURL and at which of the bank's gateways it is"
	}
	return e
}

// refusal is the error of the gateway's own no.
func (g *Gateway) refusal(call rest.Call, resp *rest.Response, code, message string) error {
	if code == "" {
		return g.REST.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", message)
	}
	kind, outcome, hint := acquiring.ErrInvalid, acquiring.OutcomeRejected, ""
	if g.Classify != nil {
		kind, outcome, hint = g.Classify(call.Op, code, message)
	}
	if resp.Doubtful && kind == acquiring.ErrUnavailable {
		outcome = acquiring.OutcomeUnknown // the order may be locked by the attempt before
	}
	e := g.REST.Error(call, resp, kind, outcome, code, message)
	e.Hint = hint
	return e
}

// JSONText is a nested value of a form: the field holds its compact JSON.
type JSONText struct{ Value any }

// EncodeValues implements query.Encoder. A nil value and an empty object or
// list write nothing.
func (j JSONText) EncodeValues(key string, v *url.Values) error {
	text, err := CompactJSON(j.Value)
	if err != nil {
		return err
	}
	switch string(text) {
	case "null", "{}", "[]", `""`:
		return nil
	}
	v.Set(key, string(text))
	return nil
}

// CompactJSON is the value as JSON with Cyrillic letters and <, >, & as they
// are. The error is json's own.
func CompactJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// JoinJSON joins JSON objects into one, member after member. It looks at the
// outer braces only: the objects must come from json.Marshal and have no
// member in common.
func JoinJSON(objects ...[]byte) []byte {
	size := 2
	for _, o := range objects {
		size += len(o)
	}
	out := append(make([]byte, 0, size), '{')
	for _, o := range objects {
		if len(o) <= 2 {
			continue // {} or nothing
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, o[1:len(o)-1]...)
	}
	return append(out, '}')
}

// NotFound is the rule for an order that is not there: code 6, or one of the
// codes named (5 and 9 at some gateways) whose words say so.
func NotFound(code, message string, byWords ...string) bool {
	if code == "6" {
		return true
	}
	for _, c := range byWords {
		if code == c {
			m := Fold(message)
			return strings.Contains(m, "не найден") && strings.Contains(m, "заказ") ||
				strings.Contains(m, "номер заказа") && !strings.Contains(m, "пуст") ||
				strings.Contains(m, "order") && strings.Contains(m, "not found")
		}
	}
	return false
}

// Fold makes messages comparable: lower case, ё as е, one space between words.
func Fold(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(s), "ё", "е")), " ")
}
