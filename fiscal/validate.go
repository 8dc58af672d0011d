package fiscal

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/money"
)

// Limits of the format.
const (
	// MaxName is how many characters the name of a line holds (1030); 100 pass
	// at every bank.
	MaxName = 128
	// MaxSum is the largest sum of the format: six bytes of kopecks. Services
	// stop far below, OrangeData and ATOL at 99 999 999.99.
	MaxSum money.Amount = 1<<48 - 1

	manyLines = 100
	maxLine   = 1024 // bytes of a whole line (1059)
)

// Validate gives every fault of the receipt at once, as Faults, each with its
// path: "items[2].vat". It changes nothing. What is doubtful but not wrong, for
// example characters that a register cannot print, Warnings tells.
//
// It checks what holds for every service: that the buyer can be reached (in
// internet settlements), that the payments add up to the lines, the limits of
// every tag, the codes, the VAT rate against the method, what FFD 1.05 and 1.2
// each cannot carry, marking codes, agents and suppliers, taxpayers' numbers,
// dates and corrections. A service's own limits its package checks. It asks
// nobody.
func (r Receipt) Validate() error { return r.ValidateAt(time.Now()) }

// ValidateAt is Validate at another moment than now.
func (r Receipt) ValidateAt(now time.Time) error {
	if faults := r.check(now).faults; len(faults) > 0 {
		return faults
	}
	return nil
}

// Warnings are the things that no format forbids and that are probably not
// meant: characters that the register will lose, a VAT rate that is not of the
// day of the sale, a price of zero that several services refuse, more than 100
// lines.
func (r Receipt) Warnings() Faults { return r.WarningsAt(time.Now()) }

// WarningsAt is Warnings at another moment than now.
func (r Receipt) WarningsAt(now time.Time) Faults { return r.check(now).warnings }

// EffectivePayments is how the receipt is paid: Payments, or the whole total
// cashless where nothing is said.
func (r Receipt) EffectivePayments() Payments {
	if r.Payments == (Payments{}) {
		return Payments{Cashless: r.Total()}
	}
	return r.Payments
}

// checker collects what is wrong.
type checker struct {
	now      time.Time
	faults   Faults
	warnings Faults
}

func (c *checker) fault(p place, field, message, russian string) {
	c.faults = append(c.faults, Fault{p.path(field), message, russian})
}

func (c *checker) warn(p place, field, message, russian string) {
	c.warnings = append(c.warnings, Fault{p.path(field), message, russian})
}

// text checks a text of at most limit characters.
func (c *checker) text(p place, field, value string, limit int) {
	if value == "" {
		return
	}
	if !utf8.ValidString(value) {
		c.fault(p, field, "is not UTF-8 text", "не текст в кодировке UTF-8")
		return
	}
	if n := utf8.RuneCountInString(value); n > limit {
		c.fault(p, field, fmt.Sprintf("has %d characters, at most %d fit", n, limit),
			fmt.Sprintf("%d символов, помещается не больше %d", n, limit))
	}
	if lost := Lost(value); len(lost) > 0 {
		c.warn(p, field, fmt.Sprintf("has characters that a register cannot print: %q (see Printable)", string(lost)),
			fmt.Sprintf("касса не напечатает символы %q", string(lost)))
	}
}

// inn checks a taxpayer's number and its check digits.
func (c *checker) inn(p place, field, value string) {
	if value != "" && !ValidINN(value) {
		c.fault(p, field, "is not an INN: 10 or 12 digits with right check digits", "неверный ИНН: нужны 10 или 12 цифр с верными контрольными")
	}
}

func (c *checker) digits(p place, field, value string, from, to int, what, russian string) {
	if value != "" && (!digits(value) || len(value) < from || len(value) > to) {
		c.fault(p, field, "is not "+what, "нужно: "+russian)
	}
}

func (c *checker) date(p place, field, value string) {
	if value != "" && !validDate(value) {
		c.fault(p, field, "is not a date in the form DD.MM.YYYY", "нужна дата в виде ДД.ММ.ГГГГ")
	}
}

func (c *checker) email(p place, field, value string) {
	if value == "" {
		return
	}
	c.text(p, field, value, 64)
	if !validEmail(value) {
		c.fault(p, field, "is not an e-mail address", "неверный адрес электронной почты")
	}
}

