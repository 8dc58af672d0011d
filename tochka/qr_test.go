package tochka

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

const (
	qrID     = "AD10001A2B3C4D5E6F7G8H9J0K1L2M3N"
	makeQR   = "POST sbp/v1.0/qr-code/merchant/MF0000000001/40702810900000001234%2F044525104"
	readQR   = "GET sbp/v1.0/qr-code/" + qrID
	stateQR  = "GET sbp/v1.0/qr-codes/" + qrID + "/payment-status"
	listSBP  = "GET sbp/v1.0/get-sbp-payments"
	backSBP  = "POST sbp/v1.0/refund"
	inSBP    = "GET sbp/v1.0/customer/300777001/044525104"
	sbpState = `{"Data":{"status":"Active","legalId":"LF0000000001","bankCode":"044525104","MerchantList":[{"status":"Active","merchantId":"MF0000000001","capabilities":"111","brandName":"Школа"},{"status":"Suspended","merchantId":"MF0000000009","capabilities":"111"}],"AccountList":[{"accountId":"40702810900000001234/044525104","status":"Active"}]}}`
)

func codeOf(created time.Time) string {
	return fmt.Sprintf(`{"Data":{"status":"Active","payload":"https://qr.nspk.ru/%s","accountId":"%s","createdAt":"%s","merchantId":"MF0000000001","legalId":"LF0000000001","qrcId":"%s","amount":149050,"ttl":"60","paymentPurpose":"Заказ 10051","currency":"RUB","qrcType":"02","commissionPercent":0.7,"templateVersion":"01"}}`,
		qrID, account, created.Format("2006-01-02T15:04:05.000-07:00"), qrID)
}

func stateOf(status string) string {
	return `{"Data":{"paymentList":[{"qrcId":"` + qrID + `","code":"RQ00000","status":"` + status + `","message":"Запрос обработан успешно","trxId":"A6280112233445566778899AABBCCDDE"}]}}`
}

func qrOrder() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "crm-10051", Amount: money.RUB(1490, 50), Description: "Заказ 10051", TTL: time.Hour, ReturnURL: "https://school.example.com/paid"}
}

