package paymaster

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// Receipt is a receipt in the API v2. Make one of a fiscal.Receipt with
// [NewReceipt]. The taxation system is a setting of the cabinet.
type Receipt struct {
	Client      ReceiptClient   `json:"client"`
	Items       []ReceiptItem   `json:"items"`
	Settlements json.RawMessage `json:"settlements,omitempty"` // its form is not published
}

// ReceiptClient is the buyer on a receipt: Email or Phone.
type ReceiptClient struct {
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"` // digits without +
	Name  string `json:"name,omitempty"`
	INN   string `json:"inn,omitempty"`
}

// ReceiptItem is a line of a receipt.
type ReceiptItem struct {
	Name           string           `json:"name"`
	Quantity       fiscal.Quantity  `json:"quantity"`
	Price          Rubles           `json:"price"` // of a unit
	Measure        string           `json:"measure,omitempty"`
	Excise         Rubles           `json:"excise,omitzero"`
	Product        *ReceiptProduct  `json:"product,omitempty"`
	VATType        string           `json:"vatType"`
	PaymentSubject string           `json:"paymentSubject"`
	PaymentMethod  string           `json:"paymentMethod"`
	Marking        *ReceiptMarking  `json:"marking,omitempty"`
	AgentType      string           `json:"agentType,omitempty"`
	Supplier       *ReceiptSupplier `json:"supplier,omitempty"`
}

// ReceiptProduct is where the goods come from.
type ReceiptProduct struct {
	Country     string `json:"country,omitempty"`
	Declaration string `json:"declaration,omitempty"`
}

// ReceiptMarking is a marking code (Честный знак).
type ReceiptMarking struct {
	Code     string        `json:"code"`
	Quantity *MarkingShare `json:"quantity,omitempty"`
}

// MarkingShare is a part of a marked package.
type MarkingShare struct {
	Numerator   int `json:"numerator"`
	Denominator int `json:"denominator"`
}

