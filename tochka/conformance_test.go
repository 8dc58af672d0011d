package tochka_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

// TestConformance is a bank that executes refunds at once.
func TestConformance(t *testing.T) {
	acquiringtest.Run(t, conformance(tochkatest.WithCardRefunds(0)))
}

// TestConformanceOfLateRefunds is a bank that executes refunds to cards later,
// and shows them among the operation's movements at once.
func TestConformanceOfLateRefunds(t *testing.T) {
	h := conformance()
	h.Quirks.AsyncRefund = true
	for _, name := range acquiringtest.Names() {
		if !strings.HasPrefix(name, "Refund") {
			h.Skip[name] = "shown where refunds are executed at once"
		}
	}
	acquiringtest.Run(t, h)
}

func conformance(opts ...tochkatest.Option) acquiringtest.Harness {
	const noVoid = "the bank has no call that releases a hold"
	return acquiringtest.Harness{
		Provider: "tochka",
		New: func(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.Shop {
			return conformanceShop(t, opt, opts)
		},
		BadConfigs: map[string]func() error{
			"Config.Environment":  badConfig(func(c *tochka.Config) { c.Environment = 0 }),
			"Config.Token":        badConfig(func(c *tochka.Config) { c.Token = "" }),
			"Config.CustomerCode": badConfig(func(c *tochka.Config) { c.CustomerCode = "12" }),
			"Config.MerchantID":   badConfig(func(c *tochka.Config) { c.MerchantID = "MF0000000001" }),
			"Config.WebhookKey":   badConfig(func(c *tochka.Config) { c.WebhookKey = "{}" }),
		},
		Quirks: acquiringtest.Quirks{
			Silent: []acquiring.Status{acquiring.StatusRefunded, acquiring.StatusPartiallyRefunded, acquiring.StatusVoided, acquiring.StatusDeclined,
				acquiring.StatusExpired, acquiring.StatusCanceled, acquiring.StatusPending},
			NoPartialCapture: true, PayAfterDecline: true, DeclinedAs: acquiring.StatusPending, MaxOrderID: 45,
		},
		Prepare: func(r *acquiring.InvoiceRequest) { r.CallbackURL = "" }, // one address for all, set by SetWebhook
		PrepareReceipt: func(r *fiscal.Receipt) {
			r.Seller, r.Cashier = fiscal.Seller{}, fiscal.Cashier{} // they come from the cabinet
		},
		Skip: map[string]string{
			"Hold/Void": noVoid, "Hold/VoidTwice": noVoid, "Hold/CaptureAfterVoid": noVoid, "Hold/VoidLostAnswer": noVoid,
			"Hold/CaptureUnpaid":    noVoid + "; its half about Capture is TestHoldWithoutVoid",
			"Hold/CaptureUnknownID": noVoid + "; its half about Capture is TestHoldWithoutVoid",
			"Hold/Announced":        noVoid + "; its half about Capture is TestHoldWithoutVoid",
			"Token/Deleted":         "the bank has no call that ends a subscription on demand; TestTokenStays",
		},
	}
}

// TestHoldWithoutVoid is what the suite asks of holds, without their release.
func TestHoldWithoutVoid(t *testing.T) {
	srv := tochkatest.NewServer(tochkatest.WithCallbackHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	t.Cleanup(srv.Close)
	c := openTochka(t, srv.Config())
	inv, err := c.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(1499, 90), Hold: true})
	require.NoError(t, err)

	_, err = c.Capture(t.Context(), acquiring.CaptureRequest{ID: inv.ID})
	require.ErrorIs(t, err, acquiring.ErrConflict, "unpaid")
	_, err = c.Capture(t.Context(), acquiring.CaptureRequest{ID: "00000000-0000-4000-8000-000000000000"})
	require.ErrorIs(t, err, acquiring.ErrNotFound)
	_, err = c.Void(t.Context(), inv.ID)
	require.ErrorIs(t, err, acquiring.ErrUnsupported)

	require.NoError(t, srv.Pay(string(inv.ID)))
	_, err = c.Capture(t.Context(), acquiring.CaptureRequest{ID: inv.ID})
	require.NoError(t, err)
	srv.Deliver()
	var told []acquiring.Status
	for _, d := range srv.Deliveries() {
		cb, err := c.VerifyCallback(t.Context(), d.Request())
		require.NoError(t, err)
		require.Equal(t, inv.ID, cb.PaymentID)
		told = append(told, cb.Status)
	}
	require.Equal(t, []acquiring.Status{acquiring.StatusAuthorized, acquiring.StatusPaid}, told)

	lapsed, err := c.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-2", Amount: money.RUB(10, 0), Hold: true})
	require.NoError(t, err)
	require.NoError(t, srv.Pay(string(lapsed.ID)))
	srv.Advance(8 * 24 * time.Hour)
	p, err := c.GetStatus(t.Context(), lapsed.ID)
	require.NoError(t, err)
	require.False(t, p.Status.Succeeded(), "a hold that lapsed is no payment: %s", p.Status)
	require.Zero(t, p.Captured)
}

