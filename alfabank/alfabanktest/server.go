package alfabanktest

import (
	"errors"
	"fmt"
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

	base   *emulator.Base
	cfg    *config
	desk   gateway.Desk
	signer gateway.Signer

	mu        sync.Mutex
	merchants map[string]*Merchant // by userName
	tokens    map[string]*Merchant
	orders    map[string]*order // by mdOrder
	numbers   map[numberKey]*order
	latest    map[string]*order // by number, the last one of whichever merchant
	all       []*order
	wallet    gateway.Wallet
	sbp       []*sbpBinding
	templates []*tmpl
	fiscalNo  int
	generated int
}

type numberKey struct{ shop, number string }

// NewServer starts the bank on 127.0.0.1, ready at once. It panics when there
// is no port to listen on.
func NewServer(opts ...Option) *Server {
	cfg := defaultConfig()
	for _, o := range opts {
		o(cfg)
	}
	s := &Server{cfg: cfg, base: emulator.New(cfg.set), merchants: map[string]*Merchant{}, tokens: map[string]*Merchant{},
		orders: map[string]*order{}, numbers: map[numberKey]*order{}, latest: map[string]*order{}}
	s.wallet.IDs, s.signer.Key = s.base.IDs, cfg.key
	s.desk = gateway.Desk{Mu: &s.mu, Clock: s.base.Clock, IDs: s.base.IDs, Books: s.base.Books, Attempts: cfg.attempts,
		LowerDeposited: !cfg.unknowns.RefundKeepsDeposited, KeepReversed: cfg.unknowns.ReverseKeepsAmounts}
	for i := range cfg.merchants {
		m := &cfg.merchants[i]
		s.merchants[m.UserName] = m
		if m.Token != "" {
			s.tokens[m.Token] = m
		}
	}
	s.base.Start(http.HandlerFunc(s.serve), opOf)
	s.URL = s.base.URL
	return s
}

