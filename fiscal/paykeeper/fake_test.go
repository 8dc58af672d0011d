package paykeeper

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// The secret word and the token of the specification's worked examples.
const (
	testSecret = "PkDemo_Secret-2026"
	testToken  = "7e1c5f0a9b3d4e2f8a6b1c0d9e8f7a65"
)

// today is the clock of the tests.
var today = time.Date(2026, 11, 21, 10, 15, 30, 0, time.FixedZone("MSK", 3*60*60))

func testConfig(address string) Config {
	return Config{Environment: acquiring.Test, BaseURL: address, User: "lavka", Password: "kassa-pass", Secret: testSecret,
		Now: func() time.Time { return today }}
}

// seen is one request as the service got it.
type seen struct {
	method, path, query, body string
	form                      url.Values
}

// fault is what the fake does to a call.
type fault int

const (
	lost    fault = iota + 1 // carried out, the connection closed
	drop                     // not carried out, the connection closed
	broken                   // 502 with a page of HTML; not carried out
	cut                      // carried out, half of the answer
	page                     // 200 with a page of HTML; not carried out
	empty                    // 200 with nothing; not carried out
	limited                  // 429 with Retry-After; not carried out
	slow                     // carried out at once, answered late
)

type obj = map[string]any

// fake is a small PayKeeper made from the specification: just enough state to
// see what the client does to it.
type fake struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	requests []seen
	faults   map[string][]fault
	answers  map[string]string // fixed answers by path
	token    string
	tokens   int // how often the token was asked for
	invoices []obj
	payments []obj
	refunds  []obj
	receipts []obj
	keyless  bool // receipts are listed without their keys
	noSearch bool // the searches refuse
	wrap     bool // single objects come as arrays of one
	next     int
	delay    time.Duration // of a slow answer
}

func newFake(t testing.TB) *fake {
	f := &fake{t: t, faults: map[string][]fault{}, answers: map[string]string{}, token: testToken, next: 4710}
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.server.Close)
	return f
}

func (f *fake) client(change ...func(*Config)) *Client {
	cfg := testConfig(f.server.URL)
	for _, c := range change {
		c(&cfg)
	}
	client, err := New(cfg)
	require.NoError(f.t, err)
	return client
}

func (f *fake) fail(path string, faults ...fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[path] = append(f.faults[path], faults...)
}

