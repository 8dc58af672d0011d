package alfabank

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// Which installation follows from the login, or is set.
func TestInstallations(t *testing.T) {
	login := func(name string) Config {
		return Config{Environment: acquiring.Production, UserName: name, Password: "p"}
	}
	with := func(c Config, change func(*Config)) Config { change(&c); return c }
	for want, conf := range map[string]Config{
		ProductionURLPayment:              login("r-teashop-api"),
		ProductionURLPay:                  login("teashop-api"),
		ProductionURLEcom:                 with(login("r-teashop-api"), func(c *Config) { c.Installation = InstallationEcom }),
		TestURL:                           {Environment: acquiring.Test, UserName: "r-teashop-api", Password: "p"},
		TestURL + "?":                     {Environment: acquiring.Test, UserName: "teashop-api", Password: "p"},
		TestURLEcom:                       {Environment: acquiring.Test, UserName: "a-api", Password: "p", Installation: InstallationEcom},
		ProductionURLPay + "?":            with(login("r-teashop-api"), func(c *Config) { c.Installation = InstallationPay }),
		ProductionURLPayment + "?":        with(login("teashop-api"), func(c *Config) { c.Installation = InstallationPayment }),
		ProductionURLPay + "??":           {Environment: acquiring.Production, Token: "t", Installation: InstallationPay},
		"http://127.0.0.1:9/payment/rest": with(login("a-api"), func(c *Config) { c.BaseURL = "http://127.0.0.1:9/" }),
		"http://127.0.0.1:9/api/rest":     with(login("a-api"), func(c *Config) { c.BaseURL, c.Installation = "http://127.0.0.1:9", InstallationEcom }),
		"http://127.0.0.1:9/x/rest":       with(login("a-api"), func(c *Config) { c.BaseURL = "http://127.0.0.1:9/x/rest/" }),
	} {
		c, err := New(conf)
		require.NoError(t, err, want)
		assert.Equal(t, string(bytes.TrimRight([]byte(want), "?")), c.gate.REST.BaseURL())
	}
	for i, word := range map[Installation]string{InstallationByLogin: "by login", InstallationPayment: "payment", InstallationPay: "pay", InstallationEcom: "ecom"} {
		assert.Equal(t, word, i.String())
	}
	c, err := New(with(login("a-api"), func(c *Config) { c.Installation = InstallationEcom }))
	require.NoError(t, err)
	assert.Equal(t, "https://ecom.alfabank.ru/api/alfapay/payment.do", c.alfaPay)
	c, err = New(with(login("a-api"), func(c *Config) { c.AlfaPayURL = "https://other.example/alfapay" }))
	require.NoError(t, err)
	assert.Equal(t, "https://other.example/alfapay", c.alfaPay)
}

