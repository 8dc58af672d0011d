package acquiring_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

func receiptOf(total money.Amount) *fiscal.Receipt {
	return &fiscal.Receipt{
		Type: fiscal.Sale, TaxSystem: fiscal.TaxGeneral, Contact: fiscal.Contact{Email: "buyer@example.com"},
		Lines: []fiscal.Line{{
			Name: "Чайник", Price: total, Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone,
			Method: fiscal.FullPayment, Subject: fiscal.Goods,
		}},
	}
}

func invoice(changes ...func(*acquiring.InvoiceRequest)) acquiring.InvoiceRequest {
	r := acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: money.RUB(1499, 90), Currency: "rub", Description: "Чайник «Ёлка»",
		Customer:  acquiring.Customer{ID: "C-1", Email: "buyer@example.com"},
		ReturnURL: "https://shop.example/paid", FailURL: "http://localhost:8080/failed", CallbackURL: "https://shop.example/hook?shop=2",
		TTL: time.Hour, SaveCard: true, Receipt: receiptOf(money.RUB(1499, 90)),
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

// invalid says that the error is of the field, and that nothing was sent.
func invalid(t *testing.T, err error, field string) {
	t.Helper()
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, acquiring.ErrInvalid)
	assert.Equal(t, field, e.Field)
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.NotEmpty(t, e.Message)
}