// opOf names the method of a request: its path below /rest/, or the last part.
func opOf(r *http.Request) string {
	path := strings.TrimSuffix(r.URL.Path, "/")
	if _, op, ok := strings.Cut(path, "/rest/"); ok {
		return op
	}
	if _, op, ok := strings.Cut(path, "/alfapay/"); ok {
		return "alfapay/" + op
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Close stops everything.
func (s *Server) Close() { s.base.Close() }

// Handler is the bank itself, to be mounted on a common mux; give
// WithPublicURL then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network, and follows no
// redirect.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail makes a request to come go wrong. Fault.Op is the method's path below
// /rest/: "register.do", "sbp/c2b/qr/status.do", "templates/create.do"; or
// "alfapay/payment.do".
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

// PublicKeyPEM is the bank's public key of asymmetric callbacks, made when it
// is first needed.
func (s *Server) PublicKeyPEM() string { return s.signer.PublicKeyPEM() }

func (s *Server) orderID(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, err := s.find(id); err == nil {
		return o.ID
	}
	return id
}

// Advance moves the clock: sessions end, holds are completed or let go,
// receipts are printed, callbacks are repeated, each at its time.
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

// find takes the bank's id or the shop's number.
func (s *Server) find(id string) (*order, error) {
	if o := s.orders[id]; o != nil {
		return o, nil
	}
	if o := s.latest[id]; o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("alfabanktest: %w", gateway.ErrNoOrder)
}

// act finds an order that can be paid and does something to it.
func (s *Server) act(id string, do func(o *order) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(id)
	if err != nil {
		return err
	}
	if why := s.desk.Payable(&o.Order); why != nil {
		return fmt.Errorf("alfabanktest: %w", o.ErrUnpayable(*why))
	}
	return do(o)
}

// Pay pays the order as the customer would: with a card that passes at once,
// or through SBP where only that is possible. What was registered with
// registerPreAuth is held. The card is saved where the shop forces it
// (FORCE_CREATE_BINDING, VERIFY); otherwise the customer does not tick the box:
// see PayAndSave.
func (s *Server) Pay(id string) error { return s.pay(id, false) }

// PayAndSave is Pay by a customer who ticks the box that remembers his card;
// it is shown where the order has a clientId.
func (s *Server) PayAndSave(id string) error { return s.pay(id, true) }

func (s *Server) pay(id string, save bool) error {
	return s.act(id, func(o *order) error {
		if o.sbpOnly() {
			s.paySBP(o)
			return nil
		}
		if o.BindingID != "" {
			b := s.wallet.Find(o.shop(), o.BindingID)
			if b == nil || !b.Active {
				return errors.New("alfabanktest: the order can be paid with its binding only, which is not active")
			}
			c := b.Now(s.base.Clock.Now())
			o.Saved = b
			s.desk.Authorize(&o.Order, &c, b.Way, c.Action, false)
			return nil
		}
		c := deck.Whole(plainCard, s.base.Clock.Now())
		s.desk.Authorize(&o.Order, &c, "CARD", 0, save)
		return nil
	})
}

// PayCard makes one attempt with a test card's number; a card that asks for a
// code gets the right one. The error is nil also when the card is declined:
// see Order.
func (s *Server) PayCard(id, pan string) error {
	return s.act(id, func(o *order) error {
		c := deck.Whole(pan, s.base.Clock.Now())
		s.desk.Authorize(&o.Order, &c, "CARD", o.Issuer(&c), false)
		return nil
	})
}

// PaySBP pays the order through SBP, as the customer's bank does.
func (s *Server) PaySBP(id string) error {
	return s.act(id, func(o *order) error {
		if !o.merchant.may(SBP) || o.PreAuth {
			return errors.New("alfabanktest: no SBP for this order: the merchant has none, or the order is two-stage")
		}
		s.paySBP(o)
		return nil
	})
}

// PayAlfaPay pays the order in the bank's own app.
func (s *Server) PayAlfaPay(id string) error {
	return s.act(id, func(o *order) error {
		s.desk.Authorize(&o.Order, nil, "ALFAPAY", 0, false)
		return nil
	})
}

// FailAttempt makes one declined attempt with that actionCode (0 is 116, not
// enough money). The order can still be paid while attempts are left.
func (s *Server) FailAttempt(id string, actionCode int) error {
	if actionCode == 0 {
		actionCode = 116
	}
	return s.act(id, func(o *order) error {
		c := deck.Whole(plainCard, s.base.Clock.Now())
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
		s.desk.StartChallenge(&o.Order, deck.Whole("5555555555555599", s.base.Clock.Now()), "", false)
		return nil
	})
}

// SetCallbackURL sets the first merchant's static callback address while the
// bank runs, as its cabinet does.
func (s *Server) SetCallbackURL(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.merchants[s.cfg.merchants[0].UserName]
	m.Callbacks.URL = address
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
	change(m)
	m.UserName, m.Password, m.Token = user, password, token
	return true
}

// SetBindingOutcome makes charges of a saved card end with that actionCode;
// 0: as the card itself.
func (s *Server) SetBindingOutcome(bindingID string, actionCode int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.wallet.Any(bindingID)
	if b == nil {
		return fmt.Errorf("alfabanktest: no binding %q", bindingID)
	}
	b.Outcome = actionCode
	return nil
}

// Bindings are the active saved cards of a client, oldest first.
func (s *Server) Bindings(clientID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wallet.Active(clientID)
}

// OpenLink opens a payment link (templates/create.do) as a customer does and
// gives the order that was made for it. The amount is what he types where the
// link has none.
func (s *Server) OpenLink(templateID string, amount money.Amount) (orderID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, why := s.openTemplate(s.template(templateID), amount)
	if why != "" {
		return "", errors.New("alfabanktest: " + why)
	}
	return o.ID, nil
}

// PayStaticQR pays a static SBP code (templates/createTemplate.do): an order
// is made and paid at once.
func (s *Server) PayStaticQR(templateID string, amount money.Amount) (orderID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.template(templateID)
	if t != nil && !t.static() {
		t = nil
	}
	o, why := s.openTemplate(t, amount)
	if why != "" {
		return "", errors.New("alfabanktest: " + why)
	}
	s.paySBP(o)
	return o.ID, nil
}