func (c *checker) phone(p place, field, value string) {
	if !validPhone(value) {
		c.fault(p, field, "is not a phone in the form +79161234567 (see Phone)", "нужен телефон в виде +79161234567")
	}
}

func (c *checker) phones(p place, field string, values []string) {
	for i, phone := range values {
		c.phone(p.list(field, i), "", phone)
	}
}

func (c *checker) required(p place, field string, missing bool, why, russian string) {
	if missing {
		c.fault(p, field, why, russian)
	}
}

// only12 tells of a field that a register of FFD 1.05 cannot carry.
func (c *checker) only12(r *Receipt, p place, field string, set bool) {
	if set && r.FFD == FFD105 {
		c.fault(p, field, "FFD 1.05 does not have it; use a register of FFD 1.2", "этого поля нет в ФФД 1.05, нужна касса с ФФД 1.2")
	}
}

func (r *Receipt) check(now time.Time) *checker {
	c := &checker{now: now}
	c.header(r)
	c.parties(r)
	c.lines(r)
	c.payments(r)
	c.correction(r)
	return c
}

func (c *checker) header(r *Receipt) {
	p := atReceipt()
	if !utf8.ValidString(r.ID) {
		c.fault(p, "id", "is not UTF-8 text", "не текст в кодировке UTF-8")
	} else if utf8.RuneCountInString(r.ID) > 64 {
		c.warn(p, "id", "has more than 64 characters, which not every service takes", "больше 64 символов, не каждый сервис это примет")
	}
	if r.Type == 0 {
		c.fault(p, "type", "is not set: Sale, SaleReturn, Purchase or PurchaseReturn", "не указан признак расчёта")
	} else if !r.Type.Valid() {
		c.fault(p, "type", "is unknown: "+r.Type.String(), "неизвестный признак расчёта: "+r.Type.Name())
	}
	if r.FFD != "" && !r.FFD.Valid() {
		c.fault(p, "ffd", fmt.Sprintf("is %q: FFD105, FFD12, or nothing for the service's own", string(r.FFD)), "неизвестная версия ФФД")
	}
	switch {
	case r.TaxSystem != 0 && !r.TaxSystem.Valid():
		c.fault(p, "taxSystem", "is not one of the tax systems: "+r.TaxSystem.String(), "неизвестная система налогообложения")
	case r.TaxSystem == TaxImputed && (r.SoldAt.IsZero() || day(r.SoldAt, r.TimeZone) >= 20210101):
		c.warn(p, "taxSystem", "ENVD was abolished on 1 January 2021", "ЕНВД отменён с 1 января 2021 года")
	}
	if r.TimeZone < 0 || r.TimeZone > 11 {
		c.fault(p, "timeZone", "is not 1 to 11, or 0 for the register's", "часовая зона: от 1 до 11")
	}
	if r.SoldAt.After(c.now.Add(24 * time.Hour)) {
		c.fault(p, "soldAt", "lies in the future", "дата продажи ещё не наступила")
	}
	c.text(p, "machine", r.Machine, 20)
	c.text(p, "attribute", r.Attribute, 16)
	if u := r.UserAttribute; u != nil {
		up := p.in("userAttribute")
		c.required(up, "name", u.Name == "", "is empty: an attribute has a name and a value", "нет названия реквизита")
		c.required(up, "value", u.Value == "", "is empty: an attribute has a name and a value", "нет значения реквизита")
		c.text(up, "name", u.Name, 64)
		c.text(up, "value", u.Value, 256)
	}
	c.only12(r, p, "industry", len(r.Industry) > 0)
	for i := range r.Industry {
		c.industry(p.list("industry", i), &r.Industry[i])
	}
	if o := r.Operational; o != nil {
		op := p.in("operational")
		c.only12(r, op, "", true)
		if o.ID < 0 || o.ID > 255 {
			c.fault(op, "id", "is not 0 to 255", "идентификатор: от 0 до 255")
		}
		c.required(op, "data", o.Data == "", "is empty", "нет данных операции")
		c.text(op, "data", o.Data, 64)
		c.required(op, "time", o.Time.IsZero(), "is not set", "нет времени операции")
	}
}

