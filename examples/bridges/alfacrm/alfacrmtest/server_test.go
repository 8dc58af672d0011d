package alfacrmtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

var start = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// ask posts a document by hand: the API as curl sees it.
func ask(t *testing.T, s *Server, path, token, body string) (int, object) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.URL+path, bytes.NewBufferString(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("X-ALFACRM-TOKEN", token)
	}
	resp, err := s.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var out object
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	_ = dec.Decode(&out)
	return resp.StatusCode, out
}

func login(t *testing.T, s *Server) string {
	t.Helper()
	status, out := ask(t, s, "/v2api/auth/login", "", `{"email":"`+DefaultEmail+`","api_key":"`+DefaultAPIKey+`"}`)
	require.Equal(t, 200, status)
	return out["token"].(string)
}

func server(t *testing.T, opts ...Option) *Server {
	t.Helper()
	s := NewServer(append([]Option{WithoutListening(), WithSeed(7), WithClock(NewClock(start))}, opts...)...)
	t.Cleanup(s.Close)
	return s
}

// published is the example of the API's description, with its own values.
const published = `{"branch_id":1,"customer_id":2091,"pay_type_id":1,"pay_account_id":4,"pay_item_id":2,"document_date":"14.03.2026","income":"3500.00","payer_name":"Иванова А.","note":"Оплата картой, заказ 10747, mdOrder 70906e55-7114-41d6-8332-4609dc6590f4","is_confirmed":1}`

func TestIncomeIsPosted(t *testing.T) {
	s := server(t)
	token := login(t, s)
	status, out := ask(t, s, "/v2api/1/pay/create", token, published)
	require.Equal(t, 200, status)
	assert.Equal(t, true, out["success"])
	assert.Equal(t, []any{}, out["errors"])
	model := out["model"].(map[string]any)
	assert.Equal(t, "3500.00", model["income"], "sums are text")
	assert.Equal(t, "14.03.2026", model["document_date"])
	assert.Equal(t, money.RUB(3500, 0), s.Balance(DefaultCustomer))

	// No idempotency: the same again is another payment.
	_, again := ask(t, s, "/v2api/1/pay/create", token, published)
	assert.NotEqual(t, model["id"], again["model"].(map[string]any)["id"])
	assert.Equal(t, money.RUB(7000, 0), s.Balance(DefaultCustomer))

	_, list := ask(t, s, "/v2api/1/pay/index", token, `{"customer_id":2091,"page":0}`)
	assert.Equal(t, json.Number("2"), list["total"])
	refund := `{"branch_id":1,"customer_id":2091,"pay_type_id":3,"pay_account_id":4,"pay_item_id":2,"document_date":"15.03.2026","expenditure":500.5,"note":"Возврат"}`
	_, out = ask(t, s, "/v2api/1/pay/create", token, refund)
	require.Equal(t, true, out["success"], out)
	assert.Equal(t, money.RUB(6499, 50), s.Balance(DefaultCustomer))
	assert.Equal(t, money.RUB(500, 50), s.Pays()[2].Expenditure)
}

func TestTokensGrowOld(t *testing.T) {
	s := server(t)
	token := login(t, s)
	s.Advance(15*time.Minute - time.Second)
	status, _ := ask(t, s, "/v2api/1/customer/index", token, `{}`)
	assert.Equal(t, 200, status)
	s.Advance(time.Second)
	status, out := ask(t, s, "/v2api/1/customer/index", token, `{}`)
	assert.Equal(t, 401, status)
	assert.NotContains(t, out, "items")
	status, _ = ask(t, s, "/v2api/1/customer/index", "", `{}`)
	assert.Equal(t, 401, status)
	login(t, s)
	assert.Equal(t, 2, s.Logins())

	one := server(t, WithUnknowns(Unknowns{OneToken: true, TokenStatus: 403}))
	first := login(t, one)
	login(t, one)
	status, _ = ask(t, one, "/v2api/1/customer/index", first, `{}`)
	assert.Equal(t, 403, status)
}

