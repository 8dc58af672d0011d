package paykeepertest

import (
	"fmt"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// Invoice is an invoice (счёт), or a payment form that was posted.
type Invoice struct {
	ID        string // 17 digits; of a posted form its key
	Amount    money.Amount
	Client    string
	Order     string
	Service   string
	Email     string
	Phone     string
	Status    string // created, sent, paid, expired
	PaymentID string
	Created   time.Time
	Expires   time.Time
	Paid      time.Time
	ReturnURL string
	Cart      []any
	Lang      string

	saveCard bool
	form     bool
}

// Invoices are all invoices in the order they were made.
func (s *Server) Invoices() []Invoice {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Invoice, 0, len(s.invoiceIDs))
	for _, id := range s.invoiceIDs {
		s.age(s.invoices[id])
		out = append(out, *s.invoices[id])
	}
	return out
}

// age lets the time of an unpaid invoice run out; the lock is held.
func (s *Server) age(i *Invoice) {
	if (i.Status == "created" || i.Status == "sent") && !s.base.Clock.Now().Before(i.Expires) {
		i.Status = "expired"
		s.base.Books.State(i.ID, "expired")
	}
}

// invoiceID is made of the Moscow time with milliseconds, one apart from the
// last. The lock is held.
func (s *Server) invoiceID() string {
	t := s.now().Truncate(time.Millisecond)
	if !t.After(s.lastID) {
		t = s.lastID.Add(time.Millisecond)
	}
	s.lastID = t
	return t.Format("20060102150405") + fmt.Sprintf("%03d", t.Nanosecond()/int(time.Millisecond))
}

// details reads what an invoice and a form share.
func (c call) details(amount string) (i *Invoice, fault string) {
	i = &Invoice{Client: c.get("clientid"), Order: c.get("orderid"), Service: c.get("service_name"), Email: c.get("client_email"), Phone: c.get("client_phone"),
		Status: "created", Created: c.base.Clock.Now(), Lang: c.get("lang"), ReturnURL: c.get("user_result_callback")}
	var ok bool
	if i.Amount, ok = rubles(amount); !ok || i.Amount == 0 {
		return nil, "Неверная сумма."
	}
	i.Expires = i.Created.Add(72 * time.Hour)
	if v := c.get("expiry"); v != "" {
		t, err := time.ParseInLocation(stamp, v, moscow)
		if err != nil {
			t, err = time.ParseInLocation("2006-01-02", v, moscow)
			t = t.AddDate(0, 0, 1)
		}
		if err != nil {
			return nil, "Неверный срок действия счёта."
		}
		i.Expires = t
	}
	var carts any = c.get("cart")
	if strings.HasPrefix(strings.TrimSpace(i.Service), "{") {
		var o emulator.Object
		if err := emulator.DecodeJSON([]byte(i.Service), &o); err == nil {
			if v := o["cart"]; v != nil {
				carts = v
			}
			if v, ok := o["user_result_callback"].(string); ok {
				i.ReturnURL = v
			}
			if v, ok := o["lang"].(string); ok {
				i.Lang = v
			}
		}
	}
	total, lines, fault := cart(carts)
	if fault == "" && len(lines) > 0 && total != i.Amount {
		fault = fmt.Sprintf("Сумма корзины (%s) не равна сумме счёта (%s).", total, i.Amount)
	}
	i.Cart = lines
	return i, fault
}

// open enters a new order in the books; the lock is held.
func (s *Server) open(i *Invoice) {
	s.base.Books.Open(emulator.Order{ID: i.ID, Number: i.Order, Amount: i.Amount, Currency: "RUB", State: i.Status, Created: i.Created,
		Link: s.base.URL + "/bill/" + i.ID + "/", TwoStage: s.opt.twoStage})
}

