package orangedata_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/money"
)

// The protocol's corrections and receipts are posted as they stand there.
func TestPostsOfTheProtocol(t *testing.T) {
	s := newService(t, answer{status: 201}, answer{status: 201}, answer{status: 201}, answer{status: 200})
	c := s.client()
	var correction orangedata.CorrectionRequest
	require.NoError(t, json.Unmarshal(file(t, "correction_105.json"), &correction))
	require.NoError(t, c.CreateCorrection(t.Context(), correction))
	var fix, marked orangedata.DocumentRequest
	require.NoError(t, json.Unmarshal(file(t, "correction_12.json"), &fix))
	require.NoError(t, c.CreateCorrection12(t.Context(), fix))
	require.NoError(t, json.Unmarshal(file(t, "document_marked.json"), &marked))
	require.NoError(t, c.CreateDocument(t.Context(), marked))
	require.NoError(t, c.ValidateDocument(t.Context(), marked))
	for i, want := range []struct{ path, file string }{
		{"/api/v2/corrections/", "correction_105.json"}, {"/api/v2/correction12/", "correction_12.json"},
		{"/api/v2/documents/", "document_marked.json"}, {"/api/v2/validateDocument", "document_marked.json"},
	} {
		got := s.requests()[i]
		assert.Equal(t, want.path, got.Path)
		assert.Equal(t, values(t, file(t, want.file)), values(t, []byte(got.Body)), want.file)
	}
}

func TestStatusDone(t *testing.T) {
	s := newService(t, answer{status: 200, body: string(file(t, "status_200.json"))})
	st, err := s.client().DocumentStatus(t.Context(), "shop-1001-sale")
	require.NoError(t, err)
	assert.Equal(t, []seen{{http.MethodGet, "/api/v2/documents/7801234564/status/shop-1001-sale", ""}}, s.requests())
	require.Equal(t, orangedata.StateDone, st.State)
	require.NoError(t, st.Err())
	p := st.Printed
	require.NoError(t, p.ContentErr)
	assert.Equal(t, "7801234564", p.OFDINN, "ofdinn in lower case is read")
	assert.Equal(t, "2718281828", p.FP, "above the largest int32")
	assert.Equal(t, int64(731), p.DocumentNumber)
	assert.Equal(t, int64(12), p.ShiftNumber)
	assert.Equal(t, int64(5), p.DocumentIndex)
	assert.Equal(t, money.Amount(29980), p.Total())
	assert.Zero(t, p.Change)
	assert.Equal(t, "https://shop.example.org/od/cb", p.CallbackURL)
	assert.Equal(t, time.Date(2026, 11, 21, 11, 3, 0, 0, time.UTC), p.Time(now.Location()).UTC())
	vat, ok := p.Content.Positions[0].Rate(p.Content.UseTax20, now)
	assert.True(t, ok)
	assert.Equal(t, fiscal.VAT22, vat)
	assert.JSONEq(t, string(file(t, "status_200.json")), string(st.Raw))
}

// Members come as other services of the same protocol write them too: in other
// letters, numbers as text and text as numbers, a zone in the time, a zone of
// the document.
func TestStatusTolerant(t *testing.T) {
	body := `{"ID":"a","DeviceSN":42,"fsnumber":"9999078900004242","OFDINN":7801234564,"documentNumber":"731","ShiftNumber":12.0,"documentIndex":5,
	"processedAt":"2026-11-21T14:03:00.123","content":{"type":1,"timeZone":9,"positions":[{"price":"12.34","tax":6,"text":"Спички"},{"quantity":1.50000,"price":10,"tax":6,"text":"x","new":{}}],
	"checkClose":{"payments":[{"type":1,"amount":50.0}]}},"change":22.66,"fp":301645583,"futureMember":[1]}`
	s := newService(t, answer{status: 200, body: body})
	st, err := s.client().DocumentStatus(t.Context(), "a")
	require.NoError(t, err)
	p := st.Printed
	require.NoError(t, p.ContentErr)
	assert.Equal(t, "42", p.DeviceSN)
	assert.Equal(t, "301645583", p.FP)
	assert.Equal(t, money.Amount(2734), p.Total(), "a line without a quantity is one piece")
	assert.Equal(t, money.Amount(2266), p.Change, "as the service says")
	_, offset := p.Time(now.Location()).Zone()
	assert.Equal(t, 10*60*60, offset, "zone 9 is UTC+10")
}

