package broker_test

import (
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever publishes or consumes gets Watermill's messages and nothing of any
// broker: publishers and subscribers are his own choice, and only the tests'
// here.
func TestNoBrokerComesAlong(t *testing.T) {
	allowed := []string{"github.com/acquiring-go/acquiring", "github.com/acquiring-go/acquiring/money", "github.com/acquiring-go/acquiring/webhook",
		"github.com/ThreeDotsLabs/watermill/message", "github.com/google/uuid"}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
				assert.Contains(t, allowed, path, entry.Name())
			}
		}
	}
}
