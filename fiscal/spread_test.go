package fiscal

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/money"
)

func kop(s string) money.Amount {
	a, err := money.Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

func qty(s string) Quantity {
	q, err := ParseQuantity(s)
	if err != nil {
		panic(err)
	}
	return q
}

// item is one line for arithmetic: price, quantity, rate.
func item(price, quantity string, vat VAT) Line {
	return GoodsLine("Товар", kop(price), qty(quantity), vat)
}

// printed is "2 x 48.14" for each line.
func printed(lines []Line) []string {
	var out []string
	for _, l := range lines {
		out = append(out, l.Quantity.String()+" x "+l.Price.String())
	}
	return out
}

func total(lines []Line) money.Amount { return Receipt{Lines: lines}.Total() }

// The worked examples of the specification, E12 to E17.
func TestSpreadWorkedExamples(t *testing.T) {
	for _, c := range []struct {
		name   string
		lines  []Line
		target string
		want   []string
		vat    []string // by printed line
	}{
		{"E12 discount of 10 %", []Line{item("199.99", "1", VAT22), item("3.33", "7", VAT22), item("12.50", "3", VAT22)}, "234.72",
			[]string{"1 x 179.99", "2 x 2.99", "5 x 3.00", "3 x 11.25"}, []string{"32.46", "1.08", "2.70", "6.09"}},
		{"E13 tie to the earlier line", []Line{item("1299.00", "1", VAT22), item("399.00", "1", VAT22), item("300.00", "1", VAT22)}, "1700.00",
			[]string{"1 x 1105.26", "1 x 339.49", "1 x 255.25"}, []string{"199.31", "61.22", "46.03"}},
		{"E14 quantities", []Line{item("199.00", "3", VAT22), item("55.50", "2", VAT22), item("99.00", "1", VAT22)}, "700.00",
			[]string{"1 x 172.61", "2 x 172.62", "2 x 48.14", "1 x 85.87"}, []string{"31.13", "62.26", "17.36", "15.48"}},
		{"E15 weight", []Line{item("259.90", "0.425", VAT22)}, "100.00", []string{"0.425 x 235.29"}, []string{"18.03"}},
		{"E15 impossible by one price", []Line{item("80.00", "1.5", VAT22)}, "100.00", []string{"0.5 x 66.66", "1 x 66.67"}, []string{"6.01", "12.02"}},
		{"E16 mixed rates", []Line{item("899.00", "1", VAT22), item("249.50", "1", VAT10), item("350.00", "1", VATNone)}, "998.50",
			[]string{"1 x 599.03", "1 x 166.25", "1 x 233.22"}, []string{"108.02", "15.11", "0.00"}},
		{"E17 700 by 3", []Line{item("300.00", "3", VAT22)}, "700.00", []string{"2 x 233.33", "1 x 233.34"}, nil},
		{"E17 499.99 by 4", []Line{item("300.00", "4", VAT22)}, "499.99", []string{"1 x 124.99", "3 x 125.00"}, nil},
		{"E17 1250 by 7", []Line{item("300.00", "7", VAT22)}, "1250.00", []string{"6 x 178.57", "1 x 178.58"}, nil},
		{"nothing to do", []Line{item("259.90", "0.425", VAT22), item("0.00", "2", VAT22)}, "110.46", []string{"0.425 x 259.90", "2 x 0.00"}, nil},
		{"all of it free", []Line{item("1.00", "2", VAT22)}, "0", []string{"2 x 0.00"}, nil},
		{"fewer kopecks than pieces", []Line{item("1.00", "5", VAT22)}, "0.03", []string{"2 x 0.00", "3 x 0.01"}, nil},
		{"surcharge", []Line{item("1.00", "3", VAT22), item("2.00", "1", VAT22)}, "5.02", []string{"2 x 1.00", "1 x 1.01", "1 x 2.01"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Spread(c.lines, kop(c.target))
			require.NoError(t, err)
			assert.Equal(t, c.want, printed(got))
			assert.Equal(t, kop(c.target), total(got))
			for i, want := range c.vat {
				assert.Equal(t, want, got[i].VATSum().String(), "VAT of line %d", i)
			}
		})
	}
}

func TestSpreadOptions(t *testing.T) {
	lines := []Line{item("100.00", "1", VAT22), item("50.00", "1", VAT22), item("300.00", "1", VAT22)}
	got, err := Spread(lines, kop("400.00"), Except(2))
	require.NoError(t, err)
	assert.Equal(t, []string{"1 x 66.67", "1 x 33.33", "1 x 300.00"}, printed(got))

	got, err = Spread([]Line{item("0.01", "5", VAT22), item("900.00", "1", VAT22), item("0", "1.5", VAT22)}, kop("10.00"), NoZero())
	require.NoError(t, err)
	assert.Equal(t, []string{"5 x 0.01", "1 x 9.93", "1.5 x 0.01"}, printed(got))

	got, err = Spread([]Line{item("3.00", "1.4", VAT22), item("2.00", "1", VAT22)}, kop("0.03"), NoZero())
	require.NoError(t, err)
	for _, l := range got {
		assert.Positive(t, l.Price)
		assert.Positive(t, l.Total())
	}
	assert.Equal(t, kop("0.03"), total(got))
}

func TestSpreadSplitsKeepWhatBelongsTogether(t *testing.T) {
	l := item("1.00", "3", VAT22)
	l.ID, l.Excise, l.Country = "7", kop("0.10"), "643"
	other := item("1.00", "1", VAT22)
	other.ID = "7-2"
	got, err := Spread([]Line{l, other}, kop("2.87"))
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, []string{"1 x 0.71", "2 x 0.72", "1 x 0.72"}, printed(got))
	assert.Equal(t, []string{"7", "7-3", "7-2"}, []string{got[0].ID, got[1].ID, got[2].ID})
	assert.Equal(t, kop("0.10"), got[0].Excise+got[1].Excise)
	assert.Equal(t, kop("0.03"), got[0].Excise)
	assert.Equal(t, "643", got[1].Country)
	assert.Equal(t, "1.00", l.Price.String(), "the given line stays")
}

