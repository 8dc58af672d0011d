package sberbank

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
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

var protocols = []Protocol{ProtocolJSON, ProtocolLegacy}

// A real order id has 36 characters, and every method takes it.
func TestUUIDOrderID(t *testing.T) {
	ctx := context.Background()
	for _, p := range protocols {
		b := newBank(t).on("refund.do", done).on("deposit.do", done).on("reverse.do", done).on("decline.do", done).on("getOrderStatusExtended.do", paid())
		c := b.client(p)
		_, err := c.GetStatus(ctx, id)
		require.NoError(t, err)
		_, err = c.Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k", Amount: money.RUB(5, 0)})
		require.NoError(t, err)
		_, err = c.Deposit(ctx, DepositRequest{OrderID: id, Amount: 100})
		require.NoError(t, err)
		_, err = c.Reverse(ctx, ReverseRequest{OrderID: id})
		require.NoError(t, err)
		for _, a := range b.asked {
			assert.Contains(t, a.body, id)
		}
	}
}

// HTTP 200 with an error code is a refusal.
func TestDeclinedWithHTTP200(t *testing.T) {
	for _, p := range protocols {
		b := newBank(t).on("register.do", `{"errorCode":"5","errorMessage":"Access denied"}`).on("refund.do", `{"errorCode":5}`)
		inv, err := b.client(p).CreateInvoice(context.Background(), plainInvoice())
		assert.Nil(t, inv)
		assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
		_, err = b.client(p).RefundOrder(context.Background(), OrderRefund{OrderID: id, Amount: 100})
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
		// A success without its number or page is none either.
		for _, body := range []string{`{}`, `{"errorCode":"0"}`, `{"orderId":"` + id + `"}`} {
			b := newBank(t).on("register.do", body).on("getOrderStatusExtended.do", denied)
			_, err = b.client(p).CreateInvoice(context.Background(), plainInvoice())
			assert.ErrorIs(t, err, acquiring.ErrProtocol, body)
			assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), body)
		}
	}
}

// errorCode is a text here and a number there.
func TestErrorCodeStringOrNumber(t *testing.T) {
	for _, p := range protocols {
		for _, body := range []string{`{"errorCode":"0"}`, `{"errorCode":0}`, `{}`} {
			_, err := newBank(t).on("refund.do", body).client(p).RefundOrder(context.Background(), OrderRefund{OrderID: id, Amount: 100})
			assert.NoError(t, err, body)
		}
		for _, body := range []string{`{"errorCode":"6","errorMessage":"x"}`, `{"errorCode":6,"errorMessage":"x"}`} {
			_, err := newBank(t).on("refund.do", body).client(p).RefundOrder(context.Background(), OrderRefund{OrderID: id, Amount: 100})
			assert.ErrorIs(t, err, acquiring.ErrNotFound, body)
		}
	}
	_, err := newBank(t).on("getOrderStatus.do", `{"ErrorCode":"6","ErrorMessage":"Заказ не найден"}`).client(ProtocolLegacy).GetOrderStatus(context.Background(), id)
	assert.ErrorIs(t, err, acquiring.ErrNotFound, "the older spelling of a refusal")
}

// A token registers, and login and password are absent then.
func TestTokenIsSentAsAToken(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK).on("getOrderStatusExtended.do", paid())
	c := b.client(ProtocolLegacy, func(c *Config) { c.Token = "tok" })
	_, err := c.CreateInvoice(context.Background(), plainInvoice())
	require.NoError(t, err)
	v, _ := url.ParseQuery(b.last("register.do").body)
	assert.Equal(t, "tok", v.Get("token"))
	assert.False(t, v.Has("userName") || v.Has("password"))
	_, err = c.GetStatus(context.Background(), id)
	require.NoError(t, err)
	v, _ = url.ParseQuery(b.last("getOrderStatusExtended.do").body)
	assert.Equal(t, "shop417", v.Get("userName"))
	assert.False(t, v.Has("token"))
}

// Every call is a POST with its parameters in the body: the bank of these
// tests answers 404 to anything else.
func TestNothingInTheQuery(t *testing.T) {
	for _, p := range protocols {
		b := newBank(t).on("register.do", registeredOK)
		_, err := b.client(p).CreateInvoice(context.Background(), plainInvoice())
		require.NoError(t, err)
		assert.Contains(t, b.asked[0].body, "Secret-Password-18")
	}
}

// What is not set is not sent.
func TestNoEmptyParameters(t *testing.T) {
	for _, p := range protocols {
		b := newBank(t).on("register.do", registeredOK)
		_, err := b.client(p).CreateInvoice(context.Background(), plainInvoice())
		require.NoError(t, err)
		body := b.last("register.do").body
		assert.ElementsMatch(t, []string{"userName", "password", "orderNumber", "amount", "currency", "returnUrl"}, names(t, asked{body: body}))
		for _, empty := range []string{"null", `""`, "{}", "currency=0", "=&"} {
			assert.NotContains(t, body, empty)
		}
	}
}

