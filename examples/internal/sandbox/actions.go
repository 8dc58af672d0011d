package sandbox

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// What the buttons do. Every one answers with a redirect to a page.

func (s *Sandbox) makeOrder(w http.ResponseWriter, r *http.Request) {
	sum, err := readSum(r.PostFormValue("sum"))
	if err != nil || sum == 0 {
		s.back(w, r, "/", "", errors.New("сумма — рубли и копейки, больше нуля: 1500 или 1500,50"))
		return
	}
	t := TrialOrder{Amount: sum, Description: strings.TrimSpace(r.PostFormValue("description")), Hold: r.PostFormValue("hold") != "",
		SBP: r.PostFormValue("sbp") != "", Receipt: r.PostFormValue("receipt") != ""}
	if t.Description == "" {
		t.Description = "Пробный заказ"
	}
	for _, way := range allWays() {
		if way.Key() != r.PostFormValue("way") {
			continue
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		o, err := s.trial(ctx, way, t)
		if err != nil {
			s.back(w, r, from(r, "/"), "", err)
			return
		}
		s.back(w, r, o.Path(), "Заказ "+o.Name()+" создан", nil)
		return
	}
	s.back(w, r, "/", "", errors.New("нет такого провайдера"))
}

// readSum reads roubles; "" is 0.
func readSum(text string) (money.Amount, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	sum, err := money.Parse(text)
	if err != nil || sum < 0 {
		return 0, errors.New("сумма не читается: " + text)
	}
	return sum, nil
}

func (s *Sandbox) doOrder(w http.ResponseWriter, r *http.Request) {
	p := Provider(r.PathValue("provider"))
	o, ok := s.order(p, r.PathValue("id"))
	if !ok {
		s.missing(w, r, "Такого заказа у провайдера нет")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	sum, err := readSum(r.PostFormValue("sum"))
	words := ""
	do := r.PathValue("do")
	switch {
	case err != nil:
	case do == "pay":
		words, err = "Покупатель заплатил картой", s.Bank(p).Pay(o.ID)
		if o.TwoStage {
			words = "Покупатель заплатил: деньги заблокированы до подтверждения"
		}
	case do == "sbp":
		words, err = "Покупатель заплатил через СБП", s.paySBP(o)
	case do == "decline":
		words, err = "Банк отклонил оплату", s.Bank(p).Decline(o.ID)
	case do == "expire":
		words, err = "Время оплаты истекло", s.Bank(p).Expire(o.ID)
	case do == "capture":
		words, err = "Холд подтверждён", s.capture(ctx, o, sum, false)
	case do == "void":
		words, err = "Холд отменён", s.capture(ctx, o, 0, true)
	case do == "refund":
		words = "Возврат принят"
		var printed bool
		if printed, err = s.refund(ctx, o, sum); !printed && len(s.receiptsOf(o)) > 0 {
			words += "; чек возврата с ним не напечатан"
		}
	case do == "settle" && p == Tochka:
		words, err = "Возвраты исполнены", s.Tochka.Settle("")
	case do == "resend":
		words, err = "Последнее уведомление отправлено ещё раз", s.Bank(p).Resend(s.about(o))
	case do == "forge":
		words, err = "Отправлено поддельное уведомление", s.Bank(p).Forge(s.about(o))
	default:
		err = errors.New("такого действия нет")
	}
	s.back(w, r, o.Path(), words, err)
}

// about is what the provider calls the order in its callbacks.
func (s *Sandbox) about(o Order) string {
	if all := s.callbacksOf(o); len(all) > 0 {
		return all[len(all)-1].ID
	}
	return o.ID
}

// sbpPayer is an emulator whose customers can pay through SBP.
type sbpPayer interface{ PaySBP(id string) error }

func (s *Sandbox) paySBP(o Order) error {
	switch b := s.Bank(o.Provider).(type) {
	case sbpPayer:
		return b.PaySBP(o.ID)
	default:
		if o.Provider == Tochka {
			if o.Code() {
				return s.Tochka.Pay(o.ID)
			}
			return s.Tochka.PayBy(o.ID, "sbp")
		}
	}
	return errors.New("СБП здесь нет")
}

func (s *Sandbox) makeReceipt(w http.ResponseWriter, r *http.Request) {
	p := Provider(r.PostFormValue("provider"))
	price, err := readSum(r.PostFormValue("price"))
	if err != nil || price == 0 {
		s.back(w, r, "/receipts", "", errors.New("цена — рубли и копейки, больше нуля"))
		return
	}
	quantity, err := fiscal.ParseQuantity(strings.ReplaceAll(strings.TrimSpace(r.PostFormValue("quantity")), ",", "."))
	if err != nil {
		s.back(w, r, "/receipts", "", errors.New("количество: число, не более трёх знаков после запятой"))
		return
	}
	name := strings.TrimSpace(r.PostFormValue("name"))
	if name == "" {
		name = "Занятие английским языком"
	}
	id := s.trialNumber("R")
	if r.PostFormValue("fail") != "" {
		id += "-fail"
	}
	vat := fiscal.VAT(r.PostFormValue("vat"))
	if !vat.Valid() {
		vat = fiscal.VATNone
	}
	receipt := trialReceipt(id, name, price, vat, strings.TrimSpace(r.PostFormValue("email")))
	receipt.Lines[0].Quantity = quantity
	if r.PostFormValue("refund") != "" {
		receipt.Type = fiscal.SaleReturn
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	s.back(w, r, "/receipts", "Чек отдан в кассу", s.submit(ctx, p, receipt))
}

func (s *Sandbox) printReceipt(w http.ResponseWriter, r *http.Request) {
	p, id := Provider(r.PathValue("provider")), r.PathValue("id")
	e, ok := s.receipt(p, id)
	if !ok {
		s.missing(w, r, "Такого чека нет")
		return
	}
	var err error
	switch p {
	case Komtet:
		err = s.Komtet.Print(id)
	case OrangeData:
		err = s.OrangeData.Print(id)
	case PayKeeper:
		err = s.PayKeeper.Print(id, false)
	default:
		s.Advance(2 * receiptStep)
	}
	s.back(w, r, e.Path(), "Касса взялась за чек", err)
}

func (s *Sandbox) doCallback(w http.ResponseWriter, r *http.Request) {
	p, id := Provider(r.PathValue("provider")), r.PathValue("id")
	c, ok := s.callback(p, id)
	if !ok {
		s.missing(w, r, "Такого уведомления нет")
		return
	}
	to, words, err := from(r, c.Path()), "", error(nil)
	switch r.PathValue("do") {
	case "resend":
		words, err = "Уведомление отправлено ещё раз", s.Emulator(p).Resend(id)
	case "forge":
		words, err = "Отправлено поддельное уведомление: изменённое, со старой подписью", s.Emulator(p).Forge(id)
	default:
		err = errors.New("такого действия нет")
	}
	s.back(w, r, to, words, err)
}

func (s *Sandbox) doFault(w http.ResponseWriter, r *http.Request) {
	p := Provider(r.PathValue("provider"))
	e := s.Emulator(p)
	if e == nil {
		s.missing(w, r, "Такого провайдера нет")
		return
	}
	if err := r.ParseForm(); err != nil {
		s.back(w, r, "/faults", "", err)
		return
	}
	words, err := "", error(nil)
	switch r.PathValue("do") {
	case "add":
		f, bad := readFault(r.PostForm)
		if err = bad; err == nil {
			e.Fail(f)
			words = p.Name() + ": сбой включён"
		}
	case "clear":
		e.ClearFaults()
		words = p.Name() + ": сбои выключены"
	case "callbacks":
		m, bad := readMischief(r.PostForm)
		if err = bad; err == nil {
			e.Mischief(m)
			words = p.Name() + ": путь уведомлений изменён"
		}
	default:
		err = errors.New("такого действия нет")
	}
	s.back(w, r, "/faults", words, err)
}

func (s *Sandbox) setCallback(w http.ResponseWriter, r *http.Request) {
	p := Provider(r.PathValue("provider"))
	if s.Emulator(p) == nil {
		s.missing(w, r, "Такого провайдера нет")
		return
	}
	s.back(w, r, "/connect/"+string(p), "Адрес уведомлений записан", s.SetCallbackURL(p, strings.TrimSpace(r.PostFormValue("url"))))
}

func (s *Sandbox) setRedirect(w http.ResponseWriter, r *http.Request) {
	address := strings.TrimSpace(r.PostFormValue("url"))
	err := webAddress(address)
	if err == nil {
		s.Tochka.SetRedirectURL(address)
	}
	s.back(w, r, "/connect/"+string(Tochka), "Адрес возврата записан", err)
}

func (s *Sandbox) setStages(w http.ResponseWriter, r *http.Request) {
	on := r.PostFormValue("on") != ""
	s.SetPayKeeperTwoStage(on)
	words := "Двухстадийные платежи выключены"
	if on {
		words = "Двухстадийные платежи включены"
	}
	s.back(w, r, "/connect/"+string(PayKeeper), words, nil)
}

// steps are how far the clock may be moved at once.
var steps = map[string]time.Duration{"1m": time.Minute, "10m": 10 * time.Minute, "1h": time.Hour, "1d": 24 * time.Hour, "3d": 72 * time.Hour, "8d": 8 * 24 * time.Hour}

func (s *Sandbox) moveClock(w http.ResponseWriter, r *http.Request) {
	d, ok := steps[r.PostFormValue("by")]
	if !ok {
		s.back(w, r, from(r, "/"), "", errors.New("на сколько двинуть часы?"))
		return
	}
	s.Advance(d)
	s.back(w, r, from(r, "/"), "Часы провайдеров переведены", nil)
}

func (s *Sandbox) file(w http.ResponseWriter, r *http.Request) {
	content := s.orangeDataFile(r.PathValue("name"))
	if content == nil {
		s.missing(w, r, "Такого файла нет")
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(content)
}
