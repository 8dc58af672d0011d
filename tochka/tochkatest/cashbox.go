package tochkatest

import (
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// deactivate takes the sum off a cash desk's code.
func (q *qr) deactivate() { q.params, q.sum, q.purpose, q.ttl, q.expires = "", 0, "", 0, time.Time{} }

// fresh lets the activation of a cash desk's code run out.
func (s *Server) fresh(q *qr) {
	if q.kind == "cashbox" && q.params != "" && !q.active(s.base.Clock.Now()) {
		q.deactivate()
	}
}

func (c *call) ownCashbox() (*qr, *refusal) {
	q, fault := c.ownQR("cashbox")
	if fault == nil {
		c.fresh(q)
	}
	return q, fault
}

func (c *call) createCashbox() (reply, *refusal) {
	m, customer, fault := c.place(c.text("merchantId"), c.text("accountId"))
	if fault != nil {
		return reply{}, fault
	}
	if m.capabilities[0] != '1' {
		return reply{}, business("ТСП не поддерживает кассовые коды")
	}
	q := c.newQR("cashbox", "AS", m, c.text("accountId"), customer)
	c.issue(q)
	return ok(object{{"payload", q.payload}, {"qrcId", q.id}}.some("image", c.image(q, c.nested("imageParams"))))
}

func (c *call) cashboxObject(q *qr) object {
	c.fresh(q)
	o := object{{"payload", q.payload}, {"accountId", q.account}, {"merchantId", q.merchant}, {"legalId", c.sbp.merchants[q.merchant].legal},
		{"createdAt", millis(q.created)}, {"qrcId", q.id}}
	if q.params != "" {
		o = o.with("amount", q.sum).with("currency", "RUB").some("paymentPurpose", q.purpose).with("paramsId", q.params).with("ttl", q.ttl)
	}
	mcc, _ := c.sbp.merchants[q.merchant].fields.get("mcc").(string)
	return o.with("commission", object{{"mcc", mcc}, {"percent", decimal("0.4")}, {"description", "Образование"}}).some("redirectUrl", q.redirect)
}

func (c *call) listCashbox() (reply, *refusal) {
	m, _, fault := c.place(c.path["merchantId"], c.path["accountId"])
	if fault != nil {
		return reply{}, fault
	}
	out := []object{}
	for _, id := range c.sbp.codeIDs {
		if q := c.sbp.codes[id]; q.kind == "cashbox" && q.merchant == m.id && q.account == c.path["accountId"] {
			out = append(out, c.cashboxObject(q))
		}
	}
	return ok(object{{"qrCodes", out}})
}

func (c *call) getCashbox() (reply, *refusal) {
	q, fault := c.ownCashbox()
	if fault != nil {
		return reply{}, fault
	}
	return ok(c.cashboxObject(q).some("image", c.image(q, c.nested("imageParams"))))
}

func (c *call) activateCashbox() (reply, *refusal) {
	q, fault := c.ownCashbox()
	if fault != nil {
		return reply{}, fault
	}
	if q.params != "" {
		return reply{}, business("Код уже активирован")
	}
	sum, _ := c.integer("amount")
	ttl, there := c.integer("ttl")
	if !there {
		ttl = 5
	}
	q.sum, q.ttl, q.purpose, q.status = money.Amount(sum), ttl, c.text("paymentPurpose"), "NotStarted"
	q.params = "AS" + c.base.IDs.Digits(30)
	q.expires = c.base.Clock.Now().Add(time.Duration(ttl) * time.Minute)
	return ok(object{{"qrcId", q.id}, {"amount", q.sum}, {"currency", "RUB"}, {"paramsId", q.params}}.some("paymentPurpose", q.purpose))
}

func (c *call) deactivateCashbox() (reply, *refusal) {
	q, fault := c.ownCashbox()
	if fault != nil {
		return reply{}, fault
	}
	if q.params == "" {
		return reply{}, business("Код не активирован")
	}
	q.deactivate()
	return result(true)
}

func (c *call) cashboxAccount() (reply, *refusal) {
	q, fault := c.ownCashbox()
	if fault != nil {
		return reply{}, fault
	}
	company, account, fault := c.ownAccount(c.text("accountId"))
	if fault != nil || company.CustomerCode != q.customer {
		return reply{}, forbidden()
	}
	q.account = account.ID
	return ok(object{{"accountId", q.account}, {"qrcId", q.id}})
}

func (c *call) cashboxStatus() (reply, *refusal) {
	q, fault := c.ownCashbox()
	if fault != nil {
		return reply{}, fault
	}
	status := "INACTIVATED"
	if q.params != "" {
		status = "WAITING_PAYMENT"
	}
	return ok(object{{"status", status}}.some("paramsId", q.params))
}

// cashboxOperation tells what came of one activation.
func (c *call) cashboxOperation() (reply, *refusal) {
	q, fault := c.ownCashbox()
	if fault != nil {
		return reply{}, fault
	}
	params := c.query.Get("paramsId")
	status := "DEACTIVATED"
	if q.params == params {
		status = "WAITING_PAYMENT"
	}
	for _, p := range q.payments {
		if p.params != params {
			continue
		}
		o := object{{"qrCodeStatus", status}}
		if p.status == "Rejected" {
			return ok(o.with("trxStatus", "RJCT").with("trxId", p.trx))
		}
		return ok(o.with("trxStatus", "ACWP").with("trxId", p.trx).with("amount", p.amount).with("dateTime", millis(p.at)).
			with("payerId", "*********1122").with("kzo", c.base.IDs.Letters(84)))
	}
	return ok(object{{"qrCodeStatus", status}, {"trxStatus", "NTST"}})
}

// createB2B makes a code for a payment between companies; its tax is in
// kopecks too.
func (c *call) createB2B() (reply, *refusal) {
	m, customer, fault := c.place(c.path["merchantId"], c.path["accountId"])
	if fault != nil {
		return reply{}, fault
	}
	take := c.flag("takeTax")
	tax, given := c.integer("totalTaxAmount")
	if take && !given {
		return reply{}, invalid("totalTaxAmount", "Value error, totalTaxAmount is required when takeTax is true")
	}
	sum, _ := c.integer("amount")
	ttl, there := c.integer("ttl")
	if !there {
		ttl = 4320
	}
	q := c.newQR("b2b", "AS", m, c.path["accountId"], customer)
	q.sum, q.ttl, q.takeTax, q.tax, q.uip = money.Amount(sum), ttl, &take, money.Amount(tax), c.text("uip")
	q.expires = q.created.Add(time.Duration(ttl) * time.Minute)
	c.issue(q)
	return ok(object{{"payload", q.payload}, {"qrcId", q.id}})
}

func (c *call) getB2B() (reply, *refusal) {
	q, fault := c.ownQR("b2b")
	if fault != nil {
		return reply{}, no(http.StatusNotFound, "HTTPNotFound", wrong)
	}
	o := object{{"payload", q.payload}, {"accountId", q.account}, {"createdAt", millis(q.created)}, {"merchantId", q.merchant},
		{"legalId", c.sbp.merchants[q.merchant].legal}, {"qrcId", q.id}, {"amount", q.sum}, {"ttl", itoa(q.ttl)}, {"paymentPurpose", q.purpose}}
	if width, height := c.query.Get("width"), c.query.Get("height"); width != "" && height != "" {
		o = o.with("image", c.image(q, map[string]any{"width": width, "height": height}))
	}
	o = o.some("redirectUrl", q.redirect).with("takeTax", *q.takeTax)
	if *q.takeTax {
		o = o.with("totalTaxAmount", q.tax)
	}
	return ok(o.some("uip", q.uip))
}
