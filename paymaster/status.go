package paymaster

import (
	"github.com/acquiring-go/acquiring"
)

// PaymentStatus is the status of a payment in the API v2.
type PaymentStatus = string

// The statuses of a payment (section «Платежи»). One that is not here is
// StatusUnknown, never paid.
const (
	StatusPending      PaymentStatus = "Pending"      // being processed, or waiting for the buyer
	StatusConfirmation PaymentStatus = "Confirmation" // 3-D Secure, an SBP link or a code is waited for; not paid
	StatusAuthorized   PaymentStatus = "Authorized"   // held
	StatusSettled      PaymentStatus = "Settled"      // paid; refunds do not change it
	StatusCancelled    PaymentStatus = "Cancelled"
	StatusRejected     PaymentStatus = "Rejected"
)

// The statuses of a refund and of a receipt.
const (
	OperationPending   = "Pending"
	OperationSuccess   = "Success"
	OperationRejected  = "Rejected"
	OperationCancelled = "Cancelled" // of a receipt
)

// The statuses of a saved card or account.
const (
	TokenCreated  = "Created"
	TokenActive   = "Active"
	TokenRevoked  = "Revoked"
	TokenDeclined = "Declined"
)

// Types of a Confirmation: what the buyer has to do next.
const (
	ConfirmExternal  = "External"         // send him to PaymentURL, or show it as an SBP code
	ConfirmSMS       = "SmsOtp"           // ask him for the code: Completion.Code
	ConfirmMethod    = "ThreeDSMethod"    // open MethodURL in a hidden frame: Completion.ThreeDSCompInd
	ConfirmChallenge = "ThreeDSChallenge" // post CReq to the ACS: Completion.CRes
	ConfirmThreeDSv1 = "ThreeDSv1"        // post PAReq to the ACS: Completion.PARes
)

// hintToken is what to do when the API says no.
const hintToken = "check that Config.Token is this installation's and may use the shop Config.MerchantID"

// hintNumber is what to do about a number that was used (-14).
const hintNumber = "if an order number is meant, it was paid or cancelled already: issue a new attempt under another one, acquiring.Attempt"

// apiErrors are the error codes of the API v2 (section «Коды ошибок»).
var apiErrors = map[string]struct {
	kind error
	hint string
}{
	"validation_error":          {acquiring.ErrInvalid, ""},
	"not_authorized":            {acquiring.ErrUnauthorized, hintToken},
	"idempotency_key_violation": {acquiring.ErrDuplicate, "the request was made before; look for what it made"},
	"invalid_operation":         {acquiring.ErrConflict, "the payment's state or the sum does not allow it; read it with GetStatus"},
	"payment_token_revoked":     {acquiring.ErrNotFound, "the saved card was revoked; let the customer save it again"},
	"payment_token_blocked":     {acquiring.ErrDeclined, "the saved card is blocked for a time; try later"},
}

// results are the results of an authorisation (resultCode).
var results = map[string]string{
	"TransactionDeclined":  "declined by the issuer",
	"IssuerUnavailable":    "the issuer is not available",
	"RejectedByFraud":      "refused by fraud monitoring",
	"InvalidAmount":        "the sum is not allowed",
	"InvalidAccount":       "the card is wrong or does not exist",
	"BlockedAccount":       "the card is blocked or lost",
	"OperationNotAllowed":  "the operation is not allowed",
	"InsufficientFunds":    "not enough money",
	"ExpiredAccount":       "the card has expired, or its expiry date is wrong",
	"PaymentLimitExceeded": "the limit of the sum is exceeded",
	"PaymentCountExceeded": "the limit of attempts is exceeded",
	"CardNotEnrolled":      "the card has no 3-D Secure",
	"ThreeDSecureFailed":   "3-D Secure failed",
	"CancelledByUser":      "cancelled by the buyer",
	"PaymentExpired":       "not paid in time",
}

// ResultMeaning is what a resultCode of a failure means, in English; "" for
// "Success" and for one that is not documented.
func ResultMeaning(code string) string { return results[code] }

// failureOf is why the payment failed; nil: it did not.
func failureOf(code, message string) *acquiring.Failure {
	if code == "" || code == "Success" {
		return nil
	}
	if message == "" {
		message = results[code]
	}
	return &acquiring.Failure{Code: code, Message: message}
}

