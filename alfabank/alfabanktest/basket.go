package alfabanktest

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// basket is an orderBundle, or depositItems or refundItems, that was
// understood.
type basket struct {
	raw   obj
	items []gateway.CartItem
	lines []obj // the items as they came
	total money.Amount
}

var taxTypes = map[string]bool{"0": true, "1": true, "2": true, "3": true, "4": true, "5": true, "6": true, "7": true, "10": true, "11": true, "12": true,
	"13": true, "14": true, "15": true}

var measures = strings.Fields("0 10 11 12 20 21 22 30 31 32 40 41 42 50 51 70 71 72 73 80 81 82 83 255")

var objectCodes = strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 30 31 32 33")

func (c *call) badBasket(t gateway.Text, reason string) *refusal {
	return refuse(c.choose(c.s.cfg.unknowns.BasketCode, 8), t).Because(reason)
}

// readBasket checks the orderBundle of a registration.
func (c *call) readBasket(o *order) *refusal {
	if no := c.checkOFD(); no != nil {
		return no
	}
	in := c.Object("orderBundle")
	if in == nil {
		return nil
	}
	b, no := c.readItems(in, nil)
	if no != nil {
		return no
	}
	if b.total != o.Amount {
		return c.badBasket(tBasketSum, "the items come to "+b.total.String()+", the order is "+o.Amount.String())
	}
	if no := c.checkCustomer(in, o); no != nil {
		return no
	}
	o.basket = b
	return nil
}

// checkCustomer: e-mail or phone, and the rule of the payer's data: with any of
// them, the INN or all of birth date, document code and number.
func (c *call) checkCustomer(in obj, o *order) *refusal {
	customer, _ := in["customerDetails"].(obj)
	has := func(name string) bool { return gateway.ScalarText(customer[name]) != "" }
	if !has("email") && !has("phone") && o.Email == "" && o.Phone == "" && gateway.ScalarText(o.ofd["client.email"]) == "" && gateway.ScalarText(o.ofd["client.phone"]) == "" {
		return refuse(4, emptyText("customerDetails.email")).Because("a receipt needs the customer's email or phone")
	}
	if p := strings.TrimPrefix(gateway.ScalarText(customer["phone"]), "+"); p != "" && (!gateway.Digits(p) || len(p) < 7 || len(p) > 15) {
		return c.badBasket(tBasket, "customerDetails.phone is 7 to 15 digits")
	}
	if len(gateway.ScalarText(customer["email"])) > 40 {
		return c.badBasket(tBasket, "customerDetails.email is longer than 40 characters")
	}
	for _, name := range []string{"fullName", "passport"} {
		if utf8.RuneCountInString(gateway.ScalarText(customer[name])) > 100 {
			return c.badBasket(tBasket, "customerDetails."+name+" is longer than 100 characters")
		}
	}
	inn := gateway.ScalarText(customer["inn"])
	if inn != "" && (!gateway.Digits(inn) || (len(inn) != 10 && len(inn) != 12)) {
		return c.badBasket(tBasket, "customerDetails.inn is 10 or 12 digits")
	}
	if (has("fullName") || has("passport")) && inn == "" && gateway.ScalarText(o.ofd["client.inn"]) == "" {
		return refuse(5, tPayer).Because("fullName or passport without the INN")
	}
	return nil
}

// checkOFD checks additionalOfdParams.
func (c *call) checkOFD() *refusal {
	in := c.Object("additionalOfdParams")
	if in == nil {
		return nil
	}
	has := func(name string) bool { return gateway.ScalarText(in[name]) != "" }
	client, known := false, 0
	for name := range in {
		client = client || strings.HasPrefix(name, "client.")
	}
	if client && has("client.email") == has("client.phone") {
		return refuse(5, tPayer).Because("exactly one of client.email and client.phone")
	}
	for _, name := range []string{"client.birth_date", "client.document_code", "client.passport_number"} {
		if has(name) {
			known++
		}
	}
	if (has("client.name") || has("client.citizenship") || known > 0) && !has("client.inn") && known < 3 {
		return refuse(5, tPayer).Because("data of the payer need client.inn, or birth date, document code and number")
	}
	for name, most := range map[string]int{"cashier": 256, "additional_check_props": 16, "additional_user_props.name": 24, "additional_user_props.value": 24,
		"client.name": 256, "client.passport_number": 11} {
		if utf8.RuneCountInString(gateway.ScalarText(in[name])) > most {
			return refuse(5, tParam).Because(name + " is longer than " + strconv.Itoa(most) + " characters")
		}
	}
	return nil
}

