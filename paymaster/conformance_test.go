package paymaster_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
)

// TestConformance runs the suite over REST API v2, as it is likeliest to be
// and with the unknowns of its documentation the other way round.
func TestConformance(t *testing.T) {
	for name, unknowns := range map[string]paymastertest.Unknowns{
		"ordinary": {},
		"other answers": {StringCallbackIDs: true, NumericIDs: true, ShortSums: true, Milliseconds: true, NotFound: paymastertest.NotFoundEmpty,
			PageSize: 2, NewestFirst: true, ExclusiveEnd: true, CursorEnd: paymastertest.CursorEmpty},
		"other rules": {KeyReplay: true, KeyNotUsed: true, CursorEnd: paymastertest.CursorRepeat, ErrorStatus: map[string]int{"invalid_operation": 409, "validation_error": 422,
			"not_authorized": 403}, ConfirmKeepsAmount: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			skip := map[string]string{}
			if unknowns.ConfirmKeepsAmount {
				reason := "with amount left as it was held nothing in the API says how much was captured"
				for _, n := range []string{"Hold/CapturePart", "Hold/RefundAfterCapture"} {
					skip[n] = reason
				}
			}
			acquiringtest.Run(t, acquiringtest.Harness{
				Provider: "paymaster", New: func(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.Shop { return shopV2(t, opt, unknowns) },
				BadConfigs: badConfigs(), Skip: skip,
				Quirks: acquiringtest.Quirks{UnsignedCallbacks: true, AsyncRefund: true,
					Silent: []acquiring.Status{acquiring.StatusRefunded, acquiring.StatusPartiallyRefunded}},
			})
		})
	}
}

// TestConformanceClassic runs it over the classic protocol: by each way to the
// payment page, and each kind of signature.
func TestConformanceClassic(t *testing.T) {
	for name, way := range map[string]classicWay{
		"link, MD5":        {start: paymaster.StartLink, hash: paymastertest.MD5},
		"server, SHA1":     {start: paymaster.StartServer, hash: paymastertest.SHA1},
		"built-in, SHA256": {start: paymaster.StartBuiltin, hash: paymastertest.SHA256},
		"other answers": {start: paymaster.StartServer, hash: paymastertest.SHA256, unknowns: paymastertest.Unknowns{NoLegacyDate: true, NoSiteInvoiceID: true,
			NumericRefundID: true, RefundStatusOnly: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acquiringtest.Run(t, acquiringtest.Harness{
				Provider: "paymaster", New: way.newShop, BadConfigs: badClassicConfigs(), Skip: way.cannot(),
				Quirks: acquiringtest.Quirks{Signature: []string{"LMI_HASH"}, AsyncRefund: true,
					DeclinedAs: acquiring.StatusCanceled, ExpiredAs: acquiring.StatusCanceled, VoidedAs: acquiring.StatusCanceled,
					Silent: []acquiring.Status{acquiring.StatusCanceled, acquiring.StatusDeclined, acquiring.StatusExpired, acquiring.StatusVoided,
						acquiring.StatusRefunded, acquiring.StatusPartiallyRefunded}},
			})
		})
	}
}

func badConfigs() map[string]func() error {
	bad := func(change func(*paymaster.Config)) func() error {
		return func() error {
			c := paymaster.Config{Environment: acquiring.Test, MerchantID: paymastertest.DefaultMerchantID, Token: "secret-token"}
			change(&c)
			_, err := paymaster.New(c)
			return err
		}
	}
	return map[string]func() error{
		"Config.Environment": bad(func(c *paymaster.Config) { c.Environment = 0 }),
		"Config.MerchantID":  bad(func(c *paymaster.Config) { c.MerchantID = "" }),
		"Config.Token":       bad(func(c *paymaster.Config) { c.Token = "" }),
		"Config.BaseURL":     bad(func(c *paymaster.Config) { c.BaseURL = "paymaster.ru" }),
	}
}

func badClassicConfigs() map[string]func() error {
	bad := func(change func(*paymaster.ClassicConfig)) func() error {
		return func() error {
			c := paymaster.ClassicConfig{Environment: acquiring.Test, MerchantID: paymastertest.DefaultMerchantID, SecretKey: "long-secret-key", Hash: paymaster.SHA256}
			change(&c)
			_, err := paymaster.NewClassic(c)
			return err
		}
	}
	return map[string]func() error{
		"Config.Environment": bad(func(c *paymaster.ClassicConfig) { c.Environment = 0 }),
		"Config.MerchantID":  bad(func(c *paymaster.ClassicConfig) { c.MerchantID = "" }),
		"Config.SecretKey":   bad(func(c *paymaster.ClassicConfig) { c.SecretKey = "" }),
		"Config.Hash":        bad(func(c *paymaster.ClassicConfig) { c.Hash = 0 }),
		"Config.BaseURL":     bad(func(c *paymaster.ClassicConfig) { c.BaseURL = "paymaster.ru" }),
	}
}