// An echo that cannot be read does not hide the fiscal data; an answer without
// fiscal data, about another document, or none at all is not believed.
func TestStatusOddAnswers(t *testing.T) {
	good := `{"id":"a","fsNumber":"9999","documentNumber":1,"fp":"1","content":%s}`
	s := newService(t, answer{status: 200, body: strings.Replace(good, "%s", `{"type":"?"}`, 1)}, answer{status: 200, body: strings.Replace(good, "%s", "null", 1)})
	c := s.client()
	st, err := c.DocumentStatus(t.Context(), "a")
	require.NoError(t, err)
	assert.Error(t, st.Printed.ContentErr)
	assert.Zero(t, st.Printed.Total())
	st, err = c.DocumentStatus(t.Context(), "a")
	require.NoError(t, err)
	assert.Nil(t, st.Printed.Content)

	for name, body := range map[string]string{
		"empty": "", "page": "<html>maintenance</html>", "cut": `{"id":"a","fs`, "another document": `{"id":"b","fsNumber":"9999","documentNumber":1,"fp":"1"}`,
		"no fiscal sign": `{"id":"a","fsNumber":"9999","documentNumber":1}`, "an array": `[]`, "two documents": `{} {}`, "number of lines": `{"id":"a","fsNumber":"9","documentNumber":1.5,"fp":"1"}`,
	} {
		s := newService(t, answer{status: 200, body: body})
		_, err := s.client().DocumentStatus(t.Context(), "a")
		assert.ErrorIs(t, err, acquiring.ErrProtocol, name)
	}
	s = newService(t, answer{status: 202, body: "<html>maintenance"}, answer{status: 200, body: "<html>maintenance"})
	c = s.client()
	_, err = c.DocumentStatus(t.Context(), "a")
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
	assert.ErrorIs(t, c.Check(t.Context()), acquiring.ErrProtocol)
	for _, status := range []int{204, 302, 418} {
		s := newService(t, answer{status: status})
		_, err := s.client().DocumentStatus(t.Context(), "a")
		assert.Error(t, err, status)
	}
}

// Three outcomes besides done: pending, and two final refusals. A client that
// gives the same for all is polled for ever.
func TestStatusOthers(t *testing.T) {
	s := newService(t, answer{status: 202}, answer{status: 524}, answer{status: 422, body: string(file(t, "status_422.json"))},
		answer{status: 422, body: `{"errors":` + string(file(t, "status_422.json")) + `}`}, answer{status: 422}, answer{status: 422, body: `{"errors":["нет"]}`}, answer{status: 422, body: "{}"}, answer{status: 422, body: "x"})
	c := s.client(func(c *orangedata.Config) { c.Retries = 2 }) // 524 is an answer: it is not asked again

	st, err := c.DocumentStatus(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, orangedata.StatePending, st.State)
	assert.NoError(t, st.Err())

	st, err = c.DocumentStatus(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, orangedata.StateExpired, st.State)
	assert.ErrorIs(t, st.Err(), orangedata.ErrRegisterOff)
	assert.ErrorContains(t, st.Err(), "under a new ID")

	for range 2 {
		st, err = c.DocumentStatus(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, orangedata.StateRejected, st.State)
		require.Len(t, st.Marks, 1)
		assert.Equal(t, 0, st.Marks[0].Position)
		err = st.Err()
		assert.ErrorIs(t, err, orangedata.ErrMarkRefused)
		assert.ErrorIs(t, err, acquiring.ErrDeclined)
		var marks *orangedata.MarkError
		require.ErrorAs(t, err, &marks)
		assert.Equal(t, st.Marks, marks.Marks)
		assert.ErrorContains(t, err, "items[0]")
		assert.ErrorContains(t, err, "group separators were lost")
	}
	for range 4 {
		st, err = c.DocumentStatus(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, orangedata.StateRejected, st.State)
		assert.ErrorIs(t, st.Err(), orangedata.ErrMarkRefused)
	}
	assert.Len(t, s.requests(), 8)
	for state, text := range map[orangedata.State]string{orangedata.StatePending: "pending", orangedata.StateDone: "done", orangedata.StateRejected: "rejected", orangedata.StateExpired: "expired", 0: "unknown"} {
		assert.Equal(t, text, state.String())
	}
}

