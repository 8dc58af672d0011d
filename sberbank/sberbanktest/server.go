package sberbanktest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// Server is the bank. It is safe for concurrent use.
type Server struct {
	URL string // without a slash at the end

	base *emulator.Base
	cfg  *config

	mu        sync.Mutex
	merchants map[string]*merchant // by userName
	tokens    map[string]*merchant
	orders    map[string]*order // by orderId
	forms     map[string]*order // by the id in formUrl, where it is another
	numbers   map[numberKey]*order
	latest    map[string]*order // by number, the last one of whichever merchant
	all       []*order
	wallet    gateway.Wallet
	spent     map[string]money.Amount // bonuses, by saved card
	subs      map[string]*subscription
	replies   map[string]reply // by idempotency key
	apiKeys   map[string]int
	sslCards  map[string]bool
	receipts  map[string]*receipt
	fiscalNo  int

	desk   gateway.Desk
	signer gateway.Signer
}

type numberKey struct {
	merchant *merchant
	legacy   bool
	number   string
}

// merchant is a Merchant at work.
type merchant struct {
	Merchant
	tmpPassword string
}

func (m *merchant) lang(asked string) string {
	if asked == "en" || asked == "ru" {
		return asked
	}
	if m != nil && m.Language != "" {
		return m.Language
	}
	return "ru"
}

// NewServer starts the bank on 127.0.0.1, ready at once. It panics when there
// is no port to listen on.
func NewServer(opts ...Option) *Server {
	cfg := defaultConfig()
	for _, o := range opts {
		o(cfg)
	}
	cfg.set.Retries = emulator.Every(3, time.Minute)
	s := &Server{
		cfg: cfg, base: emulator.New(cfg.set),
		merchants: map[string]*merchant{}, tokens: map[string]*merchant{}, orders: map[string]*order{}, forms: map[string]*order{},
		numbers: map[numberKey]*order{}, latest: map[string]*order{}, spent: map[string]money.Amount{}, subs: map[string]*subscription{},
		replies: map[string]reply{}, apiKeys: map[string]int{}, sslCards: map[string]bool{}, receipts: map[string]*receipt{},
	}
	s.wallet.IDs = s.base.IDs
	s.desk = gateway.Desk{Mu: &s.mu, Clock: s.base.Clock, IDs: s.base.IDs, Books: s.base.Books, Attempts: cfg.attempts,
		LowerDeposited: cfg.unknowns.RefundLowersDeposited, KeepReversed: cfg.unknowns.ReverseKeepsAmounts}
	for _, m := range cfg.merchants {
		at := &merchant{Merchant: m}
		s.merchants[m.UserName] = at
		if m.Token != "" {
			s.tokens[m.Token] = at
		}
	}
	s.base.Start(http.HandlerFunc(s.serve), opOf)
	s.URL = s.base.URL
	return s
}

// opOf names the method of a request: the last part of its path, with the part
// before it where that alone says nothing.
func opOf(r *http.Request) string {
	path := strings.TrimSuffix(r.URL.Path, "/")
	op := path[strings.LastIndexByte(path, '/')+1:]
	switch op {
	case "get.do", "status.do", "payment.do", "paymentDirect.do", "generate":
		rest := strings.TrimSuffix(path, "/"+op)
		return rest[strings.LastIndexByte(rest, '/')+1:] + "/" + op
	}
	return op
}

// Close stops everything.
func (s *Server) Close() { s.base.Close() }

// Handler is the bank itself, to be mounted on a common mux; give
// WithPublicURL then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network, and follows no
// redirect.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail makes a request to come go wrong. Fault.Op is the last part of the
// method's path: "register.do", "getReceiptStatus"; where that alone says
// nothing, the last two: "dynamic/get.do", "mir/payment.do".
func (s *Server) Fail(f Fault) { s.base.Faults.Add(f) }

// ClearFaults takes back all faults that have not happened.
func (s *Server) ClearFaults() { s.base.Faults.Clear() }

// Pending is what is still to go wrong: the faults that have not happened, and
// what Mischief does.
func (s *Server) Pending() ([]Fault, Mischief) { return s.base.Pending() }

// Mischief says what happens to the callbacks to come.
func (s *Server) Mischief(m Mischief) { s.base.Outbox.SetMischief(m) }

// Deliver sends the callbacks that are due and returns when they were
// answered: how many attempts it made. It must not be called from a callback
// handler.
func (s *Server) Deliver() int { return s.base.Outbox.Deliver() }

// Deliveries are all callbacks with their attempts, oldest first.
func (s *Server) Deliveries() []Delivery { return s.base.Outbox.Deliveries() }

// Resend sends a callback once more, byte for byte: a Delivery.ID, or the last
// one of an order (orderId or number).
func (s *Server) Resend(id string) error { return s.base.Outbox.Resend(s.orderID(id)) }

// Forge sends what a stranger would: for a Delivery.ID that callback changed,
// with its old signature; for an order (orderId or number) the news that it was
// paid, signed with a wrong key where callbacks are signed.
func (s *Server) Forge(id string) error {
	s.mu.Lock()
	o, err := s.find(id)
	if err == nil {
		defer s.mu.Unlock()
		s.forge(o)
		return nil
	}
	s.mu.Unlock()
	return s.base.Outbox.Forge(id)
}

