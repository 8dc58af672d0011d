package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
)

// Handler takes the notifications of one merchant account: verifies them, reads
// the payment back, compares, runs process once for each piece of news, and
// answers as the provider expects. See the package's page for how often
// process may run and what the sender is answered. It panics when a or process
// is nil.
func Handler(a acquiring.Acquirer, process func(ctx context.Context, e Event) error, opts ...Option) http.Handler {
	if a == nil {
		panic("webhook.Handler: the Acquirer is nil")
	}
	return HandlerFor(func(*http.Request) (acquiring.Acquirer, error) { return a, nil }, process, opts...)
}

// HandlerFor takes the notifications of many shops: shop finds the account by
// the request, ordinarily by a part of its path, and must not read the body.
// No Acquirer, or an error, is answered 404; an error for which
// acquiring.Temporary holds, or a context's, 503, so that the notification
// comes again. What tells process whose news it hears is Event.Key alone, and
// an [ExpectFunc] is told the order's number only: where two shops may have the
// same one, give each a Handler of its own over the common Inbox. It panics when
// shop or process is nil.
func HandlerFor(shop func(r *http.Request) (acquiring.Acquirer, error), process func(ctx context.Context, e Event) error, opts ...Option) http.Handler {
	if shop == nil || process == nil {
		panic("webhook.Handler: shop or process is nil")
	}
	return &handler{config: newConfig(opts), shop: shop, process: process}
}

type handler struct {
	*config
	shop    func(r *http.Request) (acquiring.Acquirer, error)
	process func(ctx context.Context, e Event) error
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	// What was begun is finished also when the provider hangs up: its
	// repetition then finds the work done.
	ctx := context.WithoutCancel(r.Context())
	o := &Observation{Source: FromCallback}
	reply := h.serve(ctx, r, o)
	o.HTTP, o.Took = reply.Status, time.Since(start)
	if o.HTTP == 0 {
		o.HTTP = http.StatusOK
	}
	h.report(ctx, o)
	if o.HTTP == http.StatusServiceUnavailable {
		if after := retryAfter(o.Err); after > 0 {
			w.Header().Set("Retry-After", strconv.FormatInt(int64((after+time.Second-1)/time.Second), 10))
		}
	}
	reply.Write(w)
}

// serve finds the answer, and leaves in o what became of the notification.
func (h *handler) serve(ctx context.Context, r *http.Request, o *Observation) (reply acquiring.Reply) {
	defer func() {
		if p := recover(); p != nil {
			reply = o.end(http.StatusInternalServerError, Panicked, newPanic(p))
		}
	}()
	if h.allow != nil && !h.allow.permits(r) {
		return o.end(http.StatusForbidden, Forbidden, fmt.Errorf("%s is not on the list of senders", r.RemoteAddr))
	}
	a, err := h.shop(r)
	if err != nil && (acquiring.Temporary(err) || contextEnded(err)) {
		return o.end(http.StatusServiceUnavailable, Unavailable, err)
	}
	if err != nil || a == nil {
		return o.end(http.StatusNotFound, UnknownShop, err)
	}
	o.Provider, o.Shop = nameOf(a)

	work := newDeadline(ctx, h.timeout)
	defer work.end()
	ctx = work
	cb, err := a.VerifyCallback(ctx, r)
	if err == nil && cb == nil {
		err = errors.New("VerifyCallback returned neither a callback nor an error")
	}
	if err != nil {
		return o.unverified(err)
	}
	o.Kind, o.PaymentID, o.OrderID, o.Status = cb.Kind, cb.PaymentID, cb.OrderID, cb.Status
	switch cb.Kind {
	case acquiring.CallbackPayment:
	case acquiring.CallbackQuestion:
		return h.answer(ctx, cb, o)
	default:
		return h.pass(ctx, cb, o)
	}

	p, err := h.read(ctx, a, cb)
	if err != nil {
		return o.unread(err)
	}
	o.see(p)
	if why := differs(cb, p); why != "" {
		return o.end(http.StatusConflict, Mismatch, errors.New(why))
	}
	if behind(cb, p) {
		return o.end(http.StatusServiceUnavailable, Behind, fmt.Errorf("the callback says %s, the provider still answers %s", cb.Status, p.Status))
	}
	if h.expect != nil && (p.Status.Succeeded() || p.Status == acquiring.StatusAuthorized) {
		why, err := unexpected(ctx, h.expect, p.OrderID, p.Amount, p.Currency)
		if err != nil {
			return o.end(http.StatusInternalServerError, Failed, err)
		}
		if why != "" {
			return o.end(http.StatusConflict, Mismatch, errors.New(why))
		}
	}
	o.Key = keyOf(o.Provider, o.Shop, cb, p)
	o.Outcome, o.Err = deliver(ctx, h.inbox, h.process, Event{Callback: cb, Payment: p, Key: o.Key, Source: FromCallback})
	switch o.Outcome {
	case Processed, Duplicate:
		return cb.Reply
	case InFlight, InboxFailed:
		return o.end(http.StatusServiceUnavailable, o.Outcome, o.Err)
	}
	return o.end(http.StatusInternalServerError, o.Outcome, o.Err)
}

