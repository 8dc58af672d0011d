// Command stripeclient takes payments through stripe-go: a page of the peer's,
// and the events that say it was paid.
package main

import (
	"io"
	"net/http"

	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/checkout/session"
	"github.com/stripe/stripe-go/v85/webhook"
)

func main() {
	stripe.Key = "key"
	http.HandleFunc("/pay", func(w http.ResponseWriter, r *http.Request) {
		page, err := session.New(&stripe.CheckoutSessionParams{
			Mode: stripe.String(string(stripe.CheckoutSessionModePayment)), SuccessURL: stripe.String("https://shop.example/ok"), ClientReferenceID: stripe.String("A-1"),
			LineItems: []*stripe.CheckoutSessionLineItemParams{{Quantity: stripe.Int64(1), PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency: stripe.String("rub"), UnitAmount: stripe.Int64(149990), ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Course")}}}},
		})
		if err != nil {
			http.Error(w, "bad", http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, page.URL, http.StatusSeeOther)
	})
	http.HandleFunc("/hooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		if _, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), "secret"); err != nil {
			http.Error(w, "forged", http.StatusForbidden)
		}
	})
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
