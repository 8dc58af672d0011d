package alfabanktest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// signed is the text of section 10.2, made here anew.
func signed(p url.Values) string {
	names := []string{}
	for name := range p {
		if name != "checksum" && name != "sign_alias" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	text := ""
	for _, name := range names {
		text += name + ";" + p.Get(name) + ";"
	}
	return text
}

func hmacOf(key, text string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return strings.ToUpper(hex.EncodeToString(m.Sum(nil)))
}

func TestCallbackAsInTheSpecification(t *testing.T) {
	b := open(t, WithCallbacks(CallbackSettings{Key: "demo-callback-key-01", Params: []string{"amount"}}))
	id := b.register("A-1001", "")
	require.NoError(t, b.Pay(id))
	got := b.take()
	require.Len(t, got, 1)
	assert.Equal(t, "GET", got[0].method)
	sum := hmacOf("demo-callback-key-01", "amount;129900;callbackCreationDate;Mon Jun 02 15:04:05 MSK 2025;mdOrder;"+id+";operation;deposited;orderNumber;A-1001;status;1;")
	assert.Equal(t, "mdOrder="+id+"&orderNumber=A-1001&operation=deposited&callbackCreationDate=Mon+Jun+02+15%3A04%3A05+MSK+2025&status=1&amount=129900&checksum="+sum, got[0].rawQuery)
	d := b.Deliveries()[0]
	assert.Equal(t, signed(got[0].params), d.Canonical)
	assert.Equal(t, got[0].rawQuery, d.Request().URL.RawQuery)
}

func TestCallbackInEveryWay(t *testing.T) {
	extras := []string{"amount", "depositedAmount", "paymentState", "clientId", "bindingId", "maskedPan", "crm", "templateId", "none"}
	for _, method := range []CallbackMethod{CallbackGET, CallbackForm} {
		for _, crypt := range []CallbackCrypto{CryptoHMAC, CryptoRSA, CryptoRSASHA256, CryptoNone} {
			t.Run(string(method)+" "+string(crypt), func(t *testing.T) {
				b := open(t, WithCallbacks(CallbackSettings{Method: method, Crypto: crypt, Key: "ключ-Ы2", Params: extras, URL: "https://tea.example/cb?shop=7#x"}))
				id := b.register("%D0%97%D0%B0%D0%BA%D0%B0%D0%B7+%E2%84%9677", "&clientId=c&jsonParams="+url.QueryEscape(`{"crm":"42 & co"}`))
				require.NoError(t, b.Pay(id))
				n := b.take()[0]
				p := n.params
				if method == CallbackGET {
					assert.Equal(t, "7", p.Get("shop"))
					p.Del("shop")
				}
				text := signed(p)
				assert.Equal(t, text, b.Deliveries()[0].Canonical)
				assert.Contains(t, text, "crm;42 & co;")
				assert.Contains(t, text, "orderNumber;Заказ №77;")
				cfg := b.Config()
				alias := ""
				switch crypt {
				case CryptoHMAC:
					assert.Equal(t, "ключ-Ы2", cfg.CallbackKey)
					assert.Equal(t, hmacOf("ключ-Ы2", text), p.Get("checksum"))
				case CryptoNone:
					assert.Empty(t, cfg.CallbackKey)
					assert.False(t, p.Has("checksum"))
				default:
					alias = "SHA-256 with RSA"
					sig, err := hex.DecodeString(p.Get("checksum"))
					require.NoError(t, err)
					key := publicKey(t, cfg.CallbackPublicKey)
					h512, h256 := sha512.Sum512([]byte(text)), sha256.Sum256([]byte(text))
					assert.Equal(t, crypt == CryptoRSA, rsa.VerifyPKCS1v15(key, crypto.SHA512, h512[:], sig) == nil)
					assert.Equal(t, crypt == CryptoRSASHA256, rsa.VerifyPKCS1v15(key, crypto.SHA256, h256[:], sig) == nil)
				}
				assert.Equal(t, alias, p.Get("sign_alias"))
				// A stranger knows everything but the key.
				require.NoError(t, b.Forge(id))
				forged := b.take()[0].params
				if crypt != CryptoNone {
					assert.NotEmpty(t, forged.Get("checksum"))
					assert.NotEqual(t, p.Get("checksum"), forged.Get("checksum"))
				}
			})
		}
	}
	plain := open(t, WithCallbacks(CallbackSettings{Crypto: CryptoRSA, SignAlias: "-", Without: []string{"orderNumber", "callbackCreationDate"}}))
	plain.register("A-1", "")
	require.NoError(t, plain.Expire("A-1"))
	p := plain.take()[0].params
	assert.Equal(t, []bool{false, false, false}, []bool{p.Has("sign_alias"), p.Has("orderNumber"), p.Has("callbackCreationDate")})
	assert.Equal(t, []string{"orderNumber"}, plain.Config().CallbackOptional)
}

func publicKey(t *testing.T, text string) *rsa.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	require.NotNil(t, block)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)
	return key.(*rsa.PublicKey)
}

