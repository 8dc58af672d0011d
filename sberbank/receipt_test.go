package sberbank

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

func line(vat fiscal.VAT) fiscal.Line {
	return fiscal.Line{Name: "Курс", Price: money.RUB(100, 0), Quantity: fiscal.Pieces(1), VAT: vat, Method: fiscal.FullPayment, Subject: fiscal.Service}
}

func sale(lines ...fiscal.Line) *fiscal.Receipt {
	return &fiscal.Receipt{Type: fiscal.Sale, Contact: fiscal.Contact{Email: "ivan@example.org"}, Lines: lines}
}

func TestVATCodes(t *testing.T) {
	b := newBank(t)
	c := b.client(ProtocolJSON)
	for rate, want := range map[fiscal.VAT]int{fiscal.VATNone: 0, fiscal.VAT0: 1, fiscal.VAT10: 2, fiscal.VAT10of110: 4, fiscal.VAT20: 6, fiscal.VAT20of120: 7,
		fiscal.VAT5: 8, fiscal.VAT5of105: 9, fiscal.VAT7: 10, fiscal.VAT7of107: 11, fiscal.VAT22: 12, fiscal.VAT22of122: 13, fiscal.RawVAT("14"): 14} {
		bundle, err := c.NewOrderBundle(sale(line(rate)))
		require.NoError(t, err, rate)
		assert.Equal(t, want, bundle.CartItems.Items[0].Tax.Type, rate)
	}
	prepaid := line(fiscal.VAT22)
	prepaid.Method = fiscal.FullPrepayment
	bundle, err := c.NewOrderBundle(sale(prepaid))
	require.NoError(t, err)
	assert.Equal(t, 13, bundle.CartItems.Items[0].Tax.Type, "22/122 before the supply")
	_, err = c.NewOrderBundle(sale(line(fiscal.RawVAT("x"))))
	assert.ErrorIs(t, err, acquiring.ErrInvalid)

	// The legacy gateway publishes no code of 22 %: refused, unless the user knows it.
	legacy := b.client(ProtocolLegacy)
	_, err = legacy.legacyReceipt(sale(line(fiscal.VAT22)), fiscal.Sale, nil)
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "Receipt.Lines[0].VAT", e.Field)
	assert.Contains(t, e.Message, "Config.VATCodes")
	own := b.client(ProtocolLegacy, func(c *Config) { c.VATCodes = map[fiscal.VAT]int{fiscal.VAT22: 14} })
	r, err := own.legacyReceipt(sale(line(fiscal.VAT22)), fiscal.Sale, nil)
	require.NoError(t, err)
	assert.Equal(t, 14, r.bundle.CartItems.Items[0].Tax.Type)
}

// everything is a receipt with every field that the new gateway can carry.
func everything(ffd fiscal.FFD) *fiscal.Receipt {
	l := fiscal.Line{ID: "SHOE-1", Name: "Ботинки — «зимние»", Price: money.RUB(4999, 99), Quantity: fiscal.Pieces(1), VAT: fiscal.VAT22, Method: fiscal.FullPayment, Subject: fiscal.Goods,
		Country: "643", Declaration: "10702020/060520/0013422", Attribute: "партия 7",
		Agent: &fiscal.Agent{Type: fiscal.BankPayingAgent, Operation: "Оплата", Phones: []string{"+79161234567"}, ReceiverPhones: []string{"+79161234568"},
			TransferPhones: []string{"+79161234569"}, TransferName: "Оператор", TransferAddress: "Москва", TransferINN: "7707083893"},
		Supplier: &fiscal.Supplier{Name: "ООО Поставщик", INN: "7707083893", Phones: []string{"+79161234567"}},
		Mark:     &fiscal.Mark{Code: "0104603721020607215>(egVsdhIr:r\x1d91803A\x1d92" + strings.Repeat("a", 44)},
		Extra:    map[string]string{"excise": "1.50", "discount": `{"discountType":"1","discountValue":"5"}`},
	}
	r := sale(l)
	r.FFD, r.TimeZone, r.Attribute = ffd, 2, "доп"
	r.Cashier = fiscal.Cashier{Name: "Иванова И.И.", INN: "500100732259"}
	r.Buyer = &fiscal.Buyer{Name: "ООО Ромашка", INN: "7707083893"}
	r.UserAttribute = &fiscal.UserAttribute{Name: "Склад", Value: "7"}
	r.Extra = map[string]string{"ismOptional": "true"}
	if ffd == fiscal.FFD12 {
		r.Buyer = &fiscal.Buyer{Name: "Иванов И. И.", BirthDate: "01.01.1990", Citizenship: "643", DocumentCode: "21", Document: "4507 443564", Address: "Москва"}
		r.Lines[0].Subject = fiscal.GoodsCoded
		r.Lines[0].PlannedStatus = fiscal.PieceSold
		r.Lines[0].Part = &fiscal.Part{Numerator: 1, Denominator: 2}
		r.Lines[0].Industry = &fiscal.IndustryAttribute{FOIV: "030", Date: "01.03.2026", Number: "1944", Value: "UUID=1"}
		r.Industry = []fiscal.IndustryAttribute{*r.Lines[0].Industry}
		r.Operational = &fiscal.Operational{ID: 0, Data: "операция", Time: time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)}
	}
	return r
}

