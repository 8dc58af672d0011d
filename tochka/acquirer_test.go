package tochka

import (
	"context"
	"encoding/json"
	"fmt"
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

func TestInvoiceIsAsInTheManual(t *testing.T) {
	b := school(t).on(create, fixture(t, "created.json"))
	c := b.client()
	inv, err := c.CreateInvoice(t.Context(), order())
	require.NoError(t, err)
	got := b.last(create)
	wantJSON(t, "create_payment.json", got)
	assert.Contains(t, got.body, `"amount":1490.50,`, "a fixed-point literal")
	assert.Equal(t, acquiring.PaymentID(opID), inv.ID)
	assert.Equal(t, "https://merch.securepaytb.ru/order/?uuid="+opID, inv.PayURL)
	assert.Equal(t, money.RUB(1490, 50), inv.Amount)
	assert.WithinDuration(t, time.Now().Add(24*time.Hour), inv.ExpiresAt, time.Minute)
	assert.True(t, json.Valid(inv.Raw))

	_, err = c.CreateInvoice(t.Context(), order())
	require.NoError(t, err)
	assert.Len(t, b.calls(points), 1, "the retail points are kept")
}

func TestInvoiceWithReceiptIsAsInTheManual(t *testing.T) {
	b := school(t).on(createReceipt, fixture(t, "created.json"))
	r := lesson()
	_, err := b.client().CreateInvoice(t.Context(), r)
	require.NoError(t, err)
	wantJSON(t, "create_receipt.json", b.last(createReceipt))
	assert.Empty(t, r.Receipt.Contact.Email, "the caller's receipt is his own")
}

func TestModesAreThoseOfTheRetailPoint(t *testing.T) {
	b := school(t).on(create, fixture(t, "created.json"))
	c := b.client()
	modes := func(change func(*acquiring.InvoiceRequest)) string {
		t.Helper()
		r := order()
		change(&r)
		_, err := c.CreateInvoice(t.Context(), r)
		require.NoError(t, err)
		var body struct {
			Data struct{ PaymentMode json.RawMessage }
		}
		require.NoError(t, json.Unmarshal([]byte(b.last(create).body), &body))
		return string(body.Data.PaymentMode)
	}
	assert.Equal(t, `["card","sbp","tinkoff"]`, modes(func(r *acquiring.InvoiceRequest) { r.Methods = nil }))
	assert.Equal(t, `["sbp"]`, modes(func(r *acquiring.InvoiceRequest) { r.Methods = []acquiring.Method{acquiring.MethodSBP} }))
	assert.Equal(t, `["sbp"]`, modes(func(r *acquiring.InvoiceRequest) {
		r.Methods = []acquiring.Method{acquiring.MethodInstallment, acquiring.MethodSBP, acquiring.MethodSBP}
	}), "a mode that the point lacks would refuse the whole")
	assert.Equal(t, `["card"]`, modes(func(r *acquiring.InvoiceRequest) { r.Hold = true }))

	r := order()
	r.Methods = []acquiring.Method{acquiring.MethodInstallment}
	_, err := c.CreateInvoice(t.Context(), r)
	e := asError(t, err)
	assert.Equal(t, "Methods", e.Field)
	assert.Contains(t, e.Message, "Школа на Тверской")
}

func TestInvoiceRefusedBeforeSending(t *testing.T) {
	b := school(t)
	c := b.client()
	with := func(change func(*acquiring.InvoiceRequest)) func() (acquiring.InvoiceRequest, *Client) {
		return func() (acquiring.InvoiceRequest, *Client) { r := lesson(); change(&r); return r, c }
	}
	line := func(change func(*fiscal.Line)) func() (acquiring.InvoiceRequest, *Client) {
		return with(func(r *acquiring.InvoiceRequest) { change(&r.Receipt.Lines[0]) })
	}
	for name, tt := range map[string]struct {
		make  func() (acquiring.InvoiceRequest, *Client)
		field string
		kind  error
	}{
		"no e-mail":              {with(func(r *acquiring.InvoiceRequest) { r.Customer.Email = "" }), "Customer.Email", acquiring.ErrInvalid},
		"a long order number":    {with(func(r *acquiring.InvoiceRequest) { r.OrderID = strings.Repeat("ж", 46) }), "OrderID", acquiring.ErrInvalid},
		"dollars":                {with(func(r *acquiring.InvoiceRequest) { r.Currency = "USD" }), "Currency", acquiring.ErrInvalid},
		"a life of a second":     {with(func(r *acquiring.InvoiceRequest) { r.TTL = time.Second }), "TTL", acquiring.ErrInvalid},
		"a life of 32 days":      {with(func(r *acquiring.InvoiceRequest) { r.TTL = 32 * 24 * time.Hour }), "TTL", acquiring.ErrInvalid},
		"a long address":         {with(func(r *acquiring.InvoiceRequest) { r.ReturnURL = "https://a.example/" + strings.Repeat("x", 2083) }), "ReturnURL", acquiring.ErrInvalid},
		"an unknown field":       {with(func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"phone": "1"} }), "Extra", acquiring.ErrInvalid},
		"an unknown method":      {with(func(r *acquiring.InvoiceRequest) { r.Methods = []acquiring.Method{acquiring.MethodSberPay} }), "Methods", acquiring.ErrInvalid},
		"another total":          {line(func(l *fiscal.Line) { l.Price++ }), "Receipt", acquiring.ErrInvalid},
		"20 % of VAT":            {line(func(l *fiscal.Line) { l.VAT = fiscal.VAT20 }), "Receipt", acquiring.ErrUnsupported},
		"20/120 of VAT":          {line(func(l *fiscal.Line) { l.VAT = fiscal.VAT20of120 }), "Receipt", acquiring.ErrUnsupported},
		"an advance":             {line(func(l *fiscal.Line) { l.Method = fiscal.Advance; l.Subject = fiscal.Payment }), "Receipt", acquiring.ErrUnsupported},
		"a bet":                  {line(func(l *fiscal.Line) { l.Subject = fiscal.GamblingBet }), "Receipt", acquiring.ErrUnsupported},
		"a country":              {line(func(l *fiscal.Line) { l.Country = "643" }), "Receipt", acquiring.ErrUnsupported},
		"an excise":              {line(func(l *fiscal.Line) { l.Excise = 1 }), "Receipt", acquiring.ErrUnsupported},
		"an attribute of a line": {line(func(l *fiscal.Line) { l.Attribute = "x" }), "Receipt", acquiring.ErrUnsupported},
		"an unknown unit":        {line(func(l *fiscal.Line) { l.UnitName = "бочка" }), "Receipt", acquiring.ErrUnsupported},
		"a marking code": {line(func(l *fiscal.Line) {
			l.Subject, l.Method, l.Price, l.Quantity = fiscal.GoodsCoded, fiscal.FullPayment, money.RUB(2400, 0), fiscal.Pieces(1)
			l.Mark = &fiscal.Mark{Code: "0104601234567893215ABCDEF"}
		}), "Receipt", acquiring.ErrUnsupported},
		"a commission agent": {with(func(r *acquiring.InvoiceRequest) {
			r.Receipt.Lines[1].Agent = &fiscal.Agent{Type: fiscal.CommissionAgent}
		}), "Receipt", acquiring.ErrUnsupported},
		"two phones of a supplier": {with(func(r *acquiring.InvoiceRequest) {
			r.Receipt.Lines[1].Supplier = &fiscal.Supplier{Name: "a", INN: "7707083893", Phones: []string{"+74950000000", "+74950000001"}}
		}), "Receipt", acquiring.ErrUnsupported},
		"paid in cash": {with(func(r *acquiring.InvoiceRequest) { r.Receipt.Payments = fiscal.Payments{Cash: r.Amount} }), "Receipt", acquiring.ErrUnsupported},
		"a buyer's INN": {with(func(r *acquiring.InvoiceRequest) {
			r.Receipt.Buyer = &fiscal.Buyer{Name: "ООО", INN: "7707083893"}
		}), "Receipt", acquiring.ErrUnsupported},
		"an attribute of the receipt": {with(func(r *acquiring.InvoiceRequest) { r.Receipt.Attribute = "x" }), "Receipt", acquiring.ErrUnsupported},
		"hold and save": {with(func(r *acquiring.InvoiceRequest) {
			r.Hold, r.SaveCard, r.Customer.ID, r.Methods = true, true, "u", nil
		}), "", acquiring.ErrUnsupported},
		"a hold by SBP": {with(func(r *acquiring.InvoiceRequest) { r.Hold = true }), "", acquiring.ErrUnsupported},
		"a life of a subscription": {with(func(r *acquiring.InvoiceRequest) {
			r.SaveCard, r.Customer.ID, r.Methods, r.TTL = true, "u", nil, time.Hour
		}), "", acquiring.ErrUnsupported},
		"no company": {func() (acquiring.InvoiceRequest, *Client) {
			return order(), b.client(func(c *Config) { c.CustomerCode = "" })
		}, "Config.CustomerCode", acquiring.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r, client := tt.make()
			_, err := client.CreateInvoice(t.Context(), r)
			require.ErrorIs(t, err, tt.kind)
			e := asError(t, err)
			assert.Equal(t, tt.field, e.Field, err)
			assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
			assert.Equal(t, "CreateInvoice", e.Op)
		})
	}
	assert.Empty(t, b.all(), "nothing is sent")
}

