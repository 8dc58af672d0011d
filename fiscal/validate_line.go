package fiscal

import (
	"fmt"
	"unicode/utf8"
)

func (c *checker) lines(r *Receipt) {
	p := atReceipt()
	if len(r.Lines) == 0 {
		c.fault(p, "items", "a receipt needs at least one line", "в чеке нет ни одной позиции")
	}
	if len(r.Lines) > manyLines {
		c.warn(p, "items", fmt.Sprintf("are %d; some services take at most %d", len(r.Lines), manyLines),
			fmt.Sprintf("%d позиций; некоторые сервисы берут не больше %d", len(r.Lines), manyLines))
	}
	var ids map[string]int
	for i := range r.Lines {
		l := &r.Lines[i]
		lp := place{line: i}
		c.line(r, l, lp)
		if l.ID == "" {
			continue
		}
		if ids == nil {
			ids = make(map[string]int, len(r.Lines))
		}
		if first, taken := ids[l.ID]; taken {
			c.fault(lp, "id", fmt.Sprintf("is the same as of items[%d]", first), fmt.Sprintf("такой же, как у позиции %d", first+1))
		} else {
			ids[l.ID] = i
		}
	}
	if total := r.Total(); len(r.Lines) > 0 && total > MaxSum && !r.anyLineOver() {
		c.fault(p, "items", "come to more than a receipt can hold", "сумма чека больше возможной")
	}
}

func (r *Receipt) anyLineOver() bool {
	for i := range r.Lines {
		if r.Lines[i].Total() > MaxSum || r.Lines[i].Price > MaxSum {
			return true
		}
	}
	return false
}

func (c *checker) line(r *Receipt, l *Line, p place) {
	c.required(p, "name", l.Name == "", "is empty", "нет наименования")
	c.text(p, "name", l.Name, MaxName)
	c.sums(l, p)
	c.vat(r, l, p)
	c.attributes(r, l, p)
	c.mark(r, l, p)
	c.agent(l, p)
	c.text(p, "declaration", l.Declaration, 32)
	c.digits(p, "country", l.Country, 3, 3, "a country's code of three digits: 643 is Russia", "код страны из трёх цифр, Россия — 643")
	if l.Declaration != "" && l.Country == "" {
		c.warn(p, "country", "is empty, but there is a customs declaration", "есть номер таможенной декларации, но нет страны")
	}
	c.text(p, "attribute", l.Attribute, 64)
	c.only12(r, p, "industry", l.Industry != nil)
	if l.Industry != nil {
		c.industry(p.in("industry"), l.Industry)
	}
	if n := l.leastBytes(); n > maxLine {
		c.fault(p, "", fmt.Sprintf("takes at least %d bytes with all its texts, at most %d fit", n, maxLine),
			fmt.Sprintf("позиция занимает не меньше %d байт, помещается %d", n, maxLine))
	}
}

// leastBytes is what the texts of the line take in the register's storage: a
// byte for a character and four for each tag. Numbers come on top.
func (l *Line) leastBytes() int {
	n := 0
	add := func(texts ...string) {
		for _, s := range texts {
			if s != "" {
				n += 4 + utf8.RuneCountInString(s)
			}
		}
	}
	add(l.Name, l.UnitName, l.Declaration, l.Attribute)
	if l.Mark != nil {
		add(l.Mark.Code)
	}
	if i := l.Industry; i != nil {
		add(i.FOIV, i.Date, i.Number, i.Value)
	}
	if a := l.Agent; a != nil {
		add(a.Operation, a.TransferName, a.TransferAddress, a.TransferINN)
		add(a.Phones...)
		add(a.ReceiverPhones...)
		add(a.TransferPhones...)
	}
	if s := l.Supplier; s != nil {
		add(s.Name, s.INN)
		add(s.Phones...)
	}
	return n
}

