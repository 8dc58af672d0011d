package autowebofficetest

import (
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// The keys of the account unless WithKeys says otherwise (API KEY GET, API KEY
// SET).
const (
	DefaultGetKey = "emulated-awo-get-key-3f1a"
	DefaultSetKey = "emulated-awo-set-key-9c2d"
)

// SumField is the field with the invoice's sum unless WithSumField says
// otherwise. Its name is not published.
const SumField = "account_sum"

// Status is where an invoice stands (id_account_status).
type Status int

// The statuses, as one program has them; compare them with the cabinet.
const (
	StatusCreated Status = 1
	StatusRefused Status = 2
	StatusInWork  Status = 3
	StatusError   Status = 4
	StatusPaid    Status = 5
)

// Account is an invoice (счёт).
type Account struct {
	ID      int // 0: the next one
	Status  Status
	Sum     money.Amount
	Contact int // id_contact
	Fields  map[string]string
}

// Change is a change of an invoice's status.
type Change struct {
	Account  int
	From, To Status
}

// Unknowns are the questions that what is published leaves open; the zero
// value is the best guess.
type Unknowns struct {
	KeyStatus     int  // of a wrong key: 403 (default), or 200 with an error in the body
	MissingStatus int  // of an object that is not there: 404 (default)
	InvalidStatus int  // of a refused field: 400 (default)
	TextErrors    bool // refusals are plain text, not JSON
	EmptyReads404 bool // a search that finds nothing is refused as an object that is not there
	SingleObject  bool // a search that finds one object answers it without an array
	SetKeyReads   bool // the key to write may read too
	PutIsSilent   bool // PUT answers with an empty body
	PutIsArray    bool // PUT answers an array with the object
	WholeSums     bool // sums without kopecks are written 50, not 50.00
	Numbers       bool // numbers are JSON numbers, not text
	PagesFromZero bool // param[currentpage] of the first page is 0, not 1
	AnyType       bool // an XML body is taken under any Content-Type
}

type settings struct {
	emulator.Settings
	unknowns       Unknowns
	getKey, setKey string
	sumField       string
	pageSize       int
}

// Option changes the emulator.
type Option func(*settings)

// WithClock gives it a clock.
func WithClock(c *Clock) Option { return func(s *settings) { s.Clock = c } }

// WithSeed makes the ids the same in each run.
func WithSeed(n uint64) Option { return func(s *settings) { s.Seed = n } }

// WithPublicURL is the address the world sees, when mounted elsewhere.
func WithPublicURL(u string) Option { return func(s *settings) { s.PublicURL = u } }

// WithoutListening makes Handler and Client only.
func WithoutListening() Option { return func(s *settings) { s.NoListen = true } }

// WithUnknowns answers the open questions otherwise.
func WithUnknowns(u Unknowns) Option { return func(s *settings) { s.unknowns = u } }

// WithKeys sets the two keys of the account.
func WithKeys(get, set string) Option {
	return func(s *settings) { s.getKey, s.setKey = get, set }
}

// WithSumField names the field with an invoice's sum.
func WithSumField(name string) Option { return func(s *settings) { s.sumField = name } }

// WithPageSize is how many objects a page has unless param[pagesize] says
// otherwise; without it, 100.
func WithPageSize(n int) Option { return func(s *settings) { s.pageSize = n } }
