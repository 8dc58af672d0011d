package alfabank

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

var ctx = context.Background()

func problem(t testing.TB, err error) *acquiring.Error {
	t.Helper()
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	return e
}

// at is a client whose clock stands beside the order's date.
func (b *bank) at(offset time.Duration, change ...func(*Config)) *Client {
	c := b.client(change...)
	c.now = func() time.Time { return time.UnixMilli(1748865601120).Add(offset) }
	return c
}

// The answer to register.do is lost. The order is there: its page is not to be
// had again, so it is withdrawn, and the next attempt's number is named.
func TestLostRegistrationIsWithdrawn(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]answer{"cut": lost, "502": {status: 502, body: "{}"}, "page": {status: 200, body: "<html>502"}, "empty": {status: 200}} {
		b := newBank(t).answer("register.do", first).on(status, pending()).on("decline.do", done)
		inv, err := b.at(-time.Second).CreateInvoice(ctx, plainInvoice())
		assert.Nil(t, inv, name)
		e := problem(t, err)
		assert.ErrorIs(t, err, acquiring.ErrDuplicate, name)
		assert.Equal(t, acquiring.OutcomeRejected, e.Outcome)
		assert.Contains(t, e.Hint, `acquiring.Attempt("A-1001", 2)`)
		assert.Contains(t, e.Message, "withdrawn")
		assert.Len(t, b.calls("register.do"), 1)
		got := b.last("decline.do").form(t)
		assert.Equal(t, id, got.Get("orderId"))
		assert.Equal(t, "A-1001", got.Get("orderNumber"))
	}
	// The second attempt's number leads to the third.
	b := newBank(t).answer("register.do", lost).on(status, strings.Replace(pending(), "A-1001", "A-1001_2", 1)).on("decline.do", done)
	r := plainInvoice()
	r.OrderID = acquiring.Attempt("A-1001", 2)
	_, err := b.at(0).CreateInvoice(ctx, r)
	assert.Contains(t, problem(t, err).Hint, `acquiring.Attempt("A-1001", 3)`)
}

// What may be another order of that number is left alone.
func TestOlderOrderIsNotWithdrawn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order  string
		offset time.Duration
	}{
		"registered long before": {pending(), time.Hour},
		"of another sum":         {strings.Replace(pending(), "129900", "129901", 1), 0},
		"paid":                   {paid(), 0},
		"being paid":             {orderJSON(5, -9000, "", ""), 0},
		"without a date":         {strings.Replace(pending(), `"date":1748865601120,`, "", 1), 0},
	} {
		b := newBank(t).answer("register.do", lost).on(status, c.order).on("decline.do", done)
		_, err := b.at(c.offset).CreateInvoice(ctx, plainInvoice())
		assert.ErrorIs(t, err, acquiring.ErrDuplicate, name)
		assert.Contains(t, problem(t, err).Hint, `acquiring.Attempt("A-1001", 2)`, name)
		assert.Empty(t, b.calls("decline.do"), name)
	}
	b := newBank(t).answer("register.do", lost).on(status, pending()).on("decline.do", wrongState)
	_, err := b.at(0).CreateInvoice(ctx, plainInvoice())
	assert.Contains(t, problem(t, err).Hint, "could not be withdrawn")
}

// The answer is lost and the bank has no such order: it is registered again.
func TestLostRegistrationThatNeverArrived(t *testing.T) {
	t.Parallel()
	b := newBank(t).answer("register.do", lost, answer{status: 200, body: registeredOK}).on(status, notFound)
	inv, err := b.client().CreateInvoice(ctx, plainInvoice())
	require.NoError(t, err)
	assert.Equal(t, page, inv.PayURL)
	assert.Len(t, b.calls("register.do"), 2)

	// It arrives after all, late.
	b = newBank(t).answer("register.do", lost, answer{status: 200, body: duplicate}).on(status, notFound, pending()).on("decline.do", done)
	_, err = b.at(0).CreateInvoice(ctx, plainInvoice())
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Len(t, b.calls("decline.do"), 1)

	// Nothing can be learned: the outcome stays unknown, and nothing is sent
	// twice.
	b = newBank(t).answer("register.do", lost).answer(status, answer{status: 500})
	_, err = b.client().CreateInvoice(ctx, plainInvoice())
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	assert.Contains(t, problem(t, err).Hint, "same request")
	assert.Len(t, b.calls("register.do"), 1)

	// Refused the second time.
	b = newBank(t).answer("register.do", lost, answer{status: 200, body: deniedAnswer}).on(status, notFound)
	_, err = b.client().CreateInvoice(ctx, plainInvoice())
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
}

