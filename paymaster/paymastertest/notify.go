package paymastertest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// digest is base64 of the raw digest of the text.
func digest(algo HashAlgo, text string) string {
	switch algo {
	case MD5:
		d := md5.Sum([]byte(text))
		return base64.StdEncoding.EncodeToString(d[:])
	case SHA1:
		d := sha1.Sum([]byte(text))
		return base64.StdEncoding.EncodeToString(d[:])
	}
	d := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(d[:])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func jsonNumber(text string) json.Number { return json.Number(text) }

// signedFields are the values of LMI_HASH, in its order; the secret follows.
var signedFields = strings.Fields(`LMI_MERCHANT_ID LMI_PAYMENT_NO LMI_SYS_PAYMENT_ID LMI_SYS_PAYMENT_DATE LMI_PAYMENT_AMOUNT
 LMI_CURRENCY LMI_PAID_AMOUNT LMI_PAID_CURRENCY LMI_PAYMENT_SYSTEM LMI_SIM_MODE`)

// signedText is what LMI_HASH covers, up to the secret.
func signedText(fields pairs) string {
	var b strings.Builder
	for _, name := range signedFields {
		b.WriteString(fields.get(name))
		b.WriteByte(';')
	}
	return b.String()
}

// spell writes the form as PayMaster does: lower-case hexadecimal, a plus for
// a space.
func spell(fields pairs) []byte {
	var b bytes.Buffer
	for i, e := range fields {
		if i > 0 {
			b.WriteByte('&')
		}
		escape(&b, e.name)
		b.WriteByte('=')
		escape(&b, e.value)
	}
	return b.Bytes()
}

func escape(b *bytes.Buffer, text string) {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.!*()", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			fmt.Fprintf(b, "%%%02x", c)
		}
	}
}

// common are the fields that all classic messages of a payment have.
func (s *Server) currencyOf(p *payment) string {
	if s.opt.unknown.NumericCurrency {
		return p.form.currency
	}
	return p.currency
}

// systemOf is the numeric system and the alias of the method.
func (s *Server) systemOf(p *payment) (system, method string) {
	if p.test {
		return s.opt.unknown.TestSystem, "Test"
	}
	return "93", "BankCard"
}

func (s *Server) simulation(p *payment) string {
	if !p.test {
		return ""
	}
	v := p.form.simulation
	orElse(&v, "0")
	return v
}

// sysDate is LMI_SYS_PAYMENT_DATE.
func (s *Server) sysDate(p *payment) string {
	t := p.created
	if s.opt.unknown.MoscowTime {
		t = t.In(time.FixedZone("MSK", 3*60*60))
	}
	return t.Format("2006-01-02T15:04:05")
}

// question is the Invoice Confirmation.
func (s *Server) question(p *payment) emulator.Message {
	system, method := s.systemOf(p)
	currency := s.currencyOf(p)
	f := pairs{{"LMI_PREREQUEST", "1"}, {"LMI_MERCHANT_ID", s.opt.account.MerchantID}, {"LMI_PAYMENT_NO", p.number},
		{"LMI_PAYMENT_AMOUNT", p.amount.String()}, {"LMI_CURRENCY", currency}, {"LMI_PAID_AMOUNT", p.amount.String()}, {"LMI_PAID_CURRENCY", currency}}
	if !s.opt.unknown.NoSystem {
		f = append(f, pair{"LMI_PAYMENT_SYSTEM", system})
	}
	f = append(f, pair{"LMI_PAYMENT_METHOD", method})
	if p.test {
		f = append(f, pair{"LMI_SIM_MODE", s.simulation(p)})
	}
	f = append(f, pair{"LMI_PAYMENT_DESC", p.description})
	if p.form.shopID != "" {
		f = append(f, pair{"LMI_SHOP_ID", p.form.shopID})
	}
	return formMessage(p, "InvoiceConfirmation", p.form.confirmation, append(f, p.form.own...))
}

