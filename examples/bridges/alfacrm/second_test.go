package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/money"
)

func (o *office) attention() []outbox.Item {
	o.t.Helper()
	_, err := o.Tell(o.t.Context())
	require.NoError(o.t, err)
	all, err := o.Outbox().List(o.t.Context(), "ledger", outbox.Attention, 0, 10)
	require.NoError(o.t, err)
	return all
}

// A second payment of one order number is for a person to look at.
func TestSecondPaymentOfAnOrder(t *testing.T) {
	for _, s := range []acquiring.Status{acquiring.StatusPaid, acquiring.StatusRefunded, acquiring.StatusAuthorized} {
		t.Run(s.String(), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, o *office) {
				_, err := o.issue()
				require.NoError(t, err)
				o.news("next", s)
				before := o.told()
				o.news("second", acquiring.StatusAuthorized)
				o.news("second", acquiring.StatusPaid)
				o.news("second", acquiring.StatusRefunded)
				id, status := o.row()
				assert.Equal(t, "next", id)
				assert.Equal(t, s.String(), status)
				assert.Equal(t, before, o.told())
				all := o.attention()
				require.Len(t, all, 1)
				assert.Contains(t, all[0].LastError, "order L-1 has the money of payment next already, and payment second of 3500.00 came besides")
			})
		})
	}
}

// What a person lets be told of a second payment is followed: its refund is
// told after it, as a movement of that payment.
func TestRefundOfASecondPayment(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusPaid)
		o.news("second", acquiring.StatusPaid)
		all := o.attention()
		require.Len(t, all, 1)
		require.NoError(t, o.Outbox().Retry(t.Context(), "ledger", all[0].Key, nil))
		assert.Equal(t, 2*fee, o.told())
		o.crm.told = nil
		o.news("second", acquiring.StatusRefunded)
		o.news("second", acquiring.StatusRefunded)
		assert.Equal(t, -fee, o.told())
		require.Len(t, o.crm.told, 1)
		n := o.crm.told[0]
		assert.Equal(t, bridge.Refund, n.Kind)
		assert.EqualValues(t, "second", n.PaymentID)
		assert.True(t, n.Again)
		assert.True(t, n.Whole())
		_, status := o.row()
		assert.Equal(t, "paid", status, "the first payment stands")
	})
}

// A second payment is given back by its own number, and the order's number
// means the first one.
func TestGiveBackASecondPayment(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusPaid)
		o.news("second", acquiring.StatusPaid)
		for number, id := range map[string]acquiring.PaymentID{"L-1": "next", "L-1#second": "second"} {
			o.bank.refunds = nil
			_, err = o.Refund(t.Context(), "", number, 0, "")
			require.NoError(t, err)
			assert.Equal(t, id, o.bank.refunds[0].ID)
		}
		_, err = o.issue()
		require.ErrorIs(t, err, acquiring.ErrConflict)
		assert.ErrorContains(t, err, "is paid already")
	})
}

// Held money is money: no second link is given while it lasts.
func TestHeldOrderHasNoSecondLink(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusAuthorized)
		_, err = o.issue()
		require.ErrorIs(t, err, acquiring.ErrConflict)
		o.news("next", acquiring.StatusVoided)
		link, err := o.issue()
		require.NoError(t, err)
		assert.Equal(t, "L-1_2", link.Number)
	})
}

// Two holds that were let go are no money: the order is paid anew.
func TestHeldSecondPaymentDoesNotStopTheNextAttempt(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusAuthorized)
		o.news("second", acquiring.StatusAuthorized)
		o.news("next", acquiring.StatusVoided)
		o.news("second", acquiring.StatusVoided)
		link, err := o.issue()
		require.NoError(t, err)
		assert.Equal(t, "L-1_2", link.Number)
		assert.Empty(t, o.attention())
	})
}

// The money of another payment leaves the first page open: it is withdrawn.
func TestPageOfAReplacedPaymentIsWithdrawn(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("first", acquiring.StatusPaid)
		assert.Equal(t, fee, o.told())
		assert.Equal(t, []acquiring.PaymentID{"next"}, o.bank.canceled)
		assert.Empty(t, o.attention())
		o.news("first", acquiring.StatusPaid)
		o.news("next", acquiring.StatusCanceled)
		_, err = o.Tell(t.Context())
		require.NoError(t, err)
		assert.Len(t, o.bank.canceled, 1)
	})
}

func TestPageOfAnEndedPaymentIsLeftAlone(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusExpired)
		o.news("first", acquiring.StatusPaid)
		assert.Equal(t, fee, o.told())
		assert.Empty(t, o.bank.canceled)
	})
}

// The page that nobody was shown, because the money came before its answer.
func TestPageThatWasAnsweredAfterTheMoneyIsWithdrawn(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		o.bank.meanwhile = func() { o.news("first", acquiring.StatusPaid) }
		_, err := o.issue()
		require.ErrorIs(t, err, acquiring.ErrConflict)
		assert.Equal(t, fee, o.told())
		assert.Equal(t, []acquiring.PaymentID{"next"}, o.bank.canceled)
	})
}

func TestPageThatCannotBeWithdrawn(t *testing.T) {
	rejected := &acquiring.Error{Kind: acquiring.ErrInvalid, Outcome: acquiring.OutcomeRejected, Message: "no such operation"}
	for name, can := range map[string]func(*scripted) acquiring.Acquirer{
		"this bank cannot withdraw it": func(s *scripted) acquiring.Acquirer { return s },
		"no such operation":            func(s *scripted) acquiring.Acquirer { s.cancel = rejected; return withdrawing{s} },
	} {
		t.Run(name, func(t *testing.T) {
			eachOffice(t, can, func(t *testing.T, o *office) {
				_, err := o.issue()
				require.NoError(t, err)
				o.news("first", acquiring.StatusPaid)
				assert.Equal(t, fee, o.told(), "the CRM hears of the money")
				all := o.attention()
				require.Len(t, all, 1)
				assert.Contains(t, all[0].LastError, "order L-1 is paid, but the page of its other payment next can be paid still")
				assert.Contains(t, all[0].LastError, name)
			})
		})
	}
}

