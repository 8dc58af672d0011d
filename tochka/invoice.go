package tochka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
)

// Limits of the bank.
const (
	maxOrderID = 45
	maxPurpose = 140
	maxURL     = 2083
	maxTTL     = 44640 * time.Minute // 31 days
	defaultTTL = 10080 * time.Minute // a week
)

// CreateInvoice creates a payment link; with a Receipt, one whose receipt the
// bank's partner prints after the payment (payments_with_receipt).
//
// OrderID has at most 45 characters, is shown to the buyer and never used
// again. Description is cut at 140 characters; "" is «Заказ» and the number.
// TTL is a minute to 31 days, rounded up to minutes; a week by default. MethodSBP
// alone makes a page that shows an SBP code; CreateQR gives the code itself.
// Methods that the retail point lacks are left out, since one of them would
// refuse the whole; none left is ErrInvalid. Hold offers cards only, since
// nothing else is held. CallbackURL, Language and Metadata have no place at
// the bank: SetWebhook sets the address of all notifications.
//
// SaveCard makes a subscription on demand, by card only, without TTL: once it
// is paid, its Invoice.ID is the token for Charge (Card.Token too). The bank
// gives such payments back in the internet bank only. Extra knows consumerId
// (of an earlier operation: shows the buyer's saved cards) and saveCard ("true"
// lets the buyer save his card for his next visit; no token comes of it).
//
// A receipt needs the customer's e-mail and a retail point with a cash
// register; the point is looked up first, so that the error is clear.
//
// It is safe to repeat: a link with the same number and sum that is not paid
// is returned, another gives ErrDuplicate.
func (c *Client) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	const op = "CreateInvoice"
	create, err := c.prepare(ctx, r)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	o, err := c.createOnce(ctx, r, create)
	if err != nil {
		return nil, err
	}
	if r.SaveCard {
		c.rememberSubscription(ctx, r, o)
	}
	return c.invoice(r, o), nil
}

// invoice is an operation as the invoice of it.
func (c *Client) invoice(r acquiring.InvoiceRequest, o *Operation) *acquiring.Invoice {
	inv := &acquiring.Invoice{ID: acquiring.PaymentID(o.OperationID), OrderID: r.OrderID, Amount: r.Amount, Currency: "RUB", PayURL: o.PaymentLink, Raw: o.Raw}
	life := time.Duration(o.TTL) * time.Minute
	if life <= 0 {
		if life = r.TTL; life <= 0 {
			life = defaultTTL
		}
	}
	from := o.CreatedAt.Time
	if from.IsZero() {
		from = c.now()
	}
	inv.ExpiresAt = from.Add(life)
	return inv
}

// checkOrderID holds for every order number.
func checkOrderID(id string) error {
	if strings.TrimSpace(id) == "" || utf8.RuneCountInString(id) > maxOrderID || !utf8.ValidString(id) {
		return acquiring.Invalid("OrderID", fmt.Sprintf("is empty, is not UTF-8, or has more than %d characters", maxOrderID))
	}
	return nil
}

// checkInvoice is what can be said without the bank. It returns the request
// with the receipt's contact filled in.
func checkInvoice(r acquiring.InvoiceRequest) (acquiring.InvoiceRequest, error) {
	if r.Receipt != nil && r.Receipt.Contact.Email == "" {
		if r.Customer.Email == "" {
			return r, acquiring.Invalid("Customer.Email", "is empty; the bank sends the receipt there and refuses a receipt without it")
		}
		own := *r.Receipt
		own.Contact.Email = r.Customer.Email
		r.Receipt = &own
	}
	if err := r.Validate(); err != nil {
		return r, err
	}
	if err := checkOrderID(r.OrderID); err != nil {
		return r, err
	}
	switch {
	case r.CurrencyOrRUB() != "RUB":
		return r, acquiring.Invalid("Currency", "is "+r.Currency+"; the bank takes roubles")
	case len(r.ReturnURL) > maxURL:
		return r, acquiring.Invalid("ReturnURL", "is longer than 2083 characters")
	case len(r.FailURL) > maxURL:
		return r, acquiring.Invalid("FailURL", "is longer than 2083 characters")
	case r.TTL > maxTTL || (r.TTL > 0 && r.TTL < time.Minute):
		return r, acquiring.Invalid("TTL", "is not between a minute and 31 days")
	}
	for _, m := range r.Methods {
		if _, ok := modeOf(m); !ok {
			return r, acquiring.Invalid("Methods", fmt.Sprintf("has %q, which the bank does not offer", m))
		}
	}
	for name, value := range r.Extra {
		switch {
		case name == "consumerId" && value != "":
		case name == "saveCard" && (value == "true" || value == "false"):
		default:
			return r, acquiring.Invalid("Extra", fmt.Sprintf("has %s %q; it knows consumerId, and saveCard with true or false", name, value))
		}
	}
	return r, nil
}

