package sberbank

import (
	"context"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// Answers of the methods that pay.
type (
	PaymentAnswer = rbs.Payment      // paymentOrder.do, paymentOrderBinding.do, finish3ds…
	PaidDirectly  = rbs.PaidDirectly // recurrentPayment.do, mir/paymentDirect.do, wallets
)

var (
	epPaymentOrder   = endpoint{op: "paymentOrder.do", json: "paymentOrder.do", legacy: "paymentorder.do", key: true}
	epBindingPayment = endpoint{op: "paymentOrderBinding.do", json: "paymentOrderBinding.do", legacy: "paymentOrderBinding.do", key: true}
	epSberPay        = endpoint{op: "paymentSberPay.do", json: "paymentSberPay.do", key: true}
	epBySubscription = endpoint{op: "paymentOrderBySubscription", json: "paymentOrderBySubscription", key: true}
	epRecurrent      = endpoint{op: "recurrentPayment.do", json: "recurrentPayment.do", legacy: "/recurrentPayment.do", key: true, asJSON: true}
	epMirPay         = endpoint{op: "mir/paymentDirect.do", json: "mir/paymentDirect.do", key: true}
	epFinishMethod   = endpoint{op: "finish3dsMethod.do", json: "finish3dsMethod.do", key: true}
	epFinishPayment  = endpoint{op: "finish3dsPayment.do", json: "finish3dsPayment.do", key: true}
)

// CardPayment pays a registered order with the card's own data
// (paymentOrder.do). It is for merchants certified by PCI DSS; the new gateway
// wants exactly these names of keys.
type CardPayment struct {
	OrderID                      string `json:"MDORDER" url:"MDORDER"`               // the bank's number
	PAN                          string `json:"$PAN" url:"$PAN"`                     // 13..19 digits
	CVC                          string `json:"$CVC,omitempty" url:"$CVC,omitempty"` // 3 digits
	Year                         string `json:"YYYY" url:"YYYY"`                     // of expiry, four digits
	Month                        string `json:"MM" url:"MM"`                         // two digits
	Holder                       string `json:"TEXT,omitempty" url:"TEXT,omitempty"`
	Language                     string `json:"language,omitempty" url:"language,omitempty"`
	IP                           string `json:"ip,omitempty" url:"ip,omitempty"`
	Email                        string `json:"email,omitempty" url:"email,omitempty"`
	BindingNotNeeded             bool   `json:"bindingNotNeeded,omitempty" url:"bindingNotNeeded,omitempty"`
	ThreeDSMethodNotificationURL string `json:"threeDSMethodNotificationUrl,omitempty" url:"threeDSMethodNotificationUrl,omitempty"`
	TermURL                      string `json:"termUrl,omitempty" url:"termUrl,omitempty"`
	// JSONParams: dataEntryMode, browser…, 3-D Secure results, SDK fields.
	JSONParams Params `json:"jsonParams,omitempty" url:"jsonParams,omitempty"`
}

// String hides the card.
func (p CardPayment) String() string {
	return "sberbank.CardPayment{OrderID:" + p.OrderID + " PAN:" + rbs.MaskPAN(p.PAN) + "}"
}

// GoString is String, for %#v.
func (p CardPayment) GoString() string { return p.String() }

// PaymentOrder pays a registered order by card data. Success of the call is no
// payment: take PaymentAnswer.Next, and read the order's status afterwards. The
// bank takes three attempts for an order, then ErrDeclined.
func (c *Client) PaymentOrder(ctx context.Context, p CardPayment) (*PaymentAnswer, error) {
	p.Language = orRussian(p.Language)
	return c.pay(ctx, epPaymentOrder, p)
}

func (c *Client) pay(ctx context.Context, e endpoint, request any) (*PaymentAnswer, error) {
	var out PaymentAnswer
	if err := c.call(ctx, e, request, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// Finish3DSMethod goes on after the 3-D Secure method frame
// (finish3dsMethod.do; new gateway). completed: the frame told of its end within
// 10 s.
func (c *Client) Finish3DSMethod(ctx context.Context, orderID, serverTransID string, completed bool) (*PaymentAnswer, error) {
	indicator := "N"
	if completed {
		indicator = "Y"
	}
	return c.pay(ctx, epFinishMethod, struct {
		OrderID   string `json:"mdOrder"`
		TransID   string `json:"threeDSServerTransId"`
		Indicator string `json:"threeDSCompInd"`
	}{orderID, serverTransID, indicator})
}

// Finish3DSPayment goes on after the issuer's challenge
// (finish3dsPayment.do; new gateway). Give cRes of 3-D Secure 2, or paRes of 3-D
// Secure 1.
func (c *Client) Finish3DSPayment(ctx context.Context, orderID, cRes, paRes string) (*PaymentAnswer, error) {
	if (cRes == "") == (paRes == "") {
		return nil, acquiring.InOp(provider, epFinishPayment.op, acquiring.Invalid("cRes", "and paRes: give exactly one of them"))
	}
	return c.pay(ctx, epFinishPayment, struct {
		OrderID string `json:"mdOrder"`
		CRes    string `json:"cRes,omitempty"`
		PaRes   string `json:"paRes,omitempty"`
	}{orderID, cRes, paRes})
}

// SberPayPush asks the customer to pay a registered order by a push message of
// SberPay (paymentSberPay.do; new gateway). The phone is 7XXXXXXXXXX, 7 to 11
// digits. The bank may withdraw the method: it is not in the list of 2026.
func (c *Client) SberPayPush(ctx context.Context, orderID, phone string) (*Answer, error) {
	if len(phone) < 7 || len(phone) > 11 || !rbs.Digits(phone) {
		return nil, acquiring.InOp(provider, epSberPay.op, acquiring.Invalid("phone", "is not 7 to 11 digits: 79161234567"))
	}
	var out Answer
	if err := c.call(ctx, epSberPay, struct {
		OrderID       string `json:"orderId"`
		Phone         string `json:"phone"`
		MerchantLogin string `json:"merchantLogin,omitempty"`
	}{orderID, phone, c.conf.MerchantLogin}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// PayBySubscription charges a registered order to an SBP subscription
// (paymentOrderBySubscription; new gateway): subscriptionId and memberId of the
// order it was made with. The result comes later: read the status.
func (c *Client) PayBySubscription(ctx context.Context, orderID, subscriptionID, memberID string) (*Answer, error) {
	var out Answer
	if err := c.call(ctx, epBySubscription, struct {
		OrderID        string `json:"orderId"`
		SubscriptionID string `json:"subscriptionId"`
		MemberID       string `json:"memberId"`
	}{orderID, subscriptionID, memberID}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// BindingPayment pays a registered order by a saved card
// (paymentOrderBinding.do).
type BindingPayment struct {
	OrderID                      string `json:"mdOrder" url:"mdOrder"`
	BindingID                    string `json:"bindingId" url:"bindingId"`
	IP                           string `json:"ip" url:"ip"` // of the customer; both gateways demand it
	CVC                          string `json:"cvc,omitempty" url:"cvc,omitempty"`
	Language                     string `json:"language,omitempty" url:"language,omitempty"`
	Email                        string `json:"email,omitempty" url:"email,omitempty"`
	JSONParams                   Params `json:"jsonParams,omitempty" url:"-"` // 3-D Secure groups, sbrf_spasibo:amount_bonus
	ThreeDSMethodNotificationURL string `json:"threeDSMethodNotificationUrl,omitempty" url:"-"`
	TermURL                      string `json:"termUrl,omitempty" url:"-"`
}

// String hides the CVC.
func (p BindingPayment) String() string {
	return "sberbank.BindingPayment{OrderID:" + p.OrderID + " BindingID:" + p.BindingID + "}"
}

// GoString is String, for %#v.
func (p BindingPayment) GoString() string { return p.String() }

// PaymentOrderBinding pays by a saved card. Success of the call is no payment:
// look at Declined, and read the order's status afterwards.
func (c *Client) PaymentOrderBinding(ctx context.Context, p BindingPayment) (*PaymentAnswer, error) {
	p.Language = orRussian(p.Language)
	return c.pay(ctx, epBindingPayment, p)
}

// RecurrentRequest registers an order and pays it by a saved card in one call
// (recurrentPayment.do).
type RecurrentRequest struct {
	OrderNumber          string       `json:"orderNumber" url:"orderNumber"`
	BindingID            string       `json:"bindingId" url:"bindingId"`
	Amount               money.Amount `json:"amount" url:"amount"`                         // kopecks
	Currency             string       `json:"currency,omitempty" url:"currency,omitempty"` // "643"
	Description          string       `json:"description,omitempty" url:"description,omitempty"`
	Language             string       `json:"language,omitempty" url:"language,omitempty"`
	AdditionalParameters Params       `json:"additionalParameters,omitempty" url:"additionalParameters,omitempty"`
	OrderBundle          *OrderBundle `json:"orderBundle,omitempty" url:"-"` // new

	IdempotencyKey string `json:"-" url:"-"`
}

// RecurrentPayment registers and charges (recurrentPayment.do; /payment/… at the
// legacy gateway). Its success says that the bank carried the call out;
// PaidDirectly.Order says what became of the payment. A number that is used
// already gives ErrDuplicate.
func (c *Client) RecurrentPayment(ctx context.Context, r RecurrentRequest) (*PaidDirectly, error) {
	r.Language = orRussian(r.Language)
	var out PaidDirectly
	if err := c.send(ctx, epRecurrent, r, nil, r.IdempotencyKey, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// MirPayRequest pays by a Mir Pay token that the merchant decrypted himself
// (mir/paymentDirect.do).
type MirPayRequest struct {
	OrderNumber          string       `json:"orderNumber" url:"orderNumber"`
	Amount               money.Amount `json:"amount" url:"amount"`             // kopecks
	PaymentToken         string       `json:"paymentToken" url:"paymentToken"` // base64
	CurrencyCode         string       `json:"currencyCode,omitempty" url:"currencyCode,omitempty"`
	Description          string       `json:"description,omitempty" url:"description,omitempty"`
	Language             string       `json:"language,omitempty" url:"language,omitempty"`
	PreAuth              bool         `json:"preAuth,omitempty" url:"preAuth,omitempty"`
	AdditionalParameters Params       `json:"additionalParameters,omitempty" url:"additionalParameters,omitempty"`
	ClientID             string       `json:"clientId,omitempty" url:"clientId,omitempty"`
	Merchant             string       `json:"merchant,omitempty" url:"merchant,omitempty"` // login of the child merchant
	Features             string       `json:"features,omitempty" url:"features,omitempty"` // VERIFY only
	OrderBundle          *OrderBundle `json:"orderBundle,omitempty" url:"-"`
	Phone                string       `json:"phone,omitempty" url:"phone,omitempty"`
	Email                string       `json:"email,omitempty" url:"email,omitempty"`
}

// String hides the token.
func (r MirPayRequest) String() string {
	return "sberbank.MirPayRequest{OrderNumber:" + r.OrderNumber + "}"
}

// GoString is String, for %#v.
func (r MirPayRequest) GoString() string { return r.String() }

// MirPay registers an order and pays it with Mir Pay (mir/paymentDirect.do; new
// gateway). PaidDirectly.Order says what became of the payment.
func (c *Client) MirPay(ctx context.Context, r MirPayRequest) (*PaidDirectly, error) {
	r.Language = orRussian(r.Language)
	var out PaidDirectly
	if err := c.call(ctx, epMirPay, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}
