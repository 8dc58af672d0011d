package sberbank

import (
	"context"
	"errors"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
)

// Binding is a saved card (связка).
type Binding = rbs.Binding

var (
	epBindings      = endpoint{op: "getBindings.do", json: "getBindings.do", legacy: "getBindings.do", read: true}
	epBindingsBy    = endpoint{op: "getBindingsByCardOrId.do", json: "getBindingsByCardOrId.do", legacy: "getBindingsByCardOrId.do", read: true}
	epBind          = both("bindCard.do")
	epUnbind        = endpoint{op: "unbindCard.do", json: "unbindCard.do", legacy: "unBindCard.do"}
	epExtend        = endpoint{op: "extendBinding.do", legacy: "extendBinding.do"}
	epCreateBinding = endpoint{op: "createBindingNoPayment.do", legacy: "createBindingNoPayment.do"}
)

// BindingsRequest lists the cards of a customer (getBindings.do).
type BindingsRequest struct {
	ClientID     string `json:"clientId" url:"clientId"` // Customer.ID of the invoice that saved the card
	ShowExpired  bool   `json:"showExpired,omitempty" url:"showExpired,omitempty"`
	ShowInactive bool   `json:"showInactive,omitempty" url:"-"` // new
	BindingType  string `json:"-" url:"bindingType,omitempty"`  // legacy
	Language     string `json:"language,omitempty" url:"-"`     // new
}

// GetBindings lists the saved cards of a customer, at most 100. None is an
// empty list: the legacy gateway's code 2 is no error.
func (c *Client) GetBindings(ctx context.Context, r BindingsRequest) ([]Binding, error) {
	r.Language = orRussian(r.Language)
	return c.bindings(ctx, epBindings, r)
}

// BindingsByRequest looks saved cards up (getBindingsByCardOrId.do). Give one
// of PAN, which needs a permission, and BindingID.
type BindingsByRequest struct {
	PAN          string `json:"pan,omitempty" url:"pan,omitempty"`
	BindingID    string `json:"bindingId,omitempty" url:"bindingId,omitempty"`
	ShowExpired  bool   `json:"showExpired,omitempty" url:"showExpired,omitempty"`
	ShowInactive bool   `json:"showInactive,omitempty" url:"-"` // new
	Language     string `json:"language,omitempty" url:"-"`     // new
}

// String hides the card.
func (r BindingsByRequest) String() string {
	return "sberbank.BindingsByRequest{PAN:" + rbs.MaskPAN(r.PAN) + " BindingID:" + r.BindingID + "}"
}

// GoString is String, for %#v.
func (r BindingsByRequest) GoString() string { return r.String() }

// GetBindingsByCardOrID looks saved cards up by a card or by a binding's
// number. None is an empty list.
func (c *Client) GetBindingsByCardOrID(ctx context.Context, r BindingsByRequest) ([]Binding, error) {
	if (r.PAN == "") == (r.BindingID == "") {
		return nil, acquiring.InOp(provider, epBindingsBy.op, acquiring.Invalid("PAN", "and BindingID: give exactly one of them"))
	}
	r.Language = orRussian(r.Language)
	return c.bindings(ctx, epBindingsBy, r)
}

func (c *Client) bindings(ctx context.Context, e endpoint, request any) ([]Binding, error) {
	var out rbs.Bindings
	err := c.call(ctx, e, request, &out)
	var refusal *acquiring.Error
	if errors.As(err, &refusal) && refusal.Code == "2" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return out.Bindings, nil
}

type bindingRequest struct {
	BindingID string `json:"bindingId" url:"bindingId"`
	Language  string `json:"language,omitempty" url:"-"`
}

// BindCard makes a deactivated binding usable again (bindCard.do). One that is
// active gives ErrConflict, one that the bank does not know ErrNotFound.
func (c *Client) BindCard(ctx context.Context, bindingID string) (*Answer, error) {
	var out Answer
	if err := c.call(ctx, epBind, bindingRequest{bindingID, "ru"}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// UnbindCard deactivates a binding (unbindCard.do; unBindCard.do at the legacy
// gateway). One that is not active gives ErrConflict, one that the bank does not
// know ErrNotFound.
func (c *Client) UnbindCard(ctx context.Context, bindingID string) (*Answer, error) {
	var out Answer
	if err := c.call(ctx, epUnbind, bindingRequest{bindingID, "ru"}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// ExtendBinding gives a binding another expiry, YYYYMM (extendBinding.do;
// legacy gateway).
func (c *Client) ExtendBinding(ctx context.Context, bindingID, newExpiry string) (*Answer, error) {
	if len(newExpiry) != 6 || !rbs.Digits(newExpiry) {
		return nil, acquiring.InOp(provider, epExtend.op, acquiring.Invalid("newExpiry", "is not YYYYMM"))
	}
	var out Answer
	if err := c.call(ctx, epExtend, struct {
		BindingID string `url:"bindingId"`
		Expiry    string `url:"newExpiry"`
	}{bindingID, newExpiry}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// NewBinding saves a card without a payment.
type NewBinding struct {
	PAN      string `url:"pan"`
	Expiry   string `url:"expiry"` // YYYYMM
	ClientID string `url:"clientId"`
	Holder   string `url:"cardholderName,omitempty"`
}

// String hides the card.
func (b NewBinding) String() string {
	return "sberbank.NewBinding{PAN:" + rbs.MaskPAN(b.PAN) + " ClientID:" + b.ClientID + "}"
}

// GoString is String, for %#v.
func (b NewBinding) GoString() string { return b.String() }

// CreatedBinding is the answer of createBindingNoPayment.do.
type CreatedBinding struct {
	rbs.Head
	Binding
}

// CreateBindingNoPayment saves a card without a payment
// (createBindingNoPayment.do; legacy gateway, by the vendor's documentation). It
// is for merchants certified by PCI DSS.
func (c *Client) CreateBindingNoPayment(ctx context.Context, b NewBinding) (*CreatedBinding, error) {
	var out CreatedBinding
	if err := c.call(ctx, epCreateBinding, b, &out); err != nil {
		return nil, err
	}
	return &out, nil
}
