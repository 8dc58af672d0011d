package paymaster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// The typed API: each endpoint with the request that the documentation shows.
func TestEndpoints(t *testing.T) {
	b := newBank(t)
	c := b.client()
	check := func(call, file, body string, err error) {
		t.Helper()
		require.NoError(t, err)
		got := b.last(call)
		if file != "" {
			wantJSON(t, file, got)
		} else {
			assert.Equal(t, body, got.body)
		}
		assert.Equal(t, strings.HasPrefix(call, "POST"), got.header.Get("Idempotency-Key") != "")
	}
	b.on("PUT /api/v2/payments/734700/complete", ok(strings.Replace(payment(StatusSettled, ""), "734512", "734700", 1)))
	for step, body := range map[Completion]string{{CRes: "eyJ"}: `{"cres":"eyJ"}`, {Code: "1234"}: `{"code":"1234"}`, {ThreeDSCompInd: "Y"}: `{"threeDSCompInd":"Y"}`, {PARes: "x"}: `{"PARes":"x"}`} {
		p, err := c.CompletePayment(ctx, "734700", step)
		check("PUT /api/v2/payments/734700/complete", "", body, err)
		assert.Equal(t, StatusSettled, p.Status)
	}
	for _, step := range []Completion{{}, {Code: "1", CRes: "2"}} {
		_, err := c.CompletePayment(ctx, "1", step)
		invalid(t, err, "Completion")
		_, err = c.CompleteToken(ctx, "1", step)
		invalid(t, err, "Completion")
	}

	b.on("POST /api/v2/receipts", ok(`{"id":"r-5501","created":"2024-05-31T12:00:00Z","paymentId":"734512","amount":{"value":1499.9,"currency":"RUB"},"type":"Payment","status":"Pending"}`))
	receipt, err := NewReceipt(*sale(149990, fiscal.FullPayment))
	require.NoError(t, err)
	info, err := c.CreateReceipt(ctx, ReceiptCreate{PaymentID: "734512", Amount: Sum(149990, "RUB"), Type: ReceiptPayment, Client: receipt.Client, Items: receipt.Items})
	check("POST /api/v2/receipts", "v2_receipt.json", "", err)
	assert.Equal(t, "r-5501 Pending", string(info.ID)+" "+info.Status)
	b.on("GET /api/v2/receipts/r-5501", ok(string(info.Raw)))
	_, err = c.GetReceipt(ctx, "r-5501")
	require.NoError(t, err)
	for _, list := range []string{`[` + string(info.Raw) + `]`, `{"items":[` + string(info.Raw) + `]}`} {
		b.answers["GET /api/v2/receipts"] = []answered{ok(list)}
		n := 0
		for r, err := range c.ListReceipts(ctx, "734512") {
			require.NoError(t, err)
			assert.Equal(t, Text("r-5501"), r.ID)
			n++
		}
		assert.Equal(t, 1, n)
		assert.Equal(t, map[string][]string{"paymentId": {"734512"}}, map[string][]string(b.last("GET /api/v2/receipts").query))
	}
	_, err = c.CreateReceipt(ctx, ReceiptCreate{PaymentID: "1", Type: "Sale"})
	invalid(t, err, "Type")
	_, err = c.CreateReceipt(ctx, ReceiptCreate{PaymentID: "1", Type: ReceiptRefund})
	invalid(t, err, "Items")

	b.on("POST /api/v2/tokenization", ok(`{"tokenId":"5d0ce1","url":"https://paymaster.ru/cpay/tokenization/aa01"}`))
	page, err := c.StartTokenization(ctx, TokenizationCreate{Purpose: "Подписка «Про»", PaymentMethod: "bankcard", CallbackURL: "https://shop.example.ru/hooks/pm-token/9b1e7c",
		ReturnURL: "https://shop.example.ru/sub", Customer: CustomerData{Account: "u-55"}})
	check("POST /api/v2/tokenization", "v2_tokenization.json", "", err)
	assert.Equal(t, Text("5d0ce1"), page.TokenID)
	b.on("POST /api/v2/paymenttokens", ok(`{"id":"5d0ce1","status":"Created","confirmation":{"type":"External","universalLink":true,"paymentUrl":"https://qr.nspk.ru/x"}}`))
	tok, err := c.CreateToken(ctx, TokenCreate{Purpose: "Подписка", PaymentData: PaymentData{PaymentMethod: "sbp"}, Customer: CustomerData{Account: "u-55"}})
	check("POST /api/v2/paymenttokens", "v2_paymenttoken.json", "", err)
	assert.Equal(t, "https://qr.nspk.ru/x", tok.Confirmation.PaymentURL)
	b.on("PUT /api/v2/paymenttokens/5d0ce1/complete", ok(`{"id":"5d0ce1","status":"Active"}`))
	_, err = c.CompleteToken(ctx, "5d0ce1", Completion{Code: "1"})
	check("PUT /api/v2/paymenttokens/5d0ce1/complete", "", `{"code":"1"}`, err)
	for field, r := range map[string]TokenizationCreate{"Purpose": {}, "PaymentMethod": {Purpose: "x"}, "Customer.Account": {Purpose: "x", PaymentMethod: "sbp"}} {
		_, err = c.StartTokenization(ctx, r)
		invalid(t, err, field)
	}

	b.on("POST /api/v2/stickers", ok(`{"id":"24cc565dea09","stickerType":"Sbp","cashlink":false,"productCode":"C-1","paymentPurpose":"Кофе","amount":{"value":150.00,"currency":"RUB"},"status":"Active","payload":"https://qr.nspk.ru/AS10...?type=01&sum=15000&cur=RUB&crc=AB12"}`))
	sum := Sum(15000, "RUB")
	s, err := c.CreateSticker(ctx, StickerCreate{ProductCode: "C-1", PaymentPurpose: "Кофе", Amount: &sum})
	check("POST /api/v2/stickers", "v2_sticker.json", "", err)
	assert.Equal(t, money.Amount(15000), s.Amount.Value.Amount())
	b.on("PUT /api/v2/stickers/24cc565dea09", ok(""))
	check("PUT /api/v2/stickers/24cc565dea09", "", `{"active":false}`, c.SetSticker(ctx, "24cc565dea09", false))
	b.on("GET /api/v2/stickers/24cc565dea09", ok(string(s.Raw)))
	_, err = c.GetSticker(ctx, "24cc565dea09")
	require.NoError(t, err)
	b.on("GET /api/v2/stickers", ok(`{"items":[`+string(s.Raw)+`]}`))
	for s, err := range c.ListStickers(ctx) {
		require.NoError(t, err)
		assert.Equal(t, "Active", s.Status)
	}
	_, err = c.CreateSticker(ctx, StickerCreate{})
	invalid(t, err, "PaymentPurpose")
	zero := Sum(0, "RUB")
	_, err = c.CreateSticker(ctx, StickerCreate{PaymentPurpose: "x", Amount: &zero})
	invalid(t, err, "Amount")

	// Numbers that could lead elsewhere never get into an address.
	n := len(b.asked)
	for _, err := range []error{
		func() error { _, err := c.GetPayment(ctx, "a/b"); return err }(),
		func() error { _, err := c.CompletePayment(ctx, "?", Completion{Code: "1"}); return err }(),
		c.ConfirmPayment(ctx, "", sum, nil), c.CancelPayment(ctx, "..%2f"),
		func() error { _, err := c.GetRefund(ctx, "#"); return err }(),
		func() error { _, err := c.GetReceipt(ctx, "é"); return err }(),
		func() error { _, err := c.GetToken(ctx, " "); return err }(),
		func() error { _, err := c.CompleteToken(ctx, " ", Completion{Code: "1"}); return err }(),
		c.RevokeToken(ctx, "a/../b"), c.SetSticker(ctx, "", true),
		func() error { _, err := c.GetSticker(ctx, "\x00"); return err }(),
	} {
		invalid(t, err, "ID")
	}
	for _, err := range c.ListReceipts(ctx, "a b") {
		invalid(t, err, "PaymentID")
	}
	_, err = c.CreateRefund(ctx, RefundCreate{PaymentID: "a b"})
	invalid(t, err, "PaymentID")
	assert.Len(t, b.asked, n)

	// An answer without what was asked for is none.
	empty := newBank(t)
	for _, call := range []string{"GET /api/v2/refunds/1", "GET /api/v2/receipts/1", "GET /api/v2/paymenttokens/1", "GET /api/v2/stickers/1", "POST /api/v2/tokenization", "GET /api/v2/payments/1"} {
		empty.on(call, ok(`{}`))
	}
	ec := empty.client()
	for _, err := range []error{
		func() error { _, err := ec.GetRefund(ctx, "1"); return err }(), func() error { _, err := ec.GetReceipt(ctx, "1"); return err }(),
		func() error { _, err := ec.GetToken(ctx, "1"); return err }(), func() error { _, err := ec.GetSticker(ctx, "1"); return err }(),
		func() error { _, err := ec.GetPayment(ctx, "1"); return err }(),
		func() error {
			_, err := ec.StartTokenization(ctx, TokenizationCreate{Purpose: "x", PaymentMethod: "sbp", Customer: CustomerData{Account: "1"}})
			return err
		}(),
	} {
		refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	}
}

