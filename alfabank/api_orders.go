package alfabank

import (
	"context"
	"net/url"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// What requests and answers are made of. The types are the family's.
type (
	Order      = rbs.Order      // answer of getOrderStatusExtended.do
	Registered = rbs.Registered // answer of register.do
	Answer     = rbs.Head       // an answer that says success or nothing
	Params     = rbs.Params     // jsonParams and other flat objects
	DateTime   = rbs.DateTime   // a moment in a request, Moscow time
	Cart       = rbs.Cart       // orderBundle
	CartItems  = rbs.CartItems  // depositItems, refundItems
	CartItem   = rbs.CartItem   // a position
)

var (
	epRegister        = endpoint{op: "register.do", token: true}
	epRegisterPreAuth = endpoint{op: "registerPreAuth.do", token: true}
	epStatus          = endpoint{op: "getOrderStatusExtended.do", read: true, token: true}
	epDeposit         = endpoint{op: "deposit.do"}
	epReverse         = endpoint{op: "reverse.do"}
	epRefund          = endpoint{op: "refund.do"}
	epRawSum          = endpoint{op: "processRawSumRefund.do"}
	epRawPosition     = endpoint{op: "processRawPositionRefund.do"}
	epDecline         = endpoint{op: "decline.do"}
)

// RegisterRequest registers an order (register.do, registerPreAuth.do). Limits are
// in characters. The typed calls look at the addresses alone: CreateInvoice
// checks the rest.
type RegisterRequest struct {
	OrderNumber        string       `url:"orderNumber,omitempty"`        // 1..36; "" only if the bank makes the merchant's numbers
	Amount             money.Amount `url:"amount"`                       // kopecks; 0 only with VERIFY or SBP_BINDING
	Currency           string       `url:"currency,omitempty"`           // 643; "": the merchant's
	ReturnURL          string       `url:"returnUrl"`                    // absolute, at most 512
	FailURL            string       `url:"failUrl,omitempty"`            // "": ReturnURL
	DynamicCallbackURL string       `url:"dynamicCallbackUrl,omitempty"` // at most 512; the bank must switch it on
	Description        string       `url:"description,omitempty"`        // at most 598; no personal data
	Language           string       `url:"language,omitempty"`
	IP                 string       `url:"ip,omitempty"`       // of the payer
	ClientID           string       `url:"clientId,omitempty"` // of the buyer, at most 255; bindings need it
	MerchantLogin      string       `url:"merchantLogin,omitempty"`
	MerchantINN        string       `url:"merchantInn,omitempty"`
	Holder             string       `url:"cardholderName,omitempty"` // to be filled in beforehand
	JSONParams         Params       `url:"jsonParams,omitempty"`
	SessionTimeout     int64        `url:"sessionTimeoutSecs,omitempty"` // seconds; 0: the merchant's, 1200
	ExpirationDate     DateTime     `url:"expirationDate,omitempty"`     // goes before SessionTimeout
	BindingID          string       `url:"bindingId,omitempty"`          // the only card that may pay
	Features           []string     `url:"features,omitempty"`           // each is a field of its own
	PostAddress        string       `url:"postAddress,omitempty"`
	Email              string       `url:"email,omitempty"` // at most 40
	Phone              string       `url:"phone,omitempty"` // +79998887766 or 10 digits
	PageView           string       `url:"pageView,omitempty"`
	PrepaymentMdOrder  string       `url:"prepaymentMdOrder,omitempty"`
	Fee                money.Amount `url:"feeInput,omitempty"`  // kopecks, at most 8 digits; the bank must switch it on
	TaxSystem          *int         `url:"taxSystem,omitempty"` // 0 general … 5 patent
	OrderBundle        *Cart        `url:"orderBundle,omitempty"`
	OFDParams          Params       `url:"additionalOfdParams,omitempty"`

	Billing       *BillingPayer  `url:"billingPayerData,omitempty"`
	Shipping      *ShippingPayer `url:"shippingPayerData,omitempty"`
	PreOrder      *PreOrderPayer `url:"preOrderPayerData,omitempty"`
	OrderPayer    *OrderPayer    `url:"orderPayerData,omitempty"`
	AddressesSame string         `url:"billingAndShippingAddressMatchIndicator,omitempty"` // Y, N

	// AutocompletionDate and AutoReverseDate take or release the hold by
	// themselves; registerPreAuth.do only, and to be switched on by the bank.
	AutocompletionDate DateTime `url:"autocompletionDate,omitempty"`
	AutoReverseDate    DateTime `url:"autoReverseDate,omitempty"`

	Extra map[string]string `url:"-"` // fields that are not above
}

// BillingPayer is the billing address, for 3-D Secure.
type BillingPayer struct {
	City       string `json:"billingCity,omitempty"`
	Country    string `json:"billingCountry,omitempty"`
	Line1      string `json:"billingAddressLine1,omitempty"`
	Line2      string `json:"billingAddressLine2,omitempty"`
	Line3      string `json:"billingAddressLine3,omitempty"`
	PostalCode string `json:"billingPostalCode,omitempty"`
	State      string `json:"billingState,omitempty"`
}

// EncodeValues implements query.Encoder.
func (p BillingPayer) EncodeValues(key string, v *url.Values) error {
	return rbs.JSONText{Value: p}.EncodeValues(key, v)
}

// ShippingPayer is the delivery, for 3-D Secure.
type ShippingPayer struct {
	City       string `json:"shippingCity,omitempty"`
	Country    string `json:"shippingCountry,omitempty"`
	Line1      string `json:"shippingAddressLine1,omitempty"`
	Line2      string `json:"shippingAddressLine2,omitempty"`
	Line3      string `json:"shippingAddressLine3,omitempty"`
	State      string `json:"shippingState,omitempty"`
	PostalCode string `json:"shippingPostalCode,omitempty"`
	Method     string `json:"shippingMethodIndicator,omitempty"` // 01..07
	Timeframe  string `json:"deliveryTimeframe,omitempty"`       // 01..04
	Email      string `json:"deliveryEmail,omitempty"`
}

// EncodeValues implements query.Encoder.
func (p ShippingPayer) EncodeValues(key string, v *url.Values) error {
	return rbs.JSONText{Value: p}.EncodeValues(key, v)
}

// PreOrderPayer is an order in advance, for 3-D Secure.
type PreOrderPayer struct {
	Date      string `json:"preOrderDate,omitempty"` // YYYYMMDD
	Purchase  string `json:"preOrderPurchaseInd,omitempty"`
	Reordered string `json:"reorderItemsInd,omitempty"`
}

// EncodeValues implements query.Encoder.
func (p PreOrderPayer) EncodeValues(key string, v *url.Values) error {
	return rbs.JSONText{Value: p}.EncodeValues(key, v)
}

// OrderPayer are the payer's telephones, 7 to 15 digits, for 3-D Secure.
type OrderPayer struct {
	Home   string `json:"homePhone,omitempty"`
	Work   string `json:"workPhone,omitempty"`
	Mobile string `json:"mobilePhone,omitempty"`
}

// EncodeValues implements query.Encoder.
func (p OrderPayer) EncodeValues(key string, v *url.Values) error {
	return rbs.JSONText{Value: p}.EncodeValues(key, v)
}

// Register registers a one-stage order (register.do): the money is taken when
// the customer pays. Its number is used up for ever: a second registration
// gives ErrDuplicate, also while the first is unpaid.
func (c *Client) Register(ctx context.Context, r RegisterRequest) (*Registered, error) {
	return c.register(ctx, epRegister, r)
}

// RegisterPreAuth registers a two-stage order (registerPreAuth.do): the money
// is held, and taken with Deposit or released with Reverse.
func (c *Client) RegisterPreAuth(ctx context.Context, r RegisterRequest) (*Registered, error) {
	return c.register(ctx, epRegisterPreAuth, r)
}

func (c *Client) register(ctx context.Context, e endpoint, r RegisterRequest) (*Registered, error) {
	if err := c.complete(&r); err != nil {
		return nil, acquiring.InOp(provider, e.op, err)
	}
	var out Registered
	if err := c.send(ctx, e, r, r.Extra, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// complete fills in what the Config says of every order. An address without a
// scheme is refused here: the bank takes it and sends the buyer astray.
func (c *Client) complete(r *RegisterRequest) error {
	if r.MerchantLogin == "" {
		r.MerchantLogin = c.conf.MerchantLogin
	}
	if r.Features == nil {
		r.Features = c.conf.Features
	}
	if r.ReturnURL == "" {
		return acquiring.Invalid("ReturnURL", "is empty; the bank demands an address to return the customer to")
	}
	if err := acquiring.CheckURL("ReturnURL", r.ReturnURL); err != nil {
		return err
	}
	return acquiring.CheckURL("FailURL", r.FailURL)
}

// StatusRequest asks for an order. Give one of the two numbers; with a token
// it can only be the bank's own.
type StatusRequest struct {
	OrderID       string `url:"orderId,omitempty"`
	OrderNumber   string `url:"orderNumber,omitempty"`
	MerchantLogin string `url:"merchantLogin,omitempty"`
	Language      string `url:"language,omitempty"` // of the messages; "": ru
}

// GetOrderStatusExtended reads an order (getOrderStatusExtended.do). An
// unknown one gives ErrNotFound. Its success says that the question was
// answered, not that the order is paid. Which fields come depends on a version
// (1 to 46) that the bank sets for the merchant. Where the bank still answers code
// 2, an order declined for its payment data gives ErrDeclined.
func (c *Client) GetOrderStatusExtended(ctx context.Context, r StatusRequest) (*Order, error) {
	if err := rbs.OneOf("OrderID", "OrderNumber", r.OrderID, r.OrderNumber); err != nil {
		return nil, acquiring.InOp(provider, epStatus.op, err)
	}
	e := epStatus
	e.token = r.OrderID != ""
	if r.MerchantLogin == "" {
		r.MerchantLogin = c.conf.MerchantLogin
	}
	r.Language = orRussian(r.Language)
	var out Order
	if err := c.call(ctx, e, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// DepositRequest completes a hold (deposit.do).
type DepositRequest struct {
	OrderID    string       `url:"orderId"`
	Amount     money.Amount `url:"amount"`                 // kopecks, up to what is held; 0: all of it
	Items      *CartItems   `url:"depositItems,omitempty"` // they come to Amount
	Currency   string       `url:"currency,omitempty"`
	JSONParams Params       `url:"jsonParams,omitempty"`
	Language   string       `url:"language,omitempty"`
}

// Deposit takes held money or a part of it; the rest is released unless the
// bank permits several completions. There is no key: read the order before
// repeating.
func (c *Client) Deposit(ctx context.Context, r DepositRequest) (*Answer, error) {
	r.Language = orRussian(r.Language)
	return c.plain(ctx, epDeposit, r)
}

// plain is a call whose answer says success or nothing.
func (c *Client) plain(ctx context.Context, e endpoint, request any) (*Answer, error) {
	var out Answer
	if err := c.call(ctx, e, request, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// ReverseRequest cancels an authorisation (reverse.do).
type ReverseRequest struct {
	OrderID       string       `url:"orderId"`
	OrderNumber   string       `url:"orderNumber,omitempty"`
	MerchantLogin string       `url:"merchantLogin,omitempty"`
	Amount        money.Amount `url:"amount,omitempty"` // kopecks, up to what is held; 0: all
	Currency      string       `url:"currency,omitempty"`
	JSONParams    Params       `url:"jsonParams,omitempty"` // penalty keeps a fee
	Language      string       `url:"language,omitempty"`
}

// Reverse releases a hold, or cancels a payment within a time that the bank
// sets (reverse.do). It can be tried once for an order: a failed attempt uses
// it up. Later on it is Refund's business. Read the order before repeating.
func (c *Client) Reverse(ctx context.Context, r ReverseRequest) (*Answer, error) {
	if r.MerchantLogin == "" {
		r.MerchantLogin = c.conf.MerchantLogin
	}
	r.Language = orRussian(r.Language)
	return c.plain(ctx, epReverse, r)
}

// OrderRefund gives money back (refund.do). Client.Refund is the safer way.
type OrderRefund struct {
	OrderID string       `url:"orderId"`
	Amount  money.Amount `url:"amount"` // kopecks; 0: all that is left
	// ExternalRefundID makes the refund idempotent within its order, at most
	// 36 characters (30 in another of the bank's texts).
	ExternalRefundID string `url:"externalRefundId,omitempty"`
	// ExpectedDeposited: the refund is made only if this is the order's
	// depositedAmount now; nil: in any case.
	ExpectedDeposited *money.Amount `url:"expectedDepositedAmount,omitempty"`
	Items             *CartItems    `url:"refundItems,omitempty"`
	OFDParams         Params        `url:"additionalOfdParams,omitempty"` // only if sent with the registration
	Currency          string        `url:"currency,omitempty"`
	JSONParams        Params        `url:"jsonParams,omitempty"` // penalty, subscriptionPurpose, sbpTermNo
	Language          string        `url:"language,omitempty"`
}

// RefundOrder calls refund.do. With an ExternalRefundID it is repeated after a
// failure of the connection: the bank answers the same key without a second
// refund. The answer holds no data of the refund; read Order.Refunds.
func (c *Client) RefundOrder(ctx context.Context, r OrderRefund) (*Answer, error) {
	r.Language = orRussian(r.Language)
	e := epRefund
	e.read = r.ExternalRefundID != ""
	return c.plain(ctx, e, r)
}

// RawSumRefund gives a sum back apart from the cart.
type RawSumRefund struct {
	OrderID    string       `url:"orderId"`
	Amount     money.Amount `url:"amount"` // kopecks; 0: all
	Position   *RawPosition `url:"ofdParams,omitempty"`
	OFDParams  Params       `url:"additionalOfdParams,omitempty"`
	JSONParams Params       `url:"jsonParams,omitempty"` // penalty
	Language   string       `url:"language,omitempty"`
}

// RawPosition is what the receipt of a raw refund says was given back.
type RawPosition struct {
	Name     string `json:"name"`
	ItemCode string `json:"itemCode"`
	TaxType  int    `json:"taxType"` // the bank's code of the rate: see Config.VATCodes
}

// EncodeValues implements query.Encoder.
func (p RawPosition) EncodeValues(key string, v *url.Values) error {
	return rbs.JSONText{Value: p}.EncodeValues(key, v)
}

// ProcessRawSumRefund gives a sum back apart from the cart
// (processRawSumRefund.do). Afterwards the order can be refunded in this way
// only. It is not idempotent: read the order before repeating. The bank must
// permit it.
func (c *Client) ProcessRawSumRefund(ctx context.Context, r RawSumRefund) (*Answer, error) {
	r.Language = orRussian(r.Language)
	return c.plain(ctx, epRawSum, r)
}

// RawPositionRefund gives back a sum for one position of the cart.
type RawPositionRefund struct {
	OrderID    string       `url:"orderId"`
	Amount     money.Amount `url:"amount"`               // kopecks
	PositionID string       `url:"positionId,omitempty"` // must be in the cart
	OFDParams  Params       `url:"additionalOfdParams,omitempty"`
}

// ProcessRawPositionRefund gives back a sum for one position of the cart
// (processRawPositionRefund.do; see Config.RawPositionMethod). It is not
// idempotent: read the order before repeating. The bank must permit it.
func (c *Client) ProcessRawPositionRefund(ctx context.Context, r RawPositionRefund) (*Answer, error) {
	return c.plain(ctx, epRawPosition, r)
}

// DeclineRequest withdraws an unpaid order (decline.do). The bank demands both
// numbers.
type DeclineRequest struct {
	OrderID       string `url:"orderId"`
	OrderNumber   string `url:"orderNumber"`
	MerchantLogin string `url:"merchantLogin,omitempty"`
	Language      string `url:"language,omitempty"`
}

// Decline withdraws an order that was not paid (decline.do). One without either
// number is ErrInvalid.
func (c *Client) Decline(ctx context.Context, r DeclineRequest) (*Answer, error) {
	if r.OrderID == "" || r.OrderNumber == "" {
		return nil, acquiring.InOp(provider, epDecline.op, acquiring.Invalid("OrderNumber", "or OrderID is empty; the bank demands both"))
	}
	if r.MerchantLogin == "" {
		r.MerchantLogin = c.conf.MerchantLogin
	}
	r.Language = orRussian(r.Language)
	return c.plain(ctx, epDecline, r)
}
