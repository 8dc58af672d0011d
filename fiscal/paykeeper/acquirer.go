package paykeeper

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// Acquirer is PayKeeper's payments in the words of package acquiring. Its
// PaymentID is the number of the invoice; GetStatus, Refund and the rest take
// the number of a payment too, for payments begun by a form or a saved card,
// which have no invoice.
//
// An invoice cannot ask for a hold, for a notification address of its own, or
// for a card to be saved: the first two are set in the cabinet (see Config),
// the third needs a form, see PaymentForm.CreateBinding.
type Acquirer struct{ c *Client }

// Acquirer gives the account's payments as an [acquiring.Acquirer]. It shares
// everything with the Client: the Store, the security token, the locks.
func (c *Client) Acquirer() *Acquirer { return &Acquirer{c} }

// Client gives the whole of the protocol: the Client that the Acquirer came from.
func (a *Acquirer) Client() *Client { return a.c }

// Name is "paykeeper" and Config.Shop: see [acquiring.Named].
func (a *Acquirer) Name() (provider, shop string) { return a.c.Name() }

// String names the account and hides its secrets.
func (a *Acquirer) String() string { return a.c.String() }

// GoString is String, for %#v.
func (a *Acquirer) GoString() string { return a.String() }

var (
	_ acquiring.Acquirer = (*Acquirer)(nil)
	_ acquiring.Capturer = (*Acquirer)(nil)
	_ acquiring.Canceler = (*Acquirer)(nil)
	_ acquiring.Finder   = (*Acquirer)(nil)
	_ acquiring.QRIssuer = (*Acquirer)(nil)
	_ acquiring.Charger  = (*Acquirer)(nil)
	_ acquiring.Lister   = (*Acquirer)(nil)
	_ acquiring.Checker  = (*Acquirer)(nil)
	_ acquiring.Named    = (*Acquirer)(nil)
)

// CreateInvoice issues an invoice: POST /change/invoice/preview/. The service
// takes the same order number any number of times, so the number is looked up
// first: an invoice that waits with the same sum is returned as it is, any
// other gives ErrDuplicate. Methods is nil or MethodSBP alone, which asks for
// the QR code too. What PayKeeper cannot say is ErrUnsupported, and nothing is
// sent: another currency than RUB, SaveCard, a Hold that is not Config.TwoStage,
// a CallbackURL that is not Config's, a FailURL that is not ReturnURL.
func (a *Acquirer) CreateInvoice(ctx context.Context, req acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	const op = "CreateInvoice"
	preview, err := a.preview(op, req)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	unlock, err := a.c.locks.lock(ctx, a.c.label()+"/order/"+req.OrderID)
	if err != nil {
		return nil, a.c.notSent(op, err)
	}
	defer unlock()
	inv, err := a.issue(ctx, op, req, preview)
	if err != nil {
		return nil, err
	}
	if req.Only(acquiring.MethodSBP) {
		if inv.QR, err = a.qr(ctx, inv); err != nil {
			return nil, err
		}
	}
	return inv, nil
}

// issue finds the order's invoice or makes one.
func (a *Acquirer) issue(ctx context.Context, op string, req acquiring.InvoiceRequest, preview PreviewRequest) (*acquiring.Invoice, error) {
	found, err := a.findInvoices(ctx, req.OrderID)
	if err != nil {
		return nil, err // whether an earlier call has made an invoice is not known
	}
	if len(found) > 0 {
		return a.reuse(op, req, found)
	}
	for again := false; ; again = true {
		made, err := a.c.PreviewInvoice(ctx, preview)
		if err == nil {
			return &acquiring.Invoice{ID: acquiring.PaymentID(made.ID), OrderID: req.OrderID, Amount: req.Amount,
				Currency: "RUB", PayURL: made.URL, ExpiresAt: preview.Expiry, Raw: made.Raw}, nil
		}
		if acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown || ctx.Err() != nil {
			return nil, err
		}
		found, lookErr := a.findInvoices(ctx, req.OrderID)
		if lookErr != nil {
			return nil, err
		}
		if len(found) > 0 {
			return a.reuse(op, req, found)
		}
		if again {
			return nil, err
		}
	}
}

