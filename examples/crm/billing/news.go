package billing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// fromLook is the source of news that a person asked for («Проверить»), or
// that an answer to our own request brought.
const fromLook webhook.Source = "look"

// process takes one piece of news in the inbox's transaction: what it writes
// is there if and only if the news is marked as handled.
func (b *Service) process(ctx context.Context, e webhook.Event) error {
	if e.Callback.Kind != acquiring.CallbackPayment || e.Payment == nil {
		return nil
	}
	tx := sqlinbox.Tx(ctx)
	found, err := b.find(ctx, tx, e)
	if errors.Is(err, store.ErrNotFound) {
		shop, _ := shops.ShopOf(ctx)
		return b.Store.Write(ctx, tx, store.Entry{Actor: ByBank, Event: "payment.stranger", Subject: "shop", SubjectID: shop.ID,
			Text: "Пришла новость о платеже, которого нет в CRM: заказ " + e.Payment.OrderID, After: StatusText(e.Payment.Status)})
	}
	if err != nil {
		return err
	}
	a, err := b.Store.LockAttempt(ctx, tx, found.ID)
	if err != nil {
		return err
	}
	if e.GaveUp && !came(e.Payment.Status) {
		a.Open = false
	}
	return b.take(ctx, tx, a, e.Payment, e.Source)
}

// find is the attempt that the news is about. A callback to a shop's address
// is about that shop's orders only.
func (b *Service) find(ctx context.Context, tx *sql.Tx, e webhook.Event) (store.Attempt, error) {
	shop, known := shops.ShopOf(ctx)
	a, err := b.Store.AttemptByOrder(ctx, tx, e.Payment.OrderID)
	if errors.Is(err, store.ErrNotFound) && known {
		a, err = b.Store.AttemptByPayment(ctx, tx, shop.ID, e.Payment.ID)
	}
	if err == nil && known && a.ShopID != shop.ID {
		return a, store.ErrNotFound
	}
	return a, err
}

// came says whether the customer's money is there, taken or held.
func came(s acquiring.Status) bool { return s.Succeeded() || s == acquiring.StatusAuthorized }

// took says whether the attempt's own payment has brought money, also if that
// went back since.
func took(a store.Attempt) bool {
	return a.PaymentID != "" && (came(a.Status) || a.Status == acquiring.StatusVoided || a.Captured > 0)
}

// take applies news if it is the attempt's. One order number may have several
// payments: PayMaster's client withdraws one whose link was lost, and its end
// comes late. So the end of another payment is nothing to the attempt; money
// is, unless the attempt has some already. The attempt's row is locked.
func (b *Service) take(ctx context.Context, tx *sql.Tx, a store.Attempt, p *acquiring.Payment, source webhook.Source) error {
	other := p.ID != "" && p.ID != a.PaymentID
	if p.Test && came(p.Status) {
		shop, err := b.Store.Shop(ctx, tx, a.ShopID)
		if err != nil {
			return err
		}
		if shop.Production {
			return b.simulated(ctx, tx, shop, a, p)
		}
	}
	switch {
	case other && came(p.Status) && took(a):
		return b.second(ctx, tx, a, p)
	case other && came(p.Status):
		if a.PaymentID != "" && !a.Status.Final() {
			// Its page is open still, and nobody is to pay there any more.
			if err := b.Store.AddWithdrawal(ctx, tx, a.ID, a.PaymentID); err != nil {
				return err
			}
		}
		a.PaymentID, a.Status = p.ID, acquiring.StatusPending
	case other && a.PaymentID != "":
		return nil
	}
	return b.apply(ctx, tx, a, p, source)
}

// simulated tells the staff of a test card's money at a shop in its working mode:
// the site was left in its test mode at the provider. There is no money, so none
// is credited, and no receipt printed.
func (b *Service) simulated(ctx context.Context, tx *sql.Tx, shop store.Shop, a store.Attempt, p *acquiring.Payment) error {
	text := fmt.Sprintf("Заказ %s оплачен в тестовом режиме провайдера: %s на сумму %s (%s). Настоящих денег нет, поэтому ничего не зачислено. Переведите магазин в рабочий режим в кабинете провайдера",
		a.OrderID, p.ID, Rubles(p.Amount), StatusText(p.Status))
	if err := b.notify(ctx, tx, shop, "Тестовая оплата заказа "+a.OrderID, text); err != nil {
		return err
	}
	return b.journal(ctx, tx, ByBank, "payment.test", a.InvoiceID, text, state(a), StatusText(p.Status))
}

