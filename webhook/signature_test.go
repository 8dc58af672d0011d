package webhook

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/race"
)

func TestHMACIsTheStandardLibrarys(t *testing.T) {
	for name, h := range map[string]func() hash.Hash{"md5": md5.New, "sha256": sha256.New, "sha512": sha512.New} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"k", strings.Repeat("long key ", 50)} {
				m, err := NewHMAC(h, []byte(key))
				require.NoError(t, err)
				for _, message := range []string{"", "amount;149990;mdOrder;1;", strings.Repeat("x", 10_000)} {
					std := hmac.New(h, []byte(key))
					std.Write([]byte(message))
					want := std.Sum(nil)
					assert.Equal(t, m.Size(), len(want))
					assert.Equal(t, want, m.Sum(nil, []byte(message)))
					assert.Equal(t, append([]byte("kept"), want...), m.Sum([]byte("kept"), []byte(message)))
					assert.True(t, m.Verify([]byte(message), want))
					assert.True(t, m.VerifyHex([]byte(message), hex.EncodeToString(want)))
					assert.True(t, m.VerifyHex([]byte(message), strings.ToUpper(hex.EncodeToString(want))))
				}
			}
		})
	}
}

func TestHMACRefuses(t *testing.T) {
	m, err := NewHMAC(sha256.New, []byte("key"))
	require.NoError(t, err)
	message := []byte("amount;1;")
	good := m.Sum(nil, message)
	text := hex.EncodeToString(good)

	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1
		assert.False(t, m.Verify(message, bad), "byte %d", i)
		assert.False(t, m.VerifyHex(message, hex.EncodeToString(bad)), "byte %d", i)
	}
	for name, mac := range map[string]string{
		"empty": "", "cut": text[:62], "odd": text[:63], "longer": text + "00", "not hexadecimal": "zz" + text[2:],
		"not hexadecimal at the end": text[:63] + "g", "spaces": " " + text[1:], "twice": text + text,
	} {
		assert.False(t, m.VerifyHex(message, mac), name)
		assert.False(t, m.Verify(message, []byte(mac)), name)
	}
	assert.False(t, m.Verify(message, nil))
	assert.False(t, m.VerifyHex([]byte("amount;2;"), text), "another message")
	other, err := NewHMAC(sha256.New, []byte("other"))
	require.NoError(t, err)
	assert.False(t, other.VerifyHex(message, text), "another key")
}

func TestNewHMACRefusesAnEmptyKey(t *testing.T) {
	for _, key := range [][]byte{nil, {}} {
		_, err := NewHMAC(sha256.New, key)
		require.ErrorIs(t, err, acquiring.ErrInvalid)
	}
	_, err := NewHMAC(nil, []byte("k"))
	require.ErrorIs(t, err, acquiring.ErrInvalid)
}

func TestHMACKeepsItsOwnKey(t *testing.T) {
	key := []byte("secret")
	m, err := NewHMAC(sha256.New, key)
	require.NoError(t, err)
	want := m.Sum(nil, []byte("m"))
	clear(key)
	m.pool.Get() // forces a fresh state at the next use
	assert.Equal(t, want, m.Sum(nil, []byte("m")))
}

func TestHMACConcurrently(t *testing.T) {
	m, err := NewHMAC(sha256.New, []byte("key"))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				message := fmt.Appendf(nil, "message %d of %d", i, g)
				std := hmac.New(sha256.New, []byte("key"))
				std.Write(message)
				if !m.VerifyHex(message, hex.EncodeToString(std.Sum(nil))) {
					t.Errorf("%s: refused", message)
				}
			}
		})
	}
	wg.Wait()
}

func TestHMACAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	m, err := NewHMAC(sha256.New, []byte("key"))
	require.NoError(t, err)
	message := []byte(formOfABank)
	mac := m.Sum(nil, message)
	text := hex.EncodeToString(mac)
	dst := make([]byte, 0, 64)
	assert.Zero(t, testing.AllocsPerRun(200, func() { m.VerifyHex(message, text) }))
	assert.Zero(t, testing.AllocsPerRun(200, func() { m.Verify(message, mac) }))
	assert.Zero(t, testing.AllocsPerRun(200, func() { m.Sum(dst, message) }))
}

func FuzzVerifyHex(f *testing.F) {
	m, err := NewHMAC(sha256.New, []byte("key"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("m"), hex.EncodeToString(m.Sum(nil, []byte("m"))))
	f.Add([]byte(""), "")
	f.Add([]byte("m"), strings.Repeat("zz", 32))
	f.Fuzz(func(t *testing.T, message []byte, mac string) {
		std := hmac.New(sha256.New, []byte("key"))
		std.Write(message)
		got, err := hex.DecodeString(mac)
		want := err == nil && hmac.Equal(got, std.Sum(nil))
		if m.VerifyHex(message, mac) != want {
			t.Fatalf("%q %q: want %v", message, mac, want)
		}
	})
}

func BenchmarkHMAC(b *testing.B) {
	key, message := []byte("key of the bank, thirty-two bytes"), []byte(formOfABank)
	m, err := NewHMAC(sha256.New, key)
	if err != nil {
		b.Fatal(err)
	}
	text := hex.EncodeToString(m.Sum(nil, message))
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !m.VerifyHex(message, text) {
				b.Fatal("refused")
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mac := hmac.New(sha256.New, key)
			mac.Write(message)
			got, err := hex.DecodeString(text)
			if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
				b.Fatal("refused")
			}
		}
	})
}
