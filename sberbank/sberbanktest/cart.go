package sberbanktest

import (
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// cart is an orderBundle that was understood.
type cart struct {
	fiscal bool // a receipt is to be printed
	items  []gateway.CartItem
	total  money.Amount
	raw    obj
}

func badCart(reason string) *gateway.Refusal {
	return gateway.Refuse(8, tCartFormat).Because("orderBundle: " + reason)
}

// readCart checks an orderBundle against the sum of its operation. original is
// the order's own cart when this one is of a later operation.
func (c *call) readCart(in obj, amount money.Amount, kind string, original *cart) (*cart, *gateway.Refusal) {
	list := gateway.Items(in)
	if len(list) == 0 {
		if c.legacy {
			return nil, nil // a bundle without items is ignored
		}
		return nil, badCart("no items")
	}
	out := &cart{raw: in}
	version, receipt := gateway.ScalarText(in["ffdVersion"]), gateway.ScalarText(in["receiptType"])
	out.fiscal = c.legacy || (version != "" && receipt != "")
	if c.m.NoCash && (version != "" || receipt != "") {
		return nil, gateway.Refuse(5, tSchema).Because("the merchant has no cash service")
	}
	if receipt != "" && !strings.EqualFold(receipt, kind) {
		return nil, badCart("receiptType must be " + kind + " here")
	}
	if out.fiscal && !c.legacy && in["company"] == nil {
		return nil, badCart("a receipt needs company")
	}
	positions, codes := map[string]bool{}, map[string]bool{}
	for i, e := range list {
		it, why := c.readItem(e, out.fiscal, version)
		at := "items[" + strconv.Itoa(i) + "]: "
		switch {
		case why != "":
			return nil, badCart(at + why)
		case positions[it.Position]:
			return nil, badCart(at + "positionId is repeated")
		case codes[it.Code] && !c.legacy:
			return nil, badCart(at + "itemCode is repeated")
		}
		if cur := gateway.ScalarText(e["itemCurrency"]); cur != "" && cur != "643" {
			return nil, gateway.Refuse(8, tCartCurrency)
		}
		if original != nil {
			if why := gateway.Covers(original.items, it); why != "" {
				return nil, badCart(at + why)
			}
		}
		positions[it.Position], codes[it.Code] = true, true
		out.items = append(out.items, it)
		out.total += it.Amount
	}
	if in["installments"] != nil {
		return out, nil // the sums of a POS credit differ by its discount
	}
	if out.total != amount {
		return nil, gateway.Refuse(8, tCartSum).Because("the items come to " + out.total.String() + ", the operation is " + amount.String())
	}
	if total := gateway.ScalarText(in["total"]); total != "" && total != strconv.FormatInt(int64(amount), 10) {
		return nil, gateway.Refuse(8, tCartSum).Because("total is not the sum of the operation")
	}
	if why := paymentsFault(in, amount); why != "" {
		return nil, gateway.Refuse(8, tCartSum).Because(why)
	}
	if out.fiscal && !c.legacy && in["payments"] == nil {
		return nil, badCart("a receipt needs payments")
	}
	return out, nil
}

func paymentsFault(in obj, amount money.Amount) string {
	list, ok := in["payments"].([]any)
	if !ok || len(list) == 0 {
		return ""
	}
	var sum int64
	for _, e := range list {
		p, _ := e.(obj)
		n, _ := strconv.ParseInt(gateway.ScalarText(p["sum"]), 10, 64)
		sum += n
	}
	if sum != int64(amount) {
		return "payments do not add up to the sum of the operation"
	}
	return ""
}

// readItem reads one item; the text says what is wrong with it.
func (c *call) readItem(e obj, fiscal bool, version string) (gateway.CartItem, string) {
	it, why := gateway.ReadItem(e)
	if why != "" {
		return it, why
	}
	if c.legacy || !fiscal {
		return it, ""
	}
	q, _ := e["quantity"].(obj)
	return it, fiscalFault(e, q, version)
}

// fiscalFault is what a receipt of the new gateway lacks.
func fiscalFault(e, q obj, version string) string {
	measure := gateway.ScalarText(q["measure"])
	object := gateway.ScalarText(e["paymentObject"])
	tax, _ := e["tax"].(obj)
	switch {
	case tax == nil:
		return "tax.taxType is missing"
	case gateway.ScalarText(tax["taxType"]) == "3", gateway.ScalarText(tax["taxType"]) == "5":
		return "tax.taxType 3 and 5 are no longer used"
	case e["paymentMethod"] == nil:
		return "paymentMethod is missing"
	case object == "":
		return "paymentObject is missing"
	case version == "1.2" && !gateway.Digits(object), version != "1.2" && gateway.Digits(object):
		return "paymentObject is a word for FFD 1.05 and a number, as text, for FFD 1.2"
	case version == "1.2" && !measures[measure]:
		return "quantity.measure must be a code of FFD 1.2"
	case version == "1.2" && e["measurementUnit"] != nil:
		return "measurementUnit is for FFD 1.05"
	case version == "1.05" && measure != "":
		return "quantity.measure is for FFD 1.2; give measurementUnit"
	case e["agentInfo"] != nil && e["supplierInfo"] == nil:
		return "agentInfo needs supplierInfo"
	}
	if mark, ok := e["markCode"].(obj); ok && len(mark) != 1 {
		return "markCode must hold exactly one code"
	}
	if agent, ok := e["agentInfo"].(obj); ok {
		return agentFault(agent)
	}
	return ""
}

func agentFault(agent obj) string {
	part := func(name string) obj { o, _ := agent[name].(obj); return o }
	paying, receiving, transfer := part("payingAgent"), part("receivePaymentsOperator"), part("moneyTransferOperator")
	switch gateway.ScalarText(agent["type"]) {
	case "bank_paying_agent", "bank_paying_subagent":
		if paying["operation"] == nil || paying["phones"] == nil || transfer["phones"] == nil || transfer["name"] == nil || transfer["address"] == nil || transfer["inn"] == nil {
			return "a bank paying agent needs operation, payingAgent.phones and all of moneyTransferOperator"
		}
	case "paying_agent", "paying_subagent":
		if paying["phones"] == nil || receiving["phones"] == nil {
			return "a paying agent needs payingAgent.phones and receivePaymentsOperator.phones"
		}
	}
	return ""
}

// operationCart reads the cart of a deposit, reversal or refund: orderBundle,
// or the legacy gateway's own field.
func (c *call) operationCart(o *order, amount money.Amount, kind, legacyField string) (*cart, *gateway.Refusal) {
	bundle := c.Object("orderBundle")
	if c.legacy {
		bundle = nil
		if list := c.Object(legacyField); list != nil {
			bundle = obj{"cartItems": list}
		}
	}
	if bundle == nil {
		if c.legacy && o.cart != nil && amount < o.Captured && legacyField == "refundItems" && o.refundedByCart() {
			return nil, gateway.Refuse(5, tParam).Because("once a partial refund carried a cart, all must")
		}
		return nil, nil
	}
	return c.readCart(bundle, amount, kind, o.cart)
}

// refundedByCart says whether an earlier refund carried a cart.
func (o *order) refundedByCart() bool {
	for _, r := range o.receipts {
		if r.operation == "REFUND" {
			return true
		}
	}
	return false
}
