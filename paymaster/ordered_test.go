package paymaster

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// inPart is payment 734512, a hold of 1499.90 of which 999.90 was taken: the
// API shows the part as its amount.
func inPart(status string) string {
	return strings.NewReplacer("1499.9000", "999.9000", `"crm":"17"`, `"crm":"17","acquiring_ordered":"1499.90"`).Replace(payment(status, ""))
}

// A hold taken in part is of the sum of its order still: compared with that, it
// was refused as the payment of another sum and never processed.
func TestPartOfHoldFitsItsOrder(t *testing.T) {
	settled := strings.Replace(read(t, "v2_callback.json"), "1499.9000", "999.9000", 1)
	late := strings.Replace(read(t, "v2_callback.json"), "Settled", "Authorized", 1) // of the sum that was held
	for name, body := range map[string]string{"the part": settled, "late news of the hold": late} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t).on(getPayment, ok(inPart(StatusSettled))).on(getRefunds, listed())
			var got *acquiring.Payment
			h := webhook.Handler(b.client(), func(_ context.Context, e webhook.Event) error { got = e.Payment; return nil },
				webhook.Expect(func(context.Context, string) (money.Amount, string, error) { return 149990, "RUB", nil }))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, post(body))
			assert.Equal(t, 200, w.Code)
			require.NotNil(t, got)
			assert.Equal(t, "paid 1499.90 999.90", got.Status.String()+" "+got.Amount.String()+" "+got.Captured.String())
			assert.Equal(t, map[string]string{"crm": "17"}, got.Metadata)
		})
	}
	b := newBank(t).on(getPayment, ok(inPart(StatusSettled))).on(getRefunds, listed())
	_, err := b.client().VerifyCallback(ctx, post(strings.Replace(settled, "999.9000", "999.9100", 1)))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "another sum than both")
}

func TestOrderedSum(t *testing.T) {
	for param, want := range map[string]money.Amount{`"1499.90"`: 149990, `1499.9`: 149990, `"1.00"`: 99990, `"x"`: 99990, `"-1499.90"`: 99990, `null`: 99990} {
		b := newBank(t).on(getPayment, ok(strings.Replace(inPart(StatusSettled), `"1499.90"`, param, 1))).on(getRefunds, listed())
		p, err := b.client().GetStatus(ctx, "734512")
		require.NoError(t, err)
		assert.Equal(t, []money.Amount{want, 99990}, []money.Amount{p.Amount, p.Captured}, param)
	}
	// The shop's own params stay its own.
	b := newBank(t).on(postInvoices, ok(link))
	r := order()
	r.Hold, r.Metadata = true, map[string]string{"crm": "17"}
	_, err := b.client().CreateInvoice(ctx, r)
	require.NoError(t, err)
	assert.Contains(t, b.last(postInvoices).body, `"params":{"acquiring_ordered":"1499.90","crm":"17"}`)
	assert.Equal(t, map[string]string{"crm": "17"}, r.Metadata)
}
