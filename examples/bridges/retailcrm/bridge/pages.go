package bridge

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"net/http"

	"github.com/acquiring-go/acquiring"
)

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("pages").Parse(pagesHTML))

// pageData is a page for the customer. It shows nothing of him.
type pageData struct {
	Title, Text string
	Button      string // posts to the page's own address
	Back        string // to the shop
	Gone        bool
	Wide        bool // of the page's column; never for customers
}

// render writes a page with the headers that fit a page with secrets in its
// address.
func render(w http.ResponseWriter, status int, name string, data any) {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, data); err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action *; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

func (b *Bridge) page(w http.ResponseWriter, status int, data pageData) {
	render(w, status, "pay", data)
}

// trouble tells the customer to come again; the reason is for the log.
func (b *Bridge) trouble(w http.ResponseWriter, err error) {
	level := b.log.Error
	if acquiring.Temporary(err) || errors.Is(err, errAttention) {
		level = b.log.Warn
	}
	level("a link was opened in vain", "error", err)
	w.Header().Set("Retry-After", "60")
	b.page(w, http.StatusServiceUnavailable, pageData{Title: "Оплата временно недоступна", Text: "Деньги не списаны. Попробуйте ещё раз через минуту."})
}

func serveLogo(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#1f6feb"/><rect x="12" y="18" width="40" height="28" rx="5" fill="#fff"/><rect x="12" y="24" width="40" height="6" fill="#1f6feb"/><rect x="17" y="37" width="14" height="4" rx="2" fill="#1f6feb"/></svg>`))
}
