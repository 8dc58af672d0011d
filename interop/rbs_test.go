package interop

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// bank is what the tests need of a gateway's emulator.
type bank struct {
	url, user, password string
	pay, payAndSave     func(id string) error
	order               func(id string) (sberbanktest.Order, bool)
}

func banks(t *testing.T) map[string]bank {
	sber := sberbanktest.NewServer()
	t.Cleanup(sber.Close)
	alfa := alfabanktest.NewServer()
	t.Cleanup(alfa.Close)
	s, a := sber.ConfigLegacy(), alfa.Config()
	return map[string]bank{
		"sberbank": {sber.URL, s.UserName, s.Password, sber.Pay, sber.Pay, sber.Order},
		"alfabank": {alfa.URL, a.UserName, a.Password, alfa.Pay, alfa.PayAndSave, alfa.Order},
	}
}

func (b bank) call(t *testing.T, method string, args ...any) answer {
	t.Helper()
	text, err := json.Marshal(args)
	require.NoError(t, err)
	return node(t, "sberbank-acquiring", []string{"GATEWAY=" + b.url, "USER_NAME=" + b.user, "PASSWORD=" + b.password}, nil, "rbs.js", method, string(text))
}

// TestSberbankAcquiring: registers, reads, is paid, refunds twice, and hears
// what the gateway refuses, with the npm package sberbank-acquiring.
func TestSberbankAcquiring(t *testing.T) {
	for name, b := range banks(t) {
		t.Run(name, func(t *testing.T) {
			made := b.call(t, "register", "N-1", 1499.9, "Курс «Основы» — 10 занятий", map[string]any{"clientId": "u-7"}).object(t)
			id := made["orderId"].(string)
			assert.Contains(t, made["formUrl"], id)
			order, known := b.order(id)
			require.True(t, known)
			assert.Equal(t, "N-1", order.Number)
			assert.Equal(t, money.RUB(1499, 90), order.Amount)

			assert.EqualValues(t, "0", b.call(t, "status", id).Answer, "registered and not paid")
			assert.EqualValues(t, "null", b.call(t, "status", nil, "nobody's").Answer, "the client reads errorCode 6 as an order that does not exist")
			again := b.call(t, "register", "N-1", 1499.9)
			assert.Equal(t, "1", again.Code, again.Error)

			require.NoError(t, b.pay(id))
			assert.EqualValues(t, "2", b.call(t, "status", nil, "N-1").Answer)
			read := b.call(t, "get", id).object(t)
			assert.EqualValues(t, "149990", read["amount"])
			assert.Equal(t, "N-1", read["orderNumber"])

			assert.Empty(t, b.call(t, "refund", id, 400).Error)
			assert.Empty(t, b.call(t, "refund", id, 99.5, map[string]any{"reason": "по заявлению"}).Error)
			order, _ = b.order(id)
			assert.Equal(t, money.RUB(499, 50), order.Refunded)
			tooMuch := b.call(t, "refund", id, 5000)
			assert.NotEmpty(t, tooMuch.Code, "more than is left: %s", tooMuch.Answer)
			order, _ = b.order(id)
			assert.Equal(t, money.RUB(499, 50), order.Refunded)

			// 0 is all that is left: so Alfa-Bank's documents and this client. Of
			// Sberbank only the client says so; its emulator takes no less than a ruble.
			if rest := b.call(t, "refund", id, 0); name == "sberbank" {
				assert.NotEmpty(t, rest.Code)
				assert.Empty(t, b.call(t, "refund", id, 1000.4).Error)
			} else {
				assert.Empty(t, rest.Error)
			}
			order, _ = b.order(id)
			assert.Equal(t, order.Captured, order.Refunded)
			assert.EqualValues(t, "4", b.call(t, "status", id).Answer)
		})
	}
}

// TestSberbankAcquiringSavedCard: the card that a customer saved, listed and
// forgotten.
func TestSberbankAcquiringSavedCard(t *testing.T) {
	for name, b := range banks(t) {
		t.Run(name, func(t *testing.T) {
			id := b.call(t, "register", "S-1", 10, "", map[string]any{"clientId": "u-7"}).object(t)["orderId"].(string)
			require.NoError(t, b.payAndSave(id))
			saved := b.call(t, "getBindings", "u-7").object(t)["bindings"].([]any)
			require.Len(t, saved, 1)
			binding := saved[0].(map[string]any)["bindingId"].(string)

			next := b.call(t, "register", "S-2", 25.5, "", map[string]any{"clientId": "u-7"}).object(t)["orderId"].(string)
			assert.Empty(t, b.call(t, "paymentOrderBinding", next, binding, "203.0.113.7").Error)
			order, _ := b.order(next)
			assert.Equal(t, money.RUB(25, 50), order.Captured)

			assert.Empty(t, b.call(t, "unBindCard", binding).Error)
			left := b.call(t, "getBindings", "u-7")
			assert.NotContains(t, string(left.Answer), binding)
		})
	}
}

// TestSberbankAcquiringRefused: a wrong password is an error with the gateway's
// code.
func TestSberbankAcquiringRefused(t *testing.T) {
	for name, b := range banks(t) {
		b.password = "wrong"
		t.Run(name, func(t *testing.T) {
			a := b.call(t, "register", "N-1", 10)
			assert.Equal(t, "5", a.Code, a.Error)
		})
	}
}
