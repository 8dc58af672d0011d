package rbs

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // the hash of asymmetric checksums
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// The base parameters of a callback about an order. All of them are signed.
const (
	ParamMdOrder     = "mdOrder"     // the gateway's number of the order: PaymentID
	ParamOrderNumber = "orderNumber" // the shop's
	ParamOperation   = "operation"   // what happened: OpDeposited and so on
	ParamStatus      = "status"      // 1: the operation succeeded, 0: it failed

	// The two that the checksum does not cover.
	paramChecksum  = "checksum"
	paramSignAlias = "sign_alias"
)

// VerifierOptions configure a Verifier.
type VerifierOptions struct {
	Provider string // for errors
	// Key is the secret of symmetric checksums, HMAC-SHA256. With neither it nor
	// PublicKey no checksum is demanded; both together are an error.
	Key string
	// PublicKey is the bank's key of asymmetric checksums in PEM: a
	// certificate, whose dates are not looked at, or a public key.
	PublicKey string
	// PreviousKey and PreviousPublicKey are accepted beside Key and PublicKey
	// while a key is being changed.
	PreviousKey, PreviousPublicKey string
	// Hashes of asymmetric checksums, tried in this order; nil: SHA-512 alone.
	// What sign_alias says is never looked at.
	Hashes []crypto.Hash
	// Drop names parameters of the callback address itself, which the gateway
	// passes on unsigned.
	Drop []string
	// Optional names base parameters that may be missing: ParamMdOrder and so on,
	// not ParamMdOrder and ParamOrderNumber both.
	Optional []string
}

// Verifier reads callbacks and checks their checksum. It is safe for
// concurrent use.
type Verifier struct {
	opt  VerifierOptions
	mac  *webhook.HMAC
	key  *rsa.PublicKey
	past struct { // of the key before; nil: none
		mac *webhook.HMAC
		key *rsa.PublicKey
	}
	pool sync.Pool // of *scratch

	notices sync.Pool // of *Notice, for callers that do not keep them
}

// scratch is what one check needs and gives back.
type scratch struct {
	order     []int
	canonical []byte
	digest    []byte
}

// NewVerifier checks the options. The errors are ErrInvalid and name the
// Config's field: CallbackKey, CallbackPublicKey, PreviousCallbackKey,
// PreviousCallbackPublicKey, CallbackDrop, CallbackOptional.
func NewVerifier(opt VerifierOptions) (*Verifier, error) {
	v := &Verifier{opt: opt, pool: sync.Pool{New: func() any {
		return &scratch{order: make([]int, 0, 32), canonical: make([]byte, 0, 1024), digest: make([]byte, 0, 512)}
	}}}
	if opt.Hashes == nil {
		v.opt.Hashes = []crypto.Hash{crypto.SHA512}
	}
	switch {
	case opt.Key != "" && opt.PublicKey != "":
		return nil, acquiring.Invalid("Config.CallbackKey", "is set beside CallbackPublicKey; a merchant's callbacks are signed in one way, set the one that is on in the cabinet")
	case opt.PreviousKey != "" && opt.Key == "":
		return nil, acquiring.Invalid("Config.PreviousCallbackKey", "is set without CallbackKey; it is only the key before that one")
	case opt.PreviousPublicKey != "" && opt.PublicKey == "":
		return nil, acquiring.Invalid("Config.PreviousCallbackPublicKey", "is set without CallbackPublicKey; it is only the key before that one")
	}
	var err error
	if v.mac, err = secretKey("Config.CallbackKey", opt.Key); err != nil {
		return nil, err
	}
	if v.past.mac, err = secretKey("Config.PreviousCallbackKey", opt.PreviousKey); err != nil {
		return nil, err
	}
	if v.key, err = publicKey("Config.CallbackPublicKey", opt.PublicKey); err != nil {
		return nil, err
	}
	if v.past.key, err = publicKey("Config.PreviousCallbackPublicKey", opt.PreviousPublicKey); err != nil {
		return nil, err
	}
	for _, name := range opt.Drop {
		switch name {
		case ParamMdOrder, ParamOrderNumber, ParamOperation, ParamStatus, paramChecksum, paramSignAlias, "":
			return nil, acquiring.Invalid("Config.CallbackDrop", "has "+strconvQuote(name)+", which is the gateway's own")
		}
	}
	for _, name := range opt.Optional {
		switch name {
		case ParamMdOrder, ParamOrderNumber, ParamOperation, ParamStatus:
		default:
			return nil, acquiring.Invalid("Config.CallbackOptional", "has "+strconvQuote(name)+"; only mdOrder, orderNumber, operation and status can be optional")
		}
	}
	if slices.Contains(opt.Optional, ParamMdOrder) && slices.Contains(opt.Optional, ParamOrderNumber) {
		return nil, acquiring.Invalid("Config.CallbackOptional", "has mdOrder and orderNumber; one of them must say which order it is")
	}
	return v, nil
}

// secretKey prepares a key of symmetric checksums; "" is none.
func secretKey(field, key string) (*webhook.HMAC, error) {
	switch {
	case key == "":
		return nil, nil
	case strings.Contains(key, "-----BEGIN"):
		return nil, acquiring.Invalid(field, "is a PEM text, not a secret; a public key belongs in "+
			strings.TrimPrefix(strings.Replace(field, "CallbackKey", "CallbackPublicKey", 1), "Config."))
	}
	mac, err := webhook.NewHMAC(sha256.New, []byte(key))
	if err != nil {
		return nil, acquiring.Invalid(field, "cannot be a key of HMAC")
	}
	return mac, nil
}

// publicKey reads a key of asymmetric checksums; "" is none.
func publicKey(field, text string) (*rsa.PublicKey, error) {
	if text == "" {
		return nil, nil
	}
	key, err := ParsePublicKey(text)
	if err != nil {
		return nil, acquiring.Invalid(field, err.Error())
	}
	return key, nil
}

func strconvQuote(s string) string { return `"` + s + `"` }

// ParsePublicKey reads an RSA key out of a certificate (whatever its dates
// say: a published one expired in 2018 and still signs) or a public key, in
// PEM, of at least 1024 bits. The error says what is wrong with the text and
// names no field.
func ParsePublicKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("is not PEM: it begins with -----BEGIN CERTIFICATE----- or -----BEGIN PUBLIC KEY-----")
	}
	var key any
	var err error
	switch block.Type {
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = cert.PublicKey
		}
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, errors.New("is a PEM of another kind than CERTIFICATE or PUBLIC KEY")
	}
	if err != nil {
		return nil, errors.New("cannot be read: " + err.Error())
	}
	rsaKey, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("is not an RSA key")
	}
	if rsaKey.N.BitLen() < 1024 {
		return nil, errors.New("is an RSA key of less than 1024 bits")
	}
	return rsaKey, nil
}
