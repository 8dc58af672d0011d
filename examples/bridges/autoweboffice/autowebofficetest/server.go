package autowebofficetest

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is one of the Op
	// names: OpCreateLines, in any case, and "" is any call. It happens Times
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

// Names of the methods, for Fault.Op and Exchange.Op: the HTTP method and the
// resource.
const (
	OpReadAccounts   = "GET accounts"
	OpCreateAccounts = "POST accounts"
	OpChangeAccount  = "PUT accounts"
	OpReadLines      = "GET accountline"
	OpCreateLines    = "POST accountline"
	OpReadContacts   = "GET contacts"
	OpCreateContacts = "POST contacts"
)

// Server is the emulator.
type Server struct {
	// URL is the address of the account: https://{shop}.autoweboffice.ru of a
	// client.
	URL string

	base *emulator.Base
	opt  settings

	mu      sync.Mutex
	tables  map[string]*table
	changes []Change
}

// table holds the objects of one resource, every value as text.
type table struct {
	id     string // the field with the number
	one    string // the element of one object in XML
	next   int
	fields []map[string]string // in the order of their numbers
}

// NewServer starts the emulator on 127.0.0.1.
func NewServer(opts ...Option) *Server {
	s := &Server{tables: map[string]*table{
		"accounts":    {id: "id_account", one: "account", next: 5001},
		"accountline": {id: "id_account_line", one: "accountline", next: 9001},
		"contacts":    {id: "id_contact", one: "contact", next: 301},
	}}
	s.opt = settings{getKey: DefaultGetKey, setKey: DefaultSetKey, sumField: SumField, pageSize: 100}
	for _, o := range opts {
		o(&s.opt)
	}
	u := &s.opt.unknowns
	u.KeyStatus = cmp.Or(u.KeyStatus, http.StatusForbidden)
	u.MissingStatus = cmp.Or(u.MissingStatus, http.StatusNotFound)
	u.InvalidStatus = cmp.Or(u.InvalidStatus, http.StatusBadRequest)
	s.base = emulator.New(s.opt.Settings)
	s.base.Start(http.HandlerFunc(s.serve), op)
	s.URL = s.base.URL
	return s
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

// Requests are the last requests with their answers. Their queries hold the
// keys, as those of a proxy's log would.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Advance moves the clock.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// Now is the clock's time.
func (s *Server) Now() time.Time { return s.base.Clock.Now() }

// AddAccount enters an invoice, as the shop's order form does, and returns its
// number. A zero Status is StatusCreated.
func (s *Server) AddAccount(a Account) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables["accounts"]
	row := map[string]string{}
	maps.Copy(row, a.Fields)
	if a.Status == 0 {
		a.Status = StatusCreated
	}
	row["id_account_status"] = strconv.Itoa(int(a.Status))
	row[s.opt.sumField] = s.sum(a.Sum)
	if a.Contact != 0 {
		row["id_contact"] = strconv.Itoa(a.Contact)
	}
	if a.ID != 0 {
		row[t.id] = strconv.Itoa(a.ID)
	}
	return s.insert(t, row)
}

// insert numbers the row and dates it. The lock is held.
func (s *Server) insert(t *table, row map[string]string) int {
	n, err := strconv.Atoi(row[t.id])
	if err != nil || n <= 0 {
		n = t.next
	}
	t.next = max(t.next, n) + 1
	row[t.id] = strconv.Itoa(n)
	if row["creation_date"] == "" {
		row["creation_date"] = s.base.Clock.Now().Format(time.DateTime)
	}
	t.fields = append(t.fields, row)
	return n
}

func (s *Server) sum(a money.Amount) string {
	if s.opt.unknowns.WholeSums && a%100 == 0 {
		return strconv.FormatInt(int64(a/100), 10)
	}
	return a.String()
}

// Account is the invoice of that number; a zero one when there is none.
func (s *Server) Account(id int) Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables["accounts"]
	row := t.find(strconv.Itoa(id))
	if row == nil {
		return Account{}
	}
	a := Account{ID: id, Status: status(row), Fields: maps.Clone(row)}
	a.Sum, _ = money.Parse(row[s.opt.sumField])
	a.Contact, _ = strconv.Atoi(row["id_contact"])
	return a
}

// Changes are the changes of invoices' statuses, oldest first. Writing the
// status that is there already is one of them: the shop's letters and
// deliveries hang on it.
func (s *Server) Changes() []Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Change(nil), s.changes...)
}

// SetSum changes what an invoice costs, as a manager may at any time.
func (s *Server) SetSum(id int, sum money.Amount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if row := s.tables["accounts"].find(strconv.Itoa(id)); row != nil {
		row[s.opt.sumField] = s.sum(sum)
	}
}

func status(row map[string]string) Status {
	n, _ := strconv.Atoi(row["id_account_status"])
	return Status(n)
}

func (t *table) find(id string) map[string]string {
	for _, row := range t.fields {
		if row[t.id] == id {
			return row
		}
	}
	return nil
}