func (c call) preview() {
	i, fault := c.details(c.get("pay_amount"))
	if fault != "" {
		c.fail(fault)
		return
	}
	c.mu.Lock()
	i.ID = c.invoiceID()
	c.invoices[i.ID] = i
	c.invoiceIDs = append(c.invoiceIDs, i.ID)
	c.open(i)
	c.mu.Unlock()
	c.one(object{"invoice_id": i.ID, "invoice_url": c.base.URL + "/bill/" + i.ID + "/", "invoice": "<html><body>Счёт на " + i.Amount.String() + "</body></html>"})
}

// invoice finds an invoice; a failure is answered.
func (c call) invoice() *Invoice {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.invoices[c.get("id")]
	if i == nil {
		c.fail("Счёт не найден.")
		return nil
	}
	c.age(i)
	return i
}

func (c call) invoiceObject(i *Invoice) object {
	o := object{"id": i.ID, "user_id": "3", "user_login": c.opt.user, "status": i.Status, "pay_amount": c.sum(i.Amount), "clientid": i.Client,
		"orderid": i.Order, "paymentid": nil, "service_name": i.Service, "client_email": i.Email, "client_phone": i.Phone,
		"expiry_datetime": when(i.Expires), "created_datetime": when(i.Created), "paid_datetime": when(i.Paid)}
	if i.PaymentID != "" {
		o["paymentid"] = i.PaymentID
	}
	return o
}

func (c call) invoiceByID() {
	if i := c.invoice(); i != nil {
		c.mu.Lock()
		o := c.invoiceObject(i)
		c.mu.Unlock()
		c.one(o)
	}
}

// chosen are the invoices of a period.
func (c call) chosen(from, to string, query string) []*Invoice {
	c.mu.Lock()
	defer c.mu.Unlock()
	statuses := c.list("status")
	var out []*Invoice
	for _, id := range c.invoiceIDs {
		i := c.invoices[id]
		c.age(i)
		if between(i.Created, from, to) && has(statuses, i.Status) && (query == "" || i.Order == query || i.Client == query || i.ID == query || i.Email == query) {
			out = append(out, i)
		}
	}
	return out
}

func (c call) answerInvoices(list []*Invoice) {
	out := []object{}
	c.mu.Lock()
	for _, i := range part(c, list) {
		out = append(out, c.invoiceObject(i))
	}
	c.mu.Unlock()
	c.json(out)
}

func (c call) invoiceList() {
	c.answerInvoices(c.chosen(c.get("start_date"), c.get("end_date"), ""))
}

func (c call) invoiceSearch() {
	c.answerInvoices(c.chosen(c.get("beg_date"), c.get("end_date"), c.get("query")))
}

func (c call) invoiceCount() {
	list := c.chosen(c.get("start_date"), c.get("end_date"), "")
	counts := map[string]int{}
	for _, i := range list {
		counts[i.Status]++
	}
	statuses := []object{}
	for _, word := range []string{"created", "sent", "paid", "expired"} {
		if counts[word] > 0 {
			statuses = append(statuses, object{"status": word, "count": fmt.Sprint(counts[word])})
		}
	}
	c.json(object{"statuses": statuses, "fullcount": []object{{"count": fmt.Sprint(len(list))}}})
}

func (c call) sendInvoice() {
	i := c.invoice()
	if i == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case i.Status != "created" && i.Status != "sent":
		c.fail("Счёт нельзя отправить: он оплачен или просрочен.")
	case i.Email == "":
		c.fail("У счёта нет адреса клиента.")
	default:
		i.Status = "sent"
		c.ok(nil)
	}
}

func (c call) revokeInvoice() {
	i := c.invoice()
	if i == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i.Status == "paid" {
		c.fail("Счёт уже оплачен.")
		return
	}
	i.Status = "expired"
	c.base.Books.State(i.ID, "expired")
	c.ok(nil)
}

// acceptCash marks an invoice as paid in cash, outside the service's payments.
func (c call) acceptCash() {
	i := c.invoice()
	if i == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i.Status == "paid" {
		c.fail("Счёт уже оплачен.")
		return
	}
	i.Status, i.Paid = "paid", c.base.Clock.Now()
	c.ok(nil)
}
