package acquiring

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// PaymentID is the provider's own number of a payment (orderId or mdOrder at
// the banks of the RBS family). It is a type of its own, so that nobody passes
// his order number for it.
type PaymentID string

// Method is a way to pay. The set is open: a provider may report others.
type Method string

// The ways to pay that InvoiceRequest.Methods may ask for and Payment.Method
// may report.
const (
	MethodCard        Method = "card"        // банковская карта
	MethodSBP         Method = "sbp"         // СБП, Система быстрых платежей
	MethodSberPay     Method = "sberpay"     // SberPay
	MethodAlfaPay     Method = "alfapay"     // AlfaPay
	MethodTPay        Method = "tpay"        // T-Pay
	MethodYandexPay   Method = "yandexpay"   // Яндекс Пэй
	MethodMirPay      Method = "mirpay"      // Mir Pay
	MethodInstallment Method = "installment" // рассрочка, «Долями»
	MethodCredit      Method = "credit"      // POS-кредит
	MethodWallet      Method = "wallet"      // электронный кошелёк
	MethodOther       Method = "other"       // none of these; Payment.Raw says which
)

// Customer is who pays. All of it is optional, but a saved card needs ID. A
// receipt has an address of its own, fiscal.Receipt.Contact.
type Customer struct {
	ID    string // the shop's own; the banks take at most 255 characters
	Email string
	Phone string // with the country code: +79161234567
	Name  string
}

// InvoiceRequest is an order to be paid.
type InvoiceRequest struct {
	// OrderID is the shop's own number, unique in the shop for ever: a new
	// attempt needs a new one (see [Attempt]). The providers' limits differ: 36
	// characters at Sberbank, 32 at its legacy gateway, 32 of letters, digits, -
	// and _ at Alfa-Bank, 45 at Tochka.
	OrderID     string
	Amount      money.Amount // kopecks, more than zero
	Currency    string       // ISO 4217 letters; "" is RUB
	Description string       // what the customer sees on the payment page
	Customer    Customer

	ReturnURL   string // where the customer goes after paying
	FailURL     string // where he goes when it failed; "": ReturnURL
	CallbackURL string // where the provider notifies; "": as set in the cabinet

	TTL      time.Duration // how long the link lives, a second at least; 0: the provider's own
	Language string        // of the payment page: "ru", "en"; "": the shop's
	Hold     bool          // two-stage: authorise now, Capture later
	SaveCard bool          // ask for a token for later charges; needs Customer.ID
	// Methods are what the payment page offers; nil: all that the shop has. The
	// pages of Sberbank and Alfa-Bank heed no list. With MethodSBP alone those two
	// and PayKeeper give Invoice.QR besides the page; for a code at any provider
	// ask its [QRIssuer].
	Methods []Method

	// Receipt is the 54-FZ receipt (чек) that the acquirer prints; nil: nobody
	// does, or the shop prints it through a fiscal.Register.
	Receipt *fiscal.Receipt

	Metadata map[string]string // the shop's own data, returned with the payment where the provider keeps it
	Extra    map[string]string // fields of the provider's own request by their names there, as they are
}

// Attempt is the order number of the n-th attempt to pay the same order: the
// providers burn a number for ever, even when its invoice expired unpaid.
// Attempt("A-7", 2) is "A-7_2"; the first attempt is the order number itself.
func Attempt(orderID string, n int) string {
	if n <= 1 {
		return orderID
	}
	return orderID + "_" + strconv.Itoa(n)
}

// SplitAttempt undoes Attempt: "A-7_2" is "A-7" and 2, "A-7" is "A-7" and 1. A
// number of the shop's own that ends in _ and digits cannot be told from an
// attempt: "2026_15" is "2026" and 15, another order. With such numbers store each
// attempt's number and look the order up by it.
func SplitAttempt(number string) (orderID string, n int) {
	at := strings.LastIndexByte(number, '_')
	// Only what Attempt writes: no sign and no leading zero.
	if at <= 0 || at+1 == len(number) || number[at+1] < '1' || number[at+1] > '9' {
		return number, 1
	}
	n, err := strconv.Atoi(number[at+1:])
	if err != nil || n < 2 {
		return number, 1
	}
	return number[:at], n
}

// CurrencyOrRUB is the currency in letters, RUB when none is named.
func (r InvoiceRequest) CurrencyOrRUB() string {
	if r.Currency == "" {
		return "RUB"
	}
	return strings.ToUpper(r.Currency)
}

// Only says whether the customer may pay by m and nothing else.
func (r InvoiceRequest) Only(m Method) bool { return len(r.Methods) == 1 && r.Methods[0] == m }

// Validate checks what holds for every provider: an order number, a sum above
// zero, well-formed addresses, a receipt whose total is the sum. The error is
// ErrInvalid with the Field named and OutcomeNotSent. Each provider checks its
// own limits besides.
func (r InvoiceRequest) Validate() error {
	switch {
	case strings.TrimSpace(r.OrderID) == "":
		return Invalid("OrderID", "is empty; give the shop's own number of the order")
	case !plain(r.OrderID):
		return Invalid("OrderID", "has control characters or is not UTF-8")
	case r.Amount <= 0:
		return Invalid("Amount", fmt.Sprintf("is %s; it must be more than zero", r.Amount))
	case r.TTL < 0:
		return Invalid("TTL", "is negative")
	case r.TTL > 0 && r.TTL < time.Second:
		// Not every provider refuses a link that is over before it is opened.
		return Invalid("TTL", "is "+r.TTL.String()+", less than a second; a time.Duration has its unit: 30 * time.Minute")
	case r.SaveCard && r.Customer.ID == "":
		return Invalid("Customer.ID", "is empty; a card is saved for a customer, give the shop's number of him")
	case !utf8.ValidString(r.Description):
		return Invalid("Description", "is not UTF-8")
	}
	if c := r.CurrencyOrRUB(); len(c) != 3 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Invalid("Currency", fmt.Sprintf("is %q; give three letters of ISO 4217, or nothing for RUB", r.Currency))
	}
	for _, u := range []struct{ field, value string }{
		{"ReturnURL", r.ReturnURL}, {"FailURL", r.FailURL}, {"CallbackURL", r.CallbackURL},
	} {
		if err := CheckURL(u.field, u.value); err != nil {
			return err
		}
	}
	if r.Receipt != nil {
		return checkReceipt(r.Receipt, r.Amount)
	}
	return nil
}

// checkReceipt is the part of a receipt that belongs to the payment around it:
// the receipt's own rules and the equality of the two sums. An amount of 0 is
// not known yet (all that is left), so only the provider can compare it.
func checkReceipt(receipt *fiscal.Receipt, amount money.Amount) error {
	if err := receipt.Validate(); err != nil {
		e := Invalid("Receipt", err.Error())
		e.Err = err
		return e
	}
	if total := receipt.Total(); amount != 0 && total != amount {
		return Invalid("Receipt", fmt.Sprintf("comes to %s, but the payment is %s; the lines of a receipt must add up to the sum paid (see fiscal.Spread)", total, amount))
	}
	return nil
}

// CheckURL refuses an address that is not absolute http or https with a host;
// "" passes. The error is ErrInvalid and names the field.
func CheckURL(field, value string) error {
	if value == "" || plainURL(value) {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || !u.IsAbs() || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") || !plain(value) {
		return Invalid(field, "is not an absolute http(s) address: it needs a scheme and a host, like https://shop.example/paid")
	}
	return nil
}

// plainURL says whether an address is of the ordinary sort, in which there is
// nothing to decode: it passes without being parsed. Every invoice has three.
func plainURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "http://"); !ok {
			return false
		}
	}
	host := true
	for i := range len(rest) {
		c := rest[i]
		switch letter := c | 0x20; {
		case 'a' <= letter && letter <= 'z', '0' <= c && c <= '9', c == '-', c == '.':
		case i > 0 && c == '/':
			host = false
		case host:
			return false // a port, a user, brackets, an empty host
		case c != '?' && c != '=' && c != '&' && c != '_' && c != '#':
			return false
		}
	}
	return rest != ""
}

func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Invoice is an issued invoice, waiting for the customer.
type Invoice struct {
	ID        PaymentID // what GetStatus, Capture, Void and Refund take
	OrderID   string
	Amount    money.Amount    // kopecks
	Currency  string          // ISO 4217 letters
	PayURL    string          // the payment page (платёжная форма); "" only where QR is all there is
	QR        *QR             // see InvoiceRequest.Methods; nil: none came with the invoice
	ExpiresAt time.Time       // zero: unknown
	Raw       json.RawMessage // the provider's answer as it came, secrets removed
}

