package bench

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/rbs"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/webhook"
)

var ctx = context.Background()

// request is a notification that can be read again and again.
type request struct {
	*bytes.Reader
	*http.Request
}

func post(body []byte, contentType string, header ...string) *request {
	p := &request{bytes.NewReader(body), httptest.NewRequest(http.MethodPost, "/hooks", nil)}
	p.Request.Body, p.Request.ContentLength = io.NopCloser(p.Reader), int64(len(body))
	p.Request.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		p.Request.Header.Set(header[i], header[i+1])
	}
	return p
}

func (p *request) again() *http.Request {
	_, _ = p.Reader.Seek(0, io.SeekStart)
	return p.Request
}

const formType = "application/x-www-form-urlencoded"

// bankForm is a notification of a gateway of the RBS family: eleven parameters.
const bankForm = "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=%D0%A1%D1%87%D1%91%D1%82-42%2F%D0%90&operation=deposited&status=1&amount=154990&approvedAmount=154990&depositedAmount=154990&refundedAmount=0&currency=643&callbackCreationDate=Tue+Mar+03+09%3A15%3A07+UTC+2026&clientId=u-88"

// BenchmarkForm is W3: the form of a gateway of the RBS family.
func BenchmarkForm(b *testing.B) {
	params, err := webhook.ParseForm(nil, bankForm)
	must(b, err)
	canonical := rbs.Canonical(params)
	want := sum(string(canonical))
	form := bankForm + "&checksum=" + strings.ToUpper(hex.EncodeToString(want))
	forged := strings.Replace(form, "status=1", "status=0", 1)
	v, err := rbs.NewVerifier(rbs.VerifierOptions{Provider: "bank", Key: string(key)})
	must(b, err)
	b.Run("RBS form, check/bare", func(b *testing.B) { bareSum(b, canonical, want) })
	b.Run("RBS form, check/ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if n, err := v.ReadForm(form); err != nil || !n.Signed {
				b.Fatal(err)
			}
		}
	})
	b.Run("RBS form, check/url.ParseQuery and fmt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !naive(form) {
				b.Fatal("refused")
			}
		}
	})
	other := bytes.Replace(canonical, []byte("status;1"), []byte("status;0"), 1)
	refused(b, "RBS form, changed", wrongChecksum, func() bool { return hmacFits(other, want) }, func() error { _, err := v.ReadForm(forged); return err })
	sber, err := sberbank.New(sberbank.Config{Environment: acquiring.Test, UserName: "u", Password: "p", CallbackKey: string(key)})
	must(b, err)
	alfa, err := alfabank.New(alfabank.Config{Environment: acquiring.Test, UserName: "u", Password: "p", CallbackKey: string(key)})
	must(b, err)
	decode(b, "Sberbank form to Callback", sber, post([]byte(form), formType), canonical, want)
	decodeChanged(b, "Sberbank form to Callback", sber, post([]byte(forged), formType), other, want)
	decode(b, "Alfa-Bank form to Callback", alfa, post([]byte(form), formType), canonical, want)
	decodeChanged(b, "Alfa-Bank form to Callback", alfa, post([]byte(forged), formType), other, want)
	sberJSON(b, sber)
}

// sberJSON is the notification as a JSON object of about 512 bytes.
func sberJSON(b *testing.B, sber acquiring.Acquirer) {
	params := webhook.Params{{Name: "mdOrder", Value: "7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1"}, {Name: "orderNumber", Value: "Счёт-42/А"},
		{Name: "operation", Value: "deposited"}, {Name: "status", Value: "1"}, {Name: "amount", Value: "154990"}, {Name: "approvedAmount", Value: "154990"},
		{Name: "depositedAmount", Value: "154990"}, {Name: "currency", Value: "643"}, {Name: "clientId", Value: "u-88"},
		{Name: "callbackCreationDate", Value: "Tue Mar 03 09:15:07 UTC 2026"}, {Name: "paymentWay", Value: "CARD"}, {Name: "description", Value: strings.Repeat("x", 64)}}
	canonical := rbs.Canonical(params)
	want := sum(string(canonical))
	var body strings.Builder
	for _, p := range append(params, webhook.Param{Name: "checksum", Value: strings.ToUpper(hex.EncodeToString(want))}) {
		text, err := json.Marshal(p.Value)
		must(b, err)
		fmt.Fprintf(&body, ",%q:%s", p.Name, text)
	}
	document := "{" + body.String()[1:] + "}"
	decode(b, "Sberbank JSON to Callback", sber, post([]byte(document), "application/json"), canonical, want)
	forged := strings.Replace(document, `"status":"1"`, `"status":"0"`, 1)
	other := bytes.Replace(canonical, []byte("status;1"), []byte("status;0"), 1)
	decodeChanged(b, "Sberbank JSON to Callback", sber, post([]byte(forged), "application/json"), other, want)
}

