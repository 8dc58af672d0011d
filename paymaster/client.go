package paymaster

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// provider is the name in errors, logs and callback keys.
const provider = "paymaster"

// DefaultURL is the one host of both generations, in test and in production.
const DefaultURL = "https://paymaster.ru"

// DefaultSearchPeriod is Config.SearchPeriod unless it is set.
const DefaultSearchPeriod = 30 * 24 * time.Hour

// Config is what a [Client] of the REST API v2 needs. New checks it; its
// String, GoString and LogValue show no secret.
type Config struct {
	// Environment: acquiring.Test sends testMode with every invoice, payment
	// and token; acquiring.Production refuses test payments wherever it meets
	// one. The host is the same. There is no default.
	Environment acquiring.Environment
	// BaseURL replaces [DefaultURL]: scheme and host, without /api/v2. The same
	// platform runs under other names (psp.paymaster24.com, ecom.runpay.md).
	BaseURL string
	// MerchantID is the shop's number (Идентификатор, merchantId), a UUID.
	MerchantID string
	// Token is the token of the API (токен), sent as Bearer.
	Token string

	// Currency is the only one that the shop takes; "" is RUB.
	Currency string
	// CallbackSecret is an unguessable part of the callback address (an
	// element of its path), 8 to 128 letters, digits, - and _, or "". With it,
	// VerifyCallback refuses a notification that came to another address
	// (ErrSignature) before it asks PayMaster. It must be in
	// InvoiceRequest.CallbackURL, or that is ErrInvalid.
	CallbackSecret string
	// PreviousCallbackSecret is what CallbackSecret was before: invoices that
	// were issued with it notify the old address. Take it away when the last
	// of them is paid or expired.
	PreviousCallbackSecret string
	// SearchPeriod is how far back FindByOrder looks: the API cannot search by
	// the order's number, the list of the period is read. 0:
	// DefaultSearchPeriod.
	SearchPeriod time.Duration
	// TokenType is what InvoiceRequest.SaveCard asks for: "recurring" (charged
	// without the customer, the default) or "cof" (one-click with him).
	TokenType string
	// AcceptTest lets a client of acquiring.Production accept test payments:
	// for a shop that tries its live installation. Take it away again.
	AcceptTest bool

	// HTTPClient is the user's own; one that does not verify certificates is
	// ErrInvalid. nil: one of ours.
	HTTPClient *http.Client
	// RootCAs are further roots in PEM, where HTTPClient is nil.
	RootCAs []byte
	// Logger gets a line for each call; nil: none.
	Logger *slog.Logger
	// Observe is called for each attempt at a request, for metrics and traces.
	Observe acquiring.Observer
	// Shop labels logs, errors and callback keys where a program has several
	// shops; "": "paymaster".
	Shop string
}

// String shows the Config without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("paymaster.Config{Environment:%s BaseURL:%s MerchantID:%s Token:%s CallbackSecret:%s PreviousCallbackSecret:%s Shop:%s}",
		c.Environment, c.BaseURL, c.MerchantID, rest.Mask(c.Token), rest.Mask(c.CallbackSecret), rest.Mask(c.PreviousCallbackSecret), c.Shop)
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is the Config in a log, without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("environment", c.Environment.String()), slog.String("base_url", c.BaseURL),
		slog.String("merchant", c.MerchantID), slog.String("token", rest.Mask(c.Token)),
		slog.String("callback_secret", rest.Mask(c.CallbackSecret)),
		slog.String("previous_callback_secret", rest.Mask(c.PreviousCallbackSecret)), slog.String("shop", c.Shop))
}

