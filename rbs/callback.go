package rbs

import (
	"bytes"
	_ "crypto/sha512" // the hash of asymmetric checksums
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/names"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/webhook"
)

// Notice is a callback that was read: verified where the merchant's are
// signed, and checked for its form in any case.
type Notice struct {
	MdOrder, OrderNumber string // the gateway's number of the order, and the shop's
	Operation            string // OpDeposited and so on
	OK                   bool   // status was 1, or optional and missing: the operation succeeded
	// Signed says that a checksum was demanded and is right. When it is not,
	// nothing here may be believed.
	Signed bool
	// Nested says that the body had nested members, which no checksum covers
	// in a published way; they are in Text only.
	Nested bool
	Params webhook.Params // all scalar parameters as they came, save those to be dropped
	Text   string         // the query or the body, as it came

	body []byte // it came as a body: what Text says
}

// raw is Text in bytes of the caller's own.
func (n *Notice) raw() []byte {
	if n.body != nil {
		return n.body
	}
	return []byte(n.Text)
}

// Get is a parameter; "" when it did not come.
func (n *Notice) Get(name string) string {
	v, _ := n.Params.Get(name)
	return v
}

// About says whether the notice names an order, by either number. News of a
// binding may name none, news of a receipt does: see Kind.
func (n *Notice) About() bool { return n.MdOrder != "" || n.OrderNumber != "" }

// Signing says whether a checksum is demanded.
func (v *Verifier) Signing() bool { return v.mac != nil || v.key != nil }

// Read takes the callback out of a request: the query of a GET, the form or
// the JSON object of a POST, at most webhook.MaxBody of it. The checksum is
// checked first, if one is demanded, and then the form. Every error is of kind
// ErrSignature.
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
	n.body = body
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

// ReadForm is Read for the text of a query or of a form's body.
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
		n.Params = make(webhook.Params, 0, min(1+strings.Count(raw, "&"), webhook.MaxParams))
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
	document := strings.TrimPrefix(n.Text, string(byteOrderMark))
	if why := n.flatten(document); why != "" {
		return v.refuse("", why)
	}
	return nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// flatten takes the scalar members of a JSON object in their text form and in
// the order they came. It says why that cannot be: "" when it can. The
// parameters share the object's memory.
func (n *Notice) flatten(object string) (why string) {
	var seen names.Set
	err := rest.Members(object, func(name, value string) bool {
		switch {
		case seen.Len() == webhook.MaxParams:
			why = "the body has more members than a callback has"
			return false
		case !seen.Add(name):
			why = "a member of the body is there twice"
			return false
		}
		switch value[0] {
		case '{', '[':
			n.Nested = true
			return true
		case '"':
			if inner := value[1 : len(value)-1]; strings.IndexByte(inner, '\\') < 0 {
				value = inner // the body is UTF-8, and without an escape there is nothing to decode
			} else {
				value, _ = rest.Text(value) // it is one
			}
		case 'n':
			value = ""
		}
		n.Params = append(n.Params, webhook.Param{Name: name, Value: value})
		return true
	})
	if err != nil {
		return "the body is not one JSON object"
	}
	return why
}

// check verifies the checksum first, then the form.
func (v *Verifier) check(n *Notice) error {
	if len(v.opt.Drop) > 0 {
		n.Params = slices.DeleteFunc(n.Params, func(p webhook.Param) bool { return slices.Contains(v.opt.Drop, p.Name) })
	}
	single := false
	if v.Signing() {
		var err error
		if single, err = v.verify(n.Params, n.Nested); err != nil {
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
		if !single && strings.IndexByte(p.Name, ';') >= 0 {
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

func (v *Verifier) refuse(field, why string) *acquiring.Error {
	return &acquiring.Error{Provider: v.opt.Provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected,
		Field: field, Message: why}
}

// Operations of a callback (operation). The list is open.
const (
	OpCreated            = "created"   // registered
	OpApproved           = "approved"  // held
	OpDeposited          = "deposited" // charged
	OpReversed           = "reversed"  // the hold or the payment was cancelled, in whole or in part
	OpRefunded           = "refunded"  // in whole or in part
	OpDeclinedByTimeout  = "declinedByTimeout"
	OpDeclinedCard       = "declinedCardPresent"
	OpBindingCreated     = "bindingCreated"         // a card was saved
	OpBindingChanged     = "bindingActivityChanged" // a saved card was switched on or off
	OpBindingDeactivated = "bindingDeactivated"
	OpSubscription       = "subscriptionCreated" // of СБП
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
