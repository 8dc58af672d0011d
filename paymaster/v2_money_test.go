package paymaster

import (
	"context"
	"net/http"
	"strings"
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

func TestCapture(t *testing.T) {
	const confirm = "PUT /api/v2/payments/734512/confirm"
	paid := ok(payment(StatusSettled, ""))
	held := ok(payment(StatusAuthorized, ""))
	t.Run("a part", func(t *testing.T) {
		b := newBank(t).on(getPayment, held, paid).on(confirm, ok(""))
		p, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512", Amount: 99990, Receipt: sale(99990, fiscal.FullPayment)})
		require.NoError(t, err)
		assert.Equal(t, "paid 1499.90 999.90", p.Status.String()+" "+p.Amount.String()+" "+p.Captured.String())
		got := b.last(confirm)
		assert.Equal(t, exact(t, `{"amount":{"value":999.90,"currency":"RUB"},"receipt":{"client":{"email":"buyer@example.ru"},"items":[
			{"name":"Абонемент на май","quantity":1,"price":999.90,"vatType":"None","paymentSubject":"Service","paymentMethod":"FullPayment"}]}}`), exact(t, got.body))
		assert.Empty(t, got.header.Get("Idempotency-Key"))
	})
	t.Run("all", func(t *testing.T) {
		b := newBank(t).on(getPayment, held, paid).on(confirm, ok("\n"))
		p, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512"})
		require.NoError(t, err)
		assert.Equal(t, money.Amount(149990), p.Captured)
		assert.Equal(t, `{"amount":{"value":1499.90,"currency":"RUB"}}`, b.last(confirm).body)
	})
	t.Run("lost and done", func(t *testing.T) {
		b := newBank(t).on(getPayment, held, paid).on(confirm, lost)
		p, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512"})
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
		assert.Len(t, b.calls(confirm), 1)
	})
	t.Run("lost and not done", func(t *testing.T) {
		b := newBank(t).on(getPayment, held, held, paid).on(confirm, lost, ok(""))
		_, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512"})
		require.NoError(t, err)
		assert.Len(t, b.calls(confirm), 2)
	})
	t.Run("done, they say, and the reading fails", func(t *testing.T) {
		b := newBank(t).on(getPayment, held, answered{status: 401}).on(confirm, ok(""))
		_, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512"})
		refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
		assert.Len(t, b.calls(confirm), 1)
	})
	t.Run("an empty answer of a proxy that did nothing", func(t *testing.T) {
		b := newBank(t).on(getPayment, held, held, paid).on(confirm, ok(""))
		p, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512"})
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
		assert.Len(t, b.calls(confirm), 2)
		for _, answers := range [][]answered{{ok("")}, {ok(""), refusal(400, "invalid_operation")}, {lost, refusal(400, "invalid_operation")}} {
			b = newBank(t).on(getPayment, held).on(confirm, answers...)
			_, err = b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512"})
			refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown)
			assert.LessOrEqual(t, len(b.calls(confirm)), 3)
		}
		b = newBank(t).on(getPayment, held, ok(payment(StatusCancelled, ""))).on(confirm, ok(""))
		_, err = b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512"})
		refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	})
	t.Run("refused", func(t *testing.T) {
		for _, state := range []string{StatusPending, StatusSettled, StatusCancelled} {
			b := newBank(t).on(getPayment, ok(payment(state, "")))
			_, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512"})
			refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		}
		b := newBank(t).on(getPayment, held).on(confirm, refusal(400, "invalid_operation"))
		_, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512", Amount: 149991})
		refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		assert.Empty(t, b.calls(confirm))
		_, err = b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512", Amount: 1})
		refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		_, err = b.client().Capture(ctx, acquiring.CaptureRequest{ID: "734512", Receipt: sale(1, fiscal.FullPayment)})
		invalid(t, err, "Receipt")
		_, err = b.client().Capture(ctx, acquiring.CaptureRequest{ID: "a b"})
		invalid(t, err, "ID")
		_, err = b.client().Capture(ctx, acquiring.CaptureRequest{})
		invalid(t, err, "ID")
	})
}

