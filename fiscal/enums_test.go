package fiscal

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

// named is what every enum of the format has.
type named interface {
	String() string
	Name() string
	Valid() bool
}

// checkEnum goes through all numbers of a code: exactly the valid ones have
// names, each its own, and every name is one that a register prints.
func checkEnum[K interface {
	~uint8 | ~uint16
	named
}](t *testing.T, top int, valid ...K) {
	t.Helper()
	isValid := map[K]bool{}
	for _, v := range valid {
		isValid[v] = true
	}
	english, russian := map[string]K{}, map[string]K{}
	for n := range top + 1 {
		k := K(n)
		require.Equal(t, isValid[k], k.Valid(), "%T %d", k, n)
		if !isValid[k] {
			if n != 0 {
				assert.Equal(t, strconv.Itoa(n), k.String())
				assert.Equal(t, strconv.Itoa(n), k.Name())
			}
			continue
		}
		assert.NotContains(t, english, k.String())
		assert.NotContains(t, russian, k.Name())
		english[k.String()], russian[k.Name()] = k, k
		assert.Empty(t, Lost(k.Name()), "%s", k.Name())
	}
	assert.Len(t, english, len(valid))
}

func TestEnums(t *testing.T) {
	checkEnum(t, 255, Sale, SaleReturn, Purchase, PurchaseReturn)
	checkEnum(t, 255, TaxGeneral, TaxSimplifiedIncome, TaxSimplifiedIncomeMinus, TaxImputed, TaxAgricultural, TaxPatent)
	checkEnum(t, 255, FullPrepayment, Prepayment, Advance, FullPayment, PartialPayment, Credit, CreditPayment)
	checkEnum(t, 255, Goods, Excisable, Work, Service, GamblingBet, GamblingPrize, LotteryTicket, LotteryPrize, IntellectualProperty,
		Payment, AgentFee, Payout, Other, PropertyRight, NonOperatingIncome, OtherContributions, TradeLevy, TouristTax, Pledge, Expense,
		PensionOwn, Pension, MedicalOwn, Medical, SocialInsurance, CasinoPayment, CashPayout, ExciseUncoded, ExciseCoded, GoodsUncoded, GoodsCoded)
	units := []Unit{Piece, Gram, Kilogram, Tonne, Centimetre, Decimetre, Metre, SquareCentimetre, SquareDecimetre, SquareMetre, Millilitre, Litre,
		CubicMetre, KilowattHour, Gigacalorie, Day, Hour, Minute, Second, Kilobyte, Megabyte, Gigabyte, Terabyte, OtherUnit}
	checkEnum(t, 255, units...)
	for _, u := range units {
		assert.LessOrEqual(t, len([]rune(u.Name())), 16, "the name fits 1197")
	}
	checkEnum(t, 255, BankPayingAgent, BankPayingSubagent, PayingAgent, PayingSubagent, Attorney, CommissionAgent, OtherAgent)
	checkEnum(t, 255, CorrectionOwn, CorrectionByOrder)
	checkEnum(t, 255, PieceSold, MeasureSelling, PieceReturned, PartReturned, PieceSelling, MeasureSold, StatusKept)
	checkEnum(t, 2000, MarkUnknown, MarkEAN8, MarkEAN13, MarkITF14, MarkGS10, MarkGS1M, MarkShort, MarkFur, MarkEGAIS20, MarkEGAIS30,
		MarkF1, MarkF2, MarkF3, MarkF4, MarkF5, MarkF6)
	assert.Equal(t, "F.6", MarkF6.String())
	assert.Equal(t, "none", PlannedStatus(0).String())
	assert.Equal(t, "not given", MarkKind(0).String())
}

func TestSettlementMirror(t *testing.T) {
	for s, want := range map[Settlement]Settlement{Sale: SaleReturn, SaleReturn: Sale, Purchase: PurchaseReturn, PurchaseReturn: Purchase, 0: 0, 9: 9} {
		assert.Equal(t, want, s.Mirror())
		assert.Equal(t, s == SaleReturn || s == PurchaseReturn, s.Return())
	}
}

