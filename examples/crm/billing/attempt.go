package billing

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
)

// ErrAlreadyPaid says that there is nothing left to pay.
var ErrAlreadyPaid = errors.New("the invoice is paid")

// notNow is what a client is told: the shop's troubles are for its staff, beside
// the attempt and in the journal.
const notNow = "Сейчас оплатить не получается, деньги не списаны. Попробуйте позже или обратитесь в учебный центр."

// OrderID is an invoice's number at the provider. The prefix keeps two
// programs apart that share a test terminal.
func OrderID(shop store.Shop, invoice int64) string {
	return shop.Settings.OrderPrefix + strconv.FormatInt(invoice, 10)
}

// Pay gives an attempt whose link works: the one that is open, or a new one
// where its session has ended.
func (b *Service) Pay(ctx context.Context, invoice int64, actor string) (store.Attempt, error) {
	defer b.busy.lock(invoice)()
	for range 3 {
		i, err := b.Store.Invoice(ctx, b.Store.DB, invoice)
		if err != nil {
			return store.Attempt{}, err
		}
		if i.Status.Succeeded() || i.Status == acquiring.StatusAuthorized {
			return store.Attempt{}, ErrAlreadyPaid
		}
		shop, err := b.Store.Shop(ctx, b.Store.DB, i.ShopID)
		if err != nil {
			return store.Attempt{}, err
		}
		if i.Status == acquiring.StatusCanceled || !shop.Active {
			return store.Attempt{}, problem("Счёт отозван. Обратитесь в учебный центр за новым.")
		}
		attempts, err := b.Store.Attempts(ctx, b.Store.DB, invoice)
		if err != nil {
			return store.Attempt{}, err
		}
		var a store.Attempt
		if len(attempts) > 0 {
			a = attempts[len(attempts)-1]
		}
		switch usable, err := b.usable(ctx, shop, a); {
		case err != nil:
			return a, err
		case usable:
			return a, nil
		}
		if a.State != store.Creating && a.State != store.Unclear {
			if a, err = b.addAttempt(ctx, i, shop, len(attempts)+1, actor); err != nil {
				if now, readErr := b.Store.Attempts(ctx, b.Store.DB, invoice); readErr == nil && len(now) > len(attempts) {
					continue // another copy of the program was faster
				}
				return a, err
			}
		}
		if a, err = b.create(ctx, i, shop, a); err != nil || a.State == store.Issued {
			return a, err
		}
		// The number was taken: another attempt has another number.
	}
	return store.Attempt{}, problem("Не удалось создать платёж. Попробуйте через минуту.")
}

// usable says whether an attempt's link may be opened still. The provider is
// asked: a session may have ended, and the payment may have come.
func (b *Service) usable(ctx context.Context, shop store.Shop, a store.Attempt) (bool, error) {
	if a.ID == 0 || a.State != store.Issued || a.Status != acquiring.StatusPending {
		return false, nil
	}
	err := b.Look(ctx, a.ID)
	now, readErr := b.Store.Attempt(ctx, b.Store.DB, a.ID)
	switch {
	case readErr != nil:
		return false, readErr
	case now.Status.Succeeded() || now.Status == acquiring.StatusAuthorized:
		return false, ErrAlreadyPaid
	case now.Status != acquiring.StatusPending:
		return false, nil
	case errors.Is(err, acquiring.ErrNotFound):
		// Nobody has opened a classic PayMaster link yet; elsewhere the order
		// is gone.
		return shops.ByKey(shop.Provider).LinkLasts, nil
	}
	if !now.ExpiresAt.IsZero() && !b.Store.Now().Before(now.ExpiresAt) {
		return false, nil
	}
	return true, nil // also while the provider cannot be asked: its page may well work
}

