package orangedata

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/webhook"
)

// Provider is the name of the service in errors, logs and callback keys.
const Provider = "orangedata"

// Addresses of the service. BaseTest is chosen by acquiring.Test and
// BaseProduction by acquiring.Production; BaseTest2, whose registers are real
// ones with test storage (paid, with a cabinet), is set as Config.BaseURL.
const (
	BaseTest       = "https://apip.orangedata.ru:2443"
	BaseTest2      = "https://apip.orangedata.ru:12001"
	BaseProduction = "https://api.orangedata.ru:12003"

	// ReceiptPages is where the buyer sees his receipt in production, at
	// /{inn}/{id}, if the cabinet allows customers access to receipts.
	ReceiptPages = "https://cheques-lk.orangedata.ru"
)

// GroupKind is what kind of registers the group holds (тип группы): it decides
// which members a receipt must have and must not have.
type GroupKind uint8

// The kinds of groups.
const (
	// GroupStandard: internet shops and other ordinary registers (Main,
	// Main_2). The address, place and cashier are the register's own.
	GroupStandard GroupKind = iota
	// GroupVending: vending machines (Vend, Vend_2). Receipt.Machine,
	// Seller.Address and Seller.Place are required.
	GroupVending
	// GroupTransport: automatic transport registers (Transp, Transp_2). The
	// same are required.
	GroupTransport
	// GroupCourier: hand terminals (Courier, Courier_2). Seller.Address,
	// Seller.Place and Cashier.Name are required.
	GroupCourier
)

// TextPolicy is what is done with characters that the printed document cannot
// hold: it is in code page 866, and the service drops others without a word
// ("Сок «Мечта»" becomes "Сок Мечта").
type TextPolicy uint8

// The policies.
const (
	// TextPlain writes typographic characters plainly («» as ", a dash as -,
	// an ellipsis as ..., special spaces as a space) and refuses what has no
	// plain form: emoji, €, foreign letters.
	TextPlain TextPolicy = iota
	// TextStrict refuses every character outside the code page.
	TextStrict
	// TextAsIs sends the text as it is: the service drops what it cannot hold.
	TextAsIs
)

