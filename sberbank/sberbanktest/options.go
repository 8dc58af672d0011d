package sberbanktest

import (
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is the last part of
	// the method's path: "register.do", in any case, and "" is any call. It
	// happens Times times (0: once; below 0: until ClearFaults). Delay, in real
	// time, is what the answer waits; of RateLimit it is Retry-After, a second
	// at least. Status is answered in place of the kind's own; with it
	// LostAnswer answers a web page.
	Fault = emulator.Fault
	// FaultKind is what goes wrong.
	FaultKind = emulator.FaultKind
	// Delivery is a callback with its attempts: ID (for Resend and Forge),
	// Order, Event, Method, URL, Header, Body, State ("waiting", "delivered",
	// "given up", "lost", "not configured"), Attempts. Its Request is the
	// callback as the shop's handler gets it.
	Delivery = emulator.Delivery
	// Mischief is what happens to callbacks on their way from now on; its zero
	// value is good weather. Duplicates: each is sent so many times more. Lose:
	// the next so many are never sent (below 0: all). Delay, of the emulator's
	// clock: before each. Reorder: up to so much more, by lot, so that they
	// overtake each other. Forge: beside each of the next so many goes a forged
	// one (below 0: all). Order: to the callbacks of this order alone.
	Mischief = emulator.Mischief
	// Clock is the emulator's time: see NewClock and NewRunningClock.
	Clock = emulator.Clock
	// Order is what the provider's own books say of an order: its Amount, State
	// (in the provider's words), and what was Authorized, Captured, Released and
	// Refunded, in kopecks, with the Moves that made it so.
	Order = emulator.Order
	// Move is one move of money in the books, in kopecks: Kind is "authorized",
	// "captured", "released" or "refunded".
	Move = emulator.Move
	// Receipt is a receipt (чек) that the cash service was given.
	Receipt = emulator.Receipt
	// Exchange is a request to the emulator with its answer: Time, Op, Method,
	// Path, Query, Header, Body, Status, Answer, Fault. Bodies are kept to 64
	// KiB, and the last 1,000 exchanges.
	Exchange = emulator.Exchange
)

// The kinds of faults.
const (
	Delay       = emulator.Delay       // the answer comes late
	Drop        = emulator.Drop        // the connection is closed, nothing is done
	LostAnswer  = emulator.LostAnswer  // the work is done, no answer comes
	ServerError = emulator.ServerError // 502 with a web page, nothing is done
	HTML        = emulator.HTML        // 200 with a web page, nothing is done
	Cut         = emulator.Cut         // the work is done, the answer breaks off
	RateLimit   = emulator.RateLimit   // 429 with Retry-After, nothing is done
	Empty       = emulator.Empty       // 200 with nothing, nothing is done
)

// NewClock stands at start until Advance moves it; then callbacks leave only
// in Deliver and Advance, and a run with a seed repeats to the byte.
func NewClock(start time.Time) *Clock { return emulator.NewClock(start) }

// NewRunningClock runs speed times as fast as real time from start.
func NewRunningClock(start time.Time, speed int) *Clock {
	return emulator.NewRunningClock(start, speed)
}

// Credentials and secrets of the merchant that every emulator has.
const (
	DefaultUserName    = "demo-api"
	DefaultPassword    = "Emulator-Password-1"
	DefaultCallbackKey = "emulator-callback-token"
)

// Merchant is a shop at the bank (мерчант).
type Merchant struct {
	UserName, Password string
	Token              string   // of the legacy gateway; "": none
	Shop               string   // its name on the payment page
	Children           []string // merchantLogin values it may name
	Language           string   // of texts where a request names none; "": ru
	// NoRight are methods it has no right for, by the last part of their path:
	// they answer errorCode 5.
	NoRight []string
	NoSBP   bool // without SBP: no code in externalParams, no tab on the page
	NoCash  bool // without a cash service: fiscal fields are errorCode 5
	// MustChangePassword: every call is refused until SetPermanentPassword.
	MustChangePassword bool

	Callbacks       CallbackSettings // of the new gateway
	LegacyCallbacks CallbackSettings // of the legacy gateway
	// ReceiptCallbackURL is notified of receipts with the answer of
	// getReceiptStatus; "": nobody is.
	ReceiptCallbackURL string
}

// CallbackMethod is how a callback is sent.
type CallbackMethod = gateway.Method

// The ways to send a callback.
const (
	CallbackGET  = gateway.GET  // query
	CallbackForm = gateway.FORM // POST, application/x-www-form-urlencoded
	CallbackJSON = gateway.JSON // POST, application/json
)

