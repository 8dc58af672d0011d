package house

import (
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logged are the messages that the library logs, and its keys with the
// constructors of slog that make their values.
func logged(t *testing.T) (messages []string, keys map[string][]string) {
	keys = map[string][]string{}
	add := func(key, kind string) {
		if key != "" && !slices.Contains(keys[key], kind) {
			keys[key] = append(keys[key], kind)
		}
	}
	_, all := sources(t)
	for _, f := range all {
		if strings.HasPrefix(f.pkg, "examples") || strings.HasSuffix(f.pkg, "test") || strings.HasPrefix(f.pkg, "internal/emulator") {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name == "LogValue" || fn.Body == nil {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				switch to := call.Fun.(type) {
				case *ast.SelectorExpr:
					if x, ok := to.X.(*ast.Ident); ok && x.Name == "slog" && len(call.Args) == 2 {
						add(literal(call.Args[0]), to.Sel.Name)
					}
					if to.Sel.Name == "LogAttrs" {
						if message := literal(call.Args[2]); message != "" {
							messages = append(messages, message)
						}
					}
				case *ast.Ident:
					if to.Name == "add" && len(call.Args) == 2 && f.pkg == "webhook" {
						add(literal(call.Args[0]), "String")
					}
				}
				return true
			})
		}
	}
	return messages, keys
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		s, _ := strconv.Unquote(l.Value)
		return s
	}
	return ""
}

// TestLogLines: the guide lists each message and each key that is logged, and no
// other; a key has one type wherever it stands, or an index of logs refuses it.
func TestLogLines(t *testing.T) {
	messages, keys := logged(t)
	require.Greater(t, len(messages), 8)
	for key, kinds := range keys {
		assert.Len(t, kinds, 1, "the key %s has values of several types: %v", key, kinds)
	}
	word := regexp.MustCompile(`^[a-z_]+`)
	for _, name := range []string{"guide.md", "guide.ru.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", name))
		require.NoError(t, err)
		_, table, _ := strings.Cut(string(text), "<!-- log lines -->")
		table, _, found := strings.Cut(table, "<!-- end of log lines -->")
		require.True(t, found, name)
		for _, message := range messages {
			assert.Contains(t, table, "`"+message+"`", name)
		}
		told := map[string]bool{}
		for _, row := range strings.Split(strings.TrimSpace(table), "\n")[2:] {
			cells := strings.Split(row, "|")
			require.Len(t, cells, 5, row)
			for _, entry := range strings.Split(regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(cells[3], ""), ",") {
				told[word.FindString(strings.TrimSpace(entry))] = true
			}
		}
		assert.Equal(t, slices.Sorted(maps.Keys(keys)), slices.Sorted(maps.Keys(told)), name)
	}
}
