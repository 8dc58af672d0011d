package billing

import (
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/webhook"
)

// Two attempts of one invoice have news at the same moment: the invoice's status
// is made of both.
func TestNewsOfTwoAttemptsAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		require.NoError(t, b.answered("next"))
		b.news("next", acquiring.StatusPaid, false)
		i, err := b.Store.Invoice(t.Context(), b.Store.DB, b.invoice)
		require.NoError(t, err)
		a, err := b.addAttempt(t.Context(), i, b.shop, 2, ByClient)
		require.NoError(t, err)
		again := *b
		again.id, again.events = a.ID, 100
		require.NoError(t, again.answered("again"))

		var mu sync.Mutex
		calls, reached, release := 0, make(chan struct{}), make(chan struct{})
		b.Store.Now = func() time.Time {
			mu.Lock()
			calls++
			last := calls == 2 // the journal's, when all else is written
			mu.Unlock()
			if last {
				close(reached)
				<-release
			}
			return time.Now()
		}
		var work sync.WaitGroup
		work.Go(func() { b.news("next", acquiring.StatusRefunded, false) })
		<-reached
		done := make(chan struct{})
		work.Go(func() { again.news("again", acquiring.StatusPaid, false); close(done) })
		select {
		case <-done:
		case <-time.After(500 * time.Millisecond):
		}
		close(release)
		work.Wait()
		assert.Equal(t, price, b.credited())
		assert.Equal(t, acquiring.StatusPartiallyRefunded, b.status())
	})
}

// Who pays by a form may change the order's number in it: the pre-request at one
// shop's address about another's order is refused before the money comes.
func TestQuestionAboutAnotherShopsOrder(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		e := webhook.Event{Callback: &acquiring.Callback{Kind: acquiring.CallbackQuestion, OrderID: b.attempt().OrderID}}
		assert.NoError(t, b.question(shops.WithShop(t.Context(), b.shop), e))
		other := b.shop
		other.ID++
		assert.Error(t, b.question(shops.WithShop(t.Context(), other), e))
	})
}

// The hold was confirmed, and then the bank fell silent: it is confirmed all
// the same, and the poller learns where the payment stands.
func TestHoldWhoseStatusIsNotRead(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		require.NoError(t, b.answered("next"))
		b.news("next", acquiring.StatusAuthorized, false)
		b.shop.Settings.Fields = map[string]string{"merchant": "0f1d9a4e-6b5e-4a37-8a53-7c1f7a0b1c2d", "base_url": "http://127.0.0.1:1"}
		var err error
		b.shop.Secrets, err = b.Shops.Seal(b.shop.ID, map[string]string{"token": "a-token-of-the-test-0123456789"})
		require.NoError(t, err)
		require.NoError(t, b.Store.SaveShop(t.Context(), b.Store.DB, b.shop))
		require.Error(t, b.Look(t.Context(), b.id), "the bank cannot be asked")
		require.NoError(t, b.hold(t.Context(), b.id, "admin", func(acquiring.Capturer, store.Attempt, store.Shop) (string, error) {
			return "Холд подтверждён", nil
		}))
		open, _ := b.polled()
		assert.True(t, open)
	})
}

// The site was left in its test mode at the provider: nobody has paid.
func TestTestPaymentAtAWorkingShop(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		require.NoError(t, b.answered("next"))
		for _, production := range []bool{true, false} {
			var err error
			b.shop.Production = production
			b.shop.Secrets, err = b.Shops.Seal(b.shop.ID, nil)
			require.NoError(t, err)
			require.NoError(t, b.Store.SaveShop(t.Context(), b.Store.DB, b.shop))
			p := &acquiring.Payment{ID: "next", OrderID: b.attempt().OrderID, Status: acquiring.StatusPaid, Amount: price, Captured: price, Currency: "RUB", Test: true}
			require.NoError(t, b.Store.InTx(t.Context(), func(tx *sql.Tx) error {
				a, err := b.Store.LockAttempt(t.Context(), tx, b.id)
				if err != nil {
					return err
				}
				return b.take(t.Context(), tx, a, p, webhook.FromCallback)
			}))
			if production {
				assert.Zero(t, b.credited())
				assert.Equal(t, acquiring.StatusPending, b.status())
				mails, err := b.Store.Mails(t.Context(), b.Store.DB, "waiting", 10)
				require.NoError(t, err)
				require.Len(t, mails, 1)
				assert.Contains(t, mails[0].Text, "Настоящих денег нет")
				continue
			}
			assert.Equal(t, price, b.credited())
		}
	})
}

// A provider's words that a database does not take do not keep the money back.
func TestOddWordsOfAProvider(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		require.NoError(t, b.answered("next"))
		for _, p := range []*acquiring.Payment{
			{ID: "next", Status: acquiring.StatusDeclined, Failure: &acquiring.Failure{Message: "Отказ\x00 банка \xcf\xf0"}},
			{ID: "next", Status: acquiring.StatusPaid, Captured: price, ProviderStatus: "PAID\x00", Card: &acquiring.Card{Masked: "4300\xff**1234"}},
		} {
			p.OrderID, p.Amount, p.Currency = b.attempt().OrderID, price, "RUB"
			require.NoError(t, b.Store.InTx(t.Context(), func(tx *sql.Tx) error {
				a, err := b.Store.LockAttempt(t.Context(), tx, b.id)
				if err != nil {
					return err
				}
				return b.take(t.Context(), tx, a, p, webhook.FromCallback)
			}))
		}
		assert.Equal(t, price, b.credited())
		assert.Equal(t, "PAID", b.attempt().ProviderStatus)
	})
}