// second tells the staff of money that came for an attempt that had its money
// already. It is not credited: whose it is, a person has to find out.
func (b *Service) second(ctx context.Context, tx *sql.Tx, a store.Attempt, p *acquiring.Payment) error {
	shop, err := b.Store.Shop(ctx, tx, a.ShopID)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Второй платёж по заказу %s: %s на сумму %s (%s). Деньги по этому заказу уже пришли платежом %s, поэтому второй не зачислен. Проверьте его в кабинете банка и верните деньги, если они лишние",
		a.OrderID, p.ID, Rubles(p.Amount), StatusText(p.Status), a.PaymentID)
	if err := b.notify(ctx, tx, shop, "Второй платёж по заказу "+a.OrderID, text); err != nil {
		return err
	}
	return b.journal(ctx, tx, ByBank, "payment.stranger", a.InvoiceID, text, state(a), StatusText(p.Status))
}

// apply brings an attempt to where the provider says that it stands, and posts
// the difference. The attempt's row is locked.
func (b *Service) apply(ctx context.Context, tx *sql.Tx, a store.Attempt, p *acquiring.Payment, source webhook.Source) error {
	before := a
	if a.PaymentID == "" && a.State == store.Refused {
		a.PaymentID = p.ID // nobody creates another one under this number
	}
	// Until an order's payment is known it may yet be created, after this one.
	known := a.PaymentID != ""
	if known && a.State != store.Refused {
		a.State = store.Issued
	}
	a.ProviderStatus = p.ProviderStatus
	if p.Method != "" {
		a.Method = string(p.Method)
	}
	if p.Card != nil && p.Card.Masked != "" {
		a.Card = p.Card.Masked
	}
	if a.Status.CanBecome(p.Status) {
		a.Status, a.Trouble = p.Status, ""
		if p.Failure != nil {
			a.Trouble = p.Failure.Message
		}
	}
	// Sums only grow: late news never takes a posting back.
	a.Captured, a.Refunded = max(a.Captured, p.Captured), max(a.Refunded, p.Refunded)
	if p.Status == acquiring.StatusVoided && p.Captured == 0 && a.Captured > 0 {
		// The bank took a payment of the same day back as a whole.
		a.Refunded = a.Captured
	}
	// News of two attempts of one invoice must see each other's sums.
	if err := b.Store.LockInvoice(ctx, tx, a.InvoiceID); err != nil {
		return err
	}
	i, err := b.Store.Invoice(ctx, tx, a.InvoiceID)
	if err != nil {
		return err
	}
	shop, err := b.Store.Shop(ctx, tx, a.ShopID)
	if err != nil {
		return err
	}
	if err := b.post(ctx, tx, i, shop, before, a); err != nil {
		return err
	}
	open, err := b.settleRefunds(ctx, tx, a)
	if err != nil {
		return err
	}
	if a.Status.Final() && (known || a.State != store.Creating) {
		a.Open = open
	}
	if err := b.Store.SaveAttempt(ctx, tx, a); err != nil {
		return err
	}
	if before.Status == a.Status && before.Captured == a.Captured && before.Refunded == a.Refunded {
		return nil
	}
	if err := b.moveInvoice(ctx, tx, i, a); err != nil {
		return err
	}
	actor := ByBank
	if source == webhook.FromPoller {
		actor = BySystem
	}
	return b.journal(ctx, tx, actor, "payment."+a.Status.String(), i.ID, fmt.Sprintf("Заказ %s: %s (%s)", a.OrderID, StatusText(a.Status), sourceText(source)),
		state(before), state(a))
}

func state(a store.Attempt) string {
	return fmt.Sprintf("%s, получено %s, возвращено %s", StatusText(a.Status), Rubles(a.Captured), Rubles(a.Refunded))
}

func sourceText(s webhook.Source) string {
	switch s {
	case webhook.FromCallback:
		return "уведомление банка"
	case webhook.FromPoller:
		return "опрос банка"
	}
	return "проверка в банке"
}

