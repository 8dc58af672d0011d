package paykeeper

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// Notification is PayKeeper's news of a payment received (POST-оповещение,
// section 8). There is none of failures and of refunds.
//
// The signature covers ID, Sum, ClientID and OrderID, one after another with
// nothing between: the same signature fits other cuts of the same text.
// Compare sum and order with your own, or let Acquirer.VerifyCallback read the
// payment back. Everything else is unsigned.
type Notification struct {
	ID       PaymentID
	Sum      money.Amount
	ClientID string
	OrderID  string // "" tops up an account

	// What follows is not covered by the signature.

	PaymentSystemID string
	ServiceName     string
	ClientEmail     string
	ClientPhone     string
	// BatchDate is set for a payment on hold: the day on which the money is
	// taken by itself. It is the only sign of a hold that the service gives.
	BatchDate  string
	ReceiptKey string // of the receipt's page, see ReceiptURL (fop_receipt_key)
	BankID     string // number of the saved card, for charges
	CardNumber string // masked
	CardHolder string
	CardExpiry string
	Hostname   string
	ObtainedAt time.Time

	Params webhook.Params // every parameter, decoded, in the order they came
	Answer string         // what the service must hear, in so many letters: "OK 4896ed43…"
}

// Held says whether the notification speaks of a hold. The signature does not
// cover it.
func (n *Notification) Held() bool {
	return n.BatchDate != "" && !strings.HasPrefix(n.BatchDate, "0000-00-00")
}

// Reply is the answer to the notification: 200, text/plain, Answer. Anything
// else, a bare "OK" too, makes the service send again until the payment is
// stuck.
func (n *Notification) Reply() acquiring.Reply {
	return acquiring.Reply{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(n.Answer)}
}

// mostParams is the most room that is made beforehand for a notification's
// parameters: a body of nothing but ampersands gets no more.
const mostParams = 32

// ParseNotification reads the body of a notification and checks that it is
// PayKeeper's: key is the MD5 of id, sum, clientid and orderid, as they came,
// and the secret word, or the one before it (Config.PreviousSecret); it is
// compared in constant time, in small letters. A
// parameter that is there twice, a sum or a number in an unusual form, and a
// wrong key give ErrSignature. It asks nobody.
func (c *Client) ParseNotification(body []byte) (*Notification, error) {
	text := string(body)
	params, err := webhook.ParseForm(make(webhook.Params, 0, min(strings.Count(text, "&")+1, mostParams)), text)
	if err != nil {
		return nil, acquiring.InOp(provider, opNotification, err)
	}
	n := &Notification{Params: params}
	var id, sum, key, obtained string
	card := -1
	for i := range params {
		v := params[i].Value
		switch params[i].Name {
		case "id":
			id = v
		case "sum":
			sum = v
		case "clientid":
			n.ClientID = v
		case "orderid":
			n.OrderID = v
		case "key":
			key = v
		case "ps_id":
			n.PaymentSystemID = v
		case "service_name":
			n.ServiceName = v
		case "client_email":
			n.ClientEmail = v
		case "client_phone":
			n.ClientPhone = v
		case "batch_date":
			n.BatchDate = v
		case "fop_receipt_key":
			n.ReceiptKey = v
		case "bank_id":
			n.BankID = v
		case "card_number":
			card = i
		case "card_holder":
			n.CardHolder = v
		case "card_expiry":
			n.CardExpiry = v
		case "pk_hostname":
			n.Hostname = v
		case "obtain_datetime":
			obtained = v
		}
	}
	switch {
	case id == "" || strings.Trim(id, "0123456789") != "" || len(id) > 20:
		return nil, notPayKeepers("the parameter id is not a payment's number")
	case !plainSum(sum):
		return nil, notPayKeepers("the parameter sum is not a sum as PayKeeper writes it")
	case len(key) != 2*md5.Size:
		return nil, notPayKeepers("the parameter key is not a signature")
	}
	var room [256]byte
	signed := append(room[:0], id...)
	signed = append(signed, sum...)
	signed = append(signed, n.ClientID...)
	signed = append(signed, n.OrderID...)
	secret := c.secret
	if !fits(signed, secret, key) {
		if secret = c.past; len(secret) == 0 || !fits(signed, secret, key) {
			secret = nil
		}
	}
	if secret == nil {
		e := notPayKeepers("the signature is not that of the secret word")
		e.Hint = "if it really came from PayKeeper, compare Config.Secret with the secret word in the cabinet"
		return nil, e
	}
	amount, err := money.Parse(sum)
	if err != nil {
		return nil, notPayKeepers("the parameter sum is not a sum as PayKeeper writes it")
	}
	// Only now: a stranger's notification is not worth the work.
	n.ID, n.Sum, n.ObtainedAt = PaymentID(id), amount, parseTime(obtained)
	if card >= 0 {
		n.CardNumber = maskCard(params[card].Value)
		params[card].Value = n.CardNumber
	}
	signed = append(append(room[:0], id...), secret...)
	digest := md5.Sum(signed)
	answer := append(room[:0], "OK "...)
	n.Answer = string(hex.AppendEncode(answer, digest[:]))
	return n, nil
}

// fits says whether key is the MD5 of the text and the secret word. The text
// keeps its length; the room behind it is written over.
func fits(text, secret []byte, key string) bool {
	var want [2 * md5.Size]byte
	digest := md5.Sum(append(text, secret...))
	hex.Encode(want[:], digest[:])
	return subtle.ConstantTimeCompare(want[:], []byte(key)) == 1
}

const opNotification = "notification"

func notPayKeepers(why string) *acquiring.Error {
	return &acquiring.Error{Provider: provider, Op: opNotification, Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeNotSent, Message: why}
}

// plainSum says whether the text is digits without needless zeros in front,
// and at most two decimals: any other form could be cut another way under the
// same signature.
func plainSum(s string) bool {
	whole, frac, cut := strings.Cut(s, ".")
	if whole == "" || (len(whole) > 1 && whole[0] == '0') || len(whole) > 15 || strings.Trim(whole, "0123456789") != "" {
		return false
	}
	return !cut || (len(frac) >= 1 && len(frac) <= 2 && strings.Trim(frac, "0123456789") == "")
}

// ReadNotification is ParseNotification of a request's body, read up to 64 KiB.
// A request that is not a POST gives ErrSignature.
func (c *Client) ReadNotification(r *http.Request) (*Notification, []byte, error) {
	if r.Method != http.MethodPost {
		return nil, nil, notPayKeepers("a notification is a POST")
	}
	body, err := webhook.ReadBody(r, webhook.MaxBody)
	if err != nil {
		return nil, nil, acquiring.InOp(provider, opNotification, err)
	}
	n, err := c.ParseNotification(body)
	return n, body, err
}
