package tochka

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// provider is the name in errors, logs and callback keys.
const provider = "tochka"

// Addresses of the bank, for Config.BaseURL and OAuthConfig.OAuthURL.
const (
	ProductionURL = "https://enter.tochka.com/uapi"       // the Open API
	SandboxURL    = "https://enter.tochka.com/sandbox/v2" // the sandbox: canned answers, nothing can be paid
	OAuthURL      = "https://enter.tochka.com"            // /connect/authorize, /connect/token, /connect/introspect
)

// SandboxToken is the sandbox's key (песочница): Config.Token of Environment
// acquiring.Test at the bank itself.
const SandboxToken = "sandbox.jwt.token"

// BankCode is the bank's own BIC (БИК).
const BankCode = "044525104"

// Config is what a [Client] needs. New checks it; its String, GoString and
// LogValue show no secret.
type Config struct {
	// Environment chooses the address; there is no default. Test is the bank's
	// sandbox (песочница), which has canned answers and no payment page.
	Environment acquiring.Environment
	// BaseURL replaces the environment's address: with /uapi or /sandbox/v2 at
	// its end, or a bare scheme and host, to which the environment's path is
	// added.
	BaseURL string

	// Token is the JWT key (JWT-ключ). One of Token and TokenSource is needed.
	Token string
	// TokenSource gives the OAuth access token: OAuth.TokenSource, or any
	// other. It is asked before each call, so it should keep its token.
	TokenSource oauth2.TokenSource
	// ClientID is the client_id shown with the JWT key, or the OAuth
	// application's: the webhooks hang on it. "": taken out of the JWT key.
	ClientID string

	// CustomerCode is the company's code (customerCode), nine characters, of a
	// company with customerType Business. It may be empty for discovery; the
	// methods that need it say so.
	CustomerCode string
	// MerchantID is the retail point (торговая точка, merchantId), 15 digits.
	// It must be set where the company has several that are in use.
	MerchantID string
	// SBPMerchantID is the SBP merchant (ТСП, MF and ten characters) and
	// AccountID the account (20 digits, slash, BIC) that CreateQR needs. "":
	// found at the bank, where there is one only.
	SBPMerchantID string
	AccountID     string

	// WebhookKey is the key that the bank signs its webhooks with: a JWK in
	// JSON, or a PUBLIC KEY or CERTIFICATE in PEM. "": the bank's own, which is
	// built in.
	// While the bank changes its key, give both: a JWK set ({"keys":[…]}), or
	// two blocks of PEM; a webhook signed with any of them is accepted.
	WebhookKey string
	// RefreshWebhookKey fetches the key anew from WebhookKeyURL when a
	// signature does not fit, at most once in five minutes, and once in half a
	// minute while that fails. It is not allowed together with a plain http
	// address in Production.
	RefreshWebhookKey bool
	// WebhookKeyURL is where the key is published; "":
	// /doc/openapi/static/keys/public at the host of BaseURL.
	WebhookKeyURL string
	// OneOffOnly promises that the shop has no subscriptions. Otherwise each
	// webhook about a card reads the operation back, because every charge of a
	// subscription is announced in the same words.
	OneOffOnly bool

	// Methods are the ways to pay of an invoice that names none; nil: all that
	// the retail point has.
	Methods []acquiring.Method
	// FindWithin is how far back an order number is looked for; 0: 31 days, the
	// longest life of a link. The bank has no search by order number.
	FindWithin time.Duration
	// Ledger remembers refunds, charges and QR codes by the shop's own keys,
	// which the bank does not have. nil: in memory, so that a key is known only
	// as long as the Client lives; see [Ledger].
	Ledger Ledger
	// RawAccountPath writes the slash of an account ID in an address as it is,
	// not as %2F. Reads try the other form by themselves.
	RawAccountPath bool

	// HTTPClient is the user's own; one that does not verify certificates is
	// ErrInvalid. nil: one that trusts the Russian Trusted
	// Root CA beside the system's roots, which the bank's host needs.
	HTTPClient *http.Client
	// Logger gets a line for each call; nil: none.
	Logger *slog.Logger
	// Observe is called for each attempt at a request, for metrics and traces.
	Observe acquiring.Observer
	// Shop labels logs, errors and callback keys where a program has several
	// shops; "": "tochka".
	Shop string
}

