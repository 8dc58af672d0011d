package gateway

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// Pair is one parameter of a callback.
type Pair struct{ Name, Value string }

// Method is how a callback is sent.
type Method string

// The ways to send a callback.
const (
	GET  Method = "GET"  // query
	FORM Method = "FORM" // POST, application/x-www-form-urlencoded
	JSON Method = "JSON" // POST, application/json
)

// Crypto is how a callback is signed.
type Crypto string

// The ways to sign a callback.
const (
	HMAC      Crypto = "HMAC" // symmetric: HMAC-SHA256
	RSA       Crypto = "RSA"  // asymmetric: RSA PKCS#1 v1.5 with SHA-512
	RSASHA256 Crypto = "RSA-SHA256"
	NoCrypto  Crypto = "NONE"
)

// Canonical is what is signed: the parameters by name, "name;value;".
func Canonical(params []Pair) string {
	sorted := slices.Clone(params)
	slices.SortStableFunc(sorted, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	for _, p := range sorted {
		b.WriteString(p.Name)
		b.WriteByte(';')
		b.WriteString(p.Value)
		b.WriteByte(';')
	}
	return b.String()
}

// Query is the parameters in their order, percent-encoded.
func Query(params []Pair) string {
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.Value))
	}
	return b.String()
}

// AddQuery appends to the query of an address and leaves its fragment last.
func AddQuery(address, query string) string {
	base, fragment, _ := strings.Cut(address, "#")
	glue := "?"
	if strings.Contains(base, "?") {
		glue = "&"
	}
	if fragment != "" {
		fragment = "#" + fragment
	}
	return base + glue + query + fragment
}

// CarryQuery sends the parameters by GET, in the query. The address keeps a
// query of its own, which nobody signs.
func CarryQuery(m *emulator.Message, params []Pair) {
	m.Method = http.MethodGet
	if m.URL != "" {
		m.URL = AddQuery(m.URL, Query(params))
	}
}

// CarryForm sends the parameters by POST, as a form.
func CarryForm(m *emulator.Message, params []Pair) {
	m.Method, m.Body = http.MethodPost, []byte(Query(params))
	m.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
}

// Signer makes the checksums of callbacks. Its zero value is ready; it is safe
// for concurrent use.
type Signer struct {
	Key *rsa.PrivateKey // of the asymmetric ways; nil: made when it is first needed

	once sync.Once
}

// Checksum signs the text: upper-case hex. key is that of HMAC.
func (s *Signer) Checksum(how Crypto, key, canonical string) string {
	var sum []byte
	switch how {
	case HMAC:
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(canonical))
		sum = mac.Sum(nil)
	case RSA:
		digest := sha512.Sum512([]byte(canonical))
		sum = s.sign(crypto.SHA512, digest[:])
	case RSASHA256:
		digest := sha256.Sum256([]byte(canonical))
		sum = s.sign(crypto.SHA256, digest[:])
	}
	return strings.ToUpper(hex.EncodeToString(sum))
}

// Sign appends sign_alias, where there is one, and the checksum to the
// parameters; the text is what was signed.
func (s *Signer) Sign(how Crypto, key, alias string, params []Pair) ([]Pair, string) {
	canonical := Canonical(params)
	if sum := s.Checksum(how, key, canonical); sum != "" {
		if alias != "" {
			params = append(params, Pair{"sign_alias", alias})
		}
		params = append(params, Pair{"checksum", sum})
	}
	return params, canonical
}

// Stranger is how somebody signs who does not know the key: with one that he
// guessed, or with the bank's public key as if it were a symmetric one.
func (s *Signer) Stranger(how Crypto, key string) (Crypto, string) {
	switch how {
	case HMAC:
		return HMAC, key + "-guessed"
	case RSA, RSASHA256:
		return HMAC, s.PublicKeyPEM()
	}
	return how, key
}

func (s *Signer) sign(h crypto.Hash, digest []byte) []byte {
	sig, err := rsa.SignPKCS1v15(nil, s.private(), h, digest)
	if err != nil {
		panic("gateway: " + err.Error())
	}
	return sig
}

func (s *Signer) private() *rsa.PrivateKey {
	s.once.Do(func() {
		if s.Key != nil {
			return
		}
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("gateway: " + err.Error())
		}
		s.Key = key
	})
	return s.Key
}

// PublicKeyPEM is the bank's public key.
func (s *Signer) PublicKeyPEM() string {
	der, err := x509.MarshalPKIXPublicKey(&s.private().PublicKey)
	if err != nil {
		panic("gateway: " + err.Error())
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Parameter is an additional parameter of a callback that is read off the
// order; false: the order has none.
func (d *Desk) Parameter(o *Order, name string) (string, bool) {
	sum := func(a money.Amount) (string, bool) { return strconv.FormatInt(int64(a), 10), true }
	some := func(v string) (string, bool) { return v, v != "" }
	switch name {
	case "amount":
		return sum(o.Amount)
	case "approvedAmount":
		return sum(o.Held)
	case "depositedAmount":
		return sum(d.Deposited(o))
	case "refundedAmount":
		return sum(o.Refunded)
	case "amountFormatted":
		return o.Amount.String(), true
	case "approvedAmountFormatted":
		return o.Held.String(), true
	case "depositedAmountFormatted":
		return d.Deposited(o).String(), true
	case "refundedAmountFormatted":
		return o.Refunded.String(), true
	case "paymentState":
		return PaymentStates[o.Status], true
	case "actionCode":
		return strconv.Itoa(o.Action), true
	case "currency":
		return "643", true
	case "maskedPan", "panMasked":
		if o.Paid == nil {
			return "", false
		}
		return o.Deck.Mask(o.Paid.PAN), true
	case "clientId":
		return some(o.ClientID)
	case "bindingId":
		if o.Saved == nil {
			return "", false
		}
		return o.Saved.ID, true
	case "email":
		return some(o.Email)
	case "phone":
		return some(o.Phone)
	case "ip":
		return some(o.IP)
	case "refNum", "paymentRefNum":
		return some(o.RRN)
	case "authCode":
		return some(o.Approval)
	}
	return some(o.Param(name))
}
