package alfabanktest

import (
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// oldStatus is getOrderStatus.do.
func (c *call) oldStatus() (obj, *refusal) {
	if c.Str("orderId") == "" {
		return nil, refuse(5, emptyText("orderId"))
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	out := c.oldWords(o)
	if o.Status == gateway.Declined {
		out["ErrorCode"], out["ErrorMessage"] = "2", tOldDeclined.In(c.lang)
	}
	if o.Saved != nil {
		out["BindingInfo"] = obj{"clientId": o.Saved.ClientID, "bindingId": o.Saved.ID}
	}
	return out, nil
}

// oldWords is an order in the capitals of the older methods.
func (c *call) oldWords(o *order) obj {
	out := obj{"OrderStatus": o.Status, "ErrorCode": "0", "ErrorMessage": tOK.In(c.lang), "OrderNumber": o.Number, "Amount": o.Amount,
		"currency": c.currency(), "depositAmount": c.s.desk.Deposited(&o.Order), "authCode": 2}
	if o.Paid != nil {
		out["Pan"], out["expiration"] = deck.Mask(o.Paid.PAN), o.Paid.Expiry
		if o.Paid.Holder != "" {
			out["cardholderName"] = o.Paid.Holder
		}
	}
	if o.Approval != "" {
		out["approvalCode"] = o.Approval
	}
	if o.IP != "" {
		out["Ip"] = o.IP
	}
	return out
}

// lastOrders is getLastOrdersForMerchants.do, the only list with pages.
func (c *call) lastOrders() (obj, *refusal) {
	list, err := gateway.ReadListing(c.Str, 25)
	switch {
	case err != nil:
		return nil, refuse(5, tParam).Because(err.Error())
	case list.Size > 200:
		return nil, refuse(5, tParam).Because("size is at most 200")
	case list.UnknownState != "":
		return nil, refuse(5, tParam).Because("unknown transaction state " + list.UnknownState)
	}
	shops := []string{c.m.UserName}
	if names := c.Str("merchants"); names != "" {
		shops = strings.Split(names, ",")
	}
	for _, shop := range shops {
		if shop != c.m.UserName && !slices.Contains(c.m.Children, shop) {
			return nil, refuse(5, tAccess).Because("merchants names another shop")
		}
	}
	out := []obj{}
	total := 0
	for _, o := range c.s.all {
		if o.merchant != c.m || !slices.Contains(shops, o.owner) {
			continue
		}
		c.s.desk.Touch(&o.Order)
		if !list.Holds(&o.Order) || (!list.ByCreation && !o.wasPaid()) {
			continue
		}
		if list.Shows(total) {
			out = append(out, c.statusOf(o))
		}
		total++
	}
	return obj{"errorCode": 0, "orderStatuses": out, "totalCount": total, "page": list.Page, "pageSize": list.Size}, nil
}

// wasPaid says whether the order has a date of payment: without it a list by
// that date has it not.
func (o *order) wasPaid() bool { return o.Status != gateway.Declined && !o.Open() }

// addParams adds own parameters to an order that is not paid.
func (c *call) addParams() (obj, *refusal) {
	if no := c.need("orderId", "params"); no != nil {
		return nil, no
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	more := gateway.ObjectOf(c.Str("params"))
	switch {
	case more == nil:
		return nil, refuse(5, tParam).Because("params is not a JSON object")
	case !o.Open():
		return nil, c.wrongState()
	}
	o.SetParams(more)
	return c.ok(nil), nil
}

// enrollment is verifyEnrollment.do.
func (c *call) enrollment() (obj, *refusal) {
	pan := c.Str("pan")
	if !gateway.Digits(pan) || !gateway.Luhn(pan) {
		return nil, refuse(1, tBadCard)
	}
	known := deck.Find(pan)
	if known == nil {
		return nil, refuse(6, tNothing)
	}
	enrolled := "Y"
	if known.Flow == gateway.FlowNone {
		enrolled = "N"
	}
	return c.ok(obj{"enrolled": enrolled, "emitterName": "TEST CARD", "emitterCountryCode": "RU"}), nil
}

// otherWay is paymentotherway.do: the customer is sent to choose. What the
// bank answered is not known.
func (c *call) otherWay() (obj, *refusal) {
	if no := c.need("MDORDER", "paymentWay"); no != nil {
		return nil, no
	}
	o, no := c.payable("MDORDER")
	if no != nil {
		return nil, no
	}
	return obj{"errorCode": 0, "info": tInfo.In(c.lang), "redirect": c.s.formURL(o)}, nil
}

// alfaPay is alfapay/payment.do, which makes the order itself.
func (c *call) alfaPay() (obj, *refusal) {
	if cur := c.Str("currencyCode"); cur != "" {
		c.In["currency"] = cur
	}
	c.lang = strings.ToLower(c.lang)
	if c.lang != "" && !slices.Contains(languages, c.lang) {
		return nil, refuse(5, tLanguage)
	}
	o, no := c.readOrder(false, "orderNumber", "amount", "returnUrl")
	if no != nil {
		return nil, no
	}
	c.s.enter(o)
	return c.toWallet(o), nil
}

// alfaPayOrder is alfapay/paymentOrder.do, for an order that was registered.
func (c *call) alfaPayOrder() (obj, *refusal) {
	o, no := c.payable("orderId")
	if no != nil {
		return nil, no
	}
	return c.toWallet(o), nil
}

func (c *call) toWallet(o *order) obj {
	return obj{"success": true, "data": obj{"orderId": o.ID, "redirect": c.s.formURL(o)}}
}
