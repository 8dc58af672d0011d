package komtettest_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/money"
)

// A receipt is put into the queue, a cash register prints it, and the shop is
// told.
func Example() {
	const public = "https://shop.example/hooks/komtet"
	var kassa *komtet.Client
	srv := komtettest.NewServer(
		komtettest.WithClock(komtettest.NewClock(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC))),
		komtettest.WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			document, err := kassa.VerifyCallback(r.Context(), r)
			if err == nil {
				fmt.Println("told:", document.ReceiptID, document.Status, document.Fiscal.Total)
			}
			w.WriteHeader(komtet.CallbackStatus(err))
		})),
	)
	defer srv.Close()
	conf := srv.Config()
	conf.CallbackURL, conf.TaxSystem, conf.Place = public, fiscal.TaxSimplifiedIncome, "https://shop.example"
	kassa, err := komtet.New(conf)
	if err != nil {
		fmt.Println(err)
		return
	}
	document, err := kassa.Submit(context.Background(), fiscal.NewSale("A-7", fiscal.Contact{Email: "buyer@example.org"},
		fiscal.ServiceLine("Course", money.RUB(1499, 90), fiscal.Pieces(1), fiscal.VATNone)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("submitted:", document.ReceiptID, document.Status)
	if err := srv.Print(document.ID); err != nil {
		fmt.Println(err)
	}
	srv.Deliver()
	// Output:
	// submitted: A-7 queued
	// told: A-7 printed 1499.90
}
