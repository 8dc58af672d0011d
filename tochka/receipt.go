package tochka

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// TaxSystemCode is a system of taxation (1055).
type TaxSystemCode string

// The systems of taxation. TaxENVD is in old answers only.
const (
	TaxOSN              TaxSystemCode = "osn"
	TaxUSNIncome        TaxSystemCode = "usn_income"
	TaxUSNIncomeOutcome TaxSystemCode = "usn_income_outcome"
	TaxESN              TaxSystemCode = "esn" // ЕСХН
	TaxPatent           TaxSystemCode = "patent"
	TaxENVD             TaxSystemCode = "envd"
)

// VATType is a rate of VAT (1199).
type VATType string

// The rates. VATType20 and VATType120 are in old answers only: requests with
// them are refused since 2026.
const (
	VATTypeNone VATType = "none"
	VATType0    VATType = "vat0"
	VATType5    VATType = "vat5"
	VATType7    VATType = "vat7"
	VATType10   VATType = "vat10"
	VATType20   VATType = "vat20"
	VATType22   VATType = "vat22"
	VATType105  VATType = "vat105"
	VATType107  VATType = "vat107"
	VATType110  VATType = "vat110"
	VATType120  VATType = "vat120"
	VATType122  VATType = "vat122"
)

// VAT is the rate as fiscal has it; "" for one that is not known.
func (v VATType) VAT() fiscal.VAT {
	for _, rate := range fiscal.VATs() {
		if vatType(rate) == v {
			return rate
		}
	}
	return ""
}

// vatType is the bank's name of a rate.
func vatType(v fiscal.VAT) VATType {
	switch v {
	case fiscal.VATNone:
		return VATTypeNone
	case fiscal.VAT0:
		return VATType0
	case fiscal.VAT5:
		return VATType5
	case fiscal.VAT7:
		return VATType7
	case fiscal.VAT10:
		return VATType10
	case fiscal.VAT20:
		return VATType20
	case fiscal.VAT22:
		return VATType22
	case fiscal.VAT5of105:
		return VATType105
	case fiscal.VAT7of107:
		return VATType107
	case fiscal.VAT10of110:
		return VATType110
	case fiscal.VAT20of120:
		return VATType120
	case fiscal.VAT22of122:
		return VATType122
	}
	if code, ok := v.Raw(); ok {
		return VATType(code)
	}
	return ""
}

// taxSystem is the bank's name of a system of taxation; "" for the register's
// own.
func taxSystem(t fiscal.TaxSystem) (TaxSystemCode, bool) {
	switch t {
	case 0:
		return "", true
	case fiscal.TaxGeneral:
		return TaxOSN, true
	case fiscal.TaxSimplifiedIncome:
		return TaxUSNIncome, true
	case fiscal.TaxSimplifiedIncomeMinus:
		return TaxUSNIncomeOutcome, true
	case fiscal.TaxAgricultural:
		return TaxESN, true
	case fiscal.TaxPatent:
		return TaxPatent, true
	}
	return "", false
}

// measure is the bank's name of a unit. Mind the points: м3 has none.
func measure(u fiscal.Unit) (string, bool) {
	switch u {
	case fiscal.Piece:
		return "", true // шт. is what the bank takes by itself
	case fiscal.Gram:
		return "г.", true
	case fiscal.Kilogram:
		return "кг.", true
	case fiscal.Tonne:
		return "т.", true
	case fiscal.Centimetre:
		return "см.", true
	case fiscal.Decimetre:
		return "дм.", true
	case fiscal.Metre:
		return "м.", true
	case fiscal.SquareCentimetre:
		return "см2.", true
	case fiscal.SquareDecimetre:
		return "дм2.", true
	case fiscal.SquareMetre:
		return "м2.", true
	case fiscal.Millilitre:
		return "мл.", true
	case fiscal.Litre:
		return "л.", true
	case fiscal.CubicMetre:
		return "м3", true
	case fiscal.KilowattHour:
		return "кВт.ч.", true
	case fiscal.Gigacalorie:
		return "Гкал.", true
	case fiscal.Day:
		return "дн.", true
	case fiscal.Hour:
		return "ч.", true
	case fiscal.Minute:
		return "мин.", true
	case fiscal.Second:
		return "сек.", true
	case fiscal.Kilobyte:
		return "Кб.", true
	case fiscal.Megabyte:
		return "Мб.", true
	case fiscal.Gigabyte:
		return "Гб.", true
	case fiscal.Terabyte:
		return "Тб.", true
	}
	return "", false
}

