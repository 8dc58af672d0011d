package komtet

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// provider is the name in errors and logs.
const provider = "komtet"

// DefaultBaseURL is the service's only host.
const DefaultBaseURL = "https://kassa.komtet.ru"

// API is a version of the service's interface. The addresses and answers are
// the same; the receipt is not.
type API string

// The versions.
const (
	// APIByFFD goes by each receipt: fiscal.FFD105 is sent as version 1, any
	// other as version 2. It is the zero value.
	APIByFFD API = ""
	APIv1    API = "v1" // receipts in FFD 1.05
	APIv2    API = "v2" // receipts in FFD 1.2
)

// Config is what a Client needs. All credentials are in the cabinet,
// https://kassa.komtet.ru/manage/shops.
type Config struct {
	// Environment must be said, though the service has one host for both:
	// acquiring.Test means a shop with a queue of test registers in the
	// cabinet. A receipt printed on the wrong kind of fiscal storage is
	// logged as a warning.
	Environment acquiring.Environment
	// BaseURL overrides DefaultBaseURL: an emulator, a proxy. It is part of
	// what is signed: it must be the address that the service sees.
	BaseURL string

	ShopID  string // идентификатор магазина
	Secret  string // секретный ключ магазина
	QueueID int    // очередь: the set of cash registers that print

	// PreviousSecret is what Secret was before: while it is being changed in
	// the cabinet, a notification signed with either is accepted. Requests are
	// signed with Secret alone.
	PreviousSecret string

	// API is the version to speak; APIByFFD goes by the receipt.
	API API

	// CallbackURL is sent with each receipt as the address of its result, and
	// is what the result's signature is checked against: the public address,
	// byte for byte, as the service sees it, not as a proxy passes it on.
	// "": the addresses of the cabinet are called, if any.
	CallbackURL string
	// CallbackURLs are the further public addresses whose notifications are
	// ours: the success and failure addresses set in the cabinet, those of
	// courier orders.
	CallbackURLs []string

	// TaxSystem and Place stand in for Receipt.TaxSystem and
	// Receipt.Seller.Place where a receipt has none; the service needs both.
	TaxSystem fiscal.TaxSystem
	Place     string // место расчётов (1187): the address of the web shop's site

	Print     bool   // print on paper too
	PartnerID string // X-Partner-ID, issued by Komtet; optional

	// Location is the time zone of the cash registers, which say their time
	// without one; nil: Moscow (UTC+3).
	Location *time.Location

	// HTTPClient is the user's own; one that does not verify certificates is
	// ErrInvalid. nil: one of our own.
	HTTPClient *http.Client
	Timeout    time.Duration // of one attempt; 0: 30 seconds
	Logger     *slog.Logger  // nil: nothing is logged
	// Observe is called for each attempt at a request, for metrics and traces.
	Observe acquiring.Observer
	Shop    string // label for logs and errors
}

// String shows the config without its secret.
func (c Config) String() string {
	return fmt.Sprintf("komtet.Config{Environment: %s, BaseURL: %s, ShopID: %s, Secret: %s, PreviousSecret: %s, QueueID: %d, API: %s, Shop: %s}",
		c.Environment, c.BaseURL, c.ShopID, rest.Mask(c.Secret), rest.Mask(c.PreviousSecret), c.QueueID, c.API, c.Shop)
}

// GoString is String.
func (c Config) GoString() string { return c.String() }

// LogValue shows the config in a log without its secret.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("environment", c.Environment.String()), slog.String("base_url", c.BaseURL), slog.String("shop_id", c.ShopID),
		slog.String("secret", rest.Mask(c.Secret)), slog.String("previous_secret", rest.Mask(c.PreviousSecret)), slog.Int("queue_id", c.QueueID), slog.String("api", string(c.API)), slog.String("shop", c.Shop))
}