// A token cannot ask by the shop's number: the repeat of the registration
// tells.
func TestLostRegistrationWithToken(t *testing.T) {
	t.Parallel()
	token := func(c *Config) { c.UserName, c.Password, c.Token = "", "", "opentoken" }
	b := newBank(t).answer("register.do", lost, answer{status: 200, body: duplicate})
	_, err := b.client(token).CreateInvoice(ctx, plainInvoice())
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Contains(t, problem(t, err).Hint, `acquiring.Attempt("A-1001", 2)`)
	assert.Empty(t, b.calls(status))
	for _, a := range b.asked {
		assert.Equal(t, "opentoken", a.form(t).Get("token"))
		assert.False(t, a.form(t).Has("userName"))
	}
	_, err = newBank(t).on("register.do", duplicate).client(token).CreateInvoice(ctx, plainInvoice())
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
}

// A used number: the error says whose it is, and the stored page is given
// again where it was stored.
func TestUsedNumber(t *testing.T) {
	t.Parallel()
	b := newBank(t).on("register.do", duplicate).on(status, paid())
	_, err := b.client().CreateInvoice(ctx, plainInvoice())
	e := problem(t, err)
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Contains(t, e.Hint, id)
	assert.Contains(t, e.Hint, "paid")
	assert.Contains(t, e.Hint, `acquiring.Attempt("A-1001", 2)`)

	store := func(c *Config) { c.StorePayURL = true }
	b = newBank(t).on("register.do", registeredOK).on("addParams.do", done)
	inv, err := b.client(store).CreateInvoice(ctx, plainInvoice())
	require.NoError(t, err)
	assert.Equal(t, page, inv.PayURL)
	assert.JSONEq(t, `{"formUrl":"`+page+`"}`, b.last("addParams.do").form(t).Get("params"))
	b = newBank(t).on("register.do", registeredOK).on("addParams.do", wrongState)
	_, err = b.client(store).CreateInvoice(ctx, plainInvoice())
	assert.NoError(t, err, "the invoice is good without it")

	stored := orderJSON(0, -100, "", `,"merchantOrderParams":[{"name":"formUrl","value":"`+page+`"},{"name":"crm","value":"42"}]`)
	b = newBank(t).on("register.do", duplicate).on(status, stored).on("addParams.do", done)
	inv, err = b.client(store).CreateInvoice(ctx, plainInvoice())
	require.NoError(t, err)
	assert.Equal(t, page, inv.PayURL)
	assert.Equal(t, acquiring.PaymentID(id), inv.ID)
	p, err := b.client().GetStatus(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"crm": "42"}, p.Metadata, "the page is no metadata")
	r := plainInvoice()
	r.Amount++
	_, err = b.client(store).CreateInvoice(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrDuplicate, "of another sum")
}

// The open token stands in the shop's pages: a stranger registers the order of
// the next number with it, and a page of his own among the parameters.
func TestStoredPageMustBeTheBanks(t *testing.T) {
	b := newBank(t).on("register.do", duplicate)
	for address, is := range map[string]bool{page: true, b.URL + "/payment/merchants/ecom/payment_ru.html?mdOrder=1": true, "https://PAY.alfabank.ru/p": true,
		"https://evil.example/payment_ru.html": false, "https://alfa.rbsuat.com.evil.example/": false, "https://alfa.rbsuat.com@evil.example/": false,
		"https://evilalfabank.ru/": false, "http://pay.alfabank.ru/": false, "javascript:alert(1)": false, "//pay.alfabank.ru/": false, "": false} {
		b.answers[status] = nil
		b.on(status, orderJSON(0, -100, "", `,"merchantOrderParams":[{"name":"formUrl","value":"`+address+`"}]`))
		inv, err := b.client(func(c *Config) { c.StorePayURL = true }).CreateInvoice(ctx, plainInvoice())
		if is {
			require.NoError(t, err, address)
			assert.Equal(t, address, inv.PayURL)
			continue
		}
		assert.ErrorIs(t, err, acquiring.ErrDuplicate, address)
	}
}

