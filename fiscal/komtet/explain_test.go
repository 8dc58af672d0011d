package komtet

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

func TestExplain(t *testing.T) {
	body := compact(t, file(t, "callback_done.json"))
	right := plainSignature(testSecret, "POST", testCallback, body)
	for name, tt := range map[string]struct {
		change func(*Config)
		sign   string
		body   string
		fault  string
	}{
		"right":        {nil, right, body, ""},
		"no header":    {nil, "", body, "there is no header X-HMAC-Signature"},
		"cut":          {nil, right[:20], body, "20 digits where HMAC-MD5 has 32"},
		"capital":      {nil, strings.ToUpper(right), body, "is in capital digits"},
		"scheme":       {nil, plainSignature(testSecret, "POST", strings.Replace(testCallback, "https", "http", 1), body), body, "the service calls http://pay.lavka.example/hooks/komtet?shop=2"},
		"query":        {nil, plainSignature(testSecret, "POST", strings.TrimSuffix(testCallback, "?shop=2"), body), body, "the service calls https://pay.lavka.example/hooks/komtet,"},
		"inner":        {nil, plainSignature(testSecret, "POST", "https://10.0.0.7:8080/hook", body), body, "the service calls https://10.0.0.7:8080/hook,"},
		"method":       {nil, plainSignature(testSecret, "", testCallback, body), body, "without the method"},
		"wrong key":    {func(c *Config) { c.Secret = "another" }, right, body, "Config.Secret is not this shop's secret key"},
		"changed":      {nil, right, strings.Replace(body, "done", "dane", 1), "the body was changed on the way"},
		"no address":   {func(c *Config) { c.CallbackURL = "" }, right, body, "Config.CallbackURL is empty"},
		"odd contents": {nil, plainSignature(testSecret, "POST", testCallback, "[]"), "[]", "the signed body is not a notification"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config()
			if tt.change != nil {
				tt.change(&conf)
			}
			c, err := New(conf)
			require.NoError(t, err)
			r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/hook", strings.NewReader(tt.body))
			if tt.sign != "" {
				r.Header.Set(SignatureHeader, tt.sign)
			}
			e, err := c.ExplainCallback(r)
			require.NoError(t, err)
			_, refused := c.ParseCallback(r)
			if tt.fault == "" {
				assert.True(t, e.Fits(), "%s", e)
				assert.NoError(t, refused)
			} else {
				require.NotEmpty(t, e.Faults)
				assert.Contains(t, e.Faults[0], tt.fault)
				assert.Error(t, refused)
			}
			assert.NotContains(t, e.String(), conf.Secret)
			assert.NotContains(t, e.String(), plainSignature(conf.Secret, "POST", testCallback, tt.body), "the signature that would be right")
		})
	}
	conf := config()
	conf.Environment = acquiring.Production
	c, err := New(conf)
	require.NoError(t, err)
	_, err = c.ExplainCallback(news(testCallback, body))
	assert.ErrorIs(t, err, acquiring.ErrUnsupported)
	c, err = New(config())
	require.NoError(t, err)
	e, err := c.ExplainCallback(httptest.NewRequest(http.MethodGet, "/", nil))
	require.NoError(t, err)
	assert.Contains(t, e.Faults[0], "the service sends POST")
}
