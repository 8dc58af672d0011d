package sberbank

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// maxReceiptSum is the largest sum of a cart: prices, positions, payments and
// total, in kopecks.
const maxReceiptSum money.Amount = 4294967200

// check is New's look at the defaults.
func (d ReceiptDefaults) check() error {
	switch {
	case d.FFD != "" && d.FFD != fiscal.FFD105 && d.FFD != fiscal.FFD12:
		return acquiring.Invalid("Config.Receipt.FFD", "is neither 1.05 nor 1.2")
	case d.TaxSystem != 0 && snoOf(d.TaxSystem) == "":
		return acquiring.Invalid("Config.Receipt.TaxSystem", "is none that the gateway knows")
	case d.INN != "" && (!rbs.Digits(d.INN) || len(d.INN) != 10 && len(d.INN) != 12):
		return acquiring.Invalid("Config.Receipt.INN", "does not have 10 or 12 digits")
	case d.Email != "" && !rbs.EmailFits(d.Email, 64):
		return acquiring.Invalid("Config.Receipt.Email", "is not an address of 3 to 64 printable ASCII characters")
	case len(d.PaymentAddress) > 256 || !rbs.Printable(d.PaymentAddress):
		return acquiring.Invalid("Config.Receipt.PaymentAddress", "has more than 256 characters, or other than printable ASCII")
	}
	return nil
}

func snoOf(t fiscal.TaxSystem) string {
	switch t {
	case fiscal.TaxGeneral:
		return "osn"
	case fiscal.TaxSimplifiedIncome:
		return "usn_income"
	case fiscal.TaxSimplifiedIncomeMinus:
		return "usn_income_outcome"
	case fiscal.TaxAgricultural:
		return "esn"
	case fiscal.TaxPatent:
		return "patent"
	}
	return ""
}

// vatCodes is the table of taxType: the gateway's own, and the user's over it.
// The legacy gateway publishes no codes of 5, 7 and 22 %.
func vatCodes(p Protocol, own map[fiscal.VAT]int) rbs.VATCodes {
	codes := rbs.VATCodes{fiscal.VATNone: 0, fiscal.VAT0: 1, fiscal.VAT10: 2, fiscal.VAT10of110: 4,
		fiscal.VAT20: 6, fiscal.VAT20of120: 7}
	if p == ProtocolJSON {
		codes[fiscal.VAT5], codes[fiscal.VAT5of105] = 8, 9
		codes[fiscal.VAT7], codes[fiscal.VAT7of107] = 10, 11
		codes[fiscal.VAT22], codes[fiscal.VAT22of122] = 12, 13
	}
	for rate, code := range own {
		codes[rate] = code
	}
	return codes
}

// NewOrderBundle makes the new gateway's cart of a receipt: for DoReceipt and
// for one's own calls of the typed API. The other calls of the Acquirer make
// it themselves. What the bank's receipts cannot carry is ErrInvalid and names the
// field of the receipt. It asks the bank nothing.
func (c *Client) NewOrderBundle(r *fiscal.Receipt) (*OrderBundle, error) {
	return c.orderBundle(r, r.Type, nil)
}

