package orangedatatest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"
)

// pair is a certificate and its key in PEM.
type pair struct {
	cert, key []byte
	parsed    *x509.Certificate
	private   crypto.Signer
}

// pki are the certificates of one emulator: the service's authority, the
// server's and the client's certificates, and a client's of a foreign
// authority.
type pki struct {
	ca, server, client, foreign pair
}

// newPKI is the same for all emulators of a process: making keys takes longer
// than a test.
var newPKI = sync.OnceValue(func() *pki {
	p := &pki{}
	p.ca = issue("www.orangedata.test", curve(), nil, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign })
	p.server = issue("apip.orangedata.test", curve(), &p.ca, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
		c.DNSNames = []string{"localhost"}
	})
	client := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	// Merchants' certificates are RSA; the others may be what is made fastest.
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	p.client = issue("orangedata.test", key, &p.ca, client)
	stranger := issue("elsewhere.test", curve(), nil, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign })
	p.foreign = issue("orangedata.test", key, &stranger, client)
	return p
})

func curve() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	return key
}

func issue(name string, key crypto.Signer, parent *pair, change func(*x509.Certificate)) pair {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	must(err)
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true}
	change(template)
	signer, issuer := key, template
	if parent != nil {
		signer, issuer = parent.private, parent.parsed
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	must(err)
	parsed, err := x509.ParseCertificate(der)
	must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	return pair{cert: block("CERTIFICATE", der), key: block("PRIVATE KEY", private), parsed: parsed, private: key}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func must(err error) {
	if err != nil {
		panic("orangedatatest: " + err.Error())
	}
}

// serverConfig asks for a client certificate and leaves judging it to the
// handler.
func (p *pki) serverConfig() *tls.Config {
	cert, err := tls.X509KeyPair(p.server.cert, p.server.key)
	must(err)
	return &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
}

// testKey is the signing key of the default organisation.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return key
})

func testKeyPEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(testKey())
	must(err)
	return block("PRIVATE KEY", der)
}

func fingerprintOf(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw) // as the service's front shows it
	return hex.EncodeToString(sum[:])
}
