package rbs

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/webhook"
)

const (
	demoKey   = "crm-demo-callback-token-01"
	demoQuery = "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=CRM-2026-000417&operation=deposited&status=1&amount=154990&checksum=F490F3BD064D128BAF3807EC860EDF72313EAD9D3CC51C30DED9B5C6498D7201"
	richQuery = "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=%D0%A1%D1%87%D1%91%D1%82-42%2F%D0%90&operation=refunded&status=1&refundedAmount=50000&callbackCreationDate=Tue+Mar+03+09%3A15%3A07+UTC+2026&sign_alias=ignored-by-digest&checksum=50DBC927803168287118C41CDEBE3379A20808E1619E68AE418342FDF984332F"
	jsonBody  = `{"mdOrder":"7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1","orderNumber":"CRM-2026-000417","operation":"deposited","status":1,"checksum":"E90141FA97BE50D46FA9CCC01FB7F31B259A1FD7463C69D275206472079EA749"}`
)

func verifier(t testing.TB, opt VerifierOptions) *Verifier {
	t.Helper()
	opt.Provider = "bank"
	v, err := NewVerifier(opt)
	require.NoError(t, err)
	return v
}

func sign(key, query string) string {
	p, err := webhook.ParseForm(nil, query)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(Canonical(p))
	return query + "&checksum=" + strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

func TestPublishedVectors(t *testing.T) {
	v := verifier(t, VerifierOptions{Key: demoKey})
	n, err := v.ReadForm(demoQuery)
	require.NoError(t, err)
	assert.True(t, n.Signed)
	assert.Equal(t, acquiring.StatusPaid, n.Status())
	assert.Equal(t, "CRM-2026-000417", n.OrderNumber)
	assert.Equal(t, "154990", n.Get("amount"))
	assert.Equal(t, "amount;154990;mdOrder;7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1;operation;deposited;orderNumber;CRM-2026-000417;status;1;", string(Canonical(n.Params)))

	n, err = verifier(t, VerifierOptions{Key: "ключ+secret/42"}).ReadForm(richQuery)
	require.NoError(t, err)
	assert.Equal(t, "Счёт-42/А", n.OrderNumber)
	assert.Equal(t, acquiring.StatusPartiallyRefunded, n.Status())

	r := httptest.NewRequest(http.MethodPost, "/callback?shop=7", strings.NewReader(jsonBody))
	r.Header.Set("Content-Type", "application/json")
	n, err = v.Read(r)
	require.NoError(t, err)
	assert.True(t, n.OK && n.Signed)

	key, err := os.ReadFile(filepath.Join("testdata", "callback_key.pem"))
	require.NoError(t, err)
	checksum, err := os.ReadFile(filepath.Join("testdata", "callback_rsa.txt"))
	require.NoError(t, err)
	asymmetric := "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=CRM-2026-000417&operation=approved&status=1&approvedAmount=154990&sign_alias=SHA-256+with+RSA&checksum=" + strings.TrimSpace(string(checksum))
	va := verifier(t, VerifierOptions{PublicKey: string(key)})
	n, err = va.ReadForm(asymmetric)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusAuthorized, n.Status())
	for _, forged := range []string{
		strings.Replace(asymmetric, "154990", "154991", 1),
		asymmetric[:len(asymmetric)-2],
		asymmetric[:len(asymmetric)-2] + "zz",
		strings.Replace(asymmetric, "checksum=A8", "checksum=A9", 1),
	} {
		_, err = va.ReadForm(forged)
		assert.ErrorIs(t, err, acquiring.ErrSignature)
	}
}

