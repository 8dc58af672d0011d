package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

func sale(id string) fiscal.Receipt {
	return fiscal.NewSale(id, fiscal.Contact{Email: "buyer@lavka.example"}, fiscal.GoodsLine("Чайник", money.RUB(1499, 90), fiscal.Pieces(1), fiscal.VATNone))
}

func printedAs(change func(*fiscal.FiscalData)) *fiscal.Document {
	d := &fiscal.Document{ID: "9001", ReceiptID: "R-1", Status: fiscal.DocumentPrinted,
		Fiscal: &fiscal.FiscalData{FN: "9999078900001234", FP: "2718281828", Total: money.RUB(1499, 90), Type: fiscal.Sale}}
	if change != nil {
		change(d.Fiscal)
	}
	return d
}

func rejected(kind error) error {
	return &acquiring.Error{Provider: "komtet", Kind: kind, Outcome: acquiring.OutcomeRejected, Message: "its words"}
}

func refusedDocument(retryable bool) *fiscal.Document {
	return &fiscal.Document{ID: "9001", Status: fiscal.DocumentFailed, Failure: &fiscal.DocumentFailure{Code: "7", Message: "нет бумаги", Retryable: retryable}}
}

// Each answer of a register, and what becomes of the receipt. No answer makes
// another ID.
func TestAfter(t *testing.T) {
	const first, last = 2 * time.Second, 5 * time.Minute
	p := policy{first: first, last: last, overdue: time.Hour, submissions: 3}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	queued := Item{State: Queued, Submissions: 1}
	sent := Item{State: Sent, documentID: "9001", Submissions: 1}
	for name, test := range map[string]struct {
		it        Item
		age       time.Duration // of the receipt and of its state
		d         *fiscal.Document
		err       error
		state     State
		wait      time.Duration
		failures  int
		attention string // a part of it
	}{
		"accepted":            {it: queued, d: &fiscal.Document{ID: "9001", Status: fiscal.DocumentQueued}, state: Sent, wait: first},
		"accepted, no status": {it: queued, d: &fiscal.Document{ID: "9001"}, state: Sent, wait: first},
		"accepted late":       {it: queued, age: 2 * time.Hour, d: &fiscal.Document{ID: "9001", Status: fiscal.DocumentQueued}, state: Sent, wait: first, attention: "not printed for 2h0m0s"},
		"printed at once":     {it: queued, d: printedAs(nil), state: Printed},
		"printed":             {it: sent, d: printedAs(nil), state: Printed},
		"printed, and all is well again": {it: Item{State: Sent, documentID: "9001", Attention: "not printed for 2h", failures: 7}, age: 3 * time.Hour,
			d: printedAs(nil), state: Printed},
		"printed with another total": {it: sent, d: printedAs(func(f *fiscal.FiscalData) { f.Total = money.RUB(1, 0) }), state: Printed, attention: "1.00 instead of 1499.90"},
		"printed as a return":        {it: sent, d: printedAs(func(f *fiscal.FiscalData) { f.Type = fiscal.SaleReturn }), state: Printed, attention: "instead of"},
		"printed, nothing known":     {it: sent, d: &fiscal.Document{ID: "9001", Status: fiscal.DocumentPrinted}, state: Printed, attention: "does not say how"},
		"still waiting":              {it: sent, age: time.Minute, d: &fiscal.Document{ID: "9001", Status: fiscal.DocumentQueued}, state: Sent, wait: 30 * time.Second},
		"waiting long":               {it: sent, age: 50 * time.Minute, d: &fiscal.Document{ID: "9001", Status: fiscal.DocumentQueued}, state: Sent, wait: last},
		"overdue":                    {it: sent, age: time.Hour, d: &fiscal.Document{ID: "9001", Status: fiscal.DocumentQueued}, state: Sent, wait: last, attention: "is it on?"},

		"another's document":    {it: sent, d: &fiscal.Document{ID: "9001", ReceiptID: "R-2", Status: fiscal.DocumentPrinted}, state: Sent, wait: first, failures: 1, attention: `"R-2" for "R-1"`},
		"neither nor":           {it: queued, state: Queued, wait: first, failures: 1},
		"unreachable":           {it: queued, err: rejected(acquiring.ErrUnavailable), state: Queued, wait: first, failures: 1},
		"unreachable again":     {it: Item{State: Queued, failures: 3}, err: rejected(acquiring.ErrUnavailable), state: Queued, wait: 16 * time.Second, failures: 4},
		"unreachable for long":  {it: Item{State: Queued, failures: 30}, age: time.Hour, err: rejected(acquiring.ErrUnavailable), state: Queued, wait: last, failures: 31, attention: "not printed for 1h0m0s: komtet"},
		"asked to wait":         {it: queued, err: &acquiring.Error{Kind: acquiring.ErrRateLimited, RetryAfter: 90 * time.Second}, state: Queued, wait: 90 * time.Second, failures: 1},
		"no answer":             {it: queued, err: fmt.Errorf("post: %w", context.DeadlineExceeded), state: Queued, wait: first, failures: 1},
		"answer lost":           {it: queued, err: &acquiring.Error{Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown}, state: Queued, wait: first, failures: 1},
		"a foreign error":       {it: queued, err: errors.New("what"), state: Queued, wait: first, failures: 1},
		"credentials":           {it: queued, err: rejected(acquiring.ErrUnauthorized), state: Queued, wait: last, failures: 1, attention: "credentials"},
		"credentials at a look": {it: sent, err: rejected(acquiring.ErrUnauthorized), state: Sent, wait: last, failures: 1, attention: "credentials"},
		"a panic":               {it: queued, err: &panicError{"nil map"}, state: Queued, wait: first, failures: 1, attention: "panicked"},
		"exists, somewhere":     {it: queued, err: rejected(acquiring.ErrDuplicate), state: Sent, wait: last, failures: 1, attention: "which document"},
		"invalid":               {it: queued, err: acquiring.Invalid("items[0].vat", "is missing"), state: Failed, failures: 1, attention: "items[0].vat is missing"},
		"another's number":      {it: queued, err: rejected(acquiring.ErrConflict), state: Failed, failures: 1, attention: "refused"},
		"unsupported":           {it: queued, err: acquiring.Unsupported("x", "Submit", "no marks"), state: Failed, failures: 1, attention: "no marks"},
		"a document that is gone": {it: sent, err: rejected(acquiring.ErrNotFound), state: Sent, wait: last, failures: 1,
			attention: "cannot be looked at"},
		"submitted again, and refused": {it: Item{State: Queued, documentID: "9001", Submissions: 2}, err: rejected(acquiring.ErrInvalid), state: Failed, failures: 1,
			attention: "the receipt was refused: komtet"},
		"submitted again, unreachable": {it: Item{State: Queued, documentID: "9001", Submissions: 2}, err: rejected(acquiring.ErrUnavailable), state: Queued, wait: first, failures: 1},
		"look unreachable":             {it: sent, err: rejected(acquiring.ErrUnavailable), state: Sent, wait: first, failures: 1},

		"not printed":                 {it: sent, d: refusedDocument(false), state: Failed, attention: "нет бумаги (code 7); make sure"},
		"not printed, no reason":      {it: sent, d: &fiscal.Document{ID: "9001", Status: fiscal.DocumentFailed}, state: Failed, attention: "no reason given"},
		"not printed yet":             {it: sent, d: refusedDocument(true), state: Queued, wait: first, failures: 1},
		"not printed yet, for long":   {it: sent, age: 2 * time.Hour, d: refusedDocument(true), state: Queued, wait: first, failures: 1, attention: "could not print it"},
		"not printed, however often":  {it: Item{State: Queued, documentID: "9001", Submissions: 3}, d: refusedDocument(true), state: Failed, attention: "in 3 submissions"},
		"at work, attention goes on":  {it: Item{State: Sent, documentID: "9001", Attention: "look"}, d: &fiscal.Document{ID: "9001", Status: fiscal.DocumentQueued}, state: Sent, wait: first, attention: "look"},
		"an error, attention goes on": {it: Item{State: Sent, documentID: "9001", Attention: "look"}, err: rejected(acquiring.ErrUnavailable), state: Sent, wait: first, failures: 1, attention: "look"},
	} {
		t.Run(name, func(t *testing.T) {
			it := test.it
			it.Receipt, it.now = sale("R-1"), now
			it.EnqueuedAt, it.ChangedAt = now.Add(-test.age), now.Add(-test.age)
			before := it
			c := p.after(&it, test.d, test.err)
			assert.Equal(t, before, it, "the item is not touched")
			assert.Equal(t, test.state, c.state)
			assert.Equal(t, test.failures, c.failures)
			if test.attention == "" {
				assert.Empty(t, c.attention)
			} else {
				assert.Contains(t, c.attention, test.attention)
			}
			if c.state.Open() {
				assert.InDelta(t, test.wait.Seconds(), c.wait.Seconds(), test.wait.Seconds()/10+0.01)
			}
			if test.err != nil {
				assert.Equal(t, test.err.Error(), c.lastError)
				assert.Equal(t, it.documentID, c.id, "what is known is kept")
			} else if test.d != nil && test.d.ReceiptID != "R-2" {
				assert.Equal(t, "9001", c.id)
				assert.Same(t, test.d, c.document)
			}
			assert.Equal(t, (!c.state.Open() && c.state != it.State) || (c.attention != "" && it.Attention == ""), c.news(&it))
		})
	}
}

// Receipts and documents survive the table whole.
func TestStoredWhole(t *testing.T) {
	d := printedAs(nil)
	d.Fiscal.Time = time.Date(2026, 11, 20, 18, 7, 0, 0, time.UTC)
	d.Raw = json.RawMessage(`{"id":9001,"s":"1499.90"}`)
	s, err := encodeDocument(d)
	require.NoError(t, err)
	back, err := decodeDocument(s)
	require.NoError(t, err)
	assert.Equal(t, d, back)

	d.Raw = json.RawMessage("<html>")
	s, err = encodeDocument(d)
	require.NoError(t, err)
	back, err = decodeDocument(s)
	require.NoError(t, err)
	assert.Nil(t, back.Raw, "an answer that is no JSON is left out")
	assert.Equal(t, d.Fiscal, back.Fiscal)

	_, err = decodeDocument("{")
	assert.Error(t, err)
	none, err := decodeDocument("")
	assert.NoError(t, err)
	assert.Nil(t, none)

	assert.Equal(t, "a?b?", storable("a\x00b\xff", 10))
	assert.Equal(t, "шк", storable("школа", 5))
}