// Config is one organisation at OrangeData. New checks it at once. It prints
// without its secrets.
type Config struct {
	// Environment chooses the address: acquiring.Test or
	// acquiring.Production. There is no default.
	Environment acquiring.Environment
	// BaseURL replaces the environment's address: BaseTest2, an emulator, or
	// another seller of the same protocol.
	BaseURL string

	// INN of the organisation whose receipts are printed (ИНН), 10 or 12
	// digits. 7727401209 in the test contour.
	INN string
	// KeyName is the name under which the public half of the signing key is
	// registered (the member key): the INN, or INN_ID as the certificate
	// files are called; 301… for partners, 401… for vending; at most 32
	// characters. "": the INN. A wrong name looks like a wrong signature.
	KeyName string

	// PrivateKey is the signing key: RSA in the XML form of the cabinet
	// (RSAKeyValue), or in PEM (PKCS#8 or PKCS#1, whatever the header says).
	PrivateKey []byte
	// PrivateKeyPassword opens an encrypted PEM; with one that is not
	// encrypted it is not looked at.
	PrivateKeyPassword string
	// Signer signs in place of PrivateKey: a key in a token or HSM. Its public
	// half must be RSA.
	Signer crypto.Signer

	// Certificate is the client certificate in PEM (INN.crt); further
	// certificates of its chain may follow.
	Certificate []byte
	// CertificateKey is the key of the certificate in PEM (INN.key). When
	// empty it is looked for in Certificate.
	CertificateKey []byte
	// CertificatePassword opens an encrypted CertificateKey. The papers of
	// the service name 1234 and 1111; the key of the test contour is not
	// encrypted, and then the password is not looked at.
	CertificatePassword string
	// TLSCertificate is a ready pair in place of Certificate and
	// CertificateKey.
	TLSCertificate *tls.Certificate
	// RootCAs are authorities in PEM trusted for the server's certificate
	// beside the system's.
	RootCAs []byte
	// RussianRoots trusts the Russian Trusted Root CA too (НУЦ Минцифры).
	RussianRoots bool

	// FFD is the version that the registers of Group are registered with. "":
	// fiscal.FFD12.
	FFD fiscal.FFD
	// Group is the group of registers (группа ККТ). "": Main_2, with FFD 1.05
	// Main, which is what a standard account has. At most 32 characters.
	Group string
	// GroupByFFD are the groups for receipts of another version than FFD: an
	// organisation that moves to FFD 1.2 has registers of both. A receipt of
	// a version that is in neither is refused.
	GroupByFFD map[fiscal.FFD]string
	// GroupKind is the kind of these groups.
	GroupKind GroupKind

	// TaxSystem is for receipts that do not name theirs (система
	// налогообложения, 1055). The service prints "general" when it is told
	// nothing, so one of the two must say it.
	TaxSystem fiscal.TaxSystem
	// IgnoreItemCodeCheck prints marked goods whatever the check of their
	// codes says. Needed in the test contour, dangerous in production.
	IgnoreItemCodeCheck bool
	// Text is what is done with characters that cannot be printed.
	Text TextPolicy
	// Location is the time zone of the registers, in which the service gives
	// times without saying so; nil: Moscow. A receipt's own TimeZone goes
	// before it.
	Location *time.Location

	// CallbackURL is where results are sent to, at most 1024 bytes with what
	// Submit adds to it; "": nowhere. The service signs nothing, so Submit
	// adds to the query which document it is (od) and a keyed digest of that
	// (odkey), and VerifyCallback accepts no other.
	CallbackURL string
	// CallbackSecret keys that digest. "": derived from PrivateKey. Required
	// with a Signer and a CallbackURL.
	CallbackSecret string
	// PreviousCallbackSecret is what CallbackSecret was before: the addresses
	// of documents that were submitted with it are still accepted. One that was
	// derived from a PrivateKey ends with that key; its documents are found by
	// GetDocument.
	PreviousCallbackSecret string
	// CallbackAPIKey is sent along as callbackApiKey, at most 3072
	// characters; what the service does with it is not documented.
	CallbackAPIKey string
	// CallbackAPIKeyHeader is the header in which the service returns
	// CallbackAPIKey, once you have seen which one it is: VerifyCallback
	// then demands it. "": no such check.
	CallbackAPIKeyHeader string

	// ReceiptURL is where the buyer's receipts are shown, before /{inn}/{id}.
	// "": ReceiptPages in production and none in test.
	ReceiptURL string

	// HTTPClient is used in place of our own. With a Certificate its
	// http.Transport is copied and given the certificate; a RoundTripper of
	// another kind must hold the certificate itself, and Certificate stays
	// empty. One that does not verify certificates is ErrInvalid.
	HTTPClient *http.Client
	Logger     *slog.Logger // nil: nothing is logged
	// Observe is called for each attempt at a request, for metrics and traces.
	Observe acquiring.Observer
	Shop    string        // a label of yours for logs, errors and callback keys
	Timeout time.Duration // of one attempt; 0: 30 seconds
	// Retries is how often a call is tried again after a failure: 0 is two
	// times, -1 never. Every call may be repeated: reads change nothing, and
	// documents have their ID.
	Retries int
}

// String shows the Config without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("orangedata.Config{Environment:%s BaseURL:%s INN:%s KeyName:%s Group:%s FFD:%s Shop:%s PrivateKey:%s Certificate:%s CertificateKey:%s CallbackURL:%s CallbackSecret:%s PreviousCallbackSecret:%s CallbackAPIKey:%s}",
		c.Environment, c.BaseURL, c.INN, c.KeyName, c.Group, c.FFD, c.Shop, hide(c.PrivateKey), shown(c.Certificate),
		hide(c.CertificateKey), shownURL(c.CallbackURL), rest.Mask(c.CallbackSecret), rest.Mask(c.PreviousCallbackSecret), rest.Mask(c.CallbackAPIKey))
}

