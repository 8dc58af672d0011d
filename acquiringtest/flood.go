package acquiringtest

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// What a stranger may cost: so many times the bytes that he sent, and a little
// for the request and the words of the error.
const (
	floodFactor = 4
	floodRest   = 64 << 10
)

// Flood sends the largest notifications that are read (60 KiB of the 64), each
// made as costly to read as can be, and fails the test when one of them takes
// more memory than four times its bytes and 64 KiB: anybody may call a
// callback's address as often as he likes. verify is the client's
// VerifyCallback; what it returns does not matter here.
//
// The memory counted is the whole process's, so the test that calls it must not
// be parallel.
func Flood(t testing.TB, verify func(ctx context.Context, r *http.Request) error) {
	t.Helper()
	for what, body := range floods() {
		for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded", "text/plain"} {
			var least uint64
			for try := range 3 { // somebody else may allocate meanwhile
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://shop.example/callback", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", contentType)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_ = verify(t.Context(), r)
				runtime.ReadMemStats(&after)
				if cost := after.TotalAlloc - before.TotalAlloc; try == 0 || cost < least {
					least = cost
				}
			}
			if most := uint64(floodFactor*len(body) + floodRest); least > most {
				t.Errorf("%s, of type %s: %d bytes take %d bytes of memory; the limit is %d", what, contentType, len(body), least, most)
			}
		}
	}
}

// floods are the bodies by what is costly in them.
func floods() map[string]string {
	const size = 60 << 10
	filled := func(room int, before, one, after string) string {
		return before + strings.Repeat(one, (room-len(before)-len(after))/len(one)) + after
	}
	numbered := func(room int, before, format, after string) string {
		var b strings.Builder
		b.WriteString(before)
		for i := 0; b.Len() < room-len(after)-16; i++ {
			fmt.Fprintf(&b, format, i)
		}
		b.WriteString(after)
		return b.String()
	}
	const part = size / 2 // of a token: a byte of it takes a third more
	token := func(header, payload string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + strings.Repeat("A", 342)
	}
	const rs256 = `{"alg":"RS256","typ":"JWT"}`
	return map[string]string{
		"a form of many parameters":          numbered(size, "", "%d&", ""),
		"a form of many named parameters":    numbered(size, "", "p%d=1&", ""),
		"a form of one long value":           filled(size, "a=", "x", ""),
		"a form of escapes":                  filled(size, "a=", "%41", ""),
		"a form of plus signs":               filled(size, "a=", "+", ""),
		"a form of parameters without names": filled(size, "", "=&", ""),
		"a parameter again and again":        filled(size, "", "a=1&", ""),
		"text that is not UTF-8":             filled(size, "a=", "\xff", ""),
		"a JSON object of many members":      numbered(size, `{"id":1`, `,"p%d":0`, `}`),
		"a JSON object of many objects":      numbered(size, `{"id":1`, `,"p%d":{}`, `}`),
		"a member again and again":           filled(size, `{"a":1`, `,"a":1`, `}`),
		"a JSON object of one long text":     filled(size, `{"id":"`, "x", `"}`),
		"a JSON object of escapes":           filled(size, `{"id":"`, `\n`, `"}`),
		"a JSON object of one long number":   filled(size, `{"id":`, `1`, `}`),
		"a JSON object of a large array":     filled(size, `{"id":[0`, `,0`, `]}`),
		"a JSON object of nested arrays":     filled(size, `{"id":`, `[`, strings.Repeat("]", part-8)+`}`),
		"a JSON array":                       filled(size, `[0`, `,0`, `]`),
		"dots":                               filled(size, "", ".", ""),
		"a token of many members":            token(rs256, numbered(part, `{"id":1`, `,"p%d":0`, `}`)),
		"a token of one long text":           token(rs256, filled(part, `{"id":"`, "x", `"}`)),
		"a token of a long header":           token(filled(part, `{"alg":"RS256","kid":"`, "x", `"}`), `{}`),
		"a token of a header of many":        token(numbered(part, `{"alg":"RS256"`, `,"p%d":0`, `}`), `{}`),
		"a token of a long signature":        filled(size, token(rs256, `{}`), "A", ""),
	}
}
