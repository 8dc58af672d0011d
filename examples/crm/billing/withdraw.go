package billing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
)

// withdrawTries is how often a provider is asked to close a page before a
// person is told: about an hour.
const withdrawTries = 12

// Withdraw closes the pages of payments whose order was paid by another one.
func (b *Service) Withdraw(ctx context.Context) error {
	due, err := b.Store.WithdrawalsDue(ctx, b.Store.DB, 20)
	if err != nil {
		return err
	}
	var faults []error
	for _, w := range due {
		if ctx.Err() != nil {
			break
		}
		faults = append(faults, b.withdraw(ctx, w))
	}
	return errors.Join(faults...)
}

func (b *Service) withdraw(ctx context.Context, w store.Withdrawal) error {
	a, err := b.Store.Attempt(ctx, b.Store.DB, w.AttemptID)
	if err != nil {
		return err
	}
	shop, err := b.Store.Shop(ctx, b.Store.DB, a.ShopID)
	if err != nil {
		return err
	}
	w.Tries++
	w.NextAt = b.Store.Now().Add(min(5*time.Second<<w.Tries, 10*time.Minute))
	text, cause := b.closePage(ctx, shop, a, w.PaymentID)
	var shown *Problem
	switch {
	case cause == nil:
		w.State = store.WithdrawalDone
	case w.Tries >= withdrawTries, errors.As(cause, &shown), acquiring.OutcomeOf(cause) == acquiring.OutcomeRejected && !acquiring.Temporary(cause):
		w.State = store.WithdrawalFailed
		why := shops.Russian(cause, nil).Text
		if shown != nil {
			why = shown.Text
		}
		text = fmt.Sprintf("Заказ %s оплачен платежом %s, но страница другого его платежа %s осталась открытой, и по ней могут заплатить второй раз: %s. Отзовите её в кабинете банка и предупредите клиента",
			a.OrderID, a.PaymentID, w.PaymentID, why)
	}
	if cause != nil {
		b.Logger.Warn("a page that must not be paid", "order", a.OrderID, "payment", w.PaymentID, "error", cause)
	}
	return b.Store.InTx(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		mine, err := b.Store.SaveWithdrawal(ctx, tx, w)
		if err != nil || !mine || w.State == store.WithdrawalWaiting {
			return err
		}
		if w.State == store.WithdrawalFailed {
			if err := b.notify(ctx, tx, shop, "Страница оплаты заказа "+a.OrderID+" не закрыта", text); err != nil {
				return err
			}
		}
		return b.journal(ctx, tx, BySystem, "payment.withdrawn", a.InvoiceID, text, "", string(w.PaymentID))
	})
}

// closePage asks the provider to close a payment's page. One that was paid
// meanwhile is read and taken as news.
func (b *Service) closePage(ctx context.Context, shop store.Shop, a store.Attempt, id acquiring.PaymentID) (string, error) {
	bank, err := b.Shops.Acquirer(shop)
	if err != nil {
		return "", err
	}
	c, ok := bank.(acquiring.Canceler)
	if !ok {
		return "", problem("провайдер не умеет отзывать платежи")
	}
	err = c.Cancel(ctx, id)
	switch {
	case err == nil:
		return fmt.Sprintf("Заказ %s: страница лишнего платежа %s закрыта", a.OrderID, id), nil
	case errors.Is(err, acquiring.ErrNotFound):
		return fmt.Sprintf("Заказ %s: лишнего платежа %s у провайдера нет", a.OrderID, id), nil
	case !errors.Is(err, acquiring.ErrConflict):
		return "", err
	}
	p, readErr := bank.GetStatus(ctx, id)
	if readErr != nil {
		return "", readErr
	}
	if p.Status <= acquiring.StatusPending {
		return "", err
	}
	if err := b.learn(ctx, bank, shop, a, p); err != nil {
		return "", err
	}
	return fmt.Sprintf("Заказ %s: лишний платёж %s уже не ждёт оплаты, он %s", a.OrderID, id, StatusText(p.Status)), nil
}
