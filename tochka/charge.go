package tochka

import (
	"context"
	"errors"
	"slices"

	"github.com/acquiring-go/acquiring"
)

// LedgerSubscription marks the operations that CreateInvoice made as
// subscriptions: the bank does not say so when it is asked for one. Payment and
// ID are the operation, Key is InvoiceRequest.OrderID.
const LedgerSubscription = "subscription"

func (c *Client) rememberSubscription(ctx context.Context, r acquiring.InvoiceRequest, o *Operation) {
	_, err := c.ledger.Begin(context.WithoutCancel(ctx), LedgerEntry{Shop: c.conf.Shop, Kind: LedgerSubscription, Payment: o.OperationID, Key: r.OrderID,
		Amount: r.Amount, ID: o.OperationID, At: c.now()})
	if err != nil {
		c.rest.Logger().WarnContext(ctx, "a subscription was not written into the ledger", "operation", o.OperationID, "error", err)
	}
}

// subscribed says whether the operation is known as a subscription on demand.
func (c *Client) subscribed(ctx context.Context, operation string) bool {
	e, err := c.ledger.ByID(ctx, c.conf.Shop, LedgerSubscription, operation)
	return err == nil && e != nil
}

// Charge takes money by a subscription on demand (POST
// subscriptions/{operationId}/charge). Token is the Invoice.ID of an invoice
// with SaveCard that was paid. The bank has neither an order number nor a key
// of a charge: Config.Ledger remembers OrderID, and the operation's movements
// tell whether it was charged. The charge's own number, Payment.ID, is the
// operation's with that of the movement; while that cannot be seen the outcome
// is unknown, and the same call gives it later without charging again.
//
// Description, Customer, CallbackURL, IP and Metadata have no place at the
// bank. A receipt is printed for each charge by itself where the subscription
// was made with one; another is ErrUnsupported, and so is Hold. Declined is
// ErrDeclined; the bank takes two declined attempts a day.
func (c *Client) Charge(ctx context.Context, r acquiring.ChargeRequest) (*acquiring.Payment, error) {
	const op = "Charge"
	err := r.Validate()
	if err == nil {
		err = checkOrderID(r.OrderID)
	}
	if err == nil {
		if idErr := checkID(acquiring.PaymentID(r.Token)); idErr != nil || len(r.Token) > 36 {
			err = acquiring.Invalid("Token", "is not a token of this bank; give the Invoice.ID of an invoice with SaveCard")
		}
	}
	switch {
	case err != nil:
		return nil, acquiring.InOp(provider, op, err)
	case r.Invoice().CurrencyOrRUB() != "RUB":
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Currency", "is "+r.Currency+"; the bank takes roubles"))
	case r.Hold:
		return nil, acquiring.Unsupported(provider, op, "the bank charges a subscription at once; it has no hold of one")
	case r.Receipt != nil:
		return nil, acquiring.Unsupported(provider, op, "the receipt of a charge is the subscription's: give Receipt to CreateInvoice with SaveCard")
	case len(r.Extra) > 0:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Extra", "is not empty; a charge has a sum and nothing else"))
	}
	out, err := c.once(ctx, deed{
		op: op, kind: OrderApproval, entry: LedgerEntry{Kind: LedgerCharge, Payment: r.Token, Key: r.OrderID, Amount: r.Amount},
		allow: func(o *Operation, _ *LedgerEntry) error {
			if p := c.payment(ctx, o); !p.Status.Succeeded() {
				return conflict(op, p, "was not paid, so that no card is bound to it")
			}
			return nil
		},
		act: func(ctx context.Context, e LedgerEntry) (string, error) {
			return "", c.ChargeSubscription(ctx, e.Payment, Sum(e.Amount))
		},
		hint: "call Charge again with the same OrderID and Amount: it looks first whether the card was charged",
	})
	if err != nil {
		return nil, err
	}
	p := &acquiring.Payment{ID: acquiring.PaymentID(r.Token + chargeMark + out.entry.ID), OrderID: r.OrderID, Status: acquiring.StatusPaid,
		Amount: out.entry.Amount, Captured: out.entry.Amount, Currency: "RUB", Method: acquiring.MethodCard,
		Test: c.conf.Environment == acquiring.Test, CreatedAt: out.entry.At, PaidAt: out.entry.At, ProviderStatus: string(OperationApproved)}
	if o := out.after; o != nil {
		p.Raw = o.Raw
		for _, e := range o.entries(OrderApproval) {
			if e.key() == out.entry.ID && !e.Time.IsZero() {
				p.CreatedAt, p.PaidAt = e.Time.Time, e.Time.Time
			}
		}
	}
	return p, nil
}

// chargePayment is the charge with that movement's number.
func (c *Client) chargePayment(ctx context.Context, o *Operation, entry string) (*acquiring.Payment, error) {
	for _, e := range o.charges() {
		if e.key() == entry {
			return c.charged(ctx, "GetStatus", o, e)
		}
	}
	return nil, &acquiring.Error{Provider: provider, Op: "GetStatus", Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected,
		Message: "the operation has no charge of that number"}
}

// charged is a charge of a subscription as a payment of its own. Its order
// number is the ledger's, or the subscription's where the ledger has none; so a
// ledger that fails is an error. What was given back of it the bank does not
// tell apart.
func (c *Client) charged(ctx context.Context, op string, o *Operation, e OrderEntry) (*acquiring.Payment, error) {
	p := &acquiring.Payment{ID: acquiring.PaymentID(o.OperationID + chargeMark + e.key()), OrderID: string(o.PaymentLinkID), Status: acquiring.StatusPaid,
		Amount: e.Amount.Amount(), Captured: e.Amount.Amount(), Currency: "RUB", Method: acquiring.MethodCard,
		Test: c.conf.Environment == acquiring.Test, CreatedAt: e.Time.Time, PaidAt: e.Time.Time, ProviderStatus: string(o.Status), Raw: o.Raw}
	known, err := c.ledger.OfPayment(ctx, c.conf.Shop, LedgerCharge, o.OperationID)
	if err != nil {
		return nil, ledgerError(op, err, acquiring.OutcomeNotSent)
	}
	var open []string // what may have made the movement and has no answer yet
	for _, k := range known {
		if k.ID == e.key() {
			p.OrderID = k.Key
			return p, nil
		}
		if (k.ID == "" || k.ID == unseen) && k.Amount == e.Amount.Amount() && !slices.Contains(k.Seen, e.key()) {
			open = append(open, k.Key)
		}
	}
	if len(open) == 1 {
		p.OrderID = open[0]
	}
	return p, nil
}

// DeleteToken cancels a scheduled subscription. The bank has no call that ends
// one on demand: ErrUnsupported; forget the token, and nothing is charged any
// more.
func (c *Client) DeleteToken(ctx context.Context, token string) error {
	const op = "DeleteToken"
	if checkID(acquiring.PaymentID(token)) != nil || len(token) > 36 {
		return acquiring.InOp(provider, op, acquiring.Invalid("token", "is not a token of this bank"))
	}
	err := c.CancelSubscription(ctx, token)
	if errors.Is(err, acquiring.ErrNotFound) {
		e := acquiring.Unsupported(provider, op, "the bank has no call that ends a subscription on demand")
		e.Outcome, e.Err = acquiring.OutcomeRejected, err
		e.Hint = "forget the token in the shop's own database: nothing is charged unless Charge is called"
		return e
	}
	return err
}