// GoString shows the Config without its secrets.
func (c Config) GoString() string { return c.String() }

// LogValue shows the Config without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("environment", c.Environment.String()), slog.String("base_url", c.BaseURL),
		slog.String("inn", c.INN), slog.String("key_name", c.KeyName), slog.String("group", c.Group), slog.String("ffd", string(c.FFD)), slog.String("shop", c.Shop))
}

func hide(b []byte) string { return rest.Mask(string(b)) }

// shownURL is an address without its query and user, which may be secrets.
func shownURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return rest.Mask(s)
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// shown says that something public, but long, is there.
func shown(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return "set"
}

// Client prints receipts for one organisation. It is safe for concurrent use.
type Client struct {
	conf     Config
	rest     *rest.Client
	signer   crypto.Signer
	cert     *x509.Certificate // nil: in the user's own HTTP client
	callback *webhook.HMAC     // of the digest in callback addresses; nil: no secret
	past     *webhook.HMAC     // of the secret before; nil: none
	zone     *time.Location
	now      func() time.Time
}

// New makes a Client. It sends nothing. An error is acquiring.ErrInvalid and
// names the field.
func New(conf Config) (*Client, error) {
	c, err := newClient(conf)
	if err != nil {
		return nil, acquiring.InOp(Provider, "New", err)
	}
	return c, nil
}

func newClient(conf Config) (*Client, error) {
	if !conf.Environment.Valid() {
		return nil, acquiring.Invalid("Config.Environment", "is not set: acquiring.Test or acquiring.Production")
	}
	if conf.BaseURL == "" {
		conf.BaseURL = BaseTest
		if conf.Environment == acquiring.Production {
			conf.BaseURL = BaseProduction
		}
	}
	if err := conf.fill(); err != nil {
		return nil, err
	}
	c := &Client{conf: conf, zone: conf.Location, now: time.Now}
	if c.zone == nil {
		c.zone = time.FixedZone("MSK", 3*60*60)
	}
	if err := c.setSigner(); err != nil {
		return nil, err
	}
	if err := c.setTransport(); err != nil {
		return nil, err
	}
	if c.cert != nil && conf.Environment == acquiring.Production {
		if left := c.cert.NotAfter.Sub(c.now()); left < 30*24*time.Hour {
			c.rest.Logger().Warn("the client certificate ends soon: order a new one in the cabinet", "not_after", c.cert.NotAfter)
		}
	}
	return c, nil
}

// fill checks the plain fields and sets the defaults.
func (c *Config) fill() error {
	if (len(c.INN) != 10 && len(c.INN) != 12) || !digits(c.INN) {
		return acquiring.Invalid("Config.INN", "is not an INN: 10 or 12 digits")
	}
	if c.Environment == acquiring.Production && !fiscal.ValidINN(c.INN) {
		return acquiring.Invalid("Config.INN", "has wrong check digits")
	}
	if c.KeyName == "" {
		c.KeyName = c.INN
	}
	if len([]rune(c.KeyName)) > 32 {
		return acquiring.Invalid("Config.KeyName", "is longer than 32 characters")
	}
	switch c.FFD {
	case "":
		c.FFD = fiscal.FFD12
	case fiscal.FFD105, fiscal.FFD12:
	default:
		return acquiring.Invalid("Config.FFD", "is neither 1.05 nor 1.2")
	}
	if c.Group == "" {
		c.Group = "Main_2"
		if c.FFD == fiscal.FFD105 {
			c.Group = "Main"
		}
	}
	if len([]rune(c.Group)) > 32 {
		return acquiring.Invalid("Config.Group", "is longer than 32 characters")
	}
	groups := make(map[fiscal.FFD]string, len(c.GroupByFFD)+1)
	for ffd, group := range c.GroupByFFD {
		if (ffd != fiscal.FFD105 && ffd != fiscal.FFD12) || group == "" || len([]rune(group)) > 32 {
			return acquiring.Invalid("Config.GroupByFFD", "holds a version other than 1.05 and 1.2, or a group without a name or with one longer than 32 characters")
		}
		groups[ffd] = group
	}
	if g, ok := groups[c.FFD]; ok && g != c.Group {
		return acquiring.Invalid("Config.GroupByFFD", "names another group for the version of Config.FFD than Config.Group")
	}
	groups[c.FFD] = c.Group
	c.GroupByFFD = groups
	if c.GroupKind > GroupCourier {
		return acquiring.Invalid("Config.GroupKind", "is not a kind of groups")
	}
	if c.Text > TextAsIs {
		return acquiring.Invalid("Config.Text", "is not a policy")
	}
	if _, ok := c.TaxSystem.Ordinal(); c.TaxSystem != 0 && !ok {
		return acquiring.Invalid("Config.TaxSystem", "is not one system of taxation")
	}
	if c.ReceiptURL == "" && c.Environment == acquiring.Production {
		c.ReceiptURL = ReceiptPages
	}
	c.ReceiptURL = strings.TrimSuffix(c.ReceiptURL, "/")
	return c.checkCallback()
}

