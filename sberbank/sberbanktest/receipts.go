package sberbanktest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// receipt is a receipt (чек) on its way through the cash service.
type receipt struct {
	id, operationID, operation string
	kind                       string // SELL, SELL_REFUND, as the merchant wrote it
	refund                     bool
	order                      *order
	cart                       *cart
	origin                     string
	total                      money.Amount
	made                       time.Time
	fault                      *ReceiptError
	number                     int
	replaced                   bool
}

// makeReceipt starts a receipt where the cart asks for one.
func (s *Server) makeReceipt(o *order, c *cart, operation string, refund bool) *receipt {
	if c == nil || !c.fiscal || o.merchant.NoCash {
		return nil
	}
	s.fiscalNo++
	r := &receipt{id: s.base.IDs.UUID(), operationID: s.base.IDs.UUID(), operation: operation, refund: refund, order: o, cart: c, total: c.total, made: s.base.Clock.Now(), number: s.fiscalNo}
	r.kind = cmp.Or(gateway.ScalarText(c.raw["receiptType"]), "SELL")
	if refund && (r.kind == "SELL" || r.kind == "sell") {
		r.kind += map[string]string{"SELL": "_REFUND", "sell": "_refund"}[r.kind]
	}
	for _, it := range c.items {
		if e, bad := s.cfg.receiptErrors[it.Code]; bad {
			r.fault = &e
		}
	}
	if refund && len(o.receipts) > 0 {
		r.origin = o.receipts[0].id
	}
	o.receipts = append(o.receipts, r)
	s.receipts[r.id] = r
	if to := o.merchant.ReceiptCallbackURL; to != "" {
		s.base.Clock.AfterFunc(2*s.cfg.receiptStep, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.notifyReceipt(r, to)
		})
	}
	return r
}

// status is receiptStatus of the new gateway: 1 waiting to be sent, 2 sent,
// 3 done, 4 to 6 failed.
func (r *receipt) status(s *Server) int {
	age := s.base.Clock.Now().Sub(r.made)
	switch {
	case age < s.cfg.receiptStep:
		return 1
	case age < 2*s.cfg.receiptStep:
		return 2
	case r.fault == nil:
		return 3
	}
	return cmp.Or(r.fault.Status, 4)
}

// Receipts are the receipts that the cash service was given, oldest first.
func (s *Server) Receipts() []Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Receipt
	for _, o := range s.all {
		for _, r := range o.receipts {
			e := Receipt{ID: r.id, OrderID: o.ID, Refund: r.refund, State: emulator.ReceiptWaiting, Total: r.total, Created: r.made, Lines: r.cart.lines()}
			switch status := r.status(s); {
			case status == 3:
				e.State, e.Printed = emulator.ReceiptPrinted, r.made.Add(2*s.cfg.receiptStep)
				e.FN, e.FD, e.FP, e.RegNumber = fnNumber, strconv.Itoa(r.number), strconv.FormatInt(r.attribute(), 10), regNumber
				e.Shift, e.Number, e.URL = 1, r.number, s.receiptURL(r)
			case status > 3:
				e.State, e.Fault = emulator.ReceiptFailed, cmp.Or(r.fault.Text, receiptFault)
			}
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Receipt) int { return a.Created.Compare(b.Created) })
	return out
}

// lines are the cart's items for Receipts.
func (c *cart) lines() []emulator.ReceiptLine {
	var out []emulator.ReceiptLine
	for i, it := range c.items {
		line := emulator.ReceiptLine{Name: it.Name, Price: it.Price, Quantity: gateway.MilliText(it.Milli), Sum: it.Amount}
		if raw := gateway.Items(c.raw); i < len(raw) {
			tax, _ := raw[i]["tax"].(obj)
			line.VAT = gateway.ScalarText(tax["taxType"])
		}
		out = append(out, line)
	}
	return out
}

// What the one register of the cash service writes on each receipt.
const (
	fnNumber     = "9999078900000001"
	regNumber    = "0000000001000001"
	receiptFault = "Возникла ошибка. Обратитесь в поддержку кассового сервиса."
)

func (r *receipt) attribute() int64 { return 1000000000 + int64(r.number)*7919 }

