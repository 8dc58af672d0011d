package komtet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/money"
)

// news is a notification as the service sends it to the public address url;
// inside, behind a proxy, it comes to another host and path.
func news(url, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/komtet", strings.NewReader(body))
	r.Header.Set("X-Hmac-Signature", plainSignature(testSecret, "POST", url, body))
	return r
}

func TestCallbackDone(t *testing.T) {
	c, s := client(t, nil, ok(file(t, "task_done_answer.json")))
	r := news(testCallback, file(t, "callback_done.json"))
	assert.Equal(t, "e671e8af5d1ad972e076ef605d66ee57", r.Header.Get(SignatureHeader), "vector G")
	d, err := c.VerifyCallback(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, "9001", d.ID)
	assert.Equal(t, "T-1001", d.ReceiptID)
	assert.Equal(t, fiscal.DocumentPrinted, d.Status)
	assert.Equal(t, money.RUB(1499, 90), d.Fiscal.Total)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v2/tasks/9001", s.sent[0].url, "read back for what was printed")
	assert.Equal(t, http.StatusOK, CallbackStatus(err))
}

func TestCallbackError(t *testing.T) {
	c, _ := client(t, nil)
	d, err := c.VerifyCallback(t.Context(), news(testCallback, file(t, "callback_error.json")))
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentFailed, d.Status)
	assert.Equal(t, &fiscal.DocumentFailure{Message: "Сумма оплат не совпадает с суммой позиций"}, d.Failure)
	assert.Equal(t, file(t, "callback_error.json"), string(d.Raw))
}

// A notification with the fiscal data in it needs no reading back; a number
// for external_id is the same as its digits.
func TestCallbackWhole(t *testing.T) {
	c, _ := client(t, nil)
	d, err := c.VerifyCallback(t.Context(), news(testCallback, `{"id":"9001","external_id":1001,"state":"done","fiscal_data":{"i":4521,"fn":"9999","fp":"1","s":"10.00"}}`))
	require.NoError(t, err)
	assert.Equal(t, "1001", d.ReceiptID)
	assert.Equal(t, "4521", d.Fiscal.FD)
}

func TestCallbackURLs(t *testing.T) {
	urls := []string{testCallback, "https://pay.lavka.example/ok", "https://pay.lavka.example/%D1%8F?a=%20b", "https://pay.lavka.example:8443/x"}
	c, _ := client(t, func(c *Config) { c.CallbackURLs = urls })
	body := file(t, "callback_error.json")
	for _, u := range urls {
		n, err := c.ParseCallback(news(u, body))
		require.NoError(t, err, u)
		assert.Equal(t, u, n.URL)
		assert.Equal(t, "komtet:T-1003:9002:error", n.Key())
	}
	// The same address in other words is another address.
	for _, u := range []string{"https://pay.lavka.example/ok/", "http://pay.lavka.example/ok", "https://pay.lavka.example/я?a=%20b", "https://pay.lavka.example/%d1%8f?a=%20b",
		"https://pay.lavka.example/x", "http://10.0.0.7:8080/komtet"} {
		_, err := c.ParseCallback(news(u, body))
		assert.ErrorIs(t, err, acquiring.ErrSignature, u)
	}
	c, _ = client(t, func(c *Config) { c.CallbackURL = "" })
	_, err := c.VerifyCallback(t.Context(), news("", body))
	assert.Equal(t, "Config.CallbackURL", asError(t, err).Field)
	assert.Equal(t, http.StatusInternalServerError, CallbackStatus(err))
}

