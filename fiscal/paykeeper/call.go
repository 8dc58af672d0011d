package paykeeper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

const formType = "application/x-www-form-urlencoded; charset=UTF-8"

// info makes a reading call. fallback is the kind of a refusal whose words say
// nothing more.
func (c *Client) info(ctx context.Context, op, path string, query fields, fallback error) (json.RawMessage, error) {
	call := rest.Call{Op: op, Method: http.MethodGet, Path: path, Repeatable: true, Sign: c.login}
	if len(query) > 0 {
		call.Path += "?" + query.encode()
	}
	resp, err := c.rest.Do(ctx, call)
	return c.answer(call, resp, err, fallback)
}

// change makes a changing call with the security token. A token that the
// service does not know any more is renewed, and the call made again, once:
// the refused one did nothing.
func (c *Client) change(ctx context.Context, op, path string, form fields, fallback error) (json.RawMessage, error) {
	token, err := c.currentToken(ctx, "")
	if err != nil {
		return nil, notYet(err)
	}
	for first := true; ; first = false {
		whole := append(form[:len(form):len(form)], fields{{Name: "token", Value: token}}...)
		call := rest.Call{Op: op, Path: path, ContentType: formType, Body: []byte(whole.encode()), Sign: c.login}
		resp, err := c.rest.Do(ctx, call)
		body, err := c.answer(call, resp, err, fallback)
		if !first || !isStale(err) {
			return body, err
		}
		c.rest.Logger().DebugContext(ctx, "security token renewed", "op", op)
		if token, err = c.currentToken(ctx, token); err != nil {
			return nil, notYet(err)
		}
	}
}

// login puts the cabinet's login and password on the request.
func (c *Client) login(r *http.Request, _ []byte) error {
	r.SetBasicAuth(c.cfg.User, c.cfg.Password)
	return nil
}

// notYet marks the error of a call that comes before the one that changes
// something: whatever became of the first, the second was not sent.
func notYet(err error) error {
	var e *acquiring.Error
	if !errors.As(err, &e) || e.Outcome != acquiring.OutcomeUnknown {
		return err
	}
	own := *e
	own.Outcome = acquiring.OutcomeNotSent
	return &own
}

// Hints that several errors give.
const (
	hintLogin = "check Config.User and Config.Password, that the user may use the JSON API, and that Config.Server is the merchant's own host"
	hintToken = "check that no proxy keeps the answers of /info/settings/token/, and that nobody uses the same account with another host"
)

// answer says what an answer means, and gives its JSON: section 12 of the
// protocol. A refusal comes with status 200.
func (c *Client) answer(call rest.Call, resp *rest.Response, err error, fallback error) (json.RawMessage, error) {
	if resp == nil {
		return nil, err
	}
	body := bytes.TrimSpace(bytes.TrimPrefix(resp.Body, []byte("\xef\xbb\xbf")))
	ok := resp.Status >= 200 && resp.Status < 300
	if e := c.refusal(call, resp, body, ok, fallback); e != nil {
		return nil, e
	}
	switch {
	case err != nil:
		return nil, err
	case resp.Status >= 300 && resp.Status < 400:
		e := c.rest.Error(call, resp, acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "", "PayKeeper sends to its login page")
		e.Hint = hintLogin
		return nil, e
	case !ok:
		kind, outcome := rest.KindOfStatus(resp.Status)
		e := c.rest.Error(call, resp, kind, outcome, "", c.rest.Excerpt(body))
		if kind == acquiring.ErrUnauthorized {
			e.Hint = hintLogin
		}
		return nil, e
	}
	var whole json.RawMessage
	if err := c.rest.DecodeJSON(call, resp, &whole); err != nil {
		var e *acquiring.Error
		if errors.As(err, &e) && len(body) > 0 && body[0] == '<' {
			e.Hint = "a login page in place of JSON means a wrong login: " + hintLogin
		}
		return nil, err
	}
	return whole, nil
}

