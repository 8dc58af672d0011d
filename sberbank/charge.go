package sberbank

import (
	"context"
	"encoding/base64"
	"errors"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
)

// CreateQR registers an order to be paid by СБП and gives its code. At the new
// gateway it comes with the registration, at the legacy one by
// sbp/c2b/qr/dynamic/get.do. A merchant without the permission gives
// ErrUnsupported, at the legacy gateway what its method is refused with
// (ErrUnauthorized ordinarily): the order is registered then, and its number
// burnt. ReturnURL is demanded here too. The picture comes from the legacy
// gateway only: a PNG of 300 by 300 points.
func (c *Client) CreateQR(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.QR, error) {
	r.Methods = []acquiring.Method{acquiring.MethodSBP}
	inv, err := c.CreateInvoice(ctx, r)
	if err != nil {
		return nil, err
	}
	return inv.QR, nil
}

// issueQR takes the code of a registered order.
func (c *Client) issueQR(ctx context.Context, r acquiring.InvoiceRequest, out *Registered, expires time.Time) (*acquiring.QR, error) {
	qr := &acquiring.QR{ID: string(out.ExternalParams.QRCID), PaymentID: acquiring.PaymentID(out.OrderID), OrderID: r.OrderID,
		Payload: string(out.ExternalParams.SBPPayload), ExpiresAt: expires, Raw: out.Raw}
	if c.conf.Protocol == ProtocolLegacy {
		code, err := c.GetSBPQR(ctx, SBPQRRequest{OrderID: string(out.OrderID), Format: "image", Width: 300, Height: 300})
		if err != nil {
			return nil, err
		}
		qr.ID, qr.Payload, qr.Raw = string(code.ID), string(code.Payload), code.Raw
		if image, err := base64.StdEncoding.DecodeString(string(code.Rendered)); err == nil && len(image) > 0 {
			qr.Image, qr.ImageType = image, "image/png"
		}
	}
	if qr.Payload == "" {
		return nil, &acquiring.Error{Provider: provider, Op: "CreateQR", Kind: acquiring.ErrUnsupported, Outcome: acquiring.OutcomeRejected,
			Message: "the bank gave no SBP code for order " + string(out.OrderID),
			Hint:    "ask the bank to permit SBP to the merchant; until then issue an invoice for its page, with another order number"}
	}
	return qr, nil
}

// Charge takes money by a saved card or by an SBP subscription, without the
// customer. Token is Card.Token of the payment that saved it.
//
// A card is charged with recurrentPayment.do at the new gateway; with Hold, a
// Receipt or a CallbackURL, and always at the legacy gateway, by registering an
// order (with features AUTO_PAYMENT) and paying it with
// paymentOrderBinding.do, which demands IP. A subscription is charged with
// paymentOrderBySubscription, needs a Description, and is asynchronous: the
// payment is pending.
//
// Extra takes jsonParams.NAME, and where an order is registered the fields of
// register.do too.
//
// A declined charge gives ErrDeclined. An order number that is used already
// gives ErrDuplicate: no number is charged twice. Where an order is registered,
// one of that number and sum that nobody tried to pay is an earlier charge that
// was cut short: it is gone on with.
func (c *Client) Charge(ctx context.Context, r acquiring.ChargeRequest) (*acquiring.Payment, error) {
	const op = "Charge"
	if err := c.checkCharge(r); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if subscription, member, ok := splitSBPToken(r.Token); ok {
		return c.chargeSubscription(ctx, r, subscription, member)
	}
	if c.conf.Protocol == ProtocolLegacy || r.Hold || r.Receipt != nil || r.CallbackURL != "" {
		return c.chargeOrder(ctx, r)
	}
	req := RecurrentRequest{OrderNumber: r.OrderID, BindingID: r.Token, Amount: r.Amount, Currency: "643",
		Description: c.description(r.Description), IdempotencyKey: c.newKey()}
	reg := RegisterRequest{}
	if err := c.addParams(&reg, r.Invoice()); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if len(reg.Extra) > 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Extra", "has fields that a charge does not take; parameters are named jsonParams.NAME"))
	}
	req.AdditionalParameters = reg.JSONParams
	answer, err := c.RecurrentPayment(ctx, req)
	if err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown && ctx.Err() == nil {
		p, readErr := c.FindByOrder(ctx, r.OrderID)
		switch {
		case readErr == nil:
			return c.desk.Charged(p)
		case !errors.Is(readErr, acquiring.ErrNotFound):
			return nil, err
		}
		// Not there: the same number is refused if it arrives after all.
		lost := err
		answer, err = c.RecurrentPayment(ctx, req)
		switch {
		case errors.Is(err, acquiring.ErrDuplicate):
			if p, readErr := c.FindByOrder(ctx, r.OrderID); readErr == nil {
				return c.desk.Charged(p)
			}
			return nil, rbs.ChargeUnknown(lost)
		case err != nil && rbs.Repeated(err, lost) == lost:
			return nil, rbs.ChargeUnknown(lost)
		}
	}
	if err != nil {
		return nil, err
	}
	id := acquiring.PaymentID(answer.Data.OrderID)
	read := func() (*acquiring.Payment, error) { return c.GetStatus(ctx, id) }
	if id == "" {
		read = func() (*acquiring.Payment, error) { return c.FindByOrder(ctx, r.OrderID) }
	}
	if p, err := read(); err == nil {
		return c.desk.Charged(p)
	}
	if answer.Order != nil && answer.Order.OrderStatus.Known {
		answer.Order.Raw = answer.Raw
		p := c.payment(id, answer.Order, 0)
		p.OrderID = r.OrderID
		return c.desk.Charged(p)
	}
	return &acquiring.Payment{ID: id, OrderID: r.OrderID, Status: acquiring.StatusPending, Amount: r.Amount, Currency: "RUB", Raw: answer.Raw}, nil
}

