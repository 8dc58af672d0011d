package alfabank_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
)

// conformanceWay is one of the ways in which the bank may be.
type conformanceWay struct {
	callbacks alfabanktest.CallbackSettings
	unknowns  alfabanktest.Unknowns
	scalars   alfabanktest.Scalars
	version   int // of the status
	attempts  int
	skip      map[string]string // beside what none can do
	steady    bool              // without the behaviours of a bank that is down, which wait and are the same in every way
}

// TestConformance runs the suite over the bank in each way that its documents
// leave open, with each way of callbacks.
func TestConformance(t *testing.T) {
	for name, way := range map[string]conformanceWay{
		"HMAC": {callbacks: alfabanktest.CallbackSettings{Crypto: alfabanktest.CryptoHMAC}},
		"RSA, form, scalars as in the examples": {callbacks: alfabanktest.CallbackSettings{Crypto: alfabanktest.CryptoRSA, Method: alfabanktest.CallbackForm},
			steady: true, scalars: alfabanktest.ScalarsExamples, unknowns: alfabanktest.Unknowns{Currency: "643", RegisterSaysZero: true}},
		"RSA with SHA-256, scalars as numbers": {callbacks: alfabanktest.CallbackSettings{Crypto: alfabanktest.CryptoRSASHA256},
			steady: true, scalars: alfabanktest.ScalarsNumber, unknowns: alfabanktest.Unknowns{OverRefundCode: 7, WrongStateCode: 5, SingleAsObject: true}},
		"unsigned, scalars at random": {callbacks: alfabanktest.CallbackSettings{Crypto: alfabanktest.CryptoNone}, scalars: alfabanktest.ScalarsRandom,
			unknowns: alfabanktest.Unknowns{TextPlain: true}},
		"refunds leave the deposited sum": {callbacks: alfabanktest.CallbackSettings{Crypto: alfabanktest.CryptoHMAC, Params: []string{"amount"}},
			unknowns: alfabanktest.Unknowns{RefundKeepsDeposited: true, ReverseKeepsAmounts: true}, steady: true,
			skip: map[string]string{"Hold/RefundAfterCapture": "after a part of the hold was taken, the status alone does not tell whether refunds lower depositedAmount"}},
		"one attempt, status of version 21": {callbacks: alfabanktest.CallbackSettings{Crypto: alfabanktest.CryptoHMAC}, version: 21, attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quirks := acquiringtest.Quirks{Signature: []string{"checksum"}, MaxOrderID: 32}
			if way.callbacks.Crypto == alfabanktest.CryptoNone {
				quirks.Signature, quirks.UnsignedCallbacks = nil, true
			}
			skip := map[string]string{}
			maps.Copy(skip, way.skip)
			if way.steady {
				skip["Fault"], skip["RefundFault"] = "they do not depend on this way", "they do not depend on this way"
			}
			acquiringtest.Run(t, acquiringtest.Harness{Provider: "alfabank", New: way.newShop, Quirks: quirks, BadConfigs: conformanceBadConfigs(), Skip: skip})
		})
	}
}

func conformanceBadConfigs() map[string]func() error {
	bad := func(change func(*alfabank.Config)) func() error {
		return func() error {
			c := alfabank.Config{Environment: acquiring.Test, UserName: "r-shop-api", Password: "secret-password"}
			change(&c)
			_, err := alfabank.New(c)
			return err
		}
	}
	return map[string]func() error{
		"Config.Environment":       bad(func(c *alfabank.Config) { c.Environment = 0 }),
		"Config.Password":          bad(func(c *alfabank.Config) { c.Password = "" }),
		"Config.UserName":          bad(func(c *alfabank.Config) { c.UserName = "" }),
		"Config.BaseURL":           bad(func(c *alfabank.Config) { c.BaseURL = "alfa.rbsuat.com" }),
		"Config.CallbackPublicKey": bad(func(c *alfabank.Config) { c.CallbackPublicKey = "not a key" }),
	}
}

