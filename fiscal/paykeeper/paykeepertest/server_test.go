package paykeepertest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func still(t *testing.T, opts ...Option) *Server {
	t.Helper()
	s := NewServer(append([]Option{WithClock(NewClock(time.Date(2026, 11, 21, 7, 15, 30, 123e6, time.UTC))), WithSeed(1), WithoutListening()}, opts...)...)
	t.Cleanup(s.Close)
	return s
}

func ask(t *testing.T, s *Server, method, path string, form url.Values) (int, string) {
	t.Helper()
	var body io.Reader
	if method == "GET" {
		if form != nil {
			path += "?" + form.Encode()
		}
	} else {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, s.URL+path, body)
	require.NoError(t, err)
	req.SetBasicAuth(DefaultUser, DefaultPassword)
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(data)
}

func get(t *testing.T, s *Server, path string, pairs ...string) any {
	t.Helper()
	code, body := ask(t, s, "GET", path, values(pairs))
	require.Equal(t, 200, code)
	return parse(t, body)
}

// change posts with the right token.
func change(t *testing.T, s *Server, path string, pairs ...string) map[string]any {
	t.Helper()
	token := get(t, s, "/info/settings/token/").(map[string]any)["token"].(string)
	code, body := ask(t, s, "POST", path, values(append(pairs, "token", token)))
	require.Equal(t, 200, code)
	return parse(t, body).(map[string]any)
}

func values(pairs []string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func parse(t *testing.T, body string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(body), &v), body)
	return v
}

func invoice(t *testing.T, s *Server, pairs ...string) string {
	t.Helper()
	a := change(t, s, "/change/invoice/preview/", append([]string{"pay_amount", "1499.90", "orderid", "ORD-17", "clientid", "Иванов Иван",
		"client_email", "buyer@lavka.example"}, pairs...)...)
	require.NotContains(t, a, "msg")
	return a["invoice_id"].(string)
}

// shop is a receiver that acknowledges as the documentation demands.
func shop(secret string, got *[]url.Values) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		*got = append(*got, r.PostForm)
		io.WriteString(w, acknowledgement(r.PostForm.Get("id"), secret))
	})
}

const cartJSON = `[{"name":"Kettle","price":"1299.90","quantity":1,"sum":"1299.90","tax":"vat22","item_type":"goods","payment_type":"full"},
 {"name":"Доставка","price":200,"quantity":1,"sum":200,"tax":"none","item_type":"service","payment_type":"full"}]`

func TestDigestVectors(t *testing.T) {
	const secret = "PkDemo_Secret-2026"
	assert.Equal(t, "ad4b65396a37b0036509f00dbf378f76", notificationKey("4711", "1499.90", "Иванов Иван", "ORD-17", secret))
	assert.Equal(t, "OK 4896ed43e15bdb9ef2cc64ce05b8113f", acknowledgement("4711", secret))
	assert.Equal(t, "fcdc9b976819415d19662a5aed9b2948", notificationKey("4712", "250.00", "", "ORD-18", secret))
	assert.Equal(t, "OK c5a60a2f80e251e802b014c24245c794", acknowledgement("4712", secret))
	assert.Equal(t, "f5dcc8332c464a0fbb44636277efd306", notificationKey("4713", "10.00", "", "", secret))
	assert.Equal(t, "4227a80e8d02002cf683d4643e7e4aa41d5a748e638d36545f4510ccafcbd239",
		formSign("1499.90", "Иванов Иван", "ORD-17", "", "buyer@lavka.example", "+79990001122", secret))
	assert.Equal(t, "626d0457e2efdca7b994e2351925c448ebeb1e2721748615beac56ac13fece75", formSign("250.00", "", "ORD-18", "Оплата заказа №18", "", "", secret))
}