// read is the payment that the callback is about: read back, unless that was
// done or is not wanted.
func (h *handler) read(ctx context.Context, a acquiring.Acquirer, cb *acquiring.Callback) (*acquiring.Payment, error) {
	if !cb.Signed && cb.Payment != nil {
		return cb.Payment, nil // VerifyCallback read it back
	}
	if h.trust && cb.Signed {
		p := cb.Payment
		if p == nil {
			p = &acquiring.Payment{ID: cb.PaymentID, OrderID: cb.OrderID, Status: cb.Status, Amount: cb.Amount}
		}
		enough := p.ID != "" && (h.expect == nil || p.Amount != 0) && (p.Status != acquiring.StatusPartiallyRefunded || p.Refunded != 0)
		if enough {
			return p, nil
		}
	}
	p, err := readPayment(ctx, a, cb.PaymentID, cb.OrderID)
	if cb.Signed && cb.Payment != nil && errors.Is(err, acquiring.ErrUnsupported) {
		// This account cannot be asked (PayMaster's classic protocol without a
		// login for its API): the signed notification is all there is.
		return cb.Payment, nil
	}
	if err == nil && cb.Signed {
		p = ofOrder(p, cb.OrderID)
	}
	return p, err
}

// ofOrder is the payment with the order's number where the provider does not
// repeat it: without one, nobody would know what was paid.
func ofOrder(p *acquiring.Payment, orderID string) *acquiring.Payment {
	if p.OrderID != "" || orderID == "" {
		return p
	}
	own := *p
	own.OrderID = orderID
	return &own
}

// readPayment asks the provider by its own number, or by the order's where
// there is none.
func readPayment(ctx context.Context, a acquiring.Acquirer, id acquiring.PaymentID, orderID string) (p *acquiring.Payment, err error) {
	finder, finds := a.(acquiring.Finder)
	switch {
	case id != "":
		p, err = a.GetStatus(ctx, id)
	case orderID != "" && finds:
		p, err = finder.FindByOrder(ctx, orderID)
	default:
		return nil, errors.New("there is no number to ask the provider by")
	}
	if err == nil && p == nil {
		err = errors.New("the client returned neither a payment nor an error")
	}
	return p, err
}

// answer answers a question asked before the payment.
func (h *handler) answer(ctx context.Context, cb *acquiring.Callback, o *Observation) acquiring.Reply {
	err := h.ask(ctx, cb)
	switch {
	case err == nil:
		o.Outcome = Agreed
		return cb.Reply
	case isRefusal(err):
		o.Outcome, o.Err = Refused, err
		if cb.Refusal.Status == 0 && cb.Refusal.ContentType == "" && len(cb.Refusal.Body) == 0 {
			return acquiring.Reply{ContentType: "text/plain; charset=utf-8", Body: []byte("NO")}
		}
		return cb.Refusal
	}
	return o.end(http.StatusInternalServerError, Failed, err)
}

func (h *handler) ask(ctx context.Context, cb *acquiring.Callback) error {
	if h.expect != nil && cb.Amount != 0 && cb.OrderID != "" {
		currency := ""
		if cb.Payment != nil {
			currency = cb.Payment.Currency
		}
		why, err := unexpected(ctx, h.expect, cb.OrderID, cb.Amount, currency)
		if errors.Is(err, acquiring.ErrNotFound) {
			why, err = "there is no such order", nil
		}
		if err != nil {
			return err
		}
		if why != "" {
			return Refuse(why)
		}
	}
	if h.question == nil {
		return nil
	}
	return h.question(ctx, Event{Callback: cb, Payment: cb.Payment, Source: FromCallback})
}

// pass answers what is authentic and none of our business.
func (h *handler) pass(ctx context.Context, cb *acquiring.Callback, o *Observation) acquiring.Reply {
	o.Key = cb.Key
	if h.other != nil {
		if err := h.other(ctx, Event{Callback: cb, Payment: cb.Payment, Key: cb.Key, Source: FromCallback}); err != nil {
			return o.end(http.StatusInternalServerError, Failed, err)
		}
	}
	o.Outcome = Passed
	return cb.Reply
}