func TestBadConfigsAreRefused(t *testing.T) {
	good := Config{Environment: acquiring.Test, UserName: "r-teashop-api", Password: password}
	for field, change := range map[string]func(*Config){
		"Environment": func(c *Config) { c.Environment = 0 }, "Installation": func(c *Config) { c.Installation = 9 },
		"Installation ": func(c *Config) { *c = Config{Environment: acquiring.Production, Token: "t"} },
		"Token":         func(c *Config) { c.Token = "t" }, "Token ": func(c *Config) { *c = Config{Environment: acquiring.Test, Token: "т"} },
		"UserName": func(c *Config) { c.UserName = "" }, "UserName ": func(c *Config) { c.UserName = "r-teashop-operator" }, "UserName  ": func(c *Config) { c.UserName = "лавка" },
		"Password": func(c *Config) { c.Password = "" }, "MerchantLogin": func(c *Config) { c.MerchantLogin = "я" },
		"BaseURL": func(c *Config) { c.BaseURL = "alfa.rbsuat.com" }, "BaseURL ": func(c *Config) { c.BaseURL = "https://alfa.rbsuat.com/payment" },
		"BaseURL  ":   func(c *Config) { c.BaseURL = "https://u:p@alfa.rbsuat.com" },
		"CallbackKey": func(c *Config) { c.CallbackKey = "-----BEGIN PUBLIC KEY-----" }, "CallbackPublicKey": func(c *Config) { c.CallbackPublicKey = "x" },
		"CallbackKey ":  func(c *Config) { c.CallbackKey, c.CallbackPublicKey = "a", "b" },
		"CallbackKey  ": func(c *Config) { c.CallbackKey = "copied with a line break\n" }, "Password ": func(c *Config) { c.Password += "\n" },
		"CallbackDrop": func(c *Config) { c.CallbackDrop = []string{"status"} }, "CallbackOptional": func(c *Config) { c.CallbackOptional = []string{"amount"} },
		"CallbackOptional ": func(c *Config) { c.CallbackOptional = []string{"mdOrder", "orderNumber"} },
		"Features":          func(c *Config) { c.Features = []string{"A,B"} }, "FFD": func(c *Config) { c.FFD = "1.1" }, "TaxSystem": func(c *Config) { c.TaxSystem = 3 },
		"VATCodes": func(c *Config) { c.VATCodes = map[fiscal.VAT]int{fiscal.VAT22: -1} }, "RawPositionMethod": func(c *Config) { c.RawPositionMethod = "й" },
		"AlfaPayURL": func(c *Config) { c.AlfaPayURL = "alfapay" }, "RootCAs": func(c *Config) { c.RootCAs = []byte("x") },
	} {
		conf := good
		change(&conf)
		_, err := New(conf)
		e := problem(t, err)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
		assert.Equal(t, "Config."+string(bytes.TrimSpace([]byte(field))), e.Field, field)
		assert.NotContains(t, err.Error(), password)
	}
}

func TestConfigHidesSecrets(t *testing.T) {
	conf := Config{Environment: acquiring.Test, UserName: "r-teashop-api", Password: password, CallbackKey: "callback-secret", Shop: "tea"}
	c, err := New(conf)
	require.NoError(t, err)
	provider, shop := c.Name()
	assert.Equal(t, "alfabank tea", provider+" "+shop)
	token := Config{Environment: acquiring.Test, Token: "opentoken"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", conf, "client", c, "token", token)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", conf, conf, conf, conf), fmt.Sprintf("%v %+v %#v", c, c, c), fmt.Sprintf("%+v", token), log.String()} {
		for _, secret := range []string{password, "callback-secret", "opentoken"} {
			assert.NotContains(t, text, secret)
		}
	}
	assert.Contains(t, log.String(), "r-teashop-api")
}

// Further roots are PEM of real certificates.
func TestRoots(t *testing.T) {
	b := newBank(t)
	pool := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	_, err := New(Config{Environment: acquiring.Test, BaseURL: b.URL, UserName: "u-api", Password: "p", RootCAs: pool})
	assert.Equal(t, "Config.RootCAs", problem(t, err).Field)
}

