package alfabank

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// Each test here is a bug that a published client of this or a neighbouring
// gateway has.

// A real order id has 36 characters, and every method takes it.
func TestUUIDOrderID(t *testing.T) {
	b := newBank(t).on("refund.do", done).on("deposit.do", done).on("reverse.do", done).on("decline.do", done).on(status, paid())
	c := b.client()
	_, err := c.GetStatus(ctx, id)
	require.NoError(t, err)
	_, err = c.Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k", Amount: 500})
	require.NoError(t, err)
	_, err = c.Deposit(ctx, DepositRequest{OrderID: id, Amount: 100})
	require.NoError(t, err)
	_, err = c.Reverse(ctx, ReverseRequest{OrderID: id})
	require.NoError(t, err)
	for _, a := range b.asked {
		assert.Contains(t, a.body, id)
	}
}

// HTTP 200 with an error code is a refusal, and the error tells why.
func TestDeclinedWithHTTP200(t *testing.T) {
	inv, err := newBank(t).on("register.do", `{"errorCode":"5","errorMessage":"Access denied"}`).client().CreateInvoice(ctx, plainInvoice())
	assert.Nil(t, inv)
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	e := problem(t, err)
	assert.Equal(t, "5", e.Code)
	assert.Equal(t, "Access denied", e.Message)
	assert.Equal(t, "register.do", e.Op)
	assert.Equal(t, "alfabank", e.Provider)
}

// errorCode, actionCode, eci and rrn are texts here and numbers there.
func TestErrorCodeStringOrNumber(t *testing.T) {
	for _, body := range []string{`{"errorCode":"0"}`, `{"errorCode":0}`, `{}`, `{"errorCode":null}`} {
		_, err := newBank(t).on("deposit.do", body).client().Deposit(ctx, DepositRequest{OrderID: id})
		assert.NoError(t, err, body)
	}
	for _, body := range []string{`{"errorCode":"6","errorMessage":"x"}`, `{"errorCode":6,"errorMessage":"x"}`, `{"ErrorCode":"6"}`} {
		_, err := newBank(t).on("deposit.do", body).client().Deposit(ctx, DepositRequest{OrderID: id})
		assert.ErrorIs(t, err, acquiring.ErrNotFound, body)
	}
	for _, action := range []string{`0`, `"0"`} {
		p, err := newBank(t).on(status, strings.Replace(paid(), `"actionCode":0`, `"actionCode":`+action+`,"terminalId":12,"authRefNum":5,"cardAuthInfo":{"expiration":203412,"pan":"411111**1111","secureAuthInfo":{"eci":7}}`, 1)).client().GetStatus(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
		assert.Equal(t, 2034, p.Card.ExpiryYear)
	}
	for _, m := range []string{`{"rrn":111111111115,"eci":7,"authCode":123456,"actionCode":"0","errorCode":0}`, `{"rrn":"111111111115","eci":"07","authCode":"123456","actionCode":0,"errorCode":"0"}`} {
		v, err := newBank(t).on("verifyCard.do", m).client().VerifyCard(ctx, VerifyCardRequest{PAN: "4000001111111118"})
		require.NoError(t, err)
		assert.True(t, v.Approved())
		assert.Equal(t, "111111111115", v.RRN.String())
	}
}

// What is not set is not sent: no empty objects, zeros or nulls.
func TestNoEmptyParameters(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	_, err := b.client().CreateInvoice(ctx, plainInvoice())
	require.NoError(t, err)
	got := b.last("register.do").form(t)
	assert.ElementsMatch(t, []string{"userName", "password", "orderNumber", "amount", "currency", "returnUrl"}, slices.Collect(maps.Keys(got)))
	r := plainInvoice()
	r.Receipt = tea(fiscal.VATNone, fiscal.FullPayment, r.Amount)
	_, err = b.client().CreateInvoice(ctx, r)
	require.NoError(t, err)
	for _, empty := range []string{"{}", "null", `""`, "[]"} {
		assert.NotContains(t, b.last("register.do").form(t).Get("orderBundle"), empty)
	}
}

// Code 0, no VAT, is a code like any other, with its tax; half a kilogram is a
// quantity; a sum of 0 is sent where it means something.
func TestTaxTypeZeroIsSent(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK).on("deposit.do", done)
	r := plainInvoice()
	r.Receipt = tea(fiscal.VATNone, fiscal.FullPayment, 100)
	r.Receipt.Lines[0].Quantity = 500_000
	r.Amount = r.Receipt.Total()
	_, err := b.client().CreateInvoice(ctx, r)
	require.NoError(t, err)
	assert.Contains(t, b.last("register.do").form(t).Get("orderBundle"), `"tax":{"taxType":0,"taxSum":0}`)
	assert.Contains(t, b.last("register.do").form(t).Get("orderBundle"), `"value":0.5`)
	_, err = b.client().Deposit(ctx, DepositRequest{OrderID: id})
	require.NoError(t, err)
	assert.Equal(t, []string{"0"}, b.last("deposit.do").form(t)["amount"])
}

