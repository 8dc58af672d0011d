package komtettest

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// Words of the protocol.
var (
	intents     = []string{"sell", "sellReturn", "buy", "buyReturn"}
	corrections = []string{"sellCorrection", "sellReturnCorrection", "buyCorrection", "buyReturnCorrection"}
	vats        = []string{"no", "0", "5", "7", "10", "20", "22", "105", "107", "110", "120", "122"}
	methods     = []string{"pre_payment_full", "pre_payment_part", "advance", "full_payment", "credit_part", "credit", "credit_pay"}
	paymentKind = []string{"card", "cash", "prepayment", "credit", "counter_provisioning"}
	agents      = []string{"bank_payment_agent", "bank_payment_subagent", "payment_agent", "payment_subagent", "solicitor", "commissionaire", "agent"}
	marks       = []string{"unknown", "ean8", "ean13", "itf14", "gs10", "gs1m", "short", "fur", "egais20", "egais30"}
	taxSystems  = []int64{0, 1, 2, 4, 5}
	measures    = []int64{0, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 70, 71, 72, 73, 80, 81, 82, 83, 255}
	planned     = []int64{1, 2, 3, 4, 5, 6, 255}
	zones       = []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}

	subjectsV1 = []string{"product", "product_practical", "work", "service", "gambling_bet", "gambling_win", "lottery_bet", "lottery_win",
		"rid", "payment", "commission", "composite", "pay", "other", "property_right", "non_operating", "insurance", "sales_tax", "resort_fee"}
	subjectsV2 = append(slices.Clone(subjectsV1), "deposit", "consumption", "sole_proprietor_cpi_contributins", "cpi_contributins",
		"sole_proprietor_cmi_contributins", "cmi_contributins", "csi_contributins", "casino_payment", "payment_of_the_money", "atnm", "atm", "tnm", "tm")

	dottedDate  = regexp.MustCompile(`^\d{2}\.\d{2}\.\d{4}$`)
	dashedDate  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$|^\d{2}-\d{2}-\d{4}$`)
	dottedTime  = regexp.MustCompile(`^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}$`)
	innDigits   = regexp.MustCompile(`^\d{10}$|^\d{12}$`)
	threeDigits = regexp.MustCompile(`^\d{3}$`)
)

// parsed is what the emulator needs of a check.
type parsed struct {
	externalID  string
	intent      string
	correction  bool
	total       money.Amount
	callbackURL string
}

// parse checks a check or a correction check of the given version; fault is
// the first thing wrong with it.
func parse(version int, o object) (p parsed, fault string) {
	c := &check{&emulator.Check{}}
	p.externalID = c.ID(o, "", "external_id", true)
	p.intent = c.Word(o, "", "intent", true, append(slices.Clone(intents), corrections...))
	p.correction = slices.Contains(corrections, p.intent)
	p.callbackURL = c.Text(o, "", "callback_url", false)
	c.Boolean(o, "", "print")
	c.Boolean(o, "", "internet")
	c.person(o, "cashier")
	c.Text(o, "", "additional_check_props", false)
	if props := c.Object(o, "", "additional_user_props", false); props != nil {
		c.Text(props, "additional_user_props", "name", true)
		c.Text(props, "additional_user_props", "value", true)
	}
	if version == 1 {
		c.head1(o, p.correction)
	} else {
		c.head2(o, p.correction)
	}
	paid := c.payments(o)
	c.cashless(o)
	for i, line := range c.Objects(o, "", "positions", true) {
		p.total += c.line(version, line, fmt.Sprintf("positions[%d]", i))
	}
	if c.Fault() == "" && paid != p.total {
		c.Fail("Сумма оплат (%s) не совпадает с суммой позиций (%s)", paid, p.total)
	}
	return p, c.Fault()
}

// head1 is what only checks of v1 have.
func (c *check) head1(o object, correction bool) {
	c.Text(o, "", "user", !correction)
	c.Integer(o, "", "sno", true, taxSystems)
	c.Text(o, "", "payment_address", false)
	c.Text(o, "", "place_address", false)
	if client := c.Object(o, "", "client", false); client != nil {
		c.Text(client, "client", "name", false)
		c.inn(client, "client")
	}
	if !correction {
		return
	}
	info := c.Object(o, "", "correction", true)
	kind := c.Word(info, "correction", "type", true, []string{"self", "forced"})
	if date := c.Text(info, "correction", "date", true); date != "" && !dashedDate.MatchString(date) {
		c.Fail("поле correction.date: ожидается ГГГГ-ММ-ДД")
	}
	c.Text(info, "correction", "document", kind == "forced")
	c.person(o, "authorised_person")
}

// head2 is what only checks of v2 have.
func (c *check) head2(o object, correction bool) {
	client := c.Object(o, "", "client", !correction)
	for _, name := range []string{"email", "phone", "name", "citizenship", "document_code", "document_data", "address"} {
		c.Text(client, "client", name, false)
	}
	c.inn(client, "client")
	if birth := c.Text(client, "client", "birthdate", false); birth != "" && !dottedDate.MatchString(birth) {
		c.Fail("поле client.birthdate: ожидается ДД.ММ.ГГГГ")
	}
	company := c.Object(o, "", "company", true)
	c.Integer(company, "company", "sno", true, taxSystems)
	c.Text(company, "company", "payment_address", true)
	c.Text(company, "company", "place_address", false)
	c.Text(company, "company", "inn", false)
	c.Integer(o, "", "timezone", false, zones)
	c.sectoral(o, "", "sectoral_check_props")
	if props := c.Object(o, "", "operating_check_props", false); props != nil {
		c.Text(props, "operating_check_props", "name", true)
		c.Text(props, "operating_check_props", "value", true)
		if at := c.Text(props, "operating_check_props", "timestamp", true); at != "" && !dottedTime.MatchString(at) {
			c.Fail("поле operating_check_props.timestamp: ожидается ДД.ММ.ГГГГ ЧЧ:ММ:СС")
		}
	}
	if !correction {
		return
	}
	info := c.Object(o, "", "correction_info", true)
	kind := c.Word(info, "correction_info", "type", true, []string{"self", "instruction"})
	if date := c.Text(info, "correction_info", "base_date", true); date != "" && !dottedDate.MatchString(date) && !dashedDate.MatchString(date) {
		c.Fail("поле correction_info.base_date: ожидается ДД.ММ.ГГГГ")
	}
	c.Text(info, "correction_info", "base_number", kind == "instruction")
	c.person(o, "authorised_person")
}

func (c *check) person(o object, name string) {
	if who := c.Object(o, "", name, false); who != nil {
		c.Text(who, name, "name", true)
		c.Text(who, name, "inn", false)
	}
}

// inn is the buyer's: the only one whose form is published.
func (c *check) inn(o object, path string) {
	if inn := c.Text(o, path, "inn", false); inn != "" && !innDigits.MatchString(inn) {
		c.Fail("поле %s.inn: ожидается 10 или 12 цифр", path)
	}
}

func (c *check) payments(o object) money.Amount {
	var total money.Amount
	for i, pay := range c.Objects(o, "", "payments", true) {
		path := fmt.Sprintf("payments[%d]", i)
		c.Word(pay, path, "type", true, paymentKind)
		sum := c.Sum(pay, path, "sum", true)
		if sum < 0 {
			c.Fail("поле %s.sum меньше нуля", path)
		}
		total += sum
	}
	return total
}

// cashless takes both spellings of the last field: the official SDKs disagree.
func (c *check) cashless(o object) {
	for i, pay := range c.Objects(o, "", "cashless_payments", false) {
		path := fmt.Sprintf("cashless_payments[%d]", i)
		c.Sum(pay, path, "sum", true)
		c.Integer(pay, path, "method", true, nil)
		c.Text(pay, path, "id", true)
		c.Text(pay, path, "additional_info", false)
		c.Text(pay, path, "additionalInfo", false)
	}
}

func (c *check) sectoral(o object, path, name string) {
	for i, prop := range c.Objects(o, path, name, false) {
		p := fmt.Sprintf("%s[%d]", emulator.At(path, name), i)
		if id := c.Text(prop, p, "federal_id", true); id != "" && !threeDigits.MatchString(id) {
			c.Fail("поле %s.federal_id: ожидаются три цифры", p)
		}
		if date := c.Text(prop, p, "date", true); date != "" && !dottedDate.MatchString(date) {
			c.Fail("поле %s.date: ожидается ДД.ММ.ГГГГ", p)
		}
		c.Text(prop, p, "number", true)
		c.Text(prop, p, "value", true)
	}
}

// line checks a position and gives its total. The total may be below price
// times quantity: that is how a discount is told.
func (c *check) line(version int, o object, path string) money.Amount {
	c.Text(o, path, "name", true)
	if price := c.Sum(o, path, "price", true); price < 0 {
		c.Fail("поле %s.price меньше нуля", path)
	}
	if q := c.Number(o, path, "quantity", true); q != nil && q.Sign() <= 0 {
		c.Fail("поле %s.quantity должно быть больше нуля", path)
	}
	total := c.Sum(o, path, "total", true)
	if total < 0 {
		c.Fail("поле %s.total меньше нуля", path)
	}
	c.Word(o, path, "vat", true, vats)
	if version == 1 {
		c.Word(o, path, "calculation_method", false, methods)
		c.Word(o, path, "calculation_subject", false, subjectsV1)
		c.Text(o, path, "measure_name", false)
		if code := c.Object(o, path, "nomenclature_code", false); code != nil {
			if !code.Has("code") && !code.Has("hex_code") {
				c.Fail("поле %s.nomenclature_code: нужен code или hex_code", path)
			}
		}
	} else {
		c.Word(o, path, "payment_method", true, methods)
		c.Word(o, path, "payment_object", true, subjectsV2)
		c.Integer(o, path, "measure", true, measures)
		c.marking(o, path)
	}
	c.Sum(o, path, "excise", false)
	c.Text(o, path, "country_code", false)
	c.Text(o, path, "declaration_number", false)
	c.Text(o, path, "user_data", false)
	c.agent(o, path)
	return total
}

func (c *check) marking(o object, path string) {
	if mark := c.Object(o, path, "mark_code", false); mark != nil {
		if len(mark) != 1 {
			c.Fail("поле %s.mark_code: ожидается один код", path)
		}
		for kind := range mark {
			if !slices.Contains(marks, kind) {
				c.Fail("поле %s.mark_code: неизвестный вид %q", path, kind)
			}
			c.Text(mark, path+".mark_code", kind, true)
		}
	}
	if part := c.Object(o, path, "mark_quantity", false); part != nil {
		n, _ := c.Integer(part, path+".mark_quantity", "numerator", true, nil)
		d, _ := c.Integer(part, path+".mark_quantity", "denominator", true, nil)
		if n < 1 || n >= d {
			c.Fail("поле %s.mark_quantity: числитель должен быть меньше знаменателя", path)
		}
	}
	c.Integer(o, path, "planned_status", false, planned)
	c.Boolean(o, path, "wholesale")
	c.sectoral(o, path, "sectoral_item_props")
}

func (c *check) agent(o object, path string) {
	if agent := c.Object(o, path, "agent_info", false); agent != nil {
		p := path + ".agent_info"
		c.Word(agent, p, "type", true, agents)
		for _, name := range []string{"paying_agent", "receive_payments_operator", "money_transfer_operator"} {
			if who := c.Object(agent, p, name, false); who != nil {
				c.phones(who, p+"."+name)
				c.Text(who, p+"."+name, "name", false)
				if operation := c.Text(who, p+"."+name, "operation", false); len([]rune(operation)) > 24 {
					c.Fail("поле %s.%s.operation длиннее 24 символов", p, name)
				}
			}
		}
	}
	if supplier := c.Object(o, path, "supplier_info", false); supplier != nil {
		c.Text(supplier, path+".supplier_info", "name", false)
		c.phones(supplier, path+".supplier_info")
		c.Text(supplier, path+".supplier_info", "inn", false)
	}
}

func (c *check) phones(o object, path string) { c.Texts(o, path, "phones", false) }
