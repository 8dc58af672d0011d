package paykeeper

import (
	"context"
	"encoding/json"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

func kettle() Cart {
	return Cart{{Name: "Kettle", Price: money.RUB(1499, 90), Quantity: fiscal.Pieces(1), Sum: money.RUB(1499, 90), Tax: "none", ItemType: "goods", PaymentType: "full"}}
}

// The worked examples of the specification, byte for byte.
func TestRequestsByteForByte(t *testing.T) {
	for _, tt := range []struct {
		file, path string
		call       func(c *Client) error
	}{
		{"preview.form", "/change/invoice/preview/", func(c *Client) error {
			_, err := c.PreviewInvoice(bg(t), PreviewRequest{Amount: money.RUB(1499, 90), ClientID: "Иванов Иван", OrderID: "ORD-17",
				ClientEmail: "buyer@lavka.example", Service: ServiceName{Text: "Заказ", Cart: kettle()}, Expiry: time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)})
			return err
		}},
		{"print.form", "/change/receipt/print/", func(c *Client) error {
			_, _, err := c.PrintReceipt(bg(t), PrintRequest{Type: "sale", Contact: "buyer@lavka.example", Sums: fiscal.Payments{Cashless: money.RUB(1499, 90)},
				Cart: kettle(), Key: "ORD-17-sale"})
			return err
		}},
		{"print.form", "/change/receipt/print/", func(c *Client) error {
			_, err := c.Submit(bg(t), sale("ORD-17-sale"))
			return err
		}},
		{"reverse.form", "/change/payment/reverse/", func(c *Client) error {
			return c.Reverse(bg(t), ReverseRequest{ID: "4711", Amount: money.RUB(200, 0), Partial: true,
				Cart: Cart{{Name: "Доставка", Price: money.RUB(200, 0), Quantity: fiscal.Pieces(1), Sum: money.RUB(200, 0), Tax: "none", ItemType: "service", PaymentType: "full"}}})
		}},
		{"binding.form", "/change/binding/execute/", func(c *Client) error {
			_, err := c.ExecuteBinding(bg(t), BindingRequest{BankID: "5f0c", OrderID: "SUB-3", Amount: money.RUB(250, 0), ClientID: "user-9"})
			return err
		}},
	} {
		f := newFake(t)
		f.mu.Lock()
		f.pay("ORD-17", "1499.90", "")
		f.mu.Unlock()
		require.NoError(t, tt.call(f.client()), tt.file)
		calls := f.calls(tt.path)
		require.Len(t, calls, 1)
		assert.Equal(t, golden(t, tt.file), calls[0].body)
		assert.Equal(t, "POST", calls[0].method)
	}
}

func admin(call func(*Client, context.Context, map[string]string) (json.RawMessage, error)) func(*Client) error {
	return func(c *Client) error {
		_, err := call(c, context.Background(), map[string]string{"a": "1"})
		return err
	}
}