func TestVoidAndCancel(t *testing.T) {
	const cancel = "PUT /api/v2/payments/734512/cancel"
	b := newBank(t).on(getPayment, ok(payment(StatusAuthorized, "")), ok(payment(StatusCancelled, ""))).on(cancel, ok(""))
	p, err := b.client().Void(ctx, "734512")
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusVoided, p.Status)
	assert.Empty(t, b.last(cancel).body)
	p, err = b.client().Void(ctx, "734512")
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusVoided, p.Status)
	assert.Len(t, b.calls(cancel), 1)
	for _, state := range []string{StatusSettled, StatusPending} {
		_, err = newBank(t).on(getPayment, ok(payment(state, ""))).client().Void(ctx, "734512")
		refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	}
	for _, state := range []string{StatusSettled, StatusAuthorized} {
		b := newBank(t).on(getPayment, ok(payment(state, "")))
		refused(t, b.client().Cancel(ctx, "734512"), acquiring.ErrConflict, acquiring.OutcomeRejected)
		assert.Empty(t, b.calls(cancel))
	}
	b = newBank(t).on(getPayment, ok(payment(StatusAuthorized, ""))).on(cancel, ok(""))
	_, err = b.client().Void(ctx, "734512")
	refused(t, err, acquiring.ErrProtocol, acquiring.OutcomeUnknown) // whoever answered, nothing was released
	pending, gone := ok(payment(StatusPending, "")), ok(payment(StatusCancelled, ""))
	b = newBank(t).on(getPayment, pending, gone).on(cancel, ok(""))
	assert.NoError(t, b.client().Cancel(ctx, "734512"))
	b = newBank(t).on(getPayment, pending, pending, gone).on(cancel, ok(""))
	assert.NoError(t, b.client().Cancel(ctx, "734512"))
	assert.Len(t, b.calls(cancel), 2)
	b = newBank(t).on(getPayment, pending).on(cancel, ok(""))
	refused(t, b.client().Cancel(ctx, "734512"), acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	b = newBank(t).on(getPayment, pending, answered{status: 401}).on(cancel, ok(""))
	refused(t, b.client().Cancel(ctx, "734512"), acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	b = newBank(t).on(getPayment, ok(payment(StatusRejected, "")))
	assert.NoError(t, b.client().Cancel(ctx, "734512"))
	b = newBank(t).on(getPayment, ok(payment(StatusPending, "")), ok(payment(StatusSettled, ""))).on(cancel, refusal(400, "invalid_operation"))
	refused(t, b.client().Cancel(ctx, "734512"), acquiring.ErrConflict, acquiring.OutcomeRejected)
	b = newBank(t).on(getPayment, ok(payment(StatusPending, ""))).on(cancel, refusal(400, "invalid_operation"))
	refused(t, b.client().Cancel(ctx, "734512"), acquiring.ErrConflict, acquiring.OutcomeRejected)
	b = newBank(t).on(getPayment, ok(payment(StatusPending, "")), ok(payment(StatusCancelled, ""))).on(cancel, lost)
	assert.NoError(t, b.client().Cancel(ctx, "734512"))
	invalid(t, b.client().Cancel(ctx, ""), "ID")
	_, err = b.client().Void(ctx, "/")
	invalid(t, err, "ID")
}

func TestRefund(t *testing.T) {
	settled := ok(payment(StatusSettled, ""))
	t.Run("a part with its receipt", func(t *testing.T) {
		b := newBank(t).on(getPayment, settled).on(postRefunds, ok(refundJSON("9120", "Pending", "499.9")))
		r, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 49990, Receipt: back(49990)})
		require.NoError(t, err)
		r.Raw = nil
		assert.Equal(t, &acquiring.Refund{ID: "9120", PaymentID: "734512", Amount: 49990, Status: acquiring.RefundPending}, r)
		wantJSON(t, "v2_refund.json", b.last(postRefunds))
	})
	t.Run("the rest", func(t *testing.T) {
		b := newBank(t).on(getPayment, settled).on(getRefunds, listed(refundJSON("9120", "Pending", "499.9"), refundJSON("9121", "Rejected", "1000"))).
			on(postRefunds, ok(refundJSON("9122", "Pending", "1000.0000")))
		r, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-2"})
		require.NoError(t, err)
		assert.Equal(t, money.Amount(100000), r.Amount)
		assert.Contains(t, b.last(postRefunds).body, `"value":1000.00`)
	})
	t.Run("a key that was used gives its refund", func(t *testing.T) {
		b := newBank(t).on(getPayment, settled).on(postRefunds, violation).on(getRefunds, listed(refundJSON("9120", "Success", "499.9")))
		r, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 49990})
		require.NoError(t, err)
		assert.Equal(t, "9120 done", r.ID+" "+r.Status.String())
		assert.Len(t, b.calls(postRefunds), 1)
		_, err = b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 100})
		refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	})
	t.Run("all was given back under this key", func(t *testing.T) {
		b := newBank(t).on(getPayment, settled).on(postRefunds, violation).on(getRefunds, listed(refundJSON("9120", "Success", "1499.90")))
		r, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1"})
		require.NoError(t, err)
		assert.Equal(t, "9120", r.ID)
	})
	t.Run("a used key and several refunds of the sum", func(t *testing.T) {
		b := newBank(t).on(getPayment, settled).on(postRefunds, violation).on(getRefunds, listed(refundJSON("1", "Success", "5"), refundJSON("2", "Success", "5")))
		_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 500})
		assert.Contains(t, refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected).Error(), "1, 2")
	})
	t.Run("a used key and the refunds of other keys", func(t *testing.T) {
		twins := listed(refundJSON("1", "Success", "5"), refundJSON("2", "Success", "5"))
		b := newBank(t).on(getPayment, settled).on(postRefunds, violation).on(getRefunds, twins)
		for _, known := range []string{"1", "2"} {
			r, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 500, Known: []string{known}})
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"1": "2", "2": "1"}[known], r.ID)
		}
		_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 500, Known: []string{"2", "1"}})
		refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected) // a refusal spends the key too
	})
	t.Run("the rest, of which nothing is left", func(t *testing.T) {
		// What another key gave back is not asked for again: whether PayMaster counts
		// a refund that is still pending, it does not say.
		gone := listed(refundJSON("1", "Pending", "1499.90"))
		b := newBank(t).on(getPayment, settled).on(getRefunds, gone).on(postRefunds, ok(refundJSON("2", "Pending", "1499.90")))
		_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-2", Known: []string{"1"}})
		refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		assert.Empty(t, b.calls(postRefunds))
		b = newBank(t).on(getPayment, settled).on(getRefunds, gone).on(postRefunds, violation)
		r, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1"})
		require.NoError(t, err)
		assert.Equal(t, "1", r.ID, "the key's own refund is found")
	})
	t.Run("a lost answer: the same key again", func(t *testing.T) {
		b := newBank(t).on(getPayment, settled).on(postRefunds, lost, ok(refundJSON("9120", "Pending", "5")))
		r, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 500})
		require.NoError(t, err)
		assert.Equal(t, "9120", r.ID)
		calls := b.calls(postRefunds)
		require.Len(t, calls, 2)
		assert.Equal(t, calls[0].header.Get("Idempotency-Key"), calls[1].header.Get("Idempotency-Key"))
	})
	t.Run("a lost answer of a refund that was made", func(t *testing.T) {
		later := strings.Replace(refundJSON("2", "Pending", "5"), "08:50:00.113Z", "09:00:01Z", 1)
		b := newBank(t).on(getPayment, settled).on(postRefunds, lost, violation).on(getRefunds, listed(refundJSON("1", "Success", "5"), later))
		r, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 500})
		require.NoError(t, err)
		assert.Equal(t, "2", r.ID)
	})
	t.Run("lost for good", func(t *testing.T) {
		b := newBank(t).on(getPayment, settled).on(postRefunds, lost)
		_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 500})
		assert.Contains(t, refused(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown).Hint, "same Key")
		assert.Len(t, b.calls(postRefunds), 2)
	})
	t.Run("a server that repeats its first answer", func(t *testing.T) {
		b := newBank(t).on(getPayment, settled).on(postRefunds, ok(refundJSON("9120", "Success", "7")))
		_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R-1", Amount: 500})
		refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	})
	t.Run("refused", func(t *testing.T) {
		for _, state := range []string{StatusPending, StatusAuthorized, StatusRejected} {
			b := newBank(t).on(getPayment, ok(payment(state, "")))
			_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R", Amount: 1})
			refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		}
		b := newBank(t).on(getPayment, settled).on(getRefunds, listed()).on(postRefunds, refusal(400, "invalid_operation"))
		for _, sum := range []money.Amount{149991, 1} {
			_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R", Amount: sum})
			refused(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
		}
		_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R", Amount: 100, Receipt: sale(100, fiscal.FullPayment)})
		invalid(t, err, "Receipt.type")
		_, err = b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512", Key: "R", Receipt: back(100)})
		invalid(t, err, "Receipt")
		_, err = b.client().Refund(ctx, acquiring.RefundRequest{ID: "734512"})
		invalid(t, err, "Key")
		_, err = b.client().Refund(ctx, acquiring.RefundRequest{ID: "a/b", Key: "R"})
		invalid(t, err, "ID")
	})
}

