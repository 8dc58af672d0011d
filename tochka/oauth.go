package tochka

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// OAuthConfig is what [OAuth] needs: an application registered in the internet
// bank («Зарегистрировать OAuth 2.0 приложение»).
type OAuthConfig struct {
	// Environment is acquiring.Production; the sandbox has no OAuth. Test is
	// for an emulator, with BaseURL set.
	Environment acquiring.Environment
	// BaseURL replaces https://enter.tochka.com/uapi, where consents are made:
	// with its path, or a bare scheme and host, to which /uapi is added.
	BaseURL string
	// OAuthURL replaces the scheme and host of /connect/…; "": those of
	// BaseURL.
	OAuthURL string

	// ClientID and ClientSecret are the application's; the secret is shown
	// once.
	ClientID, ClientSecret string
	// RedirectURL is the address registered with the application, letter for
	// letter. It must be https.
	RedirectURL string
	// Permissions of the consents; nil: DefaultPermissions.
	Permissions []Permission
	// Scopes of the tokens; nil: DefaultScopes.
	Scopes []string
	// ConsentLife limits new consents; 0: unlimited.
	ConsentLife time.Duration

	// Store keeps the tokens of the shops; nil: in memory, lost with the
	// process.
	Store TokenStore
	// RefreshBefore is how long before its end a token is renewed; 0: five
	// minutes.
	RefreshBefore time.Duration

	HTTPClient *http.Client // nil: one that trusts the Russian Trusted Root CA beside the system's
	Logger     *slog.Logger // nil: none
	// Observe is called for each attempt at a request, for metrics and traces.
	Observe acquiring.Observer
	Shop    string // label for logs
}

// String shows the OAuthConfig without its secret.
func (c OAuthConfig) String() string {
	return fmt.Sprintf("tochka.OAuthConfig{Environment:%s BaseURL:%s ClientID:%s ClientSecret:%s RedirectURL:%s Shop:%s}",
		c.Environment, c.BaseURL, c.ClientID, rest.Mask(c.ClientSecret), c.RedirectURL, c.Shop)
}

// GoString is String, for %#v.
func (c OAuthConfig) GoString() string { return c.String() }

// LogValue is the OAuthConfig in a log, without its secret.
func (c OAuthConfig) LogValue() slog.Value {
	return slog.GroupValue(slog.String("environment", c.Environment.String()), slog.String("base_url", c.BaseURL),
		slog.String("client_id", c.ClientID), slog.String("client_secret", rest.Mask(c.ClientSecret)),
		slog.String("redirect_url", c.RedirectURL), slog.String("shop", c.Shop))
}

// OAuth lets customers of the bank give an application access to their
// companies (section «OAuth 2.0»). The walk:
//
//	start, err := o.Begin(ctx)                    // client token, consent, state
//	// keep start.State in the user's session, send him to start.URL; he returns
//	code, err := o.Returned(r.URL.Query(), state) // refused? the error says so
//	err = o.Exchange(ctx, "school-7", code)       // tokens go to the Store
//	client, err := tochka.New(tochka.Config{TokenSource: o.TokenSource("school-7"), …})
//
// The code lives five minutes, an access token a day, a refresh token 30 days:
// a shop whose tokens lie longer unused must confirm again. It is safe for
// concurrent use.
type OAuth struct {
	conf    OAuthConfig
	rest    *rest.Client
	http    *http.Client // for x/oauth2: the calls go through rest
	connect string
	app     oauth2.Config
	store   TokenStore
	now     func() time.Time

	sem    chan struct{} // one client token at a time
	client *oauth2.Token
}

// NewOAuth checks the OAuthConfig. Every error is ErrInvalid and names the
// field.
func NewOAuth(conf OAuthConfig) (*OAuth, error) {
	o, err := newOAuth(conf)
	if err != nil {
		return nil, acquiring.InOp(provider, "NewOAuth", err)
	}
	return o, nil
}