// Every other call: its method, its address, and all that it sends.
func TestCalls(t *testing.T) {
	day := time.Date(2026, 11, 1, 12, 0, 0, 0, moscow)
	end := time.Date(2026, 11, 21, 12, 0, 0, 0, moscow)
	for _, tt := range []struct {
		path, sent, answer string
		call               func(c *Client) error
	}{
		{"/info/invoice/byid/", "id=20261121101530123", golden(t, "invoice.json"), func(c *Client) error {
			_, err := c.Invoice(bg(t), "20261121101530123")
			return err
		}},
		{"/info/invoice/list/", "start_date=2026-11-01&end_date=2026-11-21&from=0&limit=100&status[]=sent&status[]=paid", `[]`, func(c *Client) error {
			for _, err := range c.Invoices(bg(t), InvoiceFilter{From: day, To: end, Statuses: []InvoiceStatus{InvoiceSent, InvoicePaid}}) {
				return err
			}
			return nil
		}},
		{"/info/invoice/listcount/", "start_date=2026-11-01&end_date=2026-11-21&status[]=created&status[]=sent&status[]=paid&status[]=expired", golden(t, "invoice_counts.json"), func(c *Client) error {
			counts, err := c.CountInvoices(bg(t), InvoiceFilter{From: day, To: end})
			if err == nil {
				assert.Equal(t, map[InvoiceStatus]int{InvoicePaid: 12, InvoiceSent: 3}, counts.ByStatus)
				assert.Equal(t, 15, counts.Total)
			}
			return err
		}},
		{"/info/invoice/search/", "query=ORD-17&start_date=2026-11-01&beg_date=2026-11-01&end_date=2026-11-21", `[]`, func(c *Client) error {
			_, err := c.SearchInvoices(bg(t), "ORD-17", day, end)
			return err
		}},
		{"/change/invoice/send/", "id=20261121101530123", `{"result":"success"}`, func(c *Client) error { return c.SendInvoice(bg(t), "20261121101530123") }},
		{"/change/invoice/revoke/", "id=20261121101530123", `[{"result":"success"}]`, func(c *Client) error { return c.RevokeInvoice(bg(t), "20261121101530123") }},
		{"/change/invoice/accept-cash/", "id=20261121101530123", `{"result":"success"}`, func(c *Client) error { return c.AcceptCash(bg(t), "20261121101530123") }},
		{"/info/payments/byid/", "id=4711&advanced=true", golden(t, "payment.json"), func(c *Client) error {
			p, err := c.Payment(bg(t), "4711")
			if err == nil {
				assert.Equal(t, money.RUB(1499, 90), p.Amount)
				assert.Equal(t, PaymentSuccess, p.Status)
				assert.Equal(t, 1, p.Attempts)
				assert.True(t, p.SucceededAt.Equal(time.Date(2026, 11, 21, 7, 19, 3, 0, time.UTC)), "times are Moscow's")
			}
			return err
		}},
		{"/info/payments/bydate/", "start=2026-11-01&end=2026-11-21&from=0&limit=100&payment_system_id[]=94&status[]=success&query=ORD-17", golden(t, "payment.json"), func(c *Client) error {
			for p, err := range c.Payments(bg(t), PaymentFilter{From: day, To: end, Systems: []string{"94"}, Statuses: []PaymentStatus{PaymentSuccess}, QueryText: "ORD-17"}) {
				assert.Equal(t, PaymentID("4711"), p.ID)
				return err
			}
			t.Error("no payment came")
			return nil
		}},
		{"/info/payments/search/", "query=ORD-17&beg_date=2026-11-01&end_date=2026-11-21", `[]`, func(c *Client) error {
			_, err := c.SearchPayments(bg(t), "ORD-17", day, end)
			return err
		}},
		{"/info/options/byid/", "id=4711", `{"CARD_NUMBER":"5100477280013333","APPROVAL_CODE":"123456","RRN":632512345678,"3DSECURE":"Y"}`, func(c *Client) error {
			o, err := c.PaymentOptions(bg(t), "4711")
			if err == nil {
				assert.Equal(t, "510047******3333", o.CardNumber)
				assert.NotContains(t, string(o.Fields["CARD_NUMBER"]), "728001")
				assert.Equal(t, []string{"123456", "632512345678", "Y"}, []string{o.ApprovalCode, o.RRN, o.ThreeDSecure})
			}
			return err
		}},
		{"/info/refunds/bypaymentid/", "id=4711", golden(t, "refunds.json"), func(c *Client) error {
			refunds, err := c.Refunds(bg(t), "4711")
			if assert.Len(t, refunds, 1) {
				assert.Equal(t, RefundID("15"), refunds[0].ID)
				assert.Equal(t, money.RUB(1299, 90), refunds[0].Remainder)
				assert.Equal(t, acquiring.RefundDone, refundStatus(refunds[0].Status))
			}
			return err
		}},
		{"/change/payment/capture/", "id=4711", `[{"result":"success","total":"1499.90","captured":1499.9}]`, func(c *Client) error {
			res, err := c.Capture(bg(t), "4711")
			if err == nil {
				assert.Equal(t, money.RUB(1499, 90), res.Captured)
				assert.Equal(t, money.RUB(1499, 90), res.Total)
			}
			return err
		}},
		{"/change/payment/repeatcnt/", "id=4711", `{"result":"success"}`, func(c *Client) error { return c.RepeatNotification(bg(t), "4711") }},
		{"/change/payment/post-sale-receipt/", "id=4711", `[{"result":"success","receipt_id":8813}]`, func(c *Client) error {
			id, err := c.PostSaleReceipt(bg(t), "4711")
			assert.Equal(t, ReceiptID("8813"), id)
			return err
		}},
		{"/info/receipts/bydate/", "start=2026-11-01&end=2026-11-21&sum_type[0]=sum_cashless&status[0]=created&status[1]=success&from=0&limit=100", `[]`, func(c *Client) error {
			for _, err := range c.Receipts(bg(t), ReceiptFilter{From: day, To: end, SumTypes: []string{"sum_cashless"}}) {
				return err
			}
			return nil
		}},
		{"/info/receipts/bydatecount/", "start=2026-11-01&end=2026-11-21&sum_type[0]=sum_cash&status[0]=success", `{"sale":3}`, func(c *Client) error {
			_, err := c.CountReceipts(bg(t), ReceiptFilter{From: day, To: end, SumTypes: []string{"sum_cash"}, Statuses: []ReceiptStatus{ReceiptSuccess}})
			return err
		}},
		{"/info/receipts/bypaymentid/", "payment_id=4711&id=4711", `[{"id":"8810","fop_receipt_key":"Ab3_xY-9"}]`, func(c *Client) error {
			list, err := c.PaymentReceipts(bg(t), "4711")
			if assert.Len(t, list, 1) {
				assert.Equal(t, c.rest.BaseURL()+"/receipt/Ab3_xY-9/?rc_id=8810", c.ReceiptURL(list[0].PageKey, list[0].ID))
			}
			return err
		}},
		{"/info/receipts/byid/", "id=8812", golden(t, "receipt.json"), func(c *Client) error {
			doc, err := c.GetDocument(bg(t), "8812")
			if err == nil {
				assert.Equal(t, &fiscal.FiscalData{FN: "9960440300112233", FD: "4521", FP: "2718281828", Shift: 87, Number: 14, RegNumber: "0001234567012345",
					Time: time.Date(2026, 11, 21, 10, 19, 0, 0, moscow), Total: money.RUB(1499, 90), Type: fiscal.Sale,
					URL: c.rest.BaseURL() + "/receipt/b3c1e2a4-0000-4000-8000-0a1b2c3d4e5f/?rc_id=8812"}, doc.Fiscal)
				assert.Equal(t, "ORD-17-sale", doc.ReceiptID)
			}
			return err
		}},
		{"/info/receipts/search/", "fn=9960440300112233&fnd=4521", `{"result":"fail","msg":"Чеки не найдены"}`, func(c *Client) error {
			list, err := c.SearchReceipts(bg(t), map[string]string{"fnd": "4521", "fn": "9960440300112233"})
			assert.Empty(t, list)
			return err
		}},
		{"/info/itemcode/check/", "code=1", `{"ok":true}`, func(c *Client) error {
			_, err := c.CheckItemCode(bg(t), map[string]string{"code": "1"})
			return err
		}},
		{"/info/systems/list/", "", `[{"id":"94","system_description":"Банк, интернет-эквайринг","site_description":"Банковская карта"}]`, func(c *Client) error {
			systems, err := c.PaymentSystems(bg(t))
			if assert.Len(t, systems, 1) {
				assert.Equal(t, "94", systems[0].ID)
			}
			return err
		}},
		{"/info/systems/sums/", "start=2026-11-01&end=2026-11-21", `[{"id":"94","success":"10.50","account":0,"stuck":"1","currency":"RUB"}]`, func(c *Client) error {
			sums, err := c.SystemSums(bg(t), day, end)
			if assert.Len(t, sums, 1) {
				assert.Equal(t, []money.Amount{1050, 0, 100}, []money.Amount{sums[0].Success, sums[0].Account, sums[0].Stuck})
			}
			return err
		}},
		{"/info/errors/total/", "", golden(t, "errors_total.json"), func(c *Client) error {
			counts, err := c.ErrorCounts(bg(t))
			if err == nil {
				assert.Equal(t, 3, counts.Total)
				assert.Equal(t, []ErrorCount{{Code: "116", Message: "Недостаточно средств", Count: 2}}, counts.Groups)
			}
			return err
		}},
		{"/info/organization/settings/", "", `{"name":"Лавка"}`, func(c *Client) error { _, err := c.OrganizationSettings(bg(t)); return err }},
		{"/info/settings/service-token", "service=catalog&user=lavka", `{"result":"success","token":"a.b.c"}`, func(c *Client) error {
			token, err := c.ServiceToken(bg(t), "catalog", "lavka")
			assert.Equal(t, "a.b.c", token)
			return err
		}},
		{"/change/organization/setting/", "a=1", `{"result":"success"}`, admin((*Client).SetOrganizationSetting)},
		{"/change/organization/formfield/", "a=1", `{"result":"success"}`, admin((*Client).SetFormField)},
		{"/change/organization/addreportemail/", "a=1", `{"result":"success"}`, admin((*Client).AddReportEmail)},
		{"/change/organization/deletereportemail/", "a=1", `{"result":"success"}`, admin((*Client).DeleteReportEmail)},
		{"/change/user/add/", "a=1", `{"result":"success"}`, admin((*Client).AddUser)},
		{"/change/user/update/", "a=1", `{"result":"success"}`, admin((*Client).UpdateUser)},
		{"/change/user/delete/", "a=1", `{"result":"success"}`, admin((*Client).DeleteUser)},
		{"/order/inline/", "clientid=Иванов&orderid=A-1&sum=10.00&client_phone=+79990001122&phone=+79990001122", `<form></form>`, func(c *Client) error {
			text, err := c.InlineForm(bg(t), PaymentForm{Amount: money.RUB(10, 0), ClientID: "Иванов", OrderID: "A-1", ClientPhone: "+79990001122"})
			assert.Equal(t, "<form></form>", text)
			return err
		}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			f := newFake(t)
			f.answers[tt.path] = tt.answer
			require.NoError(t, tt.call(f.client()))
			calls := f.calls(tt.path)
			require.NotEmpty(t, calls)
			want, got := "GET", calls[0].query
			if !strings.HasPrefix(tt.path, "/info/") {
				want, got = "POST", calls[0].body
			}
			assert.Equal(t, want, calls[0].method)
			if strings.HasPrefix(tt.path, "/change/") {
				tt.sent += "&token=" + testToken
			}
			text, err := url.QueryUnescape(got)
			require.NoError(t, err)
			assert.Equal(t, tt.sent, text)
			for _, p := range strings.Split(got, "&") {
				assert.False(t, strings.HasSuffix(p, "="), "an empty parameter: %s", p)
			}
		})
	}
}