// refusal is the error of an answer that says no: result is a word other than
// "success", or there is an error_code; with a status that is none of success
// a msg is enough. nil: it says nothing of the kind.
func (c *Client) refusal(call rest.Call, resp *rest.Response, body []byte, ok bool, fallback error) *acquiring.Error {
	frame := body
	if len(frame) > 0 && frame[0] == '[' {
		var list []json.RawMessage
		if json.Unmarshal(frame, &list) != nil || len(list) != 1 {
			return nil
		}
		frame = list[0]
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(frame, &m) != nil {
		return nil
	}
	result, hasResult := m["result"]
	word, code, msg := scalar(result), scalar(m["error_code"]), scalar(m["msg"])
	switch {
	case hasResult && word == "success" && ok:
		return nil
	case hasResult:
	case code != "" && code != "0" && code != "null":
	case !ok && msg != "":
	default:
		return nil
	}
	if msg == "" {
		msg = "refused without a reason"
		if word != "" {
			msg = "refused with the result " + c.rest.Excerpt([]byte(word))
		}
	}
	kind, hint := meaning(msg, fallback)
	if resp.Status == http.StatusUnauthorized || resp.Status == http.StatusForbidden {
		kind, hint = acquiring.ErrUnauthorized, hintLogin
	}
	e := c.rest.Error(call, resp, kind, acquiring.OutcomeRejected, code, msg)
	e.Hint = hint
	return e
}

// succeeded reads an answer that must say "success" in so many words: one that
// says nothing is no success either.
func (c *Client) succeeded(op string, body json.RawMessage) (*row, error) {
	r, err := c.one(op, body)
	if errors.Is(err, acquiring.ErrNotFound) {
		return nil, c.fault(op, acquiring.ErrProtocol, "the answer does not say whether it was done")
	}
	if err != nil {
		return nil, err
	}
	if r.text("result") != "success" {
		return nil, c.fault(op, acquiring.ErrProtocol, "the answer does not say whether it was done")
	}
	return r, nil
}

// fault is an error of an answer that came and makes no sense; what became of
// the request is not known.
func (c *Client) fault(op string, kind error, message string) *acquiring.Error {
	e := &acquiring.Error{Provider: provider, Op: op, Kind: kind, Outcome: acquiring.OutcomeUnknown, Message: message}
	if kind == acquiring.ErrNotFound {
		e.Outcome = acquiring.OutcomeRejected
	}
	return e
}

// notSent is the error of a call that was given up before it was made.
func (c *Client) notSent(op string, err error) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeNotSent, Message: "given up before it was sent", Err: err}
}

// storeFailed is the error of the user's own Store.
func (c *Client) storeFailed(op string, err error, outcome acquiring.Outcome) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrUnavailable, Outcome: outcome,
		Message: "Config.Store failed", Hint: "look at the store, then make the same call again", Err: err}
}

func isStale(err error) bool {
	var e *acquiring.Error
	return errors.As(err, &e) && e.Outcome == acquiring.OutcomeRejected && saysStale(plainWords(e.Message))
}

func saysStale(words string) bool {
	return strings.Contains(words, "токен безопасности")
}

// plainWords are the words for a comparison: small letters, е for ё.
func plainWords(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "ё", "е")
}

// meaning is the kind of a refusal by its words, and what to do about it. The
// service has no codes; the texts known are few.
func meaning(msg string, fallback error) (kind error, hint string) {
	words := plainWords(msg)
	switch {
	case saysStale(words):
		return acquiring.ErrUnauthorized, hintToken
	case strings.Contains(words, "не найден"):
		return acquiring.ErrNotFound, "check that an invoice's number is not given for a payment's, or the other way round"
	case strings.Contains(words, "нельзя сделать возврат"), strings.Contains(words, "статус которого не"):
		return acquiring.ErrConflict, "read the payment: money goes back only from one that is obtained, success or stuck, and not while another refund of it runs"
	}
	switch fallback {
	case acquiring.ErrConflict:
		hint = "read the payment or the invoice: its state may not allow it"
	case acquiring.ErrInvalid:
		hint = "PayKeeper's words are all it says; compare the request with the cabinet's settings"
	case acquiring.ErrDeclined:
		hint = "the card or its bank refused; another charge needs another order number"
	}
	return fallback, hint
}
