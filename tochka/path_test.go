package tochka

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// A number goes into the path of a call: whatever stands in it, the call is the
// one that was meant, or none is made.
func TestNumberNeverChangesThePath(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.RequestURI)
		w.WriteHeader(http.StatusFailedDependency)
	}))
	defer srv.Close()
	c, err := New(Config{Environment: acquiring.Test, BaseURL: srv.URL + "/uapi", Token: secret, CustomerCode: company})
	require.NoError(t, err)
	const payments = "/uapi/acquiring/v1.0/payments/"
	for number, want := range map[string]string{
		"x":      "x",
		"../x":   "..%2Fx",
		"x/../y": "x%2F..%2Fy",
		"x?y=1":  "x%3Fy=1",
		"x#y":    "x%23y",
		"%2e%2e": "%252e%252e",
		"..;/x":  "..%3B%2Fx",
		".":      "",
		"..":     "",
		"x\\..":  "x%5C..",
	} {
		asked = nil
		_, err := c.Operation(t.Context(), number)
		require.Error(t, err, number)
		_, err = c.RefundPayment(t.Context(), number, 1)
		require.Error(t, err, number)
		mu.Lock()
		if want == "" {
			assert.ErrorIs(t, err, acquiring.ErrInvalid, number)
			assert.Empty(t, asked, number)
		} else {
			for _, line := range asked {
				assert.Contains(t, []string{"GET " + payments + want, "POST " + payments + want + "/refund"}, line, number)
			}
			assert.NotEmpty(t, asked, number)
		}
		mu.Unlock()
	}
}
