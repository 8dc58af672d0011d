package orangedata

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/webhook"
)

// What Submit adds to the query of CallbackURL.
const (
	callbackDocument = "od"
	callbackKey      = "odkey"
)

// callbackToken derives the key of the digest in callback addresses, so that
// the secret it comes from serves one purpose only.
func callbackToken(secret []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("orangedata callback address"))
	return mac.Sum(nil)
}

// callbackDigest is the keyed digest of a document's name in its address. The
// organisation is in it: two shops may share an address and a secret.
func (c *Client) callbackDigest(name string) string {
	return hex.EncodeToString(c.callback.Sum(nil, []byte(c.conf.INN+"/"+name)))
}

// VerifyCallback reads the notification that a document is done
// (fiscal.Register). The service signs nothing, so nothing in the notification
// is believed: its address must be one that Submit made, with the digest of the
// document's name in it, and the document is then read from the service. The
// answer to it is 200 with an empty body; the service expects no other.
//
// acquiring.ErrSignature: the address is not ours, the body is about another
// document, or Config.CallbackAPIKeyHeader does not hold the key. The same
// notification may come again and gives the same document.
func (c *Client) VerifyCallback(ctx context.Context, r *http.Request) (*fiscal.Document, error) {
	const op = "VerifyCallback"
	kind, id, err := c.authentic(r)
	if err != nil {
		return nil, acquiring.InOp(Provider, op, err)
	}
	st, err := c.status(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	return c.document(kind, id, st), nil
}

func forged(why string) *acquiring.Error {
	return &acquiring.Error{Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeNotSent, Message: why}
}

// authentic is which document the notification is about.
func (c *Client) authentic(r *http.Request) (Kind, string, error) {
	if c.callback == nil {
		return "", "", forged("there is no Config.CallbackSecret and no PrivateKey to check the address with")
	}
	params, err := webhook.ParseForm(nil, r.URL.RawQuery)
	if err != nil {
		return "", "", err
	}
	name, _ := params.Get(callbackDocument)
	digest, _ := params.Get(callbackKey)
	if name == "" || digest == "" {
		return "", "", forged("the address has no " + callbackDocument + " and " + callbackKey + ": it is not one that Submit made")
	}
	signed := []byte(c.conf.INN + "/" + name)
	if !c.callback.VerifyHex(signed, digest) && (c.past == nil || !c.past.VerifyHex(signed, digest)) {
		return "", "", forged("the address has the digest of another document, secret or organisation")
	}
	if h := c.conf.CallbackAPIKeyHeader; h != "" {
		got := sha256.Sum256([]byte(r.Header.Get(h)))
		want := sha256.Sum256([]byte(c.conf.CallbackAPIKey))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return "", "", forged("the header " + h + " does not hold Config.CallbackAPIKey")
		}
	}
	body, err := webhook.ReadBody(r, 0)
	if err != nil {
		return "", "", err
	}
	kind, id, ok := splitName(name)
	if !ok {
		return "", "", forged("the address names a document of an unknown kind")
	}
	return kind, id, c.sameDocument(body, id)
}

// splitName cuts what CallbackAddress wrote.
func splitName(name string) (Kind, string, bool) {
	for _, kind := range []Kind{KindDocument, KindCorrection, KindCorrection12} {
		if len(name) > len(kind)+1 && name[:len(kind)+1] == string(kind)+"/" {
			return kind, name[len(kind)+1:], true
		}
	}
	return "", "", false
}

// sameDocument refuses a body that is about another document or organisation.
// One without these members, or that is no JSON at all, says nothing: its form
// is not documented.
func (c *Client) sameDocument(body []byte, id string) error {
	var b struct{ ID, INN, CompanyINN text }
	if json.Unmarshal(body, &b) != nil {
		return nil
	}
	switch {
	case b.ID != "" && string(b.ID) != id:
		return forged("the body is about another document than the address")
	case b.INN != "" && string(b.INN) != c.conf.INN, b.CompanyINN != "" && string(b.CompanyINN) != c.conf.INN:
		return forged("the body is about another organisation")
	}
	return nil
}
