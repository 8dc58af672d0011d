package paymaster

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

const (
	byInvoice   = "POST /api/v1/getPaymentByInvoiceID"
	byID        = "POST /api/v1/getPayment"
	listV1      = "POST /api/v1/listPaymentsFilter"
	refundV1At  = "POST /api/v1/refundPayment"
	listRefunds = "POST /api/v1/listRefunds"
	confirmV1   = "POST /api/v1/confirmPayment"
	cancelV1    = "POST /api/v1/cancelPayment"
)

func v1Item(id int, state, amount string) string {
	return fmt.Sprintf(`{"PaymentID":%d,"SiteInvoiceID":"ORD-%d","SiteID":18,"CurrencyCode":"RUB","Amount":1499.90,"PaymentCurrencyCode":"RUB","PaymentAmount":%s,
		"State":%q,"IsTestPayment":false,"LastUpdateTime":"2024-05-14T09:30:15","LastUpdate":"/Date(1715679015000)/","PaymentSystemID":93,"Purpose":"Заказ","UserIdentifier":"2XXXXXXXXXXX0053","UserPhoneNumber":null}`, id, id, amount, state)
}

func v1(id int, state, amount string) string {
	return `{"ErrorCode":0,"Payment":` + v1Item(id, state, amount) + `}`
}

func v1Refusal(code int) answered {
	return ok(fmt.Sprintf(`{"ErrorCode":%d,"Message":"слова"}`, code))
}

func v1RefundItem(id, key, state, amount string) string {
	return `{"RefundID":` + id + `,"PaymentID":512345678,"ExternalID":"` + key + `","Amount":` + amount + `,"State":"` + state + `","LastUpdate":"2024-05-16T10:00:00","ErrorCode":null,"ErrorDesc":null}`
}

func v1Refunds(items ...string) answered {
	return ok(`{"ErrorCode":0,"Response":{"Overflow":false,"Refunds":[` + strings.Join(items, ",") + `]}}`)
}

func TestRESTVectors(t *testing.T) {
	assert.Equal(t, "iD3xS7vnGnTSmn/CXqkgexWuQs4=", restSum([]string{"shop-api", "P@ssw0rd-42", "n-6f1c2b", "512345678"}))
	assert.Equal(t, "knRg0ufPr+nsCCyf35ehuU0np5s=", restSum([]string{"shop-api", "P@ssw0rd-42", "n-6f1c2c", "512345678", "499.90", "REF-7"}))
	assert.Equal(t, "iPO+uWpJ7A+JdveT/2mepX0LGJU=", restSum([]string{"shop-api", "P@ssw0rd-42", "n-6f1c2d", "", merchant, "2024-05-01", "2024-05-31", "", "COMPLETE"}))
}

