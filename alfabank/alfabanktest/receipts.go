package alfabanktest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// receipt is a receipt (чек) on its way through the merchant's cash register.
type receipt struct {
	id, origin    string
	order         *order
	basket        *basket
	total         money.Amount
	refund, close bool
	made          time.Time
	fault         *ReceiptError
	number        int
}

// print starts a receipt where the order has a basket and the merchant a fiscal
// service.
func (s *Server) print(o *order, b *basket, total money.Amount, refund, closing bool) {
	if b == nil || !o.merchant.may(FiscalService) || (o.basket == nil && !closing) {
		return
	}
	s.fiscalNo++
	r := &receipt{id: s.base.IDs.UUID(), order: o, basket: b, total: total, refund: refund, close: closing, made: s.base.Clock.Now(), number: s.fiscalNo}
	for _, it := range b.items {
		if e, bad := s.cfg.receiptErrors[it.Code]; bad {
			r.fault = &e
		}
	}
	if refund && len(o.receipts) > 0 {
		r.origin = o.receipts[0].id
	}
	o.receipts = append(o.receipts, r)
}

// status is receiptStatus: 0 sent, 1 delivered, 2 error; 3 to 5 of a refund.
func (r *receipt) status(s *Server) int {
	st := 0
	switch {
	case s.base.Clock.Now().Sub(r.made) < s.cfg.receiptStep:
	case r.fault != nil:
		st = 2
	default:
		st = 1
	}
	if r.refund {
		st += 3
	}
	return st
}

// Receipts are the receipts that the fiscal service was given, oldest first.
func (s *Server) Receipts() []Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Receipt
	for _, o := range s.all {
		for _, r := range o.receipts {
			e := Receipt{ID: r.id, OrderID: o.ID, Refund: r.refund, State: emulator.ReceiptWaiting, Total: r.total, Created: r.made}
			for i, it := range r.basket.items {
				tax, _ := r.basket.lines[i]["tax"].(obj)
				e.Lines = append(e.Lines, emulator.ReceiptLine{Name: it.Name, Price: it.Price, Quantity: gateway.MilliText(it.Milli), Sum: it.Amount,
					VAT: gateway.ScalarText(tax["taxType"])})
			}
			switch r.status(s) % 3 {
			case 1:
				e.State, e.Printed = emulator.ReceiptPrinted, r.made.Add(s.cfg.receiptStep)
				e.FN, e.FD, e.FP, e.RegNumber = fnNumber, strconv.Itoa(r.number), r.attribute(), regNumber
				e.Shift, e.Number, e.URL = 27, r.number, s.receiptURL(r)
			case 2:
				e.State, e.Fault = emulator.ReceiptFailed, r.fault.Text
			}
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Receipt) int { return a.Created.Compare(b.Created) })
	return out
}

// What the one register of the fiscal service writes on each receipt.
const (
	fnNumber  = "9999078900006364"
	regNumber = "1234567890023481"
)

func (r *receipt) attribute() string { return strconv.Itoa(1000000000 + r.number*7919) }

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

// closeReceipt is closeOfdReceipt.do: the second receipt, at the handing over.
func (c *call) closeReceipt() (obj, *refusal) {
	if no := c.need("amount"); no != nil {
		return nil, no
	}
	o, no := c.orderByRef("mdOrder")
	if no != nil {
		return nil, no
	}
	amount, ok := c.sum("amount")
	switch {
	case !ok || amount == 0:
		return nil, refuse(5, tAmount)
	case o.Captured == 0, o.Captured == o.Refunded:
		return nil, c.wrongState().Because("nothing was debited, or all of it was refunded")
	}
	if no := c.checkOFD(); no != nil {
		return nil, no
	}
	b := o.basket
	if in := c.Object("orderBundle"); in != nil {
		if b, no = c.readItems(in, nil); no != nil {
			return nil, no
		}
	}
	if b == nil {
		return nil, c.badBasket(tBasket, "neither the order nor the request has a basket")
	}
	c.s.print(o, b, amount, false, true)
	return obj{"success": true}, nil
}

