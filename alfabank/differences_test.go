package alfabank

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// TestDiffersFromTheSiblingBank has a test for each difference between this
// bank's gateway and Sberbank's, whose software is of the same family.
func TestDiffersFromTheSiblingBank(t *testing.T) {
	for name, difference := range map[string]func(t *testing.T){
		"protocol: forms to /payment/rest":   formsNotJSON,
		"hosts: by the login's prefix":       hostsByLogin,
		"login or token, and no key header":  loginOrToken,
		"idempotency in the body":            keysInTheBody,
		"callbacks: GET with a checksum":     callbacksAreGET,
		"callback operations":                callbackOperations,
		"order states 7 and 8":               moreStates,
		"the session is the merchant's":      sessionIsLeftOut,
		"refunds have a key and a lock":      refundHasKeyAndLock,
		"captures by positions, dates":       capturesByPositions,
		"baskets: taxType up to 15, no FFD":  basketHasNoFFD,
		"closing receipts":                   closingReceipts,
		"SBP codes by their own method":      sbpByItsOwnMethod,
		"AlfaPay, not SberPay":               ownWallet,
		"payment links":                      paymentLinks,
		"lists of orders":                    listsOfOrders,
		"languages: eleven":                  elevenLanguages,
		"order numbers: the strictest rule":  orderNumbers,
		"decline demands both numbers":       declineDemandsBoth,
		"charges: the merchant's initiative": chargesByInitiator,
	} {
		t.Run(name, difference)
	}
}

func formsNotJSON(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	_, err := b.client().CreateInvoice(ctx, plainInvoice())
	require.NoError(t, err)
	got := b.last("register.do")
	assert.Equal(t, "/payment/rest/register.do", got.path)
	assert.Equal(t, "application/x-www-form-urlencoded; charset=UTF-8", got.header.Get("Content-Type"))
}

func hostsByLogin(t *testing.T) {
	for login, host := range map[string]string{"r-shop-api": ProductionURLPayment, "shop-api": ProductionURLPay} {
		c, err := New(Config{Environment: acquiring.Production, UserName: login, Password: "p"})
		require.NoError(t, err)
		assert.Equal(t, host, c.gate.REST.BaseURL())
	}
}

func loginOrToken(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK).on(status, paid()).on("refund.do", done)
	c := b.client(func(c *Config) { c.UserName, c.Password, c.Token = "", "", "opentoken" })
	_, err := c.CreateInvoice(ctx, plainInvoice())
	require.NoError(t, err)
	_, err = c.GetStatus(ctx, id)
	require.NoError(t, err, "by the bank's number a token reads")
	for _, a := range b.asked {
		assert.Equal(t, []string{"opentoken"}, a.form(t)["token"])
		assert.Empty(t, a.header.Get("x-idempotencyKey"))
	}
	before := len(b.asked)
	for _, call := range []func() error{
		func() error { _, err := c.RefundOrder(ctx, OrderRefund{OrderID: id, Amount: 1}); return err },
		func() error { _, err := c.Deposit(ctx, DepositRequest{OrderID: id}); return err },
		func() error { _, err := c.Reverse(ctx, ReverseRequest{OrderID: id}); return err },
		func() error { _, err := c.GetSBPQR(ctx, SBPQRRequest{OrderID: id}); return err },
		func() error { _, err := c.AlfaPay(ctx, AlfaPayRequest{ReturnURL: "https://a.example"}); return err },
		func() error { _, err := c.ListTemplates(ctx, ""); return err },
		func() error { _, err := c.UpdateCallbacks(ctx, CallbackSettings{}); return err },
		func() error { return c.Cancel(ctx, id) },
	} {
		assert.Equal(t, "Config.UserName", problem(t, call()).Field)
	}
	assert.Len(t, b.asked, before+1, "only Cancel's reading was sent: a token may not do the rest")
}

func keysInTheBody(t *testing.T) {
	b := newBank(t).on("deposit.do", done).on("reverse.do", done).on("refund.do", done)
	c := b.client()
	_, err := c.RefundOrder(ctx, OrderRefund{OrderID: id, ExternalRefundID: "k"})
	require.NoError(t, err)
	assert.Equal(t, "k", b.last("refund.do").form(t).Get("externalRefundId"))
	assert.Empty(t, b.last("refund.do").header.Get("x-idempotencyKey"))
}

