package rbs

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// Explain says which rule of the checksum a callback breaks; see webhook.Explain.
func (v *Verifier) Explain(env acquiring.Environment, r *http.Request) (*webhook.Explanation, error) {
	e, body, err := webhook.NewExplanation(env, v.opt.Provider, r, v.opt.Key, v.opt.PreviousKey)
	if err != nil {
		return nil, err
	}
	e.Rule = "checksum is the HMAC-SHA256 in hexadecimal digits, with the key of symmetric callbacks, of all parameters but checksum and sign_alias, decoded, sorted by name, each as name;value;"
	if v.key != nil {
		e.Rule = "checksum is the RSA signature (PKCS #1 v1.5) in hexadecimal digits, with the bank's private key, of all parameters but checksum and sign_alias, decoded, sorted by name, each as name;value;"
	}
	n, own := new(Notice), *r // r is to be read again
	own.Body, own.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if err := v.parse(n, &own); err != nil {
		e.BlameError(err)
		return e, nil
	}
	err = v.check(n) // leaves out what Config.CallbackDrop names
	e.Sign(Canonical(n.Params), false)
	if err == nil {
		if !v.Signing() {
			e.Blame("no key is set, so nothing is checked and every payment is read back; Config.CallbackKey or CallbackPublicKey turns the check on")
		}
		return e, nil
	}
	checksum := n.Get(paramChecksum)
	switch {
	case !v.Signing(), n.Signed:
		e.BlameError(err) // the signature fits, the form does not
	case checksum == "":
		e.Blame("there is no parameter checksum: switch signed callbacks on in the cabinet; the parameters that came are %s", named(n.Params))
	case strings.Trim(checksum, "0123456789abcdefABCDEF") != "":
		e.Blame("checksum has characters that are no hexadecimal digits: was it encoded or decoded once too often?")
	case v.key != nil:
		v.explainRSA(e, n, checksum)
	default:
		v.explainHMAC(e, n, checksum)
	}
	return e, nil
}

func (v *Verifier) explainHMAC(e *webhook.Explanation, n *Notice, checksum string) {
	switch length := len(checksum); {
	case length >= 256:
		e.Blame("checksum has %d digits, as an asymmetric one (RSA) has, and Config.CallbackKey is for symmetric ones: set CallbackPublicKey to the bank's certificate in its place", length)
		return
	case length != 64:
		e.Blame("checksum has %d digits where HMAC-SHA256 has 64: it was cut, or another method signs", length)
		return
	}
	want, err := hex.DecodeString(checksum)
	if err != nil {
		return // its digits were looked at
	}
	with := func(key string) func([]byte) bool {
		return func(canonical []byte) bool {
			mac := hmac.New(crypto.SHA256.New, []byte(key))
			mac.Write(canonical)
			return hmac.Equal(mac.Sum(nil), want)
		}
	}
	if trimmed := strings.TrimSpace(v.opt.Key); trimmed != v.opt.Key &&
		e.Guess(webhook.Guess{Fault: "Config.CallbackKey has white space around it: it fits without", Fits: func() bool { return with(trimmed)(Canonical(n.Params)) }}) {
		return
	}
	if key, err := hex.DecodeString(v.opt.Key); err == nil &&
		e.Guess(webhook.Guess{Fault: "Config.CallbackKey is the key in hexadecimal digits, and the bytes that they stand for sign", Fits: func() bool { return with(string(key))(Canonical(n.Params)) }}) {
		return
	}
	explainMessage(e, n, with(v.opt.Key), "Config.CallbackKey")
}

