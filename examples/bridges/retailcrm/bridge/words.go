package bridge

import (
	"context"
	"errors"

	"github.com/acquiring-go/acquiring"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// russian is a state in the manager's words.
func russian(s acquiring.Status) string {
	switch s {
	case acquiring.StatusPending:
		return "ещё не оплачен"
	case acquiring.StatusAuthorized:
		return "ждёт подтверждения: деньги захолдированы"
	case acquiring.StatusPaid:
		return "оплачен"
	case acquiring.StatusPartiallyRefunded:
		return "оплачен и частично возвращён"
	case acquiring.StatusRefunded:
		return "возвращён полностью"
	case acquiring.StatusVoided, acquiring.StatusCanceled:
		return "отменён"
	case acquiring.StatusDeclined:
		return "отклонён банком"
	case acquiring.StatusExpired:
		return "просрочен"
	}
	return "в неизвестном состоянии"
}

// words are an error for the manager: the faults of his request, or what the
// bank said and what to do.
func words(err error) (text string, list []string) {
	var faults crm.Faults
	var e *acquiring.Error
	switch {
	case errors.As(err, &faults):
		return "В счёте есть ошибки: " + faults.Error(), faults
	case errors.As(err, &e) && e.Provider == "" && errors.Is(err, acquiring.ErrConflict), errors.Is(err, acquiring.ErrNotFound) && e != nil && e.Provider == "":
		return e.Message, nil
	case errors.Is(err, context.DeadlineExceeded):
		return "Банк не ответил вовремя. Проверьте статус платежа и повторите.", nil
	case e == nil:
		return "Внутренняя ошибка модуля. Повторите позже.", nil
	}
	said := ""
	if e.Message != "" {
		said = " Ответ: " + cut(e.Message, 200)
		if e.Code != "" {
			said += " (код " + e.Code + ")"
		}
	}
	switch {
	case e.Outcome == acquiring.OutcomeUnknown:
		return "Исход операции в банке неизвестен. Проверьте статус платежа: повтор ничего не спишет и не вернёт дважды." + said, nil
	case errors.Is(err, acquiring.ErrUnavailable), errors.Is(err, acquiring.ErrRateLimited):
		return "Банк сейчас недоступен. Повторите позже." + said, nil
	case errors.Is(err, acquiring.ErrUnauthorized):
		return "Банк не принимает логин или пароль магазина: проверьте настройки модуля." + said, nil
	case errors.Is(err, acquiring.ErrConflict):
		return "Состояние платежа в банке не позволяет этого." + said, nil
	case errors.Is(err, acquiring.ErrUnsupported):
		return "Банк этого не умеет." + said, nil
	}
	return "Банк отказал." + said, nil
}