// orderBundle makes the cart of a receipt. Errors name the field of the
// receipt.
func (c *Client) orderBundle(r *fiscal.Receipt, want fiscal.Settlement, known rbs.Positions) (*OrderBundle, error) {
	d := c.conf.Receipt
	ffd, tax := r.FFD, r.TaxSystem
	if ffd == "" {
		ffd = d.FFD
	}
	if ffd == "" {
		ffd = fiscal.FFD105
	}
	if tax == 0 {
		tax = d.TaxSystem
	}
	b := &OrderBundle{
		FFDVersion: string(ffd),
		Company: &Company{Email: either(r.Seller.Email, d.Email), SNO: snoOf(tax), INN: either(r.Seller.INN, d.INN),
			PaymentAddress: either(r.Seller.Place, d.PaymentAddress)},
		Cashier: sanitise(r.Cashier.Name, 64), AdditionalCheckProps: sanitise(r.Attribute, 16),
	}
	switch {
	case r.Correction != nil:
		return nil, acquiring.Invalid("Receipt.Correction", "is set; the bank's method for corrections is not published, use a fiscal.Register")
	case r.Type != want || (r.Type != fiscal.Sale && r.Type != fiscal.SaleReturn):
		return nil, acquiring.Invalid("Receipt.Type", rbs.WantedType(want))
	case ffd != fiscal.FFD105 && ffd != fiscal.FFD12:
		return nil, acquiring.Invalid("Receipt.FFD", "is neither 1.05 nor 1.2")
	case b.Company.SNO == "":
		return nil, acquiring.Invalid("Receipt.TaxSystem", "is none that the gateway knows; set it here or in Config.Receipt")
	case !rbs.EmailFits(b.Company.Email, 64):
		return nil, acquiring.Invalid("Receipt.Seller.Email", "is missing or not an address of 3 to 64 characters; set it here or in Config.Receipt")
	case !rbs.Digits(b.Company.INN) || len(b.Company.INN) < 10 || len(b.Company.INN) > 12:
		return nil, acquiring.Invalid("Receipt.Seller.INN", "is missing or not 10 or 12 digits; set it here or in Config.Receipt")
	case b.Company.PaymentAddress == "" || len(b.Company.PaymentAddress) > 256 || !rbs.Printable(b.Company.PaymentAddress):
		return nil, acquiring.Invalid("Receipt.Seller.Place", "is missing, longer than 256 or other than printable ASCII; set it here or in Config.Receipt")
	case r.Machine != "" || len(r.CashlessDetails) > 0 || (r.Internet != nil && !*r.Internet):
		return nil, acquiring.Invalid("Receipt", "has Machine, CashlessDetails or Internet=false, which the bank's receipts cannot carry")
	}
	b.ReceiptType = c.receiptType(want)
	if ffd == fiscal.FFD12 {
		b.CashierINN = r.Cashier.INN
	}
	if r.Buyer != nil {
		b.CustomerDetails = &CustomerDetails{FullName: sanitise(r.Buyer.Name, 100), INN: r.Buyer.INN, Address: sanitise(r.Buyer.Address, 256),
			BirthDate: r.Buyer.BirthDate, Citizenship: r.Buyer.Citizenship, DocumentType: r.Buyer.DocumentCode, DocumentNo: r.Buyer.Document}
	}
	if u := r.UserAttribute; u != nil {
		b.AdditionalUserProps = &NameValue{Name: sanitise(u.Name, 64), Value: sanitise(u.Value, 256)}
	}
	if o := r.Operational; o != nil {
		b.OperatingCheckProps = &OperatingProps{strconv.Itoa(o.ID), o.Data, o.Time.In(rbs.Moscow).Format("02.01.2006 15:04:05")}
	}
	for _, p := range r.Industry {
		b.SectoralCheckProps = append(b.SectoralCheckProps, SectoralProps{p.FOIV, p.Date, p.Number, p.Value})
	}
	for i := range r.Lines {
		item, err := c.item(r.Lines, i, ffd, r.TimeZone, known)
		if err != nil {
			return nil, err
		}
		b.CartItems.Items = append(b.CartItems.Items, item)
		b.Total += item.ItemAmount
	}
	if b.Total > maxReceiptSum {
		return nil, acquiring.Invalid("Receipt", fmt.Sprintf("comes to %s; a cart of the bank holds up to %s", b.Total, maxReceiptSum))
	}
	var err error
	if b.Payments, err = cartPayments(r.EffectivePayments()); err != nil {
		return nil, err
	}
	b.Extra, err = rbs.ExtraMembers("Receipt", r.Extra)
	return b, err
}

func (c *Client) receiptType(s fiscal.Settlement) string {
	word := "SELL"
	if s == fiscal.SaleReturn {
		word = "SELL_REFUND"
	}
	if c.conf.LowerCaseReceiptType {
		word = strings.ToLower(word)
	}
	return word
}

func cartPayments(p fiscal.Payments) ([]CartPayment, error) {
	if p.Cash != 0 {
		return nil, acquiring.Invalid("Receipt.Payments.Cash", "is set; what the bank takes is cashless")
	}
	var list []CartPayment
	for i, sum := range []money.Amount{p.Cashless, p.Prepaid, p.Credit, p.Counter} {
		if sum != 0 {
			list = append(list, CartPayment{i + 1, sum})
		}
	}
	return list, nil
}