func TestSpreadNeverSplitsAMarkedLine(t *testing.T) {
	marked := item("100.00", "3", VAT22)
	marked.Mark = &Mark{Code: "x"}
	got, err := Spread([]Line{marked, item("100.00", "1", VAT22)}, kop("266.67"))
	require.NoError(t, err)
	assert.Equal(t, []string{"3 x 66.66", "1 x 66.69"}, printed(got), "two kopecks moved to the line that can take them")

	// One line can only take up to its old price, so the price goes up.
	cheap := item("0.01", "1", VAT22)
	got, err = Spread([]Line{marked, cheap, item("0.02", "1", VAT22)}, kop("300.02"))
	require.NoError(t, err)
	assert.Equal(t, kop("300.02"), total(got))
	assert.Equal(t, []string{"3 x 100.00", "1 x 0.01", "1 x 0.01"}, printed(got))

	_, err = Spread([]Line{marked}, kop("200.00"))
	assert.ErrorContains(t, err, "items[0]: cannot come to 200.00 by one price for 3")
	var faults Faults
	require.ErrorAs(t, err, &faults)
	assert.Equal(t, []string{"items[0]"}, faults.Paths())
}

func TestSpreadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		lines  []Line
		target money.Amount
		opts   []SpreadOption
		path   string
	}{
		"negative target":     {[]Line{item("1", "1", VAT22)}, -1, nil, "items"},
		"no lines":            {nil, 1, nil, "items"},
		"lines cost nothing":  {[]Line{item("0", "1", VAT22)}, 1, nil, "items"},
		"negative price":      {[]Line{{Price: -1, Quantity: Pieces(1)}}, 1, nil, "items[0].price"},
		"no quantity":         {[]Line{{Price: 1}}, 1, nil, "items[0].quantity"},
		"too much":            {[]Line{{Price: MaxSum, Quantity: Pieces(2)}}, 1, nil, "items[0].price"},
		"too much together":   {[]Line{{Price: MaxSum, Quantity: Pieces(1)}, {Price: MaxSum, Quantity: Pieces(1)}}, 1, nil, "items"},
		"kept lines cost too": {[]Line{item("1", "1", VAT22), item("2", "1", VAT22)}, 100, []SpreadOption{Except(1)}, "items"},
		"no such line":        {[]Line{item("1", "1", VAT22)}, 100, []SpreadOption{Except(3)}, "items"},
		"too few kopecks":     {[]Line{item("1", "5", VAT22)}, 4, []SpreadOption{NoZero()}, "items"},
		"price over all":      {[]Line{{Price: 10_000_000, Quantity: 1}}, MaxSum, nil, "items[0].price"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Spread(c.lines, c.target, c.opts...)
			var faults Faults
			require.ErrorAs(t, err, &faults)
			assert.Equal(t, []string{c.path}, faults.Paths())
			assert.NotEmpty(t, faults[0].Russian)
		})
	}
}

func TestNormalize(t *testing.T) {
	r := NewSale("1", Contact{Email: "a@b.ru"}, item("0.33", "3", VAT22))
	got, err := r.Normalize(100)
	require.NoError(t, err)
	assert.Equal(t, []string{"2 x 0.33", "1 x 0.34"}, printed(got.Lines))
	assert.Equal(t, money.Amount(99), r.Total(), "the given receipt stays")
	require.NoError(t, got.Validate())

	r.Payments.Cash = 99
	_, err = r.Normalize(100)
	assert.ErrorContains(t, err, "payments: come to 0.99, not to the 1.00")
	_, err = NewSale("1", Contact{}).Normalize(100)
	assert.ErrorContains(t, err, "items: cost nothing")
}

