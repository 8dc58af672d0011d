package komtet

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

const taskURL = "https://kassa.komtet.ru/api/shop/v2/queues/70451/task"

func TestSubmit(t *testing.T) {
	c, s := client(t, nil, ok(file(t, "task_new_answer.json")))
	d, err := c.Submit(t.Context(), sale())
	require.NoError(t, err)
	assert.Equal(t, &fiscal.Document{ID: "9001", ReceiptID: "T-1001", Status: fiscal.DocumentQueued, Raw: []byte(file(t, "task_new_answer.json"))}, d)
	require.Len(t, s.sent, 1)
	assert.Equal(t, "POST "+taskURL, s.sent[0].method+" "+s.sent[0].url)
	assert.Equal(t, compact(t, file(t, "check_v2.json")), s.sent[0].body)
}

func TestSubmitV1(t *testing.T) {
	c, s := client(t, nil, ok(`{"id":9044,"external_id":"V1-77","print_queue_id":70451,"state":"new"}`))
	d, err := c.Submit(t.Context(), saleV1())
	require.NoError(t, err)
	assert.Equal(t, "9044", d.ID)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v1/queues/70451/task", s.sent[0].url)
	assert.JSONEq(t, file(t, "check_v1.json"), s.sent[0].body)
}

func TestGetDocument(t *testing.T) {
	var log strings.Builder
	c, s := client(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }, ok(file(t, "task_done_answer.json")))
	d, err := c.GetDocument(t.Context(), "9001")
	require.NoError(t, err)
	assert.Equal(t, "GET https://kassa.komtet.ru/api/shop/v2/tasks/9001", s.sent[0].method+" "+s.sent[0].url)
	msk := time.FixedZone("MSK", 3*60*60)
	assert.Equal(t, &fiscal.FiscalData{FN: "9960440300112233", FD: "4521", FP: "2718281828", Shift: 87, Number: 14, RegNumber: "0001234567012345",
		Time: time.Date(2026, 11, 20, 18, 7, 0, 0, msk), Total: money.RUB(1499, 90), Type: fiscal.Sale, URL: "https://kassa.komtet.ru/…"}, d.Fiscal)
	assert.Equal(t, fiscal.DocumentPrinted, d.Status)
	assert.Equal(t, "T-1001", d.ReceiptID)
	assert.False(t, d.Existed)
	assert.JSONEq(t, file(t, "task_done_answer.json"), string(d.Raw))
	assert.Contains(t, log.String(), "wrong kind of fiscal storage", "printed in earnest while testing")

	for _, id := range []string{"", "T-1001", "0", "-1", "+5", "9001/../1", "99999999999999999999"} {
		_, err := c.GetDocument(t.Context(), id)
		assert.ErrorIs(t, err, acquiring.ErrInvalid, id)
	}
}

func TestGetDocumentStates(t *testing.T) {
	for body, want := range map[string]fiscal.DocumentStatus{
		`{"id":9001,"state":"new"}`:                                    fiscal.DocumentQueued,
		`{"id":"9001","state":"processing","fiscal_data":[]}`:          fiscal.DocumentQueued,
		`{"id":9001,"state":"done","fiscal_data":{}}`:                  fiscal.DocumentPrinted,
		`{"id":9001,"state":"error","error_description":"Нет бумаги"}`: fiscal.DocumentFailed,
		`{"id":9001,"state":"asleep"}`:                                 fiscal.DocumentUnknown,
	} {
		c, _ := client(t, nil, ok(body))
		d, err := c.GetDocument(t.Context(), "9001")
		require.NoError(t, err, body)
		assert.Equal(t, want, d.Status, body)
		assert.Equal(t, want == fiscal.DocumentPrinted, d.Fiscal != nil)
		if want == fiscal.DocumentFailed {
			assert.Equal(t, &fiscal.DocumentFailure{Message: "Нет бумаги"}, d.Failure)
		}
	}
	// An answer about another task is none.
	c, _ := client(t, nil, ok(`{"id":9002,"state":"done"}`))
	_, err := c.GetDocument(t.Context(), "9001")
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
}

