package komtet

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plainSignature is the rule as the documentation words it.
func plainSignature(secret, method, url, body string) string {
	mac := hmac.New(md5.New, []byte(secret))
	mac.Write([]byte(method + url + body))
	return hex.EncodeToString(mac.Sum(nil))
}

func vectors(t testing.TB) (list [][4]string) {
	require.NoError(t, json.Unmarshal([]byte(file(t, "signatures.json")), &list))
	require.Len(t, list, 7)
	return list
}

func TestSignatureVectors(t *testing.T) {
	s, err := newSigner(testSecret)
	require.NoError(t, err)
	for _, v := range vectors(t) {
		assert.Equal(t, v[3], s.sign(v[0], v[1], []byte(v[2])), v)
		assert.True(t, s.verify(v[0], v[1], []byte(v[2]), v[3]), v)
		assert.False(t, s.verify(v[0], v[1]+"/", []byte(v[2]), v[3]), "another address")
		assert.False(t, s.verify(v[0], v[1], append([]byte(v[2]), ' '), v[3]), "another body")
		assert.False(t, s.verify("PATCH", v[1], []byte(v[2]), v[3]), "another method")
		assert.False(t, s.verify(v[0], v[1], []byte(v[2]), strings.ToUpper(v[3])), "upper case is not the service's")
		assert.False(t, s.verify(v[0], v[1], []byte(v[2]), ""))
		assert.False(t, s.verify(v[0], v[1], []byte(v[2]), v[3]+"00"))
	}
}

func BenchmarkSign(b *testing.B) {
	s, err := newSigner(testSecret)
	require.NoError(b, err)
	url := "https://kassa.komtet.ru/api/shop/v2/queues/70451/task"
	body := []byte(compact(b, file(b, "check_v2.json")))
	b.Run("komtet", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.sign("POST", url, body)
		}
	})
	// The bare twin: the same bytes through crypto/hmac, nothing else.
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		message := []byte("POST" + url + string(body))
		for b.Loop() {
			mac := hmac.New(md5.New, []byte(testSecret))
			mac.Write(message)
			hex.EncodeToString(mac.Sum(nil))
		}
	})
}

func TestSignAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	s, err := newSigner(testSecret)
	require.NoError(t, err)
	body := []byte(file(t, "callback_done.json"))
	good := s.sign("POST", testCallback, body)
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() { s.verify("POST", testCallback, body, good) }), 1.0, "the message")
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() { s.sign("POST", testCallback, body) }), 4.0)
}