func TestQRIsIssued(t *testing.T) {
	t.Parallel()
	const code = `{"qrId":"AD10","payload":"https://qr.nspk.ru/AD10","qrStatus":"STARTED","renderedQr":"iVBORw0KGgo="}`
	b := newBank(t).on("register.do", registeredOK).on("sbp/c2b/qr/dynamic/get.do", code)
	r := plainInvoice()
	r.Customer.ID, r.SaveCard = "buyer-42", true
	qr, err := b.client().CreateQR(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, "https://qr.nspk.ru/AD10", qr.Payload)
	assert.Equal(t, "image/png", qr.ImageType)
	assert.Equal(t, []byte{0x89, 'P', 'N', 'G', 13, 10, 26, 10}, qr.Image)
	assert.Equal(t, acquiring.PaymentID(id), qr.PaymentID)
	assert.Equal(t, []string{"SBP_BINDING"}, b.last("register.do").form(t)["features"])
	assert.Equal(t, "true", b.last("sbp/c2b/qr/dynamic/get.do").form(t).Get("createSubscription"))

	for _, bad := range []string{deniedAnswer, `{"qrStatus":"REJECTED"}`} {
		b = newBank(t).on("register.do", registeredOK).on("sbp/c2b/qr/dynamic/get.do", bad)
		_, err = b.client().CreateQR(ctx, plainInvoice())
		assert.Contains(t, problem(t, err).Hint, "order "+id+" is registered", "the caller learns of the order")
	}
	b = newBank(t)
	_, err = b.client(func(c *Config) { c.UserName, c.Password, c.Token = "", "", "t" }).CreateQR(ctx, plainInvoice())
	assert.Equal(t, "Config.UserName", problem(t, err).Field)
	assert.Empty(t, b.asked, "a token issues no codes, so nothing is registered")
}

func TestRefundIsMadeOnce(t *testing.T) {
	t.Parallel()
	r := acquiring.RefundRequest{ID: id, Key: "rf-2025-000017", Amount: 29900}
	b := newBank(t).on(status, paid()).on("refund.do", done)
	out, err := b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.RefundDone, out.Status)
	assert.Equal(t, "rf-2025-000017", out.ID)
	got := b.last("refund.do").form(t)
	assert.Equal(t, "rf-2025-000017", got.Get("externalRefundId"))
	assert.Equal(t, "29900", got.Get("amount"))
	assert.False(t, got.Has("expectedDepositedAmount"))

	// The key is in the history: nothing is sent.
	b = newBank(t).on(status, partRefunded(withKey))
	out, err = b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(29900), out.Amount)
	r.Amount = 20000
	_, err = b.client().Refund(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrConflict, "one key, another sum")
	assert.Empty(t, b.calls("refund.do"))

	// A lost answer is repeated with the key, which the bank makes harmless.
	r.Amount = 29900
	b = newBank(t).on(status, paid()).answer("refund.do", lost, answer{status: 502}, answer{status: 200, body: done})
	_, err = b.client().Refund(ctx, r)
	require.NoError(t, err)
	for _, a := range b.calls("refund.do") {
		assert.Equal(t, "rf-2025-000017", a.form(t).Get("externalRefundId"))
	}
	assert.Len(t, b.calls("refund.do"), 3)

	// Never an answer: what became of it is read.
	b = newBank(t).on(status, paid(), partRefunded(withKey)).answer("refund.do", lost)
	out, err = b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(29900), out.Amount)
	b = newBank(t).on(status, paid(), partRefunded("")).answer("refund.do", lost)
	out, err = b.client().Refund(ctx, r)
	require.NoError(t, err, "an older version tells no keys: the refunded sum has grown by it")
	assert.Equal(t, money.Amount(29900), out.Amount)
	for name, after := range map[string]string{"not made": paid(), "another sum": strings.ReplaceAll(partRefunded(""), "29900", "100"), "another key": partRefunded(`"externalRefundId":"other",`)} {
		b = newBank(t).on(status, paid(), after).answer("refund.do", lost)
		_, err = b.client().Refund(ctx, r)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), name)
		assert.Contains(t, problem(t, err).Hint, "same Key", name)
	}
	b = newBank(t).answer(status, answer{status: 200, body: paid()}, answer{status: 500}).answer("refund.do", lost)
	_, err = b.client().Refund(ctx, r)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
}

