package alfabanktest

import (
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// terminalID is the same for all orders, as it is for one outlet.
const terminalID = "123456"

// status is getOrderStatusExtended.do.
func (c *call) status() (obj, *refusal) {
	o, no := c.orderByRef("orderId")
	if no != nil {
		return nil, no
	}
	return c.statusOf(o), nil
}

func (c *call) statusOf(o *order) obj {
	version := c.choose(c.m.StatusVersion, 46)
	out := c.ok(obj{
		"orderNumber": o.Number, "orderStatus": o.Status, "actionCode": o.Action, "actionCodeDescription": "", "amount": o.Amount, "currency": c.currency(),
		"date": gateway.MS(o.Created), "orderDescription": o.Description, "attributes": []obj{{"name": "mdOrder", "value": o.ID}},
		"merchantOrderParams": c.params(o),
	})
	if o.Action != 0 {
		out["actionCodeDescription"] = gateway.ActionText(o.Action, c.lang)
	}
	if o.IP != "" {
		out["ip"] = o.IP
	}
	if info := c.cardInfo(o, version); len(info) > 0 {
		out["cardAuthInfo"] = info
	}
	if o.Saved != nil {
		out["bindingInfo"] = c.bindingInfo(o, o.Saved.ID, version)
	} else if o.sbpBinding != nil {
		out["bindingInfo"] = c.bindingInfo(o, o.sbpBinding.id, version)
	}
	c.newerFields(o, out, func(since int, name string, v any) {
		if version >= since {
			out[name] = v
		}
	}, version)
	return out
}

func (c *call) params(o *order) []obj {
	list := []obj{}
	for _, p := range o.Params {
		list = append(list, obj{"name": p.Name, "value": gateway.ScalarText(p.Value)})
	}
	if o.Attempts > 0 && o.Action == 0 {
		list = append(list, obj{"name": "originalResponseCode", "value": "00"})
	}
	return list
}

func (c *call) bindingInfo(o *order, id string, version int) obj {
	out := obj{"clientId": o.ClientID, "bindingId": id}
	if !o.AuthAt.IsZero() {
		out["authDateTime"], out["authRefNum"], out["terminalId"] = gateway.MS(o.AuthAt), o.RRN, terminalID
	}
	if version >= 20 {
		out["externalCreated"] = false
	}
	return out
}

// newerFields are those that the merchant's version decides about.
func (c *call) newerFields(o *order, out obj, put func(int, string, any), version int) {
	if o.basket != nil {
		put(1, "orderBundle", o.basket.raw)
		put(24, "ofdOrderBundle", o.remaining())
	}
	if !o.AuthAt.IsZero() {
		put(2, "authDateTime", gateway.MS(o.AuthAt))
		put(2, "terminalId", terminalID)
		put(2, "authRefNum", o.RRN)
	}
	sums := obj{"paymentState": gateway.PaymentStates[o.Status], "approvedAmount": o.Held, "depositedAmount": c.s.desk.Deposited(&o.Order), "refundedAmount": o.Refunded}
	if version >= 18 {
		sums["totalAmount"] = o.Amount
	}
	put(3, "paymentAmountInfo", sums)
	bank := obj{"bankCountryCode": "UNKNOWN", "bankCountryName": "Unknown"}
	if o.Paid != nil {
		bank = obj{"bankName": "TEST CARD", "bankCountryCode": "RU", "bankCountryName": "Россия"}
	}
	put(3, "bankInfo", bank)
	if version >= 5 {
		out["refunds"] = o.refundList(version)
	}
	put(6, "chargeback", false)
	if o.Way != "" {
		put(9, "paymentWay", o.Way)
	}
	for _, f := range []struct {
		since int
		name  string
		at    time.Time
	}{{10, "depositedDate", o.PaidAt}, {12, "refundedDate", o.RefundedAt}, {12, "reversedDate", o.ReversedAt}} {
		if !f.at.IsZero() {
			put(f.since, f.name, gateway.MS(f.at))
		}
	}
	payer := obj{}
	for name, v := range map[string]string{"email": o.Email, "phone": o.Phone, "postAddress": o.post} {
		if v != "" {
			payer[name] = v
		}
	}
	if len(payer) > 0 {
		put(13, "payerData", payer)
	}
	attributes := []obj{}
	if b := o.sbpBinding; b != nil {
		attributes = append(attributes, obj{"name": "subscriptionServiceName", "value": b.serviceName}, obj{"name": "subscriptionServiceId", "value": b.serviceID})
	}
	put(14, "transactionAttributes", attributes)
	if o.Attempts > 0 {
		utrnno, _ := strconv.ParseInt(o.RRN, 10, 64)
		put(16, "feUtrnno", utrnno)
	}
	if o.Action > 0 {
		put(33, "displayErrorMessage", gateway.ActionText(o.Action, c.lang))
	}
	if o.tii != "" {
		put(37, "tii", o.tii)
	}
}

func (o *order) refundList(version int) []obj {
	list := []obj{}
	for _, r := range o.refunds {
		e := obj{"date": r.at.In(gateway.Moscow).Format(time.DateOnly), "actionCode": 0, "referenceNumber": r.rrn, "amount": r.amount}
		if version >= 21 && r.key != "" {
			e["externalRefundId"] = r.key
		}
		if version >= 26 {
			e["approvalCode"] = r.approval
		}
		list = append(list, e)
	}
	return list
}

func (c *call) cardInfo(o *order, version int) obj {
	out := obj{}
	if o.Paid == nil {
		return out
	}
	masked := deck.Mask(o.Paid.PAN)
	out["maskedPan"], out["pan"], out["expiration"] = masked, masked, o.Paid.Expiry
	if o.Paid.Holder != "" {
		out["cardholderName"] = o.Paid.Holder
	}
	if o.Approval != "" {
		out["approvalCode"] = o.Approval
	}
	if version >= 8 {
		out["paymentSystem"] = o.Paid.System
	}
	if version >= 17 {
		out["productCategory"] = "DEBIT"
	}
	if version >= 35 {
		out["corporateCard"] = false
	}
	if o.Paid.Flow != gateway.FlowNone && o.Action == 0 {
		secure := obj{"eci": "05", "threeDSInfo": obj{"xid": o.ID}, "authTypeIndicator": "1"}
		if version >= 30 && o.Paid.Flow != gateway.FlowPaReq {
			secure["aResTransStatus"], secure["rReqTransStatus"], secure["threeDSProtocolVersion"] = "Y", "Y", "2.2.0"
		} else if version >= 7 {
			secure["paResStatus"], secure["veResStatus"], secure["paResCheckStatus"] = "Y", "Y", "Y"
		}
		out["secureAuthInfo"] = secure
	}
	return out
}
