// Command sberbank takes payments through one provider.
package main

import (
	"context"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/webhook"
)

func main() {
	bank, err := sberbank.New(sberbank.Config{Environment: acquiring.Test, UserName: "shop-api", Password: "secret", CallbackKey: "key"})
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/pay", func(w http.ResponseWriter, r *http.Request) {
		invoice, err := bank.CreateInvoice(r.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(1499, 90), ReturnURL: "https://shop.example/ok"})
		if err != nil {
			http.Error(w, "bad", http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, invoice.PayURL, http.StatusSeeOther)
	})
	http.Handle("/hooks", webhook.Handler(bank, func(context.Context, webhook.Event) error { return nil }))
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
