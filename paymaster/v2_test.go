package paymaster

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

func TestCreateInvoice(t *testing.T) {
	b := newBank(t).on(postInvoices, ok(link))
	c := b.client()
	r := order()
	r.Description, r.TTL = "Заказ ORD-2024-0042", 24*time.Hour
	r.ReturnURL, r.CallbackURL, r.FailURL, r.Language = "https://shop.example.ru/thanks", callbackAt, "https://shop.example.ru/failed", "ru"
	r.Customer = acquiring.Customer{ID: "u-55", Email: "buyer@example.ru", Phone: "+7 (999) 000-11-22", Name: "Иван"}
	r.Metadata = map[string]string{"crm": "17"}
	r.Receipt = sale(r.Amount, fiscal.FullPrepayment)
	inv, err := c.CreateInvoice(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, &acquiring.Invoice{ID: "734512", OrderID: "ORD-2024-0042", Amount: 149990, Currency: "RUB",
		PayURL: "https://paymaster.ru/cpay/1b2c3d4e5f60718293a4b5c6d7e8f901", ExpiresAt: clock.Add(24 * time.Hour), Raw: json.RawMessage(link)}, inv)
	got := b.last(postInvoices)
	want := asked{body: strings.Replace(got.body, "2024-05-15T09:00:00Z", "2024-05-15T09:00:00Z", 1), header: got.header}
	wantJSON(t, "v2_invoice.json", want)
	first := got.header.Get("Idempotency-Key")
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, first)

	// The same order has the same key, another order another.
	r.OrderID = "ORD-2"
	_, err = c.CreateInvoice(ctx, r)
	require.NoError(t, err)
	assert.NotEqual(t, first, b.last(postInvoices).header.Get("Idempotency-Key"))
}

func TestNoEmptyParameters(t *testing.T) {
	b := newBank(t).on(postInvoices, ok(link))
	_, err := b.client(production).CreateInvoice(ctx, order())
	require.NoError(t, err)
	// Peers send expires of year 1 when no date is given.
	assert.Equal(t, `{"merchantId":"`+merchant+`","testMode":false,"dualMode":false,"invoice":{"description":"Заказ ORD-2024-0042","orderNo":"ORD-2024-0042"},`+
		`"amount":{"value":1499.90,"currency":"RUB"}}`, b.last(postInvoices).body)
}

func TestAmountOverMillion(t *testing.T) {
	// Peers write 1e+06 and 2.1e+07.
	for sum, want := range map[money.Amount]string{100_000_000: "1000000.00", 2_100_000_000: "21000000.00", 1: "0.01", 10001: "100.01"} {
		b := newBank(t).on(postInvoices, ok(link)).
			on(getPayment, ok(strings.Replace(payment(StatusPending, ""), "1499.9000", want+"00", 1)))
		r := order()
		r.Amount = sum
		_, err := b.client().CreateInvoice(ctx, r)
		require.NoError(t, err)
		assert.Contains(t, b.last(postInvoices).body, `"value":`+want+`,`)
		p, err := b.client().GetStatus(ctx, "734512")
		require.NoError(t, err)
		assert.Equal(t, sum, p.Amount)
	}
	for _, foreign := range []string{`1e+06`, `"1e6"`, `10.005`, `{}`, `"10,5,0"`, `NaN`} {
		b := newBank(t).on(getPayment, ok(strings.Replace(payment(StatusSettled, ""), "1499.9000", foreign, 1)))
		_, err := b.client().GetStatus(ctx, "734512")
		refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	}
}

