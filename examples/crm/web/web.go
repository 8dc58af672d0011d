// Package web is the CRM in a browser: the staff's pages behind a login, the
// clients' pages behind secret links, and the addresses for callbacks.
package web

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
)

//go:embed static
var static embed.FS

// Site is the CRM's web server. Set the fields and call Handler.
type Site struct {
	Store   *store.Store
	Billing *billing.Service
	Shops   *shops.Registry
	Box     *secret.Box
	Logger  *slog.Logger
	// Sandbox is the address of the sandbox's pages; "": real banks.
	Sandbox string
	// Demo is what the login page says of the demonstration's user; "": nothing.
	Demo string
}

// maxForm is the largest form that is read: certificates are some kilobytes.
const maxForm = 1 << 20

// handler is a page; its error is shown to the person.
type handler func(w http.ResponseWriter, r *http.Request) error

// Handler is the whole site.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	public := func(pattern string, h handler) { mux.Handle(pattern, s.page(h, false)) }
	staff := func(pattern string, h handler) { mux.Handle(pattern, s.page(h, true)) }

	mux.Handle("GET /static/", cached(http.FileServerFS(static)))
	mux.HandleFunc("/hooks/{token}", s.hook(s.Billing.Hook()))
	mux.HandleFunc("/hooks/{token}/receipt", s.hook(s.Billing.ReceiptHook()))

	public("GET /login", s.loginForm)
	public("POST /login", s.login)
	public("GET /p/{short}", s.payPage)
	public("POST /p/{short}/pay", s.pay)
	public("GET /r/{short}", s.returned)
	public("GET /c/{token}", s.clientPage)
	public("POST /c/{token}/topup", s.topUp)
	// A bank may send the customer back with a form: it holds nothing that
	// would be believed.
	mux.HandleFunc("POST /r/{short}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/r/"+url.PathEscape(r.PathValue("short")), http.StatusSeeOther)
	})

	staff("GET /{$}", s.dashboard)
	staff("POST /logout", s.logout)
	staff("GET /clients", s.clients)
	staff("POST /clients", s.addClient)
	staff("GET /clients/{id}", s.client)
	staff("POST /clients/{id}", s.saveClient)
	staff("POST /clients/{id}/charge", s.charge)
	staff("POST /clients/{id}/link", s.renewLink)
	staff("GET /invoices", s.invoices)
	staff("POST /invoices", s.addInvoice)
	staff("GET /invoices/{id}", s.invoice)
	staff("POST /invoices/{id}/cancel", s.cancelInvoice)
	staff("POST /attempts/{id}/check", s.checkAttempt)
	staff("POST /attempts/{id}/capture", s.capture)
	staff("POST /attempts/{id}/void", s.void)
	staff("GET /attempts/{id}/refund", s.refundForm)
	staff("POST /attempts/{id}/refund", s.refund)
	staff("POST /refunds/{id}/check", s.checkRefund)
	staff("GET /receipts/{id}", s.receipt)
	staff("POST /receipts/{id}/retry", s.retryReceipt)
	staff("GET /shops", s.shopList)
	staff("GET /shops/new", s.newShop)
	staff("POST /shops", s.saveShop)
	staff("GET /shops/{id}", s.shop)
	staff("POST /shops/{id}", s.saveShop)
	staff("POST /shops/{id}/check", s.checkShop)
	staff("POST /shops/{id}/connect", s.connect)
	staff("POST /shops/{id}/discover", s.discover)
	staff("POST /shops/{id}/point", s.choosePoint)
	staff("POST /shops/{id}/subscribe", s.subscribe)
	staff("GET /oauth/tochka", s.consented)
	staff("POST /entities", s.addEntity)
	staff("POST /words", s.addWord)
	staff("GET /journal", s.journal)
	staff("GET /export/{what}", s.export)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusNotFound, "Такой страницы нет. Проверьте ссылку.")
	})
	return s.guard(mux)
}

// guard sets the headers of every answer and refuses what another site sends.
func (s *Site) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.AddInsecureBypassPattern("/hooks/{token}")
	cross.AddInsecureBypassPattern("/hooks/{token}/receipt")
	cross.AddInsecureBypassPattern("POST /r/{short}")
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusForbidden, "Запрос пришёл с другого сайта и отклонён.")
	}))
	protected := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer") // secret links stay here
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Security-Policy", s.policy("'self'"))
		if strings.HasPrefix(s.Shops.PublicURL, "https://") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.Logger.Error("panic", "path", pathOf(r), "panic", p)
				s.fail(w, r, http.StatusInternalServerError, "Внутренняя ошибка.")
			}
		}()
		protected.ServeHTTP(w, r)
	})
}

