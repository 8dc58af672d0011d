package alfabank

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// A proxy that shows the request it could not pass on shows the login and the
// password too: they are in no error.
func TestPairOfLoginAndPasswordIsInNoError(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = fmt.Fprintf(w, "<html>cannot pass on: %s", r.Header.Get("Authorization"))
	}))
	defer proxy.Close()
	c, err := New(Config{Environment: acquiring.Test, BaseURL: proxy.URL + "/payment/rest", UserName: "r-teashop-api", Password: "p4ss word"})
	require.NoError(t, err)
	_, err = c.UpdateCallbacks(t.Context(), CallbackSettings{Enabled: true, Addresses: []string{"https://crm.example/cb"}})
	require.ErrorContains(t, err, "cannot pass on")
	assert.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString([]byte("r-teashop-api:p4ss word")))
}