func TestReceiptNeedsACashRegister(t *testing.T) {
	bare := strings.Replace(retailers, `,"cashbox":"businessRu"`, "", 1)
	b := newBank(t).on(points, bare, retailers).on(createReceipt, fixture(t, "created.json"))
	c := b.client()
	now := time.Now()
	c.now = func() time.Time { return now }
	_, err := c.CreateInvoice(t.Context(), lesson())
	e := asError(t, err)
	assert.Equal(t, "Receipt", e.Field)
	assert.Contains(t, e.Message, "has no cash register")
	assert.Contains(t, e.Hint, "Refresh")
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.Empty(t, b.calls(createReceipt))

	// A register connected meanwhile: on demand at once, by itself soon.
	require.NoError(t, c.Refresh(t.Context()))
	_, err = c.CreateInvoice(t.Context(), lesson())
	require.NoError(t, err)

	other := newBank(t).on(points, bare, retailers).on(createReceipt, fixture(t, "created.json"))
	c = other.client()
	c.now = func() time.Time { return now }
	_, err = c.CreateInvoice(t.Context(), lesson())
	require.Error(t, err)
	now = now.Add(pointsRetry)
	_, err = c.CreateInvoice(t.Context(), lesson())
	require.NoError(t, err, "a refusal out of the cache is checked")
}

