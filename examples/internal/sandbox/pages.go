package sandbox

import (
	"bytes"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/emulator/qr"
	"github.com/acquiring-go/acquiring/money"
)

//go:embed web
var web embed.FS

var functions = template.FuncMap{
	"rub":     rubles,
	"when":    clockTime,
	"sum":     func(a money.Amount) string { return a.String() },
	"qr":      qrPicture,
	"text":    func(b []byte) string { return readable(b) },
	"safe":    redacted,
	"covered": shortened,
	"header":  redactedHeader,
	"seconds": func(d time.Duration) int { return int(d / time.Second) },
}

// qrPicture is a code as an address for img.
func qrPicture(text string) template.URL {
	svg, err := qr.SVG(text)
	if err != nil {
		return ""
	}
	return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg))
}

// templates are the pages by their names, each with the frame around it.
var templates = func() map[string]*template.Template {
	frame := template.Must(template.New("frame.html").Funcs(functions).ParseFS(web, "web/frame.html", "web/parts.html"))
	out := map[string]*template.Template{}
	for _, name := range []string{"orders", "order", "receipts", "receipt", "callbacks", "callback", "requests", "faults", "connect", "provider", "message"} {
		out[name] = template.Must(template.Must(frame.Clone()).ParseFS(web, "web/"+name+".html"))
	}
	return out
}()

// view is what the frame of a page needs.
type view struct {
	Title string
	Nav   string // the section that is marked
	Live  bool   // the page is brought up to date by itself
	Now   time.Time
	Flash *flash
	Path  string
	Data  any
}

// flash is what is said once, after something was done.
type flash struct {
	Words string
	Bad   bool
}

// flashes keeps them until the page after the redirect is asked for: their
// words are in no address, where anybody could put his own.
type flashes struct {
	mu   sync.Mutex
	next int
	by   map[string]flash
}

func (f *flashes) put(e flash) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil || len(f.by) > 100 {
		f.by = map[string]flash{}
	}
	f.next++
	id := strconv.Itoa(f.next)
	f.by[id] = e
	return id
}

func (f *flashes) take(id string) *flash {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.by[id]
	if !ok {
		return nil
	}
	delete(f.by, id)
	return &e
}

// show writes a page.
func (s *Sandbox) show(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.Now, v.Path = s.Clock.Now(), r.URL.RequestURI()
	if id := r.URL.Query().Get("said"); id != "" {
		v.Flash = s.flashes.take(id)
	}
	var b bytes.Buffer
	if err := templates[name].ExecuteTemplate(&b, "frame.html", v); err != nil {
		http.Error(w, "template: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// back sends the browser on after something was done.
func (s *Sandbox) back(w http.ResponseWriter, r *http.Request, to, words string, err error) {
	said := flash{Words: words}
	if err != nil {
		said = flash{Words: "Не вышло: " + reason(err), Bad: true}
	}
	join := "?"
	if strings.Contains(to, "?") {
		join = "&"
	}
	http.Redirect(w, r, to+join+"said="+s.flashes.put(said), http.StatusSeeOther)
}

// reason is an error in the provider's own words, where it gave some.
func reason(err error) string {
	var e *acquiring.Error
	if errors.As(err, &e) && e.Message != "" {
		if e.Code != "" {
			return e.Message + " (" + e.Op + ", код " + e.Code + ")"
		}
		return e.Message + " (" + e.Op + ")"
	}
	return err.Error()
}

// from is the page that a form was on; only one of our own.
func from(r *http.Request, otherwise string) string {
	to := r.PostFormValue("from")
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.ContainsAny(to, "\\\r\n") {
		to, _, _ = strings.Cut(to, "said=")
		return strings.TrimRight(to, "?&")
	}
	return otherwise
}

// pages are everything that a person sees.
func (s *Sandbox) pages() http.Handler {
	mux := http.NewServeMux()
	static, err := fs.Sub(web, "web/static")
	if err != nil {
		panic(err)
	}
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(static)))
	mux.HandleFunc("GET /{$}", s.ordersPage)
	mux.HandleFunc("POST /orders", s.makeOrder)
	mux.HandleFunc("GET /orders/{provider}/{id}", s.orderPage)
	mux.HandleFunc("POST /orders/{provider}/{id}/{do}", s.doOrder)
	mux.HandleFunc("GET /receipts", s.receiptsPage)
	mux.HandleFunc("POST /receipts", s.makeReceipt)
	mux.HandleFunc("GET /receipts/{provider}/{id}", s.receiptPage)
	mux.HandleFunc("POST /receipts/{provider}/{id}/print", s.printReceipt)
	mux.HandleFunc("GET /callbacks", s.callbacksPage)
	mux.HandleFunc("GET /callbacks/{provider}/{id}", s.callbackPage)
	mux.HandleFunc("POST /callbacks/{provider}/{id}/{do}", s.doCallback)
	mux.HandleFunc("GET /requests", s.requestsPage)
	mux.HandleFunc("GET /faults", s.faultsPage)
	mux.HandleFunc("POST /faults/{provider}/{do}", s.doFault)
	mux.HandleFunc("GET /connect", s.connectPage)
	mux.HandleFunc("GET /connect/{provider}", s.providerPage)
	mux.HandleFunc("POST /connect/{provider}", s.setCallback)
	mux.HandleFunc("POST /connect/tochka/redirect", s.setRedirect)
	mux.HandleFunc("POST /connect/paykeeper/stages", s.setStages)
	mux.HandleFunc("POST /clock", s.moveClock)
	mux.HandleFunc("GET /files/orangedata/{name}", s.file)
	mux.HandleFunc("GET /back", s.backPage)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.missing(w, r, "Такой страницы нет") })
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.show(w, r, http.StatusForbidden, "message", view{Title: "Отказано", Data: "Запрос пришёл с чужой страницы."})
	}))
	guarded := origins.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		guarded.ServeHTTP(w, r)
	})
}

func (s *Sandbox) missing(w http.ResponseWriter, r *http.Request, words string) {
	s.show(w, r, http.StatusNotFound, "message", view{Title: "Не найдено", Data: words})
}