func callbacksAreGET(t *testing.T) {
	c := newBank(t).client(keyed(demoKey))
	_, err := c.VerifyCallback(ctx, get(demoQuery+"&checksum="+demoSum))
	assert.NoError(t, err)
	// A JSON body without a checksum, as the other bank's may be, is refused.
	r := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(`{"mdOrder":"`+id+`","orderNumber":"A-1001","operation":"deposited","status":1}`))
	_, err = c.VerifyCallback(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrSignature)
}

func callbackOperations(t *testing.T) {
	c := newBank(t).on(status, strings.Replace(orderJSON(3, 0, "", ""), "A-1001", "1", 1)).client(keyed(demoKey))
	for _, operation := range []string{"approved", "deposited", "reversed", "declinedByTimeout", "declinedCardpresent", "bindingCreated", "bindingActivityChanged"} {
		cb, err := c.VerifyCallback(ctx, get(signedWith(demoKey, "mdOrder="+id+"&orderNumber=1&status=1&operation="+operation)))
		require.NoError(t, err)
		assert.Equal(t, strings.HasPrefix(operation, "binding"), cb.Kind == acquiring.CallbackOther)
	}
}

func moreStates(t *testing.T) {
	for state, want := range map[int]acquiring.Status{0: acquiring.StatusPending, 1: acquiring.StatusAuthorized, 2: acquiring.StatusPaid, 3: acquiring.StatusVoided,
		4: acquiring.StatusPartiallyRefunded, 5: acquiring.StatusPending, 6: acquiring.StatusDeclined, 7: acquiring.StatusPending, 8: acquiring.StatusPaid, 9: acquiring.StatusUnknown, 77: acquiring.StatusUnknown} {
		p, err := newBank(t).on(status, orderJSON(state, 0, "", "")).client().GetStatus(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, want, p.Status, "state %d", state)
	}
	p, err := newBank(t).on(status, orderJSON(6, -2007, "", "")).client().GetStatus(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusExpired, p.Status)
}

func sessionIsLeftOut(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	inv, err := b.client().CreateInvoice(ctx, plainInvoice())
	require.NoError(t, err)
	assert.False(t, b.last("register.do").form(t).Has("sessionTimeoutSecs"))
	assert.True(t, inv.ExpiresAt.IsZero(), "1200 s is the default of merchants who have no other")
}

func refundHasKeyAndLock(t *testing.T) {
	b := newBank(t).on(status, paid()).on("refund.do", done)
	_, err := b.client().Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k"})
	require.NoError(t, err)
	got := b.last("refund.do").form(t)
	assert.Equal(t, "k", got.Get("externalRefundId"))
	assert.Equal(t, "129900", got.Get("expectedDepositedAmount"))
	assert.False(t, got.Has("jsonParams"))
}

func capturesByPositions(t *testing.T) {
	b := newBank(t).on("deposit.do", done).on("registerPreAuth.do", registeredOK).on(status, held(), paid())
	_, err := b.client().Capture(ctx, acquiring.CaptureRequest{ID: id, Amount: 100, Receipt: tea(fiscal.VATNone, fiscal.FullPayment, 100)})
	require.NoError(t, err)
	assert.Contains(t, b.last("deposit.do").form(t).Get("depositItems"), `"items":[{`)
	r := plainInvoice()
	r.Hold, r.Extra = true, map[string]string{"autoReverseDate": "2026-05-01T12:00:00"}
	_, err = b.client().CreateInvoice(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, "2026-05-01T12:00:00", b.last("registerPreAuth.do").form(t).Get("autoReverseDate"))
}

func basketHasNoFFD(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	r := plainInvoice()
	r.Receipt = tea(fiscal.VAT22, fiscal.FullPrepayment, r.Amount)
	r.Receipt.FFD = fiscal.FFD12
	_, err := b.client().CreateInvoice(ctx, r)
	require.NoError(t, err)
	got := b.last("register.do").form(t)
	assert.Equal(t, "0", got.Get("taxSystem"))
	assert.Contains(t, got.Get("orderBundle"), `"taxType":15`)
	for _, absent := range []string{"ffdVersion", "receiptType", "company", "markCode"} {
		assert.NotContains(t, got.Get("orderBundle"), absent)
	}
}

