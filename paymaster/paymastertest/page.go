package paymastertest

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// servePage is the payment page of either generation.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	p := s.pages[strings.ToLower(name)]
	s.mu.Unlock()
	if p == nil {
		emulator.Page{Provider: "PayMaster", Step: emulator.StepDone, Message: "Платёж не найден"}.Write(w, http.StatusNotFound)
		return
	}
	form, err := emulator.ReadPageForm(r)
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodPost && p.classic && r.PostForm.Get("authhash") != "" {
		s.serveStep(w, r, p)
		return
	}
	fault := ""
	if r.Method == http.MethodPost {
		fault = s.clicked(p, form)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := !p.unpaid()
	if ended && r.Method == http.MethodPost {
		if p.classic && s.comeBack(w, r, p) {
			return
		}
		if !p.classic && validReturn(p.returnTo) {
			http.Redirect(w, r, p.returnTo, http.StatusSeeOther)
			return
		}
	}
	face := s.face(p)
	if !ended {
		face.Error = fault
	}
	face.Write(w, http.StatusOK)
}

// clicked does what the customer pressed; the text is what he reads above the
// form when it did not help.
func (s *Server) clicked(p *payment, form emulator.PageForm) string {
	if p.classic && form.Do == "pay" {
		c := look(form.PAN, form.Month, form.Year, form.CVC, s.Now())
		if c.result == "InvalidAccount" || form.CVC == "" {
			return "Возьмите одну из тестовых карт и заполните срок и CVC"
		}
		if code := s.attempt(p, c); code != 0 {
			return fmt.Sprintf("Ошибка %d. %s", code, classicTexts[code])
		}
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.unpaid() {
		return ""
	}
	switch form.Do {
	case "pay":
		c := look(form.PAN, form.Month, form.Year, form.CVC, s.Now())
		if c.result == "InvalidAccount" || form.CVC == "" || s.onlySBP(p) {
			return "Возьмите одну из тестовых карт и заполните срок и CVC"
		}
		p.method, p.instrument = "BankCard", masked(c.pan)
		if c.result == "" && c.step != "" {
			p.try = &c
		}
		s.byCard(p, &c)
	case "code":
		switch {
		case p.try == nil:
		case form.Code != secureCode:
			return "Неверный код"
		default:
			s.obtain(p, "BankCard", p.try.pan)
		}
	case "sbp":
		if s.sbpOffered(p) {
			s.obtain(p, "Sbp", "")
		}
	case "cancel":
		s.refuse(p, "CancelledByUser")
	case "decline":
		s.refuse(p, declinedOrdinary)
	case "expire":
		s.expire(p)
	}
	if p.result != "" && p.result != "Success" {
		return results[p.result]
	}
	return ""
}

func (s *Server) onlySBP(p *payment) bool { return p.only == "Sbp" }

func (s *Server) sbpOffered(p *payment) bool { return !p.classic && (p.only == "" || p.only == "Sbp") }

// face is the page as it is shown for the payment.
func (s *Server) face(p *payment) emulator.Page {
	f := emulator.Page{Provider: "PayMaster", Shop: "Эмулятор", Order: p.number, Description: p.description, Amount: p.amount}
	switch {
	case !p.unpaid():
		f.Step, f.Message = emulator.StepDone, s.verdict(p)
		if !p.classic && validReturn(p.returnTo) {
			f.Link = p.returnTo
		}
		return f
	case p.try != nil:
		f.Step, f.Code = emulator.StepCode, secureCode
		return f
	}
	if !s.onlySBP(p) {
		f.Cards = pageCards(s.base.Clock.Now())
	}
	if s.sbpOffered(p) {
		f.SBPPayload = s.sbpLink(p)
		if p.test {
			f.SBPPayload = s.URL + "/cpay/mock/sbp/" + p.page
		}
		f.SBPImage = s.base.QRImage(f.SBPPayload)
	}
	return f
}

// verdict is how it ended, for the customer.
func (s *Server) verdict(p *payment) string {
	switch p.status {
	case settled, complete:
		return "Оплачено"
	case authorized, processing:
		return "Деньги заблокированы до подтверждения магазином"
	}
	if p.classic {
		return fmt.Sprintf("Ошибка %d. %s", p.code, classicTexts[p.code])
	}
	if text := results[p.result]; text != "" {
		return text
	}
	return "Платёж отменён"
}

// serveStep is a later step of a built-in payment. What it answers is not
// documented; the hash is.
func (s *Server) serveStep(w http.ResponseWriter, r *http.Request, p *payment) {
	if !same(r.PostForm.Get("authhash"), s.stepHash(s.URL+"/payment/process/"+p.page)) {
		writeJSON(w, answer{"ErrorCode": -7, "Message": classicTexts[-7]})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	writeJSON(w, answer{"ErrorCode": 0, "PaymentUrl": s.URL + "/payment/process/" + p.page, "State": p.status})
}

// serveTokenPage is where the customer binds a card or a bank account.
func (s *Server) serveTokenPage(w http.ResponseWriter, r *http.Request, name string) {
	form, err := emulator.ReadPageForm(r)
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokenPages[strings.ToLower(name)]
	if t == nil {
		emulator.Page{Provider: "PayMaster", Step: emulator.StepDone, Message: "Подписка не найдена"}.Write(w, http.StatusNotFound)
		return
	}
	f := emulator.Page{Provider: "PayMaster", Shop: "Эмулятор", Description: t.purpose, NoExpire: true}
	if r.Method == http.MethodPost && t.status == tokenCreated {
		switch form.Do {
		case "pay":
			c := look(form.PAN, form.Month, form.Year, form.CVC, s.base.Clock.Now())
			switch {
			case c.result == "InvalidAccount" || form.CVC == "" || t.method != "BankCard":
				f.Error = "Возьмите одну из тестовых карт и заполните срок и CVC"
			case c.result != "":
				s.refuseToken(t)
			case c.step != "":
				t.step = &step{kind: stepSMS, pan: c.pan}
			default:
				s.activate(t, c.pan)
			}
		case "code":
			switch {
			case t.step == nil:
			case form.Code != secureCode:
				f.Error = "Неверный код"
			default:
				s.activate(t, t.step.pan)
			}
		case "sbp":
			if t.method == "Sbp" {
				s.activate(t, "")
			}
		case "decline", "cancel":
			s.refuseToken(t)
		}
		if t.status != tokenCreated && validReturn(t.returnTo) {
			http.Redirect(w, r, t.returnTo, http.StatusSeeOther)
			return
		}
	}
	switch {
	case t.status != tokenCreated:
		f.Step, f.Message = emulator.StepDone, map[string]string{tokenActive: "Привязано", tokenRevoked: "Подписка отозвана", tokenDeclined: "Банк отказал"}[t.status]
		if validReturn(t.returnTo) {
			f.Link = t.returnTo
		}
	case t.step != nil && t.step.kind == stepSMS:
		f.Step, f.Code = emulator.StepCode, secureCode
	case t.method == "Sbp":
		f.SBPPayload = s.URL + "/cpay/mock/sbp/subscription/" + t.id
		f.SBPImage = s.base.QRImage(f.SBPPayload)
	default:
		f.Cards = pageCards(s.base.Clock.Now())
	}
	f.Write(w, http.StatusOK)
}

// returnForm carries the customer's browser to the shop by POST. It has a
// button: the page has no scripts.
var returnForm = template.Must(template.New("return").Parse(`<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>PayMaster</title></head>
<body><form method="post" action="{{.To}}">{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}
<button>Вернуться в магазин</button></form></body></html>
`))

func writeReturnForm(w http.ResponseWriter, to string, fields pairs) {
	type field struct{ Name, Value string }
	data := struct {
		To     string
		Fields []field
	}{To: to}
	for _, e := range fields {
		data.Fields = append(data.Fields, field{e.name, e.value})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = returnForm.Execute(w, data)
}

// serveACS is the page of the customer's bank: /acs/pareq, /acs/challenge, and
// /acs/method, which the hidden frame opens.
func (s *Server) serveACS(w http.ResponseWriter, r *http.Request, kind string) {
	form, err := emulator.ReadPageForm(r)
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	hidden := map[string]string{}
	for _, name := range []string{"PaReq", "PAReq", "MD", "TermUrl", "creq", "threeDSSessionData"} {
		if v := r.PostForm.Get(name); v != "" {
			hidden[name] = v
		}
	}
	var id, to string
	switch kind {
	case "method":
		w.WriteHeader(http.StatusOK)
		return
	case "pareq":
		request := hidden["PaReq"] + hidden["PAReq"]
		id, to = unpacked(request)["id"], hidden["TermUrl"]
	case "challenge":
		request := unpacked(hidden["creq"])
		id, to = request["threeDSServerTransID"], request["notificationURL"]
	}
	s.mu.Lock()
	number, description, amount, known := s.challenged(id)
	s.mu.Unlock()
	if !known || !validReturn(to) {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	if form.Do == "" {
		emulator.Page{Provider: "PayMaster ACS", Shop: "Эмулятор", Order: number, Description: description, Amount: amount, Step: emulator.StepCode, Code: secureCode,
			Hidden: hidden}.Write(w, http.StatusOK)
		return
	}
	name, value := acsAnswer(kind, id, form.Do == "code" && form.Code == secureCode)
	fields := pairs{{name, value}}
	for _, e := range []string{"MD", "threeDSSessionData"} {
		if hidden[e] != "" {
			fields = append(fields, pair{e, hidden[e]})
		}
	}
	writeReturnForm(w, to, fields)
}

// acsAnswer is the field that the ACS sends back.
func acsAnswer(kind, id string, ok bool) (name, value string) {
	verdict := "N"
	if ok {
		verdict = "Y"
	}
	if kind == "pareq" {
		return "PaRes", packed(map[string]string{"id": id, "status": verdict})
	}
	return "cres", packed(map[string]string{"threeDSServerTransID": id, "messageType": "CRes", "transStatus": verdict})
}

// challenged finds what the customer confirms at the ACS. The lock is held.
func (s *Server) challenged(id string) (number, description string, amount money.Amount, ok bool) {
	if id == "" {
		return "", "", 0, false
	}
	for _, p := range s.list {
		if p.step != nil && p.step.id == id {
			return p.number, p.description, p.amount, true
		}
	}
	for _, t := range s.tokens {
		if t.step != nil && t.step.id == id {
			return "", t.purpose, 0, true
		}
	}
	return "", "", 0, false
}

// ACSAnswer is what the customer's bank sends to the shop for a payment, or a
// token, that waits in ThreeDSMethod, ThreeDSChallenge, ThreeDSv1 or SmsOtp: the
// field of PUT …/complete and its value. ok says whether the customer typed the
// right code.
func (s *Server) ACSAnswer(id string, ok bool) (field, value string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var st *step
	if p := s.find(id); p != nil {
		st = p.step
	} else if t := s.tokens[id]; t != nil {
		st = t.step
	}
	switch stepKind(st) {
	case stepSMS:
		if !ok {
			return "code", "000000", nil
		}
		return "code", secureCode, nil
	case stepMethod:
		return "threeDSCompInd", "Y", nil
	case stepChallenge:
		_, value = acsAnswer("challenge", st.id, ok)
		return "cres", value, nil
	case stepPAReq:
		_, value = acsAnswer("pareq", st.id, ok)
		return "PARes", value, nil
	}
	return "", "", fmt.Errorf("paymastertest: %q waits for no answer of a bank", id)
}
