// Quickstart takes a payment from the first line to the last, with no
// credentials, no flags and no network: the bank is an emulator in this
// process that speaks Sberbank's own protocol.
//
//	go run ./examples/quickstart
//
// To go live, take the Config from the bank instead of from the emulator and
// leave out what the customer does.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/webhook"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	// The shop listens for the bank's news, and the bank knows its address.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	hook := "http://" + listener.Addr().String() + "/hooks/sberbank"
	emulator := sberbanktest.NewServer(sberbanktest.WithCallbackURL(hook), sberbanktest.WithReceiptStep(50*time.Millisecond))
	defer emulator.Close()
	say("The bank is emulated at %s; the shop hears from it at %s.", emulator.URL, hook)

	config := emulator.Config() // in production: sberbank.Config{Environment: acquiring.Production, UserName: …}
	config.Receipt = sberbank.ReceiptDefaults{FFD: fiscal.FFD12, TaxSystem: fiscal.TaxSimplifiedIncome, INN: "7707083893",
		Email: "school@example.com", PaymentAddress: "https://school.example"}
	bank, err := sberbank.New(config)
	if err != nil {
		return err
	}

	// What the shop does with news: it posts the payment to the customer's
	// account. The handler calls it once for each piece of news.
	account := map[string]money.Amount{}
	posted := make(chan webhook.Event, 8)
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: webhook.Handler(bank,
		func(_ context.Context, e webhook.Event) error {
			if e.Payment.Status == acquiring.StatusPaid {
				account[e.Payment.OrderID] += e.Payment.Captured
			}
			posted <- e
			return nil
		},
		webhook.Logger(slog.New(slog.DiscardHandler)), // here to keep the story short; leave it out in your program
		webhook.Expect(func(context.Context, string) (money.Amount, string, error) { return money.RUB(1499, 90), "RUB", nil }),
	)}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()

	// The invoice, with its receipt.
	receipt := fiscal.NewSale("A-1001-sale", fiscal.Contact{Email: "ivan@example.com"},
		fiscal.ServiceLine("Курс «Go с нуля», октябрь", money.RUB(1299, 90), fiscal.Pieces(1), fiscal.VATNone),
		fiscal.ServiceLine("Консультация, 30 минут", money.RUB(400, 0), quantity("0.5"), fiscal.VATNone))
	receipt.FFD = fiscal.FFD12
	invoice, err := bank.CreateInvoice(ctx, acquiring.InvoiceRequest{
		OrderID: "A-1001", Amount: money.RUB(1499, 90), Description: "Курс «Go с нуля», октябрь",
		Customer: acquiring.Customer{ID: "ivan", Email: "ivan@example.com"}, ReturnURL: "https://school.example/thanks",
		TTL: time.Hour, Receipt: &receipt,
	})
	if err != nil {
		return err
	}
	say("Invoice %s for %s rubles; the customer's link is %s", invoice.OrderID, invoice.Amount, invoice.PayURL)

	// The customer pays with a test card on the payment page.
	if err := emulator.Pay(string(invoice.ID)); err != nil {
		return err
	}
	event, err := next(ctx, posted)
	if err != nil {
		return err
	}
	say("The bank's signed callback came: order %s is %s, card %s, taken %s.", event.Payment.OrderID, event.Payment.Status,
		event.Payment.Card.Masked, event.Payment.Captured)
	say("On the customer's account: %s.", account["A-1001"])

	// The bank sends the same news again, as banks do.
	if err := emulator.Resend(string(invoice.ID)); err != nil {
		return err
	}
	emulator.Deliver()
	say("The same callback came again and was answered %d; on the account: %s.", lastAnswer(emulator), account["A-1001"])

	// The consultation is given back, with the receipt of its return. Asked
	// twice with the same Key, it is given once.
	back, err := fiscal.Return(receipt, fiscal.Selection{ID: "A-1001-return", Items: []fiscal.SelectedItem{{Line: 1}}})
	if err != nil {
		return err
	}
	for range 2 {
		refund, err := bank.Refund(ctx, acquiring.RefundRequest{ID: invoice.ID, Key: "refund-1", Amount: back.Total(), Reason: "консультация отменена", Receipt: &back})
		if err != nil {
			return err
		}
		say("Refund %s of %s is %s.", refund.ID, refund.Amount, refund.Status)
	}
	payment, err := bank.GetStatus(ctx, invoice.ID)
	if err != nil {
		return err
	}
	say("At the end the payment is %s: ordered %s, taken %s, given back %s.", payment.Status, payment.Amount, payment.Captured, payment.Refunded)

	// The bank's cash register prints a receipt for the sale and one for the
	// return, each a moment after its operation.
	printed, err := receipts(ctx, bank, invoice.ID)
	if err != nil {
		return err
	}
	for _, r := range printed {
		say("The bank printed the receipt %s: document %s, storage %s, sign %s.", r.Type, r.Payload.DocumentNumber, r.Payload.FN, r.Payload.DocumentAttribute)
	}
	say("\n%s", receipt.Text(nil))
	return nil
}

// next is the next piece of news, or why it did not come.
func next(ctx context.Context, events <-chan webhook.Event) (webhook.Event, error) {
	select {
	case e := <-events:
		return e, nil
	case <-ctx.Done():
		return webhook.Event{}, fmt.Errorf("no callback came: %w", ctx.Err())
	}
}

// receipts waits until every receipt of the payment is printed.
func receipts(ctx context.Context, bank *sberbank.Client, id acquiring.PaymentID) ([]sberbank.ReceiptState, error) {
	const done = 3 // receiptStatus
	for {
		all, err := bank.GetReceiptStatus(ctx, sberbank.ReceiptQuery{OrderID: string(id)})
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(all.Receipts, func(r sberbank.ReceiptState) bool { return r.Status.Value != done }) {
			return all.Receipts, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lastAnswer is how the shop answered the last callback.
func lastAnswer(emulator *sberbanktest.Server) int {
	all := emulator.Deliveries()
	return all[len(all)-1].Answer().Status
}

func quantity(s string) fiscal.Quantity {
	q, err := fiscal.ParseQuantity(s)
	if err != nil {
		panic(err)
	}
	return q
}
