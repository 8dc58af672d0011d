package tochkatest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/tochka"
)

// Server is the emulator.
type Server struct {
	// URL is the address of the bank: /uapi, /sandbox/v2 and /connect are
	// under it.
	URL string

	base   *emulator.Base
	opt    settings
	routes []route
	signer *signer

	mu        sync.Mutex
	companies []*Company
	keys      []*Key
	apps      []*App

	// OAuth
	consents map[string]*consent
	codes    map[string]*code
	access   map[string]*grant
	refresh  map[string]*refreshToken
	oauth    OAuthStats
	consentN []string // ids as made

	// acquiring
	operations map[string]*operation
	opIDs      []string
	links      map[string]*operation // customer code, space, order number
	nextLink   map[string]int        // customer code to the running number
	consumers  map[string][]card     // consumer to his saved cards
	receipts   []Receipt

	hooks   map[string]*hook // by client id
	hookIDs []string

	sbp   sbpState
	files filesState

	troubles []Trouble
	refusals map[string]int // op to how many answers say no
	notes    []string
}

// NewServer starts the emulator on 127.0.0.1.
func NewServer(opts ...Option) *Server {
	s := &Server{consents: map[string]*consent{}, codes: map[string]*code{}, access: map[string]*grant{}, refresh: map[string]*refreshToken{},
		operations: map[string]*operation{}, links: map[string]*operation{}, nextLink: map[string]int{}, consumers: map[string][]card{},
		hooks: map[string]*hook{}, refusals: map[string]int{}}
	s.opt = settings{accessLife: 24 * time.Hour, refreshLife: 30 * 24 * time.Hour, codeLife: 5 * time.Minute, expiredStatus: http.StatusUnauthorized,
		modeStatus: http.StatusBadRequest, cashboxStatus: http.StatusFailedDependency, webhookStatus: http.StatusFailedDependency,
		holdTerm: 7 * 24 * time.Hour, lapsedStatus: "EXPIRED", cardRefunds: 3 * 24 * time.Hour, dateZone: moscow}
	s.opt.Retries = emulator.Every(1+repeats, 10*time.Second)
	s.opt.Forge = changedPayload
	for _, o := range opts {
		o(&s.opt)
	}
	if s.opt.CallbackHandler != nil && s.opt.CallbackURL == "" {
		s.opt.CallbackURL = "https://shop.example/tochka"
	}
	s.signer = newSigner(s.opt.signing)
	s.base = emulator.New(s.opt.Settings)
	s.populate()
	s.routes = table()
	s.base.Start(http.HandlerFunc(s.serve), s.op)
	s.URL = s.base.URL
	return s
}

// populate makes the companies, keys and applications.
func (s *Server) populate() {
	if len(s.opt.companies) == 0 {
		s.opt.companies = s.opt.defaultCompanies()
	}
	for _, c := range s.opt.companies {
		c = c.complete()
		s.companies = append(s.companies, &c)
	}
	if len(s.opt.keys) == 0 {
		s.opt.keys = []Key{{ClientID: DefaultClientID}}
	}
	for _, k := range s.opt.keys {
		s.keys = append(s.keys, s.complete(k))
	}
	if len(s.opt.apps) == 0 {
		s.opt.apps = []App{{ClientID: DefaultAppID, ClientSecret: DefaultAppSecret, Name: "crm-example", RedirectURL: DefaultRedirectURL}}
	}
	for _, a := range s.opt.apps {
		s.apps = append(s.apps, &a)
	}
	if s.opt.CallbackURL != "" {
		s.setHook(s.keys[0].ClientID, s.opt.CallbackURL, hookTypes)
	}
	s.sbp.init(s)
	s.files.init()
}

