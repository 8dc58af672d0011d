package rbs

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // the hash of asymmetric checksums
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/webhook"
)

// The base parameters of a callback about an order, and the two that its
// checksum does not cover.
const (
	ParamMdOrder     = "mdOrder"
	ParamOrderNumber = "orderNumber"
	ParamOperation   = "operation"
	ParamStatus      = "status"
	paramChecksum    = "checksum"
	paramSignAlias   = "sign_alias"
)

// VerifierOptions configure a Verifier.
type VerifierOptions struct {
	Provider string // for errors
	// Key is the secret of symmetric checksums, HMAC-SHA256.
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
	// Optional names base parameters that may be missing.
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
// PEM.
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

// Notice is a callback that was read: verified where the merchant's are
// signed, and checked for its form in any case.
type Notice struct {
	MdOrder, OrderNumber string
	Operation            string
	OK                   bool // status was 1: the operation succeeded
	// Signed says that a checksum was demanded and is right. When it is not,
	// nothing here may be believed.
	Signed bool
	// Nested says that the body had nested members, which no checksum covers
	// in a published way; they are in Text only.
	Nested bool
	Params webhook.Params // all scalar parameters as they came, save those to be dropped
	Text   string         // the query or the body, as it came
}

// Get is a parameter; "" when it did not come.
func (n *Notice) Get(name string) string {
	v, _ := n.Params.Get(name)
	return v
}

// About says whether the notice is about an order. The others (a binding
// created, a receipt printed) have no mdOrder or no status.
func (n *Notice) About() bool { return n.MdOrder != "" || n.OrderNumber != "" }

// Signing says whether a checksum is demanded.
func (v *Verifier) Signing() bool { return v.mac != nil || v.key != nil }

// Read takes the callback out of a request: the query of a GET, the form or
// the JSON object of a POST. Every error is of kind ErrSignature.
func (v *Verifier) Read(r *http.Request) (*Notice, error) {
	n := new(Notice)
	if err := v.read(n, r); err != nil {
		return nil, err
	}
	return n, nil
}

func (v *Verifier) read(n *Notice, r *http.Request) error {
	if err := v.parse(n, r); err != nil {
		return err
	}
	return v.check(n)
}

// parse is read but for the checks.
func (v *Verifier) parse(n *Notice, r *http.Request) error {
	switch r.Method {
	case http.MethodGet:
		return v.parseForm(n, r.URL.RawQuery)
	case http.MethodPost:
	default:
		return v.refuse("", "the method is neither GET nor POST")
	}
	body, err := webhook.ReadBody(r, 0)
	if err != nil {
		return acquiring.InOp(v.opt.Provider, "callback", err)
	}
	if len(body) == 0 {
		return v.parseForm(n, r.URL.RawQuery)
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, byteOrderMark))
	kind := r.Header.Get("Content-Type")
	if strings.Contains(kind, "json") || (!strings.Contains(kind, "form-urlencoded") && len(trimmed) > 0 && trimmed[0] == '{') {
		return v.parseJSON(n, body)
	}
	return v.parseForm(n, string(body))
}

// borrow gives a notice that is read and given back with giveBack before its
// caller returns; the texts taken out of it live on.
func (v *Verifier) borrow() *Notice {
	if n, ok := v.notices.Get().(*Notice); ok {
		return n
	}
	return new(Notice)
}

func (v *Verifier) giveBack(n *Notice) {
	params := n.Params
	if cap(params) > 64 {
		params = nil // one large message must not stay
	}
	clear(params)
	*n = Notice{Params: params[:0]}
	v.notices.Put(n)
}

// ReadForm takes the callback out of a query or a form's body.
func (v *Verifier) ReadForm(raw string) (*Notice, error) {
	n := new(Notice)
	if err := v.parseForm(n, raw); err != nil {
		return nil, err
	}
	if err := v.check(n); err != nil {
		return nil, err
	}
	return n, nil
}

