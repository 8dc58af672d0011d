// Tochka connects a shop to Tochka Bank the way its manual does, and takes a
// payment: the application asks for a consent, the customer approves it at the
// bank, the companies and retail points are found out, the webhook is
// registered, a payment link is paid and a part of it given back; then once
// more with СБП only. Without credentials the bank is emulated in this
// process; with a JWT key in the environment the steps of OAuth are left out.
//
//	go run ./examples/tochka
//	TOCHKA_TOKEN=… go run ./examples/tochka
//
// The doctor lists the variables: go run ./examples/doctor. The bank announces
// successes only: that a payment failed, expired or was refunded is learned by
// asking, which webhook.Poller does.
package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/environ"
	"github.com/acquiring-go/acquiring/examples/internal/story"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
	"github.com/acquiring-go/acquiring/webhook"
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
	if !environ.None(environ.TochkaVariables, get) {
		if err := environ.Complete(environ.TochkaVariables, get); err != nil {
			return err
		}
		c, err := environ.Tochka(get)
		if err != nil {
			return err
		}
		return connected(ctx, out, get("CALLBACK_LISTEN"), c, nil)
	}
	shop, err := story.Open(out, "")
	if err != nil {
		return err
	}
	bank := tochkatest.NewServer(tochkatest.WithCallbackURL(shop.Hook))
	defer bank.Close()
	shop.Say("No credentials in the environment: the bank is emulated at %s.", bank.URL)
	config, err := connect(ctx, out, bank)
	if err != nil {
		return err
	}
	shop.Close()
	if err := connected(ctx, out, strings.TrimSuffix(strings.TrimPrefix(shop.Hook, "http://"), "/hooks"), config, bank); err != nil {
		return err
	}
	if err := unpaid(ctx, out, config, bank); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nThe same with СБП only:")
	config.Methods = []acquiring.Method{acquiring.MethodSBP}
	return connected(ctx, out, strings.TrimSuffix(strings.TrimPrefix(shop.Hook, "http://"), "/hooks"), config, bank)
}

// unpaid is an invoice that nobody pays. The bank says nothing of it: the Poller
// asks, and brings the news to the same process and through the same Inbox as
// the webhook's.
func unpaid(ctx context.Context, out io.Writer, config tochka.Config, bank *tochkatest.Server) error {
	client, err := tochka.New(config)
	if err != nil {
		return err
	}
	invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "unpaid-" + time.Now().Format("20060102-150405.000"),
		Amount: money.RUB(10, 0), Description: "Пример: урок", ReturnURL: "https://school.example/thanks"})
	if err != nil {
		return err
	}
	if err := bank.Expire(string(invoice.ID)); err != nil {
		return err
	}
	ctx, enough := context.WithTimeout(ctx, 30*time.Second)
	defer enough()
	told := false
	poller := webhook.Poller{
		Pending: func(context.Context) iter.Seq2[webhook.Pending, error] {
			return func(yield func(webhook.Pending, error) bool) {
				yield(webhook.Pending{Acquirer: client, ID: invoice.ID, Status: acquiring.StatusPending, Since: time.Now().Add(-time.Hour)}, nil)
			}
		},
		Process: func(_ context.Context, e webhook.Event) error {
			fmt.Fprintf(out, "The poller found out: %s is %s.\n", e.Payment.OrderID, e.Payment.Status)
			told = true
			enough()
			return nil
		},
		Inbox: webhook.NewMemoryInbox(0), Every: 100 * time.Millisecond, First: time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}
	if err := poller.Run(ctx); err != nil && !told {
		return err
	}
	return nil
}

// connect is the OAuth part of the manual.
func connect(ctx context.Context, out io.Writer, bank *tochkatest.Server) (tochka.Config, error) {
	config := bank.Config() // addresses and the emulator's webhook key
	o, err := tochka.NewOAuth(bank.OAuthConfig())
	if err != nil {
		return config, err
	}
	start, err := o.Begin(ctx)
	if err != nil {
		return config, err
	}
	fmt.Fprintf(out, "The consent asks for %d permissions; the customer approves it at\n  %s\n", len(start.Consent.Permissions), start.URL)
	back, err := bank.Approve(start.URL)
	if err != nil {
		return config, err
	}
	returned, err := url.Parse(back)
	if err != nil {
		return config, err
	}
	code, err := o.Returned(returned.Query(), start.State)
	if err != nil {
		return config, err
	}
	if err := o.Exchange(ctx, "school", code); err != nil {
		return config, err
	}
	fmt.Fprintln(out, "He came back with the code, and it was exchanged for tokens.")
	config.Token, config.ClientID, config.TokenSource = "", bank.OAuthConfig().ClientID, o.TokenSource("school")
	return config, nil
}

// connected is what follows, whatever the way in.
func connected(ctx context.Context, out io.Writer, listen string, config tochka.Config, bank *tochkatest.Server) error {
	client, err := tochka.New(config)
	if err != nil {
		return err
	}
	found, err := client.Discover(ctx)
	if err != nil {
		return err
	}
	for _, company := range found.Companies {
		fmt.Fprintf(out, "Company %s: %d retail points in use, %d of them print receipts, СБП codes: %t\n",
			company.CustomerCode, len(company.Usable()), len(company.WithReceipts()), company.SBPCodes())
		if config.CustomerCode == "" && len(company.Usable()) > 0 {
			config.CustomerCode, config.MerchantID = company.CustomerCode, company.Usable()[0].MerchantID
		}
	}
	if client, err = tochka.New(config); err != nil {
		return err
	}
	shop, err := story.Open(out, listen)
	if err != nil {
		return err
	}
	plot := story.Plot{Back: money.RUB(3, 0), Order: acquiring.InvoiceRequest{OrderID: "demo-" + time.Now().Format("20060102-150405.000"),
		Amount: money.RUB(10, 0), Description: "Пример: урок", ReturnURL: "https://school.example/thanks", Methods: config.Methods}}
	if bank != nil {
		plot.Pay = func(i *acquiring.Invoice) error { return bank.Pay(string(i.ID)) }
	}
	return shop.Tell(ctx, client, plot)
}