func TestAccessDenied(t *testing.T) {
	s := server(t)
	status, _ := ask(t, s, "/v2api/auth/login", "", `{"email":"`+DefaultEmail+`","api_key":"wrong"}`)
	assert.Equal(t, 403, status)
	status, out := ask(t, s, "/v2api/9/customer/index", login(t, s), `{}`)
	assert.Equal(t, 403, status)
	assert.Equal(t, "Access Denied", out["message"])

	closed := server(t, WithUser(User{Email: DefaultEmail, APIKey: DefaultAPIKey, NoAPI: true}))
	status, out = ask(t, closed, "/v2api/1/pay/create", login(t, closed), published)
	assert.Equal(t, 403, status)
	assert.Equal(t, "Access Denied", out["message"])
	assert.Empty(t, closed.Pays())

	quiet := server(t, WithUser(User{Email: DefaultEmail, APIKey: DefaultAPIKey, NoAPI: true}), WithUnknowns(Unknowns{DeniedAs200: true}))
	status, out = ask(t, quiet, "/v2api/1/pay/create", login(t, quiet), published)
	assert.Equal(t, 200, status)
	assert.Equal(t, map[string]any{"access": []any{"Access Denied"}}, out["errors"])
}

// TestRefusalsComeWith200: the fields are refused, and only the body says so.
func TestRefusalsComeWith200(t *testing.T) {
	s := server(t)
	token := login(t, s)
	for name, c := range map[string]struct{ body, field string }{
		"another branch":   {`{"branch_id":2,"customer_id":2091,"pay_type_id":1,"pay_account_id":4,"document_date":"14.03.2026","income":"1.00"}`, "branch_id"},
		"unknown customer": {`{"branch_id":1,"customer_id":1,"pay_type_id":1,"pay_account_id":4,"document_date":"14.03.2026","income":"1.00"}`, "customer_id"},
		"ISO date":         {`{"branch_id":1,"customer_id":2091,"pay_type_id":1,"pay_account_id":4,"document_date":"2026-03-14","income":"1.00"}`, "document_date"},
		"no desk":          {`{"branch_id":1,"customer_id":2091,"pay_type_id":1,"document_date":"14.03.2026","income":"1.00"}`, "pay_account_id"},
		"unknown article":  {`{"branch_id":1,"customer_id":2091,"pay_type_id":1,"pay_account_id":4,"pay_item_id":77,"document_date":"14.03.2026","income":"1.00"}`, "pay_item_id"},
		"nothing":          {`{"branch_id":1,"customer_id":2091,"pay_type_id":1,"pay_account_id":4,"document_date":"14.03.2026","income":"0"}`, "income"},
		"a third decimal":  {`{"branch_id":1,"customer_id":2091,"pay_type_id":1,"pay_account_id":4,"document_date":"14.03.2026","income":1.001}`, "income"},
		"income of refund": {`{"branch_id":1,"customer_id":2091,"pay_type_id":3,"pay_account_id":4,"document_date":"14.03.2026","income":"1.00"}`, "expenditure"},
		"unknown type":     {`{"branch_id":1,"customer_id":2091,"pay_type_id":4,"pay_account_id":4,"document_date":"14.03.2026","income":"1.00"}`, "pay_type_id"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out := ask(t, s, "/v2api/1/pay/create", token, c.body)
			assert.Equal(t, 200, status)
			assert.Equal(t, false, out["success"])
			assert.Contains(t, out["errors"], c.field)
		})
	}
	assert.Empty(t, s.Pays())

	other := server(t, WithUnknowns(Unknowns{InvalidStatus: 400, ErrorsAsList: true, NoSuccess: true}))
	status, out := ask(t, other, "/v2api/1/pay/create", login(t, other), `{}`)
	assert.Equal(t, 400, status)
	assert.IsType(t, []any{}, out["errors"])
	assert.NotContains(t, out, "success")
	html := server(t, WithUnknowns(Unknowns{HTMLErrors: true}))
	status, out = ask(t, html, "/v2api/1/pay/create", "", `{}`)
	assert.Equal(t, 401, status)
	assert.Nil(t, out)
}