func (v *Verifier) parseForm(n *Notice, raw string) error {
	if len(raw) > webhook.MaxBody {
		return v.refuse("", "the query is larger than a callback may be")
	}
	if n.Params == nil {
		n.Params = make(webhook.Params, 0, 1+strings.Count(raw, "&"))
	}
	var err error
	if n.Params, err = webhook.ParseForm(n.Params, raw); err != nil {
		return acquiring.InOp(v.opt.Provider, "callback", err)
	}
	n.Text = raw
	return nil
}

func (v *Verifier) parseJSON(n *Notice, body []byte) error {
	n.Text = string(body)
	if !utf8.Valid(body) {
		return v.refuse("", "the body is not UTF-8")
	}
	document := bytes.TrimPrefix(body, byteOrderMark)
	if rest.Object(document) != nil {
		return v.refuse("", "the body is not one JSON object")
	}
	var twice bool
	if n.Params, n.Nested, twice = flatten(n.Params, n.Text[len(body)-len(document):]); twice {
		return v.refuse("", "a member of the body is there twice")
	}
	return nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// fewMembers is how many names are compared one by one; more go through a map.
const fewMembers = 32

// flatten appends the scalar members of a JSON object, which is valid, in their
// text form and in the order they came. It says whether there were others, and
// whether a name was there twice. The parameters share the object's memory.
func flatten(params webhook.Params, object string) (_ webhook.Params, nested, twice bool) {
	var others []string
	var seen map[string]bool
	for name, value := range rest.Members(object) {
		switch {
		case seen != nil:
			twice = seen[name]
			seen[name] = true
		case len(params)+len(others) == fewMembers:
			seen = map[string]bool{}
			for _, p := range params {
				seen[p.Name] = true
			}
			for _, other := range others {
				seen[other] = true
			}
			twice = seen[name]
			seen[name] = true
		default:
			_, twice = params.Get(name)
			twice = twice || slices.Contains(others, name)
		}
		if twice {
			return params, nested, true
		}
		switch value[0] {
		case '{', '[':
			nested = true
			others = append(others, name)
			continue
		case '"':
			value, _ = rest.Text(value) // valid
		case 'n':
			value = ""
		}
		params = append(params, webhook.Param{Name: name, Value: value})
	}
	return params, nested, false
}

// check verifies the checksum first, then the form.
func (v *Verifier) check(n *Notice) error {
	if len(v.opt.Drop) > 0 {
		n.Params = slices.DeleteFunc(n.Params, func(p webhook.Param) bool { return slices.Contains(v.opt.Drop, p.Name) })
	}
	if v.Signing() {
		if err := v.verify(n.Params, n.Nested); err != nil {
			return err
		}
		n.Signed = true
	}
	var status string
	var numbered bool
	for i := range n.Params {
		p := &n.Params[i]
		// The canonical text escapes nothing: with a semicolon in a name or in
		// an identifier, one checksum would be right for two callbacks.
		if strings.IndexByte(p.Name, ';') >= 0 {
			return v.refuse("", "a parameter's name has a semicolon")
		}
		switch p.Name {
		case ParamMdOrder, "mdorder":
			if numbered {
				return v.refuse("", "the order's number is there twice, as mdOrder and mdorder")
			}
			n.MdOrder, numbered = p.Value, true
		case ParamOrderNumber:
			n.OrderNumber = p.Value
		case ParamOperation:
			n.Operation = p.Value
		case ParamStatus:
			status = p.Value
		}
	}
	if strings.IndexByte(n.MdOrder, ';') >= 0 || strings.IndexByte(n.OrderNumber, ';') >= 0 {
		return v.refuse("", "the order's number has a semicolon")
	}
	if n.Operation != "" && !plainWord(n.Operation) {
		return v.refuse(ParamOperation, "is not a plain word")
	}
	if status != "" && status != "0" && status != "1" {
		return v.refuse(ParamStatus, "is neither 0 nor 1")
	}
	n.OK = status == "1"
	if v.foreign(n) {
		return nil
	}
	for _, base := range []struct{ name, value string }{
		{ParamMdOrder, n.MdOrder}, {ParamOrderNumber, n.OrderNumber}, {ParamOperation, n.Operation}, {ParamStatus, status},
	} {
		if base.value != "" {
			continue
		}
		if _, there := n.Params.Get(base.name); there || !slices.Contains(v.opt.Optional, base.name) {
			return v.refuse(base.name, "is missing or empty; if it is not ticked in the cabinet, name it in Config.CallbackOptional")
		}
		if base.name == ParamStatus {
			// Only what succeeded is sent where nobody asked to be told.
			n.OK = true
		}
	}
	return nil
}

// foreign says whether the notice is about no order at all: a binding's has
// its number and the client's instead, a receipt's has receipts.
func (v *Verifier) foreign(n *Notice) bool {
	for _, name := range []string{ParamMdOrder, "mdorder"} {
		if _, there := n.Params.Get(name); there {
			return false
		}
	}
	if n.Get("bindingId") != "" {
		_, enabled := n.Params.Get("enabled")
		return strings.HasPrefix(n.Operation, "binding") || n.Operation == "" && enabled
	}
	if _, there := n.Params.Get(ParamStatus); there {
		return false
	}
	return n.Nested && n.Operation == "" && n.Get("orderId") != ""
}

func plainWord(s string) bool {
	if len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '_' {
			return false
		}
	}
	return true
}

