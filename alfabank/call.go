package alfabank

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/rbs"
)

// endpoint is one method of the bank.
type endpoint struct {
	op    string // its name, and its path from BaseURL
	read  bool   // changes nothing, or is idempotent: may be repeated
	token bool   // may be called with the open token
}

// send makes a call of a form method: the request, the fields beside it and
// the credentials.
func (c *Client) send(ctx context.Context, e endpoint, request any, extra map[string]string, out rbs.Answer) error {
	if err := c.allowed(e); err != nil {
		return err
	}
	form, err := c.gate.Form(request, extra)
	if err != nil {
		return acquiring.InOp(provider, e.op, err)
	}
	for _, name := range []string{"userName", "password", "token"} {
		if form.Has(name) {
			return acquiring.InOp(provider, e.op, acquiring.Invalid("Extra["+name+"]", "is the Config's business"))
		}
	}
	for name, value := range c.auth {
		form[name] = value
	}
	call := rbs.Call{Op: e.op, Path: c.path(e), Repeatable: e.read, ContentType: rbs.ContentForm}
	if c.conf.ParametersInQuery {
		call.Path += "?" + form.Encode()
	} else {
		call.Body = rest.Form(form)
	}
	return c.explain(c.gate.Do(ctx, call, out))
}

// call is send without fields beside the request.
func (c *Client) call(ctx context.Context, e endpoint, request any, out rbs.Answer) error {
	return c.send(ctx, e, request, nil, out)
}

// path is the endpoint's, from BaseURL or absolute.
func (c *Client) path(e endpoint) string {
	if e.op == epRawPosition.op && c.conf.RawPositionMethod != "" {
		return c.conf.RawPositionMethod
	}
	return e.op
}

// sendJSON makes a call of a JSON method. The examples of payment links write
// the login's key as username, the tables as userName: both are sent there.
func (c *Client) sendJSON(ctx context.Context, e endpoint, path string, both bool, request any, out rbs.Answer) error {
	if err := c.allowed(e); err != nil {
		return err
	}
	auth := map[string]string{"userName": c.conf.UserName, "password": c.conf.Password}
	if both {
		auth["username"] = c.conf.UserName
	}
	head, err := rbs.CompactJSON(auth)
	if err == nil {
		var body []byte
		if body, err = rbs.CompactJSON(request); err == nil {
			return c.explain(c.gate.Do(ctx, rbs.Call{Op: e.op, Path: path, Repeatable: e.read, ContentType: rbs.ContentJSON,
				Body: rbs.JoinJSON(head, body)}, out))
		}
	}
	return acquiring.InOp(provider, e.op, acquiring.Invalid("request", "cannot be written as JSON: "+err.Error()))
}

// allowed refuses what a token may not do before it is sent.
func (c *Client) allowed(e endpoint) error {
	if c.conf.Token == "" || e.token {
		return nil
	}
	return acquiring.InOp(provider, e.op, acquiring.Invalid("Config.UserName", "is empty; the open token registers orders, verifies cards, goes on with 3-D Secure and reads orders by the bank's number, and any other method needs the login and the password"))
}

// explain adds what is known of answers that are not the gateway's own.
func (c *Client) explain(err error) error {
	e, ok := errors.AsType[*acquiring.Error](err)
	if !ok || e.Code != "" || e.HTTPStatus != http.StatusForbidden {
		return err
	}
	known := *e
	known.Hint = "the bank's hosts refuse addresses outside Russia with HTTP 403, before they look at the login: call from a Russian address, and check Config.BaseURL"
	return &known
}

// orRussian is the language of the gateway's messages: refusals are told apart
// by their words.
func orRussian(language string) string {
	if language == "" {
		return "ru"
	}
	return language
}

// languageOf is the bank's word for a language; ok is false for one that it
// has no page in.
func languageOf(language string) (word string, ok bool) {
	switch l := strings.ToLower(language); l {
	case "", "ru", "en", "de", "fr", "es", "it", "zh", "ja", "ko", "ua", "kz":
		return l, true
	case "uk":
		return "ua", true
	case "kk":
		return "kz", true
	case "be", "by":
		return "ru", true
	}
	return "", false
}
