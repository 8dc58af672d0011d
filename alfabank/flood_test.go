package alfabank_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
)

// What a stranger can make us spend on a notification.
func TestFlood(t *testing.T) {
	s := alfabanktest.NewServer()
	defer s.Close()
	t.Run("signed", func(t *testing.T) {
		c, err := alfabank.New(s.Config())
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
	t.Run("not signed", func(t *testing.T) {
		conf := s.Config()
		conf.CallbackKey = ""
		c, err := alfabank.New(conf)
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
}
