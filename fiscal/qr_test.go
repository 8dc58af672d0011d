package fiscal

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func fiscalData() FiscalData {
	return FiscalData{FN: "9999078900001341", FD: "5548", FP: "787980846", Type: Sale, Total: 159900,
		Time: time.Date(2026, 11, 21, 14, 5, 0, 0, moscow), Shift: 12, Number: 6, RegNumber: "0001234567012345",
		FactoryNumber: "0000000000004242", OFDName: "ОФД", FNSSite: "www.nalog.gov.ru", URL: "https://ofd.example/rec/1"}
}

func TestQR(t *testing.T) {
	const text = "t=20261121T1405&s=1599.00&fn=9999078900001341&i=5548&fp=787980846&n=1"
	f := fiscalData()
	assert.Equal(t, text, f.QR())
	assert.True(t, f.IsTest())
	got, err := ParseQR(text)
	require.NoError(t, err)
	assert.Equal(t, FiscalData{FN: f.FN, FD: f.FD, FP: f.FP, Type: Sale, Total: f.Total, Time: f.Time}, got)
	assert.Equal(t, text, got.QR())

	for _, spoil := range []func(*FiscalData){
		func(f *FiscalData) { f.FN = "" }, func(f *FiscalData) { f.FD = "" }, func(f *FiscalData) { f.FP = "" },
		func(f *FiscalData) { f.Time = time.Time{} }, func(f *FiscalData) { f.Type = 0 }, func(f *FiscalData) { f.Total = -1 },
	} {
		f := fiscalData()
		spoil(&f)
		assert.Empty(t, f.QR())
	}
}

func TestParseQRIsTolerant(t *testing.T) {
	got, err := ParseQR(" n=2&fp=1&i=2&fn=3&s=50.0&t=20261121T140533&z=9\n")
	require.NoError(t, err)
	assert.Equal(t, SaleReturn, got.Type)
	assert.Equal(t, money.Amount(5000), got.Total)
	assert.Equal(t, 33, got.Time.Second())
	assert.False(t, got.IsTest())
}

func TestParseQRRefuses(t *testing.T) {
	good := fiscalData().QR()
	for name, text := range map[string]string{
		"empty":         "",
		"a link":        "https://qr.nspk.ru/AS1",
		"no sum":        strings.Replace(good, "s=1599.00&", "", 1),
		"twice":         good + "&fn=1",
		"negative sum":  strings.Replace(good, "s=1599.00", "s=-1599.00", 1),
		"half kopecks":  strings.Replace(good, "s=1599.00", "s=1599.001", 1),
		"exponent":      strings.Replace(good, "s=1599.00", "s=1e3", 1),
		"time":          strings.Replace(good, "T1405", "T2505", 1),
		"short time":    strings.Replace(good, "T1405", "", 1),
		"type 5":        strings.Replace(good, "n=1", "n=5", 1),
		"type in words": strings.Replace(good, "n=1", "n=sale", 1),
		"fn letters":    strings.Replace(good, "fn=9", "fn=x", 1),
		"fn too long":   strings.Replace(good, "fn=9", "fn=99", 1),
		"fd letters":    strings.Replace(good, "i=5", "i=x", 1),
		"fp too long":   strings.Replace(good, "fp=7", "fp=7777", 1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseQR(text)
			require.ErrorIs(t, err, ErrQR)
		})
	}
}

func TestCheckLink(t *testing.T) {
	f := fiscalData()
	assert.Equal(t, "https://ofd.example/rec/1", f.CheckLink())
	f.URL = ""
	assert.Equal(t, "https://www.nalog.gov.ru", f.CheckLink())
	f.FNSSite = "http://nalog.ru"
	assert.Equal(t, "http://nalog.ru", f.CheckLink())
	f.FNSSite = ""
	assert.Empty(t, f.CheckLink())
}

func TestSampleQR(t *testing.T) {
	var s struct {
		Cases []struct {
			ProcessedAt string        `json:"processedAt"`
			Sum         *money.Amount `json:"sum_kopecks"`
			Total       money.Amount  `json:"sum_total_kopecks"`
			FN          string        `json:"fn"`
			FD          int           `json:"document_number"`
			FP          string        `json:"fp"`
			Type        Settlement
			Expect      string
			Correct     string
		}
	}
	samples(t, "receipt_qr.json", &s)
	require.NotEmpty(t, s.Cases)
	for _, c := range s.Cases {
		at, err := time.Parse("2006-01-02T15:04:05", c.ProcessedAt)
		require.NoError(t, err)
		f := FiscalData{FN: c.FN, FD: itoa(c.FD), FP: c.FP, Type: c.Type, Total: c.Total, Time: at}
		if c.Sum != nil {
			f.Total = *c.Sum
		}
		assert.Equal(t, c.Expect+c.Correct, f.QR())
		back, err := ParseQR(f.QR())
		require.NoError(t, err)
		assert.Equal(t, f.QR(), back.QR())
	}
}

func FuzzParseQR(f *testing.F) {
	f.Add(fiscalData().QR())
	f.Add("n=2&fp=1&i=2&fn=3&s=50.0&t=20261121T140533")
	f.Add("t=&s=&fn=&i=&fp=&n=")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseQR(text)
		if err != nil {
			require.ErrorIs(t, err, ErrQR)
			return
		}
		require.NotEmpty(t, got.QR())
		again, err := ParseQR(got.QR())
		require.NoError(t, err)
		require.Equal(t, got.QR(), again.QR())
		// Each part is what stands behind its name, once.
		parts := "&" + strings.TrimSpace(text) + "&"
		for name, value := range map[string]string{"fn": got.FN, "i": got.FD, "fp": got.FP, "n": itoa(int(got.Type))} {
			require.Equal(t, 1, strings.Count(parts, "&"+name+"="), text)
			require.Contains(t, parts, "&"+name+"="+value+"&")
		}
		_, sum, _ := strings.Cut(parts, "&s=")
		sum, _, _ = strings.Cut(sum, "&")
		total, err := money.Parse(sum)
		require.NoError(t, err)
		require.Equal(t, total, got.Total)
		_, at, _ := strings.Cut(parts, "&t=")
		require.True(t, strings.HasPrefix(at, got.Time.Format("20060102T1504")), text)
	})
}
