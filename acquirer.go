package acquiring

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Acquirer takes payments through one merchant account. An implementation is
// safe for concurrent use and holds no state of the process: two shops are two
// Acquirers.
//
// Every error is an *[Error] in the chain. No method changes its arguments.
type Acquirer interface {
	// CreateInvoice issues an invoice and returns its payment page or QR code.
	// It moves no money. It is safe to repeat after an unknown outcome with
	// the same request: the provider is asked first whether the order number
	// is already there. A provider that cannot return the first invoice
	// answers ErrDuplicate, and the error says how to go on.
	CreateInvoice(ctx context.Context, req InvoiceRequest) (*Invoice, error)

	// VerifyCallback reads the provider's notification, checks that it is the
	// provider's own, and says what it says. A forged, cut or doubled one
	// gives ErrSignature. Where the provider signs nothing, the payment is
	// read back from the provider and Callback.Signed is false. The body is
	// read up to a limit and not restored.
	VerifyCallback(ctx context.Context, r *http.Request) (*Callback, error)

	// GetStatus reads the payment. It may be repeated freely within the
	// provider's rate limit. An unknown ID gives ErrNotFound, one that no
	// payment can have ErrInvalid or ErrNotFound.
	GetStatus(ctx context.Context, id PaymentID) (*Payment, error)

	// Refund gives back the captured money or a part of it (возврат). The same
	// Key never refunds twice (see RefundRequest.Key for three exceptions). A hold that was not captured is released by
	// [Capturer].Void instead: refunding it gives ErrConflict.
	Refund(ctx context.Context, req RefundRequest) (*Refund, error)
}

// Capturer makes two-stage payments (двухстадийные платежи, холд): the money is
// held when the customer pays, and taken or released later. The invoice is
// issued with InvoiceRequest.Hold.
type Capturer interface {
	// Capture takes the held sum or a part of it (завершение, списание); the
	// rest is released. A payment that is not held gives ErrConflict.
	Capture(ctx context.Context, req CaptureRequest) (*Payment, error)
	// Void releases the hold (отмена); nothing is taken. A payment that is not
	// held gives ErrConflict; one released already is a success or ErrConflict.
	Void(ctx context.Context, id PaymentID) (*Payment, error)
}

// Canceler withdraws an invoice that was not paid: its link stops working. A
// paid one gives ErrConflict, one withdrawn already is a success.
type Canceler interface {
	Cancel(ctx context.Context, id PaymentID) error
}

// Finder finds a payment by the shop's own order number: the way out of an
// unknown outcome. None gives ErrNotFound.
type Finder interface {
	FindByOrder(ctx context.Context, orderID string) (*Payment, error)
}

// QRIssuer issues a QR code of СБП (SBP, the Faster Payments System). The order
// behind it is registered as by CreateInvoice, and its number is used up.
type QRIssuer interface {
	CreateQR(ctx context.Context, req InvoiceRequest) (*QR, error)
}

// Charger takes money by a saved card or subscription, without the customer
// (рекуррентный платёж, оплата по связке).
type Charger interface {
	// Charge takes the sum. The same OrderID never charges twice; Tochka does not
	// know it, and its client remembers it as it does RefundRequest.Key. A charge
	// that was declined gives ErrDeclined; asked for again at PayKeeper, it gives a
	// payment of StatusDeclined, so look at the status too.
	Charge(ctx context.Context, req ChargeRequest) (*Payment, error)
	// DeleteToken forgets the saved card (деактивация связки). One that is
	// forgotten already is a success.
	DeleteToken(ctx context.Context, token string) error
}

// Lister lists the payments of the shop, newest or oldest first as the
// provider has it. The sequence ends after the first error.
type Lister interface {
	Payments(ctx context.Context, filter Filter) iter.Seq2[*Payment, error]
}

// Checker says whether the credentials are good and the shop can take
// payments, by asking the provider. It moves no money and creates nothing. nil
// is a yes; wrong credentials give ErrUnauthorized.
type Checker interface {
	Check(ctx context.Context) error
}

// Filter narrows what Lister lists. Zero fields do not narrow, but for From:
// without it Sberbank, Alfa-Bank and Tochka list some 30 days (see each client's
// Payments).
type Filter struct {
	From, To time.Time // by creation, half-open: From <= t < To; To zero: now
	Statuses []Status  // nil: all
	Limit    int       // at most so many; 0: all
}

// Environment is which of the provider's installations is meant. There is no
// default: a shop must not go live, or stay in test, by forgetting a field.
type Environment uint8

const (
	// Test is the provider's test contour (тестовая среда): no money moves.
	Test Environment = iota + 1
	// Production takes real money (боевая среда).
	Production
)

// String is "test", "production", or "unset" for any other.
func (e Environment) String() string {
	switch e {
	case Test:
		return "test"
	case Production:
		return "production"
	}
	return "unset"
}

// Valid says whether it is Test or Production.
func (e Environment) Valid() bool { return e == Test || e == Production }