func TestOrderBundleOfBothFormats(t *testing.T) {
	c := newBank(t).client(ProtocolJSON)
	for ffd, file := range map[fiscal.FFD]string{fiscal.FFD105: "bundle_105.json", fiscal.FFD12: "bundle_12.json"} {
		bundle, err := c.NewOrderBundle(everything(ffd))
		require.NoError(t, err)
		got, err := json.Marshal(bundle)
		require.NoError(t, err)
		wantJSON(t, file, asked{header: map[string][]string{"Content-Type": {"application/json; charset=utf-8"}}, body: string(got)})
	}
	low := newBank(t).client(ProtocolJSON, func(c *Config) { c.LowerCaseReceiptType = true; c.Receipt.FFD = fiscal.FFD12 })
	bundle, err := low.NewOrderBundle(sale(line(fiscal.VATNone)))
	require.NoError(t, err)
	assert.Equal(t, "sell", bundle.ReceiptType)
	assert.Equal(t, "1.2", bundle.FFDVersion)
}

func TestLegacyCartHasItsAttributes(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	r := everything(fiscal.FFD105)
	r.TimeZone, r.Lines[0].Country, r.Lines[0].Declaration, r.Lines[0].Attribute, r.Lines[0].VAT = 0, "", "", "", fiscal.VAT10
	r.Extra = map[string]string{"company.email": "a@b.ru"}
	inv := plainInvoice()
	inv.Amount, inv.Receipt = r.Total(), r
	_, err := b.client(ProtocolLegacy).CreateInvoice(context.Background(), inv)
	require.NoError(t, err)
	v, _ := url.ParseQuery(b.last("register.do").body)
	assert.JSONEq(t, `{"cashier":"Иванова И.И.","cashier_inn":"500100732259","additional_check_props":"доп","additional_user_props.name":"Склад","additional_user_props.value":"7","company.email":"a@b.ru"}`, v.Get("additionalOfdParams"))
	for _, part := range []string{`{"name":"agent_info.type","value":"1"}`, `{"name":"agent_info.MTOperator.inn","value":"7707083893"}`, `{"name":"supplier_info.name","value":"ООО Поставщик"}`, `"nomenclature"`, `"excise":"1.50"`} {
		assert.Contains(t, v.Get("orderBundle"), part)
	}
}

// A line has the same number in the receipt of a refund, wherever it stands and
// whether or not the bank gives the cart back; equal lines have their own.
func TestPositionsAreTheLinesOwn(t *testing.T) {
	lines := []fiscal.Line{{ID: "7"}, {ID: "SKU"}, {Name: "Чай", Price: 5}, {Name: "Чай", Price: 5}, {Name: "Чай", Price: 6}, {ID: "SKU"}, {ID: "000"}}
	seen := map[string]bool{}
	var none rbs.Positions
	for i := range lines {
		position, code := none.Identify(lines, i, lines[i].Name)
		assert.Regexp(t, `^\d{1,12}$`, position)
		assert.False(t, seen[position] || seen[code+"#"], "%s %s", position, code)
		seen[position], seen[code+"#"] = true, true
		if i == 4 || i < 3 {
			alone, sameCode := none.Identify(lines[i:], 0, lines[i].Name)
			assert.Equal(t, [2]string{position, code}, [2]string{alone, sameCode})
		}
	}
	assert.True(t, seen["7"])
}

