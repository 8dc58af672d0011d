package tochka

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// WebhookType is what a webhook is about.
type WebhookType string

// The types of webhooks.
const (
	WebhookAcquiring       WebhookType = "acquiringInternetPayment" // a payment link, or a subscription, was paid
	WebhookIncomingSBP     WebhookType = "incomingSbpPayment"       // an SBP QR code was paid
	WebhookIncomingSBPB2B  WebhookType = "incomingSbpB2BPayment"    // a company paid by SBP
	WebhookIncomingPayment WebhookType = "incomingPayment"          // money came to the account
	WebhookOutgoingPayment WebhookType = "outgoingPayment"          // money left the account
	WebhookCustom          WebhookType = "customWebhook"            // undocumented
)

// Notice is what a webhook says: its payload. Fields that a type does not have
// are empty; what the bank adds later is in Raw.
type Notice struct {
	Type         WebhookType `json:"webhookType"`
	CustomerCode string      `json:"customerCode"`

	Amount      Sum    `json:"amount"` // not of incomingPayment and outgoingPayment: see SidePayer
	Purpose     string `json:"purpose"`
	OperationID Text   `json:"operationId"` // of the payment link; of an SBP payment the NSPK's
	MerchantID  string `json:"merchantId"`  // the retail point, or the SBP merchant

	PaymentType   PaymentMode     `json:"paymentType"`
	Status        OperationStatus `json:"status"`        // APPROVED or AUTHORIZED
	PaymentLinkID string          `json:"paymentLinkId"` // the shop's order number
	ConsumerID    string          `json:"consumerId"`
	TransactionID string          `json:"transactionId"` // SBP
	QRCID         string          `json:"qrcId"`         // SBP
	PayerName     string          `json:"payerName"`     // SBP: Мария Петровна С.
	MaskedPAN     string          `json:"maskedPan"`
	CardType      string          `json:"cardType"`
	TokenCardID   string          `json:"tokenCardId"`

	PayerMobileNumber string `json:"payerMobileNumber"`
	BrandName         string `json:"brandName"`
	RefTransactionID  string `json:"refTransactionId"` // needed to give an SBP payment back

	SidePayer      *Side  `json:"SidePayer"`
	SideRecipient  *Side  `json:"SideRecipient"`
	DocumentNumber Text   `json:"documentNumber"`
	PaymentID      string `json:"paymentId"` // the same as in statements
	Date           Date   `json:"date"`

	Raw []byte `json:"-"` // the payload as it was signed
}

// Side is one side of a transfer between accounts.
type Side struct {
	BankCode                 string `json:"bankCode"`
	BankName                 string `json:"bankName"`
	BankCorrespondentAccount string `json:"bankCorrespondentAccount"`
	Account                  string `json:"account"`
	Name                     string `json:"name"`
	Amount                   Sum    `json:"amount"`
	Currency                 string `json:"currency"`
	INN                      string `json:"inn"`
	KPP                      string `json:"kpp"`
}

// Known says whether the library knows the type.
func (t WebhookType) Known() bool {
	switch t {
	case WebhookAcquiring, WebhookIncomingSBP, WebhookIncomingSBPB2B, WebhookIncomingPayment, WebhookOutgoingPayment:
		return true
	}
	return false
}

// Notice checks a token and reads what it says. Any type is read; one that the
// library does not know has only Type, CustomerCode and Raw. The error is
// ErrSignature.
func (v *Verifier) Notice(token []byte) (*Notice, error) {
	payload, err := v.Verify(token)
	if err != nil {
		return nil, err
	}
	return v.read(payload)
}

// leeway is for exp and nbf, which the bank does not send.
const leeway = time.Minute

// read reads a payload that was signed. It walks over the members itself: the
// signature is the dear part of a webhook, and the reading should not be
// another.
func (v *Verifier) read(payload []byte) (*Notice, error) {
	n := &Notice{}
	var expires, notBefore []byte
	var wrong error // a member that cannot be read; of an unknown type it does not matter
	ok := json.Valid(payload) && members(payload, func(name string, value []byte) {
		var err error
		switch name {
		case "webhookType":
			err = json.Unmarshal(value, &n.Type)
		case "customerCode":
			err = into(&n.CustomerCode, value)
		case "exp":
			expires = value
		case "nbf":
			notBefore = value
		default:
			err = n.set(name, value)
		}
		if err != nil && wrong == nil {
			wrong = err
		}
	})
	if !ok {
		return nil, forged("the token's payload is not a JSON object with every name once")
	}
	if n.Type == "" {
		return nil, forged("the token does not say what it is about (webhookType)")
	}
	now := v.now()
	if at, there := unix(expires); there && now.After(at.Add(leeway)) {
		return nil, forged("the token's time is over, or cannot be read (exp)")
	}
	if at, there := unix(notBefore); there && (at.IsZero() || now.Before(at.Add(-leeway))) {
		return nil, forged("the token's time has not come, or cannot be read (nbf)")
	}
	switch {
	case !n.Type.Known():
		n = &Notice{Type: n.Type, CustomerCode: n.CustomerCode}
	case wrong != nil:
		return nil, forged("the token's payload is not what the bank sends")
	case n.Type == WebhookAcquiring && (n.OperationID == "" || n.Status == "" || n.Amount <= 0 || n.CustomerCode == ""):
		return nil, forged("the token lacks operationId, status, amount or customerCode")
	}
	n.Raw = payload
	return n, nil
}

