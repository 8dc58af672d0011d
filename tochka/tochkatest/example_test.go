package tochkatest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

// A program's own test: the customer pays, and the program's handler gets the
// bank's webhook.
func Example() {
	var client *tochka.Client
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cb, err := client.VerifyCallback(r.Context(), r)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(cb.OrderID, cb.Status, cb.Amount)
	})
	bank := tochkatest.NewServer(tochkatest.WithCallbackHandler(handler))
	defer bank.Close()
	client, err := tochka.New(bank.Config())
	if err != nil {
		log.Fatal(err)
	}
	inv, err := client.CreateInvoice(context.Background(), acquiring.InvoiceRequest{OrderID: "crm-10045", Amount: money.RUB(1490, 50), Description: "Абонемент на октябрь"})
	if err != nil {
		log.Fatal(err)
	}
	if err := bank.Pay(string(inv.ID)); err != nil { // or in the browser, at inv.PayURL
		log.Fatal(err)
	}
	bank.Deliver()
	// Output: crm-10045 paid 1490.50
}
