package alfabank

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
	"github.com/acquiring-go/acquiring/rbs"
)

// provider is the name in errors, logs and callback keys.
const provider = "alfabank"

// Installation is which of the bank's installations the login belongs to. A
// login works on exactly one of them; the others answer "access denied".
type Installation uint8

const (
	// InstallationByLogin follows the login: payment.alfabank.ru for "r-…",
	// pay.alfabank.ru for any other.
	InstallationByLogin Installation = iota
	// InstallationPayment is payment.alfabank.ru: logins that begin with "r-",
	// all shops connected in recent years.
	InstallationPayment
	// InstallationPay is pay.alfabank.ru: logins without prefix, older shops.
	InstallationPay
	// InstallationEcom is ecom.alfabank.ru, with a test contour of its own.
	InstallationEcom
)

// String is "by login", "payment", "pay" or "ecom".
func (i Installation) String() string {
	switch i {
	case InstallationPayment:
		return "payment"
	case InstallationPay:
		return "pay"
	case InstallationEcom:
		return "ecom"
	}
	return "by login"
}

// Addresses of the installations, for Config.BaseURL.
const (
	ProductionURLPayment = "https://payment.alfabank.ru/payment/rest" // logins r-…
	ProductionURLPay     = "https://pay.alfabank.ru/payment/rest"     // logins without prefix
	ProductionURLEcom    = "https://ecom.alfabank.ru/api/rest"        // the third installation
	TestURL              = "https://alfa.rbsuat.com/payment/rest"     // test of the first two
	TestURLEcom          = "https://tws.egopay.ru/api/ab/rest"        // test of the third
)