// A body may spell its letters as escapes; the checksum is over what they stand for.
func TestEscapesOfABody(t *testing.T) {
	v := verifier(t, VerifierOptions{Key: demoKey})
	plain := sign(demoKey, "mdOrder=7c1f0a52&orderNumber=%D0%A1%D1%87%D1%91%D1%82-42%2F%D0%90&operation=deposited&status=1&clientId=%22u%22")
	_, checksum, _ := strings.Cut(plain, "&checksum=")
	for _, number := range []string{`"Счёт-42/А"`, `"\u0421\u0447\u0451\u0442-42\/\u0410"`, `"Сч\u0451т-42\/А"`} {
		n, err := v.Read(request(`{"mdOrder":"7c1f0a52","order\u004eumber":`+number+`,"operation":"deposited","status":1,"clientId":"\"u\"","checksum":"`+checksum+`"}`, "application/json", "/cb"))
		if assert.NoError(t, err, number) {
			assert.True(t, n.Signed)
			assert.Equal(t, "Счёт-42/А", n.OrderNumber)
			assert.Equal(t, `"u"`, n.Get("clientId"))
		}
	}
}

func TestReadTakesEveryTransport(t *testing.T) {
	v := verifier(t, VerifierOptions{Key: demoKey})
	for name, r := range map[string]*http.Request{
		"GET":               httptest.NewRequest(http.MethodGet, "/cb?"+demoQuery, nil),
		"form":              request(demoQuery, "application/x-www-form-urlencoded", "/cb?ignored=1"),
		"form, no type":     request(demoQuery, "", "/cb"),
		"json":              request(jsonBody, "application/json; charset=utf-8", "/cb"),
		"json, no type":     request(jsonBody, "", "/cb"),
		"json, with a mark": request("\xef\xbb\xbf"+jsonBody, "", "/cb"),
		"POST with a query": request("", "", "/cb?"+demoQuery),
		"lower-case digits": httptest.NewRequest(http.MethodGet, "/cb?"+strings.Replace(demoQuery, "F490F3BD064D128BAF3807EC860EDF72313EAD9D3CC51C30DED9B5C6498D7201", "f490f3bd064d128baf3807ec860edf72313ead9d3cc51c30ded9b5c6498d7201", 1), nil),
	} {
		n, err := v.Read(r)
		if assert.NoError(t, err, name) {
			assert.True(t, n.Signed, name)
			assert.Equal(t, "7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1", n.MdOrder, name)
			assert.NotEmpty(t, n.Text)
		}
	}
	_, err := v.Read(httptest.NewRequest(http.MethodPut, "/cb", strings.NewReader(demoQuery)))
	assert.ErrorIs(t, err, acquiring.ErrSignature)
}

