package orangedata_test

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/money"
)

// sample reads a published sample, which is kept outside the repository.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "samples", "orangedata", name))
	if os.IsNotExist(err) {
		t.Skip("the published samples are not here: ../shared/samples/orangedata")
	}
	require.NoError(t, err)
	return b
}

func sampleJSON(t *testing.T, name string, v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(sample(t, name))))
	dec.UseNumber()
	require.NoError(t, dec.Decode(v))
}

// The published certificate of the test contour is X.509 of version 1; its key
// is not encrypted though the papers say so; copies of it are, in both forms.
func TestSampleCertificate(t *testing.T) {
	crt := sample(t, "keys/client.crt")
	cert, err := orangedata.ParseCertificate(crt, sample(t, "keys/client.key"), "1234")
	require.NoError(t, err)
	sum := sha1.Sum(cert.Certificate[0])
	assert.Equal(t, "84b671bd8ea413db610992987cc79936d33a3c74", hex.EncodeToString(sum[:]))
	assert.Equal(t, 1, cert.Leaf.Version)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(sample(t, "keys/client_ca.crt")))
	_, err = cert.Leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	require.NoError(t, err)

	plain, err := orangedata.ParsePrivateKey(sample(t, "keys/client.key"), "")
	require.NoError(t, err)
	for _, name := range []string{"keys/client_enc_legacy_pem_pass1234.key", "keys/client_enc_pkcs8_pass1234.key"} {
		key, err := orangedata.ParsePrivateKey(sample(t, name), "1234")
		require.NoError(t, err, name)
		assert.True(t, plain.Equal(key), name)
		_, err = orangedata.ParsePrivateKey(sample(t, name), "1111")
		assert.ErrorContains(t, err, "the password does not open it", name)
		_, err = orangedata.ParsePrivateKey(sample(t, name), "")
		assert.ErrorContains(t, err, "there is no password", name)
	}
	_, err = orangedata.ParseCertificate(sample(t, "keys/client.pfx"), nil, "1234")
	assert.ErrorContains(t, err, "openssl pkcs12")
	_, err = orangedata.ParsePrivateKey(sample(t, "keys/client.pfx"), "1234")
	assert.ErrorContains(t, err, "openssl pkcs12")

	// The whole Config of the test contour.
	_, err = orangedata.New(orangedata.Config{Environment: acquiring.Test, INN: "7727401209", KeyName: "7727401209", PrivateKey: sample(t, "keys/private_key_test.xml"),
		Certificate: crt, CertificateKey: sample(t, "keys/client.key"), CertificatePassword: "1234"})
	require.NoError(t, err)
}

func TestSampleKeys(t *testing.T) {
	key, err := orangedata.ParsePrivateKey(sample(t, "keys/private_key_test.xml"), "")
	require.NoError(t, err)
	for _, name := range []string{"keys/private_key_test.pkcs1.pem", "keys/private_key_test.pkcs8.pem"} {
		same, err := orangedata.ParsePrivateKey(sample(t, name), "")
		require.NoError(t, err)
		assert.True(t, key.Equal(same), name)
	}
	for _, name := range []string{"keys/public_key_test.pem", "keys/public_key_test.xml"} {
		public, err := orangedata.ParsePublicKey(sample(t, name))
		require.NoError(t, err)
		assert.True(t, key.PublicKey.Equal(public), name)
	}
	assert.Equal(t, strings.TrimSpace(string(sample(t, "keys/public_key_test.xml"))), orangedata.PublicKeyXML(&key.PublicKey))

	var toy struct {
		PublicXML string `json:"public_xml"`
		Spaced    string `json:"spaced_public_xml"`
		Private   string `json:"private_xml_with_whitespace"`
	}
	sampleJSON(t, "keys/xml_pem_roundtrip_toy.json", &toy)
	for _, text := range []string{toy.PublicXML, toy.Spaced, toy.Private} {
		public, err := orangedata.ParsePublicKey([]byte(text))
		require.NoError(t, err)
		assert.Equal(t, big.NewInt(0xF0802225), public.N)
		assert.Equal(t, 65537, public.E)
	}
}

// Six published signatures, of which two were spoiled in print.
func TestSampleSignatures(t *testing.T) {
	public, err := orangedata.ParsePublicKey(sample(t, "keys/public_key_test.pem"))
	require.NoError(t, err)
	c := offline(t, func(c *orangedata.Config) { c.PrivateKey = sample(t, "keys/private_key_test.xml") })
	var file struct {
		Cases []struct {
			Name, Body  string
			XSignature  string `json:"x_signature"`
			ExpectValid bool   `json:"expect_valid"`
		}
	}
	sampleJSON(t, "captured/signatures.json", &file)
	require.Len(t, file.Cases, 6)
	for _, s := range file.Cases {
		assert.Equal(t, s.ExpectValid, verify(public, []byte(s.Body), s.XSignature), s.Name)
		made, err := c.Sign([]byte(s.Body))
		require.NoError(t, err)
		assert.Equal(t, s.ExpectValid, made == s.XSignature, s.Name)
	}
}

