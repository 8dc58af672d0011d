package orangedata_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
)

var vectors = []struct {
	name, sha256 string
	bytes        int
}{
	{"v1", "0010c7e75580142a316b47c3fd5c9dc9d58b6b2a1b2830959761fa022415b1d6", 438},
	{"v2", "384f822a829f4a5638f0bfae8d1462798748aa9c0a5aaa4fa5ae9db01240280a", 61},
	{"v3", "07c9343f6034b94eb49a55f9c42c909adfd876ff79faa924ed5914a2e825d3a5", 155},
}

// The signatures of the protocol's worked examples, byte for byte.
func TestSignVectors(t *testing.T) {
	c := offline(t)
	for _, v := range vectors {
		body := file(t, v.name+".json")
		require.Len(t, body, v.bytes, v.name)
		digest := sha256.Sum256(body)
		require.Equal(t, v.sha256, hex.EncodeToString(digest[:]), v.name)
		signature, err := c.Sign(body)
		require.NoError(t, err)
		assert.Equal(t, string(file(t, v.name+".sig")), signature, v.name)
		assert.True(t, verify(publicKey(t), body, signature))
	}
}

// What must not pass for a signature.
func TestSignVectorsNegative(t *testing.T) {
	key := publicKey(t)
	body, signature := string(file(t, "v1.json")), string(file(t, "v1.sig"))
	require.True(t, verify(key, []byte(body), signature))
	assert.False(t, verify(key, []byte(strings.Replace(body, "149.9", "149.90", 1)), signature), "another form of the number")
	assert.False(t, verify(key, []byte(body+"\n"), signature), "a line feed after it")
	assert.False(t, verify(key, []byte(body), strings.NewReplacer("+", "-", "/", "_").Replace(signature)), "base64 of addresses")
	assert.False(t, verify(key, []byte(body), string(file(t, "v2.sig"))), "the signature of another body")

	private, err := orangedata.ParsePrivateKey(file(t, "key.xml"), "")
	require.NoError(t, err)
	digest := sha256.Sum256([]byte(body))
	pss, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], nil)
	require.NoError(t, err)
	assert.False(t, verify(key, []byte(body), base64.StdEncoding.EncodeToString(pss)), "PSS")
}

// The bodies of the worked examples come out of the typed calls byte for byte,
// with their signatures.
func TestVectorsThroughTheAPI(t *testing.T) {
	s := newService(t, answer{status: 201}, answer{status: 200}, answer{status: 201})
	c := s.client()
	unit, system := 0, 0
	require.NoError(t, c.CreateDocument(t.Context(), orangedata.DocumentRequest{ID: "shop-1001-sale", CallbackURL: "https://shop.example.org/od/cb",
		Content: orangedata.Content{FFDVersion: 4, Type: 1, CustomerContact: "buyer@example.org",
			Positions: []orangedata.Position{{Quantity: orangedata.Decimal(fiscal.Pieces(2)), Price: 14990, Tax: 1, Text: "Чай «Иван», 100 г",
				PaymentMethodType: 4, PaymentSubjectType: 1, QuantityMeasurementUnit: &unit}},
			CheckClose: orangedata.CheckClose{Payments: []orangedata.PaymentPart{{Type: 2, Amount: 29980}}, TaxationSystem: &system}}}))
	require.NoError(t, c.Check(t.Context()))
	require.NoError(t, c.CreateItemCode(t.Context(), orangedata.ItemCodeRequest{ID: "mark-1",
		Content: orangedata.ItemCodeContent{PlannedStatus: 1, ItemCode: "010460043993125621JgXJ5.\u001d93Abcd"}}))
	assert.Equal(t, []seen{
		{http.MethodPost, "/api/v2/documents/", string(file(t, "v1.json"))},
		{http.MethodPost, "/api/v2/check/", string(file(t, "v2.json"))},
		{http.MethodPost, "/api/v2/itemcode/", string(file(t, "v3.json"))},
	}, s.requests())
}

// The same receipt from the common model gives the same bytes too.
func TestVectorFromReceipt(t *testing.T) {
	c := offline(t, func(conf *orangedata.Config) { conf.Text = orangedata.TextAsIs })
	r := tea()
	r.Extra = map[string]string{"callbackUrl": "https://shop.example.org/od/cb"}
	kind, body, err := c.Convert(r)
	require.NoError(t, err)
	assert.Equal(t, orangedata.KindDocument, kind)
	assert.Equal(t, string(file(t, "v1.json")), string(body))
}

// The protocol's documents survive decoding and encoding with the same values.
func TestWireRoundTrip(t *testing.T) {
	for name, into := range map[string]any{
		"v1.json": new(orangedata.DocumentRequest), "document_105.json": new(orangedata.DocumentRequest), "document_marked.json": new(orangedata.DocumentRequest),
		"correction_12.json": new(orangedata.DocumentRequest), "correction_105.json": new(orangedata.CorrectionRequest), "v3.json": new(orangedata.ItemCodeRequest),
	} {
		want := file(t, name)
		dec := json.NewDecoder(strings.NewReader(string(want)))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(into), name)
		got, err := json.Marshal(into)
		require.NoError(t, err, name)
		assert.Equal(t, values(t, want), values(t, got), name)
	}
}

// values is the document with its numbers as exact decimals without needless
// zeros, and without nulls: null and absent are the same.
func values(t testing.TB, b []byte) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v))
	return plain(v)
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		s := v.String()
		if strings.Contains(s, ".") {
			s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
		}
		return s
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
			} else {
				v[name] = plain(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}