// minutes is a life in whole minutes, rounded up.
func minutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }

// purpose is what the buyer sees.
func purpose(r acquiring.InvoiceRequest) string {
	text := r.Description
	if !tidy(text) {
		text = strings.Join(strings.Fields(text), " ")
	}
	if text == "" {
		text = "Заказ " + r.OrderID
	}
	if utf8.RuneCountInString(text) > maxPurpose {
		text = strings.TrimSpace(string([]rune(text)[:maxPurpose-1])) + "…"
	}
	return text
}

// tidy says whether a text is words with one space between them.
func tidy(s string) bool {
	after := true // a space, or the beginning
	for _, r := range s {
		space := unicode.IsSpace(r)
		if space && (after || r != ' ') {
			return false
		}
		after = space
	}
	return !after
}

// prepare checks a request and makes the call that creates its link.
func (c *Client) prepare(ctx context.Context, r acquiring.InvoiceRequest) (func(context.Context) (*Operation, error), error) {
	r, err := checkInvoice(r)
	if err != nil {
		return nil, err
	}
	company, err := c.company("CreateInvoice")
	if err != nil {
		return nil, err
	}
	card := r.Hold || r.SaveCard
	switch {
	case r.Hold && r.SaveCard:
		return nil, acquiring.Unsupported(provider, "CreateInvoice", "the bank has no hold with a subscription (Hold and SaveCard)")
	case card && r.Methods != nil && !slices.ContainsFunc(r.Methods, func(m acquiring.Method) bool { mode, _ := modeOf(m); return mode == ModeCard }):
		return nil, acquiring.Unsupported(provider, "CreateInvoice", "the bank holds money on cards and saves cards only (Methods)")
	case r.SaveCard && r.TTL != 0:
		return nil, acquiring.Unsupported(provider, "CreateInvoice", "the link of a subscription lives a week; it takes no TTL")
	}
	if card {
		r.Methods = []acquiring.Method{acquiring.MethodCard}
	}
	receipt, err := receiptOf(r)
	if err != nil {
		return nil, err
	}
	modes, err := c.modes(ctx, r)
	if err != nil {
		return nil, err
	}
	if r.SaveCard {
		req := SubscriptionRequest{CustomerCode: company, Amount: Sum(r.Amount), Purpose: purpose(r), RedirectURL: r.ReturnURL, FailRedirectURL: r.FailURL,
			ConsumerID: r.Extra["consumerId"], MerchantID: c.conf.MerchantID, Recurring: true, PaymentLinkID: r.OrderID}
		if r.Extra["saveCard"] == "true" {
			return nil, acquiring.Invalid("Extra", "has saveCard beside SaveCard: the bank would fail at every later charge")
		}
		if receipt != nil {
			return func(ctx context.Context) (*Operation, error) {
				return c.CreateSubscriptionWithReceipt(ctx, SubscriptionReceiptRequest{req, *receipt})
			}, nil
		}
		return func(ctx context.Context) (*Operation, error) { return c.CreateSubscription(ctx, req) }, nil
	}
	req := PaymentRequest{CustomerCode: company, Amount: Sum(r.Amount), Purpose: purpose(r), PaymentMode: modes, RedirectURL: r.ReturnURL, FailRedirectURL: r.FailURL,
		SaveCard: r.Extra["saveCard"] == "true", ConsumerID: r.Extra["consumerId"], MerchantID: c.conf.MerchantID, PreAuthorization: r.Hold,
		TTL: minutes(r.TTL), PaymentLinkID: r.OrderID}
	if receipt != nil {
		return func(ctx context.Context) (*Operation, error) {
			return c.CreatePaymentWithReceipt(ctx, PaymentReceiptRequest{req, *receipt})
		}, nil
	}
	body := &dataOf[PaymentRequest]{req}
	return func(ctx context.Context) (*Operation, error) { return c.createPayment(ctx, company, body) }, nil
}

func receiptOf(r acquiring.InvoiceRequest) (*ReceiptFields, error) {
	if r.Receipt == nil {
		return nil, nil
	}
	return NewReceiptFields(r.Receipt, r.Customer)
}