// validate names the first field at fault.
func (c Config) validate() error {
	bad := func(field, why string) error {
		return acquiring.InOp(provider, "New", acquiring.Invalid("Config."+field, why))
	}
	switch {
	case !c.Environment.Valid():
		return bad("Environment", "must be acquiring.Test or acquiring.Production")
	case c.ShopID == "":
		return bad("ShopID", "is empty: take it from the cabinet, https://kassa.komtet.ru/manage/shops")
	case strings.ContainsFunc(c.ShopID, notHeader):
		return bad("ShopID", "holds a space, a control or a non-ASCII character")
	case c.Secret == "":
		return bad("Secret", "is empty: take it from the cabinet, https://kassa.komtet.ru/manage/shops")
	case strings.TrimSpace(c.Secret) != c.Secret:
		return bad("Secret", "begins or ends with a space or a line break")
	case strings.TrimSpace(c.PreviousSecret) != c.PreviousSecret:
		return bad("PreviousSecret", "begins or ends with a space or a line break")
	case c.QueueID <= 0:
		return bad("QueueID", "must be the number of a queue in the cabinet")
	case c.API != APIByFFD && c.API != APIv1 && c.API != APIv2:
		return bad("API", "must be komtet.APIv1, komtet.APIv2 or empty")
	case c.CallbackURL != "" && !absolute(c.CallbackURL):
		return bad("CallbackURL", "is not an absolute http(s) address")
	case strings.ContainsFunc(c.PartnerID, notHeader):
		return bad("PartnerID", "holds a space, a control or a non-ASCII character")
	case c.Timeout < 0:
		return bad("Timeout", "is negative")
	}
	for i, u := range c.CallbackURLs {
		if !absolute(u) {
			return bad(fmt.Sprintf("CallbackURLs[%d]", i), "is not an absolute http(s) address")
		}
	}
	if c.TaxSystem != 0 {
		if _, ok := TaxSystemCode(c.TaxSystem); !ok {
			return bad("TaxSystem", "is not a tax system that Komtet knows")
		}
	}
	return nil
}

func notHeader(r rune) bool { return r <= ' ' || r > '~' }

func absolute(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && u.Fragment == ""
}

// Client speaks to Komtet Kassa for one shop. It is a fiscal.Register. It is
// safe for concurrent use.
type Client struct {
	cfg    Config
	rest   *rest.Client
	signer signer
	past   *signer  // of the secret before, to check notifications with; nil: none
	urls   []string // the public addresses of callbacks, each once
}

// New checks the config; its errors are acquiring.ErrInvalid with the field
// named. Nothing is sent.
func New(cfg Config) (*Client, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r, err := rest.New(rest.Options{
		Provider: provider, Shop: cfg.Shop, BaseURL: cfg.BaseURL, HTTPClient: cfg.HTTPClient,
		Logger: cfg.Logger, Observe: cfg.Observe, Secrets: []string{cfg.Secret, cfg.PreviousSecret}, Timeout: cfg.Timeout,
	})
	if err != nil {
		return nil, acquiring.InOp(provider, "New", err)
	}
	if cfg.Location == nil {
		cfg.Location = time.FixedZone("MSK", 3*60*60)
	}
	s, err := newSigner(cfg.Secret)
	if err != nil {
		return nil, acquiring.InOp(provider, "New", err)
	}
	c := &Client{cfg: cfg, rest: r, signer: s}
	if cfg.PreviousSecret != "" {
		past, err := newSigner(cfg.PreviousSecret)
		if err != nil {
			return nil, acquiring.InOp(provider, "New", err)
		}
		c.past = &past
	}
	seen := map[string]bool{"": true}
	for _, u := range append([]string{cfg.CallbackURL}, cfg.CallbackURLs...) {
		if !seen[u] {
			seen[u] = true
			c.urls = append(c.urls, u)
		}
	}
	return c, nil
}

// String shows the configuration without its secrets: printing a client, or a
// struct that holds one, gives nothing away.
func (c *Client) String() string { return "komtet.Client{" + c.cfg.String() + "}" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }
