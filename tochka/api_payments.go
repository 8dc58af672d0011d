package tochka

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
)

// PaymentRequest creates a payment link (платёжная ссылка).
type PaymentRequest struct {
	CustomerCode     string        `json:"customerCode"`              // "": Config.CustomerCode
	Amount           Sum           `json:"amount"`                    // more than 0
	Purpose          string        `json:"purpose"`                   // назначение, 1 to 140 characters; the buyer sees it
	PaymentMode      []PaymentMode `json:"paymentMode"`               // at least one; one that the retail point lacks refuses the whole
	RedirectURL      string        `json:"redirectUrl,omitempty"`     // at most 2083 characters
	FailRedirectURL  string        `json:"failRedirectUrl,omitempty"` // the same
	SaveCard         bool          `json:"saveCard,omitempty"`        // offer the buyer to save his card for his next visit
	ConsumerID       string        `json:"consumerId,omitempty"`      // of an earlier operation: shows his saved cards
	MerchantID       string        `json:"merchantId,omitempty"`      // 15 digits; demanded where there are several retail points
	PreAuthorization bool          `json:"preAuthorization,omitempty"`
	TTL              int           `json:"ttl,omitempty"`           // minutes, 1 to 44640; 0: 10080 (a week)
	PaymentLinkID    string        `json:"paymentLinkId,omitempty"` // the shop's order number, 1 to 45 characters, never used again
}

// PaymentReceiptRequest creates a payment link whose receipt the bank's partner
// prints once it is paid.
type PaymentReceiptRequest struct {
	PaymentRequest
	ReceiptFields
}

// ReceiptFields are the receipt's part of a request.
type ReceiptFields struct {
	TaxSystemCode TaxSystemCode    `json:"taxSystemCode,omitempty"`
	Client        ReceiptClient    `json:"Client"`
	Items         []ReceiptItem    `json:"Items"`
	Supplier      *ReceiptSupplier `json:"Supplier,omitempty"` // of the items that have none of their own
}

