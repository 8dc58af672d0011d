package tochka

import (
	"context"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// Webhook is what the bank announces, and where (вебхук). There is one address
// for each client_id.
type Webhook struct {
	Types []WebhookType `json:"webhooksList"`
	URL   string        `json:"url"` // https, port 443
}

// hook is the path of the application's webhook.
func (c *Client) hook(op string) (path string, err error) {
	if c.clientID == "" {
		return "", acquiring.InOp(provider, op, acquiring.Invalid("Config.ClientID", "is empty and not in the JWT key; webhooks hang on the client_id shown with the key"))
	}
	return "webhook/v1.0/" + url.PathEscape(c.clientID), nil
}

// Webhook reads the webhook (GET webhook; ManageWebhookData). None is
// ErrNotFound.
func (c *Client) Webhook(ctx context.Context) (*Webhook, error) {
	return c.webhook(ctx, "webhooks.get", http.MethodGet, nil)
}

// CreateWebhook makes the webhook (PUT webhook). The bank sends a sample of
// each type to the address first, of company 300123123, and wants the answer
// 200 for each: so the address must be served already, by webhook.Handler,
// which answers so.
func (c *Client) CreateWebhook(ctx context.Context, w Webhook) (*Webhook, error) {
	return c.webhook(ctx, "webhooks.create", http.MethodPut, &w)
}

// EditWebhook replaces the webhook's address and types, all of them (POST
// webhook), with the samples of CreateWebhook.
func (c *Client) EditWebhook(ctx context.Context, w Webhook) (*Webhook, error) {
	return c.webhook(ctx, "webhooks.edit", http.MethodPost, &w)
}

// SetWebhook makes or replaces the webhook, and does nothing where it is so
// already.
func (c *Client) SetWebhook(ctx context.Context, w Webhook) (*Webhook, error) {
	now, err := c.Webhook(ctx)
	switch {
	case errors.Is(err, acquiring.ErrNotFound):
		return c.CreateWebhook(ctx, w)
	case err != nil:
		return nil, err
	}
	have, want := slices.Sorted(slices.Values(now.Types)), slices.Sorted(slices.Values(w.Types))
	if now.URL == w.URL && slices.Equal(have, want) {
		return now, nil
	}
	return c.EditWebhook(ctx, w)
}

func (c *Client) webhook(ctx context.Context, op, method string, w *Webhook) (*Webhook, error) {
	path, err := c.hook(op)
	if err != nil {
		return nil, err
	}
	r := request{op: op, method: method, path: path, again: true}
	if w != nil {
		if err := c.checkWebhook(w); err != nil {
			return nil, acquiring.InOp(provider, op, err)
		}
		r.body = w // without Data, unlike everything else
	}
	var out Webhook
	if _, err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

func (c *Client) checkWebhook(w *Webhook) error {
	if len(w.Types) == 0 {
		return acquiring.Invalid("Types", "is empty; acquiringInternetPayment announces paid links")
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || len(w.URL) > 2083:
		return acquiring.Invalid("URL", "is not an absolute address of at most 2083 characters")
	case c.conf.Environment == acquiring.Production && c.conf.BaseURL == "" && (u.Scheme != "https" || (u.Port() != "" && u.Port() != "443") || u.User != nil):
		return acquiring.Invalid("URL", "is not https on port 443 without a password, which is all that the bank calls")
	}
	return nil
}

// DeleteWebhook removes the webhook (DELETE webhook). None is ErrNotFound.
func (c *Client) DeleteWebhook(ctx context.Context) error {
	const op = "webhooks.delete"
	path, err := c.hook(op)
	if err != nil {
		return err
	}
	return c.accepted(ctx, request{op: op, method: http.MethodDelete, path: path, again: true}, acquiring.ErrConflict, "")
}

// TestWebhook lets the bank send a sample of the type (POST …/test_send).
func (c *Client) TestWebhook(ctx context.Context, t WebhookType) error {
	const op = "webhooks.test_send"
	path, err := c.hook(op)
	if err != nil {
		return err
	}
	body := struct {
		Type WebhookType `json:"webhookType"`
	}{t}
	return c.accepted(ctx, post(op, body, path+"/test_send"), acquiring.ErrConflict, "the address did not answer the sample with 200")
}

// keyRefresh remembers when the webhooks' key may be fetched next.
type keyRefresh struct {
	mu   sync.Mutex
	next time.Time
}

// refreshEvery is the shortest time between two fetches of the key: a stranger
// who sends rubbish must not make us ask the bank each time. A fetch that failed
// is tried again sooner: the bank repeats its news for five minutes only.
const (
	refreshEvery   = 5 * time.Minute
	refreshRetry   = 30 * time.Second
	refreshTimeout = 10 * time.Second
)

// FetchWebhookKey reads the bank's key from Config.WebhookKeyURL, over the
// verified connection of the API, and checks webhooks with it, and with no
// other, from then on. Where a JWK set is published, with each of its keys.
func (c *Client) FetchWebhookKey(ctx context.Context) error {
	call := rest.Call{Op: "webhooks.key", Method: http.MethodGet, Path: c.keyURL, Repeatable: true, Limit: 16 << 10}
	resp, err := c.rest.Do(ctx, call)
	if err = classify(c.rest, call, resp, err); err != nil {
		return err
	}
	keys, err := parseKeys(string(resp.Body))
	if err != nil {
		return c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the published key cannot be used: "+err.Error())
	}
	c.verifier.keys.Store(&keys)
	return nil
}

// renewKey fetches the key if that is allowed and was not done just now. tried
// are the keys that the signature does not fit: others that somebody fetched
// meanwhile will do.
func (c *Client) renewKey(ctx context.Context, tried *[]*rsa.PublicKey) bool {
	if !c.conf.RefreshWebhookKey {
		return false
	}
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	if c.verifier.keys.Load() != tried {
		return true
	}
	now := c.now()
	if now.Before(c.keys.next) {
		return false
	}
	c.keys.next = now.Add(refreshRetry)
	// Whoever sent the news may hang up; the key is wanted all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	if err := c.FetchWebhookKey(ctx); err != nil {
		c.rest.Logger().WarnContext(ctx, "the bank's webhook key was not fetched", "error", err)
		return false
	}
	c.keys.next = now.Add(refreshEvery)
	return true
}
