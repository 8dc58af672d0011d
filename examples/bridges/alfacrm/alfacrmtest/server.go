package alfacrmtest

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is one of the Op
	// names: OpPayCreate, in any case, and "" is any call. It happens Times
	// times (0: once; below 0: until ClearFaults). Delay, in real time, is what
	// the answer waits; of RateLimit it is Retry-After, a second at least.
	// Status is answered in place of the kind's own; with it LostAnswer answers
	// a web page.
	Fault = emulator.Fault
	// FaultKind is what goes wrong.
	FaultKind = emulator.FaultKind
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
	// NewClock(start time.Time) stands at start until Advance moves it.
	NewClock = emulator.NewClock
	// NewRunningClock(start time.Time, speed int) runs from start, speed times
	// as fast as real time.
	NewRunningClock = emulator.NewRunningClock
)

// Names of the methods, for Fault.Op and Exchange.Op.
const (
	OpLogin      = "auth/login"
	OpCustomers  = "customer/index"
	OpCashDesks  = "pay-account/index"
	OpArticles   = "pay-item/index"
	OpCategories = "pay-item-category/index"
	OpPayCreate  = "pay/create"
	OpPayUpdate  = "pay/update"
	OpPayIndex   = "pay/index"
)

// Server is the emulator.
type Server struct {
	// URL is the address of the account: https://{host} of a client.
	URL string

	base *emulator.Base
	opt  settings

	mu       sync.Mutex
	tokens   map[string]token
	pays     []*Pay
	nextID   int
	logins   int
	atWork   int
	overlaps int
}

type token struct {
	user  User
	until time.Time
}

// NewServer starts the emulator on 127.0.0.1.
func NewServer(opts ...Option) *Server {
	s := &Server{tokens: map[string]token{}, nextID: 7400}
	s.opt.tokenLife, s.opt.pageSize, s.opt.pageMost = 15*time.Minute, 20, 50
	for _, o := range opts {
		o(&s.opt)
	}
	o := &s.opt
	fill(&o.users, User{Email: DefaultEmail, APIKey: DefaultAPIKey})
	fill(&o.branches, Branch{ID: DefaultBranch, Name: "Центр"})
	fill(&o.customers, Customer{ID: DefaultCustomer, Name: "Иванова Анна", Phones: []string{"+7(916)123-45-67"}})
	fill(&o.cashDesks, Entry{ID: DefaultCashDesk, Name: "Эквайринг"})
	fill(&o.articles, Entry{ID: DefaultArticle, Name: "Оплата занятий"})
	fill(&o.groups, Entry{ID: 1, Name: "Доходы"})
	u := &o.unknowns
	u.DeniedStatus = cmp.Or(u.DeniedStatus, http.StatusForbidden)
	u.LoginStatus = cmp.Or(u.LoginStatus, http.StatusForbidden)
	u.TokenStatus = cmp.Or(u.TokenStatus, http.StatusUnauthorized)
	u.InvalidStatus = cmp.Or(u.InvalidStatus, http.StatusOK)
	s.base = emulator.New(o.Settings)
	s.base.Start(http.HandlerFunc(s.serve), op)
	s.URL = s.base.URL
	return s
}

// fill gives a list that no option touched its default.
func fill[T any](list *[]T, first T) {
	if len(*list) == 0 {
		*list = []T{first}
	}
}

// Close stops it.
func (s *Server) Close() { s.base.Close() }

// Handler is the emulator, to be mounted elsewhere; give WithPublicURL then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail plans a fault.
func (s *Server) Fail(f Fault) { s.base.Faults.Add(f) }

// ClearFaults forgets the faults that did not happen yet.
func (s *Server) ClearFaults() { s.base.Faults.Clear() }

// Requests are the last requests with their answers.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Advance moves the clock: tokens grow old.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// Now is the clock's time.
func (s *Server) Now() time.Time { return s.base.Clock.Now() }

// Logins is how often somebody logged in.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Overlaps is how often a request came while another one was at work. The API
// wants them one after another.
func (s *Server) Overlaps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overlaps
}

// RevokeTokens makes every token given so far invalid.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// route cuts a path into the branch and the method.
func route(path string) (branch int, method string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/v2api/")
	if !ok {
		return 0, "", false
	}
	if rest == OpLogin {
		return 0, rest, true
	}
	number, method, ok := strings.Cut(rest, "/")
	branch, err := strconv.Atoi(number)
	return branch, method, ok && err == nil && branch > 0
}

func op(r *http.Request) string {
	if _, method, ok := route(r.URL.Path); ok {
		return method
	}
	return r.URL.Path
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	leave, ok := s.enter()
	defer leave()
	c := call{Server: s, w: w, r: r}
	if !ok {
		c.problem(http.StatusTooManyRequests, "Too Many Requests", "Rate limit exceeded.")
		return
	}
	branch, method, ok := route(r.URL.Path)
	if !ok {
		c.problem(http.StatusNotFound, "Not Found", "Страница не найдена.")
		return
	}
	if r.Method != http.MethodPost {
		c.problem(http.StatusMethodNotAllowed, "Method Not Allowed", "Method Not Allowed. This URL can only handle the following request methods: POST.")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	if len(body) > 0 {
		if err := emulator.DecodeJSON(body, &c.in); err != nil || c.in == nil {
			c.problem(http.StatusBadRequest, "Bad Request", "Invalid JSON data in request body.")
			return
		}
	}
	if method == OpLogin {
		c.login()
		return
	}
	c.branch = branch
	if c.allowed() {
		c.dispatch(method)
	}
}

// enter counts the requests at work and makes each last for a while, where
// that is wanted.
func (s *Server) enter() (leave func(), ok bool) {
	s.mu.Lock()
	s.atWork++
	if s.atWork > 1 {
		s.overlaps++
	}
	ok = !s.opt.serial || s.atWork == 1
	s.mu.Unlock()
	if ok && s.opt.work > 0 {
		time.Sleep(s.opt.work)
	}
	return func() {
		s.mu.Lock()
		s.atWork--
		s.mu.Unlock()
	}, ok
}

func (c call) dispatch(method string) {
	switch method {
	case OpCustomers:
		c.customers()
	case OpCashDesks:
		c.dictionary(c.opt.cashDesks)
	case OpArticles:
		c.dictionary(c.opt.articles)
	case OpCategories:
		c.dictionary(c.opt.groups)
	case OpPayCreate:
		c.payCreate()
	case OpPayUpdate:
		c.payUpdate()
	case OpPayIndex:
		c.payIndex()
	default:
		c.problem(http.StatusNotFound, "Not Found", "Страница не найдена.")
	}
}
