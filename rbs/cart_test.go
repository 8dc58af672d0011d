package rbs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// rules are those of some gateway.
func rules() CartRules {
	return CartRules{VAT: VATCodes{fiscal.VATNone: 0, fiscal.VAT10: 2}, TaxSystem: fiscal.TaxSimplifiedIncome,
		Text: func(s string, n int) string { return Cut(s, n) }, NameLimit: 100,
		Code: func(s string) bool { return len(s) < 20 }, CodeRule: "is too long",
		Measure: func(l fiscal.Line) string { return l.Unit.Name() }, Mark: HexMark(" ")}
}

func cartReceipt() *fiscal.Receipt {
	return &fiscal.Receipt{Type: fiscal.Sale, Contact: fiscal.Contact{Email: "a@b.ru"}, Attribute: "доп", Cashier: fiscal.Cashier{Name: "Иванова"},
		Buyer: &fiscal.Buyer{Name: "ООО Ромашка", INN: "7707083893"}, UserAttribute: &fiscal.UserAttribute{Name: "n", Value: "v"},
		Extra: map[string]string{"company.email": "s@b.ru"},
		Lines: []fiscal.Line{{ID: "7", Name: "Чай", Price: money.RUB(400, 0), Quantity: 1_500_000, VAT: fiscal.VAT10, Method: fiscal.FullPayment, Subject: fiscal.Goods, Unit: fiscal.Kilogram,
			Mark: &fiscal.Mark{Code: "4607034170011", Kind: fiscal.MarkEAN13}, Part: &fiscal.Part{Numerator: 1, Denominator: 2},
			Agent:    &fiscal.Agent{Type: fiscal.Attorney, Phones: []string{"+7", "+8"}},
			Supplier: &fiscal.Supplier{Name: "Поставщик", INN: "7707083893"}, Extra: map[string]string{"a": "1", "b": "true", "c": `{"d":1}`}}}}
}

func TestCartOfAReceipt(t *testing.T) {
	out, err := rules().Receipt(cartReceipt(), fiscal.Sale, nil)
	require.NoError(t, err)
	v, err := Form(struct {
		Bundle *Cart     `url:"orderBundle"`
		Items  CartItems `url:"refundItems"`
	}{out.Cart, out.Cart.CartItems}, nil)
	require.NoError(t, err)
	const item = `{"positionId":"7","name":"Чай","itemCode":"7","quantity":{"value":1.5,"measure":"кг"},"itemPrice":40000,"itemAmount":60000,"tax":{"taxType":2,"taxSum":5455},
		"itemAttributes":{"attributes":[{"name":"paymentMethod","value":"4"},{"name":"paymentObject","value":"1"},{"name":"nomenclature","value":"45 0D 04 30 A8 A2 9A 9B"},
		{"name":"markQuantity.numerator","value":"1"},{"name":"markQuantity.denominator","value":"2"},{"name":"agent_info.type","value":"5"},{"name":"agent_info.paying.phones","value":"+7,+8"},
		{"name":"supplier_info.name","value":"Поставщик"},{"name":"supplier_info.inn","value":"7707083893"}]},"a":"1","b":true,"c":{"d":1}}`
	assert.JSONEq(t, `{"customerDetails":{"email":"a@b.ru","fullName":"ООО Ромашка","inn":"7707083893"},"cartItems":{"items":[`+item+`]}}`, v.Get("orderBundle"))
	assert.JSONEq(t, `{"items":[`+item+`]}`, v.Get("refundItems"))
	assert.Equal(t, 1, *out.TaxSystem)
	assert.Equal(t, map[string]string{"cashier": "Иванова", "additional_check_props": "доп", "additional_user_props.name": "n", "additional_user_props.value": "v", "company.email": "s@b.ru"}, out.OFDParams)
}