func TestGetDocumentLooksInBothVersions(t *testing.T) {
	missing := answer{status: 404, body: `{"title":"Нет","code":"X","description":""}`}
	c, s := client(t, nil, missing, ok(`{"id":9044,"external_id":"V1-77","state":"new"}`))
	d, err := c.GetDocument(t.Context(), "9044")
	require.NoError(t, err)
	assert.Equal(t, "V1-77", d.ReceiptID)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v1/tasks/9044", s.sent[1].url)

	c, _ = client(t, nil, missing, missing)
	_, err = c.GetDocument(t.Context(), "9044")
	e := asError(t, err)
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
	assert.Equal(t, acquiring.OutcomeRejected, e.Outcome)

	c, _ = client(t, func(c *Config) { c.API = APIv1 }, missing)
	_, err = c.GetDocument(t.Context(), "9044")
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
}

func TestSubmitTwiceIsTheFirstDocument(t *testing.T) {
	c, s := client(t, nil, answer{status: 422, body: file(t, "duplicate_answer.json")}, ok(file(t, "task_done_answer.json")))
	d, err := c.Submit(t.Context(), sale())
	require.NoError(t, err)
	assert.Equal(t, "9001", d.ID)
	assert.True(t, d.Existed)
	assert.Equal(t, fiscal.DocumentPrinted, d.Status)
	assert.Equal(t, money.RUB(1499, 90), d.Fiscal.Total)
	assert.Len(t, s.sent, 2)
}

// A lost answer: the request is sent again by itself, and the task that the
// first one made is the document.
func TestSubmitAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := client(t, nil, answer{err: io.ErrUnexpectedEOF}, answer{status: 422, body: file(t, "duplicate_answer.json")},
			ok(`{"id":9001,"external_id":"T-1001","state":"processing"}`))
		d, err := c.Submit(t.Context(), sale())
		require.NoError(t, err)
		assert.True(t, d.Existed)
		assert.Equal(t, fiscal.DocumentQueued, d.Status)
		assert.Equal(t, s.sent[0], s.sent[1], "the very same request")
	})
}

// After a lost answer a refusal is of the second request alone: the first may
// have been accepted.
func TestSubmitRefusedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, second := range []answer{{status: 403, body: `{"code":"AUT00","title":"Ошибка авторизации"}`}, {status: 400}, {status: 403, body: "<html>blocked"},
			{status: 422, body: `{"code":"VLD05","title":"Ошибка"}`}} {
			c, _ := client(t, nil, answer{err: io.ErrUnexpectedEOF}, second)
			_, err := c.Submit(t.Context(), sale())
			e := asError(t, err)
			assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome, second.status)
			assert.Contains(t, e.Hint, "submit the same receipt again", second.status)
		}
	})
}

// The same across calls: the first Submit gives up not knowing, the second
// finds out.
func TestSubmitAgainAfterUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := answer{status: 502, body: "<html>Bad Gateway</html>"}
		c, _ := client(t, nil, broken, broken, broken, answer{status: 422, body: file(t, "duplicate_answer.json")}, ok(file(t, "task_done_answer.json")))
		_, err := c.Submit(t.Context(), sale())
		e := asError(t, err)
		assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
		assert.ErrorIs(t, err, acquiring.ErrUnavailable)
		assert.Contains(t, e.Hint, "submit the same receipt again")
		d, err := c.Submit(t.Context(), sale())
		require.NoError(t, err)
		assert.Equal(t, "9001", d.ID)
	})
}

func TestDuplicateWhoseTaskCannotBeReadNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := answer{status: 503}
		c, _ := client(t, nil, answer{status: 422, body: file(t, "duplicate_answer.json")}, broken, broken, broken)
		d, err := c.Submit(t.Context(), sale())
		require.NoError(t, err)
		assert.Equal(t, "9001", d.ID)
		assert.True(t, d.Existed)
		assert.Equal(t, fiscal.DocumentQueued, d.Status, "asked again later, it says what was printed")
		assert.Nil(t, d.Fiscal)
	})
}

// Whatever the service answers about the task that it named itself: the number
// is taken, and a refusal of the question is none of the receipt.
func TestDuplicateWhoseTaskIsRefused(t *testing.T) {
	for _, look := range []answer{{status: 403, body: `{"code":"AUT00","title":"Ошибка авторизации"}`}, {status: 400}, {status: 405}, {status: 302}, ok(`<html>`), ok(`{"id":9002}`)} {
		c, _ := client(t, nil, answer{status: 422, body: file(t, "duplicate_answer.json")}, look)
		d, err := c.Submit(t.Context(), sale())
		require.NoError(t, err, look.status)
		assert.Equal(t, "9001", d.ID)
		assert.True(t, d.Existed)
		assert.Equal(t, fiscal.DocumentQueued, d.Status)
	}
}

