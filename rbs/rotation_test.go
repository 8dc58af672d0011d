package rbs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// While a key is being changed, the old and the new one are good, and no third.
func TestTwoKeysAlive(t *testing.T) {
	const query = "mdOrder=7c1f0a52&orderNumber=A-7&operation=deposited&status=1"
	v := verifier(t, VerifierOptions{Key: "the-new-key", PreviousKey: "the-old-key"})
	for key, good := range map[string]bool{"the-new-key": true, "the-old-key": true, "another-key": false} {
		n, err := v.ReadForm(sign(key, query))
		if good {
			require.NoError(t, err, key)
			assert.True(t, n.Signed)
			continue
		}
		assert.ErrorIs(t, err, acquiring.ErrSignature, key)
	}
	_, err := verifier(t, VerifierOptions{Key: "the-new-key"}).ReadForm(sign("the-old-key", query))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "the old key is taken away")
}

func TestTwoPublicKeysAlive(t *testing.T) {
	old, err := os.ReadFile("testdata/callback_key.pem")
	require.NoError(t, err)
	checksum, err := os.ReadFile("testdata/callback_rsa.txt")
	require.NoError(t, err)
	callback := "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=CRM-2026-000417&operation=approved&status=1&approvedAmount=154990&checksum=" +
		strings.TrimSpace(string(checksum))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	fresh := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))

	_, err = verifier(t, VerifierOptions{PublicKey: fresh}).ReadForm(callback)
	require.ErrorIs(t, err, acquiring.ErrSignature)
	n, err := verifier(t, VerifierOptions{PublicKey: fresh, PreviousPublicKey: string(old)}).ReadForm(callback)
	require.NoError(t, err)
	assert.True(t, n.Signed)
}

func TestPreviousKeysNeedPresentOnes(t *testing.T) {
	for field, opt := range map[string]VerifierOptions{
		"Config.PreviousCallbackKey":       {PreviousKey: "old"},
		"Config.PreviousCallbackPublicKey": {Key: "new", PreviousPublicKey: "old"},
	} {
		_, err := NewVerifier(opt)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, field, e.Field)
	}
	_, err := NewVerifier(VerifierOptions{Key: "new", PreviousKey: "-----BEGIN PUBLIC KEY-----"})
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "Config.PreviousCallbackKey", e.Field)
	assert.Contains(t, e.Message, "PreviousCallbackPublicKey")
}
