package alfacrmtest

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// Types of payments (pay_type_id). That of a correction is told by one
// application only.
const (
	TypeIncome     = 1
	TypeProduct    = 2
	TypeRefund     = 3
	TypeCorrection = 6
)

// Pay is a payment in the CRM's books (платёж).
type Pay struct {
	ID, Branch, Customer int
	Type                 int // TypeIncome and so on
	CashDesk, Article    int
	Date                 string // dd.mm.yyyy
	Income, Expenditure  money.Amount
	Payer, Note          string
	Confirmed            bool
	Custom               map[string]string // custom_ fields
	CreatedAt            time.Time
}

// Pays are the payments in the books, oldest first.
func (s *Server) Pays() []Pay {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Pay, 0, len(s.pays))
	for _, p := range s.pays {
		out = append(out, *p)
	}
	return out
}

// Balance is what the client's payments come to: confirmed income less
// confirmed expenditure.
func (s *Server) Balance(customer int) money.Amount {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum money.Amount
	for _, p := range s.pays {
		switch {
		case p.Customer != customer || !p.Confirmed:
		case p.Type == TypeRefund:
			sum -= p.Income + p.Expenditure
		default:
			sum += p.Income - p.Expenditure
		}
	}
	return sum
}

// AddPay enters a payment by hand, as a manager does, and returns its number.
func (s *Server) AddPay(p Pay) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID++
	p.ID, p.CreatedAt = s.nextID, s.base.Clock.Now()
	s.pays = append(s.pays, &p)
	return p.ID
}

// texts are the texts of refused fields.
type texts map[string]string

func (t texts) fail(field, text string) {
	if t[field] == "" {
		t[field] = text
	}
}

// sum reads roubles written as a number or as decimal text.
func sum(in object, field string, faults texts) (money.Amount, bool) {
	var text string
	switch v := in[field].(type) {
	case nil:
		return 0, false
	case string:
		text = v
	case json.Number:
		text = v.String()
	default:
		faults.fail(field, "Значение «"+field+"» должно быть числом.")
		return 0, false
	}
	if text == "" {
		return 0, false
	}
	a, err := money.Parse(text)
	switch {
	case errors.Is(err, money.ErrPrecision):
		faults.fail(field, "Значение «"+field+"» не должно иметь больше двух знаков после запятой.")
	case err != nil || a < 0:
		faults.fail(field, "Значение «"+field+"» должно быть числом.")
	}
	return a, true
}

func known(list []Entry, id int) bool {
	return slices.ContainsFunc(list, func(e Entry) bool { return e.ID == id })
}

// take puts the request's fields into the payment.
func (c call) take(p *Pay) texts {
	faults := texts{}
	k := emulator.Check{Lenient: true}
	number := func(field string, into *int) {
		if !c.in.Has(field) {
			return
		}
		n, ok := k.Integer(c.in, "", field, false, nil)
		if !ok {
			faults.fail(field, "Значение «"+field+"» должно быть целым числом.")
			return
		}
		*into = int(n)
	}
	text := func(field string, into *string) {
		if _, there := c.in[field]; there {
			*into = k.Text(c.in, "", field, false)
		}
	}
	number("branch_id", &p.Branch)
	number("customer_id", &p.Customer)
	number("pay_type_id", &p.Type)
	number("pay_account_id", &p.CashDesk)
	number("pay_item_id", &p.Article)
	text("document_date", &p.Date)
	text("payer_name", &p.Payer)
	text("note", &p.Note)
	confirmed := 0
	if c.in.Has("is_confirmed") {
		number("is_confirmed", &confirmed)
		p.Confirmed = confirmed == 1
	}
	if a, there := sum(c.in, "income", faults); there {
		p.Income = a
	}
	if a, there := sum(c.in, "expenditure", faults); there {
		p.Expenditure = a
	}
	for name := range c.in {
		if strings.HasPrefix(name, "custom_") && !c.opt.unknowns.DropCustom {
			if p.Custom == nil {
				p.Custom = map[string]string{}
			}
			p.Custom[name] = k.Text(c.in, "", name, false)
		}
	}
	for _, fault := range k.Faults {
		faults.fail("fields", fault)
	}
	c.check(p, faults)
	return faults
}