func newOAuth(conf OAuthConfig) (*OAuth, error) {
	switch {
	case !conf.Environment.Valid():
		return nil, acquiring.Invalid("Config.Environment", "is not set; choose acquiring.Production, or acquiring.Test for an emulator")
	case conf.Environment == acquiring.Test && conf.BaseURL == "":
		return nil, acquiring.Invalid("Config.Environment", "is Test, but the bank's sandbox has no OAuth; use SandboxToken there")
	case conf.ClientID == "" || !headerSafe(conf.ClientID):
		return nil, acquiring.Invalid("Config.ClientID", "is empty or not printable ASCII; it is shown with the application")
	case conf.ClientSecret == "":
		return nil, acquiring.Invalid("Config.ClientSecret", "is empty; it is shown once, when the application is registered")
	case conf.RedirectURL == "":
		return nil, acquiring.Invalid("Config.RedirectURL", "is empty; give the address registered with the application")
	case conf.Environment == acquiring.Production && !strings.HasPrefix(conf.RedirectURL, "https://"):
		return nil, acquiring.Invalid("Config.RedirectURL", "is not https; the bank registers no other (https://127.0.0.1:8443/ passes for trials)")
	case conf.ConsentLife < 0:
		return nil, acquiring.Invalid("Config.ConsentLife", "is negative; a consent that has ended is refused")
	}
	for field, u := range map[string]string{"Config.RedirectURL": conf.RedirectURL, "Config.OAuthURL": conf.OAuthURL} {
		if err := acquiring.CheckURL(field, u); err != nil {
			return nil, err
		}
	}
	if conf.Permissions == nil {
		conf.Permissions = DefaultPermissions()
	}
	if err := checkPermissions("Config.Permissions", conf.Permissions); err != nil {
		return nil, err
	}
	if conf.Scopes == nil {
		conf.Scopes = DefaultScopes()
	}
	if conf.Store == nil {
		conf.Store = NewMemoryStore()
	}
	if conf.RefreshBefore <= 0 {
		conf.RefreshBefore = 5 * time.Minute
	}
	base, err := address(conf.BaseURL, acquiring.Production)
	if err != nil {
		return nil, err
	}
	connect := strings.TrimSuffix(conf.OAuthURL, "/")
	if connect == "" {
		connect = hostOf(base)
	}
	client, err := rest.New(rest.Options{Provider: provider, Shop: conf.Shop, BaseURL: base, HTTPClient: conf.HTTPClient,
		RussianRoots: true, Logger: conf.Logger, Observe: conf.Observe, Secrets: []string{conf.ClientSecret}})
	if err != nil {
		return nil, err
	}
	return &OAuth{conf: conf, rest: client, connect: connect, store: conf.Store, now: time.Now, sem: make(chan struct{}, 1),
		http: &http.Client{Transport: transport{client}},
		app: oauth2.Config{ClientID: conf.ClientID, ClientSecret: conf.ClientSecret, RedirectURL: conf.RedirectURL, Scopes: conf.Scopes,
			Endpoint: oauth2.Endpoint{AuthURL: connect + "/connect/authorize", TokenURL: connect + "/connect/token", AuthStyle: oauth2.AuthStyleInParams}}}, nil
}

// transport carries x/oauth2's requests through the library's own client: its
// certificates, limits, times and logs.
type transport struct{ rest *rest.Client }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	form, _ := url.ParseQuery(string(body))
	resp, err := t.rest.Do(r.Context(), rest.Call{Op: "connect/token", Method: r.Method, Path: r.URL.String(), Body: body,
		Secret:      form.Get("refresh_token") + form.Get("code"), // either
		ContentType: r.Header.Get("Content-Type"), Header: http.Header{"Accept": {"application/json"}}})
	if resp == nil {
		return nil, err
	}
	header := resp.Header
	if body := bytes.TrimSpace(resp.Body); len(body) > 0 && body[0] == '{' {
		// x/oauth2 takes JSON under another name for a form.
		header = header.Clone()
		header.Set("Content-Type", "application/json")
	}
	return &http.Response{StatusCode: resp.Status, Status: http.StatusText(resp.Status), Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(resp.Body)), ContentLength: int64(len(resp.Body)), Request: r}, nil
}

// via is the context that x/oauth2 finds the HTTP client in.
func (o *OAuth) via(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, o.http)
}

// Start is the beginning of an authorisation.
type Start struct {
	URL     string   // send the customer's browser here
	State   string   // keep it in his session, for Returned
	Consent *Consent // what he is asked for
}

