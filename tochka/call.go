package tochka

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// tokens gives the bearer of a call.
type tokens interface {
	// token is the access token, and when it ends (zero: nobody knows).
	token(ctx context.Context) (string, time.Time, error)
	// renew is another token than the stale one; "": there is none.
	renew(ctx context.Context, stale string) (string, error)
	// newer is another token than the refused one that is there already; "":
	// there is none.
	newer(ctx context.Context, refused string) string
}

func tokensOf(conf Config) tokens {
	if conf.TokenSource != nil {
		return sourceTokens{conf.TokenSource}
	}
	return fixedToken(conf.Token)
}

// fixedToken is a JWT key.
type fixedToken string

func (t fixedToken) token(context.Context) (string, time.Time, error) {
	return string(t), time.Time{}, nil
}
func (t fixedToken) renew(context.Context, string) (string, error) { return "", nil }
func (t fixedToken) newer(context.Context, string) string          { return "" }

// renewing is a TokenSource that can be told that its token was refused;
// [AccountTokens] is one.
type renewing interface {
	TokenContext(ctx context.Context) (*oauth2.Token, error)
	Renew(ctx context.Context, stale string) (*oauth2.Token, error)
}

type sourceTokens struct{ source oauth2.TokenSource }

func (s sourceTokens) token(ctx context.Context) (string, time.Time, error) {
	var t *oauth2.Token
	var err error
	if r, ok := s.source.(renewing); ok {
		t, err = r.TokenContext(ctx)
	} else {
		t, err = s.source.Token()
	}
	if err != nil {
		return "", time.Time{}, err
	}
	if t == nil || t.AccessToken == "" || !headerSafe(t.AccessToken) {
		return "", time.Time{}, errors.New("the TokenSource gave no usable access token")
	}
	return t.AccessToken, t.Expiry, nil
}

func (s sourceTokens) renew(ctx context.Context, stale string) (string, error) {
	if r, ok := s.source.(renewing); ok {
		t, err := r.Renew(ctx, stale)
		if err != nil {
			return "", err
		}
		return t.AccessToken, nil
	}
	// An ordinary source may have renewed by itself meanwhile.
	t, err := s.source.Token()
	if err != nil || t == nil || t.AccessToken == stale {
		return "", err
	}
	return t.AccessToken, nil
}

func (s sourceTokens) newer(ctx context.Context, refused string) string {
	if a, ok := s.source.(*AccountTokens); ok {
		return a.stored(ctx, refused)
	}
	return ""
}

// request is one call of the API.
type request struct {
	op      string // for errors and logs: "payments.create"
	method  string
	path    string // its variable parts escaped
	other   string // the same with the account's slash written the other way
	query   url.Values
	body    any    // nil: none
	company string // for the header CustomerCode; "": the client's
	file    bool   // the answer is a file: PDF
	again   bool   // safe to repeat; every GET is
}

// call makes a call and reads Data into out; out may be nil.
func (c *Client) call(ctx context.Context, r request, out any) (*reply, error) {
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	return decode(c.rest, r, resp, out)
}

// do makes a call: with a token, renewed once when it is refused as too old,
// and with an account's slash written the other way when the address is not
// known.
func (c *Client) do(ctx context.Context, r request) (*rest.Response, error) {
	resp, err := c.authorised(ctx, r)
	if r.other == "" || r.method != http.MethodGet || err == nil {
		return resp, err
	}
	if !errors.Is(err, acquiring.ErrNotFound) && !errors.Is(err, acquiring.ErrUnsupported) {
		return resp, err
	}
	second := r
	second.path = r.other
	if again, err := c.authorised(ctx, second); err == nil {
		return again, nil
	}
	return resp, err
}

func (c *Client) authorised(ctx context.Context, r request) (*rest.Response, error) {
	call, err := r.call()
	if err != nil {
		return nil, err
	}
	token, ends, err := c.tokens.token(ctx)
	if err != nil {
		return nil, tokenError(r.op, err)
	}
	client, head := c.rest, head{accept: "application/json", company: r.company}
	if r.file {
		client, head.accept = c.files, "application/pdf"
	}
	if head.company == "" {
		head.company = c.conf.CustomerCode
	}
	resp, err := send(ctx, client, call, head, token)
	e, ok := errors.AsType[*acquiring.Error](err)
	if !ok || !errors.Is(err, acquiring.ErrUnauthorized) {
		return resp, err
	}
	old := e.HTTPStatus == http.StatusForbidden && !ends.IsZero() && !c.now().Before(ends)
	// A refusal for want of a token carried nothing out.
	var fresh string
	if e.HTTPStatus != http.StatusUnauthorized && !old {
		// A permission lacks; unless the customer has confirmed another consent.
		fresh = c.tokens.newer(ctx, token)
	} else {
		var renewErr error
		if fresh, renewErr = c.tokens.renew(ctx, token); renewErr != nil {
			return nil, tokenError(r.op, renewErr)
		}
	}
	if fresh == "" || fresh == token {
		return nil, err
	}
	resp, err = send(ctx, client, call, head, fresh)
	return resp, hide(err, token)
}