func (c *Config) checkCallback() error {
	if c.CallbackURL != "" {
		u, err := url.Parse(c.CallbackURL)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return acquiring.Invalid("Config.CallbackURL", "is not an absolute http(s) address")
		}
		if q := u.Query(); q.Has(callbackDocument) || q.Has(callbackKey) {
			return acquiring.Invalid("Config.CallbackURL", "has a parameter od or odkey of its own: Submit adds these")
		}
		if c.CallbackSecret == "" && len(c.PrivateKey) == 0 {
			return acquiring.Invalid("Config.CallbackSecret", "is empty, and there is no PrivateKey to derive it from")
		}
	}
	if c.PreviousCallbackSecret != "" && c.CallbackSecret == "" && len(c.PrivateKey) == 0 {
		return acquiring.Invalid("Config.PreviousCallbackSecret", "is set without CallbackSecret; it is only the one before that")
	}
	if len([]rune(c.CallbackAPIKey)) > 3072 {
		return acquiring.Invalid("Config.CallbackAPIKey", "is longer than 3072 characters")
	}
	if c.CallbackAPIKeyHeader != "" && c.CallbackAPIKey == "" {
		return acquiring.Invalid("Config.CallbackAPIKey", "is empty, yet Config.CallbackAPIKeyHeader wants it")
	}
	return nil
}

// setSigner reads the signing key.
func (c *Client) setSigner() error {
	var secret []byte
	switch {
	case c.conf.Signer != nil && len(c.conf.PrivateKey) > 0:
		return acquiring.Invalid("Config.Signer", "and Config.PrivateKey are both set: one of them signs")
	case c.conf.Signer != nil:
		if _, ok := c.conf.Signer.Public().(*rsa.PublicKey); !ok {
			return acquiring.Invalid("Config.Signer", "is not an RSA key")
		}
		c.signer = c.conf.Signer
	case len(c.conf.PrivateKey) == 0:
		return acquiring.Invalid("Config.PrivateKey", "is empty: the RSA key whose public half is registered in the cabinet")
	default:
		key, err := ParsePrivateKey(c.conf.PrivateKey, c.conf.PrivateKeyPassword)
		if err != nil {
			return asField("Config.PrivateKey", err)
		}
		if key.N.BitLen() < 1024 {
			return acquiring.Invalid("Config.PrivateKey", "is shorter than 1024 bits")
		}
		c.signer = key
		secret = x509.MarshalPKCS1PrivateKey(key)
	}
	if c.conf.CallbackSecret != "" {
		secret = []byte(c.conf.CallbackSecret)
	}
	if secret == nil {
		return nil
	}
	var err error
	if c.callback, err = webhook.NewHMAC(sha256.New, callbackToken(secret)); err != nil {
		return err
	}
	if c.conf.PreviousCallbackSecret != "" {
		c.past, err = webhook.NewHMAC(sha256.New, callbackToken([]byte(c.conf.PreviousCallbackSecret)))
	}
	return err
}

