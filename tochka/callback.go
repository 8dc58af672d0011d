package tochka

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// VerifyCallback reads the bank's webhook: one signed token as the whole body.
// It must be signed with the bank's key (Config.WebhookKey) by RS256; the
// token does not choose the algorithm.
//
// A paid or held link, and a paid code of CreateQR, is news of a payment. All
// else that is signed is CallbackOther, to be answered 200: other types of
// webhooks, types that are not known, and whatever belongs to another company
// or another retail point, as the samples do that the bank sends when a webhook
// is registered. ParseNotice reads those.
//
// Every charge of a subscription is announced with the same operation and the
// same words, so the operation is read back when a card paid, to find the
// charge's own number (see Config.OneOffOnly). While the bank cannot be asked,
// or Config.Ledger for the order of a charge or a code, the error is
// ErrUnavailable, and the bank sends the webhook again.
//
// The bank announces successes only. Refunds, expired links and declined
// attempts are found by asking: webhook.Poller.
func (c *Client) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	body, err := webhook.ReadBody(r, 0)
	if err != nil {
		return nil, acquiring.InOp(provider, "callback", err)
	}
	n, err := c.ParseNotice(ctx, body)
	if err != nil {
		return nil, err
	}
	cb := &acquiring.Callback{Kind: acquiring.CallbackOther, Signed: true, Raw: body}
	switch {
	case !c.concerns(n):
	case n.Type == WebhookAcquiring:
		if err := c.acquiringNews(ctx, cb, n); err != nil {
			return nil, err
		}
		return cb, nil
	case n.Type == WebhookIncomingSBP && dynamic(n.QRCID):
		cb.Kind, cb.PaymentID, cb.Status, cb.Amount = acquiring.CallbackPayment, acquiring.PaymentID(n.QRCID), acquiring.StatusPaid, n.Amount.Amount()
		if cb.OrderID, err = c.qrOrder(ctx, "callback", n.QRCID); err != nil {
			return nil, err
		}
		cb.Key = c.key(n.QRCID, "paid")
		return cb, nil
	}
	sum := sha256.Sum256(n.Raw)
	cb.Key = c.key("other", hex.EncodeToString(sum[:16]))
	return cb, nil
}

// ParseNotice checks a webhook's body and reads it, whatever its type and
// whosever it is. The error is ErrSignature.
func (c *Client) ParseNotice(ctx context.Context, body []byte) (*Notice, error) {
	keys := c.verifier.keys.Load()
	n, err := c.verifier.Notice(body)
	if errors.Is(err, errKey) && c.renewKey(ctx, keys) {
		n, err = c.verifier.Notice(body)
	}
	return n, err
}

// dynamic says whether an SBP code is for one payment, as its number shows.
func dynamic(qrcID string) bool { return strings.HasPrefix(qrcID, "AD") && isQR(qrcID) }

// concerns says whether a webhook is about this company and this retail point.
func (c *Client) concerns(n *Notice) bool {
	if c.conf.CustomerCode == "" || n.CustomerCode != c.conf.CustomerCode {
		return false
	}
	switch n.Type {
	case WebhookAcquiring:
		return c.conf.MerchantID == "" || n.MerchantID == "" || n.MerchantID == c.conf.MerchantID
	case WebhookIncomingSBP:
		return c.conf.SBPMerchantID == "" || n.MerchantID == "" || n.MerchantID == c.conf.SBPMerchantID
	}
	return true
}

// acquiringNews is the news of a link.
func (c *Client) acquiringNews(ctx context.Context, cb *acquiring.Callback, n *Notice) error {
	cb.Kind = acquiring.CallbackPayment
	cb.PaymentID, cb.OrderID, cb.Status, cb.Amount = acquiring.PaymentID(n.OperationID), n.PaymentLinkID, n.Status.Status(), n.Amount.Amount()
	if !c.conf.OneOffOnly && n.Status == OperationApproved && n.PaymentType == ModeCard {
		o, err := c.own(ctx, "callback", string(n.OperationID))
		if err != nil {
			return err
		}
		// The last charge of that sum: the one announced now. The first
		// payment is announced before there are any.
		charges := o.charges()
		for i := len(charges) - 1; i >= 0; i-- {
			if charges[i].Amount == n.Amount {
				p, err := c.charged(ctx, "callback", o, charges[i])
				if err != nil {
					return err
				}
				cb.PaymentID, cb.OrderID = p.ID, p.OrderID
				break
			}
		}
	}
	cb.Key = c.key(string(cb.PaymentID), cb.Status.String())
	return nil
}

// key joins the parts of a callback's key after the shop's label.
func (c *Client) key(parts ...string) string {
	shop := c.conf.Shop
	if shop == "" {
		shop = provider
	}
	return shop + ":" + strings.Join(parts, ":")
}