// post writes the postings of what has changed, and enqueues their receipts.
func (b *Service) post(ctx context.Context, tx *sql.Tx, i store.Invoice, shop store.Shop, before, now store.Attempt) error {
	p := store.Posting{ClientID: i.ClientID, ShopID: shop.ID, AttemptID: now.ID, CashDesk: shop.CashDeskID, PayType: shop.PayTypeID, Article: shop.ArticleID, Author: ByBank}
	if paid := now.Captured - before.Captured; paid > 0 {
		p.Key, p.Kind, p.Amount = fmt.Sprintf("attempt-%d-captured-%d", now.ID, now.Captured), store.PostedPayment, paid
		p.Note = "Оплата счёта № " + fmt.Sprint(i.ID) + ": " + i.Description
		posted, err := b.Store.Post(ctx, tx, p)
		if err != nil {
			return err
		}
		if posted {
			if err := b.receiptOfSale(ctx, tx, shop, now); err != nil {
				return err
			}
			if err := b.notify(ctx, tx, shop, fmt.Sprintf("Поступила оплата %s", Rubles(paid)), fmt.Sprintf("%s: %s", i.ClientName, p.Note)); err != nil {
				return err
			}
		}
	}
	if back := now.Refunded - before.Refunded; back > 0 {
		p.Key, p.Kind, p.Amount = fmt.Sprintf("attempt-%d-refunded-%d", now.ID, now.Refunded), store.PostedRefund, -back
		p.Note = "Возврат по счёту № " + fmt.Sprint(i.ID)
		posted, err := b.Store.Post(ctx, tx, p)
		if err != nil {
			return err
		}
		if posted {
			return b.receiptOfReturn(ctx, tx, shop, now, before.Refunded, back)
		}
	}
	return nil
}

// settleRefunds marks accepted refunds done as far as the provider's sum
// reaches, oldest first, and says whether some are still open.
func (b *Service) settleRefunds(ctx context.Context, tx *sql.Tx, a store.Attempt) (open bool, err error) {
	refunds, err := b.Store.Refunds(ctx, tx, a.ID)
	if err != nil {
		return false, err
	}
	left := a.Refunded
	for _, r := range refunds {
		if r.Status == store.RefundDone {
			left -= r.Amount
		}
	}
	for _, r := range refunds {
		if r.Status == store.RefundDone || r.Status == store.RefundFailed {
			continue
		}
		if r.Amount <= left && r.Status != store.RefundNew {
			left -= r.Amount
			r.Status, r.Trouble = store.RefundDone, ""
			if err := b.Store.SaveRefund(ctx, tx, r); err != nil {
				return false, err
			}
			continue
		}
		open = true
	}
	return open, nil
}

// moveInvoice derives the invoice's status from all of its attempts: money
// that came goes before anything else.
func (b *Service) moveInvoice(ctx context.Context, tx *sql.Tx, i store.Invoice, changed store.Attempt) error {
	attempts, err := b.Store.Attempts(ctx, tx, i.ID)
	if err != nil {
		return err
	}
	status := i.Status
	var taken, back money.Amount
	held := false
	for _, a := range attempts {
		taken, back = taken+a.Captured, back+a.Refunded
		held = held || a.Status == acquiring.StatusAuthorized
	}
	var paid time.Time
	switch {
	case taken > 0 && back >= taken:
		status = acquiring.StatusRefunded
	case back > 0:
		status = acquiring.StatusPartiallyRefunded
	case taken > 0:
		status, paid = acquiring.StatusPaid, b.Store.Now()
	case held:
		status = acquiring.StatusAuthorized
	case i.Status == acquiring.StatusCanceled:
	case changed.Status == acquiring.StatusVoided:
		status = acquiring.StatusVoided
	case changed.N == len(attempts):
		// A declined or expired attempt leaves the invoice waiting: the next
		// one may be begun by its link.
		status = acquiring.StatusPending
	}
	if status == i.Status {
		return nil
	}
	return b.Store.SetInvoiceStatus(ctx, tx, i.ID, status, paid)
}

