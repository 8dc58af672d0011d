package tochka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/acquiring-go/acquiring"
)

const (
	tokenCall = "POST /connect/token"
	consents  = "POST consent/v1.0/consents"
)

const consented = `{"Data":{"status":"AwaitingAuthorisation","creationDateTime":"2026-09-01T08:15:02.115480+00:00",
  "statusUpdateDateTime":"2026-09-01T08:15:02.115498+00:00","permissions":["ReadCustomerData"],
  "consentId":"9a1f4e52-6b3c-4d27-8e10-5c7f2b9d0a61","applicationName":"crm-example","clientId":"crm_app"},
 "Links":{"self":"https://enter.tochka.com/uapi/consent/v1.0/consents"},"Meta":{"totalPages":1}}`

// connect is a bank whose tokens are numbered and whose refresh tokens are good
// for one use.
type connect struct {
	*bank
	mu      sync.Mutex
	forms   []url.Values
	live    string // the refresh token that is good
	n       int
	life    int
	delay   time.Duration
	refuse  int // a status
	refusal string
	lose    bool
}

func newConnect(t testing.TB) *connect {
	c := &connect{bank: newBank(t), life: 86400}
	c.always = c.token
	return c
}

func (c *connect) token(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/connect/token" {
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	_ = r.ParseForm()
	time.Sleep(c.delay)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forms = append(c.forms, r.PostForm)
	if c.refuse != 0 {
		w.WriteHeader(c.refuse)
		_, _ = w.Write([]byte(c.refusal))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.PostForm.Get("grant_type") == "client_credentials" {
		_, _ = w.Write([]byte(`{"token_type":"bearer","access_token":"client-token-1","expires_in":86400}`))
		return
	}
	if old := r.PostForm.Get("refresh_token"); r.PostForm.Get("grant_type") == "refresh_token" && old != c.live {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"refresh token ` + old + ` is dead"}`))
		return
	}
	c.n++
	c.live = fmt.Sprint("refresh-", c.n)
	if c.lose {
		panic(http.ErrAbortHandler)
	}
	_, _ = fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":"%s","token_type":"bearer","expires_in":%d,"state":null,"user_id":"1f0e2d3c"}`, c.n, c.live, c.life)
}

func (c *connect) refreshes() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.forms {
		if f.Get("grant_type") == "refresh_token" {
			n++
		}
	}
	return n
}

const oauthSecret = "the+application's/secret"

func (c *connect) conf(change ...func(*OAuthConfig)) OAuthConfig {
	conf := OAuthConfig{Environment: acquiring.Test, BaseURL: c.URL, ClientID: "crm_app", ClientSecret: oauthSecret, RedirectURL: "https://crm.example.com/tochka/callback"}
	for _, f := range change {
		f(&conf)
	}
	return conf
}

func (c *connect) oauth(change ...func(*OAuthConfig)) *OAuth {
	c.t.Helper()
	o, err := NewOAuth(c.conf(change...))
	require.NoError(c.t, err)
	return o
}

const scopes = "accounts balances customers statements sbp payments acquiring"

