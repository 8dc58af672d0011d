package paymastertest

import (
	"bytes"
	"mime/multipart"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDirectVectors(t *testing.T) {
	s := still(t)
	for raw, want := range map[string]string{
		"response_type=code&client_id=7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11&redirect_uri=https%3A%2F%2Fshop.example.ru%2Fpm%2Foauth%3Fx%3D1&scope=bankcard&type=rest&iat=1715679015":                                                                                 "yc9C8wCgivjPdBiv2nrp01MFQICHo0vkBmlTVkz0HbY=",
		"sign=x&access_token=at-77&merchant_id=7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11&merchant_transaction_id=SUB-5&amount=300.00&iat=1715679100&currency=RUB&description=%D0%9F%D0%BE%D0%B4%D0%BF%D0%B8%D1%81%D0%BA%D0%B0+%D0%BD%D0%B0+%D0%BC%D0%B0%D0%B9&type=rest": "lPYWjSowAQIT1GNgf8Uu91Kd7uCIJr1F/Q/0M8bQZLw=",
	} {
		in, err := parsePairs(raw)
		require.NoError(t, err)
		assert.Equal(t, want, s.directSign(in))
	}
	var b bytes.Buffer
	phpEscape(&b, "a~b c")
	assert.Equal(t, "a%7Eb+c", b.String())
}

// directly signs and posts as multipart/form-data, sign in the middle, as an
// SDK does.
func directly(t *testing.T, s *Server, step string, params ...string) result {
	t.Helper()
	in := pairs{}
	for i := 0; i+1 < len(params); i += 2 {
		in = append(in, pair{params[i], params[i+1]})
	}
	in = append(in, pair{"iat", "1715679100"})
	in = append(pairs{in[0], {"sign", s.directSign(in)}}, in[1:]...)
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, e := range in {
		require.NoError(t, m.WriteField(e.name, e.value))
	}
	require.NoError(t, m.Close())
	return do(t, s, "POST", "/Direct/"+step, b.String(), "Content-Type", m.FormDataContentType())
}

func TestDirect(t *testing.T) {
	hook := &shop{}
	s := still(t, WithCallbackURL("http://shop.test/"), WithCallbackHandler(hook), WithUnknowns(Unknowns{DirectPending: true}))
	consent := "/direct/security/auth?response_type=code&client_id=7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11&redirect_uri=https%3A%2F%2Fshop.example.ru%2Fpm%2Foauth%3Fx%3D1&scope=bankcard&type=rest&iat=1715679015&sign=" +
		url.QueryEscape("yc9C8wCgivjPdBiv2nrp01MFQICHo0vkBmlTVkz0HbY=")
	assert.Contains(t, do(t, s, "GET", consent, "").body, "4XXXXXXXXXXX0010")
	no, err := url.Parse(post(t, s, consent, values("do", "decline")).header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "access_denied", no.Query().Get("error"))
	yes, err := url.Parse(post(t, s, consent, values("do", "saved", "saved", "1")).header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "1", yes.Query().Get("x"))
	code := yes.Query().Get("code")

	token := func(code string) result {
		return directly(t, s, "security/token", "code", code, "client_id", DefaultMerchantID, "grant_type", "authorization_code", "redirect_uri", "https://shop.example.ru/pm/oauth?x=1", "type", "rest")
	}
	r := token(code)
	access := r.text("access_token")
	require.NotEmpty(t, access, r.body)
	assert.Equal(t, "failure", token(code).text("status"), "a code is used once")

	start := func(number, amount, currency string) result {
		return directly(t, s, "payment/init", "access_token", access, "merchant_id", DefaultMerchantID, "merchant_transaction_id", number, "amount", amount, "currency", currency, "description", "май", "type", "rest")
	}
	finish := func(number, id string) result {
		return directly(t, s, "payment/complete", "access_token", access, "merchant_id", DefaultMerchantID, "merchant_transaction_id", number, "processor_transaction_id", id, "type", "rest")
	}
	assert.Equal(t, "invalid_amount", start("SUB-5", "300", "RUB").text("error"))
	assert.Equal(t, "invalid_currency", start("SUB-5", "300.00", "USD").text("error"))
	id := start("SUB-5", "300.00", "RUB").text("processor_transaction_id")
	assert.Equal(t, "in_progress", finish("SUB-5", id).text("status"))
	done := finish("SUB-5", id)
	assert.Equal(t, "complete", done.text("status"))
	assert.Equal(t, "complete", finish("SUB-5", id).text("status"))
	assert.Equal(t, "COMPLETE", rest(t, s, "getPayment", "paymentID", done.text("payment_id")).text("Payment", "State"))
	s.Deliver()
	assert.Equal(t, "SUB-5", hook.form(t).Get("LMI_PAYMENT_NO"))
	assert.Contains(t, start("SUB-5", "300.00", "RUB").text("error"), "duplicate")
	assert.Equal(t, "invalid_transaction", finish("other", id).text("error"))
	declined := start("SUB-6", "300.00", "RUB").text("processor_transaction_id")
	require.NoError(t, s.Decline("SUB-6"))
	finish("SUB-6", declined)
	assert.Equal(t, "failure", finish("SUB-6", declined).text("status"))

	revoke := func() result {
		return directly(t, s, "security/revoke", "client_id", DefaultMerchantID, "access_token", access, "type", "rest")
	}
	assert.Equal(t, "success", revoke().text("status"))
	assert.Equal(t, "invalid_token", revoke().text("error"))
	assert.Equal(t, "invalid_token", start("SUB-7", "1.00", "RUB").text("error"))
	assert.Equal(t, "invalid_token", finish("SUB-5", id).text("error"))
	assert.Equal(t, "invalid_client", directly(t, s, "security/revoke", "client_id", "other", "access_token", access, "type", "rest").text("error"))
	assert.Equal(t, "unsupported type", directly(t, s, "security/revoke", "client_id", DefaultMerchantID, "access_token", access, "type", "jws").text("error"))
	assert.Equal(t, "invalid_request: iat is required", post(t, s, "/direct/security/revoke", values("type", "rest")).text("error"))
	assert.Equal(t, "invalid_signature", do(t, s, "GET", consent+"x", "").text("error"))
	assert.Equal(t, "invalid_request", directly(t, s, "security/auth", "response_type", "token", "client_id", DefaultMerchantID, "redirect_uri", "https://a.ru", "scope", "x", "type", "rest").text("error"))
	assert.Equal(t, 404, post(t, s, "/direct/authorize/card", values()).code)
}
