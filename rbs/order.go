package rbs

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Order is the answer of getOrderStatusExtended.do. Which fields come depends
// on the bank and on a version set for the merchant: an absent one is normal.
type Order struct {
	Head
	OrderNumber           Text             `json:"orderNumber"`
	OrderStatus           Int              `json:"orderStatus"` // StateRegistered and so on
	ActionCode            Int              `json:"actionCode"`  // ActionApproved and so on: see ActionMeaning
	ActionCodeDescription Text             `json:"actionCodeDescription"`
	DisplayErrorMessage   Text             `json:"displayErrorMessage"`
	Amount                Int              `json:"amount"` // registered, kopecks
	Currency              Text             `json:"currency"`
	Date                  Time             `json:"date"` // of the registration
	DepositedDate         Time             `json:"depositedDate"`
	AuthDateTime          Time             `json:"authDateTime"`
	RefundedDate          Time             `json:"refundedDate"`
	ReversedDate          Time             `json:"reversedDate"`
	OrderDescription      Text             `json:"orderDescription"`
	IP                    Text             `json:"ip"`
	AuthRefNum            Text             `json:"authRefNum"` // RRN
	TerminalID            Text             `json:"terminalId"`
	PaymentWay            Text             `json:"paymentWay"` // CARD, SBP_C2B and so on; the list is open: see MethodOf
	Chargeback            Bool             `json:"chargeback"`
	Amounts               *AmountInfo      `json:"paymentAmountInfo"`
	CardAuth              CardAuth         `json:"cardAuthInfo"`
	Binding               BindingInfo      `json:"bindingInfo"`
	Bank                  BankInfo         `json:"bankInfo"`
	Payer                 PayerData        `json:"payerData"`
	Operations            List[Operation]  `json:"operations"`
	Refunds               List[Operation]  `json:"refunds"`
	MerchantParams        List[NamedValue] `json:"merchantOrderParams"`
	Attributes            List[NamedValue] `json:"attributes"`
	TransactionAttributes List[NamedValue] `json:"transactionAttributes"`
	Loyalty               LoyaltyInfo      `json:"loyaltyInfo"`
	OrderBundle           json.RawMessage  `json:"orderBundle"`
	OFDOrderBundle        json.RawMessage  `json:"ofdOrderBundle"`

	// DepositAmount is depositedAmount where no paymentAmountInfo comes
	// (getOrderStatus.do).
	DepositAmount Int `json:"depositAmount"`
}

// AmountInfo is paymentAmountInfo, in kopecks.
type AmountInfo struct {
	State     Text `json:"paymentState"`   // CREATED, APPROVED, DEPOSITED, REVERSED, REFUNDED, DECLINED
	Approved  Int  `json:"approvedAmount"` // held, or charged in one stage
	Deposited Int  `json:"depositedAmount"`
	Refunded  Int  `json:"refundedAmount"`
	Fee       Int  `json:"feeAmount"`
	Total     Int  `json:"totalAmount"`

	// The same of the electronic certificate (электронный сертификат), which
	// stands beside the money.
	ApprovedCertificate  Int `json:"approvedAmountCertificate"`
	DepositedCertificate Int `json:"depositedAmountCertificate"`
	RefundedCertificate  Int `json:"refundedAmountCertificate"`
}

// CardAuth is cardAuthInfo.
type CardAuth struct {
	MaskedPAN     Text `json:"maskedPan"`
	PAN           Text `json:"pan"`            // masked too; the older name
	Expiration    Text `json:"expiration"`     // YYYYMM
	Holder        Text `json:"cardHolderName"` // cardholderName too
	ApprovalCode  Text `json:"approvalCode"`
	PaymentSystem Text `json:"paymentSystem"`
	Product       Text `json:"product"`
	PaymentWay    Text `json:"paymentWay"`
	Corporate     Bool `json:"isCorp"`
	Chargeback    Bool `json:"chargeback"`
	SecureAuth    struct {
		ECI Text `json:"eci"`
	} `json:"secureAuthInfo"`

	// Some answers have these here, not beside.
	Currency      Text `json:"currency"`
	Date          Time `json:"date"`
	DepositedDate Time `json:"depositedDate"`
}

// BindingInfo is the saved card of the order.
type BindingInfo struct {
	ClientID  Text `json:"clientId"`
	BindingID Text `json:"bindingId"`
}

// BankInfo is the bank that issued the card.
type BankInfo struct {
	Name        Text `json:"bankName"`
	CountryCode Text `json:"bankCountryCode"`
	CountryName Text `json:"bankCountryName"`
}

// PayerData is who paid.
type PayerData struct {
	Email       Text `json:"email"`
	Phone       Text `json:"phone"`
	PostAddress Text `json:"postAddress"`
}

