package rbs

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Order is the answer of getOrderStatusExtended.do. Which fields come depends
// on the bank and on a version set for the merchant: an absent one is normal.
type Order struct {
	Head
	OrderNumber           Text             `json:"orderNumber"`
	OrderStatus           Int              `json:"orderStatus"`
	ActionCode            Int              `json:"actionCode"`
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
	PaymentWay            Text             `json:"paymentWay"`
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
	PAN           Text `json:"pan"` // masked too; the older name
	Expiration    Text `json:"expiration"`
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
	Type             Text `json:"type"` // AUTHORIZATION, PREAUTHORIZATION, COMPLETION, REVERSAL, REFUND
	Amount           Int  `json:"amount"`
	AmountBonus      Int  `json:"amountBonus"`
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
	StateDeposited  = 2
	StateReversed   = 3
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

// World is what a client learns of its gateway from the orders it reads. No
// bank says whether a refund lowers depositedAmount. An order whose refunded
// and deposited sums are more than was approved proves that it does not, and so
// does, or proves the contrary, an order read before and after a refund; one
// proof settles the orders whose sums alone do not tell. It is safe for
// concurrent use.
type World struct{ refunds atomic.Int32 }

const (
	worldKeeps  = 1 // a refund leaves depositedAmount as it is
	worldLowers = 2
)

// Known says whether the proof was seen.
func (w *World) Known() bool { return w.refunds.Load() != 0 }

// Learn compares an order before and after a refund of the sum.
func (w *World) Learn(before, after *Order, sum money.Amount) {
	if before.Amounts == nil || after.Amounts == nil || sum <= 0 || after.Amounts.Refunded.Amount()-before.Amounts.Refunded.Amount() != sum {
		return
	}
	switch before.Amounts.Deposited.Amount() - after.Amounts.Deposited.Amount() {
	case 0:
		w.refunds.Store(worldKeeps)
	case sum:
		w.refunds.Store(worldLowers)
	}
}

// Funds are the sums of an order by the rules of the family.
type Funds struct {
	Approved, Captured, Refunded money.Amount
	Full                         bool // all that was captured was given back
	// Sure says whether Captured is known and not a guess: after the refund of
	// a part of a partial capture the sums alone do not tell, and some merchants'
	// answers have none.
	Sure bool
}

// Funds finds out what was captured and whether all of it was given back. It
// holds whether or not a refund lowers depositedAmount, which the banks do not
// say: with R refunded, P deposited, A approved and K captured, if known,
//
//	R = 0      nothing was given back
//	K known    all, if and only if R >= K
//	R + P > A  (P was not lowered) all, if and only if R >= P
//	otherwise  all, if and only if P = 0 or R >= A
func (o *Order) Funds(known money.Amount) Funds { return o.funds(known, nil) }

func (o *Order) funds(known money.Amount, w *World) Funds {
	var f Funds
	var deposited money.Amount
	told := o.DepositAmount.Known || o.Loyalty.PaymentBonus.Deposited.Known
	if i := o.Amounts; i != nil {
		told = told || i.Deposited.Known || i.DepositedCertificate.Known
		f.Approved = i.Approved.Amount() + i.ApprovedCertificate.Amount()
		deposited = i.Deposited.Amount() + i.DepositedCertificate.Amount()
		f.Refunded = i.Refunded.Amount() + i.RefundedCertificate.Amount()
	} else {
		deposited = o.DepositAmount.Amount()
	}
	guessed := !told && o.OrderStatus.Value == StateDeposited
	bonus := o.Loyalty.PaymentBonus
	f.Approved += bonus.Approved.Amount()
	deposited += bonus.Deposited.Amount()
	f.Refunded += bonus.Refunded.Amount()
	if guessed {
		// The merchant's version of the answers has no sums: what was ordered
		// is what was taken, but for a part of a hold, which the history tells.
		if deposited = o.capturedByHistory(); deposited == 0 {
			deposited = o.Amount.Amount()
		}
	}
	if f.Approved == 0 {
		f.Approved = o.Amount.Amount()
	}
	world := int32(0)
	if w != nil {
		if !guessed && f.Refunded > 0 && f.Refunded+deposited > f.Approved {
			w.refunds.Store(worldKeeps)
		}
		world = w.refunds.Load()
	}
	if known == 0 {
		known = o.capturedByHistory()
		if known < deposited || known < f.Refunded {
			known = 0 // the history is not whole
		}
	}
	switch r := f.Refunded; {
	case r <= 0:
		f.Refunded, f.Captured, f.Sure = 0, deposited, !guessed
	case known > 0:
		f.Captured, f.Full, f.Sure = known, r >= known, true
	case r+deposited > f.Approved, world == worldKeeps && deposited > 0:
		f.Captured, f.Full, f.Sure = deposited, r >= deposited, true
	default:
		f.Captured, f.Full = deposited+r, deposited == 0 || r >= f.Approved
		f.Sure = f.Full || world == worldLowers
	}
	return f
}

// capturedByHistory is the sum captured by the order's operations; 0 when they
// did not come.
func (o *Order) capturedByHistory() money.Amount {
	var completed, authorised money.Amount
	var lastCompletion time.Time
	for _, op := range o.Operations {
		if !op.Approved() {
			continue
		}
		switch sum := op.Amount.Amount() + op.AmountBonus.Amount(); {
		case op.Is("COMPLETION"):
			completed += sum
			if op.Date.After(lastCompletion) {
				lastCompletion = op.Date.Time
			}
		case op.Is("AUTHORIZATION"):
			authorised += sum
		}
	}
	captured := authorised
	if completed > 0 {
		captured = completed
	}
	for _, op := range o.Operations {
		// A reversal before the completion lowered the hold, not the capture.
		if op.Is("REVERSAL") && op.Approved() && (completed == 0 || op.Date.After(lastCompletion)) {
			captured -= op.Amount.Amount() + op.AmountBonus.Amount()
		}
	}
	return max(captured, 0)
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
