package fiscal

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

// today is the moment that the tests check at.
var today = time.Date(2026, 11, 21, 14, 0, 0, 0, moscow)

// good is a receipt without a fault, with much of what a receipt can have.
func good() Receipt {
	return Receipt{
		ID: "A-1", Type: Sale, FFD: FFD12, TaxSystem: TaxGeneral,
		Contact: Contact{Email: "buyer@example.org", Phone: "+79161234567"},
		Buyer: &Buyer{Name: "ООО Ромашка", INN: "7707083893", BirthDate: "01.02.1990", Citizenship: "643",
			DocumentCode: "21", Document: "4510 123456", Address: "Москва"},
		Seller:  Seller{Email: "shop@example.org", INN: "5027119066", Place: "https://shop.example", Address: "Москва"},
		Cashier: Cashier{Name: "Иванова А. П.", INN: "500100732259"},
		Lines: []Line{
			{ID: "1", Name: "Чай", Price: 129900, Quantity: Pieces(1), VAT: VAT22, Method: FullPayment, Subject: Goods,
				Country: "156", Declaration: "10702020/060520/0013422", Attribute: "сорт высший",
				Industry: &IndustryAttribute{FOIV: "030", Date: "21.11.2023", Number: "1944", Value: "UUID=1&Time=2"}},
			{ID: "2", Name: "Сырок", Price: 4700, Quantity: Pieces(1), VAT: VAT10, Method: FullPayment, Subject: GoodsCoded,
				Mark: &Mark{Code: "0104605865487162" + "21n=YGyImHU:iMZ" + gs + "91EE06" + gs + "92X4MlW96GZ6fevDhgR2ahsJ5ImNkUeK22GFxJU2lcDJQ="}, PlannedStatus: PieceSold},
			{ID: "3", Name: "Перевозка", Price: 30000, Quantity: Pieces(1), VAT: VATNone, Method: FullPayment, Subject: Service,
				Agent:    &Agent{Type: CommissionAgent},
				Supplier: &Supplier{Name: "ИП Петров", INN: "500100732259", Phones: []string{"+74951234567"}}},
		},
		Payments:        Payments{Cashless: 100000, Cash: 64600},
		CashlessDetails: []CashlessDetail{{Sum: 100000, Kind: 1, ID: "x", Info: "y"}},
		SoldAt:          today,
		TimeZone:        2, Machine: "17", Attribute: "A1",
		UserAttribute: &UserAttribute{Name: "Заказ", Value: "A-1"},
		Industry:      []IndustryAttribute{{FOIV: "030", Date: "21.11.2023", Number: "1944", Value: "v"}},
		Operational:   &Operational{ID: 1, Data: "d", Time: today},
	}
}

// correction is a faultless correction receipt.
func goodCorrection() Receipt {
	r := good()
	r.Contact, r.Attribute = Contact{}, ""
	r.Correction = &Correction{Kind: CorrectionByOrder, Date: today.AddDate(0, -1, 0), Number: "15-08/1", FiscalSign: "2718281828"}
	return r
}

func TestValidateGood(t *testing.T) {
	require.NoError(t, good().ValidateAt(today))
	assert.Empty(t, good().WarningsAt(today))
	require.NoError(t, goodCorrection().ValidateAt(today))
	assert.Empty(t, goodCorrection().WarningsAt(today))
	// Nothing but what is needed.
	r := NewSale("", Contact{Phone: "+79161234567"}, GoodsLine("Чай", 100, Pieces(1), VATNone))
	require.NoError(t, r.Validate())
	assert.Empty(t, r.Warnings())
}

func chars(n int) string { return strings.Repeat("ж", n) }

