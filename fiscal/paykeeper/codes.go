package paykeeper

import (
	"maps"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/fiscal"
)

// sortedKeys are the keys of a map in an order that is the same on every run.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// taxes are the service's words for the rates of VAT (код налога). They are
// the same in every year; which rate a day has, the receipt's own checks know.
func taxes() map[fiscal.VAT]string {
	return map[fiscal.VAT]string{
		fiscal.VATNone: "none", fiscal.VAT0: "vat0", fiscal.VAT5: "vat5", fiscal.VAT7: "vat7", fiscal.VAT10: "vat10",
		fiscal.VAT20: "vat20", fiscal.VAT22: "vat22",
		fiscal.VAT5of105: "vat105", fiscal.VAT7of107: "vat107", fiscal.VAT10of110: "vat110",
		fiscal.VAT20of120: "vat120", fiscal.VAT22of122: "vat122",
	}
}

// TaxCode is PayKeeper's word for a rate of VAT: "vat22", "none". A RawVAT
// passes as it is; false: the rate is not known.
func TaxCode(v fiscal.VAT) (code string, ok bool) {
	if code, ok := v.Raw(); ok {
		return code, code != ""
	}
	code, ok = taxes()[v]
	return code, ok
}

// VATOf is the rate by PayKeeper's word. One that the library has no rate for,
// such as the old "vat18", is a RawVAT.
func VATOf(code string) fiscal.VAT {
	for v, word := range taxes() {
		if word == code {
			return v
		}
	}
	return fiscal.RawVAT(code)
}

// itemTypes are the service's words for what is sold (признак предмета
// расчёта, 1212).
func itemTypes() map[fiscal.Subject]string {
	return map[fiscal.Subject]string{
		fiscal.Goods: "goods", fiscal.Excisable: "excise", fiscal.Work: "work", fiscal.Service: "service",
		fiscal.IntellectualProperty: "ip", fiscal.Payment: "payment", fiscal.AgentFee: "agent", fiscal.Other: "other",
		fiscal.PropertyRight: "property_right", fiscal.NonOperatingIncome: "non_operating",
		fiscal.TradeLevy: "sales_tax", fiscal.TouristTax: "resort_fee",
		fiscal.ExciseUncoded: "exc_uncoded", fiscal.ExciseCoded: "exc_coded",
		fiscal.GoodsUncoded: "goods_uncoded", fiscal.GoodsCoded: "goods_coded",
	}
}

// ItemType is PayKeeper's word for what is sold: "service", "goods_coded".
// false: PayKeeper has none; gambling, lotteries, pledges, contributions and
// casino it cannot print.
func ItemType(s fiscal.Subject) (word string, ok bool) {
	word, ok = itemTypes()[s]
	return word, ok
}

// SubjectOf is what is sold by PayKeeper's word; "" is its default, goods.
func SubjectOf(word string) (s fiscal.Subject, ok bool) {
	if word == "" {
		return fiscal.Goods, true
	}
	return keyOf(itemTypes(), word)
}

// paymentTypes are the service's words for when a line is paid (признак
// способа расчёта, 1214).
func paymentTypes() map[fiscal.PaymentMethod]string {
	return map[fiscal.PaymentMethod]string{
		fiscal.FullPrepayment: "prepay", fiscal.Prepayment: "part_prepay", fiscal.Advance: "advance",
		fiscal.FullPayment: "full", fiscal.PartialPayment: "part_credit", fiscal.Credit: "credit",
		fiscal.CreditPayment: "credit_payment",
	}
}

// PaymentType is PayKeeper's word for when a line is paid: "full", "prepay".
func PaymentType(m fiscal.PaymentMethod) (word string, ok bool) {
	word, ok = paymentTypes()[m]
	return word, ok
}

// MethodOf is when a line is paid by PayKeeper's word; "" is its default, full
// payment.
func MethodOf(word string) (m fiscal.PaymentMethod, ok bool) {
	if word == "" {
		return fiscal.FullPayment, true
	}
	return keyOf(paymentTypes(), word)
}

func keyOf[K comparable](m map[K]string, word string) (key K, ok bool) {
	for k, w := range m {
		if w == word {
			return k, true
		}
	}
	return key, false
}

// receiptType is the word of receipt/print for the settlement (признак
// расчёта, 1054), as the Config has it.
func (c *Client) receiptType(s fiscal.Settlement) (word string, ok bool) {
	if word := c.cfg.ReceiptTypes[s]; word != "" {
		return word, true
	}
	switch s {
	case fiscal.Sale:
		return "sale", true
	case fiscal.SaleReturn:
		return "refund", true
	}
	return "", false
}

// settlementOf is the other way of receiptType.
func (c *Client) settlementOf(word string) fiscal.Settlement {
	for _, s := range []fiscal.Settlement{fiscal.Sale, fiscal.SaleReturn, fiscal.Purchase, fiscal.PurchaseReturn} {
		if w, ok := c.receiptType(s); ok && w == strings.ToLower(word) {
			return s
		}
	}
	return 0
}
