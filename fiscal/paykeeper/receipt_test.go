package paykeeper

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Every rate both ways, in each year in which the receipt's own checks let it
// through: PayKeeper's words are the same in all of them.
func TestTaxes(t *testing.T) {
	c := offline(t)
	want := map[fiscal.VAT]string{
		fiscal.VATNone: "none", fiscal.VAT0: "vat0", fiscal.VAT5: "vat5", fiscal.VAT7: "vat7", fiscal.VAT10: "vat10", fiscal.VAT20: "vat20",
		fiscal.VAT22: "vat22", fiscal.VAT5of105: "vat105", fiscal.VAT7of107: "vat107", fiscal.VAT10of110: "vat110",
		fiscal.VAT20of120: "vat120", fiscal.VAT22of122: "vat122",
	}
	require.Len(t, want, len(fiscal.VATs()), "each rate of package fiscal has a word")
	printed := map[int]int{}
	for _, v := range fiscal.VATs() {
		code, ok := TaxCode(v)
		require.True(t, ok, v)
		assert.Equal(t, want[v], code)
		assert.Equal(t, v, VATOf(code))
		for _, year := range []int{2024, 2025, 2026} {
			day := time.Date(year, 6, 15, 12, 0, 0, 0, moscow)
			if !v.ValidOn(day) {
				continue
			}
			r := sale("R-1")
			r.SoldAt = day
			r.Lines[0].VAT = v
			if v.IsCalculated() {
				r.Lines[0].Method = fiscal.FullPrepayment
			}
			require.NoError(t, r.ValidateAt(day), "%s in %d", v, year)
			req, err := c.printRequest(&r)
			require.NoError(t, err)
			assert.Equal(t, want[v], req.Cart[0].Tax, "%s in %d", v, year)
			printed[year]++
		}
	}
	// 2024: none, 0, 10, 20 and two calculated; 2025: 5 and 7 with theirs
	// beside; 2026: 22 with its own in place of 20.
	assert.Equal(t, map[int]int{2024: 6, 2025: 10, 2026: 10}, printed)
	// The rates of the law, by the year.
	for year, rate := range map[int]string{2024: "vat20", 2025: "vat20", 2026: "vat22"} {
		code, ok := TaxCode(fiscal.DefaultVAT(time.Date(year, 6, 15, 12, 0, 0, 0, moscow)))
		require.True(t, ok)
		assert.Equal(t, rate, code)
	}
	// A return in 2026 of a sale of 2025 keeps its rate.
	r := sale("R-1")
	r.Type, r.SoldAt = fiscal.SaleReturn, time.Date(2025, 12, 31, 12, 0, 0, 0, moscow)
	r.Lines[0].VAT = fiscal.VAT20
	require.NoError(t, r.ValidateAt(today))
	req, err := c.printRequest(&r)
	require.NoError(t, err)
	assert.Equal(t, "vat20", req.Cart[0].Tax)
	assert.Equal(t, "refund", req.Type)

	code, ok := TaxCode(fiscal.RawVAT("vat18"))
	assert.True(t, ok)
	assert.Equal(t, "vat18", code)
	assert.Equal(t, fiscal.RawVAT("vat118"), VATOf("vat118"))
	for _, bad := range []fiscal.VAT{"", "18", fiscal.RawVAT("")} {
		_, ok := TaxCode(bad)
		assert.False(t, ok, bad)
	}
}

// A prepayment takes the calculated form of its rate.
func TestPrepaymentTakesCalculatedRate(t *testing.T) {
	r := sale("R-1")
	r.Lines[0].VAT, r.Lines[0].Method, r.Lines[0].Subject = fiscal.VAT22, fiscal.FullPrepayment, fiscal.Payment
	req, err := offline(t).printRequest(&r)
	require.NoError(t, err)
	assert.Equal(t, "vat122", req.Cart[0].Tax)
	assert.Equal(t, "prepay", req.Cart[0].PaymentType)
	assert.Equal(t, "payment", req.Cart[0].ItemType)
}

