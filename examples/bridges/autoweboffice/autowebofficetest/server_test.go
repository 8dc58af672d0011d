package autowebofficetest

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func server(t *testing.T, opts ...Option) *Server {
	t.Helper()
	clock := NewClock(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	s := NewServer(append([]Option{WithoutListening(), WithClock(clock)}, opts...)...)
	t.Cleanup(s.Close)
	return s
}

// ask makes a request by hand: the API as curl sees it.
func ask(t *testing.T, s *Server, method, query, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+"/?r=api/rest/"+query, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	}
	resp, err := s.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, strings.TrimSpace(string(b))
}

func TestInvoiceIsMarkedPaid(t *testing.T) {
	s := server(t)
	id := s.AddAccount(Account{Sum: money.RUB(50, 0), Contact: 301})
	n := strconv.Itoa(id)
	status, body := ask(t, s, "GET", "accounts&key="+DefaultGetKey+"&search[id_account]="+n, "")
	assert.Equal(t, 200, status)
	assert.Equal(t, `[{"account_sum":"50.00","creation_date":"2026-03-14 12:00:00","id_account":"5001","id_account_status":"1","id_contact":"301"}]`, body)

	status, body = ask(t, s, "PUT", "accounts&id="+n+"&id_account_status=5&key="+DefaultSetKey, "")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"id_account_status":"5"`)
	assert.Equal(t, StatusPaid, s.Account(id).Status)
	ask(t, s, "PUT", "accounts&id="+n+"&id_account_status=5&key="+DefaultSetKey, "")
	assert.Equal(t, []Change{{id, StatusCreated, StatusPaid}, {id, StatusPaid, StatusPaid}}, s.Changes())

	// Nothing guards a paid invoice: read before you write.
	ask(t, s, "PUT", "accounts&id="+n+"&id_account_status=2&key="+DefaultSetKey, "")
	assert.Equal(t, StatusRefused, s.Account(id).Status)
}

func TestKeys(t *testing.T) {
	s := server(t)
	id := strconv.Itoa(s.AddAccount(Account{Sum: money.RUB(50, 0)}))
	for name, c := range map[string]struct{ method, query string }{
		"none":              {"GET", "accounts"},
		"wrong":             {"GET", "accounts&key=guess"},
		"the other to read": {"GET", "accounts&key=" + DefaultSetKey},
		"the other to mark": {"PUT", "accounts&id=" + id + "&id_account_status=5&key=" + DefaultGetKey},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := ask(t, s, c.method, c.query, "")
			assert.Equal(t, 403, status)
			assert.Equal(t, `{"error":"Неверный ключ API"}`, body)
		})
	}
	assert.Empty(t, s.Changes())
	quiet := server(t, WithUnknowns(Unknowns{KeyStatus: 200, TextErrors: true}))
	status, body := ask(t, quiet, "GET", "accounts&key=guess", "")
	assert.Equal(t, 200, status)
	assert.Equal(t, "Error: Неверный ключ API", body)
	both := server(t, WithUnknowns(Unknowns{SetKeyReads: true}))
	status, body = ask(t, both, "GET", "accounts&key="+DefaultSetKey, "")
	assert.Equal(t, 200, status)
	assert.Equal(t, "[]", body)
}

// TestGluedDocuments: several objects are answered with several documents.
func TestGluedDocuments(t *testing.T) {
	s := server(t)
	body := `<?xml version="1.0"?><accounts><account><account_sum>50</account_sum><comment>Урок &amp; ещё</comment></account><account><account_sum>10.5</account_sum></account><account><account_sum>много</account_sum></account></accounts>`
	status, answer := ask(t, s, "POST", "accounts&key="+DefaultSetKey, body)
	assert.Equal(t, 200, status)
	assert.Equal(t, `{"account_sum":"50.00","comment":"Урок \u0026 ещё","creation_date":"2026-03-14 12:00:00","id_account":"5001","id_account_status":"1"}`+
		`{"account_sum":"10.50","creation_date":"2026-03-14 12:00:00","id_account":"5002","id_account_status":"1"}`+
		`{"error":"Неверная сумма счёта"}`, answer)
	assert.Equal(t, money.RUB(50, 0), s.Account(5001).Sum)

	status, _ = ask(t, s, "POST", "accounts&key="+DefaultSetKey, `<accounts><account><deep><er>1</er></deep></account></accounts>`)
	assert.Equal(t, 400, status)
	status, _ = ask(t, s, "POST", "accounts&key="+DefaultSetKey, `<accounts><account>`)
	assert.Equal(t, 400, status)
	resp, err := s.Client().Post(s.URL+"/?r=api/rest/accounts&key="+DefaultSetKey, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, 400, resp.StatusCode, "only text/xml")
}

func TestSearch(t *testing.T) {
	s := server(t)
	for i := range 5 {
		s.AddAccount(Account{Sum: money.RUB(int64(100-i), 0), Contact: 300 + i%2})
		s.Advance(24 * time.Hour)
	}
	ids := func(query string) string {
		_, body := ask(t, s, "GET", "accounts&key="+DefaultGetKey+query, "")
		var ids []string
		for _, part := range strings.Split(body, `"id_account":"`)[1:] {
			ids = append(ids, part[:4])
		}
		return strings.Join(ids, " ")
	}
	assert.Equal(t, "5001 5002 5003 5004 5005", ids(""))
	assert.Equal(t, "5002 5004", ids("&"+url.QueryEscape("search[id_contact]")+"=301"))
	assert.Equal(t, "5002 5003", ids("&search[creation_date_start]=2026-03-15&search[creation_date_end]=2026-03-16"))
	assert.Equal(t, "5005 5004", ids("&param[sort]=account_sum&param[pagesize]=2"))
	assert.Equal(t, "5003", ids("&param[sort]=id_account.desc&param[pagesize]=1&param[currentpage]=3"))
	assert.Equal(t, "5003", ids("&id=5003"))
	assert.Empty(t, ids("&search[nothing]=1"))
}

