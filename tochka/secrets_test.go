package tochka

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// A token of the day is as secret as the JWT key: neither an error, nor the
// log, nor an observer sees it, whatever page gives it back.
func TestTokenOfTheDayIsNeverShown(t *testing.T) {
	c, source := connected(t)
	var log bytes.Buffer
	var seen []string
	client, err := New(Config{Environment: acquiring.Production, BaseURL: c.URL, TokenSource: source, CustomerCode: company,
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(_ context.Context, call acquiring.Call) {
			if call.Err != nil {
				seen = append(seen, call.Err.Error())
			}
		}})
	require.NoError(t, err)
	const token = "access-1"
	long := strings.Repeat("x", 190) + " " + strings.Repeat(token+" ", 20)
	c.answer(read, answer{status: 502, body: "<p>Bearer " + token + "</p>"}, answer{status: 502, body: long}, answer{status: 429, body: token}, answer{status: 200, body: token},
		answer{status: 200, body: `{"Data":{"Operation":"` + token + `"}}`}, answer{status: 200, body: `{"Data":{"Operation":[{"amount":"` + token + `"}]}}`}, answer{status: 418, body: token})
	c.answer(refund, answer{status: 502, body: "<p>Bearer " + token + "</p>"}, answer{status: 424, body: token})
	for range 7 {
		_, err := client.Operation(t.Context(), opID)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), token)
		_, err = client.RefundPayment(t.Context(), opID, 1)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), token)
	}
	assert.NotContains(t, log.String(), token)
	assert.NotContains(t, strings.Join(seen, "\n"), token)
	assert.NotEmpty(t, seen)
}

// Nor are the refresh token, the code and the application's own token shown.
func TestOAuthSecretsOfTheDayAreNeverShown(t *testing.T) {
	var log bytes.Buffer
	c := newConnect(t)
	o := c.oauth(func(c *OAuthConfig) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	require.NoError(t, o.Exchange(t.Context(), "a", "code-0"))
	refuse := func(status int, page string) {
		c.mu.Lock()
		c.refuse, c.refusal = status, page
		c.mu.Unlock()
	}
	refuse(502, "<p>refresh-1 "+oauthSecret+"</p>")
	_, err := o.TokenSource("a").Renew(t.Context(), "access-1")
	refuse(502, "code=code-1&client_secret="+url.QueryEscape(oauthSecret))
	errs := []error{err, o.Exchange(t.Context(), "a", "code-1")}
	refuse(0, "")
	c.answer(consents, answer{status: 502, body: "Bearer client-token-1"}, answer{status: 200, body: "client-token-1"})
	for range 2 {
		_, err = o.CreateConsent(t.Context(), ConsentRequest{})
		errs = append(errs, err)
	}
	c.answer("POST /connect/introspect", answer{status: 502, body: "access_token=access-9"})
	_, err = o.Introspect(t.Context(), "access-9")
	text := log.String()
	for _, err := range append(errs, err) {
		require.Error(t, err)
		text += err.Error()
	}
	for _, s := range []string{"refresh-1", "code-1", "client-token-1", "access-9", oauthSecret} {
		assert.NotContains(t, text, s, s)
	}
}
