package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
)

// Config is the bridge's configuration, as the file has it. A text that begins
// with a dollar sign, "$NAME", stands for the variable of the environment.
type Config struct {
	Listen        string `json:"listen"`         // address of this machine; ":8080"
	PublicURL     string `json:"public_url"`     // as the CRM, the banks and the customers see it: https://pay.shop.example
	Database      string `json:"database"`       // a file for SQLite, or postgres://…
	AdminPassword string `json:"admin_password"` // of the page /settings; at least 8 characters
	Timezone      string `json:"timezone"`       // of the CRM accounts; "Europe/Moscow"

	Module   ModuleConfig      `json:"module"`
	Shops    []ShopConfig      `json:"shops"`
	Statuses map[string]string `json:"statuses"` // acquiring.Status to the CRM's invoice status; over DefaultStatuses
	VAT      map[string]string `json:"vat"`      // the CRM's name of a rate to fiscal.VAT; over DefaultVAT

	SlugLength      int      `json:"slug_length"`       // of /pay/…; 8, at least 6
	RenewAfter      Duration `json:"renew_after"`       // a session younger than this is used again; 1m
	RefundRepeat    Duration `json:"refund_repeat"`     // the same refund asked for within this time is the same; 1m, below 0: never
	RefundsInUpdate string   `json:"refunds_in_update"` // which refunds update-invoice carries: "foreign" (made in the bank's cabinet or late; default) or "all"
	KeepDays        int      `json:"keep_days"`         // how long an unpaid attempt is asked for at the bank; 7
	// WatchRefundsDays is how long after its payment, or its last refund, a paid
	// invoice is asked for at the bank: not every bank announces a refund that
	// was made in its cabinet. 14.
	WatchRefundsDays int    `json:"watch_refunds_days"`
	CRMRate          int    `json:"crm_rate"`         // requests a second for an account, whose limit is 10; 9
	ClientIPHeader   string `json:"client_ip_header"` // of a trusted proxy, for the limits of /pay and of the password; "": the connection's address
	LinkPage         bool   `json:"link_page"`        // /pay shows a page with a button first, and only the button opens a session
	AllowHTTP        bool   `json:"allow_http"`       // for a try-out: public_url without https
}

// ModuleConfig is how the module shows itself in the CRM.
type ModuleConfig struct {
	Code      string   `json:"code"`   // in the account; "acquiring-bridge"
	Name      string   `json:"name"`   // "Приём платежей"
	Logo      string   `json:"logo"`   // address of an SVG; "": the bridge's own
	Secret    string   `json:"secret"` // issued by RetailCRM for one-step connections; "": by key only
	Countries []string `json:"countries"`
	// Permissions are those that a key pasted by hand must have; nil:
	// crm.Permissions.
	Permissions []string `json:"permissions"`
}

// ShopConfig is one bank shop.
type ShopConfig struct {
	Code        string          `json:"code"` // unique; payment types of the CRM are bound to it
	Name        string          `json:"name"`
	Accounts    []string        `json:"accounts"`    // addresses of the CRM accounts that have it; none: all
	Disabled    bool            `json:"disabled"`    // refuses new invoices, serves the old ones
	Provider    string          `json:"provider"`    // sberbank, alfabank, paymaster, paymaster-classic, tochka
	Environment string          `json:"environment"` // test or production
	Settings    json.RawMessage `json:"settings"`    // the provider's Config by its field names; secrets as $NAME

	Hold     bool     `json:"hold"`      // two-stage: the money is held first
	Manual   bool     `json:"manual"`    // a hold waits for the manager's approve; otherwise it is taken after the CRM's check
	Check    *bool    `json:"check"`     // ask the CRM before money is taken; true
	HoldTerm Duration `json:"hold_term"` // until when a hold waits; 168h
	// FailedCheck is what happens to a payment without hold that the CRM
	// refuses after it was made: "keep" (a note; default) or "refund".
	FailedCheck string   `json:"failed_check"`
	Session     Duration `json:"session"`      // life of the bank's page; 30m
	LatePayment string   `json:"late_payment"` // money that came after the link was cancelled: "refund" (default) or "keep"
	Receipts    string   `json:"receipts"`     // "acquirer": the bank prints them; "none" (default)
	TaxSystem   string   `json:"tax_system"`   // osn, usn_income, usn_income_outcome, esn, patent; "": as set at the bank
	Place       string   `json:"place"`        // место расчётов, the site's address
	INN         string   `json:"inn"`          // of the seller, where the bank wants it in the receipt
	Email       string   `json:"email"`        // of the seller, the same: Sberbank demands it
	NoCallback  bool     `json:"no_callback"`  // do not send the callback address with each order: it is set in the bank's cabinet
}

