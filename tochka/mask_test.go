package tochka

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The bank masks card numbers; one that came whole is masked before it is kept.
func TestCardNumberIsMasked(t *testing.T) {
	for came, kept := range map[string]string{"2202205000012424": "220220******2424", "220220******2424": "220220******2424", "2202 2050 0001 2424": "2202 20** **** 2424", "": ""} {
		body := strings.Replace(operation("APPROVED", "100.0", movement("1", "approval", "100.0", "2026-10-02T09:24:07+03:00")),
			`"paymentType":"card"`, `"paymentType":"card","CofToken":{"maskedPan":"`+came+`","cardType":"MIR"}`, 1)
		p, err := newBank(t).on(read, body).client().GetStatus(t.Context(), opID)
		require.NoError(t, err)
		require.NotNil(t, p.Card)
		assert.Equal(t, kept, p.Card.Masked)

		n, err := verifier(t).Notice([]byte(signed(t, `{"webhookType":"acquiringInternetPayment","operationId":"x","status":"APPROVED","amount":"1","customerCode":"300777001","maskedPan":"`+came+`"}`)))
		require.NoError(t, err)
		assert.Equal(t, kept, n.MaskedPAN)
	}
}
