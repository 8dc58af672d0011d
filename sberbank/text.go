package sberbank

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
)

// inAlphabet says whether the gateway's schema lets the character into a text:
// printable ASCII, Cyrillic and №.
func inAlphabet(r rune) bool {
	return r >= 0x20 && r <= 0x7e || r >= 'А' && r <= 'я' || r == 'Ё' || r == 'ё' || r == '№'
}

// identifier says whether s can be an identifier of at most limit characters:
// identifiers are refused, never changed. A semicolon is refused because the
// callback's checksum would be ambiguous with it.
func identifier(s string, limit int) bool {
	if s == "" || utf8.RuneCountInString(s) > limit || strings.TrimSpace(s) != s {
		return false
	}
	for _, r := range s {
		if !inAlphabet(r) || r == ';' {
			return false
		}
	}
	return true
}

// replacements keep the sense of characters outside the alphabet.
var replacements = strings.NewReplacer(
	"«", `"`, "»", `"`, "“", `"`, "”", `"`, "„", `"`, "‹", "'", "›", "'", "‘", "'", "’", "'", "‚", "'", "`", "'",
	"—", "-", "–", "-", "−", "-", "‑", "-", "‐", "-", "…", "...", "×", "x", "÷", ":", "•", "*", "·", "*",
	"°", " гр.", "€", "EUR", "₽", "руб.", "$", "$", "£", "GBP", "©", "(c)", "®", "(R)", "™", "(TM)",
	"½", "1/2", "¼", "1/4", "¾", "3/4", "²", "2", "³", "3", "±", "+-", "≤", "<=", "≥", ">=",
	"І", "I", "і", "i", "Ї", "I", "ї", "i", "Є", "Е", "є", "е", "Ґ", "Г", "ґ", "г", "Ў", "У", "ў", "у",
	"à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "æ", "ae", "ç", "c", "è", "e", "é", "e", "ê", "e", "ë", "e",
	"ì", "i", "í", "i", "î", "i", "ï", "i", "ñ", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o",
	"ù", "u", "ú", "u", "û", "u", "ü", "u", "ý", "y", "ÿ", "y", "ß", "ss", "š", "s", "ž", "z", "č", "c", "ł", "l",
	"À", "A", "Á", "A", "Â", "A", "Ã", "A", "Ä", "A", "Å", "A", "Æ", "AE", "Ç", "C", "È", "E", "É", "E", "Ê", "E", "Ë", "E",
	"Ì", "I", "Í", "I", "Î", "I", "Ï", "I", "Ñ", "N", "Ò", "O", "Ó", "O", "Ô", "O", "Õ", "O", "Ö", "O", "Ø", "O",
	"Ù", "U", "Ú", "U", "Û", "U", "Ü", "U", "Ý", "Y", "Š", "S", "Ž", "Z", "Č", "C", "Ł", "L",
)

// sanitise puts a text for people into the gateway's alphabet, losing as
// little as can be: quotes, dashes and letters with marks become their plain
// forms, other characters and line breaks a space, and what is over the limit
// is cut. A text that fits already comes back as it is.
func sanitise(s string, limit int) string {
	fits := utf8.RuneCountInString(s) <= limit
	if fits {
		for _, r := range s {
			if !inAlphabet(r) {
				fits = false
				break
			}
		}
	}
	if fits {
		return s
	}
	s = replacements.Replace(s)
	s = strings.Map(func(r rune) rune {
		switch {
		case inAlphabet(r):
			return r
		case unicode.Is(unicode.Mn, r):
			return -1 // a combining mark: its letter was written before it
		}
		return ' '
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	return rbs.Cut(s, limit)
}

// descriptionLimit is what a description is cut to: the field holds 512, the
// bank advises at most 99.
const descriptionLimit = 99

// description is the order's description as the client's gateway takes it. The
// legacy one forbids per cent and plus signs besides.
func (c *Client) description(s string) string {
	if c.conf.Protocol == ProtocolLegacy {
		if strings.ContainsAny(s, "%+") {
			s = strings.NewReplacer("%", " проц.", "+", " плюс ").Replace(s)
			s = strings.Join(strings.Fields(s), " ")
		}
	}
	return sanitise(s, descriptionLimit)
}

// extraJSON is the object of the fields beside the request; nil: there are
// none. Objects, lists and the one number among the fields are not quoted.
func extraJSON(body []byte, extra map[string]string) ([]byte, error) {
	if len(extra) == 0 {
		return nil, nil
	}
	var there map[string]json.RawMessage
	if err := json.Unmarshal(body, &there); err != nil {
		return nil, acquiring.Invalid("request", "is not an object")
	}
	members := make(map[string]json.RawMessage, len(extra))
	for name, value := range extra {
		if _, twice := there[name]; twice || name == "userName" || name == "password" {
			return nil, acquiring.Invalid("Extra["+name+"]", "is a field that the request has already")
		}
		if value == "" {
			continue
		}
		raw := json.RawMessage(value)
		switch {
		case (value[0] == '{' || value[0] == '[') && json.Valid(raw):
		case name == "sessionTimeoutSecs" && rbs.Digits(value):
		default:
			text, err := rbs.CompactJSON(value)
			if err != nil {
				return nil, acquiring.Invalid("Extra["+name+"]", "cannot be written as JSON")
			}
			raw = text
		}
		members[name] = raw
	}
	return rbs.CompactJSON(members)
}