func TestSubjectsAndMethods(t *testing.T) {
	words := map[fiscal.Subject]string{1: "goods", 2: "excise", 3: "work", 4: "service", 9: "ip", 10: "payment", 11: "agent", 13: "other",
		14: "property_right", 15: "non_operating", 17: "sales_tax", 18: "resort_fee", 30: "exc_uncoded", 31: "exc_coded",
		32: "goods_uncoded", 33: "goods_coded"}
	for n := range 256 {
		s := fiscal.Subject(n)
		word, ok := ItemType(s)
		assert.Equal(t, words[s], word)
		assert.Equal(t, words[s] != "", ok, n)
		if ok {
			back, ok := SubjectOf(word)
			assert.True(t, ok)
			assert.Equal(t, s, back)
		}
	}
	methods := map[fiscal.PaymentMethod]string{1: "prepay", 2: "part_prepay", 3: "advance", 4: "full", 5: "part_credit", 6: "credit", 7: "credit_payment"}
	for n := range 256 {
		m := fiscal.PaymentMethod(n)
		word, ok := PaymentType(m)
		assert.Equal(t, methods[m], word)
		assert.Equal(t, methods[m] != "", ok, n)
		if ok {
			back, ok := MethodOf(word)
			assert.True(t, ok)
			assert.Equal(t, m, back)
		}
	}
	if s, ok := SubjectOf(""); assert.True(t, ok) {
		assert.Equal(t, fiscal.Goods, s)
	}
	if m, ok := MethodOf(""); assert.True(t, ok) {
		assert.Equal(t, fiscal.FullPayment, m)
	}
	_, ok := SubjectOf("casino")
	assert.False(t, ok)
	c := offline(t)
	for s, word := range map[fiscal.Settlement]string{fiscal.Sale: "sale", fiscal.SaleReturn: "refund"} {
		got, ok := c.receiptType(s)
		assert.True(t, ok)
		assert.Equal(t, word, got)
		assert.Equal(t, s, c.settlementOf(word))
	}
	assert.Zero(t, c.settlementOf("buy"))
}

