package paymaster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// CreateInvoice makes a payment link (POST /api/v2/invoices).
//
// The order number is made into PayMaster's idempotency key, so that one order
// has one payment: a second request gives ErrDuplicate, and names the payment
// if it is found. After an answer that was lost the payment is looked for; one
// that nobody can have paid yet is cancelled and issued anew, because the
// address of its page cannot be asked for. One that is older than the call is
// left alone, and gives ErrDuplicate too.
//
// Description is cut at 1024 characters; "" is «Заказ» and the number. FailURL
// and Language have no counterpart and are not sent. Methods holds one
// method, or none for all. What SaveCard saves is Config.TokenType. Extra names
// members with dots ("paymentMethod", "protocol.threeDSCompleteUrl"); a value
// that is JSON is sent as such.
func (c *Client) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	const op = "CreateInvoice"
	req, err := c.invoice(r)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	start := c.now()
	req.IdempotencyKey = c.orderKey(r.OrderID, 1)
	link, err := c.IssueInvoice(ctx, req)
	for try := 1; err != nil && try < 3; try++ {
		if errors.Is(err, acquiring.ErrDuplicate) {
			return nil, c.duplicate(ctx, op, r.OrderID, err)
		}
		if acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown || ctx.Err() != nil {
			return nil, err
		}
		lost, readErr := c.search(ctx, r.OrderID, c.now().Sub(start)+time.Hour)
		if readErr != nil {
			return nil, hinted(err, "call CreateInvoice again with the same request")
		}
		if lost != nil {
			if err := c.withdraw(ctx, lost, start, err); err != nil {
				return nil, err
			}
			// The old key is spent on the payment that was withdrawn.
			req.IdempotencyKey = c.orderKey(r.OrderID, try+1)
		}
		link, err = c.IssueInvoice(ctx, req)
	}
	if errors.Is(err, acquiring.ErrDuplicate) {
		return nil, c.duplicate(ctx, op, r.OrderID, err)
	}
	if err != nil {
		return nil, hinted(err, "call CreateInvoice again with the same request")
	}
	return &acquiring.Invoice{ID: acquiring.PaymentID(link.PaymentID), OrderID: r.OrderID, Amount: r.Amount, Currency: r.CurrencyOrRUB(),
		PayURL: link.URL, ExpiresAt: req.Invoice.Expires.Time, Raw: link.Raw}, nil
}

// orderKey is the idempotency key of an order.
func (c *Client) orderKey(orderID string, try int) string {
	return keyOf("order", c.conf.MerchantID, orderID, fmt.Sprint(try), fmt.Sprint(c.testMode()))
}

// withdraw cancels the payment of an invoice whose link was lost. One that was
// there before the call has a link that a customer may be paying by: it is left
// alone.
func (c *Client) withdraw(ctx context.Context, lost *PaymentInfo, start time.Time, cause error) error {
	if p := lost.Payment(nil); p.Status.Final() && !p.Status.Succeeded() {
		return nil
	}
	if lost.Created.Before(start.Add(-2 * before)) {
		return known("CreateInvoice", lost, cause)
	}
	if err := c.Cancel(ctx, acquiring.PaymentID(lost.ID)); err != nil {
		return known("CreateInvoice", lost, cause)
	}
	return nil
}

// known is the error for an order that has a payment.
func known(op string, p *PaymentInfo, cause error) error {
	e := &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Err: cause,
		Message: fmt.Sprintf("the order has payment %s already, which is %s", p.ID, p.status())}
	switch s := p.status(); {
	case s.Succeeded() || s == acquiring.StatusAuthorized:
		e.Hint = "do not ask for the money again; read the payment with GetStatus"
	case s.Final():
		e.Hint = "issue a new attempt under another number: acquiring.Attempt"
	default:
		e.Hint = "its page cannot be asked for: if the link is lost, withdraw the payment with Cancel and issue a new attempt under another number (acquiring.Attempt)"
	}
	return e
}

// duplicate says which payment an order has.
func (c *Client) duplicate(ctx context.Context, op, orderID string, cause error) error {
	p, err := c.search(ctx, orderID, c.searchPeriod())
	if err == nil && p != nil {
		return known(op, p, cause)
	}
	return hinted(acquiring.InOp(provider, op, cause),
		"a request with this order number was made before; if FindByOrder finds no payment in a minute, issue a new attempt under another number: acquiring.Attempt")
}

