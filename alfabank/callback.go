package alfabank

import (
	"context"
	"crypto"
	"net/http"
	"slices"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
	"github.com/acquiring-go/acquiring/webhook"
)

// VerifyCallback reads the bank's notification: the query of a GET, or the
// form of a POST (document «Callback-уведомления», 2024).
//
// With Config.CallbackKey or CallbackPublicKey the checksum must be there and
// right, over all parameters as they came. The bank signs with SHA-512 while
// sign_alias says SHA-256, so what it says is not looked at. Without a key,
// the bank's default, nothing in the notification is believed: the payment is
// read back, Callback.Signed is false and the rest is what the bank says now.
// Callback.Reply is an empty 200; the bank reads nothing else, and sends again
// after any other.
//
// A failed attempt (deposited with status 0) is StatusDeclined, although the
// customer may try again while the order lives. A refund is read back, because
// nothing in its notification tells two of the same sum apart, and so is a
// reversal, which may be of a part. News of bindings, which may have no order at
// all, is CallbackOther: see [Client.BindingNews].
func (c *Client) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	return c.desk.Callback(ctx, c.verifier, r)
}

// newVerifier reads callbacks as this bank signs them: SHA-512 goes before
// SHA-256, and orderNumber may be missing, as it is in the bank's samples.
func newVerifier(conf Config) (*rbs.Verifier, error) {
	optional := conf.CallbackOptional
	if !slices.Contains(optional, rbs.ParamMdOrder) && !slices.Contains(optional, rbs.ParamOrderNumber) {
		optional = append(slices.Clone(optional), rbs.ParamOrderNumber)
	}
	return rbs.NewVerifier(rbs.VerifierOptions{Provider: provider, Key: conf.CallbackKey, PublicKey: conf.CallbackPublicKey,
		PreviousKey: conf.PreviousCallbackKey, PreviousPublicKey: conf.PreviousCallbackPublicKey,
		Hashes: []crypto.Hash{crypto.SHA512, crypto.SHA256}, Drop: conf.CallbackDrop, Optional: optional})
}

// BindingNews is a saved card that was made, switched on or off.
type BindingNews struct {
	BindingID, ClientID string
	Enabled             bool
	Operation           string // bindingCreated, bindingActivityChanged; "" where the bank does not say
	Signed              bool   // false: a stranger may have sent it; look with GetBindings
}

// BindingNews reads the notification of a saved card out of Callback.Raw, once
// VerifyCallback has accepted it; false: it is none. Signed is the Callback's.
func (c *Client) BindingNews(cb *acquiring.Callback) (BindingNews, bool) {
	if cb == nil || cb.Kind != acquiring.CallbackOther {
		return BindingNews{}, false
	}
	n, err := c.verifier.ReadForm(string(cb.Raw))
	if err != nil || n.Get("bindingId") == "" {
		return BindingNews{}, false
	}
	return BindingNews{BindingID: n.Get("bindingId"), ClientID: n.Get("clientId"), Enabled: n.Get("enabled") == "true",
		Operation: n.Operation, Signed: n.Signed}, true
}

// ExplainCallback says which rule of the checksum a notification breaks, for a
// client of acquiring.Test; see webhook.Explain.
func (c *Client) ExplainCallback(r *http.Request) (*webhook.Explanation, error) {
	return c.verifier.Explain(c.conf.Environment, r)
}
