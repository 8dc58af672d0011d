package tochka

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// The bank said that the card was charged, and the charge's number cannot be
// seen yet. That is not forgotten: the same order is never charged again, it
// does not go by the number of the subscription's first payment, and another
// order's charge is not taken for it.
func TestChargeWithoutItsNumberIsNotRepeated(t *testing.T) {
	const charging = "POST acquiring/v1.0/subscriptions/" + opID + "/charge"
	first := movement("1", "approval", "990", "2026-10-02T09:24:07+03:00")
	seen := func(more ...string) answer {
		return answer{status: 200, body: operation("APPROVED", "990", append([]string{first}, more...)...)}
	}
	b := newBank(t).on(charging, `{"Data":{"result":true}}`).answer(read, seen(), seen())
	shows := func(a answer) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.answers[read] = []answer{a}
	}
	c := b.client()
	for range 3 {
		_, err := c.Charge(t.Context(), charge("month-1", 99000))
		assert.True(t, unsure(err), "not the number of the first payment: %v", err)
		assert.Contains(t, asError(t, err).Hint, "same OrderID")
	}
	assert.Len(t, b.calls(charging), 1)

	// Another order whose request was lost: the one movement is month-1's.
	b.mu.Lock()
	b.answers[charging] = []answer{{lost: true}, {status: 200, body: `{"Data":{"result":true}}`}}
	b.mu.Unlock()
	_, err := c.Charge(t.Context(), charge("month-2", 99000))
	require.True(t, unsure(err), err)
	m1, m2 := movement("101", "approval", "990", "2026-11-02T09:24:07+03:00"), movement("102", "approval", "990", "2026-12-02T09:24:07+03:00")
	shows(seen(m1))
	_, err = c.Charge(t.Context(), charge("month-2", 99000))
	require.True(t, unsure(err), "charged now, and not to be seen: %v", err)
	assert.Len(t, b.calls(charging), 3)
	shows(seen(m1, m2))
	p, err := c.Charge(t.Context(), charge("month-1", 99000))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(opID+":101"), p.ID)
	p, err = c.Charge(t.Context(), charge("month-2", 99000))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(opID+":102"), p.ID)
	assert.Len(t, b.calls(charging), 3)

	// The look at it fails.
	b = newBank(t).on(charging, `{"Data":{"result":true}}`).answer(read, seen(), answer{status: http.StatusNotFound, body: "{}"}, seen(m1))
	c = b.client()
	_, err = c.Charge(t.Context(), charge("month-1", 99000))
	require.True(t, unsure(err), err)
	p, err = c.Charge(t.Context(), charge("month-1", 99000))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(opID+":101"), p.ID)
	assert.Len(t, b.calls(charging), 1)
}
