package bridge

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPasswordIsNotGuessed: who tries too often must wait with the right
// password too, or he would find it by trying on.
func TestPasswordIsNotGuessed(t *testing.T) {
	w := open(t, func(conf map[string]any, _ func(string) map[string]any) { conf["client_ip_header"] = "X-Real-IP" })
	try := func(password, address string) int {
		r, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.url+"/settings", nil)
		require.NoError(t, err)
		r.SetBasicAuth("admin", password)
		r.Header.Set("X-Real-IP", address)
		resp, err := browser.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	for range 30 { // the right one does not use the tries up
		require.Equal(t, http.StatusOK, try("correct horse", "192.0.2.1"))
	}
	for range 10 {
		assert.Equal(t, http.StatusUnauthorized, try("guess", "192.0.2.1"))
	}
	assert.Equal(t, http.StatusTooManyRequests, try("guess", "192.0.2.1"))
	assert.Equal(t, http.StatusTooManyRequests, try("correct horse", "192.0.2.1"))
	assert.Equal(t, http.StatusOK, try("correct horse", "192.0.2.2"))
}
