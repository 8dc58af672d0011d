package paymastertest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// The steps of a confirmation in v2.
const (
	stepExternal  = "External"
	stepSMS       = "SmsOtp"
	stepMethod    = "ThreeDSMethod"
	stepChallenge = "ThreeDSChallenge"
	stepPAReq     = "ThreeDSv1"
)

// secureCode is what the customer's bank sends him.
const secureCode = "111111"

// The test cards. The first is published; the others are the emulator's own,
// as no others are known. On the payment page they take the CVC 000 or 111, any
// expiry date to come, and the bank's code 111111.
const (
	CardPays         = "4100000000000010" // pays
	CardNoMoney      = "4100000000000028" // InsufficientFunds
	CardDeclined     = "4100000000000036" // TransactionDeclined
	CardThreeDS1     = "4100000000000044" // pays after the code of 3-D Secure 1
	CardThreeDS2     = "2200000000000053" // pays after the code of 3-D Secure 2
	CardSMS          = "2200000000000061" // pays after the code of an SMS
	cardCodes        = "000 111"
	masksInClassic   = "XXXXXXXXXXX"
	masksInV2        = "XXXXXX"
	declinedOrdinary = "TransactionDeclined"
)

type testCard struct {
	pan    string
	step   string // what the bank asks first
	result string // "": pays
	note   string
}

var testCards = []testCard{
	{pan: CardPays, note: "оплата проходит"},
	{pan: CardThreeDS2, step: stepMethod, note: "код 3-D Secure 2, затем оплата проходит"},
	{pan: CardThreeDS1, step: stepPAReq, note: "код 3-D Secure 1, затем оплата проходит"},
	{pan: CardSMS, step: stepSMS, note: "код из SMS, затем оплата проходит"},
	{pan: CardNoMoney, result: "InsufficientFunds", note: "недостаточно средств"},
	{pan: CardDeclined, result: declinedOrdinary, note: "банк отказывает"},
}

// pageCards are the cards as the payment page lists them.
func pageCards(now time.Time) []emulator.TestCard {
	out := make([]emulator.TestCard, len(testCards))
	for i, c := range testCards {
		out[i] = emulator.TestCard{PAN: c.pan, Month: "12", Year: strconv.Itoa(now.Year() + 3), CVC: "000", Behaviour: c.note}
	}
	return out
}

// card is what came of the card's data: the step before it pays, and the result
// code when it does not.
type card struct {
	pan          string
	step, result string
}

// look finds out what the issuer says; an empty cvc is not checked.
func look(pan, month, year, cvc string, now time.Time) card {
	out := card{pan: pan}
	i := slices.IndexFunc(testCards, func(c testCard) bool { return c.pan == pan })
	m, err := strconv.Atoi(month)
	switch {
	case i < 0 || err != nil || m < 1 || m > 12 || len(month) != 2 || len(year) != 4:
		out.result = "InvalidAccount"
	case year+month < now.UTC().Format("200601"):
		out.result = "ExpiredAccount"
	case cvc != "" && !slices.Contains(strings.Fields(cardCodes), cvc):
		out.result = declinedOrdinary
	default:
		out.step, out.result = testCards[i].step, testCards[i].result
	}
	return out
}

// masked is the number as v2 shows it.
func masked(pan string) string {
	if len(pan) < 10 {
		return ""
	}
	return pan[:6] + masksInV2 + pan[len(pan)-4:]
}

// maskedClassic is the number as the classic protocol shows it.
func maskedClassic(pan string) string {
	if len(pan) < 10 {
		return ""
	}
	return pan[:1] + masksInClassic + pan[len(pan)-4:]
}

// cardInfo is what v2 knows of a card's issuer.
func cardInfo(pan string) any {
	brand := "Visa"
	if strings.HasPrefix(pan, "2") {
		brand = "Mir"
	}
	return struct {
		Brand   string `json:"brand"`
		Issuer  string `json:"issuer"`
		Country string `json:"country"`
		Type    string `json:"type"`
	}{brand, "TESTBANK", "RU", "Debit"}
}

// classicCodes are the codes of the classic protocol for the result codes of
// v2.
var classicCodes = map[string]int{
	declinedOrdinary: -10, "InsufficientFunds": -19, "InvalidAccount": -10, "ExpiredAccount": -10, "ThreeDSecureFailed": -25,
	"CancelledByUser": -17, "PaymentExpired": -15, "RejectedByFraud": -10, "BlockedAccount": -10, "OperationNotAllowed": -10,
	"PaymentLimitExceeded": -10, "PaymentCountExceeded": -10, "CardNotEnrolled": -25, "IssuerUnavailable": -5, "InvalidAmount": -18,
}

// results are the words for the result codes.
var results = map[string]string{
	declinedOrdinary: "Отклонено банком-эмитентом", "InsufficientFunds": "Недостаточно средств", "InvalidAccount": "Неверный номер карты",
	"ExpiredAccount": "Срок действия карты истёк", "ThreeDSecureFailed": "Не пройдена проверка 3-D Secure", "CancelledByUser": "Отменено покупателем",
	"PaymentExpired": "Истёк срок оплаты", "RejectedByFraud": "Отклонено системой мониторинга", "BlockedAccount": "Карта заблокирована",
	"OperationNotAllowed": "Операция запрещена", "PaymentLimitExceeded": "Превышен лимит", "PaymentCountExceeded": "Превышено число попыток",
	"CardNotEnrolled": "Карта не поддерживает 3-D Secure", "IssuerUnavailable": "Банк-эмитент недоступен", "InvalidAmount": "Неверная сумма",
}

// classicTexts are the words for the codes of the classic protocol.
var classicTexts = map[int]string{
	-1: "Неизвестная ошибка", -5: "Сетевая ошибка платёжной системы", -6: "Нет доступа", -7: "Неверная подпись запроса", -8: "Продавец отказался от счёта",
	-9: "Срок действия счёта истёк", -10: "Отказ платёжной системы", -11: "Возврат невозможен", -12: "Превышена сумма возврата", -13: "Платёж не найден",
	-14: "Платёж с таким номером уже существует", -15: "Срок оплаты истёк, платёж отменён", -16: "Ошибка по заказу продавца (LMI_SIM_MODE)",
	-17: "Покупатель отказался", -18: "Неверная сумма", -19: "Недостаточно средств", -21: "Предыдущий платёж не завершён",
	-22: "Не удалось авторизоваться в платёжной системе", -23: "Действие не соответствует статусу платежа", -25: "Не пройдена проверка 3-D Secure",
}