// CallbackCrypto is how a callback is signed.
type CallbackCrypto = gateway.Crypto

// The ways to sign a callback.
const (
	CryptoHMAC = gateway.HMAC     // symmetric: HMAC-SHA256
	CryptoRSA  = gateway.RSA      // asymmetric: RSA PKCS#1 v1.5 with SHA-512
	CryptoNone = gateway.NoCrypto // not signed
)

// CallbackSettings are what a merchant sets in the cabinet (настройки
// callback-уведомлений).
type CallbackSettings struct {
	URL string // static address; "": none
	// StaticOnly ignores dynamicCallbackUrl of the orders, as for a merchant
	// whose type is not DYNAMIC.
	StaticOnly bool
	Method     CallbackMethod
	Crypto     CallbackCrypto
	Key        string // of CryptoHMAC
	// Operations are those announced; nil: approved, deposited, reversed,
	// refunded, declinedByTimeout, subscriptionCreated. Others: created,
	// bindingCreated.
	Operations []string
	// Params are additional parameters, signed like the rest: amount,
	// approvedAmount, depositedAmount, refundedAmount, amountFormatted,
	// paymentState, actionCode, currency, maskedPan, clientId, bindingId,
	// email, phone, ip, refNum, paymentRefNum, authCode, externalRefundId,
	// operationRefundedAmount, callbackCreationDate, and names of the order's
	// own jsonParams.
	Params []string
	// Without are base parameters that were unticked: mdOrder, orderNumber,
	// operation, status.
	Without        []string
	SignAlias      string // sign_alias, which is not signed; "": not sent
	FailedAttempts bool   // announce failed attempts with status 0
	// NoRetries: a callback that was not answered with 200 is not repeated.
	// Otherwise the new gateway tries 3 times, a minute apart, and the legacy
	// one 6 times, with growing pauses.
	NoRetries bool
}

// Unknowns are the questions that the bank's documents leave open
// (specification, sections 14 and 16); the zero value is the best guess.
type Unknowns struct {
	RefundLowersDeposited bool   // depositedAmount is lowered by refunds
	ReverseKeepsAmounts   bool   // after a full reverse the amounts stay as they were
	NotFoundCode          int    // new gateway: 6 (default), 5 or 9
	OverRefundCode        int    // refunds above the order: 5 (default) or 7
	NotPaidCode           int    // refund of an unpaid order: 7 (default) or 5
	MissingCode           int    // new gateway, a required parameter is missing: 4 (default) or 5
	ZeroMeansAll          bool   // new gateway: deposit and refund take amount 0 as everything
	IdempotencyKeys       bool   // new gateway: x-idempotencyKey works
	ReturnParam           string // new gateway: the parameter of the return address with the order's id; "": none
	OtherFormID           bool   // the id in formUrl is not orderId
	NoExternalParams      bool   // new gateway: register answers without externalParams
	FormOnGET             bool   // legacy gateway: a form in the body of a GET is read
	NumbersAsText         bool   // amounts, statuses and dates as JSON strings
	TextAsNumbers         bool   // errorCode, currency, terminalId as JSON numbers
	NoErrorCode           bool   // success is said by leaving errorCode out
}

// ReceiptError is what becomes of a receipt that holds a certain item.
type ReceiptError struct {
	Status         int    // receiptStatus 4, 5 or 6; 0 is 4
	Code           int    // error.code
	Text, Type     string // error.text, error.type
	Recommendation int    // 1 retryReceipt, 2 doReceipt with a corrected cart, 3 fix the register first
}

type config struct {
	set           emulator.Settings
	merchants     []Merchant
	unknowns      Unknowns
	attempts      int
	sbpDelay      time.Duration
	sbpRefund     time.Duration
	receiptStep   time.Duration
	receiptErrors map[string]ReceiptError
}

// Option changes the emulator.
type Option func(*config)

// WithClock gives the emulator its time; without it, real time.
func WithClock(c *Clock) Option { return func(cfg *config) { cfg.set.Clock = c } }

// WithSeed makes ids repeat from run to run; without it they are random.
func WithSeed(seed uint64) Option { return func(cfg *config) { cfg.set.Seed = seed } }

// WithCallbackURL sets the static callback address of both gateways.
func WithCallbackURL(u string) Option {
	return func(cfg *config) {
		cfg.merchants[0].Callbacks.URL, cfg.merchants[0].LegacyCallbacks.URL = u, u
	}
}

// WithCallbackHandler takes the callbacks straight, without the network,
// whatever their address.
func WithCallbackHandler(h http.Handler) Option {
	return func(cfg *config) { cfg.set.CallbackHandler = h }
}

