package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/acquiring-go/acquiring/acquiringtest"
)

// page is a page of documentation.
type page struct {
	path string // below the root, with slashes
	text string
}

var root = filepath.Join("..", "..")

// pages are those of docs and of the root.
func pages(t *testing.T) (some []page) {
	t.Helper()
	for _, p := range everyPage(t) {
		if strings.HasPrefix(p.path, "docs/") || !strings.Contains(p.path, "/") {
			some = append(some, p)
		}
	}
	return some
}

// everyPage is each page of the repository, nested modules included.
func everyPage(t *testing.T) (all []page) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".md") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all = append(all, page{filepath.ToSlash(name), string(data)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 25 {
		t.Fatalf("only %d pages were found: the test looks in the wrong place", len(all))
	}
	return all
}

var (
	fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	span  = regexp.MustCompile("`([^`\n]+)`")
	link  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	title = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// prose is the page without its blocks of code.
func (p page) prose() string { return fence.ReplaceAllString(p.text, "") }

// TestDocsLinksLeadSomewhere: to a file of the repository, and to a heading
// that it has.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	for _, p := range everyPage(t) {
		for _, m := range link.FindAllStringSubmatch(p.prose(), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			path := filepath.Join(root, filepath.Dir(p.path), target)
			if target == "" {
				path = filepath.Join(root, p.path)
			}
			data, err := os.ReadFile(path)
			if info, e := os.Stat(path); e != nil || (err != nil && !info.IsDir()) {
				t.Errorf("%s: the link %s leads nowhere", p.path, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(string(data)), anchor) {
				t.Errorf("%s: the link %s leads to a heading that is not there", p.path, m[1])
			}
		}
	}
}

// anchors are the headings of a page as addresses.
func anchors(text string) (all []string) {
	for _, m := range title.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, m[1]))
	}
	return all
}

// TestDocsComeInBothLanguages: what a Russian reader decides by is there in
// Russian, with the same headings, code and tables.
func TestDocsComeInBothLanguages(t *testing.T) {
	byPath := map[string]page{}
	for _, p := range pages(t) {
		byPath[p.path] = p
	}
	pairs := 0
	for path, ru := range byPath {
		english, isRussian := strings.CutSuffix(path, ".ru.md")
		if !isRussian || !strings.HasPrefix(path, "docs/") {
			continue
		}
		pairs++
		en, ok := byPath[english+".md"]
		if !ok {
			t.Errorf("%s has no English page", path)
			continue
		}
		for what, count := range map[string]func(string) int{
			"headings":       func(s string) int { return len(title.FindAllString(fence.ReplaceAllString(s, ""), -1)) },
			"blocks of code": func(s string) int { return len(fence.FindAllString(s, -1)) },
			"lines of tables": func(s string) int {
				return strings.Count(fence.ReplaceAllString(s, ""), "\n|")
			},
		} {
			if a, b := count(en.text), count(ru.text); a != b {
				t.Errorf("%s has %d %s, %s has %d: one of them was changed alone", en.path, a, what, ru.path, b)
			}
		}
		for i, block := range fence.FindAllStringSubmatch(ru.text, -1) {
			blocks := fence.FindAllStringSubmatch(en.text, -1)
			if block[1] == "go" && i < len(blocks) && bare(block[2]) != bare(blocks[i][2]) {
				t.Errorf("%s and %s: the Go code number %d differs", en.path, ru.path, i+1)
			}
		}
	}
	if pairs < 10 {
		t.Errorf("only %d Russian pages were found", pairs)
	}
	for path := range byPath {
		if strings.HasPrefix(path, "docs/providers/") && !strings.HasSuffix(path, ".ru.md") {
			if _, ok := byPath[strings.TrimSuffix(path, ".md")+".ru.md"]; !ok {
				t.Errorf("%s has no Russian page", path)
			}
		}
	}
}

var (
	comments = regexp.MustCompile(`(?m)\s*//.*$`)
	literals = regexp.MustCompile(`"[^"\n]*"`)
)

// bare is code without comments and texts, which may be in either language.
func bare(code string) string {
	return comments.ReplaceAllString(literals.ReplaceAllString(code, `""`), "")
}

// namedTest is a test named in a page: the folder of its package, a point, and
// its name.
var namedTest = regexp.MustCompile(`^([a-z][\w/]*)\.((?:Test|Fuzz|Example|Benchmark)[A-Z0-9]\w*)$`)

// behaviour is one of the conformance suites'.
var behaviour = regexp.MustCompile(`^[A-Z][A-Za-z]+/[A-Z]\w+$`)

// TestDocsNameRealTests: where a page says that a test shows something, the
// test is there.
func TestDocsNameRealTests(t *testing.T) {
	lib, tests := theLibrary(t), testFunctions(t)
	suites := append(acquiringtest.Names(), acquiringtest.RegisterNames()...)
	named := 0
	for _, p := range pages(t) {
		for _, m := range span.FindAllStringSubmatch(p.prose(), -1) {
			switch word := m[1]; {
			case namedTest.MatchString(word):
				named++
				if m := namedTest.FindStringSubmatch(word); !tests[word] && lib.has(lib.names[m[1]], m[2], "") != nil {
					t.Errorf("%s: there is no test %s", p.path, word)
				}
			case strings.HasPrefix(word, "Test") && !strings.ContainsAny(word, " ./"):
				t.Errorf("%s: %s does not say in which package it is", p.path, word)
			case behaviour.MatchString(word):
				named++
				if !slices.Contains(suites, word) {
					t.Errorf("%s: the conformance suites have no %s", p.path, word)
				}
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d tests are named: the pages should say what shows their claims", named)
	}
}

// variable is one of the environment that a page or an example reads.
var variable = regexp.MustCompile(`(?:Getenv\(|Name: )"([A-Z][A-Z0-9_]+)"`)

// TestDocsNameRealVariables: the code of the pages reads the variables that the
// examples and the doctor read, so that one set of them serves all.
func TestDocsNameRealVariables(t *testing.T) {
	known := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(root, "examples", "internal", "environ", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("the variables of the examples were not found", err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range variable.FindAllStringSubmatch(string(data), -1) {
			known[m[1]] = true
		}
	}
	for _, p := range pages(t) {
		for _, m := range variable.FindAllStringSubmatch(p.text, -1) {
			if !known[m[1]] {
				t.Errorf("%s: the examples read no variable %s", p.path, m[1])
			}
		}
	}
}

// testFunctions are the tests of the root module and of the nested ones, each
// as folder.Name; the root package is "acquiring".
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		if dir = filepath.ToSlash(dir); dir == "." {
			dir = "acquiring"
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				found[dir+"."+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