func TestCallbackAddressesAndRepeats(t *testing.T) {
	b := open(t)
	b.shop.status = http.StatusInternalServerError
	id := b.register("A-1", "&dynamicCallbackUrl=https%3A%2F%2Ftea.example%2Fdynamic")
	require.NoError(t, b.Pay(id))
	assert.Equal(t, "/dynamic", b.take()[0].path)
	b.Advance(59 * time.Second)
	assert.Empty(t, b.take())
	b.Advance(time.Second)
	b.Advance(time.Hour)
	assert.Len(t, b.take(), 2)
	assert.Equal(t, "given up", string(b.Deliveries()[0].State))
	b.shop.status = 0
	require.NoError(t, b.Resend("A-1"))
	assert.Equal(t, []string{"deposited"}, b.heard())
	b.Mischief(Mischief{Duplicates: 1})
	done(t, b.call("refund.do", "orderId="+id+"&amount=1"))
	assert.Equal(t, []string{"refunded", "refunded"}, b.heard())
	require.NoError(t, b.Forge(b.Deliveries()[0].ID))
	forged := b.take()[0]
	assert.NotEqual(t, hmacOf(DefaultCallbackKey, signed(forged.params)), forged.params.Get("checksum"))
	require.NoError(t, b.Forge("A-1"))
	assert.Error(t, b.Forge("nobody"))
	held := b.hold("H-1", "")
	require.NoError(t, b.Forge(held))
	assert.Equal(t, "approved", b.Deliveries()[len(b.Deliveries())-1].Event)

	patient := open(t, WithCallbacks(CallbackSettings{Tries: 6, Gap: 30 * time.Second, URL: "https://tea.example/cb"}))
	patient.shop.status = 500
	patient.register("A-1", "")
	require.NoError(t, patient.Pay("A-1"))
	patient.Advance(10 * time.Minute)
	assert.Len(t, patient.take(), 6)
	nowhere := NewServer(WithoutListening(), WithClock(NewClock(noon)))
	defer nowhere.Close()
	assert.Empty(t, nowhere.Config().CallbackOptional)
}

func TestCallbackOfBindings(t *testing.T) {
	all := []string{"bindingCreated", "bindingActivityChanged"}
	b := open(t, WithCallbacks(CallbackSettings{Operations: all}))
	id := b.register("A-1", "&clientId=c&dynamicCallbackUrl=https%3A%2F%2Ftea.example%2Fdynamic")
	require.NoError(t, b.PayAndSave(id))
	n := b.take()
	require.Len(t, n, 1)
	assert.Equal(t, "/cb", n[0].path, "to the static address")
	card := b.Bindings("c")[0]
	text := "bindingId;" + card + ";clientId;c;enabled;true;"
	assert.Equal(t, "bindingId="+card+"&clientId=c&enabled=true&checksum="+hmacOf(DefaultCallbackKey, text), n[0].rawQuery)
	done(t, b.call("unBindCard.do", "bindingId="+card))
	assert.Equal(t, "false", b.take()[0].params.Get("enabled"))
	// V3 of the specification: the order of names is that of code units.
	text = gateway.Canonical([]gateway.Pair{{Name: "operation", Value: "bindingActivityChanged"}, {Name: "enabled", Value: "false"}, {Name: "clientId", Value: "buyer-42"}, {Name: "status", Value: "1"},
		{Name: "bindingcategory", Value: "COMMON"}, {Name: "bindingId", Value: "5c3b0d7e-91aa-7b10-b8f2-6e01d4f0a7c9"}})
	assert.Equal(t, "3C7CC2E23B100F2B4492501E21B252AEAE1EE4982F31FD40F0DC8E02BF912F6C", new(gateway.Signer).Checksum(CryptoHMAC, "demo-callback-key-01", text))
}

