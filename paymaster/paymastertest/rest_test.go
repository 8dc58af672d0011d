package paymastertest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

var nonces = 0

// rest makes a signed call by GET.
func rest(t *testing.T, s *Server, name string, params ...string) result {
	t.Helper()
	nonces++
	in := pairs{{"login", "shop-api"}, {"nonce", "n-" + strconv.Itoa(nonces)}}
	for i := 0; i+1 < len(params); i += 2 {
		in = append(in, pair{params[i], params[i+1]})
	}
	in = append(in, pair{"hash", s.restHash(restMethods[strings.ToLower(name)], in)})
	r := do(t, s, "GET", "/api/v1/"+name+"?"+string(spell(in)), "", "Accept", "application/json")
	require.Equal(t, 200, r.code)
	return r
}

func TestRestVectors(t *testing.T) {
	s := still(t)
	for want, c := range map[string]struct {
		method string
		in     pairs
	}{
		"iD3xS7vnGnTSmn/CXqkgexWuQs4=": {"getpayment", pairs{{"nonce", "n-6f1c2b"}, {"paymentid", "512345678"}}},
		"knRg0ufPr+nsCCyf35ehuU0np5s=": {"refundpayment", pairs{{"externalID", "REF-7"}, {"amount", "499.90"}, {"nonce", "n-6f1c2c"}, {"paymentID", "512345678"}}},
		"iPO+uWpJ7A+JdveT/2mepX0LGJU=": {"listpaymentsfilter", pairs{{"nonce", "n-6f1c2d"}, {"siteAlias", DefaultMerchantID}, {"periodFrom", "2024-05-01"}, {"periodTo", "2024-05-31"}, {"state", "COMPLETE"}}},
	} {
		assert.Equal(t, want, s.restHash(restMethods[c.method], append(c.in, pair{"login", "shop-api"})))
	}
	// The request of the specification.
	r := do(t, s, "GET", "/api/v1/getPayment?login=shop-api&nonce=n-6f1c2b&paymentID=512345678&hash=iD3xS7vnGnTSmn%2FCXqkgexWuQs4%3D", "")
	assert.Equal(t, "-13", r.text("ErrorCode"))
	assert.NotEmpty(t, r.text("Message"))
}

func TestRestAdmission(t *testing.T) {
	s := still(t)
	call := func(login, nonce, hash string) string {
		return post(t, s, "/partners/rest/GetPayment", values("Login", login, "NONCE", nonce, "Hash", hash, "PaymentId", "512345678", "password", "x")).text("ErrorCode")
	}
	const good = "iD3xS7vnGnTSmn/CXqkgexWuQs4="
	assert.Equal(t, "-6", call("nobody", "n-6f1c2b", good))
	assert.Equal(t, "-7", call("shop-api", "n-other", good))
	assert.Equal(t, "-13", call("shop-api", "n-6f1c2b", good), "a refused nonce was not used up")
	assert.Equal(t, "-14", call("shop-api", "n-6f1c2b", good))
	plus := do(t, s, "GET", "/api/v1/refundPayment?login=shop-api&nonce=n-6f1c2c&paymentID=512345678&amount=499.90&externalID=REF-7&hash=knRg0ufPr+nsCCyf35ehuU0np5s=", "")
	assert.Equal(t, "-7", plus.text("ErrorCode"), "an unescaped plus is a space")
	assert.Equal(t, 400, do(t, s, "GET", "/api/v1/getPayment?login=shop-api", "").code)
	assert.Equal(t, 400, do(t, s, "PUT", "/api/v1/getPayment", "").code)
	assert.Equal(t, 404, do(t, s, "GET", "/api/v1/getBalance", "").code)

	reader := still(t, WithAccount(Account{Login: "shop-api", Password: "p", Operator: true}))
	assert.Equal(t, "-13", rest(t, reader, "getPayment", "paymentID", "1").text("ErrorCode"))
	for _, m := range []string{"refundPayment", "listRefunds", "confirmPayment", "cancelPayment"} {
		assert.Equal(t, "-6", rest(t, reader, m, "paymentID", "1").text("ErrorCode"), m)
	}
	assert.True(t, reader.ClassicConfig().ReadOnly)
}