func (s *Site) policy(forms string) string {
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action " + forms
}

// leaves lets the page's form end at a bank: a browser applies form-action to
// redirects too.
func (s *Site) leaves(w http.ResponseWriter) {
	forms := "'self' https:"
	if u, err := url.Parse(s.Sandbox); err == nil && s.Sandbox != "" {
		forms += " " + u.Scheme + "://" + u.Host
	}
	w.Header().Set("Content-Security-Policy", s.policy(forms))
}

// pathOf is the path for the log: without what opens a page.
func pathOf(r *http.Request) string {
	parts := strings.SplitN(r.URL.Path, "/", 4)
	if len(parts) > 2 && (parts[1] == "c" || parts[1] == "hooks" || parts[1] == "p" || parts[1] == "r") {
		parts[2] = "…"
	}
	return strings.Join(parts, "/")
}

func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		next.ServeHTTP(w, r)
	})
}

// hook finds the shop of a callback's address. The token is as good as the
// address: nobody is told whether another one exists.
func (s *Site) hook(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		shop, err := s.Store.ShopByHook(r.Context(), s.Store.DB, r.PathValue("token"))
		if errors.Is(err, store.ErrNotFound) {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		if err != nil {
			s.Logger.Error("callback", "error", err)
			http.Error(w, "come again", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r.WithContext(shops.WithShop(r.Context(), shop)))
	}
}

type contextKey int

const (
	sessionKey contextKey = iota
	anonymousKey
)

// page checks the session and the CSRF token, and shows errors.
func (s *Site) page(h handler, staff bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		ctx, token := r.Context(), ""
		session, err := s.session(r)
		switch {
		case err == nil:
			ctx, token = context.WithValue(ctx, sessionKey, session), session.CSRF
		case !errors.Is(err, store.ErrNotFound):
			s.shown(w, r, err)
			return
		case staff && r.Method == http.MethodGet:
			http.Redirect(w, r, "/login?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		case staff:
			s.fail(w, r, http.StatusForbidden, "Войдите в CRM и повторите.")
			return
		}
		anonymous := s.anonymous(w, r)
		ctx = context.WithValue(ctx, anonymousKey, anonymous)
		if token == "" || !staff {
			token = s.Box.Token("csrf", anonymous)
		}
		r = r.WithContext(context.WithValue(ctx, csrfKey{}, token))
		if r.Method == http.MethodPost && !secret.Same(r.PostFormValue("csrf"), token) {
			s.fail(w, r, http.StatusForbidden, "Страница устарела. Вернитесь, обновите её и повторите.")
			return
		}
		if err := h(w, r); err != nil {
			s.shown(w, r, err)
		}
	})
}

type csrfKey struct{}

// shown shows an error to the person; what he cannot help stays in the log.
func (s *Site) shown(w http.ResponseWriter, r *http.Request, err error) {
	var p *billing.Problem
	switch {
	case errors.As(err, &p):
		s.fail(w, r, http.StatusUnprocessableEntity, p.Text)
	case errors.Is(err, store.ErrNotFound):
		s.fail(w, r, http.StatusNotFound, "Такой страницы нет. Проверьте ссылку.")
	default:
		s.Logger.Error("page", "method", r.Method, "path", pathOf(r), "error", err)
		s.fail(w, r, http.StatusInternalServerError, "Внутренняя ошибка. Она записана в журнал программы.")
	}
}

// number is the number in the path.
func number(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, store.ErrNotFound
	}
	return id, nil
}

// back sends the browser to a page with a message for it.
func (s *Site) back(w http.ResponseWriter, r *http.Request, to, message string) error {
	if session, ok := r.Context().Value(sessionKey).(store.Session); ok && message != "" {
		if err := s.Store.SetFlash(r.Context(), s.Store.DB, session.TokenHash, message); err != nil {
			return err
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// told sends the browser to a page with the person's problem on it.
func (s *Site) told(w http.ResponseWriter, r *http.Request, to, good string, err error) error {
	var p *billing.Problem
	if errors.As(err, &p) {
		return s.back(w, r, to, "!"+p.Text)
	}
	if err != nil {
		return err
	}
	return s.back(w, r, to, good)
}

// user is who is logged in.
func user(r *http.Request) store.User {
	session, _ := r.Context().Value(sessionKey).(store.Session)
	return session.User
}

// month is the first moment of the month at the Moscow clock.
func month(now time.Time) time.Time {
	t := now.In(moscow)
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, moscow)
}

var moscow = time.FixedZone("MSK", 3*60*60)