func TestCorrectionStatuses(t *testing.T) {
	s := newService(t, answer{status: 200, body: string(file(t, "status_correction.json"))}, answer{status: 202}, answer{status: 524})
	c := s.client()
	st, err := c.CorrectionStatus(t.Context(), "corr-2026-7")
	require.NoError(t, err)
	assert.Nil(t, st.Printed.Content)
	assert.Equal(t, money.Amount(129900), st.Printed.Total())
	assert.Equal(t, orangedata.Rubles(23425), st.Printed.Correction.Tax1Sum)
	st, err = c.Correction12Status(t.Context(), "corr12-88-fix")
	require.NoError(t, err)
	assert.Equal(t, orangedata.StatePending, st.State)
	st, err = c.CorrectionStatus(t.Context(), "x")
	require.NoError(t, err)
	assert.Equal(t, orangedata.StateExpired, st.State, "not listed for it, and possible")
	assert.Equal(t, "/api/v2/correction12/7801234564/status/corr12-88-fix", s.requests()[1].Path)
}

func TestItemCode(t *testing.T) {
	s := newService(t, answer{status: 202}, answer{status: 200, body: string(file(t, "status_itemcode.json"))}, answer{status: 524}, answer{status: 400, body: `{"errors":["нет"]}`}, answer{status: 200, body: `{"id":"mark-1"}`})
	c := s.client()
	st, err := c.ItemCodeStatus(t.Context(), "mark-1")
	require.NoError(t, err)
	assert.Equal(t, orangedata.StatePending, st.State)
	st, err = c.ItemCodeStatus(t.Context(), "mark-1")
	require.NoError(t, err)
	assert.Equal(t, orangedata.StateDone, st.State)
	assert.True(t, st.CheckResult.Good())
	assert.Empty(t, st.CheckResult.Why())
	assert.Equal(t, "010460043993125621JgXJ5.\u001d93Abcd", st.Content.ItemCode)
	assert.Equal(t, "0104600439931256", st.CheckResult.OISMResponse.ItemID)
	st, err = c.ItemCodeStatus(t.Context(), "mark-1")
	require.NoError(t, err)
	assert.Equal(t, orangedata.StateExpired, st.State)
	_, err = c.ItemCodeStatus(t.Context(), "mark-1")
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
	_, err = c.ItemCodeStatus(t.Context(), "mark-1")
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
	_, err = c.ItemCodeStatus(t.Context(), "a/b")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)

	yes := true
	for field, req := range map[string]orangedata.ItemCodeRequest{
		"content.itemCode":      {ID: "m", Content: orangedata.ItemCodeContent{PlannedStatus: 1}},
		"content.plannedStatus": {ID: "m", Content: orangedata.ItemCodeContent{ItemCode: "0104"}},
		"ignoreItemCodeCheck":   {ID: "m", IgnoreItemCodeCheck: &yes, Content: orangedata.ItemCodeContent{ItemCode: "0104", PlannedStatus: 1}},
		"id":                    {Content: orangedata.ItemCodeContent{ItemCode: "0104", PlannedStatus: 1}},
	} {
		var e *acquiring.Error
		require.ErrorAs(t, c.CreateItemCode(t.Context(), req), &e)
		assert.Equal(t, field, e.Field)
	}
}

// The verdict says in words what is wrong with a code.
func TestCheckResultWhy(t *testing.T) {
	for why, r := range map[string]orangedata.CheckResult{
		"": {Result: 15},
		"the code has no AI 91 and 92: its group separators were lost, the state's system did not check it":        {FSCheckStatusCause: 3},
		"the storage could not check it (cause 2), the state's system did not check it in time":                    {FSCheckStatusCause: 2, OISMCheckResultCode: 0xFF},
		"the storage found it wrong, the state's system did not check it (reply code 33)":                          {Result: 1, OISMCheckResultCode: 33},
		"the state's system does not allow this status for it, its circulation is suspended":                       {Result: 7, OISMResponse: &orangedata.OISMResponse{OISMStatus: 3}},
		"the state's system did not check it, the state's system found its format wrong, it is not in circulation": {Result: 3, OISMResponse: &orangedata.OISMResponse{ResultCode: 1, OISMStatus: 2}},
		"the state's system does not allow this status for it, the state's system does not know such a code":       {Result: 7, OISMResponse: &orangedata.OISMResponse{ResultCode: 2}},
	} {
		assert.Equal(t, why, r.Why())
		assert.Equal(t, why == "", r.Good())
	}
}