// complete makes the token of a key: a JWT, as the bank's are.
func (s *Server) complete(k Key) *Key {
	if k.ClientID == "" {
		k.ClientID = s.base.IDs.Hex(32)
	}
	if k.Permissions == nil {
		k.Permissions = permissions
	}
	if k.Customers == nil {
		for _, c := range s.companies {
			k.Customers = append(k.Customers, c.CustomerCode)
		}
	}
	if k.Token == "" {
		claims := object{}.with("iss", k.ClientID).with("sub", s.base.IDs.UUID()).with("customer_code", k.Customers[0])
		k.Token = s.signer.sign(encode(nil, claims, true))
	}
	return &k
}

// Config is that of a client with the first JWT key, of the first company.
func (s *Server) Config() tochka.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[0]
	conf := tochka.Config{Environment: acquiring.Test, BaseURL: s.URL + "/uapi", Token: k.Token, ClientID: k.ClientID, WebhookKey: s.signer.jwk}
	if c := s.business(); c != nil {
		conf.CustomerCode = c.CustomerCode
		points := slices.DeleteFunc(slices.Clone(c.Retailers), func(r Retailer) bool { return !r.usable() })
		if len(points) > 0 {
			conf.MerchantID = points[0].MerchantID
		}
	}
	return conf
}

// business is the first company that can have acquiring.
func (s *Server) business() *Company {
	for _, c := range s.companies {
		if !c.Personal {
			return c
		}
	}
	return nil
}

// OAuthConfig is that of the first registered application.
func (s *Server) OAuthConfig() tochka.OAuthConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[0]
	return tochka.OAuthConfig{Environment: acquiring.Test, BaseURL: s.URL + "/uapi", OAuthURL: s.URL, ClientID: a.ClientID, ClientSecret: a.ClientSecret, RedirectURL: a.RedirectURL}
}

// SetRedirectURL registers another return address for the first OAuth
// application while the bank runs: a program knows its own address only once
// it listens.
func (s *Server) SetRedirectURL(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[0].RedirectURL = address
}

// WebhookKey is the public key of the webhooks as a JWK, for Config.WebhookKey;
// it is also at /doc/openapi/static/keys/public.
func (s *Server) WebhookKey() string { return s.signer.jwk }

// WebhookKeyPEM is the same key as PEM (SubjectPublicKeyInfo).
func (s *Server) WebhookKeyPEM() string { return s.signer.pem }

// Close stops it.
func (s *Server) Close() { s.base.Close() }

// Handler is the emulator, to be mounted elsewhere; give WithPublicURL then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail plans a fault of a method (OpCreate) or, with an empty Op, of any.
func (s *Server) Fail(f Fault) { s.base.Faults.Add(f) }

// ClearFaults forgets the faults, troubles and refusals that did not happen
// yet.
func (s *Server) ClearFaults() {
	s.base.Faults.Clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = nil
	clear(s.refusals)
}

// Trouble is an error in the bank's own envelope.
type Trouble struct {
	Op      string // as Fault.Op; "": any
	Status  int    // 424, 429, 500 …
	Code    string // errorCode; "": "Something going wrong"
	Message string // Errors[0].message
	Times   int    // 0: once
	Done    bool   // the request is carried out first
}

// Trouble plans an error in the bank's own envelope, which a Fault has not.
func (s *Server) Trouble(t Trouble) {
	if t.Times == 0 {
		t.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = append(s.troubles, t)
}

// takeTrouble uses up the first trouble that fits; the lock is held.
func (s *Server) takeTrouble(op string) (Trouble, bool) {
	for i := range s.troubles {
		t := s.troubles[i]
		if t.Op != "" && !strings.EqualFold(t.Op, op) {
			continue
		}
		if s.troubles[i].Times--; s.troubles[i].Times <= 0 {
			s.troubles = slices.Delete(s.troubles, i, i+1)
		}
		return t, true
	}
	return Trouble{}, false
}

// Refusal makes the next requests of a method be refused with status 200 and
// isRefund or result false: OpRefund, OpCapture, OpCharge.
func (s *Server) Refusal(op string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[op] += times
}

func (s *Server) takeRefusal(op string) bool {
	if s.refusals[op] <= 0 {
		return false
	}
	s.refusals[op]--
	return true
}

// SetCallbackURL registers a webhook of all types at this address for the first
// key, as WithCallbackURL does; "" deletes the webhook.
func (s *Server) SetCallbackURL(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) == 0 {
		return
	}
	if address == "" {
		s.dropHook(s.keys[0].ClientID)
		return
	}
	s.setHook(s.keys[0].ClientID, address, hookTypes)
}