// Begin makes a consent and the address at which the customer confirms it,
// with a random state.
func (o *OAuth) Begin(ctx context.Context) (*Start, error) {
	consent, err := o.CreateConsent(ctx, ConsentRequest{})
	if err != nil {
		return nil, err
	}
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails
	state := base64.RawURLEncoding.EncodeToString(b[:])
	return &Start{URL: o.AuthorizeURL(consent.ID, state), State: state, Consent: consent}, nil
}

// AuthorizeURL is the address at which the customer confirms a consent.
func (o *OAuth) AuthorizeURL(consentID, state string) string {
	u := o.app.AuthCodeURL(state, oauth2.SetAuthURLParam("consent_id", consentID))
	// The bank's own example has %20 in scope; a plus is a space in forms only.
	return strings.ReplaceAll(u, "+", "%20")
}

// Returned reads the query that the bank sent the customer back with. The
// state must be the one of his session: otherwise somebody else's answer is
// pushed on him, and the error is ErrSignature. A consent that was refused
// gives ErrDeclined.
func (o *OAuth) Returned(query url.Values, state string) (code string, err error) {
	const op = "Returned"
	fail := func(kind error, code, message, hint string) (string, error) {
		return "", &acquiring.Error{Provider: provider, Op: op, Kind: kind, Outcome: acquiring.OutcomeRejected, Code: o.clean(code), Message: o.clean(message), Hint: hint}
	}
	if state == "" || len(query["state"]) != 1 || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(state)) != 1 {
		return fail(acquiring.ErrSignature, "", "the state is not the one of this session", "begin the authorisation anew; the answer may belong to another session, or be pushed on the user")
	}
	if e := query.Get("error"); e != "" {
		words := query.Get("error_description")
		if words == "" {
			words = "the bank answered " + e
		}
		switch e {
		case "access_denied", "consent_rejected":
			return fail(acquiring.ErrDeclined, e, "the customer did not confirm the consent: "+words, "send him to a new address of Begin; without the consent the shop cannot be connected")
		case "invalid_redirect_uri", "invalid_request", "unauthorized_client", "invalid_scope":
			return fail(acquiring.ErrInvalid, e, words, "compare RedirectURL, ClientID and Scopes with the application registered in the internet bank, letter for letter")
		case "temporarily_unavailable", "server_error":
			return fail(acquiring.ErrUnavailable, e, words, "try again later")
		}
		return fail(acquiring.ErrDeclined, e, words, "begin the authorisation anew")
	}
	if code = query.Get("code"); code == "" {
		return fail(acquiring.ErrProtocol, "", "the bank sent neither a code nor an error", "begin the authorisation anew")
	}
	return code, nil
}

// clean is a foreign text fit for an error.
func (o *OAuth) clean(s string) string { return o.rest.Excerpt([]byte(s)) }

// Exchange turns the code into tokens and stores them under the account. The
// code lives five minutes and is good for one use.
func (o *OAuth) Exchange(ctx context.Context, account, code string) error {
	const op = "connect/token"
	switch {
	case account == "":
		return acquiring.InOp(provider, op, acquiring.Invalid("account", "is empty; give the shop's own name for this customer"))
	case code == "":
		return acquiring.InOp(provider, op, acquiring.Invalid("code", "is empty; take it from Returned"))
	}
	if err := ctx.Err(); err != nil {
		return o.fail(op, err, "")
	}
	// Once the code is used up its tokens must be stored, whatever becomes of
	// the caller.
	ctx = context.WithoutCancel(ctx)
	t, err := o.app.Exchange(o.via(ctx), code, oauth2.SetAuthURLParam("scope", strings.Join(o.conf.Scopes, " ")))
	if err != nil {
		return o.fail(op, err, "a code is good for one use and five minutes: begin the authorisation anew")
	}
	if t.RefreshToken == "" {
		return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, Message: "the bank gave no refresh token"}
	}
	if _, err = o.store.Update(ctx, account, func(*oauth2.Token) (*oauth2.Token, error) { return t, nil }); err != nil {
		return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown,
			Message: "the tokens could not be stored", Err: err, Hint: "begin the authorisation anew once the TokenStore works"}
	}
	return nil
}

