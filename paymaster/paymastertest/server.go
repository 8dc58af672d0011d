package paymastertest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; see Server.Fail for the
	// names of its Op, in any case, and "" is any call. It happens Times times
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
	// Exchange is a request to the emulator with its answer: Time, Op, Method,
	// Path, Query, Header, Body, Status, Answer, Fault. Bodies are kept to 64
	// KiB, and the last 1,000 exchanges.
	Exchange = emulator.Exchange
	// Order is what the provider's own books say of an order: its Amount, State
	// (in the provider's words), and what was Authorized, Captured, Released and
	// Refunded, in kopecks, with the Moves that made it so.
	Order = emulator.Order
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

// The clocks of WithClock.
var (
	// NewClock(start time.Time) stands at start until Advance moves it; then
	// callbacks leave only in Deliver and Advance.
	NewClock = emulator.NewClock
	// NewRunningClock(start time.Time, speed int) runs from start, speed times
	// as fast as real time.
	NewRunningClock = emulator.NewRunningClock
)

// The account of an emulator that was given none.
const (
	DefaultMerchantID   = "7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11"
	DefaultToken        = "paymaster-emulated-token-41c7"
	DefaultSecretKey    = "paymaster-emulated-secret-key-9d02"
	DefaultLogin        = "emulated-api"
	DefaultPassword     = "paymaster-emulated-password-5e6"
	DefaultDirectSecret = "paymaster-emulated-direct-secret-b88"
	DefaultSiteID       = 18
	DefaultAccountID    = "1042"
)

// Server is the emulator.
type Server struct {
	// URL is the address of both generations; the base address of clients.
	URL string

	base *emulator.Base
	opt  settings

	mu          sync.Mutex
	payments    map[string]*payment
	list        []*payment
	pages       map[string]*payment // by the page's name in /cpay/ and /payment/process/
	keys        map[string]*idempotent
	nonces      map[string]bool
	refunds     []*refund
	receipts    []*Receipt
	tokens      map[string]*token
	tokenPages  map[string]*token
	stickers    []*sticker
	documents   []document
	direct      directBook
	nextID      int64
	nextSysID   int64
	nextRefund  int64
	nextReceipt int64
	refusals    []string // result codes of the refunds to come
	badReceipts int
}

func orElse(v *string, ordinary string) {
	if *v == "" {
		*v = ordinary
	}
}

// NewServer starts the emulator on 127.0.0.1.
func NewServer(opts ...Option) *Server {
	s := &Server{payments: map[string]*payment{}, pages: map[string]*payment{}, keys: map[string]*idempotent{}, nonces: map[string]bool{},
		tokens: map[string]*token{}, tokenPages: map[string]*token{}, direct: newDirectBook()}
	s.opt = settings{refundTakes: 3 * time.Second, receiptTakes: 2 * time.Second}
	s.opt.Forge = forge
	for _, o := range opts {
		o(&s.opt)
	}
	a := &s.opt.account
	orElse(&a.MerchantID, DefaultMerchantID)
	orElse(&a.Token, DefaultToken)
	orElse(&a.SecretKey, DefaultSecretKey)
	orElse((*string)(&a.Hash), string(SHA256))
	orElse(&a.Login, DefaultLogin)
	orElse(&a.Password, DefaultPassword)
	orElse(&a.DirectSecret, DefaultDirectSecret)
	orElse(&a.AccountID, DefaultAccountID)
	if a.SiteID == 0 {
		a.SiteID = DefaultSiteID
	}
	if a.Currencies == nil {
		a.Currencies = []string{"RUB"}
	}
	orElse(&s.opt.unknown.TestSystem, "503")
	s.base = emulator.New(s.opt.Settings)
	ids := s.base.IDs
	s.nextID, s.nextSysID = int64(700_000+ids.IntN(200_000)), int64(512_000_000+ids.IntN(400_000_000))
	s.nextRefund, s.nextReceipt = int64(9_000+ids.IntN(900)), int64(5_000+ids.IntN(900))
	s.base.Start(http.HandlerFunc(s.serve), op)
	s.URL = s.base.URL
	return s
}

// Account is the merchant in use, with the secrets.
func (s *Server) Account() Account { return s.opt.account }

// Close stops it.
func (s *Server) Close() { s.base.Close() }

// Handler is the emulator, to be mounted elsewhere; give WithPublicURL then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network, and follows no
// redirect.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail plans a fault. Fault.Op is a call of v2 ("POST /invoices", "GET
// /payments/{id}", "PUT /payments/{id}/confirm"), a method of the classic REST
// ("getPayment"), or a path in lower case ("/payment/init",
// "/builtinpayment/initonly", "/direct/payment/init").
func (s *Server) Fail(f Fault) { s.base.Faults.Add(f) }

// ClearFaults forgets the faults that did not happen yet.
func (s *Server) ClearFaults() { s.base.Faults.Clear() }

// SetCallbackURL changes the address of notifications in the cabinet, for the
// payments to come.
func (s *Server) SetCallbackURL(address string) { s.base.SetCallbackURL(address) }

