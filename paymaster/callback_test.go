package paymaster

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

func TestCallback(t *testing.T) {
	body := read(t, "v2_callback.json")
	b := newBank(t).on(getPayment, ok(payment(StatusSettled, ""))).on(getRefunds, listed())
	cb, err := b.client(func(c *Config) { c.Shop = "school" }).VerifyCallback(ctx, post(body))
	require.NoError(t, err)
	assert.False(t, cb.Signed)
	assert.Equal(t, "school:734512:paid:149990:0", cb.Key)
	assert.Equal(t, "734512 ORD-2024-0042 paid 1499.90", strings.Join([]string{string(cb.PaymentID), cb.OrderID, cb.Status.String(), cb.Amount.String()}, " "))
	assert.Equal(t, acquiring.StatusPaid, cb.Payment.Status)
	assert.Equal(t, "17", cb.Payment.Metadata["crm"])
	assert.Equal(t, body, string(cb.Raw))
	assert.Equal(t, "OK", string(cb.Reply.Body))
	// A BOM before it, a number for an id.
	for _, odd := range []string{"\xef\xbb\xbf" + body, strings.Replace(body, `"734512"`, "734512", 1)} {
		again, err := b.client(func(c *Config) { c.Shop = "school" }).VerifyCallback(ctx, post(odd))
		require.NoError(t, err)
		assert.Equal(t, cb.Key, again.Key)
	}
}

// Peers call back with StatusPaid for an unsigned {"status":"Settled"}.
func TestUnsignedCallbackRejected(t *testing.T) {
	genuine := read(t, "v2_callback.json")
	for name, tt := range map[string]struct {
		body  string
		truth answered
		asked int
	}{
		"nothing else":            {`{"status":"Settled"}`, answered{status: 404}, 0},
		"not paid at PayMaster":   {genuine, ok(payment(StatusPending, "")), 1},
		"being confirmed":         {genuine, ok(payment(StatusConfirmation, "")), 1},
		"only held":               {genuine, ok(payment(StatusAuthorized, "")), 1},
		"rejected":                {genuine, ok(payment(StatusRejected, "")), 1},
		"a hold that is none":     {strings.Replace(genuine, "Settled", "Authorized", 1), ok(payment(StatusPending, "")), 1},
		"unknown":                 {genuine, answered{status: 404}, 1},
		"unknown, with a code":    {genuine, refusal(400, "validation_error"), 1},
		"another shop's":          {strings.Replace(genuine, merchant, "0000", 1), ok(payment(StatusSettled, "")), 0},
		"another shop's truth":    {genuine, ok(strings.Replace(payment(StatusSettled, ""), merchant, "0000", 1)), 1},
		"no shop in the truth":    {genuine, ok(strings.Replace(payment(StatusSettled, ""), merchant, "", 1)), 1},
		"another order":           {strings.Replace(genuine, `"orderNo":"ORD-2024-0042"`, `"orderNo":"ORD-1"`, 1), ok(payment(StatusSettled, "")), 1},
		"another sum":             {strings.Replace(genuine, "1499.9000", "1499.91", 1), ok(payment(StatusSettled, "")), 1},
		"another currency":        {strings.Replace(genuine, `"currency":"RUB"`, `"currency":"USD"`, 1), ok(payment(StatusSettled, "")), 1},
		"a path for an id":        {strings.Replace(genuine, `"734512"`, `"734512/../1"`, 1), ok(payment(StatusSettled, "")), 0},
		"an object for an id":     {strings.Replace(genuine, `"734512"`, `{}`, 1), ok(payment(StatusSettled, "")), 0},
		"not JSON":                {"id=734512&status=Settled", ok(payment(StatusSettled, "")), 0},
		"two documents":           {genuine + genuine, ok(payment(StatusSettled, "")), 0},
		"a sum in exponents":      {strings.Replace(genuine, "1499.9000", "1e400", 1), ok(payment(StatusSettled, "")), 0},
		"too long":                {genuine + strings.Repeat(" ", 64<<10), ok(payment(StatusSettled, "")), 0},
		"a token that is unknown": {`{"id":"5d0ce1","status":"Active"}`, ok(""), 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t).on(getPayment, tt.truth).on(getRefunds, listed())
			_, err := b.client().VerifyCallback(ctx, post(tt.body))
			refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
			assert.Len(t, b.asked, tt.asked)
		})
	}
	t.Run("through the handler", func(t *testing.T) {
		b := newBank(t).on(getPayment, ok(payment(StatusPending, "")))
		h := webhook.Handler(b.client(), func(context.Context, webhook.Event) error { t.Error("it was believed"); return nil })
		w := httptest.NewRecorder()
		h.ServeHTTP(w, post(genuine))
		assert.Equal(t, 403, w.Code)
	})
	_, err := newBank(t).client().VerifyCallback(ctx, httptest.NewRequest(http.MethodGet, callbackAt, nil))
	refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
}

