package billing

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Refundable is what may still be asked to be given back of an attempt: what
// is captured, less what is refunded or promised.
func (b *Service) Refundable(ctx context.Context, db store.DB, a store.Attempt) (money.Amount, error) {
	refunds, err := b.Store.Refunds(ctx, db, a.ID)
	if err != nil {
		return 0, err
	}
	var asked money.Amount
	for _, r := range refunds {
		if r.Status != store.RefundFailed {
			asked += r.Amount
		}
	}
	// Refunds made in the bank's cabinet are known by the provider's sum only.
	return a.Captured - max(asked, a.Refunded), nil
}

// Refund gives money back. form is of the page that asked: however often it is
// sent, one refund is made.
func (b *Service) Refund(ctx context.Context, attempt int64, form string, amount money.Amount, reason, actor string) (store.Refund, error) {
	var r store.Refund
	fresh := false
	err := b.Store.InTx(ctx, func(tx *sql.Tx) error {
		a, err := b.Store.LockAttempt(ctx, tx, attempt)
		if err != nil {
			return err
		}
		r, err = b.Store.RefundByForm(ctx, tx, form)
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return err // the second click
		}
		left, err := b.Refundable(ctx, tx, a)
		if err != nil {
			return err
		}
		if amount <= 0 || amount > left {
			return problem(fmt.Sprintf("Вернуть можно от 0,01 до %s", Rubles(left)))
		}
		shop, err := b.Store.Shop(ctx, tx, a.ShopID)
		if err != nil {
			return err
		}
		r = store.Refund{AttemptID: attempt, Form: form, Key: "r-" + form, Amount: amount, Reason: reason, Status: store.RefundNew, Author: actor}
		if Printer(a, shop) == "acquirer" && a.Receipt != "" && refundReceipts(shop.Provider) {
			earlier, err := b.Store.Refunds(ctx, tx, a.ID)
			if err != nil {
				return err
			}
			back, err := receiptOfRefund(shop.Provider, a, "r-"+form, left, amount, earlier)
			if err != nil {
				t := shops.Russian(err, nil)
				return &Problem{Text: t.Text, Detail: t.Detail}
			}
			text, err := json.Marshal(back)
			if err != nil {
				return err
			}
			r.Receipt = string(text)
		}
		if r.ID, err = b.Store.AddRefund(ctx, tx, r); err != nil {
			return err
		}
		fresh = true
		return b.journal(ctx, tx, actor, "refund.asked", a.InvoiceID, "Возврат "+Rubles(amount)+": "+reason, "", "заказ "+a.OrderID)
	})
	if err != nil || !fresh {
		return r, err
	}
	// It is stored, so it is asked for even if the person has closed the page.
	return b.execute(context.WithoutCancel(ctx), r, true)
}

// refundReceipts says whether the provider takes a receipt with a refund.
// Tochka's partner prints the sale's only.
func refundReceipts(provider string) bool { return provider != "tochka" }

// Execute asks the provider what became of a refund that is stored, and for the
// refund if nothing did: it is never made twice.
func (b *Service) Execute(ctx context.Context, refund int64) (store.Refund, error) {
	r, err := b.Store.Refund(ctx, b.Store.DB, refund)
	if err != nil {
		return r, err
	}
	return b.execute(ctx, r, false)
}

// refundLocks keeps the numbers of attempts apart from other locks of the
// database.
const refundLocks = 0x63726d << 40

