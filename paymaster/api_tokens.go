package paymaster

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"

	"github.com/acquiring-go/acquiring"
)

// TokenizationCreate is a request for a page on which the buyer saves his card
// or account without paying. The shop's number and testMode are put in by the
// client.
type TokenizationCreate struct {
	MerchantID    string       `json:"merchantId"`
	TestMode      bool         `json:"testMode"`
	Type          string       `json:"type"` // "": TokenRecurring
	Purpose       string       `json:"purpose"`
	PaymentMethod string       `json:"paymentMethod"` // bankcard, sbp
	CallbackURL   string       `json:"callbackUrl,omitempty"`
	ReturnURL     string       `json:"returnUrl,omitempty"`
	Customer      CustomerData `json:"customer"` // Account is demanded

	IdempotencyKey string `json:"-"` // "": a random one
}

// TokenPage is the page on which the buyer saves his card.
type TokenPage struct {
	TokenID Text            `json:"tokenId"`
	URL     string          `json:"url"`
	Raw     json.RawMessage `json:"-"`
}

// StartTokenization makes a page on which the buyer saves his card (POST
// /api/v2/tokenization).
func (c *Client) StartTokenization(ctx context.Context, r TokenizationCreate) (*TokenPage, error) {
	if err := checkToken("StartTokenization", r.Purpose, r.PaymentMethod, r.Customer); err != nil {
		return nil, err
	}
	r.MerchantID, r.TestMode = c.conf.MerchantID, c.testMode()
	if r.Type == "" {
		r.Type = TokenRecurring
	}
	out := new(TokenPage)
	raw, err := c.do(ctx, request{method: http.MethodPost, path: "tokenization", body: r, key: keyOr(r.IdempotencyKey)}, out)
	if err != nil {
		return nil, err
	}
	if out.TokenID == "" || out.URL == "" {
		return nil, c.nonsense("POST tokenization", "the answer has no tokenId or no url", nil)
	}
	out.Raw = raw
	return out, nil
}

func checkToken(op, purpose, method string, customer CustomerData) error {
	var err error
	switch {
	case purpose == "":
		err = acquiring.Invalid("Purpose", "is empty; say what the subscription is for")
	case method == "":
		err = acquiring.Invalid("PaymentMethod", "is empty; choose bankcard or sbp")
	case customer.Account == "":
		err = acquiring.Invalid("Customer.Account", "is empty; give the shop's number of the customer")
	}
	return acquiring.InOp(provider, op, err)
}

// TokenCreate is a request to save a card or account without a page. The
// shop's number and testMode are put in by the client.
type TokenCreate struct {
	MerchantID  string       `json:"merchantId"`
	TestMode    bool         `json:"testMode"`
	Type        string       `json:"type"`
	Purpose     string       `json:"purpose"`
	PaymentData PaymentData  `json:"paymentData"`
	Protocol    *Protocol    `json:"protocol,omitempty"`
	Customer    CustomerData `json:"customer"`

	IdempotencyKey string `json:"-"` // "": a random one
}

// TokenInfo is a saved card or account. All but ID and Status may be absent.
type TokenInfo struct {
	ID           Text            `json:"id"`
	Status       string          `json:"status"` // TokenCreated, TokenActive, TokenRevoked, TokenDeclined
	Title        Text            `json:"title"`
	Expires      Time            `json:"expires"`
	CardInfo     *CardInfo       `json:"cardInfo"`
	Confirmation *Confirmation   `json:"confirmation"`
	Raw          json.RawMessage `json:"-"`
}

func (c *Client) token(ctx context.Context, r request) (*TokenInfo, error) {
	return one[TokenInfo](ctx, c, r, "the answer is no token: it has no id")
}

func (i *TokenInfo) took(raw json.RawMessage) bool {
	i.Raw = raw
	return i.ID != ""
}

// CreateToken saves a card or account without a page (POST
// /api/v2/paymenttokens): an SBP subscription, say, whose link is in
// Confirmation.
func (c *Client) CreateToken(ctx context.Context, r TokenCreate) (*TokenInfo, error) {
	if err := checkToken("CreateToken", r.Purpose, r.PaymentData.PaymentMethod, r.Customer); err != nil {
		return nil, err
	}
	r.MerchantID, r.TestMode = c.conf.MerchantID, c.testMode()
	if r.Type == "" {
		r.Type = TokenRecurring
	}
	return c.token(ctx, request{method: http.MethodPost, path: "paymenttokens", body: r, key: keyOr(r.IdempotencyKey)})
}

// CompleteToken hands in the result of a step of confirmation (PUT
// /api/v2/paymenttokens/{id}/complete).
func (c *Client) CompleteToken(ctx context.Context, id string, step Completion) (*TokenInfo, error) {
	if err := checkID("CompleteToken", "ID", id); err != nil {
		return nil, err
	}
	if err := step.check(); err != nil {
		return nil, acquiring.InOp(provider, "CompleteToken", err)
	}
	return c.token(ctx, request{method: http.MethodPut, path: "paymenttokens/" + id + "/complete", body: step})
}

