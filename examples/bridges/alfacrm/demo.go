package main

import (
	"context"
	"io"
	"strconv"

	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/alfacrmtest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/stage"
	"github.com/acquiring-go/acquiring/money"
)

// demo tells the whole story on emulators: of AlfaCRM, Sberbank and PayMaster.
func demo(ctx context.Context, out io.Writer) error {
	crm := alfacrmtest.NewServer()
	defer crm.Close()
	client := strconv.Itoa(alfacrmtest.DefaultCustomer)
	s, err := stage.Open(ctx, out, program, "alfacrm", map[string]any{"url": crm.URL, "email": alfacrmtest.DefaultEmail, "api_key": alfacrmtest.DefaultAPIKey,
		"post": place{BranchID: alfacrmtest.DefaultBranch, PayAccountID: alfacrmtest.DefaultCashDesk, PayItemID: alfacrmtest.DefaultArticle}})
	if err != nil {
		return err
	}
	defer s.Close()
	books := func() {
		for _, p := range crm.Pays() {
			s.Say("  в AlfaCRM: платёж %d, клиент %d, касса %d, статья %d, %s, доход %s, расход %s: %s", p.ID, p.Customer, p.CashDesk, p.Article, p.Date, p.Income, p.Expenditure, p.Note)
		}
		s.Say("  баланс клиента %s: %s", client, crm.Balance(alfacrmtest.DefaultCustomer))
	}
	balance := func(want money.Amount) func() bool {
		return func() bool { return crm.Balance(alfacrmtest.DefaultCustomer) == want }
	}

	s.Say("AlfaCRM, Сбер и PayMaster — эмуляторы; мост отвечает на %s.\n\n1. Проверка настроек.", s.URL)
	if _, err := s.Run(ctx, "check"); err != nil {
		return err
	}
	s.Say("\n2. Счёт клиенту %s; он платит картой, банк присылает уведомление, доход проведён.", client)
	number, err := s.Run(ctx, "invoice", "-ref", client, "-amount", "3500.00", "-description", "Занятия, октябрь")
	if err != nil {
		return err
	}
	if err := s.Pay("sber", number); err != nil {
		return err
	}
	if err := s.Wait(ctx, "the income", balance(money.RUB(3500, 0))); err != nil {
		return err
	}
	books()

	s.Say("\n3. Второй счёт, через PayMaster; AlfaCRM проводит платёж, но её ответ теряется. Мост сначала ищет, потом проводит: дохода не два.")
	crm.Fail(alfacrmtest.Fault{Op: alfacrmtest.OpPayCreate, Kind: alfacrmtest.LostAnswer})
	second, err := s.Run(ctx, "invoice", "-ref", client, "-amount", "1499.90", "-shop", "pm")
	if err != nil {
		return err
	}
	if err := s.Pay("pm", second); err != nil {
		return err
	}
	if err := s.Wait(ctx, "the second income", func() bool { return told(ctx, s, 2) }); err != nil {
		return err
	}
	books()

	s.Say("\n4. Возврат 1000 рублей по первому счёту.")
	if _, err := s.Run(ctx, "refund", number, "-amount", "1000.00"); err != nil {
		return err
	}
	if err := s.Wait(ctx, "the refund", func() bool { return told(ctx, s, 3) }); err != nil {
		return err
	}
	books()
	s.Say("")
	_, err = s.Run(ctx, "news", "-state", "done")
	return err
}

// told says whether AlfaCRM was told so much.
func told(ctx context.Context, s *stage.Stage, n int) bool {
	counts, err := s.Bridge().Outbox().Count(ctx, "alfacrm")
	return err == nil && counts["done"] == n
}