func request(body, contentType, target string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func TestForgedCallbacksAreRefused(t *testing.T) {
	v := verifier(t, VerifierOptions{Key: demoKey})
	md := "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1"
	for name, query := range map[string]string{
		"amount changed":    strings.Replace(demoQuery, "154990", "1549900", 1),
		"checksum cut":      demoQuery[:len(demoQuery)-1],
		"no checksum":       strings.Split(demoQuery, "&checksum")[0],
		"empty checksum":    strings.Split(demoQuery, "&checksum")[0] + "&checksum=",
		"not hexadecimal":   strings.Split(demoQuery, "&checksum")[0] + "&checksum=asdqwerty1234567zxcvbnm",
		"doubled parameter": demoQuery + "&amount=1",
		"doubled checksum":  demoQuery + "&checksum=00",
		"extra parameter":   demoQuery + "&utm=1",
		"malformed escape":  demoQuery + "&x=%zz",
		"nothing":           "",
		"no status":         sign(demoKey, md+"&orderNumber=2003%3Bstatus%3B1&operation=approved"),
		"name with ;":       sign(demoKey, md+"&orderNumber=1&operation=approved&status=1&a%3Bb=1"),
		"identifier with ;": sign(demoKey, md+"&orderNumber=2003%3Bx&operation=approved&status=1"),
		"status 2":          sign(demoKey, md+"&orderNumber=1&operation=approved&status=2"),
		"status word":       sign(demoKey, md+"&orderNumber=1&operation=approved&status=true"),
		"operation no word": sign(demoKey, md+"&orderNumber=1&operation=deposited%3B&status=1"),
		"empty mdOrder":     sign(demoKey, "mdOrder=&orderNumber=1&operation=approved&status=1"),
		"empty orderNumber": sign(demoKey, md+"&orderNumber=&operation=approved&status=1"),
		"missing operation": sign(demoKey, md+"&orderNumber=1&status=1"),
		"two spellings":     sign(demoKey, md+"&mdorder=other&orderNumber=1&operation=approved&status=1"),
		"other key's":       sign("another", md+"&orderNumber=1&operation=approved&status=1"),
		"too large":         sign(demoKey, md+"&orderNumber=1&operation=approved&status=1&pad="+strings.Repeat("x", webhook.MaxBody)),
	} {
		n, err := v.ReadForm(query)
		assert.Nil(t, n, name)
		var e *acquiring.Error
		if assert.ErrorAs(t, err, &e, name) {
			assert.ErrorIs(t, err, acquiring.ErrSignature, name)
			assert.Equal(t, "bank", e.Provider, name)
			assert.NotContains(t, err.Error(), demoKey, name)
			assert.NotContains(t, strings.ToUpper(err.Error()), "F490F3BD", name)
			switch name { // what may be the bank's own, and a fault of the Config
			case "other key's", "extra parameter":
				assert.Contains(t, e.Hint, "compare the key with the cabinet's", name)
				assert.Contains(t, e.Hint, "Config.CallbackDrop", name)
			case "missing operation":
				assert.Contains(t, e.Message, "Config.CallbackOptional", name)
			}
		}
	}
	for name, body := range map[string]string{
		"twice":         strings.Replace(jsonBody, `"status":1`, `"status":1,"status":1`, 1),
		"cut":           jsonBody[:40],
		"list":          "[" + jsonBody + "]",
		"two documents": jsonBody + jsonBody,
		"not UTF-8":     strings.Replace(jsonBody, "CRM", "\xff", 1),
		"changed":       strings.Replace(jsonBody, "000417", "000418", 1),
		"nested":        strings.Replace(jsonBody, `"operation"`, `"additionalParams":{"a":1},"x":1,"operation"`, 1),
		"scalar":        "5",
	} {
		_, err := v.Read(request(body, "application/json", "/cb"))
		assert.ErrorIs(t, err, acquiring.ErrSignature, name)
	}
	// Where nothing is signed, it is not the checksum that refuses these.
	open := verifier(t, VerifierOptions{})
	_, err := open.Read(request(jsonBody, "application/json", "/cb"))
	require.NoError(t, err)
	for name, body := range map[string]string{
		"twice":           strings.Replace(jsonBody, `"status":1`, `"status":1,"status":0`, 1),
		"twice, escaped":  strings.Replace(jsonBody, `"status":1`, `"status":1,"st\u0061tus":0`, 1),
		"list":            "[" + jsonBody + "]",
		"two documents":   jsonBody + jsonBody,
		"too many":        strings.Replace(jsonBody, `"status":1`, `"status":1`+many(webhook.MaxParams), 1),
		"brackets, unmet": strings.Replace(jsonBody, `"status":1`, `"status":1,"x":`+strings.Repeat("[", 20_000), 1),
	} {
		_, err := open.Read(request(body, "application/json", "/cb"))
		assert.ErrorIs(t, err, acquiring.ErrSignature, name)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"p%d":1`, i)
	}
	return b.String()
}

// A body far too large is refused after the limit, not after its end.
func TestOversizedBody(t *testing.T) {
	v := verifier(t, VerifierOptions{})
	body := &counter{}
	r := httptest.NewRequest(http.MethodPost, "/cb", body)
	r.ContentLength = -1
	_, err := v.Read(r)
	assert.ErrorIs(t, err, acquiring.ErrSignature)
	assert.LessOrEqual(t, body.n, webhook.MaxBody+1)
}

type counter struct{ n int }

func (c *counter) Read(b []byte) (int, error) {
	if c.n > 10<<20 {
		return 0, errors.New("read on")
	}
	for i := range b {
		b[i] = 'a'
	}
	c.n += len(b)
	return len(b), nil
}

func TestUnsignedIsReadAndNotBelieved(t *testing.T) {
	v := verifier(t, VerifierOptions{})
	n, err := v.ReadForm(demoQuery)
	require.NoError(t, err)
	assert.False(t, n.Signed)
	assert.Equal(t, acquiring.CallbackPayment, n.Kind())
	_, err = v.ReadForm("mdOrder=1&orderNumber=2&operation=deposited&status=3")
	assert.ErrorIs(t, err, acquiring.ErrSignature, "the form is checked whether or not it is signed")
}

func TestRelaxations(t *testing.T) {
	v := verifier(t, VerifierOptions{Key: demoKey, Drop: []string{"shop"}, Optional: []string{ParamOrderNumber, ParamStatus}})
	n, err := v.ReadForm("shop=7&" + sign(demoKey, "mdOrder=a&operation=deposited"))
	require.NoError(t, err)
	assert.True(t, n.OK)
	assert.Equal(t, acquiring.StatusPaid, n.Status())
	_, err = v.ReadForm(sign(demoKey, "mdOrder=a&orderNumber=&operation=deposited"))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "there, but empty")
}

func TestOtherNews(t *testing.T) {
	v := verifier(t, VerifierOptions{})
	for body, want := range map[string]acquiring.CallbackKind{
		`{"bindingId":"1d2c","clientId":"u-88","operation":"bindingCreated"}`:                                       acquiring.CallbackOther,
		`{"orderId":"a","orderNumber":"1","receipts":[{"receiptStatus":3}]}`:                                        acquiring.CallbackOther,
		`{"mdOrder":"a","orderNumber":"S","operation":"subscriptionCreated","status":1,"additionalParams":{"q":1}}`: acquiring.CallbackOther,
		`{"mdOrder":"a","orderNumber":"S","operation":"somethingNew","status":1}`:                                   acquiring.CallbackPayment,
	} {
		n, err := v.Read(request(body, "application/json", "/"))
		if assert.NoError(t, err, body) {
			assert.Equal(t, want, n.Kind(), body)
		}
	}
	n, err := v.ReadForm("mdOrder=a&orderNumber=S&operation=somethingNew&status=1")
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusUnknown, n.Status(), "never paid")
}

func TestOperations(t *testing.T) {
	for _, tt := range []struct {
		operation string
		ok        bool
		want      acquiring.Status
	}{
		{OpCreated, true, acquiring.StatusPending},
		{OpApproved, true, acquiring.StatusAuthorized}, {OpApproved, false, acquiring.StatusDeclined},
		{OpDeposited, true, acquiring.StatusPaid}, {OpDeposited, false, acquiring.StatusDeclined},
		{OpReversed, true, acquiring.StatusVoided}, {OpReversed, false, acquiring.StatusUnknown},
		{OpRefunded, true, acquiring.StatusPartiallyRefunded}, {OpRefunded, false, acquiring.StatusUnknown},
		{OpDeclinedByTimeout, true, acquiring.StatusExpired}, {"declinedCardpresent", true, acquiring.StatusDeclined},
	} {
		n := Notice{MdOrder: "a", Operation: tt.operation, OK: tt.ok}
		assert.Equal(t, tt.want, n.Status(), tt.operation)
	}
}

func TestVerifierOptions(t *testing.T) {
	for field, opt := range map[string]VerifierOptions{
		"Config.CallbackKey":       {Key: "-----BEGIN PUBLIC KEY-----"},
		"Config.CallbackPublicKey": {PublicKey: "secret"},
		"Config.CallbackDrop":      {Drop: []string{"status"}},
		"Config.CallbackOptional":  {Optional: []string{"amount"}},
	} {
		_, err := NewVerifier(opt)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, field, e.Field)
	}
	_, err := NewVerifier(VerifierOptions{Key: "a", PublicKey: "b"})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = NewVerifier(VerifierOptions{Optional: []string{ParamMdOrder, ParamOrderNumber}})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	for _, text := range []string{"-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----",
		"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", "-----BEGIN RSA PUBLIC KEY-----\nAA==\n-----END RSA PUBLIC KEY-----"} {
		_, err = ParsePublicKey(text)
		assert.Error(t, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(demoQuery, "", false)
	f.Add(richQuery, "application/x-www-form-urlencoded", true)
	f.Add(jsonBody, "application/json", true)
	f.Add(`{"a":{"b":[1,2]},"status":"1"}`, "", true)
	f.Add("mdOrder=a&orderNumber=b&operation=deposited&status=1", "", false)
	signed, _ := NewVerifier(VerifierOptions{Key: demoKey})
	open, _ := NewVerifier(VerifierOptions{})
	f.Fuzz(func(t *testing.T, text, kind string, post bool) {
		checkSigned(t, signed, text)
		for _, v := range []*Verifier{signed, open} {
			r := &http.Request{Method: http.MethodGet, Header: http.Header{"Content-Type": {kind}}}
			var err error
			var n *Notice
			if post {
				r = request(text, kind, "/")
				n, err = v.Read(r)
			} else {
				n, err = v.ReadForm(text)
			}
			if err != nil {
				if !errors.Is(err, acquiring.ErrSignature) {
					t.Fatalf("%T %v", err, err)
				}
				continue
			}
			if v == signed && !n.Signed {
				t.Fatal("accepted without a signature")
			}
			if n.Status() == acquiring.StatusPaid && (n.Operation != OpDeposited || !n.OK) {
				t.Fatalf("paid by %q", n.Operation)
			}
		}
	})
}

// The budget: at most twice the raw HMAC of the canonical text, and at most 12
// allocations.
const benchParams = "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=%D0%A1%D1%87%D1%91%D1%82-42%2F%D0%90&operation=deposited&status=1&amount=154990&approvedAmount=154990&depositedAmount=154990&refundedAmount=0&currency=643&callbackCreationDate=Tue+Mar+03+09%3A15%3A07+UTC+2026&clientId=u-88"

func BenchmarkCallback(b *testing.B) {
	query := sign(demoKey, benchParams)
	p, _ := webhook.ParseForm(nil, query)
	canonical := Canonical(p)
	want, _ := p.Get("checksum")
	sum, _ := hex.DecodeString(want)
	b.Run("verify", func(b *testing.B) {
		v := verifier(b, VerifierOptions{Key: demoKey})
		b.ReportAllocs()
		for b.Loop() {
			if n, err := v.ReadForm(query); err != nil || !n.Signed {
				b.Fatal(err)
			}
		}
	})
	b.Run("forged", func(b *testing.B) {
		v := verifier(b, VerifierOptions{Key: "other"})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.ReadForm(query); err == nil {
				b.Fatal("accepted")
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mac := hmac.New(sha256.New, []byte(demoKey))
			mac.Write(canonical)
			if !hmac.Equal(mac.Sum(nil), sum) {
				b.Fatal("wrong")
			}
		}
	})
}

func TestCallbackAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	v := verifier(t, VerifierOptions{Key: demoKey})
	query := sign(demoKey, benchParams)
	read := func(v *Verifier, query string) float64 {
		return testing.AllocsPerRun(200, func() {
			if n, err := v.ReadForm(query); err != nil || !n.Signed {
				t.Fatal(err)
			}
		})
	}
	assert.LessOrEqual(t, read(v, query), 12.0)

	// An asymmetric checksum takes what crypto/rsa takes, and as little beside.
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	require.NoError(t, err)
	p, err := webhook.ParseForm(nil, benchParams)
	require.NoError(t, err)
	digest := sha512.Sum512(Canonical(p))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA512, digest[:])
	require.NoError(t, err)
	v = verifier(t, VerifierOptions{PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))})
	bare := testing.AllocsPerRun(200, func() {
		if err := rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA512, digest[:], signature); err != nil {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, read(v, benchParams+"&checksum="+hex.EncodeToString(signature)), bare+9)
}

// The published vectors, where the folder with them is beside the repository.
func TestPublishedSignatureSamples(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "samples", "sberbank", "signatures")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("skipped: the published samples are not beside the repository")
	}
	type vector struct {
		ID, Raw, Canonical, Key string
		KeyFile                 string `json:"key_file"`
		Valid                   *bool  `json:"expected_signature_valid"`
		Accept                  *bool  `json:"expected_accept"`
	}
	ran := 0
	for _, file := range []string{"published_hmac.json", "published_rsa.json", "published_structure.json"} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		var vectors []vector
		require.NoError(t, json.Unmarshal(data, &vectors))
		for _, vec := range vectors {
			t.Run(vec.ID, func(t *testing.T) {
				ran++
				opt := VerifierOptions{Key: vec.Key}
				if vec.KeyFile != "" {
					pem, err := os.ReadFile(filepath.Join(dir, "..", vec.KeyFile))
					require.NoError(t, err)
					opt = VerifierOptions{PublicKey: string(pem)}
				}
				if opt.Key == "" && opt.PublicKey == "" {
					opt.Key = "any other key"
				}
				v := verifier(t, opt)
				p, err := webhook.ParseForm(nil, vec.Raw)
				require.NoError(t, err)
				if vec.Canonical != "" {
					assert.Equal(t, vec.Canonical, string(Canonical(p)))
				}
				if vec.Valid != nil {
					_, err := v.verify(p, false)
					assert.Equal(t, *vec.Valid, err == nil, "signature")
				}
				n, err := v.ReadForm(vec.Raw)
				if vec.Accept != nil {
					assert.Equal(t, *vec.Accept, err == nil, "accept: %v", err)
				}
				if err == nil && n.Operation == "unknown" {
					assert.NotEqual(t, acquiring.StatusPaid, n.Status())
				}
			})
		}
	}
	assert.Equal(t, 25, ran, "every vector was tried")
}

// A signed body of so many members is read, one more is not.
func TestMembersOfABody(t *testing.T) {
	v, err := NewVerifier(VerifierOptions{Provider: "bank", Key: explainKey})
	require.NoError(t, err)
	body := func(members int) []byte {
		params := append(webhook.Params(nil), explained...)
		for i := len(params); i < members-1; i++ {
			params = append(params, webhook.Param{Name: fmt.Sprint("p", i), Value: "1"})
		}
		params = append(params, webhook.Param{Name: paramChecksum, Value: hmacOf(explainKey, Canonical(params))})
		var b strings.Builder
		for _, p := range params {
			fmt.Fprintf(&b, ",%q:%q", p.Name, p.Value)
		}
		return []byte("{" + b.String()[1:] + "}")
	}
	n := Notice{}
	require.NoError(t, v.parseJSON(&n, body(webhook.MaxParams)))
	require.NoError(t, v.check(&n))
	assert.True(t, n.Signed)
	err = v.parseJSON(&Notice{}, body(webhook.MaxParams+1))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	require.ErrorContains(t, err, "more members")
}

func TestJSONAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	v, err := NewVerifier(VerifierOptions{Provider: "bank", Key: explainKey})
	require.NoError(t, err)
	var body strings.Builder
	for _, p := range append(append(webhook.Params(nil), explained...), webhook.Param{Name: paramChecksum, Value: hmacOf(explainKey, Canonical(explained))}) {
		fmt.Fprintf(&body, ",%q:%q", p.Name, p.Value)
	}
	document := []byte("{" + body.String()[1:] + "}")
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		n := Notice{Params: make(webhook.Params, 0, 16)}
		if err := v.parseJSON(&n, document); err != nil || v.check(&n) != nil || !n.Signed {
			t.Fatal(err)
		}
	}), 6.0)
}
