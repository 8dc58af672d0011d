package komtet

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// mapper turns one receipt into the service's form. What that form cannot say
// becomes a fault with the path of the field; nothing is replaced or dropped.
type mapper struct {
	cfg     *Config
	api     API
	receipt fiscal.Receipt
	faults  fiscal.Faults
}

func (m *mapper) fault(path, message, russian string) {
	m.faults = append(m.faults, fiscal.Fault{Path: path, Message: message, Russian: russian})
}

// cannot is the fault of a value that has no code.
func (m *mapper) cannot(path string, value any) {
	m.fault(path, fmt.Sprintf("%v cannot be said to Komtet in version %s", value, m.api), "значение не поддерживается КОМТЕТ Касса")
}

// needless is the fault of a field that the form does not have.
func (m *mapper) needless(is bool, path string) {
	if is {
		m.fault(path, "has no place in Komtet's version "+string(m.api), "поле не поддерживается КОМТЕТ Касса")
	}
}

func (m *mapper) check() CheckRequest {
	r := &m.receipt
	m.needless(r.Seller.Email != "", "seller.email")
	m.needless(r.Machine != "", "machine")
	m.needless(r.Correction != nil && len(r.CashlessDetails) > 0, "cashlessDetails")
	if m.api == APIv1 {
		return m.checkV1()
	}
	return m.checkV2()
}

func (m *mapper) checkV2() CheckRequest {
	r := &m.receipt
	company := Company{TaxSystem: m.taxSystem(), Place: r.Seller.Place, PlaceAddress: r.Seller.Address, INN: r.Seller.INN}
	if company.Place == "" {
		m.fault("seller.place", "is empty, and so is Config.Place: Komtet needs the place of settlement, of a web shop the address of its site",
			"не указано место расчётов")
	}
	positions := make([]PositionV2, len(r.Lines))
	for i := range r.Lines {
		positions[i] = m.positionV2(i)
	}
	industry := m.industry(r.Industry)
	if r.Correction != nil {
		return &CorrectionV2{
			ExternalID: TextID(r.ID), Intent: m.intent(), Print: new(m.cfg.Print), Company: company, Client: m.buyer(), Info: m.correctionV2(),
			Payments: m.payments(), Positions: positions, Cashier: m.cashier(), Attribute: m.attribute(), UserAttribute: m.userAttribute(),
			Industry: industry, Operational: m.operational(), Internet: r.Internet, TimeZone: r.TimeZone, CallbackURL: m.cfg.CallbackURL,
			Extra: m.extra("extra", r.Extra),
		}
	}
	buyer := m.buyer()
	if buyer == nil {
		m.fault("contact", "is empty, and there is no buyer: Komtet needs something of the buyer", "не указан покупатель")
	}
	return &CheckV2{
		ExternalID: TextID(r.ID), Intent: m.intent(), Print: new(m.cfg.Print), Client: buyer, Company: company, Payments: m.payments(),
		Positions: positions, Cashier: m.cashier(), Attribute: m.attribute(), UserAttribute: m.userAttribute(), Industry: industry,
		Operational: m.operational(), Internet: r.Internet, Cashless: m.cashless(), TimeZone: r.TimeZone, CallbackURL: m.cfg.CallbackURL,
		Extra: m.extra("extra", r.Extra),
	}
}

