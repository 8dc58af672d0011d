// Package shops opens the merchant accounts that a program's configuration
// file lists: any number, at any of the four acquirers.
//
//	{"code": "moscow", "name": "Москва", "provider": "sberbank",
//	 "settings": {"environment": "test", "username": "school-api", "password": "$SBERBANK_PASSWORD", "callback_key": "…"}}
//
// The settings are those of package environ, without the provider's name and
// in small letters: SBERBANK_CALLBACK_KEY is callback_key. A value that begins
// with a dollar sign is read from the environment, so that the file need hold
// no secret.
package shops

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/examples/internal/environ"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

// Shop is one merchant account as the file has it.
type Shop struct {
	Code     string            `json:"code"`           // small Latin letters, digits and -: a part of the callback address
	Name     string            `json:"name,omitempty"` // for people
	Provider string            `json:"provider"`       // one of Providers
	Settings map[string]string `json:"settings"`
}

// Account is an opened Shop.
type Account struct {
	Code     string
	Name     string // Code where the file gives none
	Provider string
	Acquirer acquiring.Acquirer
	// Environment is the contour: test where the settings name none.
	Environment acquiring.Environment
}

// Options are common to all shops.
type Options struct {
	Getenv     environ.Getenv // reads values that begin with $; nil: they are refused
	Logger     *slog.Logger
	HTTPClient *http.Client // nil: each provider's own
	// Ledger remembers Tochka's refunds by their keys; nil: in memory, so that a
	// refund asked for again after a restart may be made twice.
	Ledger tochka.Ledger
}

// provider is how an account is opened from its settings.
type provider struct {
	prefix string // of the variables
	vars   []environ.Variable
	open   func(get environ.Getenv, shop string, opt Options) (acquiring.Acquirer, error)
}

var providers = map[string]provider{
	"sberbank": {"SBERBANK_", environ.SberbankVariables, func(get environ.Getenv, shop string, opt Options) (acquiring.Acquirer, error) {
		c, err := environ.Sberbank(get)
		if err != nil {
			return nil, err
		}
		c.Shop, c.Logger, c.HTTPClient = shop, opt.Logger, opt.HTTPClient
		return sberbank.New(c)
	}},
	"alfabank": {"ALFABANK_", environ.AlfaBankVariables, func(get environ.Getenv, shop string, opt Options) (acquiring.Acquirer, error) {
		c, err := environ.AlfaBank(get)
		if err != nil {
			return nil, err
		}
		c.Shop, c.Logger, c.HTTPClient = shop, opt.Logger, opt.HTTPClient
		return alfabank.New(c)
	}},
	"paymaster": {"PAYMASTER_", environ.PayMasterVariables, func(get environ.Getenv, shop string, opt Options) (acquiring.Acquirer, error) {
		c, err := environ.PayMaster(get)
		if err != nil {
			return nil, err
		}
		c.Shop, c.Logger, c.HTTPClient = shop, opt.Logger, opt.HTTPClient
		return paymaster.New(c)
	}},
	"paymaster-classic": {"PAYMASTER_CLASSIC_", environ.PayMasterClassicVariables, func(get environ.Getenv, shop string, opt Options) (acquiring.Acquirer, error) {
		c, err := environ.PayMasterClassic(get)
		if err != nil {
			return nil, err
		}
		c.Shop, c.Logger, c.HTTPClient = shop, opt.Logger, opt.HTTPClient
		return paymaster.NewClassic(c)
	}},
	"tochka": {"TOCHKA_", environ.TochkaVariables, func(get environ.Getenv, shop string, opt Options) (acquiring.Acquirer, error) {
		c, err := environ.Tochka(get)
		if err != nil {
			return nil, err
		}
		c.Shop, c.Logger, c.HTTPClient, c.Ledger = shop, opt.Logger, opt.HTTPClient, opt.Ledger
		return tochka.New(c)
	}},
}

// Providers are the names that Shop.Provider may have.
func Providers() []string {
	var names []string
	for name := range providers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Open opens one account. The error names the shop and the setting.
func (s Shop) Open(opt Options) (Account, error) {
	fail := func(format string, args ...any) (Account, error) {
		return Account{}, fmt.Errorf("shop %q: %w", s.Code, fmt.Errorf(format, args...))
	}
	if s.Code == "" || strings.Trim(s.Code, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fail("code must be small Latin letters, digits and -")
	}
	p, ok := providers[s.Provider]
	if !ok {
		return fail("provider is %q; it must be one of %s", s.Provider, strings.Join(Providers(), ", "))
	}
	values := map[string]string{}
	for name, value := range s.Settings {
		variable := p.prefix + strings.ToUpper(name)
		if !slices.ContainsFunc(p.vars, func(v environ.Variable) bool { return v.Name == variable }) {
			return fail("settings.%s is not a setting of %s", name, s.Provider)
		}
		resolved, err := Resolve(value, opt.Getenv)
		if err != nil {
			return fail("settings.%s: %w", name, err)
		}
		values[variable] = resolved
	}
	get := func(name string) string { return values[name] }
	for _, v := range environ.Missing(p.vars, get) {
		return fail("settings.%s is missing: %s", strings.ToLower(strings.TrimPrefix(v.Name, p.prefix)), v.Doc)
	}
	env, err := environ.Environment(get(p.prefix + "ENVIRONMENT"))
	if err != nil {
		return fail("settings.environment: %w", err)
	}
	a, err := p.open(get, s.Code, opt)
	if err != nil {
		return fail("%w", err)
	}
	name := s.Name
	if name == "" {
		name = s.Code
	}
	return Account{Code: s.Code, Name: name, Provider: s.Provider, Acquirer: a, Environment: env}, nil
}

// Resolve is the value itself, or that of the variable which it names with a
// dollar sign.
func Resolve(value string, get environ.Getenv) (string, error) {
	name, ok := strings.CutPrefix(value, "$")
	if !ok {
		return value, nil
	}
	if get == nil {
		return "", fmt.Errorf("%s is a variable of the environment, and there is none here", value)
	}
	if v := get(name); v != "" {
		return v, nil
	}
	return "", fmt.Errorf("the environment has no %s", name)
}

// Open opens all accounts; two with one code are an error.
func Open(list []Shop, opt Options) ([]Account, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("shops: there is none")
	}
	var out []Account
	for _, s := range list {
		if slices.ContainsFunc(out, func(a Account) bool { return a.Code == s.Code }) {
			return nil, fmt.Errorf("shops: two have the code %q", s.Code)
		}
		a, err := s.Open(opt)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