// The protocol's requests survive decoding and encoding without losing a
// member.
func TestSampleRequests(t *testing.T) {
	var file struct {
		Requests map[string]json.RawMessage
		Contents []json.RawMessage `json:"itemcode_contents"`
	}
	sampleJSON(t, "captured/protocol_requests.json", &file)
	trip := func(name string, raw []byte, into any) {
		dec := json.NewDecoder(strings.NewReader(string(raw)))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(into), name)
		again, err := json.Marshal(into)
		require.NoError(t, err)
		want := values(t, raw)
		if m := want.(map[string]any); m["key"] == nil && m["content"] != nil {
			m["key"] = "" // written always: an absent one would mean the default key
		}
		assert.Equal(t, want, values(t, again), name)
	}
	for name, raw := range file.Requests {
		switch name {
		case "corrections_ffd105":
			trip(name, raw, new(orangedata.CorrectionRequest))
		case "check":
			c := newService(t, answer{status: 200})
			require.NoError(t, c.client(func(c *orangedata.Config) { c.INN, c.Group, c.KeyName = "123456789012", "Main", "666" }).Check(t.Context()))
			assert.Equal(t, values(t, raw), values(t, []byte(c.requests()[0].Body)))
		default:
			trip(name, raw, new(orangedata.DocumentRequest))
		}
	}
	for _, raw := range file.Contents {
		trip("itemcode", raw, new(orangedata.ItemCodeContent))
	}
	assert.Len(t, file.Requests, 6)
}

// Fifteen published answers give what their notes say.
func TestSampleAnswers(t *testing.T) {
	var file map[string]struct {
		HTTP         int
		Headers      map[string]string
		Body         json.RawMessage
		BodyContains string `json:"body_contains"`
		ContentType  string `json:"content_type"`
		Expect       map[string]any
	}
	sampleJSON(t, "captured/responses.json", &file)
	play := func(name string) (answer, map[string]any, string) {
		s, ok := file[name]
		require.True(t, ok, name)
		delete(file, name)
		a := answer{status: s.HTTP, body: string(s.Body), header: s.Headers}
		var text string
		if json.Unmarshal(s.Body, &text) == nil {
			a.body = text
		}
		if s.BodyContains != "" {
			a.body, a.header = "<html><body>"+s.BodyContains+"</body></html>", map[string]string{"Content-Type": s.ContentType}
		}
		var id struct{ ID string }
		_ = json.Unmarshal(s.Body, &id)
		return a, s.Expect, id.ID
	}
	kopecks := func(v any) money.Amount {
		a, err := money.ParseMinor(v.(json.Number).String())
		require.NoError(t, err)
		return a
	}
	inn := func(c *orangedata.Config) { c.INN = "1234567890" }

	a, _, _ := play("ping")
	require.NoError(t, newService(t, a).client().Ping(t.Context()))

	a, want, id := play("status_ok_cash_with_change")
	st, err := newService(t, a).client(inn).DocumentStatus(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, want["state"], st.State.String())
	assert.Equal(t, want["fp"], st.Printed.FP)
	assert.Equal(t, want["fn"], st.Printed.FSNumber)
	assert.Equal(t, want["ofd_inn"], st.Printed.OFDINN)
	assert.Equal(t, want["fiscal_document_number"], json.Number("3243"))
	assert.Equal(t, int64(3243), st.Printed.DocumentNumber)
	assert.Equal(t, kopecks(want["total_kopecks"]), st.Printed.Total())
	assert.Equal(t, kopecks(want["change_kopecks"]), st.Printed.Change)

	a, want, id = play("status_ok_one_kopeck")
	doc, err := newService(t, a).client(inn).GetDocument(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, kopecks(want["total_kopecks"]), doc.Fiscal.Total)
	assert.Equal(t, want["qr"], doc.Fiscal.QR())

	a, want, id = play("status_ok_protocol")
	st, err = newService(t, a).client().DocumentStatus(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, want["fp"], st.Printed.FP)
	assert.Equal(t, kopecks(want["total_kopecks"]), st.Printed.Total())
	assert.Equal(t, money.Amount(97401), st.Printed.Change, "as the field says, however odd")

	a, _, id = play("correction_ok_protocol")
	st, err = newService(t, a).client().CorrectionStatus(t.Context(), id)
	require.NoError(t, err)
	k := st.Printed.Correction
	assert.Equal(t, k.TotalSum, k.CashSum+k.ECashSum+k.PrepaymentSum+k.PostpaymentSum+k.OtherPaymentTypeSum)

	submit := func(name string) error {
		a, _, _ := play(name)
		s := newService(t, a)
		return s.client().CreateDocument(t.Context(), orangedata.DocumentRequest{ID: "a"})
	}
	err = submit("errors_400")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	assert.Equal(t, 2, strings.Count(err.Error(), "; Не указан")+strings.Count(err.Error(), "; Отсутствует"))
	assert.ErrorIs(t, submit("errors_400_signature"), orangedata.ErrRequestKey)
	assert.ErrorIs(t, submit("errors_400_ssl_html"), orangedata.ErrCertificate)
	err = submit("queue_full_503")
	assert.ErrorIs(t, err, orangedata.ErrQueueFull)
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "5s", e.RetryAfter.String())
	assert.ErrorIs(t, submit("duplicate_409"), acquiring.ErrDuplicate)

	for name, state := range map[string]orangedata.State{"queued_202": orangedata.StatePending, "expired_524": orangedata.StateExpired, "marking_422": orangedata.StateRejected} {
		a, want, _ := play(name)
		st, err := newService(t, a).client().DocumentStatus(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, state, st.State)
		assert.Equal(t, want["state"], st.State.String())
		if state == orangedata.StateRejected {
			assert.Equal(t, 0, st.Marks[0].Position)
			assert.False(t, st.Marks[0].CheckResult.Good())
		}
	}

	a, want, id = play("itemcode_status_200")
	code, err := newService(t, a).client().ItemCodeStatus(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, want["all_four_bits"], code.CheckResult.Good())

	a, _, _ = play("devices_status_200")
	devices, err := newService(t, a).client().Devices(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, devices, 2)
	assert.Equal(t, 42, devices[0].UnsentDocuments)
	assert.True(t, devices[1].ExpiresAt.IsZero() && devices[1].FirstUnsentAt.IsZero())
	assert.Empty(t, file, "each answer was played")
}

