package paymastertest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// methodNames are the payment methods as answers spell them.
var methodNames = strings.Fields("BankCard Sbp SberPay TPay AlfaPay YandexPay WbPay Dolyame DavayDelit WebMoney")

// tokenization is what a payment asks to be saved.
type tokenization struct{ kind, purpose, callback string }

// ask reads what POST /invoices and POST /payments have in common.
func (s *Server) ask(k *check, o object) (*payment, *refusal) {
	if no := s.merchant(k, o); no != nil {
		return nil, no
	}
	p := &payment{test: k.flag(o, "TestMode"), dual: k.flag(o, "DualMode")}
	p.amount, p.currency = k.amount(o, "Amount", true, s.opt.account.Currencies)
	if in := k.object(o, "Invoice", true); in != nil {
		p.description, p.number = k.text(in, "Invoice.Description", true), k.text(in, "Invoice.OrderNo", false)
		if v := k.text(in, "Invoice.Expires", false); v != "" {
			t, ok := date(v)
			if !ok || !t.After(s.base.Clock.Now()) {
				k.wrong("Invoice.Expires")
			}
			p.expires = t
		}
		switch v := in["params"].(type) {
		case nil:
		case map[string]any:
			p.params = v
		default:
			k.wrong("Invoice.Params")
		}
	}
	if t := k.object(o, "Tokenization", false); t != nil {
		p.tokenization = &tokenization{kind: k.word(t, "Tokenization.Type", true, []string{"cof", "recurring"}),
			purpose: k.text(t, "Tokenization.Purpose", false), callback: k.link(t, "Tokenization.CallbackUrl", false)}
	}
	p.customer = k.customer(o, p.tokenization != nil)
	p.callback = s.base.CallbackURL()
	if pr := k.object(o, "Protocol", false); pr != nil {
		p.returnTo, p.acsReturn = k.link(pr, "Protocol.ReturnUrl", false), k.link(pr, "Protocol.ThreeDSCompleteUrl", false)
		if u := k.link(pr, "Protocol.CallbackUrl", false); u != "" {
			p.callback = u
		}
	}
	p.receipt = s.receipt(k, o, "Receipt", p.amount)
	return p, nil
}

// opened enters the payment with its receipt.
func (s *Server) opened(p *payment) {
	s.open(p)
	if p.receipt != nil {
		p.receipt.PaymentID = p.id
	}
}

func (s *Server) createInvoice(c call) (any, *refusal) {
	k := &check{}
	p, no := s.ask(k, c.body)
	if no != nil {
		return nil, no
	}
	p.only = k.word(c.body, "PaymentMethod", false, methodNames)
	if no := k.refusal(); no != nil {
		return nil, no
	}
	s.opened(p)
	return struct {
		PaymentID any    `json:"paymentId"`
		URL       string `json:"url"`
	}{s.number(p.id), s.URL + "/cpay/" + p.page}, nil
}

// means is a paymentData of a request.
type means struct {
	method, sticker string
	card            *card
	token           string
}

func (s *Server) means(k *check, o object) means {
	d := k.object(o, "PaymentData", !s.opt.unknown.PaymentWithoutData)
	if d == nil {
		return means{}
	}
	m := means{sticker: k.text(d, "PaymentData.StickerId", false)}
	if t := k.object(d, "PaymentData.Token", false); t != nil {
		m.token = k.text(t, "PaymentData.Token.Id", true)
	}
	m.method = k.word(d, "PaymentData.PaymentMethod", m.token == "" && m.sticker == "", methodNames)
	for _, name := range []string{"AuthorizationCode", "Account", "Phone"} {
		k.text(d, "PaymentData."+name, false)
	}
	in := k.object(d, "PaymentData.Card", false)
	if in == nil {
		if m.method == "BankCard" && m.token == "" {
			k.fail("Specify required PaymentData.Card value.")
		}
		return m
	}
	pan, expiry, cvc := k.text(in, "PaymentData.Card.Pan", true), k.text(in, "PaymentData.Card.Expiry", true), k.text(in, "PaymentData.Card.Cvc", false)
	month, year, ok := strings.Cut(expiry, "/")
	if expiry != "" && (!ok || len(month) != 2 || len(year) != 2) {
		k.wrong("PaymentData.Card.Expiry")
	}
	found := look(pan, month, "20"+year, cvc, s.base.Clock.Now())
	if w := k.object(in, "PaymentData.Card.Dsrp", false); w != nil {
		k.word(w, "PaymentData.Card.Dsrp.Type", true, []string{"ApplePay", "GooglePay"})
		k.text(w, "PaymentData.Card.Dsrp.Cryptogram", true)
		k.text(w, "PaymentData.Card.Dsrp.Eci", false)
		found.step = ""
	}
	m.card = &found
	return m
}