// Amount 0 gives back what is left, if nobody refunds at the same time.
// The answers of versions 1 and 2 have no sums: after a first refund the state
// alone is known, and what is left the bank must say.
func TestRefundWhereTheBankTellsNoSums(t *testing.T) {
	t.Parallel()
	r := acquiring.RefundRequest{ID: id, Key: "rf-2", Amount: 10000}
	b := newBank(t).on(status, orderJSON(4, 0, "", "")).on("refund.do", done)
	out, err := b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, "rf-2 100.00 done", out.ID+" "+out.Amount.String()+" "+out.Status.String())
	assert.Equal(t, "rf-2", b.last("refund.do").form(t).Get("externalRefundId"))
	b = newBank(t).on(status, orderJSON(4, 0, "", "")).on("refund.do", `{"errorCode":"5","errorMessage":"Refund amount exceeds deposited amount"}`)
	_, err = b.client().Refund(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	b = newBank(t).on(status, orderJSON(4, 0, "", ""))
	r.Amount = 0
	_, err = b.client().Refund(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	assert.Contains(t, problem(t, err).Hint, "Amount")
	assert.Empty(t, b.calls("refund.do"))
}

func TestRefundOfTheRest(t *testing.T) {
	t.Parallel()
	r := acquiring.RefundRequest{ID: id, Key: "k-1"}
	whole := orderJSON(4, 0, `"approvedAmount":129900,"depositedAmount":0,"refundedAmount":129900`, `,"refunds":{"externalRefundId":"k-1","amount":"129900"}`)
	b := newBank(t).on(status, paid()).on("refund.do", done)
	out, err := b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(129900), out.Amount)
	got := b.last("refund.do").form(t)
	assert.Equal(t, "129900", got.Get("amount"))
	assert.Equal(t, "129900", got.Get("expectedDepositedAmount"))

	// After a refund of a part of a capture of a part the sums do not tell
	// what is left: the bank is asked for all of it, and the order for how
	// much it was.
	unsure := orderJSON(4, 0, `"approvedAmount":200000,"depositedAmount":100000,"refundedAmount":29900`, `,"refunds":[{"amount":29900}]`)
	after := orderJSON(4, 0, `"approvedAmount":200000,"depositedAmount":0,"refundedAmount":129900`, "")
	b = newBank(t).on(status, unsure, after).on("refund.do", done)
	out, err = b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, "0", b.last("refund.do").form(t).Get("amount"))
	assert.Equal(t, money.Amount(100000), out.Amount)
	b = newBank(t).on(status, unsure, whole).on("refund.do", done)
	out, err = b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(129900), out.Amount, "as the history has it")
	b = newBank(t).answer(status, answer{status: 200, body: unsure}, answer{status: 500}).on("refund.do", done)
	out, err = b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(100000), out.Amount, "as it was reckoned")

	// The lock refuses a repeat whose first call was made.
	b = newBank(t).on(status, paid(), whole).answer("refund.do", lost, answer{status: 200, body: wrongState})
	out, err = b.client().Refund(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(129900), out.Amount)
	b = newBank(t).on(status, paid()).on("refund.do", wrongState)
	_, err = b.client().Refund(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	assert.Contains(t, problem(t, err).Hint, "meanwhile")

	for name, order := range map[string]string{"unpaid": pending(), "held": held(), "given back": strings.Replace(whole, "k-1", "k-0", 1)} {
		for _, amount := range []money.Amount{0, 100} {
			b = newBank(t).on(status, order)
			_, err = b.client().Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k-9", Amount: amount})
			assert.ErrorIs(t, err, acquiring.ErrConflict, name)
			assert.Equal(t, acquiring.OutcomeRejected, acquiring.OutcomeOf(err))
			assert.Empty(t, b.calls("refund.do"))
		}
	}
	b = newBank(t).on(status, held())
	_, err = b.client().Refund(ctx, r)
	assert.Contains(t, problem(t, err).Hint, "Void")
	// Where the history tells no keys, the bank decides: this key may be the
	// refund that was made already.
	b = newBank(t).on(status, partRefunded("")).on("refund.do", done)
	_, err = b.client().Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k", Amount: 129900})
	assert.NoError(t, err)
	_, err = newBank(t).on(status, notFound).client().Refund(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
}

func TestRefundByPositions(t *testing.T) {
	t.Parallel()
	order := orderJSON(2, 0, `"approvedAmount":129900,"depositedAmount":129900,"refundedAmount":0`,
		`,"orderBundle":{"cartItems":{"items":[{"positionId":1,"name":"Чай","itemCode":"tea-1"}]}}`)
	receipt := tea(fiscal.VATNone, fiscal.FullPayment, 29900)
	receipt.Type = fiscal.SaleReturn
	b := newBank(t).on(status, order).on("refund.do", done)
	_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: id, Key: "rf-2025-000017", Amount: 29900, Receipt: receipt})
	require.NoError(t, err)
	wantForm(t, "refund_items.form", b.last("refund.do"))
	receipt.Type = fiscal.Sale
	_, err = b.client().Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k", Amount: 29900, Receipt: receipt})
	assert.Equal(t, "Receipt.Type", problem(t, err).Field)
	receipt.Type = fiscal.SaleReturn
	_, err = b.client().Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k", Receipt: receipt})
	assert.ErrorContains(t, err, "comes to 299.00")
}

