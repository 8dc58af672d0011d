package paykeeper

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// While the secret word is being changed in the cabinet, notifications signed
// with the old one are accepted, and answered with the one that signed them.
func TestTwoKeysAlive(t *testing.T) {
	cfg := testConfig("https://lavka.server.paykeeper.ru")
	old := cfg.Secret
	body := []byte(golden(t, "notification_n1.form"))
	cfg.Secret = "the-new-word-of-2026"
	c, err := New(cfg)
	require.NoError(t, err)
	_, err = c.ParseNotification(body)
	require.ErrorIs(t, err, acquiring.ErrSignature)

	form := PaymentForm{Amount: money.RUB(1499, 90), OrderID: "ORD-17"}
	want, err := c.SignForm(form)
	require.NoError(t, err)
	cfg.PreviousSecret = old
	both, err := New(cfg)
	require.NoError(t, err)
	n, err := both.ParseNotification(body)
	require.NoError(t, err)
	assert.Equal(t, "OK 4896ed43e15bdb9ef2cc64ce05b8113f", n.Answer, "the word that signed it")
	got, err := both.SignForm(form)
	require.NoError(t, err)
	assert.Equal(t, want, got, "forms are signed with the new word alone")
	for _, text := range []string{fmt.Sprintf("%v %#v", both, both), cfg.String(), cfg.LogValue().String()} {
		assert.NotContains(t, text, old)
	}
}
