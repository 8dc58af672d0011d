package money

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]Amount{
		"1499.90":                     149990,
		"1499,9":                      149990,
		"1 499.90":                    149990,
		"1\u00a0499,90":               149990,
		"1\u202f234\u202f567.05":      123456705,
		"12 345":                      1234500,
		"10.5000":                     1050,
		"0":                           0,
		"0.01":                        1,
		"-3.05":                       -305,
		"+3":                          300,
		"1000000":                     100000000,
		"21000000.00":                 2100000000,
		"92233720368547758.07":        math.MaxInt64,
		"-92233720368547758.08":       math.MinInt64,
		"00012.30":                    1230,
		"1.1000000000000000000000000": 110,
	} {
		got, err := Parse(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]error{
		"":                       ErrSyntax,
		"-":                      ErrSyntax,
		".5":                     ErrSyntax,
		"5.":                     ErrSyntax,
		"1.2.3":                  ErrSyntax,
		"1,2.3":                  ErrSyntax,
		"1e3":                    ErrSyntax,
		"1E+06":                  ErrSyntax,
		"NaN":                    ErrSyntax,
		"Inf":                    ErrSyntax,
		"--1":                    ErrSyntax,
		"1 49.90":                ErrSyntax,
		"1499 900":               ErrSyntax,
		"1  499":                 ErrSyntax,
		" 1499":                  ErrSyntax,
		"1499 ":                  ErrSyntax,
		"0x10":                   ErrSyntax,
		"1.0 0":                  ErrSyntax,
		"1499.90 руб":            ErrSyntax,
		"٣":                      ErrSyntax,
		"0.001":                  ErrPrecision,
		"10.999":                 ErrPrecision,
		"0.00x":                  ErrSyntax,
		"0.001x":                 ErrSyntax,
		"92233720368547758.08":   ErrRange,
		"-92233720368547758.09":  ErrRange,
		strings.Repeat("9", 400): ErrRange,
	} {
		_, err := Parse(in)
		assert.ErrorIs(t, err, want, in)
	}
}

func TestParseMinor(t *testing.T) {
	for in, want := range map[string]Amount{"149990": 149990, "0": 0, "-5": -5, "100.00": 100, "9223372036854775807": math.MaxInt64} {
		got, err := ParseMinor(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for in, want := range map[string]error{"": ErrSyntax, "1 000": ErrSyntax, "1.5": ErrPrecision, "1.x": ErrSyntax,
		"9223372036854775808": ErrRange, "1e3": ErrSyntax, "abc": ErrSyntax} {
		_, err := ParseMinor(in)
		assert.ErrorIs(t, err, want, in)
	}
}

func TestStringForms(t *testing.T) {
	for a, want := range map[Amount][3]string{
		149990:        {"1499.90", "149990", "1499.9"},
		150000:        {"1500.00", "150000", "1500"},
		5:             {"0.05", "5", "0.05"},
		-5:            {"-0.05", "-5", "-0.05"},
		0:             {"0.00", "0", "0"},
		math.MinInt64: {"-92233720368547758.08", "-9223372036854775808", "-92233720368547758.08"},
		100000000:     {"1000000.00", "100000000", "1000000"},
	} {
		assert.Equal(t, want, [3]string{a.String(), a.Minor(), a.Short()})
	}
}

func TestStringParsesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		a := Amount(r.Uint64())
		for _, s := range []string{a.String(), a.Short()} {
			got, err := Parse(s)
			require.NoError(t, err, s)
			require.Equal(t, a, got, s)
		}
		got, err := ParseMinor(a.Minor())
		require.NoError(t, err)
		require.Equal(t, a, got)
	}
}

func TestRUB(t *testing.T) {
	assert.Equal(t, Amount(149990), RUB(1499, 90))
	assert.Equal(t, Amount(-305), RUB(-3, -5))
	assert.Panics(t, func() { RUB(math.MaxInt64, 0) })
	assert.Panics(t, func() { RUB(math.MaxInt64/100, 99) })
	assert.Panics(t, func() { RUB(math.MinInt64/100, -99) })
}

func TestArithmeticTellsOverflow(t *testing.T) {
	_, ok := Max.Add(1)
	assert.False(t, ok)
	_, ok = Min.Add(-1)
	assert.False(t, ok)
	_, ok = Min.Sub(1)
	assert.False(t, ok)
	_, ok = Max.Sub(-1)
	assert.False(t, ok)
	sum, ok := Amount(5).Add(0)
	assert.True(t, ok)
	assert.Equal(t, Amount(5), sum)
	diff, ok := Amount(5).Sub(7)
	assert.True(t, ok)
	assert.Equal(t, Amount(-2), diff)
	_, err := Sum(Max, 1)
	assert.ErrorIs(t, err, ErrRange)
	total, err := Sum(1, 2, 3)
	require.NoError(t, err)
	assert.Equal(t, Amount(6), total)
}

func TestJSONIsKopecks(t *testing.T) {
	b, err := json.Marshal(struct{ A Amount }{RUB(10, 5)})
	require.NoError(t, err)
	assert.JSONEq(t, `{"A":1005}`, string(b))
}

func TestParseAllocates(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = Parse("1 499.90") }))
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1499.90", "1499,9", "1 499.90", "10.5000", "-0.01", "1e3", "", "92233720368547758.08", "1\u00a0000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		exact := exactly(s)
		if minor, err := ParseMinor(s); err == nil && (exact == nil || exact.Cmp(new(big.Rat).SetInt64(int64(minor))) != 0 || strings.ContainsAny(s, " \u00a0")) {
			t.Fatalf("%q is %d kopecks", s, minor)
		}
		a, err := Parse(s)
		if err != nil {
			if plain.MatchString(s) {
				if kopecks := new(big.Rat).Mul(exact, big.NewRat(100, 1)); kopecks.IsInt() && kopecks.Num().IsInt64() {
					t.Fatalf("%q is refused: %v", s, err)
				}
			}
			return
		}
		again, err := Parse(a.String())
		if err != nil || again != a {
			t.Fatalf("%q is %d, but %q is %d, %v", s, a, a.String(), again, err)
		}
		if exact == nil || exact.Cmp(big.NewRat(int64(a), 100)) != 0 {
			t.Fatalf("%q is %d", s, a)
		}
	})
}

// plain is a sum that nobody may refuse, save for its size or its decimals.
var plain = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)?$`)

// exactly is the number that the text is, by another reader; nil if it is none.
func exactly(s string) *big.Rat {
	s = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\u00a0', '\u202f', '\u2009':
			return -1
		case ',':
			return '.'
		}
		return r
	}, s)
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || strings.Trim(digits, "0123456789.") != "" || strings.Count(digits, ".") > 1 || strings.Trim(digits, ".") == "" {
		return nil
	}
	exact, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return exact
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if a, err := Parse("1499.90"); err != nil || a != 149990 {
			b.Fatal(a, err)
		}
	}
}
