package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// DefaultTimeout bounds the work on one notification unless [Timeout] says
// otherwise.
const DefaultTimeout = 30 * time.Second

// Option changes what [Handler] and [HandlerFor] do. Of two of a kind the later
// one counts.
type Option func(*config)

type config struct {
	trust    bool
	log      *slog.Logger
	observe  func(context.Context, Observation)
	inbox    Inbox
	timeout  time.Duration
	allow    *allowList
	expect   ExpectFunc
	question func(context.Context, Event) error
	other    func(context.Context, Event) error
}

func newConfig(opts []Option) *config {
	c := &config{}
	for _, o := range opts {
		o(c)
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	if c.inbox == nil {
		c.inbox = NewMemoryInbox(0)
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	return c
}

// TrustCallback takes a signed notification for what it says, without reading
// the payment back: one request less, but what the provider's signature does
// not cover is not checked, and Event.Payment holds only what the notification
// carries. The payment is read back nevertheless where the notification is not
// signed, tells of a partial refund without the sum, or has no sum to compare
// with [Expect].
func TrustCallback() Option { return func(c *config) { c.trust = true } }

// Logger logs one line for each notification; nil is slog.Default. The sender
// is never told why he was refused, so the log is where the reason stands.
func Logger(l *slog.Logger) Option { return func(c *config) { c.log = l } }

// Observe calls the function once for each notification, before it is
// answered: for metrics and traces. It must not block. A panic of it is logged.
func Observe(f func(ctx context.Context, o Observation)) Option {
	return func(c *config) { c.observe = f }
}

// WithInbox remembers what was processed in i; without it, or with nil, in
// memory. Handlers and Pollers of one program share one Inbox.
func WithInbox(i Inbox) Option { return func(c *config) { c.inbox = i } }

// Timeout bounds the work on one notification through its context: the reading
// back and process together; 0 is [DefaultTimeout]. The work goes on when the provider hangs up
// meanwhile: its repetition then finds the news processed.
func Timeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// AllowFrom lets in only senders whose address is within from; an empty list
// lets nobody in. It comes before the verification and never instead of it:
// addresses can be wrong in a proxy's header and change without notice.
//
// The address is that of the connection. If that is one of the trusted
// proxies, X-Forwarded-For is read from the right past every trusted one. Name
// no proxy that does not overwrite or append to that header.
func AllowFrom(from []netip.Prefix, trustedProxies ...netip.Prefix) Option {
	list := &allowList{slices.Clone(from), slices.Clone(trustedProxies)}
	return func(c *config) { c.allow = list }
}

// Expect compares every payment that was paid or held, before process hears of
// it, with what its order should bring: the sum ordered and the currency. A
// payment of another sum is answered 409, logged as an error, and not
// processed; an error of f is answered 500 and comes again. Where the provider
// does not say the currency, it is not compared. A question ([Question]) about
// another sum is refused, and so is one for which f's error is
// acquiring.ErrNotFound.
func Expect(f ExpectFunc) Option { return func(c *config) { c.expect = f } }

// Question is asked when the provider asks, before the payment, whether the
// shop will take it (PayMaster's Invoice Confirmation, предварительный
// запрос). nil agrees; an error made by [Refuse] refuses in the provider's
// form; any other error is answered 500, which providers take for a refusal
// too. It may be asked several times for one order, is often not signed, and
// says nothing about money: do nothing in it but look the order up. Without
// this option every question is agreed to.
func Question(f func(ctx context.Context, e Event) error) Option {
	return func(c *config) { c.question = f }
}

// Other is called for authentic notifications that are not about a payment, as
// often as they come: a receipt, a saved card, a bank's sample. An error is
// answered 500. Without this option they are answered and passed over.
func Other(f func(ctx context.Context, e Event) error) Option {
	return func(c *config) { c.other = f }
}

// Refuse is the error with which a [Question] is refused. The reason is for
// the log.
func Refuse(reason string) error { return &refusal{reason} }

type refusal struct{ reason string }

func (r *refusal) Error() string { return "refused: " + r.reason }

func isRefusal(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}
