package webhook

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The places of keys that failed, and of those forgotten, are used again.
func TestMemoryInboxUsesPlacesAgain(t *testing.T) {
	m := NewMemoryInbox(3).(*memoryInbox)
	for i := range 1000 {
		_ = m.Once(t.Context(), fmt.Sprint(i), func(context.Context) error {
			if i%2 == 0 {
				return errors.New("no")
			}
			return nil
		})
	}
	assert.Len(t, m.places, 3)
	assert.LessOrEqual(t, len(m.ring), 1+3+1, "the beginning, what is kept, and the one under way")
}
