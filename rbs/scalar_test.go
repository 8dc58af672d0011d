package rbs

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

func TestTextReadsAnyScalar(t *testing.T) {
	for in, want := range map[string]string{
		`"0863622194234"`: "0863622194234", `0`: "0", `20157880`: "20157880", `true`: "true", `null`: "",
		`{}`: "", `[1]`: "", `"a\"bЯ"`: `a"bЯ`, `"Доступ запрещён"`: "Доступ запрещён", `""`: "",
		`12345678901234567890`: "12345678901234567890",
	} {
		var s struct{ V Text }
		require.NoError(t, json.Unmarshal([]byte(`{"V":`+in+`}`), &s), in)
		assert.Equal(t, want, s.V.String(), in)
	}
}

func TestIntReadsNumbersAndTexts(t *testing.T) {
	for in, want := range map[string]Int{
		`154990`: Num(154990), `"154990"`: Num(154990), `"100.00"`: Num(100), `-2007`: Num(-2007), `"-100"`: Num(-100),
		`null`: {}, `""`: {}, `0`: Num(0), `999999999999`: Num(999999999999),
	} {
		var s struct{ V Int }
		require.NoError(t, json.Unmarshal([]byte(`{"V":`+in+`}`), &s), in)
		assert.Equal(t, want, s.V, in)
	}
	for _, in := range []string{`1.5`, `"abc"`, `1e3`, `{}`, `[]`, `"1 000"`, `99999999999999999999`} {
		var s struct{ V Int }
		assert.Error(t, json.Unmarshal([]byte(`{"V":`+in+`}`), &s), in)
	}
	out, err := json.Marshal([]Int{Num(5), {}})
	require.NoError(t, err)
	assert.Equal(t, `[5,null]`, string(out))
	assert.Equal(t, "5", Num(5).String())
	assert.Empty(t, Int{}.String())
	assert.Equal(t, money.Amount(5), Num(5).Amount())
}

func TestBoolTimeAndList(t *testing.T) {
	var s struct {
		A, B, C, D Bool
		T          []Time
		L1, L2, L3 List[NamedValue]
	}
	require.NoError(t, json.Unmarshal([]byte(`{"A":true,"B":"TRUE","C":1,"D":"no",
		"T":[1772518500123,"1772518500123","2017-12-12T12:12:12","03.03.2026 12:16:40","nonsense",null,0,99999999999999999,"2026-03-03T09:00:00Z"],
		"L1":[{"name":"a","value":1}],"L2":{"name":"b","value":"x"},"L3":null}`), &s))
	assert.True(t, bool(s.A && s.B && s.C))
	assert.False(t, bool(s.D))
	assert.Equal(t, int64(1772518500123), s.T[0].UnixMilli())
	assert.Equal(t, s.T[0], s.T[1])
	assert.Equal(t, time.Date(2017, 12, 12, 9, 12, 12, 0, time.UTC), s.T[2].Time, "Moscow time")
	assert.Equal(t, time.Date(2026, 3, 3, 9, 16, 40, 0, time.UTC), s.T[3].Time)
	for _, i := range []int{4, 5, 6, 7} {
		assert.True(t, s.T[i].IsZero(), i)
	}
	assert.Equal(t, time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC), s.T[8].Time)
	assert.Equal(t, "1", Lookup(s.L1, "a"))
	assert.Equal(t, "x", Lookup(s.L2, "b"))
	assert.Empty(t, Lookup(s.L1, "z"))
	assert.Nil(t, s.L3)
	out, err := json.Marshal(s.T[:1])
	require.NoError(t, err)
	assert.Equal(t, "[1772518500123]", string(out))
	out, err = json.Marshal(Time{})
	require.NoError(t, err)
	assert.Equal(t, "null", string(out))
	assert.Error(t, json.Unmarshal([]byte(`{"L1":[1]}`), &s))
	assert.Error(t, json.Unmarshal([]byte(`{"L1":{"name":`), &s))
}