func TestRetailPointMustBeTheRightOne(t *testing.T) {
	two := strings.Replace(retailers, `"status":"NEW","isActive":false`, `"status":"REG","isActive":"true","merchantId":"200000000004322"`, 1)
	for name, tt := range map[string]struct {
		points string
		change func(*Config)
		field  string
	}{
		"several":      {two, func(c *Config) { c.MerchantID = "" }, "Config.MerchantID"},
		"not this one": {retailers, func(c *Config) { c.MerchantID = "200000000009999" }, "Config.MerchantID"},
		"closed":       {strings.Replace(retailers, `"REG"`, `"CLOSE"`, 1), func(*Config) {}, "Config.MerchantID"},
		"none in use":  {`{"Data":{"Retailer":[]}}`, func(c *Config) { c.MerchantID = "" }, "Config.CustomerCode"},
		"not active":   {strings.Replace(retailers, `true`, `"false"`, 1), func(c *Config) { c.MerchantID = "" }, "Config.CustomerCode"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t).on(points, tt.points)
			_, err := b.client(tt.change).CreateInvoice(t.Context(), order())
			e := asError(t, err)
			assert.ErrorIs(t, err, acquiring.ErrInvalid)
			assert.Equal(t, tt.field, e.Field, err)
			assert.Empty(t, b.calls(create))
		})
	}
	b := newBank(t).on(points, retailers).on(create, fixture(t, "created.json"))
	_, err := b.client(func(c *Config) { c.MerchantID = "" }).CreateInvoice(t.Context(), order())
	require.NoError(t, err)
	assert.NotContains(t, b.last(create).body, "merchantId", "a single point need not be named, and an empty text is not a missing one")
}

