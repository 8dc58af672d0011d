package billing

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/examples/crm/store/storetest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

const price = money.Amount(150000)

// books is a Service with one invoice of a PayMaster shop and one attempt that
// is being created at PayMaster.
type books struct {
	*Service
	t       *testing.T
	shop    store.Shop
	invoice int64
	id      int64 // of the attempt
	events  int

	meanwhile func() // before the answer of a refund
}

// eachDatabase runs a test over SQLite, and over PostgreSQL if there is one.
func eachDatabase(t *testing.T, test func(t *testing.T, b *books)) {
	t.Run("SQLite", func(t *testing.T) { test(t, open(t, filepath.Join(t.TempDir(), "crm.db"))) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, open(t, storetest.PostgreSQL(t))) })
}

func open(t *testing.T, address string) *books {
	t.Helper()
	ctx := t.Context()
	s, err := store.Open(ctx, address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	box, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	require.NoError(t, err)
	b := &books{t: t}
	b.Service, err = New(ctx, s, &shops.Registry{Store: s, Box: box, PublicURL: "https://school.example"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	entity, err := s.AddEntity(ctx, s.DB, store.Entity{Name: "ООО «Высота»", INN: "7707083893"})
	require.NoError(t, err)
	words := map[string]int64{}
	for _, kind := range []string{store.CashDesks, store.PayTypes, store.Articles} {
		words[kind], err = s.AddWord(ctx, s.DB, kind, kind)
		require.NoError(t, err)
	}
	shop, err := s.AddShop(ctx, s.DB, store.Shop{EntityID: entity, Name: "Летний лагерь", Provider: "paymaster", Active: true, HookToken: secret.Random(32),
		CashDeskID: words[store.CashDesks], PayTypeID: words[store.PayTypes], ArticleID: words[store.Articles],
		Settings: store.Settings{OrderPrefix: "L-", ReceiptBy: "none", NotifyEmail: "buh@school.example"}})
	require.NoError(t, err)
	b.shop, err = s.Shop(ctx, s.DB, shop)
	require.NoError(t, err)
	client, err := s.AddClient(ctx, s.DB, store.Client{Name: "Анна Котова", Email: "anna@mail.example"})
	require.NoError(t, err)
	b.invoice, err = b.Issue(ctx, NewInvoice{ClientID: client, ShopID: shop, Amount: price, Description: "Смена", Author: "admin"})
	require.NoError(t, err)
	i, err := s.Invoice(ctx, s.DB, b.invoice)
	require.NoError(t, err)
	a, err := b.addAttempt(ctx, i, b.shop, 1, ByClient)
	require.NoError(t, err)
	b.id = a.ID
	return b
}

func (b *books) attempt() store.Attempt {
	b.t.Helper()
	a, err := b.Store.Attempt(b.t.Context(), b.Store.DB, b.id)
	require.NoError(b.t, err)
	return a
}

func (b *books) status() acquiring.Status {
	b.t.Helper()
	i, err := b.Store.Invoice(b.t.Context(), b.Store.DB, b.invoice)
	require.NoError(b.t, err)
	return i.Status
}

func (b *books) credited() (sum money.Amount) {
	b.t.Helper()
	all, err := b.Store.Postings(b.t.Context(), b.Store.DB, store.PostingFilter{})
	require.NoError(b.t, err)
	for _, p := range all {
		sum += p.Amount
	}
	return sum
}

// polled says whether the Poller asks for the attempt, and by which number.
func (b *books) polled() (yes bool, by acquiring.PaymentID) {
	b.t.Helper()
	all, err := b.Store.OpenAttempts(b.t.Context(), b.Store.DB, 0, 10)
	require.NoError(b.t, err)
	for _, a := range all {
		return true, a.PaymentID
	}
	return false, ""
}

// news is what a callback, or the poller, brings of a payment with the
// attempt's order number.
func (b *books) news(id acquiring.PaymentID, s acquiring.Status, gaveUp bool) {
	b.t.Helper()
	p := &acquiring.Payment{ID: id, OrderID: b.attempt().OrderID, Status: s, Amount: price, Currency: "RUB"}
	if s.Succeeded() {
		p.Captured = price
	}
	if s == acquiring.StatusRefunded {
		p.Refunded = price
	}
	b.events++
	key := fmt.Sprint("news-", b.events)
	e := webhook.Event{Callback: &acquiring.Callback{Kind: acquiring.CallbackPayment, PaymentID: id, OrderID: p.OrderID, Status: s}, Payment: p, Key: key, Source: webhook.FromCallback, GaveUp: gaveUp}
	require.NoError(b.t, b.inbox.Once(shops.WithShop(b.t.Context(), b.shop), key, func(ctx context.Context) error { return b.process(ctx, e) }))
}

// answered is CreateInvoice's answer.
func (b *books) answered(id acquiring.PaymentID) error {
	_, err := b.created(b.t.Context(), b.attempt(), &acquiring.Invoice{ID: id, PayURL: "https://paymaster.example/" + string(id)}, nil)
	return err
}

// toClose are the payments whose pages are to be closed.
func (b *books) toClose() (ids []acquiring.PaymentID) {
	b.t.Helper()
	all, err := b.Store.WithdrawalsDue(b.t.Context(), b.Store.DB, 10)
	require.NoError(b.t, err)
	for _, w := range all {
		assert.Equal(b.t, b.id, w.AttemptID)
		ids = append(ids, w.PaymentID)
	}
	return ids
}

func (b *books) strangers() (texts []string) {
	b.t.Helper()
	all, err := b.Store.Journal(b.t.Context(), b.Store.DB, "", 0, 0, 100)
	require.NoError(b.t, err)
	for _, e := range all {
		if e.Event == "payment.stranger" {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// CreateInvoice withdraws a payment whose link was lost: its end may be told
// before the answer with the next one is stored.
func TestEndOfAWithdrawnPaymentBeforeTheAnswer(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		b.news("first", acquiring.StatusCanceled, false)
		open, by := b.polled()
		assert.True(t, open, "it is being created")
		assert.Empty(t, by)
		assert.Equal(t, store.Creating, b.attempt().State)

		require.NoError(t, b.answered("next"))
		open, by = b.polled()
		assert.True(t, open)
		assert.EqualValues(t, "next", by)
		assert.Equal(t, acquiring.StatusPending, b.attempt().Status)
		b.news("next", acquiring.StatusPaid, false)
		assert.Equal(t, price, b.credited())
		assert.Equal(t, acquiring.StatusPaid, b.status())
		assert.Empty(t, b.strangers())
	})
}

// The same where the answer of the first try was lost for the CRM too, and the
// customer's next click creates the order anew.
func TestEndOfAWithdrawnPaymentOfAnUnclearAttempt(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		_, err := b.created(t.Context(), b.attempt(), nil, &acquiring.Error{Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown, Message: "lost"})
		require.Error(t, err)
		b.news("first", acquiring.StatusCanceled, false)
		assert.Empty(t, b.attempt().PaymentID)
		assert.Equal(t, store.Unclear, b.attempt().State, "the next click asks under the same number")
		require.NoError(t, b.answered("next"))
		open, by := b.polled()
		assert.True(t, open)
		assert.EqualValues(t, "next", by)
		b.news("next", acquiring.StatusAuthorized, false)
		assert.Equal(t, acquiring.StatusAuthorized, b.status())
	})
}

// An order whose answer was lost for good, and that nobody creates anew, is
// asked for until its end or until the Poller gives up.
func TestOrderThatWasLostForGood(t *testing.T) {
	lost := &acquiring.Error{Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown, Message: "lost"}
	taken := &acquiring.Error{Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Message: "the number is taken"}
	eachDatabase(t, func(t *testing.T, b *books) {
		for name, step := range map[string]struct {
			cause  error
			id     acquiring.PaymentID
			gaveUp bool
		}{
			"ended":              {cause: lost, id: "first"},
			"given up, found":    {cause: lost, id: "first", gaveUp: true},
			"given up, unknown":  {cause: lost, gaveUp: true},
			"its number is used": {cause: taken, id: "first"},
			"crashed":            {id: "first", gaveUp: true},
		} {
			i, err := b.Store.Invoice(t.Context(), b.Store.DB, b.invoice)
			require.NoError(t, err)
			n, err := b.Store.Attempts(t.Context(), b.Store.DB, b.invoice)
			require.NoError(t, err)
			a, err := b.addAttempt(t.Context(), i, b.shop, len(n)+1, ByClient)
			require.NoError(t, err)
			b.id = a.ID
			if step.cause != nil {
				_, _ = b.created(t.Context(), a, nil, step.cause)
			}
			require.True(t, b.attempt().Open, name)
			b.news(step.id, acquiring.StatusExpired, step.gaveUp)
			assert.False(t, b.attempt().Open, name)
			assert.Equal(t, acquiring.StatusExpired, b.attempt().Status, name)
			// And if money comes by it after all, it is seen.
			b.news("other", acquiring.StatusPaid, false)
			assert.Equal(t, price, b.attempt().Captured, name)
			assert.EqualValues(t, "other", b.attempt().PaymentID, name)
		}
	})
}

func TestLateEndOfAnotherPayment(t *testing.T) {
	for _, s := range []acquiring.Status{acquiring.StatusPending, acquiring.StatusAuthorized, acquiring.StatusPaid} {
		t.Run(s.String(), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, b *books) {
				require.NoError(t, b.answered("next"))
				if s != acquiring.StatusPending {
					b.news("next", s, false)
				}
				before := b.attempt()
				for _, end := range []acquiring.Status{acquiring.StatusCanceled, acquiring.StatusDeclined, acquiring.StatusExpired, acquiring.StatusVoided} {
					b.news("first", end, false)
					b.news("first", end, true)
				}
				assert.Equal(t, before, b.attempt())
				assert.Equal(t, s, b.status())
				assert.Empty(t, b.strangers(), "it is no news of money")
			})
		})
	}
}

// Money of another payment counts where the attempt has none: it was paid by
// the first page a moment before that was withdrawn.
func TestMoneyOfAnotherPayment(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		require.NoError(t, b.answered("next"))
		b.news("next", acquiring.StatusExpired, false)
		b.news("first", acquiring.StatusAuthorized, false)
		assert.EqualValues(t, "first", b.attempt().PaymentID)
		b.news("first", acquiring.StatusPaid, false)
		assert.Equal(t, price, b.credited())
		assert.Equal(t, acquiring.StatusPaid, b.status())
		assert.Empty(t, b.strangers())
		assert.Empty(t, b.toClose(), "the bank has closed it")
	})
}

// The page of the payment that was replaced is open still.
func TestMoneyOfAnotherPaymentClosesThePage(t *testing.T) {
	for _, s := range []acquiring.Status{acquiring.StatusAuthorized, acquiring.StatusPaid} {
		eachDatabase(t, func(t *testing.T, b *books) {
			require.NoError(t, b.answered("next"))
			b.news("first", s, false)
			b.news("first", s, false)
			assert.EqualValues(t, "first", b.attempt().PaymentID)
			assert.Equal(t, []acquiring.PaymentID{"next"}, b.toClose())
		})
	}
}

// A provider that cannot close a page, and one that cannot be asked: the staff
// are told once, in the end.
func TestPageThatStaysOpen(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		now := time.Now()
		b.Store.Now = func() time.Time { return now }
		require.NoError(t, b.answered("next"))
		b.news("first", acquiring.StatusPaid, false)
		for range 2 * withdrawTries { // the shop has no credentials: no client can be made
			require.NoError(t, b.Withdraw(t.Context()))
			now = now.Add(time.Hour)
		}
		assert.Empty(t, b.toClose())
		mails, err := b.Store.Mails(t.Context(), b.Store.DB, "waiting", 10)
		require.NoError(t, err)
		told := 0
		for _, m := range mails {
			if m.Subject == "Страница оплаты заказа "+b.attempt().OrderID+" не закрыта" {
				told++
				assert.Contains(t, m.Text, "страница другого его платежа next осталась открытой")
			}
		}
		assert.Equal(t, 1, told)
	})
}

func TestMoneyOfAnotherPaymentBeforeTheAnswer(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		b.news("first", acquiring.StatusPaid, false)
		require.ErrorIs(t, b.answered("next"), ErrAlreadyPaid, "its page is shown to nobody")
		assert.EqualValues(t, "first", b.attempt().PaymentID, "refunds go to the payment that has the money")
		assert.Equal(t, []acquiring.PaymentID{"next"}, b.toClose())
		assert.Equal(t, acquiring.StatusPaid, b.attempt().Status)
		assert.Empty(t, b.attempt().PayURL)
		assert.Equal(t, price, b.credited())
	})
}

// A second payment of one order number is for a person to look at.
func TestSecondPaymentOfAnOrder(t *testing.T) {
	for _, s := range []acquiring.Status{acquiring.StatusAuthorized, acquiring.StatusPaid, acquiring.StatusVoided, acquiring.StatusRefunded} {
		t.Run(s.String(), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, b *books) {
				require.NoError(t, b.answered("next"))
				b.news("next", s, false)
				before, credited := b.attempt(), b.credited()
				b.news("first", acquiring.StatusPaid, false)
				assert.Equal(t, before, b.attempt())
				assert.Equal(t, credited, b.credited())
				assert.Equal(t, []string{"Второй платёж по заказу " + before.OrderID + ": first на сумму " + Rubles(price) + " (оплачен). Деньги по этому заказу уже пришли платежом next, " +
					"поэтому второй не зачислен. Проверьте его в кабинете банка и верните деньги, если они лишние"}, b.strangers())
				mails, err := b.Store.Mails(t.Context(), b.Store.DB, "waiting", 10)
				require.NoError(t, err)
				assert.Equal(t, "Второй платёж по заказу "+before.OrderID, mails[len(mails)-1].Subject)
			})
		})
	}
}

