package fiscal

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

// specMark is the worked example of the specification.
const specMark = `0104601234567893215Ab"cD7` + gs + `93x1y2`

func TestTag1162(t *testing.T) {
	for _, c := range []struct{ name, code, want string }{
		{"the worked example", specMark, "44 4D 04 2F 4E F3 B2 D5 35 41 62 22 63 44 37"},
		{"product code only", "14601234567890", "49 0E 0D 47 9D 66 52 D2"},
		{"EAN-13", "4600439931256", "45 0D 04 2F 1F 96 81 78"},
		{"EAN-8", "46009333", "45 08 00 00 02 BE 0B F5"},
		{"a pack of tobacco", "00000046198488X?io+qCABm8wAYa", "44 4D 00 00 02 C0 EE D8 58 3F 69 6F 2B 71 43 41 42 6D 38"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseMark(c.code)
			require.NoError(t, err)
			b, err := m.Tag1162()
			require.NoError(t, err)
			assert.Equal(t, strings.ToLower(strings.ReplaceAll(c.want, " ", "")), hex.EncodeToString(b))
			assert.LessOrEqual(t, len(b), 32)
		})
	}
	for _, m := range []Mark{{}, {Code: "RU-430301-AAA0012345"}, {Code: "01x", Kind: MarkGS1M}, {Code: "123", Kind: MarkEAN8}, {Code: "abc"},
		{Code: "0104601234567893" + "21" + strings.Repeat("a", 25) + gs + "93abcd"}} {
		_, err := m.Tag1162()
		assert.ErrorIs(t, err, ErrMark, m.Code)
	}
}

func TestParseMark(t *testing.T) {
	tail := strings.Repeat("S", 43) + "="
	full := "0104605865487162" + "21n=YGyImHU:iMZ" + gs + "91EE06" + gs + "92" + tail
	lost := strings.ReplaceAll(full, gs, "")
	for name, c := range map[string]struct {
		scanned, code string
		kind          MarkKind
	}{
		"as it is":             {full, full, MarkGS1M},
		"FNC1 as ]d2":          {"]d2" + full, full, MarkGS1M},
		"FNC1 as ]C1":          {"]C1" + full, full, MarkGS1M},
		"FNC1 as 0xE8":         {"\xe8" + full, full, MarkGS1M},
		"FNC1 as è":            {"è" + full, full, MarkGS1M},
		"FNC1 as GS":           {gs + full + "\r\n", full, MarkGS1M},
		"GS after all":         {full + gs, full, MarkGS1M},
		"GS written as u":      {strings.ReplaceAll(full, gs, `\u001d`), full, MarkGS1M},
		"GS written as x":      {strings.ReplaceAll(full, gs, `\x1D`), full, MarkGS1M},
		"GS written as <GS>":   {strings.ReplaceAll(full, gs, "<GS>"), full, MarkGS1M},
		"GS drawn":             {strings.ReplaceAll(full, gs, "␝"), full, MarkGS1M},
		"GS lost, 91 and 92":   {lost, full, MarkGS1M},
		"GS lost, 93":          {"010460043993125621JgXJ5.93Abcd", "010460043993125621JgXJ5." + gs + "93Abcd", MarkGS1M},
		"GS lost, 93 and 3103": {"010460043993125621JgXJ5.93Abcd3103000425", "010460043993125621JgXJ5." + gs + "93Abcd" + gs + "3103000425", MarkGS1M},
		"GS lost, tobacco":     {"010460043993125621JgXJ5.18005112000" + "93Abcd", "010460043993125621JgXJ5.1" + gs + "8005112000" + gs + "93Abcd", MarkGS1M},
		"no tail":              {"0104600439931256" + "21JgXJ5.", "0104600439931256" + "21JgXJ5.", MarkGS10},
		"EAN-8":                {"46009333", "46009333", MarkEAN8},
		"EAN-13":               {"4600439931256", "4600439931256", MarkEAN13},
		"ITF-14":               {"14601234567890", "14601234567890", MarkITF14},
		"tobacco":              {"00000046198488X?io+qCABm8wAYa", "00000046198488X?io+qCABm8wAYa", MarkShort},
		"fur":                  {"RU-430301-AAA0012345", "RU-430301-AAA0012345", MarkFur},
		"EGAIS-2":              {strings.Repeat("A1", 34), strings.Repeat("A1", 34), MarkEGAIS20},
		"EGAIS-3":              {strings.Repeat("A1", 75), strings.Repeat("A1", 75), MarkEGAIS30},
		"none of them":         {"shop-17", "shop-17", MarkUnknown},
		"a wrong check digit":  {"4600439931257", "4600439931257", MarkUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseMark(c.scanned)
			require.NoError(t, err)
			assert.Equal(t, c.code, m.Code)
			assert.Equal(t, c.kind, m.Kind)
			assert.Equal(t, c.kind, Mark{Code: c.code}.EffectiveKind())
		})
	}
	for name, scanned := range map[string]string{
		"empty":                   "",
		"only FNC1":               "]d2\r\n",
		"Cyrillic layout":         "0104605865487162" + "21т=НПнШьРГЖшЬЯ",
		"GS lost for good":        "0104605865487162" + "21" + strings.Repeat("x", 30),
		"GS lost, two ways to go": "0104605865487162" + "21" + strings.Repeat("91", 4) + strings.Repeat("92", 40),
		"control bytes":           "0104605865487162\x0021abc",
		"broken UTF-8":            "0104605865487162\xff21abc",
		"too long":                strings.Repeat("x", 257),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseMark(scanned)
			require.ErrorIs(t, err, ErrMark)
			assert.True(t, strings.HasPrefix(err.Error(), "fiscal: "))
		})
	}
}

