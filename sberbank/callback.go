package sberbank

import (
	"context"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// VerifyCallback reads the bank's notification: the query of a GET, the form
// or the JSON of a POST, static or dynamic (section «Callback-уведомления»).
//
// With Config.CallbackKey or CallbackPublicKey the checksum must be there and
// right, over all parameters as they came. Without a key nothing in the
// notification is believed: the payment is read back, Callback.Signed is false
// and the rest is what the bank says now. Callback.Reply is an empty 200; the
// bank reads nothing else.
//
// A failed attempt (deposited with status 0) is StatusDeclined, although the
// customer may try again while the order lives. A refund is
// StatusPartiallyRefunded where the payment was not read back. A reversal is
// read back, because it may be of a part, and so is an operation that came
// without its status (Config.CallbackOptional). News of bindings,
// subscriptions and receipts is CallbackOther.
func (c *Client) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	return c.desk.Callback(ctx, c.verifier, r)
}

// ExplainCallback says which rule of the checksum a notification breaks, for a
// client of acquiring.Test; see webhook.Explain.
func (c *Client) ExplainCallback(r *http.Request) (*webhook.Explanation, error) {
	return c.verifier.Explain(c.conf.Environment, r)
}
