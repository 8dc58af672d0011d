package tochka

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

var b64 = base64.RawURLEncoding

func privateKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode([]byte(fixture(t, "test_only_private.pem")))
	require.NotNil(t, block)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return key.(*rsa.PrivateKey)
}

// signed is a token of the bank's own form.
func signed(t testing.TB, payload string) string {
	t.Helper()
	input := webhookHeader + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(rs256(t, input))
}

func rs256(t testing.TB, input string) []byte {
	digest := sha256.Sum256([]byte(input))
	s, err := rsa.SignPKCS1v15(rand.Reader, privateKey(t), crypto.SHA256, digest[:])
	require.NoError(t, err)
	return s
}

func verifier(t testing.TB) *Verifier {
	t.Helper()
	v, err := NewVerifier(fixture(t, "test_only_jwk.json"))
	require.NoError(t, err)
	return v
}

func notification(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/tochka", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/plain")
	return r
}

// hooked is a client that checks with the throw-away key.
func hooked(t testing.TB, b *bank, change ...func(*Config)) *Client {
	t.Helper()
	return b.client(append([]func(*Config){func(c *Config) { c.WebhookKey, c.Shop = fixture(t, "test_only_jwk.json"), "school" }}, change...)...)
}

func TestVectors(t *testing.T) {
	for n, digest := range map[int]string{1: "05092883debdb0837216c6baec1ea4805795308f46e8a6955bc23ba0832051e9", 2: "281c4a435e426028d492e7aea41976648275a8d74e0cde3a165d9794085fe005"} {
		body, payload := fixture(t, fmt.Sprintf("vector%d.jwt", n)), fixture(t, fmt.Sprintf("vector%d.json", n))
		assert.Equal(t, body, signed(t, payload), "the signature is deterministic")
		sum := sha256.Sum256([]byte(body[:strings.LastIndex(body, ".")]))
		assert.Equal(t, digest, hex.EncodeToString(sum[:]))
		got, err := verifier(t).Verify([]byte(body))
		require.NoError(t, err)
		assert.Equal(t, payload, string(got))
	}
	n, err := verifier(t).Notice([]byte(fixture(t, "vector1.jwt")))
	require.NoError(t, err)
	assert.Equal(t, WebhookAcquiring, n.Type)
	assert.Equal(t, money.RUB(1490, 50), n.Amount.Amount())
	assert.Equal(t, OperationApproved, n.Status)
	assert.Equal(t, "crm-10045", n.PaymentLinkID)
	assert.Equal(t, "Абонемент на октябрь", n.Purpose)
	n, err = verifier(t).Notice([]byte(fixture(t, "vector2.jwt")))
	require.NoError(t, err)
	assert.Equal(t, money.Amount(25000), n.Amount.Amount())
	assert.Equal(t, "Оплата заказа №7", n.Purpose)
	assert.Equal(t, "Мария Петровна С.", n.PayerName)
}