// Each case breaks one rule and expects that path alone.
func TestValidateRules(t *testing.T) {
	for name, c := range map[string]struct {
		path  string
		spoil func(r *Receipt)
	}{
		"type unset":                 {"type", func(r *Receipt) { r.Type = 0 }},
		"type unknown":               {"type", func(r *Receipt) { r.Type = 5 }},
		"id not UTF-8":               {"id", func(r *Receipt) { r.ID = "\xff" }},
		"FFD unknown":                {"ffd", func(r *Receipt) { r.FFD = "1.1" }},
		"tax system of two bits":     {"taxSystem", func(r *Receipt) { r.TaxSystem = 3 }},
		"time zone":                  {"timeZone", func(r *Receipt) { r.TimeZone = 12 }},
		"sold in the future":         {"soldAt", func(r *Receipt) { r.SoldAt = today.AddDate(0, 0, 2) }},
		"machine too long":           {"machine", func(r *Receipt) { r.Machine = chars(21) }},
		"attribute too long":         {"attribute", func(r *Receipt) { r.Attribute = chars(17) }},
		"user attribute name":        {"userAttribute.name", func(r *Receipt) { r.UserAttribute.Name = "" }},
		"user attribute value":       {"userAttribute.value", func(r *Receipt) { r.UserAttribute.Value = "" }},
		"user attribute name long":   {"userAttribute.name", func(r *Receipt) { r.UserAttribute.Name = chars(65) }},
		"user attribute value long":  {"userAttribute.value", func(r *Receipt) { r.UserAttribute.Value = chars(257) }},
		"industry code":              {"industry[0].foiv", func(r *Receipt) { r.Industry[0].FOIV = "30" }},
		"industry code empty":        {"industry[0].foiv", func(r *Receipt) { r.Industry[0].FOIV = "" }},
		"industry date":              {"industry[0].date", func(r *Receipt) { r.Industry[0].Date = "2023-11-21" }},
		"industry date empty":        {"industry[0].date", func(r *Receipt) { r.Industry[0].Date = "" }},
		"industry number":            {"industry[0].number", func(r *Receipt) { r.Industry[0].Number = chars(33) }},
		"industry number empty":      {"industry[0].number", func(r *Receipt) { r.Industry[0].Number = "" }},
		"industry value":             {"industry[0].value", func(r *Receipt) { r.Industry[0].Value = chars(257) }},
		"industry value empty":       {"industry[0].value", func(r *Receipt) { r.Industry[0].Value = "" }},
		"operational id":             {"operational.id", func(r *Receipt) { r.Operational.ID = 256 }},
		"operational data":           {"operational.data", func(r *Receipt) { r.Operational.Data = chars(65) }},
		"operational data empty":     {"operational.data", func(r *Receipt) { r.Operational.Data = "" }},
		"operational time":           {"operational.time", func(r *Receipt) { r.Operational.Time = time.Time{} }},
		"contact missing":            {"contact", func(r *Receipt) { r.Contact = Contact{} }},
		"contact missing, internet":  {"contact", func(r *Receipt) { r.Contact, r.Internet = Contact{}, new(true) }},
		"e-mail form":                {"contact.email", func(r *Receipt) { r.Contact.Email = "buyer" }},
		"e-mail of two":              {"contact.email", func(r *Receipt) { r.Contact.Email = "a@b.ru,c@d.ru" }},
		"e-mail without a zone":      {"contact.email", func(r *Receipt) { r.Contact.Email = "a@localhost" }},
		"e-mail two points":          {"contact.email", func(r *Receipt) { r.Contact.Email = "a@b..ru" }},
		"e-mail point at the end":    {"contact.email", func(r *Receipt) { r.Contact.Email = "a@b.ru." }},
		"e-mail too long":            {"contact.email", func(r *Receipt) { r.Contact.Email = strings.Repeat("a", 60) + "@b.ru" }},
		"phone with 8":               {"contact.phone", func(r *Receipt) { r.Contact.Phone = "89161234567" }},
		"phone with spaces":          {"contact.phone", func(r *Receipt) { r.Contact.Phone = "+7 916 123-45-67" }},
		"phone too short":            {"contact.phone", func(r *Receipt) { r.Contact.Phone = "+79161" }},
		"buyer name":                 {"buyer.name", func(r *Receipt) { r.Buyer.Name = chars(257) }},
		"buyer INN":                  {"buyer.inn", func(r *Receipt) { r.Buyer.INN = "7707083894" }},
		"buyer INN of zeros":         {"buyer.inn", func(r *Receipt) { r.Buyer.INN = "000000000000" }},
		"buyer birth date":           {"buyer.birthDate", func(r *Receipt) { r.Buyer.BirthDate = "30.02.1990" }},
		"buyer citizenship":          {"buyer.citizenship", func(r *Receipt) { r.Buyer.Citizenship = "RUS" }},
		"buyer document code":        {"buyer.documentCode", func(r *Receipt) { r.Buyer.DocumentCode = "1" }},
		"buyer document":             {"buyer.document", func(r *Receipt) { r.Buyer.Document = chars(65) }},
		"buyer address":              {"buyer.address", func(r *Receipt) { r.Buyer.Address = chars(257) }},
		"seller e-mail":              {"seller.email", func(r *Receipt) { r.Seller.Email = "none" }},
		"seller INN":                 {"seller.inn", func(r *Receipt) { r.Seller.INN = "5027119067" }},
		"seller place":               {"seller.place", func(r *Receipt) { r.Seller.Place = chars(257) }},
		"seller address":             {"seller.address", func(r *Receipt) { r.Seller.Address = chars(257) }},
		"cashier name":               {"cashier.name", func(r *Receipt) { r.Cashier.Name = chars(65) }},
		"cashier INN of a company":   {"cashier.inn", func(r *Receipt) { r.Cashier.INN = "7707083893" }},
		"cashier INN":                {"cashier.inn", func(r *Receipt) { r.Cashier.INN = "500100732258" }},
		"payments less":              {"payments", func(r *Receipt) { r.Payments.Cash-- }},
		"payments more":              {"payments", func(r *Receipt) { r.Payments.Prepaid++ }},
		"payments overflow":          {"payments", func(r *Receipt) { r.Payments.Cash = money.Max }},
		"cash negative":              {"payments.cash", func(r *Receipt) { r.Payments.Cash = -1 }},
		"prepaid negative":           {"payments.prepaid", func(r *Receipt) { r.Payments.Prepaid = -1 }},
		"credit negative":            {"payments.credit", func(r *Receipt) { r.Payments.Credit = -1 }},
		"counter negative":           {"payments.counter", func(r *Receipt) { r.Payments.Counter = -1 }},
		"cashless details over":      {"cashlessDetails", func(r *Receipt) { r.CashlessDetails[0].Sum++ }},
		"cashless detail sum":        {"cashlessDetails[0].sum", func(r *Receipt) { r.CashlessDetails[0].Sum = 0 }},
		"cashless detail kind":       {"cashlessDetails[0].kind", func(r *Receipt) { r.CashlessDetails[0].Kind = -1 }},
		"cashless detail id":         {"cashlessDetails[0].id", func(r *Receipt) { r.CashlessDetails[0].ID = chars(257) }},
		"cashless detail info":       {"cashlessDetails[0].info", func(r *Receipt) { r.CashlessDetails[0].Info = chars(257) }},
		"no lines":                   {"items", func(r *Receipt) { r.Lines, r.Payments, r.CashlessDetails = nil, Payments{}, nil }},
		"same id twice":              {"items[2].id", func(r *Receipt) { r.Lines[2].ID = "1" }},
		"too much together":          {"items", func(r *Receipt) { r.Lines[0].Price, r.Lines[2].Price = MaxSum, MaxSum }},
		"name empty":                 {"items[0].name", func(r *Receipt) { r.Lines[0].Name = "" }},
		"name too long":              {"items[0].name", func(r *Receipt) { r.Lines[0].Name = chars(129) }},
		"name not UTF-8":             {"items[0].name", func(r *Receipt) { r.Lines[0].Name = "\xd0" }},
		"price negative":             {"items[0].price", func(r *Receipt) { r.Lines[0].Price, r.Payments = -1, Payments{}; r.CashlessDetails = nil }},
		"price over all":             {"items[0].price", func(r *Receipt) { r.Lines[0].Price = MaxSum + 1 }},
		"quantity zero":              {"items[0].quantity", func(r *Receipt) { r.Lines[0].Quantity, r.Payments = 0, Payments{}; r.CashlessDetails = nil }},
		"quantity negative":          {"items[0].quantity", func(r *Receipt) { r.Lines[0].Quantity, r.Payments = -1, Payments{}; r.CashlessDetails = nil }},
		"line overflow":              {"items[0].quantity", func(r *Receipt) { r.Lines[0].Quantity = Pieces(1 << 42) }},
		"excise negative":            {"items[0].excise", func(r *Receipt) { r.Lines[0].Excise = -1 }},
		"excise over the total":      {"items[0].excise", func(r *Receipt) { r.Lines[0].Excise, r.Lines[0].Subject = 129901, Excisable }},
		"VAT unset":                  {"items[2].vat", func(r *Receipt) { r.Lines[2].VAT = "" }},
		"VAT unknown":                {"items[2].vat", func(r *Receipt) { r.Lines[2].VAT = "18" }},
		"VAT raw without a code":     {"items[2].vat", func(r *Receipt) { r.Lines[2].VAT = RawVAT("") }},
		"calculated at full payment": {"items[0].vat", func(r *Receipt) { r.Lines[0].VAT = VAT22of122 }},
		"method unset":               {"items[0].method", func(r *Receipt) { r.Lines[0].Method = 0 }},
		"subject unset":              {"items[0].subject", func(r *Receipt) { r.Lines[0].Subject = 0 }},
		"unit name too long":         {"items[0].unitName", func(r *Receipt) { r.Lines[0].UnitName, r.Lines[0].Unit = chars(17), OtherUnit }},
		"unit name in 1.2":           {"items[0].unitName", func(r *Receipt) { r.Lines[0].UnitName = "кг" }},
		"line over 1024 bytes": {"items[2]", func(r *Receipt) {
			a := bankAgent(r)
			a.TransferAddress, r.Lines[2].Supplier.Name, a.Phones = chars(256), chars(256), slices.Repeat(a.Phones, 30)
		}},
		"country":                     {"items[0].country", func(r *Receipt) { r.Lines[0].Country = "RU" }},
		"declaration":                 {"items[0].declaration", func(r *Receipt) { r.Lines[0].Declaration = chars(33) }},
		"line attribute":              {"items[0].attribute", func(r *Receipt) { r.Lines[0].Attribute = chars(65) }},
		"line industry":               {"items[0].industry.foiv", func(r *Receipt) { r.Lines[0].Industry.FOIV = "03x" }},
		"mark missing":                {"items[1].mark", func(r *Receipt) { r.Lines[1].Mark, r.Lines[1].PlannedStatus = nil, 0 }},
		"mark empty":                  {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark.Code = "" }},
		"mark with FNC1":              {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark.Code = "]d2" + r.Lines[1].Mark.Code }},
		"mark with 0xE8":              {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark.Code = "\xe8" + r.Lines[1].Mark.Code }},
		"mark that begins with GS":    {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark.Code = gs + r.Lines[1].Mark.Code }},
		"mark without its GS":         {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark.Code = strings.ReplaceAll(r.Lines[1].Mark.Code, gs, "") }},
		"mark in a Cyrillic layout":   {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark.Code = "0104605865487162" + "21т=НПнШь" }},
		"mark with control bytes":     {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark.Code += "\x01x" }},
		"mark too long":               {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark.Code += strings.Repeat("a", 200) }},
		"mark kind":                   {"items[1].mark.kind", func(r *Receipt) { r.Lines[1].Mark.Kind = 1310 }},
		"mark not of its kind":        {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark = &Mark{Code: "4600000000000", Kind: MarkEAN13} }},
		"mark not GS1":                {"items[1].mark.code", func(r *Receipt) { r.Lines[1].Mark = &Mark{Code: "46000000000", Kind: MarkGS1M} }},
		"mark with the wrong subject": {"items[1].subject", func(r *Receipt) { r.Lines[1].Subject = Goods }},
		"mark in a prepayment":        {"items[1].method", func(r *Receipt) { r.Lines[1].Method = FullPrepayment }},
		"mark of two pieces": {"items[1].quantity", func(r *Receipt) {
			r.Lines[1].Quantity = Pieces(2)
			r.Payments.Cash += 4700
		}},
		"mark of half a piece": {"items[1].quantity", func(r *Receipt) {
			r.Lines[1].Quantity = qty("0.5")
			r.Payments.Cash -= 2350
		}},
		"mark by the kilogram":       {"items[1].unit", func(r *Receipt) { r.Lines[1].Unit = Kilogram }},
		"part too big":               {"items[1].part", func(r *Receipt) { r.Lines[1].Part = &Part{5, 5} }},
		"part of nothing":            {"items[1].part", func(r *Receipt) { r.Lines[1].Part = &Part{0, 5} }},
		"part without a mark":        {"items[0].part", func(r *Receipt) { r.Lines[0].Part = &Part{1, 5} }},
		"status without a mark":      {"items[0].plannedStatus", func(r *Receipt) { r.Lines[0].PlannedStatus = PieceSold }},
		"status of a return":         {"items[1].plannedStatus", func(r *Receipt) { r.Lines[1].PlannedStatus = PieceReturned }},
		"status of a sale":           {"items[1].plannedStatus", func(r *Receipt) { r.Type = SaleReturn }},
		"agent kind":                 {"items[2].agent.type", func(r *Receipt) { r.Lines[2].Agent.Type = 3 }},
		"agent operation long":       {"items[2].agent.operation", func(r *Receipt) { r.Lines[2].Agent.Operation = chars(25) }},
		"agent phone":                {"items[2].agent.phones[1]", func(r *Receipt) { r.Lines[2].Agent.Phones = []string{"+74951234567", "8495"} }},
		"agent receiver phone":       {"items[2].agent.receiverPhones[0]", func(r *Receipt) { r.Lines[2].Agent.ReceiverPhones = []string{"8495"} }},
		"agent transfer phone":       {"items[2].agent.transferPhones[0]", func(r *Receipt) { r.Lines[2].Agent.TransferPhones = []string{"8495"} }},
		"agent transfer name":        {"items[2].agent.transferName", func(r *Receipt) { r.Lines[2].Agent.TransferName = chars(65) }},
		"agent transfer address":     {"items[2].agent.transferAddress", func(r *Receipt) { r.Lines[2].Agent.TransferAddress = chars(257) }},
		"agent transfer INN":         {"items[2].agent.transferInn", func(r *Receipt) { r.Lines[2].Agent.TransferINN = "1" }},
		"supplier missing":           {"items[2].supplier", func(r *Receipt) { r.Lines[2].Supplier = nil }},
		"supplier name missing":      {"items[2].supplier.name", func(r *Receipt) { r.Lines[2].Supplier.Name = "" }},
		"supplier name long":         {"items[2].supplier.name", func(r *Receipt) { r.Lines[2].Supplier.Name = chars(257) }},
		"supplier INN missing":       {"items[2].supplier.inn", func(r *Receipt) { r.Lines[2].Supplier.INN = "" }},
		"supplier INN":               {"items[2].supplier.inn", func(r *Receipt) { r.Lines[2].Supplier.INN = "123" }},
		"supplier phone missing":     {"items[2].supplier.phones", func(r *Receipt) { r.Lines[2].Supplier.Phones = nil }},
		"supplier phone":             {"items[2].supplier.phones[0]", func(r *Receipt) { r.Lines[2].Supplier.Phones[0] = "8 495" }},
		"bank agent operation":       {"items[2].agent.operation", func(r *Receipt) { bankAgent(r).Operation = "" }},
		"bank agent phones":          {"items[2].agent.phones", func(r *Receipt) { bankAgent(r).Phones = nil }},
		"bank agent transfer phones": {"items[2].agent.transferPhones", func(r *Receipt) { bankAgent(r).TransferPhones = nil }},
		"bank agent transfer name":   {"items[2].agent.transferName", func(r *Receipt) { bankAgent(r).TransferName = "" }},
		"bank agent transfer place":  {"items[2].agent.transferAddress", func(r *Receipt) { bankAgent(r).TransferAddress = "" }},
		"bank agent transfer INN":    {"items[2].agent.transferInn", func(r *Receipt) { bankAgent(r).TransferINN = "" }},
		"payment agent phones":       {"items[2].agent.phones", func(r *Receipt) { payAgent(r).Phones = nil }},
		"payment agent receiver":     {"items[2].agent.receiverPhones", func(r *Receipt) { payAgent(r).ReceiverPhones = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			r := good()
			c.spoil(&r)
			checkFaults(t, r, c.path)
		})
	}
}