// addAttempt stores the next attempt before the provider hears of it.
func (b *Service) addAttempt(ctx context.Context, i store.Invoice, shop store.Shop, n int, actor string) (a store.Attempt, err error) {
	client, err := b.Store.Client(ctx, b.Store.DB, i.ClientID)
	if err != nil {
		return a, err
	}
	a = store.Attempt{InvoiceID: i.ID, ShopID: shop.ID, N: n, OrderID: acquiring.Attempt(OrderID(shop, i.ID), n), State: store.Creating,
		Status: acquiring.StatusPending, Amount: i.Amount, Open: true, CreatedAt: b.Store.Now()}
	if shop.Settings.ReceiptBy != "" && shop.Settings.ReceiptBy != "none" {
		receipt := sale(i, shop, client, a.OrderID)
		// A receipt that is wrong stops the payment here, before any money.
		if err := receipt.Validate(); err != nil {
			t := shops.Russian(err, nil)
			if err := b.journal(ctx, b.Store.DB, BySystem, "attempt.refused", i.ID, t.Text, "", ""); err != nil {
				return a, err
			}
			return a, &Problem{Text: notNow, Detail: t.Detail}
		}
		text, err := json.Marshal(receipt)
		if err != nil {
			return a, err
		}
		a.Receipt, a.PrintedBy = string(text), shop.Settings.ReceiptBy
	}
	err = b.Store.InTx(ctx, func(tx *sql.Tx) error {
		if err := b.Store.LockInvoice(ctx, tx, i.ID); err != nil {
			return err
		}
		if a.ID, err = b.Store.AddAttempt(ctx, tx, a); err != nil {
			return err
		}
		return b.journal(ctx, tx, actor, "attempt.created", i.ID, "Попытка оплаты № "+strconv.Itoa(n)+", заказ "+a.OrderID, "", "")
	})
	return a, err
}

// create asks the provider for the attempt's link. Repeating it after a crash
// or a lost answer is safe: CreateInvoice looks for the number first.
func (b *Service) create(ctx context.Context, i store.Invoice, shop store.Shop, a store.Attempt) (store.Attempt, error) {
	client, err := b.Store.Client(ctx, b.Store.DB, i.ClientID)
	if err != nil {
		return a, err
	}
	bank, err := b.Shops.Acquirer(shop)
	if err != nil {
		return b.created(ctx, a, nil, err)
	}
	returnURL := b.Shops.PublicURL + "/r/" + i.Short
	req := acquiring.InvoiceRequest{OrderID: a.OrderID, Amount: a.Amount, Description: i.Description, ReturnURL: returnURL, FailURL: returnURL,
		CallbackURL: b.Shops.HookURL(shop), Language: "ru", Hold: i.Hold, TTL: time.Duration(shop.Settings.LinkHours) * time.Hour,
		Customer: acquiring.Customer{ID: "c" + strconv.FormatInt(client.ID, 10), Name: client.Name, Email: client.Email, Phone: client.Phone}}
	if shop.Provider == "paykeeper" {
		req.Hold = shop.Settings.TwoStage // its cabinet decides, not the invoice
	}
	if shop.Settings.SBPOnly {
		req.Methods = []acquiring.Method{acquiring.MethodSBP}
	}
	if Printer(a, shop) == "acquirer" && a.Receipt != "" {
		req.Receipt = new(fiscal.Receipt)
		if err := json.Unmarshal([]byte(a.Receipt), req.Receipt); err != nil {
			return a, err
		}
	}
	invoice, err := bank.CreateInvoice(ctx, req)
	return b.created(ctx, a, invoice, err)
}