func TestTaxSystemOrdinals(t *testing.T) {
	for n, want := range []TaxSystem{1, 2, 4, 8, 16, 32} {
		got, ok := TaxSystemOf(n)
		require.True(t, ok)
		assert.Equal(t, want, got)
		back, ok := got.Ordinal()
		assert.True(t, ok)
		assert.Equal(t, n, back)
	}
	for _, n := range []int{-1, 6} {
		_, ok := TaxSystemOf(n)
		assert.False(t, ok)
	}
	for _, s := range []TaxSystem{0, 3, 64} {
		_, ok := s.Ordinal()
		assert.False(t, ok)
	}
	for n, a := range []AgentType{1, 2, 4, 8, 16, 32, 64} {
		got, ok := a.Ordinal()
		assert.True(t, ok)
		assert.Equal(t, n, got)
	}
	_, ok := AgentType(128).Ordinal()
	assert.False(t, ok)
}

func TestFFDCodes(t *testing.T) {
	assert.Equal(t, 2, FFD105.Code())
	assert.Equal(t, 4, FFD12.Code())
	assert.Equal(t, 0, FFD("").Code())
	assert.False(t, FFD("").Valid())
}

func TestMethods(t *testing.T) {
	for m := FullPrepayment; m <= CreditPayment; m++ {
		assert.Equal(t, m <= 3, m.Before())
		assert.Equal(t, m >= 4 && m <= 6, m.HandOver())
	}
}

// The codes of 1199 with their calculated pairs and the years they hold.
func TestVATTable(t *testing.T) {
	for _, c := range []struct {
		v                   VAT
		code, percent       int
		pair                VAT
		calculated          bool
		y2024, y2025, y2026 bool
		name                string
	}{
		{VAT20, 1, 20, VAT20of120, false, true, true, false, "НДС 20%"},
		{VAT10, 2, 10, VAT10of110, false, true, true, true, "НДС 10%"},
		{VAT20of120, 3, 20, VAT20, true, true, true, false, "НДС 20/120"},
		{VAT10of110, 4, 10, VAT10, true, true, true, true, "НДС 10/110"},
		{VAT0, 5, 0, VAT0, false, true, true, true, "НДС 0%"},
		{VATNone, 6, 0, VATNone, false, true, true, true, "без НДС"},
		{VAT5, 7, 5, VAT5of105, false, false, true, true, "НДС 5%"},
		{VAT7, 8, 7, VAT7of107, false, false, true, true, "НДС 7%"},
		{VAT5of105, 9, 5, VAT5, true, false, true, true, "НДС 5/105"},
		{VAT7of107, 10, 7, VAT7, true, false, true, true, "НДС 7/107"},
		{VAT22, 11, 22, VAT22of122, false, false, false, true, "НДС 22%"},
		{VAT22of122, 12, 22, VAT22, true, false, false, true, "НДС 22/122"},
	} {
		code, ok := c.v.Code()
		assert.True(t, ok)
		assert.True(t, c.v.Valid())
		assert.Equal(t, c.code, code)
		back, ok := VATOf(c.code)
		assert.True(t, ok)
		assert.Equal(t, c.v, back)
		assert.Equal(t, c.percent, c.v.Percent())
		assert.Equal(t, c.calculated, c.v.IsCalculated())
		if c.calculated {
			assert.Equal(t, c.pair, c.v.Plain())
			assert.Equal(t, c.v, c.v.Calculated())
		} else {
			assert.Equal(t, c.pair, c.v.Calculated())
			assert.Equal(t, c.v, c.v.Plain())
		}
		for year, want := range map[int]bool{2024: c.y2024, 2025: c.y2025, 2026: c.y2026} {
			assert.Equal(t, want, c.v.ValidOn(time.Date(year, 1, 1, 0, 0, 0, 0, moscow)), "%s in %d", c.v, year)
			assert.Equal(t, want, c.v.ValidOn(time.Date(year, 12, 31, 23, 59, 59, 0, moscow)), "%s in %d", c.v, year)
		}
		assert.Equal(t, c.name, c.v.Name())
	}
	for _, v := range []VAT{RawVAT("13"), "18", ""} {
		_, ok := v.Code()
		assert.False(t, ok)
		assert.False(t, v.Valid())
		assert.Equal(t, v, v.Calculated())
		assert.Equal(t, v, v.Plain())
		assert.Zero(t, v.Of(10000))
		assert.True(t, v.ValidOn(today))
	}
	assert.Equal(t, "НДС (код 13)", RawVAT("13").Name())
	assert.Equal(t, "НДС 18", VAT("18").Name())
	_, ok := VATOf(13)
	assert.False(t, ok)
	_, ok = VATOf(0)
	assert.False(t, ok)
}

