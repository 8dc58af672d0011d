package tochka

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// While the bank changes its key, both are given: as a JWK set or as two blocks
// of PEM.
func TestTwoKeysAlive(t *testing.T) {
	mine := fixture(t, "test_only_jwk.json")
	pemOf := func(jwk string) string {
		keys, err := parseKeys(jwk)
		require.NoError(t, err)
		der, err := x509.MarshalPKIXPublicKey(keys[0])
		require.NoError(t, err)
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	token := []byte(fixture(t, "vector1.jwt"))
	for name, keys := range map[string]string{
		"set, new first": `{"keys":[` + mine + `,` + BankKey + `]}`,
		"set, new last":  `{"keys":[` + BankKey + `,` + mine + `]}`,
		"PEM":            pemOf(BankKey) + pemOf(mine),
		"four":           `{"keys":[` + strings.Repeat(BankKey+",", 3) + mine + `]}`,
	} {
		v, err := NewVerifier(keys)
		require.NoError(t, err, name)
		_, err = v.Verify(token)
		assert.NoError(t, err, name)
	}
	v, err := NewVerifier(`{"keys":[` + BankKey + `]}`)
	require.NoError(t, err)
	_, err = v.Verify(token)
	assert.ErrorIs(t, err, acquiring.ErrSignature)

	for name, keys := range map[string]string{
		"empty set":       `{"keys":[]}`,
		"one is spoilt":   `{"keys":[` + mine + `,{"kty":"oct","k":"AAAA"}]}`,
		"second is cut":   pemOf(BankKey) + pemOf(mine)[:120],
		"one too many":    `{"keys":[` + strings.Repeat(mine+",", 4) + mine + `]}`,
		"private in PEM":  pemOf(mine) + fixture(t, "test_only_private.pem"),
		"nothing in keys": `{"keys":null}`,
	} {
		_, err := NewVerifier(keys)
		assert.Error(t, err, name)
	}
}

// A published set replaces the key in use: each of its keys counts, and the
// former one no more unless it is in the set.
func TestPublishedKeySet(t *testing.T) {
	const published = "GET /doc/openapi/static/keys/public"
	b := newBank(t).on(published, `{"keys":[`+BankKey+`,`+fixture(t, "test_only_jwk.json")+`]}`, BankKey)
	c := b.client()
	body := fixture(t, "vector2.jwt")
	_, err := c.VerifyCallback(t.Context(), notification(body))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	require.NoError(t, c.FetchWebhookKey(t.Context()))
	_, err = c.VerifyCallback(t.Context(), notification(body))
	require.NoError(t, err)
	require.NoError(t, c.FetchWebhookKey(t.Context()))
	_, err = c.VerifyCallback(t.Context(), notification(body))
	require.ErrorIs(t, err, acquiring.ErrSignature)
}