func checkFaults(t *testing.T, r Receipt, path string) {
	t.Helper()
	err := r.ValidateAt(today)
	var faults Faults
	require.ErrorAs(t, err, &faults)
	require.Equal(t, []string{path}, faults.Paths(), err.Error())
	assert.NotEmpty(t, faults[0].Message)
	assert.NotEmpty(t, faults[0].Russian)
}

func bankAgent(r *Receipt) *Agent {
	r.Lines[2].Agent = &Agent{Type: BankPayingAgent, Operation: "Перевод", Phones: []string{"+74951234567"},
		TransferPhones: []string{"+74951234567"}, TransferName: "Банк", TransferAddress: "Москва", TransferINN: "7707083893"}
	return r.Lines[2].Agent
}

func payAgent(r *Receipt) *Agent {
	r.Lines[2].Agent = &Agent{Type: PayingSubagent, Phones: []string{"+74951234567"}, ReceiverPhones: []string{"+74951234567"}}
	return r.Lines[2].Agent
}

func TestValidateCorrectionRules(t *testing.T) {
	for name, c := range map[string]struct {
		path  string
		spoil func(r *Receipt)
	}{
		"kind":                      {"correction.kind", func(r *Receipt) { r.Correction.Kind = 2 }},
		"no date":                   {"correction.date", func(r *Receipt) { r.Correction.Date = time.Time{} }},
		"date in the future":        {"correction.date", func(r *Receipt) { r.Correction.Date = today.AddDate(0, 0, 1) }},
		"by order without a number": {"correction.number", func(r *Receipt) { r.Correction.Number = "" }},
		"number on own initiative":  {"correction.number", func(r *Receipt) { r.Correction.Kind = CorrectionOwn }},
		"number too long":           {"correction.number", func(r *Receipt) { r.Correction.Number = chars(33) }},
		"description too long":      {"correction.description", func(r *Receipt) { r.Correction.Description = chars(257) }},
		"fiscal sign":               {"correction.fiscalSign", func(r *Receipt) { r.Correction.FiscalSign = "12345678901" }},
		"another attribute":         {"attribute", func(r *Receipt) { r.Attribute = "A1" }},
		"contact in the internet":   {"contact", func(r *Receipt) { r.Internet = new(true) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := goodCorrection()
			c.spoil(&r)
			checkFaults(t, r, c.path)
		})
	}
}

