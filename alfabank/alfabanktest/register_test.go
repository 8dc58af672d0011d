package alfabanktest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// The specification's own example, word for word but for the login.
func TestRegisterAsInTheSpecification(t *testing.T) {
	b := open(t, WithMerchant(Merchant{UserName: "r-teashop-api", Password: "p*w?1"}))
	out := b.decode(b.raw("POST", "/payment/rest/register.do", "application/x-www-form-urlencoded", "userName=r-teashop-api&password=p%2Aw%3F1&orderNumber=A-1001&amount=129900&currency=643&"+
		"returnUrl=https%3A%2F%2Ftea.example%2Fok&failUrl=https%3A%2F%2Ftea.example%2Ffail&description=%D0%A7%D0%B0%D0%B9&language=ru&jsonParams=%7B%22crm%22%3A%2242%22%7D&features=FORCE_TDS"))
	require.Len(t, out, 2)
	id := out["orderId"].(string)
	assert.Len(t, id, 36)
	assert.Equal(t, b.URL+"/payment/merchants/ecom/payment_ru.html?mdOrder="+id, out["formUrl"])
	o, there := b.Order("A-1001")
	require.True(t, there)
	assert.EqualValues(t, 129900, o.Amount)
	out = b.decode(b.raw("GET", "/payment/rest/register.do?userName=r-teashop-api&password=p%2Aw%3F1&orderNumber=A-1001&amount=129900&language=en&returnUrl="+ok, "", ""))
	assert.Equal(t, obj{"errorCode": "1", "errorMessage": "Order number is duplicated, order with given order number is processed already"}, out)
}

func TestTransport(t *testing.T) {
	b := open(t)
	fields := pair + "&orderNumber=A-1&amount=100&returnUrl=" + ok
	// The body is empty and everything in the query; half here and half there.
	assert.Contains(t, b.decode(b.raw("POST", "/payment/rest/register.do?"+fields, "", "")), "orderId")
	assert.Contains(t, b.decode(b.raw("POST", "/api/rest/register.do?"+pair, formType, "orderNumber=A-2&amount=100&returnUrl="+ok)), "orderId")
	assert.Contains(t, b.decode(b.raw("GET", "/payment/rest/register.do?"+pair, formType, "orderNumber=A-3&amount=100&returnUrl="+ok)), "orderId")
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"PUT", "/payment/rest/register.do", 405}, {"POST", "/payment/rest/sbp/c2b/qr/dynamic/status.do", 404}, {"POST", "/payment/rest/unknown.do", 404}, {"GET", "/", 404},
		{"POST", "/payment/google/payment.do", 404}, {"PUT", "/payment/merchants/ecom/payment_ru.html", 405}, {"GET", "/acs/creq", 405}, {"POST", "/acs/other", 404},
		{"POST", "/acs/method", 400}, {"POST", "/acs/creq", 400}, {"PUT", "/sc/x", 405}, {"GET", "/3dsserver/gather", 200}, {"POST", "/payment/rest/finish3ds.do", 400},
		{"GET", "/payment/merchants/ecom/payment_ru.html?mdOrder=none", 404},
	} {
		assert.Equal(t, c.status, b.raw(c.method, c.path, "", "").StatusCode, c.path)
	}
	resp := b.raw("POST", "/payment/rest/register.do", formType, pair)
	assert.Equal(t, "application/json;charset=UTF-8", resp.Header.Get("Content-Type"))
	assert.Equal(t, "5", b.decode(b.raw("POST", "/payment/rest/register.do", formType, "userName=%zz"))["errorCode"])
	assert.Equal(t, "5", b.decode(b.raw("POST", "/payment/rest/register.do", "application/json", `{"userName":"x"}`))["errorCode"], "JSON is for other methods")

	odd := open(t, WithUnknowns(Unknowns{TextPlain: true, DoubledFormURL: true, RegisterSaysZero: true, BodyIgnored: true}))
	resp = odd.raw("POST", "/payment/rest/register.do?"+fields, formType, "amount=x")
	assert.Equal(t, "text/plain;charset=UTF-8", resp.Header.Get("Content-Type"))
	out := odd.decode(resp)
	assert.Equal(t, "0", out["errorCode"])
	assert.Contains(t, out["formUrl"], "/payment/payment/merchants/ecom/payment_ru.html?mdOrder=")
	assert.Equal(t, 200, odd.raw("GET", strings.TrimPrefix(out["formUrl"].(string), odd.URL), "", "").StatusCode)
	assert.Contains(t, odd.call("register.do", "orderNumber=A-9&amount=100&returnUrl="+ok)["errorMessage"], "is empty", "the body was not read")
}