func TestRestReadsPayments(t *testing.T) {
	s := still(t, WithWorkingMode())
	id := classicStart(t, s, "LMI_PAYER_PHONE_NUMBER", "79031234567")
	assert.Equal(t, "INITIATED", rest(t, s, "getPayment", "paymentID", id).text("Payment", "State"))
	require.NoError(t, s.Pay(id))
	r := rest(t, s, "getpayment", "paymentid", id)
	assert.Equal(t, json.Number(id), r.at("Payment", "PaymentID"))
	assert.Equal(t, []string{"COMPLETE", "1499.90", "RUB", "93", "2026-11-21T12:00:00", "/Date(1795262400000)/", "4XXXXXXXXXXX0010", "79031234567"},
		[]string{r.text("Payment", "State"), r.text("Payment", "Amount"), r.text("Payment", "CurrencyCode"), r.text("Payment", "PaymentSystemID"),
			r.text("Payment", "LastUpdateTime"), r.text("Payment", "LastUpdate"), r.text("Payment", "UserIdentifier"), r.text("Payment", "UserPhoneNumber")})
	assert.Equal(t, false, r.at("Payment", "IsTestPayment"))
	assert.True(t, strings.HasPrefix(r.body, `{"ErrorCode":0,"Payment":{"PaymentID":`))
	by := func(s *Server, number, site string) result {
		return rest(t, s, "getPaymentByInvoiceID", "invoiceID", number, "siteAlias", site)
	}
	assert.Equal(t, id, by(s, "ORD-2024-0042", DefaultMerchantID).text("Payment", "PaymentID"))
	assert.Equal(t, "-13", by(s, "other", DefaultMerchantID).text("ErrorCode"))
	assert.Equal(t, "-6", by(s, "ORD-2024-0042", "other").text("ErrorCode"))
	odd := still(t, WithUnknowns(Unknowns{NoSiteInvoiceID: true, NoLegacyDate: true}))
	classicStart(t, odd)
	assert.Nil(t, by(odd, "ORD-2024-0042", DefaultMerchantID).at("Payment", "SiteInvoiceID"))
	assert.NotContains(t, by(odd, "ORD-2024-0042", DefaultMerchantID).body, `"LastUpdate"`)

	classicStart(t, s, "LMI_PAYMENT_NO", "B")
	s.Advance(24 * time.Hour)
	classicStart(t, s, "LMI_PAYMENT_NO", "C")
	for want, params := range map[string][]string{
		"3":      {},
		"2 day":  {"periodFrom", "2026-11-21", "periodTo", "2026-11-21"},
		"1 late": {"periodFrom", "2026-11-22", "siteAlias", DefaultMerchantID},
		"1 paid": {"state", "COMPLETE"},
		"1 B":    {"invoiceID", "B", "accountID", DefaultAccountID},
	} {
		r := rest(t, s, "listPaymentsFilter", params...)
		assert.Equal(t, want[:1], strconv.Itoa(len(r.at("Response", "Payments").([]any))), want)
		assert.Equal(t, false, r.at("Response", "Overflow"))
	}
	assert.Equal(t, "-6", rest(t, s, "listPaymentsFilter", "accountID", "9").text("ErrorCode"))
	assert.Equal(t, "-1", rest(t, s, "listPaymentsFilter", "periodFrom", "21.11.2026").text("ErrorCode"))
	small := still(t, WithUnknowns(Unknowns{ListLimit: 2}))
	for i := range 3 {
		classicStart(t, small, "LMI_PAYMENT_NO", fmt.Sprint(i))
	}
	r = rest(t, small, "listPaymentsFilter")
	assert.Equal(t, true, r.at("Response", "Overflow"))
	assert.Len(t, r.at("Response", "Payments"), 2)
}

