// Sandbox is all the providers' emulators on one port, with pages in the
// browser to play the customer and the bank.
//
//	go run ./examples/sandbox
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/acquiring-go/acquiring/examples/internal/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:8090", "where the pages and the providers listen")
	orange := flags.String("orangedata", "127.0.0.1:8091", "where OrangeData listens, with TLS and client certificates")
	public := flags.String("public", "", "the address that browsers see, where it is another (http://192.168.1.5:8090)")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("what is %q? An address goes behind -addr, -orangedata or -public", flags.Arg(0))
	}
	s, err := sandbox.Start(*addr, sandbox.Options{OrangeDataAddress: *orange, PublicURL: *public, TrialShop: true})
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program has it, perhaps another sandbox; -addr and -orangedata choose other ones", err)
	}
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintf(out, "Песочница: %s\nOrangeData (TLS): %s\n", s.URL, s.OrangeData.URL)
	<-ctx.Done()
	return nil
}
