package crm

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"

	"golang.org/x/time/rate"
)

// DefaultRate is how many requests a second are made at most with a key. The
// CRM takes 10: one less leaves room for what the network pushes together.
const DefaultRate = 9

const provider = "retailcrm"

// Config is what a Client needs.
type Config struct {
	SystemURL  string        // https://account.retailcrm.ru
	APIKey     string        // sent as X-API-KEY
	Rate       int           // requests a second; 0: DefaultRate
	Timeout    time.Duration // of one request; 0: 30 seconds
	HTTPClient *http.Client  // nil: one of ours
	Logger     *slog.Logger  // nil: none
}

// Client calls one account of RetailCRM. It is safe for concurrent use. Its
// errors are *acquiring.Error: ErrUnauthorized for a key that the account does
// not take, ErrRateLimited and ErrUnavailable for what may work later,
// ErrInvalid and ErrNotFound for what the CRM refused. It repeats nothing by
// itself.
type Client struct {
	rest    *rest.Client
	key     string
	limiter *rate.Limiter
}

// New checks the configuration. Plain http is taken for addresses of this
// machine only.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.SystemURL)
	local := err == nil && (u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost" || u.Hostname() == "::1")
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && (u.Scheme != "http" || !local):
		return nil, acquiring.Invalid("Config.SystemURL", "is not an https address like https://account.retailcrm.ru")
	case strings.TrimSpace(c.APIKey) == "" || strings.ContainsAny(c.APIKey, "\r\n"):
		return nil, acquiring.Invalid("Config.APIKey", "is empty or has line breaks")
	}
	if c.Rate <= 0 {
		c.Rate = DefaultRate
	}
	r, err := rest.New(rest.Options{Provider: provider, Shop: u.Host, BaseURL: strings.TrimRight(c.SystemURL, "/"), HTTPClient: c.HTTPClient,
		Logger: c.Logger, Secrets: []string{c.APIKey}, Timeout: c.Timeout, Retries: -1})
	if err != nil {
		return nil, err
	}
	return &Client{rest: r, key: c.APIKey, limiter: rate.NewLimiter(rate.Limit(c.Rate), 1)}, nil
}

// envelope is around every answer. errors is an array or an object.
type envelope struct {
	Success  Flag            `json:"success"`
	ErrorMsg Text            `json:"errorMsg"`
	Errors   json.RawMessage `json:"errors"`
}

// call makes one request; field, where there is one, is the form's only field,
// with v in it as JSON.
func (c *Client) call(ctx context.Context, op, path, field string, v, out any) error {
	if err := c.limiter.Wait(ctx); err != nil {
		return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrRateLimited, Outcome: acquiring.OutcomeNotSent,
			Message: "no turn within the time left", Err: ctx.Err()}
	}
	call := rest.Call{Op: op, Path: path, Header: http.Header{"X-API-KEY": {c.key}}}
	if field != "" {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		call.Method, call.ContentType = http.MethodPost, "application/x-www-form-urlencoded"
		call.Body = []byte(url.Values{field: {string(b)}}.Encode())
	}
	r, err := c.rest.Do(ctx, call)
	if err != nil {
		return err
	}
	var e envelope
	if r.Status >= 300 && r.Status < 400 {
		return c.rest.Error(call, r, acquiring.ErrProtocol, acquiring.OutcomeRejected, "", "the account answers with a redirect: check its address")
	}
	if err := c.rest.DecodeJSON(call, r, &e); err != nil {
		if r.Status >= 400 {
			kind, outcome := rest.KindOfStatus(r.Status)
			return c.rest.Error(call, r, kind, outcome, "", c.rest.Excerpt(r.Body))
		}
		return err
	}
	if r.Status >= 400 || !e.Success.Value {
		return c.rest.Error(call, r, refusal(r.Status, string(e.ErrorMsg)), acquiring.OutcomeRejected, "", e.text())
	}
	if out == nil {
		return nil
	}
	return c.rest.DecodeJSON(call, r, out)
}

// refusal goes by the words where the account's key is meant: the number is
// now 403, now 404.
func refusal(status int, words string) error {
	switch {
	case strings.Contains(words, "apiKey"), status == http.StatusUnauthorized, status == http.StatusForbidden:
		return acquiring.ErrUnauthorized
	case status == http.StatusNotFound:
		return acquiring.ErrNotFound
	}
	return acquiring.ErrInvalid
}

// text joins the message with the errors by field.
func (e envelope) text() string {
	parts := []string{string(e.ErrorMsg)}
	var list []Text
	var byField map[string]json.RawMessage
	if json.Unmarshal(e.Errors, &list) == nil {
		for _, t := range list {
			parts = append(parts, string(t))
		}
	} else if json.Unmarshal(e.Errors, &byField) == nil {
		fields := make([]string, 0, len(byField))
		for name := range byField {
			fields = append(fields, name)
		}
		slices.Sort(fields)
		for _, name := range fields {
			var t Text
			if _ = t.UnmarshalJSON(byField[name]); t == "" {
				t = Text(byField[name])
			}
			parts = append(parts, name+": "+string(t))
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

// Refused says whether the CRM surely refused the request itself, so that the
// same one will never be taken: not the key, not the weather.
func Refused(err error) bool {
	return errors.Is(err, acquiring.ErrInvalid) || errors.Is(err, acquiring.ErrNotFound)
}