func (c *call) receiptStatus() (obj, *refusal) {
	var o *order
	var only *receipt
	if id := c.Str("uuid"); id != "" && c.Str("orderId") == "" && c.Str("orderNumber") == "" {
		for _, candidate := range c.s.all {
			for _, r := range candidate.receipts {
				if r.id == id && candidate.merchant == c.m {
					o, only = candidate, r
				}
			}
		}
		if o == nil {
			return nil, refuse(6, tUnknown)
		}
	} else {
		var no *refusal
		if o, no = c.orderByRef("orderId"); no != nil {
			return nil, no
		}
	}
	list := []obj{}
	for _, r := range o.receipts {
		if only == nil || r == only {
			list = append(list, c.receiptView(r))
		}
	}
	return obj{"errorCode": "0", "orderNumber": o.Number, "orderId": o.ID, "receipt": list}, nil
}

// receiptView is a receipt by the version that the merchant has.
func (c *call) receiptView(r *receipt) obj {
	version := c.choose(c.m.ReceiptVersion, 5)
	status := r.status(c.s)
	out := obj{"receiptStatus": status, "uuid": r.id}
	if version >= 2 && r.origin != "" {
		out["original_ofd_uuid"] = r.origin
	}
	if version >= 3 {
		out["receiptType"] = nil
		if r.close {
			out["receiptType"] = "close"
		}
	}
	if status%3 != 1 {
		return out
	}
	n := strconv.Itoa(r.number)
	out["shift_number"], out["fiscal_receipt_number"], out["fiscal_document_number"] = "27", n, n
	out["fiscal_document_attribute"] = r.attribute()
	out["fn_number"], out["ecr_registration_number"], out["serial_number"] = fnNumber, regNumber, "00106900000001"
	out["ofd_receipt_url"] = c.s.receiptURL(r)
	date := "receipt_date_time"
	if c.s.cfg.unknowns.ReceiptDatetime {
		date = "receipt_datetime"
	}
	out[date] = gateway.MS(r.made.Add(c.s.cfg.receiptStep))
	out["amount_total"] = r.total.String()
	out["OFD"] = obj{"inn": "7700000000", "name": "ОФД", "website": "ofd.example"}
	if version >= 4 {
		out["ofdReceiptParams"] = obj{"ofdReceiptStatus": obj{"queuedDoc": 0, "ffdVersion": "1.2", "internetSign": true}, "vatAmount": r.vat()}
	}
	if version >= 5 {
		out["ofdOrderBundle"] = r.bundle()
	}
	return out
}

func (r *receipt) vat() money.Amount {
	sum := money.Amount(0)
	for _, line := range r.basket.lines {
		tax, _ := line["tax"].(obj)
		n, _ := strconv.ParseInt(gateway.OrZero(gateway.ScalarText(tax["taxSum"])), 10, 64)
		sum += money.Amount(n)
	}
	return sum
}

func (r *receipt) bundle() []obj {
	out := make([]obj, 0, len(r.basket.items))
	for i, it := range r.basket.items {
		e := obj{"name": it.Name, "itemAmount": it.Amount, "itemPrice": it.Price, "quantity": obj{"value": gateway.MilliText(it.Milli)}, "taxType": 0}
		if i < len(r.basket.lines) {
			line := r.basket.lines[i]
			e["quantity"] = obj{"value": gateway.MilliText(it.Milli), "measure": measureOf(line)}
			if tax, ok := line["tax"].(obj); ok {
				e["taxType"], _ = strconv.Atoi(gateway.ScalarText(tax["taxType"]))
			}
			if a, ok := line["itemAttributes"].(obj); ok {
				e["itemAttributes"] = a["attributes"]
			}
		}
		out = append(out, e)
	}
	return out
}
