package sberbank

import (
	"context"
	"maps"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// What the answers are made of. The types are the family's.
type (
	Order      = rbs.Order      // answer of getOrderStatusExtended.do
	Registered = rbs.Registered // answer of register.do
	Params     = rbs.Params     // jsonParams
	DateTime   = rbs.DateTime   // a moment in a request, Moscow time
	Answer     = rbs.Head       // an answer that says success or nothing
)

// RegisterRequest registers an order (register.do, registerPreAuth.do; section
// «Регистрация заказа» of the bank's document). Fields marked new or legacy go
// to that gateway only. Limits are in characters. The typed calls do not check
// them: CreateInvoice does.
type RegisterRequest struct {
	OrderNumber        string       `json:"orderNumber" url:"orderNumber"`                                   // 1..36, legacy 1..32; unique for ever
	Amount             money.Amount `json:"amount" url:"amount"`                                             // kopecks; 0 only with VERIFY or an SBP subscription
	Currency           string       `json:"currency,omitempty" url:"currency,omitempty"`                     // "643"; "": that too
	ReturnURL          string       `json:"returnUrl" url:"returnUrl"`                                       // 12..2048, legacy ..512
	FailURL            string       `json:"failUrl,omitempty" url:"failUrl,omitempty"`                       // as ReturnURL; "": that
	DynamicCallbackURL string       `json:"dynamicCallbackUrl,omitempty" url:"dynamicCallbackUrl,omitempty"` // https, 12..512; "": as in the cabinet
	Description        string       `json:"description,omitempty" url:"description,omitempty"`               // ..512 of the bank's alphabet, 99 advised
	Language           string       `json:"language,omitempty" url:"language,omitempty"`                     // of the page; "": the merchant's
	ClientID           string       `json:"clientId,omitempty" url:"clientId,omitempty"`                     // ..255; needed for bindings
	MerchantLogin      string       `json:"merchantLogin,omitempty" url:"merchantLogin,omitempty"`
	SessionTimeout     int64        `json:"sessionTimeoutSecs,omitempty" url:"sessionTimeoutSecs,omitempty"` // seconds; 0: 1200
	ExpirationDate     DateTime     `json:"expirationDate,omitzero" url:"expirationDate,omitempty"`          // goes before SessionTimeout
	AutocompletionDate DateTime     `json:"autocompletionDate,omitzero" url:"autocompletionDate,omitempty"`  // registerPreAuth only
	BindingID          string       `json:"bindingId,omitempty" url:"bindingId,omitempty"`                   // chosen beforehand on the page
	Features           string       `json:"features,omitempty" url:"features,omitempty"`                     // list with ";" between: VERIFY, AUTO_PAYMENT, FORCE_SSL, FORCE_TDS, FORCE_FULL_TDS
	Phone              string       `json:"phone,omitempty" url:"phone,omitempty"`                           // of the payer, 7 to 15 digits; a receipt needs it or Email
	Email              string       `json:"email,omitempty" url:"email,omitempty"`                           // 3..128
	JSONParams         Params       `json:"jsonParams,omitempty" url:"jsonParams,omitempty"`

	OrderBundle *OrderBundle `json:"orderBundle,omitempty" url:"-"` // new

	LegacyBundle        *LegacyBundle     `json:"-" url:"orderBundle,omitempty"` // legacy
	TaxSystem           *int              `json:"-" url:"taxSystem,omitempty"`   // legacy: 0 general … 5 patent
	AdditionalOFDParams map[string]string `json:"-" url:"-"`                     // legacy
	PageView            string            `json:"-" url:"pageView,omitempty"`    // legacy: DESKTOP, MOBILE
	IP                  string            `json:"-" url:"ip,omitempty"`          // legacy

	Extra          map[string]string `json:"-" url:"-"` // fields that are not above
	IdempotencyKey string            `json:"-" url:"-"` // new: x-idempotencyKey, at most 255 letters, digits, - _ and #; "": a random one; the bank marks it as in development
}

var (
	epRegister        = endpoint{op: "register.do", json: "register.do", legacy: "register.do", token: true, key: true}
	epRegisterPreAuth = endpoint{op: "registerPreAuth.do", json: "registerPreAuth.do", legacy: "registerPreAuth.do", token: true, key: true}
	epStatus          = endpoint{op: "getOrderStatusExtended.do", json: "getOrderStatusExtended.do", legacy: "getOrderStatusExtended.do", read: true}
	epOldStatus       = endpoint{op: "getOrderStatus.do", legacy: "getOrderStatus.do", read: true}
	epDeposit         = endpoint{op: "deposit.do", json: "deposit.do", legacy: "deposit.do", key: true}
	epReverse         = endpoint{op: "reverse.do", json: "reverse.do", legacy: "reverse.do", key: true}
	epRefund          = endpoint{op: "refund.do", json: "refund.do", legacy: "refund.do", key: true}
	epDecline         = endpoint{op: "decline.do", json: "decline.do", legacy: "decline.do", key: true}
)

// Register registers a one-stage order (register.do): the money is taken when
// the customer pays. The number of a registered order is burnt for ever; a
// second registration gives ErrDuplicate.
func (c *Client) Register(ctx context.Context, r RegisterRequest) (*Registered, error) {
	return c.register(ctx, epRegister, r)
}

// RegisterPreAuth registers a two-stage order (registerPreAuth.do): the money
// is held, and taken with Deposit or released with Reverse.
func (c *Client) RegisterPreAuth(ctx context.Context, r RegisterRequest) (*Registered, error) {
	return c.register(ctx, epRegisterPreAuth, r)
}

func (c *Client) register(ctx context.Context, e endpoint, r RegisterRequest) (*Registered, error) {
	if r.MerchantLogin == "" {
		r.MerchantLogin = c.conf.MerchantLogin
	}
	if _, own := r.Extra["features"]; r.Features == "" && !own {
		r.Features = c.conf.Features
	}
	extra := r.Extra
	if len(r.AdditionalOFDParams) > 0 && c.conf.Protocol == ProtocolLegacy {
		text, err := rbs.CompactJSON(r.AdditionalOFDParams)
		if err != nil {
			return nil, acquiring.Invalid("AdditionalOFDParams", "cannot be written as JSON")
		}
		extra = maps.Clone(r.Extra)
		if extra == nil {
			extra = make(map[string]string, 1)
		}
		extra["additionalOfdParams"] = string(text)
	}
	var out Registered
	if err := c.send(ctx, e, r, extra, r.IdempotencyKey, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// StatusRequest asks for an order. Give one of the two numbers.
type StatusRequest struct {
	OrderID     string `json:"orderId,omitempty" url:"orderId,omitempty"`
	OrderNumber string `json:"orderNumber,omitempty" url:"orderNumber,omitempty"`
	Language    string `json:"language,omitempty" url:"language,omitempty"` // of the messages; "": ru
}

// GetOrderStatusExtended reads an order (getOrderStatusExtended.do). An
// unknown one gives ErrNotFound. Its success says that the question was
// answered, not that the order is paid.
func (c *Client) GetOrderStatusExtended(ctx context.Context, r StatusRequest) (*Order, error) {
	if (r.OrderID == "") == (r.OrderNumber == "") {
		return nil, acquiring.InOp(provider, epStatus.op, acquiring.Invalid("OrderID", "and OrderNumber: give exactly one of them"))
	}
	r.Language = orRussian(r.Language)
	var out Order
	if err := c.call(ctx, epStatus, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// GetOrderStatus reads an order by the older method of the legacy gateway
// (getOrderStatus.do). Its answer is put into an Order as far as it goes:
// prefer GetOrderStatusExtended. An order that was declined for its payment data
// may give ErrDeclined here.
func (c *Client) GetOrderStatus(ctx context.Context, orderID string) (*Order, error) {
	var out rbs.OldOrder
	request := StatusRequest{OrderID: orderID, Language: "ru"}
	if err := c.call(ctx, epOldStatus, request, &out); err != nil {
		return nil, err
	}
	return out.AsOrder(), nil
}

// DepositRequest completes a hold (deposit.do; завершение).
type DepositRequest struct {
	OrderID     string       `json:"orderId" url:"orderId"`
	Amount      money.Amount `json:"amount" url:"amount"` // kopecks, up to what is held; 0 is all at the legacy gateway only
	Language    string       `json:"language,omitempty" url:"language,omitempty"`
	OrderBundle *OrderBundle `json:"orderBundle,omitempty" url:"-"`  // new: the receipt of what is taken
	Items       *LegacyItems `json:"-" url:"depositItems,omitempty"` // legacy: needed for a part

	IdempotencyKey string `json:"-" url:"-"` // as in RegisterRequest
}

// Deposit takes held money or a part of it; the rest is released. One deposit
// is made of an order. It is not safe to repeat blindly: read the order first.
func (c *Client) Deposit(ctx context.Context, r DepositRequest) (*Answer, error) {
	r.Language = orRussian(r.Language)
	var out Answer
	if err := c.send(ctx, epDeposit, r, nil, r.IdempotencyKey, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// ReverseRequest cancels an authorisation (reverse.do).
type ReverseRequest struct {
	OrderID     string       `json:"orderId" url:"orderId"`
	Amount      money.Amount `json:"amount,omitempty" url:"-"` // kopecks; new: a part, once for an order; 0: all
	Language    string       `json:"language,omitempty" url:"language,omitempty"`
	JSONParams  Params       `json:"jsonParams,omitempty" url:"-"`
	OrderBundle *OrderBundle `json:"orderBundle,omitempty" url:"-"`

	IdempotencyKey string `json:"-" url:"-"`
}

// Reverse releases a hold, or cancels a one-stage payment until about 23:59
// Moscow time of its day (reverse.do). Later on it is Refund's business. It is not
// safe to repeat blindly: read the order first.
func (c *Client) Reverse(ctx context.Context, r ReverseRequest) (*Answer, error) {
	r.Language = orRussian(r.Language)
	var out Answer
	if err := c.send(ctx, epReverse, r, nil, r.IdempotencyKey, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// OrderRefund gives money back (refund.do). Client.Refund is the safer way.
type OrderRefund struct {
	OrderID string       `json:"orderId" url:"orderId"`
	Amount  money.Amount `json:"amount" url:"amount"` // kopecks, more than 0; at the legacy gateway at least a ruble
	// ExternalRefundID makes the refund idempotent within its order, at most
	// 36 characters: with the same data the first answer comes again, with
	// other data an error. At the new gateway it is a member of JSONParams.
	ExternalRefundID string       `json:"-" url:"externalRefundId,omitempty"`
	Language         string       `json:"language,omitempty" url:"language,omitempty"`
	JSONParams       Params       `json:"jsonParams,omitempty" url:"jsonParams,omitempty"`
	OrderBundle      *OrderBundle `json:"orderBundle,omitempty" url:"-"` // new: SELL_REFUND
	Items            *LegacyItems `json:"-" url:"refundItems,omitempty"` // legacy: needed for a part

	IdempotencyKey string `json:"-" url:"-"`
}

// RefundOrder calls refund.do. At the new gateway it is repeated after a
// failure of the connection if it has an ExternalRefundID. Success may mean that
// the bank will carry it out later: read Order.Operations.
func (c *Client) RefundOrder(ctx context.Context, r OrderRefund) (*Answer, error) {
	r.Language = orRussian(r.Language)
	e := epRefund
	if c.conf.Protocol == ProtocolJSON && r.ExternalRefundID != "" {
		params := make(Params, len(r.JSONParams)+1)
		maps.Copy(params, r.JSONParams)
		params["externalRefundId"] = r.ExternalRefundID
		r.JSONParams = params
		e.read = true // the key makes it repeatable
	}
	var out Answer
	if err := c.send(ctx, e, r, nil, r.IdempotencyKey, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// DeclineRequest withdraws an unpaid order (decline.do). Give one of the two
// numbers.
type DeclineRequest struct {
	OrderID       string `json:"orderId,omitempty" url:"orderId,omitempty"`
	OrderNumber   string `json:"orderNumber,omitempty" url:"orderNumber,omitempty"`
	MerchantLogin string `json:"merchantLogin,omitempty" url:"merchantLogin,omitempty"`
	Language      string `json:"language,omitempty" url:"language,omitempty"`
	JSONParams    Params `json:"jsonParams,omitempty" url:"-"`

	IdempotencyKey string `json:"-" url:"-"`
}

// Decline withdraws an order before the payer started to pay (decline.do).
func (c *Client) Decline(ctx context.Context, r DeclineRequest) (*Answer, error) {
	if (r.OrderID == "") == (r.OrderNumber == "") {
		return nil, acquiring.InOp(provider, epDecline.op, acquiring.Invalid("OrderID", "and OrderNumber: give exactly one of them"))
	}
	if r.MerchantLogin == "" {
		r.MerchantLogin = c.conf.MerchantLogin
	}
	r.Language = orRussian(r.Language)
	var out Answer
	if err := c.send(ctx, epDecline, r, nil, r.IdempotencyKey, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// orRussian is the language of the gateway's messages: refusals are told apart
// by their words, and those are known in Russian.
func orRussian(language string) string {
	if language == "" {
		return "ru"
	}
	return language
}