// naive is what one writes first.
func naive(form string) bool {
	values, err := url.ParseQuery(form)
	if err != nil {
		return false
	}
	var names []string
	for name := range values {
		if name != "checksum" && name != "sign_alias" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	text := ""
	for _, name := range names {
		text += fmt.Sprintf("%s;%s;", name, values.Get(name))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hmac.Equal([]byte(strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))), []byte(values.Get("checksum")))
}

// decode is W2: from the request to the payment's news, beside the raw HMAC.
func decode(b *testing.B, work string, c acquiring.Acquirer, r *request, canonical, want []byte) {
	b.Run(work+"/bare", func(b *testing.B) { bareSum(b, canonical, want) })
	b.Run(work+"/ours", func(b *testing.B) { oursDecode(b, c, r) })
}

func oursDecode(b *testing.B, c acquiring.Acquirer, r *request) {
	b.ReportAllocs()
	for b.Loop() {
		if cb, err := c.VerifyCallback(ctx, r.again()); err != nil || !cb.Signed {
			b.Fatal(err)
		}
	}
}

// BenchmarkPayMaster is the classic notification under each kind of signature.
func BenchmarkPayMaster(b *testing.B) {
	const merchant, secret = "7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11", "Kj3-long-secret-key-of-a-shop"
	fields := [][2]string{{"LMI_MERCHANT_ID", merchant}, {"LMI_PAYMENT_SYSTEM", "93"}, {"LMI_CURRENCY", "RUB"}, {"LMI_PAYMENT_AMOUNT", "1499.90"},
		{"LMI_PAYMENT_NO", "ORD-2024-0042"}, {"LMI_SYS_PAYMENT_DATE", "2024-05-14T09:30:15"}, {"LMI_SYS_PAYMENT_ID", "512345678"}, {"LMI_PAID_AMOUNT", "1499.90"},
		{"LMI_PAID_CURRENCY", "RUB"}, {"LMI_PAYER_IDENTIFIER", "2XXXXXXXXXXX0053"}, {"LMI_PAYMENT_METHOD", "BankCard"}}
	canonical := []byte(merchant + ";ORD-2024-0042;512345678;2024-05-14T09:30:15;1499.90;RUB;1499.90;RUB;93;;" + secret)
	for _, h := range []struct {
		kind paymaster.Hash
		new  func() hash.Hash
	}{{paymaster.MD5, md5.New}, {paymaster.SHA1, sha1.New}, {paymaster.SHA256, sha256.New}} {
		digest := h.new()
		digest.Write(canonical)
		want := base64.StdEncoding.EncodeToString(digest.Sum(nil))
		var form strings.Builder
		for _, f := range fields {
			form.WriteString(f[0] + "=" + url.QueryEscape(f[1]) + "&")
		}
		form.WriteString("LMI_HASH=" + url.QueryEscape(want))
		c, err := paymaster.NewClassic(paymaster.ClassicConfig{Environment: acquiring.Production, MerchantID: merchant, SecretKey: secret, Hash: h.kind})
		must(b, err)
		work := "PayMaster " + h.kind.String() + " to Callback and Payment"
		b.Run(work+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				digest := h.new()
				digest.Write(canonical)
				if subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(digest.Sum(nil))), []byte(want)) != 1 {
					b.Fatal("refused")
				}
			}
		})
		r := post([]byte(form.String()), formType)
		b.Run(work+"/ours", func(b *testing.B) { oursDecode(b, c, r) })
		forged := post([]byte(strings.Replace(form.String(), "ORD-2024-0042", "ORD-2024-0043", 1)), formType)
		other := bytes.Replace(canonical, []byte("ORD-2024-0042"), []byte("ORD-2024-0043"), 1)
		refused(b, work+", changed", "LMI_HASH does not fit", func() bool {
			digest := h.new()
			digest.Write(other)
			return subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(digest.Sum(nil))), []byte(want)) == 1
		}, func() error { _, err := c.VerifyCallback(ctx, forged.again()); return err })
	}
}

