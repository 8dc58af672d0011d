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

func TestFromTheConsentToTheRefund(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), func(string) string { return "" }, &out))
	text := out.String()
	assert.Contains(t, text, "exchanged for tokens")
	assert.Contains(t, text, "1 of them print receipts")
	assert.Equal(t, 2, strings.Count(text, "A callback came"), text)
	assert.Contains(t, text, "is expired.")
	assert.Equal(t, 2, strings.Count(text, "taken 10.00, given back 3.00"), text)
}

// TestHalfAnEnvironment: what is missing is said by its name.
func TestHalfAnEnvironment(t *testing.T) {
	for set, missing := range map[string]string{"TOCHKA_CUSTOMER_CODE": "TOCHKA_TOKEN"} {
		err := run(context.Background(), func(name string) string { return map[string]string{set: "x"}[name] }, io.Discard)
		assert.ErrorContains(t, err, missing+" is not set")
	}
}
