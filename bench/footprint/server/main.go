// Command server is a server that takes a notification and believes it: what the
// others are measured against.
package main

import (
	"io"
	"net/http"
)

func main() {
	http.HandleFunc("/hooks", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10)); err != nil {
			http.Error(w, "bad", http.StatusBadRequest)
		}
	})
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
