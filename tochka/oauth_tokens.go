package tochka

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/oauth2"

	"github.com/acquiring-go/acquiring"
)

// AccountTokens gives the access token of one account and renews it in time:
// Config.TokenSource. However many ask at once, in however many processes over
// one TokenStore, one refresh is made. It is safe for concurrent use.
type AccountTokens struct {
	oauth   *OAuth
	account string
	sem     chan struct{}
	have    *oauth2.Token // guarded by sem
	unsaved *oauth2.Token // refreshed, but the store failed: guarded by sem
	used    string        // the refresh token that unsaved came for
}

var _ oauth2.TokenSource = (*AccountTokens)(nil)

// TokenSource is the tokens of an account that Exchange stored. Make one for
// each Client and keep it; several of them over one store are safe.
func (o *OAuth) TokenSource(account string) *AccountTokens {
	return &AccountTokens{oauth: o, account: account, sem: make(chan struct{}, 1)}
}

// Token is TokenContext without a context, for oauth2.TokenSource.
func (a *AccountTokens) Token() (*oauth2.Token, error) { return a.TokenContext(context.Background()) }

// TokenContext is a token that lives at least OAuthConfig.RefreshBefore
// longer. When the bank refuses to renew it, the error is ErrUnauthorized: the
// customer has to confirm again.
func (a *AccountTokens) TokenContext(ctx context.Context) (*oauth2.Token, error) {
	return a.get(ctx, "")
}

// Renew is another token than the stale one, which the bank refused before its
// time. If somebody has renewed it meanwhile, his is given.
func (a *AccountTokens) Renew(ctx context.Context, stale string) (*oauth2.Token, error) {
	return a.get(ctx, stale)
}

// Forget removes the account's tokens from the store.
func (a *AccountTokens) Forget(ctx context.Context) error {
	if err := a.enter(ctx); err != nil {
		return err
	}
	defer a.leave()
	a.have, a.unsaved = nil, nil
	_, err := a.oauth.store.Update(ctx, a.account, func(*oauth2.Token) (*oauth2.Token, error) { return nil, nil })
	return err
}

func (a *AccountTokens) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return a.oauth.fail("connect/token", err, "")
	}
	select {
	case a.sem <- struct{}{}:
		return nil
	case <-ctx.Done():
		return a.oauth.fail("connect/token", ctx.Err(), "")
	}
}

func (a *AccountTokens) leave() { <-a.sem }

func (a *AccountTokens) get(ctx context.Context, stale string) (*oauth2.Token, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.leave()
	good := func(t *oauth2.Token) bool { return t != nil && t.AccessToken != stale && a.oauth.fresh(t) }
	if good(a.have) {
		return a.have, nil
	}
	if a.unsaved == nil {
		// Reading needs no lock: whoever renewed has stored it.
		t, err := a.oauth.store.Load(ctx, a.account)
		if err != nil {
			return nil, a.storeError(err)
		}
		if good(t) {
			a.have = t
			return t, nil
		}
	}
	// The caller may wait no longer, until the refresh begins: then its pair
	// must be stored, whatever becomes of him.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stay := context.AfterFunc(ctx, cancel)
	defer stay()
	t, err := a.oauth.store.Update(work, a.account, func(current *oauth2.Token) (*oauth2.Token, error) {
		switch {
		case a.unsaved != nil && (current == nil || current.RefreshToken == a.used):
			if good(a.unsaved) {
				return a.unsaved, nil
			}
			current = a.unsaved
		case current == nil:
			return nil, ErrNoTokens
		case good(current):
			return current, nil
		}
		if stay(); ctx.Err() != nil {
			return nil, a.oauth.fail("connect/token", ctx.Err(), "")
		}
		fresh, err := a.oauth.refresh(ctx, current)
		if err != nil {
			return nil, err
		}
		// The old pair is dead from here on, whatever the store says.
		a.unsaved, a.used = fresh, current.RefreshToken
		return fresh, nil
	})
	if err != nil {
		if over := ctx.Err(); over != nil && errors.Is(err, context.Canceled) && !errors.Is(err, over) {
			return nil, a.oauth.fail("connect/token", over, "") // work ended because he did
		}
		return nil, a.storeError(err)
	}
	if t == nil {
		return nil, a.storeError(ErrNoTokens)
	}
	a.have, a.unsaved = t, nil
	return t, nil
}

// stored is another token than the refused one, if the store has one: of a
// consent that the customer confirmed since. "": there is none.
func (a *AccountTokens) stored(ctx context.Context, refused string) string {
	if a.enter(ctx) != nil {
		return ""
	}
	defer a.leave()
	if a.unsaved != nil {
		return ""
	}
	t, err := a.oauth.store.Load(ctx, a.account)
	if err != nil || t == nil || t.AccessToken == refused || !a.oauth.fresh(t) {
		return ""
	}
	a.have = t
	return t.AccessToken
}

// refresh gets a new pair for the refresh token.
func (o *OAuth) refresh(ctx context.Context, old *oauth2.Token) (*oauth2.Token, error) {
	const again = "the customer has to confirm the consent again (OAuth.Begin): a refresh token lives 30 days and is good for one use"
	if old.RefreshToken == "" {
		return nil, &acquiring.Error{Provider: provider, Op: "connect/token", Kind: acquiring.ErrUnauthorized, Outcome: acquiring.OutcomeNotSent,
			Message: "there is no refresh token", Hint: again}
	}
	// Once it has left, the pair must be waited for: the caller's haste would
	// lose it.
	t, err := o.app.TokenSource(o.via(context.WithoutCancel(ctx)), &oauth2.Token{RefreshToken: old.RefreshToken}).Token()
	if err != nil {
		err = o.fail("connect/token", err, again)
		var e *acquiring.Error
		if errors.As(err, &e) && e.Outcome == acquiring.OutcomeUnknown && e.Hint == "" {
			known := *e
			known.Hint = "the refresh token may be used up: if the next refresh is refused, " + again
			err = &known
		}
		return nil, hideTokens(err, old)
	}
	return t, nil
}

func hideTokens(err error, t *oauth2.Token) error {
	return hide(hide(err, t.RefreshToken), t.AccessToken)
}

// storeError is an error of the store, or of the refresh within it.
func (a *AccountTokens) storeError(err error) error {
	var e *acquiring.Error
	if errors.As(err, &e) {
		return err
	}
	known := &acquiring.Error{Provider: provider, Op: "connect/token", Outcome: acquiring.OutcomeNotSent, Err: err}
	if errors.Is(err, ErrNoTokens) {
		known.Kind, known.Message = acquiring.ErrUnauthorized, fmt.Sprintf("there are no tokens of account %q", a.account)
		known.Hint = "let the customer confirm the consent: OAuth.Begin, then Exchange"
		return known
	}
	known.Kind, known.Message = acquiring.ErrUnavailable, "the TokenStore failed"
	return known
}