// invoice makes the request of an invoice.
func (c *Client) invoice(r acquiring.InvoiceRequest) (InvoiceCreate, error) {
	req := InvoiceCreate{DualMode: r.Hold, Extra: r.Extra}
	if err := c.checkInvoice(r); err != nil {
		return req, err
	}
	if len(r.Methods) == 1 {
		req.PaymentMethod = methods[r.Methods[0]]
	}
	req.Invoice, req.Amount = c.order(r), Sum(r.Amount, r.CurrencyOrRUB())
	req.Protocol, req.Customer = protocol(r), customer(r.Customer, "")
	if r.SaveCard {
		req.Tokenization = &Tokenization{Type: c.tokenType(), Purpose: req.Invoice.Description}
	}
	if r.Receipt != nil {
		receipt, err := newReceipt(r.Receipt, fiscal.Sale)
		if err != nil {
			return req, err
		}
		req.Receipt = receipt
	}
	return req, nil
}

// checkInvoice is what PayMaster refuses, found out before anything is sent.
func (c *Client) checkInvoice(r acquiring.InvoiceRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if want := currency(c.conf.Currency); r.CurrencyOrRUB() != want {
		return acquiring.Invalid("Currency", "is not "+want+", the shop's (Config.Currency)")
	}
	if err := c.checkCallbackURL(r.CallbackURL); err != nil {
		return err
	}
	return checkMethods(r.Methods)
}

func checkMethods(list []acquiring.Method) error {
	if len(list) > 1 {
		return acquiring.Invalid("Methods", "has more than one; PayMaster offers all that the shop has, or one")
	}
	for _, m := range list {
		if methods[m] == "" {
			return acquiring.Invalid("Methods", fmt.Sprintf("has %q, for which PayMaster has no name; give its own in Extra (paymentMethod)", m))
		}
	}
	return nil
}

func (c *Client) tokenType() string {
	if c.conf.TokenType == "" {
		return TokenRecurring
	}
	return c.conf.TokenType
}

func (c *Client) order(r acquiring.InvoiceRequest) InvoiceData {
	d := InvoiceData{Description: description(r.Description, r.OrderID, 1024), OrderNo: r.OrderID, Params: r.Metadata}
	if r.Hold {
		d.Params = c.withOrdered(d.Params, r.OrderID, r.Amount, r.CurrencyOrRUB())
	}
	if r.TTL > 0 {
		// Written to the second.
		d.Expires = Time{c.now().Add(r.TTL + time.Second - 1).UTC().Truncate(time.Second)}
	}
	return d
}

func protocol(r acquiring.InvoiceRequest) *Protocol {
	if r.ReturnURL == "" && r.CallbackURL == "" {
		return nil
	}
	return &Protocol{ReturnURL: r.ReturnURL, CallbackURL: r.CallbackURL}
}

func customer(c acquiring.Customer, ip string) *CustomerData {
	d := CustomerData{Email: c.Email, Phone: digits(c.Phone), IP: ip, Account: c.ID}
	if d == (CustomerData{}) {
		return nil
	}
	return &d
}

// CreateQR makes an SBP payment and gives the link to be shown as a QR code
// (POST /api/v2/payments with sbp). After an answer that was lost, and for an
// order that has such a payment already, the code is read back.
func (c *Client) CreateQR(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.QR, error) {
	const op = "CreateQR"
	r.Methods = []acquiring.Method{acquiring.MethodSBP}
	inv, err := c.invoice(r)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	p, err := c.pay(ctx, op, r, PaymentCreate{DualMode: inv.DualMode, Invoice: inv.Invoice, Amount: inv.Amount, PaymentData: PaymentData{PaymentMethod: "sbp"},
		Tokenization: inv.Tokenization, Protocol: inv.Protocol, Customer: inv.Customer, Receipt: inv.Receipt, Extra: r.Extra})
	if err != nil {
		return nil, err
	}
	if p.Confirmation == nil || p.Confirmation.PaymentURL == "" {
		if s := p.status(); s != acquiring.StatusPending {
			return nil, known(op, p, nil)
		}
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrUnsupported, Outcome: acquiring.OutcomeRejected,
			Message: "PayMaster gave no link of СБП for payment " + string(p.ID), Hint: "ask PayMaster whether SBP is connected to the shop"}
	}
	return &acquiring.QR{ID: string(p.ID), PaymentID: acquiring.PaymentID(p.ID), OrderID: r.OrderID, Payload: p.Confirmation.PaymentURL,
		ExpiresAt: inv.Invoice.Expires.Time, Raw: p.Raw}, nil
}

