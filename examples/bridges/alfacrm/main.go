// Alfacrm posts payments that were made through an acquirer as income to the
// client's account in AlfaCRM, once each, and issues the invoices for them.
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
	"syscall"
	_ "time/tzdata" // the account's zone, also where the system has no zones

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

var program = bridge.Program{Name: "alfacrm", Open: open}

// open reads the file.
func open(file string, get func(string) string, log *slog.Logger) (bridge.Config, bridge.CRM, error) {
	var c config
	if err := bridge.Load(file, &c); err != nil {
		return c.Config, nil, err
	}
	crm, err := c.AlfaCRM.open(c.Shops, get, log)
	return c.Config, crm, err
}