// Each thing that PayKeeper has no word for is refused by its path, by Submit
// and in an invoice alike, and nothing is sent.
func TestWhatPayKeeperCannotSay(t *testing.T) {
	no := false
	for path, change := range map[string]func(*fiscal.Receipt){
		"items[0].subject":            func(r *fiscal.Receipt) { r.Lines[0].Subject = fiscal.LotteryTicket },
		"items[0].plannedStatus":      func(r *fiscal.Receipt) { r.Lines[0].PlannedStatus = fiscal.PieceSold },
		"items[0].attribute":          func(r *fiscal.Receipt) { r.Lines[0].Attribute = "x" },
		"items[0].agent":              func(r *fiscal.Receipt) { r.Lines[0].Agent = &fiscal.Agent{Type: fiscal.OtherAgent} },
		"items[0].supplier":           func(r *fiscal.Receipt) { r.Lines[0].Supplier = &fiscal.Supplier{} },
		"items[0].industry":           func(r *fiscal.Receipt) { r.Lines[0].Industry = &fiscal.IndustryAttribute{} },
		"items[0].mark.kind":          func(r *fiscal.Receipt) { r.Lines[0].Mark = &fiscal.Mark{Code: "0104", Kind: fiscal.MarkShort} },
		"items[0].vat":                func(r *fiscal.Receipt) { r.Lines[0].VAT = "18" },
		"items[0].method":             func(r *fiscal.Receipt) { r.Lines[0].Method = 0 },
		`items[0].extra["price"]`:     func(r *fiscal.Receipt) { r.Lines[0].Extra = map[string]string{"price": "1"} },
		"taxSystem":                   func(r *fiscal.Receipt) { r.TaxSystem = fiscal.TaxPatent },
		"seller.inn":                  func(r *fiscal.Receipt) { r.Seller.INN = "7707083893" },
		"seller.place":                func(r *fiscal.Receipt) { r.Seller.Place = "https://other.example" },
		"seller.email":                func(r *fiscal.Receipt) { r.Seller.Email = "a@b.example" },
		"seller.address":              func(r *fiscal.Receipt) { r.Seller.Address = "Москва" },
		"cashier.name":                func(r *fiscal.Receipt) { r.Cashier.Name = "Петрова" },
		"cashier.inn":                 func(r *fiscal.Receipt) { r.Cashier.INN = "500100732259" },
		"cashlessDetails":             func(r *fiscal.Receipt) { r.CashlessDetails = make([]fiscal.CashlessDetail, 1) },
		"internet":                    func(r *fiscal.Receipt) { r.Internet = &no },
		"timeZone":                    func(r *fiscal.Receipt) { r.TimeZone = 2 },
		"machine":                     func(r *fiscal.Receipt) { r.Machine = "7" },
		"attribute":                   func(r *fiscal.Receipt) { r.Attribute = "x" },
		"userAttribute":               func(r *fiscal.Receipt) { r.UserAttribute = &fiscal.UserAttribute{} },
		"industry":                    func(r *fiscal.Receipt) { r.Industry = make([]fiscal.IndustryAttribute, 1) },
		"operational":                 func(r *fiscal.Receipt) { r.Operational = &fiscal.Operational{} },
		"correction":                  func(r *fiscal.Receipt) { r.Correction = &fiscal.Correction{} },
		"PRINT type":                  func(r *fiscal.Receipt) { r.Type = fiscal.Purchase },
		"PRINT contact":               func(r *fiscal.Receipt) { r.Contact = fiscal.Contact{} },
		"PRINT buyer":                 func(r *fiscal.Receipt) { r.Buyer = &fiscal.Buyer{Name: "ООО"} },
		`PRINT extra["is_post_sale"]`: func(r *fiscal.Receipt) { r.Extra = map[string]string{"is_post_sale": "1"} },
		"PAY type":                    func(r *fiscal.Receipt) { r.Type = fiscal.SaleReturn },
		"PAY payments.cash":           func(r *fiscal.Receipt) { r.Payments.Cash = 1 },
		"PAY payments.prepaid":        func(r *fiscal.Receipt) { r.Payments.Prepaid = 1 },
		"PAY payments.credit":         func(r *fiscal.Receipt) { r.Payments.Credit = 1 },
		"PAY payments.counter":        func(r *fiscal.Receipt) { r.Payments.Counter = 1 },
		`PAY extra["x"]`:              func(r *fiscal.Receipt) { r.Extra = map[string]string{"x": "1"} },
		"PAY buyer.birthDate":         func(r *fiscal.Receipt) { r.Buyer = &fiscal.Buyer{BirthDate: "01.01.1990"} },
		"PAY buyer.citizenship":       func(r *fiscal.Receipt) { r.Buyer = &fiscal.Buyer{Citizenship: "643"} },
		"PAY buyer.documentCode":      func(r *fiscal.Receipt) { r.Buyer = &fiscal.Buyer{DocumentCode: "21"} },
		"PAY buyer.document":          func(r *fiscal.Receipt) { r.Buyer = &fiscal.Buyer{Document: "1"} },
		"PAY buyer.address":           func(r *fiscal.Receipt) { r.Buyer = &fiscal.Buyer{Address: "Москва"} },
	} {
		t.Run(path, func(t *testing.T) {
			cfg := testConfig("https://lavka.example")
			cfg.TaxSystem = fiscal.TaxGeneral
			c, err := New(cfg)
			require.NoError(t, err)
			r := sale("R-1")
			change(&r)
			want := strings.TrimPrefix(strings.TrimPrefix(path, "PRINT "), "PAY ")
			check := func(err error) {
				t.Helper()
				var faults fiscal.Faults
				require.ErrorAs(t, err, &faults)
				assert.Equal(t, []string{want}, faults.Paths())
				assert.NotEmpty(t, faults.Russian())
			}
			if !strings.HasPrefix(path, "PAY ") {
				_, err := c.printRequest(&r)
				check(err)
			}
			if !strings.HasPrefix(path, "PRINT ") {
				_, err := c.serviceName(&r, fiscal.Sale)
				check(err)
			}
		})
	}
}

func TestInexpressibleReceiptIsNotSent(t *testing.T) {
	f := newFake(t)
	c := f.client()
	r := sale("R-1")
	r.Machine, r.Lines[0].Attribute = "7", "x"
	_, err := c.Submit(bg(t), r)
	require.ErrorIs(t, err, acquiring.ErrInvalid)
	wantField(t, err, "machine")
	assert.Contains(t, err.Error(), "items[0].attribute", "all of it is told at once")

	req := order("A-1", money.RUB(1499, 90))
	req.Receipt = &r
	_, err = c.Acquirer().CreateInvoice(bg(t), req)
	require.ErrorIs(t, err, acquiring.ErrUnsupported)
	wantField(t, err, "Receipt.machine")

	r = sale("R-1")
	r.Lines[0].Name = ""
	_, err = c.Submit(bg(t), r)
	require.ErrorIs(t, err, acquiring.ErrInvalid)
	wantField(t, err, "items[0].name")
	_, err = c.Submit(bg(t), sale(""))
	wantField(t, err, "ID")
	assert.Empty(t, f.calls("/"))
}

