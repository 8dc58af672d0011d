package sberbank

import (
	"context"
	"crypto/rand"
	"encoding/hex"
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
const provider = "sberbank"

// Protocol is which of the bank's two gateways is spoken to.
type Protocol uint8

const (
	// ProtocolJSON is the new gateway ("прямое подключение", ecom): POST of
	// JSON. New merchants have been connected to it since 2023.
	ProtocolJSON Protocol = iota
	// ProtocolLegacy is the gateway of the RBS/BPC family: forms. It is being
	// retired.
	ProtocolLegacy
)

// Addresses of the gateways, for Config.BaseURL.
const (
	ProductionURL       = "https://ecommerce.sberbank.ru/ecomm/gw/partner/api/v1" // new gateway, ProtocolJSON's default
	ProductionURLEpay   = "https://epay.sberbank.ru/ecomm/gw/partner/api/v1"      // new gateway, the host that some merchants were given
	TestURL             = "https://ecomtest.sberbank.ru/ecomm/gw/partner/api/v1"  // new gateway, test
	TestURLIFT          = "https://ecomift.sberbank.ru/ecomm/gw/partner/api/v1"   // new gateway, the second test stand
	LegacyProductionURL = "https://securepayments.sberbank.ru/payment/rest"       // legacy gateway
	LegacyTestURL       = "https://3dsec.sberbank.ru/payment/rest"                // legacy gateway, test
)

// Config is what a [Client] needs. New checks it; its String, GoString and
// LogValue show no secret.
type Config struct {
	// Environment chooses the host; there is no default.
	Environment acquiring.Environment
	// BaseURL replaces the environment's address: the documented one with
	// /ecomm/gw/partner/api/v1 (JSON) or /payment/rest (legacy) at its end, or
	// a bare scheme and host, to which that path is added. The services beside
	// it (ofd/v1, accounts/v1, /payment/…) are found from it.
	BaseURL string
	// Protocol chooses the gateway; the default is the new one, ProtocolJSON.
	Protocol Protocol

	// UserName and Password are the login of the API (логин API), not of the
	// cabinet (-operator).
	UserName, Password string
	// Token is the open token (токен) of the legacy gateway: it is sent instead
	// of the login with register.do and registerPreAuth.do, those of sbercredit
	// too. Every other call needs UserName and Password, so both may be set; then the token
	// registers. The new gateway has none: setting it there is an error.
	Token string
	// MerchantLogin is the child merchant (дочерний мерчант), sent with the
	// calls that take it, at most 30 characters; "": none.
	MerchantLogin string

	// CallbackKey is the secret of symmetric callbacks (закрытый ключ,
	// callback-токен): HMAC-SHA256. With it or CallbackPublicKey a callback
	// must be signed; with neither each is read back from the bank.
	CallbackKey string
	// CallbackPublicKey is the bank's public key of asymmetric callbacks: an
	// X.509 certificate or a PUBLIC KEY, in PEM. Its dates are not looked at.
	// It excludes CallbackKey: the algorithm is fixed here.
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
	// "utm_source"), which the gateway keeps and does not sign. They are taken
	// out before the signature is checked; no other is.
	CallbackDrop []string
	// CallbackOptional names base parameters (mdOrder, orderNumber, operation,
	// status) that may be missing, for a merchant who unticked one in the
	// cabinet. By default all four must be there. mdOrder and orderNumber
	// cannot both be optional.
	CallbackOptional []string

	// Features is sent as features with each registration that names none in
	// InvoiceRequest.Extra, charges too: a list with ";" between (FORCE_TDS,
	// FORCE_SSL, …), at most 255 characters.
	Features string
	// Receipt is what the shop's receipts have in common. The legacy gateway has
	// the rest in the cabinet and takes TaxSystem alone.
	Receipt ReceiptDefaults
	// LowerCaseReceiptType writes sell and sell_refund instead of SELL and
	// SELL_REFUND, as the document of 2024 has them.
	LowerCaseReceiptType bool
	// VATCodes overrides the taxType of rates, by rate; rates not in it keep
	// the protocol's own table. The legacy gateway's codes of 5, 7 and 22 % are
	// not published: ask the bank and set them here, or a receipt with such a
	// rate is refused before it is sent.
	VATCodes map[fiscal.VAT]int

	// HTTPClient is the user's own; one that does not verify certificates is
	// ErrInvalid. nil: one that trusts the Russian Trusted Root CA beside the
	// system's roots, which both gateways need. Either way an attempt has 30 s,
	// and reads are tried up to three times.
	HTTPClient *http.Client
	// Logger gets a line for each attempt at a request: at the level Debug, of one
	// that failed Warn; nil: none.
	Logger *slog.Logger
	// Observe is called for each attempt at a request, for metrics and traces.
	Observe acquiring.Observer
	// Shop labels logs, Observe's calls and callback keys where a program has
	// several shops; "": callback keys begin with "sberbank".
	Shop string
}

// String shows the Config without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("sberbank.Config{Environment:%s BaseURL:%s Protocol:%s UserName:%s Password:%s Token:%s CallbackKey:%s PreviousCallbackKey:%s Shop:%s}",
		c.Environment, c.BaseURL, c.Protocol, c.UserName, rest.Mask(c.Password), rest.Mask(c.Token), rest.Mask(c.CallbackKey), rest.Mask(c.PreviousCallbackKey), c.Shop)
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is the Config in a log, without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("environment", c.Environment.String()), slog.String("base_url", c.BaseURL),
		slog.String("protocol", c.Protocol.String()), slog.String("user", c.UserName), slog.String("password", rest.Mask(c.Password)),
		slog.String("token", rest.Mask(c.Token)), slog.String("callback_key", rest.Mask(c.CallbackKey)),
		slog.String("previous_callback_key", rest.Mask(c.PreviousCallbackKey)), slog.String("shop", c.Shop))
}

