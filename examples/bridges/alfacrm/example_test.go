package main

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/internal/shops"
)

// TestExampleFile: the file to begin with is read without a fault.
func TestExampleFile(t *testing.T) {
	get := func(string) string { return "from-the-environment" }
	conf, crm, err := open("alfacrm.example.json", get, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	assert.Equal(t, "alfacrm", crm.Name())
	accounts, err := shops.Open(conf.Shops, shops.Options{Getenv: get})
	require.NoError(t, err)
	assert.Len(t, accounts, 2)
}