func (c *checker) sums(l *Line, p place) {
	switch {
	case l.Price < 0:
		c.fault(p, "price", "is negative; a discount goes into the price of the lines (see Spread)", "отрицательная цена; скидка входит в цену позиций")
	case l.Price > MaxSum:
		c.fault(p, "price", "is more than a receipt can hold", "цена больше возможной")
	case l.Price == 0:
		c.warn(p, "price", "is zero, which several services refuse; leave the line out or give 0.01", "нулевая цена: некоторые сервисы её не принимают")
	}
	switch {
	case l.Quantity == 0:
		c.fault(p, "quantity", "is zero", "нет количества")
	case l.Quantity < 0:
		c.fault(p, "quantity", "is negative; a return is a receipt of the type SaleReturn", "отрицательное количество; возврат — это чек возврата")
	case l.Price > 0 && l.Price <= MaxSum && l.Total() > MaxSum:
		c.fault(p, "quantity", "times the price is more than a receipt can hold", "сумма позиции больше возможной")
	case l.Price > 0 && l.Total() == 0:
		c.warn(p, "quantity", "times the price is less than half a kopeck: the line comes to zero", "сумма позиции меньше копейки")
	}
	switch {
	case l.Excise < 0:
		c.fault(p, "excise", "is negative", "отрицательный акциз")
	case l.Excise > 0 && l.Price >= 0 && l.Quantity > 0 && l.Excise > l.Total():
		c.fault(p, "excise", fmt.Sprintf("is more than the line's total of %s", l.Total()), "акциз больше суммы позиции")
	case l.Excise > 0 && l.Subject != Excisable && l.Subject != ExciseUncoded && l.Subject != ExciseCoded:
		c.warn(p, "excise", "is given, but the subject is not excisable", "указан акциз, но товар не подакцизный")
	}
}

func (c *checker) vat(r *Receipt, l *Line, p place) {
	raw, isRaw := l.VAT.Raw()
	switch {
	case l.VAT == "":
		c.fault(p, "vat", "is not set; without VAT is VATNone, 0 % is VAT0", "не указана ставка НДС; «без НДС» тоже надо указать")
		return
	case isRaw && raw == "":
		c.fault(p, "vat", "is a raw code without the code", "не указан код ставки НДС")
		return
	case isRaw:
		return
	case !l.VAT.Valid():
		c.fault(p, "vat", fmt.Sprintf("is unknown: %.20q; a rate that the library does not know goes through RawVAT", string(l.VAT)), "неизвестная ставка НДС")
		return
	}
	if l.VAT.IsCalculated() && l.Method.Valid() && !l.Method.Before() {
		c.fault(p, "vat", fmt.Sprintf("%s is a calculated rate, for money received before the supply; with the method %q give %s", l.VAT, l.Method, l.VAT.Plain()),
			fmt.Sprintf("расчётная ставка %s бывает только при предоплате и авансе", l.VAT))
	}
	if d, known := r.rateDay(l, c.now); known && !l.VAT.validOn(d) {
		c.warn(p, "vat", fmt.Sprintf("%s is not a rate of the day of the sale, %02d.%02d.%d; for a return or a debt set SoldAt to the day of the sale", l.VAT, d%100, d/100%100, d/10000),
			fmt.Sprintf("%s не действует на день продажи %02d.%02d.%d", l.VAT.Name(), d%100, d/100%100, d/10000))
	}
}

// attributes are codes of the format. A number that the format did not have
// when this was written is passed on: the law changes faster than a library, and
// the driver refuses what its service cannot express.
func (c *checker) attributes(r *Receipt, l *Line, p place) {
	if l.Method == 0 {
		c.fault(p, "method", "is not set; sold and paid at once is FullPayment, paid before the delivery FullPrepayment", "не указан признак способа расчёта")
	} else if !l.Method.Valid() {
		c.warn(p, "method", "is not known to this library and is passed on as it is: "+l.Method.String(), "неизвестный признак способа расчёта: "+l.Method.Name())
	}
	switch {
	case l.Subject == 0:
		c.fault(p, "subject", "is not set; Goods or Service ordinarily", "не указан признак предмета расчёта")
	case !l.Subject.Valid():
		c.warn(p, "subject", "is not known to this library and is passed on as it is: "+l.Subject.String(), "неизвестный признак предмета расчёта: "+l.Subject.Name())
	case l.Subject >= ExciseUncoded:
		c.only12(r, p, "subject", true)
	case l.Subject >= Pledge && r.FFD == FFD105:
		c.warn(p, "subject", "is not known to every register of FFD 1.05", "не каждая касса с ФФД 1.05 знает этот предмет расчёта")
	}
	if !l.Unit.Valid() {
		c.warn(p, "unit", "is not known to this library and is passed on as it is: "+l.Unit.String(), "неизвестная мера количества: "+l.Unit.Name())
	} else if r.FFD == FFD105 && l.Unit != Piece && l.UnitName == "" {
		c.fault(p, "unit", "FFD 1.05 has no codes of units; give UnitName too, such as "+l.Unit.Name(), "в ФФД 1.05 единицу измерения пишут словом")
	}
	c.text(p, "unitName", l.UnitName, 16)
	if r.FFD == FFD12 && l.UnitName != "" && l.Unit == Piece && l.UnitName != "шт" && l.UnitName != "шт." {
		c.fault(p, "unitName", "FFD 1.2 has no free text for units; set Unit, OtherUnit if none fits", "в ФФД 1.2 единица измерения — код, а не слово")
	}
}

func (c *checker) mark(r *Receipt, l *Line, p place) {
	c.only12(r, p, "part", l.Part != nil)
	c.only12(r, p, "plannedStatus", l.PlannedStatus != 0)
	if l.PlannedStatus != 0 && !l.PlannedStatus.Valid() {
		c.warn(p, "plannedStatus", "is not known to this library and is passed on as it is: "+l.PlannedStatus.String(), "неизвестный планируемый статус")
	}
	if l.Mark == nil {
		c.required(p, "mark", l.Subject.Coded() && l.Method.HandOver(),
			"is missing: the subject says that the thing has a code; without one it is GoodsUncoded or ExciseUncoded",
			"нет кода маркировки; товар без кода — это ТНМ или АТНМ")
		c.required(p, "part", l.Part != nil, "belongs to a line with a marking code", "дробное количество бывает только у маркированного товара")
		c.required(p, "plannedStatus", l.PlannedStatus != 0, "belongs to a line with a marking code", "планируемый статус бывает только у маркированного товара")
		return
	}
	c.markCode(r, l.Mark, p.in("mark"))
	if r.FFD != FFD105 && l.Subject.Valid() && !l.Subject.Coded() {
		c.fault(p, "subject", "of a thing with a marking code is GoodsCoded or ExciseCoded", "у товара с кодом маркировки признак предмета ТМ или АТМ")
	}
	if l.Method.Valid() && !l.Method.HandOver() {
		c.fault(p, "method", "a marking code belongs to the receipt of the hand-over (FullPayment), not to a prepayment or the payment of a credit",
			"код маркировки указывают в чеке на передачу товара (полный расчёт)")
	}
	if !l.PlannedStatus.Measured() || l.Part != nil {
		if l.Quantity > 0 && l.Quantity != Pieces(1) {
			c.fault(p, "quantity", "of a thing with a marking code is 1: one line for each code; a part of a package goes into Part",
				"количество маркированного товара — 1: каждый код отдельной позицией")
		}
		if l.Unit.Valid() && l.Unit != Piece {
			c.fault(p, "unit", "of a thing with a marking code is Piece; goods sold by measure have the planned status MeasureSelling, the last of them MeasureSold",
				"мера количества маркированного товара — штука")
		}
	}
	if q := l.Part; q != nil && (q.Numerator < 1 || q.Denominator <= q.Numerator) {
		c.fault(p, "part", "is not a proper fraction, such as 2 of 5", "нужна правильная дробь, например 2/5")
	}
	if r.Correction != nil || l.PlannedStatus == 0 || l.PlannedStatus == StatusKept || !l.PlannedStatus.Valid() {
		return
	}
	if back := l.PlannedStatus == PieceReturned || l.PlannedStatus == PartReturned; (r.Type == Sale && back) || (r.Type == SaleReturn && !back) {
		c.fault(p, "plannedStatus", fmt.Sprintf("%q does not go with a %s", l.PlannedStatus, r.Type),
			fmt.Sprintf("статус «%s» не подходит к чеку «%s»", l.PlannedStatus.Name(), r.Type.Name()))
	}
}

