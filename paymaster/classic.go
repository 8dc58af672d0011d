package paymaster

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// Hash is the kind of signature (тип подписи) that the site has in the cabinet.
// A notification does not name it, so there is no default.
type Hash uint8

const (
	// MD5 is what most modules are set to.
	MD5 Hash = iota + 1
	// SHA1 is SHA-1.
	SHA1
	// SHA256 is SHA-256: the one to choose.
	SHA256
)

// String is "MD5", "SHA1" or "SHA256", as the cabinet has it.
func (h Hash) String() string {
	switch h {
	case MD5:
		return "MD5"
	case SHA1:
		return "SHA1"
	case SHA256:
		return "SHA256"
	}
	return "unset"
}

// Start is how ClassicClient.CreateInvoice makes the address of the payment
// page.
type Start uint8

const (
	// StartLink puts the fields into the address: no call is made. The buyer
	// can edit it, so compare the sum of the notification with the order's
	// (webhook.Expect, or ClassicConfig.SignKey).
	StartLink Start = iota
	// StartServer sends the fields to /payment/init and takes the address that
	// it redirects to: short, and whoever pays does not see the fields.
	StartServer
	// StartBuiltin calls /BuiltinPayment/initonly (встроенные платежи), signed
	// with the secret key. The site needs the permission.
	StartBuiltin
)

// SimMode is how a site in test mode simulates payments (LMI_SIM_MODE).
type SimMode uint8

const (
	SimDefault SimMode = iota // not sent: all succeed
	SimSuccess                // 0: all succeed
	SimFail                   // 1: all fail
	SimMost                   // 2: about 80 % succeed
)

// ClassicConfig is what a [ClassicClient] needs: MerchantID, SecretKey and Hash
// to take payments, Login and Password besides to ask for them and to refund.
// NewClassic checks it; its String, GoString and LogValue show no secret.
type ClassicConfig struct {
	// Environment says whether the site is in test or in working mode
	// (Тестовый/Рабочий режим); the host is the same. A client of
	// acquiring.Production refuses notifications of test payments, one of
	// acquiring.Test takes both. There is no default.
	Environment acquiring.Environment
	// BaseURL replaces [DefaultURL]: scheme and host.
	BaseURL string
	// RESTURL replaces the address of the REST API v1, BaseURL with /api/v1;
	// older installations have /partners/rest.
	RESTURL string

	// MerchantID is the site's identifier (Идентификатор, LMI_MERCHANT_ID), a
	// UUID.
	MerchantID string
	// SecretKey signs the notifications (Секретный ключ). A buyer can try keys
	// on a notification that he had sent to himself, so make it long.
	SecretKey string
	// PreviousSecretKey is what SecretKey was before: while it is being changed
	// in the cabinet, a notification signed with either is accepted. Nothing is
	// signed with it. Take it away when the last notification with it has come.
	PreviousSecretKey string
	// Hash is the kind of signature (Тип подписи) set in the cabinet.
	Hash Hash

	// Login and Password are of a cabinet user with automatic access
	// (Автоматический доступ), for the REST API v1. Without them GetStatus,
	// Refund, Capture, Void, FindByOrder, Payments and Check answer
	// ErrUnsupported and name Config.Login; payments are taken all the same.
	Login, Password string
	// ReadOnly: the login has the role Операционист only, which may not list
	// refunds. Payment.Refunded is then always 0.
	ReadOnly bool
	// AccountID is sent with the lists where the user has several accounts.
	AccountID string

	// DirectSecret is the separate secret of PayMaster Direct, for the Direct
	// methods; "": they answer ErrUnsupported and name Config.DirectSecret.
	DirectSecret string

	// Start is how the payment page is reached; the default is StartLink.
	Start Start
	// SimMode is sent with every invoice of a client of acquiring.Test.
	SimMode SimMode
	// Holds: the site works two-stage (LMI_PAYMENT_TYPE=HOLD, by agreement with
	// PayMaster). InvoiceRequest.Hold needs it. A notification then says only
	// that the money is held, unless the REST API answers COMPLETE. The API's
	// state PROCESSING stands for a hold and for a payment that is still under
	// way (3-D Secure) alike, so it is shown as held only when this client has
	// seen the payment's signed notification; before that, and after a restart,
	// it is pending. Capture and Void work in either case: PayMaster refuses
	// what is not held. It needs Login.
	Holds bool
	// SignKey is a key of the shop's own, not SecretKey. With it, every invoice
	// carries the field SIGN, made over shop, number, sum and currency, which
	// PayMaster returns with the pre-request and the notification; one whose
	// SIGN does not fit is refused. So a buyer cannot edit the sum of the form.
	// Payments started elsewhere (a CRM, a widget) have no such field.
	SignKey string
	// PreviousSignKey is what SignKey was before: invoices that were issued
	// with it are still accepted.
	PreviousSignKey string
	// Currency is the only one that the shop takes; "" is RUB.
	Currency string
	// NameLimit cuts the names of the receipt's lines, at 1 to 128 characters;
	// 0: 128.
	NameLimit int
	// AcceptTest lets a client of acquiring.Production accept test payments.
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
	// shops; "": "paymaster", and MerchantID in the keys of the news.
	Shop string
}

