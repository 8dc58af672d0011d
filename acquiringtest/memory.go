package acquiringtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// memoryName is what Memory's errors and keys say the provider is.
const memoryName = "memory"

// MemoryOptions configure a [Memory]. The zero value is good.
type MemoryOptions struct {
	Shop     string       // label for logs and callback keys; "": "memory"
	Password string       // of the imaginary account; "": a random one
	Logger   *slog.Logger // nil: nothing is logged
	// UnsignedCallbacks: the imaginary provider signs nothing, as PayMaster's
	// REST does.
	UnsignedCallbacks bool
	// AsyncRefunds: refunds are pending until Settle.
	AsyncRefunds bool
}

// Memory is an Acquirer with no provider behind it, for unit tests: a double.
// It keeps payments in memory, takes the part of the customer (Pay, Decline,
// Expire), makes callbacks (Callbacks), and fails on demand (Fail). It keeps
// the whole contract, which the suite shows, with every capability; but it
// speaks no real provider's protocol and has none of their oddities. The
// emulators beside the provider packages do.
//
// It is safe for concurrent use.
type Memory struct {
	bank     *memoryBank
	password string
	opt      MemoryOptions
	log      *slog.Logger
}

var (
	_ acquiring.Acquirer = (*Memory)(nil)
	_ acquiring.Named    = (*Memory)(nil)
	_ acquiring.Capturer = (*Memory)(nil)
	_ acquiring.Canceler = (*Memory)(nil)
	_ acquiring.Finder   = (*Memory)(nil)
	_ acquiring.QRIssuer = (*Memory)(nil)
	_ acquiring.Charger  = (*Memory)(nil)
	_ acquiring.Lister   = (*Memory)(nil)
	_ acquiring.Checker  = (*Memory)(nil)
)

// NewMemory opens a shop at an imaginary provider.
func NewMemory(opt MemoryOptions) *Memory {
	if opt.Shop == "" {
		opt.Shop = memoryName
	}
	if opt.Password == "" {
		opt.Password = rand.Text()
	}
	m := &Memory{
		bank:     newMemoryBank(opt),
		password: opt.Password, opt: opt, log: opt.Logger,
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	return m
}

// Wrong is a client of the same imaginary provider with a wrong password.
func (m *Memory) Wrong() *Memory {
	w := *m
	w.password = "wrong"
	return &w
}

// Name implements acquiring.Named.
func (m *Memory) Name() (provider, shop string) { return memoryName, m.opt.Shop }

// String does not show the password.
func (m *Memory) String() string { return "acquiringtest.Memory(" + m.opt.Shop + ")" }

// GoString does not show the password.
func (m *Memory) GoString() string { return m.String() }

// LogValue does not show the password.
func (m *Memory) LogValue() slog.Value { return slog.StringValue(m.String()) }

// do is one exchange with the imaginary provider: what a fault makes of it,
// and otherwise what work makes. Its errors are told as a client tells them.
func (m *Memory) do(ctx context.Context, op Op, name string, work func(b *memoryBank) *acquiring.Error) error {
	e := m.exchange(ctx, op, work)
	if e == nil {
		return nil
	}
	e.Provider, e.Op = memoryName, name
	m.log.LogAttrs(ctx, slog.LevelWarn, "provider call", slog.String("op", name), slog.String("error", e.Error()))
	return e
}

func (m *Memory) exchange(ctx context.Context, op Op, work func(b *memoryBank) *acquiring.Error) *acquiring.Error {
	if err := ctx.Err(); err != nil {
		return &acquiring.Error{Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeNotSent, Message: "the request did not leave", Err: err}
	}
	lost := func(kind error, status int, words string) *acquiring.Error {
		return &acquiring.Error{Kind: kind, Outcome: acquiring.OutcomeUnknown, HTTPStatus: status, Message: words}
	}
	b := m.bank
	b.mu.Lock()
	b.requests++
	fault := b.takeFault(op)
	run := func() *acquiring.Error {
		if m.password != b.password {
			return &acquiring.Error{Kind: acquiring.ErrUnauthorized, Outcome: acquiring.OutcomeRejected, Code: "5", Message: "access denied"}
		}
		return work(b)
	}
	var e *acquiring.Error
	switch fault.Kind {
	case ServerError:
		e = lost(acquiring.ErrUnavailable, 503, "service unavailable")
	case Drop:
		e = lost(acquiring.ErrUnavailable, 0, "no whole answer")
	case HTML:
		e = lost(acquiring.ErrProtocol, 200, "the answer is a web page")
	case Empty:
		e = lost(acquiring.ErrProtocol, 200, "the answer is empty")
	case RateLimited:
		e = &acquiring.Error{Kind: acquiring.ErrRateLimited, Outcome: acquiring.OutcomeRejected, HTTPStatus: 429,
			RetryAfter: max(fault.Delay, time.Second), Message: "too many requests"}
	case LostAnswer:
		if e = run(); e == nil {
			e = lost(acquiring.ErrUnavailable, 0, "no whole answer")
		}
	case Cut:
		if e = run(); e == nil {
			e = lost(acquiring.ErrProtocol, 200, "the answer was cut off")
		}
	default:
		e = run()
	}
	b.mu.Unlock()
	if fault.Kind == Slow {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			e = lost(acquiring.ErrUnavailable, 0, "no whole answer")
			e.Err = ctx.Err()
		}
	}
	return e
}