func (c *Client) checkCharge(r acquiring.ChargeRequest) error {
	inv := r.Invoice()
	inv.ReturnURL = rbs.NoReturn
	if err := c.checkInvoice(inv); err != nil {
		return err
	}
	if err := r.Validate(); err != nil {
		return err
	}
	if len(r.Token) > 255 || !rbs.Printable(r.Token) {
		return acquiring.Invalid("Token", "is not a token of this bank")
	}
	_, _, subscription := splitSBPToken(r.Token)
	switch {
	case subscription && (r.Hold || c.conf.Protocol == ProtocolLegacy):
		return acquiring.Invalid("Token", "is an SBP subscription, which knows no hold and no legacy gateway")
	case subscription && c.description(r.Description) == "":
		return acquiring.Invalid("Description", "is empty; a charge of an SBP subscription needs one")
	case subscription:
		return nil
	}
	if c.conf.Protocol == ProtocolLegacy || r.Hold || r.Receipt != nil || r.CallbackURL != "" {
		if _, err := netip.ParseAddr(r.IP); err != nil {
			return acquiring.Invalid("IP", "is not an IP address; the bank demands the customer's to pay an order by a binding")
		}
	}
	return nil
}

// chargeOrder registers an order and pays it by a binding.
func (c *Client) chargeOrder(ctx context.Context, r acquiring.ChargeRequest) (*acquiring.Payment, error) {
	inv := r.Invoice()
	inv.ReturnURL = rbs.NoReturn
	req, err := c.registration(inv)
	if err != nil {
		return nil, acquiring.InOp(provider, "Charge", err)
	}
	req.ClientID = r.Customer.ID // whose binding it is
	// The legacy gateway pays by a binding only orders whose life is limited.
	req.SessionTimeout = 1200
	if req.Features == "" && req.Extra["features"] == "" {
		req.Features = withFeature(c.conf.Features, "AUTO_PAYMENT")
	}
	id, err := c.registerCharge(ctx, r, req)
	if err != nil {
		return nil, err
	}
	answer, err := c.PaymentOrderBinding(ctx, BindingPayment{OrderID: string(id), BindingID: r.Token, IP: r.IP, Email: req.Email})
	return c.desk.PaidByBinding(ctx, id, answer, err)
}

// registerCharge registers the order of a charge. Unlike an invoice it needs
// no page, so that a lost answer is made good by the order's number.
func (c *Client) registerCharge(ctx context.Context, r acquiring.ChargeRequest, req RegisterRequest) (acquiring.PaymentID, error) {
	register := c.Register
	if r.Hold {
		register = c.RegisterPreAuth
	}
	req.IdempotencyKey = c.newKey()
	return c.desk.RegisterToCharge(ctx, r, nextAttempt, func() (*Registered, error) { return register(ctx, req) })
}

// withFeature adds a feature to a list.
func withFeature(list, feature string) string {
	if list == "" {
		return feature
	}
	if slices.Contains(strings.Split(list, ";"), feature) {
		return list
	}
	return list + ";" + feature
}

// chargeSubscription registers an order and charges it to an SBP subscription.
func (c *Client) chargeSubscription(ctx context.Context, r acquiring.ChargeRequest, subscription, member string) (*acquiring.Payment, error) {
	inv := r.Invoice()
	inv.ReturnURL, inv.Methods = rbs.NoReturn, []acquiring.Method{acquiring.MethodSBP}
	req, err := c.registration(inv)
	if err != nil {
		return nil, acquiring.InOp(provider, "Charge", err)
	}
	id, err := c.registerCharge(ctx, r, req)
	if err != nil {
		return nil, err
	}
	if _, err = c.PayBySubscription(ctx, string(id), subscription, member); err != nil && acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown {
		return nil, err
	}
	p, readErr := c.GetStatus(ctx, id)
	if readErr != nil {
		if err == nil {
			err = readErr
		}
		return nil, rbs.ChargeUnknown(err)
	}
	return c.desk.Charged(p)
}

// DeleteToken deactivates a saved card (unbindCard.do). One that is not active
// is a success. An SBP subscription only the payer can delete, in his bank's
// application: ErrUnsupported.
func (c *Client) DeleteToken(ctx context.Context, token string) error {
	const op = "DeleteToken"
	if strings.HasPrefix(token, sbpPrefix) {
		return acquiring.Unsupported(provider, op, "an SBP subscription is deleted by the payer, in his bank's application")
	}
	if token == "" || len(token) > 255 || !rbs.Printable(token) {
		return acquiring.InOp(provider, op, acquiring.Invalid("token", "is empty or not a token of this bank"))
	}
	_, err := c.UnbindCard(ctx, token)
	if errors.Is(err, acquiring.ErrConflict) || errors.Is(err, acquiring.ErrNotFound) {
		return nil
	}
	return err
}

// Payments lists the shop's orders by their registration
// (getLastOrdersForMerchants.do, 100 at a time). Without From it goes 30 days
// back from To.
func (c *LegacyClient) Payments(ctx context.Context, f acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	return c.desk.Payments(f, c.now(), func(q OrdersQuery) (*Orders, error) { return c.GetLastOrders(ctx, q) })
}
