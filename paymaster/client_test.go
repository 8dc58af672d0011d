package paymaster

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

func TestEmptySecretRejectedAtConstruction(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"Config.Environment":    func(c *Config) { c.Environment = 0 },
		"Config.MerchantID":     func(c *Config) { c.MerchantID = "" },
		"Config.Token":          func(c *Config) { c.Token = "" },
		"Config.BaseURL":        func(c *Config) { c.BaseURL = "paymaster.ru" },
		"Config.Currency":       func(c *Config) { c.Currency = "ruble" },
		"Config.TokenType":      func(c *Config) { c.TokenType = "once" },
		"Config.SearchPeriod":   func(c *Config) { c.SearchPeriod = -1 },
		"Config.CallbackSecret": func(c *Config) { c.CallbackSecret = "short" },
		"Config.RootCAs":        func(c *Config) { c.RootCAs = []byte("no certificate") },
	} {
		conf := Config{Environment: acquiring.Test, MerchantID: merchant, Token: token}
		change(&conf)
		_, err := New(conf)
		invalid(t, err, field)
	}
	for _, tt := range []struct {
		field  string
		change func(*ClassicConfig)
	}{
		{"Config.Environment", func(c *ClassicConfig) { c.Environment = 0 }},
		{"Config.MerchantID", func(c *ClassicConfig) { c.MerchantID = "a b" }},
		{"Config.SecretKey", func(c *ClassicConfig) { c.SecretKey = "" }},
		{"Config.SecretKey", func(c *ClassicConfig) { c.SecretKey = "key\n" }},
		{"Config.Hash", func(c *ClassicConfig) { c.Hash = 0 }},
		{"Config.Hash", func(c *ClassicConfig) { c.Hash = 4 }},
		{"Config.Login", func(c *ClassicConfig) { c.Password = "p" }},
		{"Config.Password", func(c *ClassicConfig) { c.Login = "l" }},
		{"Config.Password", func(c *ClassicConfig) { c.Login, c.Password = "l", "a;b" }},
		{"Config.Login", func(c *ClassicConfig) { c.Login, c.Password = "l;", "b" }},
		{"Config.AccountID", func(c *ClassicConfig) { c.AccountID = "1;2" }},
		{"Config.Start", func(c *ClassicConfig) { c.Start = 9 }},
		{"Config.SimMode", func(c *ClassicConfig) { c.SimMode = 9 }},
		{"Config.SimMode", func(c *ClassicConfig) { c.SimMode, c.Environment = SimFail, acquiring.Production }},
		{"Config.Login", func(c *ClassicConfig) { c.Holds = true }},
		{"Config.SignKey", func(c *ClassicConfig) { c.SignKey = secretKey }},
		{"Config.NameLimit", func(c *ClassicConfig) { c.NameLimit = 129 }},
		{"Config.RESTURL", func(c *ClassicConfig) { c.RESTURL = "api" }},
		{"Config.BaseURL", func(c *ClassicConfig) { c.BaseURL = "https://u:p@paymaster.ru" }},
		{"Config.Currency", func(c *ClassicConfig) { c.Currency = "1" }},
	} {
		conf := ClassicConfig{Environment: acquiring.Test, MerchantID: merchant, SecretKey: secretKey, Hash: MD5}
		tt.change(&conf)
		_, err := NewClassic(conf)
		invalid(t, err, tt.field)
	}
}

func TestConfigHidesSecrets(t *testing.T) {
	conf := Config{Environment: acquiring.Test, MerchantID: merchant, Token: token, CallbackSecret: "9b1e7c9b1e7c"}
	old := ClassicConfig{Environment: acquiring.Test, MerchantID: merchant, SecretKey: secretKey, Hash: MD5, Login: "shop-api", Password: "P@ssw0rd-42",
		DirectSecret: "direct-secret-9", SignKey: "sign-key-12345"}
	c, err := New(conf)
	require.NoError(t, err)
	cc, err := NewClassic(old)
	require.NoError(t, err)
	var text strings.Builder
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		fmt.Fprintf(&text, form+form, conf, old)
	}
	log := slog.New(slog.NewJSONHandler(&text, nil))
	log.Info("configured", "v2", conf, "classic", old)
	fmt.Fprintf(&text, "%v %+v %v %+v", c, c, cc, cc)
	for _, secret := range []string{token, "9b1e7c9b1e7c", secretKey, "P@ssw0rd-42", "direct-secret-9", "sign-key-12345"} {
		assert.NotContains(t, text.String(), secret)
	}
	assert.Contains(t, text.String(), merchant)
	assert.Contains(t, text.String(), "MD5")
}

func TestBaseURL(t *testing.T) {
	for given, want := range map[string]string{
		"": DefaultURL, "https://psp.paymaster24.com/": "https://psp.paymaster24.com", "https://ecom.runpay.md/api/v2/": "https://ecom.runpay.md",
		"https://paymaster.ru/payment/init": "https://paymaster.ru",
	} {
		got, err := baseURL(given)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := baseURL("https://paymaster.ru/?a=1")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

func TestTwoShopsInOneProcess(t *testing.T) {
	one, two := newBank(t), newBank(t)
	one.on(getPayment, ok(payment(StatusPending, "")))
	two.on(getPayment, ok(strings.Replace(payment(StatusPending, ""), merchant, "other-shop", 1)))
	a, b := one.client(func(c *Config) { c.Shop = "a" }), two.client(func(c *Config) { c.MerchantID, c.Token, c.Shop = "other-shop", "tok-two", "b" })
	_, err := a.GetStatus(ctx, "734512")
	require.NoError(t, err)
	_, err = b.GetStatus(ctx, "734512")
	require.NoError(t, err)
	assert.Equal(t, "Bearer "+token, one.last(getPayment).header.Get("Authorization"))
	assert.Equal(t, "Bearer tok-two", two.last(getPayment).header.Get("Authorization"))
	name, shop := a.Name()
	assert.Equal(t, "paymaster a", name+" "+shop)
	name, shop = one.classic(func(c *ClassicConfig) { c.Shop = "b" }).Name()
	assert.Equal(t, "paymaster b", name+" "+shop)
}