// setTransport reads the certificate and makes the HTTP client.
func (c *Client) setTransport() error {
	var certs []tls.Certificate
	switch {
	case c.conf.TLSCertificate != nil && len(c.conf.Certificate) > 0:
		return acquiring.Invalid("Config.TLSCertificate", "and Config.Certificate are both set: one of them is meant")
	case c.conf.TLSCertificate != nil:
		certs = []tls.Certificate{*c.conf.TLSCertificate}
	case len(c.conf.Certificate) > 0:
		cert, err := ParseCertificate(c.conf.Certificate, c.conf.CertificateKey, c.conf.CertificatePassword)
		if err != nil {
			return err
		}
		certs = []tls.Certificate{cert}
	case c.conf.HTTPClient == nil:
		return acquiring.Invalid("Config.Certificate", "is empty: the service lets nobody in without its client certificate (INN.crt and INN.key of the cabinet)")
	}
	if len(certs) > 0 {
		c.cert = certs[0].Leaf
		if c.cert == nil && len(certs[0].Certificate) > 0 {
			c.cert, _ = x509.ParseCertificate(certs[0].Certificate[0])
		}
		if c.cert == nil {
			return acquiring.Invalid("Config.TLSCertificate", "holds no certificate")
		}
		if pub, ok := c.cert.PublicKey.(*rsa.PublicKey); ok && pub.Equal(c.signer.Public()) && c.conf.Environment == acquiring.Production {
			return acquiring.Invalid("Config.PrivateKey", "is the key of the certificate: the signing key is another one")
		}
	}
	httpClient, err := c.conf.httpClient(certs)
	if err != nil {
		return err
	}
	c.rest, err = rest.New(rest.Options{
		Provider: Provider, Shop: c.conf.Shop, BaseURL: c.conf.BaseURL, HTTPClient: httpClient,
		RussianRoots: c.conf.RussianRoots, Roots: c.conf.RootCAs, Certificates: certs,
		Logger: c.conf.Logger, Observe: c.conf.Observe, Secrets: []string{c.conf.CallbackSecret, c.conf.CallbackAPIKey},
		Timeout: c.conf.Timeout, Retries: c.conf.Retries,
	})
	return err
}

// httpClient is the user's client with the certificate in a copy of its
// transport; nil when he has none.
func (c *Config) httpClient(certs []tls.Certificate) (*http.Client, error) {
	if c.HTTPClient == nil || (len(certs) == 0 && len(c.RootCAs) == 0 && !c.RussianRoots) {
		return c.HTTPClient, nil
	}
	base := c.HTTPClient.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	transport, ok := base.(*http.Transport)
	if !ok {
		return nil, acquiring.Invalid("Config.HTTPClient", "has a transport of its own kind, which cannot be given the certificate and the roots: put them into it and leave Config.Certificate, RootCAs and RussianRoots empty")
	}
	transport = transport.Clone()
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if len(certs) > 0 {
		transport.TLSClientConfig.Certificates = certs
	}
	if len(c.RootCAs) > 0 || c.RussianRoots {
		var err error
		if transport.TLSClientConfig.RootCAs, err = rest.TrustedRoots(transport.TLSClientConfig.RootCAs, c.RootCAs, c.RussianRoots); err != nil {
			return nil, err
		}
	}
	own := *c.HTTPClient
	own.Transport = transport
	return &own, nil
}

// Sign is the value of X-Signature for the body: RSASSA-PKCS1-v1_5 over its
// SHA-256, in base64. There is no canonical form: what is signed is what is
// sent, byte for byte.
func (c *Client) Sign(body []byte) (string, error) {
	digest := sha256.Sum256(body)
	signature, err := c.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", &acquiring.Error{Provider: Provider, Op: "Sign", Kind: acquiring.ErrInvalid, Field: "Config.PrivateKey", Message: "cannot sign", Err: err}
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

// digits says whether the text is digits and nothing else.
func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// String shows the configuration without its secrets: printing a client, or a
// struct that holds one, gives nothing away.
func (c *Client) String() string { return "orangedata.Client{" + c.conf.String() + "}" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }
