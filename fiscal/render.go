package fiscal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/money"
)

// defaultWidth is how many characters a line of a printed receipt has.
const defaultWidth = 48

// Text is the receipt as a person expects to see it, in Russian, 48 characters
// wide: lines with price, quantity, sum and VAT, the total, the kinds of
// payment, the VAT by rate, the tax system. With the fiscal data of the printed
// document its numbers and the text of its QR code follow; nil leaves them out.
func (r Receipt) Text(printed *FiscalData) string { return r.TextWidth(printed, defaultWidth) }

// TextWidth is Text for another width, of at least 24 characters.
func (r Receipt) TextWidth(printed *FiscalData, width int) string {
	t := &textReceipt{width: max(width, 24)}
	title := "КАССОВЫЙ ЧЕК"
	if r.Correction != nil {
		title = "КАССОВЫЙ ЧЕК КОРРЕКЦИИ"
	}
	t.center(title)
	t.center(r.Type.Name())
	t.pairIf("Место расчетов", r.Seller.Place)
	t.pairIf("Адрес расчетов", r.Seller.Address)
	t.pairIf("ИНН", r.Seller.INN)
	t.pairIf("Кассир", r.Cashier.Name)
	t.pairIf("Автомат", r.Machine)
	t.correction(&r)
	t.rule('-')
	for i := range r.Lines {
		t.line(i, &r.Lines[i])
	}
	t.rule('=')
	t.pair("ИТОГ", "="+r.Total().String())
	pay := r.EffectivePayments()
	t.sumIf("НАЛИЧНЫМИ", pay.Cash)
	t.sumIf("БЕЗНАЛИЧНЫМИ", pay.Cashless)
	t.sumIf("ПРЕДОПЛАТА (АВАНС)", pay.Prepaid)
	t.sumIf("ПОСТОПЛАТА (КРЕДИТ)", pay.Credit)
	t.sumIf("ВСТРЕЧНОЕ ПРЕДОСТАВЛЕНИЕ", pay.Counter)
	for _, v := range r.VATSums() {
		t.vatTotal(v)
	}
	if r.TaxSystem != 0 {
		t.pair("СНО", r.TaxSystem.Name())
	}
	if b := r.Buyer; b != nil {
		t.pairIf("Покупатель", b.Name)
		t.pairIf("ИНН покупателя", b.INN)
	}
	t.pairIf("Эл. адр. покупателя", r.Contact.String())
	t.pairIf("Эл. адр. отправителя", r.Seller.Email)
	if r.Internet != nil && *r.Internet {
		t.write("Расчет в интернете")
	}
	if u := r.UserAttribute; u != nil {
		t.pair(u.Name, u.Value)
	}
	t.pairIf("Доп. реквизит чека", r.Attribute)
	t.printed(printed)
	return t.b.String()
}

// String is the e-mail, or else the phone: what stands on the receipt (1008).
func (c Contact) String() string {
	if c.Email != "" {
		return c.Email
	}
	return c.Phone
}

// textReceipt is a receipt being written.
type textReceipt struct {
	b     strings.Builder
	width int
}

func (t *textReceipt) correction(r *Receipt) {
	c := r.Correction
	if c == nil {
		return
	}
	t.pair("Тип коррекции", c.Kind.Name())
	if !c.Date.IsZero() {
		d := day(c.Date, r.TimeZone)
		t.pair("Дата расчета", fmt.Sprintf("%02d.%02d.%d", d%100, d/100%100, d/10000))
	}
	t.pairIf("Предписание N", c.Number)
}

func (t *textReceipt) line(i int, l *Line) {
	t.write(strconv.Itoa(i+1) + ". " + l.Name)
	unit := l.UnitName
	if unit == "" {
		unit = l.Unit.Name()
	}
	if p := l.Part; p != nil {
		unit += " (" + strconv.Itoa(p.Numerator) + "/" + strconv.Itoa(p.Denominator) + ")"
	}
	t.pair("  "+l.Price.String()+" x "+l.Quantity.String()+" "+unit, "="+l.Total().String())
	vat := l.EffectiveVAT()
	if vat.Percent() > 0 {
		t.pair("  "+vat.Name(), l.VATSum().String())
	} else {
		t.write("  " + vat.Name())
	}
	t.write("  " + l.Subject.Name() + ", " + strings.ToLower(l.Method.Name()))
	if m := l.Mark; m != nil {
		t.write("  [M] " + strings.ReplaceAll(m.Code, gs, " "))
	}
	t.sumIf("  Акциз", l.Excise)
	t.pairIf("  Страна", l.Country)
	t.pairIf("  ГТД", l.Declaration)
	if l.Agent != nil {
		t.write("  " + l.Agent.Type.Name())
	}
	if s := l.Supplier; s != nil {
		t.pairIf("  Поставщик", s.Name)
		t.pairIf("  ИНН поставщика", s.INN)
	}
	t.pairIf("  Доп. реквизит", l.Attribute)
}

func (t *textReceipt) vatTotal(v VATTotal) {
	switch {
	case v.VAT == VATNone:
		t.pair("СУММА БЕЗ НДС", v.Total.String())
	case v.VAT.Percent() == 0:
		t.pair("СУММА С "+v.VAT.Name(), v.Total.String())
	default:
		t.pair("СУММА "+v.VAT.Name(), v.Sum.String())
	}
}

func (t *textReceipt) printed(f *FiscalData) {
	if f == nil {
		return
	}
	t.rule('-')
	if !f.Time.IsZero() {
		t.pair("Дата", f.Time.Format("02.01.2006 15:04"))
	}
	if f.Shift != 0 {
		t.pair("Смена", strconv.Itoa(f.Shift))
	}
	if f.Number != 0 {
		t.pair("Чек за смену", strconv.Itoa(f.Number))
	}
	t.pairIf("РН ККТ", f.RegNumber)
	t.pairIf("ЗН ККТ", f.FactoryNumber)
	t.pairIf("ФН", f.FN)
	t.pairIf("ФД", f.FD)
	t.pairIf("ФПД", f.FP)
	t.pairIf("ОФД", f.OFDName)
	t.pairIf("Сайт ФНС", f.FNSSite)
	t.pairIf("Ссылка", f.URL)
	if f.IsTest() {
		t.center("ТЕСТОВЫЙ ФН")
	}
	if qr := f.QR(); qr != "" {
		t.b.WriteString(qr + "\n") // not broken: it is copied as it is
	}
}

func (t *textReceipt) rule(r rune) { t.write(strings.Repeat(string(r), t.width)) }

func (t *textReceipt) center(s string) {
	if n := utf8.RuneCountInString(s); n < t.width {
		s = strings.Repeat(" ", (t.width-n)/2) + s
	}
	t.write(s)
}

func (t *textReceipt) sumIf(name string, sum money.Amount) {
	if sum != 0 {
		t.pair(name, sum.String())
	}
}

func (t *textReceipt) pairIf(name, value string) {
	if value != "" {
		t.pair(name, value)
	}
}

// pair writes a name at the left edge and its value at the right one.
func (t *textReceipt) pair(name, value string) {
	name, value = oneLine(name), oneLine(value)
	gap := t.width - utf8.RuneCountInString(name) - utf8.RuneCountInString(value)
	if gap < 1 {
		t.write(name)
		t.write("  " + value)
		return
	}
	t.b.WriteString(name)
	t.b.WriteString(strings.Repeat(" ", gap))
	t.b.WriteString(value)
	t.b.WriteByte('\n')
}

// oneLine takes control characters out, so that no name can move the lines
// after it.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// write writes a text, broken at spaces where it is too wide.
func (t *textReceipt) write(s string) {
	s = oneLine(s)
	indent := ""
	if strings.HasPrefix(s, "  ") {
		indent = "  "
	}
	for utf8.RuneCountInString(s) > t.width {
		runes := []rune(s)
		at := t.width
		for at > t.width/2 && runes[at] != ' ' {
			at--
		}
		if runes[at] != ' ' {
			at = t.width
		}
		t.b.WriteString(strings.TrimRight(string(runes[:at]), " "))
		t.b.WriteByte('\n')
		s = indent + strings.TrimLeft(string(runes[at:]), " ")
	}
	t.b.WriteString(s)
	t.b.WriteByte('\n')
}