// receiptURL stands for the page of the operator of fiscal data.
func (s *Server) receiptURL(r *receipt) string { return s.URL + receiptPath + r.id }

const receiptPath = "/ofd/r/"

// serveReceipt is that page.
func (s *Server) serveReceipt(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, receiptPath)
	for _, e := range s.Receipts() {
		if e.ID == id {
			e.Write(w, "")
			return
		}
	}
	http.NotFound(w, r)
}

func stamp(t time.Time) string { return t.In(gateway.Moscow).Format("02.01.2006 15:04:05") }

// view is the receipt as ofd/v1/getReceiptStatus shows it.
func (r *receipt) view(s *Server) obj {
	status := r.status(s)
	printed := r.made.Add(2 * s.cfg.receiptStep)
	out := obj{"receiptId": r.id, "operationId": r.operationID, "operationType": r.operation, "receiptType": r.kind, "receiptStatus": status,
		"timestamp": stamp(min64(s.base.Clock.Now(), printed)), "groupCode": "emulator"}
	if r.origin != "" {
		out["origReceiptId"] = r.origin
	}
	switch {
	case status == 3:
		out["daemonCode"], out["deviceCode"] = "atol1", "KKT000001"
		out["payload"] = obj{"fiscalReceiptNumber": r.number, "shiftNumber": 1, "receiptDatetime": stamp(printed), "total": r.total, "fnNumber": fnNumber,
			"ecrRegistrationNumber": regNumber, "fiscalDocumentNumber": r.number, "fiscalDocumentAttribute": r.attribute(), "fnsSite": "www.nalog.gov.ru", "ofdInn": "7700000000",
			"ofdReceiptUrl": s.receiptURL(r)}
	case status >= 4:
		out["error"] = obj{"errorId": r.operationID, "code": r.fault.Code, "text": cmp.Or(r.fault.Text, receiptFault),
			"type": cmp.Or(r.fault.Type, "system"), "recommendation": cmp.Or(r.fault.Recommendation, 1)}
	}
	return out
}

