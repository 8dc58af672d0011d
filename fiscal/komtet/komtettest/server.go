package komtettest

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/internal/emulator"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is one of the Op
	// names: OpTask, in any case, and "" is any call. It happens Times times (0:
	// once; below 0: until ClearFaults). Delay, in real time, is what the answer
	// waits; of RateLimit it is Retry-After, a second at least. Status is
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
	OpQueue      = "queue"
	OpTask       = "task"        // POST …/task
	OpMultiTasks = "multi-tasks" // POST …/multi-tasks
	OpGetTask    = "tasks"       // GET …/tasks/{id}
	OpOrders     = "orders"
	OpEmployees  = "employees"
)

// DefaultShopID, DefaultSecret and DefaultQueueID are the shop that Config
// belongs to unless WithShop or WithQueue say otherwise.
const (
	DefaultShopID  = "shop-emulated"
	DefaultSecret  = "komtet-emulated-secret-51c0"
	DefaultQueueID = 70451
)

// Server is the emulator.
type Server struct {
	// URL is the address of the service; a base address of clients.
	URL string

	base *emulator.Base
	opt  settings

	mu        sync.Mutex
	shops     map[string]string // shop id to secret
	queues    map[int]*Queue
	tasks     map[int]*Task
	byKey     map[string]*Task // shop and external id
	list      []*Task
	orders    map[int]*order
	orderIDs  []int
	employees map[int]object
	staffIDs  []int
	refusals  map[string]string // external id to the register's words
	nextID    int
	document  int
	shift     int
}

// Queue is a set of cash registers (очередь).
type Queue struct {
	ID     int
	Shop   string // "": the first shop
	Name   string
	Active bool // a register is on line; while none is, tasks wait
}

type settings struct {
	emulator.Settings
	successURL, failureURL string
	fullCallback           bool
	printAfter             time.Duration
	hideExisting           bool
	shops                  [][2]string
	queues                 []Queue
}

// Option changes the emulator.
type Option func(*settings)

// WithClock gives it a clock.
func WithClock(c *Clock) Option { return func(s *settings) { s.Clock = c } }

// WithSeed makes the ids the same in each run.
func WithSeed(n uint64) Option { return func(s *settings) { s.Seed = n } }

// WithShop adds a shop with its secret key; its first use replaces the default
// shop.
func WithShop(id, secret string) Option {
	return func(s *settings) { s.shops = append(s.shops, [2]string{id, secret}) }
}

// WithQueue adds a queue of a shop; its first use replaces the default queue.
func WithQueue(q Queue) Option { return func(s *settings) { s.queues = append(s.queues, q) } }

// WithCallbackURL sets the success and the failure address of the cabinet to
// one address.
func WithCallbackURL(u string) Option { return WithCabinetURLs(u, u) }

// WithCabinetURLs sets the two addresses of the cabinet, called where a check
// names none of its own.
func WithCabinetURLs(success, failure string) Option {
	return func(s *settings) { s.successURL, s.failureURL, s.CallbackURL = success, failure, success }
}

// WithCallbackHandler takes the callbacks without the network.
func WithCallbackHandler(h http.Handler) Option { return func(s *settings) { s.CallbackHandler = h } }

// WithCallbackClient sends the callbacks, also to addresses of other machines.
func WithCallbackClient(c *http.Client) Option { return func(s *settings) { s.CallbackClient = c } }

// WithFullCallback puts all that a look at the task shows into the callback.
// Otherwise it is what is known for sure: id, external_id, state,
// error_description.
func WithFullCallback() Option { return func(s *settings) { s.fullCallback = true } }

// WithoutExistingTask leaves the task out of the answer that its external_id
// exists: no official document promises it.
func WithoutExistingTask() Option { return func(s *settings) { s.hideExisting = true } }

// WithPublicURL is the address the world sees, when mounted elsewhere.
func WithPublicURL(u string) Option { return func(s *settings) { s.PublicURL = u } }

// WithoutListening makes Handler and Client only: give Client as
// Config.HTTPClient.
func WithoutListening() Option { return func(s *settings) { s.NoListen = true } }