func TestOddities(t *testing.T) {
	s := server(t, WithSumField("summa"), WithUnknowns(Unknowns{SingleObject: true, EmptyReads404: true, PutIsSilent: true, WholeSums: true, MissingStatus: 400}))
	id := strconv.Itoa(s.AddAccount(Account{Sum: money.RUB(50, 0)}))
	_, body := ask(t, s, "GET", "accounts&key="+DefaultGetKey, "")
	assert.True(t, strings.HasPrefix(body, "{") && strings.Contains(body, `"summa":"50"`), body)
	status, _ := ask(t, s, "GET", "accounts&search[id_account]=1&key="+DefaultGetKey, "")
	assert.Equal(t, 400, status)
	status, body = ask(t, s, "PUT", "accounts&id="+id+"&id_account_status=5&key="+DefaultSetKey, "")
	assert.Equal(t, 200, status)
	assert.Empty(t, body)
	status, _ = ask(t, s, "PUT", "accounts&id="+id+"&id_account_status=6&key="+DefaultSetKey, "")
	assert.Equal(t, 400, status)
	status, _ = ask(t, s, "PUT", "accounts&id=1&id_account_status=5&key="+DefaultSetKey, "")
	assert.Equal(t, 400, status)
	status, _ = ask(t, s, "GET", "nothing&key="+DefaultGetKey, "")
	assert.Equal(t, 404, status)

	typed := server(t, WithUnknowns(Unknowns{Numbers: true, PutIsArray: true}))
	id = strconv.Itoa(typed.AddAccount(Account{Sum: money.RUB(50, 0), Fields: map[string]string{"phone": "+79161234567", "code": "007"}}))
	_, body = ask(t, typed, "PUT", "accounts&id="+id+"&id_account_status=5&key="+DefaultSetKey, "")
	assert.Contains(t, body, `"account_sum":50.00,"code":"007"`)
	assert.Contains(t, body, `"phone":"+79161234567"`)
	assert.True(t, strings.HasPrefix(body, "["))
}

// TestLostAnswer: the work is done, and nobody is told.
func TestLostAnswer(t *testing.T) {
	s := server(t)
	id := s.AddAccount(Account{Sum: money.RUB(50, 0)})
	s.Fail(Fault{Op: OpChangeAccount, Kind: LostAnswer})
	r, err := http.NewRequest("PUT", s.URL+"/?r=api/rest/accounts&id="+strconv.Itoa(id)+"&id_account_status=5&key="+DefaultSetKey, http.NoBody)
	require.NoError(t, err)
	_, err = s.Client().Do(r)
	require.Error(t, err)
	assert.Equal(t, StatusPaid, s.Account(id).Status)
	assert.Len(t, s.Changes(), 1)
}