// deliver runs process for the event unless it was run before.
func deliver(ctx context.Context, inbox Inbox, process func(context.Context, Event) error, e Event) (Outcome, error) {
	var run struct {
		done bool
		err  error // of the last run: an Inbox may run it again
	}
	err := inbox.Once(ctx, e.Key, func(ctx context.Context) error {
		run.done = true
		run.err = guard(ctx, process, e)
		return run.err
	})
	switch {
	case run.err != nil:
		if _, panicked := run.err.(*panicError); panicked {
			return Panicked, run.err
		}
		return Failed, run.err
	case err == nil && run.done:
		return Processed, nil
	case err == nil:
		return Duplicate, nil
	case run.done:
		return Failed, fmt.Errorf("process was done, but not marked so: %w", err)
	case errors.Is(err, ErrInFlight):
		return InFlight, err
	}
	return InboxFailed, err
}

// guard turns a panic into an error before it gets into the Inbox.
func guard(ctx context.Context, process func(context.Context, Event) error, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanic(p)
		}
	}()
	return process(ctx, e)
}

// panicError is a panic with the stack it came from.
type panicError struct {
	value any
	stack []byte
}

func newPanic(v any) *panicError { return &panicError{v, debug.Stack()} }

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// end notes what became of the notification; the answer says the code's own
// words and no more.
func (o *Observation) end(code int, outcome Outcome, err error) acquiring.Reply {
	o.Outcome, o.Err = outcome, err
	return acquiring.Reply{Status: code, ContentType: "text/plain; charset=utf-8", Body: []byte(http.StatusText(code) + "\n")}
}

// see notes what the payment adds to what the callback said.
func (o *Observation) see(p *acquiring.Payment) {
	o.Status = p.Status
	if p.ID != "" {
		o.PaymentID = p.ID
	}
	if p.OrderID != "" {
		o.OrderID = p.OrderID
	}
}

// unverified answers for an error of VerifyCallback. A payment that the
// provider does not know is as good as a forged notification; our own
// credentials are not the sender's fault.
func (o *Observation) unverified(err error) acquiring.Reply {
	switch {
	case errors.Is(err, acquiring.ErrSignature), errors.Is(err, acquiring.ErrNotFound):
		return o.end(http.StatusForbidden, Forged, err)
	case errors.Is(err, acquiring.ErrInvalid):
		return o.end(http.StatusBadRequest, Forged, err)
	}
	return o.unread(err)
}

// unread answers for a payment that could not be read back: the notification
// is to come again.
func (o *Observation) unread(err error) acquiring.Reply {
	if acquiring.Temporary(err) || contextEnded(err) || errors.Is(err, acquiring.ErrProtocol) {
		return o.end(http.StatusServiceUnavailable, Unavailable, err)
	}
	return o.end(http.StatusInternalServerError, Misread, err)
}

func contextEnded(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

func retryAfter(err error) time.Duration {
	var e *acquiring.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// report logs and observes.
func (c *config) report(ctx context.Context, o *Observation) {
	level := slog.LevelInfo
	switch o.Outcome {
	case Duplicate, NoNews, Agreed, Passed:
		level = slog.LevelDebug
	case Forged, Forbidden, UnknownShop, Unavailable, InFlight, Behind, Refused:
		level = slog.LevelWarn
	case Mismatch, Misread, InboxFailed, Failed, Panicked:
		level = slog.LevelError
	}
	if c.log.Enabled(ctx, level) {
		attrs := make([]slog.Attr, 0, 14)
		add := func(name, value string) {
			if value != "" {
				attrs = append(attrs, slog.String(name, value))
			}
		}
		add("provider", o.Provider)
		add("shop", o.Shop)
		add("payment", string(o.PaymentID))
		add("order", o.OrderID)
		if o.Status != acquiring.StatusUnknown {
			add("status", o.Status.String())
		}
		add("key", o.Key)
		add("outcome", string(o.Outcome))
		add("source", string(o.Source))
		if o.HTTP != 0 {
			attrs = append(attrs, slog.Int("http", o.HTTP))
		}
		attrs = append(attrs, slog.Duration("took", o.Took))
		if o.Err != nil {
			add("error", o.Err.Error())
			var p *panicError
			if errors.As(o.Err, &p) {
				add("stack", string(p.stack))
			}
		}
		c.log.LogAttrs(ctx, level, "payment news", attrs...)
	}
	if c.observe == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			fault := newPanic(p)
			c.log.LogAttrs(ctx, slog.LevelError, "payment news: the Observe hook panicked", slog.String("error", fault.Error()), slog.String("stack", string(fault.stack)))
		}
	}()
	c.observe(ctx, *o)
}
