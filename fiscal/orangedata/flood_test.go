package orangedata_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
)

// What a stranger can make us spend on a notification.
func TestFlood(t *testing.T) {
	s := orangedatatest.NewServer()
	defer s.Close()
	t.Run("a document", func(t *testing.T) {
		c, err := orangedata.New(s.Config())
		require.NoError(t, err)
		acquiringtest.Flood(t, func(ctx context.Context, r *http.Request) error {
			_, err := c.VerifyCallback(ctx, r)
			return err
		})
	})
}