func TestForgedTokensAreRefused(t *testing.T) {
	good, payload := fixture(t, "vector1.jwt"), fixture(t, "vector1.json")
	parts := strings.Split(good, ".")
	der, err := x509.MarshalPKIXPublicKey(&privateKey(t).PublicKey)
	require.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	require.Len(t, public, 451)
	hs := func(header string, key []byte) string {
		input := b64.EncodeToString([]byte(header)) + "." + parts[1]
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		return input + "." + b64.EncodeToString(mac.Sum(nil))
	}
	vector4 := hs(`{"typ":"JWT","alg":"HS256"}`, public)
	require.True(t, strings.HasSuffix(vector4, ".N_6gryl9JroV9GliTeBCBxn9uoeMdlpBA6GS2bs4OVM"))
	under := func(header string) string { // rightly signed, with another header
		input := b64.EncodeToString([]byte(header)) + "." + parts[1]
		return input + "." + b64.EncodeToString(rs256(t, input))
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	foreign, err := rsa.SignPKCS1v15(rand.Reader, other, crypto.SHA256, digest[:])
	require.NoError(t, err)
	jwk := fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":"%s"}`, b64.EncodeToString(other.N.Bytes()))
	own := b64.EncodeToString([]byte(`{"alg":"RS256","jwk":`+jwk+`}`)) + "." + parts[1]
	ownDigest := sha256.Sum256([]byte(own))
	ownSignature, err := rsa.SignPKCS1v15(rand.Reader, other, crypto.SHA256, ownDigest[:])
	require.NoError(t, err)
	sig, err := b64.DecodeString(parts[2])
	require.NoError(t, err)
	pss, err := rsa.SignPSS(rand.Reader, privateKey(t), crypto.SHA256, digest[:], nil)
	require.NoError(t, err)

	for name, token := range map[string]string{
		"vector 3: another sum":         parts[0] + "." + b64.EncodeToString([]byte(strings.Replace(payload, "1490.50", "1.50", 1))) + "." + parts[2],
		"vector 4: HS256 by the PEM":    vector4,
		"HS256 by the DER":              hs(`{"typ":"JWT","alg":"HS256"}`, der),
		"HS256 by the JWK":              hs(`{"typ":"JWT","alg":"HS256"}`, []byte(fixture(t, "test_only_jwk.json"))),
		"RS256 in words, HMAC in deed":  hs(`{"typ":"JWT","alg":"RS256"}`, public),
		"a header of kilobytes":         under(`{"alg":"RS256","x":"` + strings.Repeat("x", 4<<10) + `"}`),
		"none":                          b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"none with a signature":         under(`{"alg":"none"}`),
		"None":                          under(`{"alg":"None"}`),
		"rs256":                         under(`{"alg":"rs256"}`),
		"RS512":                         under(`{"alg":"RS512"}`),
		"PS256":                         under(`{"alg":"PS256"}`),
		"no algorithm":                  under(`{"typ":"JWT"}`),
		"two algorithms":                under(`{"alg":["RS256"]}`),
		"crit":                          under(`{"alg":"RS256","crit":["exp"]}`),
		"header that is no object":      under(`"RS256"`),
		"header null":                   under(`null`),
		"PSS":                           parts[0] + "." + parts[1] + "." + b64.EncodeToString(pss),
		"another key":                   parts[0] + "." + parts[1] + "." + b64.EncodeToString(foreign),
		"a key of its own":              own + "." + b64.EncodeToString(ownSignature),
		"no signature":                  parts[0] + "." + parts[1] + ".",
		"two parts":                     parts[0] + "." + parts[1],
		"four parts":                    good + ".x",
		"five parts":                    good + ".x.y",
		"empty":                         "",
		"white space":                   " \n",
		"points":                        "..",
		"a bit changed":                 parts[0] + "." + parts[1] + "." + b64.EncodeToString(append([]byte{sig[0] ^ 1}, sig[1:]...)),
		"cut signature":                 parts[0] + "." + parts[1] + "." + b64.EncodeToString(sig[1:]),
		"longer signature":              parts[0] + "." + parts[1] + "." + b64.EncodeToString(append([]byte{0}, sig...)),
		"padding":                       good + "==",
		"in quotes":                     `"` + good + `"`,
		"a line break within":           good[:40] + "\n" + good[40:],
		"a line break in the signature": good[:len(good)-10] + "\r\n" + good[len(good)-10:],
		"standard base64":               strings.ReplaceAll(strings.ReplaceAll(good, "-", "+"), "_", "/"),
		"doubled":                       good + good,
		"trailing bits":                 good[:len(good)-1] + string(good[len(good)-1]+1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifier(t).Notice([]byte(token))
			require.ErrorIs(t, err, acquiring.ErrSignature)
			e := asError(t, err)
			assert.Equal(t, "callback", e.Op)
			assert.Equal(t, acquiring.OutcomeRejected, e.Outcome)
		})
	}
	_, err = verifier(t).Verify([]byte("\n" + good + "\r\n"))
	require.NoError(t, err, "white space around is harmless")
	_, err = verifier(t).Verify([]byte(under(`{"alg":"RS256","kid":"x","x5u":"https://evil.example/","jwk":` + jwk + `}`)))
	require.NoError(t, err, "a key in the header is passed over")
	bank, err := NewVerifier(BankKey)
	require.NoError(t, err)
	_, err = bank.Verify([]byte(good))
	require.ErrorIs(t, err, acquiring.ErrSignature)
}