// Pending is what is still to go wrong: the faults that have not happened, and
// what Mischief does.
func (s *Server) Pending() ([]Fault, Mischief) { return s.base.Pending() }

// Mischief is what happens to the webhooks from now on.
func (s *Server) Mischief(m Mischief) { s.base.Outbox.SetMischief(m) }

// Deliver sends the webhooks that are due and says how many attempts it made.
func (s *Server) Deliver() int { return s.base.Outbox.Deliver() }

// Deliveries are all webhooks with their attempts.
func (s *Server) Deliveries() []Delivery { return s.base.Outbox.Deliveries() }

// Resend sends a webhook again: a Delivery.ID, or an operation's last one.
func (s *Server) Resend(id string) error { return s.base.Outbox.Resend(s.bankID(id)) }

// Forge sends a webhook with a changed payload and the old signature; ForgeAs
// has the other ways.
func (s *Server) Forge(id string) error { return s.base.Outbox.Forge(s.bankID(id)) }

// bankID is the bank's id of an order that may be named by the shop's number.
func (s *Server) bankID(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op := s.find(id); op != nil {
		return op.id
	}
	return id
}

// Requests are the last requests with their answers.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Notes are what the bank takes in silence and a developer wants to know:
// members of requests that it ignores, receipts that do not add up, bodies
// where none belongs.
func (s *Server) Notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes)
}

func (s *Server) note(words string) { s.notes = append(s.notes, words) }

// Advance moves the clock: links and holds expire, refunds are executed and
// webhooks repeated on the way.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// Now is the emulator's time.
func (s *Server) Now() time.Time { return s.base.Clock.Now() }

// Order is what the bank's own books say of an operation or an SBP code, by its
// id or the shop's number.
func (s *Server) Order(id string) (Order, bool) {
	s.ageAll()
	return s.base.Books.Order(id)
}

// Orders are all of them, as they were made.
func (s *Server) Orders() []Order {
	s.ageAll()
	return s.base.Books.Orders()
}

func (s *Server) ageAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.opIDs {
		s.age(s.operations[id])
	}
}

// DeleteKey deletes a JWT key, as in the internet bank: it answers 403 from
// then on.
func (s *Server) DeleteKey(clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = slices.DeleteFunc(s.keys, func(k *Key) bool { return k.ClientID == clientID })
	s.dropHook(clientID)
}

// ReissueKey replaces a key, as changing its permissions or its term does: it
// has a new token and a new client id, and no webhook. A zero Key: there was
// none.
func (s *Server) ReissueKey(clientID string) Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range s.keys {
		if k.ClientID == clientID {
			next := *k
			next.ClientID, next.Token = "", ""
			s.keys[i] = s.complete(next)
			s.dropHook(clientID)
			return *s.keys[i]
		}
	}
	return Key{}
}

// SetRetailer adds a retail point to a company, or replaces the one with its
// MerchantID, or, when that is new, one with its name.
func (s *Server) SetRetailer(customerCode string, r Retailer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.companies {
		if c.CustomerCode != customerCode {
			continue
		}
		r = Company{Retailers: []Retailer{r}}.complete().Retailers[0]
		at := slices.IndexFunc(c.Retailers, func(old Retailer) bool { return old.MerchantID == r.MerchantID && r.MerchantID != "" })
		if at < 0 {
			at = slices.IndexFunc(c.Retailers, func(old Retailer) bool { return old.Name == r.Name })
		}
		if at < 0 {
			c.Retailers = append(c.Retailers, r)
			continue
		}
		c.Retailers[at] = r
	}
}
