package bridge

import (
	"errors"
	"net/http"

	"github.com/acquiring-go/acquiring"
)

// adminPage is the settings page: of the installation for who has the
// password, or of one account for who comes from its CRM.
type adminPage struct {
	Title, Failure, SystemURL string
	Form, Wide                bool
	Permissions               []string
	Accounts                  []accountView
	Hooks                     []hookView
	Notes                     []note
	Waiting                   int
}

type accountView struct {
	System, Page   string
	On, Registered bool
	Shops          []shopView
}

type shopView struct {
	Title, Code, Provider, Where, How, Receipts string
	Disabled                                    bool
}

type hookView struct{ Shop, URL string }

func (b *Bridge) settings(mux *http.ServeMux) {
	// The browser sends the password by itself, so a form on another site
	// must not be able to use it.
	same := http.NewCrossOriginProtection()
	mux.Handle("GET /settings", b.admin(func(w http.ResponseWriter, r *http.Request) { b.serveAdmin(w, r, http.StatusOK, "", "") }))
	mux.Handle("POST /settings/connect", same.Handler(b.admin(b.serveKey)))
	mux.HandleFunc("GET /settings/{page}", b.serveAccount)
}

// admin lets in who knows the password. The name does not matter.
func (b *Bridge) admin(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, ok := r.BasicAuth()
		right := ok && equal(password, b.conf.AdminPassword)
		if ok && !b.guests.guess(b.address(r), right) {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "слишком часто", http.StatusTooManyRequests)
			return
		}
		if right {
			next(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="settings", charset="UTF-8"`)
		http.Error(w, "нужен пароль из настройки admin_password", http.StatusUnauthorized)
	})
}

func (b *Bridge) serveAdmin(w http.ResponseWriter, r *http.Request, status int, failure, systemURL string) {
	p := adminPage{Title: "Приём платежей для RetailCRM", Form: true, Wide: true, Failure: failure, SystemURL: systemURL, Permissions: b.conf.Module.Permissions}
	all, err := b.store.connections(r.Context())
	if err == nil {
		p.Notes, err = b.store.notes(r.Context(), "", 50)
	}
	if err == nil {
		p.Waiting, err = b.store.pending(r.Context())
	}
	if err != nil {
		b.log.Error("the settings page", "error", err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	for _, c := range all {
		v := b.view(c)
		v.Page = b.pageURL(c)
		p.Accounts = append(p.Accounts, v)
	}
	for _, s := range b.shops {
		p.Hooks = append(p.Hooks, hookView{s.Title(), b.hookURL(s)})
	}
	b.local(p.Notes)
	render(w, status, "admin", p)
}

// local puts the times of notes to the account's clock.
func (b *Bridge) local(notes []note) {
	for i := range notes {
		notes[i].At = notes[i].At.In(b.zone)
	}
}

// serveKey connects an account by a key.
func (b *Bridge) serveKey(w http.ResponseWriter, r *http.Request) {
	f, err := form(w, r)
	if err == nil {
		_, err = b.connectByKey(r.Context(), f.Get("system_url"), f.Get("api_key"))
	}
	if err != nil {
		b.log.Warn("an account was not connected", "error", err)
		text, _ := words(err)
		b.serveAdmin(w, r, http.StatusUnprocessableEntity, text, f.Get("system_url"))
		return
	}
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
}

// serveAccount is the page that the CRM opens (accountUrl). Nobody guesses its
// address, and it shows no secret.
func (b *Bridge) serveAccount(w http.ResponseWriter, r *http.Request) {
	c, err := b.store.connection(r.Context(), "page", r.PathValue("page"))
	if errors.Is(err, acquiring.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	p := adminPage{Title: b.conf.Module.Name, Wide: true}
	if err == nil {
		p.Accounts = []accountView{b.view(c)}
		p.Notes, err = b.store.notes(r.Context(), c.ClientID, 50)
	}
	if err == nil {
		p.Waiting, err = b.store.pending(r.Context())
	}
	if err != nil {
		b.log.Error("the account's page", "error", err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	b.local(p.Notes)
	render(w, http.StatusOK, "admin", p)
}

func (b *Bridge) view(c *connection) accountView {
	sum, err := digest(b.module(c))
	v := accountView{System: c.SystemURL, On: c.Active && !c.Frozen, Registered: err == nil && sum == c.Registered}
	for _, s := range b.shops {
		if !s.serves(c.SystemURL) {
			continue
		}
		sv := shopView{Title: s.Name, Code: s.Code, Provider: providerNames[s.Provider], Where: "боевая среда", How: "сразу", Receipts: "не печатаются здесь", Disabled: s.Disabled}
		if s.Environment == "test" {
			sv.Where = "тестовая среда"
		}
		switch {
		case s.Manual:
			sv.How = "холд, вручную из RetailCRM"
		case s.Hold && s.check():
			sv.How = "холд, после проверки в RetailCRM"
		case s.Hold:
			sv.How = "холд, автоматически"
		}
		if s.Receipts == "acquirer" {
			sv.Receipts = "печатает банк"
		}
		v.Shops = append(v.Shops, sv)
	}
	return v
}

var providerNames = map[string]string{"sberbank": "Сбербанк", "alfabank": "Альфа-Банк", "paymaster": "PayMaster", "paymaster-classic": "PayMaster, классический протокол", "tochka": "Точка"}
