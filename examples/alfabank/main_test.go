package main

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
)

func none(string) string { return "" }

func TestOnTheEmulator(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), none, &out))
	assert.Contains(t, out.String(), "taken 10.00")
	assert.Contains(t, out.String(), "At the end the payment is partially_refunded: taken 10.00, given back 3.00.")
}

// TestWithCredentials: with an environment the same program goes to the host
// that it names.
func TestWithCredentials(t *testing.T) {
	bank := alfabanktest.NewServer()
	defer bank.Close()
	env := map[string]string{"ALFABANK_USERNAME": bank.Config().UserName, "ALFABANK_PASSWORD": "wrong", "ALFABANK_BASE_URL": bank.Config().BaseURL}
	var out bytes.Buffer
	err := run(context.Background(), func(name string) string { return env[name] }, &out)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "alfabank")
	assert.NotContains(t, err.Error(), "wrong\"")
	env["ALFABANK_ENVIRONMENT"] = "moon"
	assert.ErrorContains(t, run(context.Background(), func(name string) string { return env[name] }, &out), "ALFABANK_ENVIRONMENT")
}

// TestHalfAnEnvironment: what is missing is said by its name.
func TestHalfAnEnvironment(t *testing.T) {
	for set, missing := range map[string]string{"ALFABANK_PASSWORD": "ALFABANK_USERNAME"} {
		err := run(context.Background(), func(name string) string { return map[string]string{set: "x"}[name] }, io.Discard)
		assert.ErrorContains(t, err, missing+" is not set")
	}
}