// ClientToken is the application's own token (grant client_credentials), good
// for consents only. It is kept until it ends.
func (o *OAuth) ClientToken(ctx context.Context) (*oauth2.Token, error) {
	const op = "connect/token"
	select {
	case o.sem <- struct{}{}:
		defer func() { <-o.sem }()
	case <-ctx.Done():
		return nil, o.fail(op, ctx.Err(), "")
	}
	if t := o.client; t != nil && o.fresh(t) {
		return t, nil
	}
	conf := clientcredentials.Config{ClientID: o.conf.ClientID, ClientSecret: o.conf.ClientSecret, TokenURL: o.app.Endpoint.TokenURL,
		Scopes: o.conf.Scopes, AuthStyle: oauth2.AuthStyleInParams}
	t, err := conf.Token(o.via(ctx))
	if err != nil {
		return nil, o.fail(op, err, "compare ClientID and ClientSecret with the application registered in the internet bank")
	}
	o.client = t
	return t, nil
}

// fresh says whether a token lives long enough to be used.
func (o *OAuth) fresh(t *oauth2.Token) bool {
	return t.AccessToken != "" && (t.Expiry.IsZero() || t.Expiry.Sub(o.now()) > o.conf.RefreshBefore)
}

// fail turns x/oauth2's errors into the library's. The answer's text stays
// out: it may hold tokens.
func (o *OAuth) fail(op string, err error, hint string) error {
	var known *acquiring.Error
	if errors.As(err, &known) {
		return acquiring.InOp(provider, op, known)
	}
	e := &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, Message: "the bank's answer holds no token"}
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response != nil:
		e.HTTPStatus = refused.Response.StatusCode
		if kind, outcome := rest.KindOfStatus(e.HTTPStatus); kind != nil {
			e.Kind, e.Outcome = kind, outcome
		}
		e.Code, e.Message = o.clean(refused.ErrorCode), o.clean(refused.ErrorDescription)
		if api := readError(o.rest, &rest.Response{Status: e.HTTPStatus, Body: refused.Body}); e.Message == "" {
			e.Message = o.clean(api.Error())
		}
		if e.Message == "" {
			e.Message = "the bank gave no token"
		}
		switch {
		case refused.ErrorCode == "invalid_grant", refused.ErrorCode == "invalid_client", e.HTTPStatus == 400 && refused.ErrorCode == "":
			e.Kind, e.Outcome, e.Hint = acquiring.ErrUnauthorized, acquiring.OutcomeRejected, hint
		case e.Outcome == acquiring.OutcomeRejected:
			e.Hint = hint
		}
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Outcome, e.Message, e.Err = acquiring.ErrUnavailable, acquiring.OutcomeNotSent, "the context ended before a token was had", err
	}
	return e
}

// Identity is what the bank says of an access token.
type Identity struct {
	Issuer       string   `json:"iss"`
	CustomerCode string   `json:"sub"`
	ClientID     audience `json:"aud"`
}

// audience is a claim that may be a text or a list of one.
type audience string

func (a *audience) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) == nil && len(list) > 0 {
		*a = audience(list[0])
		return nil
	}
	return json.Unmarshal(b, (*string)(a))
}

// Introspect asks whose token it is (/connect/introspect). The answer is a
// signed token itself, with a key that the bank does not publish: its claims
// are not verified, and come over TLS from the bank.
func (o *OAuth) Introspect(ctx context.Context, accessToken string) (*Identity, error) {
	call := rest.Call{Op: "connect/introspect", Method: http.MethodPost, Path: o.connect + "/connect/introspect", Repeatable: true, Secret: accessToken,
		ContentType: "application/x-www-form-urlencoded", Body: []byte(url.Values{"access_token": {accessToken}}.Encode())}
	resp, err := o.rest.Do(ctx, call)
	if err = classify(o.rest, call, resp, err); err != nil {
		return nil, hide(err, accessToken)
	}
	var id Identity
	if !id.read(resp.Body) {
		return nil, o.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer is not a token in a JSON string")
	}
	return &id, nil
}

func (id *Identity) read(body []byte) bool {
	var token string
	if json.Unmarshal(body, &token) != nil {
		return false
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Unmarshal(payload, id) == nil
}