func TestPages(t *testing.T) {
	s := server(t, WithPageSize(2, 3))
	token := login(t, s)
	for i := range 5 {
		s.AddPay(Pay{Branch: 1, Customer: DefaultCustomer, Type: TypeIncome, CashDesk: DefaultCashDesk, Date: "0" + strconv.Itoa(i+1) + ".03.2026", Income: money.RUB(int64(i), 0)})
	}
	ids := func(body, query string) (out []string) {
		_, list := ask(t, s, "/v2api/1/pay/index"+query, token, body)
		for _, item := range list["items"].([]any) {
			out = append(out, item.(map[string]any)["id"].(json.Number).String())
		}
		return out
	}
	assert.Equal(t, []string{"7405", "7404"}, ids(`{}`, ""))
	assert.Equal(t, []string{"7403", "7402"}, ids(`{"page":1}`, ""))
	assert.Equal(t, []string{"7401"}, ids(`{"page":2}`, ""))
	assert.Empty(t, ids(`{"page":3}`, ""))
	assert.Equal(t, []string{"7405", "7404", "7403"}, ids(`{}`, "?per-page=100"))
	assert.Equal(t, []string{"7404", "7403"}, ids(`{"document_date_from":"03.03.2026","document_date_to":"04.03.2026"}`, ""))
	assert.Empty(t, ids(`{"customer_id":1}`, ""))
	assert.Equal(t, []string{"7402"}, ids(`{"id":"7402"}`, ""))
	_, list := ask(t, s, "/v2api/1/pay-item/index", token, `{}`)
	assert.Equal(t, "Оплата занятий", list["items"].([]any)[0].(map[string]any)["name"])
}

func TestCustomersAreFound(t *testing.T) {
	s := server(t, WithCustomer(Customer{ID: 1, Name: "А", Phones: []string{"89160000001"}}), WithCustomer(Customer{ID: 2, Lead: true}), WithCustomer(Customer{ID: 3, Removed: true}))
	token := login(t, s)
	total := func(body string) string {
		_, list := ask(t, s, "/v2api/1/customer/index", token, body)
		return list["total"].(json.Number).String()
	}
	assert.Equal(t, "1", total(`{}`), "neither who only asked nor who left")
	assert.Equal(t, "1", total(`{"phone":"+7 (916) 000-00-01"}`))
	assert.Equal(t, "0", total(`{"phone":"+79160000009"}`))
	assert.Equal(t, "1", total(`{"is_study":0}`))
	assert.Equal(t, "2", total(`{"removed":1}`))
	assert.Equal(t, "1", total(`{"removed":2}`))
}

func TestUpdate(t *testing.T) {
	s := server(t)
	token := login(t, s)
	_, out := ask(t, s, "/v2api/1/pay/create", token, `{"branch_id":1,"customer_id":2091,"pay_type_id":1,"pay_account_id":4,"document_date":"14.03.2026","income":"10","is_confirmed":0,"custom_md_order":"70906e55"}`)
	id := out["model"].(map[string]any)["id"].(json.Number).String()
	assert.Zero(t, s.Balance(DefaultCustomer), "not confirmed")
	_, out = ask(t, s, "/v2api/1/pay/update?id="+id, token, `{"is_confirmed":1,"note":"да"}`)
	assert.Equal(t, true, out["success"])
	assert.Equal(t, money.RUB(10, 0), s.Balance(DefaultCustomer))
	assert.Equal(t, map[string]string{"custom_md_order": "70906e55"}, s.Pays()[0].Custom)
	status, _ := ask(t, s, "/v2api/1/pay/update?id=1", token, `{"note":"нет"}`)
	assert.Equal(t, 404, status)
}

// TestLostAnswer: the work is done, and nobody is told.
func TestLostAnswer(t *testing.T) {
	s := server(t)
	token := login(t, s)
	s.Fail(Fault{Op: OpPayCreate, Kind: LostAnswer})
	r, err := http.NewRequest(http.MethodPost, s.URL+"/v2api/1/pay/create", bytes.NewBufferString(published))
	require.NoError(t, err)
	r.Header.Set("X-ALFACRM-TOKEN", token)
	_, err = s.Client().Do(r)
	require.Error(t, err)
	assert.Len(t, s.Pays(), 1)
}

func TestOneAtATime(t *testing.T) {
	s := server(t, WithOneAtATime(20*time.Millisecond))
	token := login(t, s)
	var wg sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		wg.Go(func() { statuses[i], _ = ask(t, s, "/v2api/1/pay-account/index", token, `{}`) })
	}
	wg.Wait()
	assert.Contains(t, statuses, 200)
	assert.Contains(t, statuses, 429)
	assert.Positive(t, s.Overlaps())
	status, _ := ask(t, s, "/v2api/1/pay-account/index", token, `{}`)
	assert.Equal(t, 200, status)
}