// deviceFields are all required where there is a device.
var deviceFields = strings.Fields("Language AcceptHeader UserAgent ColorDepth ScreenHeight ScreenWidth UtcOffsetMinutes")

func (s *Server) createPayment(c call) (any, *refusal) {
	k := &check{}
	p, no := s.ask(k, c.body)
	if no != nil {
		return nil, no
	}
	m := s.means(k, c.body)
	if d := k.object(c.body, "Device", false); d != nil {
		for _, name := range deviceFields {
			k.text(d, "Device."+name, true)
		}
	}
	if no := k.refusal(); no != nil {
		return nil, no
	}
	var t *token
	if m.token != "" {
		if t, no = s.charged(m.token); no != nil {
			return nil, no
		}
	}
	var st *sticker
	if m.sticker != "" {
		if st = s.sticker(m.sticker); st == nil || !st.active || !st.cashlink {
			return nil, wrongState("The sticker is not an active cashlink.")
		}
	}
	s.opened(p)
	switch {
	case t != nil && t.failure != "":
		p.method, p.instrument = t.method, t.title
		s.refuse(p, t.failure)
	case t != nil:
		s.obtain(p, t.method, t.pan)
	case st != nil:
		p.method = "Sbp"
		s.confirmation(p, &step{kind: stepExternal, url: st.payload})
	case m.card != nil:
		p.method, p.instrument = "BankCard", masked(m.card.pan)
		s.byCard(p, m.card)
	case m.method == "":
		s.confirmation(p, &step{kind: stepExternal, url: s.URL + "/cpay/" + p.page})
	default:
		p.method, p.only = m.method, m.method
		s.confirmation(p, &step{kind: stepExternal, url: s.externalURL(p)})
	}
	return s.detail(p), nil
}

// byCard is a card given directly: it pays, is declined, or asks for more.
func (s *Server) byCard(p *payment, c *card) {
	switch {
	case c.result != "":
		s.refuse(p, c.result)
	case c.step != "":
		s.confirmation(p, s.firstStep(c))
	default:
		s.obtain(p, "BankCard", c.pan)
	}
}

// firstStep is what the bank asks of a card.
func (s *Server) firstStep(c *card) *step {
	st := &step{kind: c.step, id: s.base.IDs.UUID(), pan: c.pan}
	switch c.step {
	case stepMethod:
		st.url, st.next = s.URL+"/acs/method", stepChallenge
	case stepPAReq:
		st.url = s.URL + "/acs/pareq"
	}
	return st
}

func (s *Server) confirmation(p *payment, st *step) {
	p.step = st
	s.change(p, confirmation)
}

// externalURL is where the customer pays outside: a mock page for a test
// payment, the real scheme's link otherwise.
func (s *Server) externalURL(p *payment) string {
	if p.method != "Sbp" {
		return s.URL + "/cpay/" + p.page
	}
	if p.test {
		return s.URL + "/cpay/mock/sbp/" + p.page
	}
	return s.sbpLink(p)
}

// sbpLink is the payload of an SBP code for the payment.
func (s *Server) sbpLink(p *payment) string {
	return "https://qr.nspk.ru/AD" + strings.ToUpper(p.page[:30]) + "?type=02&bank=100000000007&sum=" + p.amount.Minor() + "&cur=" + p.currency + "&crc=" + strings.ToUpper(p.page[28:])
}

// answer finds out which of the groups of A5.3 a request has.
func answerOf(k *check, o object) (group, value string) {
	for _, name := range []string{"Code", "ThreeDSCompInd", "Cres", "PARes"} {
		if v := k.text(o, name, false); v != "" {
			if group != "" {
				k.fail("Specify exactly one of Code, ThreeDSCompInd, Cres, PARes.")
				return "", ""
			}
			group, value = name, v
		}
	}
	if group == "" {
		k.fail("Specify one of Code, ThreeDSCompInd, Cres, PARes.")
	}
	return group, value
}

