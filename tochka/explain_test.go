package tochka

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

func TestExplain(t *testing.T) {
	good := fixture(t, "vector1.jwt")
	parts := strings.Split(good, ".")
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	by := func(key *rsa.PrivateKey, h crypto.Hash, input string) string {
		digest := h.New()
		digest.Write([]byte(input))
		sig, err := rsa.SignPKCS1v15(rand.Reader, key, h, digest.Sum(nil))
		require.NoError(t, err)
		return b64.EncodeToString(sig)
	}
	text := parts[0] + "." + parts[1]
	none := b64.EncodeToString([]byte(`{"alg":"none"}`))
	kid := b64.EncodeToString([]byte(`{"alg":"RS256","kid":"k-7"}`))
	own := privateKey(t)
	same, err := rsa.GenerateKey(rand.Reader, own.N.BitLen())
	require.NoError(t, err)
	test := func(c *Config) {
		c.Environment, c.WebhookKey = acquiring.Test, fixture(t, "test_only_jwk.json")
		c.CustomerCode, c.MerchantID = company, merchant
	}
	for name, tt := range map[string]struct {
		change func(*Config)
		body   string
		fault  string
	}{
		"right":           {nil, good, ""},
		"another company": {func(c *Config) { c.CustomerCode = "999999999" }, good, "is of another company or point"},
		"JSON":            {nil, fixture(t, "vector1.json"), "the body is JSON"},
		"empty":           {nil, "", "the notification is empty"},
		"two parts":       {nil, text, "not a signed token of three parts"},
		"alg none":        {nil, none + "." + parts[1] + "." + parts[2], `says alg "none"`},
		"header":          {nil, "e30x." + parts[1] + "." + parts[2], "the token's header is not JSON"},
		"header's base64": {nil, "e." + parts[1] + "." + parts[2], "the token's header is not base64url"},
		"signature":       {nil, text + "." + parts[2] + "=", "the token's signature is not base64url"},
		"payload":         {nil, signed(t, "not JSON"), "the token's payload is not a JSON object"},
		"changed":         {nil, parts[0] + "." + b64.EncodeToString([]byte(`{"amount":"1.00"}`)) + "." + parts[2], "the header or the payload was changed on the way"},
		"cut":             {nil, text + "." + parts[2][:40], "another key signed, or it was cut"},
		"another key":     {nil, text + "." + by(same, crypto.SHA256, text), "another key signed than Config.WebhookKey"},
		"another size":    {nil, text + "." + by(other, crypto.SHA256, text), ""},
		"its name":        {nil, kid + "." + parts[1] + "." + parts[2], "the token names the key k-7"},
		"other hash":      {nil, text + "." + by(own, crypto.SHA512, text), "the signature is over SHA-512"},
		"payload alone":   {nil, text + "." + by(own, crypto.SHA256, parts[1]), "over the payload alone"},
		"the bank's own":  {func(c *Config) { c.WebhookKey = "" }, good, "another key signed, or it was cut"},
	} {
		t.Run(name, func(t *testing.T) {
			change := tt.change
			if change == nil {
				change = func(*Config) {}
			}
			c := newBank(t).client(test, change)
			r := notification(tt.body)
			e, err := webhook.Explain(c, r)
			require.NoError(t, err)
			if tt.fault == "" && name == "right" {
				assert.True(t, e.Fits(), "%s", e)
			} else {
				require.NotEmpty(t, e.Faults)
				assert.Contains(t, e.Faults[0], tt.fault)
			}
			assert.NotContains(t, e.String(), secret)
			assert.NotContains(t, e.String(), parts[2])
		})
	}
	_, err = hooked(t, newBank(t), func(c *Config) { c.Environment = acquiring.Production }).ExplainCallback(notification(good))
	assert.ErrorIs(t, err, acquiring.ErrUnsupported)
}

// FuzzKeys: a key may come from the bank's address; whatever comes there, the
// keys are strong ones or there is an error.
func FuzzKeys(f *testing.F) {
	f.Add(BankKey)
	f.Add(fixture(f, "test_only_jwk.json"))
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseKeys(text)
		if err != nil {
			return
		}
		if len(keys) == 0 || len(keys) > mostKeys {
			t.Fatalf("%d keys", len(keys))
		}
		for _, key := range keys {
			if key.N.BitLen() < 2048 || key.E < 3 {
				t.Fatal("a weak key")
			}
		}
	})
}

// FuzzExplain: whatever comes, it is explained without a secret in it.
func FuzzExplain(f *testing.F) {
	f.Add(fixture(f, "vector1.jwt"))
	f.Add(`{"alg":"none"}`)
	c, err := New(Config{Environment: acquiring.Test, Token: secret, ClientID: "client", CustomerCode: company, WebhookKey: fixture(f, "test_only_jwk.json")})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		e, err := c.ExplainCallback(notification(body))
		if err == nil && e.Fits() != (func() bool { n, err := c.verifier.Notice([]byte(body)); return err == nil && c.concerns(n) })() {
			t.Fatalf("%q: %s", body, e)
		}
	})
}
