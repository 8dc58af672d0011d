package tochkatest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

// verify checks a token as 9.4 of the protocol says.
func verify(t *testing.T, publicPEM, token string) bool {
	t.Helper()
	block, _ := pem.Decode([]byte(publicPEM))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return false
	}
	var h struct{ Alg string }
	if json.Unmarshal(header, &h) != nil || h.Alg != "RS256" {
		return false
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return err == nil && rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, digest[:], signature) == nil
}

// inbox is a shop's handler that keeps what it got.
type inbox struct {
	mu     sync.Mutex
	status int
	bodies []string
	kinds  []string
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.bodies = append(i.bodies, string(body))
	i.kinds = append(i.kinds, r.Header.Get("Content-Type"))
	if i.status != 0 {
		w.WriteHeader(i.status)
	}
}

func payloadOf(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	p, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	return string(p)
}

// TestVectors are those of the protocol's 9.6: the same bytes signed with the
// same key are the same token.
func TestVectors(t *testing.T) {
	file, err := os.ReadFile("testdata/vectors_key.pem")
	require.NoError(t, err)
	block, _ := pem.Decode(file)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	s := NewServer(WithoutListening(), WithSigningKey(parsed.(*rsa.PrivateKey)))
	defer s.Close()
	assert.JSONEq(t, `{"kty":"RSA","e":"AQAB","n":"pU8lgsjZ9LBrO6v7X5WN2ofqYM8p6c7-boRrzcmdDk7czwv2JMC7mHmWz0Ht-SMhwipczjaKx8N13RI9GhR8mCyqkef6vroYg1ZBDA6gN717tzI7C7CeQsvv9vEpfKsjvsOt7bmObKiSEG9a6QzS4HSvrBCnEH1OWTXbLtDBbdFeXiAVe9KcNJj3y3_qScXPHg6KWWlddV7hRFfhaNRgZfyeBPrYchesn4cgkcm3ktgHM1S7xEy9qTNvrdFa9_dQYkryeTOhqSZTO6K4eOjB8AlfhrgXxbTyDqNP_uYpTmpD7SxqRrbCvh4ufIci5aeViS3i34e09IPagPrl0y1Q9w"}`, s.WebhookKey())
	assert.Len(t, s.WebhookKeyPEM(), 451)

	card := Payload{{"customerCode", "300777001"}, {"amount", "1490.50"}, {"paymentType", "card"}, {"operationId", "0b8d6a44-93c1-4f0e-9a52-6f7d1e2c3b4a"},
		{"purpose", "Абонемент на октябрь"}, {"webhookType", "acquiringInternetPayment"}, {"merchantId", "200000000004321"},
		{"consumerId", "5d2f7c1e-8a90-4b36-b7c4-1f0e9d8c7b6a"}, {"status", "APPROVED"}, {"paymentLinkId", "crm-10045"}}
	sbp := Payload{{"customerCode", "300777001"}, {"amount", "250.00"}, {"paymentType", "sbp"}, {"operationId", "7c1e5d2f-0b8d-4a44-93c1-4f0e9a526f7d"},
		{"transactionId", "43c63ec1-1111-4222-8333-6025c20b96ce"}, {"purpose", "Оплата заказа №7"}, {"qrcId", "AS10001111222233334444555566667777"},
		{"payerName", "Мария Петровна С."}, {"webhookType", "acquiringInternetPayment"}, {"merchantId", "200000000004321"}, {"status", "APPROVED"}, {"paymentLinkId", "crm-10046"}}
	for name, v := range map[string]struct {
		payload Payload
		digest  string
		length  int
	}{
		"vector1": {card, "05092883debdb0837216c6baec1ea4805795308f46e8a6955bc23ba0832051e9", 960},
		"vector2": {sbp, "281c4a435e426028d492e7aea41976648275a8d74e0cde3a165d9794085fe005", 1124},
	} {
		want, err := os.ReadFile("testdata/" + name + ".jwt")
		require.NoError(t, err)
		got := s.Sign(v.payload)
		assert.Equal(t, string(want), got, name)
		assert.Equal(t, got, s.SignBytes([]byte(payloadOf(t, got))))
		assert.Len(t, got, v.length)
		digest := sha256.Sum256([]byte(got[:strings.LastIndex(got, ".")]))
		assert.Equal(t, v.digest, hex.EncodeToString(digest[:]))
		assert.True(t, verify(t, s.WebhookKeyPEM(), got))
	}
	forged := s.forge(s.Sign(card), HS256PublicKey)
	middle := strings.Split(s.Sign(card), ".")[1]
	assert.Equal(t, "N_6gryl9JroV9GliTeBCBxn9uoeMdlpBA6GS2bs4OVM", strings.Split(hs256(s.WebhookKeyPEM(), middle), ".")[2], "vector 4")
	assert.False(t, verify(t, s.WebhookKeyPEM(), forged))
}

