package rest

import (
	"crypto/sha256"
	"crypto/x509"
	_ "embed" // for the certificates
	"encoding/hex"
	"encoding/pem"
	"sync"

	"github.com/acquiring-go/acquiring"
)

var (
	//go:embed roots/russian_trusted_root_ca.pem
	rootCA []byte
	//go:embed roots/russian_trusted_sub_ca_2022.pem
	subCA2022 []byte
	//go:embed roots/russian_trusted_sub_ca_2024.pem
	subCA2024 []byte
)

// rootDigests are the SHA-256 digests of the certificates of the Russian
// Trusted CA (НУЦ Минцифры), https://www.gosuslugi.ru/crt, as published. Both
// Sub CAs are needed: servers often leave their intermediate out, Go fetches
// none, and the two have the same name.
var rootDigests = []struct {
	text   []byte
	digest string
}{
	{rootCA, "d26d2d0231b7c39f92cc738512ba54103519e4405d68b5bd703e9788ca8ecf31"},
	{subCA2022, "bbbde2103e790b999ec62bd03cf625a5a2e7c316e10afe6a490eedead8b3fd9b"},
	{subCA2024, "2155785036c900dbb5f1bb2a1569c80c55595bd6bf94867a29bbddbc7d88a3f2"},
}

// RussianRoots are the three certificates. One whose digest is not the
// published one is not among them.
var RussianRoots = sync.OnceValue(func() []*x509.Certificate {
	var certs []*x509.Certificate
	for _, root := range rootDigests {
		block, _ := pem.Decode(root.text)
		if block == nil {
			continue
		}
		if sum := sha256.Sum256(block.Bytes); hex.EncodeToString(sum[:]) != root.digest {
			continue
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			certs = append(certs, cert)
		}
	}
	return certs
})

// TrustedRoots are those of pool, or of the system where it is nil, with the
// certificates of the PEM text and, if russian, the three Russian ones. The
// pool that was given is not changed. The error names Config.RootCAs.
func TrustedRoots(pool *x509.CertPool, text []byte, russian bool) (*x509.CertPool, error) {
	if pool != nil {
		pool = pool.Clone()
	} else {
		var err error
		if pool, err = x509.SystemCertPool(); err != nil {
			pool = x509.NewCertPool()
		}
	}
	if russian {
		addRussianRoots(pool)
	}
	if len(text) > 0 && !pool.AppendCertsFromPEM(text) {
		return nil, acquiring.Invalid("Config.RootCAs", "holds no certificate in PEM")
	}
	return pool, nil
}

// addRussianRoots adds them to a pool of one client's own: none of them is
// limited to a domain, so the pool must never be the program's.
func addRussianRoots(pool *x509.CertPool) {
	for _, cert := range RussianRoots() {
		pool.AddCert(cert)
	}
}