// unknown says that the call may have been carried out and it is worth
// looking.
func unknown(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown
}

// CreateInvoice implements acquiring.Acquirer.
func (m *Memory) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	const name = "CreateInvoice"
	if err := m.checkInvoice(r); err != nil {
		return nil, acquiring.InOp(memoryName, name, err)
	}
	p, err := m.register(ctx, OpCreate, name, r, func(b *memoryBank, p *memoryPayment) *acquiring.Error { return nil })
	if err != nil {
		return nil, err
	}
	inv := &acquiring.Invoice{ID: p.ID, OrderID: r.OrderID, Amount: r.Amount, Currency: r.CurrencyOrRUB(), PayURL: "https://pay.example/" + string(p.ID)}
	if r.TTL > 0 {
		inv.ExpiresAt = p.CreatedAt.Add(r.TTL)
	}
	return inv, nil
}

// MemoryMaxOrderID is the longest order number that Memory takes.
const MemoryMaxOrderID = 36

func (m *Memory) checkInvoice(r acquiring.InvoiceRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if len(r.OrderID) > MemoryMaxOrderID {
		return acquiring.Invalid("OrderID", "is longer than 36 characters")
	}
	if r.CurrencyOrRUB() != "RUB" {
		return acquiring.Invalid("Currency", "is not RUB")
	}
	return nil
}

// register makes the payment, or finds the one that is there. After an unknown
// outcome it looks by the order number first.
func (m *Memory) register(ctx context.Context, op Op, name string, r acquiring.InvoiceRequest, then func(*memoryBank, *memoryPayment) *acquiring.Error) (*acquiring.Payment, error) {
	var got *acquiring.Payment
	work := func(b *memoryBank) *acquiring.Error {
		if old := b.byOrder[r.OrderID]; old != nil {
			if old.Amount != r.Amount || old.hold != r.Hold {
				return &acquiring.Error{Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Code: "1",
					Message: "the order number is taken by another payment", Hint: "give a new attempt a number of its own: acquiring.Attempt"}
			}
			got = old.view()
			return nil
		}
		p := b.add(r)
		e := then(b, p)
		got = p.view()
		return e
	}
	err := m.do(ctx, op, name, work)
	if !unknown(ctx, err) {
		return got, err
	}
	found, look := m.FindByOrder(ctx, r.OrderID)
	if look == nil && found.Amount == r.Amount {
		return found, nil
	}
	if errors.Is(look, acquiring.ErrNotFound) {
		return got, m.do(ctx, op, name, work)
	}
	return nil, err
}

// GetStatus implements acquiring.Acquirer.
func (m *Memory) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	if id == "" {
		return nil, acquiring.InOp(memoryName, "GetStatus", acquiring.Invalid("ID", "is empty"))
	}
	return m.look(ctx, "GetStatus", func(b *memoryBank) *memoryPayment { return b.payments[id] })
}

