package tochkatest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// sbpState is the fast payments system's side (СБП).
type sbpState struct {
	legals    map[string]*legal // by legalId
	merchants map[string]*sbpMerchant
	order     []string // merchant ids as made
	codes     map[string]*qr
	codeIDs   []string
	refunds   map[string]*sbpRefund
}

// legal is a legal entity registered in SBP (ЮЛ).
type legal struct {
	id, customer, status string
	created              time.Time
}

// sbpMerchant is a ТСП.
type sbpMerchant struct {
	id, legal, status string
	created           time.Time
	fields            object // as registered
	capabilities      string
	b2b               bool
}

// DefaultLegalID and DefaultSBPMerchantID are those of the default company,
// which is registered in SBP.
const (
	DefaultLegalID       = "LF0000000001"
	DefaultSBPMerchantID = "MF0000000001"
)

func (b *sbpState) init(s *Server) {
	b.legals, b.merchants, b.codes, b.refunds = map[string]*legal{}, map[string]*sbpMerchant{}, map[string]*qr{}, map[string]*sbpRefund{}
	c := s.companyOf(DefaultCustomerCode)
	if c.CustomerCode == "" || c.Personal || s.opt.noSBP {
		return
	}
	now := s.base.Clock.Now()
	b.legals[DefaultLegalID] = &legal{id: DefaultLegalID, customer: c.CustomerCode, status: "Active", created: now}
	b.merchants[DefaultSBPMerchantID] = &sbpMerchant{id: DefaultSBPMerchantID, legal: DefaultLegalID, status: "Active", created: now, capabilities: "111", fields: object{
		{"address", "ул. Тверская, 1"}, {"city", "Москва"}, {"countryCode", "RU"}, {"countrySubDivisionCode", "45"}, {"zipCode", "125009"},
		{"brandName", "Языковая школа"}, {"contactPhoneNumber", "79990001122"}, {"mcc", "8299"}}}
	b.order = append(b.order, DefaultSBPMerchantID)
}

// ownLegal finds a legal entity of a company of the token: an unknown one
// answers 403, as the bank says of merchants.
func (c *call) ownLegal(id string) (*legal, *refusal) {
	l := c.sbp.legals[id]
	if l == nil || !slices.Contains(c.grant.customers, l.customer) {
		return nil, forbidden()
	}
	return l, nil
}

func (c *call) ownMerchant(id string) (*sbpMerchant, *refusal) {
	m := c.sbp.merchants[id]
	if m == nil {
		return nil, forbidden()
	}
	if _, fault := c.ownLegal(m.legal); fault != nil {
		return nil, fault
	}
	return m, nil
}

// ownAccount finds an account of a company of the token.
func (c *call) ownAccount(id string) (*Company, *Account, *refusal) {
	for _, company := range c.visible() {
		if a := company.account(id); a != nil {
			return company, a, nil
		}
	}
	return nil, nil, forbidden()
}

func (c *call) legalObject(l *legal) object {
	company := c.companyOf(l.customer)
	return object{{"status", l.status}, {"legalId", l.id}, {"createdAt", millis(l.created)}, {"address", "ул. Тверская, 1"}, {"city", "Москва"}, {"countryCode", "RU"},
		{"countrySubDivisionCode", "45"}, {"zipCode", "125009"}, {"customerCode", l.customer}, {"entityType", "ООО"}, {"inn", company.TaxCode}}.
		some("kpp", company.KPP).with("name", company.FullName).with("ogrn", company.OGRN)
}

func (m *sbpMerchant) object() object {
	o := object{{"status", m.status}, {"createdAt", millis(m.created)}}
	for _, f := range m.fields {
		if f.Name == "brandName" {
			o = o.with("merchantId", m.id).with("legalId", m.legal)
		}
		if f.Name == "mcc" {
			o = append(o, f, member{"additionalContacts", []object{}})
			continue
		}
		o = append(o, f)
		if f.Name == "brandName" {
			o = o.with("capabilities", m.capabilities)
		}
	}
	return o
}

func (c *call) merchantsOf(legalID string) []object {
	out := []object{}
	for _, id := range c.sbp.order {
		if m := c.sbp.merchants[id]; m.legal == legalID {
			out = append(out, m.object())
		}
	}
	return out
}

func (c *call) accountsOf(l *legal) []object {
	out := []object{}
	for _, a := range c.companyOf(l.customer).Accounts {
		out = append(out, object{{"accountId", a.ID}, {"status", "Active"}, {"createdAt", millis(l.created)}, {"legalId", l.id}})
	}
	return out
}

func (c *call) sbpCustomer() (reply, *refusal) {
	company, fault := c.company(c.path["customerCode"])
	if fault != nil {
		return reply{}, fault
	}
	for _, l := range c.sbp.legals {
		if l.customer == company.CustomerCode && c.path["bankCode"] == BIC {
			return ok(c.legalObject(l).with("bankCode", BIC).with("MerchantList", c.merchantsOf(l.id)).with("AccountList", c.accountsOf(l)))
		}
	}
	return reply{}, missing("Customer is not registered in SBP")
}

// registerLegal registers a company; the same one again has the same id.
func (c *call) registerLegal() (reply, *refusal) {
	company, fault := c.company(c.text("customerCode"))
	if fault != nil {
		return reply{}, fault
	}
	if c.text("bankCode") != BIC {
		return reply{}, forbidden()
	}
	for _, l := range c.sbp.legals {
		if l.customer == company.CustomerCode {
			return ok(object{{"legalId", l.id}})
		}
	}
	l := &legal{id: "LF" + c.base.IDs.Digits(10), customer: company.CustomerCode, status: "Active", created: c.base.Clock.Now()}
	c.sbp.legals[l.id] = l
	return ok(object{{"legalId", l.id}})
}

