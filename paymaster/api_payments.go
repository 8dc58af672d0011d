package paymaster

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// InvoiceData is the order behind a payment (invoice).
type InvoiceData struct {
	Description string            `json:"description"`       // demanded
	OrderNo     string            `json:"orderNo,omitempty"` // the shop's number
	Expires     Time              `json:"expires,omitzero"`  // until when it can be paid
	Params      map[string]string `json:"params,omitempty"`  // the shop's own, returned with the payment
}

// Protocol is where the buyer and the news go (protocol).
type Protocol struct {
	ReturnURL          string `json:"returnUrl,omitempty"`
	CallbackURL        string `json:"callbackUrl,omitempty"`
	ThreeDSCompleteURL string `json:"threeDSCompleteUrl,omitempty"` // direct card payments
}

// CustomerData is the buyer (customer).
type CustomerData struct {
	Email   string `json:"email,omitempty"`
	Phone   string `json:"phone,omitempty"` // digits without +
	IP      string `json:"ip,omitempty"`
	Account string `json:"account,omitempty"` // the shop's number of him; demanded for saving a card
}

// Tokenization asks for saving the card or account with a payment.
type Tokenization struct {
	Type        string `json:"type"` // TokenRecurring, TokenOneClick
	Purpose     string `json:"purpose,omitempty"`
	CallbackURL string `json:"callbackUrl,omitempty"` // news of the token
}

// InvoiceCreate is a request for a payment link. The shop's number and testMode
// are put in by the client.
type InvoiceCreate struct {
	MerchantID    string        `json:"merchantId"`
	TestMode      bool          `json:"testMode"`
	DualMode      bool          `json:"dualMode"` // two-stage
	Invoice       InvoiceData   `json:"invoice"`
	Amount        Money         `json:"amount"`
	PaymentMethod string        `json:"paymentMethod,omitempty"` // bankcard, sbp, …; "": the buyer chooses
	Tokenization  *Tokenization `json:"tokenization,omitempty"`
	Protocol      *Protocol     `json:"protocol,omitempty"`
	Customer      *CustomerData `json:"customer,omitempty"`
	Receipt       *Receipt      `json:"receipt,omitempty"`

	IdempotencyKey string            `json:"-"` // "": a random one
	Extra          map[string]string `json:"-"` // further members, see Client.CreateInvoice
}

// InvoiceLink is an issued payment link.
type InvoiceLink struct {
	PaymentID Text            `json:"paymentId"`
	URL       string          `json:"url"`
	Raw       json.RawMessage `json:"-"`
}

// IssueInvoice makes a payment link (POST /api/v2/invoices). The payment
// exists from then on. A key that was used gives ErrDuplicate.
func (c *Client) IssueInvoice(ctx context.Context, r InvoiceCreate) (*InvoiceLink, error) {
	r.MerchantID, r.TestMode = c.conf.MerchantID, c.testMode()
	out := new(InvoiceLink)
	raw, err := c.do(ctx, request{method: http.MethodPost, path: "invoices", body: r, extra: r.Extra, key: keyOr(r.IdempotencyKey)}, out)
	if err != nil {
		return nil, err
	}
	if out.PaymentID == "" || out.URL == "" {
		return nil, c.nonsense("POST invoices", "the answer has no paymentId or no url", nil)
	}
	out.Raw = raw
	return out, nil
}

// testMode is what requests carry.
func (c *Client) testMode() bool { return c.conf.Environment == acquiring.Test }

func keyOr(key string) string {
	if key == "" {
		return newUUID()
	}
	return key
}

// DSRP is the cryptogram of a wallet.
type DSRP struct {
	Type       string `json:"type"` // ApplePay, GooglePay
	Cryptogram string `json:"cryptogram"`
	ECI        string `json:"eci,omitempty"`
}

// CardData is a card, for shops that are certified to take its number (PCI
// DSS). Its text forms hide it.
type CardData struct {
	PAN    string `json:"pan"`
	Expiry string `json:"expiry"` // MM/YY
	CVC    string `json:"cvc,omitempty"`
	DSRP   *DSRP  `json:"dsrp,omitempty"`
}

// String is the masked number.
func (d CardData) String() string { return "card " + maskPAN(d.PAN) }

// GoString is String.
func (d CardData) GoString() string { return d.String() }

// LogValue is String.
func (d CardData) LogValue() slog.Value { return slog.StringValue(d.String()) }

// TokenRef names a saved card or account.
type TokenRef struct {
	ID string `json:"id"`
}