// String shows the Config without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("tochka.Config{Environment:%s BaseURL:%s Token:%s TokenSource:%t ClientID:%s CustomerCode:%s MerchantID:%s Shop:%s}",
		c.Environment, c.BaseURL, rest.Mask(c.Token), c.TokenSource != nil, c.ClientID, c.CustomerCode, c.MerchantID, c.Shop)
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is the Config in a log, without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("environment", c.Environment.String()), slog.String("base_url", c.BaseURL),
		slog.String("token", rest.Mask(c.Token)), slog.Bool("token_source", c.TokenSource != nil), slog.String("client_id", c.ClientID),
		slog.String("customer_code", c.CustomerCode), slog.String("merchant_id", c.MerchantID), slog.String("shop", c.Shop))
}

// Client takes payments at Tochka for one company. It is safe for concurrent
// use.
//
// It is an [acquiring.Acquirer], an [acquiring.Capturer], an
// [acquiring.Finder], an [acquiring.QRIssuer], an [acquiring.Charger], an
// [acquiring.Lister], an [acquiring.Checker] and an [acquiring.Named].
type Client struct {
	conf     Config
	rest     *rest.Client
	files    *rest.Client // the same, more patient: a document's first rendering takes its time
	tokens   tokens
	verifier *Verifier
	ledger   Ledger
	clientID string
	keyURL   string
	now      func() time.Time

	locks  keyedLocks // one at a time: refunds of a payment, charges of a subscription
	points pointCache
	keys   keyRefresh
	sbp    struct {
		sync.Mutex
		merchant, account string
	}
	ownerOnce sync.Once
	ownerMark string
}

// New checks the Config and makes a Client. Every error is ErrInvalid and
// names the field.
func New(conf Config) (*Client, error) {
	c, err := newClient(conf)
	if err != nil {
		return nil, acquiring.InOp(provider, "New", err)
	}
	return c, nil
}

func newClient(conf Config) (*Client, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	base, err := address(conf.BaseURL, conf.Environment)
	if err != nil {
		return nil, err
	}
	key := conf.WebhookKey
	if key == "" {
		key = BankKey
	}
	verifier, err := NewVerifier(key)
	if err != nil {
		e := acquiring.Invalid("Config.WebhookKey", "is neither a JWK of an RSA key, a set of these, nor a PUBLIC KEY in PEM")
		e.Err = err
		return nil, e
	}
	opt := rest.Options{Provider: provider, Shop: conf.Shop, BaseURL: base, HTTPClient: conf.HTTPClient,
		RussianRoots: true, Logger: conf.Logger, Observe: conf.Observe, Secrets: []string{conf.Token}}
	client, err := rest.New(opt)
	if err != nil {
		return nil, err
	}
	opt.Timeout, opt.Limit = filesTimeout, filesLimit
	files, err := rest.New(opt)
	if err != nil {
		return nil, err
	}
	c := &Client{conf: conf, rest: client, files: files, verifier: verifier, ledger: conf.Ledger, clientID: conf.ClientID, now: time.Now}
	if c.ledger == nil {
		c.ledger = NewMemoryLedger(0)
	}
	if c.clientID == "" {
		c.clientID = issuer(conf.Token)
	}
	if c.conf.FindWithin == 0 {
		c.conf.FindWithin = 31 * 24 * time.Hour
	}
	c.tokens = tokensOf(conf)
	if c.keyURL = conf.WebhookKeyURL; c.keyURL == "" {
		c.keyURL = hostOf(base) + "/doc/openapi/static/keys/public"
	}
	if conf.RefreshWebhookKey && conf.Environment == acquiring.Production && !strings.HasPrefix(c.keyURL, "https://") {
		return nil, acquiring.Invalid("Config.RefreshWebhookKey", "would take the key from an address without TLS; set WebhookKeyURL or WebhookKey")
	}
	return c, nil
}