// NewReceiptFields is a receipt as the bank takes it. What the bank cannot
// print is refused with ErrUnsupported, never left out: marking codes, excise,
// country, agents beyond the supplier's data, additional attributes, other
// payment methods than full payment and full prepayment, other subjects than
// goods, services and work, other ways of paying than cashless, returns and
// corrections. What is the cash register's own setting (Seller, Cashier, FFD,
// time zone) is not sent. The customer's e-mail is demanded: the receipt goes
// there.
func NewReceiptFields(r *fiscal.Receipt, customer acquiring.Customer) (*ReceiptFields, error) {
	email := r.Contact.Email
	if email == "" {
		email = customer.Email
	}
	if email == "" {
		return nil, acquiring.Invalid("Customer.Email", "is empty; the bank sends the receipt there and refuses a receipt without it")
	}
	if err := cannot(r); err != nil {
		return nil, err
	}
	out := &ReceiptFields{Client: ReceiptClient{Email: email, Name: customer.Name, Phone: customer.Phone}}
	if r.Contact.Phone != "" {
		out.Client.Phone = r.Contact.Phone
	}
	if r.Buyer != nil && r.Buyer.Name != "" {
		out.Client.Name = r.Buyer.Name
	}
	var ok bool
	if out.TaxSystemCode, ok = taxSystem(r.TaxSystem); !ok {
		return nil, beyond("taxSystem", fmt.Sprintf("is %s, which the bank does not take", r.TaxSystem))
	}
	for i := range r.Lines {
		item, err := receiptItem(&r.Lines[i])
		if err != nil {
			err.Message = fmt.Sprintf("items[%d].%s", i, err.Message)
			return nil, err
		}
		out.Items = append(out.Items, *item)
	}
	return out, nil
}

// beyond is the error of what the bank cannot print.
func beyond(path, why string) *acquiring.Error {
	return &acquiring.Error{Kind: acquiring.ErrUnsupported, Outcome: acquiring.OutcomeNotSent, Field: "Receipt", Message: path + " " + why,
		Hint: "print such a receipt through a fiscal.Register, and switch fiscalisation off in the bank's cabinet"}
}

// cannot finds in a receipt what the bank has no place for.
func cannot(r *fiscal.Receipt) error {
	total := r.Total()
	pay := r.EffectivePayments()
	const noPlace = "is set, but the bank has no place for it"
	switch {
	case r.Type != fiscal.Sale:
		return beyond("type", "is "+r.Type.String()+"; the bank prints sales only")
	case r.Correction != nil:
		return beyond("correction", "is set; the bank prints no corrections")
	case pay.Cashless != total || pay.Total() != total:
		return beyond("payments", "are not all cashless")
	case len(r.CashlessDetails) > 0:
		return beyond("cashlessDetails", noPlace)
	case r.Attribute != "":
		return beyond("attribute", noPlace)
	case r.UserAttribute != nil:
		return beyond("userAttribute", noPlace)
	case len(r.Industry) > 0:
		return beyond("industry", noPlace)
	case r.Operational != nil:
		return beyond("operational", noPlace)
	case len(r.Extra) > 0:
		return beyond("extra", noPlace)
	}
	if b := r.Buyer; b != nil {
		if other := *b; other != (fiscal.Buyer{Name: b.Name}) {
			return beyond("buyer", "has more than a name, which is all that the bank takes")
		}
	}
	return nil
}