func TestWaitRefund(t *testing.T) {
	transport := func(answers ...string) *http.Client {
		m, n := httpmock.NewMockTransport(), 0
		m.RegisterResponder("GET", "https://paymaster.ru/api/v2/refunds/9120", func(*http.Request) (*http.Response, error) {
			a := answers[min(n, len(answers)-1)]
			n++
			return httpmock.NewStringResponse(200, a), nil
		})
		return &http.Client{Transport: m}
	}
	synctest.Test(t, func(t *testing.T) {
		client := func(answers ...string) *Client {
			c, err := New(Config{Environment: acquiring.Test, MerchantID: merchant, Token: token, HTTPClient: transport(answers...)})
			require.NoError(t, err)
			return c
		}
		start := time.Now()
		r, err := client(refundJSON("9120", "Pending", "5"), refundJSON("9120", "Pending", "5"), refundJSON("9120", "Success", "5")).WaitRefund(ctx, "9120")
		require.NoError(t, err)
		assert.Equal(t, acquiring.RefundDone, r.Status)
		assert.Equal(t, 2500*time.Millisecond, time.Since(start))
		r, err = client(refundJSON("9120", "Rejected", "5")).WaitRefund(ctx, "9120")
		require.NoError(t, err)
		assert.Equal(t, acquiring.RefundFailed, r.Status)
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		r, err = client(refundJSON("9120", "Pending", "5")).WaitRefund(short, "9120")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, acquiring.RefundPending, r.Status)
		_, err = client(refundJSON("9121", "Pending", "5")).WaitRefund(ctx, "9120")
		assert.ErrorIs(t, err, acquiring.ErrProtocol)
	})
}

