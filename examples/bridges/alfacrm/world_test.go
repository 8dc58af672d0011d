package main

import (
	"testing"

	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/alfacrmtest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/bridgetest"
)

func TestMain(m *testing.M) { bridgetest.Main(m, program) }

// world is a school with AlfaCRM.
type world struct {
	*bridgetest.World
	crm *alfacrmtest.Server
}

func newWorld(t *testing.T, change func(conf map[string]any), opts ...alfacrmtest.Option) *world {
	t.Helper()
	crm := alfacrmtest.NewServer(opts...)
	t.Cleanup(crm.Close)
	t.Setenv("ALFACRM_KEY", alfacrmtest.DefaultAPIKey)
	section := map[string]any{"url": crm.URL, "email": alfacrmtest.DefaultEmail, "api_key": "$ALFACRM_KEY", "zone": "Asia/Vladivostok",
		"post": map[string]any{"branch_id": alfacrmtest.DefaultBranch, "pay_account_id": alfacrmtest.DefaultCashDesk, "pay_item_id": alfacrmtest.DefaultArticle}}
	return &world{bridgetest.New(t, program, "alfacrm", section, func(conf map[string]any) {
		conf["ref"] = map[string]any{"pattern": `^(\d+)-`, "metadata": "customer"}
		if change != nil {
			change(conf)
		}
	}), crm}
}

func started(w *world) *world {
	w.Start()
	return w
}

// invoice issues an invoice of 3500 roubles to the client.
func (w *world) invoice(shop string, args ...string) string {
	w.T.Helper()
	return w.Invoice(append([]string{"-shop", shop, "-ref", "2091", "-amount", "3500.00"}, args...)...)
}
