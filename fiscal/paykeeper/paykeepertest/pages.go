package paykeepertest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// Test cards of the payment page. The first one is published with the public
// demo; the others are the emulator's own.
var cards = []emulator.TestCard{
	{PAN: "5100477280013333", Month: "12", Year: "2035", CVC: "333", Behaviour: "оплата проходит"},
	{PAN: "2200000000000004", Month: "12", Year: "2035", CVC: "123", Behaviour: "код 3-D Secure, затем оплата проходит"},
	{PAN: "4000000000000002", Month: "12", Year: "2035", CVC: "123", Behaviour: "банк отказывает"},
}

const secureCode = "111111"

func masked(pan string) string {
	if len(pan) < 10 {
		return ""
	}
	return pan[:6] + "XXXXXX" + pan[len(pan)-4:]
}

// page is the payment page of an invoice, or of a posted form.
func (c call) page() {
	kind, id, _ := strings.Cut(strings.Trim(c.r.URL.Path, "/"), "/")
	c.mu.Lock()
	i := c.invoices[id]
	if kind == "pay" {
		i = c.forms[id]
	}
	if i != nil {
		c.age(i)
	}
	c.mu.Unlock()
	if i == nil {
		http.NotFound(c.w, c.r)
		return
	}
	if c.get("pstype") == "sbp_default" && c.get("returnFormat") == "json" {
		c.sbp(i)
		return
	}
	p := c.face(i)
	if c.r.Method != http.MethodPost || p.Step == emulator.StepDone {
		p.Write(c.w, http.StatusOK)
		return
	}
	form, err := emulator.ReadPageForm(c.r)
	if err != nil {
		http.Error(c.w, "", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i.Status == "paid" {
		c.done(p, i, "Счёт уже оплачен")
		return
	}
	switch form.Do {
	case "expire":
		i.Status, i.Expires = "expired", c.base.Clock.Now()
		c.base.Books.State(i.ID, "expired")
		c.done(p, i, "Время оплаты истекло")
	case "decline", "cancel":
		c.refuse(i)
		p.Error = "Банк отказал в оплате. Попробуйте другую карту."
		p.Write(c.w, http.StatusOK)
	case "sbp":
		c.obtain(i, systemSBP, "", "")
		c.done(p, i, "Оплачено")
	case "code":
		if form.Code != secureCode {
			p.Error = "Неверный код"
			p.Step, p.Code = emulator.StepCode, secureCode
			p.Write(c.w, http.StatusOK)
			return
		}
		c.paidByCard(p, i, cards[1].PAN)
	default:
		switch form.PAN {
		case cards[2].PAN:
			c.refuse(i)
			p.Error = "Недостаточно средств"
			p.Write(c.w, http.StatusOK)
		case cards[1].PAN:
			p.Step, p.Code = emulator.StepCode, secureCode
			p.Write(c.w, http.StatusOK)
		case cards[0].PAN:
			c.paidByCard(p, i, form.PAN)
		default:
			p.Error = "Неизвестная карта: возьмите одну из тестовых"
			p.Write(c.w, http.StatusOK)
		}
	}
}

// face is the page as it is shown for the invoice.
func (c call) face(i *Invoice) emulator.Page {
	p := emulator.Page{Provider: "PayKeeper", Shop: "Эмулятор", Order: i.Order, Description: i.Service, Amount: i.Amount, Lang: i.Lang, Cards: cards}
	if strings.HasPrefix(p.Description, "{") {
		p.Description = ""
	}
	if !c.opt.noSBP {
		p.SBPPayload = payload(i)
		p.SBPImage = c.base.QRImage(p.SBPPayload)
	}
	switch i.Status {
	case "paid":
		p.Step, p.Message, p.Link = emulator.StepDone, "Счёт уже оплачен", i.ReturnURL
	case "expired":
		p.Step, p.Message, p.Link = emulator.StepDone, "Срок счёта истёк", i.ReturnURL
	}
	return p
}

// paidByCard takes the money; the lock is held.
func (c call) paidByCard(p emulator.Page, i *Invoice, pan string) {
	bank := ""
	if i.saveCard {
		bank = c.base.IDs.UUID()
		c.bindings[bank] = binding{client: i.Client, card: masked(pan)}
	}
	c.obtain(i, systemCard, masked(pan), bank)
	c.done(p, i, "Оплачено")
}

// done sends the customer back to the shop, or says how it ended.
func (c call) done(p emulator.Page, i *Invoice, words string) {
	if i.ReturnURL != "" {
		http.Redirect(c.w, c.r, i.ReturnURL, http.StatusSeeOther)
		return
	}
	p.Step, p.Message = emulator.StepDone, words
	p.Write(c.w, http.StatusOK)
}

// refuse enters a failed payment, of which nobody is notified; the lock is
// held. The invoice can be paid by another attempt.
func (c call) refuse(i *Invoice) { c.Server.refuse(i) }

func (s *Server) refuse(i *Invoice) {
	s.nextPayment++
	p := &payment{id: fmt.Sprint(s.nextPayment), book: i.ID, invoice: i, amount: i.Amount, system: systemCard, status: "failed", pending: s.base.Clock.Now()}
	s.payments[p.id] = p
	s.paymentIDs = append(s.paymentIDs, p.id)
}

func payload(i *Invoice) string {
	return "https://qr.nspk.ru/EMU" + i.ID + "?type=02&sum=" + i.Amount.Minor() + "&cur=RUB"
}

// sbp answers the data of the SBP code instead of the page. The names of its
// fields are not documented.
func (c call) sbp(i *Invoice) {
	if c.opt.noSBP {
		c.fail("Способ оплаты недоступен.")
		return
	}
	c.json(object{"result": "success", "qr_payload": payload(i)})
}

// createForm is the payment form that the customer's browser posts: it answers
// the payment page.
func (c call) createForm() {
	i, fault := c.details(c.get("sum"))
	switch {
	case fault != "":
		http.Error(c.w, fault, http.StatusBadRequest)
		return
	case !c.signed(i):
		http.Error(c.w, "Неверная подпись формы", http.StatusForbidden)
		return
	}
	i.form = true
	i.saveCard = c.get("msgtype") == "createbinding"
	c.mu.Lock()
	i.ID = c.base.IDs.Hex(24)
	c.forms[i.ID] = i
	c.mu.Unlock()
	p := c.face(i)
	p.Action = c.base.URL + "/pay/" + i.ID + "/"
	p.Write(c.w, http.StatusOK)
}

// invoiceBy finds an invoice by its id, its payment's, or the shop's number
// (the last one with it); the lock is held.
func (s *Server) invoiceBy(id string) *Invoice {
	if i := s.invoices[id]; i != nil {
		return i
	}
	if p := s.payments[id]; p != nil {
		return p.invoice
	}
	for n := len(s.invoiceIDs) - 1; n >= 0; n-- {
		if i := s.invoices[s.invoiceIDs[n]]; i.Order == id && id != "" {
			return i
		}
	}
	return s.forms[id]
}

// unpaid finds an invoice that can still be paid; the lock is held.
func (s *Server) unpaid(id string) (*Invoice, error) {
	i := s.invoiceBy(id)
	if i == nil {
		return nil, fmt.Errorf("paykeepertest: no invoice %q", id)
	}
	s.age(i)
	if i.Status == "paid" || i.Status == "expired" {
		return nil, fmt.Errorf("paykeepertest: invoice %q is %s", id, i.Status)
	}
	return i, nil
}

// Pay is the customer paying by card: an invoice's id, or the shop's number.
// In a two-stage account the money is held.
func (s *Server) Pay(id string) error { return s.pay(id, systemCard, masked(cards[0].PAN)) }

// PaySBP is the customer paying by SBP.
func (s *Server) PaySBP(id string) error { return s.pay(id, systemSBP, "") }

func (s *Server) pay(id, system, card string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.unpaid(id)
	if err != nil {
		return err
	}
	s.obtain(i, system, card, "")
	return nil
}

// Decline is the bank refusing an attempt to pay; the invoice can be paid by
// another one.
func (s *Server) Decline(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.unpaid(id)
	if err != nil {
		return err
	}
	s.refuse(i)
	return nil
}

// Expire lets the time of an invoice run out.
func (s *Server) Expire(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.unpaid(id)
	if err != nil {
		return err
	}
	i.Status, i.Expires = "expired", s.base.Clock.Now()
	s.base.Books.State(i.ID, "expired")
	return nil
}