// simple105 is a receipt that both versions can carry.
func simple105() Receipt {
	r := NewSale("1", Contact{Email: "a@b.ru"}, GoodsLine("Чай", 100, Pieces(1), VAT22))
	r.FFD = FFD105
	return r
}

func TestValidateFFD105(t *testing.T) {
	require.NoError(t, simple105().ValidateAt(today))
	for name, c := range map[string]struct {
		path  string
		spoil func(r *Receipt)
	}{
		"industry":       {"industry", func(r *Receipt) { r.Industry = good().Industry }},
		"operational":    {"operational", func(r *Receipt) { r.Operational = good().Operational }},
		"birth date":     {"buyer.birthDate", func(r *Receipt) { r.Buyer = &Buyer{BirthDate: "01.01.2000"} }},
		"citizenship":    {"buyer.citizenship", func(r *Receipt) { r.Buyer = &Buyer{Citizenship: "643"} }},
		"document code":  {"buyer.documentCode", func(r *Receipt) { r.Buyer = &Buyer{DocumentCode: "21"} }},
		"document":       {"buyer.document", func(r *Receipt) { r.Buyer = &Buyer{Document: "1"} }},
		"address":        {"buyer.address", func(r *Receipt) { r.Buyer = &Buyer{Address: "1"} }},
		"line industry":  {"items[0].industry", func(r *Receipt) { r.Lines[0].Industry = good().Lines[0].Industry }},
		"marked subject": {"items[0].subject", func(r *Receipt) { r.Lines[0].Subject = GoodsUncoded }},
		"unit code":      {"items[0].unit", func(r *Receipt) { r.Lines[0].Unit = Kilogram }},
		"planned status": {"items[0].plannedStatus", func(r *Receipt) { r.Lines[0].Mark, r.Lines[0].PlannedStatus = good().Lines[1].Mark, PieceSold }},
		"part":           {"items[0].part", func(r *Receipt) { r.Lines[0].Mark, r.Lines[0].Part = good().Lines[1].Mark, &Part{1, 2} }},
		"mark without a form": {"items[0].mark.code", func(r *Receipt) {
			r.Lines[0].Mark = &Mark{Code: "RU-430301-AAA0012345"}
		}},
		"correction of a return": {"type", func(r *Receipt) {
			r.Type, r.Correction = SaleReturn, &Correction{Date: today}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := simple105()
			c.spoil(&r)
			checkFaults(t, r, c.path)
		})
	}
	t.Run("what it can carry", func(t *testing.T) {
		r := simple105()
		r.Lines[0].Unit, r.Lines[0].UnitName = Kilogram, "кг"
		r.Lines[0].Mark = nil
		require.NoError(t, r.ValidateAt(today))
		r = simple105()
		r.Lines[0].Mark = good().Lines[1].Mark
		require.NoError(t, r.ValidateAt(today))
	})
}

