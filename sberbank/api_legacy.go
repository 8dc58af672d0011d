package sberbank

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// The methods that only the legacy gateway has. At the new one each answers
// ErrUnsupported and sends nothing. getAllBindings.do and addParams.do are
// left out: their bodies are not published.
var (
	epLastOrders        = endpoint{op: "getLastOrdersForMerchants.do", legacy: "getLastOrdersForMerchants.do", read: true, must: "merchants"}
	epVerifyEnrollment  = endpoint{op: "verifyEnrollment.do", legacy: "verifyEnrollment.do", read: true}
	epUpdateSSLCardList = endpoint{op: "updateSSLCardList.do", legacy: "updateSSLCardList.do"}
	epInstantRefund     = endpoint{op: "instantRefund.do", legacy: "instantRefund.do"}
	epRawSumRefund      = endpoint{op: "processRawSumRefund.do", legacy: "processRawSumRefund.do"}
	epRawPosition       = endpoint{op: "processRawPositionRefund.do", legacy: "processRawPositionRefund.do"}
	epSBPQR             = endpoint{op: "sbp/c2b/qr/dynamic/get.do", legacy: "sbp/c2b/qr/dynamic/get.do"}
	epSBPQRStatus       = endpoint{op: "sbp/c2b/qr/status.do", legacy: "sbp/c2b/qr/status.do", read: true}
	epCredit            = endpoint{op: "sbercredit/register.do", legacy: "//sbercredit/register.do", token: true}
	epCreditPreAuth     = endpoint{op: "sbercredit/registerPreAuth.do", legacy: "//sbercredit/registerPreAuth.do", token: true}
)

func basicAuth(user, password string) http.Header {
	return http.Header{"Authorization": {"Basic " + rest.BasicPair(user, password)}}
}

// What the lists of orders are asked for and answered with.
type (
	OrdersQuery = rbs.OrdersQuery // period, statuses and page
	Orders      = rbs.Orders      // a page of orders
)