func TestCabinetSettingsMayBeRepeated(t *testing.T) {
	cfg := testConfig("https://lavka.example")
	cfg.TaxSystem = fiscal.TaxGeneral
	cfg.Seller = fiscal.Seller{INN: "7707083893", Place: "https://lavka.example"}
	cfg.Cashier = fiscal.Cashier{Name: "Петрова"}
	c, err := New(cfg)
	require.NoError(t, err)
	r := sale("R-1")
	yes := true
	r.TaxSystem, r.Seller, r.Cashier, r.Internet = cfg.TaxSystem, cfg.Seller, cfg.Cashier, &yes
	_, err = c.printRequest(&r)
	require.NoError(t, err)
}

// The whole line, with everything that PayKeeper has a key for.
func TestWholeLine(t *testing.T) {
	cfg := testConfig("https://lavka.example")
	cfg.Measures = map[fiscal.Unit]string{fiscal.Litre: "л"}
	c, err := New(cfg)
	require.NoError(t, err)
	quantity, err := fiscal.ParseQuantity("0.425")
	require.NoError(t, err)
	r := sale("R-1")
	r.Lines = []fiscal.Line{
		{ID: "SKU-1", Name: "Сыр <\"Российский\"> & др.", Price: money.RUB(1_000_000, 1), Quantity: quantity, VAT: fiscal.VAT10, Method: fiscal.FullPayment,
			Subject: fiscal.GoodsCoded, Unit: fiscal.Kilogram, Mark: &fiscal.Mark{Code: "0104601234567890215abc\x1d93wxyz"}, Part: &fiscal.Part{Numerator: 1, Denominator: 2},
			Excise: 150, Country: "643", Declaration: "10702020/060520/0013422",
			Extra: map[string]string{"tru_code": "329921120", "agent": `{"type":"agent"}`, "note": "{not JSON"}},
		{Name: "Вода", Price: 3000, Quantity: fiscal.Pieces(2), VAT: fiscal.RawVAT("vat18"), Method: fiscal.Credit, Subject: fiscal.Goods, Unit: fiscal.Litre,
			Mark: &fiscal.Mark{Code: "plain-code"}},
		{Name: "Доставка", Price: 100, Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Service, UnitName: "усл."},
	}
	req, err := c.printRequest(&r)
	require.NoError(t, err)
	text, err := req.Cart.encode()
	require.NoError(t, err)
	assert.Equal(t, golden(t, "cart_whole.json"), text)
	assert.Equal(t, r.Total(), req.Cart.Total())
	back, err := ParseCart([]byte(text))
	require.NoError(t, err)
	assert.Equal(t, req.Cart, back)
	doubled, err := json.Marshal(text)
	require.NoError(t, err)
	back, err = ParseCart(doubled)
	require.NoError(t, err, "a string that holds JSON")
	assert.Equal(t, req.Cart, back)
}