// created stores what the provider answered. It does so even if the client
// has gone: the order is there.
func (b *Service) created(ctx context.Context, a store.Attempt, invoice *acquiring.Invoice, cause error) (store.Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	var shown error
	err := b.Store.InTx(ctx, func(tx *sql.Tx) error {
		now, err := b.Store.LockAttempt(ctx, tx, a.ID) // a callback may have been faster
		if err != nil {
			return err
		}
		if shown = nil; took(now) {
			shown = ErrAlreadyPaid // and no other page is shown
		}
		if cause == nil && took(now) && now.PaymentID != invoice.ID {
			a = now
			return b.Store.AddWithdrawal(ctx, tx, now.ID, invoice.ID)
		}
		if cause == nil {
			if !took(now) {
				// The end of a payment that CreateInvoice itself withdrew may have been
				// told meanwhile: this one begins.
				now.Status, now.Open = acquiring.StatusPending, true
			}
			now.State, now.PaymentID, now.PayURL, now.ExpiresAt, now.Trouble = store.Issued, invoice.ID, invoice.PayURL, invoice.ExpiresAt, ""
			if invoice.QR != nil {
				now.QR = invoice.QR.Payload
			}
			a = now
			return b.Store.SaveAttempt(ctx, tx, now)
		}
		if now.State == store.Issued {
			a = now // another copy of the program has the link
			return nil
		}
		t := shops.Russian(cause, nil)
		now.Trouble = t.Text
		event := "attempt.refused"
		switch {
		case acquiring.OutcomeOf(cause) == acquiring.OutcomeUnknown:
			now.State, event = store.Unclear, "attempt.unknown"
			shown = &Problem{Text: "Банк не ответил, и неизвестно, создан ли платёж. Мы проверим это; попробуйте через минуту.", Detail: t.Detail}
		case errors.Is(cause, acquiring.ErrDuplicate):
			// The order is there and its page is lost. It stays watched, and
			// the next attempt gets another number.
			now.State = store.Refused
		default:
			now.State, now.Open, now.Status = store.Refused, false, acquiring.StatusDeclined
			shown = &Problem{Text: notNow, Detail: t.Detail}
		}
		a = now
		if err := b.Store.SaveAttempt(ctx, tx, now); err != nil {
			return err
		}
		return b.journal(ctx, tx, BySystem, event, now.InvoiceID, "Заказ "+now.OrderID+": "+t.Text, "", "")
	})
	if err != nil {
		return a, err
	}
	if cause != nil {
		b.Logger.Warn("invoice at the provider", "order", a.OrderID, "error", cause)
	}
	return a, shown
}

// Cancel withdraws an unpaid invoice (отозвать счёт). Where the provider
// cannot close the link, a payment by it is credited all the same.
func (b *Service) Cancel(ctx context.Context, invoice int64, actor string) error {
	defer b.busy.lock(invoice)()
	i, err := b.Store.Invoice(ctx, b.Store.DB, invoice)
	if err != nil {
		return err
	}
	if i.Status.Succeeded() || i.Status == acquiring.StatusAuthorized {
		return problem("Счёт уже оплачен: верните деньги или отмените холд")
	}
	attempts, err := b.Store.Attempts(ctx, b.Store.DB, invoice)
	if err != nil {
		return err
	}
	shop, err := b.Store.Shop(ctx, b.Store.DB, i.ShopID)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		if a.Status != acquiring.StatusPending || a.PaymentID == "" {
			continue
		}
		bank, err := b.Shops.Acquirer(shop)
		if err != nil {
			return err
		}
		if c, ok := bank.(acquiring.Canceler); ok {
			err := c.Cancel(ctx, a.PaymentID)
			if errors.Is(err, acquiring.ErrConflict) {
				_ = b.Look(ctx, a.ID)
				return problem("Счёт отозвать нельзя: его оплатили или оплачивают сейчас")
			}
			if err != nil && !errors.Is(err, acquiring.ErrNotFound) {
				t := shops.Russian(err, nil)
				return &Problem{Text: t.Text, Detail: t.Detail}
			}
			_ = b.Look(ctx, a.ID)
		}
	}
	return b.Store.InTx(ctx, func(tx *sql.Tx) error {
		if err := b.Store.LockInvoice(ctx, tx, invoice); err != nil {
			return err
		}
		now, err := b.Store.Invoice(ctx, tx, invoice)
		if err != nil {
			return err
		}
		if came(now.Status) {
			return problem("Счёт отозвать нельзя: его только что оплатили")
		}
		if err := b.Store.SetInvoiceStatus(ctx, tx, invoice, acquiring.StatusCanceled, time.Time{}); err != nil {
			return err
		}
		return b.journal(ctx, tx, actor, "invoice.canceled", invoice, "Счёт отозван", StatusText(now.Status), StatusText(acquiring.StatusCanceled))
	})
}
