package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/money"
)

// moscow is the time of the pages, whatever the machine's.
var moscow = time.FixedZone("MSK", 3*60*60)

// rubles is "1 499,90 ₽" with no-break spaces.
func rubles(a money.Amount) string {
	text := strings.TrimPrefix(a.String(), "-")
	whole, kopecks, _ := strings.Cut(text, ".")
	var b strings.Builder
	if a < 0 {
		b.WriteString("−")
	}
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteRune('\u00a0')
		}
		b.WriteRune(r)
	}
	return b.String() + "," + kopecks + "\u00a0₽"
}

// clockTime is a moment for the tables.
func clockTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(moscow).Format("02.01 15:04:05")
}

// readable is a body for a person: JSON and JWT indented, forms a field a
// line, anything else as it is.
func readable(body []byte) string {
	text := strings.TrimSpace(string(body))
	if !utf8.ValidString(text) {
		return "(двоичные данные)"
	}
	var b bytes.Buffer
	if (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) && json.Indent(&b, []byte(text), "", "  ") == nil {
		return unescaped(b.String())
	}
	if payload, ok := jwtPayload(text); ok {
		return payload + "\n\n" + text
	}
	if strings.Contains(text, "=") && !strings.ContainsAny(text, "<> \n") {
		if form, err := url.ParseQuery(text); err == nil {
			var lines []string
			for name, values := range form {
				for _, v := range values {
					lines = append(lines, name+" = "+v)
				}
			}
			slices.Sort(lines)
			return strings.Join(lines, "\n")
		}
	}
	return text
}

// jwtPayload is what a token of three parts says.
func jwtPayload(text string) (string, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || !strings.HasPrefix(text, "ey") {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return "", false
	}
	return unescaped(b.String()), true
}

var escape = regexp.MustCompile(`\\u[0-9a-fA-F]{4}`)

// unescaped writes the letters that some services escape in JSON.
func unescaped(text string) string {
	return escape.ReplaceAllStringFunc(text, func(e string) string {
		r, err := strconv.ParseUint(e[2:], 16, 32)
		if err != nil || r < 0xa0 || r >= 0xd800 && r < 0xe000 {
			return e
		}
		return string(rune(r))
	})
}

// Secrets are covered in the request log: these are test credentials, but what
// is looked at here is shown to others and pasted into reports.
var (
	secretName  = `(?:password|passwd|token|secret|client_secret|access_token|refresh_token|cvc|cvv|pan|cardNumber|LMI_SECRET[A-Z_]*)`
	secretJSON  = regexp.MustCompile(`(?i)("` + secretName + `"\s*:\s*)("(?:[^"\\]|\\.)*"|\d+)`)
	secretField = regexp.MustCompile(`(?i)(^|[&?\n])(` + secretName + `)=[^&\s]*`)
)

const covered = "•••"

var pageTitle = regexp.MustCompile(`(?s)<title>(.*?)</title>`)

// shortened is a body of the request log: without secrets, indented, and of a
// web page its title only.
func shortened(body []byte) string {
	text := strings.TrimSpace(string(body))
	if start := strings.ToLower(text[:min(len(text), 15)]); strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") {
		title := ""
		if m := pageTitle.FindStringSubmatch(text); m != nil {
			title = " «" + html.UnescapeString(m[1]) + "»"
		}
		return "веб-страница" + title + ", " + strconv.Itoa(len(body)) + " байт"
	}
	return readable([]byte(redacted(text)))
}

// redacted is a text of the request log without its secrets.
func redacted(text string) string {
	text = secretJSON.ReplaceAllString(text, `${1}"`+covered+`"`)
	return secretField.ReplaceAllString(text, "${1}${2}="+covered)
}

// redactedHeader is a header's value without its secret.
func redactedHeader(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization":
		if scheme, _, ok := strings.Cut(value, " "); ok {
			return scheme + " " + covered
		}
		return covered
	case "cookie", "set-cookie":
		return covered
	}
	return value
}