func TestBadNumbersAreNotSent(t *testing.T) {
	f := newFake(t)
	c := f.client()
	for name, err := range map[string]error{
		"order number for a payment": func() error { _, err := c.Payment(bg(t), "ORD-17"); return err }(),
		"empty payment":              c.RepeatNotification(bg(t), ""),
		"invoice":                    c.SendInvoice(bg(t), "1&id=2"),
		"read invoice":               func() error { _, err := c.Invoice(bg(t), ""); return err }(),
		"receipt":                    func() error { _, err := c.Receipt(bg(t), "x"); return err }(),
		"document":                   func() error { _, err := c.GetDocument(bg(t), ""); return err }(),
		"receipts of a payment":      func() error { _, err := c.PaymentReceipts(bg(t), "x"); return err }(),
		"options":                    func() error { _, err := c.PaymentOptions(bg(t), "x"); return err }(),
		"refunds":                    func() error { _, err := c.Refunds(bg(t), "x"); return err }(),
		"capture":                    func() error { _, err := c.Capture(bg(t), "x"); return err }(),
		"post-sale":                  func() error { _, err := c.PostSaleReceipt(bg(t), "x"); return err }(),
		"reverse":                    c.Reverse(bg(t), ReverseRequest{ID: "x", Amount: 1}),
		"reverse nothing":            c.Reverse(bg(t), ReverseRequest{ID: "1"}),
		"reverse another cart":       c.Reverse(bg(t), ReverseRequest{ID: "1", Amount: 1, Cart: kettle()}),
		"reverse with a token":       c.Reverse(bg(t), ReverseRequest{ID: "1", Amount: 1, Extra: map[string]string{"token": "x"}}),
		"reverse with another id":    c.Reverse(bg(t), ReverseRequest{ID: "1", Amount: 1, Extra: map[string]string{"id": "2"}}),
		"search nothing":             func() error { _, err := c.SearchPayments(bg(t), "", today, today); return err }(),
		"search no invoice":          func() error { _, err := c.SearchInvoices(bg(t), "", today, today); return err }(),
		"free invoice":               func() error { _, err := c.PreviewInvoice(bg(t), PreviewRequest{}); return err }(),
		"inline for nothing":         func() error { _, err := c.InlineForm(bg(t), PaymentForm{}); return err }(),
		"binding without a card":     func() error { _, err := c.ExecuteBinding(bg(t), BindingRequest{Amount: 1}); return err }(),
		"binding for nothing":        func() error { _, err := c.ExecuteBinding(bg(t), BindingRequest{BankID: "1"}); return err }(),
		"binding another cart": func() error {
			_, err := c.ExecuteBinding(bg(t), BindingRequest{BankID: "1", Amount: 1, Cart: kettle()})
			return err
		}(),
		"print without type":    func() error { _, _, err := c.PrintReceipt(bg(t), PrintRequest{}); return err }(),
		"print without contact": func() error { _, _, err := c.PrintReceipt(bg(t), PrintRequest{Type: "sale"}); return err }(),
		"print without cart":    func() error { _, _, err := c.PrintReceipt(bg(t), PrintRequest{Type: "sale", Contact: "a"}); return err }(),
		"print another sum": func() error {
			_, _, err := c.PrintReceipt(bg(t), PrintRequest{Type: "sale", Contact: "a", Cart: kettle()})
			return err
		}(),
		"print for no payment": func() error {
			_, _, err := c.PrintReceipt(bg(t), PrintRequest{Type: "sale", Contact: "a", Cart: kettle(), Sums: fiscal.Payments{Cash: money.RUB(1499, 90)}, PaymentID: "x"})
			return err
		}(),
		"form for nothing":    func() error { _, err := c.SignForm(PaymentForm{}); return err }(),
		"form another cart":   func() error { _, err := c.SignForm(PaymentForm{Amount: 1, Cart: kettle()}); return err }(),
		"form binding nobody": func() error { _, err := c.SignForm(PaymentForm{Amount: 1, CreateBinding: true}); return err }(),
	} {
		e := wantError(t, err, acquiring.ErrInvalid, acquiring.OutcomeNotSent)
		assert.NotEmpty(t, e.Field, name)
	}
	assert.Empty(t, f.calls("/"))
}