// NewServer starts the emulator on 127.0.0.1.
func NewServer(opts ...Option) *Server {
	s := &Server{shops: map[string]string{}, queues: map[int]*Queue{}, tasks: map[int]*Task{}, byKey: map[string]*Task{},
		orders: map[int]*order{}, employees: map[int]object{}, refusals: map[string]string{}, nextID: 9000, document: 4500, shift: 87}
	s.opt.printAfter = time.Second
	s.opt.Retries = emulator.Waits(time.Second, 5*time.Second, 25*time.Second)
	s.opt.Forge = forge
	for _, o := range opts {
		o(&s.opt)
	}
	if len(s.opt.shops) == 0 {
		s.opt.shops = [][2]string{{DefaultShopID, DefaultSecret}}
	}
	for _, shop := range s.opt.shops {
		s.shops[shop[0]] = shop[1]
	}
	if len(s.opt.queues) == 0 {
		s.opt.queues = []Queue{{ID: DefaultQueueID, Name: "Интернет-витрина", Active: true}}
	}
	for _, q := range s.opt.queues {
		if q.Shop == "" {
			q.Shop = s.opt.shops[0][0]
		}
		s.queues[q.ID] = &q
	}
	s.base = emulator.New(s.opt.Settings)
	s.base.Start(http.HandlerFunc(s.serve), op)
	s.URL = s.base.URL
	return s
}

// Config is that of a client of the first shop and its first queue.
func (s *Server) Config() komtet.Config {
	shop := s.opt.shops[0]
	return komtet.Config{Environment: acquiring.Test, BaseURL: s.URL, ShopID: shop[0], Secret: shop[1], QueueID: s.opt.queues[0].ID,
		TaxSystem: fiscal.TaxSimplifiedIncome, Place: "https://shop.example"}
}

// Close stops it.
func (s *Server) Close() { s.base.Close() }

// Handler is the emulator, to be mounted elsewhere; give WithPublicURL then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail plans a fault of a method (OpTask) or, with an empty Op, of any.
func (s *Server) Fail(f Fault) { s.base.Faults.Add(f) }

// ClearFaults forgets the faults that did not happen yet.
func (s *Server) ClearFaults() { s.base.Faults.Clear() }

// SetCallbackURL sets both addresses of the cabinet, as WithCallbackURL does.
func (s *Server) SetCallbackURL(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.successURL, s.opt.failureURL = address, address
}

// Pending is what is still to go wrong: the faults that have not happened, and
// what Mischief does.
func (s *Server) Pending() ([]Fault, Mischief) { return s.base.Pending() }

// Mischief is what happens to the callbacks from now on.
func (s *Server) Mischief(m Mischief) { s.base.Outbox.SetMischief(m) }

// Deliver sends the callbacks that are due and says how many.
func (s *Server) Deliver() int { return s.base.Outbox.Deliver() }

// Deliveries are all callbacks with their attempts.
func (s *Server) Deliveries() []Delivery { return s.base.Outbox.Deliveries() }

// Resend sends a callback again: a Delivery.ID, or a task's last one.
func (s *Server) Resend(id string) error { return s.base.Outbox.Resend(id) }

// Forge sends a callback changed, with the old signature.
func (s *Server) Forge(id string) error { return s.base.Outbox.Forge(id) }

// Requests are the last requests with their answers.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Advance moves the clock: tasks are printed and callbacks repeated on the way.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// SetQueue switches the registers of a queue on or off. What waits is printed
// when they come back.
func (s *Server) SetQueue(id int, active bool) {
	s.mu.Lock()
	q := s.queues[id]
	if q == nil {
		s.mu.Unlock()
		return
	}
	q.Active = active
	var waiting []*Task
	if active {
		for _, t := range s.list {
			if t.QueueID == id && !t.final() {
				waiting = append(waiting, t)
			}
		}
	}
	s.mu.Unlock()
	for _, t := range waiting {
		s.plan(t)
	}
}

// Refuse makes the register refuse the check with this external_id when its
// turn comes. An external_id that ends in "-fail" is refused without it.
func (s *Server) Refuse(externalID, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[externalID] = words
}

// forge changes the state a callback tells and keeps its signature.
func forge(m emulator.Message) emulator.Message {
	body := strings.Replace(string(m.Body), `"state":"done"`, `"state":"error"`, 1)
	if body == string(m.Body) {
		body = strings.Replace(body, `"state":"error"`, `"state":"done"`, 1)
	}
	m.Body = []byte(body)
	return m
}

