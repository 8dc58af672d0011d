package rbs

import (
	"strconv"

	"github.com/acquiring-go/acquiring"
)

// Processing codes (actionCode) that the library itself looks at.
const (
	ActionApproved     = 0     // the attempt to pay succeeded
	ActionReversed     = 400   // a reversal was carried out
	ActionNoAttempts   = -100  // nobody tried to pay yet
	ActionSBPPending   = -99   // an SBP operation is under way
	ActionExpired      = -2007 // the time to pay is over
	ActionAttemptsOver = -2013 // the attempts to pay are used up
	ActionStarted      = -9000 // the transaction was started
	ActionEmpty        = 1001  // set at registration
)

// IsDecline says whether the code means that an attempt to pay failed: not so
// for an approval, and for the codes that say that nothing was tried or that
// it is still under way.
func IsDecline(code int64) bool {
	switch code {
	case ActionApproved, ActionReversed, ActionNoAttempts, ActionSBPPending, ActionStarted, ActionEmpty:
		return false
	}
	return true
}

// FailureOf is a declined attempt in words: the gateway's own, or the meaning
// of the code.
func FailureOf(code int64, words string) *acquiring.Failure {
	if words == "" {
		words = ActionMeaning(code)
	}
	return &acquiring.Failure{Code: strconv.FormatInt(code, 10), Message: words}
}

// BindingIsDead says whether the code, when paying by a binding, means that
// the binding should be deleted: the card is lost, closed or expired.
func BindingIsDead(code int64) bool {
	switch code {
	case 14, 41, 43, 53, 101, 111:
		return true
	}
	return false
}

// OutcomeOpen says whether the code means that the processing did not answer,
// so that the payment may still come.
func OutcomeOpen(code int64) bool {
	switch code {
	case ActionSBPPending, 1018, 1019, 2008, 151018, 151019:
		return true
	}
	return false
}

// ActionMeaning is the meaning of a processing code in English; "" for one that is
// not published.
func ActionMeaning(code int64) string { return actionMeanings[code] }

// actionMeanings joins the tables of the newer and the older gateways.
var actionMeanings = map[int64]string{
	-20010: "blocked by limits",
	-9000:  "the transaction was started",
	-5031:  "SBP subscription not found",
	-3101:  "the payer forbade the binding",
	-3100:  "the binding is deactivated",
	-2102:  "blocked by the passenger's name",
	-2101:  "blocked by the e-mail address",
	-2020:  "the ECI is not valid for the payment system",
	-2019:  "error in the 3-D Secure messages (iReq in PARes)",
	-2018:  "the 3-D Secure directory server is unavailable",
	-2017:  "the 3-D Secure status is not Y",
	-2016:  "the issuer cannot authenticate the payer",
	-2015:  "error in the 3-D Secure messages (iReq in VERes)",
	-2013:  "the attempts to pay are used up",
	-2011:  "the issuer cannot authenticate the payer",
	-2010:  "3-D Secure XID mismatch",
	-2007:  "the time to pay is over",
	-2006:  "the payer was not authenticated",
	-2005:  "3-D Secure signature could not be verified",
	-2003:  "blocked by the port",
	-2002:  "over the merchant's limit",
	-2001:  "the IP address is on the black list",
	-2000:  "the card is on the black list",
	-100:   "no attempt to pay yet",
	-99:    "an SBP operation is in progress",
	0:      "approved",
	1:      "identification is needed",
	5:      "refused by the network",
	7:      "pick up the card: fraud",
	12:     "the issuer's limit of amounts",
	13:     "wrong amount",
	14:     "wrong card number",
	15:     "the issuer was not found",
	31:     "the issuer cannot be reached",
	41:     "the card is lost",
	43:     "the card is stolen",
	53:     "the card is not known to the processing",
	57:     "the operation is not allowed for the card",
	61:     "the issuer's limit of amounts",
	62:     "the card is blocked",
	65:     "the number of transactions is exceeded",
	75:     "the PIN tries are exceeded",
	76:     "the original transaction was not found",
	81:     "refused by the issuer",
	82:     "wrong CVC",
	93:     "illegal transaction",
	94:     "duplicate transaction",
	96:     "the operation is impossible",
	100:    "payments on the internet are forbidden for the card",
	101:    "the card is expired",
	103:    "the issuer cannot be reached",
	104:    "the card is restricted",
	106:    "the PIN tries are exceeded",
	107:    "the payer must contact the issuer",
	109:    "the merchant or terminal is wrong or blocked",
	110:    "wrong amount",
	111:    "wrong card number",
	116:    "not enough money",
	117:    "wrong PIN",
	118:    "the service is not allowed",
	119:    "the operation is not allowed",
	120:    "the operation is not allowed",
	121:    "the issuer's limit of amounts",
	123:    "the number of transactions is exceeded",
	125:    "wrong card number, or a refund above the sum",
	208:    "the card is lost",
	209:    "the card's limits",
	239:    "the issuer demands to cancel the subscription",
	258:    "SBP: the outlet was not found",
	400:    "the reversal was processed",
	902:    "the card is restricted",
	903:    "the issuer's limit of amounts",
	904:    "wrong message format",
	907:    "the issuer cannot be reached",
	909:    "the operation is impossible",
	910:    "the issuer cannot be reached",
	913:    "wrong message format, or wrong currency at registration",
	914:    "the original transaction was not found",
	999:    "suspicion of fraud, or a 3-D Secure error",
	1001:   "nothing was entered yet",
	1004:   "SBP: not allowed to the partner",
	1014:   "declined by the gateway",
	1015:   "wrong card parameters",
	1018:   "processing timeout: not sent",
	1019:   "processing timeout: no answer",
	2002:   "wrong operation, or wrong order of calls",
	2003:   "payments without 3-D Secure are forbidden",
	2004:   "payments without CVC are forbidden",
	2005:   "a 3-D Secure rule failed",
	2006:   "one-stage payments are forbidden",
	2007:   "paid already",
	2008:   "not finished yet",
	2009:   "a refund above the payment",
	2014:   "a 3-D Secure rule has an error",
	2015:   "a rule of the terminal",
	2016:   "3-D Secure is not permitted",
	2023:   "the processing's queue is full",
	8204:   "duplicate order",
	9001:   "internal error",
	71015:  "wrong card parameters",
	151017: "3-D Secure communication error",
	151018: "processing timeout: not sent",
	151019: "processing timeout: no answer",
	341014: "declined by the gateway",
	341041: "declined by the gateway",
}
