package alfabank

import (
	"context"
	"errors"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

var (
	epBindingPayment = endpoint{op: "paymentOrderBinding.do"}
	epBindings       = endpoint{op: "getBindings.do", read: true}
	epBindingsBy     = endpoint{op: "getBindingsByCardOrId.do", read: true}
	epUnbind         = endpoint{op: "unBindCard.do"}
	epBind           = endpoint{op: "bindCard.do"}
	epExtend         = endpoint{op: "extendBinding.do"}
	epCreateBinding  = endpoint{op: "createBindingNoPayment.do"}
	epRecurrent      = endpoint{op: "recurrentPayment.do"}
)

// Binding is a saved card or account (связка).
type Binding struct {
	rbs.Binding
	Label    rbs.Text `json:"displayLabel"`    // XXXXXXXXXXXX5599
	Category rbs.Text `json:"bindingCategory"` // COMMON, INSTALLMENT, RECURRENT
}

// BindingPayment pays a registered order by a saved card
// (paymentOrderBinding.do).
type BindingPayment struct {
	OrderID   string `url:"mdOrder"`
	BindingID string `url:"bindingId"`
	// Initiator is InitiatorCustomer or InitiatorMerchant (a charge without
	// the customer). It is always sent: "" becomes InitiatorMerchant.
	Initiator  Initiator         `url:"tii"`
	CVC        string            `url:"cvc,omitempty"`
	IP         string            `url:"ip,omitempty"`
	Email      string            `url:"email,omitempty"`
	Language   string            `url:"language,omitempty"`
	SEToken    string            `url:"seToken,omitempty"`
	Exemption  string            `url:"externalScaExemptionIndicator,omitempty"` // LVP, TRA
	ThreeDSSDK bool              `url:"threeDSSDK,omitempty"`
	Protocol   string            `url:"threeDSProtocolVersion,omitempty"`
	Extra      map[string]string `url:"-"` // fields that are not above
}

// String hides the CVC.
func (p BindingPayment) String() string {
	return "alfabank.BindingPayment{OrderID:" + p.OrderID + " BindingID:" + p.BindingID + "}"
}

// GoString is String, for %#v.
func (p BindingPayment) GoString() string { return p.String() }

// PaymentOrderBinding pays by a saved card or account. Success of the call is
// no payment: look at Declined, and read the order's status afterwards.
func (c *Client) PaymentOrderBinding(ctx context.Context, p BindingPayment) (*PaymentAnswer, error) {
	if p.Initiator == "" {
		p.Initiator = InitiatorMerchant
	}
	p.Language = orRussian(p.Language)
	var out PaymentAnswer
	if err := c.send(ctx, epBindingPayment, p, p.Extra, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// BindingsRequest lists the cards of a customer (getBindings.do).
type BindingsRequest struct {
	ClientID      string `url:"clientId"`
	BindingID     string `url:"bindingId,omitempty"`
	Type          string `url:"bindingType,omitempty"` // C common, R recurrent, I instalment; "": all
	ShowExpired   bool   `url:"showExpired,omitempty"`
	MerchantLogin string `url:"merchantLogin,omitempty"`
}

type bindings struct {
	rbs.Head
	Bindings rbs.List[Binding] `json:"bindings"`
}

// GetBindings lists the saved cards of a customer. None is an empty list: code
// 2 is no error here.
func (c *Client) GetBindings(ctx context.Context, r BindingsRequest) ([]Binding, error) {
	if r.ClientID == "" {
		return nil, acquiring.InOp(provider, epBindings.op, acquiring.Invalid("ClientID", "is empty; give the shop's number of the customer"))
	}
	if r.MerchantLogin == "" {
		r.MerchantLogin = c.conf.MerchantLogin
	}
	return c.bindings(ctx, epBindings, r)
}

// BindingsByRequest looks saved cards up (getBindingsByCardOrId.do). Give one
// of PAN and BindingID.
type BindingsByRequest struct {
	PAN         string `url:"pan,omitempty"`
	BindingID   string `url:"bindingId,omitempty"`
	ShowExpired bool   `url:"showExpired,omitempty"`
}

// String hides the card.
func (r BindingsByRequest) String() string {
	return "alfabank.BindingsByRequest{PAN:" + rbs.MaskPAN(r.PAN) + " BindingID:" + r.BindingID + "}"
}

// GoString is String, for %#v.
func (r BindingsByRequest) GoString() string { return r.String() }

// GetBindingsByCardOrID looks saved cards up by a card or by a binding's
// number. None is an empty list.
func (c *Client) GetBindingsByCardOrID(ctx context.Context, r BindingsByRequest) ([]Binding, error) {
	if err := rbs.OneOf("PAN", "BindingID", r.PAN, r.BindingID); err != nil {
		return nil, acquiring.InOp(provider, epBindingsBy.op, err)
	}
	return c.bindings(ctx, epBindingsBy, r)
}

func (c *Client) bindings(ctx context.Context, e endpoint, request any) ([]Binding, error) {
	var out bindings
	err := c.call(ctx, e, request, &out)
	var refusal *acquiring.Error
	if errors.As(err, &refusal) && refusal.Code == CodeNotActive {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return out.Bindings, nil
}

type bindingRequest struct {
	BindingID string `url:"bindingId"`
	Expiry    string `url:"newExpiry,omitempty"`
	Language  string `url:"language"`
}

// BindCard makes a deactivated binding usable again (bindCard.do). One that is
// active gives ErrConflict, one that the bank does not know ErrNotFound.
func (c *Client) BindCard(ctx context.Context, bindingID string) (*Answer, error) {
	return c.plain(ctx, epBind, bindingRequest{BindingID: bindingID, Language: "ru"})
}

// UnbindCard deactivates a binding (unBindCard.do). One that is not active
// gives ErrConflict, one that the bank does not know ErrNotFound.
func (c *Client) UnbindCard(ctx context.Context, bindingID string) (*Answer, error) {
	return c.plain(ctx, epUnbind, bindingRequest{BindingID: bindingID, Language: "ru"})
}

// ExtendBinding gives a binding another expiry, YYYYMM (extendBinding.do).
func (c *Client) ExtendBinding(ctx context.Context, bindingID, newExpiry string) (*Answer, error) {
	if len(newExpiry) != 6 || !rbs.Digits(newExpiry) {
		return nil, acquiring.InOp(provider, epExtend.op, acquiring.Invalid("newExpiry", "is not YYYYMM"))
	}
	return c.plain(ctx, epExtend, bindingRequest{bindingID, newExpiry, "ru"})
}

// NewBinding saves a card without a payment.
type NewBinding struct {
	ClientID      string `url:"clientId"`
	PAN           string `url:"pan"`
	Expiry        string `url:"expiryDate"` // YYYYMM
	Holder        string `url:"cardholderName"`
	Email         string `url:"email,omitempty"`
	Phone         string `url:"phone,omitempty"`
	MerchantLogin string `url:"merchantLogin,omitempty"`
	Params        Params `url:"additionalParameters,omitempty"`
}

// String hides the card.
func (b NewBinding) String() string {
	return "alfabank.NewBinding{PAN:" + rbs.MaskPAN(b.PAN) + " ClientID:" + b.ClientID + "}"
}

// GoString is String, for %#v.
func (b NewBinding) GoString() string { return b.String() }

// CreatedBinding is the answer of createBindingNoPayment.do.
type CreatedBinding struct {
	rbs.Head
	Binding
	Holder rbs.Text `json:"cardholderName"`
}

// Refused says whether it failed: it succeeded when error is false and a binding came.
func (b *CreatedBinding) Refused() (code, message string, refused bool) {
	if code, message, refused = b.Head.Refused(); refused {
		return code, message, true
	}
	switch {
	case b.Err.Flag:
		return "error=true", b.Words(), true
	case b.ID == "":
		return "", "the answer has no bindingId", true
	}
	return "", "", false
}

// CreateBindingNoPayment saves a card without a payment
// (createBindingNoPayment.do; PCI DSS). A PAN that is no card number is
// ErrInvalid.
func (c *Client) CreateBindingNoPayment(ctx context.Context, b NewBinding) (*CreatedBinding, error) {
	if err := rbs.CheckPAN("PAN", b.PAN); err != nil {
		return nil, acquiring.InOp(provider, epCreateBinding.op, err)
	}
	if b.MerchantLogin == "" {
		b.MerchantLogin = c.conf.MerchantLogin
	}
	var out CreatedBinding
	if err := c.call(ctx, epCreateBinding, b, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RecurrentRequest registers an order and pays it by a saved card in one call
// (recurrentPayment.do). Its body is not published by this bank: these are the
// fields that the family has.
type RecurrentRequest struct {
	OrderNumber string       `json:"orderNumber"`
	BindingID   string       `json:"bindingId"`
	Amount      money.Amount `json:"amount"` // kopecks
	Currency    string       `json:"currency,omitempty"`
	Description string       `json:"description,omitempty"`
	Language    string       `json:"language,omitempty"`
	Params      Params       `json:"additionalParameters,omitempty"`
}

// PaidDirectly is the answer of the methods that register and pay by JSON.
type PaidDirectly = rbs.PaidDirectly

// RecurrentPayment is the older way of Charge (recurrentPayment.do, JSON,
// outside /rest, known from one SDK only): prefer Charge.
func (c *Client) RecurrentPayment(ctx context.Context, r RecurrentRequest) (*PaidDirectly, error) {
	r.Language = orRussian(r.Language)
	var out PaidDirectly
	if err := c.sendJSON(ctx, epRecurrent, c.outside("recurrentPayment.do"), false, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}