// It was paid a moment before, and its notification never came.
func TestPageThatWasPaidBeforeItWasWithdrawn(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.bank.cancel = &acquiring.Error{Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Message: "it is paid"}
		o.bank.payment = &acquiring.Payment{ID: "next", OrderID: "L-1", Status: acquiring.StatusPaid, Amount: fee, Captured: fee}
		o.news("first", acquiring.StatusPaid)
		all := o.attention()
		require.Len(t, all, 1)
		assert.Contains(t, all[0].LastError, "order L-1 has the money of payment first already, and payment next of 3500.00 came besides")
	})
}

// A bank takes a payment of the same day back as a whole (отмена), and says no
// sum of a refund.
func TestPaymentThatWasTakenBackOnItsDay(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusPaid)
		assert.Equal(t, fee, o.told())
		o.crm.told = nil
		o.news("next", acquiring.StatusVoided)
		assert.Equal(t, -fee, o.told())
		require.Len(t, o.crm.told, 1)
		assert.True(t, o.crm.told[0].Whole())
	})
}

// A bank that knows the key of a refund and not what became of it leaves it to a
// person: he is told which one it is, and the bank which ones it is not.
func TestRefundThatTheBankHasHeardOf(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusPaid)
		_, err = o.Refund(t.Context(), "", "L-1", 100000, "autumn")
		require.NoError(t, err)
		_, err = o.Refund(t.Context(), "", "L-1", 100000, "autumn")
		require.NoError(t, err)
		assert.Empty(t, o.bank.refunds[1].Known, "it is the same")
		o.bank.refused = &acquiring.Error{Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Message: "the key was used"}
		_, err = o.Refund(t.Context(), "", "L-1", 50000, "winter")
		require.ErrorIs(t, err, acquiring.ErrDuplicate)
		assert.Equal(t, []string{"R2"}, o.bank.refunds[2].Known)
		for _, words := range []string{"winter", "500.00", "L-1", "payment next", "R2"} {
			assert.ErrorContains(t, err, words)
		}
	})
}

// A second payment that went back before anybody posted it takes nothing off
// the client's balance.
func TestRefundOfASecondPaymentThatWasNotPosted(t *testing.T) {
	w := newWorld(t, nil)
	_, crm, err := program.Open(w.File, os.Getenv, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	back := bridge.News{Kind: bridge.Refund, Key: "r", Shop: "pm", Provider: "paymaster", PaymentID: "77", OrderID: "L-1#77", Ref: "2091", Amount: fee, Taken: fee, Refunded: fee, At: w.Now(), Again: true}
	_, err = crm.Post(t.Context(), back)
	require.ErrorContains(t, err, "AlfaCRM has no income with its number at client 2091")
	assert.Empty(t, w.crm.Pays())
	paid := back
	paid.Kind, paid.Key, paid.Refunded = bridge.Income, "i", 0
	for _, n := range []bridge.News{paid, back, paid, back} {
		_, err = crm.Post(t.Context(), n)
		require.NoError(t, err)
	}
	assert.Len(t, w.crm.Pays(), 2)
	assert.Zero(t, w.crm.Balance(2091))
}

// wanted asks before a payment, as PayMaster's classic protocol does.
func (o *office) wanted(order string, sum money.Amount) string {
	o.t.Helper()
	body, err := json.Marshal(acquiring.Payment{OrderID: order, Amount: sum})
	require.NoError(o.t, err)
	rec := httptest.NewRecorder()
	o.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/hooks/pm?question", bytes.NewReader(body)))
	return rec.Body.String()
}

// A bank that asks before it takes the money is told when the order is paid, and
// when the sum is another one. Orders of other programs are not ours to refuse.
func TestQuestionBeforeAPayment(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		assert.Equal(t, "YES", o.wanted("L-1", fee))
		assert.Equal(t, "NO", o.wanted("L-1", 100))
		assert.Equal(t, "YES", o.wanted("foreign", 100))
		o.news("next", acquiring.StatusExpired)
		link, err := o.issue()
		require.NoError(t, err)
		assert.Equal(t, "YES", o.wanted(link.Number, fee))
		o.news("next", acquiring.StatusPaid) // the first attempt, late
		assert.Equal(t, "NO", o.wanted(link.Number, fee))
		assert.Equal(t, "NO", o.wanted("L-1", fee))
	})
}

// A refund of a payment that is no longer watched is watched itself: PayMaster
// accepts it now and carries it out later, and notifies nobody.
func TestRefundOfAnOldPaymentIsFollowed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o *office) {
		_, err := o.issue()
		require.NoError(t, err)
		o.news("next", acquiring.StatusPaid)
		_, err = o.db.Exec(fmt.Sprintf("UPDATE bridge_payments SET created_at = %d", time.Now().AddDate(0, -2, 0).UnixMilli()))
		require.NoError(t, err)
		_, err = o.Refund(t.Context(), "", "L-1", 0, "")
		require.NoError(t, err)
		o.bank.payment = &acquiring.Payment{ID: "next", OrderID: "L-1", Status: acquiring.StatusRefunded, Amount: fee, Captured: fee, Refunded: fee}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- o.Run(ctx) }()
		assert.Eventually(t, func() bool {
			_, status := o.row()
			return status == "refunded"
		}, 5*time.Second, 20*time.Millisecond)
		cancel()
		require.NoError(t, <-done)
	})
}
