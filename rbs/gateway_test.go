package rbs

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func gateway(t *testing.T, status int, body string) *Gateway {
	t.Helper()
	c, err := rest.New(rest.Options{Provider: "bank", BaseURL: "https://bank.example/rest", Secrets: []string{"Secret-18"}, Retries: -1,
		HTTPClient: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			assert.Equal(t, http.MethodPost, r.Method)
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})}})
	require.NoError(t, err)
	return &Gateway{REST: c}
}

func TestAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		body    string
		kind    error
		outcome acquiring.Outcome
		code    string
	}{
		"success":             {200, `{"errorCode":"0"}`, nil, 0, ""},
		"refusal":             {200, `{"errorCode":"5","errorMessage":"Access denied to Secret-18"}`, acquiring.ErrInvalid, acquiring.OutcomeRejected, "5"},
		"refusal beside 400":  {400, `{"errorCode":"5","errorMessage":"x"}`, acquiring.ErrInvalid, acquiring.OutcomeRejected, "5"},
		"message beside 404":  {404, `{"message":"not there"}`, acquiring.ErrNotFound, acquiring.OutcomeRejected, ""},
		"wrong path":          {404, ``, acquiring.ErrProtocol, acquiring.OutcomeRejected, ""},
		"wrong method":        {405, `<html>`, acquiring.ErrProtocol, acquiring.OutcomeRejected, ""},
		"web page":            {200, `<html><body>Технические работы</body></html>`, acquiring.ErrProtocol, acquiring.OutcomeUnknown, ""},
		"empty":               {200, ``, acquiring.ErrProtocol, acquiring.OutcomeUnknown, ""},
		"cut":                 {200, `{"errorCode":"0","ord`, acquiring.ErrProtocol, acquiring.OutcomeUnknown, ""},
		"proxy":               {502, `<html>Bad Gateway</html>`, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, ""},
		"even with a success": {502, `{}`, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, ""},
		"redirect":            {302, ``, acquiring.ErrProtocol, acquiring.OutcomeUnknown, ""},
		"too many":            {429, ``, acquiring.ErrRateLimited, acquiring.OutcomeRejected, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out Head
			err := gateway(t, tt.status, tt.body).Do(context.Background(), Call{Op: "x.do", Path: "x.do", Body: []byte("a=1"), ContentType: ContentForm}, &out)
			if tt.kind == nil {
				require.NoError(t, err)
				assert.JSONEq(t, tt.body, string(out.Raw))
				return
			}
			var e *acquiring.Error
			require.ErrorAs(t, err, &e)
			assert.ErrorIs(t, err, tt.kind)
			assert.Equal(t, tt.outcome, e.Outcome)
			assert.Equal(t, tt.code, e.Code)
			assert.NotContains(t, err.Error(), "Secret-18")
		})
	}
}

func TestClassifyDecides(t *testing.T) {
	g := gateway(t, 200, `{"errorCode":"1","errorMessage":"дубль"}`)
	g.Classify = func(op, code, message string) (error, acquiring.Outcome, string) {
		assert.Equal(t, [3]string{"register.do", "1", "дубль"}, [3]string{op, code, message})
		return acquiring.ErrDuplicate, acquiring.OutcomeRejected, "another number"
	}
	var out Registered
	err := g.Do(context.Background(), Call{Op: "register.do", Path: "register.do"}, &out)
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Equal(t, "another number", e.Hint)
}