func TestCallbackOfTestPaymentInProduction(t *testing.T) {
	b := newBank(t).on(getPayment, ok(payment(StatusSettled, ""))).on(getRefunds, listed())
	_, err := b.client(production).VerifyCallback(ctx, post(read(t, "v2_callback.json")))
	assert.Contains(t, refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected).Message, "test payment")
	// Saying that it is none does not help.
	_, err = b.client(production).VerifyCallback(ctx, post(strings.Replace(read(t, "v2_callback.json"), `"testMode":true`, `"testMode":false`, 1)))
	refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
	cb, err := b.client(production, func(c *Config) { c.AcceptTest = true }).VerifyCallback(ctx, post(read(t, "v2_callback.json")))
	require.NoError(t, err)
	assert.True(t, cb.Payment.Test)
}

func TestCallbackTellsTheTruth(t *testing.T) {
	// Late news: what PayMaster says now counts.
	for claim, tt := range map[string]struct {
		truth string
		want  acquiring.Status
	}{"Pending": {StatusSettled, acquiring.StatusPaid}, "Authorized": {StatusSettled, acquiring.StatusPaid}, "Rejected": {StatusPending, acquiring.StatusPending}, "New": {StatusSettled, acquiring.StatusPaid}} {
		b := newBank(t).on(getPayment, ok(payment(tt.truth, ""))).on(getRefunds, listed())
		cb, err := b.client().VerifyCallback(ctx, post(strings.Replace(read(t, "v2_callback.json"), "Settled", claim, 1)))
		require.NoError(t, err)
		assert.Equal(t, tt.want, cb.Status)
	}
	// PayMaster cannot be asked: the news is to come again. A token of ours
	// that is bad is no forgery either.
	for _, a := range []answered{{status: 503}, {status: 401}} {
		_, err := newBank(t).on(getPayment, a).client().VerifyCallback(ctx, post(read(t, "v2_callback.json")))
		assert.NotErrorIs(t, err, acquiring.ErrSignature)
	}
	b := newBank(t).on(getPayment, ok(payment(StatusSettled, ""))).on(getRefunds, refusal(401, "not_authorized"))
	_, err := b.client().VerifyCallback(ctx, post(read(t, "v2_callback.json")))
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
}

func TestCallbackSecret(t *testing.T) {
	b := newBank(t).on(getPayment, ok(payment(StatusSettled, ""))).on(getRefunds, listed())
	c := b.client(func(c *Config) { c.CallbackSecret = "9b1e7c-9b1e7c" })
	for path, good := range map[string]bool{"/hooks/pm/9b1e7c-9b1e7c": true, "/9b1e7c-9b1e7c/pm": true, "/hooks/pm": false, "/hooks/9b1e7c-9b1e7cx": false, "/": false} {
		_, err := c.VerifyCallback(ctx, httptest.NewRequest(http.MethodPost, "https://shop.example"+path, strings.NewReader(read(t, "v2_callback.json"))))
		if good {
			assert.NoError(t, err)
			continue
		}
		refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
		assert.NotContains(t, err.Error(), "9b1e7c-9b1e7c")
	}
}

func TestTokenCallback(t *testing.T) {
	const at = "GET /api/v2/paymenttokens/5d0ce1"
	body := `{"id":"5d0ce1","status":"Active","title":"410000XXXXXX0001","expires":"2027-10-31T23:59:59Z"}`
	b := newBank(t).on(at, ok(body), ok(`{"id":"5d0ce1","status":"Created"}`), answered{status: 503})
	cb, err := b.client().VerifyCallback(ctx, post(body))
	require.NoError(t, err)
	assert.Equal(t, "other paymaster:token:5d0ce1:Active", cb.Kind.String()+" "+cb.Key)
	n, err := ParseNotice(cb.Raw)
	require.NoError(t, err)
	assert.True(t, n.OfToken())
	_, err = b.client().VerifyCallback(ctx, post(body))
	refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
	_, err = b.client().VerifyCallback(ctx, post(body))
	assert.True(t, acquiring.Temporary(err))
}

// An invoice whose callback address lacks the secret would have each of its
// notifications refused.
func TestInvoiceNotifiesWhereItIsHeard(t *testing.T) {
	b := newBank(t).on("POST /api/v2/invoices", ok(`{"paymentId":"1","url":"https://paymaster.ru/cpay/1"}`))
	c := b.client(func(c *Config) { c.CallbackSecret, c.PreviousCallbackSecret = "new-9b1e7c", "old-9b1e7c" })
	for at, good := range map[string]bool{
		"":                                      true, // the cabinet's
		"https://shop.example/hooks/new-9b1e7c": true,
		"https://shop.example/old-9b1e7c/hooks": true,
		"https://shop.example/hooks":            false,
		"https://shop.example/hooks?new-9b1e7c": false,
		"https://new-9b1e7c/hooks":              false,
	} {
		_, err := c.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-7", Amount: 100, CallbackURL: at})
		if good {
			require.NoError(t, err, at)
			continue
		}
		e := refused(t, err, acquiring.ErrInvalid, acquiring.OutcomeNotSent)
		assert.Equal(t, "CallbackURL", e.Field, at)
		assert.NotContains(t, err.Error(), "9b1e7c")
	}
}
