package tochkatest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	qrcode "github.com/acquiring-go/acquiring/internal/emulator/qr"
	"github.com/acquiring-go/acquiring/money"
)

// qr is a code of SBP: static, dynamic, of a cash desk, or between companies.
type qr struct {
	id, payload       string
	kind              string // "01", "02", "cashbox", "b2b"
	customer          string
	merchant, account string
	sum               money.Amount // 0: the customer types it
	purpose           string
	ttl               int
	created, expires  time.Time // expires zero: never
	source, redirect  string
	status            string // of the payment: NotStarted, InProgress, Accepted, Rejected
	payments          []qrPayment
	refunded          money.Amount

	takeTax *bool
	tax     money.Amount
	uip     string

	params string // of a cash desk's code, while it is active
}

// qrPayment is one payment by a code.
type qrPayment struct {
	trx, ref string
	amount   money.Amount
	at       time.Time
	status   string
	params   string
}

func (q *qr) active(now time.Time) bool { return q.expires.IsZero() || now.Before(q.expires) }

// qrFault says why a code cannot be paid now; "": it can.
func (s *Server) qrFault(q *qr) string {
	switch {
	case !q.active(s.base.Clock.Now()):
		return "Срок действия кода истёк"
	case q.kind == "cashbox" && q.params == "":
		return "Код не активирован"
	case q.kind != "01" && q.kind != "cashbox" && q.status == "Accepted":
		return "Код уже оплачен"
	}
	return ""
}

// payQR is the customer paying a code; a is the sum where the code has none,
// 0: 100 roubles. The lock is held.
func (s *Server) payQR(q *qr, a money.Amount) error {
	if words := s.qrFault(q); words != "" {
		return fmt.Errorf("tochkatest: code %s: %s", q.id, words)
	}
	switch {
	case q.sum > 0:
		a = q.sum
	case a == 0:
		a = money.RUB(100, 0)
	}
	p := qrPayment{trx: "A" + s.base.IDs.Letters(31), ref: s.base.IDs.UUID(), amount: a, at: s.base.Clock.Now(), status: "Accepted", params: q.params}
	q.payments = append(q.payments, p)
	q.status = "Accepted"
	s.move(q.id, emulator.Authorized, a, p.trx)
	s.move(q.id, emulator.Captured, a, p.trx)
	s.base.Books.State(q.id, "Accepted")
	if q.kind == "b2b" {
		s.announce(q.id, q.customer, "incomingSbpB2BPayment", object{{"qrcId", q.id}, {"amount", s.sumText(a)}, {"purpose", q.purpose},
			{"webhookType", "incomingSbpB2BPayment"}, {"customerCode", q.customer}})
		return nil
	}
	brand, _ := s.sbp.merchants[q.merchant].fields.get("brandName").(string)
	s.announce(q.id, q.customer, "incomingSbpPayment", object{{"operationId", p.trx}, {"qrcId", q.id}, {"amount", s.sumText(a)}, {"payerMobileNumber", "+79990001122"},
		{"payerName", "Мария Петровна С."}, {"brandName", brand}, {"merchantId", q.merchant}, {"purpose", q.purpose}, {"webhookType", "incomingSbpPayment"},
		{"customerCode", q.customer}, {"refTransactionId", p.ref}})
	if q.kind == "cashbox" {
		q.deactivate()
	}
	return nil
}

func (s *Server) declineQR(q *qr) error {
	if words := s.qrFault(q); words != "" {
		return fmt.Errorf("tochkatest: code %s: %s", q.id, words)
	}
	q.status = "Rejected"
	q.payments = append(q.payments, qrPayment{trx: "A" + s.base.IDs.Letters(31), at: s.base.Clock.Now(), status: "Rejected", params: q.params})
	s.base.Books.State(q.id, "Rejected")
	if q.kind == "cashbox" {
		q.deactivate()
	}
	return nil
}

// PayQR is the customer paying a code of SBP with a sum of his own, where the
// code has none; 0: 100 roubles.
func (s *Server) PayQR(qrcID string, a money.Amount) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.sbp.codes[qrcID]
	if q == nil {
		return fmt.Errorf("tochkatest: no code %q", qrcID)
	}
	return s.payQR(q, a)
}

