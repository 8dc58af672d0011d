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

func news(query string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/?"+query, nil)
}

// A reversal of a part leaves the payment standing: only the bank tells it
// from a whole one, and the two are two pieces of news.
func TestReversalOfAPartIsNoVoid(t *testing.T) {
	v := verifier(t, VerifierOptions{Key: demoKey})
	query := sign(demoKey, "mdOrder=md&orderNumber=N&operation=reversed&status=1")
	part := strings.ReplaceAll(oPaid, `edAmount":1000`, `edAmount":600`)
	d := reads(t, part, oVoided)
	one, err := d.Callback(t.Context(), v, news(query))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, one.Status)
	assert.Equal(t, "6.00", one.Payment.Captured.String())
	all, err := d.Callback(t.Context(), v, news(query))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusVoided, all.Status)
	assert.NotEqual(t, one.Key, all.Key)
}

// What the bank has signed is not taken back because its own answer is older: a
// status read back too early would pass for the news, be answered 200, and the
// bank would not send it again.
func TestAnswerOlderThanTheNewsDoesNotTakeItBack(t *testing.T) {
	all, byNumber := verifier(t, VerifierOptions{Key: demoKey}), verifier(t, VerifierOptions{Key: demoKey, Optional: []string{ParamMdOrder}})
	for name, tt := range map[string]struct {
		v      *Verifier
		query  string
		answer string
		want   acquiring.Status
	}{
		"a refund, still paid":         {all, "mdOrder=md&orderNumber=N&operation=refunded&status=1", oPaid, acquiring.StatusPartiallyRefunded},
		"paid, still pending":          {byNumber, "orderNumber=N&operation=deposited&status=1", oPending, acquiring.StatusPaid},
		"paid, still declined":         {byNumber, "orderNumber=N&operation=deposited&status=1", oDeclined, acquiring.StatusPaid},
		"held, still pending":          {byNumber, "orderNumber=N&operation=approved&status=1", oPending, acquiring.StatusAuthorized},
		"held, and taken since":        {byNumber, "orderNumber=N&operation=approved&status=1", oPaid, acquiring.StatusPaid},
		"paid, and refunded since":     {byNumber, "orderNumber=N&operation=deposited&status=1", oRefunded, acquiring.StatusPartiallyRefunded},
		"a failed attempt, still open": {byNumber, "orderNumber=N&operation=deposited&status=0", oPending, acquiring.StatusPending},
		"a refund that failed":         {all, "mdOrder=md&orderNumber=N&operation=refunded&status=0", oPaid, acquiring.StatusPaid},
	} {
		cb, err := reads(t, tt.answer).Callback(t.Context(), tt.v, news(sign(demoKey, tt.query)))
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, cb.Status, name)
	}
}

// Where status is not ticked in the cabinet, deposited may be a failed
// attempt: the bank is asked, and the failure does not use up the key of the
// success.
func TestOperationWithoutStatusIsReadBack(t *testing.T) {
	v := verifier(t, VerifierOptions{Key: demoKey, Optional: []string{ParamStatus}})
	query := sign(demoKey, "mdOrder=md&orderNumber=N&operation=deposited")
	d := reads(t, strings.Replace(oPending, "-100", "116", 1), oPaid)
	failed, err := d.Callback(t.Context(), v, news(query))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPending, failed.Status)
	paid, err := d.Callback(t.Context(), v, news(query))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, paid.Status)
	assert.NotEqual(t, failed.Key, paid.Key)
}

// A stranger who names another order's number beside the mdOrder of his own
// paid one must not have it credited, also where the bank's answer has no
// number.
func TestUnsignedOrderNumberIsNotBelieved(t *testing.T) {
	v := verifier(t, VerifierOptions{})
	answer := strings.Replace(oPaid, `"orderNumber":"N",`, "", 1)
	cb, err := reads(t, answer).Callback(t.Context(), v, news("mdOrder=md&orderNumber=another&operation=deposited&status=1"))
	require.NoError(t, err)
	assert.Empty(t, cb.OrderID)
	assert.Empty(t, cb.Payment.OrderID)
}