// The lists need both days (2.1, 5.3, 8.1): one that is left out was sent as
// the year 1, and the service found nothing.
func TestListsNeedBothDays(t *testing.T) {
	f := newFake(t)
	c := f.client()
	var zero time.Time
	for name, ask := range map[string]func(from, to time.Time) error{
		"payments": func(from, to time.Time) error {
			for _, err := range c.Payments(bg(t), PaymentFilter{From: from, To: to}) {
				return err
			}
			return nil
		},
		"receipts": func(from, to time.Time) error {
			for _, err := range c.Receipts(bg(t), ReceiptFilter{From: from, To: to}) {
				return err
			}
			return nil
		},
		"count": func(from, to time.Time) error {
			_, err := c.CountReceipts(bg(t), ReceiptFilter{From: from, To: to})
			return err
		},
		"sums":            func(from, to time.Time) error { _, err := c.SystemSums(bg(t), from, to); return err },
		"search payments": func(from, to time.Time) error { _, err := c.SearchPayments(bg(t), "ORD-17", from, to); return err },
		"search invoices": func(from, to time.Time) error { _, err := c.SearchInvoices(bg(t), "ORD-17", from, to); return err },
	} {
		t.Run(name, func(t *testing.T) {
			e := wantError(t, ask(zero, today), acquiring.ErrInvalid, acquiring.OutcomeNotSent)
			assert.Equal(t, "From", e.Field)
			e = wantError(t, ask(today, zero), acquiring.ErrInvalid, acquiring.OutcomeNotSent)
			assert.Equal(t, "To", e.Field)
		})
	}
	assert.Empty(t, f.calls("/"))
}

