package sberbanktest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// flat is a callback as one flat map, by the rules of specification 9.1.
func flat(t *testing.T, n news) map[string]string {
	t.Helper()
	out := map[string]string{}
	switch {
	case n.method == http.MethodGet:
		for k, v := range n.query {
			require.Len(t, v, 1)
			out[k] = v[0]
		}
	case strings.HasPrefix(n.contentType, "application/json"):
		var in map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(n.body), &in))
		for k, v := range in {
			if v[0] == '{' {
				continue
			}
			if v[0] != '"' {
				out[k] = string(v)
				continue
			}
			var text string
			require.NoError(t, json.Unmarshal(v, &text))
			out[k] = text
		}
	default:
		form, err := url.ParseQuery(n.body)
		require.NoError(t, err)
		for k, v := range form {
			out[k] = v[0]
		}
	}
	return out
}

// signedText is the string of specification 9.3.
func signedText(p map[string]string, drop ...string) string {
	var names []string
	for k := range p {
		names = append(names, k)
	}
	sort.Strings(names)
	text := ""
next:
	for _, k := range names {
		for _, d := range append(drop, "checksum", "sign_alias") {
			if k == d {
				continue next
			}
		}
		text += k + ";" + p[k] + ";"
	}
	return text
}

func hmacOf(key, text string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return strings.ToUpper(hex.EncodeToString(m.Sum(nil)))
}

func TestCanonicalTextOfTheVectors(t *testing.T) {
	// V1 of specification 9.7.
	text := gateway.Canonical([]gateway.Pair{{Name: "mdOrder", Value: "7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1"}, {Name: "orderNumber", Value: "CRM-2026-000417"}, {Name: "operation", Value: "deposited"}, {Name: "status", Value: "1"}, {Name: "amount", Value: "154990"}})
	assert.Equal(t, "amount;154990;mdOrder;7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1;operation;deposited;orderNumber;CRM-2026-000417;status;1;", text)
	assert.Equal(t, "F490F3BD064D128BAF3807EC860EDF72313EAD9D3CC51C30DED9B5C6498D7201",
		new(gateway.Signer).Checksum(CryptoHMAC, "crm-demo-callback-token-01", text))
	// V2: Cyrillic.
	text = gateway.Canonical([]gateway.Pair{{Name: "mdOrder", Value: "7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1"}, {Name: "orderNumber", Value: "Счёт-42/А"}, {Name: "operation", Value: "refunded"}, {Name: "status", Value: "1"},
		{Name: "refundedAmount", Value: "50000"}, {Name: "callbackCreationDate", Value: "Tue Mar 03 09:15:07 UTC 2026"}})
	assert.Equal(t, "50DBC927803168287118C41CDEBE3379A20808E1619E68AE418342FDF984332F",
		new(gateway.Signer).Checksum(CryptoHMAC, "ключ+secret/42", text))
}

