package orangedata

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/acquiring-go/acquiring"
)

// ErrKey is the kind of error that ParsePrivateKey and ParsePublicKey give; New
// and ParseCertificate give acquiring.ErrInvalid with the Config's field. Its
// text says which form was found, what is wrong with it and which command
// converts it; it holds nothing of the key.
var ErrKey = errors.New("not a usable key")

// How to convert what the standard library cannot read.
const (
	hintPFX = "it is a PKCS#12 file (.pfx, .p12), which the standard library cannot read: convert it with\n" +
		"  openssl pkcs12 -in client.pfx -legacy -clcerts -nokeys -out client.crt\n" +
		"  openssl pkcs12 -in client.pfx -legacy -nocerts -nodes -out client.key"
	hintPKCS8 = "convert it with\n  openssl pkcs8 -in key.pem -out plain.pem"
)

// maxKeyFile is far above any key or certificate chain.
const maxKeyFile = 256 << 10

func keyError(format string, args ...any) error {
	return fmt.Errorf("orangedata: %w: %s", ErrKey, fmt.Sprintf(format, args...))
}

// asField is the key's error as the error of a Config field.
func asField(field string, err error) error {
	e := acquiring.Invalid(field, strings.TrimPrefix(err.Error(), "orangedata: "))
	return e
}

// ParsePrivateKey reads an RSA private key: the .NET form of the cabinet and of
// Nebula.KeysGenerator (<RSAKeyValue>, spaces and line breaks inside the values
// allowed), or PEM. The header of a PEM is not believed: online converters put
// PKCS#8 under "RSA PRIVATE KEY". An encrypted PEM is opened with the password,
// in both forms: DEK-Info, and PKCS#8 with PBES2; a password for a key that is
// not encrypted is not looked at. The error is ErrKey.
func ParsePrivateKey(data []byte, password string) (*rsa.PrivateKey, error) {
	if len(data) > maxKeyFile {
		return nil, keyError("it is larger than a key")
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	switch {
	case len(trimmed) == 0:
		return nil, keyError("it is empty")
	case trimmed[0] == '<':
		return parseXMLPrivate(trimmed)
	}
	var seen []string
	for rest := trimmed; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		seen = append(seen, block.Type)
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		der, err := decryptPEM(block, password)
		if err != nil {
			return nil, err
		}
		return parseDERPrivate(der)
	}
	switch {
	case len(seen) > 0:
		return nil, keyError("no private key among the PEM blocks (%s)", strings.Join(seen, ", "))
	case looksPFX(data):
		return nil, keyError("%s", hintPFX)
	case data[0] == 0x30:
		return parseDERPrivate(data)
	}
	return nil, keyError("it is neither PEM nor <RSAKeyValue>")
}

// parseDERPrivate tries PKCS#8, then PKCS#1.
func parseDERPrivate(der []byte) (*rsa.PrivateKey, error) {
	if parsed, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		key, ok := parsed.(*rsa.PrivateKey)
		if !ok {
			return nil, keyError("it is not an RSA key but %T", parsed)
		}
		return key, nil
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, keyError("it is neither PKCS#8 nor PKCS#1: %v", err)
	}
	return key, nil
}

// rsaKeyValue is the .NET form; the values are base64 of big-endian numbers.
type rsaKeyValue struct {
	XMLName                                xml.Name `xml:"RSAKeyValue"`
	Modulus, Exponent                      string
	P, Q, DP, DQ, InverseQ, D              string
	modulus, exponent, p, q, dp, dq, iq, d *big.Int
}

func parseXML(data []byte) (*rsaKeyValue, error) {
	var v rsaKeyValue
	dec := xml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&v); err != nil {
		// The decoder's words may quote the text.
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) {
			return nil, keyError("the XML is broken in line %d", syntax.Line)
		}
		return nil, keyError("the XML is not <RSAKeyValue>")
	}
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if text, ok := tok.(xml.CharData); err != nil || !ok || len(bytes.TrimSpace(text)) > 0 {
			return nil, keyError("something follows </RSAKeyValue>")
		}
	}
	for _, f := range []struct {
		name, text string
		to         **big.Int
	}{
		{"Modulus", v.Modulus, &v.modulus}, {"Exponent", v.Exponent, &v.exponent}, {"P", v.P, &v.p}, {"Q", v.Q, &v.q},
		{"DP", v.DP, &v.dp}, {"DQ", v.DQ, &v.dq}, {"InverseQ", v.InverseQ, &v.iq}, {"D", v.D, &v.d},
	} {
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(f.text), ""))
		if err != nil {
			return nil, keyError("<%s> is not base64", f.name)
		}
		if len(b) > 2048 {
			return nil, keyError("<%s> is longer than a key may be", f.name)
		}
		*f.to = new(big.Int).SetBytes(b)
	}
	if v.modulus.Sign() == 0 || v.exponent.Sign() == 0 {
		return nil, keyError("<Modulus> or <Exponent> is missing")
	}
	if !v.exponent.IsInt64() || v.exponent.Int64() > 1<<31-1 || v.exponent.Int64() < 3 {
		return nil, keyError("<Exponent> is not one of an RSA key")
	}
	return &v, nil
}

