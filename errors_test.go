package acquiring_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		e    acquiring.Error
		want string
	}{
		{acquiring.Error{}, ""},
		{acquiring.Error{Provider: "sberbank", Op: "register.do", Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected,
			Code: "1", Message: "Order with this number is already registered", Hint: "use acquiring.Attempt"},
			"sberbank: register.do: Order with this number is already registered (code 1): already exists; use acquiring.Attempt"},
		{acquiring.Error{Provider: "tochka", Op: "refund", Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown,
			Message: "no whole answer from enter.tochka.com", Err: io.ErrUnexpectedEOF},
			"tochka: refund: no whole answer from enter.tochka.com: provider unavailable: unexpected EOF; the outcome is unknown, look before you repeat"},
		{acquiring.Error{Provider: "paymaster", Op: "invoices", Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown, Message: "Bad Gateway", HTTPStatus: 502},
			"paymaster: invoices: Bad Gateway (HTTP 502): provider unavailable; the outcome is unknown, look before you repeat"},
		{acquiring.Error{Provider: "alfabank", Op: "status", Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected, HTTPStatus: 200},
			"alfabank: status: not found"},
		{acquiring.Error{Kind: acquiring.ErrInvalid, Field: "OrderID", Message: "is empty"}, "OrderID is empty"},
		{acquiring.Error{Kind: acquiring.ErrInvalid, Message: "is empty", Err: errors.New("is empty")}, "is empty: invalid request"},
		{acquiring.Error{Kind: acquiring.ErrUnauthorized, Outcome: acquiring.OutcomeRejected, Code: "5"}, "(code 5): not authorised"},
		{acquiring.Error{Provider: "x", Message: "words on\r\ntwo lines\x1b[31m"}, "x: words on  two lines [31m"},
	} {
		assert.Equal(t, c.want, c.e.Error())
	}
}

func TestErrorIsAndAs(t *testing.T) {
	cause := fmt.Errorf("dial: %w", context.DeadlineExceeded)
	var err error = &acquiring.Error{Provider: "sberbank", Kind: acquiring.ErrUnavailable, Err: cause}
	err = fmt.Errorf("order A-7: %w", err)
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotErrorIs(t, err, acquiring.ErrDeclined)
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "sberbank", e.Provider)
	assert.Empty(t, (&acquiring.Error{}).Unwrap())
}

func TestKindsAreApart(t *testing.T) {
	kinds := []error{
		acquiring.ErrInvalid, acquiring.ErrUnauthorized, acquiring.ErrNotFound, acquiring.ErrDuplicate, acquiring.ErrDeclined,
		acquiring.ErrConflict, acquiring.ErrRateLimited, acquiring.ErrUnavailable, acquiring.ErrUnsupported, acquiring.ErrSignature, acquiring.ErrProtocol,
	}
	temporary := map[error]bool{acquiring.ErrRateLimited: true, acquiring.ErrUnavailable: true}
	for i, a := range kinds {
		for j, b := range kinds {
			assert.Equal(t, i == j, errors.Is(&acquiring.Error{Kind: a}, b), "%v and %v", a, b)
		}
		assert.Equal(t, temporary[a], acquiring.Temporary(fmt.Errorf("in: %w", &acquiring.Error{Kind: a})), a)
	}
	assert.False(t, acquiring.Temporary(nil))
	assert.False(t, acquiring.Temporary(context.DeadlineExceeded))
}

func TestOutcomeOf(t *testing.T) {
	for _, o := range []acquiring.Outcome{acquiring.OutcomeNotSent, acquiring.OutcomeRejected, acquiring.OutcomeUnknown} {
		assert.Equal(t, o, acquiring.OutcomeOf(fmt.Errorf("in: %w", &acquiring.Error{Outcome: o})))
	}
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(context.Canceled), "a context that ended says nothing")
	assert.Equal(t, "not sent", acquiring.OutcomeNotSent.String())
	assert.Equal(t, "rejected", acquiring.OutcomeRejected.String())
	assert.Equal(t, "unknown", acquiring.OutcomeUnknown.String())
	assert.Equal(t, "unknown", acquiring.Outcome(9).String())
}

func TestInvalidAndUnsupported(t *testing.T) {
	e := acquiring.Invalid("Config.Password", "is empty")
	assert.ErrorIs(t, e, acquiring.ErrInvalid)
	assert.Equal(t, "Config.Password", e.Field)
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)

	e = acquiring.Unsupported("tochka", "Void", "the bank releases holds by itself")
	assert.ErrorIs(t, e, acquiring.ErrUnsupported)
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.Equal(t, "tochka: Void: the bank releases holds by itself: not supported by the provider", e.Error())
}

func TestInOp(t *testing.T) {
	shared := acquiring.Invalid("Amount", "is negative")
	err := acquiring.InOp("sberbank", "Refund", shared)
	assert.EqualError(t, err, "sberbank: Refund: Amount is negative")
	assert.Empty(t, shared.Provider, "the shared error is not changed")

	err = acquiring.InOp("alfabank", "CreateInvoice", err)
	assert.EqualError(t, err, "sberbank: Refund: Amount is negative", "who asked first is kept")

	assert.NoError(t, acquiring.InOp("sberbank", "Refund", nil))
	assert.Equal(t, io.EOF, acquiring.InOp("sberbank", "Refund", io.EOF))
	wrapped := fmt.Errorf("mine: %w", shared)
	assert.Equal(t, wrapped, acquiring.InOp("sberbank", "Refund", wrapped), "another's wrapping is kept")
}