func (c *checker) industry(p place, a *IndustryAttribute) {
	c.required(p, "foiv", a.FOIV == "", "is empty: three digits, 030 is Minpromtorg", "нет кода ФОИВ")
	c.digits(p, "foiv", a.FOIV, 3, 3, "three digits", "три цифры")
	c.required(p, "date", a.Date == "", "is empty", "нет даты документа")
	c.date(p, "date", a.Date)
	c.required(p, "number", a.Number == "", "is empty", "нет номера документа")
	c.text(p, "number", a.Number, 32)
	c.required(p, "value", a.Value == "", "is empty", "нет значения реквизита")
	c.text(p, "value", a.Value, 256)
}

// parties checks who sells, who buys and where the receipt goes.
func (c *checker) parties(r *Receipt) {
	p := atReceipt()
	// Where the buyer stands at the counter no address is needed, and a
	// correction is sent to nobody unless the shop says it was the internet.
	internet := r.Correction == nil
	if r.Internet != nil {
		internet = *r.Internet
	}
	if r.Contact == (Contact{}) && internet {
		c.fault(p, "contact", "has neither e-mail nor phone; in internet settlements the law wants one of them, taken before the payment",
			"нет ни почты, ни телефона покупателя: при расчёте в интернете чек должен быть отправлен")
	}
	cp := p.in("contact")
	c.email(cp, "email", r.Contact.Email)
	if r.Contact.Phone != "" {
		c.phone(cp, "phone", r.Contact.Phone)
	}
	if b := r.Buyer; b != nil {
		bp := p.in("buyer")
		c.text(bp, "name", b.Name, 256)
		c.inn(bp, "inn", b.INN)
		c.date(bp, "birthDate", b.BirthDate)
		c.digits(bp, "citizenship", b.Citizenship, 3, 3, "a country's code of three digits", "код страны из трёх цифр")
		c.digits(bp, "documentCode", b.DocumentCode, 2, 2, "a document's code of two digits", "код вида документа из двух цифр")
		c.text(bp, "document", b.Document, 64)
		c.text(bp, "address", b.Address, 256)
		c.only12(r, bp, "birthDate", b.BirthDate != "")
		c.only12(r, bp, "citizenship", b.Citizenship != "")
		c.only12(r, bp, "documentCode", b.DocumentCode != "")
		c.only12(r, bp, "document", b.Document != "")
		c.only12(r, bp, "address", b.Address != "")
	}
	sp := p.in("seller")
	c.email(sp, "email", r.Seller.Email)
	c.inn(sp, "inn", r.Seller.INN)
	c.text(sp, "place", r.Seller.Place, 256)
	c.text(sp, "address", r.Seller.Address, 256)
	kp := p.in("cashier")
	c.text(kp, "name", r.Cashier.Name, 64)
	if inn := r.Cashier.INN; inn != "" && (len(inn) != 12 || !ValidINN(inn)) {
		c.fault(kp, "inn", "is not a person's INN: 12 digits with right check digits", "неверный ИНН кассира: нужны 12 цифр с верными контрольными")
	}
}

