package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

func examine(t *testing.T, env map[string]string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(context.Background(), args, func(name string) string { return env[name] }, &out)
	return code, out.String()
}

func sber(t *testing.T) (*sberbanktest.Server, map[string]string) {
	t.Helper()
	bank := sberbanktest.NewServer()
	t.Cleanup(bank.Close)
	c := bank.Config()
	return bank, map[string]string{"SBERBANK_USERNAME": c.UserName, "SBERBANK_PASSWORD": c.Password, "SBERBANK_BASE_URL": c.BaseURL, "SBERBANK_CALLBACK_KEY": c.CallbackKey}
}

func TestUsage(t *testing.T) {
	code, out := examine(t, nil)
	assert.Equal(t, 2, code)
	assert.Contains(t, out, "SBERBANK_USERNAME")
	code, out = examine(t, nil, "sberbank")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "SBERBANK_PASSWORD is not set")
}

func TestHealthy(t *testing.T) {
	_, env := sber(t)
	code, out := examine(t, env, "sberbank")
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "the credentials are good")
	assert.Contains(t, out, "HMAC-SHA256")
	assert.NotContains(t, out, env["SBERBANK_PASSWORD"])
	assert.NotContains(t, out, env["SBERBANK_CALLBACK_KEY"])
}

func TestWrongPassword(t *testing.T) {
	_, env := sber(t)
	env["SBERBANK_PASSWORD"] = "guessed-in-vain"
	code, out := examine(t, env, "sberbank")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "refuses the credentials")
	assert.NotContains(t, out, "guessed-in-vain")
}

func TestUnreachable(t *testing.T) {
	_, env := sber(t)
	env["SBERBANK_BASE_URL"] = "http://127.0.0.1:1/x"
	code, out := examine(t, env, "sberbank")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "there is no connection to 127.0.0.1:1")
}

// TestUntrusted: a certificate of nobody's is explained, not accepted.
func TestUntrusted(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	defer srv.Close()
	_, env := sber(t)
	env["SBERBANK_BASE_URL"] = srv.URL
	code, out := examine(t, env, "sberbank")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "is not trusted")
	assert.Contains(t, out, "Acme Co", "who issued it")
}

func TestCallbackAddress(t *testing.T) {
	for status, want := range map[int]string{200: "anybody could report a payment", 401: "asks for a login", 404: "the path is not", 302: "redirects", 500: "fails", 403: "refuses an unsigned call"} {
		hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
		_, env := sber(t)
		env["SBERBANK_CALLBACK_URL"] = hook.URL
		code, out := examine(t, env, "sberbank")
		assert.Equal(t, 1, code, "an address of this machine is never right")
		assert.Contains(t, out, want)
		assert.Contains(t, out, "not https")
		hook.Close()
	}
	_, env := sber(t)
	env["SBERBANK_CALLBACK_URL"] = "nonsense"
	_, out := examine(t, env, "sberbank")
	assert.Contains(t, out, "is not one")
	u, _ := url.Parse("https://10.0.0.1:8443/x")
	assert.True(t, inner(u.Hostname()))
	assert.Equal(t, "8443", portOf(u))
	assert.False(t, inner("shop.example"))
}