func formMessage(p *payment, event, to string, fields pairs) emulator.Message {
	return emulator.Message{Order: p.id, Event: event, URL: to, Method: http.MethodPost, Body: spell(fields),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
}

// notifyClassic queues the Payment Notification.
func (s *Server) notifyClassic(p *payment) {
	system, method := s.systemOf(p)
	currency := s.currencyOf(p)
	paid := p.held
	if p.status == complete {
		paid = p.captured
	}
	f := pairs{{"LMI_MERCHANT_ID", s.opt.account.MerchantID}}
	if !s.opt.unknown.NoSystem {
		f = append(f, pair{"LMI_PAYMENT_SYSTEM", system})
	}
	f = append(f, pair{"LMI_CURRENCY", currency}, pair{"LMI_PAYMENT_AMOUNT", p.amount.String()})
	if p.number != "" {
		f = append(f, pair{"LMI_PAYMENT_NO", p.number})
	}
	f = append(f, pair{"LMI_PAYMENT_DESC", p.description}, pair{"LMI_SYS_PAYMENT_DATE", s.sysDate(p)}, pair{"LMI_SYS_PAYMENT_ID", p.id},
		pair{"LMI_PAID_AMOUNT", paid.String()}, pair{"LMI_PAID_CURRENCY", currency})
	if p.test {
		f = append(f, pair{"LMI_SIM_MODE", s.simulation(p)})
	}
	f = append(f, pair{"LMI_PAYER_IDENTIFIER", maskedClassic(p.pan)}, pair{"LMI_PAYMENT_METHOD", method})
	if !p.test {
		f = append(f, pair{"LMI_PAYMENT_REF", "6" + s.base.IDs.Digits(11)})
	}
	if p.form.shopID != "" {
		f = append(f, pair{"LMI_SHOP_ID", p.form.shopID})
	}
	f = append(f, p.form.own...)
	text := signedText(f)
	f = append(f, pair{"LMI_HASH", digest(s.opt.account.Hash, text+s.opt.account.SecretKey)})
	m := formMessage(p, "PaymentNotification", p.callback, f)
	m.Canonical = text + "***"
	s.base.Outbox.Send(m)
}

// attempt is the customer paying a classic payment by the card: the shop is
// asked, the simulation and the bank decide. It answers the error's code, 0 if
// there is none; then the payment is paid, held, or waits for the code.
func (s *Server) attempt(p *payment, c card) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !p.unpaid():
		return -23
	case p.asking:
		return -21
	case p.number != "" && s.paidElsewhere(p):
		s.refuseClassic(p, -14)
		return -14
	}
	if q := s.question(p); q.URL != "" {
		p.asking = true
		s.mu.Unlock()
		d := s.base.Outbox.Ask(q)
		s.mu.Lock()
		p.asking = false
		a := d.Answer()
		if !p.unpaid() {
			return -23
		}
		if a.Status != http.StatusOK || strings.Trim(string(a.Answer), " \t\r\n") != "YES" {
			s.refuseClassic(p, -8)
			return -8
		}
	}
	switch {
	case s.simulationFails(p):
		s.refuseClassic(p, -16)
		return -16
	case c.result != "":
		s.refuse(p, c.result)
		return p.code
	case c.step != "":
		p.method, p.try = "BankCard", &c
		s.change(p, processing)
		return 0
	}
	s.obtain(p, "BankCard", c.pan)
	return 0
}

func (s *Server) refuseClassic(p *payment, code int) {
	p.code = code
	s.change(p, failed)
}

// paidElsewhere says whether another attempt under the same number succeeded.
func (s *Server) paidElsewhere(p *payment) bool {
	for _, e := range s.list {
		if e != p && e.classic && e.number == p.number && e.held > 0 && e.status != failed {
			return true
		}
	}
	return false
}

func (s *Server) simulationFails(p *payment) bool {
	percent := s.opt.unknown.SimulationPercent
	if percent == 0 {
		percent = 80
	}
	switch s.simulation(p) {
	case "1":
		return true
	case "2":
		return s.base.IDs.IntN(100) >= percent
	}
	return false
}

// comeBack sends the customer to the Success or the Failure URL; false: the
// shop has none.
func (s *Server) comeBack(w http.ResponseWriter, r *http.Request, p *payment) bool {
	to := p.form.failure
	good := p.held > 0 && p.status != failed
	if good {
		to = p.form.success
	}
	if to == "" {
		return false
	}
	f := pairs{{"LMI_MERCHANT_ID", s.opt.account.MerchantID}, {"LMI_PAYMENT_NO", p.number}}
	if good || !s.opt.unknown.FailedReturnBare {
		f = append(f, pair{"LMI_SYS_PAYMENT_ID", p.id}, pair{"LMI_SYS_PAYMENT_DATE", s.sysDate(p)})
	}
	f = append(f, pair{"LMI_PAYMENT_AMOUNT", p.amount.String()}, pair{"LMI_CURRENCY", s.currencyOf(p)})
	f = append(f, p.form.own...)
	if s.opt.returnByPost {
		writeReturnForm(w, to, f)
		return true
	}
	join := "?"
	if strings.Contains(to, "?") {
		join = "&"
	}
	http.Redirect(w, r, to+join+string(spell(f)), http.StatusSeeOther)
	return true
}

// forge makes a notification that must not be believed: of a payment that is
// not there, as v2 signs nothing, or with a changed sum and the old hash.
func forge(m emulator.Message) emulator.Message {
	if m.Header.Get("Content-Type") == "application/json" {
		var v map[string]any
		if emulator.DecodeJSON(bytes.TrimPrefix(m.Body, []byte("\xef\xbb\xbf")), &v) != nil {
			return m
		}
		switch id := v["id"].(type) {
		case json.Number:
			v["id"] = json.Number("9" + id.String() + "9")
		default:
			v["id"] = fmt.Sprintf("9%v9", id)
		}
		if v["amount"] != nil {
			v["status"] = settled
		}
		m.Body = encode(v)
		return m
	}
	fields, err := parsePairs(string(m.Body))
	if err != nil {
		return m
	}
	for i, e := range fields {
		if e.name == "LMI_PAYMENT_AMOUNT" || e.name == "LMI_PAID_AMOUNT" {
			fields[i].value = "1" + e.value
		}
	}
	m.Body = spell(fields)
	return m
}

// validReturn is an address that a customer may be sent to.
func validReturn(to string) bool {
	u, err := url.Parse(to)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}