// reuse gives the order's invoice that is there, if it is the one asked for.
func (a *Acquirer) reuse(op string, req acquiring.InvoiceRequest, found []*InvoiceInfo) (*acquiring.Invoice, error) {
	inv := best(found)
	duplicate := func(message, hint string) error {
		return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected,
			Message: "the order has the invoice " + string(inv.ID) + " " + message, Hint: hint}
	}
	switch {
	case inv.Status == InvoicePaid:
		return nil, duplicate("already, and it is paid", "read it with GetStatus")
	case inv.Status != InvoiceCreated && inv.Status != InvoiceSent:
		return nil, duplicate("already, and it is "+string(inv.Status), "give the new attempt a number of its own: acquiring.Attempt")
	case inv.Amount != req.Amount:
		return nil, duplicate("already, over "+inv.Amount.String(), "revoke it with Cancel, and give the new attempt a number of its own: acquiring.Attempt")
	}
	return &acquiring.Invoice{ID: acquiring.PaymentID(inv.ID), OrderID: inv.OrderID, Amount: inv.Amount, Currency: "RUB",
		PayURL: a.c.InvoiceURL(inv.ID), ExpiresAt: inv.ExpiresAt, Raw: inv.Raw}, nil
}

// preview is the request in PayKeeper's words, or what cannot be said in them.
func (a *Acquirer) preview(op string, req acquiring.InvoiceRequest) (PreviewRequest, error) {
	var none PreviewRequest
	if err := req.Validate(); err != nil {
		return none, err
	}
	cannot := func(field, why string) error {
		e := acquiring.Unsupported(provider, op, why)
		e.Field = field
		return e
	}
	switch {
	case req.CurrencyOrRUB() != "RUB":
		return none, cannot("Currency", "is not RUB, the only one that PayKeeper takes")
	case req.Hold != a.c.cfg.TwoStage && req.Hold:
		return none, cannot("Hold", "cannot be asked for in a request: switch two-stage payments on in the cabinet and set Config.TwoStage")
	case req.Hold != a.c.cfg.TwoStage:
		return none, cannot("Hold", "is false, but the account holds every payment (Config.TwoStage)")
	case req.SaveCard:
		return none, cannot("SaveCard", "cannot be asked for in an invoice: use Client.SignForm with CreateBinding")
	case req.CallbackURL != "" && req.CallbackURL != a.c.cfg.CallbackURL:
		return none, cannot("CallbackURL", "is not Config.CallbackURL: PayKeeper notifies the one address that is set in the cabinet")
	case req.FailURL != "" && req.FailURL != req.ReturnURL:
		return none, cannot("FailURL", "is not ReturnURL: PayKeeper sends the customer to one address")
	case len(req.Methods) > 0 && !req.Only(acquiring.MethodSBP):
		return none, cannot("Methods", "can be nil, or MethodSBP alone: the ways to pay are set in the cabinet")
	}
	out := PreviewRequest{Amount: req.Amount, ClientID: req.Customer.ID, OrderID: req.OrderID,
		ClientEmail: req.Customer.Email, ClientPhone: req.Customer.Phone, Extra: req.Extra}
	if out.ClientID == "" {
		out.ClientID = req.Customer.Name
	}
	service, err := a.service(req.Receipt, &out.ClientEmail, &out.ClientPhone)
	if err != nil {
		return none, err
	}
	service.Text, service.Lang, service.ReturnURL = req.Description, strings.ToLower(req.Language), req.ReturnURL
	out.Service = service
	if req.TTL > 0 {
		out.Expiry = a.c.now().Add(req.TTL).In(moscow).Truncate(time.Second)
	}
	if _, err := out.form(); err != nil {
		return none, err
	}
	return out, nil
}