// Without the permission to read the points, what was asked for by name is
// asked of the bank; what was not cannot be guessed.
func TestPointsThatCannotBeRead(t *testing.T) {
	b := newBank(t).answer(points, answer{status: 501, body: "{}"}).on(create, fixture(t, "created.json"))
	_, err := b.client().CreateInvoice(t.Context(), order())
	require.NoError(t, err)
	r := order()
	r.Methods = nil
	_, err = b.client().CreateInvoice(t.Context(), r)
	require.ErrorIs(t, err, acquiring.ErrUnsupported)
	assert.Len(t, b.calls(create), 1)
	_, err = b.client(func(c *Config) { c.Methods = []acquiring.Method{acquiring.MethodSBP} }).CreateInvoice(t.Context(), r)
	require.NoError(t, err)
	assert.Contains(t, b.last(create).body, `"paymentMode":["sbp"]`)
}

func listed(amount, status, more string) string {
	return `{"Data":{"Operation":[{"customerCode":"300777001","amount":5,"status":"CREATED","operationId":"x","paymentLink":"y","paymentLinkId":"other","Order":[]},
	{"customerCode":"300777001","amount":` + amount + `,"status":"` + status + `","operationId":"` + opID + `","paymentLink":"https://merch.securepaytb.ru/order/?uuid=` + opID + `","paymentLinkId":"crm-10045","createdAt":"2026-10-02T11:20:31+05:00","Order":[]` + more + `}]},"Meta":{"totalPages":1}}`
}

const emptyList = `{"Data":{"Operation":[]},"Meta":{"totalPages":1}}`

func TestLostCreateIsFound(t *testing.T) {
	b := school(t).answer(create, answer{lost: true}).on(listing, listed("1490.5", "CREATED", ""))
	inv, err := b.client().CreateInvoice(t.Context(), order())
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(opID), inv.ID)
	assert.Len(t, b.calls(create), 1)
	q := b.last(listing).query
	assert.Contains(t, q, "customerCode=300777001")
	assert.Contains(t, q, "fromDate=", "without a date the bank lists its whole history")
	assert.Contains(t, q, "page=1&perPage=1000")
}

func TestLostCreateIsRepeatedWhenItDidNotArrive(t *testing.T) {
	b := school(t).answer(create, answer{lost: true}).on(create, fixture(t, "created.json")).on(listing, emptyList)
	_, err := b.client().CreateInvoice(t.Context(), order())
	require.NoError(t, err)
	assert.Len(t, b.calls(create), 2)
	assert.Equal(t, b.calls(create)[0].body, b.calls(create)[1].body)

	for name, a := range map[string]answer{"html": {status: 200, body: "<html>"}, "empty": {status: 200}, "424": failure(424, "Сервис недоступен"), "500": {status: 500, body: "oops"}, "no link": {status: 200, body: `{"Data":{"operationId":"x"}}`}} {
		b := school(t).answer(create, a).on(create, fixture(t, "created.json")).on(listing, emptyList)
		_, err := b.client().CreateInvoice(t.Context(), order())
		require.NoError(t, err, name)
		assert.Len(t, b.calls(create), 2, name)
	}
}

func TestLostCreateThatNobodyCanLookFor(t *testing.T) {
	b := school(t).answer(create, answer{lost: true}).answer(listing, failure(403, "Forbidden by consent"))
	_, err := b.client().CreateInvoice(t.Context(), order())
	e := asError(t, err)
	assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.Len(t, b.calls(create), 1)
}

func TestDuplicateIs424WithItsWords(t *testing.T) {
	taken := failure(424, "Ошибка валидации: заказ с номером crm-10045 существует")
	for name, tt := range map[string]struct {
		list string
		same bool
	}{
		"the same":       {listed("1490.5", "CREATED", ""), true},
		"another sum":    {listed("1490.51", "CREATED", ""), false},
		"paid":           {listed("1490.5", "APPROVED", ""), false},
		"expired":        {listed("1490.5", "EXPIRED", ""), false},
		"a hold":         {listed("1490.5", "CREATED", `,"preAuthorization":true`), false},
		"with a receipt": {listed("1490.5", "CREATED", `,"Items":[{"name":"a","amount":1490.5,"quantity":1}]`), false},
		"not found":      {emptyList, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := school(t).answer(create, taken).on(listing, tt.list)
			inv, err := b.client().CreateInvoice(t.Context(), order())
			assert.Len(t, b.calls(create), 1)
			if tt.same {
				require.NoError(t, err)
				assert.Equal(t, acquiring.PaymentID(opID), inv.ID)
				return
			}
			require.ErrorIs(t, err, acquiring.ErrDuplicate)
			e := asError(t, err)
			assert.Equal(t, acquiring.OutcomeRejected, e.Outcome)
			assert.Contains(t, e.Hint, "acquiring.Attempt")
		})
	}
}

