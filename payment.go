package acquiring

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Status is where a payment stands. The zero value means that the provider
// said something we do not know; Payment.ProviderStatus has its words.
type Status uint8

// The statuses of a payment.
const (
	StatusUnknown           Status = iota // the provider said something we do not know
	StatusPending                         // issued, not paid; a failed attempt may be followed by another
	StatusAuthorized                      // held: the money is blocked on the card, not taken (захолдирован)
	StatusPaid                            // taken in full or as far as it was captured
	StatusPartiallyRefunded               // a part was given back
	StatusRefunded                        // all was given back
	StatusVoided                          // the hold was released, or a bank cancelled the payment on its day: nothing is taken
	StatusCanceled                        // the unpaid invoice was withdrawn
	StatusDeclined                        // refused for good; in a callback of Sberbank and Alfa-Bank one attempt, which another may follow
	StatusExpired                         // not paid in time
)

var statusNames = [...]string{"unknown", "pending", "authorized", "paid", "partially_refunded", "refunded",
	"voided", "canceled", "declined", "expired"}

// String is the status in lower case: "partially_refunded".
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "Status(" + strconv.Itoa(int(s)) + ")"
}

// MarshalText writes the name, so that logs and JSON hold words.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name; one it does not know is StatusUnknown, and no
// error.
func (s *Status) UnmarshalText(b []byte) error {
	*s = StatusUnknown
	for i, name := range statusNames {
		if name == string(b) {
			*s = Status(i)
		}
	}
	return nil
}

// Final says whether nothing more is to be waited for. A paid payment is final
// in this sense, and so is a partly refunded one, though more may be refunded.
func (s Status) Final() bool { return s >= StatusPaid && int(s) < len(statusNames) }

// Succeeded says whether the customer's money was taken, whatever was given
// back later.
func (s Status) Succeeded() bool {
	return s == StatusPaid || s == StatusPartiallyRefunded || s == StatusRefunded
}

// CanBecome says whether next is news after s. Late and repeated news never
// moves a payment back: what is paid does not become pending or declined
// again, and the same status is no news except for a partial refund, of which
// there may be several. A payment that came in after its invoice was declined,
// expired or withdrawn is news: money that was taken must be seen. So is a hold
// after a failure and a failure after a hold; which of the two came last the
// statuses do not tell, so read the payment back before you act on them.
func (s Status) CanBecome(next Status) bool {
	switch next {
	case StatusPending:
		return s == StatusUnknown
	case StatusAuthorized:
		return s == StatusUnknown || s == StatusPending || s.failed()
	case StatusPaid:
		return s <= StatusAuthorized || s.failed()
	case StatusPartiallyRefunded:
		return s <= StatusPartiallyRefunded || s.failed()
	case StatusRefunded:
		return s <= StatusPartiallyRefunded || s.failed()
	case StatusVoided:
		// A bank of the RBS family voids a payment of the same day too.
		return s <= StatusPaid
	case StatusDeclined, StatusCanceled, StatusExpired:
		return s <= StatusAuthorized
	}
	return false
}

func (s Status) failed() bool {
	return s == StatusDeclined || s == StatusExpired || s == StatusCanceled
}

// Payment is all that the provider says of a payment.
type Payment struct {
	ID       PaymentID
	OrderID  string
	Status   Status
	Amount   money.Amount // ordered, in kopecks as the two below
	Captured money.Amount // taken from the customer, before refunds; for a hold 0 until Capture
	Refunded money.Amount // given back so far
	Currency string       // ISO 4217 letters
	Method   Method       // "" until he paid, or where the provider does not say
	Card     *Card        // nil: none, or the provider does not say
	Test     bool         // paid in the test contour or in simulation mode

	CreatedAt time.Time // zero: the provider does not say
	PaidAt    time.Time // zero: not paid, or the provider does not say

	Failure  *Failure          // why it was declined; nil: it was not
	Metadata map[string]string // as given with the invoice, where the provider keeps it

	ProviderStatus string          // as the provider says it
	Raw            json.RawMessage // the provider's answer as it came
}

