package alfabank

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// Alfa's codes are not the numbers of tag 1199, nor those of another bank.
func TestVATCodes(t *testing.T) {
	want := map[fiscal.VAT]int{fiscal.VATNone: 0, fiscal.VAT0: 1, fiscal.VAT10: 2, fiscal.VAT10of110: 4, fiscal.VAT20: 6, fiscal.VAT20of120: 7,
		fiscal.VAT5: 10, fiscal.VAT5of105: 11, fiscal.VAT7: 12, fiscal.VAT7of107: 13, fiscal.VAT22: 14, fiscal.VAT22of122: 15}
	c := newBank(t).client()
	for _, rate := range fiscal.VATs() {
		code, err := c.vat.Of("x", fiscal.Line{VAT: rate, Method: fiscal.FullPayment})
		require.NoError(t, err, rate)
		assert.Equal(t, want[rate], code, rate)
	}
	r := tea(fiscal.VAT22, fiscal.FullPrepayment, 129900)
	out, err := c.NewReceipt(r)
	require.NoError(t, err)
	assert.Equal(t, 15, out.Cart.CartItems.Items[0].Tax.Type, "money received before the supply has the calculated rate")
	assert.Equal(t, money.Amount(23425), *out.Cart.CartItems.Items[0].Tax.Sum)

	own := newBank(t).client(func(c *Config) { c.VATCodes = map[fiscal.VAT]int{fiscal.VAT22: 20}; c.LegacyVAT = true })
	out, err = own.NewReceipt(tea(fiscal.VAT22, fiscal.FullPayment, 100))
	require.NoError(t, err)
	assert.Equal(t, 20, out.Cart.CartItems.Items[0].Tax.Type)
	assert.Equal(t, Params{"use_legacy_vat": true}, out.OFDParams)
	assert.Equal(t, 0, *out.TaxSystem)

	raw, err := c.NewReceipt(tea(fiscal.RawVAT("3"), fiscal.FullPayment, 100))
	require.NoError(t, err)
	assert.Equal(t, 3, raw.Cart.CartItems.Items[0].Tax.Type)
}

// The units of FFD 1.2 are codes, those of 1.05 texts.
func TestUnits(t *testing.T) {
	r := tea(fiscal.VATNone, fiscal.FullPayment, 100)
	r.Lines[0].Unit, r.Lines[0].UnitName, r.Lines[0].Quantity = fiscal.Kilogram, "кило", 1_500_000
	measure := func(c *Client) string {
		out, err := c.NewReceipt(r)
		require.NoError(t, err)
		text, _ := json.Marshal(out.Cart.CartItems.Items[0].Quantity)
		return string(text)
	}
	assert.Equal(t, `{"value":1.5,"measure":"11"}`, measure(newBank(t).client()))
	assert.Equal(t, `{"value":1.5,"measure":"кило"}`, measure(newBank(t).client(func(c *Config) { c.FFD = fiscal.FFD105 })))
	r.FFD, r.Lines[0].UnitName = fiscal.FFD105, ""
	assert.Equal(t, `{"value":1.5,"measure":"кг"}`, measure(newBank(t).client()))
}

