package sberbank

import (
	"context"
	"errors"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

var (
	_ acquiring.Acquirer = (*Client)(nil)
	_ acquiring.Capturer = (*Client)(nil)
	_ acquiring.Canceler = (*Client)(nil)
	_ acquiring.Finder   = (*Client)(nil)
	_ acquiring.QRIssuer = (*Client)(nil)
	_ acquiring.Charger  = (*Client)(nil)
	_ acquiring.Checker  = (*Client)(nil)
	_ acquiring.Named    = (*Client)(nil)
	_ acquiring.Acquirer = (*LegacyClient)(nil)
	_ acquiring.Lister   = (*LegacyClient)(nil)
)

// CreateInvoice registers an order (register.do, with Hold
// registerPreAuth.do). ReturnURL is demanded. The order number has at most 36
// characters, 32 at the legacy gateway (printable ASCII, Cyrillic, №; no
// semicolon), and is burnt for ever. A description is put into the bank's
// alphabet and cut at 99 characters.
//
// Methods: MethodSBP alone gives Invoice.QR; any other list is the page's
// business, which offers what the merchant has. Extra: fields of register.do,
// and as jsonParams.NAME parameters of the order ("jsonParams.web2app":
// "true"); Metadata becomes parameters of the order and comes back with the
// payment. Customer.ID (clientId) is sent with SaveCard, or with a bindingId
// in Extra: whoever is named has his card saved.
//
// ErrInvalid, with nothing sent, are: a sum above 9 999 999 999.99; a currency
// other than RUB; a Language other than ru and en; a TTL above 999 999 999 s, of
// an SBP code 90 days (0 is the merchant's, 20 minutes by default); addresses of
// less than 12 or more than 2048 characters (512 at the legacy gateway, and of
// CallbackURL), and in production a CallbackURL without https; Metadata whose
// names have more than 20 characters or are the gateway's own, or whose values
// have more than 1024; more than 99 parameters with Extra's, or at the legacy
// gateway 1024 characters of them.
//
// The bank does not return the payment page of an order a second time. After
// an answer that was lost, the order is looked for by its number: if it is not
// there it is registered again; if it is, and the page cannot be had, the
// error is ErrDuplicate and its Hint says what is known.
func (c *Client) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	const op = "CreateInvoice"
	if err := c.checkInvoice(r); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	req, err := c.registration(r)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	out, err := c.registerOnce(ctx, r.Hold, req)
	if err != nil {
		return nil, err
	}
	inv := &acquiring.Invoice{ID: acquiring.PaymentID(out.OrderID), OrderID: r.OrderID, Amount: r.Amount, Currency: "RUB",
		PayURL: string(out.FormURL), Raw: out.Raw}
	if r.TTL > 0 {
		inv.ExpiresAt = c.now().Add(time.Duration(req.SessionTimeout) * time.Second)
	}
	if r.Only(acquiring.MethodSBP) {
		if inv.QR, err = c.issueQR(ctx, r, out, inv.ExpiresAt); err != nil {
			return nil, err
		}
	}
	return inv, nil
}

// registerOnce registers an order so that it exists once, whatever becomes of
// the answers.
func (c *Client) registerOnce(ctx context.Context, hold bool, req RegisterRequest) (*Registered, error) {
	register := c.Register
	if hold {
		register = c.RegisterPreAuth
	}
	// The same key for both calls: a gateway that honours it answers the
	// second with the first answer.
	req.IdempotencyKey = c.newKey()
	out, err := register(ctx, req)
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, acquiring.ErrDuplicate):
		return nil, c.duplicate(ctx, err, req, false)
	case acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown || ctx.Err() != nil:
		return nil, err
	}
	lost := err
	_, err = c.FindByOrder(ctx, req.OrderNumber)
	if err != nil && !errors.Is(err, acquiring.ErrNotFound) {
		return nil, lost // nothing was learned
	}
	found := err == nil
	// Registering the same number again is harmless: it is refused if the
	// first call had arrived.
	out, err = register(ctx, req)
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, acquiring.ErrDuplicate):
		return nil, c.duplicate(ctx, err, req, true)
	case found:
		return nil, lost
	}
	return nil, err
}