// service is the receipt of a payment; its contact is the payment's.
func (a *Acquirer) service(r *fiscal.Receipt, email, phone *string) (ServiceName, error) {
	if r == nil {
		return ServiceName{}, nil
	}
	service, err := a.c.serviceName(r, fiscal.Sale)
	if err != nil {
		e := invalidReceipt("Receipt", err)
		e.Kind = acquiring.ErrUnsupported
		return service, e
	}
	for _, o := range []struct {
		field string
		to    *string
		value string
	}{{"email", email, r.Contact.Email}, {"phone", phone, r.Contact.Phone}} {
		if o.value != "" && *o.to != "" && *o.to != o.value {
			return service, acquiring.Invalid("Receipt.contact."+o.field, "is another than the customer's: PayKeeper knows one for both")
		}
		if *o.to == "" {
			*o.to = o.value
		}
	}
	return service, nil
}

// GetStatus reads the payment by the invoice's number, or by the payment's.
func (a *Acquirer) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	const op = "GetStatus"
	inv, p, err := a.read(ctx, op, id)
	if err != nil {
		return nil, err
	}
	return a.whole(ctx, op, id, inv, p)
}

// whole maps a payment, with its card where it was paid by one.
func (a *Acquirer) whole(ctx context.Context, op string, id acquiring.PaymentID, inv *InvoiceInfo, p *PaymentInfo) (*acquiring.Payment, error) {
	var h hold
	if p != nil {
		var err error
		if h, err = a.holdOf(ctx, op, p); err != nil {
			return nil, err
		}
	}
	out := a.payment(id, inv, p, h)
	if p != nil && (out.Status.Succeeded() || out.Status == acquiring.StatusAuthorized) && out.Method != acquiring.MethodSBP {
		// The card is often not there yet; the payment is, with or without it.
		if o, err := a.c.PaymentOptions(ctx, p.ID); err == nil && o.CardNumber != "" {
			out.Card = &acquiring.Card{Masked: o.CardNumber}
			if out.Method == "" {
				out.Method = acquiring.MethodCard
			}
		}
	}
	return out, nil
}

// isInvoiceID says whether the number is an invoice's by its form: 17 digits.
// A payment's was seen in that form once, so it is only asked for first.
func isInvoiceID(id acquiring.PaymentID) bool { return len(id) == 17 }

// read reads the invoice, if the number is one's, and its payment, if there is
// one.
func (a *Acquirer) read(ctx context.Context, op string, id acquiring.PaymentID) (*InvoiceInfo, *PaymentInfo, error) {
	if err := checkID("ID", string(id)); err != nil {
		return nil, nil, acquiring.InOp(provider, op, err)
	}
	if isInvoiceID(id) {
		inv, err := a.c.Invoice(ctx, InvoiceID(id))
		if err == nil {
			if inv.PaymentID == "" {
				return inv, nil, nil
			}
			p, err := a.c.Payment(ctx, inv.PaymentID)
			return inv, p, err
		}
		if !errors.Is(err, acquiring.ErrNotFound) {
			return nil, nil, err
		}
	}
	p, err := a.c.Payment(ctx, PaymentID(id))
	return nil, p, err
}

// PaymentOf is PayKeeper's number of the payment behind an Invoice.ID or a
// Payment.ID, for the calls of Client; ErrConflict: it is not paid.
func (a *Acquirer) PaymentOf(ctx context.Context, id acquiring.PaymentID) (PaymentID, error) {
	_, p, err := a.paid(ctx, "PaymentOf", id)
	if err != nil {
		return "", err
	}
	return p.ID, nil
}

// paid is read for what needs a payment.
func (a *Acquirer) paid(ctx context.Context, op string, id acquiring.PaymentID) (*InvoiceInfo, *PaymentInfo, error) {
	inv, p, err := a.read(ctx, op, id)
	if err != nil {
		return nil, nil, notYet(err)
	}
	if p == nil {
		return nil, nil, a.conflict(op, "the invoice is "+string(inv.Status)+", there is no payment of it", "wait until it is paid, or withdraw it with Cancel")
	}
	return inv, p, nil
}