// String shows the Config without its secrets.
func (c ClassicConfig) String() string {
	return fmt.Sprintf("paymaster.ClassicConfig{Environment:%s BaseURL:%s MerchantID:%s SecretKey:%s PreviousSecretKey:%s Hash:%s Login:%s Password:%s DirectSecret:%s SignKey:%s PreviousSignKey:%s Shop:%s}",
		c.Environment, c.BaseURL, c.MerchantID, rest.Mask(c.SecretKey), rest.Mask(c.PreviousSecretKey), c.Hash, c.Login, rest.Mask(c.Password),
		rest.Mask(c.DirectSecret), rest.Mask(c.SignKey), rest.Mask(c.PreviousSignKey), c.Shop)
}

// GoString is String, for %#v.
func (c ClassicConfig) GoString() string { return c.String() }

// LogValue is the Config in a log, without its secrets.
func (c ClassicConfig) LogValue() slog.Value {
	return slog.GroupValue(slog.String("environment", c.Environment.String()), slog.String("base_url", c.BaseURL),
		slog.String("merchant", c.MerchantID), slog.String("secret_key", rest.Mask(c.SecretKey)), slog.String("hash", c.Hash.String()),
		slog.String("login", c.Login), slog.String("password", rest.Mask(c.Password)), slog.String("direct_secret", rest.Mask(c.DirectSecret)),
		slog.String("sign_key", rest.Mask(c.SignKey)), slog.String("previous_secret_key", rest.Mask(c.PreviousSecretKey)),
		slog.String("previous_sign_key", rest.Mask(c.PreviousSignKey)), slog.String("shop", c.Shop))
}

// ClassicClient takes payments by the classic protocol for one site. It is
// safe for concurrent use.
//
// It is an [acquiring.Acquirer], an [acquiring.Capturer], an
// [acquiring.Finder], an [acquiring.Lister], an [acquiring.Checker] and an
// [acquiring.Named]. Of their methods all but CreateInvoice, VerifyCallback and
// Name need ClassicConfig.Login.
//
// PayMaster has no number of a payment before it is paid, so the PaymentID of
// this client is the shop's own number of the invoice (LMI_PAYMENT_NO). A
// payment that was started without a number goes by [SystemID].
type ClassicClient struct {
	conf  ClassicConfig
	rest  *rest.Client // of BaseURL
	v1    *rest.Client // of the REST API v1
	sign  *signer
	locks refundLocks
	told  heardOf
	now   func() time.Time
	nonce func() string
}

// heardOf remembers the payments whose signed notification came, the last
// tens of thousands of them.
type heardOf struct {
	mu   sync.Mutex
	seen map[string]struct{}
	ring []string
	next int
}

const heardOfLimit = 1 << 15

func (n *heardOf) add(number string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, again := n.seen[number]; again || number == "" {
		return
	}
	if n.seen == nil {
		n.seen = map[string]struct{}{}
	}
	if len(n.ring) < heardOfLimit {
		n.ring = append(n.ring, number)
	} else {
		delete(n.seen, n.ring[n.next])
		n.ring[n.next] = number
		n.next = (n.next + 1) % heardOfLimit
	}
	n.seen[number] = struct{}{}
}

func (n *heardOf) has(number string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.seen[number]
	return ok
}

// NewClassic checks the Config and makes a ClassicClient. Every error is
// ErrInvalid and names the field.
func NewClassic(conf ClassicConfig) (*ClassicClient, error) {
	c, err := newClassic(conf)
	if err != nil {
		return nil, acquiring.InOp(provider, "NewClassic", err)
	}
	return c, nil
}

func newClassic(conf ClassicConfig) (*ClassicClient, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	base, err := baseURL(conf.BaseURL)
	if err != nil {
		return nil, err
	}
	if err := acquiring.CheckURL("Config.RESTURL", conf.RESTURL); err != nil {
		return nil, err
	}
	opt := rest.Options{Provider: provider, Shop: conf.Shop, BaseURL: base, HTTPClient: conf.HTTPClient, Roots: conf.RootCAs,
		Logger: conf.Logger, Observe: conf.Observe, Secrets: []string{conf.SecretKey, conf.Password, conf.DirectSecret, conf.SignKey, conf.PreviousSecretKey, conf.PreviousSignKey}}
	c := &ClassicClient{conf: conf, now: time.Now, nonce: newUUID}
	if c.rest, err = rest.New(opt); err != nil {
		return nil, err
	}
	if opt.BaseURL += "/api/v1"; conf.RESTURL != "" {
		opt.BaseURL = conf.RESTURL
	}
	if c.v1, err = rest.New(opt); err != nil {
		return nil, err
	}
	if c.sign, err = newSigner(conf); err != nil {
		return nil, err
	}
	return c, nil
}

