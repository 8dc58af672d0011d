package sberbanktest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// finish3ds exists so that the method is listed; legacyFinish serves it.
func (c *call) finish3ds() (obj, *gateway.Refusal) { return nil, gateway.Refuse(5, tParam) }

// legacyFinish is where the customer's browser brings PaRes: it ends the
// payment and sends him to the shop.
func (s *Server) legacyFinish(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	said := gateway.Unpacked(r.PostForm.Get("PaRes"))
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.challenged(gateway.ScalarText(said["threeDSServerTransID"]))
	if o == nil || !o.legacy {
		gateway.EmptyHTML(w, http.StatusBadRequest)
		return
	}
	s.desk.EndChallenge(&o.Order, o.Challenge.Finished && o.Challenge.Success)
	http.Redirect(w, r, s.returnTo(o, o.Action == 0), http.StatusSeeOther)
}

// lastOrders is getLastOrdersForMerchants.do, the only list with pages.
func (c *call) lastOrders() (obj, *gateway.Refusal) {
	list, err := gateway.ReadListing(c.Str, 0)
	switch {
	case err != nil:
		return nil, gateway.Refuse(5, tFillFields).Because(err.Error())
	case list.Size > 200:
		return nil, gateway.Refuse(10, tPageSize)
	case list.UnknownState != "":
		return nil, gateway.Refuse(5, tParam).Because("unknown transaction state " + list.UnknownState)
	}
	if list := c.Str("merchants"); list != "" && !slices.Contains(strings.Split(list, ","), c.m.UserName) {
		return nil, gateway.Refuse(5, tNoRight).Because("merchants names another shop")
	}
	out := []obj{}
	total := 0
	for _, o := range c.s.all {
		if o.merchant != c.m || !o.legacy {
			continue
		}
		c.s.desk.Touch(&o.Order)
		if !list.Holds(&o.Order) {
			continue
		}
		if list.Shows(total) {
			out = append(out, c.statusOf(o))
		}
		total++
	}
	return obj{"errorCode": 0, "orderStatuses": out, "totalCount": total, "page": list.Page, "pageSize": list.Size}, nil
}

// enrollment is verifyEnrollment.do.
func (c *call) enrollment() (obj, *gateway.Refusal) {
	pan := c.Str("pan")
	if !gateway.Digits(pan) {
		return nil, gateway.Refuse(1, tParam)
	}
	known := legacyDeck.Find(pan)
	if known == nil {
		if known = newDeck.Find(pan); known == nil {
			return nil, gateway.Refuse(6, tNothingFound)
		}
	}
	enrolled := map[gateway.Flow]string{gateway.FlowNone: "N", gateway.FlowAttempt: "U"}[known.Flow]
	if enrolled == "" {
		enrolled = "Y"
	}
	out := c.done()
	out["enrolled"], out["emitterName"], out["emitterCountryCode"] = enrolled, "TEST CARD", "RU"
	return out, nil
}

// sslCardList is updateSSLCardList.do: the card of the order is never asked
// for 3-D Secure again.
func (c *call) sslCardList() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("mdorder"))
	if no != nil {
		return nil, no
	}
	if o.Paid == nil {
		return nil, gateway.Refuse(5, gateway.TextStatus)
	}
	if c.s.sslCards[o.Paid.PAN] {
		return nil, gateway.Refuse(6, tCardListed)
	}
	c.s.sslCards[o.Paid.PAN] = true
	return obj{"errorCode": 0, "errorMessage": ""}, nil
}

// addParams adds own parameters to an order.
func (c *call) addParams() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	text := c.Str("params")
	if text == "" {
		text = c.Str("jsonParams")
	}
	more := gateway.ObjectOf(text)
	if more == nil {
		return nil, gateway.Refuse(5, tParam)
	}
	o.SetParams(more)
	return obj{"errorCode": "0", "errorMessage": ""}, nil
}

// instantRefund gives money to a card without an order before it. It stands
// in the books as no payment, only in the answer.
func (c *call) instantRefund() (obj, *gateway.Refusal) {
	amount, ok := c.sum("amount")
	if !ok || amount == 0 {
		return nil, gateway.Refuse(5, tAmount)
	}
	if c.Str("orderNumber") == "" {
		return nil, gateway.Refuse(4, tEmptyNumber)
	}
	if c.Str("currency") != "" && c.Str("currency") != "643" {
		return nil, gateway.Refuse(3, tCurrency)
	}
	ways := 0
	for _, name := range []string{"bindingId", "seToken", "pan"} {
		if c.has(name) {
			ways++
		}
	}
	if ways != 1 {
		return nil, gateway.Refuse(5, tParam).Because("exactly one of bindingId, seToken and pan must be sent")
	}
	if id := c.Str("bindingId"); id != "" {
		if b := c.s.wallet.Find(shopOf(c.m, true), id); b == nil {
			return nil, gateway.Refuse(2, tBindingNone)
		}
	}
	if pan := c.Str("pan"); pan != "" && !gateway.Luhn(pan) {
		return nil, gateway.Refuse(1, tParam)
	}
	return obj{"errorCode": "0", "errorMessage": "", "orderId": c.s.base.IDs.UUID(), "orderStatus": obj{"orderStatus": gateway.Refunded, "orderNumber": c.Str("orderNumber"),
		"amount": amount, "currency": "643", "actionCode": 0}, "approvalCode": c.s.base.IDs.Letters(6), "rrn": c.s.base.IDs.Digits(12)}, nil
}

// rawSumRefund is processRawSumRefund.do: a refund with one line of a receipt
// of its own.
func (c *call) rawSumRefund() (obj, *gateway.Refusal) {
	if c.Str("name") == "" || c.Str("itemCode") == "" {
		return nil, gateway.Refuse(5, tParam).Because("name and itemCode are needed")
	}
	if no := c.decodeFields(); no != nil {
		return nil, no
	}
	return c.refund()
}

// rawPositionRefund is processRawPositionRefund.do: a refund of one position
// of the order's cart.
func (c *call) rawPositionRefund() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	amount, ok := c.sum("amount")
	if !ok {
		return nil, gateway.Refuse(5, tAmount)
	}
	found := false
	if o.cart != nil {
		for _, it := range o.cart.items {
			if it.Position == c.Str("positionId") {
				found = amount <= it.Amount
			}
		}
	}
	if !found {
		return nil, badCart("no such positionId, or amount is above it")
	}
	delete(c.In, "refundItems")
	return c.refund()
}

// externalReceipt registers a receipt that somebody else printed.
func (c *call) externalReceipt() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	r := c.Object("receipt")
	for _, name := range []string{"fn_number", "fiscal_document_number", "fiscal_document_attribute", "amount_total", "receipt_date_time"} {
		if gateway.ScalarText(r[name]) == "" {
			return nil, gateway.Refuse(4, tMissing).Because("receipt." + name)
		}
	}
	if _, err := time.ParseInLocation("2006:01:02 15:04:05", gateway.ScalarText(r["receipt_date_time"]), gateway.Moscow); err != nil {
		return nil, gateway.Refuse(5, tParam).Because("receipt.receipt_date_time is yyyy:MM:dd HH:mm:ss")
	}
	_ = o
	return obj{"errorCode": "0", "errorMessage": ""}, nil
}