func TestValidateAllows(t *testing.T) {
	for name, change := range map[string]func(r *Receipt){
		"no contact at the counter":           func(r *Receipt) { r.Contact, r.Internet = Contact{}, new(false) },
		"a foreign supplier":                  func(r *Receipt) { r.Lines[2].Supplier.INN = "000000000000" },
		"a supplier without an agent":         func(r *Receipt) { r.Lines[2].Agent = nil; r.Lines[2].Supplier.Phones = nil },
		"a raw rate":                          func(r *Receipt) { r.Lines[0].VAT = RawVAT("13") },
		"a plain rate with a prepayment":      func(r *Receipt) { r.Lines[0].Method = FullPrepayment },
		"a calculated rate with a prepayment": func(r *Receipt) { r.Lines[0].Method, r.Lines[0].VAT = Advance, VAT22of122 },
		"a marked subject in a prepayment": func(r *Receipt) {
			r.Lines[1].Mark, r.Lines[1].PlannedStatus, r.Lines[1].Method = nil, 0, FullPrepayment
		},
		"marked goods on credit": func(r *Receipt) {
			r.Lines[1].Method = Credit
			r.Payments.Credit, r.Payments.Cash = 4700, r.Payments.Cash-4700
		},
		"part of a package": func(r *Receipt) { r.Lines[1].Part = &Part{2, 5} },
		"marked goods by measure": func(r *Receipt) {
			r.Lines[1].Quantity, r.Lines[1].Unit, r.Lines[1].PlannedStatus = qty("0.5"), Kilogram, MeasureSelling
			r.Payments.Cash -= 2350
		},
		"a short code without cryptography": func(r *Receipt) { r.Lines[1].Mark = &Mark{Code: "00000046198488X?io+qCABm8wAYa"} },
		"status unchanged":                  func(r *Receipt) { r.Lines[1].PlannedStatus = StatusKept },
		"returned status in a return":       func(r *Receipt) { r.Type, r.Lines[1].PlannedStatus = SaleReturn, PartReturned },
		"a whole bank agent":                func(r *Receipt) { bankAgent(r) },
		"a whole payment agent":             func(r *Receipt) { payAgent(r) },
		"both units":                        func(r *Receipt) { r.Lines[0].Unit, r.Lines[0].UnitName = Kilogram, "кг" },
		"pieces in words":                   func(r *Receipt) { r.Lines[0].UnitName = "шт." },
		"the whole cashless":                func(r *Receipt) { r.Payments = Payments{} },
		"names of 128 characters":           func(r *Receipt) { r.Lines[0].Name = chars(128) },
	} {
		t.Run(name, func(t *testing.T) {
			r := good()
			change(&r)
			require.NoError(t, r.ValidateAt(today))
		})
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		path  string
		spoil func(r *Receipt)
	}{
		"characters":   {"items[0].name", func(r *Receipt) { r.Lines[0].Name = "Чай «Ассам»" }},
		"a line break": {"items[0].name", func(r *Receipt) { r.Lines[0].Name = "Чай\nчёрный" }},
		"long id":      {"id", func(r *Receipt) { r.ID = chars(65) }},
		"price zero": {"items[0].price", func(r *Receipt) {
			r.Lines[0].Price, r.Payments.Cash, r.Payments.Cashless = 0, 0, 34700
			r.CashlessDetails = nil
		}},
		"total zero":                 {"items[0].quantity", func(r *Receipt) { freeLine(r) }},
		"declaration alone":          {"items[0].country", func(r *Receipt) { r.Lines[0].Country = "" }},
		"excise of tea":              {"items[0].excise", func(r *Receipt) { r.Lines[0].Excise = 1 }},
		"imputed income":             {"taxSystem", func(r *Receipt) { r.TaxSystem = TaxImputed }},
		"20 % after 2025":            {"items[0].vat", func(r *Receipt) { r.Lines[0].VAT = VAT20 }},
		"20/120 after 2025":          {"items[0].vat", func(r *Receipt) { r.Lines[0].VAT, r.Lines[0].Method = VAT20of120, Advance }},
		"20 % now":                   {"items[0].vat", func(r *Receipt) { r.Lines[0].VAT, r.SoldAt = VAT20, time.Time{} }},
		"22 % before 2026":           {"items[0].vat", func(r *Receipt) { r.SoldAt = time.Date(2025, 12, 31, 23, 59, 0, 0, moscow) }},
		"5 % before 2025":            {"items[0].vat", func(r *Receipt) { r.Lines[0].VAT, r.SoldAt = VAT5, time.Date(2024, 12, 31, 0, 0, 0, 0, moscow) }},
		"7 % before 2025":            {"items[0].vat", func(r *Receipt) { r.Lines[0].VAT, r.SoldAt = VAT7, time.Date(2024, 12, 31, 0, 0, 0, 0, moscow) }},
		"credit without a line":      {"payments", func(r *Receipt) { r.Payments.Cash, r.Payments.Credit = r.Payments.Cash-1, 1 }},
		"a credit line without kind": {"payments", func(r *Receipt) { r.Lines[0].Method = Credit }},
	} {
		t.Run(name, func(t *testing.T) {
			r := good()
			c.spoil(&r)
			require.NoError(t, r.ValidateAt(today))
			got := r.WarningsAt(today)
			assert.Equal(t, []string{c.path}, got.Paths())
			assert.NotEmpty(t, got[0].Russian)
		})
	}
	t.Run("more than 100 lines", func(t *testing.T) {
		r := NewSale("1", Contact{Email: "a@b.ru"}, slices.Repeat([]Line{GoodsLine("Чай", 1, Pieces(1), VAT22)}, 101)...)
		require.NoError(t, r.ValidateAt(today))
		assert.Equal(t, []string{"items"}, r.WarningsAt(today).Paths())
	})
	t.Run("subject in 1.05", func(t *testing.T) {
		r := simple105()
		r.Lines[0].Subject = Pledge
		require.NoError(t, r.ValidateAt(today))
		assert.Equal(t, []string{"items[0].subject"}, r.WarningsAt(today).Paths())
	})
}

