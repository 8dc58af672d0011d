package sandbox

import (
	"net/http"
	"slices"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// What the pages show.

// choice is one of the providers above a list.
type choice struct {
	Key, Words string
	Chosen     bool
}

// only reads the provider that a list is narrowed to; "": all.
func only(r *http.Request, among []Provider) (Provider, []choice) {
	p := Provider(r.URL.Query().Get("p"))
	if !slices.Contains(among, p) {
		p = ""
	}
	choices := []choice{{"", "Все", p == ""}}
	for _, e := range among {
		choices = append(choices, choice{string(e), e.Name(), e == p})
	}
	return p, choices
}

// longest is how many entries of a list are shown at once.
const longest = 200

func banks() []Provider { return []Provider{Sberbank, AlfaBank, PayMaster, Tochka, PayKeeper} }

func registers() []Provider { return []Provider{Komtet, OrangeData, PayKeeper} }

func (s *Sandbox) ordersPage(w http.ResponseWriter, r *http.Request) {
	p, choices := only(r, banks())
	var orders []Order
	var total emulator.Totals
	var held money.Amount
	for _, o := range s.Orders() {
		if p != "" && o.Provider != p {
			continue
		}
		orders = append(orders, o)
		total.Orders++
		total.Captured += o.Captured
		total.Refunded += o.Refunded
		held += o.Held()
	}
	s.show(w, r, http.StatusOK, "orders", view{Title: "Заказы", Nav: "orders", Live: true, Data: map[string]any{
		"Orders": orders[:min(len(orders), longest)], "Total": total, "Held": held, "Choices": choices, "Ways": allWays(), "Chosen": string(p)}})
}

func (s *Sandbox) orderPage(w http.ResponseWriter, r *http.Request) {
	p := Provider(r.PathValue("provider"))
	o, ok := s.order(p, r.PathValue("id"))
	if !ok {
		s.missing(w, r, "Такого заказа у провайдера нет")
		return
	}
	callbacks := s.callbacksOf(o)
	slices.Reverse(callbacks)
	s.show(w, r, http.StatusOK, "order", view{Title: "Заказ " + o.Name(), Nav: "orders", Live: true, Data: map[string]any{
		"Order": o, "Story": s.story(o), "Callbacks": callbacks, "Receipts": s.receiptsOf(o), "SBP": !(o.TwoStage && p == AlfaBank) && o.Protocol != "classic",
		"Captures": way{p, o.Protocol}.Captures(), "Settle": p == Tochka && o.Refunded > 0, "Left": o.Net()}})
}

func (s *Sandbox) receiptsPage(w http.ResponseWriter, r *http.Request) {
	p, choices := only(r, Providers())
	list := slices.DeleteFunc(s.Receipts(), func(e Receipt) bool { return p != "" && e.Provider != p })
	var vats []choice
	usual := fiscal.DefaultVAT(s.Clock.Now())
	for _, v := range fiscal.VATs() {
		if v.ValidOn(s.Clock.Now()) && !v.IsCalculated() {
			vats = append(vats, choice{string(v), v.Name(), v == usual})
		}
	}
	s.show(w, r, http.StatusOK, "receipts", view{Title: "Чеки", Nav: "receipts", Live: true, Data: map[string]any{
		"Receipts": list[:min(len(list), longest)], "Choices": choices, "Registers": registers(), "VATs": vats, "Chosen": string(p)}})
}

func (s *Sandbox) receiptPage(w http.ResponseWriter, r *http.Request) {
	e, ok := s.receipt(Provider(r.PathValue("provider")), r.PathValue("id"))
	if !ok {
		s.missing(w, r, "Такого чека нет")
		return
	}
	s.show(w, r, http.StatusOK, "receipt", view{Title: "Чек " + e.ID, Nav: "receipts", Live: e.Waits(), Data: e})
}

func (s *Sandbox) callbacksPage(w http.ResponseWriter, r *http.Request) {
	p, choices := only(r, Providers())
	list := slices.DeleteFunc(s.Callbacks(), func(c Callback) bool { return p != "" && c.Provider != p })
	s.show(w, r, http.StatusOK, "callbacks", view{Title: "Уведомления", Nav: "callbacks", Live: true, Data: map[string]any{
		"Callbacks": list[:min(len(list), longest)], "Choices": choices}})
}

func (s *Sandbox) callbackPage(w http.ResponseWriter, r *http.Request) {
	p := Provider(r.PathValue("provider"))
	c, ok := s.callback(p, r.PathValue("id"))
	if !ok {
		s.missing(w, r, "Такого уведомления нет")
		return
	}
	about := ""
	if b := s.Bank(p); b != nil {
		if o, ok := b.Order(c.Order); ok {
			about = orderPath(p, o.ID)
		}
	} else if e, ok := s.receipt(p, c.Order); ok {
		about = e.Path()
	}
	where, signature := c.Signature()
	s.show(w, r, http.StatusOK, "callback", view{Title: "Уведомление " + c.ID, Nav: "callbacks", Live: c.Waits(), Data: map[string]any{
		"Callback": c, "About": about, "Where": where, "Signature": signature}})
}

// request is an exchange with the provider's name.
type request struct {
	Provider Provider
	emulator.Exchange
}

// Name is the provider's.
func (e request) Name() string { return e.Provider.Name() }

// Class colours the status.
func (e request) Class() string {
	switch {
	case e.Fault != "" || e.Status == 0 || e.Status >= 500:
		return "bad"
	case e.Status >= 400:
		return "hold"
	}
	return "ok"
}

// FaultWords is what went wrong on purpose.
func (e request) FaultWords() string {
	for _, k := range faultKinds {
		if k.Kind.String() == e.Fault {
			return k.Words
		}
	}
	return e.Fault
}

func (s *Sandbox) requestsPage(w http.ResponseWriter, r *http.Request) {
	p, choices := only(r, Providers())
	var list []request
	for _, e := range Providers() {
		if p != "" && e != p {
			continue
		}
		for _, x := range s.Emulator(e).Requests() {
			list = append(list, request{e, x})
		}
	}
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b request) int { return b.Time.Compare(a.Time) })
	s.show(w, r, http.StatusOK, "requests", view{Title: "Запросы", Nav: "requests", Live: true, Data: map[string]any{
		"Requests": list[:min(len(list), 100)], "Count": len(list), "Choices": choices}})
}

