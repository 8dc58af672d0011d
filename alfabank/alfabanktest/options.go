package alfabanktest

import (
	"crypto/rsa"
	"net/http"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is the method's path:
	// "register.do", "sbp/c2b/qr/dynamic/get.do", in any case, and "" is any
	// call. It happens Times times (0: once; below 0: until ClearFaults). Delay,
	// in real time, is what the answer waits; of RateLimit it is Retry-After, a
	// second at least. Status is answered in place of the kind's own; with it
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
	DefaultUserName    = "r-demo-api"
	DefaultPassword    = "Emul*ator?Pass%1"
	DefaultToken       = "emulatoropentoken123456789"
	DefaultCallbackKey = "emulator-callback-key"
)

// Right is what the bank switches on or off for a merchant.
type Right string

// The rights. All are on at first but MultipleCompletion, OrderNumbers and
// Penalties.
const (
	TwoStage           Right = "two-stage payments"
	Reversals          Right = "reverse"
	Refunds            Right = "refund"
	RawRefunds         Right = "raw refunds"
	PartialCompletion  Right = "partial completion"
	MultipleCompletion Right = "multiple partial completion" // off
	Bindings           Right = "bindings"                    // without it they are silently not made
	ForcedBindings     Right = "forced bindings"
	BindingsNoPayment  Right = "bindings without payment"
	ExtendedBindings   Right = "extension of bindings"
	MIT                Right = "merchant-initiated payments"
	AutoPayment        Right = "AUTO_PAYMENT"
	Verification       Right = "VERIFY"
	DynamicCallbacks   Right = "dynamicCallbackUrl" // without it the field is silently ignored
	AutoDates          Right = "autocompletionDate and autoReverseDate"
	FeeInput           Right = "feeInput"
	Penalties          Right = "penalty" // off
	SBP                Right = "SBP"
	SBPBindings        Right = "SBP bindings"
	AlfaPay            Right = "AlfaPay"
	CardData           Right = "card data" // the merchant's own payment page: paymentorder, instantPayment
	Templates          Right = "payment links and static QR"
	FiscalService      Right = "fiscal service"
	OrderNumbers       Right = "generated order numbers" // off
)

// Merchant is a shop at the bank (мерчант).
type Merchant struct {
	UserName, Password string
	Token              string   // open token; "": none
	Shop               string   // its name on the payment page
	INN                string   // taxpayer's number
	Children           []string // merchantLogin and merchantInn values that it may name
	Language           string   // of texts where a request names none; "": ru
	Off                []Right  // switched off
	On                 []Right  // switched on although they are off at first
	NoRight            []string // methods it may not call, by path: errorCode 5
	// MustChangePassword: every call is refused, as before the mailed password
	// was changed in the cabinet.
	MustChangePassword bool
	StatusVersion      int // of getOrderStatusExtended, 1 to 46; 0: 46
	ReceiptVersion     int // of getReceiptStatus, 1 to 5; 0: 5
	Callbacks          CallbackSettings
}

func (m *Merchant) may(r Right) bool {
	switch r {
	case MultipleCompletion, OrderNumbers, Penalties:
		return slices.Contains(m.On, r)
	}
	return !slices.Contains(m.Off, r)
}

// CallbackMethod is how a callback is sent.
type CallbackMethod = gateway.Method

// The ways to send a callback.
const (
	CallbackGET  = gateway.GET  // query
	CallbackForm = gateway.FORM // POST, application/x-www-form-urlencoded
)

// CallbackCrypto is how a callback is signed.
type CallbackCrypto = gateway.Crypto

// The ways to sign a callback.
const (
	CryptoHMAC      = gateway.HMAC      // symmetric: HMAC-SHA256
	CryptoRSA       = gateway.RSA       // asymmetric: RSA PKCS#1 v1.5 with SHA-512
	CryptoRSASHA256 = gateway.RSASHA256 // the same with SHA-256, which the text allows
	CryptoNone      = gateway.NoCrypto  // the bank's own default
)