func freeLine(r *Receipt) {
	r.Lines[0].Price, r.Lines[0].Quantity = 1, qty("0.4")
	r.Payments = Payments{}
	r.CashlessDetails = nil
}

// The rate belongs to the day of the sale, so old rates pass in silence where
// that day is old or not known.
func TestOldRatesWithoutWarning(t *testing.T) {
	for name, change := range map[string]func(r *Receipt){
		"sold in 2025":            func(r *Receipt) { r.SoldAt = time.Date(2025, 12, 31, 12, 0, 0, 0, moscow) },
		"a return of some day":    func(r *Receipt) { r.Type = SaleReturn },
		"a return of 2025":        func(r *Receipt) { r.Type, r.SoldAt = SaleReturn, time.Date(2025, 5, 1, 0, 0, 0, 0, moscow) },
		"a correction of 2025":    func(r *Receipt) { r.Correction = &Correction{Date: time.Date(2025, 5, 1, 0, 0, 0, 0, moscow)} },
		"a correction by order":   func(r *Receipt) { r.Correction = &Correction{Kind: CorrectionByOrder, Number: "1", Date: today} },
		"the payment of a credit": func(r *Receipt) { r.Lines[0].Method = CreditPayment },
	} {
		t.Run(name, func(t *testing.T) {
			r := NewSale("1", Contact{Email: "a@b.ru"}, GoodsLine("Чай", 100, Pieces(1), VAT20))
			change(&r)
			require.NoError(t, r.ValidateAt(today))
			assert.Empty(t, r.WarningsAt(today))
		})
	}
	r := NewSale("1", Contact{Email: "a@b.ru"}, GoodsLine("Чай", 100, Pieces(1), VAT20))
	r.Type, r.SoldAt = SaleReturn, today
	assert.Equal(t, []string{"items[0].vat"}, r.WarningsAt(today).Paths())
}

