package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/money"
)

// event is something that happened before the person came.
type event struct {
	client, shop int // by their order, from 0
	amount       money.Amount
	what         string
	pay          bool
	back         money.Amount
	charge       money.Amount
}

func events() []event {
	return []event{
		{client: 0, shop: 0, amount: money.RUB(12500, 0), what: "Английский, месяц", pay: true, charge: money.RUB(9375, 0)},
		{client: 1, shop: 1, amount: money.RUB(7800, 0), what: "Математика ЕГЭ, 4 занятия", pay: true, charge: money.RUB(7800, 0)},
		{client: 2, shop: 3, amount: money.RUB(24900, 0), what: "Летний лагерь, первая смена", pay: true, back: money.RUB(4900, 0)},
		{client: 3, shop: 2, amount: money.RUB(3000, 0), what: "Бронь места в лагере", pay: true},
		{client: 4, shop: 4, amount: money.RUB(6400, 50), what: "Интенсив по акварели", pay: true, charge: money.RUB(3200, 0)},
		{client: 5, shop: 5, amount: money.RUB(9900, 0), what: "Python для взрослых, месяц", pay: true},
		{client: 2, shop: 6, amount: money.RUB(1490, 0), what: "Футболка «Высота»", pay: true},
		{client: 6, shop: 0, amount: money.RUB(18000, 0), what: "Индивидуальные занятия, 6 часов"},
		{client: 1, shop: 5, amount: money.RUB(7800, 0), what: "Математика ЕГЭ, 4 занятия"},
	}
}

// History makes the events through the CRM and the sandbox, as they would
// happen.
func (d *Demo) History(ctx context.Context, b *billing.Service) error {
	clients, err := d.Store.Clients(ctx, d.Store.DB)
	if err != nil {
		return err
	}
	byID := map[int64]bool{}
	for _, c := range clients {
		byID[c.ID] = true
	}
	all, err := d.Store.Shops(ctx, d.Store.DB)
	if err != nil {
		return err
	}
	for _, e := range events() {
		client, shop := int64(e.client+1), all[e.shop]
		if !byID[client] {
			return errors.New("the demonstration's clients are gone")
		}
		id, err := b.Issue(ctx, billing.NewInvoice{ClientID: client, ShopID: shop.ID, Amount: e.amount, Description: e.what, Author: Login})
		if err != nil {
			return err
		}
		if !e.pay {
			continue
		}
		a, err := b.Pay(ctx, id, billing.ByClient)
		if err != nil {
			return fmt.Errorf("%s: %w", shop.Name, err)
		}
		if err := d.PayInSandbox(shop, a); err != nil {
			return fmt.Errorf("%s: %w", shop.Name, err)
		}
		if err := d.await(ctx, id); err != nil {
			return fmt.Errorf("%s: %w", shop.Name, err)
		}
		if e.back > 0 {
			if _, err := b.Refund(ctx, a.ID, secret.Random(24), e.back, "Смена короче на день", Login); err != nil {
				return fmt.Errorf("%s: %w", shop.Name, err)
			}
		}
		if e.charge > 0 {
			if _, err := d.Store.Post(ctx, d.Store.DB, store.Posting{Key: "charge-" + secret.Random(24), ClientID: client, Kind: store.PostedCharge, Amount: -e.charge, Note: "Занятия: " + e.what, Author: Login}); err != nil {
				return err
			}
		}
	}
	return nil
}

// PayInSandbox plays the client on the provider's payment page.
func (d *Demo) PayInSandbox(shop store.Shop, a store.Attempt) error {
	id := string(a.PaymentID)
	switch shop.Provider {
	case "sberbank", "sberbank-legacy":
		if shop.Settings.SBPOnly {
			return d.Sandbox.Sberbank.PaySBP(id)
		}
		return d.Sandbox.Sberbank.Pay(id)
	case "alfabank":
		return d.Sandbox.AlfaBank.Pay(id)
	case "paymaster":
		return d.Sandbox.PayMaster.Pay(id)
	case "paymaster-classic":
		return d.Sandbox.PayMaster.Pay(a.PayURL)
	case "tochka":
		return d.Sandbox.Tochka.Pay(id)
	case "paykeeper":
		return d.Sandbox.PayKeeper.Pay(id)
	}
	return fmt.Errorf("no sandbox for %s", shop.Provider)
}

// await waits for the callback to have been credited.
func (d *Demo) await(ctx context.Context, invoice int64) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		i, err := d.Store.Invoice(ctx, d.Store.DB, invoice)
		if err != nil {
			return err
		}
		if i.Status.Succeeded() || i.Status.String() == "authorized" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("invoice %d: no callback came: %w", invoice, ctx.Err())
		case <-tick.C:
		}
	}
}