// answered moves a confirmation on: ok says whether the bank is content, more
// is the next step.
func (s *Server) answered(st *step, group, value string) (more *step, ok bool, no *refusal) {
	wants := map[string]string{stepSMS: "Code", stepMethod: "ThreeDSCompInd", stepChallenge: "Cres", stepPAReq: "PARes"}[stepKind(st)]
	if wants == "" || wants != group {
		return nil, false, wrongState("The payment does not wait for " + group + ".")
	}
	switch group {
	case "Code":
		return nil, value == secureCode, nil
	case "ThreeDSCompInd":
		if value != "Y" && value != "N" && value != "U" {
			return nil, false, invalid("Invalid ThreeDSCompInd value.")
		}
		return &step{kind: st.next, id: st.id, url: s.URL + "/acs/challenge", pan: st.pan}, true, nil
	case "Cres":
		r := unpacked(value)
		return nil, r["transStatus"] == "Y" && r["threeDSServerTransID"] == st.id, nil
	}
	r := unpacked(value)
	return nil, r["status"] == "Y" && r["id"] == st.id, nil
}

func stepKind(st *step) string {
	if st == nil {
		return ""
	}
	return st.kind
}

// packed and unpacked are the messages of the ACS.
func packed(v map[string]string) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

func unpacked(text string) map[string]string {
	var v map[string]string
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || json.Unmarshal(b, &v) != nil {
		return nil
	}
	return v
}

func (s *Server) completePayment(c call) (any, *refusal) {
	p := s.payments[c.id]
	if p == nil || p.classic {
		return nil, s.notFound("Payment")
	}
	k := &check{}
	group, value := answerOf(k, c.body)
	if no := k.refusal(); no != nil {
		return nil, no
	}
	if p.status != confirmation {
		return nil, wrongState("The payment is " + p.status + ".")
	}
	more, ok, no := s.answered(p.step, group, value)
	switch {
	case no != nil:
		return nil, no
	case more != nil:
		p.step = more
	case ok:
		s.obtain(p, "BankCard", p.step.pan)
	default:
		s.refuse(p, "ThreeDSecureFailed")
	}
	return s.detail(p), nil
}

func (s *Server) confirmPayment(c call) (any, *refusal) {
	p := s.payments[c.id]
	if p == nil || p.classic {
		return nil, s.notFound("Payment")
	}
	u := s.opt.unknown
	k := &check{}
	amount, currency := k.amount(c.body, "Amount", !u.ConfirmWithoutAmount, []string{p.currency})
	if currency == "" && u.ConfirmWithoutAmount {
		amount = p.held
	}
	receipt := s.receipt(k, c.body, "Receipt", amount)
	if receipt == nil && p.receipt != nil && u.ConfirmNeedsReceipt {
		k.fail("Specify required Receipt value.")
	}
	if no := k.refusal(); no != nil {
		return nil, no
	}
	switch {
	case p.status != authorized:
		return nil, wrongState("The payment is " + p.status + ", not Authorized.")
	case amount > p.held:
		return nil, wrongState("The amount is more than was authorized.")
	}
	if receipt != nil {
		receipt.PaymentID = p.id
		p.receipt = receipt
	}
	if !u.ConfirmKeepsAmount {
		p.amount = amount
	}
	s.take(p, amount)
	return nil, nil
}

func (s *Server) cancelPayment(c call) (any, *refusal) {
	p := s.payments[c.id]
	if p == nil || p.classic {
		return nil, s.notFound("Payment")
	}
	switch {
	case p.status == authorized:
		s.release(p, "")
	case p.unpaid() && !s.opt.unknown.KeepUnpaid:
		p.result = "CancelledByUser"
		s.change(p, cancelled)
	default:
		return nil, wrongState("The payment is " + p.status + ".")
	}
	return nil, nil
}

func (s *Server) readPayment(c call) (any, *refusal) {
	p := s.payments[c.id]
	if p == nil || p.classic {
		return nil, s.notFound("Payment")
	}
	return s.detail(p), nil
}

func (s *Server) listPayments(c call) (any, *refusal) {
	from, to, no := s.period(c.query, true)
	if no != nil {
		return nil, no
	}
	var found []*payment
	for _, p := range s.list {
		if !p.classic && s.within(p.created, from, to) {
			found = append(found, p)
		}
	}
	return page(s, c.query, found, func(p *payment) string { return p.id }, func(p *payment) any { return s.item(p) })
}
