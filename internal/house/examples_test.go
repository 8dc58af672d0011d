package house

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryPackageHasAnExample: the page of each package that a user may import
// shows how, in code that the tests run and whose output they compare.
func TestEveryPackageHasAnExample(t *testing.T) {
	_, all := sources(t)
	packages := map[string]bool{}
	for _, f := range all {
		internal := f.pkg == "internal" || strings.HasPrefix(f.pkg, "internal/") || strings.Contains(f.pkg, "/internal/") || strings.HasPrefix(f.pkg, "examples/")
		if !internal && f.ast.Name.Name != "main" {
			packages[f.pkg] = true
		}
	}
	if len(packages) < 20 {
		t.Fatalf("only %d packages were found: the test looks in the wrong place", len(packages))
	}
	for pkg := range packages {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var tests []*ast.File
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			tests = append(tests, file)
		}
		checked := 0
		for _, example := range doc.Examples(tests...) {
			if example.Output != "" {
				checked++
			}
		}
		if checked == 0 {
			t.Errorf("package %s has no example with checked output", pkg)
		}
	}
}
