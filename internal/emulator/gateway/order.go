package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// orderStatus of the family.
const (
	Registered = 0
	Held       = 1
	Paid       = 2
	Reversed   = 3
	Refunded   = 4
	AtACS      = 5
	Declined   = 6
	Waiting    = 7 // for an asynchronous way to pay
	PartlyPaid = 8 // some of a hold was taken, more may be
)

var stateNames = [...]string{"registered", "held", "paid", "reversed", "refunded", "3-D Secure", "declined", "waiting", "partly paid"}

// PaymentStates are paymentState by orderStatus.
var PaymentStates = [...]string{"CREATED", "APPROVED", "DEPOSITED", "REVERSED", "REFUNDED", "CREATED", "DECLINED", "CREATED", "DEPOSITED"}

// TransactionStates are the states that lists of orders are asked by.
var TransactionStates = map[string][]int{"CREATED": {Registered, AtACS, Waiting}, "APPROVED": {Held}, "DEPOSITED": {Paid, PartlyPaid},
	"REVERSED": {Reversed}, "REFUNDED": {Refunded}, "DECLINED": {Declined}}

// Param is one of an order's own parameters (jsonParams).
type Param struct {
	Name  string
	Value any
}

// Order is an order (заказ) with what became of it.
type Order struct {
	ID, Number          string
	PreAuth             bool // two-stage
	Amount              money.Amount
	Bonus               money.Amount // the part of Amount that was paid with bonuses
	ReturnURL, FailURL  string
	DynamicURL          string // dynamicCallbackUrl
	Description, Lang   string
	ClientID, BindingID string
	Features            []string
	Email, Phone, IP    string
	Params              []Param // by name
	Deck                *Deck

	Created, Expires                    time.Time
	AutoComplete, AutoReverse, HoldEnds time.Time // zero: never
	expiry, auto, release               *emulator.Timer

	Status, Action             int
	Attempts                   int
	Held, Captured, Refunded   money.Amount // approvedAmount; taken; given back of it
	AuthAt, PaidAt, RefundedAt time.Time
	ReversedAt                 time.Time
	RRN, Approval              string
	Way                        string // paymentWay
	Paid                       *Card
	Saved                      *Binding
	Challenge                  *Challenge

	// Heard is told what becomes of the order, but for what the emulator itself
	// does to it: Complete, Reverse, Refund and SetStatus.
	Heard func(Event)
}

// Event is what became of an order.
type Event struct {
	Kind EventKind
	Save bool // of Attempted: the customer wants his card remembered
}

// EventKind names an Event.
type EventKind uint8

// The events. Attempted comes before the order's state moves and is followed
// by one of the others; Order.Action says how the attempt ended.
const (
	Attempted   EventKind = iota + 1
	Failed                // the attempt; the order is declined or can be tried again
	Verified              // nothing was to be taken: reversed at once
	Approved              // held
	Deposited             // taken
	Expired               // the time is over
	CompleteNow           // AutoComplete is here: the emulator must take the hold
	ReverseNow            // AutoReverse or HoldEnds is here: the emulator must let it go
)

// Has says whether the order was registered with that feature.
func (o *Order) Has(feature string) bool { return slices.Contains(o.Features, feature) }

// Param is one of the order's own parameters as text; "": it has none.
func (o *Order) Param(name string) string {
	for _, p := range o.Params {
		if p.Name == name {
			return ScalarText(p.Value)
		}
	}
	return ""
}

