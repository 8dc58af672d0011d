package paymaster

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
)

// maskPAN leaves of a card's number the first six and the last four digits.
// What is masked already stays as it came.
func maskPAN(s string) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	if n < 13 {
		return s
	}
	var b strings.Builder
	at := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' {
			if at++; at > 6 && at <= n-4 {
				c = '*'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// methodOf is the way to pay that an alias means; "" for none.
func methodOf(alias string) acquiring.Method {
	low := strings.ToLower(alias)
	for m, name := range methods {
		if name == low {
			return m
		}
	}
	switch low {
	case "":
		return ""
	case "davaydelit":
		return acquiring.MethodInstallment
	case "qiwi":
		return acquiring.MethodWallet
	}
	return acquiring.MethodOther
}

// hinted is the error with another hint.
func hinted(err error, hint string) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	known := *e
	known.Hint = hint
	return &known
}

// conflict is the error of an operation that the payment's state does not
// allow.
func conflict(op string, p *acquiring.Payment, why, hint string) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Code: p.ProviderStatus,
		Message: "the payment is " + p.Status.String() + " and " + why, Hint: hint}
}

// forged is the error of a notification that is not believed.
func forged(why string) error {
	return &acquiring.Error{Provider: provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Message: why}
}

// key joins the parts of a callback's key after the shop's label.
func key(shop string, parts ...string) string {
	if shop == "" {
		shop = provider
	}
	var b strings.Builder
	b.Grow(80 + len(shop))
	b.WriteString(shop)
	for _, p := range parts {
		b.WriteByte(':')
		b.WriteString(p)
	}
	return b.String()
}

// description is what the buyer sees, at most limit characters; PayMaster
// demands one.
func description(text, orderID string, limit int) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text))
	if text == "" {
		text = "Заказ " + orderID
	}
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		text = string([]rune(text)[:limit])
	}
	return text
}
