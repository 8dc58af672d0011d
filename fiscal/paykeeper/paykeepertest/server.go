package paykeepertest

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/internal/emulator"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is the path of a
	// call: "/change/payment/reverse/", in any case, and "" is any call. It
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

// DefaultUser, DefaultPassword and DefaultSecret are the account that Config
// belongs to.
const (
	DefaultUser     = "emulated"
	DefaultPassword = "paykeeper-emulated-password-7d1"
	DefaultSecret   = "paykeeper-emulated-secret-word-3f8"
)

type settings struct {
	emulator.Settings
	user, password, secret string
	arrays, tokenArray     bool
	numbers                bool
	twoStage               bool
	holdStatus, voidStatus string
	refundTakes            time.Duration
	repeatReceipts         bool
	strayCarts             bool
	notFoundIsEmpty        bool
	noSBP                  bool
	tokenLife              time.Duration
}

// Option changes the emulator.
type Option func(*settings)

// WithClock gives it a clock.
func WithClock(c *Clock) Option { return func(s *settings) { s.Clock = c } }

// WithSeed makes the ids the same in each run.
func WithSeed(n uint64) Option { return func(s *settings) { s.Seed = n } }

// WithAccount sets the cabinet's login and password and the secret word.
func WithAccount(user, password, secret string) Option {
	return func(s *settings) { s.user, s.password, s.secret = user, password, secret }
}

// WithCallbackURL is the address of notifications in the cabinet.
func WithCallbackURL(u string) Option { return func(s *settings) { s.CallbackURL = u } }

// WithCallbackHandler takes the notifications without the network.
func WithCallbackHandler(h http.Handler) Option { return func(s *settings) { s.CallbackHandler = h } }

// WithCallbackClient sends the notifications, also to addresses of other
// machines.
func WithCallbackClient(c *http.Client) Option { return func(s *settings) { s.CallbackClient = c } }

// WithPublicURL is the address the world sees, when mounted elsewhere.
func WithPublicURL(u string) Option { return func(s *settings) { s.PublicURL = u } }

// WithoutListening makes Handler and Client only: give Client as
// Config.HTTPClient.
func WithoutListening() Option { return func(s *settings) { s.NoListen = true } }

// WithQR draws the picture of the SBP code (PNG) otherwise than the emulator
// does.
func WithQR(draw func(string) ([]byte, error)) Option { return func(s *settings) { s.QR = draw } }

// WithArrays wraps every single object in an array, as parts of the
// documentation show it.
func WithArrays() Option { return func(s *settings) { s.arrays, s.tokenArray = true, true } }

// WithNumbers writes sums and payment ids as JSON numbers.
func WithNumbers() Option { return func(s *settings) { s.numbers = true } }

// WithTwoStage holds every payment but those by SBP until it is captured, as
// switched on in the cabinet (двухстадийные платежи). What is still held after 7
// days of the clock is captured by itself.
func WithTwoStage() Option { return func(s *settings) { s.twoStage = true } }

// WithHoldStatus gives held payments a status word of their own; the
// documentation knows none.
func WithHoldStatus(word string) Option { return func(s *settings) { s.holdStatus = word } }

// WithVoidStatus is the status of a hold that was released; "canceled" unless
// set.
func WithVoidStatus(word string) Option { return func(s *settings) { s.voidStatus = word } }

// WithSlowRefunds leaves a refund started for so long; without it a refund is
// done at once.
func WithSlowRefunds(d time.Duration) Option { return func(s *settings) { s.refundTakes = d } }

// WithRepeatedReceipts prints again when a receipt_key is sent again: what the
// service does is not documented.
func WithRepeatedReceipts() Option { return func(s *settings) { s.repeatReceipts = true } }

// WithStrayCarts takes a refund_cart that does not add up to the amount.
func WithStrayCarts() Option { return func(s *settings) { s.strayCarts = true } }

// WithEmptyForUnknown answers an empty array for an unknown payment, instead
// of a failure.
func WithEmptyForUnknown() Option { return func(s *settings) { s.notFoundIsEmpty = true } }

// WithoutSBP is an account without SBP.
func WithoutSBP() Option { return func(s *settings) { s.noSBP = true } }

// Server is the emulator.
type Server struct {
	// URL is the address of the merchant's host; a base address of clients.
	URL string

	base *emulator.Base
	opt  settings

	mu          sync.Mutex
	token       string
	tokenAt     time.Time
	invoices    map[string]*Invoice
	invoiceIDs  []string
	lastID      time.Time
	payments    map[string]*payment
	paymentIDs  []string
	refunds     []*refund
	receipts    []*Receipt
	receiptKeys map[string]*Receipt
	failing     map[string]string // receipt_key to the reason
	forms       map[string]*Invoice
	bindings    map[string]binding
	nextPayment int
	nextReceipt int
	nextRefund  int
}