func TestPaymentIsAsInTheManual(t *testing.T) {
	b := newBank(t).on(read, fixture(t, "operation.json"))
	p, err := b.client().GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPartiallyRefunded, p.Status)
	assert.Equal(t, money.RUB(1490, 50), p.Amount)
	assert.Equal(t, money.RUB(1490, 50), p.Captured)
	assert.Equal(t, money.RUB(490, 50), p.Refunded)
	assert.Equal(t, money.RUB(1000, 0), p.Left())
	assert.Equal(t, "crm-10045", p.OrderID)
	assert.Equal(t, acquiring.MethodCard, p.Method)
	assert.Equal(t, "REFUNDED_PARTIALLY", p.ProviderStatus)
	assert.Equal(t, "2026-10-02T06:20:31Z", p.CreatedAt.UTC().Format(time.RFC3339))
	assert.Equal(t, "2026-10-02T06:24:07Z", p.PaidAt.UTC().Format(time.RFC3339))
	assert.False(t, p.Test)
	assert.Nil(t, p.Card)
	var whole struct {
		Data struct{ Operation []json.RawMessage }
	}
	require.NoError(t, json.Unmarshal([]byte(fixture(t, "operation.json")), &whole))
	assert.JSONEq(t, string(whole.Data.Operation[0]), string(p.Raw))
}

func operation(status string, amount string, orders ...string) string {
	return fmt.Sprintf(`{"Data":{"Operation":[{"customerCode":"300777001","paymentType":"card","createdAt":"2026-10-02T11:20:31+05:00","amount":%s,"status":"%s","operationId":"%s","paymentLink":"https://x.example","paymentLinkId":"crm-10045","Order":[%s]}]}}`,
		amount, status, opID, strings.Join(orders, ","))
}

func movement(id, kind, amount, at string) string {
	return fmt.Sprintf(`{"orderId":"%s","type":"%s","amount":%s,"time":"%s"}`, id, kind, amount, at)
}

func TestStatusOfTheSums(t *testing.T) {
	paid := movement("1", "approval", "100.0", "2026-10-02T09:24:07+03:00")
	for name, tt := range map[string]struct {
		body               string
		status             acquiring.Status
		captured, refunded money.Amount
	}{
		"created":                  {operation("CREATED", "100"), acquiring.StatusPending, 0, 0},
		"held":                     {operation("AUTHORIZED", "100", movement("1", "authorized", "100", "2026-10-02T09:24:07+03:00")), acquiring.StatusAuthorized, 0, 0},
		"paid":                     {operation("APPROVED", "100", paid), acquiring.StatusPaid, 10000, 0},
		"paid without movements":   {operation("APPROVED", "100.0"), acquiring.StatusPaid, 10000, 0},
		"refund under way":         {operation("ON-REFUND", "100", paid), acquiring.StatusPaid, 10000, 0},
		"refund of all under way":  {operation("ON-REFUND", "100", paid, movement("2", "refund", "100", "")), acquiring.StatusPaid, 10000, 10000},
		"refund of a part":         {operation("APPROVED", "100", paid, movement("2", "refund", "0.01", "")), acquiring.StatusPartiallyRefunded, 10000, 1},
		"all refunded":             {operation("REFUNDED", "100", paid, movement("2", "refund", "40", ""), movement("3", "refund", "60", "")), acquiring.StatusRefunded, 10000, 10000},
		"refunded, no movements":   {operation("REFUNDED", "100"), acquiring.StatusRefunded, 10000, 10000},
		"expired":                  {operation("EXPIRED", "100"), acquiring.StatusExpired, 0, 0},
		"instalments":              {operation("WAIT_FULL_PAYMENT", "100"), acquiring.StatusPending, 0, 0},
		"never heard of is unpaid": {operation("PAID", "100"), acquiring.StatusUnknown, 0, 0},
	} {
		b := newBank(t).on(read, tt.body)
		p, err := b.client().GetStatus(t.Context(), opID)
		require.NoError(t, err, name)
		assert.Equal(t, tt.status, p.Status, name)
		assert.Equal(t, tt.captured, p.Captured, name)
		assert.Equal(t, tt.refunded, p.Refunded, name)
	}
}

