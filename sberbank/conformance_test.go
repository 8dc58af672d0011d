package sberbank_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// TestConformance runs the suite over both of the bank's gateways, each with
// another way of callbacks, and over the gateway that signs none.
func TestConformance(t *testing.T) {
	for name, way := range map[string]way{
		"new":           {protocol: sberbank.ProtocolJSON, callbacks: sberbanktest.CallbackSettings{Method: sberbanktest.CallbackJSON, Crypto: sberbanktest.CryptoHMAC}},
		"new, RSA":      {protocol: sberbank.ProtocolJSON, callbacks: sberbanktest.CallbackSettings{Method: sberbanktest.CallbackGET, Crypto: sberbanktest.CryptoRSA}},
		"new, unsigned": {protocol: sberbank.ProtocolJSON, callbacks: sberbanktest.CallbackSettings{Method: sberbanktest.CallbackJSON, Crypto: sberbanktest.CryptoNone}},
		"new, refunds lower the sum": {protocol: sberbank.ProtocolJSON, unknowns: sberbanktest.Unknowns{RefundLowersDeposited: true},
			callbacks: sberbanktest.CallbackSettings{Method: sberbanktest.CallbackForm, Crypto: sberbanktest.CryptoHMAC}},
		"legacy": {protocol: sberbank.ProtocolLegacy, callbacks: sberbanktest.CallbackSettings{Method: sberbanktest.CallbackGET, Crypto: sberbanktest.CryptoHMAC}},
	} {
		t.Run(name, func(t *testing.T) {
			quirks := acquiringtest.Quirks{Signature: []string{"checksum"}, MaxOrderID: 36, Silent: []acquiring.Status{acquiring.StatusDeclined}}
			if way.protocol == sberbank.ProtocolLegacy {
				quirks.MaxOrderID, quirks.MinRefund = 32, 100 // a ruble
			}
			if way.callbacks.Crypto == sberbanktest.CryptoNone {
				quirks.Signature, quirks.UnsignedCallbacks = nil, true
			}
			acquiringtest.Run(t, acquiringtest.Harness{Provider: "sberbank", New: way.newShop, Quirks: quirks, BadConfigs: badConfigs(way.protocol)})
		})
	}
}

func badConfigs(p sberbank.Protocol) map[string]func() error {
	bad := func(change func(*sberbank.Config)) func() error {
		return func() error {
			c := sberbank.Config{Environment: acquiring.Test, Protocol: p, UserName: "shop-api", Password: "secret-password"}
			change(&c)
			_, err := sberbank.New(c)
			return err
		}
	}
	return map[string]func() error{
		"Config.Environment":       bad(func(c *sberbank.Config) { c.Environment = 0 }),
		"Config.Password":          bad(func(c *sberbank.Config) { c.Password = "" }),
		"Config.UserName":          bad(func(c *sberbank.Config) { c.UserName = "" }),
		"Config.BaseURL":           bad(func(c *sberbank.Config) { c.BaseURL = "ecomtest.sberbank.ru" }),
		"Config.CallbackPublicKey": bad(func(c *sberbank.Config) { c.CallbackPublicKey = "not a key" }),
	}
}

// way is one of the ways in which the bank can be spoken to.
type way struct {
	protocol  sberbank.Protocol
	callbacks sberbanktest.CallbackSettings
	unknowns  sberbanktest.Unknowns
}