func TestLogin(t *testing.T) {
	b := open(t, WithOtherMerchant(Merchant{UserName: "teashop-api", Password: "two"}), WithOtherMerchant(Merchant{UserName: "r-x-operator", Password: "two"}),
		WithOtherMerchant(Merchant{UserName: "r-new-api", Password: "two", MustChangePassword: true}))
	probe := "orderId=00000000-0000-0000-0000-000000000000&language=en"
	try := func(b *bank, credentials string) obj { return b.as(credentials, "getOrderStatusExtended.do", probe) }
	refusedWith(t, try(b, pair), "6", tUnknown)
	refusedWith(t, try(b, "userName=teashop-api&password=two"), "6", tUnknown)
	refusedWith(t, try(b, pair+"&token=nonsense"), "6", tUnknown)
	refusedWith(t, try(b, "token="+DefaultToken), "6", tUnknown)
	for _, c := range []struct {
		credentials string
		text        gateway.Text
	}{
		{"", tEmptyAuth}, {"userName=" + DefaultUserName, tEmptyAuth}, {"userName=" + DefaultUserName + "&password=wrong", tAccess}, {"userName=nobody&password=two", tAccess},
		{"token=nonsense", tAccess}, {"userName=r-x-operator&password=two", tAccess}, {"userName=r-new-api&password=two", tMustChange},
	} {
		refusedWith(t, try(b, c.credentials), "5", c.text)
	}
	assert.Equal(t, "Доступ запрещён", b.as("userName=x&password=y", "deposit.do", "")["errorMessage"], "Russian by default")

	pay := open(t, WithInstallation(Pay), WithOtherMerchant(Merchant{UserName: "teashop-api", Password: "two"}))
	refusedWith(t, try(pay, pair), "5", tAccess)
	refusedWith(t, try(pay, "userName=teashop-api&password=two"), "6", tUnknown)
	payment := open(t, WithInstallation(Payment), WithOtherMerchant(Merchant{UserName: "teashop-api", Password: "two"}))
	refusedWith(t, try(payment, pair), "6", tUnknown)
	refusedWith(t, try(payment, "userName=teashop-api&password=two"), "5", tAccess)
	strict := open(t, WithUnknowns(Unknowns{RefusePairAndToken: true}))
	refusedWith(t, try(strict, pair+"&token="+DefaultToken), "5", tAccess)
	resp := open(t, WithForeignAddress()).raw("POST", "/payment/rest/register.do", formType, pair)
	assert.Equal(t, 403, resp.StatusCode)
	assert.Contains(t, read(t, resp), "<h1>403 Forbidden</h1>")
}

