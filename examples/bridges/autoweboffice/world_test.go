package main

import (
	"strconv"
	"testing"

	"github.com/acquiring-go/acquiring/examples/bridges/autoweboffice/autowebofficetest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/bridgetest"
	"github.com/acquiring-go/acquiring/money"
)

func TestMain(m *testing.M) { bridgetest.Main(m, program) }

const payPath = "p4th-of-the-tests-0f3a"

// world is a school with AutoWebOffice.
type world struct {
	*bridgetest.World
	office *autowebofficetest.Server
}

func newWorld(t *testing.T, change func(section map[string]any), opts ...autowebofficetest.Option) *world {
	t.Helper()
	office := autowebofficetest.NewServer(opts...)
	t.Cleanup(office.Close)
	t.Setenv("AWO_KEY_SET", autowebofficetest.DefaultSetKey)
	section := map[string]any{"url": office.URL, "key_get": autowebofficetest.DefaultGetKey, "key_set": "$AWO_KEY_SET"}
	if change != nil {
		change(section)
	}
	return &world{bridgetest.New(t, program, "autoweboffice", section, func(conf map[string]any) { conf["pay_path"] = payPath }), office}
}

func started(w *world) *world {
	w.Start()
	return w
}

// product orders a product in the office and gives the invoice's code.
func (w *world) product(sum money.Amount) int {
	return w.office.AddAccount(autowebofficetest.Account{Sum: sum})
}

// invoice makes a link for the office's invoice and gives the bank's order
// number.
func (w *world) invoice(shop string, id int) string {
	w.T.Helper()
	return w.Invoice("-shop", shop, "-ref", strconv.Itoa(id))
}