func (m *mapper) positionV2(i int) PositionV2 {
	l := &m.receipt.Lines[i]
	at := "items[" + strconv.Itoa(i) + "]."
	p := PositionV2{
		ID: TextID(l.ID), Name: l.Name, Price: Roubles(l.Price), Quantity: Quantity(l.Quantity), Total: Roubles(l.Total()),
		VAT: m.vat(at, l), Method: m.method(at, l), Object: m.subject(at, l), Excise: excise(l), Country: l.Country, Declaration: l.Declaration,
		UserData: l.Attribute, Agent: m.agent(at, l), Supplier: supplier(l), Extra: m.extra(at+"extra", l.Extra),
	}
	var ok bool
	if p.Measure, ok = UnitCode(l.Unit); !ok {
		m.cannot(at+"unit", l.Unit)
	}
	if l.Mark != nil {
		kind, ok := MarkKindCode(l.Mark.EffectiveKind())
		if !ok {
			m.cannot(at+"mark.kind", l.Mark.EffectiveKind())
		}
		p.Mark = &MarkCode{Kind: kind, Code: l.Mark.Code}
	}
	if l.Part != nil {
		p.MarkPart = &MarkPart{l.Part.Numerator, l.Part.Denominator}
	}
	if l.PlannedStatus != 0 {
		if p.PlannedStatus, ok = PlannedStatusCode(l.PlannedStatus); !ok {
			m.cannot(at+"plannedStatus", l.PlannedStatus)
		}
	}
	if l.Industry != nil {
		p.Industry = m.industry([]fiscal.IndustryAttribute{*l.Industry})
	}
	return p
}

func (m *mapper) correctionV2() CorrectionInfo {
	k := m.receipt.Correction
	return CorrectionInfo{Type: m.correctionKind(), Date: m.day(k.Date).Format(layoutDay), Number: k.Number}
}

// What both versions share.

func (m *mapper) intent() string {
	code, ok := IntentCode(m.receipt.Type)
	if m.receipt.Correction != nil {
		code, ok = CorrectionIntentCode(m.receipt.Type)
	}
	if !ok {
		m.cannot("type", m.receipt.Type)
	}
	return code
}

func (m *mapper) taxSystem() int {
	if m.receipt.TaxSystem == 0 {
		m.fault("taxSystem", "is not given, nor is Config.TaxSystem: Komtet needs it", "не указана система налогообложения")
		return 0
	}
	code, ok := TaxSystemCode(m.receipt.TaxSystem)
	if !ok {
		m.cannot("taxSystem", m.receipt.TaxSystem)
	}
	return code
}

func (m *mapper) correctionKind() string {
	code, ok := CorrectionCode(m.api, m.receipt.Correction.Kind)
	if !ok {
		m.cannot("correction.kind", m.receipt.Correction.Kind)
	}
	return code
}

func (m *mapper) payments() []Payment {
	p := m.receipt.EffectivePayments()
	var list []Payment
	for _, one := range []struct {
		kind string
		sum  money.Amount
	}{{PaymentCashless, p.Cashless}, {PaymentCash, p.Cash}, {PaymentPrepaid, p.Prepaid}, {PaymentCredit, p.Credit}, {PaymentCounter, p.Counter}} {
		if one.sum != 0 {
			list = append(list, Payment{one.kind, Roubles(one.sum)})
		}
	}
	if list == nil { // everything is free
		list = []Payment{{PaymentCashless, 0}}
	}
	return list
}

func (m *mapper) cashless() []CashlessDetail {
	var list []CashlessDetail
	for _, d := range m.receipt.CashlessDetails {
		list = append(list, CashlessDetail{Sum: Roubles(d.Sum), Method: d.Kind, ID: d.ID, Info: d.Info})
	}
	return list
}

func (m *mapper) buyer() *Buyer {
	b := Buyer{Email: m.receipt.Contact.Email, Phone: m.receipt.Contact.Phone}
	if from := m.receipt.Buyer; from != nil {
		b.Name, b.INN, b.BirthDate, b.Citizenship = from.Name, from.INN, from.BirthDate, from.Citizenship
		b.DocumentCode, b.Document, b.Address = from.DocumentCode, from.Document, from.Address
	}
	if b == (Buyer{}) {
		return nil
	}
	return &b
}

func (m *mapper) cashier() *Person {
	k := m.receipt.Cashier
	if k == (fiscal.Cashier{}) {
		return nil
	}
	if k.Name == "" {
		m.fault("cashier.name", "is empty: Komtet takes no INN without it", "не указано имя кассира")
	}
	return &Person{k.Name, k.INN}
}

// attribute is 1192: the receipt's own, or the fiscal sign of the receipt that
// a correction puts right.
func (m *mapper) attribute() string {
	if k := m.receipt.Correction; k != nil && k.FiscalSign != "" {
		return k.FiscalSign
	}
	return m.receipt.Attribute
}