func (c *call) legal() (reply, *refusal) {
	l, fault := c.ownLegal(c.path["legalId"])
	if fault != nil {
		return reply{}, fault
	}
	return ok(c.legalObject(l))
}

func (c *call) legalStatus() (reply, *refusal) {
	l, fault := c.ownLegal(c.path["legalId"])
	if fault != nil {
		return reply{}, fault
	}
	l.status = c.text("status")
	return result(true)
}

func (c *call) sbpAccounts() (reply, *refusal) {
	l, fault := c.ownLegal(c.path["legalId"])
	if fault != nil {
		return reply{}, fault
	}
	return ok(object{{"AccountList", c.accountsOf(l)}})
}

func (c *call) createMerchant() (reply, *refusal) {
	l, fault := c.ownLegal(c.path["legalId"])
	if fault != nil {
		return reply{}, fault
	}
	if l.status != "Active" {
		return reply{}, business("Юридическое лицо %s приостановлено", l.id)
	}
	m := &sbpMerchant{id: "MF" + c.base.IDs.Digits(10), legal: l.id, status: "Active", created: c.base.Clock.Now(), capabilities: c.text("capabilities"),
		b2b: c.text("scenario") == "B2B", fields: pick(c.doc, "address", "city", "countryCode", "countrySubDivisionCode", "zipCode", "brandName", "contactPhoneNumber", "mcc")}
	c.sbp.merchants[m.id] = m
	c.sbp.order = append(c.sbp.order, m.id)
	return ok(object{{"merchantId", m.id}})
}

func (c *call) merchants() (reply, *refusal) {
	l, fault := c.ownLegal(c.path["legalId"])
	if fault != nil {
		return reply{}, fault
	}
	return ok(object{{"MerchantList", c.merchantsOf(l.id)}})
}

func (c *call) merchant() (reply, *refusal) {
	m, fault := c.ownMerchant(c.path["merchantId"])
	if fault != nil {
		return reply{}, fault
	}
	return ok(m.object())
}

func (c *call) merchantStatus() (reply, *refusal) {
	m, fault := c.ownMerchant(c.path["merchantId"])
	if fault != nil {
		return reply{}, fault
	}
	m.status = c.text("status")
	return result(true)
}

// sbpRefund is a refund of a payment by a dynamic code.
type sbpRefund struct {
	id, customer, status string
	code                 *qr
	amount               money.Amount
}

// finishRefund ends an SBP refund that is under way; the lock is held.
func (s *Server) finishRefund(r *sbpRefund, status string) {
	if r.status != "Initiated" {
		return
	}
	r.status = status
	if status == "Accepted" {
		s.move(r.code.id, emulator.Refunded, r.amount, r.id)
	} else {
		r.code.refunded -= r.amount
	}
}

// RejectSBPRefund makes the customer's bank reject an SBP refund that is under
// way: one that nobody has asked about, as the first look finds it executed.
func (s *Server) RejectSBPRefund(requestID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.sbp.refunds[requestID]
	if r == nil || r.status != "Initiated" {
		return false
	}
	s.finishRefund(r, "Rejected")
	return true
}

// sbpRefund gives money back: roubles as text, the account without its BIC.
func (c *call) sbpRefund() (reply, *refusal) {
	var company *Company
	if c.text("bankCode") == BIC {
		company, _, _ = c.ownAccount(c.text("accountCode") + "/" + BIC)
	}
	if company == nil {
		return reply{}, forbidden()
	}
	a, err := money.Parse(c.text("amount"))
	if err != nil || a <= 0 || strings.ContainsAny(c.text("amount"), ", \u00a0") {
		return reply{}, invalid("amount", "Input should be a valid decimal")
	}
	q := c.sbp.codes[c.text("qrcId")]
	if q == nil || q.customer != company.CustomerCode {
		return reply{}, forbidden()
	}
	switch {
	case q.kind != "02":
		return reply{}, business("Возврат по этому коду выполняется в интернет-банке")
	case q.status != "Accepted":
		return reply{}, business("Операция по коду не завершена")
	case a > q.sum-q.refunded:
		return reply{}, business("Сумма возврата больше суммы операции")
	}
	if ref := c.text("refTransactionId"); ref != "" && ref != q.payments[0].ref {
		return reply{}, business("Операция не найдена")
	}
	if trx := c.text("trxId"); trx != "" && trx != q.payments[0].trx {
		return reply{}, business("Операция не найдена")
	}
	r := &sbpRefund{id: "openapi-" + c.base.IDs.UUID(), customer: q.customer, status: "Initiated", code: q, amount: a}
	c.sbp.refunds[r.id] = r
	q.refunded += a
	return ok(object{{"requestId", r.id}, {"status", r.status}})
}

func (c *call) sbpRefundStatus() (reply, *refusal) {
	r := c.sbp.refunds[c.path["requestId"]]
	if r == nil || !slices.Contains(c.grant.customers, r.customer) {
		return reply{}, no(http.StatusNotFound, "HTTPNotFound", wrong)
	}
	c.finishRefund(r, "Accepted")
	return ok(object{{"requestId", r.id}, {"status", r.status}})
}
