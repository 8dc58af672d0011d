package paymaster

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

func TestExplain(t *testing.T) {
	conf := ClassicConfig{Environment: acquiring.Test, MerchantID: merchant, SecretKey: secretKey, Hash: SHA256}
	client := func(change func(*ClassicConfig)) *ClassicClient {
		conf := conf
		if change != nil {
			change(&conf)
		}
		c, err := NewClassic(conf)
		require.NoError(t, err)
		return c
	}
	good := client(nil)
	form := func(change func(url.Values)) string {
		v := sign(good, vector1())
		if change != nil {
			change(v)
		}
		return v.Encode()
	}
	right := sign(good, vector1()).Get("LMI_HASH")
	for name, tt := range map[string]struct {
		conf  func(*ClassicConfig)
		form  string
		fault string
	}{
		"right":         {nil, form(nil), ""},
		"pre-request":   {nil, form(func(v url.Values) { v.Set("LMI_PREREQUEST", "1"); v.Del("LMI_HASH") }), ""},
		"other shop":    {func(c *ClassicConfig) { c.MerchantID = "00000000-0a52-4a5b-9a37-3f0d2f6a9c11" }, form(nil), "the notification is for another shop"},
		"no hash":       {nil, form(func(v url.Values) { v.Del("LMI_HASH") }), "there is no LMI_HASH"},
		"twice":         {nil, form(nil) + "&LMI_CURRENCY=RUB", "is there twice"},
		"semicolon":     {nil, form(func(v url.Values) { v.Set("LMI_PAYMENT_NO", "1;2") }), "has a semicolon"},
		"not a sum":     {nil, form(func(v url.Values) { v.Set("LMI_PAYMENT_AMOUNT", "1e3") }), "LMI_PAYMENT_AMOUNT is no sum"},
		"not base64":    {nil, form(func(v url.Values) { v.Set("LMI_HASH", strings.Repeat("*", 44)) }), "is not base64"},
		"other hash":    {func(c *ClassicConfig) { c.Hash = MD5 }, form(nil), "the site signs with SHA256, and Config.Hash is MD5"},
		"other length":  {func(c *ClassicConfig) { c.Hash, c.SecretKey = MD5, "another" }, form(nil), "is as long as a digest of SHA256"},
		"cut":           {nil, form(func(v url.Values) { v.Set("LMI_HASH", right[:40]) }), "which no kind of signature gives"},
		"sim mode":      {nil, form(func(v url.Values) { v.Set("LMI_SIM_MODE", "0") }), "LMI_SIM_MODE is not signed"},
		"changed":       {nil, form(func(v url.Values) { v.Set("LMI_PAYMENT_AMOUNT", "1.00"); v.Set("LMI_SIM_MODE", "0") }), "no usual mistake explains it"},
		"field is lost": {nil, form(func(v url.Values) { v.Del("LMI_CURRENCY") }), "these fields are absent and count as empty: LMI_CURRENCY"},
		"wrong key":     {func(c *ClassicConfig) { c.SecretKey = "another" }, form(nil), "these fields are absent"},
		"echo":          {func(c *ClassicConfig) { c.SignKey = "sign-key-of-the-shop" }, form(nil), "the field SIGN does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(tt.conf)
			r := post(tt.form)
			e, err := webhook.Explain(c, r)
			require.NoError(t, err)
			_, refused := c.VerifyCallback(ctx, r)
			if tt.fault == "" {
				assert.True(t, e.Fits(), "%s", e)
				assert.NoError(t, refused)
			} else {
				require.NotEmpty(t, e.Faults)
				assert.Contains(t, e.Faults[0], tt.fault)
				assert.ErrorIs(t, refused, acquiring.ErrSignature)
			}
			for _, secret := range []string{secretKey, c.conf.SecretKey, "sign-key-of-the-shop", right} {
				assert.NotContains(t, e.String(), secret)
			}
			if text, ok := strings.CutSuffix(e.Signed, "[secret]"); ok {
				assert.NotContains(t, e.String(), string(c.sign.sum(nil, []byte(text+c.conf.SecretKey))), "the hash that would be right")
			}
		})
	}
	get := post("")
	get.Method = http.MethodGet
	e, err := good.ExplainCallback(get)
	require.NoError(t, err)
	assert.Contains(t, e.Faults[0], "a notification is a POST")
	_, err = client(func(c *ClassicConfig) { c.Environment = acquiring.Production }).ExplainCallback(post(form(nil)))
	assert.ErrorIs(t, err, acquiring.ErrUnsupported)
}
