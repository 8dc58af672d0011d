package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/money"
)

// TestPostgreSQL: the same CRM over PostgreSQL, in a schema of its own.
func TestPostgreSQL(t *testing.T) {
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

	w := newWorldOn(t, u.String(), time.Second)
	w.doubleClicks("sberbank", "paykeeper")
	shop := w.newShop(w.settingsForm("paymaster", "", "komtet").with(w.demo.RegisterCredentials("komtet")))
	client := w.client("Мария Воронова")
	i := w.invoice(client, shop, "1500")
	w.pay(i, shop)
	w.until(i.ID, "paid")
	w.receiptsPrinted(w.attempt(i.ID).ID, 1)
	_, err = w.store.DB.ExecContext(t.Context(), "DELETE FROM postings")
	require.NoError(t, err)
	w.customersPay(60)
	for _, page := range []string{"/", "/clients", "/invoices", "/shops", "/journal", "/export/postings.csv", fmt.Sprintf("/invoices/%d", i.ID)} {
		require.NotEmpty(t, w.staff.get(page))
	}
	// What one process began the next one goes on with.
	i = w.invoice(client, shop, "2000")
	w.open(i)
	address := strings.TrimPrefix(w.url, "http://")
	w.stop()
	w.paidWhileDown(i, shop)
	w.start(address, 50*time.Millisecond)
	w.until(i.ID, "paid")
	require.Equal(t, money.RUB(2000, 0), w.balance(client))
}
