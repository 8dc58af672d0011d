package paykeeper_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
)

// What a stranger can make us spend on a notification.
func TestFlood(t *testing.T) {
	s := paykeepertest.NewServer()
	defer s.Close()
	t.Run("payments", func(t *testing.T) {
		client, err := paykeeper.New(s.Config())
		require.NoError(t, err)
		c := client.Acquirer()
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
	t.Run("receipts", func(t *testing.T) {
		c, err := paykeeper.New(s.Config())
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
}