func TestVATBounds(t *testing.T) {
	assert.Equal(t, "2026-01-01T00:00:00+03:00", VAT22.Since().Format(time.RFC3339))
	assert.True(t, VAT22.Until().IsZero())
	assert.Equal(t, "2019-01-01T00:00:00+03:00", VAT20.Since().Format(time.RFC3339))
	assert.Equal(t, "2026-01-01T00:00:00+03:00", VAT20.Until().Format(time.RFC3339))
	assert.Equal(t, "2025-01-01T00:00:00+03:00", VAT5of105.Since().Format(time.RFC3339))
	assert.True(t, VATNone.Since().IsZero())
}

func TestDefaultVAT(t *testing.T) {
	kamchatka := time.FixedZone("", 12*3600)
	for _, c := range []struct {
		at   time.Time
		want VAT
	}{
		{time.Date(2025, 12, 31, 23, 59, 59, 0, moscow), VAT20},
		{time.Date(2026, 1, 1, 0, 0, 0, 0, moscow), VAT22},
		{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), VAT22},
		{time.Date(2025, 12, 31, 20, 59, 0, 0, time.UTC), VAT20},                             // 23:59 in Moscow
		{time.Date(2025, 12, 31, 21, 0, 0, 0, time.UTC), VAT22},                              // a server in UTC, a sale after midnight
		{time.Date(2026, 1, 1, 0, 30, 0, 0, kamchatka), VAT22},                               // the shop's own clock
		{time.Date(2025, 12, 31, 23, 0, 0, 0, time.FixedZone("CET", 3600)), VAT22},           // a server abroad
		{time.Date(2025, 12, 31, 15, 0, 0, 0, time.FixedZone("PST", -8*3600)), VAT22},        // the same
		{time.Date(2025, 12, 31, 23, 0, 0, 0, time.FixedZone("Kaliningrad", 2*3600)), VAT20}, // still 2025 there
	} {
		assert.Equal(t, c.want, DefaultVAT(c.at), c.at.String())
	}
	// The receipt's own zone decides for the receipt.
	r := NewSale("1", Contact{Email: "a@b.ru"}, GoodsLine("Чай", 100, Pieces(1), VAT22))
	r.SoldAt, r.TimeZone = time.Date(2025, 12, 31, 12, 30, 0, 0, time.UTC), 11
	assert.Empty(t, r.WarningsAt(today), "half past midnight in Kamchatka")
	r.TimeZone = 2
	assert.Len(t, r.WarningsAt(today), 1)
}

