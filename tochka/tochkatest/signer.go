package tochkatest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// webhookKeyPEM is the emulator's own key. It is public, so nothing that it
// signs proves anything.
//
//go:embed webhook_key.pem
var webhookKeyPEM []byte

var emulatorKey = sync.OnceValue(func() *rsa.PrivateKey {
	block, _ := pem.Decode(webhookKeyPEM)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic("tochkatest: " + err.Error())
	}
	return key.(*rsa.PrivateKey)
})

// signer signs as the bank does: a compact JWS, RS256, always with the same
// header.
type signer struct {
	key      *rsa.PrivateKey
	jwk, pem string
}

func newSigner(key *rsa.PrivateKey) *signer {
	if key == nil {
		key = emulatorKey()
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic("tochkatest: " + err.Error())
	}
	var e [8]byte
	binary.BigEndian.PutUint64(e[:], uint64(key.E))
	exponent := e[slices.IndexFunc(e[:], func(b byte) bool { return b != 0 }):]
	return &signer{key: key, pem: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		jwk: `{"kty":"RSA","e":"` + b64(exponent) + `","n":"` + b64(key.N.Bytes()) + `"}`}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

const joseHeader = `{"typ":"JWT","alg":"RS256"}`

// sign makes the token of a payload, the same for the same bytes.
func (g *signer) sign(payload []byte) string { return signWith(g.key, joseHeader, payload) }

func signWith(key *rsa.PrivateKey, header string, payload []byte) string {
	input := b64([]byte(header)) + "." + b64(payload)
	digest := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		panic("tochkatest: " + err.Error())
	}
	return input + "." + b64(signature)
}

// Forgery is a way to forge a webhook.
type Forgery uint8

// The forgeries. A verifier must refuse all of them.
const (
	ChangedPayload Forgery = iota + 1 // another sum, the old signature
	AlgNone                           // alg none and no signature
	AlgNoneSigned                     // alg none, and the old signature
	HS256PublicKey                    // alg HS256, keyed with the public key's PEM
	OtherKey                          // a right token of a stranger's key
	EmbeddedKey                       // the same, with that key in its header
	OtherAlgorithm                    // the header says RS512, the signature is the old one
	Truncated                         // the end of the signature is missing
	BareJSON                          // the payload alone, unsigned
)

var forgeryNames = [...]string{"", "changed payload", "alg none", "alg none with the signature", "HS256 with the public key", "another key",
	"another key in the header", "another algorithm", "truncated", "bare JSON"}

// String is the forgery in words.
func (f Forgery) String() string {
	if int(f) < len(forgeryNames) {
		return forgeryNames[f]
	}
	return fmt.Sprintf("Forgery(%d)", uint8(f))
}

// Forgeries are all ways.
func Forgeries() []Forgery {
	return []Forgery{ChangedPayload, AlgNone, AlgNoneSigned, HS256PublicKey, OtherKey, EmbeddedKey, OtherAlgorithm, Truncated, BareJSON}
}

// strangersKey is a key that nobody trusts, made once.
var strangersKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("tochkatest: " + err.Error())
	}
	return key
})

// forge makes the forgery of a token. What is forged says another sum where it
// can.
func (s *Server) forge(token string, how Forgery) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return token + "x"
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	lie := anotherSum(payload)
	middle := b64(lie)
	switch how {
	case AlgNone:
		return b64([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + middle + "."
	case AlgNoneSigned:
		return b64([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + middle + "." + parts[2]
	case HS256PublicKey:
		return hs256(s.signer.pem, middle)
	case OtherKey:
		return signWith(strangersKey(), joseHeader, lie)
	case EmbeddedKey:
		return signWith(strangersKey(), `{"typ":"JWT","alg":"RS256","jwk":`+newSigner(strangersKey()).jwk+`}`, lie)
	case OtherAlgorithm:
		return b64([]byte(`{"typ":"JWT","alg":"RS512"}`)) + "." + parts[1] + "." + parts[2]
	case Truncated:
		return token[:len(token)-4]
	case BareJSON:
		return string(lie)
	}
	return parts[0] + "." + middle + "." + parts[2]
}

// hs256 is a token keyed with a text that everybody knows.
func hs256(key, middle string) string {
	input := b64([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." + middle
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil))
}

// anotherSum changes the first digit of the sum.
func anotherSum(payload []byte) []byte {
	out := slices.Clone(payload)
	at := strings.Index(string(out), `"amount": "`)
	if at < 0 {
		return append(out[:len(out)-1:len(out)-1], `, "x": 1}`...)
	}
	digit := &out[at+len(`"amount": "`)]
	if *digit++; *digit > '9' {
		*digit = '8'
	}
	return out
}

// changedPayload is ChangedPayload for the outbox.
func changedPayload(m emulator.Message) emulator.Message {
	parts := strings.Split(string(m.Body), ".")
	if len(parts) != 3 {
		return m
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return m
	}
	m.Body = []byte(parts[0] + "." + b64(anotherSum(payload)) + "." + parts[2])
	return m
}

// ForgeAs sends a webhook forged in that way: a Delivery.ID, or an operation's
// last one. It is sent once.
func (s *Server) ForgeAs(id string, how Forgery) error {
	id = s.bankID(id)
	all := s.Deliveries()
	slices.Reverse(all)
	for _, d := range all {
		if d.ID != id && d.Order != id || d.Forged {
			continue
		}
		s.base.Outbox.SendForged(emulator.Message{Order: d.Order, Event: d.Event, URL: d.URL, Header: d.Header,
			Body: []byte(s.forge(string(d.Body), how)), Canonical: how.String(), Retries: emulator.NoRetries})
		return nil
	}
	return fmt.Errorf("tochkatest: no webhook %q", id)
}
