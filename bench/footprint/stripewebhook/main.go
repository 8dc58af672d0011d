// Command stripewebhook is the server with stripe-go's check.
package main

import (
	"io"
	"net/http"

	"github.com/stripe/stripe-go/v85/webhook"
)

func main() {
	secret := "secret"
	http.HandleFunc("/hooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil || webhook.ValidatePayload(body, r.Header.Get("Stripe-Signature"), secret) != nil {
			http.Error(w, "forged", http.StatusForbidden)
		}
	})
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
