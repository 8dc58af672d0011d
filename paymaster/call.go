package paymaster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// request is one call of the API v2.
type request struct {
	method string
	path   string // below /api/v2/, escaped
	query  url.Values
	body   any               // nil: none
	extra  map[string]string // members beside the body's
	key    string            // Idempotency-Key, of a POST
	empty  bool              // the answer is an empty 200
}

// taker is an answer about one thing: it keeps the answer as it came and says
// whether what names the thing is there.
type taker[T any] interface {
	*T
	took(raw json.RawMessage) bool
}

// one makes a call whose answer is one thing; missing says what an answer is
// that names none.
func one[T any, P taker[T]](ctx context.Context, c *Client, r request, missing string) (*T, error) {
	out := new(T)
	raw, err := c.do(ctx, r, out)
	if err != nil {
		return nil, err
	}
	if !P(out).took(raw) {
		return nil, c.nonsense(r.method+" "+opPath(r.path), missing, nil)
	}
	return out, nil
}

// do makes the call and reads the answer into out; the answer as it came is
// returned too.
func (c *Client) do(ctx context.Context, r request, out any) (json.RawMessage, error) {
	// The operation's name has no number of a payment in it.
	op := r.method + " " + opPath(r.path)
	call := rest.Call{Op: op, Method: r.method, Path: "api/v2/" + r.path, Query: r.query, Repeatable: r.method == http.MethodGet,
		Header: http.Header{"Authorization": c.auth, "Accept": {"application/json"}}, ContentType: "application/json"}
	if r.body != nil {
		body, err := encode(r.body)
		if err == nil && len(r.extra) > 0 {
			body, err = addExtra(body, r.extra)
		}
		if err != nil {
			var e *acquiring.Error
			if !errors.As(err, &e) {
				err = acquiring.Invalid("request", "cannot be written as JSON: "+err.Error())
			}
			return nil, acquiring.InOp(provider, op, err)
		}
		call.Body = body
	}
	if r.key != "" {
		call.Header[keyHeader] = []string{r.key}
	}
	resp, err := c.rest.Do(ctx, call)
	if resp == nil {
		return nil, err
	}
	if err := c.failure(call, resp, err); err != nil {
		return nil, err
	}
	raw := bytes.TrimSpace(trimBOM(resp.Body))
	if r.empty || out == nil {
		if len(raw) > 0 && raw[0] == '<' {
			return nil, c.rest.DecodeJSON(call, resp, new(any)) // a web page is no answer
		}
		return nil, nil
	}
	if err := c.rest.DecodeJSON(call, resp, out); err != nil {
		return nil, err
	}
	return raw, nil
}

// keyHeader is Idempotency-Key in small letters, which are the same to a
// server. In its canonical form net/http would take the request for one that
// is safe to send again and do so by itself when a connection breaks; here a
// second request is refused as a duplicate, and that the first answer was lost
// would stay unknown.
const keyHeader = "idempotency-key"

// opPath is the path with what varies in it left out.
func opPath(path string) string {
	if !strings.Contains(path, "/") {
		return path
	}
	parts := strings.Split(path, "/")
	parts[1] = "{id}"
	return strings.Join(parts, "/")
}

// apiError is what the API answers instead of what was asked.
type apiError struct {
	Code      Text   `json:"code"`
	Message   Text   `json:"message"`
	Errors    []Text `json:"errors"`
	ID        Text   `json:"id"`
	PaymentID Text   `json:"paymentId"`
	TokenID   Text   `json:"tokenId"`
	Items     []any  `json:"items"`
}

// mayRefuse says whether a 200 may be a refusal: it has a member code.
func mayRefuse(body []byte) bool {
	for {
		at := bytes.Index(body, []byte(`ode"`))
		if at < 0 {
			return false
		}
		if at >= 2 && body[at-2] == '"' && body[at-1]|0x20 == 'c' {
			return true
		}
		body = body[at+4:]
	}
}

// failure is the error that the answer is; nil: it is none. before is the
// error of the transport for a 429 or 5xx.
func (c *Client) failure(call rest.Call, r *rest.Response, before error) error {
	var e apiError
	body := bytes.TrimSpace(trimBOM(r.Body))
	if len(body) > 0 && body[0] == '{' && (r.Status >= 400 || mayRefuse(body)) {
		_ = json.Unmarshal(body, &e) // what cannot be read is told by the status
	}
	kind, outcome := rest.KindOfStatus(r.Status)
	if r.Status < 300 {
		if e.Code == "" || e.ID != "" || e.PaymentID != "" || e.TokenID != "" || e.Items != nil {
			return before
		}
		kind, outcome = acquiring.ErrInvalid, acquiring.OutcomeRejected
	}
	words := string(e.Message)
	for _, more := range e.Errors {
		words = strings.TrimSpace(words + " " + string(more))
	}
	if words == "" {
		words = c.rest.Excerpt(body)
	}
	if len(words) > 500 {
		words = c.rest.Excerpt([]byte(words))
	}
	hint := ""
	if known, ok := apiErrors[strings.ToLower(string(e.Code))]; ok {
		hint = known.hint
		// An unknown number has no code of its own: the status tells.
		if r.Status != http.StatusNotFound && r.Status != http.StatusTooManyRequests && r.Status < 500 {
			kind, outcome = known.kind, acquiring.OutcomeRejected
		}
	}
	if r.Status == http.StatusUnauthorized && hint == "" {
		hint = hintToken
	}
	out := c.rest.Error(call, r, kind, outcome, string(e.Code), words)
	out.Hint = hint
	return out
}

