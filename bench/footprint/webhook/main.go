// Command webhook is the server with this library's webhook package.
package main

import (
	"crypto/sha256"
	"net/http"

	"github.com/acquiring-go/acquiring/webhook"
)

func main() {
	mac, err := webhook.NewHMAC(sha256.New, []byte("secret"))
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/hooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := webhook.ReadBody(r, 0)
		if err != nil || !mac.VerifyHex(body, r.Header.Get("X-Signature")) {
			http.Error(w, "forged", http.StatusForbidden)
		}
	})
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
