package main

import (
	"context"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/examples/internal/environ"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

// patient is a provider that can be examined.
type patient struct {
	variables []environ.Variable
	examine   func(environ.Getenv) (examination, error)
}

var patients = map[string]*patient{
	"sberbank":   {environ.SberbankVariables, examineSberbank},
	"alfabank":   {environ.AlfaBankVariables, examineAlfaBank},
	"komtet":     {environ.KomtetVariables, examineKomtet},
	"orangedata": {environ.OrangeDataVariables, examineOrangeData},
	"paykeeper":  {environ.PayKeeperVariables, examinePayKeeper},
	"paymaster":  {environ.PayMasterVariables, examinePayMaster},
	"tochka":     {environ.TochkaVariables, examineTochka},

	"paymaster-classic": {environ.PayMasterClassicVariables, examinePayMasterClassic},
}

// opposite is the other environment, and contour its name.
func opposite(e acquiring.Environment) acquiring.Environment {
	if e == acquiring.Test {
		return acquiring.Production
	}
	return acquiring.Test
}

func contour(asked acquiring.Environment) string { return opposite(asked).String() }

func examineSberbank(get environ.Getenv) (examination, error) {
	c, err := environ.Sberbank(get)
	if err != nil {
		return examination{}, err
	}
	e := examination{environment: c.Environment, callbackURL: get("SBERBANK_CALLBACK_URL"),
		unsigned: "each is believed only after the status was read back; ask the bank to switch the checksum on, and set SBERBANK_CALLBACK_KEY",
		checker:  func() (acquiring.Checker, error) { return sberbank.New(c) }}
	if c.BaseURL == "" {
		try := func(name string, change func(*sberbank.Config)) {
			other := c
			change(&other)
			e.others = append(e.others, elsewhere{name, func() (acquiring.Checker, error) { return sberbank.New(other) }})
		}
		try("the "+contour(c.Environment)+" contour", func(c *sberbank.Config) { c.Environment = opposite(c.Environment) })
		if c.Protocol == sberbank.ProtocolJSON && c.Environment == acquiring.Production {
			try(sberbank.ProductionURLEpay, func(c *sberbank.Config) { c.BaseURL = sberbank.ProductionURLEpay })
		}
		if c.Protocol == sberbank.ProtocolJSON {
			try("the legacy gateway", func(c *sberbank.Config) { c.Protocol = sberbank.ProtocolLegacy })
		}
	}
	e.address = c.BaseURL
	if e.address == "" {
		e.address = map[sberbank.Protocol]map[acquiring.Environment]string{
			sberbank.ProtocolJSON:   {acquiring.Test: sberbank.TestURL, acquiring.Production: sberbank.ProductionURL},
			sberbank.ProtocolLegacy: {acquiring.Test: sberbank.LegacyTestURL, acquiring.Production: sberbank.LegacyProductionURL},
		}[c.Protocol][c.Environment]
	}
	switch {
	case c.CallbackKey != "":
		e.signed = "HMAC-SHA256 with SBERBANK_CALLBACK_KEY"
	case c.CallbackPublicKey != "":
		e.signed = "RSA with the key of SBERBANK_CALLBACK_CERT"
	}
	return e, nil
}

func examineKomtet(get environ.Getenv) (examination, error) {
	c, err := environ.Komtet(get)
	if err != nil {
		return examination{}, err
	}
	e := examination{address: c.BaseURL, environment: c.Environment, callbackURL: c.CallbackURL, signed: "HMAC-MD5 with KOMTET_SECRET, over KOMTET_CALLBACK_URL byte for byte",
		checker: func() (acquiring.Checker, error) { return komtet.New(c) }}
	if e.address == "" {
		e.address = komtet.DefaultBaseURL
	}
	return e, nil
}

func examineOrangeData(get environ.Getenv) (examination, error) {
	c, err := environ.OrangeData(get)
	if err != nil {
		return examination{}, err
	}
	e := examination{address: c.BaseURL, environment: c.Environment,
		unsigned: "the service signs none; the client puts a keyed digest into the address and reads the document back",
		checker:  func() (acquiring.Checker, error) { return orangedata.New(c) }}
	if e.address == "" {
		e.address = map[acquiring.Environment]string{acquiring.Test: orangedata.BaseTest, acquiring.Production: orangedata.BaseProduction}[c.Environment]
	}
	return e, nil
}

func examinePayKeeper(get environ.Getenv) (examination, error) {
	c, err := environ.PayKeeper(get)
	if err != nil {
		return examination{}, err
	}
	e := examination{address: c.BaseURL, environment: c.Environment, signed: "MD5 with PAYKEEPER_SECRET, and the payment is read back",
		checker: func() (acquiring.Checker, error) {
			k, err := paykeeper.New(c)
			if err != nil {
				return nil, err
			}
			return k.Acquirer(), nil
		}}
	if e.address == "" {
		e.address = c.Server
		if !strings.Contains(e.address, "://") {
			e.address = "https://" + e.address
		}
	}
	return e, nil
}

func examineAlfaBank(get environ.Getenv) (examination, error) {
	c, err := environ.AlfaBank(get)
	if err != nil {
		return examination{}, err
	}
	e := examination{environment: c.Environment, callbackURL: get("ALFABANK_CALLBACK_URL"),
		unsigned: "each is believed only after the status was read back; order the checksum from the bank's support, and set ALFABANK_CALLBACK_KEY",
		checker:  func() (acquiring.Checker, error) { return alfabank.New(c) }}
	if c.BaseURL == "" {
		try := func(name string, change func(*alfabank.Config)) {
			other := c
			change(&other)
			e.others = append(e.others, elsewhere{name, func() (acquiring.Checker, error) { return alfabank.New(other) }})
		}
		try("the "+contour(c.Environment)+" contour", func(c *alfabank.Config) { c.Environment = opposite(c.Environment) })
		if c.Environment == acquiring.Production {
			for _, address := range []string{alfabank.ProductionURLPayment, alfabank.ProductionURLPay, alfabank.ProductionURLEcom} {
				try(address, func(c *alfabank.Config) { c.BaseURL = address })
			}
		}
	}
	e.address = c.BaseURL
	if e.address == "" {
		// As the client has it: in production the login says which of the
		// bank's installations it belongs to.
		switch {
		case c.Environment == acquiring.Test:
			e.address = alfabank.TestURL
		case strings.HasPrefix(c.UserName, "r-"):
			e.address = alfabank.ProductionURLPayment
		default:
			e.address = alfabank.ProductionURLPay
		}
	}
	switch {
	case c.CallbackKey != "":
		e.signed = "HMAC-SHA256 with ALFABANK_CALLBACK_KEY"
	case c.CallbackPublicKey != "":
		e.signed = "RSA with the key of ALFABANK_CALLBACK_CERT"
	}
	return e, nil
}

func examinePayMaster(get environ.Getenv) (examination, error) {
	c, err := environ.PayMaster(get)
	if err != nil {
		return examination{}, err
	}
	e := examination{address: c.BaseURL, environment: c.Environment, callbackURL: get("PAYMASTER_CALLBACK_URL"),
		unsigned: "PayMaster signs none of this protocol; each payment is read back and compared, which the client does by itself",
		checker:  func() (acquiring.Checker, error) { return paymaster.New(c) }}
	if e.address == "" {
		e.address = paymaster.DefaultURL
	}
	return e, nil
}

func examinePayMasterClassic(get environ.Getenv) (examination, error) {
	c, err := environ.PayMasterClassic(get)
	if err != nil {
		return examination{}, err
	}
	e := examination{address: c.BaseURL, environment: c.Environment, callbackURL: get("PAYMASTER_CLASSIC_CALLBACK_URL"),
		signed:  "LMI_HASH with PAYMASTER_CLASSIC_SECRET_KEY; the kind of hash must be the one of the cabinet (Тип подписи)",
		checker: func() (acquiring.Checker, error) { return paymaster.NewClassic(c) }}
	if e.address == "" {
		e.address = paymaster.DefaultURL
	}
	return e, nil
}

func examineTochka(get environ.Getenv) (examination, error) {
	c, err := environ.Tochka(get)
	if err != nil {
		return examination{}, err
	}
	e := examination{address: c.BaseURL, environment: c.Environment, callbackURL: get("TOCHKA_CALLBACK_URL"),
		signed:  "RS256 with the bank's own key",
		checker: func() (acquiring.Checker, error) { return discovering{c}, nil }}
	if e.address == "" {
		e.address = map[acquiring.Environment]string{acquiring.Test: tochka.SandboxURL, acquiring.Production: tochka.ProductionURL}[c.Environment]
	}
	return e, nil
}

// discovering finds out which company to check where none is named.
type discovering struct{ conf tochka.Config }

func (d discovering) Check(ctx context.Context) error {
	client, err := tochka.New(d.conf)
	if err != nil {
		return err
	}
	if d.conf.CustomerCode == "" {
		found, err := client.Discover(ctx)
		if err != nil {
			return err
		}
		for _, company := range found.Companies {
			if points := company.Usable(); len(points) > 0 {
				d.conf.CustomerCode, d.conf.MerchantID = company.CustomerCode, points[0].MerchantID
			}
		}
		if client, err = tochka.New(d.conf); err != nil {
			return err
		}
	}
	return client.Check(ctx)
}
