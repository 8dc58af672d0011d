package komtet

import (
	"encoding/hex"
	"strconv"
	"strings"
)

func (m *mapper) checkV1() CheckRequest {
	r := &m.receipt
	m.needless(r.Seller.INN != "", "seller.inn")
	m.needless(r.TimeZone != 0, "timeZone")
	positions := make([]PositionV1, len(r.Lines))
	for i := range r.Lines {
		positions[i] = m.positionV1(i)
	}
	if r.Correction != nil {
		return &CorrectionV1{
			ExternalID: TextID(r.ID), Intent: m.intent(), TaxSystem: m.taxSystem(), Print: new(m.cfg.Print), User: m.user(), Client: m.buyerV1(),
			Place: r.Seller.Place, PlaceAddress: r.Seller.Address, Cashier: m.cashier(), Payments: m.payments(), Positions: positions,
			Info: m.correctionV1(), Attribute: m.attribute(), UserAttribute: m.userAttribute(), Internet: r.Internet,
			CallbackURL: m.cfg.CallbackURL, Extra: m.extra("extra", r.Extra),
		}
	}
	user := m.user()
	if user == "" {
		m.fault("contact", "is empty: version 1 needs the buyer's e-mail or phone", "не указан e-mail или телефон покупателя")
	}
	return &CheckV1{
		ExternalID: TextID(r.ID), User: user, Print: new(m.cfg.Print), Intent: m.intent(), TaxSystem: m.taxSystem(), Place: r.Seller.Place,
		PlaceAddress: r.Seller.Address, Client: m.buyerV1(), Cashier: m.cashier(), Payments: m.payments(), Positions: positions,
		Attribute: m.attribute(), UserAttribute: m.userAttribute(), Internet: r.Internet, Cashless: m.cashless(),
		CallbackURL: m.cfg.CallbackURL, Extra: m.extra("extra", r.Extra),
	}
}

// user is the buyer's address in version 1, which has room for one of the two:
// the e-mail where both are given.
func (m *mapper) user() string {
	if e := m.receipt.Contact.Email; e != "" {
		return e
	}
	return m.receipt.Contact.Phone
}

func (m *mapper) buyerV1() *Buyer {
	b := m.receipt.Buyer
	if b == nil || (b.Name == "" && b.INN == "") {
		return nil
	}
	return &Buyer{Name: b.Name, INN: b.INN}
}

func (m *mapper) correctionV1() CorrectionBase {
	k := m.receipt.Correction
	return CorrectionBase{Type: m.correctionKind(), Date: m.day(k.Date).Format(layoutDayV1), Document: k.Number, Description: k.Description}
}

func (m *mapper) positionV1(i int) PositionV1 {
	l := &m.receipt.Lines[i]
	at := "items[" + strconv.Itoa(i) + "]."
	p := PositionV1{
		ID: TextID(l.ID), Name: l.Name, Price: Roubles(l.Price), Quantity: Quantity(l.Quantity), Total: Roubles(l.Total()),
		VAT: m.vat(at, l), MeasureName: l.UnitName, Method: m.method(at, l), Object: m.subject(at, l), Excise: excise(l), Country: l.Country,
		Declaration: l.Declaration, UserData: l.Attribute, Agent: m.agent(at, l), Supplier: supplier(l), Extra: m.extra(at+"extra", l.Extra),
	}
	if l.Mark != nil {
		// The bytes of the tag say the same whoever reads them; how much of a
		// scanned code version 1 understands is not documented.
		tag, err := l.Mark.Tag1162()
		if err != nil {
			m.fault(at+"mark.code", "has no form for FFD 1.05 (1162)", "код нельзя записать в чек ФФД 1.05 (тег 1162)")
		}
		p.Mark = &Nomenclature{HexCode: strings.ToUpper(hex.EncodeToString(tag))}
	}
	return p
}
