package fiscal

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// inCP866 says whether the register's character set has the character.
func inCP866(r rune) bool {
	switch {
	case r >= 0x20 && r < 0x7f,
		r >= 'А' && r <= 'я',
		r >= 0x2550 && r <= 0x256c:
		return true
	}
	return strings.ContainsRune("ЁёЄєЇїЎў°∙·√№¤■\u00a0░▒▓│┤┐└┴┬├─┼┘┌█▄▌▐▀", r)
}

// Lost gives the characters of the text that a register cannot print: they are
// not in its character set, CP866. Among them are «», — and €. Printable
// replaces those that have a plain likeness.
func Lost(text string) []rune {
	var lost []rune
	for _, r := range text {
		if !inCP866(r) && !strings.ContainsRune(string(lost), r) {
			lost = append(lost, r)
		}
	}
	return lost
}

var plainLikeness = map[rune]string{
	'«': `"`, '»': `"`, '“': `"`, '”': `"`, '„': `"`, '‟': `"`, '″': `"`,
	'‘': "'", '’': "'", '‚': "'", '′': "'", '`': "'",
	'—': "-", '–': "-", '‒': "-", '―': "-", '−': "-", '‑': "-", '‐': "-",
	'…': "...", '•': "·", '×': "x", '€': "EUR", '₽': "руб.", '$': "$",
	'²': "2", '³': "3", '½': "1/2", '¼': "1/4", '¾': "3/4",
	'\t': " ", '\n': " ", '\r': " ", '\u00a0': " ", '\u202f': " ", '\u2009': " ",
	'\u200b': "", '\u200d': "", '\ufeff': "", '\u00ad': "", '\u0301': "",
	'®': "(R)", '©': "(C)", '™': "(TM)", 'і': "i", 'І': "I",
}

// Printable is the text as a register can print it: «» become ", a dash
// becomes -, … three points, and what has no plain likeness goes; spaces are
// joined; what is longer than limit characters is cut. A limit of 0 cuts
// nothing. The name of a line holds 128 characters; 100 pass at every bank.
func Printable(text string, limit int) string {
	var b strings.Builder
	for _, r := range text {
		if s, ok := plainLikeness[r]; ok {
			b.WriteString(s)
		} else if inCP866(r) {
			b.WriteRune(r)
		}
	}
	s := strings.Join(strings.Fields(b.String()), " ")
	if limit > 0 && utf8.RuneCountInString(s) > limit {
		s = strings.TrimRight(string([]rune(s)[:limit]), " ")
	}
	return s
}

// ErrPhone is the kind of error that Phone gives.
var ErrPhone = errors.New("not a phone number")

// Phone brings a phone number to the form that receipts have, "+79161234567":
// spaces, hyphens, points and brackets go; a Russian number may begin with 8,
// with 7, or with the 9 of a mobile code. Any other country needs the "+" and 7
// to 15 digits. What is none gives [ErrPhone].
func Phone(s string) (string, error) {
	digits := make([]byte, 0, len(s))
	plus := false
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case r == '+' && i == 0:
			plus = true
		case r == ' ' || r == '-' || r == '.' || r == '(' || r == ')' || r == '\u00a0' || r == '\u2011':
		default:
			return "", fmt.Errorf("fiscal: %.40q: %w", s, ErrPhone)
		}
	}
	switch n := len(digits); {
	case plus && n >= 7 && n <= 15:
	case plus:
		return "", fmt.Errorf("fiscal: %.40q: %w", s, ErrPhone)
	case n == 11 && digits[0] == '8':
		digits[0] = '7'
	case n == 11 && digits[0] == '7':
	case n == 10 && digits[0] == '9':
		digits = append([]byte{'7'}, digits...)
	default:
		return "", fmt.Errorf("fiscal: %.40q: %w", s, ErrPhone)
	}
	return "+" + string(digits), nil
}

// ValidINN says whether the taxpayer's number (ИНН) has 10 digits (a company)
// or 12 (a person) and the right check digits.
func ValidINN(inn string) bool {
	switch len(inn) {
	case 10:
		return digits(inn) && innDigit(inn[:9], "\x02\x04\x0a\x03\x05\x09\x04\x06\x08") == inn[9]
	case 12:
		return digits(inn) && inn != "000000000000" &&
			innDigit(inn[:10], "\x07\x02\x04\x0a\x03\x05\x09\x04\x06\x08") == inn[10] &&
			innDigit(inn[:11], "\x03\x07\x02\x04\x0a\x03\x05\x09\x04\x06\x08") == inn[11]
	}
	return false
}

func innDigit(inn, weights string) byte {
	sum := 0
	for i := range len(inn) {
		sum += int(inn[i]-'0') * int(weights[i])
	}
	return byte(sum%11%10) + '0'
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// validEmail is the form of an address that a receipt can be sent to. Whether
// it exists only the letter shows.
func validEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || strings.Contains(domain, "@") || strings.ContainsAny(s, " \t\r\n,;<>()\"") {
		return false
	}
	if !strings.Contains(domain, ".") || strings.Contains(domain, "..") {
		return false
	}
	return domain[0] != '.' && domain[len(domain)-1] != '.'
}

func validPhone(s string) bool {
	return len(s) >= 8 && len(s) <= 16 && s[0] == '+' && digits(s[1:])
}

// validDate is the form DD.MM.YYYY of a day that exists.
func validDate(s string) bool {
	_, err := time.Parse("02.01.2006", s)
	return err == nil && len(s) == 10
}