func TestCallbackRefused(t *testing.T) {
	c, _ := client(t, nil)
	body := file(t, "callback_done.json")
	good := news(testCallback, body).Header.Get(SignatureHeader)
	request := func(method, body, signature string) *http.Request {
		r := httptest.NewRequest(method, testCallback, strings.NewReader(body))
		if signature != "" {
			r.Header.Set(SignatureHeader, signature)
		}
		return r
	}
	signed := func(body string) *http.Request { return news(testCallback, body) }
	foreign := plainSignature("another-secret", "POST", testCallback, body)
	for name, row := range map[string]struct {
		r      *http.Request
		status int
	}{
		"no signature":      {request("POST", body, ""), 401},
		"not POST":          {request("GET", body, good), 405},
		"another key":       {request("POST", body, foreign), 403},
		"another body":      {request("POST", strings.Replace(body, "9001", "9002", 1), good), 403},
		"upper case":        {request("POST", body, strings.ToUpper(good)), 403},
		"cut signature":     {request("POST", body, good[:31]), 403},
		"longer signature":  {request("POST", body, good+"0"), 403},
		"no digits":         {request("POST", body, strings.Repeat("z", 32)), 403},
		"too large":         {signed(`{"external_id":"a","state":"` + strings.Repeat("a", 64<<10) + `"}`), 403},
		"no JSON":           {signed("external_id=T-1001&state=done"), 422},
		"empty":             {signed(""), 422},
		"an array":          {signed("[]"), 422},
		"no state":          {signed(`{"id":9001,"external_id":"T-1001"}`), 422},
		"no external_id":    {signed(`{"id":9001,"state":"done"}`), 422},
		"null external_id":  {signed(`{"id":9001,"external_id":null,"state":"done"}`), 422},
		"external_id a map": {signed(`{"id":9001,"external_id":{},"state":"done"}`), 422},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := c.VerifyCallback(t.Context(), row.r)
			assert.Nil(t, d)
			assert.ErrorIs(t, err, acquiring.ErrSignature)
			e := asError(t, err)
			assert.NotContains(t, err.Error(), good, "the expected signature is nobody's business")
			switch name { // what may be the service's own, and a fault of the Config or of a proxy
			case "another key":
				assert.Contains(t, e.Hint, "byte for byte")
				assert.Contains(t, e.Hint, "Config.Secret")
			case "no signature":
				assert.Contains(t, e.Hint, "a proxy")
			}
			assert.Zero(t, e.HTTPStatus)
			assert.Equal(t, row.status, CallbackStatus(err))
		})
	}
	assert.Equal(t, http.StatusInternalServerError, CallbackStatus(errors.New("the database is down")))
}

// What was printed could not be read: the service must call again.
func TestCallbackReadBackFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := answer{status: 503}
		c, _ := client(t, nil, broken, broken, broken, ok(`{"id":9001,"external_id":"T-9","state":"done"}`))
		_, err := c.VerifyCallback(t.Context(), news(testCallback, file(t, "callback_done.json")))
		assert.ErrorIs(t, err, acquiring.ErrUnavailable)
		assert.Equal(t, http.StatusInternalServerError, CallbackStatus(err))
		_, err = c.VerifyCallback(t.Context(), news(testCallback, file(t, "callback_done.json")))
		assert.ErrorIs(t, err, acquiring.ErrProtocol, "another receipt's task")
	})
}

// A courier order's news names its address and may number the order instead of
// the task.
func TestCallbackOfAnOrder(t *testing.T) {
	missing := answer{status: 404}
	ofOrder := `{"id":5501,"external_id":"D-55","state":"done","callback_url":"` + testCallback + `"}`
	for name, row := range map[string]struct {
		body    string
		answers []answer
		want    string
	}{
		"no such task":     {ofOrder, []answer{missing, missing}, ""},
		"another's task":   {ofOrder, []answer{ok(`{"id":5501,"external_id":"T-7","state":"done"}`)}, ""},
		"its task":         {ofOrder, []answer{ok(`{"id":5501,"external_id":"D-55","state":"done","fiscal_data":{"i":"1"}}`)}, "5501"},
		"the task is told": {`{"id":5501,"task_id":9001,"external_id":"D-55","state":"done"}`, []answer{ok(`{"id":9001,"external_id":"x","state":"done","fiscal_data":{"i":"1"}}`)}, "9001"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := client(t, nil, row.answers...)
			d, err := c.VerifyCallback(t.Context(), news(testCallback, row.body))
			require.NoError(t, err)
			assert.Equal(t, row.want, d.ID)
			assert.Equal(t, "D-55", d.ReceiptID)
			assert.Equal(t, fiscal.DocumentPrinted, d.Status)
		})
	}
}