// verify checks the checksum over the parameters. They are not changed.
func (v *Verifier) verify(params webhook.Params, nested bool) error {
	s := v.pool.Get().(*scratch)
	defer v.pool.Put(s)
	var checksum string
	s.order, checksum = signedOrder(s.order[:0], params)
	if checksum == "" {
		return v.refuse(paramChecksum, "is missing: callbacks of this merchant are signed")
	}
	s.canonical = appendCanonical(s.canonical[:0], params, s.order)
	if v.mac != nil {
		if v.mac.VerifyHex(s.canonical, checksum) || v.past.mac != nil && v.past.mac.VerifyHex(s.canonical, checksum) {
			return nil
		}
	} else if v.verifyRSA(v.key, s, checksum) || v.past.key != nil && v.verifyRSA(v.past.key, s, checksum) {
		return nil
	}
	e := v.refuse("", "the checksum is not the bank's")
	e.Hint = "compare the key with the cabinet's, and name the parameters of the callback address itself in Config.CallbackDrop"
	if nested {
		e.Hint = "the body has nested members, and how they are signed is not published; switch them off in the cabinet, or leave the key out, so that every payment is read back"
	}
	return e
}

// verifyRSA checks PKCS #1 v1.5 with each of the hashes.
func (v *Verifier) verifyRSA(key *rsa.PublicKey, s *scratch, checksum string) bool {
	if len(checksum) != 2*key.Size() {
		return false
	}
	sig, err := hex.AppendDecode(s.digest[:0], []byte(checksum))
	if err != nil {
		return false
	}
	for _, h := range v.opt.Hashes {
		digest := h.New()
		digest.Write(s.canonical)
		if rsa.VerifyPKCS1v15(key, h, digest.Sum(nil), sig) == nil {
			return true
		}
	}
	return false
}

// Canonical is the text that a checksum is over: the parameters save checksum
// and sign_alias, sorted by name, each as "name;value;". The parameters are
// not changed.
func Canonical(params webhook.Params) []byte {
	order, _ := signedOrder(nil, params)
	return appendCanonical(nil, params, order)
}