// WithCallbackClient sends the callbacks with a client of your own; without it
// they go to loopback addresses only.
func WithCallbackClient(c *http.Client) Option {
	return func(cfg *config) { cfg.set.CallbackClient = c }
}

// WithCallbacks sets how the new gateway notifies. An empty URL, Method, Crypto
// or Key stays as it was.
func WithCallbacks(c CallbackSettings) Option {
	return func(cfg *config) { cfg.merchants[0].Callbacks = over(cfg.merchants[0].Callbacks, c) }
}

// WithLegacyCallbacks sets how the legacy gateway notifies, likewise.
func WithLegacyCallbacks(c CallbackSettings) Option {
	return func(cfg *config) { cfg.merchants[0].LegacyCallbacks = over(cfg.merchants[0].LegacyCallbacks, c) }
}

func over(old, c CallbackSettings) CallbackSettings {
	if c.URL == "" {
		c.URL = old.URL
	}
	if c.Method == "" {
		c.Method = old.Method
	}
	if c.Crypto == "" {
		c.Crypto = old.Crypto
	}
	if c.Key == "" {
		c.Key = old.Key
	}
	return c
}

// WithMerchant changes the first merchant: empty credentials, name and
// callback fields stay as they were.
func WithMerchant(m Merchant) Option {
	return func(cfg *config) {
		old := cfg.merchants[0]
		if m.UserName == "" {
			m.UserName = old.UserName
		}
		if m.Password == "" {
			m.Password = old.Password
		}
		if m.Shop == "" {
			m.Shop = old.Shop
		}
		m.Callbacks, m.LegacyCallbacks = over(old.Callbacks, m.Callbacks), over(old.LegacyCallbacks, m.LegacyCallbacks)
		cfg.merchants[0] = m
	}
}

// WithOtherMerchant adds one more shop, complete with its credentials.
func WithOtherMerchant(m Merchant) Option {
	return func(cfg *config) {
		m.Callbacks, m.LegacyCallbacks = over(defaultCallbacks(CallbackJSON), m.Callbacks), over(defaultCallbacks(CallbackGET), m.LegacyCallbacks)
		cfg.merchants = append(cfg.merchants, m)
	}
}

// WithUnknowns answers the questions that the documents leave open.
func WithUnknowns(u Unknowns) Option { return func(cfg *config) { cfg.unknowns = u } }

// WithSBPDelay is how long the bank takes over a charge by SBP subscription
// and over an SBP refund; without it both are done at once. Meanwhile
// actionCode is -99.
func WithSBPDelay(charge, refund time.Duration) Option {
	return func(cfg *config) { cfg.sbpDelay, cfg.sbpRefund = charge, refund }
}

// WithReceiptStep is how long a receipt stays in each state on its way
// 1 → 2 → 3; without it 30 seconds.
func WithReceiptStep(d time.Duration) Option { return func(cfg *config) { cfg.receiptStep = d } }

// WithReceiptError makes the receipts fail that hold an item of that itemCode.
func WithReceiptError(itemCode string, e ReceiptError) Option {
	return func(cfg *config) { cfg.receiptErrors[itemCode] = e }
}

// WithPublicURL is the address that the world sees, where Handler is mounted
// elsewhere: payment links and Config use it.
func WithPublicURL(u string) Option { return func(cfg *config) { cfg.set.PublicURL = u } }

// WithoutListening opens no port: Handler and Client only.
func WithoutListening() Option { return func(cfg *config) { cfg.set.NoListen = true } }

// WithQR draws the QR pictures (PNG) otherwise than the emulator does.
func WithQR(draw func(payload string) ([]byte, error)) Option {
	return func(cfg *config) { cfg.set.QR = draw }
}

// WithoutRequestLog keeps no requests: for measuring.
func WithoutRequestLog() Option { return func(cfg *config) { cfg.set.KeepRequests = -1 } }

func defaultCallbacks(m CallbackMethod) CallbackSettings {
	return CallbackSettings{Method: m, Crypto: CryptoHMAC, Key: DefaultCallbackKey}
}

func defaultConfig() *config {
	return &config{
		merchants: []Merchant{{UserName: DefaultUserName, Password: DefaultPassword, Token: "emulator-open-token", Shop: "Учебный центр",
			Callbacks: defaultCallbacks(CallbackJSON), LegacyCallbacks: defaultCallbacks(CallbackGET)}},
		attempts: 3, receiptStep: 30 * time.Second, receiptErrors: map[string]ReceiptError{},
	}
}