// CallbackSettings are what the bank sets for a merchant (настройки
// callback-уведомлений).
type CallbackSettings struct {
	URL    string // static address; "": none
	Method CallbackMethod
	Crypto CallbackCrypto
	Key    string // of CryptoHMAC
	// Operations are those announced; nil: approved, deposited, reversed,
	// refunded, declinedByTimeout. Others: bindingCreated,
	// bindingActivityChanged.
	Operations []string
	// Params are additional parameters, signed like the rest: amount,
	// approvedAmount, depositedAmount, refundedAmount, amountFormatted,
	// paymentState, actionCode, currency, maskedPan, clientId, bindingId,
	// email, phone, ip, refNum, authCode, templateId, and names of the order's
	// own jsonParams.
	Params []string
	// Without are base parameters that are not sent: mdOrder, orderNumber,
	// operation, callbackCreationDate, status.
	Without []string
	// SignAlias is sign_alias, which is not signed; "": "SHA-256 with RSA" of
	// both RSA ways, as in the bank's sample, whose hash is another; "-": not
	// sent.
	SignAlias        string
	BindingOperation bool          // binding events say operation and status too
	LeadingAmpersand bool          // binding events begin with "&", as in one of the bank's examples
	NoFailedAttempts bool          // failed payments are not announced (status 0)
	Tries            int           // 0: 3; unpublished
	Gap              time.Duration // between them; 0: a minute
}

// Scalars is how answers write their numbers and codes.
type Scalars uint8

// The ways to write them.
const (
	ScalarsText     Scalars = iota // errorCode and actionCode as text, the rest as in the document's examples
	ScalarsExamples                // as in the examples: errorCode a number where money moves, text elsewhere
	ScalarsNumber                  // numbers wherever the text is one
	ScalarsRandom                  // now this way, now that
)

// Unknowns are the questions that the bank's documents leave open; the zero
// value is the best guess.
type Unknowns struct {
	RefundKeepsDeposited bool   // refunds leave depositedAmount as it was; the document says that they lower it
	ReverseKeepsAmounts  bool   // after a full reverse the amounts stay as they were
	RefundKeyChecksSum   bool   // a repeated externalRefundId with another amount is refused
	WrongStateCode       int    // 7 (default) or 5
	OverRefundCode       int    // refunds above the payment: 5 (default) or 7
	BasketCode           int    // the basket does not fit: 8 (default, of the family) or 5
	Currency             string // of answers: "810" (default, as the test stand) or "643"
	RegisterSaysZero     bool   // register answers errorCode 0 too
	UnbindSBPSaysZero    bool   // sbp/c2b/unBind.do answers 0; the document's example has 2
	NothingFoundIsEmpty  bool   // getBindings of a client without any: an empty list in place of code 2
	RefusePairAndToken   bool   // a token beside userName and password is refused
	StrictTII            bool   // paymentOrderBinding without tii is refused
	ShortNumbers         bool   // orderNumber of at most 32 characters
	DeclineByIDAlone     bool   // decline needs no orderNumber
	BodyIgnored          bool   // only the query counts, as one SDK's author claims
	SingleAsObject       bool   // a list of one is that one object
	TextPlain            bool   // Content-Type text/plain;charset=UTF-8
	DoubledFormURL       bool   // formUrl has /payment/payment/, as the document shows
	StatusWord           bool   // QR answers say status in place of qrStatus, as the table does
	ReceiptDatetime      bool   // receipt_datetime, as the table has it, in place of receipt_date_time
	// ReverseWindow is how long a one-stage payment can be reversed; 0: until
	// its Moscow day ends; below 0: it cannot.
	ReverseWindow time.Duration
}

// Installation is one of the bank's separate gateways: a login works on one.
type Installation uint8

// The installations.
const (
	Stand   Installation = iota // alfa.rbsuat.com: takes all logins
	Payment                     // payment.alfabank.ru: logins that begin with r-
	Pay                         // pay.alfabank.ru: logins without that
)

// ReceiptError is what becomes of a receipt that holds a certain item: its
// status ends in 2 (payment) or 5 (refund).
type ReceiptError struct{ Text string }

type config struct {
	set           emulator.Settings
	merchants     []Merchant
	unknowns      Unknowns
	scalars       Scalars
	installation  Installation
	foreign       bool
	attempts      int
	session, hold time.Duration
	sbpDelay      time.Duration
	receiptStep   time.Duration
	receiptErrors map[string]ReceiptError
	key           *rsa.PrivateKey
}

// Option changes the emulator.
type Option func(*config)

// WithClock gives the emulator its time; without it, real time.
func WithClock(c *Clock) Option { return func(cfg *config) { cfg.set.Clock = c } }

// WithSeed makes ids repeat from run to run; without it they are random.
func WithSeed(seed uint64) Option { return func(cfg *config) { cfg.set.Seed = seed } }

