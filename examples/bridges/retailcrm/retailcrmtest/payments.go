package retailcrmtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const timeForm = "2006-01-02 15:04:05"

// roubles is a sum as a JSON number.
func roubles(a Amount) json.RawMessage { return json.RawMessage(a.Short()) }

// check says whether the payment may proceed: the outer success is of the
// request, the inner one of the payment.
func (c *call) check() {
	c.known(c.body, "", "invoiceUuid", "amount", "currency")
	uuid := c.uuid(c.body, "invoiceUuid")
	sum := c.Sum(c.body, "", "amount", true)
	currency := c.Text(c.body, "", "currency", true)
	if c.failed(false) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.invoices[uuid]
	if i == nil {
		c.refuse(http.StatusNotFound, "Not found")
		return
	}
	if why := c.objection(i, sum, currency); why != "" {
		c.answer(object{"result": object{"success": false, "errorMsg": why}})
		return
	}
	c.answer(object{"result": object{"success": true}})
}

func (s *Server) objection(i *Invoice, sum Amount, currency string) string {
	p := s.payments[i.PaymentID]
	switch {
	case s.refusal != "":
		return s.refusal
	case p == nil || p.Deleted:
		return "Оплата удалена из заказа"
	case p.InvoiceUUID != i.UUID:
		return "Для оплаты выставлен другой счёт"
	case i.Status == StatusCanceled:
		return "Счёт отменён"
	case i.Status == StatusSucceeded || i.Status == StatusRefundSucceeded:
		return "Счёт уже оплачен"
	case currency != p.Currency:
		return "Валюта оплаты изменилась"
	case sum != p.Amount:
		return "Сумма оплаты изменилась"
	}
	return ""
}

// createInvoice starts the CRM's own create and gives the link.
func (c *call) createInvoice() {
	c.known(c.body, "", "paymentId", "returnUrl")
	id, _ := c.Integer(c.body, "", "paymentId", true, nil)
	back := c.address(c.body, "", "returnUrl", false)
	if c.failed(false) {
		return
	}
	if _, ok := c.Payment(int(id)); !ok {
		c.refuse(http.StatusNotFound, "Not found")
		return
	}
	i, err := c.link(int(id), back)
	if err != nil {
		c.refuse(http.StatusBadRequest, err.Error())
		return
	}
	c.answer(object{"result": object{"link": i.Link}})
}

func (c *call) updateInvoice() {
	o := c.body
	c.known(o, "", "invoiceUuid", "paymentId", "status", "amount", "discountAmount", "cancellationDetails", "invoiceUrl", "paidAt", "expiredAt",
		"refundable", "cancellable", "refund")
	uuid := c.uuid(o, "invoiceUuid")
	own := c.Length(o, "", "paymentId", false, 255)
	status := c.Length(o, "", "status", false, 50)
	if status != "" && !slices.Contains(c.opt.statuses, status) {
		c.Fail("поле status: недопустимое значение %q", status)
	}
	sum, discount := c.Sum(o, "", "amount", false), c.Sum(o, "", "discountAmount", false)
	if sum < 0 || discount < 0 {
		c.Fail("поле amount меньше нуля")
	}
	details := c.Length(o, "", "cancellationDetails", false, 255)
	link := c.address(o, "", "invoiceUrl", false)
	paid, expired := c.moment(o, "paidAt"), c.moment(o, "expiredAt")
	refundable, cancellable := c.Boolean(o, "", "refundable"), c.Boolean(o, "", "cancellable")
	refund, told := c.refund()
	if c.failed(false) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.invoices[uuid]
	if i == nil {
		c.refuse(http.StatusNotFound, "Not found")
		return
	}
	switch {
	case own != "" && i.ModulePaymentID != "" && own != i.ModulePaymentID:
		c.Fail("поле paymentId: у счёта другой платёж")
	case c.opt.forwardOnly && back(i.Status, status):
		c.Fail("поле status: из %q не бывает %q", i.Status, status)
	case told && i.refundedWith(refund) > max(i.Amount, sum):
		c.Fail("поле refund.amount: возвращено больше, чем оплачено")
	}
	if c.failed(false) {
		return
	}
	set(&i.ModulePaymentID, own)
	set(&i.Link, link)
	set(&i.Details, details)
	set(&i.Amount, sum)
	set(&i.Discount, discount)
	set(&i.PaidAt, paid)
	set(&i.ExpiredAt, expired)
	if o["refundable"] != nil {
		i.Refundable = refundable
	}
	if o["cancellable"] != nil {
		i.Cancellable = cancellable
	}
	if told {
		i.put(refund)
	}
	if status != "" {
		c.become(i, status)
	}
	i.Updates++
	c.answer(object{})
}

// set keeps what a field did not say.
func set[T comparable](to *T, v T) {
	var none T
	if v != none {
		*to = v
	}
}

// refundedWith is the sum of the refunds when this one is among them.
func (i *Invoice) refundedWith(r Refund) Amount {
	c := i.clone()
	c.put(r)
	return c.Refunded()
}

