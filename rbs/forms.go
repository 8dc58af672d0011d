package rbs

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// MaxAmount is the largest sum of an order: 12 digits of kopecks, 9 999 999 999.99
// rubles.
const MaxAmount money.Amount = 999_999_999_999

// NoReturn stands where a gateway demands an address to return to and nobody
// will return: a charge without the customer.
const NoReturn = "https://localhost/"

// OrdersQuery lists orders (getLastOrdersForMerchants.do).
type OrdersQuery struct {
	Page     int       // from 0
	Size     int       // 1..200
	From, To time.Time // by payment, or by registration with ByCreated
	// States are CREATED, APPROVED, DEPOSITED, DECLINED, REVERSED, REFUNDED;
	// nil is all of them.
	States    []string
	Merchants []string // logins; nil: the own one
	ByCreated bool     // From and To mean the registration; without it orders that were not paid are not listed
	Language  string   // of the messages; "": ru
}

var orderStates = []string{"CREATED", "APPROVED", "DEPOSITED", "DECLINED", "REVERSED", "REFUNDED"}

// Form is the query as the gateways read it: Moscow time without separators,
// lists with commas, and merchants present even when it is empty. A Size that is
// not 1 to 200 is ErrInvalid.
func (q OrdersQuery) Form() (url.Values, error) {
	if q.Size < 1 || q.Size > 200 {
		return nil, acquiring.Invalid("Size", "is not between 1 and 200")
	}
	states := q.States
	if states == nil {
		states = orderStates
	}
	language := q.Language
	if language == "" {
		language = "ru"
	}
	const layout = "20060102150405"
	form := url.Values{
		"page": {strconv.Itoa(q.Page)}, "size": {strconv.Itoa(q.Size)},
		"from": {q.From.In(Moscow).Format(layout)}, "to": {q.To.In(Moscow).Format(layout)},
		"transactionStates": {strings.Join(states, ",")}, "merchants": {strings.Join(q.Merchants, ",")}, "language": {language},
	}
	if q.ByCreated {
		form.Set("searchByCreatedDate", "true")
	}
	return form, nil
}

// Enrollment is the answer of verifyEnrollment.do.
type Enrollment struct {
	Head
	Enrolled    Text `json:"enrolled"` // Y, N, U (not known)
	Emitter     Text `json:"emitterName"`
	CountryCode Text `json:"emitterCountryCode"`
}

// CheckPAN refuses what is no card number: 13 to 19 digits.
func CheckPAN(field, pan string) error {
	if len(pan) < 13 || len(pan) > 19 || !Digits(pan) {
		return acquiring.Invalid(field, "is not 13 to 19 digits")
	}
	return nil
}

// OldOrder is the answer of getOrderStatus.do, which has beside an Order's
// fields, spelt with capitals, those that it keeps at the top.
type OldOrder struct {
	Order
	PAN             Text `json:"Pan"`
	Expiration      Text `json:"expiration"`
	Holder          Text `json:"cardholderName"`
	ApprovalCode    Text `json:"approvalCode"`
	DepositAmount   Int  `json:"depositAmount"`
	DepositedAmount Int  `json:"depositedAmount"`
	ApprovedAmount  Int  `json:"approvedAmount"`
	ClientID        Text `json:"clientId"`
	BindingID       Text `json:"bindingId"`
	RRN             Text `json:"rrn"`
}

// AsOrder puts the answer into an Order as far as it goes.
func (o *OldOrder) AsOrder() *Order {
	n := o.Order
	n.CardAuth.PAN, n.CardAuth.Expiration, n.CardAuth.Holder, n.CardAuth.ApprovalCode = o.PAN, o.Expiration, o.Holder, o.ApprovalCode
	if n.DepositAmount = o.DepositAmount; !n.DepositAmount.Known {
		n.DepositAmount = o.DepositedAmount
	}
	if n.Binding.BindingID == "" {
		n.Binding = BindingInfo{ClientID: o.ClientID, BindingID: o.BindingID}
	}
	if n.AuthRefNum == "" {
		n.AuthRefNum = o.RRN
	}
	return &n
}

// SBPCode is a code of СБП (sbp/c2b/qr/…).
type SBPCode struct {
	Head
	ID       Text `json:"qrId"`
	Payload  Text `json:"payload"`  // https://qr.nspk.ru/…; only while it can be paid
	Status   Text `json:"qrStatus"` // STARTED, CONFIRMED, ACCEPTED, REJECTED, REJECTED_BY_USER
	Rendered Text `json:"renderedQr"`
	Type     Text `json:"qrType"`           // DYNAMIC, STATIC
	State    Text `json:"transactionState"` // CREATED, DECLINED, DEPOSITED
}

// OneOf demands exactly one of two fields: a and b are their values, field and
// other their names.
func OneOf(field, other, a, b string) error {
	if (a == "") == (b == "") {
		return acquiring.Invalid(field, fmt.Sprintf("and %s: give exactly one of them", other))
	}
	return nil
}

// WalletPayment registers an order and pays it with a mobile wallet's token
// (<wallet>/payment.do, JSON). It carries the merchant's login instead of the
// API's credentials.
type WalletPayment struct {
	Merchant             string `json:"merchant"`
	OrderNumber          string `json:"orderNumber"`
	PaymentToken         string `json:"paymentToken"` // base64
	Description          string `json:"description,omitempty"`
	Language             string `json:"language,omitempty"`
	AdditionalParameters Params `json:"additionalParameters,omitempty"`
	PreAuth              bool   `json:"preAuth,omitempty"`
	// Amount and CurrencyCode are Google's alone: the other tokens hold them.
	Amount       money.Amount `json:"amount,omitempty"`
	CurrencyCode string       `json:"currencyCode,omitempty"`
}

// String hides the token.
func (p WalletPayment) String() string { return "WalletPayment{OrderNumber:" + p.OrderNumber + "}" }

// GoString is String, for %#v.
func (p WalletPayment) GoString() string { return p.String() }
