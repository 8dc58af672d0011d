package sberbanktest

import (
	"cmp"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// terminalID is the same for all orders, as it is for one outlet.
const terminalID = "20991234"

// status is getOrderStatusExtended.do of either gateway.
func (c *call) status() (obj, *gateway.Refusal) {
	if c.legacy && c.Str("orderId") != "" {
		delete(c.In, "orderNumber") // orderId wins
	}
	o, no := c.orderByRef()
	if no != nil {
		return nil, no
	}
	return c.statusOf(o), nil
}

func (c *call) statusOf(o *order) obj {
	out := c.ok(obj{
		"orderNumber": o.Number, "orderStatus": o.Status, "actionCode": o.Action, "amount": o.Amount, "currency": "643",
		"date": gateway.MS(o.Created), "attributes": o.attributes(), "terminalId": terminalID,
	})
	if c.legacy {
		out["errorMessage"], out["actionCodeDescription"] = "", ""
	}
	if o.Action != 0 || (c.legacy && o.Status != gateway.Registered) {
		out["actionCodeDescription"] = gateway.ActionText(o.Action, c.lang)
	}
	if o.Description != "" {
		out["orderDescription"] = o.Description
	}
	if len(o.Params) > 0 {
		list := make([]obj, len(o.Params))
		for i, p := range o.Params {
			v := p.Value
			if b, ok := v.(bool); ok {
				v = gateway.ScalarText(b)
			}
			list[i] = obj{"name": p.Name, "value": v}
		}
		out["merchantOrderParams"] = list
	}
	payer := obj{}
	if o.Email != "" {
		payer["email"] = o.Email
	}
	if o.Phone != "" && c.legacy {
		payer["phone"] = o.Phone
	}
	if len(payer) > 0 {
		out["payerData"] = payer
	}
	if o.Saved != nil {
		out["bindingInfo"] = obj{"clientId": o.Saved.ClientID, "bindingId": o.Saved.ID}
	} else if o.ClientID != "" && o.sub != nil {
		out["bindingInfo"] = obj{"clientId": o.ClientID}
	}
	if o.bundle != nil && !c.legacy {
		out["orderBundle"] = echoBundle(o.bundle)
	}
	c.paymentPart(o, out)
	return out
}

// paymentPart is what the status knows once somebody tried to pay.
func (c *call) paymentPart(o *order, out obj) {
	if o.Attempts == 0 {
		if c.legacy {
			out["paymentAmountInfo"] = obj{"paymentState": gateway.PaymentStates[o.Status], "approvedAmount": 0, "depositedAmount": 0, "refundedAmount": 0}
			out["bankInfo"] = obj{"bankName": "UNKNOWN", "bankCountryCode": "UNKNOWN", "bankCountryName": "<UNKNOWN>"}
		} else if o.Params != nil && o.Param("qrType") != "" {
			out["transactionAttributes"] = []obj{{"name": "SbolBankInvoiceId", "value": plainID(o.ID)}}
		}
		return
	}
	if o.IP != "" {
		out["ip"] = o.IP
	}
	if !o.AuthAt.IsZero() {
		out["authDateTime"] = gateway.MS(o.AuthAt)
	}
	if o.RRN != "" {
		out["authRefNum"] = o.RRN
	}
	if !o.PaidAt.IsZero() && !(o.sub != nil && o.Amount == 0) {
		out["depositedDate"] = gateway.MS(o.PaidAt)
	}
	if !o.RefundedAt.IsZero() {
		out["refundedDate"] = o.RefundedAt.In(gateway.Moscow).Format("2006-01-02T15:04:05")
	}
	if info := c.cardInfo(o); len(info) > 0 {
		out["cardAuthInfo"] = info
	}
	// A subscription without a payment, and an order without a success, have
	// no sums on the new gateway.
	if c.legacy || (o.Held > 0 || o.Captured > 0 || o.Refunded > 0 || o.Status == gateway.Reversed || o.Status == gateway.Held) {
		out["paymentAmountInfo"] = obj{"approvedAmount": o.Held, "depositedAmount": c.s.desk.Deposited(&o.Order), "refundedAmount": o.Refunded, "paymentState": gateway.PaymentStates[o.Status]}
	}
	if c.legacy {
		out["bankInfo"] = obj{"bankName": "TEST", "bankCountryCode": "RU", "bankCountryName": "Россия"}
	} else {
		if !o.bySBP() {
			out["bankInfo"] = obj{}
		}
		out["transactionAttributes"] = o.transactionAttributes()
		out["operations"] = o.operations()
	}
	if o.Bonus > 0 {
		out["loyaltyInfo"] = obj{"receiptId": "1" + o.RRN, "loyaltyName": "sbrf_spasibo",
			"paymentBonus": obj{"approvedAmountBonus": o.Bonus, "depositedAmountBonus": o.bonusTaken(), "refundedAmountBonus": o.bonusRefunded}}
	}
}

func (o *order) bonusTaken() money.Amount {
	if o.Status == gateway.Paid || o.Status == gateway.Refunded {
		return o.Bonus
	}
	return 0
}

func (c *call) cardInfo(o *order) obj {
	info := obj{}
	if o.Paid != nil {
		name, holder := "maskedPan", "cardHolderName"
		if c.legacy {
			name, holder = "pan", "cardholderName"
		}
		info[name], info["expiration"] = o.Deck.Mask(o.Paid.PAN), o.Paid.Expiry
		if o.Paid.Holder != "" {
			info[holder] = o.Paid.Holder
		}
		info["paymentSystem"] = o.Paid.System
		if o.Approval != "" {
			info["approvalCode"] = o.Approval
		}
		if o.Paid.Flow != gateway.FlowNone && !c.legacy {
			info["secureAuthInfo"] = obj{"eci": 2, "threeDSInfo": obj{"xid": o.ID}}
		}
	}
	// What was paid by an SBP code alone says no way to pay, as in the bank's
	// own guide.
	if o.Way != "" && o.Way != waySBP {
		info["paymentWay"] = o.Way
	}
	return info
}

func (o *order) attributes() []obj {
	out := []obj{{"name": "mdOrder", "value": o.ID}}
	if o.qrcID != "" && !o.legacy {
		out = append(out, obj{"name": "qrcId", "value": o.qrcID})
	}
	if o.sub != nil {
		out = append(out, obj{"name": "subscriptionId", "value": o.sub.id}, obj{"name": "memberId", "value": o.sub.member}, obj{"name": "phone", "value": o.sub.phone})
	}
	return out
}

func (o *order) transactionAttributes() []obj {
	out := []obj{{"name": "SbolBankInvoiceId", "value": plainID(o.ID)}}
	if o.extTransactionID != "" {
		out = append(out, obj{"name": "memberId", "value": sbpMember}, obj{"name": "extTransactionId", "value": o.extTransactionID})
	}
	return out
}

func (o *order) operations() []obj {
	out := make([]obj, len(o.ops))
	for i, p := range o.ops {
		e := obj{"date": gateway.MS(p.at), "type": p.kind, "amount": p.amount, "actionCode": p.action, "approvalCode": cmp.Or(p.approval, "000000")}
		if p.action == 0 || p.action == 400 {
			e["referenceNumber"] = p.rrn
		}
		if p.key != "" {
			e["externalRefundId"] = p.key
		}
		out[i] = e
	}
	return out
}

// echoBundle is the cart as it was registered, with the empty lists that the
// gateway adds.
func echoBundle(in obj) obj {
	out := make(obj, len(in)+3)
	for k, v := range in {
		out[k] = v
	}
	for _, name := range []string{"payments", "vats", "sectoralCheckProps"} {
		if out[name] == nil {
			out[name] = []obj{}
		}
	}
	return out
}

// oldStatus is getOrderStatus.do of the legacy gateway.
func (c *call) oldStatus() (obj, *gateway.Refusal) {
	if c.Str("orderId") == "" {
		return nil, gateway.Refuse(5, tParam)
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	out := obj{"OrderStatus": o.Status, "ErrorCode": "0", "ErrorMessage": gateway.T("Успешно", "Success").In(c.lang), "OrderNumber": o.Number,
		"Amount": o.Amount, "currency": "643", "depositAmount": c.s.desk.Deposited(&o.Order), "authCode": 2}
	if o.Status == gateway.Declined {
		out["ErrorCode"], out["ErrorMessage"] = "2", gateway.T("Заказ отклонен по причине ошибки в реквизитах платежа", "The order was declined because of payment data").In(c.lang)
	}
	if o.Paid != nil {
		out["Pan"], out["expiration"], out["cardholderName"] = o.Deck.Mask(o.Paid.PAN), o.Paid.Expiry, o.Paid.Holder
	}
	if o.Approval != "" {
		out["approvalCode"] = o.Approval
	}
	if o.IP != "" {
		out["Ip"] = o.IP
	}
	if o.Saved != nil {
		out["clientId"], out["bindingId"] = o.Saved.ClientID, o.Saved.ID
	}
	return out, nil
}

// plainID is the id without dashes.
func plainID(id string) string {
	b := make([]byte, 0, len(id))
	for i := range len(id) {
		if id[i] != '-' {
			b = append(b, id[i])
		}
	}
	return string(b)
}
