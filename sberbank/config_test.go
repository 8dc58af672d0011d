package sberbank

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

func TestConfigIsCheckedAtOnce(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"Environment":   func(c *Config) { c.Environment = 0 },
		"Protocol":      func(c *Config) { c.Protocol = 9 },
		"UserName":      func(c *Config) { c.UserName = "" },
		"UserName ":     func(c *Config) { c.UserName, c.Password = "", "" },
		"Password":      func(c *Config) { c.Password = "" },
		"Token":         func(c *Config) { c.Token = "t" },
		"MerchantLogin": func(c *Config) { c.MerchantLogin = strings.Repeat("a", 31) },
		"Features":      func(c *Config) { c.Features = "Ж" },
		"BaseURL":       func(c *Config) { c.BaseURL = "ecomtest.sberbank.ru" },
		"BaseURL ":      func(c *Config) { c.BaseURL = "https://bank.example/v1?x=1" },
		"BaseURL  ":     func(c *Config) { c.BaseURL = "https://bank.example/other" },
		"BaseURL   ": func(c *Config) {
			c.BaseURL, c.Protocol = "https://bank.example/ecomm/gw/partner/api/v1", ProtocolLegacy
		},
		"CallbackKey":            func(c *Config) { c.CallbackKey, c.CallbackPublicKey = "k", "p" },
		"CallbackKey ":           func(c *Config) { c.CallbackKey = "-----BEGIN PUBLIC KEY-----" },
		"CallbackKey  ":          func(c *Config) { c.CallbackKey = "copied with a line break\n" },
		"PreviousCallbackKey":    func(c *Config) { c.CallbackKey, c.PreviousCallbackKey = "k", " k" },
		"UserName  ":             func(c *Config) { c.UserName = "u\r\n" },
		"Password ":              func(c *Config) { c.Password = "p\n" },
		"CallbackPublicKey":      func(c *Config) { c.CallbackPublicKey = "key" },
		"CallbackDrop":           func(c *Config) { c.CallbackDrop = []string{"mdOrder"} },
		"CallbackOptional":       func(c *Config) { c.CallbackOptional = []string{"amount"} },
		"VATCodes":               func(c *Config) { c.VATCodes = map[fiscal.VAT]int{fiscal.VAT22: -1} },
		"Receipt.FFD":            func(c *Config) { c.Receipt.FFD = "1.1" },
		"Receipt.TaxSystem":      func(c *Config) { c.Receipt.TaxSystem = fiscal.TaxImputed },
		"Receipt.INN":            func(c *Config) { c.Receipt.INN = "7" },
		"Receipt.Email":          func(c *Config) { c.Receipt.Email = "почта" },
		"Receipt.PaymentAddress": func(c *Config) { c.Receipt.PaymentAddress = "Москва" },
	} {
		conf := Config{Environment: acquiring.Test, UserName: "u", Password: "p"}
		change(&conf)
		_, err := New(conf)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, "Config."+strings.TrimSpace(field), e.Field)
		assert.Equal(t, "sberbank", e.Provider)
	}
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		env   acquiring.Environment
		p     Protocol
		base  string
		want  string
		root  string
		hosts string
	}{
		{acquiring.Test, ProtocolJSON, "", TestURL, "https://ecomtest.sberbank.ru/ecomm/gw/partner/api", ""},
		{acquiring.Production, ProtocolJSON, "", ProductionURL, "https://ecommerce.sberbank.ru/ecomm/gw/partner/api", ""},
		{acquiring.Production, ProtocolJSON, ProductionURLEpay + "/", ProductionURLEpay, "https://epay.sberbank.ru/ecomm/gw/partner/api", ""},
		{acquiring.Test, ProtocolLegacy, "", LegacyTestURL, "https://3dsec.sberbank.ru/payment", "https://3dsec.sberbank.ru"},
		{acquiring.Production, ProtocolLegacy, "", LegacyProductionURL, "https://securepayments.sberbank.ru/payment", "https://securepayments.sberbank.ru"},
		{acquiring.Test, ProtocolJSON, "http://127.0.0.1:8080", "http://127.0.0.1:8080/ecomm/gw/partner/api/v1", "http://127.0.0.1:8080/ecomm/gw/partner/api", ""},
		{acquiring.Test, ProtocolLegacy, "https://3dsec-payments.yookassa.ru", "https://3dsec-payments.yookassa.ru/payment/rest", "https://3dsec-payments.yookassa.ru/payment", "https://3dsec-payments.yookassa.ru"},
	} {
		c, err := New(Config{Environment: tt.env, Protocol: tt.p, BaseURL: tt.base, UserName: "u", Password: "p"})
		require.NoError(t, err)
		assert.Equal(t, tt.want, c.gate.REST.BaseURL())
		assert.Equal(t, tt.root, c.root)
		if tt.hosts != "" {
			assert.Equal(t, tt.hosts, c.host)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	secrets := []string{"Secret-Password-18", "open-token-417", callbackKey, "2202205000012424", "Tmp123", "669"}
	conf := Config{Environment: acquiring.Test, UserName: "shop417", Password: secrets[0], Token: secrets[1], CallbackKey: secrets[2]}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "conf", conf)
	conf.Protocol = ProtocolLegacy
	client, err := New(conf)
	require.NoError(t, err)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "client", client)
	assert.Equal(t, "sberbank.Client{sberbank legacy https://3dsec.sberbank.ru/payment/rest}", client.String())
	for _, text := range []string{
		conf.String(), fmt.Sprintf("%v %+v %#v %s", client, client, client, client), fmt.Sprintf("%+v", &LegacyClient{client}), fmt.Sprintf("%v %+v %#v", conf, conf, conf), log.String(),
		fmt.Sprintf("%v %#v", CardPayment{PAN: secrets[3], CVC: secrets[5]}, CardPayment{PAN: secrets[3], CVC: secrets[5]}),
		fmt.Sprintf("%v %#v", BindingPayment{CVC: secrets[5]}, BindingPayment{CVC: secrets[5]}),
		fmt.Sprintf("%v %#v", BindingsByRequest{PAN: secrets[3]}, BindingsByRequest{PAN: secrets[3]}),
		fmt.Sprintf("%v %#v", NewBinding{PAN: secrets[3]}, NewBinding{PAN: secrets[3]}),
		fmt.Sprintf("%v %#v", InstantRefundRequest{PAN: secrets[3]}, InstantRefundRequest{PAN: secrets[3]}),
		fmt.Sprintf("%v %#v", PasswordAnswer{Password: "Secret-Password-18"}, PasswordAnswer{Password: "Secret-Password-18"}),
		fmt.Sprintf("%v %#v", APIKey{Key: "Tmp123"}, APIKey{Key: "Tmp123"}),
		fmt.Sprintf("%v %#v", MirPayRequest{PaymentToken: "Tmp123"}, MirPayRequest{PaymentToken: "Tmp123"}),
		fmt.Sprintf("%v %#v", WalletPayment{PaymentToken: "Tmp123"}, WalletPayment{PaymentToken: "Tmp123"}),
	} {
		for _, secret := range secrets {
			assert.NotContains(t, text, secret)
		}
	}
}

func TestAPIKeyAndPassword(t *testing.T) {
	b := newBank(t).on("generate", `{"id":"1","apikey":"AC+F ","message":"Api-key успешно создан"}`).on("set-permanent-password", `{"login:":"shop417","password":"1QehGauqqdh6eGO0t3x"}`)
	key, err := b.client(ProtocolJSON).GenerateAPIKey(context.Background(), "mobile")
	require.NoError(t, err)
	assert.Equal(t, "AC+F", key.Key.String())
	a, err := b.client(ProtocolJSON).SetPermanentPassword(context.Background(), "shop417", "Tmp123", "")
	require.NoError(t, err)
	assert.Equal(t, "1QehGauqqdh6eGO0t3x", a.Password.String())
	b = newBank(t).on("set-permanent-password", `{"errorCode":"7","description":"SystemError"}`)
	_, err = b.client(ProtocolJSON).SetPermanentPassword(context.Background(), "shop417", "Tmp123", "")
	assert.ErrorContains(t, err, "SystemError")
}
