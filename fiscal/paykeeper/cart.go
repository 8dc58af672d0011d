package paykeeper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Cart is the lines of a receipt in the service's own words (товарные позиции,
// cart).
type Cart []CartItem

// CartItem is one line of a cart (https://docs.paykeeper.ru/onlain-kassa-54-fz/tovary-v-cheke-54-fz-full).
// The first five fields are always sent, the others when they are not empty.
// Give ItemType and PaymentType too: without them the service takes goods and,
// by its version, a full payment or a full prepayment.
type CartItem struct {
	Name        string          // at most 128 characters
	Price       money.Amount    // of one unit
	Quantity    fiscal.Quantity // exact
	Sum         money.Amount    // of the line, VAT included
	Tax         string          // TaxCode: "vat22"
	ItemType    string          // ItemType: "service"
	PaymentType string          // PaymentType: "full"

	ItemID             string // the shop's own number of the thing
	ItemCode           string // marking code as it is
	ItemCodeBase64     string // marking code in base64, in place of ItemCode
	ItemsInPackage     int    // pieces in the package, where a part of it is sold
	ItemsSold          int    // of them sold (items_sold_from_package)
	Measure            string // unit
	Country            string // code of the country of origin
	CustomsDeclaration string
	Excise             money.Amount
	TRUCode            string

	Extra map[string]json.RawMessage // further keys: agent, supplier, industry_attribute
}

