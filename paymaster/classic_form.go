package paymaster

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// maxDescription is how many characters LMI_PAYMENT_DESC holds.
const maxDescription = 255

// systemPrefix begins the PaymentID of a payment that has no number of the
// shop's.
const systemPrefix = "sys:"

// SystemID is the PaymentID by PayMaster's own number of the payment
// (LMI_SYS_PAYMENT_ID, PaymentID of the REST API v1), for a payment that was
// started without a number of the shop's.
func SystemID(number string) acquiring.PaymentID { return acquiring.PaymentID(systemPrefix + number) }

// Form are the fields of a payment in the order in which they are sent.
type Form []Field

// Field is one field of a Form.
type Field struct{ Name, Value string }

// Get is the value of the field, "" when it is not there.
func (f Form) Get(name string) string {
	for _, field := range f {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// Encode writes the form as application/x-www-form-urlencoded.
func (f Form) Encode() string {
	var b strings.Builder
	for i, field := range f {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(field.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(field.Value))
	}
	return b.String()
}

// PaymentForm makes the fields of the payment form of an invoice (section
// «Форма запроса платежа»), for a page of the shop's own that sends them to
// [ClassicClient.FormURL]. CreateInvoice makes the same.
//
// Metadata are the merchant's own fields, returned with the pre-request, the
// notification and the buyer; PayMaster signs none of them. Extra sets further
// fields (LMI_PAYMENT_METHOD, LMI_SHOP_ID). FailURL is LMI_FAILURE_URL; the
// addresses count only if the cabinet permits them.
func (c *ClassicClient) PaymentForm(r acquiring.InvoiceRequest) (Form, error) {
	f, err := c.form(r)
	return f, acquiring.InOp(provider, "PaymentForm", err)
}

// FormURL is the address that the form is sent to, by GET or POST.
func (c *ClassicClient) FormURL() string { return c.rest.BaseURL() + "/payment/init" }

// classicMethods are the aliases that the cabinet names (LMI_PAYMENT_METHOD).
var classicMethods = map[acquiring.Method]string{acquiring.MethodCard: "BankCard", acquiring.MethodSBP: "SBP", acquiring.MethodWallet: "WebMoney"}

func (c *ClassicClient) form(r acquiring.InvoiceRequest) (Form, error) {
	if err := c.checkForm(r); err != nil {
		return nil, err
	}
	f := make(Form, 0, 16)
	add := func(name, value string) {
		if value != "" {
			f = append(f, Field{name, value})
		}
	}
	sum, cur := r.Amount.String(), r.CurrencyOrRUB()
	add("LMI_MERCHANT_ID", c.conf.MerchantID)
	add("LMI_PAYMENT_AMOUNT", sum)
	add("LMI_CURRENCY", cur)
	add("LMI_PAYMENT_NO", r.OrderID)
	add("LMI_PAYMENT_DESC_BASE64", base64.StdEncoding.EncodeToString([]byte(description(r.Description, r.OrderID, maxDescription))))
	if c.conf.SimMode != SimDefault {
		add("LMI_SIM_MODE", strconv.Itoa(int(c.conf.SimMode)-1))
	}
	add("LMI_PAYMENT_NOTIFICATION_URL", r.CallbackURL)
	add("LMI_SUCCESS_URL", r.ReturnURL)
	if r.FailURL == "" {
		r.FailURL = r.ReturnURL
	}
	add("LMI_FAILURE_URL", r.FailURL)
	email, phone := r.Customer.Email, r.Customer.Phone
	if r.Receipt != nil {
		// The receipt goes where the payer is written to.
		if r.Receipt.Contact.Email != "" {
			email = r.Receipt.Contact.Email
		}
		if r.Receipt.Contact.Phone != "" {
			phone = r.Receipt.Contact.Phone
		}
	}
	add("LMI_PAYER_PHONE_NUMBER", digits(phone))
	add("LMI_PAYER_EMAIL", email)
	if r.TTL > 0 {
		add("LMI_EXPIRES", c.expires(r.TTL).Format("2006-01-02T15:04:05"))
	}
	if len(r.Methods) == 1 {
		add("LMI_PAYMENT_METHOD", classicMethods[r.Methods[0]])
	}
	if r.Hold {
		add("LMI_PAYMENT_TYPE", "HOLD")
	}
	if r.Receipt != nil {
		if err := cart("LMI_SHOPPINGCART.ITEMS", r.Receipt, fiscal.Sale, c.conf.NameLimit, add); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedKeys(r.Metadata) {
		add(name, r.Metadata[name])
	}
	if c.sign.echo != nil {
		add(echoField, c.sign.echoSum(c.conf.MerchantID, r.OrderID, sum, cur))
	}
	for _, name := range sortedKeys(r.Extra) {
		if f.Get(name) != "" {
			return nil, acquiring.Invalid("Extra["+name+"]", "is set by the request already")
		}
		add(name, r.Extra[name])
	}
	return f, nil
}

// expires is the end of the link's life, in UTC to the second.
func (c *ClassicClient) expires(ttl time.Duration) time.Time {
	return c.now().Add(ttl + time.Second - 1).UTC().Truncate(time.Second)
}

// checkForm is what PayMaster refuses, or what would make the signature of the
// notification ambiguous, found out before anything is sent.
func (c *ClassicClient) checkForm(r acquiring.InvoiceRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	want := currency(c.conf.Currency)
	switch {
	case strings.Contains(r.OrderID, ";"):
		return acquiring.Invalid("OrderID", "has a semicolon, which separates the fields of PayMaster's signature")
	case strings.HasPrefix(r.OrderID, systemPrefix):
		return acquiring.Invalid("OrderID", "begins with sys:, which is kept for SystemID")
	case r.CurrencyOrRUB() != want:
		return acquiring.Invalid("Currency", "is not "+want+", the shop's (Config.Currency)")
	case r.Hold && !c.conf.Holds:
		e := acquiring.Unsupported(provider, "CreateInvoice", "is not set, so a notification would be read as paid")
		e.Field, e.Hint = "Config.Holds", "agree two-stage payments with PayMaster and set Config.Holds"
		return e
	case r.SaveCard:
		return acquiring.Unsupported(provider, "CreateInvoice", "the classic protocol saves no cards with a payment; use the API v2 (New) or the Direct methods")
	case len(r.Methods) > 1:
		return acquiring.Invalid("Methods", "has more than one; PayMaster offers all that the shop has, or one")
	case len(r.Methods) == 1 && classicMethods[r.Methods[0]] == "":
		return acquiring.Invalid("Methods", fmt.Sprintf("has %q; give the cabinet's alias in Extra (LMI_PAYMENT_METHOD)", r.Methods[0]))
	}
	for name, value := range r.Metadata {
		switch {
		case name == "" || strings.HasPrefix(strings.ToUpper(name), "LMI_") || name == echoField:
			return acquiring.Invalid("Metadata["+name+"]", "has a name that is empty or PayMaster's own (LMI_…, SIGN)")
		case !plainText(name) || !utf8.ValidString(value):
			return acquiring.Invalid("Metadata["+name+"]", "is not plain text")
		}
	}
	for name, value := range r.Extra {
		if name == "" || !plainText(name) || !utf8.ValidString(value) || name == "LMI_SECRET_KEY" || strings.EqualFold(name, "authhash") {
			return acquiring.Invalid("Extra["+name+"]", "is not a field of the payment form")
		}
	}
	return nil
}

func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// CreateInvoice makes the address of the payment page, in the way of
// ClassicConfig.Start. Invoice.ID is the order number: PayMaster gives its own
// only when the payment is there.
//
// PayMaster keeps order numbers apart by itself: a number that is paid cannot
// be paid again, and the same link may be opened several times until it is. So
// repeating the call is safe.
func (c *ClassicClient) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	const op = "CreateInvoice"
	f, err := c.form(r)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	inv := &acquiring.Invoice{ID: acquiring.PaymentID(r.OrderID), OrderID: r.OrderID, Amount: r.Amount, Currency: r.CurrencyOrRUB()}
	if r.TTL > 0 {
		inv.ExpiresAt = c.expires(r.TTL)
	}
	switch c.conf.Start {
	case StartServer:
		inv.PayURL, err = c.StartPayment(ctx, f)
	case StartBuiltin:
		var b *BuiltinPayment
		if b, err = c.StartBuiltinPayment(ctx, f); err == nil {
			inv.PayURL, inv.Raw = b.PaymentURL, b.Raw
		}
	default:
		inv.PayURL = c.FormURL() + "?" + f.Encode()
	}
	if err != nil {
		return nil, err
	}
	return inv, nil
}

const contentForm = "application/x-www-form-urlencoded"

// href finds the address in the page that comes with a redirect.
var href = regexp.MustCompile(`(?i)href="([^"]+)"`)

// StartPayment sends the form from the server (POST /payment/init) and gives
// the address of the payment page that PayMaster redirects to. A page instead
// of a redirect is a refusal.
func (c *ClassicClient) StartPayment(ctx context.Context, f Form) (string, error) {
	// Starting the same number again is what a buyer does who goes back.
	call := rest.Call{Op: "payment/init", Method: http.MethodPost, Path: "payment/init", ContentType: contentForm, Body: []byte(f.Encode()), Repeatable: true}
	resp, err := c.rest.Do(ctx, call)
	if err != nil {
		return "", err
	}
	if resp.Status >= 300 && resp.Status < 400 {
		at := resp.Header.Get("Location")
		if m := href.FindSubmatch(resp.Body); at == "" && m != nil {
			at = unescapeHref(string(m[1]))
		}
		page, err := c.pageURL(at)
		if err != nil {
			return "", c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeRejected, "", "the redirect leads to no payment page")
		}
		return page, nil
	}
	return "", c.refused(call, resp)
}

// unescapeHref undoes the one escape that an address in a page has.
func unescapeHref(s string) string { return strings.ReplaceAll(s, "&amp;", "&") }

// pageURL is the absolute address of a payment page.
func (c *ClassicClient) pageURL(at string) (string, error) {
	base, err := url.Parse(c.rest.BaseURL() + "/")
	if err != nil || at == "" {
		return "", acquiring.Invalid("Location", "is empty")
	}
	u, err := base.Parse(at)
	if err != nil {
		return "", err
	}
	return u.String(), acquiring.CheckURL("Location", u.String())
}

// What a page says: the error's number stands by itself in its text.
var (
	noText      = regexp.MustCompile(`(?is)<style.*?</style>|<script.*?</script>|<[^>]*>`)
	errorNumber = regexp.MustCompile(`(?:^|[\s(:№])[-−](\d{1,2})(?:$|[\s).,;:])`)
)

// refused is the error of a page that came instead of a payment page. One that
// names an error of PayMaster's is a refusal; what another page is, of a proxy
// or of maintenance, nobody knows.
func (c *ClassicClient) refused(call rest.Call, resp *rest.Response) error {
	kind, outcome := rest.KindOfStatus(resp.Status)
	if kind == nil {
		kind, outcome = acquiring.ErrProtocol, acquiring.OutcomeUnknown
	}
	text := bytes.Join(bytes.Fields(noText.ReplaceAll(resp.Body, []byte(" "))), []byte(" "))
	code := ""
	if m := errorNumber.FindSubmatch(text); m != nil {
		if known, ok := v1Errors["-"+string(m[1])]; ok {
			code, kind, outcome = "-"+string(m[1]), known.kind, acquiring.OutcomeRejected
		}
	}
	words := c.rest.Excerpt(text)
	if words == "" {
		words = "PayMaster answered no payment page and does not say why"
	}
	e := c.rest.Error(call, resp, kind, outcome, code, words)
	if code == "-14" {
		e.Hint = hintNumber
	}
	return e
}

// BuiltinPayment is a payment started by the built-in payments.
type BuiltinPayment struct {
	PaymentURL string
	Raw        []byte // the answer as it came; its other members are not published
}

// StartBuiltinPayment starts the payment with /BuiltinPayment/initonly
// (section «Встроенные платежи»): it is only created, and its page returned.
// The start is signed with the secret key over shop, sum and currency.
func (c *ClassicClient) StartBuiltinPayment(ctx context.Context, f Form) (*BuiltinPayment, error) {
	return c.builtin(ctx, "BuiltinPayment/initonly", f)
}

// StartBuiltinSteps starts the payment with /BuiltinPayment/init, to be led on
// by further calls. Those and their answers are not published: Raw has what
// came, and [ClassicClient.BuiltinStepHash] signs them.
func (c *ClassicClient) StartBuiltinSteps(ctx context.Context, f Form) (*BuiltinPayment, error) {
	return c.builtin(ctx, "BuiltinPayment/init", f)
}

func (c *ClassicClient) builtin(ctx context.Context, path string, f Form) (*BuiltinPayment, error) {
	hash := c.sign.join(f.Get("LMI_MERCHANT_ID"), f.Get("LMI_PAYMENT_AMOUNT"), f.Get("LMI_CURRENCY"))
	body := append(f[:len(f):len(f)], Field{"authhash", hash}, Field{"json", "1"}).Encode()
	call := rest.Call{Op: path, Method: http.MethodPost, Path: path, ContentType: contentForm, Body: []byte(body), Repeatable: true}
	resp, err := c.rest.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	if resp.Status >= 300 {
		return nil, c.refused(call, resp)
	}
	var out struct {
		PaymentURL string `json:"PaymentUrl"`
		v1Head
	}
	if err := c.rest.DecodeJSON(call, resp, &out); err != nil {
		return nil, err
	}
	if code := string(out.ErrorCode); code != "" && code != "0" {
		return nil, c.v1Failure(c.rest, call, resp, out.v1Head)
	}
	page, err := c.pageURL(out.PaymentURL)
	if err != nil {
		return nil, c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeRejected, "", "the answer has no PaymentUrl")
	}
	return &BuiltinPayment{PaymentURL: page, Raw: resp.Body}, nil
}

// BuiltinStepHash is the authhash of all later steps of a built-in payment.
func (c *ClassicClient) BuiltinStepHash(paymentURL string) string {
	return c.sign.join(strings.ToLower(paymentURL))
}