// QR is a code of СБП to be shown to the customer or opened on his phone.
type QR struct {
	ID        string    // the code's own number (qrcId)
	PaymentID PaymentID // of the payment behind it
	OrderID   string
	Payload   string    // what is in the code: https://qr.nspk.ru/…
	Image     []byte    // the picture, when the provider draws one
	ImageType string    // its media type: image/png, image/svg+xml
	ExpiresAt time.Time // zero: unknown
	Raw       json.RawMessage
}

// CaptureRequest takes held money (завершение, списание).
type CaptureRequest struct {
	ID      PaymentID
	Amount  money.Amount    // kopecks; 0: all that is held
	Receipt *fiscal.Receipt // of what is taken, where it differs from the invoice's
}

// Validate checks what holds for every provider: an ID, a sum that is not
// negative, a receipt of that sum. The errors are as of InvoiceRequest.Validate.
func (r CaptureRequest) Validate() error {
	switch {
	case r.ID == "":
		return Invalid("ID", "is empty; give Invoice.ID or Payment.ID")
	case r.Amount < 0:
		return Invalid("Amount", "is negative")
	}
	if r.Receipt != nil {
		return checkReceipt(r.Receipt, r.Amount)
	}
	return nil
}

// RefundRequest gives money back (возврат).
type RefundRequest struct {
	ID PaymentID
	// Key is the shop's own number of this refund: the same key never refunds
	// twice, whatever happened to the first answer. Three providers know no key:
	// Tochka's and PayKeeper's clients remember it (their Config's Ledger and
	// Store; without one of your own until the program ends), and at Sberbank's
	// legacy gateway a key that succeeded must not be asked for again (see
	// sberbank.Client.Refund). At most 36 characters of letters, digits, - and _
	// pass at every provider.
	Key     string
	Amount  money.Amount    // kopecks; 0: all that is left
	Reason  string          // why; only a refund of SBP at Tochka carries it, the others have no place for it
	Receipt *fiscal.Receipt // the return receipt (чек возврата), where the acquirer prints it
	// Known are the IDs of this payment's refunds that other keys made, as far
	// as the shop has noted them (Refund.ID). PayMaster v2 refuses a key that was
	// used without telling which refund it made; that one is looked for by its
	// sum, and not among these, so that it is told from a refund of the same sum.
	// The other providers do not need it.
	Known []string
}

// Validate checks what holds for every provider: an ID, a Key, a sum that is
// not negative, a receipt of that sum. The errors are as of
// InvoiceRequest.Validate.
func (r RefundRequest) Validate() error {
	switch {
	case r.ID == "":
		return Invalid("ID", "is empty; give Invoice.ID or Payment.ID")
	case r.Key == "":
		return Invalid("Key", "is empty; give the shop's own number of this refund, so that it is never made twice")
	case !plain(r.Key):
		return Invalid("Key", "has control characters or is not UTF-8")
	case r.Amount < 0:
		return Invalid("Amount", "is negative")
	}
	if r.Receipt != nil {
		return checkReceipt(r.Receipt, r.Amount)
	}
	return nil
}

// ChargeRequest takes money by a saved card.
type ChargeRequest struct {
	OrderID     string       // as in InvoiceRequest; the same number never charges twice
	Token       string       // Card.Token of an earlier payment (связка, подписка)
	Amount      money.Amount // kopecks, more than zero
	Currency    string       // as in InvoiceRequest, like all that has no comment here
	Description string
	Customer    Customer // ID as it was when the card was saved
	IP          string   // of the customer, where the provider asks for it
	CallbackURL string
	Hold        bool
	Receipt     *fiscal.Receipt
	Metadata    map[string]string
	Extra       map[string]string
}

// Validate checks what holds for every provider: a Token, and what
// InvoiceRequest.Validate checks.
func (r ChargeRequest) Validate() error {
	if r.Token == "" {
		return Invalid("Token", "is empty; give Card.Token of a payment made with SaveCard")
	}
	return r.Invoice().Validate()
}

// Invoice is the charge as the order it is: what both have in common. Token and IP
// have no place in it.
func (r ChargeRequest) Invoice() InvoiceRequest {
	return InvoiceRequest{
		OrderID: r.OrderID, Amount: r.Amount, Currency: r.Currency, Description: r.Description,
		Customer: r.Customer, CallbackURL: r.CallbackURL, Hold: r.Hold, Receipt: r.Receipt,
		Metadata: r.Metadata, Extra: r.Extra,
	}
}