// set reads one member; one that is not known is passed over, and so is one
// that merely describes and cannot be read: it is in Raw.
func (n *Notice) set(name string, value []byte) error {
	switch name {
	case "purpose":
		_ = into(&n.Purpose, value)
	case "payerName":
		_ = into(&n.PayerName, value)
	case "maskedPan":
		_ = into(&n.MaskedPAN, value)
		n.MaskedPAN = maskPAN(n.MaskedPAN)
	case "cardType":
		_ = into(&n.CardType, value)
	case "tokenCardId":
		_ = into(&n.TokenCardID, value)
	case "payerMobileNumber":
		_ = into(&n.PayerMobileNumber, value)
	case "brandName":
		_ = into(&n.BrandName, value)
	case "amount":
		return n.Amount.UnmarshalJSON(value)
	case "operationId":
		return n.OperationID.UnmarshalJSON(value)
	case "merchantId":
		return into(&n.MerchantID, value)
	case "paymentType":
		return into(&n.PaymentType, value)
	case "status":
		return into(&n.Status, value)
	case "paymentLinkId":
		return into(&n.PaymentLinkID, value)
	case "consumerId":
		return into(&n.ConsumerID, value)
	case "transactionId":
		return into(&n.TransactionID, value)
	case "qrcId":
		return into(&n.QRCID, value)
	case "refTransactionId":
		return into(&n.RefTransactionID, value)
	case "SidePayer":
		return json.Unmarshal(value, &n.SidePayer)
	case "SideRecipient":
		return json.Unmarshal(value, &n.SideRecipient)
	case "documentNumber":
		return n.DocumentNumber.UnmarshalJSON(value)
	case "paymentId":
		return into(&n.PaymentID, value)
	case "date":
		return into(&n.Date, value)
	}
	return nil
}

// into reads a JSON string, or a number as its text; null is "".
func into[T ~string](dst *T, value []byte) error {
	if plain(value) {
		*dst = T(value[1 : len(value)-1])
		return nil
	}
	s, _, err := scalar(value)
	if err != nil {
		return err
	}
	*dst = T(s)
	return nil
}

// plain says whether a value is a string that stands for itself.
func plain(value []byte) bool {
	return len(value) >= 2 && value[0] == '"' && bytes.IndexByte(value, '\\') < 0 && utf8.Valid(value)
}

// unix is a time of a token, in whole seconds; zero: it cannot be read.
func unix(value []byte) (at time.Time, there bool) {
	text, there, err := scalar(value)
	if err != nil {
		return time.Time{}, true
	}
	whole, _, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || s <= 0 {
		return time.Time{}, there
	}
	return time.Unix(min(s, 1<<40), 0), there
}

// members walks over the members of a valid JSON document; false: it is no
// object, or has a name twice, by whatever case: two readers would see two
// different payments.
func members(doc []byte, visit func(name string, value []byte)) bool {
	i := space(doc, 0)
	if i == len(doc) || doc[i] != '{' {
		return false
	}
	var room [32]string
	names := room[:0]
	for i = space(doc, i+1); doc[i] != '}'; {
		end := skip(doc, i)
		var name string
		if into(&name, doc[i:end]) != nil {
			return false
		}
		for _, other := range names {
			if len(other) == len(name) && strings.EqualFold(other, name) {
				return false
			}
		}
		names = append(names, name)
		i = space(doc, space(doc, end)+1) // over the colon
		end = skip(doc, i)
		visit(name, doc[i:end])
		if i = space(doc, end); doc[i] == ',' {
			i = space(doc, i+1)
		}
	}
	return true
}

// space is where the white space from i on ends.
func space(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

// skip is where the value at i ends, in a document that is valid.
func skip(doc []byte, i int) int {
	depth := 0
	for ; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			for i++; doc[i] != '"'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // of the object around a number
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}
