package main

import (
	"bytes"
	"context"
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