// Each method's form: every parameter, no other, and the hash of the vectors.
func TestRESTRequests(t *testing.T) {
	b := newBank(t).on(byID, ok(v1(512345678, "COMPLETE", "1499.90"))).on(byInvoice, ok(v1(512345678, "COMPLETE", "1499.90"))).
		on(refundV1At, ok(`{"ErrorCode":0,"Refund":`+v1RefundItem(`"77001"`, "REF-7", "PENDING", "499.90")+`}`)).on(listRefunds, v1Refunds()).
		on(listV1, ok(`{"ErrorCode":0,"Response":{"Overflow":false,"Payments":[`+v1Item(512345678, "COMPLETE", "1499.90")+`]}}`)).
		on(confirmV1, ok(v1(512345678, "COMPLETE", "1499.90"))).on(cancelV1, ok(v1(512345678, "CANCELLED", "1499.90"))).
		on("POST /api/v1/listDocuments", ok(`{"ErrorCode":0,"Response":{"Documents":[{"ID":1}]}}`)).on("POST /api/v1/getDocumentContent", ok("%PDF-1.4"))
	c := b.classic(withLogin)
	nonce := ""
	c.nonce = func() string { return nonce }
	check := func(call, n, hash string, params ...string) {
		t.Helper()
		got := b.last(call)
		v, err := url.ParseQuery(got.body)
		require.NoError(t, err)
		want := url.Values{"login": {"shop-api"}, "nonce": {n}, "hash": {hash}}
		for i := 0; i < len(params); i += 2 {
			want.Set(params[i], params[i+1])
		}
		assert.Equal(t, want, v)
		assert.Equal(t, contentForm, got.header.Get("Content-Type"))
		assert.Equal(t, "application/json", got.header.Get("Accept"))
		assert.Empty(t, got.query, "no secret and no hash in an address")
	}
	nonce = "n-6f1c2b"
	_, err := c.GetPayment(ctx, "512345678")
	require.NoError(t, err)
	check(byID, nonce, "iD3xS7vnGnTSmn/CXqkgexWuQs4=", "paymentID", "512345678")
	nonce = "n-6f1c2c"
	r, err := c.RefundPayment(ctx, "512345678", 49990, "REF-7", nil)
	require.NoError(t, err)
	check(refundV1At, nonce, "knRg0ufPr+nsCCyf35ehuU0np5s=", "paymentID", "512345678", "amount", "499.90", "externalID", "REF-7")
	assert.Equal(t, Text("77001"), r.RefundID)
	nonce = "n-6f1c2d"
	for p, err := range c.ListPayments(ctx, V1Filter{From: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2024, 5, 31, 0, 0, 0, 0, time.UTC), State: StateComplete}) {
		require.NoError(t, err)
		assert.Equal(t, Text("512345678"), p.PaymentID)
	}
	check(listV1, nonce, "iPO+uWpJ7A+JdveT/2mepX0LGJU=", "siteAlias", merchant, "periodFrom", "2024-05-01", "periodTo", "2024-05-31", "state", "COMPLETE")
	hash := func(values ...string) string {
		return restSum(append([]string{"shop-api", "P@ssw0rd-42", nonce}, values...))
	}
	_, err = c.GetPaymentByInvoiceID(ctx, "ORD-2024-0042")
	require.NoError(t, err)
	check(byInvoice, nonce, hash("ORD-2024-0042", merchant), "invoiceID", "ORD-2024-0042", "siteAlias", merchant)
	_, err = c.ConfirmPayment(ctx, "512345678", 0)
	require.NoError(t, err)
	check(confirmV1, nonce, hash("512345678", ""), "paymentID", "512345678")
	_, err = c.ConfirmPayment(ctx, "512345678", 950)
	require.NoError(t, err)
	check(confirmV1, nonce, hash("512345678", "9.50"), "paymentID", "512345678", "amount", "9.50")
	_, err = c.CancelPayment(ctx, "512345678", "-8")
	require.NoError(t, err)
	check(cancelV1, nonce, hash("512345678", "-8"), "paymentID", "512345678", "error", "-8")
	for range c.ListRefunds(ctx, V1Filter{PaymentID: "512345678", ExternalID: "REF-7"}) {
	}
	check(listRefunds, nonce, hash("", "512345678", "", "", "REF-7"), "paymentID", "512345678", "externalID", "REF-7")
	docs, err := c.ListDocuments(ctx, clock, clock)
	require.NoError(t, err)
	assert.Len(t, docs, 1)
	check("POST /api/v1/listDocuments", nonce, hash("", "2024-05-14", "2024-05-14"), "periodFrom", "2024-05-14", "periodTo", "2024-05-14")
	data, _, err := c.GetDocumentContent(ctx, "5")
	require.NoError(t, err)
	assert.Equal(t, "%PDF-1.4", string(data))
	b.answers["POST /api/v1/getDocumentContent"] = []answered{v1Refusal(-6)}
	_, _, err = c.GetDocumentContent(ctx, "5")
	refused(t, err, acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
	_, _, err = c.GetDocumentContent(ctx, "5;")
	invalid(t, err, "documentID")
	_, err = c.RefundPayment(ctx, "512345678", 49990, "R", back(49990))
	require.NoError(t, err)
	check(refundV1At, nonce, hash("512345678", "499.90", "R"), "paymentID", "512345678", "amount", "499.90", "externalID", "R",
		"shoppingcart.items[0].NAME", "Абонемент на май", "shoppingcart.items[0].QTY", "1", "shoppingcart.items[0].PRICE", "499.90",
		"shoppingcart.items[0].TAX", "no_vat", "shoppingcart.items[0].METHOD", "4", "shoppingcart.items[0].SUBJECT", "4")
	_, err = c.RefundPayment(ctx, "512345678", 0, "R", nil)
	invalid(t, err, "amount")
	_, err = c.RefundPayment(ctx, "512345678", 100, "R", sale(100, fiscal.FullPayment))
	invalid(t, err, "Receipt.type")
	_, err = c.GetPayment(ctx, "1;2")
	invalid(t, err, "paymentID")
	_, err = c.GetPayment(ctx, "1")
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)

	old := b.on("POST /partners/rest/getPayment", ok(v1(512345678, "COMPLETE", "1499.90"))).classic(withLogin, func(c *ClassicConfig) { c.RESTURL = b.URL + "/partners/rest/"; c.AccountID = "7" })
	_, err = old.GetPayment(ctx, "512345678")
	assert.NoError(t, err)
}