func TestCallbackInEveryWay(t *testing.T) {
	extras := []string{"amount", "approvedAmount", "depositedAmount", "refundedAmount", "amountFormatted", "approvedAmountFormatted", "depositedAmountFormatted",
		"refundedAmountFormatted", "paymentState", "actionCode", "currency", "maskedPan", "clientId", "bindingId", "email", "phone", "ip", "refNum", "authCode", "callbackCreationDate", "crmDeal", "none"}
	for _, method := range []CallbackMethod{CallbackGET, CallbackForm, CallbackJSON} {
		for _, crypt := range []CallbackCrypto{CryptoHMAC, CryptoRSA, CryptoNone} {
			for _, legacy := range []bool{false, true} {
				name := string(method) + " " + string(crypt)
				if legacy {
					name += " legacy"
				}
				t.Run(name, func(t *testing.T) {
					set := CallbackSettings{Method: method, Crypto: crypt, Key: "ключ+secret/42", Params: extras, SignAlias: "SHA-256 with RSA", URL: "https://crm.example/cb?shop=7#x"}
					b := open(t, WithCallbacks(set), WithLegacyCallbacks(set))
					var id string
					if legacy {
						id = b.legacyOrder("register.do", "CRM-%D0%90%2F1", "&clientId=u-88&email=a%40b.ru&phone=79161234567&jsonParams="+url.QueryEscape(`{"crmDeal":"417 & co"}`))
					} else {
						id = b.register("CRM-А/1", `,"clientId":"u-88","email":"a@b.ru","phone":"79161234567","jsonParams":{"crmDeal":"417 & co"}`)
					}
					require.NoError(t, b.Pay(id))
					assert.Equal(t, 1, b.Deliver())
					n := b.shop.take()[0]
					p := flat(t, n)
					delete(p, "shop")
					assert.Equal(t, id, p["mdOrder"])
					assert.Equal(t, "CRM-А/1", p["orderNumber"])
					assert.Equal(t, "deposited", p["operation"])
					assert.Equal(t, "1", p["status"])
					assert.Equal(t, "154990", p["depositedAmount"])
					assert.Equal(t, "1549.90", p["amountFormatted"])
					assert.Equal(t, "417 & co", p["crmDeal"])
					assert.Equal(t, "Tue Mar 03 09:00:00 UTC 2026", p["callbackCreationDate"])
					assert.NotContains(t, p, "none")
					assert.NotContains(t, p, "ip", "nobody's address is known")
					text := signedText(p)
					switch crypt {
					case CryptoHMAC:
						assert.Equal(t, hmacOf("ключ+secret/42", text), p["checksum"])
					case CryptoRSA:
						block, _ := pem.Decode([]byte(b.PublicKeyPEM()))
						key, err := x509.ParsePKIXPublicKey(block.Bytes)
						require.NoError(t, err)
						sum := sha512.Sum512([]byte(text))
						sig, err := hex.DecodeString(p["checksum"])
						require.NoError(t, err)
						require.NoError(t, rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA512, sum[:], sig))
						assert.Equal(t, "SHA-256 with RSA", p["sign_alias"])
					case CryptoNone:
						assert.NotContains(t, p, "checksum")
						assert.NotContains(t, p, "sign_alias")
					}
					if method == CallbackJSON {
						assert.Contains(t, n.body, `"status":1`)
					}
					assert.Equal(t, "7", n.query.Get("shop"), "the address keeps its own query, unsigned")
					d := b.Deliveries()[0]
					assert.Equal(t, text, d.Canonical)
					assert.Equal(t, id, d.Order)
				})
			}
		}
	}
}

func TestCallbackDefaults(t *testing.T) {
	b := open(t)
	require.NoError(t, b.Pay(b.register("A-1", "")))
	require.NoError(t, b.Pay(b.legacyOrder("register.do", "L-1", "")))
	b.Deliver()
	got := b.shop.take()
	require.Len(t, got, 2)
	assert.Equal(t, "POST", got[0].method)
	assert.Equal(t, "application/json", got[0].contentType)
	assert.Equal(t, "GET", got[1].method)
	for _, n := range got {
		p := flat(t, n)
		assert.Len(t, p, 5)
		assert.Equal(t, hmacOf(DefaultCallbackKey, signedText(p)), p["checksum"])
	}
}

func TestCallbackRetries(t *testing.T) {
	b := open(t)
	b.shop.status = 500
	require.NoError(t, b.Pay(b.register("A-1", "")))
	require.NoError(t, b.Pay(b.legacyOrder("register.do", "L-1", "")))
	b.Advance(6 * time.Hour)
	var times [2][]string
	for i, d := range b.Deliveries() {
		assert.EqualValues(t, "given up", d.State)
		for _, a := range d.Attempts {
			times[i] = append(times[i], a.Time.In(gateway.Moscow).Format("15:04"))
			assert.Equal(t, 500, a.Status)
		}
	}
	assert.Equal(t, []string{"12:00", "12:01", "12:02"}, times[0], "new: 3 attempts, 60 s apart")
	assert.Equal(t, []string{"12:00", "12:10", "12:30", "13:00", "13:40", "14:30"}, times[1], "legacy: after 10·A minutes, 6 failures")
	b = open(t, WithCallbacks(CallbackSettings{NoRetries: true, StaticOnly: true}))
	b.shop.status = 404
	require.NoError(t, b.Pay(b.register("A-1", `,"dynamicCallbackUrl":"https://crm.example/dynamic"`)))
	b.Advance(time.Hour)
	got := b.shop.take()
	require.Len(t, got, 1)
	assert.Equal(t, "/cb", got[0].path)
}

