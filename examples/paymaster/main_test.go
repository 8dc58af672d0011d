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

func TestBothProtocols(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), func(string) string { return "" }, &out))
	assert.Equal(t, 2, strings.Count(out.String(), "At the end the payment is partially_refunded: taken 10.00, given back 3.00."), out.String())
}

func TestWrongEnvironment(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"PAYMASTER_ENVIRONMENT":  {"PAYMASTER_MERCHANT_ID": "x", "PAYMASTER_TOKEN": "y", "PAYMASTER_ENVIRONMENT": "moon"},
		"PAYMASTER_CLASSIC_HASH": {"PAYMASTER_CLASSIC_MERCHANT_ID": "x", "PAYMASTER_CLASSIC_SECRET_KEY": "y", "PAYMASTER_CLASSIC_HASH": "crc32"},
	} {
		err := run(context.Background(), func(n string) string { return env[n] }, &bytes.Buffer{})
		assert.ErrorContains(t, err, name)
	}
}

// TestHalfAnEnvironment: what is missing is said by its name.
func TestHalfAnEnvironment(t *testing.T) {
	for set, missing := range map[string]string{"PAYMASTER_TOKEN": "PAYMASTER_MERCHANT_ID", "PAYMASTER_CLASSIC_SECRET_KEY": "PAYMASTER_CLASSIC_MERCHANT_ID"} {
		err := run(context.Background(), func(name string) string { return map[string]string{set: "x"}[name] }, io.Discard)
		assert.ErrorContains(t, err, missing+" is not set")
	}
}
