package retailcrmtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is one of the Op
	// names: OpCheck, in any case, and "" is any call. It happens Times times
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
	// Clock is the emulator's time: see NewClock and NewRunningClock.
	Clock = emulator.Clock
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

// The clocks of WithClock.
var (
	// NewClock(start time.Time) stands at start until Advance moves it; then
	// callbacks leave only in Deliver and Advance.
	NewClock = emulator.NewClock
	// NewRunningClock(start time.Time, speed int) runs from start, speed times
	// as fast as real time.
	NewRunningClock = emulator.NewRunningClock
)

// Names of the methods, for Fault.Op and Exchange.Op.
const (
	OpVersions      = "api-versions"
	OpSystemInfo    = "system-info"
	OpCredentials   = "credentials"
	OpGetModule     = "integration-modules"
	OpEditModule    = "integration-modules/edit"
	OpUpdateScopes  = "integration-modules/update-scopes"
	OpCheck         = "payment/check"
	OpCreateInvoice = "payment/create-invoice"
	OpUpdateInvoice = "payment/update-invoice"
	OpInvoice       = "payment/invoice"
	OpImport        = "payment/invoice/import"
)

// The statuses of an invoice (статусы счёта) that are known.
const (
	StatusPending           = "pending"
	StatusWaitingForCapture = "waitingForCapture"
	StatusSucceeded         = "succeeded"
	StatusCanceled          = "canceled"
	StatusRefundSucceeded   = "refundSucceeded"
)

// The statuses of an order's payment (статусы оплат) that the table of a new
// account gives; see WithStatusTable.
const (
	PaymentNotPaid      = "not-paid"
	PaymentInvoiced     = "invoice"
	PaymentWaitApproved = "wait-approved"
	PaymentPaid         = "paid"
	PaymentCanceled     = "canceled"
	PaymentReturned     = "returned"
)

// DefaultModuleSecret is the module's secret, known to RetailCRM's marketplace
// and to the module, unless WithModuleSecret gives another.
const DefaultModuleSecret = "retailcrm-emulated-module-secret-77"

// DefaultLimit is how many requests a key may make within a second.
const DefaultLimit = 10

// Server is the emulator: one account of RetailCRM.
type Server struct {
	// URL is the address of the account (https://….retailcrm.ru), without a
	// slash at its end.
	URL string

	base *emulator.Base
	opt  settings

	mu       sync.Mutex
	keys     map[string]*apiKey
	modules  map[string]*Module
	orders   map[string]*Order
	payments map[int]*Payment
	invoices map[string]*Invoice
	order    []string // of the invoices, as made
	nextID   int
	refusal  string
	asText   bool
}

type settings struct {
	emulator.Settings
	secret         string
	zone           *time.Location
	table          map[string]string
	statuses       []string
	forwardOnly    bool
	wrongKeyStatus int
	limit          int
	limitStatus    int
	repeats        int
	wholeCustomer  bool
	textIDs        bool
}

// Option changes the emulator.
type Option func(*settings)

// WithClock gives it a clock.
func WithClock(c *Clock) Option { return func(s *settings) { s.Clock = c } }

// WithSeed makes the ids and keys the same in each run.
func WithSeed(n uint64) Option { return func(s *settings) { s.Seed = n } }

// WithModuleHandler calls the module without the network, whatever its
// address.
func WithModuleHandler(h http.Handler) Option { return func(s *settings) { s.CallbackHandler = h } }

// WithModuleClient calls the module, also on other machines; without it only
// addresses of this one are called.
func WithModuleClient(c *http.Client) Option { return func(s *settings) { s.CallbackClient = c } }

// WithModuleTimeout is how long the CRM waits for the module's answer, in real
// time; 30 seconds unless set.
func WithModuleTimeout(d time.Duration) Option { return func(s *settings) { s.CallbackTimeout = d } }

// WithModuleSecret is the module's secret with which the CRM signs the
// connection.
func WithModuleSecret(secret string) Option { return func(s *settings) { s.secret = secret } }

// WithPublicURL is the address the world sees, when mounted elsewhere.
func WithPublicURL(u string) Option { return func(s *settings) { s.PublicURL = u } }

// WithoutListening makes Handler and Client only.
func WithoutListening() Option { return func(s *settings) { s.NoListen = true } }

// WithZone is the account's time zone; Moscow's unless set.
func WithZone(zone *time.Location) Option { return func(s *settings) { s.zone = zone } }

// WithStatusTable says which payment status an invoice status makes (the table
// in the settings of the payment type). One that it does not name changes
// nothing.
func WithStatusTable(table map[string]string) Option {
	return func(s *settings) { maps.Copy(s.table, table) }
}

// WithStatuses lets update-invoice give other statuses beside the known five.
// They change the invoice and not the payment, unless WithStatusTable says
// otherwise.
func WithStatuses(more ...string) Option {
	return func(s *settings) { s.statuses = append(s.statuses, more...) }
}

// WithForwardOnly refuses an update that moves an invoice back: from succeeded
// to pending, for example. Without it such an update is carried out and counted
// in Invoice.Backward.
func WithForwardOnly() Option { return func(s *settings) { s.forwardOnly = true } }

// WithWrongKeyStatus answers a wrong key with another HTTP status: 404 in
// RetailCRM's own tests of a module.
func WithWrongKeyStatus(status int) Option { return func(s *settings) { s.wrongKeyStatus = status } }

// WithLimit is how many requests a key may make within a second of the
// emulator's clock; 0: as many as it likes.
func WithLimit(perSecond int) Option { return func(s *settings) { s.limit = perSecond } }

// WithLimitStatus answers too many requests with 429 in place of 503.
func WithLimitStatus(status int) Option { return func(s *settings) { s.limitStatus = status } }