func TestOAuthWalkIsAsInTheManual(t *testing.T) {
	c := newConnect(t)
	c.on(consents, consented)
	o := c.oauth(func(c *OAuthConfig) {
		c.Permissions = []Permission{ReadCustomerData, ReadAccountsBasic, ReadAcquiringData, MakeAcquiringOperation, ManageWebhookData}
	})
	consent, err := o.CreateConsent(t.Context(), ConsentRequest{ExpiresAt: At(time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC))})
	require.NoError(t, err)
	assert.Equal(t, "9a1f4e52-6b3c-4d27-8e10-5c7f2b9d0a61", consent.ID)
	assert.Equal(t, ConsentAwaiting, consent.Status)
	got := c.last(consents)
	assert.JSONEq(t, fixture(t, "consent.json"), got.body)
	assert.Equal(t, "Bearer client-token-1", got.header.Get("Authorization"))
	assert.Equal(t, url.Values{"client_id": {"crm_app"}, "client_secret": {oauthSecret}, "grant_type": {"client_credentials"}, "scope": {scopes}}, c.forms[0])
	assert.Empty(t, c.last(tokenCall).query, "the secret stands in the body and nowhere else")
	assert.Empty(t, c.last(tokenCall).header.Get("Authorization"))
	assert.Equal(t, "application/x-www-form-urlencoded", c.last(tokenCall).header.Get("Content-Type"))

	start, err := o.Begin(t.Context())
	require.NoError(t, err)
	assert.Len(t, c.forms, 1, "the client token is kept")
	u, err := url.Parse(start.URL)
	require.NoError(t, err)
	assert.Equal(t, c.URL+"/connect/authorize", u.Scheme+"://"+u.Host+u.Path)
	assert.Equal(t, url.Values{"client_id": {"crm_app"}, "response_type": {"code"}, "state": {start.State}, "redirect_uri": {"https://crm.example.com/tochka/callback"},
		"scope": {scopes}, "consent_id": {"9a1f4e52-6b3c-4d27-8e10-5c7f2b9d0a61"}}, u.Query())
	assert.NotContains(t, start.URL, "+")
	assert.GreaterOrEqual(t, len(start.State), 24)

	code, err := o.Returned(url.Values{"code": {"the-code"}, "state": {start.State}}, start.State)
	require.NoError(t, err)
	require.NoError(t, o.Exchange(t.Context(), "school-7", code))
	assert.Equal(t, url.Values{"client_id": {"crm_app"}, "client_secret": {oauthSecret}, "grant_type": {"authorization_code"}, "scope": {scopes},
		"code": {"the-code"}, "redirect_uri": {"https://crm.example.com/tochka/callback"}}, c.forms[1])

	c.on(read, fixture(t, "operation.json"))
	client, err := New(Config{Environment: acquiring.Production, BaseURL: c.URL, TokenSource: o.TokenSource("school-7"), CustomerCode: company})
	require.NoError(t, err)
	_, err = client.GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.Equal(t, "Bearer access-1", c.last(read).header.Get("Authorization"))
	assert.Equal(t, company, c.last(read).header.Get("CustomerCode"))
	_, err = o.TokenSource("nobody").Token()
	require.ErrorIs(t, err, ErrNoTokens)
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
}

func TestExpiredTokenIsRefreshedOnceByTenCalls(t *testing.T) {
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			c := newConnect(t)
			c.life, c.delay = 60, 50*time.Millisecond // less than RefreshBefore: expired at once
			o := c.oauth(func(c *OAuthConfig) { c.Store = store })
			require.NoError(t, o.Exchange(t.Context(), "a", "code"))
			c.mu.Lock()
			c.life = 86400
			c.mu.Unlock()
			c.on(read, fixture(t, "operation.json"))
			// Ten calls through two programs over one store.
			clients := make([]*Client, 2)
			for i := range clients {
				other := c.oauth(func(c *OAuthConfig) { c.Store = store })
				var err error
				clients[i], err = New(Config{Environment: acquiring.Production, BaseURL: c.URL, TokenSource: other.TokenSource("a"), CustomerCode: company})
				require.NoError(t, err)
			}
			var wg sync.WaitGroup
			for i := range 10 {
				wg.Go(func() {
					_, err := clients[i%2].GetStatus(context.Background(), opID)
					assert.NoError(t, err)
				})
			}
			wg.Wait()
			assert.Equal(t, 1, c.refreshes())
			for _, a := range c.calls(read) {
				assert.Equal(t, "Bearer access-2", a.header.Get("Authorization"))
			}
			saved, err := store.Load(t.Context(), "a")
			require.NoError(t, err)
			assert.Equal(t, "refresh-2", saved.RefreshToken)
			assert.Equal(t, url.Values{"client_id": {"crm_app"}, "client_secret": {oauthSecret}, "grant_type": {"refresh_token"}, "refresh_token": {"refresh-1"}}, c.forms[1])
		})
	}
}

