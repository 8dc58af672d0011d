package alfabank

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// The order states that this bank has beside those of the family.
const (
	StatePending       = 7 // waiting for an asynchronous way of payment
	StatePartCompleted = 8 // intermediate completion, where several are permitted
)

var states = map[int64]acquiring.Status{StatePending: acquiring.StatusPending, StatePartCompleted: acquiring.StatusPaid}

// Codes of refusals (errorCode) that the document describes. What one means
// depends on the method and on its words: see Error.Kind.
const (
	CodeDuplicate  = "1"  // register: the number is used; a payment: wrong card data or binding
	CodeNotActive  = "2"  // a binding is not active, or active already; nothing found
	CodeCurrency   = "3"  // unknown currency
	CodeRequired   = "4"  // a required field is empty, or returnUrl is relative
	CodeDenied     = "5"  // access denied, and nearly everything else
	CodeUnknown    = "6"  // unknown order
	CodeSystem     = "7"  // system error, or the state of the order does not allow it
	CodeCart       = "8"  // the cart is refused
	CodeFeatures   = "13" // features that do not go together, or that the merchant has no right to
	CodeFeatureSet = "14" // features are malformed
)

// denied are the words of refused credentials and missing permissions, in the
// languages that the bank answers in.
var denied = []string{"доступ запрещ", "access denied", "access is denied", "[username] or [password]", "сменить пароль", "сменить свой пароль",
	"change password", "change your password", "change the password", "нет прав", "no permission", "not permitted", "unauthorized"}

// classify says what a refusal means. Code 5 covers everything from wrong
// credentials to a refund too large, and 7 both a broken gateway and a wrong
// state, so the words decide.
func (c *Client) classify(op, code, message string) (kind error, outcome acquiring.Outcome, hint string) {
	outcome = acquiring.OutcomeRejected
	m := rbs.Fold(message)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(m, p) {
				return true
			}
		}
		return false
	}
	if has(denied...) {
		return acquiring.ErrUnauthorized, outcome, c.hintDenied(op)
	}
	template := strings.HasPrefix(op, "templates/")
	switch code {
	case CodeDuplicate:
		switch {
		case registers(op) && !has("неверн", "некорректн", "wrong", "incorrect", "invalid"):
			return acquiring.ErrDuplicate, outcome, ""
		case has("связк", "binding"):
			return acquiring.ErrConflict, outcome, ""
		}
	case CodeNotActive:
		switch {
		case template:
			return acquiring.ErrInvalid, outcome, ""
		case op == epStatus.op || op == epOldStatus.op:
			return acquiring.ErrDeclined, outcome, ""
		case has("не найден", "not found"):
			return acquiring.ErrNotFound, outcome, ""
		}
		return acquiring.ErrConflict, outcome, ""
	case CodeDenied:
		switch {
		case rbs.NotFound(code, message, CodeDenied):
			return acquiring.ErrNotFound, outcome, ""
		case template:
			return acquiring.ErrUnauthorized, outcome, c.hintDenied(op)
		case moves(op) && !has("amount] is", "неверная сумма", "wrong amount", "invalid amount", "language", "язык"):
			return acquiring.ErrConflict, outcome, "the order's state or sums do not allow it: look with GetStatus"
		}
	case CodeUnknown:
		return acquiring.ErrNotFound, outcome, ""
	case CodeSystem:
		if m == "" || has("систем", "system", "internal", "внутренн") {
			return acquiring.ErrUnavailable, acquiring.OutcomeUnknown, ""
		}
		return acquiring.ErrConflict, outcome, "the order's state or sums do not allow it: look with GetStatus"
	case CodeCart:
		return acquiring.ErrInvalid, outcome, "the cart is refused: its sum, currency or form"
	case CodeFeatures:
		if has("force_", "вместе", "together", "одновременно") {
			return acquiring.ErrInvalid, outcome, "FORCE_TDS and FORCE_SSL cannot go with AUTO_PAYMENT"
		}
		return acquiring.ErrUnauthorized, outcome, "the merchant has no right to these features; ask the bank to switch them on"
	case CodeFeatureSet:
		return acquiring.ErrInvalid, outcome, "features are wrong: see Config.Features and Extra"
	}
	return acquiring.ErrInvalid, outcome, ""
}

// registers says whether the method makes an order, so that code 1 is about
// its number.
func registers(op string) bool {
	switch op {
	case epRegister.op, epRegisterPreAuth.op, epInstant.op, epAlfaPay.op, epVerifyCard.op:
		return true
	}
	return false
}

// moves says whether the method moves money that was paid or held, so that a
// refusal is about the order's state.
func moves(op string) bool {
	switch op {
	case epDeposit.op, epReverse.op, epRefund.op, epDecline.op, epRawSum.op, epRawPosition.op:
		return true
	}
	return false
}

// hintDenied names the usual causes of "access denied", as far as the Config
// tells them apart.
func (c *Client) hintDenied(op string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "the bank says the same of five things: the login and password of the API (…-api, not the cabinet's -operator login) must be those of the %s contour", c.conf.Environment)
	switch host := c.host(); {
	case c.conf.BaseURL != "":
		fmt.Fprintf(&b, "; they must belong to the installation at %s (Config.BaseURL)", host)
	case c.conf.Environment == acquiring.Production:
		fmt.Fprintf(&b, `; they must belong to the installation at %s (logins "r-…" are of payment.alfabank.ru, others of pay.alfabank.ru or ecom.alfabank.ru: Config.Installation)`, host)
	}
	b.WriteString("; a password that the bank mailed must be changed in the cabinet first; and " + op + " must be switched on for the merchant by the bank")
	return b.String()
}

// host is the gateway's.
func (c *Client) host() string {
	u, err := url.Parse(c.gate.REST.BaseURL())
	if err != nil {
		return ""
	}
	return u.Host
}

// gatewayParam knows the parameters of an order that are not the shop's
// metadata.
func gatewayParam(name string) bool {
	switch name {
	case "backToShopUrl", "backToShopName", "installments", "totalInstallmentAmount", "recurringFrequency", "recurringExpiry",
		"mobile_number", "wallet_number", "wallet_operator_inn", "sbpTermNo", "subscriptionPurpose", "penalty",
		"originalResponseCode", paramPayURL:
		return true
	}
	return false
}

// paramPayURL is where Config.StorePayURL keeps the payment page's address.
const paramPayURL = "formUrl"

// payment reads an order in the library's words. The token of an SBP account
// is marked, because other methods forget it.
func (c *Client) payment(id acquiring.PaymentID, o *Order, captured money.Amount) *acquiring.Payment {
	p := o.Payment(id, rbs.Reading{States: states, Captured: captured, Test: c.conf.Environment == acquiring.Test, OwnParams: gatewayParam, World: &c.world})
	if p.Card != nil && p.Card.Token != "" && p.Method == acquiring.MethodSBP {
		p.Card.Token = sbpPrefix + p.Card.Token
	}
	return p
}

// sbpPrefix marks the token of an SBP account among those of cards.
const sbpPrefix = "sbp:"