// modes are the ways to pay that the retail point has of those asked for. It
// also finds out whether the point prints receipts, if one is wanted.
func (c *Client) modes(ctx context.Context, r acquiring.InvoiceRequest) ([]PaymentMode, error) {
	asked := r.Methods
	if asked == nil {
		asked = c.conf.Methods
	}
	var wanted []PaymentMode
	for _, m := range asked {
		if mode, ok := modeOf(m); ok && !slices.Contains(wanted, mode) {
			wanted = append(wanted, mode)
		}
	}
	var have []PaymentMode
	_, err := c.point(ctx, func(p Retailer) error {
		if wanted != nil {
			have = without(wanted, func(m PaymentMode) bool { return !slices.Contains(p.PaymentModes, m) })
		} else {
			have = without(p.PaymentModes, func(m PaymentMode) bool {
				return m != ModeCard && m != ModeSBP && m != ModeTPay && m != ModeDolyame
			})
		}
		switch {
		case r.Receipt != nil && !p.PrintsReceipts():
			e := acquiring.Invalid("Receipt", fmt.Sprintf("cannot be printed: retail point %q has no cash register at the bank", p.Name))
			e.Hint = "connect one in the internet bank and call Refresh, or leave Receipt out and print through a fiscal.Register"
			return e
		case len(have) == 0:
			return acquiring.Invalid("Methods", fmt.Sprintf("has nothing that retail point %q offers: it has %v", p.Name, p.PaymentModes))
		}
		return nil
	})
	var blind unread
	switch {
	case err == nil:
		return have, nil
	case c.sandbox():
		have = nil // canned answers prove nothing
	case errors.As(err, &blind):
		// Without the permission to read, or while the bank cannot tell, what
		// was asked for is asked of the bank.
		if wanted == nil || ctx.Err() != nil || !(acquiring.Temporary(err) || errors.Is(err, acquiring.ErrUnsupported)) {
			return nil, notSent(blind.error)
		}
	default:
		return nil, err
	}
	if wanted == nil {
		wanted = []PaymentMode{ModeCard, ModeSBP}
	}
	return wanted, nil
}

// without is the list without what is bad; one without anything bad is
// returned itself, and must not be written to.
func without(list []PaymentMode, bad func(PaymentMode) bool) []PaymentMode {
	if !slices.ContainsFunc(list, bad) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), bad)
}

// createOnce creates a link so that it exists once, whatever becomes of the
// answers: the bank takes no order number twice.
func (c *Client) createOnce(ctx context.Context, r acquiring.InvoiceRequest, create func(context.Context) (*Operation, error)) (*Operation, error) {
	o, err := create(ctx)
	switch {
	case err == nil:
		return o, nil
	case errors.Is(err, acquiring.ErrDuplicate):
		return c.existing(ctx, r, err)
	case acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown || ctx.Err() != nil:
		return nil, err
	}
	lost := err
	o, err = c.lookFor(ctx, r, true)
	if err != nil {
		return nil, lost // nothing was learned
	}
	if o != nil {
		return c.same(ctx, r, o, lost)
	}
	if o, err = create(ctx); errors.Is(err, acquiring.ErrDuplicate) {
		return c.existing(ctx, r, err)
	}
	return o, err
}

// lookFor finds the operation of an order number; nil: there is none.
func (c *Client) lookFor(ctx context.Context, r acquiring.InvoiceRequest, lately bool) (*Operation, error) {
	if r.SaveCard {
		o, err := c.findSubscription(ctx, r.OrderID)
		if o != nil || err != nil {
			return o, err
		}
	}
	return c.find(ctx, r.OrderID, c.conf.FindWithin, lately)
}

// existing is the link whose number is taken, if it is the one asked for.
func (c *Client) existing(ctx context.Context, r acquiring.InvoiceRequest, duplicate error) (*Operation, error) {
	o, err := c.lookFor(ctx, r, false)
	if err != nil || o == nil {
		return nil, duplicate
	}
	return c.same(ctx, r, o, duplicate)
}

// same is the operation found if it is what was asked for and can be paid
// still; else an ErrDuplicate that says what it is.
func (c *Client) same(ctx context.Context, r acquiring.InvoiceRequest, o *Operation, cause error) (*Operation, error) {
	subscription := bool(o.Recurring) || c.subscribed(ctx, o.OperationID)
	if o.Amount.Amount() == r.Amount && o.Status == OperationCreated && bool(o.PreAuthorization) == r.Hold && (r.Receipt != nil) == (len(o.Items) > 0) &&
		subscription == r.SaveCard {
		return o, nil
	}
	known := acquiring.Error{Provider: provider, Op: "CreateInvoice"}
	var e *acquiring.Error
	if errors.As(cause, &e) {
		known = *e
	}
	known.Kind, known.Outcome, known.Message = acquiring.ErrDuplicate, acquiring.OutcomeRejected, fmt.Sprintf("order number %q is taken", r.OrderID)
	known.Hint = fmt.Sprintf("the number belongs to payment %s of %s, %s; the bank never takes a number twice: issue a new invoice with acquiring.Attempt(number, n+1)",
		o.OperationID, o.Amount, o.Status)
	return nil, &known
}
