// Package billing is what happens with money: invoices, attempts to pay them,
// news of payments, holds, refunds and receipts. A balance changes in one
// place only (Service.process), in the transaction in which the inbox marks
// the news as handled.
package billing

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// The actors of the journal beside the users.
const (
	ByBank   = "банк"
	ByClient = "клиент"
	BySystem = "система"
)

// Problem is an error to be shown to the person who asked.
type Problem struct {
	Text   string
	Detail string
}

// Error is the text.
func (p *Problem) Error() string { return p.Text }

func problem(text string) error { return &Problem{Text: text} }

// Service does the CRM's business. It is safe for concurrent use.
type Service struct {
	Store     *store.Store
	Shops     *shops.Registry
	Receipts  *queue.Queue
	Logger    *slog.Logger
	PollEvery time.Duration // 0: the Poller's own
	PollFirst time.Duration

	inbox  *sqlinbox.Inbox
	busy   keyedLocks
	places chan struct{} // of refunds at the providers, each of which holds a connection to the database
}

// atOnce is how many refunds may be at the providers at once.
const atOnce = 4

// registerName is what the queue of receipts knows all shops' services by.
const registerName = "crm"

// New makes the Service and the tables of the inbox, of the queue and of what
// the shops' clients keep.
func New(ctx context.Context, s *store.Store, registry *shops.Registry, logger *slog.Logger) (*Service, error) {
	b := &Service{Store: s, Shops: registry, Logger: logger, places: make(chan struct{}, atOnce)}
	var err error
	if b.inbox, err = sqlinbox.New(s.DB, s.Dialect, sqlinbox.Table("crm_inbox"), sqlinbox.Logger(logger)); err != nil {
		return nil, err
	}
	if err := b.inbox.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := shops.Migrate(ctx, s); err != nil {
		return nil, err
	}
	b.Receipts, err = queue.New(s.DB, s.Dialect, queue.Table("crm_receipts"), queue.Register(registerName, shops.Router{Registry: registry}),
		queue.Report(b.printed), queue.Logger(logger), queue.Every(500*time.Millisecond), queue.Backoff(time.Second, 5*time.Minute))
	if err != nil {
		return nil, err
	}
	return b, b.Receipts.Migrate(ctx)
}

// Run polls for lost callbacks, prints receipts and asks the acquirers for
// theirs until the context ends.
func (b *Service) Run(ctx context.Context) error {
	poller := &webhook.Poller{Pending: b.pending, Process: b.process, Inbox: b.inbox, Expect: b.expect, Logger: b.Logger, Every: b.PollEvery, First: b.PollFirst}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = poller.Run(ctx) })
	wg.Go(func() { errs[1] = b.Receipts.Run(ctx) })
	wg.Go(func() { b.tend(ctx) })
	wg.Wait()
	return errors.Join(errs...)
}

// tend asks the acquirers for the receipts that they print, and has them close
// the pages of payments that nobody is to pay any more.
func (b *Service) tend(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := b.AskReceipts(ctx); err != nil && ctx.Err() == nil {
			b.Logger.Error("receipts of acquirers", "error", err)
		}
		if err := b.Withdraw(ctx); err != nil && ctx.Err() == nil {
			b.Logger.Error("pages that must not be paid", "error", err)
		}
	}
}

// Hook takes the callbacks of all shops: HTTP requests whose context names the
// shop (shops.WithShop).
func (b *Service) Hook() http.Handler {
	find := func(r *http.Request) (acquiring.Acquirer, error) {
		shop, ok := shops.ShopOf(r.Context())
		if !ok {
			return nil, errors.New("the address names no shop")
		}
		return b.Shops.Acquirer(shop)
	}
	return webhook.HandlerFor(find, b.process, webhook.WithInbox(b.inbox), webhook.Expect(b.expect), webhook.Question(b.question), webhook.Logger(b.Logger), webhook.Observe(b.observe))
}

// ReceiptHook takes the notifications of cash-register services.
func (b *Service) ReceiptHook() http.Handler { return b.Receipts.Handler(registerName) }

// observe writes what was refused into the journal: somebody may be trying.
func (b *Service) observe(ctx context.Context, o webhook.Observation) {
	text := ""
	switch o.Outcome {
	case webhook.Forged:
		text = "Уведомление не прошло проверку подлинности и отклонено"
	case webhook.Mismatch:
		text = "Уведомление не сходится с заказом или с ответом банка и отклонено"
	case webhook.Misread:
		text = "Уведомление пришло, но банк не подтвердил платёж: проверьте настройки магазина"
	default:
		return
	}
	shop, _ := shops.ShopOf(ctx)
	err := b.Store.Write(context.WithoutCancel(ctx), b.Store.DB, store.Entry{Actor: ByBank, Event: "callback.refused", Subject: "shop", SubjectID: shop.ID, Text: text, After: o.OrderID})
	if err != nil {
		b.Logger.Error("journal", "error", err)
	}
}

// expect is what an order should bring.
func (b *Service) expect(ctx context.Context, orderID string) (money.Amount, string, error) {
	a, err := b.Store.AttemptByOrder(ctx, b.Store.DB, orderID)
	return a.Amount, "RUB", err
}

// question answers a pre-request: is this order wanted here, and for this sum?
// The sum was compared by Expect. Who pays may have changed the order's number:
// another shop's money would not be credited.
func (b *Service) question(ctx context.Context, e webhook.Event) error {
	a, err := b.Store.AttemptByOrder(ctx, b.Store.DB, e.Callback.OrderID)
	shop, known := shops.ShopOf(ctx)
	if errors.Is(err, store.ErrNotFound) || (err == nil && (a.Status != acquiring.StatusPending || (known && a.ShopID != shop.ID))) {
		return webhook.Refuse("no such order is waiting")
	}
	if err != nil {
		return err
	}
	i, err := b.Store.Invoice(ctx, b.Store.DB, a.InvoiceID)
	if err == nil && (i.Status == acquiring.StatusCanceled || came(i.Status)) {
		return webhook.Refuse("the invoice is " + i.Status.String())
	}
	return err
}

// journal writes a line about an invoice.
func (b *Service) journal(ctx context.Context, db store.DB, actor, event string, invoice int64, text, before, after string) error {
	return b.Store.Write(ctx, db, store.Entry{Actor: actor, Event: event, Subject: "invoice", SubjectID: invoice, Text: text, Before: before, After: after})
}

// keyedLocks keeps two requests of this process from working at the same
// invoice. Between processes the rows' unique keys do.
type keyedLocks struct {
	mu    sync.Mutex
	locks map[int64]*keyedLock
}

type keyedLock struct {
	sync.Mutex
	users int
}

func (k *keyedLocks) lock(key int64) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[int64]*keyedLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = &keyedLock{}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		k.mu.Lock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
		k.mu.Unlock()
	}
}

// NewInvoice is what an invoice is made of.
type NewInvoice struct {
	ClientID    int64
	ShopID      int64
	Amount      money.Amount
	Description string
	Author      string // of the journal
	Form        string // of the page that asked: sent twice, it makes one invoice; "": not known
}

// MaxInvoice is the largest sum that the CRM asks for: a slip of the keyboard
// ends here.
const MaxInvoice = 1_000_000_00 * money.Amount(10)

// Issue makes an invoice. The provider hears of it when the client comes to
// pay: its sessions are short, and the invoice's link is not.
func (b *Service) Issue(ctx context.Context, n NewInvoice) (int64, error) {
	if n.Amount <= 0 || n.Amount > MaxInvoice {
		return 0, problem("Сумма должна быть больше нуля и не больше 10 000 000 ₽")
	}
	shop, err := b.Store.Shop(ctx, b.Store.DB, n.ShopID)
	if err != nil || !shop.Active {
		return 0, problem("Магазин не найден или выключен")
	}
	short := secret.Random(shortLength)
	if n.Form != "" {
		short = b.Shops.Box.Token("invoice of a form", n.Form)[:shortLength]
	}
	var id int64
	err = b.Store.InTx(ctx, func(tx *sql.Tx) error {
		invoice := store.Invoice{Short: short, ShopID: n.ShopID, ClientID: n.ClientID, Amount: n.Amount, Description: n.Description,
			Status: acquiring.StatusPending, Hold: shop.Settings.TwoStage, Author: n.Author}
		if id, err = b.Store.AddInvoice(ctx, tx, invoice); err != nil {
			return err
		}
		return b.journal(ctx, tx, n.Author, "invoice.issued", id, "Выставлен счёт на "+Rubles(n.Amount), "", n.Description)
	})
	if err == nil || n.Form == "" {
		return id, err
	}
	switch i, findErr := b.Store.InvoiceByShort(ctx, b.Store.DB, short); {
	case findErr != nil:
		return 0, err
	case i.ClientID != n.ClientID || i.ShopID != n.ShopID || i.Amount != n.Amount || i.Description != n.Description:
		return 0, problem("По этой странице счёт уже выставлен. Обновите её, чтобы выставить другой.")
	default:
		return i.ID, nil // the second click
	}
}

// shortLength is of an invoice's short link.
const shortLength = 10