// duplicate says in the error what is known of the order that has the number
// already.
func (c *Client) duplicate(ctx context.Context, err error, req RegisterRequest, ours bool) error {
	next := nextAttempt
	if ours {
		next = "it may be this very request, whose answer was lost together with the payment page: withdraw the order with Cancel and issue an invoice with acquiring.Attempt(number, n+1)"
	}
	return c.desk.Duplicate(ctx, err, req.OrderNumber, next)
}

// nextAttempt is what to do about a number that is used.
const nextAttempt = "the bank does not give its payment page again: use the one that was stored with the number, or issue an invoice with acquiring.Attempt(number, n+1)"

// GetStatus reads the payment (getOrderStatusExtended.do). One that the bank does
// not know gives ErrNotFound.
func (c *Client) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	return c.desk.Read(ctx, id, 0)
}

func (c *Client) order(ctx context.Context, id acquiring.PaymentID) (*Order, error) {
	if id == "" || len(id) > 64 || !rbs.Printable(string(id)) {
		return nil, acquiring.InOp(provider, "GetStatus", acquiring.Invalid("ID", "is not an order's number at the bank; give Invoice.ID or Payment.ID"))
	}
	return c.GetOrderStatusExtended(ctx, StatusRequest{OrderID: string(id)})
}

// FindByOrder reads the payment by the shop's order number
// (getOrderStatusExtended.do). ErrNotFound: no order of it was registered.
func (c *Client) FindByOrder(ctx context.Context, orderID string) (*acquiring.Payment, error) {
	return c.desk.ByNumber(ctx, orderID)
}

func (c *Client) orderByNumber(ctx context.Context, number string) (*Order, error) {
	if !identifier(number, c.orderNumberLimit()) {
		return nil, acquiring.InOp(provider, "FindByOrder", acquiring.Invalid("OrderID", "is empty, too long or has characters that no order number has"))
	}
	return c.GetOrderStatusExtended(ctx, StatusRequest{OrderNumber: number})
}

// Capture takes the held money (deposit.do). Amount 0 reads what is held and
// takes it. A part is taken once: the rest is released. A payment that is not
// held gives ErrConflict, more than is held ErrInvalid. After an answer that was
// lost the order is read, and the call repeated while the money is still held.
func (c *Client) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	key := c.newKey()
	return c.desk.Capture(ctx, r, func(o *Order, sum money.Amount) error {
		req := DepositRequest{OrderID: string(r.ID), Amount: sum, IdempotencyKey: key}
		if r.Receipt != nil {
			if err := c.captureReceipt(&req, r, o); err != nil {
				return acquiring.InOp(provider, "Capture", err)
			}
		}
		_, err := c.Deposit(ctx, req)
		return err
	})
}

// Void releases a hold (reverse.do). One that is released already is a
// success; what is not held gives ErrConflict. A one-stage payment of the same day can be cancelled too, by
// [Client.Reverse]; Void does not do that.
func (c *Client) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	const hint = "give the money back with Refund; on the day of the payment Client.Reverse cancels it"
	return c.desk.Void(ctx, id, hint, func() error {
		_, err := c.Reverse(ctx, ReverseRequest{OrderID: string(id)})
		return err
	})
}

// Cancel withdraws an unpaid order (decline.do). One that is over already is a
// success; a paid or held one gives ErrConflict.
func (c *Client) Cancel(ctx context.Context, id acquiring.PaymentID) error {
	return c.desk.Cancel(ctx, id, func() error {
		_, err := c.Decline(ctx, DeclineRequest{OrderID: string(id)})
		return err
	})
}

// Check asks for an order that cannot exist: the gateway then says either
// that there is none, and the credentials are good, or that access is denied
// (ErrUnauthorized). With nothing but a token there is no way to tell:
// ErrUnsupported. Which methods the bank permits the merchant it does not tell.
func (c *Client) Check(ctx context.Context) error {
	if c.conf.UserName == "" {
		return acquiring.Unsupported(provider, "Check", "a token alone can only register orders; give UserName and Password to check them")
	}
	return c.desk.Probe(ctx)
}