func TestRestRefunds(t *testing.T) {
	s := still(t)
	id := classicStart(t, s)
	refund := func(amount, key string, more ...string) result {
		return rest(t, s, "refundPayment", append([]string{"paymentID", id, "amount", amount, "externalID", key}, more...)...)
	}
	assert.Equal(t, "-23", refund("1", "").text("ErrorCode"))
	require.NoError(t, s.Pay(id))
	r := refund("499.90", "REF-7", "shoppingcart.items[0].NAME", "x", "shoppingcart.items[0].QTY", "1", "shoppingcart.items[0].PRICE", "499.90", "shoppingcart.items[0].TAX", "vat22")
	assert.Equal(t, []string{"PENDING", "PENDING", "499.90", "REF-7", "2026-11-21T12:00:00"},
		[]string{r.text("Refund", "State"), r.text("Refund", "Status"), r.text("Refund", "Amount"), r.text("Refund", "ExternalID"), r.text("Refund", "LastUpdate")})
	assert.Equal(t, "-12", refund("1000.01", "").text("ErrorCode"))
	for _, bad := range []string{"x", "0", "1,00", "1.001", ""} {
		assert.Equal(t, "-18", refund(bad, "").text("ErrorCode"), bad)
	}
	assert.Equal(t, "-18", refund("1", "", "shoppingcart.items[0].NAME", "x", "shoppingcart.items[0].QTY", "1", "shoppingcart.items[0].PRICE", "2", "shoppingcart.items[0].TAX", "vat22").text("ErrorCode"))
	state := func() string {
		list := rest(t, s, "listRefunds", "externalID", "REF-7").at("Response", "Refunds").([]any)
		require.Len(t, list, 1)
		return list[0].(map[string]any)["State"].(string)
	}
	s.Advance(1500 * time.Millisecond)
	assert.Equal(t, "EXECUTING", state())
	s.Advance(1500 * time.Millisecond)
	assert.Equal(t, "SUCCESS", state())
	assert.Equal(t, "COMPLETE", rest(t, s, "getPayment", "paymentID", id).text("Payment", "State"))
	o, _ := s.Order(id)
	assert.Equal(t, money.RUB(499, 90), o.Refunded)
	assert.Equal(t, "Refund", s.Receipts(id)[1].Type)

	s.RejectRefunds(1, "InsufficientFunds")
	require.Equal(t, "0", refund("9.5", "REF-8").text("ErrorCode"))
	s.ExecuteRefunds()
	all := rest(t, s, "listRefunds", "paymentID", id, "periodFrom", "2026-11-21", "periodTo", "2026-11-21")
	assert.Len(t, all.at("Response", "Refunds"), 2)
	assert.Contains(t, all.body, `"FAILURE"`)
	assert.Contains(t, all.body, `"ErrorCode":-19`)
	assert.Len(t, rest(t, s, "listRefunds", "periodTo", "2026-11-20").at("Response", "Refunds"), 0)
	assert.Equal(t, "-6", rest(t, s, "listRefunds", "accountID", "9").text("ErrorCode"))
	assert.Equal(t, "-1", rest(t, s, "listRefunds", "periodTo", "x").text("ErrorCode"))
	assert.Equal(t, "-13", rest(t, s, "refundPayment", "paymentID", "1", "amount", "1").text("ErrorCode"))
	assert.Equal(t, 404, v2(t, s, "GET", "/refunds/"+s.Refunds(id)[0].ID, "").code, "v2 does not know it")

	for pattern, u := range map[string]Unknowns{`"RefundID":\d+,.*"State":"PENDING","L`: {NumericRefundID: true, RefundStateOnly: true}, `{"PaymentID":\d+,.*,"Status":"PENDING"`: {NoRefundID: true, RefundStatusOnly: true}} {
		odd := still(t, WithUnknowns(u))
		p := classicStart(t, odd)
		require.NoError(t, odd.Pay(p))
		assert.Regexp(t, regexp.MustCompile(pattern), rest(t, odd, "refundPayment", "paymentID", p, "amount", "60").body)
	}
}

