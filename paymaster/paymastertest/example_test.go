package paymastertest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/webhook"
)

// A shop with an identifier and a secret key sends the buyer to the payment
// page; PayMaster asks whether it will take the payment, and then tells that
// it came.
func Example() {
	var hooks http.Handler
	srv := paymastertest.NewServer(
		paymastertest.WithClock(paymastertest.NewClock(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC))),
		paymastertest.WithCallbackURL("https://shop.example/paymaster"),
		paymastertest.WithConfirmationURL("https://shop.example/paymaster"),
		paymastertest.WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hooks.ServeHTTP(w, r) })),
	)
	defer srv.Close()
	shop, err := paymaster.NewClassic(srv.ClassicConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	hooks = webhook.Handler(shop, func(_ context.Context, e webhook.Event) error {
		fmt.Println("paid:", e.Payment.OrderID, e.Payment.Captured)
		return nil
	}, webhook.Logger(slog.New(slog.DiscardHandler)), webhook.Question(func(_ context.Context, e webhook.Event) error {
		fmt.Println("asked:", e.Callback.OrderID, e.Callback.Amount)
		return nil
	}))

	invoice, err := shop.CreateInvoice(context.Background(), acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1499, 90), Description: "Course"})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := srv.Open(invoice.PayURL) // the buyer follows the link
	if err == nil {
		err = srv.Pay(id)
	}
	if err != nil {
		fmt.Println(err)
	}
	srv.Deliver()
	// Output:
	// asked: A-7 1499.90
	// paid: A-7 1499.90
}
