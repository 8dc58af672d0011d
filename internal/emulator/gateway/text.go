package gateway

import "strconv"

// Text is a message in both languages.
type Text struct{ RU, EN string }

// T is a Text.
func T(ru, en string) Text { return Text{ru, en} }

// In is the text in English for "en", in Russian for anything else.
func (t Text) In(lang string) string {
	if lang == "en" {
		return t.EN
	}
	return t.RU
}

// What a payment is refused with by the state of its order.
var (
	TextStatus   = Text{"Неверный статус заказа", "Wrong order status"}
	TextAttempts = Text{"Превышено допустимое количество попыток оплаты", "The number of payment attempts is exceeded"}
	TextExpired  = Text{"Срок действия заказа истёк", "The order has expired"}
)

var (
	textNoOrder    = Text{"Заказ не найден", "Order not found"}
	textFillCard   = Text{"Заполните номер карты, срок действия и CVC", "Fill in the card number, its date and CVC"}
	textNoBinding  = Text{"Связка не найдена", "Binding not found"}
	textPaid       = Text{"Заказ оплачен", "The order is paid"}
	textHeld       = Text{"Сумма удержана на карте", "The sum is held on the card"}
	textRefunded   = Text{"Деньги возвращены", "The money was given back"}
	textReversed   = Text{"Оплата отменена", "The payment was cancelled"}
	textTimeIsOver = Text{"Время оплаты истекло", "The time to pay is over"}
	textDeclined   = Text{"Заказ отклонён", "The order is declined"}
	textOtherCode  = Text{"Отказ, код ", "Declined, code "}
)

// actionTexts are the descriptions of actionCode that the family has.
var actionTexts = map[int]Text{
	-9000:  {"Состояние начала транзакции", "The transaction has started"},
	-5031:  {"Подписка не найдена.", "Subscription not found."},
	-3101:  {"Оплата по связке запрещена плательщиком", "The payer forbade payments by this binding"},
	-3100:  {"Связка отключена", "The binding is switched off"},
	-2020:  {"Получен неверный ECI", "A wrong ECI was received"},
	-2017:  {"Статус 3-D Secure не Y", "The 3-D Secure status is not Y"},
	-2016:  {"Банк-эмитент не смог провести авторизацию 3-D Secure", "The issuer could not authenticate"},
	-2013:  {"Исчерпаны попытки оплаты", "The payment attempts are exhausted"},
	-2011:  {"Банк-эмитент не смог провести авторизацию 3-D Secure", "The issuer could not authenticate"},
	-2007:  {"Истек срок ожидания ввода данных", "The payment time is over"},
	-2006:  {"Клиент не прошёл аутентификацию", "Authentication failed"},
	-2003:  {"Блокировка по порту", "Blocked by port"},
	-2000:  {"Карта в чёрном списке", "The card is blacklisted"},
	-100:   {"Не было попыток оплаты", "No payment attempts"},
	-99:    {"Операция СБП выполняется", "The SBP operation is in progress"},
	0:      {"Запрос успешно обработан", "Approved"},
	5:      {"Отказ сети", "Refused by the network"},
	14:     {"Неверный номер карты", "Wrong card number"},
	53:     {"Карта не существует в системе процессинга", "The card is unknown to processing"},
	82:     {"Неверный CVC", "Wrong CVC"},
	101:    {"Истёк срок действия карты", "The card has expired"},
	111:    {"Неверный номер карты", "Wrong card number"},
	116:    {"Недостаточно средств", "Not enough money"},
	400:    {"Отмена выполнена", "Reversal processed"},
	902:    {"Ограничение по карте", "Card restriction"},
	913:    {"Неверный формат сообщения", "Message format"},
	2003:   {"Операции без 3-D Secure запрещены", "Payments without 3-D Secure are forbidden"},
	2007:   {"Заказ уже оплачен", "Already paid"},
	-20010: {"Превышены лимиты", "Blocked by limits"},
	151017: {"Ошибка связи с сервером 3-D Secure", "3-D Secure communication error"},
	151018: {"Таймаут в процессинге: запрос не отправлен", "Processing timeout: not sent"},
	151019: {"Таймаут в процессинге: нет ответа", "Processing timeout: no answer"},
}

// ActionText is the description of an actionCode.
func ActionText(code int, lang string) string {
	if t, ok := actionTexts[code]; ok {
		return t.In(lang)
	}
	return textOtherCode.In(lang) + strconv.Itoa(code)
}
