package bridge

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// Handler is the bridge for the world:
//
//	/hooks/{shop}                     callbacks of the banks
//	/thanks                           where the customer returns to
//	/healthz                          200 while the database answers
//	GET  /pay/{pay_path}/{ref}        a link for the CRM's letters: leads to the payment page
//	POST /invoices                    {"ref":"2091","amount":"3500.00", …} → {"pay_url": …}
//	GET  /invoices/{number}           where it stands
//	POST /invoices/{number}/refund    {"amount":"100.00"}
//	GET  /news?state=attention        what the CRM was told, or is yet to be told
//
// The last four need the header "Authorization: Bearer key"; without a key in
// the configuration they are not there.
func (b *Bridge) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, a := range b.accounts {
		hook := webhook.Handler(a.Acquirer, b.process(a), webhook.WithInbox(b.inbox), webhook.Question(b.question(a)), webhook.Logger(b.log))
		mux.HandleFunc("/hooks/"+a.Code, func(w http.ResponseWriter, r *http.Request) {
			hook.ServeHTTP(w, r)
			b.box.Wake() // what was put into the outbox is committed
		})
	}
	mux.HandleFunc("GET /thanks", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, thanks)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := b.db.PingContext(r.Context()); err != nil {
			http.Error(w, "database", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	if b.conf.PayPath != "" {
		mux.HandleFunc("GET /pay/"+b.conf.PayPath+"/{ref}", b.pay)
		mux.HandleFunc("POST /pay/"+b.conf.PayPath+"/{ref}", b.pay)
	}
	if b.conf.Key != "" {
		mux.HandleFunc("POST /invoices", b.keyed(b.postInvoice))
		mux.HandleFunc("GET /invoices/{number}", b.keyed(b.getInvoice))
		mux.HandleFunc("POST /invoices/{number}/refund", b.keyed(b.postRefund))
		mux.HandleFunc("GET /news", b.keyed(b.getNews))
	}
	return mux
}

const thanks = `<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Спасибо</title>
<style>body{font:18px/1.5 system-ui,sans-serif;max-width:32em;margin:15vh auto;padding:0 1.5em;color:#222}</style></head>
<body><h1>Спасибо!</h1><p>Если оплата прошла, она появится в вашем личном кабинете в течение нескольких минут. Страницу можно закрыть.</p></body></html>
`

// keyed lets in who has the key.
func (b *Bridge) keyed(next func(w http.ResponseWriter, r *http.Request) (any, error)) http.HandlerFunc {
	want := sha256.Sum256([]byte(b.conf.Key))
	return func(w http.ResponseWriter, r *http.Request) {
		sent, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(sent))
		if !ok || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
			answer(w, http.StatusUnauthorized, map[string]string{"error": "the header Authorization: Bearer <key> is missing or wrong"})
			return
		}
		out, err := next(w, r)
		if err != nil {
			b.log.LogAttrs(r.Context(), slog.LevelWarn, "bridge: a request failed", slog.String("path", r.URL.Path), slog.String("error", err.Error()))
			answer(w, statusOf(err), map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, out)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, acquiring.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, acquiring.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, acquiring.ErrConflict), errors.Is(err, acquiring.ErrDuplicate):
		return http.StatusConflict
	case acquiring.Temporary(err):
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}