func TestRESTErrors(t *testing.T) {
	for code, known := range v1Errors {
		b := newBank(t).on(refundV1At, ok(`{"ErrorCode":`+code+`,"Message":"слова"}`))
		_, err := b.classic(withLogin).RefundPayment(ctx, "1", 100, "R", nil)
		require.ErrorIs(t, err, known.kind, code)
		e := asError(t, err)
		assert.Equal(t, code, e.Code)
		assert.Contains(t, e.Message, "слова")
		assert.Equal(t, known.unknown || code == "-14", e.Outcome == acquiring.OutcomeUnknown, code)
		assert.Len(t, b.asked, 1, "a refund is never sent twice")
	}
	for name, tt := range map[string]struct {
		answer answered
		kind   error
	}{
		"an unknown code": {v1Refusal(-99), acquiring.ErrProtocol}, "no code": {ok(`{}`), acquiring.ErrProtocol}, "a page": {ok("<html></html>"), acquiring.ErrProtocol},
		"nothing": {ok(""), acquiring.ErrProtocol}, "404": {answered{status: 404}, acquiring.ErrProtocol}, "400": {answered{status: 400}, acquiring.ErrInvalid},
		"403": {answered{status: 403}, acquiring.ErrUnauthorized}, "no payment": {ok(`{"ErrorCode":0}`), acquiring.ErrProtocol}, "a bad sum": {ok(v1(1, "COMPLETE", `"1e5"`)), acquiring.ErrProtocol},
		"204": {answered{status: 204}, acquiring.ErrProtocol},
	} {
		_, err := newBank(t).on(byID, tt.answer).classic(withLogin).GetPayment(ctx, "1")
		require.ErrorIs(t, err, tt.kind, name)
		asError(t, err)
	}
	// A text where a number is documented, and the long minus.
	_, err := newBank(t).on(byID, ok(`{"ErrorCode":"−13"}`)).classic(withLogin).GetPayment(ctx, "1")
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
}

// Reads are asked again while PayMaster is unavailable, each with a nonce of
// its own.
func TestRESTReadsAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nonces := map[string]bool{}
		n := 0
		m := httpmock.NewMockTransport()
		m.RegisterResponder("POST", "https://paymaster.ru/api/v1/getPayment", func(r *http.Request) (*http.Response, error) {
			_ = r.ParseForm()
			nonces[r.PostForm.Get("nonce")] = true
			switch n++; n {
			case 1:
				return httpmock.NewStringResponse(200, `{"ErrorCode":-1}`), nil
			case 2:
				return httpmock.NewStringResponse(503, ``), nil
			}
			return httpmock.NewStringResponse(200, v1(5, "INITIATED", "0")), nil
		})
		c, err := NewClassic(ClassicConfig{Environment: acquiring.Test, MerchantID: merchant, SecretKey: secretKey, Hash: MD5, Login: "l", Password: "p", HTTPClient: &http.Client{Transport: m}})
		require.NoError(t, err)
		p, err := c.GetPayment(ctx, "5")
		require.NoError(t, err)
		assert.Equal(t, StateInitiated, p.State)
		assert.Len(t, nonces, 3)
	})
}