// place finds the merchant and the account that a code is made for: both of
// one company.
func (c *call) place(merchantID, accountID string) (*sbpMerchant, string, *refusal) {
	m, fault := c.ownMerchant(merchantID)
	if fault != nil {
		return nil, "", fault
	}
	company, _, fault := c.ownAccount(accountID)
	if fault != nil {
		return nil, "", fault
	}
	if c.sbp.legals[m.legal].customer != company.CustomerCode {
		return nil, "", forbidden()
	}
	if m.status != "Active" {
		return nil, "", business("ТСП %s приостановлена", m.id)
	}
	return m, company.CustomerCode, nil
}

func (c *call) newQR(kind, prefix string, m *sbpMerchant, account, customer string) *qr {
	return &qr{id: c.base.IDs.QR(prefix), kind: kind, customer: customer, merchant: m.id, account: account, created: c.base.Clock.Now(), status: "NotStarted",
		purpose: c.text("paymentPurpose"), source: c.text("sourceName"), redirect: c.text("redirectUrl")}
}

// issue gives the code its link and enters it.
func (c *call) issue(q *qr) {
	kind := "01"
	if q.kind == "02" {
		kind = "02"
	}
	q.payload = "https://qr.nspk.ru/" + q.id + "?type=" + kind + "&bank=100000000284"
	if q.sum > 0 {
		q.payload += "&sum=" + q.sum.Minor() + "&cur=RUB"
	}
	q.payload += "&crc=" + strings.ToUpper(fmt.Sprintf("%04x", checksum(q.payload)))
	c.sbp.codes[q.id] = q
	c.sbp.codeIDs = append(c.sbp.codeIDs, q.id)
	c.base.Books.Open(emulator.Order{ID: q.id, Amount: q.sum, Currency: "RUB", State: q.status, Created: q.created, Link: c.URL + "/qr/" + q.id})
}