// Config is what a [Client] needs. New checks it; its String, GoString and
// LogValue show no secret.
type Config struct {
	// Environment chooses the contour; there is no default.
	Environment acquiring.Environment
	// Installation chooses the production host; the default follows UserName.
	// With a Token alone in production it must be set: a token does not tell.
	Installation Installation
	// BaseURL replaces the address: one that ends with /rest, as the
	// documented ones do, or a bare scheme and host, to which /payment/rest
	// (/api/rest for InstallationEcom) is added. AlfaPay is found from it.
	BaseURL string

	// UserName and Password are the login of the API (логин API, …-api), not
	// of the cabinet (…-operator).
	UserName, Password string
	// Token is the open token (открытый токен), in place of the login: it may
	// register orders (Register, RegisterPreAuth, InstantPayment), verify cards,
	// go on with 3-D Secure (Continue3DS) and read an order by the bank's number
	// of it. Any other call but PayWithWallet gives ErrInvalid before it is sent.
	Token string
	// MerchantLogin is the child merchant (дочерний мерчант), sent with the
	// methods that take it, at most 255 characters; "": none.
	MerchantLogin string

	// CallbackKey is the secret of symmetric callbacks, HMAC-SHA256. With it or
	// CallbackPublicKey a callback must be signed; with neither each is read
	// back from the bank.
	CallbackKey string
	// CallbackPublicKey is the bank's key of asymmetric callbacks, in PEM: an
	// X.509 certificate, whose dates are not looked at, or a PUBLIC KEY.
	// SHA-512 is tried before SHA-256, whatever sign_alias says.
	// The key may be the bank's for all its merchants, so a callback signed with
	// it counts only when the bank knows the order as this shop's: one status
	// call for each.
	CallbackPublicKey string
	// PreviousCallbackKey and PreviousCallbackPublicKey are the keys that
	// CallbackKey and CallbackPublicKey were before: while the key is being
	// changed (смена ключа), a callback signed with either is accepted. Take
	// them away when the last callback with the old key has come.
	PreviousCallbackKey, PreviousCallbackPublicKey string
	// CallbackDrop names parameters of the callback address itself ("shop",
	// "utm_source"), which are not signed. They are taken out before the
	// signature is checked; no other is.
	CallbackDrop []string
	// CallbackOptional names base parameters (mdOrder, orderNumber, operation,
	// status) that may be missing. mdOrder and orderNumber cannot both be
	// optional. The bank's own signed samples lack orderNumber, so it may always
	// be missing, unless mdOrder may.
	CallbackOptional []string

	// RootCAs are further roots and intermediates in PEM that the client
	// trusts beside the system's and the Russian Trusted CA's (НУЦ Минцифры),
	// which it knows already. Not used with an HTTPClient of one's own.
	RootCAs []byte

	// Features are sent with each registration that names none, one word in each:
	// FORCE_TDS, FORCE_SSL, FORCE_FULL_TDS, VERIFY and others (the document's
	// table). Charge does not send them.
	Features []string
	// FFD decides how a receipt writes the units of quantity: a code for 1.2,
	// a text for 1.05. "": 1.2. A receipt's own FFD goes first.
	FFD fiscal.FFD
	// TaxSystem is of the receipts that have none (taxSystem); 0: as set in
	// the cabinet.
	TaxSystem fiscal.TaxSystem
	// VATCodes overrides the taxType of rates; rates not in it keep the bank's
	// table (0 none, 1 0 %, 2 10 %, 4 10/110, 6 20 %, 7 20/120, 10 5 %, 11
	// 5/105, 12 7 %, 13 7/107, 14 22 %, 15 22/122).
	VATCodes map[fiscal.VAT]int
	// LegacyVAT sends use_legacy_vat with each receipt: the old value of VAT
	// is wanted (additionalOfdParams).
	LegacyVAT bool

	// AnyOrderNumber lifts the limit of order numbers to letters, digits, "-"
	// and "_", at most 32: up to 36 characters of any printable text without a
	// semicolon then pass. The bank accepts some of them and refuses others.
	AnyOrderNumber bool
	// StorePayURL writes the payment page's address into the order right after
	// its registration (addParams.do, parameter formUrl), so that CreateInvoice
	// can give it again for an order that is there already: one call more for
	// each invoice. An address that is not the bank's is not given again.
	StorePayURL bool

	// ParametersInQuery sends the parameters in the query, with an empty body.
	// One integrator reports that pay.alfabank.ru reads nothing else; the
	// document says the body. Queries end up in logs of proxies.
	ParametersInQuery bool
	// TemplatesAsForm sends the four methods of payment links
	// (templates/create, get, update, getList) as a form with the template as
	// JSON text, as the document's text has it; its examples send JSON.
	TemplatesAsForm bool
	// RawPositionMethod is the name of the raw refund of a position; "":
	// processRawPositionRefund.do. One example of the document calls it
	// processRawPositionOrderRefund.do.
	RawPositionMethod string
	// AlfaPayURL is the address of alfapay/payment.do; "": beside /rest of
	// BaseURL, https://payment.alfabank.ru/payment/alfapay/payment.do. Others
	// found it at the host's root. A path ("/alfapay/payment.do") is of the
	// same host.
	AlfaPayURL string

	// HTTPClient is the user's own; one that does not verify certificates is
	// ErrInvalid. nil: one that trusts the Russian Trusted CA beside the system's
	// roots, which the bank needs. Either way an attempt has 30 s, and reads are
	// tried up to three times.
	HTTPClient *http.Client
	// Logger gets a line for each attempt at a request: at the level Debug, of one
	// that failed Warn; nil: none.
	Logger *slog.Logger
	// Observe is called for each attempt at a request, for metrics and traces.
	Observe acquiring.Observer
	// Shop labels logs, Observe's calls and callback keys where a program has
	// several shops; "": callback keys begin with "alfabank".
	Shop string
}

// String shows the Config without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("alfabank.Config{Environment:%s Installation:%s BaseURL:%s UserName:%s Password:%s Token:%s CallbackKey:%s PreviousCallbackKey:%s Shop:%s}",
		c.Environment, c.Installation, c.BaseURL, c.UserName, rest.Mask(c.Password), rest.Mask(c.Token), rest.Mask(c.CallbackKey), rest.Mask(c.PreviousCallbackKey), c.Shop)
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is the Config in a log, without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("environment", c.Environment.String()), slog.String("installation", c.Installation.String()),
		slog.String("base_url", c.BaseURL), slog.String("user", c.UserName), slog.String("password", rest.Mask(c.Password)),
		slog.String("token", rest.Mask(c.Token)), slog.String("callback_key", rest.Mask(c.CallbackKey)),
		slog.String("previous_callback_key", rest.Mask(c.PreviousCallbackKey)), slog.String("shop", c.Shop))
}