func TestRestoreGS(t *testing.T) {
	// Thirteen characters may be a serial number of thirteen, whatever is in it.
	for _, code := range []string{specMark, "0104601234567893" + "21" + "abcdefg93hijk", "4600439931256", ""} {
		got, ok := RestoreGS(code)
		assert.False(t, ok, code)
		assert.Equal(t, code, got)
	}
	long := "0104601234567893" + "21abcdefghijklm" + "91EE06" + "92" + strings.Repeat("q", 88)
	got, ok := RestoreGS(long)
	assert.True(t, ok)
	assert.Equal(t, "0104601234567893"+"21abcdefghijklm"+gs+"91EE06"+gs+"92"+strings.Repeat("q", 88), got)
}

func TestMarkParts(t *testing.T) {
	m, err := ParseMark(specMark)
	require.NoError(t, err)
	assert.Equal(t, "04601234567893", m.GTIN())
	assert.Equal(t, `5Ab"cD7`, m.Serial())
	short := Mark{Code: "00000046198488X?io+qCABm8wAYa"}
	assert.Equal(t, "00000046198488", short.GTIN())
	assert.Equal(t, "X?io+qC", short.Serial())
	assert.Equal(t, "00000046009333", Mark{Code: "46009333"}.GTIN())
	for _, odd := range []Mark{{Code: "x", Kind: MarkShort}, {Code: strings.Repeat("1", 20), Kind: MarkEAN8}, {Code: "RU-430301-AAA0012345"}, {}} {
		assert.Empty(t, odd.GTIN())
		assert.Empty(t, odd.Serial())
	}
}

func TestMarkKindsAreChecked(t *testing.T) {
	for name, m := range map[string]Mark{
		"EAN-8":   {Code: "46009334", Kind: MarkEAN8},
		"ITF-14":  {Code: "1460123456789", Kind: MarkITF14},
		"fur":     {Code: "RU-430301-AAA001234", Kind: MarkFur},
		"EGAIS-2": {Code: "A1", Kind: MarkEGAIS20},
		"EGAIS-3": {Code: "A1", Kind: MarkEGAIS30},
		"F.1":     {Code: strings.Repeat("a", 33), Kind: MarkF1},
		"short":   {Code: "12", Kind: MarkShort},
	} {
		assert.NotNil(t, m.check(), name)
	}
	ok := Mark{Code: strings.Repeat("a", 32), Kind: MarkF6}
	assert.Nil(t, ok.check())
}

func TestSampleSberbankBasket(t *testing.T) {
	var s struct {
		OrderBundle struct {
			Total     money.Amount
			CartItems struct {
				Items []struct {
					Name     string
					Quantity struct {
						Value Quantity
					}
					MarkCode struct {
						GS1M string `json:"gs1m"`
					} `json:"markCode"`
					ItemPrice  money.Amount `json:"itemPrice"`
					ItemAmount money.Amount `json:"itemAmount"`
				}
			} `json:"cartItems"`
		} `json:"orderBundle"`
		Expect struct {
			Total      money.Amount   `json:"total_kopecks"`
			LineTotals []money.Amount `json:"line_totals"`
			Codes      []int          `json:"vat_codes_ffd"`
			MarkHex    string         `json:"mark_raw_hex"`
			GS         int            `json:"gs_count"`
			VAT        []money.Amount `json:"vat_kopecks"`
		}
	}
	samples(t, "sber_orderbundle_ffd12.json", &s)
	var r Receipt
	for i, it := range s.OrderBundle.CartItems.Items {
		v, ok := VATOf(s.Expect.Codes[i])
		require.True(t, ok)
		l := Line{Name: it.Name, Price: it.ItemPrice, Quantity: it.Quantity.Value, VAT: v}
		r.Lines = append(r.Lines, l)
		assert.Equal(t, s.Expect.LineTotals[i], l.Total())
		assert.Equal(t, it.ItemAmount, l.Total())
		assert.Equal(t, s.Expect.VAT[i], l.VATSum())
		if it.MarkCode.GS1M == "" {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(it.MarkCode.GS1M)
		require.NoError(t, err)
		m, err := ParseMark(string(raw))
		require.NoError(t, err)
		assert.Equal(t, MarkGS1M, m.Kind)
		assert.Equal(t, s.Expect.MarkHex, hex.EncodeToString([]byte(m.Code)))
		assert.Equal(t, s.Expect.GS, strings.Count(m.Code, gs))
		assert.Equal(t, it.MarkCode.GS1M, m.Base64())
	}
	assert.Equal(t, s.Expect.Total, r.Total())
	assert.Equal(t, s.OrderBundle.Total, r.Total())
}

func FuzzParseMark(f *testing.F) {
	for _, s := range []string{specMark, "]d2" + specMark, "4600439931256", "00000046198488X?io+qCABm8wAYa", "RU-430301-AAA0012345", "\xe8" + gs, "0104601234567893215Ab\"cD793x1y2", "01046012345678932191919191"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, scanned string) {
		m, err := ParseMark(scanned)
		if err != nil {
			require.ErrorIs(t, err, ErrMark)
			return
		}
		require.Nil(t, m.check())
		require.True(t, m.Kind.Valid())
		again, err := ParseMark(m.Code)
		require.NoError(t, err)
		require.Equal(t, m, again, "what was read reads as itself")
		if b, err := m.Tag1162(); err == nil {
			require.LessOrEqual(t, len(b), 32)
		}
		for k := range MarkKind(1330) {
			odd := Mark{Code: scanned, Kind: k}
			odd.GTIN()
			odd.Serial()
		}
	})
}