// ReceiptSupplier is whose goods the line is, for an agent.
type ReceiptSupplier struct {
	Name  string `json:"name,omitempty"`
	INN   string `json:"inn,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// vatTypes are the names of the rates in the API v2. Those of 20 % are no
// longer in its list since 2026; they stay for returns of earlier sales.
var vatTypes = map[fiscal.VAT]string{
	fiscal.VATNone: "None", fiscal.VAT0: "Vat0", fiscal.VAT5: "Vat5", fiscal.VAT7: "Vat7", fiscal.VAT10: "Vat10",
	fiscal.VAT20: "Vat20", fiscal.VAT22: "Vat22", fiscal.VAT5of105: "Vat105", fiscal.VAT7of107: "Vat107",
	fiscal.VAT10of110: "Vat110", fiscal.VAT20of120: "Vat120", fiscal.VAT22of122: "Vat122",
}

var subjects = map[fiscal.Subject]string{
	fiscal.Goods: "Commodity", fiscal.Excisable: "Excise", fiscal.Work: "Job", fiscal.Service: "Service",
	fiscal.GamblingBet: "Gambling", fiscal.LotteryTicket: "Lottery", fiscal.IntellectualProperty: "IntellectualActivity",
	fiscal.Payment: "Payment", fiscal.AgentFee: "AgentFee", fiscal.Other: "Other", fiscal.PropertyRight: "PropertyRights",
	fiscal.NonOperatingIncome: "NonOperatingIncome", fiscal.OtherContributions: "InsurancePayment",
	fiscal.TradeLevy: "SalesTax", fiscal.TouristTax: "ResortFee",
	// Marked goods have no subject of their own: the code beside them says it.
	fiscal.GoodsCoded: "Commodity", fiscal.ExciseCoded: "Excise",
}

var paymentMethods = map[fiscal.PaymentMethod]string{
	fiscal.FullPrepayment: "FullPrepayment", fiscal.Prepayment: "PartialPrepayment", fiscal.Advance: "Advance",
	fiscal.FullPayment: "FullPayment", fiscal.PartialPayment: "PartialPayment", fiscal.Credit: "Credit",
}

var agents = map[fiscal.AgentType]string{
	fiscal.BankPayingAgent: "BankPaymentAgent", fiscal.BankPayingSubagent: "BankPaymentSubagent", fiscal.PayingAgent: "PaymentAgent",
	fiscal.PayingSubagent: "PaymentSubagent", fiscal.Attorney: "Attorney", fiscal.CommissionAgent: "Commissioner", fiscal.OtherAgent: "Agent",
}

var measures = map[fiscal.Unit]string{
	fiscal.Piece: "Piece", fiscal.Gram: "Gram", fiscal.Kilogram: "Kilogram", fiscal.Tonne: "Tonne", fiscal.Centimetre: "Centimeter",
	fiscal.Decimetre: "Decimeter", fiscal.Metre: "Meter", fiscal.SquareCentimetre: "SquareCentimeter",
	fiscal.SquareDecimetre: "SquareDecimeter", fiscal.SquareMetre: "SquareMeter", fiscal.Millilitre: "Millilitre", fiscal.Litre: "Litre",
	fiscal.CubicMetre:   "QubicMeter", // spelt so
	fiscal.KilowattHour: "KilowattHour", fiscal.Gigacalorie: "Gigacal", fiscal.Day: "Day", fiscal.Hour: "Hour", fiscal.Minute: "Minute",
	fiscal.Second: "Second", fiscal.Kilobyte: "Kilobyte", fiscal.Megabyte: "Megabyte", fiscal.Gigabyte: "Gigabyte",
	fiscal.Terabyte: "Terabyte", fiscal.OtherUnit: "Other",
}

// NewReceipt is the receipt as the API v2 has it, of a sale or of a return:
// what the document is, the call says. What the API has no name for is
// ErrInvalid with the line's path; a fiscal.RawVAT is passed as it is.
func NewReceipt(r fiscal.Receipt) (*Receipt, error) {
	if err := r.Validate(); err != nil {
		e := acquiring.Invalid("Receipt", err.Error())
		e.Err = err
		return nil, e
	}
	return newReceipt(&r, r.Type)
}

// newReceipt maps a receipt that was checked.
func newReceipt(r *fiscal.Receipt, want fiscal.Settlement) (*Receipt, error) {
	if err := checkReceiptKind(r, want); err != nil {
		return nil, err
	}
	out := &Receipt{Client: ReceiptClient{Email: r.Contact.Email, Phone: digits(r.Contact.Phone)}, Items: make([]ReceiptItem, len(r.Lines))}
	if r.Buyer != nil {
		out.Client.Name, out.Client.INN = r.Buyer.Name, r.Buyer.INN
	}
	for i := range r.Lines {
		if err := receiptItem(&out.Items[i], &r.Lines[i], fmt.Sprintf("Receipt.items[%d]", i), r.FFD); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkReceiptKind is what both generations cannot express.
func checkReceiptKind(r *fiscal.Receipt, want fiscal.Settlement) error {
	pays := r.EffectivePayments()
	switch {
	case r.Correction != nil:
		return acquiring.Invalid("Receipt.correction", "is set; PayMaster prints no correction receipts")
	case want == fiscal.Sale && r.Type != fiscal.Sale:
		return acquiring.Invalid("Receipt.type", "is not fiscal.Sale; the receipt of an invoice is of a sale")
	case want == fiscal.SaleReturn && r.Type != fiscal.SaleReturn:
		return acquiring.Invalid("Receipt.type", "is not fiscal.SaleReturn; make the receipt of a refund with fiscal.Return")
	case r.Type != fiscal.Sale && r.Type != fiscal.SaleReturn:
		return acquiring.Invalid("Receipt.type", "is a purchase; PayMaster prints sales and their returns")
	case pays.Cashless != pays.Total():
		return acquiring.Invalid("Receipt.payments", "has other than cashless; PayMaster prints what was paid through it")
	}
	return nil
}

func receiptItem(out *ReceiptItem, l *fiscal.Line, path string, ffd fiscal.FFD) error {
	var ok bool
	out.Name, out.Quantity, out.Price, out.Excise = l.Name, l.Quantity, Rubles(l.Price), Rubles(l.Excise)
	if out.VATType, ok = vatName(l, vatTypes); !ok {
		return acquiring.Invalid(path+".vat", fmt.Sprintf("is %q, for which PayMaster has no name; pass its own with fiscal.RawVAT", l.EffectiveVAT()))
	}
	if out.PaymentSubject, ok = subjects[l.Subject]; !ok || (l.Subject.Coded() && l.Mark == nil) {
		return acquiring.Invalid(path+".subject", fmt.Sprintf("is %s, for which PayMaster has no name", l.Subject))
	}
	if out.PaymentMethod, ok = paymentMethods[l.Method]; !ok {
		return acquiring.Invalid(path+".method", fmt.Sprintf("is %s, for which PayMaster has no name", l.Method))
	}
	// A piece is what is meant where nothing is said.
	if l.Unit != fiscal.Piece || ffd == fiscal.FFD12 {
		if out.Measure, ok = measures[l.Unit]; !ok {
			return acquiring.Invalid(path+".unit", fmt.Sprintf("is %s, for which PayMaster has no name", l.Unit))
		}
	}
	if l.Country != "" || l.Declaration != "" {
		out.Product = &ReceiptProduct{l.Country, l.Declaration}
	}
	if l.Mark != nil {
		out.Marking = &ReceiptMarking{Code: l.Mark.Code}
		if l.Part != nil {
			out.Marking.Quantity = &MarkingShare{l.Part.Numerator, l.Part.Denominator}
		}
	}
	if l.Agent != nil {
		if out.AgentType, ok = agents[l.Agent.Type]; !ok {
			return acquiring.Invalid(path+".agent.type", "is not one of the seven agents")
		}
	}
	if s := l.Supplier; s != nil {
		out.Supplier = &ReceiptSupplier{Name: s.Name, INN: s.INN}
		if len(s.Phones) > 0 {
			out.Supplier.Phone = digits(s.Phones[0])
		}
	}
	return nil
}

// vatName is the rate as the receipt must show it, in the provider's words.
func vatName(l *fiscal.Line, names map[fiscal.VAT]string) (string, bool) {
	vat := l.EffectiveVAT()
	if raw, ok := vat.Raw(); ok {
		return raw, true
	}
	name, ok := names[vat]
	return name, ok
}

// digits is a telephone number as PayMaster takes it, without the plus.
func digits(phone string) string {
	if whole, err := fiscal.Phone(phone); err == nil {
		phone = whole
	}
	return strings.TrimPrefix(phone, "+")
}

// taxNames are the names of the rates in the cart of the classic form. Those of
// 5, 7 and 22 % are concluded from the API v2: the classic documents are older.
var taxNames = map[fiscal.VAT]string{
	fiscal.VATNone: "no_vat", fiscal.VAT0: "vat0", fiscal.VAT5: "vat5", fiscal.VAT7: "vat7", fiscal.VAT10: "vat10",
	fiscal.VAT20: "vat20", fiscal.VAT22: "vat22", fiscal.VAT5of105: "vat105", fiscal.VAT7of107: "vat107",
	fiscal.VAT10of110: "vat110", fiscal.VAT20of120: "vat120", fiscal.VAT22of122: "vat122",
}

// cart puts the receipt's lines into a form (54-ФЗ: LMI_SHOPPINGCART.ITEMS[N]).
// The cart has no marking codes, no suppliers and no units.
func cart(prefix string, r *fiscal.Receipt, want fiscal.Settlement, limit int, add func(name, value string)) error {
	if err := checkReceiptKind(r, want); err != nil {
		return err
	}
	if limit == 0 {
		limit = fiscal.MaxName
	}
	for i := range r.Lines {
		l := &r.Lines[i]
		path := fmt.Sprintf("Receipt.items[%d]", i)
		tax, ok := vatName(l, taxNames)
		switch {
		case !ok:
			return acquiring.Invalid(path+".vat", fmt.Sprintf("is %q, for which PayMaster has no name; pass its own with fiscal.RawVAT", l.EffectiveVAT()))
		case l.Mark != nil:
			return acquiring.Invalid(path+".mark", "is set, but the classic form has no field for marking codes; use the API v2 or a cash-register service")
		case l.Subject > fiscal.Pledge:
			return acquiring.Invalid(path+".subject", fmt.Sprintf("is %s, which the classic form does not have", l.Subject))
		case l.Quantity.Decimals() > 3:
			return acquiring.Invalid(path+".quantity", "has more than three decimals")
		}
		name := fmt.Sprintf("%s[%d].", prefix, i)
		text := []rune(l.Name)
		if len(text) > limit {
			text = text[:limit]
		}
		add(name+"NAME", string(text))
		add(name+"QTY", l.Quantity.String())
		add(name+"PRICE", l.Price.String())
		add(name+"TAX", tax)
		add(name+"METHOD", fmt.Sprint(uint8(l.Method)))
		add(name+"SUBJECT", fmt.Sprint(uint8(l.Subject)))
		if l.Agent != nil {
			n, ok := l.Agent.Type.Ordinal()
			if !ok {
				return acquiring.Invalid(path+".agent.type", "is not one of the seven agents")
			}
			add(name+"AGENT.TYPE", fmt.Sprint(n))
		}
	}
	return nil
}
