package tochkatest

import (
	"crypto/subtle"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// grant is what a token allows.
type grant struct {
	app         *App // nil: a JWT key or the sandbox
	clientID    string
	customers   []string
	permissions []string
	consent     *consent // nil: a client's own token, or a key
	expires     time.Time
	user        string
}

// code is an authorisation code.
type code struct {
	app      *App
	consent  *consent
	redirect string
	state    string
	expires  time.Time
	used     bool
}

type refreshToken struct {
	grant   *grant
	expires time.Time
	used    bool
}

// OAuthStats count what happened at /connect/token.
type OAuthStats struct {
	ClientTokens int // client_credentials
	Exchanges    int // codes for tokens
	Refreshes    int
	Reuses       int // of refresh tokens that were used already
	Refused      int // all requests that were answered with an error
}

// OAuthStats are the counts so far.
func (s *Server) OAuthStats() OAuthStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.oauth
}

// readAll reads a body that is in memory already.
func readAll(r *http.Request) []byte {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	return b
}

// bearer is the token of the Authorization header.
func bearer(r *http.Request) (string, bool) {
	kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(kind, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return "", false
	}
	return token, true
}

// authorise looks at the token: 401 without one, 403 for one that is unknown
// or may not do this. The lock is held.
func (c *call) authorise() *refusal {
	token, ok := bearer(c.r)
	if !ok {
		return no(http.StatusUnauthorized, "Unauthorized", "Authorization header is missing or malformed")
	}
	if c.sandbox {
		if token != SandboxToken && token != "working_token" {
			return forbidden()
		}
		c.grant = &grant{clientID: "sandbox", customers: []string{boxCustomer}}
		return nil
	}
	now := c.base.Clock.Now()
	for _, k := range c.keys {
		if subtle.ConstantTimeCompare([]byte(k.Token), []byte(token)) != 1 {
			continue
		}
		if !k.Expires.IsZero() && !now.Before(k.Expires) || c.route.client {
			return forbidden()
		}
		c.grant = &grant{clientID: k.ClientID, customers: k.Customers, permissions: k.Permissions}
		return c.permitted()
	}
	g := c.access[token]
	switch {
	case g == nil:
		return forbidden()
	case !now.Before(g.expires):
		f := no(c.opt.expiredStatus, "Unauthorized", "Token is expired")
		if c.opt.expiredStatus == http.StatusForbidden {
			return forbidden()
		}
		return f
	}
	c.grant = g
	if c.route.client {
		return nil
	}
	if g.consent == nil || g.consent.status != "Authorised" || g.consent.over(now) {
		return forbidden()
	}
	return c.permitted()
}

func (c *call) permitted() *refusal {
	for _, p := range c.route.permissions {
		if slices.Contains(c.grant.permissions, p) {
			return nil
		}
	}
	return forbidden()
}

// oauthError answers an error of /connect/*.
func (s *Server) oauthError(w http.ResponseWriter, status int, word, description string) {
	if s.opt.oauthEnvelope {
		s.refuse(w, no(status, wrong, "%s: %s", word, description))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(nil, object{{"error", word}, {"error_description", description}}, false))
}

// form reads a form that is urlencoded or multipart. What stands in the query
// as well is not looked at.
func form(r *http.Request) url.Values {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		if r.ParseMultipartForm(1<<20) != nil {
			return url.Values{}
		}
		return url.Values(r.MultipartForm.Value)
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
		return url.Values{}
	}
	return r.PostForm
}