func TestTheTokenMayDoLittle(t *testing.T) {
	b := open(t)
	token := "language=en&token=" + DefaultToken
	out := b.as(token, "register.do", "orderNumber=A-1&amount=100&returnUrl="+ok)
	id := out["orderId"].(string)
	assert.Equal(t, "0", b.as(token, "getOrderStatusExtended.do", "orderId="+id)["errorCode"])
	assert.Equal(t, "5", b.as(token, "getOrderStatusExtended.do", "orderNumber=A-1")["errorCode"], "by orderId only")
	assert.Equal(t, "0", b.as(token, "verifyCard.do", "pan="+plainCard+"&cvc=123&expiry=203012")["errorCode"])
	require.NoError(t, b.Pay(id))
	for _, method := range []string{"refund.do", "deposit.do", "reverse.do", "decline.do", "getBindings.do", "sbp/c2b/qr/dynamic/get.do", "getLastOrdersForMerchants.do", "paymentorder.do"} {
		assert.Contains(t, []any{"5"}, b.as(token, method, "orderId="+id+"&amount=0&mdOrder="+id)["errorCode"], method)
	}
	b.is(id, "2", "100", "100", "0")
}

func TestRegisterRefuses(t *testing.T) {
	b := open(t, WithMerchant(Merchant{Children: []string{"child-1"}, Off: []Right{FeeInput}}))
	long := strings.Repeat("x", 600)
	base := url.Values{"orderNumber": {"A-1"}, "amount": {"100"}, "returnUrl": {"https://tea.example/ok"}}
	for name, c := range map[string]struct {
		change string
		code   string
		text   gateway.Text
	}{
		"no number":            {"orderNumber=", "4", emptyText("orderNumber")},
		"no amount":            {"amount=", "4", emptyText("amount")},
		"no address":           {"returnUrl=", "4", emptyText("returnUrl")},
		"relative address":     {"returnUrl=/ok", "4", tReturnURL},
		"dotted address":       {"returnUrl=./ok", "4", tReturnURL},
		"long number":          {"orderNumber=" + long[:37], "1", tBadNumber},
		"roubles":              {"amount=1.00", "5", tAmount},
		"long amount":          {"amount=1234567890123", "5", tAmount},
		"nothing":              {"amount=0", "5", tAmount},
		"euro":                 {"currency=978", "3", tCurrency},
		"long description":     {"description=" + long[:599], "5", tParam},
		"long email":           {"email=" + long[:30] + "@example.ru", "5", tParam},
		"no email":             {"email=ivan", "5", tParam},
		"phone":                {"phone=12", "5", tParam},
		"language":             {"language=be", "5", tLanguage},
		"jsonParams":           {"jsonParams=a", "5", tParam},
		"jsonParams of number": {`jsonParams={"a":1}`, "5", tParam},
		"session":              {"sessionTimeoutSecs=1234567890", "5", tParam},
		"expiry":               {"expirationDate=2025-01-01", "5", tParam},
		"fee":                  {"feeInput=100", "5", tAccess},
		"tax system":           {"taxSystem=6", "5", tParam},
		"indicator":            {"billingAndShippingAddressMatchIndicator=X", "5", tParam},
		"features by comma":    {"features=FORCE_TDS,VERIFY", "14", tBadFeatures},
		"auto and forced":      {"features=AUTO_PAYMENT&features=FORCE_TDS", "13", tForce},
		"binding for nobody":   {"features=FORCE_CREATE_BINDING", "5", emptyText("clientId")},
		"binding and not":      {"features=FORCE_CREATE_BINDING&clientId=b&bindingNotNeeded=true", "14", tBadFeatures},
		"foreign binding":      {"bindingId=x&clientId=b", "1", tBindOther},
		"stranger's child":     {"merchantLogin=other", "5", tAccess},
		"stranger's INN":       {"merchantInn=1234567890", "5", tAccess},
		"ofd":                  {`additionalOfdParams={"client.name":"Иван"}`, "5", tPayer},
	} {
		t.Run(name, func(t *testing.T) {
			fields, err := url.ParseQuery(c.change)
			require.NoError(t, err)
			all := url.Values{}
			for k, v := range base {
				all[k] = v
			}
			for k, v := range fields {
				all[k] = v
			}
			if all.Get("language") == "" {
				all.Set("language", "en")
			}
			out := b.as(pair, "register.do", all.Encode())
			if c.text == tLanguage {
				assert.Equal(t, "5", out["errorCode"])
				return
			}
			refusedWith(t, out, c.code, c.text)
		})
	}
	assert.Empty(t, b.Orders())
	// The child's numbers are its own, and unknown fields are ignored.
	b.register("A-1", "&merchantLogin=child-1&jsonParams%5Bcrm%5D=1&orderBundle=%7B%7D")
	b.register("A-1", "&phone=%2B79998887766&feeInputs=1&currency=810")
}