func TestReceiptsThatCannotBePrinted(t *testing.T) {
	b := newBank(t)
	for field, change := range map[string]func(*fiscal.Receipt){
		"Receipt.Correction":   func(r *fiscal.Receipt) { r.Correction = &fiscal.Correction{} },
		"Receipt.Type":         func(r *fiscal.Receipt) { r.Type = fiscal.SaleReturn },
		"Receipt.FFD":          func(r *fiscal.Receipt) { r.FFD = "1.1" },
		"Receipt.TaxSystem":    func(r *fiscal.Receipt) { r.TaxSystem = fiscal.TaxImputed },
		"Receipt.Seller.Email": func(r *fiscal.Receipt) { r.Seller.Email = "нет" },
		"Receipt.Seller.INN":   func(r *fiscal.Receipt) { r.Seller.INN = "1" },
		"Receipt.Seller.Place": func(r *fiscal.Receipt) { r.Seller.Place = "Москва" },
		"Receipt":              func(r *fiscal.Receipt) { r.Machine = "7" },
		"Receipt ": func(r *fiscal.Receipt) {
			r.Lines[0].Quantity = fiscal.Pieces(99999)
			r.Lines[0].Price = 42000
			r.Lines = append(r.Lines, r.Lines[0])
		},
		"Receipt.Payments.Cash":          func(r *fiscal.Receipt) { r.Payments.Cash = r.Total() },
		"Receipt.Lines[0].Name":          func(r *fiscal.Receipt) { r.Lines[0].Name = "🎁" },
		"Receipt.Lines[0].ID":            func(r *fiscal.Receipt) { r.Lines[0].ID = strings.Repeat("x", 101) },
		"Receipt.Lines[0].Quantity":      func(r *fiscal.Receipt) { r.Lines[0].Quantity = 1 },
		"Receipt.Lines[0].Quantity ":     func(r *fiscal.Receipt) { r.Lines[0].Quantity = fiscal.Pieces(100000); r.Lines[0].Price = 1 },
		"Receipt.Lines[0].Price":         func(r *fiscal.Receipt) { r.Lines[0].Price = maxReceiptSum + 1 },
		"Receipt.Lines[0].Method":        func(r *fiscal.Receipt) { r.Lines[0].Method = 9 },
		"Receipt.Lines[0].Excise":        func(r *fiscal.Receipt) { r.Lines[0].Excise = 1 },
		"Receipt.Lines[0].PlannedStatus": func(r *fiscal.Receipt) { r.Lines[0].PlannedStatus = fiscal.StatusKept },
		"Receipt.Lines[0].Subject":       func(r *fiscal.Receipt) { r.Lines[0].Subject = fiscal.LotteryPrize },
		"Receipt.Lines[0].Mark":          func(r *fiscal.Receipt) { r.Lines[0].Mark = &fiscal.Mark{Code: "x", Kind: fiscal.MarkFur} },
		"Receipt.Lines[0].Mark ": func(r *fiscal.Receipt) {
			r.FFD = fiscal.FFD12
			r.Lines[0].Mark = &fiscal.Mark{Code: "x", Kind: fiscal.MarkF1}
		},
	} {
		r := sale(line(fiscal.VATNone))
		change(r)
		_, err := b.client(ProtocolJSON).orderBundle(r, fiscal.Sale, nil)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, strings.TrimSpace(field), e.Field)
	}
	for field, change := range map[string]func(*fiscal.Receipt){
		"Receipt.Correction":    func(r *fiscal.Receipt) { r.Correction = &fiscal.Correction{} },
		"Receipt.Type":          func(r *fiscal.Receipt) { r.Type = fiscal.SaleReturn },
		"Receipt.Payments":      func(r *fiscal.Receipt) { r.Payments.Prepaid = r.Total() },
		"Receipt":               func(r *fiscal.Receipt) { r.TimeZone = 2 },
		"Receipt.TaxSystem":     func(r *fiscal.Receipt) { r.TaxSystem = 3 },
		"Receipt.Lines[0]":      func(r *fiscal.Receipt) { r.Lines[0].Country = "643" },
		"Receipt.Lines[0].Name": func(r *fiscal.Receipt) { r.Lines[0].Name = "🎁" },
		"Receipt.Lines[0].ID":   func(r *fiscal.Receipt) { r.Lines[0].ID = "a;b" },
		"Receipt.Lines[0].Mark": func(r *fiscal.Receipt) { r.Lines[0].Mark = &fiscal.Mark{Code: "x", Kind: fiscal.MarkFur} },
	} {
		r := sale(line(fiscal.VATNone))
		change(r)
		_, err := b.client(ProtocolLegacy).legacyReceipt(r, fiscal.Sale, nil)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, field, e.Field)
	}
	inv := plainInvoice()
	inv.Receipt = sale(line(fiscal.VATNone))
	inv.Amount, inv.Receipt.Contact = inv.Receipt.Total(), fiscal.Contact{}
	_, err := b.client(ProtocolJSON).CreateInvoice(context.Background(), inv)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

