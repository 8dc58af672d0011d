package rbs

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// The bank may sign for all its merchants with one key: a rightly signed
// callback counts only when the bank knows the order as this shop's.
func TestBankSignedCallbackMustBeOfThisShop(t *testing.T) {
	key, err := os.ReadFile("testdata/callback_key.pem")
	require.NoError(t, err)
	checksum, err := os.ReadFile("testdata/callback_rsa.txt")
	require.NoError(t, err)
	v := verifier(t, VerifierOptions{PublicKey: string(key)})
	signed := func() *http.Request {
		return httptest.NewRequest(http.MethodGet, "/?mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=CRM-2026-000417&operation=approved&status=1&approvedAmount=154990&checksum="+
			strings.TrimSpace(string(checksum)), nil)
	}
	cb, err := reads(t, strings.Replace(oHeld, `"N"`, `"CRM-2026-000417"`, 1)).Callback(t.Context(), v, signed())
	require.NoError(t, err)
	assert.True(t, cb.Signed)
	for name, answer := range map[string]any{
		"the bank knows no such order here": missing,
		"it has another number here":        `{"orderNumber":"another","orderStatus":1}`,
	} {
		_, err = reads(t, answer).Callback(t.Context(), v, signed())
		assert.ErrorIs(t, err, acquiring.ErrSignature, name)
	}
	_, err = reads(t, gone).Callback(t.Context(), v, signed())
	assert.ErrorIs(t, err, acquiring.ErrUnavailable, "it comes again")
	assert.NotErrorIs(t, err, acquiring.ErrSignature)
}
