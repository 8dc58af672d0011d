package alfabank

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
)

// Charge takes money by a saved card or SBP account without the customer: it
// registers an order for the same Customer.ID and pays it by the binding as a
// merchant-initiated payment (paymentOrderBinding.do, tii=U). Token is
// Card.Token of the payment that saved it, Customer.ID that of then, and
// demanded; IP is optional. Such a payment has
// one stage: Hold gives ErrUnsupported.
//
// A declined charge gives ErrDeclined. An order number that is used already
// gives ErrDuplicate: no number is charged twice. An order of that number and
// sum that nobody tried to pay is an earlier charge that was cut short: it is
// gone on with.
func (c *Client) Charge(ctx context.Context, r acquiring.ChargeRequest) (*acquiring.Payment, error) {
	const op = "Charge"
	inv := r.Invoice()
	inv.ReturnURL = rbs.NoReturn
	token, isToken := tokenOf(r.Token)
	if err := r.Validate(); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if err := c.checkInvoice(inv); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	switch {
	case r.Hold:
		return nil, acquiring.Unsupported(provider, op, "a payment by a saved card without the customer has one stage only")
	case !isToken:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Token", "is not a token of this bank"))
	case r.Customer.ID == "":
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Customer.ID", "is empty; the bank wants the customer for whom the card was saved"))
	case r.IP != "" && !isAddress(r.IP):
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("IP", "is not an IP address"))
	}
	if err := c.allowed(epBindingPayment); err != nil {
		return nil, err
	}
	req, err := c.registration(inv)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if req.Features == nil {
		req.Features = []string{} // the Config's are for customers: 3-D Secure cannot be forced here
	}
	next := "look with FindByOrder what became of it; charge again with " + attemptAfter(r.OrderID) + " only if it failed"
	id, err := c.desk.RegisterToCharge(ctx, r, next, func() (*Registered, error) { return c.Register(ctx, req) })
	if err != nil {
		return nil, err
	}
	answer, err := c.PaymentOrderBinding(ctx, BindingPayment{OrderID: string(id), BindingID: token, Initiator: InitiatorMerchant, IP: r.IP, Email: req.Email})
	var paid *rbs.Payment
	if answer != nil {
		paid = &answer.Payment
	}
	return c.desk.PaidByBinding(ctx, id, paid, err)
}

func isAddress(ip string) bool {
	_, err := netip.ParseAddr(ip)
	return err == nil
}

// tokenOf is the binding's number behind a token.
func tokenOf(token string) (binding string, ok bool) {
	binding = strings.TrimPrefix(token, sbpPrefix)
	return binding, binding != "" && len(binding) <= 255 && rbs.Printable(binding)
}

// DeleteToken forgets a saved card (unBindCard.do) or SBP account
// (sbp/c2b/unBind.do). One that is forgotten already is a success.
func (c *Client) DeleteToken(ctx context.Context, token string) error {
	binding, ok := tokenOf(token)
	if !ok {
		return acquiring.InOp(provider, "DeleteToken", acquiring.Invalid("token", "is empty or not a token of this bank"))
	}
	if strings.HasPrefix(token, sbpPrefix) {
		return c.UnbindSBP(ctx, binding)
	}
	_, err := c.UnbindCard(ctx, binding)
	if errors.Is(err, acquiring.ErrConflict) || errors.Is(err, acquiring.ErrNotFound) {
		return nil
	}
	return err
}