// Charge takes money by a saved card or account (POST /api/v2/payments with
// the token). The order number is made into PayMaster's idempotency key: the
// same one gives the payment that it made, or ErrDuplicate where that is of
// another sum. A declined charge and a blocked card give ErrDeclined, a revoked
// card ErrNotFound. An SBP charge may be pending at first.
func (c *Client) Charge(ctx context.Context, r acquiring.ChargeRequest) (*acquiring.Payment, error) {
	const op = "Charge"
	if err := r.Validate(); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if err := checkID(op, "Token", r.Token); err != nil {
		return nil, err
	}
	inv, err := c.invoice(r.Invoice())
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	info, err := c.pay(ctx, op, r.Invoice(), PaymentCreate{DualMode: r.Hold, Invoice: inv.Invoice, Amount: inv.Amount,
		PaymentData: PaymentData{Token: &TokenRef{r.Token}}, Protocol: inv.Protocol, Customer: customer(r.Customer, r.IP), Receipt: inv.Receipt, Extra: r.Extra})
	if err != nil {
		return nil, err
	}
	p := info.Payment(nil)
	if p.OrderID == "" {
		p.OrderID = r.OrderID
	}
	switch p.Status {
	case acquiring.StatusDeclined, acquiring.StatusCanceled, acquiring.StatusExpired:
		e := &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrDeclined, Outcome: acquiring.OutcomeRejected,
			Message: "the charge was declined", Code: info.ResultCode, Hint: "for another try take a new order number: acquiring.Attempt"}
		if p.Failure != nil && p.Failure.Message != "" {
			e.Message += ": " + c.rest.Excerpt([]byte(p.Failure.Message))
		}
		return nil, e
	}
	return p, nil
}

// pay makes a payment of an order, once. One that is there already is read
// back, if it is of the same sum.
func (c *Client) pay(ctx context.Context, op string, r acquiring.InvoiceRequest, req PaymentCreate) (*PaymentInfo, error) {
	start := c.now()
	req.IdempotencyKey = c.orderKey(r.OrderID, 1)
	p, err := c.CreatePayment(ctx, req)
	period := c.searchPeriod()
	if err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown && ctx.Err() == nil {
		period = c.now().Sub(start) + time.Hour
		found, readErr := c.search(ctx, r.OrderID, period)
		switch {
		case readErr != nil:
			return nil, hinted(err, "call "+op+" again with the same request")
		case found != nil:
			return c.sameOrder(ctx, op, r, found, err)
		}
		// Not there: if it arrives after all, the key refuses this one.
		p, err = c.CreatePayment(ctx, req)
	}
	switch {
	case err == nil && p.Amount.Value.Amount() != r.Amount:
		return nil, known(op, p, nil) // a server that repeats its first answer
	case err == nil:
		return p, nil
	case errors.Is(err, acquiring.ErrDuplicate):
		found, readErr := c.search(ctx, r.OrderID, period)
		if readErr != nil || found == nil {
			return nil, c.duplicate(ctx, op, r.OrderID, err)
		}
		return c.sameOrder(ctx, op, r, found, err)
	case acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown:
		return nil, hinted(err, "call "+op+" again with the same request")
	}
	return nil, err
}

// sameOrder is the payment that an order has, whole.
func (c *Client) sameOrder(ctx context.Context, op string, r acquiring.InvoiceRequest, found *PaymentInfo, cause error) (*PaymentInfo, error) {
	if found.Amount.Value.Amount() != r.Amount || !strings.EqualFold(found.Amount.Currency, r.CurrencyOrRUB()) {
		return nil, known(op, found, cause)
	}
	return c.read(ctx, op, string(found.ID))
}

// DeleteToken revokes a saved card or account. One that is revoked already is a
// success.
func (c *Client) DeleteToken(ctx context.Context, token string) error {
	if err := checkID("DeleteToken", "Token", token); err != nil {
		return err
	}
	err := c.RevokeToken(ctx, token)
	if errors.Is(err, acquiring.ErrUnauthorized) || err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeNotSent {
		return err
	}
	// An empty answer is PayMaster's success, and a broken proxy's too.
	t, readErr := c.GetToken(ctx, token)
	switch {
	case readErr == nil && t.Status == TokenRevoked, err == nil && errors.Is(readErr, acquiring.ErrNotFound):
		return nil
	case err == nil:
		return unsure("DeleteToken", "PayMaster answered that it is done, and the token is not known to be revoked", readErr)
	}
	return err
}
