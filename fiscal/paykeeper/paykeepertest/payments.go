package paykeepertest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// payment is a payment (платёж).
type payment struct {
	id      string
	book    string // id of its order in the books
	invoice *Invoice
	amount  money.Amount
	back    money.Amount // given back
	taken   money.Amount
	system  string
	unique  string
	status  string // pending, obtained, canceled, failed, refunding, refunded, partially_refunded
	hold    bool
	batch   time.Time // when a hold is captured by itself
	card    string
	bank    string // id of the saved card
	receipt string // fop_receipt_key
	pending time.Time
	got     time.Time

	// What became of the notification is written while it is delivered, which
	// no lock may be held around.
	tries atomic.Int32
	told  atomic.Int32 // 1: acknowledged, 2: given up
}

// refund is money given back (возврат).
type refund struct {
	id, payment string
	number      int
	amount      money.Amount
	remainder   money.Amount
	at          time.Time
	status      string // started, done, failed
}

// binding is a saved card.
type binding struct{ client, card string }

const attempts = 3

// word is the status as the service says it.
func (s *Server) word(p *payment) string {
	if p.hold && s.opt.holdStatus != "" {
		return s.opt.holdStatus
	}
	if p.status != "obtained" {
		return p.status
	}
	switch p.told.Load() {
	case 1:
		return "success"
	case 2:
		return "stuck"
	}
	return "obtained"
}

// obtain is the customer's money coming in; the lock is held.
func (s *Server) obtain(i *Invoice, system, card, bank string) *payment {
	now := s.base.Clock.Now()
	s.nextPayment++
	p := &payment{id: strconv.Itoa(s.nextPayment), invoice: i, amount: i.Amount, system: system, unique: s.base.IDs.Hex(12), status: "obtained",
		card: card, bank: bank, pending: now.Add(-20 * time.Second), got: now, hold: s.opt.twoStage && system != systemSBP}
	p.book = i.ID
	if i.form {
		p.book = p.id
		s.base.Books.Open(emulator.Order{ID: p.id, Number: i.Order, Amount: i.Amount, Currency: "RUB", State: "pending", Created: now,
			Link: s.base.URL + "/pay/" + i.ID + "/", TwoStage: s.opt.twoStage})
	}
	s.payments[p.id] = p
	s.paymentIDs = append(s.paymentIDs, p.id)
	i.Status, i.PaymentID, i.Paid = "paid", p.id, now
	s.move(p, emulator.Authorized, p.amount, "")
	if p.hold {
		p.batch = now.Add(7 * 24 * time.Hour)
		s.base.Clock.AfterFunc(7*24*time.Hour, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if p.hold {
				s.take(p, p.amount)
			}
		})
	} else {
		s.take(p, p.amount)
	}
	if len(i.Cart) > 0 {
		r := s.receipt(&Receipt{Type: "sale", PaymentID: p.id, Contact: contact(i), Cart: i.Cart, Total: p.amount, Cashless: p.amount})
		p.receipt = r.PageKey
	}
	s.base.Books.State(p.book, s.word(p))
	s.notify(p)
	return p
}

func contact(i *Invoice) string {
	if i.Email != "" {
		return i.Email
	}
	return i.Phone
}

// take captures; the lock is held.
func (s *Server) take(p *payment, a money.Amount) {
	p.hold, p.taken = false, a
	s.move(p, emulator.Captured, a, "")
}

// move enters a move of money in the books, which must agree.
func (s *Server) move(p *payment, kind emulator.MoveKind, a money.Amount, key string) {
	if err := s.base.Books.Move(p.book, emulator.Move{Time: s.base.Clock.Now(), Kind: kind, Amount: a, Key: key}); err != nil {
		panic("paykeepertest: " + err.Error())
	}
}

// notify queues the notification of a received payment. The sum always has two
// decimals: receivers in the field compare digests of it as text.
func (s *Server) notify(p *payment) {
	i := p.invoice
	sum := p.amount.String()
	form := url.Values{"id": {p.id}, "sum": {sum}, "clientid": {i.Client}, "orderid": {i.Order}, "service_name": {i.Service}, "client_email": {i.Email},
		"client_phone": {i.Phone}, "ps_id": {p.system}, "fop_receipt_key": {p.receipt}, "pk_hostname": {strings.TrimPrefix(strings.TrimPrefix(s.base.URL, "http://"), "https://")},
		"obtain_datetime": {p.got.In(moscow).Format(stamp)}}
	if p.hold {
		form.Set("batch_date", p.batch.In(moscow).Format("2006-01-02"))
	}
	if p.card != "" {
		form.Set("card_number", p.card)
		form.Set("card_holder", "CARDHOLDER")
		form.Set("card_expiry", "12/35")
	}
	if p.bank != "" {
		form.Set("bank_id", p.bank)
	}
	form.Set("key", notificationKey(p.id, sum, i.Client, i.Order, s.opt.secret))
	want := acknowledgement(p.id, s.opt.secret)
	s.base.Outbox.Send(emulator.Message{Order: p.id, Event: "paid", Method: http.MethodPost, URL: s.base.CallbackURL(),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form.Encode()), Canonical: p.id + sum + i.Client + i.Order,
		Accepted: func(status int, body []byte) bool {
			p.tries.Add(1)
			if status != http.StatusOK || string(body) != want {
				return false
			}
			p.told.Store(1)
			return true
		},
		Retries: func(failed int) (time.Duration, bool) {
			if failed < attempts {
				return time.Duration(failed) * time.Minute, true
			}
			p.told.CompareAndSwap(0, 2)
			return 0, false
		}})
}