// check is New's part that needs nothing else.
func (c Config) check() error {
	switch {
	case !c.Environment.Valid():
		return acquiring.Invalid("Config.Environment", "is not set; choose acquiring.Test or acquiring.Production")
	case c.Token == "" && c.TokenSource == nil:
		return acquiring.Invalid("Config.Token", "is empty; give the JWT key, or a TokenSource for OAuth 2.0")
	case c.Token != "" && c.TokenSource != nil:
		return acquiring.Invalid("Config.TokenSource", "is set beside Token; give one of them")
	case !headerSafe(c.Token):
		return acquiring.Invalid("Config.Token", "has spaces, line breaks or other than printable ASCII; copy the JWT key as one line")
	case !headerSafe(c.ClientID):
		return acquiring.Invalid("Config.ClientID", "has spaces or other than printable ASCII")
	case c.CustomerCode != "" && (len(c.CustomerCode) != 9 || !headerSafe(c.CustomerCode)):
		return acquiring.Invalid("Config.CustomerCode", "is not nine characters long; take customerCode of a Business company from Discover")
	case c.MerchantID != "" && (len(c.MerchantID) != 15 || !digits(c.MerchantID)):
		return acquiring.Invalid("Config.MerchantID", "is not 15 digits long; a code that begins with MF is an SBP merchant (Config.SBPMerchantID)")
	case len(c.SBPMerchantID) > 12 || !headerSafe(c.SBPMerchantID):
		return acquiring.Invalid("Config.SBPMerchantID", "is not twelve characters long (MF0000000001)")
	case c.AccountID != "" && !accountID(c.AccountID):
		return acquiring.Invalid("Config.AccountID", "is not an account and a BIC with a slash between: 40702810900000001234/044525104")
	case c.FindWithin < 0:
		return acquiring.Invalid("Config.FindWithin", "is negative")
	}
	for _, m := range c.Methods {
		if _, ok := modeOf(m); !ok {
			return acquiring.Invalid("Config.Methods", fmt.Sprintf("has %q, which the bank does not offer", m))
		}
	}
	return acquiring.CheckURL("Config.WebhookKeyURL", c.WebhookKeyURL)
}

// address is the API's, from BaseURL or the environment.
func address(base string, env acquiring.Environment) (string, error) {
	path := "/uapi"
	if env == acquiring.Test {
		path = "/sandbox/v2"
	}
	if base == "" {
		return OAuthURL + path, nil
	}
	if err := acquiring.CheckURL("Config.BaseURL", base); err != nil {
		return "", err
	}
	u, err := url.Parse(base)
	if err != nil || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return "", acquiring.Invalid("Config.BaseURL", "is not an absolute http(s) address without query")
	}
	base = strings.TrimSuffix(base, "/")
	if strings.TrimSuffix(u.Path, "/") == "" {
		return base + path, nil
	}
	return base, nil
}

// hostOf is the scheme and the host of an address.
func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	return u.Scheme + "://" + u.Host
}

// Name is the provider's name and the shop's label, for acquiring.Named.
func (c *Client) Name() (string, string) { return provider, c.conf.Shop }

// String names the client without its secrets.
func (c *Client) String() string { return "tochka.Client{" + c.conf.String() + "}" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// issuer is the client_id in a JWT key (its iss claim); "" where there is none.
// The key is not verified: it is our own.
func issuer(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &claims) != nil || !headerSafe(claims.Issuer) {
		return ""
	}
	return claims.Issuer
}

// company is the company that a call is for, or the error that none is set.
func (c *Client) company(op string) (string, error) {
	if c.conf.CustomerCode == "" {
		return "", acquiring.InOp(provider, op, acquiring.Invalid("Config.CustomerCode", "is empty; choose a company with Discover"))
	}
	return c.conf.CustomerCode, nil
}

// headerSafe says whether s is printable ASCII without spaces, fit for a
// header or a path.
func headerSafe(s string) bool {
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// accountID says whether s is an account with its BIC.
func accountID(s string) bool {
	account, bic, ok := strings.Cut(s, "/")
	return ok && len(account) == 20 && digits(account) && len(bic) == 9 && digits(bic)
}

// keyedLocks lets one caller at a time work on one payment.
type keyedLocks struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	sem   chan struct{}
	users int
}

// lock waits for the key; the returned func releases it.
func (k *keyedLocks) lock(ctx context.Context, key string) (func(), error) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyedLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = &keyedLock{sem: make(chan struct{}, 1)}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
		k.mu.Unlock()
	}
	// An ended context must not win over a free lock, nor lose to it.
	if err := ctx.Err(); err == nil {
		select {
		case l.sem <- struct{}{}:
			return func() { <-l.sem; leave() }, nil
		case <-ctx.Done():
		}
	}
	leave()
	return nil, &acquiring.Error{Provider: provider, Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeNotSent,
		Message: "the context ended before the request was sent", Err: ctx.Err()}
}
