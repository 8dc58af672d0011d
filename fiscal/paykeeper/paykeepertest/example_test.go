package paykeepertest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// An invoice is paid, and the notification is answered with the line that
// PayKeeper wants to hear; without it the payment would be stuck.
func Example() {
	var hooks http.Handler
	srv := paykeepertest.NewServer(
		paykeepertest.WithClock(paykeepertest.NewClock(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC))),
		paykeepertest.WithCallbackURL("https://shop.example/hooks/paykeeper"),
		paykeepertest.WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hooks.ServeHTTP(w, r) })),
	)
	defer srv.Close()
	client, err := paykeeper.New(srv.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	shop := client.Acquirer()
	hooks = webhook.Handler(shop, func(_ context.Context, e webhook.Event) error {
		fmt.Println("paid:", e.Payment.OrderID, e.Payment.Captured)
		return nil
	}, webhook.Logger(slog.New(slog.DiscardHandler)))

	invoice, err := shop.CreateInvoice(context.Background(), acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1499, 90), Description: "Course"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := srv.Pay(string(invoice.ID)); err != nil {
		fmt.Println(err)
	}
	srv.Deliver()
	payment, err := shop.GetStatus(context.Background(), invoice.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("PayKeeper says:", payment.ProviderStatus)
	// Output:
	// paid: A-7 1499.90
	// PayKeeper says: success
}
