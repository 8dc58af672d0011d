package rest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

func TestDecodeJSON(t *testing.T) {
	c := newClient(t, nil)
	type order struct {
		ID  string      `json:"id"`
		Any any         `json:"any"`
		Num json.Number `json:"num"`
	}
	// Without an any it is read another way, with the same results.
	type strict struct {
		ID  string      `json:"id"`
		Num json.Number `json:"num"`
	}
	for name, tt := range map[string]struct {
		body, says string
	}{
		"whole":                {`{"id":"7","any":12345678901234567890,"num":1.10}`, ""},
		"byte order mark":      {"\xef\xbb\xbf" + `{"id":"7","any":12345678901234567890,"num":1.10}`, ""},
		"white space around":   {"\r\n " + `{"id":"7","any":12345678901234567890,"num":1.10}` + "\n\n", ""},
		"empty":                {"", "the answer is empty"},
		"white space":          {" \n", "the answer is empty"},
		"only a BOM":           {"\xef\xbb\xbf", "the answer is empty"},
		"a web page":           {"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>", "the answer is a web page, not the provider's: 502 Bad Gateway"},
		"a web page after BOM": {"\xef\xbb\xbf\n<html>down</html>", "web page"},
		"cut":                  {`{"id":"7","an`, "the answer was cut off"},
		"cut in a word":        {`{"id":tr`, "the answer was cut off"},
		"doubled":              {`{"id":"7"}{"id":"8"}`, "not what the provider answers"},
		"rubbish after it":     {`{"id":"7"} Fatal error`, "not what the provider answers"},
		"a brace too many":     {`{"id":"7"}}`, "not what the provider answers"},
		"another type":         {`{"id":7}`, "not what the provider answers"},
		"text":                 {`Access denied`, "not what the provider answers: Access denied"},
	} {
		t.Run(name, func(t *testing.T) {
			var v order
			call, resp := rest.Call{Op: "status"}, &rest.Response{Status: 200, Body: []byte(tt.body)}
			err := c.DecodeJSON(call, resp, &v)
			var s strict
			strictErr := c.DecodeJSON(call, resp, &s)
			assert.Equal(t, strict{v.ID, v.Num}, s)
			if tt.says == "" {
				require.NoError(t, strictErr)
				require.NoError(t, err)
				assert.Equal(t, order{"7", json.Number("12345678901234567890"), "1.10"}, v)
				return
			}
			require.ErrorIs(t, err, acquiring.ErrProtocol)
			assert.Equal(t, strings.ReplaceAll(err.Error(), "order.", "strict."), strictErr.Error())
			e := asError(t, err)
			assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
			assert.Equal(t, "status", e.Op)
			assert.Equal(t, 200, e.HTTPStatus)
			assert.Contains(t, e.Message, tt.says)
			assert.NotContains(t, e.Message, "<")
		})
	}
}

func TestExcerpt(t *testing.T) {
	c := newClient(t, func(o *rest.Options) { o.Secrets = []string{"hunter2"} })
	for name, tt := range map[string][2]string{
		"short":                  {"no such order", "no such order"},
		"one line":               {"a\r\n\tb\x00 c\u2028d", "a b c d"},
		"web page":               {"<html><script>x</script><b>bad</b>gateway", "x bad gateway"},
		"less-than is no page":   {"a < b", "a < b"},
		"not UTF-8":              {"a\xffb", "a�b"},
		"secret":                 {"key hunter2!", "key [hidden]!"},
		"card":                   {"pan=4111111111111111;", "pan=411111******1111;"},
		"card in groups":         {"sum 1000 2200 7007 9999 9998 end", "sum 1000 2200 7007 9999 9998 end"},
		"card after a sum":       {"sum 1000 4111111111111111", "sum 1000 411111******1111"},
		"card with hyphens":      {"5555-5555-5555-4444", "5555-55**-****-4444"},
		"a number that is none":  {"order 4111111111111112", "order 4111111111111112"},
		"too long for a card":    {"41111111111111114111111111111111", "41111111111111114111111111111111"},
		"masked by the provider": {"411111******1111", "411111******1111"},
		"a phone":                {"+79161234567", "+79161234567"},
	} {
		assert.Equal(t, tt[1], c.Excerpt([]byte(tt[0])), name)
	}
	long := c.Excerpt([]byte(strings.Repeat("я", 5000)))
	assert.Equal(t, 121, utf8.RuneCountInString(long))
	assert.True(t, strings.HasSuffix(long, "…"))
	assert.NotContains(t, c.Excerpt([]byte(strings.Repeat(" ", 4093)+"hunter2")), "hun", "a secret across the cut")
}