func TestCallbackOperations(t *testing.T) {
	b := open(t, WithCallbacks(CallbackSettings{FailedAttempts: true, Params: []string{"externalRefundId", "operationRefundedAmount"}, Without: []string{"orderNumber"}}))
	id := b.registerAs("registerPreAuth.do", "A-1", "")
	require.NoError(t, b.FailAttempt(id, 0))
	require.NoError(t, b.Pay(id))
	b.call("v1/deposit.do", `"orderId":"`+id+`","amount":154990`)
	b.call("v1/refund.do", `"orderId":"`+id+`","amount":100,"jsonParams":{"externalRefundId":"r-1"}`)
	id = b.registerAs("registerPreAuth.do", "A-2", "")
	require.NoError(t, b.Pay(id))
	b.call("v1/reverse.do", `"orderId":"`+id+`"`)
	b.Deliver()
	var seen []string
	for _, n := range b.shop.take() {
		p := flat(t, n)
		assert.NotContains(t, p, "orderNumber")
		seen = append(seen, p["operation"]+p["status"]+p["externalRefundId"]+p["operationRefundedAmount"])
	}
	assert.Equal(t, []string{"approved0", "approved1", "deposited1", "refunded1r-1100", "approved1", "reversed1"}, seen)
}

func TestForgedAndRepeatedCallbacks(t *testing.T) {
	for _, crypt := range []CallbackCrypto{CryptoHMAC, CryptoRSA, CryptoNone} {
		b := open(t, WithCallbacks(CallbackSettings{Crypto: crypt}))
		id := b.registerAs("registerPreAuth.do", "A-1", "")
		require.NoError(t, b.Forge("A-1"))
		assert.Equal(t, 1, b.Deliver())
		p := flat(t, b.shop.take()[0])
		assert.Equal(t, "approved", p["operation"])
		assert.NotEqual(t, hmacOf(DefaultCallbackKey, signedText(p)), p["checksum"])
		assert.True(t, b.Deliveries()[0].Forged)
		require.NoError(t, b.Pay(id))
		b.Deliver()
		real := b.shop.take()[0]
		require.NoError(t, b.Resend("A-1"))
		require.NoError(t, b.Resend(b.Deliveries()[1].ID))
		require.NoError(t, b.Forge(b.Deliveries()[1].ID))
		assert.Equal(t, 3, b.Deliver())
		got := b.shop.take()
		assert.Equal(t, real, got[0])
		assert.Equal(t, real, got[1])
		assert.NotEqual(t, real, got[2])
		require.Error(t, b.Resend("nobody"))
		require.Error(t, b.Forge("nobody"))
	}
	b := open(t)
	b.Mischief(Mischief{Duplicates: 2})
	require.NoError(t, b.Pay(b.register("A-1", "")))
	assert.Equal(t, 3, b.Deliver())
}

func TestMportalSettings(t *testing.T) {
	b := open(t)
	post := func(path, user, password, body string) int {
		req, err := http.NewRequest(http.MethodPost, b.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		req.SetBasicAuth(user, password)
		resp, err := b.Client().Do(req)
		require.NoError(t, err)
		return resp.StatusCode
	}
	const body = `{"callbacks_enabled":true,"callback_type":"STATIC","callback_addresses":"https://crm.example/wc","callback_http_method":"POST","callback_operations":"deposited,approved,declinedByTimeout"}`
	const path = "/mportal/mvc/public/merchant/update/demo"
	assert.Equal(t, 401, post(path, DefaultUserName, "wrong", body))
	assert.Equal(t, 401, post(path+"-api", DefaultUserName, DefaultPassword, body))
	assert.Equal(t, 400, post(path, DefaultUserName, DefaultPassword, strings.Replace(body, "STATIC", "NONE", 1)))
	assert.Equal(t, 404, post("/mportal/mvc/public/other", DefaultUserName, DefaultPassword, body))
	assert.Equal(t, 405, b.raw("GET", path, "", "").StatusCode)
	assert.Equal(t, 200, post("/mportal-uat"+strings.TrimPrefix(path, "/mportal"), DefaultUserName, DefaultPassword, body))
	require.NoError(t, b.Pay(b.legacyOrder("register.do", "L-1", "&dynamicCallbackUrl=https%3A%2F%2Fcrm.example%2Fdyn")))
	b.Deliver()
	got := b.shop.take()
	require.Len(t, got, 1)
	assert.Equal(t, "/wc", got[0].path)
	assert.Equal(t, "POST", got[0].method)
	assert.Equal(t, "application/x-www-form-urlencoded", got[0].contentType)
	assert.Equal(t, 200, post(path, DefaultUserName, DefaultPassword, strings.Replace(body, "true", "false", 1)))
	require.NoError(t, b.Pay(b.legacyOrder("register.do", "L-2", "")))
	assert.Zero(t, b.Deliver())
}

// With a running clock and the network everything happens by itself.
func TestRealTimeOverTheNetwork(t *testing.T) {
	var got atomic.Int32
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got.Add(1) == 1 {
			w.WriteHeader(503)
		}
	}))
	defer shop.Close()
	s := NewServer(WithClock(NewRunningClock(noon, 600)), WithCallbackURL(shop.URL+"/cb"))
	defer s.Close()
	resp, err := http.Post(s.URL+"/ecomm/gw/partner/api/v1/register.do", "application/json", strings.NewReader(exampleRegister))
	require.NoError(t, err)
	resp.Body.Close()
	require.NoError(t, s.Pay("CRM-2026-000417"))
	require.Eventually(t, func() bool { s.Deliver(); return got.Load() == 2 }, 10*time.Second, 5*time.Millisecond)
	require.Eventually(t, func() bool { return s.Deliveries()[0].State == "delivered" }, 5*time.Second, time.Millisecond)
	assert.False(t, s.Now().Before(noon))
	assert.NotZero(t, s.Seed())
}