func TestMportal(t *testing.T) {
	b := open(t)
	post := func(user, password, login, body string) int {
		req, err := http.NewRequest("POST", b.URL+"/mportal/mvc/public/merchant/update/"+login, strings.NewReader(body))
		require.NoError(t, err)
		req.SetBasicAuth(user, password)
		resp, err := b.Client().Do(req)
		require.NoError(t, err)
		return resp.StatusCode
	}
	card := `{"callbacks_enabled":true,"callback_type":"STATIC","callback_addresses":"https://shop.example/new","callback_http_method":"POST","callback_operations":"deposited,refunded"}`
	assert.Equal(t, 401, post(DefaultUserName, "x", "r-demo", card))
	assert.Equal(t, 401, post(DefaultUserName, DefaultPassword, "other", card))
	assert.Equal(t, 400, post(DefaultUserName, DefaultPassword, "r-demo", `{}`))
	assert.Equal(t, 200, post(DefaultUserName, DefaultPassword, "r-demo", card))
	assert.Equal(t, 404, b.raw("POST", "/mportal/login", "", "").StatusCode)
	assert.Equal(t, 405, b.raw("GET", "/mportal3/mvc/public/merchant/update/r-demo", "", "").StatusCode)
	id := b.register("A-1", "&dynamicCallbackUrl=https%3A%2F%2Ftea.example%2Fdynamic")
	require.NoError(t, b.FailAttempt(id, 0))
	require.NoError(t, b.Pay(id))
	got := b.take()
	assert.Equal(t, []string{"POST", "/new"}, []string{got[0].method, got[0].path})
	assert.Equal(t, 200, post(DefaultUserName, DefaultPassword, "r-demo", strings.NewReplacer("true", "false", "STATIC", "DYNAMIC", "POST", "GET").Replace(card)))
	b.paid("A-2", "")
	assert.Empty(t, b.take())
}

// The bank's published callbacks are signed as the emulator signs.
func TestPublishedCallbacks(t *testing.T) {
	for _, name := range []string{"06_bank_pdf_java_hmac_key123", "07_bank_pdf_php_hmac_yourSecretToken"} {
		var s struct{ Key, Canonical, Checksum, Query string }
		sample(t, "callbacks/"+name+".json", &s)
		query, err := url.ParseQuery(s.Query)
		require.NoError(t, err)
		params := []gateway.Pair{}
		for name := range query {
			if name != "checksum" {
				params = append(params, gateway.Pair{Name: name, Value: query.Get(name)})
			}
		}
		assert.Equal(t, s.Canonical, gateway.Canonical(params))
		assert.Equal(t, s.Checksum, new(gateway.Signer).Checksum(CryptoHMAC, s.Key, s.Canonical))
	}
}

// A real listener, a running clock and a shop on the network.
func TestOverTheNetwork(t *testing.T) {
	end := &shopEnd{}
	shop := httptest.NewServer(end)
	defer shop.Close()
	b := &bank{Server: NewServer(WithCallbackURL(shop.URL + "/cb")), t: t, shop: end}
	defer b.Close()
	resp, err := http.PostForm(b.Config().BaseURL+"/register.do", url.Values{"userName": {DefaultUserName}, "password": {DefaultPassword}, "orderNumber": {"A-1"}, "amount": {"100"}, "returnUrl": {shop.URL}})
	require.NoError(t, err)
	assert.Contains(t, b.decode(resp)["formUrl"], b.URL)
	require.NoError(t, b.Pay("A-1"))
	assert.Equal(t, []string{"deposited"}, b.heard())
	assert.Len(t, b.Orders(), 1)

	mux := http.NewServeMux()
	front := httptest.NewServer(mux)
	defer front.Close()
	s := NewServer(WithoutListening(), WithPublicURL(front.URL+"/alfabank/"), WithClock(NewRunningClock(noon, 60)), WithCallbackClient(shop.Client()))
	defer s.Close()
	mux.Handle("/alfabank/", http.StripPrefix("/alfabank", s.Handler()))
	resp, err = http.PostForm(s.Config().BaseURL+"/register.do", url.Values{"userName": {DefaultUserName}, "password": {DefaultPassword}, "orderNumber": {"A-1"}, "amount": {"100"}, "returnUrl": {shop.URL}})
	require.NoError(t, err)
	page, err := http.Get(b.decode(resp)["formUrl"].(string))
	require.NoError(t, err)
	assert.Equal(t, 200, page.StatusCode)
	page.Body.Close()
}
