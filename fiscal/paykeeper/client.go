package paykeeper

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
)

const provider = "paykeeper"

const providerName = provider // for the method whose result is called provider

// DemoServer is PayKeeper's public demonstration; its login and its password
// are both "demo". It is the Server of the Test environment when none is given.
const DemoServer = "https://demo.paykeeper.ru"

// Defaults of Config.
const (
	DefaultSBPSystem       = "sbp_default"       // of SBPSystem: СБП on the payment page
	DefaultPrepaidField    = "sum_advance"       // of PrepaidField: зачёт аванса
	DefaultLookback        = 30 * 24 * time.Hour // of Lookback
	DefaultReceiptLookback = 3 * 24 * time.Hour  // of ReceiptLookback
	// TokenLifetime is how long a security token is used before a new one is
	// asked for: PayKeeper changes it every 24 hours.
	TokenLifetime = 23 * time.Hour
)

// Config is one merchant account at PayKeeper. What the documentation leaves
// open is a setting here, with the likeliest value as the default.
type Config struct {
	// Environment must be named. PayKeeper's test terminal, made by its
	// support, lives on the merchant's own host; see DemoServer too.
	Environment acquiring.Environment
	// Server is the merchant's own host: "https://lavka.server.paykeeper.ru",
	// or without "https://". Banks that resell PayKeeper have names of their own.
	Server  string
	BaseURL string // overrides Server: an emulator, a proxy

	User     string // login of the cabinet (логин)
	Password string // its password
	Secret   string // secret word of forms and notifications (секретное слово); not the password

	// PreviousSecret is what Secret was before: while it is being changed in
	// the cabinet, a notification signed with either is accepted, and answered
	// with the one that signed it. Forms are signed with Secret alone.
	PreviousSecret string

	// HTTPClient is the user's own; one that does not verify certificates is
	// ErrInvalid. nil: one of our own.
	HTTPClient   *http.Client
	RootCAs      []byte       // further roots in PEM, for a bank's own host
	RussianRoots bool         // trust the Russian Trusted Root CA too, for a bank's own host
	Logger       *slog.Logger // nil: nothing is logged
	// Observe is called for each attempt at a request, for metrics and traces.
	Observe acquiring.Observer
	Shop    string // a label for logs, errors and callback keys

	// Store keeps what PayKeeper does not: which refund, charge and receipt
	// was sent under which key, and which payments are held. nil: in the
	// memory of this process; then a restart forgets, and the client asks the
	// service more and refuses what it cannot tell apart.
	Store Store

	// TwoStage says that two-stage payments (двухстадийные платежи) are
	// switched on in the cabinet: every payment is held until Capture.
	TwoStage bool
	// HoldStatus is the status word of a held payment, if your installation
	// has one: the documentation knows none. With it the status alone tells
	// whether a payment is held.
	HoldStatus string

	CallbackURL string // the notification address set in the cabinet; InvoiceRequest.CallbackURL must be empty or this

	// TaxSystem, Seller and Cashier are as the cabinet has them: PayKeeper
	// takes them from its settings, and no request can say them. A receipt
	// that says something else is refused. TaxSystem 0 is not compared.
	TaxSystem fiscal.TaxSystem
	Seller    fiscal.Seller
	Cashier   fiscal.Cashier

	// ReceiptTypes are the words of receipt/print for the settlement types,
	// over the default "sale" and "refund". "refund" is not confirmed by the
	// documentation; purchases have no known word.
	ReceiptTypes map[fiscal.Settlement]string
	// PrepaidField is the sum that the set-off of a prepayment goes to
	// (зачёт аванса): "sum_advance", which "" is too, or "sum_cashless".
	PrepaidField string
	// Measures are the words of a line's measure; the units not in it are
	// sent as their number in the format of fiscal data: "11" is a kilogram.
	Measures map[fiscal.Unit]string
	// Correction allows correction receipts, and names their fields. nil: a
	// correction is refused, because the fields of its reason are not published.
	Correction *CorrectionFields

	SBPSystem string // payment system of СБП on the payment page (pstype); "" is "sbp_default"

	// Lookback is how far back invoices and payments are searched by their
	// order number; 0: 30 days. Give more than an invoice lives.
	Lookback time.Duration
	// ReceiptLookback is how far back a receipt is searched by its key before
	// it is printed, when there is no Store; 0: 3 days.
	ReceiptLookback time.Duration

	// Now is the clock; nil: time.Now. For tests.
	Now func() time.Time
}

// CorrectionFields are the names of receipt/print for the reason of a
// correction, as PayKeeper's support tells them. A part with an empty name is
// not sent: the zero value sends is_correction=true alone.
type CorrectionFields struct {
	Kind   string // тип коррекции (1173): "0" or "1" is sent
	Date   string // дата корректируемого расчёта (1178): YYYY-MM-DD is sent
	Number string // номер предписания (1179)
	Reason string // описание (1177)
}

// String hides the password and the secret word.
func (c Config) String() string {
	return fmt.Sprintf("paykeeper.Config{Environment:%s Server:%s User:%s Password:%s Secret:%s PreviousSecret:%s Shop:%s TwoStage:%t}",
		c.Environment, c.address(), c.User, rest.Mask(c.Password), rest.Mask(c.Secret), rest.Mask(c.PreviousSecret), c.Shop, c.TwoStage)
}

// GoString is String: %#v hides the secrets too.
func (c Config) GoString() string { return c.String() }

