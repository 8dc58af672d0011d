package orangedata_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
)

// Organisation, group and key name of the protocol's worked examples.
const (
	testINN   = "7801234564"
	testGroup = "Main_2"
	testKey   = "7801234564_4242"
)

// now is a day of the examples: the basic rate is 22 %.
var now = time.Date(2026, 11, 21, 14, 0, 0, 0, time.FixedZone("MSK", 3*60*60))

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

func publicKey(t testing.TB) *rsa.PublicKey {
	t.Helper()
	key, err := orangedata.ParsePublicKey(file(t, "public.pem"))
	require.NoError(t, err)
	return key
}

// seen is one request that came.
type seen struct {
	Method, Path string
	Body         string
}

// service plays the provider from a script: one answer for each request, in
// order. It is strict: a request that is not signed, or a GET that is, fails
// the test.
type service struct {
	t       testing.TB
	server  *httptest.Server
	public  *rsa.PublicKey
	mu      sync.Mutex
	script  []answer
	seen    []seen
	lasting *answer // when the script is over; nil: the test fails
}

type answer struct {
	status int
	body   string
	header map[string]string
	cut    bool // the connection breaks instead
}

func newService(t testing.TB, script ...answer) *service {
	s := &service{t: t, public: publicKey(t), script: script}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("the body breaks off: %v", err)
	}
	signature := r.Header.Values("X-Signature")
	switch r.Method {
	case http.MethodPost:
		if got := r.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			s.t.Errorf("Content-Type is %q", got)
		}
		if int64(len(body)) != r.ContentLength {
			s.t.Errorf("Content-Length is %d, the body has %d bytes", r.ContentLength, len(body))
		}
		if len(signature) != 1 || !verify(s.public, body, signature[0]) {
			s.t.Errorf("the signature of %s is wrong: %q", r.URL.Path, signature)
		}
	case http.MethodGet:
		if len(signature) != 0 || len(body) != 0 {
			s.t.Errorf("GET %s is signed or has a body", r.URL.Path)
		}
	default:
		s.t.Errorf("method %s", r.Method)
	}
	if r.URL.RawQuery != "" {
		s.t.Errorf("%s has a query: %q", r.URL.Path, r.URL.RawQuery)
	}
	s.mu.Lock()
	s.seen = append(s.seen, seen{r.Method, r.URL.EscapedPath(), string(body)})
	var a answer
	switch {
	case len(s.script) > 0:
		a, s.script = s.script[0], s.script[1:]
	case s.lasting != nil:
		a = *s.lasting
	default:
		s.t.Errorf("%s %s was not expected", r.Method, r.URL.Path)
		a.status = http.StatusTeapot
	}
	s.mu.Unlock()
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func (s *service) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

func verify(key *rsa.PublicKey, body []byte, signature string) bool {
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	digest := sha256.Sum256(body)
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw) == nil
}

// config is a working Config for the service.
func (s *service) config() orangedata.Config {
	return orangedata.Config{Environment: acquiring.Test, BaseURL: s.server.URL, INN: testINN, Group: testGroup, KeyName: testKey,
		PrivateKey: file(s.t, "key.xml"), HTTPClient: s.server.Client(), TaxSystem: fiscal.TaxGeneral, Retries: -1}
}

func (s *service) client(change ...func(*orangedata.Config)) *orangedata.Client {
	s.t.Helper()
	conf := s.config()
	for _, f := range change {
		f(&conf)
	}
	return newClient(s.t, conf)
}

func newClient(t testing.TB, conf orangedata.Config) *orangedata.Client {
	t.Helper()
	c, err := orangedata.New(conf)
	require.NoError(t, err)
	c.SetNow(now)
	return c
}

// offline is a Client that no test lets call.
func offline(t testing.TB, change ...func(*orangedata.Config)) *orangedata.Client {
	t.Helper()
	conf := orangedata.Config{Environment: acquiring.Test, BaseURL: "http://127.0.0.1:1", INN: testINN, Group: testGroup, KeyName: testKey,
		PrivateKey: file(t, "key.pem"), HTTPClient: &http.Client{}, TaxSystem: fiscal.TaxGeneral, GroupByFFD: map[fiscal.FFD]string{fiscal.FFD105: "Main"}}
	for _, f := range change {
		f(&conf)
	}
	return newClient(t, conf)
}

// tea is the receipt of the first worked example.
func tea() fiscal.Receipt {
	return fiscal.Receipt{ID: "shop-1001-sale", Type: fiscal.Sale, Contact: fiscal.Contact{Email: "buyer@example.org"},
		Lines: []fiscal.Line{{Name: "Чай «Иван», 100 г", Price: 14990, Quantity: fiscal.Pieces(2), VAT: fiscal.VAT22, Method: fiscal.FullPayment, Subject: fiscal.Goods}}}
}

// authority is a CA made for one test, with a server's and a client's
// certificate.
type authority struct {
	pem            []byte
	pool           *x509.CertPool
	server         tls.Certificate
	client         tls.Certificate
	clientPEM      []byte
	clientKeyPEM   []byte
	strangerPEM    []byte // of another authority
	strangerKeyPEM []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a, err := makeAuthority()
	require.NoError(t, err)
	return a
}

func makeAuthority() (*authority, error) {
	a := &authority{pool: x509.NewCertPool()}
	ca, err := issue(nil, "Test CA")
	if err != nil {
		return nil, err
	}
	a.pem = ca.certPEM
	a.pool.AddCert(ca.cert)
	server, err := issue(ca, "127.0.0.1")
	if err != nil {
		return nil, err
	}
	client, err := issue(ca, "7801234564")
	if err != nil {
		return nil, err
	}
	stranger, err := issue(nil, "Stranger")
	if err != nil {
		return nil, err
	}
	a.clientPEM, a.clientKeyPEM = client.certPEM, client.keyPEM
	a.strangerPEM, a.strangerKeyPEM = stranger.certPEM, stranger.keyPEM
	if a.server, err = tls.X509KeyPair(server.certPEM, server.keyPEM); err != nil {
		return nil, err
	}
	a.client, err = tls.X509KeyPair(client.certPEM, client.keyPEM)
	return a, err
}

// issued is a certificate and its key.
type issued struct {
	key             *rsa.PrivateKey
	cert            *x509.Certificate
	certPEM, keyPEM []byte
}

// issue makes a certificate, signed by itself without a parent.
func issue(parent *issued, name string) (*issued, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: parent == nil,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	by := &issued{key: key, cert: tmpl}
	if parent != nil {
		by = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, by.cert, &key.PublicKey, by.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &issued{key: key, cert: cert, certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), keyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})}, nil
}
