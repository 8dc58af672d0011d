package alfabank

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// vatCodes is the bank's table of taxType, which is not the numbers of tag
// 1199, and the user's over it. 3 and 5 are the old 18 % and 18/118.
func vatCodes(own map[fiscal.VAT]int) rbs.VATCodes {
	codes := rbs.VATCodes{
		fiscal.VATNone: 0, fiscal.VAT0: 1, fiscal.VAT10: 2, fiscal.VAT10of110: 4, fiscal.VAT20: 6, fiscal.VAT20of120: 7,
		fiscal.VAT5: 10, fiscal.VAT5of105: 11, fiscal.VAT7: 12, fiscal.VAT7of107: 13, fiscal.VAT22: 14, fiscal.VAT22of122: 15,
	}
	for rate, code := range own {
		codes[rate] = code
	}
	return codes
}

// Receipt is a receipt as the bank takes it: the fields of register.do and, but
// for TaxSystem, of closeOfdReceipt.do.
type Receipt struct {
	Cart      *Cart  // orderBundle
	TaxSystem *int   // 0 general … 5 patent; nil: as set in the cabinet
	OFDParams Params // additionalOfdParams; nil: none
}

// NewReceipt makes the bank's receipt of a fiscal.Receipt, for CloseReceipt and
// for one's own calls of the typed API. CreateInvoice, Charge, Capture and
// Refund make it themselves. It must be a fiscal.Sale; what the bank's receipts
// cannot carry is ErrInvalid and names the field of the receipt. Seller is as the
// cabinet has it and not sent, but for its addresses beside a Machine. The bank is
// not asked.
//
// The bank's cart does not say how a receipt was paid, so Payments other than all
// cashless are refused. For a closing receipt clear the Payments that
// fiscal.Settle gives: that the bank prints it as an offset (зачёт предоплаты,
// 1215) is likely and not published, so look at the first one.
func (c *Client) NewReceipt(r *fiscal.Receipt) (*Receipt, error) {
	receipt, err := c.cartOf(r, "Receipt", true)
	if err != nil {
		return nil, acquiring.InOp(provider, "NewReceipt", err)
	}
	return receipt, nil
}

// Limits of a receipt's fields that are narrower than those of the law.
const (
	fullNameLimit  = 100 // customerDetails.fullName
	userPropsLimit = 24  // additional_user_props.name and .value
	documentLimit  = 11  // client.passport_number
)

// rules are what the bank's cart is like. The units of FFD 1.2 are codes,
// those of 1.05 texts.
func (c *Client) rules(ffd fiscal.FFD) rbs.CartRules {
	if ffd == "" {
		ffd = c.conf.FFD
	}
	measure := func(l fiscal.Line) string { return strconv.Itoa(int(l.Unit)) }
	if ffd == fiscal.FFD105 {
		measure = func(l fiscal.Line) string {
			if l.UnitName != "" {
				return l.UnitName
			}
			return l.Unit.Name()
		}
	}
	return rbs.CartRules{
		VAT: c.vat, TaxSystem: c.conf.TaxSystem, Text: rbs.Cut, NameLimit: fiscal.MaxName, Measure: measure, Mark: rbs.HexMark(" "),
		Code:     func(code string) bool { return code != "" && len([]rune(code)) <= 100 && printableText(code) },
		CodeRule: "is not 1 to 100 printable characters",
		ZeroTax:  true, UserData: true, Elsewhere: true,
	}
}

// cartOf makes the bank's receipt of a sale. With contact the buyer's e-mail
// or telephone must be there.
func (c *Client) cartOf(r *fiscal.Receipt, field string, contact bool) (*Receipt, error) {
	if err := checkLines(r, field); err != nil {
		return nil, err
	}
	out, err := c.rules(r.FFD).Receipt(r, fiscal.Sale, nil)
	if err != nil {
		return nil, err
	}
	if customer := out.Cart.CustomerDetails; customer != nil {
		// Digits only: the document counts 7 to 15 of them.
		customer.Phone = strings.TrimPrefix(phone(customer.Phone), "+")
		customer.FullName = rbs.Cut(customer.FullName, fullNameLimit)
	}
	switch u := r.UserAttribute; {
	case u != nil && len([]rune(u.Name)) > userPropsLimit:
		return nil, acquiring.Invalid(field+".UserAttribute.Name", "has more than 24 characters, which the bank takes")
	case u != nil && len([]rune(u.Value)) > userPropsLimit:
		return nil, acquiring.Invalid(field+".UserAttribute.Value", "has more than 24 characters, which the bank takes")
	case contact && r.Contact.Email == "" && r.Contact.Phone == "":
		return nil, acquiring.Invalid(field+".Contact", "is empty; the receipt needs the buyer's e-mail or telephone")
	case len(r.Contact.Email) > emailLimit:
		return nil, acquiring.Invalid(field+".Contact.Email", "has more than 40 characters, which the bank takes; give the telephone instead")
	case r.Contact.Phone != "" && !rbs.PhoneFits(r.Contact.Phone):
		return nil, acquiring.Invalid(field+".Contact.Phone", "is not 7 to 15 digits")
	}
	params, err := c.ofdParams(r, field, out.OFDParams)
	if err != nil {
		return nil, err
	}
	return &Receipt{Cart: out.Cart, TaxSystem: out.TaxSystem, OFDParams: params}, nil
}

