package orangedatatest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal"
)

func still(t *testing.T, opts ...Option) *Server {
	t.Helper()
	s := NewServer(append([]Option{WithClock(NewClock(time.Date(2026, 11, 21, 11, 3, 0, 0, time.UTC))), WithSeed(1), WithoutListening()}, opts...)...)
	t.Cleanup(s.Close)
	return s
}

// signed is a signature made by hand.
func signed(t *testing.T, key *rsa.PrivateKey, body []byte) string {
	t.Helper()
	digest := sha256.Sum256(body)
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(sig)
}

func do(t *testing.T, client *http.Client, method, url, body, signature string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	if signature != "" {
		req.Header.Set("X-Signature", signature)
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(data), resp.Header
}

func post(t *testing.T, s *Server, kind, body string) (int, string) {
	t.Helper()
	code, answer, _ := do(t, s.Client(), "POST", s.URL+"/api/v2/"+kind, body, signed(t, testKey(), []byte(body)))
	return code, answer
}

func get(t *testing.T, s *Server, path string) (int, map[string]any) {
	t.Helper()
	code, answer, _ := do(t, s.Client(), "GET", s.URL+"/api/v2/"+path, "", "")
	var out map[string]any
	if strings.HasPrefix(answer, "{") {
		require.NoError(t, json.Unmarshal([]byte(answer), &out))
	}
	return code, out
}

const receipt12 = `{"id":"shop-1001-sale","inn":"7727401209","group":"Main_2","key":"7727401209","content":{"ffdVersion":4,"type":1,"positions":[{"quantity":2,"price":149.9,"tax":1,"text":"Чай «Иван», 100 г","paymentMethodType":4,"paymentSubjectType":1,"quantityMeasurementUnit":0}],"checkClose":{"payments":[{"type":2,"amount":299.8}],"taxationSystem":0},"customerContact":"buyer@example.org"},"callbackUrl":"http://shop.test/od/cb?od=1"}`

const receipt105 = `{"id":"shop-1002-sale","inn":"7727401209","group":"Main","key":"7727401209","content":{"type":1,
 "positions":[
  {"quantity":1,"price":1200.00,"tax":6,"text":"Билет на концерт","paymentMethodType":4,"paymentSubjectType":4,"agentType":64,
   "supplierINN":"7801234564","supplierInfo":{"phoneNumbers":["+78120000001"],"name":"ООО Сцена"}},
  {"quantity":1.5,"price":80.00,"tax":6,"text":"Кофе в зёрнах","unitOfMeasurement":"кг"}],
 "checkClose":{"payments":[{"type":1,"amount":1500.00}],"taxationSystem":1},
 "customerContact":"+79990000000"}}`

func TestReceiptIsPrinted(t *testing.T) {
	var got []byte
	s := still(t, WithAPIKeyHeader(), WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		w.WriteHeader(204)
	})))
	code, body := post(t, s, "documents/", receipt12)
	require.Equal(t, 201, code, body)
	assert.Empty(t, body)
	code, _ = post(t, s, "documents", receipt12)
	assert.Equal(t, 409, code)

	code, _ = get(t, s, "documents/7727401209/status/shop-1001-sale")
	assert.Equal(t, 202, code)
	code, a := get(t, s, "documents/7727401209/status/shop-1001-sale")
	require.Equal(t, 200, code)
	assert.Equal(t, "2026-11-21T14:03:00", a["processedAt"])
	assert.Equal(t, "7801234564", a["ofdinn"])
	assert.Len(t, a["fp"], 10)
	assert.EqualValues(t, 731, a["documentNumber"])
	line := a["content"].(map[string]any)["positions"].([]any)[0].(map[string]any)
	assert.EqualValues(t, 11, line["taxRate"], "code 1 is 22 % since 2026")
	d, ok := s.Document("shop-1001-sale")
	require.True(t, ok)
	assert.EqualValues(t, 29980, d.Total)

	s.Deliver()
	assert.Contains(t, string(got), `"id":"shop-1001-sale"`)
	assert.Equal(t, "http://shop.test/od/cb?od=1", s.Deliveries()[0].URL)

	code, html, _ := do(t, s.Client(), "GET", s.URL+"/7727401209/shop-1001-sale", "", "")
	assert.Equal(t, 200, code)
	assert.Contains(t, html, "s=299.80&amp;fn=9999078900004242&amp;i=731")
}

