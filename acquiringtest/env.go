package acquiringtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// env is one behaviour's world: a shop, its watched client, and its log.
type env struct {
	*testing.T
	h    *Harness
	shop *Shop
	a    *watched
	log  *logBuffer
	ctx  context.Context

	orders  *atomic.Int64
	counted *atomic.Int64
}

func newEnv(t *testing.T, h *Harness) *env {
	t.Helper()
	return (&env{T: t, h: h, orders: new(atomic.Int64)}).open(1)
}

// open makes the shop with that number.
func (e *env) open(number int) *env {
	e.Helper()
	log := &logBuffer{}
	client, counted := countingClient()
	opt := ShopOptions{
		Number: number, Label: fmt.Sprintf("shop%d", number), HTTPClient: client,
		Logger: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	shop := e.h.New(e.T, opt)
	if shop == nil || shop.Acquirer == nil {
		e.Fatal("Harness.New gave no Acquirer")
	}
	ctx, cancel := context.WithTimeout(e.Context(), 5*e.patience())
	e.Cleanup(cancel)
	n := &env{T: e.T, h: e.h, shop: shop, log: log, ctx: ctx, orders: e.orders, counted: counted}
	n.a = n.watch(shop.Acquirer)
	return n
}

func (e *env) watch(a acquiring.Acquirer) *watched {
	return &watched{T: e.T, a: a, provider: e.h.Provider, secrets: e.shop.Secrets, patience: e.patience()}
}

func (e *env) patience() time.Duration {
	if e.h.Patience > 0 {
		return e.h.Patience
	}
	return 30 * time.Second
}

// finish is the check of what was logged on the way.
func (e *env) finish() {
	e.Helper()
	if found := leaked(e.log.String(), e.shop.Secrets); found >= 0 {
		e.Errorf("the log holds secret number %d of Shop.Secrets", found)
	}
}

// require stops the behaviour when the harness lacks what it needs.
func (e *env) require(what string, have bool) {
	e.Helper()
	if !have {
		e.Fatalf("the harness has no %s; give it, or name this behaviour in Harness.Skip with the reason", what)
	}
}

// the customer and the provider

func (e *env) pay(id acquiring.PaymentID) {
	e.Helper()
	e.require("Shop.Pay", e.shop.Pay != nil)
	if err := e.shop.Pay(id); err != nil {
		e.Fatalf("the customer cannot pay %s: %v", id, err)
	}
}

func (e *env) decline(id acquiring.PaymentID) {
	e.Helper()
	e.require("Shop.Decline", e.shop.Decline != nil)
	if err := e.shop.Decline(id); err != nil {
		e.Fatalf("Shop.Decline(%s): %v", id, err)
	}
}

func (e *env) expire(id acquiring.PaymentID) {
	e.Helper()
	e.require("Shop.Expire", e.shop.Expire != nil)
	if err := e.shop.Expire(id); err != nil {
		e.Fatalf("Shop.Expire(%s): %v", id, err)
	}
}

func (e *env) settle() {
	if e.shop.Settle != nil {
		e.shop.Settle()
	}
}

func (e *env) fail(f Fault) {
	e.Helper()
	e.require("Shop.Fail", e.shop.Fail != nil)
	err := e.shop.Fail(f)
	if errors.Is(err, errors.ErrUnsupported) {
		e.Skipf("the emulator has no fault %q for %q: %v", f.Kind, f.Op, err)
	}
	if err != nil {
		e.Fatalf("Shop.Fail(%+v): %v", f, err)
	}
}

func (e *env) books(id acquiring.PaymentID) Books {
	e.Helper()
	e.require("Shop.Books", e.shop.Books != nil)
	e.settle()
	b, err := e.shop.Books(id)
	if err != nil {
		e.Fatalf("Shop.Books(%s): %v", id, err)
	}
	return b
}

// inBooks compares the provider's own side with what must be there.
func (e *env) inBooks(id acquiring.PaymentID, want Books) {
	e.Helper()
	if got := e.books(id); got != want {
		e.Errorf("the provider's books have captured %s, refunded %s in %d refunds; want captured %s, refunded %s in %d",
			got.Captured, got.Refunded, got.Refunds, want.Captured, want.Refunded, want.Refunds)
	}
}

// payable are the payments under the order number; more than one is always a
// fault.
func (e *env) payable(orderID string) []acquiring.PaymentID {
	e.Helper()
	e.require("Shop.Orders", e.shop.Orders != nil)
	ids := e.shop.Orders(orderID)
	if len(ids) > 1 {
		e.Errorf("order %s has %d payable links at the provider: %v; the customer can pay twice", orderID, len(ids), ids)
	}
	return ids
}

func (e *env) sent() (n int, can bool) {
	if e.shop.Requests != nil {
		return e.shop.Requests(), true
	}
	n = int(e.counted.Load())
	return n, n > 0
}

// nothingSent runs f and shows that the provider got no request meanwhile.
func (e *env) nothingSent(f func()) {
	e.Helper()
	// A first call shows that requests are counted at all.
	_, _ = e.a.a.GetStatus(e.ctx, e.unknownID())
	before, can := e.sent()
	if !can {
		e.Fatal("the suite cannot count requests: pass ShopOptions.HTTPClient to the client, or give Shop.Requests")
	}
	f()
	if after, _ := e.sent(); after != before {
		e.Errorf("%d requests were sent to the provider; want none", after-before)
	}
}

// requests

func (e *env) orderID() string {
	n := int(e.orders.Add(1))
	if e.h.OrderID != nil {
		return e.h.OrderID(n)
	}
	return fmt.Sprintf("A-%d", n)
}

func (e *env) unknownID() acquiring.PaymentID {
	if e.h.UnknownID != "" {
		return e.h.UnknownID
	}
	return "00000000-0000-4000-8000-000000000000"
}

// ordinarySum is 1499.90, the sum of an ordinary request.
const ordinarySum = money.Amount(149990)

// request is an ordinary invoice; changes are made to it after Prepare.
func (e *env) request(changes ...func(*acquiring.InvoiceRequest)) acquiring.InvoiceRequest {
	r := acquiring.InvoiceRequest{
		OrderID: e.orderID(), Amount: ordinarySum, Description: "Subscription for May",
		Customer:    acquiring.Customer{ID: "C-17", Email: "buyer@example.com", Phone: "+79161234567", Name: "Ivan Petrov"},
		ReturnURL:   "https://shop.example/paid",
		FailURL:     "https://shop.example/failed",
		CallbackURL: "https://shop.example/callback",
	}
	if e.h.Prepare != nil {
		e.h.Prepare(&r)
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func hold(r *acquiring.InvoiceRequest)     { r.Hold = true }
func saveCard(r *acquiring.InvoiceRequest) { r.SaveCard = true }

func sum(a money.Amount) func(*acquiring.InvoiceRequest) {
	return func(r *acquiring.InvoiceRequest) { r.Amount = a }
}

// create issues the invoice and stops the behaviour when it is refused.
func (e *env) create(r acquiring.InvoiceRequest) *acquiring.Invoice {
	e.Helper()
	inv, err := e.a.CreateInvoice(e.ctx, r)
	if err != nil {
		e.Fatalf("CreateInvoice(%s): %v", r.OrderID, err)
	}
	return inv
}

// issue is an ordinary invoice.
func (e *env) issue(changes ...func(*acquiring.InvoiceRequest)) *acquiring.Invoice {
	e.Helper()
	return e.create(e.request(changes...))
}

// paid is an ordinary invoice that was paid.
func (e *env) paid(changes ...func(*acquiring.InvoiceRequest)) *acquiring.Invoice {
	e.Helper()
	inv := e.issue(changes...)
	e.pay(inv.ID)
	return inv
}

func (e *env) status(id acquiring.PaymentID) *acquiring.Payment {
	e.Helper()
	e.settle()
	p, err := e.a.GetStatus(e.ctx, id)
	if err != nil {
		e.Fatalf("GetStatus(%s): %v", id, err)
	}
	return p
}

// is asks for the payment and compares its status.
func (e *env) is(id acquiring.PaymentID, want acquiring.Status) *acquiring.Payment {
	e.Helper()
	p := e.status(id)
	if p.Status != want {
		e.Errorf("payment %s is %s (%q); want %s", id, p.Status, p.ProviderStatus, want)
	}
	return p
}

func (e *env) refund(id acquiring.PaymentID, key string, a money.Amount) *acquiring.Refund {
	e.Helper()
	r, err := e.a.Refund(e.ctx, acquiring.RefundRequest{ID: id, Key: key, Amount: a, Reason: "returned"})
	if err != nil {
		e.Fatalf("Refund(%s, key %s, %s): %v", id, key, a, err)
	}
	return r
}

// natural is the status that a quirk names, or the ordinary one.
func natural(quirk, ordinary acquiring.Status) acquiring.Status {
	if quirk != acquiring.StatusUnknown {
		return quirk
	}
	return ordinary
}

// refused says that the call must fail with one of the kinds.
func (e *env) refused(what string, err error, kinds ...error) {
	e.Helper()
	if err == nil {
		e.Errorf("%s succeeded; want an error: %s", what, kindList(kinds))
		return
	}
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return
		}
	}
	e.Errorf("%s: %v; want an error of kind: %s", what, err, kindList(kinds))
}

func kindList(kinds []error) string {
	var words []string
	for _, k := range kinds {
		words = append(words, k.Error())
	}
	return strings.Join(words, ", or ")
}

func outcome(e *env, what string, err error, want acquiring.Outcome) {
	e.Helper()
	if got := acquiring.OutcomeOf(err); err != nil && got != want {
		e.Errorf("%s: the outcome is %q; want %q: %v", what, got, want, err)
	}
}

// countingClient is an HTTP client that counts its requests. It counts in
// Proxy, which a Transport asks for each request, so that the Transport stays
// an *http.Transport: a client that looks for connections sees them.
func countingClient() (*http.Client, *atomic.Int64) {
	n := new(atomic.Int64)
	return &http.Client{Transport: &http.Transport{
		Proxy:               func(*http.Request) (*url.URL, error) { n.Add(1); return nil, nil },
		MaxIdleConnsPerHost: 16,
	}}, n
}

// logBuffer keeps what was logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// leaked is the index of the first secret that the text holds, plain or
// escaped; -1: none. The secret itself is never printed.
func leaked(text string, secrets []string) int {
	for i, s := range secrets {
		if s == "" {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(fmt.Sprintf("%q", s), `"`)} {
			if strings.Contains(text, form) {
				return i
			}
		}
	}
	return -1
}
