package sberbank

import (
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// states are the order states that the bank does not describe; elsewhere in
// the family 7 is pending and 8 an intermediate completion. Never paid.
var states = map[int64]acquiring.Status{7: acquiring.StatusPending, 8: acquiring.StatusPending, 9: acquiring.StatusPending}

// Hints of refusals.
const (
	hintAccess = "check that these are the credentials of the API (not the cabinet's -operator login), of this environment, with a password that is not expired, and that the method is permitted to the merchant"
	hintLocked = "the order is locked by another operation; repeat later"
	hintState  = "look with GetStatus: a hold is released with Void, and what was not paid is withdrawn with Cancel"
	hintNumber = "compare the fields with the bank's limits; a payment goes by the bank's number, Invoice.ID, and not by the order's"
)

// classify says what a refusal means. Code 5 covers everything from wrong
// credentials to a refund too large, so the words decide; they are asked for
// in Russian.
func classify(op, code, message string) (kind error, outcome acquiring.Outcome, hint string) {
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
	register := strings.HasPrefix(op, "register") || strings.HasPrefix(op, "sbercredit") || strings.HasPrefix(op, "recurrent") ||
		strings.HasPrefix(op, "mir/") || strings.HasSuffix(op, "/payment.do")
	switch {
	case has("доступ запрещ", "access denied", "[username] or [password]", "сменить свой пароль", "change password", "change your password", "change the password"):
		return acquiring.ErrUnauthorized, outcome, hintAccess
	case has("заблокирован другим действием", "locked by another"):
		return acquiring.ErrUnavailable, outcome, hintLocked
	}
	switch code {
	case "1":
		switch {
		case has("связк", "binding"):
			return acquiring.ErrConflict, outcome, ""
		case register && !has("неверн", "wrong", "incorrect"):
			return acquiring.ErrDuplicate, outcome, ""
		}
	case "2":
		switch {
		case op == epOldStatus.op:
			return acquiring.ErrDeclined, outcome, "" // the order's state, not a refusal of the question
		case has("не найден", "not found"):
			return acquiring.ErrNotFound, outcome, ""
		}
		return acquiring.ErrConflict, outcome, ""
	case "5", "9":
		switch {
		case rbs.NotFound(code, message, "5", "9"):
			return acquiring.ErrNotFound, outcome, ""
		case has("статус", "превыша", "exceed", "частичн", "истек", "expired", "операция запрещ", "не найдена успешная"):
			return acquiring.ErrConflict, outcome, ""
		case has("отклонен", "declined", "попыток", "attempts"):
			return acquiring.ErrDeclined, outcome, ""
		case !register && has("значения параметра", "value of the request parameter"):
			return acquiring.ErrInvalid, outcome, hintNumber
		}
	case "6":
		if op == epUpdateSSLCardList.op {
			return acquiring.ErrConflict, outcome, ""
		}
		return acquiring.ErrNotFound, outcome, ""
	case "7":
		if has("систем", "system") {
			return acquiring.ErrUnavailable, acquiring.OutcomeUnknown, ""
		}
		if op == epRefund.op {
			return acquiring.ErrConflict, outcome, hintState
		}
		return acquiring.ErrConflict, outcome, ""
	case "8":
		return acquiring.ErrInvalid, outcome, "the cart is refused: its sum, currency or form"
	case "13":
		return acquiring.ErrUnauthorized, outcome, "the merchant has no right to such payments; ask the bank"
	case "14":
		return acquiring.ErrInvalid, outcome, "features are wrong: see Config.Features and Extra"
	case "15":
		return acquiring.ErrConflict, outcome, "the customer deactivated the binding; delete it"
	}
	return acquiring.ErrInvalid, outcome, ""
}

// gatewayParam knows the keys of jsonParams that the gateway itself reads: they are
// no metadata of the shop.
func gatewayParam(name string) bool {
	switch name {
	case "pdAgreement", "app2app", "web2app", "app.deepLink", "app.osType", "sberpay.backurl", "qrType", "sbp.scenario",
		"sbp.subscriptionPurpose", "sberpay.qr.c2b", "sberpay.sbp.cashLink", "backToShopName", "backToShopUrl",
		"destWalletNum", "destPhoneNum", "destCardNum", "destAcctNum", "externalRefundId", "merchantOrderId",
		"acctId", "acctType", "transType", "hasValuableItems", "shipDeliveryPointId", "nbPurchaseAccount", "txnActivityDay",
		"txnActivityYear", "provisionAttemptsDay", "suspiciousAccActivity", "mobilePhone", "workPhone", "homePhone":
		return true
	}
	for _, prefix := range []string{"chAcc", "paymentAcc", "shipAddr", "shipName", "threeDSReq", "billAddr", "mri", "sbrf_spasibo:"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// booleanParam says whether the gateway wants the parameter as a JSON boolean.
func booleanParam(name string) bool {
	switch name {
	case "pdAgreement", "app2app", "web2app", "sberpay.qr.c2b", "sberpay.sbp.cashLink":
		return true
	}
	return false
}

// payment reads an order in the library's words.
func (c *Client) payment(id acquiring.PaymentID, o *Order, captured money.Amount) *acquiring.Payment {
	p := o.Payment(id, rbs.Reading{States: states, Captured: captured, World: c.world, Test: c.conf.Environment == acquiring.Test, OwnParams: gatewayParam})
	if subscription, member := rbs.Lookup(o.Attributes, "subscriptionId"), rbs.Lookup(o.Attributes, "memberId"); subscription != "" && member != "" {
		if p.Card == nil {
			p.Card = new(acquiring.Card)
		}
		if p.Card.Token == "" {
			p.Card.Token = sbpToken(subscription, member)
		}
	}
	return p
}

// sbpPrefix marks the token of an SBP subscription among those of cards.
const sbpPrefix = "sbp:"

func sbpToken(subscription, member string) string { return sbpPrefix + subscription + ":" + member }

// splitSBPToken undoes sbpToken.
func splitSBPToken(token string) (subscription, member string, ok bool) {
	rest, ok := strings.CutPrefix(token, sbpPrefix)
	if !ok {
		return "", "", false
	}
	subscription, member, ok = strings.Cut(rest, ":")
	return subscription, member, ok && subscription != "" && member != ""
}