// bankKeys are the bank's keys for the shops by their numbers: made once, as it
// takes a while.
var bankKeys = sync.OnceValue(func() map[int]*rsa.PrivateKey {
	keys := map[int]*rsa.PrivateKey{}
	for shop := 1; shop <= 3; shop++ {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[shop] = key
	}
	return keys
})

func (w conformanceWay) newShop(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.Shop {
	set := w.callbacks
	set.Key = fmt.Sprintf("key-of-shop-%d-xyz", opt.Number)
	m := alfabanktest.Merchant{UserName: fmt.Sprintf("r-shop%d-api", opt.Number), Password: fmt.Sprintf("Pa55-%d*word?%%", opt.Number), Callbacks: set, StatusVersion: w.version}
	options := []alfabanktest.Option{alfabanktest.WithMerchant(m), alfabanktest.WithSeed(uint64(opt.Number)), alfabanktest.WithUnknowns(w.unknowns), alfabanktest.WithScalars(w.scalars),
		alfabanktest.WithCallbackHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))}
	if set.Crypto == alfabanktest.CryptoRSA || set.Crypto == alfabanktest.CryptoRSASHA256 {
		options = append(options, alfabanktest.WithSigningKey(bankKeys()[opt.Number]))
	}
	if w.attempts > 0 {
		options = append(options, alfabanktest.WithAttempts(w.attempts))
	}
	srv := alfabanktest.NewServer(options...)
	t.Cleanup(srv.Close)
	cfg := srv.Config()
	cfg.Shop, cfg.Logger, cfg.HTTPClient = opt.Label, opt.Logger, opt.HTTPClient
	wrong := cfg
	wrong.Password = "not-the-password"
	secrets := []string{cfg.Password}
	if cfg.CallbackKey != "" {
		secrets = append(secrets, cfg.CallbackKey)
	}
	return &acquiringtest.Shop{
		Acquirer: conformanceClient(t, cfg),
		Wrong:    func() acquiring.Acquirer { return conformanceClient(t, wrong) },
		Secrets:  secrets,
		Config:   cfg,
		Pay:      func(id acquiring.PaymentID) error { return srv.Pay(string(id)) },
		Decline:  func(id acquiring.PaymentID) error { return srv.Decline(string(id)) },
		Expire:   func(id acquiring.PaymentID) error { return srv.Expire(string(id)) },
		Fail: func(f acquiringtest.Fault) error {
			kind, known := conformanceKinds[f.Kind]
			if len(conformanceOps[f.Op]) == 0 || !known {
				return errors.ErrUnsupported
			}
			for _, op := range conformanceOps[f.Op] {
				srv.Fail(alfabanktest.Fault{Op: op, Kind: kind, Times: f.Times, Delay: f.Delay})
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

var conformanceKinds = map[acquiringtest.FaultKind]alfabanktest.FaultKind{
	acquiringtest.ServerError: alfabanktest.ServerError, acquiringtest.Drop: alfabanktest.Drop, acquiringtest.HTML: alfabanktest.HTML,
	acquiringtest.Empty: alfabanktest.Empty, acquiringtest.RateLimited: alfabanktest.RateLimit, acquiringtest.LostAnswer: alfabanktest.LostAnswer,
	acquiringtest.Cut: alfabanktest.Cut, acquiringtest.Slow: alfabanktest.LostAnswer,
}

var conformanceOps = map[acquiringtest.Op][]string{
	acquiringtest.OpCreate: {"register.do", "registerPreAuth.do"}, acquiringtest.OpStatus: {"getOrderStatusExtended.do"},
	acquiringtest.OpRefund: {"refund.do"}, acquiringtest.OpCapture: {"deposit.do"}, acquiringtest.OpVoid: {"reverse.do"},
	acquiringtest.OpCancel: {"decline.do"}, acquiringtest.OpCharge: {"paymentOrderBinding.do"},
}

func conformanceClient(t testing.TB, c alfabank.Config) *alfabank.Client {
	t.Helper()
	client, err := alfabank.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
