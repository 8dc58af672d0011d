// Paymaster takes a payment of ten rubles through PayMaster and gives three
// back, by both of its protocols: the REST API v2 of new shops (a token) and
// the classic one of CRM manuals (an identifier and a secret key). With
// credentials in the environment it goes to PayMaster, without to the emulator
// in this process.
//
//	go run ./examples/paymaster
//	PAYMASTER_MERCHANT_ID=… PAYMASTER_TOKEN=… go run ./examples/paymaster
//	PAYMASTER_CLASSIC_MERCHANT_ID=… PAYMASTER_CLASSIC_SECRET_KEY=… go run ./examples/paymaster
//
// The doctor lists the variables: go run ./examples/doctor. CALLBACK_LISTEN is
// the local address to hear notifications at.
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
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
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
	v2, classic := environ.None(environ.PayMasterVariables, get), environ.None(environ.PayMasterClassicVariables, get)
	switch {
	case v2 && classic:
		if err := emulated(ctx, out, "the REST API v2", func(pm *paymastertest.Server) (acquiring.Acquirer, error) { return paymaster.New(pm.Config()) }); err != nil {
			return err
		}
		return emulated(ctx, out, "the classic protocol", func(pm *paymastertest.Server) (acquiring.Acquirer, error) {
			return paymaster.NewClassic(pm.ClassicConfig())
		})
	case !v2:
		if err := environ.Complete(environ.PayMasterVariables, get); err != nil {
			return err
		}
		c, err := environ.PayMaster(get)
		if err != nil {
			return err
		}
		a, err := paymaster.New(c)
		if err != nil {
			return err
		}
		return genuine(ctx, out, get("CALLBACK_LISTEN"), get("PAYMASTER_CALLBACK_URL"), a, money.RUB(3, 0))
	}
	if err := environ.Complete(environ.PayMasterClassicVariables, get); err != nil {
		return err
	}
	c, err := environ.PayMasterClassic(get)
	if err != nil {
		return err
	}
	a, err := paymaster.NewClassic(c)
	if err != nil {
		return err
	}
	back := money.RUB(3, 0)
	if c.Login == "" {
		back = 0 // a refund needs the login of the REST API
	}
	return genuine(ctx, out, get("CALLBACK_LISTEN"), get("PAYMASTER_CLASSIC_CALLBACK_URL"), a, back)
}

func order(callbackURL string) acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "demo-" + time.Now().Format("20060102-150405.000"), Amount: money.RUB(10, 0), Description: "Пример: урок",
		Customer: acquiring.Customer{Email: "ivan@example.com"}, ReturnURL: "https://school.example/thanks", CallbackURL: callbackURL}
}

func genuine(ctx context.Context, out io.Writer, listen, callbackURL string, a acquiring.Acquirer, back money.Amount) error {
	shop, err := story.Open(out, listen)
	if err != nil {
		return err
	}
	return shop.Tell(ctx, a, story.Plot{Order: order(callbackURL), Back: back})
}

// emulated tells the story over one protocol. Refunds are executed a moment
// after they were accepted, as PayMaster does.
func emulated(ctx context.Context, out io.Writer, protocol string, client func(*paymastertest.Server) (acquiring.Acquirer, error)) error {
	shop, err := story.Open(out, "")
	if err != nil {
		return err
	}
	pm := paymastertest.NewServer(paymastertest.WithCallbackURL(shop.Hook))
	defer pm.Close()
	a, err := client(pm)
	if err != nil {
		return err
	}
	shop.Say("PayMaster is emulated at %s; %s.", pm.URL, protocol)
	return shop.Tell(ctx, a, story.Plot{Order: order(""), Back: money.RUB(3, 0),
		Pay:     func(i *acquiring.Invoice) error { return pm.Pay(i.PayURL) },
		Execute: func() { pm.ExecuteRefunds() }})
}