func min64(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// receiptOrder finds what a call of ofd/v1 is about.
func (c *call) receiptOrder(alsoReceipt bool) (*order, *receipt, *gateway.Refusal) {
	names := 0
	for _, n := range []string{"orderId", "orderNumber", "receiptId"} {
		if c.has(n) && (n != "receiptId" || alsoReceipt) {
			names++
		}
	}
	if names != 1 {
		return nil, nil, &gateway.Refusal{Text: gateway.T("Ожидается ровно один идентификатор", "Exactly one identifier is expected"), HTTP: http.StatusBadRequest}
	}
	if id := c.Str("receiptId"); id != "" && alsoReceipt {
		r := c.s.receipts[id]
		if r == nil || r.order.merchant != c.m {
			return nil, nil, &gateway.Refusal{Text: gateway.T("Чек не найден", "Receipt not found"), HTTP: http.StatusNotFound}
		}
		return r.order, r, nil
	}
	o, no := c.orderByRef()
	if no != nil {
		no.Text = tNotFound
		no.HTTP = http.StatusNotFound
	}
	return o, nil, no
}

func (c *call) receiptStatus() (obj, *gateway.Refusal) {
	o, only, no := c.receiptOrder(true)
	if no != nil {
		return nil, no
	}
	list := []obj{}
	for _, r := range o.receipts {
		if only != nil && r != only {
			continue
		}
		if c.has("receiptStatus") && c.Str("receiptStatus") != strconv.Itoa(r.status(c.s)) {
			continue
		}
		list = append(list, r.view(c.s))
	}
	return obj{"orderId": o.ID, "orderNumber": o.Number, "receipts": list}, nil
}

func (c *call) retryReceipt() (obj, *gateway.Refusal) {
	ids, _ := c.In["receiptIds"].([]any)
	out := []obj{}
	for _, v := range ids {
		id := gateway.ScalarText(v)
		r := c.s.receipts[id]
		result := "Успешно"
		switch {
		case r == nil || r.order.merchant != c.m:
			result = "Чек не найден"
		case r.replaced:
			result = "Чек уже изменен ранее"
		case r.status(c.s) == 3:
			result = "Чек уже зарегистрирован ранее"
		case r.status(c.s) < 3:
			result = "Ожидается статус регистрации"
		default:
			r.fault, r.made = nil, c.now
		}
		out = append(out, obj{"receiptId": id, "result": result})
	}
	return obj{"message": "Успешно", "retryResult": out}, nil
}

// doReceipt prints a closing receipt, or a corrected one in place of one that
// failed.
func (c *call) doReceipt() (obj, *gateway.Refusal) {
	o, _, no := c.receiptOrder(false)
	if no != nil {
		return nil, no
	}
	if o.Status != gateway.Paid && o.Status != gateway.Refunded {
		return nil, &gateway.Refusal{Text: gateway.TextStatus, HTTP: http.StatusUnavailableForLegalReasons}
	}
	bundle := c.Object("orderBundle")
	kind := "SELL"
	if k := gateway.ScalarText(bundle["receiptType"]); k != "" && len(k) > 4 {
		kind = "SELL_REFUND"
	}
	total := amountOf(0)
	for _, e := range gateway.Items(bundle) {
		n, _ := strconv.ParseInt(gateway.ScalarText(e["itemAmount"]), 10, 64)
		total += amountOf(n)
	}
	cart, no := c.readCart(bundle, total, kind, nil)
	if no != nil || !cart.fiscal {
		if no == nil {
			no = badCart("ffdVersion and receiptType are needed")
		}
		no.HTTP = http.StatusUnavailableForLegalReasons
		return nil, no
	}
	if id := c.Str("receiptId"); id != "" {
		old := c.s.receipts[id]
		switch {
		case old == nil || old.order != o:
			return nil, &gateway.Refusal{Text: gateway.T("Чек не найден", "Receipt not found"), HTTP: http.StatusNotFound}
		case old.status(c.s) < 4 || old.replaced:
			return nil, &gateway.Refusal{Text: gateway.T("Чек уже зарегистрирован ранее", "The receipt was registered already"), HTTP: http.StatusUnavailableForLegalReasons}
		}
		old.replaced = true
	}
	r := c.s.makeReceipt(o, cart, "CLOSING", kind == "SELL_REFUND")
	if r == nil {
		return nil, &gateway.Refusal{Text: tSystem, HTTP: http.StatusInternalServerError}
	}
	return obj{"message": "Успешно", "receiptId": r.id, "orderId": o.ID, "orderNumber": o.Number}, nil
}

// legacyReceipts is getReceiptStatus.do.
func (c *call) legacyReceipts() (obj, *gateway.Refusal) {
	var o *order
	if id := c.Str("uuid"); id != "" {
		r := c.s.receipts[id]
		if r == nil || r.order.merchant != c.m {
			return nil, gateway.Refuse(6, tNothingFound)
		}
		o = r.order
	} else {
		if c.Str("orderId") != "" {
			delete(c.In, "orderNumber")
		}
		var no *gateway.Refusal
		if o, no = c.orderByRef(); no != nil {
			return nil, no
		}
	}
	list := []obj{}
	for _, r := range o.receipts {
		status := map[int]int{1: 0, 2: 0, 3: 1}[r.status(c.s)]
		if r.status(c.s) > 3 {
			status = 2
		}
		if r.refund {
			status += 3
		}
		e := obj{"receiptStatus": status, "uuid": r.id}
		if r.origin != "" {
			e["original_ofd_uuid"] = r.origin
		}
		if status%3 == 1 {
			e["shift_number"], e["receipt_number"], e["receipt_datetime"] = 1, r.number, gateway.MS(r.made.Add(2*c.s.cfg.receiptStep))
			e["fn_number"], e["ecr_registration_number"] = fnNumber, regNumber
			e["fiscal_document_number"], e["fiscal_document_attribute"] = r.number, strconv.FormatInt(r.attribute(), 10)
			e["amount_total"], e["fnsSite"] = r.total.String(), "www.nalog.gov.ru"
			e["OFD"] = obj{"name": "OFD", "website": "ofd.example", "INN": "7700000000"}
		}
		list = append(list, e)
	}
	return obj{"errorCode": "0", "orderNumber": o.Number, "orderId": o.ID, "daemonCode": "atol1", "deviceCode": "KKT000001", "receipt": list}, nil
}
