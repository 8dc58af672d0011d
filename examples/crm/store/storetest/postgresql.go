// Package storetest gives tests of the CRM a database.
package storetest

import (
	"database/sql"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/secret"
)

// PostgreSQL gives an address, for store.Open, with a schema of its own that is
// dropped after the test, or skips where ACQUIRING_POSTGRES_DSN is not set.
func PostgreSQL(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("ACQUIRING_POSTGRES_DSN")
	if dsn == "" {
		t.Skip("ACQUIRING_POSTGRES_DSN is not set: there is no PostgreSQL to test with")
	}
	schema := "crm_" + secret.Random(8)
	admin, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	_, err = admin.Exec("CREATE SCHEMA " + schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE")
		require.NoError(t, err)
	})
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