func TestDuplicateWithoutTask(t *testing.T) {
	for _, body := range []string{
		`{"title":"Чек с внешнем идентификатором T-1001 существует","code":"VLD11","description":"Проверьте."}`,
		`{"title":"Чек","code":"VLD11","description":"","task":null}`,
		`{"title":"Чек","code":"VLD11","description":"","task":[]}`,
		`{"title":"Чек","code":"VLD11","description":"","task":{"id":0}}`,
	} {
		c, _ := client(t, nil, answer{status: 422, body: body})
		_, err := c.Submit(t.Context(), sale())
		e := asError(t, err)
		assert.ErrorIs(t, err, acquiring.ErrDuplicate)
		assert.Equal(t, CodeDuplicate, e.Code)
		assert.NotEmpty(t, e.Hint)
		var there *Existing
		assert.False(t, errors.As(err, &there))
	}
}

// A return submitted under its sale's number is not the sale's document.
func TestNumberOfAnotherDocument(t *testing.T) {
	back := sale()
	back.Type = fiscal.SaleReturn
	part := sale()
	part.Lines = part.Lines[:1]
	for _, r := range []fiscal.Receipt{back, part} {
		c, _ := client(t, nil, answer{status: 422, body: file(t, "duplicate_answer.json")}, ok(file(t, "task_done_answer.json")))
		_, err := c.Submit(t.Context(), r)
		e := asError(t, err)
		assert.ErrorIs(t, err, acquiring.ErrConflict)
		assert.Equal(t, "id", e.Field)
		assert.Contains(t, e.Hint, "number of its own")
	}
	// Tasks that are not about this receipt at all.
	foreign := `{"code":"VLD11","title":"x","task":{"id":9001,"external_id":"T-9","state":"done"}}`
	c, _ := client(t, nil, answer{status: 422, body: foreign})
	_, err := c.Submit(t.Context(), sale())
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
	c, _ = client(t, nil, answer{status: 422, body: file(t, "duplicate_answer.json")}, ok(`{"id":9001,"external_id":"T-9","state":"done"}`))
	_, err = c.Submit(t.Context(), sale())
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
}

func TestDuplicateOfAFailedDocument(t *testing.T) {
	c, _ := client(t, nil, answer{status: 422, body: file(t, "duplicate_answer.json")},
		ok(`{"id":9001,"external_id":"T-1001","state":"error","error_description":"Код маркировки не прошёл проверку"}`))
	d, err := c.Submit(t.Context(), sale())
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentFailed, d.Status)
	assert.Equal(t, "Код маркировки не прошёл проверку", d.Failure.Message)
	assert.True(t, d.Existed)
}