// share is the exact share of a line, times the sum of all lines.
func exactVAT(sum money.Amount, rate int) money.Amount {
	r := new(big.Rat).SetFrac64(int64(sum)*int64(rate), int64(100+rate))
	r.Add(r, big.NewRat(1, 2))
	return money.Amount(new(big.Int).Div(r.Num(), r.Denom()).Int64())
}

// randomReceipt makes up to 100 lines with whole and fractional quantities,
// marks, free gifts and all rates.
func randomReceipt(rng *rand.Rand) []Line {
	lines := make([]Line, 1+rng.IntN(100))
	rates := VATs()
	for i := range lines {
		l := Line{Name: strconv.Itoa(i), Price: money.Amount(rng.Int64N(1_000_000)), VAT: rates[rng.IntN(len(rates))], Method: FullPayment, Subject: Goods}
		switch rng.IntN(8) {
		case 0:
			l.Quantity = Quantity(1 + rng.Int64N(1_000_000)) // part of a unit, six decimals
		case 1:
			l.Quantity = Quantity(1+rng.Int64N(50_000)) * 1000 // weight, grams
		case 2:
			l.Quantity = Quantity(1 + rng.Int64N(100_000_000)) // six decimals
		case 3:
			l.Quantity, l.Mark = Pieces(1), &Mark{Code: strconv.Itoa(i)}
		case 4:
			l.Price, l.Quantity = money.Amount(rng.Int64N(20)), Pieces(1+rng.Int64N(200))
		default:
			l.Quantity = Pieces(1 + rng.Int64N(12))
		}
		lines[i] = l
	}
	return lines
}

func TestSpreadProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(54, 2026))
	for range 1500 {
		lines := randomReceipt(rng)
		whole := total(lines)
		if whole == 0 {
			continue
		}
		target := money.Amount(rng.Int64N(int64(whole) + 1))
		if rng.IntN(4) == 0 { // only a rounding
			target = max(whole-money.Amount(rng.Int64N(50)), 0)
		}
		got, err := Spread(lines, target)
		require.NoError(t, err)
		require.Equal(t, target, total(got), "the lines come to the sum")
		again, err := Spread(lines, target)
		require.NoError(t, err)
		require.Equal(t, got, again, "the same every time")

		r := Receipt{Lines: got}
		vat, vatTotal := map[VAT]money.Amount{}, money.Amount(0)
		at := 0
		for i := range lines {
			var sum money.Amount
			var q Quantity
			parts := 0
			for ; at < len(got) && got[at].Name == lines[i].Name; at++ {
				l := got[at]
				require.GreaterOrEqual(t, l.Price, money.Amount(0))
				require.Positive(t, l.Quantity)
				require.Equal(t, exactVAT(l.Total(), l.VAT.Percent()), l.VATSum())
				vat[l.VAT] += l.VATSum()
				sum, q, parts = sum+l.Total(), q+l.Quantity, parts+1
			}
			require.Equal(t, lines[i].Quantity, q)
			require.LessOrEqual(t, sum, lines[i].Total())
			require.LessOrEqual(t, parts, 3)
			if lines[i].Mark != nil {
				require.Equal(t, 1, parts)
			}
			// |sum - t·S/Σt| < 1, in integers.
			d := new(big.Int).Mul(big.NewInt(int64(sum)), big.NewInt(int64(whole)))
			d.Sub(d, new(big.Int).Mul(big.NewInt(int64(lines[i].Total())), big.NewInt(int64(target))))
			require.Negative(t, d.CmpAbs(big.NewInt(int64(whole))), "a kopeck or more from the share")
		}
		require.Equal(t, len(got), at)
		for _, v := range r.VATSums() {
			require.Equal(t, vat[v.VAT], v.Sum)
			vatTotal += v.Total
		}
		require.Equal(t, target, vatTotal)
	}
}

func TestSpreadNoZeroProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		lines := randomReceipt(rng)
		target := money.Amount(rng.Int64N(int64(total(lines)) + 1))
		got, err := Spread(lines, target, NoZero())
		var least money.Amount
		for i := range lines {
			least += lines[i].least()
		}
		if target < least {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, target, total(got))
		for _, l := range got {
			require.Positive(t, l.Price, "%s", l.Quantity)
			require.Positive(t, l.Total())
		}
	}
}

