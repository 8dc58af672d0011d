package sberbanktest

import (
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// order is an order (заказ) with everything that became of it. All of it is
// under Server.mu.
type order struct {
	gateway.Order
	formID   string
	merchant *merchant
	legacy   bool
	bundle   map[string]any
	cart     *cart

	refunding     money.Amount // on its way, through SBP
	partReversed  bool
	bonusRefunded money.Amount
	ops           []operation
	refunds       map[string]refundMemo // by externalRefundId
	locked        int

	qrcID, qrPayload string
	sub              *subscription
	subPurpose       string
	extTransactionID string
	receipts         []*receipt
}

// operation is a line of the status answer's operations.
type operation struct {
	at       time.Time
	kind     string
	amount   money.Amount
	key      string
	action   int
	rrn      string
	approval string
}

// refundMemo is what a refund with a key was, and what was answered.
type refundMemo struct{ hash string }

func (s *Server) op(o *order, kind string, amount money.Amount, action int, key string) {
	o.ops = append(o.ops, operation{at: s.base.Clock.Now(), kind: kind, amount: amount, action: action, key: key, rrn: o.RRN, approval: o.Approval})
}

// shop is whose order it is, for saved cards: the two gateways do not know
// each other's.
func (o *order) shop() string { return shopOf(o.merchant, o.legacy) }

func shopOf(m *merchant, legacy bool) string {
	if legacy {
		return "legacy " + m.UserName
	}
	return m.UserName
}

// payable refuses a payment that the order's state does not allow.
func (s *Server) payable(o *order) *gateway.Refusal {
	if no := s.unlocked(o); no != nil {
		return no
	}
	if why := s.desk.Payable(&o.Order); why != nil {
		return gateway.Refuse(5, *why)
	}
	return nil
}

// unlocked refuses what an order cannot do while another action has it.
func (s *Server) unlocked(o *order) *gateway.Refusal {
	if o.locked == 0 {
		return nil
	}
	o.locked--
	return gateway.Refuse(5, tLocked)
}

// heard is what becomes of an order by itself, or by its customer.
func (s *Server) heard(o *order, e gateway.Event) {
	kind, event := "AUTHORIZATION", "deposited"
	if o.PreAuth {
		kind, event = "PREAUTHORIZATION", "approved"
	}
	amount := o.Amount - o.Bonus
	switch e.Kind {
	case gateway.Attempted:
		s.op(o, kind, amount, o.Action, "")
		if e.Save && o.ClientID != "" && o.Paid != nil {
			s.bind(o)
		}
	case gateway.Failed:
		if s.callbacksOf(o).FailedAttempts {
			s.notify(o, event, false, nil)
		}
	case gateway.Verified:
		s.op(o, "REVERSAL", amount, 400, "")
		s.notify(o, "reversed", true, nil)
	case gateway.Approved:
		s.notify(o, "approved", true, nil)
	case gateway.Deposited:
		s.makeReceipt(o, o.cart, "AUTHORIZATION", false)
		s.notify(o, "deposited", true, nil)
	case gateway.Expired:
		s.notify(o, "declinedByTimeout", true, nil)
	case gateway.CompleteNow:
		s.complete(o, o.Held, nil)
	}
}

// complete takes held money; the rest of the hold is let go.
func (s *Server) complete(o *order, amount money.Amount, c *cart) {
	s.desk.Complete(&o.Order, amount, false)
	s.op(o, "COMPLETION", amount, 0, "")
	if c == nil {
		c = o.cart
	}
	s.makeReceipt(o, c, "COMPLETION", false)
	s.notify(o, "deposited", true, nil)
}

// sameDay says whether a one-stage payment may still be reversed: until the
// end of its Moscow day.
func (s *Server) sameDay(o *order) bool {
	a, b := o.PaidAt.In(gateway.Moscow), s.base.Clock.Now().In(gateway.Moscow)
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// find takes the bank's id, the id of the payment page or the shop's number.
func (s *Server) find(id string) (*order, error) {
	if o := s.orders[id]; o != nil {
		return o, nil
	}
	if o := s.forms[id]; o != nil {
		return o, nil
	}
	if o := s.latest[id]; o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("sberbanktest: %w", gateway.ErrNoOrder)
}

// act finds an order that can be paid and does something to it.
func (s *Server) act(id string, do func(o *order) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(id)
	if err != nil {
		return err
	}
	if no := s.payable(o); no != nil {
		return fmt.Errorf("sberbanktest: %w", o.ErrUnpayable(no.Text))
	}
	return do(o)
}
