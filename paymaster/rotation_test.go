package paymaster

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// While the keys are being changed in the cabinet, notifications signed with
// the old ones are accepted, and nothing is signed with them.
func TestTwoKeysAlive(t *testing.T) {
	b := newBank(t)
	const oldSecret, oldSign = "secret-of-last-year", "the-shop's-old-sign-key"
	before := b.classic(working, func(c *ClassicConfig) { c.SecretKey, c.SignKey = oldSecret, oldSign })
	form, err := before.PaymentForm(order())
	require.NoError(t, err)
	v := vector1()
	v.Set("SIGN", form.Get("SIGN"))
	old := sign(before, v)

	change := func(c *ClassicConfig) { c.SecretKey, c.SignKey = "secret-of-this-year", "the-shop's-new-sign-key" }
	_, err = b.classic(working, change).VerifyCallback(ctx, notified(old))
	refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)

	both := b.classic(working, change, func(c *ClassicConfig) { c.PreviousSecretKey, c.PreviousSignKey = oldSecret, oldSign })
	cb, err := both.VerifyCallback(ctx, notified(old))
	require.NoError(t, err)
	assert.True(t, cb.Signed)
	fresh, err := both.PaymentForm(order())
	require.NoError(t, err)
	assert.NotEqual(t, form.Get("SIGN"), fresh.Get("SIGN"), "invoices are signed with the new key")
	w := vector1()
	w.Set("SIGN", fresh.Get("SIGN"))
	_, err = both.VerifyCallback(ctx, notified(sign(both, w)))
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", both, both, both), both.conf.String(), both.conf.LogValue().String()} {
		assert.NotContains(t, text, oldSecret)
		assert.NotContains(t, text, oldSign)
	}
}

func TestTwoCallbackSecretsAlive(t *testing.T) {
	b := newBank(t).on(getPayment, ok(payment(StatusSettled, ""))).on(getRefunds, listed())
	c := b.client(func(c *Config) { c.CallbackSecret, c.PreviousCallbackSecret = "new-9b1e7c", "old-9b1e7c" })
	for path, good := range map[string]bool{"/new-9b1e7c": true, "/old-9b1e7c": true, "/third-9b1e7c": false, "/": false} {
		_, err := c.VerifyCallback(ctx, httptest.NewRequest(http.MethodPost, "https://shop.example"+path, strings.NewReader(read(t, "v2_callback.json"))))
		if good {
			assert.NoError(t, err, path)
			continue
		}
		refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
	}
	assert.NotContains(t, fmt.Sprintf("%v %#v", c.conf, c.conf), "old-9b1e7c")
}

func TestPreviousSecretsAreChecked(t *testing.T) {
	good := Config{Environment: acquiring.Test, MerchantID: merchant, Token: "token"}
	lonely, short := good, good
	lonely.PreviousCallbackSecret = "old-9b1e7c"
	short.CallbackSecret, short.PreviousCallbackSecret = "new-9b1e7c", "old"
	for _, conf := range []Config{lonely, short} {
		_, err := New(conf)
		assert.Equal(t, "Config.PreviousCallbackSecret", refused(t, err, acquiring.ErrInvalid, acquiring.OutcomeNotSent).Field)
	}
	classic := ClassicConfig{Environment: acquiring.Test, MerchantID: merchant, SecretKey: "secret", Hash: SHA256, PreviousSignKey: "old"}
	_, err := NewClassic(classic)
	assert.Equal(t, "Config.PreviousSignKey", refused(t, err, acquiring.ErrInvalid, acquiring.OutcomeNotSent).Field)
}