// token is POST /connect/token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		s.refuse(w, unknownMethod())
		return
	}
	f := form(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(status int, word, description string) {
		s.oauth.Refused++
		s.oauthError(w, status, word, description)
	}
	if t, troubled := s.takeTrouble(OpToken); troubled {
		s.refuse(w, t.refusal())
		return
	}
	app := s.app(f.Get("client_id"))
	if app == nil || subtle.ConstantTimeCompare([]byte(app.ClientSecret), []byte(f.Get("client_secret"))) != 1 {
		fail(http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	switch f.Get("grant_type") {
	case "client_credentials":
		if words := scopeFault(f.Get("scope")); words != "" {
			fail(http.StatusBadRequest, "invalid_scope", words)
			return
		}
		s.oauth.ClientTokens++
		g := &grant{app: app, clientID: app.ClientID, expires: s.base.Clock.Now().Add(s.opt.accessLife)}
		s.answerToken(w, object{{"token_type", "bearer"}, {"access_token", s.newToken(g)}, {"expires_in", seconds(s.opt.accessLife)}})
	case "authorization_code":
		c := s.codes[f.Get("code")]
		switch {
		case c == nil || c.app != app || c.used || !s.base.Clock.Now().Before(c.expires):
			fail(http.StatusBadRequest, "invalid_grant", "The code is unknown, expired or was used already")
			return
		case c.redirect != f.Get("redirect_uri"):
			fail(http.StatusBadRequest, "invalid_grant", "redirect_uri is not that of the authorisation")
			return
		}
		c.used = true
		s.oauth.Exchanges++
		s.answerPair(w, s.grantOf(c.consent, app), c.state)
	case "refresh_token":
		t := s.refresh[f.Get("refresh_token")]
		now := s.base.Clock.Now()
		switch {
		case t == nil || t.grant.app != app || !now.Before(t.expires):
			fail(http.StatusBadRequest, "invalid_grant", "The refresh token is unknown or expired")
			return
		case t.used:
			s.oauth.Reuses++
			if s.opt.revokeOnReuse {
				s.killTokens(t.grant.consent)
			}
			fail(http.StatusBadRequest, "invalid_grant", "The refresh token was used already")
			return
		case t.grant.consent.status != "Authorised" || t.grant.consent.over(now):
			fail(http.StatusBadRequest, "invalid_grant", "The consent is revoked or expired")
			return
		}
		t.used = true
		s.oauth.Refreshes++
		s.answerPair(w, s.grantOf(t.grant.consent, app), nil)
	default:
		fail(http.StatusBadRequest, "unsupported_grant_type", "grant_type is not supported")
	}
}

func (s *Server) app(clientID string) *App {
	for _, a := range s.apps {
		if a.ClientID == clientID {
			return a
		}
	}
	return nil
}

var scopes = strings.Fields("accounts balances customers statements sbp payments acquiring cards special openid offline_access")

func scopeFault(scope string) string {
	if strings.TrimSpace(scope) == "" {
		return "scope is required"
	}
	for _, word := range strings.Fields(scope) {
		if !slices.Contains(scopes, word) {
			return "unknown scope " + word
		}
	}
	return ""
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// newToken makes an access token: 32 letters and digits.
func (s *Server) newToken(g *grant) string {
	t := s.mixed(32)
	s.access[t] = g
	return t
}

// mixed is a random text of letters in both cases and digits.
func (s *Server) mixed(n int) string {
	b := []byte(s.base.IDs.Letters(n))
	for i := range b {
		if b[i] >= 'A' && s.base.IDs.IntN(2) == 0 {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

func (s *Server) grantOf(c *consent, app *App) *grant {
	return &grant{app: app, clientID: app.ClientID, customers: c.customers, permissions: c.permissions, consent: c,
		expires: s.base.Clock.Now().Add(s.opt.accessLife), user: c.user}
}

// answerPair gives an access token and a refresh token that was never used.
func (s *Server) answerPair(w http.ResponseWriter, g *grant, state any) {
	next := s.mixed(32)
	s.refresh[next] = &refreshToken{grant: g, expires: s.base.Clock.Now().Add(s.opt.refreshLife)}
	s.answerToken(w, object{{"access_token", s.newToken(g)}, {"refresh_token", next}, {"token_type", "bearer"},
		{"expires_in", seconds(s.opt.accessLife)}, {"state", state}, {"user_id", g.user}})
}

func (s *Server) answerToken(w http.ResponseWriter, o object) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(encode(nil, o, false))
}

// killTokens ends all tokens of a consent; the lock is held.
func (s *Server) killTokens(c *consent) {
	for t, g := range s.access {
		if g.consent == c {
			delete(s.access, t)
		}
	}
	for _, t := range s.refresh {
		if t.grant.consent == c {
			t.used = true
		}
	}
}

// introspect is POST /connect/introspect: a JSON text with a token inside whose
// payload has line breaks.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		s.refuse(w, unknownMethod())
		return
	}
	token := form(r).Get("access_token")
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.access[token]
	if g == nil || !s.base.Clock.Now().Before(g.expires) {
		s.oauthError(w, http.StatusBadRequest, "invalid_token", "The token is unknown or expired")
		return
	}
	subject := g.clientID
	if len(g.customers) > 0 {
		subject = g.customers[0]
	}
	payload := "{\n  \"iss\": \"enter.tochka.com\",\n  \"sub\": " + string(quote(nil, subject, true)) + ",\n  \"aud\": " + string(quote(nil, g.clientID, true)) + "\n}"
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(quote(nil, s.signer.sign([]byte(payload)), false))
}