func (f *fake) calls(path string) (all []seen) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if strings.HasPrefix(r.path, path) {
			all = append(all, r)
		}
	}
	return all
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	form, _ := url.ParseQuery(string(body))
	f.requests = append(f.requests, seen{r.Method, r.URL.Path, r.URL.RawQuery, string(body), form})
	var ft fault
	if q := f.faults[r.URL.Path]; len(q) > 0 {
		ft, f.faults[r.URL.Path] = q[0], q[1:]
	}
	status, answer := 200, ""
	if ft == 0 || ft == lost || ft == cut || ft == slow {
		status, answer = f.answer(r, form)
	}
	f.mu.Unlock()
	switch ft {
	case lost, drop:
		panic(http.ErrAbortHandler)
	case broken:
		w.WriteHeader(502)
		_, _ = io.WriteString(w, "<html><body>Bad Gateway</body></html>")
		return
	case limited:
		w.Header().Set("Retry-After", "45")
		w.WriteHeader(429)
		return
	case slow:
		time.Sleep(f.delay)
	case cut:
		answer = answer[:len(answer)/2]
	case page:
		answer = "<html><body>технические работы</body></html>"
	case empty:
		answer = ""
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func refuse(msg string) obj { return obj{"result": "fail", "msg": msg} }

func (f *fake) answer(r *http.Request, form url.Values) (int, string) {
	q := r.URL.Query()
	private := strings.HasPrefix(r.URL.Path, "/info/") || strings.HasPrefix(r.URL.Path, "/change/")
	if user, pass, _ := r.BasicAuth(); private && (user != "lavka" || pass != "kassa-pass") {
		return 401, ""
	}
	if strings.HasPrefix(r.URL.Path, "/change/") {
		if t := form["token"]; len(t) != 1 || t[0] != f.token {
			return 200, `{"result":"fail","msg":"\u0422\u043e\u043a\u0435\u043d \u0431\u0435\u0437\u043e\u043f\u0430\u0441\u043d\u043e\u0441\u0442\u0438 \u043d\u0435 \u0432\u0435\u0440\u0435\u043d."}`
		}
	}
	if a, ok := f.answers[r.URL.Path]; ok {
		return 200, a
	}
	var v any
	switch r.URL.Path {
	case "/info/settings/token/":
		f.tokens++
		v = f.single(obj{"token": f.token})
	case "/change/invoice/preview/":
		v = f.preview(form)
	case "/info/invoice/byid/":
		v = refuse("Счёт не найден.")
		if inv := find(f.invoices, q.Get("id")); inv != nil {
			v = inv
		}
	case "/info/invoice/search/":
		v = f.search(f.invoices, q.Get("query"))
	case "/info/invoice/list/":
		v = pageOf(f.invoices, q)
	case "/change/invoice/revoke/", "/change/invoice/send/", "/change/invoice/accept-cash/":
		v = refuse("Счёт не найден.")
		if inv := find(f.invoices, form.Get("id")); inv != nil {
			inv["status"] = map[string]string{"/change/invoice/revoke/": "expired", "/change/invoice/send/": "sent",
				"/change/invoice/accept-cash/": "paid"}[r.URL.Path]
			v = obj{"result": "success"}
		}
	case "/info/payments/byid/":
		v = []obj{}
		if p := find(f.payments, q.Get("id")); p != nil {
			v = []obj{p}
		}
	case "/info/payments/search/":
		v = f.search(f.payments, q.Get("query"))
	case "/info/payments/bydate/":
		v = pageOf(f.payments, q)
	case "/info/options/byid/":
		v = obj{"CARD_NUMBER": "510047XXXXXX3333", "APPROVAL_CODE": "123456", "RRN": "632512345678", "3DSECURE": "Y"}
	case "/info/refunds/bypaymentid/":
		list := []obj{}
		for _, x := range f.refunds {
			if x["payment_id"] == q.Get("id") {
				list = append(list, x)
			}
		}
		v = list
	case "/change/payment/reverse/":
		v = f.reverse(form)
	case "/change/payment/capture/":
		v = refuse("Платёж не на удержании.")
		if p := find(f.payments, form.Get("id")); p != nil && p["held"] == true {
			p["held"] = false
			v = f.single(obj{"result": "success", "total": p["pay_amount"], "captured": p["pay_amount"]})
		}
	case "/change/payment/repeatcnt/":
		v = f.single(obj{"result": "success"})
	case "/change/payment/post-sale-receipt/":
		v = []obj{{"result": "success", "receipt_id": 8813}}
	case "/change/receipt/print/":
		f.next++
		id := strconv.Itoa(f.next)
		f.receipts = append(f.receipts, obj{"id": id, "status": "created", "type": form.Get("type"), "receipt_key": form.Get("receipt_key"),
			"contact": form.Get("contact"), "sum_cashless": form.Get("sum_cashless"), "sum_advance": form.Get("sum_advance"), "payment_id": form.Get("payment_id")})
		v = f.single(obj{"result": "success", "receipt_id": id})
	case "/info/receipts/byid/":
		v = refuse("Чек не найден.")
		if x := find(f.receipts, q.Get("id")); x != nil {
			v = f.single(f.shown(x))
		}
	case "/info/receipts/bydate/", "/info/receipts/bypaymentid/", "/info/receipts/search/":
		list := []obj{}
		for _, x := range f.receipts {
			list = append(list, f.shown(x))
		}
		v = list
	case "/change/binding/execute/":
		p := f.pay(form.Get("orderid"), form.Get("sum"), "")
		p["clientid"] = form.Get("clientid")
		v = obj{"result": "success"}
	case "/info/systems/list/":
		v = []obj{{"id": "94", "system_description": "Банк, интернет-эквайринг", "site_description": "Банковская карта"}}
	default:
		if strings.HasPrefix(r.URL.Path, "/bill/") {
			v = obj{"result": "success", "data": obj{"qr_payload": "https://qr.nspk.ru/AS10003P3RH0LJ2A9ROO038L6NT5RU1M?type=01", "picture": "data:image/png;base64,iVBORw0KGgo="}}
			break
		}
		return 404, ""
	}
	out, err := json.Marshal(v)
	require.NoError(f.t, err)
	return 200, string(out)
}

func (f *fake) single(o obj) any {
	if f.wrap {
		return []obj{o}
	}
	return o
}

func (f *fake) shown(x obj) obj {
	c := obj{}
	for k, v := range x {
		if k != "receipt_key" || !f.keyless {
			c[k] = v
		}
	}
	return c
}

func find(list []obj, id string) obj {
	for _, o := range list {
		if o["id"] == id {
			return o
		}
	}
	return nil
}

func (f *fake) search(list []obj, text string) any {
	if f.noSearch {
		return refuse("Неизвестные параметры.")
	}
	out := []obj{}
	for _, o := range list {
		if strings.Contains(fmt.Sprint(o["orderid"]), text) {
			out = append(out, o)
		}
	}
	return out
}

func pageOf(list []obj, q url.Values) any {
	from, _ := strconv.Atoi(q.Get("from"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	out := []obj{}
	for i := from; i < len(list) && i < from+limit; i++ {
		for _, s := range q["status[]"] {
			if list[i]["status"] == s {
				out = append(out, list[i])
			}
		}
	}
	return out
}

func (f *fake) preview(form url.Values) any {
	f.next++
	id := fmt.Sprintf("2026112110153%04d", f.next)
	inv := obj{"id": id, "user_id": 3, "user_login": "lavka", "status": "created", "pay_amount": form.Get("pay_amount"), "paymentid": nil,
		"clientid": form.Get("clientid"), "orderid": form.Get("orderid"), "service_name": form.Get("service_name"),
		"client_email": form.Get("client_email"), "client_phone": form.Get("client_phone"), "created_datetime": "2026-11-21 10:15:30",
		"expiry_datetime": form.Get("expiry"), "paid_datetime": nil}
	f.invoices = append(f.invoices, inv)
	return f.single(obj{"invoice_id": id, "invoice_url": f.server.URL + "/bill/" + id, "invoice": "<html></html>"})
}

// pay makes a payment of the order; the lock is held.
func (f *fake) pay(order, sum, invoice string) obj {
	f.next++
	p := obj{"id": strconv.Itoa(f.next), "pay_amount": sum, "refund_amount": "0.00", "clientid": "Иванов Иван", "orderid": order,
		"payment_system_id": 94, "unique_id": "a1b2c3", "status": "obtained", "repeat_counter": "1", "pending_datetime": "2026-11-21 10:18:40",
		"obtain_datetime": "2026-11-21 10:19:02", "success_datetime": nil, "site_description": "Банковская карта", "system_description": "Банк"}
	f.payments = append(f.payments, p)
	if inv := find(f.invoices, invoice); inv != nil {
		inv["status"], inv["paymentid"], inv["paid_datetime"] = "paid", p["id"], "2026-11-21 10:19:02"
	}
	return p
}

// Pay pays an invoice and gives the payment's number.
func (f *fake) Pay(id acquiring.PaymentID) PaymentID {
	f.mu.Lock()
	defer f.mu.Unlock()
	inv := find(f.invoices, string(id))
	require.NotNil(f.t, inv)
	p := f.pay(inv["orderid"].(string), inv["pay_amount"].(string), string(id))
	p["clientid"] = inv["clientid"]
	return PaymentID(p["id"].(string))
}

// Hold pays an invoice by a two-stage payment.
func (f *fake) Hold(id acquiring.PaymentID) PaymentID {
	p := f.Pay(id)
	f.set(p, "held", true)
	return p
}

func (f *fake) set(id PaymentID, name string, v any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	find(f.payments, string(id))[name] = v
}

func (f *fake) reverse(form url.Values) any {
	p := find(f.payments, form.Get("id"))
	if p == nil {
		return refuse("Платёж не найден.")
	}
	amount, _ := money.Parse(form.Get("amount"))
	total, _ := money.Parse(p["pay_amount"].(string))
	given, _ := money.Parse(p["refund_amount"].(string))
	partial := form.Get("partial")
	if p["status"] == "pending" || amount > total-given || (partial == "true") != (amount < total-given) {
		return refuse(`Нельзя сделать возврат по платежу, статус которого не "совершён"`)
	}
	f.next++
	given += amount
	p["refund_amount"], p["status"] = given.String(), "partially_refunded"
	if given == total {
		p["status"] = "refunded"
	}
	held := p["held"] == true
	p["held"] = false
	f.refunds = append(f.refunds, obj{"release": held, "id": strconv.Itoa(f.next), "payment_id": p["id"], "refund_number": "1", "user": "lavka",
		"amount": amount.String(), "remainder": (total - given).String(), "datetime": "2026-11-21 12:00:00", "status": "done"})
	return f.single(obj{"result": "success"})
}

// notification is the notification of a payment, signed.
func notification(c *Client, p obj, more ...string) *http.Request {
	v := url.Values{"id": {p["id"].(string)}, "sum": {p["pay_amount"].(string)}, "clientid": {p["clientid"].(string)},
		"orderid": {p["orderid"].(string)}, "ps_id": {"94"}}
	v.Set("key", md5Hex(v.Get("id")+v.Get("sum")+v.Get("clientid")+v.Get("orderid")+c.cfg.Secret))
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	r := httptest.NewRequest("POST", "/hooks/paykeeper", strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (f *fake) payment(id PaymentID) obj {
	f.mu.Lock()
	defer f.mu.Unlock()
	return find(f.payments, string(id))
}

func order(id string, sum money.Amount) acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: id, Amount: sum, Description: "Заказ",
		Customer: acquiring.Customer{ID: "user-9", Email: "buyer@lavka.example"}}
}

func sale(id string) fiscal.Receipt {
	return fiscal.Receipt{ID: id, Type: fiscal.Sale, Contact: fiscal.Contact{Email: "buyer@lavka.example"}, SoldAt: today,
		Lines: []fiscal.Line{{Name: "Kettle", Price: money.RUB(1499, 90), Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone,
			Method: fiscal.FullPayment, Subject: fiscal.Goods}}}
}

func wantError(t testing.TB, err error, kind error, outcome acquiring.Outcome) *acquiring.Error {
	t.Helper()
	require.ErrorIs(t, err, kind)
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, outcome, e.Outcome, e.Error())
	assert.Equal(t, "paykeeper", e.Provider)
	assert.NotEmpty(t, e.Op)
	for _, secret := range []string{"kassa-pass", testSecret, testToken} {
		assert.NotContains(t, e.Error(), secret)
	}
	return e
}

func wantField(t testing.TB, err error, field string) {
	t.Helper()
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, field, e.Field, e.Error())
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
}

func bg(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