// tokenError is the error of a call that had no token: it never left.
func tokenError(op string, err error) error {
	known := acquiring.Error{Kind: acquiring.ErrUnauthorized}
	var e *acquiring.Error
	if errors.As(err, &e) {
		known = *e
		known.Message = "no access token: " + e.Message
	} else {
		known.Message, known.Err = "no access token", err
	}
	known.Provider, known.Op, known.Outcome = provider, op, acquiring.OutcomeNotSent
	return &known
}

// call is the request as the HTTP client takes it, without its headers.
func (r request) call() (rest.Call, error) {
	call := rest.Call{Op: r.op, Method: r.method, Path: r.path, Query: r.query,
		Repeatable: r.again || r.method == http.MethodGet, Answers: answers}
	if at := r.path + "/"; strings.Contains(at, "/./") || strings.Contains(at, "/../") {
		// Nothing escapes a point: the call would be another one.
		return call, acquiring.InOp(provider, r.op, acquiring.Invalid("ID", "is no number of the bank's, but points alone"))
	}
	if r.body != nil {
		body, err := compact(r.body)
		if err != nil {
			return call, acquiring.InOp(provider, r.op, acquiring.Invalid("request", "cannot be written as JSON: "+err.Error()))
		}
		call.Body, call.ContentType = body, "application/json; charset=utf-8"
	}
	return call, nil
}

// answers are the statuses from 500 up that are the bank's own.
var answers = []int{http.StatusNotImplemented}

// head is what the headers of a call say.
type head struct{ accept, company, token string } // company "": none

// write puts it into a request; it is a rest.Call's Sign.
func (h head) write(r *http.Request, _ []byte) error {
	values := []string{h.accept, "Bearer " + h.token, h.company}
	r.Header["Accept"], r.Header["Authorization"] = values[:1:1], values[1:2:2]
	if h.company != "" {
		r.Header["CustomerCode"] = values[2:]
	}
	return nil
}

// send makes one attempt with a token; what is no success becomes an error.
func send(ctx context.Context, client *rest.Client, call rest.Call, head head, token string) (*rest.Response, error) {
	head.token = token
	call.Sign, call.Secret = head.write, token
	resp, err := client.Do(ctx, call)
	if err = classify(client, call, resp, err); err != nil {
		return nil, hide(err, token)
	}
	return resp, nil
}

// hide takes a token out of an error: the HTTP client knows the JWT key, but
// not the tokens that change.
func hide(err error, token string) error {
	e, ok := errors.AsType[*acquiring.Error](err)
	if token == "" || !ok {
		return err
	}
	e.Message = strings.ReplaceAll(e.Message, token, rest.Hidden)
	e.Code = strings.ReplaceAll(e.Code, token, rest.Hidden)
	var api *APIError
	if errors.As(err, &api) {
		api.hide(token)
	}
	if cause, ok := e.Err.(apiCause); ok {
		e.Err = apiCause{cause.APIError, e.Message}
	}
	return err
}

// get is a read.
func get(op string, parts ...string) request {
	return request{op: op, method: http.MethodGet, path: join(parts)}
}

// post is a write.
func post(op string, body any, parts ...string) request {
	return request{op: op, method: http.MethodPost, path: join(parts), body: body}
}

// join escapes the parts of a path: the first is the service's own, written
// plainly, the others alternate between values and plain text.
func join(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	var b strings.Builder
	for i, p := range parts {
		if i%2 == 1 {
			p = url.PathEscape(p)
		}
		b.WriteString(p)
	}
	return b.String()
}

// withAccount writes an account ID into a path: %2F for its slash, or the
// slash itself, as the Config says, and the other form for a second try.
func (c *Client) withAccount(r request, before, account, after string) request {
	encoded := before + url.PathEscape(account) + after
	number, bic, ok := strings.Cut(account, "/")
	plain := before + url.PathEscape(number) + "/" + url.PathEscape(bic) + after
	switch {
	case !ok:
		r.path = encoded
	case c.conf.RawAccountPath:
		r.path, r.other = plain, encoded
	default:
		r.path, r.other = encoded, plain
	}
	return r
}