func TestSignedPayloads(t *testing.T) {
	v := verifier(t)
	at := time.Date(2026, 10, 2, 0, 0, 0, 0, time.UTC)
	v.now = func() time.Time { return at }
	for name, tt := range map[string]struct {
		payload string
		ok      bool
	}{
		"a sum that is a number": {`{"webhookType":"acquiringInternetPayment","customerCode":"1","operationId":"x","status":"APPROVED","amount":40.0}`, true},
		"a new member":           {`{"webhookType":"acquiringInternetPayment","customerCode":"1","operationId":"x","status":"APPROVED","amount":"1","new":{"a":[1]}}`, true},
		"a type never heard of":  {`{"webhookType":"customWebhook","amount":{"odd":1}}`, true},
		"no type":                {`{"customerCode":"1"}`, false},
		"a type that is no text": {`{"webhookType":1}`, false},
		"no object":              {`["webhookType"]`, false},
		"nothing":                {`null`, false},
		"not JSON":               {`webhookType`, false},
		"cut":                    {`{"webhookType":"incomingPayment"`, false},
		"two documents":          {`{"webhookType":"incomingPayment"}{}`, false},
		"a name twice":           {`{"webhookType":"acquiringInternetPayment","customerCode":"1","operationId":"x","status":"APPROVED","amount":"1","amount":"2"}`, false},
		"a name twice, by case":  {`{"webhookType":"acquiringInternetPayment","customerCode":"1","operationId":"x","status":"APPROVED","amount":"1","Amount":"2"}`, false},
		"no operation":           {`{"webhookType":"acquiringInternetPayment","customerCode":"1","status":"APPROVED","amount":"1"}`, false},
		"no status":              {`{"webhookType":"acquiringInternetPayment","customerCode":"1","operationId":"x","amount":"1"}`, false},
		"no sum":                 {`{"webhookType":"acquiringInternetPayment","customerCode":"1","operationId":"x","status":"APPROVED"}`, false},
		"no company":             {`{"webhookType":"acquiringInternetPayment","operationId":"x","status":"APPROVED","amount":"1"}`, false},
		"a thousandth":           {`{"webhookType":"acquiringInternetPayment","customerCode":"1","operationId":"x","status":"APPROVED","amount":"0.001"}`, false},
		"an exponent":            {`{"webhookType":"acquiringInternetPayment","customerCode":"1","operationId":"x","status":"APPROVED","amount":1e3}`, false},
		"over":                   {`{"webhookType":"incomingPayment","exp":` + fmt.Sprint(at.Add(-2*time.Minute).Unix()) + `}`, false},
		"just over":              {`{"webhookType":"incomingPayment","exp":` + fmt.Sprint(at.Add(-time.Second).Unix()) + `}`, true},
		"not yet":                {`{"webhookType":"incomingPayment","nbf":` + fmt.Sprint(at.Add(2*time.Minute).Unix()) + `}`, false},
		"just before":            {`{"webhookType":"incomingPayment","nbf":` + fmt.Sprint(at.Add(time.Second).Unix()) + `}`, true},
	} {
		n, err := v.Notice([]byte(signed(t, tt.payload)))
		if !tt.ok {
			require.ErrorIs(t, err, acquiring.ErrSignature, name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, tt.payload, string(n.Raw))
	}
}

func TestCallbackOfAPayment(t *testing.T) {
	b := newBank(t).on(read, operation("APPROVED", "1490.5", movement("71530001", "approval", "1490.5", "2026-10-02T09:24:07+03:00")))
	cb, err := hooked(t, b).VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackPayment, cb.Kind)
	assert.Equal(t, acquiring.PaymentID(opID), cb.PaymentID)
	assert.Equal(t, "crm-10045", cb.OrderID)
	assert.Equal(t, acquiring.StatusPaid, cb.Status)
	assert.Equal(t, money.RUB(1490, 50), cb.Amount)
	assert.True(t, cb.Signed)
	assert.Equal(t, "school:"+opID+":paid", cb.Key)
	assert.Equal(t, fixture(t, "vector1.jwt"), string(cb.Raw))
	assert.Equal(t, acquiring.Reply{}, cb.Reply, "200, which is all that the bank reads")
	// By SBP nothing needs to be read back.
	cb, err = hooked(t, newBank(t)).VerifyCallback(t.Context(), notification(fixture(t, "vector2.jwt")))
	require.NoError(t, err)
	assert.Equal(t, "crm-10046", cb.OrderID)
	cb, err = hooked(t, newBank(t), func(c *Config) { c.OneOffOnly, c.Shop = true, "" }).VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
	require.NoError(t, err)
	assert.Equal(t, "tochka:"+opID+":paid", cb.Key)
}

