package tochka

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// The bank's shapes of what merely describes a payment are known from others
// only, and numbers and texts change places: what is signed is not refused for
// that, or the news of a payment would be lost.
func TestOddDescriptionIsNoForgery(t *testing.T) {
	v := verifier(t)
	const head = `{"webhookType":"acquiringInternetPayment","operationId":"x","status":"APPROVED","amount":"1",`
	for name, rest := range map[string]string{
		"numbers for texts": `"customerCode":300777001,"merchantId":200000000004321,"paymentLinkId":10045}`,
		"a card's object":   `"customerCode":"300777001","merchantId":"200000000004321","paymentLinkId":"10045","cardType":{"name":"Mir"},"maskedPan":["220445"],"payerName":{},"purpose":[1]}`,
	} {
		n, err := v.Notice([]byte(signed(t, head+rest)))
		require.NoError(t, err, name)
		assert.Equal(t, company, n.CustomerCode, name)
		assert.Equal(t, merchant, n.MerchantID, name)
		assert.Equal(t, "10045", n.PaymentLinkID, name)
	}
	for name, rest := range map[string]string{
		"whose it is":    `"customerCode":["300777001"]}`,
		"which point":    `"customerCode":"300777001","merchantId":{}}`,
		"whose order":    `"customerCode":"300777001","paymentLinkId":{}}`,
		"how it is paid": `"customerCode":"300777001","paymentType":[]}`,
	} {
		_, err := v.Notice([]byte(signed(t, head+rest)))
		require.ErrorIs(t, err, acquiring.ErrSignature, name)
	}
}

// The times of a token are honoured in every form that JWT allows, and one that
// cannot be read is no leave to pass.
func TestTimesOfATokenInEveryForm(t *testing.T) {
	v := verifier(t)
	v.now = func() time.Time { return time.Unix(1_790_000_000, 0) }
	for times, ok := range map[string]bool{
		`"exp":1780000000.5`: false, `"exp":"1780000000"`: false, `"exp":{}`: false, `"exp":"soon"`: false, `"exp":-1`: false, `"exp":0`: false, `"nbf":1800000000.25`: false, `"nbf":[]`: false,
		`"exp":1800000000.5`: true, `"exp":"1800000000"`: true, `"exp":null`: true, `"nbf":1780000000.25`: true, `"exp":1800000000000000`: true, `"nbf":1800000000000000`: false,
	} {
		_, err := v.Notice([]byte(signed(t, `{"webhookType":"incomingPayment","customerCode":"1",`+times+`}`)))
		assert.Equal(t, ok, err == nil, "%s: %v", times, err)
	}
}

// A token may name addresses, in its header and in what it says: none of them
// is asked, whether the signature is right or wrong.
func TestNoAddressOfATokenIsAsked(t *testing.T) {
	var asked atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(fixture(t, "test_only_jwk.json")))
	}))
	defer trap.Close()
	b := newBank(t)
	right, wrong := hooked(t, b), b.client() // to the second the key is a stranger's
	header := fmt.Sprintf(`{"alg":"RS256","kid":%[1]q,"jku":%[1]q,"x5u":%[1]q}`, trap.URL)
	payload := fmt.Sprintf(`{"webhookType":"incomingPayment","customerCode":"300777001","iss":%[1]q,"jwks_uri":%[1]q,"callbackUrl":%[1]q}`, trap.URL)
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	token := input + "." + b64.EncodeToString(rs256(t, input))
	_, err := right.VerifyCallback(t.Context(), notification(token))
	require.NoError(t, err)
	_, err = wrong.VerifyCallback(t.Context(), notification(token))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	assert.Zero(t, asked.Load())
	assert.Empty(t, b.all())
}
