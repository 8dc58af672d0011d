package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Event is a piece of news of a payment, authentic and compared.
type Event struct {
	// Callback is what was notified. One that the Poller found has no Raw and
	// is not Signed. It is never nil.
	Callback *acquiring.Callback

	// Payment is the payment as the provider says it is, read back after the
	// notification came. With [TrustCallback] it is what the notification
	// carries: Callback.Payment, or a Payment with nothing but ID, OrderID,
	// Status and Amount. It is nil for a question ([Question]) and for what is
	// not about a payment ([Other]) unless the notification carries it.
	Payment *acquiring.Payment

	// Key is the news' key in the Inbox: the same news has the same key. It is
	// "" for a question.
	Key string

	// Source is who brought it.
	Source Source

	// GaveUp: the Poller will not ask for this payment again. Payment.Status is
	// StatusExpired if it was still unpaid; the provider may know nothing of
	// that yet, and money that comes later is still notified.
	GaveUp bool
}

// Source is who brought an event.
type Source string

// The sources of events.
const (
	FromCallback Source = "callback" // the provider notified, and Handler heard it
	FromPoller   Source = "poller"   // Poller asked the provider
)

// Outcome is what became of a notification or of a poll. The set may grow.
type Outcome string

// The outcomes, as logs and metrics have them.
const (
	Processed   Outcome = "processed"    // process returned nil
	Duplicate   Outcome = "duplicate"    // it had been processed; answered success
	Agreed      Outcome = "agreed"       // a question, answered yes
	Refused     Outcome = "refused"      // a question, answered no
	Passed      Outcome = "passed"       // authentic and none of our business
	NoNews      Outcome = "no_news"      // a poll found nothing new
	Forged      Outcome = "forged"       // not the provider's, malformed, or of a payment that it does not know
	Forbidden   Outcome = "forbidden"    // from an address that AllowFrom does not name
	UnknownShop Outcome = "unknown_shop" // HandlerFor's function found none
	Mismatch    Outcome = "mismatch"     // disagrees with the payment read back or with the order
	Behind      Outcome = "behind"       // the provider's own answer is older than its notification; it is to come again
	Unavailable Outcome = "unavailable"  // the provider could not be asked, or its answer makes no sense
	Misread     Outcome = "misread"      // the provider refused the question: credentials, unknown payment
	InFlight    Outcome = "in_flight"    // the same news is being processed just now
	InboxFailed Outcome = "inbox_failed" // the Inbox returned an error before process ran
	Failed      Outcome = "failed"       // process, or a hook, returned an error
	Panicked    Outcome = "panicked"     // process, a hook or the client panicked
)

// Observation is what [Observe] gets: one for each notification answered and
// each payment polled. Fields that were not known yet are zero.
type Observation struct {
	Source    Source
	Outcome   Outcome
	Provider  string // "sberbank"; the type's name for an Acquirer that is not acquiring.Named
	Shop      string // the shop's label
	Kind      acquiring.CallbackKind
	PaymentID acquiring.PaymentID
	OrderID   string
	Status    acquiring.Status // the payment's
	Key       string
	HTTP      int // what the sender was answered; 0 for a poll
	Took      time.Duration
	Err       error // why; never to be shown to the sender
}

// NewsKey is the key of the news that a payment stands where it stands:
// provider and shop, the payment's number, its status, and for a partial
// refund the sum refunded so far. A callback and a poll that read the payment
// in the same state make the same key, whatever notification led there.
//
// A payment that is pending, or in a state we do not know, makes no news of
// its own: its key is "", and a callback about it goes under its own
// Callback.Key. shop is "" for an account without a label.
func NewsKey(provider, shop string, p *acquiring.Payment) string {
	if p == nil || p.ID == "" || p.Status <= acquiring.StatusPending {
		return ""
	}
	const slash = "/"
	id := escapeKey(string(p.ID))
	if p.Status == acquiring.StatusPartiallyRefunded {
		return escapeKey(provider) + slash + escapeKey(shop) + slash + id + slash + p.Status.String() + slash + p.Refunded.String()
	}
	return escapeKey(provider) + slash + escapeKey(shop) + slash + id + slash + p.Status.String()
}

var keyEscapes = strings.NewReplacer("%", "%25", "/", "%2F")

func escapeKey(s string) string {
	if strings.IndexByte(s, '/') >= 0 || strings.IndexByte(s, '%') >= 0 {
		return keyEscapes.Replace(s)
	}
	return s
}

