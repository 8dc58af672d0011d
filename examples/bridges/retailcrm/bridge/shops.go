package bridge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

var codeText = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

var taxSystems = map[string]fiscal.TaxSystem{"": 0, "osn": fiscal.TaxGeneral, "usn_income": fiscal.TaxSimplifiedIncome,
	"usn_income_outcome": fiscal.TaxSimplifiedIncomeMinus, "esn": fiscal.TaxAgricultural, "patent": fiscal.TaxPatent}

// shop is a bank shop with its client.
type shop struct {
	ShopConfig
	bank acquiring.Acquirer
	hook string // the part of its callback address that nobody guesses
}

// Title is its name in the CRM. Test shops say so.
func (s *shop) Title() string {
	if s.Environment == "test" {
		return s.Name + " (test)"
	}
	return s.Name
}

// serves says whether the account of that address has the shop.
func (s *shop) serves(systemURL string) bool {
	return len(s.Accounts) == 0 || slices.ContainsFunc(s.Accounts, func(a string) bool {
		return strings.EqualFold(strings.TrimRight(a, "/"), systemURL)
	})
}

// open makes the provider's client of the configuration.
func (s ShopConfig) open(ledger tochka.Ledger, log *slog.Logger) (acquiring.Acquirer, error) {
	env := acquiring.Test
	if s.Environment == "production" {
		env = acquiring.Production
	}
	switch s.Provider {
	case "sberbank":
		c := sberbank.Config{Environment: env, Shop: s.Code, Logger: log}
		if err := s.read(&c); err != nil {
			return nil, err
		}
		return acquirerOf(sberbank.New(c))
	case "alfabank":
		c := alfabank.Config{Environment: env, Shop: s.Code, Logger: log}
		if err := s.read(&c); err != nil {
			return nil, err
		}
		return acquirerOf(alfabank.New(c))
	case "paymaster":
		c := paymaster.Config{Environment: env, Shop: s.Code, Logger: log}
		if err := s.read(&c); err != nil {
			return nil, err
		}
		return acquirerOf(paymaster.New(c))
	case "paymaster-classic":
		c := paymaster.ClassicConfig{Environment: env, Shop: s.Code, Logger: log}
		if err := s.read(&c); err != nil {
			return nil, err
		}
		return acquirerOf(paymaster.NewClassic(c))
	case "tochka":
		c := tochka.Config{Environment: env, Shop: s.Code, Logger: log, Ledger: ledger}
		if err := s.read(&c); err != nil {
			return nil, err
		}
		return acquirerOf(tochka.New(c))
	}
	return nil, acquiring.Invalid("provider", fmt.Sprintf("is %q; sberbank, alfabank, paymaster, paymaster-classic and tochka are known", s.Provider))
}

// acquirerOf keeps a nil client from becoming an Acquirer that is not nil.
func acquirerOf[C acquiring.Acquirer](client C, err error) (acquiring.Acquirer, error) {
	if err != nil {
		return nil, err
	}
	return client, nil
}

// fixed are the fields of a provider's Config that the bridge sets itself.
var fixed = []string{"environment", "shop", "logger", "httpclient", "ledger", "tokensource"}

// read puts the settings into the provider's Config, by the names of its
// fields in any case. A name that it does not have is an error.
func (s ShopConfig) read(into any) error {
	if len(s.Settings) == 0 {
		return nil
	}
	var names map[string]json.RawMessage
	if err := json.Unmarshal(s.Settings, &names); err != nil {
		return acquiring.Invalid("settings", "is not a JSON object")
	}
	for name := range names {
		if slices.Contains(fixed, strings.ToLower(name)) {
			return acquiring.Invalid("settings."+name, "is set by the shop itself")
		}
	}
	dec := json.NewDecoder(bytes.NewReader(s.Settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		why := "do not fit the fields of the provider's Config"
		if strings.Contains(err.Error(), "unknown field") { // any other words of the decoder might hold a value
			why = err.Error()
		}
		return acquiring.Invalid("settings", why)
	}
	return nil
}

// can says what the shop's bank lets do.
func (s *shop) capturer() (acquiring.Capturer, bool) {
	c, ok := s.bank.(acquiring.Capturer)
	return c, ok
}

func (s *shop) canceler() (acquiring.Canceler, bool) {
	c, ok := s.bank.(acquiring.Canceler)
	return c, ok
}
