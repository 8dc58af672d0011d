package tochkatest

import (
	"net/http"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// The test cards of the payment page are the emulator's own: the bank has none
// for payment links.
var cards = []emulator.TestCard{
	{PAN: "2200111753579001", Month: "12", Year: "2035", CVC: "123", Behaviour: "оплата проходит"},
	{PAN: "2200117996077364", Month: "12", Year: "2035", CVC: "123", Behaviour: "код 3-D Secure, затем оплата проходит"},
	{PAN: "2200119066335755", Month: "12", Year: "2035", CVC: "123", Behaviour: "банк отказывает"},
	{PAN: "4282529780951108", Month: "12", Year: "2035", CVC: "123", Behaviour: "Visa, оплата проходит"},
}

const (
	secureCode = "111111"
	// sitting is how long an opened page can be paid. The link can be opened
	// again while it lives.
	sitting = time.Hour
)

// page is the buyer's page of a link.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("uuid")
	s.mu.Lock()
	defer s.mu.Unlock()
	op := s.operations[id]
	if op == nil || r.Method != http.MethodGet && r.Method != http.MethodPost {
		emulator.Page{Provider: "Точка", Step: emulator.StepDone, Message: "Ссылка не найдена"}.Write(w, http.StatusNotFound)
		return
	}
	s.age(op)
	p := s.face(op)
	if p.Step == emulator.StepDone {
		p.Write(w, http.StatusOK)
		return
	}
	now := s.base.Clock.Now()
	if r.Method == http.MethodGet {
		op.opened = now
		p.Write(w, http.StatusOK)
		return
	}
	if op.opened.IsZero() || now.Sub(op.opened) >= sitting {
		p.Step, p.Message, p.Link = emulator.StepDone, "Время на оплату истекло: откройте ссылку ещё раз", s.linkOf(op)
		p.Write(w, http.StatusOK)
		return
	}
	f, err := emulator.ReadPageForm(r)
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	s.posted(w, r, op, p, f)
}

// posted is what the buyer did on the page; the lock is held.
func (s *Server) posted(w http.ResponseWriter, r *http.Request, op *operation, p emulator.Page, f emulator.PageForm) {
	again := func(words string) {
		p.Error = words
		p.Write(w, http.StatusOK)
	}
	back := func(to, words string) {
		if to != "" {
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		p.Step, p.Message = emulator.StepDone, words
		p.Write(w, http.StatusOK)
	}
	paid := func(mode, pan string, save bool) {
		if !slices.Contains(op.modes, mode) {
			again("Этим способом оплатить нельзя")
			return
		}
		s.pay(op, mode, pan, save)
		back(op.redirect, "Оплачено")
	}
	save := f.Save && op.saveCard || op.sub != nil
	switch f.Do {
	case "expire":
		op.expires = s.base.Clock.Now()
		s.age(op)
		back(op.fail, "Срок ссылки истёк")
	case "decline", "cancel":
		s.note("declined: " + op.id)
		back(op.fail, "Оплата не прошла")
	case "sbp":
		paid("sbp", "", false)
	case "saved":
		for _, c := range s.consumers[op.consumer] {
			if c.token == f.SavedCardID {
				paid("card", c.masked, false)
				return
			}
		}
		again("Карта не найдена")
	case "code":
		if f.Code != secureCode {
			p.Step, p.Code, p.Hidden = emulator.StepCode, secureCode, hiddenSave(f.Save)
			again("Неверный код")
			return
		}
		paid("card", cards[1].PAN, save)
	default:
		switch f.PAN {
		case cards[0].PAN, cards[3].PAN:
			paid("card", f.PAN, save)
		case cards[1].PAN:
			p.Step, p.Code, p.Hidden = emulator.StepCode, secureCode, hiddenSave(f.Save)
			p.Write(w, http.StatusOK)
		case cards[2].PAN:
			s.note("declined: " + op.id)
			again("Банк отказал в оплате. Попробуйте другую карту.")
		default:
			again("Неизвестная карта: возьмите одну из тестовых")
		}
	}
}

// hiddenSave carries the tick of the card form over to the form of the code.
func hiddenSave(save bool) map[string]string {
	if save {
		return map[string]string{"save": "1"}
	}
	return nil
}

// face is the page as it is shown for the operation; the lock is held.
func (s *Server) face(op *operation) emulator.Page {
	company := s.companyOf(op.customer)
	p := emulator.Page{Provider: "Точка", Shop: company.FullName, Order: op.link, Description: op.purpose, Amount: op.amount, Action: s.linkOf(op), SaveCard: op.saveCard}
	if point := company.retailer(op.merchant); point != nil {
		p.Shop = point.Name
	}
	if slices.Contains(op.modes, "card") {
		p.Cards = cards
		for _, c := range s.consumers[op.consumer] {
			p.Saved = append(p.Saved, emulator.SavedCard{ID: c.token, Masked: c.masked})
		}
	}
	if slices.Contains(op.modes, "sbp") {
		p.SBPPayload = "https://qr.nspk.ru/" + "AD" + op.id[24:] + "?type=02&bank=100000000284&sum=" + op.amount.Minor() + "&cur=RUB"
		p.SBPImage = s.base.QRImage(p.SBPPayload)
	}
	switch op.status {
	case "CREATED":
	case "EXPIRED":
		p.Step, p.Message, p.Link = emulator.StepDone, "Срок ссылки истёк", op.fail
	default:
		p.Step, p.Message, p.Link = emulator.StepDone, "Заказ уже оплачен", op.redirect
	}
	return p
}

// qrPage stands for the bank's app that has read an SBP code: the emulator's
// address with /qr/ and the qrcId.
func (s *Server) qrPage(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.sbp.codes[id]
	p := emulator.Page{Provider: "СБП", Step: emulator.StepDone, Message: "Код не найден", NoExpire: true}
	if q == nil {
		p.Write(w, http.StatusNotFound)
		return
	}
	p.Description, p.Amount = q.purpose, q.sum
	if words := s.qrFault(q); words != "" {
		p.Message = words
		p.Write(w, http.StatusOK)
		return
	}
	p.Step, p.SBPPayload = emulator.StepPay, q.payload
	p.SBPImage = s.base.QRImage(q.payload)
	if r.Method != http.MethodPost {
		p.Write(w, http.StatusOK)
		return
	}
	f, err := emulator.ReadPageForm(r)
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	p.Step, p.Message = emulator.StepDone, "Оплата не прошла"
	if f.Do == "sbp" {
		if s.payQR(q, 0) == nil {
			p.Message = "Оплачено"
		}
	} else {
		_ = s.declineQR(q)
	}
	if q.redirect != "" {
		http.Redirect(w, r, q.redirect, http.StatusSeeOther)
		return
	}
	p.Write(w, http.StatusOK)
}
