package paykeeper

import (
	"context"
	"encoding/json"
	"time"

	"github.com/acquiring-go/acquiring"
)

// tokenCache holds the security token (токен безопасности) that every POST of
// /change/ carries against forged requests. One goroutine asks for a new one,
// the others wait for it or for the end of their contexts.
type tokenCache struct {
	slot  chan struct{} // held while the fields are read or the token is asked for
	value string
	at    time.Time
}

func newTokenCache() *tokenCache { return &tokenCache{slot: make(chan struct{}, 1)} }

// get gives the token; refused is the one that the service has just refused,
// "" ordinarily. A token that another goroutine has renewed meanwhile is taken
// as it is.
func (t *tokenCache) get(ctx context.Context, now func() time.Time, refused string, fetch func(context.Context) (string, error)) (string, error) {
	select {
	case t.slot <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-t.slot }()
	age := now().Sub(t.at)
	if t.value != "" && t.value != refused && age >= 0 && age < TokenLifetime {
		return t.value, nil
	}
	value, err := fetch(ctx)
	if err != nil {
		return "", err
	}
	t.value, t.at = value, now()
	return value, nil
}

// Token gives the security token in force (токен безопасности): from the
// cache, or by GET /info/settings/token/ (1.1 of the protocol). The calls of
// this package do it by themselves.
func (c *Client) Token(ctx context.Context) (string, error) { return c.currentToken(ctx, "") }

func (c *Client) currentToken(ctx context.Context, refused string) (string, error) {
	value, err := c.token.get(ctx, c.now, refused, c.fetchToken)
	if err != nil && ctx.Err() != nil {
		return "", c.notSent("settings/token", err)
	}
	return value, err
}

// fetchToken asks for the token. The documentation shows an array of one, the
// service's own modules read an object.
func (c *Client) fetchToken(ctx context.Context) (string, error) {
	const op = "settings/token"
	body, err := c.info(ctx, op, "/info/settings/token/", nil, acquiring.ErrUnauthorized)
	if err != nil {
		return "", err
	}
	r, err := c.one(op, body)
	if err != nil {
		return "", err
	}
	token := r.text("token")
	if token == "" {
		e := c.fault(op, acquiring.ErrUnauthorized, "the answer holds no security token")
		e.Outcome = acquiring.OutcomeRejected
		e.Hint = hintLogin
		return "", e
	}
	return token, nil
}

// ServiceToken asks for a token of one of PayKeeper's further services (GET
// /info/settings/service-token): a JWT for the catalogue of goods, say. No
// other call needs it.
func (c *Client) ServiceToken(ctx context.Context, service, user string) (string, error) {
	const op = "settings/service-token"
	var q fields
	q.add("service", service)
	q.add("user", user)
	body, err := c.info(ctx, op, "/info/settings/service-token", q, acquiring.ErrInvalid)
	if err != nil {
		return "", err
	}
	r, err := c.one(op, body)
	if err != nil {
		return "", err
	}
	return r.need("token")
}

// OrganizationSettings reads the merchant's settings (GET
// /info/organization/settings/). Their names are not published: the answer is
// given as it came.
func (c *Client) OrganizationSettings(ctx context.Context) (json.RawMessage, error) {
	return c.info(ctx, "organization/settings", "/info/organization/settings/", nil, acquiring.ErrInvalid)
}