// Client takes payments by the REST API v2 for one merchant. It is safe for
// concurrent use.
//
// It is an [acquiring.Acquirer], an [acquiring.Capturer], an
// [acquiring.Canceler], an [acquiring.Finder], an [acquiring.QRIssuer], an
// [acquiring.Charger], an [acquiring.Lister], an [acquiring.Checker] and an
// [acquiring.Named].
type Client struct {
	conf Config
	rest *rest.Client
	auth []string // the header's value
	now  func() time.Time
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
	switch {
	case !conf.Environment.Valid():
		return nil, acquiring.Invalid("Config.Environment", "is not set; choose acquiring.Test or acquiring.Production")
	case !word(conf.MerchantID):
		return nil, acquiring.Invalid("Config.MerchantID", "is empty or has other than letters, digits and hyphens; take the shop's number from the cabinet's list of sites")
	case conf.Token == "":
		return nil, acquiring.Invalid("Config.Token", "is empty; issue a token in the cabinet")
	case !printable(conf.Token) || strings.Contains(conf.Token, " "):
		return nil, acquiring.Invalid("Config.Token", "has spaces or other than printable ASCII; was it copied with a line break?")
	case conf.TokenType != "" && conf.TokenType != TokenRecurring && conf.TokenType != TokenOneClick:
		return nil, acquiring.Invalid("Config.TokenType", `is neither "recurring" nor "cof"`)
	case conf.SearchPeriod < 0:
		return nil, acquiring.Invalid("Config.SearchPeriod", "is negative")
	case conf.CallbackSecret != "" && !pathSecret(conf.CallbackSecret):
		return nil, acquiring.Invalid("Config.CallbackSecret", "is shorter than 8 characters, or has other than letters, digits, - and _")
	case conf.PreviousCallbackSecret != "" && conf.CallbackSecret == "":
		return nil, acquiring.Invalid("Config.PreviousCallbackSecret", "is set without CallbackSecret; it is only the one before that")
	case conf.PreviousCallbackSecret != "" && !pathSecret(conf.PreviousCallbackSecret):
		return nil, acquiring.Invalid("Config.PreviousCallbackSecret", "is shorter than 8 characters, or has other than letters, digits, - and _")
	}
	if err := checkCurrency(conf.Currency); err != nil {
		return nil, err
	}
	base, err := baseURL(conf.BaseURL)
	if err != nil {
		return nil, err
	}
	r, err := rest.New(rest.Options{Provider: provider, Shop: conf.Shop, BaseURL: base, HTTPClient: conf.HTTPClient,
		Roots: conf.RootCAs, Logger: conf.Logger, Observe: conf.Observe, Secrets: []string{conf.Token, conf.CallbackSecret, conf.PreviousCallbackSecret}})
	if err != nil {
		return nil, err
	}
	return &Client{conf: conf, rest: r, auth: []string{"Bearer " + conf.Token}, now: time.Now}, nil
}

// pathSecret says whether a secret can stand in the path of an address.
func pathSecret(s string) bool { return len(s) >= 8 && word(s) }

// Name is "paymaster" and Config.Shop.
func (c *Client) Name() (name, shop string) { return provider, c.conf.Shop }

// Types of a saved card or account (tokenization.type).
const (
	TokenRecurring = "recurring" // charged by the shop without the customer
	TokenOneClick  = "cof"       // credential on file: one-click, the customer is there
)

// currency is the shop's.
func currency(conf string) string {
	if conf == "" {
		return "RUB"
	}
	return strings.ToUpper(conf)
}

func checkCurrency(code string) error {
	if c := currency(code); len(c) != 3 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return acquiring.Invalid("Config.Currency", "is not three letters of ISO 4217")
	}
	return nil
}

// baseURL is the scheme and the host, whatever path of the provider's the user
// copied behind them.
func baseURL(given string) (string, error) {
	if given == "" {
		return DefaultURL, nil
	}
	if err := acquiring.CheckURL("Config.BaseURL", given); err != nil {
		return "", err
	}
	u, err := url.Parse(given)
	if err != nil || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return "", acquiring.Invalid("Config.BaseURL", "is not an absolute http(s) address without query")
	}
	for _, tail := range []string{"/", "/api/v2", "/api/v1", "/payment/init"} {
		u.Path = strings.TrimSuffix(u.Path, tail)
	}
	return u.String(), nil
}

// word says whether s has only letters, digits, hyphens and underscores.
func word[T string | []byte](s T) bool {
	if len(s) == 0 || len(s) > 128 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// printable says whether s is printable ASCII.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// String names the client; it shows no secret.
func (c *Client) String() string { return "paymaster.Client{" + c.conf.String() + "}" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }
