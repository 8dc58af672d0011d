package orangedata

import (
	"fmt"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/fiscal"
)

// document is the content of a receipt, and the base of a correction of FFD
// 1.2.
func (m *mapper) document() *Content {
	r := m.r
	v12 := r.FFD != fiscal.FFD105
	c := &Content{FFDVersion: ffd12, Type: int(r.Type), CustomerContact: m.contact(), IsInternetStore: r.Internet, TimeZone: r.TimeZone,
		SenderEmail: r.Seller.Email, CashierINN: r.Cashier.INN, AdditionalAttribute: m.text(of("attribute"), r.Attribute, 16)}
	if !v12 {
		c.FFDVersion = ffd105
	}
	c.AutomatNumber, c.SettlementAddress, c.SettlementPlace, c.Cashier = m.place(m.c.conf.GroupKind)
	m.sellerINN()
	if u := r.UserAttribute; u != nil {
		c.AdditionalUserAttribute = &UserAttribute{Name: m.text(of("userAttribute.name"), u.Name, 64), Value: m.text(of("userAttribute.value"), u.Value, 234)}
		if n := utf8.RuneCountInString(c.AdditionalUserAttribute.Name) + utf8.RuneCountInString(c.AdditionalUserAttribute.Value); n > 235 && !m.has("userAttribute") {
			m.fault("userAttribute", fmt.Sprintf("has name and value of %d characters together, at most 235 fit", n), "имя и значение вместе длиннее 235 символов")
		}
	}
	m.buyer(c, v12)
	if len(r.Industry) > 1 {
		m.fault("industry[1]", "cannot be expressed: a document has one industry attribute", "в документе один отраслевой реквизит")
	}
	if len(r.Industry) > 0 {
		c.IndustryAttribute = m.industry(of("industry[0]"), &r.Industry[0])
	}
	if o := r.Operational; o != nil {
		c.OperationalAttribute = &OperationalAttribute{Date: m.local(o.Time), ID: o.ID, Value: m.text(of("operational.data"), o.Data, 64)}
	}
	if len(r.Lines) > maxLines {
		m.fault("items", fmt.Sprintf("are %d: a document of the service holds about %d; split the receipt", len(r.Lines), maxLines), "слишком много позиций: разделите чек")
	}
	c.Positions = make([]Position, len(r.Lines))
	for i := range r.Lines {
		var use20 bool
		c.Positions[i], use20 = m.line(i, &r.Lines[i], v12)
		c.UseTax20 = c.UseTax20 || use20
	}
	m.oneBasicRate()
	m.sum(of("items"), r.Total())
	system := m.taxSystem()
	c.CheckClose = CheckClose{Payments: m.payments(), TaxationSystem: &system}
	m.forbid(!v12 && len(r.CashlessDetails) > 0, "cashlessDetails", "FFD 1.05 does not have them", "в ФФД 1.05 нет сведений о безналичных оплатах")
	if v12 && len(r.CashlessDetails) > 0 {
		info := &ElectronicPayments{}
		for i, d := range r.CashlessDetails {
			if d.ID == "" {
				m.fault(fmt.Sprintf("cashlessDetails[%d].id", i), "is empty, and the service wants it", "нет идентификатора оплаты")
			}
			info.Payments = append(info.Payments, ElectronicPayment{Amount: Rubles(d.Sum), Type: d.Kind,
				ID: m.text(of(fmt.Sprintf("cashlessDetails[%d].id", i)), d.ID, 256), AdditionalInfo: m.text(of(fmt.Sprintf("cashlessDetails[%d].info", i)), d.Info, 256)})
		}
		c.CheckClose.ElectronicPaymentsInfo = info
	}
	return c
}

// payments are the kinds of payment of the receipt; a receipt of nothing but
// gifts is paid with no money at all, and the service wants one kind. They add
// up to the total, so none is above its limit.
func (m *mapper) payments() []PaymentPart {
	parts := paymentParts(m.r.EffectivePayments())
	if len(parts) == 0 {
		m.fault("payments", "are nothing: the service wants a payment above zero", "сервису нужна оплата больше нуля")
	}
	return parts
}

// place are the members that the kind of the group demands or forbids.
func (m *mapper) place(kind GroupKind) (automat, address, place, cashier string) {
	r := m.r
	automat = m.text(of("machine"), r.Machine, 20)
	address = m.text(of("seller.address"), r.Seller.Address, 243)
	place = m.text(of("seller.place"), r.Seller.Place, 243)
	cashier = m.text(of("cashier.name"), r.Cashier.Name, 64)
	machine := kind == GroupVending || kind == GroupTransport
	for _, f := range []struct {
		path, value string
		wanted      bool
	}{
		{"machine", automat, machine}, {"seller.address", address, kind != GroupStandard},
		{"seller.place", place, kind != GroupStandard}, {"cashier.name", cashier, kind == GroupCourier},
	} {
		switch {
		case f.wanted && f.value == "":
			m.fault(f.path, "is empty: registers of this kind of group want it (Config.GroupKind)", "обязательно для касс этой группы")
		case !f.wanted && f.value != "":
			m.fault(f.path, "cannot be expressed: registers of this kind of group print their own, and the service refuses another (Config.GroupKind)", "кассы этой группы печатают своё значение")
		}
	}
	return automat, address, place, cashier
}

// sellerINN: whose receipt it is, the Config says.
func (m *mapper) sellerINN() {
	if inn := m.r.Seller.INN; inn != "" && inn != m.c.conf.INN {
		m.fault("seller.inn", "is not Config.INN: a Client prints for one organisation", "ИНН другой организации")
	}
}

func (m *mapper) buyer(c *Content, v12 bool) {
	b := m.r.Buyer
	switch {
	case b == nil:
	case v12:
		c.CustomerInfo = &CustomerInfo{Name: m.text(of("buyer.name"), b.Name, 239), INN: b.INN, BirthDate: b.BirthDate, Citizenship: b.Citizenship,
			IdentityDocumentCode: b.DocumentCode, IdentityDocumentData: m.text(of("buyer.document"), b.Document, 64), Address: m.text(of("buyer.address"), b.Address, 239)}
	default:
		c.Customer, c.CustomerINN = m.text(of("buyer.name"), b.Name, 243), b.INN
		const why, russian = "FFD 1.05 knows the buyer's name and INN only", "в ФФД 1.05 есть только имя и ИНН покупателя"
		for _, f := range []struct{ path, value string }{
			{"buyer.birthDate", b.BirthDate}, {"buyer.citizenship", b.Citizenship}, {"buyer.documentCode", b.DocumentCode},
			{"buyer.document", b.Document}, {"buyer.address", b.Address},
		} {
			m.forbid(f.value != "" && !m.has(f.path), f.path, why, russian)
		}
	}
}

func (m *mapper) industry(at path, a *fiscal.IndustryAttribute) *IndustryAttribute {
	return &IndustryAttribute{FOIVID: a.FOIV, CauseDocumentDate: a.Date, CauseDocumentNumber: m.text(at.in("number"), a.Number, 32), Value: m.text(at.in("value"), a.Value, 239)}
}

// line is one position, and whether its rate needs useTax20.
func (m *mapper) line(i int, l *fiscal.Line, v12 bool) (Position, bool) {
	at := func(field string) path { return path{i, field} }
	p := Position{Quantity: Decimal(l.Quantity), Price: m.sum(at("price"), l.Price), Text: m.text(at("name"), l.Name, 128),
		PaymentMethodType: int(l.Method), PaymentSubjectType: int(l.Subject), AdditionalAttribute: m.text(at("attribute"), l.Attribute, 64),
		ManufacturerCountryCode: l.Country, CustomsDeclarationNumber: m.text(at("declaration"), l.Declaration, 32), Excise: m.sum(at("excise"), l.Excise)}
	if l.Quantity > maxQuantity {
		m.fault(at("quantity").String(), "is more than 281474976.710655", "количество больше возможного")
	}
	m.sum(at("quantity"), l.Total())
	var use20 bool
	p.Tax, use20 = m.vat(at("vat"), l.EffectiveVAT())
	if v12 {
		unit := int(l.Unit)
		p.QuantityMeasurementUnit = &unit
	} else {
		p.UnitOfMeasurement = m.text(at("unitName"), l.UnitName, 16)
	}
	if l.Industry != nil {
		p.IndustryAttribute = m.industry(at("industry"), l.Industry)
	}
	m.mark(&p, at, l, v12)
	if a := l.Agent; a != nil {
		p.AgentType = int(a.Type)
		info := AgentInfo{PaymentTransferOperatorPhoneNumbers: a.TransferPhones, PaymentAgentOperation: m.text(at("agent.operation"), a.Operation, 24),
			PaymentAgentPhoneNumbers: a.Phones, PaymentOperatorPhoneNumbers: a.ReceiverPhones, PaymentOperatorName: m.text(at("agent.transferName"), a.TransferName, 64),
			PaymentOperatorAddress: m.text(at("agent.transferAddress"), a.TransferAddress, 243), PaymentOperatorINN: a.TransferINN}
		if info.PaymentAgentOperation != "" || info.PaymentOperatorName != "" || info.PaymentOperatorAddress != "" || info.PaymentOperatorINN != "" ||
			len(a.TransferPhones)+len(a.Phones)+len(a.ReceiverPhones) > 0 {
			p.AgentInfo = &info
		}
		if n := info.bytes(); n > maxAgentInfo && !m.has(at("agent").String()) {
			m.fault(at("agent").String(), fmt.Sprintf("takes %d bytes, at most %d fit: four for each text, and one for each character", n, maxAgentInfo), "данные агента не помещаются в 243 байта")
		}
	}
	if s := l.Supplier; s != nil {
		p.SupplierINN = s.INN
		limit := 239
		for _, phone := range s.Phones {
			limit -= len(phone) + 4
		}
		if s.Name != "" || len(s.Phones) > 0 {
			p.SupplierInfo = &SupplierInfo{PhoneNumbers: s.Phones, Name: m.text(at("supplier.name"), s.Name, max(limit, 0))}
		}
	}
	p.Extra = extraMembers(m, at(""), l.Extra, new(Position))
	return p, use20
}

// mark is the marking code of a line: in FFD 1.2 the code as scanned, which the
// register files under its tag, or the member of a code without a mark; in FFD
// 1.05 the bytes of tag 1162.
func (m *mapper) mark(p *Position, at func(string) path, l *fiscal.Line, v12 bool) {
	if l.Mark == nil {
		return
	}
	if !v12 {
		code, err := l.Mark.Tag1162()
		switch {
		case m.has(at("mark").String()):
		case err != nil:
			m.fault(at("mark.code").String(), "has no form for FFD 1.05 (1162)", "код нельзя записать в чек ФФД 1.05 (тег 1162)")
		case len(code) < 8 || len(code) > 32:
			m.fault(at("mark.code").String(), "gives a product code that is not 8 to 32 bytes long", "код товара не помещается в тег 1162")
		}
		p.NomenclatureCode = code
		return
	}
	if l.Part != nil {
		p.FractionalQuantity = &Fraction{l.Part.Numerator, l.Part.Denominator}
	}
	code, n := l.Mark.Code, utf8.RuneCountInString(l.Mark.Code)
	limits := func(from, to int) {
		if (n < from || n > to) && !m.has(at("mark").String()) {
			m.fault(at("mark.code").String(), fmt.Sprintf("has %d characters; a code of this kind has %d to %d here", n, from, to), "неверная длина кода маркировки")
		}
	}
	var b Barcodes
	switch l.Mark.EffectiveKind() {
	case fiscal.MarkEAN8:
		b.EAN8 = code
		limits(8, 8)
	case fiscal.MarkEAN13:
		b.EAN13 = code
		limits(13, 13)
	case fiscal.MarkITF14:
		b.ITF14 = code
		limits(14, 14)
	case fiscal.MarkGS10:
		b.GS1 = code
		limits(1, 38)
	case fiscal.MarkFur:
		b.MI = code
		limits(20, 20)
	case fiscal.MarkEGAIS20:
		b.EGAIS20 = code
		limits(23, 23)
	case fiscal.MarkEGAIS30:
		b.EGAIS30 = code
		limits(14, 14)
	case fiscal.MarkF1:
		b.F1 = code
		limits(1, 32)
	case fiscal.MarkF2:
		b.F2 = code
		limits(1, 32)
	case fiscal.MarkF3:
		b.F3 = code
		limits(1, 32)
	case fiscal.MarkF4:
		b.F4 = code
		limits(1, 32)
	case fiscal.MarkF5:
		b.F5 = code
		limits(1, 32)
	case fiscal.MarkF6:
		b.F6 = code
		limits(1, 32)
	default: // GS1.M, short, not recognised
		p.ItemCode = code
		limits(1, 223)
		p.PlannedStatus = m.planned(at, l)
		return
	}
	p.Barcodes = &b
	m.forbid(l.PlannedStatus != 0, at("plannedStatus").String(), "the code is a barcode and no marking code", "планируемый статус бывает только у кода маркировки")
	m.forbid(l.Part != nil, at("part").String(), "the code is a barcode and no marking code", "дробное количество бывает только у кода маркировки")
}

// planned is the planned status of a marked thing, which the service wants with
// each code: as the line says, else as the kind of receipt has it.
func (m *mapper) planned(at func(string) path, l *fiscal.Line) int {
	switch {
	case l.PlannedStatus != 0:
		return int(l.PlannedStatus)
	case m.r.Type == fiscal.Sale && l.Part == nil:
		return int(fiscal.PieceSold)
	case m.r.Type == fiscal.Sale:
		return int(fiscal.MeasureSelling)
	case m.r.Type == fiscal.SaleReturn && l.Part == nil:
		return int(fiscal.PieceReturned)
	case m.r.Type == fiscal.SaleReturn:
		return int(fiscal.PartReturned)
	}
	m.fault(at("plannedStatus").String(), "is not set, and does not follow from the kind of receipt", "укажите планируемый статус товара")
	return 0
}