func TestInvoiceVariants(t *testing.T) {
	b := newBank(t).on(postInvoices, ok(link))
	c := b.client()
	r := order()
	r.Hold, r.SaveCard, r.Customer.ID = true, true, "u-1"
	r.Methods = []acquiring.Method{acquiring.MethodSBP}
	r.Extra = map[string]string{"protocol.threeDSCompleteUrl": "https://shop.example/3ds", "note": `{"a":1.10}`, "flag": "true", "word": "вб"}
	_, err := c.CreateInvoice(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, exact(t, `{"merchantId":"`+merchant+`","testMode":true,"dualMode":true,"invoice":{"description":"Заказ ORD-2024-0042","orderNo":"ORD-2024-0042",
		"params":{"acquiring_ordered":"`+heldParam+`"}},
		"amount":{"value":1499.90,"currency":"RUB"},"paymentMethod":"sbp","tokenization":{"type":"recurring","purpose":"Заказ ORD-2024-0042"},
		"customer":{"account":"u-1"},"protocol":{"threeDSCompleteUrl":"https://shop.example/3ds"},"note":{"a":1.10},"flag":true,"word":"вб"}`),
		exact(t, b.last(postInvoices).body))
	assert.Len(t, r.Extra, 4, "the request is the caller's")
}

func TestInvalidInvoices(t *testing.T) {
	b := newBank(t)
	c := b.client()
	for field, change := range map[string]func(*acquiring.InvoiceRequest){
		"OrderID":                 func(r *acquiring.InvoiceRequest) { r.OrderID = " " },
		"Amount":                  func(r *acquiring.InvoiceRequest) { r.Amount = -5 },
		"Currency":                func(r *acquiring.InvoiceRequest) { r.Currency = "USD" },
		"Methods":                 func(r *acquiring.InvoiceRequest) { r.Methods = []acquiring.Method{acquiring.MethodMirPay} },
		"Extra[amount]":           func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"amount": "1"} },
		"Extra[testMode]":         func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"testMode": "true"} },
		"Extra[invoice.orderNo]":  func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"invoice.orderNo": "1"} },
		"Extra[dualMode.x]":       func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"dualMode.x": "1"} },
		"Receipt.type":            func(r *acquiring.InvoiceRequest) { r.Receipt = back(r.Amount) },
		"Receipt":                 func(r *acquiring.InvoiceRequest) { r.Receipt = sale(r.Amount+1, fiscal.FullPayment) },
		"Receipt.items[0].method": func(r *acquiring.InvoiceRequest) { r.Receipt = sale(r.Amount, fiscal.CreditPayment) },
		"Receipt.payments": func(r *acquiring.InvoiceRequest) {
			r.Receipt = sale(r.Amount, fiscal.FullPayment)
			r.Receipt.Payments = fiscal.Payments{Prepaid: r.Amount}
		},
	} {
		r := order()
		change(&r)
		_, err := c.CreateInvoice(ctx, r)
		invalid(t, err, field)
	}
	r := order()
	r.Methods = []acquiring.Method{acquiring.MethodCard, acquiring.MethodSBP}
	_, err := c.CreateInvoice(ctx, r)
	invalid(t, err, "Methods")
	assert.Empty(t, b.asked)
}

// fresh is payment 734512 as a call that is made at the tests' time leaves it.
func fresh(status string) string {
	return strings.Replace(payment(status, ""), "2024-05-14T08:29:58Z", "2024-05-14T08:59:58Z", 1)
}

