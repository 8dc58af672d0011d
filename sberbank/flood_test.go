package sberbank_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// What a stranger can make us spend on a notification.
func TestFlood(t *testing.T) {
	s := sberbanktest.NewServer()
	defer s.Close()
	t.Run("signed", func(t *testing.T) {
		c, err := sberbank.New(s.Config())
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
	t.Run("not signed", func(t *testing.T) {
		conf := s.Config()
		conf.CallbackKey = ""
		c, err := sberbank.New(conf)
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
}