func TestInvoiceIsPaidAndAcknowledged(t *testing.T) {
	var got []url.Values
	s := still(t, WithCallbackURL("http://shop.test/hook"), WithCallbackHandler(shop(DefaultSecret, &got)))
	id := invoice(t, s, "service_name", `{"service_name":"Заказ","cart":`+cartJSON+`,"lang":"en"}`)
	assert.Equal(t, "20261121101530123", id)
	i := get(t, s, "/info/invoice/byid/", "id", id).(map[string]any)
	assert.Equal(t, "created", i["status"])
	assert.Nil(t, i["paymentid"])
	require.NoError(t, s.Pay("ORD-17"))
	require.Error(t, s.Pay(id), "paid already")
	i = get(t, s, "/info/invoice/byid/", "id", id).(map[string]any)
	assert.Equal(t, "paid", i["status"])
	payment := i["paymentid"].(string)
	p := get(t, s, "/info/payments/byid/", "id", payment, "advanced", "true").([]any)[0].(map[string]any)
	assert.Equal(t, "obtained", p["status"], "not acknowledged yet")
	assert.Equal(t, "Банковская карта", p["site_description"])
	s.Deliver()
	require.Len(t, got, 1)
	assert.Equal(t, "1499.90", got[0].Get("sum"))
	assert.Equal(t, notificationKey(payment, "1499.90", "Иванов Иван", "ORD-17", DefaultSecret), got[0].Get("key"))
	p = get(t, s, "/info/payments/byid/", "id", payment).([]any)[0].(map[string]any)
	assert.Equal(t, "success", p["status"])
	assert.Equal(t, "1", p["repeat_counter"])
	assert.Equal(t, "510047XXXXXX3333", get(t, s, "/info/options/byid/", "id", payment).(map[string]any)["CARD_NUMBER"])
	r := get(t, s, "/info/receipts/bypaymentid/", "payment_id", payment, "id", payment).([]any)
	require.Len(t, r, 1)
	assert.Equal(t, "1499.90", r[0].(map[string]any)["sum_cashless"])
	o, ok := s.Order(payment)
	require.True(t, ok)
	assert.EqualValues(t, 149990, o.Captured)
	assert.Len(t, s.Orders(), 1)
	assert.Len(t, s.Invoices(), 1)
}

func TestUnacknowledgedIsStuck(t *testing.T) {
	s := still(t, WithCallbackURL("http://shop.test/hook"), WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "OK") })))
	id := invoice(t, s)
	require.NoError(t, s.Pay(id))
	s.Advance(time.Hour)
	pid := s.Invoices()[0].PaymentID
	p := get(t, s, "/info/payments/byid/", "id", pid).([]any)[0].(map[string]any)
	assert.Equal(t, "stuck", p["status"])
	assert.Equal(t, "3", p["repeat_counter"])
	o, ok := s.Order(pid)
	require.True(t, ok)
	assert.Equal(t, "stuck", o.State, "the books say what the service says")
	assert.Equal(t, "success", change(t, s, "/change/payment/repeatcnt/", "id", pid)["result"])
	p = get(t, s, "/info/payments/byid/", "id", pid).([]any)[0].(map[string]any)
	assert.Equal(t, "obtained", p["status"])
}