func TestQRIsAsInTheManual(t *testing.T) {
	b := newBank(t).on(inSBP, sbpState).on(makeQR, fixture(t, "qr_created.json")).on(readQR, codeOf(time.Now())).on(stateQR, stateOf("NotStarted"), stateOf("NotStarted"), stateOf("Accepted"))
	c := b.client()
	qr, err := c.CreateQR(t.Context(), qrOrder())
	require.NoError(t, err)
	wantJSON(t, "qr.json", b.last(makeQR))
	assert.Contains(t, b.last(makeQR).body, `"amount":149050,`, "bare kopecks")
	assert.Equal(t, acquiring.PaymentID(qrID), qr.PaymentID)
	assert.Contains(t, qr.Payload, "https://qr.nspk.ru/AD1000")
	assert.Equal(t, "image/png", qr.ImageType)
	assert.Equal(t, "\x89PNG\r\n\x1a\n", string(qr.Image))
	assert.WithinDuration(t, time.Now().Add(time.Hour), qr.ExpiresAt, time.Minute)

	again, err := c.CreateQR(t.Context(), qrOrder())
	require.NoError(t, err)
	assert.Equal(t, qr.ID, again.ID)
	assert.Len(t, b.calls(makeQR), 1)
	assert.Len(t, b.calls(inSBP), 1)
	p, err := c.GetStatus(t.Context(), qr.PaymentID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPending, p.Status)
	assert.Equal(t, "crm-10051", p.OrderID)
	p, err = c.GetStatus(t.Context(), qr.PaymentID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Equal(t, money.RUB(1490, 50), p.Captured)
	assert.Equal(t, acquiring.MethodSBP, p.Method)

	_, err = c.CreateQR(t.Context(), qrOrder())
	require.ErrorIs(t, err, acquiring.ErrDuplicate, "paid")
	other := qrOrder()
	other.Amount++
	_, err = c.CreateQR(t.Context(), other)
	require.ErrorIs(t, err, acquiring.ErrDuplicate)
}

func TestQRWhoseAnswerWasLostIsMadeAgain(t *testing.T) {
	b := newBank(t).answer(makeQR, answer{lost: true}).on(makeQR, fixture(t, "qr_created.json"))
	c := b.client(func(c *Config) { c.SBPMerchantID, c.AccountID = "MF0000000001", account })
	_, err := c.CreateQR(t.Context(), qrOrder())
	assert.True(t, unsure(err))
	_, err = c.CreateQR(t.Context(), qrOrder())
	require.NoError(t, err, "nobody has seen the first")
}

// Two programs ask for the code of one order at the same time: a second code
// would be paid by the customer and known to nobody.
func TestOneQRCodeOfTwoPrograms(t *testing.T) {
	shared := NewMemoryLedger(0)
	b := newBank(t).on(makeQR, fixture(t, "qr_created.json")).on(readQR, codeOf(time.Now())).on(stateQR, stateOf("NotStarted"))
	with := func(c *Config) { c.Ledger, c.SBPMerchantID, c.AccountID = shared, "MF0000000001", account }
	one, two := b.client(with), b.client(with)
	// The first works on it.
	_, err := shared.Begin(t.Context(), LedgerEntry{Kind: LedgerQR, Payment: company, Key: qrOrder().OrderID, Amount: qrOrder().Amount, Owner: one.owner(), At: time.Now()})
	require.NoError(t, err)
	_, err = two.CreateQR(t.Context(), qrOrder())
	require.ErrorIs(t, err, acquiring.ErrConflict)
	assert.Empty(t, b.calls(makeQR))
	first, err := one.CreateQR(t.Context(), qrOrder())
	require.NoError(t, err)
	second, err := two.CreateQR(t.Context(), qrOrder())
	require.NoError(t, err)
	assert.Equal(t, first.ID, second.ID)
	assert.Len(t, b.calls(makeQR), 1)

	// One that died is taken over; one that failed leaves the order free.
	_, err = shared.Begin(t.Context(), LedgerEntry{Kind: LedgerQR, Payment: company, Key: "crashed", Amount: 100, Owner: "dead", At: time.Now().Add(-otherBusy)})
	require.NoError(t, err)
	r := qrOrder()
	r.OrderID, r.Amount = "crashed", 100
	_, err = two.CreateQR(t.Context(), r)
	require.NoError(t, err)
	failing := newBank(t).answer(makeQR, failure(400, "Field amount"), answer{lost: true}).on(makeQR, fixture(t, "qr_created.json"))
	for i, c := range []*Client{failing.client(with), failing.client(with), failing.client(with)} {
		r.OrderID = "failed"
		_, err = c.CreateQR(t.Context(), r)
		assert.Equal(t, i == 2, err == nil, "%d: %v", i, err)
	}
}

func TestQRRefusedBeforeSending(t *testing.T) {
	b := newBank(t)
	c := b.client(func(c *Config) { c.SBPMerchantID, c.AccountID = "MF0000000001", account })
	for name, tt := range map[string]struct {
		change func(*acquiring.InvoiceRequest)
		kind   error
	}{
		"no sum":       {func(r *acquiring.InvoiceRequest) { r.Amount = 0 }, acquiring.ErrInvalid},
		"no order":     {func(r *acquiring.InvoiceRequest) { r.OrderID = "" }, acquiring.ErrInvalid},
		"dollars":      {func(r *acquiring.InvoiceRequest) { r.Currency = "USD" }, acquiring.ErrInvalid},
		"http":         {func(r *acquiring.InvoiceRequest) { r.ReturnURL = "http://a.example" }, acquiring.ErrInvalid},
		"a long life":  {func(r *acquiring.InvoiceRequest) { r.TTL = 91 * 24 * time.Hour }, acquiring.ErrInvalid},
		"by card":      {func(r *acquiring.InvoiceRequest) { r.Methods = []acquiring.Method{acquiring.MethodCard} }, acquiring.ErrInvalid},
		"a receipt":    {func(r *acquiring.InvoiceRequest) { r.Receipt = lesson().Receipt }, acquiring.ErrUnsupported},
		"a hold":       {func(r *acquiring.InvoiceRequest) { r.Hold = true }, acquiring.ErrUnsupported},
		"a saved card": {func(r *acquiring.InvoiceRequest) { r.SaveCard, r.Customer.ID = true, "u" }, acquiring.ErrUnsupported},
		"more fields":  {func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"a": "b"} }, acquiring.ErrUnsupported},
	} {
		r := qrOrder()
		tt.change(&r)
		_, err := c.CreateQR(t.Context(), r)
		require.ErrorIs(t, err, tt.kind, name)
		assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
	}
	assert.Empty(t, b.all())
	b = newBank(t).answer(inSBP, failure(424, "Customer not found"))
	_, err := b.client().CreateQR(t.Context(), qrOrder())
	require.ErrorIs(t, err, acquiring.ErrUnsupported)
	b = newBank(t).on(inSBP, `{"Data":{"status":"Active","MerchantList":[{"status":"Active","merchantId":"MF1"},{"status":"Active","merchantId":"MF2"}],"AccountList":[]}}`)
	_, err = b.client().CreateQR(t.Context(), qrOrder())
	assert.Equal(t, "Config.SBPMerchantID", asError(t, err).Field)
	_, err = b.client(func(c *Config) { c.SBPMerchantID = "MF0000000001" }).CreateQR(t.Context(), qrOrder())
	assert.Equal(t, "Config.AccountID", asError(t, err).Field)
}

