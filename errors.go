package acquiring

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Kinds of errors (Error.Kind), for errors.Is. Whether the money may have moved
// is told by the Outcome and not by the kind.
var (
	// ErrInvalid: a field is wrong. Error.Field names it where it was refused
	// here and nothing was sent; otherwise the words are the provider's.
	ErrInvalid = errors.New("invalid request")
	// ErrUnauthorized: the credentials are wrong, or the provider has not
	// switched the method on for the shop.
	ErrUnauthorized = errors.New("not authorised")
	// ErrNotFound: the provider does not know the number.
	ErrNotFound = errors.New("not found")
	// ErrDuplicate: the number was used before. Error.Hint says how to go on.
	ErrDuplicate = errors.New("already exists")
	// ErrDeclined: the payment was refused, ordinarily by the customer's bank.
	ErrDeclined = errors.New("declined")
	// ErrConflict: the payment's state or its sums do not allow it.
	ErrConflict = errors.New("state does not allow it")
	// ErrRateLimited: too many requests (HTTP 429); wait Error.RetryAfter.
	ErrRateLimited = errors.New("too many requests")
	// ErrUnavailable: the provider was not reached, broke (HTTP 5xx), or has
	// the order locked.
	ErrUnavailable = errors.New("provider unavailable")
	// ErrUnsupported: the provider, or this account at it, cannot do it.
	ErrUnsupported = errors.New("not supported by the provider")
	// ErrSignature: the callback is not the provider's, or was cut or doubled
	// on its way.
	ErrSignature = errors.New("callback is not authentic")
	// ErrProtocol: the answer is not what the provider answers: a web page, an
	// empty one, a cut one.
	ErrProtocol = errors.New("answer makes no sense")
)

// Outcome says whether the request that failed may have been carried out.
type Outcome uint8

const (
	// OutcomeNotSent: it never left; repeat it freely once the cause is gone.
	OutcomeNotSent Outcome = iota
	// OutcomeRejected: the provider refused it; nothing moved.
	OutcomeRejected
	// OutcomeUnknown: it left, and what became of it is not known. Look before
	// you repeat: GetStatus, Finder, or the same call with the same key.
	OutcomeUnknown
)

// String is "not sent", "rejected" or "unknown".
func (o Outcome) String() string {
	switch o {
	case OutcomeNotSent:
		return "not sent"
	case OutcomeRejected:
		return "rejected"
	}
	return "unknown"
}

// Error is every error that a provider, or the way to it, gives. It holds no
// secret: no password, token, key or expected signature, and no card number.
type Error struct {
	Provider   string        // "sberbank"; "" when the request was refused before any provider
	Op         string        // what was asked: "register.do", "CreateInvoice"
	Kind       error         // ErrInvalid, ErrDeclined and so on
	Outcome    Outcome       // whether the money may have moved
	Code       string        // the provider's own code
	Message    string        // the provider's own words, or ours
	Field      string        // the field at fault, for ErrInvalid: "OrderID", "Config.Password"
	Hint       string        // what to do next
	HTTPStatus int           // 0: there was no answer
	RetryAfter time.Duration // what the provider asked to wait; 0: it did not
	Err        error         // the cause; nil: none
}

// Error is one line: who, what, why, in whose words, and what to do next.
func (e *Error) Error() string {
	var b strings.Builder
	part := func(s string) {
		if s == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(s)
	}
	part(e.Provider)
	part(e.Op)
	if e.Field != "" {
		part(e.Field + " " + e.Message)
	} else {
		part(e.Message)
	}
	if e.Code != "" {
		b.WriteString(" (code " + e.Code + ")")
	}
	if e.HTTPStatus != 0 && e.HTTPStatus != 200 {
		b.WriteString(" (HTTP " + strconv.Itoa(e.HTTPStatus) + ")")
	}
	if e.Kind != nil && e.Field == "" {
		part(e.Kind.Error())
	}
	if e.Err != nil && e.Err.Error() != e.Message {
		part(e.Err.Error())
	}
	if e.Outcome == OutcomeUnknown {
		b.WriteString("; the outcome is unknown, look before you repeat")
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return oneLine(b.String())
}

// oneLine keeps a provider's words from breaking a line of a log.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

// Unwrap gives the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// Invalid is the error for a field that is wrong: nothing was sent.
func Invalid(field, why string) *Error {
	return &Error{Kind: ErrInvalid, Outcome: OutcomeNotSent, Field: field, Message: why}
}

// Unsupported is the error for what the provider cannot do: nothing was sent.
func Unsupported(provider, op, why string) *Error {
	return &Error{Provider: provider, Op: op, Kind: ErrUnsupported, Outcome: OutcomeNotSent, Message: why}
}

// InOp names the provider and the operation in an error that has none yet: the
// checks that all providers share do not know who asked. Errors of other types
// and nil pass as they are.
func InOp(provider, op string, err error) error {
	var e *Error
	if !errors.As(err, &e) || error(e) != err {
		return err
	}
	c := *e
	if c.Provider == "" {
		c.Provider = provider
	}
	if c.Op == "" {
		c.Op = op
	}
	return &c
}

// OutcomeOf is the outcome that the error tells. An error that is not an
// *Error tells nothing, so it is OutcomeUnknown. Do not ask it of nil: a call
// that succeeded has no such outcome.
func OutcomeOf(err error) Outcome {
	var e *Error
	if errors.As(err, &e) {
		return e.Outcome
	}
	return OutcomeUnknown
}

// Temporary says whether the same call may succeed later: the provider was
// not reached, asked to wait, or broke. It does not say that repeating is
// safe: that is Outcome's business.
func Temporary(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRateLimited)
}
