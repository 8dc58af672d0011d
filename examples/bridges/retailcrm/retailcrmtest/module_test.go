package retailcrmtest_test

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

const (
	code     = "acquiring"
	clientID = "0b6a7c0e-7d5a-4b8b-9a3b-2f1f6c0f1a11"
	shop     = "5f0d1c8a-8d6e-4a55-9d0c-0a1b2c3d4e5f"
	own      = "8c5b1f43-6b7f-4f6e-a5a9-0f4f1b7c2d33"
)

// module is a payment module of a few lines: what it answers is set by the
// test.
type module struct {
	*httptest.Server
	t      *testing.T
	secret string

	mu      sync.Mutex
	key     string
	crm     string
	calls   []call
	answers map[string]string // action to body; a number before it is the HTTP status
}

type call struct {
	action string
	form   url.Values
}

func newModule(t *testing.T) *module {
	m := &module{t: t, secret: retailcrmtest.DefaultModuleSecret, answers: map[string]string{
		"create":   `{"success":true,"result":{"paymentId":"` + own + `","invoiceUrl":"https://mod.example/pay/aZ3k9Q","cancellable":true}}`,
		"approve":  `{"success":true}`,
		"cancel":   `{"success":true}`,
		"activity": `{"success":true}`,
		"refund":   `{"success":true,"result":{"id":"rf-1","status":"succeeded","amount":100.5,"comment":null}}`,
		"status": `{"success":true,"result":{"status":"succeeded","amount":1299.5,"cancellationDetails":null,"expiredAt":null,` +
			`"paidAt":"2025-06-02 15:04:05","paymentId":"` + own + `","invoiceUrl":"https://mod.example/pay/aZ3k9Q","refundable":true}}`,
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connect", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"success":true,"scopes":["integration_read","integration_write","payments_read","payments_write"],"registerUrl":%q}`, m.URL+"/connect")
	})
	mux.HandleFunc("POST /connect", m.register)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		action := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		m.mu.Lock()
		m.calls = append(m.calls, call{action, r.Form})
		answer := m.answers[action]
		m.mu.Unlock()
		if answer == "" {
			panic(http.ErrAbortHandler)
		}
		status := 200
		if n, _ := fmt.Sscanf(answer, "%3d ", &status); n == 1 {
			answer = answer[4:]
		} else {
			status = 200
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

func (m *module) register(w http.ResponseWriter, r *http.Request) {
	var in struct{ Token, APIKey, SystemURL string }
	_ = json.Unmarshal([]byte(r.FormValue("register")), &in)
	if subtle.ConstantTimeCompare([]byte(retailcrmtest.Token(in.APIKey, m.secret)), []byte(in.Token)) == 0 {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"accountUrl":null,"success":false,"errorMsg":"Invalid token"}`)
		return
	}
	m.mu.Lock()
	m.key, m.crm = in.APIKey, strings.TrimSuffix(in.SystemURL, "/")
	m.mu.Unlock()
	status, body := m.call("integration-modules/"+code+"/edit", "integrationModule", m.registration())
	if status != 200 {
		http.Error(w, body, http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"accountUrl":%q,"success":true,"errorMsg":null}`, m.URL+"/settings/"+clientID)
}

func (m *module) registration() string {
	return fmt.Sprintf(`{"code":"acquiring","integrationCode":"acquiring","active":true,"name":"Банк","logo":"https://mod.example/a.svg","clientId":%q,`+
		`"baseUrl":%q,"accountUrl":%q,"actions":{"activity":"/activity"},"integrations":{"payment":{"actions":{"create":"/payment/create",`+
		`"approve":"/payment/approve","cancel":"/payment/cancel","refund":"/payment/refund","status":"/payment/status"},"currencies":["RUB"],`+
		`"invoiceTypes":["link"],"shops":[{"code":%q,"name":"Чай Москва","active":true},{"code":"closed","name":"Чай СПб","active":false}]}}}`,
		clientID, m.URL, m.URL+"/settings", shop)
}

// call calls the CRM: POST with a field, GET without.
func (m *module) call(path, field, body string) (int, string) {
	m.t.Helper()
	return ask(m.t, m.crm, m.key, path, field, body)
}

func ask(t *testing.T, crm, key, path, field, body string) (int, string) {
	t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/api/v5/" + path
	}
	method, form := http.MethodGet, ""
	if field != "" {
		method, form = http.MethodPost, url.Values{field: {body}}.Encode()
	}
	r, err := http.NewRequest(method, crm+path, strings.NewReader(form))
	require.NoError(t, err)
	r.Header.Set("X-API-KEY", key)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func (m *module) answer(action, body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[action] = body
}

// last is the last call of the action.
func (m *module) last(action string) url.Values {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.calls) - 1; i >= 0; i-- {
		if m.calls[i].action == action {
			return m.calls[i].form
		}
	}
	m.t.Fatalf("the module was not asked to %s", action)
	return nil
}

func (m *module) count(action string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.calls {
		if c.action == action {
			n++
		}
	}
	return n
}

func itoa(n int) string { return fmt.Sprint(n) }