// readItems reads the items; of holds them against the order's own basket.
func (c *call) readItems(in obj, of *basket) (*basket, *refusal) {
	list := gateway.Items(in)
	if len(list) == 0 {
		return nil, c.badBasket(tBasket, "no items")
	}
	b := &basket{raw: in, lines: list}
	seen := map[string]bool{}
	for i, e := range list {
		at := "items[" + strconv.Itoa(i) + "]: "
		it, why := gateway.ReadItem(e)
		if why == "" {
			why = itemFault(e, it)
		}
		if why == "" && seen[it.Position] {
			why = "positionId is repeated"
		}
		if why == "" && of != nil {
			why = gateway.Covers(of.items, it)
		}
		if why != "" {
			return nil, c.badBasket(tBasket, at+why)
		}
		seen[it.Position] = true
		b.items = append(b.items, it)
		b.total += it.Amount
	}
	return b, nil
}

// itemFault is what is wrong with an item beyond its sums.
func itemFault(e obj, it gateway.CartItem) string {
	quantity, _ := e["quantity"].(obj)
	tax, _ := e["tax"].(obj)
	switch {
	case len(it.Position) > 12:
		return "positionId is longer than 12 characters"
	case utf8.RuneCountInString(it.Name) > 255:
		return "name is longer than 255 characters"
	case utf8.RuneCountInString(it.Code) > 100:
		return "itemCode is longer than 100 characters"
	case gateway.ScalarText(quantity["measure"]) == "":
		return "quantity.measure is missing"
	case tax != nil && !taxTypes[gateway.ScalarText(tax["taxType"])]:
		return "unknown tax.taxType"
	case tax != nil && tax["taxSum"] != nil && !gateway.Digits(gateway.ScalarText(tax["taxSum"])):
		return "tax.taxSum must be kopecks"
	}
	if cur := gateway.ScalarText(e["itemCurrency"]); cur != "" && cur != "643" && cur != "810" {
		return "itemCurrency is not the order's"
	}
	attributes, _ := e["itemAttributes"].(obj)
	return attributesFault(attributes, it, gateway.ScalarText(quantity["measure"]))
}

// attributesFault looks at the attributes; unknown ones are ignored.
func attributesFault(in obj, it gateway.CartItem, measure string) string {
	list, _ := in["attributes"].([]any)
	for _, v := range list {
		a, _ := v.(obj)
		name := gateway.ScalarText(a["name"])
		value, text := a["value"].(string)
		if name == "" || !text {
			return "itemAttributes are pairs of texts"
		}
		bad := false
		switch name {
		case "paymentMethod":
			bad = len(value) != 1 || value < "1" || value > "7"
		case "paymentObject":
			bad = !slices.Contains(objectCodes, value)
		case "nomenclature":
			bad = len(value) > 95
			if it.Milli != 1000 || !slices.Contains(measures, measure) {
				return "a marked item has quantity 1 and a measure by code"
			}
		case "userData":
			bad = utf8.RuneCountInString(value) > 64
		case "agent_info.type":
			bad = len(value) != 1 || value < "1" || value > "7"
		}
		if bad {
			return "wrong value of the attribute " + name
		}
	}
	return ""
}

// operationBasket reads the items of a deposit or refund; nil: there are none.
func (c *call) operationBasket(o *order, field string, amount money.Amount) (*basket, *refusal) {
	in := c.Object(field)
	if in == nil {
		return nil, nil
	}
	b, no := c.readItems(in, o.basket)
	if no != nil {
		return nil, no
	}
	if b.total != amount {
		return nil, c.badBasket(tBasketSum, field+" come to "+b.total.String()+", the operation is "+amount.String())
	}
	for _, it := range b.items {
		if field == "refundItems" && o.basket != nil && o.returned[it.Position]+it.Milli > o.quantity(it.Position) {
			return nil, c.badBasket(tBasket, "more of position "+it.Position+" than is left")
		}
	}
	return b, nil
}

func (o *order) quantity(position string) int64 {
	for _, it := range o.basket.items {
		if it.Position == position {
			return it.Milli
		}
	}
	return 0
}

// giveBack remembers what was refunded by positions.
func (o *order) giveBack(b *basket) {
	if o.returned == nil {
		o.returned = map[string]int64{}
	}
	for _, it := range b.items {
		o.returned[it.Position] += it.Milli
	}
}

// remaining is ofdOrderBundle of the status: the basket less what was
// refunded.
func (o *order) remaining() []obj {
	out := []obj{}
	if o.basket == nil {
		return out
	}
	for i, it := range o.basket.items {
		left := it.Milli - o.returned[it.Position]
		if left <= 0 {
			continue
		}
		e := obj{"positionId": it.Position, "name": it.Name, "itemCode": it.Code, "itemAmount": it.Amount, "quantity": obj{"value": gateway.MilliText(left), "measure": measureOf(o.basket.lines[i])}}
		if it.Price > 0 {
			e["itemPrice"] = it.Price
		}
		if left != it.Milli {
			e["itemAmount"] = money.Amount((int64(it.Amount)*left + it.Milli/2) / it.Milli)
		}
		out = append(out, e)
	}
	return out
}

func measureOf(line obj) string {
	q, _ := line["quantity"].(obj)
	return gateway.ScalarText(q["measure"])
}