// PayMaster's classic protocol cannot close a page, but asks before the money:
// an invoice that was withdrawn, or paid by another attempt, is wanted no more.
func TestQuestionAboutAnInvoiceThatIsOver(t *testing.T) {
	ask := func(b *books, a store.Attempt) error {
		return b.question(b.t.Context(), webhook.Event{Callback: &acquiring.Callback{Kind: acquiring.CallbackQuestion, OrderID: a.OrderID, Amount: price}})
	}
	t.Run("withdrawn", func(t *testing.T) {
		eachDatabase(t, func(t *testing.T, b *books) {
			require.NoError(t, ask(b, b.attempt()))
			require.NoError(t, b.Cancel(t.Context(), b.invoice, "admin"))
			require.Error(t, ask(b, b.attempt()))
		})
	})
	t.Run("paid by another attempt", func(t *testing.T) {
		eachDatabase(t, func(t *testing.T, b *books) {
			i, err := b.Store.Invoice(t.Context(), b.Store.DB, b.invoice)
			require.NoError(t, err)
			first := b.attempt()
			a, err := b.addAttempt(t.Context(), i, b.shop, 2, ByClient)
			require.NoError(t, err)
			require.NoError(t, ask(b, a))
			b.news("first", acquiring.StatusPaid, false)
			require.Equal(t, first.ID, b.attempt().ID)
			require.Error(t, ask(b, a))
		})
	})
}
