package bridge

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

// world is an installation: four banks, a CRM account and the module, at one
// clock that stands still. Callbacks and tasks happen when work is called.
type world struct {
	t     *testing.T
	ctx   context.Context
	clock *retailcrmtest.Clock
	alfa  *alfabanktest.Server
	sber  *sberbanktest.Server
	pm    *paymastertest.Server
	point *tochkatest.Server
	crm   *retailcrmtest.Server
	url   string
	db    string
	conf  map[string]any
	serve atomic.Pointer[http.Handler]
	b     *Bridge
}

const code = "acquiring-bridge"

// open makes a world with the shops sber (hold, automatic), manual (hold, by
// hand), alfa (one stage, receipts), pm and tochka (one stage).
func open(t *testing.T, change func(conf map[string]any, shop func(code string) map[string]any), opts ...retailcrmtest.Option) *world {
	t.Helper()
	// In the past, so that weeks can go by: receipts of the future are refused.
	clock := retailcrmtest.NewClock(time.Now().AddDate(0, -3, 0))
	w := &world{t: t, ctx: t.Context(), clock: clock, db: filepath.Join(t.TempDir(), "bridge.db")}
	mux := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if h := w.serve.Load(); h != nil {
			(*h).ServeHTTP(rw, r)
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	w.url = s.URL
	w.alfa = alfabanktest.NewServer(alfabanktest.WithClock(clock))
	w.sber = sberbanktest.NewServer(sberbanktest.WithClock(clock))
	w.pm = paymastertest.NewServer(paymastertest.WithClock(clock), paymastertest.WithHolds())
	// Tochka has one address for all payments, set in the cabinet.
	w.point = tochkatest.NewServer(tochkatest.WithClock(clock), tochkatest.WithCardRefunds(0), tochkatest.WithCallbackURL(w.url+"/hooks/tochka"),
		tochkatest.WithCallbackHandler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/hooks/tochka/" + w.b.shop("tochka").hook
			mux.ServeHTTP(rw, r)
		})))
	w.crm = retailcrmtest.NewServer(append([]retailcrmtest.Option{retailcrmtest.WithClock(clock), retailcrmtest.WithLimit(0)}, opts...)...)
	for _, c := range []interface{ Close() }{w.alfa, w.sber, w.pm, w.point, w.crm} {
		t.Cleanup(c.Close)
	}
	a, sb, pm, po := w.alfa.Config(), w.sber.Config(), w.pm.Config(), w.point.Config()
	sberSettings := map[string]any{"UserName": sb.UserName, "Password": sb.Password, "BaseURL": sb.BaseURL, "CallbackKey": sb.CallbackKey}
	shops := []map[string]any{
		{"code": "sber", "name": "Чай Сбер", "provider": "sberbank", "environment": "test", "hold": true, "settings": sberSettings},
		{"code": "manual", "name": "Чай вручную", "provider": "sberbank", "environment": "test", "hold": true, "manual": true, "settings": sberSettings},
		{"code": "alfa", "name": "Чай Альфа", "provider": "alfabank", "environment": "test", "receipts": "acquirer", "tax_system": "usn_income",
			"settings": map[string]any{"UserName": a.UserName, "Password": a.Password, "BaseURL": a.BaseURL, "CallbackKey": a.CallbackKey}},
		{"code": "pm", "name": "Чай PayMaster", "provider": "paymaster", "environment": "test",
			"settings": map[string]any{"MerchantID": pm.MerchantID, "Token": pm.Token, "BaseURL": pm.BaseURL}},
		{"code": "tochka", "name": "Чай Точка", "provider": "tochka", "environment": "production",
			"settings": map[string]any{"Token": po.Token, "ClientID": po.ClientID, "CustomerCode": po.CustomerCode, "MerchantID": po.MerchantID, "BaseURL": po.BaseURL, "WebhookKey": po.WebhookKey}},
	}
	w.conf = map[string]any{"public_url": w.url, "database": w.db, "admin_password": "correct horse", "allow_http": true, "crm_rate": 1000,
		"module": map[string]any{"secret": retailcrmtest.DefaultModuleSecret}, "shops": shops}
	if change != nil {
		change(w.conf, func(code string) map[string]any {
			for _, s := range shops {
				if s["code"] == code {
					return s
				}
			}
			t.Fatalf("no shop %s", code)
			return nil
		})
	}
	w.start()
	t.Cleanup(w.stop)
	return w
}

// start starts the module over the same database, as after a crash.
func (w *world) start() {
	w.t.Helper()
	doc, err := json.Marshal(w.conf)
	require.NoError(w.t, err)
	c, err := ReadConfig(strings.NewReader(string(doc)), os.Getenv)
	require.NoError(w.t, err)
	w.b, err = New(w.ctx, c, WithClock(w.clock.Now), WithLogger(slog.New(slog.NewTextHandler(testLog{w.t}, nil))))
	require.NoError(w.t, err)
	h := w.b.Handler()
	w.serve.Store(&h)
	require.NoError(w.t, w.b.registerChanged(w.ctx))
}