func (c call) check(p *Pay, faults texts) {
	u := c.opt.unknowns
	if p.Branch != c.branch {
		faults.fail("branch_id", "Неверный филиал.")
	}
	if !slices.ContainsFunc(c.opt.customers, func(one Customer) bool { return one.ID == p.Customer && one.in(c.branch) }) {
		faults.fail("customer_id", "Клиент не найден.")
	}
	if !known(c.opt.cashDesks, p.CashDesk) {
		faults.fail("pay_account_id", "Необходимо заполнить «Касса».")
	}
	if (u.ItemRequired || p.Article != 0) && !known(c.opt.articles, p.Article) {
		faults.fail("pay_item_id", "Необходимо заполнить «Статья».")
	}
	if _, err := time.Parse("02.01.2006", p.Date); err != nil {
		faults.fail("document_date", "Неверный формат значения «Дата».")
	}
	switch p.Type {
	case TypeIncome, TypeProduct:
		if p.Income <= 0 {
			faults.fail("income", "Значение «Приход» должно быть больше 0.")
		}
	case TypeRefund:
		switch {
		case u.NoRefunds:
			faults.fail("pay_type_id", "Значение «Тип» неверно.")
		case u.RefundAsIncome && p.Income <= 0:
			faults.fail("income", "Значение «Сумма» должно быть больше 0.")
		case !u.RefundAsIncome && p.Expenditure <= 0:
			faults.fail("expenditure", "Значение «Расход» должно быть больше 0.")
		}
	case TypeCorrection:
	default:
		faults.fail("pay_type_id", "Значение «Тип» неверно.")
	}
}

// payCreate posts a payment. The same one posted again is another one: the API
// has no idempotency key.
func (c call) payCreate() {
	p := &Pay{Branch: c.branch, Confirmed: true}
	if faults := c.take(p); len(faults) > 0 {
		c.invalid(faults)
		return
	}
	p.ID = c.AddPay(*p)
	c.answer(http.StatusOK, object{"success": true, "model": c.show(p), "errors": []any{}})
}

func (c call) payUpdate() {
	id, err := strconv.Atoi(c.r.URL.Query().Get("id"))
	c.mu.Lock()
	at := slices.IndexFunc(c.pays, func(p *Pay) bool { return err == nil && p.ID == id && p.Branch == c.branch })
	var changed Pay
	if at >= 0 {
		changed = *c.pays[at]
	}
	c.mu.Unlock()
	if at < 0 {
		c.problem(http.StatusNotFound, "Not Found", "Запрашиваемая страница не существует.")
		return
	}
	if faults := c.take(&changed); len(faults) > 0 {
		c.invalid(faults)
		return
	}
	c.mu.Lock()
	*c.pays[at] = changed
	c.mu.Unlock()
	c.answer(http.StatusOK, object{"success": true, "model": c.show(&changed), "errors": []any{}})
}

// payIndex lists payments. A filter that the API does not know is passed over.
func (c call) payIndex() {
	k := emulator.Check{Lenient: true}
	filters := map[string]func(*Pay) int{
		"id": func(p *Pay) int { return p.ID }, "customer_id": func(p *Pay) int { return p.Customer },
		"pay_type_id": func(p *Pay) int { return p.Type }, "pay_account_id": func(p *Pay) int { return p.CashDesk },
		"pay_item_id": func(p *Pay) int { return p.Article },
	}
	wanted := map[string]int64{}
	for name := range filters {
		if n, ok := k.Integer(c.in, "", name, false, nil); ok {
			wanted[name] = n
		}
	}
	from, to := c.day("document_date_from", "date_from"), c.day("document_date_to", "date_to")
	if k.Fault() != "" {
		c.invalid(texts{"filter": k.Fault()})
		return
	}
	c.mu.Lock()
	var rows []Pay
	for _, p := range c.pays {
		fits := p.Branch == c.branch
		for name, n := range wanted {
			fits = fits && int64(filters[name](p)) == n
		}
		if date, err := time.Parse("02.01.2006", p.Date); err == nil {
			fits = fits && (from.IsZero() || !date.Before(from)) && (to.IsZero() || !date.After(to))
		}
		if fits {
			rows = append(rows, *p)
		}
	}
	c.mu.Unlock()
	page(c, rows, func(p Pay) object { return c.show(&p) })
}

// day reads a date filter under either of its names; what is no date is passed
// over.
func (c call) day(names ...string) time.Time {
	for _, name := range names {
		text, _ := c.in[name].(string)
		for _, layout := range []string{"02.01.2006", time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil && !c.opt.unknowns.NoDateFilter {
				return t
			}
		}
	}
	return time.Time{}
}

// show is the payment as answers have it.
func (c call) show(p *Pay) object {
	amount := func(a money.Amount) any {
		if c.opt.unknowns.SumsAsNumbers {
			return json.Number(a.String())
		}
		return a.String()
	}
	date := p.Date
	if t, err := time.Parse("02.01.2006", p.Date); err == nil && c.opt.unknowns.ISODates {
		date = t.Format(time.DateOnly)
	}
	confirmed := 0
	if p.Confirmed {
		confirmed = 1
	}
	var article any
	if p.Article != 0 {
		article = c.id(p.Article)
	}
	out := object{"id": c.id(p.ID), "branch_id": c.id(p.Branch), "location_id": nil, "customer_id": c.id(p.Customer),
		"pay_type_id": c.id(p.Type), "pay_account_id": c.id(p.CashDesk), "pay_item_id": article, "document_date": date,
		"income": amount(p.Income), "expenditure": amount(p.Expenditure), "payer_name": p.Payer, "note": p.Note, "is_confirmed": confirmed}
	for name, value := range p.Custom {
		out[name] = value
	}
	return out
}