// conflict is the error of a payment whose state, as the service has just told
// it, does not allow the call.
func (a *Acquirer) conflict(op, message, hint string) *acquiring.Error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Message: message, Hint: hint}
}

// Cancel withdraws an unpaid invoice: POST /change/invoice/revoke/. The service
// shows it as expired afterwards.
func (a *Acquirer) Cancel(ctx context.Context, id acquiring.PaymentID) error {
	const op = "Cancel"
	if err := checkID("ID", string(id)); err != nil {
		return acquiring.InOp(provider, op, err)
	}
	inv, err := a.c.Invoice(ctx, InvoiceID(id))
	if err != nil {
		return notYet(err)
	}
	switch inv.Status {
	case InvoicePaid:
		return a.conflict(op, "the invoice is paid", "give the money back with Refund")
	case InvoiceExpired:
		return nil
	}
	return a.c.RevokeInvoice(ctx, inv.ID)
}

// VerifyCallback reads the notification of a payment (POST-оповещение), checks
// its signature, and reads the payment back: the signature leaves open where
// the number ends and the sum begins, so sum and order must be the payment's
// own. PaymentID is the invoice's number where the payment has an invoice. A
// notification over nothing (sum 0.00) is CallbackOther.
//
// Of what the signature does not cover only batch_date is heeded, the one sign
// of a hold: with it the payment counts as held, which is the careful side.
func (a *Acquirer) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	const op = "VerifyCallback"
	n, body, err := a.c.ReadNotification(r)
	if err != nil {
		return nil, err
	}
	cb := &acquiring.Callback{Kind: acquiring.CallbackPayment, Key: a.c.label() + ":payment:" + string(n.ID),
		PaymentID: acquiring.PaymentID(n.ID), OrderID: n.OrderID, Amount: n.Sum, Signed: true, Reply: n.Reply(), Raw: body}
	if n.Sum == 0 {
		cb.Kind = acquiring.CallbackOther
		return cb, nil
	}
	p, err := a.c.Payment(ctx, n.ID)
	if errors.Is(err, acquiring.ErrNotFound) && isInvoiceID(acquiring.PaymentID(n.ID)) {
		_, p, err = a.paid(ctx, op, acquiring.PaymentID(n.ID))
	}
	if err != nil {
		return nil, err
	}
	if p.Amount != n.Sum || p.OrderID != n.OrderID {
		return nil, notPayKeepers("the payment of this number has another sum or another order")
	}
	if n.Held() {
		if err := a.noteHold(ctx, op, p.ID, n.BatchDate); err != nil {
			return nil, err
		}
	}
	inv, err := a.invoiceOf(ctx, p)
	if err != nil {
		return nil, err
	}
	if inv != nil {
		cb.PaymentID = acquiring.PaymentID(inv.ID)
	}
	if cb.Payment, err = a.whole(ctx, op, cb.PaymentID, inv, p); err != nil {
		return nil, err
	}
	cb.Status = cb.Payment.Status
	if cb.Status == acquiring.StatusPending {
		// Only money that came is notified: the answer is older than the news,
		// which is to come again (see webhook.Behind).
		cb.Status = acquiring.StatusPaid
		if n.Held() {
			cb.Status = acquiring.StatusAuthorized
		}
	}
	return cb, nil
}

// Check says whether the credentials are good, by asking for a security token,
// and whether the account has a way to pay: ErrConflict when it has none.
func (a *Acquirer) Check(ctx context.Context) error {
	const op = "Check"
	if _, err := a.c.fetchToken(ctx); err != nil {
		return err
	}
	systems, err := a.c.PaymentSystems(ctx)
	if err != nil {
		return err
	}
	if len(systems) == 0 {
		return a.conflict(op, "the account has no payment system", "ask PayKeeper to switch one on")
	}
	return nil
}
