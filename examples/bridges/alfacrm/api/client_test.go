package api

import (
	"context"
	"encoding/json"
	"fmt"
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

const apiKey = "secret-key-of-alfacrm"

// crm answers every method but the login with what it is told.
func crm(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/auth/login") {
			_, _ = io.WriteString(w, `{"token":"token-of-the-day"}`)
			return
		}
		assert.Equal(t, "token-of-the-day", r.Header.Get("X-ALFACRM-TOKEN"))
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	c, err := New(Config{BaseURL: server.URL, Email: "api@school.example", APIKey: apiKey})
	require.NoError(t, err)
	return c
}

func says(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var income = Pay{BranchID: 1, CustomerID: 2091, PayTypeID: PayIncome, PayAccountID: 4, PayItemID: 2, DocumentDate: "14.03.2026", Income: money.RUB(3500, 0),
	PayerName: "Иванова А.", Note: "Оплата картой, заказ 10747", Confirmed: true}

// TestPayCreate: the request is what is published, to the byte of each field.
func TestPayCreate(t *testing.T) {
	for _, number := range []bool{false, true} {
		var body string
		c := crm(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "/v2api/1/pay/create", r.URL.Path)
			b, _ := io.ReadAll(r.Body)
			body = string(b)
			_, _ = io.WriteString(w, `{"success":true,"model":{"id":881,"income":"3500.00","customer_id":2091,"custom_md_order":"x"},"errors":[]}`)
		})
		c.conf.AmountAsNumber = number
		made, err := c.PayCreate(context.Background(), income)
		require.NoError(t, err)
		assert.Equal(t, 881, made.ID)
		assert.Equal(t, money.RUB(3500, 0), made.Income)
		assert.Equal(t, "x", made.Custom["custom_md_order"])
		sum := `"3500.00"`
		if number {
			sum = "3500.00"
		}
		assert.JSONEq(t, `{"branch_id":1,"customer_id":2091,"pay_type_id":1,"pay_account_id":4,"pay_item_id":2,"document_date":"14.03.2026",`+
			`"income":`+sum+`,"payer_name":"Иванова А.","note":"Оплата картой, заказ 10747","is_confirmed":1}`, body)
		assert.Contains(t, body, `"income":`+sum)
	}
}

// TestRefusals: a refusal is one whatever the HTTP status, and says whether
// anything was posted.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		status  int
		body    string
		kind    error
		outcome acquiring.Outcome
		words   string
	}{
		{200, `{"success":false,"errors":{"customer_id":["Клиент не найден"]}}`, acquiring.ErrInvalid, acquiring.OutcomeRejected, "customer_id: Клиент не найден"},
		{200, `{"success":false,"model":null,"errors":["Период закрыт"]}`, acquiring.ErrInvalid, acquiring.OutcomeRejected, "Период закрыт"},
		{200, `{"model":{"id":7},"errors":"Период закрыт"}`, acquiring.ErrInvalid, acquiring.OutcomeRejected, "Период закрыт"},
		{200, `{"success":false}`, acquiring.ErrInvalid, acquiring.OutcomeRejected, "without a reason"},
		{200, `{"errors":["Access Denied"]}`, acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "v2api"},
		{200, `{"name":"Forbidden","message":"You are not allowed","code":0,"status":403}`, acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "not allowed"},
		{200, `{"name":"Error","message":"x","status":"500"}`, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, "Error x"},
		{400, `{"errors":{"income":["Неверно"]}}`, acquiring.ErrInvalid, acquiring.OutcomeRejected, "income: Неверно"},
		{403, `<html><body><h1>Forbidden</h1></body></html>`, acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "Forbidden"},
		{404, `no`, acquiring.ErrNotFound, acquiring.OutcomeRejected, "no"},
		{429, ``, acquiring.ErrRateLimited, acquiring.OutcomeRejected, ""},
		{502, `<html>nginx</html>`, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, ""},
		{200, `<html>maintenance</html>`, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "maintenance"},
		{200, ``, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "empty"},
		{200, `{"success":true,"model":{"id":7,`, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "cut off"},
		{200, `{"success":true}`, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "does not say the number"},
		{200, `{"success":true,"model":{"id":7,"income":"a lot"}}`, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "does not say the number"},
		{200, `[1]`, acquiring.ErrProtocol, acquiring.OutcomeUnknown, ""},
		{200, `{"errors":["` + apiKey + ` token-of-the-day"]}`, acquiring.ErrInvalid, acquiring.OutcomeRejected, rest.Hidden},
	} {
		var asked atomic.Int32
		c := crm(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			says(test.status, test.body)(w, r)
		})
		_, err := c.PayCreate(context.Background(), income)
		require.ErrorIs(t, err, test.kind, test.body)
		assert.Equal(t, test.outcome, acquiring.OutcomeOf(err), test.body)
		assert.Contains(t, err.Error(), test.words, test.body)
		assert.NotContains(t, err.Error(), apiKey)
		assert.NotContains(t, err.Error(), "token-of-the-day")
		assert.EqualValues(t, 1, asked.Load(), "%s: nothing that may have been posted is sent again", test.body)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %v", c, c, c, c.conf), apiKey)
	}
}

