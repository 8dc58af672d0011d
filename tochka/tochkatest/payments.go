package tochkatest

import (
	"fmt"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

func (c *call) retailers() (reply, *refusal) {
	company, fault := c.company(c.query.Get("customerCode"))
	if fault != nil {
		return reply{}, fault
	}
	out := []object{}
	for _, r := range company.Retailers {
		out = append(out, r.object())
	}
	return ok(object{{"Retailer", out}})
}

func (r Retailer) object() object {
	modes := r.PaymentModes
	if modes == nil {
		modes = []string{}
	}
	return object{{"status", r.Status}, {"isActive", !r.Inactive && r.Status == "REG"}, {"mcc", r.MCC}, {"rate", decimal(r.Rate)}, {"name", r.Name}}.
		some("url", r.URL).some("merchantId", r.MerchantID).some("terminalId", r.TerminalID).with("paymentModes", modes).some("cashbox", r.Cashbox)
}

func (c *call) createPayment() (reply, *refusal) { return c.create(false) }

func (c *call) createWithReceipt() (reply, *refusal) { return c.create(true) }

// order reads what links and subscriptions share and checks whose it is.
func (c *call) order() (*operation, *Retailer, *refusal) {
	company, fault := c.company(c.text("customerCode"))
	if fault != nil {
		return nil, nil, fault
	}
	point, fault := c.point(company)
	if fault != nil {
		return nil, nil, fault
	}
	op := &operation{customer: company.CustomerCode, merchant: point.MerchantID, amount: c.sum("amount"), purpose: c.text("purpose"),
		redirect: c.text("redirectUrl"), fail: c.text("failRedirectUrl"), consumer: c.text("consumerId"), saveCard: c.flag("saveCard"),
		link: c.text("paymentLinkId"), created: c.base.Clock.Now(), status: "CREATED", ttl: 10080}
	return op, point, nil
}

// point is the retail point of the request: it must be the company's own and
// working, and may be left out where there is one only.
func (c *call) point(company *Company) (*Retailer, *refusal) {
	id, named := c.doc["merchantId"].(string)
	var usable []*Retailer
	for i := range company.Retailers {
		if r := &company.Retailers[i]; r.usable() {
			usable = append(usable, r)
		}
	}
	switch {
	case named && company.retailer(id) == nil:
		return nil, forbidden()
	case named && !company.retailer(id).usable():
		return nil, business("Торговая точка %s не активна", id)
	case named:
		return company.retailer(id), nil
	case len(usable) == 0:
		return nil, business("Интернет-эквайринг не подключен")
	case len(usable) > 1:
		return nil, invalid("merchantId", "Field required")
	}
	return usable[0], nil
}

// register gives a checked order its ids and enters it.
func (c *call) register(op *operation) *refusal {
	if op.link == "" {
		op.link = c.number(op.customer)
	} else if c.links[op.customer+" "+op.link] != nil {
		return business("Ошибка валидации: заказ с номером %s существует", op.link)
	}
	op.id = c.base.IDs.UUID()
	if op.consumer == "" {
		op.consumer = c.base.IDs.UUID()
	}
	op.expires = op.created.Add(time.Duration(op.ttl) * time.Minute)
	c.open(op)
	return nil
}

func (c *call) create(receipt bool) (reply, *refusal) {
	op, point, fault := c.order()
	if fault != nil {
		return reply{}, fault
	}
	for _, mode := range c.texts("paymentMode") {
		if !slices.Contains(point.PaymentModes, mode) {
			return reply{}, no(c.opt.modeStatus, "Validation Error", "Payment mode %s is not available", mode)
		}
		if !slices.Contains(op.modes, mode) {
			op.modes = append(op.modes, mode)
		}
	}
	op.hold = c.flag("preAuthorization")
	op.holdSent = c.doc["preAuthorization"] != nil
	if ttl, there := c.integer("ttl"); there {
		op.ttl = ttl
	}
	if receipt {
		if fault := c.receipt(op, point); fault != nil {
			return reply{}, fault
		}
	}
	if fault := c.register(op); fault != nil {
		return reply{}, fault
	}
	o := object{{"purpose", op.purpose}, {"status", op.status}, {"amount", roubles(op.amount)}, {"operationId", op.id}, {"paymentLink", c.linkOf(op)},
		{"consumerId", op.consumer}, {"merchantId", op.merchant}}
	if op.holdSent {
		o = o.with("preAuthorization", op.hold)
	}
	o = o.with("ttl", op.ttl).with("paymentLinkId", op.link).with("paymentMode", op.modes)
	if receipt {
		o = append(o.with("customerCode", op.customer).some("redirectUrl", op.redirect).some("failRedirectUrl", op.fail), op.receipt...)
	}
	return ok(o)
}

func (s *Server) linkOf(op *operation) string { return s.URL + "/order/?uuid=" + op.id }

// receipt reads the fiscal receipt of an order.
func (c *call) receipt(op *operation, point *Retailer) *refusal {
	if point.Cashbox == "" && c.opt.cashboxStatus != 0 {
		return no(c.opt.cashboxStatus, wrong, "К торговой точке %s не подключена онлайн-касса", point.MerchantID)
	}
	op.taxSystem = c.text("taxSystemCode")
	client := c.nested("Client")
	op.email, _ = client["email"].(string)
	var total money.Amount
	items := []object{}
	lines, _ := c.doc["Items"].([]any)
	for _, l := range lines {
		line, _ := l.(map[string]any)
		items = append(items, itemObject(line))
		quantity, _ := rational(line["quantity"])
		price, _ := rational(line["amount"])
		if quantity != nil && price != nil {
			a, exact := emulator.Kopecks(price.Mul(price, quantity))
			if !exact {
				c.note("receipt: a line of " + op.link + " is no whole number of kopecks")
			}
			total += a
		}
	}
	if total != op.amount {
		words := fmt.Sprintf("the lines of %s add up to %s, the order is of %s", op.link, total, op.amount)
		if c.opt.totalCheck {
			return invalid("Items", "Value error, "+words)
		}
		c.note("receipt: " + words)
	}
	op.receipt = object{}.some("taxSystemCode", op.taxSystem).
		with("Client", pick(client, "name", "email", "phone")).with("Items", items).some("Supplier", supplierObject(c.nested("Supplier")))
	return nil
}

// pick copies text members that are there.
func pick(o map[string]any, names ...string) object {
	var out object
	for _, name := range names {
		if v, ok := o[name].(string); ok {
			out = out.with(name, v)
		}
	}
	return out
}

func supplierObject(o map[string]any) object { return pick(o, "phone", "name", "taxCode") }

func itemObject(line map[string]any) object {
	supplier, _ := line["Supplier"].(map[string]any)
	o := append(pick(line, "vatType", "name"), member{"amount", number(line["amount"])}, member{"quantity", number(line["quantity"])})
	o = append(o, pick(line, "paymentMethod", "paymentObject")...)
	measure, _ := line["measure"].(string)
	if measure == "" {
		measure = "шт."
	}
	return o.with("measure", measure).some("Supplier", supplierObject(supplier))
}

// operationObject is an operation in an answer, or a subscription in the list of
// them, which has less. The lock is held.
func (s *Server) operationObject(op *operation, subscription bool) object {
	s.age(op)
	o := object{{"customerCode", op.customer}}.some("taxSystemCode", op.taxSystem)
	if !op.paid.IsZero() {
		if !subscription {
			o = o.with("paymentType", op.paymentType)
		}
		o = o.with("paymentId", op.paymentID).some("transactionId", op.transaction)
	}
	o = o.with("createdAt", stamp(op.created, perm))
	if !subscription {
		if !op.paid.IsZero() {
			o = o.with("paidAt", stamp(op.paid, moscow))
		}
		o = o.with("paymentMode", op.modes)
	}
	o = o.some("redirectUrl", op.redirect).some("failRedirectUrl", op.fail)
	for _, m := range op.receipt {
		if m.Name != "taxSystemCode" && m.Name != "Supplier" {
			o = append(o, m)
		}
	}
	o = o.with("purpose", op.purpose).with("amount", roubles(op.amount)).with("status", op.status).with("operationId", op.id).
		with("paymentLink", s.linkOf(op)).some("merchantId", op.merchant).some("consumerId", op.consumer)
	if op.holdSent {
		o = o.with("preAuthorization", op.hold)
	}
	o = o.with("paymentLinkId", op.link)
	if v := op.receipt.get("Supplier"); v != nil {
		o = o.with("Supplier", v)
	}
	if op.card != nil {
		o = o.with("CofToken", object{{"tokenCardId", op.card.token}, {"cardType", op.card.brand}, {"maskedPan", op.card.masked}})
	}
	return o
}

func (s *Server) withEntries(op *operation) object {
	entries := []object{}
	o := s.operationObject(op, false)
	for _, e := range op.entries {
		entries = append(entries, object{{"orderId", e.id}, {"type", e.kind}, {"amount", roubles(e.amount)}, {"time", stamp(e.at, moscow)}})
	}
	return o.with("Order", entries)
}

// own finds an operation that the token may see: an unknown and a foreign one
// are the same.
func (c *call) own() (*operation, *refusal) {
	op := c.operations[c.path["operationId"]]
	if op == nil || !slices.Contains(c.grant.customers, op.customer) {
		return nil, business("Order not found")
	}
	c.age(op)
	return op, nil
}

func (c *call) getPayment() (reply, *refusal) {
	op, fault := c.own()
	if fault != nil {
		return reply{}, fault
	}
	return ok(object{{"Operation", []object{c.withEntries(op)}}})
}

// period says whether a moment is within the dates of the query, both included.
func (c *call) period(t time.Time) bool {
	day := t.In(c.opt.dateZone).Format(date)
	from, to := c.query.Get("fromDate"), c.query.Get("toDate")
	return (from == "" || day >= from) && (to == "" || day <= to)
}

// part is the page of a list that was asked for.
func part[T any](c *call, all []T) (out []T, page, pages int) {
	page, per := c.queryInt("page", 1), c.queryInt("perPage", 1000)
	pages = (len(all) + per - 1) / per
	if page > (len(all)+per-1)/per {
		return nil, page, max(pages, 1)
	}
	return all[(page-1)*per : min(page*per, len(all))], page, max(pages, 1)
}

func (c *call) listPayments() (reply, *refusal) {
	company, fault := c.company(c.query.Get("customerCode"))
	if fault != nil {
		return reply{}, fault
	}
	status := c.query.Get("status")
	var found []*operation
	for _, id := range c.opIDs {
		op := c.operations[id]
		c.age(op)
		if op.sub == nil && op.customer == company.CustomerCode && c.period(op.created) && (status == "" || op.status == status) {
			found = append(found, op)
		}
	}
	list, page, pages := part(c, found)
	out := []object{}
	for _, op := range list {
		out = append(out, c.withEntries(op))
	}
	return reply{data: object{{"Operation", out}}, page: page, pages: pages}, nil
}

// refused answers a refusal of the trade: as an error, or as a false in an
// ordinary answer.
func (c *call) refused(words string, a object) (reply, *refusal) {
	if c.opt.refuseByFalse {
		return ok(a)
	}
	return reply{}, business("%s", words)
}

var refusedResult = object{{"result", false}}

func (c *call) capture() (reply, *refusal) {
	op, fault := c.own()
	if fault != nil {
		return reply{}, fault
	}
	if c.takeRefusal(OpCapture) {
		return ok(refusedResult)
	}
	if op.status != "AUTHORIZED" {
		return c.refused("Ошибка валидации: списание в статусе "+op.status+" невозможно", refusedResult)
	}
	c.approve(op, op.amount, true)
	return result(true)
}

func (c *call) refundPayment() (reply, *refusal) {
	op, fault := c.own()
	if fault != nil {
		return reply{}, fault
	}
	a := c.sum("amount")
	answer := func(yes bool, order string) object {
		return object{{"isRefund", yes}, {"operationId", op.id}, {"amount", roubles(a)}, {"date", c.base.Clock.Now().In(moscow).Format(date)}, {"orderId", order}}
	}
	if c.takeRefusal(OpRefund) {
		return ok(answer(false, ""))
	}
	e, words := c.refund(op, a)
	if words != "" {
		return c.refused(words, answer(false, ""))
	}
	return ok(answer(true, e.id))
}

// registry is a day's money with the commission.
func (c *call) registry() (reply, *refusal) {
	company, fault := c.company(c.query.Get("customerCode"))
	if fault != nil {
		return reply{}, fault
	}
	merchant, day := c.query.Get("merchantId"), c.query.Get("date")
	if company.retailer(merchant) == nil {
		return reply{}, forbidden()
	}
	today := c.base.Clock.Now().In(c.opt.dateZone).Format(date)
	out := []object{}
	for _, id := range c.opIDs {
		op := c.operations[id]
		c.age(op)
		if op.customer != company.CustomerCode || op.merchant != merchant || !slices.Contains([]string{"APPROVED", "REFUNDED", "REFUNDED_PARTIALLY", "WAIT_FULL_PAYMENT"}, op.status) ||
			op.paid.In(c.opt.dateZone).Format(date) != day || day == today && op.paymentType == "card" {
			continue
		}
		if want := c.query.Get("paymentId"); want != "" && want != op.paymentID {
			continue
		}
		keeps := c.commission(op, op.amount)
		out = append(out, object{{"paymentType", op.paymentType}, {"totalAmount", roubles(op.amount)}, {"paymentId", op.paymentID}, {"payments", []object{{
			{"purpose", op.purpose}, {"status", op.status}, {"amount", roubles(op.amount)}, {"operationId", op.id}, {"paymentLink", c.linkOf(op)},
			{"time", stamp(op.paid, moscow)}, {"number", op.link}, {"commission", roubles(keeps)}, {"enrollmentAmount", roubles(op.amount - keeps)}}}}})
	}
	return ok(object{{"Registry", out}})
}
