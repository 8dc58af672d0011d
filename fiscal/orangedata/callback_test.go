package orangedata_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"encoding/json"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/internal/race"
)

func withCallback(c *orangedata.Config) {
	c.CallbackURL = "https://shop.example/od?shop=1"
	c.CallbackAPIKey = "api-key"
}

// notification is what the service sends to an address.
func notification(address, body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
}

// The address that Submit sends leads back to the document, which is read from
// the service: of each kind, whatever the body.
func TestCallback(t *testing.T) {
	s := newService(t, created, printed(t), printed(t), printed(t), queued, created, answer{status: 200, body: string(file(t, "status_correction.json"))})
	c := s.client(withCallback, func(c *orangedata.Config) { c.GroupByFFD = map[fiscal.FFD]string{fiscal.FFD105: "Main"} })
	_, err := c.Submit(t.Context(), tea())
	require.NoError(t, err)
	var sent struct{ CallbackURL, CallbackAPIKey string }
	require.NoError(t, json.Unmarshal([]byte(s.requests()[0].Body), &sent))
	assert.Equal(t, "api-key", sent.CallbackAPIKey)
	u, err := url.Parse(sent.CallbackURL)
	require.NoError(t, err)
	assert.Equal(t, "1", u.Query().Get("shop"))
	assert.Equal(t, "documents/shop-1001-sale", u.Query().Get("od"))
	assert.Len(t, u.Query().Get("odkey"), 64)

	for _, body := range []string{string(file(t, "status_200.json")), "", "whatever"} {
		doc, err := c.VerifyCallback(t.Context(), notification(sent.CallbackURL, body))
		require.NoError(t, err)
		assert.Equal(t, fiscal.DocumentPrinted, doc.Status)
		assert.Equal(t, "shop-1001-sale", doc.ID)
	}
	// What the notification says is not believed: the service says "queued".
	doc, err := c.VerifyCallback(t.Context(), notification(sent.CallbackURL, string(file(t, "status_200.json"))))
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentQueued, doc.Status)

	r := tea()
	r.ID, r.FFD, r.Correction = "corr-2026-7", fiscal.FFD105, &fiscal.Correction{Date: day(2026, 11, 20)}
	_, err = c.Submit(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(s.requests()[5].Body), &sent))
	doc, err = c.VerifyCallback(t.Context(), notification(sent.CallbackURL, ""))
	require.NoError(t, err)
	assert.Equal(t, "corrections/corr-2026-7", doc.ID)
}

// What Submit did not make is refused before anything is asked.
func TestCallbackForged(t *testing.T) {
	s := newService(t)
	c := s.client(withCallback)
	good, err := c.CallbackAddress(orangedata.KindDocument, "a-1")
	require.NoError(t, err)
	other, err := c.CallbackAddress(orangedata.KindDocument, "a-2")
	require.NoError(t, err)
	foreign, err := s.client(withCallback, func(c *orangedata.Config) { c.INN = "7727401209" }).CallbackAddress(orangedata.KindDocument, "a-1")
	require.NoError(t, err)
	secret, err := s.client(withCallback, func(c *orangedata.Config) { c.CallbackSecret = "another" }).CallbackAddress(orangedata.KindDocument, "a-1")
	require.NoError(t, err)
	itemcode, err := c.CallbackAddress("itemcode", "a-1")
	require.NoError(t, err)
	key := good[strings.LastIndex(good, "=")+1:]
	for name, req := range map[string]*http.Request{
		"no query":                     notification("https://shop.example/od", ""),
		"no digest":                    notification("https://shop.example/od?od=documents/a-1", ""),
		"empty digest":                 notification("https://shop.example/od?od=documents/a-1&odkey=", ""),
		"another document":             notification(strings.Replace(good, "a-1", "a-3", 1), ""),
		"another kind":                 notification(strings.Replace(good, "documents", "corrections", 1), ""),
		"a digit of it":                notification(good[:len(good)-1]+"g", ""),
		"cut":                          notification(good[:len(good)-2], ""),
		"another organisation":         notification(foreign, ""),
		"another secret":               notification(secret, ""),
		"doubled":                      notification(good+"&od=documents%2Fa-2", ""),
		"doubled digest":               notification(good+"&odkey="+key, ""),
		"broken escape":                notification(good+"&x=%zz", ""),
		"kind of a mark check":         notification(itemcode, ""),
		"body of another":              notification(good, `{"id":"a-2"}`),
		"body of another, number":      notification(good, `{"id":5}`),
		"body of another organisation": notification(good, `{"id":"a-1","companyINN":"7727401209"}`),
		"inn of another":               notification(other, `{"inn":7727401209}`),
		"too large":                    notification(good, strings.Repeat("x", 65<<10)),
	} {
		_, err := c.VerifyCallback(t.Context(), req)
		require.ErrorIs(t, err, acquiring.ErrSignature, name)
		assert.NotContains(t, err.Error(), key, name)
	}
	assert.Empty(t, s.requests())

	// With a Signer and no secret nothing can be checked.
	conf := s.config()
	conf.PrivateKey, conf.Signer = nil, hsm{mustKey(t)}
	_, err = newClient(t, conf).VerifyCallback(t.Context(), notification(good, ""))
	require.ErrorIs(t, err, acquiring.ErrSignature)
}

// The key in a header, once it is known which.
func TestCallbackAPIKeyHeader(t *testing.T) {
	s := newService(t, printed(t))
	c := s.client(withCallback, func(c *orangedata.Config) { c.CallbackAPIKeyHeader = "X-API-Key" })
	good, err := c.CallbackAddress(orangedata.KindDocument, "shop-1001-sale")
	require.NoError(t, err)
	for _, key := range []string{"", "api-kez", "api-key2"} {
		req := notification(good, "")
		req.Header.Set("X-API-Key", key)
		_, err := c.VerifyCallback(t.Context(), req)
		require.ErrorIs(t, err, acquiring.ErrSignature)
	}
	req := notification(good, "")
	req.Header.Set("X-API-Key", "api-key")
	_, err = c.VerifyCallback(t.Context(), req)
	require.NoError(t, err)
}

// The document may be unknown to the service, or the service away: that is no
// forgery.
func TestCallbackUnread(t *testing.T) {
	s := newService(t, answer{status: 400}, answer{status: 500})
	c := s.client(withCallback)
	good, err := c.CallbackAddress(orangedata.KindDocument, "a-1")
	require.NoError(t, err)
	_, err = c.VerifyCallback(t.Context(), notification(good, ""))
	require.ErrorIs(t, err, acquiring.ErrNotFound)
	_, err = c.VerifyCallback(t.Context(), notification(good, ""))
	require.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.False(t, acquiring.OutcomeOf(err) == acquiring.OutcomeNotSent)
}

// Verifying the address of a notification allocates no more than its parts
// need.
func TestCallbackAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	c := offline(t, withCallback)
	good, err := c.CallbackAddress(orangedata.KindDocument, "a-1")
	require.NoError(t, err)
	req := notification(good, "")
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if id, err := c.Authentic(req); err != nil || id != "a-1" {
			t.Fatal(err)
		}
	}), 12.0)
	req = notification(strings.Replace(good, "a-1", "a-2", 1), "")
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, err := c.VerifyCallback(t.Context(), req); acquiring.OutcomeOf(err) != acquiring.OutcomeNotSent {
			t.Fatal(err)
		}
	}), 14.0, "a forged one")
}
