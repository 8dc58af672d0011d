package rest

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Another number before the card's, which makes a valid card number together
// with its beginning, must not leave the card in sight.
func TestMaskCardsThatOverlap(t *testing.T) {
	for text, want := range map[string]string{
		"4111 1111 1111 1111":             "4111 11** **** 1111",
		"order 10001 4111 1111 1111 1111": "order 10001 4*** 11** **** 1111",
		"2200 1234 5678 9019 106":         "2200 12** **** ***9 106", // its first sixteen digits make a card number too
		"4111111111111111":                "411111******1111",
		"41111111111111111111111":         "41111111111111111111111", // longer than any card
		"4111 1111 1111 1112":             "4111 1111 1111 1112",     // the check digit is wrong
		"4111  1111 1111 1111":            "4111  1111 1111 1111",    // two spaces are no card's
	} {
		assert.Equal(t, want, maskCards(text), text)
	}
}

// Whatever stands around it, a card number is masked and a secret is hidden, in
// each of the forms in which a server may write it back.
func FuzzRedact(f *testing.F) {
	for _, s := range [][3]string{
		{"hunter2", `{"password":"`, `"}`}, {"Пароль/1 &<>+\"", "a=", "&b=4111 1111 1111 1111"}, {"s\xffk", "", ""}, {"a", "aaa", "a"},
		{"\u2028😀", "order 10001 4111-1111-1111-1111", "2200123456789019"}, {"%2f%2F", "%", "2F"}, {`\/`, `\`, "/"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		for _, text := range []string{before + after, before + " " + after, before + secret + after} {
			// The middle of each card, and nothing else.
			want := []byte(text)
			for _, card := range cardsIn(text) {
				for _, at := range card[6 : len(card)-4] {
					want[at] = '*'
				}
			}
			if masked := maskCards(text); masked != string(want) {
				t.Fatalf("%q is masked as %q, and should be %q", text, masked, want)
			}
		}
		if secret == "" {
			return
		}
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		replace := redactor([]string{secret}).Replace
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1 : len(quoted)-1]), html.EscapeString(secret)} {
			if strings.ContainsAny(form, "[]") || strings.Contains(Hidden, form) {
				continue // may arise again out of the word that stands for it
			}
			if got := replace(before + form + after); strings.Contains(got, form) {
				t.Fatalf("%q is left in %q", form, got)
			}
		}
		if plain := strings.ReplaceAll(before, secret, ""); !strings.ContainsAny(plain, `%\&`) && strings.ToValidUTF8(plain, "") == plain && len(secret) > len(plain) && replace(plain) != plain {
			t.Fatalf("%q has no secret, and became %q", plain, replace(plain))
		}
	})
}

// cardsIn gives the places of the digits of each card number in the text.
func cardsIn(s string) (cards [][]int) {
	for start := range len(s) {
		if !isDigit(s[start]) || start > 0 && isDigit(s[start-1]) {
			continue
		}
		var places []int
		for i := start; i < len(s) && len(places) < 20; i++ {
			if isDigit(s[i]) {
				places = append(places, i)
				sum := 0
				for n, at := range places {
					d := int(s[at] - '0')
					if (len(places)-n)%2 == 0 {
						d = d*2/10 + d*2%10
					}
					sum += d
				}
				if whole := i+1 == len(s) || !isDigit(s[i+1]); whole && len(places) >= 13 && len(places) <= 19 && sum%10 == 0 {
					cards = append(cards, append([]int(nil), places...))
				}
			} else if s[i] != ' ' && s[i] != '-' || !isDigit(s[i-1]) {
				break
			}
		}
	}
	return cards
}

// A pause is what the header says, or none: never a negative one.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "45", "-1", "+5", "1e3", "2147483648", "99999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
		"Fri, 31 Dec 9999 23:59:59 GMT", "soon", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := retryAfter(http.Header{"Retry-After": {value}})
		if got < 0 {
			t.Fatalf("%q is %s", value, got)
		}
		if value != "" && len(value) <= 9 && strings.Trim(value, "0123456789") == "" {
			n, _ := strconv.ParseInt(value, 10, 64)
			if got != time.Duration(n)*time.Second {
				t.Fatalf("%q is %s", value, got)
			}
			return
		}
		at, err := http.ParseTime(value)
		if _, atoi := strconv.Atoi(value); err != nil && atoi != nil && got != 0 {
			t.Fatalf("%q is %s", value, got)
		}
		if err == nil && at.Before(time.Now().Add(-time.Minute)) && got != 0 {
			t.Fatalf("%q is gone, and it is %s", value, got)
		}
	})
}
