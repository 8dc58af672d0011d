package tochkatest

import (
	"crypto/rsa"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is one of the Op
	// names: OpCreate, in any case, and "" is any call. It happens Times times
	// (0: once; below 0: until ClearFaults). Delay, in real time, is what the
	// answer waits; of RateLimit it is Retry-After, a second at least. Status is
	// answered in place of the kind's own; with it LostAnswer answers a web
	// page.
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

// NewClock stands still until it is advanced.
func NewClock(start time.Time) *Clock { return emulator.NewClock(start) }

// NewRunningClock goes by itself, speed times as fast as real time.
func NewRunningClock(start time.Time, speed int) *Clock {
	return emulator.NewRunningClock(start, speed)
}

// settings are what the options set.
type settings struct {
	emulator.Settings
	companies []Company
	keys      []Key
	apps      []App
	signing   *rsa.PrivateKey

	noCashbox, noSBP bool

	accessLife, refreshLife, codeLife time.Duration
	expiredStatus                     int
	consentArray                      bool
	oauthEnvelope                     bool
	silentRefusal                     bool
	revokeOnReuse                     bool

	modeStatus, cashboxStatus, webhookStatus int
	totalCheck                               bool
	singleRefund                             bool
	refuseByFalse                            bool
	refundEnrolled                           bool
	lateRefundEntry                          bool
	refundReceipts                           bool
	noSavedCards                             bool
	dolyameWaits                             bool
	holdTerm                                 time.Duration
	lapsedStatus                             string
	cardRefunds                              time.Duration
	dateZone                                 *time.Location
	noRawSlash, noEscapedSlash               bool
	version2                                 bool

	strictURLs   bool
	twoDecimals  bool
	webhookDelay time.Duration
}

// Option changes the emulator.
type Option func(*settings)

// WithClock gives it a clock.
func WithClock(c *Clock) Option { return func(s *settings) { s.Clock = c } }

// WithSeed makes the ids the same in each run.
func WithSeed(n uint64) Option { return func(s *settings) { s.Seed = n } }

// WithCallbackURL registers a webhook of all types at this address for the
// first key, without the test deliveries of a registration by the API. An OAuth
// application registers its own. A webhook that was not answered with 200 is
// repeated 30 times, every 10 seconds of the clock.
func WithCallbackURL(u string) Option { return func(s *settings) { s.CallbackURL = u } }

// WithCallbackHandler takes the webhooks without the network. Without
// WithCallbackURL it registers one at https://shop.example/tochka.
func WithCallbackHandler(h http.Handler) Option { return func(s *settings) { s.CallbackHandler = h } }

// WithCallbackClient sends the webhooks, also to addresses of other machines.
func WithCallbackClient(c *http.Client) Option { return func(s *settings) { s.CallbackClient = c } }

// WithPublicURL is the address the world sees, when mounted elsewhere.
func WithPublicURL(u string) Option { return func(s *settings) { s.PublicURL = u } }

// WithoutListening makes Handler and Client only: give Client as
// Config.HTTPClient.
func WithoutListening() Option { return func(s *settings) { s.NoListen = true } }

// WithQR draws the pictures of SBP codes (PNG) otherwise than the emulator does.
func WithQR(draw func(payload string) ([]byte, error)) Option {
	return func(s *settings) { s.QR = draw }
}

// WithCompany adds a company; its first use replaces the default ones.
func WithCompany(c Company) Option { return func(s *settings) { s.companies = append(s.companies, c) } }

// WithKey adds a JWT key; its first use replaces the default one.
func WithKey(k Key) Option { return func(s *settings) { s.keys = append(s.keys, k) } }

// WithApp adds an OAuth application; its first use replaces the default one.
func WithApp(a App) Option { return func(s *settings) { s.apps = append(s.apps, a) } }

// WithSigningKey signs the webhooks with this key instead of the emulator's
// own, which is public.
func WithSigningKey(k *rsa.PrivateKey) Option { return func(s *settings) { s.signing = k } }

// WithoutCashbox leaves the retail points of the default company without a cash
// register.
func WithoutCashbox() Option { return func(s *settings) { s.noCashbox = true } }

// WithoutSBP leaves SBP out of the payment modes of the default company's
// retail points.
func WithoutSBP() Option { return func(s *settings) { s.noSBP = true } }

// WithTokenLife sets how long OAuth access and refresh tokens live; the bank's
// are 24 hours and 30 days.
func WithTokenLife(access, refresh time.Duration) Option {
	return func(s *settings) { s.accessLife, s.refreshLife = access, refresh }
}

// WithExpiredTokenStatus is the HTTP status of an expired OAuth access token:
// 401 was seen, the documentation is silent.
func WithExpiredTokenStatus(status int) Option {
	return func(s *settings) { s.expiredStatus = status }
}

// WithConsentArray answers a new consent in the shape of the OpenAPI document,
// Data.Consent[]; the bank in practice has the object in Data.
func WithConsentArray() Option { return func(s *settings) { s.consentArray = true } }

// WithOAuthErrorEnvelope gives the errors of /connect/* the shape of the API's
// own errors instead of OAuth's.
func WithOAuthErrorEnvelope() Option { return func(s *settings) { s.oauthEnvelope = true } }

// WithSilentRefusal ends a refused consent on the bank's own page; otherwise
// the browser goes back to the application with error=access_denied.
func WithSilentRefusal() Option { return func(s *settings) { s.silentRefusal = true } }

// WithReuseRevokes kills all tokens of a consent when a refresh token that was
// used already comes again. Otherwise only that request is refused.
func WithReuseRevokes() Option { return func(s *settings) { s.revokeOnReuse = true } }

// WithModeRefusal is the HTTP status for a payment mode that the retail point
// has not; 400 unless set.
func WithModeRefusal(status int) Option { return func(s *settings) { s.modeStatus = status } }

// WithCashboxRefusal is the HTTP status for a receipt at a retail point without
// a cash register; 424 unless set, 0 takes the order and prints nothing.
func WithCashboxRefusal(status int) Option { return func(s *settings) { s.cashboxStatus = status } }

// WithWebhookRefusal is the HTTP status for a webhook whose test deliveries
// were not all answered 200; 424 unless set.
func WithWebhookRefusal(status int) Option { return func(s *settings) { s.webhookStatus = status } }

// WithTotalCheck refuses a receipt whose lines do not add up to the amount with
// 400. Otherwise it is taken, and Notes tell.
func WithTotalCheck() Option { return func(s *settings) { s.totalCheck = true } }

// WithSingleRefund refuses a refund of an operation that was refunded in part.
func WithSingleRefund() Option { return func(s *settings) { s.singleRefund = true } }

// WithRefusalsAsFalse answers refused refunds, captures and charges with 200
// and isRefund or result false, instead of 424.
func WithRefusalsAsFalse() Option { return func(s *settings) { s.refuseByFalse = true } }

// WithRefundOfEnrolled allows to refund what reached the account only: the
// amount less the commission.
func WithRefundOfEnrolled() Option { return func(s *settings) { s.refundEnrolled = true } }

// WithLateRefundEntry puts a refund into Order only when it is executed.
// Otherwise it is there at once.
func WithLateRefundEntry() Option { return func(s *settings) { s.lateRefundEntry = true } }

// WithRefundReceipts prints a receipt for a refund of the whole sum.
func WithRefundReceipts() Option { return func(s *settings) { s.refundReceipts = true } }

// WithoutSavedCards leaves CofToken out of operations and the card out of
// webhooks, as before OpenAPI 1.93.
func WithoutSavedCards() Option { return func(s *settings) { s.noSavedCards = true } }

// WithDolyameWaiting puts an operation paid by Dolyame (Долями) into
// WAIT_FULL_PAYMENT until Settle.
func WithDolyameWaiting() Option { return func(s *settings) { s.dolyameWaits = true } }

// WithHoldTerm sets when a hold that was not captured lapses, and which status
// the operation has then; 7 days and EXPIRED unless set.
func WithHoldTerm(term time.Duration, status string) Option {
	return func(s *settings) { s.holdTerm, s.lapsedStatus = term, status }
}

// WithCardRefunds sets after which time of the clock a refund to a card is
// executed by itself; 3 days unless set, 0: at once. Settle does it on demand.
// Until then the operation is ON-REFUND.
func WithCardRefunds(after time.Duration) Option { return func(s *settings) { s.cardRefunds = after } }

// WithDateZone is the time zone of the dates in filters; Moscow unless set.
func WithDateZone(l *time.Location) Option { return func(s *settings) { s.dateZone = l } }

// WithoutRawSlash refuses an account in an address with its slash as it is,
// with 404, as was seen once.
func WithoutRawSlash() Option { return func(s *settings) { s.noRawSlash = true } }

// WithoutEscapedSlash refuses an account in an address with %2F, with 501.
func WithoutEscapedSlash() Option { return func(s *settings) { s.noEscapedSlash = true } }

// WithVersion2 takes /v2.0/ for /v1.0/, as somebody saw it; otherwise it is
// 501.
func WithVersion2() Option { return func(s *settings) { s.version2 = true } }

// WithStrictWebhookURLs takes https addresses with port 443 only, as the bank
// does. Otherwise addresses of this machine are taken with any scheme and port.
func WithStrictWebhookURLs() Option { return func(s *settings) { s.strictURLs = true } }

// WithTwoDecimals writes the sums in webhooks as "40.00"; the bank's published
// ones are as "40.0" and "0.33".
func WithTwoDecimals() Option { return func(s *settings) { s.twoDecimals = true } }

// WithWebhookDelay is the time between an event and its webhook: the bank's is
// 5 to 10 seconds; none unless set.
func WithWebhookDelay(d time.Duration) Option { return func(s *settings) { s.webhookDelay = d } }