// The vectors F1 and F2 of the specification.
func TestFormVectors(t *testing.T) {
	c := offline(t)
	f, err := c.SignForm(PaymentForm{Amount: money.RUB(1499, 90), ClientID: "Иванов Иван", OrderID: "ORD-17", ClientEmail: "buyer@lavka.example", ClientPhone: "+79990001122"})
	require.NoError(t, err)
	sign, _ := f.Fields.Get("sign")
	assert.Equal(t, "4227a80e8d02002cf683d4643e7e4aa41d5a748e638d36545f4510ccafcbd239", sign)
	assert.Equal(t, "https://lavka.server.paykeeper.ru/create/", f.Action)
	f, err = c.SignForm(PaymentForm{Amount: money.RUB(250, 0), OrderID: "ORD-18", Service: ServiceName{Text: "Оплата заказа №18"}})
	require.NoError(t, err)
	sign, _ = f.Fields.Get("sign")
	assert.Equal(t, "626d0457e2efdca7b994e2351925c448ebeb1e2721748615beac56ac13fece75", sign)
	f, err = c.SignForm(PaymentForm{Amount: money.RUB(1499, 90), ClientID: `"><script>`, Cart: kettle(), System: "sbp_default", Lang: "ru",
		ReturnURL: "https://lavka.example/", CreateBinding: true})
	require.NoError(t, err)
	html := f.HTML("Оплатить")
	assert.NotContains(t, html, "<script>")
	for _, name := range []string{"cart", "pstype", "lang", "user_result_callback", "msgtype", "sign"} {
		assert.Contains(t, html, `name="`+name+`"`)
	}
}