// execute asks for a refund. fresh: nobody has asked for it before. The refunds
// of a payment go one by one, in all copies of the program: some providers tell
// what became of one by nothing but the sums before and after it.
func (b *Service) execute(ctx context.Context, r store.Refund, fresh bool) (store.Refund, error) {
	defer b.busy.lock(-r.AttemptID)()
	select {
	case b.places <- struct{}{}:
		defer func() { <-b.places }()
	case <-ctx.Done():
		return r, ctx.Err()
	}
	end, err := b.Store.Alone(ctx, refundLocks|r.AttemptID)
	if err != nil {
		return r, err
	}
	defer end()
	if r, err = b.Store.Refund(ctx, b.Store.DB, r.ID); err != nil || r.Status == store.RefundDone || r.Status == store.RefundFailed {
		return r, err
	}
	a, err := b.Store.Attempt(ctx, b.Store.DB, r.AttemptID)
	if err != nil {
		return r, err
	}
	shop, err := b.Store.Shop(ctx, b.Store.DB, a.ShopID)
	if err != nil {
		return r, err
	}
	bank, err := b.Shops.Acquirer(shop)
	if err != nil {
		return r, err
	}
	if p := shops.ByKey(shop.Provider); !fresh && p.ForgetsKeys {
		again, err := b.foundOut(ctx, a, &r)
		if err != nil || !again {
			return r, err
		}
	}
	req := acquiring.RefundRequest{ID: a.PaymentID, Key: r.Key, Amount: r.Amount, Reason: r.Reason}
	all, err := b.Store.Refunds(ctx, b.Store.DB, a.ID)
	if err != nil {
		return r, err
	}
	for _, other := range all {
		if other.ID != r.ID && other.ProviderID != "" {
			req.Known = append(req.Known, other.ProviderID)
		}
	}
	if r.Receipt != "" {
		req.Receipt = new(fiscal.Receipt)
		if err := json.Unmarshal([]byte(r.Receipt), req.Receipt); err != nil {
			return r, err
		}
	}
	// The answer is stored even if the person has closed the page.
	ctx = context.WithoutCancel(ctx)
	made, cause := bank.Refund(ctx, req)
	if r, err = b.refunded(ctx, a, r, made, cause); err != nil {
		return r, err
	}
	if r.Status != store.RefundFailed {
		if err := b.Look(ctx, a.ID); err != nil {
			b.Logger.Warn("status after a refund", "order", a.OrderID, "error", err)
		}
	}
	return b.Store.Refund(ctx, b.Store.DB, r.ID)
}

// unclear is what is said of a refund whose answer was lost.
const unclear = "Банк не ответил, и неизвестно, выполнен ли возврат. Нажмите «Проверить»: второй раз деньги не вернутся."

// foundOut reads the payment, by whose sums a refund that was asked for before
// is known to be done, and says whether to ask for it again.
func (b *Service) foundOut(ctx context.Context, a store.Attempt, r *store.Refund) (again bool, err error) {
	if r.Status == store.RefundNew { // the program ended before the answer
		r.Status, r.Trouble = store.RefundUnclear, unclear
		err := b.Store.InTx(ctx, func(tx *sql.Tx) error {
			now, err := b.Store.LockAttempt(ctx, tx, a.ID)
			if err != nil {
				return err
			}
			if err := b.Store.SaveRefund(ctx, tx, *r); err != nil {
				return err
			}
			_, err = b.settleRefunds(ctx, tx, now)
			return err
		})
		if err != nil {
			return false, err
		}
	}
	if err := b.Look(ctx, a.ID); err != nil {
		b.Logger.Warn("status before a refund", "order", a.OrderID, "error", err)
		return false, problem("Банк сейчас не отвечает, и исход возврата ещё неизвестен. Проверьте позже: второй раз деньги не вернутся.")
	}
	if *r, err = b.Store.Refund(ctx, b.Store.DB, r.ID); err != nil || r.Status == store.RefundDone {
		return false, err
	}
	// What the bank does later is not in the sums yet.
	return r.Status != store.RefundPending && a.Method != string(acquiring.MethodSBP), nil
}