// addExtra puts members into a body by their dotted names:
// "paymentMethod", "paymentData.phone". A value that is JSON is taken as such,
// any other is a text. What the client itself must say cannot be replaced.
func addExtra(body []byte, extra map[string]string) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // the sums' digits stay as they were written
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	for name, value := range extra {
		path := strings.Split(name, ".")
		switch strings.ToLower(path[0]) {
		case "", "merchantid", "testmode", "amount", "receipt":
			return nil, acquiring.Invalid("Extra["+name+"]", "cannot be set this way; it is the client's own")
		}
		if strings.EqualFold(name, "invoice.orderNo") || strings.EqualFold(name, "invoice") || strings.EqualFold(name, "protocol") {
			return nil, acquiring.Invalid("Extra["+name+"]", "cannot be set this way; it is the client's own")
		}
		at := tree
		for _, step := range path[:len(path)-1] {
			next, ok := at[step].(map[string]any)
			if !ok {
				if at[step] != nil {
					return nil, acquiring.Invalid("Extra["+name+"]", "leads into what is no object")
				}
				next = map[string]any{}
				at[step] = next
			}
			at = next
		}
		var v any = value
		if json.Valid([]byte(value)) {
			v = json.RawMessage(value)
		}
		at[path[len(path)-1]] = v
	}
	return encode(tree)
}

// Period is the time that a list covers, by creation. Whether its bounds are
// included the documentation does not say. A zero Start is 2010, before
// PayMaster was; a zero End is now.
type Period struct{ Start, End time.Time }

// maxPages ends a list whose cursor never does.
const maxPages = 100_000

// list reads a list page by page. An element that was seen already, on this or
// an earlier page, is passed over; an empty cursor or one that repeats ends it.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, id func(*T) string, keep func(*T, json.RawMessage)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen, cursors := map[string]bool{}, map[string]bool{}
		q := url.Values{}
		for name, v := range query {
			q[name] = v
		}
		for range maxPages {
			var page struct {
				Items  []json.RawMessage
				Cursor Text
			}
			var raw json.RawMessage
			if _, err := c.do(ctx, request{method: http.MethodGet, path: path, query: q}, &raw); err != nil {
				yield(nil, err)
				return
			}
			var err error
			if len(raw) > 0 && raw[0] == '[' {
				err = json.Unmarshal(raw, &page.Items)
			} else {
				err = json.Unmarshal(raw, &page)
			}
			if err != nil {
				yield(nil, c.nonsense("GET "+path, "the list cannot be read", err))
				return
			}
			for _, item := range page.Items {
				one := new(T)
				if err := json.Unmarshal(item, one); err != nil {
					yield(nil, c.nonsense("GET "+path, "an element of the list cannot be read", err))
					return
				}
				if key := id(one); key != "" {
					if seen[key] {
						continue
					}
					seen[key] = true
				}
				keep(one, item)
				if !yield(one, nil) {
					return
				}
			}
			cursor := string(page.Cursor)
			if cursor == "" || cursors[cursor] {
				return
			}
			cursors[cursor] = true
			q.Set("cursor", cursor)
		}
	}
}

// period is the query of a list.
func (c *Client) period(p Period) url.Values {
	start, end := p.Start, p.End
	if start.IsZero() {
		start = firstDay
	}
	if end.IsZero() {
		end = c.now()
	}
	if trimmed := end.Truncate(time.Second); trimmed.Before(end) {
		end = trimmed.Add(time.Second)
	}
	return url.Values{"merchantId": {c.conf.MerchantID}, "start": {isoTime(start)}, "end": {isoTime(end)}}
}

// nonsense is the error of an answer that makes no sense.
func (c *Client) nonsense(op, why string, cause error) error {
	e := &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, Message: why}
	if cause != nil {
		e.Message += ": " + c.rest.Excerpt([]byte(cause.Error()))
	}
	return e
}

// checkID refuses what cannot be a number of PayMaster's: it goes into an
// address.
func checkID(op, field, id string) error {
	if word(id) {
		return nil
	}
	why := "is empty"
	if id != "" {
		why = "is not a number of PayMaster's: it has other than letters, digits, - and _"
	}
	return acquiring.InOp(provider, op, acquiring.Invalid(field, why))
}
