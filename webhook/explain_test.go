package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

func TestExplanation(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a=1"))
	e, body, err := webhook.NewExplanation(acquiring.Test, "bank", r, "s3cret", "")
	require.NoError(t, err)
	assert.Equal(t, "a=1", string(body))
	again, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Equal(t, "a=1", string(again), "the request is as it was")
	assert.True(t, e.Fits())
	assert.Contains(t, e.String(), "bank: the signature fits")

	e.Rule = "the rule"
	e.Sign([]byte("a;1;s3cret;"), true)
	e.Blame("%s was sent", "s3cret")
	e.BlameError(acquiring.Invalid("Config.Key", "is s3cret"))
	e.BlameError(io.ErrUnexpectedEOF)
	assert.True(t, e.Guess(webhook.Guess{Fault: "no", Fits: func() bool { return false }}, webhook.Guess{Fault: "yes", Fits: func() bool { return true }}))
	assert.False(t, e.Guess())
	assert.False(t, e.Fits())
	assert.Equal(t, "a;1;[secret];[secret]", e.Signed)
	assert.Equal(t, []string{"[secret] was sent", "Config.Key: is [secret]", "unexpected EOF", "yes"}, e.Faults)
	assert.Equal(t, `bank: the signature does not fit
  rule:   the rule
  signed: a;1;[secret];[secret]
  fault:  [secret] was sent
  fault:  Config.Key: is [secret]
  fault:  unexpected EOF
  fault:  yes
`, e.String())
}

func TestExplanationIsForTestsOnly(t *testing.T) {
	for _, env := range []acquiring.Environment{0, acquiring.Production} {
		_, _, err := webhook.NewExplanation(env, "bank", httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a=1")))
		assert.ErrorIs(t, err, acquiring.ErrUnsupported)
	}
	_, _, err := webhook.NewExplanation(acquiring.Test, "bank", httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", webhook.MaxBody+1))))
	assert.ErrorIs(t, err, acquiring.ErrSignature)
	_, _, err = webhook.NewExplanation(acquiring.Test, "bank", httptest.NewRequest(http.MethodGet, "/?a=1", nil))
	assert.NoError(t, err, "there need be no body")
}

// silent is an acquirer whose provider signs nothing.
type silent struct{ acquiring.Acquirer }

// loud is one that explains.
type loud struct{ acquiring.Acquirer }

func (loud) ExplainCallback(r *http.Request) (*webhook.Explanation, error) {
	e, _, err := webhook.NewExplanation(acquiring.Test, "loud", r)
	return e, err
}

func TestExplain(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	_, err := webhook.Explain(silent{}, r)
	assert.ErrorIs(t, err, acquiring.ErrUnsupported)
	e, err := webhook.Explain(loud{}, r)
	require.NoError(t, err)
	assert.Equal(t, "loud", e.Provider)
}
