package rest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Members finds what encoding/json finds.
func sameMembers(t *testing.T, data []byte) {
	if Object(data) != nil {
		return
	}
	var want map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &want))
	got := map[string][]byte{}
	for name, value := range Members(data) {
		got[string(name)] = value
	}
	assert.Len(t, got, len(want))
	for name, value := range want {
		assert.Equal(t, string(bytes.TrimSpace(value)), string(got[name]), name)
	}
}

func TestMembers(t *testing.T) {
	for _, s := range []string{`{}`, ` { } `, `{"a":1}`, "\n{\"a\" : \"b,}\" ,\t\"c\":[1,{\"d\":\"]\"}] , \"e\" :{\"f\":{}},\"g\":-1.5e3 ,\"h\":null}",
		`{"\u0061\"":"\\","":"\""}`, `{"a":1,"a":2}`, `{"a":[[[]],"\\\""],"b":true}`} {
		require.NoError(t, Object([]byte(s)), s)
		sameMembers(t, []byte(s))
	}
	for _, s := range []string{``, `null`, `[]`, `5`, `{`, `{"a"}`, `{} {}`} {
		assert.Error(t, Object([]byte(s)), s)
	}
	for range Members([]byte(`{"a":1,"b":2}`)) {
		break
	}
}

func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":[1,"]"],"b\u0022":{"c":"}"} , "d":null}`))
	f.Add([]byte("{\"\xff\":1}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sameMembers(t, data)
		for range Members(data) { // whatever it is, it ends
		}
	})
}