func TestKindOfStatus(t *testing.T) {
	for status, want := range map[int]struct {
		kind    error
		outcome acquiring.Outcome
	}{
		200: {nil, acquiring.OutcomeRejected}, 204: {nil, acquiring.OutcomeRejected},
		302: {acquiring.ErrProtocol, acquiring.OutcomeUnknown},
		400: {acquiring.ErrInvalid, acquiring.OutcomeRejected}, 401: {acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		403: {acquiring.ErrUnauthorized, acquiring.OutcomeRejected}, 404: {acquiring.ErrNotFound, acquiring.OutcomeRejected},
		408: {acquiring.ErrUnavailable, acquiring.OutcomeUnknown}, 409: {acquiring.ErrConflict, acquiring.OutcomeRejected},
		410: {acquiring.ErrNotFound, acquiring.OutcomeRejected}, 422: {acquiring.ErrInvalid, acquiring.OutcomeRejected},
		429: {acquiring.ErrRateLimited, acquiring.OutcomeRejected}, 500: {acquiring.ErrUnavailable, acquiring.OutcomeUnknown},
		504: {acquiring.ErrUnavailable, acquiring.OutcomeUnknown}, 100: {acquiring.ErrProtocol, acquiring.OutcomeUnknown},
	} {
		kind, outcome := rest.KindOfStatus(status)
		assert.Equal(t, want.kind, kind, status)
		assert.Equal(t, want.outcome, outcome, status)
	}
}

// A gateway's page with 502 is no answer of the provider: nobody knows what
// became of the payment.
func TestGatewayPageLeavesTheOutcomeUnknown(t *testing.T) {
	c := newClient(t, over(func(*http.Request) (*http.Response, error) {
		return answer(502, "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>")
	}))
	_, err := c.Do(t.Context(), rest.Call{Op: "refund", Body: []byte("x")})
	e := asError(t, err)
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
	assert.Equal(t, "502 Bad Gateway nginx", e.Message)
}

// tree leads to an any by ways that a careless look would not go.
type tree struct {
	Left  *tree
	Lists [][]struct{ Values map[string]any }
}

// own decodes itself, so that nobody's settings reach into it.
type own struct{ Value any }

func (o *own) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &o.Value) }

func TestNumbersStayExactInAnAny(t *testing.T) {
	c := newClient(t, nil)
	read := func(body string, v any) {
		t.Helper()
		require.NoError(t, c.DecodeJSON(rest.Call{}, &rest.Response{Status: 200, Body: []byte(body)}, v))
	}
	for range 2 { // the second time the types are known
		var loose any
		read(`{"a":[0.10]}`, &loose)
		assert.Equal(t, map[string]any{"a": []any{json.Number("0.10")}}, loose)
		var deep tree
		read(`{"Left":{"Lists":[[{"Values":{"sum":12345678901234567.89}}]]}}`, &deep)
		assert.Equal(t, json.Number("12345678901234567.89"), deep.Left.Lists[0][0].Values["sum"])
		var list [1]any
		read(`[1.10]`, &list)
		assert.Equal(t, json.Number("1.10"), list[0])
		var decoded own
		read(`1`, &decoded)
		assert.EqualValues(t, 1, decoded.Value)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{"", "{}", "null", "\xef\xbb\xbf{}", `{"a":1}{"a":2}`, `{"a":`, "<html>", "[1,2", "\x00", `{"password":"hunter2"}x`} {
		f.Add([]byte(seed))
	}
	c := newClient(f, func(o *rest.Options) { o.Secrets = []string{"hunter2"} })
	f.Fuzz(func(t *testing.T, body []byte) {
		var v any
		err := c.DecodeJSON(rest.Call{Op: "x"}, &rest.Response{Status: 200, Body: body}, &v)
		if valid := json.Valid([]byte(strings.TrimPrefix(string(body), "\xef\xbb\xbf"))); valid != (err == nil) {
			t.Fatalf("%q: valid %v, but the error is %v", body, valid, err)
		}
		if err == nil {
			return
		}
		var e *acquiring.Error
		if !errors.As(err, &e) || e.Kind != acquiring.ErrProtocol || e.Outcome != acquiring.OutcomeUnknown || e.Message == "" {
			t.Fatalf("%q: %#v", body, err)
		}
		if strings.Contains(err.Error(), "hunter2") || !utf8.ValidString(e.Message) {
			t.Fatalf("%q: %s", body, err)
		}
	})
}

func FuzzExcerpt(f *testing.F) {
	for _, seed := range []string{"", "plain", "<p>page</p>", "4111 1111 1111 1111", "hunter2", "hun\x00ter2", "\xff\xfe", strings.Repeat("я", 300)} {
		f.Add([]byte(seed))
	}
	c := newClient(f, func(o *rest.Options) { o.Secrets = []string{"hunter2"} })
	f.Fuzz(func(t *testing.T, body []byte) {
		s := c.Excerpt(body)
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 121 || strings.Contains(s, "hunter2") || strings.ContainsFunc(s, unicode.IsControl) {
			t.Fatalf("%q: %q", body, s)
		}
	})
}
