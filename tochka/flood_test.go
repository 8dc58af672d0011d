package tochka_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

// What a stranger can make us spend on a notification.
func TestFlood(t *testing.T) {
	s := tochkatest.NewServer()
	defer s.Close()
	t.Run("signed", func(t *testing.T) {
		c, err := tochka.New(s.Config())
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
}
