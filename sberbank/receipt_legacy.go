package sberbank

import (
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/rbs"
)

// The cart of an order at the legacy gateway. The types are the family's.
type (
	LegacyBundle     = rbs.Cart           // orderBundle
	LegacyCustomer   = rbs.CartCustomer   // the buyer
	LegacyItems      = rbs.CartItems      // positions of a cart, a deposit or a refund; needed for a part of the sum
	LegacyItem       = rbs.CartItem       // a position; Quantity.Measure is a text: «шт»
	LegacyTax        = rbs.CartTax        // VAT of a position
	LegacyAttributes = rbs.CartAttributes // further fields of a position, by name
)

// legacyReceipt is a receipt as the legacy gateway takes it.
type legacyReceipt struct {
	bundle    *LegacyBundle
	taxSystem *int
	ofdParams map[string]string
}

// legacyReceipt makes the cart of a receipt. Errors name the field.
func (c *Client) legacyReceipt(r *fiscal.Receipt, want fiscal.Settlement, known rbs.Positions) (*legacyReceipt, error) {
	rules := rbs.CartRules{
		VAT: c.vat, TaxSystem: c.conf.Receipt.TaxSystem, Text: sanitise, NameLimit: 100, Mark: rbs.HexMark(""),
		Code: itemCode, CodeRule: itemCodeRule, Measure: unitWords,
	}
	out, err := rules.Receipt(r, want, known)
	if err != nil {
		return nil, err
	}
	return &legacyReceipt{out.Cart, out.TaxSystem, out.OFDParams}, nil
}

// unitWords is the unit as the legacy gateway has it, in words.
func unitWords(l fiscal.Line) string {
	if l.UnitName != "" {
		return l.UnitName
	}
	return l.Unit.Name()
}

// itemCode says whether the bank takes it for a position's code.
func itemCode(code string) bool { return identifier(code, 100) }

const itemCodeRule = "is not 1 to 100 characters of the bank's alphabet"