func TestDevices(t *testing.T) {
	s := newService(t, answer{status: 200, body: string(file(t, "devices.json"))}, answer{status: 400, body: `{"errors":["Группа не найдена"]}`}, answer{status: 200, body: "[]"}, answer{status: 204})
	c := s.client()
	devices, err := c.Devices(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, []orangedata.Device{{DeviceSN: "0000000000004242", FSNumber: "9999078900004242", OFDName: `ООО "Пример ОФД"`, OFDAddress: "10.0.0.5:7779",
		Documents: 740, ExpiresAt: time.Date(2027, 3, 1, 0, 0, 0, 0, time.FixedZone("MSK", 3*60*60))}}, devices)
	_, err = c.Devices(t.Context(), "Группа 1")
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
	assert.ErrorContains(t, err, "Группа не найдена")
	_, err = c.Devices(t.Context(), "")
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
	_, err = c.Devices(t.Context(), "")
	assert.Error(t, err)
	_, err = c.Devices(t.Context(), "../x")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	assert.Equal(t, "/api/v2/devices/status/7801234564/Main_2", s.requests()[0].Path)
	assert.Equal(t, "/api/v2/devices/status/7801234564/%D0%93%D1%80%D1%83%D0%BF%D0%BF%D0%B0%201", s.requests()[1].Path)
}

func TestPing(t *testing.T) {
	s := newService(t, answer{status: 200, body: "Nebula.Api v2"}, answer{status: 200, body: "<html>welcome"}, answer{status: 404})
	c := s.client()
	require.NoError(t, c.Ping(t.Context()))
	assert.ErrorIs(t, c.Ping(t.Context()), acquiring.ErrProtocol)
	assert.Error(t, c.Ping(t.Context()))
	assert.Equal(t, "/api/v2/", s.requests()[0].Path)
}

func TestCheckPermissive(t *testing.T) {
	s := newService(t, answer{status: 200, body: `{"statusCode":200,"result":{"codesResponse":[{"reqId":"r-1","reqTimestamp":1700000000000,"tag1265":"UUID=r-1&Time=1700000000000","isCheckedOffline":false,
		"codes":[{"gtin":"04600439931256","groupIds":[3],"checkResult":{"isSaleAllowed":false,"reason":{"code":5,"description":"не в обороте"}}}]}]}}`},
		answer{status: 200, body: "{}"}, answer{status: 203, body: `{"statusCode":203}`})
	c := s.client()
	req := orangedata.PermissiveRequest{Codes: []orangedata.PermissiveCode{{CIS: []byte("0104\x1d93"), Group: 3, Price: 14990}}, ClientInfo: orangedata.PermissiveClient{Name: "shop", Version: "1", ID: "i", Token: "t"}}
	got, err := c.CheckPermissive(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, 200, got.StatusCode)
	assert.Equal(t, []orangedata.PermissiveResponse{{RequestID: "r-1", RequestAt: "1700000000000", Tag1265: "UUID=r-1&Time=1700000000000",
		Codes: []orangedata.PermissiveVerdict{{GTIN: "04600439931256", GroupIDs: []int{3}, ReasonCode: 5, ReasonMessage: "не в обороте"}}}}, got.Responses)
	assert.Equal(t, seen{http.MethodPost, "/api/v2/piot/codes/check",
		`{"inn":"7801234564","group":"Main_2","key":"7801234564_4242","content":{"codes":[{"cis":"MDEwNB05Mw==","pg":3,"price":149.9}],"clientInfo":{"name":"shop","version":"1","id":"i","token":"t"}}}`}, s.requests()[0])
	_, err = c.CheckPermissive(t.Context(), req)
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
	got, err = c.CheckPermissive(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, 203, got.StatusCode)

	for _, bad := range []orangedata.PermissiveRequest{{}, {Codes: req.Codes}, {Codes: []orangedata.PermissiveCode{{Price: -1}}, ClientInfo: req.ClientInfo}} {
		_, err = c.CheckPermissive(t.Context(), bad)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	}
}

