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

// heldParam is the param that the shop puts into a hold of 1499.90.
const heldParam = "1499.90 381f86996d7fc0bbd635ff86efb36076"

// inPart is payment 734512, a hold of 1499.90 of which 999.90 was taken: the
// API shows the part as its amount.
func inPart(status string) string {
	return strings.NewReplacer("1499.9000", "999.9000", `"crm":"17"`, `"crm":"17","acquiring_ordered":"`+heldParam+`"`).Replace(payment(status, ""))
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

// The sum of the order is known from the param that the shop itself wrote, and
// from no other.
func TestOrderedSum(t *testing.T) {
	value, proof, _ := strings.Cut(heldParam, " ")
	for param, want := range map[string]money.Amount{`"` + heldParam + `"`: 149990, `"1499.90"`: 99990, `1499.9`: 99990, `"` + value + ` "`: 99990,
		`"15000.00 ` + proof + `"`: 99990, `"x ` + proof + `"`: 99990, `null`: 99990, `{"a":1}`: 99990} {
		b := newBank(t).on(getPayment, ok(strings.Replace(inPart(StatusSettled), `"`+heldParam+`"`, param, 1))).on(getRefunds, listed())
		p, err := b.client().GetStatus(ctx, "734512")
		require.NoError(t, err)
		assert.Equal(t, []money.Amount{want, 99990}, []money.Amount{p.Amount, p.Captured}, param)
	}
	for what, change := range map[string][2]string{"another order": {"ORD-2024-0042", "ORD-2024-0043"}, "another currency": {`"RUB"`, `"KZT"`}} {
		b := newBank(t).on(getPayment, ok(strings.Replace(inPart(StatusSettled), change[0], change[1], 1))).on(getRefunds, listed())
		p, err := b.client().GetStatus(ctx, "734512")
		require.NoError(t, err)
		assert.Equal(t, money.Amount(99990), p.Amount, what)
	}
	b := newBank(t).on(getPayment, ok(inPart(StatusSettled))).on(getRefunds, listed()).on(getPayments, listed(inPart(StatusSettled)))
	p, err := b.client(func(c *Config) { c.Token = "another-token" }).GetStatus(ctx, "734512")
	require.NoError(t, err)
	assert.Equal(t, money.Amount(99990), p.Amount, "a token that was changed since")
	for p, err := range b.client().Payments(ctx, acquiring.Filter{}) {
		require.NoError(t, err)
		assert.Equal(t, money.Amount(149990), p.Amount, "in the list")
	}
	// The shop's own params stay its own.
	b = newBank(t).on(postInvoices, ok(link))
	r := order()
	r.Hold, r.Metadata = true, map[string]string{"crm": "17"}
	_, err = b.client().CreateInvoice(ctx, r)
	require.NoError(t, err)
	assert.Contains(t, b.last(postInvoices).body, `"params":{"acquiring_ordered":"`+heldParam+`","crm":"17"}`)
	assert.Equal(t, map[string]string{"crm": "17"}, r.Metadata)
}

// A buyer starts a payment of one rouble for somebody's order in the widget, in
// his own browser, and writes the order's sum into the params: the payment is
// of one rouble all the same.
func TestBuyerCannotNameTheOrdersSum(t *testing.T) {
	for _, param := range []string{"1499.90", "1499.90 " + strings.Repeat("0", 32), "1499.90 "} {
		cheap := strings.NewReplacer("1499.9000", "1.0000", `"crm":"17"`, `"acquiring_ordered":"`+param+`"`).Replace(payment(StatusSettled, ""))
		b := newBank(t).on(getPayment, ok(cheap)).on(getRefunds, listed()).on(getPayments, listed(cheap))
		h := webhook.Handler(b.client(), func(_ context.Context, e webhook.Event) error {
			t.Errorf("processed as a payment of %s, %s taken", e.Payment.Amount, e.Payment.Captured)
			return nil
		}, webhook.Expect(func(context.Context, string) (money.Amount, string, error) { return 149990, "RUB", nil }))
		for _, claimed := range []string{"1.0000", "1499.9000"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, post(strings.Replace(read(t, "v2_callback.json"), "1499.9000", claimed, 1)))
			assert.NotEqual(t, 200, w.Code)
		}
		p, err := b.client().FindByOrder(ctx, "ORD-2024-0042")
		require.NoError(t, err)
		assert.Equal(t, money.Amount(100), p.Amount)
	}
}
