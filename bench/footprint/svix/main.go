// Command svix is the server with svix's check.
package main

import (
	"io"
	"net/http"

	webhooks "github.com/svix/svix-webhooks/go"
)

func main() {
	hook, err := webhooks.NewWebhookRaw([]byte("secret"))
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/hooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil || hook.Verify(body, r.Header) != nil {
			http.Error(w, "forged", http.StatusForbidden)
		}
	})
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
