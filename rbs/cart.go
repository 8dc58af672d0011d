package rbs

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Cart is the cart of an order at the form gateways: a JSON text in the field
// orderBundle.
type Cart struct {
	OrderCreationDate DateTime      `json:"orderCreationDate,omitzero"`
	CustomerDetails   *CartCustomer `json:"customerDetails,omitempty"`
	CartItems         CartItems     `json:"cartItems"`

	// Extra holds members that are not above, as they are.
	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the members and Extra.
func (b Cart) MarshalJSON() ([]byte, error) {
	type plain Cart
	return WithExtra(plain(b), b.Extra)
}

// EncodeValues implements query.Encoder.
func (b Cart) EncodeValues(key string, v *url.Values) error {
	return JSONText{Value: b}.EncodeValues(key, v)
}

// CartCustomer is the buyer. One of Email and Phone is needed; Phone has 7 to 15
// digits.
type CartCustomer struct {
	Email    string `json:"email,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Contact  string `json:"contact,omitempty"`
	FullName string `json:"fullName,omitempty"`
	INN      string `json:"inn,omitempty"`
	Passport string `json:"passport,omitempty"`
}

// CartItems holds the positions: of a cart, of a deposit (depositItems) or of
// a refund (refundItems).
type CartItems struct {
	Items []CartItem `json:"items"`
}

// EncodeValues implements query.Encoder.
func (i CartItems) EncodeValues(key string, v *url.Values) error {
	return JSONText{Value: i}.EncodeValues(key, v)
}

// CartItem is a position of the cart.
type CartItem struct {
	PositionID     string          `json:"positionId"` // digits, at most 12; no two positions have the same
	Name           string          `json:"name"`
	ItemCode       string          `json:"itemCode"` // the shop's own, at most 100
	Quantity       ItemQuantity    `json:"quantity"`
	ItemPrice      money.Amount    `json:"itemPrice"`     // kopecks, of one unit
	ItemAmount     money.Amount    `json:"itemAmount"`    // kopecks: the price times the quantity
	Tax            *CartTax        `json:"tax,omitempty"` // nil: not said
	ItemAttributes *CartAttributes `json:"itemAttributes,omitempty"`

	// Extra holds members that are not above, as they are.
	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the members and Extra.
func (i CartItem) MarshalJSON() ([]byte, error) {
	type plain CartItem
	return WithExtra(plain(i), i.Extra)
}

// ItemQuantity is the quantity, an exact decimal of at most three places, written
// as a JSON number.
type ItemQuantity struct {
	Value   json.Number `json:"value"`
	Measure string      `json:"measure,omitempty"` // a code or a text, as the gateway has it
}

// CartTax is the rate and the tax in kopecks. Code 0, no VAT, is written like
// any other.
type CartTax struct {
	Type int           `json:"taxType"`          // the bank's own code of the rate: see VATCodes
	Sum  *money.Amount `json:"taxSum,omitempty"` // nil: not said
}

// CartAttributes are the position's fiscal attributes: paymentMethod (1214),
// paymentObject (1212), nomenclature (1162), agent_info.type and others.
type CartAttributes struct {
	Attributes []NameValue `json:"attributes"`
}

// NameValue is a pair of texts.
type NameValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// WithExtra is the JSON of an object with further members. They must have other
// names than its own: a member that is in both comes twice.
func WithExtra(plain any, extra map[string]json.RawMessage) ([]byte, error) {
	members, err := CompactJSON(plain)
	if err != nil || len(extra) == 0 {
		return members, err
	}
	more, err := CompactJSON(extra)
	if err != nil {
		return nil, err
	}
	return JoinJSON(members, more), nil
}

// ExtraMembers are the service's own fields of a receipt or a line: JSON where
// a value is an object, a list or a boolean, a text otherwise. A number is a
// text: most of the cart's fields that look like numbers are texts.
func ExtraMembers(field string, extra map[string]string) (map[string]json.RawMessage, error) {
	if len(extra) == 0 {
		return nil, nil
	}
	members := make(map[string]json.RawMessage, len(extra))
	for name, value := range extra {
		if value == "true" || value == "false" || (strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[")) && json.Valid([]byte(value)) {
			members[name] = json.RawMessage(value)
			continue
		}
		text, err := CompactJSON(value)
		if err != nil {
			return nil, acquiring.Invalid(field+".Extra["+name+"]", "cannot be written as JSON")
		}
		members[name] = text
	}
	return members, nil
}

// VATCodes is a gateway's taxType of each rate.
type VATCodes map[fiscal.VAT]int

// CheckVATCodes looks at a user's own table (Config.VATCodes): codes are 0 to 99.
func CheckVATCodes(codes map[fiscal.VAT]int) error {
	for rate, code := range codes {
		if code < 0 || code > 99 {
			return acquiring.Invalid("Config.VATCodes", fmt.Sprintf("has %d for %q; a taxType is between 0 and 99", code, rate))
		}
	}
	return nil
}

// Of is the code of a line's rate as the receipt must show it (see
// fiscal.Line.EffectiveVAT). A raw rate passes as it is if it is a number; a rate
// that the table lacks is refused, and the error names field.VAT.
func (codes VATCodes) Of(field string, l fiscal.Line) (int, error) {
	rate := l.EffectiveVAT()
	if code, ok := codes[rate]; ok {
		return code, nil
	}
	if raw, ok := rate.Raw(); ok {
		if code, err := strconv.Atoi(raw); err == nil && code >= 0 {
			return code, nil
		}
		return 0, acquiring.Invalid(field+".VAT", "is raw and not a number; the gateway's taxType is one")
	}
	return 0, acquiring.Invalid(field+".VAT", fmt.Sprintf("is %s, for which this gateway publishes no taxType; ask the bank and set Config.VATCodes", rate.Name()))
}

// Positions says which numbers the positions of an order got when it was
// registered, so that the receipt of a refund names the same ones.
type Positions map[string]string

// PositionsOf reads them out of the order's cart: by code, and by name where
// the code does not tell.
func PositionsOf(o *Order) Positions {
	var bundle struct {
		CartItems struct {
			Items List[struct {
				PositionID Text `json:"positionId"`
				ItemCode   Text `json:"itemCode"`
				Name       Text `json:"name"`
			}] `json:"items"`
		} `json:"cartItems"`
	}
	if len(o.OrderBundle) == 0 || json.Unmarshal(o.OrderBundle, &bundle) != nil {
		return nil
	}
	p := make(Positions, 2*len(bundle.CartItems.Items))
	for _, item := range bundle.CartItems.Items {
		p["code:"+string(item.ItemCode)] = string(item.PositionID)
		name := "name:" + string(item.Name)
		if _, twice := p[name]; twice {
			p[name] = "" // a name of several positions tells none of them
			continue
		}
		p[name] = string(item.PositionID) + "\x00" + string(item.ItemCode)
	}
	return p
}

// Identify gives the line of that index its positionId and itemCode; name is
// as it goes into the cart. What the order's cart says comes first. A line with
// an ID of digits has that number. Any other number is made of the line itself
// (of its ID, or of its name and price), not of its place: a gateway that does
// not give the cart back then still finds in a refund the positions that it
// knows.
func (p Positions) Identify(lines []fiscal.Line, i int, name string) (position, code string) {
	l := &lines[i]
	if l.ID == "" && p != nil {
		if both := p["name:"+name]; both != "" {
			position, code, _ = strings.Cut(both, "\x00")
			return position, code
		}
	}
	same := 1
	for j := range i {
		if lines[j].ID == l.ID && (l.ID != "" || lines[j].Name == l.Name && lines[j].Price == l.Price) {
			same++
		}
	}
	if code = l.ID; code == "" {
		code = lineNumber(l.Name, l.Price.Minor())
	}
	if same > 1 {
		code += "-" + strconv.Itoa(same)
	}
	if position, ok := p["code:"+code]; ok && position != "" {
		return position, code
	}
	if Digits(code) && len(code) <= 12 && strings.Trim(code, "0") != "" {
		return code, code
	}
	return lineNumber(code), code
}

// lineNumber is a number of at most ten digits, more than zero, that the same
// texts always give.
func lineNumber(texts ...string) string {
	h := fnv.New32a()
	for _, t := range texts {
		_, _ = io.WriteString(h, t)
		_, _ = h.Write([]byte{0})
	}
	return strconv.FormatUint(uint64(h.Sum32())+1, 10)
}

// CartRules are what the form gateways differ in when they take a cart.
type CartRules struct {
	VAT       VATCodes
	TaxSystem fiscal.TaxSystem         // of receipts that have none
	Text      func(string, int) string // a text in the gateway's alphabet, of so many characters at most
	NameLimit int                      // of a position's name
	Code      func(string) bool        // whether it can be an itemCode
	CodeRule  string                   // what an itemCode must be
	Measure   func(l fiscal.Line) string
	Mark      func(tag1162 []byte) string // nomenclature
	ZeroTax   bool                        // a tax of nothing is written too
	UserData  bool                        // a position's own attribute (1191) can be sent
	Elsewhere bool                        // the bank's package sends Machine, Industry and Operational itself
}

// CartReceipt is a receipt as the form gateways take it.
type CartReceipt struct {
	Cart      *Cart
	TaxSystem *int              // taxSystem; nil: as set in the cabinet
	OFDParams map[string]string // additionalOfdParams
}

// WantedType is the words for a receipt of another type than the one wanted.
func WantedType(want fiscal.Settlement) string {
	if want == fiscal.SaleReturn {
		return "is not SaleReturn, which the receipt of a refund is (возврат прихода)"
	}
	return "is not Sale, which the receipt of a payment is (приход)"
}

// Receipt makes the cart of a receipt of the type wanted. What the gateway's cart
// cannot carry is ErrInvalid and names the field. Seller and FFD are as the cabinet
// has them and not sent, and of the Buyer the cart has Name, INN and Document.
func (rules CartRules) Receipt(r *fiscal.Receipt, want fiscal.Settlement, known Positions) (*CartReceipt, error) {
	switch {
	case r.Correction != nil:
		return nil, acquiring.Invalid("Receipt.Correction", "is set; the gateway prints none, use a fiscal.Register")
	case r.Type != want:
		return nil, acquiring.Invalid("Receipt.Type", WantedType(want))
	case r.Payments != (fiscal.Payments{}) && r.Payments != fiscal.Payments{Cashless: r.Total()}:
		return nil, acquiring.Invalid("Receipt.Payments", "is not all cashless, which is all that the gateway's cart can say")
	case len(r.CashlessDetails) > 0 || (r.Internet != nil && !*r.Internet) || r.TimeZone != 0,
		!rules.Elsewhere && (r.Machine != "" || len(r.Industry) > 0 || r.Operational != nil):
		return nil, acquiring.Invalid("Receipt", "has CashlessDetails, TimeZone, Machine, Industry, Operational or Internet=false, which this gateway's cart cannot carry")
	}
	out := &CartReceipt{Cart: &Cart{}, OFDParams: map[string]string{}}
	tax := r.TaxSystem
	if tax == 0 {
		tax = rules.TaxSystem
	}
	if tax != 0 {
		n, ok := tax.Ordinal()
		if !ok {
			return nil, acquiring.Invalid("Receipt.TaxSystem", "is none that the gateway knows")
		}
		out.TaxSystem = &n
	}
	customer := CartCustomer{Email: r.Contact.Email, Phone: r.Contact.Phone}
	if b := r.Buyer; b != nil {
		customer.FullName, customer.INN, customer.Passport = rules.Text(b.Name, 256), b.INN, b.Document
	}
	if customer != (CartCustomer{}) {
		out.Cart.CustomerDetails = &customer
	}
	for name, value := range map[string]string{"cashier": rules.Text(r.Cashier.Name, 64), "cashier_inn": r.Cashier.INN, "additional_check_props": r.Attribute} {
		if value != "" {
			out.OFDParams[name] = value
		}
	}
	if u := r.UserAttribute; u != nil {
		out.OFDParams["additional_user_props.name"], out.OFDParams["additional_user_props.value"] = u.Name, u.Value
	}
	for name, value := range r.Extra {
		out.OFDParams[name] = value
	}
	for i := range r.Lines {
		item, err := rules.item(r.Lines, i, known)
		if err != nil {
			return nil, err
		}
		out.Cart.CartItems.Items = append(out.Cart.CartItems.Items, item)
	}
	return out, nil
}

// item makes a position of a line.
func (rules CartRules) item(lines []fiscal.Line, i int, known Positions) (CartItem, error) {
	l := lines[i]
	field := "Receipt.Lines[" + strconv.Itoa(i) + "]"
	tax, err := rules.VAT.Of(field, l)
	if err != nil {
		return CartItem{}, err
	}
	name := rules.Text(l.Name, rules.NameLimit)
	item := CartItem{Name: name, Quantity: ItemQuantity{json.Number(l.Quantity.String()), rules.Measure(l)},
		ItemPrice: l.Price, ItemAmount: l.Total(), Tax: &CartTax{Type: tax}}
	if sum := l.VATSum(); sum != 0 || rules.ZeroTax {
		item.Tax.Sum = &sum
	}
	item.PositionID, item.ItemCode = known.Identify(lines, i, name)
	switch {
	case name == "":
		return CartItem{}, acquiring.Invalid(field+".Name", "is empty")
	case !rules.Code(item.ItemCode):
		return CartItem{}, acquiring.Invalid(field+".ID", rules.CodeRule)
	case l.Excise != 0 || l.PlannedStatus != 0 || l.Industry != nil || l.Country != "" || l.Declaration != "",
		!rules.UserData && l.Attribute != "":
		return CartItem{}, acquiring.Invalid(field, "has Excise, PlannedStatus, Industry, Country, Declaration or Attribute, which this gateway's cart cannot carry")
	}
	if item.ItemAttributes, err = rules.attributes(field, l); err != nil {
		return CartItem{}, err
	}
	item.Extra, err = ExtraMembers(field, l.Extra)
	return item, err
}

// attributes are what tags a line has beside its sums; compound ones have
// names with dots.
func (rules CartRules) attributes(field string, l fiscal.Line) (*CartAttributes, error) {
	var attrs []NameValue
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, NameValue{name, value})
		}
	}
	if l.Method != 0 {
		add("paymentMethod", strconv.Itoa(int(l.Method)))
	}
	if l.Subject != 0 {
		add("paymentObject", strconv.Itoa(int(l.Subject)))
	}
	if l.Mark != nil {
		tag, err := l.Mark.Tag1162()
		if err != nil {
			e := acquiring.Invalid(field+".Mark", "has no form that the gateway takes")
			e.Err = err
			return nil, e
		}
		add("nomenclature", rules.Mark(tag))
	}
	if p := l.Part; p != nil {
		add("markQuantity.numerator", strconv.Itoa(p.Numerator))
		add("markQuantity.denominator", strconv.Itoa(p.Denominator))
	}
	add("userData", l.Attribute)
	if a := l.Agent; a != nil {
		kind, ok := a.Type.Ordinal()
		if !ok {
			return nil, acquiring.Invalid(field+".Agent.Type", "is none that the gateway knows")
		}
		add("agent_info.type", strconv.Itoa(kind+1))
		add("agent_info.paying.operation", a.Operation)
		add("agent_info.paying.phones", strings.Join(a.Phones, ","))
		add("agent_info.paymentsOperator.phones", strings.Join(a.ReceiverPhones, ","))
		add("agent_info.MTOperator.phones", strings.Join(a.TransferPhones, ","))
		add("agent_info.MTOperator.address", a.TransferAddress)
		add("agent_info.MTOperator.name", a.TransferName)
		add("agent_info.MTOperator.inn", a.TransferINN)
	}
	if s := l.Supplier; s != nil {
		add("supplier_info.phones", strings.Join(s.Phones, ","))
		add("supplier_info.name", s.Name)
		add("supplier_info.inn", s.INN)
	}
	if attrs == nil {
		return nil, nil
	}
	return &CartAttributes{attrs}, nil
}

// HexMark writes a marking code's tag 1162 as capital hexadecimal digits with
// a separator between the bytes.
func HexMark(separator string) func(tag []byte) string {
	return func(tag []byte) string {
		text := strings.ToUpper(hex.EncodeToString(tag))
		if separator == "" {
			return text
		}
		var b strings.Builder
		for i := 0; i < len(text); i += 2 {
			if i > 0 {
				b.WriteString(separator)
			}
			b.WriteString(text[i : i+2])
		}
		return b.String()
	}
}