func TestRequestTimeHasNoZone(t *testing.T) {
	at := time.Date(2026, 3, 3, 9, 16, 40, 0, time.UTC)
	out, err := json.Marshal(struct {
		A DateTime `json:"a"`
		B DateTime `json:"b,omitzero"`
	}{A: DateTime{at}})
	require.NoError(t, err)
	assert.Equal(t, `{"a":"2026-03-03T12:16:40"}`, string(out))
	v, err := Form(struct {
		A DateTime `url:"a,omitempty"`
		B DateTime `url:"b,omitempty"`
		C Params   `url:"c,omitempty"`
		D Params   `url:"d"`
	}{A: DateTime{at}, C: Params{"ключ": "<&>"}}, nil)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"a": {"2026-03-03T12:16:40"}, "c": {`{"ключ":"<&>"}`}}, v)
}

func TestFormHasNoEmptyParametersAndKopecks(t *testing.T) {
	request := struct {
		Amount   money.Amount `url:"amount"`
		Zero     money.Amount `url:"zero"`
		Empty    string       `url:"empty"`
		Nil      *string      `url:"nil"`
		Params   JSONText     `url:"params"`
		NoParams JSONText     `url:"none"`
		Flag     bool         `url:"flag,omitempty"`
	}{Amount: money.RUB(1549, 90), Params: JSONText{map[string]string{"a": "b"}}}
	v, err := Form(request, map[string]string{"extra": "1", "void": ""})
	require.NoError(t, err)
	assert.Equal(t, url.Values{"amount": {"154990"}, "zero": {"0"}, "params": {`{"a":"b"}`}, "extra": {"1"}}, v)
	_, err = Form(request, map[string]string{"amount": "1"})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = Form(5, nil)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = Form(struct {
		P JSONText `url:"p"`
	}{JSONText{func() {}}}, nil)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

func TestJoinJSON(t *testing.T) {
	assert.Equal(t, `{"a":1,"b":2}`, string(JoinJSON([]byte(`{"a":1}`), []byte(`{}`), nil, []byte(`{"b":2}`))))
	assert.Equal(t, `{}`, string(JoinJSON()))
}

func TestCurrencies(t *testing.T) {
	for code, want := range map[string]string{"643": "RUB", "810": "RUB", "": "RUB", "RUR": "RUB", "978": "EUR", "999": "999"} {
		assert.Equal(t, want, CurrencyLetters(code))
	}
	for letters, want := range map[string]string{"RUB": "643", "": "643", "EUR": "978"} {
		got, ok := CurrencyCode(letters)
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	_, ok := CurrencyCode("XXX")
	assert.False(t, ok)
}

func TestMasking(t *testing.T) {
	assert.Equal(t, "220220******2424", MaskPAN("2202202020202424"))
	assert.Equal(t, "400000********02", MaskPAN("4000 00** **** **02"))
	assert.Equal(t, "*****", MaskPAN("12345"))
	assert.Empty(t, MaskPAN(""))
	c := CardOf("2202202020202424", "203505")
	assert.Equal(t, acquiring.Card{Masked: "220220******2424", ExpiryMonth: 5, ExpiryYear: 2035}, *c)
	assert.Nil(t, CardOf("", "203505"))
	assert.Zero(t, CardOf("1*", "20351305").ExpiryYear)
}

func TestActions(t *testing.T) {
	assert.Equal(t, "not enough money", ActionMeaning(116))
	assert.Equal(t, acquiring.Failure{Code: "-2007", Message: "the time to pay is over"}, *FailureOf(-2007, ""))
	assert.Equal(t, "Недостаточно средств", FailureOf(116, "Недостаточно средств").Message)
	assert.True(t, BindingIsDead(101))
	assert.False(t, BindingIsDead(116))
	assert.True(t, OutcomeOpen(1019))
	assert.True(t, OutcomeOpen(2008), "not finished yet")
	assert.False(t, OutcomeOpen(0))
	assert.False(t, IsDecline(-100))
	assert.True(t, IsDecline(-5031))
}

func TestNotFoundIsToldByWords(t *testing.T) {
	for _, m := range []string{"Заказ не найден", "Неверный номер заказа", "Неверныий номер заказа", "ЗАКАЗ   НЕ НАЙДЁН"} {
		assert.True(t, NotFound("5", m, "5", "9"), m)
		assert.True(t, NotFound("9", m, "5", "9"), m)
		assert.False(t, NotFound("7", m, "5", "9"), m)
	}
	for _, m := range []string{"Доступ запрещён", "Номер заказа пуст", "Мерчант не найден", "Error, value of the request parameter"} {
		assert.False(t, NotFound("5", m, "5", "9"), m)
	}
	assert.True(t, NotFound("6", ""))
}