func stores(t testing.TB) map[string]TokenStore {
	file, err := NewFileStore(filepath.Join(t.TempDir(), "tokens"))
	require.NoError(t, err)
	return map[string]TokenStore{"memory": NewMemoryStore(), "file": file}
}

func TestTokenStores(t *testing.T) {
	ctx := t.Context()
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			_, err := s.Load(ctx, "shop/7 ё")
			require.ErrorIs(t, err, ErrNoTokens)
			at := time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC)
			_, err = s.Update(ctx, "shop/7 ё", func(old *oauth2.Token) (*oauth2.Token, error) {
				assert.Nil(t, old)
				return &oauth2.Token{AccessToken: "a", RefreshToken: "r", TokenType: "bearer", Expiry: at}, nil
			})
			require.NoError(t, err)
			got, err := s.Load(ctx, "shop/7 ё")
			require.NoError(t, err)
			assert.Equal(t, "a r", got.AccessToken+" "+got.RefreshToken)
			assert.True(t, at.Equal(got.Expiry))
			_, err = s.Load(ctx, "SHOP/7 ё")
			require.ErrorIs(t, err, ErrNoTokens)
			no := errors.New("no")
			_, err = s.Update(ctx, "shop/7 ё", func(*oauth2.Token) (*oauth2.Token, error) { return nil, no })
			require.ErrorIs(t, err, no)
			var inside, most atomic.Int32
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					_, err := s.Update(ctx, "shop/7 ё", func(old *oauth2.Token) (*oauth2.Token, error) {
						most.Store(max(most.Load(), inside.Add(1)))
						time.Sleep(2 * time.Millisecond)
						inside.Add(-1)
						next := *old
						next.AccessToken += "+"
						return &next, nil
					})
					assert.NoError(t, err)
				})
			}
			wg.Wait()
			assert.EqualValues(t, 1, most.Load())
			got, _ = s.Load(ctx, "shop/7 ё")
			assert.Equal(t, "a++++++++", got.AccessToken)
			_, err = s.Update(ctx, "shop/7 ё", func(*oauth2.Token) (*oauth2.Token, error) { return nil, nil })
			require.NoError(t, err)
			_, err = s.Load(ctx, "shop/7 ё")
			require.ErrorIs(t, err, ErrNoTokens)
			_, err = s.Update(ctx, "shop/7 ё", func(*oauth2.Token) (*oauth2.Token, error) { return nil, nil })
			require.NoError(t, err, "gone already")
			over, cancel := context.WithCancel(ctx)
			cancel()
			_, err = s.Update(over, "x", func(*oauth2.Token) (*oauth2.Token, error) { return nil, nil })
			require.ErrorIs(t, err, context.Canceled)
		})
	}
	_, err := NewFileStore("")
	require.Error(t, err)
}