func FuzzCallback(f *testing.F) {
	for _, name := range []string{"callback_done.json", "callback_error.json", "task_done_answer.json", "order_answer.json"} {
		f.Add([]byte(file(f, name)), true)
	}
	f.Add([]byte(`{"external_id":1e3,"state":5}`), true)
	f.Add([]byte("\x00"), false)
	cfg := config()
	cfg.HTTPClient = &http.Client{Transport: anyAnswer{http.StatusNotFound, nil}}
	c, err := New(cfg)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte, signed bool) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set(SignatureHeader, string(body))
		if signed {
			r.Header.Set(SignatureHeader, plainSignature(testSecret, "POST", testCallback, string(body)))
		}
		n, err := c.ParseCallback(r)
		if !signed {
			assert.ErrorIs(t, err, acquiring.ErrSignature)
			return
		}
		if err != nil {
			assert.ErrorIs(t, err, acquiring.ErrSignature)
			return
		}
		assert.False(t, n.ExternalID.IsZero() || n.State == "")
		assert.NotEmpty(t, n.Key())
		// The standard library finds the same under these names.
		var members map[string]any
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		if err := dec.Decode(&members); err != nil {
			t.Fatalf("%q is read, and is %v", body, err)
		}
		if utf8.Valid(body) && (fmt.Sprint(members["external_id"]) != n.ExternalID.String() || fmt.Sprint(members["state"]) != string(n.State)) {
			t.Fatalf("%q is read as %+v", body, n)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		d, err := c.VerifyCallback(t.Context(), r)
		if err != nil {
			assert.NotErrorIs(t, err, acquiring.ErrSignature)
			return
		}
		assert.Equal(t, n.ExternalID.String(), d.ReceiptID)
		assert.Equal(t, n.State.Document(), d.Status, "nothing was read back")
		assert.Equal(t, d.Status == fiscal.DocumentPrinted, d.Fiscal != nil)
		if d.Fiscal != nil && d.Fiscal.Total != 0 {
			total, err := money.Parse(string(n.Fiscal.Sum))
			require.NoError(t, err)
			assert.Equal(t, total, d.Fiscal.Total)
		}
	})
}

// answers reads any body as the answer to one call and then to another.
type anyAnswer struct {
	status int
	body   []byte
}

func (a anyAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}, nil
}

func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"task_done_answer.json", "task_new_answer.json", "duplicate_answer.json", "tasks_answer.json", "order_answer.json", "employees_answer.json", "queue_answer.json"} {
		f.Add(200, []byte(file(f, name)))
		f.Add(422, []byte(file(f, name)))
	}
	f.Add(500, []byte(`{"code":5,"title":null}`))
	f.Add(403, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 499 || status == 429 { // these are repeated, with pauses
			status = 422
		}
		cfg := config()
		cfg.HTTPClient = &http.Client{Transport: anyAnswer{status, body}}
		c, err := New(cfg)
		require.NoError(t, err)
		check := func(err error) {
			var e *acquiring.Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("not an *acquiring.Error: %v", err)
			}
		}
		d, err := c.Submit(t.Context(), sale())
		check(err)
		if err == nil && (d.ID == "" || d.ReceiptID != "T-1001") {
			t.Errorf("a document of nothing: %+v", d)
		}
		if err == nil && status != http.StatusOK && !d.Existed {
			t.Errorf("%d is taken for a receipt in the queue: %+v", status, d)
		}
		_, err = c.CreateTasks(t.Context(), 0, []CheckRequest{&CheckV2{ExternalID: TextID("T-2001")}})
		check(err)
		d, err = c.GetDocument(t.Context(), "9001")
		check(err)
		if err == nil && (status != http.StatusOK || d.ID != "9001" || (d.Status == fiscal.DocumentPrinted) != (d.Fiscal != nil)) {
			t.Errorf("%d %q gives %+v", status, body, d)
		}
		if err == nil && d.Status == fiscal.DocumentPrinted && !strings.Contains(string(body), "done") && !bytes.ContainsAny(body, `\\`) {
			t.Errorf("%q is printed", body)
		}
		_, err = c.Queue(t.Context(), 0)
		check(err)
		_, err = c.Order(t.Context(), 1)
		check(err)
		_, err = c.Employee(t.Context(), 1)
		check(err)
		rows := 0
		for _, err := range c.Orders(t.Context(), OrderFilter{}) {
			check(err)
			if rows++; rows > 50 {
				break // the fuzzer's service says that the list is endless
			}
		}
	})
}

func BenchmarkCallback(b *testing.B) {
	c, err := New(config())
	require.NoError(b, err)
	body := []byte(compact(b, file(b, "task_done_answer.json")))
	signature := plainSignature(testSecret, "POST", testCallback, string(body))
	b.Run("komtet", func(b *testing.B) {
		b.ReportAllocs()
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set(SignatureHeader, signature)
		for b.Loop() {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			if _, err := c.ParseCallback(r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if plainSignature(testSecret, "POST", testCallback, string(body)) != signature {
				b.Fatal("signature")
			}
		}
	})
}

func TestCallbackAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	c, err := New(config())
	require.NoError(t, err)
	body := []byte(compact(t, file(t, "callback_done.json")))
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set(SignatureHeader, plainSignature(testSecret, "POST", testCallback, string(body)))
	allocs := testing.AllocsPerRun(200, func() {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		if _, err := c.ParseCallback(r); err != nil {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, allocs, 11.0, fmt.Sprint(allocs))
}
