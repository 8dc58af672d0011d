// Command github is the server with go-github's check.
package main

import (
	"io"
	"net/http"

	"github.com/google/go-github/v88/github"
)

func main() {
	secret := []byte("secret")
	http.HandleFunc("/hooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil || github.ValidateSignature(r.Header.Get("X-Hub-Signature-256"), body, secret) != nil {
			http.Error(w, "forged", http.StatusForbidden)
		}
	})
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
