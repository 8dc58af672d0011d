package web

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/store"
)

const (
	sessionCookie   = "crm_session"
	anonymousCookie = "crm_visitor"
	sessionIdle     = 12 * time.Hour
	sessionLife     = 7 * 24 * time.Hour
	// Failures within loginWindow: then the login, or the address, must wait.
	loginWindow      = 15 * time.Minute
	failuresOfLogin  = 5
	failuresOfSource = 20
)

// HashPassword is what is stored of a password.
func HashPassword(password string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), 12)
	return string(hash), err
}

// nobody is compared with when there is no such login, so that the time taken
// does not tell.
var nobody = sync.OnceValue(func() []byte {
	hash, _ := bcrypt.GenerateFromPassword([]byte("nobody has this password"), 12)
	return hash
})

func (s *Site) cookie(name, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.Shops.PublicURL, "https://")}
}

// session is the login that the request belongs to; store.ErrNotFound: none.
func (s *Site) session(r *http.Request) (store.Session, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return store.Session{}, store.ErrNotFound
	}
	session, err := s.Store.SessionByHash(r.Context(), s.Store.DB, secret.Hash(c.Value))
	if err != nil {
		return session, err
	}
	now := s.Store.Now()
	if now.Sub(session.SeenAt) > sessionIdle || now.Sub(session.CreatedAt) > sessionLife {
		return store.Session{}, store.ErrNotFound
	}
	if now.Sub(session.SeenAt) > time.Minute {
		err = s.Store.TouchSession(r.Context(), s.Store.DB, session.TokenHash)
	}
	return session, err
}

// anonymous is the visitor's own random value, by which his forms are told
// from other people's.
func (s *Site) anonymous(w http.ResponseWriter, r *http.Request) string {
	if c, err := r.Cookie(anonymousCookie); err == nil && len(c.Value) == 32 {
		return c.Value
	}
	value := secret.Random(32)
	http.SetCookie(w, s.cookie(anonymousCookie, value, 24*time.Hour))
	return value
}

// addressOf is the visitor's address: of the connection, or, through a proxy on
// this machine, what the proxy wrote last. Whoever else writes the header is
// not believed.
func addressOf(r *http.Request) string {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	list := r.Header.Values("X-Forwarded-For")
	if ip := net.ParseIP(address); ip == nil || !ip.IsLoopback() || len(list) == 0 {
		return address
	}
	last := list[len(list)-1]
	if forwarded := net.ParseIP(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])); forwarded != nil {
		return forwarded.String()
	}
	return address
}

type loginData struct{ Login, To, Trouble, Demo string }

func (s *Site) loginForm(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, "login", "Вход", loginData{To: local(r.FormValue("to")), Demo: s.Demo})
}

// local is the address if it is one of this site, else the first page.
func local(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

// login checks the password, slowly, and not often.
func (s *Site) login(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	login, to := strings.ToLower(strings.TrimSpace(r.PostFormValue("login"))), local(r.PostFormValue("to"))
	address := addressOf(r)
	since := s.Store.Now().Add(-loginWindow)
	// A try counts as a failure until it has succeeded: those that are sent
	// together see each other.
	try, err := s.Store.AddLoginFailure(ctx, s.Store.DB, login, address)
	if err != nil {
		return err
	}
	ofLogin, ofAddress, err := s.Store.LoginFailures(ctx, s.Store.DB, login, address, since)
	if err != nil {
		return err
	}
	if ofLogin > failuresOfLogin || ofAddress > failuresOfSource {
		if err := s.Store.DropLoginFailure(ctx, s.Store.DB, try); err != nil {
			return err
		}
		w.Header().Set("Retry-After", "900")
		return s.render(w, r, http.StatusTooManyRequests, "login", "Вход", loginData{Login: login, To: to, Trouble: "Слишком много попыток. Подождите 15 минут.", Demo: s.Demo})
	}
	user, err := s.Store.UserByLogin(ctx, s.Store.DB, login)
	hash := []byte(user.PasswordHash)
	if err != nil {
		hash = nobody()
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(r.PostFormValue("password"))) != nil || err != nil {
		if err := s.Store.Write(ctx, s.Store.DB, store.Entry{Actor: billing.BySystem, Event: "login.failed", Text: "Неудачная попытка входа с адреса " + address}); err != nil {
			return err
		}
		return s.render(w, r, http.StatusUnprocessableEntity, "login", "Вход", loginData{Login: login, To: to, Trouble: "Неверный логин или пароль.", Demo: s.Demo})
	}
	token := secret.Random(40)
	session := store.Session{TokenHash: secret.Hash(token), CSRF: secret.Random(32), User: user}
	if err := s.Store.AddSession(ctx, s.Store.DB, session); err != nil {
		return err
	}
	if err := s.Store.ForgetLoginFailures(ctx, s.Store.DB, login, since); err != nil {
		return err
	}
	if err := s.Store.DeleteOldSessions(ctx, s.Store.DB, s.Store.Now().Add(-sessionIdle)); err != nil {
		return err
	}
	if err := s.Store.Write(ctx, s.Store.DB, store.Entry{Actor: user.Login, Event: "login", Text: "Вход с адреса " + address}); err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(sessionCookie, token, sessionLife))
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request) error {
	session, _ := r.Context().Value(sessionKey).(store.Session)
	if err := s.Store.DeleteSession(r.Context(), s.Store.DB, session.TokenHash); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true})
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}
