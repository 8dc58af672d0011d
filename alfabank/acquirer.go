package alfabank

import (
	"context"
	"fmt"
	"iter"
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
	_ acquiring.Lister   = (*Client)(nil)
	_ acquiring.Checker  = (*Client)(nil)
	_ acquiring.Named    = (*Client)(nil)
)

// CreateInvoice registers an order (register.do, with Hold
// registerPreAuth.do). ReturnURL is demanded. The order number has at most 32
// letters, digits, "-" and "_" (Config.AnyOrderNumber), and is used up for
// ever. A description becomes one line and is cut at 512 characters; an e-mail
// address of more than 40 is not sent.
//
// ErrInvalid, with nothing sent, are: a sum above 9 999 999 999.99; a currency
// other than RUB; a Language in which the bank has no page; a TTL above
// 999 999 999 s (0 is the merchant's, 20 minutes by default); addresses of more
// than 512 characters, and in production a CallbackURL without https; Metadata
// whose names are the gateway's own.
//
// Methods: MethodSBP alone gives Invoice.QR besides; any other list is the
// page's business, which offers what the merchant has (AlfaPay too: see
// [Client.AlfaPay] for an order of it alone). SaveCard adds the feature
// FORCE_CREATE_BINDING, with MethodSBP alone SBP_BINDING. Extra: fields of register.do, features as a list with
// commas, and as jsonParams.NAME parameters of the order; Metadata becomes
// parameters of the order and comes back with the payment.
//
// The bank does not return the payment page of an order a second time. After
// an answer that was lost, the order is looked for by its number: if it is not
// there it is registered again; if it is, it is withdrawn, because its page is
// lost, and the error is ErrDuplicate, whose Hint names the number of the next
// attempt. An order that was there before is left alone, and the error is
// ErrDuplicate too.
func (c *Client) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	const op = "CreateInvoice"
	if err := c.checkInvoice(r); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	sbp := r.Only(acquiring.MethodSBP)
	if sbp {
		if err := c.allowed(epQRGet); err != nil {
			return nil, err
		}
	}
	req, err := c.registration(r)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	out, err := c.registerOnce(ctx, r, req)
	if err != nil {
		return nil, err
	}
	c.storePage(ctx, out)
	inv := &acquiring.Invoice{ID: acquiring.PaymentID(out.OrderID), OrderID: r.OrderID, Amount: r.Amount, Currency: "RUB",
		PayURL: string(out.FormURL), Raw: out.Raw}
	if r.TTL > 0 {
		inv.ExpiresAt = c.now().Add(time.Duration(req.SessionTimeout) * time.Second)
	}
	if sbp {
		if inv.QR, err = c.issueQR(ctx, r, inv); err != nil {
			return nil, err
		}
	}
	return inv, nil
}

// CreateQR registers an order and gives the SBP code that pays it
// (sbp/c2b/qr/dynamic/get.do), with its picture: a PNG of 300 by 300 points. A
// merchant to whom the bank does not permit SBP gets an error (ErrUnauthorized
// ordinarily): the order is registered then, and its number used up. ReturnURL is
// demanded here too; a token gives ErrInvalid.
func (c *Client) CreateQR(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.QR, error) {
	r.Methods = []acquiring.Method{acquiring.MethodSBP}
	inv, err := c.CreateInvoice(ctx, r)
	if err != nil {
		return nil, err
	}
	return inv.QR, nil
}