// client is of the type that has all of the gateway's calls.
func (w way) client(t testing.TB, cfg sberbank.Config) acquiring.Acquirer {
	if w.protocol != sberbank.ProtocolLegacy {
		return newClient(t, cfg)
	}
	c, err := sberbank.NewLegacy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w way) newShop(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.Shop {
	set := w.callbacks
	set.Key = fmt.Sprintf("key-of-shop-%d-xyz", opt.Number)
	m := sberbanktest.Merchant{UserName: fmt.Sprintf("shop%d-api", opt.Number), Password: fmt.Sprintf("Pa55-%d-word+%%", opt.Number), Callbacks: set, LegacyCallbacks: set}
	srv := sberbanktest.NewServer(sberbanktest.WithMerchant(m), sberbanktest.WithSeed(uint64(opt.Number)), sberbanktest.WithUnknowns(w.unknowns),
		sberbanktest.WithCallbackHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	t.Cleanup(srv.Close)
	cfg := srv.ConfigFor(m.UserName, w.protocol)
	cfg.Shop, cfg.Logger, cfg.HTTPClient = opt.Label, opt.Logger, opt.HTTPClient
	wrong := cfg
	wrong.Password = "not-the-password"
	secrets := []string{cfg.Password}
	if cfg.CallbackKey != "" {
		secrets = append(secrets, cfg.CallbackKey)
	}
	return &acquiringtest.Shop{
		Acquirer: w.client(t, cfg),
		Wrong:    func() acquiring.Acquirer { return w.client(t, wrong) },
		Secrets:  secrets,
		Config:   cfg,
		Pay:      func(id acquiring.PaymentID) error { return srv.Pay(string(id)) },
		Decline:  func(id acquiring.PaymentID) error { return srv.Decline(string(id)) },
		Expire:   func(id acquiring.PaymentID) error { return srv.Expire(string(id)) },
		Fail: func(f acquiringtest.Fault) error {
			kind, known := faultKinds[f.Kind]
			if len(faultOps[f.Op]) == 0 || !known {
				return errors.ErrUnsupported
			}
			for _, op := range faultOps[f.Op] {
				srv.Fail(sberbanktest.Fault{Op: op, Kind: kind, Times: f.Times, Delay: f.Delay})
			}
			return nil
		},
		Callbacks: func(id acquiring.PaymentID) (all []*http.Request) {
			srv.Deliver()
			for _, d := range srv.Deliveries() {
				if d.Order == string(id) {
					all = append(all, acquiringtest.Delivered(d.Method, d.URL, d.Header, d.Body))
				}
			}
			return all
		},
		Books: func(id acquiring.PaymentID) (acquiringtest.Books, error) {
			o, ok := srv.Order(string(id))
			if !ok {
				return acquiringtest.Books{}, errors.New("no such order")
			}
			b := acquiringtest.Books{Captured: o.Captured, Refunded: o.Refunded}
			for _, m := range o.Moves {
				if m.Kind == "refunded" {
					b.Refunds++
				}
			}
			return b, nil
		},
		Orders: func(orderID string) (ids []acquiring.PaymentID) {
			for _, o := range srv.Orders() {
				if acquiringtest.SameOrder(o.Number, orderID) && o.State != "declined" && o.State != "reversed" {
					ids = append(ids, acquiring.PaymentID(o.ID))
				}
			}
			return ids
		},
		Requests: func() int { return len(srv.Requests()) },
		Now:      srv.Now,
	}
}

var faultKinds = map[acquiringtest.FaultKind]sberbanktest.FaultKind{
	acquiringtest.ServerError: sberbanktest.ServerError, acquiringtest.Drop: sberbanktest.Drop, acquiringtest.HTML: sberbanktest.HTML,
	acquiringtest.Empty: sberbanktest.Empty, acquiringtest.RateLimited: sberbanktest.RateLimit, acquiringtest.LostAnswer: sberbanktest.LostAnswer,
	acquiringtest.Cut: sberbanktest.Cut, acquiringtest.Slow: sberbanktest.LostAnswer,
}

var faultOps = map[acquiringtest.Op][]string{
	acquiringtest.OpCreate: {"register.do", "registerPreAuth.do"}, acquiringtest.OpStatus: {"getOrderStatusExtended.do"},
	acquiringtest.OpRefund: {"refund.do"}, acquiringtest.OpCapture: {"deposit.do"}, acquiringtest.OpVoid: {"reverse.do"},
	acquiringtest.OpCancel: {"decline.do"}, acquiringtest.OpCharge: {"recurrentPayment.do"},
}

func newClient(t testing.TB, c sberbank.Config) *sberbank.Client {
	t.Helper()
	client, err := sberbank.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
