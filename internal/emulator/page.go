package emulator

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/money"
)

// TestCard is a card that the emulator knows.
type TestCard struct {
	PAN       string
	Month     string // 01..12
	Year      string // four digits
	CVC       string
	Behaviour string // what comes of it, for the customer to read
}

// Grouped is the number in fours.
func (c TestCard) Grouped() string {
	var b strings.Builder
	for i, r := range c.PAN {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// PageStep is which of the payment page's faces is shown.
type PageStep uint8

// The faces of the payment page.
const (
	StepPay  PageStep = iota // card form and SBP
	StepCode                 // 3-DS: the code from the bank
	StepDone                 // the end: Message says which
)

// Page is the payment page (платёжная страница): plain HTML in Russian, or in
// English when Lang is "en", no scripts, fit for a phone. Its forms are posted
// to Action; ReadPageForm reads them.
type Page struct {
	Provider    string // whose page it is: "Сбербанк"
	Shop        string
	Order       string // the shop's number
	Description string
	Amount      money.Amount
	Lang        string // "en"; anything else: Russian
	Action      string // where the forms are posted; "": the page's own address
	Hidden      map[string]string

	Step    PageStep
	Error   string // of the last attempt, above the form
	Message string // of StepDone
	Link    string // of StepDone: back to the shop; "": none
	Code    string // of StepCode: the code to be typed, shown as a hint

	Cards      []TestCard // none: no card form
	SaveCard   bool       // offer to remember the card
	Saved      []SavedCard
	SBPPayload string // link of the SBP code; "": no SBP tab
	SBPImage   []byte // PNG; nil: only the link is shown
	NoDecline  bool   // without the button that declines
	NoExpire   bool   // without the button that lets the time run out
}

// SavedCard is a card saved earlier (связка).
type SavedCard struct{ ID, Masked string }

// PageForm is what the customer posted.
type PageForm struct {
	Do                        string // "pay", "code", "sbp", "saved", "decline", "expire", "cancel"
	PAN, Month, Year, CVC     string
	Holder, Code, SavedCardID string
	Save                      bool
}

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// texts are the words of the page.
type texts struct {
	Order, Test, Cards, Number, Valid, CVC, Holder, Save, Pay, SBPTitle, SBPHint, SBPPay, CodeTitle, CodeHint, Confirm,
	Cancel, Decline, Expire, Back, Saved, Use string
}

var pageTexts = map[bool]texts{
	false: {Order: "Заказ", Test: "Эмулятор: деньги не списываются", Cards: "Тестовые карты", Number: "Номер карты", Valid: "ММ / ГГГГ", CVC: "CVC",
		Holder: "Владелец", Save: "Запомнить карту", Pay: "Оплатить", SBPTitle: "Система быстрых платежей", SBPHint: "Отсканируйте код приложением банка или откройте ссылку на телефоне",
		SBPPay: "Оплатить как в приложении банка", CodeTitle: "Подтверждение в банке (3-D Secure)", CodeHint: "Код из сообщения банка", Confirm: "Подтвердить",
		Cancel: "Отменить", Decline: "Отклонить оплату", Expire: "Дать времени истечь", Back: "Вернуться в магазин", Saved: "Сохранённые карты", Use: "Оплатить этой картой"},
	true: {Order: "Order", Test: "Emulator: no money is taken", Cards: "Test cards", Number: "Card number", Valid: "MM / YYYY", CVC: "CVC",
		Holder: "Cardholder", Save: "Remember the card", Pay: "Pay", SBPTitle: "Faster Payments System (SBP)", SBPHint: "Scan the code with your bank's app or open the link on your phone",
		SBPPay: "Pay as in the bank's app", CodeTitle: "Confirmation at the bank (3-D Secure)", CodeHint: "The code from the bank's message", Confirm: "Confirm",
		Cancel: "Cancel", Decline: "Decline the payment", Expire: "Let the time run out", Back: "Back to the shop", Saved: "Saved cards", Use: "Pay with this card"},
}

// Write sends the page.
func (p Page) Write(w http.ResponseWriter, status int) {
	var b bytes.Buffer
	lang := "ru"
	if p.Lang == "en" {
		lang = "en"
	}
	err := pageTemplate.Execute(&b, struct {
		Page
		T     texts
		HTML  string
		Sum   string
		Image template.URL
		SBP   template.URL
	}{p, pageTexts[lang == "en"], lang, p.sum(), p.image(), p.payload()})
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// sum is "1 499,90 ₽" with no-break spaces.
func (p Page) sum() string {
	whole, frac, _ := strings.Cut(p.Amount.String(), ".")
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteRune('\u00a0')
		}
		b.WriteRune(r)
	}
	return b.String() + "," + frac + "\u00a0₽"
}

func (p Page) image() template.URL {
	if p.SBPImage == nil {
		return ""
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.SBPImage))
}

// payload is the link as it is when it is a web link; anything else would be
// the shop's to inject.
func (p Page) payload() template.URL {
	if strings.HasPrefix(p.SBPPayload, "https://") || strings.HasPrefix(p.SBPPayload, "http://") {
		return template.URL(p.SBPPayload)
	}
	return ""
}

// ReadPageForm reads what the page posted. A card number may have spaces.
func ReadPageForm(r *http.Request) (PageForm, error) {
	if err := r.ParseForm(); err != nil {
		return PageForm{}, err
	}
	f := r.PostForm
	out := PageForm{Do: f.Get("do"), PAN: strings.ReplaceAll(f.Get("pan"), " ", ""), CVC: f.Get("cvc"),
		Holder: f.Get("holder"), Code: f.Get("code"), SavedCardID: f.Get("saved"), Save: f.Get("save") != ""}
	month, year, _ := strings.Cut(strings.ReplaceAll(f.Get("valid"), " ", ""), "/")
	if len(year) == 2 {
		year = "20" + year
	}
	out.Month, out.Year = month, year
	return out, nil
}