// MarshalJSON writes the line with exact sums, in the documentation's order.
func (i CartItem) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	put := func(name string, v any) error {
		key, err := compact(name)
		if err != nil {
			return err
		}
		text, err := compact(v)
		if err != nil {
			return err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(key + ":" + text)
		return nil
	}
	b.WriteByte('{')
	known := []struct {
		name string
		v    any
		skip bool
	}{
		{"name", i.Name, false},
		{"price", i.Price.String(), false},
		{"quantity", json.Number(i.Quantity.String()), false},
		{"sum", i.Sum.String(), false},
		{"tax", i.Tax, false},
		{"item_type", i.ItemType, i.ItemType == ""},
		{"payment_type", i.PaymentType, i.PaymentType == ""},
		{"item_id", i.ItemID, i.ItemID == ""},
		{"item_code", i.ItemCode, i.ItemCode == ""},
		{"item_code_b64", i.ItemCodeBase64, i.ItemCodeBase64 == ""},
		{"items_in_package", i.ItemsInPackage, i.ItemsInPackage == 0},
		{"items_sold_from_package", i.ItemsSold, i.ItemsSold == 0},
		{"measure", i.Measure, i.Measure == ""},
		{"item_country", i.Country, i.Country == ""},
		{"customs_declaration", i.CustomsDeclaration, i.CustomsDeclaration == ""},
		{"excise", i.Excise.String(), i.Excise == 0},
		{"tru_code", i.TRUCode, i.TRUCode == ""},
	}
	for _, k := range known {
		if k.skip {
			continue
		}
		if err := put(k.name, k.v); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedKeys(i.Extra) {
		if err := put(name, i.Extra[name]); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is the cart as the text of a form field.
func (c Cart) encode() (string, error) {
	if c == nil {
		c = Cart{}
	}
	text, err := compact(c)
	if err != nil {
		e := acquiring.Invalid("Cart", "cannot be written as JSON")
		e.Err = err
		return "", e
	}
	return text, nil
}

// Total is the sum of the lines' sums.
func (c Cart) Total() money.Amount {
	var total money.Amount
	for _, i := range c {
		total += i.Sum
	}
	return total
}

// ParseCart reads a cart: a JSON array, or a JSON string that holds one, as
// some integrations send it. Sums and quantities may be numbers or strings; a
// number that no receipt can hold (0.001 of a kopeck, 1e3) is refused. Keys
// that CartItem has no field for are kept in Extra.
func ParseCart(data []byte) (Cart, error) {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '"' {
		data = []byte(scalar(data))
	}
	var rows []map[string]json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, cartFault("Cart", "is not an array of lines", err)
	}
	cart := make(Cart, 0, len(rows))
	for n, m := range rows {
		item, name, err := parseItem(m)
		if err != nil {
			return nil, cartFault(fmt.Sprintf("Cart[%d].%s", n, name), "cannot be read", err)
		}
		cart = append(cart, item)
	}
	return cart, nil
}

func cartFault(field, why string, err error) error {
	e := acquiring.Invalid(field, why)
	e.Provider, e.Err = provider, err
	return e
}

func parseItem(m map[string]json.RawMessage) (item CartItem, bad string, err error) {
	r := row{m: m}
	sum := func(name string) money.Amount {
		text := r.text(name)
		if text == "" || err != nil {
			return 0
		}
		a, e := money.Parse(text)
		if e != nil {
			bad, err = name, e
		}
		return a
	}
	item = CartItem{
		Name: r.text("name"), Price: sum("price"), Sum: sum("sum"), Tax: r.text("tax"),
		ItemType: r.text("item_type"), PaymentType: r.text("payment_type"),
		ItemID: r.text("item_id"), ItemCode: r.text("item_code"), ItemCodeBase64: r.text("item_code_b64"),
		ItemsInPackage: r.integer("items_in_package"), ItemsSold: r.integer("items_sold_from_package"),
		Measure: r.text("measure"), Country: r.text("item_country"), CustomsDeclaration: r.text("customs_declaration"),
		Excise: sum("excise"), TRUCode: r.text("tru_code"),
	}
	if text := r.text("quantity"); text != "" && err == nil {
		if item.Quantity, err = fiscal.ParseQuantity(text); err != nil {
			bad = "quantity"
		}
	}
	for name, raw := range m {
		if !cartKey(name) {
			if item.Extra == nil {
				item.Extra = map[string]json.RawMessage{}
			}
			item.Extra[name] = raw
		}
	}
	return item, bad, err
}

// cartKey says whether CartItem has a field for the key.
func cartKey(name string) bool {
	switch name {
	case "name", "price", "quantity", "sum", "tax", "item_type", "payment_type", "item_id", "item_code", "item_code_b64",
		"items_in_package", "items_sold_from_package", "measure", "item_country", "customs_declaration", "excise", "tru_code":
		return true
	}
	return false
}

// ServiceName is the field service_name: what is paid. With Text alone it is
// sent as plain text; with anything more as a JSON object (4.2).
type ServiceName struct {
	Text      string
	Cart      Cart   // receipt printed with the payment
	BuyerName string // receipt_properties.client.identity
	BuyerINN  string // receipt_properties.client.inn
	Lang      string // of the payment page: "ru", "en"
	ReturnURL string // where the customer goes after paying (user_result_callback); read nothing from what is added to it
}

type serviceJSON struct {
	Text       string          `json:"service_name"`
	Cart       Cart            `json:"cart,omitempty"`
	Properties *propertiesJSON `json:"receipt_properties,omitempty"`
	Lang       string          `json:"lang,omitempty"`
	ReturnURL  string          `json:"user_result_callback,omitempty"`
}

type propertiesJSON struct {
	Client struct {
		Identity string `json:"identity,omitempty"`
		INN      string `json:"inn,omitempty"`
	} `json:"client"`
}

func (s ServiceName) encode() (string, error) {
	if len(s.Cart) == 0 && s.BuyerName == "" && s.BuyerINN == "" && s.Lang == "" && s.ReturnURL == "" {
		// Plain text that looks like an object would be read as one.
		if strings.HasPrefix(strings.TrimSpace(s.Text), "{") {
			return compact(serviceJSON{Text: s.Text})
		}
		return s.Text, nil
	}
	j := serviceJSON{Text: s.Text, Cart: s.Cart, Lang: s.Lang, ReturnURL: s.ReturnURL}
	if s.BuyerName != "" || s.BuyerINN != "" {
		j.Properties = &propertiesJSON{}
		j.Properties.Client.Identity, j.Properties.Client.INN = s.BuyerName, s.BuyerINN
	}
	text, err := compact(j)
	if err != nil {
		return "", cartFault("Cart", "cannot be written as JSON", err)
	}
	return text, nil
}

// ParseServiceName reads the field service_name of an invoice or of a
// notification: text, or a JSON object with a cart.
func ParseServiceName(text string) (ServiceName, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return ServiceName{Text: text}, nil
	}
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &m) != nil {
		return ServiceName{Text: text}, nil // it only looks like one
	}
	r := row{m: m}
	s := ServiceName{Text: r.text("service_name"), Lang: r.text("lang"), ReturnURL: r.text("user_result_callback")}
	var p propertiesJSON
	if json.Unmarshal(m["receipt_properties"], &p) == nil {
		s.BuyerName, s.BuyerINN = p.Client.Identity, p.Client.INN
	}
	if raw := m["cart"]; len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
		cart, err := ParseCart(raw)
		if err != nil {
			return s, err
		}
		s.Cart = cart
	}
	return s, nil
}