// trouble is what is wrong at a provider.
type trouble struct {
	Provider Provider
	Faults   []fault
	Mischief emulator.Mischief
	Methods  []string
}

// Name is the provider's.
func (t trouble) Name() string { return t.Provider.Name() }

// On says whether anything is.
func (t trouble) On() bool { return len(t.Faults) > 0 || t.Mischief != emulator.Mischief{} }

func (s *Sandbox) faultsPage(w http.ResponseWriter, r *http.Request) {
	var all []trouble
	for _, p := range Providers() {
		all = append(all, trouble{p, s.faultsAt(p), s.mischief(p), s.methods(p)})
	}
	s.show(w, r, http.StatusOK, "faults", view{Title: "Сбои", Nav: "faults", Data: map[string]any{"Troubles": all, "Kinds": faultKinds}})
}

func (s *Sandbox) connectPage(w http.ResponseWriter, r *http.Request) {
	type card struct {
		Provider    Provider
		Name        string
		Callback    string
		Connections []connection
	}
	var all []card
	for _, p := range Providers() {
		all = append(all, card{p, p.Name(), s.CallbackURL(p), s.connections(p)})
	}
	s.show(w, r, http.StatusOK, "connect", view{Title: "Подключение", Nav: "connect", Data: all})
}

func (s *Sandbox) providerPage(w http.ResponseWriter, r *http.Request) {
	p := Provider(r.PathValue("provider"))
	if s.Emulator(p) == nil {
		s.missing(w, r, "Такого провайдера нет")
		return
	}
	var ways []way
	for _, way := range allWays() {
		if way.Provider == p {
			ways = append(ways, way)
		}
	}
	redirect := ""
	if p == Tochka {
		redirect = s.TochkaOAuthConfig().RedirectURL
	}
	s.show(w, r, http.StatusOK, "provider", view{Title: p.Name(), Nav: "connect", Data: map[string]any{"Provider": p, "Name": p.Name(),
		"Callback": s.CallbackURL(p), "Connections": s.connections(p), "Ways": ways, "Chosen": "", "Redirect": redirect, "TwoStage": s.PayKeeperConfig().TwoStage, "Registers": slices.Contains(registers(), p)}})
}

// backPage is where the customer of a trial order comes back to.
func (s *Sandbox) backPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "message", view{Title: "Снова в магазине",
		Data: "Сюда магазин возвращает покупателя после оплаты. Верить этому возврату нельзя: оплачен ли заказ, говорит уведомление или запрос статуса."})
}