func TestClassicGetStatus(t *testing.T) {
	b := newBank(t).on(byInvoice, ok(v1(512345678, "COMPLETE", "1499.90"))).on(byID, ok(v1(512345678, "PROCESSING", "1499.90"))).
		on(listRefunds, v1Refunds(v1RefundItem("1", "a", "SUCCESS", "400"), v1RefundItem("2", "b", "FAILURE", "100"), v1RefundItem("3", "c", "EXECUTING", "99.9")))
	c := b.classic(working, withLogin)
	p, err := c.GetStatus(ctx, "ORD-2024-0042")
	require.NoError(t, err)
	p.Raw = nil
	assert.Equal(t, &acquiring.Payment{ID: "ORD-2024-0042", OrderID: "ORD-2024-0042", Status: acquiring.StatusPartiallyRefunded, Amount: 149990, Captured: 149990, Refunded: 49990,
		Currency: "RUB", Method: acquiring.MethodCard, Card: &acquiring.Card{Masked: "2XXXXXXXXXXX0053"}, ProviderStatus: "COMPLETE"}, p)
	p, err = c.FindByOrder(ctx, "ORD-2024-0042")
	require.NoError(t, err)
	assert.Equal(t, "ORD-2024-0042", p.OrderID, "the number that was asked for, whatever the answer has")
	p, err = c.GetStatus(ctx, SystemID("512345678"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPending, p.Status)
	// In a two-stage shop PROCESSING may be a hold or 3-D Secure under way: it
	// is a hold once the signed notification came.
	holds := b.classic(withLogin, func(c *ClassicConfig) { c.Holds = true })
	p, err = holds.GetStatus(ctx, SystemID("512345678"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPending, p.Status)
	holds.told.add("512345678")
	p, err = holds.GetStatus(ctx, SystemID("512345678"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusAuthorized, p.Status)
	n := len(b.calls(listRefunds))
	p, err = b.classic(withLogin, func(c *ClassicConfig) { c.ReadOnly = true }).GetStatus(ctx, "ORD-2024-0042")
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Equal(t, time.Date(2024, 5, 14, 9, 30, 15, 0, time.UTC), p.PaidAt)
	assert.Len(t, b.calls(listRefunds), n)

	test := newBank(t).on(byInvoice, ok(strings.Replace(v1(1, "COMPLETE", "1499.90"), "false", "true", 1))).on(listRefunds, v1Refunds())
	_, err = test.classic(working, withLogin).GetStatus(ctx, "A")
	refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	p, err = test.classic(withLogin).GetStatus(ctx, "A")
	require.NoError(t, err)
	assert.True(t, p.Test)
	for _, id := range []acquiring.PaymentID{"", " ", "a;b", "sys:", "sys:x"} {
		_, err = c.GetStatus(ctx, id)
		invalid(t, err, "ID")
	}
	_, err = c.FindByOrder(ctx, "sys:1")
	invalid(t, err, "OrderID")
	_, err = newBank(t).on(byInvoice, v1Refusal(-13)).classic(withLogin).GetStatus(ctx, "A")
	refused(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	assert.NoError(t, newBank(t).on(byInvoice, v1Refusal(-13)).classic(withLogin).Check(ctx))
	for _, code := range []int{-6, -7} {
		err = newBank(t).on(byInvoice, v1Refusal(code)).classic(withLogin).Check(ctx)
		assert.Contains(t, refused(t, err, acquiring.ErrUnauthorized, acquiring.OutcomeRejected).Hint, "Config.Login")
	}
	for state, want := range map[string]acquiring.Status{"CANCELLED": acquiring.StatusCanceled, "INITIATED": acquiring.StatusPending, "SOMETHING": acquiring.StatusUnknown, "complete": acquiring.StatusPaid} {
		p, err := newBank(t).on(byInvoice, ok(v1(1, state, "1499.90"))).on(listRefunds, v1Refunds()).classic(withLogin).GetStatus(ctx, "A")
		require.NoError(t, err)
		assert.Equal(t, want, p.Status)
	}
}

func TestClassicPayments(t *testing.T) {
	page := func(over bool, items ...string) answered {
		return ok(fmt.Sprintf(`{"ErrorCode":0,"Response":{"Overflow":%t,"Payments":[%s]}}`, over, strings.Join(items, ",")))
	}
	same := strings.Replace(v1Item(3, "COMPLETE", "1499.90"), "ORD-3", "ORD-2", 1)
	b := newBank(t).on(listV1, page(true), page(false, v1Item(1, "CANCELLED", "0"), v1Item(2, "CANCELLED", "0")), page(false, v1Item(2, "CANCELLED", "0"), same,
		strings.Replace(v1Item(4, "COMPLETE", "1"), "false", "true", 1), strings.Replace(v1Item(5, "COMPLETE", "1"), "2024-05-14T09", "2024-05-20T09", 1))).
		on(listRefunds, v1Refunds(strings.Replace(v1RefundItem("1", "a", "SUCCESS", "1499.90"), "512345678", "3", 1)))
	c := b.classic(working, withLogin)
	var got []string
	for p, err := range c.Payments(ctx, acquiring.Filter{From: clock.Add(-48 * time.Hour), To: clock.Add(time.Hour)}) {
		require.NoError(t, err)
		got = append(got, string(p.ID)+" "+p.Status.String())
	}
	assert.Equal(t, []string{"ORD-1 canceled", "ORD-2 canceled", "sys:3 refunded"}, got)
	var spans []string
	for _, a := range b.calls(listV1) {
		v, _ := url.ParseQuery(a.body)
		spans = append(spans, v.Get("periodFrom")+" "+v.Get("periodTo"))
	}
	assert.Equal(t, []string{"2024-05-12 2024-05-14", "2024-05-12 2024-05-13", "2024-05-14 2024-05-14"}, spans)

	b = newBank(t).on(listV1, page(true))
	for _, err := range b.classic(withLogin).Payments(ctx, acquiring.Filter{}) {
		refused(t, err, acquiring.ErrUnsupported, acquiring.OutcomeNotSent)
	}
	b = newBank(t).on(listV1, page(false, v1Item(1, "CANCELLED", "0"), v1Item(2, "INITIATED", "0"), v1Item(3, "INITIATED", "0")))
	got = nil
	for p, err := range b.classic(withLogin).Payments(ctx, acquiring.Filter{Limit: 1, Statuses: []acquiring.Status{acquiring.StatusPending}}) {
		require.NoError(t, err)
		got = append(got, string(p.ID))
	}
	assert.Equal(t, []string{"ORD-2"}, got)
	for _, answer := range []answered{page(false, `{"PaymentID":1,"Amount":"x"}`), v1Refusal(-6)} {
		for _, err := range newBank(t).on(listV1, answer).classic(withLogin).Payments(ctx, acquiring.Filter{}) {
			assert.Error(t, err)
			asError(t, err)
		}
	}
}

func TestClassicRefund(t *testing.T) {
	complete := ok(v1(512345678, "COMPLETE", "1499.90"))
	made := func(id, key, state, amount string) answered {
		return ok(`{"ErrorCode":0,"Refund":` + v1RefundItem(id, key, state, amount) + `}`)
	}
	req := acquiring.RefundRequest{ID: "ORD-2024-0042", Key: "REF-7", Amount: 49990}
	t.Run("new", func(t *testing.T) {
		b := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds()).on(refundV1At, made(`"77001"`, "REF-7", "PENDING", "499.90"))
		r, err := b.classic(withLogin).Refund(ctx, req)
		require.NoError(t, err)
		r.Raw = nil
		assert.Equal(t, &acquiring.Refund{ID: "77001", PaymentID: "ORD-2024-0042", Amount: 49990, Status: acquiring.RefundPending}, r)
	})
	t.Run("the rest, and an answer without numbers", func(t *testing.T) {
		b := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds(v1RefundItem("1", "a", "EXECUTING", "400"), v1RefundItem("2", "b", "FAILURE", "9"))).on(refundV1At, ok(`{"ErrorCode":0,"Refund":{"Status":"PENDING"}}`))
		r, err := b.classic(withLogin).Refund(ctx, acquiring.RefundRequest{ID: "ORD-2024-0042", Key: "REF-8"})
		require.NoError(t, err)
		assert.Equal(t, "REF-8 1099.90 pending", r.ID+" "+r.Amount.String()+" "+r.Status.String())
		assert.Contains(t, b.last(refundV1At).body, "amount=1099.90")
	})
	t.Run("the same key", func(t *testing.T) {
		b := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds(v1RefundItem("1", "REF-7", "FAILURE", "499.90"), v1RefundItem("2", "REF-7", "SUCCESS", "499.90")))
		r, err := b.classic(withLogin).Refund(ctx, req)
		require.NoError(t, err)
		assert.Equal(t, "2 done", r.ID+" "+r.Status.String())
		other := req
		other.Amount = 100
		_, err = b.classic(withLogin).Refund(ctx, other)
		refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
		other.Amount = 0
		_, err = b.classic(withLogin).Refund(ctx, other)
		require.NoError(t, err)
		assert.Empty(t, b.calls(refundV1At))
	})
	t.Run("a lost answer", func(t *testing.T) {
		b := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds(), v1Refunds(v1RefundItem("2", "REF-7", "PENDING", "499.90"))).on(refundV1At, lost)
		r, err := b.classic(withLogin).Refund(ctx, req)
		require.NoError(t, err)
		assert.Equal(t, "2", r.ID)
		assert.Len(t, b.calls(refundV1At), 1)
	})
	t.Run("a lost answer and nothing seen of it", func(t *testing.T) {
		b := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds()).on(refundV1At, v1Refusal(-1), made("3", "REF-7", "PENDING", "499.90"))
		_, err := b.classic(withLogin).Refund(ctx, req)
		assert.Contains(t, refused(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown).Hint, "same Key")
		assert.Len(t, b.calls(refundV1At), 1, "never sent again blindly")
		r, err := b.classic(withLogin).Refund(ctx, req)
		require.NoError(t, err)
		assert.Equal(t, "3", r.ID)
	})
	t.Run("a request that arrived twice", func(t *testing.T) {
		// A proxy repeats the POST with its nonce and passes on the second answer:
		// the first made the refund.
		b := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds(), v1Refunds(v1RefundItem("2", "REF-7", "PENDING", "499.90"))).on(refundV1At, v1Refusal(-14))
		r, err := b.classic(withLogin).Refund(ctx, req)
		require.NoError(t, err)
		assert.Equal(t, "2 pending", r.ID+" "+r.Status.String())
		assert.Len(t, b.calls(refundV1At), 1)
		b = newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds()).on(refundV1At, v1Refusal(-14))
		_, err = b.classic(withLogin).Refund(ctx, req)
		refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeUnknown)
	})
	t.Run("at the same time", func(t *testing.T) {
		var mu sync.Mutex
		var refunds []string
		n := 0
		m := httpmock.NewMockTransport()
		m.RegisterResponder("POST", "https://paymaster.ru/api/v1/getPaymentByInvoiceID", httpmock.NewStringResponder(200, v1(512345678, "COMPLETE", "1499.90")))
		m.RegisterResponder("POST", "https://paymaster.ru/api/v1/listRefunds", func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			return httpmock.NewStringResponse(200, v1Refunds(refunds...).body), nil
		})
		m.RegisterResponder("POST", "https://paymaster.ru/api/v1/refundPayment", func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			n++
			item := v1RefundItem(fmt.Sprint(n), "REF-7", "PENDING", "499.90")
			refunds = append(refunds, item)
			return httpmock.NewStringResponse(200, `{"ErrorCode":0,"Refund":`+item+`}`), nil
		})
		c, err := NewClassic(ClassicConfig{Environment: acquiring.Test, MerchantID: merchant, SecretKey: secretKey, Hash: MD5, Login: "l", Password: "p", HTTPClient: &http.Client{Transport: m}})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				r, err := c.Refund(ctx, req)
				assert.NoError(t, err)
				assert.Equal(t, "1", r.ID)
			})
		}
		wg.Wait()
		assert.Equal(t, 1, n)
		assert.Empty(t, c.locks.held)
	})
	t.Run("refused", func(t *testing.T) {
		for _, state := range []string{"INITIATED", "PROCESSING", "CANCELLED"} {
			_, err := newBank(t).on(byInvoice, ok(v1(512345678, state, "0"))).classic(withLogin).Refund(ctx, req)
			refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		}
		b := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds(v1RefundItem("1", "a", "SUCCESS", "1499.90"))).on(refundV1At, v1Refusal(-12))
		for _, sum := range []money.Amount{0, 1} {
			_, err := b.classic(withLogin).Refund(ctx, acquiring.RefundRequest{ID: "A", Key: "x", Amount: sum})
			refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		}
		_, err := b.classic(withLogin, func(c *ClassicConfig) { c.ReadOnly = true }).Refund(ctx, req)
		assert.Equal(t, "Config.ReadOnly", refused(t, err, acquiring.ErrUnsupported, acquiring.OutcomeNotSent).Field)
		_, err = b.classic(withLogin).Refund(ctx, acquiring.RefundRequest{ID: "A", Key: "a;b"})
		invalid(t, err, "Key")
		_, err = b.classic(withLogin).Refund(ctx, acquiring.RefundRequest{ID: "A"})
		invalid(t, err, "Key")
		some := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds())
		_, err = some.classic(withLogin).Refund(ctx, acquiring.RefundRequest{ID: "A", Key: "x", Receipt: back(5)})
		invalid(t, err, "Receipt")
		_, err = newBank(t).on(byInvoice, complete).on(listRefunds, v1Refusal(-6)).classic(withLogin).Refund(ctx, req)
		refused(t, err, acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
	})
	t.Run("status", func(t *testing.T) {
		b := newBank(t).on(byInvoice, complete).on(listRefunds, v1Refunds(v1RefundItem("2", "REF-7", "SUCCESS", "499.90")))
		r, err := b.classic(withLogin).WaitRefund(ctx, "A", "REF-7")
		require.NoError(t, err)
		assert.Equal(t, acquiring.RefundDone, r.Status)
		_, err = b.classic(withLogin).RefundStatus(ctx, "A", "none")
		refused(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	})
}

