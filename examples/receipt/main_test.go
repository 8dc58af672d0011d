package main

import (
	"bytes"
	"context"
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