// BenchmarkPayKeeper is the form with its two MD5.
func BenchmarkPayKeeper(b *testing.B) {
	const secret = "shop-secret-word"
	sign := func(text string) string { d := md5.Sum([]byte(text + secret)); return hex.EncodeToString(d[:]) }
	canonical, answered := "47111499.90Иванов ИванORD-17", "4711"
	want := sign(canonical)
	form := []byte(url.Values{"id": {"4711"}, "sum": {"1499.90"}, "clientid": {"Иванов Иван"}, "orderid": {"ORD-17"}, "key": {want},
		"service_name": {"Чай"}, "client_email": {"buyer@lavka.example"}, "client_phone": {"+79990000000"}, "ps_id": {"94"}, "obtain_datetime": {"2026-11-21 10:19:02"}}.Encode())
	c, err := paykeeper.New(paykeeper.Config{Environment: acquiring.Test, Server: "https://lavka.server.paykeeper.ru", User: "admin", Password: "p", Secret: secret})
	must(b, err)
	b.Run("PayKeeper form, check and answer/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if subtle.ConstantTimeCompare([]byte(sign(canonical)), []byte(want)) != 1 || sign(answered) == "" {
				b.Fatal("refused")
			}
		}
	})
	b.Run("PayKeeper form, check and answer/ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.ParseNotification(form); err != nil {
				b.Fatal(err)
			}
		}
	})
	forged := bytes.Replace(form, []byte("ORD-17"), []byte("ORD-18"), 1)
	other := strings.Replace(canonical, "ORD-17", "ORD-18", 1)
	refused(b, "PayKeeper form, check and answer, changed", "the signature is not that of the secret word",
		func() bool { return subtle.ConstantTimeCompare([]byte(sign(other)), []byte(want)) == 1 },
		func() error { _, err := c.ParseNotification(forged); return err })
}

// BenchmarkKomtet is the notification of a printed receipt: HMAC-MD5 of the
// method, the address and the JSON.
func BenchmarkKomtet(b *testing.B) {
	const at, secret = "https://shop.example/komtet", "komtet-secret"
	body := []byte(`{"id":9001,"external_id":"T-1001","state":"done","error_description":null,"fiscal_data":{"i":"1843","fn":"9999078900005430","t":"20261121T101900","n":"1","fp":"3449555941","s":"1499.90"}}`)
	c, err := komtet.New(komtet.Config{Environment: acquiring.Test, ShopID: "17", Secret: secret, QueueID: 4, CallbackURL: at})
	must(b, err)
	code := func(body []byte) string {
		mac := hmac.New(md5.New, []byte(secret))
		mac.Write([]byte("POST" + at))
		mac.Write(body)
		return hex.EncodeToString(mac.Sum(nil))
	}
	want := code(body)
	b.Run("Komtet JSON, check and decode/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if subtle.ConstantTimeCompare([]byte(code(body)), []byte(want)) != 1 {
				b.Fatal("refused")
			}
		}
	})
	r := post(body, "application/json", komtet.SignatureHeader, want)
	b.Run("Komtet JSON, check and decode/ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.ParseCallback(r.again()); err != nil {
				b.Fatal(err)
			}
		}
	})
	other := bytes.Replace(body, []byte("1499.90"), []byte("1499.91"), 1)
	forged := post(other, "application/json", komtet.SignatureHeader, want)
	refused(b, "Komtet JSON, check and decode, changed", "the signature is not the service's",
		func() bool { return subtle.ConstantTimeCompare([]byte(code(other)), []byte(want)) == 1 },
		func() error { _, err := c.ParseCallback(forged.again()); return err })
}

// BenchmarkTochka is W1 and W2 with RS256: a JWT signed with 3072 bits, as the
// bank's key has.
func BenchmarkTochka(b *testing.B) {
	private, err := rsa.GenerateKey(rand.Reader, 3072)
	must(b, err)
	b64 := base64.RawURLEncoding
	v, err := tochka.NewVerifier(fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":"%s"}`, b64.EncodeToString(private.N.Bytes())))
	must(b, err)
	text := b64.EncodeToString([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." + b64.EncodeToString([]byte(`{"operationId":"beeac8a4-6047-3f38-8922-a664e6b5c43b","amount":"0.33","purpose":"Оплата по QR-коду","webhookType":"acquiringInternetPayment","paymentType":"card","status":"APPROVED","customerCode":"300000092","merchantId":"200000000001056","transactionId":"48232c9a-ce82-1593-3cb6-5c85a1ffef8f","paymentLinkId":"crm-10045"}`))
	digest := sha256.Sum256([]byte(text))
	sign, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	must(b, err)
	token := []byte(text + "." + b64.EncodeToString(sign))
	forged := append([]byte(nil), token...)
	forged[len(text)-5] ^= 1
	fits := func(text []byte) bool {
		digest := sha256.Sum256(text)
		return rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA256, digest[:], sign) == nil
	}
	signed := []byte(text)
	bare := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !fits(signed) {
				b.Fatal("refused")
			}
		}
	}
	b.Run("RS256 JWT, check/bare", bare)
	b.Run("RS256 JWT, check/ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("RS256 JWT, check and decode/bare", bare)
	b.Run("RS256 JWT, check and decode/ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if n, err := v.Notice(token); err != nil || n == nil {
				b.Fatal(err)
			}
		}
	})
	const wrongKey = "not signed with the bank's key"
	forgedFits := func() bool { return fits(forged[:len(text)]) }
	refused(b, "RS256 JWT, changed", wrongKey, forgedFits, func() error { _, err := v.Verify(forged); return err })
	refused(b, "RS256 JWT, check and decode, changed", wrongKey, forgedFits, func() error { _, err := v.Notice(forged); return err })
}
