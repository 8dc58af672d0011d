package shops

import (
	"errors"
	"strings"
	"unicode"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// Trouble is an error for the person at the counter. Neither of its texts
// holds a secret: an acquiring.Error holds none.
type Trouble struct {
	Field  string // the key of the setting at fault; "": none
	Text   string // in Russian: what is wrong and what to do
	Detail string // the error as the library has it
}

// Russian says an error in Russian. fields are the settings that it may be
// about; nil: none.
func Russian(err error, fields []Field) Trouble {
	t := Trouble{Detail: err.Error()}
	var faults fiscal.Faults
	if errors.As(err, &faults) {
		t.Text = "Чек составлен неверно: " + strings.ReplaceAll(faults.Russian(), "\n", "; ")
		return t
	}
	var e *acquiring.Error
	if !errors.As(err, &e) {
		t.Text = "Внутренняя ошибка; подробности в журнале программы"
		return t
	}
	said := ""
	if words := e.Message; hasCyrillic(words) {
		said = ". Ответ: «" + strings.TrimRight(words, ".") + "»"
	} else if e.Code != "" {
		said = " (код " + e.Code + ")"
	}
	if e.Kind == acquiring.ErrInvalid && e.Field != "" {
		name := strings.TrimPrefix(strings.TrimPrefix(e.Field, "Config."), "ClassicConfig.")
		for _, f := range fields {
			if f.Config == name {
				t.Field, t.Text = f.Key, f.Wrong
				if strings.Contains(e.Message, "is empty") {
					t.Text = "Не заполнено. " + f.Wrong
				}
				return t
			}
		}
		t.Text = fieldText(name) + said
		return t
	}
	switch e.Kind {
	case acquiring.ErrInvalid:
		t.Text = "Провайдер не принял запрос" + said
	case acquiring.ErrUnauthorized:
		t.Text = "Провайдер не принял логин, пароль или ключ. Проверьте, что они от API, а не от кабинета, и от того же режима: тестового или рабочего" + said
	case acquiring.ErrNotFound:
		t.Text = "Провайдер не знает такого платежа или магазина" + said
	case acquiring.ErrDuplicate:
		t.Text = "У провайдера уже есть операция с таким номером" + said
	case acquiring.ErrDeclined:
		t.Text = "Отклонено" + said
	case acquiring.ErrConflict:
		t.Text = "Состояние платежа этого не допускает" + said
	case acquiring.ErrRateLimited:
		t.Text = "Провайдер просит подождать: слишком много запросов"
	case acquiring.ErrUnavailable:
		t.Text = "Нет связи с провайдером: сервер не ответил. Проверьте адрес и сеть и повторите позже"
	case acquiring.ErrUnsupported:
		t.Text = "Провайдер этого не умеет" + said
	case acquiring.ErrProtocol:
		t.Text = "Ответ провайдера не разобран: возможно, адрес шлюза указан неверно"
	default:
		t.Text = "Провайдер ответил ошибкой" + said
	}
	if e.Outcome == acquiring.OutcomeUnknown {
		t.Text += ". Исход неизвестен: сначала нажмите «Проверить», не повторяйте"
	}
	return t
}

func fieldText(name string) string {
	switch name {
	case "Customer.Email", "Receipt.Contact", "contact":
		return "Для чека нужна электронная почта клиента"
	case "Receipt":
		return "Чек не сходится с суммой или не принят"
	case "ReturnURL", "FailURL", "CallbackURL":
		return "Адрес CRM, который видят банки, указан неверно"
	case "Environment":
		return "Этот режим здесь недоступен"
	}
	return "Значение не подходит: " + name
}

func hasCyrillic(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
}