func parseXMLPrivate(data []byte) (*rsa.PrivateKey, error) {
	v, err := parseXML(data)
	if err != nil {
		return nil, err
	}
	if v.d.Sign() == 0 && v.p.Sign() == 0 {
		return nil, keyError("it is the public half: the private one has <D>, <P> and <Q> too")
	}
	if v.d.Sign() == 0 || v.p.Sign() == 0 || v.q.Sign() == 0 {
		return nil, keyError("<D>, <P> or <Q> is missing")
	}
	// Lengths first: what follows costs time that grows with them.
	if bits := v.modulus.BitLen(); bits > 8192 || v.p.BitLen() > bits || v.q.BitLen() > bits || v.d.BitLen() > bits {
		return nil, keyError("its numbers are longer than a key's")
	}
	if new(big.Int).Mul(v.p, v.q).Cmp(v.modulus) != 0 {
		return nil, keyError("<P> times <Q> is not <Modulus>: a letter was changed on the way")
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: v.modulus, E: int(v.exponent.Int64())}, D: v.d, Primes: []*big.Int{v.p, v.q}}
	if err := key.Validate(); err != nil {
		return nil, keyError("its numbers do not belong together: %v", err)
	}
	key.Precompute()
	for _, c := range []struct {
		name        string
		given, want *big.Int
	}{{"DP", v.dp, key.Precomputed.Dp}, {"DQ", v.dq, key.Precomputed.Dq}, {"InverseQ", v.iq, key.Precomputed.Qinv}} {
		if c.given.Sign() != 0 && c.want != nil && c.given.Cmp(c.want) != 0 {
			return nil, keyError("<%s> does not belong to the key: a letter was changed on the way", c.name)
		}
	}
	return key, nil
}

// ParsePublicKey reads an RSA public key: the public half of <RSAKeyValue> (a
// private one gives its public half) or PEM. It is what the cabinet is given,
// and what checks a signature. The error is ErrKey.
func ParsePublicKey(data []byte) (*rsa.PublicKey, error) {
	if len(data) > maxKeyFile {
		return nil, keyError("it is larger than a key")
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if len(trimmed) > 0 && trimmed[0] == '<' {
		v, err := parseXML(trimmed)
		if err != nil {
			return nil, err
		}
		return &rsa.PublicKey{N: v.modulus, E: int(v.exponent.Int64())}, nil
	}
	block, _ := pem.Decode(trimmed)
	if block == nil {
		return nil, keyError("it is neither PEM nor <RSAKeyValue>")
	}
	if parsed, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
		if key, ok := parsed.(*rsa.PublicKey); ok {
			return key, nil
		}
		return nil, keyError("it is not an RSA key but %T", parsed)
	}
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	if err != nil {
		return nil, keyError("the PEM block %s is not a public key", block.Type)
	}
	return key, nil
}

// PublicKeyXML is the public half in the .NET form that the cabinet takes.
func PublicKeyXML(key *rsa.PublicKey) string {
	enc := base64.StdEncoding.EncodeToString
	return "<RSAKeyValue><Modulus>" + enc(key.N.Bytes()) + "</Modulus><Exponent>" +
		enc(big.NewInt(int64(key.E)).Bytes()) + "</Exponent></RSAKeyValue>"
}

// ParseCertificate reads the client certificate and its key from PEM. An empty
// key is looked for beside the certificate. The password opens an encrypted
// key, and is not looked at when the key is not encrypted. The error is
// acquiring.ErrInvalid and names Config.Certificate or Config.CertificateKey.
func ParseCertificate(certificate, key []byte, password string) (tls.Certificate, error) {
	var out tls.Certificate
	if looksPFX(certificate) {
		return out, acquiring.Invalid("Config.Certificate", "cannot be read: "+hintPFX)
	}
	for rest := certificate; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			out.Certificate = append(out.Certificate, block.Bytes)
		}
	}
	if len(out.Certificate) == 0 {
		return out, acquiring.Invalid("Config.Certificate", "holds no certificate in PEM")
	}
	leaf, err := x509.ParseCertificate(out.Certificate[0])
	if err != nil {
		return out, acquiring.Invalid("Config.Certificate", "is broken: "+err.Error())
	}
	if len(key) == 0 {
		key = certificate
	}
	private, err := ParsePrivateKey(key, password)
	if err != nil {
		return out, asField("Config.CertificateKey", err)
	}
	if pub, ok := leaf.PublicKey.(*rsa.PublicKey); !ok || !pub.Equal(private.Public()) {
		return out, acquiring.Invalid("Config.CertificateKey", "is not the key of the certificate: was the signing key meant for Config.PrivateKey?")
	}
	out.PrivateKey, out.Leaf = private, leaf
	return out, nil
}

// looksPFX says whether it is PKCS#12: a DER sequence that begins with the
// version 3, where a key begins with version 0.
func looksPFX(b []byte) bool {
	if len(b) < 8 || b[0] != 0x30 {
		return false
	}
	at := 2
	if b[1] >= 0x80 {
		at += int(b[1] & 0x7f)
	}
	return len(b) > at+2 && b[at] == 2 && b[at+1] == 1 && b[at+2] == 3
}
