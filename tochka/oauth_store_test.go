package tochka

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/acquiring-go/acquiring"
)

// inTransaction is a TokenStore as one over database/sql is: what was changed
// is rolled back when the context ends before it is committed.
type inTransaction struct{ TokenStore }

func (s inTransaction) Update(ctx context.Context, account string, change func(*oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.TokenStore.Update(ctx, account, func(current *oauth2.Token) (*oauth2.Token, error) {
		next, err := change(current)
		if err == nil {
			err = ctx.Err()
		}
		return next, err
	})
}

// The customer closes the page while his token is renewed: the old pair is
// dead, so the new one must be stored for the other programs all the same.
func TestRenewedTokensAreStoredThoughTheCallerIsGone(t *testing.T) {
	store := inTransaction{NewMemoryStore()}
	c, source := connected(t, func(c *OAuthConfig) { c.Store = store })
	c.delay = 200 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	_, _ = source.Renew(ctx, "access-1")
	saved, err := store.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "refresh-2", saved.RefreshToken)
	other := c.oauth(func(c *OAuthConfig) { c.Store = store }).TokenSource("a")
	_, err = other.Renew(t.Context(), "access-2")
	require.NoError(t, err, "another program has the good refresh token")

	// A caller that was gone before the refresh began asks for none.
	asked := c.refreshes()
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err = source.Renew(gone, "access-3")
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
	assert.Equal(t, asked, c.refreshes())
}

// The same of the code, which is good for one use.
func TestExchangedTokensAreStoredThoughTheCallerIsGone(t *testing.T) {
	store := inTransaction{NewMemoryStore()}
	c := newConnect(t)
	c.delay = 200 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	require.NoError(t, c.oauth(func(c *OAuthConfig) { c.Store = store }).Exchange(ctx, "a", "code"))
	saved, err := store.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "refresh-1", saved.RefreshToken)
}

// One who waits for another's refresh waits no longer than he wanted to.
func TestWaitingForARefreshEndsWithTheCaller(t *testing.T) {
	c, source := connected(t)
	release, err := source.oauth.store.(*memoryStore).locks.lock(t.Context(), "a")
	require.NoError(t, err)
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = source.Renew(ctx, "access-1")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
	assert.Zero(t, c.refreshes())
}

// The customer took his consent back and confirmed another one: the tokens that
// Exchange stored are used at once, not when the dead ones would have ended.
func TestNewConsentIsUsedAtOnce(t *testing.T) {
	c, source := connected(t)
	c.on(read, fixture(t, "operation.json"))
	client, err := New(Config{Environment: acquiring.Production, BaseURL: c.URL, TokenSource: source, CustomerCode: company})
	require.NoError(t, err)
	_, err = client.GetStatus(t.Context(), opID)
	require.NoError(t, err)
	require.NoError(t, source.oauth.Exchange(t.Context(), "a", "code-of-the-second-consent"))
	c.mu.Lock()
	c.bank.mu.Lock()
	c.bank.answers[read] = []answer{failure(403, "Forbidden by consent"), {status: 200, body: fixture(t, "operation.json")}}
	c.bank.mu.Unlock()
	c.mu.Unlock()
	_, err = client.GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.Equal(t, "Bearer access-2", c.last(read).header.Get("Authorization"))
	assert.Zero(t, c.refreshes(), "nothing is renewed for want of a permission")

	// A permission that lacks stays an error, asked once.
	c.answer("GET acquiring/v1.0/payments/y", failure(403, "Forbidden by consent"))
	_, err = client.GetStatus(t.Context(), "y")
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.Len(t, c.calls("GET acquiring/v1.0/payments/y"), 1)
}