// Pending is what is still to go wrong: the faults that have not happened, and
// what Mischief does.
func (s *Server) Pending() ([]Fault, Mischief) { return s.base.Pending() }

// Mischief is what happens to the notifications from now on. The question
// before a classic payment is spared.
func (s *Server) Mischief(m Mischief) { s.base.Outbox.SetMischief(m) }

// Deliver sends the notifications that are due and says how many.
func (s *Server) Deliver() int { return s.base.Outbox.Deliver() }

// Deliveries are all notifications with their attempts. Their Order is the
// payment's id or the token's, their Event a status ("Settled",
// "token Active"), "PaymentNotification" or "InvoiceConfirmation".
func (s *Server) Deliveries() []Delivery { return s.base.Outbox.Deliveries() }

// Resend sends a notification again: a Delivery.ID, or the last one of a
// payment (by anything that Order takes) or a token.
func (s *Server) Resend(id string) error { return s.base.Outbox.Resend(s.resolve(id)) }

// Forge sends a notification that must not be believed: of a payment that
// nobody knows (v2), or with a changed sum and the old hash (classic).
func (s *Server) Forge(id string) error { return s.base.Outbox.Forge(s.resolve(id)) }

// Requests are the last requests with their answers.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Advance moves the clock.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// Now is the emulator's time.
func (s *Server) Now() time.Time { return s.base.Clock.Now() }

// resolve gives the payment's id where id is another name of it.
func (s *Server) resolve(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.find(id); p != nil {
		return p.id
	}
	return id
}

// Order finds a payment in the books: by its id, the shop's number (the last
// one under it that was paid, or just the last), or the address of its payment
// page.
func (s *Server) Order(id string) (Order, bool) { return s.base.Books.Order(s.resolve(id)) }

// Orders are all payments in the books.
func (s *Server) Orders() []Order { return s.base.Books.Orders() }

// op names the method of a request for faults and the log.
func op(r *http.Request) string {
	path := strings.ToLower(strings.TrimRight(r.URL.Path, "/"))
	switch {
	case strings.HasPrefix(path, "/api/v2/"):
		if rt, _ := findRoute(r.Method, r.URL.Path); rt != nil {
			return rt.name
		}
	case strings.HasPrefix(path, "/api/v1/"), strings.HasPrefix(path, "/partners/rest/"):
		if m := restMethods[path[strings.LastIndexByte(path, '/')+1:]]; m != nil {
			return m.name
		}
	case strings.HasPrefix(path, "/payment/process/"):
		return "/payment/process"
	case strings.HasPrefix(path, "/cpay/"):
		return "/cpay"
	}
	return path
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(strings.TrimRight(r.URL.Path, "/"))
	switch {
	case strings.HasPrefix(path, "/api/v2/"):
		s.serveV2(w, r)
	case strings.HasPrefix(path, "/api/v1/"):
		s.serveRest(w, r, strings.TrimPrefix(path, "/api/v1/"))
	case strings.HasPrefix(path, "/partners/rest/"):
		s.serveRest(w, r, strings.TrimPrefix(path, "/partners/rest/"))
	case path == "/payment/init", path == "/widget/basic/1":
		s.serveInit(w, r)
	case strings.HasPrefix(path, "/payment/process/"):
		s.servePage(w, r, strings.TrimPrefix(path, "/payment/process/"))
	case path == "/builtinpayment/init", path == "/builtinpayment/initonly":
		s.serveBuiltin(w, r)
	case strings.HasPrefix(path, "/cpay/tokenization/"):
		s.serveTokenPage(w, r, strings.TrimPrefix(path, "/cpay/tokenization/"))
	case strings.HasPrefix(path, "/cpay/mock/sbp/subscription/"):
		s.serveTokenPage(w, r, strings.TrimPrefix(path, "/cpay/mock/sbp/subscription/"))
	case strings.HasPrefix(path, "/cpay/mock/sbp/"):
		s.servePage(w, r, strings.TrimPrefix(path, "/cpay/mock/sbp/"))
	case strings.HasPrefix(path, "/cpay/"):
		s.servePage(w, r, strings.TrimPrefix(path, "/cpay/"))
	case strings.HasPrefix(path, "/acs/"):
		s.serveACS(w, r, strings.TrimPrefix(path, "/acs/"))
	case strings.HasPrefix(path, "/direct/"):
		s.serveDirect(w, r, strings.TrimPrefix(path, "/direct/"))
	default:
		http.NotFound(w, r)
	}
}

// move enters a move of money; the books refuse only what the emulator itself
// did wrong.
func (s *Server) move(id string, kind emulator.MoveKind, amount money.Amount, key string) {
	if amount == 0 {
		return
	}
	if err := s.base.Books.Move(id, emulator.Move{Time: s.base.Clock.Now(), Kind: kind, Amount: amount, Key: key}); err != nil {
		panic(fmt.Sprintf("paymastertest: %v", err))
	}
}
