package main

import (
	"context"
	"io"
	"strconv"

	"github.com/acquiring-go/acquiring/examples/bridges/autoweboffice/autowebofficetest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/stage"
	"github.com/acquiring-go/acquiring/money"
)

// demo tells the whole story on emulators: of AutoWebOffice, Sberbank and
// PayMaster.
func demo(ctx context.Context, out io.Writer) error {
	office := autowebofficetest.NewServer()
	defer office.Close()
	s, err := stage.Open(ctx, out, program, "autoweboffice", map[string]any{"url": office.URL, "key_get": autowebofficetest.DefaultGetKey,
		"key_set": autowebofficetest.DefaultSetKey})
	if err != nil {
		return err
	}
	defer s.Close()
	show := func(id int) {
		a := office.Account(id)
		s.Say("  в АвтоВебОфисе: счёт %d на %s, статус %d", a.ID, a.Sum, a.Status)
	}
	paid := func(id int) func() bool {
		return func() bool { return office.Account(id).Status == autowebofficetest.StatusPaid }
	}

	s.Say("АвтоВебОфис, Сбер и PayMaster — эмуляторы; мост отвечает на %s.\n\n1. Проверка настроек.", s.URL)
	if _, err := s.Run(ctx, "check"); err != nil {
		return err
	}
	s.Say("\n2. Тестовый товар за 50 рублей: заказ, оплата, счёт оплачен.")
	id := office.AddAccount(autowebofficetest.Account{Sum: money.RUB(50, 0)})
	number, err := s.Run(ctx, "invoice", "-ref", strconv.Itoa(id))
	if err != nil {
		return err
	}
	show(id)
	if err := s.Pay("sber", number); err != nil {
		return err
	}
	if err := s.Wait(ctx, "the invoice to be paid", paid(id)); err != nil {
		return err
	}
	show(id)

	s.Say("\n3. То же через PayMaster; АвтоВебОфис отвечает ошибкой 502, мост повторяет.")
	second := office.AddAccount(autowebofficetest.Account{Sum: money.RUB(1499, 90)})
	number2, err := s.Run(ctx, "invoice", "-ref", strconv.Itoa(second), "-shop", "pm")
	if err != nil {
		return err
	}
	office.Fail(autowebofficetest.Fault{Op: autowebofficetest.OpChangeAccount, Kind: autowebofficetest.ServerError})
	if err := s.Pay("pm", number2); err != nil {
		return err
	}
	if err := s.Wait(ctx, "the second invoice to be paid", paid(second)); err != nil {
		return err
	}
	show(second)

	s.Say("\n4. Сумма счёта изменилась после выдачи ссылки: счёт не отмечен, решает человек.")
	third := office.AddAccount(autowebofficetest.Account{Sum: money.RUB(50, 0)})
	number3, err := s.Run(ctx, "invoice", "-ref", strconv.Itoa(third))
	if err != nil {
		return err
	}
	office.SetSum(third, money.RUB(500, 0))
	if err := s.Pay("sber", number3); err != nil {
		return err
	}
	if err := s.Wait(ctx, "the sum to be noticed", func() bool { return attention(ctx, s, 1) }); err != nil {
		return err
	}
	show(third)

	s.Say("\n5. Возврат 50 рублей: деньги вернул банк, в карточке счёта возврат отмечает человек.")
	if _, err := s.Run(ctx, "refund", number); err != nil {
		return err
	}
	if err := s.Wait(ctx, "the refund", func() bool { return attention(ctx, s, 2) }); err != nil {
		return err
	}
	_, err = s.Run(ctx, "news")
	return err
}

// attention says whether so much waits for a person.
func attention(ctx context.Context, s *stage.Stage, n int) bool {
	counts, err := s.Bridge().Outbox().Count(ctx, "autoweboffice")
	return err == nil && counts["attention"] == n
}
