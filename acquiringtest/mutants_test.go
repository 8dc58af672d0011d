package acquiringtest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

type (
	ctxT = context.Context
	cbT  = *acquiring.Callback
	reqT = *http.Request
)

var callbackMutants = []mutant{
	{name: "believes any callback", want: []string{"Forgery/ValueChanged", "Forgery/PaidNewsForAnotherPayment", "Forgery/AnotherShopsNews", "Callback/Garbage"},
		wrap: verifying(func(m *Memory, _ ctxT, r reqT) (cbT, error) {
			form, raw, err := parseMemoryForm(r)
			if err != nil {
				return nil, err
			}
			cb, err := m.believed(form, raw)
			if err != nil { // anything is good
				return &acquiring.Callback{Kind: acquiring.CallbackOther, Signed: true}, nil
			}
			return cb, nil
		})},
	{name: "skips the check when the signature is missing", want: []string{"Forgery/ChangedAndRemoved", "Forgery/SignatureChanged", "Forgery/PaidNewsForAnotherPayment"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			form, raw, err := parseMemoryForm(r)
			if err == nil && form.Get("sign") == "" {
				return m.believed(form, raw)
			}
			r.Body = io.NopCloser(strings.NewReader(string(raw)))
			return m.VerifyCallback(ctx, r)
		})},
	{name: "signs without the sum", want: []string{"Forgery/ValueChanged", "Forgery/ByteFlipped"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			form, raw, err := parseMemoryForm(r)
			if err != nil {
				return nil, err
			}
			claimed := form.Get("amount")
			m.bank.mu.Lock()
			if p := m.bank.payments[acquiring.PaymentID(form.Get("payment"))]; p != nil {
				form.Set("amount", p.Amount.Minor())
			}
			m.bank.mu.Unlock()
			r.Body = io.NopCloser(strings.NewReader(form.Encode()))
			cb, err := m.VerifyCallback(ctx, r)
			if err == nil {
				cb.Amount, _ = money.ParseMinor(claimed)
				cb.Raw = raw
			}
			return cb, err
		})},
	{name: "takes the last of a doubled parameter", want: []string{"Forgery/ParameterDoubled"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			form, raw := readAll(r)
			if len(raw) > memoryBodyLimit {
				return nil, forged("too long")
			}
			for name, v := range form {
				form[name] = v[len(v)-1:]
			}
			r.Body = io.NopCloser(strings.NewReader(form.Encode()))
			return m.VerifyCallback(ctx, r)
		})},
	{name: "reads the query where the body is signed", want: []string{"Forgery/ValueInAnotherPlace"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			cb, err := m.VerifyCallback(ctx, r)
			if err == nil && r.URL.Query().Get("amount") != "" {
				cb.Amount, _ = money.ParseMinor(r.URL.Query().Get("amount"))
			}
			return cb, err
		})},
	{name: "reads a body of any length", want: []string{"Callback/BodyLimit"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			_, raw := readAll(r)
			if len(raw) > memoryBodyLimit {
				return nil, forged("too long")
			}
			r.Body = io.NopCloser(strings.NewReader(string(raw)))
			return m.VerifyCallback(ctx, r)
		})},
	{name: "gives each delivery its own key", want: []string{"Callback/Repeated", "Callback/Concurrent"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			cb, err := m.VerifyCallback(ctx, r)
			if err == nil {
				cb.Key += ":" + string(secret()[:4])
			}
			return cb, err
		})},
	{name: "gives all news of a payment one key", want: []string{"Callback/NewsHasOwnKey"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			cb, err := m.VerifyCallback(ctx, r)
			if err == nil {
				cb.Key = memoryName + ":" + string(cb.PaymentID)
			}
			return cb, err
		})},
	{name: "moves a refunded payment back", want: []string{"Callback/Reordered", "Refund/Announced"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			cb, err := m.VerifyCallback(ctx, r)
			if err == nil && cb.Status == acquiring.StatusRefunded {
				cb.Status = acquiring.StatusVoided
			}
			return cb, err
		})},
	{name: "answers the callback with an error", want: []string{"Callback/Paid"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			cb, err := m.VerifyCallback(ctx, r)
			if err == nil {
				cb.Reply.Status = http.StatusInternalServerError
			}
			return cb, err
		})},
	{name: "believes an unsigned callback", opt: MemoryOptions{UnsignedCallbacks: true},
		want: []string{"Forgery/ValueChanged", "Forgery/PaidNewsForAnotherPayment"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			form, raw, err := parseMemoryForm(r)
			if err != nil {
				return nil, err
			}
			cb, err := m.believed(form, raw)
			if err != nil {
				return nil, err
			}
			cb.Signed = false
			cb.Payment, err = m.GetStatus(ctx, cb.PaymentID)
			if err != nil {
				return nil, forged("no such payment")
			}
			cb.Payment.Status = cb.Status
			return cb, nil
		})},
	{name: "loses the unsigned news when it cannot ask", opt: MemoryOptions{UnsignedCallbacks: true}, want: []string{"Callback/WhileProviderIsDown"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			cb, err := m.VerifyCallback(ctx, r)
			if acquiring.Temporary(err) {
				return nil, forged("the payment cannot be read")
			}
			return cb, err
		})},
	{name: "tells the expected signature", want: []string{"Forgery/SignatureChanged"},
		wrap: verifying(func(m *Memory, ctx ctxT, r reqT) (cbT, error) {
			cb, err := m.VerifyCallback(ctx, r)
			return cb, changedError(err, func(e *acquiring.Error) { e.Message += "; the key is " + string(m.bank.key) })
		})},
}

