package tochka

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// APIError is the bank's own error (section «Ошибки» of the manual), as it
// came. It is found in an error with errors.As, beside *acquiring.Error.
type APIError struct {
	HTTPStatus int
	Code       Text          `json:"code"`    // the HTTP status as text
	ID         Text          `json:"id"`      // quote it to the bank's support
	Message    Text          `json:"message"` // generic, ordinarily
	Errors     []APIErrorOne `json:"Errors"`  // the useful part
	Raw        []byte        `json:"-"`       // the answer, at most 4 KiB of it
}

// APIErrorOne is one error of several.
type APIErrorOne struct {
	ErrorCode Text `json:"errorCode"`
	Message   Text `json:"message"`
	URL       Text `json:"url"`
}

// Error is the bank's words.
func (e *APIError) Error() string {
	var words []string
	for _, one := range e.Errors {
		if m := strings.TrimSpace(string(one.Message)); m != "" {
			words = append(words, m)
		}
	}
	if len(words) == 0 {
		return strings.TrimSpace(string(e.Message))
	}
	return strings.Join(words, "; ")
}

// hide takes a secret out of all texts.
func (e *APIError) hide(secret string) {
	e.scrub(func(s string) string { return strings.ReplaceAll(s, secret, rest.Hidden) })
}

func (e *APIError) scrub(clean func(string) string) {
	e.ID, e.Message, e.Code = Text(clean(string(e.ID))), Text(clean(string(e.Message))), Text(clean(string(e.Code)))
	for i := range e.Errors {
		one := &e.Errors[i]
		one.ErrorCode, one.Message, one.URL = Text(clean(string(one.ErrorCode))), Text(clean(string(one.Message))), Text(clean(string(one.URL)))
	}
	e.Raw = []byte(clean(string(e.Raw)))
}

// keepRaw is how much of an error's answer is kept.
const keepRaw = 4 << 10

// readError reads an error's body; one that is not the bank's JSON has only
// Raw.
func readError(client *rest.Client, r *rest.Response) *APIError {
	e := &APIError{}
	if json.Unmarshal(r.Body, e) != nil {
		e = &APIError{}
	}
	e.HTTPStatus = r.Status
	e.Raw = append([]byte(nil), r.Body[:min(len(r.Body), keepRaw)]...)
	e.scrub(client.Redact)
	return e
}

// classify turns an answer that is no success into an error. 424 is both the
// bank's trouble and its refusal of business: its words tell them apart where
// they are known; otherwise a write has an unknown outcome.
func classify(client *rest.Client, call rest.Call, r *rest.Response, err error) error {
	if r == nil {
		return err
	}
	if err == nil && r.Status == http.StatusOK {
		return nil
	}
	if r.Status == http.StatusOK { // an answer that could not be read to its end
		return err
	}
	api := readError(client, r)
	kind, outcome, hint := meaning(call, r.Status, strings.ToLower(api.Error()))
	code := ""
	if len(api.Errors) > 0 {
		code = string(api.Errors[0].ErrorCode)
	}
	words := api.Error()
	if words == "" {
		words = client.Excerpt(r.Body)
	}
	e := client.Error(call, r, kind, outcome, code, words)
	e.Hint = hint
	var known *acquiring.Error
	if errors.As(err, &known) && known.RetryAfter > 0 {
		e.RetryAfter = known.RetryAfter
	}
	e.Err = apiCause{api, e.Message}
	return e
}

// apiCause gives errors.As the bank's own error and says nothing twice.
type apiCause struct {
	*APIError
	words string
}

func (a apiCause) Error() string { return a.words }
func (a apiCause) Unwrap() error { return a.APIError }