func TestCreateInvoiceAfterLostAnswer(t *testing.T) {
	t.Run("not there: sent again with the same key", func(t *testing.T) {
		b := newBank(t).on(postInvoices, lost, ok(link)).on(getPayments, listed())
		inv, err := b.client().CreateInvoice(ctx, order())
		require.NoError(t, err)
		assert.Equal(t, acquiring.PaymentID("734512"), inv.ID)
		calls := b.calls(postInvoices)
		require.Len(t, calls, 2)
		assert.Equal(t, calls[0].header.Get("Idempotency-Key"), calls[1].header.Get("Idempotency-Key"))
		assert.Equal(t, calls[0].body, calls[1].body)
	})
	t.Run("there and unpaid: withdrawn and issued anew", func(t *testing.T) {
		b := newBank(t).on(postInvoices, answered{status: 502, body: "<html>bad gateway</html>"}, ok(strings.Replace(link, "734512", "734513", 1))).
			on(getPayments, listed(fresh(StatusPending))).on(getPayment, ok(payment(StatusPending, "")), ok(payment(StatusCancelled, ""))).
			on("PUT /api/v2/payments/734512/cancel", ok(""))
		inv, err := b.client().CreateInvoice(ctx, order())
		require.NoError(t, err)
		assert.Equal(t, acquiring.PaymentID("734513"), inv.ID)
		calls := b.calls(postInvoices)
		require.Len(t, calls, 2)
		assert.NotEqual(t, calls[0].header.Get("Idempotency-Key"), calls[1].header.Get("Idempotency-Key"))
		assert.Len(t, b.calls("PUT /api/v2/payments/734512/cancel"), 1)
	})
	t.Run("there and cannot be withdrawn", func(t *testing.T) {
		b := newBank(t).on(postInvoices, lost).on(getPayments, listed(fresh(StatusPending))).on(getPayment, ok(payment(StatusPending, ""))).
			on("PUT /api/v2/payments/734512/cancel", refusal(400, "invalid_operation"))
		_, err := b.client().CreateInvoice(ctx, order())
		e := refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
		assert.Contains(t, e.Error(), "734512")
		assert.Contains(t, e.Hint, "Attempt")
		assert.Len(t, b.calls(postInvoices), 1)
	})
	t.Run("there before: its link is in a customer's hands", func(t *testing.T) {
		for _, state := range []string{StatusPending, StatusConfirmation} {
			b := newBank(t).on(postInvoices, lost, ok(strings.Replace(link, "734512", "734513", 1))).on(getPayments, listed(payment(state, ""))).
				on(getPayment, ok(payment(state, "")), ok(payment(StatusCancelled, ""))).on("PUT /api/v2/payments/734512/cancel", ok(""))
			_, err := b.client().CreateInvoice(ctx, order())
			e := refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
			assert.Contains(t, e.Error(), "734512")
			assert.Empty(t, b.calls("PUT /api/v2/payments/734512/cancel"))
			assert.Len(t, b.calls(postInvoices), 1)
		}
	})
	t.Run("there and paid", func(t *testing.T) {
		b := newBank(t).on(postInvoices, lost).on(getPayments, listed(payment(StatusSettled, ""))).on(getPayment, ok(payment(StatusSettled, "")))
		_, err := b.client().CreateInvoice(ctx, order())
		e := refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
		assert.Contains(t, e.Hint, "do not ask for the money again")
	})
	t.Run("nobody can be asked", func(t *testing.T) {
		b := newBank(t).on(postInvoices, lost).on(getPayments, refusal(400, "validation_error"))
		_, err := b.client().CreateInvoice(ctx, order())
		e := refused(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
		assert.NotEmpty(t, e.Hint)
		assert.Len(t, b.calls(postInvoices), 1)
	})
	t.Run("lost for good", func(t *testing.T) {
		b := newBank(t).on(postInvoices, lost).on(getPayments, listed())
		_, err := b.client().CreateInvoice(ctx, order())
		refused(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
		assert.Len(t, b.calls(postInvoices), 3)
	})
	t.Run("a key that was used", func(t *testing.T) {
		b := newBank(t).on(postInvoices, violation).on(getPayments, listed(payment(StatusPending, "")), listed())
		_, err := b.client().CreateInvoice(ctx, order())
		assert.Contains(t, refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected).Error(), "734512")
		_, err = b.client().CreateInvoice(ctx, order())
		assert.Contains(t, refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected).Hint, "FindByOrder")
		assert.Len(t, b.calls(postInvoices), 2)
	})
}

func TestErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		answer  answered
		kind    error
		outcome acquiring.Outcome
	}{
		"validation":                {refusal(400, "validation_error"), acquiring.ErrInvalid, acquiring.OutcomeRejected},
		"with status 200":           {answered{status: 200, body: `{"Code":"validation_error"}`}, acquiring.ErrInvalid, acquiring.OutcomeRejected},
		"an unknown code of 200":    {refusal(200, "new_error"), acquiring.ErrInvalid, acquiring.OutcomeRejected},
		"not authorised":            {refusal(401, "not_authorized"), acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		"not authorised with 400":   {refusal(400, "Not_Authorized"), acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		"state":                     {refusal(400, "invalid_operation"), acquiring.ErrConflict, acquiring.OutcomeRejected},
		"revoked":                   {refusal(400, "payment_token_revoked"), acquiring.ErrNotFound, acquiring.OutcomeRejected},
		"blocked":                   {refusal(400, "payment_token_blocked"), acquiring.ErrDeclined, acquiring.OutcomeRejected},
		"unknown id":                {refusal(404, "validation_error"), acquiring.ErrNotFound, acquiring.OutcomeRejected},
		"empty 401":                 {answered{status: 401}, acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		"empty 404":                 {answered{status: 404}, acquiring.ErrNotFound, acquiring.OutcomeRejected},
		"empty 400":                 {answered{status: 400}, acquiring.ErrInvalid, acquiring.OutcomeRejected},
		"a redirect":                {answered{status: 302, header: http.Header{"Location": {"https://evil.example"}}}, acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		"a page":                    {ok("<html><body>maintenance</body></html>"), acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		"nothing":                   {ok(""), acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		"cut":                       {ok(`{"paymentId":"7345`), acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		"another answer":            {ok(`{"url":"https://paymaster.ru/cpay/1"}`), acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		"a list where one is asked": {ok(`[]`), acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		"500 with a code":           {refusal(500, "validation_error"), acquiring.ErrUnavailable, acquiring.OutcomeUnknown},
		"429":                       {answered{status: 429, header: http.Header{"Retry-After": {"7"}}}, acquiring.ErrRateLimited, acquiring.OutcomeRejected},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t).on(postInvoices, tt.answer)
			_, err := b.client().IssueInvoice(ctx, InvoiceCreate{Invoice: InvoiceData{Description: "x"}, Amount: Sum(100, "RUB")})
			e := refused(t, err, tt.kind, tt.outcome)
			assert.Equal(t, "POST invoices", e.Op)
			if name == "429" {
				assert.Equal(t, 7*time.Second, e.RetryAfter)
			}
			assert.Len(t, b.asked, 1, "a request that moves money is not repeated blindly")
		})
	}
}

func TestErrorNeverContainsSecret(t *testing.T) {
	b := newBank(t).on(postInvoices, answered{status: 400, body: `{"code":"validation_error","message":"bad token ` + token + ` card 4111111111111111","errors":["Specify required Amount value.","` + token + `"]}`})
	_, err := b.client().CreateInvoice(ctx, order())
	e := refused(t, err, acquiring.ErrInvalid, acquiring.OutcomeRejected)
	assert.NotContains(t, err.Error(), token)
	assert.NotContains(t, err.Error(), "4111111111111111")
	assert.Contains(t, e.Message, "Specify required Amount value.")
	assert.NotContains(t, CardData{PAN: "4100000000000010", CVC: "123"}.String(), "0000000")
	assert.Equal(t, "card 410000******0010", CardData{PAN: "4100000000000010"}.GoString())
	assert.Equal(t, "card 410000******0010", CardData{PAN: "4100000000000010"}.LogValue().String())
}

func TestOddAnswerOverHTTPMock(t *testing.T) {
	// One odd answer without a server: a cut body, a BOM, another content type.
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("GET", "https://paymaster.ru/api/v2/payments/734512",
		httpmock.NewStringResponder(200, "\xef\xbb\xbf"+payment(StatusSettled, "")))
	transport.RegisterResponder("GET", `=~^https://paymaster\.ru/api/v2/refunds`, httpmock.NewStringResponder(200, `{"items":[]}`))
	c, err := New(Config{Environment: acquiring.Test, MerchantID: merchant, Token: token, HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	p, err := c.GetStatus(ctx, "734512")
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
}

func TestGetStatus(t *testing.T) {
	b := newBank(t).on(getPayment, ok(payment(StatusSettled, `,"paymentToken":{"id":"5d0ce1","expires":"2027-10-31T23:59:59Z","title":"t"}`))).
		on(getRefunds, listed(refundJSON("9120", "Pending", "499.9"), refundJSON("9121", "Rejected", "100"), strings.Replace(refundJSON("9122", "Success", "7"), "734512", "1", 1)))
	p, err := b.client().GetStatus(ctx, "734512")
	require.NoError(t, err)
	p.Raw = nil
	assert.Equal(t, &acquiring.Payment{ID: "734512", OrderID: "ORD-2024-0042", Status: acquiring.StatusPartiallyRefunded, Amount: 149990, Captured: 149990, Refunded: 49990,
		Currency: "RUB", Method: acquiring.MethodCard, Card: &acquiring.Card{Masked: "410000XXXXXX0010", Brand: "Mir", Issuer: "TESTBANK", Country: "RU", Token: "5d0ce1"},
		Test: true, CreatedAt: time.Date(2024, 5, 14, 8, 29, 58, 0, time.UTC), Metadata: map[string]string{"crm": "17"}, ProviderStatus: "Settled"}, p)
	q := b.last(getRefunds).query
	assert.Equal(t, []string{merchant}, q["merchantId"])
	assert.Equal(t, []string{"2024-05-14T08:28:58Z"}, q["start"], "a minute is added on either side")
	assert.Len(t, q, 3)

	_, err = b.client().GetStatus(ctx, "")
	invalid(t, err, "ID")
	_, err = b.client().GetStatus(ctx, "../refunds")
	invalid(t, err, "ID")
	_, err = b.client().GetStatus(ctx, "1")
	refused(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	b.on("GET /api/v2/payments/2", ok(payment(StatusSettled, "")))
	_, err = b.client().GetStatus(ctx, "2")
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	_, err = b.client(func(c *Config) { c.MerchantID = "another" }).GetStatus(ctx, "734512")
	refused(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	_, err = b.client(production).GetStatus(ctx, "734512")
	refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	_, err = b.client(production, func(c *Config) { c.AcceptTest = true }).GetStatus(ctx, "734512")
	assert.NoError(t, err)
}

func TestStatuses(t *testing.T) {
	for _, tt := range []struct {
		status, result string
		data           string
		want           acquiring.Status
		failed         bool
	}{
		{"Pending", "", "", acquiring.StatusPending, false},
		{"Confirmation", "Success", "", acquiring.StatusPending, false},
		{"Authorized", "Success", "", acquiring.StatusAuthorized, false},
		{"Settled", "Success", "", acquiring.StatusPaid, false},
		{"Cancelled", "", "", acquiring.StatusCanceled, false},
		{"Cancelled", "Success", `{"paymentInstrumentTitle":"4"}`, acquiring.StatusVoided, false},
		{"Cancelled", "PaymentExpired", "", acquiring.StatusExpired, true},
		{"Rejected", "CancelledByUser", "", acquiring.StatusCanceled, true},
		{"Rejected", "InsufficientFunds", "", acquiring.StatusDeclined, true},
		{"Rejected", "SomethingNew", "", acquiring.StatusDeclined, true},
		{"Refunded", "", "", acquiring.StatusUnknown, false},
		{"settled", "", "", acquiring.StatusUnknown, false},
	} {
		p := &PaymentInfo{Status: tt.status, ResultCode: tt.result}
		if tt.data != "" {
			require.NoError(t, json.Unmarshal([]byte(tt.data), &p.PaymentData))
		}
		got := p.Payment(nil)
		assert.Equal(t, tt.want, got.Status, "%s %s", tt.status, tt.result)
		assert.Equal(t, tt.failed, got.Failure != nil)
	}
	assert.Equal(t, "not enough money", ResultMeaning("InsufficientFunds"))
	assert.Equal(t, "not enough money", failureOf("InsufficientFunds", "").Message)
	assert.Equal(t, "there is no such payment", ErrorMeaning("-13"))
	for alias, want := range map[string]acquiring.Method{"": "", "BankCard": acquiring.MethodCard, "Sbp": acquiring.MethodSBP, "davaydelit": acquiring.MethodInstallment, "QIWI": acquiring.MethodWallet, "wbpay": acquiring.MethodOther} {
		assert.Equal(t, want, methodOf(alias))
	}
}

func TestPaging(t *testing.T) {
	page := func(cursor string, ids ...string) answered {
		var items []string
		for _, id := range ids {
			items = append(items, strings.Replace(payment(StatusPending, ""), "734512", id, 1))
		}
		return ok(`{"items":[` + strings.Join(items, ",") + `],"cursor":` + cursor + `}`)
	}
	for name, last := range map[string]answered{"absent": listed(strings.Replace(payment(StatusPending, ""), "734512", "5", 1)), "null": page("null", "5"),
		"empty": page(`""`, "5"), "repeated": page(`"c2"`, "5"), "a number": page(`"c1"`, "5")} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t).on(getPayments, page(`"c1"`, "1", "2"), page(`"c2"`, "2", "3"), page(`"c1"`, "4"), last)
			if name != "a number" && name != "repeated" {
				b = newBank(t).on(getPayments, page(`"c1"`, "1", "2"), page(`"c2"`, "2", "3", "4"), last)
			}
			var ids []string
			for p, err := range b.client().ListPayments(ctx, Period{clock.Add(-time.Hour), clock.Add(time.Millisecond)}) {
				require.NoError(t, err)
				ids = append(ids, string(p.ID))
			}
			want := []string{"1", "2", "3", "4", "5"}
			if name == "a number" || name == "repeated" {
				want = want[:4] // the cursor came before: the list ends
			}
			assert.Equal(t, want, ids)
			first, second := b.asked[0].query, b.asked[1].query
			assert.Equal(t, "2024-05-14T08:00:00Z 2024-05-14T09:00:01Z", first.Get("start")+" "+first.Get("end"))
			assert.Len(t, first, 3)
			assert.Equal(t, "c1", second.Get("cursor"))
			assert.Equal(t, first.Get("start"), second.Get("start"))
		})
	}
	b := newBank(t).on(getPayments, ok(`{"items":[{"id":"1","amount":{"value":"x"}}]}`))
	for _, err := range b.client().ListPayments(ctx, Period{Start: clock}) {
		refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	}
	b = newBank(t).on(getPayments, ok(`"text"`))
	for _, err := range b.client().ListPayments(ctx, Period{Start: clock}) {
		refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	}
	assert.ErrorIs(t, newBank(t).on(getPayments, answered{status: 401}).client().Check(ctx), acquiring.ErrUnauthorized)
	assert.NoError(t, newBank(t).on(getPayments, listed()).client().Check(ctx))
}

// A list without a first day begins before PayMaster did: the zero time would
// be sent as the year 1.
func TestListsBeginSomewhere(t *testing.T) {
	b := newBank(t)
	b.on("GET /api/v2/payments", ok(`{"items":[]}`))
	b.on("GET /api/v2/refunds", ok(`{"items":[]}`))
	for _, err := range b.client().ListPayments(ctx, Period{}) {
		require.NoError(t, err)
	}
	assert.Equal(t, "2010-01-01T00:00:00Z", b.last("GET /api/v2/payments").query.Get("start"))
	for _, err := range b.client().ListRefunds(ctx, Period{}) {
		require.NoError(t, err)
	}
	assert.Equal(t, "2010-01-01T00:00:00Z", b.last("GET /api/v2/refunds").query.Get("start"))
}

func TestPayments(t *testing.T) {
	at := func(id, created, status string) string {
		return strings.NewReplacer("734512", id, "2024-05-14T08:29:58Z", created).Replace(payment(status, ""))
	}
	b := newBank(t).on(getPayments, listed(at("1", "2024-05-13T23:59:59Z", "Settled"), at("2", "2024-05-14T00:00:00Z", "Settled"),
		at("3", "2024-05-14T05:00:00Z", "Settled"), at("4", "2024-05-14T06:00:00Z", "Rejected"), at("5", "2024-05-15T00:00:00Z", "Settled"))).
		on(getRefunds, listed(strings.Replace(refundJSON("9", "Success", "1499.90"), "734512", "3", 1)))
	ids := func(f acquiring.Filter) (out []string) {
		for p, err := range b.client().Payments(ctx, f) {
			require.NoError(t, err)
			out = append(out, string(p.ID)+" "+p.Status.String())
		}
		return out
	}
	day := acquiring.Filter{From: time.Date(2024, 5, 14, 0, 0, 0, 0, time.UTC), To: time.Date(2024, 5, 15, 0, 0, 0, 0, time.UTC)}
	assert.Equal(t, []string{"2 paid", "3 refunded", "4 declined"}, ids(day))
	assert.Len(t, b.calls(getRefunds), 1)
	day.Statuses = []acquiring.Status{acquiring.StatusRefunded}
	assert.Equal(t, []string{"3 refunded"}, ids(day))
	assert.Equal(t, []string{"1 paid", "2 paid"}, ids(acquiring.Filter{Limit: 2}))
	b.on(getRefunds, answered{status: 401})
	b.answers[getRefunds] = b.answers[getRefunds][1:]
	for _, err := range b.client().Payments(ctx, acquiring.Filter{}) {
		assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	}
}

func TestFindByOrder(t *testing.T) {
	id := func(n, created, status string) string {
		return strings.NewReplacer("734512", n, "2024-05-14T08:29:58Z", created).Replace(payment(status, ""))
	}
	for _, tt := range []struct {
		list []string
		want string
	}{
		{[]string{id("1", "2024-05-01T00:00:00Z", "Settled"), id("2", "2024-05-02T00:00:00Z", "Pending")}, "1"},
		{[]string{id("1", "2024-05-01T00:00:00Z", "Rejected"), id("2", "2024-05-02T00:00:00Z", "Cancelled")}, "2"},
		{[]string{id("3", "2024-05-03T00:00:00Z", "Pending"), id("2", "2024-05-02T00:00:00Z", "Confirmation"), id("4", "2024-05-02T00:00:00Z", "Rejected")}, "3"},
		{[]string{id("1", "2024-05-01T00:00:00Z", "Authorized"), id("2", "2024-05-02T00:00:00Z", "Pending")}, "1"},
	} {
		b := newBank(t).on(getPayments, listed(append(tt.list, strings.Replace(id("9", "2024-05-09T00:00:00Z", "Settled"), "ORD-2024-0042", "ORD-2024-00421", 1))...)).on(getRefunds, listed())
		for _, n := range []string{"1", "2", "3"} {
			b.on("GET /api/v2/payments/"+n, ok(id(n, "2024-05-01T00:00:00Z", "Settled")))
		}
		p, err := b.client().FindByOrder(ctx, "ORD-2024-0042")
		require.NoError(t, err)
		assert.Equal(t, acquiring.PaymentID(tt.want), p.ID)
		_, err = b.client().FindByOrder(ctx, "ORD")
		refused(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	}
	_, err := newBank(t).client().FindByOrder(ctx, "")
	invalid(t, err, "OrderID")
	b := newBank(t).on(getPayments, listed())
	_, _ = b.client(func(c *Config) { c.SearchPeriod = time.Hour }).FindByOrder(ctx, "X")
	assert.Equal(t, "2024-05-14T07:59:00Z", b.last(getPayments).query.Get("start"))
}