func TestValidateTellsEverythingAtOnceAndChangesNothing(t *testing.T) {
	r := good()
	r.Type, r.Contact.Phone = 0, "89161234567"
	r.Lines[0].VAT, r.Lines[2].Name, r.Lines[2].Supplier = "", "", nil
	r.Payments.Cash++
	before := r
	before.Lines = slices.Clone(r.Lines)
	err := r.ValidateAt(today)
	assert.Equal(t, before, r)
	var faults Faults
	require.ErrorAs(t, err, &faults)
	assert.Equal(t, []string{"type", "contact.phone", "items[0].vat", "items[2].name", "items[2].supplier", "payments"}, faults.Paths())
	assert.Equal(t, 5, strings.Count(err.Error(), "; items")+strings.Count(err.Error(), "; contact")+strings.Count(err.Error(), "; payments"))
	assert.Contains(t, err.Error(), "payments: come to 1646.01, but the lines to 1646.00")
	assert.Equal(t, 6, len(strings.Split(faults.Russian(), "\n")))

	var one Fault
	require.ErrorAs(t, err, &one)
	assert.Equal(t, "type", one.Path)
	assert.True(t, errors.Is(err, faults[3]), "each fault is in the chain")
}

// TestUnknownCodesArePassedOn: a number that the format got after this was
// written is worth a warning, not a refusal.
func TestUnknownCodesArePassedOn(t *testing.T) {
	for path, change := range map[string]func(*Line){
		"items[0].method":  func(l *Line) { l.Method = 8 },
		"items[0].subject": func(l *Line) { l.Subject = 40 },
		"items[0].unit":    func(l *Line) { l.Unit = 99 },
		"items[0].plannedStatus": func(l *Line) {
			l.PlannedStatus = 7
			l.Mark = &Mark{Code: "0104601234567893215Ab\x1d93x1y2"}
			l.Subject = GoodsCoded
		},
	} {
		r := NewSale("x", Contact{Email: "a@example.org"}, ServiceLine("Урок", 100, Pieces(1), VATNone))
		r.FFD, r.TaxSystem = FFD12, TaxSimplifiedIncome
		change(&r.Lines[0])
		assert.NoError(t, r.Validate(), path)
		assert.Contains(t, r.Warnings().Paths(), path)
	}
}

// The day of a correction is shown as it is counted and printed: at the clock
// of the receipt, in Moscow where the shop keeps its times in UTC.
func TestCorrectionDayInText(t *testing.T) {
	r := goodCorrection()
	r.Correction.Date = time.Date(2026, 10, 19, 22, 30, 0, 0, time.UTC)
	assert.Contains(t, r.Text(nil), "20.10.2026")
	r.TimeZone, r.Correction.Date = 1, time.Date(2026, 10, 19, 21, 30, 0, 0, time.UTC)
	assert.Contains(t, r.Text(nil), "19.10.2026")
}