// String is "json" or "legacy".
func (p Protocol) String() string {
	if p == ProtocolLegacy {
		return "legacy"
	}
	return "json"
}

// ReceiptDefaults fill what a fiscal.Receipt leaves open and the new gateway
// demands of every receipt (orderBundle.company).
type ReceiptDefaults struct {
	FFD            fiscal.FFD       // "": 1.05
	TaxSystem      fiscal.TaxSystem // sno
	INN            string           // of the seller, 10 or 12 digits
	Email          string           // of the seller, 3 to 64 characters of printable ASCII
	PaymentAddress string           // place of settlement: the shop's site, at most 256 characters of printable ASCII
}

// Client takes payments at Sberbank for one merchant. It is safe for
// concurrent use.
//
// It is an [acquiring.Acquirer], [acquiring.Capturer], [acquiring.Canceler],
// [acquiring.Finder], [acquiring.QRIssuer], [acquiring.Charger],
// [acquiring.Checker] and [acquiring.Named]. The list of orders exists on the
// legacy gateway only: [LegacyClient] has it.
//
// Beside those it has the bank's own methods, one for each endpoint, in the bank's
// words. Each asks the bank once; a read is repeated when no answer came, any
// call when it surely did not leave. One that only the other gateway has answers ErrUnsupported and sends nothing.
// The errors are *acquiring.Error, with the bank's code in Code.
type Client struct {
	conf     Config
	gate     rbs.Gateway
	verifier *rbs.Verifier
	desk     rbs.Desk
	auth     []byte // {"userName":…,"password":…}
	pair     url.Values
	open     url.Values // the token, where there is one
	root     string     // address of the services beside BaseURL
	host     string     // scheme and host
	vat      rbs.VATCodes
	world    *rbs.World // what was learned of the gateway
	lost     *lostRefunds
	now      func() time.Time
}

// LegacyClient is a [Client] of the legacy gateway with what only that gateway
// has: it is an [acquiring.Lister] too.
type LegacyClient struct{ *Client }

// New checks the Config and makes a Client. Every error is ErrInvalid and
// names the field. It asks the bank nothing: [Client.Check] does.
func New(conf Config) (*Client, error) {
	c, err := newClient(conf)
	if err != nil {
		return nil, acquiring.InOp(provider, "New", err)
	}
	return c, nil
}

// NewLegacy is New for the legacy gateway, whatever Config.Protocol says.
func NewLegacy(conf Config) (*LegacyClient, error) {
	conf.Protocol = ProtocolLegacy
	c, err := New(conf)
	if err != nil {
		return nil, err
	}
	return &LegacyClient{c}, nil
}

