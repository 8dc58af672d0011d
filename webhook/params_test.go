package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

func TestParseForm(t *testing.T) {
	tests := []struct {
		name, raw string
		want      Params
	}{
		{"nothing", "", nil},
		{"plain, in order", "b=2&a=1", Params{{"b", "2"}, {"a", "1"}}},
		{"escapes and plus", "order%4Eumber=A%2d7+x&d=%D0%94%D0%B0", Params{{"orderNumber", "A-7 x"}, {"d", "Да"}}},
		{"raw UTF-8", "d=Да", Params{{"d", "Да"}}},
		{"no value", "flag&empty=", Params{{"flag", ""}, {"empty", ""}}},
		{"empty pairs", "&a=1&&b=2&", Params{{"a", "1"}, {"b", "2"}}},
		{"equals sign in value", "sign=ab==", Params{{"sign", "ab=="}}},
		{"escaped delimiters", "a=1%26b%3D2", Params{{"a", "1&b=2"}}},
		{"semicolon is ordinary", "a=1;b=2", Params{{"a", "1;b=2"}}},
		{"empty name", "=x", Params{{"", "x"}}},
		{"names differ by case", "a=1&A=2", Params{{"a", "1"}, {"A", "2"}}},
		{"escapes in name alone", "%61b+c=def&x=1", Params{{"ab c", "def"}, {"x", "1"}}},
		{"escapes in both", "a%62=c%64e&%66=g", Params{{"ab", "cde"}, {"f", "g"}}},
		{"long, escaped", "a=" + strings.Repeat("%D0%96x", 400) + "&b=+", Params{{"a", strings.Repeat("Жx", 400)}, {"b", " "}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseForm(nil, tt.raw)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestParseFormRefusesWhatCanBeReadInTwoWays(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("p%d=x", i)
	}
	for name, raw := range map[string]string{
		"cut escape":          "a=%4",
		"bare percent":        "a=%",
		"not hexadecimal":     "a=%zz",
		"in the name":         "%zz=1",
		"not UTF-8":           "a=%FF%FE",
		"raw not UTF-8":       "a=\xff",
		"name not UTF-8":      "\xff=1",
		"twice":               "amount=100&x=1&amount=1",
		"twice, one escaped":  "amount=100&am%6Funt=1",
		"twice, same value":   "a=1&a=1",
		"twice without value": "a&a",
		"twice among many":    strings.Join(many, "&") + "&p77=y",
		"twice, long name":    strings.Repeat("n", 500) + "=1&" + strings.Repeat("n", 500) + "=2",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseForm(nil, raw)
			require.ErrorIs(t, err, acquiring.ErrSignature)
			var e *acquiring.Error
			require.ErrorAs(t, err, &e)
			assert.Less(t, len(err.Error()), 300)
		})
	}
}

func TestParseFormAppends(t *testing.T) {
	query, err := ParseForm(nil, "a=1")
	require.NoError(t, err)
	all, err := ParseForm(query, "b=2")
	require.NoError(t, err)
	assert.Equal(t, Params{{"a", "1"}, {"b", "2"}}, all)
	_, err = ParseForm(query, "a=2")
	require.ErrorIs(t, err, acquiring.ErrSignature, "a name of the query again in the body")

	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("p%d=%d", i, i)
	}
	hundred, err := ParseForm(nil, strings.Join(many, "&"))
	require.NoError(t, err)
	require.Len(t, hundred, 100)
	_, err = ParseForm(hundred, "p3=")
	require.ErrorIs(t, err, acquiring.ErrSignature, "a repeated name is seen when dst is long already")
}

func TestParseFormReadsSoManyAndNoMore(t *testing.T) {
	form := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "p%d=%d&", i, i)
		}
		return b.String()
	}
	most, err := ParseForm(nil, form(MaxParams))
	require.NoError(t, err)
	assert.Len(t, most, MaxParams)
	_, err = ParseForm(nil, form(MaxParams+1))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	require.ErrorContains(t, err, "more parameters")
	_, err = ParseForm(most, "one=more")
	require.ErrorIs(t, err, acquiring.ErrSignature)
}

func TestParamsGetAndSort(t *testing.T) {
	p := Params{{"mdOrder", "1"}, {"amount", "2"}, {"Zeta", "3"}, {"amount2", "4"}, {"é", "5"}}
	v, ok := p.Get("amount2")
	assert.True(t, ok)
	assert.Equal(t, "4", v)
	_, ok = p.Get("absent")
	assert.False(t, ok)
	p.SortByName()
	assert.Equal(t, Params{{"Zeta", "3"}, {"amount", "2"}, {"amount2", "4"}, {"mdOrder", "1"}, {"é", "5"}}, p)
}

