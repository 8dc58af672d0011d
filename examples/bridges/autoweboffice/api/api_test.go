package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
)

func TestMain(m *testing.M) {
	rest.Hurry() // what is told to fail needs no rest
	os.Exit(m.Run())
}

const keyGet, keySet = "get-key-3f1a", "set-key-9c2d"

func office(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c, err := New(Config{BaseURL: server.URL, KeyGet: keyGet, KeySet: keySet})
	require.NoError(t, err)
	return c
}

const invoice = `{"id_account":"370225","account_number":"302","account_sum":"1340","id_account_status":"1","deleted":"0","email":"x@school.example",` +
	`"last_name":"Иванов","name":"Семен","middle_name":"","phone_number":"+79001112233"}`

// TestRequests: the two requests are what is published.
func TestRequests(t *testing.T) {
	var asked []string
	c := office(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		assert.Equal(t, "api/rest/accounts", q.Get("r"))
		if r.Method == http.MethodGet {
			assert.Equal(t, keyGet, q.Get("key"))
			asked = append(asked, "GET "+q.Get("search[id_account]")+q.Get("id"))
			_, _ = io.WriteString(w, "["+invoice+"]")
			return
		}
		assert.Equal(t, keySet, q.Get("key"))
		asked = append(asked, r.Method+" "+q.Get("id")+" "+q.Get("id_account_status"))
		_, _ = io.WriteString(w, `{"id_account":370225,"account_sum":1340,"id_account_status":5}`)
	})
	inv, err := c.Get(context.Background(), 370225)
	require.NoError(t, err)
	assert.Equal(t, Invoice{ID: 370225, Number: "302", Sum: money.RUB(1340, 0), Status: StatusCreated, Email: "x@school.example", Phone: "+79001112233", Name: "Иванов Семен"}, inv)
	require.NoError(t, c.SetStatus(context.Background(), 370225, StatusPaid))
	c.conf.ReadByID = true
	_, err = c.Get(context.Background(), 370225)
	require.NoError(t, err)
	assert.Equal(t, []string{"GET 370225", "PUT 370225 5", "GET 370225"}, asked)
}

// TestAnswers: an invoice is read in every shape in which it comes, and
// nothing else is taken for one.
func TestAnswers(t *testing.T) {
	for _, body := range []string{invoice, "[" + invoice + "]", invoice + invoice, "\xef\xbb\xbf" + invoice, `{"id_account":1,"account_sum":1,"id_account_status":1}` + invoice} {
		c := office(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		inv, err := c.Get(context.Background(), 370225)
		require.NoError(t, err, body)
		assert.Equal(t, money.RUB(1340, 0), inv.Sum)
	}
	for body, kind := range map[string]error{
		"[]": acquiring.ErrNotFound, `{"error":"Неверный ключ ` + keyGet + `"}`: acquiring.ErrInvalid, "": acquiring.ErrProtocol, "No items": acquiring.ErrProtocol,
		"<html>maintenance</html>": acquiring.ErrProtocol, `{"id_account":"370225"}`: acquiring.ErrProtocol, "7": acquiring.ErrProtocol,
		`{"id_account":370225,"account_sum":"1 3 4","id_account_status":1}`: acquiring.ErrProtocol, `[{"id_account":370226,"account_sum":1,"id_account_status":1}]`: acquiring.ErrNotFound,
	} {
		c := office(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err := c.Get(context.Background(), 370225)
		require.ErrorIs(t, err, kind, body)
		assert.NotContains(t, err.Error(), keyGet)
	}
}

// TestSetStatus: success is the status in the answer, or read back where the
// answer does not show it; what may have been done is not sent again.
func TestSetStatus(t *testing.T) {
	for _, test := range []struct {
		put, get string
		kind     error
	}{
		{`{"id_account":370225,"id_account_status":5}`, "", nil},
		{`{"id_account":370225,"id_account_status":1}`, "", acquiring.ErrConflict},
		{"", `{"id_account":370225,"account_sum":1,"id_account_status":5}`, nil},
		{"OK", `{"id_account":370225,"account_sum":1,"id_account_status":5}`, nil},
		{"", `{"id_account":370225,"account_sum":1,"id_account_status":1}`, acquiring.ErrProtocol},
		{`{"errors":["нельзя"]}`, "", acquiring.ErrInvalid},
	} {
		var puts atomic.Int32
		c := office(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				puts.Add(1)
				_, _ = io.WriteString(w, test.put)
				return
			}
			_, _ = io.WriteString(w, test.get)
		})
		err := c.SetStatus(context.Background(), 370225, StatusPaid)
		assert.ErrorIs(t, err, test.kind, test.put)
		assert.EqualValues(t, 1, puts.Load())
	}
}

// FuzzAnswers: whatever comes, nothing panics and no sum is lost.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{invoice, "[" + invoice + "]", invoice + invoice, "", "[]", "{}{}", "7", "null", `[null]`, `{"error":1}`} {
		f.Add([]byte(seed))
	}
	c, err := New(Config{BaseURL: "https://school.autoweboffice.ru", KeyGet: keyGet, KeySet: keySet})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := c.objects(rest.Call{Op: "x"}, &rest.Response{Status: 200, Body: body})
		if err != nil {
			return
		}
		for _, o := range all {
			// An invoice that is read has a sum that was written.
			if inv, err := c.invoice(o); err == nil && inv.Sum == 0 && strings.Trim(field(o, "account_sum"), "0+-., ") != "" {
				t.Errorf("sum %q was read as nothing", field(o, "account_sum"))
			}
		}
	})
}
