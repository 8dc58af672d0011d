package orangedata_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Each rule of Config has a case that breaks just that rule.
func TestNewRefuses(t *testing.T) {
	a := newAuthority(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := orangedata.ParsePrivateKey(file(t, "key.pem"), "")
	require.NoError(t, err)
	good := func() orangedata.Config {
		return orangedata.Config{Environment: acquiring.Test, INN: testINN, PrivateKey: file(t, "key.xml"), Certificate: a.clientPEM, CertificateKey: a.clientKeyPEM}
	}
	_, err = orangedata.New(good())
	require.NoError(t, err)

	for _, c := range []struct {
		field  string
		change func(*orangedata.Config)
	}{
		{"Config.Environment", func(c *orangedata.Config) { c.Environment = 0 }},
		{"Config.BaseURL", func(c *orangedata.Config) { c.BaseURL = "apip.orangedata.ru:2443" }},
		{"Config.INN", func(c *orangedata.Config) { c.INN = "" }},
		{"Config.INN", func(c *orangedata.Config) { c.INN = "78012345" }},
		{"Config.INN", func(c *orangedata.Config) { c.INN = "780123456A" }},
		{"Config.INN", func(c *orangedata.Config) { c.Environment = acquiring.Production; c.INN = "1234567890" }},
		{"Config.KeyName", func(c *orangedata.Config) { c.KeyName = strings.Repeat("7", 33) }},
		{"Config.FFD", func(c *orangedata.Config) { c.FFD = "1.1" }},
		{"Config.Group", func(c *orangedata.Config) { c.Group = strings.Repeat("M", 33) }},
		{"Config.GroupByFFD", func(c *orangedata.Config) { c.GroupByFFD = map[fiscal.FFD]string{"1.1": "Main"} }},
		{"Config.GroupByFFD", func(c *orangedata.Config) { c.GroupByFFD = map[fiscal.FFD]string{fiscal.FFD105: ""} }},
		{"Config.GroupByFFD", func(c *orangedata.Config) { c.GroupByFFD = map[fiscal.FFD]string{fiscal.FFD12: "Other_2"} }},
		{"Config.GroupKind", func(c *orangedata.Config) { c.GroupKind = 9 }},
		{"Config.Text", func(c *orangedata.Config) { c.Text = 9 }},
		{"Config.TaxSystem", func(c *orangedata.Config) { c.TaxSystem = 3 }},
		{"Config.PrivateKey", func(c *orangedata.Config) { c.PrivateKey = nil }},
		{"Config.PrivateKey", func(c *orangedata.Config) { c.PrivateKey = []byte("x") }},
		{"Config.PrivateKey", func(c *orangedata.Config) { c.PrivateKey = file(t, "public.pem") }},
		{"Config.PrivateKey", func(c *orangedata.Config) { c.Environment = acquiring.Production; c.PrivateKey = a.clientKeyPEM }},
		{"Config.Signer", func(c *orangedata.Config) { c.Signer = key }},
		{"Config.Signer", func(c *orangedata.Config) { c.PrivateKey, c.Signer = nil, ec }},
		{"Config.Certificate", func(c *orangedata.Config) { c.Certificate, c.CertificateKey = nil, nil }},
		{"Config.Certificate", func(c *orangedata.Config) { c.Certificate = []byte("x") }},
		{"Config.CertificateKey", func(c *orangedata.Config) { c.CertificateKey = file(t, "key.pem") }},
		{"Config.TLSCertificate", func(c *orangedata.Config) { c.TLSCertificate = &a.client }},
		{"Config.TLSCertificate", func(c *orangedata.Config) { c.Certificate = nil; c.TLSCertificate = &tls.Certificate{} }},
		{"Config.RootCAs", func(c *orangedata.Config) { c.RootCAs = []byte("x") }},
		{"Config.RootCAs", func(c *orangedata.Config) { c.RootCAs = []byte("x"); c.HTTPClient = &http.Client{} }},
		{"Config.CallbackURL", func(c *orangedata.Config) { c.CallbackURL = "/callback" }},
		{"Config.CallbackURL", func(c *orangedata.Config) { c.CallbackURL = "https://shop.example/cb?odkey=1" }},
		{"Config.CallbackSecret", func(c *orangedata.Config) {
			c.PrivateKey, c.Signer, c.CallbackURL = nil, key, "https://shop.example/cb"
		}},
		{"Config.CallbackAPIKey", func(c *orangedata.Config) { c.CallbackAPIKey = strings.Repeat("k", 3073) }},
		{"Config.CallbackAPIKey", func(c *orangedata.Config) { c.CallbackAPIKeyHeader = "X-API-Key" }},
		{"Config.HTTPClient", func(c *orangedata.Config) {
			c.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })}
		}},
		{"Config.HTTPClient", func(c *orangedata.Config) {
			c.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		}},
	} {
		conf := good()
		c.change(&conf)
		_, err := orangedata.New(conf)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, c.field)
		assert.Equal(t, c.field, e.Field, "%v", err)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
		assert.Equal(t, "orangedata", e.Provider)
		assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	}
}

