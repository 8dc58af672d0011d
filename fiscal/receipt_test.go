package fiscal

import (
	"encoding/json"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func itoa(n int) string { return strconv.Itoa(n) }

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// full is a receipt with every field set, so that none is forgotten in JSON.
func full() Receipt {
	r := good()
	r.Internet = new(false)
	r.Payments = Payments{Cash: 1, Cashless: 2, Prepaid: 3, Credit: 4, Counter: 5}
	r.Correction = &Correction{Kind: CorrectionByOrder, Date: today, Number: "1", FiscalSign: "2", Description: "3"}
	r.Extra = map[string]string{"k": "v"}
	r.Lines[0].Quantity, r.Lines[0].Unit, r.Lines[0].UnitName = qty("0.425001"), Kilogram, "кг"
	r.Lines[0].Excise, r.Lines[0].Extra = 7, map[string]string{"a": "b"}
	r.Lines[1].Part, r.Lines[1].Mark.Kind = &Part{2, 5}, MarkGS1M
	*bankAgent(&r) = Agent{Type: BankPayingAgent, Operation: "o", Phones: []string{"1"}, ReceiverPhones: []string{"2"},
		TransferPhones: []string{"3"}, TransferName: "n", TransferAddress: "a", TransferINN: "i"}
	// A time that JSON can hold: no clock reading, a plain location.
	at := time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC)
	r.SoldAt, r.Operational.Time, r.Correction.Date = at, at, at
	return r
}