func TestInvoicesThatAreRefusedBeforeSending(t *testing.T) {
	b := newBank(t)
	for field, change := range map[string]func(*acquiring.InvoiceRequest){
		"OrderID": func(r *acquiring.InvoiceRequest) { r.OrderID = "A 1" }, "OrderID ": func(r *acquiring.InvoiceRequest) { r.OrderID = "Заказ" },
		"OrderID  ": func(r *acquiring.InvoiceRequest) { r.OrderID = "123456789012345678901234567890123" },
		"Amount":    func(r *acquiring.InvoiceRequest) { r.Amount = 1_000_000_000_000 }, "Currency": func(r *acquiring.InvoiceRequest) { r.Currency = "USD" },
		"Customer.ID": func(r *acquiring.InvoiceRequest) { r.Customer.ID = "a\n" }, "Customer.Email": func(r *acquiring.InvoiceRequest) { r.Customer.Email = "нет" },
		"Customer.Phone": func(r *acquiring.InvoiceRequest) { r.Customer.Phone = "8 916" }, "TTL": func(r *acquiring.InvoiceRequest) { r.TTL = time.Millisecond },
		"ReturnURL": func(r *acquiring.InvoiceRequest) { r.ReturnURL = "" }, "ReturnURL ": func(r *acquiring.InvoiceRequest) { r.ReturnURL = "https://чай.рф" },
		"ReturnURL  ": func(r *acquiring.InvoiceRequest) { r.ReturnURL = "./ok" }, "FailURL": func(r *acquiring.InvoiceRequest) {
			r.FailURL = "https://a.example/" + string(bytes.Repeat([]byte("a"), 500))
		},
		"Language": func(r *acquiring.InvoiceRequest) { r.Language = "pt" }, "Metadata[penalty]": func(r *acquiring.InvoiceRequest) { r.Metadata = map[string]string{"penalty": "1"} },
		"Metadata[a]":   func(r *acquiring.InvoiceRequest) { r.Metadata = map[string]string{"a": "\xff"} },
		"Extra[amount]": func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"amount": "1"} },
	} {
		r := plainInvoice()
		change(&r)
		_, err := b.client().CreateInvoice(ctx, r)
		assert.Equal(t, string(bytes.TrimSpace([]byte(field))), problem(t, err).Field, field)
	}
	r := plainInvoice()
	r.CallbackURL = "http://a.example"
	_, err := b.client(func(c *Config) { c.Environment = acquiring.Production }).CreateInvoice(ctx, r)
	assert.Equal(t, "CallbackURL", problem(t, err).Field)
	assert.Empty(t, b.asked)

	b.on("register.do", registeredOK)
	any := func(c *Config) { c.AnyOrderNumber = true }
	r = plainInvoice()
	for _, number := range []string{"Заказ №77/б", "12345678-1234-1234-1234-123456789012"} {
		r.OrderID = number
		_, err = b.client(any).CreateInvoice(ctx, r)
		assert.NoError(t, err)
		assert.Equal(t, number, b.last("register.do").form(t).Get("orderNumber"))
	}
	for _, number := range []string{"a;b", " a", "1234567890123456789012345678901234567"} {
		r.OrderID = number
		_, err = b.client(any).CreateInvoice(ctx, r)
		assert.Equal(t, "OrderID", problem(t, err).Field, number)
	}
	for language, word := range map[string]string{"uk": "ua", "be": "ru", "KK": "kz", "zh": "zh"} {
		r = plainInvoice()
		r.Language, r.Extra, r.Description = language, map[string]string{"jsonParams.backToShopName": "Лавка"}, "a"
		r.Customer.Email = "a-very-long-address-of-a-customer@mail.example.org"
		_, err = b.client().CreateInvoice(ctx, r)
		require.NoError(t, err)
		got := b.last("register.do").form(t)
		assert.Equal(t, word, got.Get("language"))
		assert.JSONEq(t, `{"backToShopName":"Лавка"}`, got.Get("jsonParams"))
		assert.False(t, got.Has("email"), "the bank takes 40 characters")
	}
}

// The host of each login, from the published samples.
func TestPublishedHosts(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "samples", "alfabank", "requests", "hosts.json"))
	if err != nil {
		t.Skip("skipped: the published samples are not beside the repository")
	}
	var hosts struct {
		Cases []struct {
			Login, Base string
			Test        bool
		}
	}
	require.NoError(t, json.Unmarshal(data, &hosts))
	require.NotEmpty(t, hosts.Cases)
	for _, h := range hosts.Cases {
		env := acquiring.Production
		if h.Test {
			env = acquiring.Test
		}
		c, err := New(Config{Environment: env, UserName: h.Login, Password: "p"})
		require.NoError(t, err)
		assert.Equal(t, h.Base, c.gate.REST.BaseURL()+"/")
	}
}