func TestQRStates(t *testing.T) {
	old := time.Now().Add(-5 * time.Hour)
	paid := `{"Data":{"Payments":[{"qrcId":"` + qrID + `","status":"Accepted","message":"ok","refTransactionId":"cb1e"}]},"Meta":{"totalPages":1}}`
	none := `{"Data":{"Payments":[]},"Meta":{"totalPages":1}}`
	for name, tt := range map[string]struct {
		created     time.Time
		state, list string
		want        acquiring.Status
	}{
		"waiting":              {time.Now(), stateOf("NotStarted"), none, acquiring.StatusPending},
		"under way":            {time.Now(), stateOf("InProgress"), none, acquiring.StatusPending},
		"received":             {time.Now(), stateOf("Received"), none, acquiring.StatusPending},
		"paid":                 {time.Now(), stateOf("Accepted"), none, acquiring.StatusPaid},
		"refused":              {time.Now(), stateOf("Rejected"), none, acquiring.StatusDeclined},
		"over":                 {old, stateOf("NotStarted"), none, acquiring.StatusExpired},
		"paid a long time ago": {old, `{"Data":{"paymentList":[]}}`, paid, acquiring.StatusPaid},
		"never heard of":       {time.Now(), stateOf("Dancing"), none, acquiring.StatusPending},
	} {
		b := newBank(t).on(readQR, codeOf(tt.created)).on(stateQR, tt.state).on(listSBP, tt.list)
		p, err := b.client().GetStatus(t.Context(), qrID)
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, p.Status, name)
	}
	b := newBank(t).on(readQR, codeOf(old)).answer(stateQR, failure(424, "QR not found")).on(listSBP, paid)
	p, err := b.client().GetStatus(t.Context(), qrID)
	require.NoError(t, err, "a day after the payment the bank no longer knows it there")
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	b = newBank(t).on(readQR, codeOf(old)).answer(stateQR, answer{status: 503})
	_, err = b.client().GetStatus(t.Context(), qrID)
	assert.True(t, acquiring.Temporary(err))
}

func TestSBPRefundIsAsInTheManual(t *testing.T) {
	one := `{"Data":{"Payments":[{"qrcId":"` + qrID + `","status":"Accepted","refTransactionId":"cb1ef10b-0000-4e55-aef9-d6bcc396ff0f"}]},"Meta":{"totalPages":1}}`
	state := `{"Data":{"paymentList":[{"qrcId":"` + qrID + `","code":"RQ00000","status":"Accepted"}]}}`
	b := newBank(t).on(readQR, codeOf(time.Now())).on(stateQR, state).on(listSBP, one).on(backSBP, `{"Data":{"requestId":"openapi-1","status":"Initiated"}}`).
		on("GET sbp/v1.0/refund/openapi-1", `{"Data":{"requestId":"openapi-1","status":"Accepted"}}`)
	c := b.client()
	req := acquiring.RefundRequest{ID: qrID, Key: "r-1", Amount: 49050, Reason: "Возврат по заказу 10051"}
	r, err := c.Refund(t.Context(), req)
	require.NoError(t, err)
	wantJSON(t, "sbp_refund.json", b.last(backSBP))
	assert.Equal(t, "openapi-1", r.ID)
	assert.Equal(t, acquiring.RefundPending, r.Status)
	r, err = c.Refund(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, acquiring.RefundDone, r.Status)
	assert.Len(t, b.calls(backSBP), 1)
	p, err := c.GetStatus(t.Context(), qrID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPartiallyRefunded, p.Status)
	assert.Equal(t, money.Amount(49050), p.Refunded)
	_, err = c.Refund(t.Context(), acquiring.RefundRequest{ID: qrID, Key: "r-2", Amount: 149050})
	require.ErrorIs(t, err, acquiring.ErrConflict, "more than is left")
	req.Amount = 1
	_, err = c.Refund(t.Context(), req)
	require.ErrorIs(t, err, acquiring.ErrConflict)
}

