package paymaster_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
)

// What a stranger can make us spend on a notification.
func TestFlood(t *testing.T) {
	s := paymastertest.NewServer()
	defer s.Close()
	t.Run("REST v2", func(t *testing.T) {
		c, err := paymaster.New(s.Config())
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
	t.Run("classic", func(t *testing.T) {
		c, err := paymaster.NewClassic(s.ClassicConfig())
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
}
