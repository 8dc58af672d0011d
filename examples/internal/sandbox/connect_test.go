package sandbox

import (
	"go/ast"
	"go/parser"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

// TestCodeToCopy: what is copied is Go, and names fields that the Configs have.
func TestCodeToCopy(t *testing.T) {
	configs := map[string]reflect.Type{"sberbank.Config": reflect.TypeFor[sberbank.Config](), "alfabank.Config": reflect.TypeFor[alfabank.Config](),
		"paymaster.Config": reflect.TypeFor[paymaster.Config](), "paymaster.ClassicConfig": reflect.TypeFor[paymaster.ClassicConfig](),
		"tochka.Config": reflect.TypeFor[tochka.Config](), "tochka.OAuthConfig": reflect.TypeFor[tochka.OAuthConfig](),
		"komtet.Config": reflect.TypeFor[komtet.Config](), "orangedata.Config": reflect.TypeFor[orangedata.Config](), "paykeeper.Config": reflect.TypeFor[paykeeper.Config]()}
	s := trialStart(t)
	b := open(t, s)
	b.look("/connect")
	for _, p := range Providers() {
		page := b.look("/connect/" + string(p))
		b.shows(page, s.CallbackURL(p))
		for _, c := range s.connections(p) {
			b.shows(page, c.Code)
			b.shows(page, c.Base)
			for _, e := range c.Credentials {
				assert.NotEmpty(t, e.Value, "%s: %s", c.Title, e.Name)
				b.shows(page, e.Value)
			}
			expr, err := parser.ParseExpr("func() {\n" + c.Code + "}")
			require.NoError(t, err, c.Code)
			found := false
			ast.Inspect(expr, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if !ok {
					return true
				}
				name := lit.Type.(*ast.SelectorExpr)
				of := name.X.(*ast.Ident).Name + "." + name.Sel.Name
				require.Contains(t, configs, of)
				found = true
				for _, e := range lit.Elts {
					field := e.(*ast.KeyValueExpr).Key.(*ast.Ident).Name
					_, there := configs[of].FieldByName(field)
					assert.True(t, there, "%s has no %s", of, field)
				}
				return false
			})
			assert.True(t, found, c.Code)
		}
	}
	for _, name := range []string{fileCert, fileKey, fileSign, fileCA} {
		resp, err := s.inside().Get(s.URL + "/files/orangedata/" + name)
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode)
		_ = resp.Body.Close()
		assert.True(t, strings.HasPrefix(string(s.orangeDataFile(name)), "-----BEGIN "), name)
	}
}
