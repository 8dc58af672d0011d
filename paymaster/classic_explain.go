package paymaster

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/webhook"
)

// ExplainCallback says which rule of LMI_HASH a notification breaks, for a client
// of acquiring.Test; see webhook.Explain.
func (c *ClassicClient) ExplainCallback(r *http.Request) (*webhook.Explanation, error) {
	e, body, err := webhook.NewExplanation(c.conf.Environment, provider, r, c.conf.SecretKey, c.conf.PreviousSecretKey, c.conf.SignKey, c.conf.PreviousSignKey,
		c.conf.Password, c.conf.DirectSecret)
	if err != nil {
		return nil, err
	}
	e.Rule = "LMI_HASH is the " + c.conf.Hash.String() + " in base64 of " + strings.Join(signedNames[:], ", ") + " and the secret key, as they came, with semicolons between; an absent field is empty"
	if r.Method != http.MethodPost {
		e.Blame("the request is a %s; a notification is a POST", r.Method)
		return e, nil
	}
	n, err := readClassic(nil, body)
	if n.canonical != nil {
		e.Sign(n.canonical, true)
	}
	if err != nil {
		e.BlameError(err)
		return e, nil
	}
	if shop := string(n.values[sMerchant]); !strings.EqualFold(shop, c.conf.MerchantID) {
		e.Blame("LMI_MERCHANT_ID is %s, and Config.MerchantID is %s: the notification is for another shop", shop, c.conf.MerchantID)
	}
	if n.preRequest() {
		e.Rule = "a pre-request (LMI_PREREQUEST) is not signed"
		e.Signed = ""
		return e, nil
	}
	hash := n.values[fHash]
	if len(hash) == 0 {
		e.Blame("there is no LMI_HASH: set the kind of signature (Тип подписи) in the cabinet")
		return e, nil
	}
	if !c.sign.verify(&n) {
		c.explainHash(e, &n, string(hash))
		return e, nil
	}
	if err := c.checkNotification(&n); err != nil {
		e.BlameError(err)
	}
	return e, nil
}

func (c *ClassicClient) explainHash(e *webhook.Explanation, n *classicNotice, hash string) {
	digest, err := base64.StdEncoding.DecodeString(hash)
	if err != nil {
		e.Blame("LMI_HASH is not base64: was it decoded once too often? A plus sign in it must come as %%2B")
		return
	}
	fits := func(h Hash, secret string, text []byte) func() bool {
		return func() bool {
			sum := (&signer{hash: h}).sum(nil, slices.Concat(text, []byte(secret)))
			return subtle.ConstantTimeCompare(sum, []byte(hash)) == 1
		}
	}
	var guesses []webhook.Guess
	for _, h := range []Hash{MD5, SHA1, SHA256} {
		if h != c.conf.Hash {
			guesses = append(guesses, webhook.Guess{Fault: "the site signs with " + h.String() + ", and Config.Hash is " + c.conf.Hash.String() + ": set the one that the cabinet has (Тип подписи)",
				Fits: fits(h, c.conf.SecretKey, n.canonical)})
		}
	}
	guesses = append(guesses,
		webhook.Guess{Fault: "Config.SecretKey has white space around it: it fits without", Fits: fits(c.conf.Hash, strings.TrimSpace(c.conf.SecretKey), n.canonical)},
		webhook.Guess{Fault: "spaces came where plus signs were signed: something between decoded the form and encoded it anew",
			Fits: fits(c.conf.Hash, c.conf.SecretKey, []byte(strings.ReplaceAll(string(n.canonical), " ", "+")))})
	if n.has(sSimMode) {
		values := n.values
		values[sSimMode] = nil
		guesses = append(guesses, webhook.Guess{Fault: "LMI_SIM_MODE is not signed: it was added on the way", Fits: fits(c.conf.Hash, c.conf.SecretKey, canonical(nil, &values))})
	}
	if e.Guess(guesses...) {
		return
	}
	if sizes := map[int]Hash{16: MD5, 20: SHA1, 32: SHA256}; sizes[len(digest)] != c.conf.Hash {
		if h, known := sizes[len(digest)]; known {
			e.Blame("LMI_HASH is as long as a digest of %s, and Config.Hash is %s: compare it with the cabinet (Тип подписи)", h, c.conf.Hash)
		} else {
			e.Blame("LMI_HASH stands for %d bytes, which no kind of signature gives: it was cut or changed", len(digest))
		}
	}
	var absent []string
	for f, name := range signedNames {
		if !n.has(f) {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 {
		e.Blame("these fields are absent and count as empty: %s; if PayMaster sent one, it was lost on the way", strings.Join(absent, ", "))
	}
	e.Blame("no usual mistake explains it: either Config.SecretKey is not this site's secret key (Секретный ключ), or a signed field was changed on the way")
}
