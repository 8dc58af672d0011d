// Retailcrm is a payment module for RetailCRM: it takes the CRM's invoices
// through Sberbank, Alfa-Bank, PayMaster or Tochka. README.md has the set-up.
//
//	go run -C examples/bridges/retailcrm . -demo
//	go run -C examples/bridges/retailcrm . -config bridge.json
//
// -demo tells the whole story on emulators of a bank and of the CRM: no
// account, no contract, no money.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/bridge"
)

func main() {
	config := flag.String("config", "", "the configuration file; see config.example.json")
	demo := flag.Bool("demo", false, "tell the story on emulators")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("what is %q? The configuration's file goes behind -config", flag.Arg(0))
	case *demo:
		err = tell(ctx, os.Stdout)
	case *config != "":
		err = run(ctx, *config)
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, config string) error {
	c, err := bridge.ReadConfigFile(config)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	b, err := bridge.New(ctx, c, bridge.WithLogger(log))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return errors.Join(err, b.Close())
	}
	log.Info("serving", "address", l.Addr().String(), "public", c.PublicURL, "settings", c.PublicURL+"/settings")
	return errors.Join(serve(ctx, b, l), b.Close())
}

// serve serves and works until ctx ends, and finishes what was begun.
func serve(ctx context.Context, b *bridge.Bridge, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: b.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute}
	var wg sync.WaitGroup
	var work, ended error
	wg.Go(func() {
		defer cancel()
		work = b.Run(ctx)
	})
	wg.Go(func() {
		<-ctx.Done()
		late, done := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer done()
		ended = server.Shutdown(late)
	})
	err := server.Serve(l)
	cancel()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, work, ended)
}
