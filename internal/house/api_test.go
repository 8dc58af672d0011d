package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAPI keeps what other people's code is written against: a name, a field, a
// method or a signature that testdata/api.txt has and the sources do not is a
// break, which wants a new major version or a strong reason. What was added, or
// changed on purpose, is recorded with
//
//	go test ./internal/house -run TestAPI -update
func TestAPI(t *testing.T) {
	_, all := everySource(t)
	var lines []string
	for _, f := range all {
		if public(f) {
			lines = append(lines, exported(f)...)
		}
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	path := filepath.Join("testdata", "api.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	recorded := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range recorded {
		if _, found := slices.BinarySearch(lines, line); !found {
			t.Errorf("gone, or another now: %s", line)
		}
	}
	for _, line := range lines {
		if _, found := slices.BinarySearch(recorded, line); !found {
			t.Logf("new, not recorded yet: %s", line)
		}
	}
}

// public says whether others can import the file's package.
func public(f file) bool {
	return f.ast.Name.Name != "main" && !slices.Contains(strings.Split(f.pkg, "/"), "internal") && !strings.HasPrefix(f.pkg, "examples") &&
		!strings.HasPrefix(f.pkg, "bench") && !strings.HasPrefix(f.pkg, "interop") && !strings.HasPrefix(f.pkg, "simulation")
}

// exported are the lines of a file: one for each name, field and method.
func exported(f file) (lines []string) {
	add := func(parts ...string) { lines = append(lines, f.pkg+": "+strings.Join(parts, " ")) }
	for _, decl := range f.ast.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if !d.Name.IsExported() || !receiverExported(d) {
				continue
			}
			name := d.Name.Name
			if d.Recv != nil {
				name = "(" + types.ExprString(d.Recv.List[0].Type) + ") " + name
			}
			add("func", name+typeParams(d.Type.TypeParams)+signature(d.Type))
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						exportedType(s, add)
					}
				case *ast.ValueSpec:
					for _, name := range s.Names {
						if name.IsExported() {
							kind := ""
							if s.Type != nil {
								kind = types.ExprString(s.Type)
							}
							add(strings.TrimSpace(d.Tok.String() + " " + name.Name + " " + kind))
						}
					}
				}
			}
		}
	}
	return lines
}

func exportedType(s *ast.TypeSpec, add func(...string)) {
	head := "type " + s.Name.Name + typeParams(s.TypeParams)
	if s.Assign != token.NoPos {
		add(head, "=", types.ExprString(s.Type))
		return
	}
	switch kind := s.Type.(type) {
	case *ast.StructType:
		add(head, "struct")
		for _, field := range kind.Fields.List {
			of := types.ExprString(field.Type)
			if len(field.Names) == 0 {
				add(head, "struct, embeds", of)
			}
			for _, name := range field.Names {
				if name.IsExported() {
					add(head, "struct,", name.Name, of)
				}
			}
		}
	case *ast.InterfaceType:
		add(head, "interface")
		for _, method := range kind.Methods.List {
			of, isFunc := method.Type.(*ast.FuncType)
			if !isFunc {
				add(head, "interface, embeds", types.ExprString(method.Type))
				continue
			}
			for _, name := range method.Names {
				add(head, "interface,", name.Name+signature(of))
			}
		}
	default:
		add(head, types.ExprString(s.Type))
	}
}

// signature has the types alone: a parameter's name may change.
func signature(f *ast.FuncType) string {
	list := func(fields *ast.FieldList) string {
		var all []string
		if fields != nil {
			for _, field := range fields.List {
				for range max(1, len(field.Names)) {
					all = append(all, types.ExprString(field.Type))
				}
			}
		}
		return strings.Join(all, ", ")
	}
	text := "(" + list(f.Params) + ")"
	switch results := list(f.Results); {
	case results == "":
		return text
	case strings.Contains(results, ", "):
		return text + " (" + results + ")"
	default:
		return text + " " + results
	}
}

func typeParams(fields *ast.FieldList) string {
	if fields == nil {
		return ""
	}
	var all []string
	for _, field := range fields.List {
		for _, name := range field.Names {
			all = append(all, name.Name+" "+types.ExprString(field.Type))
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// TestAPIIsSeen: a change of each kind changes a line.
func TestAPIIsSeen(t *testing.T) {
	lines := func(source string) []string { return exported(parsed(t, source)) }
	old := lines("package p\ntype T struct{ A int; b int }\ntype I interface{ M(x int) error }\nfunc F[K any](a, b int) (string, error)\nfunc (t *T) G()\nconst C = 1\nvar V int\ntype A = T\nfunc f()\n")
	want := []string{"p: type T struct", "p: type T struct, A int", "p: type I interface", "p: type I interface, M(int) error", "p: func F[K any](int, int) (string, error)",
		"p: func (*T) G()", "p: const C", "p: var V int", "p: type A = T"}
	if !slices.Equal(old, want) {
		t.Errorf("%q", old)
	}
	for _, changed := range []string{"package p\nfunc F[K any](a int, b int64) (string, error)\n", "package p\ntype T struct{ A int64 }\n"} {
		for _, line := range lines(changed) {
			if strings.Contains(line, "64") && slices.Contains(want, line) {
				t.Errorf("not seen: %s", line)
			}
		}
	}
}

func parsed(t *testing.T, source string) file {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file{"p", "p.go", f}
}
