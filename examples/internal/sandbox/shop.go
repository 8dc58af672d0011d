package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// shopPath is where the sandbox's own shop takes callbacks; the provider
// follows.
const shopPath = "/shop/"

// shop is a shop that does with the callbacks what it should, and nothing
// else: it verifies them, and takes the same news once.
func (s *Sandbox) shop() http.Handler {
	quiet := slog.New(slog.DiscardHandler)
	payments := webhook.HandlerFor(func(r *http.Request) (acquiring.Acquirer, error) { return s.client(s.wayOf(r)) },
		func(context.Context, webhook.Event) error { return nil }, webhook.Logger(quiet))
	receipts := func(w http.ResponseWriter, r *http.Request, p Provider) {
		register, err := s.register(p)
		if err == nil {
			_, err = register.VerifyCallback(r.Context(), r)
		}
		switch {
		case err == nil:
			w.WriteHeader(http.StatusOK)
		case errors.Is(err, acquiring.ErrSignature):
			http.Error(w, "signature", http.StatusForbidden)
		default:
			http.Error(w, "not now", http.StatusServiceUnavailable)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := Provider(strings.TrimPrefix(r.URL.Path, shopPath))
		switch {
		case p == Komtet || p == OrangeData:
			receipts(w, r, p)
		case s.Bank(p) != nil:
			payments.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// wayOf tells the protocol of a callback without its body: by the order that
// it names, or by the kind of its body.
func (s *Sandbox) wayOf(r *http.Request) way {
	w := way{Provider: Provider(strings.TrimPrefix(r.URL.Path, shopPath))}
	switch w.Provider {
	case Sberbank:
		o, _ := s.Sberbank.Order(r.URL.Query().Get("mdOrder"))
		w.Protocol = o.Protocol
	case PayMaster:
		if !strings.Contains(r.Header.Get("Content-Type"), "json") {
			w.Protocol = "classic"
		}
	}
	return w
}