const formOfABank = "mdOrder=7f1a0f3c-6c8e-7c4e-9d4f-0a1b2c3d4e5f&orderNumber=A-7_2&operation=deposited&status=1&amount=149990" +
	"&callbackCreationDate=Mon+Jan+31+21%3A46%3A52+MSK+2026&checksum=EAE3F1B0D2C4A5968778695A4B3C2D1E0F00112233445566778899AABBCCDDEEFF"

func TestParseFormAllocates(t *testing.T) {
	dst := make(Params, 0, 16)
	plain := strings.NewReplacer("+", "-", "%3A", ".").Replace(formOfABank)
	assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = ParseForm(dst, plain) }), "nothing to decode, nothing to allocate")
	assert.Equal(t, float64(1), testing.AllocsPerRun(100, func() { _, _ = ParseForm(dst, formOfABank) }))
}

func TestReadBody(t *testing.T) {
	post := func(body io.Reader) *http.Request { return httptest.NewRequest(http.MethodPost, "/", body) }

	t.Run("whole", func(t *testing.T) {
		for _, n := range []int{0, 1, 511, 1023, 1024, 1025, 5000, MaxBody} {
			want := bytes.Repeat([]byte("x"), n)
			got, err := ReadBody(post(bytes.NewReader(want)), 0)
			require.NoError(t, err, n)
			assert.True(t, bytes.Equal(want, got), n)
			r := post(io.NopCloser(iotest.OneByteReader(bytes.NewReader(want))))
			r.ContentLength = -1
			got, err = ReadBody(r, 0)
			require.NoError(t, err, n)
			assert.True(t, bytes.Equal(want, got), "length unknown: %d", n)
		}
	})
	t.Run("no body", func(t *testing.T) {
		for _, b := range []io.ReadCloser{nil, http.NoBody} {
			r := post(nil)
			r.Body = b
			got, err := ReadBody(r, 0)
			require.NoError(t, err)
			assert.Empty(t, got)
		}
	})
	t.Run("too large, length known: nothing is read", func(t *testing.T) {
		counted := &counter{r: strings.NewReader(strings.Repeat("x", 100))}
		r := post(counted)
		r.ContentLength = 100
		_, err := ReadBody(r, 99)
		require.ErrorIs(t, err, acquiring.ErrSignature)
		assert.ErrorContains(t, err, "larger than 99 bytes")
		assert.Zero(t, counted.n)
	})
	t.Run("too large, length unknown or a lie: limit+1 bytes are read", func(t *testing.T) {
		for _, length := range []int64{-1, 10} {
			counted := &counter{r: endless{}}
			r := post(counted)
			r.ContentLength = length
			_, err := ReadBody(r, 0)
			require.ErrorIs(t, err, acquiring.ErrSignature)
			assert.ErrorContains(t, err, "larger than 65536 bytes")
			assert.EqualValues(t, MaxBody+1, counted.n)
		}
	})
	t.Run("breaks off", func(t *testing.T) {
		cause := errors.New("peer went away")
		_, err := ReadBody(post(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(cause))), 0)
		require.ErrorIs(t, err, acquiring.ErrSignature)
		require.ErrorIs(t, err, cause)
	})
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Whatever ParseForm accepts, net/url reads in the same way, and writing it
// again gives the same.
func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"", formOfABank, "a=1&a=2", "a=%", "%zz", "a=1;b=2", "d=Да&e=%D0%94", "=&=", "a&b&c=+%20", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := ParseForm(nil, raw)
		if err != nil {
			var e *acquiring.Error
			if !errors.As(err, &e) || e.Kind != acquiring.ErrSignature || !utf8.ValidString(e.Message) {
				t.Fatalf("%q: %#v", raw, err)
			}
			return
		}
		again := url.Values{}
		for _, p := range got {
			if !utf8.ValidString(p.Name) || !utf8.ValidString(p.Value) || again.Has(p.Name) {
				t.Fatalf("%q: %q", raw, p)
			}
			again.Set(p.Name, p.Value)
		}
		if !strings.Contains(raw, ";") {
			std, err := url.ParseQuery(raw)
			if err != nil {
				t.Fatalf("%q: accepted, but net/url says %v", raw, err)
			}
			if std.Encode() != again.Encode() {
				t.Fatalf("%q: %q, net/url %q", raw, again.Encode(), std.Encode())
			}
		}
		got.SortByName()
		for i := 1; i < len(got); i++ {
			if got[i-1].Name >= got[i].Name {
				t.Fatalf("%q: not sorted", raw)
			}
		}
	})
}

func BenchmarkParseForm(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		dst := make(Params, 0, 16)
		for b.Loop() {
			_, _ = ParseForm(dst, formOfABank)
		}
	})
	b.Run("net/url", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = url.ParseQuery(formOfABank)
		}
	})
}