func TestLoginAndToken(t *testing.T) {
	s := still(t)
	req, _ := http.NewRequest("GET", s.URL+"/info/settings/token/", nil)
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	assert.Equal(t, 401, resp.StatusCode)
	resp.Body.Close()

	first := get(t, s, "/info/settings/token/").(map[string]any)["token"]
	code, body := ask(t, s, "POST", "/change/invoice/preview/", values([]string{"pay_amount", "1"}))
	assert.Equal(t, 200, code)
	assert.Contains(t, body, `\u0422\u043e\u043a\u0435\u043d`, "letters are escaped")
	assert.Equal(t, "Токен безопасности не верен.", parse(t, body).(map[string]any)["msg"])
	_, body = ask(t, s, "POST", "/change/invoice/preview/", url.Values{"pay_amount": {"1"}, "token": {"", first.(string)}})
	assert.Contains(t, body, "invoice_id", "the last of a repeated field counts")
	s.Advance(24 * time.Hour)
	assert.NotEqual(t, first, get(t, s, "/info/settings/token/").(map[string]any)["token"])
	s.ExpireToken()
	_, body = ask(t, s, "POST", "/change/invoice/preview/", url.Values{"pay_amount": {"1"}, "token": {first.(string)}})
	assert.Contains(t, body, "fail")
	_, body = ask(t, s, "POST", "/info/settings/token/", url.Values{})
	assert.Contains(t, body, "token")
	code, _ = ask(t, s, "GET", "/info/nothing/", nil)
	assert.Equal(t, 404, code)
	s = still(t, WithArrays())
	assert.Len(t, get(t, s, "/info/settings/token/"), 1)
}

func TestPreviewRefuses(t *testing.T) {
	s := still(t)
	for name, pairs := range map[string][]string{
		"сумма":  {"pay_amount", "0"},
		"сумма.": {"pay_amount", "1e3"},
		"срок":   {"pay_amount", "1", "expiry", "tomorrow"},
		"Сумма корзины": {"pay_amount", "100", "service_name",
			`{"cart":[{"name":"Первая позиция","price":100,"quantity":2,"sum":200,"tax":"none"},{"name":"Вторая","price":100,"quantity":2,"sum":200,"tax":"none"}]}`},
		"tax":          {"pay_amount", "1", "cart", `[{"name":"x","price":1,"quantity":1,"sum":1,"tax":"vat99"}]`},
		"item_type":    {"pay_amount", "1", "cart", `[{"name":"x","price":1,"quantity":1,"sum":1,"tax":"none","item_type":"bet"}]`},
		"payment_type": {"pay_amount", "1", "cart", `[{"name":"x","price":1,"quantity":1,"sum":1,"tax":"none","payment_type":"later"}]`},
		"name":         {"pay_amount", "1", "cart", `[{"name":"` + strings.Repeat("x", 129) + `","price":1,"quantity":1,"sum":1,"tax":"none"}]`},
		"quantity":     {"pay_amount", "1", "cart", `[{"name":"x","price":1,"quantity":0,"sum":1,"tax":"none"}]`},
		"меньше нуля":  {"pay_amount", "1", "cart", `[{"name":"x","price":-1,"quantity":1,"sum":1,"tax":"none"}]`},
		"массивом":     {"pay_amount", "1", "cart", `{}`},
		"JSON":         {"pay_amount", "1", "cart", `[`},
		"объектом":     {"pay_amount", "1", "cart", `[1]`},
	} {
		a := change(t, s, "/change/invoice/preview/", pairs...)
		assert.Equal(t, "fail", a["result"], name)
		assert.Contains(t, strings.ToLower(a["msg"].(string)), strings.ToLower(strings.TrimSuffix(name, ".")), name)
	}
	assert.Empty(t, s.Invoices())
	a := change(t, s, "/change/invoice/preview/", "pay_amount", "1",
		"service_name", `{"cart":"[{\"name\":\"x\",\"price\":0.9999999999999999,\"quantity\":1,\"sum\":0.9999999999999999,\"tax\":\"none\"}]"}`)
	assert.Contains(t, a, "invoice_id", "text that holds JSON, and the noise of floats")
}