// correction12 adds to a document what it corrects.
func (m *mapper) correction12(c *Content) {
	k := m.r.Correction
	kind := int(k.Kind)
	c.CorrectionType, c.CauseDocumentDate = &kind, m.day(k.Date)
	c.CauseDocumentNumber = m.text(of("correction.number"), k.Number, 32)
	if k.FiscalSign != "" {
		c.AdditionalAttribute = k.FiscalSign
	}
}

// correction105 is a correction of FFD 1.05: the totals of the receipt. The
// format has no lines in it.
func (m *mapper) correction105() *CorrectionContent {
	r := m.r
	k := r.Correction
	c := &CorrectionContent{CorrectionType: int(k.Kind), Type: int(r.Type), CauseDocumentDate: m.day(k.Date), CauseDocumentNumber: m.text(of("correction.number"), k.Number, 32),
		TotalSum: m.sum(of("items"), r.Total()), TaxationSystem: m.taxSystem(), CustomerContact: m.contact(), SenderEmail: r.Seller.Email, IsInternetStore: r.Internet}
	if (r.Type != fiscal.Sale && r.Type != fiscal.Purchase) && !m.has("type") {
		m.fault("type", "FFD 1.05 corrects sales and purchases only; undo a wrong receipt by an ordinary return", "в ФФД 1.05 чек коррекции бывает только прихода или расхода")
	}
	m.sellerINN()
	kind := m.c.conf.GroupKind
	if kind == GroupCourier {
		kind = GroupStandard // the address and the place are for machines only here, and there is no cashier
	}
	var cashier string
	c.AutomatNumber, c.SettlementAddress, c.SettlementPlace, cashier = m.place(kind)
	const why, russian = "a correction of FFD 1.05 has totals only", "в чеке коррекции ФФД 1.05 есть только итоги"
	for _, f := range []struct {
		path string
		set  bool
	}{
		{"cashier.name", cashier != ""}, {"cashier.inn", r.Cashier.INN != ""}, {"buyer", r.Buyer != nil}, {"attribute", r.Attribute != ""},
		{"userAttribute", r.UserAttribute != nil}, {"timeZone", r.TimeZone != 0}, {"cashlessDetails", len(r.CashlessDetails) > 0},
	} {
		m.forbid(f.set && !m.has(f.path), f.path, why, russian)
	}
	m.forbid(k.FiscalSign != "", "correction.fiscalSign",
		"a correction of FFD 1.05 is for settlements made without a register; a wrong receipt is undone by a receipt of the mirrored type and a right one, both with the sign as Receipt.Attribute",
		"в ФФД 1.05 ошибочный чек исправляют возвратом и новым чеком с его ФПД в реквизите 1192")
	pay := r.EffectivePayments()
	c.CashSum, c.ECashSum, c.PrepaymentSum = Rubles(pay.Cash), Rubles(pay.Cashless), Rubles(pay.Prepaid)
	c.PostpaymentSum, c.OtherPaymentTypeSum = Rubles(pay.Credit), Rubles(pay.Counter)
	if cash := pay.Total(); cash > r.Total() && !m.has("payments") {
		m.fault("payments", "come to more than the total; a correction has no change", "оплата больше суммы коррекции")
	}
	for i := range r.Lines {
		v := r.Lines[i].EffectiveVAT()
		at := path{i, "vat"}
		_, use20 := m.vat(at, v)
		if _, raw := v.Raw(); raw {
			m.fault(at.String(), "cannot be expressed: a correction of FFD 1.05 has sums of VAT, and of a raw code none can be computed", "сумму НДС по этому коду не посчитать")
		}
		c.UseTax20 = c.UseTax20 || use20
	}
	m.oneBasicRate()
	for _, t := range r.VATSums() {
		switch t.VAT {
		case fiscal.VAT20, fiscal.VAT22:
			c.Tax1Sum = Rubles(t.Sum)
		case fiscal.VAT10:
			c.Tax2Sum = Rubles(t.Sum)
		case fiscal.VAT0:
			c.Tax3Sum = Rubles(t.Total)
		case fiscal.VATNone:
			c.Tax4Sum = Rubles(t.Total)
		case fiscal.VAT20of120, fiscal.VAT22of122:
			c.Tax5Sum = Rubles(t.Sum)
		case fiscal.VAT10of110:
			c.Tax6Sum = Rubles(t.Sum)
		case fiscal.VAT5:
			c.Tax7Sum = Rubles(t.Sum)
		case fiscal.VAT7:
			c.Tax8Sum = Rubles(t.Sum)
		case fiscal.VAT5of105:
			c.Tax9Sum = Rubles(t.Sum)
		case fiscal.VAT7of107:
			c.Tax10Sum = Rubles(t.Sum)
		}
	}
	return c
}
