package komtet

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// While the secret is being changed in the cabinet, notifications signed with
// the old one are accepted; requests are signed with the new one alone.
func TestTwoKeysAlive(t *testing.T) {
	const old = "the-secret-of-last-year"
	body := file(t, "callback_error.json")
	signed := func(secret string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, testCallback, strings.NewReader(body))
		r.Header.Set(SignatureHeader, plainSignature(secret, "POST", testCallback, body))
		return r
	}
	c, s := client(t, func(cfg *Config) { cfg.PreviousSecret = old }, ok(file(t, "task_done_answer.json")))
	for secret, good := range map[string]bool{testSecret: true, old: true, "another": false} {
		_, err := c.ParseCallback(signed(secret))
		if good {
			assert.NoError(t, err, secret)
			continue
		}
		assert.ErrorIs(t, err, acquiring.ErrSignature)
	}
	_, err := c.Task(t.Context(), 9001)
	require.NoError(t, err)
	assert.Len(t, s.sent, 1, "the stub takes no other signature than the present secret's")
	assert.NotContains(t, fmt.Sprintf("%v %#v %v", c.cfg, c, c.cfg.LogValue()), old)

	alone, _ := client(t, nil)
	_, err = alone.ParseCallback(signed(old))
	assert.ErrorIs(t, err, acquiring.ErrSignature, "the old secret is taken away")
}