// checksum is a CRC-16 (CCITT); the polynomial of the system's own is not
// published here, and nobody checks it.
func checksum(s string) (crc uint16) {
	crc = 0xffff
	for i := range len(s) {
		crc ^= uint16(s[i]) << 8
		for range 8 {
			top := crc & 0x8000
			crc <<= 1
			if top != 0 {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

func (c *call) createQR() (reply, *refusal) {
	m, customer, fault := c.place(c.path["merchantId"], c.path["accountId"])
	if fault != nil {
		return reply{}, fault
	}
	kind := c.text("qrcType")
	sum, given := c.integer("amount")
	ttl, timed := c.integer("ttl")
	dynamic := kind == "02"
	switch {
	case dynamic && (!given || sum <= 0):
		return reply{}, invalid("amount", "Field required")
	case timed && (ttl < 1 || ttl > 129600):
		return reply{}, invalid("ttl", "Input should be greater than or equal to 1 and less than or equal to 129600")
	case timed && !dynamic:
		return reply{}, invalid("ttl", "Value error, ttl is allowed for a dynamic code only")
	case c.text("currency") != "" && c.text("currency") != "RUB", c.text("currency") == "" && c.doc["currency"] != nil:
		return reply{}, invalid("currency", "Input should be 'RUB'")
	case c.text("redirectUrl") != "" && !strings.HasPrefix(c.text("redirectUrl"), "https://"):
		return reply{}, invalid("redirectUrl", "URL scheme should be 'https'")
	case !permitted(m.capabilities, dynamic):
		return reply{}, business("ТСП не поддерживает такой тип кода")
	}
	prefix := "AS"
	if dynamic {
		prefix = "AD"
	}
	q := c.newQR(kind, prefix, m, c.path["accountId"], customer)
	q.sum = money.Amount(sum)
	if dynamic {
		q.ttl = 72 * 60
		if timed {
			q.ttl = ttl
		}
		q.expires = q.created.Add(time.Duration(q.ttl) * time.Minute)
	}
	c.issue(q)
	return ok(object{{"payload", q.payload}, {"qrcId", q.id}}.some("image", c.image(q, c.nested("imageParams"))))
}

// permitted reads the three bits: cash desk, dynamic, static.
func permitted(capabilities string, dynamic bool) bool {
	n, err := strconv.ParseUint(capabilities, 2, 8)
	if dynamic {
		return err == nil && n&2 != 0
	}
	return err == nil && n&1 != 0
}

// image draws a code as was asked; nothing was asked: nothing.
func (c *call) image(q *qr, params map[string]any) object {
	if params == nil {
		return nil
	}
	p := call{doc: params}
	width, _ := p.integer("width")
	height, _ := p.integer("height")
	kind := p.text("mediaType")
	if kind == "" {
		kind = "image/png"
	}
	text := base64.StdEncoding.EncodeToString(c.base.QRImage(q.payload))
	if kind == "image/svg+xml" {
		drawn, _ := qrcode.SVG(q.payload) // no code of ours is too long
		text = strings.Replace(string(drawn), "<svg ", fmt.Sprintf(`<svg width="%d" height="%d" `, width, height), 1)
	}
	return object{{"width", width}, {"height", height}, {"mediaType", kind}, {"content", text}}
}

// ownQR finds a code of a company of the token; of the kinds named.
func (c *call) ownQR(kinds ...string) (*qr, *refusal) {
	q := c.sbp.codes[c.path["qrcId"]]
	if q == nil || !slices.Contains(c.grant.customers, q.customer) || !slices.Contains(kinds, q.kind) {
		return nil, missing("QR code not found")
	}
	return q, nil
}

func (c *call) qrObject(q *qr) object {
	state := "Active"
	if !q.active(c.base.Clock.Now()) {
		state = "Suspended"
	}
	o := object{{"status", state}, {"payload", q.payload}, {"accountId", q.account}, {"createdAt", millis(q.created)}, {"merchantId", q.merchant},
		{"legalId", c.sbp.merchants[q.merchant].legal}, {"qrcId", q.id}}
	if q.sum > 0 {
		o = o.with("amount", q.sum)
	}
	if q.ttl > 0 {
		o = o.with("ttl", strconv.Itoa(q.ttl))
	}
	return o.some("paymentPurpose", q.purpose).with("commissionPercent", decimal("0.4")).with("currency", "RUB").with("qrcType", q.kind).
		with("templateVersion", "01").some("sourceName", q.source)
}

func (c *call) getQR() (reply, *refusal) {
	q, fault := c.ownQR("01", "02")
	if fault != nil {
		return reply{}, fault
	}
	return ok(c.qrObject(q))
}

func (c *call) listQR() (reply, *refusal) {
	l, fault := c.ownLegal(c.path["legalId"])
	if fault != nil {
		return reply{}, fault
	}
	out := []object{}
	for _, id := range c.sbp.codeIDs {
		if q := c.sbp.codes[id]; c.sbp.merchants[q.merchant].legal == l.id && (q.kind == "01" || q.kind == "02") {
			out = append(out, c.qrObject(q))
		}
	}
	return ok(object{{"qrCodeList", out}})
}

// qrStatus answers for dynamic codes within their life, or 24 hours after the
// payment.
func (c *call) qrStatus() (reply, *refusal) {
	out := []object{}
	now := c.base.Clock.Now()
	for _, id := range strings.Split(c.path["qrcIds"], ",") {
		q := c.sbp.codes[id]
		if q == nil || !slices.Contains(c.grant.customers, q.customer) || q.kind != "02" {
			return reply{}, missing("QR code not found")
		}
		o := object{{"qrcId", q.id}}
		paid := len(q.payments) > 0
		if !q.active(now) && (!paid || now.Sub(q.payments[len(q.payments)-1].at) > 24*time.Hour) {
			out = append(out, o.with("code", "RQ05043").with("message", "Срок действия кода истёк"))
			continue
		}
		o = o.with("code", "RQ00000").with("status", q.status).with("message", "Запрос обработан успешно")
		if paid {
			o = o.with("trxId", q.payments[len(q.payments)-1].trx)
		}
		out = append(out, o)
	}
	return ok(object{{"paymentList", out}})
}

// sbpPayments lists payments by codes: without fromDate those of yesterday and
// today only.
func (c *call) sbpPayments() (reply, *refusal) {
	company, fault := c.company(c.query.Get("customerCode"))
	if fault != nil {
		return reply{}, fault
	}
	if c.query.Get("fromDate") == "" {
		c.query.Set("fromDate", c.base.Clock.Now().In(c.opt.dateZone).AddDate(0, 0, -1).Format(date))
	}
	want := c.query.Get("qrcId")
	var found []object
	for _, id := range c.sbp.codeIDs {
		q := c.sbp.codes[id]
		if q.customer != company.CustomerCode || want != "" && want != q.id {
			continue
		}
		for _, p := range q.payments {
			if c.period(p.at) {
				o := object{{"qrcId", q.id}, {"status", p.status}, {"message", "Запрос обработан успешно"}}
				found = append(found, o.some("refTransactionId", p.ref))
			}
		}
	}
	list, _, pages := part(c, found)
	if list == nil {
		list = []object{}
	}
	return reply{data: object{{"Payments", list}}, pages: pages}, nil
}