func TestContextEnded(t *testing.T) {
	b := newBank(t)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err := b.client().CreateInvoice(gone, order())
	refused(t, err, acquiring.ErrUnavailable, acquiring.OutcomeNotSent)
	assert.True(t, errors.Is(err, context.Canceled))
	assert.Empty(t, b.asked)
}

func TestReceiptMapping(t *testing.T) {
	mark := fiscal.Mark{Code: "0104600439931256215Hqb?\x1d93dGVz"}
	r := fiscal.Receipt{Type: fiscal.Sale, FFD: fiscal.FFD12, Contact: fiscal.Contact{Phone: "+79990001122"}, Buyer: &fiscal.Buyer{Name: "ООО «Ёлка»", INN: "7707083893"},
		Lines: []fiscal.Line{
			{Name: "Сыр", Price: 123456, Quantity: 425000, VAT: fiscal.VAT10, Method: fiscal.FullPayment, Subject: fiscal.Goods, Unit: fiscal.Kilogram, Country: "643", Declaration: "10702020/060520/0013422", Excise: 1050},
			{Name: "Вода", Price: 5000, Quantity: fiscal.Pieces(1), VAT: fiscal.VAT22, Method: fiscal.FullPayment, Subject: fiscal.GoodsCoded, Mark: &mark, PlannedStatus: fiscal.PieceSold},
			{Name: "Комиссия", Price: 100, Quantity: fiscal.Pieces(1), VAT: fiscal.VAT22, Method: fiscal.FullPrepayment, Subject: fiscal.AgentFee,
				Agent: &fiscal.Agent{Type: fiscal.CommissionAgent}, Supplier: &fiscal.Supplier{Name: "ИП", INN: "500100732259", Phones: []string{"+79161234567"}}},
			{Name: "Прочее", Price: 100, Quantity: fiscal.Pieces(1), VAT: fiscal.RawVAT("Vat99"), Method: fiscal.Advance, Subject: fiscal.Other},
		}}
	got, err := newReceipt(&r, fiscal.Sale)
	require.NoError(t, err)
	body, err := encode(got)
	require.NoError(t, err)
	assert.Equal(t, exact(t, `{"client":{"phone":"79990001122","name":"ООО «Ёлка»","inn":"7707083893"},"items":[
		{"name":"Сыр","quantity":0.425,"price":1234.56,"measure":"Kilogram","excise":10.50,"product":{"country":"643","declaration":"10702020/060520/0013422"},"vatType":"Vat10","paymentSubject":"Commodity","paymentMethod":"FullPayment"},
		{"name":"Вода","quantity":1,"price":50.00,"measure":"Piece","vatType":"Vat22","paymentSubject":"Commodity","paymentMethod":"FullPayment","marking":{"code":"0104600439931256215Hqb?\u001d93dGVz"}},
		{"name":"Комиссия","quantity":1,"price":1.00,"measure":"Piece","vatType":"Vat122","paymentSubject":"AgentFee","paymentMethod":"FullPrepayment","agentType":"Commissioner","supplier":{"name":"ИП","inn":"500100732259","phone":"79161234567"}},
		{"name":"Прочее","quantity":1,"price":1.00,"measure":"Piece","vatType":"Vat99","paymentSubject":"Other","paymentMethod":"Advance"}]}`), exact(t, string(body)))

	// Every rate has its name of 2026; none is dropped or translated.
	for _, vat := range fiscal.VATs() {
		l := fiscal.Line{VAT: vat, Method: fiscal.FullPayment}
		name, ok := vatName(&l, vatTypes)
		assert.True(t, ok, vat)
		assert.Regexp(t, `^(None|Vat\d+)$`, name)
		name, ok = vatName(&l, taxNames)
		assert.True(t, ok, vat)
		assert.Regexp(t, `^(no_vat|vat\d+)$`, name)
	}
	assert.Equal(t, "Vat22 Vat122 Vat5 Vat107", strings.Join([]string{vatTypes[fiscal.VAT22], vatTypes[fiscal.VAT22of122], vatTypes[fiscal.VAT5], vatTypes[fiscal.VAT7of107]}, " "))
	for path, change := range map[string]func(*fiscal.Line){
		"vat":        func(l *fiscal.Line) { l.VAT = "33" },
		"subject":    func(l *fiscal.Line) { l.Subject = fiscal.LotteryPrize },
		"method":     func(l *fiscal.Line) { l.Method = fiscal.CreditPayment },
		"unit":       func(l *fiscal.Line) { l.Unit = 99 },
		"agent.type": func(l *fiscal.Line) { l.Agent = &fiscal.Agent{Type: 3} },
	} {
		r := sale(100, fiscal.FullPayment)
		change(&r.Lines[0])
		_, err := newReceipt(r, fiscal.Sale)
		assert.ErrorContains(t, err, "Receipt.items[0]."+path)
	}
	_, err = NewReceipt(fiscal.Receipt{})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	purchase := sale(100, fiscal.FullPayment)
	purchase.Type = fiscal.Purchase
	_, err = NewReceipt(*purchase)
	assert.ErrorContains(t, err, "Receipt.type")
	purchase.Correction = &fiscal.Correction{}
	_, err = newReceipt(purchase, purchase.Type)
	assert.ErrorContains(t, err, "correction")
	assert.True(t, slices.Contains([]string{"Gambling"}, subjects[fiscal.GamblingBet]))
}