func (v *Verifier) explainRSA(e *webhook.Explanation, n *Notice, checksum string) {
	switch length := len(checksum); {
	case length == 64:
		e.Blame("checksum has 64 digits, as a symmetric one (HMAC-SHA256) has, and Config.CallbackPublicKey is for asymmetric ones: set CallbackKey in its place")
		return
	case length != 2*v.key.Size():
		e.Blame("checksum has %d digits, and a signature of the key in Config.CallbackPublicKey has %d: the bank signs with another key", length, 2*v.key.Size())
		return
	}
	sig, err := hex.DecodeString(checksum)
	if err != nil {
		return
	}
	with := func(h crypto.Hash) func([]byte) bool {
		return func(canonical []byte) bool {
			digest := h.New()
			digest.Write(canonical)
			return rsa.VerifyPKCS1v15(v.key, h, digest.Sum(nil), sig) == nil
		}
	}
	for _, h := range []crypto.Hash{crypto.SHA512, crypto.SHA384, crypto.SHA256} {
		if !slices.Contains(v.opt.Hashes, h) && e.Guess(webhook.Guess{Fault: "the signature is over " + h.String() + ", which is not taken", Fits: func() bool { return with(h)(Canonical(n.Params)) }}) {
			return
		}
	}
	explainMessage(e, n, with(v.opt.Hashes[0]), "Config.CallbackPublicKey")
}

// mostTried is for how many parameters each pair is left out: the work grows with
// its square.
const mostTried = 24

// explainMessage tries what usually happens to the parameters on their way.
func explainMessage(e *webhook.Explanation, n *Notice, fits func(canonical []byte) bool, keyField string) {
	changed := func(change func(string) string) func() bool {
		return func() bool {
			other := slices.Clone(n.Params)
			for i := range other {
				other[i].Value = change(other[i].Value)
			}
			return fits(Canonical(other))
		}
	}
	without := func(drop ...string) func() bool {
		return func() bool {
			return fits(Canonical(slices.DeleteFunc(slices.Clone(n.Params), func(p webhook.Param) bool { return slices.Contains(drop, p.Name) })))
		}
	}
	guesses := []webhook.Guess{
		{Fault: "spaces came where plus signs were signed: something between decoded the parameters and encoded them anew", Fits: changed(func(s string) string { return strings.ReplaceAll(s, " ", "+") })},
		{Fault: "plus signs came where spaces were signed: something between decoded the parameters and encoded them anew", Fits: changed(func(s string) string { return strings.ReplaceAll(s, "+", " ") })},
		{Fault: "the signature is over the values in their encoded form (%D0%A1…): the sender signs before it decodes", Fits: changed(url.QueryEscape)},
		{Fault: "the values came encoded twice: something between encoded them anew", Fits: changed(func(s string) string {
			if decoded, err := url.QueryUnescape(s); err == nil {
				return decoded
			}
			return s
		})},
		{Fault: "the signature is over the parameters in the order they came, not sorted by name", Fits: func() bool {
			order := make([]int, 0, len(n.Params))
			for i := range n.Params {
				if n.Params[i].Name != paramChecksum && n.Params[i].Name != paramSignAlias {
					order = append(order, i)
				}
			}
			return fits(appendCanonical(nil, n.Params, order))
		}},
	}
	if len(n.Params) <= mostTried {
		const what = " not signed: the callback address itself has it, or something between added it; name it in Config.CallbackDrop"
		for i, p := range n.Params {
			guesses = append(guesses, webhook.Guess{Fault: "the parameter " + p.Name + " is" + what, Fits: without(p.Name)})
			for _, q := range n.Params[:i] {
				guesses = append(guesses, webhook.Guess{Fault: "the parameters " + q.Name + " and " + p.Name + " are" + what, Fits: without(p.Name, q.Name)})
			}
		}
	}
	if e.Guess(guesses...) {
		return
	}
	e.Blame("no usual mistake explains it: either %s is not the key of this merchant in this environment (compare it with the cabinet's), or a parameter was changed, added or lost on the way; those that came are %s", keyField, named(n.Params))
	if n.Nested {
		e.Blame("the body has nested members, and how they are signed is not published: switch them off in the cabinet")
	}
}

func named(params webhook.Params) string {
	var all []string
	for _, p := range params {
		all = append(all, p.Name)
	}
	return strings.Join(all, ", ")
}