func TestPayIsChecked(t *testing.T) {
	c := crm(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for _, change := range []func(*Pay){func(p *Pay) { p.CustomerID = 0 }, func(p *Pay) { p.PayAccountID = 0 }, func(p *Pay) { p.Income = 0 },
		func(p *Pay) { p.Income = -1 }, func(p *Pay) { p.Expenditure = 1 }} {
		p := income
		change(&p)
		_, err := c.PayCreate(context.Background(), p)
		require.ErrorIs(t, err, acquiring.ErrInvalid)
	}
}

// TestIndexIsWhole: a search shows all pages or fails; it never decides by half
// a list.
func TestIndexIsWhole(t *testing.T) {
	row := func(id int) string { return fmt.Sprintf(`{"id":%d,"customer_id":"2091","income":%d.5}`, id, id) }
	pages := func(total int, pages ...string) *Client {
		return crm(t, func(w http.ResponseWriter, r *http.Request) {
			var in struct {
				Page     int
				Customer int `json:"customer_id"`
			}
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&in))
			assert.Equal(t, 2091, in.Customer)
			items := ""
			if in.Page < len(pages) {
				items = pages[in.Page]
			}
			fmt.Fprintf(w, `{"total":%d,"count":2,"page":%d,"items":[%s]}`, total, in.Page, items)
		})
	}
	ask := func(c *Client) ([]Pay, error) { return c.PayIndex(context.Background(), 1, 2091, nil) }

	all, err := ask(pages(3, row(1)+","+row(2), row(3)))
	require.NoError(t, err)
	assert.Len(t, all, 3)
	assert.Equal(t, money.RUB(3, 50), all[2].Income)
	all, err = ask(pages(0))
	require.NoError(t, err)
	assert.Empty(t, all)
	all, err = ask(pages(3, row(1)+","+row(2), row(2)+","+row(3))) // one came meanwhile
	require.NoError(t, err)
	assert.Len(t, all, 3)
	all, err = ask(pages(2, row(1)+`,{"id":2,"customer_id":7,"income":"1.00"}`)) // the filter was passed over
	require.NoError(t, err)
	assert.Len(t, all, 1)

	for _, c := range []*Client{pages(5, row(1)+","+row(2)), pages(5), pages(1, `{"id":1,"customer_id":2091,"income":"a lot"}`)} {
		_, err = ask(c)
		require.ErrorIs(t, err, acquiring.ErrProtocol)
		assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err), "a search posts nothing")
	}
}

// FuzzAnswers: whatever comes, nothing panics and no sum is lost.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{`{"success":true,"model":{"id":1,"income":"3500.00"},"errors":[]}`, `{"errors":{"a":["b"]}}`, `{"total":1,"items":[{"id":"1","income":1.5}]}`,
		`{"items":[null]}`, `{"status":403}`, `[]`, ``, `{"errors":[[["x"]],{"y":null}]}`, `{"model":{"id":{}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = faults(body)
		var p page
		if json.Unmarshal(body, &p) == nil {
			for _, item := range p.Items {
				_, _ = readPay(item)
			}
		}
		var item map[string]json.RawMessage
		if json.Unmarshal(body, &item) == nil {
			pay, err := readPay(item)
			// What is read without a fault is what was written: a sum that
			// cannot be read must not pass for none.
			if err == nil && pay.Income == 0 {
				if sum := string(field(item, "income")); strings.Trim(sum, "0+-., ") != "" {
					t.Errorf("income %q was read as nothing", sum)
				}
			}
		}
	})
}
