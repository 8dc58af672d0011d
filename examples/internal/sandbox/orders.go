package sandbox

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// Bank is an emulator that takes payments.
type Bank interface {
	Emulator
	Order(id string) (emulator.Order, bool)
	Orders() []emulator.Order
	Pay(id string) error
	Decline(id string) error
	Expire(id string) error
}

// Bank is the emulator of a provider that takes payments; nil: it takes none.
func (s *Sandbox) Bank(p Provider) Bank {
	b, _ := s.Emulator(p).(Bank)
	return b
}

// Order is an order in a provider's books.
type Order struct {
	Provider Provider
	emulator.Order
}

// Orders are those of all providers, the newest first.
func (s *Sandbox) Orders() []Order {
	var out []Order
	for _, p := range Providers() {
		if b := s.Bank(p); b != nil {
			for _, o := range b.Orders() {
				out = append(out, Order{p, o})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Order) int { return b.Created.Compare(a.Created) })
	return out
}

// Held is what is held now: neither taken nor let go.
func (o Order) Held() money.Amount { return o.Authorized - o.Captured - o.Released }

// Payable says whether the customer can still pay.
func (o Order) Payable() bool { return o.Status().class == "wait" }

// Code says whether the order is an SBP code by itself, without a card form.
func (o Order) Code() bool { return o.Provider == Tochka && o.Number == "" }

// Refundable says whether there is something to give back.
func (o Order) Refundable() bool { return o.Net() > 0 }

// status is a state in words, and how it is coloured.
type status struct{ Words, class string }

// Class is for the style sheet.
func (s status) Class() string { return s.class }

// Status is where the order stands by its money, and while there was none, by
// the provider's own word.
func (o Order) Status() status {
	word := strings.ToLower(o.State)
	is := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(word, p) })
	}
	switch {
	case o.Refunded > 0 && o.Net() == 0:
		return status{"Возвращён", "back"}
	case o.Refunded > 0:
		return status{"Возвращён частично", "back"}
	case o.Held() > 0 && o.Captured > 0:
		return status{"Списан частично", "hold"}
	case o.Captured > 0:
		return status{"Оплачен", "ok"}
	case o.Held() > 0:
		return status{"Холд", "hold"}
	case o.Released > 0:
		return status{"Холд отменён", "off"}
	case is("expired"):
		return status{"Истёк", "off"}
	case is("declin", "reject", "fail"):
		return status{"Отклонён", "bad"}
	case is("cancel", "revers", "revok"):
		return status{"Отменён", "off"}
	case is("3-d", "confirmation"):
		return status{"Ждёт кода банка", "wait"}
	}
	return status{"Ждёт оплаты", "wait"}
}

// Name is the order's number, or where it has none, the provider's id.
func (o Order) Name() string {
	if o.Number != "" {
		return o.Number
	}
	return o.ID
}

// Path is the address of its page.
func (o Order) Path() string { return orderPath(o.Provider, o.ID) }

func orderPath(p Provider, id string) string {
	return "/orders/" + string(p) + "/" + url.PathEscape(id)
}

// Way is the provider with its protocol.
func (o Order) Way() string { return wayName(o.Provider, o.Protocol) }

// event is a line of an order's story.
type event struct {
	Time  time.Time
	Words string
	Note  string
	Link  string
}

// story is what happened to an order: money, callbacks and receipts.
func (s *Sandbox) story(o Order) []event {
	out := []event{{Time: o.Created, Words: "Заказ создан", Note: rubles(o.Amount)}}
	for _, m := range o.Moves {
		words := map[emulator.MoveKind]string{emulator.Authorized: "Деньги заблокированы на счёте покупателя", emulator.Captured: "Деньги списаны",
			emulator.Released: "Блокировка снята", emulator.Refunded: "Деньги возвращены"}[m.Kind]
		note := rubles(m.Amount)
		if m.Key != "" {
			note += " · " + m.Key
		}
		out = append(out, event{Time: m.Time, Words: words, Note: note})
	}
	for _, c := range s.callbacksOf(o) {
		out = append(out, event{Time: c.Created, Words: "Уведомление " + c.Event, Note: c.Status().Words, Link: c.Path()})
	}
	for _, r := range s.receiptsOf(o) {
		out = append(out, event{Time: r.Created, Words: "Чек: " + r.Title(), Note: r.Status().Words, Link: r.Path()})
	}
	slices.SortStableFunc(out, func(a, b event) int { return a.Time.Compare(b.Time) })
	return out
}

// order finds an order by the provider's id or the shop's number.
func (s *Sandbox) order(p Provider, id string) (Order, bool) {
	b := s.Bank(p)
	if b == nil {
		return Order{}, false
	}
	o, ok := b.Order(id)
	return Order{p, o}, ok
}
