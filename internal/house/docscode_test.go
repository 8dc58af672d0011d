package house

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// standard are the packages of the standard library that pages use without
// importing them, by the name in code.
var standard = map[string]string{
	"context": "context", "http": "net/http", "fmt": "fmt", "log": "log", "slog": "log/slog", "time": "time", "os": "os",
	"errors": "errors", "sql": "database/sql", "iter": "iter", "strings": "strings", "slices": "slices", "httptest": "net/http/httptest",
	"testing": "testing", "netip": "net/netip", "tls": "crypto/tls", "signal": "os/signal", "json": "encoding/json",
}

// library is the type information of this module's packages and of the
// standard ones, by import path, as the compiler made it.
type library struct {
	files map[string]string // import path to export data
	names map[string]string // package name in code to import path
	imp   types.Importer
	set   *token.FileSet
}

var loadLibrary = sync.OnceValues(func() (*library, error) {
	list := exec.Command("go", append([]string{"list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}}\t{{.Name}}\t{{.Export}}{{end}}", "./..."},
		slices.Collect(maps.Values(standard))...)...)
	list.Dir = root
	var complaints bytes.Buffer
	list.Stderr = &complaints
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, complaints.String())
	}
	lib := &library{files: map[string]string{}, names: maps.Clone(standard), set: token.NewFileSet()}
	for scan := bufio.NewScanner(bytes.NewReader(out)); scan.Scan(); {
		fields := strings.Split(scan.Text(), "\t")
		lib.files[fields[0]] = fields[2]
		public := fields[0] == module || strings.HasPrefix(fields[0], module+"/")
		if public && fields[1] != "main" && !strings.Contains(fields[0], "/internal/") {
			lib.names[fields[1]] = fields[0]
		}
	}
	lib.imp = importer.ForCompiler(lib.set, "gc", func(path string) (io.ReadCloser, error) {
		file, ok := lib.files[path]
		if !ok {
			return nil, errors.New("no package " + path)
		}
		return os.Open(file)
	})
	return lib, nil
})

