package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// TokenLife is how long a token is used: AlfaCRM forgets it after 15 minutes.
const TokenLife = 14 * time.Minute

const provider = "alfacrm"

// Config is an account of AlfaCRM.
type Config struct {
	BaseURL string // https://school.s20.online
	Email   string // of the API's own user
	APIKey  string // of that user (ключ API)
	// Timeout is of one request; 0: 20 seconds.
	Timeout    time.Duration
	HTTPClient *http.Client // nil: one of its own
	Logger     *slog.Logger
	Now        func() time.Time // nil: time.Now
	// AmountAsNumber sends sums as JSON numbers in place of text.
	AmountAsNumber bool
}

// String shows no secret.
func (c Config) String() string {
	return fmt.Sprintf("api.Config{%s %s %s}", c.BaseURL, c.Email, rest.Mask(c.APIKey))
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String, for logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Client calls one account, one request at a time. It is safe for concurrent
// use.
type Client struct {
	conf Config
	rest *rest.Client
	turn chan struct{} // holds one: whose turn it is

	token string // these belong to whose turn it is
	until time.Time
}

// New checks the configuration; it asks AlfaCRM nothing.
func New(conf Config) (*Client, error) {
	switch {
	case conf.Email == "":
		return nil, acquiring.Invalid("Config.Email", "is empty; give the login of the API's user")
	case conf.APIKey == "":
		return nil, acquiring.Invalid("Config.APIKey", "is empty; it is in the user's card (Ключ API v2)")
	}
	if conf.Timeout == 0 {
		conf.Timeout = 20 * time.Second
	}
	if conf.Now == nil {
		conf.Now = time.Now
	}
	r, err := rest.New(rest.Options{Provider: provider, BaseURL: conf.BaseURL, HTTPClient: conf.HTTPClient, Logger: conf.Logger,
		Secrets: []string{conf.APIKey}, Timeout: conf.Timeout})
	if err != nil {
		return nil, err
	}
	return &Client{conf: conf, rest: r, turn: make(chan struct{}, 1)}, nil
}

// String shows no secret.
func (c *Client) String() string { return "api.Client{" + c.rest.BaseURL() + "}" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// request is one method of the API.
type request struct {
	op     string
	branch int // 0: the method has none
	query  url.Values
	body   any
	read   bool // changes nothing and may be repeated
}

// do makes a request with a good token and reads its answer.
func (c *Client) do(ctx context.Context, r request, out any) error {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return &acquiring.Error{Provider: provider, Op: r.op, Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeNotSent,
			Message: "another request was under way", Err: ctx.Err()}
	}
	defer func() { <-c.turn }()
	fresh := false
	if c.token == "" || !c.conf.Now().Before(c.until) {
		if err := c.login(ctx); err != nil {
			return err
		}
		fresh = true
	}
	err := c.send(ctx, r, out)
	if fresh || !errors.Is(err, acquiring.ErrUnauthorized) {
		return err
	}
	// The token was forgotten before its time. What was refused so was not
	// carried out: once more with a new one.
	if err := c.login(ctx); err != nil {
		return err
	}
	return c.send(ctx, r, out)
}

// login takes a new token.
func (c *Client) login(ctx context.Context) error {
	c.token = ""
	body, err := json.Marshal(map[string]string{"email": c.conf.Email, "api_key": c.conf.APIKey})
	if err != nil {
		return err
	}
	call := rest.Call{Op: "auth/login", Path: "/v2api/auth/login", ContentType: "application/json", Body: body, Repeatable: true}
	asked := c.conf.Now()
	var out struct {
		Token string `json:"token"`
	}
	err = c.exchange(ctx, call, &out)
	var e *acquiring.Error
	if errors.As(err, &e) {
		e.Outcome = acquiring.OutcomeNotSent // of what the token was for
		if errors.Is(err, acquiring.ErrUnauthorized) {
			e.Hint = "check the user's e-mail and API key, and that his role may use the module v2api"
		}
		return err
	}
	if err != nil {
		return err
	}
	if out.Token == "" {
		return c.rest.Error(call, nil, acquiring.ErrProtocol, acquiring.OutcomeNotSent, "", "the answer has no token")
	}
	c.token, c.until = out.Token, asked.Add(TokenLife)
	return nil
}

func (c *Client) send(ctx context.Context, r request, out any) error {
	body, err := json.Marshal(r.body)
	if err != nil {
		return err
	}
	path := "/v2api/" + r.op
	if r.branch != 0 {
		path = "/v2api/" + strconv.Itoa(r.branch) + "/" + r.op
	}
	return c.exchange(ctx, rest.Call{Op: r.op, Path: path, Query: r.query, ContentType: "application/json", Body: body, Repeatable: r.read,
		Header: http.Header{"X-Alfacrm-Token": {c.token}}}, out)
}

// exchange makes a call and tells its errors from its answer, whatever the
// HTTP status.
func (c *Client) exchange(ctx context.Context, call rest.Call, out any) error {
	resp, err := c.rest.Do(ctx, call)
	if err != nil {
		return err
	}
	kind, outcome := rest.KindOfStatus(resp.Status)
	var told struct {
		Success *bool           `json:"success"`
		Errors  json.RawMessage `json:"errors"`
		Name    string          `json:"name"`    // of an error of the framework's own
		Message string          `json:"message"` // "Your request was made with invalid credentials."
		Status  json.RawMessage `json:"status"`
	}
	if err := c.rest.DecodeJSON(call, resp, &told); err != nil {
		if kind == nil {
			return err
		}
		return c.problem(call, resp, kind, outcome, c.rest.Excerpt(resp.Body))
	}
	words := faults(told.Errors)
	if status, err := strconv.Atoi(strings.Trim(string(told.Status), `"`)); err == nil && status >= 400 && kind == nil {
		kind, outcome = rest.KindOfStatus(status)
	}
	switch {
	case kind != nil:
		if words == "" {
			words = strings.TrimSpace(told.Name + " " + told.Message)
		}
		return c.problem(call, resp, kind, outcome, words)
	case words != "" || told.Success != nil && !*told.Success:
		if words == "" {
			words = "refused without a reason"
		}
		kind = acquiring.ErrInvalid
		if denied(words) {
			kind = acquiring.ErrUnauthorized
		}
		return c.problem(call, resp, kind, acquiring.OutcomeRejected, words)
	}
	return c.rest.DecodeJSON(call, resp, out)
}

// denied says whether a refusal with HTTP 200 is about the token or the role.
func denied(words string) bool {
	words = strings.ToLower(words)
	return strings.Contains(words, "access denied") || strings.Contains(words, "unauthorized") || strings.Contains(words, "invalid credentials") || strings.Contains(words, "доступ запрещ")
}

// problem is an error of AlfaCRM's.
func (c *Client) problem(call rest.Call, resp *rest.Response, kind error, outcome acquiring.Outcome, words string) error {
	e := c.rest.Error(call, resp, kind, outcome, "", words)
	if c.token != "" {
		e.Message = strings.ReplaceAll(e.Message, c.token, rest.Hidden)
	}
	if errors.Is(kind, acquiring.ErrUnauthorized) {
		e.Hint = "the role of the API's user must allow the module v2api and the branch"
	}
	return e
}

// faults are the words of "errors": a list, an object of lists, a text. An
// empty one of any kind is none.
func faults(raw json.RawMessage) string {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return ""
	}
	var words []string
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case string:
			if v == "" {
				return
			}
			if at != "" {
				v = at + ": " + v
			}
			words = append(words, v)
		case []any:
			for _, e := range v {
				walk(at, e)
			}
		case map[string]any:
			for _, name := range keys(v) {
				walk(name, v[name])
			}
		case nil, bool:
		default:
			words = append(words, fmt.Sprint(v))
		}
	}
	walk("", v)
	return strings.Join(words, "; ")
}
