package paymastertest

import (
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// HashAlgo is a site's signature type (тип подписи) in the cabinet.
type HashAlgo string

// The signature types.
const (
	MD5    HashAlgo = "md5"
	SHA1   HashAlgo = "sha1"
	SHA256 HashAlgo = "sha256"
)

// Account is the merchant that the emulator knows. An empty field has a value
// of its own.
type Account struct {
	MerchantID   string   // идентификатор сайта: UUID, of both generations
	Token        string   // of REST API v2
	SecretKey    string   // секретный ключ of the classic protocol
	Hash         HashAlgo // its signature type; SHA256 unless set
	Login        string   // of the classic REST: a user with "Автоматический доступ"
	Password     string
	DirectSecret string   // of PayMaster Direct
	SiteID       int      // the site's number in answers of the classic REST
	AccountID    string   // accountID of the classic REST
	Operator     bool     // роль "Операционист": may read payments by the classic REST and no more
	Currencies   []string // that it takes, by their three letters; nil: RUB
}

// settings are what the options have set.
type settings struct {
	emulator.Settings
	account                Account
	unknown                Unknowns
	working                bool
	holds                  bool
	confirmationURL        string
	successURL, failureURL string
	returnByPost           bool
	noSubstitution         bool
	repeatDeclined         bool
	refundTakes            time.Duration
	receiptTakes           time.Duration
}

// Option changes the emulator.
type Option func(*settings)

// WithClock gives it a clock.
func WithClock(c *Clock) Option { return func(s *settings) { s.Clock = c } }

// WithSeed makes the ids the same in each run.
func WithSeed(n uint64) Option { return func(s *settings) { s.Seed = n } }

// WithAccount sets the merchant.
func WithAccount(a Account) Option { return func(s *settings) { s.account = a } }

// WithUnknowns decides what the documentation leaves open.
func WithUnknowns(u Unknowns) Option { return func(s *settings) { s.unknown = u } }

// WithCallbackURL is the address of notifications in the cabinet: the Payment
// Notification URL of the classic protocol, and where v2 notifies of payments
// without a callbackUrl.
func WithCallbackURL(u string) Option { return func(s *settings) { s.CallbackURL = u } }

// WithCallbackHandler takes the notifications without the network.
func WithCallbackHandler(h http.Handler) Option { return func(s *settings) { s.CallbackHandler = h } }

// WithCallbackClient sends the notifications, also to addresses of other
// machines.
func WithCallbackClient(c *http.Client) Option { return func(s *settings) { s.CallbackClient = c } }

// WithPublicURL is the address the world sees, when mounted elsewhere.
func WithPublicURL(u string) Option { return func(s *settings) { s.PublicURL = u } }

// WithoutListening makes Handler and Client only.
func WithoutListening() Option { return func(s *settings) { s.NoListen = true } }

// WithQR draws the picture of the SBP code (PNG) otherwise than the emulator
// does.
func WithQR(draw func(string) ([]byte, error)) Option { return func(s *settings) { s.QR = draw } }

// WithRetries repeats notifications that were not answered with 200: attempts
// in all, wait apart. In the cabinet it is "повторять Payment Notification при
// сбоях", off unless asked for; the real schedule is not documented.
func WithRetries(attempts int, wait time.Duration) Option {
	return func(s *settings) { s.Retries = emulator.Every(attempts, wait) }
}

// WithWorkingMode takes the classic site out of test mode: notifications lose
// LMI_SIM_MODE, the method is BankCard. REST API v2 has its testMode in each
// request instead.
func WithWorkingMode() Option { return func(s *settings) { s.working = true } }

// WithHolds makes every classic payment a hold until it is confirmed, as
// PayMaster switches it on for a site. A single one is asked for by
// LMI_PAYMENT_TYPE=HOLD.
func WithHolds() Option { return func(s *settings) { s.holds = true } }

// WithConfirmationURL is the Invoice Confirmation URL of the cabinet: it is
// asked before each classic payment and must answer YES.
func WithConfirmationURL(u string) Option { return func(s *settings) { s.confirmationURL = u } }

// WithReturnURLs are the classic Success and Failure URL of the cabinet.
func WithReturnURLs(success, failure string) Option {
	return func(s *settings) { s.successURL, s.failureURL = success, failure }
}

// WithReturnByPost makes the classic returns POST instead of GET.
func WithReturnByPost() Option { return func(s *settings) { s.returnByPost = true } }

// WithoutURLSubstitution ignores the LMI_…_URL fields of the form, as when
// "разрешить подмену URL" is off in the cabinet.
func WithoutURLSubstitution() Option { return func(s *settings) { s.noSubstitution = true } }

// WithRepeatedNumbers lets a number be used again after its payment failed:
// "не проверять уникальность номера счёта для отклонённых платежей".
func WithRepeatedNumbers() Option { return func(s *settings) { s.repeatDeclined = true } }

// WithRefundTime is how long a refund takes by the emulator's clock: 3 seconds
// unless set.
func WithRefundTime(d time.Duration) Option { return func(s *settings) { s.refundTakes = d } }

// WithReceiptTime is how long a receipt takes: 2 seconds unless set.
func WithReceiptTime(d time.Duration) Option { return func(s *settings) { s.receiptTakes = d } }

// CursorEnd is how a list says that there are no more pages.
type CursorEnd uint8

// The ends of a list.
const (
	CursorAbsent CursorEnd = iota // no cursor
	CursorNull                    // "cursor": null
	CursorEmpty                   // "cursor": ""
	CursorRepeat                  // the same cursor again and again, with an empty page
)

// NotFound is the answer to an id that is not there.
type NotFound uint8

// The answers.
const (
	NotFound404   NotFound = iota // 404 with validation_error
	NotFoundEmpty                 // 404 with an empty body
	NotFound400                   // 400 with validation_error
)

// HoldNotice is when the classic Payment Notification of a hold is sent.
type HoldNotice uint8

// The moments.
const (
	NoticeAtHold    HoldNotice = iota // when the money is held
	NoticeAtConfirm                   // when it is taken
	NoticeAtBoth                      // both times
)

// Unknowns are what PayMaster's documentation leaves open. The zero value is
// the likeliest, or the one that finds most faults in a client.
type Unknowns struct {
	// REST API v2.

	StringCallbackIDs bool     // payment ids in notifications are text; ordinarily numbers, as integrations have seen
	NumericIDs        bool     // ids of payments and refunds are numbers in all answers
	BOM               bool     // notifications begin with a byte order mark
	ShortSums         bool     // sums as short as they can be: 10.5; ordinarily 10.5000
	CallbackStatuses  []string // those that are notified of; nil: all
	// KeyReplay answers the first answer again when an Idempotency-Key comes
	// again with the same request; ordinarily that is
	// idempotency_key_violation.
	KeyReplay      bool
	KeyLife        time.Duration // of an Idempotency-Key; 0: for ever
	KeyPerEndpoint bool          // the same key may be used once for each method
	KeyNotUsed     bool          // a request that was refused does not use its key up

	ErrorStatus map[string]int // HTTP status by code: "invalid_operation"
	EmptyErrors bool           // refusals have no body
	NotFound    NotFound       // the answer to an unknown id

	ConfirmWithoutAmount bool // PUT …/confirm without an amount takes the whole hold
	ConfirmNeedsReceipt  bool // of a payment that was created with one
	ConfirmKeepsAmount   bool // after a capture of a part, amount stays what was held
	PaymentWithoutData   bool // POST /payments without paymentData gives a link
	VatNone              bool // vat_none is taken for None
	StrayReceipts        bool // the lines of a receipt need not add up to the amount
	ReceiptsArray        bool // the list of receipts is a bare array
	OldACSField          bool // ThreeDSv1 names the address paymentUrl

	PageSize     int       // of lists; 0: 5
	NewestFirst  bool      // lists begin with the newest, ordinarily with the oldest
	ExclusiveEnd bool      // the end of a list's period does not belong to it
	CursorEnd    CursorEnd // how the last page says so

	ExpiredRejected   bool          // an expired payment is Rejected, ordinarily Cancelled
	RetryAfterDecline bool          // after a decline the payment page takes another card
	KeepUnpaid        bool          // an unpaid payment cannot be cancelled: invalid_operation, -23
	HoldLife          time.Duration // a hold is released after it; 0: never
	Milliseconds      bool          // dates of payments with milliseconds

	// The classic protocol.

	HoldNotice        HoldNotice    // when a hold is notified of
	TestSystem        string        // LMI_PAYMENT_SYSTEM of test payments; "": 503
	NoSystem          bool          // LMI_PAYMENT_SYSTEM is not sent any more
	NumericCurrency   bool          // a currency given as 643 comes back as 643
	MoscowTime        bool          // LMI_SYS_PAYMENT_DATE is Moscow time, ordinarily UTC
	NoLegacyDate      bool          // answers of the classic REST without LastUpdate
	NoSiteInvoiceID   bool          // getPaymentByInvoiceID answers without the shop's number
	RefundStatusOnly  bool          // refunds have Status and no State
	RefundStateOnly   bool          // refunds have State and no Status
	NumericRefundID   bool          // RefundID is a number, ordinarily text
	NoRefundID        bool          // refunds have no RefundID
	ListLimit         int           // of the classic lists, then Overflow; 0: 100
	SimulationPercent int           // of success under LMI_SIM_MODE=2; 0: 80
	DirectPending     bool          // the first /direct/payment/complete answers in_progress
	FailedReturnBare  bool          // the return to the Failure URL has no LMI_SYS_ fields
	LinkLife          time.Duration // of a classic payment without LMI_EXPIRES; 0: for ever
}
