package sberbank

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A callback with the old key is accepted while both are configured, and the
// old key is shown as little as the new one.
func TestTwoKeysAlive(t *testing.T) {
	b := newBank(t)
	c := b.client(ProtocolJSON, func(c *Config) { c.CallbackKey, c.PreviousCallbackKey = "the-new-key-of-2026", callbackKey })
	query := "mdOrder=" + id + "&orderNumber=1&operation=deposited&status=1"
	cb, err := c.VerifyCallback(context.Background(), get(signed(query)))
	require.NoError(t, err)
	assert.True(t, cb.Signed)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", c, c, c), c.conf.String(), c.conf.LogValue().String()} {
		assert.NotContains(t, text, callbackKey)
	}
}