func TestEchoIsWrittenAgain(t *testing.T) {
	s := still(t, WithLenient())
	code, body := post(t, s, "documents", strings.Replace(receipt105, `,"taxationSystem":1`, "", 1))
	require.Equal(t, 201, code, body)
	require.NoError(t, s.Print("shop-1002-sale"))
	code, answer, _ := do(t, s.Client(), "GET", s.URL+"/api/v2/documents/7727401209/status/shop-1002-sale", "", "")
	require.Equal(t, 200, code)
	assert.Contains(t, answer, `"taxationSystem":0`)
	assert.Contains(t, answer, `"quantity":1.0`)
	assert.Contains(t, answer, `"change":180.0`)
	assert.Contains(t, answer, `"taxRate":6`)
	require.Error(t, s.Print("shop-1002-sale"))
	require.Error(t, s.Print("none"))
}

// TestSignatureVectors are the specification's: PKCS#1 v1.5 over the bytes.
func TestSignatureVectors(t *testing.T) {
	const public = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4Okx4IQliX2vGQtBttNK
2xIcDhLtzn0Obrp/MP04qvg5cWBqj3MuCxDyCJ35cdOIi1fJycs+6TZ1k9SSGQDs
q6mRKbkxGIKzzvmlUZ5hiKzuRl3xBv09w4FjmVsDoXgS2y7+7yZd6gu8JG6D62gn
+ccky84rsHyXwZYoOYfiyxJBiXkbeRtx8tCjhKqNIT4buD0OsGLiVp2IlhCr0im0
3vndGfDMCavshKAGIBTyp1atQx8HA5cu717kx3yj3ll8HpRgh4eWFNli9ET8K/MC
azH7S6TAhZJGEobj7lXCN9kkg2cDolRqumwWOHpWTu85V83aRiMlc9i41iPru0MN
nwIDAQAB
-----END PUBLIC KEY-----`
	b, _ := pem.Decode([]byte(public))
	key, err := x509.ParsePKIXPublicKey(b.Bytes)
	require.NoError(t, err)
	s := still(t, WithOrganisation(Organisation{INN: "7801234564", Keys: map[string]*rsa.PublicKey{"7801234564_4242": key.(*rsa.PublicKey)},
		Groups: []Group{{"Main_2", fiscal.FFD12, Internet}}}))
	v1 := `{"id":"shop-1001-sale","inn":"7801234564","group":"Main_2","key":"7801234564_4242","content":{"ffdVersion":4,"type":1,"positions":[{"quantity":2,"price":149.9,"tax":1,"text":"Чай «Иван», 100 г","paymentMethodType":4,"paymentSubjectType":1,"quantityMeasurementUnit":0}],"checkClose":{"payments":[{"type":2,"amount":299.8}],"taxationSystem":0},"customerContact":"buyer@example.org"},"callbackUrl":"https://shop.example.org/od/cb"}`
	sig1 := `s6sOT1VckrfzoHQUtVpyYfBYJr5U7NEzPnJw8h75boYrXrT3KiztQwFyecoMFCAsKO71Vyt1WpC6YYfUTF1TTe4eGQt/8vq+1RY1uZshnc16xwuitdCE5fw8JaIPRPEud3b+oUXtxQWvJ3lKhoSO5/SmNynaAQwA/4W6eaXm8gTRvUh7Zx0p0TlMQkcjnt/biYIZEbblJg0SEawv4OyksiEGoz0g9QmXqle8d9GX/BDoxqVZQPclGbj0fagBgGEPSMkT6IHUa5PeLb4Y6GmawguJ+0iVjFyIMjooEobMPHLUgj8I3rhp/P0+IWRRNQghTn7lqAVrLv+TmmsQhpyz3g==`
	v2 := `{"inn":"7801234564","group":"Main_2","key":"7801234564_4242"}`
	sig2 := `q8FYuX1K8gc0PYFNxbeskVuIyD9lYWVDssjCY6wInOiHBtPDSC4f4p3LjQt5Xhl0JfnbVhJJlTpM4wA1N7+ka/xhI3cEu8T/nrM54hmmQTD/KwC+ccf0NV150Ef+olTVeHh78TLW0azSngOQIs1AC23pFoqdAlx/2ygsoIR7uEsaEmhrOywfg6oz+cHSS2WSc5n+kkXuIVgfHayBQGa9Ywj9Vccel7m5/+9wKu5nftkD5NNsUYa66WxW/CKgyg5YfFsxpnSB903stdGYyq4/Gq32zl6FObCQEGLmFx0gYCs0aKWykfTfItxu2XNMfkGrX+ETMWis8XgfJXyIYoC0bw==`
	v3 := `{"id":"mark-1","inn":"7801234564","group":"Main_2","key":"7801234564_4242","content":{"plannedStatus":1,"itemCode":"010460043993125621JgXJ5.\u001d93Abcd"}}`
	sig3 := `hJxI3QnVN5Y2ORMWsJwDklfIheK8dff2452saUdHtM7UCojfc897QPdWiPf/qo3o5jXPa11NflsD399pGsDXOZqujDCFsytSs4Qzfk86WJVIpGpNHZx4bRUL2f5jX+z9aos9XGqK+LKeCYyWL6X3kCWBp/iBpdhbRZRX6mj20n0SppUMP9CFz1Xo781oocpimMCMswvSYUE+FQAJY7TmDHSfu2OOy7ldUltkUL0YkxGr2XN+ojDV6gqcRUyktRLb4tukuMH0Mb542eCqXS2UAVHJUeue9hrFvqhU2+Yg7uhkzfOoWZrHOADZyTB5maF/EkQFNxb+hO5mZloC6e5hbA==`
	for _, v := range []struct {
		path, body, sig string
		code            int
	}{
		{"documents", strings.Replace(v1, "149.9", "149.90", 1), sig1, 400},
		{"documents", v1 + "\n", sig1, 400},
		{"documents", v1, strings.NewReplacer("+", "-", "/", "_").Replace(sig1), 400},
		{"documents", v1, sig2, 400},
		{"documents", v1, "", 400},
		{"documents", v1, sig1, 201},
		{"check", v2, sig2, 200},
		{"check", strings.Replace(v2, "Main_2", "Main_3", 1), sig2, 400},
		{"itemcode", v3, sig3, 201},
	} {
		code, answer, _ := do(t, s.Client(), "POST", s.URL+"/api/v2/"+v.path, v.body, v.sig)
		assert.Equal(t, v.code, code, answer)
		if v.code == 400 {
			assert.Contains(t, answer, badSignature)
		}
	}
}

func TestCertificates(t *testing.T) {
	s := NewServer(WithSeed(1))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(s.RootCA()))
	with := func(cert, key []byte) *http.Client {
		conf := &tls.Config{RootCAs: roots}
		if cert != nil {
			p, err := tls.X509KeyPair(cert, key)
			require.NoError(t, err)
			conf.Certificates = []tls.Certificate{p}
		}
		tr := &http.Transport{TLSClientConfig: conf}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr}
	}
	conf := s.Config()
	code, body, _ := do(t, with(conf.Certificate, conf.CertificateKey), "GET", s.URL+"/api/v2/", "", "")
	assert.Equal(t, 200, code)
	assert.Equal(t, "Nebula.Api v2", body)
	cert, key := s.ForeignCertificate()
	for _, client := range []*http.Client{with(nil, nil), with(cert, key)} {
		code, body, h := do(t, client, "GET", s.URL+"/api/v2/", "", "")
		assert.Equal(t, 400, code)
		assert.Contains(t, body, "The SSL certificate error")
		assert.Contains(t, h.Get("Content-Type"), "text/html")
	}
}

func TestAnotherOrganisationsCertificate(t *testing.T) {
	s := NewServer(WithOrganisation(Organisation{INN: "7801234564", Keys: map[string]*rsa.PublicKey{"k": &testKey().PublicKey}, DefaultKey: "k",
		Groups: []Group{{"Main_2", fiscal.FFD12, Internet}}, Certificates: []string{"00"}}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.RootCA())
	conf := s.Config()
	pair, err := tls.X509KeyPair(conf.Certificate, conf.CertificateKey)
	require.NoError(t, err)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}
	t.Cleanup(tr.CloseIdleConnections)
	client := &http.Client{Transport: tr}
	body := `{"inn":"7801234564"}`
	code, _, _ := do(t, client, "POST", s.URL+"/api/v2/check", body, signed(t, testKey(), []byte(body)))
	assert.Equal(t, 401, code)
	for _, path := range []string{"documents/7801234564/status/x", "devices/status/7801234564/Main_2"} {
		code, _, _ = do(t, client, "GET", s.URL+"/api/v2/"+path, "", "")
		assert.Equal(t, 401, code)
	}
}

// TestEachFaultIsRefused breaks one thing at a time.
func TestEachFaultIsRefused(t *testing.T) {
	const line = `"quantity":2,"price":149.9,"tax":1,`
	for name, change := range map[string][2]string{
		"'Id'":                  {`"id":"shop-1001-sale",`, ``},
		"'Content'":             {`"content":{`, `"contents":{`},
		"Группа не найдена":     {`"Main_2"`, `"Other"`},
		"не поддерживает":       {`"Main_2"`, `"Main"`},
		"ФФД 1.05":              {`"ffdVersion":4`, `"ffdVersion":2`},
		"ffdversion":            {`"ffdVersion":4`, `"ffdVersion":3`},
		"type":                  {`"type":1,"positions"`, `"type":5,"positions"`},
		"positions":             {`"positions":[{`, `"positions":[],"x":[{`},
		"tax":                   {`"tax":1`, `"tax":11`},
		"tax|as text":           {`"tax":1`, `"tax":"1"`},
		"price":                 {`"price":149.9`, `"price":-149.9`},
		"двух знаков":           {`"price":149.9`, `"price":149.905`},
		"quantity":              {line, `"quantity":0,"price":149.9,"tax":1,`},
		"quantity|missing":      {line, `"price":149.9,"tax":1,`},
		"шести":                 {`"quantity":2,`, `"quantity":2.0000001,`},
		"paymentmethodtype":     {`"paymentMethodType":4`, `"paymentMethodType":8`},
		"paymentSubjectType":    {`"paymentSubjectType":1`, `"paymentSubjectType":28`},
		"text":                  {`"text":"Чай «Иван», 100 г"`, `"text":"` + strings.Repeat("ч", 129) + `"`},
		"меньше":                {`"amount":299.8`, `"amount":299.78`},
		"безналичных":           {`"amount":299.8`, `"amount":299.82`},
		"taxationsystem":        {`,"taxationSystem":0`, ``},
		"taxationsystem|6":      {`"taxationSystem":0`, `"taxationSystem":6`},
		"customercontact":       {`,"customerContact":"buyer@example.org"`, ``},
		"settlementplace":       {`"ffdVersion":4`, `"ffdVersion":4,"settlementPlace":"site"`},
		"timeZone":              {`"ffdVersion":4`, `"ffdVersion":4,"timeZone":12`},
		"cashierinn":            {`"ffdVersion":4`, `"ffdVersion":4,"cashierINN":"12"`},
		"birthDate":             {`"ffdVersion":4`, `"ffdVersion":4,"customerInfo":{"birthDate":"1988-09-15"}`},
		"citizenship":           {`"ffdVersion":4`, `"ffdVersion":4,"customerInfo":{"citizenship":"RU"}`},
		"causeDocumentDate":     {`"ffdVersion":4`, `"ffdVersion":4,"industryAttribute":{"foivId":"030","causeDocumentDate":"2023-11-21","causeDocumentNumber":"1","value":"x"}`},
		"operationalAttribute":  {`"ffdVersion":4`, `"ffdVersion":4,"operationalAttribute":{"date":"2021-08-12T18:36:16","id":256,"value":"x"}`},
		"fractionalQuantity":    {line, line + `"fractionalQuantity":{"numerator":2,"denominator":1},`},
		"agentType":             {line, line + `"agentType":128,`},
		"phonenumbers":          {line, line + `"supplierInfo":{"phoneNumbers":["+7999000112233445566"]},`},
		"235":                   {`"ffdVersion":4`, `"ffdVersion":4,"additionalUserAttribute":{"name":"` + strings.Repeat("n", 30) + `","value":"` + strings.Repeat("v", 220) + `"}`},
		"manufacturerCountry":   {line, line + `"manufacturerCountryCode":"RUS",`},
		"plannedstatus":         {line, line + `"plannedStatus":7,`},
		"quantityMeasurement":   {`"quantityMeasurementUnit":0`, `"quantityMeasurementUnit":256`},
		"amount":                {`"amount":299.8`, `"amount":0`},
		"281474976":             {line, `"quantity":281474977,"price":0.01,"tax":1,`},
		"supplierInfo.name":     {line, line + `"supplierInfo":{"phoneNumbers":["+78120000001"],"name":"` + strings.Repeat("ы", 224) + `"},`},
		"barcodes.ean13":        {line, line + `"barcodes":{"ean13":"460043993125"},`},
		"barcodes.f1":           {line, line + `"barcodes":{"f1":"` + strings.Repeat("x", 33) + `"},`},
		"payments[0].id":        {`"taxationSystem":0`, `"taxationSystem":0,"electronicPaymentsInfo":{"payments":[{"amount":299.8,"type":1}]}`},
		"payments[0].type":      {`"taxationSystem":0`, `"taxationSystem":0,"electronicPaymentsInfo":{"payments":[{"amount":299.8,"type":256,"id":"1"}]}`},
		"callbackurl":           {`http://shop.test/od/cb`, `http://shop.test/` + strings.Repeat("x", 1024)},
		"Итог больше 99999999":  {line + `"text"`, `"quantity":1000000,"price":149.9,"tax":1,"text"`},
		"не является JSON-объе": {receipt12, `[]`},
	} {
		s := still(t)
		broken := strings.Replace(receipt12, change[0], change[1], 1)
		require.NotEqual(t, receipt12, broken, name)
		code, answer := post(t, s, "documents", broken)
		assert.Equal(t, 400, code, name)
		want, _, _ := strings.Cut(name, "|") // what stands behind it tells two cases apart
		assert.Contains(t, answer, want, name)
		assert.Empty(t, s.Documents(), name)
	}
}

func TestManyFaultsAtOnce(t *testing.T) {
	s := still(t)
	_, answer := post(t, s, "documents", strings.NewReplacer(`"tax":1`, `"tax":0`, `"price":149.9,`, ``).Replace(receipt12))
	var a struct{ Errors []string }
	require.NoError(t, json.Unmarshal([]byte(answer), &a))
	assert.GreaterOrEqual(t, len(a.Errors), 3)
	code, answer, _ := do(t, s.Client(), "POST", s.URL+"/api/v2/documents", `{"content":{}}`, "")
	assert.Equal(t, 400, code)
	assert.Contains(t, answer, "Не указан идентификатор документа 'Id'")
	assert.Contains(t, answer, "Не указан ИНН организации 'INN'")
}

func TestPascalCaseAndNoKey(t *testing.T) {
	s := still(t)
	body := `{"Id":"p-1","INN":"7727401209","Group":"Main_2","Content":{"FfdVersion":4,"Type":1,"TotalSum":0.0,"UseTax20":false,"Positions":[{"Quantity":1,"Price":10,"Tax":2,"Text":"x","TaxSum":0.0,"TaxRate":0}],"CheckClose":{"Payments":[{"Type":1,"Amount":20}],"TaxationSystem":0},"CustomerContact":"none"}}`
	code, answer := post(t, s, "documents", body)
	require.Equal(t, 201, code, answer)
	require.NoError(t, s.Print("p-1"))
	d, _ := s.Document("p-1")
	assert.EqualValues(t, 1000, d.Change)
}

func TestStrictRefusesStrangeMembers(t *testing.T) {
	s := still(t, WithStrict())
	for _, change := range [][2]string{
		{`"tax":1,`, `"tax":1,"discount":5,`}, {`"tax":1,`, `"tax":1,"unitOfMeasurement":"кг",`}, {`"ffdVersion":4`, `"ffdVersion":4,"customer":"x"`},
		{`"id":`, `"secret":"x","id":`}, {`"taxationSystem":0`, `"taxationSystem":0,"total":1`},
	} {
		code, _ := post(t, s, "documents", strings.Replace(receipt12, change[0], change[1], 1))
		assert.Equal(t, 400, code, change)
	}
	code, answer := post(t, s, "documents", receipt12)
	assert.Equal(t, 201, code, answer)
}

func TestBurntIDs(t *testing.T) {
	bad := strings.Replace(receipt12, `"tax":1`, `"tax":0`, 1)
	s := still(t)
	post(t, s, "documents", bad)
	code, _ := post(t, s, "documents", receipt12)
	assert.Equal(t, 201, code)
	s = still(t, WithBurntIDs())
	post(t, s, "documents", bad)
	code, _ = post(t, s, "documents", receipt12)
	assert.Equal(t, 409, code)
}

func TestQueue(t *testing.T) {
	s := still(t, WithQueueLimit(1), WithRefusalCallbacks())
	code, _ := post(t, s, "documents", receipt12)
	require.Equal(t, 201, code)
	other := strings.Replace(receipt12, "shop-1001-sale", "second", 1)
	code, _, h := do(t, s.Client(), "POST", s.URL+"/api/v2/documents", other, signed(t, testKey(), []byte(other)))
	assert.Equal(t, 503, code)
	assert.Equal(t, "5", h.Get("Retry-After"))
	s.SetGroup("Main_2", false)
	s.Advance(time.Hour)
	code, _ = get(t, s, "documents/7727401209/status/shop-1001-sale")
	assert.Equal(t, 202, code)
	_, dev := get(t, s, "devices/status/7727401209/Main_2")
	assert.EqualValues(t, 1, dev["devices"].([]any)[0].(map[string]any)["unsentDocumentsCount"])
	s.SetGroup("Main_2", true)
	s.Advance(2 * time.Minute)
	d, _ := s.Document("shop-1001-sale")
	assert.Equal(t, Done, d.State)

	post(t, s, "documents", other)
	require.NoError(t, s.Expire("second"))
	require.Error(t, s.Expire("second"))
	code, _ = get(t, s, "documents/7727401209/status/second")
	assert.Equal(t, 524, code)
	assert.Equal(t, "expired", s.Deliveries()[1].Event)

	s.SetGroup("Main_2", false)
	post(t, s, "documents", strings.Replace(receipt12, "shop-1001-sale", "third", 1))
	s.Advance(31 * 24 * time.Hour)
	d, _ = s.Document("third")
	assert.Equal(t, Expired, d.State)
}

func TestMarkingCodes(t *testing.T) {
	s := still(t)
	marked := func(id, code, more string) string {
		return strings.NewReplacer("shop-1001-sale", id, `"quantity":2,"price":149.9`, `"quantity":1,"price":299.8,"itemCode":"`+code+`","plannedStatus":1`,
			`"callbackUrl"`, more+`"callbackUrl"`).Replace(receipt12)
	}
	const good = `010460043993125621JgXJ5.\u001d91EE06\u001d92c2lnbmF0dXJl`
	const bad = `010460043993125621JgXJ5.`
	for id, want := range map[string]struct {
		body string
		code int
	}{"good": {marked("good", good, ""), 200}, "bad": {marked("bad", bad, ""), 422}, "ignored": {marked("ignored", bad, `"ignoreItemCodeCheck":true,`), 200}} {
		code, answer := post(t, s, "documents", want.body)
		require.Equal(t, 201, code, answer)
		require.NoError(t, s.Print(id))
		code, answer, _ = do(t, s.Client(), "GET", s.URL+"/api/v2/documents/7727401209/status/"+id, "", "")
		assert.Equal(t, want.code, code)
		if want.code == 422 {
			assert.True(t, strings.HasPrefix(answer, "["), "a bare array")
			assert.Contains(t, answer, `"fsCheckStatusCause":3`)
		}
	}
	for id, want := range map[string]int{"m1": 15, "m2": 1} {
		c := good
		if id == "m2" {
			c = bad
		}
		code, answer := post(t, s, "itemcode/", `{"id":"`+id+`","inn":"7727401209","group":"Main_2","key":"7727401209","content":{"plannedStatus":1,"itemCode":"`+c+`"}}`)
		require.Equal(t, 201, code, answer)
		require.NoError(t, s.Print(id))
		_, a := get(t, s, "itemcode/7727401209/status/"+id)
		assert.EqualValues(t, want, a["checkResult"].(map[string]any)["checkResult"])
	}
	code, _ := get(t, s, "documents/7727401209/status/m1")
	assert.Equal(t, 400, code, "another kind")
}

func TestCorrections(t *testing.T) {
	s := still(t)
	old := `{"id":"corr-2026-7","inn":"7727401209","group":"Main","key":"7727401209","content":{"correctionType":0,"type":1,"causeDocumentDate":"2026-11-20T00:00:00","totalSum":1299.00,"eCashSum":1299.00,"tax1Sum":234.25,"taxationSystem":0,"customerContact":"buyer@example.org","isInternetStore":true,"description":"x","ffdVersion":2}}`
	code, answer := post(t, s, "corrections/", old)
	require.Equal(t, 201, code, answer)
	require.NoError(t, s.Print("corr-2026-7"))
	code, a := get(t, s, "corrections/7727401209/status/corr-2026-7")
	require.Equal(t, 200, code)
	assert.EqualValues(t, 0, a["change"])
	for _, change := range [][2]string{{`"type":1`, `"type":2`}, {`"correctionType":0`, `"correctionType":1`}, {`1299.00,"tax1`, `1298.00,"tax1`},
		{"2026-11-20T00:00:00", "20.11.2026"}, {`"taxationSystem":0,`, ``}} {
		code, _ = post(t, s, "corrections", strings.Replace(strings.Replace(old, "corr-2026-7", "other", 1), change[0], change[1], 1))
		assert.Equal(t, 400, code, change)
	}

	now := `{"id":"corr12-88-fix","inn":"7727401209","group":"Main_2","key":"7727401209","content":{"ffdVersion":4,"type":1,"correctionType":0,
 "causeDocumentDate":"2025-12-30T00:00:00","useTax20":true,"additionalAttribute":"2718281828",
 "positions":[{"quantity":1,"price":1200,"tax":1,"text":"Настройка сайта","paymentMethodType":4,"paymentSubjectType":4,"quantityMeasurementUnit":0}],
 "checkClose":{"payments":[{"type":2,"amount":1200}],"taxationSystem":0},"customerContact":"buyer@example.org"}}`
	code, answer = post(t, s, "correction12", now)
	require.Equal(t, 201, code, answer)
	require.NoError(t, s.Print("corr12-88-fix"))
	_, a = get(t, s, "correction12/7727401209/status/corr12-88-fix")
	assert.EqualValues(t, 1, a["content"].(map[string]any)["positions"].([]any)[0].(map[string]any)["taxRate"], "20 % was asked for")
	code, _ = post(t, s, "correction12", strings.NewReplacer("corr12-88-fix", "n", `"ffdVersion":4,`, ``).Replace(now))
	assert.Equal(t, 400, code)
	code, _ = post(t, s, "documents", strings.Replace(receipt12, "shop-1001-sale", "corr12-88-fix", 1))
	assert.Equal(t, 409, code, "one space of ids")
	s = still(t, WithIDsPerKind())
	post(t, s, "correction12", now)
	code, _ = post(t, s, "documents", strings.Replace(receipt12, "shop-1001-sale", "corr12-88-fix", 1))
	assert.Equal(t, 201, code)
}

func TestMachinesSayWhereTheyStand(t *testing.T) {
	s := still(t)
	body := strings.NewReplacer(`"Main_2"`, `"Vend_2"`, `"ffdVersion":4`, `"ffdVersion":4,"automatNumber":"1","settlementAddress":"Москва","settlementPlace":"Автомат 1"`).Replace(receipt12)
	code, answer := post(t, s, "documents", body)
	assert.Equal(t, 201, code, answer)
	code, answer = post(t, s, "documents", strings.NewReplacer("shop-1001-sale", "v2", `"Main_2"`, `"Courier_2"`).Replace(receipt12))
	assert.Equal(t, 400, code)
	assert.Contains(t, answer, "cashier")
}

func TestUnknown(t *testing.T) {
	s := still(t)
	for path, want := range map[string]int{"documents/7727401209/status/none": 400, "documents/1/status/none": 400, "devices/status/1/Main": 400,
		"devices/status/7727401209/none": 400, "devices/status/7727401209/Main": 200, "nothing": 404} {
		code, _ := get(t, s, path)
		assert.Equal(t, want, code, path)
	}
	for _, path := range []string{"/x", "/7727401209/none"} {
		code, _, _ := do(t, s.Client(), "GET", s.URL+path, "", "")
		assert.Equal(t, 404, code)
	}
	body := `{"inn":"7727401209","group":"none"}`
	code, _ := post(t, s, "check", body)
	assert.Equal(t, 400, code)
	body = `{"inn":"7801234564"}`
	code, answer := post(t, s, "check", body)
	assert.Equal(t, 400, code)
	assert.Contains(t, answer, badSignature)
}

func TestLostAnswerKeepsTheDocument(t *testing.T) {
	s := still(t)
	s.Fail(Fault{Op: OpDocuments, Kind: LostAnswer})
	req, _ := http.NewRequest("POST", s.URL+"/api/v2/documents", strings.NewReader(receipt12))
	req.Header.Set("X-Signature", signed(t, testKey(), []byte(receipt12)))
	_, err := s.Client().Do(req)
	require.Error(t, err)
	code, _ := post(t, s, "documents", receipt12)
	assert.Equal(t, 409, code)
	s.Fail(Fault{Op: OpDocuments, Kind: ServerError})
	s.ClearFaults()
	assert.Equal(t, OpDocuments, s.Requests()[0].Op)
	require.NoError(t, s.Print("shop-1001-sale"))
	s.Mischief(Mischief{})
	require.NoError(t, s.Resend(s.Deliveries()[0].ID))
	require.NoError(t, s.Forge(s.Deliveries()[0].ID))
	assert.Len(t, s.Deliveries(), 3)
}

// TestPublishedSamples checks the emulator's own rules against what the vendor
// and the SDKs published.
func TestPublishedSamples(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "samples", "orangedata")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the published samples are not here")
	}
	read := func(name string, v any) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		require.NoError(t, dec.Decode(v))
	}
	var rules struct {
		Cases []struct {
			Positions [][2]json.Number
			Payments  [][2]json.Number
			OK        bool
			Why       string
		}
	}
	read("captured/validation_rules_node_sdk.json", &rules)
	require.NotEmpty(t, rules.Cases)
	for _, c := range rules.Cases {
		var lines, pays []any
		for _, p := range c.Positions {
			lines = append(lines, map[string]any{"quantity": p[0], "price": p[1], "tax": 6, "text": "x"})
		}
		for _, p := range c.Payments {
			pays = append(pays, map[string]any{"type": p[0], "amount": p[1]})
		}
		b, err := json.Marshal(map[string]any{"id": "x", "inn": DefaultINN, "group": "Main", "key": DefaultINN, "content": map[string]any{"type": 1, "positions": lines,
			"checkClose": map[string]any{"payments": pays, "taxationSystem": 0}, "customerContact": "none"}})
		require.NoError(t, err)
		code, answer := post(t, still(t), "documents", string(b))
		assert.Equal(t, c.OK, code == 201, "%s %s", c.Why, answer)
	}

	var requests struct{ Requests map[string]map[string]any }
	read("captured/protocol_requests.json", &requests)
	for name, r := range requests.Requests {
		kind := strings.SplitN(name, "_", 2)[0]
		if kinds[kind] == nil {
			continue
		}
		s := still(t)
		r["inn"], r["key"] = DefaultINN, DefaultINN
		b, err := json.Marshal(r)
		require.NoError(t, err)
		code, answer := post(t, s, kind, string(b))
		if code == 201 {
			continue
		}
		// The examples are catalogues: some show members of several kinds of groups at once.
		var a struct{ Errors []string }
		require.NoError(t, json.Unmarshal([]byte(answer), &a), name)
		for _, fault := range a.Errors {
			assert.Contains(t, fault, "недопустимо для группы", name)
		}
	}

	var signatures struct {
		Cases []struct {
			Body      string
			Signature string `json:"x_signature"`
			Valid     bool   `json:"expect_valid"`
		}
	}
	read("captured/signatures.json", &signatures)
	xmlKey, err := os.ReadFile(filepath.Join(dir, "keys", "public_key_test.xml"))
	require.NoError(t, err)
	var k struct{ Modulus, Exponent string }
	require.NoError(t, xml.Unmarshal(xmlKey, &k))
	n, err := base64.StdEncoding.DecodeString(k.Modulus)
	require.NoError(t, err)
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	for _, c := range signatures.Cases {
		sig, err := base64.StdEncoding.DecodeString(c.Signature)
		digest := sha256.Sum256([]byte(c.Body))
		assert.Equal(t, c.Valid, err == nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig) == nil, c.Body)
	}
}
