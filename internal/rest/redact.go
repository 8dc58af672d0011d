package rest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// Hidden stands where a secret was.
const Hidden = "[hidden]"

// redactor replaces each secret, also as a form, a path, JSON or a web page
// would hold it.
func redactor(secrets []string) *strings.Replacer {
	var forms []string
	seen := map[string]bool{"": true}
	add := func(s string) {
		if !seen[s] {
			seen[s] = true
			forms = append(forms, s)
		}
	}
	for _, s := range secrets {
		if s == "" {
			continue
		}
		add(s)
		for _, escaped := range []string{url.QueryEscape(s), url.PathEscape(s)} {
			add(escaped)
			add(lowerEscapes(escaped))
		}
		if j, err := json.Marshal(s); err == nil {
			// Go escapes <, > and &, others do not; many write ASCII only; PHP
			// escapes the slash.
			inner := string(j[1 : len(j)-1])
			for _, text := range []string{inner, plainHTML.Replace(inner)} {
				for _, text := range []string{text, asciiJSON(text)} {
					add(text)
					add(strings.ReplaceAll(text, "/", `\/`))
				}
			}
		}
		add(html.EscapeString(s))
	}
	// The longest first: a secret that begins with another one is hidden whole.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, Hidden)
	}
	return strings.NewReplacer(pairs...)
}

var plainHTML = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&")

// lowerEscapes writes %2F as %2f.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(string(b[i+1:i+3])))
			i += 2
		}
	}
	return string(b)
}

// asciiJSON writes what is not ASCII as \u escapes, as many servers do.
func asciiJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch hi, lo := utf16.EncodeRune(r); {
		case r < 0x80:
			b.WriteRune(r)
		case hi != 0xFFFD:
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// maskCards hides the middle of every number that may be a card's: 13 to 19
// digits, together or in groups, with the right check digit. Such numbers may
// overlap (an order's number and the card after it begin with one by chance),
// so each is looked for from each group of digits on.
func maskCards(s string) string {
	var out []byte // nil until something is masked
	for i := 0; i < len(s); {
		if !isDigit(s[i]) {
			i++
			continue
		}
		group := i + 1 // the end of the first group
		for group < len(s) && isDigit(s[group]) {
			group++
		}
		for at, n := group, group-i; n <= 19; {
			if n >= 13 && luhn(s[i:at]) {
				if out == nil {
					out = []byte(s)
				}
				maskCard(out[i:at], n)
			}
			if at+1 >= len(s) || (s[at] != ' ' && s[at] != '-') || !isDigit(s[at+1]) {
				break
			}
			for at++; at < len(s) && isDigit(s[at]); at++ {
				n++
			}
		}
		i = group
	}
	if out == nil {
		return s
	}
	return string(out)
}

// maskCard hides all digits of a card number but the first six and the last
// four. What is hidden already counts as a digit.
func maskCard(card []byte, digits int) {
	n := 0
	for i, c := range card {
		if isDigit(c) || c == '*' {
			if n++; n > 6 && n <= digits-4 {
				card[i] = '*'
			}
		}
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func luhn(s string) bool {
	sum, double := 0, false
	for i := len(s) - 1; i >= 0; i-- {
		if !isDigit(s[i]) {
			continue
		}
		d := int(s[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}

// Redact takes the secrets out of a text.
func (c *Client) Redact(s string) string { return c.redact.Replace(s) }

// Mask is what a Config shows of a secret: that it is set, or that it is not.
func Mask(secret string) string {
	if secret == "" {
		return ""
	}
	return Hidden
}