// Every charge of a subscription is announced in the same words: a key of
// operation and status would swallow the second month.
func TestCallbackOfACharge(t *testing.T) {
	first := movement("71530001", "approval", "1490.5", "2026-10-02T09:24:07+03:00")
	second := movement("71530002", "approval", "1490.5", "2026-11-02T09:24:07+03:00")
	third := movement("71530003", "approval", "1490.5", "2026-12-02T09:24:07+03:00")
	keys := map[string]bool{}
	var last *acquiring.Callback
	for _, orders := range [][]string{{first}, {second, first}, {first, third, second}} {
		b := newBank(t).on(read, operation("APPROVED", "1490.5", orders...))
		c := hooked(t, b)
		cb, err := c.VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
		require.NoError(t, err)
		keys[cb.Key], last = true, cb
		p, err := c.GetStatus(t.Context(), cb.PaymentID)
		require.NoError(t, err)
		assert.Equal(t, cb.PaymentID, p.ID)
		assert.Equal(t, cb.OrderID, p.OrderID)
		assert.Equal(t, money.RUB(1490, 50), p.Captured)
	}
	assert.Len(t, keys, 3)
	assert.Equal(t, acquiring.PaymentID(opID+":71530003"), last.PaymentID)

	b := newBank(t).answer(read, answer{status: 500})
	_, err := hooked(t, b).VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
	assert.True(t, acquiring.Temporary(err), "the bank must send it again: %v", err)
}

func TestCallbacksThatAreNoneOfOurs(t *testing.T) {
	b := newBank(t)
	c := hooked(t, b)
	for name, payload := range map[string]string{
		"the bank's sample":        strings.Replace(fixture(t, "vector1.json"), company, "300123123", 1),
		"another retail point":     strings.Replace(fixture(t, "vector1.json"), merchant, "200000000004399", 1),
		"money on the account":     `{"webhookType":"incomingPayment","customerCode":"300777001","SidePayer":{"amount":"40.0"},"paymentId":"p"}`,
		"a type never heard of":    `{"webhookType":"customWebhook","customerCode":"300777001"}`,
		"a static code":            `{"webhookType":"incomingSbpPayment","customerCode":"300777001","operationId":"A62801122334455667788","qrcId":"AS10001111222233334444555566667777","amount":"250.00"}`,
		"a company pays a company": `{"webhookType":"incomingSbpB2BPayment","customerCode":"300777001","qrcId":"AS10001111222233334444555566667777","amount":"250.00"}`,
	} {
		cb, err := c.VerifyCallback(t.Context(), notification(signed(t, payload)))
		require.NoError(t, err, name)
		assert.Equal(t, acquiring.CallbackOther, cb.Kind, name)
		assert.True(t, cb.Signed)
		assert.True(t, strings.HasPrefix(cb.Key, "school:other:"))
		assert.Empty(t, cb.PaymentID, name)
	}
	assert.Empty(t, b.all(), "nothing is read back: the sample's operation is not there")
	nobody := b.client(func(c *Config) { c.WebhookKey, c.CustomerCode = fixture(t, "test_only_jwk.json"), "" })
	cb, err := nobody.VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackOther, cb.Kind)
}

func TestSamplesOfTheRegistrationAreAnswered200(t *testing.T) {
	c := hooked(t, newBank(t))
	ran := false
	h := webhook.Handler(c, func(_ context.Context, _ webhook.Event) error { ran = true; return nil }, webhook.Logger(slog.New(slog.DiscardHandler)))
	for _, payload := range []string{strings.Replace(fixture(t, "vector1.json"), company, "300123123", 1), `{"webhookType":"incomingPayment","customerCode":"300123123"}`} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, notification(signed(t, payload)))
		assert.Equal(t, http.StatusOK, w.Code)
	}
	assert.False(t, ran)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, notification(fixture(t, "vector1.jwt")+"x"))
	assert.Equal(t, http.StatusForbidden, w.Code)
}

func TestCallbackOfAQRCode(t *testing.T) {
	payload := `{"webhookType":"incomingSbpPayment","customerCode":"300777001","operationId":"A6280112233445566778899AABBCCDDE","qrcId":"` + qrID + `","amount":"1490.50","merchantId":"MF0000000001"}`
	c := hooked(t, newBank(t))
	cb, err := c.VerifyCallback(t.Context(), notification(signed(t, payload)))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackPayment, cb.Kind)
	assert.Equal(t, acquiring.PaymentID(qrID), cb.PaymentID)
	assert.Equal(t, acquiring.StatusPaid, cb.Status)
	assert.Equal(t, money.RUB(1490, 50), cb.Amount)
	c = hooked(t, newBank(t), func(c *Config) { c.SBPMerchantID = "MF0000000002" })
	cb, err = c.VerifyCallback(t.Context(), notification(signed(t, payload)))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackOther, cb.Kind)
}