// signedOrder appends to order the places of the signed parameters, sorted by
// their names, and gives the checksum. Sorting places leaves the parameters as
// they came.
func signedOrder(order []int, params webhook.Params) (sorted []int, checksum string) {
	for i := range params {
		switch params[i].Name {
		case paramChecksum:
			checksum = params[i].Value
			continue
		case paramSignAlias:
			continue
		}
		order = append(order, i)
	}
	if len(order) > 32 {
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(params[a].Name, params[b].Name) })
		return order, checksum
	}
	// There are about ten: insertion is quicker than anything clever, and the
	// first eight bytes of most names tell them apart.
	var heads [32]uint64
	for i, place := range order {
		name := params[place].Name
		head, j := nameHead(name), i
		for ; j > 0 && (head < heads[j-1] || head == heads[j-1] && name < params[order[j-1]].Name); j-- {
			order[j], heads[j] = order[j-1], heads[j-1]
		}
		order[j], heads[j] = place, head
	}
	return order, checksum
}

// nameHead is the first eight bytes of a name as a number that orders as they
// do. Shorter names end in zeros, which sort before every other byte.
func nameHead(name string) uint64 {
	if len(name) >= 8 {
		return uint64(name[0])<<56 | uint64(name[1])<<48 | uint64(name[2])<<40 | uint64(name[3])<<32 |
			uint64(name[4])<<24 | uint64(name[5])<<16 | uint64(name[6])<<8 | uint64(name[7])
	}
	var head uint64
	for i := range len(name) {
		head |= uint64(name[i]) << (56 - 8*i)
	}
	return head
}

func appendCanonical(dst []byte, params webhook.Params, order []int) []byte {
	for _, i := range order {
		dst = append(dst, params[i].Name...)
		dst = append(dst, ';')
		dst = append(dst, params[i].Value...)
		dst = append(dst, ';')
	}
	return dst
}

func (v *Verifier) refuse(field, why string) *acquiring.Error {
	return &acquiring.Error{Provider: v.opt.Provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected,
		Field: field, Message: why}
}

// Operations of a callback.
const (
	OpCreated            = "created"
	OpApproved           = "approved"  // held
	OpDeposited          = "deposited" // charged
	OpReversed           = "reversed"
	OpRefunded           = "refunded"
	OpDeclinedByTimeout  = "declinedByTimeout"
	OpDeclinedCard       = "declinedCardPresent"
	OpBindingCreated     = "bindingCreated"
	OpBindingChanged     = "bindingActivityChanged"
	OpBindingDeactivated = "bindingDeactivated"
	OpSubscription       = "subscriptionCreated"
)

// Status is what the operation says of the payment. An operation that is not
// known, or that failed and left the payment as it was, says nothing:
// StatusUnknown. A failed attempt to pay is StatusDeclined, although another
// may follow; a refund is StatusPartiallyRefunded, because the operation does
// not say how much is left.
func (n *Notice) Status() acquiring.Status {
	switch {
	case strings.EqualFold(n.Operation, OpDeclinedByTimeout):
		return acquiring.StatusExpired
	case strings.EqualFold(n.Operation, OpDeclinedCard):
		return acquiring.StatusDeclined
	}
	switch n.Operation {
	case OpCreated:
		return acquiring.StatusPending
	case OpApproved, OpDeposited:
		switch {
		case !n.OK:
			return acquiring.StatusDeclined
		case n.Operation == OpApproved:
			return acquiring.StatusAuthorized
		}
		return acquiring.StatusPaid
	case OpReversed:
		if n.OK {
			return acquiring.StatusVoided
		}
	case OpRefunded:
		if n.OK {
			return acquiring.StatusPartiallyRefunded
		}
	}
	return acquiring.StatusUnknown
}

// Kind says whether the notice is news of a payment: a saved card, a
// subscription and a receipt are not.
func (n *Notice) Kind() acquiring.CallbackKind {
	switch n.Operation {
	case OpBindingCreated, OpBindingChanged, OpBindingDeactivated, OpSubscription:
		return acquiring.CallbackOther
	}
	if !n.About() || n.Operation == "" && n.Nested {
		return acquiring.CallbackOther
	}
	return acquiring.CallbackPayment
}
