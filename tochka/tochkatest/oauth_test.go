package tochkatest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const scopeWords = "accounts balances customers statements sbp payments acquiring"

// connect posts a form to /connect/….
func (b *bank) connect(path string, form url.Values) (int, map[string]any) {
	b.Helper()
	token := b.token
	b.token = ""
	resp := b.raw("POST", "/connect/"+path, "application/x-www-form-urlencoded", form.Encode())
	b.token = token
	return resp.StatusCode, decode(b.T, b.body(resp))
}

func appForm(kind string, more ...string) url.Values {
	f := url.Values{"client_id": {DefaultAppID}, "client_secret": {DefaultAppSecret}, "grant_type": {kind}}
	for i := 0; i < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

func (b *bank) clientToken() string {
	b.Helper()
	status, doc := b.connect("token", appForm("client_credentials", "scope", scopeWords))
	require.Equal(b, 200, status, "%v", doc)
	return doc["access_token"].(string)
}

const consentBody = `{"Data":{"permissions":["ReadCustomerData","ReadAccountsBasic","ReadAcquiringData","MakeAcquiringOperation","ManageWebhookData"],"expirationDateTime":"2031-01-01T00:00:00+00:00"}}`

func (b *bank) newConsent(body string) string {
	b.Helper()
	b.token = b.clientToken()
	data := b.ok("POST", "consent/v1.0/consents", body)
	if list, ok := data["Consent"].([]any); ok {
		data = list[0].(map[string]any)
	}
	return data["consentId"].(string)
}

func (b *bank) authorizeLink(consent string, change ...string) string {
	q := url.Values{"client_id": {DefaultAppID}, "response_type": {"code"}, "state": {"7f3c9a"}, "redirect_uri": {DefaultRedirectURL}, "scope": {scopeWords}, "consent_id": {consent}}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return b.URL + "/connect/authorize?" + q.Encode()
}

// codeOf approves and gives the code.
func (b *bank) codeOf(consent string) string {
	b.Helper()
	to, err := b.Approve(b.authorizeLink(consent))
	require.NoError(b, err)
	u, err := url.Parse(to)
	require.NoError(b, err)
	assert.Equal(b, "7f3c9a", u.Query().Get("state"))
	return u.Query().Get("code")
}

func exchange(code string) url.Values {
	return appForm("authorization_code", "scope", scopeWords, "code", code, "redirect_uri", DefaultRedirectURL)
}

// enter is the whole walk; it gives both tokens.
func (b *bank) enter() (access, refresh string) {
	b.Helper()
	status, doc := b.connect("token", exchange(b.codeOf(b.newConsent(consentBody))))
	require.Equal(b, 200, status, "%v", doc)
	return doc["access_token"].(string), doc["refresh_token"].(string)
}

func TestOAuthWalk(t *testing.T) {
	b := start(t)
	status, doc := b.connect("token", appForm("client_credentials", "scope", scopeWords))
	require.Equal(t, 200, status)
	assert.Equal(t, "bearer", doc["token_type"])
	assert.Equal(t, json.Number("86400"), doc["expires_in"])
	assert.NotContains(t, doc, "refresh_token")
	b.token = doc["access_token"].(string)
	assert.Len(t, b.token, 32)
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "") // it is for consents only

	data := b.ok("POST", "consent/v1.0/consents", consentBody)
	assert.Equal(t, "AwaitingAuthorisation", data["status"])
	assert.Equal(t, "2031-01-01T00:00:00.000000+00:00", data["expirationDateTime"])
	assert.Equal(t, DefaultAppID, data["clientId"])
	id := data["consentId"].(string)

	// The page in the browser.
	link := strings.TrimPrefix(b.authorizeLink(id), b.URL)
	page := string(b.body(b.raw("GET", link, "", "")))
	assert.Contains(t, page, "MakeAcquiringOperation")
	assert.Contains(t, page, "crm-example")
	resp := b.raw("POST", link, "application/x-www-form-urlencoded", "do=approve")
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
	to, err := url.Parse(resp.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:8443", to.Host)
	assert.Equal(t, "7f3c9a", to.Query().Get("state"))

	status, doc = b.connect("token", exchange(to.Query().Get("code")))
	require.Equal(t, 200, status)
	assert.Equal(t, "7f3c9a", doc["state"])
	assert.Len(t, doc["user_id"], 36)
	status, again := b.connect("token", exchange(to.Query().Get("code")))
	assert.Equal(t, 400, status)
	assert.Equal(t, "invalid_grant", again["error"])

	access, refresh := doc["access_token"].(string), doc["refresh_token"].(string)
	b.token = access
	b.ok("GET", "open-banking/v1.0/customers", "")
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/balances", "") // not in the consent

	assert.Equal(t, "Authorised", b.ok("GET", "consent/v1.0/consents/"+id, "")["status"])
	children := b.ok("GET", "consent/v1.0/consents/"+id+"/child", "")["Consent"].([]any)
	require.Len(t, children, 1)
	child := children[0].(map[string]any)
	assert.Equal(t, DefaultCustomerCode, child["customerCode"])
	assert.Equal(t, DefaultCustomerCode, b.ok("GET", "consent/v1.0/consents/"+child["consentId"].(string), "")["customerCode"])
	b.head = http.Header{"Customer-Code": {"999999999"}}
	assert.Empty(t, b.ok("GET", "consent/v1.0/consents", "")["Consent"])
	b.head = nil
	list := b.ok("GET", "v1.0/consents", "")["Consent"].([]any)
	assert.Equal(t, true, list[0].(map[string]any)["isValid"])
	b.no(404, "Object of Consents", "GET", "consent/v1.0/consents/nothing", "")
	b.no(404, "Object of Consents", "GET", "consent/v1.0/consents/nothing/child", "")

	// A day later.
	b.Advance(24 * time.Hour)
	b.no(401, "expired", "GET", "open-banking/v1.0/customers", "")
	status, doc = b.connect("token", appForm("refresh_token", "refresh_token", refresh))
	require.Equal(t, 200, status)
	assert.Nil(t, doc["state"])
	assert.Contains(t, doc, "state")
	assert.NotEqual(t, refresh, doc["refresh_token"])
	b.token = doc["access_token"].(string)
	b.ok("GET", "open-banking/v1.0/customers", "")
	status, again = b.connect("token", appForm("refresh_token", "refresh_token", refresh))
	assert.Equal(t, 400, status, "the old one dies")
	assert.Equal(t, "invalid_grant", again["error"])
	b.ok("GET", "open-banking/v1.0/customers", "")
	assert.Equal(t, OAuthStats{ClientTokens: 1, Exchanges: 1, Refreshes: 1, Reuses: 1, Refused: 2}, b.OAuthStats())

	// A month without use.
	b.Advance(30 * 24 * time.Hour)
	status, _ = b.connect("token", appForm("refresh_token", "refresh_token", doc["refresh_token"].(string)))
	assert.Equal(t, 400, status)

	all := b.Consents()
	require.Len(t, all, 1)
	assert.Equal(t, "Authorised", all[0].Status)
	assert.Equal(t, []string{DefaultCustomerCode, "300777000"}, all[0].Customers)
}

func TestConsentShapesAndFields(t *testing.T) {
	b := start(t, WithConsentArray())
	b.token = b.clientToken()
	list := b.ok("POST", "v1.0/consents", consentBody)["Consent"].([]any)
	assert.Equal(t, true, list[0].(map[string]any)["isValid"])
	b.no(400, "Input should be 'ReadAccountsBasic', 'ReadAccountsDetail'", "POST", "consent/v1.0/consents", `{"Data":{"permissions":["ReadCustomers"]}}`)
	b.no(400, "'MakeCustomer' or 'ManageGuarantee'", "POST", "consent/v1.0/consents", `{"Data":{"permissions":["ReadCardData"]}}`)
	b.no(400, "Value error", "POST", "consent/v1.0/consents", `{"Data":{"permissions":["ReadCustomerData"],"expirationDateTime":"2021-04-12T00:00:00+00:00"}}`)
	b.no(400, "at least 1 item", "POST", "consent/v1.0/consents", `{"Data":{"permissions":[]}}`)
	b.no(400, "valid datetime", "POST", "consent/v1.0/consents", `{"Data":{"permissions":["ReadCustomerData"],"expirationDateTime":"2031"}}`)
	b.ok("POST", "consent/v1.0/consents", `{"Data":{"permissions":["ReadCustomerData"]}}`)
	assert.Len(t, Permissions(), 19)
}

func TestRefusedConsent(t *testing.T) {
	b := start(t)
	id := b.newConsent(consentBody)
	to, err := b.Refuse(b.authorizeLink(id))
	require.NoError(t, err)
	u, err := url.Parse(to)
	require.NoError(t, err)
	assert.Equal(t, "access_denied", u.Query().Get("error"))
	assert.Equal(t, "7f3c9a", u.Query().Get("state"))
	assert.Empty(t, u.Query().Get("code"))
	assert.Equal(t, "Rejected", b.ok("GET", "consent/v1.0/consents/"+id, "")["status"])
	_, err = b.Approve(b.authorizeLink(id))
	require.ErrorContains(t, err, "consent is Rejected")

	b = start(t, WithSilentRefusal())
	id = b.newConsent(consentBody)
	link := strings.TrimPrefix(b.authorizeLink(id), b.URL)
	resp := b.raw("POST", link, "application/x-www-form-urlencoded", "do=refuse")
	assert.Equal(t, 200, resp.StatusCode)
	assert.Contains(t, string(b.body(resp)), "отказали")
	assert.Equal(t, 400, b.raw("GET", link, "", "").StatusCode)
}

func TestAuthoriseLinkIsChecked(t *testing.T) {
	b := start(t)
	id := b.newConsent(consentBody)
	for words, change := range map[string][]string{
		"invalid_client":            {"client_id", "nobody"},
		"invalid_redirect_uri":      {"redirect_uri", DefaultRedirectURL + "/"},
		"unsupported_response_type": {"response_type", "token"},
		"invalid_scope":             {"scope", "everything"},
		"scope is required":         {"scope", ""},
		"invalid_consent_id":        {"consent_id", "nothing"},
	} {
		_, err := b.Approve(b.authorizeLink(id, change...))
		require.ErrorContains(t, err, words)
		resp := b.raw("GET", strings.TrimPrefix(b.authorizeLink(id, change...), b.URL), "", "")
		assert.Equal(t, 400, resp.StatusCode, "the browser is not sent anywhere")
		assert.Contains(t, string(b.body(resp)), words)
	}
	_, err := b.Approve(b.URL + "/connect/token")
	require.Error(t, err)
	_, err = b.Refuse("http://%zz")
	require.Error(t, err)
	link := strings.TrimPrefix(b.authorizeLink(id), b.URL)
	assert.Equal(t, 400, b.raw("POST", link, "application/x-www-form-urlencoded", "do=nothing").StatusCode)
	assert.Equal(t, 501, b.raw("PUT", link, "", "").StatusCode)

	to, err := b.Approve(b.authorizeLink(id, "response_type", "code id_token"))
	require.NoError(t, err)
	u, _ := url.Parse(to)
	assert.Len(t, strings.Split(u.Query().Get("id_token"), "."), 3)
	_, err = b.Approve(b.authorizeLink(id)) // again, when the tokens are lost
	require.NoError(t, err)
	b.Advance(6 * 365 * 24 * time.Hour)
	_, err = b.Approve(b.authorizeLink(id))
	require.ErrorContains(t, err, "expired")
}

func TestTokenRequests(t *testing.T) {
	b := start(t)
	wrong := func(status int, word string, f url.Values) {
		t.Helper()
		got, doc := b.connect("token", f)
		assert.Equal(t, status, got)
		assert.Equal(t, word, doc["error"])
		assert.NotEmpty(t, doc["error_description"])
	}
	wrong(401, "invalid_client", url.Values{"client_id": {DefaultAppID}, "client_secret": {"guess"}, "grant_type": {"client_credentials"}})
	wrong(401, "invalid_client", url.Values{})
	wrong(400, "invalid_scope", appForm("client_credentials"))
	wrong(400, "unsupported_grant_type", appForm("password"))
	wrong(400, "invalid_grant", exchange("nothing"))
	wrong(400, "invalid_grant", appForm("refresh_token", "refresh_token", "nothing"))

	id := b.newConsent(consentBody)
	code := b.codeOf(id)
	f := exchange(code)
	f.Set("redirect_uri", DefaultRedirectURL+"?x=1")
	wrong(400, "invalid_grant", f)
	b.Advance(5 * time.Minute)
	wrong(400, "invalid_grant", exchange(code)) // five minutes are over
	assert.Equal(t, 501, b.raw("GET", "/connect/token", "", "").StatusCode)

	// Multipart with the secrets in the query as well, as two SDKs send it.
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, v := range appForm("client_credentials", "scope", scopeWords, "state", "x") {
		require.NoError(t, w.WriteField(k, v[0]))
	}
	require.NoError(t, w.Close())
	resp := b.raw("POST", "/connect/token?client_secret=elsewhere", w.FormDataContentType(), body.String())
	assert.Equal(t, 200, resp.StatusCode)
	// In the query alone they are nothing.
	resp = b.raw("POST", "/connect/token?"+appForm("client_credentials", "scope", scopeWords).Encode(), "application/x-www-form-urlencoded", "")
	assert.Equal(t, 401, resp.StatusCode)
	resp = b.raw("POST", "/connect/token", "multipart/form-data; boundary=x", "broken")
	assert.Equal(t, 401, resp.StatusCode)

	b.Trouble(Trouble{Op: OpToken, Status: 503, Message: "later"})
	status, _ := b.connect("token", appForm("client_credentials", "scope", scopeWords))
	assert.Equal(t, 503, status)

	b = start(t, WithOAuthErrorEnvelope())
	_, doc := b.connect("token", appForm("password"))
	assert.Equal(t, "400", doc["code"])
	assert.NotEmpty(t, doc["Errors"])
}

func TestOptionsOfTokens(t *testing.T) {
	b := start(t, WithTokenLife(time.Hour, 2*time.Hour), WithExpiredTokenStatus(403), WithReuseRevokes())
	access, refresh := b.enter()
	b.token = access
	b.Advance(time.Hour)
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "")
	_, doc := b.connect("token", appForm("refresh_token", "refresh_token", refresh))
	b.token = doc["access_token"].(string)
	b.ok("GET", "open-banking/v1.0/customers", "")
	status, _ := b.connect("token", appForm("refresh_token", "refresh_token", refresh))
	assert.Equal(t, 400, status)
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "") // all tokens are dead
	status, _ = b.connect("token", appForm("refresh_token", "refresh_token", doc["refresh_token"].(string)))
	assert.Equal(t, 400, status)
}