func (s ShopConfig) check() bool { return s.Check == nil || *s.Check }

// Duration is a time.Duration written "30m".
type Duration time.Duration

// UnmarshalJSON reads "30m".
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New(`a duration is written like "30m"`)
	}
	v, err := time.ParseDuration(s)
	*d = Duration(v)
	return err
}

// MarshalJSON writes "30m0s".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// ReadConfig reads a configuration. An unknown field is an error: a setting
// that was mistyped would otherwise be silently off.
func ReadConfig(r io.Reader, getenv func(string) string) (Config, error) {
	var raw any
	dec := json.NewDecoder(r)
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return Config{}, fmt.Errorf("the configuration is not JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Config{}, errors.New("the configuration: something follows the object")
	}
	var missing []string
	raw = expand(raw, getenv, &missing)
	if len(missing) > 0 {
		slices.Sort(missing)
		return Config{}, fmt.Errorf("the configuration names variables that are not set: %s", strings.Join(slices.Compact(missing), ", "))
	}
	b, err := json.Marshal(raw)
	if err != nil {
		return Config{}, err
	}
	var c Config
	strict := json.NewDecoder(strings.NewReader(string(b)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("the configuration: %w", err)
	}
	return c, c.complete()
}

// ReadConfigFile reads a file with the variables of the environment.
func ReadConfigFile(name string) (Config, error) {
	f, err := os.Open(name)
	if err != nil {
		return Config{}, err
	}
	defer f.Close()
	return ReadConfig(f, os.Getenv)
}

// expand puts variables in the place of "$NAME".
func expand(v any, getenv func(string) string, missing *[]string) any {
	switch v := v.(type) {
	case string:
		value, err := shops.Resolve(v, getenv)
		if err != nil {
			*missing = append(*missing, strings.TrimPrefix(v, "$"))
		}
		return value
	case []any:
		for i := range v {
			v[i] = expand(v[i], getenv, missing)
		}
	case map[string]any:
		for k := range v {
			v[k] = expand(v[k], getenv, missing)
		}
	}
	return v
}

// complete fills in the defaults and checks what needs no provider.
func (c *Config) complete() error {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	dur := func(d *Duration, v time.Duration) {
		if *d == 0 {
			*d = Duration(v)
		}
	}
	def(&c.Listen, ":8080")
	def(&c.Database, "retailcrm.db")
	def(&c.Timezone, "Europe/Moscow")
	def(&c.Module.Code, "acquiring-bridge")
	def(&c.Module.Name, "Приём платежей")
	def(&c.RefundsInUpdate, "foreign")
	dur(&c.RenewAfter, time.Minute)
	dur(&c.RefundRepeat, time.Minute)
	if c.SlugLength == 0 {
		c.SlugLength = 8
	}
	if c.KeepDays == 0 {
		c.KeepDays = 7
	}
	if c.WatchRefundsDays == 0 {
		c.WatchRefundsDays = 14
	}
	if c.Module.Permissions == nil {
		c.Module.Permissions = crm.Permissions()
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && c.AllowHTTP):
		return acquiring.Invalid("public_url", "is not an https address; allow_http takes http for a try-out on one machine")
	case len(c.AdminPassword) < 8:
		return acquiring.Invalid("admin_password", "has less than 8 characters")
	case c.SlugLength < 6 || c.SlugLength > 16:
		return acquiring.Invalid("slug_length", "is not between 6 and 16")
	case c.RefundsInUpdate != "foreign" && c.RefundsInUpdate != "all":
		return acquiring.Invalid("refunds_in_update", `is neither "foreign" nor "all"`)
	case c.KeepDays < 0:
		return acquiring.Invalid("keep_days", "is less than zero")
	case c.WatchRefundsDays < 0:
		return acquiring.Invalid("watch_refunds_days", "is less than zero")
	case len(c.Shops) == 0:
		return acquiring.Invalid("shops", "are none")
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		return acquiring.Invalid("timezone", err.Error())
	}
	if err := c.checkNames(); err != nil {
		return err
	}
	for i := range c.Shops {
		s := &c.Shops[i]
		at := fmt.Sprintf("shops[%d].", i)
		def(&s.Name, s.Code)
		def(&s.FailedCheck, "keep")
		def(&s.LatePayment, "refund")
		def(&s.Receipts, "none")
		dur(&s.HoldTerm, 7*24*time.Hour)
		dur(&s.Session, 30*time.Minute)
		again := slices.ContainsFunc(c.Shops[:i], func(o ShopConfig) bool { return o.Code == s.Code })
		switch {
		case !codeText.MatchString(s.Code) || again:
			return acquiring.Invalid(at+"code", "is empty, there twice, or other than up to 64 letters, digits, - and _")
		case s.Environment != "test" && s.Environment != "production":
			return acquiring.Invalid(at+"environment", `is neither "test" nor "production"`)
		case s.Manual && !s.Hold:
			return acquiring.Invalid(at+"manual", "needs hold: without it there is nothing to confirm")
		case s.FailedCheck != "keep" && s.FailedCheck != "refund":
			return acquiring.Invalid(at+"failed_check", `is neither "keep" nor "refund"`)
		case s.LatePayment != "keep" && s.LatePayment != "refund":
			return acquiring.Invalid(at+"late_payment", `is neither "refund" nor "keep"`)
		case s.Receipts != "none" && s.Receipts != "acquirer":
			return acquiring.Invalid(at+"receipts", `is neither "acquirer" nor "none"`)
		case s.Session < Duration(time.Minute):
			return acquiring.Invalid(at+"session", "is less than a minute")
		case s.HoldTerm < 0:
			return acquiring.Invalid(at+"hold_term", "is less than zero")
		}
		for _, a := range s.Accounts { // one of another form would be no account's
			if u, err := url.Parse(a); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
				return acquiring.Invalid(at+"accounts", fmt.Sprintf("has %q; an account's address is like https://account.retailcrm.ru", a))
			}
		}
		if _, ok := taxSystems[s.TaxSystem]; !ok {
			return acquiring.Invalid(at+"tax_system", "is not known")
		}
	}
	return nil
}

