package alfabank

import (
	"context"
	"net/url"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

var (
	epInstant      = endpoint{op: "instantPayment.do", token: true}
	epPaymentOrder = endpoint{op: "paymentorder.do"}
	epContinue3DS  = endpoint{op: "3ds/continue.do", token: true}
	epFinish3DS    = endpoint{op: "finish3dsPayment.do"}
	epFinish3DS2   = endpoint{op: "finish3dsVer2Payment.do"}
	epVerifyCard   = endpoint{op: "verifyCard.do", token: true}
)

// Initiator says who pays by stored data and why (tii).
type Initiator string

// The initiators. Initiators U, R and I know one stage only; with R, U and F a
// payment by card data needs the original payment's RRN and date, or it
// silently becomes a plain one.
const (
	InitiatorNone         Initiator = ""   // a plain payment, nothing is stored
	InitiatorStore        Initiator = "CI" // the customer pays and stores the card
	InitiatorCustomer     Initiator = "F"  // the customer pays by a stored card
	InitiatorMerchant     Initiator = "U"  // the merchant, unscheduled
	InitiatorFirstRegular Initiator = "RI" // starts recurrent payments
	InitiatorRegular      Initiator = "R"  // the next recurrent payment
	InitiatorFirstPart    Initiator = "II" // starts instalments
	InitiatorPart         Initiator = "I"  // the next instalment
)

// PaymentAnswer is the answer of the methods that pay. That it was processed
// does not say that the order is paid: look at Declined and Next, and read the
// order afterwards, always.
type PaymentAnswer struct {
	rbs.Payment
	PackedCReq            rbs.Text `json:"packedCReq"`
	MethodURLServer       rbs.Text `json:"threeDSMethodURLServer"` // threeDSMethodUrlServer too
	MethodURLServerDirect rbs.Text `json:"threeDSMethodURLServerDirect"`
	MethodDataPacked      rbs.Text `json:"threeDSMethodDataPacked"`
	DisplayErrorMessage   rbs.Text `json:"displayErrorMessage"`
	BindingID             rbs.Text `json:"bindingId"`
	SBP                   *SBPQR   `json:"sbpC2bInfo"` // of a payment by an SBP account
}

// Next says what the shop must do next. At this bank the challenge is packed:
// post PackedCReq as creq to ACSURL; and the method frame is posted to both
// MethodURLServer and ThreeDSMethodURL, and followed by Continue3DS.
func (p *PaymentAnswer) Next() rbs.PaymentStep {
	switch {
	case p.ACSURL != "" && p.PackedCReq != "":
		return rbs.StepChallenge
	case p.ACSURL == "" && (p.MethodURLServer != "" || p.MethodURLServerDirect != ""):
		return rbs.StepMethod
	}
	return p.Payment.Next()
}

// CardPayment pays a registered order with the card's own data
// (paymentorder.do). It is for merchants certified by PCI DSS. Give the card's
// number with its expiry, or SEToken, or an outside SBP token.
type CardPayment struct {
	OrderID          string            `url:"MDORDER"`
	PAN              string            `url:"$PAN,omitempty"`
	CVC              string            `url:"$CVC,omitempty"`
	Year             string            `url:"YYYY,omitempty"`    // of expiry, four digits
	Month            string            `url:"MM,omitempty"`      // two digits
	Expiry           string            `url:"$EXPIRY,omitempty"` // YYYYMM, in place of Year and Month
	SEToken          string            `url:"seToken,omitempty"`
	Holder           string            `url:"TEXT"`     // demanded but of an SBP token
	Language         string            `url:"language"` // "": ru
	IP               string            `url:"ip,omitempty"`
	Email            string            `url:"email,omitempty"`
	BindingNotNeeded bool              `url:"bindingNotNeeded,omitempty"`
	JSONParams       Params            `url:"jsonParams,omitempty"`
	Initiator        Initiator         `url:"tii,omitempty"`
	OriginalRRN      string            `url:"originalPaymentNetRefNum,omitempty"`
	OriginalDate     Millis            `url:"originalPaymentDate,omitempty"`
	ThreeDSSDK       bool              `url:"threeDSSDK,omitempty"`
	ServerTransID    string            `url:"threeDSServerTransId,omitempty"` // second step without Continue3DS
	FinishURL        string            `url:"threeDSVer2FinishUrl,omitempty"`
	NotificationURL  string            `url:"threeDSMethodNotificationUrl,omitempty"`
	ACSInFrame       bool              `url:"acsInIFrame,omitempty"`
	Browser          Params            `url:"clientBrowserInfo,omitempty"`
	SBPToken         string            `url:"sbpSubscriptionToken,omitempty"`
	SBPMember        string            `url:"sbpMemberId,omitempty"`
	Billing          *BillingPayer     `url:"billingPayerData,omitempty"`
	Shipping         *ShippingPayer    `url:"shippingPayerData,omitempty"`
	PreOrder         *PreOrderPayer    `url:"preOrderPayerData,omitempty"`
	OrderPayer       *OrderPayer       `url:"orderPayerData,omitempty"`
	AddressesSame    string            `url:"billingAndShippingAddressMatchIndicator,omitempty"`
	Extra            map[string]string `url:"-"` // fields that are not above
}

// Millis is a moment written as Unix milliseconds.
type Millis struct{ time.Time }

// EncodeValues implements query.Encoder.
func (t Millis) EncodeValues(key string, v *url.Values) error {
	if !t.IsZero() {
		v.Set(key, rbs.Num(t.UnixMilli()).String())
	}
	return nil
}

// String hides the card.
func (p CardPayment) String() string {
	return "alfabank.CardPayment{OrderID:" + p.OrderID + " PAN:" + rbs.MaskPAN(p.PAN) + "}"
}

// GoString is String, for %#v.
func (p CardPayment) GoString() string { return p.String() }

// PaymentOrder pays a registered order by card data. Success of the call is no
// payment: take PaymentAnswer.Next, and read the order's status afterwards.
func (c *Client) PaymentOrder(ctx context.Context, p CardPayment) (*PaymentAnswer, error) {
	p.Language = orRussian(p.Language)
	if p.Holder == "" && p.SBPToken == "" {
		return nil, acquiring.InOp(provider, epPaymentOrder.op, acquiring.Invalid("Holder", "is empty; the bank demands the holder's name"))
	}
	var out PaymentAnswer
	if err := c.send(ctx, epPaymentOrder, p, p.Extra, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

func (c *Client) pay(ctx context.Context, e endpoint, request any) (*PaymentAnswer, error) {
	var out PaymentAnswer
	if err := c.call(ctx, e, request, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// Continue3DS goes on after the 3-D Secure method frame (3ds/continue.do): a
// Redirect, or the challenge.
func (c *Client) Continue3DS(ctx context.Context, orderID string) (*PaymentAnswer, error) {
	return c.pay(ctx, epContinue3DS, struct {
		OrderID string `url:"mdOrder"`
	}{orderID})
}

// Finish3DS goes on after the issuer's page of 3-D Secure 1
// (finish3dsPayment.do). The address finish3ds.do, which TermURL may name, is
// for the browser: the bank itself takes the issuer's answer there.
func (c *Client) Finish3DS(ctx context.Context, orderID, paRes string) (*PaymentAnswer, error) {
	return c.pay(ctx, epFinish3DS, struct {
		OrderID string `url:"mdOrder"`
		PaRes   string `url:"paRes"`
	}{orderID, paRes})
}

// Finish3DSVer2 goes on after the challenge of 3-D Secure 2
// (finish3dsVer2Payment.do); orderID is optional.
func (c *Client) Finish3DSVer2(ctx context.Context, serverTransID, orderID string) (*PaymentAnswer, error) {
	return c.pay(ctx, epFinish3DS2, struct {
		TransID string `url:"threeDSServerTransId"`
		OrderID string `url:"threeDSVer2MdOrder,omitempty"`
	}{serverTransID, orderID})
}

// InstantRequest registers an order and pays it in one call
// (instantPayment.do): by card data (PCI DSS), a token, a binding, or as an
// SBP cash link (SBPTemplateID). The fields of the registration count too;
// ReturnURL is sent as backUrl besides, as the bank's table demands.
type InstantRequest struct {
	RegisterRequest
	PAN              string    `url:"pan,omitempty"`
	CVC              string    `url:"cvc,omitempty"`
	Expiry           string    `url:"expiry,omitempty"` // YYYYMM
	CardHolder       string    `url:"cardHolderName,omitempty"`
	SEToken          string    `url:"seToken,omitempty"`
	BackURL          string    `url:"backUrl"`
	PreAuth          bool      `url:"preAuth,omitempty"`
	BindingNotNeeded bool      `url:"bindingNotNeeded,omitempty"`
	Initiator        Initiator `url:"tii,omitempty"`
	OriginalRRN      string    `url:"originalPaymentNetRefNum,omitempty"`
	OriginalDate     Millis    `url:"originalPaymentDate,omitempty"`
	Exemption        string    `url:"externalScaExemptionIndicator,omitempty"` // LVP, TRA
	SBPTemplateID    string    `url:"sbpTemplateId,omitempty"`
}

// String hides the card.
func (r InstantRequest) String() string {
	return "alfabank.InstantRequest{OrderNumber:" + r.OrderNumber + " PAN:" + rbs.MaskPAN(r.PAN) + "}"
}

// GoString is String, for %#v.
func (r InstantRequest) GoString() string { return r.String() }

// InstantAnswer is the answer of instantPayment.do.
type InstantAnswer struct {
	PaymentAnswer
	OrderID rbs.Text      `json:"orderId"`
	Order   *rbs.OldOrder `json:"orderStatus"`
}

// InstantResult is what became of an instant payment.
type InstantResult uint8

// The results, by the table of the document's section on instantPayment.do.
const (
	InstantRejected  InstantResult = iota // nothing was taken
	InstantPaid                           // taken, or held with PreAuth
	InstantChallenge                      // 3-D Secure: go on as PaymentAnswer.Next says
)

// Result reads the table: status 1 or 2 without an ACS address is paid; 0, or
// none, with a next step (PaymentAnswer.Next) is 3-D Secure; everything else is
// rejected.
func (a *InstantAnswer) Result() InstantResult {
	state := rbs.Int{}
	if a.Order != nil {
		state = a.Order.OrderStatus
	}
	switch {
	case state.Known && (state.Value == rbs.StateHeld || state.Value == rbs.StateDeposited) && a.ACSURL == "":
		return InstantPaid
	case (!state.Known || state.Value == rbs.StateRegistered) && a.Next() != rbs.StepDone:
		return InstantChallenge
	}
	return InstantRejected
}

// InstantPayment registers and pays (instantPayment.do). Success of the call is no
// payment: take InstantAnswer.Result. It is not idempotent but for the order's
// number: a used one gives ErrDuplicate.
func (c *Client) InstantPayment(ctx context.Context, r InstantRequest) (*InstantAnswer, error) {
	if err := c.complete(&r.RegisterRequest); err != nil {
		return nil, acquiring.InOp(provider, epInstant.op, err)
	}
	if r.BackURL == "" {
		r.BackURL = r.ReturnURL
	}
	var out InstantAnswer
	if err := c.send(ctx, epInstant, r, r.Extra, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// VerifyCardRequest checks a card (verifyCard.do): the order ends reversed.
type VerifyCardRequest struct {
	Amount    money.Amount      `url:"amount"` // kopecks; always sent, 0 too
	PAN       string            `url:"pan"`
	CVC       string            `url:"cvc,omitempty"`
	Expiry    string            `url:"expiry"` // YYYYMM
	Holder    string            `url:"cardholderName,omitempty"`
	BackURL   string            `url:"backUrl,omitempty"`
	ReturnURL string            `url:"returnUrl,omitempty"`
	FailURL   string            `url:"failUrl,omitempty"`
	Language  string            `url:"language,omitempty"`
	Extra     map[string]string `url:"-"` // 3-D Secure and other fields
}

// String hides the card.
func (r VerifyCardRequest) String() string {
	return "alfabank.VerifyCardRequest{PAN:" + rbs.MaskPAN(r.PAN) + "}"
}

// GoString is String, for %#v.
func (r VerifyCardRequest) GoString() string { return r.String() }

// VerifiedCard is the answer of verifyCard.do.
type VerifiedCard struct {
	PaymentAnswer
	OrderID     rbs.Text `json:"orderId"`
	OrderNumber rbs.Text `json:"orderNumber"`
	RRN         rbs.Text `json:"rrn"`
	AuthCode    rbs.Text `json:"authCode"`
	ActionCode  rbs.Int  `json:"actionCode"`
	Time        rbs.Time `json:"time"`
	ECI         rbs.Text `json:"eci"`
	Amount      rbs.Int  `json:"amount"`
	Currency    rbs.Text `json:"currency"`
}

// Approved says whether the issuer approved the card; a customer who still has to
// pass 3-D Secure is not approved yet.
func (v *VerifiedCard) Approved() bool {
	_, declined := v.Declined()
	return !declined && v.ActionCode.Known && v.ActionCode.Value == rbs.ActionApproved
}

// VerifyCard checks a card without taking money (verifyCard.do; PCI DSS). Success
// of the call says nothing of the card: take VerifiedCard.Approved.
func (c *Client) VerifyCard(ctx context.Context, r VerifyCardRequest) (*VerifiedCard, error) {
	if err := rbs.CheckPAN("PAN", r.PAN); err != nil {
		return nil, acquiring.InOp(provider, epVerifyCard.op, err)
	}
	var out VerifiedCard
	if err := c.send(ctx, epVerifyCard, r, r.Extra, &out); err != nil {
		return nil, err
	}
	return &out, nil
}