// find finds a payment by its own id; a failure is answered.
func (c call) find(id string) *payment {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.payments[id]
	if p == nil {
		if c.opt.notFoundIsEmpty && c.r.Method == http.MethodGet {
			c.json([]any{})
			return nil
		}
		c.fail("Платёж не найден.")
	}
	return p
}

// paymentObject is a payment in an answer; the lock is held.
func (c call) paymentObject(p *payment, advanced bool) object {
	o := object{"id": c.number(p.id), "pay_amount": c.sum(p.amount), "refund_amount": c.sum(p.back), "clientid": p.invoice.Client, "orderid": p.invoice.Order,
		"payment_system_id": c.number(p.system), "unique_id": p.unique, "status": c.word(p), "repeat_counter": strconv.Itoa(int(p.tries.Load())),
		"pending_datetime": when(p.pending), "obtain_datetime": when(p.got), "success_datetime": nil}
	if p.told.Load() == 1 {
		o["success_datetime"] = when(p.got.Add(time.Second))
	}
	if advanced {
		o["site_description"], o["system_description"] = systemWords[p.system], "Эмулятор"
	}
	return o
}

func (c call) paymentByID() {
	if p := c.find(c.get("id")); p != nil {
		advanced, _ := truth(c.get("advanced"))
		c.mu.Lock()
		o := c.paymentObject(p, advanced)
		c.mu.Unlock()
		c.json([]any{o})
	}
}

func (c call) selected(from, to, query string) []object {
	c.mu.Lock()
	defer c.mu.Unlock()
	statuses, systems := c.list("status"), c.list("payment_system_id")
	out := []object{}
	for _, id := range c.paymentIDs {
		p := c.payments[id]
		if between(p.pending, from, to) && has(statuses, c.word(p)) && has(systems, p.system) &&
			(query == "" || p.invoice.Order == query || p.invoice.Client == query || p.id == query) {
			out = append(out, c.paymentObject(p, false))
		}
	}
	return part(c, out)
}

func (c call) paymentsByDate() { c.json(c.selected(c.get("start"), c.get("end"), c.get("query"))) }

func (c call) paymentSearch() {
	list := c.selected(c.get("beg_date"), c.get("end_date"), c.get("query"))
	if len(list) == 0 {
		c.fail("Платежи не найдены.")
		return
	}
	c.json(list)
}

func (c call) options() {
	p := c.find(c.get("id"))
	if p == nil {
		return
	}
	o := object{}
	if p.card != "" {
		o = object{"CARD_NUMBER": p.card, "APPROVAL_CODE": "123456", "RRN": "632512345678", "3DSECURE": "Y"}
	}
	c.one(o)
}

func (c call) refundsOf() {
	if c.find(c.get("id")) == nil {
		return
	}
	c.mu.Lock()
	out := []object{}
	for _, r := range c.refunds {
		if r.payment == c.get("id") {
			out = append(out, object{"id": r.id, "payment_id": r.payment, "refund_number": strconv.Itoa(r.number), "user": c.opt.user, "amount": c.sum(r.amount),
				"remainder": c.sum(r.remainder), "datetime": when(r.at), "status": r.status})
		}
	}
	c.mu.Unlock()
	c.json(out)
}

