package rbs

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-querystring/query"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

type formInner struct {
	Number string `url:"orderNumber"`
	Note   string `url:"note"`
}

type formOuter struct {
	formInner
	Amount   money.Amount  `url:"amount"`
	Fee      money.Amount  `url:"fee,omitempty"`
	Tax      *int          `url:"tax,omitempty"`
	Nothing  *int          `url:"nothing"`
	Bonus    *money.Amount `url:"bonus,omitempty"`
	Features []string      `url:"features,omitempty"`
	Flag     bool          `url:"flag,omitempty"`
	Off      bool          `url:"off"`
	At       DateTime      `url:"at,omitempty"`
	Never    DateTime      `url:"never,omitempty"`
	Params   Params        `url:"jsonParams,omitempty"`
	Cart     *Cart         `url:"orderBundle,omitempty"`
	Nested   JSONText      `url:"nested"`
	Skipped  string        `url:"-"`
	hidden   string
}

func TestFormIsWrittenAsTagged(t *testing.T) {
	tax, bonus := 0, money.Amount(5)
	r := formOuter{formInner: formInner{Number: "A-1"}, Amount: 100, Tax: &tax, Bonus: &bonus, Features: []string{"A", "B"}, Flag: true,
		At: DateTime{time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)}, Params: Params{"a": "б"}, Cart: &Cart{}, Skipped: "x", hidden: "y", Nested: JSONText{map[string]any{}}}
	want := url.Values{"orderNumber": {"A-1"}, "amount": {"100"}, "tax": {"0"}, "bonus": {"5"}, "features": {"A", "B"}, "flag": {"true"}, "off": {"false"},
		"at": {"2026-05-01T12:00:00"}, "jsonParams": {`{"a":"б"}`}, "orderBundle": {`{"cartItems":{"items":null}}`}}
	var g Gateway
	for range 2 { // the second time from memory
		got, err := g.Form(r, nil)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	// go-querystring reads the same tags to the same end, but for the empty
	// parameters and the nil pointers, which are left out here.
	theirs, err := query.Values(r)
	require.NoError(t, err)
	for name, v := range want {
		assert.Equal(t, v, theirs[name], name)
	}
	assert.Equal(t, "y", r.hidden)
}

func TestFormRefusesWhatItCannotWrite(t *testing.T) {
	for _, bad := range []any{5, "text", struct {
		A map[string]string `url:"a"`
	}{map[string]string{"b": "c"}}, struct {
		A []map[string]string `url:"a"`
	}{[]map[string]string{{}}}, struct {
		A Params `url:"a"`
	}{Params{"f": func() {}}}} {
		_, err := Form(bad, nil)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	}
	_, err := Form(formInner{Number: "1"}, map[string]string{"orderNumber": "2"})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	got, err := Form(&struct {
		A string `url:"a"`
	}{"1"}, map[string]string{"b": "2", "c": ""})
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "a pointer is not a request")
	assert.Nil(t, got)
	type wrapped struct {
		*formInner
		B string `url:"b"`
	}
	got, err = Form(wrapped{B: "1"}, nil)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"b": {"1"}}, got)
}