func newClient(conf Config) (*Client, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	verifier, err := rbs.NewVerifier(rbs.VerifierOptions{Provider: provider, Key: conf.CallbackKey, PreviousKey: conf.PreviousCallbackKey, PreviousPublicKey: conf.PreviousCallbackPublicKey,
		PublicKey: conf.CallbackPublicKey, Drop: conf.CallbackDrop, Optional: conf.CallbackOptional})
	if err != nil {
		return nil, err
	}
	base, err := conf.address()
	if err != nil {
		return nil, err
	}
	client, err := rest.New(rest.Options{
		Provider: provider, Shop: conf.Shop, BaseURL: base, HTTPClient: conf.HTTPClient, RussianRoots: true,
		Logger: conf.Logger, Observe: conf.Observe, Secrets: []string{conf.Password, conf.Token, conf.CallbackKey, conf.PreviousCallbackKey, rest.BasicPair(conf.UserName, conf.Password)},
	})
	if err != nil {
		return nil, err
	}
	auth, err := rbs.CompactJSON(struct {
		UserName string `json:"userName"`
		Password string `json:"password"`
	}{conf.UserName, conf.Password})
	if err != nil {
		return nil, acquiring.Invalid("Config.UserName", "cannot be written as JSON")
	}
	c := &Client{conf: conf, gate: rbs.Gateway{REST: client, Classify: classify}, verifier: verifier, auth: auth,
		pair: url.Values{"userName": {conf.UserName}, "password": {conf.Password}}, world: new(rbs.World), lost: new(lostRefunds), now: time.Now}
	if conf.Token != "" {
		c.open = url.Values{"token": {conf.Token}}
	}
	base = client.BaseURL()
	c.root = strings.TrimSuffix(strings.TrimSuffix(base, "/v1"), "/rest")
	c.host = strings.TrimSuffix(c.root, "/payment")
	c.vat = vatCodes(conf.Protocol, conf.VATCodes)
	c.desk = rbs.Desk{Provider: provider, Shop: conf.Shop, Order: c.order, Find: c.orderByNumber, Payment: c.payment,
		RefundParams: []string{"externalRefundId", "refundedAmount"}}
	return c, nil
}

// Name is "sberbank" and Config.Shop.
func (c *Client) Name() (name, shop string) { return provider, c.conf.Shop }

// String names the shop and the gateway; it shows no secret.
func (c *Client) String() string {
	return fmt.Sprintf("sberbank.Client{%s %s %s}", either(c.conf.Shop, provider), c.conf.Protocol, c.gate.REST.BaseURL())
}

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// LogValue is String, for logs.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// check is New's part that needs no other package.
func (c Config) check() error {
	switch {
	case !c.Environment.Valid():
		return acquiring.Invalid("Config.Environment", "is not set; choose acquiring.Test or acquiring.Production")
	case c.Protocol > ProtocolLegacy:
		return acquiring.Invalid("Config.Protocol", "is neither ProtocolJSON nor ProtocolLegacy")
	case c.Protocol == ProtocolJSON && c.Token != "":
		return acquiring.Invalid("Config.Token", "is set, but the new gateway knows no token; use UserName and Password")
	case c.Token == "" && c.UserName == "", c.UserName == "" && c.Password != "":
		return acquiring.Invalid("Config.UserName", "is empty; give the login of the API, as the bank sent it")
	case c.UserName != "" && c.Password == "":
		return acquiring.Invalid("Config.Password", "is empty")
	case strings.TrimSpace(c.UserName) != c.UserName:
		return acquiring.Invalid("Config.UserName", "begins or ends with a space or a line break; was it copied with one?")
	case strings.ContainsAny(c.Password, "\r\n"):
		return acquiring.Invalid("Config.Password", "has a line break; was it copied with one?")
	case strings.TrimSpace(c.CallbackKey) != c.CallbackKey:
		return acquiring.Invalid("Config.CallbackKey", "begins or ends with a space or a line break; was it copied with one?")
	case strings.TrimSpace(c.PreviousCallbackKey) != c.PreviousCallbackKey:
		return acquiring.Invalid("Config.PreviousCallbackKey", "begins or ends with a space or a line break; was it copied with one?")
	case len(c.MerchantLogin) > 30 || !rbs.Printable(c.MerchantLogin):
		return acquiring.Invalid("Config.MerchantLogin", "has more than 30 characters, or other than printable ASCII")
	case !rbs.Printable(c.Features) || len(c.Features) > 255:
		return acquiring.Invalid("Config.Features", "has more than 255 characters, or other than printable ASCII")
	}
	if err := rbs.CheckVATCodes(c.VATCodes); err != nil {
		return err
	}
	return c.Receipt.check()
}