// wireLink is a Link as the API shows it.
type wireLink struct {
	Number    string     `json:"number"`
	Shop      string     `json:"shop"`
	Amount    string     `json:"amount"`
	PayURL    string     `json:"pay_url"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

func read(r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<10))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return acquiring.Invalid("body", "is not the JSON that is expected: "+err.Error())
	}
	return nil
}

// sum reads roubles; "" is 0.
func sum(field, text string) (money.Amount, error) {
	if text == "" {
		return 0, nil
	}
	a, err := money.Parse(text)
	if err != nil || a <= 0 {
		return 0, errSum(field)
	}
	return a, nil
}

func errSum(field string) error {
	return acquiring.Invalid(field, `must be roubles in text and more than zero: "3500.00"`)
}

// given is sum of a field that may be absent: 0. One that is there and empty is
// an error.
func given(field string, text *string) (money.Amount, error) {
	switch {
	case text == nil:
		return 0, nil
	case *text == "":
		return 0, errSum(field)
	}
	return sum(field, *text)
}

func (b *Bridge) postInvoice(_ http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Number, Shop, Ref, Description, Email, Phone, Payer string
		Amount                                              *string
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	amount, err := given("amount", in.Amount)
	if err != nil {
		return nil, err
	}
	link, err := b.Invoice(r.Context(), Order{Number: in.Number, Shop: in.Shop, Ref: in.Ref, Amount: amount, Description: in.Description,
		Email: in.Email, Phone: in.Phone, Payer: in.Payer})
	if err != nil {
		return nil, err
	}
	out := wireLink{Number: link.Number, Shop: link.Shop, Amount: link.Amount.String(), PayURL: link.PayURL}
	if !link.ExpiresAt.IsZero() {
		out.ExpiresAt = &link.ExpiresAt
	}
	return out, nil
}

// pay leads to the payment page of what the CRM has under that number.
func (b *Bridge) pay(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return // a messenger's preview must not make an invoice
	}
	if r.Method == http.MethodGet && preview(r) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, before)
		return
	}
	link, err := b.Invoice(r.Context(), Order{Ref: r.PathValue("ref")})
	if err == nil && link.PayURL != "" {
		http.Redirect(w, r, link.PayURL, http.StatusFound)
		return
	}
	text, status := "Сейчас оплатить не получается. Попробуйте через несколько минут.", http.StatusServiceUnavailable
	switch {
	case err != nil && errors.Is(err, acquiring.ErrConflict):
		text, status = "Этот счёт уже оплачен или закрыт.", http.StatusConflict
	case err != nil && (errors.Is(err, acquiring.ErrNotFound) || errors.Is(err, acquiring.ErrInvalid)):
		text, status = "Такого счёта нет.", http.StatusNotFound
	}
	if err != nil {
		b.log.LogAttrs(r.Context(), slog.LevelWarn, "bridge: a link led nowhere", slog.String("ref", r.PathValue("ref")), slog.String("error", err.Error()))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// before is shown to machines that look at a link before a person does, and to
// a person who was taken for one.
const before = `<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Оплата счёта</title></head>
<body><h1>Оплата счёта</h1><form method="post"><button>Перейти к оплате</button></form></body></html>
`

// preview says whether a machine is looking: messengers, social networks,
// search engines and browsers that fetch in advance.
func preview(r *http.Request) bool {
	if p := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose") + r.Header.Get("X-Moz"); strings.Contains(p, "prefetch") || strings.Contains(p, "preview") {
		return true
	}
	agent := strings.ToLower(r.UserAgent())
	return slices.ContainsFunc([]string{"bot", "whatsapp", "facebookexternalhit", "vkshare", "viber", "telegram", "skypeuripreview", "slack", "preview", "crawler", "spider"},
		func(word string) bool { return strings.Contains(agent, word) })
}

// wireState is where an order stands.
type wireState struct {
	Number    string `json:"number"`
	Shop      string `json:"shop"`
	Ref       string `json:"ref"`
	Amount    string `json:"amount"`
	Status    string `json:"status"`
	Taken     string `json:"taken"`
	Refunded  string `json:"refunded"`
	PaymentID string `json:"payment_id"`
}

func (b *Bridge) getInvoice(_ http.ResponseWriter, r *http.Request) (any, error) {
	o, err := b.find(r.Context(), r.URL.Query().Get("shop"), r.PathValue("number"))
	if err != nil {
		return nil, err
	}
	return o.wire(), nil
}

func (r *row) wire() wireState {
	return wireState{Number: r.Number, Shop: r.Shop, Ref: r.Ref, Amount: r.Amount.String(), Status: r.Status.String(), Taken: r.Taken.String(),
		Refunded: r.Refunded.String(), PaymentID: string(r.ID)}
}

func (b *Bridge) postRefund(_ http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Amount    *string
		Key, Shop string
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	amount, err := given("amount", in.Amount)
	if err != nil {
		return nil, err
	}
	refund, err := b.Refund(r.Context(), in.Shop, r.PathValue("number"), amount, in.Key)
	if err != nil {
		return nil, err
	}
	return map[string]string{"id": refund.ID, "amount": refund.Amount.String(), "status": refund.Status.String()}, nil
}

// wireNews is what the CRM was told.
type wireNews struct {
	Key      string `json:"key"`
	State    string `json:"state"`
	Kind     Kind   `json:"kind"`
	Order    string `json:"order"`
	Ref      string `json:"ref"`
	Amount   string `json:"amount"`
	Result   string `json:"result,omitempty"` // the CRM's number
	Error    string `json:"error,omitempty"`
	Attempts int    `json:"attempts"`
}

func (b *Bridge) getNews(_ http.ResponseWriter, r *http.Request) (any, error) {
	all, err := b.news(r.Context(), r.URL.Query().Get("state"))
	if err != nil {
		return nil, err
	}
	out := make([]wireNews, 0, len(all))
	for _, it := range all {
		out = append(out, wire(it))
	}
	return out, nil
}

// news are the items of a state; "": those that wait for a person.
func (b *Bridge) news(ctx context.Context, state string) ([]outbox.Item, error) {
	s := outbox.State(state)
	if s == "" {
		s = outbox.Attention
	}
	if all := []outbox.State{outbox.Attention, outbox.Waiting, outbox.Done}; !slices.Contains(all, s) {
		return nil, acquiring.Invalid("state", fmt.Sprintf("is %q; it must be attention, waiting or done", state))
	}
	return b.box.List(ctx, b.crm.Name(), s, 0, 500)
}

// late is how many items failed at least three times and are tried again.
func (b *Bridge) late(ctx context.Context) (n int, err error) {
	all, err := b.news(ctx, string(outbox.Waiting))
	for _, it := range all {
		if it.Attempts >= 3 {
			n++
		}
	}
	return n, err
}

func wire(it outbox.Item) wireNews {
	var n News
	_ = json.Unmarshal(it.Payload, &n) // what cannot be read is shown by its key
	return wireNews{Key: it.Key, State: string(it.State), Kind: n.Kind, Order: n.OrderID, Ref: n.Ref, Amount: n.Amount.String(), Result: it.Result,
		Error: it.LastError, Attempts: it.Attempts}
}