func TestRevokedAndExpiredConsent(t *testing.T) {
	b := start(t)
	access, refresh := b.enter()
	b.token = access
	b.ok("GET", "open-banking/v1.0/customers", "")
	require.NoError(t, b.RevokeConsent(b.Consents()[0].ID))
	require.Error(t, b.RevokeConsent("nothing"))
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "")
	status, _ := b.connect("token", appForm("refresh_token", "refresh_token", refresh))
	assert.Equal(t, 400, status)

	status, doc := b.connect("token", exchange(b.codeOf(b.newConsent(`{"Data":{"permissions":["ReadCustomerData"],"expirationDateTime":"2026-10-02T12:00:00+00:00"}}`))))
	require.Equal(t, 200, status)
	b.token = doc["access_token"].(string)
	b.ok("GET", "open-banking/v1.0/customers", "")
	b.Advance(3 * time.Hour)
	b.no(403, "Forbidden by consent", "GET", "open-banking/v1.0/customers", "")
}

func TestIntrospection(t *testing.T) {
	b := start(t)
	access, _ := b.enter()
	resp := b.raw("POST", "/connect/introspect", "application/x-www-form-urlencoded", "access_token="+access)
	var token string
	require.NoError(t, json.Unmarshal(b.body(resp), &token), "a JSON text")
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	assert.Contains(t, string(payload), "\n  \"sub\"")
	assert.JSONEq(t, `{"iss":"enter.tochka.com","sub":"300777001","aud":"crm_app"}`, string(payload))
	assert.True(t, verify(t, b.WebhookKeyPEM(), token))
	assert.Equal(t, 400, b.raw("POST", "/connect/introspect", "application/x-www-form-urlencoded", "access_token=x").StatusCode)
	assert.Equal(t, 501, b.raw("GET", "/connect/introspect", "", "").StatusCode)
	resp = b.raw("POST", "/connect/introspect", "application/x-www-form-urlencoded", "access_token="+b.clientToken())
	assert.Equal(t, 200, resp.StatusCode)
}

