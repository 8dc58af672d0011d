package gateway

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// Challenge is a payment that waits for the customer at his bank.
type Challenge struct {
	Card     Card
	ID       string // threeDSServerTransId
	TermURL  string // where the ACS sends the customer's browser
	Save     bool
	Finished bool // the ACS said its word
	Success  bool
}

// Request is cReq or paReq: what the customer's browser carries to the ACS.
func (ch *Challenge) Request() string {
	return Packed(Object{"threeDSServerTransID": ch.ID, "messageType": "CReq", "messageVersion": "2.1.0"})
}

// Response is cRes or paRes.
func (ch *Challenge) Response() string {
	status := "N"
	if ch.Success {
		status = "Y"
	}
	return Packed(Object{"threeDSServerTransID": ch.ID, "messageType": "CRes", "transStatus": status})
}

// StartChallenge sends the customer to his bank.
func (d *Desk) StartChallenge(o *Order, c Card, termURL string, save bool) *Challenge {
	o.Challenge = &Challenge{Card: c, ID: d.IDs.UUID(), TermURL: termURL, Save: save}
	d.SetStatus(o, AtACS)
	return o.Challenge
}

// EndChallenge makes the attempt that the code decides.
func (d *Desk) EndChallenge(o *Order, ok bool) {
	ch := o.Challenge
	action := -2006
	if ok {
		action = o.Issuer(&ch.Card)
	}
	c := ch.Card
	d.Authorize(o, &c, "CARD", action, ch.Save)
}

// Checkout is the payment page (платёжная страница) of an order.
type Checkout struct {
	Desk           *Desk
	Order          *Order
	Provider, Shop string
	Return         func(paid bool) string // where the customer goes then
	Refused        func() *Text           // what else stands in the way of a payment; nil: nothing
	QR             func() string          // the SBP link; nil: no SBP
	QRImage        func(payload string) []byte
	SBP            func()     // the customer pays by the link
	NoCards        bool       // without the form for a card
	Saved          []*Binding // that the customer may choose
}

// NoOrder is the page of an id that nobody knows.
func NoOrder(w http.ResponseWriter, provider string) {
	page := emulator.Page{Provider: provider, Step: emulator.StepDone, Message: textNoOrder.RU}
	page.Write(w, http.StatusNotFound)
}

// Serve shows the page and does what the customer presses. It is called under
// the lock, with the form read before.
func (c *Checkout) Serve(w http.ResponseWriter, r *http.Request, form emulator.PageForm) {
	o := c.Order
	c.Desk.Touch(o)
	wrong := ""
	if r.Method == http.MethodPost && o.Open() {
		if o.IP == "" {
			o.IP, _, _ = strings.Cut(r.RemoteAddr, ":")
		}
		wrong = c.click(form)
		if !o.Open() {
			http.Redirect(w, r, c.Return(o.Status != Declined), http.StatusSeeOther)
			return
		}
	}
	page := c.page()
	page.Error = wrong
	page.Write(w, http.StatusOK)
}

// click does what the customer pressed; the text is what he reads above the
// form when it did not help.
func (c *Checkout) click(form emulator.PageForm) string {
	o, d := c.Order, c.Desk
	if c.Refused != nil {
		if why := c.Refused(); why != nil {
			return why.In(o.Lang)
		}
	}
	if why := d.Payable(o); why != nil {
		return why.In(o.Lang)
	}
	now := d.Clock.Now()
	switch form.Do {
	case "pay":
		if c.NoCards {
			return ""
		}
		if len(form.Month) != 2 || len(form.Year) != 4 || !Digits(form.PAN) || !Digits(form.CVC) {
			return textFillCard.In(o.Lang)
		}
		card := o.Deck.Look(form.PAN, form.Year, form.Month, form.CVC, form.Holder, now)
		if o.NeedsCode(&card) {
			d.StartChallenge(o, card, "", form.Save)
			return ""
		}
		d.Authorize(o, &card, "CARD", o.Issuer(&card), form.Save)
	case "saved":
		var b *Binding
		for _, s := range c.Saved {
			if s.ID == form.SavedCardID {
				b = s
			}
		}
		if b == nil {
			return textNoBinding.In(o.Lang)
		}
		card := b.Now(now)
		o.Saved = b
		d.Authorize(o, &card, b.Way, o.Issuer(&card), false)
	case "code", "cancel":
		if o.Challenge == nil {
			return ""
		}
		d.EndChallenge(o, form.Do == "code" && form.Code == o.Deck.Code)
	case "sbp":
		if c.QR != nil {
			c.SBP()
		}
	case "decline":
		d.DeclineAll(o)
	case "expire":
		d.Expire(o)
	}
	if o.Status == Registered && o.Action != 0 && o.Action != -100 {
		return ActionText(o.Action, o.Lang)
	}
	return ""
}