// TestProviders: each provider is examined in good health and with
// a wrong secret.
func TestProviders(t *testing.T) {
	kom := komtettest.NewServer()
	t.Cleanup(kom.Close)
	pk := paykeepertest.NewServer()
	t.Cleanup(pk.Close)
	pm := paymastertest.NewServer()
	t.Cleanup(pm.Close)
	bank := tochkatest.NewServer()
	t.Cleanup(bank.Close)
	alfa := alfabanktest.NewServer()
	t.Cleanup(alfa.Close)
	for name, c := range map[string]struct {
		env    map[string]string
		secret string
	}{
		"paymaster": {map[string]string{"PAYMASTER_MERCHANT_ID": pm.Config().MerchantID, "PAYMASTER_TOKEN": pm.Config().Token, "PAYMASTER_BASE_URL": pm.URL}, "PAYMASTER_TOKEN"},
		"paymaster-classic": {map[string]string{"PAYMASTER_CLASSIC_MERCHANT_ID": pm.ClassicConfig().MerchantID, "PAYMASTER_CLASSIC_SECRET_KEY": pm.ClassicConfig().SecretKey,
			"PAYMASTER_CLASSIC_BASE_URL": pm.URL, "PAYMASTER_CLASSIC_LOGIN": pm.ClassicConfig().Login, "PAYMASTER_CLASSIC_PASSWORD": pm.ClassicConfig().Password}, "PAYMASTER_CLASSIC_PASSWORD"},
		"tochka": {map[string]string{"TOCHKA_TOKEN": bank.Config().Token, "TOCHKA_BASE_URL": bank.Config().BaseURL, "TOCHKA_ENVIRONMENT": bank.Config().Environment.String()}, "TOCHKA_TOKEN"},
		"alfabank": {map[string]string{"ALFABANK_USERNAME": alfa.Config().UserName, "ALFABANK_PASSWORD": alfa.Config().Password, "ALFABANK_BASE_URL": alfa.Config().BaseURL,
			"ALFABANK_CALLBACK_KEY": alfa.Config().CallbackKey}, "ALFABANK_PASSWORD"},
		"komtet": {map[string]string{"KOMTET_SHOP_ID": kom.Config().ShopID, "KOMTET_SECRET": kom.Config().Secret, "KOMTET_BASE_URL": kom.URL,
			"KOMTET_QUEUE_ID": strconv.Itoa(kom.Config().QueueID)}, "KOMTET_SECRET"},
		"paykeeper": {map[string]string{"PAYKEEPER_SERVER": pk.URL, "PAYKEEPER_USER": pk.Config().User, "PAYKEEPER_PASSWORD": pk.Config().Password,
			"PAYKEEPER_SECRET": pk.Config().Secret}, "PAYKEEPER_PASSWORD"},
	} {
		code, out := examine(t, c.env, name)
		assert.Equal(t, 0, code, out)
		assert.Contains(t, out, "the credentials are good")
		c.env[c.secret] = "guessed-in-vain"
		code, out = examine(t, c.env, name)
		assert.Equal(t, 1, code, out)
		assert.Contains(t, out, "refuses the credentials")
		assert.NotContains(t, out, "guessed-in-vain")
	}
}

func TestOrangeDataCertificate(t *testing.T) {
	srv := orangedatatest.NewServer(orangedatatest.WithPlainHTTP())
	t.Cleanup(srv.Close)
	c := srv.Config()
	dir := t.TempDir()
	env := map[string]string{"ORANGEDATA_INN": c.INN, "ORANGEDATA_BASE_URL": srv.URL}
	for name, data := range map[string][]byte{"ORANGEDATA_PRIVATE_KEY": c.PrivateKey, "ORANGEDATA_CERTIFICATE": c.Certificate, "ORANGEDATA_CERTIFICATE_KEY": c.CertificateKey} {
		env[name] = filepath.Join(dir, name)
		assert.NoError(t, os.WriteFile(env[name], data, 0o600))
	}
	code, out := examine(t, env, "orangedata")
	assert.Equal(t, 0, code, out)
	env["ORANGEDATA_KEY_NAME"] = "someone-else"
	code, out = examine(t, env, "orangedata")
	assert.Equal(t, 1, code, out)
	env["ORANGEDATA_CERTIFICATE"] = filepath.Join(dir, "nothing")
	_, out = examine(t, env, "orangedata")
	assert.Contains(t, out, "ORANGEDATA_CERTIFICATE")
}

// asked is a provider that answers as it is told.
type asked struct{ err error }

func (a asked) Check(context.Context) error { return a.err }

// TestElsewhere: refused credentials are tried where else they may belong.
func TestElsewhere(t *testing.T) {
	refused := &acquiring.Error{Kind: acquiring.ErrUnauthorized}
	at := func(name string, err error) elsewhere {
		return elsewhere{name, func() (acquiring.Checker, error) { return asked{err}, nil }}
	}
	var out bytes.Buffer
	r := &report{out: &out}
	r.credentials(context.Background(), examination{environment: acquiring.Test, checker: at("", refused).checker,
		others: []elsewhere{at("the moon", refused), at("the sun", &acquiring.Error{Kind: acquiring.ErrUnavailable}), at("production", nil), at("nowhere", nil)}})
	assert.Contains(t, out.String(), "refuses the credentials")
	assert.Contains(t, out.String(), "not good at the moon either")
	assert.Contains(t, out.String(), "the sun could not be asked")
	assert.Contains(t, out.String(), "they are good at production")
	assert.NotContains(t, out.String(), "nowhere")
}