func TestListsPageAndEnd(t *testing.T) {
	f := newFake(t)
	for i := range 250 {
		f.payments = append(f.payments, obj{"id": strconv.Itoa(i), "status": "success", "pay_amount": "1.00"})
	}
	count := func(c *Client) (n int) {
		for _, err := range c.Payments(bg(t), PaymentFilter{From: today, To: today}) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	assert.Equal(t, 250, count(f.client()))
	assert.Len(t, f.calls("/info/payments/bydate/"), 3)

	// A service that knows no offset gives the same page for ever.
	same := newFake(t)
	same.answers["/info/receipts/bydate/"] = "[" + strings.TrimSuffix(strings.Repeat(`{"id":"1"},`, 100), ",") + "]"
	n := 0
	for range same.client().Receipts(bg(t), ReceiptFilter{From: today, To: today}) {
		n++
	}
	assert.Equal(t, 1, n)
	assert.Len(t, same.calls("/info/receipts/bydate/"), 2)

	broke := newFake(t)
	broke.answers["/info/payments/bydate/"] = `[{"id":"1","pay_amount":"x"}]`
	for _, err := range broke.client().Payments(bg(t), PaymentFilter{From: today, To: today}) {
		require.ErrorIs(t, err, acquiring.ErrProtocol)
	}
}

func TestUnknownPayment(t *testing.T) {
	for _, body := range []string{`[]`, `{"result":"fail","msg":"Платёж не найден"}`, `{"result":"fail","msg":"нет данных"}`, `{}`} {
		f := newFake(t)
		f.answers["/info/payments/byid/"] = body
		_, err := f.client().Acquirer().GetStatus(bg(t), "4711")
		wantError(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	}
}

func TestReadsAreRepeated(t *testing.T) {
	f := newFake(t)
	f.mu.Lock()
	id := f.pay("A-1", "10.00", "")["id"].(string)
	f.mu.Unlock()
	f.fail("/info/payments/byid/", lost)
	p, err := f.client().Payment(bg(t), PaymentID(id))
	require.NoError(t, err)
	assert.Equal(t, money.RUB(10, 0), p.Amount)
}

// sumRune is a sum as package big reads it.
func sumRune(r rune) rune {
	switch r {
	case ' ', '\u00a0', '\u202f', '\u2009':
		return -1
	case ',':
		return '.'
	}
	return r
}

func FuzzAnswer(f *testing.F) {
	c, err := New(testConfig("https://lavka.server.paykeeper.ru"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"invoice.json", "payment.json", "refunds.json", "receipt.json", "cart_whole.json"} {
		f.Add(golden(f, name))
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, read := range []func() (int, error){
			func() (int, error) { rows, err := each(c, "x", []byte(body), readInvoice); return len(rows), err },
			func() (int, error) { rows, err := each(c, "x", []byte(body), readPayment); return len(rows), err },
			func() (int, error) { rows, err := each(c, "x", []byte(body), readRefund); return len(rows), err },
			func() (int, error) { rows, err := each(c, "x", []byte(body), readReceipt); return len(rows), err },
			func() (int, error) { rows, err := each(c, "x", []byte(body), readSystem); return len(rows), err },
		} {
			n, err := read()
			if err != nil {
				assert.ErrorIs(t, err, acquiring.ErrProtocol)
			} else if strings.TrimSpace(body) != "" && !json.Valid([]byte(strings.TrimSpace(body))) {
				t.Fatalf("%d rows of what is no JSON: %q", n, body)
			}
		}
		// A sum is what the standard library finds under its name, exactly.
		rows, err := c.rows("x", []byte(body))
		for _, r := range rows {
			text := r.text("sum")
			got := r.amount("sum")
			exact, ok := new(big.Rat).SetString(strings.Map(sumRune, text))
			if err == nil && r.err == nil && text != "" && (!ok || exact.Cmp(big.NewRat(int64(got), 100)) != 0) {
				t.Fatalf("%q is %s", text, got)
			}
			if r.err != nil {
				require.Zero(t, got)
			}
		}
		if cart, err := ParseCart([]byte(body)); err == nil {
			text, err := cart.encode()
			require.NoError(t, err)
			again, err := ParseCart([]byte(text))
			require.NoError(t, err, text)
			twice, err := again.encode()
			require.NoError(t, err)
			require.Equal(t, text, twice)
			for i := range cart {
				require.Equal(t, cart[i].Sum, again[i].Sum)
				require.Equal(t, cart[i].Price, again[i].Price)
				require.Equal(t, cart[i].Quantity, again[i].Quantity)
			}
		}
		if s, err := ParseServiceName(body); err == nil && !strings.HasPrefix(strings.TrimSpace(body), "{") {
			require.Equal(t, ServiceName{Text: body}, s)
		}
		_, _ = receiptNumber("", []byte(body))
		var v any
		if json.Unmarshal([]byte(body), &v) == nil {
			var qr acquiring.QR
			findQR(v, &qr, 0)
			if u, err := url.Parse(qr.Payload); qr.Payload != "" && (err != nil || u.Scheme != "https" || u.Hostname() != "nspk.ru" && !strings.HasSuffix(u.Hostname(), ".nspk.ru")) {
				t.Fatalf("%q is a code of СБП", qr.Payload)
			}
		}
	})
}