func (c *checker) markCode(r *Receipt, m *Mark, p place) {
	if m.Kind != 0 && !m.Kind.Valid() {
		c.fault(p, "kind", "is unknown: "+m.Kind.String(), "неизвестный вид кода маркировки")
	}
	if err := m.check(); err != nil {
		c.fault(p, "code", err.message, err.russian)
		return
	}
	if r.FFD == FFD105 {
		if _, err := m.Tag1162(); err != nil {
			c.fault(p, "code", "has no form for FFD 1.05 (1162)", "код нельзя записать в чек ФФД 1.05 (тег 1162)")
		}
	}
}

func (c *checker) agent(l *Line, p place) {
	if s := l.Supplier; s != nil {
		sp := p.in("supplier")
		c.text(sp, "name", s.Name, 256)
		if s.INN != "" && s.INN != "000000000000" && !ValidINN(s.INN) {
			c.fault(sp, "inn", "is not an INN: 10 or 12 digits with right check digits; twelve zeros for a supplier without one",
				"неверный ИНН поставщика; у иностранного поставщика — двенадцать нулей")
		}
		c.phones(sp, "phones", s.Phones)
	}
	a := l.Agent
	if a == nil {
		return
	}
	ap := p.in("agent")
	if !a.Type.Valid() {
		c.fault(ap, "type", "is not one of the seven kinds of agent", "неизвестный признак агента")
	}
	c.text(ap, "operation", a.Operation, 24)
	c.phones(ap, "phones", a.Phones)
	c.phones(ap, "receiverPhones", a.ReceiverPhones)
	c.phones(ap, "transferPhones", a.TransferPhones)
	c.text(ap, "transferName", a.TransferName, 64)
	c.text(ap, "transferAddress", a.TransferAddress, 256)
	c.inn(ap, "transferInn", a.TransferINN)

	bank := a.Type == BankPayingAgent || a.Type == BankPayingSubagent
	payer := a.Type == PayingAgent || a.Type == PayingSubagent
	for _, n := range []struct {
		field   string
		missing bool
	}{
		{"operation", bank && a.Operation == ""},
		{"phones", (bank || payer) && len(a.Phones) == 0},
		{"receiverPhones", payer && len(a.ReceiverPhones) == 0},
		{"transferPhones", bank && len(a.TransferPhones) == 0},
		{"transferName", bank && a.TransferName == ""},
		{"transferAddress", bank && a.TransferAddress == ""},
		{"transferInn", bank && a.TransferINN == ""},
	} {
		if n.missing {
			c.fault(ap, n.field, fmt.Sprintf("is missing: a %s must give it", a.Type), "обязательно для агента: "+a.Type.Name())
		}
	}
	if l.Supplier == nil {
		c.fault(p, "supplier", "is missing: a line sold by an agent names the supplier", "нет данных поставщика, они обязательны для агента")
		return
	}
	sp := p.in("supplier")
	c.required(sp, "name", l.Supplier.Name == "", "is missing: a line sold by an agent names the supplier", "нет наименования поставщика")
	c.required(sp, "inn", l.Supplier.INN == "", "is missing; twelve zeros for a supplier without one", "нет ИНН поставщика")
	c.required(sp, "phones", len(l.Supplier.Phones) == 0, "is missing: the supplier's phone", "нет телефона поставщика")
}