// keyOf is the inbox key of a callback with its payment.
func keyOf(provider, shop string, cb *acquiring.Callback, p *acquiring.Payment) string {
	if key := NewsKey(provider, shop, p); key != "" {
		return key
	}
	if cb.Key != "" {
		return cb.Key
	}
	// An Acquirer of somebody else's that gives no key: the same bytes are the
	// same news.
	sum := sha256.Sum256(cb.Raw)
	return fmt.Sprintf("%s/%s/%s/%s/raw/%s", escapeKey(provider), escapeKey(shop), escapeKey(string(cb.PaymentID)), escapeKey(cb.OrderID), hex.EncodeToString(sum[:]))
}

// nameOf is the provider and the shop of an Acquirer. Two accounts whose
// clients are not Named and have the same type are not told apart.
func nameOf(a acquiring.Acquirer) (provider, shop string) {
	if n, ok := a.(acquiring.Named); ok {
		return n.Name()
	}
	return fmt.Sprintf("%T", a), ""
}

// differs says in what the callback and the payment read back disagree; "":
// in nothing. What the callback does not say is not compared.
func differs(cb *acquiring.Callback, p *acquiring.Payment) string {
	switch {
	case cb.PaymentID != "" && p.ID != "" && cb.PaymentID != p.ID:
		return fmt.Sprintf("the callback is about payment %q, the provider returned %q", cb.PaymentID, p.ID)
	case cb.OrderID != "" && p.OrderID != "" && cb.OrderID != p.OrderID:
		return fmt.Sprintf("the callback is about order %q, the provider returned %q", cb.OrderID, p.OrderID)
	case cb.Amount != 0 && !sumFits(cb.Amount, p):
		return fmt.Sprintf("the callback says %s, the payment is of %s, %s of it taken", cb.Amount, p.Amount, p.Captured)
	case cb.Payment != nil && cb.Payment.Currency != "" && p.Currency != "" && !strings.EqualFold(cb.Payment.Currency, p.Currency):
		return fmt.Sprintf("the callback is in %s, the payment in %s", cb.Payment.Currency, p.Currency)
	}
	return ""
}

// sumFits: a callback's sum is the sum ordered or the sum taken; one about a
// refund may tell the sum given back, this time or so far, or what is left.
func sumFits(sum money.Amount, p *acquiring.Payment) bool {
	if sum == p.Amount || sum == p.Captured {
		return true
	}
	refunded := p.Status == acquiring.StatusPartiallyRefunded || p.Status == acquiring.StatusRefunded
	return refunded && sum > 0 && sum <= max(p.Amount, p.Captured)
}

// behind says whether the provider's signed notification tells of money that
// its own answer does not show yet: its answer is then older than the news,
// and taking it would lose the news.
func behind(cb *acquiring.Callback, p *acquiring.Payment) bool {
	if !cb.Signed {
		return false
	}
	switch cb.Status {
	case acquiring.StatusAuthorized:
		return p.Status <= acquiring.StatusPending
	case acquiring.StatusPaid:
		// What failed may be paid later, never the other way round.
		return p.Status != acquiring.StatusPaid && p.Status.CanBecome(acquiring.StatusPaid)
	case acquiring.StatusPartiallyRefunded, acquiring.StatusRefunded, acquiring.StatusVoided:
		return p.Status <= acquiring.StatusPaid
	}
	return false
}

// ExpectFunc says what the order should bring: the sum in kopecks and the
// currency in ISO letters ("": RUB), by the order number as the provider has it
// (see acquiring.SplitAttempt).
type ExpectFunc = func(ctx context.Context, orderID string) (money.Amount, string, error)

// unexpected compares the payment with what the order should bring. why is ""
// when it fits.
func unexpected(ctx context.Context, expect ExpectFunc, orderID string, amount money.Amount, currency string) (why string, err error) {
	want, in, err := expect(ctx, orderID)
	if err != nil {
		return "", fmt.Errorf("order %q: what is expected of it is not known: %w", orderID, err)
	}
	if in == "" {
		in = "RUB"
	}
	if amount != want || (currency != "" && !strings.EqualFold(currency, in)) {
		return fmt.Sprintf("order %q expects %s %s, the payment is of %s %s", orderID, want, in, amount, currency), nil
	}
	return "", nil
}
