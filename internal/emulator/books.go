package emulator

import (
	"fmt"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// MoveKind is what happened to the money of an order.
type MoveKind string

// The moves of money.
const (
	Authorized MoveKind = "authorized" // held on the customer's account
	Captured   MoveKind = "captured"   // taken; a one-stage payment is held and taken at once
	Released   MoveKind = "released"   // a hold, or a part of it, was let go
	Refunded   MoveKind = "refunded"   // given back after it was taken
)

// Move is one move of money.
type Move struct {
	Time   time.Time
	Kind   MoveKind
	Amount money.Amount
	Key    string // the shop's or the provider's number of it, where there is one
}

// Order is what the provider's own books say of an order.
type Order struct {
	ID       string       // the provider's
	Number   string       // the shop's
	Amount   money.Amount // ordered
	Currency string
	State    string // in the provider's words
	Created  time.Time
	Link     string // of the payment page; "": it has none
	Protocol string // where the provider has several: "legacy", "classic"; "": its main one
	TwoStage bool   // the payment is held until the shop takes it

	Authorized money.Amount // ever held
	Captured   money.Amount // ever taken, before refunds
	Released   money.Amount // of the hold, not taken
	Refunded   money.Amount // given back
	Moves      []Move
}

// Net is what the shop has of it: captured less refunded.
func (o Order) Net() money.Amount { return o.Captured - o.Refunded }

// Books are the provider's own accounts: what it says was held, taken and
// given back, to be compared with what the shop believes. They are safe for
// concurrent use.
type Books struct {
	mu     sync.Mutex
	orders []*Order
	byID   map[string]*Order
	number map[string]*Order
}

// NewBooks are empty.
func NewBooks() *Books {
	return &Books{byID: map[string]*Order{}, number: map[string]*Order{}}
}

// Open enters a new order; its sums start at nothing.
func (b *Books) Open(o Order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &o
	b.orders = append(b.orders, e)
	b.byID[o.ID] = e
	if o.Number != "" {
		b.number[o.Number] = e
	}
}

// Move enters a move of money. An error means that the emulator itself is
// wrong: more would be taken than was held, or given back than was taken.
// Nothing is entered then.
func (b *Books) Move(id string, m Move) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.byID[id]
	if o == nil {
		return fmt.Errorf("emulator: no order %s in the books", id)
	}
	if m.Amount < 0 {
		return fmt.Errorf("emulator: %s of a negative sum", m.Kind)
	}
	held := o.Authorized - o.Captured - o.Released
	switch m.Kind {
	case Authorized:
		o.Authorized += m.Amount
	case Captured:
		if m.Amount > held {
			return fmt.Errorf("emulator: order %s: %s captured, %s held", id, m.Amount, held)
		}
		o.Captured += m.Amount
	case Released:
		if m.Amount > held {
			return fmt.Errorf("emulator: order %s: %s released, %s held", id, m.Amount, held)
		}
		o.Released += m.Amount
	case Refunded:
		if m.Amount > o.Captured-o.Refunded {
			return fmt.Errorf("emulator: order %s: %s refunded, %s left", id, m.Amount, o.Captured-o.Refunded)
		}
		o.Refunded += m.Amount
	default:
		return fmt.Errorf("emulator: unknown move %q", m.Kind)
	}
	o.Moves = append(o.Moves, m)
	return nil
}

// Describe enters what was not known when the order was opened: its payment
// page and its protocol.
func (b *Books) Describe(id, link, protocol string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o := b.byID[id]; o != nil {
		o.Link, o.Protocol = link, protocol
	}
}

// State enters what the provider calls the order's state now.
func (b *Books) State(id, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o := b.byID[id]; o != nil {
		o.State = state
	}
}

// Order finds an order by the provider's id or the shop's number.
func (b *Books) Order(id string) (Order, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.byID[id]
	if o == nil {
		o = b.number[id]
	}
	if o == nil {
		return Order{}, false
	}
	return o.copy(), true
}

// Orders are all orders as they were opened.
func (b *Books) Orders() []Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Order, len(b.orders))
	for i, o := range b.orders {
		out[i] = o.copy()
	}
	return out
}

func (o *Order) copy() Order {
	c := *o
	c.Moves = append([]Move(nil), o.Moves...)
	return c
}

// Totals are the sums over all orders.
type Totals struct {
	Orders                                   int
	Authorized, Captured, Released, Refunded money.Amount
}

// Totals adds everything up.
func (b *Books) Totals() Totals {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := Totals{Orders: len(b.orders)}
	for _, o := range b.orders {
		t.Authorized += o.Authorized
		t.Captured += o.Captured
		t.Released += o.Released
		t.Refunded += o.Refunded
	}
	return t
}