// Client takes payments at Alfa-Bank for one merchant. It is safe for
// concurrent use, and shows no secret when printed.
//
// It is an [acquiring.Acquirer], [acquiring.Capturer], [acquiring.Canceler],
// [acquiring.Finder], [acquiring.QRIssuer], [acquiring.Charger],
// [acquiring.Lister], [acquiring.Checker] and [acquiring.Named].
//
// Beside those it has the bank's own methods, one for each endpoint, in the bank's
// words. Each asks the bank once; a read is repeated when no answer came, any
// call when it surely did not leave. The errors are *acquiring.Error, with the
// bank's code in Code.
type Client struct {
	conf     Config
	gate     rbs.Gateway
	verifier *rbs.Verifier
	auth     url.Values
	alfaPay  string
	desk     rbs.Desk
	world    rbs.World
	vat      rbs.VATCodes
	now      func() time.Time
}

// New checks the Config and makes a Client. Every error is ErrInvalid and
// names the field. It asks the bank nothing: [Client.Check] does.
func New(conf Config) (*Client, error) {
	c, err := newClient(conf)
	if err != nil {
		return nil, acquiring.InOp(provider, "New", err)
	}
	return c, nil
}

// Name is "alfabank" and Config.Shop.
func (c *Client) Name() (string, string) { return provider, c.conf.Shop }