// An ID that its own address could not carry is refused: the document would be
// printed and never found again. Others go into the address escaped.
func TestIDs(t *testing.T) {
	c := offline(t)
	for _, id := range []string{"", strings.Repeat("x", 65), ".", "..", "a/b", `a\b`, "a?b", "a#b", "a%b", " a", "a ", "a\nb", "a\x00", "\xff"} {
		_, err := c.DocumentStatus(t.Context(), id)
		var e *acquiring.Error
		require.ErrorAs(t, err, &e, "%q", id)
		assert.Equal(t, "id", e.Field, "%q", id)
		err = c.CreateDocument(t.Context(), orangedata.DocumentRequest{ID: id})
		assert.ErrorIs(t, err, acquiring.ErrInvalid, "%q", id)
	}
	s := newService(t, answer{status: 202}, answer{status: 202})
	c = s.client()
	_, err := c.DocumentStatus(t.Context(), "Заказ 7")
	require.NoError(t, err)
	_, err = c.DocumentStatus(t.Context(), strings.Repeat("ж", 64))
	require.NoError(t, err)
	assert.Equal(t, "/api/v2/documents/7801234564/status/%D0%97%D0%B0%D0%BA%D0%B0%D0%B7%207", s.requests()[0].Path)
}

// What the caller's Extra may and may not say.
func TestContentExtra(t *testing.T) {
	b, err := json.Marshal(orangedata.Content{Type: 1, Extra: map[string]json.RawMessage{"zeta": []byte("1"), "alpha": []byte(`"a"`)}})
	require.NoError(t, err)
	assert.Equal(t, `{"type":1,"positions":null,"checkClose":{"payments":null},"alpha":"a","zeta":1}`, string(b))
	_, err = json.Marshal(orangedata.Content{Type: 1, Extra: map[string]json.RawMessage{"TYPE": []byte("2")}})
	assert.ErrorContains(t, err, "says again")
	c := offline(t)
	err = c.CreateDocument(t.Context(), orangedata.DocumentRequest{ID: "a", Content: orangedata.Content{Positions: []orangedata.Position{{Extra: map[string]json.RawMessage{"tax": []byte("2")}}}}})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	err = c.CreateCorrection(t.Context(), orangedata.CorrectionRequest{ID: "a", Content: orangedata.CorrectionContent{Extra: map[string]json.RawMessage{"bad": []byte("{")}}})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

// Numbers are read from their text and written by hand: nothing is rounded.
func TestRublesAndDecimals(t *testing.T) {
	for text, want := range map[string]orangedata.Rubles{"149.9": 14990, "8.90000": 890, "50.0": 5000, `"12.34"`: 1234, "null": 0, `""`: 0, "-1.5": -150, "99999999.99": 9999999999, " 1 ": 100} {
		var r orangedata.Rubles
		require.NoError(t, r.UnmarshalJSON([]byte(text)), text)
		assert.Equal(t, want, r, text)
	}
	for _, text := range []string{"0.001", "1e2", "true", "[]", `"x"`, "{}", "-"} {
		var r orangedata.Rubles
		assert.Error(t, r.UnmarshalJSON([]byte(text)), text)
		var d orangedata.Decimal
		if text != "0.001" {
			assert.Error(t, d.UnmarshalJSON([]byte(text)), text)
		}
	}
	for text, want := range map[string]string{"1.000": "1", "0.425": "0.425", `"2"`: "2", "null": "0", "281474976.710655": "281474976.710655"} {
		var d orangedata.Decimal
		require.NoError(t, d.UnmarshalJSON([]byte(text)), text)
		b, err := json.Marshal(d)
		require.NoError(t, err)
		assert.Equal(t, want, string(b))
	}
	b, err := json.Marshal([]orangedata.Rubles{10, 14990, 499000, -5, 9999999999})
	require.NoError(t, err)
	assert.Equal(t, "[0.1,149.9,4990,-0.05,99999999.99]", string(b))
}