func TestInvoiceLife(t *testing.T) {
	s := still(t)
	a, b := invoice(t, s), invoice(t, s, "orderid", "second", "expiry", "2026-11-22 18:00:00")
	assert.NotEqual(t, a, b)
	assert.Equal(t, "success", change(t, s, "/change/invoice/send/", "id", a)["result"])
	assert.Equal(t, "success", change(t, s, "/change/invoice/revoke/", "id", a)["result"])
	assert.Equal(t, "fail", change(t, s, "/change/invoice/send/", "id", a)["result"])
	assert.Equal(t, "Счёт не найден.", change(t, s, "/change/invoice/revoke/", "id", "1")["msg"])
	s.Advance(48 * time.Hour)
	assert.Equal(t, "expired", get(t, s, "/info/invoice/byid/", "id", b).(map[string]any)["status"])
	require.Error(t, s.Pay(b))
	c := invoice(t, s)
	require.NoError(t, s.Decline(c))
	require.NoError(t, s.PaySBP(c), "another attempt")
	assert.Equal(t, "fail", change(t, s, "/change/invoice/revoke/", "id", c)["result"])
	d := invoice(t, s, "client_email", "")
	_ = d
	require.NoError(t, s.Expire(d))
	e := invoice(t, s)
	assert.Equal(t, "success", change(t, s, "/change/invoice/accept-cash/", "id", e)["result"])
	assert.Equal(t, "fail", change(t, s, "/change/invoice/accept-cash/", "id", e)["result"])
	require.Error(t, s.Pay("none"))
	require.Error(t, s.Decline("none"))
	require.Error(t, s.Expire("none"))

	assert.Len(t, get(t, s, "/info/invoice/list/", "start_date", "2026-11-21", "end_date", "2026-11-23", "status[]", "paid", "status[]", "expired"), 5)
	assert.Len(t, get(t, s, "/info/invoice/list/", "status[0]", "paid", "limit", "1", "from", "1"), 1)
	assert.Len(t, get(t, s, "/info/invoice/search/", "query", "second"), 1)
	count := get(t, s, "/info/invoice/listcount/").(map[string]any)
	assert.Equal(t, "5", count["fullcount"].([]any)[0].(map[string]any)["count"])
	assert.Len(t, get(t, s, "/info/payments/bydate/", "start", "2026-11-01", "status[]", "failed"), 1)
	assert.Len(t, get(t, s, "/info/payments/search/", "query", "ORD-17"), 2)
	assert.Equal(t, "fail", get(t, s, "/info/payments/search/", "query", "none").(map[string]any)["result"])
	assert.EqualValues(t, 1, get(t, s, "/info/errors/total/").(map[string]any)["total"])
	assert.Len(t, get(t, s, "/info/systems/list/"), 2)
	assert.Len(t, get(t, s, "/info/systems/sums/"), 2)
	assert.NotEmpty(t, get(t, s, "/info/organization/settings/"))
}

func paid(t *testing.T, s *Server, pairs ...string) string {
	t.Helper()
	id := invoice(t, s, pairs...)
	require.NoError(t, s.Pay(id))
	for _, i := range s.Invoices() {
		if i.ID == id {
			return i.PaymentID
		}
	}
	t.Fatal("no payment")
	return ""
}

func TestRefunds(t *testing.T) {
	s := still(t)
	id := paid(t, s, "service_name", `{"cart":`+cartJSON+`}`)
	back := func(pairs ...string) map[string]any {
		return change(t, s, "/change/payment/reverse/", append([]string{"id", id}, pairs...)...)
	}
	assert.Equal(t, "fail", back("amount", "1")["result"], "partial is demanded")
	assert.Equal(t, "fail", back("amount", "1499.91", "partial", "true")["result"])
	assert.Equal(t, "fail", back("amount", "200", "partial", "true", "refund_cart", cartJSON)["result"], "the cart is not of this sum")
	assert.Equal(t, "fail", back("partial", "true")["result"])
	one := `[{"name":"Доставка","price":200,"quantity":1,"sum":200,"tax":"none"}]`
	assert.Equal(t, "success", back("amount", "200", "partial", "True", "refund_cart", one)["result"])
	p := get(t, s, "/info/payments/byid/", "id", id).([]any)[0].(map[string]any)
	assert.Equal(t, "partially_refunded", p["status"])
	assert.Equal(t, "200.00", p["refund_amount"])
	assert.Equal(t, "success", back("partial", "0")["result"], "the whole rest, whatever the amount")
	list := get(t, s, "/info/refunds/bypaymentid/", "id", id).([]any)
	require.Len(t, list, 2)
	assert.Equal(t, "0.00", list[1].(map[string]any)["remainder"])
	assert.Contains(t, back("partial", "false")["msg"], "совершён")
	o, _ := s.Order(id)
	assert.EqualValues(t, 149990, o.Refunded)
	assert.Len(t, s.Receipts(), 2, "the sale's and the part's: the rest had no cart")
	assert.Equal(t, "Платёж не найден.", change(t, s, "/change/payment/reverse/", "id", "1", "partial", "false")["msg"])

	whole := paid(t, s, "orderid", "w", "service_name", `{"cart":`+cartJSON+`}`)
	change(t, s, "/change/payment/reverse/", "id", whole, "partial", "false")
	last := s.Receipts()[len(s.Receipts())-1]
	assert.Equal(t, "refund", last.Type)
	assert.EqualValues(t, 149990, last.Total)
}

