package paymaster

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// signer makes and checks the signatures of the classic form protocol.
type signer struct {
	hash   Hash
	secret string
	echo   *webhook.HMAC // of Config.SignKey; nil: no SIGN
	past   *signer       // of the keys before, to check with; nil: none
}

func newSigner(conf ClassicConfig) (*signer, error) {
	s := &signer{hash: conf.Hash, secret: conf.SecretKey}
	if conf.SignKey != "" {
		var err error
		if s.echo, err = webhook.NewHMAC(sha256.New, []byte(conf.SignKey)); err != nil {
			return nil, acquiring.Invalid("Config.SignKey", "cannot be used as a key")
		}
	}
	if conf.PreviousSecretKey == "" && conf.PreviousSignKey == "" {
		return s, nil
	}
	s.past = &signer{hash: conf.Hash, secret: conf.PreviousSecretKey}
	if conf.PreviousSignKey != "" {
		var err error
		if s.past.echo, err = webhook.NewHMAC(sha256.New, []byte(conf.PreviousSignKey)); err != nil {
			return nil, acquiring.Invalid("Config.PreviousSignKey", "cannot be used as a key")
		}
	}
	return s, nil
}

// maxDigest is the longest digest in base64.
const maxDigest = 44

// sum appends the message's digest in base64 to dst.
func (s *signer) sum(dst, message []byte) []byte {
	switch s.hash {
	case MD5:
		d := md5.Sum(message)
		return base64.StdEncoding.AppendEncode(dst, d[:])
	case SHA1:
		d := sha1.Sum(message)
		return base64.StdEncoding.AppendEncode(dst, d[:])
	}
	d := sha256.Sum256(message)
	return base64.StdEncoding.AppendEncode(dst, d[:])
}

// signed are the names of the fields that LMI_HASH covers, in its order.
type signed [10]string

// Positions in signed.
const (
	sMerchant = iota
	sNumber
	sSystemID
	sDate
	sAmount
	sCurrency
	sPaidAmount
	sPaidCurrency
	sSystem
	sSimMode
)

var signedNames = signed{"LMI_MERCHANT_ID", "LMI_PAYMENT_NO", "LMI_SYS_PAYMENT_ID", "LMI_SYS_PAYMENT_DATE", "LMI_PAYMENT_AMOUNT",
	"LMI_CURRENCY", "LMI_PAID_AMOUNT", "LMI_PAID_CURRENCY", "LMI_PAYMENT_SYSTEM", "LMI_SIM_MODE"}

// verify says whether LMI_HASH is that of the values, with the secret or the
// one before it.
func (s *signer) verify(n *classicNotice) bool {
	return s.fits(n) || s.past != nil && s.past.secret != "" && s.past.fits(n)
}

func (s *signer) fits(n *classicNotice) bool {
	var want [maxDigest]byte
	digest := s.sum(want[:0], append(n.canonical, s.secret...))
	return subtle.ConstantTimeCompare(digest, n.values[fHash]) == 1
}

// join signs the parts with semicolons between and the secret at the end, as
// the built-in payments want it.
func (s *signer) join(parts ...string) string {
	return string(s.sum(nil, []byte(strings.Join(parts, ";")+";"+s.secret)))
}

// echoField is the shop's own field that carries the sum's signature through
// PayMaster and back.
const echoField = "SIGN"

// echoMessage is what the field SIGN is made over: each part with its length,
// so that no two sets of parts read alike.
func echoMessage(merchant, number, amount, currency string) []byte {
	var b []byte
	for _, part := range []string{merchant, number, amount, currency} {
		b = strconv.AppendInt(b, int64(len(part)), 10)
		b = append(append(b, ':'), part...)
	}
	return b
}

func (s *signer) echoSum(merchant, number, amount, currency string) string {
	return hex.EncodeToString(s.echo.Sum(nil, echoMessage(merchant, number, amount, currency)))
}

func (s *signer) echoFits(merchant, number, amount, currency, sign string) bool {
	message := echoMessage(merchant, number, amount, currency)
	return s.echo.VerifyHex(message, sign) || s.past != nil && s.past.echo != nil && s.past.echo.VerifyHex(message, sign)
}

// restSum is the hash of a call of the REST API v1: SHA-1, whatever the site's
// own kind of signature.
func restSum(values []string) string {
	d := sha1.Sum([]byte(strings.Join(values, ";")))
	return base64.StdEncoding.EncodeToString(d[:])
}

// directSum is the sign of a call of PayMaster Direct.
func directSum(body, iat, secret string) string {
	d := sha256.Sum256([]byte(body + ";" + iat + ";" + secret))
	return base64.StdEncoding.EncodeToString(d[:])
}

// sameSecret compares in constant time.
func sameSecret(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// newUUID is a random UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return uuidOf(b)
}

// keyOf is the idempotency key of an operation: the same parts, the same key,
// in whatever process they are put together.
func keyOf(parts ...string) string {
	var room [256]byte
	text := room[:0]
	for _, p := range parts {
		text = strconv.AppendInt(text, int64(len(p)), 10)
		text = append(append(text, ':'), p...)
	}
	sum := sha256.Sum256(text)
	return uuidOf([16]byte(sum[:16]))
}

func uuidOf(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	hex.Encode(text[:], b[:4])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	hex.Encode(text[9:], b[4:6])
	hex.Encode(text[14:], b[6:8])
	hex.Encode(text[19:], b[8:10])
	hex.Encode(text[24:], b[10:])
	return string(text[:])
}

// refundLocks keep two refunds of one payment apart: the REST API v1 has no
// idempotency key, so each looks for its own key before it gives money back.
type refundLocks struct {
	mu   sync.Mutex
	held map[string]*refundLock
}

type refundLock struct {
	sync.Mutex
	waiting int
}

// lock waits its turn for the payment; the func ends it.
func (l *refundLocks) lock(id string) func() {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*refundLock{}
	}
	one := l.held[id]
	if one == nil {
		one = &refundLock{}
		l.held[id] = one
	}
	one.waiting++
	l.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		l.mu.Lock()
		if one.waiting--; one.waiting == 0 {
			delete(l.held, id)
		}
		l.mu.Unlock()
	}
}
