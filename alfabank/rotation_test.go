package alfabank

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
	"github.com/acquiring-go/acquiring/webhook"
)

// A callback with the old key is accepted while both are configured, and the
// old key is shown as little as the new one.
func TestTwoKeysAlive(t *testing.T) {
	b := newBank(t)
	c := b.client(func(c *Config) { c.CallbackKey, c.PreviousCallbackKey = "the-new-key-of-2026", demoKey })
	query := "mdOrder=" + id + "&orderNumber=1&operation=deposited&status=1"
	cb, err := c.VerifyCallback(context.Background(), get(signedWith(demoKey, query)))
	require.NoError(t, err)
	assert.True(t, cb.Signed)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", c, c, c), c.conf.String(), c.conf.LogValue().String()} {
		assert.NotContains(t, text, demoKey)
	}
}

// So is one with the old key where the bank signs with its own.
func TestTwoPublicKeysAlive(t *testing.T) {
	pair := func() (*rsa.PrivateKey, string) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		require.NoError(t, err)
		return key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	query := "mdOrder=" + id + "&orderNumber=A-1001&operation=deposited&status=1"
	signedBy := func(key *rsa.PrivateKey) string {
		params, err := webhook.ParseForm(nil, query)
		require.NoError(t, err)
		digest := sha512.Sum512(rbs.Canonical(params))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA512, digest[:])
		require.NoError(t, err)
		return query + "&checksum=" + hex.EncodeToString(signature)
	}
	oldKey, oldPEM := pair()
	newKey, newPEM := pair()
	strange, _ := pair()
	for name, tt := range map[string]struct {
		key      *rsa.PrivateKey
		previous string
		good     bool
	}{
		"new": {newKey, oldPEM, true}, "old": {oldKey, oldPEM, true}, "old, taken away": {oldKey, "", false}, "a stranger's": {strange, oldPEM, false},
	} {
		b := newBank(t).on(status, pending())
		c := b.client(func(c *Config) { c.CallbackPublicKey, c.PreviousCallbackPublicKey = newPEM, tt.previous })
		cb, err := c.VerifyCallback(context.Background(), get(signedBy(tt.key)))
		if !tt.good {
			assert.ErrorIs(t, err, acquiring.ErrSignature, name)
			continue
		}
		require.NoError(t, err, name)
		assert.True(t, cb.Signed, name)
	}
}