// TestTokenStays: a subscription on demand cannot be ended at the bank, and the
// client says so instead of pretending.
func TestTokenStays(t *testing.T) {
	srv := tochkatest.NewServer()
	t.Cleanup(srv.Close)
	c := openTochka(t, srv.Config())
	inv, err := c.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "sub-1", Amount: money.RUB(990, 0), SaveCard: true, Customer: acquiring.Customer{ID: "C-1"}})
	require.NoError(t, err)
	require.NoError(t, srv.Pay(string(inv.ID)))
	require.ErrorIs(t, c.DeleteToken(t.Context(), string(inv.ID)), acquiring.ErrUnsupported)
}

func badConfig(change func(*tochka.Config)) func() error {
	return func() error {
		c := tochka.Config{Environment: acquiring.Test, Token: "t", ClientID: "c", CustomerCode: tochkatest.DefaultCustomerCode}
		change(&c)
		_, err := tochka.New(c)
		return err
	}
}

// keptLedger is a Ledger in memory that shows which subscription a charge's
// number belongs to: the bank does not know the numbers of charges.
type keptLedger struct {
	tochka.Ledger
	seen chan tochka.LedgerEntry
}

func (l keptLedger) Begin(ctx context.Context, e tochka.LedgerEntry) (*tochka.LedgerEntry, error) {
	select {
	case l.seen <- e:
	default:
	}
	return l.Ledger.Begin(ctx, e)
}

func conformanceShop(t testing.TB, opt acquiringtest.ShopOptions, opts []tochkatest.Option) *acquiringtest.Shop {
	merchant := fmt.Sprintf("20000000000%04d", 4320+opt.Number)
	customer := fmt.Sprintf("30077700%d", opt.Number)
	srv := tochkatest.NewServer(append([]tochkatest.Option{
		tochkatest.WithSeed(uint64(opt.Number)),
		tochkatest.WithCompany(tochkatest.Company{CustomerCode: customer, FullName: "ООО «Школа»", TaxCode: "7701234567",
			Accounts:  []tochkatest.Account{{ID: fmt.Sprintf("4070281090000000%04d/%s", opt.Number, tochkatest.BIC)}},
			Retailers: []tochkatest.Retailer{{MerchantID: merchant, PaymentModes: []string{"card", "sbp"}, Cashbox: "businessRu"}}}),
		tochkatest.WithKey(tochkatest.Key{ClientID: fmt.Sprintf("client-%d", opt.Number)}),
		tochkatest.WithCallbackHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})),
	}, opts...)...)
	t.Cleanup(srv.Close)
	ledger := keptLedger{tochka.NewMemoryLedger(0), make(chan tochka.LedgerEntry, 1000)}
	cfg := srv.Config()
	cfg.Shop, cfg.Logger, cfg.HTTPClient, cfg.Ledger = opt.Label, opt.Logger, opt.HTTPClient, ledger
	wrong := cfg
	wrong.Token, wrong.Ledger = "not-the-token", nil // a ledger would answer what it knows without asking
	return &acquiringtest.Shop{
		Acquirer: openTochka(t, cfg),
		Wrong:    func() acquiring.Acquirer { return openTochka(t, wrong) },
		Secrets:  []string{cfg.Token},
		Config:   cfg,
		Pay:      func(id acquiring.PaymentID) error { return srv.Pay(string(id)) },
		Decline:  func(id acquiring.PaymentID) error { return srv.Decline(string(id)) },
		Expire:   func(id acquiring.PaymentID) error { return srv.Expire(string(id)) },
		Settle:   func() { _ = srv.Settle("") },
		Fail:     failTochka(srv),
		Callbacks: func(id acquiring.PaymentID) (all []*http.Request) {
			srv.Deliver()
			for _, d := range srv.Deliveries() {
				if d.Order == string(id) {
					all = append(all, acquiringtest.Delivered(d.Method, d.URL, d.Header, d.Body))
				}
			}
			return all
		},
		Books:  func(id acquiring.PaymentID) (acquiringtest.Books, error) { return tochkaBooks(srv, string(id)) },
		Orders: tochkaOrders(srv, ledger),
	}
}

