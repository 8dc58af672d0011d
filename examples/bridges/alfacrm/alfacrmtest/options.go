package alfacrmtest

import (
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// The account that is there unless options say otherwise.
const (
	DefaultEmail    = "payments@school.example"
	DefaultAPIKey   = "7b1e6f0c-emulated-alfacrm-key"
	DefaultBranch   = 1
	DefaultCustomer = 2091
	DefaultCashDesk = 4 // pay_account_id
	DefaultArticle  = 2 // pay_item_id
)

// User may log in (пользователь с ключом API).
type User struct {
	Email, APIKey string
	// NoAPI: his role does not have the module v2api, so that he is let in and
	// every call is answered Access Denied.
	NoAPI    bool
	Branches []int // that he may use; nil: all
}

// Branch is a branch of the school (филиал).
type Branch struct {
	ID   int
	Name string
}

// Customer is a client of the school (клиент).
type Customer struct {
	ID       int
	Branches []int // nil: DefaultBranch
	Name     string
	Phones   []string
	Lead     bool // is_study is 0: he only asked so far
	Removed  bool // in the archive
}

// Entry is a row of a dictionary: a cash desk (касса), an article (статья) or
// a category of articles.
type Entry struct {
	ID   int
	Name string
}

// Unknowns are the questions that what is published leaves open; the zero
// value is the best guess.
type Unknowns struct {
	DeniedStatus   int  // of a call that the role does not allow: 403 (default)
	LoginStatus    int  // of a wrong e-mail or key: 403 (default)
	TokenStatus    int  // of a token that is wrong or too old: 401 (default)
	InvalidStatus  int  // of a refused field: 200 (default), or 400
	DeniedAs200    bool // Access Denied comes with HTTP 200 too
	HTMLErrors     bool // answers from 400 up are web pages
	ErrorsAsList   bool // errors are an array of texts, not an object by field
	NoSuccess      bool // a refusal has no success: only its errors tell
	SumsAsNumbers  bool // income and expenditure in answers are numbers
	IDsAsText      bool // ids in answers are text
	ISODates       bool // dates in answers are yyyy-mm-dd
	PagesFromOne   bool // the first page is 1, not 0
	OldestFirst    bool // lists begin with the lowest id
	NoDateFilter   bool // pay/index passes date filters over
	OneToken       bool // logging in ends the token given before
	ItemRequired   bool // a payment needs pay_item_id
	RefundAsIncome bool // a payment of type 3 wants its sum in income
	NoRefunds      bool // pay_type_id 3 is refused
	DropCustom     bool // custom_ fields that the account does not have are not kept
}

type settings struct {
	emulator.Settings
	unknowns  Unknowns
	users     []User
	branches  []Branch
	customers []Customer
	cashDesks []Entry
	articles  []Entry
	groups    []Entry
	tokenLife time.Duration
	pageSize  int
	pageMost  int
	serial    bool
	work      time.Duration
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

// WithUser adds a user; the first use replaces the default one. The same goes
// for the options like it.
func WithUser(u User) Option { return func(s *settings) { s.users = append(s.users, u) } }

// WithBranch adds a branch.
func WithBranch(b Branch) Option { return func(s *settings) { s.branches = append(s.branches, b) } }

// WithCustomer adds a client.
func WithCustomer(c Customer) Option {
	return func(s *settings) { s.customers = append(s.customers, c) }
}

// WithCashDesk adds a cash desk (касса, pay_account_id).
func WithCashDesk(e Entry) Option { return func(s *settings) { s.cashDesks = append(s.cashDesks, e) } }

// WithArticle adds an article (статья, pay_item_id).
func WithArticle(e Entry) Option { return func(s *settings) { s.articles = append(s.articles, e) } }

// WithTokenLife is how long a token lives; without it, 15 minutes.
func WithTokenLife(d time.Duration) Option { return func(s *settings) { s.tokenLife = d } }

// WithPageSize is how many rows a page has unless per-page says otherwise, and
// the most that per-page may ask for. Without it, 20 and 50.
func WithPageSize(size, most int) Option {
	return func(s *settings) { s.pageSize, s.pageMost = size, most }
}

// WithOneAtATime refuses with HTTP 429 a request that comes while another of
// the same account is at work. Each one then works for so long, in real time,
// so that there is something to overlap with.
func WithOneAtATime(work time.Duration) Option {
	return func(s *settings) { s.serial, s.work = true, work }
}
