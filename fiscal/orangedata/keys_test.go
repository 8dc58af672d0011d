package orangedata_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
)

// Every form that a signing key comes in gives the same key.
func TestParsePrivateKeyForms(t *testing.T) {
	want, err := orangedata.ParsePrivateKey(file(t, "key.pem"), "")
	require.NoError(t, err)
	require.NoError(t, want.Validate())

	block, _ := pem.Decode(file(t, "key.pem"))
	pkcs1 := x509.MarshalPKCS1PrivateKey(want)
	xml := string(file(t, "key.xml"))
	legacy, err := encryptLegacy(pkcs1, "1111")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		data     []byte
		password string
	}{
		"XML":                                {[]byte(xml), ""},
		"XML with a byte order mark":         {[]byte("\xef\xbb\xbf" + xml + "\r\n"), ""},
		"XML with a prolog":                  {[]byte(`<?xml version="1.0" encoding="utf-8"?>` + "\n" + xml), ""},
		"XML with line breaks in the values": {[]byte(strings.NewReplacer("4Okx4IQliX2v", "\n  4Okx4IQl\r\n  iX2v ", "</D>", "\n</D>\n").Replace(xml)), ""},
		"XML without what can be computed":   {[]byte(cutElements(xml, "DP", "DQ", "InverseQ")), ""},
		"PKCS#8":                             {file(t, "key.pem"), ""},
		"PKCS#8, a password too many":        {file(t, "key.pem"), "1234"},
		"PKCS#8 under the header of PKCS#1":  {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: block.Bytes}), ""},
		"PKCS#1":                             {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs1}), ""},
		"PKCS#1 under the header of PKCS#8":  {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs1}), ""},
		"DER":                                {block.Bytes, ""},
		"behind a certificate":               {append([]byte("Bag Attributes\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), file(t, "key.pem")...), ""},
		"encrypted with DEK-Info":            {pem.EncodeToMemory(legacy), "1111"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := orangedata.ParsePrivateKey(c.data, c.password)
			require.NoError(t, err)
			assert.True(t, want.Equal(key))
		})
	}
}

// encryptLegacy writes the form that openssl had before PKCS#8.
func encryptLegacy(der []byte, password string) (*pem.Block, error) {
	//lint:ignore SA1019 users have such files
	return x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", der, []byte(password), x509.PEMCipherAES256)
}

func cutElements(xml string, names ...string) string {
	for _, name := range names {
		from, to := strings.Index(xml, "<"+name+">"), strings.Index(xml, "</"+name+">")
		xml = xml[:from] + xml[to+len(name)+3:]
	}
	return xml
}

// A key that cannot be used says why, and shows nothing of itself.
func TestParsePrivateKeyRefuses(t *testing.T) {
	xml := string(file(t, "key.xml"))
	plain, err := orangedata.ParsePrivateKey(file(t, "key.pem"), "")
	require.NoError(t, err)
	legacy, err := encryptLegacy(x509.MarshalPKCS1PrivateKey(plain), "1111")
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ecDER, err := x509.MarshalPKCS8PrivateKey(ec)
	require.NoError(t, err)
	pfx := append([]byte{0x30, 0x82, 0x09, 0xa1, 0x02, 0x01, 0x03}, bytes.Repeat([]byte{0x30}, 64)...)
	for name, c := range map[string]struct {
		data     []byte
		password string
		says     string
	}{
		"empty":                      {nil, "", "it is empty"},
		"a word":                     {[]byte("secret"), "", "neither PEM nor <RSAKeyValue>"},
		"huge":                       {bytes.Repeat([]byte("A"), 300<<10), "", "larger than a key"},
		"public half":                {[]byte(orangedata.PublicKeyXML(&plain.PublicKey)), "", "it is the public half"},
		"public half in PEM":         {file(t, "public.pem"), "", "no private key among the PEM blocks (PUBLIC KEY)"},
		"a letter changed in D":      {[]byte(strings.Replace(xml, "<D>XS5A", "<D>XS5B", 1)), "", "do not belong together"},
		"a letter changed in P":      {[]byte(strings.Replace(xml, "<P>8rzl", "<P>8rzm", 1)), "", "<P> times <Q>"},
		"a letter changed in DP":     {[]byte(strings.Replace(xml, "<DP>GBFG", "<DP>GBFH", 1)), "", "<DP> does not belong"},
		"not base64":                 {[]byte(strings.Replace(xml, "<Q>7TL1", "<Q>7T*1", 1)), "", "<Q> is not base64"},
		"no Q":                       {[]byte(cutElements(xml, "Q")), "", "<D>, <P> or <Q> is missing"},
		"no modulus":                 {[]byte(cutElements(xml, "Modulus")), "", "<Modulus> or <Exponent> is missing"},
		"even a huge exponent":       {[]byte(strings.Replace(xml, ">AQAB<", ">AQABAQAB<", 1)), "", "<Exponent>"},
		"broken XML":                 {[]byte(xml[:900]), "", "the XML is broken"},
		"other XML":                  {[]byte("<Key><D>AQ==</D></Key>"), "", "not <RSAKeyValue>"},
		"something behind it":        {[]byte(xml + "<RSAKeyValue/>"), "", "something follows"},
		"PFX":                        {pfx, "1234", "openssl pkcs12"},
		"elliptic":                   {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: ecDER}), "", "not an RSA key"},
		"garbage in PEM":             {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("garbage")}), "", "neither PKCS#8 nor PKCS#1"},
		"DEK-Info, no password":      {pem.EncodeToMemory(legacy), "", "there is no password"},
		"DEK-Info, another password": {pem.EncodeToMemory(legacy), "1234", "the password does not open it"},
		"PKCS#8, no password":        {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{0x30, 0}}), "", "there is no password"},
		"PKCS#8, broken":             {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{0x30, 0}}), "1", "its ASN.1 is broken"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := orangedata.ParsePrivateKey(c.data, c.password)
			require.ErrorIs(t, err, orangedata.ErrKey)
			assert.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "XS5A")
		})
	}
}

