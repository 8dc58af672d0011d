package tochka

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // the other methods of JWT
	"encoding/json"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/webhook"
)

// ExplainCallback says which rule of the webhook's token is broken, for a client
// of acquiring.Test; see webhook.Explain. It asks nobody for a key.
func (c *Client) ExplainCallback(r *http.Request) (*webhook.Explanation, error) {
	e, body, err := webhook.NewExplanation(c.conf.Environment, provider, r, c.conf.Token)
	if err != nil {
		return nil, err
	}
	e.Rule = "the body is a JWT, header.payload.signature in base64url; the signature is RS256 with the bank's key over header.payload, byte for byte"
	n, err := c.verifier.Notice(body)
	token := bytes.TrimSpace(body)
	parts := bytes.Split(token, dot)
	if len(parts) == 3 {
		e.Sign(token[:len(token)-len(parts[2])-1], false)
	}
	switch {
	case err == nil:
		if !c.concerns(n) {
			e.Blame("the signature fits, and the webhook is of another company or point than Config.CustomerCode and MerchantID: it is answered and passed over")
		}
	case len(token) > 0 && token[0] == '{':
		e.Blame("the body is JSON, and must be the token as the bank sent it: something between decoded it")
	case len(parts) != 3:
		e.BlameError(err)
	default:
		c.explainToken(e, parts, err)
	}
	return e, nil
}

func (c *Client) explainToken(e *webhook.Explanation, parts [][]byte, err error) {
	head, bad := appendBase64(nil, parts[0])
	if bad != nil {
		e.Blame("the token's header is not base64url")
		return
	}
	var header struct{ Alg, Kid string }
	if json.Unmarshal(head, &header) != nil {
		e.Blame("the token's header is not JSON")
		return
	}
	if header.Alg != "RS256" {
		e.Blame("the token's header says alg %q, and the bank signs with RS256 alone; what a token says of itself is never followed", header.Alg)
		return
	}
	sign, bad := appendBase64(nil, parts[2])
	if bad != nil {
		e.Blame("the token's signature is not base64url without padding: it was changed or cut")
		return
	}
	keys := *c.verifier.keys.Load()
	fits := func(h crypto.Hash, text []byte) bool {
		digest := h.New()
		digest.Write(text)
		for _, key := range keys {
			if rsa.VerifyPKCS1v15(key, h, digest.Sum(nil), sign) == nil {
				return true
			}
		}
		return false
	}
	text := bytes.Join(parts[:2], dot)
	if fits(crypto.SHA256, text) {
		e.BlameError(err) // the signature fits, the contents do not
		return
	}
	if c.conf.WebhookKey != "" {
		if bank, err := NewVerifier(BankKey); err == nil {
			digest := sha256.Sum256(text)
			if e.Guess(webhook.Guess{Fault: "the bank's own key made the signature, and Config.WebhookKey is another: leave WebhookKey out", Fits: func() bool { return bank.signedBy(digest[:], sign) }}) {
				return
			}
		}
	}
	if e.Guess(
		webhook.Guess{Fault: "the signature is over SHA-512, and the header says RS256", Fits: func() bool { return fits(crypto.SHA512, text) }},
		webhook.Guess{Fault: "the signature is over the payload alone, without the header", Fits: func() bool { return fits(crypto.SHA256, parts[1]) }},
	) {
		return
	}
	fitting := false
	for _, key := range keys {
		fitting = fitting || key.Size() == len(sign)
	}
	if !fitting {
		e.Blame("the signature has %d bytes, which none of the keys makes: another key signed, or it was cut", len(sign))
		return
	}
	which := "the bank's built-in key"
	if c.conf.WebhookKey != "" {
		which = "Config.WebhookKey"
	}
	fault := "no usual mistake explains it: either another key signed than " + which + ", or the header or the payload was changed on the way"
	if header.Kid != "" {
		fault += "; the token names the key " + strings.ToValidUTF8(header.Kid, "?")
	}
	e.Blame("%s", fault)
}