// ofdParams adds to the receipt's parameters those that this bank has: flat
// names with dots.
func (c *Client) ofdParams(r *fiscal.Receipt, field string, flat map[string]string) (Params, error) {
	params := make(Params, len(flat)+8)
	for name, value := range flat {
		params[name] = value
	}
	add := func(name, value string) {
		if value != "" {
			params[name] = value
		}
	}
	if c.conf.LegacyVAT {
		params["use_legacy_vat"] = true
	}
	if b := r.Buyer; b != nil {
		document := b.BirthDate != "" && b.DocumentCode != "" && b.Document != ""
		if b.INN == "" && !document {
			return nil, acquiring.Invalid(field+".Buyer", "has neither an INN nor all of BirthDate, DocumentCode and Document: the bank refuses the whole request then")
		}
		if document || b.Citizenship != "" || b.Address != "" {
			if len([]rune(b.Document)) > documentLimit {
				return nil, acquiring.Invalid(field+".Buyer.Document", "has more than 11 characters, which the bank takes")
			}
			add("client.name", rbs.Cut(b.Name, 256))
			add("client.inn", b.INN)
			add("client.birth_date", b.BirthDate)
			add("client.citizenship", b.Citizenship)
			add("client.document_code", b.DocumentCode)
			add("client.passport_number", b.Document)
			add("client.address", rbs.Cut(b.Address, 256))
			// Of the two exactly one must be there.
			if r.Contact.Email != "" {
				add("client.email", r.Contact.Email)
			} else {
				add("client.phone", phone(r.Contact.Phone))
			}
		}
	}
	if o := r.Operational; o != nil {
		add("operatingcheckprops.name", strconv.Itoa(o.ID))
		add("operatingcheckprops.value", o.Data)
		add("operatingcheckprops.timestamp", o.Time.In(rbs.Moscow).Format("02.01.2006 15:04:05"))
	}
	switch len(r.Industry) {
	case 0:
	case 1:
		p := r.Industry[0]
		add("sectoralcheckprops.federalid", p.FOIV)
		add("sectoralcheckprops.date", p.Date)
		add("sectoralcheckprops.number", p.Number)
		add("sectoralcheckprops.value", p.Value)
	default:
		return nil, acquiring.Invalid(field+".Industry", "has more than one entry, which the bank's receipts cannot carry")
	}
	if r.Machine != "" {
		add("company.automat_number", r.Machine)
		add("company.payment_address", r.Seller.Address)
		add("company.location", r.Seller.Place)
	}
	if len(params) == 0 {
		return nil, nil
	}
	return params, nil
}

// checkLines refuses what the bank's lists do not have.
func checkLines(r *fiscal.Receipt, field string) error {
	for i := range r.Lines {
		l, at := &r.Lines[i], field+".Lines["+strconv.Itoa(i)+"]"
		switch {
		case l.Quantity.Decimals() > 3:
			return acquiring.Invalid(at+".Quantity", "has more than three decimals")
		case l.Subject > fiscal.TouristTax && l.Subject < fiscal.ExciseUncoded || l.Subject > fiscal.GoodsCoded:
			return acquiring.Invalid(at+".Subject", fmt.Sprintf("is %d, which the bank's list does not have", l.Subject))
		case len([]rune(l.Attribute)) > 64:
			return acquiring.Invalid(at+".Attribute", "has more than 64 characters")
		}
	}
	return nil
}

// itemsOf are the positions of a capture or of a refund, with the numbers that
// they have in the order's cart.
func (c *Client) itemsOf(r *fiscal.Receipt, sum money.Amount, o *Order, back bool) (*CartItems, error) {
	if err := checkLines(r, "Receipt"); err != nil {
		return nil, err
	}
	want := fiscal.Sale
	if back {
		want = fiscal.SaleReturn
	}
	if total := r.Total(); total != sum {
		return nil, acquiring.Invalid("Receipt", fmt.Sprintf("comes to %s, but the sum is %s", total, sum))
	}
	out, err := c.rules(r.FFD).Receipt(r, want, rbs.PositionsOf(o))
	if err != nil {
		return nil, err
	}
	return &out.Cart.CartItems, nil
}