func TestCaptureAndVoid(t *testing.T) {
	t.Parallel()
	b := newBank(t).on("deposit.do", done).on(status, held(), paid())
	p, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: id})
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Equal(t, "129900", b.last("deposit.do").form(t).Get("amount"))

	r := acquiring.CaptureRequest{ID: id, Amount: 29900, Receipt: tea(fiscal.VATNone, fiscal.FullPayment, 29900)}
	b = newBank(t).on("deposit.do", done).on(status, held(), strings.ReplaceAll(paid(), `"depositedAmount":129900`, `"depositedAmount":29900`))
	p, err = b.client().Capture(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(29900), p.Captured)
	assert.Contains(t, b.last("deposit.do").form(t).Get("depositItems"), `"itemCode":"tea-1"`)
	r.Receipt.Type = fiscal.SaleReturn
	_, err = newBank(t).on(status, held()).client().Capture(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)

	b = newBank(t).answer("deposit.do", lost).on(status, held(), paid())
	_, err = b.client().Capture(ctx, acquiring.CaptureRequest{ID: id})
	require.NoError(t, err, "the answer was lost, the money is taken")
	assert.Len(t, b.calls("deposit.do"), 1)
	_, err = newBank(t).on(status, paid()).client().Capture(ctx, acquiring.CaptureRequest{ID: id})
	assert.ErrorIs(t, err, acquiring.ErrConflict)

	b = newBank(t).on("reverse.do", done).on(status, held(), orderJSON(3, 0, `"approvedAmount":0,"depositedAmount":0,"refundedAmount":0`, ""))
	p, err = b.client().Void(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusVoided, p.Status)
	assert.False(t, b.last("reverse.do").form(t).Has("amount"))
	_, err = newBank(t).on(status, paid()).client().Void(ctx, id)
	assert.Contains(t, problem(t, err).Hint, "Refund")
}

// decline.do demands the shop's number too, so the order is read first.
func TestCancelSendsBothNumbers(t *testing.T) {
	t.Parallel()
	b := newBank(t).on(status, pending()).on("decline.do", done)
	require.NoError(t, b.client().Cancel(ctx, id))
	got := b.last("decline.do").form(t)
	assert.Equal(t, "A-1001", got.Get("orderNumber"))
	assert.Equal(t, id, got.Get("orderId"))
	assert.NoError(t, newBank(t).on(status, orderJSON(6, -100, "", "")).on("decline.do", wrongState).client().Cancel(ctx, id), "withdrawn already")
	assert.ErrorIs(t, newBank(t).on(status, paid()).on("decline.do", wrongState).client().Cancel(ctx, id), acquiring.ErrConflict)
	assert.ErrorIs(t, newBank(t).on(status, notFound).client().Cancel(ctx, id), acquiring.ErrNotFound)
	assert.ErrorIs(t, newBank(t).client().Cancel(ctx, ""), acquiring.ErrInvalid)
}

