// Alfabank takes a payment of ten rubles through Alfa-Bank and gives three
// back: on the bank's test host with the credentials of the environment, on
// the emulator in this process without.
//
//	go run ./examples/alfabank
//	ALFABANK_USERNAME=… ALFABANK_PASSWORD=… go run ./examples/alfabank
//
// The doctor lists the variables: go run ./examples/doctor. In the bank's test
// contour open the link and pay with one of its test cards, which its sandbox
// lists. CALLBACK_LISTEN is the local address to hear callbacks at.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/examples/internal/environ"
	"github.com/acquiring-go/acquiring/examples/internal/story"
	"github.com/acquiring-go/acquiring/money"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := environ.NoArguments(os.Args[1:])
	if err == nil {
		err = run(ctx, os.Getenv, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, get environ.Getenv, out io.Writer) error {
	shop, err := story.Open(out, get("CALLBACK_LISTEN"))
	if err != nil {
		return err
	}
	plot := story.Plot{Back: money.RUB(3, 0), Order: acquiring.InvoiceRequest{
		OrderID: "demo-" + time.Now().Format("20060102-150405"), Amount: money.RUB(10, 0), Description: "Пример: урок",
		ReturnURL: "https://school.example/thanks", CallbackURL: get("ALFABANK_CALLBACK_URL"), TTL: time.Hour}}
	var config alfabank.Config
	if environ.None(environ.AlfaBankVariables, get) {
		emulator := alfabanktest.NewServer(alfabanktest.WithCallbackURL(shop.Hook))
		defer emulator.Close()
		config = emulator.Config()
		plot.Pay = func(i *acquiring.Invoice) error { return emulator.Pay(string(i.ID)) }
		shop.Say("No credentials in the environment: the bank is emulated at %s.", emulator.URL)
	} else {
		if err := environ.Complete(environ.AlfaBankVariables, get); err != nil {
			return err
		}
		if config, err = environ.AlfaBank(get); err != nil {
			return err
		}
		shop.Say("Taking a payment in the %s contour.", config.Environment)
	}
	bank, err := alfabank.New(config)
	if err != nil {
		return err
	}
	if err := bank.Check(ctx); err != nil {
		return err
	}
	return shop.Tell(ctx, bank, plot)
}