func TestCallbackBodyHasALimit(t *testing.T) {
	_, err := hooked(t, newBank(t)).VerifyCallback(t.Context(), notification(strings.Repeat("a", webhook.MaxBody+1)))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	assert.Contains(t, err.Error(), "larger than")
}

func TestWebhookKeyIsRenewedWhenAllowed(t *testing.T) {
	const published = "GET /doc/openapi/static/keys/public"
	b := newBank(t).on(published, fixture(t, "test_only_jwk.json"))
	plain := b.client() // the bank's own key is built in
	_, err := plain.VerifyCallback(t.Context(), notification(fixture(t, "vector2.jwt")))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	assert.Empty(t, b.all())

	test := func(c *Config) { c.Environment, c.RefreshWebhookKey, c.BaseURL = acquiring.Test, true, b.URL+"/uapi" }
	c := b.client(test)
	_, err = c.VerifyCallback(t.Context(), notification("rubbish"))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	assert.Empty(t, b.all(), "rubbish is no reason to ask")
	cb, err := c.VerifyCallback(t.Context(), notification(fixture(t, "vector2.jwt")))
	require.NoError(t, err)
	assert.Equal(t, "crm-10046", cb.OrderID)
	for range 3 {
		_, err = c.VerifyCallback(t.Context(), notification(fixture(t, "vector2.jwt")[:900]+"AAAA"))
		require.Error(t, err)
	}
	assert.Len(t, b.calls(published), 1)

	bad := newBank(t).on(published, `{"kty":"oct","k":"AAAA"}`)
	c = bad.client(func(c *Config) { c.Environment, c.RefreshWebhookKey, c.BaseURL = acquiring.Test, true, bad.URL+"/uapi" })
	_, err = c.VerifyCallback(t.Context(), notification(fixture(t, "vector2.jwt")))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	require.ErrorIs(t, c.FetchWebhookKey(t.Context()), acquiring.ErrProtocol)
	_, err = New(b.conf(func(c *Config) { c.RefreshWebhookKey = true }))
	assert.Equal(t, "Config.RefreshWebhookKey", asError(t, err).Field, "never without TLS in production")
}