// Look asks the provider where an attempt stands and takes the answer as news.
func (b *Service) Look(ctx context.Context, attempt int64) error {
	a, err := b.Store.Attempt(ctx, b.Store.DB, attempt)
	if err != nil {
		return err
	}
	shop, err := b.Store.Shop(ctx, b.Store.DB, a.ShopID)
	if err != nil {
		return err
	}
	bank, err := b.Shops.Acquirer(shop)
	if err != nil {
		return err
	}
	var p *acquiring.Payment
	if a.PaymentID != "" {
		p, err = bank.GetStatus(ctx, a.PaymentID)
	} else if f, ok := bank.(acquiring.Finder); ok {
		p, err = f.FindByOrder(ctx, a.OrderID)
	} else {
		return problem("Провайдер не умеет искать по номеру заказа")
	}
	if err != nil {
		return err
	}
	return b.learn(ctx, bank, shop, a, p)
}

// learn takes what the provider answered of an attempt's payment as news.
func (b *Service) learn(ctx context.Context, bank acquiring.Acquirer, shop store.Shop, a store.Attempt, p *acquiring.Payment) error {
	if p.OrderID != "" && p.OrderID != a.OrderID {
		return problem("Провайдер ответил о другом заказе")
	}
	if p.Amount != 0 && p.Amount != a.Amount {
		return problem("Сумма у провайдера не равна сумме счёта: ничего не зачислено")
	}
	ctx = context.WithoutCancel(ctx)
	take := func(ctx context.Context, tx *sql.Tx) error {
		now, err := b.Store.LockAttempt(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		return b.take(ctx, tx, now, p, fromLook)
	}
	name, label := "crm", shops.Label(shop.ID)
	if named, ok := bank.(acquiring.Named); ok {
		name, label = named.Name()
	}
	key := webhook.NewsKey(name, label, p)
	if key == "" { // pending: no news, but the status's words are stored
		return b.Store.InTx(ctx, func(tx *sql.Tx) error { return take(ctx, tx) })
	}
	return b.inbox.Once(ctx, key, func(ctx context.Context) error { return take(ctx, sqlinbox.Tx(ctx)) })
}

// pending yields the attempts that the Poller asks for.
func (b *Service) pending(ctx context.Context) iter.Seq2[webhook.Pending, error] {
	return func(yield func(webhook.Pending, error) bool) {
		rows := map[int64]store.Shop{}
		for after := int64(0); ; {
			attempts, err := b.Store.OpenAttempts(ctx, b.Store.DB, after, 200)
			if err != nil {
				yield(webhook.Pending{}, err)
				return
			}
			if len(attempts) == 0 {
				return
			}
			for _, a := range attempts {
				after = a.ID
				if a.State == store.Creating && b.Store.Now().Sub(a.CreatedAt) < time.Minute {
					continue // being created just now
				}
				shop, ok := rows[a.ShopID]
				if !ok {
					if shop, err = b.Store.Shop(ctx, b.Store.DB, a.ShopID); err != nil {
						yield(webhook.Pending{}, err)
						return
					}
					rows[a.ShopID] = shop
				}
				bank, err := b.Shops.Acquirer(shop)
				if err != nil {
					continue // its settings are broken; the shop's page says so
				}
				p, err := b.pendingOf(ctx, a)
				if err != nil {
					yield(webhook.Pending{}, err)
					return
				}
				p.Acquirer = bank
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

// pendingOf is an attempt as the Poller is to ask for it.
func (b *Service) pendingOf(ctx context.Context, a store.Attempt) (webhook.Pending, error) {
	p := webhook.Pending{ID: a.PaymentID, OrderID: a.OrderID, Status: a.Status, Since: a.CreatedAt}
	if !a.ExpiresAt.IsZero() {
		p.Until = a.ExpiresAt.Add(24 * time.Hour)
	}
	if a.Status == acquiring.StatusAuthorized {
		p.Until = a.CreatedAt.Add(longest) // a hold outlives its page
	}
	if a.Captured == 0 {
		return p, nil
	}
	// A paid one is open for its refunds, which may begin long after it.
	refunds, err := b.Store.Refunds(ctx, b.Store.DB, a.ID)
	if err != nil {
		return p, err
	}
	for _, r := range refunds {
		if r.Status != store.RefundFailed && r.CreatedAt.After(p.Since) {
			p.Since, p.Until = r.CreatedAt, r.CreatedAt.Add(longest)
		}
	}
	return p, nil
}

// longest is how long a hold, and a refund that was accepted, is asked for.
const longest = 30 * 24 * time.Hour
