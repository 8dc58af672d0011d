package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

// Provider is one of the services; it is also its prefix in addresses.
type Provider string

// The providers.
const (
	Sberbank   Provider = "sberbank" // both gateways
	AlfaBank   Provider = "alfabank"
	PayMaster  Provider = "paymaster" // both protocols
	Tochka     Provider = "tochka"
	Komtet     Provider = "komtet"
	OrangeData Provider = "orangedata" // has a port of its own
	PayKeeper  Provider = "paykeeper"
)

// Providers are all of them, in the order of the pages.
func Providers() []Provider {
	return []Provider{Sberbank, AlfaBank, PayMaster, Tochka, PayKeeper, Komtet, OrangeData}
}

// Emulator is what all emulators have.
type Emulator interface {
	Close()
	Handler() http.Handler
	Fail(emulator.Fault)
	ClearFaults()
	Mischief(emulator.Mischief)
	Deliver() int
	Deliveries() []emulator.Delivery
	Resend(id string) error
	Forge(id string) error
	Requests() []emulator.Exchange
	Advance(d time.Duration)
}

// Emulator is what any provider's emulator has; nil: there is no such
// provider.
func (s *Sandbox) Emulator(p Provider) Emulator {
	switch p {
	case Sberbank:
		return s.Sberbank
	case AlfaBank:
		return s.AlfaBank
	case PayMaster:
		return s.PayMaster
	case Tochka:
		return s.Tochka
	case Komtet:
		return s.Komtet
	case OrangeData:
		return s.OrangeData
	case PayKeeper:
		return s.PayKeeper
	}
	return nil
}

func (s *Sandbox) emulators() []Emulator {
	var out []Emulator
	for _, p := range Providers() {
		out = append(out, s.Emulator(p))
	}
	return out
}

// SetCallbackURL says where the provider notifies from now on, as its cabinet
// does; "": nowhere. OrangeData has no such setting, each document names its
// own address: there it is that of the receipts which the pages print.
func (s *Sandbox) SetCallbackURL(p Provider, address string) error {
	if address != "" {
		if err := webAddress(address); err != nil {
			return err
		}
	}
	switch e := s.Emulator(p).(type) {
	case interface{ SetCallbackURL(string) }:
		e.SetCallbackURL(address)
	case nil:
		return fmt.Errorf("sandbox: no provider %q", p)
	}
	s.mu.Lock()
	s.callbacks[p] = address
	s.mu.Unlock()
	return nil
}

// webAddress says why an address cannot be called.
func webAddress(address string) error {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q — не адрес http(s)", address)
	}
	return nil
}

// CallbackURL is the address that SetCallbackURL set.
func (s *Sandbox) CallbackURL(p Provider) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callbacks[p]
}

// SberbankConfig is of a client of the new gateway.
func (s *Sandbox) SberbankConfig() sberbank.Config {
	c := s.Sberbank.Config()
	c.HTTPClient = nil
	return c
}

// SberbankLegacyConfig is of a client of the legacy gateway.
func (s *Sandbox) SberbankLegacyConfig() sberbank.Config {
	c := s.Sberbank.ConfigLegacy()
	c.HTTPClient = nil
	return c
}

// AlfaBankConfig is of a client of Alfa-Bank.
func (s *Sandbox) AlfaBankConfig() alfabank.Config {
	c := s.AlfaBank.Config()
	c.HTTPClient = nil
	return c
}

// PayMasterConfig is of a client of REST API v2.
func (s *Sandbox) PayMasterConfig() paymaster.Config {
	c := s.PayMaster.Config()
	c.HTTPClient = nil
	return c
}

// PayMasterClassicConfig is of a client of the classic protocol.
func (s *Sandbox) PayMasterClassicConfig() paymaster.ClassicConfig {
	c := s.PayMaster.ClassicConfig()
	c.HTTPClient = nil
	return c
}

// TochkaConfig is of a client with a JWT key.
func (s *Sandbox) TochkaConfig() tochka.Config { return s.Tochka.Config() }

// TochkaOAuthConfig is of the registered application.
func (s *Sandbox) TochkaOAuthConfig() tochka.OAuthConfig { return s.Tochka.OAuthConfig() }

// KomtetConfig is of a client of Komtet Kassa.
func (s *Sandbox) KomtetConfig() komtet.Config { return s.Komtet.Config() }

// OrangeDataConfig is of a client of OrangeData, with its certificate and the
// authority of the emulator's own.
func (s *Sandbox) OrangeDataConfig() orangedata.Config {
	c := s.OrangeData.Config()
	c.ReceiptURL = s.URL + "/" + string(OrangeData)
	return c
}

// SetPayKeeperTwoStage switches two-stage payments on or off in PayKeeper's
// cabinet: no single invoice can ask for them there. A client made before has
// another Config then.
func (s *Sandbox) SetPayKeeperTwoStage(on bool) {
	s.PayKeeper.SetTwoStage(on)
	s.mu.Lock()
	delete(s.clients, way{PayKeeper, ""})
	s.mu.Unlock()
}

// PayKeeperConfig is of a client of PayKeeper.
func (s *Sandbox) PayKeeperConfig() paykeeper.Config { return s.PayKeeper.Config() }
