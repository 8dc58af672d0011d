package paymaster

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// Each of these is a defect of another Go client, so that it is not ours. Those
// of callbacks, sums, secrets and empty fields stand beside what they test:
// TestUnsignedCallbackRejected, TestAmountOverMillion,
// TestErrorNeverContainsSecret, TestNoEmptyParameters,
// TestEmptySecretRejectedAtConstruction, TestTwoShopsInOneProcess.

func TestUUIDOrderID(t *testing.T) {
	const id = "70906e55-7114-41d6-8332-4609dc6590f4"
	b := newBank(t).on(postInvoices, ok(`{"paymentId":"`+id+`","url":"https://paymaster.ru/cpay/1"}`)).
		on("GET /api/v2/payments/"+id, ok(`{"id":"`+id+`","status":"Pending","merchantId":"`+merchant+`","amount":{"value":1,"currency":"RUB"},"invoice":{"orderNo":"`+id+`"}}`))
	r := order()
	r.OrderID = id
	inv, err := b.client().CreateInvoice(ctx, r)
	require.NoError(t, err)
	p, err := b.client().GetStatus(ctx, inv.ID)
	require.NoError(t, err)
	assert.Equal(t, id, p.OrderID)
}

func TestDeclinedWithHTTP200(t *testing.T) {
	_, err := newBank(t).on(postInvoices, refusal(200, "not_authorized")).client().CreateInvoice(ctx, order())
	refused(t, err, acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
	_, err = newBank(t).on(byInvoice, v1Refusal(-6)).classic(withLogin).GetStatus(ctx, "A")
	refused(t, err, acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
}

func TestErrorCodeStringOrNumber(t *testing.T) {
	for _, body := range []string{`{"ErrorCode":-13}`, `{"ErrorCode":"-13"}`} {
		_, err := newBank(t).on(byInvoice, ok(body)).classic(withLogin).GetStatus(ctx, "A")
		refused(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	}
	_, err := newBank(t).on(postInvoices, ok(`{"code":17,"message":5}`)).client().CreateInvoice(ctx, order())
	assert.Equal(t, "17", refused(t, err, acquiring.ErrInvalid, acquiring.OutcomeRejected).Code)
}

func Test502IsError(t *testing.T) {
	for _, body := range []string{`{}`, `{"paymentId":"1","url":"https://paymaster.ru/cpay/1"}`, ``} {
		b := newBank(t).on(postInvoices, answered{status: 502, body: body})
		_, err := b.client().IssueInvoice(ctx, InvoiceCreate{})
		refused(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	}
}

func TestHTMLBodyError(t *testing.T) {
	const page = "<html><body><h1>Технические работы</h1></body></html>"
	b := newBank(t).on(postRefunds, ok(page)).on("PUT /api/v2/payments/1/confirm", ok(page)).on(confirmV1, ok(page))
	_, err := b.client().CreateRefund(ctx, RefundCreate{PaymentID: "1"})
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	refused(t, b.client().ConfirmPayment(ctx, "1", Sum(1, "RUB"), nil), acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	_, err = b.classic(withLogin).ConfirmPayment(ctx, "1", 1)
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
}

func TestRequestNotMutated(t *testing.T) {
	b := newBank(t).on(postInvoices, ok(link))
	r := order()
	r.Metadata, r.Extra = map[string]string{"b": "2", "a": "1"}, map[string]string{"note": "x"}
	r.Receipt = sale(r.Amount, fiscal.FullPrepayment)
	r.Receipt.Lines[0].VAT = fiscal.VAT22
	before, err := json.Marshal(r)
	require.NoError(t, err)
	_, err = b.client().CreateInvoice(ctx, r)
	require.NoError(t, err)
	_, err = b.classic().CreateInvoice(ctx, r)
	require.NoError(t, err)
	after, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
	assert.Contains(t, b.last(postInvoices).body, `"vatType":"Vat122"`)
}

// A payer's card number that came whole is masked in whatever is made of the
// notification; Callback.Raw alone has it as it came.
func TestCardNumberIsMasked(t *testing.T) {
	const whole, masked = "2202205000012424", "220220******2424"
	c := newBank(t).classic(working)
	v := vector1()
	v.Set("LMI_PAYER_IDENTIFIER", whole)
	v = sign(c, v)
	cb, err := c.VerifyCallback(ctx, notified(v))
	require.NoError(t, err)
	assert.Equal(t, masked, cb.Payment.Card.Masked)
	n, err := ParseNotification([]byte(v.Encode()))
	require.NoError(t, err)
	assert.Equal(t, masked, n.PayerIdentifier)
	field, _ := n.Fields.Get("LMI_PAYER_IDENTIFIER")
	assert.Equal(t, masked, field)
}