// A dash or a long name in any text for people must not make the bank refuse
// the payment.
func TestTextsOfAReceiptAreInTheAlphabet(t *testing.T) {
	r := everything(fiscal.FFD105)
	r.Attribute, r.Lines[0].Attribute, r.Lines[0].Agent.Operation = "а — б", "партия — 7", "Приём — «оплата»"
	r.Buyer.Name = strings.Repeat("Ы", 101)
	bundle, err := newBank(t).client(ProtocolJSON).NewOrderBundle(r)
	require.NoError(t, err)
	item := bundle.CartItems.Items[0]
	assert.Equal(t, [3]string{"а - б", "партия - 7", `Приём - "оплата"`}, [3]string{bundle.AdditionalCheckProps, item.UserData, item.AgentInfo.PayingAgent.Operation})
	assert.Equal(t, r.Buyer.Name[:200], bundle.CustomerDetails.FullName)
}

func TestMarksOfEveryKind(t *testing.T) {
	for kind, want := range map[fiscal.MarkKind]string{fiscal.MarkFur: `{"fur":"c"}`, fiscal.MarkGS10: `{"gs10":"c"}`, fiscal.MarkEAN8: `{"ean8":"c"}`, fiscal.MarkEAN13: `{"ean13":"c"}`,
		fiscal.MarkITF14: `{"itf14":"c"}`, fiscal.MarkShort: `{"short":"c"}`, fiscal.MarkUnknown: `{"unknown":"c"}`, fiscal.MarkGS1M: `{"gs1m":"Yw=="}`} {
		var item Item
		require.NoError(t, item.mark("f", fiscal.Line{Mark: &fiscal.Mark{Code: "c", Kind: kind}}, fiscal.FFD12))
		got, err := json.Marshal(item.MarkCode)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
}

func TestWordsOfEveryValue(t *testing.T) {
	for m := fiscal.FullPrepayment; m <= fiscal.CreditPayment; m++ {
		assert.NotEmpty(t, methodWord(m))
	}
	missing := map[fiscal.Subject]bool{fiscal.GamblingPrize: true, fiscal.LotteryPrize: true, fiscal.TouristTax: true}
	seen := map[string]bool{}
	for s := fiscal.Goods; s <= fiscal.CasinoPayment; s++ {
		word := objectWord(s)
		assert.Equal(t, missing[s], word == "", s)
		assert.False(t, seen[word] && word != "", "%s twice", word)
		seen[word] = true
	}
	for i, want := range []string{"bank_paying_agent", "bank_paying_subagent", "paying_agent", "paying_subagent", "attorney", "commission_agent", "another"} {
		assert.Equal(t, want, agentWord(1<<i))
	}
	for tax, want := range map[fiscal.TaxSystem]string{fiscal.TaxGeneral: "osn", fiscal.TaxSimplifiedIncome: "usn_income", fiscal.TaxSimplifiedIncomeMinus: "usn_income_outcome", fiscal.TaxAgricultural: "esn", fiscal.TaxPatent: "patent", 3: ""} {
		assert.Equal(t, want, snoOf(tax))
	}
}

func TestSanitise(t *testing.T) {
	for in, want := range map[string]string{
		"Заказ №7":            "Заказ №7",
		"«Чай» — 2°…":         `"Чай" - 2 гр....`,
		"Café № 5 • naïve":    "Cafe № 5 * naive",
		"a\r\n\tb":            "a b",
		"🎁🎁":                  "",
		"Ёлка ёж":             "Ёлка ёж",
		"й составная и\u0306": "й составная и",
		"100 ₽ за 3 м²":       "100 руб. за 3 м2",
	} {
		assert.Equal(t, want, sanitise(in, 99), in)
	}
	assert.Equal(t, 99, len([]rune(sanitise(strings.Repeat("Ж", 500), 99))))
	c := newBank(t).client(ProtocolLegacy)
	assert.Equal(t, "Скидка 5 проц. плюс подарок", c.description("Скидка 5% + подарок"))
	assert.False(t, identifier(" a", 36))
	assert.True(t, identifier("order#1", 36))
}

func TestReceiptServices(t *testing.T) {
	b := newBank(t).on("getReceiptStatus", `{"orderId":"`+id+`","orderNumber":"CRM-2026-000418","receipts":[{"receiptId":"5a1b","operationType":"AUTHORIZATION","receiptType":"sell","receiptStatus":3,
		"payload":{"fiscalReceiptNumber":12,"shiftNumber":40,"receiptDatetime":"03.03.2026 12:16:40","fnNumber":"9999078900000001","fiscalDocumentNumber":512,"ofdReceiptUrl":"https://ofd.example/r/512"}}]}`)
	r, err := b.client(ProtocolJSON).GetReceiptStatus(context.Background(), ReceiptQuery{OrderID: id})
	require.NoError(t, err)
	require.Len(t, r.Receipts, 1)
	assert.EqualValues(t, ReceiptDone, r.Receipts[0].Status.Value)
	assert.Equal(t, "512", r.Receipts[0].Payload.DocumentNumber.String())
	assert.Equal(t, time.Date(2026, 3, 3, 9, 16, 40, 0, time.UTC), r.Receipts[0].Payload.Time.Time)
	assert.False(t, r.Receipts[0].IsRefund())

	// Whether receipt is a list or an object differs between the sources.
	b = newBank(t).on("getReceiptStatus.do", `{"errorCode":"0","receipt":{"receiptStatus":1,"uuid":"5a1b","amount_total":"1549.90","OFD":{"name":"OFD"}}}`)
	r, err = b.client(ProtocolLegacy).GetReceiptStatus(context.Background(), ReceiptQuery{ReceiptID: "5a1b"})
	require.NoError(t, err)
	assert.Equal(t, "1549.90", r.Legacy[0].Total.String())

	for status, kind := range map[int]error{400: acquiring.ErrInvalid, 404: acquiring.ErrNotFound, 451: acquiring.ErrInvalid, 500: acquiring.ErrUnavailable} {
		b = newBank(t).onAnswer("retryReceipt", answer{status: status, body: fmt.Sprintf(`{"message":"отказ %d"}`, status)})
		_, err = b.client(ProtocolJSON).RetryReceipt(context.Background(), "a")
		assert.ErrorIs(t, err, kind, status)
		assert.ErrorContains(t, err, fmt.Sprintf("отказ %d", status))
	}
}

// Goods sold by weight have their unit on the receipt in either format: a
// receipt that names no version is printed in the Config's, and its line has the
// unit's code alone.
func TestUnitsOfBothFormats(t *testing.T) {
	b := newBank(t)
	sugar := line(fiscal.VAT10)
	sugar.Quantity, sugar.Unit, sugar.Subject = 425_000, fiscal.Kilogram, fiscal.Goods
	own := sugar
	own.UnitName = "килограмм"
	for ffd, want := range map[fiscal.FFD][3][2]string{ // measurementUnit and quantity.measure
		"":            {{"кг", ""}, {"килограмм", ""}, {"", ""}},
		fiscal.FFD105: {{"кг", ""}, {"килограмм", ""}, {"", ""}},
		fiscal.FFD12:  {{"", "11"}, {"", "11"}, {"", "0"}},
	} {
		bundle, err := b.client(ProtocolJSON, func(c *Config) { c.Receipt.FFD = ffd }).NewOrderBundle(sale(sugar, own, line(fiscal.VATNone)))
		require.NoError(t, err)
		for i, item := range bundle.CartItems.Items {
			assert.Equal(t, want[i], [2]string{item.MeasurementUnit, item.Quantity.Measure}, "%q, line %d", ffd, i)
		}
	}
}
