package billing

import (
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Rubles writes a sum as a person reads it: "12 499,90 ₽" with thin spaces,
// and no kopecks where there are none.
func Rubles(a money.Amount) string {
	whole, kopecks, _ := strings.Cut(a.String(), ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "−", rest
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteRune('\u202f') // narrow and unbreakable
		}
		b.WriteRune(digit)
	}
	if kopecks != "00" {
		b.WriteString("," + kopecks)
	}
	return b.String() + "\u00a0₽"
}

// StatusText is a payment's status in Russian.
func StatusText(s acquiring.Status) string {
	switch s {
	case acquiring.StatusPending:
		return "ожидает оплаты"
	case acquiring.StatusAuthorized:
		return "деньги удержаны"
	case acquiring.StatusPaid:
		return "оплачен"
	case acquiring.StatusPartiallyRefunded:
		return "возвращён частично"
	case acquiring.StatusRefunded:
		return "возвращён"
	case acquiring.StatusVoided:
		return "холд отменён"
	case acquiring.StatusCanceled:
		return "отозван"
	case acquiring.StatusDeclined:
		return "отклонён"
	case acquiring.StatusExpired:
		return "срок истёк"
	}
	return "неизвестен"
}