// TestSamplesAreThePublishedOnes: what registration sends is, to the byte, the
// payload that the bank published and signed.
func TestSamplesAreThePublishedOnes(t *testing.T) {
	for _, kind := range hookTypes {
		name := kind
		if kind == "acquiringInternetPayment" {
			name += "_card"
		}
		token := string(samples(t, "official_webhooks/"+name+".jwt"))
		assert.Equal(t, payloadOf(t, token), string(encode(nil, sample(kind), true)), kind)
		assert.Equal(t, b64([]byte(joseHeader)), strings.Split(token, ".")[0])
		assert.True(t, verify(t, string(samples(t, "keys/tochka_public.pem")), token))
	}
	assert.False(t, verify(t, string(samples(t, "keys/tochka_doc_java_stale.pem")), string(samples(t, "official_webhooks/NEG_card_checked_with_stale_key.jwt"))))
	assert.False(t, verify(t, string(samples(t, "keys/tochka_public.pem")), string(samples(t, "official_webhooks/NEG_card_amount_tampered.jwt"))))
}

// TestPayloadsHaveThePublishedMembers, in the published order, for the ways to
// pay.
func TestPayloadsHaveThePublishedMembers(t *testing.T) {
	b := start(t, WithCallbackURL("https://shop.example/tochka"))
	names := func(payload string) (out []string) {
		d := json.NewDecoder(strings.NewReader(payload))
		depth, value := 0, false
		for {
			tok, err := d.Token()
			if err != nil {
				return out
			}
			switch v := tok.(type) {
			case json.Delim:
				if v == '{' {
					depth++
				} else {
					depth--
				}
				value = false
			case string:
				if !value && depth == 1 {
					out = append(out, v)
				}
				value = !value
			}
		}
	}
	for mode, file := range map[string]string{"card": "acquiringInternetPayment_card", "sbp": "acquiringInternetPayment_sbp", "dolyame": "acquiringInternetPayment_dolyame"} {
		id := b.link(`"paymentMode":["card","sbp","dolyame"],"amount":0.33`)["operationId"].(string)
		require.NoError(t, b.PayBy(id, mode))
		all := b.Deliveries()
		got := all[len(all)-1]
		assert.Equal(t, names(payloadOf(t, string(samples(t, "official_webhooks/"+file+".jwt")))), names(got.Canonical), mode)
		assert.Contains(t, got.Canonical, `"amount": "0.33"`)
	}
}

func TestDeliveryRepeats(t *testing.T) {
	shop := &inbox{status: 201}
	b := start(t, WithCallbackHandler(shop))
	id := b.link(`"amount":40`)["operationId"].(string)
	require.NoError(t, b.Pay(id))
	assert.Equal(t, 1, b.Deliver())
	assert.Equal(t, "text/plain", shop.kinds[0])
	assert.True(t, verify(t, b.WebhookKeyPEM(), shop.bodies[0]))
	assert.Contains(t, payloadOf(t, shop.bodies[0]), `"amount": "40.0"`)
	b.Advance(299 * time.Second)
	assert.Len(t, shop.bodies, 30)
	b.Advance(time.Hour)
	assert.Len(t, shop.bodies, 31, "once and thirty times more")
	d := b.Deliveries()[0]
	assert.EqualValues(t, "given up", d.State)
	assert.Equal(t, b.clock.Now().Add(-time.Hour-299*time.Second).Add(300*time.Second), d.Answer().Time)

	shop.status = 200
	require.NoError(t, b.Resend(id))
	b.Deliver()
	assert.Len(t, shop.bodies, 32)
	assert.Equal(t, shop.bodies[0], shop.bodies[31], "the same bytes")
	require.Error(t, b.Resend("nothing"))
}