// SetParams adds own parameters, or replaces those of the same name.
func (o *Order) SetParams(in Object) {
	for name, v := range in {
		o.Params = slices.DeleteFunc(o.Params, func(p Param) bool { return p.Name == name })
		o.Params = append(o.Params, Param{name, v})
	}
	slices.SortFunc(o.Params, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
}

// Open says whether the order can still be paid.
func (o *Order) Open() bool {
	return o.Status == Registered || o.Status == AtACS || o.Status == Waiting
}

// Issuer is what the issuer answers to a payment by this card.
func (o *Order) Issuer(c *Card) int {
	switch {
	case c.Action != 0:
		return c.Action
	case c.Limit > 0 && int64(o.Amount) > c.Limit:
		return 116
	case o.Has("FORCE_TDS") && c.Flow == FlowNone && !o.Has("FORCE_SSL"), o.Has("FORCE_FULL_TDS") && c.Flow == FlowNone:
		return 2003
	case o.Has("FORCE_FULL_TDS") && c.Flow == FlowAttempt:
		return -2017
	}
	return 0
}

// NeedsCode says whether the customer is asked for a code at his bank.
func (o *Order) NeedsCode(c *Card) bool {
	if o.Has("FORCE_SSL") || o.Has("AUTO_PAYMENT") || o.Issuer(c) != 0 {
		return false
	}
	return c.Flow == FlowChallenge || c.Flow == FlowPaReq
}

// Return is where the customer's browser goes: to the shop's address, or that
// of failure, with orderId and lang.
func (o *Order) Return(paid bool, here string) string {
	to := o.ReturnTo(paid)
	if !strings.Contains(to, "://") {
		to = here + "/" + to // as the gateways do with an address without a scheme
	}
	lang := o.Lang
	if lang == "" {
		lang = "ru"
	}
	return AddQuery(to, "orderId="+o.ID+"&lang="+lang)
}

// ReturnTo is the shop's own address, nothing added.
func (o *Order) ReturnTo(paid bool) string {
	if !paid && o.FailURL != "" {
		return o.FailURL
	}
	return o.ReturnURL
}

// Verdict says what became of the order, for pages.
func (o *Order) Verdict() string {
	switch o.Status {
	case Paid, PartlyPaid:
		return textPaid.In(o.Lang)
	case Held:
		return textHeld.In(o.Lang)
	case Refunded:
		return textRefunded.In(o.Lang)
	case Reversed:
		return textReversed.In(o.Lang)
	}
	if o.Action == -2007 {
		return textTimeIsOver.In(o.Lang)
	}
	return textDeclined.In(o.Lang)
}

// Desk moves orders, the books with them. Its methods are called under Mu.
type Desk struct {
	Mu    sync.Locker
	Clock *emulator.Clock
	IDs   *emulator.IDs
	Books *emulator.Books

	Attempts       int  // declined payments until the order is
	LowerDeposited bool // refunds lower depositedAmount
	KeepReversed   bool // a full reversal leaves the amounts as they were
}

// Enter gives a new order its id, takes it into the books and plans its end.
func (d *Desk) Enter(o *Order) {
	o.ID = d.IDs.UUID()
	d.Books.Open(emulator.Order{ID: o.ID, Number: o.Number, Amount: o.Amount, Currency: "RUB", State: stateNames[Registered], Created: o.Created, TwoStage: o.PreAuth})
	o.expiry = d.at(o.Expires, func() { d.Touch(o) })
}

// at plans something under the lock.
func (d *Desk) at(t time.Time, run func()) *emulator.Timer {
	return d.Clock.AtFunc(t, func() {
		d.Mu.Lock()
		defer d.Mu.Unlock()
		run()
	})
}

// SetStatus moves the order and the books.
func (d *Desk) SetStatus(o *Order, status int) {
	o.Status = status
	d.Books.State(o.ID, stateNames[status])
	if !o.Open() {
		o.expiry.Stop()
	}
}

func (d *Desk) book(o *Order, kind emulator.MoveKind, amount money.Amount, key string) {
	if err := d.Books.Move(o.ID, emulator.Move{Time: d.Clock.Now(), Kind: kind, Amount: amount, Key: key}); err != nil {
		panic("gateway: " + err.Error()) // the state machine is wrong
	}
}

// Deposited is depositedAmount as the status answers it.
func (d *Desk) Deposited(o *Order) money.Amount {
	if d.LowerDeposited {
		return o.Captured - o.Refunded
	}
	return o.Captured
}

// Touch lets the order's time run out if it is over.
func (d *Desk) Touch(o *Order) {
	if o.Open() && !d.Clock.Now().Before(o.Expires) {
		d.Expire(o)
	}
}

// Expire ends the order's time.
func (d *Desk) Expire(o *Order) {
	o.Action = -2007
	o.Challenge = nil
	d.SetStatus(o, Declined)
	d.Books.State(o.ID, "expired")
	o.Heard(Event{Kind: Expired})
}

// Payable says why the order cannot be paid; nil: it can.
func (d *Desk) Payable(o *Order) *Text {
	d.Touch(o)
	switch {
	case o.Open():
		return nil
	case o.Status == Declined && o.Attempts >= d.Attempts:
		o.Action = -2013
		return &TextAttempts
	case o.Status == Declined && o.Action == -2007:
		return &TextExpired
	}
	return &TextStatus
}

// ErrUnpayable is why an order of that state cannot be paid.
func (o *Order) ErrUnpayable(why Text) error {
	return fmt.Errorf("order %s: %s (orderStatus %d, actionCode %d)", o.Number, why.EN, o.Status, o.Action)
}

// ErrNoOrder is what an emulator answers to a foreign id.
var ErrNoOrder = errors.New("no such order: give the orderId of register.do, or the order number")

// Authorize makes one payment attempt; action is the processing's word, 0 is
// success.
func (d *Desk) Authorize(o *Order, c *Card, way string, action int, save bool) {
	now := d.Clock.Now()
	o.Attempts++
	o.Challenge = nil
	o.Paid, o.Way, o.Action, o.AuthAt = c, way, action, now
	o.RRN, o.Approval = d.IDs.Digits(12), d.IDs.Letters(6)
	if action != 0 {
		o.Approval = ""
		o.Heard(Event{Kind: Attempted})
		if o.Attempts >= d.Attempts {
			d.SetStatus(o, Declined)
		} else {
			d.SetStatus(o, Registered)
		}
		o.Heard(Event{Kind: Failed})
		return
	}
	o.Heard(Event{Kind: Attempted, Save: save})
	if o.Has("VERIFY") {
		d.SetStatus(o, Reversed)
		o.Heard(Event{Kind: Verified})
		return
	}
	o.Held = o.Amount - o.Bonus
	d.book(o, emulator.Authorized, o.Held, "")
	if o.PreAuth {
		d.SetStatus(o, Held)
		o.auto = d.plan(o, o.AutoComplete, CompleteNow)
		release := o.AutoReverse
		if release.IsZero() || (!o.HoldEnds.IsZero() && o.HoldEnds.Before(release)) {
			release = o.HoldEnds
		}
		o.release = d.plan(o, release, ReverseNow)
		o.Heard(Event{Kind: Approved})
		return
	}
	o.Captured, o.PaidAt = o.Held, now
	d.book(o, emulator.Captured, o.Held, "")
	d.SetStatus(o, Paid)
	o.Heard(Event{Kind: Deposited})
}

// plan makes the order do something while it is held.
func (d *Desk) plan(o *Order, at time.Time, kind EventKind) *emulator.Timer {
	if at.IsZero() {
		return nil
	}
	return d.at(at, func() {
		if o.Status == Held || o.Status == PartlyPaid {
			o.Heard(Event{Kind: kind})
		}
	})
}

// Complete takes held money and lets the rest of the hold go, unless more is
// to be taken later.
func (d *Desk) Complete(o *Order, amount money.Amount, more bool) {
	if amount > 0 {
		o.Captured += amount
		o.PaidAt = d.Clock.Now()
		d.book(o, emulator.Captured, amount, "")
	}
	rest := o.Held - o.Captured
	if more && rest > 0 {
		d.SetStatus(o, PartlyPaid)
		return
	}
	o.auto.Stop()
	o.release.Stop()
	if rest > 0 {
		d.book(o, emulator.Released, rest, "")
	}
	d.SetStatus(o, Paid)
}

// Reverse lets a hold go, or gives a payment back as if it had not been.
func (d *Desk) Reverse(o *Order, amount money.Amount) {
	kind, left := emulator.Released, o.Held
	if o.Status == Paid {
		kind, left = emulator.Refunded, o.Captured
	}
	d.book(o, kind, amount, "reverse")
	full := amount == left
	if !full || !d.KeepReversed {
		if o.Status == Paid {
			o.Captured -= amount
		}
		o.Held -= amount
	}
	o.ReversedAt = d.Clock.Now()
	if full {
		o.auto.Stop()
		o.release.Stop()
		d.SetStatus(o, Reversed)
	}
}

// Refund gives money back.
func (d *Desk) Refund(o *Order, amount money.Amount, key string) {
	o.Refunded += amount
	o.RefundedAt = d.Clock.Now()
	o.Action = 0
	d.book(o, emulator.Refunded, amount, key)
	d.SetStatus(o, Refunded)
}

// DeclineAll uses up all attempts with declined ones.
func (d *Desk) DeclineAll(o *Order) {
	for o.Status != Declined {
		c := o.Deck.Whole(o.Deck.Cards[0].PAN, d.Clock.Now())
		d.Authorize(o, &c, "CARD", 116, false)
	}
}