// LogValue hides the password and the secret word.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("environment", c.Environment.String()), slog.String("server", c.address()), slog.String("user", c.User),
		slog.String("password", rest.Mask(c.Password)), slog.String("secret", rest.Mask(c.Secret)),
		slog.String("previous_secret", rest.Mask(c.PreviousSecret)),
		slog.String("shop", c.Shop), slog.Bool("two_stage", c.TwoStage),
	)
}

// address is the base address of the account, "" when the Config names none.
func (c Config) address() string {
	address := c.Server
	if c.BaseURL != "" {
		address = c.BaseURL
	}
	if address == "" && c.Environment == acquiring.Test {
		address = DemoServer
	}
	if address != "" && !strings.Contains(address, "://") {
		address = "https://" + address
	}
	// Credentials put into the address would be shown in logs.
	if u, err := url.Parse(address); err == nil && u.User != nil {
		u.User = nil
		return u.String()
	}
	return address
}

func (c Config) check() error {
	switch {
	case !c.Environment.Valid():
		return acquiring.Invalid("Config.Environment", "is not set; say acquiring.Test or acquiring.Production")
	case c.address() == "":
		return acquiring.Invalid("Config.Server", "is empty; give the merchant's own host, https://<merchant>.server.paykeeper.ru")
	case c.User == "":
		return acquiring.Invalid("Config.User", "is empty; give the login of the cabinet")
	case strings.Contains(c.User, ":"):
		return acquiring.Invalid("Config.User", "holds a colon, which HTTP Basic cannot carry")
	case c.Password == "":
		return acquiring.Invalid("Config.Password", "is empty; give the password of the cabinet")
	case c.Secret == "":
		return acquiring.Invalid("Config.Secret", "is empty; give the secret word set beside the notifications, without it anybody could forge them")
	case strings.ContainsAny(c.Password, "\r\n"):
		return acquiring.Invalid("Config.Password", "has a line break; was it copied with one?")
	case strings.TrimSpace(c.Secret) != c.Secret:
		return acquiring.Invalid("Config.Secret", "begins or ends with a space or a line break; was it copied with one?")
	case strings.TrimSpace(c.PreviousSecret) != c.PreviousSecret:
		return acquiring.Invalid("Config.PreviousSecret", "begins or ends with a space or a line break; was it copied with one?")
	case c.Lookback < 0:
		return acquiring.Invalid("Config.Lookback", "is negative")
	case c.ReceiptLookback < 0:
		return acquiring.Invalid("Config.ReceiptLookback", "is negative")
	}
	switch c.PrepaidField {
	case "", "sum_advance", "sum_cashless":
	default:
		return acquiring.Invalid("Config.PrepaidField", `is neither "sum_advance" nor "sum_cashless"`)
	}
	return acquiring.CheckURL("Config.CallbackURL", c.CallbackURL)
}

// Client is one merchant account. It is the [fiscal.Register] and has a method
// for each call of the protocol; Acquirer gives its payments. It is safe for
// concurrent use.
type Client struct {
	cfg     Config
	rest    *rest.Client
	token   *tokenCache
	store   Store
	lasts   bool   // the store is the user's own, so it outlives the process
	self    string // tells this client's intents in the store from another's
	intents atomic.Uint64
	locks   *keyedLocks
	now     func() time.Time
	secret  []byte
	past    []byte // the secret word before, to check notifications with; nil: none

	// searchFinds says that the search of invoices has found one: until then
	// that it finds none is not believed.
	searchFinds atomic.Bool
}

// New checks the Config. A fault in it is an ErrInvalid whose Field is
// "Config.X"; nothing is sent.
func New(cfg Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, acquiring.InOp(provider, "New", err)
	}
	cfg.ReceiptTypes = maps.Clone(cfg.ReceiptTypes)
	cfg.Measures = maps.Clone(cfg.Measures)
	if cfg.Correction != nil {
		fields := *cfg.Correction
		cfg.Correction = &fields
	}
	if cfg.PrepaidField == "" {
		cfg.PrepaidField = DefaultPrepaidField
	}
	if cfg.SBPSystem == "" {
		cfg.SBPSystem = DefaultSBPSystem
	}
	if cfg.Lookback == 0 {
		cfg.Lookback = DefaultLookback
	}
	if cfg.ReceiptLookback == 0 {
		cfg.ReceiptLookback = DefaultReceiptLookback
	}
	basic := base64.StdEncoding.EncodeToString([]byte(cfg.User + ":" + cfg.Password))
	rc, err := rest.New(rest.Options{
		Provider: provider, Shop: cfg.Shop, BaseURL: cfg.address(),
		HTTPClient: cfg.HTTPClient, Roots: cfg.RootCAs, RussianRoots: cfg.RussianRoots,
		Logger: cfg.Logger, Observe: cfg.Observe, Secrets: []string{cfg.Password, cfg.Secret, cfg.PreviousSecret, basic},
	})
	if err != nil {
		return nil, acquiring.InOp(provider, "New", err)
	}
	c := &Client{cfg: cfg, rest: rc, token: newTokenCache(), store: cfg.Store, lasts: cfg.Store != nil,
		self: rand.Text(), locks: newKeyedLocks(), now: cfg.Now, secret: []byte(cfg.Secret), past: []byte(cfg.PreviousSecret)}
	if c.store == nil {
		c.store = NewMemoryStore(0)
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// String names the account and hides its secrets.
func (c *Client) String() string { return c.cfg.String() }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// Name is "paykeeper" and Config.Shop: see [acquiring.Named].
func (c *Client) Name() (provider, shop string) { return providerName, c.cfg.Shop }

// label begins the callback keys and the keys of the store.
func (c *Client) label() string {
	if c.cfg.Shop != "" {
		return c.cfg.Shop
	}
	return provider
}