func (c *checker) payments(r *Receipt) {
	p := atReceipt()
	pp := p.in("payments")
	pay := r.Payments
	negative := false
	for _, k := range []struct {
		field string
		sum   money.Amount
	}{{"cash", pay.Cash}, {"cashless", pay.Cashless}, {"prepaid", pay.Prepaid}, {"credit", pay.Credit}, {"counter", pay.Counter}} {
		if k.sum < 0 {
			negative = true
			c.fault(pp, k.field, "is negative; a return is a receipt of the type SaleReturn with positive sums",
				"отрицательная сумма; возврат — это чек возврата с положительными суммами")
		}
	}
	paid, err := money.Sum(pay.Cash, pay.Cashless, pay.Prepaid, pay.Credit, pay.Counter)
	total := r.Total()
	if pay != (Payments{}) && !negative && total <= MaxSum && (err != nil || paid != total) {
		c.fault(p, "payments", fmt.Sprintf("come to %s, but the lines to %s", paidText(paid, err), total),
			fmt.Sprintf("оплачено %s, а позиции составляют %s", paidText(paid, err), total))
	}

	cashless := r.EffectivePayments().Cashless
	var sum money.Amount
	for i, d := range r.CashlessDetails {
		dp := p.list("cashlessDetails", i)
		if d.Sum <= 0 {
			c.fault(dp, "sum", "is not positive", "сумма должна быть больше нуля")
		}
		if d.Kind < 0 || d.Kind > 255 {
			c.fault(dp, "kind", "is not 0 to 255", "признак: от 0 до 255")
		}
		c.text(dp, "id", d.ID, 256)
		c.text(dp, "info", d.Info, 256)
		sum = addCapped(sum, max(d.Sum, 0))
	}
	if sum > cashless {
		c.fault(p, "cashlessDetails", fmt.Sprintf("come to %s, more than the %s paid cashless", sum, cashless),
			fmt.Sprintf("в сумме %s — больше безналичной оплаты %s", sum, cashless))
	}

	// Both say the same thing, so they should agree.
	var credit, other money.Amount
	for i := range r.Lines {
		if r.Lines[i].Method == Credit {
			credit = addCapped(credit, r.Lines[i].Total())
		}
		if r.Lines[i].Method == PartialPayment {
			other = 1
		}
	}
	switch {
	case pay.Credit < credit && !negative:
		c.warn(p, "payments", fmt.Sprintf("lines of %s are handed over on credit, but only %s is Credit (1216)", credit, pay.Credit),
			"позиций в кредит больше, чем сумма постоплаты")
	case pay.Credit > 0 && credit == 0 && other == 0:
		c.warn(p, "payments", "Credit (1216) is given, but no line has the method Credit or PartialPayment",
			"указана постоплата, но ни одна позиция не передана в кредит")
	}
}

func paidText(paid money.Amount, err error) string {
	if err != nil {
		return "more than any sum"
	}
	return paid.String()
}

func (c *checker) correction(r *Receipt) {
	k := r.Correction
	if k == nil {
		return
	}
	p := atReceipt().in("correction")
	if !k.Kind.Valid() {
		c.fault(p, "kind", "is not CorrectionOwn or CorrectionByOrder", "неизвестный тип коррекции")
	}
	switch {
	case k.Date.IsZero():
		c.fault(p, "date", "is not set: the day of the settlement that is corrected", "нет даты корректируемого расчёта")
	case day(k.Date, r.TimeZone) > day(c.now, r.TimeZone):
		c.fault(p, "date", "lies in the future", "дата корректируемого расчёта ещё не наступила")
	}
	switch {
	case k.Kind == CorrectionByOrder && k.Number == "":
		c.fault(p, "number", "is empty: a correction by order names the order", "нет номера предписания")
	case k.Kind == CorrectionOwn && k.Number != "":
		c.fault(p, "number", "belongs to a correction by order only", "номер указывают только при коррекции по предписанию")
	}
	c.text(p, "number", k.Number, 32)
	c.text(p, "description", k.Description, 256)
	if k.FiscalSign != "" {
		c.digits(p, "fiscalSign", k.FiscalSign, 1, 10, "a fiscal sign: at most ten digits", "фискальный признак, не больше десяти цифр")
		if r.Attribute != "" && r.Attribute != k.FiscalSign {
			c.fault(atReceipt(), "attribute", "differs from correction.fiscalSign, and both are printed as 1192",
				"отличается от фискального признака коррекции, а реквизит один (1192)")
		}
	}
	if r.FFD == FFD105 && r.Type.Return() {
		c.fault(atReceipt(), "type", "FFD 1.05 corrects sales and purchases only; undo a wrong receipt by an ordinary return (see Correct)",
			"в ФФД 1.05 чек коррекции бывает только прихода или расхода")
	}
}

// rateDay is the day that decides the VAT rates, and whether it is known.
func (r *Receipt) rateDay(l *Line, now time.Time) (int, bool) {
	switch {
	case !r.SoldAt.IsZero():
		return day(r.SoldAt, r.TimeZone), true
	case r.Correction != nil:
		// The date of a correction by order may be the order's.
		return day(r.Correction.Date, r.TimeZone), r.Correction.Kind == CorrectionOwn && !r.Correction.Date.IsZero()
	case r.Type.Return(), l.Method == CreditPayment:
		return 0, false
	}
	return day(now, r.TimeZone), true
}