func TestFileStoreKeepsItsFilesToItself(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokens")
	s, err := NewFileStore(dir)
	require.NoError(t, err)
	_, err = s.Update(t.Context(), "../../etc/passwd", func(*oauth2.Token) (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "a"}, nil })
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
		assert.True(t, strings.HasPrefix(e.Name(), "account-"), e.Name())
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "account-b.json"), []byte("{"), 0o600))
	_, err = s.Load(t.Context(), "b")
	require.ErrorContains(t, err, "damaged")
	_, err = s.Update(t.Context(), "b", func(*oauth2.Token) (*oauth2.Token, error) { return nil, nil })
	require.ErrorContains(t, err, "damaged")
	// Another program holds the lock.
	release, err := lockFile(t.Context(), filepath.Join(dir, "account-c.json.lock"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	_, err = s.Update(ctx, "c", func(*oauth2.Token) (*oauth2.Token, error) { return nil, nil })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	release()
}

func connected(t *testing.T, change ...func(*OAuthConfig)) (*connect, *AccountTokens) {
	c := newConnect(t)
	o := c.oauth(change...)
	require.NoError(t, o.Exchange(t.Context(), "a", "code"))
	return c, o.TokenSource("a")
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	c, source := connected(t)
	c.answer(read, failure(401, "expired")).on(read, fixture(t, "operation.json"))
	client, err := New(Config{Environment: acquiring.Production, BaseURL: c.URL, TokenSource: source, CustomerCode: company})
	require.NoError(t, err)
	_, err = client.GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.Equal(t, "Bearer access-2", c.last(read).header.Get("Authorization"))

	c.answer("GET acquiring/v1.0/payments/x", failure(401, "no access-2 no access-3"))
	_, err = client.GetStatus(t.Context(), "x")
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.Len(t, c.calls("GET acquiring/v1.0/payments/x"), 2)
	assert.Equal(t, 2, c.refreshes())
	for _, s := range []string{"access-2", "access-3"} {
		assert.NotContains(t, err.Error(), s, "a token of the day is a secret too")
	}

	c.answer("GET acquiring/v1.0/payments/y", failure(403, "Forbidden by consent"))
	_, err = client.GetStatus(t.Context(), "y")
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.Equal(t, 2, c.refreshes(), "403 is a permission that lacks, not a token")
	client.now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	_, err = client.GetStatus(t.Context(), "y")
	require.Error(t, err)
	assert.Equal(t, 3, c.refreshes(), "unless the token is past its time")
}

func TestRefreshThatTheBankRefuses(t *testing.T) {
	c, source := connected(t)
	c.mu.Lock()
	c.live = "used up"
	c.mu.Unlock()
	_, err := source.Renew(t.Context(), "access-1")
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	e := asError(t, err)
	assert.Contains(t, e.Hint, "confirm the consent again")
	assert.Equal(t, acquiring.OutcomeRejected, e.Outcome)
	for _, s := range []string{"refresh-1", oauthSecret, "access-1"} {
		assert.NotContains(t, err.Error(), s)
	}
	client, err := New(Config{Environment: acquiring.Production, BaseURL: c.URL, TokenSource: source, CustomerCode: company})
	require.NoError(t, err)
	source.have = nil
	source.oauth.now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	_, err = client.Refund(t.Context(), back("k", 1))
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome, "without a token nothing left")
}

func TestRefreshWhoseAnswerWasLost(t *testing.T) {
	c, source := connected(t)
	c.mu.Lock()
	c.lose = true
	c.mu.Unlock()
	_, err := source.Renew(t.Context(), "access-1")
	e := asError(t, err)
	assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
	assert.Contains(t, e.Hint, "may be used up")
	assert.Equal(t, 1, c.refreshes(), "never repeated by itself")
}

// The pair that came is kept though the store failed, and stored later: the
// old one is dead.
type failingStore struct {
	TokenStore
	fail atomic.Bool
}

func (s *failingStore) Update(ctx context.Context, account string, change func(*oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	if !s.fail.Load() {
		return s.TokenStore.Update(ctx, account, change)
	}
	current, err := s.Load(ctx, account)
	if err != nil {
		return nil, err
	}
	if _, err := change(current); err != nil {
		return nil, err
	}
	return nil, errors.New("disk full")
}

func TestRefreshThatCouldNotBeStored(t *testing.T) {
	store := &failingStore{TokenStore: NewMemoryStore()}
	c, source := connected(t, func(c *OAuthConfig) { c.Store = store })
	store.fail.Store(true)
	for range 2 {
		_, err := source.Renew(t.Context(), "access-1")
		require.ErrorContains(t, err, "disk full")
		require.ErrorIs(t, err, acquiring.ErrUnavailable)
	}
	store.fail.Store(false)
	got, err := source.Renew(t.Context(), "access-1")
	require.NoError(t, err)
	assert.Equal(t, "access-2", got.AccessToken)
	assert.Equal(t, 1, c.refreshes())
	saved, err := store.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "refresh-2", saved.RefreshToken)
	require.NoError(t, source.Forget(t.Context()))
	_, err = source.Token()
	require.ErrorIs(t, err, ErrNoTokens)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = source.TokenContext(over)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
}

