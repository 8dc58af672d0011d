package orangedata_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
)

// The addresses of documents that were submitted with the old secret are still
// good while both are configured.
func TestTwoKeysAlive(t *testing.T) {
	const old = "callback-secret-of-last-year"
	s := newService(t, created, printed(t))
	secret := func(now, before string) func(*orangedata.Config) {
		return func(c *orangedata.Config) { c.CallbackSecret, c.PreviousCallbackSecret = now, before }
	}
	_, err := s.client(withCallback, secret(old, "")).Submit(t.Context(), tea())
	require.NoError(t, err)
	var sent struct{ CallbackURL string }
	require.NoError(t, json.Unmarshal([]byte(s.requests()[0].Body), &sent))

	_, err = s.client(withCallback, secret("secret-of-this-year", "")).VerifyCallback(t.Context(), notification(sent.CallbackURL, ""))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	both := s.client(withCallback, secret("secret-of-this-year", old))
	doc, err := both.VerifyCallback(t.Context(), notification(sent.CallbackURL, ""))
	require.NoError(t, err)
	assert.Equal(t, "shop-1001-sale", doc.ID)
	assert.NotContains(t, fmt.Sprintf("%v %#v", both, both), old)
}