// The caller's request comes back as it was, and never gets the password.
func TestRequestNotMutated(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK).on("refund.do", done).on(status, paid())
	r := invoice()
	r.SaveCard, r.Customer.ID, r.Receipt = true, "buyer-42", tea(fiscal.VAT22, fiscal.FullPayment, r.Amount)
	r.Receipt.Contact.Phone = "+79161234567"
	features := []string{"FORCE_TDS", "spare"}[:1]
	r.Extra = nil
	c := b.client(func(c *Config) { c.Features = features })
	before := fmt.Sprintf("%+v %+v", r, *r.Receipt)
	_, err := c.CreateInvoice(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, before, fmt.Sprintf("%+v %+v", r, *r.Receipt))
	assert.Equal(t, "spare", features[:2][1], "the Config's list is not written to")
	reg := RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example", Extra: map[string]string{"a": "b"}}
	_, err = c.Register(ctx, reg)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%+v", reg), password)
	assert.Len(t, reg.Extra, 1)
}

// Neither an error nor a log holds a secret or a card, whatever the bank says.
func TestErrorNeverContainsSecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	const secret = "Secret-Password-18"
	for _, a := range []answer{
		{status: 200, body: `{"errorCode":"5","errorMessage":"bad password ` + secret + ` of 5555555555555599"}`},
		{status: 500, body: secret}, {status: 200, body: "<html>" + secret}, lost,
	} {
		b := newBank(t).answer("deposit.do", a)
		c := b.client(func(c *Config) {
			c.Password, c.CallbackKey, c.ParametersInQuery = secret, demoKey, true
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		_, err := c.Deposit(ctx, DepositRequest{OrderID: id, Amount: 100})
		require.Error(t, err)
		text := fmt.Sprintf("%v %+v %#v", err, err, err)
		assert.NotContains(t, text, secret)
		assert.NotContains(t, text, "5555555555555599")
		_, err = c.VerifyCallback(ctx, get(demoQuery+"&checksum=00"))
		assert.ErrorIs(t, err, acquiring.ErrSignature)
		assert.NotContains(t, err.Error(), demoKey)
		assert.NotContains(t, strings.ToUpper(err.Error()), demoSum, "the expected checksum")
	}
	assert.NotEmpty(t, log.String())
	assert.NotContains(t, log.String(), secret)
}

// A callback without a checksum is refused where a key is configured.
func TestUnsignedCallbackRejected(t *testing.T) {
	b := newBank(t)
	_, err := b.client(keyed(demoKey)).VerifyCallback(ctx, get("orderNumber=JGOID-000124&mdOrder=00847f61-237e-74df-a4d2-bc0502084b8b&operation=deposited&status=1"))
	assert.ErrorIs(t, err, acquiring.ErrSignature)
	assert.Empty(t, b.asked)
}

// Without secrets there is no client, and no host is guessed.
func TestEmptySecretRejectedAtConstruction(t *testing.T) {
	_, err := New(Config{Environment: acquiring.Test, UserName: "r-shop-api"})
	assert.Equal(t, "Config.Password", problem(t, err).Field)
	_, err = New(Config{UserName: "r-shop-api", Password: "p"})
	assert.Equal(t, "Config.Environment", problem(t, err).Field)
}

// Sums over a million rubles, and over 32 bits, keep all their digits.
func TestAmountOverMillion(t *testing.T) {
	for _, amount := range []money.Amount{money.RUB(1_000_000, 0), money.RUB(21_474_836, 48), rbs.MaxAmount} {
		b := newBank(t).on("register.do", registeredOK).on(status, strings.ReplaceAll(paid(), "129900", amount.Minor()))
		r := plainInvoice()
		r.Amount = amount
		_, err := b.client().CreateInvoice(ctx, r)
		require.NoError(t, err)
		assert.Equal(t, amount.Minor(), b.last("register.do").form(t).Get("amount"))
		p, err := b.client().GetStatus(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, amount, p.Captured)
	}
}

// 810 in the answer to 643 is rubles too.
func TestOldRoubleIsRouble(t *testing.T) {
	for _, code := range []string{`"810"`, `"643"`, `810`, `null`} {
		p, err := newBank(t).on(status, strings.Replace(paid(), `"currency":"810"`, `"currency":`+code, 1)).client().GetStatus(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, "RUB", p.Currency)
	}
}

// A web page is no answer, and no panic.
func TestHTMLBodyError(t *testing.T) {
	_, err := newBank(t).on("deposit.do", "<html><body>Технические работы</body></html>").client().Deposit(ctx, DepositRequest{OrderID: id})
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
	assert.ErrorContains(t, err, "Технические работы")
	assert.NotContains(t, err.Error(), "<html>")
}

// http.DefaultClient is never used, and no host of the bank by default.
func TestOwnHTTPClient(t *testing.T) {
	httpmock.Activate(t) // takes http.DefaultTransport over
	b := newBank(t).on("refund.do", done)
	_, err := b.client().RefundOrder(ctx, OrderRefund{OrderID: id, Amount: 100})
	require.NoError(t, err)
	assert.Zero(t, httpmock.GetTotalCallCount())

	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, ProductionURLPayment+"/refund.do", httpmock.NewStringResponder(200, `{"errorCode":"0"}`))
	c, err := New(Config{Environment: acquiring.Production, UserName: "r-u-api", Password: "p", HTTPClient: &http.Client{Transport: mock}})
	require.NoError(t, err)
	_, err = c.RefundOrder(ctx, OrderRefund{OrderID: id, Amount: 100})
	require.NoError(t, err)
	assert.Equal(t, 1, mock.GetTotalCallCount())
}