// Operation is one entry of the order's history: of operations, or of refunds
// (which has no Type).
type Operation struct {
	Date             Time `json:"date"`
	Type             Text `json:"type"`        // AUTHORIZATION, PREAUTHORIZATION, COMPLETION, REVERSAL, REFUND
	Amount           Int  `json:"amount"`      // kopecks
	AmountBonus      Int  `json:"amountBonus"` // kopecks of bonuses
	ReferenceNumber  Text `json:"referenceNumber"`
	ExternalRefundID Text `json:"externalRefundId"`
	ApprovalCode     Text `json:"approvalCode"`
	ActionCode       Int  `json:"actionCode"`
}

// Is says whether the operation is of that type.
func (o Operation) Is(kind string) bool { return strings.EqualFold(string(o.Type), kind) }

// Approved says whether the operation was carried out. 400 is the success of
// a reversal; an absent code passes.
func (o Operation) Approved() bool { return o.ActionCode.Value == 0 || o.ActionCode.Value == 400 }

// LoyaltyInfo is what was paid with bonuses.
type LoyaltyInfo struct {
	Name         Text  `json:"loyaltyName"`
	ReceiptID    Text  `json:"receiptId"`
	PaymentBonus Bonus `json:"paymentBonus"`
	AwardBonus   Bonus `json:"awardBonus"`
}

// Bonus are amounts in kopecks of bonuses.
type Bonus struct {
	Approved  Int `json:"approvedAmountBonus"`
	Deposited Int `json:"depositedAmountBonus"`
	Refunded  Int `json:"refundedAmountBonus"`
}

// MdOrder is the gateway's own number of the order, where the answer has it:
// attributes is the only place.
func (o *Order) MdOrder() string { return Lookup(o.Attributes, "mdOrder") }

// Refused adds to Head's rule that a state must have come.
func (o *Order) Refused() (code, message string, refused bool) {
	if code, message, refused = o.Head.Refused(); refused {
		return code, message, true
	}
	if !o.OrderStatus.Known {
		return "", "the answer has no orderStatus", true
	}
	return "", "", false
}

// States of an order that all banks of the family agree on.
const (
	StateRegistered = 0 // also after a failed attempt, while attempts remain
	StateHeld       = 1 // two-stage: authorised
	StateDeposited  = 2 // paid
	StateReversed   = 3 // cancelled: the hold was released, or the payment of the day taken back
	StateRefunded   = 4 // at least one refund, of a part or of all
	StateACS        = 5 // 3-D Secure in progress; not final
	StateDeclined   = 6 // declined, expired, withdrawn
)

// Reading is how one bank's orders are read.
type Reading struct {
	// States adds to the states that the family shares, or replaces theirs
	// (7 and 8 mean this here and that there). A state in neither is
	// StatusUnknown.
	States map[int64]acquiring.Status
	// Captured is the sum that the caller knows to have been captured; 0: he
	// does not, and it is taken from the order's history where that comes.
	Captured money.Amount
	// World is what was learned of the gateway; nil: nothing.
	World *World
	Test  bool // the order is of a test contour
	// OwnParams are the names of parameters that the gateway knows itself:
	// they are no metadata of the shop.
	OwnParams func(name string) bool
}

// Status is the state in the library's words.
func (o *Order) Status(r Reading) acquiring.Status {
	return o.status(r, o.funds(r.Captured, r.World))
}

func (o *Order) status(r Reading, f Funds) acquiring.Status {
	s, ok := r.States[o.OrderStatus.Value]
	if !ok {
		switch o.OrderStatus.Value {
		case StateRegistered, StateACS:
			s = acquiring.StatusPending
		case StateHeld:
			s = acquiring.StatusAuthorized
		case StateDeposited:
			s = acquiring.StatusPaid
		case StateReversed:
			s = acquiring.StatusVoided
		case StateRefunded:
			s = acquiring.StatusPartiallyRefunded
		case StateDeclined:
			s = acquiring.StatusDeclined
		}
	}
	if !o.OrderStatus.Known {
		return acquiring.StatusUnknown
	}
	switch s {
	case acquiring.StatusPaid, acquiring.StatusPartiallyRefunded:
		switch {
		case f.Refunded > 0 && f.Full:
			s = acquiring.StatusRefunded
		case f.Refunded > 0:
			s = acquiring.StatusPartiallyRefunded
		}
	case acquiring.StatusDeclined:
		switch o.ActionCode.Value {
		case ActionExpired:
			s = acquiring.StatusExpired
		case ActionNoAttempts:
			// Nobody tried to pay and the time is not over: the shop
			// withdrew it.
			s = acquiring.StatusCanceled
		}
	}
	return s
}