func TestSlowRefund(t *testing.T) {
	s := still(t, WithSlowRefunds(time.Minute), WithNumbers())
	id := paid(t, s)
	change(t, s, "/change/payment/reverse/", "id", id, "partial", "true", "amount", "100")
	assert.Equal(t, "fail", change(t, s, "/change/payment/reverse/", "id", id, "partial", "true", "amount", "100")["result"])
	list := get(t, s, "/info/refunds/bypaymentid/", "id", id).([]any)
	assert.Equal(t, "started", list[0].(map[string]any)["status"])
	assert.EqualValues(t, 100, list[0].(map[string]any)["amount"])
	s.Advance(time.Minute)
	p := get(t, s, "/info/payments/byid/", "id", id).([]any)[0].(map[string]any)
	assert.Equal(t, "partially_refunded", p["status"])
}

func TestHold(t *testing.T) {
	var got []url.Values
	s := still(t, WithTwoStage(), WithHoldStatus("authorized"), WithCallbackURL("http://shop.test/hook"), WithCallbackHandler(shop(DefaultSecret, &got)))
	id := paid(t, s)
	s.Deliver()
	assert.Equal(t, "2026-11-28", got[0].Get("batch_date"))
	p := get(t, s, "/info/payments/byid/", "id", id).([]any)[0].(map[string]any)
	assert.Equal(t, "authorized", p["status"])
	a := change(t, s, "/change/payment/capture/", "id", id)
	assert.Equal(t, "1499.90", a["captured"])
	assert.Equal(t, "fail", change(t, s, "/change/payment/capture/", "id", id)["result"])

	part := paid(t, s, "orderid", "part")
	change(t, s, "/change/payment/reverse/", "id", part, "partial", "true", "amount", "499.90")
	o, _ := s.Order(part)
	assert.EqualValues(t, 100000, o.Captured, "the rest is taken for good")
	assert.EqualValues(t, 49990, o.Released)

	void := paid(t, s, "orderid", "void")
	change(t, s, "/change/payment/reverse/", "id", void, "partial", "false")
	o, _ = s.Order(void)
	assert.Zero(t, o.Captured)
	assert.Equal(t, "canceled", o.State)

	late := paid(t, s, "orderid", "late")
	s.Advance(8 * 24 * time.Hour)
	o, _ = s.Order(late)
	assert.EqualValues(t, 149990, o.Captured, "taken by itself")
	_ = late
	s2 := still(t, WithTwoStage(), WithVoidStatus("refunded"))
	id = paid(t, s2)
	change(t, s2, "/change/payment/reverse/", "id", id, "partial", "false")
	o, _ = s2.Order(id)
	assert.Equal(t, "refunded", o.State)
}