// WithCallbackURL sets the static callback address.
func WithCallbackURL(u string) Option {
	return func(cfg *config) { cfg.merchants[0].Callbacks.URL = u }
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

// WithCallbacks sets how the bank notifies. An empty URL, Method, Crypto or
// Key stays as it was.
func WithCallbacks(c CallbackSettings) Option {
	return func(cfg *config) { cfg.merchants[0].Callbacks = over(cfg.merchants[0].Callbacks, c) }
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
	return func(cfg *config) { cfg.merchants[0] = whole(cfg.merchants[0], m) }
}

// WithOtherMerchant adds one more shop. Where its own fields are empty, it has
// the emulator's ordinary callback settings without an address, the first one's
// INN, and its login for a name.
func WithOtherMerchant(m Merchant) Option {
	return func(cfg *config) {
		like := Merchant{Shop: m.UserName, INN: cfg.merchants[0].INN, Callbacks: defaultCallbacks()}
		cfg.merchants = append(cfg.merchants, whole(like, m))
	}
}

func whole(old, m Merchant) Merchant {
	for _, f := range []struct{ to, from *string }{{&m.UserName, &old.UserName}, {&m.Password, &old.Password}, {&m.Token, &old.Token},
		{&m.Shop, &old.Shop}, {&m.INN, &old.INN}, {&m.Language, &old.Language}} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	m.Callbacks = over(old.Callbacks, m.Callbacks)
	return m
}

// WithUnknowns answers the questions that the documents leave open.
func WithUnknowns(u Unknowns) Option { return func(cfg *config) { cfg.unknowns = u } }

// WithScalars says how answers write their numbers; without it ScalarsText.
func WithScalars(s Scalars) Option { return func(cfg *config) { cfg.scalars = s } }

// WithInstallation refuses the logins of the other installations with "Access
// denied", as the bank does; without it all are taken.
func WithInstallation(i Installation) Option { return func(cfg *config) { cfg.installation = i } }

// WithForeignAddress answers everything with 403 and a web page, as the test
// stand does to addresses outside Russia.
func WithForeignAddress() Option { return func(cfg *config) { cfg.foreign = true } }

// WithAttempts is how many declined payments an order stands; without it 3.
// The bank does not publish it.
func WithAttempts(n int) Option { return func(cfg *config) { cfg.attempts = n } }

// WithSession is how long an order can be paid that names no time of its own;
// without it 1200 seconds.
func WithSession(d time.Duration) Option { return func(cfg *config) { cfg.session = d } }

// WithHoldLimit is when a hold is let go that nobody completed; without it
// after 7 days.
func WithHoldLimit(d time.Duration) Option { return func(cfg *config) { cfg.hold = d } }

// WithSBPDelay is how long a payment by SBP is on its way (orderStatus 7,
// actionCode -99, qrStatus CONFIRMED); without it it is done at once.
func WithSBPDelay(d time.Duration) Option { return func(cfg *config) { cfg.sbpDelay = d } }

// WithReceiptStep is how long a receipt is on its way; without it 30 seconds.
func WithReceiptStep(d time.Duration) Option { return func(cfg *config) { cfg.receiptStep = d } }

// WithReceiptError makes the receipts fail that hold an item of that itemCode.
func WithReceiptError(itemCode string, e ReceiptError) Option {
	return func(cfg *config) { cfg.receiptErrors[itemCode] = e }
}

// WithSigningKey is the bank's private key of asymmetric callbacks; without it
// each Server makes one when it first needs it. Whether the bank has one key
// for all merchants or one for each is not known: give it to two Servers to
// try the first.
func WithSigningKey(key *rsa.PrivateKey) Option { return func(cfg *config) { cfg.key = key } }

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

func defaultCallbacks() CallbackSettings {
	return CallbackSettings{Method: CallbackGET, Crypto: CryptoHMAC, Key: DefaultCallbackKey}
}

func defaultConfig() *config {
	return &config{
		merchants: []Merchant{{UserName: DefaultUserName, Password: DefaultPassword, Token: DefaultToken, Shop: "Чайная лавка", INN: "7707083893",
			Callbacks: defaultCallbacks()}},
		attempts: 3, session: 1200 * time.Second, hold: 7 * 24 * time.Hour, receiptStep: 30 * time.Second, receiptErrors: map[string]ReceiptError{},
	}
}