func TestInvoiceRequestValidate(t *testing.T) {
	require.NoError(t, invoice().Validate())
	require.NoError(t, acquiring.InvoiceRequest{OrderID: "1", Amount: 1}.Validate(), "nothing else is needed")
	for name, c := range map[string]struct {
		field  string
		change func(*acquiring.InvoiceRequest)
	}{
		"no order number":            {"OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = "" }},
		"an order number of spaces":  {"OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = " \t" }},
		"a line break":               {"OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = "A\n7" }},
		"not UTF-8":                  {"OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = "A\xff" }},
		"no sum":                     {"Amount", func(r *acquiring.InvoiceRequest) { r.Amount = 0 }},
		"a negative sum":             {"Amount", func(r *acquiring.InvoiceRequest) { r.Amount = -1 }},
		"the least sum there is":     {"Amount", func(r *acquiring.InvoiceRequest) { r.Amount = money.Min }},
		"a negative lifetime":        {"TTL", func(r *acquiring.InvoiceRequest) { r.TTL = -1 }},
		"minutes without their unit": {"TTL", func(r *acquiring.InvoiceRequest) { r.TTL = 30 }},
		"a card of nobody":           {"Customer.ID", func(r *acquiring.InvoiceRequest) { r.Customer.ID = "" }},
		"a description in CP1251":    {"Description", func(r *acquiring.InvoiceRequest) { r.Description = "\xd7\xe0\xe9" }},
		"a currency of five letters": {"Currency", func(r *acquiring.InvoiceRequest) { r.Currency = "RUBLE" }},
		"a currency of digits":       {"Currency", func(r *acquiring.InvoiceRequest) { r.Currency = "643" }},
		"a currency in Cyrillic":     {"Currency", func(r *acquiring.InvoiceRequest) { r.Currency = "руб" }},
		"a bad ReturnURL":            {"ReturnURL", func(r *acquiring.InvoiceRequest) { r.ReturnURL = "paid" }},
		"a bad FailURL":              {"FailURL", func(r *acquiring.InvoiceRequest) { r.FailURL = "ftp://shop.example" }},
		"a bad CallbackURL":          {"CallbackURL", func(r *acquiring.InvoiceRequest) { r.CallbackURL = "https://" }},
		"a receipt of a kopeck more": {"Receipt", func(r *acquiring.InvoiceRequest) { r.Receipt = receiptOf(r.Amount + 1) }},
		"a receipt of a kopeck less": {"Receipt", func(r *acquiring.InvoiceRequest) { r.Receipt = receiptOf(r.Amount - 1) }},
		"a receipt without lines":    {"Receipt", func(r *acquiring.InvoiceRequest) { r.Receipt.Lines = nil }},
	} {
		t.Run(name, func(t *testing.T) { invalid(t, invoice(c.change).Validate(), c.field) })
	}
}

func TestReceiptFaultsAreInTheError(t *testing.T) {
	err := invoice(func(r *acquiring.InvoiceRequest) { r.Receipt.Lines[0].VAT = "18" }).Validate()
	var faults fiscal.Faults
	require.True(t, errors.As(err, &faults), "the receipt's own faults are found in the error")
	assert.Contains(t, err.Error(), faults[0].Path)
	assert.Equal(t, 1, strings.Count(err.Error(), faults[0].Message), "said once")
}

func TestCurrencyAndOnly(t *testing.T) {
	assert.Equal(t, "RUB", acquiring.InvoiceRequest{}.CurrencyOrRUB())
	assert.Equal(t, "USD", acquiring.InvoiceRequest{Currency: "usd"}.CurrencyOrRUB())
	sbp := acquiring.InvoiceRequest{Methods: []acquiring.Method{acquiring.MethodSBP}}
	assert.True(t, sbp.Only(acquiring.MethodSBP))
	assert.False(t, sbp.Only(acquiring.MethodCard))
	assert.False(t, acquiring.InvoiceRequest{}.Only(acquiring.MethodSBP))
	assert.False(t, acquiring.InvoiceRequest{Methods: []acquiring.Method{acquiring.MethodSBP, acquiring.MethodCard}}.Only(acquiring.MethodSBP))
}

func TestCaptureRequestValidate(t *testing.T) {
	require.NoError(t, acquiring.CaptureRequest{ID: "1"}.Validate())
	require.NoError(t, acquiring.CaptureRequest{ID: "1", Amount: 100, Receipt: receiptOf(100)}.Validate())
	require.NoError(t, acquiring.CaptureRequest{ID: "1", Receipt: receiptOf(100)}.Validate(), "the rest is not known here")
	invalid(t, acquiring.CaptureRequest{}.Validate(), "ID")
	invalid(t, acquiring.CaptureRequest{ID: "1", Amount: -1}.Validate(), "Amount")
	invalid(t, acquiring.CaptureRequest{ID: "1", Amount: 99, Receipt: receiptOf(100)}.Validate(), "Receipt")
	invalid(t, acquiring.CaptureRequest{ID: "1", Receipt: &fiscal.Receipt{}}.Validate(), "Receipt")
}

func TestRefundRequestValidate(t *testing.T) {
	require.NoError(t, acquiring.RefundRequest{ID: "1", Key: "r-1"}.Validate())
	require.NoError(t, acquiring.RefundRequest{ID: "1", Key: "возврат 1", Amount: 100, Receipt: receiptOf(100)}.Validate())
	invalid(t, acquiring.RefundRequest{Key: "r-1"}.Validate(), "ID")
	invalid(t, acquiring.RefundRequest{ID: "1"}.Validate(), "Key")
	invalid(t, acquiring.RefundRequest{ID: "1", Key: "a\x00"}.Validate(), "Key")
	invalid(t, acquiring.RefundRequest{ID: "1", Key: "r-1", Amount: -1}.Validate(), "Amount")
	invalid(t, acquiring.RefundRequest{ID: "1", Key: "r-1", Amount: 101, Receipt: receiptOf(100)}.Validate(), "Receipt")
	invalid(t, acquiring.RefundRequest{ID: "1", Key: "r-1", Receipt: &fiscal.Receipt{}}.Validate(), "Receipt")
}

func TestChargeRequestValidate(t *testing.T) {
	good := acquiring.ChargeRequest{
		OrderID: "A-8", Token: "t", Amount: 100, Currency: "RUB", Description: "June", Customer: acquiring.Customer{ID: "C-1"},
		IP: "203.0.113.7", CallbackURL: "https://shop.example/hook", Hold: true, Receipt: receiptOf(100),
		Metadata: map[string]string{"a": "b"}, Extra: map[string]string{"c": "d"},
	}
	require.NoError(t, good.Validate())
	assert.Equal(t, acquiring.InvoiceRequest{
		OrderID: "A-8", Amount: 100, Currency: "RUB", Description: "June", Customer: acquiring.Customer{ID: "C-1"},
		CallbackURL: "https://shop.example/hook", Hold: true, Receipt: good.Receipt, Metadata: good.Metadata, Extra: good.Extra,
	}, good.Invoice())
	for field, change := range map[string]func(*acquiring.ChargeRequest){
		"Token":       func(r *acquiring.ChargeRequest) { r.Token = "" },
		"OrderID":     func(r *acquiring.ChargeRequest) { r.OrderID = "" },
		"Amount":      func(r *acquiring.ChargeRequest) { r.Amount = 0 },
		"CallbackURL": func(r *acquiring.ChargeRequest) { r.CallbackURL = "/hook" },
		"Receipt":     func(r *acquiring.ChargeRequest) { r.Receipt = receiptOf(99) },
	} {
		r := good
		change(&r)
		invalid(t, r.Validate(), field)
	}
}

func TestAttempt(t *testing.T) {
	for _, c := range []struct {
		number, order string
		n             int
	}{
		{"A-7", "A-7", 1}, {"A-7_2", "A-7", 2}, {"A-7_10", "A-7", 10}, {"A_7_3", "A_7", 3}, {"заказ_2", "заказ", 2},
	} {
		assert.Equal(t, c.number, acquiring.Attempt(c.order, c.n))
		order, n := acquiring.SplitAttempt(c.number)
		assert.Equal(t, c.order, order)
		assert.Equal(t, c.n, n)
	}
	order, n := acquiring.SplitAttempt("2026_15")
	assert.Equal(t, "2026", order, "a shop with such numbers must not ask")
	assert.Equal(t, 15, n)
	assert.Equal(t, "A-7", acquiring.Attempt("A-7", 0))
	assert.Equal(t, "A-7", acquiring.Attempt("A-7", -3))
	for _, whole := range []string{"", "_", "_2", "A_", "A_0", "A_1", "A_02", "A_+2", "A_-2", "A_ 2", "A_2x", "A_٢", "A_99999999999999999999"} {
		order, n := acquiring.SplitAttempt(whole)
		assert.Equal(t, whole, order, "not what Attempt writes")
		assert.Equal(t, 1, n)
	}
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{
		"", "https://shop.example", "http://127.0.0.1:8080/paid?order=1", "HTTPS://shop.example/a%20b", "https://магазин.рф/оплата", "https://[::1]:8443/",
	} {
		assert.NoError(t, acquiring.CheckURL("ReturnURL", good), good)
	}
	for _, bad := range []string{
		"shop.example", "//shop.example", "/paid", "https://", "https:///paid", "https://?a=b", "https:shop.example", "https://:443/paid", "ftp://shop.example",
		"javascript:alert(1)", "https://shop.example/\n", "https://shop example/", "https://%zz", "https://shop.example/\xff", " https://shop.example",
	} {
		invalid(t, acquiring.CheckURL("ReturnURL", bad), "ReturnURL")
	}
}

func FuzzSplitAttempt(f *testing.F) {
	for _, s := range []string{"A-7_2", "A_02", "A_+2", "_2", "A__3", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		order, n := acquiring.SplitAttempt(s)
		if n < 1 {
			t.Fatalf("attempt %d", n)
		}
		if back := acquiring.Attempt(order, n); back != s {
			t.Fatalf("SplitAttempt(%q) is %q, %d, and Attempt of that is %q", s, order, n, back)
		}
	})
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://shop.example/paid", "https://:443", "//x", "http://[::1]", "https://a@b", "https:///a", "http://a?b=c&d#e", "https://A.b-c/d_e/?", "https://a%", "https://a:8o", "https://?a=b", "https://#a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := acquiring.CheckURL("F", s)
		// Most addresses pass without being parsed: the rule is the parser's.
		u, parseErr := url.Parse(s)
		good := parseErr == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
		if good != (err == nil) && s != "" {
			t.Fatalf("%q: %v, but the parser says %v", s, err, good)
		}
		if err != nil {
			invalid(t, err, "F")
			return
		}
		if s == "" {
			return
		}
		low := strings.ToLower(s)
		if !strings.HasPrefix(low, "https://") && !strings.HasPrefix(low, "http://") {
			t.Fatalf("%q passes", s)
		}
		if strings.ContainsAny(s, "\r\n\x00") {
			t.Fatalf("%q passes with control characters", s)
		}
	})
}