func TestReturnedExplains(t *testing.T) {
	o := newConnect(t).oauth()
	for name, tt := range map[string]struct {
		query string
		kind  error
		says  string
	}{
		"refused":           {"error=access_denied&state=s", acquiring.ErrDeclined, "did not confirm the consent"},
		"refused in words":  {"error=access_denied&error_description=User+said+no&state=s", acquiring.ErrDeclined, "User said no"},
		"another address":   {"error=invalid_redirect_uri&state=s", acquiring.ErrInvalid, "letter for letter"},
		"bank down":         {"error=server_error&state=s", acquiring.ErrUnavailable, "later"},
		"unknown":           {"error=odd&state=s", acquiring.ErrDeclined, "odd"},
		"another state":     {"code=x&state=t", acquiring.ErrSignature, "another session"},
		"no state":          {"code=x", acquiring.ErrSignature, "state"},
		"two states":        {"code=x&state=s&state=t", acquiring.ErrSignature, "state"},
		"nothing":           {"state=s", acquiring.ErrProtocol, "neither a code nor an error"},
		"refused elsewhere": {"error=access_denied&state=t", acquiring.ErrSignature, "state"},
	} {
		q, err := url.ParseQuery(tt.query)
		require.NoError(t, err)
		_, err = o.Returned(q, "s")
		require.ErrorIs(t, err, tt.kind, name)
		assert.Contains(t, err.Error(), tt.says, name)
	}
	_, err := o.Returned(url.Values{"state": {""}, "code": {"x"}}, "")
	require.ErrorIs(t, err, acquiring.ErrSignature, "an empty state is none")
}

func TestExchangeRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		kind   error
	}{
		"OAuth's words":    {400, `{"error":"invalid_grant","error_description":"code is used"}`, acquiring.ErrUnauthorized},
		"the bank's words": {400, failure(400, "code is used").body, acquiring.ErrUnauthorized},
		"the secret":       {401, `{"error":"invalid_client","error_description":"bad ` + oauthSecret + `"}`, acquiring.ErrUnauthorized},
		"a page":           {502, `<html>bad gateway</html>`, acquiring.ErrUnavailable},
		"no token":         {200, `{"token_type":"bearer"}`, acquiring.ErrProtocol},
		"no refresh token": {200, `{"access_token":"a","token_type":"bearer"}`, acquiring.ErrProtocol},
		"not JSON":         {200, `hello`, acquiring.ErrProtocol},
	} {
		c := newConnect(t)
		c.refuse, c.refusal = tt.status, tt.body
		err := c.oauth().Exchange(t.Context(), "a", "the-code")
		require.ErrorIs(t, err, tt.kind, name)
		for _, s := range []string{oauthSecret, "the-code"} {
			assert.NotContains(t, err.Error(), s, name)
		}
		asError(t, err)
	}
	o := newConnect(t).oauth()
	assert.Equal(t, "account", asError(t, o.Exchange(t.Context(), "", "x")).Field)
	assert.Equal(t, "code", asError(t, o.Exchange(t.Context(), "a", "")).Field)
	c := newConnect(t)
	store := &failingStore{TokenStore: NewMemoryStore()}
	store.fail.Store(true)
	o = c.oauth(func(c *OAuthConfig) { c.Store = store })
	require.Error(t, o.Exchange(t.Context(), "a", "x"))
}

