package acquiringtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring"
)

// watched is the client under test with a watcher before it: whatever a
// behaviour is about, each call is checked for what holds always. No error
// without provider, operation and kind; no secret in any text; no request
// changed; no answer that contradicts itself.
type watched struct {
	*testing.T
	a        acquiring.Acquirer
	provider string
	secrets  []string
	patience time.Duration
}

// call surrounds one call.
func (w *watched) call(ctx context.Context, name string, request any, do func(context.Context) error) error {
	w.Helper()
	before := snapshot(request)
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	err := do(ctx)
	if after := snapshot(request); after != before {
		w.Errorf("%s changed its request:\nbefore %s\nafter  %s", name, before, after)
	}
	w.checkError(name, err)
	return err
}

func snapshot(v any) string {
	if v == nil {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

var kinds = []error{
	acquiring.ErrInvalid, acquiring.ErrUnauthorized, acquiring.ErrNotFound, acquiring.ErrDuplicate, acquiring.ErrDeclined,
	acquiring.ErrConflict, acquiring.ErrRateLimited, acquiring.ErrUnavailable, acquiring.ErrUnsupported,
	acquiring.ErrSignature, acquiring.ErrProtocol,
}

func (w *watched) checkError(name string, err error) {
	w.Helper()
	checkError(w.T, w.provider, w.secrets, name, err)
}

// checkError is what holds for every error of every client.
func checkError(t testing.TB, provider string, secrets []string, name string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := fmt.Sprintf("%v\n%+v", err, err)
	var e *acquiring.Error
	if errors.As(err, &e) {
		text += fmt.Sprintf("\n%+v", *e)
	}
	for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(cause) {
		text += "\n" + cause.Error()
	}
	if found := leaked(text, secrets); found >= 0 {
		t.Errorf("%s: the error holds secret number %d of Shop.Secrets", name, found)
	}
	if longNumber.MatchString(text) {
		t.Errorf("%s: the error holds what looks like a card number", name)
	}
	if e == nil {
		t.Errorf("%s: the error is a %T, not an *acquiring.Error: %v", name, err, err)
		return
	}
	switch {
	case e.Provider != provider:
		t.Errorf("%s: the error's Provider is %q; want %q: %v", name, e.Provider, provider, err)
	case e.Op == "":
		t.Errorf("%s: the error does not name the operation: %v", name, err)
	case !slices.Contains(kinds, e.Kind):
		t.Errorf("%s: the error's Kind is %v, none of package acquiring's: %v", name, e.Kind, err)
	case e.Kind == acquiring.ErrInvalid && e.Outcome == acquiring.OutcomeNotSent && e.Field == "":
		t.Errorf("%s: the error names no Field: %v", name, err)
	case e.Outcome > acquiring.OutcomeUnknown:
		t.Errorf("%s: the error's Outcome is %d: %v", name, e.Outcome, err)
	}
}

// longNumber is a card number in clear: the test cards of the emulators begin
// with 2, 4, 5 or 6 and have sixteen digits.
var longNumber = regexp.MustCompile(`(?:^|[^0-9a-zA-Z.-])[2456][0-9]{15}(?:[^0-9a-zA-Z-]|$)`)

func (w *watched) checkRaw(name string, raw []byte) {
	w.Helper()
	if found := leaked(string(raw), w.secrets); found >= 0 {
		w.Errorf("%s: Raw holds secret number %d of Shop.Secrets", name, found)
	}
}

func (w *watched) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (inv *acquiring.Invoice, err error) {
	w.Helper()
	err = w.call(ctx, "CreateInvoice", r, func(ctx context.Context) error { inv, err = w.a.CreateInvoice(ctx, r); return err })
	if err != nil {
		return nil, err
	}
	if inv == nil {
		w.Fatal("CreateInvoice gave neither an invoice nor an error")
	}
	switch {
	case inv.ID == "":
		w.Error("Invoice.ID is empty")
	case inv.OrderID != r.OrderID:
		w.Errorf("Invoice.OrderID is %q; asked for %q", inv.OrderID, r.OrderID)
	case inv.Amount != r.Amount:
		w.Errorf("Invoice.Amount is %s; asked for %s", inv.Amount, r.Amount)
	case inv.Currency != r.CurrencyOrRUB():
		w.Errorf("Invoice.Currency is %q; want %q", inv.Currency, r.CurrencyOrRUB())
	case inv.PayURL == "" && inv.QR == nil:
		w.Error("the invoice has neither PayURL nor QR")
	}
	if err := acquiring.CheckURL("PayURL", inv.PayURL); err != nil {
		w.Errorf("Invoice.PayURL %q: %v", inv.PayURL, err)
	}
	w.checkRaw("CreateInvoice", inv.Raw)
	return inv, nil
}

func (w *watched) GetStatus(ctx context.Context, id acquiring.PaymentID) (p *acquiring.Payment, err error) {
	w.Helper()
	err = w.call(ctx, "GetStatus", nil, func(ctx context.Context) error { p, err = w.a.GetStatus(ctx, id); return err })
	return w.payment("GetStatus", id, p, err)
}

// payment is what holds for every payment that a client gives.
func (w *watched) payment(name string, id acquiring.PaymentID, p *acquiring.Payment, err error) (*acquiring.Payment, error) {
	w.Helper()
	if err != nil {
		return nil, err
	}
	if p == nil {
		w.Fatalf("%s gave neither a payment nor an error", name)
	}
	if id != "" && p.ID != id {
		w.Errorf("%s: Payment.ID is %q; asked for %q", name, p.ID, id)
	}
	if p.Captured < 0 || p.Refunded < 0 || p.Refunded > p.Captured {
		w.Errorf("%s: captured %s, refunded %s: more was given back than taken", name, p.Captured, p.Refunded)
	}
	switch p.Status {
	case acquiring.StatusPaid:
		if p.Captured <= 0 || p.Refunded != 0 {
			w.Errorf("%s: paid, and captured %s, refunded %s", name, p.Captured, p.Refunded)
		}
	case acquiring.StatusPartiallyRefunded:
		if p.Refunded <= 0 || p.Refunded >= p.Captured {
			w.Errorf("%s: partially refunded, and captured %s, refunded %s", name, p.Captured, p.Refunded)
		}
	case acquiring.StatusRefunded:
		if p.Refunded <= 0 || p.Refunded != p.Captured {
			w.Errorf("%s: refunded, and captured %s, refunded %s", name, p.Captured, p.Refunded)
		}
	case acquiring.StatusUnknown:
		w.Errorf("%s: the status is unknown (%q)", name, p.ProviderStatus)
	default:
		if p.Captured != 0 {
			w.Errorf("%s: %s, and yet captured %s", name, p.Status, p.Captured)
		}
	}
	if len(p.Currency) != 3 || p.Currency[0] < 'A' || p.Currency[0] > 'Z' {
		w.Errorf("%s: Payment.Currency is %q; want letters of ISO 4217", name, p.Currency)
	}
	if p.Card != nil && unmasked.MatchString(p.Card.Masked) {
		w.Errorf("%s: the card's number is not masked", name)
	}
	w.checkRaw(name, p.Raw)
	return p, nil
}

var unmasked = regexp.MustCompile(`[0-9]{12}`)

func (w *watched) Refund(ctx context.Context, r acquiring.RefundRequest) (out *acquiring.Refund, err error) {
	w.Helper()
	err = w.call(ctx, "Refund", r, func(ctx context.Context) error { out, err = w.a.Refund(ctx, r); return err })
	if err != nil {
		return nil, err
	}
	if out == nil {
		w.Fatal("Refund gave neither a refund nor an error")
	}
	switch {
	case out.ID == "":
		w.Error("Refund.ID is empty")
	case out.PaymentID != r.ID:
		w.Errorf("Refund.PaymentID is %q; asked for %q", out.PaymentID, r.ID)
	case r.Amount > 0 && out.Amount != r.Amount:
		w.Errorf("Refund.Amount is %s; asked for %s", out.Amount, r.Amount)
	case out.Amount <= 0:
		w.Errorf("Refund.Amount is %s", out.Amount)
	case out.Status != acquiring.RefundDone && out.Status != acquiring.RefundPending:
		w.Errorf("Refund.Status is %s and there is no error", out.Status)
	}
	w.checkRaw("Refund", out.Raw)
	return out, nil
}

func (w *watched) VerifyCallback(ctx context.Context, r *http.Request) (cb *acquiring.Callback, err error) {
	w.Helper()
	err = w.call(ctx, "VerifyCallback", nil, func(ctx context.Context) error { cb, err = w.a.VerifyCallback(ctx, r); return err })
	if err != nil {
		return nil, err
	}
	if cb == nil {
		w.Fatal("VerifyCallback gave neither a callback nor an error")
	}
	return cb, nil
}

// The capabilities: a client without one skips the behaviour.

func capability[C any](w *watched, name string) C {
	w.Helper()
	c, ok := w.a.(C)
	if !ok {
		w.Skipf("the client is no %s", name)
	}
	return c
}

func (w *watched) Capture(ctx context.Context, r acquiring.CaptureRequest) (p *acquiring.Payment, err error) {
	w.Helper()
	c := capability[acquiring.Capturer](w, "Capturer")
	err = w.call(ctx, "Capture", r, func(ctx context.Context) error { p, err = c.Capture(ctx, r); return err })
	return w.payment("Capture", r.ID, p, err)
}

func (w *watched) Void(ctx context.Context, id acquiring.PaymentID) (p *acquiring.Payment, err error) {
	w.Helper()
	c := capability[acquiring.Capturer](w, "Capturer")
	err = w.call(ctx, "Void", nil, func(ctx context.Context) error { p, err = c.Void(ctx, id); return err })
	return w.payment("Void", id, p, err)
}

func (w *watched) Cancel(ctx context.Context, id acquiring.PaymentID) error {
	w.Helper()
	c := capability[acquiring.Canceler](w, "Canceler")
	return w.call(ctx, "Cancel", nil, func(ctx context.Context) error { return c.Cancel(ctx, id) })
}

func (w *watched) FindByOrder(ctx context.Context, orderID string) (p *acquiring.Payment, err error) {
	w.Helper()
	c := capability[acquiring.Finder](w, "Finder")
	err = w.call(ctx, "FindByOrder", nil, func(ctx context.Context) error { p, err = c.FindByOrder(ctx, orderID); return err })
	return w.payment("FindByOrder", "", p, err)
}

func (w *watched) CreateQR(ctx context.Context, r acquiring.InvoiceRequest) (qr *acquiring.QR, err error) {
	w.Helper()
	c := capability[acquiring.QRIssuer](w, "QRIssuer")
	err = w.call(ctx, "CreateQR", r, func(ctx context.Context) error { qr, err = c.CreateQR(ctx, r); return err })
	if err == nil && qr == nil {
		w.Fatal("CreateQR gave neither a code nor an error")
	}
	if err == nil {
		w.checkRaw("CreateQR", qr.Raw)
	}
	return qr, err
}

func (w *watched) Charge(ctx context.Context, r acquiring.ChargeRequest) (p *acquiring.Payment, err error) {
	w.Helper()
	c := capability[acquiring.Charger](w, "Charger")
	err = w.call(ctx, "Charge", r, func(ctx context.Context) error { p, err = c.Charge(ctx, r); return err })
	return w.payment("Charge", "", p, err)
}

func (w *watched) DeleteToken(ctx context.Context, token string) error {
	w.Helper()
	c := capability[acquiring.Charger](w, "Charger")
	return w.call(ctx, "DeleteToken", nil, func(ctx context.Context) error { return c.DeleteToken(ctx, token) })
}

// Payments watches the sequence: nothing may follow an error.
func (w *watched) Payments(ctx context.Context, f acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	w.Helper()
	c := capability[acquiring.Lister](w, "Lister")
	return func(yield func(*acquiring.Payment, error) bool) {
		w.Helper()
		failed := false
		for p, err := range c.Payments(ctx, f) {
			if failed {
				w.Error("Payments goes on after an error")
				return
			}
			failed = err != nil
			w.checkError("Payments", err)
			p, err = w.payment("Payments", "", p, err)
			if !yield(p, err) {
				return
			}
		}
	}
}

func (w *watched) Check(ctx context.Context) error {
	w.Helper()
	c := capability[acquiring.Checker](w, "Checker")
	return w.call(ctx, "Check", nil, c.Check)
}