// receiptItem is one line.
func receiptItem(l *fiscal.Line) (*ReceiptItem, *acquiring.Error) {
	const noPlace = "is set, but the bank has no place for it"
	switch {
	case l.Mark != nil:
		return nil, beyond("mark", "is set; the bank's registers take no marking codes")
	case l.Part != nil:
		return nil, beyond("part", noPlace)
	case l.PlannedStatus != 0:
		return nil, beyond("plannedStatus", noPlace)
	case l.Excise != 0:
		return nil, beyond("excise", noPlace)
	case l.Country != "":
		return nil, beyond("country", noPlace)
	case l.Declaration != "":
		return nil, beyond("declaration", noPlace)
	case l.Attribute != "":
		return nil, beyond("attribute", noPlace)
	case l.Industry != nil:
		return nil, beyond("industry", noPlace)
	case len(l.Extra) > 0:
		return nil, beyond("extra", noPlace)
	case l.Price <= 0:
		return nil, beyond("price", "is not more than zero, which the bank demands")
	}
	item := &ReceiptItem{Name: l.Name, Amount: Sum(l.Price), Quantity: json.Number(l.Quantity.String()), VATType: vatType(l.EffectiveVAT())}
	switch item.VATType {
	case "":
		return nil, beyond("vat", fmt.Sprintf("is %q, which the bank does not know", l.VAT))
	case VATType20, VATType120:
		return nil, beyond("vat", "is 20 %, which the bank refuses since 2026; 22 % took its place")
	}
	switch l.Method {
	case fiscal.FullPayment:
		item.PaymentMethod = "full_payment"
	case fiscal.FullPrepayment:
		item.PaymentMethod = "full_prepayment"
	default:
		return nil, beyond("method", "is "+l.Method.String()+"; the bank takes full payment and full prepayment")
	}
	switch l.Subject {
	case fiscal.Goods:
		item.PaymentObject = "goods"
	case fiscal.Service:
		item.PaymentObject = "service"
	case fiscal.Work:
		item.PaymentObject = "work"
	default:
		return nil, beyond("subject", "is "+l.Subject.String()+"; the bank takes goods, services and work")
	}
	var err *acquiring.Error
	if item.Measure, err = lineMeasure(l); err != nil {
		return nil, err
	}
	item.Supplier, err = supplier(l)
	return item, err
}

// lineMeasure is the unit of a line, by its number, or by its name where the
// receipt is of FFD 1.05.
func lineMeasure(l *fiscal.Line) (string, *acquiring.Error) {
	if l.Unit == fiscal.Piece && l.UnitName != "" {
		name := strings.TrimSuffix(strings.TrimSpace(l.UnitName), ".")
		for u := range fiscal.Unit(255) {
			if m, ok := measure(u); ok && (u.Name() == name || (m != "" && strings.TrimSuffix(m, ".") == name)) {
				return m, nil
			}
		}
		return "", beyond("unitName", fmt.Sprintf("is %q, which is none of the bank's units", l.UnitName))
	}
	m, ok := measure(l.Unit)
	if !ok {
		return "", beyond("unit", "is "+l.Unit.String()+", which is none of the bank's units")
	}
	return m, nil
}

// supplier is on whose behalf a line is sold. The bank has no place for the
// kind of agent: its register prints a plain agent (агент, 64).
func supplier(l *fiscal.Line) (*ReceiptSupplier, *acquiring.Error) {
	if a := l.Agent; a != nil {
		switch {
		case a.Type != fiscal.OtherAgent || a.Operation != "" || len(a.Phones) > 0 || len(a.ReceiverPhones) > 0 || len(a.TransferPhones) > 0 ||
			a.TransferName != "" || a.TransferAddress != "" || a.TransferINN != "":
			return nil, beyond("agent", "has more than a supplier's data, which is all that the bank takes")
		case l.Supplier == nil:
			return nil, beyond("supplier", "is missing; it is all that the bank takes of an agent's sale")
		}
	}
	s := l.Supplier
	if s == nil {
		return nil, nil
	}
	if len(s.Phones) != 1 {
		return nil, beyond("supplier.phones", "is not one phone, which the bank demands")
	}
	number := strings.TrimPrefix(s.Phones[0], "+")
	switch {
	case !digits(number) || len(s.Phones[0]) < 11 || len(s.Phones[0]) > 15:
		return nil, beyond("supplier.phones", "is not a phone of 11 to 15 characters, digits after an optional plus")
	case s.Name == "":
		return nil, beyond("supplier.name", "is empty, and the bank demands it")
	case !digits(s.INN) || len(s.INN) < 10 || len(s.INN) > 12:
		return nil, beyond("supplier.inn", "is not 10 to 12 digits")
	}
	return &ReceiptSupplier{Phone: s.Phones[0], Name: s.Name, TaxCode: s.INN}, nil
}