// Passwords with special characters arrive as they are.
func TestPasswordIsEncoded(t *testing.T) {
	for _, change := range []func(*Config){func(*Config) {}, func(c *Config) { c.ParametersInQuery = true }} {
		b := newBank(t).on("deposit.do", done)
		_, err := b.client(change).Deposit(ctx, DepositRequest{OrderID: id})
		require.NoError(t, err)
		assert.Equal(t, password, b.last("deposit.do").form(t).Get("password"))
	}
}

// Two shops in one process keep their credentials, keys and errors apart, and
// a callback of one is refused by the other.
func TestTwoShopsInOneProcess(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	clients := make([]*Client, 8)
	for i := range clients {
		clients[i] = b.client(func(c *Config) {
			c.UserName, c.Shop, c.CallbackKey = fmt.Sprintf("r-shop%d-api", i), fmt.Sprintf("label-%d", i), fmt.Sprintf("key-%d", i)
		})
	}
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			r := plainInvoice()
			r.OrderID = fmt.Sprintf("order-of-%d", i)
			_, err := c.CreateInvoice(ctx, r)
			assert.NoError(t, err)
			query := signedWith(fmt.Sprintf("key-%d", i), demoQuery)
			for j, other := range clients {
				cb, err := other.VerifyCallback(ctx, get(query))
				if j != i {
					assert.ErrorIs(t, err, acquiring.ErrSignature)
				} else if assert.NoError(t, err) {
					assert.Equal(t, fmt.Sprintf("label-%d:%s:deposited:1:", i, id), cb.Key)
				}
			}
		})
	}
	wg.Wait()
	for _, a := range b.asked {
		form := a.form(t)
		assert.Equal(t, strings.TrimPrefix(form.Get("orderNumber"), "order-of-"), strings.Trim(form.Get("userName"), "r-shopai"))
	}
}

// A card's number that came whole is masked before it is kept.
func TestCardNumberIsMasked(t *testing.T) {
	p, err := newBank(t).on(status, orderJSON(2, 0, "", `,"cardAuthInfo":{"pan":"2202205000012424"}`)).client().GetStatus(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, "220220******2424", p.Card.Masked)
}

// How much was given back is told by the sums, whichever way the bank counts
// the deposited one.
func TestPartialRefundByEitherCount(t *testing.T) {
	for _, sums := range []string{`"depositedAmount":100000`, `"depositedAmount":129900`} {
		p, err := newBank(t).on(status, orderJSON(4, 0, `"approvedAmount":129900,"refundedAmount":29900,`+sums, "")).client().GetStatus(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusPartiallyRefunded, p.Status)
		assert.Equal(t, money.Amount(100000), p.Left())
	}
	for _, sums := range []string{`"depositedAmount":0`, `"depositedAmount":129900`} {
		p, err := newBank(t).on(status, orderJSON(4, 0, `"approvedAmount":129900,"refundedAmount":129900,`+sums, "")).client().GetStatus(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusRefunded, p.Status)
	}
}