func TestConfigsAreReady(t *testing.T) {
	b := open(t, WithOtherMerchant(Merchant{UserName: "second-api", Password: "Second-Password-22", Callbacks: CallbackSettings{Crypto: CryptoRSA}}))
	cfg := b.Config()
	assert.Equal(t, acquiring.Test, cfg.Environment)
	assert.Equal(t, b.URL+"/ecomm/gw/partner/api/v1", cfg.BaseURL)
	assert.Equal(t, DefaultCallbackKey, cfg.CallbackKey)
	legacy := b.ConfigLegacy()
	assert.Equal(t, b.URL+"/payment/rest", legacy.BaseURL)
	second := b.ConfigFor("second-api", sberbank.ProtocolJSON)
	assert.Equal(t, b.PublicKeyPEM(), second.CallbackPublicKey)
	assert.Equal(t, sberbank.ProtocolLegacy, b.ConfigFor("second-api", sberbank.ProtocolLegacy).Protocol)
	assert.Panics(t, func() { b.ConfigFor("nobody", sberbank.ProtocolJSON) })
	for _, c := range []sberbank.Config{cfg, legacy, second} {
		_, err := sberbank.New(c)
		require.NoError(t, err)
	}
	assert.True(t, b.SetMerchant("second-api", func(m *Merchant) { m.NoSBP, m.Password = true, "" }))
	assert.False(t, b.SetMerchant("nobody", func(*Merchant) {}))
	assert.Equal(t, "Second-Password-22", b.ConfigFor("second-api", sberbank.ProtocolJSON).Password)
}

// The published signatures come out of our signing, text by text.
func TestPublishedSignatures(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "samples", "sberbank", "signatures", "published_hmac.json"))
	if err != nil {
		t.Skip("no published samples beside the repository")
	}
	var vectors []struct {
		ID, Key, Raw, Canonical, Checksum string
		Valid                             *bool `json:"expected_signature_valid"`
	}
	require.NoError(t, json.Unmarshal(file, &vectors))
	tried := 0
	for _, v := range vectors {
		if v.Key == "" || v.Valid == nil || v.Canonical == "" {
			continue
		}
		tried++
		sum := new(gateway.Signer).Checksum(CryptoHMAC, v.Key, v.Canonical)
		assert.Equal(t, *v.Valid, strings.EqualFold(v.Checksum, sum), v.ID)
		if query, err := url.ParseQuery(v.Raw); err == nil && v.Raw != "" {
			var params []gateway.Pair
			for name := range query {
				if name != "checksum" && name != "sign_alias" {
					params = append(params, gateway.Pair{Name: name, Value: query.Get(name)})
				}
			}
			assert.Equal(t, v.Canonical, gateway.Canonical(params), v.ID)
		}
	}
	assert.GreaterOrEqual(t, tried, 4)
}

// Mounted under a prefix of a common mux, as a sandbox does.
func TestMountedElsewhere(t *testing.T) {
	mux := http.NewServeMux()
	front := httptest.NewServer(mux)
	defer front.Close()
	s := NewServer(WithoutListening(), WithPublicURL(front.URL+"/sberbank/"))
	defer s.Close()
	mux.Handle("/sberbank/", http.StripPrefix("/sberbank", s.Handler()))
	cfg := s.Config()
	resp, err := http.Post(cfg.BaseURL+"/register.do", "application/json", strings.NewReader(exampleRegister))
	require.NoError(t, err)
	var out struct{ FormURL string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&out))
	resp.Body.Close()
	assert.True(t, strings.HasPrefix(out.FormURL, front.URL+"/sberbank/pp/pay_ru?orderId="))
	page, err := http.Get(out.FormURL)
	require.NoError(t, err)
	page.Body.Close()
	assert.Equal(t, 200, page.StatusCode)
}