// meaning is what a status and the bank's words say.
func meaning(call rest.Call, status int, words string) (kind error, outcome acquiring.Outcome, hint string) {
	read := call.Method == http.MethodGet
	switch {
	case strings.Contains(words, "существует") && !strings.Contains(words, "не существует") && (status == 400 || status == 409 || status == 424):
		return acquiring.ErrDuplicate, acquiring.OutcomeRejected, "the bank never takes an order number twice, not even after its link expired: issue a new invoice with acquiring.Attempt(number, n+1)"
	case status == http.StatusFailedDependency && (strings.Contains(words, "not found") || strings.Contains(words, "не найден")):
		return acquiring.ErrNotFound, acquiring.OutcomeRejected, ""
	case status == http.StatusFailedDependency && read:
		return acquiring.ErrUnavailable, acquiring.OutcomeUnknown, "a service behind the bank's API failed; ask again later"
	case status == http.StatusFailedDependency:
		return acquiring.ErrUnavailable, acquiring.OutcomeUnknown, "the bank answers 424 both when it refuses and when a service behind it failed: look at the payment before you repeat"
	case status == http.StatusUnauthorized:
		return acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "the token is missing, garbled or too old: make a new JWT key, or let the customer confirm the consent again"
	case status == http.StatusForbidden:
		return acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "a permission was not ticked for this key, the key was deleted, or CustomerCode and MerchantID do not belong together: see Discover"
	case status == http.StatusNotImplemented:
		return acquiring.ErrUnsupported, acquiring.OutcomeRejected, "the method is not available: check the address, the version, and whether this kind of key is admitted to it"
	case status == http.StatusLocked:
		return acquiring.ErrConflict, acquiring.OutcomeRejected, ""
	}
	kind, outcome = rest.KindOfStatus(status)
	if kind == nil || status < 300 {
		return acquiring.ErrProtocol, acquiring.OutcomeUnknown, ""
	}
	return kind, outcome, ""
}

// OperationStatus is where a payment operation stands.
type OperationStatus string

// The statuses of an operation (section «Статусы»).
const (
	OperationCreated           OperationStatus = "CREATED"            // the link exists, nobody paid
	OperationAuthorized        OperationStatus = "AUTHORIZED"         // held on a card
	OperationApproved          OperationStatus = "APPROVED"           // paid
	OperationOnRefund          OperationStatus = "ON-REFUND"          // paid, locked while a refund runs
	OperationRefundedPartially OperationStatus = "REFUNDED_PARTIALLY" // a part was given back
	OperationRefunded          OperationStatus = "REFUNDED"           // all was given back
	OperationExpired           OperationStatus = "EXPIRED"            // the link's time ran out
	OperationWaitFullPayment   OperationStatus = "WAIT_FULL_PAYMENT"  // undocumented; probably instalments under way
	OperationPending           OperationStatus = "PENDING"            // seen by others only
	OperationRejected          OperationStatus = "REJECTED"           // seen by others only
)

// Status is the status as the rest of the library has it; one that is not
// known is StatusUnknown, never paid.
func (s OperationStatus) Status() acquiring.Status {
	switch s {
	case OperationCreated, OperationWaitFullPayment, OperationPending:
		return acquiring.StatusPending
	case OperationAuthorized:
		return acquiring.StatusAuthorized
	case OperationApproved, OperationOnRefund:
		return acquiring.StatusPaid
	case OperationRefundedPartially:
		return acquiring.StatusPartiallyRefunded
	case OperationRefunded:
		return acquiring.StatusRefunded
	case OperationExpired:
		return acquiring.StatusExpired
	case OperationRejected:
		return acquiring.StatusDeclined
	}
	return acquiring.StatusUnknown
}

// PaymentMode is a way to pay at the bank.
type PaymentMode string

// The ways to pay.
const (
	ModeSBP          PaymentMode = "sbp"          // СБП
	ModeCard         PaymentMode = "card"         // bank card; the only one that is held and saved
	ModeTPay         PaymentMode = "tinkoff"      // T-Pay; needs its own application to the bank
	ModeDolyame      PaymentMode = "dolyame"      // «Долями», instalments; the same
	ModeDigitalRuble PaymentMode = "digitalRuble" // only in answers
)

// Method is the way to pay as the rest of the library has it.
func (m PaymentMode) Method() acquiring.Method {
	switch m {
	case "":
		return ""
	case ModeSBP:
		return acquiring.MethodSBP
	case ModeCard:
		return acquiring.MethodCard
	case ModeTPay:
		return acquiring.MethodTPay
	case ModeDolyame:
		return acquiring.MethodInstallment
	}
	return acquiring.MethodOther
}

// modeOf is the bank's way to pay.
func modeOf(m acquiring.Method) (PaymentMode, bool) {
	switch m {
	case acquiring.MethodSBP:
		return ModeSBP, true
	case acquiring.MethodCard, acquiring.MethodMirPay:
		return ModeCard, true
	case acquiring.MethodTPay:
		return ModeTPay, true
	case acquiring.MethodInstallment:
		return ModeDolyame, true
	}
	return "", false
}