// Compound attributes have dotted names, texts for values, telephones in one.
func TestAttributesAndParameters(t *testing.T) {
	r := tea(fiscal.VATNone, fiscal.FullPayment, 100)
	r.Contact = fiscal.Contact{Phone: "+79161234567"}
	r.Attribute, r.Machine, r.Seller = "доп", "A-7", fiscal.Seller{Place: "shop.example", Address: "Москва"}
	r.Cashier = fiscal.Cashier{Name: "Иванова И.И.", INN: "500100732259"}
	r.Buyer = &fiscal.Buyer{Name: "Пётр", BirthDate: "01.02.1990", Citizenship: "643", DocumentCode: "21", Document: "4507 443564", Address: "Тула"}
	r.UserAttribute = &fiscal.UserAttribute{Name: "Склад", Value: "7"}
	r.Operational = &fiscal.Operational{ID: 0, Data: "x", Time: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)}
	r.Industry = []fiscal.IndustryAttribute{{FOIV: "030", Date: "01.02.2026", Number: "1", Value: "v"}}
	r.Extra = map[string]string{"company.email": "a@b.ru"}
	l := &r.Lines[0]
	l.Agent = &fiscal.Agent{Type: fiscal.PayingAgent, Operation: "Оплата", Phones: []string{"+71", "+72"}, ReceiverPhones: []string{"+73"}, TransferPhones: []string{"+74"}, TransferName: "О", TransferAddress: "М", TransferINN: "7707083893"}
	l.Supplier = &fiscal.Supplier{Name: "П", INN: "0707083893", Phones: []string{"+75"}}
	l.Mark = &fiscal.Mark{Code: "0104603721020607215>(egVsdhIr:r\x1d91803A\x1d92" + strings.Repeat("a", 44)}
	l.Part, l.Subject, l.Attribute = &fiscal.Part{Numerator: 1, Denominator: 10}, fiscal.GoodsCoded, "партия 7"
	l.Extra = map[string]string{"itemDetails": `{"itemDetailsParams":[{"name":"fes_truCode","value":"329921120.06002020100000000643"}]}`}
	out, err := newBank(t).client().NewReceipt(r)
	require.NoError(t, err)
	item := out.Cart.CartItems.Items[0]
	got := map[string]string{}
	for _, a := range item.ItemAttributes.Attributes {
		got[a.Name] = a.Value
	}
	assert.LessOrEqual(t, len(got["nomenclature"]), 95)
	assert.Regexp(t, `^44 4D 04 2F E3 27 F4 BF [0-9A-F ]+$`, got["nomenclature"], "hexadecimal with spaces")
	delete(got, "nomenclature")
	assert.Equal(t, map[string]string{"paymentMethod": "4", "paymentObject": "33", "markQuantity.numerator": "1", "markQuantity.denominator": "10", "userData": "партия 7",
		"agent_info.type": "3", "agent_info.paying.operation": "Оплата", "agent_info.paying.phones": "+71,+72", "agent_info.paymentsOperator.phones": "+73",
		"agent_info.MTOperator.phones": "+74", "agent_info.MTOperator.name": "О", "agent_info.MTOperator.address": "М", "agent_info.MTOperator.inn": "7707083893",
		"supplier_info.phones": "+75", "supplier_info.name": "П", "supplier_info.inn": "0707083893"}, got)
	text, err := json.Marshal(out.Cart)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"itemDetails":{"itemDetailsParams":[{"name":"fes_truCode","value":"329921120.06002020100000000643"}]}`)
	assert.Contains(t, string(text), `"phone":"79161234567"`)
	assert.Equal(t, Params{"additional_check_props": "доп", "additional_user_props.name": "Склад", "additional_user_props.value": "7", "cashier": "Иванова И.И.", "cashier_inn": "500100732259",
		"client.name": "Пётр", "client.birth_date": "01.02.1990", "client.citizenship": "643", "client.document_code": "21", "client.passport_number": "4507 443564", "client.address": "Тула",
		"client.phone": "+79161234567", "operatingcheckprops.name": "0", "operatingcheckprops.value": "x", "operatingcheckprops.timestamp": "01.05.2026 12:00:00",
		"sectoralcheckprops.federalid": "030", "sectoralcheckprops.date": "01.02.2026", "sectoralcheckprops.number": "1", "sectoralcheckprops.value": "v",
		"company.automat_number": "A-7", "company.location": "shop.example", "company.payment_address": "Москва", "company.email": "a@b.ru"}, out.OFDParams)
}

func TestReceiptsThatCannotBePrinted(t *testing.T) {
	c := newBank(t).client()
	for field, change := range map[string]func(*fiscal.Receipt){
		"Receipt.Correction":    func(r *fiscal.Receipt) { r.Correction = &fiscal.Correction{} },
		"Receipt.Type":          func(r *fiscal.Receipt) { r.Type = fiscal.SaleReturn },
		"Receipt.Payments":      func(r *fiscal.Receipt) { r.Payments.Prepaid = r.Total() },
		"Receipt":               func(r *fiscal.Receipt) { r.TimeZone = 2 },
		"Receipt.TaxSystem":     func(r *fiscal.Receipt) { r.TaxSystem = 3 },
		"Receipt.Contact":       func(r *fiscal.Receipt) { r.Contact = fiscal.Contact{} },
		"Receipt.Contact.Email": func(r *fiscal.Receipt) { r.Contact.Email = strings.Repeat("a", 40) + "@b.ru" },
		"Receipt.Contact.Phone": func(r *fiscal.Receipt) { r.Contact.Phone = "123" },
		"Receipt.Buyer":         func(r *fiscal.Receipt) { r.Buyer = &fiscal.Buyer{Name: "Пётр"} },
		"Receipt.Buyer.Document": func(r *fiscal.Receipt) {
			r.Buyer = &fiscal.Buyer{Name: "Пётр", BirthDate: "01.02.1990", DocumentCode: "21", Document: "4507 443 564"}
		},
		"Receipt.UserAttribute.Name": func(r *fiscal.Receipt) {
			r.UserAttribute = &fiscal.UserAttribute{Name: strings.Repeat("я", 25), Value: "1"}
		},
		"Receipt.UserAttribute.Value": func(r *fiscal.Receipt) {
			r.UserAttribute = &fiscal.UserAttribute{Name: "1", Value: strings.Repeat("я", 25)}
		},
		"Receipt.Industry":           func(r *fiscal.Receipt) { r.Industry = make([]fiscal.IndustryAttribute, 2) },
		"Receipt.Lines[0].Quantity":  func(r *fiscal.Receipt) { r.Lines[0].Quantity = 1 },
		"Receipt.Lines[0].Subject":   func(r *fiscal.Receipt) { r.Lines[0].Subject = fiscal.Pension },
		"Receipt.Lines[0].Attribute": func(r *fiscal.Receipt) { r.Lines[0].Attribute = strings.Repeat("я", 65) },
		"Receipt.Lines[0].VAT":       func(r *fiscal.Receipt) { r.Lines[0].VAT = fiscal.RawVAT("x") },
		"Receipt.Lines[0].ID":        func(r *fiscal.Receipt) { r.Lines[0].ID = strings.Repeat("x", 101) },
		"Receipt.Lines[0]":           func(r *fiscal.Receipt) { r.Lines[0].Country = "643" },
		"Receipt.Lines[0].Name":      func(r *fiscal.Receipt) { r.Lines[0].Name = "" },
		"Receipt.Lines[0].Mark":      func(r *fiscal.Receipt) { r.Lines[0].Mark = &fiscal.Mark{Code: "x", Kind: fiscal.MarkFur} },
	} {
		r := tea(fiscal.VATNone, fiscal.FullPayment, 100)
		change(r)
		_, err := c.NewReceipt(r)
		assert.Equal(t, field, problem(t, err).Field)
	}
}

// A company's full name is often longer than the 100 characters of the bank's
// customerDetails: it is cut, or the whole order would be refused.
func TestLongNameOfTheBuyer(t *testing.T) {
	r := tea(fiscal.VATNone, fiscal.FullPayment, 100)
	r.Buyer = &fiscal.Buyer{Name: strings.Repeat("я", 101), INN: "7707083893"}
	out, err := newBank(t).client().NewReceipt(r)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("я", 100), out.Cart.CustomerDetails.FullName)
	r.UserAttribute = &fiscal.UserAttribute{Name: strings.Repeat("я", 24), Value: strings.Repeat("я", 24)}
	_, err = newBank(t).client().NewReceipt(r)
	require.NoError(t, err)
}

// The states of receipts, in both spellings of the time and of attributes.
func TestReceiptStatus(t *testing.T) {
	b := newBank(t).on("getReceiptStatus.do", `{"errorCode":"0","orderNumber":"A-1001","orderId":"`+id+`","receipt":[{"receiptStatus":1,"uuid":"790925e5","shift_number":"27","receipt_date_time":1748865900000,"amount_total":"1299.00",
		"ofdOrderBundle":[{"name":"Чай","taxType":"VAT_0","quantity":{"value":"15"},"itemAttributes":[{"name":"paymentMethod","value":"1"}]}]},
		{"receiptStatus":"4","receiptType":"close","receipt_datetime":1748865900001,"amount_total":10000,"ofdOrderBundle":{"taxType":1,"itemAttributes":[{"paymentMethod":"4"}]}},
		{"receiptStatus":8,"ofdOrderBundle":[{"itemAttributes":null},{"itemAttributes":"x"}]}]}`)
	out, err := b.client().GetReceiptStatus(ctx, ReceiptQuery{OrderID: id})
	require.NoError(t, err)
	require.Len(t, out.Receipts, 3)
	first, second := out.Receipts[0], out.Receipts[1]
	assert.Equal(t, int64(ReceiptDone), first.Status.Value)
	assert.Equal(t, int64(1748865900000), first.At().UnixMilli())
	assert.Equal(t, "1299.00", first.Total.String())
	assert.Equal(t, Attributes{"paymentMethod": "1"}, first.Items[0].Attributes)
	assert.Equal(t, rbs.Text("VAT_0"), first.Items[0].TaxType)
	assert.Equal(t, int64(ReceiptRefundDone), second.Status.Value)
	assert.Equal(t, int64(1748865900001), second.At().UnixMilli())
	assert.Equal(t, Attributes{"paymentMethod": "4"}, second.Items[0].Attributes)
	assert.Equal(t, int64(ReceiptCorrectionFailed), out.Receipts[2].Status.Value)

	_, err = newBank(t).on("getReceiptStatus.do", `{"receipt":[{"ofdOrderBundle":[{"itemAttributes":[5]}]}]}`).client().GetReceiptStatus(ctx, ReceiptQuery{OrderID: id})
	assert.Error(t, err)
}

// The cart of a closing receipt is made of what fiscal.Settle gives, once its
// Payments are cleared: the bank's cart has no word for an offset.
func TestTheCartOfAClosingReceipt(t *testing.T) {
	c := newBank(t).client()
	order := tea(fiscal.VAT22, fiscal.FullPrepayment, 129900)
	closing, err := fiscal.Settle(*order, "A-7-2", order.Total())
	require.NoError(t, err)
	_, err = c.NewReceipt(&closing)
	assert.Equal(t, "Receipt.Payments", problem(t, err).Field)
	closing.Payments = fiscal.Payments{}
	receipt, err := c.NewReceipt(&closing)
	require.NoError(t, err)
	item := receipt.Cart.CartItems.Items[0]
	assert.Equal(t, 14, item.Tax.Type, "the plain rate")
	assert.Contains(t, item.ItemAttributes.Attributes, rbs.NameValue{Name: "paymentMethod", Value: "4"})
}