func TestFreeReceipt(t *testing.T) {
	s := still(t)
	send := func(pairs ...string) map[string]any {
		base := []string{"payment_id", "", "type", "sale", "is_post_sale", "false", "is_correction", "false", "refund_id", "", "contact", "buyer@lavka.example",
			"sum_cashless", "1499.90", "sum_cash", "0", "sum_advance", "0", "sum_credit", "0", "sum_counter_payment", "0", "cart", cartJSON, "receipt_key", "ORD-17-sale"}
		return change(t, s, "/change/receipt/print/", append(base, pairs...)...)
	}
	a := send()
	require.Equal(t, "success", a["result"], a)
	id := a["receipt_id"].(string)
	assert.Equal(t, id, send()["receipt_id"], "the same key, the same receipt")
	r := get(t, s, "/info/receipts/byid/", "id", id).(map[string]any)
	assert.Equal(t, "created", r["status"])
	r = get(t, s, "/info/receipts/byid/", "id", id).(map[string]any)
	assert.Equal(t, "success", r["status"])
	assert.Len(t, r["fn"], 16)
	for name, pairs := range map[string][]string{
		"тип": {"type", "buy"}, "контакт": {"contact", ""}, "Сумма корзины": {"sum_cashless", "1499.89"}, "sum_cash": {"sum_cash", "x"},
		"is_post_sale": {"is_post_sale", "yes"}, "корзину": {"cart", ""}, "корзин": {"cart", "[]"}, "Платёж": {"payment_id", "1"},
	} {
		base := send(append(pairs, "receipt_key", name)...)
		assert.Equal(t, "fail", base["result"], name)
	}
	send("receipt_key", "x-fail")
	s.FailReceipt("y", "Нет бумаги")
	send("receipt_key", "y", "type", "refund")
	s.Advance(time.Second)
	var words []string
	for _, r := range s.Receipts() {
		words = append(words, r.Status)
	}
	assert.Equal(t, []string{"success", "failed", "failed"}, words)
	assert.Len(t, get(t, s, "/info/receipts/bydate/", "start", "2026-11-21", "sum_type[0]", "sum_cashless", "status[0]", "success"), 1)
	assert.Empty(t, get(t, s, "/info/receipts/bydate/", "sum_type[0]", "sum_cash"))
	assert.Len(t, get(t, s, "/info/receipts/bydatecount/"), 2)
	assert.Len(t, get(t, s, "/info/receipts/search/", "fpd", s.Receipts()[0].Sign), 1)
	assert.Equal(t, "fail", get(t, s, "/info/receipts/byid/", "id", "1").(map[string]any)["result"])
	code, page := ask(t, s, "GET", "/receipt/"+s.Receipts()[0].PageKey+"/", values([]string{"rc_id", id}))
	assert.Equal(t, 200, code)
	assert.Contains(t, page, "1499.90")
	code, _ = ask(t, s, "GET", "/receipt/none/", nil)
	assert.Equal(t, 404, code)

	s = still(t, WithRepeatedReceipts())
	assert.NotEqual(t, send()["receipt_id"], send()["receipt_id"])
}

func TestPostSaleReceipt(t *testing.T) {
	s := still(t)
	pre := strings.ReplaceAll(cartJSON, `"payment_type":"full"`, `"payment_type":"prepay"`)
	id := paid(t, s, "service_name", `{"cart":`+pre+`}`)
	a := change(t, s, "/change/payment/post-sale-receipt/", "id", id)
	require.Equal(t, "success", a["result"])
	r := s.Receipts()[1]
	assert.EqualValues(t, 149990, r.Advance)
	assert.Zero(t, r.Cashless)
	assert.Equal(t, "fail", change(t, s, "/change/payment/post-sale-receipt/", "id", id)["result"])
	id = paid(t, s, "orderid", "none")
	assert.Equal(t, "fail", change(t, s, "/change/payment/post-sale-receipt/", "id", id)["result"])
	a = change(t, s, "/change/receipt/print/", "payment_id", id, "type", "sale", "contact", "+79990001122", "cart", pre)
	assert.Equal(t, "success", a["result"], "tied to a payment, without sums")
}