func (w *world) stop() {
	if w.b != nil {
		require.NoError(w.t, w.b.Close())
		w.b = nil
	}
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// work delivers callbacks and does tasks until nothing is left to do.
func (w *world) work() {
	w.t.Helper()
	for range 10 {
		sent := w.alfa.Deliver() + w.sber.Deliver() + w.pm.Deliver() + w.point.Deliver()
		done, err := w.b.Drain(w.ctx)
		require.NoError(w.t, err)
		if sent+done == 0 {
			return
		}
	}
}

// later lets time pass, and what was put off be tried again.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	w.work()
}

func (w *world) connect() {
	w.t.Helper()
	_, err := w.crm.Connect(w.url + "/simple/connect")
	require.NoError(w.t, err)
}

var tea = []retailcrmtest.Item{
	{Name: "Чай «Утро»", Price: money.RUB(450, 0), Quantity: "2", Unit: "шт", VAT: "vat22", PaymentMethod: "full_prepayment", PaymentObject: "commodity"},
	{Name: "Доставка", Price: money.RUB(399, 50), Quantity: "1", Unit: "", VAT: "none", PaymentMethod: "full_prepayment", PaymentObject: "service"},
}

var ivan = retailcrmtest.Customer{Email: "ivan@example.ru", Phone: "+79001112233", FirstName: "Иван", LastName: "Петров"}

// bill issues an invoice of 1299.50 in the CRM, as a manager does.
func (w *world) bill(shop string) (payment int, inv retailcrmtest.Invoice) {
	w.t.Helper()
	order := w.crm.AddOrder(retailcrmtest.Order{Customer: ivan, Items: tea})
	p, err := w.crm.AddPayment(order.Number, code, shop, money.RUB(1299, 50))
	require.NoError(w.t, err)
	inv, err = w.crm.CreateLink(p.ID)
	require.NoError(w.t, err)
	return p.ID, inv
}

// status is the payment's status in the CRM.
func (w *world) status(payment int) string {
	p, _ := w.crm.Payment(payment)
	return p.Status
}

// invoice is the CRM's invoice of the payment.
func (w *world) invoice(payment int) retailcrmtest.Invoice {
	p, _ := w.crm.Payment(payment)
	i, _ := w.crm.Invoice(p.InvoiceUUID)
	return i
}

var browser = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// visit opens an address as a browser does: its status, and where it leads.
func (w *world) visit(method, address, agent string) (status int, location, body string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.ctx, method, address, http.NoBody)
	require.NoError(w.t, err)
	r.Header.Set("User-Agent", agent)
	resp, err := browser.Do(r)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return resp.StatusCode, resp.Header.Get("Location"), string(b)
}

// click opens a short link and returns the bank's page.
func (w *world) click(link string) string {
	w.t.Helper()
	status, location, body := w.visit(http.MethodGet, link, "Mozilla/5.0 (iPhone)")
	require.Equal(w.t, http.StatusFound, status, body[max(0, strings.LastIndex(body, "</head>")):])
	return location
}

// bank is what the tests need of a bank's emulator.
type bank interface {
	Pay(id string) error
	Expire(id string) error
}

// order is the newest order at the shop's bank.
func (w *world) order(shop string) (bank, bankOrder) {
	w.t.Helper()
	switch shop {
	case "alfa":
		all := w.alfa.Orders()
		return w.alfa, all[len(all)-1]
	case "pm":
		all := w.pm.Orders()
		return w.pm, all[len(all)-1]
	case "tochka":
		all := w.point.Orders()
		return w.point, all[len(all)-1]
	}
	all := w.sber.Orders()
	return w.sber, all[len(all)-1]
}

type bankOrder = sberbanktest.Order

// pay clicks and pays the newest order.
func (w *world) pay(shop, link string) bankOrder {
	w.t.Helper()
	w.click(link)
	b, o := w.order(shop)
	require.NoError(w.t, b.Pay(o.ID))
	w.work()
	return o
}

// books is the order as the bank has it now.
func (w *world) books(shop, id string) bankOrder {
	w.t.Helper()
	var o bankOrder
	var ok bool
	switch shop {
	case "alfa":
		o, ok = w.alfa.Order(id)
	case "pm":
		o, ok = w.pm.Order(id)
	case "tochka":
		o, ok = w.point.Order(id)
	default:
		o, ok = w.sber.Order(id)
	}
	require.True(w.t, ok)
	return o
}

func (w *world) noteTexts() string {
	w.t.Helper()
	notes, err := w.b.store.notes(w.ctx, "", 100)
	require.NoError(w.t, err)
	var all []string
	for _, n := range notes {
		all = append(all, n.Text)
	}
	return strings.Join(all, "\n")
}

func (w *world) findAttempt(shop string, id acquiring.PaymentID) (paymentID string, n int) {
	w.t.Helper()
	require.NoError(w.t, w.b.store.do(w.ctx, func(tx *work) (err error) {
		paymentID, n, err = tx.find(w.ctx, shop, id, "")
		return err
	}))
	return paymentID, n
}