// issueQR takes the code of a registered order.
func (c *Client) issueQR(ctx context.Context, r acquiring.InvoiceRequest, inv *acquiring.Invoice) (*acquiring.QR, error) {
	code, err := c.GetSBPQR(ctx, SBPQRRequest{OrderID: string(inv.ID), Format: "image", Width: 300, Height: 300,
		RedirectURL: r.ReturnURL, CreateSubscription: r.SaveCard})
	if err == nil && code.Payload == "" {
		err = &acquiring.Error{Provider: provider, Op: epQRGet.op, Kind: acquiring.ErrUnsupported, Outcome: acquiring.OutcomeRejected,
			Message: "the bank gave no SBP code; its state is " + code.State()}
	}
	if err != nil {
		return nil, hint(err, fmt.Sprintf("order %s is registered without a code: GetSBPQR asks for it again, Cancel withdraws it; SBP must be switched on for the merchant by the bank", inv.ID))
	}
	qr := &acquiring.QR{ID: string(code.ID), PaymentID: inv.ID, OrderID: r.OrderID, Payload: string(code.Payload), ExpiresAt: inv.ExpiresAt, Raw: code.Raw}
	if qr.Image = code.Image(); qr.Image != nil {
		qr.ImageType = "image/png"
	}
	return qr, nil
}

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
// (getOrderStatusExtended.do). ErrNotFound: no order of it was registered. A token
// may not: ErrInvalid.
func (c *Client) FindByOrder(ctx context.Context, orderID string) (*acquiring.Payment, error) {
	return c.desk.ByNumber(ctx, orderID)
}

func (c *Client) orderByNumber(ctx context.Context, number string) (*Order, error) {
	if !printableText(number) || number == "" || len(number) > 4*anyNumberLimit {
		return nil, acquiring.InOp(provider, "FindByOrder", acquiring.Invalid("OrderID", "is empty, too long or not printable"))
	}
	return c.GetOrderStatusExtended(ctx, StatusRequest{OrderNumber: number})
}

// Capture takes the held money (deposit.do). Amount 0 takes all that is held.
// A part is taken once: the rest is released, unless the bank permits several
// completions ([Client.Deposit]). Receipt gives the positions of a part. A
// payment that is not held gives ErrConflict, more than is held ErrInvalid. After
// an answer that was lost the order is read, and the call repeated while the money
// is still held.
func (c *Client) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	return c.desk.Capture(ctx, r, func(o *Order, sum money.Amount) error {
		req := DepositRequest{OrderID: string(r.ID), Amount: sum}
		if r.Receipt != nil {
			items, err := c.itemsOf(r.Receipt, sum, o, false)
			if err != nil {
				return acquiring.InOp(provider, "Capture", err)
			}
			req.Items = items
		}
		_, err := c.Deposit(ctx, req)
		return err
	})
}

// Void releases a hold (reverse.do). One that is released already is a
// success; what is not held gives ErrConflict. The bank lets an order be reversed
// once: a failed attempt counts. A payment that was taken can be cancelled within a time that the bank sets, by
// [Client.Reverse]; Void does not do that.
func (c *Client) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	const next = "give the money back with Refund"
	return c.desk.Void(ctx, id, next, func() error {
		_, err := c.Reverse(ctx, ReverseRequest{OrderID: string(id)})
		return err
	})
}

// Cancel withdraws an unpaid order (decline.do), which is read first: the bank
// demands its number in the shop. One that is over already is a success; a paid or
// held one gives ErrConflict.
func (c *Client) Cancel(ctx context.Context, id acquiring.PaymentID) error {
	return c.desk.Cancel(ctx, id, func() error {
		o, err := c.order(ctx, id)
		if err != nil {
			return err
		}
		_, err = c.Decline(ctx, DeclineRequest{OrderID: string(id), OrderNumber: string(o.OrderNumber)})
		return err
	})
}

// Payments lists the shop's orders by their registration
// (getLastOrdersForMerchants.do, 100 at a time). Without From it goes 30 days
// back from To.
func (c *Client) Payments(ctx context.Context, f acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	return c.desk.Payments(f, c.now(), func(q OrdersQuery) (*Orders, error) { return c.GetLastOrders(ctx, q) })
}

// Check asks for an order that cannot exist: the bank then says either that
// there is none, and the credentials are good, or that access is denied
// (ErrUnauthorized). It does not tell which methods are switched on for the
// merchant.
func (c *Client) Check(ctx context.Context) error { return c.desk.Probe(ctx) }
