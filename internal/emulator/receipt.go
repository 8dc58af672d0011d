package emulator

import (
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// ReceiptState is where a receipt stands.
type ReceiptState string

// The states of a receipt.
const (
	ReceiptWaiting ReceiptState = "waiting"
	ReceiptPrinted ReceiptState = "printed"
	ReceiptFailed  ReceiptState = "failed"
)

// Receipt is a receipt (чек) that the provider's cash register was given.
type Receipt struct {
	ID      string
	OrderID string // Order.ID
	Refund  bool
	State   ReceiptState
	Fault   string // of ReceiptFailed
	Total   money.Amount
	Lines   []ReceiptLine
	Created time.Time

	// Of ReceiptPrinted:

	Printed    time.Time
	FN, FD, FP string
	RegNumber  string // РН ККТ
	Shift      int
	Number     int // within the shift
	URL        string
}

// ReceiptLine is a line of it.
type ReceiptLine struct {
	Name     string
	Price    money.Amount
	Quantity string
	Sum      money.Amount
	VAT      string // as the provider has it: a number or a word
}