func TestParsePublicKey(t *testing.T) {
	want := publicKey(t)
	for _, data := range [][]byte{file(t, "key.xml"), []byte(orangedata.PublicKeyXML(want)),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(want)})} {
		key, err := orangedata.ParsePublicKey(data)
		require.NoError(t, err)
		assert.True(t, want.Equal(key))
	}
	for _, data := range [][]byte{nil, []byte("x"), []byte("<a/>"), file(t, "key.pem"), bytes.Repeat([]byte("A"), 300<<10)} {
		_, err := orangedata.ParsePublicKey(data)
		assert.ErrorIs(t, err, orangedata.ErrKey)
	}
}

func TestParseCertificate(t *testing.T) {
	a := newAuthority(t)
	cert, err := orangedata.ParseCertificate(a.clientPEM, a.clientKeyPEM, "1234")
	require.NoError(t, err)
	assert.Equal(t, "7801234564", cert.Leaf.Subject.CommonName)

	// Both in one file, in any order.
	cert, err = orangedata.ParseCertificate(append(append([]byte{}, a.clientKeyPEM...), a.clientPEM...), nil, "")
	require.NoError(t, err)
	assert.IsType(t, &rsa.PrivateKey{}, cert.PrivateKey)

	for _, c := range []struct {
		name, field, says string
		cert, key         []byte
	}{
		{"no certificate", "Config.Certificate", "no certificate in PEM", a.clientKeyPEM, a.clientKeyPEM},
		{"PFX", "Config.Certificate", "openssl pkcs12", []byte{0x30, 0x82, 9, 0xa1, 2, 1, 3, 0, 0, 0, 0}, nil},
		{"broken", "Config.Certificate", "is broken", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), a.clientKeyPEM},
		{"signing key in its place", "Config.CertificateKey", "is not the key of the certificate", a.clientPEM, file(t, "key.pem")},
		{"no key", "Config.CertificateKey", "no private key", a.clientPEM, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := orangedata.ParseCertificate(c.cert, c.key, "")
			var e *acquiring.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, c.field, e.Field)
			assert.ErrorIs(t, err, acquiring.ErrInvalid)
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func mustKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := orangedata.ParsePrivateKey(file(t, "key.pem"), "")
	require.NoError(t, err)
	return key
}

// brokenSigner is a token that was taken out.
type brokenSigner struct{ hsm }

func (brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("token removed")
}

// Encrypted PKCS#8, as openssl writes it with each cipher and hash that is
// read; the others name the command that converts them.
func TestEncryptedPKCS8(t *testing.T) {
	want := mustKey(t)
	for _, name := range []string{"key_aes128.pem", "key_aes192.pem", "key_aes256.pem", "key_3des.pem"} {
		key, err := orangedata.ParsePrivateKey(file(t, name), "1234")
		require.NoError(t, err, name)
		assert.True(t, want.Equal(key), name)
		_, err = orangedata.ParsePrivateKey(file(t, name), "1111")
		require.ErrorIs(t, err, orangedata.ErrKey, name)
	}
	for name, says := range map[string]string{"key_scrypt.pem": "openssl pkcs8", "key_camellia.pem": "openssl pkcs8", "key_pbes1.pem": "openssl pkcs8", "key_iterations.pem": "unreasonable number of iterations"} {
		_, err := orangedata.ParsePrivateKey(file(t, name), "1234")
		require.ErrorIs(t, err, orangedata.ErrKey, name)
		assert.ErrorContains(t, err, says, name)
	}
	// A block cut off, byte by byte, is an error and no panic.
	block, _ := pem.Decode(file(t, "key_aes128.pem"))
	for n := range 120 {
		_, err := orangedata.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes[:n]}), "1234")
		require.ErrorIs(t, err, orangedata.ErrKey)
	}
}
