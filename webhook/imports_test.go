package webhook_test

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

// Whoever takes callbacks gets no provider and no module with it: this package
// and what it stands on import the standard library and each other.
func TestImportingWebhookPullsInNothing(t *testing.T) {
	const module = "github.com/acquiring-go/acquiring"
	for dir, allowed := range map[string][]string{
		".":                 {module, module + "/money", module + "/fiscal", module + "/internal/names"},
		"..":                {module + "/money", module + "/fiscal"},
		"../fiscal":         {module + "/money"},
		"../money":          nil,
		"../internal/names": nil,
	} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, entry := range entries {
			if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+entry.Name(), nil, parser.ImportsOnly)
			require.NoError(t, err)
			for _, spec := range file.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				require.NoError(t, err)
				if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
					assert.Contains(t, allowed, path, "%s/%s", dir, entry.Name())
				}
			}
		}
	}
}
