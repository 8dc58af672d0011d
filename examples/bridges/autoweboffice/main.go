// Autoweboffice marks invoices of АвтоВебОфис paid when an acquirer's verified
// notification says so, and only then, and makes the payment links for them.
//
//	go run . -demo
//
// See README.md for how it is set up.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/acquiring-go/acquiring/examples/internal/bridge"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := program
	p.Demo = demo
	if err := bridge.Main(ctx, p, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

var program = bridge.Program{Name: "autoweboffice", Open: open}

// open reads the file. The bank's order number has the invoice's code in it,
// so that a payment finds its invoice even without the bridge's memory.
func open(file string, get func(string) string, log *slog.Logger) (bridge.Config, bridge.CRM, error) {
	var c config
	if err := bridge.Load(file, &c); err != nil {
		return c.Config, nil, err
	}
	crm, err := c.AutoWebOffice.open(get, log)
	if err != nil {
		return c.Config, nil, err
	}
	if c.Ref.Pattern == "" {
		c.Ref.Pattern = "^" + regexp.QuoteMeta(crm.Prefix) + `(\d+)$`
	}
	return c.Config, crm, nil
}