// Section 9: each failure has its kind, its outcome and its advice.
func TestErrors(t *testing.T) {
	for name, row := range map[string]struct {
		answer  answer
		kind    error
		outcome acquiring.Outcome
		code    string
		hint    string
	}{
		"wrong key": {answer{status: 403, body: `{"title":"Ошибка авторизации","description":"Проверьте правильность написания идентификатора магазина и его секрета","code":"AUT00"}`},
			acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "AUT00", "Config.Secret"},
		"bare 403":  {answer{status: 403, body: "Forbidden"}, acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "", "Config.ShopID"},
		"no queue":  {answer{status: 404, body: "<html><body>Not Found</body></html>"}, acquiring.ErrNotFound, acquiring.OutcomeRejected, "", "number of the queue"},
		"redirect":  {answer{status: 301, header: http.Header{"Location": {"https://kassa.komtet.ru/"}}}, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "Config.BaseURL"},
		"refused":   {answer{status: 422, body: `{"title":"Ошибка","code":"VLD03","description":"Поле vat"}`}, acquiring.ErrInvalid, acquiring.OutcomeRejected, "VLD03", "correct the receipt"},
		"marking":   {answer{status: 422, body: `{"title":"Ошибка кода маркировки","code":"VLD30","description":"Неверный КМ"}`}, acquiring.ErrInvalid, acquiring.OutcomeRejected, "VLD30", "group separators"},
		"odd code":  {answer{status: 422, body: `{"title":"Ошибка","code":12,"description":null}`}, acquiring.ErrInvalid, acquiring.OutcomeRejected, "12", ""},
		"created":   {answer{status: 201, body: `{"id":1}`}, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", ""},
		"web page":  {ok("<html>maintenance</html>"), acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", ""},
		"cut":       {ok(`{"id":9001,"external_id":"T-`), acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", ""},
		"empty":     {ok(""), acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", ""},
		"no task":   {ok(`{}`), acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", ""},
		"another's": {ok(`{"id":5,"external_id":"T-9"}`), acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := client(t, nil, row.answer)
			_, err := c.Submit(t.Context(), sale())
			e := asError(t, err)
			assert.ErrorIs(t, err, row.kind)
			assert.Equal(t, row.outcome, e.Outcome, err)
			assert.Equal(t, row.code, e.Code)
			assert.Contains(t, e.Hint, row.hint)
			if row.hint != "" {
				assert.NotEmpty(t, e.Hint)
			}
			assert.Len(t, s.sent, 1, "not repeated")
		})
	}
}

// A full queue and a broken service say when to come again; the client waits
// as long as it may and then says so.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := func(status int, after string) answer {
			return answer{status: status, body: `{"title":"Очередь переполнена","code":"QUE01","description":"Повторите позже"}`, header: http.Header{"Retry-After": {after}}}
		}
		c, _ := client(t, nil, wait(503, "7"), ok(file(t, "task_new_answer.json")))
		start := time.Now()
		_, err := c.Submit(t.Context(), sale())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(start), 7*time.Second)

		for _, status := range []int{429, 503} {
			c, s := client(t, nil, wait(status, "120"))
			_, err = c.Submit(t.Context(), sale())
			e := asError(t, err)
			assert.Equal(t, 2*time.Minute, e.RetryAfter)
			assert.Equal(t, "QUE01", e.Code)
			assert.Contains(t, e.Message, "переполнена")
			assert.Contains(t, e.Hint, "wait")
			assert.True(t, acquiring.Temporary(err))
			assert.Len(t, s.sent, 1, "two minutes are the caller's to plan")
		}
	})
}

func TestServerFailureSaysItsCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := answer{status: 500, body: `{"title":"Внутренняя ошибка","code":"SRV01","description":""}`}
		c, _ := client(t, nil, broken, broken, broken)
		_, err := c.Submit(t.Context(), sale())
		e := asError(t, err)
		assert.Equal(t, "SRV01", e.Code)
		assert.Equal(t, "Внутренняя ошибка", e.Message)
		assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
	})
}

func TestTaskErr(t *testing.T) {
	for text, hint := range map[string]string{"Нет бумаги": "T-1-r2", "Ошибка проверки кода Маркировки": "group separators"} {
		err := (&Task{ID: 5, ExternalID: TextID("T-1"), State: TaskError, ErrorDescription: Text(text)}).Err()
		e := asError(t, err)
		assert.ErrorIs(t, err, acquiring.ErrDeclined)
		assert.Equal(t, text, e.Message)
		assert.Contains(t, e.Hint, hint)
	}
	assert.NoError(t, (&Task{State: TaskDone}).Err())
}

func TestCheck(t *testing.T) {
	c, _ := client(t, nil, ok(file(t, "queue_answer.json")), ok(`{"state":"passive"}`), answer{status: 403})
	require.NoError(t, c.Check(t.Context()))
	err := c.Check(t.Context())
	e := asError(t, err)
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.Contains(t, e.Hint, "switch the register on")
	assert.ErrorIs(t, c.Check(t.Context()), acquiring.ErrUnauthorized)
}

func numbered(r fiscal.Receipt, id string) fiscal.Receipt { r.ID = id; return r }