func TestRegisterWithRights(t *testing.T) {
	b := open(t, WithMerchant(Merchant{Off: []Right{TwoStage, DynamicCallbacks, AutoPayment, Verification, SBPBindings, ForcedBindings, Bindings}, On: []Right{OrderNumbers}}))
	refusedWith(t, b.call("registerPreAuth.do", "orderNumber=A-1&amount=100&returnUrl="+ok), "5", tAccess)
	for f, code := range map[string]string{"AUTO_PAYMENT": "13", "VERIFY": "13", "SBP_BINDING": "5", "FORCE_CREATE_BINDING": "5"} {
		assert.Equal(t, code, b.call("register.do", "orderNumber=A-1&amount=100&clientId=c&features="+f+"&returnUrl="+ok)["errorCode"], f)
	}
	// The number is made by the bank; the callback's own address and the saved
	// card are silently forgotten.
	out := b.call("register.do", "amount=100&clientId=c&dynamicCallbackUrl=https%3A%2F%2Fother.example%2Fcb&returnUrl="+ok)
	require.NoError(t, b.Pay(out["orderId"].(string)))
	o, _ := b.Order(out["orderId"].(string))
	assert.Equal(t, "12001", o.Number)
	assert.Equal(t, "/cb", b.take()[0].path)
	assert.Equal(t, "https://tea.example/cb?", b.Deliveries()[0].URL[:len("https://tea.example/cb?")])
	assert.Empty(t, b.Bindings("c"))

	no := open(t, WithMerchant(Merchant{NoRight: []string{"refund.do"}}))
	refusedWith(t, no.call("refund.do", "orderId="+no.paid("A-1", "")+"&amount=0"), "5", tAccess)
	assert.True(t, no.SetMerchant(DefaultUserName, func(m *Merchant) { m.NoRight, m.Password = nil, "other" }))
	assert.False(t, no.SetMerchant("nobody", nil))
	o, _ = no.Order("A-1")
	done(t, no.call("refund.do", "orderId="+o.ID+"&amount=0"))
	dates := open(t, WithMerchant(Merchant{Off: []Right{AutoDates}}))
	refusedWith(t, dates.call("registerPreAuth.do", "orderNumber=A-1&amount=100&autoReverseDate=2026-05-01T12:00:00&returnUrl="+ok), "5", tAccess)
	assert.Equal(t, "5", dates.call("registerPreAuth.do", "orderNumber=A-1&amount=100&autoReverseDate=tomorrow&returnUrl="+ok)["errorCode"])
	short := open(t, WithUnknowns(Unknowns{ShortNumbers: true}))
	refusedWith(t, short.call("register.do", "orderNumber="+strings.Repeat("1", 33)+"&amount=100&returnUrl="+ok), "1", tBadNumber)
}

