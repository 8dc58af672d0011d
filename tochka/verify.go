package tochka

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/acquiring-go/acquiring"
)

// BankKey is the bank's public key of webhooks (RSA, 3072 bits), a JWK, as
// https://enter.tochka.com/doc/openapi/static/keys/public has it. Its RFC 7638
// thumbprint is 1Crq147Sm-xOKc75yDu1FG2tWcg06SzjO09uNwP49NY. The Java sample of
// the bank's manual shows another key, which verifies nothing.
const BankKey = `{"kty":"RSA","e":"AQAB","n":"rwm77av7GIttq-JF1itEgLCGEZW_zz16RlUQVYlLbJtyRSu61fCec_rroP6PxjXU2uLzUOaGaLgAPeUZAJrGuVp9nryKgbZceHckdHDYgJd9TsdJ1MYUsXaOb9joN9vmsCscBx1lwSlFQyNQsHUsrjuDk-opf6RCuazRQ9gkoDCX70HV8WBMFoVm-YWQKJHZEaIQxg_DU4gMFyKRkDGKsYKA0POL-UgWA1qkg6nHY5BOMKaqxbc5ky87muWB5nNk4mfmsckyFv9j1gBiXLKekA_y4UwG2o1pbOLpJS3bP_c95rm4M9ZBmGXqfOQhbjz8z-s9C11i-jmOQ2ByohS-ST3E5sqBzIsxxrxyQDTw--bZNhzpbciyYW4GfkkqyeYoOPd_84jPTBDKQXssvj8ZOj2XboS77tvEO1n1WlwUzh8HPCJod5_fEgSXuozpJtOggXBv0C2ps7yXlDZf-7Jar0UYc_NJEHJF-xShlqd6Q3sVL02PhSCM-ibn9DN9BKmD"}`

// webhookHeader is the header that the bank gives every token.
const webhookHeader = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9"

// Verifier checks the bank's webhook tokens: a compact JWS with RS256 and
// nothing else, over the bytes as they came. The token never chooses the
// algorithm or the key. The keys are parsed once. It is safe for concurrent
// use.
type Verifier struct {
	keys atomic.Pointer[[]*rsa.PublicKey]
	room sync.Pool // of *scratch
	now  func() time.Time
}

// scratch is room for one token's parts.
type scratch struct{ signature, head []byte }

// mostKeys bounds the keys of a Verifier: a stranger's token is checked with
// each of them.
const mostKeys = 4

// NewVerifier takes the key: a JWK in JSON, or a PUBLIC KEY or CERTIFICATE in
// PEM; an RSA key of at least 2048 bits. Several, at most four, are a JWK set
// or blocks of PEM one after another: a token signed with any of them is good.
// A key that cannot be read is an error of no kind.
func NewVerifier(key string) (*Verifier, error) {
	keys, err := parseKeys(key)
	if err != nil {
		return nil, err
	}
	v := &Verifier{now: time.Now}
	v.keys.Store(&keys)
	v.room.New = func() any { return &scratch{} }
	return v, nil
}

// parseKeys reads one or several RSA public keys. One that cannot be used
// spoils all: whoever gave it meant it to count.
func parseKeys(text string) (keys []*rsa.PublicKey, err error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		var set struct{ Keys []json.RawMessage }
		if json.Unmarshal([]byte(text), &set) != nil || set.Keys == nil {
			set.Keys = []json.RawMessage{json.RawMessage(text)}
		}
		for _, one := range set.Keys {
			key, err := parseJWK(one)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
	} else {
		for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
			key, err := parsePEM(block)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		if len(keys) != strings.Count(text, "-----BEGIN ") {
			return nil, errors.New("the key is neither a JWK nor PEM")
		}
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("the key is neither a JWK nor PEM")
	case len(keys) > mostKeys:
		return nil, errors.New("there are more than four keys")
	}
	return keys, nil
}

func parseJWK(text []byte) (*rsa.PublicKey, error) {
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(text); err != nil {
		return nil, errors.New("the JWK cannot be read")
	}
	if !k.IsPublic() || !k.Valid() {
		return nil, errors.New("the JWK is not a public key")
	}
	return strongKey(k.Key)
}