func (s *Server) orderID(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, err := s.find(id); err == nil {
		return o.ID
	}
	return id
}

// Advance moves the clock: sessions end, holds complete themselves, receipts
// are printed, callbacks are repeated, each at its time.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// Now is the bank's time.
func (s *Server) Now() time.Time { return s.base.Clock.Now() }

// Order is what the bank's books say of an order, by orderId or number.
func (s *Server) Order(id string) (Order, bool) { return s.base.Books.Order(s.orderID(id)) }

// Orders are all orders in the books, oldest first.
func (s *Server) Orders() []Order { return s.base.Books.Orders() }

// Requests are the last requests with their answers, oldest first.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Seed repeats this run's ids with WithSeed.
func (s *Server) Seed() uint64 { return s.base.IDs.Seed() }

// Pay pays the order as the customer would: with a card that passes at once,
// or through SBP where the order asked for a code only. What was registered
// with registerPreAuth is held.
func (s *Server) Pay(id string) error {
	return s.act(id, func(o *order) error {
		if o.qrOnly() {
			s.paySBP(o)
			return nil
		}
		pan := "2202205000012424"
		if o.legacy {
			pan = "5555555555555599"
		}
		c := o.Deck.Whole(pan, s.base.Clock.Now())
		s.desk.Authorize(&o.Order, &c, "CARD", 0, true)
		return nil
	})
}

// PayCard makes one attempt with a test card's number; a card that asks for a
// code gets the right one. The error is nil also when the card is declined:
// see Order.
func (s *Server) PayCard(id, pan string) error {
	return s.act(id, func(o *order) error {
		c := o.Deck.Whole(pan, s.base.Clock.Now())
		s.desk.Authorize(&o.Order, &c, "CARD", o.Issuer(&c), true)
		return nil
	})
}

// PaySBP pays the order through SBP, as the customer's bank does.
func (s *Server) PaySBP(id string) error {
	return s.act(id, func(o *order) error {
		if o.merchant.NoSBP {
			return errors.New("sberbanktest: the merchant has no SBP")
		}
		s.paySBP(o)
		return nil
	})
}

// PaySberPay pays the order in the bank's own app. With a clientId a SberPay
// binding is saved.
func (s *Server) PaySberPay(id string) error {
	return s.act(id, func(o *order) error {
		c := o.Deck.Whole("2202205000012424", s.base.Clock.Now())
		s.desk.Authorize(&o.Order, &c, "SBERPAY", 0, true)
		return nil
	})
}

// FailAttempt makes one declined attempt with that actionCode (0 is 116, not
// enough money). The order can still be paid until the third one.
func (s *Server) FailAttempt(id string, actionCode int) error {
	if actionCode == 0 {
		actionCode = 116
	}
	return s.act(id, func(o *order) error {
		c := o.Deck.Whole(o.Deck.Cards[0].PAN, s.base.Clock.Now())
		s.desk.Authorize(&o.Order, &c, "CARD", actionCode, false)
		return nil
	})
}

// Decline uses up all attempts with declined ones: the order ends declined
// (orderStatus 6).
func (s *Server) Decline(id string) error {
	return s.act(id, func(o *order) error {
		s.desk.DeclineAll(&o.Order)
		return nil
	})
}

// Expire ends the order's time now: orderStatus 6, actionCode -2007.
func (s *Server) Expire(id string) error {
	return s.act(id, func(o *order) error {
		s.desk.Expire(&o.Order)
		return nil
	})
}

// StartChallenge brings the order where the customer is at his bank's page
// (orderStatus 5) and stays there.
func (s *Server) StartChallenge(id string) error {
	return s.act(id, func(o *order) error {
		pan := "2202205300068092"
		if o.legacy {
			pan = "4111111111111111"
		}
		s.desk.StartChallenge(&o.Order, o.Deck.Whole(pan, s.base.Clock.Now()), "", false)
		return nil
	})
}

// Lock makes the next so many calls that move the order's money answer that it
// is locked by another action.
func (s *Server) Lock(id string, calls int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(id)
	if err == nil {
		o.locked = calls
	}
	return err
}

// SetCallbackURL sets the first merchant's static callback address of both gateways while the
// bank runs, as its cabinet does.
func (s *Server) SetCallbackURL(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.merchants[s.cfg.merchants[0].UserName]
	m.Callbacks.URL, m.LegacyCallbacks.URL = address, address
}

// SetMerchant changes a merchant by its UserName; false: there is none. Its
// credentials stay.
func (s *Server) SetMerchant(userName string, change func(*Merchant)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.merchants[userName]
	if m == nil {
		return false
	}
	user, password, token := m.UserName, m.Password, m.Token
	change(&m.Merchant)
	m.UserName, m.Password, m.Token = user, password, token
	return true
}

// hashOf is the digest of a request, to see whether a repeated one is the same.
func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