func TestClassicHolds(t *testing.T) {
	hook := &shop{}
	for notice, want := range map[HoldNotice]string{NoticeAtHold: "1499.90", NoticeAtConfirm: "999.90", NoticeAtBoth: "1499.90 999.90"} {
		hook.got = nil
		s := still(t, WithHolds(), WithCallbackURL("http://shop.test/"), WithCallbackHandler(hook), WithUnknowns(Unknowns{HoldNotice: notice}))
		id := classicStart(t, s)
		confirm := func(amount ...string) result {
			return rest(t, s, "confirmPayment", append([]string{"paymentID", id}, amount...)...)
		}
		assert.Equal(t, "-23", confirm().text("ErrorCode"))
		require.NoError(t, s.Pay(id))
		s.Deliver()
		assert.Equal(t, "PROCESSING", rest(t, s, "getPayment", "paymentID", id).text("Payment", "State"))
		assert.Equal(t, "-18", confirm("amount", "1499.91").text("ErrorCode"))
		assert.Equal(t, "999.90", confirm("amount", "999.90").text("Payment", "PaymentAmount"))
		assert.Equal(t, "COMPLETE", rest(t, s, "getPayment", "paymentID", id).text("Payment", "State"))
		s.Deliver()
		var paid []string
		for i := range hook.got {
			paid = append(paid, (&shop{got: hook.got[:i+1]}).form(t).Get("LMI_PAID_AMOUNT"))
		}
		assert.Equal(t, want, strings.Join(paid, " "))
	}
	s := still(t)
	id := classicStart(t, s, "LMI_PAYMENT_TYPE", "HOLD")
	require.NoError(t, s.Pay(id))
	assert.Equal(t, "-1", rest(t, s, "cancelPayment", "paymentID", id, "error", "x").text("ErrorCode"))
	assert.Equal(t, "CANCELLED", rest(t, s, "cancelPayment", "paymentID", id, "error", "-8").text("Payment", "State"))
	assert.Equal(t, "-23", rest(t, s, "cancelPayment", "paymentID", id).text("ErrorCode"))
	o, _ := s.Order(id)
	assert.Equal(t, o.Authorized, o.Released)
	id = classicStart(t, s, "LMI_PAYMENT_NO", "unpaid")
	assert.Equal(t, "CANCELLED", rest(t, s, "cancelPayment", "paymentID", id).text("Payment", "State"))
	assert.Equal(t, "-13", rest(t, s, "cancelPayment", "paymentID", "1").text("ErrorCode"))
	assert.Equal(t, "-13", rest(t, s, "confirmPayment", "paymentID", "1").text("ErrorCode"))
	keep := still(t, WithUnknowns(Unknowns{KeepUnpaid: true, HoldLife: time.Hour}), WithHolds())
	id = classicStart(t, keep)
	assert.Equal(t, "-23", rest(t, keep, "cancelPayment", "paymentID", id).text("ErrorCode"))
	require.NoError(t, keep.Pay(id))
	keep.Advance(time.Hour)
	assert.Equal(t, "CANCELLED", rest(t, keep, "getPayment", "paymentID", id).text("Payment", "State"))
}

func TestDocuments(t *testing.T) {
	s := still(t)
	id := s.AddDocument([]byte("акт"))
	assert.Equal(t, id, rest(t, s, "listDocuments", "periodFrom", "2026-11-21").at("Response", "Documents").([]any)[0].(map[string]any)["DocumentID"].(json.Number).String())
	assert.Equal(t, "акт", rest(t, s, "getDocumentContent", "documentID", id).body)
	assert.Equal(t, "-13", rest(t, s, "getDocumentContent", "documentID", "1").text("ErrorCode"))
	assert.Equal(t, "-6", rest(t, s, "listDocuments", "accountID", "x").text("ErrorCode"))
	assert.Equal(t, "-1", rest(t, s, "listDocuments", "periodTo", "x").text("ErrorCode"))
}