func TestForgeries(t *testing.T) {
	shop := &inbox{}
	b := start(t, WithCallbackHandler(shop))
	id := b.link(`"paymentLinkId":"A-1"`)["operationId"].(string)
	require.NoError(t, b.Pay(id))
	for _, how := range Forgeries() {
		require.NoError(t, b.ForgeAs("A-1", how), how)
	}
	require.NoError(t, b.Forge(id))
	b.Deliver()
	require.Len(t, shop.bodies, 2+len(Forgeries()))
	assert.True(t, verify(t, b.WebhookKeyPEM(), shop.bodies[0]))
	for i, body := range shop.bodies[1:] {
		assert.False(t, verify(t, b.WebhookKeyPEM(), body), "forgery %d", i)
		assert.NotEqual(t, shop.bodies[0], body)
		assert.True(t, b.Deliveries()[i+1].Forged)
	}
	assert.Contains(t, payloadOf(t, shop.bodies[1]), `"amount": "2490.5"`)
	require.Error(t, b.ForgeAs("nothing", AlgNone))
	assert.Equal(t, "alg none", AlgNone.String())
	assert.Equal(t, "Forgery(99)", Forgery(99).String())
	assert.Equal(t, "x", strings.TrimPrefix(b.forge("a.b", AlgNone), "a.b"))
	assert.Equal(t, `{"a": "9", "x": 1}`, string(anotherSum([]byte(`{"a": "9"}`))))
	assert.Equal(t, `{"amount": "8.0"}`, string(anotherSum([]byte(`{"amount": "9.0"}`))))

	b.Mischief(Mischief{Duplicates: 2, Forge: 1})
	second := b.link("")["operationId"].(string)
	require.NoError(t, b.Pay(second))
	b.Mischief(Mischief{Lose: -1})
	third := b.link("")["operationId"].(string)
	require.NoError(t, b.Pay(third))
	b.Deliver()
	count := map[string]int{}
	for _, d := range b.Deliveries() {
		if !d.Forged {
			count[d.Order+" "+string(d.State)]++
		}
	}
	assert.Equal(t, 3, count[second+" delivered"])
	assert.Equal(t, 1, count[third+" lost"])
}

func TestWebhookManagement(t *testing.T) {
	shop := &inbox{}
	b := start(t)
	receiver := httptest.NewServer(shop)
	defer receiver.Close()
	path := "webhook/v1.0/" + DefaultClientID
	both := `{"webhooksList":["acquiringInternetPayment","incomingPayment"],"url":"` + receiver.URL + `/tochka"}`
	b.no(404, "Object of Webhooks does not exists", "GET", path, "")
	b.no(404, "Object of Webhooks does not exists", "POST", path, both)
	b.no(404, "Object of Webhooks does not exists", "DELETE", path, "")
	b.no(404, "Object of Webhooks does not exists", "POST", path+"/test_send", `{"webhookType":"incomingPayment"}`)
	b.no(403, "Forbidden by consent", "PUT", "webhook/v1.0/somebody", both)
	b.no(403, "Forbidden by consent", "GET", "webhook/v1.0/somebody", "")
	b.no(403, "Forbidden by consent", "DELETE", "webhook/v1.0/somebody", "")
	b.no(403, "Forbidden by consent", "POST", "webhook/v1.0/somebody/test_send", `{"webhookType":"incomingPayment"}`)

	data := b.ok("PUT", path, both)
	assert.Equal(t, []any{"acquiringInternetPayment", "incomingPayment"}, data["webhooksList"])
	require.Len(t, shop.bodies, 2, "one sample for each type, now")
	for _, body := range shop.bodies {
		assert.True(t, verify(t, b.WebhookKeyPEM(), body))
		assert.Contains(t, payloadOf(t, body), `"customerCode": "300123123"`)
	}
	assert.Equal(t, data, b.ok("GET", path, ""))
	assert.Equal(t, true, b.ok("POST", path+"/test_send", `{"webhookType":"incomingSbpB2BPayment"}`)["result"])
	assert.Len(t, shop.bodies, 3)
	b.no(400, "Field webhookType : Input should be 'incomingPayment'", "POST", path+"/test_send", `{"webhookType":"customWebhook"}`)

	b.ok("POST", path, `{"webhooksList":["incomingPayment"],"url":"`+receiver.URL+`/two"}`)
	shop.status = 204
	b.no(424, "не доставлен", "POST", path, both)
	b.no(424, "не доставлен", "POST", path+"/test_send", `{"webhookType":"incomingPayment"}`)
	assert.Equal(t, []any{"incomingPayment"}, b.ok("GET", path, "")["webhooksList"], "not changed")
	assert.Equal(t, true, b.ok("DELETE", path, "")["result"])
	b.no(404, "Object of Webhooks does not exists", "GET", path, "")

	id := b.link("")["operationId"].(string)
	require.NoError(t, b.Pay(id))
	all := b.Deliveries()
	assert.EqualValues(t, "not configured", all[len(all)-1].State)
}