// refunded stores what the provider answered.
func (b *Service) refunded(ctx context.Context, a store.Attempt, r store.Refund, made *acquiring.Refund, cause error) (store.Refund, error) {
	text := ""
	switch {
	case cause == nil && made.Status == acquiring.RefundDone:
		r.Status, r.Trouble, text = store.RefundDone, "", "Возврат выполнен: "+Rubles(r.Amount)
	case cause == nil && made.Status == acquiring.RefundFailed:
		r.Status, r.Trouble = store.RefundFailed, "Банк не выполнил возврат"
		text = r.Trouble
	case cause == nil:
		r.Status, r.Trouble, text = store.RefundPending, "", "Возврат принят банком: "+Rubles(r.Amount)
	case acquiring.OutcomeOf(cause) == acquiring.OutcomeUnknown:
		r.Status, r.Trouble = store.RefundUnclear, unclear
		text = "Исход возврата неизвестен"
	case errors.Is(cause, acquiring.ErrDuplicate):
		// The bank has heard of this refund before, and cannot say which it is.
		r.Status, r.Trouble = store.RefundUnclear, "Банк уже получал этот возврат, но не говорит, чем он кончился. Сверьте возвраты в кабинете банка: второй раз деньги не вернутся."
		text = "Исход возврата неизвестен"
	default:
		r.Status, r.Trouble = store.RefundFailed, shops.Russian(cause, nil).Text
		text = "Возврат отклонён: " + r.Trouble
	}
	if made != nil {
		r.ProviderID = made.ID
	}
	if cause != nil {
		b.Logger.Warn("refund", "order", a.OrderID, "error", cause)
	}
	err := b.Store.InTx(ctx, func(tx *sql.Tx) error {
		now, err := b.Store.LockAttempt(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		stored, err := b.Store.Refund(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		if stored.Status == store.RefundDone {
			// The payment's sums have shown it meanwhile, and the answer to a repeat
			// does not undo it.
			r.Status, r.Trouble, text = store.RefundDone, "", "Возврат выполнен: "+Rubles(r.Amount)
		}
		if err := b.Store.SaveRefund(ctx, tx, r); err != nil {
			return err
		}
		// The news of it may have been faster than the answer: nothing comes after
		// that would settle it.
		open, err := b.settleRefunds(ctx, tx, now)
		if err != nil {
			return err
		}
		all, err := b.Store.Refunds(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		var done money.Amount
		for _, other := range all {
			if other.Status == store.RefundDone {
				done += other.Amount
			}
		}
		// The poller learns of its end, and of its posting.
		now.Open = open || done > now.Refunded || !now.Status.Final()
		if err := b.Store.SaveAttempt(ctx, tx, now); err != nil {
			return err
		}
		return b.journal(ctx, tx, ByBank, "refund."+r.Status, a.InvoiceID, text, "", r.ProviderID)
	})
	return r, err
}

// Capture takes held money: amount of it, or (0) all (подтвердить холд).
func (b *Service) Capture(ctx context.Context, attempt int64, amount money.Amount, actor string) error {
	return b.hold(ctx, attempt, actor, func(c acquiring.Capturer, a store.Attempt, shop store.Shop) (string, error) {
		if amount < 0 || amount > a.Amount {
			return "", problem("Списать можно не больше удержанного: " + Rubles(a.Amount))
		}
		req := acquiring.CaptureRequest{ID: a.PaymentID, Amount: amount}
		text := "Холд подтверждён: " + Rubles(a.Amount)
		if amount != 0 && amount != a.Amount {
			text = "Холд подтверждён частично: " + Rubles(amount)
			if Printer(a, shop) == "acquirer" && a.Receipt != "" && shop.Provider != "paykeeper" && shop.Provider != "tochka" && shop.Provider != "paymaster-classic" {
				part, err := partOf(a, amount)
				if err != nil {
					return "", err
				}
				req.Receipt = &part
			}
		}
		_, err := c.Capture(ctx, req)
		return text, err
	})
}

// Void releases a hold (отменить холд).
func (b *Service) Void(ctx context.Context, attempt int64, actor string) error {
	return b.hold(ctx, attempt, actor, func(c acquiring.Capturer, a store.Attempt, _ store.Shop) (string, error) {
		_, err := c.Void(ctx, a.PaymentID)
		return "Холд отменён, деньги разблокированы", err
	})
}

func (b *Service) hold(ctx context.Context, attempt int64, actor string, do func(acquiring.Capturer, store.Attempt, store.Shop) (string, error)) error {
	a, err := b.Store.Attempt(ctx, b.Store.DB, attempt)
	if err != nil {
		return err
	}
	defer b.busy.lock(a.InvoiceID)()
	shop, err := b.Store.Shop(ctx, b.Store.DB, a.ShopID)
	if err != nil {
		return err
	}
	bank, err := b.Shops.Acquirer(shop)
	if err != nil {
		return err
	}
	c, ok := bank.(acquiring.Capturer)
	if !ok || a.Status != acquiring.StatusAuthorized {
		return problem("Деньги по этому платежу не удержаны")
	}
	ctx = context.WithoutCancel(ctx)
	text, cause := do(c, a, shop)
	if cause != nil {
		var shown *Problem
		if errors.As(cause, &shown) {
			return cause
		}
		// Whatever the answer, the provider says where the payment stands.
		_ = b.Look(ctx, a.ID)
		t := shops.Russian(cause, nil)
		b.Logger.Warn("hold", "order", a.OrderID, "error", cause)
		return &Problem{Text: t.Text, Detail: t.Detail}
	}
	if err := b.journal(ctx, b.Store.DB, actor, "hold", a.InvoiceID, text, StatusText(a.Status), ""); err != nil {
		return err
	}
	if err := b.Look(ctx, a.ID); err != nil {
		b.Logger.Warn("status after a hold", "order", a.OrderID, "error", err) // the poller asks again
	}
	return nil
}
