package sandbox

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// routes puts each provider below its prefix, and the pages beside them. It is
// no http.ServeMux that tells the providers apart: that one redirects addresses
// which it finds unclean, and a provider answers them.
func (s *Sandbox) routes() http.Handler {
	providers := map[string]http.Handler{}
	for _, p := range Providers() {
		h := s.Emulator(p).Handler()
		if p == OrangeData { // its API has a port of its own
			h = s.OrangeData.ReceiptPages()
		}
		providers[string(p)] = http.StripPrefix("/"+string(p), h)
	}
	shop, pages := s.shop(), s.pages()
	return s.hosts(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, inside := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch h := providers[name]; {
		case h != nil && inside:
			h.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, shopPath):
			shop.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	}))
}

// hosts refuses requests to a name that is not the sandbox's: a foreign page
// whose name was made to lead to this machine (DNS rebinding) would otherwise
// be of the same origin as the pages. A number cannot be made to lead
// anywhere.
func (s *Sandbox) hosts(next http.Handler) http.Handler {
	public := ""
	if u, err := url.Parse(s.URL); err == nil {
		public = u.Hostname()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.Trim(host, "[]")
		if !strings.EqualFold(host, public) && !strings.EqualFold(host, "localhost") && net.ParseIP(host) == nil {
			http.Error(w, "неизвестный адрес: откройте "+s.URL, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