func TestKeysThatAreNone(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	for name, key := range map[string]string{
		"empty": "", "rubbish": "rubbish", "symmetric": `{"kty":"oct","k":"AAAA"}`, "cut": BankKey[:100], "elliptic": `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`,
		"weak": fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":"%s"}`, b64.EncodeToString(weak.N.Bytes())), "private": fixture(t, "test_only_private.pem"),
	} {
		_, err := NewVerifier(key)
		require.Error(t, err, name)
	}
	der, err := x509.MarshalPKIXPublicKey(&privateKey(t).PublicKey)
	require.NoError(t, err)
	v, err := NewVerifier(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	require.NoError(t, err)
	_, err = v.Verify([]byte(fixture(t, "vector1.jwt")))
	require.NoError(t, err)
}

// The built-in key is the one that the bank publishes.
func TestBankKeyIsTheBanks(t *testing.T) {
	keys, err := parseKeys(BankKey)
	require.NoError(t, err)
	assert.Equal(t, 3072, keys[0].N.BitLen())
	der, err := x509.MarshalPKIXPublicKey(keys[0])
	require.NoError(t, err)
	sum := sha256.Sum256(der)
	assert.Equal(t, "4f14505e6ee504674d34414978a95958d5a7b00292cb1722fa569b145ec91c34", hex.EncodeToString(sum[:]))
	thumb := sha256.Sum256([]byte(`{"e":"AQAB","kty":"RSA","n":"` + b64.EncodeToString(keys[0].N.Bytes()) + `"}`))
	assert.Equal(t, "1Crq147Sm-xOKc75yDu1FG2tWcg06SzjO09uNwP49NY", b64.EncodeToString(thumb[:]))
}

func FuzzNotice(f *testing.F) {
	for _, n := range []string{"vector1.jwt", "vector2.jwt"} {
		f.Add([]byte(fixture(f, n)), []byte(fixture(f, strings.Replace(n, "jwt", "json", 1))))
	}
	f.Add([]byte("a.b.c"), []byte(`{"webhookType":"x","webhookType":"y"}`))
	f.Add([]byte(""), []byte(`{"webhookType":"acquiringInternetPayment","amount":1e9}`))
	f.Add([]byte("x"), []byte(" {\"webhookType\" : \"incomingPayment\", \"a\":[{\"}\":\"\\\"]\"}], \"\\u0061b\":-1.5e3,\"SidePayer\":{\"amount\":\"40.0\"}}\n"))
	v := verifier(f)
	f.Fuzz(func(t *testing.T, token, payload []byte) {
		if n, err := v.Notice(token); err == nil {
			// Only the holder of the key makes such.
			trimmed := string(bytes.TrimSpace(token))
			if trimmed != fixture(t, "vector1.jwt") && trimmed != fixture(t, "vector2.jwt") {
				t.Fatalf("%q is believed: %+v", token, n)
			}
		}
		n, err := v.read(payload)
		if err == nil && n.Type.Known() {
			// The standard reader must see the same.
			var other Notice
			if json.Unmarshal(payload, &other) != nil {
				t.Fatalf("%q is read, but it is not what it says", payload)
			}
			if other.Raw = n.Raw; !reflect.DeepEqual(other, *n) && !folded(payload) {
				t.Fatalf("%q is read as %+v, otherwise as %+v", payload, *n, other)
			}
		}
		if err == nil && (n.Type == "" || !json.Valid(payload)) {
			t.Fatalf("%q is read as %+v", payload, n)
		}
		if err == nil && n.Type == WebhookAcquiring && (n.Amount <= 0 || n.OperationID == "" || n.CustomerCode == "") {
			t.Fatalf("%q lacks what it must have: %+v", payload, n)
		}
	})
}

// folded says whether a name is spelled in another case than the bank does: the
// standard reader takes it, we do not.
func folded(payload []byte) bool {
	var all map[string]json.RawMessage
	if json.Unmarshal(payload, &all) != nil {
		return true
	}
	known := reflect.TypeFor[Notice]()
	for name := range all {
		for i := range known.NumField() {
			tag := known.Field(i).Tag.Get("json")
			if tag != name && strings.EqualFold(tag, name) {
				return true
			}
		}
	}
	return false
}

func TestVerifyAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	v, token := verifier(t), []byte(fixture(t, "vector1.jwt"))
	key := (*v.keys.Load())[0]
	digest := sha256.Sum256(token[:bytes.LastIndexByte(token, '.')])
	sig, err := b64.DecodeString(string(token[bytes.LastIndexByte(token, '.')+1:]))
	require.NoError(t, err)
	bare := testing.AllocsPerRun(200, func() { _ = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig) })
	ours := testing.AllocsPerRun(200, func() {
		if _, err := v.Verify(token); err != nil {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, ours, bare+3, "the payload, and little else")
	read := testing.AllocsPerRun(200, func() {
		if n, err := v.Notice(token); err != nil || n.Type != WebhookAcquiring {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, read, bare+36, "and the notice's texts")
}

// bankSized is a verifier and a token as the bank makes them: a key of 3072
// bits and the payload of vector 1.
func bankSized(b *testing.B) (*Verifier, []byte) {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	require.NoError(b, err)
	v, err := NewVerifier(fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":"%s"}`, b64.EncodeToString(key.N.Bytes())))
	require.NoError(b, err)
	input := webhookHeader + "." + b64.EncodeToString([]byte(fixture(b, "vector1.json")))
	digest := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	require.NoError(b, err)
	return v, []byte(input + "." + b64.EncodeToString(sig))
}

func BenchmarkVerify(b *testing.B) {
	v, token := bankSized(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyBare is the RSA signature of the same bytes and nothing else.
func BenchmarkVerifyBare(b *testing.B) {
	v, token := bankSized(b)
	key := (*v.keys.Load())[0]
	last := bytes.LastIndexByte(token, '.')
	sig, err := b64.DecodeString(string(token[last+1:]))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		digest := sha256.Sum256(token[:last])
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig) != nil {
			b.Fatal("refused")
		}
	}
}

// BenchmarkNotice is the whole: checked and read.
func BenchmarkNotice(b *testing.B) {
	v, token := bankSized(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Notice(token); err != nil {
			b.Fatal(err)
		}
	}
}
