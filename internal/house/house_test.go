package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/acquiring-go/acquiring"

// file is a source file of the module, not a test.
type file struct {
	pkg  string // its folder below the root; "." is the root
	name string
	ast  *ast.File
}

// sources reads the root module: nested modules have their own dependencies.
func sources(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	return read(t, false)
}

// everySource reads the nested modules too.
func everySource(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	return read(t, true)
}

func read(t *testing.T, nested bool) (*token.FileSet, []file) {
	t.Helper()
	root := filepath.Join("..", "..")
	set := token.NewFileSet()
	var all []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if path != root && (name == "testdata" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			if nested {
				if name == "node_modules" {
					return filepath.SkipDir
				}
				return nil
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		all = append(all, file{filepath.ToSlash(dir), path, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d files were found: the test looks in the wrong place", len(all))
	}
	return set, all
}

// providers are the packages that no other provider may import.
var providers = []string{"sberbank", "alfabank", "paymaster", "tochka", "fiscal/komtet", "fiscal/orangedata", "fiscal/paykeeper"}

func provider(pkg string) string {
	for _, p := range providers {
		if pkg == p || strings.HasPrefix(pkg, p+"/") {
			return p
		}
	}
	return ""
}

// floors say what the packages at the bottom of the house may import of it.
var floors = map[string][]string{
	"money":               {},
	"fiscal":              {"money"},
	".":                   {"money", "fiscal"},
	"internal/names":      {},
	"internal/rest":       {".", "money", "fiscal"},
	"webhook":             {".", "money", "fiscal", "internal/names"},
	"rbs":                 {".", "money", "fiscal", "internal/names", "internal/rest", "webhook"},
	"acquiringtest":       {".", "money", "fiscal", "webhook"},
	"internal/emulator":   {"money", "internal/emulator/qr"},
	"webhook/sqlinbox":    {".", "money", "fiscal", "webhook", "internal/sqldb"},
	"fiscal/queue":        {".", "money", "fiscal", "webhook", "webhook/sqlinbox", "internal/sqldb"},
	"internal/emulator/*": {"money", "internal/emulator", "internal/emulator/qr"},
}

// TestImportsGoOneWay: money, fiscal, acquiring, webhook and internal/rest, rbs,
// providers, examples; no provider imports another.
func TestImportsGoOneWay(t *testing.T) {
	_, all := sources(t)
	for _, f := range all {
		allowed, floor := floors[f.pkg]
		if !floor && strings.HasPrefix(f.pkg, "internal/emulator/") {
			allowed, floor = floors["internal/emulator/*"], true
		}
		for _, spec := range f.ast.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if path != module && !strings.HasPrefix(path, module+"/") {
				continue
			}
			imported := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
			if imported == "" {
				imported = "."
			}
			if floor && !contains(allowed, imported) {
				t.Errorf("%s imports %s, which is above it", f.name, imported)
			}
			from, to := provider(f.pkg), provider(imported)
			if from != "" && to != "" && from != to {
				t.Errorf("%s imports %s: no provider imports another", f.name, imported)
			}
			if strings.HasPrefix(imported, "examples") && !strings.HasPrefix(f.pkg, "examples") {
				t.Errorf("%s imports an example", f.name)
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// TestNoFloats: sums and quantities are exact.
func TestNoFloats(t *testing.T) {
	set, all := sources(t)
	for _, f := range all {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				t.Errorf("%s: a float", set.Position(id.Pos()))
			}
			return true
		})
	}
}

// TestExportedNamesAreExplained: go doc of any exported name answers, in the
// nested modules too.
func TestExportedNamesAreExplained(t *testing.T) {
	set, all := everySource(t)
	packages := map[string]bool{}
	for _, f := range all {
		packages[f.pkg] = packages[f.pkg] || f.ast.Doc != nil
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && receiverExported(d) && d.Doc == nil && !obvious(d) {
					t.Errorf("%s: %s has no comment", set.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if name, bare := undocumented(d, spec); bare {
						t.Errorf("%s: %s has no comment", set.Position(spec.Pos()), name)
					}
				}
			}
		}
	}
	for pkg, explained := range packages {
		if !explained {
			t.Errorf("package %s has no comment", pkg)
		}
	}
}

// undocumented says whether a spec exports a name that nothing explains: its
// own comment, one behind it, or that of its group. A group's comment is not
// enough for another package's name under this one's: go doc shows nothing of
// what stands there.
func undocumented(d *ast.GenDecl, spec ast.Spec) (string, bool) {
	group := d.Doc != nil
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Assign.IsValid() && elsewhere(s.Type) && d.Lparen.IsValid() {
			group = false
		}
		return s.Name.Name, s.Name.IsExported() && s.Doc == nil && s.Comment == nil && !group
	case *ast.ValueSpec:
		for i, name := range s.Names {
			if i < len(s.Values) && elsewhere(s.Values[i]) && d.Lparen.IsValid() {
				group = false
			}
			if name.IsExported() && s.Doc == nil && s.Comment == nil && !group {
				return name.Name, true
			}
		}
	}
	return "", false
}

// elsewhere says whether an expression is another package's name.
func elsewhere(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	_, ok = s.X.(*ast.Ident)
	return ok
}

// obvious are methods whose meaning their interface fixes.
func obvious(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	switch d.Name.Name {
	case "Error", "Unwrap", "Is", "String", "GoString", "LogValue", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "EncodeValues":
		return true
	}
	return false
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch g := t.(type) {
	case *ast.IndexExpr:
		t = g.X
	case *ast.IndexListExpr:
		t = g.X
	}
	id, ok := t.(*ast.Ident)
	return !ok || id.IsExported()
}