func TestCharge(t *testing.T) {
	answer := func(status, result string) answered {
		return ok(`{"id":"734620","created":"2024-06-01T06:00:03Z","testMode":true,"status":"` + status + `","resultCode":"` + result + `","merchantId":"` + merchant + `",
			"amount":{"value":300.0000,"currency":"RUB"},"invoice":{"description":"Подписка, июнь","orderNo":"SUB-5-06"},
			"paymentData":{"paymentMethod":"BankCard","paymentInstrumentTitle":"220000XXXXXX0053"}}`)
	}
	r := acquiring.ChargeRequest{OrderID: "SUB-5-06", Token: "5d0ce1", Amount: 30000, Description: "Подписка, июнь", Customer: acquiring.Customer{ID: "u-55"}, IP: "203.0.113.7"}
	b := newBank(t).on(postPayments, answer("Settled", "Success"))
	p, err := b.client().Charge(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, "734620 paid 300.00", string(p.ID)+" "+p.Status.String()+" "+p.Captured.String())
	wantJSON(t, "v2_charge.json", b.last(postPayments))

	_, err = newBank(t).on(postPayments, answer("Rejected", "InsufficientFunds")).client().Charge(ctx, r)
	assert.Equal(t, "InsufficientFunds", refused(t, err, acquiring.ErrDeclined, acquiring.OutcomeRejected).Code)

	// Repeated: the payment that the order has.
	b = newBank(t).on(postPayments, violation).on(getPayments, listed(answer("Settled", "").body)).on("GET /api/v2/payments/734620", answer("Settled", "Success"))
	p, err = b.client().Charge(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID("734620"), p.ID)
	other := r
	other.Amount++
	_, err = b.client().Charge(ctx, other)
	refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)

	// Lost: found, or charged again with the same key.
	b = newBank(t).on(postPayments, lost).on(getPayments, listed(answer("Settled", "").body)).on("GET /api/v2/payments/734620", answer("Settled", "Success"))
	_, err = b.client().Charge(ctx, r)
	require.NoError(t, err)
	assert.Len(t, b.calls(postPayments), 1)
	b = newBank(t).on(postPayments, lost, answer("Settled", "Success")).on(getPayments, listed())
	_, err = b.client().Charge(ctx, r)
	require.NoError(t, err)
	calls := b.calls(postPayments)
	require.Len(t, calls, 2)
	assert.Equal(t, calls[0].header.Get("Idempotency-Key"), calls[1].header.Get("Idempotency-Key"))
	b = newBank(t).on(postPayments, lost, violation).on(getPayments, listed())
	_, err = b.client().Charge(ctx, r)
	refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	_, err = newBank(t).on(postPayments, lost).on(getPayments, listed()).client().Charge(ctx, r)
	refused(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	_, err = newBank(t).on(postPayments, refusal(400, "payment_token_revoked")).client().Charge(ctx, r)
	refused(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)

	r.Token = "a b"
	_, err = b.client().Charge(ctx, r)
	invalid(t, err, "Token")
	r.Token = ""
	_, err = b.client().Charge(ctx, r)
	invalid(t, err, "Token")

	const revoke = "PUT /api/v2/paymenttokens/5d0ce1/revoke"
	assert.NoError(t, newBank(t).on(revoke, ok("")).client().DeleteToken(ctx, "5d0ce1"))
	b = newBank(t).on(revoke, refusal(400, "payment_token_revoked")).on("GET /api/v2/paymenttokens/5d0ce1", ok(`{"id":"5d0ce1","status":"Revoked"}`))
	assert.NoError(t, b.client().DeleteToken(ctx, "5d0ce1"))
	b = newBank(t).on(revoke, ok("")).on("GET /api/v2/paymenttokens/5d0ce1", ok(`{"id":"5d0ce1","status":"Active"}`))
	refused(t, b.client().DeleteToken(ctx, "5d0ce1"), acquiring.ErrProtocol, acquiring.OutcomeUnknown)
	assert.ErrorIs(t, newBank(t).client().DeleteToken(ctx, "5d0ce1"), acquiring.ErrNotFound)
	invalid(t, newBank(t).client().DeleteToken(ctx, ""), "Token")
}

