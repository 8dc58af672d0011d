package komtet

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

func written(t *testing.T, v any) string {
	t.Helper()
	b, err := marshal(v)
	require.NoError(t, err)
	return string(b)
}

func TestNumbersAreWrittenExactly(t *testing.T) {
	for sum, want := range map[money.Amount]string{
		0: "0", 1: "0.01", 10: "0.1", 100: "1", 149990: "1499.9", 11098: "110.98", 30: "0.3",
		12345678912: "123456789.12", money.RUB(100_000_000, 1): "100000000.01", 100_000_000_000_000: "1000000000000",
	} {
		assert.Equal(t, want, written(t, Roubles(sum)))
		var back Roubles
		require.NoError(t, json.Unmarshal([]byte(want), &back))
		assert.Equal(t, Roubles(sum), back)
	}
	for q, want := range map[fiscal.Quantity]string{fiscal.Pieces(3): "3", 425000: "0.425", 1: "0.000001", fiscal.Pieces(1_000_000): "1000000"} {
		assert.Equal(t, want, written(t, Quantity(q)))
		var back Quantity
		require.NoError(t, json.Unmarshal([]byte(want), &back))
		assert.Equal(t, Quantity(q), back)
	}
	var r Roubles
	assert.Error(t, json.Unmarshal([]byte("0.30000000000000004"), &r))
	assert.Error(t, json.Unmarshal([]byte("true"), &r))
	assert.Error(t, json.Unmarshal([]byte("1e3"), new(Quantity)))
}

func TestIDKeepsItsKind(t *testing.T) {
	for _, text := range []string{`12`, `"12"`, `"T-1001"`, `"<&>"`, `9007199254740993`} {
		var id ID
		require.NoError(t, json.Unmarshal([]byte(text), &id))
		assert.Equal(t, text, written(t, id))
	}
	assert.Equal(t, TextID("12").String(), NumberID(12).String())
	assert.True(t, ID{}.IsZero())
	assert.False(t, NumberID(0).IsZero())
	assert.Error(t, json.Unmarshal([]byte(`{}`), new(ID)))
}

func TestAnswersAreReadLeniently(t *testing.T) {
	var v struct {
		N1, N2, N3, N4 Int
		T1, T2, T3     Text
		D1, D2         Decimal
	}
	require.NoError(t, json.Unmarshal([]byte(`{"N1":5,"N2":"6","N3":7.0,"N4":null,"T1":"a","T2":12,"T3":null,"D1":-7277.321,"D2":"10.50"}`), &v))
	assert.Equal(t, [4]Int{5, 6, 7, 0}, [4]Int{v.N1, v.N2, v.N3, v.N4})
	assert.Equal(t, [3]Text{"a", "12", ""}, [3]Text{v.T1, v.T2, v.T3})
	_, err := v.D1.Amount()
	assert.Error(t, err, "three decimals are not kopecks")
	sum, err := v.D2.Amount()
	require.NoError(t, err)
	assert.Equal(t, money.RUB(10, 50), sum)
	q, err := Decimal("0.425").Quantity()
	require.NoError(t, err)
	assert.Equal(t, fiscal.Quantity(425000), q)
	for _, bad := range []string{`7.5`, `"x"`, `true`, `[]`, `99999999999999999999`} {
		assert.Error(t, json.Unmarshal([]byte(bad), new(Int)), bad)
	}
}

func TestOrderTimes(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 5, 0, 0, time.UTC)
	assert.Equal(t, `"2026-11-22 10:05"`, written(t, TimeV1(at)))
	assert.Equal(t, `"22.11.2026 10:05"`, written(t, TimeV2(at)))
	var v1 TimeV1
	var v2 TimeV2
	require.NoError(t, json.Unmarshal([]byte(`"2026-11-22 10:05"`), &v1))
	require.NoError(t, json.Unmarshal([]byte(`"22.11.2026 10:05"`), &v2))
	assert.True(t, time.Time(v1).Equal(at) && time.Time(v2).Equal(at))
	assert.Error(t, json.Unmarshal([]byte(`"22.11.2026"`), &v2))
	assert.Error(t, json.Unmarshal([]byte(`{}`), &v1))
}

func TestExtraFields(t *testing.T) {
	p := PositionV2{Name: "a", Extra: Extra{"z": json.RawMessage(`[1]`), "b": json.RawMessage(`true`)}}
	assert.JSONEq(t, `{"name":"a","price":0,"quantity":0,"total":0,"vat":"","measure":0,"payment_method":"","payment_object":"","b":true,"z":[1]}`, written(t, p))
	_, err := marshal(PositionV2{Name: "a", Extra: Extra{"name": json.RawMessage(`"b"`)}})
	assert.ErrorContains(t, err, `"name" is written already`)
	_, err = marshal(CheckV1{Extra: Extra{"x": json.RawMessage(`{`)}})
	assert.Error(t, err)
	_, err = Extra{"x": json.RawMessage(`{`)}.append([]byte(`{}`))
	assert.ErrorContains(t, err, "not JSON")
	b, err := Extra{"x": json.RawMessage(`1`)}.append([]byte(`{}`))
	require.NoError(t, err)
	assert.Equal(t, `{"x":1}`, string(b))
}