func (c ClassicConfig) check() error {
	switch {
	case !c.Environment.Valid():
		return acquiring.Invalid("Config.Environment", "is not set; choose acquiring.Test or acquiring.Production")
	case !word(c.MerchantID):
		return acquiring.Invalid("Config.MerchantID", "is empty or has other than letters, digits and hyphens; take the identifier from the cabinet's list of sites")
	case c.SecretKey == "":
		return acquiring.Invalid("Config.SecretKey", "is empty; whoever knows that could sign a notification himself")
	case !utf8.ValidString(c.SecretKey) || strings.ContainsFunc(c.SecretKey, unicode.IsControl):
		return acquiring.Invalid("Config.SecretKey", "has control characters or is not UTF-8; was it copied with a line break?")
	case !utf8.ValidString(c.PreviousSecretKey) || strings.ContainsFunc(c.PreviousSecretKey, unicode.IsControl):
		return acquiring.Invalid("Config.PreviousSecretKey", "has control characters or is not UTF-8; was it copied with a line break?")
	case c.PreviousSignKey != "" && c.SignKey == "":
		return acquiring.Invalid("Config.PreviousSignKey", "is set without SignKey; it is only the key before that one")
	case c.Hash < MD5 || c.Hash > SHA256:
		return acquiring.Invalid("Config.Hash", "is not set; choose MD5, SHA1 or SHA256 as the cabinet has it (тип подписи)")
	case c.Login == "" && c.Password != "":
		return acquiring.Invalid("Config.Login", "is empty, but a password is given")
	case c.Login != "" && c.Password == "":
		return acquiring.Invalid("Config.Password", "is empty, but a login is given")
	case !plainV1(c.Login):
		return acquiring.Invalid("Config.Login", "has a semicolon or control characters")
	case !plainV1(c.Password):
		return acquiring.Invalid("Config.Password", "has a semicolon or control characters")
	case !plainV1(c.AccountID):
		return acquiring.Invalid("Config.AccountID", "has a semicolon or control characters")
	case c.Start > StartBuiltin:
		return acquiring.Invalid("Config.Start", "is none of StartLink, StartServer and StartBuiltin")
	case c.SimMode > SimMost:
		return acquiring.Invalid("Config.SimMode", "is none of the four modes")
	case c.SimMode != SimDefault && c.Environment == acquiring.Production:
		return acquiring.Invalid("Config.SimMode", "is set, but only a site in test mode simulates")
	case c.Holds && c.Login == "":
		return acquiring.Invalid("Config.Login", "is empty; with Holds it is needed to take or release what is held")
	case c.SignKey != "" && (c.SignKey == c.SecretKey || c.SignKey == c.PreviousSecretKey):
		return acquiring.Invalid("Config.SignKey", "is SecretKey or PreviousSecretKey; the two must differ")
	case c.NameLimit < 0 || c.NameLimit > 128:
		return acquiring.Invalid("Config.NameLimit", "is not between 1 and 128")
	}
	return checkCurrency(c.Currency)
}

// Name is "paymaster" and ClassicConfig.Shop, or MerchantID for a shop without
// a label: its payments go by the shop's own order numbers, which another shop
// may have too.
func (c *ClassicClient) Name() (name, shop string) {
	if c.conf.Shop == "" {
		return provider, c.conf.MerchantID
	}
	return provider, c.conf.Shop
}

// needLogin is the error of what needs the REST API v1 without a login.
func (c *ClassicClient) needLogin(op string) error {
	if c.conf.Login != "" {
		return nil
	}
	e := acquiring.Unsupported(provider, op, "is empty, and "+op+" goes through the REST API")
	e.Field = "Config.Login"
	e.Hint = "make a cabinet user with automatic access (Автоматический доступ) and set Config.Login and Config.Password"
	return e
}

// plainV1 says whether a value can be joined with semicolons.
func plainV1(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, ';') && !strings.ContainsFunc(s, unicode.IsControl)
}

// String names the client; it shows no secret.
func (c *ClassicClient) String() string { return "paymaster.ClassicClient{" + c.conf.String() + "}" }

// GoString is String, for %#v.
func (c *ClassicClient) GoString() string { return c.String() }