// TestPublishedOAuth compares with the samples of the documentation: the same
// members, of the same types.
func TestPublishedOAuth(t *testing.T) {
	b := start(t, WithApp(App{ClientID: "test_app", ClientSecret: "test_secret", Name: "test_name", RedirectURL: "http://localhost:8000/"}))
	var fields map[string]map[string]string
	require.NoError(t, json.Unmarshal(samples(t, "official_oauth/form_fields.json"), &fields))
	form := func(name string) url.Values {
		f := url.Values{}
		for k, v := range fields[name] {
			f.Set(k, v)
		}
		return f
	}
	_, doc := b.connect("token", form("client_credentials"))
	sameShape(t, "", decode(t, samples(t, "official_oauth/client_token_response.json")), doc, nil)
	b.token = doc["access_token"].(string)
	status, doc := b.call("POST", "v1.0/consents", string(samples(t, "official_oauth/consent_request.json")))
	require.Equal(t, 200, status)
	sameShape(t, "", decode(t, samples(t, "official_oauth/consent_response_tutorial_shape.json")), doc, []string{".Data.expirationDateTime"})
	id := doc["Data"].(map[string]any)["consentId"].(string)

	link, err := url.Parse(strings.TrimSpace(string(samples(t, "official_oauth/authorize_url.txt"))))
	require.NoError(t, err)
	q := link.Query()
	q.Set("consent_id", id)
	to, err := b.Approve(b.URL + link.Path + "?" + q.Encode())
	require.NoError(t, err)
	back, err := url.Parse(to)
	require.NoError(t, err)
	assert.Equal(t, "Vuihvsds", back.Query().Get("state"))

	f := form("authorization_code")
	f.Set("code", back.Query().Get("code"))
	_, doc = b.connect("token", f)
	sameShape(t, "", decode(t, samples(t, "official_oauth/code_exchange_response.json")), doc, nil)
	access := doc["access_token"].(string)
	f = form("refresh_token")
	f.Set("refresh_token", doc["refresh_token"].(string))
	_, doc = b.connect("token", f)
	sameShape(t, "", decode(t, samples(t, "official_oauth/refresh_response.json")), doc, nil)

	resp := b.raw("POST", "/connect/introspect", "application/x-www-form-urlencoded", "access_token="+access)
	var ours, theirs string
	require.NoError(t, json.Unmarshal(b.body(resp), &ours))
	require.NoError(t, json.Unmarshal(samples(t, "official_oauth/introspect_response.json"), &theirs))
	assert.Equal(t, strings.Split(theirs, ".")[0], strings.Split(ours, ".")[0], "the same header")
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(ours, ".")[1])
	require.NoError(t, err)
	sameShape(t, "", decode(t, samples(t, "official_oauth/introspect_claims.json")), decode(t, payload), nil)
}