// Payment maps the order; id is what it was asked by, for the answers that do
// not repeat it.
func (o *Order) Payment(id acquiring.PaymentID, r Reading) *acquiring.Payment {
	f := o.funds(r.Captured, r.World)
	p := &acquiring.Payment{
		ID:             id,
		OrderID:        string(o.OrderNumber),
		Status:         o.status(r, f),
		Amount:         o.Amount.Amount(),
		Currency:       CurrencyLetters(string(first(o.Currency, o.CardAuth.Currency))),
		Method:         o.method(),
		Card:           o.card(),
		Test:           r.Test,
		CreatedAt:      firstTime(o.Date, o.CardAuth.Date),
		ProviderStatus: o.OrderStatus.String(),
		Raw:            o.Raw,
	}
	if p.ID == "" {
		p.ID = acquiring.PaymentID(o.MdOrder())
	}
	if p.Status.Succeeded() {
		p.Captured, p.Refunded = f.Captured, f.Refunded
		p.PaidAt = firstTime(o.DepositedDate, o.CardAuth.DepositedDate, o.AuthDateTime)
	}
	if code := o.ActionCode; p.Status != acquiring.StatusCanceled && !p.Status.Succeeded() && code.Known && IsDecline(code.Value) {
		p.Failure = FailureOf(code.Value, string(first(o.ActionCodeDescription, o.DisplayErrorMessage)))
	}
	for _, param := range o.MerchantParams {
		if param.Name == "" || (r.OwnParams != nil && r.OwnParams(string(param.Name))) {
			continue
		}
		if p.Metadata == nil {
			p.Metadata = make(map[string]string, len(o.MerchantParams))
		}
		p.Metadata[string(param.Name)] = string(param.Value)
	}
	return p
}

// method is the way of payment, as far as the answer tells it.
func (o *Order) method() acquiring.Method {
	if way := first(o.PaymentWay, o.CardAuth.PaymentWay); way != "" {
		return MethodOf(string(way))
	}
	switch {
	case o.CardAuth.PAN != "" || o.CardAuth.MaskedPAN != "":
		return acquiring.MethodCard
	case Lookup(o.TransactionAttributes, "extTransactionId") != "" && Lookup(o.Attributes, "qrcId") != "":
		return acquiring.MethodSBP
	}
	return ""
}

// MethodOf is the way of payment behind a paymentWay. The gateways' list is
// open: one that is not known is MethodOther.
func MethodOf(way string) acquiring.Method {
	way = strings.ToUpper(way)
	for _, w := range []struct {
		part   string
		method acquiring.Method
	}{
		{"SBP", acquiring.MethodSBP}, {"UNIQR", acquiring.MethodSBP},
		{"ALFAPAY", acquiring.MethodAlfaPay}, {"MIR_PAY", acquiring.MethodMirPay}, {"MIRPAY", acquiring.MethodMirPay},
		{"YANDEX", acquiring.MethodYandexPay}, {"TPAY", acquiring.MethodTPay}, {"PODELI", acquiring.MethodInstallment},
		{"IPOS", acquiring.MethodCredit}, {"SBRF_SBOL", acquiring.MethodSberPay}, {"SBERPAY", acquiring.MethodSberPay},
	} {
		if strings.Contains(way, w.part) {
			return w.method
		}
	}
	if strings.HasPrefix(way, "CARD") || strings.HasPrefix(way, "GOOGLE_PAY_CARD") {
		return acquiring.MethodCard
	}
	return acquiring.MethodOther
}

// card is the card of the order; nil: none is told of.
func (o *Order) card() *acquiring.Card {
	c := CardOf(string(first(o.CardAuth.MaskedPAN, o.CardAuth.PAN)), string(o.CardAuth.Expiration))
	if c == nil {
		if o.Binding.BindingID == "" {
			return nil
		}
		c = new(acquiring.Card)
	}
	c.Holder = string(o.CardAuth.Holder)
	if brand := string(o.CardAuth.PaymentSystem); !strings.EqualFold(brand, "undefined") {
		c.Brand = brand
	}
	c.Issuer, c.Country, c.Token = string(o.Bank.Name), string(o.Bank.CountryCode), string(o.Binding.BindingID)
	return c
}

// CardOf is a card by its masked number and its expiry YYYYMM; nil when there
// is no number. A number that came whole is masked here.
func CardOf(masked, expiry string) *acquiring.Card {
	if masked = MaskPAN(masked); masked == "" {
		return nil
	}
	c := &acquiring.Card{Masked: masked}
	if at, err := time.Parse("200601", expiry); err == nil {
		c.ExpiryYear, c.ExpiryMonth = at.Year(), int(at.Month())
	}
	return c
}

// MaskPAN takes the spaces out of a card's number and hides its middle if the
// gateway did not: six digits at the beginning and four at the end stay.
func MaskPAN(pan string) string {
	pan = strings.Join(strings.Fields(pan), "")
	if strings.Trim(pan, "0123456789") != "" || pan == "" {
		return pan
	}
	if len(pan) < 13 {
		return strings.Repeat("*", len(pan))
	}
	return pan[:6] + strings.Repeat("*", len(pan)-10) + pan[len(pan)-4:]
}

func first(texts ...Text) Text {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func firstTime(times ...Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t.Time
		}
	}
	return time.Time{}
}
