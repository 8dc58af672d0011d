package alfabanktest

import (
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// order is an order (заказ) with everything that became of it. All of it is
// under Server.mu.
type order struct {
	gateway.Order
	merchant *Merchant
	owner    string // whose number it is: the merchant, or a child
	template *tmpl
	basket   *basket
	taxes    string // taxSystem
	ofd      obj    // additionalOfdParams of the registration
	post     string // postAddress
	tii      string

	noBinding  bool // bindingNotNeeded
	reversed   bool // reverse.do was tried
	refunds    []refundLine
	rawSum     bool // from now on only processRawSumRefund
	raw        bool // from now on only processRaw…
	kept       money.Amount
	returned   map[string]int64 // thousandths given back, by position
	receipts   []*receipt
	qr         *qrCode
	sbpBinding *sbpBinding
}

// refundLine is a line of the status answer's refunds.
type refundLine struct {
	at            time.Time
	amount        money.Amount
	key           string
	rrn, approval string
}

// shop is whose order it is, for saved cards.
func (o *order) shop() string { return o.owner }

// sbpOnly says whether a card cannot pay the order.
func (o *order) sbpOnly() bool { return o.Has("SBP_BINDING") && o.Amount == 0 }

// bySBP says whether the order was paid through SBP.
func (o *order) bySBP() bool { return strings.HasPrefix(o.Way, "SBP") }

// enter takes the order into the bank's books.
func (s *Server) enter(o *order) {
	o.Heard = func(e gateway.Event) { s.heard(o, e) }
	o.Deck, o.Action = &deck, -100
	s.desk.Enter(&o.Order)
	s.base.Books.Describe(o.ID, s.formURL(o), "")
	s.orders[o.ID] = o
	s.numbers[numberKey{o.owner, o.Number}] = o
	s.latest[o.Number] = o
	s.all = append(s.all, o)
}

// heard is what becomes of an order by itself, or by its customer.
func (s *Server) heard(o *order, e gateway.Event) {
	event := "deposited"
	if o.PreAuth {
		event = "approved"
	}
	switch e.Kind {
	case gateway.Attempted:
		o.HoldEnds = s.base.Clock.Now().Add(s.cfg.hold)
		if o.Action == 0 && o.Paid != nil && o.Saved == nil && s.binds(o, e.Save) {
			b, fresh := s.wallet.Save(o.shop(), o.ClientID, *o.Paid, "CARD_BINDING", &deck)
			o.Saved = b
			if fresh {
				s.notifyBinding(o.merchant, b.ID, b.ClientID, "bindingCreated", true)
			}
		}
	case gateway.Failed:
		if !o.merchant.Callbacks.NoFailedAttempts {
			s.notify(o, event, false)
		}
	case gateway.Verified:
		s.notify(o, "reversed", true)
	case gateway.Approved:
		s.notify(o, "approved", true)
	case gateway.Deposited:
		s.print(o, o.basket, o.Captured, false, false)
		s.used(o)
		s.notify(o, "deposited", true)
	case gateway.Expired:
		s.notify(o, "declinedByTimeout", true)
	case gateway.CompleteNow:
		s.complete(o, o.Held-o.Captured, nil)
	case gateway.ReverseNow:
		s.letGo(o)
	}
}

// binds says whether the card is to be remembered.
func (s *Server) binds(o *order, ticked bool) bool {
	if o.ClientID == "" || o.noBinding || !o.merchant.may(Bindings) {
		return false
	}
	return ticked || o.Has("FORCE_CREATE_BINDING") || o.Has("VERIFY") || o.tii == "CI"
}

// complete takes held money; the rest is let go, unless the merchant may
// complete in several parts.
func (s *Server) complete(o *order, amount money.Amount, b *basket) {
	s.desk.Complete(&o.Order, amount, o.merchant.may(MultipleCompletion))
	if b == nil {
		b = o.basket
	}
	s.print(o, b, amount, false, false)
	s.used(o)
	s.notify(o, "deposited", true)
}

// letGo is what becomes of a hold that nobody completed in time: what was
// taken of it stays taken.
func (s *Server) letGo(o *order) {
	if o.Captured > 0 {
		s.desk.Complete(&o.Order, 0, false)
		return
	}
	s.desk.Reverse(&o.Order, o.Held)
	s.notify(o, "reversed", true)
}

func (s *Server) formURL(o *order) string {
	path := "/payment/merchants/ecom/payment_"
	if s.cfg.unknowns.DoubledFormURL {
		path = "/payment" + path
	}
	return s.URL + path + pageLang(o.Lang) + ".html?mdOrder=" + o.ID
}

func pageLang(lang string) string {
	if lang == "" {
		return "ru"
	}
	return lang
}

func (s *Server) nextNumber() string {
	s.generated++
	return strconv.Itoa(12000 + s.generated)
}