// NewServer starts the emulator on 127.0.0.1.
func NewServer(opts ...Option) *Server {
	s := &Server{invoices: map[string]*Invoice{}, payments: map[string]*payment{}, receiptKeys: map[string]*Receipt{}, failing: map[string]string{},
		forms: map[string]*Invoice{}, bindings: map[string]binding{}, nextPayment: 4710, nextReceipt: 8811, nextRefund: 14}
	s.opt = settings{user: DefaultUser, password: DefaultPassword, secret: DefaultSecret, voidStatus: "canceled", tokenLife: 24 * time.Hour}
	s.opt.Forge = forge
	for _, o := range opts {
		o(&s.opt)
	}
	s.base = emulator.New(s.opt.Settings)
	s.base.Start(http.HandlerFunc(s.serve), op)
	s.URL = s.base.URL
	return s
}

// Config is that of a client of the account.
func (s *Server) Config() paykeeper.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return paykeeper.Config{Environment: acquiring.Test, Server: s.URL, User: s.opt.user, Password: s.opt.password, Secret: s.opt.secret,
		TwoStage: s.opt.twoStage, HoldStatus: s.opt.holdStatus, Now: s.base.Clock.Now}
}

// Close stops it.
func (s *Server) Close() { s.base.Close() }

// Handler is the emulator, to be mounted elsewhere; give WithPublicURL then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail plans a fault. Fault.Op is the path of a call: "/change/payment/reverse/".
func (s *Server) Fail(f Fault) { s.base.Faults.Add(f) }

// ClearFaults forgets the faults that did not happen yet.
func (s *Server) ClearFaults() { s.base.Faults.Clear() }

// SetTwoStage switches two-stage payments on or off, as the cabinet does, for
// the payments to come; see WithTwoStage.
func (s *Server) SetTwoStage(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.twoStage = on
}

// SetCallbackURL changes the address of notifications in the cabinet, for the
// payments to come.
func (s *Server) SetCallbackURL(address string) { s.base.SetCallbackURL(address) }

// Pending is what is still to go wrong: the faults that have not happened, and
// what Mischief does.
func (s *Server) Pending() ([]Fault, Mischief) { return s.base.Pending() }

// Mischief is what happens to the notifications from now on.
func (s *Server) Mischief(m Mischief) { s.base.Outbox.SetMischief(m) }

// Deliver sends the notifications that are due and says how many.
func (s *Server) Deliver() int { return s.base.Outbox.Deliver() }

// Deliveries are all notifications with their attempts.
func (s *Server) Deliveries() []Delivery { return s.base.Outbox.Deliveries() }

// Resend sends a notification again: a Delivery.ID, or the last one of a
// payment.
func (s *Server) Resend(id string) error { return s.base.Outbox.Resend(id) }

// Forge sends a notification with a changed sum and the old digest.
func (s *Server) Forge(id string) error { return s.base.Outbox.Forge(id) }

// Requests are the last requests with their answers.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Advance moves the clock.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// Order finds an order in the books: by an invoice's id, by the id of a payment
// that has no invoice, or by the shop's number.
func (s *Server) Order(id string) (Order, bool) {
	s.mu.Lock()
	if p := s.payments[id]; p != nil {
		id = p.book
	}
	s.mu.Unlock()
	o, ok := s.base.Books.Order(id)
	if ok {
		o = s.said([]Order{o})[0]
	}
	return o, ok
}

// said puts into the orders the status words that the service says now: an
// acknowledged notification changes one without a movement of money.
func (s *Server) said(orders []Order) []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	words := make(map[string]string, len(s.payments))
	for _, p := range s.payments {
		words[p.book] = s.word(p)
	}
	for i := range orders {
		if word, ok := words[orders[i].ID]; ok {
			orders[i].State = word
		}
	}
	return orders
}

// Orders are all orders in the books.
func (s *Server) Orders() []Order { return s.said(s.base.Books.Orders()) }

// ExpireToken makes the security token that clients have a wrong one.
func (s *Server) ExpireToken() {
	s.mu.Lock()
	s.token = ""
	s.mu.Unlock()
}

// FailReceipt makes the register refuse the receipt with this receipt_key. One
// that ends in "-fail" is refused without it. The service tells no reason, so
// yours is for the reader of the test.
func (s *Server) FailReceipt(key, reason string) {
	s.mu.Lock()
	s.failing[key] = reason
	s.mu.Unlock()
}

// op is the path without what is variable in it.
func op(r *http.Request) string {
	for _, p := range []string{"/bill/", "/pay/", "/receipt/"} {
		if strings.HasPrefix(r.URL.Path, p) {
			return p
		}
	}
	return r.URL.Path
}