// sign is the signature of both directions.
func sign(secret, method, address string, body []byte) string {
	mac := hmac.New(md5.New, []byte(secret))
	_, _ = io.WriteString(mac, method+address)
	_, _ = mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// path cuts /api/shop/v2/queues/7/task into its version and parts.
func path(r *http.Request) (version int, parts []string) {
	_, rest, ok := strings.Cut(r.URL.Path, "/api/shop/v")
	if !ok {
		return 0, nil
	}
	all := strings.Split(strings.Trim(rest, "/"), "/")
	version, err := strconv.Atoi(all[0])
	if err != nil || (version != 1 && version != 2) {
		return 0, nil
	}
	return version, all[1:]
}

func op(r *http.Request) string {
	_, parts := path(r)
	switch {
	case len(parts) == 0:
		return r.URL.Path
	case parts[0] == "queues" && len(parts) == 3:
		return parts[2]
	case parts[0] == "queues":
		return OpQueue
	}
	return parts[0]
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if id, ok := strings.CutPrefix(r.URL.Path, "/receipts/"); ok && r.Method == http.MethodGet {
		s.receiptPage(w, r, id)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	version, parts := path(r)
	if version == 0 || len(parts) == 0 {
		http.Error(w, "<html><body>404 Not Found</body></html>", http.StatusNotFound)
		return
	}
	shop, ok := s.authentic(r, body)
	if !ok {
		refuse(w, http.StatusForbidden, "AUT00", "Ошибка авторизации", "Проверьте идентификатор магазина и подпись запроса.")
		return
	}
	c := call{Server: s, w: w, r: r, version: version, shop: shop, body: body}
	switch {
	case parts[0] == "queues" && len(parts) == 2 && r.Method == http.MethodGet:
		c.queue(parts[1])
	case parts[0] == "queues" && len(parts) == 3 && r.Method == http.MethodPost && parts[2] == "task":
		c.task(parts[1])
	case parts[0] == "queues" && len(parts) == 3 && r.Method == http.MethodPost && parts[2] == "multi-tasks":
		c.multiTasks(parts[1])
	case parts[0] == "tasks" && len(parts) == 2 && r.Method == http.MethodGet:
		c.getTask(parts[1])
	case parts[0] == "orders":
		c.serveOrders(parts[1:])
	case parts[0] == "employees":
		c.serveEmployees(parts[1:])
	default:
		http.Error(w, "<html><body>404 Not Found</body></html>", http.StatusNotFound)
	}
}

// authentic checks the shop and the signature over the address as the client
// put it on the wire, then over its percent-decoded form: which of the two the
// service checks is not published.
func (s *Server) authentic(r *http.Request, body []byte) (shop string, ok bool) {
	shop = r.Header.Get("Authorization")
	s.mu.Lock()
	secret, known := s.shops[shop]
	s.mu.Unlock()
	got := r.Header.Get("X-HMAC-Signature")
	if !known || got == "" {
		return "", false
	}
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	origin := s.base.URL
	if u, err := url.Parse(s.base.URL); err == nil {
		origin = u.Scheme + "://" + u.Host
	}
	if hmac.Equal([]byte(sign(secret, r.Method, origin+target, body)), []byte(got)) {
		return shop, true
	}
	decoded, err := url.QueryUnescape(target)
	return shop, err == nil && hmac.Equal([]byte(sign(secret, r.Method, origin+decoded, body)), []byte(got))
}

// object is a JSON object.
type object = emulator.Object

// check gathers the faults of a request.
type check struct{ *emulator.Check }

// call is one authentic request.
type call struct {
	*Server
	w       http.ResponseWriter
	r       *http.Request
	version int
	shop    string
	body    []byte
}

func (c call) answer(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(b)
}

func (c call) empty() {
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
}

type problem struct {
	Title       string `json:"title"`
	Code        string `json:"code"`
	Description string `json:"description"`
	Task        any    `json:"task,omitempty"`
}

func refuse(w http.ResponseWriter, status int, code, title, description string) {
	refuseWith(w, status, problem{Title: title, Code: code, Description: description})
}

func refuseWith(w http.ResponseWriter, status int, p problem) {
	b, _ := json.Marshal(p)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func (c call) notFound(what string) {
	refuse(c.w, http.StatusNotFound, "NTF00", what+" не найден(а)", "Проверьте идентификатор.")
}

// invalid is the refusal of a malformed request. The service's own codes are
// not published.
func (c call) invalid(why string) {
	refuse(c.w, http.StatusUnprocessableEntity, "VLD00", "Ошибка валидации", why)
}