func TestClassicHolds(t *testing.T) {
	held, complete, cancelled := ok(v1(512345678, "PROCESSING", "1499.90")), ok(v1(512345678, "COMPLETE", "1000")), ok(v1(512345678, "CANCELLED", "0"))
	two := func(c *ClassicConfig) { c.Holds = true }
	b := newBank(t).on(byInvoice, held).on(confirmV1, complete).on(cancelV1, cancelled)
	p, err := b.classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{ID: "ORD-2024-0042", Amount: 100000})
	require.NoError(t, err)
	assert.Equal(t, "paid 1499.90 1000.00", p.Status.String()+" "+p.Amount.String()+" "+p.Captured.String())
	p, err = b.classic(withLogin, two).Void(ctx, "ORD-2024-0042")
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusCanceled, p.Status)
	_, err = b.classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{ID: "A", Amount: 149991})
	refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	_, err = b.classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{ID: "A", Amount: 100, Receipt: sale(100, fiscal.FullPayment)})
	refused(t, err, acquiring.ErrUnsupported, acquiring.OutcomeNotSent)
	_, err = b.classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{})
	invalid(t, err, "ID")
	for _, now := range []answered{complete, cancelled, ok(v1(1, "INITIATED", "0"))} {
		_, err = newBank(t).on(byInvoice, now).classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{ID: "A"})
		refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		_, err = newBank(t).on(byInvoice, now).classic(withLogin, two).Void(ctx, "A")
		refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	}
	// An answer that is no error and says the contrary.
	_, err = newBank(t).on(byInvoice, held).on(confirmV1, cancelled).classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{ID: "A"})
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	_, err = newBank(t).on(byInvoice, held).on(cancelV1, complete).classic(withLogin, two).Void(ctx, "A")
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	// Lost answers: done, or done once more while it is still held.
	b = newBank(t).on(byInvoice, held).on(confirmV1, lost).on(byID, complete)
	_, err = b.classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{ID: "A"})
	require.NoError(t, err)
	assert.Len(t, b.calls(confirmV1), 1)
	b = newBank(t).on(byInvoice, held).on(confirmV1, lost, complete).on(byID, held)
	_, err = b.classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{ID: "A"})
	require.NoError(t, err)
	assert.Len(t, b.calls(confirmV1), 2)
	for _, now := range []answered{cancelled, v1Refusal(-6)} {
		_, err = newBank(t).on(byInvoice, held).on(confirmV1, lost).on(byID, now).classic(withLogin, two).Capture(ctx, acquiring.CaptureRequest{ID: "A"})
		refused(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	}
}