func TestSubmitAll(t *testing.T) {
	c, s := client(t, nil, ok(`{"id":9044,"external_id":"V1-77","state":"new"}`), ok(file(t, "tasks_answer.json")))
	docs, err := c.SubmitAll(t.Context(), []fiscal.Receipt{numbered(sale(), "T-2002"), saleV1(), numbered(sale(), "T-2001")})
	require.NoError(t, err)
	assert.Equal(t, []string{"9011", "9044", "9010"}, []string{docs[0].ID, docs[1].ID, docs[2].ID})
	assert.Equal(t, "T-2002", docs[0].ReceiptID)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v1/queues/70451/task", s.sent[0].url, "one receipt is no batch")
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v2/queues/70451/multi-tasks", s.sent[1].url)
	one := strings.Replace(compact(t, file(t, "check_v2.json")), "T-1001", "T-2002", 1)
	assert.Equal(t, "["+one+","+strings.Replace(one, "T-2002", "T-2001", 1)+"]", s.sent[1].body)

	docs, err = c.SubmitAll(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, docs)
}

// One of the batch is there already: then they go one by one.
func TestSubmitAllWithADuplicate(t *testing.T) {
	duplicate := answer{status: 422, body: file(t, "duplicate_answer.json")}
	c, s := client(t, nil, duplicate, duplicate, ok(file(t, "task_done_answer.json")), ok(`{"id":9011,"external_id":"T-2002","state":"new"}`),
		answer{status: 422, body: `{"title":"Ошибка","code":"VLD03","description":"x"}`})
	docs, err := c.SubmitAll(t.Context(), []fiscal.Receipt{sale(), numbered(sale(), "T-2002"), numbered(sale(), "T-2003")})
	e := asError(t, err)
	assert.Equal(t, "VLD03", e.Code)
	assert.Contains(t, e.Message, "receipts[2]")
	assert.Equal(t, "9001", docs[0].ID)
	assert.True(t, docs[0].Existed)
	assert.Equal(t, "9011", docs[1].ID)
	assert.Nil(t, docs[2])
	assert.Len(t, s.sent, 5)
}

func TestSubmitAllFails(t *testing.T) {
	c, s := client(t, nil, answer{status: 403})
	bad := sale()
	bad.Lines = nil
	_, err := c.SubmitAll(t.Context(), []fiscal.Receipt{sale(), bad})
	assert.Equal(t, "receipts[1].items", asError(t, err).Field)
	assert.Empty(t, s.sent)
	_, err = c.SubmitAll(t.Context(), []fiscal.Receipt{sale(), numbered(sale(), "T-2")})
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.Len(t, s.sent, 1)

	synctest.Test(t, func(t *testing.T) {
		lost := answer{err: io.ErrUnexpectedEOF}
		c, s := client(t, nil, lost, lost, lost, lost)
		docs, err := c.SubmitAll(t.Context(), []fiscal.Receipt{sale(), numbered(sale(), "T-2")})
		assert.ErrorIs(t, err, acquiring.ErrUnavailable)
		assert.Equal(t, acquiring.OutcomeUnknown, asError(t, err).Outcome)
		assert.Equal(t, []*fiscal.Document{nil, nil}, docs)
		assert.Len(t, s.sent, 4, "the batch once, the first receipt three times, the second not at all")
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, _ = client(t, nil)
	_, err = c.SubmitAll(ctx, []fiscal.Receipt{sale(), numbered(sale(), "T-2")})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestFiscalDataIsReadLeniently(t *testing.T) {
	var f FiscalData
	require.Error(t, f.UnmarshalJSON([]byte(`[1]`)))
	c, _ := client(t, func(c *Config) { c.Location = time.UTC },
		ok(`{"id":1,"state":"done","fiscal_data":{"i":4521,"fn":9999078900001234,"t":"20261120T180742","n":"2","fp":12,"s":1499.9,"sh":1,"shn":null}}`),
		ok(`{"id":1,"state":"done","fiscal_data":{"i":"1","fn":"2","t":"3333333333333","n":9,"s":"x"}}`))
	d, err := c.GetDocument(t.Context(), "1")
	require.NoError(t, err)
	assert.Equal(t, &fiscal.FiscalData{FN: "9999078900001234", FD: "4521", FP: "12", Shift: 1, Time: time.Date(2026, 11, 20, 18, 7, 42, 0, time.UTC),
		Total: money.RUB(1499, 90), Type: fiscal.SaleReturn}, d.Fiscal)
	d, err = c.GetDocument(t.Context(), "1")
	require.NoError(t, err)
	assert.Equal(t, &fiscal.FiscalData{FN: "2", FD: "1"}, d.Fiscal)
}