// The worked examples of the specification, E1 to E9.
func TestVATWorkedExamples(t *testing.T) {
	for _, c := range []struct {
		total string
		v     VAT
		want  string
	}{
		{"1299.00", VAT22, "234.25"},
		{"1299.00", VAT20, "216.50"},
		{"456.78", VAT10, "41.53"},
		{"777.77", VAT5, "37.04"},
		{"777.77", VAT7, "50.88"},
		{"2500.50", VAT22of122, "450.91"},
		{"0.27", VAT20, "0.05"},
		{"199.99", VAT22, "36.06"},
		{"0.01", VAT22, "0.00"},
		{"0.03", VAT22, "0.01"},
		{"0.07", VAT22, "0.01"},
		{"0.03", VAT20, "0.01"}, // the tie
		{"1299.00", VAT0, "0.00"},
		{"1299.00", VATNone, "0.00"},
		{"-5.00", VAT22, "0.00"},
	} {
		assert.Equal(t, c.want, c.v.Of(kop(c.total)).String(), "%s at %s", c.total, c.v)
	}
	assert.Equal(t, exactVAT(MaxSum, 22), VAT22.Of(MaxSum))
	assert.Equal(t, money.Amount(1663231023039385801), VAT22.Of(math.MaxInt64), "no overflow in between")
}

// E10: the receipt shows the sum of the lines' VAT, not the VAT of the sum.
func TestVATSums(t *testing.T) {
	var r Receipt
	for range 5 {
		r.Lines = append(r.Lines, item("14.99", "1", VAT22))
	}
	assert.Equal(t, []VATTotal{{VAT22, kop("74.95"), kop("13.50")}}, r.VATSums())
	assert.Equal(t, "13.52", VAT22.Of(r.Total()).String())
	r.Lines = nil
	for range 3 {
		r.Lines = append(r.Lines, item("29.99", "1", VAT22))
	}
	assert.Equal(t, []VATTotal{{VAT22, kop("89.97"), kop("16.23")}}, r.VATSums())

	prepaid := item("122.00", "1", VAT22)
	prepaid.Method = FullPrepayment
	r.Lines = []Line{item("1", "1", RawVAT("9")), item("1", "1", RawVAT("8")), item("5", "1", VATNone), prepaid, item("1.22", "2", VAT22), item("6", "1", VATNone), item("1.10", "1", VAT10)}
	assert.Equal(t, []VATTotal{
		{VAT10, kop("1.10"), kop("0.10")}, {VATNone, kop("11"), 0}, {VAT22, kop("2.44"), kop("0.44")}, {VAT22of122, kop("122"), kop("22")},
		{RawVAT("8"), 100, 0}, {RawVAT("9"), 100, 0},
	}, r.VATSums())
	assert.Equal(t, kop("0.22"), r.Lines[4].UnitVAT())
}

// E11: line totals.
func TestLineTotals(t *testing.T) {
	for _, c := range []struct{ price, quantity, want string }{
		{"119.50", "3", "358.50"},
		{"259.90", "0.425", "110.46"},
		{"19.99", "1.115", "22.29"},
		{"0.07", "0.5", "0.04"},
		{"84.50", "2.333", "197.14"},
		{"8.30", "0.625", "5.19"}, // 5.1875
		{"0", "5", "0.00"},
	} {
		assert.Equal(t, c.want, item(c.price, c.quantity, VAT22).Total().String(), "%s x %s", c.price, c.quantity)
	}
	assert.Equal(t, money.Max, Quantity(math.MaxInt64).Times(math.MaxInt64))
	assert.Equal(t, money.Max, Quantity(math.MaxInt64).Times(1_000_001), "just over")
	huge := Line{Price: money.Max, Quantity: Pieces(1)}
	assert.Equal(t, money.Max, Receipt{Lines: []Line{huge, huge}}.Total(), "it stops, it does not wrap")
}

