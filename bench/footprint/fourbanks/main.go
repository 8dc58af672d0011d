// Command fourbanks takes payments through all four providers.
package main

import (
	"context"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/webhook"
)

func main() {
	banks := map[string]acquiring.Acquirer{}
	add := func(name string, a acquiring.Acquirer, err error) {
		if err != nil {
			panic(err)
		}
		banks[name] = a
		http.Handle("/hooks/"+name, webhook.Handler(a, func(context.Context, webhook.Event) error { return nil }))
	}
	sber, err := sberbank.New(sberbank.Config{Environment: acquiring.Test, UserName: "shop-api", Password: "secret", CallbackKey: "key"})
	add("sberbank", sber, err)
	alfa, err := alfabank.New(alfabank.Config{Environment: acquiring.Test, UserName: "shop-api", Password: "secret", CallbackKey: "key"})
	add("alfabank", alfa, err)
	master, err := paymaster.New(paymaster.Config{Environment: acquiring.Test, MerchantID: "7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11", Token: "token"})
	add("paymaster", master, err)
	dot, err := tochka.New(tochka.Config{Environment: acquiring.Test, Token: "token"})
	add("tochka", dot, err)
	http.HandleFunc("/pay/{bank}", func(w http.ResponseWriter, r *http.Request) {
		bank, ok := banks[r.PathValue("bank")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		invoice, err := bank.CreateInvoice(r.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(1499, 90), ReturnURL: "https://shop.example/ok"})
		if err != nil {
			http.Error(w, "bad", http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, invoice.PayURL, http.StatusSeeOther)
	})
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