// Marked lines of several pieces are the hard case: whatever comes out adds up.
func TestSpreadMarkedProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	done := 0
	for range 500 {
		lines := randomReceipt(rng)
		for i := range lines {
			if rng.IntN(3) == 0 {
				lines[i].Mark = &Mark{Code: "m"}
			}
		}
		target := money.Amount(rng.Int64N(int64(total(lines)) + 1))
		got, err := Spread(lines, target)
		if err != nil {
			continue
		}
		done++
		require.Equal(t, target, total(got))
		marked := 0
		for i := range lines {
			if lines[i].Mark != nil {
				marked++
			}
		}
		for i := range got {
			require.GreaterOrEqual(t, got[i].Price, money.Amount(0))
			if got[i].Mark != nil {
				marked--
			}
		}
		require.Zero(t, marked, "a marked line was split")
	}
	assert.Greater(t, done, 400)
}

// The last resort of split, on its own: nearly always two parts are found
// before it.
func TestApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		q := Pieces(1+rng.Int64N(50)) + Quantity(1+rng.Int64N(quantityUnit-1))
		noZero := rng.IntN(2) == 0
		sum := money.Amount(rng.Int64N(10_000))
		if least := (&Line{Quantity: q}).least(); noZero && sum < least {
			sum = least
		}
		var p plan
		p.apart(sum, q, noZero)
		var got money.Amount
		var pieces Quantity
		for _, part := range p.part[:p.parts] {
			require.GreaterOrEqual(t, part.price, money.Amount(0))
			if noZero {
				require.Positive(t, part.price)
			}
			got += part.quantity.Times(part.price)
			pieces += part.quantity
		}
		require.Equal(t, sum, got, "%s for %s", sum, q)
		require.Equal(t, q, pieces)
	}
}

func thousandLines() ([]Line, money.Amount) {
	rng := rand.New(rand.NewPCG(7, 7))
	lines := make([]Line, 1000)
	for i := range lines {
		lines[i] = Line{Name: "Товар", Price: money.Amount(1000 + rng.Int64N(100_000)), Quantity: Pieces(1 + rng.Int64N(5)), VAT: VAT22, Method: FullPayment, Subject: Goods}
		if i%10 == 0 {
			lines[i].Quantity = Quantity(1+rng.Int64N(3000)) * 1000
		}
	}
	return lines, total(lines) / 100 * 93
}

func TestNormalizeAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	lines, target := thousandLines()
	r := Receipt{Lines: lines}
	allocs := testing.AllocsPerRun(20, func() {
		if _, err := r.Normalize(target); err != nil {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, allocs, 10.0, "a fixed number for 1,000 lines, none for each")
}

func BenchmarkNormalize1000(b *testing.B) {
	lines, target := thousandLines()
	r := Receipt{Lines: lines}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Normalize(target); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNormalize1000Bare is the twin: the same lines copied with one
// proportional price each, without making the sum come out.
func BenchmarkNormalize1000Bare(b *testing.B) {
	lines, target := thousandLines()
	whole := total(lines)
	b.ReportAllocs()
	for b.Loop() {
		out := make([]Line, len(lines))
		copy(out, lines)
		for i := range out {
			out[i].Price = out[i].Price * target / whole
		}
	}
}

// samples reads a published sample.
func samples(t *testing.T, name string, into any) {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "samples", "ffd", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("no published samples here: %s", path)
	}
	require.NoError(t, json.Unmarshal(b, into))
}

func TestSampleDiscountSpread(t *testing.T) {
	var s struct {
		Cases []struct {
			Name  string
			Lines []struct {
				Price    money.Amount `json:"price_kopecks"`
				Quantity Quantity
				Total    money.Amount `json:"total_kopecks"`
			}
			Total  money.Amount   `json:"order_total_kopecks"`
			Expect []money.Amount `json:"expect_largest_remainder"`
			Split  [][]struct {
				Price    money.Amount `json:"price_kopecks"`
				Quantity int64
			} `json:"expect_split"`
		}
	}
	samples(t, "discount_spread.json", &s)
	require.NotEmpty(t, s.Cases)
	for _, c := range s.Cases {
		var lines []Line
		for i, l := range c.Lines {
			lines = append(lines, Line{Name: strconv.Itoa(i), Price: l.Price, Quantity: l.Quantity})
			assert.Equal(t, l.Total, lines[i].Total())
		}
		got, err := Spread(lines, c.Total)
		require.NoError(t, err)
		sums := make([]money.Amount, len(lines))
		var want, have []string
		for _, l := range got {
			i, _ := strconv.Atoi(l.Name)
			sums[i] += l.Total()
			have = append(have, fmt.Sprintf("%s: %s x %s", l.Name, l.Quantity, l.Price))
		}
		for i, parts := range c.Split {
			for _, p := range parts {
				want = append(want, fmt.Sprintf("%d: %d x %s", i, p.Quantity, p.Price))
			}
		}
		assert.Equal(t, c.Expect, sums, c.Name)
		assert.Equal(t, want, have, c.Name)
	}
}