// status maps a payment of the API v2; refunds are the caller's business.
func (p *PaymentInfo) status() acquiring.Status {
	switch p.Status {
	case StatusPending, StatusConfirmation:
		return acquiring.StatusPending
	case StatusAuthorized:
		return acquiring.StatusAuthorized
	case StatusSettled:
		return acquiring.StatusPaid
	case StatusCancelled, StatusRejected:
		switch {
		case p.ResultCode == "PaymentExpired":
			return acquiring.StatusExpired
		case p.ResultCode == "CancelledByUser":
			return acquiring.StatusCanceled
		case p.Status == StatusRejected:
			return acquiring.StatusDeclined
		case p.ResultCode == "Success" && p.PaymentData != nil && p.PaymentData.InstrumentTitle != "":
			// A hold that was released: it had been authorised with a card.
			return acquiring.StatusVoided
		}
		return acquiring.StatusCanceled
	}
	return acquiring.StatusUnknown
}

// methods are the aliases of payment methods (paymentMethod).
var methods = map[acquiring.Method]string{
	acquiring.MethodCard:        "bankcard",
	acquiring.MethodSBP:         "sbp",
	acquiring.MethodSberPay:     "sberpay",
	acquiring.MethodTPay:        "tpay",
	acquiring.MethodAlfaPay:     "alfapay",
	acquiring.MethodYandexPay:   "yandexpay",
	acquiring.MethodInstallment: "dolyame",
	acquiring.MethodWallet:      "webmoney",
}

// v1Error is the meaning of a numeric error code.
type v1Error struct {
	kind    error
	unknown bool // the outcome is not known
	words   string
}

// v1Errors are the error codes of the classic protocol: of the REST API v1, of
// refunds, and of the payment page.
var v1Errors = map[string]v1Error{
	"-1":  {acquiring.ErrUnavailable, true, "unknown failure at PayMaster"},
	"-2":  {acquiring.ErrUnavailable, true, "network failure inside PayMaster"},
	"-5":  {acquiring.ErrUnavailable, true, "network failure at the payment system"},
	"-6":  {acquiring.ErrUnauthorized, false, "access denied: the login is wrong or has no right to it"},
	"-7":  {acquiring.ErrUnauthorized, false, "the request's hash is wrong"},
	"-8":  {acquiring.ErrDeclined, false, "the shop refused the invoice at the pre-request"},
	"-9":  {acquiring.ErrDeclined, false, "the invoice has expired"},
	"-10": {acquiring.ErrDeclined, false, "refused by the payment system"},
	"-11": {acquiring.ErrConflict, false, "the refund is not possible"},
	"-12": {acquiring.ErrConflict, false, "more than is left would be refunded"},
	"-13": {acquiring.ErrNotFound, false, "there is no such payment"},
	"-14": {acquiring.ErrDuplicate, false, "the nonce or the number of the payment was used already"},
	"-15": {acquiring.ErrDeclined, false, "the payment's time ran out"},
	"-16": {acquiring.ErrDeclined, false, "failed by simulation (LMI_SIM_MODE)"},
	"-17": {acquiring.ErrDeclined, false, "the buyer refused"},
	"-18": {acquiring.ErrInvalid, false, "the sum is wrong"},
	"-19": {acquiring.ErrDeclined, false, "not enough money"},
	"-20": {acquiring.ErrUnavailable, true, "internal error at PayMaster"},
	"-21": {acquiring.ErrConflict, false, "the previous payment is not finished"},
	"-22": {acquiring.ErrDeclined, false, "the payment system did not authorise"},
	"-23": {acquiring.ErrConflict, false, "the payment's state does not allow it"},
	"-24": {acquiring.ErrUnavailable, true, "the payment system is off for a time"},
	"-25": {acquiring.ErrDeclined, false, "3-D Secure failed"},
}

// ErrorMeaning is what a numeric error code of the classic protocol means, in
// English: "-13" is "there is no such payment". It is "" for an unknown one.
func ErrorMeaning(code string) string { return v1Errors[code].words }

// States of a payment in the REST API v1.
const (
	StateInitiated  = "INITIATED"
	StateProcessing = "PROCESSING" // presumably held, too, until it is confirmed
	StateComplete   = "COMPLETE"
	StateCancelled  = "CANCELLED"
)

// States of a refund in the REST API v1.
const (
	RefundStatePending   = "PENDING"
	RefundStateExecuting = "EXECUTING"
	RefundStateSuccess   = "SUCCESS"
	RefundStateFailure   = "FAILURE"
)
