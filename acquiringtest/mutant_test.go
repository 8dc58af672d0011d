package acquiringtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync"

	"github.com/acquiring-go/acquiring"
)

// mutant is Memory made wrong in one way, and the behaviours that must see it.
type mutant struct {
	name   string
	opt    MemoryOptions
	wrap   func(*Memory) acquiring.Acquirer
	change func(*Harness)
	want   []string
}

// The mutants embed *Memory and so keep its capabilities.
type (
	verifies struct {
		*Memory
		verify func(m *Memory, ctx context.Context, r *http.Request) (*acquiring.Callback, error)
	}
	creates struct {
		*Memory
		create func(m *Memory, ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error)
	}
	looks struct {
		*Memory
		look func(m *Memory, ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error)
	}
	refunds struct {
		*Memory
		refund func(m *Memory, ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error)
	}
	captures struct {
		*Memory
		capture func(m *Memory, ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error)
	}
	voids     struct{ *Memory }
	cancels   struct{ *Memory }
	charges   struct{ *Memory }
	deletes   struct{ *Memory }
	recharges struct{ *Memory }
	lists     struct{ *Memory }
	finds     struct{ *Memory }
	codes     struct{ *Memory }
)

func (x verifies) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	return x.verify(x.Memory, ctx, r)
}
func (x creates) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	return x.create(x.Memory, ctx, r)
}
func (x looks) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	return x.look(x.Memory, ctx, id)
}
func (x refunds) Refund(ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	return x.refund(x.Memory, ctx, r)
}
func (x captures) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	return x.capture(x.Memory, ctx, r)
}

func verifying(f func(m *Memory, ctx context.Context, r *http.Request) (*acquiring.Callback, error)) func(*Memory) acquiring.Acquirer {
	return func(m *Memory) acquiring.Acquirer { return verifies{m, f} }
}
func creating(f func(m *Memory, ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error)) func(*Memory) acquiring.Acquirer {
	return func(m *Memory) acquiring.Acquirer { return creates{m, f} }
}
func looking(f func(m *Memory, ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error)) func(*Memory) acquiring.Acquirer {
	return func(m *Memory) acquiring.Acquirer { return looks{m, f} }
}
func refunding(f func(m *Memory, ctx context.Context, r acquiring.RefundRequest) (*acquiring.Refund, error)) func(*Memory) acquiring.Acquirer {
	return func(m *Memory) acquiring.Acquirer { return refunds{m, f} }
}
func capturing(f func(m *Memory, ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error)) func(*Memory) acquiring.Acquirer {
	return func(m *Memory) acquiring.Acquirer { return captures{m, f} }
}

// changedError is err with one thing changed.
func changedError(err error, change func(*acquiring.Error)) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	change(&c)
	return &c
}

// Void releases nothing and says that it did.
func (x voids) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	p, err := x.GetStatus(ctx, id)
	if err == nil {
		p.Status = acquiring.StatusVoided
	}
	return p, err
}

// Cancel thinks that what is paid is as good as withdrawn.
func (x cancels) Cancel(ctx context.Context, id acquiring.PaymentID) error {
	err := x.Memory.Cancel(ctx, id)
	if errors.Is(err, acquiring.ErrConflict) {
		return nil
	}
	return err
}

var chargeSerial struct {
	sync.Mutex
	n int
}

// Charge gives the repeated charge another number.
func (x charges) Charge(ctx context.Context, r acquiring.ChargeRequest) (*acquiring.Payment, error) {
	if _, err := x.FindByOrder(ctx, r.OrderID); err == nil {
		chargeSerial.Lock()
		chargeSerial.n++
		r.OrderID = fmt.Sprintf("%s_%d", r.OrderID, chargeSerial.n+1)
		chargeSerial.Unlock()
	}
	return x.Memory.Charge(ctx, r)
}

// Charge charges again when the answer is lost.
func (x recharges) Charge(ctx context.Context, r acquiring.ChargeRequest) (got *acquiring.Payment, err error) {
	for range 2 {
		if err = x.do(ctx, OpCharge, "Charge", func(b *memoryBank) *acquiring.Error {
			p := b.add(r.Invoice())
			b.pay(p)
			got = p.view()
			return nil
		}); err == nil {
			return got, nil
		}
	}
	return nil, err
}

// DeleteToken fails for a card that is forgotten already.
func (x deletes) DeleteToken(ctx context.Context, token string) error {
	x.bank.mu.Lock()
	known := x.bank.tokens[token]
	x.bank.mu.Unlock()
	if !known {
		return &acquiring.Error{Provider: memoryName, Op: "DeleteToken", Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected}
	}
	return x.Memory.DeleteToken(ctx, token)
}

// Payments ends in silence where it fails, and knows no filter.
func (x lists) Payments(ctx context.Context, _ acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	return func(yield func(*acquiring.Payment, error) bool) {
		for p, err := range x.Memory.Payments(ctx, acquiring.Filter{}) {
			if err != nil || !yield(p, nil) {
				return
			}
		}
	}
}

// FindByOrder finds the last payment, whatever it is of.
func (x finds) FindByOrder(ctx context.Context, orderID string) (*acquiring.Payment, error) {
	for p := range x.Memory.Payments(ctx, acquiring.Filter{Limit: 1}) {
		return p, nil
	}
	return x.Memory.FindByOrder(ctx, orderID)
}

// CreateQR forgets the payment behind the code.
func (x codes) CreateQR(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.QR, error) {
	qr, err := x.Memory.CreateQR(ctx, r)
	if err == nil {
		qr.PaymentID = ""
	}
	return qr, err
}

// readAll reads a whole body, however long.
func readAll(r *http.Request) (url.Values, []byte) {
	if r.Body == nil {
		return url.Values{}, nil
	}
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	return form, body
}
