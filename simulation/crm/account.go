package crm

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

// The providers, by the names that the program has for them.
const (
	Sberbank         = "sberbank"
	SberbankLegacy   = "sberbank-legacy"
	Alfabank         = "alfabank"
	PayMaster        = "paymaster"
	PayMasterClassic = "paymaster-classic"
	Tochka           = "tochka"
	PayKeeper        = "paykeeper"
)

// The cash registers. PayKeeper's is another account than that of its
// payments.
const (
	Komtet            = "komtet"
	OrangeData        = "orangedata"
	PayKeeperRegister = "paykeeper-register"
)

// Account is what the program needs to know of a provider: the fields of its
// Config, in one shape, so that they pass to another process.
type Account struct {
	BaseURL  string
	User     string // login; the shop's, the merchant's or the client's number
	Password string // or token
	Secret   string // of notifications
	Customer string // Tochka: customerCode; OrangeData: the INN
	Merchant string // PayMaster, Tochka
	Callback string // where it notifies, for who must know
	Queue    int    // Komtet

	PrivateKey, Certificate, CertificateKey, RootCAs []byte // OrangeData
}

// client is the provider's HTTP client; nil: its own.
type client = *http.Client

func (s *Shop) acquirer(name string, a Account, web client) (acquiring.Acquirer, error) {
	log := slog.New(slog.DiscardHandler)
	if s.conf.ClientLog != nil {
		log = s.conf.ClientLog
	}
	switch name {
	case Sberbank:
		return sberbank.New(sberbank.Config{Environment: acquiring.Test, BaseURL: a.BaseURL, UserName: a.User, Password: a.Password, CallbackKey: a.Secret,
			HTTPClient: web, Logger: log, Shop: name})
	case SberbankLegacy:
		return sberbank.New(sberbank.Config{Environment: acquiring.Test, Protocol: sberbank.ProtocolLegacy, BaseURL: a.BaseURL, UserName: a.User, Password: a.Password,
			CallbackKey: a.Secret, HTTPClient: web, Logger: log, Shop: name})
	case Alfabank:
		return alfabank.New(alfabank.Config{Environment: acquiring.Test, BaseURL: a.BaseURL, UserName: a.User, Password: a.Password, CallbackKey: a.Secret,
			HTTPClient: web, Logger: log, Shop: name})
	case PayMaster:
		return paymaster.New(paymaster.Config{Environment: acquiring.Test, BaseURL: a.BaseURL, MerchantID: a.Merchant, Token: a.Password, HTTPClient: web, Logger: log, Shop: name})
	case PayMasterClassic:
		return paymaster.NewClassic(paymaster.ClassicConfig{Environment: acquiring.Test, BaseURL: a.BaseURL, MerchantID: a.Merchant, SecretKey: a.Secret, Hash: paymaster.SHA256,
			Login: a.User, Password: a.Password, HTTPClient: web, Logger: log, Shop: name})
	case Tochka:
		return tochka.New(tochka.Config{Environment: acquiring.Test, BaseURL: a.BaseURL, Token: a.Password, ClientID: a.User, CustomerCode: a.Customer,
			MerchantID: a.Merchant, WebhookKey: a.Secret, Ledger: deeds{s}, HTTPClient: web, Logger: log, Shop: name})
	case PayKeeper:
		c, err := s.payKeeper(name, a, web, log)
		if err != nil {
			return nil, err
		}
		return c.Acquirer(), nil
	}
	return nil, fmt.Errorf("crm: no provider is called %q", name)
}

func (s *Shop) payKeeper(name string, a Account, web client, log *slog.Logger) (*paykeeper.Client, error) {
	return paykeeper.New(paykeeper.Config{Environment: acquiring.Test, BaseURL: a.BaseURL, User: a.User, Password: a.Password, Secret: a.Secret,
		CallbackURL: a.Callback, Store: kept{s}, Now: s.conf.Pace.now, HTTPClient: web, Logger: log, Shop: name})
}

func (s *Shop) register(name string, a Account, web client) (fiscal.Register, error) {
	log := slog.New(slog.DiscardHandler)
	if s.conf.ClientLog != nil {
		log = s.conf.ClientLog
	}
	const place = "https://school.example"
	switch name {
	case Komtet:
		return komtet.New(komtet.Config{Environment: acquiring.Test, BaseURL: a.BaseURL, ShopID: a.User, Secret: a.Secret, QueueID: a.Queue, CallbackURL: a.Callback,
			TaxSystem: fiscal.TaxSimplifiedIncome, Place: place, HTTPClient: web, Logger: log, Shop: name})
	case OrangeData:
		c := orangedata.Config{Environment: acquiring.Test, BaseURL: a.BaseURL, INN: a.Customer, KeyName: a.User, PrivateKey: a.PrivateKey, Group: a.Merchant,
			Certificate: a.Certificate, CertificateKey: a.CertificateKey, RootCAs: a.RootCAs, TaxSystem: fiscal.TaxSimplifiedIncome, CallbackURL: a.Callback,
			Timeout: time.Second, Logger: log, Shop: name}
		if s.conf.HTTP != nil { // a transport of the test's own holds no certificate
			c.HTTPClient, c.Certificate, c.CertificateKey = web, nil, nil
		}
		return orangedata.New(c)
	case PayKeeperRegister:
		return s.payKeeper(name, a, web, log)
	}
	return nil, fmt.Errorf("crm: no cash register is called %q", name)
}
