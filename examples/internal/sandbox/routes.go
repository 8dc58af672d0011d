package sandbox

import (
	"net/http"
	"strings"
)

// routes puts each provider below its prefix. It is no http.ServeMux that
// does it: that one redirects addresses that it finds unclean, and a provider
// answers them.
func (s *Sandbox) routes() http.Handler {
	providers := map[string]http.Handler{}
	for _, p := range Providers() {
		if p != OrangeData {
			providers[string(p)] = http.StripPrefix("/"+string(p), s.Emulator(p).Handler())
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, inside := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if h := providers[name]; h != nil && inside {
			h.ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})
}