// call is one request with its parameters: those of the query, over them those
// of the form; of a repeated one the last.
type call struct {
	*Server
	w     http.ResponseWriter
	r     *http.Request
	form  url.Values
	query url.Values
}

func last(v []string) string {
	if len(v) == 0 {
		return ""
	}
	return v[len(v)-1]
}

func (c call) get(name string) string {
	if v, ok := c.form[name]; ok {
		return last(v)
	}
	return last(c.query[name])
}

// list reads name[] and name[0], name[1], ….
func (c call) list(name string) []string {
	var out []string
	for k, v := range c.query {
		if strings.HasPrefix(k, name+"[") && strings.HasSuffix(k, "]") {
			out = append(out, v...)
		}
	}
	return out
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	c := call{Server: s, w: w, r: r, form: r.PostForm, query: r.URL.Query()}
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/bill/"), strings.HasPrefix(path, "/pay/"):
		c.page()
		return
	case path == "/create/" && r.Method == http.MethodPost, path == "/order/inline/" && r.Method == http.MethodPost, path == "/form/inline/" && r.Method == http.MethodPost:
		c.createForm()
		return
	case strings.HasPrefix(path, "/receipt/"):
		c.receiptPage()
		return
	}
	user, password, _ := r.BasicAuth()
	if user != s.opt.user || password != s.opt.password {
		w.Header().Set("WWW-Authenticate", `Basic realm="PayKeeper"`)
		http.Error(w, "<html><body>401 Unauthorized</body></html>", http.StatusUnauthorized)
		return
	}
	info, change := infoCalls[path], changeCalls[path]
	switch {
	case path == "/info/settings/token/" || path == "/info/settings/token":
		c.answerToken()
	case info != nil && r.Method == http.MethodGet:
		info(c)
	case change != nil && r.Method == http.MethodPost:
		if !c.tokenIsRight() {
			c.fail("Токен безопасности не верен.")
			return
		}
		change(c)
	default:
		http.Error(w, "<html><body>404 Not Found</body></html>", http.StatusNotFound)
	}
}

var infoCalls, changeCalls map[string]func(call)

func init() {
	infoCalls = map[string]func(call){
		"/info/invoice/byid/":          call.invoiceByID,
		"/info/invoice/list/":          call.invoiceList,
		"/info/invoice/listcount/":     call.invoiceCount,
		"/info/invoice/search/":        call.invoiceSearch,
		"/info/payments/byid/":         call.paymentByID,
		"/info/payments/bydate/":       call.paymentsByDate,
		"/info/payments/search/":       call.paymentSearch,
		"/info/options/byid/":          call.options,
		"/info/refunds/bypaymentid/":   call.refundsOf,
		"/info/receipts/byid/":         call.receiptByID,
		"/info/receipts/bydate/":       call.receiptsByDate,
		"/info/receipts/bydatecount/":  call.receiptsCount,
		"/info/receipts/bypaymentid/":  call.receiptsOf,
		"/info/receipts/search/":       call.receiptSearch,
		"/info/systems/list/":          call.systems,
		"/info/systems/sums/":          call.systemSums,
		"/info/errors/total/":          call.errorTotals,
		"/info/organization/settings/": call.organization,
	}
	changeCalls = map[string]func(call){
		"/change/invoice/preview/":           call.preview,
		"/change/invoice/send/":              call.sendInvoice,
		"/change/invoice/revoke/":            call.revokeInvoice,
		"/change/invoice/accept-cash/":       call.acceptCash,
		"/change/payment/reverse/":           call.reverse,
		"/change/payment/capture/":           call.capture,
		"/change/payment/repeatcnt/":         call.repeat,
		"/change/payment/post-sale-receipt/": call.postSaleReceipt,
		"/change/receipt/print/":             call.printReceipt,
		"/change/binding/execute/":           call.executeBinding,
	}
}

// currentToken is the security token; it changes every 24 hours. The lock is
// held.
func (s *Server) currentToken() string {
	now := s.base.Clock.Now()
	if s.token == "" || now.Sub(s.tokenAt) >= s.opt.tokenLife {
		s.token, s.tokenAt = s.base.IDs.Hex(32), now
	}
	return s.token
}

func (c call) answerToken() {
	c.mu.Lock()
	token := c.currentToken()
	c.mu.Unlock()
	if c.opt.tokenArray {
		c.json([]any{object{"token": token}})
		return
	}
	c.json(object{"token": token})
}

func (c call) tokenIsRight() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return last(c.form["token"]) == c.currentToken()
}

// forge changes the sum that a notification tells and keeps its digest.
func forge(m emulator.Message) emulator.Message {
	form, err := url.ParseQuery(string(m.Body))
	if err != nil {
		return m
	}
	form.Set("sum", "1"+form.Get("sum"))
	m.Body = []byte(form.Encode())
	return m
}