func (c *call) refund() (r Refund, told bool) {
	o := c.Object(c.body, "", "refund", false)
	if o == nil {
		return r, false
	}
	c.known(o, "refund", "id", "status", "comment", "amount")
	r = Refund{ID: c.Length(o, "refund", "id", true, 255), Status: c.Word(o, "refund", "status", true, []string{RefundPending, RefundSucceeded, RefundCanceled}),
		Amount: c.Sum(o, "refund", "amount", true), Comment: c.Length(o, "refund", "comment", false, 255), CreatedAt: c.base.Clock.Now()}
	if r.Amount <= 0 {
		c.Fail("поле refund.amount должно быть больше нуля")
	}
	return r, true
}

// moment is a field with a time in the account's zone.
func (c *call) moment(o object, name string) time.Time {
	v := c.Text(o, "", name, false)
	if v == "" {
		return time.Time{}
	}
	t, err := time.ParseInLocation(timeForm, v, c.opt.zone)
	if err != nil {
		c.Fail("поле %s: ожидается Y-m-d H:i:s", name)
	}
	return t
}

func (c *call) getInvoice() {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.invoices[c.r.PathValue("uuid")]
	if i == nil {
		write(c.w, http.StatusNotFound, object{"success": false})
		return
	}
	show := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.In(c.opt.zone).Format(timeForm)
	}
	var paymentID any = i.PaymentID
	if c.opt.textIDs {
		paymentID = strconv.Itoa(i.PaymentID)
	}
	refunds := make([]object, 0, len(i.Refunds))
	for n, r := range i.Refunds {
		refunds = append(refunds, object{"id": n + 1, "externalId": r.ID, "status": r.Status, "comment": r.Comment, "amount": roubles(r.Amount), "createdAt": show(r.CreatedAt)})
	}
	out := object{"invoiceUuid": i.UUID, "invoiceType": "link", "createdAt": show(i.CreatedAt), "paymentId": paymentID, "externalId": i.ModulePaymentID,
		"amount": i.Amount.String(), "currency": i.Currency, "status": i.Status, "link": i.Link, "errorMsg": i.Error, "paidAt": show(i.PaidAt),
		"expiredAt": show(i.ExpiredAt), "cancellationDetails": i.Details, "refundable": i.Refundable, "cancellable": i.Cancellable,
		"refunds": refunds, "discountAmount": roubles(i.Discount)}
	if p := c.payments[i.PaymentID]; p != nil {
		if o := c.orders[p.OrderNumber]; o != nil {
			out["orderId"], out["email"], out["phone"] = o.ID, o.Customer.Email, o.Customer.Phone
		}
	}
	c.answer(object{"invoice": out})
}

// importInvoice takes an invoice that was made elsewhere.
func (c *call) importInvoice() {
	o := c.body
	c.known(o, "", "paymentId", "externalId", "amount", "currency", "status", "createdAt", "paidAt", "discountAmount", "refunds", "refundable")
	id, _ := c.Integer(o, "", "paymentId", true, nil)
	i := &Invoice{PaymentID: int(id), ModulePaymentID: c.Length(o, "", "externalId", true, 255), Amount: c.Sum(o, "", "amount", true),
		Currency: c.Text(o, "", "currency", true), CreatedAt: c.moment(o, "createdAt"), PaidAt: c.moment(o, "paidAt"),
		Discount: c.Sum(o, "", "discountAmount", false), Refundable: c.Boolean(o, "", "refundable"), Imported: true, Updates: 1}
	status := c.Word(o, "", "status", true, c.opt.statuses)
	for n, r := range c.Objects(o, "", "refunds", false) {
		at := "refunds[" + strconv.Itoa(n) + "]"
		c.known(r, at, "id", "externalId", "status", "comment", "amount", "createdAt")
		i.put(Refund{ID: c.ID(r, at, "externalId", true), Status: c.Word(r, at, "status", true, []string{RefundPending, RefundSucceeded, RefundCanceled}),
			Amount: c.Sum(r, at, "amount", true), Comment: c.Text(r, at, "comment", false), CreatedAt: c.base.Clock.Now()})
	}
	if i.Amount <= 0 {
		c.Fail("поле amount должно быть больше нуля")
	}
	if c.failed(false) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.payments[i.PaymentID]
	if p == nil {
		c.refuse(http.StatusNotFound, "Not found")
		return
	}
	for _, other := range c.invoices {
		if other.Imported && other.ModulePaymentID == i.ModulePaymentID {
			c.Fail("поле externalId: такой счёт уже есть")
		}
	}
	if c.failed(false) {
		return
	}
	i.UUID, i.Module, i.Shop = c.base.IDs.UUID(), p.Module, p.Shop
	p.InvoiceUUID = i.UUID
	c.invoices[i.UUID] = i
	c.order = append(c.order, i.UUID)
	c.become(i, status)
	c.answer(object{"invoice": object{"invoiceUuid": i.UUID}})
}