func TestJSONRoundTrip(t *testing.T) {
	for name, r := range map[string]Receipt{"full": full(), "small": order(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(r)
			require.NoError(t, err)
			var back Receipt
			require.NoError(t, json.Unmarshal(b, &back))
			assert.Equal(t, r, back)
		})
	}
	b, err := json.MarshalIndent(full(), "", "  ")
	require.NoError(t, err)
	golden(t, "receipt.json", string(b)+"\n")

	b, err = json.Marshal(order())
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"A-7","type":1,"ffd":"1.2","contact":{"email":"buyer@example.org"},"items":[
		{"name":"Чай","price":129900,"quantity":1,"vat":"22","method":4,"subject":1},
		{"name":"Доставка","price":30000,"quantity":1,"vat":"22","method":4,"subject":4}]}`, string(b))
}

func TestQuantityJSON(t *testing.T) {
	for in, want := range map[string]string{`3`: "3", `0.425`: "0.425", `"0,425"`: "0.425", `1.000000`: "1", `-2.5`: "-2.5", `null`: "0", `"7"`: "7"} {
		var q Quantity
		require.NoError(t, json.Unmarshal([]byte(in), &q), in)
		assert.Equal(t, want, q.String(), in)
	}
	for _, in := range []string{`1e3`, `0.0000001`, `""`, `"-"`, `"--1"`, `true`, `{}`, `1.5.5`, `99999999999999999999`} {
		var q Quantity
		assert.Error(t, json.Unmarshal([]byte(in), &q), in)
	}
}

func TestQuantity(t *testing.T) {
	for in, want := range map[string]Quantity{"1": 1_000_000, "0.000001": 1, "0,5": 500_000, "10.500000000": 10_500_000, "007": 7_000_000} {
		q, err := ParseQuantity(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, q, in)
	}
	for _, in := range []string{"", ".5", "5.", "-1", "+1", "1e1", "1 000", "0.0000001", "1.2.3", "1,2,3", "x", "٣", "9223372036854.775808"} {
		_, err := ParseQuantity(in)
		assert.ErrorIs(t, err, ErrQuantity, in)
	}
	assert.Equal(t, "-9223372036854.775808", Quantity(math.MinInt64).String())
	assert.Equal(t, 3, qty("0.425").Decimals())
	assert.Equal(t, 0, qty("3").Decimals())
	n, ok := qty("2.5").Whole()
	assert.False(t, ok)
	assert.Equal(t, int64(2), n)
	assert.Panics(t, func() { Pieces(math.MaxInt64) })
	assert.Panics(t, func() { Pieces(math.MinInt64) })
}

func FuzzParseQuantity(f *testing.F) {
	for _, s := range []string{"1", "0.425", "0,425", "9223372036854.775807", "1e3", "-1", "1.0000000", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuantity(s)
		if err != nil {
			require.ErrorIs(t, err, ErrQuantity)
			return
		}
		require.GreaterOrEqual(t, q, Quantity(0))
		back, err := ParseQuantity(q.String())
		require.NoError(t, err)
		require.Equal(t, q, back)
		exact, ok := new(big.Rat).SetString(strings.Replace(s, ",", ".", 1))
		require.True(t, ok && strings.Trim(s, "0123456789.,") == "", s)
		require.Zero(t, exact.Cmp(big.NewRat(int64(q), 1_000_000)), s)
		// Half up, without the machine's numbers.
		for _, price := range []money.Amount{1, 33, 25990, money.RUB(99_999_999, 99)} {
			want := exact.Mul(exact, new(big.Rat).SetInt64(int64(price)))
			want.Add(want, big.NewRat(1, 2))
			whole := new(big.Int).Quo(want.Num(), want.Denom())
			if !whole.IsInt64() {
				whole.SetInt64(int64(money.Max))
			}
			require.Equal(t, whole.Int64(), int64(q.Times(price)), s)
			exact.SetFrac64(int64(q), 1_000_000)
		}
	})
}

func TestText(t *testing.T) {
	r := order()
	r.TaxSystem = TaxGeneral
	r.Seller.Place = "https://shop.example"
	r.Lines = append(r.Lines, MarkedLine("Сырок творожный глазированный со сгущённым молоком и ванилью", 4700, VAT10, *good().Lines[1].Mark),
		item("259.90", "0.425", VATNone))
	r.Lines[3].Name, r.Lines[3].Unit = "Виноград", Kilogram
	r.Payments = Payments{Cashless: r.Total() - 50000, Prepaid: 50000}
	f := fiscalData()
	f.Total = r.Total()
	golden(t, "sale.txt", r.Text(&f))

	golden(t, "full.txt", full().TextWidth(nil, 40))

	prepaid, err := Prepay(order(), "1", 50000)
	require.NoError(t, err)
	golden(t, "prepayment.txt", prepaid.Text(nil))
}

// Whatever the names are, no line is wider than asked and none is forged.
func TestTextStaysInItsLines(t *testing.T) {
	r := order()
	r.Lines[0].Name = "Чай\nИТОГ                =0.01\r" + strings.Repeat("очень", 30)
	r.Lines[1].Name = strings.Repeat(" ", 200)
	r.Lines[1].VAT = VAT0
	r.UserAttribute = &UserAttribute{Name: strings.Repeat("н", 64), Value: "a\nb"}
	for _, width := range []int{0, 24, 32, 48, 100} {
		text := r.TextWidth(nil, width)
		for _, line := range strings.Split(text, "\n") {
			assert.LessOrEqual(t, len([]rune(line)), max(width, 24), line)
		}
		assert.Equal(t, 1, strings.Count(text, "\nИТОГ "))
	}
	assert.Contains(t, r.Text(nil), "СУММА С НДС 0%")
	assert.Equal(t, "+79161234567", Contact{Phone: "+79161234567"}.String())
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"Чай «Ассам» — 100 г":     `Чай "Ассам" - 100 г`,
		"50 € за 1 м²…":           "50 EUR за 1 м2...",
		"Ёлка\u00a0№ 5\n№ 6":      "Ёлка № 5 № 6",
		"  Подарок 🎁 \t внутри  ": "Подарок внутри",
		"café":  "caf",
		"plain": "plain",
		"":      "",
	} {
		got := Printable(in, 0)
		assert.Equal(t, want, got, in)
		assert.Empty(t, Lost(got), in)
		assert.Equal(t, got, Printable(got, 0))
	}
	assert.Equal(t, "Чай", Printable("Чай чёрный", 4), "cut by characters, without the space left over")
	assert.Equal(t, "Чай ч", Printable("Чай чёрный", 5))
	assert.Equal(t, []rune("«»"), Lost("«Чай» «ещё»"))
	assert.Empty(t, Lost("АБВ абв Ёё №°·√¤■ ╬ Єє Її Ўў ~!\"#"))
	assert.Equal(t, []rune("—€\n"), Lost("a—b€c\nd—"))
}

func TestPhone(t *testing.T) {
	for in, want := range map[string]string{
		"+7 (916) 123-45-67":    "+79161234567",
		"8 916 123 45 67":       "+79161234567",
		"79161234567":           "+79161234567",
		"9161234567":            "+79161234567",
		"8(495)123-45-67":       "+74951234567",
		"+375 29 123-45-67":     "+375291234567",
		"+7\u00a0916 123.45.67": "+79161234567",
	} {
		got, err := Phone(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got)
		assert.True(t, validPhone(got))
	}
	for _, in := range []string{"", "+", "123", "4951234567", "375291234567", "+1234567890123456", "8 916 123", "+7916123456x", "7+9161234567", "buyer@example.org"} {
		_, err := Phone(in)
		assert.ErrorIs(t, err, ErrPhone, in)
	}
}

func TestValidINN(t *testing.T) {
	for _, inn := range []string{"7707083893", "5027119066", "500100732259", "7801234564"} {
		assert.Equal(t, true, ValidINN(inn), inn)
	}
	for _, inn := range []string{"", "7707083894", "500100732258", "500100732269", "77070838930", "770708389x", "000000000000", "+707083893"} {
		assert.False(t, ValidINN(inn), inn)
	}
}

func TestConstructors(t *testing.T) {
	m, err := ParseMark(specMark)
	require.NoError(t, err)
	r := NewSale("1", Contact{Phone: "+79161234567"},
		GoodsLine("Чай", 100, Pieces(2), VAT22), ServiceLine("Доставка", 200, Pieces(1), VATNone), MarkedLine("Сырок", 300, VAT10, m))
	require.NoError(t, r.Validate())
	assert.Empty(t, r.Warnings())
	assert.Equal(t, []Subject{Goods, Service, GoodsCoded}, []Subject{r.Lines[0].Subject, r.Lines[1].Subject, r.Lines[2].Subject})
	assert.Equal(t, kop("7.00"), r.Total())
	assert.Equal(t, Payments{Cashless: kop("7.00")}, r.EffectivePayments())
}

func TestDocumentStatus(t *testing.T) {
	for s, want := range map[DocumentStatus]string{DocumentUnknown: "unknown", DocumentQueued: "queued", DocumentPrinted: "printed", DocumentFailed: "failed"} {
		assert.Equal(t, want, s.String())
		assert.Equal(t, s >= DocumentPrinted, s.Final())
	}
}

func BenchmarkValidate(b *testing.B) {
	r := good()
	b.ReportAllocs()
	for b.Loop() {
		if err := r.ValidateAt(today); err != nil {
			b.Fatal(err)
		}
	}
}

// A receipt from the shop's records may hold anything: nothing panics, and what
// comes out of a valid one is valid.
func FuzzReceipt(f *testing.F) {
	for _, r := range []Receipt{full(), good(), order(), sold2025(), simple105(), goodCorrection()} {
		b, err := json.Marshal(r)
		require.NoError(f, err)
		f.Add(b, int64(12345))
	}
	f.Fuzz(func(t *testing.T, b []byte, sum int64) {
		var r Receipt
		if json.Unmarshal(b, &r) != nil {
			return
		}
		r.Text(&FiscalData{FN: r.ID})
		r.VATSums()
		r.WarningsAt(today)
		bad := r.ValidateAt(today)
		if _, err := json.Marshal(r); err != nil && r.SoldAt.Year() < 9999 && r.Operational == nil && r.Correction == nil {
			t.Fatal(err)
		}
		target := money.Amount(sum)
		if lines, err := Spread(r.Lines, target); err == nil {
			require.Equal(t, target, Receipt{Lines: lines}.Total())
			for i := range lines {
				require.GreaterOrEqual(t, lines[i].Price, money.Amount(0))
			}
		}
		if back, err := Return(r, Selection{ID: "return of " + r.ID, Sum: target}); err == nil {
			require.Equal(t, back.Total(), back.EffectivePayments().Total())
			if bad == nil && target == 0 && r.Correction == nil {
				require.NoError(t, back.ValidateAt(today))
			}
		}
		if first, err := Prepay(r, "1", target); err == nil {
			require.Equal(t, target, first.Total())
			second, err := Settle(r, "2", target)
			require.NoError(t, err)
			require.Equal(t, second.Total(), second.Payments.Total())
		}
	})
}
