package tochka

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// The first request did not arrive and the second was taken: that is a capture,
// also where the look at it fails or comes too early.
func TestSecondCaptureIsBelieved(t *testing.T) {
	const capture = "POST acquiring/v1.0/payments/" + opID + "/capture"
	held := answer{status: 200, body: operation("AUTHORIZED", "100", movement("1", "authorized", "100", ""))}
	for name, look := range map[string]answer{"no look": {status: 404, body: "{}"}, "too early": held} {
		b := newBank(t).answer(capture, answer{lost: true}).on(capture, `{"Data":{"result":true}}`).answer(read, held, held, look)
		p, err := b.client().Capture(t.Context(), acquiring.CaptureRequest{ID: opID})
		require.NoError(t, err, name)
		assert.Equal(t, acquiring.StatusPaid, p.Status, name)
		assert.Equal(t, money.RUB(100, 0), p.Captured, name)
		assert.Len(t, b.calls(capture), 2)
	}
}
