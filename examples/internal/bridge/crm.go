package bridge

import (
	"context"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// CRM is the system that is told of payments. Post is called by one goroutine
// at a time, the others by any.
type CRM interface {
	// Name is its name in logs and in the outbox: "alfacrm".
	Name() string
	// Prepare completes an order before its invoice is issued, or refuses it:
	// that there is no such customer, that it is paid already.
	Prepare(ctx context.Context, o *Order) error
	// Post tells the CRM and returns its number of what was posted. It may be
	// called again with the same news, whatever became of the first call, and
	// must look in the CRM before it posts. An error marked with
	// outbox.NeedsPerson waits for a person.
	Post(ctx context.Context, n News) (id string, err error)
	// Check says whether the CRM can be reached with the settings, and what a
	// person needs to fill them in.
	Check(ctx context.Context, say func(format string, args ...any)) error
}

// Order is what an invoice is made of.
type Order struct {
	Number      string       // the order number at the acquirer; "": made from Ref
	Shop        string       // code of the shop; "": the first one
	Ref         string       // whom the money is for: the CRM's number of the customer, or of its invoice
	Amount      money.Amount // kopecks
	Description string       // what the customer sees
	Email       string
	Phone       string
	Payer       string // name
}

// Link is an invoice that waits for the customer.
type Link struct {
	Number    string
	Shop      string
	Amount    money.Amount
	PayURL    string
	ExpiresAt time.Time // zero: unknown
}

// Kind is what the CRM is told.
type Kind string

// The kinds of news.
const (
	Income Kind = "income" // the customer's money was taken
	Refund Kind = "refund" // some of it was given back
	// Withdraw is for the bank: the order was paid by another payment, and this
	// one's page must be closed. The CRM does not hear of it.
	Withdraw Kind = "withdraw"
)

// News is what the CRM is told: one movement of the customer's money.
type News struct {
	Kind      Kind                `json:"kind"`
	Key       string              `json:"key"` // the same news has the same key
	Shop      string              `json:"shop"`
	Provider  string              `json:"provider"`
	PaymentID acquiring.PaymentID `json:"payment_id"`
	OrderID   string              `json:"order_id"`
	Ref       string              `json:"ref"`      // "": nobody knows whose it is
	Amount    money.Amount        `json:"amount"`   // kopecks, of this movement
	Taken     money.Amount        `json:"taken"`    // by the payment in all, before refunds
	Refunded  money.Amount        `json:"refunded"` // of it, this movement included
	At        time.Time           `json:"at"`
	Method    acquiring.Method    `json:"method,omitempty"`
	Card      string              `json:"card,omitempty"` // masked
	Payer     string              `json:"payer,omitempty"`
	Test      bool                `json:"test,omitempty"`  // paid in the bank's test contour
	Again     bool                `json:"again,omitempty"` // another attempt at the same order was paid before, here or in another shop
}

// Whole says whether a refund gave back all that was taken.
func (n News) Whole() bool { return n.Kind == Refund && n.Refunded >= n.Taken }