// ReceiptClient is the buyer on the receipt.
type ReceiptClient struct {
	Email string `json:"email"` // the receipt goes there
	Name  string `json:"name,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// ReceiptItem is a line of a receipt.
type ReceiptItem struct {
	Name          string           `json:"name"`                    // 1 to 256 characters
	Amount        Sum              `json:"amount"`                  // for one unit
	Quantity      json.Number      `json:"quantity"`                // more than 0
	VATType       VATType          `json:"vatType,omitempty"`       // ставка НДС
	PaymentMethod string           `json:"paymentMethod,omitempty"` // full_payment or full_prepayment
	PaymentObject string           `json:"paymentObject,omitempty"` // goods, service or work
	Measure       string           `json:"measure,omitempty"`       // "": шт.
	Supplier      *ReceiptSupplier `json:"Supplier,omitempty"`
}

// ReceiptSupplier is on whose behalf a line is sold.
type ReceiptSupplier struct {
	Phone   string `json:"phone"` // 11 to 15 digits, with or without a plus
	Name    string `json:"name"`
	TaxCode string `json:"taxCode"` // ИНН, 10 or 12 digits
}

// Operation is a payment operation (платёжная операция): a link and what
// became of it. The answers to the creating calls have a part of it.
type Operation struct {
	CustomerCode     string          `json:"customerCode"`
	OperationID      string          `json:"operationId"`
	PaymentLink      string          `json:"paymentLink"` // the address for the buyer; never build it yourself
	Status           OperationStatus `json:"status"`
	Amount           Sum             `json:"amount"` // of the order, whatever was given back
	Purpose          string          `json:"purpose"`
	PaymentMode      []PaymentMode   `json:"paymentMode"` // offered
	PaymentType      PaymentMode     `json:"paymentType"` // chosen by the buyer; after the payment
	PaymentID        Text            `json:"paymentId"`   // the processing's number, or the SBP's
	TransactionID    string          `json:"transactionId"`
	CreatedAt        Time            `json:"createdAt"`
	PaidAt           Time            `json:"paidAt"`
	MerchantID       string          `json:"merchantId"`
	ConsumerID       string          `json:"consumerId"`
	RedirectURL      string          `json:"redirectUrl"`
	FailRedirectURL  string          `json:"failRedirectUrl"`
	PreAuthorization Bool            `json:"preAuthorization"`
	TTL              Int             `json:"ttl"` // minutes
	PaymentLinkID    Text            `json:"paymentLinkId"`

	TaxSystemCode TaxSystemCode    `json:"taxSystemCode"`
	Client        *ReceiptClient   `json:"Client"`
	Items         []OperationItem  `json:"Items"`
	Supplier      *ReceiptSupplier `json:"Supplier"`

	Order []OrderEntry `json:"Order"` // what happened to the money
	Card  *SavedCard   `json:"CofToken"`

	Recurring Bool                 `json:"recurring"` // of a subscription
	Options   *SubscriptionOptions `json:"Options"`   // of a scheduled subscription

	Raw json.RawMessage `json:"-"` // as it came
}

// OperationItem is a line of a receipt as the bank gives it back: its rate may
// be one that requests no longer take.
type OperationItem struct {
	Name          string           `json:"name"`
	Amount        Sum              `json:"amount"`
	Quantity      Text             `json:"quantity"`
	VATType       VATType          `json:"vatType"`
	PaymentMethod string           `json:"paymentMethod"`
	PaymentObject string           `json:"paymentObject"`
	Measure       string           `json:"measure"`
	Supplier      *ReceiptSupplier `json:"Supplier"`
}

// OrderEntry is one movement of an operation's money.
type OrderEntry struct {
	OrderID Text      `json:"orderId"`
	Type    OrderType `json:"type"`
	Amount  Sum       `json:"amount"`
	Time    Time      `json:"time"`
}

// OrderType is what a movement was.
type OrderType string

// The movements.
const (
	OrderApproval   OrderType = "approval"   // money taken
	OrderAuthorized OrderType = "authorized" // money held
	OrderRefund     OrderType = "refund"     // money given back
)

// SavedCard is a card that the buyer saved.
type SavedCard struct {
	TokenCardID string `json:"tokenCardId"`
	CardType    string `json:"cardType"` // Mir
	MaskedPAN   string `json:"maskedPan"`
}

// plainOperation is an Operation that does not keep what came.
type plainOperation Operation

// UnmarshalJSON keeps what came in Raw.
func (o *Operation) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*plainOperation)(o)); err != nil {
		return err
	}
	o.Raw = append(json.RawMessage(nil), b...)
	return nil
}

// CreatePayment creates a payment link (POST payments).
func (c *Client) CreatePayment(ctx context.Context, r PaymentRequest) (*Operation, error) {
	if r.CustomerCode == "" {
		r.CustomerCode = c.conf.CustomerCode
	}
	return c.createPayment(ctx, r.CustomerCode, &dataOf[PaymentRequest]{r})
}

func (c *Client) createPayment(ctx context.Context, company string, body *dataOf[PaymentRequest]) (*Operation, error) {
	return c.createOperation(ctx, "payments.create", "acquiring/v1.0/payments", company, body)
}

// CreatePaymentWithReceipt creates a payment link with a receipt (POST
// payments_with_receipt).
func (c *Client) CreatePaymentWithReceipt(ctx context.Context, r PaymentReceiptRequest) (*Operation, error) {
	if r.CustomerCode == "" {
		r.CustomerCode = c.conf.CustomerCode
	}
	return c.createOperation(ctx, "payments_with_receipt.create", "acquiring/v1.0/payments_with_receipt", r.CustomerCode, dataOf[PaymentReceiptRequest]{r})
}

func (c *Client) createOperation(ctx context.Context, op, path, company string, body any) (*Operation, error) {
	r := post(op, body, path)
	r.company = company
	var o Operation
	if _, err := c.call(ctx, r, &o); err != nil {
		return nil, err
	}
	if o.OperationID == "" || o.PaymentLink == "" {
		return nil, c.nonsense(op, "the answer has no operationId or no paymentLink")
	}
	return &o, nil
}

// nonsense is the error of an answer that lacks what it must have.
func (c *Client) nonsense(op, why string) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, HTTPStatus: 200, Message: why}
}

// Operation reads an operation (GET payments/{operationId}). The bank answers
// 424 for one that it does not know: ErrNotFound.
func (c *Client) Operation(ctx context.Context, operationID string) (*Operation, error) {
	const op = "payments.get"
	if operationID == "" || len(operationID) > 36 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("operationId", "is empty or longer than 36 characters"))
	}
	var data struct{ Operation []Operation }
	if _, err := c.call(ctx, get(op, "acquiring/v1.0/payments/", operationID), &data); err != nil {
		return nil, err
	}
	if len(data.Operation) != 1 {
		return nil, c.nonsense(op, "the answer has "+strconv.Itoa(len(data.Operation))+" operations where one was asked for")
	}
	if o := &data.Operation[0]; o.OperationID != operationID && c.conf.Environment == acquiring.Production {
		return nil, c.nonsense(op, "the answer is about another operation")
	}
	return &data.Operation[0], nil
}

// OperationsQuery is what Operations lists.
type OperationsQuery struct {
	CustomerCode string          // "": Config.CustomerCode
	From, To     Date            // by creation; without From the bank would list its whole history, so it is demanded
	Status       OperationStatus // "": all
	PerPage      int             // 0: the bank's 1000
}

// Operations lists operations, page by page (GET payments).
func (c *Client) Operations(ctx context.Context, q OperationsQuery) iter.Seq2[*Operation, error] {
	const op = "payments.list"
	query := url.Values{}
	set(query, "fromDate", string(q.From))
	set(query, "toDate", string(q.To))
	set(query, "status", string(q.Status))
	if q.From == "" || !q.From.valid() || !q.To.valid() {
		return failing[Operation](acquiring.InOp(provider, op, acquiring.Invalid("From", "is empty, or a date is not YYYY-MM-DD; without it the bank lists its whole history")))
	}
	return paged(ctx, c, op, "acquiring/v1.0/payments", q.CustomerCode, query, q.PerPage, func(data *struct{ Operation []Operation }) []Operation { return data.Operation })
}

// set adds a parameter that is not empty.
func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func failing[T any](err error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) { yield(nil, err) }
}

// paged walks the pages 1 to Meta.totalPages of a company's list.
func paged[D, T any](ctx context.Context, c *Client, op, path, company string, query url.Values, perPage int, items func(*D) []T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if company == "" {
			var err error
			if company, err = c.company(op); err != nil {
				yield(nil, err)
				return
			}
		}
		if perPage <= 0 {
			perPage = 1000
		}
		for page := 1; ; page++ {
			q := url.Values{"customerCode": {company}, "page": {strconv.Itoa(page)}, "perPage": {strconv.Itoa(perPage)}}
			for name, values := range query {
				q[name] = values
			}
			r := get(op, path)
			r.query, r.company = q, company
			var data D
			a, err := c.call(ctx, r, &data)
			if err != nil {
				yield(nil, err)
				return
			}
			list := items(&data)
			for i := range list {
				if !yield(&list[i], nil) {
					return
				}
			}
			if page >= int(a.Meta.TotalPages) || len(list) == 0 {
				return
			}
		}
	}
}

// result is the answer {"result": true}.
type result struct{ Result *Bool }

// accepted calls and wants result true. false is a refusal, although HTTP says
// 200; none is no verdict.
func (c *Client) accepted(ctx context.Context, r request, refusal error, hint string) error {
	var out result
	if _, err := c.call(ctx, r, &out); err != nil {
		return err
	}
	if out.Result == nil {
		return c.nonsense(r.op, "the answer does not say whether it was done (result)")
	}
	if !*out.Result {
		return &acquiring.Error{Provider: provider, Op: r.op, Kind: refusal, Outcome: acquiring.OutcomeRejected, HTTPStatus: 200, Message: "the bank refused (result: false)", Hint: hint}
	}
	return nil
}

// CapturePayment takes the whole hold of an operation (POST …/capture). The
// bank takes no part of it.
func (c *Client) CapturePayment(ctx context.Context, operationID string) error {
	return c.accepted(ctx, post("payments.capture", nil, "acquiring/v1.0/payments/", operationID, "/capture"), acquiring.ErrConflict, "only an AUTHORIZED operation is captured")
}

// OperationRefund is the bank's answer to a refund.
type OperationRefund struct {
	IsRefund    Bool            `json:"isRefund"`
	OperationID string          `json:"operationId"`
	Amount      Sum             `json:"amount"`
	Date        Date            `json:"date"`
	OrderID     Text            `json:"orderId"`
	Raw         json.RawMessage `json:"-"`
}

// RefundPayment gives money of an operation back (POST …/refund). It has no
// key: repeated, it refunds again. Client.Refund is the safe way. isRefund
// false gives ErrDeclined.
func (c *Client) RefundPayment(ctx context.Context, operationID string, amount Sum) (*OperationRefund, error) {
	const op = "payments.refund"
	if operationID == "" || amount <= 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("amount", "is not more than zero, or there is no operationId"))
	}
	var answer struct {
		OperationRefund
		Verdict *Bool `json:"isRefund"`
	}
	a, err := c.call(ctx, post(op, dataOf[any]{struct {
		Amount Sum `json:"amount"`
	}{amount}}, "acquiring/v1.0/payments/", operationID, "/refund"), &answer)
	if err != nil {
		return nil, err
	}
	if answer.Verdict == nil {
		return nil, c.nonsense(op, "the answer does not say whether the money goes back (isRefund)")
	}
	out := answer.OperationRefund
	out.IsRefund = *answer.Verdict
	if !out.IsRefund {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrDeclined, Outcome: acquiring.OutcomeRejected, HTTPStatus: 200,
			Message: "the bank refused the refund (isRefund: false)", Hint: "the money comes from the company's account: is there enough? Payments of subscriptions are refunded in the internet bank only"}
	}
	out.Raw = a.raw
	return &out, nil
}

// RegistryQuery is one day of one retail point.
type RegistryQuery struct {
	CustomerCode string // "": Config.CustomerCode
	MerchantID   string // "": Config.MerchantID; demanded
	Date         Date   // demanded; today lacks the cards still in processing
	PaymentID    string // one of them; "": all
}

// RegistryRow is what came in one payment of the registry (реестр).
type RegistryRow struct {
	PaymentType PaymentMode       `json:"paymentType"`
	TotalAmount Sum               `json:"totalAmount"`
	PaymentID   Text              `json:"paymentId"`
	Payments    []RegistryPayment `json:"payments"`
}

// RegistryPayment is an operation in the registry, with the bank's commission.
type RegistryPayment struct {
	Purpose          string          `json:"purpose"`
	Status           OperationStatus `json:"status"`
	Amount           Sum             `json:"amount"`
	OperationID      string          `json:"operationId"`
	PaymentLink      string          `json:"paymentLink"`
	Time             Time            `json:"time"`
	Number           Text            `json:"number"` // the order number, as it seems
	Commission       Sum             `json:"commission"`
	EnrollmentAmount Sum             `json:"enrollmentAmount"` // what comes to the account
}

// Registry is a day's payments of a retail point (GET registry).
func (c *Client) Registry(ctx context.Context, q RegistryQuery) ([]RegistryRow, error) {
	const op = "registry.get"
	if q.CustomerCode == "" {
		q.CustomerCode = c.conf.CustomerCode
	}
	if q.MerchantID == "" {
		q.MerchantID = c.conf.MerchantID
	}
	switch {
	case q.CustomerCode == "":
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Config.CustomerCode", "is empty; choose a company with Discover"))
	case len(q.MerchantID) != 15:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("MerchantID", "is not 15 digits long; the bank demands it here"))
	case q.Date == "" || !q.Date.valid():
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Date", "is not YYYY-MM-DD"))
	}
	r := get(op, "acquiring/v1.0/registry")
	r.company = q.CustomerCode
	r.query = url.Values{"customerCode": {q.CustomerCode}, "merchantId": {q.MerchantID}, "date": {string(q.Date)}}
	set(r.query, "paymentId", q.PaymentID)
	var data struct{ Registry []RegistryRow }
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.Registry, nil
}

// Retailer is a retail point of internet acquiring (торговая точка).
type Retailer struct {
	Status       RetailerStatus `json:"status"`
	IsActive     Bool           `json:"isActive"`
	MCC          Text           `json:"mcc"`
	Rate         Text           `json:"rate"` // commission for cards, percent, as the bank writes it
	Name         string         `json:"name"`
	URL          string         `json:"url"`
	MerchantID   string         `json:"merchantId"` // 15 digits; absent at first
	TerminalID   string         `json:"terminalId"`
	PaymentModes []PaymentMode  `json:"paymentModes"`
	Cashbox      string         `json:"cashbox"` // the connected cash register's partner; "": none
}

// RetailerStatus is how far a retail point's registration is.
type RetailerStatus string

// The statuses of a retail point.
const (
	RetailerNew             RetailerStatus = "NEW"
	RetailerAddress         RetailerStatus = "ADDRESS_DADATA"
	RetailerOpenAccount     RetailerStatus = "OPEN_ACCOUNT"
	RetailerSent            RetailerStatus = "TWPG_SENDED"
	RetailerCreated         RetailerStatus = "RETAILER_CREATED"
	RetailerTerminalCreated RetailerStatus = "TERMINAL_CREATED"
	RetailerFileSent        RetailerStatus = "FILE_SENT"
	RetailerRegistered      RetailerStatus = "REG"
	RetailerClosed          RetailerStatus = "CLOSE"
)

// Usable says whether the point can take payments: registered and active.
func (r Retailer) Usable() bool { return r.Status == RetailerRegistered && bool(r.IsActive) }

// PrintsReceipts says whether a cash register is connected to the point. That
// the name's absence means none is this library's reading of the manual.
func (r Retailer) PrintsReceipts() bool { return r.Cashbox != "" }

// Retailers lists the retail points of a company (GET retailers); "":
// Config.CustomerCode.
func (c *Client) Retailers(ctx context.Context, customerCode string) ([]Retailer, error) {
	const op = "retailers.list"
	if customerCode == "" {
		var err error
		if customerCode, err = c.company(op); err != nil {
			return nil, err
		}
	}
	r := get(op, "acquiring/v1.0/retailers")
	r.query, r.company = url.Values{"customerCode": {customerCode}}, customerCode
	var data struct{ Retailer []Retailer }
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.Retailer, nil
}

// pollEvery is between two looks at what the bank makes in its own time.
const pollEvery = 2 * time.Second