func TestConsentShapes(t *testing.T) {
	one := `{"status":"Authorised","consentId":"c-1","permissions":["ReadBalances"],"isValid":true}`
	for name, data := range map[string]string{"object": one, "Consent object": `{"Consent":` + one + `}`, "Consent list": `{"Consent":[` + one + `]}`} {
		c := newConnect(t)
		c.on(consents, `{"Data":`+data+`}`)
		got, err := c.oauth().CreateConsent(t.Context(), ConsentRequest{})
		require.NoError(t, err, name)
		assert.Equal(t, "c-1", got.ID, name)
		require.NoError(t, got.Explain())
	}
	c := newConnect(t)
	c.on(consents, `{"Data":{"Consent":[]}}`)
	_, err := c.oauth().CreateConsent(t.Context(), ConsentRequest{})
	require.ErrorIs(t, err, acquiring.ErrProtocol)

	// The tutorial's address where the other is not there.
	c = newConnect(t)
	c.on("POST v1.0/consents", consented)
	_, err = c.oauth().CreateConsent(t.Context(), ConsentRequest{})
	require.NoError(t, err)
	var body struct{ Data map[string]json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(c.last("POST v1.0/consents").body), &body))
	assert.Len(t, body.Data, 1, "without a term it is unlimited")

	c.on("GET consent/v1.0/consents", `{"Data":{"Consent":[`+one+`]}}`).on("GET consent/v1.0/consents/c-1", `{"Data":`+one+`}`).on("GET consent/v1.0/consents/c-1/child", `{"Data":{"Consent":[{"consentId":"c-2","customerCode":"300777001"}]}}`)
	o := c.oauth(func(c *OAuthConfig) { c.ConsentLife = time.Hour })
	list, err := o.Consents(t.Context(), company)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	assert.Equal(t, company, c.last("GET consent/v1.0/consents").header.Get("customer-code"))
	got, err := o.Consent(t.Context(), "c-1")
	require.NoError(t, err)
	assert.Equal(t, "c-1", got.ID)
	children, err := o.ChildConsents(t.Context(), "c-1")
	require.NoError(t, err)
	assert.Equal(t, company, children[0].CustomerCode)
	_, err = o.CreateConsent(t.Context(), ConsentRequest{})
	require.NoError(t, err)
	assert.Contains(t, c.last("POST v1.0/consents").body, "expirationDateTime")
	_, err = o.CreateConsent(t.Context(), ConsentRequest{ExpiresAt: At(time.Now().Add(-time.Hour))})
	assert.Equal(t, "ExpiresAt", asError(t, err).Field)
	_, err = o.CreateConsent(t.Context(), ConsentRequest{Permissions: []Permission{"EditAcquiringData"}})
	assert.Equal(t, "Permissions", asError(t, err).Field)
	c.answer("GET consent/v1.0/consents/c-9", failure(401, "client-token-1 is old"))
	_, err = o.Consent(t.Context(), "c-9")
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.NotContains(t, err.Error(), "client-token-1")
	assert.Nil(t, o.client, "a refused client token is not kept")
	no := Bool(false)
	for _, tt := range []struct {
		c    Consent
		kind error
	}{{Consent{Status: ConsentAwaiting}, acquiring.ErrUnauthorized}, {Consent{Status: ConsentRejected}, acquiring.ErrDeclined}, {Consent{Status: ConsentRevoked}, acquiring.ErrUnauthorized},
		{Consent{Status: "odd"}, acquiring.ErrUnauthorized}, {Consent{Status: ConsentAuthorised, IsValid: &no}, acquiring.ErrUnauthorized}} {
		require.ErrorIs(t, tt.c.Explain(), tt.kind)
	}
}

