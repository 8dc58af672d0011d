package alfabank

import (
	"context"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

var epAlfaPay = endpoint{op: "alfapay/payment.do"}

// outside is the address of a method that lives beside /rest.
func (c *Client) outside(path string) string {
	return strings.TrimSuffix(c.gate.REST.BaseURL(), "/rest") + "/" + path
}

// AlfaPayRequest registers an order to be paid by AlfaPay, in the bank's
// application.
type AlfaPayRequest struct {
	OrderNumber string       `json:"orderNumber"`
	Amount      money.Amount `json:"amount"`       // kopecks
	Currency    int          `json:"currencyCode"` // 0: 643
	ReturnURL   string       `json:"returnUrl"`
	FailURL     string       `json:"failUrl,omitempty"`
	Description string       `json:"description,omitempty"`
	Language    string       `json:"language,omitempty"` // capitals: RU
	IP          string       `json:"ip,omitempty"`
}

// AlfaPayAnswer is where the customer goes on.
type AlfaPayAnswer struct {
	rbs.Head
	Success rbs.Bool `json:"success"`
	Data    struct {
		OrderID  rbs.Text `json:"orderId"`
		Redirect rbs.Text `json:"redirect"`
	} `json:"data"`
}

// Refused is true unless success is true and the data are there.
func (a *AlfaPayAnswer) Refused() (code, message string, refused bool) {
	switch {
	case bool(a.Success) && a.Data.OrderID != "":
		return "", "", false
	case bool(a.Success):
		return "", "the answer has no data.orderId", true
	}
	if code = a.Code(); code == "" {
		code = "success=false"
	}
	return code, a.Words(), true
}

// AlfaPay registers an order to be paid by AlfaPay (alfapay/payment.do; see
// Config.AlfaPayURL). The ordinary payment page offers AlfaPay without it. It
// needs the login; a token is refused.
func (c *Client) AlfaPay(ctx context.Context, r AlfaPayRequest) (*AlfaPayAnswer, error) {
	if err := acquiring.CheckURL("ReturnURL", r.ReturnURL); err != nil || r.ReturnURL == "" {
		return nil, acquiring.InOp(provider, epAlfaPay.op, acquiring.Invalid("ReturnURL", "is not an absolute http(s) address"))
	}
	if r.Currency == 0 {
		r.Currency = 643
	}
	r.Language = strings.ToUpper(orRussian(r.Language))
	var out AlfaPayAnswer
	if err := c.sendJSON(ctx, epAlfaPay, c.alfaPay, false, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// Wallet is a mobile wallet.
type Wallet string

// The wallets that the gateway knows. They have been dead in Russia since
// 2022.
const (
	WalletApple   Wallet = "applepay"
	WalletGoogle  Wallet = "google"
	WalletSamsung Wallet = "samsung"
)

// WalletPayment registers an order and pays it with a wallet's token.
type WalletPayment = rbs.WalletPayment

// PayWithWallet pays with a mobile wallet (<wallet>/payment.do, JSON, outside
// /rest). It carries the merchant's login instead of the API's credentials.
func (c *Client) PayWithWallet(ctx context.Context, w Wallet, p WalletPayment) (*PaidDirectly, error) {
	switch w {
	case WalletApple, WalletGoogle, WalletSamsung:
	default:
		return nil, acquiring.InOp(provider, "payment.do", acquiring.Invalid("wallet", "is none of the gateway's"))
	}
	op := string(w) + "/payment.do"
	body, err := rbs.CompactJSON(p)
	if err != nil {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("request", "cannot be written as JSON: "+err.Error()))
	}
	var out PaidDirectly
	if err := c.gate.Do(ctx, rbs.Call{Op: op, Path: c.outside(op), ContentType: rbs.ContentJSON, Body: body}, &out); err != nil {
		return nil, c.explain(err)
	}
	return &out, nil
}
