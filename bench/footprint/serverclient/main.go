// Command serverclient is a server that asks another one for JSON.
package main

import (
	"encoding/json"
	"net/http"
	"strings"
)

func main() {
	http.HandleFunc("/pay", func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Post("https://bank.example/register.do", "application/json", strings.NewReader("{}"))
		if err != nil {
			http.Error(w, "bad", http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		var answer struct{ FormURL string }
		if json.NewDecoder(resp.Body).Decode(&answer) == nil {
			http.Redirect(w, r, answer.FormURL, http.StatusSeeOther)
		}
	})
	_ = http.ListenAndServe("127.0.0.1:8080", nil)
}