func parsePEM(block *pem.Block) (*rsa.PublicKey, error) {
	var found any
	switch block.Type {
	case "PUBLIC KEY":
		found, _ = x509.ParsePKIXPublicKey(block.Bytes)
	case "CERTIFICATE":
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			found = cert.PublicKey
		}
	}
	return strongKey(found)
}

// strongKey lets RSA keys through that a forger cannot break.
func strongKey(found any) (*rsa.PublicKey, error) {
	public, ok := found.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the key is not an RSA public key")
	}
	if public.N.BitLen() < 2048 || public.E < 3 {
		return nil, errors.New("the RSA key is too weak")
	}
	return public, nil
}

// forged is the error of a token that is not the bank's.
func forged(why string) error {
	return &acquiring.Error{Provider: provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Message: why}
}

// errKey tells a wrong signature from a malformed token: only the former may
// mean that the bank has a new key.
var errKey = errors.New("the signature does not fit the key")

// Verify checks a token and returns its payload: JSON, not looked into. White
// space around the token is passed over. The error is ErrSignature.
func (v *Verifier) Verify(token []byte) (payload []byte, err error) {
	token = bytes.Trim(token, " \t\r\n")
	first := bytes.IndexByte(token, '.')
	last := bytes.LastIndexByte(token, '.')
	switch {
	case len(token) == 0:
		return nil, forged("the notification is empty")
	case first <= 0 || last == first || last == len(token)-1 || first+1 == last || bytes.Count(token, dot) != 2:
		return nil, forged("the notification is not a signed token of three parts")
	case !alphabet(token):
		return nil, forged("the token has characters that base64url does not have")
	}
	s := v.room.Get().(*scratch)
	defer v.room.Put(s)
	if head := token[:first]; string(head) != webhookHeader {
		if err := s.checkHeader(head); err != nil {
			return nil, err
		}
	}
	if s.signature, err = appendBase64(s.signature[:0], token[last+1:]); err != nil {
		return nil, forged("the token's signature is not base64url")
	}
	digest := sha256.Sum256(token[:last])
	if !v.signedBy(digest[:], s.signature) {
		e := forged("the token is not signed with the bank's key").(*acquiring.Error)
		e.Err = errKey
		return nil, e
	}
	if payload, err = appendBase64(nil, token[first+1:last]); err != nil {
		return nil, forged("the token's payload is not base64url")
	}
	return payload, nil
}

// signedBy says whether one of the keys made the signature.
func (v *Verifier) signedBy(digest, signature []byte) bool {
	for _, key := range *v.keys.Load() {
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil {
			return true
		}
	}
	return false
}

var dot = []byte{'.'}

// alphabet says whether the token is base64url and points. Go's decoder would
// pass over line breaks.
func alphabet(token []byte) bool {
	for _, c := range token {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// strict refuses bits that say nothing: two texts of one signature.
var strict = base64.RawURLEncoding.Strict()

func appendBase64(dst, src []byte) ([]byte, error) { return strict.AppendDecode(dst, src) }

// mostHeader is the most that is decoded of a header, in base64: nobody has
// signed it yet, and the bank's takes 36 bytes.
const mostHeader = 4 << 10

// checkHeader looks into a header that is not the bank's own bytes: RS256 and
// nothing that must be understood. A kid, jwk, jku, x5u or x5c is passed over:
// no key comes out of a token.
func (s *scratch) checkHeader(head []byte) (err error) {
	if len(head) > mostHeader {
		return forged("the token's header is longer than the bank's could be")
	}
	if s.head, err = appendBase64(s.head[:0], head); err != nil {
		return forged("the token's header is not base64url")
	}
	var h map[string]json.RawMessage
	if json.Unmarshal(s.head, &h) != nil || h == nil {
		return forged("the token's header is not JSON")
	}
	if string(h["alg"]) != `"RS256"` {
		return forged("the token is not signed with RS256")
	}
	if _, ok := h["crit"]; ok {
		return forged("the token demands what this library does not know (crit)")
	}
	return nil
}
