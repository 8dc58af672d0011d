package acquiring_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

var statuses = []acquiring.Status{
	acquiring.StatusUnknown, acquiring.StatusPending, acquiring.StatusAuthorized, acquiring.StatusPaid,
	acquiring.StatusPartiallyRefunded, acquiring.StatusRefunded, acquiring.StatusVoided, acquiring.StatusCanceled,
	acquiring.StatusDeclined, acquiring.StatusExpired,
}

// TestStatusMoves is every move there is: a row is where the payment stands, a
// column the news.
func TestStatusMoves(t *testing.T) {
	const columns = "u p a P r R v c d e" // in the order of statuses
	table := map[acquiring.Status]string{
		acquiring.StatusUnknown:           ". + + + + + + + + +",
		acquiring.StatusPending:           ". . + + + + + + + +",
		acquiring.StatusAuthorized:        ". . . + + + + + + +",
		acquiring.StatusPaid:              ". . . . + + + . . .",
		acquiring.StatusPartiallyRefunded: ". . . . + + . . . .",
		acquiring.StatusRefunded:          ". . . . . . . . . .",
		acquiring.StatusVoided:            ". . . . . . . . . .",
		acquiring.StatusCanceled:          ". . + + + + . . . .",
		acquiring.StatusDeclined:          ". . + + + + . . . .",
		acquiring.StatusExpired:           ". . + + + + . . . .",
	}
	require.Len(t, table, len(statuses))
	require.Len(t, columns, 2*len(statuses)-1)
	for _, from := range statuses {
		for i, to := range statuses {
			want := table[from][2*i] == '+'
			assert.Equal(t, want, from.CanBecome(to), "%s to %s", from, to)
		}
		assert.False(t, from.CanBecome(acquiring.Status(77)), from)
		assert.False(t, acquiring.Status(77).CanBecome(from), "77 to %s", from)
	}
}

// TestStatusMovesEnd shows that news in any order come to an end: no payment
// goes round in a circle. The one exception is told in CanBecome: a hold may
// fail, and what failed may be held yet.
func TestStatusMovesEnd(t *testing.T) {
	failed := []acquiring.Status{acquiring.StatusDeclined, acquiring.StatusCanceled, acquiring.StatusExpired}
	var walk func(s acquiring.Status, seen []acquiring.Status)
	walk = func(s acquiring.Status, seen []acquiring.Status) {
		require.NotContains(t, seen, s, "a circle")
		for _, next := range statuses {
			if late := next == acquiring.StatusAuthorized && slices.Contains(failed, s); next != s && !late && s.CanBecome(next) {
				walk(next, append(slices.Clone(seen), s))
			}
		}
	}
	for _, s := range statuses {
		walk(s, nil)
	}
}

func TestStatusFinalAndSucceeded(t *testing.T) {
	const final, succeeded = "...+++++++", "...+++...."
	for i, s := range statuses {
		assert.Equal(t, final[i] == '+', s.Final(), s)
		assert.Equal(t, succeeded[i] == '+', s.Succeeded(), s)
	}
	assert.False(t, acquiring.Status(77).Final())
	assert.False(t, acquiring.Status(77).Succeeded())
}

func TestStatusText(t *testing.T) {
	names := []string{"unknown", "pending", "authorized", "paid", "partially_refunded", "refunded", "voided", "canceled", "declined", "expired"}
	for i, s := range statuses {
		assert.Equal(t, names[i], s.String())
		b, err := json.Marshal(map[string]acquiring.Status{"s": s})
		require.NoError(t, err)
		assert.JSONEq(t, `{"s":"`+names[i]+`"}`, string(b))
		var back map[acquiring.Status]acquiring.Status
		require.NoError(t, json.Unmarshal([]byte(`{"`+names[i]+`":"`+names[i]+`"}`), &back))
		assert.Equal(t, map[acquiring.Status]acquiring.Status{s: s}, back)
	}
	assert.Equal(t, "Status(77)", acquiring.Status(77).String())
	s := acquiring.StatusPaid
	require.NoError(t, s.UnmarshalText([]byte("PAID")))
	assert.Equal(t, acquiring.StatusUnknown, s, "a word that is not known is not the one that was there")
}

func TestLeft(t *testing.T) {
	var none *acquiring.Payment
	assert.Zero(t, none.Left())
	assert.EqualValues(t, 70, (&acquiring.Payment{Captured: 100, Refunded: 30}).Left())
	assert.Zero(t, (&acquiring.Payment{Captured: 100, Refunded: 100}).Left())
	assert.Zero(t, (&acquiring.Payment{Captured: 100, Refunded: 130}).Left(), "never negative")
	assert.Zero(t, (&acquiring.Payment{Amount: 100, Status: acquiring.StatusAuthorized}).Left(), "a hold cannot be refunded")
}

func TestNamesOfKinds(t *testing.T) {
	assert.Equal(t, "payment", acquiring.CallbackPayment.String())
	assert.Equal(t, "question", acquiring.CallbackQuestion.String())
	assert.Equal(t, "other", acquiring.CallbackOther.String())
	assert.Equal(t, "pending", acquiring.RefundPending.String())
	assert.Equal(t, "done", acquiring.RefundDone.String())
	assert.Equal(t, "failed", acquiring.RefundFailed.String())
	assert.Equal(t, "unknown", acquiring.RefundUnknown.String())
	assert.Equal(t, "test", acquiring.Test.String())
	assert.Equal(t, "production", acquiring.Production.String())
	var unset acquiring.Environment
	assert.Equal(t, "unset", unset.String())
	assert.False(t, unset.Valid(), "a shop must not go live by forgetting a field")
	assert.True(t, acquiring.Test.Valid())
	assert.True(t, acquiring.Production.Valid())
	assert.False(t, acquiring.Environment(3).Valid())
}

func TestReplyWrite(t *testing.T) {
	w := httptest.NewRecorder()
	acquiring.Reply{}.Write(w)
	assert.Equal(t, 200, w.Code)
	assert.Empty(t, w.Body.Bytes())
	assert.Empty(t, w.Result().Header.Get("X-None"))

	w = httptest.NewRecorder()
	r := acquiring.Reply{Status: 202, ContentType: "text/plain; charset=utf-8", Body: []byte("YES")}
	r.Write(w)
	r.Write(httptest.NewRecorder())
	assert.Equal(t, 202, w.Code)
	assert.Equal(t, "YES", w.Body.String())
	assert.Equal(t, "text/plain; charset=utf-8", w.Result().Header.Get("Content-Type"))
	assert.Equal(t, 202, r.Status, "a Reply can be written again")
}
