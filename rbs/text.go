package rbs

import (
	"strings"
	"unicode/utf8"
)

// Printable says whether s is printable ASCII, as the gateways want most
// fields. An empty text is.
func Printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// Digits says whether s is digits and nothing else. An empty text is not.
func Digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// EmailFits says whether s looks like an address that the gateways take, of at
// most limit characters.
func EmailFits(s string, limit int) bool {
	at := strings.LastIndexByte(s, '@')
	return len(s) >= 3 && len(s) <= limit && at > 0 && at < len(s)-1 && Printable(s) && !strings.Contains(s, " ")
}

// PhoneFits says whether s is a telephone that the gateways take: 7 to 15
// digits with or without a plus sign.
func PhoneFits(s string) bool {
	s = strings.TrimPrefix(s, "+")
	return len(s) >= 7 && len(s) <= 15 && Digits(s)
}

// Cut takes what is over the limit of characters off the end of a text, and the
// spaces that are then around it.
func Cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:limit]))
}