// String names the client without its secrets.
func (c *Client) String() string { return "alfabank.Client{" + c.conf.String() + "}" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// LogValue is the client in a log, without its secrets.
func (c *Client) LogValue() slog.Value { return c.conf.LogValue() }

func newClient(conf Config) (*Client, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	verifier, err := newVerifier(conf)
	if err != nil {
		return nil, err
	}
	base, err := conf.address()
	if err != nil {
		return nil, err
	}
	client, err := rest.New(rest.Options{
		Provider: provider, Shop: conf.Shop, BaseURL: base, HTTPClient: conf.HTTPClient, RussianRoots: true, Roots: conf.RootCAs,
		Logger: conf.Logger, Observe: conf.Observe, Secrets: []string{conf.Password, conf.Token, conf.CallbackKey, conf.PreviousCallbackKey, rest.BasicPair(conf.UserName, conf.Password)},
	})
	if err != nil {
		return nil, err
	}
	c := &Client{conf: conf, verifier: verifier, now: time.Now, vat: vatCodes(conf.VATCodes)}
	c.gate = rbs.Gateway{REST: client, Classify: c.classify}
	c.auth = url.Values{"userName": {conf.UserName}, "password": {conf.Password}}
	if conf.Token != "" {
		c.auth = url.Values{"token": {conf.Token}}
	}
	c.desk = rbs.Desk{Provider: provider, Shop: conf.Shop, Order: c.order, Find: c.orderByNumber, Payment: c.payment,
		RefundParams: []string{"externalRefundId"}}
	c.alfaPay = alfaPayAddress(client.BaseURL(), conf.AlfaPayURL)
	return c, nil
}

// check is New's part that needs no other package.
func (c Config) check() error {
	switch {
	case !c.Environment.Valid():
		return acquiring.Invalid("Config.Environment", "is not set; choose acquiring.Test or acquiring.Production")
	case c.Installation > InstallationEcom:
		return acquiring.Invalid("Config.Installation", "is none of the bank's")
	case c.Token != "" && (c.UserName != "" || c.Password != ""):
		return acquiring.Invalid("Config.Token", "is set beside UserName; the bank takes one or the other, and the login may do all that the token may")
	case c.Token == "" && c.UserName == "":
		return acquiring.Invalid("Config.UserName", "is empty; give the login of the API (…-api), as the bank sent it")
	case strings.HasSuffix(c.UserName, "-operator"):
		return acquiring.Invalid("Config.UserName", "is the cabinet's login (…-operator); the API has a login of its own (…-api)")
	case c.Token == "" && c.Password == "":
		return acquiring.Invalid("Config.Password", "is empty")
	case strings.ContainsAny(c.Password, "\r\n"):
		return acquiring.Invalid("Config.Password", "has a line break; was it copied with one?")
	case strings.TrimSpace(c.CallbackKey) != c.CallbackKey:
		return acquiring.Invalid("Config.CallbackKey", "begins or ends with a space or a line break; was it copied with one?")
	case strings.TrimSpace(c.PreviousCallbackKey) != c.PreviousCallbackKey:
		return acquiring.Invalid("Config.PreviousCallbackKey", "begins or ends with a space or a line break; was it copied with one?")
	case len(c.UserName) > 100 || !rbs.Printable(c.UserName):
		return acquiring.Invalid("Config.UserName", "has more than 100 characters, or other than printable ASCII")
	case len(c.Token) > 256 || !rbs.Printable(c.Token):
		return acquiring.Invalid("Config.Token", "has more than 256 characters, or other than printable ASCII")
	case len(c.MerchantLogin) > 255 || !rbs.Printable(c.MerchantLogin):
		return acquiring.Invalid("Config.MerchantLogin", "has more than 255 characters, or other than printable ASCII")
	case c.FFD != "" && !c.FFD.Valid():
		return acquiring.Invalid("Config.FFD", "is neither 1.05 nor 1.2")
	case c.TaxSystem != 0 && !c.TaxSystem.Valid():
		return acquiring.Invalid("Config.TaxSystem", "is none that the bank knows")
	case c.RawPositionMethod != "" && !rbs.Printable(c.RawPositionMethod):
		return acquiring.Invalid("Config.RawPositionMethod", "is not the name of a method")
	}
	if err := rbs.CheckVATCodes(c.VATCodes); err != nil {
		return err
	}
	for _, f := range c.Features {
		if f == "" || !rbs.Printable(f) || strings.ContainsAny(f, ",; ") {
			return acquiring.Invalid("Config.Features", fmt.Sprintf("has %q; give one word in each", f))
		}
	}
	if u := c.AlfaPayURL; u != "" && !strings.HasPrefix(u, "/") {
		return acquiring.CheckURL("Config.AlfaPayURL", u)
	}
	return nil
}

// address is the gateway's, from BaseURL, or from the environment, the
// installation and the login.
func (c Config) address() (string, error) {
	if c.BaseURL != "" {
		return c.ownAddress()
	}
	switch ecom := c.Installation == InstallationEcom; {
	case c.Environment == acquiring.Test && ecom:
		return TestURLEcom, nil
	case c.Environment == acquiring.Test:
		return TestURL, nil
	case ecom:
		return ProductionURLEcom, nil
	case c.Installation == InstallationPayment:
		return ProductionURLPayment, nil
	case c.Installation == InstallationPay:
		return ProductionURLPay, nil
	case c.Token != "":
		return "", acquiring.Invalid("Config.Installation", "is not set; a token does not tell on which host it works")
	case strings.HasPrefix(c.UserName, "r-"):
		return ProductionURLPayment, nil
	}
	return ProductionURLPay, nil
}

func (c Config) ownAddress() (string, error) {
	if err := acquiring.CheckURL("Config.BaseURL", c.BaseURL); err != nil {
		return "", err
	}
	base := strings.TrimSuffix(c.BaseURL, "/")
	u, err := url.Parse(base)
	switch {
	case err != nil || u.RawQuery != "" || u.User != nil || u.Fragment != "":
		return "", acquiring.Invalid("Config.BaseURL", "is not an absolute http(s) address without query")
	case u.Path == "" && c.Installation == InstallationEcom:
		return base + "/api/rest", nil
	case u.Path == "":
		return base + "/payment/rest", nil
	case !strings.HasSuffix(u.Path, "/rest"):
		return "", acquiring.Invalid("Config.BaseURL", "does not end with /rest, as the bank's addresses do: "+ProductionURLPayment)
	}
	return base, nil
}

// alfaPayAddress is where AlfaPay is: outside /rest.
func alfaPayAddress(base, own string) string {
	switch {
	case own == "":
		return strings.TrimSuffix(base, "/rest") + "/alfapay/payment.do"
	case own[0] == '/':
		if u, err := url.Parse(base); err == nil {
			return u.Scheme + "://" + u.Host + own
		}
	}
	return own
}