// Nobody can look up an SBP refund whose answer was lost: it is never sent
// again under its key.
func TestLostSBPRefundIsNeverRepeated(t *testing.T) {
	b := newBank(t).on(readQR, codeOf(time.Now())).on(stateQR, stateOf("Accepted")).on(listSBP, `{"Data":{"Payments":[]}}`).answer(backSBP, answer{lost: true})
	c := b.client()
	for range 2 {
		_, err := c.Refund(t.Context(), acquiring.RefundRequest{ID: qrID, Key: "k", Amount: 100})
		assert.True(t, unsure(err), err)
		assert.Contains(t, asError(t, err).Hint, "internet bank")
	}
	assert.Len(t, b.calls(backSBP), 1)
	b = newBank(t).on(readQR, codeOf(time.Now())).on(stateQR, stateOf("Accepted")).on(listSBP, `{"Data":{"Payments":[]}}`).answer(backSBP, failure(403, "Forbidden by consent"))
	c = b.client()
	for range 2 {
		_, err := c.Refund(t.Context(), acquiring.RefundRequest{ID: qrID, Key: "k", Amount: 100})
		require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	}
	assert.Len(t, b.calls(backSBP), 2, "refused is not lost")
	_, err := newBank(t).on(readQR, codeOf(time.Now())).on(stateQR, stateOf("NotStarted")).client().Refund(t.Context(), acquiring.RefundRequest{ID: qrID, Key: "k"})
	require.ErrorIs(t, err, acquiring.ErrConflict)
}

// Two companies number their orders alike, share one ledger, and nobody gave
// them labels: the customer of the one is not given the other's code.
func TestCodesOfTwoCompaniesAreToldApart(t *testing.T) {
	const another = "AD10009Z8Y7X6W5V4U3T2S1R0Q9P8O7N"
	b := newBank(t).on(makeQR, fixture(t, "qr_created.json"), strings.ReplaceAll(fixture(t, "qr_created.json"), qrID, another)).
		on(readQR, codeOf(time.Now())).on(stateQR, stateOf("NotStarted"))
	shared := NewMemoryLedger(0)
	with := func(company string) func(*Config) {
		return func(c *Config) {
			c.Ledger, c.CustomerCode, c.SBPMerchantID, c.AccountID = shared, company, "MF0000000001", account
		}
	}
	first, err := b.client(with(company)).CreateQR(t.Context(), qrOrder())
	require.NoError(t, err)
	second, err := b.client(with("300777009")).CreateQR(t.Context(), qrOrder())
	require.NoError(t, err)
	assert.NotEqual(t, first.ID, second.ID)
}

// What became of a code is asked of its own method for a day after the payment
// only; how the bank refuses it later is not known, and 424 with any words may
// be that. The list of payments knows it still.
func TestOldCodeIsFoundInTheList(t *testing.T) {
	accepted := `{"Data":{"Payments":[{"qrcId":"` + qrID + `","status":"Accepted","refTransactionId":"cb1ef10b"}]},"Meta":{"totalPages":1}}`
	b := newBank(t).on(readQR, codeOf(time.Now().Add(-48*time.Hour))).answer(stateQR, failure(424, "Срок действия кода истёк")).on(listSBP, accepted)
	p, err := b.client().GetStatus(t.Context(), qrID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	// While the code lives it is an outage.
	b = newBank(t).on(readQR, codeOf(time.Now())).answer(stateQR, failure(424, "Срок действия кода истёк")).on(listSBP, accepted)
	_, err = b.client().GetStatus(t.Context(), qrID)
	assert.True(t, acquiring.Temporary(err), err)
}
