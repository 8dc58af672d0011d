package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThreeRegistersPrintTheSame(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), func(string) string { return "" }, &out))
	text := out.String()
	assert.Equal(t, 3, strings.Count(text, "&s=5000.00&"), text)
	assert.Equal(t, 3, strings.Count(text, "&s=2663.58&"), text)
	assert.Equal(t, 2, strings.Count(text, "&s=500.00&"), "PayKeeper's correction fields are not published")
	assert.Contains(t, text, "PayKeeper    cannot: ")
	assert.NotContains(t, text, "failed")
}

// TestHalfAnEnvironment: what is missing is said by its name.
func TestHalfAnEnvironment(t *testing.T) {
	for set, missing := range map[string]string{"KOMTET_SECRET": "KOMTET_SHOP_ID", "ORANGEDATA_INN": "ORANGEDATA_PRIVATE_KEY", "PAYKEEPER_USER": "PAYKEEPER_PASSWORD"} {
		err := run(context.Background(), func(name string) string { return map[string]string{set: "x"}[name] }, io.Discard)
		assert.ErrorContains(t, err, missing+" is not set")
	}
}