// Two shops in one process keep their credentials, keys and errors apart.
func TestTwoShopsInOneProcess(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	var wg sync.WaitGroup
	for i := range 8 {
		c := b.client(protocols[i%2], func(c *Config) {
			c.UserName, c.Shop, c.CallbackKey = fmt.Sprintf("shop-%d", i), fmt.Sprintf("label-%d", i), callbackKey
		})
		wg.Go(func() {
			r := plainInvoice()
			r.OrderID = fmt.Sprintf("order-of-shop-%d.", i)
			_, err := c.CreateInvoice(context.Background(), r)
			assert.NoError(t, err)
			cb, err := c.VerifyCallback(context.Background(), get(signed("mdOrder="+id+"&orderNumber=1&operation=deposited&status=1")))
			if assert.NoError(t, err) {
				assert.Equal(t, fmt.Sprintf("label-%d:%s:deposited:1:", i, id), cb.Key)
			}
		})
	}
	wg.Wait()
	require.Len(t, b.asked, 8)
	for _, a := range b.asked {
		for i := range 8 {
			user := strings.Contains(a.body, fmt.Sprintf(`"shop-%d"`, i)) || strings.Contains(a.body, fmt.Sprintf("userName=shop-%d", i))
			order := strings.Contains(a.body, fmt.Sprintf("order-of-shop-%d.", i))
			assert.Equal(t, user, order)
		}
	}
}

// Code 0, no VAT, is a code like any other; half a kilogram is a quantity.
func TestTaxTypeZeroIsSent(t *testing.T) {
	r := plainInvoice()
	l := line(fiscal.VATNone)
	l.Quantity = 500_000
	r.Receipt = sale(l)
	r.Amount = r.Receipt.Total()
	for _, p := range protocols {
		b := newBank(t).on("register.do", registeredOK)
		_, err := b.client(p).CreateInvoice(context.Background(), r)
		require.NoError(t, err)
		body := b.last("register.do").body
		if p == ProtocolLegacy {
			v, _ := url.ParseQuery(body)
			body = v.Get("orderBundle")
		}
		assert.Contains(t, body, `"taxType":0`)
		assert.Contains(t, body, `"value":0.5`)
		assert.NotContains(t, body, "{}", "no empty objects beside")
	}
}

// The cart is checked before it is sent, and its keys are the bank's.
func TestCartIsChecked(t *testing.T) {
	r := plainInvoice()
	r.Receipt = sale(line(fiscal.VAT22))
	for _, p := range protocols {
		b := newBank(t)
		_, err := b.client(p).CreateInvoice(context.Background(), r)
		assert.ErrorIs(t, err, acquiring.ErrInvalid, "the lines do not add up to the sum")
		assert.Empty(t, b.asked)
	}
	var o Order
	require.NoError(t, json.Unmarshal([]byte(`{"orderStatus":2,"bankInfo":{"bankName":"SBER"},"cardAuthInfo":{"pan":"1*"}}`), &o))
	assert.Equal(t, "SBER", o.Bank.Name.String())
}

// A gateway's failure with an empty object in it is a failure.
func Test502IsError(t *testing.T) {
	for _, p := range protocols {
		for _, body := range []string{"{}", "<html><h1>502 Bad Gateway</h1></html>", "", paid()} {
			b := newBank(t).onAnswer("deposit.do", answer{status: 502, body: body})
			out, err := b.client(p).Deposit(context.Background(), DepositRequest{OrderID: id, Amount: 100})
			assert.Nil(t, out)
			assert.ErrorIs(t, err, acquiring.ErrUnavailable, body)
			assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
			assert.Len(t, b.asked, 1, "a call that moves money is not repeated blindly")
		}
	}
}

// A web page is no answer, and no panic.
func TestHTMLBodyError(t *testing.T) {
	for _, p := range protocols {
		b := newBank(t).on("deposit.do", "<html><body>Технические работы</body></html>")
		_, err := b.client(p).Deposit(context.Background(), DepositRequest{OrderID: id, Amount: 100})
		assert.ErrorIs(t, err, acquiring.ErrProtocol)
		assert.ErrorContains(t, err, "Технические работы")
		assert.NotContains(t, err.Error(), "<html>")
	}
}

