package acquiringtest

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Harness is how [Run] reaches one provider through its emulator or its test
// contour. Provider and New are needed; all else has a default that fits an
// ordinary provider.
type Harness struct {
	// Provider is the name that the client's errors carry: "sberbank".
	Provider string

	// New makes a fresh shop on a fresh provider: no subtest sees another's
	// payments. It closes what it opened with t.Cleanup.
	New func(t testing.TB, opt ShopOptions) *Shop

	Quirks Quirks

	// Skip names the behaviours that this provider cannot have, each with the
	// reason, which is printed: "Refund/SameKeyOtherSum": "…". A group's name
	// ("Hold") skips all of it. A name that no behaviour has fails the run, so
	// that no skip outlives its reason.
	Skip map[string]string

	// BadConfigs are constructors that must fail, by the field that the error
	// must name: "Config.Password".
	BadConfigs map[string]func() error

	// Prepare changes an ordinary request into one that this provider takes: a
	// smallest sum, a field it demands. It must leave OrderID and Amount.
	Prepare func(*acquiring.InvoiceRequest)
	// PrepareReceipt changes an ordinary receipt, of an invoice or of a refund,
	// into one that this provider takes. It must leave the total.
	PrepareReceipt func(*fiscal.Receipt)
	// OrderID makes the shop's n-th order number; nil: "A-1", "A-2", …
	OrderID func(n int) string
	// UnknownID is a well-formed number of a payment that is not there; "": a
	// UUID of zeros.
	UnknownID acquiring.PaymentID

	// Patience is how long a single call may take, its retries included; 0: 30
	// seconds.
	Patience time.Duration
	// Sequential runs the behaviours one after another; ordinarily they run in
	// parallel, as each has a provider of its own.
	Sequential bool
}

// ShopOptions are what the suite asks of a shop. All of it goes into the
// client's Config.
type ShopOptions struct {
	// Number tells shops apart: shop 2 has other credentials, another callback
	// key and another merchant number than shop 1. The bank's own key, where
	// the bank signs for all its merchants, stays the same.
	Number int
	// Label is for Config.Shop.
	Label string
	// Logger is for Config.Logger: the suite reads it for secrets.
	Logger *slog.Logger
	// HTTPClient is for Config.HTTPClient: the suite counts requests with it.
	// Its Transport is a fresh *http.Transport, whose TLSClientConfig the
	// harness may set where the emulator speaks TLS. A client that makes its
	// own (for mutual TLS) leaves it; Shop.Requests counts then.
	HTTPClient *http.Client
}

// Shop is a client and the provider behind it, with what the customer and the
// provider do from their side. A func that is nil fails the behaviours that
// need it, unless Harness.Skip names them: nothing is left out in silence.
type Shop struct {
	Acquirer acquiring.Acquirer
	// Wrong is another client of the same provider, with wrong credentials.
	Wrong func() acquiring.Acquirer
	// Secrets must never appear in an error, a log or an answer's Raw:
	// passwords, tokens, keys.
	Secrets []string
	// Config is the client's Config, whose text forms must not show Secrets.
	Config any

	// Pay is the customer paying by an ordinary card, which can be saved: an
	// invoice with Hold is authorised, any other paid. A link that cannot be
	// paid (any more) gives an error.
	Pay func(acquiring.PaymentID) error
	// Decline is the customer's attempt being refused by the bank.
	Decline func(acquiring.PaymentID) error
	// Expire is the link's time running out.
	Expire func(acquiring.PaymentID) error
	// Settle lets the provider execute what it has only accepted:
	// asynchronous refunds. nil: nothing is.
	Settle func()

	// Fail arms a fault. An emulator that has no such fault returns
	// errors.ErrUnsupported, and the case is skipped, aloud.
	Fail func(Fault) error

	// Callbacks are the notifications that the provider has sent of the
	// payment so far, oldest first, as the shop's server receives them: each
	// call makes new requests with unread bodies.
	Callbacks func(acquiring.PaymentID) []*http.Request

	// Books is the payment on the provider's own side.
	Books func(acquiring.PaymentID) (Books, error)
	// Orders are the payments on the provider's side under this order number
	// (and its numbers by acquiring.Attempt) that were paid or held, or still
	// can be: two of them mean that the customer can pay twice.
	Orders func(orderID string) []acquiring.PaymentID

	// Requests is how many requests the provider has got; nil: counted by
	// ShopOptions.HTTPClient.
	Requests func() int
	// Now is the provider's clock; nil: time.Now.
	Now func() time.Time
}