func TestWebhookAddresses(t *testing.T) {
	path := "webhook/v1.0/" + DefaultClientID
	b := start(t, WithCallbackHandler(&inbox{}), WithStrictWebhookURLs(), WithWebhookRefusal(400))
	body := func(u string) string { return `{"webhooksList":["incomingPayment"],"url":"` + u + `"}` }
	for u, words := range map[string]string{
		"http://shop.example/x":       "only https",
		"https://shop.example:8443/x": "only port 443",
		"https://a:b@shop.example/x":  "authorization",
		"http://127.0.0.1:8080/x":     "only https",
		"shop":                        "relative URL",
	} {
		b.no(400, words, "PUT", path, body(u))
	}
	b.ok("PUT", path, body("https://shop.example:443/x"))
	b.no(400, "at least 1 item", "PUT", path, `{"webhooksList":[],"url":"https://shop.example/x"}`)
	b.no(400, "Field webhooksList.0", "PUT", path, `{"webhooksList":["everything"],"url":"https://shop.example/x"}`)
	b.ok("DELETE", path, "")

	loose := start(t, WithWebhookRefusal(400))
	loose.no(400, "не доставлен", "PUT", path, body("http://127.0.0.1:1/x"))
}

// TestReceiverMayAskTheBank: the bank holds no lock while a test delivery is
// out.
func TestReceiverMayAskTheBank(t *testing.T) {
	var b *bank
	asked := 0
	b = start(t, WithCallbackHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked++
		b.no(424, "Order not found", "GET", "acquiring/v1.0/payments/beeac8a4-6047-3f38-8922-a664e6b5c43b", "")
		b.raw("GET", "/doc/openapi/static/keys/public", "", "")
	})))
	b.ok("PUT", "webhook/v1.0/"+DefaultClientID, `{"webhooksList":["acquiringInternetPayment"],"url":"https://shop.example/tochka"}`)
	assert.Equal(t, 1, asked)
}

// TestWhoIsTold: each client id hears of its own companies, one address once.
func TestWhoIsTold(t *testing.T) {
	shop := &inbox{}
	b := start(t, WithCallbackHandler(shop))
	access, _ := b.enter()
	b.token = access
	hook := func(u string) {
		b.ok("PUT", "webhook/v1.0/crm_app", `{"webhooksList":["acquiringInternetPayment"],"url":"`+u+`"}`)
	}
	hook("https://shop.example/tochka")
	shop.bodies = nil
	require.NoError(t, b.Pay(b.link("")["operationId"].(string)))
	b.Deliver()
	assert.Len(t, shop.bodies, 1, "the key and the application have the same address")
	hook("https://crm.example/tochka")
	shop.bodies = nil
	require.NoError(t, b.Pay(b.link("")["operationId"].(string)))
	b.Deliver()
	assert.Len(t, shop.bodies, 2)
	require.NoError(t, b.RevokeConsent(b.Consents()[0].ID))
	shop.bodies = nil
	b.token = b.Server.keys[0].Token
	require.NoError(t, b.Pay(b.link("")["operationId"].(string)))
	b.Deliver()
	assert.Len(t, shop.bodies, 1)
	b.ReissueKey(DefaultClientID)
	b.token = b.Server.keys[0].Token
	require.NoError(t, b.Pay(b.link("")["operationId"].(string)))
	b.Deliver()
	assert.Len(t, shop.bodies, 1, "a new key has no webhooks")
}

func TestOddEvents(t *testing.T) {
	shop := &inbox{}
	b := start(t, WithCallbackHandler(shop), WithTwoDecimals(), WithWebhookDelay(5*time.Second))
	b.SendSample("incomingSbpPayment")
	b.SendEvent("odd", "customWebhook", Payload{{"webhookType", "customWebhook"}, {"n", 1}, {"nothing", nil}, {"list", []string{"a"}}, {"text", "😀\n\"\x01\u007f"}, {"raw", json.RawMessage("1.5")}})
	b.Deliver()
	assert.Empty(t, shop.bodies)
	b.Advance(5 * time.Second)
	require.Len(t, shop.bodies, 2)
	assert.Equal(t, `{"webhookType": "customWebhook", "n": 1, "nothing": null, "list": ["a"], "text": "\ud83d\ude00\n\"\u0001`+"\x7f"+`", "raw": 1.5}`, payloadOf(t, shop.bodies[1]))
	require.NoError(t, b.Incoming(Transfer{Amount: money.RUB(40, 0), Name: "ИП Тест"}))
	b.Advance(5 * time.Second)
	assert.Contains(t, payloadOf(t, shop.bodies[2]), `"amount": "40.00"`)
	assert.Panics(t, func() { encode(nil, 1.5, false) })
}
