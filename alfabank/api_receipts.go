package alfabank

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

var (
	epCloseReceipt  = endpoint{op: "closeOfdReceipt.do"}
	epReceiptStatus = endpoint{op: "getReceiptStatus.do", read: true}
)

// CloseReceiptRequest prints the closing receipt of an order (закрывающий чек,
// полный расчёт after a prepayment). Give one of the numbers. Client.NewReceipt
// makes OrderBundle and OFDParams of a fiscal.Receipt; the tax system is that of
// the registration.
type CloseReceiptRequest struct {
	OrderID       string       `url:"mdOrder,omitempty"`
	OrderNumber   string       `url:"orderNumber,omitempty"`
	Amount        money.Amount `url:"amount"` // kopecks; may differ from the order's and from the cart's
	OrderBundle   *Cart        `url:"orderBundle,omitempty"`
	OFDParams     Params       `url:"additionalOfdParams,omitempty"`
	MerchantLogin string       `url:"merchantLogin,omitempty"`
}

type closedReceipt struct {
	rbs.Head
	Success rbs.Bool `json:"success"`
}

// Refused is true unless success is true.
func (a *closedReceipt) Refused() (code, message string, refused bool) {
	if code, message, refused = a.Head.Refused(); refused || bool(a.Success) {
		return code, message, refused
	}
	return "success=false", a.Words(), true
}

// CloseReceipt prints one more receipt of an order (closeOfdReceipt.do). It may
// be called several times, each time for another receipt, and not after a full
// refund: after an unknown outcome look at GetReceiptStatus first.
func (c *Client) CloseReceipt(ctx context.Context, r CloseReceiptRequest) error {
	if err := rbs.OneOf("OrderID", "OrderNumber", r.OrderID, r.OrderNumber); err != nil {
		return acquiring.InOp(provider, epCloseReceipt.op, err)
	}
	if r.MerchantLogin == "" {
		r.MerchantLogin = c.conf.MerchantLogin
	}
	var out closedReceipt
	return c.call(ctx, epCloseReceipt, r, &out)
}

// States of a receipt (receiptStatus).
const (
	ReceiptSent             = 0 // of the payment, as the next two
	ReceiptDone             = 1 // delivered to the cash register
	ReceiptFailed           = 2
	ReceiptRefundSent       = 3 // of a refund, as the next two
	ReceiptRefundDone       = 4
	ReceiptRefundFailed     = 5
	ReceiptCorrectionSent   = 6 // of a correction, as the next two
	ReceiptCorrectionDone   = 7
	ReceiptCorrectionFailed = 8
)

// ReceiptQuery asks for receipts: OrderID or OrderNumber for all of an order,
// UUID for one.
type ReceiptQuery struct {
	OrderID     string `url:"orderId,omitempty"`
	OrderNumber string `url:"orderNumber,omitempty"`
	UUID        string `url:"uuid,omitempty"`
	Language    string `url:"language,omitempty"`
}

// Receipts is the answer of getReceiptStatus.do.
type Receipts struct {
	rbs.Head
	OrderID     rbs.Text               `json:"orderId"`
	OrderNumber rbs.Text               `json:"orderNumber"`
	Receipts    rbs.List[ReceiptState] `json:"receipt"`
}

// ReceiptState is a receipt. Which fields come depends on a version (1 to 5)
// that the bank sets for the merchant. FN, DocumentNumber and DocumentAttribute are
// ФН, ФД and ФПД; Status is ReceiptSent and so on.
type ReceiptState struct {
	Status             rbs.Int  `json:"receiptStatus"`
	Type               rbs.Text `json:"receiptType"` // "", close
	UUID               rbs.Text `json:"uuid"`
	OriginalUUID       rbs.Text `json:"original_ofd_uuid"`
	Shift              rbs.Text `json:"shift_number"`
	Number             rbs.Text `json:"fiscal_receipt_number"`
	FN                 rbs.Text `json:"fn_number"`
	RegistrationNumber rbs.Text `json:"ecr_registration_number"`
	DocumentNumber     rbs.Text `json:"fiscal_document_number"`
	DocumentAttribute  rbs.Text `json:"fiscal_document_attribute"`
	Serial             rbs.Text `json:"serial_number"`
	URL                rbs.Text `json:"ofd_receipt_url"`
	Time               rbs.Time `json:"receipt_datetime"`
	OtherTime          rbs.Time `json:"receipt_date_time"` // the same, as the example spells it
	Total              rbs.Text `json:"amount_total"`      // rubles "1299.00" in the table, kopecks 10000 in the example
	OFD                struct {
		INN     rbs.Text `json:"inn"`
		Name    rbs.Text `json:"name"`
		Website rbs.Text `json:"website"`
	} `json:"OFD"`
	Params struct {
		Status struct {
			QueuedDocuments rbs.Int  `json:"queuedDoc"`
			FirstNumber     rbs.Text `json:"queuedFirstDocNum"`
			FirstDate       rbs.Text `json:"queuedFirstDocDate"`
			FFD             rbs.Text `json:"ffdVersion"`
			Internet        rbs.Bool `json:"internetSign"`
		} `json:"ofdReceiptStatus"`
		VATAmount rbs.Text `json:"vatAmount"`
	} `json:"ofdReceiptParams"`
	Items rbs.List[ReceiptItem] `json:"ofdOrderBundle"`
}

// At is when the receipt was printed, in whichever of the two fields it came.
func (s *ReceiptState) At() rbs.Time {
	if s.Time.IsZero() {
		return s.OtherTime
	}
	return s.Time
}

// ReceiptItem is a position of a printed receipt.
type ReceiptItem struct {
	Name     rbs.Text `json:"name"`
	Amount   rbs.Int  `json:"itemAmount"` // kopecks
	Price    rbs.Int  `json:"itemPrice"`  // kopecks, of one unit
	TaxType  rbs.Text `json:"taxType"`    // a number, or a word like VAT_0
	Quantity struct {
		Value   rbs.Text `json:"value"`
		Measure rbs.Text `json:"measure"`
	} `json:"quantity"`
	Attributes Attributes `json:"itemAttributes"`
}

// Attributes are pairs that come as a list of {name, value} or of objects like
// {"paymentMethod": "1"}.
type Attributes map[string]string

// UnmarshalJSON reads both.
func (a *Attributes) UnmarshalJSON(b []byte) error {
	*a = nil
	var list rbs.List[map[string]rbs.Text]
	if b = bytes.TrimSpace(b); len(b) == 0 || (b[0] != '[' && b[0] != '{') {
		return nil
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*a = make(Attributes, len(list))
	for _, entry := range list {
		if name, ok := entry["name"]; ok {
			(*a)[string(name)] = string(entry["value"])
			continue
		}
		for name, value := range entry {
			(*a)[name] = string(value)
		}
	}
	return nil
}

// GetReceiptStatus reads the receipts of an order, or one of them
// (getReceiptStatus.do). Not exactly one number given is ErrInvalid.
func (c *Client) GetReceiptStatus(ctx context.Context, q ReceiptQuery) (*Receipts, error) {
	given := 0
	for _, s := range []string{q.OrderID, q.OrderNumber, q.UUID} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return nil, acquiring.InOp(provider, epReceiptStatus.op, acquiring.Invalid("OrderID", "OrderNumber, UUID: give exactly one of them"))
	}
	q.Language = orRussian(q.Language)
	var out Receipts
	if err := c.call(ctx, epReceiptStatus, q, &out); err != nil {
		return nil, err
	}
	return &out, nil
}
