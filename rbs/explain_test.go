package rbs

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

const explainKey = "k9-secret-of-the-callbacks"

var explained = webhook.Params{{Name: "mdOrder", Value: "7c1f0a52"}, {Name: "orderNumber", Value: "Счёт 42+1"}, {Name: "operation", Value: "deposited"}, {Name: "status", Value: "1"}, {Name: "amount", Value: "154990"}}

// queryOf writes parameters as a query string.
func queryOf(params webhook.Params) string {
	var b strings.Builder
	for _, p := range params {
		b.WriteString("&" + p.Name + "=" + url.QueryEscape(p.Value))
	}
	return b.String()[1:]
}

func hmacOf(key string, message []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(message)
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

func TestExplain(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	require.NoError(t, err)
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	rsaOf := func(h crypto.Hash, message []byte) string {
		digest := h.New()
		digest.Write(message)
		sig, err := rsa.SignPKCS1v15(rand.Reader, private, h, digest.Sum(nil))
		require.NoError(t, err)
		return hex.EncodeToString(sig)
	}
	right := hmacOf(explainKey, Canonical(explained))
	symmetric, asymmetric := VerifierOptions{Provider: "bank", Key: explainKey}, VerifierOptions{Provider: "bank", PublicKey: public}
	changed := append(webhook.Params(nil), explained...)
	changed[4].Value = "100"
	raw := append(webhook.Params(nil), explained...)
	raw[1].Value = url.QueryEscape(raw[1].Value)
	added := append(append(webhook.Params(nil), explained...), webhook.Param{Name: "shop", Value: "7"}, webhook.Param{Name: "utm", Value: "x"})
	unsorted := []byte("mdOrder;7c1f0a52;orderNumber;Счёт 42+1;operation;deposited;status;1;amount;154990;")
	for name, tt := range map[string]struct {
		opt   VerifierOptions
		query string
		fault string
	}{
		"right":              {symmetric, queryOf(explained) + "&checksum=" + right, ""},
		"right, RSA":         {asymmetric, queryOf(explained) + "&checksum=" + rsaOf(crypto.SHA512, Canonical(explained)), ""},
		"no key":             {VerifierOptions{Provider: "bank"}, queryOf(explained), "no key is set"},
		"twice":              {symmetric, queryOf(explained) + "&status=1&checksum=" + right, `the parameter "status" is there twice`},
		"malformed":          {symmetric, queryOf(explained) + "&x=%zz&checksum=" + right, "is not well-formed text"},
		"missing":            {symmetric, queryOf(explained), "there is no parameter checksum"},
		"not hex":            {symmetric, queryOf(explained) + "&checksum=" + right[:62] + "zz", "no hexadecimal digits"},
		"cut":                {symmetric, queryOf(explained) + "&checksum=" + right[:60], "60 digits where HMAC-SHA256 has 64"},
		"RSA for HMAC":       {symmetric, queryOf(explained) + "&checksum=" + rsaOf(crypto.SHA512, Canonical(explained)), "set CallbackPublicKey"},
		"HMAC for RSA":       {asymmetric, queryOf(explained) + "&checksum=" + right, "set CallbackKey"},
		"other RSA key":      {asymmetric, queryOf(explained) + "&checksum=" + strings.Repeat("ab", 384), "the bank signs with another key"},
		"other hash":         {asymmetric, queryOf(explained) + "&checksum=" + rsaOf(crypto.SHA256, Canonical(explained)), "the signature is over SHA-256"},
		"RSA, changed":       {asymmetric, queryOf(changed) + "&checksum=" + rsaOf(crypto.SHA512, Canonical(explained)), "Config.CallbackPublicKey is not the key"},
		"white space":        {VerifierOptions{Provider: "bank", Key: explainKey + "\n"}, queryOf(explained) + "&checksum=" + right, "has white space around it"},
		"key in hexadecimal": {VerifierOptions{Provider: "bank", Key: hex.EncodeToString([]byte(explainKey))}, queryOf(explained) + "&checksum=" + right, "is the key in hexadecimal digits"},
		"plus for space":     {symmetric, strings.ReplaceAll(queryOf(explained), "+", "%2B") + "&checksum=" + hmacOf(explainKey, []byte(strings.ReplaceAll(string(Canonical(explained)), "+", " "))), "plus signs came where spaces"},
		"space for plus":     {symmetric, strings.ReplaceAll(queryOf(explained), "%2B", "+") + "&checksum=" + hmacOf(explainKey, []byte(strings.ReplaceAll(string(Canonical(explained)), " ", "+"))), "spaces came where plus signs"},
		"encoded values":     {symmetric, queryOf(explained) + "&checksum=" + hmacOf(explainKey, Canonical(raw)), "in their encoded form"},
		"encoded twice":      {symmetric, queryOf(raw) + "&checksum=" + right, "came encoded twice"},
		"unsorted":           {symmetric, queryOf(explained) + "&checksum=" + hmacOf(explainKey, unsorted), "not sorted by name"},
		"one of the address": {symmetric, queryOf(added[:6]) + "&checksum=" + right, "the parameter shop is not signed"},
		"two of the address": {symmetric, queryOf(added) + "&checksum=" + right, "the parameters shop and utm are not signed"},
		"changed":            {symmetric, queryOf(changed) + "&checksum=" + right, "a parameter was changed, added or lost"},
		"wrong key":          {VerifierOptions{Provider: "bank", Key: "another"}, queryOf(explained) + "&checksum=" + right, "Config.CallbackKey is not the key of this merchant"},
		"signed, odd form":   {symmetric, queryOf(explained[1:]) + "&checksum=" + hmacOf(explainKey, Canonical(explained[1:])), "mdOrder: is missing or empty"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := NewVerifier(tt.opt)
			require.NoError(t, err)
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.query))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			e, err := v.Explain(acquiring.Test, r)
			require.NoError(t, err)
			_, refused := v.Read(r)
			if tt.fault == "" {
				assert.True(t, e.Fits(), "%s", e)
				assert.NoError(t, refused)
			} else {
				require.NotEmpty(t, e.Faults)
				assert.Contains(t, e.Faults[0], tt.fault)
				assert.True(t, refused != nil || name == "no key")
			}
			want := hmacOf(explainKey, []byte(e.Signed))
			assert.NotContains(t, strings.ToUpper(e.String()), want, "the signature that would be right")
			assert.NotContains(t, e.String(), explainKey)
			_, err = v.Explain(acquiring.Production, r)
			assert.ErrorIs(t, err, acquiring.ErrUnsupported)
		})
	}
}

// FuzzExplain: whatever comes, it is explained, the secret is not in it, and it
// fits exactly when it is taken.
func FuzzExplain(f *testing.F) {
	f.Add(queryOf(explained) + "&checksum=" + hmacOf(explainKey, Canonical(explained)))
	f.Add(queryOf(explained))
	v, err := NewVerifier(VerifierOptions{Provider: "bank", Key: explainKey})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = raw
		e, err := v.Explain(acquiring.Test, r)
		require.NoError(t, err)
		_, refused := v.ReadForm(raw)
		if e.Fits() != (refused == nil) || strings.Contains(e.String(), explainKey) {
			t.Fatalf("%v: %s", refused, e)
		}
	})
}