// PaymentData is what is paid with.
type PaymentData struct {
	PaymentMethod     string    `json:"paymentMethod,omitempty"` // not needed with Token
	Card              *CardData `json:"card,omitempty"`
	AuthorizationCode string    `json:"authorizationCode,omitempty"`
	Account           string    `json:"account,omitempty"`
	Phone             string    `json:"phone,omitempty"`
	Token             *TokenRef `json:"token,omitempty"`
	StickerID         string    `json:"stickerId,omitempty"` // activates a cash link for this payment
}

// Device is the buyer's browser, for 3-D Secure 2; all members are demanded.
type Device struct {
	Language         string `json:"language"`
	AcceptHeader     string `json:"acceptHeader"`
	UserAgent        string `json:"userAgent"`
	ColorDepth       string `json:"colorDepth"`
	ScreenHeight     string `json:"screenHeight"`
	ScreenWidth      string `json:"screenWidth"`
	UTCOffsetMinutes string `json:"utcOffsetMinutes"`
}

// PaymentCreate is a request for a payment without the payment page. The shop's
// number and testMode are put in by the client.
type PaymentCreate struct {
	MerchantID   string        `json:"merchantId"`
	TestMode     bool          `json:"testMode"`
	DualMode     bool          `json:"dualMode"` // two-stage: held until ConfirmPayment
	Invoice      InvoiceData   `json:"invoice"`
	Amount       Money         `json:"amount"`
	PaymentData  PaymentData   `json:"paymentData"`
	Device       *Device       `json:"device,omitempty"`
	Tokenization *Tokenization `json:"tokenization,omitempty"`
	Protocol     *Protocol     `json:"protocol,omitempty"`
	Customer     *CustomerData `json:"customer,omitempty"`
	Receipt      *Receipt      `json:"receipt,omitempty"`

	IdempotencyKey string            `json:"-"` // "": a random one
	Extra          map[string]string `json:"-"` // further members, see Client.CreateInvoice
}

// Confirmation is what the buyer has to do before he has paid. Which members
// are set depends on Type: see ConfirmExternal and its neighbours.
type Confirmation struct {
	Type          string `json:"type"`
	PaymentURL    string `json:"paymentUrl"`
	UniversalLink Flag   `json:"universalLink"`
	Instruction   Text   `json:"instruction"`
	MaskedPhone   Text   `json:"maskedPhone"`
	MethodURL     string `json:"methodUrl"`
	TransactionID Text   `json:"transactionId"`
	ACSURL        string `json:"acsUrl"`
	CReq          string `json:"creq"`
	PAReq         string `json:"PAReq"`
}

// ACS is the address of the issuer's page of 3-D Secure. An older revision of
// the documentation names it paymentUrl for ThreeDSv1.
func (c *Confirmation) ACS() string {
	if c == nil {
		return ""
	}
	if c.ACSURL == "" && c.Type == ConfirmThreeDSv1 {
		return c.PaymentURL
	}
	return c.ACSURL
}

// CardInfo is what is known of a card.
type CardInfo struct {
	Brand    string `json:"brand"`
	Issuer   string `json:"issuer"`
	Country  string `json:"country"`
	Type     string `json:"type"`
	Category string `json:"category"`
}

// PaidWith is what was paid with.
type PaidWith struct {
	PaymentMethod   string    `json:"paymentMethod"`          // BankCard, Sbp, …
	InstrumentTitle Text      `json:"paymentInstrumentTitle"` // a masked card number
	Agreement       Text      `json:"agreement"`
	CardInfo        *CardInfo `json:"cardInfo"`
}

// OrderInfo is the order in an answer.
type OrderInfo struct {
	Description Text            `json:"description"`
	OrderNo     Text            `json:"orderNo"`
	Expires     Time            `json:"expires"`
	Params      map[string]Text `json:"params"`
}

// SavedToken is the card or account that was saved with a payment.
type SavedToken struct {
	ID      Text `json:"id"`
	Expires Time `json:"expires"`
	Title   Text `json:"title"`
}

// PaymentInfo is a payment. A list has only ID, Created, Status, MerchantID,
// Invoice, Amount and PaymentData.
type PaymentInfo struct {
	ID           Text          `json:"id"`
	Created      Time          `json:"created"`
	TestMode     Flag          `json:"testMode"`
	Status       PaymentStatus `json:"status"`
	ResultCode   string        `json:"resultCode"`
	Message      Text          `json:"message"`
	MerchantID   string        `json:"merchantId"`
	Invoice      OrderInfo     `json:"invoice"`
	Amount       Money         `json:"amount"`
	Customer     *CustomerData `json:"customer"`
	PaymentData  *PaidWith     `json:"paymentData"`
	Confirmation *Confirmation `json:"confirmation"`
	PaymentToken *SavedToken   `json:"paymentToken"`

	Raw json.RawMessage `json:"-"` // as it came

	whole money.Amount // of a hold, where the client knows it; see orderedParam
}