// The caller's request comes back as it was.
func TestRequestNotMutated(t *testing.T) {
	for _, p := range protocols {
		b := newBank(t).on("register.do", registeredOK).on("refund.do", done)
		r := invoice()
		r.Receipt = sale(line(fiscal.VATNone))
		r.Amount = r.Receipt.Total()
		before := fmt.Sprintf("%+v %+v", r, *r.Receipt)
		_, err := b.client(p).CreateInvoice(context.Background(), r)
		require.NoError(t, err)
		assert.Equal(t, before, fmt.Sprintf("%+v %+v", r, *r.Receipt))
		params := Params{"own": "1"}
		refund := OrderRefund{OrderID: id, Amount: 100, ExternalRefundID: "k", JSONParams: params}
		_, err = b.client(p).RefundOrder(context.Background(), refund)
		require.NoError(t, err)
		assert.Equal(t, Params{"own": "1"}, params)
		assert.NotContains(t, before, "Secret-Password-18")
	}
}

// Neither an error nor a log holds a secret, whatever the bank says.
func TestErrorNeverContainsSecret(t *testing.T) {
	var log strings.Builder
	for _, p := range protocols {
		for _, a := range []answer{
			{status: 200, body: `{"errorCode":"5","errorMessage":"bad password Secret-Password-18"}`},
			{status: 500, body: "Secret-Password-18"}, {status: 200, body: "<html>Secret-Password-18"}, lost,
		} {
			b := newBank(t).onAnswer("deposit.do", a)
			c := b.client(p, func(c *Config) {
				c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				c.CallbackKey = callbackKey
			})
			_, err := c.Deposit(context.Background(), DepositRequest{OrderID: id, Amount: 100})
			require.Error(t, err)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "Secret-Password-18")
			_, err = c.VerifyCallback(context.Background(), get("mdOrder="+id+"&orderNumber=1&operation=deposited&status=1&checksum=00"))
			assert.ErrorIs(t, err, acquiring.ErrSignature)
			assert.NotContains(t, err.Error(), callbackKey)
			expected := signed("mdOrder=" + id + "&orderNumber=1&operation=deposited&status=1")
			assert.NotContains(t, strings.ToUpper(err.Error()), strings.ToUpper(expected[len(expected)-64:]), "the expected checksum")
		}
	}
	assert.NotEmpty(t, log.String())
	assert.NotContains(t, log.String(), "Secret-Password-18")
}

// Without secrets there is no client.
func TestEmptySecretRejectedAtConstruction(t *testing.T) {
	for _, p := range protocols {
		_, err := New(Config{Environment: acquiring.Test, Protocol: p, UserName: "shop"})
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
		_, err = New(Config{Protocol: p, UserName: "shop", Password: "p"})
		assert.ErrorContains(t, err, "Config.Environment", "no host is guessed")
	}
}

// Sums over a million rubles are written with all their digits.
func TestAmountOverMillion(t *testing.T) {
	for _, amount := range []money.Amount{money.RUB(1_000_000, 0), money.RUB(21_000_000, 0), rbs.MaxAmount} {
		for _, p := range protocols {
			b := newBank(t).on("register.do", registeredOK).on("getOrderStatusExtended.do", strings.ReplaceAll(paid(), "154990", amount.Minor()))
			r := plainInvoice()
			r.Amount = amount
			_, err := b.client(p).CreateInvoice(context.Background(), r)
			require.NoError(t, err)
			body := b.last("register.do").body
			assert.True(t, strings.Contains(body, `"amount":`+amount.Minor()+`,`) || strings.Contains(body, "amount="+amount.Minor()+"&"), body)
			payment, err := b.client(p).GetStatus(context.Background(), id)
			require.NoError(t, err)
			assert.Equal(t, amount, payment.Captured)
		}
	}
}

// http.DefaultClient is never used.
func TestOwnHTTPClient(t *testing.T) {
	httpmock.Activate(t) // takes http.DefaultTransport over
	b := newBank(t).on("refund.do", done)
	_, err := b.client(ProtocolJSON).RefundOrder(context.Background(), OrderRefund{OrderID: id, Amount: 100})
	require.NoError(t, err)
	assert.Zero(t, httpmock.GetTotalCallCount())

	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, TestURL+"/refund.do", httpmock.NewStringResponder(200, `{"errorCode":"0"}`))
	c, err := New(Config{Environment: acquiring.Test, UserName: "u", Password: "p", HTTPClient: &http.Client{Transport: mock}})
	require.NoError(t, err)
	_, err = c.RefundOrder(context.Background(), OrderRefund{OrderID: id, Amount: 100})
	require.NoError(t, err)
	assert.Equal(t, 1, mock.GetTotalCallCount())
}

// A card's number that came whole is masked before it is kept.
func TestCardNumberIsMasked(t *testing.T) {
	b := newBank(t).on("getOrderStatusExtended.do", orderJSON(2, "", `,"cardAuthInfo":{"pan":"2202205000012424","expiration":"203505"}`))
	p, err := b.client(ProtocolLegacy).GetStatus(context.Background(), id)
	require.NoError(t, err)
	assert.Equal(t, "220220******2424", p.Card.Masked)
}