func theLibrary(t *testing.T) *library {
	t.Helper()
	lib, err := loadLibrary()
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// given is a comment before a block of code, which readers of the page do not
// see: the variables and functions of the reader's own program that the code
// uses, as "db *sql.DB; credit func(context.Context, string) error".
var given = regexp.MustCompile("(?s)<!-- given: ([^>]*?) -->\n+$")

// TestDocsCodeCompiles: every block of Go in the pages. A block that begins
// with package is a file; any other is top-level declarations, or statements of
// a function that has ctx and may return an error. What a block declares for
// the text's sake it need not use.
func TestDocsCodeCompiles(t *testing.T) {
	lib := theLibrary(t)
	blocks := 0
	for _, p := range pages(t) {
		if strings.HasPrefix(p.path, "README") {
			continue // its ten lines leave the errors out
		}
		for _, at := range fence.FindAllStringSubmatchIndex(p.text, -1) {
			if p.text[at[2]:at[3]] != "go" {
				continue
			}
			blocks++
			code, declared := p.text[at[4]:at[5]], ""
			if m := given.FindStringSubmatch(p.text[:at[0]]); m != nil {
				declared = m[1]
			}
			line := 1 + strings.Count(p.text[:at[4]], "\n")
			if err := lib.check(code, declared); err != nil {
				t.Errorf("%s:%d: %v", p.path, line, err)
			}
		}
	}
	if blocks < 20 {
		t.Errorf("only %d blocks of Go were found", blocks)
	}
}

// topLevel says whether a block is declarations.
var topLevel = regexp.MustCompile(`(?m)^(func|type) `)

// check compiles a block of a page.
func (lib *library) check(code, declared string) error {
	whole := strings.HasPrefix(code, "package ")
	if !whole {
		var b strings.Builder
		b.WriteString("package page\n\n")
		for _, one := range strings.Split(declared, ";") {
			if one = strings.TrimSpace(one); one != "" {
				b.WriteString("var " + one + "\n")
			}
		}
		if topLevel.MatchString(code) {
			b.WriteString(code)
		} else {
			b.WriteString("func _(ctx context.Context) error {\n" + code + "\nreturn nil\n}\n")
		}
		code = b.String()
	}
	file, err := parser.ParseFile(lib.set, "page.go", code, 0)
	if err != nil {
		return err
	}
	if !whole {
		imports := map[string]bool{}
		for _, id := range file.Unresolved {
			if path, ok := lib.names[id.Name]; ok {
				imports[path] = true
			}
		}
		decl := &ast.GenDecl{Tok: token.IMPORT}
		for path := range imports {
			decl.Specs = append(decl.Specs, &ast.ImportSpec{Path: &ast.BasicLit{Kind: token.STRING, Value: `"` + path + `"`}})
		}
		file.Decls = append([]ast.Decl{decl}, file.Decls...)
	}
	var wrong []error
	conf := types.Config{Importer: lib.imp, Error: func(err error) {
		if e, ok := err.(types.Error); ok && e.Soft && strings.HasPrefix(e.Msg, "declared and not used") {
			return
		}
		wrong = append(wrong, err)
	}}
	_, _ = conf.Check("page", lib.set, []*ast.File{file}, nil)
	return errors.Join(wrong...)
}

// TestDocsCheckRefuses: code that does not compile is seen.
func TestDocsCheckRefuses(t *testing.T) {
	lib := theLibrary(t)
	if err := lib.check("inv, err := bank.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: \"A-1\"})\nif err != nil { return err }", "bank acquiring.Acquirer"); err != nil {
		t.Errorf("good code: %v", err)
	}
	for _, bad := range []string{"acquiring.NoSuchName()", "_ = acquiring.InvoiceRequest{OrderNumber: \"A-1\"}", "_ = money.RUB(1)", "bank.Pay()", "for {"} {
		if lib.check(bad, "bank acquiring.Acquirer") == nil {
			t.Errorf("%q passes for good code", bad)
		}
	}
}

// name is a name of this library in the text of a page: sberbank.Config, or
// with a field or method, Config.CallbackKey.
var name = regexp.MustCompile(`^([a-z]\w*|Config|ClassicConfig|Client|ClassicClient)\.([A-Z]\w*)(?:\.([A-Z]\w*))?(?:\(\))?$`)

// TestDocsNameRealNames: what the pages call by name is there.
func TestDocsNameRealNames(t *testing.T) {
	lib := theLibrary(t)
	checked := 0
	for _, p := range pages(t) {
		own := pageOf(p.path)
		for _, m := range span.FindAllStringSubmatch(p.prose(), -1) {
			parts := name.FindStringSubmatch(m[1])
			if parts == nil || namedTest.MatchString(m[1]) {
				continue
			}
			pkg, first, second := parts[1], parts[2], parts[3]
			if pkg[0] >= 'A' && pkg[0] <= 'Z' {
				if own == "" {
					continue
				}
				pkg, first, second = own, pkg, first
			}
			where, ok := lib.names[pkg]
			if !ok || standard[pkg] != "" {
				continue
			}
			checked++
			if err := lib.has(where, first, second); err != nil {
				t.Errorf("%s: `%s`: %v", p.path, m[1], err)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d names were found", checked)
	}
}

// pageOf is the package that a provider's page is about.
func pageOf(file string) string {
	if !strings.HasPrefix(file, "docs/providers/") {
		return ""
	}
	own, _, _ := strings.Cut(path.Base(file), ".")
	return own
}

// has says whether a package has the name, and the name the field or method.
func (lib *library) has(where, first, second string) error {
	pkg, err := lib.imp.Import(where)
	if err != nil {
		return err
	}
	object := pkg.Scope().Lookup(first)
	if object == nil {
		return fmt.Errorf("%s has no %s", where, first)
	}
	if second == "" {
		return nil
	}
	if found, _, _ := types.LookupFieldOrMethod(object.Type(), true, pkg, second); found == nil {
		return fmt.Errorf("%s.%s has no %s", where, first, second)
	}
	return nil
}