// payment reads one payment out of an answer.
func (c *Client) payment(ctx context.Context, r request) (*PaymentInfo, error) {
	p, err := one[PaymentInfo](ctx, c, r, "the answer is no payment: it has no id or no status")
	if err != nil {
		return nil, err
	}
	return c.held(p), nil
}

func (p *PaymentInfo) took(raw json.RawMessage) bool {
	p.Raw = raw
	return p.ID != "" && p.Status != ""
}

// CreatePayment makes a payment without the payment page (POST
// /api/v2/payments): by a card's data, by SBP, by a saved token. The answer may
// have a Confirmation to go through. A key that was used gives ErrDuplicate.
func (c *Client) CreatePayment(ctx context.Context, r PaymentCreate) (*PaymentInfo, error) {
	r.MerchantID, r.TestMode = c.conf.MerchantID, c.testMode()
	return c.payment(ctx, request{method: http.MethodPost, path: "payments", body: r, extra: r.Extra, key: keyOr(r.IdempotencyKey)})
}

// Completion is what a step of confirmation brought: exactly one member.
type Completion struct {
	Code           string `json:"code,omitempty"`           // SmsOtp
	ThreeDSCompInd string `json:"threeDSCompInd,omitempty"` // ThreeDSMethod: Y, N or U
	CRes           string `json:"cres,omitempty"`           // ThreeDSChallenge
	PARes          string `json:"PARes,omitempty"`          // ThreeDSv1
}

func (s Completion) check() error {
	n := 0
	for _, v := range []string{s.Code, s.ThreeDSCompInd, s.CRes, s.PARes} {
		if v != "" {
			n++
		}
	}
	if n != 1 {
		return acquiring.Invalid("Completion", "must have exactly one of Code, ThreeDSCompInd, CRes and PARes")
	}
	return nil
}

// CompletePayment hands in the result of a step of confirmation (PUT
// /api/v2/payments/{id}/complete). The answer may have a further one.
func (c *Client) CompletePayment(ctx context.Context, id string, step Completion) (*PaymentInfo, error) {
	if err := checkID("CompletePayment", "ID", id); err != nil {
		return nil, err
	}
	if err := step.check(); err != nil {
		return nil, acquiring.InOp(provider, "CompletePayment", err)
	}
	return c.payment(ctx, request{method: http.MethodPut, path: "payments/" + id + "/complete", body: step})
}

// ConfirmPayment takes held money, all or a part of it (PUT
// /api/v2/payments/{id}/confirm). The receipt is the final one; send one where
// the payment was made with one.
func (c *Client) ConfirmPayment(ctx context.Context, id string, amount Money, receipt *Receipt) error {
	if err := checkID("ConfirmPayment", "ID", id); err != nil {
		return err
	}
	body := struct {
		Amount  Money    `json:"amount"`
		Receipt *Receipt `json:"receipt,omitempty"`
	}{amount, receipt}
	_, err := c.do(ctx, request{method: http.MethodPut, path: "payments/" + id + "/confirm", body: body, empty: true}, nil)
	return err
}

// CancelPayment releases a hold (PUT /api/v2/payments/{id}/cancel). Whether an
// unpaid payment can be cancelled the documentation does not say.
func (c *Client) CancelPayment(ctx context.Context, id string) error {
	if err := checkID("CancelPayment", "ID", id); err != nil {
		return err
	}
	_, err := c.do(ctx, request{method: http.MethodPut, path: "payments/" + id + "/cancel", empty: true}, nil)
	return err
}

// GetPayment reads a payment (GET /api/v2/payments/{id}).
func (c *Client) GetPayment(ctx context.Context, id string) (*PaymentInfo, error) {
	if err := checkID("GetPayment", "ID", id); err != nil {
		return nil, err
	}
	p, err := c.payment(ctx, request{method: http.MethodGet, path: "payments/" + id})
	if err == nil && string(p.ID) != id {
		return nil, c.nonsense("GET payments/{id}", "the answer is another payment than was asked for", nil)
	}
	return p, err
}

// ListPayments lists the shop's payments of a period (GET /api/v2/payments),
// all pages. Each comes once; their order is not documented.
func (c *Client) ListPayments(ctx context.Context, p Period) iter.Seq2[*PaymentInfo, error] {
	return list(ctx, c, "payments", c.period(p), func(p *PaymentInfo) string { return string(p.ID) },
		func(p *PaymentInfo, raw json.RawMessage) { c.held(p).Raw = raw })
}