// WithRepeats is how often the CRM calls the module again, with the same form,
// when no answer came. Without it, never.
func WithRepeats(n int) Option { return func(s *settings) { s.repeats = n } }

// WithWholeCustomer sends the customer as the CRM's whole entity, with phones
// as a list, in place of the flat form.
func WithWholeCustomer() Option { return func(s *settings) { s.wholeCustomer = true } }

// WithTextIDs gives the CRM's payment id as text where an invoice is read.
func WithTextIDs() Option { return func(s *settings) { s.textIDs = true } }

// NewServer starts the emulator on 127.0.0.1.
func NewServer(opts ...Option) *Server {
	s := &Server{keys: map[string]*apiKey{}, modules: map[string]*Module{}, orders: map[string]*Order{},
		payments: map[int]*Payment{}, invoices: map[string]*Invoice{}, nextID: 1000}
	s.opt = settings{secret: DefaultModuleSecret, zone: time.FixedZone("MSK", 3*60*60), limit: DefaultLimit,
		wrongKeyStatus: http.StatusForbidden, limitStatus: http.StatusServiceUnavailable,
		statuses: []string{StatusPending, StatusWaitingForCapture, StatusSucceeded, StatusCanceled, StatusRefundSucceeded},
		table: map[string]string{StatusPending: PaymentInvoiced, StatusWaitingForCapture: PaymentWaitApproved, StatusSucceeded: PaymentPaid,
			StatusCanceled: PaymentCanceled, StatusRefundSucceeded: PaymentReturned}}
	s.opt.CallbackTimeout = 30 * time.Second
	for _, o := range opts {
		o(&s.opt)
	}
	s.base = emulator.New(s.opt.Settings)
	s.base.Start(s.api(), op)
	s.URL = s.base.URL
	return s
}

// Close stops it.
func (s *Server) Close() { s.base.Close() }

// Handler is the emulator, to be mounted elsewhere; give WithPublicURL then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail plans a fault of the API.
func (s *Server) Fail(f Fault) { s.base.Faults.Add(f) }

// ClearFaults forgets the faults that did not happen yet.
func (s *Server) ClearFaults() { s.base.Faults.Clear() }

// Requests are the last requests to the API with their answers.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Deliveries are the CRM's calls to the module with their answers; Event is
// the action, Order the invoice's UUID where there is one.
func (s *Server) Deliveries() []Delivery { return s.base.Outbox.Deliveries() }

// Advance moves the clock.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// AmountsAsText sends the sums to the module as text from now on ("1299.50"),
// or as numbers again.
func (s *Server) AmountsAsText(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asText = yes
}

// RefuseChecks answers payment/check with a refusal of these words from now
// on; "" answers by the books again.
func (s *Server) RefuseChecks(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = words
}

// Payment is an order's payment (оплата) by its id.
func (s *Server) Payment(id int) (Payment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.payments[id]
	if p == nil {
		return Payment{}, false
	}
	return *p, true
}

// Invoice is an invoice (счёт) by its UUID.
func (s *Server) Invoice(uuid string) (Invoice, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.invoices[uuid]
	if i == nil {
		return Invoice{}, false
	}
	return i.clone(), true
}

// Invoices are all of them, as made.
func (s *Server) Invoices() []Invoice {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Invoice, 0, len(s.order))
	for _, uuid := range s.order {
		out = append(out, s.invoices[uuid].clone())
	}
	return out
}

// Module is an integration module by its code.
func (s *Server) Module(code string) (Module, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modules[code]
	if m == nil {
		return Module{}, false
	}
	return m.clone(), true
}

// AddOrder enters an order. An empty Number and Site are made up.
func (s *Server) AddOrder(o Order) Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.ID = s.id()
	if o.Number == "" {
		o.Number = fmt.Sprintf("%dC", o.ID)
	}
	if o.Site == "" {
		o.Site = "https://tea.example"
	}
	o.Items = slices.Clone(o.Items)
	s.orders[o.Number] = &o
	return o
}

// AddPayment adds a payment to an order, of a type that is bound to the
// module's shop. The shop must be registered and active.
func (s *Server) AddPayment(orderNumber, module, shop string, sum Amount) (Payment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, m := s.orders[orderNumber], s.modules[module]
	switch {
	case o == nil:
		return Payment{}, fmt.Errorf("retailcrmtest: no order %s", orderNumber)
	case m == nil:
		return Payment{}, fmt.Errorf("retailcrmtest: no module %s is registered", module)
	case !slices.ContainsFunc(m.Shops, func(sh Shop) bool { return sh.Code == shop && sh.Active }):
		return Payment{}, fmt.Errorf("retailcrmtest: module %s has no active shop %s", module, shop)
	}
	p := &Payment{ID: s.id(), OrderNumber: o.Number, Module: module, Shop: shop, Amount: sum, Currency: "RUB", Status: PaymentNotPaid}
	s.payments[p.ID] = p
	return *p, nil
}

// ChangeAmount changes the sum of a payment, as the manager may while its link
// is open: the check before the capture refuses then.
func (s *Server) ChangeAmount(paymentID int, sum Amount) error {
	return s.change(paymentID, func(p *Payment) { p.Amount = sum })
}

// DeletePayment removes the payment from its order; its invoice stays.
func (s *Server) DeletePayment(paymentID int) error {
	return s.change(paymentID, func(p *Payment) { p.Deleted = true })
}

func (s *Server) change(id int, f func(*Payment)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.payments[id]
	if p == nil {
		return fmt.Errorf("retailcrmtest: no payment %d", id)
	}
	f(p)
	return nil
}

func (s *Server) id() int {
	s.nextID++
	return s.nextID
}