func openTochka(t testing.TB, cfg tochka.Config) *tochka.Client {
	t.Helper()
	c, err := tochka.New(cfg)
	require.NoError(t, err)
	return c
}

func failTochka(srv *tochkatest.Server) func(acquiringtest.Fault) error {
	ops := map[acquiringtest.Op][]string{
		acquiringtest.OpCreate: {tochkatest.OpCreate}, acquiringtest.OpStatus: {tochkatest.OpGet}, acquiringtest.OpRefund: {tochkatest.OpRefund},
		acquiringtest.OpCapture: {tochkatest.OpCapture}, acquiringtest.OpCharge: {tochkatest.OpCharge},
	}
	kinds := map[acquiringtest.FaultKind]tochkatest.FaultKind{
		acquiringtest.ServerError: tochkatest.ServerError, acquiringtest.Drop: tochkatest.Drop, acquiringtest.HTML: tochkatest.HTML,
		acquiringtest.Empty: tochkatest.Empty, acquiringtest.RateLimited: tochkatest.RateLimit, acquiringtest.LostAnswer: tochkatest.LostAnswer,
		acquiringtest.Cut: tochkatest.Cut, acquiringtest.Slow: tochkatest.LostAnswer,
	}
	return func(f acquiringtest.Fault) error {
		names, kind := ops[f.Op], kinds[f.Kind]
		if names == nil || kind == 0 {
			return errors.ErrUnsupported
		}
		if f.Op == acquiringtest.OpStatus && f.Times == acquiringtest.Always {
			names = append(slices.Clone(names), tochkatest.OpList)
		}
		for _, name := range names {
			srv.Fail(tochkatest.Fault{Op: name, Kind: kind, Times: f.Times, Delay: f.Delay})
		}
		return nil
	}
}

// tochkaBooks are the bank's books of an operation, or of one charge of a
// subscription, whose id is the operation's with its own behind it.
func tochkaBooks(srv *tochkatest.Server, id string) (acquiringtest.Books, error) {
	operation, charge := id, ""
	if len(id) > 36 {
		operation, charge = id[:36], id[37:]
	}
	o, ok := srv.Order(operation)
	if !ok {
		return acquiringtest.Books{}, errors.New("no such order")
	}
	b := acquiringtest.Books{}
	for _, m := range o.Moves {
		if charge != "" && m.Key != charge {
			continue
		}
		switch m.Kind {
		case "captured":
			b.Captured += m.Amount
		case "refunded":
			b.Refunded += m.Amount
			b.Refunds++
		}
	}
	return b, nil
}

// tochkaOrders are the links with the number, or the charges of the
// subscription that was charged with it: all but the first payment.
func tochkaOrders(srv *tochkatest.Server, ledger keptLedger) func(string) []acquiring.PaymentID {
	var seen []tochka.LedgerEntry
	return func(orderID string) (ids []acquiring.PaymentID) {
		for _, o := range srv.Orders() {
			if acquiringtest.SameOrder(o.Number, orderID) && o.State != "EXPIRED" {
				ids = append(ids, acquiring.PaymentID(o.ID))
			}
		}
		for len(ledger.seen) > 0 {
			seen = append(seen, <-ledger.seen)
		}
		told := map[string]bool{}
		for _, e := range seen {
			if e.Key != orderID || e.Payment == "" || told[e.Payment] {
				continue
			}
			told[e.Payment] = true
			first := true
			o, _ := srv.Order(e.Payment)
			for _, m := range o.Moves {
				if m.Kind != "captured" {
					continue
				}
				if !first {
					ids = append(ids, acquiring.PaymentID(e.Payment+"/"+m.Key))
				}
				first = false
			}
		}
		return ids
	}
}