func closingReceipts(t *testing.T) {
	b := newBank(t).on("closeOfdReceipt.do", `{"success":true}`)
	c := b.client()
	receipt, err := c.NewReceipt(tea(fiscal.VAT22, fiscal.FullPayment, 100000))
	require.NoError(t, err)
	require.NoError(t, c.CloseReceipt(ctx, CloseReceiptRequest{OrderID: id, Amount: 123456, OrderBundle: receipt.Cart, OFDParams: receipt.OFDParams}), "no sum rule here")
	assert.Equal(t, id, b.last("closeOfdReceipt.do").form(t).Get("mdOrder"))
}

func sbpByItsOwnMethod(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK).on("sbp/c2b/qr/dynamic/get.do", `{"qrId":"AD10","payload":"https://qr.nspk.ru/AD10","qrStatus":"STARTED"}`).
		on("sbp/c2b/qr/status.do", `{"qrType":"DYNAMIC","qrStatus":"ACCEPTED","transactionState":"DEPOSITED"}`)
	qr, err := b.client().CreateQR(ctx, plainInvoice())
	require.NoError(t, err)
	state, err := b.client().GetSBPQRStatus(ctx, id, qr.ID)
	require.NoError(t, err)
	assert.Equal(t, QRAccepted, state.State())
	assert.Equal(t, "/payment/rest/sbp/c2b/qr/status.do", b.last("status.do").path, "without dynamic")
}

func ownWallet(t *testing.T) {
	b := newBank(t).on("alfapay/payment.do", `{"success":true,"data":{"orderId":"9b1d","redirect":"https://a.example"}}`).on(status, strings.Replace(paid(), "CARD", "ALFAPAY", 1), strings.Replace(paid(), "CARD", "PODELI", 1))
	out, err := b.client().AlfaPay(ctx, AlfaPayRequest{OrderNumber: "AP-5", Amount: 1, ReturnURL: "https://tea.example/ok", Language: "en"})
	require.NoError(t, err)
	assert.Equal(t, "https://a.example", out.Data.Redirect.String())
	for _, want := range []acquiring.Method{acquiring.MethodAlfaPay, acquiring.MethodInstallment} {
		p, err := b.client().GetStatus(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, want, p.Method)
	}
}

func paymentLinks(t *testing.T) {
	b := newBank(t).on("templates/getList.do", `{"status":"SUCCESS","templates":[{"templateId":"a","amount":300444,"currency":"EUR"},{"templateId":"b"}]}`)
	list, err := b.client().ListTemplates(ctx, TemplateActive)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(300444), list[0].Amount.Amount())
	assert.False(t, list[1].Amount.Known, "the buyer types the sum")
}

func listsOfOrders(t *testing.T) {
	_, ok := any(newBank(t).client()).(acquiring.Lister)
	assert.True(t, ok)
}

func elevenLanguages(t *testing.T) {
	for _, l := range []string{"ru", "en", "de", "fr", "es", "it", "zh", "ja", "ko", "ua", "kz"} {
		word, ok := languageOf(l)
		assert.True(t, ok)
		assert.Equal(t, l, word)
	}
	_, ok := languageOf("pt")
	assert.False(t, ok)
}

func orderNumbers(t *testing.T) {
	_, err := newBank(t).client().CreateInvoice(context.Background(), acquiring.InvoiceRequest{OrderID: "Счёт 42", Amount: 1, ReturnURL: "https://a.example"})
	assert.Equal(t, "OrderID", problem(t, err).Field)
}

func declineDemandsBoth(t *testing.T) {
	_, err := newBank(t).client().Decline(ctx, DeclineRequest{OrderNumber: "A-1001"})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

func chargesByInitiator(t *testing.T) {
	b := newBank(t).on("paymentOrderBinding.do", `{"errorCode":0}`)
	_, err := b.client().PaymentOrderBinding(ctx, BindingPayment{OrderID: id, BindingID: "b"})
	require.NoError(t, err)
	assert.Equal(t, "U", b.last("paymentOrderBinding.do").form(t).Get("tii"))
	_, err = b.client().PaymentOrderBinding(ctx, BindingPayment{OrderID: id, BindingID: "b", Initiator: InitiatorCustomer, CVC: "123"})
	require.NoError(t, err)
	assert.Equal(t, "F", b.last("paymentOrderBinding.do").form(t).Get("tii"))
}
