package rest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Members finds what encoding/json finds, and refuses what it refuses.
func sameMembers(t *testing.T, data []byte) {
	got, texts := map[string][]byte{}, map[string]string{}
	err := Members(data, func(name, value []byte) bool {
		got[string(name)] = value
		return true
	})
	assert.Equal(t, err, Members(string(data), func(name, value string) bool {
		texts[name] = value
		return true
	}))
	var want map[string]json.RawMessage
	if json.Unmarshal(data, &want) != nil || want == nil {
		assert.Error(t, err, "%q", data)
		return
	}
	require.NoError(t, err, "%q", data)
	assert.Len(t, got, len(want), "%q", data)
	for name, value := range want {
		assert.Equal(t, string(bytes.TrimSpace(value)), string(got[name]), name)
		assert.Equal(t, string(got[name]), texts[name])
		var s, own string
		if json.Unmarshal(value, &s) == nil && got[name][0] == '"' {
			own, err = Text(got[name])
			require.NoError(t, err)
			assert.Equal(t, s, own)
		}
	}
}

func TestMembers(t *testing.T) {
	for _, s := range []string{`{}`, ` { } `, `{"a":1}`, "\n{\"a\" : \"b,}\" ,\t\"c\":[1,{\"d\":\"]\"}] , \"e\" :{\"f\":{}},\"g\":-1.5e3 ,\"h\":null}",
		`{"\u0061\"":"\\","":"\""}`, `{"a":1,"a":2}`, `{"a":[[[]],"\\\""],"b":true}`, `{"a":0,"b":-0.10E+05,"c":false,"d":"\/\b\f\n\r\t\uD83d\uDE00"}`,
		"{\"\xff\":\"\xff\"}", `{"Счёт":"оплачен"}`} {
		require.NoError(t, Members(s, func(string, string) bool { return true }), s)
		sameMembers(t, []byte(s))
	}
	for _, s := range []string{``, ` `, `null`, `[]`, `5`, `{`, `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{,"a":1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":1;"b":2}`, `{} {}`, `{"a":1}x`,
		`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":-}`, `{"a":1e}`, `{"a":nul}`, `{"a":True}`, `{"a":"}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\u12`, `{"a":"\`,
		"{\"a\":\"\n\"}", "{\"a\x00\":1}", `{"a":[1,]}`, `{"a":[}`, `{"a":[1}]`, `{"a":{"b"}}`, `{"a":"b"c}`, `{a:1}`, `{"a":1,"b"}`} {
		assert.Error(t, Members(s, func(string, string) bool { return true }), s)
		sameMembers(t, []byte(s))
	}
	seen := 0
	require.NoError(t, Members(`{"a":1,"b":2} and so on`, func(string, string) bool { seen++; return false }))
	assert.Equal(t, 1, seen)
}

// Texts are looked through eight bytes at a time: each byte is found in each place.
func TestEveryByteInEveryPlace(t *testing.T) {
	for place := range 20 {
		for c := range 256 {
			inner := []byte("abcdefghijklmnopqrst")
			inner[place] = byte(c)
			quoted := append(append([]byte{'"'}, inner...), '"')
			got, err := Text(quoted)
			var want string
			if json.Unmarshal(quoted, &want) != nil {
				assert.Error(t, err, "%q", quoted)
				continue
			}
			require.NoError(t, err, "%q", quoted)
			assert.Equal(t, want, got)
			if end, has := textEnd(append(quoted, "\xff      "...), 1); c != '\\' {
				assert.Equal(t, len(quoted), end, "%q", quoted)
				assert.Equal(t, c >= 0x80, has == wide, "%q", quoted)
			}
		}
	}
}

func TestDepth(t *testing.T) {
	for s, want := range map[string]int{``: 0, `5`: 0, `{}`: 1, `[{"a":[]},[]]`: 3, `{"[[[":"]"}`: 1, `[[[[`: 4, `]]]][[`: 0, `["\"[[[","]"]`: 1, `["[[[`: 1} {
		assert.Equal(t, want, Depth(s), s)
		assert.Zero(t, testing.AllocsPerRun(10, func() { Depth(s) }))
	}
}

func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":[1,"]"],"b\u0022":{"c":"}"} , "d":null}`))
	f.Add([]byte("{\"\xff\":1}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sameMembers(t, data)
	})
}
