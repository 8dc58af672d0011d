package alfabank

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/rbs"
)

// Limits of an order's fields.
const (
	orderNumberLimit = 32 // the older texts' limit; the newer say 36
	anyNumberLimit   = 36
	urlLimit         = 512
	descriptionLimit = 512 // the newer text says 598
	emailLimit       = 40
)

// orderNumber says whether it can be the shop's number of an order. Spaces and
// Cyrillic letters are taken by some of the bank's installations and refused
// by others; a semicolon would make the callback's checksum ambiguous.
func (c *Client) orderNumber(s string) bool {
	if c.conf.AnyOrderNumber {
		return s != "" && utf8.RuneCountInString(s) <= anyNumberLimit && strings.TrimSpace(s) == s && printableText(s) && !strings.Contains(s, ";")
	}
	if s == "" || len(s) > orderNumberLimit {
		return false
	}
	for i := range len(s) {
		if b := s[i] | 0x20; (b < 'a' || b > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

// printableText is UTF-8 without control characters.
func printableText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// checkInvoice is what the gateway refuses, or takes and does wrong, found out
// before anything is sent.
func (c *Client) checkInvoice(r acquiring.InvoiceRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	switch {
	case !c.orderNumber(r.OrderID) && c.conf.AnyOrderNumber:
		return acquiring.Invalid("OrderID", "has more than 36 characters, spaces around it, or a semicolon; the suffix of acquiring.Attempt counts")
	case !c.orderNumber(r.OrderID):
		return acquiring.Invalid("OrderID", "is not 1 to 32 letters, digits, - and _, which every installation takes; the suffix of acquiring.Attempt counts (Config.AnyOrderNumber lifts this)")
	case r.Amount > rbs.MaxAmount:
		return acquiring.Invalid("Amount", fmt.Sprintf("is more than %s, which the bank takes", rbs.MaxAmount))
	case r.CurrencyOrRUB() != "RUB":
		return acquiring.Invalid("Currency", "is not RUB, the only one that the bank takes for certain")
	case utf8.RuneCountInString(r.Customer.ID) > 255 || !printableText(r.Customer.ID):
		return acquiring.Invalid("Customer.ID", "has more than 255 characters, or control characters")
	case r.Customer.Email != "" && !rbs.EmailFits(r.Customer.Email, 254):
		return acquiring.Invalid("Customer.Email", "is not an address of printable ASCII characters")
	case r.Customer.Phone != "" && !rbs.PhoneFits(r.Customer.Phone):
		return acquiring.Invalid("Customer.Phone", "is not 7 to 15 digits: +79161234567")
	case r.TTL > 0 && r.TTL < time.Second || r.TTL > 999_999_999*time.Second:
		return acquiring.Invalid("TTL", "is less than a second or more than the bank takes")
	case r.ReturnURL == "":
		return acquiring.Invalid("ReturnURL", "is empty; the bank demands an address to return the customer to")
	case r.CallbackURL != "" && c.conf.Environment == acquiring.Production && !strings.HasPrefix(r.CallbackURL, "https://"):
		return acquiring.Invalid("CallbackURL", "is not https, with a certificate of a public authority, which the bank demands")
	}
	if _, ok := languageOf(r.Language); !ok {
		return acquiring.Invalid("Language", "is none that the bank has a page in: ru, en, de, fr, es, it, zh, ja, ko, ua, kz")
	}
	for _, u := range []struct{ field, value string }{{"ReturnURL", r.ReturnURL}, {"FailURL", r.FailURL}, {"CallbackURL", r.CallbackURL}} {
		if len(u.value) > urlLimit || !rbs.Printable(u.value) {
			return acquiring.Invalid(u.field, fmt.Sprintf("has more than %d characters, or other than printable ASCII; write a Cyrillic host in punycode", urlLimit))
		}
	}
	return nil
}

// registration makes the bank's request of an invoice.
func (c *Client) registration(r acquiring.InvoiceRequest) (RegisterRequest, error) {
	language, _ := languageOf(r.Language)
	req := RegisterRequest{
		OrderNumber: r.OrderID, Amount: r.Amount, Currency: "643", ReturnURL: r.ReturnURL, FailURL: r.FailURL,
		DynamicCallbackURL: r.CallbackURL, Description: description(r.Description), Language: language,
		ClientID: r.Customer.ID, Phone: phone(r.Customer.Phone),
		SessionTimeout: int64((r.TTL + time.Second - 1) / time.Second),
	}
	if len(r.Customer.Email) <= emailLimit {
		req.Email = r.Customer.Email
	}
	if err := addParams(&req, r); err != nil {
		return req, err
	}
	if r.SaveCard {
		// A copy: the Config's list belongs to every order.
		feature := "FORCE_CREATE_BINDING"
		if r.Only(acquiring.MethodSBP) {
			feature = "SBP_BINDING"
		}
		if req.Features == nil {
			req.Features = c.conf.Features
		}
		req.Features = withFeature(req.Features, feature)
	}
	if r.Receipt != nil {
		receipt, err := c.cartOf(r.Receipt, "Receipt", true)
		if err != nil {
			return req, err
		}
		req.OrderBundle, req.TaxSystem, req.OFDParams = receipt.Cart, receipt.TaxSystem, receipt.OFDParams
	}
	return req, nil
}

// phone is a telephone in the form that the bank has: +79998887766.
func phone(s string) string {
	if whole, err := fiscal.Phone(s); err == nil {
		return whole
	}
	return s
}

// description is what the customer reads: one line, cut at the bank's limit.
func description(s string) string {
	if !oneLine(s) {
		s = strings.Join(strings.FieldsFunc(s, blank), " ")
	}
	return rbs.Cut(s, descriptionLimit)
}

func blank(r rune) bool { return r <= 0x20 || r == 0x7f || r == 0xA0 }

// oneLine says whether there is nothing to tidy up: one space at a time, between
// words.
func oneLine(s string) bool {
	after := true // a blank, or the beginning
	for _, r := range s {
		space := blank(r)
		if space && (after || r != ' ') {
			return false
		}
		after = space
	}
	return !after || s == ""
}

// withFeature is the list with one more feature; the list stays as it was.
func withFeature(list []string, feature string) []string {
	with := make([]string, 0, len(list)+1)
	for _, f := range list {
		if f == feature {
			return list
		}
		with = append(with, f)
	}
	return append(with, feature)
}

// addParams puts Metadata and Extra where they belong: what begins with
// "jsonParams." into jsonParams, features into their list, the rest beside the
// request's fields.
func addParams(req *RegisterRequest, r acquiring.InvoiceRequest) error {
	if len(r.Metadata)+len(r.Extra) == 0 {
		return nil
	}
	params := make(Params, len(r.Metadata)+len(r.Extra))
	for name, value := range r.Metadata {
		switch {
		case name == "" || !printableText(name) || gatewayParam(name):
			return acquiring.Invalid("Metadata["+rbs.Cut(name, 40)+"]", "has a name that is empty, not printable, or the gateway's own")
		case !utf8.ValidString(value):
			return acquiring.Invalid("Metadata["+name+"]", "is not UTF-8")
		}
		params[name] = value
	}
	for name, value := range r.Extra {
		key, inParams := strings.CutPrefix(name, "jsonParams.")
		switch {
		case inParams:
			params[key] = value
		case name == "features":
			req.Features = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
		default:
			if req.Extra == nil {
				req.Extra = make(map[string]string, len(r.Extra))
			}
			req.Extra[name] = value
		}
	}
	if len(params) > 0 {
		req.JSONParams = params
	}
	return nil
}

// skew is by how much the bank's clock may be behind this machine's.
const skew = 2 * time.Minute

// registerOnce registers an order so that its number has one payment page that
// the caller knows, or none.
func (c *Client) registerOnce(ctx context.Context, r acquiring.InvoiceRequest, req RegisterRequest) (*Registered, error) {
	register := c.Register
	if r.Hold {
		register = c.RegisterPreAuth
	}
	began := c.now()
	out, err := register(ctx, req)
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, acquiring.ErrDuplicate):
		return c.taken(ctx, r, err)
	case acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown || ctx.Err() != nil:
		return nil, err
	}
	lost := err
	if c.conf.Token == "" {
		o, err := c.orderByNumber(ctx, r.OrderID)
		switch {
		case err == nil:
			return nil, c.orphan(ctx, r, o, began, lost)
		case !errors.Is(err, acquiring.ErrNotFound):
			return nil, hint(lost, "call CreateInvoice again with the same request: the number is used once, and if the bank has it the error says so")
		}
	}
	// The bank does not have it, or a token cannot ask. Registering the number
	// again is harmless: it is refused if the first call arrives after all.
	out, err = register(ctx, req)
	switch {
	case err == nil:
		return out, nil
	case !errors.Is(err, acquiring.ErrDuplicate):
		return nil, err
	}
	if c.conf.Token == "" {
		if o, readErr := c.orderByNumber(ctx, r.OrderID); readErr == nil {
			return nil, c.orphan(ctx, r, o, began, lost)
		}
	}
	return nil, hint(err, "it may be this very request, whose answer was lost together with the payment page: issue an invoice with "+attemptAfter(r.OrderID))
}

// orphan deals with an order whose payment page was lost with the answer to
// its registration. It is withdrawn if it is certainly that one: unpaid, of
// this sum, and not older than the call. An older order of the number may be
// in the customer's hands and is left alone.
func (c *Client) orphan(ctx context.Context, r acquiring.InvoiceRequest, o *Order, began time.Time, lost error) error {
	p := c.payment("", o, 0)
	e := &acquiring.Error{Provider: provider, Op: "CreateInvoice", Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Code: CodeDuplicate,
		Message: fmt.Sprintf("the answer was lost, and the number belongs to payment %s of %s, %s", p.ID, p.Amount, p.Status), Err: lost}
	next := "issue an invoice with " + attemptAfter(r.OrderID)
	fresh := o.OrderStatus.Value == rbs.StateRegistered && p.Status == acquiring.StatusPending && p.Amount == r.Amount &&
		!p.CreatedAt.IsZero() && !p.CreatedAt.Before(began.Add(-skew))
	if !fresh || p.ID == "" {
		e.Hint = "the bank does not give its payment page again: use the one that was stored with the number, or withdraw the order with Cancel and " + next
		return e
	}
	if _, err := c.Decline(ctx, DeclineRequest{OrderID: string(p.ID), OrderNumber: r.OrderID}); err != nil {
		e.Hint = "its payment page was lost with the answer, and it could not be withdrawn: Cancel it, then " + next
		return e
	}
	e.Message += ", now withdrawn"
	e.Hint = "its payment page was lost with the answer, so it was withdrawn and nobody can pay it; " + next
	return e
}

// attemptAfter is the call that makes the next attempt's number.
func attemptAfter(number string) string {
	order, n := acquiring.SplitAttempt(number)
	return fmt.Sprintf("acquiring.Attempt(%q, %d)", order, n+1)
}

// taken is a registration of a number that is used. With Config.StorePayURL
// the order may hold its payment page.
func (c *Client) taken(ctx context.Context, r acquiring.InvoiceRequest, err error) (*Registered, error) {
	next := "the bank does not give its payment page again: use the one that was stored with the number, or issue an invoice with " + attemptAfter(r.OrderID)
	if c.conf.Token != "" {
		return nil, hint(err, next)
	}
	if c.conf.StorePayURL {
		if o, readErr := c.orderByNumber(ctx, r.OrderID); readErr == nil {
			page := rbs.Lookup(o.MerchantParams, paramPayURL)
			if o.OrderStatus.Value == rbs.StateRegistered && o.Amount.Amount() == r.Amount && o.MdOrder() != "" && c.bankPage(page) {
				return &Registered{Head: rbs.Head{Raw: o.Raw}, OrderID: rbs.Text(o.MdOrder()), FormURL: rbs.Text(page)}, nil
			}
		}
	}
	return nil, c.desk.Duplicate(ctx, err, r.OrderID, next)
}

// bankPage says whether an address is a page of the bank's: of the gateway's own
// host, or of the bank's domains where Config.BaseURL is a proxy's. The open token
// is public, and whoever has it can register an order of a number to come, with
// a page of his own in its parameters.
func (c *Client) bankPage(page string) bool {
	at, err := url.Parse(page)
	base, baseErr := url.Parse(c.gate.REST.BaseURL())
	switch {
	case err != nil || baseErr != nil || at.User != nil:
		return false
	case at.Scheme == base.Scheme && at.Host == base.Host:
		return true
	case at.Scheme != "https":
		return false
	}
	for _, domain := range []string{".alfabank.ru", ".rbsuat.com", ".egopay.ru"} {
		if strings.HasSuffix(strings.ToLower(at.Hostname()), domain) {
			return true
		}
	}
	return false
}

// storePage writes the payment page's address into the order. The invoice is
// good without it.
func (c *Client) storePage(ctx context.Context, out *Registered) {
	if !c.conf.StorePayURL || c.conf.Token != "" {
		return
	}
	if _, err := c.AddParams(ctx, string(out.OrderID), map[string]string{paramPayURL: string(out.FormURL)}); err != nil {
		c.gate.REST.Logger().WarnContext(ctx, "the payment page's address was not stored in the order", "order", string(out.OrderID), "error", err.Error())
	}
}

// hint is the error with other words on what to do next.
func hint(err error, words string) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	known := *e
	known.Hint = words
	return &known
}