func (c *Checkout) page() emulator.Page {
	o := c.Order
	p := emulator.Page{Provider: c.Provider, Shop: c.Shop, Order: o.Number, Description: o.Description, Amount: o.Amount, Lang: o.Lang}
	switch {
	case o.Status == AtACS:
		p.Step, p.Code = emulator.StepCode, o.Deck.Code
		return p
	case !o.Open():
		p.Step, p.Message, p.Link = emulator.StepDone, o.Verdict(), c.Return(o.Status != Declined)
		return p
	}
	if !c.NoCards {
		p.Cards, p.SaveCard = o.Deck.pageCards(c.Desk.Clock.Now(), o.Lang), o.ClientID != ""
	}
	for _, b := range c.Saved {
		p.Saved = append(p.Saved, emulator.SavedCard{ID: b.ID, Masked: o.Deck.Mask(b.Card.PAN)})
	}
	if c.QR != nil {
		p.SBPPayload = c.QR()
		p.SBPImage = c.QRImage(p.SBPPayload)
	}
	return p
}

// onwards sends the customer's browser back to the merchant with the bank's
// word. It is a form with a button: the page has no scripts.
var onwards = template.Must(template.New("acs").Parse(`<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>3-D Secure</title></head>
<body><form method="post" action="{{.To}}">{{range $k, $v := .Fields}}<input type="hidden" name="{{$k}}" value="{{$v}}">{{end}}
<button>Вернуться в магазин</button></form></body></html>`))

func sendOnwards(w http.ResponseWriter, to string, fields map[string]string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = onwards.Execute(w, map[string]any{"To": to, "Fields": fields})
}

// ACS is the page of the customer's bank.
type ACS struct {
	// Find is the checkout of the order that waits at the ACS under that
	// threeDSServerTransId, with the lock taken; nil: there is none.
	Find   func(id string) *Checkout
	Unlock func()
}

// Serve answers /acs/creq, /acs/pareq, and /acs/method, which the hidden frame
// posts to: name is the last part.
func (a ACS) Serve(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodPost {
		EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	form, err := emulator.ReadPageForm(r)
	if err != nil {
		EmptyHTML(w, http.StatusBadRequest)
		return
	}
	field, answer := "creq", "cres"
	switch name {
	case "creq":
	case "pareq":
		field, answer = "PaReq", "PaRes"
	case "method":
		acsMethod(w, r)
		return
	default:
		EmptyHTML(w, http.StatusNotFound)
		return
	}
	request := r.PostForm.Get(field)
	c := a.Find(ScalarText(Unpacked(request)["threeDSServerTransID"]))
	if c == nil {
		EmptyHTML(w, http.StatusBadRequest)
		return
	}
	defer a.Unlock()
	hidden := map[string]string{field: request}
	for _, k := range []string{"MD", "TermUrl", "threeDSSessionData"} {
		if v := r.PostForm.Get(k); v != "" {
			hidden[k] = v
		}
	}
	if form.Do == "" {
		p := c.page()
		p.Hidden = hidden
		p.Write(w, http.StatusOK)
		return
	}
	ch := c.Order.Challenge
	ch.Finished, ch.Success = true, form.Do == "code" && form.Code == c.Order.Deck.Code
	to := ch.TermURL
	if hidden["TermUrl"] != "" {
		to = hidden["TermUrl"]
	}
	fields := map[string]string{answer: ch.Response()}
	for _, k := range []string{"MD", "threeDSSessionData"} {
		if hidden[k] != "" {
			fields[k] = hidden[k]
		}
	}
	sendOnwards(w, to, fields)
}

// acsMethod is the fingerprint step: the frame goes on to the notification
// address.
func acsMethod(w http.ResponseWriter, r *http.Request) {
	data := Unpacked(r.PostForm.Get("threeDSMethodData"))
	to := ScalarText(data["threeDSMethodNotificationURL"])
	if to == "" {
		EmptyHTML(w, http.StatusBadRequest)
		return
	}
	sendOnwards(w, to, map[string]string{"threeDSMethodData": Packed(Object{"threeDSServerTransID": data["threeDSServerTransID"]})})
}