func TestParseCartRefuses(t *testing.T) {
	for _, bad := range []string{``, `{}`, `5`, `"x"`, `[{"price":1e3}]`, `[{"price":"1,2,3"}]`, `[{"sum":1.001}]`, `[{"quantity":-1}]`, `[{"quantity":"x"}]`, `[5]`} {
		_, err := ParseCart([]byte(bad))
		assert.ErrorIs(t, err, acquiring.ErrInvalid, bad)
	}
	_, err := ParseServiceName(`{"cart":[{"price":"x"}]}`)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

func TestServiceName(t *testing.T) {
	for _, tt := range []struct {
		service ServiceName
		want    string
	}{
		{ServiceName{Text: "Оплата заказа №18"}, "Оплата заказа №18"},
		{ServiceName{Text: `{"a":1}`}, `{"service_name":"{\"a\":1}"}`},
		{ServiceName{Text: "Заказ", Lang: "en", ReturnURL: "https://lavka.example/?a=1&b=2"},
			`{"service_name":"Заказ","lang":"en","user_result_callback":"https://lavka.example/?a=1&b=2"}`},
		{ServiceName{Text: "Заказ", BuyerName: `ООО "Ромашка"`, BuyerINN: "7707083893"},
			`{"service_name":"Заказ","receipt_properties":{"client":{"identity":"ООО \"Ромашка\"","inn":"7707083893"}}}`},
	} {
		got, err := tt.service.encode()
		require.NoError(t, err)
		assert.Equal(t, tt.want, got)
		back, err := ParseServiceName(got)
		require.NoError(t, err)
		assert.Equal(t, tt.service, back)
	}
	s, err := ParseServiceName(`{only looks like JSON`)
	require.NoError(t, err)
	assert.Equal(t, "{only looks like JSON", s.Text)
}

func TestCorrection(t *testing.T) {
	r := sale("C-1")
	r.FFD = fiscal.FFD12
	r.Correction = &fiscal.Correction{Kind: fiscal.CorrectionByOrder, Date: time.Date(2026, 11, 1, 0, 0, 0, 0, moscow), Number: "17", Description: "не пробит чек"}
	f := newFake(t)
	_, err := f.client().Submit(bg(t), r)
	wantField(t, err, "correction")
	c := f.client(func(c *Config) {
		c.Correction = &CorrectionFields{Kind: "correction_type", Date: "correction_date", Number: "correction_number", Reason: "correction_reason"}
	})
	_, err = c.Submit(bg(t), r)
	require.NoError(t, err)
	form := f.calls("/change/receipt/print/")[0].form
	assert.Equal(t, "true", form.Get("is_correction"))
	assert.Equal(t, "1", form.Get("correction_type"))
	assert.Equal(t, "2026-11-01", form.Get("correction_date"))
	assert.Equal(t, "17", form.Get("correction_number"))
	assert.Equal(t, "не пробит чек", form.Get("correction_reason"))
	c = f.client(func(c *Config) { c.Correction = &CorrectionFields{} })
	r.ID = "C-2"
	_, err = c.Submit(bg(t), r)
	require.NoError(t, err)
	for name := range f.calls("/change/receipt/print/")[1].form {
		assert.NotContains(t, name, "correction_")
	}
	r.ID, r.Correction.FiscalSign = "C-3", "3512313478"
	_, err = c.Submit(bg(t), r)
	wantField(t, err, "correction.fiscalSign")
}

// A marked piece as package fiscal makes it, and its return, pass with the code:
// the kind that the code shows and the status that the receipt implies need no
// words. Any other status has none.
func TestMarkedPieceSoldAndReturned(t *testing.T) {
	c := offline(t)
	mark, err := fiscal.ParseMark("0104600439931256215Rlf8K*dPTB4e\x1d93dGVz")
	require.NoError(t, err)
	sold := sale("R-1")
	sold.FFD, sold.SoldAt = fiscal.FFD12, today
	sold.Lines = []fiscal.Line{fiscal.MarkedLine("Ботинки", money.RUB(1499, 90), fiscal.VAT22, mark)}
	returned, err := fiscal.Return(sold, fiscal.Selection{ID: "R-2"})
	require.NoError(t, err)
	for _, r := range []fiscal.Receipt{sold, returned} {
		require.NoError(t, r.ValidateAt(today))
		req, err := c.printRequest(&r)
		require.NoError(t, err)
		assert.Equal(t, "goods_coded", req.Cart[0].ItemType)
		assert.Equal(t, mark.Base64(), req.Cart[0].ItemCodeBase64)
		_, err = c.paymentCart(&r, r.Type)
		require.NoError(t, err)
	}
	cheaper, err := fiscal.Return(sold, fiscal.Selection{ID: "R-3", Sum: money.RUB(100, 0)})
	require.NoError(t, err)
	_, err = c.printRequest(&cheaper)
	var faults fiscal.Faults
	require.ErrorAs(t, err, &faults, "that the thing stays sold cannot be said")
	assert.Equal(t, []string{"items[0].plannedStatus"}, faults.Paths())
}

// The day of a correction is the shop's, whatever the clock that tells it.
func TestCorrectionDay(t *testing.T) {
	c := newFake(t).client(func(c *Config) { c.Correction = &CorrectionFields{Date: "correction_date"} })
	for _, at := range []time.Time{
		time.Date(2026, 11, 20, 0, 0, 0, 0, time.FixedZone("", 10*60*60)), // in Vladivostok
		time.Date(2026, 11, 19, 22, 30, 0, 0, time.UTC),                   // 01:30 in Moscow
		time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
	} {
		r := sale("C-1")
		r.Correction = &fiscal.Correction{Date: at}
		req, err := c.printRequest(&r)
		require.NoError(t, err)
		assert.Equal(t, "2026-11-20", req.Extra["correction_date"])
	}
}

func TestPrepaymentOffset(t *testing.T) {
	r := sale("R-2")
	r.Payments = fiscal.Payments{Prepaid: money.RUB(1000, 0), Cashless: money.RUB(499, 90)}
	for field, want := range map[string][2]string{"": {"1000.00", "499.90"}, "sum_cashless": {"0", "1499.90"}} {
		f := newFake(t)
		_, err := f.client(func(c *Config) { c.PrepaidField = field }).Submit(bg(t), r)
		require.NoError(t, err)
		form := f.calls("/change/receipt/print/")[0].form
		assert.Equal(t, want, [2]string{form.Get("sum_advance"), form.Get("sum_cashless")})
		assert.Equal(t, "true", form.Get("is_post_sale"))
	}
}

func samplesOrSkip(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "samples", "paykeeper", name))
	if os.IsNotExist(err) {
		t.Skip("the folder of published samples is not here: ../shared/samples/paykeeper beside the repository")
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

func TestPublishedWords(t *testing.T) {
	var words struct {
		Tax, TaxLegacy, ItemType, PaymentType []string
		Komtet                                map[string]string `json:"komtet_to_paykeeper_vat"`
	}
	var raw map[string]json.RawMessage
	samplesOrSkip(t, "vat_and_types.json", &raw)
	for name, to := range map[string]any{"tax": &words.Tax, "tax_legacy": &words.TaxLegacy, "item_type": &words.ItemType,
		"payment_type": &words.PaymentType, "komtet_to_paykeeper_vat": &words.Komtet} {
		require.NoError(t, json.Unmarshal(raw[name], to))
	}
	for _, word := range words.Tax {
		assert.True(t, VATOf(word).Valid(), word)
	}
	for _, word := range words.TaxLegacy {
		assert.Equal(t, fiscal.RawVAT(word), VATOf(word))
	}
	for _, word := range words.ItemType {
		_, ok := SubjectOf(word)
		assert.True(t, ok, word)
	}
	for _, word := range words.PaymentType {
		_, ok := MethodOf(word)
		assert.True(t, ok, word)
	}
	assert.Len(t, words.Tax, len(taxes()))
	assert.Len(t, words.ItemType, len(itemTypes()))
	assert.Len(t, words.PaymentType, len(paymentTypes()))
	for komtet, ours := range words.Komtet {
		want := "vat" + komtet
		if komtet == "no" {
			want = "none"
		}
		assert.Equal(t, want, ours)
	}
}

func TestPublishedFieldSets(t *testing.T) {
	var sets []struct {
		What   string
		Fields map[string]any
	}
	samplesOrSkip(t, "published_field_sets.json", &sets)
	require.Len(t, sets, 3)
	c := offline(t)

	var f fields
	for name, v := range sets[0].Fields {
		f.add(name, v.(string))
	}
	_, err := c.ParseNotification([]byte(f.encode()))
	require.ErrorIs(t, err, acquiring.ErrSignature, "its key is a placeholder")
	for i := range f {
		if f[i].Name == "key" {
			f[i].Value = md5Hex("301100.008f1c0d4e-0b24-4f8c-9a9f-2cf0d3c1a111" + testSecret)
		}
	}
	n, err := c.ParseNotification([]byte(f.encode()))
	require.NoError(t, err)
	assert.Equal(t, PaymentID("301"), n.ID)
	assert.Equal(t, "paykeeper.test", n.Hostname)
	assert.True(t, n.ObtainedAt.Equal(time.Date(2026, 8, 24, 11, 30, 50, 0, moscow)))

	data, err := json.Marshal(sets[1].Fields)
	require.NoError(t, err)
	r, err := c.one("receipts/byid", data)
	require.NoError(t, err)
	info := readReceipt(r)
	info.Status = ReceiptSuccess
	doc := c.document(info)
	assert.True(t, doc.Fiscal.Time.Equal(time.Date(2026, 5, 5, 14, 55, 0, 0, moscow)))
	assert.Equal(t, []any{"35", "3512313478", 7, 5, "9999000000000001", "1840000000000001"},
		[]any{doc.Fiscal.FD, doc.Fiscal.FP, doc.Fiscal.Shift, doc.Fiscal.Number, doc.Fiscal.FN, doc.Fiscal.RegNumber})

	form, err := c.printForm(PrintRequest{Type: "sale", Contact: "a@example.com", Sums: fiscal.Payments{Cashless: money.RUB(200, 0)}, Key: "A-77-sale",
		Cart: Cart{{Name: "Услуга", Price: money.RUB(200, 0), Quantity: fiscal.Pieces(1), Sum: money.RUB(200, 0), Tax: "none", ItemType: "service", PaymentType: "full"}}})
	require.NoError(t, err)
	ours := map[string]bool{"token": true}
	for _, p := range form {
		ours[p.Name] = true
		if p.Name == "cart" {
			continue
		}
		assert.Equal(t, sets[2].Fields[p.Name], p.Value, p.Name)
	}
	assert.Len(t, ours, len(sets[2].Fields))
	theirs, err := ParseCart([]byte(sets[2].Fields["cart"].(string)))
	require.NoError(t, err)
	cart, _ := form.get("cart")
	mine, err := ParseCart([]byte(cart))
	require.NoError(t, err)
	assert.Equal(t, theirs, mine)
}

func TestPublishedRequests(t *testing.T) {
	var requests []struct{ Form map[string]string }
	samplesOrSkip(t, "published_preview_requests.json", &requests)
	require.Len(t, requests, 2)
	s, err := ParseServiceName(requests[0].Form["service_name"])
	require.NoError(t, err)
	assert.Equal(t, ServiceName{Text: "Test service"}, s)
	s, err = ParseServiceName(requests[1].Form["service_name"])
	require.NoError(t, err)
	require.Len(t, s.Cart, 2)
	assert.Equal(t, CartItem{Name: "Первая позиция", Price: money.RUB(100, 0), Quantity: fiscal.Pieces(2), Sum: money.RUB(200, 0), Tax: "none"}, s.Cart[0])
	assert.Equal(t, money.RUB(400, 0), s.Cart.Total())
}

func TestPublishedResponses(t *testing.T) {
	var answers []struct{ Call, Body, Expect string }
	samplesOrSkip(t, "published_responses.json", &answers)
	require.NotEmpty(t, answers)
	paths := map[string]string{"revoke": "/change/invoice/revoke/", "token": "/info/settings/token/", "preview": "/change/invoice/preview/",
		"invoice_status": "/info/invoice/byid/", "invoice_byid": "/info/invoice/byid/"}
	for _, a := range answers {
		t.Run(a.Call+" "+a.Body, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			if a.Call == "any_post" {
				_, err := c.Token(bg(t))
				require.NoError(t, err)
				f.token = "new" // the fake's refusal is this very body
				require.NoError(t, c.RepeatNotification(bg(t), "1"))
				assert.Len(t, f.calls("/change/"), 2)
				return
			}
			f.answers[paths[a.Call]] = a.Body
			var err error
			var got string
			switch a.Call {
			case "revoke":
				err = c.RevokeInvoice(bg(t), "20261121101530123")
			case "token":
				got, err = c.Token(bg(t))
				got = "token=" + got
			case "preview":
				var inv *IssuedInvoice
				if inv, err = c.PreviewInvoice(bg(t), PreviewRequest{Amount: 1}); err == nil {
					assert.Equal(t, InvoiceID("fake_invoice_id"), inv.ID)
					assert.Equal(t, f.server.URL+"/bill/fake_invoice_id/", inv.URL)
				}
			default:
				var inv *InvoiceInfo
				if inv, err = c.Invoice(bg(t), "20261121101530123"); err == nil {
					got = inv.Status.Status().String()
				}
			}
			switch {
			case strings.HasPrefix(a.Expect, "error"):
				require.Error(t, err)
				assert.NotErrorIs(t, err, acquiring.ErrConflict)
			case a.Expect == "api_error":
				require.ErrorIs(t, err, acquiring.ErrConflict)
			case a.Expect == "not found":
				require.ErrorIs(t, err, acquiring.ErrNotFound)
			default:
				require.NoError(t, err)
				if got != "" {
					assert.Equal(t, a.Expect, got)
				}
			}
		})
	}
}