// The product code of FFD 1.05 and the code of FFD 1.2.
func TestSampleMarks(t *testing.T) {
	var file struct {
		Cases []struct {
			Name         string
			InputCode    string `json:"input_code"`
			ExpectBase64 string `json:"expect_base64"`
			InputBase64  string `json:"input_base64"`
			ExpectLen    int    `json:"expect_len"`
		}
		FFD12 struct {
			ItemCode string `json:"itemCode_expected"`
		} `json:"ffd12"`
	}
	sampleJSON(t, "marking/nomenclature_1162.json", &file)
	c := offline(t)
	for _, m := range file.Cases {
		switch {
		case m.InputCode != "":
			r := tea()
			marked(&r, m.InputCode)
			assert.Equal(t, file.FFD12.ItemCode, content(t, c, r).Positions[0].ItemCode)
			r.FFD, r.Lines[0].Subject = fiscal.FFD105, fiscal.Goods
			assert.Equal(t, m.ExpectBase64, base64.StdEncoding.EncodeToString(content(t, c, r).Positions[0].NomenclatureCode))
		case m.InputBase64 != "":
			// A code that is no GS1 code passes untouched, in the typed call.
			raw, err := base64.StdEncoding.DecodeString(m.InputBase64)
			require.NoError(t, err)
			assert.Len(t, raw, m.ExpectLen)
			b, err := json.Marshal(orangedata.Position{NomenclatureCode: raw})
			require.NoError(t, err)
			assert.Contains(t, string(b), `"nomenclatureCode":"`+m.InputBase64+`"`)
		}
	}
}

// The official SDK's rule of sums and its INNs.
func TestSampleValidation(t *testing.T) {
	var rules struct {
		INNs struct{ Valid, Invalid []string } `json:"inn_check_digits"`
	}
	sampleJSON(t, "captured/validation_rules_node_sdk.json", &rules)
	require.NotEmpty(t, rules.INNs.Valid)
	signing := file(t, "key.pem")
	production := func(inn string) error {
		_, err := orangedata.New(orangedata.Config{Environment: acquiring.Production, INN: inn, PrivateKey: signing, HTTPClient: &http.Client{}})
		return err
	}
	for _, inn := range rules.INNs.Valid {
		assert.NoError(t, production(inn), inn)
	}
	for _, inn := range rules.INNs.Invalid {
		assert.ErrorIs(t, production(inn), acquiring.ErrInvalid, inn)
	}
}