func TestEffectiveVAT(t *testing.T) {
	for _, c := range []struct {
		v    VAT
		m    PaymentMethod
		want VAT
	}{
		{VAT22, FullPrepayment, VAT22of122}, {VAT22, Prepayment, VAT22of122}, {VAT22, Advance, VAT22of122},
		{VAT22, FullPayment, VAT22}, {VAT22, PartialPayment, VAT22}, {VAT22, Credit, VAT22}, {VAT22, CreditPayment, VAT22},
		{VAT5, Advance, VAT5of105}, {VAT7, Advance, VAT7of107}, {VAT10, Advance, VAT10of110}, {VAT20, Advance, VAT20of120},
		{VAT0, Advance, VAT0}, {VATNone, Advance, VATNone},
		{VAT22of122, Advance, VAT22of122}, {VAT22of122, FullPayment, VAT22of122},
		{RawVAT("13"), Advance, RawVAT("13")},
	} {
		assert.Equal(t, c.want, Line{VAT: c.v, Method: c.m}.EffectiveVAT(), "%s with %s", c.v, c.m)
	}
}

func TestSampleVATCodes(t *testing.T) {
	var s struct {
		Tag1199 struct {
			FFD map[string]int `json:"ffd"`
		} `json:"tag1199"`
		Tag1055 struct {
			FFD map[string]TaxSystem `json:"ffd_bitmask"`
		} `json:"tag1055"`
		Tag1214 struct {
			FFD []PaymentMethod `json:"ffd"`
		} `json:"tag1214"`
	}
	samples(t, "provider_enum_codes.json", &s)
	require.Len(t, s.Tag1199.FFD, len(VATs()))
	for v, want := range s.Tag1199.FFD {
		code, ok := VAT(v).Code()
		assert.True(t, ok, v)
		assert.Equal(t, want, code, v)
	}
	assert.Equal(t, map[string]TaxSystem{"osn": TaxGeneral, "usn_income": TaxSimplifiedIncome, "usn_income_outcome": TaxSimplifiedIncomeMinus,
		"envd": TaxImputed, "esn": TaxAgricultural, "patent": TaxPatent}, s.Tag1055.FFD)
	for _, m := range s.Tag1214.FFD {
		assert.True(t, m.Valid())
	}
	assert.Len(t, s.Tag1214.FFD, 7)
}

// The tax service's letter on the turn of the year, case by case: the rate of
// the day of the sale, in the form of the payment method.
func TestSampleTransition2026(t *testing.T) {
	var s struct {
		Cases []struct {
			Case   string
			Type   Settlement    `json:"type1054"`
			Method PaymentMethod `json:"method1214"`
			Expect int           `json:"expect_tag1199"`
		}
	}
	samples(t, "transition_2026.json", &s)
	in2025 := time.Date(2025, 11, 1, 12, 0, 0, 0, moscow)
	soldAt := map[string]time.Time{
		"sale on/after 2026-01-01":                                                           today,
		"return in 2026 of goods sold in 2025 at 20%":                                        in2025,
		"correction in 2026 of a 2025 receipt at 20% (both the reversing and the right one)": in2025,
		"100% prepayment taken in 2025":                                                      in2025,
		"part of prepayment taken in 2026 before shipment":                                   today,
		"shipment in 2026 against a 2025 prepayment (offset)":                                today,
		"shipped in 2025 on credit":                                                          in2025,
		"money in 2026 for goods shipped in 2025 on credit":                                  in2025,
	}
	require.NotEmpty(t, s.Cases)
	for _, c := range s.Cases {
		at, known := soldAt[c.Case]
		require.True(t, known, c.Case)
		code, _ := Line{VAT: DefaultVAT(at), Method: c.Method}.EffectiveVAT().Code()
		assert.Equal(t, c.Expect, code, c.Case)
	}
}

// The names say what the numbers of 2003 mean: a bottle that is being poured
// out is "being sold" (2) and only the last of it "sold" (6).
func TestPlannedStatusesAreNamedByTheirMeaning(t *testing.T) {
	assert.Equal(t, PlannedStatus(2), MeasureSelling)
	assert.Equal(t, PlannedStatus(6), MeasureSold)
	assert.Equal(t, "Мерный товар в стадии реализации", MeasureSelling.Name())
	assert.Equal(t, "Мерный товар реализован", MeasureSold.Name())
	assert.Equal(t, "measured sold", MeasureSold.String())
}