func TestUnknownPaymentIs424(t *testing.T) {
	b := newBank(t).answer(read, failure(424, "Order not found"))
	c := b.client()
	_, err := c.GetStatus(t.Context(), opID)
	require.ErrorIs(t, err, acquiring.ErrNotFound)
	assert.Len(t, b.calls(read), 1, "there is nothing to try again")
	b = newBank(t).answer(read, answer{status: 200, body: strings.Replace(operation("APPROVED", "1"), company, "300123123", 1)})
	_, err = b.client().GetStatus(t.Context(), opID)
	require.ErrorIs(t, err, acquiring.ErrNotFound, "another company's payment is none of ours")
	for _, id := range []acquiring.PaymentID{"", "a b", acquiring.PaymentID(strings.Repeat("x", 130)), "й"} {
		_, err = c.GetStatus(t.Context(), id)
		require.ErrorIs(t, err, acquiring.ErrInvalid)
		assert.Equal(t, "ID", asError(t, err).Field)
	}
	b = newBank(t).on(read, `{"Data":{"Operation":[]}}`)
	_, err = b.client().GetStatus(t.Context(), opID)
	require.ErrorIs(t, err, acquiring.ErrProtocol)
}

func TestCaptureTakesTheWholeHold(t *testing.T) {
	held := operation("AUTHORIZED", "100")
	paid := operation("APPROVED", "100", movement("1", "approval", "100", "2026-10-02T09:24:07+03:00"))
	const capture = "POST acquiring/v1.0/payments/" + opID + "/capture"
	b := newBank(t).on(read, held, paid).on(capture, `{"Data":{"result":true}}`)
	p, err := b.client().Capture(t.Context(), acquiring.CaptureRequest{ID: opID})
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Equal(t, money.RUB(100, 0), p.Captured)
	assert.Empty(t, b.last(capture).body, "no body")

	b = newBank(t).on(read, held).on(capture, `{"Data":{"result":true}}`)
	p, err = b.client().Capture(t.Context(), acquiring.CaptureRequest{ID: opID, Amount: 10000})
	require.NoError(t, err, "accepted, though not to be seen yet")
	assert.Equal(t, acquiring.StatusPaid, p.Status)

	b = newBank(t).on(read, held).on(capture, `{"Data":{"result":false}}`)
	_, err = b.client().Capture(t.Context(), acquiring.CaptureRequest{ID: opID})
	require.ErrorIs(t, err, acquiring.ErrConflict)

	c := newBank(t).on(read, held).client()
	_, err = c.Capture(t.Context(), acquiring.CaptureRequest{ID: opID, Amount: 5000})
	require.ErrorIs(t, err, acquiring.ErrUnsupported)
	_, err = c.Capture(t.Context(), acquiring.CaptureRequest{ID: opID, Amount: 10001})
	require.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = newBank(t).on(read, paid).client().Capture(t.Context(), acquiring.CaptureRequest{ID: opID})
	require.ErrorIs(t, err, acquiring.ErrConflict)
	_, err = c.Void(t.Context(), opID)
	require.ErrorIs(t, err, acquiring.ErrUnsupported)

	// An answer that was lost: captured, and not captured.
	b = newBank(t).on(read, held, paid).answer(capture, answer{lost: true})
	_, err = b.client().Capture(t.Context(), acquiring.CaptureRequest{ID: opID})
	require.NoError(t, err)
	assert.Len(t, b.calls(capture), 1)
	b = newBank(t).on(read, held, held, paid).answer(capture, answer{lost: true}).on(capture, `{"Data":{"result":true}}`)
	_, err = b.client().Capture(t.Context(), acquiring.CaptureRequest{ID: opID})
	require.NoError(t, err)
	assert.Len(t, b.calls(capture), 2)
}

