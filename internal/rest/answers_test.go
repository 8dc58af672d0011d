package rest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/rest"
)

// A status from 500 up that the provider uses as an answer is one: no error,
// no second attempt. Any other keeps its meaning.
func TestCallAnswers(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		w.WriteHeader(524)
	}))
	defer server.Close()
	c, err := rest.New(rest.Options{Provider: "p", BaseURL: server.URL, Retries: 1})
	require.NoError(t, err)

	resp, err := c.Do(t.Context(), rest.Call{Op: "status", Repeatable: true, Answers: []int{524}})
	require.NoError(t, err)
	assert.Equal(t, 524, resp.Status)
	assert.Equal(t, 1, calls)

	calls = 0
	_, err = c.Do(t.Context(), rest.Call{Op: "status", Repeatable: true, Answers: []int{525}})
	require.Error(t, err)
	assert.Equal(t, 2, calls)
}