func post(t *testing.T, s *Server, path string, pairs ...string) (int, string, http.Header) {
	t.Helper()
	resp, err := s.Client().PostForm(s.URL+path, values(pairs))
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b), resp.Header
}

func TestPaymentPage(t *testing.T) {
	s := still(t)
	id := invoice(t, s, "service_name", `{"service_name":"Заказ","user_result_callback":"https://shop.test/back"}`)
	bill := "/bill/" + id + "/"
	code, page := ask(t, s, "GET", bill, nil)
	assert.Equal(t, 200, code)
	assert.Contains(t, page, "ORD-17")
	assert.Contains(t, page, "5100 4772 8001 3333")
	_, page, _ = post(t, s, bill, "do", "pay", "pan", "4000 0000 0000 0002")
	assert.Contains(t, page, "Недостаточно средств")
	_, page, _ = post(t, s, bill, "do", "pay", "pan", "1234")
	assert.Contains(t, page, "Неизвестная карта")
	_, page, _ = post(t, s, bill, "do", "decline")
	assert.Contains(t, page, "Банк отказал")
	_, page, _ = post(t, s, bill, "do", "pay", "pan", "2200000000000004")
	assert.Contains(t, page, secureCode)
	_, page, _ = post(t, s, bill, "do", "code", "code", "1")
	assert.Contains(t, page, "Неверный код")
	code, _, h := post(t, s, bill, "do", "code", "code", secureCode)
	assert.Equal(t, http.StatusSeeOther, code)
	assert.Equal(t, "https://shop.test/back", h.Get("Location"))
	_, page, _ = post(t, s, bill, "do", "pay", "pan", "5100477280013333")
	assert.Contains(t, page, "уже оплачен")
	assert.Len(t, get(t, s, "/info/payments/bydate/"), 3)
	code, _ = ask(t, s, "GET", "/bill/none/", nil)
	assert.Equal(t, 404, code)

	id = invoice(t, s, "orderid", "qr")
	code, body := ask(t, s, "GET", "/bill/"+id+"/", values([]string{"pstype", "sbp_default", "returnFormat", "json"}))
	assert.Equal(t, 200, code)
	assert.Contains(t, body, "https://qr.nspk.ru/EMU")
	_, page, _ = post(t, s, "/bill/"+id+"/", "do", "sbp")
	assert.Contains(t, page, "Оплачено")
	id = invoice(t, s, "orderid", "old")
	_, page, _ = post(t, s, "/bill/"+id+"/", "do", "expire")
	assert.Contains(t, page, "истекло")
	s = still(t, WithoutSBP())
	id = invoice(t, s)
	_, body = ask(t, s, "GET", "/bill/"+id+"/", values([]string{"pstype", "sbp_default", "returnFormat", "json"}))
	assert.Contains(t, body, "fail")
}