// address is the gateway's, from BaseURL or the environment.
func (c Config) address() (string, error) {
	tail := "/ecomm/gw/partner/api/v1"
	if c.Protocol == ProtocolLegacy {
		tail = "/payment/rest"
	}
	if c.BaseURL == "" {
		switch {
		case c.Protocol == ProtocolLegacy && c.Environment == acquiring.Test:
			return LegacyTestURL, nil
		case c.Protocol == ProtocolLegacy:
			return LegacyProductionURL, nil
		case c.Environment == acquiring.Test:
			return TestURL, nil
		}
		return ProductionURL, nil
	}
	if err := acquiring.CheckURL("Config.BaseURL", c.BaseURL); err != nil {
		return "", err
	}
	base := strings.TrimSuffix(c.BaseURL, "/")
	u, err := url.Parse(base)
	switch {
	case err != nil || u.RawQuery != "" || u.User != nil || u.Fragment != "":
		return "", acquiring.Invalid("Config.BaseURL", "is not an absolute http(s) address without query")
	case u.Path == "":
		return base + tail, nil
	case c.Protocol == ProtocolJSON && !strings.HasSuffix(u.Path, "/v1"):
		return "", acquiring.Invalid("Config.BaseURL", "does not end with /v1, as the new gateway's addresses do: https://host/ecomm/gw/partner/api/v1")
	case c.Protocol == ProtocolLegacy && !strings.HasSuffix(u.Path, "/rest"):
		return "", acquiring.Invalid("Config.BaseURL", "does not end with /rest, as the legacy gateway's addresses do: https://host/payment/rest")
	}
	return base, nil
}

// endpoint is one method of the bank, at one or both gateways.
type endpoint struct {
	op     string // for errors, logs and classification: its name without folders
	json   string // path from BaseURL at the new gateway, absolute from root with a leading "/"; "": it has none
	legacy string // the same at the legacy gateway; from the host's root with "//"
	read   bool   // changes nothing, may be repeated
	token  bool   // takes the open token at the legacy gateway
	key    bool   // takes x-idempotencyKey at the new gateway
	login  bool   // carries its own credentials, or none
	must   string // a parameter that the legacy gateway demands even empty
	asJSON bool   // takes JSON at the legacy gateway too
}

// both is an endpoint that has the same name at both gateways.
func both(op string) endpoint { return endpoint{op: op, json: op, legacy: op} }

// path is the endpoint's address at the client's gateway.
func (c *Client) path(e endpoint) (string, error) {
	p, other := e.json, "the legacy gateway"
	if c.conf.Protocol == ProtocolLegacy {
		p, other = e.legacy, "the new gateway"
	}
	switch {
	case p == "":
		return "", acquiring.Unsupported(provider, e.op, "the method exists at "+other+" only (Config.Protocol)")
	case strings.HasPrefix(p, "//"):
		return c.host + p[1:], nil
	case p[0] == '/':
		return c.root + p, nil
	}
	return p, nil
}

// call makes a call of the typed API: the request with the credentials, as the
// gateway in use reads it.
func (c *Client) call(ctx context.Context, e endpoint, request any, out rbs.Answer) error {
	return c.send(ctx, e, request, nil, "", out)
}

// send is call with fields beside the request and an idempotency key.
func (c *Client) send(ctx context.Context, e endpoint, request any, extra map[string]string, key string, out rbs.Answer) error {
	path, err := c.path(e)
	if err != nil {
		return err
	}
	call := rbs.Call{Op: e.op, Path: path, Repeatable: e.read}
	if c.conf.Protocol == ProtocolLegacy && !e.asJSON {
		form, err := c.gate.Form(request, extra)
		if err != nil {
			return acquiring.InOp(provider, e.op, err)
		}
		if e.must != "" && !form.Has(e.must) {
			form.Set(e.must, "")
		}
		credentials := c.pair
		switch {
		case e.token && c.open != nil:
			credentials = c.open
		case c.conf.UserName == "":
			return acquiring.InOp(provider, e.op, noUserName())
		}
		for name, value := range credentials {
			form[name] = value
		}
		call.ContentType, call.Body = rbs.ContentForm, rest.Form(form)
	} else {
		body, err := rbs.CompactJSON(request)
		if err != nil {
			return acquiring.InOp(provider, e.op, acquiring.Invalid("request", "cannot be written as JSON: "+err.Error()))
		}
		beside, err := extraJSON(body, extra)
		if err != nil {
			return acquiring.InOp(provider, e.op, err)
		}
		auth := c.auth
		switch {
		case e.login:
			auth = nil
		case c.conf.UserName == "":
			return acquiring.InOp(provider, e.op, noUserName())
		}
		call.ContentType, call.Body = rbs.ContentJSON, rbs.JoinJSON(auth, body, beside)
		if e.key && c.conf.Protocol == ProtocolJSON {
			if key == "" {
				key = c.newKey()
			}
			call.Header = http.Header{"X-Idempotencykey": {key}}
		}
	}
	return c.gate.Do(ctx, call, out)
}

func noUserName() error {
	return acquiring.Invalid("Config.UserName", "is empty; the token is for registering orders only, any other method needs the login and the password")
}

// newKey is a new idempotency key. It is random: a key made of the content
// would bring back a refusal that was mended since, and swallow a second
// refund of the same sum.
func (c *Client) newKey() string {
	if c.conf.Protocol == ProtocolLegacy {
		return "" // it knows none
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
