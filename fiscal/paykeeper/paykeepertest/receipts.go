package paykeepertest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// Receipt is a receipt (чек).
type Receipt struct {
	ID        string
	Key       string // receipt_key
	PageKey   string // fop_receipt_key
	Type      string // sale, refund
	Status    string // created, success, failed
	PaymentID string
	RefundID  string
	Contact   string
	PostSale  bool
	Correct   bool
	Total     money.Amount
	Cashless  money.Amount
	Cash      money.Amount
	Advance   money.Amount
	Credit    money.Amount
	Counter   money.Amount
	Cart      []any
	Created   time.Time
	FN        string // when printed
	Document  int    // fnd, when printed
	Sign      string
	Printed   time.Time
}

// Receipts are all receipts in the order they came.
func (s *Server) Receipts() []Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Receipt, 0, len(s.receipts))
	for _, r := range s.receipts {
		out = append(out, *r)
	}
	return out
}

// receipt enters a receipt and plans its printing; the lock is held.
func (s *Server) receipt(r *Receipt) *Receipt {
	s.nextReceipt++
	r.ID, r.Status, r.Created = strconv.Itoa(s.nextReceipt), "created", s.base.Clock.Now()
	r.PageKey = s.base.IDs.UUID()
	s.receipts = append(s.receipts, r)
	s.base.Clock.AfterFunc(time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.print(r)
	})
	return r
}

// print finishes a receipt; the lock is held.
func (s *Server) print(r *Receipt) {
	if r.Status != "created" {
		return
	}
	r.Printed = s.base.Clock.Now()
	if _, refused := s.failing[r.Key]; r.Key != "" && (refused || strings.HasSuffix(r.Key, "-fail")) {
		r.Status = "failed"
		return
	}
	n, _ := strconv.Atoi(r.ID)
	r.Status, r.FN, r.Document, r.Sign = "success", "9999078900006512", 4500+n-8800, s.base.IDs.Digits(10)
}

func (c call) printReceipt() {
	r := &Receipt{Key: c.get("receipt_key"), Type: c.get("type"), PaymentID: c.get("payment_id"), RefundID: c.get("refund_id"), Contact: c.get("contact")}
	var faults []string
	bad := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if r.Type != "sale" && r.Type != "refund" {
		bad("Неверный тип чека.")
	}
	for name, into := range map[string]*bool{"is_post_sale": &r.PostSale, "is_correction": &r.Correct} {
		if v := c.get(name); v != "" {
			var ok bool
			if *into, ok = truth(v); !ok {
				bad("Неверное значение %s.", name)
			}
		}
	}
	if r.Contact == "" {
		bad("Не указан контакт покупателя.")
	}
	given := false
	for name, into := range map[string]*money.Amount{"sum_cashless": &r.Cashless, "sum_cash": &r.Cash, "sum_advance": &r.Advance, "sum_credit": &r.Credit, "sum_counter_payment": &r.Counter} {
		v := c.get(name)
		if v == "" {
			continue
		}
		given = true
		var ok bool
		if *into, ok = rubles(v); !ok {
			bad("Неверная сумма %s.", name)
		}
	}
	total, lines, fault := cart(c.get("cart"))
	r.Total, r.Cart = total, lines
	paid := r.Cashless + r.Cash + r.Advance + r.Credit + r.Counter
	switch {
	case fault != "":
		bad("%s", fault)
	case len(lines) == 0:
		bad("Не указана корзина.")
	case !given && r.PaymentID == "":
		bad("Не указаны суммы чека.")
	case given && paid != total:
		bad("Сумма корзины (%s) не равна сумме чека (%s).", total, paid)
	}
	if r.PaymentID != "" && len(faults) == 0 && c.find(r.PaymentID) == nil {
		return
	}
	if len(faults) > 0 {
		c.fail(faults[0])
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.receiptKeys[r.Key]; old != nil && !c.opt.repeatReceipts {
		c.ok(object{"receipt_id": c.number(old.ID)})
		return
	}
	c.receipt(r)
	if r.Key != "" {
		c.receiptKeys[r.Key] = r
	}
	c.ok(object{"receipt_id": c.number(r.ID)})
}

// postSaleReceipt prints the final receipt of a payment whose first one was a
// prepayment.
func (c call) postSaleReceipt() {
	p := c.find(c.get("id"))
	if p == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var first *Receipt
	for _, r := range c.receipts {
		if r.PaymentID == p.id && r.Type == "sale" {
			if r.PostSale {
				c.fail("Чек полного расчёта уже сформирован.")
				return
			}
			first = r
		}
	}
	if first == nil || !prepaid(first.Cart) {
		c.fail("По платежу нет чека предоплаты.")
		return
	}
	lines := make([]any, len(first.Cart))
	for i, e := range first.Cart {
		line := object{}
		for k, v := range e.(map[string]any) {
			line[k] = v
		}
		line["payment_type"] = "full"
		lines[i] = line
	}
	r := c.receipt(&Receipt{Type: "sale", PaymentID: p.id, Contact: first.Contact, PostSale: true, Cart: lines, Total: first.Total, Advance: first.Total})
	answer := object{"result": "success", "receipt_id": c.number(r.ID)}
	c.one(answer)
}

func prepaid(lines []any) bool {
	for _, e := range lines {
		line, _ := e.(map[string]any)
		switch line["payment_type"] {
		case "prepay", "part_prepay", "advance":
		default:
			return false
		}
	}
	return len(lines) > 0
}

// receiptObject is a receipt in an answer; the lock is held.
func (c call) receiptObject(r *Receipt) object {
	o := object{"id": c.number(r.ID), "status": r.Status, "type": r.Type, "payment_id": nil, "refund_id": nil, "receipt_key": r.Key, "contact": r.Contact,
		"sum_cashless": c.sum(r.Cashless), "sum_cash": c.sum(r.Cash), "sum_advance": c.sum(r.Advance), "sum_credit": c.sum(r.Credit),
		"sum_counter_payment": c.sum(r.Counter), "fop_receipt_key": r.PageKey}
	if r.PaymentID != "" {
		o["payment_id"] = r.PaymentID
	}
	if r.RefundID != "" {
		o["refund_id"] = r.RefundID
	}
	if r.Document > 0 {
		o["fn"], o["fnd"], o["fpd"], o["ts"] = r.FN, strconv.Itoa(r.Document), r.Sign, r.Printed.In(moscow).Format("20060102T1504")
		o["rnkkt"], o["shift_number"], o["receipt_number"] = "0001234567012345", 87, r.Document%1000
	}
	return o
}

func (c call) receiptByID() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.receipts {
		if r.ID == c.get("id") {
			o := c.receiptObject(r)
			if !c.base.Clock.Running() {
				c.print(r) // with a clock that stands still a look moves it on
			}
			c.one(o)
			return
		}
	}
	c.fail("Чек не найден.")
}