func TestSessionEnds(t *testing.T) {
	b := open(t)
	short := b.register("A-1", "&sessionTimeoutSecs=60")
	usual := b.register("A-2", "")
	long := b.register("A-3", "&sessionTimeoutSecs=60&expirationDate=2025-06-09T15:04:05")
	b.Advance(61 * time.Second)
	assert.Equal(t, []string{"declinedByTimeout"}, b.heard())
	st := b.state(short)
	assert.Equal(t, num("6"), st["orderStatus"])
	assert.Equal(t, "-2007", st["actionCode"])
	assert.Equal(t, "DECLINED", st["paymentAmountInfo"].(obj)["paymentState"])
	assert.Error(t, b.Pay(short))
	b.Advance(20 * time.Minute)
	assert.Equal(t, num("6"), b.state(usual)["orderStatus"])
	b.Advance(7*24*time.Hour - 22*time.Minute)
	assert.Equal(t, num("0"), b.state(long)["orderStatus"])
	require.NoError(t, b.Pay(long))
	assert.Equal(t, []string{"declinedByTimeout", "deposited"}, b.heard())
	other := open(t, WithSession(time.Hour))
	id := other.register("A-1", "")
	other.Advance(59 * time.Minute)
	require.NoError(t, other.Expire(id))
	assert.Error(t, other.Expire(id))
}

func TestFaultsAndLog(t *testing.T) {
	b := open(t)
	id := b.paid("A-1", "")
	b.Fail(Fault{Op: "refund.do", Kind: LostAnswer})
	_, err := b.Client().Post(b.URL+"/payment/rest/refund.do", formType, strings.NewReader(pair+"&orderId="+id+"&amount=29900&externalRefundId=rf-1"))
	require.Error(t, err)
	done(t, b.call("refund.do", "orderId="+id+"&amount=29900&externalRefundId=rf-1"))
	b.is(id, "4", "129900", "100000", "29900")
	b.Fail(Fault{Op: "sbp/c2b/qr/status.do", Kind: ServerError, Times: -1})
	assert.Equal(t, 502, b.raw("POST", "/payment/rest/sbp/c2b/qr/status.do", formType, "").StatusCode)
	b.ClearFaults()
	assert.Equal(t, 200, b.raw("POST", "/payment/rest/sbp/c2b/qr/status.do", formType, "").StatusCode)
	b.Fail(Fault{Op: "alfapay/payment.do", Kind: Empty})
	resp := b.raw("POST", "/payment/alfapay/payment.do", formType, "")
	assert.Empty(t, read(t, resp))
	log := b.Requests()
	assert.Equal(t, "register.do", log[0].Op)
	assert.Equal(t, "alfapay/payment.do", log[len(log)-1].Op)
	assert.EqualValues(t, 7, b.Seed())
	assert.Equal(t, noon, b.Now())
	quiet := open(t, WithoutRequestLog())
	quiet.register("A-1", "")
	assert.Empty(t, quiet.Requests())
}

func TestTwoShops(t *testing.T) {
	b := open(t, WithOtherMerchant(Merchant{UserName: "r-coffee-api", Password: "two", Callbacks: CallbackSettings{URL: "https://coffee.example/cb", Key: "other"}}))
	tea := b.paid("A-1", "&clientId=c")
	other := "userName=r-coffee-api&password=two&language=en"
	coffee := b.as(other, "register.do", "orderNumber=A-1&amount=500&clientId=c&returnUrl="+ok)["orderId"].(string)
	require.NoError(t, b.Pay(coffee))
	assert.Equal(t, "https://coffee.example/cb", strings.Split(b.Deliveries()[1].URL, "?")[0])
	for _, method := range []string{"getOrderStatusExtended.do", "refund.do", "reverse.do", "deposit.do"} {
		refusedWith(t, b.as(other, method, "amount=0&orderId="+tea), "6", tUnknown)
	}
	assert.Equal(t, "2", b.as(other, "unBindCard.do", "bindingId="+b.Bindings("c")[0])["errorCode"])
	assert.Equal(t, "other", b.ConfigFor("r-coffee-api").CallbackKey)
	assert.Panics(t, func() { b.ConfigFor("nobody") })
	o, _ := b.Order("A-1")
	assert.Equal(t, coffee, o.ID, "the last of that number")
	_, err := http.NewRequest("GET", b.Config().BaseURL, nil)
	assert.NoError(t, err)
	assert.NotNil(t, b.Config().HTTPClient)
	assert.Equal(t, DefaultToken, b.ConfigToken().Token)
}