func accountOf(number int) paymastertest.Account {
	return paymastertest.Account{
		MerchantID: fmt.Sprintf("7f6c1d1e-0a52-4a5b-9a37-%012d", number), Token: fmt.Sprintf("token-of-shop-%d-x7", number),
		SecretKey: fmt.Sprintf("secret-key/of+shop-%d=", number), Login: fmt.Sprintf("shop%d-api", number), Password: fmt.Sprintf("Pa55-%d-word+%%", number),
	}
}

var nobodyListens = paymastertest.WithCallbackHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))

func shopV2(t testing.TB, opt acquiringtest.ShopOptions, unknowns paymastertest.Unknowns) *acquiringtest.Shop {
	account := accountOf(opt.Number)
	srv := paymastertest.NewServer(paymastertest.WithAccount(account), paymastertest.WithUnknowns(unknowns), paymastertest.WithSeed(uint64(opt.Number)), nobodyListens)
	t.Cleanup(srv.Close)
	cfg := srv.Config()
	cfg.Shop, cfg.Logger, cfg.HTTPClient = opt.Label, opt.Logger, opt.HTTPClient
	open := func(cfg paymaster.Config) *paymaster.Client {
		c, err := paymaster.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	wrong := cfg
	wrong.Token = "not-the-token"
	shop := provider(srv, map[acquiringtest.Op][]string{
		acquiringtest.OpCreate: {"POST /invoices"}, acquiringtest.OpStatus: {"GET /payments/{id}", "GET /payments"}, acquiringtest.OpRefund: {"POST /refunds"},
		acquiringtest.OpCapture: {"PUT /payments/{id}/confirm"}, acquiringtest.OpVoid: {"PUT /payments/{id}/cancel"},
		acquiringtest.OpCancel: {"PUT /payments/{id}/cancel"}, acquiringtest.OpCharge: {"POST /payments"},
	})
	shop.Acquirer, shop.Config, shop.Secrets = open(cfg), cfg, []string{account.Token}
	shop.Wrong = func() acquiring.Acquirer { return open(wrong) }
	return shop
}

type classicWay struct {
	start    paymaster.Start
	hash     paymastertest.HashAlgo
	unknowns paymastertest.Unknowns
}

// opened is a shop whose customers look at the payment page at once: by a link
// PayMaster hears of a payment only then.
type opened struct {
	*paymaster.ClassicClient
	srv *paymastertest.Server
}

func (o opened) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	inv, err := o.ClassicClient.CreateInvoice(ctx, r)
	if err == nil {
		_, _ = o.srv.Open(inv.PayURL) // of a number that was paid he sees an error
	}
	return inv, err
}

// cannot are the behaviours that the protocol has not, with the reasons.
func (way classicWay) cannot() map[string]string {
	skip := map[string]string{
		"Create/RepeatedWithAnotherSum": "a number that is not paid may be started again, with any sum; only one of its attempts can be paid",
	}
	if way.start != paymaster.StartBuiltin {
		skip["Create/WrongCredentials"] = "the payment form is not signed"
		skip["Errors/NoSecretAnywhere"] = "the payment form is not signed: wrong credentials make a payment as good as any; the built-in start is tried"
	}
	if way.start == paymaster.StartServer {
		skip["Fault/CreateHTML"] = "a page with status 200 is how a form is refused"
	}
	if way.start == paymaster.StartLink {
		skip["Fault/CreateCancelledBefore"] = "a link is made without a call"
	}
	return skip
}