// Delivered makes the request that a shop's server receives of a notification
// that an emulator keeps: a helper for Shop.Callbacks.
func Delivered(method, url string, header http.Header, body []byte) *http.Request {
	if method == "" {
		method = http.MethodPost
	}
	r := httptest.NewRequest(method, url, bytes.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	return r
}

// SameOrder says whether the number is the order's own or that of one of its
// attempts: a helper for Shop.Orders.
func SameOrder(number, orderID string) bool {
	base, _ := acquiring.SplitAttempt(number)
	return number == orderID || base == orderID
}

// Books is what the provider itself holds of a payment.
type Books struct {
	Captured money.Amount // taken from the customer, before refunds
	Refunded money.Amount // given back, or accepted to be
	Refunds  int          // how many refunds make that sum up
}

// Op is a call that a fault hits, whatever the provider names it.
type Op string

// The calls.
const (
	OpCreate   Op = "create"   // issuing an invoice
	OpStatus   Op = "status"   // reading a payment, by its ID or its order number
	OpRefund   Op = "refund"   // giving money back
	OpCapture  Op = "capture"  // taking a hold
	OpVoid     Op = "void"     // releasing a hold
	OpCancel   Op = "cancel"   // withdrawing an invoice
	OpCharge   Op = "charge"   // charging a saved card
	OpSubmit   Op = "submit"   // handing a receipt over (Register)
	OpDocument Op = "document" // reading a receipt (Register)
)

// FaultKind is how a call goes wrong.
type FaultKind string

// The faults. Only LostAnswer, Cut and Slow carry the request out.
const (
	ServerError FaultKind = "server error" // a 5xx; not carried out
	Drop        FaultKind = "drop"         // the connection is closed; not carried out
	HTML        FaultKind = "html"         // a page of HTML with status 200; not carried out
	Empty       FaultKind = "empty"        // status 200 and no body; not carried out
	RateLimited FaultKind = "rate limited" // 429 with Retry-After; not carried out
	LostAnswer  FaultKind = "lost answer"  // carried out, then the connection is closed
	Cut         FaultKind = "cut"          // carried out, the answer ends in the middle
	Slow        FaultKind = "slow"         // carried out at once; the answer, or the end of the connection, comes after Delay
)

// Fault is a fault to come.
type Fault struct {
	Op    Op
	Kind  FaultKind
	Times int           // how many calls it hits; then all is well again
	Delay time.Duration // of Slow; of RateLimited: what Retry-After says
}

// Always is for Fault.Times: more calls than any behaviour makes.
const Always = 1000

// Quirks are the ways in which providers differ without being wrong.
type Quirks struct {
	// UnsignedCallbacks: the provider signs nothing, the client reads the
	// payment back.
	UnsignedCallbacks bool
	// Signature names where the signature of a callback is: parameters and
	// headers. Without it a changed signature is only found out by what is
	// believed. A signed token as the whole body needs no name.
	Signature []string
	// Silent are the statuses that the provider announces with no callback.
	Silent []acquiring.Status

	// AsyncRefund: Refund answers RefundPending; Shop.Settle executes it.
	AsyncRefund bool
	// SingleRefund: a payment is refunded once, in part or whole.
	SingleRefund bool
	// MinRefund is the least sum that can be given back; 0: a kopeck.
	MinRefund money.Amount
	// NoPartialRefund: only the whole sum.
	NoPartialRefund bool
	// NoPartialCapture: only the whole hold.
	NoPartialCapture bool

	// PayAfterDecline: after a declined attempt the same link can be paid.
	PayAfterDecline bool
	// The statuses that the provider shows where it does not know better; the
	// zero value is the natural one.
	DeclinedAs, ExpiredAs, CanceledAs, VoidedAs acquiring.Status

	// MaxOrderID is the longest order number; 0: the suite does not try.
	MaxOrderID int
	// Currencies beside RUB that the shop takes.
	Currencies []string
	// NoReceipt: an invoice's receipt is refused with ErrUnsupported.
	NoReceipt bool
}