func TestDirect(t *testing.T) {
	sign := func(f Form, iat string) string { return directSum(directBody(f), iat, "direct-secret-9") }
	assert.Equal(t, "yc9C8wCgivjPdBiv2nrp01MFQICHo0vkBmlTVkz0HbY=", sign(Form{{"response_type", "code"}, {"client_id", merchant},
		{"redirect_uri", "https://shop.example.ru/pm/oauth?x=1"}, {"scope", "bankcard"}, {"type", "rest"}}, "1715679015"))
	assert.Equal(t, "lPYWjSowAQIT1GNgf8Uu91Kd7uCIJr1F/Q/0M8bQZLw=", sign(Form{{"access_token", "at-77"}, {"merchant_id", merchant}, {"merchant_transaction_id", "SUB-5"},
		{"amount", "300.00"}, {"currency", "RUB"}, {"description", "Подписка на май"}, {"type", "rest"}}, "1715679100"))
	assert.Equal(t, "a=%7E+b", directBody(Form{{"a", "~ b"}}))

	b := newBank(t).on("POST /direct/security/token", ok(`{"access_token":"at-77","token_type":"bearer","expires_in":3600,"account_identifier":"4XXX"}`), ok(`{"error":"invalid_grant"}`), ok(`{}`)).
		on("POST /direct/payment/init", ok(`{"processor_transaction_id":9}`), ok(`{}`)).
		on("POST /direct/payment/complete", ok(`{"status":"complete","payment_id":"55","processor_transaction_id":"9"}`), ok(`{"status":"failure","error":"InsufficientFunds"}`), answered{status: 401}).
		on("POST /direct/security/revoke", ok(""))
	c := b.classic(func(c *ClassicConfig) { c.DirectSecret = "direct-secret-9" })
	c.now = func() time.Time { return time.Unix(1715679015, 0) }
	u, err := c.DirectAuthURL("https://shop.example.ru/pm/oauth?x=1", "")
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(u, "&scope=bankcard&type=rest&iat=1715679015&sign="+url.QueryEscape("yc9C8wCgivjPdBiv2nrp01MFQICHo0vkBmlTVkz0HbY=")), u)
	tok, err := c.DirectGetToken(ctx, "code-1", "https://shop.example.ru/pm/oauth")
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %#v", tok, *tok), "at-77")
	begun, err := c.DirectBegin(ctx, DirectCharge{AccessToken: "at-77", MerchantTransactionID: "SUB-5", Amount: 30000, Description: "Подписка на май"})
	require.NoError(t, err)
	assert.Equal(t, Text("9"), begun.ProcessorTransactionID)
	body := b.last("POST /direct/payment/init").body
	assert.True(t, strings.HasPrefix(body, "access_token=at-77&merchant_id="+merchant+"&merchant_transaction_id=SUB-5&amount=300.00&currency=RUB&description=%D0%9F"), body)
	done, err := c.DirectRun(ctx, "at-77", "SUB-5", "9")
	require.NoError(t, err)
	assert.Equal(t, DirectComplete, done.Status)
	_, err = c.DirectRun(ctx, "at-77", "SUB-5", "9")
	assert.Equal(t, "InsufficientFunds", refused(t, err, acquiring.ErrDeclined, acquiring.OutcomeRejected).Code)
	_, err = c.DirectRun(ctx, "at-77", "SUB-5", "9")
	refused(t, err, acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
	require.NoError(t, c.DirectRevoke(ctx, "at-77"))
	_, err = c.DirectGetToken(ctx, "code-1", "https://shop.example.ru/pm/oauth")
	refused(t, err, acquiring.ErrDeclined, acquiring.OutcomeRejected)
	_, err = c.DirectGetToken(ctx, "code-1", "https://shop.example.ru/pm/oauth")
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	_, err = c.DirectBegin(ctx, DirectCharge{AccessToken: "at-77", MerchantTransactionID: "SUB-5", Amount: 1})
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	for field, r := range map[string]DirectCharge{"AccessToken": {}, "MerchantTransactionID": {AccessToken: "a", MerchantTransactionID: "a~b"}, "Amount": {AccessToken: "a", MerchantTransactionID: "b"}} {
		_, err = c.DirectBegin(ctx, r)
		invalid(t, err, field)
	}
	_, err = c.DirectAuthURL("", "")
	invalid(t, err, "RedirectURL")
	_, err = b.classic().DirectAuthURL("https://shop.example", "")
	assert.Equal(t, "Config.DirectSecret", refused(t, err, acquiring.ErrUnsupported, acquiring.OutcomeNotSent).Field)
	assert.Equal(t, "Config.DirectSecret", refused(t, b.classic().DirectRevoke(ctx, "x"), acquiring.ErrUnsupported, acquiring.OutcomeNotSent).Field)
}

// TestHeardOfIsBounded: the oldest numbers make room for new ones.
func TestHeardOfIsBounded(t *testing.T) {
	var h heardOf
	h.add("")
	for i := range heardOfLimit + 10 {
		h.add(strconv.Itoa(i))
		h.add(strconv.Itoa(i))
	}
	assert.False(t, h.has("9"))
	assert.True(t, h.has("10"))
	assert.True(t, h.has(strconv.Itoa(heardOfLimit+9)))
	assert.Len(t, h.seen, heardOfLimit)
}