// GetToken reads a saved card or account (GET /api/v2/paymenttokens/{id}).
func (c *Client) GetToken(ctx context.Context, id string) (*TokenInfo, error) {
	if err := checkID("GetToken", "ID", id); err != nil {
		return nil, err
	}
	t, err := c.token(ctx, request{method: http.MethodGet, path: "paymenttokens/" + id})
	if err == nil && string(t.ID) != id {
		return nil, c.nonsense("GET paymenttokens/{id}", "the answer is another token than was asked for", nil)
	}
	return t, err
}

// RevokeToken forgets a saved card or account (PUT
// /api/v2/paymenttokens/{id}/revoke).
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	if err := checkID("RevokeToken", "ID", id); err != nil {
		return err
	}
	_, err := c.do(ctx, request{method: http.MethodPut, path: "paymenttokens/" + id + "/revoke", empty: true}, nil)
	return err
}

// StickerSBP is the only type of a sticker so far.
const StickerSBP = "Sbp"

// StickerCreate is a request for a printed SBP code (наклейка) or a cash link
// (кассовая ссылка). The shop's number is put in by the client.
type StickerCreate struct {
	MerchantID     string `json:"merchantId"`
	StickerType    string `json:"stickerType"` // "": StickerSBP
	Cashlink       bool   `json:"cashlink,omitempty"`
	Description    string `json:"description,omitempty"`
	ProductCode    string `json:"productCode,omitempty"`
	PaymentPurpose string `json:"paymentPurpose"`
	Amount         *Money `json:"amount,omitempty"` // nil: the buyer says how much
	CallbackURL    string `json:"callbackUrl,omitempty"`

	IdempotencyKey string `json:"-"` // "": a random one
}

// Sticker is a printed SBP code or a cash link. A cash link is activated for
// one payment by CreatePayment with PaymentData.StickerID.
type Sticker struct {
	ID             Text            `json:"id"`
	StickerType    string          `json:"stickerType"`
	Cashlink       Flag            `json:"cashlink"`
	ProductCode    Text            `json:"productCode"`
	PaymentPurpose Text            `json:"paymentPurpose"`
	Description    Text            `json:"description"`
	Amount         *Money          `json:"amount"`
	Status         string          `json:"status"`
	Payload        string          `json:"payload"` // the link to be shown as a QR code, as it is
	Raw            json.RawMessage `json:"-"`
}

func (c *Client) sticker(ctx context.Context, r request) (*Sticker, error) {
	return one[Sticker](ctx, c, r, "the answer is no sticker: it has no id")
}

func (i *Sticker) took(raw json.RawMessage) bool {
	i.Raw = raw
	return i.ID != ""
}

// CreateSticker makes a printed SBP code (POST /api/v2/stickers).
func (c *Client) CreateSticker(ctx context.Context, r StickerCreate) (*Sticker, error) {
	if r.PaymentPurpose == "" {
		return nil, acquiring.InOp(provider, "CreateSticker", acquiring.Invalid("PaymentPurpose", "is empty"))
	}
	if r.Amount != nil && r.Amount.Value <= 0 {
		return nil, acquiring.InOp(provider, "CreateSticker", acquiring.Invalid("Amount", "is not more than zero; leave it out for any sum"))
	}
	r.MerchantID = c.conf.MerchantID
	if r.StickerType == "" {
		r.StickerType = StickerSBP
	}
	return c.sticker(ctx, request{method: http.MethodPost, path: "stickers", body: r, key: keyOr(r.IdempotencyKey)})
}

// SetSticker switches a sticker on or off (PUT /api/v2/stickers/{id}).
func (c *Client) SetSticker(ctx context.Context, id string, active bool) error {
	if err := checkID("SetSticker", "ID", id); err != nil {
		return err
	}
	body := struct {
		Active bool `json:"active"`
	}{active}
	_, err := c.do(ctx, request{method: http.MethodPut, path: "stickers/" + id, body: body, empty: true}, nil)
	return err
}

// GetSticker reads a sticker (GET /api/v2/stickers/{id}).
func (c *Client) GetSticker(ctx context.Context, id string) (*Sticker, error) {
	if err := checkID("GetSticker", "ID", id); err != nil {
		return nil, err
	}
	return c.sticker(ctx, request{method: http.MethodGet, path: "stickers/" + id})
}

// ListStickers lists the shop's stickers (GET /api/v2/stickers).
func (c *Client) ListStickers(ctx context.Context) iter.Seq2[*Sticker, error] {
	return list(ctx, c, "stickers", url.Values{"merchantId": {c.conf.MerchantID}}, func(s *Sticker) string { return string(s.ID) },
		func(s *Sticker, raw json.RawMessage) { s.Raw = raw })
}