func (c call) answerReceipts(match func(*Receipt) bool) {
	c.mu.Lock()
	out := []object{}
	for _, r := range c.receipts {
		if match(r) {
			out = append(out, c.receiptObject(r))
		}
	}
	c.mu.Unlock()
	c.json(part(c, out))
}

func (c call) receiptsOf() {
	id := c.get("payment_id")
	if id == "" {
		id = c.get("id")
	}
	c.answerReceipts(func(r *Receipt) bool { return id != "" && r.PaymentID == id })
}

// ofPeriod says whether a receipt is of the period, of one of the kinds of
// sums, and in one of the statuses.
func (c call) ofPeriod(r *Receipt) bool {
	sums := map[string]money.Amount{"sum_cashless": r.Cashless, "sum_cash": r.Cash, "sum_advance": r.Advance, "sum_credit": r.Credit, "sum_counter_payment": r.Counter}
	kinds := c.list("sum_type")
	fits := len(kinds) == 0
	for _, kind := range kinds {
		fits = fits || sums[kind] > 0
	}
	return fits && between(r.Created, c.get("start"), c.get("end")) && has(c.list("status"), r.Status)
}

func (c call) receiptsByDate() { c.answerReceipts(c.ofPeriod) }

func (c call) receiptsCount() {
	c.mu.Lock()
	counts := map[string]int{}
	for _, r := range c.receipts {
		if c.ofPeriod(r) {
			counts[r.Type]++
		}
	}
	c.mu.Unlock()
	out := []object{}
	for _, kind := range []string{"sale", "refund"} {
		if counts[kind] > 0 {
			out = append(out, object{"type": kind, "count": strconv.Itoa(counts[kind])})
		}
	}
	c.json(out)
}

func (c call) receiptSearch() {
	c.answerReceipts(func(r *Receipt) bool {
		return r.Document > 0 && (c.get("fnd") == "" || c.get("fnd") == strconv.Itoa(r.Document)) && (c.get("fpd") == "" || c.get("fpd") == r.Sign)
	})
}

// receiptPage is the page that the buyer's link shows.
func (c call) receiptPage() {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := strings.Trim(strings.TrimPrefix(c.r.URL.Path, "/receipt/"), "/")
	for _, r := range c.receipts {
		if r.PageKey != key || c.get("rc_id") != "" && c.get("rc_id") != r.ID {
			continue
		}
		page := emulator.Receipt{ID: r.ID, Refund: r.Type == "refund", State: emulator.ReceiptWaiting, Total: r.Total, Created: r.Created}
		for _, e := range r.Cart {
			line, _ := e.(map[string]any)
			text := func(name string) string { return strings.TrimSpace(fmt.Sprint(line[name])) }
			price, _ := rubles(text("price"))
			sum, _ := rubles(text("sum"))
			page.Lines = append(page.Lines, emulator.ReceiptLine{Name: text("name"), Price: price, Quantity: text("quantity"), Sum: sum, VAT: text("tax"),
				VATName: paykeeper.VATOf(text("tax")).Name()})
		}
		switch r.Status {
		case "success":
			page.State, page.Printed, page.FN, page.FD, page.FP = emulator.ReceiptPrinted, r.Printed, r.FN, strconv.Itoa(r.Document), r.Sign
		case "failed":
			page.State, page.Fault = emulator.ReceiptFailed, "касса не приняла чек"
		}
		page.Write(c.w, "")
		return
	}
	c.w.WriteHeader(404)
}

// Print prints a receipt (by its id) now, whatever the clock says; with refused
// the register refuses it.
func (s *Server) Print(id string, refused bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.receipts {
		if r.ID != id {
			continue
		}
		if r.Status != "created" {
			return fmt.Errorf("paykeepertest: receipt %s is %s", id, r.Status)
		}
		if refused && r.Key != "" {
			s.failing[r.Key] = "refused"
		}
		s.print(r)
		return nil
	}
	return fmt.Errorf("paykeepertest: no receipt %s", id)
}