// The maps and clients that the Config brings are not changed.
func TestNewChangesNothing(t *testing.T) {
	a := newAuthority(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{}}
	groups := map[fiscal.FFD]string{fiscal.FFD105: "Main"}
	own := &http.Client{Transport: transport}
	conf := orangedata.Config{Environment: acquiring.Test, INN: testINN, PrivateKey: file(t, "key.xml"), Certificate: a.clientPEM, CertificateKey: a.clientKeyPEM,
		RootCAs: a.pem, RussianRoots: true, HTTPClient: own, GroupByFFD: groups}
	_, err := orangedata.New(conf)
	require.NoError(t, err)
	assert.Nil(t, transport.TLSClientConfig.Certificates)
	assert.Nil(t, transport.TLSClientConfig.RootCAs)
	assert.Same(t, transport, own.Transport)
	assert.Len(t, groups, 1)
	assert.Empty(t, conf.Group)
}

// No form of printing a Config shows a secret.
func TestConfigShowsNoSecret(t *testing.T) {
	conf := orangedata.Config{Environment: acquiring.Production, INN: testINN, PrivateKey: file(t, "key.xml"), PrivateKeyPassword: "pass-word-1", Certificate: []byte("public"),
		CertificateKey: []byte("key-of-cert"), CertificatePassword: "pass-word-2", CallbackSecret: "sesame-sesame", CallbackAPIKey: "api-key-api-key",
		CallbackURL: "https://user:pw-in-url@shop.example/cb?token=in-query"}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("config", "conf", conf)
	for _, text := range []string{conf.String(), fmt.Sprint(conf), fmt.Sprintf("%v %+v %#v %s", conf, conf, conf, conf), logged.String()} {
		for _, secret := range []string{"RSAKeyValue", "4Okx4", "key-of-cert", "pass-word", "sesame", "api-key", "pw-in-url", "in-query"} {
			assert.NotContains(t, text, secret)
		}
		assert.Contains(t, text, testINN)
	}
	assert.Contains(t, orangedata.Config{CallbackURL: "://"}.String(), "[hidden]")
}

// hsm is a key that signs and cannot be taken out.
type hsm struct{ crypto.Signer }

// Mutual TLS: the certificate is presented, from PEM, from a ready pair and
// through the user's own client; the server is verified; a Signer signs.
func TestMutualTLS(t *testing.T) {
	a := newAuthority(t)
	var names []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names = append(names, r.TLS.PeerCertificates[0].Subject.CommonName)
		_, _ = w.Write([]byte("Nebula.Api v2"))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{a.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	key, err := orangedata.ParsePrivateKey(file(t, "key.pem"), "")
	require.NoError(t, err)
	base := orangedata.Config{Environment: acquiring.Test, BaseURL: server.URL, INN: testINN, Signer: hsm{key}, RootCAs: a.pem, Retries: -1}

	for name, change := range map[string]func(*orangedata.Config){
		"PEM":        func(c *orangedata.Config) { c.Certificate, c.CertificateKey = a.clientPEM, a.clientKeyPEM },
		"ready pair": func(c *orangedata.Config) { c.TLSCertificate = &a.client },
		"own client": func(c *orangedata.Config) {
			c.Certificate, c.CertificateKey, c.HTTPClient = a.clientPEM, a.clientKeyPEM, &http.Client{Timeout: time.Minute}
		},
		"own transport with the pool": func(c *orangedata.Config) {
			c.TLSCertificate, c.HTTPClient = &a.client, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}}
		},
	} {
		names = nil
		conf := base
		change(&conf)
		c, err := orangedata.New(conf)
		require.NoError(t, err, name)
		require.NoError(t, c.Ping(t.Context()), name)
		assert.Equal(t, []string{"7801234564"}, names, name)
	}

	// The server's certificate is not of a trusted authority: nothing is sent.
	conf := base
	conf.RootCAs, conf.TLSCertificate = nil, &a.client
	c, err := orangedata.New(conf)
	require.NoError(t, err)
	err = c.Ping(t.Context())
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.ErrorContains(t, err, "not trusted")

	// A certificate of another authority: the handshake ends with an alert, and
	// the error says that it is the certificate.
	conf = base
	conf.Certificate, conf.CertificateKey = a.strangerPEM, a.strangerKeyPEM
	c, err = orangedata.New(conf)
	require.NoError(t, err)
	err = c.Ping(t.Context())
	assert.ErrorIs(t, err, orangedata.ErrCertificate)
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.ErrorContains(t, err, "Config.Certificate")
}

// A certificate that is about to end is told of in production.
func TestCertificateEndsSoon(t *testing.T) {
	a := newAuthority(t)
	var logged bytes.Buffer
	_, err := orangedata.New(orangedata.Config{Environment: acquiring.Production, INN: "7727401209", PrivateKey: file(t, "key.xml"), Certificate: a.clientPEM, CertificateKey: a.clientKeyPEM,
		Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	require.NoError(t, err)
	assert.Contains(t, logged.String(), "the client certificate ends soon")
}