// Left is what can still be refunded: captured less refunded, in kopecks; 0 of
// a nil payment and of one that was not captured.
func (p *Payment) Left() money.Amount {
	if p == nil || p.Captured < p.Refunded {
		return 0
	}
	return p.Captured - p.Refunded
}

// Card is the card that paid. Its number is masked before it is stored here.
type Card struct {
	Masked      string // 220220******2424
	ExpiryMonth int    // 1..12; 0: unknown
	ExpiryYear  int    // four digits; 0: unknown
	Holder      string // as the provider has it
	Brand       string // MIR, VISA, … as the provider says
	Issuer      string // the bank
	Country     string // of the bank, ISO 3166 letters
	Token       string // for Charger.Charge, when the card was saved (связка)
}

// Failure is why a payment was declined.
type Failure struct {
	Code    string // the provider's (actionCode at the banks of the RBS family)
	Message string // its meaning
}

// CallbackKind is what a notification is about.
type CallbackKind uint8

const (
	// CallbackPayment is news of a payment.
	CallbackPayment CallbackKind = iota
	// CallbackQuestion is asked before the payment (PayMaster's pre-request):
	// Callback.Reply agrees, Callback.Refusal refuses.
	CallbackQuestion
	// CallbackOther is authentic, to be answered, and none of our business: a
	// bank's test sample, a saved card, a receipt.
	CallbackOther
)

// String is "payment", "question" or "other".
func (k CallbackKind) String() string {
	switch k {
	case CallbackPayment:
		return "payment"
	case CallbackQuestion:
		return "question"
	}
	return "other"
}

// Callback is an authentic notification.
type Callback struct {
	Kind CallbackKind
	// Key is the news' own: the same news has the same key, whatever the
	// retry. It begins with the shop's label or the provider's name.
	Key       string
	PaymentID PaymentID // equal to Invoice.ID
	OrderID   string
	Status    Status
	Amount    money.Amount // kopecks; 0 when the provider does not send it
	Signed    bool         // false: nothing in it was believed, Payment was read back from the provider
	Payment   *Payment     // whole, when the provider sends it or it was read back
	Reply     Reply        // what the provider must hear when the news was taken
	Refusal   Reply        // to a question: what the provider must hear when the shop refuses; zero: 200 with the text NO
	Raw       []byte       // the notification as it came: body, or query of a GET
}

// Reply is the answer to a notification. The zero value is an empty 200.
type Reply struct {
	Status      int // 0: 200
	ContentType string
	Body        []byte
}

// Write sends the reply: its status (200 where it is 0), its content type and its
// body. What goes wrong on the way shows in the provider's sending again.
func (r Reply) Write(w http.ResponseWriter) {
	if r.ContentType != "" {
		w.Header().Set("Content-Type", r.ContentType)
	}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body)
}

// RefundStatus is where a refund stands.
type RefundStatus uint8

// The statuses of a refund.
const (
	RefundUnknown RefundStatus = iota // the provider said something we do not know
	RefundPending                     // accepted, not executed yet (SBP, PayMaster)
	RefundDone                        // carried out: the money is on its way to the customer
	RefundFailed                      // refused after it was accepted; nothing went back
)

// String is "pending", "done", "failed" or "unknown".
func (s RefundStatus) String() string {
	switch s {
	case RefundPending:
		return "pending"
	case RefundDone:
		return "done"
	case RefundFailed:
		return "failed"
	}
	return "unknown"
}

// Refund is money given back.
type Refund struct {
	ID        string // the provider's number of it; the request's Key where the provider has none
	PaymentID PaymentID
	Amount    money.Amount // kopecks
	Status    RefundStatus
	Raw       json.RawMessage
}