func TestCreateQR(t *testing.T) {
	waiting := payment(StatusConfirmation, `,"confirmation":{"type":"External","universalLink":true,"paymentUrl":"https://qr.nspk.ru/AS10"}`)
	b := newBank(t).on(postPayments, ok(waiting))
	r := order()
	r.CallbackURL = callbackAt
	q, err := b.client().CreateQR(ctx, r)
	require.NoError(t, err)
	q.Raw = nil
	assert.Equal(t, &acquiring.QR{ID: "734512", PaymentID: "734512", OrderID: "ORD-2024-0042", Payload: "https://qr.nspk.ru/AS10"}, q)
	assert.Equal(t, exact(t, `{"merchantId":"`+merchant+`","testMode":true,"dualMode":false,"invoice":{"description":"Заказ ORD-2024-0042","orderNo":"ORD-2024-0042"},
		"amount":{"value":1499.90,"currency":"RUB"},"paymentData":{"paymentMethod":"sbp"},"protocol":{"callbackUrl":"`+callbackAt+`"}}`), exact(t, b.last(postPayments).body))
	b = newBank(t).on(postPayments, lost).on(getPayments, listed(payment(StatusConfirmation, ""))).on(getPayment, ok(waiting))
	q, err = b.client().CreateQR(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, "https://qr.nspk.ru/AS10", q.Payload)
	_, err = newBank(t).on(postPayments, ok(payment(StatusPending, ""))).client().CreateQR(ctx, r)
	refused(t, err, acquiring.ErrUnsupported, acquiring.OutcomeRejected)
	_, err = newBank(t).on(postPayments, ok(payment(StatusSettled, ""))).client().CreateQR(ctx, r)
	refused(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	r.Amount = 0
	_, err = b.client().CreateQR(ctx, r)
	invalid(t, err, "Amount")
}