func chargeRequest() acquiring.ChargeRequest {
	return acquiring.ChargeRequest{OrderID: "A-1001", Token: "5c3b0d7e", Amount: 129900, Customer: acquiring.Customer{ID: "buyer-42"}, IP: "203.0.113.7"}
}

func TestCharge(t *testing.T) {
	t.Parallel()
	const answered = `{"redirect":"https://tea.example/ok","info":"Ваш платеж обработан, происходит переадресация...","errorCode":0}`
	b := newBank(t).on("register.do", registeredOK).on("paymentOrderBinding.do", answered).on(status, paid())
	p, err := b.client(func(c *Config) { c.Features = []string{"FORCE_TDS"} }).Charge(ctx, chargeRequest())
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.False(t, b.last("register.do").form(t).Has("features"), "nobody is there to pass 3-D Secure")
	reg, pay := b.last("register.do").form(t), b.last("paymentOrderBinding.do").form(t)
	assert.Equal(t, "buyer-42", reg.Get("clientId"))
	assert.Equal(t, "U", pay.Get("tii"))
	assert.Equal(t, "203.0.113.7", pay.Get("ip"))
	assert.Equal(t, id, pay.Get("mdOrder"))

	// Processed is not paid: code 0 beside a type of error is a decline.
	b = newBank(t).on("register.do", registeredOK).on(status, pending()).
		on("paymentOrderBinding.do", `{"errorCode":0,"error":"Operation declined.","errorTypeName":"DATA_INPUT_ERROR","processingErrorType":"CLIENT_ERROR","errorMessage":"Operation declined."}`)
	_, err = b.client().Charge(ctx, chargeRequest())
	assert.ErrorIs(t, err, acquiring.ErrDeclined)
	b = newBank(t).on("register.do", registeredOK).on("paymentOrderBinding.do", answered).on(status, orderJSON(6, 41, "", ""))
	_, err = b.client().Charge(ctx, chargeRequest())
	assert.Contains(t, problem(t, err).Hint, "DeleteToken")

	// A lost answer: the order tells.
	b = newBank(t).on("register.do", registeredOK).answer("paymentOrderBinding.do", lost).on(status, paid())
	_, err = b.client().Charge(ctx, chargeRequest())
	assert.NoError(t, err)
	b = newBank(t).on("register.do", registeredOK).answer("paymentOrderBinding.do", lost).on(status, pending())
	_, err = b.client().Charge(ctx, chargeRequest())
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	assert.Len(t, b.calls("paymentOrderBinding.do"), 1)
	b = newBank(t).answer("register.do", lost).on("paymentOrderBinding.do", answered).on(status, pending(), paid())
	_, err = b.client().Charge(ctx, chargeRequest())
	assert.NoError(t, err, "an order that was registered and not answered is the charge's own")
	b = newBank(t).on("register.do", duplicate).on(status, paid())
	_, err = b.client().Charge(ctx, chargeRequest())
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Empty(t, b.calls("paymentOrderBinding.do"), "no number is charged twice")

	for field, change := range map[string]func(*acquiring.ChargeRequest){
		"Customer.ID": func(r *acquiring.ChargeRequest) { r.Customer.ID = "" }, "IP": func(r *acquiring.ChargeRequest) { r.IP = "here" },
		"Token": func(r *acquiring.ChargeRequest) { r.Token = "ключ" }, "OrderID": func(r *acquiring.ChargeRequest) { r.OrderID = "№1" },
		"Amount": func(r *acquiring.ChargeRequest) { r.Amount = 0 },
	} {
		r := chargeRequest()
		change(&r)
		b = newBank(t)
		_, err = b.client().Charge(ctx, r)
		assert.Equal(t, field, problem(t, err).Field)
		assert.Empty(t, b.asked)
	}
	r := chargeRequest()
	r.Hold = true
	_, err = newBank(t).client().Charge(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrUnsupported)
	_, err = newBank(t).client(func(c *Config) { c.UserName, c.Password, c.Token = "", "", "t" }).Charge(ctx, chargeRequest())
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

// An account of SBP is charged like a card and forgotten by another method.
func TestSBPToken(t *testing.T) {
	t.Parallel()
	order := strings.Replace(paid(), `"paymentWay":"CARD"`, `"paymentWay":"SBP_C2B","bindingInfo":{"clientId":"buyer-42","bindingId":"091b"}`, 1)
	b := newBank(t).on("register.do", registeredOK).on("paymentOrderBinding.do", `{"errorCode":0,"processingErrorType":"NO_ERROR","sbpC2bInfo":{"status":"STARTED"}}`).on(status, order).
		on("sbp/c2b/unBind.do", `{"error":"Связка отключена","errorCode":2,"is3DSVer2":false,"errorMessage":"Связка отключена"}`).on("unBindCard.do", `{"errorCode":"2","errorMessage":"Связка не активна"}`)
	c := b.client()
	p, err := c.GetStatus(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, "sbp:091b", p.Card.Token)
	r := chargeRequest()
	r.Token = p.Card.Token
	_, err = c.Charge(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, "091b", b.last("paymentOrderBinding.do").form(t).Get("bindingId"))
	assert.NoError(t, c.DeleteToken(ctx, p.Card.Token))
	assert.Len(t, b.calls("unBind.do"), 1)
	assert.NoError(t, c.DeleteToken(ctx, "5c3b"), "forgotten already")
	assert.Len(t, b.calls("unBindCard.do"), 1)
	assert.ErrorIs(t, c.DeleteToken(ctx, "sbp:"), acquiring.ErrInvalid)
}

func TestPaymentsAreListed(t *testing.T) {
	t.Parallel()
	list := func(total int, orders ...string) string {
		return fmt.Sprintf(`{"errorCode":0,"orderStatuses":[%s],"totalCount":%d,"page":0,"pageSize":100}`, strings.Join(orders, ","), total)
	}
	b := newBank(t).on("getLastOrdersForMerchants.do", list(3, paid(), pending()), list(3, held()))
	var got []acquiring.Status
	for p, err := range b.client().Payments(ctx, acquiring.Filter{}) {
		require.NoError(t, err)
		got = append(got, p.Status)
		assert.Equal(t, acquiring.PaymentID(id), p.ID)
	}
	assert.Equal(t, []acquiring.Status{acquiring.StatusPaid, acquiring.StatusPending, acquiring.StatusAuthorized}, got)
	form := b.last("getLastOrdersForMerchants.do").form(t)
	assert.Equal(t, "1", form.Get("page"))
	assert.Equal(t, "CREATED,APPROVED,DEPOSITED,DECLINED,REVERSED,REFUNDED", form.Get("transactionStates"))
	assert.Regexp(t, `^[0-9]{14}$`, form.Get("from"))
	assert.True(t, form.Has("merchants"))
	for _, err := range newBank(t).on("getLastOrdersForMerchants.do", deniedAnswer).client().Payments(ctx, acquiring.Filter{}) {
		assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	}
}

// The probe asks for an order that cannot exist; a token may ask it too.
func TestCheck(t *testing.T) {
	t.Parallel()
	b := newBank(t).on(status, notFound)
	assert.NoError(t, b.client().Check(ctx))
	assert.Equal(t, "00000000-0000-0000-0000-000000000000", b.last(status).form(t).Get("orderId"))
	assert.NoError(t, b.client(func(c *Config) { c.UserName, c.Password, c.Token = "", "", "t" }).Check(ctx))
	assert.Equal(t, "t", b.last(status).form(t).Get("token"))
	assert.ErrorIs(t, newBank(t).on(status, deniedAnswer).client().Check(ctx), acquiring.ErrUnauthorized)
	_, err := b.client(func(c *Config) { c.UserName, c.Password, c.Token = "", "", "t" }).FindByOrder(ctx, "A-1001")
	assert.Equal(t, "Config.UserName", problem(t, err).Field, "a token asks by the bank's number only")
	_, err = b.client().FindByOrder(ctx, "a\nb")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = b.client().GetStatus(ctx, "№")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

// A context that ended is told as it is, and asks nothing more.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	b := newBank(t).on("register.do", registeredOK)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err := b.client().CreateInvoice(gone, plainInvoice())
	assert.True(t, errors.Is(err, context.Canceled))
	assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err))
	assert.Empty(t, b.asked)
}