func TestFormAndSavedCard(t *testing.T) {
	var got []url.Values
	s := still(t, WithCallbackURL("http://shop.test/hook"), WithCallbackHandler(shop(DefaultSecret, &got)))
	sign := formSign("1499.90", "user-9", "ORD-19", "", "", "", DefaultSecret)
	code, page, _ := post(t, s, "/create/", "sum", "1499.9", "clientid", "user-9", "orderid", "ORD-19", "sign", sign, "msgtype", "createbinding")
	require.Equal(t, 200, code)
	_, after, _ := strings.Cut(page, "/pay/")
	key, _, _ := strings.Cut(after, "/")
	_, page, _ = post(t, s, "/pay/"+key+"/", "do", "pay", "pan", "5100477280013333")
	assert.Contains(t, page, "Оплачено")
	s.Deliver()
	bank := got[0].Get("bank_id")
	require.NotEmpty(t, bank)
	assert.Equal(t, "510047XXXXXX3333", got[0].Get("card_number"))
	o, ok := s.Order(got[0].Get("id"))
	require.True(t, ok)
	assert.Equal(t, "ORD-19", o.Number)

	code, _, _ = post(t, s, "/create/", "sum", "1499.9", "sign", "00")
	assert.Equal(t, 403, code)
	code, _, _ = post(t, s, "/create/", "sum", "-1")
	assert.Equal(t, 400, code)

	charge := func(pairs ...string) map[string]any {
		base := []string{"bank_id", bank, "orderid", "SUB-3", "sum", "250.00", "clientid", "user-9"}
		return change(t, s, "/change/binding/execute/", append(base, pairs...)...)
	}
	assert.Equal(t, "success", charge("sign", formSign("250.00", "user-9", "SUB-3", "", "", "", DefaultSecret))["result"])
	s.Deliver()
	assert.Equal(t, "SUB-3", got[1].Get("orderid"))
	for _, bad := range [][]string{{"sign", "00"}, {"bank_id", "none"}, {"clientid", "other"}, {"sum", "0"}} {
		assert.Equal(t, "fail", charge(bad...)["result"], bad)
	}
}

func TestForgedNotification(t *testing.T) {
	var got []url.Values
	s := still(t, WithCallbackURL("http://shop.test/hook"), WithCallbackHandler(shop(DefaultSecret, &got)))
	id := paid(t, s)
	s.Deliver()
	require.NoError(t, s.Forge(id))
	require.NoError(t, s.Resend(id))
	s.Mischief(Mischief{})
	s.Deliver()
	require.Len(t, got, 3)
	assert.Equal(t, "11499.90", got[1].Get("sum"))
	assert.Equal(t, got[0].Get("key"), got[1].Get("key"))
}

func TestUnknownPayment(t *testing.T) {
	s := still(t)
	assert.Equal(t, "fail", get(t, s, "/info/payments/byid/", "id", "1").(map[string]any)["result"])
	s = still(t, WithEmptyForUnknown())
	assert.Empty(t, get(t, s, "/info/payments/byid/", "id", "1"))
	s.Fail(Fault{Op: "/info/payments/byid/", Kind: ServerError})
	code, _ := ask(t, s, "GET", "/info/payments/byid/", values([]string{"id", "1"}))
	assert.Equal(t, 502, code)
	s.Fail(Fault{Kind: Drop})
	s.ClearFaults()
	assert.NotEmpty(t, s.Requests())
}

// TestPublishedSamples sends what the SDKs' tests send.
func TestPublishedSamples(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "samples", "paykeeper")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the published samples are not here")
	}
	var requests []struct{ Form map[string]string }
	b, err := os.ReadFile(filepath.Join(dir, "published_preview_requests.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &requests))
	require.Len(t, requests, 2)
	s := still(t)
	for n, r := range requests {
		var pairs []string
		for k, v := range r.Form {
			pairs = append(pairs, k, v)
		}
		a := change(t, s, "/change/invoice/preview/", pairs...)
		if n == 0 {
			assert.Contains(t, a, "invoice_id")
			continue
		}
		assert.Contains(t, a["msg"], "400.00", "the lines come to 400, the invoice to 100")
	}
	var fields []struct {
		What   string
		Fields map[string]any
	}
	b, err = os.ReadFile(filepath.Join(dir, "published_field_sets.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &fields))
	for _, set := range fields {
		if !strings.Contains(set.What, "/change/receipt/print/") {
			continue
		}
		var pairs []string
		for k, v := range set.Fields {
			text, ok := v.(string)
			if !ok {
				raw, err := json.Marshal(v)
				require.NoError(t, err)
				text = string(raw)
			}
			pairs = append(pairs, k, text)
		}
		a := change(t, s, "/change/receipt/print/", pairs...)
		assert.Contains(t, a, "receipt_id", a)
	}
}