// FindByOrder implements acquiring.Finder.
func (m *Memory) FindByOrder(ctx context.Context, orderID string) (*acquiring.Payment, error) {
	if orderID == "" {
		return nil, acquiring.InOp(memoryName, "FindByOrder", acquiring.Invalid("OrderID", "is empty"))
	}
	return m.look(ctx, "FindByOrder", func(b *memoryBank) *memoryPayment { return b.byOrder[orderID] })
}

// look reads a payment, three times if need be.
func (m *Memory) look(ctx context.Context, name string, find func(*memoryBank) *memoryPayment) (got *acquiring.Payment, err error) {
	for range 3 {
		err = m.do(ctx, OpStatus, name, func(b *memoryBank) *acquiring.Error {
			p := find(b)
			if p == nil {
				return &acquiring.Error{Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected, Code: "6", Message: "no such payment"}
			}
			got = p.view()
			return nil
		})
		if err == nil {
			return got, nil
		}
		if !errors.Is(err, acquiring.ErrUnavailable) || ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, err
}

// change finds the payment and does the work on it.
func (m *Memory) change(ctx context.Context, op Op, name string, id acquiring.PaymentID, work func(*memoryBank, *memoryPayment) *acquiring.Error) error {
	if id == "" {
		return acquiring.InOp(memoryName, name, acquiring.Invalid("ID", "is empty"))
	}
	return m.do(ctx, op, name, func(b *memoryBank) *acquiring.Error {
		p := b.payments[id]
		if p == nil {
			return &acquiring.Error{Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected, Code: "6", Message: "no such payment"}
		}
		return work(b, p)
	})
}

func conflict(words string) *acquiring.Error {
	return &acquiring.Error{Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Code: "7", Message: words}
}

// Refund implements acquiring.Acquirer. The imaginary provider knows the keys:
// after an unknown outcome the same request is made again.
func (m *Memory) Refund(ctx context.Context, r acquiring.RefundRequest) (out *acquiring.Refund, err error) {
	if err := r.Validate(); err != nil {
		return nil, acquiring.InOp(memoryName, "Refund", err)
	}
	for range 2 {
		err = m.change(ctx, OpRefund, "Refund", r.ID, func(b *memoryBank, p *memoryPayment) *acquiring.Error {
			made, e := b.refund(p, r)
			if e == nil {
				view := *made
				out = &view
			}
			return e
		})
		if !unknown(ctx, err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Capture implements acquiring.Capturer.
func (m *Memory) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	if err := r.Validate(); err != nil {
		return nil, acquiring.InOp(memoryName, "Capture", err)
	}
	err := m.change(ctx, OpCapture, "Capture", r.ID, func(b *memoryBank, p *memoryPayment) *acquiring.Error {
		take := r.Amount
		if take == 0 {
			take = p.Amount
		}
		switch {
		case p.Status != acquiring.StatusAuthorized:
			return conflict("the payment is not held")
		case take > p.Amount:
			return conflict("more than is held")
		}
		p.Captured = take
		b.move(p, acquiring.StatusPaid)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m.GetStatus(ctx, r.ID)
}

// Void implements acquiring.Capturer.
func (m *Memory) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	err := m.change(ctx, OpVoid, "Void", id, func(b *memoryBank, p *memoryPayment) *acquiring.Error {
		if p.Status != acquiring.StatusAuthorized {
			return conflict("the payment is not held")
		}
		b.move(p, acquiring.StatusVoided)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m.GetStatus(ctx, id)
}

// Cancel implements acquiring.Canceler.
func (m *Memory) Cancel(ctx context.Context, id acquiring.PaymentID) error {
	return m.change(ctx, OpCancel, "Cancel", id, func(b *memoryBank, p *memoryPayment) *acquiring.Error {
		switch {
		case p.Status == acquiring.StatusCanceled:
			return nil
		case p.Status != acquiring.StatusPending:
			return conflict("the payment is not unpaid")
		}
		b.move(p, acquiring.StatusCanceled)
		return nil
	})
}

// CreateQR implements acquiring.QRIssuer.
func (m *Memory) CreateQR(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.QR, error) {
	inv, err := m.CreateInvoice(ctx, r)
	if err != nil {
		return nil, acquiring.InOp(memoryName, "CreateQR", err)
	}
	return &acquiring.QR{ID: "Q" + string(inv.ID), PaymentID: inv.ID, OrderID: r.OrderID, Payload: "https://qr.nspk.ru/" + strings.ToUpper(string(inv.ID)), ExpiresAt: inv.ExpiresAt}, nil
}

// Charge implements acquiring.Charger.
func (m *Memory) Charge(ctx context.Context, r acquiring.ChargeRequest) (*acquiring.Payment, error) {
	if err := r.Validate(); err != nil {
		return nil, acquiring.InOp(memoryName, "Charge", err)
	}
	if err := m.checkInvoice(r.Invoice()); err != nil {
		return nil, acquiring.InOp(memoryName, "Charge", err)
	}
	return m.register(ctx, OpCharge, "Charge", r.Invoice(), func(b *memoryBank, p *memoryPayment) *acquiring.Error {
		if !b.tokens[r.Token] {
			b.move(p, acquiring.StatusDeclined)
			return &acquiring.Error{Kind: acquiring.ErrDeclined, Outcome: acquiring.OutcomeRejected, Code: "2", Message: "no such card is saved"}
		}
		b.pay(p)
		return nil
	})
}

// DeleteToken implements acquiring.Charger.
func (m *Memory) DeleteToken(ctx context.Context, token string) error {
	if token == "" {
		return acquiring.InOp(memoryName, "DeleteToken", acquiring.Invalid("Token", "is empty"))
	}
	return m.do(ctx, OpCancel, "DeleteToken", func(b *memoryBank) *acquiring.Error {
		delete(b.tokens, token)
		return nil
	})
}

// Payments implements acquiring.Lister, newest first.
func (m *Memory) Payments(ctx context.Context, f acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	return func(yield func(*acquiring.Payment, error) bool) {
		var all []*acquiring.Payment
		if err := m.do(ctx, OpStatus, "Payments", func(b *memoryBank) *acquiring.Error { all = b.list(f); return nil }); err != nil {
			yield(nil, err)
			return
		}
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Check implements acquiring.Checker.
func (m *Memory) Check(ctx context.Context) error {
	return m.do(ctx, OpStatus, "Check", func(*memoryBank) *acquiring.Error { return nil })
}

// Pay is the customer paying: a hold is authorised, any other invoice paid. An
// invoice that cannot be paid (any more) gives an error.
func (m *Memory) Pay(id acquiring.PaymentID) error {
	return m.bank.customer(id, (*memoryBank).pay)
}

// Decline is the customer's bank refusing the payment for good.
func (m *Memory) Decline(id acquiring.PaymentID) error {
	return m.bank.customer(id, func(b *memoryBank, p *memoryPayment) {
		p.Failure = &acquiring.Failure{Code: "116", Message: "not enough money"}
		b.move(p, acquiring.StatusDeclined)
	})
}

// Expire is the invoice's time running out.
func (m *Memory) Expire(id acquiring.PaymentID) error {
	return m.bank.customer(id, func(b *memoryBank, p *memoryPayment) { b.move(p, acquiring.StatusExpired) })
}

// Settle executes the refunds that are pending (MemoryOptions.AsyncRefunds).
func (m *Memory) Settle() { m.bank.settle() }

// Fail arms a fault for calls to come; Times 0 is once. Memory issues, refunds and
// reads again after one, as a client does: to see the error give Times Always.
func (m *Memory) Fail(f Fault) {
	f.Times = max(f.Times, 1)
	m.bank.mu.Lock()
	defer m.bank.mu.Unlock()
	m.bank.faults = append(m.bank.faults, &f)
}

// Books is the payment on the imaginary provider's side.
func (m *Memory) Books(id acquiring.PaymentID) (Books, error) {
	m.bank.mu.Lock()
	defer m.bank.mu.Unlock()
	p := m.bank.payments[id]
	if p == nil {
		return Books{}, errors.New("acquiringtest: no such payment")
	}
	b := Books{Captured: p.Captured}
	for _, r := range p.refunds {
		b.Refunded += r.Amount
		b.Refunds++
	}
	return b, nil
}

// secret is a random key.
func secret() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return []byte(hex.EncodeToString(key))
}

// sumLeft is what can still be given back.
func (p *memoryPayment) sumLeft() money.Amount {
	left := p.Captured
	for _, r := range p.refunds {
		left -= r.Amount
	}
	return left
}
