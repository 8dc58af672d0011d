package paykeeper

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

func TestExplain(t *testing.T) {
	const form = "id=4711&sum=1499.90&clientid=%D0%98%D0%B2%D0%B0%D0%BD+%D0%98&orderid=ORD-17&ps_id=94&key="
	const text = "47111499.90Иван ИORD-17"
	right := md5Hex(text + testSecret)
	for name, tt := range map[string]struct {
		change func(*Config)
		form   string
		fault  string
	}{
		"right":       {nil, form + right, ""},
		"no key":      {nil, strings.TrimSuffix(form, "&key="), "the parameter key is not a signature"},
		"twice":       {nil, form + right + "&sum=1", "is there twice"},
		"no sum":      {nil, strings.Replace(form, "sum=1499.90&", "", 1) + right, "the parameter sum is not a sum"},
		"odd sum":     {nil, strings.Replace(form, "1499.90", "01499.90", 1) + md5Hex("471101499.90Иван ИORD-17"+testSecret), "the parameter sum is not a sum"},
		"capital":     {nil, form + strings.ToUpper(right), "is in capital digits"},
		"plus":        {nil, form + md5Hex(strings.ReplaceAll(text, " ", "+")+testSecret), "spaces came where plus signs were signed"},
		"password":    {nil, form + md5Hex(text+"kassa-pass"), "Config.Secret holds the password of the cabinet"},
		"added order": {nil, form + md5Hex("47111499.90Иван И"+testSecret), "the parameter orderid is not signed"},
		"changed":     {nil, strings.Replace(form, "1499.90", "1.00", 1) + right, "no usual mistake explains it"},
		"wrong word":  {func(c *Config) { c.Secret = "another-word" }, form + right, "Config.Secret is not the secret word"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := testConfig("https://lavka.server.paykeeper.ru")
			if tt.change != nil {
				tt.change(&conf)
			}
			c, err := New(conf)
			require.NoError(t, err)
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.form))
			e, err := webhook.Explain(c.Acquirer(), r)
			require.NoError(t, err)
			_, _, refused := c.ReadNotification(r)
			if tt.fault == "" {
				assert.True(t, e.Fits(), "%s", e)
				assert.NoError(t, refused)
			} else {
				require.NotEmpty(t, e.Faults)
				assert.Contains(t, e.Faults[0], tt.fault)
				assert.Error(t, refused)
			}
			assert.NotContains(t, e.String(), conf.Secret)
			assert.NotContains(t, e.String(), "kassa-pass")
			assert.NotContains(t, e.String(), md5Hex(strings.TrimSuffix(e.Signed, "[secret]")+conf.Secret), "the signature that would be right")
		})
	}
	conf := testConfig("https://lavka.server.paykeeper.ru")
	c, err := New(conf)
	require.NoError(t, err)
	e, err := c.ExplainCallback(httptest.NewRequest(http.MethodGet, "/", nil))
	require.NoError(t, err)
	assert.Contains(t, e.Faults[0], "a notification is a POST")
	conf.Environment = acquiring.Production
	c, err = New(conf)
	require.NoError(t, err)
	_, err = c.ExplainCallback(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form+right)))
	assert.ErrorIs(t, err, acquiring.ErrUnsupported)
}
