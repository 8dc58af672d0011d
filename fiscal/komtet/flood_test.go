package komtet_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
)

// What a stranger can make us spend on a notification.
func TestFlood(t *testing.T) {
	s := komtettest.NewServer()
	defer s.Close()
	t.Run("signed", func(t *testing.T) {
		c, err := komtet.New(s.Config())
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
}