func TestCartsThatCannotBe(t *testing.T) {
	for field, change := range map[string]func(*fiscal.Receipt){
		"Receipt.Correction":          func(r *fiscal.Receipt) { r.Correction = &fiscal.Correction{} },
		"Receipt.Type":                func(r *fiscal.Receipt) { r.Type = fiscal.SaleReturn },
		"Receipt.Payments":            func(r *fiscal.Receipt) { r.Payments.Prepaid = 1 },
		"Receipt":                     func(r *fiscal.Receipt) { r.TimeZone = 2 },
		"Receipt.TaxSystem":           func(r *fiscal.Receipt) { r.TaxSystem = 3 },
		"Receipt.Lines[0].VAT":        func(r *fiscal.Receipt) { r.Lines[0].VAT = fiscal.VAT22 },
		"Receipt.Lines[0].VAT ":       func(r *fiscal.Receipt) { r.Lines[0].VAT = fiscal.RawVAT("x") },
		"Receipt.Lines[0].Name":       func(r *fiscal.Receipt) { r.Lines[0].Name = "" },
		"Receipt.Lines[0].ID":         func(r *fiscal.Receipt) { r.Lines[0].ID = strings.Repeat("x", 30) },
		"Receipt.Lines[0]":            func(r *fiscal.Receipt) { r.Lines[0].Excise = 1 },
		"Receipt.Lines[0].Mark":       func(r *fiscal.Receipt) { r.Lines[0].Mark = &fiscal.Mark{Code: "x"} },
		"Receipt.Lines[0].Agent.Type": func(r *fiscal.Receipt) { r.Lines[0].Agent.Type = 3 },
	} {
		r := cartReceipt()
		change(r)
		_, err := rules().Receipt(r, fiscal.Sale, nil)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, strings.TrimSpace(field), e.Field)
		assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	}
	assert.NotEqual(t, WantedType(fiscal.Sale), WantedType(fiscal.SaleReturn))
	assert.ErrorIs(t, CheckVATCodes(map[fiscal.VAT]int{fiscal.VAT22: -1}), acquiring.ErrInvalid)
	require.NoError(t, CheckVATCodes(map[fiscal.VAT]int{fiscal.VAT22: 12}))
	code, err := VATCodes{}.Of("f", fiscal.Line{VAT: fiscal.RawVAT("14")})
	require.NoError(t, err)
	assert.Equal(t, 14, code)
	assert.Equal(t, "0A0B", HexMark("")([]byte{10, 11}))
}

// A refund's receipt names the positions as the order has them.
func TestPositionsOfAnOrder(t *testing.T) {
	var o Order
	require.NoError(t, json.Unmarshal([]byte(`{"orderBundle":{"cartItems":{"items":[{"positionId":1,"itemCode":"SKU","name":"Чай"},{"positionId":"2","itemCode":"DLV","name":"Доставка"}]}}}`), &o))
	known := PositionsOf(&o)
	position, code := known.Identify([]fiscal.Line{{ID: "DLV"}}, 0, "что угодно")
	assert.Equal(t, [2]string{"2", "DLV"}, [2]string{position, code})
	position, code = known.Identify([]fiscal.Line{{Name: "Чай"}}, 0, "Чай")
	assert.Equal(t, [2]string{"1", "SKU"}, [2]string{position, code})
	// Lines of one name and several prices, without IDs: each its own position.
	lines := []fiscal.Line{{Name: "Урок", Price: 100}, {Name: "Урок", Price: 200}, {Name: "Урок", Price: 200}}
	var items []string
	for i := range lines {
		position, code := Positions(nil).Identify(lines, i, "Урок")
		items = append(items, `{"positionId":"`+position+`","itemCode":"`+code+`","name":"Урок"}`)
	}
	same := PositionsOf(&Order{OrderBundle: json.RawMessage(`{"cartItems":{"items":[` + strings.Join(items, ",") + `]}}`)})
	for i := range lines {
		position, code = same.Identify(lines, i, "Урок")
		assert.Equal(t, items[i], `{"positionId":"`+position+`","itemCode":"`+code+`","name":"Урок"}`)
	}
	assert.Nil(t, PositionsOf(&Order{}))
	assert.Nil(t, PositionsOf(&Order{OrderBundle: json.RawMessage(`5`)}))
	// What the order does not have gets a number of its own, the same always.
	first, _ := known.Identify([]fiscal.Line{{ID: "NEW"}}, 0, "Новое")
	second, _ := Positions(nil).Identify([]fiscal.Line{{ID: "x"}, {ID: "NEW"}}, 1, "Новое")
	assert.Equal(t, first, second)
	assert.Regexp(t, `^[1-9]\d{0,9}$`, first)
	assert.NotContains(t, WalletPayment{PaymentToken: "secret"}.GoString(), "secret")
}
