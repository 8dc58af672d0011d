package paykeeper_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
)

const hook = "https://shop.example/hooks/paykeeper"

func TestAcquirerConformance(t *testing.T) {
	const cabinet = "two-stage payments are a switch of the cabinet, and this account has it off"
	acquiringtest.Run(t, harness(false, map[string]string{
		"Token":              "an invoice cannot save a card; the posted form can (SignForm)",
		"Hold":               cabinet,
		"Create/HoldDiffers": cabinet,
	}))
}

// TestHoldConformance is the same account with two-stage payments switched on.
func TestHoldConformance(t *testing.T) {
	skip := map[string]string{}
	for _, name := range acquiringtest.Names() {
		if !strings.HasPrefix(name, "Hold/") {
			skip[name] = "shown with the account of one stage"
		}
	}
	acquiringtest.Run(t, harness(true, skip))
}

func harness(two bool, skip map[string]string) acquiringtest.Harness {
	return acquiringtest.Harness{
		Provider: "paykeeper", UnknownID: "20200101101530123", Skip: skip,
		Quirks: acquiringtest.Quirks{Signature: []string{"key"}, PayAfterDecline: true, DeclinedAs: acquiring.StatusPending, CanceledAs: acquiring.StatusExpired,
			Silent: []acquiring.Status{acquiring.StatusRefunded, acquiring.StatusPartiallyRefunded, acquiring.StatusVoided, acquiring.StatusDeclined,
				acquiring.StatusExpired, acquiring.StatusCanceled, acquiring.StatusPending}},
		Prepare: func(r *acquiring.InvoiceRequest) {
			r.FailURL, r.CallbackURL, r.Hold = "", hook, two
		},
		PrepareReceipt: func(r *fiscal.Receipt) {
			r.Seller, r.Cashier = fiscal.Seller{}, fiscal.Cashier{} // they come from the cabinet
		},
		BadConfigs: badConfigs(),
		New:        func(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.Shop { return newShop(t, opt, two) },
	}
}

func badConfigs() map[string]func() error {
	bad := func(change func(*paykeeper.Config)) func() error {
		return func() error {
			c := paykeeper.Config{Environment: acquiring.Test, Server: "lavka.server.paykeeper.ru", User: "u", Password: "p", Secret: "s"}
			change(&c)
			_, err := paykeeper.New(c)
			return err
		}
	}
	return map[string]func() error{
		"Config.Environment": bad(func(c *paykeeper.Config) { c.Environment = 0 }),
		"Config.User":        bad(func(c *paykeeper.Config) { c.User = "" }),
		"Config.Password":    bad(func(c *paykeeper.Config) { c.Password = "" }),
		"Config.Secret":      bad(func(c *paykeeper.Config) { c.Secret = "" }),
	}
}

func emulator(t testing.TB, opt acquiringtest.ShopOptions, more ...paykeepertest.Option) (*paykeepertest.Server, paykeeper.Config) {
	srv := paykeepertest.NewServer(append(more, paykeepertest.WithSeed(uint64(opt.Number)),
		paykeepertest.WithAccount("user", fmt.Sprintf("password-of-%s", opt.Label), fmt.Sprintf("secret-word-of-%s", opt.Label)),
		paykeepertest.WithCallbackURL(hook), paykeepertest.WithCallbackHandler(http.NotFoundHandler()))...)
	t.Cleanup(srv.Close)
	cfg := srv.Config()
	cfg.Shop, cfg.Logger, cfg.HTTPClient, cfg.CallbackURL = opt.Label, opt.Logger, opt.HTTPClient, hook
	return srv, cfg
}

func newShop(t testing.TB, opt acquiringtest.ShopOptions, two bool) *acquiringtest.Shop {
	var more []paykeepertest.Option
	if two {
		more = append(more, paykeepertest.WithTwoStage(), paykeepertest.WithHoldStatus("authorized"), paykeepertest.WithVoidStatus("canceled"))
	}
	srv, cfg := emulator(t, opt, more...)
	wrong := cfg
	wrong.Password = "not-the-password"
	return &acquiringtest.Shop{
		Acquirer: open(t, cfg).Acquirer(),
		Wrong:    func() acquiring.Acquirer { return open(t, wrong).Acquirer() },
		Secrets:  []string{cfg.Password, cfg.Secret},
		Config:   cfg,
		Pay:      func(id acquiring.PaymentID) error { return srv.Pay(string(id)) },
		Decline:  func(id acquiring.PaymentID) error { return srv.Decline(string(id)) },
		Expire:   func(id acquiring.PaymentID) error { return srv.Expire(string(id)) },
		Fail:     failing(srv),
		Callbacks: func(id acquiring.PaymentID) (all []*http.Request) {
			srv.Deliver()
			for _, i := range srv.Invoices() {
				for _, d := range srv.Deliveries() {
					if i.ID == string(id) && d.Order == i.PaymentID {
						all = append(all, acquiringtest.Delivered(d.Method, d.URL, d.Header, d.Body))
					}
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
			for _, i := range srv.Invoices() {
				if acquiringtest.SameOrder(i.Order, orderID) && i.Status != "expired" {
					ids = append(ids, acquiring.PaymentID(i.ID))
				}
			}
			return ids
		},
		Requests: func() int { return len(srv.Requests()) },
	}
}

func TestRegisterConformance(t *testing.T) {
	acquiringtest.RunRegister(t, acquiringtest.RegisterHarness{
		Provider: "paykeeper", UnknownID: "999999",
		Quirks:     acquiringtest.RegisterQuirks{UnsignedCallbacks: true, UnheardFailure: true},
		BadConfigs: badConfigs(),
		New: func(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.RegisterShop {
			srv, cfg := emulator(t, opt)
			cfg.Correction = &paykeeper.CorrectionFields{Kind: "correction_type", Date: "correction_date", Number: "correction_number"}
			cfg.Cashier.Name = "Щукина-Ёжикова Ф. Ъ." // as the suite's receipts have it
			wrong := cfg
			wrong.Password = "not-the-password"
			return &acquiringtest.RegisterShop{
				Register: open(t, cfg),
				Wrong:    func() fiscal.Register { return open(t, wrong) },
				Secrets:  []string{cfg.Password, cfg.Secret},
				Config:   cfg,
				Print:    func(id string) error { return srv.Print(id, false) },
				Refuse:   func(id string) error { return srv.Print(id, true) },
				Fail:     failing(srv),
				// The body of the receipt callback is not published: whatever
				// names the receipt makes the client read it back.
				Callbacks: func(id string) []*http.Request {
					return []*http.Request{acquiringtest.Delivered("POST", hook, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("receipt_id="+id))}
				},
				Documents: func(receipt string) (n int) {
					for _, r := range srv.Receipts() {
						if r.Key == receipt {
							n++
						}
					}
					return n
				},
				Requests: func() int { return len(srv.Requests()) },
			}
		},
	})
}

func failing(srv *paykeepertest.Server) func(acquiringtest.Fault) error {
	return func(f acquiringtest.Fault) error {
		kind, known := faultKinds[f.Kind]
		if len(faultPaths[f.Op]) == 0 || !known {
			return errors.ErrUnsupported
		}
		for _, path := range faultPaths[f.Op] {
			srv.Fail(paykeepertest.Fault{Op: path, Kind: kind, Times: f.Times, Delay: f.Delay})
		}
		return nil
	}
}

var faultKinds = map[acquiringtest.FaultKind]paykeepertest.FaultKind{
	acquiringtest.ServerError: paykeepertest.ServerError, acquiringtest.Drop: paykeepertest.Drop, acquiringtest.HTML: paykeepertest.HTML,
	acquiringtest.Empty: paykeepertest.Empty, acquiringtest.RateLimited: paykeepertest.RateLimit, acquiringtest.LostAnswer: paykeepertest.LostAnswer,
	acquiringtest.Cut: paykeepertest.Cut, acquiringtest.Slow: paykeepertest.LostAnswer,
}

var faultPaths = map[acquiringtest.Op][]string{
	acquiringtest.OpCreate: {"/change/invoice/preview/"},
	acquiringtest.OpStatus: {"/info/invoice/byid/", "/info/payments/byid/", "/info/refunds/bypaymentid/", "/info/invoice/search/", "/info/payments/search/"},
	acquiringtest.OpRefund: {"/change/payment/reverse/"}, acquiringtest.OpCapture: {"/change/payment/capture/"}, acquiringtest.OpVoid: {"/change/payment/reverse/"},
	acquiringtest.OpCancel: {"/change/invoice/revoke/"}, acquiringtest.OpSubmit: {"/change/receipt/print/"}, acquiringtest.OpDocument: {"/info/receipts/byid/"},
}

func open(t testing.TB, c paykeeper.Config) *paykeeper.Client {
	t.Helper()
	client, err := paykeeper.New(c)
	require.NoError(t, err)
	return client
}