func TestIntrospect(t *testing.T) {
	c := newConnect(t)
	token := "h." + b64.EncodeToString([]byte("{\n  \"iss\": \"enter.tochka.com\",\n  \"sub\": \"309876543\",\n  \"aud\": [\"app\"]\n}")) + ".s"
	c.on("POST /connect/introspect", `"`+token+`"`, `"x"`, `{}`)
	o := c.oauth()
	id, err := o.Introspect(t.Context(), "the-token")
	require.NoError(t, err)
	assert.Equal(t, "309876543", id.CustomerCode)
	assert.EqualValues(t, "app", id.ClientID)
	assert.Equal(t, "access_token=the-token", c.last("POST /connect/introspect").body)
	for range 2 {
		_, err = o.Introspect(t.Context(), "the-token")
		require.ErrorIs(t, err, acquiring.ErrProtocol)
	}
	c.answer("POST /connect/introspect", answer{status: 200, body: "1"}, failure(403, "the-token is odd"))
	_, _ = o.Introspect(t.Context(), "the-token")
	_, err = o.Introspect(t.Context(), "the-token")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "the-token is")
}

func TestOAuthConfig(t *testing.T) {
	c := newConnect(t)
	for field, change := range map[string]func(*OAuthConfig){
		"Config.Environment":  func(c *OAuthConfig) { c.BaseURL = "" },
		"Config.ClientID":     func(c *OAuthConfig) { c.ClientID = "" },
		"Config.ClientSecret": func(c *OAuthConfig) { c.ClientSecret = "" },
		"Config.RedirectURL":  func(c *OAuthConfig) { c.Environment, c.RedirectURL = acquiring.Production, "http://localhost:8000/" },
		"Config.Permissions":  func(c *OAuthConfig) { c.Permissions = []Permission{"ReadCustomers"} },
		"Config.OAuthURL":     func(c *OAuthConfig) { c.OAuthURL = "x" },
		"Config.ConsentLife":  func(c *OAuthConfig) { c.ConsentLife = -1 },
		"Config.BaseURL":      func(c *OAuthConfig) { c.BaseURL = "x" },
	} {
		_, err := NewOAuth(c.conf(change))
		require.ErrorIs(t, err, acquiring.ErrInvalid, field)
		assert.Equal(t, field, asError(t, err).Field)
	}
	_, err := NewOAuth(c.conf(func(c *OAuthConfig) { c.Environment = 0 }))
	assert.Equal(t, "Config.Environment", asError(t, err).Field)
	conf := c.conf()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", conf)
	for _, s := range []string{fmt.Sprint(conf), fmt.Sprintf("%#v", conf), log.String()} {
		assert.NotContains(t, s, oauthSecret)
		assert.Contains(t, s, "crm_app")
	}
	o, err := NewOAuth(OAuthConfig{Environment: acquiring.Production, ClientID: "a", ClientSecret: "b", RedirectURL: "https://127.0.0.1:8443/callback"})
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(o.AuthorizeURL("c", "s"), "https://enter.tochka.com/connect/authorize?"))
}

type plainSource struct{ tokens []string }

func (p *plainSource) Token() (*oauth2.Token, error) {
	if len(p.tokens) == 0 {
		return nil, errors.New("no more")
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return &oauth2.Token{AccessToken: t}, nil
}

func TestAnyTokenSourceWillDo(t *testing.T) {
	b := newBank(t).answer(read, failure(401, "old")).on(read, fixture(t, "operation.json"))
	source := &plainSource{[]string{"one", "two", "bad token"}}
	c := b.client(func(c *Config) { c.Token, c.TokenSource = "", source })
	_, err := c.GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.Equal(t, "Bearer two", b.last(read).header.Get("Authorization"))
	for range 2 {
		_, err = c.GetStatus(t.Context(), opID)
		require.ErrorIs(t, err, acquiring.ErrUnauthorized)
		assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
		assert.NotContains(t, err.Error(), "bad token")
	}
}

func queryOf(t *testing.T, address string) url.Values {
	t.Helper()
	_, q, _ := strings.Cut(address, "?")
	values, err := url.ParseQuery(q)
	require.NoError(t, err)
	return values
}