func (c call) reverse() {
	p := c.find(c.get("id"))
	if p == nil {
		return
	}
	partial, ok := truth(c.get("partial"))
	if !ok {
		c.fail("Не указан параметр partial.")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch word := c.word(p); {
	case p.status == "refunding":
		c.fail("По платежу уже выполняется возврат.")
		return
	case !p.hold && p.status != "partially_refunded" && word != "success" && word != "obtained" && word != "stuck":
		c.fail(`Нельзя сделать возврат по платежу, статус которого не "совершён".`)
		return
	}
	rest := p.taken - p.back
	if p.hold {
		rest = p.amount
	}
	amount := rest
	if partial {
		if amount, ok = rubles(c.get("amount")); !ok || amount == 0 || amount > rest {
			c.fail("Сумма возврата больше остатка платежа.")
			return
		}
	}
	total, lines, fault := cart(c.get("refund_cart"))
	if fault == "" && len(lines) > 0 && total != amount && !c.opt.strayCarts {
		fault = fmt.Sprintf("Сумма корзины возврата (%s) не равна сумме возврата (%s).", total, amount)
	}
	if fault != "" {
		c.fail(fault)
		return
	}
	if p.hold {
		c.release(p, amount)
		c.ok(nil)
		return
	}
	c.giveBack(p, amount, lines)
	c.ok(nil)
}

// release lets a hold go, or a part of it: then the rest is taken for good.
// The lock is held.
func (c call) release(p *payment, amount money.Amount) {
	if rest := p.amount - amount; rest > 0 {
		c.take(p, rest)
	}
	p.hold = false
	c.move(p, emulator.Released, amount, "")
	if p.taken == 0 {
		p.status = c.opt.voidStatus
	}
	c.base.Books.State(p.book, c.word(p))
}

// giveBack refunds; the lock is held.
func (c call) giveBack(p *payment, amount money.Amount, lines []any) {
	c.nextRefund++
	count := 1
	for _, r := range c.refunds {
		if r.payment == p.id {
			count++
		}
	}
	r := &refund{id: strconv.Itoa(c.nextRefund), payment: p.id, number: count, amount: amount, remainder: p.taken - p.back - amount, at: c.base.Clock.Now(), status: "started"}
	c.refunds = append(c.refunds, r)
	p.status = "refunding"
	done := func() {
		p.back += amount
		r.status = "done"
		p.status = "partially_refunded"
		if p.back == p.taken {
			p.status = "refunded"
		}
		c.move(p, emulator.Refunded, amount, r.id)
		c.base.Books.State(p.book, p.status)
		if len(lines) == 0 && amount == p.taken {
			lines = p.invoice.Cart // the whole cart goes back with the whole sum
		}
		if len(lines) > 0 {
			c.receipt(&Receipt{Type: "refund", PaymentID: p.id, RefundID: r.id, Contact: contact(p.invoice), Cart: lines, Total: amount, Cashless: amount})
		}
	}
	if c.opt.refundTakes == 0 {
		done()
		return
	}
	s := c.Server
	s.base.Clock.AfterFunc(c.opt.refundTakes, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		done()
	})
}

func (c call) capture() {
	p := c.find(c.get("id"))
	if p == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.hold {
		c.fail("Платёж не находится в состоянии блокировки средств.")
		return
	}
	c.take(p, p.amount)
	c.base.Books.State(p.book, c.word(p))
	c.ok(object{"total": c.sum(p.amount), "captured": c.sum(p.taken)})
}

// repeat sends the notification again, with the attempts counted anew.
func (c call) repeat() {
	p := c.find(c.get("id"))
	if p == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.status != "obtained" {
		c.fail("Оповещение по платежу в этом статусе не отправляется.")
		return
	}
	p.tries.Store(0)
	p.told.Store(0)
	c.notify(p)
	c.ok(nil)
}

func (c call) executeBinding() {
	c.mu.Lock()
	b, ok := c.bindings[c.get("bank_id")]
	c.mu.Unlock()
	if !ok {
		c.fail("Связка не найдена.")
		return
	}
	i, fault := c.details(c.get("sum"))
	switch {
	case fault != "":
		c.fail(fault)
		return
	case !c.signed(i):
		c.fail("Неверная подпись.")
		return
	case b.client != i.Client:
		c.fail("Связка принадлежит другому клиенту.")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i.form = true
	c.obtain(i, systemCard, b.card, c.get("bank_id"))
	c.ok(nil)
}

// signed checks the sign of a form over the sum with two decimals; a form
// without one passes, as in an account that does not demand it.
func (c call) signed(i *Invoice) bool {
	sign := c.get("sign")
	return sign == "" || sign == formSign(i.Amount.String(), i.Client, i.Order, i.Service, i.Email, i.Phone, c.opt.secret)
}

// Payment systems of the account.
const (
	systemCard = "94"
	systemSBP  = "120"
)

var systemWords = map[string]string{systemCard: "Банковская карта", systemSBP: "Система быстрых платежей"}

func (c call) systems() { c.json(c.systemObjects()) }

func (c call) systemObjects() []object {
	out := []object{}
	for _, id := range []string{systemCard, systemSBP} {
		if id == systemSBP && c.opt.noSBP {
			continue
		}
		out = append(out, object{"id": id, "system_description": "Эмулятор", "site_description": systemWords[id]})
	}
	return out
}

func (c call) systemSums() {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.systemObjects()
	for _, o := range out {
		sums := map[string]money.Amount{}
		for _, p := range c.payments {
			if p.system == o["id"] && between(p.got, c.get("start"), c.get("end")) {
				sums[c.word(p)] += p.amount
			}
		}
		o["success"], o["stuck"], o["account"], o["currency"] = c.sum(sums["success"]), c.sum(sums["stuck"]), c.sum(0), "RUB"
	}
	c.json(out)
}

func (c call) errorTotals() {
	c.mu.Lock()
	defer c.mu.Unlock()
	failed := 0
	for _, p := range c.payments {
		if p.status == "failed" {
			failed++
		}
	}
	groups := []object{}
	if failed > 0 {
		groups = append(groups, object{"error_code": 116, "total": failed, "user_description": "Недостаточно средств"})
	}
	c.json(object{"total": failed, "totalWithGroup": groups})
}

func (c call) organization() {
	c.mu.Lock()
	on := c.opt.twoStage
	c.mu.Unlock()
	c.one(object{"organization_name": "ООО Эмулятор", "two_stage": on})
}
