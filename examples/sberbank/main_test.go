package main

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

func none(string) string { return "" }

func TestOnTheEmulator(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), none, &out))
	assert.Contains(t, out.String(), "taken 10.00, card 220220******2424")
	assert.Contains(t, out.String(), "At the end the payment is partially_refunded: taken 10.00, given back 3.00.")
}

// TestWithCredentials: with an environment the same program goes to the host
// that it names.
func TestWithCredentials(t *testing.T) {
	bank := sberbanktest.NewServer()
	defer bank.Close()
	env := map[string]string{"SBERBANK_USERNAME": bank.Config().UserName, "SBERBANK_PASSWORD": "wrong", "SBERBANK_BASE_URL": bank.Config().BaseURL}
	var out bytes.Buffer
	err := run(context.Background(), func(name string) string { return env[name] }, &out)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "sberbank")
	assert.NotContains(t, err.Error(), "wrong\"")
	env["SBERBANK_ENVIRONMENT"] = "moon"
	assert.ErrorContains(t, run(context.Background(), func(name string) string { return env[name] }, &out), "SBERBANK_ENVIRONMENT")
}

// TestHalfAnEnvironment: what is missing is said by its name.
func TestHalfAnEnvironment(t *testing.T) {
	for set, missing := range map[string]string{"SBERBANK_USERNAME": "SBERBANK_PASSWORD"} {
		err := run(context.Background(), func(name string) string { return map[string]string{set: "x"}[name] }, io.Discard)
		assert.ErrorContains(t, err, missing+" is not set")
	}
}