// GetLastOrders lists the merchant's orders, a page at a time
// (getLastOrdersForMerchants.do; legacy gateway). [LegacyClient.Payments] goes
// through the pages.
func (c *Client) GetLastOrders(ctx context.Context, q OrdersQuery) (*Orders, error) {
	form, err := q.Form()
	if err != nil {
		return nil, acquiring.InOp(provider, epLastOrders.op, err)
	}
	var out Orders
	if err := c.call(ctx, epLastOrders, form, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// Enrollment is the answer of verifyEnrollment.do.
type Enrollment = rbs.Enrollment

// VerifyEnrollment asks whether a card takes part in 3-D Secure
// (verifyEnrollment.do; legacy gateway). A number that is no card's is ErrInvalid.
func (c *Client) VerifyEnrollment(ctx context.Context, pan string) (*Enrollment, error) {
	if err := rbs.CheckPAN("pan", pan); err != nil {
		return nil, acquiring.InOp(provider, epVerifyEnrollment.op, err)
	}
	var out Enrollment
	if err := c.call(ctx, epVerifyEnrollment, struct {
		PAN string `url:"pan"`
	}{pan}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// UpdateSSLCardList lets the card of an order pay without 3-D Secure
// (updateSSLCardList.do; legacy gateway). One that is listed already gives
// ErrConflict.
func (c *Client) UpdateSSLCardList(ctx context.Context, orderID string) (*Answer, error) {
	var out Answer
	if err := c.call(ctx, epUpdateSSLCardList, struct {
		OrderID string `url:"mdorder"`
	}{orderID}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// InstantRefundRequest pays money out to a card without an order. Give one of
// BindingID, SEToken and the card.
type InstantRefundRequest struct {
	OrderNumber string       `url:"orderNumber"`
	Amount      money.Amount `url:"amount"`             // kopecks
	Currency    string       `url:"currency,omitempty"` // three digits; "": the merchant's
	BindingID   string       `url:"bindingId,omitempty"`
	SEToken     string       `url:"seToken,omitempty"`
	PAN         string       `url:"pan,omitempty"`
	CVC         string       `url:"cvc,omitempty"`
	Expiration  string       `url:"expiry,omitempty"` // YYYYMM
	Holder      string       `url:"cardholderName,omitempty"`
}

// String hides the card.
func (r InstantRefundRequest) String() string {
	return "sberbank.InstantRefundRequest{OrderNumber:" + r.OrderNumber + " Amount:" + r.Amount.String() + "}"
}

// GoString is String, for %#v.
func (r InstantRefundRequest) GoString() string { return r.String() }

// InstantRefunded is the answer of instantRefund.do.
type InstantRefunded struct {
	rbs.Head
	OrderID      rbs.Text `json:"orderId"`
	OrderStatus  rbs.Int  `json:"orderStatus"`
	ApprovalCode rbs.Text `json:"approvalCode"`
	RRN          rbs.Text `json:"rrn"`
}

// UnmarshalJSON reads orderStatus as the number that an SDK has, and as the
// object that the vendor's documentation has: the state of the order, with
// approvalCode and rrn inside.
func (r *InstantRefunded) UnmarshalJSON(b []byte) error {
	type plain InstantRefunded
	var in struct {
		plain
		OrderStatus json.RawMessage `json:"orderStatus"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*r = InstantRefunded(in.plain)
	state := bytes.TrimSpace(in.OrderStatus)
	if len(state) == 0 {
		return nil
	}
	if state[0] != '{' {
		return json.Unmarshal(state, &r.OrderStatus)
	}
	var inside struct {
		OrderStatus  rbs.Int  `json:"orderStatus"`
		ApprovalCode rbs.Text `json:"approvalCode"`
		RRN          rbs.Text `json:"rrn"`
	}
	if err := json.Unmarshal(state, &inside); err != nil {
		return err
	}
	r.OrderStatus = inside.OrderStatus
	if r.ApprovalCode == "" {
		r.ApprovalCode = inside.ApprovalCode
	}
	if r.RRN == "" {
		r.RRN = inside.RRN
	}
	return nil
}

// InstantRefund pays money out to a card without an order (instantRefund.do;
// legacy gateway, by the vendor's documentation). It is not idempotent: after an
// unknown outcome only the bank can tell what became of it.
func (c *Client) InstantRefund(ctx context.Context, r InstantRefundRequest) (*InstantRefunded, error) {
	var out InstantRefunded
	if err := c.call(ctx, epInstantRefund, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RawSumRefund gives a sum back apart from the cart (known from one SDK only).
// Name, ItemCode and TaxType are of the receipt's one line.
type RawSumRefund struct {
	OrderID             string       `url:"orderId"`
	Amount              money.Amount `url:"amount"` // kopecks
	Name                string       `url:"name,omitempty"`
	ItemCode            string       `url:"itemCode,omitempty"`
	TaxType             *int         `url:"taxType,omitempty"` // the gateway's code of the rate
	JSONParams          Params       `url:"jsonParams,omitempty"`
	AdditionalOFDParams Params       `url:"additionalOfdParams,omitempty"`
}

// ProcessRawSumRefund gives a sum back apart from the cart
// (processRawSumRefund.do; legacy gateway). Afterwards the order can be refunded
// in this way only. It is not idempotent: read the order before repeating.
func (c *Client) ProcessRawSumRefund(ctx context.Context, r RawSumRefund) (*Answer, error) {
	var out Answer
	if err := c.call(ctx, epRawSumRefund, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RawPositionRefund gives back one position of the cart (known from one SDK
// only).
type RawPositionRefund struct {
	OrderID             string       `url:"orderId"`
	Amount              money.Amount `url:"amount"`               // kopecks
	PositionID          string       `url:"positionId,omitempty"` // as in the order's cart
	AdditionalOFDParams Params       `url:"additionalOfdParams,omitempty"`
}

// ProcessRawPositionRefund gives back one position of the cart
// (processRawPositionRefund.do; legacy gateway). It is not idempotent: read the
// order before repeating.
func (c *Client) ProcessRawPositionRefund(ctx context.Context, r RawPositionRefund) (*Answer, error) {
	var out Answer
	if err := c.call(ctx, epRawPosition, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// SBPQRRequest asks for the SBP code of a registered order.
type SBPQRRequest struct {
	OrderID        string `url:"mdOrder"`
	Height         int    `url:"qrHeight,omitempty"` // of the picture, points
	Width          int    `url:"qrWidth,omitempty"`
	Format         string `url:"qrFormat,omitempty"` // matrix, image (PNG)
	PaymentPurpose string `url:"paymentPurpose,omitempty"`
	RedirectURL    string `url:"redirectUrl,omitempty"`
}

// SBPQR is a code of СБП at the legacy gateway.
type SBPQR = rbs.SBPCode

// GetSBPQR issues the SBP code of an order that is registered and not paid
// (sbp/c2b/qr/dynamic/get.do), at the legacy gateway; ErrUnsupported at the new
// one, where the code comes with the registration.
func (c *Client) GetSBPQR(ctx context.Context, r SBPQRRequest) (*SBPQR, error) {
	var out SBPQR
	if err := c.call(ctx, epSBPQR, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// GetSBPQRStatus reads the state of an SBP code (sbp/c2b/qr/status.do; legacy
// gateway).
func (c *Client) GetSBPQRStatus(ctx context.Context, orderID, qrID string) (*SBPQR, error) {
	var out SBPQR
	if err := c.call(ctx, epSBPQRStatus, struct {
		OrderID string `url:"mdOrder"`
		QRID    string `url:"qrId"`
	}{orderID, qrID}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RegisterCredit registers an order to be paid on credit
// (/sbercredit/register.do; legacy gateway). At the new gateway it is Register
// with OrderBundle.Installments.
func (c *Client) RegisterCredit(ctx context.Context, r RegisterRequest) (*Registered, error) {
	return c.register(ctx, epCredit, r)
}

// RegisterCreditPreAuth is RegisterCredit for two stages.
func (c *Client) RegisterCreditPreAuth(ctx context.Context, r RegisterRequest) (*Registered, error) {
	return c.register(ctx, epCreditPreAuth, r)
}

// Wallet is a mobile wallet of the legacy gateway.
type Wallet string

// The wallets. All but Mir Pay have been dead in Russia since 2022.
const (
	WalletMir        Wallet = "mir" // Mir Pay
	WalletApple      Wallet = "applepay"
	WalletGoogle     Wallet = "google"
	WalletSamsung    Wallet = "samsung"
	WalletSamsungWeb Wallet = "samsungWeb"
)

// WalletPayment registers an order and pays it with a wallet's token.
type WalletPayment = rbs.WalletPayment

// PayWithWallet pays with a mobile wallet (/payment/<wallet>/payment.do; legacy
// gateway). PaidDirectly.Order says what became of the payment.
func (c *Client) PayWithWallet(ctx context.Context, w Wallet, p WalletPayment) (*PaidDirectly, error) {
	e := endpoint{op: string(w) + "/payment.do", legacy: "/" + string(w) + "/payment.do", asJSON: true, login: true}
	switch w {
	case WalletMir, WalletApple, WalletGoogle, WalletSamsung, WalletSamsungWeb:
	default:
		return nil, acquiring.InOp(provider, "payment.do", acquiring.Invalid("wallet", "is none of the gateway's"))
	}
	var out PaidDirectly
	if err := c.call(ctx, e, p, &out); err != nil {
		return nil, err
	}
	return &out, nil
}