// item makes a position of a line.
func (c *Client) item(lines []fiscal.Line, i int, ffd fiscal.FFD, zone int, known rbs.Positions) (Item, error) {
	l, field := lines[i], "Receipt.Lines["+strconv.Itoa(i)+"]"
	name := sanitise(l.Name, 100)
	tax, err := c.vat.Of(field, l)
	if err != nil {
		return Item{}, err
	}
	item := Item{Name: name, ItemPrice: l.Price, ItemAmount: l.Total(), Tax: &Tax{tax}, PaymentMethod: methodWord(l.Method),
		CountryCode: l.Country, DeclarationNumber: l.Declaration, UserData: sanitise(l.Attribute, 64),
		Quantity: ItemQuantity{Value: json.Number(l.Quantity.String())}}
	item.PositionID, item.ItemCode = known.Identify(lines, i, name)
	switch {
	case utf8.RuneCountInString(l.Name) > fiscal.MaxName || name == "":
		return Item{}, acquiring.Invalid(field+".Name", "is empty or longer than 128 characters")
	case !itemCode(item.ItemCode):
		return Item{}, acquiring.Invalid(field+".ID", itemCodeRule)
	case l.Quantity.Decimals() > 3 || l.Quantity >= fiscal.Pieces(100000):
		return Item{}, acquiring.Invalid(field+".Quantity", "has more than three decimals, or is more than 99999.999")
	case item.ItemAmount > maxReceiptSum || l.Price > maxReceiptSum:
		return Item{}, acquiring.Invalid(field+".Price", "is more than a cart of the bank holds")
	case item.PaymentMethod == "":
		return Item{}, acquiring.Invalid(field+".Method", "is not one of the seven payment methods")
	case l.Excise != 0:
		return Item{}, acquiring.Invalid(field+".Excise", `is set, but the unit of the bank's field is not published; ask the bank and give it as Extra["excise"]`)
	case l.PlannedStatus > 6:
		return Item{}, acquiring.Invalid(field+".PlannedStatus", "is none of 1 to 6, which the bank takes")
	}
	if ffd == fiscal.FFD12 {
		item.Quantity.Measure = strconv.Itoa(int(l.Unit))
		if objectWord(l.Subject) != "" || l.Subject == fiscal.TouristTax || l.Subject == fiscal.CashPayout || l.Subject >= fiscal.ExciseCoded {
			item.PaymentObject = strconv.Itoa(int(l.Subject))
		}
	} else {
		item.MeasurementUnit, item.PaymentObject = l.UnitName, objectWord(l.Subject)
		if l.UnitName == "" && l.Unit != fiscal.Piece && l.Unit.Valid() {
			item.MeasurementUnit = l.Unit.Name() // FFD 1.05 has no code for it
		}
	}
	if item.PaymentObject == "" {
		return Item{}, acquiring.Invalid(field+".Subject", fmt.Sprintf("is %d, which the bank's list for FFD %s does not have", l.Subject, ffd))
	}
	if err := item.mark(field, l, ffd); err != nil {
		return Item{}, err
	}
	var params []NameValue
	if zone != 0 {
		params = append(params, NameValue{Name: "timezone", Value: strconv.Itoa(zone)})
	}
	if l.PlannedStatus != 0 {
		params = append(params, NameValue{Name: "planned_status", Value: strconv.Itoa(int(l.PlannedStatus))})
	}
	if params != nil {
		item.ItemDetails = &ItemDetails{params}
	}
	if p := l.Industry; p != nil {
		item.SectoralItemProps = []SectoralProps{{p.FOIV, p.Date, p.Number, p.Value}}
	}
	if l.Agent != nil {
		item.AgentInfo = agentInfo(l.Agent)
	}
	if s := l.Supplier; s != nil {
		item.SupplierInfo = &SupplierInfo{Phones: s.Phones, Name: sanitise(s.Name, 64), INN: paddedINN(s.INN)}
	}
	item.Extra, err = rbs.ExtraMembers(field, l.Extra)
	return item, err
}

// mark puts a marking code in.
func (i *Item) mark(field string, l fiscal.Line, ffd fiscal.FFD) error {
	if l.Mark == nil {
		return nil
	}
	if ffd == fiscal.FFD105 {
		tag, err := l.Mark.Tag1162()
		if err != nil {
			e := acquiring.Invalid(field+".Mark", "has no form in FFD 1.05")
			e.Err = err
			return e
		}
		i.NomenclatureCode = strings.ToUpper(hex.EncodeToString(tag))
		return nil
	}
	code := l.Mark.Code
	switch l.Mark.EffectiveKind() {
	case fiscal.MarkGS1M:
		i.MarkCode = &MarkCode{GS1M: l.Mark.Base64()}
	case fiscal.MarkFur:
		i.MarkCode = &MarkCode{Fur: code}
	case fiscal.MarkGS10:
		i.MarkCode = &MarkCode{GS10: code}
	case fiscal.MarkEAN8:
		i.MarkCode = &MarkCode{EAN8: code}
	case fiscal.MarkEAN13:
		i.MarkCode = &MarkCode{EAN13: code}
	case fiscal.MarkITF14:
		i.MarkCode = &MarkCode{ITF14: code}
	case fiscal.MarkShort:
		i.MarkCode = &MarkCode{Short: code}
	case fiscal.MarkUnknown:
		i.MarkCode = &MarkCode{Unknown: code}
	default:
		return acquiring.Invalid(field+".Mark", "is of a kind that the bank's list does not have")
	}
	i.MarkProcessingMode = "0"
	if l.Part != nil {
		i.MarkQuantity = &MarkQuantity{strconv.Itoa(l.Part.Numerator), strconv.Itoa(l.Part.Denominator)}
	}
	return nil
}

// paddedINN has 12 characters, as the bank wants the INN of agents: a shorter
// one has spaces at its end.
func paddedINN(inn string) string {
	if inn != "" && len(inn) < 12 {
		inn += strings.Repeat(" ", 12-len(inn))
	}
	return inn
}

func agentInfo(a *fiscal.Agent) *AgentInfo {
	info := &AgentInfo{Type: agentWord(a.Type)}
	if a.Operation != "" || len(a.Phones) > 0 {
		info.PayingAgent = &PayingAgent{Operation: sanitise(a.Operation, 24), Phones: a.Phones}
	}
	if len(a.ReceiverPhones) > 0 {
		info.ReceivePaymentsOperator = &PhonesOnly{a.ReceiverPhones}
	}
	if len(a.TransferPhones) > 0 || a.TransferName != "" || a.TransferAddress != "" || a.TransferINN != "" {
		info.MoneyTransferOperator = &MoneyOperator{a.TransferPhones, sanitise(a.TransferName, 64), sanitise(a.TransferAddress, 256), paddedINN(a.TransferINN)}
	}
	return info
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
