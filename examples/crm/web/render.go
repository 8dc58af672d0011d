package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

//go:embed templates/*.html
var templates embed.FS

var functions = template.FuncMap{
	"rub":    billing.Rubles,
	"signed": signed,
	"date":   func(t time.Time) string { return stamp(t, "02.01.2006") },
	"time":   func(t time.Time) string { return stamp(t, "02.01.2006 15:04") },
	"iso":    func(t time.Time) string { return t.In(moscow).Format(time.RFC3339) },
	"status": billing.StatusText,
	"tone":   tone,
	"refund": refundText,
	"check":  receiptText,
	"svg":    svg,
	"bank": func(key string) string {
		if p := shops.ByKey(key); p != nil {
			return p.Name
		}
		return key
	},
	"kind": func(kind string) string {
		return map[string]string{store.PostedPayment: "Оплата", store.PostedRefund: "Возврат", store.PostedCharge: "Списание"}[kind]
	},
	"method":    methodText,
	"printedBy": printedByText,
	"settlement": func(t int) string {
		if fiscal.Settlement(t) == fiscal.SaleReturn {
			return "Возврат прихода"
		}
		return "Приход"
	},
	"field": fieldOf,
	"same":  func(a, b any) bool { return fmt.Sprintf("%d", a) == fmt.Sprintf("%d", b) },
	"plain": func(a money.Amount) string { return strings.Replace(a.Short(), ".", ",", 1) },
}

// fieldView is what the template of a field gets.
type fieldView struct {
	Field   shops.Field
	Value   string
	Given   bool
	Problem string
}

func fieldOf(f shops.Field, values map[string]string, given map[string]bool, problems shops.Problems) fieldView {
	v := fieldView{Field: f, Given: given[f.Key], Problem: problems[f.Key].Text}
	if !f.Secret {
		v.Value = values[f.Key]
	}
	return v
}

func stamp(t time.Time, layout string) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(moscow).Format(layout)
}

func signed(a money.Amount) string {
	if a > 0 {
		return "+" + billing.Rubles(a)
	}
	return billing.Rubles(a)
}

// tone is the colour of a status.
func tone(s acquiring.Status) string {
	switch s {
	case acquiring.StatusPaid:
		return "good"
	case acquiring.StatusAuthorized, acquiring.StatusPartiallyRefunded:
		return "note"
	case acquiring.StatusDeclined, acquiring.StatusExpired:
		return "bad"
	case acquiring.StatusPending:
		return "wait"
	}
	return "dim"
}

func refundText(status string) string {
	return map[string]string{store.RefundNew: "отправляется", store.RefundPending: "принят банком", store.RefundDone: "выполнен", store.RefundFailed: "отклонён", store.RefundUnclear: "исход неизвестен"}[status]
}

func receiptText(state string) string {
	return map[string]string{store.ReceiptWaiting: "печатается", store.ReceiptPrinted: "напечатан", store.ReceiptFailed: "не напечатан"}[state]
}

func printedByText(by string) string {
	switch by {
	case "acquirer":
		return "провайдер платежа"
	case "", "none":
		return "не печатается"
	}
	if s := shops.RegisterByKey(by); s != nil {
		return s.Name
	}
	return by
}

func methodText(method string) string {
	known := map[string]string{"card": "карта", "sbp": "СБП", "sberpay": "SberPay", "alfapay": "AlfaPay", "tpay": "T-Pay", "yandexpay": "Яндекс Пэй", "mirpay": "Mir Pay", "installment": "рассрочка", "credit": "кредит", "wallet": "кошелёк", "other": "другой", "": "–"}
	if text, ok := known[method]; ok {
		return text
	}
	return method
}

// svg draws a QR code.
func svg(text string) (template.HTML, error) {
	if text == "" {
		return "", nil
	}
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return "", err
	}
	const margin = 4
	size := code.Bounds().Dx()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="qr" viewBox="0 0 %d %d" role="img" aria-label="QR-код" shape-rendering="crispEdges"><rect width="100%%" height="100%%" fill="#fff"/><path d="`, size+2*margin, size+2*margin)
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+margin, y+margin)
			}
		}
	}
	b.WriteString(`" fill="#000"/></svg>`)
	return template.HTML(b.String()), nil // digits and our own words only
}

// pages are the templates, each with the layout around it.
var pages = func() map[string]*template.Template {
	out := map[string]*template.Template{}
	entries, err := templates.ReadDir("templates")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		out[name] = template.Must(template.New("layout.html").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts.html", "templates/"+e.Name()))
	}
	return out
}()

// view is what every template gets.
type view struct {
	Title   string
	Name    string // of the template
	User    *store.User
	CSRF    string
	Flash   string
	Trouble string
	Sandbox string
	Path    string
	Public  bool // a client's page: no menu
	Refresh int  // seconds; 0: stays
	Data    any
}

var publicPages = map[string]bool{"login": true, "pay": true, "returned": true, "personal": true}

// render shows a page. It is made whole before anything is sent.
func (s *Site) render(w http.ResponseWriter, r *http.Request, code int, name, title string, data any) error {
	v := view{Title: title, Name: name, Sandbox: s.Sandbox, Path: r.URL.Path, Public: publicPages[name], Data: data}
	v.CSRF, _ = r.Context().Value(csrfKey{}).(string)
	if session, ok := r.Context().Value(sessionKey).(store.Session); ok {
		v.User = &session.User
		flash, err := "", error(nil)
		if !v.Public {
			flash, err = s.Store.TakeFlash(r.Context(), s.Store.DB, session.TokenHash)
		}
		if err != nil {
			return err
		}
		if trouble, bad := strings.CutPrefix(flash, "!"); bad {
			v.Trouble = trouble
		} else {
			v.Flash = flash
		}
	} else {
		v.Public = true
	}
	if data, ok := data.(interface{ refresh() int }); ok {
		v.Refresh = data.refresh()
	}
	var b bytes.Buffer
	if err := pages[name].Execute(&b, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes())
	return nil
}

// fail shows a page with nothing but what is wrong.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, code int, text string) {
	if err := s.render(w, r, code, "error", "Ошибка", text); err != nil {
		s.Logger.Error("error page", "error", err)
		http.Error(w, text, code)
	}
}