func TestFindByOrder(t *testing.T) {
	b := newBank(t).on(listing, emptyList, listed("1490.5", "APPROVED", ""))
	p, err := b.client().FindByOrder(t.Context(), "crm-10045")
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(opID), p.ID)
	assert.Len(t, b.calls(listing), 2, "the last days first, then further back")

	const subs = "GET acquiring/v1.0/subscriptions"
	b = newBank(t).on(listing, emptyList).on(subs, `{"Data":{"Subscription":[{"operationId":"e7a1c0de-5b2f-4c3d-8e9f-0a1b2c3d4e5f","amount":1,"status":"APPROVED","paymentLinkId":"sub-77"}]}}`)
	p, err = b.client().FindByOrder(t.Context(), "sub-77")
	require.NoError(t, err)
	assert.Equal(t, "e7a1c0de-5b2f-4c3d-8e9f-0a1b2c3d4e5f", p.Card.Token)
	assert.Contains(t, b.last(subs).query, "recurring=true")
	_, err = b.client().FindByOrder(t.Context(), "nope")
	require.ErrorIs(t, err, acquiring.ErrNotFound)
	_, err = b.client().FindByOrder(t.Context(), "")
	assert.Equal(t, "OrderID", asError(t, err).Field)
}

func TestPaymentsWalksThePages(t *testing.T) {
	page := func(n int, ids ...string) string {
		var ops []string
		for _, id := range ids {
			ops = append(ops, `{"customerCode":"300777001","amount":1,"status":"APPROVED","operationId":"`+id+`","paymentLink":"x","createdAt":"2026-10-02T11:20:31+05:00","Order":[]}`)
		}
		return fmt.Sprintf(`{"Data":{"Operation":[%s]},"Links":{"next":"https://elsewhere.example/"},"Meta":{"totalPages":%d}}`, strings.Join(ops, ","), n)
	}
	at := time.Date(2026, 10, 2, 6, 20, 31, 0, time.UTC)
	collect := func(b *bank, f acquiring.Filter) (ids []string, err error) {
		for p, e := range b.client().Payments(t.Context(), f) {
			if e != nil {
				return ids, e
			}
			ids = append(ids, string(p.ID))
		}
		return ids, nil
	}
	b := newBank(t).on(listing, page(2, "a", "b"), page(2, "c"))
	ids, err := collect(b, acquiring.Filter{From: at})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c"}, ids)
	assert.Contains(t, b.last(listing).query, "fromDate=2026-10-01")
	assert.Contains(t, b.last(listing).query, "page=2")

	ids, err = collect(newBank(t).on(listing, page(1, "a", "b")), acquiring.Filter{From: at, Limit: 1})
	require.NoError(t, err)
	assert.Len(t, ids, 1)
	ids, err = collect(newBank(t).on(listing, page(1, "a")), acquiring.Filter{From: at.Add(time.Second)})
	require.NoError(t, err)
	assert.Empty(t, ids, "half-open")
	ids, err = collect(newBank(t).on(listing, page(1, "a")), acquiring.Filter{From: at.Add(-time.Hour), To: at})
	require.NoError(t, err)
	assert.Empty(t, ids)
	ids, err = collect(newBank(t).on(listing, page(1, "a")), acquiring.Filter{From: at, Statuses: []acquiring.Status{acquiring.StatusPending}})
	require.NoError(t, err)
	assert.Empty(t, ids)
	_, err = collect(newBank(t).answer(listing, failure(403, "Forbidden by consent")), acquiring.Filter{})
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	c := newBank(t).client(func(c *Config) { c.CustomerCode = "" })
	for _, err := range c.Payments(t.Context(), acquiring.Filter{}) {
		assert.Equal(t, "Config.CustomerCode", asError(t, err).Field)
	}
	for _, err := range c.Operations(t.Context(), OperationsQuery{}) {
		assert.Equal(t, "From", asError(t, err).Field)
	}
}

func TestOneRequestOfManyAtOnce(t *testing.T) {
	b := school(t).on(create, fixture(t, "created.json"))
	c := b.client()
	shared := lesson()
	b.on(createReceipt, fixture(t, "created.json"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := c.CreateInvoice(context.Background(), shared)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, b.calls(createReceipt), 8)
}