var requestMutants = []mutant{
	{name: "refunds twice", want: []string{"Refund/SameKey", "Refund/SameKeyConcurrently", "RefundFault/SlowBeyondDeadline"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (*acquiring.Refund, error) {
			if r.Key != "" {
				r.Key = string(secret()[:20])
			}
			return m.Refund(ctx, r)
		})},
	{name: "repeats a refund whose answer was lost as a new one", want: []string{"RefundFault/LostAnswer", "RefundFault/Cut", "RefundFault/LostAnswerOfPart"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (out *acquiring.Refund, err error) {
			for range 3 {
				err = m.change(ctx, OpRefund, "Refund", r.ID, func(b *memoryBank, p *memoryPayment) *acquiring.Error {
					again := r
					again.Key = string(secret()[:20])
					made, e := b.refund(p, again)
					out = made
					return e
				})
				if err == nil {
					return out, nil
				}
			}
			return nil, err
		})},
	{name: "takes the sum for the refund's key", want: []string{"Refund/SameSumOtherKey"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (*acquiring.Refund, error) {
			if r.Key != "" {
				r.Key = "sum-" + r.Amount.Minor()
			}
			return m.Refund(ctx, r)
		})},
	{name: "refunds all for the rest", want: []string{"Refund/Rest"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (*acquiring.Refund, error) {
			if p, err := m.GetStatus(ctx, r.ID); err == nil && r.Amount == 0 {
				r.Amount = p.Amount
			}
			return m.Refund(ctx, r)
		})},
	{name: "refunds less than was asked, in silence", want: []string{"Refund/TooMuch"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (*acquiring.Refund, error) {
			if p, err := m.GetStatus(ctx, r.ID); err == nil {
				r.Amount = min(r.Amount, p.Left())
			}
			return m.Refund(ctx, r)
		})},
	{name: "voids the hold that it was to refund", want: []string{"Hold/RefundOfHold"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (*acquiring.Refund, error) {
			if p, err := m.GetStatus(ctx, r.ID); err == nil && p.Status == acquiring.StatusAuthorized {
				_, err := m.Void(ctx, r.ID)
				return &acquiring.Refund{ID: "v", PaymentID: r.ID, Amount: p.Amount, Status: acquiring.RefundDone}, err
			}
			return m.Refund(ctx, r)
		})},
	{name: "forgets the outcome", want: []string{"RefundFault/Down", "RefundFault/SlowBeyondDeadline"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (*acquiring.Refund, error) {
			out, err := m.Refund(ctx, r)
			return out, changedError(err, func(e *acquiring.Error) { e.Outcome = acquiring.OutcomeNotSent })
		})},
	{name: "goes on when the context is cancelled", want: []string{"RefundFault/CancelledBefore"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (*acquiring.Refund, error) {
			return m.Refund(context.WithoutCancel(ctx), r)
		})},
	{name: "asks for the rest of a payment before it checks the request", want: []string{"Refund/InvalidRefusedBeforeSending"},
		wrap: refunding(func(m *Memory, ctx ctxT, r acquiring.RefundRequest) (*acquiring.Refund, error) {
			_, _ = m.GetStatus(ctx, r.ID)
			return m.Refund(ctx, r)
		})},
	{name: "makes a second link for the same order", want: []string{"Create/Repeated", "Create/RepeatedConcurrently", "Create/RepeatedWithAnotherSum"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			return onceMore(m, ctx, r, func(error) bool { return true })
		})},
	{name: "makes a second link when the answer is lost", want: []string{"Fault/CreateLostAnswer", "Fault/CreateCut"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			var got *acquiring.Payment
			work := func(number string) error {
				return m.do(ctx, OpCreate, "CreateInvoice", func(b *memoryBank) *acquiring.Error {
					q := r
					q.OrderID = number
					got = b.add(q).view()
					return nil
				})
			}
			err := work(r.OrderID)
			if err != nil {
				err = work(r.OrderID + "_2")
			}
			if err != nil {
				return nil, err
			}
			return &acquiring.Invoice{ID: got.ID, OrderID: r.OrderID, Amount: r.Amount, Currency: "RUB", PayURL: "https://pay.example/"}, nil
		})},
	{name: "says not sent when it does not know", want: []string{"Fault/CreateLostAnswerAndBlind", "Fault/CreateSlowBeyondDeadline"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			inv, err := m.CreateInvoice(ctx, r)
			return inv, changedError(err, func(e *acquiring.Error) {
				if e.Outcome == acquiring.OutcomeUnknown {
					e.Outcome = acquiring.OutcomeNotSent
				}
			})
		})},
	{name: "writes into the caller's maps", want: []string{"Create/RequestShared"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			mutated.Lock()
			if r.Metadata != nil {
				r.Metadata["orderId"] = r.OrderID
			}
			mutated.Unlock()
			return m.CreateInvoice(ctx, r)
		})},
	{name: "writes into the caller's receipt", want: []string{"Create/Receipt"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			if r.Receipt != nil && len(r.Receipt.Lines) > 0 {
				r.Receipt.Lines[0].ID = "1"
			}
			return m.CreateInvoice(ctx, r)
		})},
	{name: "counts in floats", want: []string{"Create/Amounts"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			asked := r.Amount
			r.Amount = money.Amount(float32(r.Amount)/100) * 100
			inv, err := m.CreateInvoice(ctx, r)
			if err == nil {
				inv.Amount = asked
			}
			return inv, err
		})},
	{name: "sends first and checks later", want: []string{"Create/InvalidRefusedBeforeSending", "Create/OrderIDTooLong", "Create/ForeignCurrency", "Create/ReceiptOfAnotherTotal"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			_ = m.Check(ctx)
			return m.CreateInvoice(ctx, r)
		})},
	{name: "cuts what is too long", want: []string{"Create/OrderIDTooLong"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			r.OrderID = r.OrderID[:min(len(r.OrderID), MemoryMaxOrderID)]
			return m.CreateInvoice(ctx, r)
		})},
	{name: "takes any currency for rubles", want: []string{"Create/ForeignCurrency"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			if r.Currency != "roubles" {
				r.Currency = ""
			}
			return m.CreateInvoice(ctx, r)
		})},
	{name: "drops the receipt", want: []string{"Create/ReceiptOfAnotherTotal"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			r.Receipt = nil
			return m.CreateInvoice(ctx, r)
		})},
	{name: "names no field", want: []string{"Create/InvalidRefusedBeforeSending"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			inv, err := m.CreateInvoice(ctx, r)
			return inv, changedError(err, func(e *acquiring.Error) { e.Field = "" })
		})},
	{name: "forgets to hold", want: []string{"Hold/Authorised", "Create/HoldDiffers", "Hold/Void"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			r.Hold = false
			return m.CreateInvoice(ctx, r)
		})},
	{name: "tells a wrong expiry", want: []string{"Create/ExpiryIsInTheFuture"},
		wrap: creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			inv, err := m.CreateInvoice(ctx, r)
			if err == nil && r.TTL > 0 {
				inv.ExpiresAt = inv.ExpiresAt.Add(-3 * 60 * 60 * 1e9) // the time zone of Moscow
			}
			return inv, err
		})},
}

var mutated sync.Mutex

// onceMore issues the invoice under a new number when its own is taken.
func onceMore(m *Memory, ctx ctxT, r acquiring.InvoiceRequest, _ func(error) bool) (*acquiring.Invoice, error) {
	asked := r.OrderID
	for n := 2; ; n++ {
		m.bank.mu.Lock()
		taken := m.bank.byOrder[r.OrderID] != nil
		m.bank.mu.Unlock()
		if !taken {
			break
		}
		r.OrderID = acquiring.Attempt(asked, n)
	}
	inv, err := m.CreateInvoice(ctx, r)
	if err == nil {
		inv.OrderID = asked
	}
	return inv, err
}
