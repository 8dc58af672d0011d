package bridge

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

// postgres is the address of a schema of its own in the test database.
func postgres(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("ACQUIRING_POSTGRES_DSN")
	if dsn == "" {
		t.Skip("ACQUIRING_POSTGRES_DSN is not set: PostgreSQL is not tried")
	}
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	schema := "bridge_test_" + secret(6)
	_, err = db.Exec("CREATE SCHEMA " + schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("DROP SCHEMA " + schema + " CASCADE")
		assert.NoError(t, err)
		assert.NoError(t, db.Close())
	})
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// stores are the databases that the bridge can live in.
func stores(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Run("SQLite", func(t *testing.T) { f(t, filepath.Join(t.TempDir(), "a b%41.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { f(t, postgres(t)) })
}

// TestStoryInEachDatabase: connection, payment, hold, refund, restart.
func TestStoryInEachDatabase(t *testing.T) {
	stores(t, func(t *testing.T, dsn string) {
		w := open(t, func(conf map[string]any, _ func(string) map[string]any) { conf["database"] = dsn })
		w.connect()
		payment, inv := w.bill("sber")
		w.click(inv.Link)
		w.stop()
		w.start() // what was stored before is there
		w.clock.Advance(2 * time.Minute)
		o := w.pay("sber", inv.Link)
		assert.True(t, strings.HasSuffix(o.Number, "_2"))
		if info, err := os.Stat(dsn); err == nil {
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
		assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
		_, err := w.crm.Refund(payment, 0)
		require.NoError(t, err)
		w.work()
		assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
		assert.Equal(t, money.RUB(1299, 50), w.books("sber", o.ID).Refunded)
	})
}

// TestOneAtATime: whoever has the lock is alone, in this process and, over
// PostgreSQL, in another one; and who gives up waiting leaves nothing behind.
func TestOneAtATime(t *testing.T) {
	stores(t, func(t *testing.T, dsn string) {
		a, err := openStore(t.Context(), dsn, time.Now)
		require.NoError(t, err)
		defer a.close()
		b := a
		if strings.HasPrefix(dsn, "postgres") {
			b, err = openStore(t.Context(), dsn, time.Now)
			require.NoError(t, err)
			defer b.close()
		}
		var wg sync.WaitGroup
		n := 0
		for i := range 40 {
			s := []*store{a, b}[i%2]
			wg.Go(func() {
				unlock, err := s.lock(t.Context(), "x")
				if assert.NoError(t, err) {
					n++ // a race, were two inside
					unlock()
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 40, n)
		unlock, err := a.lock(t.Context(), "y")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		_, err = b.lock(ctx, "y")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		other, err := b.lock(t.Context(), "z")
		require.NoError(t, err, "another subject is free")
		other()
		unlock()
		assert.Empty(t, a.locks.held)
	})
}

// TestOneInvoiceForTheSameRequest: two requests at once make one.
func TestOneInvoiceForTheSameRequest(t *testing.T) {
	stores(t, func(t *testing.T, dsn string) {
		s, err := openStore(t.Context(), dsn, time.Now)
		require.NoError(t, err)
		defer s.close()
		ids := make([]string, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				inv, err := s.insert(t.Context(), &invoice{PaymentID: uuid4(), ClientID: "c", InvoiceUUID: "u", Slug: slug(8), State: acquiring.StatusPending, Create: []byte("{}")})
				if assert.NoError(t, err) {
					ids[i] = inv.PaymentID
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			assert.Equal(t, ids[0], id)
		}
	})
}

func TestConfigs(t *testing.T) {
	const shop = `{"code":"a","provider":"alfabank","environment":"test","settings":{"UserName":"u","Password":"p"}}`
	good := `{"public_url":"https://pay.example","admin_password":"longenough","database":"` + filepath.Join(t.TempDir(), "x.db") + `","shops":[` + shop + `]}`
	read := func(doc string) error {
		c, err := ReadConfig(strings.NewReader(doc), func(string) string { return "" })
		if err != nil {
			return err
		}
		b, err := New(t.Context(), c)
		if err != nil {
			return err
		}
		return b.Close()
	}
	require.NoError(t, read(good))
	for want, change := range map[string][2]string{
		"unknown field":                 {`"shops"`, `"shop":1,"shops"`},
		"public_url":                    {"https://pay", "http://pay"},
		"admin_password":                {"longenough", "short"},
		"not set: NOTHING":              {`"p"`, `"$NOTHING"`},
		"environment":                   {`"test"`, `"prod"`},
		"provider is":                   {`"alfabank"`, `"bank"`},
		`unknown field "Passw"`:         {`"Password"`, `"Passw"`},
		"settings.Shop":                 {`"UserName"`, `"Shop":"x","UserName"`},
		"there twice":                   {shop, shop + "," + shop},
		"needs hold":                    {`"code":"a"`, `"code":"a","manual":true`},
		"a duration":                    {`"code":"a"`, `"code":"a","session":30`},
		"less than a minute":            {`"code":"a"`, `"code":"a","session":"30s"`},
		"slug_length":                   {`"shops"`, `"slug_length":4,"shops"`},
		"which is no status":            {`"shops"`, `"statuses":{"payed":"x"},"shops"`},
		"that is no rate":               {`"shops"`, `"vat":{"vat22":"23"},"shops"`},
		"tax_system":                    {`"code":"a"`, `"code":"a","tax_system":"usn"`},
		"hold_term":                     {`"code":"a"`, `"code":"a","hold":true,"hold_term":"-1h"`},
		"accounts":                      {`"code":"a"`, `"code":"a","accounts":["tea.retailcrm.ru"]`},
		"watch_refunds_days":            {`"shops"`, `"watch_refunds_days":-1,"shops"`},
		"something follows":             {good, good + "{}"},
		"timezone":                      {`"shops"`, `"timezone":"Mars","shops"`},
		"the configuration is not JSON": {good, `{`},
	} {
		err := read(strings.Replace(good, change[0], change[1], 1))
		require.Error(t, err, want)
		assert.ErrorContains(t, err, want)
	}
}