// DefaultStatuses are the CRM's invoice statuses by the payment's status. ""
// leaves the CRM's as it is: a link that expired or a card that was refused do
// not end the invoice, because the link can be opened again.
func DefaultStatuses() map[acquiring.Status]string {
	return map[acquiring.Status]string{
		acquiring.StatusPending: "pending", acquiring.StatusAuthorized: "waitingForCapture",
		acquiring.StatusPaid: "succeeded", acquiring.StatusPartiallyRefunded: "succeeded", acquiring.StatusRefunded: "refundSucceeded",
		acquiring.StatusVoided: "canceled", acquiring.StatusCanceled: "canceled",
		acquiring.StatusDeclined: "pending", acquiring.StatusExpired: "pending",
	}
}

// DefaultVAT are the rates by the CRM's names. The names of 5, 7 and 22 % are
// guessed: they are not published.
func DefaultVAT() map[string]fiscal.VAT {
	return map[string]fiscal.VAT{
		"": fiscal.VATNone, "none": fiscal.VATNone, "vat0": fiscal.VAT0, "vat10": fiscal.VAT10, "vat110": fiscal.VAT10of110,
		"vat20": fiscal.VAT20, "vat120": fiscal.VAT20of120, "vat5": fiscal.VAT5, "vat105": fiscal.VAT5of105,
		"vat7": fiscal.VAT7, "vat107": fiscal.VAT7of107, "vat22": fiscal.VAT22, "vat122": fiscal.VAT22of122,
	}
}

func (c Config) checkNames() error {
	for name := range c.Statuses {
		var s acquiring.Status
		if _ = s.UnmarshalText([]byte(name)); s == acquiring.StatusUnknown {
			return acquiring.Invalid("statuses", fmt.Sprintf("has %q, which is no status", name))
		}
	}
	for name, vat := range c.VAT {
		if !fiscal.VAT(vat).Valid() {
			return acquiring.Invalid("vat", fmt.Sprintf("gives %q for %q: that is no rate", vat, name))
		}
	}
	return nil
}

// statuses are the defaults with the configured ones over them.
func (c Config) statuses() map[acquiring.Status]string {
	m := DefaultStatuses()
	for name, word := range c.Statuses {
		var s acquiring.Status
		_ = s.UnmarshalText([]byte(name))
		m[s] = word
	}
	return m
}

func (c Config) vat() map[string]fiscal.VAT {
	m := DefaultVAT()
	for name, vat := range c.VAT {
		m[strings.ToLower(name)] = fiscal.VAT(vat)
	}
	return m
}
