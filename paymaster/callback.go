package paymaster

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/webhook"
)

// Notice is what a notification of the API v2 claims. Nothing in it is signed:
// VerifyCallback believes none of it.
type Notice struct {
	ID         Text       `json:"id"`
	Status     string     `json:"status"`
	MerchantID string     `json:"merchantId"`
	Invoice    *OrderInfo `json:"invoice"`
	Amount     *Money     `json:"amount"`
}

// mostDepth is how deep a notification may be nested; PayMaster's are three deep.
const mostDepth = 32

// ParseNotice reads the body of a notification, as Callback.Raw has it. It
// checks nothing but the form.
func ParseNotice(raw []byte) (*Notice, error) {
	n := new(Notice)
	if rest.Depth(raw) > mostDepth {
		return nil, forged("the body is nested deeper than a notification is")
	}
	if err := json.Unmarshal(trimBOM(raw), n); err != nil {
		return nil, forged("the body is not the JSON of a notification")
	}
	if !word(string(n.ID)) {
		return nil, forged("the notification has no id, or none that could be PayMaster's")
	}
	return n, nil
}

// OfToken says whether it is news of a saved card or account, not of a payment.
func (n *Notice) OfToken() bool {
	switch n.Status {
	case TokenCreated, TokenActive, TokenRevoked, TokenDeclined:
		return n.Amount == nil && n.Invoice == nil
	}
	return false
}

// VerifyCallback reads a notification of the API v2 (section «Уведомления»).
// PayMaster does not sign it and names no addresses that it comes from, so it
// is believed in nothing: the payment is read back with the token, and the
// shop, the order, the sum and the currency that the notification claims must
// be those of the payment. A claim of money (Settled, Authorized) that the
// payment does not bear out, and a test payment at a client of
// acquiring.Production, give ErrSignature. Callback.Signed is always false;
// Status, OrderID, Amount and Key are what PayMaster answered.
//
// News of a saved card or account is CallbackOther, read back likewise:
// ParseNotice of Callback.Raw has its ID, for GetToken.
func (c *Client) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	if err := c.checkPath(r); err != nil {
		return nil, err
	}
	if r.Method != http.MethodPost {
		return nil, forged("a notification is a POST")
	}
	body, err := webhook.ReadBody(r, 0)
	if err != nil {
		return nil, acquiring.InOp(provider, "callback", err)
	}
	n, err := ParseNotice(body)
	if err != nil {
		return nil, err
	}
	if n.MerchantID != "" && !strings.EqualFold(n.MerchantID, c.conf.MerchantID) {
		return nil, forged("the notification is for another shop")
	}
	cb := &acquiring.Callback{Raw: body, Reply: acquiring.Reply{ContentType: "text/plain; charset=utf-8", Body: []byte("OK")}}
	if n.OfToken() {
		return c.tokenNews(ctx, cb, n)
	}
	info, err := c.GetPayment(ctx, string(n.ID))
	if err != nil {
		return nil, unread(err)
	}
	if why := c.disagrees(n, info); why != "" {
		return nil, forged(why)
	}
	p, err := c.whole(ctx, info)
	if err != nil {
		return nil, err
	}
	cb.Payment, cb.PaymentID, cb.OrderID, cb.Status, cb.Amount = p, p.ID, p.OrderID, p.Status, p.Amount
	cb.Key = key(c.conf.Shop, string(p.ID), p.Status.String(), p.Captured.Minor(), p.Refunded.Minor())
	return cb, nil
}

// checkPath wants the secret in the path that the notification came to.
func (c *Client) checkPath(r *http.Request) error {
	if !c.secretIn(r.URL.Path) {
		return forged("the notification came to an address without Config.CallbackSecret")
	}
	return nil
}

// secretIn says whether the secret, or the one before it, is among the elements
// of the path. Where there is no secret, it is.
func (c *Client) secretIn(path string) bool {
	if c.conf.CallbackSecret == "" {
		return true
	}
	found := false
	for _, part := range strings.Split(path, "/") {
		if sameSecret(part, c.conf.CallbackSecret) || c.conf.PreviousCallbackSecret != "" && sameSecret(part, c.conf.PreviousCallbackSecret) {
			found = true
		}
	}
	return found
}

// checkCallbackURL refuses an invoice whose notifications VerifyCallback would
// refuse.
func (c *Client) checkCallbackURL(address string) error {
	if u, err := url.Parse(address); address != "" && (err != nil || !c.secretIn(u.Path)) {
		return acquiring.Invalid("CallbackURL", "has no Config.CallbackSecret as an element of its path, without which its notifications would be refused")
	}
	return nil
}

// unread is the error of a payment that could not be read back. One that
// PayMaster does not know makes the notification a forgery; when PayMaster
// cannot be asked, it is to come again.
func unread(err error) error {
	if errors.Is(err, acquiring.ErrNotFound) || errors.Is(err, acquiring.ErrInvalid) {
		return forged("PayMaster does not know what the notification is about")
	}
	return err
}

// disagrees says in what the notification is not borne out; "": in nothing.
// What it does not claim is not compared.
func (c *Client) disagrees(n *Notice, info *PaymentInfo) string {
	switch {
	case !strings.EqualFold(info.MerchantID, c.conf.MerchantID):
		return "the payment is of another shop"
	case bool(info.TestMode) && !c.takesTests():
		return "it is a test payment, and Config.Environment is acquiring.Production"
	case n.Invoice != nil && n.Invoice.OrderNo != info.Invoice.OrderNo:
		return "the payment is for another order than the notification says"
	case n.Amount != nil && n.Amount.Value != info.Amount.Value && n.Amount.Value.Amount() != info.ordered():
		return "the payment is of another sum than the notification says"
	case n.Amount != nil && !strings.EqualFold(n.Amount.Currency, info.Amount.Currency):
		return "the payment is in another currency than the notification says"
	case n.Status == StatusSettled && info.Status != StatusSettled:
		return "the notification says Settled, PayMaster does not"
	case n.Status == StatusAuthorized && info.Status != StatusAuthorized && info.Status != StatusSettled && info.Status != StatusCancelled:
		return "the notification says Authorized, PayMaster does not"
	}
	return ""
}

// tokenNews is news of a saved card or account.
func (c *Client) tokenNews(ctx context.Context, cb *acquiring.Callback, n *Notice) (*acquiring.Callback, error) {
	t, err := c.GetToken(ctx, string(n.ID))
	if err != nil {
		return nil, unread(err)
	}
	if n.Status == TokenActive && t.Status != TokenActive && t.Status != TokenRevoked {
		return nil, forged("the notification says that the token is active, PayMaster does not")
	}
	cb.Kind = acquiring.CallbackOther
	cb.Key = key(c.conf.Shop, "token", string(t.ID), t.Status)
	return cb, nil
}
