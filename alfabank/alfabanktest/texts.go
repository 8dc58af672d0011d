package alfabanktest

import "github.com/acquiring-go/acquiring/internal/emulator/gateway"

// The bank's messages, as far as they are known. "Успешно" and "Success" are
// exactly these: SDKs compare with them.
var (
	tOK          = gateway.T("Успешно", "Success")
	tInfo        = gateway.T("Ваш платеж обработан, происходит переадресация...", "Your order is proceeded, redirecting...")
	tAccess      = gateway.T("Доступ запрещён", "Access denied")
	tEmptyAuth   = gateway.T("[userName] or [password] or [token] is empty", "[userName] or [password] or [token] is empty")
	tMustChange  = gateway.T("Пользователь должен сменить свой пароль", "The user must change password")
	tDuplicate   = gateway.T("Заказ с таким номером уже обработан", "Order number is duplicated, order with given order number is processed already")
	tBadNumber   = gateway.T("Неверный номер заказа", "Wrong order number")
	tUnknown     = gateway.T("Незарегистрированный OrderId", "Unknown order id")
	tCurrency    = gateway.T("Неизвестная валюта", "Unknown currency")
	tAmount      = gateway.T("Неверно указана сумма", "Wrong amount")
	tLanguage    = gateway.T("Неверно указано значение параметра [language]", "Wrong value of [language]")
	tParam       = gateway.T("Неверно указано значение одного из параметров", "Wrong value of a parameter")
	tReturnURL   = gateway.T("URL возврата не может быть относительным", "Return URL must not be relative")
	tBadFeatures = gateway.T("Features указаны некорректно", "Features are specified incorrectly")
	tForce       = gateway.T("Использование обоих значений FORCE_TDS/FORCE_SSL и AUTO_PAYMENT недопустимо", "FORCE_TDS/FORCE_SSL together with AUTO_PAYMENT is not allowed")
	tNoAuto      = gateway.T("Мерчант не имеет права выполнять такие платежи", "The merchant has no right for such payments")
	tState       = gateway.T("Платёж должен быть в корректном состоянии", "Payment must be in a correct state")
	tOverHold    = gateway.T("Сумма завершения превышает сумму холдирования", "The deposit amount exceeds the held amount")
	tOverRefund  = gateway.T("Сумма возврата превышает сумму списания", "Refund amount exceeds deposited amount")
	tExpected    = gateway.T("Сумма списания не равна ожидаемой", "The deposited amount is not the expected one")
	tRefundKey   = gateway.T("Возврат с таким externalRefundId уже выполнен на другую сумму", "externalRefundId was already used with another amount")
	tPenalty     = gateway.T("Операция с удержанием комиссии невозможна", "Penalty is not possible")
	tRawOnly     = gateway.T("Доступен только возврат без привязки к корзине", "Only refunds detached from the basket are possible")
	tNoBasketPos = gateway.T("Позиция не найдена в корзине", "The basket has no such position")
	tBasket      = gateway.T("Корзина заполнена некорректно", "The basket is wrong")
	tBasketSum   = gateway.T("Сумма корзины не совпадает с суммой заказа", "The sum of the basket differs from the order amount")
	tPayer       = gateway.T("Неполные данные покупателя", "The data of the payer are incomplete")
	tBadCard     = gateway.T("Неверный номер или срок действия карты", "Wrong card number or expiry")
	tDeclined    = gateway.T("Операция отклонена. Проверьте введенные данные, достаточность средств на карте и повторите операцию.", "Operation declined. Please check the data and available balance of the account.")
	t3DS         = gateway.T("Ошибка авторизации 3-D Secure.", "Error 3-D Secure authorization.")
	tBindMiss    = gateway.T("Связка не найдена", "Binding not found")
	tBindOther   = gateway.T("Заказ не может быть оплачен данной связкой", "The order cannot be paid by this binding")
	tBindOff     = gateway.T("Связка не активна", "Binding isn't active")
	tBindOn      = gateway.T("Связка уже активна", "Binding is active")
	tNothing     = gateway.T("Информация не найдена.", "Nothing found.")
	tNoClient    = gateway.T("Идентификатор Клиента не указан", "Client id is empty")
	tUnbound     = gateway.T("Связка отключена", "The binding is switched off")
	tNoTemplate  = gateway.T("Шаблон не найден", "Template not found")
	tBadRequest  = gateway.T("Некорректный запрос", "Bad request")
	tOldDeclined = gateway.T("Заказ отклонен по причине ошибки в реквизитах платежа", "The order was declined because of payment data")
)

// emptyText is the refusal of a required field.
func emptyText(name string) gateway.Text {
	words := "[" + name + "] is empty"
	return gateway.T(words, words)
}
