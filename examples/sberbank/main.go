// Sberbank takes a payment of ten rubles through Sberbank and gives three
// back: on the bank's test host with the credentials of the environment, on
// the emulator in this process without.
//
//	go run ./examples/sberbank
//	SBERBANK_USERNAME=… SBERBANK_PASSWORD=… go run ./examples/sberbank
//
// The doctor lists the variables: go run ./examples/doctor. In the bank's test
// host open the link and pay with one of its test cards: 2202 2050 0001 2424,
// 05/35, code 669. CALLBACK_LISTEN is the local address to hear callbacks at.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/environ"
	"github.com/acquiring-go/acquiring/examples/internal/story"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
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
		OrderID: "demo-" + time.Now().Format("20060102-150405.000"), Amount: money.RUB(10, 0), Description: "Пример: урок",
		ReturnURL: "https://school.example/thanks", CallbackURL: get("SBERBANK_CALLBACK_URL"), TTL: time.Hour}}
	var config sberbank.Config
	if environ.None(environ.SberbankVariables, get) {
		emulator := sberbanktest.NewServer(sberbanktest.WithCallbackURL(shop.Hook))
		defer emulator.Close()
		config = emulator.Config()
		plot.Pay = func(i *acquiring.Invoice) error { return emulator.Pay(string(i.ID)) }
		shop.Say("No credentials in the environment: the bank is emulated at %s.", emulator.URL)
	} else {
		if err := environ.Complete(environ.SberbankVariables, get); err != nil {
			return err
		}
		if config, err = environ.Sberbank(get); err != nil {
			return err
		}
		shop.Say("Taking a payment in the %s contour.", config.Environment)
	}
	bank, err := sberbank.New(config)
	if err != nil {
		return err
	}
	if err := bank.Check(ctx); err != nil {
		return err
	}
	return shop.Tell(ctx, bank, plot)
}