func (m *mapper) userAttribute() *UserAttribute {
	if u := m.receipt.UserAttribute; u != nil {
		return &UserAttribute{u.Name, u.Value}
	}
	return nil
}

func (m *mapper) industry(list []fiscal.IndustryAttribute) []Industry {
	var out []Industry
	for _, a := range list {
		out = append(out, Industry{FOIV: a.FOIV, Date: a.Date, Number: a.Number, Value: a.Value})
	}
	return out
}

func (m *mapper) operational() *Operational {
	if o := m.receipt.Operational; o != nil {
		return &Operational{ID: strconv.Itoa(o.ID), Data: o.Data, Time: o.Time.In(m.zone()).Format(layoutSecond)}
	}
	return nil
}

// zone is where the register's clock stands, which is what the service reads
// times by: the receipt's zone, else that of the Config.
func (m *mapper) zone() *time.Location {
	if z := m.receipt.TimeZone; z >= 1 && z <= 11 {
		return time.FixedZone("", (z+1)*60*60)
	}
	return m.cfg.Location
}

// day is t where its calendar day is the one that is meant: at its own clock if
// that is a Russian one and the receipt names no zone, else at the register's.
// A time that was kept in UTC would be the day before until three in the
// morning.
func (m *mapper) day(t time.Time) time.Time {
	if _, offset := t.Zone(); m.receipt.TimeZone == 0 && offset >= 2*60*60 && offset <= 12*60*60 {
		return t
	}
	return t.In(m.zone())
}

func (m *mapper) vat(at string, l *fiscal.Line) string {
	code, ok := VATCode(l.EffectiveVAT())
	if !ok {
		m.cannot(at+"vat", strconv.Quote(string(l.VAT)))
	}
	return code
}

func (m *mapper) method(at string, l *fiscal.Line) string {
	code, ok := MethodCode(l.Method)
	if !ok {
		m.cannot(at+"method", l.Method)
	}
	return code
}

func (m *mapper) subject(at string, l *fiscal.Line) string {
	code, ok := SubjectCode(m.api, l.Subject)
	if !ok {
		m.cannot(at+"subject", l.Subject)
	}
	return code
}

func (m *mapper) agent(at string, l *fiscal.Line) *AgentInfo {
	a := l.Agent
	if a == nil {
		return nil
	}
	code, ok := AgentCode(a.Type)
	if !ok {
		m.cannot(at+"agent.type", a.Type)
	}
	info := &AgentInfo{Type: code}
	if a.Operation != "" || len(a.Phones) > 0 {
		info.Paying = &PayingAgent{Phones: a.Phones, Operation: a.Operation}
	}
	if len(a.ReceiverPhones) > 0 {
		info.Receiver = &ReceiveOperator{a.ReceiverPhones}
	}
	if len(a.TransferPhones) > 0 || a.TransferName != "" || a.TransferAddress != "" || a.TransferINN != "" {
		info.Transfer = &TransferOperator{Name: a.TransferName, Phones: a.TransferPhones, Address: a.TransferAddress, INN: a.TransferINN}
	}
	return info
}

func supplier(l *fiscal.Line) *Supplier {
	if s := l.Supplier; s != nil {
		return &Supplier{Name: s.Name, Phones: s.Phones, INN: s.INN}
	}
	return nil
}

func excise(l *fiscal.Line) *Roubles {
	if l.Excise == 0 {
		return nil
	}
	sum := Roubles(l.Excise)
	return &sum
}

// extra are fields of the service's own. A value that is JSON is sent as that
// JSON, true and 12 as such; any other is sent as text, and so is one in
// quotation marks.
func (m *mapper) extra(path string, fields map[string]string) Extra {
	if len(fields) == 0 {
		return nil
	}
	out := make(Extra, len(fields))
	for name, value := range fields {
		raw := json.RawMessage(value)
		if !json.Valid(raw) {
			raw, _ = marshal(value)
		}
		out[name] = raw
	}
	return out
}