func (way classicWay) newShop(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.Shop {
	account := accountOf(opt.Number)
	account.Hash = way.hash
	way.unknowns.HoldNotice = paymastertest.NoticeAtBoth
	srv := paymastertest.NewServer(paymastertest.WithAccount(account), paymastertest.WithUnknowns(way.unknowns), paymastertest.WithSeed(uint64(opt.Number)), nobodyListens)
	t.Cleanup(srv.Close)
	cfg := srv.ClassicConfig()
	cfg.Shop, cfg.Logger, cfg.HTTPClient, cfg.Start, cfg.Holds = opt.Label, opt.Logger, opt.HTTPClient, way.start, true
	open := func(cfg paymaster.ClassicConfig) acquiring.Acquirer {
		c, err := paymaster.NewClassic(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if way.start == paymaster.StartLink {
			return opened{c, srv}
		}
		return c
	}
	wrong := cfg
	wrong.Password, wrong.SecretKey = "not-the-password", "not-the-secret-key"
	create := map[paymaster.Start][]string{paymaster.StartServer: {"/payment/init"}, paymaster.StartBuiltin: {"/builtinpayment/initonly"}}
	shop := provider(srv, map[acquiringtest.Op][]string{
		acquiringtest.OpCreate: create[way.start], acquiringtest.OpStatus: {"getPayment", "getPaymentByInvoiceID"},
		acquiringtest.OpRefund: {"refundPayment"}, acquiringtest.OpCapture: {"confirmPayment"}, acquiringtest.OpVoid: {"cancelPayment"},
	})
	shop.Acquirer, shop.Config, shop.Secrets = open(cfg), cfg, []string{account.SecretKey, account.Password}
	shop.Wrong = func() acquiring.Acquirer { return open(wrong) }
	// A hold is known by its notification alone: the shop hears it, as it
	// would, before it asks.
	pay, callbacks := shop.Pay, shop.Callbacks
	shop.Pay = func(id acquiring.PaymentID) error {
		if err := pay(id); err != nil {
			return err
		}
		for _, news := range callbacks(id) {
			_, _ = shop.Acquirer.VerifyCallback(t.Context(), news)
		}
		return nil
	}
	// The client knows a payment by the shop's number.
	byID := shop.Orders
	shop.Orders = func(orderID string) (ids []acquiring.PaymentID) {
		for _, id := range byID(orderID) {
			o, _ := srv.Order(string(id))
			ids = append(ids, acquiring.PaymentID(o.Number))
		}
		return ids
	}
	return shop
}

// provider is PayMaster's side of a shop, with the faults' names.
func provider(srv *paymastertest.Server, ops map[acquiringtest.Op][]string) *acquiringtest.Shop {
	return &acquiringtest.Shop{
		Pay:     func(id acquiring.PaymentID) error { return srv.Pay(string(id)) },
		Decline: func(id acquiring.PaymentID) error { return srv.Decline(string(id)) },
		Expire:  func(id acquiring.PaymentID) error { return srv.Expire(string(id)) },
		Settle:  func() { srv.ExecuteRefunds() },
		Fail: func(f acquiringtest.Fault) error {
			kind, known := faultKinds[f.Kind]
			if len(ops[f.Op]) == 0 || !known {
				return errors.ErrUnsupported
			}
			for _, op := range ops[f.Op] {
				srv.Fail(paymastertest.Fault{Op: op, Kind: kind, Times: f.Times, Delay: f.Delay})
			}
			return nil
		},
		Callbacks: func(id acquiring.PaymentID) (all []*http.Request) {
			srv.Deliver()
			o, _ := srv.Order(string(id))
			for _, d := range srv.Deliveries() {
				if d.Order == o.ID {
					all = append(all, acquiringtest.Delivered(d.Method, d.URL, d.Header, d.Body))
				}
			}
			return all
		},
		Books: func(id acquiring.PaymentID) (acquiringtest.Books, error) {
			o, ok := srv.Order(string(id))
			if !ok {
				return acquiringtest.Books{}, errors.New("no such payment")
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
			numbers := map[string]bool{}
			for _, o := range srv.Orders() {
				if acquiringtest.SameOrder(o.Number, orderID) && !numbers[o.Number] {
					numbers[o.Number] = true
					for _, id := range srv.Payable(o.Number) {
						ids = append(ids, acquiring.PaymentID(id))
					}
				}
			}
			return ids
		},
		Requests: func() int { return len(srv.Requests()) },
		Now:      srv.Now,
	}
}

var faultKinds = map[acquiringtest.FaultKind]paymastertest.FaultKind{
	acquiringtest.ServerError: paymastertest.ServerError, acquiringtest.Drop: paymastertest.Drop, acquiringtest.HTML: paymastertest.HTML,
	acquiringtest.Empty: paymastertest.Empty, acquiringtest.RateLimited: paymastertest.RateLimit, acquiringtest.LostAnswer: paymastertest.LostAnswer,
	acquiringtest.Cut: paymastertest.Cut, acquiringtest.Slow: paymastertest.LostAnswer,
}

// TestByteOrderMark: a notification that begins with one is read as any other.
func TestByteOrderMark(t *testing.T) {
	srv := paymastertest.NewServer(paymastertest.WithUnknowns(paymastertest.Unknowns{BOM: true}), nobodyListens)
	t.Cleanup(srv.Close)
	client, err := paymaster.New(srv.Config())
	require.NoError(t, err)
	inv, err := client.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: 149990, Description: "Subscription", CallbackURL: "https://shop.example/callback"})
	require.NoError(t, err)
	require.NoError(t, srv.Pay(inv.PayURL))
	srv.Deliver()
	d := srv.Deliveries()
	require.NotEmpty(t, d)
	cb, err := client.VerifyCallback(t.Context(), d[len(d)-1].Request())
	require.NoError(t, err)
	require.Equal(t, acquiring.StatusPaid, cb.Status)
}
