package orangedatatest

import (
	"encoding/base64"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// check gathers the faults of one document.
type check struct {
	emulator.Check
	opt *settings
}

const maxSum = money.Amount(99_999_999_99)

// maxQuantity is what 48 bits of millionths hold.
var maxQuantity = big.NewRat(1<<48-1, 1_000_000)

var (
	innForm    = regexp.MustCompile(`^\d{10}$|^\d{12}$`)
	isoDate    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(T.*)?$`)
	dottedDate = regexp.MustCompile(`^\d{2}\.\d{2}\.\d{4}$`)
	digits3    = regexp.MustCompile(`^[\d ]{1,3}$`)

	receiptTypes = []int64{1, 2, 3, 4}
	taxes        = []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	methods      = []int64{1, 2, 3, 4, 5, 6, 7}
	payments     = []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	taxSystems   = []int64{0, 1, 2, 3, 4, 5}
	statuses     = []int64{1, 2, 3, 4, 5, 6, 255}
)

// members of each object, in lower case; a trailing * is of FFD 1.2 only, a
// trailing - of FFD 1.05 only.
var (
	envelope = words("id inn group key content callbackurl callbackapikey meta ignoreitemcodecheck")
	contents = words(`ffdversion type positions checkclose customercontact agenttype- paymenttransferoperatorphonenumbers- paymentagentoperation-
 paymentagentphonenumbers- paymentoperatorphonenumbers- paymentoperatorname- paymentoperatoraddress- paymentoperatorinn- supplierphonenumbers-
 additionaluserattribute additionalattribute automatnumber settlementaddress settlementplace cashier cashierinn customer- customerinn- customerinfo*
 senderemail totalsum vat1sum vat2sum vat3sum vat4sum vat5sum vat6sum vat7sum vat8sum vat9sum vat10sum operationalattribute* industryattribute*
 timezone isinternetstore usetax20`)
	lineMembers = words(`quantity price tax text paymentmethodtype paymentsubjecttype taxsum unittaxsum nomenclaturecode- itemcode* plannedstatus*
 assignedstatus* fractionalquantity* quantitymeasurementunit* unitofmeasurement- barcodes* industryattribute* industryattributes* agenttype agentinfo
 supplierinn supplierinfo additionalattribute manufacturercountrycode customsdeclarationnumber excise`)
	correctionMembers = words(`correctiontype type causedocumentdate causedocumentnumber totalsum cashsum ecashsum prepaymentsum postpaymentsum
 otherpaymenttypesum tax1sum tax2sum tax3sum tax4sum tax5sum tax6sum tax7sum tax8sum tax9sum tax10sum taxationsystem automatnumber
 settlementaddress settlementplace customercontact senderemail isinternetstore usetax20`)
	// barcodes are of these lengths, but gs1 and f1 to f6, which are shorter too.
	barcodes = map[string]int{"ean8": 8, "ean13": 13, "itf14": 14, "gs1": 38, "mi": 20, "egais20": 23, "egais30": 14,
		"f1": 32, "f2": 32, "f3": 32, "f4": 32, "f5": 32, "f6": 32}
	itemCodeMembers = words("plannedstatus itemcode quantitymeasurementunit quantity fractionalquantity")
)

func words(s string) []string { return strings.Fields(s) }

// validate gathers all faults of a request and fills the document from it.
func (c call) validate(d *Document, o emulator.Object, org *Organisation) []string {
	k := &check{opt: &c.opt}
	k.Lenient = c.opt.lenient
	k.Faults = c.missing(o)
	if id := k.Length(o, "", "id", false, 64); id == "" && o.Has("id") {
		return k.Faults
	}
	if inn, _ := o["inn"].(string); !innForm.MatchString(inn) {
		k.Fail("поле inn: ожидается 10 или 12 цифр")
	}
	d.Group = k.Length(o, "", "group", false, 32)
	k.Length(o, "", "key", false, 32)
	d.callback = k.Length(o, "", "callbackurl", false, 1024)
	d.apiKey = k.Length(o, "", "callbackapikey", false, 3072)
	if k.Length(o, "", "meta", false, 128) != "" {
		d.meta = o["meta"]
	}
	d.ignore = k.Boolean(o, "", "ignoreitemcodecheck")
	k.known(o, "", envelope, "")
	group, ok := org.group(d.Group)
	if !ok {
		k.Fail("Группа не найдена")
	}
	d.Group = group.Name
	d.content, _ = o["content"].(map[string]any)
	if d.content == nil {
		k.Fail("Отсутствует содержимое документа 'Content'")
		return k.Faults
	}
	if err := emulator.DecodeJSON(d.Content, &d.raw); err != nil {
		k.Fail("Отсутствует содержимое документа 'Content'")
		return k.Faults
	}
	kinds[d.Kind](k, d, group)
	return k.Faults
}

// known refuses members that the service does not know, or not in this version
// of the format, when it is told to be strict.
func (c *check) known(o emulator.Object, path string, members []string, version fiscal.FFD) {
	if !c.opt.strict {
		return
	}
	for name, v := range o {
		if v == nil {
			continue
		}
		switch {
		case slices.Contains(members, name):
		case slices.Contains(members, name+"*") && version == fiscal.FFD12:
		case slices.Contains(members, name+"-") && version == fiscal.FFD105:
		default:
			c.Fail("поле %s неизвестно", emulator.At(path, name))
		}
	}
}

// receipt checks a document of either version.
func (c *check) receipt(d *Document, g Group) {
	o := d.content
	version := c.version(o, g)
	c.known(o, "content", contents, version)
	d.Type, _ = c.Integer(o, "content", "type", true, receiptTypes)
	c.body(d, g, version)
}

// correction12 checks a correction of FFD 1.2.
func (c *check) correction12(d *Document, g Group) {
	o := d.content
	version := c.version(o, g)
	if version != fiscal.FFD12 {
		c.Fail("поле content.ffdVersion: для correction12 ожидается 4")
	}
	c.known(o, "content", append(slices.Clone(contents), "correctiontype", "causedocumentdate", "causedocumentnumber"), fiscal.FFD12)
	d.Type, _ = c.Integer(o, "content", "type", true, receiptTypes)
	c.cause(o)
	c.body(d, g, fiscal.FFD12)
}

// cause is what a correction corrects.
func (c *check) cause(o emulator.Object) {
	kind, _ := c.Integer(o, "content", "correctiontype", true, []int64{0, 1})
	if date := c.Text(o, "content", "causedocumentdate", true); date != "" && !isoDate.MatchString(date) {
		c.Fail("поле content.causeDocumentDate: ожидается дата ISO 8601")
	}
	c.Length(o, "content", "causedocumentnumber", kind == 1, 32)
}

// correction105 checks a correction of FFD 1.05: totals without lines.
// ffdVersion and description are ignored: official SDKs cannot leave them out.
func (c *check) correction105(d *Document, g Group) {
	o := d.content
	c.known(o, "content", append(slices.Clone(correctionMembers), "description", "ffdversion"), fiscal.FFD105)
	d.Type, _ = c.Integer(o, "content", "type", true, []int64{1, 3})
	c.cause(o)
	d.Total = c.amount(o, "content", "totalsum", true)
	var paid money.Amount
	for _, name := range words("cashsum ecashsum prepaymentsum postpaymentsum otherpaymenttypesum") {
		paid += c.amount(o, "content", name, false)
	}
	if paid != 0 && paid != d.Total {
		c.Fail("Сумма оплат (%s) не равна итогу (%s)", paid, d.Total)
	}
	for n := 1; n <= 10; n++ {
		c.amount(o, "content", "tax"+itoa(n)+"sum", false)
	}
	c.Integer(o, "content", "taxationsystem", true, taxSystems)
	c.Boolean(o, "content", "isinternetstore")
	c.Boolean(o, "content", "usetax20")
	c.Length(o, "content", "customercontact", false, 64)
	c.Length(o, "content", "senderemail", false, 64)
	if g.Kind == Courier {
		g.Kind = Internet // a correction has no cashier, and the place is for machines only
	}
	c.place(o, g)
}

// itemCode checks a request about one marking code.
func (c *check) itemCode(d *Document, _ Group) {
	o := d.content
	c.known(o, "content", itemCodeMembers, fiscal.FFD12)
	planned, _ := c.Integer(o, "content", "plannedstatus", true, statuses)
	code := c.Length(o, "content", "itemcode", true, 223)
	c.Integer(o, "content", "quantitymeasurementunit", false, nil)
	if planned == 2 || planned == 4 {
		c.Number(o, "content", "quantity", false)
	}
	d.ignore = true // the check says what it found, it refuses nothing
	if !markGood(code) {
		d.badMark = 0
	}
}

// version is the format of the document, which its group must print.
func (c *check) version(o emulator.Object, g Group) fiscal.FFD {
	n, ok := c.Integer(o, "content", "ffdversion", false, []int64{2, 4})
	version := fiscal.FFD105
	if ok && n == 4 {
		version = fiscal.FFD12
	}
	switch {
	case version == fiscal.FFD12 && g.FFD == fiscal.FFD105:
		c.Fail("Группа не поддерживает ФФД 1.2")
	case version == fiscal.FFD105 && g.FFD == fiscal.FFD12 && !c.opt.oldInNew:
		c.Fail("Группа не поддерживает ФФД 1.05")
	}
	return version
}

// body is what receipts and corrections of FFD 1.2 share.
func (c *check) body(d *Document, g Group, version fiscal.FFD) {
	o := d.content
	c.Length(o, "content", "customercontact", !c.Lenient, 64)
	c.Length(o, "content", "senderemail", false, 64)
	c.Length(o, "content", "additionalattribute", false, 16)
	if a := c.Object(o, "content", "additionaluserattribute", false); a != nil {
		name := c.Length(a, "content.additionalUserAttribute", "name", true, 64)
		value := c.Length(a, "content.additionalUserAttribute", "value", true, 234)
		if len([]rune(name+value)) > 235 {
			c.Fail("поле content.additionalUserAttribute длиннее 235 символов")
		}
	}
	c.digits(o, "content", "cashierinn")
	c.digits(o, "content", "customerinn")
	c.Length(o, "content", "customer", false, 243)
	c.Boolean(o, "content", "isinternetstore")
	c.Boolean(o, "content", "usetax20")
	if n, ok := c.Integer(o, "content", "timezone", false, nil); ok && (n < 1 || n > 11) {
		c.Fail("поле content.timeZone: ожидается от 1 до 11")
	}
	c.place(o, g)
	if version == fiscal.FFD12 {
		c.buyer(o)
		c.industry(c.Object(o, "content", "industryattribute", false), "content.industryAttribute")
		if a := c.Object(o, "content", "operationalattribute", false); a != nil {
			c.Text(a, "content.operationalAttribute", "date", true)
			if id, ok := c.Integer(a, "content.operationalAttribute", "id", true, nil); ok && (id < 0 || id > 255) {
				c.Fail("поле content.operationalAttribute.id: ожидается от 0 до 255")
			}
			c.Length(a, "content.operationalAttribute", "value", true, 64)
		}
	} else {
		c.agentMask(o, "content")
		c.agentInfo(o, "content")
		c.phones(o, "content", "supplierphonenumbers")
	}
	for i, line := range c.Objects(o, "content", "positions", true) {
		path := "content.positions[" + itoa(i) + "]"
		c.known(line, path, append(slices.Clone(lineMembers), "taxrate"), version)
		d.Total += c.line(d, i, line, path, version)
	}
	if d.Total > maxSum {
		c.Fail("Итог больше %s", maxSum)
	}
	c.closing(d, version)
	c.amount(o, "content", "totalsum", false)
	for n := 1; n <= 10; n++ {
		c.amount(o, "content", "vat"+itoa(n)+"sum", false)
	}
}

// place is demanded of machines and couriers, and forbidden to web shops.
func (c *check) place(o emulator.Object, g Group) {
	machine := g.Kind == Vending || g.Kind == Transport
	wants := map[string]bool{"automatnumber": machine, "settlementaddress": g.Kind != Internet, "settlementplace": g.Kind != Internet, "cashier": g.Kind == Courier}
	limits := map[string]int{"automatnumber": 20, "settlementaddress": 243, "settlementplace": 243, "cashier": 64}
	for _, name := range words("automatnumber settlementaddress settlementplace cashier") {
		c.Length(o, "content", name, wants[name], limits[name])
		if !wants[name] && o.Has(name) {
			c.Fail("поле content.%s недопустимо для группы %s", name, g.Name)
		}
	}
}

func (c *check) buyer(o emulator.Object) {
	b := c.Object(o, "content", "customerinfo", false)
	if b == nil {
		return
	}
	const path = "content.customerInfo"
	c.Length(b, path, "name", false, 239)
	c.digits(b, path, "inn")
	if date := c.Text(b, path, "birthdate", false); date != "" && !dottedDate.MatchString(date) {
		c.Fail("поле %s.birthDate: ожидается ДД.ММ.ГГГГ", path)
	}
	if country := c.Text(b, path, "citizenship", false); country != "" && !digits3.MatchString(country) {
		c.Fail("поле %s.citizenship: ожидаются цифры", path)
	}
	c.Length(b, path, "identitydocumentcode", false, 2)
	c.Length(b, path, "identitydocumentdata", false, 64)
	c.Length(b, path, "address", false, 239)
}

func (c *check) industry(a emulator.Object, path string) {
	if a == nil {
		return
	}
	c.Length(a, path, "foivid", true, 3)
	if date := c.Text(a, path, "causedocumentdate", true); date != "" && !dottedDate.MatchString(date) {
		c.Fail("поле %s.causeDocumentDate: ожидается ДД.ММ.ГГГГ", path)
	}
	c.Length(a, path, "causedocumentnumber", true, 32)
	c.Length(a, path, "value", true, 239)
}

func (c *check) digits(o emulator.Object, path, name string) {
	if s := c.Text(o, path, name, false); s != "" && !innForm.MatchString(s) {
		c.Fail("поле %s: ожидается 10 или 12 цифр", emulator.At(path, name))
	}
}

func (c *check) phones(o emulator.Object, path, name string) {
	for _, phone := range c.Texts(o, path, name, false) {
		if phone == "" || len(phone) > 19 {
			c.Fail("поле %s: ожидается от 1 до 19 символов", emulator.At(path, name))
		}
	}
}

func (c *check) agentMask(o emulator.Object, path string) {
	if n, ok := c.Integer(o, path, "agenttype", false, nil); ok && (n < 0 || n > 127) {
		c.Fail("поле %s.agentType: ожидается от 1 до 127", path)
	}
}

func (c *check) agentInfo(o emulator.Object, path string) {
	c.phones(o, path, "paymenttransferoperatorphonenumbers")
	c.Length(o, path, "paymentagentoperation", false, 24)
	c.phones(o, path, "paymentagentphonenumbers")
	c.phones(o, path, "paymentoperatorphonenumbers")
	c.Length(o, path, "paymentoperatorname", false, 64)
	c.Length(o, path, "paymentoperatoraddress", false, 243)
	c.digits(o, path, "paymentoperatorinn")
	if path == "content" {
		return // members of the document itself
	}
	size := 0
	for _, name := range words("paymenttransferoperatorphonenumbers paymentagentphonenumbers paymentoperatorphonenumbers") {
		for _, phone := range c.Texts(o, path, name, false) {
			size += 4 + len(phone)
		}
	}
	for _, name := range words("paymentagentoperation paymentoperatorname paymentoperatoraddress paymentoperatorinn") {
		if s := c.Text(o, path, name, false); s != "" {
			size += 4 + len([]rune(s))
		}
	}
	if size > 243 {
		c.Fail("поле %s длиннее 243 байт", path)
	}
}

// amount is a sum from 0 to the greatest one.
func (c *check) amount(o emulator.Object, path, name string, required bool) money.Amount {
	a := c.Sum(o, path, name, required)
	if a < 0 || a > maxSum {
		c.Fail("поле %s: ожидается от 0 до %s", emulator.At(path, name), maxSum)
	}
	return a
}

// line checks a position and gives its total.
func (c *check) line(d *Document, i int, o emulator.Object, path string, version fiscal.FFD) money.Amount {
	c.Length(o, path, "text", true, 128)
	price := c.amount(o, path, "price", true)
	quantity := c.Number(o, path, "quantity", !c.Lenient)
	if quantity == nil {
		quantity, _ = emulator.Rational("1")
	}
	if quantity.Sign() <= 0 {
		c.Fail("поле %s.quantity должно быть больше нуля", path)
	}
	if quantity.Cmp(maxQuantity) > 0 {
		c.Fail("поле %s.quantity больше 281474976.710655", path)
	}
	if !wholeAt(quantity, 6) {
		c.Fail("поле %s.quantity: больше шести знаков после запятой", path)
	}
	c.Integer(o, path, "tax", true, taxes)
	c.Integer(o, path, "paymentmethodtype", false, methods)
	if subject, ok := c.Integer(o, path, "paymentsubjecttype", false, nil); ok && (subject < 1 || subject > 33 || subject == 28 || subject == 29) {
		c.Fail("поле %s.paymentSubjectType: недопустимое значение %d", path, subject)
	}
	c.amount(o, path, "taxsum", false)
	c.amount(o, path, "unittaxsum", false)
	c.amount(o, path, "excise", false)
	c.Length(o, path, "additionalattribute", false, 64)
	c.Length(o, path, "customsdeclarationnumber", false, 32)
	if country := c.Text(o, path, "manufacturercountrycode", false); country != "" && !digits3.MatchString(country) {
		c.Fail("поле %s.manufacturerCountryCode: ожидаются цифры", path)
	}
	c.agentMask(o, path)
	if info := c.Object(o, path, "agentinfo", false); info != nil {
		c.agentInfo(info, path+".agentInfo")
	}
	c.digits(o, path, "supplierinn")
	if supplier := c.Object(o, path, "supplierinfo", false); supplier != nil {
		c.phones(supplier, path+".supplierInfo", "phonenumbers")
		room := 239
		for _, phone := range c.Texts(supplier, path+".supplierInfo", "phonenumbers", false) {
			room -= len(phone) + 4
		}
		c.Length(supplier, path+".supplierInfo", "name", false, max(room, 0))
	}
	if version == fiscal.FFD105 {
		c.Length(o, path, "unitofmeasurement", false, 16)
		if code := c.Text(o, path, "nomenclaturecode", false); code != "" {
			if b, err := base64.StdEncoding.DecodeString(code); err != nil || len(b) < 8 || len(b) > 32 {
				c.Fail("поле %s.nomenclatureCode: ожидается base64 от 8 до 32 байт", path)
			}
		}
	} else {
		c.marked(d, i, o, path)
	}
	total := lineTotal(price, quantity)
	if total > maxSum {
		c.Fail("поле %s: сумма больше %s", path, maxSum)
	}
	return total
}

// marked is what only lines of FFD 1.2 have.
func (c *check) marked(d *Document, i int, o emulator.Object, path string) {
	if unit, ok := c.Integer(o, path, "quantitymeasurementunit", false, nil); ok && (unit < 0 || unit > 255) {
		c.Fail("поле %s.quantityMeasurementUnit: ожидается от 0 до 255", path)
	}
	if code := c.Length(o, path, "itemcode", false, 223); code != "" && !markGood(code) && d.badMark < 0 {
		d.badMark = i
	}
	c.Integer(o, path, "plannedstatus", false, statuses)
	c.Integer(o, path, "assignedstatus", false, statuses)
	if part := c.Object(o, path, "fractionalquantity", false); part != nil {
		n, _ := c.Integer(part, path+".fractionalQuantity", "numerator", true, nil)
		m, _ := c.Integer(part, path+".fractionalQuantity", "denominator", true, nil)
		if n < 1 || n >= m {
			c.Fail("поле %s.fractionalQuantity: числитель должен быть меньше знаменателя", path)
		}
	}
	if codes := c.Object(o, path, "barcodes", false); codes != nil {
		for name, most := range barcodes {
			code := c.Length(codes, path+".barcodes", name, false, most)
			if exact := most != 38 && most != 32; code != "" && exact && len([]rune(code)) != most {
				c.Fail("поле %s.barcodes.%s: ожидается %d символов", path, name, most)
			}
		}
	}
	c.industry(c.Object(o, path, "industryattribute", false), path+".industryAttribute")
	for n, a := range c.Objects(o, path, "industryattributes", false) {
		c.industry(a, path+".industryAttributes["+itoa(n)+"]")
	}
}

// closing checks the payments against the lines: only cash may exceed them,
// a difference of a kopeck passes.
func (c *check) closing(d *Document, version fiscal.FFD) {
	o := c.Object(d.content, "content", "checkclose", true)
	if o == nil {
		return
	}
	const path = "content.checkClose"
	c.known(o, path, words("payments taxationsystem electronicpaymentsinfo*"), version)
	c.Integer(o, path, "taxationsystem", !c.Lenient, taxSystems)
	var paid, cashless money.Amount
	for i, p := range c.Objects(o, path, "payments", true) {
		at := path + ".payments[" + itoa(i) + "]"
		kind, _ := c.Integer(p, at, "type", true, payments)
		a := c.amount(p, at, "amount", true)
		if a <= 0 {
			c.Fail("поле %s.amount должно быть больше нуля", at)
		}
		paid += a
		if kind != 1 {
			cashless += a
		}
	}
	if info := c.Object(o, path, "electronicpaymentsinfo", false); info != nil && version == fiscal.FFD12 {
		for i, p := range c.Objects(info, path+".electronicPaymentsInfo", "payments", true) {
			at := path + ".electronicPaymentsInfo.payments[" + itoa(i) + "]"
			c.amount(p, at, "amount", true)
			if n, ok := c.Integer(p, at, "type", true, nil); ok && (n < 0 || n > 255) {
				c.Fail("поле %s.type: ожидается от 0 до 255", at)
			}
			c.Length(p, at, "id", true, 256)
			c.Length(p, at, "additionalinfo", false, 256)
		}
	}
	if paid < d.Total-1 {
		c.Fail("Сумма оплат (%s) меньше суммы предметов расчёта (%s)", paid, d.Total)
	}
	if cashless > d.Total+1 {
		c.Fail("Сумма безналичных оплат (%s) больше суммы предметов расчёта (%s)", cashless, d.Total)
	}
	d.Change = max(0, paid-d.Total)
}
