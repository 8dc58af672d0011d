package web

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/store"
)

// TestWaiting: nobody is told that his payment failed unless it is known to
// have.
func TestWaiting(t *testing.T) {
	for status := acquiring.StatusUnknown; status <= acquiring.StatusExpired; status++ {
		failed := status == acquiring.StatusDeclined || status == acquiring.StatusExpired || status == acquiring.StatusCanceled || status == acquiring.StatusVoided
		assert.Equal(t, !failed, waiting(store.Attempt{State: store.Issued, Status: status}), "%s", status)
		assert.False(t, waiting(store.Attempt{State: store.Refused, Status: status}), "%s: the bank refused the order", status)
	}
}
